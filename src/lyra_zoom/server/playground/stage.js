// The large picture: the photograph, what happens to it, and the video it became.

import { ownAddress } from "./api.js";
import { byId, element, icon } from "./dom.js";
import { isProgress } from "./progress.js";
import { bytes, humanise, seconds } from "./words.js";

const STAGES = { queued: "In the queue", running: "Running", uploading: "Uploading the photograph" };

/** Show a photograph to be sent, or the invitation to give one. */
export function showDraft(photo, problem = "") {
  show({ mode: photo ? "draft" : "empty", picture: photo?.preview, name: photo?.name });
  byId("photo-problem").textContent = problem;
}

/**
 * Show a request on its way: `progress` is {fraction, stage, left}, `detail` words beside it.
 * A fraction of null means that nobody knows yet.
 */
export function showProgress({ mode, picture, name, progress, detail = "" }) {
  show({ mode, picture, name });
  const { fraction, stage, left } = progress;
  const percent = fraction === null ? "" : `${Math.floor(fraction * 100)} %`;
  byId("overlay").hidden = false;
  byId("overlay-title").textContent = percent || STAGES[mode];
  byId("overlay-detail").textContent =
    [percent ? humanise(stage ?? STAGES[mode]) : "", left, detail].filter(Boolean).join(" · ");
  const bar = byId("bar");
  if (fraction === null) bar.removeAttribute("value");
  else bar.value = fraction;
}

/** Show the video of a finished request and what is known about it. */
export function showVideo({ output, picture, name }) {
  const url = ownAddress(output.video?.url ?? "");
  show({ mode: "done", picture, name, video: url });
  showFacts(output);
}

/** Show why there is no video. */
export function showFailure({ mode, picture, name, title, messages }) {
  show({ mode, picture, name });
  const failure = byId("failure");
  failure.hidden = false;
  failure.replaceChildren(element("strong", {}, title),
    ...messages.map((message) => element("p", {}, message)));
}

/** The buttons under the picture: a list of {text, symbol, onclick} or {text, symbol, href, download}. */
export function showActions(actions) {
  byId("actions").replaceChildren(...actions.map(({ text, symbol, ...attributes }) =>
    element(attributes.href ? "a" : "button", {
      class: "button", type: attributes.href ? null : "button", ...attributes,
    }, icon(symbol), element("span", {}, text))));
}

/** The lines that the work wrote; those that the bar shows already are left out. */
export function showLogs(logs) {
  const lines = logs.filter(({ message }) => !isProgress(message));
  const list = byId("log-lines");
  byId("logs").hidden = lines.length === 0;
  while (list.childElementCount > lines.length) list.lastElementChild.remove();
  lines.forEach(({ message, level, timestamp }, index) => {
    const text = `${clock(timestamp)}  ${message}`;
    if (list.children[index]?.textContent === text) return;
    const line = element("li", { class: `level-${String(level).toLowerCase()}` }, text);
    if (list.children[index]) list.children[index].replaceWith(line);
    else list.append(line);
  });
}

function show({ mode, picture = null, name = "", video = null }) {
  byId("stage").dataset.mode = mode;
  setSource(byId("photo"), video ? null : picture);
  byId("photo").alt = name ? `Photograph: ${name}` : "Photograph";
  byId("video").autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  setSource(byId("video"), video);
  setPoster(byId("video"), video ? picture : null);
  byId("offer").hidden = mode !== "empty";
  byId("photo-address").hidden = mode !== "empty";
  byId("unseen").hidden = Boolean(picture || video) || mode === "empty";
  byId("unseen").textContent = name;
  byId("overlay").hidden = true;
  byId("failure").hidden = true;
  byId("photo-problem").textContent = "";
  byId("facts").hidden = mode !== "done";
  if (["empty", "draft", "uploading"].includes(mode)) showLogs([]);
}

function setSource(media, url) {
  media.hidden = !url;
  if (!url) media.removeAttribute("src");
  else if (media.src !== new URL(url, document.baseURI).href) media.src = url;
  if (!url) media.classList.remove("begun");
  if (media instanceof HTMLVideoElement && !url) media.load();
}

/** Until it plays a video shows the photograph, which is not always its first frame. */
function setPoster(video, picture) {
  if (picture) video.poster = picture;
  else video.removeAttribute("poster");
}

function showFacts({ video, seed, timings }) {
  const facts = [
    ["Size", video.width && video.height ? `${video.width} × ${video.height}` : null],
    ["Frames", video.num_frames ?? null],
    ["Rate", video.fps ? `${video.fps} per second` : null],
    ["Length", video.duration ? seconds(video.duration) : null],
    ["File", video.file_size ? bytes(video.file_size) : null],
    ["Seed", seed],
    ...Object.entries(timings ?? {}).map(([part, value]) => [timing(part), seconds(value)]),
  ].filter(([, value]) => value !== null && value !== undefined);
  byId("facts").replaceChildren(...facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
}

function timing(part) {
  const names = { encode_s: "Building the scene", zoom_in_s: "Going in", zoom_out_s: "Going out" };
  return names[part] ?? humanise(part.replace(/_s$/, ""));
}

function clock(timestamp) {
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString();
}
