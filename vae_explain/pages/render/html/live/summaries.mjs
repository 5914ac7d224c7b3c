// Tensors too big for a page: what they are like, and a heat map (`html/summaries.py`, `heat.py`).
import { largest, sum } from "./expression.mjs";
import { escapeText, MINUS, raised, typeset } from "./inline.mjs";
import { counted } from "./text.mjs";

const MOST_LARGEST = 5;
const MOST_ROWS = 20;
const MOST_COLUMNS = 72;
const CELL = 8;
const SHADES = 8;
const ONE_SIDED = 0.5;

const statistics = (numbers, places, write) => {
  const finite = numbers.filter(Number.isFinite);
  const one = (value) => write.one(value, places).replaceAll("-", MINUS);
  const [low, high] = finite.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const left = numbers.length - finite.length;
  const said = [counted(numbers.length, "number")];
  const isConstant = low === high;
  if (isConstant) said.push(`all ${left ? "finite " : ""}${one(low)}`);
  else if (finite.length) {
    const size = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const norm = size * Math.sqrt(sum(finite.map((value) => (value / size) ** 2)));
    const mean = sum(finite) / finite.length;
    said.push(`from ${one(low)} to ${one(high)}`, `mean ${one(mean)}`, `norm ${one(norm)}`);
    const zeros = finite.filter((value) => value === 0).length;
    if (zeros) said.push(counted(zeros, "zero"));
  }
  if (left) said.push(`${counted(left)} not finite`);
  return { text: said.map(raised).join(", "), isConstant: isConstant && !left };
};

/** Where each of at most so many nearly equal parts of a length begins. */
const edges = (count, most) => Array.from({ length: Math.min(count, most) + 1 }, (_, k) => Math.floor((k * count) / Math.min(count, most)));

/** The cells of a picture of two axes: of each its place, its mean size and its sign. */
const heat = (numbers, shape) => {
  const axes = shape.slice(shape.findIndex((length, k) => length !== 1 || k === shape.length - 1));
  const rows = axes.length < 2 ? 1 : axes[0];
  const width = numbers.length / rows;
  const [down, across] = [edges(rows, MOST_ROWS), edges(width, MOST_COLUMNS)];
  const cells = [];
  for (let i = 0; i + 1 < down.length; i += 1) {
    for (let j = 0; j + 1 < across.length; j += 1) {
      let [total, size, count] = [0, 0, 0];
      for (let row = down[i]; row < down[i + 1]; row += 1) {
        for (let column = across[j]; column < across[j + 1]; column += 1) {
          const value = numbers[row * width + column];
          if (!Number.isFinite(value)) continue;
          total += value;
          size += Math.abs(value);
          count += 1;
        }
      }
      cells.push({ i, j, size: count ? size / count : Infinity, sign: Math.abs(total) >= ONE_SIDED * size ? Math.sign(total) : 0 });
    }
  }
  const widest = (ends) => ends.slice(1).reduce((most, end, k) => Math.max(most, end - ends[k]), 0);
  return { cells, rows: down.length - 1, columns: across.length - 1, patch: [widest(down), widest(across)] };
};

const picture = (numbers, shape, spec, write) => {
  const { cells, rows, columns, patch } = heat(numbers, shape);
  const top = cells.reduce((most, { size }) => (Number.isFinite(size) ? Math.max(most, size) : most), 0) || 1;
  const paths = new Map();
  for (const { i, j, size, sign } of cells) {
    const isFinite = Number.isFinite(size);
    const shade = Math.ceil((isFinite ? size / top : 1) * SHADES);
    const kind = isFinite ? `${{ 1: "positive", "-1": "negative", 0: "both" }[sign]} s${shade}` : "failure";
    const square = `M${j * CELL} ${i * CELL}h${CELL}v${CELL}h-${CELL}z`;
    if (shade) paths.set(kind, (paths.get(kind) ?? "") + square);
  }
  const drawn = [...paths].sort().map(([kind, d]) => `<path class="${kind}" d="${d}"/>`).join("");
  const [width, height] = [columns * CELL, rows * CELL];
  const size = `width="${width}" height="${height}"`;
  const each = patch.join() === "1,1" ? "a number" : `up to ${patch.join(" × ")} numbers`;
  const most = typeset(write.one(top, spec.places));
  return `<div class="map"><svg class="heat" viewBox="0 0 ${width} ${height}" ${size} role="img" aria-label="Heat map of ${escapeText(spec.name)}">`
    + `<rect class="frame" ${size}/>${drawn}</svg><p class="remark">each cell ${each}; the stronger its shade, the larger its mean size, `
    + `up to ${most}; <span class="positive">■</span> mostly positive, <span class="negative">■</span> mostly negative, ■ both</p></div>`;
};

export const summary = (writer, spec) => {
  const { of, places, role, accent } = spec;
  const numbers = writer.run.numbers[of];
  const { shape } = writer.run.arrays[of];
  const { anchor } = writer.signs[of];
  const { text, isConstant } = statistics(numbers, places, writer.numbers);
  const shown = largest(numbers, MOST_LARGEST);
  const texts = writer.numbers.column(shown.map((place) => numbers[place]), places);
  const rows = shown.map((place, k) => ({
    cells: [`<th scope="row">${writer.bracketed(of, place)}</th>`, `<td>${writer.number(of, place, texts[k], role, accent)}</td>`],
  }));
  return `<figure class="summary"${writer.id(anchor)}><figcaption><a class="name ${accent ? "accent" : role}" href="#${anchor}">${escapeText(spec.name)}</a> `
    + `<span class="shape">${shape.join(" × ")}</span><br>${text}</figcaption>`
    + `${isConstant ? "" : picture(numbers, shape, spec, writer.numbers)}${writer.table(["largest", "number"], rows)}</figure>`;
};
