// Writes the page's blocks anew from a run's numbers, as `html/arithmetic.py` and `grids.py` do.
import { addends, evaluate, isLeaf, largest, largestTerms, leavesOf, shortened, smaller, sum } from "./expression.mjs";
import { escapeText, lineMarkup, summandMarkup, typeset } from "./inline.mjs";
import { note } from "./marks.mjs";
import { Shares } from "./shares.mjs";
import { constant } from "./simplify.mjs";
import { constantText, counted, filled, toText } from "./text.mjs";

const WIDEST_ROWS = 90;
const LONGEST_LABEL = 14;
const FEW_PRODUCTS = 5;
const LONGEST_SUM = 256; // over all elements of a tensor, of which each term is there
const EQUALS = '<span class="equals">=</span>';

export class Writer extends Shares {
  // --- worked lines ---

  line(array, place) {
    const tree = this.run.tree(array, place) ?? constant(this.run.numbers[array][place]);
    return { array, place, tree: shortened(tree), value: this.run.numbers[array][place] };
  }

  /** Write the numbers of lines, their results as a column. */
  written(lines, places, leaves) {
    const results = this.numbers.column(lines.map(({ value }) => value), places);
    return lines.map(({ tree, value }, k) => this.numbers.line(tree, value, results[k], leaves));
  }

  lines(spec) {
    const role = spec.places === "gradient" ? "gradient" : "value";
    const lines = this.shown(spec).map((place) => this.line(spec.of, place));
    if (spec.quiet) return this.example(spec, lines, role);
    const written = this.written(lines, spec.places, spec.leaves);
    const after = spec.after === undefined ? [] : lines.map(({ place }) => this.line(spec.after, place));
    const asRows = this.fit(spec, lines, written);
    let shown = asRows
      ? this.rows(spec, lines, written, after, role)
      : this.sentences(spec, lines, written, after, role);
    if (spec.formula) shown = spec.formula + shown;
    return shown + leftOut(spec.omitted);
  }

  fit({ columns = [] }, lines, written) {
    if (!lines.length || !columns.length) return false;
    if (!lines.every(({ tree }) => addends(tree).length === columns.length)) return false;
    return lines.every(({ tree }, k) => [...toText(tree, written[k].leaf)].length <= WIDEST_ROWS);
  }

