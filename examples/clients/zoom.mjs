import { readFile } from "node:fs/promises";
import { fal } from "@fal-ai/client";

const here = process.env.LYRA_ZOOM_URL ?? "http://127.0.0.1:8000";
fal.config({
  credentials: process.env.FAL_KEY,
  proxyUrl: { url: `${here}/api/fal/proxy`, when: "always" },
});

const photograph = new File([await readFile("photo.jpg")], "photo.jpg", { type: "image/jpeg" });

const { data, requestId } = await fal.subscribe("fal-ai/lyra-2/zoom", {
  input: { image_url: photograph, prompt: "a harbour at dusk", zoom_direction: "in" },
  logs: true,
  onQueueUpdate: (update) => update.logs?.forEach((line) => console.log(line.message)),
});
console.log(requestId, data.video.url);
