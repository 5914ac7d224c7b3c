// Constants as text, and a tree on one line (`symbolic/text.py`).
import { exponentText, fixedText, repr } from "./decimals.mjs";
import { layOut, withoutMinus } from "./boxes.mjs";

const SIGNS = new Map([[0.5, "½"], [0.25, "¼"], [Math.PI, "π"]]);
const MOST_SHARES = 10 ** 6;
const LONG_DIGITS = 8;

/** Return the fraction that a mean over so many numbers brings in: 1/n, or a square's 2/n. */
export const fractionOf = (value) => {
  const size = Math.abs(value);
  if (!(1 / MOST_SHARES <= size && size < 1) || repr(size).length <= LONG_DIGITS) return null;
  for (const above of [1, 2]) {
    const below = Math.round(above / size);
    if (above / below === size) return [above, below];
  }
  return null;
};

/** Write a constant of a formula: `2`, `½`, `(1/18)`; without `signs` in digits. */
export const constantText = (value, whole = false, signs = true) => {
  const minus = value < 0 ? "-" : "";
  if (signs && SIGNS.has(Math.abs(value))) return minus + SIGNS.get(Math.abs(value));
  const parts = fractionOf(value);
  if (parts) return `${minus}(${parts[0]}/${parts[1]})`;
  if (Math.abs(value) < 1e15 && Number.isInteger(value)) return String(value + 0);
  const text = repr(value);
  const digits = text.split("e")[0].replace(/^[-0.]+/, "").replace(".", "");
  if (whole || digits.length <= 10) return text;
  const short = significantText(value, 8);
  return Number(short) !== Math.round(value) ? short : text;
};

/** A number with all of its digits, without a point behind a whole one. */
export const short = (value) => repr(value).replace(/\.0$/, "");

/** Write with so many significant digits, as Python's `g` does. */
export const significantText = (value, digits) => {
  if (!Number.isFinite(value)) return repr(value);
  const [mantissa, last] = value.toExponential(digits - 1).split("e");
  const exponent = Number(last);
  const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent < -4 || exponent >= digits) return trimmed(mantissa) + exponentText(exponent);
  return trimmed(value.toFixed(Math.max(digits - 1 - exponent, 0)));
};

/** Write a tree on one line, its leaves by `write`. */
export const toText = (tree, write) => {
  const leaf = (each) => {
    const text = write(each);
    const minus = text.startsWith("-");
    return { box: "leaf", node: each, text: minus ? text.slice(1) : text, minus };
  };
  return boxText(layOut(tree, leaf));
};

const boxText = (box) => {
  switch (box.box) {
    case "leaf":
      return box.minus ? `-${box.text}` : box.text;
    case "product":
      return box.parts.map(boxText).join("·");
    case "sum":
      return box.parts.map((term, k) => {
        const bare = k ? withoutMinus(term) : null;
        return `${k ? (bare ? " - " : " + ") : ""}${boxText(bare ?? term)}`;
      }).join("");
    case "negative":
      return `-${boxText(box.parts[0])}`;
    case "fence":
      return `(${boxText(box.parts[0])})`;
    case "fraction":
      return box.parts.map(boxText).join("/");
    case "power": {
      const [base, exponent] = box.parts;
      const value = exponent.box === "leaf" && exponent.node.kind === "number" ? exponent.node.value : 0;
      const raised = { 2: "²", 3: "³" }[value];
      return raised ? boxText(base) + raised : `${boxText(base)}^${boxText(exponent)}`;
    }
    case "application": {
      const inside = box.parts.map(boxText).join(", ");
      return box.name === "gate" ? `[${inside} > 0]` : `${box.name}(${inside})`;
    }
    default:
      throw new TypeError(`no text for ${box.box}`);
  }
};

/** Write `1 row`, `1,024 rows`; a count alone without a noun. */
export const counted = (count, noun = "") =>
  `${count.toLocaleString("en-US")}${noun && ` ${noun}${count === 1 ? "" : "s"}`}`;

/** Fill the slots of a template, `{units}`. */
export const filled = (template, slots) => template.replace(/\{(\w+)\}/g, (_, name) => slots[name]);

/** Write an amount with its sign; never a zero that is none. */
export const signedText = (amount) => {
  const sign = amount < 0 || Object.is(amount, -0) ? "" : "+";
  const text = fixedText(amount, 4);
  if (Number(text) || !amount) return sign + text;
  const [mantissa, last] = amount.toExponential(1).split("e");
  return sign + mantissa + exponentText(Number(last));
};
