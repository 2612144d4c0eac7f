// The form: drawn from the schema, read into an input, filled from one.

import { byId } from "./dom.js";
import { controlFor } from "./fields.js";
import { arrange, labelOf, onlyMatters } from "./layout.js";
import { problemOf } from "./schema.js";

const KEPT_AS = "lyra-zoom.form";

export class Form {
  /** `onChange` is called after every change, with nothing: ask `values()`. */
  constructor(fields, onChange) {
    this.onChange = onChange;
    const { inSight, folded } = arrange(fields);
    const prompt = fields.find((field) => field.name === "prompt");
    this.byName = new Map([prompt, ...inSight, ...folded].filter(Boolean).map((field) =>
      [field.name, controlFor(field, () => this.changed())]));
    this.draw([prompt, ...inSight].filter(Boolean), folded);
    for (const control of this.byName.values()) control.write(null);
    this.recall();
    this.refresh();
  }

  draw(inSight, folded) {
    byId("fields").replaceChildren(...inSight.map(({ name }) => this.byName.get(name).element));
    byId("folded").replaceChildren(...folded.map(({ name }) => this.byName.get(name).element));
    byId("more").hidden = folded.length === 0;
  }

  /** What the controls hold, by name; an empty optional field is absent. */
  values() {
    const values = {};
    for (const [name, control] of this.byName) {
      const value = control.read();
      if (value !== undefined) values[name] = value;
    }
    return values;
  }

  /** What a request needs to say: required fields and those that differ from their default. */
  input() {
    const values = this.values();
    const said = Object.entries(values).filter(([name, value]) => {
      const { field } = this.byName.get(name);
      return field.required || (value !== field.initial && onlyMatters(name, values) === null);
    });
    return Object.fromEntries(said);
  }

  /** Fill the form from an earlier input; what that did not say has its default. */
  fill(input) {
    for (const [name, control] of this.byName) control.write(input[name] ?? null);
    this.changed();
  }

  /** Show what is wrong already; true when nothing is. */
  check() {
    const values = this.values();
    const problems = [...this.byName.values()]
      .filter(({ field }) => onlyMatters(field.name, values) === null)
      .map(({ field }) => ({ field: field.name, message: problemOf(field, values[field.name]) }))
      .filter(({ message }) => message !== null);
    this.complain(problems);
    return problems.length === 0;
  }

  /** Show each problem at its field; answers those that belong to no field of the form. */
  complain(problems) {
    this.clearProblems();
    const others = problems.filter(({ field }) => !this.byName.has(field));
    const own = problems.filter(({ field }) => this.byName.has(field));
    for (const { field, message } of own) this.byName.get(field).complain(message);
    if (own.length) {
      const first = this.byName.get(own[0].field);
      if (byId("folded").contains(first.element)) byId("more").open = true;
      first.focus();
    }
    return others;
  }

  clearProblems() {
    for (const control of this.byName.values()) control.complain(null);
  }

  label(name) {
    const control = this.byName.get(name);
    return control ? labelOf(control.field) : name;
  }

  changed() {
    this.refresh();
    this.remember();
    this.onChange();
  }

  refresh() {
    const values = this.values();
    for (const [name, control] of this.byName) {
      control.mute(onlyMatters(name, values));
      control.complain(null);
      control.refresh();
    }
    byId("summary").textContent = summary(values);
  }

  /** A reload keeps what was typed; a stale or foreign note is not worth a word. */
  remember() {
    const values = Object.entries(this.values()).map(([name, value]) => [name, String(value)]);
    sessionStorage.setItem(KEPT_AS, JSON.stringify(Object.fromEntries(values)));
  }

  recall() {
    const kept = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "{}");
    for (const [name, control] of this.byName) {
      if (!Object.hasOwn(kept, name)) continue;
      control.write(control.field.kind === "boolean" ? kept[name] === "true" : kept[name]);
    }
  }
}

/** How long and how large the video will be, as far as the known fields tell. */
function summary({ num_frames: frames, frames_per_second: rate, zoom_direction: direction, resolution }) {
  if (typeof frames !== "number" || typeof rate !== "number" || rate <= 0) return "";
  const all = direction === "both" ? 2 * frames - 1 : frames;
  return [`${(all / rate).toFixed(1)} s`, `${all} frames`, resolution].filter(Boolean).join(" · ");
}
