// What a change does around the blocks: the line at the top, the footer, what is put away, the Δ.
import { sum } from "./expression.mjs";
import { note } from "./marks.mjs";
import { counted, significantText, signedText } from "./text.mjs";

/** Of a page with its run, its state and its panel. */
export class Surroundings {
  /** The line at the top says what x is. */
  writeHeader() {
    const x = this.run.byName.get("x");
    this.heading ??= [...document.querySelectorAll("header p")].find((p) => / · x = \[/.test(p.textContent));
    if (x === undefined || !this.heading) return;
    const values = Array.from(this.run.numbers[x], (value) => significantText(value, 6)).join(", ");
    const text = this.heading.textContent.replace(/x = \[[^\]]*\]/, `x = [${values}]`);
    if (this.heading.textContent !== text) this.heading.textContent = text;
  }

  /** What only PyTorch could tell of a changed run is put away. */
  setRecorded(isStart) {
    for (const section of this.recorded) {
      section.classList.toggle("away", !isStart);
      let line = section.querySelector(":scope > .away-line");
      if (!line) {
        line = document.createElement("p");
        line.className = "note away-line";
        line.textContent = "This part speaks of the run before the change, as PyTorch computed it. Take the changes back to read it.";
        const heading = section.querySelector("h2, h3");
        if (heading) heading.after(line);
        else section.prepend(line);
      }
      line.hidden = isStart;
    }
  }

  /** All numbers as they were before any change. */
  atStart() {
    if (!this.before) {
      const now = this.state.snapshot();
      this.state.restore(this.state.start);
      this.run.compute();
      this.before = this.run.numbers.map((numbers) => numbers.slice());
      this.state.restore(now);
      this.run.compute();
    }
    return this.before;
  }

  /** Beside each number that was changed by a change, by how much. */
  writeDeltas() {
    const isWanted = this.panel.showsDeltas;
    if (!isWanted && !this.hasDeltas) return;
    this.hasDeltas = isWanted;
    const before = this.atStart();
    for (const element of document.querySelectorAll("main [data-n], .panel [data-n]")) {
      if (element.namespaceURI !== document.documentElement.namespaceURI) continue;
      const [array, place] = element.dataset.n.split(".");
      const by = this.run.numbers[array][place] - before[array][place];
      const isMade = element.closest(".made, .matrix, .result, .total, td") && !element.closest("td:not(.made) .sign");
      if (isWanted && isMade && by) element.dataset.delta = signedText(by).replace("-", "−");
      else delete element.dataset.delta;
    }
  }

  writeFooter(isStart) {
    const footer = document.querySelector("footer");
    if (!footer) return;
    this.footer ??= footer.innerHTML;
    const count = counted(sum(this.run.order.map(([array]) => this.run.numbers[array].length)));
    const opened = note("check", "When this page opened, your browser computed every number anew and wrote what Python had written.");
    const now = note("plain", `The ${count} numbers that follow from those you changed are your browser's, in float64, by the same formulas; PyTorch has not seen them.`);
    const markup = this.footer + opened + (isStart ? "" : now);
    if (this.footerNow !== markup) footer.innerHTML = markup;
    this.footerNow = markup;
  }
}
