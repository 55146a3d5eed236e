/**
 * Separation by median filtering (chapter 3), as hpss_lib/median.py. A spectrogram V lies frame
 * after frame, `bins` numbers each.
 *
 * @typedef {import("./settings.js").StftSettings} StftSettings
 */

import { release } from "./memory.js";
import { HARMONIC_SECONDS, PERCUSSIVE_HERTZ, SAMPLE_RATE } from "./settings.js";

/** The odd number nearest to a size, at least 1; halfway as in Python. @param {number} size */
function nearestOdd(size) {
  if (!(size > 1)) return 1;
  const half = (size - 1) / 2, whole = Math.floor(half), rest = half - whole;
  return 2 * (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole) + 1;
}

/** @param {number} seconds @param {StftSettings} settings */
export const secondsToFrames = (seconds, { hop }) => nearestOdd((seconds * SAMPLE_RATE) / hop);

/** @param {number} hertz @param {StftSettings} settings */
export const hertzToBins = (hertz, { n_fft }) => nearestOdd((hertz * n_fft) / SAMPLE_RATE);

/** H: the median over `size` frames around each bin. @param {Float32Array} V */
export function harmonicEnhanced(V, bins, size) {
  const H = new Float32Array(V.length), frames = V.length / bins;
  for (let f = 0; f < bins; f += 1) runningMedian(V, H, f, bins, frames, size);
  return H;
}

/** P: the median over `size` bins around each bin. @param {Float32Array} V */
export function percussiveEnhanced(V, bins, size) {
  const P = new Float32Array(V.length), frames = V.length / bins;
  for (let t = 0; t < frames; t += 1) runningMedian(V, P, t * bins, 1, bins, size);
  return P;
}

/**
 * The median over `size` neighbours of n numbers of V, the first at `start` and each `stride` after
 * the one before, into M; beyond the ends V is mirrored.
 *
 * @param {Float32Array} V @param {Float32Array} M
 */
function runningMedian(V, M, start, stride, n, size) {
  const half = (size - 1) / 2;
  const at = (i) => {
    const k = ((i % (2 * n)) + 2 * n) % (2 * n); // mirrored at both ends, again and again
    return V[start + stride * (k < n ? k : 2 * n - 1 - k)];
  };
  const sorted = Float32Array.from({ length: size }, (_, i) => at(i - half)).sort();
  M[start] = sorted[half];
  for (let i = 1; i < n; i += 1) {
    exchange(sorted, at(i - half - 1), at(i + half));
    M[start + stride * i] = sorted[half];
  }
}

/** Put `fresh` in the place of `old` and keep the order. @param {Float32Array} sorted */
function exchange(sorted, old, fresh) {
  let k = 0;
  while (sorted[k] < old) k += 1;
  for (; k + 1 < sorted.length && sorted[k + 1] < fresh; k += 1) sorted[k] = sorted[k + 1];
  for (; k > 0 && sorted[k - 1] > fresh; k -= 1) sorted[k] = sorted[k - 1];
  sorted[k] = fresh;
}

const TINY = 1.1754943508222875e-38; // the smallest normal number in single precision

/** The share A^power / (A^power + B^power) of A; 1/2 where both are 0. */
export function softMask(A, B, power = 2) {
  return A.map((a, i) => {
    const larger = Math.max(a, B[i]);
    if (larger < TINY) return 0.5;
    const p = (a / larger) ** power, q = (B[i] / larger) ** power;
    return p / (p + q);
  });
}

/**
 * The percussive mask M_p; M_h is 1 - M_p.
 *
 * @param {Float32Array} V @param {StftSettings} settings
 * @param {{harmonic_seconds?: number, percussive_hertz?: number, power?: number}} [options]
 */
export function medianHpss(V, settings, options = {}) {
  const seconds = options.harmonic_seconds ?? HARMONIC_SECONDS;
  const hertz = options.percussive_hertz ?? PERCUSSIVE_HERTZ;
  const bins = settings.n_fft / 2 + 1;
  const H = harmonicEnhanced(V, bins, secondsToFrames(seconds, settings));
  const P = percussiveEnhanced(V, bins, hertzToBins(hertz, settings));
  const M_p = softMask(P, H, options.power ?? 2);
  release(H, P);
  return M_p;
}
