// Points fal's client at a server of your own, before a program that was written for fal starts:
// node --import ./here.mjs program.mjs
import { fal } from "@fal-ai/client";

const here = process.env.LYRA_ZOOM_URL ?? "http://127.0.0.1:8000";
fal.config({
  credentials: process.env.FAL_KEY,
  proxyUrl: { url: `${here}/api/fal/proxy`, when: "always" },
});
