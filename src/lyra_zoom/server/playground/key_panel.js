// Where the key is typed, and where the page says that it is wrong.

import { isKeyAccepted } from "./api.js";
import { announce, byId, element, icon } from "./dom.js";
import { currentKey, keepKey } from "./key.js";

/** Wire the panel; `onAccepted` is called when a new key works. Without a key it is open. */
export function openKeyPanel(onAccepted) {
  byId("key-button").addEventListener("click", () => showPanel(byId("key-form").hidden));
  byId("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    keepKey(byId("key").value);
    drawButton();
    if (await isUsable()) {
      showPanel(false);
      announce("The key works.");
      onAccepted();
    }
  });
  drawButton();
  showPanel(currentKey() === "");
}

/** The server refused the key: say so where it can be changed. */
export function askForKey() {
  const words = currentKey() === ""
    ? "This server wants a key." : "The server does not accept this key.";
  showPanel(true, words);
  byId("key").focus();
}

async function isUsable() {
  try {
    if (await isKeyAccepted()) return true;
    askForKey();
  } catch (error) {
    showPanel(true, error.message);
  }
  return false;
}

function showPanel(isOpen, problem = "") {
  byId("key-form").hidden = !isOpen;
  byId("key-button").setAttribute("aria-expanded", String(isOpen));
  byId("key").value = currentKey();
  byId("key-problem").textContent = problem;
  if (problem) byId("key").setAttribute("aria-invalid", "true");
  else byId("key").removeAttribute("aria-invalid");
}

function drawButton() {
  const key = currentKey();
  const words = key === "" ? "Set a key" : `Key …${key.slice(-4)}`;
  byId("key-button").replaceChildren(icon("key"), element("span", {}, words));
}
