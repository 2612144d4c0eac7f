// The API key: kept by this browser, taken over from `#key=…` in the address.

const KEPT_AS = "lyra-zoom.key";

/** A key in the fragment is kept and vanishes from the address bar and the history. */
export function takeKeyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (given.trim()) keepKey(given);
}

export function currentKey() {
  return localStorage.getItem(KEPT_AS) ?? "";
}

export function keepKey(key) {
  const trimmed = key.trim();
  if (trimmed) localStorage.setItem(KEPT_AS, trimmed);
  else localStorage.removeItem(KEPT_AS);
}
