// A run: its arrays, and how all that follows is computed when one of the given numbers changes.
import { compiled, speaksOf, sum, treeOf } from "./expression.mjs";

export const sizeOf = (shape) => shape.reduce((size, length) => size * length, 1);
/** Return the index that a place in an array has. */
const indexOf = (place, shape) => {
  const index = [];
  let rest = place;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
};

/** Give the arrays of gradients, and those behind a step, what they have from their value's own. */
const derived = ({ arrays, loss }) =>
  arrays.map((array) => {
    const { at, term, through, moved } = array;
    const { name, shape, hidden } = arrays.find((each) => each.name === (at ?? moved)) ?? array;
    if (moved) return { ...array, name: `${name}_new`, role: "value", shape, hidden };
    const by = through ? ` by ${through}` : "";
    return at ? { ...array, name: `∂${term ?? arrays[loss].name}/∂${at}${by}`, role: "gradient", shape, hidden } : array;
  });

/** The numbers of an array, which has those of a big one by their bytes. */
export const unpacked = (numbers) => {
  if (typeof numbers[0] !== "string") return Float64Array.from(numbers);
  const [kind, scale, text] = numbers;
  const { buffer } = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const types = { Int16: Int16Array, Float32: Float32Array, Float64: Float64Array };
  return Float64Array.from(new types[kind](buffer), (value) => value / scale);
};

const ROOM = 16; // counters of the loops around a number

export class Run {
  constructor(contract) {
    this.contract = contract;
    this.arrays = derived(contract);
    this.numbers = this.arrays.map(({ shape, numbers }) =>
      numbers ? unpacked(numbers) : new Float64Array(sizeOf(shape)));
    this.byName = new Map([...this.arrays.entries()].reverse().map(([at, array]) => [array.name, at]));
    this.sets = contract.sets ?? { else: contract.formulas };
    this.made = new Map();
    this.numbers.lr = contract.lr ?? 0;
    this.weigh(contract.beta ?? 1);
    this.compute();
  }

  /** Take the formulas for a weight of the KL: at 1 it is not written. */
  weigh(beta) {
    this.numbers.beta = beta;
    const name = beta === 1 && this.sets[1] ? "1" : "else";
    if (this.name === name) return;
    this.name = name;
    if (!this.made.has(name)) {
      const other = new Map(name === "1" ? this.sets[1] : []);
      const formulas = this.sets.else.map(([array, data]) => [array, other.get(array) ?? data]);
      const order = formulas.map(([array, data]) => {
        const { shape } = this.arrays[array];
        const levels = shape.map((_, axis) => axis);
        return [array, shape, compiled(data, this.numbers, levels, shape.length)];
      });
      this.made.set(name, { formulas: new Map(formulas), order });
    }
    Object.assign(this, this.made.get(name));
  }

  /** Compute every value and every gradient from what is given. */
  compute(order = this.order) {
    const at = new Int32Array(ROOM);
    for (const [array, shape, element] of order) {
      const numbers = this.numbers[array];
      at.fill(0);
      for (let place = 0; place < numbers.length; place += 1) {
        numbers[place] = element(at);
        for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
          at[axis] += 1;
          if (at[axis] < shape[axis]) break;
          at[axis] = 0;
        }
      }
    }
  }

  /** A weight of a term, which may go by that of the KL. */
  weight(data) {
    return Array.isArray(data) ? data[1] * this.numbers.beta : data;
  }

  /** The arrays of the loss and of its terms. */
  get ends() {
    return [this.contract.loss, ...this.contract.terms.map(([, at]) => at)];
  }

  /** The loss and its terms; of one with a number for each row their sum. */
  losses() {
    return this.ends.map((at) => sum(this.numbers[at]));
  }

  isFinite() {
    const ends = [this.contract.loss, ...this.arrays.keys()].filter((at, k) => !k || (this.arrays[at].role === "gradient" && !this.arrays[at].term));
    return ends.every((at) => this.numbers[at].every(Number.isFinite));
  }

  /**
   * Return the loss and its terms as other numbers of some arrays would give them, again and again.
   *
   * Each of `changes` has pairs of an array and its numbers.
   */
  tried(changes) {
    const touched = new Set(changes.flat().map(([array]) => array));
    const forward = this.order.filter(([array]) => {
      const { role, moved } = this.arrays[array];
      const follows = role !== "gradient" && !moved && speaksOf(this.formulas.get(array), touched);
      if (follows) touched.add(array);
      return follows;
    });
    const kept = [...touched].map((array) => [array, this.numbers[array].slice()]);
    const losses = changes.map((change) => {
      const given = change.map(([array, numbers]) => [array, numbers.slice()]);
      for (const [array, numbers] of given) this.numbers[array].set(numbers);
      this.compute(forward);
      return this.losses();
    });
    for (const [array, numbers] of kept) this.numbers[array].set(numbers);
    return losses;
  }

  /** Return the arithmetic of one number; null for one that is given. */
  tree(array, place) {
    const data = this.formulas.get(array);
    if (data === undefined) return null;
    return treeOf(data, indexOf(place, this.arrays[array].shape), this.numbers);
  }

  /** Return an element's index as it is written, without the row of a batch of one. */
  index(array, place) {
    const { shape, hidden } = this.arrays[array];
    return indexOf(place, shape).slice(hidden);
  }
}
