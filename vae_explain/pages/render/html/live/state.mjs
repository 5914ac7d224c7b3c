// What was changed: the given numbers, their past and their future, and how an address says them.
import { rounded } from "./decimals.mjs";
import { short } from "./text.mjs";

const MOST_IN_ADDRESS = 400; // single weights
const MOST_SET = 24; // weights that a command sets one by one
export const WEIGHTS = "play.safetensors";
const LARGEST_NUMBER = 1e6;

/** Read a number as it is typed: a real minus and a decimal comma are understood. */
export const typedNumber = (text) => {
  const plain = text.trim().replace(/[−–]/g, "-").replace(/^([-+]?\d*),(\d+)$/, "$1.$2");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Math.abs(value) <= LARGEST_NUMBER ? value : null;
};

export class State {
  constructor(run, { decimals, stays }) {
    this.run = run;
    this.decimals = decimals;
    // Of a large model the parameters stay.
    const kinds = stays ? ["input", "noise"] : ["input", "noise", "parameter"];
    this.given = run.arrays.map((_, at) => at).filter((at) => kinds.includes(run.arrays[at].kind));
    this.canWeigh = run.sets[1] !== undefined;
    this.start = this.snapshot();
    this.past = [];
    this.future = [];
    this.gesture = null;
  }

  get lr() {
    return this.run.numbers.lr;
  }

  set lr(rate) {
    this.run.numbers.lr = rate;
  }

  snapshot() {
    return { lr: this.lr, beta: this.run.numbers.beta, numbers: new Map(this.given.map((at) => [at, this.run.numbers[at].slice()])) };
  }

  restore({ lr, beta, numbers }) {
    this.lr = lr;
    this.run.weigh(beta);
    for (const [at, values] of numbers) this.run.numbers[at].set(values);
  }

  /** Remember what is, before a change; changes of one gesture are one step back. */
  remember(gesture = null) {
    if (gesture !== null && gesture === this.gesture) return;
    this.gesture = gesture;
    this.past.push(this.snapshot());
    if (this.past.length > 200) this.past.shift();
    this.future = [];
  }

  /** As a page prints parameters and noise, so that both compute with the same numbers; a probability stays one. */
  asPrinted(at, value) {
    const { kind, ends: [low, high] = [-Infinity, Infinity] } = this.run.arrays[at];
    const within = Math.min(Math.max(value, low), high);
    return kind === "input" || this.decimals === null ? within : rounded(within, this.decimals);
  }

  set(at, place, value, gesture = null) {
    const printed = this.asPrinted(at, value);
    if (Object.is(this.run.numbers[at][place], printed)) return false;
    this.remember(gesture);
    this.run.numbers[at][place] = printed;
    return true;
  }

  weigh(beta, gesture = null) {
    if (beta === this.run.numbers.beta || beta < 0) return false;
    this.remember(gesture);
    this.run.weigh(beta);
    return true;
  }

  undo() {
    return this.travel(this.past, this.future);
  }

  redo() {
    return this.travel(this.future, this.past);
  }

  travel(from, to) {
    if (!from.length) return false;
    to.push(this.snapshot());
    this.restore(from.pop());
    this.gesture = null;
    return true;
  }

  reset() {
    if (this.isStart()) return false;
    this.remember();
    this.restore(this.start);
    return true;
  }

  isChanged(at, place) {
    return this.run.numbers[at][place] !== this.start.numbers.get(at)[place];
  }

  changes() {
    return this.given.flatMap((at) =>
      Array.from(this.run.numbers[at], (_, place) => [at, place]).filter((pair) => this.isChanged(...pair)));
  }

  isStart() {
    return this.run.numbers.beta === this.start.beta && this.lr === this.start.lr && this.given.every((at) => this.run.numbers[at].every((value, k) => value === this.start.numbers.get(at)[k]));
  }

  // --- as text ---

  /** Whole arrays of input and noise, and single weights: what an address and a command say. */
  parts(isForCommand = false) {
    const changed = new Set(this.changes().map(([at]) => at));
    const wholes = [];
    const singles = [];
    for (const at of changed) {
      const { kind, name, shape } = this.run.arrays[at];
      const values = Array.from(this.run.numbers[at], (value) => short(isForCommand ? this.asPrinted(at, value) : value));
      if (kind === "parameter" || shape.length > 2) {
        for (const [, place] of this.changes().filter(([of]) => of === at)) {
          singles.push([`${name}[${this.run.index(at, place)}]`, values[place]]);
        }
      } else wholes.push([name, kind, values, shape]);
    }
    return { wholes, singles };
  }

