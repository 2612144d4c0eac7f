// `storage.upload`, and files inside an input.
import assert from "node:assert/strict";
import { fal, photograph, sleep } from "./recipes.mjs";

const content = Buffer.from(await photograph.arrayBuffer());
const download = async (url, range) => {
  const answer = await fetch(url, { headers: range ? { range } : {} });
  return { status: answer.status, type: answer.headers.get("content-type"),
    range: answer.headers.get("content-range"), bytes: Buffer.from(await answer.arrayBuffer()) };
};

const url = await fal.storage.upload(photograph);
assert.ok(url.endsWith("/my%20photo.jpg"), url);
const small = await download(url);
assert.equal(small.type, "image/jpeg");
assert.ok(small.bytes.equals(content));

// A blob has no name: the client makes one of the time and the type.
const blob = await download(await fal.storage.upload(new Blob([content], { type: "image/jpeg" })));
assert.equal(blob.type, "image/jpeg");

const nested = await fal.storage.transformInput({ list: [photograph, "text"], deep: { photograph } });
assert.ok((await download(nested.list[0])).bytes.equals(content));
assert.ok((await download(nested.deep.photograph)).bytes.equals(content));
assert.equal(nested.list[1], "text");

const brief = await fal.storage.upload(photograph, { lifecycle: { expiresIn: 4 } });
assert.equal((await download(brief)).status, 200);
while ((await download(brief)).status !== 404) await sleep(100);

for (const [decision, status] of [["forbid", 403], ["hide", 404]]) {
  const lifecycle = { expiresIn: "1h", initialAcl: { default: decision } };
  const closed = await fal.storage.upload(photograph, { lifecycle });
  assert.equal((await download(closed)).status, status);
}

// Beyond 90 MiB the client uploads in parts.
const part = new Uint8Array(1024 * 1024).fill(1);
const big = new File([...Array(90).fill(part), "end"], "big.bin");
const parts = await download(await fal.storage.upload(big), "bytes=-4");
assert.equal(parts.bytes.toString(), "\u0001end");
assert.equal(parts.range, `bytes ${big.size - 4}-${big.size - 1}/${big.size}`);
