// Errors arrive as the client's own kinds, with everything it reads from them.
import assert from "node:assert/strict";
import { ApiError, ValidationError } from "@fal-ai/client";
import { BROKEN, clientWith, ENDPOINT, end, fal, status, submit, ZOOM } from "./recipes.mjs";

async function refused(promise) {
  return promise.then(
    (value) => assert.fail(`not refused: ${JSON.stringify(value)}`),
    (error) => error,
  );
}
const subscribe = (input) => fal.subscribe(ENDPOINT, { input, pollInterval: 50 });

const { prompt, ...promptless } = ZOOM;
const missing = await refused(subscribe(promptless));
assert.ok(missing instanceof ValidationError);
assert.equal(missing.status, 422);
assert.ok(missing.requestId);
const [entry] = missing.getFieldErrors("prompt");
assert.deepEqual(entry.loc, ["body", "prompt"]);
assert.equal(entry.type, "missing");
assert.ok(entry.msg && entry.url.endsWith("#missing"));

const wrong = await refused(fal.run(ENDPOINT, { input: { ...ZOOM, resolution: "4k", num_frames: 80 } }));
assert.ok(wrong instanceof ValidationError);
assert.equal(wrong.fieldErrors.length, 2);
assert.equal(wrong.getFieldErrors("resolution")[0].type, "enum");

const pictures = {
  image_load_error: BROKEN.image_url,
  file_download_error: "http://nobody.invalid/photo.jpg",
};
for (const [type, image_url] of Object.entries(pictures)) {
  const error = await refused(subscribe({ ...ZOOM, image_url }));
  assert.ok(error instanceof ValidationError);
  assert.equal(error.getFieldErrors("image_url")[0].type, type);
}

const stranger = await refused(clientWith("no:such-key").run(ENDPOINT, { input: ZOOM }));
assert.ok(stranger instanceof ApiError);
assert.equal(stranger.status, 401);
assert.deepEqual(stranger.body, { detail: "invalid key credentials" });

const unknown = await refused(status("00000000-0000-4000-8000-000000000000"));
assert.equal(unknown.status, 404);
assert.deepEqual(unknown.body, { status: "NOT_FOUND" });

const requestId = await submit(BROKEN);
assert.ok((await end(requestId)).error);
const late = await refused(fal.queue.cancel(ENDPOINT, { requestId }));
assert.equal(late.status, 400);
assert.deepEqual(late.body, { status: "ALREADY_COMPLETED" });
// Another key's request does not exist.
const others = clientWith(process.env.OTHER_KEY).queue.status(ENDPOINT, { requestId });
assert.equal((await refused(others)).status, 404);

// This endpoint offers no `/stream`; the client says so instead of handing out bytes.
const stream = await fal.stream(ENDPOINT, { input: ZOOM });
assert.equal((await refused(stream.done())).status, 404);
