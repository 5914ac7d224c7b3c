// The live page: tests itself, takes its state from the address, and follows every change.
import { Writer } from "./blocks.mjs";
import { rounded } from "./decimals.mjs";
import { Derivations } from "./derivations.mjs";
import { Diagram, lead } from "./diagram.mjs";
import { kindOf, makeField, tellField } from "./fields.mjs";
import { typeset } from "./inline.mjs";
import { note } from "./marks.mjs";
import { morphRegion } from "./morph.mjs";
import { Panel } from "./panel.mjs";
import { region } from "./regions.mjs";
import { Run } from "./run.mjs";
import { State } from "./state.mjs";
import { Surroundings } from "./surroundings.mjs";

const ROUNDING = 1e-9; // relative: how far a number may be from the one that Python printed
const FEWEST_ROUNDED = 4; // decimals of a number that may be rounded
const A_FRAME = 8; // milliseconds of writing at a time, behind what is seen
const NUMBER = /[−-]?\d+(?:\.\d+)?/g;

/** Whether two texts say the same, up to rounding in the last digits of their numbers. */
export const saysTheSame = (one, other) => {
  const plain = (text) => text.replace(/\s+/g, "");
  const [a, b] = [plain(one), plain(other)];
  if (a === b) return true;
  if (a.replace(NUMBER, "#") !== b.replace(NUMBER, "#")) return false;
  const [left, right] = [a, b].map((text) => text.match(NUMBER) ?? []);
  return left.every((one, k) => {
    const [value, other] = [one, right[k]].map((each) => Number(each.replace("−", "-")));
    const decimals = Math.min(...[one, right[k]].map((each) => (each.split(".")[1] ?? "").length));
    // A number halfway between two of its last digits is rounded to either.
    const unit = decimals < FEWEST_ROUNDED ? 0 : 1.0001 * 10 ** -decimals;
    return Math.abs(value - other) <= Math.max(unit, ROUNDING * Math.max(1, Math.abs(value)));
  });
};

const isInView = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return top < innerHeight && bottom > 0;
};

/** The page is the document and nothing else, and says why. */
const stay = (why) => {
  document.documentElement.dataset.live = "static";
  const place = document.getElementById("page:live");
  place.innerHTML = note("warning", `Nothing can be changed here: ${why}.`);
  place.hidden = false;
};

class Page extends Surroundings {
  constructor(data) {
    super();
    this.data = data;
    this.run = new Run({ ...data.run, beta: data.beta, lr: data.lr });
    this.shares = data.regions.find(({ shares }) => shares)?.shares;
    this.writer = new Writer(this.run, data.signs, this.shares, data.digits ?? null);
    this.writer.stays = Boolean(data.stays);
    this.state = new State(this.run, data);
    this.regions = data.regions.map((spec) => ({ spec, start: null, end: null, ids: [], text: null, slots: null }));
    this.find();
  }

