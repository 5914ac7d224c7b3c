// The arithmetic of one number as a tree, made from a formula's data with its index ranges.
import { FUNCTIONS, OF_A_RUN } from "./functions.mjs";
import { constant, simplify } from "./simplify.mjs";

/** A leaf that has no place in an array: what is left of a sum, or a number of a sentence. */
export const unplaced = (value, more = {}) => ({ kind: "rest", value, parts: [], ...more });
export const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);
const KINDS = { "+": "add", "*": "mul", "-": "neg", "/": "div", "^": "pow" };
const COMPARED = {
  ">": (a, b) => a > b, "<": (a, b) => a < b, ">=": (a, b) => a >= b, "<=": (a, b) => a <= b,
};

/** The place of a leaf, by how far the loops around it have gone; `levels` says which they are. */
const placed = ([, , place, ...steps], at, levels) =>
  steps.reduce((sum, step, k) => sum + step * at[levels[k]], place);

/**
 * Return the tree of one element: `at` has its index, and `arrays` the numbers.
 *
 * A gradient's constants are folded; of what is chosen by a number the piece that holds stays.
 */
export const treeOf = (data, at, arrays, levels = at.map((_, k) => k)) => {
  if (typeof data === "number") return constant(data);
  const make = (part) => treeOf(part, at, arrays, levels);
  const [kind, ...parts] = data;
  switch (kind) {
    case "b":
      return constant(parts[0] * arrays.beta);
    case "l":
      return constant(arrays.lr);
    case "r": {
      const place = placed(data, at, levels);
      return { kind: "ref", array: data[1], place, value: arrays[data[1]][place], parts: [] };
    }
    case "+":
      return { kind: "add", parts: parts.flatMap((part) => termsOf(part, at, arrays, levels)) };
    case "f":
      return { kind: "apply", name: parts[0], parts: parts.slice(1).map(make) };
    case "?": {
      const [sign, left, limit, then, otherwise] = parts;
      const holds = COMPARED[sign](evaluate(make(left)), evaluate(make(limit)));
      return make(holds ? then : otherwise);
    }
    case "e": {
      const [axis, ...turns] = parts;
      return treeOf(turns[at[axis]], at, arrays, levels.filter((level) => level !== axis));
    }
    case "G": {
      const sums = parts.map((part) => simplify(make(part)));
      const kept = sums.filter((sum) => !(sum.kind === "number" && sum.value === 0));
      if (!kept.length) return constant(0);
      return kept.length === 1 ? kept[0] : { kind: "add", parts: kept };
    }
    default:
      return { kind: KINDS[kind], parts: parts.map(make) };
  }
};

const termsOf = (part, at, arrays, levels) => {
  if (!Array.isArray(part) || part[0] !== "M") return [treeOf(part, at, arrays, levels)];
  const [, count, term] = part;
  return Array.from({ length: count }, (_, k) =>
    treeOf(term, [...at, k], arrays, [...levels, at.length]));
};

const squared = (x) => x * x;
export const power = (base, exponent) => (exponent === 2 ? squared(base) : base ** exponent);

/** Return the number that a tree stands for, added up from left to right. */
export const evaluate = (tree) => {
  const { kind, parts } = tree;
  switch (kind) {
    case "number":
    case "ref":
    case "rest":
      return tree.value;
    case "add":
      return sum(parts.map(evaluate));
    case "mul":
      return parts.reduce((product, part) => product * evaluate(part), 1);
    case "neg":
      return -evaluate(parts[0]);
    case "div":
      return evaluate(parts[0]) / evaluate(parts[1]);
    case "pow":
      return power(evaluate(parts[0]), evaluate(parts[1]));
    case "apply":
      if (tree.name === "max") return Math.max(...parts.map(evaluate));
      return FUNCTIONS[tree.name](evaluate(parts[0]));
    default:
      throw new TypeError(`no number for ${kind}`);
  }
};

/**
 * Return a function that computes a formula at an index, straight from its data.
 *
 * It is handed the index with room for the counters of the sums within.
 */
