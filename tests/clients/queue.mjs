// The calls of `fal.queue`, one after the other, and `run`.
import assert from "node:assert/strict";
import { ENDPOINT, end, fal, photograph, status, submit, ZOOM } from "./recipes.mjs";

const answer = await fal.queue.submit(ENDPOINT, {
  input: { ...ZOOM, image_url: photograph, zoom_direction: "out" },
});
assert.equal(answer.status, "IN_QUEUE");
assert.ok(answer.queue_position >= 0);
const requestId = answer.request_id;

const events = [];
const stream = await fal.queue.streamStatus(ENDPOINT, { requestId, logs: true });
for await (const event of stream) events.push(event);
assert.deepEqual(await stream.done(), events.at(-1));
assert.equal(events.at(-1).status, "COMPLETED");

const { logs, status: word } = await status(requestId, true);
assert.equal(word, "COMPLETED");
assert.deepEqual(events.flatMap((event) => event.logs ?? []), logs);
assert.equal((await status(requestId)).logs, null);

// Who comes late hears everything once.
const heard = [];
const last = await fal.queue.subscribeToStatus(ENDPOINT, {
  requestId,
  mode: "streaming",
  logs: true,
  onQueueUpdate: (update) => heard.push(update),
});
assert.equal(last.status, "COMPLETED");
assert.deepEqual(heard.at(-1).logs, logs);
assert.equal((await end(requestId)).status, "COMPLETED");

const result = await fal.queue.result(ENDPOINT, { requestId });
assert.equal(result.requestId, requestId);
assert.deepEqual(Object.keys(result.data.timings).sort(), ["encode_s", "zoom_out_s"]);

const seed = result.data.seed;
const again = await fal.run(ENDPOINT, {
  input: { ...ZOOM, zoom_direction: "out", seed },
  storageSettings: { expiresIn: 10 },
});
assert.ok(again.requestId && again.requestId !== requestId);
assert.equal(again.data.seed, seed);
const films = await Promise.all(
  [result, again].map(async ({ data }) => Buffer.from(await (await fetch(data.video.url)).arrayBuffer())),
);
assert.ok(films[0].equals(films[1]), "same seed, same bytes");

// storageSettings: the film of the second request lives for ten seconds.
while ((await fetch(again.data.video.url)).status !== 404) await new Promise((go) => setTimeout(go, 200));
