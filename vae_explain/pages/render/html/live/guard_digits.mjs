// How many digits the numbers of a line need, so that the line gives its result as printed.
//
// As `render/guard_digits.py`: decided in fifty digits, or in float64 where that is plain enough.
import {
  adjusted, compare, decimal, exactly, expOf, isZero, logOf, magnitude, negative, over, ownDecimals,
  plus, raisedTo, repr, rootOf, times, toFloat, written,
} from "./decimals.mjs";
import { evaluate, leavesOf, power } from "./expression.mjs";
import { FUNCTIONS } from "./functions.mjs";
import { constant } from "./simplify.mjs";

export const WHOLE = 17;
const SIGNIFICANT = 2;
const ONE = { n: 1n, e: 0 };
const TO_ALL_DIGITS = {
  exp: expOf,
  log: logOf,
  sqrt: rootOf,
  sigmoid: (x) => over(ONE, plus(ONE, expOf(negative(x)))),
  tanh: (x) => plus(ONE, negative(over({ n: 2n, e: 0 }, plus(ONE, expOf(times({ n: 2n, e: 0 }, x)))))),
  softplus: (x) => logOf(plus(ONE, expOf(x))),
};
const OF_ANY_LIBRARY = new Set(["exp", "log", "sqrt", "relu", "abs", "gate", "max"]);

/** Choose the digits of one line: the result's usual ones, if whole operands give them. */
export const digitsFor = (tree, shown, resultText, writeLeaf) => {
  const leaves = leavesOf(tree);
  if (![shown, ...leaves.map((leaf) => leaf.value)].every(Number.isFinite)) {
    return { guards: 0, result: resultText, shorter: false };
  }
  const read = (further) => new Reading(tree, leaves.map((leaf) => writeLeaf(leaf, further)));
  const readings = [read(0)]; // with 0, 1, 2, … further decimals
  if (readings[0].gives(resultText)) return { guards: 0, result: resultText, shorter: false };
  const whole = read(WHOLE);
  if (!whole.isFinite()) return { guards: 0, result: resultText, shorter: false };

  const guardsFor = (text) => {
    if (!whole.gives(text)) return null;
    for (let further = 0; further < WHOLE; further += 1) {
      if (further === readings.length) readings.push(read(further));
      if (readings[further].gives(text)) return further;
    }
    return WHOLE;
  };
  const usual = decimalsOf(resultText);
  for (const text of candidates(shown, resultText)) {
    const guards = guardsFor(text);
    if (guards !== null) {
      const shorter = (text.includes("e") && !resultText.includes("e")) || decimalsOf(text) < usual;
      return { guards, result: text, shorter };
    }
    const isWhole = text === resultText && Number(text) === shown;
    const allWhole = () => leaves.every((leaf) => textToFloat(writeLeaf(leaf, WHOLE)) === leaf.value);
    if (isWhole && allWhole() && inFloat64(tree, shown)) {
      return { guards: WHOLE, result: text, shorter: false };
    }
  }
  const text = asUsual(whole.exact(), resultText);
  return { guards: guardsFor(text) ?? 0, result: text, shorter: true };
};

/** Write a number with further decimals than a text of it has, as far as it has any. */
export const lengthened = (text, whole, further) => {
  const decimals = decimalsOf(text);
  const own = ownDecimals(whole) + (text.includes("e") ? adjusted(whole) : 0);
  if (own <= decimals) return text;
  return written(whole, Math.min(decimals + further, own), text.includes("e"));
};

/** A line read from its own text. */
class Reading {
  constructor(tree, texts) {
    this.tree = tree;
    this.texts = texts;
  }

  /** Whether it rounds to a text; a tie does to either side. */
  gives(text) {
    const half = 0.5 * 10 ** -(decimalsOf(text) - exponentOf(text));
    const { value, size } = this.float();
    const off = Math.abs(value - Number(text));
    const unsure = 1e-13 * (size + Math.abs(Number(text)));
    if (Number.isFinite(off) && Math.abs(off - half) > unsure) return off < half;
    if (!this.isFinite()) return false;
    const printed = decimal(text);
    const exactHalf = { n: 5n, e: printed.e - 1 };
    return compare(magnitude(plus(this.exact(), negative(printed))), exactHalf) <= 0;
  }

  isFinite() {
    return Number.isFinite(this.float().value);
  }

  float() {
    this.measured ??= measured(this.tree, this.texts.map(textToFloat).values());
    return this.measured;
  }

  exact() {
    this.whole ??= exactValue(this.tree, this.texts.map(textToDecimal).values());
    return this.whole;
  }
}

