// A run: its arrays, and how all that follows is computed when one of the given numbers changes.
import { compiled, treeOf } from "./expression.mjs";

export const sizeOf = (shape) => shape.reduce((size, length) => size * length, 1);
/** Return the index that a place in an array has. */
export const indexOf = (place, shape) => {
  const index = [];
  let rest = place;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
};
export const placeOf = (index, shape) => index.reduce((place, at, axis) => place * shape[axis] + at, 0);

const ROOM = 16; // counters of the loops around a number

export class Run {
  constructor(contract) {
    this.contract = contract;
    this.arrays = contract.arrays;
    this.numbers = this.arrays.map(({ shape, numbers }) =>
      numbers ? Float64Array.from(numbers) : new Float64Array(sizeOf(shape)));
    this.byName = new Map(this.arrays.map((array, at) => [array.name, at]));
    this.sets = contract.sets ?? { else: contract.formulas };
    this.made = new Map();
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
  compute() {
    const at = new Int32Array(ROOM);
    for (const [array, shape, element] of this.order) {
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
