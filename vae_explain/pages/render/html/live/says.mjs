// What a run says: sentences on its numbers, each by a rule (`walkthrough/run_says.py`).
import { evaluate, largest, sum, unplaced } from "./expression.mjs";
import { escapeText } from "./inline.mjs";
import { unpacked } from "./run.mjs";
import { counted, significantText } from "./text.mjs";

const MOST_NAMED = 3;
const FEW = 8;
const CARRIED = 0.5;
const SQUARES = "lr times the sum of the squares of all gradients";
const NEAR = 1e-3; // relative
const squares = (numbers) => sum(numbers.map((value) => value * value));
const listOf = (places) => places.slice(0, FEW).join(", ") + (places.length > FEW ? ", …" : "");
/** The one of some that is most, the first of equals. */
const most = (items, size) => items.reduce((best, each) => (size(each) > size(best) ? each : best));

/** A sentence being written: words, and numbers whose arithmetic holds as it is printed. */
class Sentence {
  constructor(writer) {
    Object.assign(this, { writer, run: writer.run, parts: [], claims: [] });
  }

  say(...parts) {
    this.parts.push(...parts);
  }

  value(array, place = 0) {
    return { value: this.run.numbers[array][place], array, place, role: this.run.arrays[array].role === "gradient" ? "gradient" : "value" };
  }

  /** A place that is named and not written. */
  named(array, place) {
    const { name, at } = this.run.arrays[array];
    return { ...this.value(array, place), words: (at ?? name) + this.writer.bracketed(array, place) };
  }

  listed(numbers) {
    numbers.forEach((number, k) => this.say(k === 0 ? "" : k === numbers.length - 1 ? " and " : ", ", number));
  }

  /** What the part at a place comes to, of others that are written in the sentence. */
  claim(result, kind, ...numbers) {
    this.claims.push({ result, tree: { kind, parts: numbers.map((number) => number.leaf ??= unplaced(number.value)) } });
  }

  markup() {
    const texts = this.writer.numbers.statement(this.parts, this.claims);
    return `<p>${this.parts.map((part, k) => {
      if (typeof part === "string") return escapeText(part);
      if (part.array === undefined) return this.writer.bare(part.value, texts[k], "value");
      return this.writer.number(part.array, part.place, texts[k], part.role);
    }).join("")}</p>`;
  }
}

const own = (value, form = "number") => ({ value, form });

const lossParts = (said, { words, error }) => {
  const { run } = said;
  const { loss, terms } = run.contract;
  if (terms.length < 2 || run.numbers[loss].length !== 1) return false;
  said.say("The loss is ", said.value(loss), ": ");
  const numbers = terms.map(([, of, weight], k) => {
    const w = run.weight(weight);
    const number = { ...(w === 1 ? said.value(of) : {}), value: w * sum(run.numbers[of]), form: k ? "added" : "number" };
    said.say(k ? " " : "", number, ` from the ${words[k]}`);
    return number;
  });
  said.claim(1, "add", ...numbers);
  if (error) carried(said, error);
  said.say(".");
  return true;
};

/** Which few outputs carry the squared error, if a few do. */
const carried = (said, { made, x, times }) => {
  const amounts = Array.from(said.run.numbers[made], (value, k) => times * (value - said.run.numbers[x][k]) ** 2);
  const [total, order] = [sum(amounts), largest(amounts, amounts.length)];
  let [few, running] = [0, 0];
  while (few < order.length && running < CARRIED * total) running += amounts[order[few++]];
  few = Math.max(few, 1);
  if (!total || few > MOST_NAMED || few >= amounts.length) return;
  const numbers = order.slice(0, few).map((place) => own(amounts[place]));
  const whole = own(total);
  said.say("; ");
  said.listed(order.slice(0, few).map((place) => said.named(made, place)));
  said.say(few === 1 ? " brings " : " bring ", own(running / total, "percent"));
  const at = said.parts.length - 1;
  said.say(" of the squared error (");
  said.listed(numbers);
  said.say(" of ", whole, ")");
  said.claim(at, "div", { leaf: { kind: "add", parts: numbers.map((number) => number.leaf = unplaced(number.value)) } }, whole);
};

