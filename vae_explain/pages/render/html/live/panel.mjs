// What stands above the page: the numbers that are changed most, the loss, and what can be done.
import { Curves } from "./curves.mjs";
import { makeField, tellField } from "./fields.mjs";
import { escapeText, typeset } from "./inline.mjs";
import { Learning } from "./learning.mjs";
import { largest } from "./expression.mjs";
import { short } from "./text.mjs";

const MOST_SLIDERS = 16;
const button = (name, text, title) => `<button type="button" data-do="${name}" title="${title}">${text}</button>`;

export class Panel {
  constructor(page) {
    this.page = page;
    this.run = page.run;
    this.state = page.state;
    this.hasLearned = false;
    this.showsDeltas = false;
    this.running = 0;
    this.root = document.getElementById("page:live");
    const trained = this.run.arrays.flatMap((array, at) => {
      const gradient = this.run.arrays.findIndex((each) => each.at === array.name && each.term === null);
      return array.kind === "parameter" && array.trained !== false && gradient >= 0 ? [[at, gradient]] : [];
    });
    this.learning = new Learning(this.run, trained);
    this.gradients = trained.map(([, gradient]) => gradient);
    this.build(trained.length > 0);
    this.curves = new Curves(this.root.querySelector(".curves"), this.run, (position) => this.goBack(position));
    this.listen();
  }

  build(canLearn) {
    const hasNoise = this.run.arrays.some(({ kind }) => kind === "noise");
    this.root.innerHTML = `
      <div class="panel">
        <p class="how">Every number of the input, the noise and the parameters can be changed, here or where it stands in the text:
        drag it sideways, use the arrow keys, or type. All that follows from it follows at once.</p>
        <div class="sliders"></div>
        <div class="settings"></div>
        <p class="readout"></p>
      </div>
      <div class="bar" role="toolbar" aria-label="Changes and learning">
        ${button("undo", "Undo", "Take back the last change (Ctrl Z)")}
        ${button("redo", "Redo", "Make it again (Ctrl Shift Z)")}
        ${button("reset", "Reset", "Take back all changes")}
        ${hasNoise ? button("draw", "New ε", "Draw the noise anew: your browser's draw, not PyTorch's") : ""}
        <button type="button" data-do="delta" aria-pressed="false" title="Show beside each number by how much it changed">Δ</button>
        <button type="button" data-do="backward" aria-pressed="false" title="Let the picture show gradients">Gradients in the picture</button>
        ${button("copy", "Copy as command", "Copy the vae-explain line that prints this run")}
        ${canLearn ? `<span class="learn">${button("step", "Step", "Take one step of learning")}
        ${button("run", "Run", "Take step after step")}
        <label>by <select data-do="optimizer"><option value="sgd">SGD</option><option value="adam">Adam</option></select></label>
        <label><input type="checkbox" data-do="redraw"> new ε each step</label></span>` : ""}
        <span class="bar-loss"></span>
      </div>
      <div class="curves"></div>
      <p class="said" role="status"></p>`;
    this.root.hidden = false;
    this.sliders = [];
    const room = this.root.querySelector(".sliders");
    for (const at of this.state.given) {
      const { kind } = this.run.arrays[at];
      const count = this.run.numbers[at].length;
      if (kind === "parameter" || count > MOST_SLIDERS || this.sliders.length + count > 2 * MOST_SLIDERS) continue;
      const group = document.createElement("div");
      group.className = "group";
      for (let place = 0; place < count; place += 1) group.append(this.slider(at, place, kind));
      room.append(group);
    }
    const settings = this.root.querySelector(".settings");
    this.settings = [];
    if (this.state.canWeigh) {
      settings.append(this.setting("beta", "β, the weight of the KL", { step: 0.1, low: 0, high: 10 },
        () => this.run.numbers.beta, (value, gesture) => this.state.weigh(value, gesture) && this.page.changed()));
    }
    if (canLearn) {
      settings.append(this.setting("lr", "learning rate", { step: 0.001, low: 0.0001, high: 1 },
        () => this.state.lr, (value, gesture) => value > 0 && this.setRate(value, gesture)));
    }
  }

  setRate(value, gesture) {
    this.state.remember(gesture);
    this.state.lr = value;
    this.page.changed(false);
  }

  slider(at, place, kind) {
    const field = this.page.fieldOf(at, place);
    const row = document.createElement("div");
    row.className = `slider ${kind}`;
    row.innerHTML = `<span class="slider-name">${escapeText(field.name)}</span>
      <input type="range" min="${field.low}" max="${field.high}" step="${field.step}" aria-label="${escapeText(field.name)}">
      <span class="field ${kind}" tabindex="0"></span>`;
    const [, range, number] = row.children;
    let gestures = 0;
    range.addEventListener("pointerdown", () => { gestures += 1; });
    range.addEventListener("input", () => field.set(Number(range.value), `slide ${field.name} ${gestures}`));
    makeField(number, field);
    number.dataset.n = `${at}.${place}`;
    this.sliders.push({ at, place, range, number, kind });
    return row;
  }

  setting(name, words, kind, get, set) {
    const row = document.createElement("span");
    row.className = "setting";
    row.innerHTML = `${words} <span class="field setting-field" tabindex="0"></span>`;
    const number = row.querySelector(".field");
    const start = get();
    makeField(number, { ...kind, name: words, get, set, reset: () => set(start) });
    this.settings.push({ number, get });
    return row;
  }

  // --- what can be done ---

