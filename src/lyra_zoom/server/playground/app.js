// The story of the page: a photograph and a form become a request, the request a video.

import { cancel, fetchOpenApi, fetchStatus, ownAddress, submit } from "./api.js";
import { openCodePanel, showProgram } from "./code.js";
import { announce, byId } from "./dom.js";
import { pause } from "./follow.js";
import { Form } from "./form.js";
import { takeKeyFromAddress } from "./key.js";
import { askForKey, openKeyPanel } from "./key_panel.js";
import { drawRequests, focusOn } from "./list.js";
import { Photo, listenForPhotos, thumbnailOf, thumbnailOfVideo } from "./photo.js";
import { progressOf } from "./progress.js";
import { RUNNING, Requests } from "./requests.js";
import { fieldsOf } from "./schema.js";
import { showActions, showDraft, showFailure, showLogs, showProgress, showVideo } from "./stage.js";
import { Watch } from "./watch.js";

const VIEW_KEPT_AS = "lyra-zoom.view";
const UNKNOWN = { fraction: null, stage: null, left: null };
const AGAIN_MS = 2_000;

const page = {
  form: null,
  photo: null,
  currentId: null, // of the request in view; null while one is prepared
  sentId: null, // of the request that the form still holds
  sending: null, // the AbortController of an upload and submit under way
  statuses: new Map(), // the latest status of each request heard of since loading
};
const requests = new Requests(draw);
const watch = new Watch(requests, hear);

takeKeyFromAddress();
openKeyPanel(() => { watch.unlock(); draw(); });
openCodePanel();
listenForPhotos(takePhoto);
byId("form").addEventListener("submit", (event) => { event.preventDefault(); generate(); });
byId("photo").addEventListener("error", () => {
  byId("photo").hidden = true;
  byId("unseen").hidden = false;
  byId("unseen").textContent = page.photo?.name ?? "";
});
byId("video").addEventListener("loadeddata", keepThumbnailOfVideo);
byId("video").addEventListener("play", () => byId("video").classList.add("begun"));
byId("video").addEventListener("error", () => {
  requests.change(page.currentId, { state: "gone", message: "The server no longer has this video." });
});
showProgram({ image_url: "https://…", prompt: "" }, null);
open(sessionStorage.getItem(VIEW_KEPT_AS) ?? requests.unfinished[0]?.id ?? null);
drawForm();

/** The form comes with the schema, whenever the server is there to give it. */
async function drawForm() {
  while (!page.form) {
    try {
      page.form = new Form(fieldsOf(await fetchOpenApi()), showCode);
      byId("form-problem").textContent = "";
    } catch (error) {
      byId("form-problem").textContent = error.message;
      await pause(AGAIN_MS);
    }
  }
  showCode();
}

function takePhoto(photo) {
  page.photo = photo;
  open(null);
}

/** Upload, submit, and look at the request that comes of it. */
async function generate() {
  if (page.sending || !page.form) return;
  const isReady = page.form.check();
  if (!page.photo) {
    byId("photo-problem").textContent = "Give a photograph first.";
    byId("photo-file").focus();
  }
  if (!page.photo || !isReady) return;
  const { photo } = page;
  photo.thumbnail ??= thumbnailOf(byId("photo"));
  page.sending = new AbortController();
  page.currentId = null;
  showStage();
  try {
    const sent = await send(photo, page.sending.signal);
    requests.add({
      ...sent, submittedAt: Date.now(), photoName: photo.name, thumbnail: photo.thumbnail, state: "queued",
    });
    page.sentId = sent.id;
    page.sending = null;
    open(sent.id);
  } catch (error) {
    page.sending = null;
    draw();
    tellWhyNotSent(error);
  }
}

async function send(photo, signal) {
  const isThere = photo.url !== null;
  drawSending(isThere ? null : 0);
  const url = await photo.publish(drawSending, signal);
  const input = { image_url: url, ...page.form.input() };
  const { request_id: id } = await submit(input, signal);
  return { id, input };
}

function tellWhyNotSent(error) {
  if (error.name === "AbortError") return;
  if (error.status === 401) askForKey();
  else byId("form-problem").textContent = error.message;
}

/** Look at a request, or (null) at the photograph that is about to be sent. */
function open(id) {
  const entry = requests.find(id);
  page.currentId = entry?.id ?? null;
  if (entry) {
    sessionStorage.setItem(VIEW_KEPT_AS, entry.id);
    if (page.photo?.url !== entry.input?.image_url) page.photo = photoOf(entry);
    if (["done", "failed"].includes(entry.state) && !page.statuses.has(entry.id)) recallLogs(entry.id);
  } else {
    sessionStorage.removeItem(VIEW_KEPT_AS);
  }
  byId("form-problem").textContent = "";
  draw();
  showCode();
  watch.look(page.currentId);
}

function photoOf({ input, thumbnail, photoName }) {
  const photo = Photo.ofUrl(input?.image_url ?? "");
  photo.preview ??= thumbnail;
  photo.thumbnail = thumbnail;
  photo.name = photoName ?? photo.name;
  return photo;
}

async function recallLogs(id) {
  try {
    page.statuses.set(id, await fetchStatus(id));
    draw();
  } catch {
    // forgotten, or another key's: the list still knows how it ended
  }
}

