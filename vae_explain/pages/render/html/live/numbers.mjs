// The only place that rounds: how many decimals a number gets, and how it is written.
import { apartFromRounding, decimal, exponential, fixedText, repr, rounded, shortest } from "./decimals.mjs";
import { leavesOf, unplaced } from "./expression.mjs";
import { digitsFor, lengthened, WHOLE } from "./guard_digits.mjs";
import { constant } from "./simplify.mjs";
import { constantText } from "./text.mjs";

const FEWEST = 4;
const MOST = 8;
const EVERY = -1;
const LARGE = 1e9;
const MOST_OF_SINGLE = 100;
const ROLE_PLACES = { parameter: "parameter", noise: "parameter", gradient: "gradient", input: "input" };

export class Numbers {
  /** `arrays` says what each number is; `digits` are the decimals of all, if any were asked for. */
  constructor(arrays, digits = null) {
    this.arrays = arrays;
    this.digits = digits;
  }

  decimals(values, places) {
    if (this.digits !== null && places !== "input") return this.digits;
    if (places === "exact") return EVERY;
    if (places === "parameter" || places === "gradient") return FEWEST;
    const fewest = places === "input" ? 0 : FEWEST;
    const finite = values.filter(Number.isFinite);
    const needed = finite.length ? Math.max(...finite.map((value) => needs(value, fewest))) : fewest;
    return Math.max(needed, this.digits ?? 0);
  }

  column(values, places) {
    const decimals = this.decimals(values, places);
    return values.map((value) => fixed(value, decimals));
  }

  one(value, places) {
    return fixed(value, this.decimals([value], places));
  }

  /** Write the numbers of a tensor; of real numbers a whole one has a point. */
  entries(values, places, isWhole) {
    const texts = this.column(values, places);
    if (places !== "input" || isWhole || this.digits !== null) return texts;
    return texts.map((text) => (/[.e]/.test(text) ? text : `${text}.0`));
  }

  /** Write numbers that add up to another, with the digits that this takes; `signs` are 1 or -1. */
  adding(values, signs, places, total, result) {
    const leaves = values.map((value, k) => unplaced(value, { usual: this.one(value, places[k]) }));
    const terms = leaves.map((leaf, k) => (signs[k] < 0 ? { kind: "neg", parts: [leaf] } : leaf));
    const write = (leaf, further) =>
      (further ? lengthened(leaf.usual, apartFromRounding(leaf.value), further) : leaf.usual);
    const digits = digitsFor({ kind: "add", parts: terms }, total, result, write);
    return { parts: leaves.map((leaf) => write(leaf, digits.guards)), result: digits.result };
  }

  /** Write the numbers of a line whose result is usually printed as `result`. */
  line(tree, shown, result, leaves = null) {
    const digits = digitsFor(tree, shown, result, (leaf, further) => this.leaf(leaf, leaves, further));
    return {
      leaf: (leaf) => this.leaf(leaf, leaves, digits.guards),
      result: digits.result,
      computed: digits.shorter ? result : "",
    };
  }

  /** Write the words and numbers of a sentence, with the guard digits of what it claims. */
  statement(parts, claims) {
    const texts = parts.map((part) => (typeof part === "object" ? this.quantity(part) : String(part)));
    for (const { result, tree } of claims) {
      const { value, form } = parts[result];
      const isPercent = form === "percent";
      const [text] = texts[result].split(" %");
      const whole = isPercent ? { kind: "mul", parts: [constant(100), tree] } : tree;
      const written = this.line(whole, isPercent ? 100 * value : value, text, "gradient");
      const used = new Set(leavesOf(tree));
      parts.forEach((part, at) => {
        if (used.has(part.leaf) && at !== result) texts[at] = signed(written.leaf(part.leaf), part.form);
      });
      texts[result] = written.result + (isPercent ? " %" : "");
    }
    return texts;
  }

  quantity({ value, words, form }) {
    if (words) return words;
    if (form === "percent") return `${(100 * value).toFixed(this.digits ?? 0)} %`;
    return signed(this.one(value, "gradient"), form);
  }

  leaf(node, places = null, further = 0) {
    const { value } = node;
    if (node.kind === "number") {
      return constantText(value, further > 0 || (this.digits ?? 0) > MOST, false);
    }
    const array = node.kind === "ref" ? this.arrays[node.array] : { role: "value", shape: [0] };
    let usual = places;
    if (usual === null) {
      usual = array.whole ? "input" : ROLE_PLACES[array.role] ?? "value";
      const isScalar = array.shape.length === array.hidden;
      if (isScalar && array.role === "value" && !array.whole) usual = "exact";
    }
    const text = this.one(value, usual);
    let more = further;
    if (/^-*\d+$/.test(text) && Number(text) !== value) more = Math.max(more, 1);
    if (!more) return text;
    if (more >= WHOLE) return lengthened(text, decimal(repr(value)), more);
    return lengthened(text, array.role === "input" ? shortest(value) : apartFromRounding(value), more);
  }
}

/** Write a number that is added to others with its sign before it. */
const signed = (text, form) => (form !== "added" ? text : text.startsWith("-") ? `- ${text.slice(1)}` : `+ ${text}`);

/** Return how many decimals a number has apart from rounding errors, up to `MOST`. */
const needs = (value, least) => {
  const fewest = Math.abs(value) >= LARGE ? Math.max(least, FEWEST) : least;
  if (Number.isInteger(value)) return fewest;
  const off = 1e-14 * Math.max(1, Math.abs(value));
  const single = Math.abs(value) < MOST_OF_SINGLE && Math.fround(value) === value;
  for (let decimals = fewest; decimals < MOST; decimals += 1) {
    const scale = 10 ** decimals;
    const scaled = value * scale;
    if (Math.abs(scaled - Math.round(scaled)) <= off * scale) return decimals;
    if (single && decimals <= FEWEST && Math.fround(rounded(value, decimals)) === value) return decimals;
  }
  return MOST;
};

/** Write a number with fixed decimals; never as a zero that is none. */
export const fixed = (value, decimals) => {
  if (value === 0) value = 0; // without a sign
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (decimals < 0) return repr(value);
  if (Math.abs(value) >= LARGE) return exponential(value, decimals);
  const text = fixedText(value, decimals);
  return value !== 0 && Number(text) === 0 ? exponential(value, Math.max(decimals - 3, 1)) : text;
};
