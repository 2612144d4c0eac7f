// The server's public API, the same that fal's clients use. Nothing here touches the page.

import { eventData } from "./events.js";
import { parseExact, stringifyExact } from "./json.js";
import { currentKey } from "./key.js";

export const ENDPOINT = "fal-ai/lyra-2/zoom";
const REQUESTS = "queue/fal-ai/lyra-2/requests";

/** Where this server lies, with a slash at the end; the page may live under a prefix. */
export const BASE = new URL(".", document.baseURI).href;

/** The server said no: `status` 0 means it could not be reached at all. */
export class ApiError extends Error {
  constructor(status, body, message) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** The refused fields of a 422: a list of {field, message}. */
  get fieldProblems() {
    const detail = this.body?.detail;
    if (!Array.isArray(detail)) return [];
    return detail.map((entry) => ({
      field: String((entry.loc ?? []).at(1) ?? "body"),
      message: String(entry.msg ?? "is not accepted"),
    }));
  }
}

/** The published description of this server. */
export async function fetchOpenApi() {
  return read(await send("openapi.json"));
}

/** Whether the server accepts the current key; asks for an upload token, which costs nothing. */
export async function isKeyAccepted() {
  try {
    await read(await send("rest/storage/auth/token?storage_type=fal-cdn-v3", { method: "POST", json: {} }));
    return true;
  } catch (error) {
    if (error.status === 401) return false;
    throw error;
  }
}

/** Upload `file` and answer its URL; `onProgress` hears fractions. */
export async function upload(file, onProgress, signal) {
  const json = { file_name: file.name || "photograph", content_type: file.type || "application/octet-stream" };
  const { upload_url: target, file_url: url } = await read(
    await send("rest/storage/upload/initiate?storage_type=fal-cdn-v3", { method: "POST", json, signal }));
  await put(byThisName(new URL(target, BASE)), file, onProgress, signal);
  return url;
}

/** Put a request into the queue; answers the queue's acknowledgement. */
export async function submit(input, signal) {
  return read(await send(`queue/${ENDPOINT}`, { method: "POST", json: input, signal }));
}

export async function fetchStatus(requestId, signal) {
  return read(await send(`${REQUESTS}/${encodeURIComponent(requestId)}/status?logs=1`, { signal }));
}

/** Statuses as they change; `logs` grow over the events of one connection. */
export async function* streamStatus(requestId, signal) {
  const path = `${REQUESTS}/${encodeURIComponent(requestId)}/status/stream?logs=1`;
  const answer = await send(path, { signal, accept: "text/event-stream" });
  if (!answer.ok) await read(answer);
  const logs = [];
  for await (const data of eventData(answer.body)) {
    const status = parseExact(data);
    logs.push(...(status.logs ?? []));
    yield { ...status, logs: [...logs] };
  }
}

/** The finished request's output; one that failed raises the error it ended with. */
export async function fetchResult(requestId, signal) {
  return read(await send(`${REQUESTS}/${encodeURIComponent(requestId)}`, { signal }));
}

/** Ask for the end of a request; one that is over already stays as it is. */
export async function cancel(requestId) {
  const answer = await send(`${REQUESTS}/${encodeURIComponent(requestId)}/cancel`, { method: "PUT" });
  if (answer.status !== 400) await read(answer);
}

/**
 * A file of this server by the address that this page came from, null for anybody else's.
 * Answers may carry another public name, which the page's security policy does not let through.
 */
export function ownAddress(url) {
  const there = URL.canParse(url, BASE) ? new URL(url, BASE) : null;
  if (there?.href.startsWith(BASE)) return there.href;
  return there && /\/cdn\/files\/b\//.test(there.pathname) ? byThisName(there) : null;
}

function byThisName(there) {
  const mount = there.pathname.search(/\/(cdn|rest)\//);
  return mount < 0 ? there.href : new URL(there.pathname.slice(mount + 1) + there.search, BASE).href;
}

async function send(path, { method = "GET", json, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept };
  const key = currentKey();
  if (key) headers.Authorization = `Key ${key}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? undefined : stringifyExact(json);
  try {
    return await fetch(new URL(path, BASE), { method, headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, null, "The server cannot be reached.");
  }
}

async function read(answer) {
  const text = await answer.text();
  let body = null;
  try {
    body = text ? parseExact(text) : null;
  } catch {
    body = null; // a page of a proxy in between, say; the status is what counts
  }
  if (!answer.ok) throw new ApiError(answer.status, body, sentenceFor(answer.status, body));
  return body;
}

function sentenceFor(status, body) {
  if (status === 401) return "The server does not accept this key.";
  if (typeof body?.detail === "string") return body.detail;
  if (Array.isArray(body?.detail)) return body.detail.map((entry) => entry.msg).join("; ");
  if (status === 404) return "The server does not know this request.";
  if (status === 413) return "This is larger than the server accepts.";
  return `The server answered with status ${status}.`;
}

/** fetch cannot tell how much of an upload is through; XMLHttpRequest can. */
function put(target, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", target);
    if (file.type) request.setRequestHeader("Content-Type", file.type);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new ApiError(request.status, null, sentenceFor(request.status, null)));
    };
    request.onerror = () => reject(new ApiError(0, null, "The upload was interrupted."));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
