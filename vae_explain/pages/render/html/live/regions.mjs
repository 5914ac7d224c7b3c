// What stands in each region of the page, by its recipe.
import { note } from "./blocks.mjs";
import { escapeText } from "./inline.mjs";

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
    case "drawn":
      return `<p>${escapeText(spec.name)} is given.</p>`;
    default:
      return null;
  }
};