/** News of a request: its status, or the error that ended the listening. */
function hear(id, status, error) {
  if (error?.status === 401) askForKey();
  if (!status) return;
  page.statuses.set(id, status);
  if (id === page.currentId) draw();
}

function draw() {
  drawRequests(requests.entries, page.currentId, { onOpen: openFromList, onDelete: remove });
  if (page.sending) return;
  const entry = requests.find(page.currentId);
  document.title = "lyra-zoom";
  if (!entry) drawDraft();
  else if (RUNNING.includes(entry.state)) drawRunning(entry);
  else if (entry.state === "done") drawDone(entry);
  else drawFailed(entry);
}

function drawDraft() {
  showDraft(page.photo);
  showActions(page.photo ? [
    change("Another photograph"), { text: "Remove", symbol: "delete", onclick: () => takePhoto(null) },
  ] : []);
}

function drawSending(fraction) {
  showProgress({
    mode: "uploading", picture: page.photo.preview, name: page.photo.name,
    progress: { ...UNKNOWN, fraction }, detail: "",
  });
  showActions([{ text: "Cancel", symbol: "stop", onclick: () => page.sending?.abort() }]);
}

function drawRunning(entry) {
  const status = page.statuses.get(entry.id);
  const logs = status?.logs ?? [];
  const progress = entry.state === "running" ? progressOf(logs) : UNKNOWN;
  const ahead = status?.queue_position ?? 0;
  const detail = entry.state === "queued" ? (ahead === 0 ? "next" : `${ahead} ahead`) : "";
  showProgress({ mode: entry.state, ...picture(), progress, detail });
  showLogs(logs);
  const isEnding = entry.isEnding ?? false;
  showActions([{
    text: isEnding ? "Cancelling…" : "Cancel", symbol: "stop", disabled: isEnding,
    onclick: () => end(entry.id),
  }]);
  const percent = Math.floor((progress.fraction ?? 0) * 100);
  if (entry.state === "running" && percent) document.title = `${percent} % · lyra-zoom`;
  announce(entry.state === "queued" ? `In the queue, ${detail}` : `Running, ${percent - (percent % 25)} percent`);
}

function drawDone(entry) {
  const { output } = entry;
  showVideo({ output, ...picture() });
  showLogs(page.statuses.get(entry.id)?.logs ?? []);
  const url = ownAddress(output.video?.url ?? "");
  const name = output.video?.file_name ?? "zoom.mp4";
  showActions([
    ...(url ? [{ text: "Download", symbol: "download", href: url, download: name }] : []),
    { text: "Use again", symbol: "again", onclick: () => useAgain(entry) },
    change("New photograph"),
  ]);
  document.title = "Done · lyra-zoom";
  announce("The video is done.");
}

function drawFailed(entry) {
  const problems = entry.problems ?? [];
  const atPhoto = problems.filter(({ field }) => field === "image_url");
  const others = problems.filter(({ field }) => field !== "image_url");
  const messages = problems.length
    ? others.map(({ field, message }) => `${page.form?.label(field) ?? field}: ${message}`)
    : [entry.message].filter(Boolean);
  const titles = { cancelled: "Cancelled", gone: "No longer there", failed: "This did not work" };
  showFailure({ mode: entry.state, ...picture(), title: titles[entry.state], messages });
  byId("photo-problem").textContent = atPhoto.map(({ message }) => message).join("; ");
  if (page.sentId === entry.id && others.length) {
    page.form.complain(others);
    page.sentId = null; // said once; the fields may change now
  }
  showLogs(page.statuses.get(entry.id)?.logs ?? []);
  showActions([
    { text: "Use again", symbol: "again", onclick: () => useAgain(entry) }, change("New photograph"),
  ]);
}

function picture() {
  return { picture: page.photo?.preview, name: page.photo?.name };
}

function change(text) {
  return { text, symbol: "photo", onclick: () => byId("photo-file").click() };
}

async function end(id) {
  requests.change(id, { isEnding: true });
  try {
    await cancel(id);
  } catch (error) {
    requests.change(id, { isEnding: false });
    if (error.status === 401) askForKey();
    else byId("form-problem").textContent = error.message;
  }
}

function useAgain(entry) {
  page.photo = photoOf(entry);
  page.form?.fill(entry.input);
  open(null);
  byId("generate").focus();
}

function openFromList(id) {
  open(id);
  showStage();
}

function showStage() {
  byId("stage").scrollIntoView({ block: "nearest", behavior: "smooth" });
}

function remove(id) {
  const index = requests.entries.findIndex((entry) => entry.id === id);
  const next = requests.entries[index + 1]?.id ?? requests.entries[index - 1]?.id;
  requests.remove(id);
  if (id === page.currentId) open(null);
  focusOn(next);
}

/**
 * A photograph of another site could not be read for a thumbnail; the video can. It begins with
 * the photograph; one of both directions has it in the middle and begins where all is farthest.
 */
async function keepThumbnailOfVideo() {
  const { id, thumbnail, input } = requests.find(page.currentId) ?? {};
  if (!id || thumbnail) return;
  const video = byId("video");
  requests.change(id, { thumbnail: input?.zoom_direction === "both"
    ? await thumbnailOfVideo(video.src, (length) => length / 2) : thumbnailOf(video) });
}

function showCode() {
  if (!page.form) return;
  const { photo } = page;
  const url = photo?.url ?? "https://…";
  showProgram({ image_url: url, ...page.form.input() }, photo?.file ? photo.name : null);
}
