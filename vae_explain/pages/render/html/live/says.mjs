// What a run says: sentences on its numbers, each by a rule (`walkthrough/run_says.py`), in the words
// of the templates that come with the page.
import { evaluate, largest, sum, unplaced } from "./expression.mjs";
import { escapeText } from "./inline.mjs";
import { unpacked } from "./run.mjs";
import { counted, significantText } from "./text.mjs";

const NEAR = 1e-3; // relative
const squares = (numbers) => sum(numbers.map((value) => value * value));
/** The one of some that is most, the first of equals. */
const most = (items, size) => items.reduce((best, each) => (size(each) > size(best) ? each : best));

/** A sentence being worded; the arithmetic of its numbers holds as it is printed. */
class Sentence {
  constructor(writer, { templates }) {
    Object.assign(this, { writer, templates, run: writer.run, claims: [] });
  }

  /** Fill a template: `which` says which of several, and a slot takes one part or several. */
  worded(name, slots, which = 0) {
    return [this.templates[name]].flat()[Number(which)].split(/\{(\w+)\}/).flatMap((part, k) => (k % 2 ? slots[part] : part));
  }

  value(array, place = 0) {
    return { value: this.run.numbers[array][place], array, place, role: this.run.arrays[array].role === "gradient" ? "gradient" : "value" };
  }

  /** A place that is named and not written. */
  named(array, place) {
    const { name, at } = this.run.arrays[array];
    return { ...this.value(array, place), words: (at ?? name) + this.writer.bracketed(array, place) };
  }

  /** Say what arithmetic a number of the sentence is the result of. */
  claim(number, kind, ...parts) {
    this.claims.push([number, { kind, parts: parts.map((part) => part.kind ? part : leafOf(part)) }]);
  }

  markup(parts) {
    const claims = this.claims.map(([number, tree]) => ({ result: parts.indexOf(number), tree }));
    const texts = this.writer.numbers.statement(parts, claims);
    return `<p>${parts.map((part, k) => {
      if (typeof part !== "object") return escapeText(String(part));
      if (part.array === undefined) return this.writer.bare(part.value, texts[k], "value");
      return this.writer.number(part.array, part.place, texts[k], part.role);
    }).join("")}</p>`;
  }
}

const leafOf = (number) => (number.leaf ??= unplaced(number.value));
/** Put phrases one behind the other; `last` stands before the last one. */
const joined = (phrases, between = ", ", last = between) =>
  phrases.flatMap((phrase, k) => [...(k ? [k < phrases.length - 1 ? between : last] : []), ...phrase]);
const listed = (phrases) => joined(phrases, ", ", " and ");

const own = (value, form = "number") => ({ value, form });

const lossParts = (said, { words, error, most: limits }) => {
  const { run } = said;
  const { loss, terms } = run.contract;
  if (terms.length < 2 || run.numbers[loss].length !== 1) return null;
  const whole = said.value(loss);
  const numbers = terms.map(([, of, weight], k) => {
    const w = run.weight(weight);
    return { ...(w === 1 ? said.value(of) : {}), value: w * sum(run.numbers[of]), form: k ? "added" : "number" };
  });
  said.claim(whole, "add", ...numbers);
  const each = numbers.map((amount, k) => said.worded("term", { amount, term: words[k] }));
  return said.worded("loss", { loss: whole, terms: joined(each, " "), carried: error ? carried(said, error, limits) : [] });
};

/** Which few outputs carry the squared error, if a few do. */
const carried = (said, { made, x, times }, limits) => {
  const amounts = Array.from(said.run.numbers[made], (value, k) => times * (value - said.run.numbers[x][k]) ** 2);
  const [total, order] = [sum(amounts), largest(amounts, amounts.length)];
  let [few, running] = [0, 0];
  while (few < order.length && running < limits.carried * total) running += amounts[order[few++]];
  few = Math.max(few, 1);
  if (!total || few > limits.named || few >= amounts.length) return [];
  const numbers = order.slice(0, few).map((place) => own(amounts[place]));
  const [share, whole] = [own(running / total, "percent"), own(total)];
  said.claim(share, "div", { kind: "add", parts: numbers.map(leafOf) }, whole);
  const outputs = listed(order.slice(0, few).map((place) => [said.named(made, place)]));
  return said.worded("carried", { outputs, share, amounts: listed(numbers.map((number) => [number])), whole }, few > 1);
};

