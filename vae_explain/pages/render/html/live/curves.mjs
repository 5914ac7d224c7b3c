// The loss and its terms over the steps of learning; each step can be gone back to.
import { escapeText, typeset } from "./inline.mjs";
import { significantText } from "./text.mjs";

const WIDTH = 560;
const HEIGHT = 90;
const EDGE = 6;

export class Curves {
  constructor(root, run, goBack) {
    Object.assign(this, { root, run, goBack });
    root.addEventListener("click", (event) => {
      const drawing = event.target.closest("svg");
      if (!drawing || this.history.length < 2) return;
      const { left, width } = drawing.getBoundingClientRect();
      const share = ((event.clientX - left) / width) * WIDTH - EDGE;
      this.goBack(Math.max(0, Math.min(this.history.length - 1, Math.round((share / (WIDTH - 2 * EDGE)) * (this.history.length - 1)))));
    });
    root.addEventListener("change", (event) => {
      if (event.target.matches("input")) this.goBack(Number(event.target.value));
    });
    this.history = [];
  }

  draw(history) {
    this.history = history;
    if (history.length < 2) {
      this.root.innerHTML = "";
      return;
    }
    const names = this.run.ends.map((at) => this.run.arrays[at].name);
    const last = history.length - 1;
    const figures = names.map((name, k) => this.figure(name, history.map(({ losses }) => losses[k]), k));
    this.root.innerHTML = `<p class="steps">Step ${last}. Click into a curve to go back to an earlier step, or choose it:
      <input type="number" min="0" max="${last}" value="${last}" aria-label="Go back to step"></p>
      <div class="figures">${figures.join("")}</div>`;
  }

  figure(name, values, k) {
    const finite = values.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const x = (at) => EDGE + (at / (values.length - 1)) * (WIDTH - 2 * EDGE);
    const y = (value) => HEIGHT - EDGE - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * EDGE);
    const points = values.flatMap((value, at) => (Number.isFinite(value) ? [`${x(at).toFixed(1)},${y(value).toFixed(1)}`] : []));
    const now = typeset(significantText(values[values.length - 1], 6));
    const role = ["", "reconstruction", "kl"][k] ?? "";
    return `<figure class="curve"><figcaption>${escapeText(name)} ${now}</figcaption>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(name)} over the steps, now ${now.replace(/<[^>]*>/g, "")}">
      <rect class="frame" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}"/>
      <polyline class="${role}" points="${points.join(" ")}"/></svg></figure>`;
  }
}
