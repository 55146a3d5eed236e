/**
 * Spectral subtraction (chapter 4), as hpss_lib/subtraction.py.
 *
 * @typedef {import("./stft.js").Spectrogram} Spectrogram
 */

/** V_h = V - V_p, negative wherever V_p > V. @param {Float32Array} V @param {Float32Array} V_p */
export const subtract = (V, V_p) => V.map((v, i) => v - V_p[i]);

/**
 * V_h = max((V^a - over V_p^a)^(1/a), floor V_p).
 *
 * @param {Float32Array} V @param {Float32Array} V_p
 * @param {{exponent?: number, over?: number, floor?: number}} [options]
 */
export function subtractFloored(V, V_p, { exponent = 1, over = 1, floor = 0 } = {}) {
  return V.map((v, i) => {
    const difference = Math.max(v ** exponent - over * V_p[i] ** exponent, 0);
    return Math.max(difference ** (1 / exponent), floor * V_p[i]);
  });
}

const TINY = 1.1754943508222875e-38; // below, single precision has no phase to speak of

/**
 * S_j = V_j X / |X|, with phase 0 where the mixture is silent.
 *
 * @param {Float32Array} V_j @param {Spectrogram} X @returns {Spectrogram}
 */
export function applyPhase(V_j, { re, im, bins, frames }) {
  const S = { re: new Float32Array(re.length), im: new Float32Array(re.length), bins, frames };
  for (let i = 0; i < re.length; i += 1) {
    const size = Math.sqrt(re[i] * re[i] + im[i] * im[i]);
    S.re[i] = size < TINY ? V_j[i] : (V_j[i] * re[i]) / size;
    S.im[i] = size < TINY ? 0 : (V_j[i] * im[i]) / size;
  }
  return S;
}
