/**
 * PU-iter in closed form (chapter 8), as hpss_lib/puiter.py.
 *
 * @typedef {import("./settings.js").StftSettings} StftSettings
 * @typedef {import("./stft.js").Spectrogram} Spectrogram
 * @typedef {{re: Float32Array, im: Float32Array}} Frame
 */

import { instantaneousFrequency } from "./sinusoids.js";
import { emptySpectrogram, sliceFrames } from "./stft.js";

/** The share of the mixing error that the percussive source takes: V_p^2 / (V_p^2 + V_h^2). */
export function mixingWeight(p, h) {
  const total = p * p + h * h;
  return total > 0 ? (p * p) / total : 0;
}

/**
 * The two sources of one bin whose triangle with the mixture closes, or comes nearest to it.
 *
 * (a, b): the mixture X; p, h: the target magnitudes; (c, d): where the harmonic source starts, of
 * which only the phase counts. Into S: re and im of S_p, then of S_h.
 *
 * @param {Float64Array | number[]} S
 */
export function closedForm(a, b, p, h, c, d, S) {
  const x = Math.sqrt(a * a + b * b);
  const u = x > 0 ? a / x : 1, v = x > 0 ? b / x : 0; // the mixture's phase
  const g = c * u + d * v, k = d * u - c * v; // the starting phase, seen from there
  let pRe = 1, pIm = 0, hRe = 1, hIm = 0; // the sources' directions, seen from there
  if (g === 0 && k === 0) {
    // Nothing is known of a harmonic phase: both take the mixture's.
  } else if (x > 0) {
    // Heron: the product is (4 area)^2, and negative where no triangle closes.
    const product = (x + h + p) * (x + h - p) * (x + p - h) * (p + h - x);
    const area = Math.sqrt(Math.max(product, 0)) * (k < 0 ? -1 : 1);
    hRe = (x - p) * (x + p) + h * h;
    hIm = area;
    pRe = (x - h) * (x + h) + p * p;
    pIm = -area;
  } else {
    const size = Math.sqrt(g * g + k * k);
    hRe = g / size;
    hIm = k / size;
    if (p * h > 0) { // the sources oppose each other
      hRe = p * hRe - h;
      hIm = p * hIm;
      pRe = -hRe;
      pIm = -hIm;
    }
  }
  turned(p, pRe, pIm, u, v, S, 0);
  turned(h, hRe, hIm, u, v, S, 2);
}

/** `size` in the direction (re, im), 1 where that is 0, seen from the mixture's phase (u, v). */
function turned(size, re, im, u, v, S, at) {
  const length = Math.sqrt(re * re + im * im);
  const c = length > 0 ? re / length : 1, s = length > 0 ? im / length : 0;
  S[at] = size * (c * u - s * v);
  S[at + 1] = size * (c * v + s * u);
}

/**
 * Both sources of all frames: the harmonic phase propagates from frame to frame, then each bin's
 * triangle is closed.
 *
 * @param {Spectrogram} X @param {Float32Array} V_p @param {Float32Array} V_h
 * @param {StftSettings} settings
 * @param {Frame} [previous] S_h of the frame before the first; without it that takes X's phase
 * @returns {{S_p: Spectrogram, S_h: Spectrogram}}
 */
export function pu(X, V_p, V_h, settings, previous) {
  const { bins, frames } = X, turn = (2 * Math.PI * settings.hop) / settings.n_fft;
  const S_p = emptySpectrogram(frames, bins), S_h = emptySpectrogram(frames, bins);
  const silence = { re: new Float32Array(bins), im: new Float32Array(bins) };
  const S = new Float64Array(4);
  for (let t = 0; t < frames; t += 1) {
    const before = t > 0 ? sliceFrames(S_h, t - 1, t) : previous ?? silence;
    const f = instantaneousFrequency(V_h.subarray(t * bins, (t + 1) * bins));
    let cos = 1, sin = 0;
    for (let k = 0, i = t * bins; k < bins; k += 1, i += 1) {
      if (k === 0 || f[k] !== f[k - 1]) { // once for each region of influence
        cos = Math.cos(turn * f[k]);
        sin = Math.sin(turn * f[k]);
      }
      const c = before.re[k] * cos - before.im[k] * sin;
      const d = before.re[k] * sin + before.im[k] * cos;
      closedForm(X.re[i], X.im[i], V_p[i], V_h[i], c, d, S);
      S_p.re[i] = S[0];
      S_p.im[i] = S[1];
      S_h.re[i] = S[2];
      S_h.im[i] = S[3];
    }
  }
  return { S_p, S_h };
}