export const compiled = (data, arrays, levels, depth) => {
  if (typeof data === "number") return () => data;
  const [kind, ...parts] = data;
  const make = (part) => compiled(part, arrays, levels, depth);
  switch (kind) {
    case "b":
      return () => parts[0] * arrays.beta;
    case "l":
      return () => arrays.lr;
    case "r": {
      const [, array, place, ...steps] = data;
      const numbers = arrays[array];
      const moving = steps.map((step, k) => [levels[k], step]).filter(([, step]) => step);
      if (moving.length === 0) return () => numbers[place];
      if (moving.length === 1) {
        const [[level, step]] = moving;
        return (at) => numbers[place + step * at[level]];
      }
      const [[one, first], [two, second], ...more] = moving;
      if (!more.length) return (at) => numbers[place + first * at[one] + second * at[two]];
      return (at) => {
        let where = place;
        for (const [level, step] of moving) where += step * at[level];
        return numbers[where];
      };
    }
    case "+":
    case "G": {
      const made = parts.map((part) => summand(part, arrays, levels, depth));
      if (made.length < 2) return made[0] ?? (() => 0); // nothing comes by any way
      return (at) => {
        let sum = made[0](at);
        for (let k = 1; k < made.length; k += 1) sum += made[k](at);
        return sum;
      };
    }
    case "*": {
      const made = parts.map(make);
      const gate = parts.findIndex((part) => part[0] === "f" && part[1] === "gate");
      if (gate >= 0) {
        // What does not pass is a zero without a sign.
        return (at) => (made[gate](at) === 0 ? 0 : made.reduce((product, each) => product * each(at), 1));
      }
      const [first, second] = made;
      if (made.length === 2) return (at) => first(at) * second(at);
      return (at) => made.reduce((product, each) => product * each(at), 1);
    }
    case "-": {
      const body = make(parts[0]);
      return (at) => -body(at);
    }
    case "/": {
      const [above, below] = parts.map(make);
      return (at) => above(at) / below(at);
    }
    case "^": {
      const [base, exponent] = parts.map(make);
      return (at) => power(base(at), exponent(at));
    }
    case "f": {
      const made = parts.slice(1).map(make);
      if (parts[0] === "max") return (at) => Math.max(...made.map((each) => each(at)));
      const rule = OF_A_RUN[parts[0]] ?? FUNCTIONS[parts[0]];
      if (!rule) throw new TypeError(`no function ${parts[0]}`);
      return (at) => rule(made[0](at));
    }
    case "?": {
      const [left, limit, then, otherwise] = parts.slice(1).map(make);
      const holds = COMPARED[parts[0]];
      return (at) => (holds(left(at), limit(at)) ? then(at) : otherwise(at));
    }
    case "e": {
      const [axis, ...turns] = parts;
      const others = levels.filter((level) => level !== axis);
      const made = turns.map((turn) => compiled(turn, arrays, others, depth));
      return (at) => made[at[axis]](at);
    }
    default:
      throw new TypeError(`no formula ${kind}`);
  }
};

const summand = (part, arrays, levels, depth) => {
  if (!Array.isArray(part) || part[0] !== "M") return compiled(part, arrays, levels, depth);
  const [, count, term] = part;
  const each = compiled(term, arrays, [...levels, depth], depth + 1);
  return (at) => {
    at[depth] = 0;
    let sum = each(at);
    for (let k = 1; k < count; k += 1) {
      at[depth] = k;
      sum += each(at);
    }
    return sum;
  };
};

// --- asking of a formula ---

/** Whether a formula has numbers of some arrays. */
export const speaksOf = (data, arrays) => {
  if (!Array.isArray(data)) return false;
  return data[0] === "r" ? arrays.has(data[1]) : data.some((part) => speaksOf(part, arrays));
};

/**
 * Return the places of those elements whose formula has a number of an array.
 *
 * `loops` are those around the formula: how far each leads among the elements, and its length.
 */
