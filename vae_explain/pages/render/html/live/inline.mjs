// Arithmetic in running text, whose numbers are links and whose sums can be broken (`inline.py`).
import { layOut, withoutMinus } from "./boxes.mjs";

export const MINUS = "−";
const LONG = 26;
const WHOLE_LINE = 60;

export const escapeText = (text) =>
  text.replace(/[&<>"']/g, (sign) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#x27" }[sign]};`);

/** Write words with numbers in them, powers of ten as powers. */
export const raised = (text) =>
  escapeText(text).replace(/(?<=\d)e([+−])(\d+)/g, (_, sign, digits) =>
    `·10<sup>${sign === "+" ? "" : sign}${Number(digits)}</sup>`);
/** Write a number with a real minus and its power of ten as one. */
export const typeset = (text) =>
  raised(text.replaceAll("-", MINUS).replaceAll("inf", "∞"));

/** Lay out a tree in numbers: `write` gives digits, `linked` puts them into markup. */
export const inNumbers = (tree, write, linked) =>
  layOut(tree, (node) => {
    const text = write(node);
    const minus = text.startsWith("-");
    const digits = minus ? text.slice(1) : text;
    if (node.kind === "number") return { box: "leaf", node, text: typeset(digits), minus };
    return { box: "leaf", node, text: linked(node, digits), minus, compound: digits.includes("e") };
  }, true);

/** Write a whole line, whose long summands stay whole as far as a line has room. */
export const lineMarkup = (box) =>
  summandMarkup(box).map((piece) => {
    const bare = piece.startsWith(" ") ? piece.slice(1) : piece;
    const held = isLong(bare) ? `<span class="long">${bare}</span>` : bare;
    return piece === bare ? held : ` ${held}`;
  }).join("");

/** Write one piece for each summand, each with the sign before it. */
export const summandMarkup = (box) => {
  const [first, ...others] = box.box === "sum" ? box.parts : [box];
  return [inlineMarkup(first), ...others.map(continuedMarkup)];
};
const continuedMarkup = (term) => {
  const bare = withoutMinus(term);
  return ` ${signMarkup(bare ? MINUS : "+")}&nbsp;${inlineMarkup(bare ?? term)}`;
};

export const inlineMarkup = (box) => {
  const { parts } = box;
  switch (box.box) {
    case "leaf":
    case "product": {
      const bare = withoutMinus(box);
      if (bare) return MINUS + inlineMarkup(bare);
      if (box.box === "leaf") return box.text;
      const times = '<span class="sign times">·</span>';
      const made = parts.map(inlineMarkup);
      const whole = made.join(times);
      return isLong(whole) ? made.join(`<wbr>${times}`) : whole;
    }
    case "negative":
      return MINUS + inlineMarkup(parts[0]);
    case "sum":
      return summandMarkup(box).join("");
    case "fraction": {
      const [before, after] = parts.map(inlineMarkup);
      const several = (before + after).split("<a ").length - 1 > 2 || isLong(before + after);
      return `${before}${several ? "<wbr>" : ""}${signMarkup("/")}${after}`;
    }
    case "power": {
      const exponent = parts[1].box === "fence" ? parts[1].parts[0] : parts[1];
      return `${inlineMarkup(parts[0])}<sup>${inlineMarkup(exponent)}</sup>`;
    }
    case "application": {
      const made = parts.map(inlineMarkup);
      if (box.name === "sqrt") return `√${fencedMarkup(made[0])}`;
      if (box.name === "abs") return fencedMarkup(made[0], "|", "|");
      if (box.name === "gate") return fencedMarkup(`${made[0]}&nbsp;${signMarkup("&gt;")}&nbsp;0`, "[", "]");
      if (box.name === "relu") return `max${fencedMarkup(`0, ${made[0]}`)}`;
      return escapeText(box.name) + fencedMarkup(made.join(", "));
    }
    case "fence":
      return fencedMarkup(inlineMarkup(parts[0]));
    default:
      throw new TypeError(`no markup for ${box.box}`);
  }
};

const fencedMarkup = (inside, before = "(", after = ")") => {
  const whole = signMarkup(before) + inside + signMarkup(after);
  const length = lengthOf(whole);
  if (length <= LONG) return whole.replaceAll("<wbr>", "").replace(/ (?![^<]*>)/g, "&nbsp;");
  return length <= WHOLE_LINE ? `<span class="whole">${whole}</span>` : whole;
};
const isLong = (markup) => lengthOf(markup) > LONG;
const lengthOf = (markup) => markup.replace(/<[^>]*>/g, "").replace(/&[^;]+;/g, "x").length;
const signMarkup = (text) => `<span class="sign">${text}</span>`;
