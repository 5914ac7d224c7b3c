// A sheet that marks itself: as `analysis/exercise/marking.py` does, from the same trees.
const data = JSON.parse(document.getElementById("page:data").textContent);
const A_LITTLE = 1e-9;
const WORDS = {
  right: "✓ right",
  carried: "✓ right, from your earlier answer",
  wrong: "✗ not right",
  none: "✗ this is no number",
};

const evaluate = (tree, numbers) => {
  if (typeof tree === "number") return tree;
  if (typeof tree === "string") return numbers[tree];
  const [operation, ...parts] = tree;
  const values = parts.map((part) => evaluate(part, numbers));
  switch (operation) {
    case "+": return values.reduce((sum, value) => sum + value, 0);
    case "*": return values.reduce((product, value) => product * value, 1);
    case "neg": return -values[0];
    case "/": return values[0] / values[1];
    case "^": return values[0] ** values[1];
    case "max": return Math.max(...values);
    case "argmax": return values.indexOf(Math.max(...values));
    case "argmin": return values.indexOf(Math.min(...values));
    default: return FUNCTIONS[operation] ? FUNCTIONS[operation](values[0]) : NaN;
  }
};

const near = (number, other, tolerance) =>
  Math.abs(number - other) <= tolerance * (1 + A_LITTLE) + 1e-12 * Math.abs(other);

const read = (text) => {
  let plain = text.trim().replaceAll("−", "-").replace("½", "0.5");
  if (plain.includes(",") && !plain.includes(".")) plain = plain.replace(",", ".");
  const [above, below, ...more] = plain.split("/");
  if (!plain || more.length || below === "") return NaN;
  const number = below === undefined ? Number(above) : Number(above) / Number(below);
  return Number.isFinite(number) ? number : NaN;
};

const times = (values, value) => values.filter((other) => other === value).length;

/** Mark all answers of a sheet, given as they were typed. */
const marked = (sheet, texts) => {
  const own = { ...sheet.given };
  const right = { ...sheet.given };
  for (const blank of sheet.blanks) right[blank.name] = blank.expected;
  const filled = sheet.blanks.filter((blank) => texts[blank.id].trim());
  const numbers = filled.map((blank) => read(texts[blank.id]));
  const isRight = (blank, number) => near(number, blank.expected, blank.tolerance);
  const wrongs = numbers.filter((number, at) => !isRight(filled[at], number));
  const alike = new Set(numbers.filter((number) =>
    times(wrongs, number) >= 3 && times(numbers, number) >= filled.length / 2));
  const off = new Set();
  return sheet.blanks.map((blank) => {
    const text = texts[blank.id];
    const number = read(text);
    if (Number.isNaN(number)) {
      own[blank.name] = blank.expected;
      return { verdict: text.trim() ? "none" : "", mistake: "" };
    }
    const uses = blank.uses.filter((name) => off.has(name));
    const again = evaluate(blank.tree, own);
    const fromZero = (value) =>
      uses.some((name) => own[name] === 0) && Math.abs(value) < blank.unit / 2;
    let verdict = "wrong";
    if (isRight(blank, number)) verdict = "right";
    else if (near(number, again, blank.tolerance)) {
      if (!uses.length) verdict = "right";
      else if (!alike.has(number) && !fromZero(again)) verdict = "carried";
    }
    const places = uses.length ? [own, right] : [own];
    let mistake = "";
    if (verdict === "wrong") mistake = fromZero(number) ? "zero" : named(blank, text, number, places);
    if (verdict !== "right") off.add(blank.name);
    const before = { ...own };
    own[blank.name] = number;
    return { verdict, mistake, before };
  });
};

const named = (blank, text, number, places) => {
  const given = blank.mistakes.flatMap(([name, tree]) => places.map((numbers) =>
    [name, evaluate(tree, numbers), evaluate(blank.tree, numbers)]));
  for (const tolerance of [blank.unit * (0.5 + A_LITTLE), blank.tolerance]) {
    const found = given.find(([, value, meant]) =>
      near(number, value, tolerance) && !near(value, meant, blank.tolerance));
    if (found) return found[0];
  }
  const decimals = (text.split(".")[1] ?? "").length;
  const coarse = 0.5 * 10 ** -decimals * (1 + A_LITTLE);
  return decimals < blank.decimals && near(number, blank.expected, coarse) ? "digits" : "";
};

for (const [position, sheet] of data.sheets.entries()) {
  const root = document.querySelectorAll(".questions")[position];
  const fields = Object.fromEntries(sheet.blanks.map((blank, at) =>
    [blank.id, root.querySelectorAll("input")[at]]));
  const tell = () => {
    const texts = Object.fromEntries(sheet.blanks.map(({ id }) => [id, fields[id].value]));
    const marks = marked(sheet, texts);
    sheet.blanks.forEach((blank, at) => {
      const { verdict, mistake } = marks[at];
      const item = fields[blank.id].closest("li");
      item.dataset.verdict = verdict;
      item.dataset.mistake = mistake;
      const words = [WORDS[verdict] ?? "", data.sentences[mistake] ?? ""].filter(Boolean);
      const shown = words.join(". ").replace(/\.\. /, ". ");
      const status = item.querySelector(".verdict");
      if (status.textContent !== shown) status.textContent = shown;
      if (verdict === "wrong" || verdict === "none") fields[blank.id].setAttribute("aria-invalid", "true");
      else fields[blank.id].removeAttribute("aria-invalid");
    });
    const good = marks.filter(({ verdict }) => verdict === "right" || verdict === "carried").length;
    const same = marks.some(({ verdict }) => verdict === "wrong") &&
      new Set(Object.values(texts).filter((text) => text.trim()).map(read)).size === 1 &&
      Object.values(texts).filter((text) => text.trim()).length >= 3;
    root.parentElement.querySelector(".points").textContent =
      `${same ? 0 : good} of ${sheet.blanks.length}`;
  };
  for (const blank of sheet.blanks) {
    const field = fields[blank.id];
    const item = field.closest("li");
    const button = item.querySelector("button");
    const hints = item.querySelector(".hints");
    let next = 0;
    button.hidden = false;
    button.addEventListener("click", () => {
      const line = document.createElement("p");
      line.textContent = blank.hints[next];
      hints.append(line);
      next += 1;
      const left = blank.hints.length - next;
      button.textContent = left > 1 ? "Next hint" : "Show the answer";
      if (!left) button.remove();
    });
    field.addEventListener("change", tell);
  }
  tell();
}
// What scrolls sideways is reached by keyboard, too.
const reachable = () => {
  for (const wide of document.querySelectorAll(".scroll, .equation")) {
    wide.toggleAttribute("tabindex", false);
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
};
addEventListener("resize", reachable);
reachable();
document.documentElement.dataset.ready = "ready";