  fragment() {
    const { wholes, singles } = this.parts();
    const written = wholes.map(([name, , values]) => [name, values.join(",")]);
    if (singles.length <= MOST_IN_ADDRESS) written.push(...singles);
    if (this.run.numbers.beta !== this.start.beta) written.push(["beta", short(this.run.numbers.beta)]);
    if (this.lr !== this.start.lr) written.push(["lr", short(this.lr)]);
    const plain = (text) => encodeURIComponent(text).replace(/%(5B|5D|2C)/g, (code) => decodeURIComponent(code));
    return written.map(([name, value]) => `${plain(name)}=${plain(value)}`).join("&");
  }

  /** Take on what an address says; return the parts that cannot be understood. */
  read(fragment) {
    const wrong = [];
    for (const part of fragment.split("&").filter(Boolean)) {
      const [name, text] = part.split("=").map((each) => {
        try {
          return decodeURIComponent(each);
        } catch {
          return each; // a stray percent sign
        }
      });
      if (!this.readPart(name, text ?? "")) wrong.push(name);
    }
    this.past = [];
    this.future = [];
    return wrong;
  }

  readPart(name, text) {
    const values = text.split(",").map(typedNumber);
    if (values.includes(null)) return false;
    if (name === "lr") {
      this.lr = values[0];
      return values.length === 1 && values[0] > 0;
    }
    if (name === "beta" && this.canWeigh) {
      const isWeight = values.length === 1 && values[0] >= 0;
      if (isWeight) this.run.weigh(values[0]);
      return isWeight;
    }
    const found = this.find(name);
    if (found && values.length === 1) {
      const [at, place] = found;
      this.run.numbers[at][place] = this.asPrinted(at, values[0]);
      return true;
    }
    const at = this.run.byName.get(name);
    if (!this.given.includes(at) || values.length !== this.run.numbers[at].length) return false;
    values.forEach((value, k) => { this.run.numbers[at][k] = this.asPrinted(at, value); });
    return true;
  }

  /** Return the array and the place of a number that can be changed, by its name and index. */
  find(name) {
    const [, array, index] = /^(.*?)\[([\d, ]+)\]$/s.exec(name) ?? [];
    const at = this.run.byName.get(array);
    if (!this.given.includes(at)) return null;
    const place = this.run.numbers[at].findIndex((_, k) => this.run.index(at, k).join() === index.replaceAll(" ", ""));
    return place < 0 ? null : [at, place];
  }

  /**
   * The command that prints the same run, and whether it needs the file of weights beside it.
   *
   * Commands round parameters and noise as they print them, so none has more digits here.
   */
  command({ command: base, typed }) {
    const { wholes, singles: all } = this.parts(true);
    const isBig = all.length > MOST_SET && !base.includes("--weights");
    const singles = isBig ? [] : all;
    const isX = ([name, kind]) => kind === "input" && name === "x";
    const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replace(/["\\$`]/g, "\\$&")}"`);
    // What was typed when the page was made, and was not changed since.
    const set = new Set(all.map(([name]) => name));
    const kept = [
      ...(wholes.some(isX) ? [] : typed.x),
      ...(wholes.some(([, kind]) => kind === "noise") ? [] : typed.eps),
      ...typed.set.filter((words) => ![...set].some((name) => words.includes(`${name}=`))),
    ];
    let text = [base, ...kept, ...(isBig ? [`--weights ${WEIGHTS}`] : [])].join(" ");
    if (!base.includes(" --run ") && this.run.numbers.beta !== 1) text += ` --beta ${short(this.run.numbers.beta)}`;
    for (const [name, kind, values, shape] of wholes) {
      const width = kind === "input" ? shape[shape.length - 1] : values.length;
      const option = kind === "noise" ? "--eps" : name === "x" ? "--x" : null;
      for (let k = 0; k < values.length; k += width) {
        const row = values.slice(k, k + width).join(",");
        text += option ? ` ${option} ${row}` : values.map((value, i) => ` --set ${quoted(`${name}[${i}]=${value}`)}`).join("");
      }
    }
    for (const [name, value] of singles) text += ` --set ${quoted(`${name}=${value}`)}`;
    if (this.lr !== 0.01) text += ` --lr ${short(this.lr)}`;
    return { text, isBig };
  }

  /** The parameters as a safetensors file, which `--weights` reads. */
  weights() {
    const given = this.given.filter((at) => this.run.arrays[at].kind === "parameter");
    let end = 0;
    const header = given.map((at) => {
      const { name, shape } = this.run.arrays[at];
      const start = end;
      end += 8 * this.run.numbers[at].length;
      return [name, { dtype: "F64", shape, data_offsets: [start, end] }];
    });
    const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
    const length = new BigUint64Array([BigInt(text.length)]);
    return new Blob([length, text, ...given.map((at) => this.run.numbers[at])]);
  }
}
