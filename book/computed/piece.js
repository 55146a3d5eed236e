/**
 * Some seconds of an excerpt with its truth, as hpss_lib/chapters/pieces.py.
 *
 * @typedef {{x_p: Float32Array, x_h: Float32Array}} Material the two sources
 */

import { SETTINGS } from "../engine/settings.js";
import { istft, magnitude, stft } from "../engine/stft.js";

export const SETTING = SETTINGS.compact;

/** @type {WeakMap<object, any>} */
const known = new WeakMap();

/** What `make` gives for this material, made once. @template T @param {object} material
 * @param {() => T} make @returns {T} */
export function once(material, make) {
  if (!known.has(material)) known.set(material, make());
  return known.get(material);
}

/** Mixture and spectrogram of two sources; made once. @param {Material} material */
export const pieceOf = (material) => once(material, () => {
  const { x_p, x_h } = material, x = x_p.map((value, n) => value + x_h[n]);
  const X = stft(x, SETTING);
  return { x_p, x_h, x, X, V: magnitude(X) };
});

/** The signal of X with each bin times a real number. */
export function filtered({ X, x }, mask) {
  const S = { ...X, re: X.re.map((a, i) => a * mask[i]), im: X.im.map((b, i) => b * mask[i]) };
  return istft(S, SETTING, x.length);
}
