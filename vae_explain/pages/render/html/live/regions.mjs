// What stands in each region of the page, by its recipe.
import { escapeText } from "./inline.mjs";
import { constantMarkup } from "./mathml.mjs";
import { note } from "./marks.mjs";
import { says } from "./says.mjs";
import { summary } from "./summaries.mjs";
import { short, significantText } from "./text.mjs";

/** Return a region's markup; null for one whose numbers are put in one by one, or stay. */
export const region = (writer, spec, isRecorded = false) => {
  switch (spec.kind) {
    case "lines":
      return writer.lines(spec);
    case "summands":
      return writer.summands(spec);
    case "constants":
      return writer.constants(spec);
    case "cells":
      return writer.cells(spec);
    case "products":
      return writer.products(spec);
    case "gated":
      return writer.gated(spec);
    case "checked":
      return writer.checked(spec, isRecorded);
    case "weighed": {
      const { beta } = writer.run.numbers;
      const { else: general, ...special } = spec.texts;
      const known = special[String(beta)];
      if (!known) return general.map((part) => filled(part, beta)).join("");
      const [start, middle, end] = known;
      const last = general[general.length - 1];
      return general[0].slice(0, start) + middle + last.slice(last.length - end);
    }
    case "summary":
      return writer.run.arrays[spec.of].kind === "parameter" && writer.stays ? null : summary(writer, spec);
    case "says":
      return says(writer, spec);
    case "stepped":
      return stepped(writer);
    case "verdict":
      return verdict(writer, spec);
    case "rate":
      return `<p>${escapeText(`${spec.before}lr = ${short(writer.run.numbers.lr)}.`)}</p>`;
    case "drawn":
      return `<p>${escapeText(spec.name)} is given.</p>`;
    default:
      return null;
  }
};

/** A part of a text: as it is, or a multiple of the weight, in a formula or in a sentence. */
const filled = (part, beta) => {
  if (typeof part === "string") return part;
  return Array.isArray(part) ? constantMarkup(part[0] * beta) : significantText(part * beta, 6);
};

/** The loss and its terms before one step of gradient descent, and after it. */
const losses = ({ run }) => {
  const moved = [...run.arrays.entries()].filter(([, array]) => array.moved);
  const [after] = run.tried([moved.map(([at, array]) => [run.byName.get(array.moved), run.numbers[at]])]);
  return run.losses().map((before, k) => ({ name: run.arrays[run.ends[k]].name, before, after: after[k] }));
};

const stepped = (writer) => {
  const rows = losses(writer).map((row) => ({ ...row, change: row.after - row.before }));
  const texts = ["before", "after", "change"].map((name) => writer.numbers.column(rows.map((row) => row[name]), "value"));
  return writer.table(["", "before", "after", "change"], rows.map(({ name, before, after, change }, k) => {
    const { parts, result } = writer.numbers.adding([after, before], [1, -1], ["value", "value"], change, texts[2][k]);
    const cell = (value, text) => `<td>${writer.bare(value, text, "value")}</td>`;
    const cells = [`<th scope="row" class="words">${escapeText(name)}</th>`, cell(before, parts[1])];
    return { cells: [...cells, cell(after, parts[0]), cell(change, result)] };
  }));
};

const verdict = (writer, { verdicts }) => {
  const [{ before, after }] = losses(writer);
  const which = !Number.isFinite(after) ? "overflowed" : after < before ? "fell" : after > before ? "rose" : "stayed";
  return note(...verdicts[which]);
};
