// The picture of the model as a map: its shades follow the numbers, and each part leads to its own.
const SVG = "http://www.w3.org/2000/svg";
const signName = (value) => (value === 0 ? "zero" : value > 0 ? "positive" : "negative");
const opacity = (shade) => String(Number((0.12 + 0.88 * Math.abs(shade)).toFixed(2)));
const MOST_LINES = 400;

export class Diagram {
  constructor(picture, spec, writer) {
    Object.assign(this, { picture, spec, writer, run: writer.run, isBackward: false });
    const circles = [...picture.querySelectorAll("circle.unit")];
    // Circles stand in the order of the nodes; a node too wide for them has none.
    this.units = new Map();
    let taken = 0;
    for (const node of spec.nodes) {
      const { shape } = this.run.arrays[node];
      const width = shape[shape.length - 1] ?? 1;
      const isBlock = width > spec.most;
      this.units.set(node, isBlock ? [] : circles.slice(taken, taken + width));
      if (!isBlock) taken += width;
    }
    this.texts = [...picture.querySelectorAll("text.loss")];
    this.lines = this.drawLines();
    for (const [node, units] of this.units) units.forEach((unit, place) => this.makeLink(unit, node, place));
    spec.losses.forEach(({ of }, k) => this.makeLink(this.texts[k], of, 0));
    this.update();
  }

  makeLink(element, array, place) {
    element.dataset.n = `${array}.${place}`;
    element.classList.add("place");
    element.addEventListener("click", () => {
      const shown = this.isBackward ? this.gradientOf(array) ?? array : array;
      const target = document.getElementById(this.writer.anchor(shown, place));
      if (target) lead(target);
    });
  }

  gradientOf(array) {
    const { name } = this.run.arrays[array];
    const at = this.run.arrays.findIndex((each) => each.at === name && each.term === null);
    return at < 0 ? null : at;
  }

  /** Draw each weight of a layer as a line of its own, where they are few. */
  drawLines() {
    const drawn = [];
    const paths = [...this.picture.querySelectorAll(".line")];
    for (const { from, to, weight } of this.spec.edges) {
      const [starts, ends] = [this.units.get(from), this.units.get(to)];
      if (weight === null || !starts.length || !ends.length) continue;
      const path = paths.shift();
      if (!path || starts.length * ends.length > MOST_LINES) continue;
      const group = document.createElementNS(SVG, "g");
      ends.forEach((end, i) => starts.forEach((start, j) => {
        const line = document.createElementNS(SVG, "line");
        const radius = Number(start.getAttribute("r"));
        const ways = [["x1", start, "cx", radius], ["y1", start, "cy", 0], ["x2", end, "cx", -radius], ["y2", end, "cy", 0]];
        for (const [name, unit, of, more] of ways) line.setAttribute(name, String(Number(unit.getAttribute(of)) + more));
        this.makeLink(line, weight, i * starts.length + j);
        group.append(line);
        drawn.push({ line, weight, place: i * starts.length + j });
      }));
      path.replaceWith(group);
    }
    return drawn;
  }

  shown(array) {
    if (!this.isBackward) return this.run.numbers[array];
    const at = this.gradientOf(array);
    return at === null ? null : this.run.numbers[at];
  }

  update() {
    for (const [node, units] of this.units) {
      const numbers = this.shown(node);
      const row = units.map((_, k) => (numbers ? numbers[k] : 0));
      const most = Math.max(...row.map(Math.abs), 0);
      units.forEach((unit, k) => {
        const shade = most ? row[k] / most : 0;
        unit.classList.remove("zero", "positive", "negative");
        unit.classList.add(signName(shade));
        if (shade) unit.setAttribute("fill-opacity", opacity(shade));
        else unit.removeAttribute("fill-opacity");
        const title = unit.querySelector("title");
        const name = `${this.isBackward ? "∂loss/∂" : ""}${this.run.arrays[node].name}[${k}]`;
        if (title) title.textContent = `${name} = ${this.writer.numbers.one(row[k], this.isBackward ? "gradient" : "value")}`;
      });
    }
    const largest = new Map();
    for (const { weight } of this.lines) {
      if (!largest.has(weight)) largest.set(weight, Math.max(...(this.shown(weight) ?? [0]).map(Math.abs), 0));
    }
    for (const { line, weight, place } of this.lines) {
      const value = this.shown(weight)?.[place] ?? 0;
      const share = largest.get(weight) ? Math.abs(value) / largest.get(weight) : 0;
      line.setAttribute("class", `weight place ${signName(value)}`);
      line.setAttribute("stroke-width", String(Number((0.4 + 2.2 * share).toFixed(2))));
      line.setAttribute("stroke-opacity", String(Number((0.12 + 0.7 * share).toFixed(2))));
    }
    this.spec.losses.forEach(({ of }, k) => {
      const { name } = this.run.arrays[of];
      const value = this.writer.numbers.one(this.run.numbers[of][0], "value");
      this.texts[k].textContent = `${name} = ${value}`;
    });
  }
}

/** Lead the reader to a place of the page, and mark it. */
export const lead = (target) => {
  target.scrollIntoView({ block: "center" });
  target.focus({ preventScroll: true });
  target.classList.remove("found");
  void target.offsetWidth; // so that the mark is seen again
  target.classList.add("found");
};
