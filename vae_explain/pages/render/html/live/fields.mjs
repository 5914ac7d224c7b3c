// Numbers that can be changed in place: spin buttons that can be dragged, stepped and typed into.
import { typedNumber } from "./state.mjs";

const PIXELS_A_STEP = 3;
const BIG = 10;
const FINE = 0.1;
const ENDS = { input: 10, noise: 3, parameter: 2 };
const STEPS = { input: 0.1, noise: 0.05, parameter: 0.01 };
const trimmed = (value) => Number(value.toFixed(6));

/** What a field of an array is like: how far a step goes, and where Home and End lead. */
export const kindOf = ({ kind, ends = [-ENDS[kind], ENDS[kind]] }) => {
  const [low, high] = ends;
  return { step: Math.min(STEPS[kind], (high - low) / 20), low, high };
};

/**
 * Make an element a spin button.
 *
 * `field` has its `name`, `step`, `low` and `high`, and how to `get`, `set` and `reset` its number.
 */
export const makeField = (element, field) => {
  element.setAttribute("role", "spinbutton");
  element.setAttribute("aria-label", field.name);
  element.title = `${field.name}: drag sideways, use the arrow keys, or type`;
  element.classList.add("field");
  let drag = null;
  let gestures = 0;
  const change = (value, gesture = null) => field.set(trimmed(value), gesture);

  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = field.step * (event.shiftKey ? FINE : 1);
    const to = {
      ArrowUp: () => field.get() + step,
      ArrowDown: () => field.get() - step,
      PageUp: () => field.get() + BIG * step,
      PageDown: () => field.get() - BIG * step,
      Home: () => field.low,
      End: () => field.high,
    }[event.key];
    if (to) change(to(), `keys ${field.name}`);
    else if (event.key === "Enter" || event.key === "F2") open(element.textContent);
    else if (/^[-−+.,\d]$/.test(event.key)) open(event.key);
    else if (event.key === "Backspace" || event.key === "Delete") field.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target !== element) return;
    gestures += 1;
    drag = { x: event.clientX, from: field.get(), moved: false, id: `drag ${field.name} ${gestures}` };
    element.setPointerCapture(event.pointerId);
    element.focus();
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const by = Math.round((event.clientX - drag.x) / PIXELS_A_STEP);
    if (!by && !drag.moved) return;
    drag.moved = true;
    change(drag.from + by * field.step * (event.shiftKey ? FINE : 1), drag.id);
  });
  element.addEventListener("pointerup", (event) => {
    // A finger has no keys: its tap opens the number for typing.
    if (drag && !drag.moved && event.pointerType === "touch") open(element.textContent);
    drag = null;
  });
  element.addEventListener("pointercancel", () => { drag = null; });
  element.addEventListener("dblclick", () => field.reset());

  const open = (text) => {
    const input = document.createElement("input");
    input.className = "typed";
    input.value = text.replaceAll("−", "-");
    input.setAttribute("aria-label", `${field.name}, as a number`);
    input.inputMode = "decimal";
    input.size = Math.max(6, input.value.length + 1);
    element.hidden = true;
    element.after(input);
    input.focus();
    if (text.length > 1) input.select();
    let done = false;
    const close = (isKept, back) => {
      if (done) return;
      const value = typedNumber(input.value);
      if (isKept && value === null) {
        input.setAttribute("aria-invalid", "true");
        input.title = "a number, as -0.25";
        if (back) return;
      }
      done = true;
      input.remove();
      element.hidden = false;
      if (back) element.focus();
      if (isKept && value !== null) field.set(value);
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") close(true, true);
      else if (event.key === "Escape") close(false, true);
    });
    input.addEventListener("blur", () => close(true, false));
  };
};

/** Say a field's number to those who hear it. */
export const tellField = (element, value, text) => {
  element.setAttribute("aria-valuenow", String(value));
  element.setAttribute("aria-valuetext", text);
};
