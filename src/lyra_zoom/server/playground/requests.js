// The requests this browser made, kept over reloads; other windows of it see the same list.

import { parseExact, stringifyExact } from "./json.js";

const KEPT_AS = "lyra-zoom.requests";
const MOST = 60;

export const RUNNING = ["queued", "running"];

/**
 * Entries, newest first: {id, submittedAt, input, photoName, thumbnail, state, output, message,
 * problems}. `state` is queued, running, done, failed, cancelled or gone (the server forgot it).
 */
export class Requests {
  /** `onChange` hears of every change, made here or in another window. */
  constructor(onChange) {
    this.onChange = onChange;
    this.entries = load();
    window.addEventListener("storage", (event) => {
      if (event.key !== KEPT_AS) return;
      this.entries = load();
      this.onChange();
    });
  }

  find(id) {
    return this.entries.find((entry) => entry.id === id) ?? null;
  }

  get unfinished() {
    return this.entries.filter((entry) => RUNNING.includes(entry.state));
  }

  add(entry) {
    this.save([entry, ...load()].slice(0, MOST));
  }

  /** Change what is known of a request; nothing happens when it was deleted meanwhile. */
  change(id, facts) {
    const entry = this.find(id);
    const isNew = Object.entries(facts).some(([name, value]) => entry?.[name] !== value);
    if (!entry || !isNew) return;
    this.save(load().map((item) => (item.id === id ? { ...item, ...facts } : item)));
  }

  remove(id) {
    this.save(load().filter((entry) => entry.id !== id));
  }

  save(entries) {
    this.entries = entries;
    keep(entries);
    this.onChange();
  }
}

function load() {
  try {
    const entries = parseExact(localStorage.getItem(KEPT_AS) ?? "[]");
    return Array.isArray(entries) ? entries.filter((entry) => typeof entry?.id === "string") : [];
  } catch {
    return []; // somebody else's note under our name
  }
}

/** When the browser's space is full, old thumbnails go first. */
function keep(entries) {
  for (let withPictures = entries.length; withPictures >= 0; withPictures = Math.floor(withPictures / 2) - 1) {
    const slim = entries.map((entry, index) =>
      (index < withPictures ? entry : { ...entry, thumbnail: null }));
    try {
      localStorage.setItem(KEPT_AS, stringifyExact(slim));
      return;
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
    }
  }
}