/** A value, and a bound on the size of what was rounded on the way to it. */
const measured = (tree, numbers) => {
  const { kind, parts } = tree;
  if (!parts.length) {
    const { value } = numbers.next();
    return { value, size: Math.abs(value) };
  }
  const made = parts.map((part) => measured(part, numbers));
  const [first, second] = made;
  switch (kind) {
    case "add":
      return made.reduce((a, b) => ({ value: a.value + b.value, size: a.size + b.size }));
    case "mul":
      return made.reduce((a, b) => ({ value: a.value * b.value, size: a.size * b.size }));
    case "neg":
      return { value: -first.value, size: first.size };
    case "div": {
      const below = Math.abs(second.value);
      return { value: first.value / second.value, size: (first.size / below) * (second.size / below) };
    }
    case "pow": {
      const value = power(first.value, second.value);
      const slope = Math.abs(second.value * power(first.value, second.value - 1));
      return { value, size: second.size === 2 ? first.size ** 2 : Math.abs(value) + slope * first.size * 10 };
    }
    default: {
      if (tree.name === "max") {
        return { value: Math.max(...made.map((m) => m.value)), size: Math.max(...made.map((m) => m.size)) };
      }
      const value = FUNCTIONS[tree.name](first.value);
      // A slope is at most that near it, or that of the function itself, with room to spare.
      const step = 1e-6 * (1 + Math.abs(first.value));
      const slope = Math.abs(FUNCTIONS[tree.name](first.value + step) - value) / step;
      const bound = TO_ALL_DIGITS[tree.name] || OF_ANY_LIBRARY.has(tree.name) ? 2 * slope + 1e-3 : Infinity;
      return { value, size: 4 * Math.abs(value) + bound * first.size };
    }
  }
};

const exactValue = (tree, numbers) => {
  const { kind, parts } = tree;
  if (!parts.length) return numbers.next().value;
  const made = parts.map((part) => exactValue(part, numbers));
  switch (kind) {
    case "add":
      return made.reduce(plus);
    case "mul":
      return made.reduce(times);
    case "neg":
      return negative(made[0]);
    case "div":
      return over(made[0], made[1]);
    case "pow":
      return raisedTo(made[0], made[1]);
    default:
      if (tree.name === "max") return made.reduce((a, b) => (compare(a, b) < 0 ? b : a));
      if (TO_ALL_DIGITS[tree.name]) return TO_ALL_DIGITS[tree.name](made[0]);
      return exactly(FUNCTIONS[tree.name](toFloat(made[0])));
  }
};

/** Yield a result as usual, then with more decimals, then with ever fewer digits. */
function* candidates(shown, text) {
  yield text;
  const whole = decimal(repr(shown));
  const scientific = text.includes("e");
  for (const further of [1, 2]) {
    const longer = lengthened(text, whole, further);
    if (longer !== text) yield longer;
  }
  for (let decimals = decimalsOf(text) - 1; decimals >= 0; decimals -= 1) {
    const shorter = written(whole, decimals, scientific);
    if (significantOf(shorter) < SIGNIFICANT) return;
    yield shorter;
  }
  if (scientific || isZero(whole)) return;
  for (let decimals = adjusted(whole) - 1; decimals > SIGNIFICANT - 2; decimals -= 1) {
    yield written(whole, decimals, true);
  }
}

const asUsual = (exact, text) => {
  const usual = written(exact, decimalsOf(text), text.includes("e"));
  return !isZero(exact) && !Number(usual) ? written(exact, SIGNIFICANT - 1, true) : usual;
};
const decimalsOf = (text) => (text.split("e")[0].split(".")[1] ?? "").length;
const exponentOf = (text) => Number(text.split("e")[1] ?? 0);
const significantOf = (text) => text.split("e")[0].replace(".", "").replace(/^[-0]+/, "").length;

/** Read a leaf as it is written: a number, or the fraction of a mean in parentheses. */
const textToDecimal = (text) => {
  if (!text.endsWith(")")) return decimal(text);
  const [above, below] = text.replace(/[-()]/g, "").split("/").map(decimal);
  const value = over(above, below);
  return text.startsWith("-") ? negative(value) : value;
};
const textToFloat = (text) => {
  if (!text.endsWith(")")) return Number(text);
  const [above, below] = text.replace(/[-()]/g, "").split("/").map(Number);
  return ((text.startsWith("-") ? -1 : 1) * above) / below;
};

const inFloat64 = (tree, shown) => shown === evaluate(tree) && shown === evaluate(flat(tree));
const flat = (tree) => {
  const { kind, parts } = tree;
  if (!parts.length) return tree;
  if (kind === "apply" && !OF_ANY_LIBRARY.has(tree.name)) return constant(NaN);
  const made = parts.map(flat);
  if (kind !== "add" && kind !== "mul") return { ...tree, parts: made };
  return { kind, parts: made.flatMap((part) => (part.kind === kind ? part.parts : [part])) };
};