  /** Find the regions between their comments, and the anchors within them. */
  find() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
    while (walker.nextNode()) {
      const comment = walker.currentNode;
      const [, open, at, close] = /^(\[?)(\d+)(\]?)$/.exec(comment.data) ?? [];
      if (open) this.regions[at].start = comment;
      else if (close) this.regions[at].end = comment;
    }
    for (const each of this.regions) {
      each.ids = this.elements(each, "[id]").map(({ id }) => id);
      each.html = this.nodes(each).map((node) => node.outerHTML ?? "").join("");
      each.was = this.nodes(each).map((node) => node.textContent).join("");
    }
  }

  nodes({ start, end }) {
    const nodes = [];
    for (let node = start.nextSibling; node !== end; node = node.nextSibling) nodes.push(node);
    return nodes;
  }

  elements(each, selector) {
    return this.nodes(each).filter((node) => node.nodeType === Node.ELEMENT_NODE)
      .flatMap((node) => [...(node.matches(selector) ? [node] : []), ...node.querySelectorAll(selector)]);
  }

  // --- the test of itself ---

  /** Write everything at the recorded numbers; return what differs from what Python wrote. */
  test() {
    this.writer.follow();
    for (const each of this.regions) {
      const { spec } = each;
      if (spec.kind === "drawn" || spec.unlike) continue;
      if (spec.kind === "matrix") {
        const links = this.slots(each);
        const texts = this.writer.matrix(spec);
        if (links.some((link, k) => !link || !saysTheSame(link.textContent, typeset(texts[k]).replace(/<[^>]*>/g, "")))) {
          return spec;
        }
        continue;
      }
      const markup = this.markup(each, true);
      if (markup === null) continue;
      const made = document.createElement("template");
      made.innerHTML = markup;
      if (!saysTheSame(made.content.textContent, each.was)) return spec;
    }
    return null;
  }

  markup(each, isRecorded) {
    this.writer.ids = new Set(each.ids);
    return region(this.writer, each.spec, isRecorded);
  }

  // --- whole arrays, number by number ---

  /** The elements of a matrix by the place of their numbers. */
  slots(each) {
    if (each.slots) return each.slots;
    const { of } = each.spec;
    const places = new Map(Array.from(this.run.numbers[of], (_, place) => [this.writer.anchor(of, place), place]));
    each.slots = [];
    for (const link of this.elements(each, 'a[href^="#"]')) {
      const place = places.get(decodeURIComponent(link.hash.slice(1)).replace(/:\d+$/, ""));
      if (place !== undefined) each.slots[place] = link;
    }
    for (let place = 0; place < places.size; place += 1) each.slots[place] ??= null;
    return each.slots;
  }

  adopt(each) {
    const { of } = each.spec;
    const isGiven = this.state.given.includes(of);
    this.slots(each).forEach((link, place) => {
      let element = link;
      if (isGiven) {
        element = document.createElement("span");
        if (link.id) element.id = link.id;
        element.textContent = link.textContent;
        link.replaceWith(element);
        each.slots[place] = element;
        makeField(element, this.fieldOf(of, place));
      }
      element.dataset.n = `${of}.${place}`;
    });
    if (isGiven) this.rove(each.slots);
  }

  /** One stop for the keyboard, and the arrows to the sides within. */
  rove(elements) {
    elements.forEach((element, k) => {
      element.tabIndex = k ? -1 : 0;
      element.addEventListener("focus", () => {
        for (const other of elements) other.tabIndex = other === element ? 0 : -1;
      });
      element.addEventListener("keydown", (event) => {
        const next = { ArrowLeft: elements[k - 1], ArrowRight: elements[k + 1] }[event.key];
        if (!next || event.target !== element) return;
        event.preventDefault();
        next.focus();
      });
    });
  }

  fieldOf(at, place) {
    const array = this.run.arrays[at];
    const index = this.run.index(at, place);
    return {
      ...kindOf(array),
      name: array.name + (index.length ? `[${index}]` : ""),
      get: () => this.run.numbers[at][place],
      set: (value, gesture) => this.state.set(at, place, value, gesture) && this.changed(),
      reset: () => this.state.set(at, place, this.state.start.numbers.get(at)[place]) && this.changed(),
    };
  }

  writeMatrix(each) {
    const { spec } = each;
    const texts = this.writer.matrix(spec);
    const isGiven = this.state.given.includes(spec.of);
    this.slots(each).forEach((element, place) => {
      const value = this.run.numbers[spec.of][place];
      const markup = typeset(texts[place]);
      if (element.markup !== markup) {
        element.markup = markup;
        element.innerHTML = markup;
      }
      const role = value === 0 ? "dim" : spec.accent ? "accent" : spec.role;
      let classes = role;
      if (isGiven) {
        classes = `field ${spec.role}${this.state.isChanged(spec.of, place) ? " changed" : ""}`;
        tellField(element, value, texts[place]);
      }
      if (element.className !== classes) element.className = classes;
    });
  }

  // --- following a change ---

  start(wrong) {
    const contents = document.querySelector("nav details");
    if (contents && matchMedia("(max-width: 40rem)").matches) contents.open = false;
    if (wrong) {
      const what = `${wrong.kind} of ${this.run.arrays[wrong.of]?.name ?? "the page"}`;
      stay(`this browser computes the ${what} otherwise than Python did, by more than rounding`);
      return;
    }
    for (const each of this.regions) if (each.spec.kind === "matrix") this.adopt(each);
    const picture = document.querySelector("svg.vae-diagram");
    const drawn = this.regions.find(({ spec }) => spec.kind === "diagram");
    this.diagram = picture && drawn ? new Diagram(picture, drawn.spec, this.writer) : null;
    this.derivations = new Derivations(this.writer, this.data.regions);
    this.panel = new Panel(this);
    this.recorded = [...document.querySelectorAll("[data-recorded]")];
    this.takeAddress();
    this.writeRest();
    this.reach();
    addEventListener("resize", () => this.reach());
    addEventListener("beforeprint", () => this.writeRest());
    document.addEventListener("copy", () => this.writeRest());
    document.addEventListener("click", (event) => this.follow(event));
    addEventListener("hashchange", () => this.takeAddress());
    document.documentElement.dataset.live = "ready";
  }

  /** What scrolls sideways and has nothing to reach in it is reached by itself; nothing is behind the bar. */
  reach() {
    document.documentElement.style.setProperty("--bar", `${this.panel.root.querySelector(".bar").offsetHeight}px`);
    for (const wide of document.querySelectorAll("main .scroll, main .worked, main .equation")) {
      const isAlone = wide.scrollWidth > wide.clientWidth && !wide.querySelector("a, [tabindex]");
      if (isAlone) wide.tabIndex = 0;
      else wide.removeAttribute("tabindex");
    }
  }

  /** Links within the page lead there, and leave the address to the state. */
  follow(event) {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
    if (!target) return;
    event.preventDefault();
    this.writeRest();
    lead(target);
  }

  takeAddress() {
    const fragment = location.hash.slice(1);
    if (fragment === this.fragment) return;
    if (fragment && !fragment.includes("=")) {
      const target = document.getElementById(decodeURIComponent(fragment));
      if (target) lead(target);
      if (!this.fragment) this.changed(false);
      return;
    }
    this.state.restore(this.state.start);
    const wrong = this.state.read(fragment);
    this.changed(false);
    if (wrong.length) this.panel.say(`The address has parts that this page does not know: ${wrong.join(", ")}.`);
  }

  /** Compute and write everything anew. */
  changed(isOwn = true) {
    this.run.compute();
    this.write();
    if (isOwn) this.panel.forgetLearning();
    this.setAddress();
  }

  setAddress() {
    clearTimeout(this.addressing);
    this.addressing = setTimeout(() => {
      this.fragment = this.state.fragment();
      const address = this.fragment ? `#${this.fragment}` : location.pathname + location.search;
      history.replaceState(null, "", address);
    }, 200);
  }

  /** Write what is seen in this frame, and the rest in the next ones. */
  write() {
    const isStart = this.state.isStart() && !this.panel.hasLearned;
    this.writer.follow();
    // The sentences try other draws and a step; they come first of what is put off.
    const seen = new Set(this.regions.filter((each) => each.spec.kind !== "says" && this.isSeen(each)));
    const isPictureSeen = this.diagram && isInView(this.diagram.picture);
    for (const each of seen) this.writeRegion(each, isStart);
    if (isPictureSeen) this.diagram.update();
    this.panel.update();
    this.derivations.refresh();
    const rest = this.regions.filter((each) => !seen.has(each)).map((each) => () => this.writeRegion(each, isStart));
    if (this.diagram && !isPictureSeen) rest.push(() => this.diagram.update());
    rest.push(() => this.writeHeader(), () => this.setRecorded(isStart), () => this.writeFooter(isStart),
      () => this.writeDeltas());
    this.rest = rest;
    document.documentElement.dataset.writing = "";
    if (!this.waiting) this.waiting = setTimeout(() => this.writeRest(A_FRAME));
  }

  /** Write what was put off, for so many milliseconds; all of it if that is not said. */
  writeRest(room = Infinity) {
    clearTimeout(this.waiting);
    this.waiting = 0;
    const end = performance.now() + room;
    while (this.rest?.length && performance.now() < end) this.rest.shift()();
    if (this.rest?.length) this.waiting = setTimeout(() => this.writeRest(A_FRAME));
    else delete document.documentElement.dataset.writing;
  }

  isSeen(each) {
    let node = each.start.nextSibling;
    while (node !== each.end && node.nodeType !== Node.ELEMENT_NODE) node = node.nextSibling;
    if (node === each.end) return false;
    let last = each.end.previousSibling;
    while (last.nodeType !== Node.ELEMENT_NODE) last = last.previousSibling;
    return node.getBoundingClientRect().top < innerHeight && last.getBoundingClientRect().bottom > 0;
  }

  writeRegion(each, isStart) {
    if (each.spec.kind === "matrix") {
      this.writeMatrix(each);
      return;
    }
    if ((each.spec.kind === "drawn" || each.spec.unlike) && isStart) {
      if (each.text !== null) morphRegion(each.start, each.end, each.html);
      each.text = null;
      return;
    }
    const markup = this.markup(each, isStart);
    if (markup === null || markup === each.text) return;
    each.text = markup;
    morphRegion(each.start, each.end, markup);
  }

  // --- what the panel asks for ---

  /** Draw the noise anew, in the browser. */
  draw() {
    for (const at of this.state.given) {
      if (this.run.arrays[at].kind !== "noise") continue;
      const numbers = this.run.numbers[at];
      for (let k = 0; k < numbers.length; k += 1) {
        const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
        numbers[k] = rounded(radius * Math.cos(2 * Math.PI * Math.random()), this.state.decimals ?? 4);
      }
    }
  }
}

if (typeof document !== "undefined") {
  let page = null;
  try {
    page = new Page(JSON.parse(document.getElementById("page:data").textContent));
    page.start(page.test());
  } catch (error) {
    stay(`a formula of this model cannot be computed here (${error.message})`);
  }
}