export const elementsWith = (array, place, data, loops, from = 0, found = new Set()) => {
  if (!Array.isArray(data)) return found;
  const [kind, ...parts] = data;
  const inner = (part, around = loops, at = from) => elementsWith(array, place, part, around, at, found);
  if (kind === "r") {
    if (parts[0] === array) solved(place - parts[1], parts.slice(2), loops, from, found);
  } else if (kind === "M") inner(parts[1], [...loops, { stride: 0, length: parts[0] }]);
  else if (kind === "e") {
    const [axis, ...turns] = parts;
    const own = loops.find((loop) => loop.axis === axis);
    turns.forEach((turn, k) => inner(turn, loops.filter((loop) => loop !== own), from + k * own.stride));
  } else parts.forEach((part) => inner(part));
  return found;
};

/** Add each element at which the loops' steps come to what is left of the way to a place. */
const solved = (left, [step, ...steps], [loop, ...loops], at, found) => {
  if (!loop) {
    if (left === 0) found.add(at);
    return;
  }
  const reach = (sign) => steps.reduce((sum, each, k) => sum + Math.max(0, sign * each) * (loops[k].length - 1), 0);
  const [least, most] = [-reach(-1), reach(1)];
  for (let k = 0; k < (step || loop.stride ? loop.length : 1); k += 1) {
    const rest = left - k * step;
    if (rest >= least && rest <= most) solved(rest, steps, loops, at + k * loop.stride, found);
  }
};

// --- walking ---

export const isLeaf = (tree) => tree.kind === "number" || tree.kind === "ref" || tree.kind === "rest";
export const leavesOf = (tree) => (isLeaf(tree) ? [tree] : tree.parts.flatMap(leavesOf));
export const addends = (tree) => (tree.kind === "add" ? tree.parts : [tree]);

/** Return where an array is largest by size: the largest first, ties in order. */
export const largest = (numbers, count) => {
  const size = (k) => (Number.isNaN(numbers[k]) ? Infinity : Math.abs(numbers[k]));
  const few = count < numbers.length / 8; // of many: no more than these are kept in order
  const found = [];
  for (let k = 0; k < numbers.length; k += 1) {
    if (!few || found.length < count) found.push(k);
    else if (size(k) > size(found[count - 1])) found[count - 1] = k;
    else continue;
    for (let at = found.length - 1; few && at && size(found[at]) > size(found[at - 1]); at -= 1) {
      [found[at - 1], found[at]] = [found[at], found[at - 1]];
    }
  }
  return few ? found : found.sort((a, b) => size(b) - size(a) || a - b).slice(0, count);
};

const MOST_TERMS = 24; // of one line
const MOST_WRITTEN = 32; // products that a rule adds up; of more it writes the largest alone
const SHOWN_TERMS = 8; // of a longer sum
/** Replace the small terms of each long sum by one leaf that holds their sum. */
export const shortened = (tree) => {
  if (isLeaf(tree)) return tree;
  const { parts } = tree;
  if (tree.kind === "add") {
    const count = biasedProducts(parts);
    if (count > MOST_WRITTEN) return abridged(parts.slice(0, count), parts.slice(count));
    if (parts.length > MOST_TERMS) return abridged(parts);
  }
  const made = parts.map((part, k) => (tree.kind === "pow" && k ? part : shortened(part)));
  return { ...tree, parts: made };
};

/** How many products a bias is added to, as in `ops/bias.py`; 0 in another sum. */
const biasedProducts = (parts) => {
  const count = parts.length - 1;
  return isLeaf(parts[count]) && parts.slice(0, count).every(({ kind }) => kind === "mul") ? count : 0;
};

/** Take the largest terms of a long sum, in their order, and the values of all others. */
export const largestTerms = (terms) => {
  const values = terms.map(evaluate);
  const written = new Set(largest(values, SHOWN_TERMS));
  return [terms.filter((_, k) => written.has(k)), values.filter((_, k) => !written.has(k))];
};

/** The terms of a sum that are not written, as one number. */
export const smaller = (values, words) =>
  unplaced(sum(values), { name: `(${values.length.toLocaleString("en-US")} smaller ${words})` });

/** Write the largest of some terms, and the others as one number behind what is kept beside them. */
const abridged = (terms, beside = []) => {
  const [shown, others] = largestTerms(terms);
  return { kind: "add", parts: [...shown.map(shortened), ...beside, smaller(others, "terms")] };
};