  listen() {
    this.root.addEventListener("click", (event) => {
      const name = event.target.closest("[data-do]")?.dataset.do;
      if (name && this[`do_${name}`]) this[`do_${name}`](event.target.closest("[data-do]"));
    });
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.target instanceof HTMLInputElement) return;
      const key = event.key.toLowerCase();
      if (key === "z" && !event.shiftKey) this.do_undo();
      else if (key === "y" || (key === "z" && event.shiftKey)) this.do_redo();
      else return;
      event.preventDefault();
    });
  }

  do_undo() {
    if (this.state.undo()) this.page.changed();
  }

  do_redo() {
    if (this.state.redo()) this.page.changed();
  }

  do_reset() {
    this.stop();
    this.say("");
    if (this.state.reset()) this.page.changed();
  }

  do_draw() {
    this.state.remember();
    this.page.draw();
    this.page.changed();
    this.say("ε was drawn by your browser; PyTorch's generator would give other numbers.");
  }

  do_delta(pressed) {
    this.showsDeltas = !this.showsDeltas;
    pressed.setAttribute("aria-pressed", String(this.showsDeltas));
    this.page.writeDeltas();
  }

  do_backward(pressed) {
    const { diagram } = this.page;
    if (!diagram) return;
    diagram.isBackward = !diagram.isBackward;
    pressed.setAttribute("aria-pressed", String(diagram.isBackward));
    diagram.update();
  }

  async do_copy() {
    const text = this.state.command(this.page.data);
    try {
      await navigator.clipboard.writeText(text);
      this.say(`Copied: ${text}`);
    } catch {
      this.say(text); // a file may not write to the clipboard everywhere
    }
  }

  // --- learning ---

  do_step() {
    this.stop();
    this.oneStep();
  }

  do_run() {
    if (this.running) this.stop();
    else {
      this.root.querySelector('[data-do="run"]').textContent = "Stop";
      const next = () => {
        this.running = requestAnimationFrame(next);
        this.oneStep();
      };
      this.running = requestAnimationFrame(next);
    }
  }

  stop() {
    if (!this.running) return;
    cancelAnimationFrame(this.running);
    this.running = 0;
    this.root.querySelector('[data-do="run"]').textContent = "Run";
  }

  oneStep() {
    const optimizer = this.root.querySelector('[data-do="optimizer"]').value;
    const redraw = this.root.querySelector('[data-do="redraw"]').checked;
    if (!this.learning.history.length) this.snapshots = [this.state.snapshot()];
    this.state.remember(`learning ${this.learning.history.length ? "" : Math.random()}`);
    this.state.gesture = null;
    this.learning.step(optimizer, this.state.lr, redraw ? () => this.page.draw() : null);
    this.snapshots.push(this.state.snapshot());
    this.hasLearned = true;
    const losses = this.learning.losses();
    if (!losses.every(Number.isFinite)) {
      this.stop();
      this.say("The loss is no number any more: a smaller learning rate would do. Undo takes the step back.");
    }
    this.isLearning = true;
    this.page.changed();
    this.isLearning = false;
    this.curves.draw(this.learning.history);
  }

  goBack(position) {
    this.stop();
    this.state.remember();
    this.state.restore(this.snapshots[position]);
    this.learning.backTo(position);
    this.snapshots.length = position + 1;
    this.isLearning = true;
    this.page.changed();
    this.isLearning = false;
    this.curves.draw(this.learning.history);
  }

  /** A change by hand ends a row of steps. */
  forgetLearning() {
    if (this.isLearning) return;
    this.stop();
    this.learning.restart();
    this.hasLearned = false;
    this.curves.draw([]);
  }

  // --- what it shows ---

  say(text) {
    this.root.querySelector(".said").textContent = text;
  }

  update() {
    for (const { at, place, range, number, kind } of this.sliders) {
      const value = this.run.numbers[at][place];
      const text = kind === "input" ? short(value) : this.page.writer.numbers.one(value, "parameter");
      if (Number(range.value) !== value) range.value = String(value);
      range.setAttribute("aria-valuetext", text);
      number.innerHTML = typeset(text);
      number.classList.toggle("changed", this.state.isChanged(at, place));
      tellField(number, value, text);
    }
    for (const { number, get } of this.settings) {
      number.textContent = short(get());
      tellField(number, get(), short(get()));
    }
    const { loss, terms } = this.run.contract;
    const { writer } = this.page;
    const written = (at) => {
      const { name } = this.run.arrays[at];
      const text = typeset(writer.numbers.one(this.run.numbers[at][0], "value"));
      return `${escapeText(name)} <a class="accent" href="#${writer.anchor(at, 0)}" data-n="${at}.0">${text}</a>`;
    };
    const all = [loss, ...terms.map(([, at]) => at)].map(written);
    this.root.querySelector(".readout").innerHTML = `${all.join(" · ")}${this.steepest()}`;
    this.root.querySelector(".bar-loss").innerHTML = all[0];
    this.root.querySelector('[data-do="undo"]').disabled = !this.state.past.length;
    this.root.querySelector('[data-do="redo"]').disabled = !this.state.future.length;
    this.root.querySelector('[data-do="reset"]').disabled = this.state.isStart();
  }

  /** The steepest gradient, which is where the loss changes most. */
  steepest() {
    let best = null;
    for (const at of this.gradients) {
      const [place] = largest(this.run.numbers[at], 1);
      const size = Math.abs(this.run.numbers[at][place]);
      if (best === null || size > best.size) best = { at, place, size };
    }
    if (!best) return "";
    const { writer } = this.page;
    const text = typeset(writer.numbers.one(this.run.numbers[best.at][best.place], "gradient"));
    const name = escapeText(this.run.arrays[best.at].name) + writer.bracketed(best.at, best.place);
    return ` · steepest gradient ${name} = <a class="accent" href="#${writer.anchor(best.at, best.place)}" data-n="${best.at}.${best.place}">${text}</a>`;
  }
}
