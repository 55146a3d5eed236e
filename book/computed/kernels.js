/** Chapter 3's first control: how long, how tall the median's kernels; as chapters/median_masks.py. */

import {
  harmonicEnhanced, hertzToBins, percussiveEnhanced, secondsToFrames, softMask,
} from "../engine/median.js";
import { SAMPLE_RATE } from "../engine/settings.js";
import { drawBins, open, rgbOf } from "./canvas.js";
import { SETTING, filtered, pieceOf } from "./piece.js";
import { sdr, withMinus } from "./words.js";

const SHOWN_SECONDS = 1.6, SHOWN_HERTZ = 2400, FLOOR = -60; // dB

/** The last of each, so that one slider does not compute again what only the other changes. */
const last = { H: remembered(harmonicEnhanced), P: remembered(percussiveEnhanced) };

function remembered(enhanced) {
  let key = "", value = new Float32Array(0);
  return (V, bins, size) => {
    if (key !== `${V.length} ${size}`) [key, value] = [`${V.length} ${size}`, enhanced(V, bins, size)];
    return value;
  };
}

/**
 * What is said, seen and heard with two kernels.
 *
 * @param {{harmonic_seconds: number, percussive_hertz: number}} values
 * @param {import("./piece.js").Material} material
 */
export function look({ harmonic_seconds, percussive_hertz }, material) {
  const piece = pieceOf(material), { x_p, x_h, x, X, V } = piece;
  const frames = secondsToFrames(harmonic_seconds, SETTING), bins = hertzToBins(percussive_hertz, SETTING);
  const M_p = softMask(last.P(V, X.bins, bins), last.H(V, X.bins, frames));
  const s_p = filtered(piece, M_p), s_h = x.map((value, n) => value - s_p[n]); // M_h is 1 - M_p
  const db = (s, estimate) => sdr(s, estimate).toFixed(1);
  const text = withMinus(
    `Kernels of ${frames} frames and ${bins} bins: SDR ${db(x_p, s_p)} dB percussive, ` +
    `${db(x_h, s_h)} dB harmonic (the mixture itself: ${db(x_p, x)} and ${db(x_h, x)} dB).`
  );
  const end = Math.round((SHOWN_SECONDS * SAMPLE_RATE) / SETTING.hop) * X.bins;
  const loudest = V.reduce((a, b) => Math.max(a, b), 1e-20);
  const level = V.slice(0, end).map((v) => 1 - (20 * Math.log10(Math.max(v / loudest, 1e-10))) / FLOOR);
  return { text, seen: { M_p: M_p.slice(0, end), level, bins: X.bins }, sounds: [s_p, s_h, null] };
}

/** Each bin in the colour of the part that it goes to, as opaque as it is loud. */
export function draw(canvas, { M_p, level, bins }, style) {
  const p = rgbOf(style.inks.percussive), h = rgbOf(style.inks.harmonic), { hop, n_fft } = SETTING;
  const frames = M_p.length / bins;
  const colour = (/** @type {number} */ i) => {
    const [r, g, b] = p.map((value, k) => Math.round(M_p[i] * value + (1 - M_p[i]) * h[k]));
    return (Math.round(255 * Math.max(level[i], 0)) << 24) | (b << 16) | (g << 8) | r;
  };
  drawBins(open(canvas, style), {
    bins, hop, n_fft, low: 0, high: SHOWN_HERTZ, step: 400, seconds: (frames * hop) / SAMPLE_RATE, inset: 0,
  }, frames, colour, style);
}