const pulls = (said, { answers }) => {
  const found = [];
  let terms = [];
  for (const [of, slope] of answers) {
    const shares = said.writer.sharesOf(said.writer.entries.get(slope));
    if (shares.length !== 2) return null;
    terms = shares.map(({ word }) => word);
    said.run.numbers[of].forEach((_, place) => found.push({ of, slope, place, both: shares.map((share) => said.writer.share(share, place)) }));
  }
  if (!found.length) return null;
  const there = ({ slope, place, both }, which) =>
    said.worded("there", { place: said.named(slope, place), one: own(both[which]), other: own(both[1 - which]) });
  const sides = [0, 1].flatMap((which) => {
    const mine = found.filter(({ both }) => Math.abs(both[which]) > Math.abs(both[1 - which]));
    if (!mine.length) return [];
    const farthest = there(most(mine, ({ both }) => Math.abs(both[which])), which);
    return [said.worded("side", { term: terms[which], count: mine.length, there: farthest }, mine.length > 1)];
  });
  const opposed = found.filter(({ both }) => both[0] * both[1] < 0);
  const signs = opposed.length
    ? said.worded("opposite", { count: opposed.length, there: there(most(opposed, ({ both }) => Math.min(...both.map(Math.abs))), 0) }, opposed.length > 1)
    : said.worded("same");
  const names = [...new Set(found.map(({ of }) => said.run.arrays[of].name))].join(" and ");
  return said.worded("pulls", { count: found.length, answers: names, sides: joined(sides), signs });
};

const unitsOff = (said, { gates, most: limits }) => {
  const layers = [];
  for (const { of, ends } of gates) {
    const { shape, name } = said.run.arrays[of];
    const count = shape[shape.length - 1];
    const before = Array.from(said.run.numbers[of], (_, place) => said.run.tree(of, place).parts[0]);
    const given = before.map(evaluate);
    // Of each unit the row in which it is nearest to on.
    const nearest = Array.from({ length: count }, (_, unit) =>
      most(given.map((_, place) => place).filter((place) => place % count === unit), (place) => given[place]));
    const off = nearest.filter((place) => given[place] <= 0);
    if (!off.length) continue;
    if (layers.length === limits.named) break;
    const closest = most(off, (place) => given[place]);
    const isFew = off.length <= limits.listed;
    const { kind, array, place } = before[closest];
    layers.push(said.worded("off", {
      units: isFew ? off.map((each) => each % count).join(", ") : `${counted(off.length)} of ${counted(count)}`,
      layer: name,
      unit: closest % count,
      nearest: kind === "ref" ? said.value(array, place) : own(given[closest]),
      end: ends,
    }, isFew ? off.length > 1 : 2));
  }
  if (!layers.length) return null;
  const [first, ...others] = joined(layers, "; ");
  return [first.charAt(0).toUpperCase() + first.slice(1), ...others, "."];
};

