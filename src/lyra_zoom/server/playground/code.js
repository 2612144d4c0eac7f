// The panel with programs to copy.

import { announce, byId, element, icon } from "./dom.js";
import { SNIPPETS } from "./snippets.js";

const KEPT_AS = "lyra-zoom.language";

let language = localStorage.getItem(KEPT_AS) ?? "curl";
let request = null;

/** Draw the tabs; `showProgram` fills them. */
export function openCodePanel() {
  if (!Object.hasOwn(SNIPPETS, language)) language = "curl";
  const names = Object.keys(SNIPPETS);
  byId("languages").replaceChildren(...names.map((name, index) => element("button", {
    type: "button", role: "tab", id: `language-${name}`, "aria-controls": "program",
    onclick: () => choose(name),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      choose(names[(index + step + names.length) % names.length]);
      byId(`language-${language}`).focus();
    },
  }, name)));
  byId("copy").addEventListener("click", copy);
  showCopyButton("Copy");
}

/** Show the program for an input; `fileName` is the photograph's when it is a local file. */
export function showProgram(input, fileName) {
  request = { input, fileName };
  for (const tab of byId("languages").children) {
    const isChosen = tab.textContent === language;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
  }
  byId("program").firstElementChild.textContent = SNIPPETS[language](input, fileName);
}

function choose(name) {
  language = name;
  localStorage.setItem(KEPT_AS, name);
  showProgram(request.input, request.fileName);
}

async function copy() {
  const text = byId("program").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    selectProgram(); // no clipboard over plain HTTP from another machine: ready for Ctrl+C
    showCopyButton("Press Ctrl+C");
    return;
  }
  showCopyButton("Copied");
  announce("Copied");
  setTimeout(() => showCopyButton("Copy"), 2_000);
}

function selectProgram() {
  getSelection().selectAllChildren(byId("program"));
  byId("program").focus();
}

function showCopyButton(words) {
  byId("copy").replaceChildren(icon(words === "Copied" ? "done" : "copy"), words);
}
