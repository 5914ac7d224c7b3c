// Names and numbers in markup, each number a link, and tables of them (`html/links.py`).
import { largest } from "./expression.mjs";
import { escapeText, inNumbers, typeset } from "./inline.mjs";
import { Numbers } from "./numbers.mjs";

export const range = (count) => Array.from({ length: count }, (_, k) => k);

export class Marks {
  /** `signs` has the markup of each array's name; `shares` which term may send what to whom. */
  constructor(run, signs, shares, digits) {
    this.run = run;
    this.signs = signs.map((sign, at) => {
      if (!sign) return null;
      const { name } = run.arrays[at];
      const [before, after = ""] = sign.sign;
      return { anchor: name, name: escapeText(name), label: [`<math>${before}`, `${after}</math>`], ...sign };
    });
    this.numbers = new Numbers(run.arrays, digits);
    this.shares = shares ?? { sections: [], terms: [], words: {} };
    this.ids = new Set(); // that the region being written may give
  }

  // --- names and numbers ---

  /** Write a name with its index; `form` is `sign` or `label`. */
  name(array, place, form) {
    const [before, after = ""] = this.signs[array][form];
    const index = this.run.index(array, place).map((at) => `<mn>${at}</mn>`).join("<mo>,</mo>");
    return before + index + after;
  }

  index(array, place) {
    return this.run.index(array, place).join(",");
  }

  bracketed(array, place) {
    const index = this.index(array, place);
    return index && `[${index}]`;
  }

  anchor(array, place) {
    const index = this.run.index(array, place).map((at) => `-${at}`).join("");
    return this.signs[array].anchor + index;
  }

  id(anchor) {
    return this.ids.delete(anchor) ? ` id="${anchor}"` : "";
  }

  number(array, place, text, role, accent = false) {
    const value = this.run.numbers[array][place];
    const classes = value === 0 ? "dim" : accent ? "accent" : role;
    const anchor = this.anchor(array, place);
    return `<a class="${classes}"${this.id(anchor)} href="#${anchor}" data-n="${array}.${place}">${typeset(text)}</a>`;
  }

  bare(value, text, role) {
    return `<span class="${value === 0 ? "dim" : role}">${typeset(text)}</span>`;
  }

  /** Lay out a tree in numbers, each a link. */
  laid(tree, leaf) {
    return inNumbers(tree, leaf, (node, digits) =>
      node.kind === "ref"
        ? this.number(node.array, node.place, digits, this.run.arrays[node.array].role)
        : this.bare(node.value, digits, "value"));
  }

  // --- which elements ---

  /** Return the places that a block shows: the first ones, or of a big array the largest. */
  shown({ count, by = null, less = null, sorted = false }) {
    if (by === null) return range(count);
    let numbers = this.run.numbers[by];
    if (less !== null) numbers = numbers.map((value, k) => value - this.run.numbers[less][k]);
    const places = largest(numbers, count);
    return sorted ? places.sort((a, b) => a - b) : places;
  }

  table(heads, rows, reasons = []) {
    const some = reasons.some(Boolean);
    const head = heads.map((each) => (each ? `<th scope="col">${each}</th>` : '<td class="words"></td>')).join("");
    const body = rows.map(({ cells, dim }, k) =>
      `<tr${dim ? ' class="dim"' : ""}>${cells.join("")}${some ? `<td class="reason">${reasons[k]}</td>` : ""}</tr>`);
    const extra = some ? '<td class="reason"></td>' : "";
    return `<div class="scroll"><table><thead><tr>${head}${extra}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
  }
}

export const note = (tone, text) => {
  const mark = { plain: "", check: "✓ ", failure: "✗ ", warning: "! " }[tone];
  return `<p class="note ${tone}">${mark}${escapeText(text)}</p>`;
};
