// The list of one's requests: a picture each, how it went, and a way to delete it.

import { byId, element, icon } from "./dom.js";
import { RUNNING } from "./requests.js";
import { wordFor } from "./layout.js";
import { ago, humanise } from "./words.js";

const WORDS = {
  queued: "In the queue", running: "Running", done: "Done", failed: "Failed",
  cancelled: "Cancelled", gone: "No longer there",
};

/** Draw `entries`; `onOpen(id)` and `onDelete(id)` hear what a person does with one. */
export function drawRequests(entries, currentId, { onOpen, onDelete }) {
  const focused = document.activeElement?.closest("#request-list [data-id]")?.dataset.id;
  byId("requests").hidden = entries.length === 0;
  byId("request-list").replaceChildren(...entries.map((entry) =>
    card(entry, entry.id === currentId, { onOpen, onDelete })));
  if (focused) focusOn(focused);
}

/** After deleting the focused entry the next one has the focus, so that the keyboard is not lost. */
export function focusOn(id) {
  const list = byId("request-list");
  const card = [...list.children].find((item) => item.dataset.id === id) ?? list.firstElementChild;
  (card?.querySelector(".open") ?? byId("generate")).focus();
}

function card(entry, isCurrent, { onOpen, onDelete }) {
  const state = WORDS[entry.state] ?? entry.state;
  const words = entry.input?.prompt || entry.photoName || "A photograph";
  return element("li", { class: `request ${isCurrent ? "current" : ""}`, "data-id": entry.id, "data-state": entry.state },
    element("button", {
      type: "button", class: "open", "aria-current": isCurrent ? "true" : null, onclick: () => onOpen(entry.id),
    },
    entry.thumbnail?.startsWith("data:image/")
      ? element("img", { src: entry.thumbnail, alt: "", loading: "lazy" })
      : element("span", { class: "no-picture" }, icon("photo")),
    element("span", { class: "request-state" }, state),
    element("span", { class: "request-words" }, words),
    element("span", { class: "request-facts" }, [moves(entry.input), ago(entry.submittedAt)].join(" · "))),
    RUNNING.includes(entry.state) ? null : element("button", {
      type: "button", class: "quiet delete", "aria-label": `Delete from the list: ${words}`, title: "Delete",
      onclick: () => onDelete(entry.id),
    }, icon("delete")));
}

function moves(input = {}) {
  const direction = input.zoom_direction ?? "in";
  const trajectory = input[direction === "out" ? "zoom_out_trajectory" : "zoom_in_trajectory"];
  return [humanise(wordFor(direction)), trajectory && wordFor(trajectory).toLowerCase()].filter(Boolean).join(", ");
}
