// Which term sends how much of a gradient, and by which way (`walkthrough/shares.py`).
import { largest, sum } from "./expression.mjs";
import { escapeText } from "./inline.mjs";
import { Marks, note, range } from "./marks.mjs";
import { counted, filled, signedText } from "./text.mjs";

export class Shares extends Marks {
  /** Write the shares of each place, which add up to its gradient as it is printed in `totals`. */
  shareTexts(array, shares, places, totals) {
    if (!shares.length) return places.map(() => []);
    return places.map((place, k) => {
      const total = this.run.numbers[array][place];
      const amounts = shares.map((share) => this.share(share, place));
      const [most] = largest(amounts, 1);
      // The largest takes the rounding of another order of adding up.
      if (amounts[most] && Number.isFinite(total)) {
        amounts[most] = total - sum(amounts.filter((_, j) => j !== most));
      }
      const kinds = shares.map(() => "gradient");
      const { parts, result } = this.numbers.adding(amounts, kinds.map(() => 1), kinds, total, totals[k]);
      totals[k] = result;
      return amounts.map((amount, j) => this.bare(amount, parts[j], shares[j].role));
    });
  }

  share({ array }, place) {
    return array === null ? 0 : this.run.numbers[array][place];
  }

  // --- which term sends what ---

  /** Return each term's share of a gradient, when any term reaches it. */
  sharesOf(entry) {
    if (!entry || entry["behind hook"] || !entry.terms.some((array) => array !== null)) return [];
    return this.shares.terms.map(({ word, role }, k) => ({ word, role, header: `from ${word}`, array: entry.terms[k] }));
  }

  sends({ array }) {
    return array !== null && this.run.numbers[array].some((value) => value !== 0);
  }

  /** Return the one term that sends anything; where none does, the one that could. */
  alone(entry) {
    const shares = this.sharesOf(entry);
    let sending = shares.filter((share) => this.sends(share));
    if (!sending.length) sending = shares.filter(({ array }) => array !== null);
    return sending.length === 1 ? sending[0].word : "";
  }

  /** Find out, once for each writing of the page, what is true of many sections in a row. */
  follow() {
    this.onlyFrom = new Map();
    const { sections, words: said } = this.shares;
    const allFrom = (word) => (word ? filled(said.one, { word }) : "");
    const words = sections.map((section) => {
      const own = new Set(section.map((entry) => this.alone(entry)));
      return own.size === 1 ? [...own][0] : "";
    });
    for (let at = 0; at < sections.length;) {
      let end = at + 1;
      while (end < sections.length && words[end] === words[at]) end += 1;
      const row = sections.slice(at, end);
      if (!words[at]) {
        for (const entry of row.flat()) this.onlyFrom.set(entry.of, allFrom(this.alone(entry)));
      } else {
        for (const entry of row.flat()) this.onlyFrom.set(entry.of, "");
        const last = this.run.arrays[row[row.length - 1][0].of].name;
        const template = row.length === 1 ? said.one : end === sections.length ? said.all : said["down to"];
        this.onlyFrom.set(row[0][0].of, filled(template, { word: words[at], last }));
      }
      at = end;
    }
    this.entries = new Map(sections.flat().map((entry) => [entry.of, entry]));
  }

  sending(array, byWay = false) {
    const entry = this.entries.get(array);
    const alone = this.alone(entry);
    if (alone) return { shares: [], only: this.onlyFrom.get(array) ?? "" };
    const ways = (byWay && entry?.ways) || [];
    const shares = ways.length
      ? ways.map(({ header, role, of }) => ({ header: escapeText(header), role, array: of }))
      : this.sharesOf(entry);
    return { shares: shares.some((share) => this.sends(share)) ? shares : [], only: "" };
  }

  /** How much of each element each term sends, and where two of them all but cancel. */
  sharesTable(spec) {
    if (spec.parameter !== undefined) return this.ofParameter(spec);
    const places = this.shown(spec);
    const { shares, only } = this.sending(spec.of, spec.table);
    let written = (spec.table || spec.only) && only ? note("plain", only) : "";
    if (spec.table && shares.length) written += this.partsTable(spec.of, shares, places);
    return spec.table && !shares.length ? written : written + this.cancelling(spec.of, places);
  }

  partsTable(array, shares, places) {
    const texts = this.numbers.column(places.map((k) => this.run.numbers[array][k]), "gradient");
    const parts = this.shareTexts(array, shares, places, texts);
    const rows = places.map((place, k) => ({
      cells: [
        `<th scope="row">${this.index(array, place)}</th>`,
        `<td>${this.number(array, place, texts[k], "gradient", true)}</td>`,
        ...parts[k].map((part) => `<td>${part}</td>`),
      ],
    }));
    return this.table(["element", this.signs[array].name, ...shares.map(({ header }) => header)], rows);
  }

  /** How much of each number of a parameter's gradient comes by which way. */
  ofParameter({ of, parameter }) {
    const { shares } = this.sending(of, true);
    const [gradient, arriving] = [this.run.numbers[of], this.run.numbers[parameter]];
    const isSame = gradient.length === arriving.length && gradient.every((value, k) => value === arriving[k]);
    const all = range(gradient.length);
    if (!shares.length || isSame) return this.cancelling(of, all);
    let places = all.filter((k) => gradient[k] || shares.some((share) => this.share(share, k)));
    const { words: said, most } = this.shares;
    let words = places.length < gradient.length ? said.zero : "";
    if (places.length > most.parts) {
      places = largest(gradient, most.largest).sort((a, b) => a - b);
      words = filled(said.largest, { all: counted(gradient.length), count: places.length });
    }
    const table = this.partsTable(of, shares, places);
    return table + (words ? note("plain", words) : "") + this.cancelling(of, places);
  }

  cancelling(array, places) {
    const shares = this.sharesOf(this.entries.get(array));
    if (shares.length < 2) return "";
    return places.map((place) => {
      const amounts = shares.map((share) => this.share(share, place));
      const size = sum(amounts.map(Math.abs));
      if (!size || Math.abs(sum(amounts)) >= this.shares.most.nothing * size) return "";
      const where = this.run.arrays[array].name + this.bracketed(array, place);
      const forces = amounts.map((amount, k) => `${shares[k].word} ${signedText(amount)}`).join(" and ");
      return note("warning", filled(this.shares.words.cancel, { where, forces }));
    }).join("");
  }
}