const pulls = (said, { answers }) => {
  const found = [];
  for (const [of, slope] of answers) {
    const shares = said.writer.sharesOf(said.writer.entries.get(slope));
    if (shares.length !== 2) return false;
    said.words = shares.map(({ word }) => word);
    said.run.numbers[of].forEach((_, place) => found.push({ of, slope, place, both: shares.map((share) => said.writer.share(share, place)) }));
  }
  if (!found.length) return false;
  const names = [...new Set(found.map(({ of }) => said.run.arrays[of].name))].join(" and ");
  said.say(`Of the ${found.length} gradients at ${names} `);
  const against = (each, one, other) => said.say(said.named(each.slope, each.place), " (", own(each.both[one]), " against ", own(each.both[other]), ")");
  const sides = [0, 1].map((which) => [which, found.filter(({ both }) => Math.abs(both[which]) > Math.abs(both[1 - which]))]);
  sides.filter(([, mine]) => mine.length).forEach(([which, mine], k) => {
    said.say(k ? ", the " : "the ", `${said.words[which]} has the larger part in ${mine.length}, `, mine.length > 1 ? "the largest at " : "");
    against(most(mine, ({ both }) => Math.abs(both[which])), which, 1 - which);
  });
  const opposed = found.filter(({ both }) => both[0] * both[1] < 0);
  const many = opposed.length > 1 ? ` in ${opposed.length}, most at ` : " only at ";
  said.say(opposed.length ? `; the parts have opposite signs${many}` : "; the parts have the same sign everywhere");
  if (opposed.length) against(most(opposed, ({ both }) => Math.min(...both.map(Math.abs))), 0, 1);
  said.say(".");
  return true;
};

const unitsOff = (said, { gates }) => {
  let layers = 0;
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
    if (layers === MOST_NAMED) break;
    const closest = most(off, (place) => given[place]);
    const few = off.length <= FEW;
    const units = off.map((place) => place % count);
    const noun = few ? (off.length === 1 ? "unit " : "units ") : "";
    const listed = few ? units.join(", ") : `${counted(off.length)} of ${counted(count)}`;
    said.say(layers ? "; " : "", `${noun}${listed} of ${name} `, off.length === 1 ? "is" : "are", " off ");
    said.say(off.length > 1 ? `(unit ${closest % count} is the closest to on, at ` : "(at ");
    const { kind, array, place } = before[closest];
    said.say(kind === "ref" ? said.value(array, place) : own(given[closest]), ends);
    layers += 1;
  }
  if (!layers) return false;
  said.say(".");
  said.parts[1] = said.parts[1][0].toUpperCase() + said.parts[1].slice(1);
  return true;
};

const nearThePrior = (said, { words, answers }) => {
  const { run } = said;
  const kls = run.contract.terms.filter((_, k) => words[k] === "KL");
  if (kls.length !== 1 || answers.length !== 2) return false;
  const [mu, logvar] = answers.map(([of]) => run.numbers[of]);
  const [{ shape }, other] = answers.map(([of]) => run.arrays[of]);
  if (shape.join() !== other.shape.join() || shape.length !== 2 || shape[1] < 2) return false;
  const each = Array.from(mu, (m, k) => 0.5 * (Math.exp(logvar[k]) + m * m - 1 - logvar[k]));
  const [rows, count] = shape;
  const total = sum(run.numbers[kls[0][1]]);
  const scale = sum(each) ? total / sum(each) : 0;
  const isOneOf = [1, 1 / each.length, 1 / rows, 1 / count].some((s) => Math.abs(scale - s) <= NEAR * s);
  if (!scale || !isOneOf) return false;
  const carries = Array.from({ length: count }, (_, at) => scale * sum(each.filter((_, k) => k % count === at)));
  const few = carries.map((_, at) => at).filter((at) => carries[at] < (0.1 * total) / count);
  if (!few.length) return false;
  const [noun, verb] = few.length === 1 ? ["Latent", "carries"] : ["Latents", "carry"];
  said.say(`${noun} ${listOf(few)} (of ${count}, counted from 0) ${verb} `);
  said.say(own(sum(few.map((at) => carries[at]))), " of the KL's ", said.value(kls[0][1]));
  said.say(": there q(z|x) is nearly the prior, so that z tells little about x.");
  return true;
};