const nearThePrior = (said, { words, answers, most: limits }) => {
  const { run } = said;
  const kls = run.contract.terms.filter((_, k) => words[k] === "KL");
  if (kls.length !== 1 || answers.length !== 2) return null;
  const [mu, logvar] = answers.map(([of]) => run.numbers[of]);
  const [{ shape }, other] = answers.map(([of]) => run.arrays[of]);
  if (shape.join() !== other.shape.join() || shape.length !== 2 || shape[1] < 2) return null;
  const each = Array.from(mu, (m, k) => 0.5 * (Math.exp(logvar[k]) + m * m - 1 - logvar[k]));
  const [rows, count] = shape;
  const total = sum(run.numbers[kls[0][1]]);
  const scale = sum(each) ? total / sum(each) : 0;
  const isOneOf = [1, 1 / each.length, 1 / rows, 1 / count].some((s) => Math.abs(scale - s) <= NEAR * s);
  if (!scale || !isOneOf) return null;
  const carries = Array.from({ length: count }, (_, at) => scale * sum(each.filter((_, k) => k % count === at)));
  const few = carries.map((_, at) => at).filter((at) => carries[at] < (0.1 * total) / count);
  if (!few.length) return null;
  const latents = few.slice(0, limits.listed).join(", ") + (few.length > limits.listed ? ", …" : "");
  return said.worded("prior", { latents, count, part: own(sum(few.map((at) => carries[at]))), kl: said.value(kls[0][1]) }, few.length > 1);
};

const luck = (said, { draw }) => {
  const { run } = said;
  const { loss } = run.contract;
  if (!draw || run.numbers[loss].length !== 1) return null;
  const { of, slope, count } = draw;
  const width = run.numbers[of].length;
  draw.tried ??= unpacked(["Float64", 1, draw.numbers]);
  const losses = run.tried(Array.from({ length: count }, (_, k) => [[of, draw.tried.subarray(k * width, (k + 1) * width)]])).map(([each]) => each);
  const mean = sum(losses) / count;
  const slopes = run.numbers[slope];
  if (!Number.isFinite(mean) || !slopes.some(Boolean)) return null;
  const spread = Math.sqrt(squares(losses.map((each) => each - mean)) / (count - 1));
  const below = losses.filter((each) => each < run.numbers[loss][0]).length;
  const [steepest] = largest(slopes, 1);
  return said.worded("luck", {
    count, noise: run.arrays[of].name, mean: own(mean), spread: own(spread), below, loss: said.value(loss),
    place: said.named(of, steepest), slope: own(slopes[steepest]),
  });
};

const step = (said, { moves, most: limits }) => {
  const { run } = said;
  const { numbers } = run;
  const { loss } = run.contract;
  if (!moves || !moves.length || numbers[loss].length !== 1) return null;
  const [[after]] = run.tried([moves.map(([of, , moved]) => [of, numbers[moved]])]);
  const sizes = moves.map(([, slope]) => squares(numbers[slope]));
  const norm = sum(sizes);
  if (!norm || !Number.isFinite(after)) return null;
  const change = numbers[loss][0] - after;
  const [moved, predicted] = [own(Math.abs(change)), own(numbers.lr * norm)];
  const share = own(change / predicted.value, "percent");
  if (change > 0) said.claim(share, "div", moved, predicted);
  const earned = largest(sizes, sizes.length).filter((k) => sizes[k] >= 0.1 * norm).slice(0, limits.named);
  const each = earned.map((k, at) =>
    said.worded("earning", { parameter: run.arrays[moves[k][0]].name, share: own(sizes[k] / norm, "percent") }, at > 0));
  return said.worded("step", {
    lr: significantText(numbers.lr, 6), moved, share, predicted, squares: said.worded("squares"),
    earned: each.length ? said.worded("earned", { parameters: listed(each) }) : [],
  }, change > 0);
};

const gaussian = (said, { scales, words }) => {
  if (!scales) return null;
  const kl = said.run.contract.terms.find((_, k) => words[k] === "KL");
  const weight = (kl && said.run.weight(kl[2])) || 1; // one of 0 is left out
  if (weight < 0) return null;
  const written = (name) => significantText(scales[name] * weight, 4);
  return said.worded("gaussian", { half: scales.half, variance: written("variance"), beta: written("beta") });
};

const RULES = [lossParts, pulls, unitsOff, nearThePrior, luck, step, gaussian];

export const says = (writer, spec) => {
  if (!writer.run.isFinite()) return "";
  return RULES.map((rule) => {
    const said = new Sentence(writer, spec);
    const parts = rule(said, spec);
    return parts ? said.markup(parts) : "";
  }).join("");
};
