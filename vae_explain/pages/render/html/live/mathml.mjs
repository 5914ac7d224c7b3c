// The symbols of a line as MathML (`mathml.py`).
import { layOut, withoutMinus } from "./boxes.mjs";
import { escapeText, MINUS } from "./inline.mjs";
import { constant } from "./simplify.mjs";
import { constantText, fractionOf } from "./text.mjs";

const row = (inside) => `<mrow>${inside}</mrow>`;
const PREFIX_MINUS = `<mo form="prefix">${MINUS}</mo>`;
const FRACTIONS = { "½": [1, 2], "¼": [1, 4] };

/** Write a tree in symbols, a piece for each summand; `symbol` writes a number of the run. */
export const inSymbols = (tree, symbol) => {
  const box = layOut(tree, (node) => {
    if (node.kind === "number") return constantLeaf(node);
    if (node.kind === "rest") return { box: "leaf", node, text: `<mtext>${escapeText(node.name)}</mtext>` };
    return { box: "leaf", node, ...symbol(node) };
  });
  const [first, ...others] = box.box === "sum" ? box.parts : [box];
  return [symbolMarkup(first), ...others.map(nextMarkup)];
};

const constantLeaf = (node) => {
  const text = constantText(node.value);
  const minus = text.startsWith("-");
  const [digits, power] = (minus ? text.slice(1) : text).split("e");
  const parts = fractionOf(node.value) ?? FRACTIONS[digits];
  if (parts) {
    const [above, below] = parts;
    return { box: "leaf", node, text: `<mfrac><mn>${above}</mn><mn>${below}</mn></mfrac>`, minus, compound: true };
  }
  if (power === undefined) return { box: "leaf", node, text: `<mn>${digits}</mn>`, minus };
  const sign = power.startsWith("-") ? MINUS : "";
  const ten = `<msup><mn>10</mn><mn>${sign}${Math.abs(Number(power))}</mn></msup>`;
  const whole = digits === "1" ? ten : `<mn>${digits}</mn><mo>·</mo>${ten}`;
  return { box: "leaf", node, text: whole, minus, compound: true };
};

export const constantMarkup = (value) => constantLeaf(constant(value)).text;

const nextMarkup = (term) => {
  const bare = withoutMinus(term);
  return `<mo form="infix">${bare ? MINUS : "+"}</mo>${symbolMarkup(bare ?? term)}`;
};

const symbolMarkup = (box) => {
  const { parts } = box;
  switch (box.box) {
    case "leaf":
    case "product": {
      const bare = withoutMinus(box);
      if (bare) return row(PREFIX_MINUS + symbolMarkup(bare));
      return box.box === "leaf" ? box.text : parts.map(symbolMarkup).join("<mo>·</mo>");
    }
    case "negative":
      return row(PREFIX_MINUS + symbolMarkup(parts[0]));
    case "sum":
      return [symbolMarkup(parts[0]), ...parts.slice(1).map(nextMarkup)].join("");
    case "fraction":
      return `<mfrac>${row(symbolMarkup(parts[0]))}${row(symbolMarkup(parts[1]))}</mfrac>`;
    case "power": {
      const base = symbolMarkup(parts[0]);
      return `<msup>${parts[0].box === "fence" ? base : row(base)}${row(symbolMarkup(parts[1]))}</msup>`;
    }
    case "application": {
      const made = parts.map(symbolMarkup);
      if (box.name === "sqrt") return `<msqrt>${made[0]}</msqrt>`;
      if (box.name === "abs") return tall(made[0], "|", "|");
      if (box.name === "gate") return tall(`${made[0]}<mo>&gt;</mo><mn>0</mn>`, "[", "]");
      if (box.name === "relu") return appliedMarkup("max", ["<mn>0</mn>", made[0]]);
      return appliedMarkup(box.name, made);
    }
    case "fence":
      return box.inLine ? symbolMarkup(parts[0]) : tall(symbolMarkup(parts[0]));
    default:
      throw new TypeError(`no symbols for ${box.box}`);
  }
};
const appliedMarkup = (name, made) =>
  `<mi class="name">${escapeText(name)}</mi><mo>&#x2061;</mo>${tall(made.join("<mo>,</mo>"))}`;
const tall = (inside, before = "(", after = ")") => {
  const still = inside.includes("<mfrac") ? "" : ' stretchy="false"';
  return `<mrow><mo form="prefix"${still}>${before}</mo>${row(inside)}<mo form="postfix"${still}>${after}</mo></mrow>`;
};
