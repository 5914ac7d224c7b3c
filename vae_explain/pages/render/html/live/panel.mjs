// What stands above the page: the numbers that are changed most, the loss, and what can be done.
import { Curves } from "./curves.mjs";
import { makeField, tellField } from "./fields.mjs";
import { escapeText, typeset } from "./inline.mjs";
import { Learning } from "./learning.mjs";
import { largest } from "./expression.mjs";
import { WEIGHTS } from "./state.mjs";
import { short, signedText } from "./text.mjs";

const MOST_SLIDERS = 16; // of one array
const MOST_SHOWN = 256; // of a parameter; a larger one is summarised
const FIRST_SLIDERS = 6; // of a longer one
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
    this.build(trained.length > 0 && !page.data.stays);
    this.curves = new Curves(this.root.querySelector(".curves"), this.run, (position) => this.goBack(position));
    this.listen();
  }

  build(canLearn) {
    const { stays } = this.page.data;
    const hasNoise = this.run.arrays.some(({ kind }) => kind === "noise");
    this.root.innerHTML = `
      <div class="panel">
        <p class="how">Move a slider, or drag any underlined number in the text sideways: everything that follows from it moves along,
        down to the last gradient. Arrow keys and typing do too.</p>
        ${stays ? `<p class="how">${escapeText(`${stays[0].toUpperCase()}${stays.slice(1)}.`)}</p>` : ""}
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
        <button type="button" data-do="backward" aria-pressed="false" title="Let the picture show gradients">Picture of gradients</button>
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
      const { length } = this.run.numbers[at];
      if (kind === "parameter" || this.sliders.length >= 2 * MOST_SLIDERS) continue;
      const group = document.createElement("div");
      group.className = "group";
      const count = length > MOST_SLIDERS ? FIRST_SLIDERS : length; // others are asked for
      for (let place = 0; place < count; place += 1) group.append(this.slider(at, place, kind));
      room.append(group);
    }
    const settings = this.root.querySelector(".settings");
    this.settings = [];
    if (this.state.canWeigh) {
      settings.append(this.setting("beta", "β, the weight of the KL", { step: 0.1, low: 0, high: 10 },
        () => this.run.numbers.beta, (value, gesture) => this.state.weigh(value, gesture) && this.page.changed()));
    }
    const isUnseen = (at) => this.run.numbers[at].length > (this.run.arrays[at].kind === "parameter" ? MOST_SHOWN : MOST_SLIDERS);
    if (this.state.given.some(isUnseen)) settings.append(this.asking());
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

  /** A field for the name of a number that has no slider: it gets one. */
  asking() {
    const row = document.createElement("label");
    row.className = "setting";
    const longest = this.state.given.reduce((most, at) => (this.run.numbers[at].length > this.run.numbers[most].length ? at : most));
    const { name } = this.page.fieldOf(longest, this.run.numbers[longest].length - 1);
    row.innerHTML = `another number <input class="typed" size="14" placeholder="${escapeText(name)}">`;
    const input = row.querySelector("input");
    input.addEventListener("change", () => {
      const found = this.state.find(input.value.trim());
      this.say(found ? "" : `No number that can be changed is called ${input.value}: name one as ${name}.`);
      if (!found) return;
      const [at, place] = found;
      const group = document.createElement("div");
      group.className = "group";
      group.append(this.slider(at, place, this.run.arrays[at].kind));
      this.root.querySelector(".sliders").append(group);
      this.update();
      input.value = "";
      group.querySelector("input").focus();
    });
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
    diagram.picture.scrollIntoView({ block: "nearest" });
  }

  async do_copy() {
    if (!this.page.data.command) {
      this.say("No command prints this run: its model is an object that Python holds. The address of this page keeps what you changed.");
      return;
    }
    const { text, isBig } = this.state.command(this.page.data);
    if (isBig) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(this.state.weights());
      link.download = WEIGHTS;
      link.click();
      URL.revokeObjectURL(link.href);
    }
    const saved = isBig ? `, run where ${WEIGHTS} was saved: it has the weights` : "";
    try {
      await navigator.clipboard.writeText(text);
      this.say(`Copied: ${text}${saved}`);
    } catch {
      this.say(text + saved); // a file may not write to the clipboard everywhere
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
    const losses = this.run.ends.map((at) => this.written(at, 0, "value"));
    const gradients = this.watched.map(([at, place]) => this.written(at, place, "gradient"));
    this.root.querySelector(".readout").innerHTML = `${losses.join(" · ")}<br>${gradients.join(" · ")}`;
    this.root.querySelector(".bar-loss").innerHTML = losses[0].replace(/<span class="by">.*?<.span>/, "");
    this.root.querySelector('[data-do="undo"]').disabled = !this.state.past.length;
    this.root.querySelector('[data-do="redo"]').disabled = !this.state.future.length;
    this.root.querySelector('[data-do="reset"]').disabled = this.state.isStart();
  }

  /** A number with its name, and by how much it is not what it was. */
  written(at, place, places) {
    const { writer } = this.page;
    const [value, before] = [this.run.numbers[at], this.page.atStart()[at]].map((numbers) => numbers[place]);
    const by = value === before ? "" : ` <span class="by">${typeset(signedText(value - before))}</span>`;
    const name = escapeText(this.run.arrays[at].name) + writer.bracketed(at, place);
    const text = typeset(writer.numbers.one(value, places));
    return `<span>${name} <a class="accent" href="#${writer.anchor(at, place)}" data-n="${at}.${place}">${text}</a>${by}</span>`;
  }

  /** The gradients to keep an eye on: at what the encoder answers with, and the steepest. */
  get watched() {
    if (this.watching) return this.watching;
    const says = this.page.data.regions.find(({ kind }) => kind === "says");
    const answers = (says?.answers ?? []).map(([, slope]) => [slope, 0]);
    const steepest = this.gradients.map((at) => [at, largest(this.run.numbers[at], 1)[0]]);
    const size = ([at, place]) => Math.abs(this.run.numbers[at][place]);
    this.watching = [...answers, ...steepest.sort((a, b) => size(b) - size(a)).slice(0, 1)];
    return this.watching;
  }
}
