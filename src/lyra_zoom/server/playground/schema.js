// The published schema of the zoom input, read into a flat list of fields.

import { ENDPOINT } from "./api.js";
import { humanise } from "./words.js";

/**
 * Every field of the input in the schema's order:
 * {name, kind, label, help, required, initial, options, minimum, maximum, minLength, maxLength}.
 * `kind` is "choice", "boolean", "integer", "number" or "text"; `initial` null means absent.
 */
export function fieldsOf(openApi) {
  const schema = inputSchema(openApi);
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, entry]) =>
    fieldOf(name, resolve(entry, openApi, schema), required.has(name)));
}

/** Why `value` would be refused, in a few words; null when it would not. */
export function problemOf(field, value) {
  if (value === undefined) return field.required ? "is required" : null;
  if (field.kind === "integer" || field.kind === "number") return numberProblem(field, value);
  if (field.maxLength !== undefined && value.length > field.maxLength) {
    return `is longer than ${field.maxLength} characters`;
  }
  return null;
}

function numberProblem({ kind, minimum, maximum }, value) {
  const isNumber = typeof value === "number" || typeof value === "bigint";
  if (!isNumber) return "is not a number";
  if (kind === "integer" && typeof value === "number" && !Number.isInteger(value)) {
    return "has to be a whole number";
  }
  if (minimum !== undefined && value < minimum) return `has to be at least ${minimum}`;
  if (maximum !== undefined && value > maximum) return `has to be at most ${maximum}`;
  return null;
}

function inputSchema(openApi) {
  const submit = openApi.paths?.[`/queue/${ENDPOINT}`]?.post;
  const body = submit?.requestBody?.content?.["application/json"]?.schema;
  const schema = body ? resolve(body, openApi, openApi) : null;
  const found = schema?.properties ? schema : openApi.components?.schemas?.ZoomInput;
  if (!found?.properties) throw new Error("The server publishes no schema of its input.");
  return found;
}

/** An entry with its references, and the "or null" of an optional one, put in place. */
function resolve(entry, openApi, schema) {
  let whole = entry;
  for (let depth = 0; whole.$ref && depth < 8; depth += 1) {
    const { $ref, ...own } = whole;
    whole = { ...(at($ref, openApi) ?? at($ref, schema) ?? {}), ...own };
  }
  const alternatives = whole.anyOf ?? whole.oneOf ?? whole.allOf;
  const real = alternatives?.find((option) => option.type !== "null");
  if (!real) return whole;
  const { anyOf, oneOf, allOf, ...own } = whole;
  return { ...resolve(real, openApi, schema), ...own };
}

function at(pointer, root) {
  return pointer.replace(/^#\//, "").split("/").reduce((node, part) => node?.[part], root);
}

function fieldOf(name, entry, required) {
  const options = entry.enum ?? (entry.const === undefined ? null : [entry.const]);
  const kinds = { boolean: "boolean", integer: "integer", number: "number" };
  return {
    name,
    kind: options ? "choice" : kinds[entry.type] ?? "text",
    label: humanise(name),
    help: entry.description ?? "",
    required,
    initial: entry.default ?? null,
    options,
    minimum: entry.minimum,
    maximum: entry.maximum,
    minLength: entry.minLength,
    maxLength: entry.maxLength,
  };
}
