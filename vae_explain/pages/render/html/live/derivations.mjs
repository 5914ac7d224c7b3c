// Pops up how a number is made, with the numbers as they are, and lights up what it was made from.
import { elementsWith, isLeaf, leavesOf, shortened } from "./expression.mjs";
import { inlineMarkup, inNumbers, MINUS, typeset } from "./inline.mjs";
import { inSymbols } from "./mathml.mjs";
import { sizeOf } from "./run.mjs";

const KINDS = {
  parameter: "a parameter", input: "an input", noise: "noise", gradient: "a gradient", value: "a value",
};
const MOST_LISTED = 4;
const keyOfPlace = (array, place) => `${array}.${place}`;

export class Derivations {
  constructor(writer, regions) {
    this.writer = writer;
    this.rows = regions.filter(({ after, gate }) => after !== undefined && gate);
    this.gated = regions.filter(({ kind }) => kind === "gated");
    this.run = writer.run;
    this.box = document.createElement("aside");
    this.box.id = "page:derivation";
    this.box.className = "derivation";
    this.box.setAttribute("aria-label", "Derivation");
    this.box.hidden = true;
    this.shownAt = null;
    this.leaving = 0;
    document.body.append(this.box);
    this.listen();
  }

  // --- what was made from what ---

  madeFrom(array, place) {
    const tree = this.run.tree(array, place);
    if (!tree) return [];
    const refs = leavesOf(tree).filter((leaf) => leaf.kind === "ref");
    return [...new Map(refs.map((ref) => [keyOfPlace(ref.array, ref.place), ref])).values()];
  }

  wentInto(array, place) {
    return this.run.order.flatMap(([made, shape]) => {
      const { term, at: of } = this.run.arrays[made];
      // The whole loss's gradients tell enough, and those at noise are on no page.
      if (term || this.run.arrays[this.run.byName.get(of)]?.kind === "noise") return [];
      const loops = shape.map((length, axis) => ({ axis, length, stride: sizeOf(shape.slice(axis + 1)) }));
      const found = elementsWith(array, place, this.run.formulas.get(made), loops);
      return [...found].sort((a, b) => a - b).map((at) => ({ array: made, place: at }));
    });
  }

  // --- the derivation ---

  link(array, place, inside, words = "") {
    const label = words ? ` aria-label="${words}"` : "";
    const { role } = this.run.arrays[array];
    return `<a class="${role}" href="#${this.writer.anchor(array, place)}" data-n="${array}.${place}"${label}>${inside}</a>`;
  }

  symbol(array, place) {
    return this.writer.name(array, place, "sign");
  }

  words(array, place) {
    return this.writer.signs[array].name + this.writer.bracketed(array, place);
  }

  digits(array, place) {
    return this.writer.numbers.leaf({ kind: "ref", array, place, value: this.run.numbers[array][place] });
  }

  listed(words, key, refs) {
    if (!refs.length) return "";
    const groups = new Map();
    for (const ref of refs) {
      if (!groups.has(ref.array)) groups.set(ref.array, []);
      groups.get(ref.array).push(ref);
    }
    const shown = [...groups].map(([array, group]) => {
      const most = group.length > MOST_LISTED ? MOST_LISTED - 1 : group.length;
      const links = group.slice(0, most).map(({ place }) =>
        this.link(array, place, `<math>${this.symbol(array, place)}</math>`, this.words(array, place)));
      if (most < group.length) links.push(`${group.length - most} more of ${this.writer.signs[array].name}`);
      return links.map((text, k) => `<span>${text}${k < links.length - 1 ? "," : ""}</span>`).join(" ");
    });
    return `<p class="uses"><span class="${key}">${words}</span> ${shown.join(", ")}</p>`;
  }

  isClosed(array, place) {
    const numbers = (at) => this.run.numbers[at][place];
    return this.rows.some(({ after }) => after === array && numbers(after) === 0)
      || this.gated.some(({ of, gate }) => of === array && !(numbers(gate) > 0));
  }

  /** The answer first: what a number is the sum of, or why it is zero. */
  answer(array, place) {
    const { writer } = this;
    const byWay = !this.gated.some(({ of }) => of === array); // as in the table of it
    const shares = writer.sending(array, byWay).shares.filter((share) => writer.share(share, place));
    if (shares.length && this.run.numbers[array][place]) {
      const totals = [this.digits(array, place)];
      const [parts] = writer.shareTexts(array, shares, [place], totals);
      const summed = parts.map((part, k) => {
        const isLess = part.includes(`>${MINUS}`);
        const sign = k ? ` ${isLess ? MINUS : "+"} ` : "";
        return `<span>${sign}${k ? part.replace(`>${MINUS}`, ">") : part} ${shares[k].header}</span>`;
      });
      return `<p class="answer">${typeset(totals[0])} = ${summed.join("")}</p>`;
    }
    if (this.run.numbers[array][place] || this.isClosed(array, place)) return "";
    const closed = this.madeFrom(array, place).find((ref) => this.isClosed(ref.array, ref.place));
    if (!closed) return "";
    const because = `<math>${this.symbol(closed.array, closed.place)}</math> is ${this.digits(closed.array, closed.place)}`;
    return `<p class="answer">${this.digits(array, place)} because ${because}: gate closed</p>`;
  }

