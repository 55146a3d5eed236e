/**
 * Where a control of a chapter computes, so that its sliders stay at hand. Each message { name, values,
 * gain } is answered with what the module of that name says of them, { text, seen, sounds }, or with
 * { error }; a message { material } brings what it works on.
 */

import { SAMPLE_RATE } from "../engine/settings.js";
import { wav } from "../own_song/wav.js";

/** @type {Record<string, Float32Array>} */
let material = {};

self.onmessage = async ({ data: { name, values, gain, ...told } }) => {
  if (told.material) {
    material = told.material;
    return;
  }
  try {
    const { look } = await import(`./${name}.js`);
    const { text, seen, sounds = [] } = look(values, material);
    self.postMessage({ text, seen, sounds: sounds.map((x) => x && file(x, gain)) });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};

/** A sound as a file, as loud as all others of the control. @param {Float32Array} x */
const file = (x, gain) => wav(x.length, 1, SAMPLE_RATE, (_, first, n) =>
  x.subarray(first, first + n).map((value) => Math.min(Math.max(gain * value, -1), 1)));
