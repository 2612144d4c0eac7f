// The client as npm has it is CommonJS; a bundler would do what `load` does here.
const packages = {
  "@fal-ai/client": "@fal-ai/client/src/index.js",
  "@msgpack/msgpack": "@msgpack/msgpack/dist.cjs/index.cjs",
  "eventsource-parser": "eventsource-parser/dist/index.cjs",
  robot3: "robot3/dist/machine.js",
};
const loaded = {};

function load(url) {
  if (loaded[url]) return loaded[url].exports;
  const module = (loaded[url] = { exports: {} });
  const file = new XMLHttpRequest();
  file.open("GET", url, false);
  file.send();
  if (url.endsWith(".json")) return (module.exports = JSON.parse(file.responseText));
  const require = (name) => load(resolve(name, url));
  new Function("require", "module", "exports", file.responseText)(require, module, module.exports);
  return module.exports;
}

function resolve(name, from) {
  if (!name.startsWith(".")) return new URL(`node_modules/${packages[name]}`, location).href;
  const url = new URL(name, from).href;
  return /\.(c?js|json)$/.test(url) ? url : `${url}.js`;
}

window.makeVideo = async ({ here, key, recipe, input }) => {
  const { createFalClient } = load(resolve("@fal-ai/client", location.href));
  const hosts = {
    "queue.fal.run": `${here}/queue`,
    "fal.run": `${here}/run`,
    "rest.fal.ai": `${here}/rest`,
  };
  const recipes = {
    proxy: { proxyUrl: `${here}/api/fal/proxy` }, // in a browser the string is enough
    middleware: {
      requestMiddleware: async (request) => {
        const { host, pathname, search } = new URL(request.url);
        return host in hosts ? { ...request, url: hosts[host] + pathname + search } : request;
      },
    },
  };
  const fal = createFalClient({ credentials: key, ...recipes[recipe] });

  const photograph = await (await fetch(input.image_url)).blob();
  const updates = [];
  let enqueued, lines;
  const result = await fal.subscribe("fal-ai/lyra-2/zoom", {
    input: { ...input, image_url: new File([photograph], "photo.jpg", { type: "image/jpeg" }) },
    mode: "streaming",
    logs: true,
    onEnqueue: (id) => (enqueued = id),
    onQueueUpdate: (update) => {
      updates.push(update.status);
      lines = update.logs?.length ?? 0;
    },
  });
  const film = await fetch(result.data.video.url);
  const size = (await film.arrayBuffer()).byteLength;

  const refused = await fal
    .subscribe("fal-ai/lyra-2/zoom", { input: { image_url: "data:," } })
    .catch(({ name, fieldErrors, requestId }) => ({
      name,
      field: fieldErrors[0].type,
      id: requestId !== "",
    }));
  return { result, enqueued, updates, lines, size, refused };
};
