// A program as the page of this endpoint at fal shows it: nothing here knows of your server.
import { fal } from "@fal-ai/client";

const result = await fal.subscribe("fal-ai/lyra-2/zoom", {
  input: {
    image_url: process.argv[2],
    prompt: "A slow orbit around a harbour at dusk. The scene is frozen in time.",
  },
  logs: true,
  onQueueUpdate: (update) => {
    if (update.status === "IN_PROGRESS") {
      update.logs.map((log) => log.message).forEach((message) => console.log(message));
    }
  },
});
console.log(result.data);
console.log(result.requestId);
