// What happens to requests that wait behind a long one, and to the long one.
import assert from "node:assert/strict";
import {
  BROKEN, ENDPOINT, end, fal, LONG, sleep, status, submit, untilRunning, ZOOM,
} from "./recipes.mjs";

async function assertCancelled(requestId) {
  const over = await end(requestId);
  assert.equal(over.error_type, "client_cancelled");
  await assert.rejects(fal.queue.result(ENDPOINT, { requestId }), {
    name: "ApiError",
    status: 499,
    requestId,
  });
}

const long = await submit(LONG);
await untilRunning(long);
try {
  // Priority.
  const low = await submit(BROKEN, { priority: "low", hint: "any" });
  const before = (await status(low)).queue_position;
  const normal = await submit(BROKEN);
  assert.equal((await status(low)).queue_position, before + 1);
  assert.equal((await status(normal)).queue_position, before);

  // Not over yet.
  await assert.rejects(fal.queue.result(ENDPOINT, { requestId: normal }), {
    status: 400,
    body: { detail: "Request is still in progress" },
  });

  // A waiting request is cancelled.
  const waiting = await submit(ZOOM);
  await fal.queue.cancel(ENDPOINT, { requestId: waiting });
  await assertCancelled(waiting);

  // A start that comes too late, for the queue and for `run`; neither is tried again.
  const tooLate = { status: 504, timeoutType: "user", isUserTimeout: true };
  const patience = { input: ZOOM, startTimeout: 1.5 };
  await assert.rejects(fal.subscribe(ENDPOINT, { ...patience, pollInterval: 50 }), tooLate);
  await assert.rejects(fal.run(ENDPOINT, patience), tooLate);

  // A client that waits no longer cancels.
  let given;
  const impatient = fal.subscribe(ENDPOINT, {
    input: ZOOM,
    timeout: 1000,
    onEnqueue: (id) => (given = id),
  });
  await assert.rejects(impatient, /timed out/);
  await assertCancelled(given);

  // A `run` that is given up leaves the queue: the low one moves up again.
  const position = async () => (await status(low)).queue_position;
  const ahead = await position();
  const controller = new AbortController();
  const run = fal.run(ENDPOINT, { input: ZOOM, abortSignal: controller.signal });
  while ((await position()) !== ahead + 1) await sleep(50);
  controller.abort();
  await assert.rejects(run, { name: "AbortError" });
  while ((await position()) !== ahead) await sleep(50);

  // Running work is stopped; a listener hears the end.
  const stream = await fal.queue.streamStatus(ENDPOINT, { requestId: long, logs: true });
  await fal.queue.cancel(ENDPOINT, { requestId: long });
  assert.equal((await stream.done()).error_type, "client_cancelled");
  await assertCancelled(long);

  // The low one came last.
  await end(low);
  assert.equal((await status(normal)).status, "COMPLETED");
} finally {
  await fal.queue.cancel(ENDPOINT, { requestId: long }).catch(() => {});
}