const luck = (said, { draw }) => {
  const { run } = said;
  const { loss } = run.contract;
  if (!draw || run.numbers[loss].length !== 1) return false;
  const { of, slope, count } = draw;
  const width = run.numbers[of].length;
  draw.tried ??= unpacked(["Float64", 1, draw.numbers]);
  const losses = run.tried(Array.from({ length: count }, (_, k) => [[of, draw.tried.subarray(k * width, (k + 1) * width)]])).map(([each]) => each);
  const mean = sum(losses) / count;
  const slopes = run.numbers[slope];
  if (!Number.isFinite(mean) || !slopes.some(Boolean)) return false;
  const spread = Math.sqrt(squares(losses.map((each) => each - mean)) / (count - 1));
  const below = losses.filter((each) => each < run.numbers[loss][0]).length;
  const [steepest] = largest(slopes, 1);
  said.say(`${count} other draws of ${run.arrays[of].name} give losses of `, own(mean), " ± ", own(spread));
  said.say(` (their mean and their spread); ${below} of them give less than this run's `, said.value(loss), ". In this draw ");
  said.say(said.named(of, steepest), " matters most, with a gradient of ", own(slopes[steepest]), ".");
  return true;
};

const step = (said, { moves }) => {
  const { run } = said;
  const { numbers } = run;
  const { loss } = run.contract;
  if (!moves || !moves.length || numbers[loss].length !== 1) return false;
  const [[after]] = run.tried([moves.map(([of, , moved]) => [of, numbers[moved]])]);
  const sizes = moves.map(([, slope]) => squares(numbers[slope]));
  const norm = sum(sizes);
  if (!norm || !Number.isFinite(after)) return false;
  const [change, predicted] = [numbers[loss][0] - after, own(numbers.lr * norm)];
  const moved = own(Math.abs(change));
  said.say(`One step of lr = ${significantText(numbers.lr, 6)} ${change > 0 ? "lowers" : "raises"} the loss by `, moved);
  if (change > 0) {
    said.claim(said.parts.length + 1, "div", moved, predicted);
    said.say(": ", own(change / predicted.value, "percent"), " of the ", predicted, ` that the gradients alone predict (${SQUARES})`);
  } else said.say(", though the gradients alone predict a fall of ", predicted, ` (${SQUARES})`);
  const earned = largest(sizes, sizes.length).filter((k) => sizes[k] >= 0.1 * norm).slice(0, MOST_NAMED);
  earned.forEach((k, place) => {
    const lead = place === 0 ? "; of this prediction " : place === earned.length - 1 ? " and " : ", ";
    said.say(lead, run.arrays[moves[k][0]].name, place ? " " : " brings ", own(sizes[k] / norm, "percent"));
  });
  said.say(".");
  return true;
};

const gaussian = (said, { scales, words }) => {
  if (!scales) return false;
  const kl = said.run.contract.terms.find((_, k) => words[k] === "KL");
  const weight = (kl && said.run.weight(kl[2])) || 1; // one of 0 is left out
  if (weight < 0) return false;
  const written = (name) => significantText(scales[name] * weight, 4);
  said.say(scales.text.replaceAll("{variance}", written("variance")).replace("{beta}", written("beta")));
  return true;
};

const RULES = [lossParts, pulls, unitsOff, nearThePrior, luck, step, gaussian];

export const says = (writer, spec) => {
  if (!writer.run.isFinite()) return "";
  return RULES.map((rule) => {
    const said = new Sentence(writer);
    return rule(said, spec) ? said.markup() : "";
  }).join("");
};
