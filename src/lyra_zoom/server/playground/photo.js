// The photograph: dropped, chosen, pasted or named by its address.

import { ownAddress, upload } from "./api.js";
import { byId } from "./dom.js";

const THUMBNAIL_PX = 320;

/**
 * Where the photograph comes from. `file` is the person's own, `url` its address once it has
 * one, `preview` what the page may show (null for pictures of other sites), `thumbnail` a small one.
 */
export class Photo {
  constructor({ file = null, url = null, preview = null, thumbnail = null, name }) {
    Object.assign(this, { file, url, preview, thumbnail, name });
  }

  static ofFile(file) {
    return new Photo({ file, preview: URL.createObjectURL(file), name: file.name || "photograph" });
  }

  static ofUrl(url) {
    const inside = url.startsWith("data:") ? fileIn(url) : null;
    if (inside) return Photo.ofFile(inside);
    return new Photo({ url, preview: ownAddress(url), name: nameIn(url) });
  }

  /** Its address, after uploading it if need be: once, however often it is used. */
  async publish(onProgress, signal) {
    this.url ??= await upload(this.file, onProgress, signal);
    return this.url;
  }
}

/** Listens to every way of giving a photograph; `onPhoto` gets it. */
export function listenForPhotos(onPhoto) {
  const chooser = byId("photo-file");
  chooser.addEventListener("change", () => {
    if (chooser.files.length) onPhoto(Photo.ofFile(chooser.files[0]));
    chooser.value = ""; // the same file can be chosen again
  });
  byId("photo-address").addEventListener("submit", (event) => {
    event.preventDefault();
    const url = byId("photo-url").value.trim();
    if (url) onPhoto(Photo.ofUrl(url));
  });
  listenForDrops(onPhoto);
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((item) => item.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    onPhoto(Photo.ofFile(file));
  });
}

function listenForDrops(onPhoto) {
  const stage = byId("stage");
  let depth = 0; // enter and leave fire for every child on the way
  const lift = (change) => {
    depth = Math.max(0, depth + change);
    stage.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", () => lift(1));
  document.addEventListener("dragleave", () => lift(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    lift(-depth);
    const [file] = event.dataTransfer.files;
    const url = event.dataTransfer.getData("text/uri-list").split("\n")[0].trim();
    if (file) onPhoto(Photo.ofFile(file));
    else if (/^https?:/.test(url)) onPhoto(Photo.ofUrl(url));
  });
}

/** A small JPEG of a drawn picture or video as a data URL; null when it cannot be read. */
export function thumbnailOf(source) {
  const width = source.naturalWidth || source.videoWidth;
  const height = source.naturalHeight || source.videoHeight;
  if (!width || !height) return null;
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, THUMBNAIL_PX / width);
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  try {
    canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.75);
  } catch {
    return null; // the picture of another site, which may be shown but not read
  }
}

/** A thumbnail of a video, as many seconds in as `when` makes of its length; null as above. */
export function thumbnailOfVideo(url, when) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", src: url });
  return new Promise((resolve) => {
    video.onloadeddata = () => { video.currentTime = when(video.duration); };
    video.onseeked = () => resolve(thumbnailOf(video));
    video.onerror = () => resolve(null);
  });
}

/** The file inside a base64 data URI; null when there is none. */
function fileIn(url) {
  const [, type, encoded] = /^data:([^;,]*);base64,(.*)$/s.exec(url) ?? [];
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new File([bytes], "photograph", { type });
  } catch {
    return null; // the server says what is wrong with it
  }
}

function nameIn(url) {
  const path = URL.canParse(url) ? new URL(url).pathname : url;
  try {
    return decodeURIComponent(path.split("/").pop()) || "photograph";
  } catch {
    return path.split("/").pop() || "photograph"; // a stray percent sign
  }
}
