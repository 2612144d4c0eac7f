// What the schema cannot say about the form: better words, where a field goes, when it matters.
// A field that is not mentioned here still appears, under "More", with its own name.

const LABELS = {
  zoom_direction: "Direction",
  zoom_in_trajectory: "Move in",
  zoom_in_strength: "How far in",
  zoom_out_trajectory: "Move out",
  zoom_out_strength: "How far out",
  strength: "Strength",
  num_frames: "Frames",
  resolution: "Size",
  frames_per_second: "Frames per second",
  use_dmd: "Four-step model",
  guidance_scale: "Guidance",
  num_inference_steps: "Steps",
};

const WORDS = {
  horizontal_zoom: "Straight",
  horizontal_zoom_bend: "Bend",
  spiral: "Spiral",
  dolly_zoom: "Dolly zoom",
  orbit_horizontal: "Orbit",
  back: "There and back",
};

const IN_SIGHT = [
  "zoom_direction", "zoom_in_trajectory", "zoom_in_strength", "zoom_out_trajectory",
  "zoom_out_strength", "strength", "num_frames", "resolution",
];

/** Drawn by hand, outside the generated part of the form. */
export const BY_HAND = ["image_url", "prompt"];

const goingIn = ({ zoom_direction: direction }) =>
  direction === "out" ? "when going in" : null;
const goingOut = ({ zoom_direction: direction }) =>
  direction === "in" ? "when going out" : null;
const diffusion = ({ engine }) => (engine === "embedded" ? "with diffusion" : null);

/** Why a field has no effect with the values at hand, as "only …"; null when it has one. */
const ONLY = {
  zoom_in_trajectory: goingIn,
  zoom_in_strength: goingIn,
  zoom_out_trajectory: goingOut,
  zoom_out_strength: goingOut,
  use_dmd: diffusion,
  guidance_scale: diffusion,
  num_inference_steps: (values) =>
    diffusion(values) ?? (values.use_dmd === true ? "without the four-step model" : null),
};

export function labelOf(field) {
  return LABELS[field.name] ?? field.label;
}

export function wordFor(value) {
  return WORDS[value] ?? String(value).replaceAll("_", " ");
}

export function isDrawn(value) {
  return Object.hasOwn(WORDS, value);
}

/** The fields always in sight, in our order, then those that are folded away. */
export function arrange(fields) {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const inSight = IN_SIGHT.filter((name) => byName.has(name)).map((name) => byName.get(name));
  const folded = fields.filter(({ name }) => !IN_SIGHT.includes(name) && !BY_HAND.includes(name));
  return { inSight, folded };
}

/** null when the field has an effect with these values; else when it would have one. */
export function onlyMatters(name, values) {
  return ONLY[name]?.(values) ?? null;
}
