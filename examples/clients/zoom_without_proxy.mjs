import { fal } from "@fal-ai/client";

const here = process.env.LYRA_ZOOM_URL ?? "http://127.0.0.1:8000";
const hosts = {
  "queue.fal.run": `${here}/queue`,
  "fal.run": `${here}/run`,
  "rest.fal.ai": `${here}/rest`,
};
fal.config({
  credentials: process.env.FAL_KEY,
  requestMiddleware: async (request) => {
    const { host, pathname, search } = new URL(request.url);
    return host in hosts ? { ...request, url: hosts[host] + pathname + search } : request;
  },
});

const { request_id } = await fal.queue.submit("fal-ai/lyra-2/zoom", {
  input: { image_url: process.env.PHOTO_URL, prompt: "a harbour at dusk" },
});
const status = await fal.queue.subscribeToStatus("fal-ai/lyra-2/zoom", {
  requestId: request_id,
  mode: "streaming",
  logs: true,
});
const { data } = await fal.queue.result("fal-ai/lyra-2/zoom", { requestId: request_id });
console.log(status.status, data.video.url);
