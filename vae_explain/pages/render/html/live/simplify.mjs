// Folds the constants of a tree, as `symbolic/simplify.py` does for one element.
export const constant = (value) => ({ kind: "number", value, parts: [] });
const isNumber = (tree, value) => tree.kind === "number" && tree.value === value;

/** What two trees that are alike have in common, as text. */
const keyOf = (tree) => {
  switch (tree.kind) {
    case "number":
      return String(tree.value);
    case "ref":
      return `r${tree.array}.${tree.place}`;
    default:
      return `${tree.kind}${tree.name ?? ""}(${tree.parts.map(keyOf).join()})`;
  }
};

export const simplify = (tree) => {
  const { kind, parts } = tree;
  switch (kind) {
    case "add":
      return foldSum(parts);
    case "mul":
    case "neg":
      return scaled(...split(tree));
    case "div": {
      const [above, below] = parts.map(simplify);
      if (below.kind === "number" && above.kind === "number" && below.value) {
        return constant(above.value / below.value);
      }
      return isNumber(below, 1) || isNumber(above, 0) ? above : { kind, parts: [above, below] };
    }
    case "pow": {
      const [base, exponent] = parts.map(simplify);
      if (isNumber(exponent, 1)) return base;
      return isNumber(exponent, 0) ? constant(1) : { kind, parts: [base, exponent] };
    }
    case "apply":
      return { ...tree, parts: parts.map(simplify) };
    default:
      return tree;
  }
};

/** Take a product apart into its constant and its other factors. */
const split = (tree) => {
  switch (tree.kind) {
    case "ref":
      return [1, [tree]];
    case "number":
      return [tree.value, []];
    case "neg": {
      const [coefficient, factors] = split(tree.parts[0]);
      return [-coefficient, factors];
    }
    case "mul": {
      let coefficient = 1;
      const rest = [];
      for (const factor of tree.parts) {
        const [inner, others] = split(factor);
        coefficient *= inner;
        rest.push(...others);
      }
      return [coefficient, rest];
    }
    default: {
      const folded = simplify(tree);
      return ["number", "mul", "neg"].includes(folded.kind) ? split(folded) : [1, [folded]];
    }
  }
};

const scaled = (coefficient, factors) => {
  if (coefficient === 0 || !factors.length) return constant(coefficient + 0);
  if (coefficient === 1) return factors.length === 1 ? factors[0] : { kind: "mul", parts: factors };
  return { kind: "mul", parts: [constant(coefficient), ...factors] };
};

const foldSum = (terms) => {
  const collected = new Map();
  for (const [coefficient, factors] of flatTerms(terms)) {
    const key = factors.map(keyOf).join("·");
    const known = collected.get(key);
    if (known) known[0] += coefficient;
    else collected.set(key, [coefficient, factors]);
  }
  const kept = [...collected.values()].filter(([coefficient]) => coefficient);
  if (!kept.length) return constant(0);
  if (kept.length === 1) return scaled(...kept[0]);
  const common = Math.abs(kept[0][0]);
  if (common !== 1 && kept.every(([coefficient]) => Math.abs(coefficient) === common)) {
    return scaled(common, [orderedSum(kept.map(([c, factors]) => [c / common, factors]))]);
  }
  return orderedSum(kept);
};

const flatTerms = (terms) =>
  terms.flatMap((term) => {
    const [coefficient, factors] = split(term);
    if (factors.length !== 1 || factors[0].kind !== "add") return [[coefficient, factors]];
    return flatTerms(factors[0].parts).map(([inner, others]) => [coefficient * inner, others]);
  });

/** A sum that opens with a minus reads badly: the first positive term goes in front. */
const orderedSum = (parts) => {
  let ordered = parts;
  if (parts[0][0] < 0) {
    const first = Math.max(parts.findIndex(([coefficient]) => coefficient > 0), 0);
    ordered = [parts[first], ...parts.slice(0, first), ...parts.slice(first + 1)];
  }
  return { kind: "add", parts: ordered.map((part) => scaled(...part)) };
};
