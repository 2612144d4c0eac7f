// How the client is pointed at our server: the recipes of the manual, one of them by name.
import { readFileSync } from "node:fs";
import { createFalClient } from "@fal-ai/client";

export const here = process.env.LYRA_ZOOM_URL;
export const ENDPOINT = "fal-ai/lyra-2/zoom";

const hosts = {
  "queue.fal.run": `${here}/queue`,
  "fal.run": `${here}/run`,
  "rest.fal.ai": `${here}/rest`,
};
const recipes = {
  proxy: { proxyUrl: { url: `${here}/api/fal/proxy`, when: "always" } },
  middleware: {
    requestMiddleware: async (request) => {
      const { host, pathname, search } = new URL(request.url);
      return host in hosts ? { ...request, url: hosts[host] + pathname + search } : request;
    },
  },
};

export function clientWith(key) {
  return createFalClient({ credentials: key, ...recipes[process.env.RECIPE] });
}

export const fal = clientWith(process.env.FAL_KEY);

const bytes = readFileSync(process.env.PHOTO);
export const photograph = new File([bytes], "my photo.jpg", { type: "image/jpeg" });
const uri = (content) => `data:image/jpeg;base64,${Buffer.from(content).toString("base64")}`;

export const ZOOM = { image_url: uri(bytes), prompt: "hills at noon" };
// Takes so long that it can be watched; cancel it.
export const LONG = { ...ZOOM, num_frames: 481, zoom_direction: "both", resolution: "720p" };
// Refused as soon as it is worked on.
export const BROKEN = { ...ZOOM, image_url: uri(bytes.subarray(0, 400)) };

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function submit(input, options = {}) {
  return (await fal.queue.submit(ENDPOINT, { input, ...options })).request_id;
}

export const status = (requestId, logs = false) =>
  fal.queue.status(ENDPOINT, { requestId, logs });

export const end = (requestId) =>
  fal.queue.subscribeToStatus(ENDPOINT, { requestId, logs: true, pollInterval: 50 });

export async function untilRunning(requestId) {
  while ((await status(requestId)).status === "IN_QUEUE") await sleep(50);
}
