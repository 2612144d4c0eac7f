// JSON whose whole numbers stay exact: seeds go up to 2^63 - 1, JavaScript's numbers to 2^53.

/** Parse `text`; integers too large for a number become BigInt where the browser can tell. */
export function parseExact(text) {
  return JSON.parse(text, (_name, value, context) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value);
}

/** JSON text of `value`, in which a BigInt is a number like any other. */
export function stringifyExact(value, indent) {
  const mark = `bigint-${crypto.getRandomValues(new Uint32Array(2)).join("-")}:`;
  const text = JSON.stringify(
    value, (_name, item) => (typeof item === "bigint" ? mark + item : item), indent);
  return text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}

/** The number that `text` writes, exact when it is whole; null when it writes none. */
export function numberOf(text) {
  const trimmed = text.trim();
  if (/^-?\d+$/.test(trimmed)) {
    const number = Number(trimmed);
    return Number.isSafeInteger(number) ? number : BigInt(trimmed);
  }
  const number = Number(trimmed);
  return trimmed === "" || !Number.isFinite(number) ? null : number;
}