  rows(spec, lines, written, after, role) {
    const heads = [
      `<th scope="col">${spec.head}</th>`,
      ...spec.columns.map((column) => `<th scope="col">${column}</th>`),
      `<th scope="col" class="made">${spec.named}</th>`,
    ];
    let texts = [];
    if (after.length) {
      const here = this.id(this.signs[spec.after].anchor);
      heads.push(`<th scope="col" class="made"${here}>${spec.afterNamed}</th>`, '<td class="reason"></td>');
      texts = this.numbers.column(after.map(({ value }) => value), spec.places);
    }
    const rows = lines.map((line, k) => {
      const cells = summandMarkup(this.laid(line.tree, written[k].leaf)).map((part) => `<td>${part}</td>`);
      const made = this.made(line, written[k], role, !after.length);
      let row = `<th scope="row">${this.index(line.array, line.place)}</th>${cells.join("")}`;
      row += `<td class="made">${EQUALS} ${made}</td>`;
      if (after.length) {
        const number = this.number(spec.after, line.place, texts[k], role, true);
        row += `<td class="made"><span class="equals">→</span> ${number}</td>`;
        row += `<td class="reason">${this.isClosed(spec, after[k]) ? "gate closed" : ""}</td>`;
      }
      return `<tr>${row}</tr>`;
    });
    return `<div class="scroll"><table class="rows"><caption>How each ${spec.head} of ${spec.named} is made</caption>`
      + `<thead><tr>${heads.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
  }

  isClosed(spec, line) {
    return Boolean(spec.gate) && evaluate(line.tree) === 0;
  }

  sentences(spec, lines, written, after, role) {
    const items = lines.map((line, k) => `<li>${this.equation(line, written[k], role, !after.length)}</li>`);
    return `<ol class="worked">${items.join("")}</ol>${after.length ? this.after(spec, after, role) : ""}`;
  }

  equation(line, written, role, accent, alone = false) {
    const { name } = this.run.arrays[line.array];
    const index = this.run.index(line.array, line.place);
    const isShort = !alone && index.length && [...name].length > LONGEST_LABEL;
    const left = isShort ? `[${index}]` : this.label(line);
    const made = this.made(line, written, role, accent);
    const start = `<span class="left">${left} ${EQUALS}</span> `;
    if (isLeaf(line.tree) && toText(line.tree, written.leaf) === written.result) return start + made;
    const numbers = lineMarkup(this.laid(line.tree, written.leaf));
    return `${start}${numbers} <span class="result">${EQUALS}&nbsp;${made}</span>`;
  }

  label({ array, place }) {
    return this.name(array, place, "label");
  }

  /** Write what an activation made of the lines above, one equation each. */
  after(spec, after, role) {
    const written = this.written(after, spec.places, null);
    const here = this.id(this.signs[spec.after].anchor);
    const rows = after.map((line, k) => {
      const arithmetic = lineMarkup(this.laid(line.tree, written[k].leaf));
      const word = this.isClosed(spec, line) ? '<span class="reason">gate closed</span>' : "";
      const left = `<span class="left"><math>${this.name(line.array, line.place, "sign")}</math> ${EQUALS}</span>`;
      return `<li>${left} ${arithmetic} ${EQUALS} ${this.made(line, written[k], role, true)} ${word}</li>`;
    });
    return `<ol class="worked short"${here}>${rows.join("")}</ol>`;
  }

  made(line, written, role, accent) {
    const made = this.number(line.array, line.place, written.result, role, accent);
    return made + remarked(written);
  }

  /** Show one line for all, of an array whose numbers stand above. */
  example(spec, lines, role) {
    const { before } = spec; // of what moves, one that does
    const size = ({ place, value }) => (before !== undefined && value === this.run.numbers[before][place] ? 0 : Math.abs(value));
    let best = null;
    for (const line of lines) {
      if (best === null || size(line) > size(best)) best = line;
    }
    if (best === null || isLeaf(best.tree)) return "";
    const result = this.numbers.one(best.value, spec.places);
    const written = this.numbers.line(best.tree, best.value, result, spec.leaves);
    const equation = this.equation(best, written, role, true, true);
    return `<p class="worked"><span class="reason">for example</span> ${equation}</p>`;
  }

  /** A scalar by what it adds up, one line each, and their sum. */
  summands(spec) {
    const { of } = spec;
    const value = this.run.numbers[of][0];
    const { scale, terms } = openSum(this.run.tree(of, 0)) ?? { scale: null, terms: [] };
    const [own, rests] = longSum(terms);
    const labels = [...this.labels(own), ...rests.map(({ name }) => name)];
    const lines = [...own, ...rests].slice(0, spec.count).map((term, k) => {
      const tree = shortened(scale(term));
      return { tree, value: evaluate(scale(term)), label: labels[k] };
    });
    const results = this.numbers.column(lines.map((line) => line.value), "value");
    const items = lines.map((line, k) => {
      const written = this.numbers.line(line.tree, line.value, results[k], spec.leaves);
      const made = this.bare(line.value, written.result, line.value === 0 ? "dim" : "accent");
      const numbers = lineMarkup(this.laid(line.tree, written.leaf));
      const start = `<span class="left">${line.label} ${EQUALS}</span> `;
      if (line.tree.kind === "rest") return `<li>${start}${made}</li>`;
      return `<li>${start}${numbers} <span class="result">${EQUALS}&nbsp;${made}${remarked(written)}</span></li>`;
    });
    const total = this.number(of, 0, this.numbers.one(value, spec.places), "value", true);
    return `<ol class="worked">${items.join("")}</ol>${leftOut(spec.omitted)}`
      + `<p class="total">${spec.label} ${EQUALS} ${total} `
      + `<span class="reason">sum of ${counted(lines.length + (spec.omitted ?? 0))}</span></p>`;
  }

  /** Label the terms of a sum by their index, or by their position where that is not unique. */
  labels(terms) {
    const own = terms.map((term) => {
      const refs = leavesOf(term).filter((leaf) => leaf.kind === "ref");
      const indices = refs.map(({ array, place }) => this.bracketed(array, place));
      return [...new Set(indices.filter(Boolean))];
    });
    const alone = own.every((indices) => indices.length === 1);
    const unique = alone && new Set(own.map(([index]) => index)).size === terms.length;
    return unique ? own.map(([index]) => index) : terms.map((_, k) => `[${k}]`);
  }

  /** The gradients that are constants, as at a term of a sum. */
  constants(spec) {
    const lines = spec.of.map((array) => this.line(array, 0));
    const written = this.written(lines, spec.places, spec.leaves);
    const items = lines.map((line, k) => `<li>${this.equation(line, written[k], "value", true)}</li>`);
    return `<ol class="worked">${items.join("")}</ol>`;
  }

  // --- tables ---

  /** An input and an output beside each other, and what is between them. */
  cells(spec) {
    const places = this.shown(spec);
    const [target, output] = spec.cells;
    const [first, second] = [target, output].map((array) => places.map((k) => this.run.numbers[array][k]));
    const apart = first.map((value, k) => second[k] - value);
    const texts = [
      this.numbers.column(first, "input"), this.numbers.column(second, "value"), this.numbers.column(apart, "value"),
    ];
    places.forEach((_, k) => {
      // What is between them is one less the other, of the numbers as they are printed.
      const { parts, result } = this.numbers.adding(
        [second[k], first[k]], [1, -1], ["value", "input"], apart[k], texts[2][k]);
      [texts[1][k], texts[0][k]] = parts;
      texts[2][k] = result;
    });
    const rows = places.map((place, k) => ({
      cells: [
        `<th scope="row">${this.index(output, place)}</th>`,
        `<td>${this.number(target, place, texts[0][k], "input")}</td>`,
        `<td>${this.number(output, place, texts[1][k], "value")}</td>`,
        `<td>${this.bare(apart[k], texts[2][k], "value")}</td>`,
      ],
    }));
    return this.table(spec.heads, rows);
  }

  /** What each product of long sums comes to, the largest of each marked. */
  products(spec) {
    const lines = this.shown(spec).map((place) => this.line(spec.of, place));
    if (spec.largest) return this.largestProducts(spec, lines[0]);
    const texts = this.numbers.column(lines.map(({ value }) => value), "gradient");
    let heads = spec.heads;
    let all = lines.map(({ array, place }) => addends(this.run.tree(array, place)).map(evaluate));
    if (spec.names) {
      // Of very long ones the largest stand each in a column, and all others in one.
      const sizes = spec.names.map((_, j) => Math.max(...all.map((amounts) => Math.abs(amounts[j]))));
      const some = largest(sizes, FEW_PRODUCTS).sort((a, b) => a - b);
      heads = [heads[0], ...some.map((j) => spec.names[j]), ...heads.slice(-2)];
      const others = (amounts) => sum(amounts.filter((_, j) => !some.includes(j)));
      all = all.map((amounts) => [...some.map((j) => amounts[j]), others(amounts)]);
    }
    const rows = lines.map(({ array, place, value }, k) => {
      const amounts = all[k];
      const kinds = amounts.map(() => "gradient");
      const { parts, result } = this.numbers.adding(amounts, kinds.map(() => 1), kinds, value, texts[k]);
      const [most] = largest(spec.names ? amounts.slice(0, -1) : amounts, 1);
      const cells = amounts.map((amount, j) => {
        const text = this.bare(amount, parts[j], "value");
        return `<td>${j === most ? `<strong>${text}</strong>` : text}</td>`;
      });
      const made = `<td>${this.number(array, place, result, "value", true)}</td>`;
      return { cells: [`<th scope="row">${this.index(array, place)}</th>`, ...cells, made] };
    });
    return this.table(heads, rows);
  }

  /** What each written part of one long sum comes to, the largest first. */
  largestProducts(spec, { array, place, tree, value }) {
    const named = (leaf) => this.run.arrays[leaf.array].name + this.bracketed(leaf.array, leaf.place);
    const write = (leaf) => (leaf.kind === "ref" ? named(leaf) : constantText(leaf.value));
    const parts = addends(tree).map((term) => ({
      name: term.kind === "rest" ? "all others" : toText(term, write).replace(/^-/, ""), value: evaluate(term),
    }));
    const isRest = ({ name }) => name === "all others";
    parts.sort((a, b) => isRest(a) - isRest(b) || Math.abs(b.value) - Math.abs(a.value));
    parts.push({ name: named({ array, place }), value });
    const texts = this.numbers.column(parts.map((part) => part.value), "gradient");
    return this.table(spec.heads, parts.map((part, k) => ({
      cells: [
        `<th scope="row" class="words">${escapeText(part.name).replace(/(?=\.[^\W\d])|(?<=_)(?=[^\W\d_])/g, "<wbr>")}</th>`,
        `<td>${this.bare(part.value, texts[k], "accent")}</td>`,
      ],
    })));
  }

  /** What passes a gate: what arrives, the gate, and both together, with the terms' shares. */
  gated(spec) {
    const places = this.shown(spec);
    const { shares } = this.sending(spec.of);
    const column = (array, kind) => this.numbers.column(places.map((k) => this.run.numbers[array][k]), kind);
    const gates = places.map((place) => (this.run.numbers[spec.gate][place] > 0 ? 1 : 0));
    const arriving = column(spec.arriving, "gradient");
    const passed = column(spec.of, "gradient");
    const parts = this.shareTexts(spec.of, shares, places, passed);
    const rows = places.map((place, k) => ({
      dim: !gates[k],
      cells: [
        `<th scope="row">${this.index(spec.of, place)}</th>`,
        `<td>${this.bare(this.run.numbers[spec.arriving][place], arriving[k], "gradient")}</td>`,
        `<td>${this.bare(gates[k], String(gates[k]), "value")}</td>`,
        `<td>${this.number(spec.of, place, passed[k], "gradient", true)}</td>`,
        ...parts[k].map((part) => `<td>${part}</td>`),
      ],
    }));
    const heads = ["unit", "arrives", "gate", "δ = arrives × gate", ...shares.map(({ header }) => header)];
    return this.table(heads, rows, gates.map((gate) => (gate ? "" : "gate closed")));
  }

  // --- words that go by the numbers ---

  /** What was checked; only of the recorded run there is something to compare it with. */
  checked(spec, isRecorded) {
    const tail = this.gates(spec.gates);
    const words = isRecorded ? spec.words : `${spec.count} evaluated by this page${tail}`;
    return note("check", words) + (spec.then ? this.sharesTable(spec.then) : "");
  }

  gates(gates) {
    if (!gates) return "";
    const places = this.shown(gates.lines);
    const numbers = this.run.numbers[gates.of];
    const closed = places.filter((place) => (gates.above ? !(numbers[place] > 0) : numbers[place] === 0));
    if (!closed.length) return "";
    const units = closed.map((place) => this.index(gates.of, place)).join(", ");
    return filled(gates.words[closed.length > 1 ? 1 : 0], { units, count: closed.length, all: places.length });
  }

  // --- whole arrays ---

  /** The texts of an array's numbers, in their order. */
  matrix(spec) {
    return this.numbers.entries(Array.from(this.run.numbers[spec.of]), spec.places, spec.whole);
  }
}

const leftOut = (count) => (count ? `<p class="omitted">… ${counted(count)} more left out</p>` : "");
const remarked = ({ computed }) =>
  computed ? ` <span class="reason">${typeset(`computed: ${computed}`)}</span>` : "";

/** Of a long sum the largest terms, and the others as one number of each sign (`long_sums.py`). */
const longSum = (terms) => {
  if (terms.length <= LONGEST_SUM) return [terms, []];
  const [shown, others] = largestTerms(terms);
  const [rising, falling] = [others.filter((value) => !(value < 0)), others.filter((value) => value < 0)];
  const hasBoth = falling.length && rising.some((value) => value > 0);
  const rests = hasBoth
    ? [smaller(rising, "positive terms"), smaller(falling, "negative terms")]
    : [smaller(others, "terms")];
  return [shown, rests];
};

const openSum = (tree) => {
  const { kind, parts } = tree;
  const wrapped = (body, outer) => {
    const inner = openSum(body);
    return inner && { scale: (term) => outer(inner.scale(term)), terms: inner.terms };
  };
  if (kind === "add") return { scale: (term) => term, terms: parts };
  if (kind === "neg") return wrapped(parts[0], (term) => ({ kind: "neg", parts: [term] }));
  if (kind === "div" && parts[1].kind === "number") {
    return wrapped(parts[0], (term) => ({ kind: "div", parts: [term, parts[1]] }));
  }
  if (kind === "mul" && parts.length === 2 && parts[0].kind === "number") {
    return wrapped(parts[1], (term) => ({ kind: "mul", parts: [parts[0], term] }));
  }
  return null;
};
