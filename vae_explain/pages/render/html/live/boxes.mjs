// How a formula is laid out: where parentheses stand, and where a minus goes (`symbolic/boxes.py`).
//
// A leaf is { box: "leaf", node, text, minus, compound }; the other boxes hold their parts.
const FACTOR = ["sum"];
const SUMMAND = ["sum"];
const NUMERATOR = ["sum"];
const DENOMINATOR = ["sum", "product", "fraction"];
const EXPONENT = ["sum", "product", "fraction", "power"];
const BASE = EXPONENT;

/** Lay out a tree over single numbers, whose leaves `leaf` writes. */
export const layOut = (tree, leaf, minusFirst = false) => {
  const lay = (part) => layOut(part, leaf, minusFirst);
  const { kind, parts } = tree;
  switch (kind) {
    case "number":
    case "ref":
    case "rest":
      return leaf(tree);
    case "mul":
      return laidProduct(parts, lay);
    case "add":
      return { box: "sum", parts: parts.map(lay) };
    case "neg":
      return { box: "negative", parts: [fenced(lay(parts[0]), SUMMAND)] };
    case "div": {
      const above = lay(parts[0]);
      const below = fenced(lay(parts[1]), DENOMINATOR, true);
      const bare = minusFirst ? withoutMinus(above) : null;
      if (bare && above.box !== "sum") {
        return { box: "negative", parts: [{ box: "fraction", parts: [bare, below] }] };
      }
      return { box: "fraction", parts: [fenced(above, NUMERATOR, true), below] };
    }
    case "pow": {
      const base = lay(parts[0]);
      const isCompound = base.box === "leaf" && base.compound;
      const below = isCompound ? { box: "fence", parts: [base] } : fenced(base, BASE);
      return { box: "power", parts: [below, fenced(lay(parts[1]), EXPONENT, true)] };
    }
    case "apply":
      return { box: "application", name: tree.name, parts: parts.map(lay) };
    default:
      throw new TypeError(`no way to write ${kind}`);
  }
};

const laidProduct = (factors, lay) => {
  const isMinus = factors.length > 1 && factors[0].kind === "number" && factors[0].value === -1;
  const boxes = (isMinus ? factors.slice(1) : factors).map((factor, position) =>
    fenced(lay(factor), FACTOR, false, position === 0 && !isMinus));
  const product = { box: "product", parts: boxes };
  return isMinus ? { box: "negative", parts: [product] } : product;
};

const fenced = (box, loose, inLine = false, mayOpen = false) =>
  loose.includes(box.box) || (!mayOpen && opensWithMinus(box))
    ? { box: "fence", parts: [box], inLine }
    : box;

const opensWithMinus = (box) => {
  let first = box;
  while (first.box === "product" || first.box === "sum") [first] = first.parts;
  return first.box === "negative" || (first.box === "leaf" && first.minus);
};

/** Return a box without the minus that it starts with; null if there is none. */
export const withoutMinus = (box) => {
  if (!opensWithMinus(box)) return null;
  if (box.box === "negative") return box.parts[0];
  if (box.box === "leaf") return { ...box, minus: false };
  const bare = withoutMinus(box.parts[0]);
  return bare && { ...box, parts: [bare, ...box.parts.slice(1)] };
};
