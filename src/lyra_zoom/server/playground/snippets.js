// Programs that make the request of the form, for three languages. The key is never part of them.

import { BASE, ENDPOINT } from "./api.js";
import { stringifyExact } from "./json.js";

const HOST = BASE.replace(/\/$/, "");
const REQUESTS = `/queue/${ENDPOINT.split("/").slice(0, 2).join("/")}/requests`;

/** The languages: name → function of (input, file name or null) that answers the program. */
export const SNIPPETS = { curl, Python: python, JavaScript: javascript };

/**
 * Submit, ask until it is over, fetch. A local photograph travels as a data URI inside the body.
 * It is pasted into shells: in parentheses, what goes wrong ends the program and not the shell,
 * and no comments, which zsh takes for commands there.
 */
function curl(input, fileName) {
  return [
    "(", `LYRA=${shellQuoted(HOST)}`,
    "ask() {",
    '  answer=$(curl -sS --fail-with-body -H "Authorization: Key $FAL_KEY" "$@") ||',
    `    { printf '%s\\n' "$answer" >&2; exit 1; }`, "}",
    `field() { printf '%s' "$answer" | sed 's/.*"'"$1"'": *"\\([^"]*\\)".*/\\1/'; }`, "",
    ...bodyFile(input, fileName), "",
    `ask "$LYRA/queue/${ENDPOINT}" -H 'Content-Type: application/json' -d @request.json`,
    `request=$LYRA${REQUESTS}/$(field request_id)`,
    `until [ "$(field status)" = COMPLETED ]; do sleep 1; ask "$request/status"; done`,
    `ask "$request"`, `printf '%s\\n' "$answer"`, ")",
  ].join("\n");
}

function bodyFile(input, fileName) {
  const body = stringifyExact(input, 2);
  if (fileName === null) return [`printf '%s' ${shellQuoted(body)} > request.json`];
  const { image_url: _, ...others } = input;
  const rest = stringifyExact(others, 2).slice(1);
  return [
    `{ printf '%s' '{"image_url": "data:image/${kindOf(fileName)};base64,'`,
    `  base64 < ${shellQuoted(fileName)} | tr -d '\\n'`,
    `  printf '%s' ${shellQuoted(`",${rest}`)}; } > request.json`,
  ];
}

function python(input, fileName) {
  const values = Object.entries(input).map(([name, value]) => {
    const written = name === "image_url" && fileName !== null
      ? `fal_client.upload_file(${pythonText(fileName)})` : pythonValue(value);
    return `        ${pythonText(name)}: ${written},`;
  });
  return [
    "import fal_client", "import fal_client.client as client", "",
    `client.QUEUE_URL_FORMAT, client.RUN_URL_FORMAT = "${HOST}/queue/", "${HOST}/run/"`,
    `client.REST_URL, client.CDN_URL = "${HOST}/rest", "${HOST}/cdn"`, "",
    "# the key is read from FAL_KEY", "result = fal_client.subscribe(", `    "${ENDPOINT}",`,
    "    arguments={", ...values, "    },", ")", 'print(result["video"]["url"])',
  ].join("\n");
}

function javascript(input, fileName) {
  const values = Object.entries(input).map(([name, value]) => {
    const written = name === "image_url" && fileName !== null
      ? `await openAsBlob(${scriptText(fileName)}, { type: "image/${kindOf(fileName)}" })`
      : scriptValue(value);
    return `    ${name}: ${written},`;
  });
  return [
    ...(fileName === null ? [] : ['import { openAsBlob } from "node:fs";']),
    'import { fal } from "@fal-ai/client";', "",
    "fal.config({", "  credentials: process.env.FAL_KEY,",
    `  proxyUrl: { url: "${HOST}/api/fal/proxy", when: "always" },`, "});", "",
    `const result = await fal.subscribe("${ENDPOINT}", {`, "  input: {", ...values, "  },", "});",
    "console.log(result.data.video.url);",
  ].join("\n");
}

function shellQuoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON's strings are strings of Python and JavaScript too. */
function pythonText(text) {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

const scriptText = pythonText;

function pythonValue(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  return value === null ? "None" : stringifyExact(value);
}

function scriptValue(value) {
  return typeof value === "bigint" ? `"${value}"` : stringifyExact(value);
}

function kindOf(fileName) {
  const ending = fileName.split(".").pop().toLowerCase();
  return { png: "png", webp: "webp", avif: "avif", heic: "heic", gif: "gif" }[ending] ?? "jpeg";
}
