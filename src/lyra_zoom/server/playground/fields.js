// One control per kind of field. Each offers {element, read, write, onChange, mute, complain}.

import { element, icon } from "./dom.js";
import { numberOf } from "./json.js";
import { isDrawn, labelOf, wordFor } from "./layout.js";

const SHORT_CHOICES = 26; // characters that fit side by side on a phone
const SLIDER_STOPS = 40;

/** The control for `field`; `onChange` is called whenever a person changes it. */
export function controlFor(field, onChange) {
  const input = inputFor(field, onChange);
  const frame = frameFor(field, input);
  const reset = frame.querySelector(".reset");
  const showReset = () => {
    reset.hidden = field.required || (input.read() ?? null) === field.initial;
  };
  reset.addEventListener("click", () => {
    input.write(field.initial);
    onChange();
    input.focus();
  });
  return {
    field,
    element: frame,
    read: input.read,
    write: (value) => { input.write(value ?? field.initial); showReset(); },
    refresh: showReset,
    focus: input.focus,
    mute: (when) => mute(frame, when),
    complain: (message) => complain(frame, message),
  };
}

function frameFor(field, input) {
  const name = labelOf(field);
  const initial = field.initial === null ? "none" : wordFor(field.initial);
  const help = element("p", { class: "help", id: `help-${field.name}`, hidden: true }, field.help);
  const toggle = element("button", {
    type: "button", class: "quiet help-toggle", "aria-expanded": "false",
    "aria-controls": help.id, "aria-label": `About ${name}`,
    onclick: () => {
      help.hidden = !help.hidden;
      toggle.setAttribute("aria-expanded", String(!help.hidden));
    },
  }, icon("help"));
  const reset = element("button", {
    type: "button", class: "quiet reset", hidden: true,
    "aria-label": `Set ${name} back to ${initial}`, title: `Back to ${initial}`,
  }, icon("reset"));
  const head = element("div", { class: "field-head" },
    element(input.labelled ? "label" : "span",
      { class: "field-label", id: `label-${field.name}`, for: input.labelled }, name),
    field.help ? toggle : null, reset, element("span", { class: "when" }));
  return element("div", { class: `field field-${field.kind}`, "data-field": field.name },
    head, input.element, help,
    element("p", { class: "problem", id: `problem-${field.name}`, hidden: true }));
}

function mute(frame, when) {
  frame.classList.toggle("muted", when !== null);
  frame.querySelector(".when").textContent = when === null ? "" : `only ${when}`;
  for (const control of frame.querySelectorAll("input, select, textarea")) control.disabled = when !== null;
}

function complain(frame, message) {
  const line = frame.querySelector(".problem");
  line.hidden = message === null;
  line.textContent = message ?? "";
  for (const control of frame.querySelectorAll("input, select, textarea")) {
    if (message === null) control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
  }
}

function inputFor(field, onChange) {
  if (field.kind === "choice") {
    const all = field.options.map(wordFor);
    if (field.options.every(isDrawn)) return radios(field, onChange, "tiles");
    if (all.join("").length <= SHORT_CHOICES) return radios(field, onChange, "segments");
    return select(field, onChange);
  }
  if (field.kind === "boolean") return toggle(field, onChange);
  const isNumber = field.kind === "integer" || field.kind === "number";
  const isBounded = Number(field.maximum) - Number(field.minimum) <= 1000; // a seed is not
  if (isNumber) return isBounded ? slider(field, onChange) : number(field, onChange);
  return text(field, onChange);
}

function described(field) {
  return { "aria-describedby": `help-${field.name} problem-${field.name}` };
}

function radios(field, onChange, look) {
  const inputs = field.options.map((option, index) => element("input", {
    type: "radio", name: field.name, value: String(index), id: `${field.name}-${index}`,
    onchange: onChange,
  }));
  const choices = field.options.map((option, index) => element("label", { class: "choice" },
    inputs[index], look === "tiles" ? icon(`move-${option}`) : null,
    element("span", {}, wordFor(option))));
  return {
    element: element("div", {
      class: look, role: "radiogroup", "aria-labelledby": `label-${field.name}`, ...described(field),
    }, ...choices),
    read: () => field.options[inputs.findIndex((input) => input.checked)],
    write: (value) => inputs.forEach((input, index) => {
      input.checked = String(field.options[index]) === String(value);
    }),
    focus: () => (inputs.find((input) => input.checked) ?? inputs[0]).focus(),
  };
}

function select(field, onChange) {
  const box = element("select", { id: `input-${field.name}`, onchange: onChange, ...described(field) },
    ...field.options.map((option, index) => element("option", { value: String(index) }, wordFor(option))));
  return {
    element: box,
    labelled: box.id,
    read: () => field.options[Number(box.value)],
    write: (value) => { box.value = String(Math.max(0, field.options.map(String).indexOf(String(value)))); },
    focus: () => box.focus(),
  };
}

function toggle(field, onChange) {
  const box = element("input", {
    type: "checkbox", role: "switch", id: `input-${field.name}`, onchange: onChange, ...described(field),
  });
  return {
    element: box,
    labelled: box.id,
    read: () => box.checked,
    write: (value) => { box.checked = value === true; },
    focus: () => box.focus(),
  };
}

/** A slider and a box beside it that hold the same number; the box takes any, to be told why not. */
function slider(field, onChange) {
  const step = field.kind === "integer" ? 1 : roundStep((field.maximum - field.minimum) / SLIDER_STOPS);
  const range = element("input", {
    type: "range", min: field.minimum, max: field.maximum, step, "aria-labelledby": `label-${field.name}`,
    oninput: () => { box.value = range.value; onChange(); },
  });
  const box = element("input", {
    type: "text", inputmode: "decimal", id: `input-${field.name}`, autocomplete: "off", class: "number",
    oninput: () => { range.value = box.value; onChange(); }, ...described(field),
  });
  return {
    element: element("div", { class: "slider" }, range, box),
    labelled: box.id,
    read: () => written(box.value),
    write: (value) => { box.value = value ?? ""; range.value = value ?? field.minimum; },
    focus: () => box.focus(),
  };
}

function number(field, onChange) {
  const box = element("input", {
    type: "text", inputmode: "numeric", id: `input-${field.name}`, autocomplete: "off",
    placeholder: field.initial === null ? "random" : String(field.initial), oninput: onChange,
    ...described(field),
  });
  return {
    element: box,
    labelled: box.id,
    read: () => written(box.value),
    write: (value) => { box.value = value === null || value === undefined ? "" : String(value); },
    focus: () => box.focus(),
  };
}

function text(field, onChange) {
  const box = element(field.maxLength > 200 ? "textarea" : "input", {
    id: `input-${field.name}`, oninput: onChange, placeholder: field.help, ...described(field),
  });
  return {
    element: box,
    labelled: box.id,
    read: () => (box.value === "" && !field.required ? undefined : box.value),
    write: (value) => { box.value = value ?? ""; },
    focus: () => box.focus(),
  };
}

/** A number, the words themselves when they are none, nothing when the box is empty. */
function written(words) {
  if (words.trim() === "") return undefined;
  return numberOf(words) ?? words;
}

function roundStep(step) {
  const scale = 10 ** Math.floor(Math.log10(step));
  const digits = [1, 2, 5].findLast((digit) => digit * scale <= step * 1.0001) ?? 1;
  return Number((digits * scale).toPrecision(1));
}
