// What stands in each region of the page, by its recipe.
import { escapeText } from "./inline.mjs";
import { constantMarkup } from "./mathml.mjs";
import { significantText } from "./text.mjs";

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
    case "gated":
      return writer.gated(spec);
    case "checked":
      return writer.checked(spec, isRecorded);
    case "weighed": {
      const { beta } = writer.run.numbers;
      const { else: general, ...special } = spec.texts;
      return special[String(beta)] ?? general.map((part) => filled(part, beta)).join("");
    }
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