  markup(array, place) {
    const equals = ' <span class="equals">=</span> ';
    const { role } = this.run.arrays[array];
    const value = this.run.numbers[array][place];
    let result = this.digits(array, place);
    let text = `<span class="kind">${KINDS[role] ?? KINDS.value}${this.isClosed(array, place) ? ", gate closed" : ""}</span>`;
    text += `${this.answer(array, place)}<p><math>${this.symbol(array, place)}</math>`;
    const whole = this.run.tree(array, place);
    if (whole && whole.kind !== "number") {
      const tree = shortened(whole);
      const symbols = inSymbols(tree, (node) => ({
        text: this.symbol(node.array, node.place), compound: this.writer.signs[node.array].compound,
      }));
      const written = this.writer.numbers.line(tree, value, result);
      const laid = inNumbers(tree, written.leaf, (node, digits) =>
        node.kind === "ref" ? this.link(node.array, node.place, typeset(digits)) : typeset(digits));
      text += equals + symbols.map((part) => `<math>${part}</math>`).join("");
      if (!isLeaf(tree)) text += `</p><p>${equals}${inlineMarkup(laid)}`;
      result = written.result;
    }
    text += `${equals}<span class="accent">${typeset(result)}</span></p>`;
    return text + this.listed("Made from", "from-key", this.madeFrom(array, place))
      + this.listed("Went into", "into-key", this.wentInto(array, place));
  }

  // --- showing it ---

  light(refs, name) {
    const keys = new Set(refs.map(({ array, place }) => keyOfPlace(array, place)));
    for (const each of document.querySelectorAll("main [data-n]")) {
      if (keys.has(each.dataset.n)) each.classList.add(name);
    }
  }

  show(element) {
    clearTimeout(this.leaving);
    if (this.shownAt === element) return;
    this.hide();
    const [array, place] = element.dataset.n.split(".").map(Number);
    this.shownAt = element;
    this.box.innerHTML = this.markup(array, place);
    this.box.hidden = false;
    element.setAttribute("aria-describedby", this.box.id);
    this.light(this.wentInto(array, place), "into");
    this.light(this.madeFrom(array, place), "from");
    this.light([{ array, place }], "self");
    this.put();
  }

  /** Write it again, after a change. */
  refresh() {
    if (!this.shownAt) return;
    if (!this.shownAt.isConnected) {
      this.hide();
      return;
    }
    const [array, place] = this.shownAt.dataset.n.split(".").map(Number);
    this.box.innerHTML = this.markup(array, place);
    this.put();
  }

  put() {
    const { left, top, bottom } = this.shownAt.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const under = bottom + 10;
    const above = top - this.box.offsetHeight - 10;
    this.box.style.left = `${Math.max(8, Math.min(left - 16, width - this.box.offsetWidth - 8))}px`;
    this.box.style.top = `${under + this.box.offsetHeight > innerHeight && above > 0 ? above : under}px`;
  }

  hide() {
    clearTimeout(this.leaving);
    if (!this.shownAt) return;
    this.shownAt.removeAttribute("aria-describedby");
    this.shownAt = null;
    this.box.hidden = true;
    for (const name of ["self", "from", "into"]) {
      for (const each of document.querySelectorAll(`main .${name}[data-n]`)) each.classList.remove(name);
    }
  }

  numberAt(target) {
    const element = target instanceof Element ? target.closest("[data-n]") : null;
    return element && !this.box.contains(element) ? element : null;
  }

  listen() {
    let byFinger = false;
    let pressed = false;
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch" || event.buttons) return;
      const element = this.numberAt(event.target);
      // What is being changed wants to be seen with what follows from it.
      const isChanged = element && element === document.activeElement && element.closest(".panel");
      if (element && !isChanged) this.show(element);
      else if (this.box.contains(event.target)) clearTimeout(this.leaving);
      else if (this.shownAt && document.activeElement !== this.shownAt && !this.box.contains(document.activeElement)) {
        clearTimeout(this.leaving);
        this.leaving = setTimeout(() => this.hide(), 250);
      }
    });
    document.addEventListener("pointerdown", (event) => {
      byFinger = event.pointerType === "touch";
      pressed = true;
      if (!this.box.contains(event.target)) this.hide();
    }, true);
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = false; }, true);
    document.addEventListener("keydown", (event) => {
      byFinger = false;
      if (event.key === "Escape" && this.shownAt) {
        const back = this.box.contains(document.activeElement) ? this.shownAt : null;
        this.hide();
        if (back) { back.focus(); this.hide(); }
      } else if (event.key === " " && this.numberAt(document.activeElement) && !this.box.hidden) {
        const inside = this.box.querySelector("a");
        if (inside) { event.preventDefault(); inside.focus(); }
      }
    }, true);
    document.addEventListener("focusin", (event) => {
      const element = this.numberAt(event.target);
      if (element && !byFinger && !pressed && !element.closest(".panel")) this.show(element);
      else if (!element && !this.box.contains(event.target)) this.hide();
    });
    document.addEventListener("scroll", () => this.shownAt && this.put(), { passive: true });
    addEventListener("resize", () => this.shownAt && this.put());
  }
}
