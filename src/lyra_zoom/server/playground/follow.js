// Following a request until it is over: by the stream, by asking again where streams do not work.

import { fetchStatus, streamStatus } from "./api.js";

const FIRST_EVENT_MS = 8_000; // a proxy that buffers streams never lets the first one through
const BETWEEN_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;

/** Statuses of one request, the last with status COMPLETED; gives up only when it must. */
export async function* follow(requestId, signal) {
  let isStreaming = true;
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (isStreaming) {
        for await (const status of streamWithDeadline(requestId, signal)) {
          failures = 0;
          yield status;
          if (status.status === "COMPLETED") return;
        }
      }
      const status = await fetchStatus(requestId, signal);
      failures = 0;
      yield status;
      if (status.status === "COMPLETED") return;
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      if (error.name === "TimeoutError") isStreaming = false;
      failures += 1;
    }
    await pause(Math.min(BETWEEN_MS * 2 ** failures, LONGEST_WAIT_MS), signal);
  }
}

/** No such request, or not with this key: asking again will not help. */
export function isFinal(error) {
  return error.status === 401 || error.status === 404;
}

export function pause(duration_ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, duration_ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

async function* streamWithDeadline(requestId, signal) {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), FIRST_EVENT_MS);
  try {
    for await (const status of streamStatus(requestId, AbortSignal.any([signal, silence.signal]))) {
      clearTimeout(timer);
      yield status;
    }
  } catch (error) {
    if (silence.signal.aborted) throw new DOMException("no event arrived", "TimeoutError");
    throw error;
  } finally {
    clearTimeout(timer);
    silence.abort(); // whoever stops listening hangs up
  }
}
