// `subscribe`, polling or streaming, with a File inside the input.
import assert from "node:assert/strict";
import { ENDPOINT, fal, photograph, ZOOM } from "./recipes.mjs";

const updates = [];
let enqueued;
const { data, requestId } = await fal.subscribe(ENDPOINT, {
  input: { ...ZOOM, image_url: photograph, seed: 7 },
  mode: process.env.MODE,
  pollInterval: 100,
  logs: true,
  hint: "the-same-runner",
  priority: "normal",
  startTimeout: 60,
  timeout: 100_000,
  headers: { "X-Fal-Store-IO": "1" },
  onEnqueue: (id) => (enqueued = id),
  // Streamed updates share one growing list of lines; a copy keeps each as it was.
  onQueueUpdate: (update) => updates.push({ ...update, logs: [...(update.logs ?? [])] }),
});

assert.equal(requestId, enqueued);
assert.deepEqual(Object.keys(data).sort(), ["seed", "timings", "video"]);
assert.equal(data.seed, 7);
assert.equal(data.video.num_frames, 81);
assert.deepEqual(Object.keys(data.timings).sort(), ["encode_s", "zoom_in_s"]);

const order = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"];
const steps = updates.map((update) => order.indexOf(update.status));
assert.deepEqual(steps, steps.toSorted());
assert.equal(updates.at(-1).status, "COMPLETED");
assert.ok(updates.at(-1).metrics.inference_time > 0);

// Every line once, and none missing, however they came.
const { logs } = await fal.queue.status(ENDPOINT, { requestId, logs: true });
assert.deepEqual(updates.at(-1).logs, logs);
assert.ok(logs.some((line) => line.message.includes("%")));
for (const update of updates) assert.deepEqual(update.logs, logs.slice(0, update.logs.length));
assert.ok(updates.filter((update) => update.status === "IN_PROGRESS").length > 1);

const film = await fetch(data.video.url);
assert.equal(film.headers.get("content-type"), "video/mp4");
assert.equal((await film.arrayBuffer()).byteLength, data.video.file_size);
