// Shows how a number is made, and lights up what it was made from and what it went into.
// All that it knows stands in the page: the numbers, and the lines with gaps for them.
(() => {
  "use strict";
  const packed = JSON.parse(document.getElementById("page:data").textContent);
  const KINDS = {
    parameter: "a parameter", input: "an input", noise: "noise, drawn from N(0, 1)",
    gradient: "a gradient", value: "a value",
  };
  const MOST_LISTED = 4; // of one value
  // On a phone the contents fold, or the text would begin far below.
  const contents = document.querySelector("nav details");
  if (contents && matchMedia("(max-width: 40rem)").matches) contents.open = false;
  const isNumber = (part) => typeof part !== "string";
  const numberOf = (part) => (Array.isArray(part) ? part[0] : part);

  // --- what numbers and lines have in common, put back ---

  const below = (index) => index.split(",").map((at) => `<mn>${at}</mn>`).join("<mo>,</mo>");
  const whole = ([value, index, digits, reason = "", again = ""]) => {
    const [name, anchor, before, after, role] = packed.values[value];
    if (!index) return [anchor + again, before + after, digits, role, reason, name];
    return [
      `${anchor}-${index.replaceAll(",", "-")}${again}`, before + below(index) + after,
      digits, role, reason, `${name}[${index}]`,
    ];
  };
  // Texts and numbers in turn.
  const spelled = (parts) => parts.map((part, at) => (at % 2 ? part : packed.texts[part]));
  const data = { numbers: packed.numbers.map(whole), lines: {} };
  for (const [number, [symbols, digits, chosen = []]] of Object.entries(packed.lines)) {
    data.lines[number] = [symbols.map(spelled), spelled(digits), chosen];
  }

  // --- what was made from what ---

  const madeFrom = new Map();
  const chosenBy = new Map();
  const wentInto = new Map();
  for (const [made, [symbols, , chosen]] of Object.entries(data.lines)) {
    const used = [...new Set(symbols.flat().filter(isNumber).map(numberOf))];
    const others = chosen.filter((number) => !used.includes(number));
    madeFrom.set(Number(made), used);
    chosenBy.set(Number(made), others);
    for (const number of [...used, ...others]) {
      if (!wentInto.has(number)) wentInto.set(number, []);
      wentInto.get(number).push(Number(made));
    }
  }
  const places = new Map();
  for (const link of document.querySelectorAll("a[data-n]")) {
    const number = Number(link.dataset.n);
    if (!places.has(number)) places.set(number, []);
    places.get(number).push(link);
  }

  // --- the derivation, filled in ---

  // A formula has no text to be read aloud as the name of a link, so it gets one in words.
  const link = (number, inside, words) => {
    const [anchor, , , role] = data.numbers[number];
    const label = words ? ` aria-label="${words}"` : "";
    return `<a class="${role}" href="#${anchor}" data-n="${number}"${label}>${inside}</a>`;
  };
  const unsigned = (digits) => digits.replace(/^−/, "");
  const asSymbol = (part) => data.numbers[numberOf(part)][1];
  const asNumber = (part) =>
    link(numberOf(part), unsigned(Array.isArray(part) ? part[1] : data.numbers[part][2]));
  const fill = (parts, written) =>
    parts.map((part) => (isNumber(part) ? written(part) : part)).join("");

  // Numbers of one value stand together; of many the first tell enough.
  const listed = (words, key, numbers) => {
    if (!numbers || !numbers.length) return "";
    const values = new Map();
    for (const number of numbers) {
      const value = data.numbers[number][0].replace(/(-\d+)+$/, "");
      if (!values.has(value)) values.set(value, []);
      values.get(value).push(number);
    }
    const shown = [...values.values()].map((group) => {
      const most = group.length > MOST_LISTED ? MOST_LISTED - 1 : group.length;
      const links = group.slice(0, most)
        .map((number) => link(number, `<math>${data.numbers[number][1]}</math>`, data.numbers[number][5]));
      if (most < group.length) {
        const whose = data.numbers[group[0]][5].replace(/\[[\d,]*\]$/, "");
        links.push(`${group.length - most} more of ${whose}`);
      }
      return links.map((text, at) => `<span>${text}${at < links.length - 1 ? "," : ""}</span>`).join(" ");
    });
    return `<p class="uses"><span class="${key}">${words}</span> ${shown.join(", ")}</p>`;
  };

  // The answer first: what a number is the sum of, or why it is zero.
  const answer = (number) => {
    const [, , digits, , reason] = data.numbers[number];
    const parts = packed.parts[number];
    if (parts && parts.length) {
      const summed = parts.map(([text, words], at) => {
        const sign = !at ? "" : text.startsWith("−") ? " − " : " + ";
        const part = `${sign}${at ? unsigned(text) : text} ${words}`;
        return `<span>${part}</span>`;
      });
      return `<p class="answer">${digits} = ${summed.join("")}</p>`;
    }
    if (reason || !/^[−0.]*$/.test(digits)) return "";
    const closed = (madeFrom.get(number) || []).find((used) => data.numbers[used][4]);
    if (closed === undefined) return "";
    return `<p class="answer">${unsigned(digits)} because <math>${data.numbers[closed][1]}</math> `
      + `is ${unsigned(data.numbers[closed][2])}: ${data.numbers[closed][4]}</p>`;
  };

  const derivation = (number) => {
    const [, symbol, digits, role, reason] = data.numbers[number];
    const equals = ' <span class="equals">=</span> ';
    let text = `<span class="kind">${KINDS[role] || KINDS.value}${reason ? ", " + reason : ""}</span>`;
    text += answer(number);
    text += `<p><math>${symbol}</math>`;
    // A line gives fewer digits, or more, where the run rounded on the way.
    const result = packed.results[number] || digits;
    if (number in data.lines) {
      const [symbols, numbers] = data.lines[number];
      text += equals + symbols.map((parts) => `<math>${fill(parts, asSymbol)}</math>`).join("");
      const line = fill(numbers, asNumber);
      const isResult = line.replace(/<[^>]*>/g, "").trim() === result; // as of a copy
      text += "</p><p>" + (isResult ? "" : equals + line);
    }
    text += `${equals}<span class="accent">${result}</span></p>`;
    return text + listed("Made from", "from-key", madeFrom.get(number))
      + listed("Chosen by", "from-key", chosenBy.get(number))
      + listed("Went into", "into-key", wentInto.get(number));
  };

  // --- showing it ---

  const box = document.createElement("aside");
  box.id = "page:derivation";
  box.className = "derivation";
  box.setAttribute("aria-label", "Derivation");
  box.hidden = true;
  document.body.append(box);
  let shown = null; // the link whose number is shown
  let leaving = 0;

  const light = (numbers, name) => {
    for (const number of numbers || []) {
      for (const place of places.get(number) || []) place.classList.add(name);
    }
  };
  const darken = () => {
    for (const name of ["self", "from", "into"]) {
      for (const place of document.querySelectorAll(`a.${name}`)) place.classList.remove(name);
    }
  };

  const show = (place) => {
    clearTimeout(leaving);
    if (shown === place) return;
    hide();
    const number = Number(place.dataset.n);
    shown = place;
    box.innerHTML = derivation(number);
    box.hidden = false;
    place.setAttribute("aria-describedby", box.id);
    light(wentInto.get(number), "into");
    light(madeFrom.get(number), "from");
    light(chosenBy.get(number), "from");
    light([number], "self");
    put(place);
  };
  // Under the number, or over it where there is no room; its own line stays free.
  const put = (place) => {
    const { left, top, bottom } = place.getBoundingClientRect();
    const room = { width: document.documentElement.clientWidth, height: innerHeight };
    const under = bottom + 10;
    const over = top - box.offsetHeight - 10;
    box.style.left = `${Math.max(8, Math.min(left - 16, room.width - box.offsetWidth - 8))}px`;
    box.style.top = `${under + box.offsetHeight > room.height && over > 0 ? over : under}px`;
  };
  const hide = () => {
    clearTimeout(leaving);
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
    box.hidden = true;
    darken();
  };
  // The pointer may go from the number into its derivation.
  const hideSoon = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 250);
  };

  const numberAt = (target) => {
    const place = target instanceof Element ? target.closest("a[data-n]") : null;
    return place && !box.contains(place) ? place : null;
  };
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const place = numberAt(event.target);
    if (place) show(place);
    else if (box.contains(event.target)) clearTimeout(leaving);
    else if (shown && document.activeElement !== shown && !box.contains(document.activeElement)) hideSoon();
  });
  // A finger has no hovering: its first touch shows, its second follows the link.
  let byFinger = false;
  let touched = null;
  document.addEventListener("pointerdown", (event) => { byFinger = event.pointerType === "touch"; }, true);
  document.addEventListener("keydown", () => { byFinger = false; }, true);
  document.addEventListener("focusin", (event) => {
    const place = numberAt(event.target);
    if (place && byFinger) return; // the click that follows shows it
    if (place) show(place);
    else if (!box.contains(event.target)) hide();
  });
  document.addEventListener("scroll", () => shown && put(shown), { passive: true });
  addEventListener("resize", () => shown && put(shown));
  document.addEventListener("click", (event) => {
    const place = numberAt(event.target);
    if (byFinger && place && place !== touched) {
      event.preventDefault();
      show(place);
      if (place.getBoundingClientRect().bottom > box.getBoundingClientRect().top) {
        place.scrollIntoView({ block: "center" }); // from under the sheet at the bottom
      }
    }
    touched = place;
    if (!place && !box.contains(event.target)) hide();
  });

  // --- the keyboard: one stop for each group of numbers, arrows inside it ---

  const groups = new Map();
  for (const place of document.querySelectorAll("a[data-n]")) {
    const group = place.closest("table, ol, ul, p, div");
    if (!groups.has(group)) groups.set(group, []);
    place.tabIndex = groups.get(group).length ? -1 : 0;
    groups.get(group).push(place);
  }
  const inRow = (places, from, step) => {
    const row = from.closest("tr, li");
    const here = row ? [...row.querySelectorAll("a[data-n]")].indexOf(from) : 0;
    for (let at = places.indexOf(from) + step; at >= 0 && at < places.length; at += step) {
      const other = places[at].closest("tr, li");
      if (other === row) continue;
      const inside = [...other.querySelectorAll("a[data-n]")];
      return inside[Math.min(here, inside.length - 1)];
    }
    return null;
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && shown) {
      const back = box.contains(document.activeElement) ? shown : null;
      hide();
      if (back) { back.focus(); hide(); }
      return;
    }
    const place = numberAt(document.activeElement);
    if (!place) return;
    if (event.key === " ") {
      const inside = box.querySelector("a");
      if (inside && !box.hidden) { event.preventDefault(); inside.focus(); }
      return;
    }
    const inGroup = groups.get(place.closest("table, ol, ul, p, div"));
    const at = inGroup.indexOf(place);
    const next = {
      ArrowRight: () => inGroup[at + 1], ArrowLeft: () => inGroup[at - 1],
      ArrowDown: () => inRow(inGroup, place, 1), ArrowUp: () => inRow(inGroup, place, -1),
      Home: () => inGroup[0], End: () => inGroup[inGroup.length - 1],
    }[event.key];
    const other = next && next();
    if (!next) return;
    event.preventDefault();
    if (other) {
      place.tabIndex = -1;
      other.tabIndex = 0;
      other.focus();
    }
  });
  // What scrolls sideways and has no number in it is reached by itself.
  const reach = () => {
    for (const wide of document.querySelectorAll(".scroll, .worked, .equation")) {
      const alone = wide.scrollWidth > wide.clientWidth && !wide.querySelector("a[data-n]");
      if (alone) wide.tabIndex = 0;
      else wide.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reach);
  reach();
  for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
})();
