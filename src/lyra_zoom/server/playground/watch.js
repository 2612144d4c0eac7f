// Keeps the list of requests true: the one in view is followed live, the others are asked now and then.

import { fetchResult, fetchStatus } from "./api.js";
import { follow, isFinal, pause } from "./follow.js";

const OTHERS_MS = 3_000; // a browser opens six connections to a server: one stream is enough

export class Watch {
  /** `onLive(id, status)` hears every status of the followed request. */
  constructor(requests, onLive) {
    this.requests = requests;
    this.onLive = onLive;
    this.followed = null;
    this.isLockedOut = false; // a wrong key is not tried again and again
    this.hangUp = new AbortController();
    this.askOthers();
    document.addEventListener("visibilitychange", () => this.look(this.followed));
  }

  /** Follow this request live (null: none) until another one is looked at. */
  look(id) {
    this.hangUp.abort();
    this.hangUp = new AbortController();
    this.followed = id;
    if (this.isLockedOut) return;
    const isOpen = this.requests.unfinished.some((entry) => entry.id === id);
    if (isOpen && !document.hidden) this.listen(id, this.hangUp.signal);
  }

  /** The key has changed: listen again. */
  unlock() {
    this.isLockedOut = false;
    this.look(this.followed);
  }

  async listen(id, signal) {
    while (!signal.aborted) {
      try {
        for await (const status of follow(id, signal)) {
          if (signal.aborted) return;
          await this.note(id, status);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.noteLoss(id, error);
        if (isFinal(error)) return;
        await pause(OTHERS_MS, signal);
      }
    }
  }

  async askOthers() {
    for (;;) {
      await pause(OTHERS_MS);
      for (const { id } of this.isLockedOut ? [] : this.requests.unfinished) {
        if (id === this.followed && !document.hidden) continue;
        try {
          await this.note(id, await fetchStatus(id));
        } catch (error) {
          this.noteLoss(id, error);
        }
      }
    }
  }

  /** Write down what a status says; a finished request's answer is fetched with it. */
  async note(id, status) {
    if (status.status === "COMPLETED") this.requests.change(id, await endOf(id, status));
    else this.requests.change(id, { state: status.status === "IN_QUEUE" ? "queued" : "running" });
    this.onLive(id, status);
  }

  /** A 404 is the end; everything else, a wrong key too, may mend. */
  noteLoss(id, error) {
    if (error.status === 404) {
      this.requests.change(id, { state: "gone", message: "The server no longer knows this request." });
    } else if (error.status === 401) {
      this.isLockedOut = true;
      this.onLive(id, null, error);
    }
  }
}

/** How a completed request ended, as facts for the list. */
async function endOf(id, status) {
  if (status.error_type === "client_cancelled") return { state: "cancelled" };
  try {
    return { state: "done", output: await fetchResult(id) };
  } catch (error) {
    if (error.status === 404) return { state: "gone", message: error.message };
    if (!isItsOwn(error, status)) throw error;
    return { state: "failed", message: error.message, problems: error.fieldProblems };
  }
}

/** Whether this error is how the request ended; else the answer could not be had just now. */
function isItsOwn(error, status) {
  if (!status.error_type) return false;
  return error.status === 422 || error.body?.error_type === status.error_type;
}
