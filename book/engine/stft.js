/**
 * The short-time Fourier transform and its least-squares inverse (chapter 2), as hpss_lib/stft.py.
 *
 * Frame t is centred on sample t hop; the signal is zero outside its samples; T = 1 + n // hop.
 *
 * @typedef {import("./settings.js").StftSettings} StftSettings
 * @typedef {{re: Float32Array, im: Float32Array, bins: number, frames: number}} Spectrogram
 *   complex, frame after frame: bin f of frame t stands at t * bins + f
 */

import { makeFft } from "./fft.js";

/** F, the number of frequency bins. @param {StftSettings} settings */
export const countBins = ({ n_fft }) => n_fft / 2 + 1;

/** T, the number of frames. @param {number} length @param {StftSettings} settings */
export const countFrames = (length, { hop }) => 1 + Math.floor(length / hop);

/** @param {number} frames @param {number} bins @returns {Spectrogram} */
export function emptySpectrogram(frames, bins) {
  const re = new Float32Array(frames * bins), im = new Float32Array(frames * bins);
  return { re, im, bins, frames };
}

/** Frames first, ..., last - 1, without copying. @param {Spectrogram} X @returns {Spectrogram} */
export function sliceFrames({ re, im, bins }, first, last) {
  const [a, b] = [first * bins, last * bins];
  return { re: re.subarray(a, b), im: im.subarray(a, b), bins, frames: last - first };
}

/** V = |X|. @param {Spectrogram} X */
export const magnitude = ({ re, im }) => re.map((a, i) => Math.sqrt(a * a + im[i] * im[i]));

/** @type {WeakMap<StftSettings, Float64Array>} */
const windows = new WeakMap();

/** The window in its FFT frame, over sqrt(n_fft); made once. @param {StftSettings} settings */
export function analysisWindow(settings) {
  const known = windows.get(settings) ?? newWindow(settings);
  windows.set(settings, known);
  return known;
}

/** @param {StftSettings} settings */
function newWindow({ n_fft, window_length, window }) {
  const frame = new Float64Array(n_fft), left = Math.floor((n_fft - window_length) / 2);
  for (let n = 0; n < window_length; n += 1) {
    const w = window === "hamming"
      ? 0.54 - 0.46 * Math.cos((2 * Math.PI * n) / (window_length - 1)) // symmetric
      : 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / window_length); // periodic Hann
    frame[left + n] = w / Math.sqrt(n_fft);
  }
  return frame;
}

/**
 * Frames first, ..., last - 1 of the spectrogram of a signal of which x is a part that begins at
 * sample `offset`; beyond x there is silence.
 *
 * Two frames at a time travel through one complex transform, as its real and imaginary part.
 *
 * @param {Float32Array} x @param {StftSettings} settings @returns {Spectrogram}
 */
export function stftFrames(x, settings, first, last, offset = 0) {
  const { n_fft, hop } = settings, bins = countBins(settings);
  const w = analysisWindow(settings), fft = makeFft(n_fft);
  const re = new Float64Array(n_fft), im = new Float64Array(n_fft);
  const X = emptySpectrogram(last - first, bins);

  /** @param {Float64Array} frame */
  function cut(frame, t) {
    const start = t * hop - n_fft / 2 - offset;
    for (let n = 0; n < n_fft; n += 1) frame[n] = w[n] * (x[start + n] ?? 0);
  }

  for (let t = first; t < last; t += 2) {
    const two = t + 1 < last, a = (t - first) * bins, b = a + bins;
    cut(re, t);
    if (two) cut(im, t + 1);
    else im.fill(0);
    fft(re, im);
    for (let f = 0; f < bins; f += 1) {
      const g = (n_fft - f) % n_fft; // the bin of -f
      X.re[a + f] = (re[f] + re[g]) / 2;
      X.im[a + f] = (im[f] - im[g]) / 2;
      if (!two) continue;
      X.re[b + f] = (im[f] + im[g]) / 2;
      X.im[b + f] = (re[g] - re[f]) / 2;
    }
  }
  return X;
}

/** The whole spectrogram. @param {Float32Array} x @param {StftSettings} settings */
export const stft = (x, settings) => stftFrames(x, settings, 0, countFrames(x.length, settings));

/**
 * Add the windowed signals of frames S, the first of which is frame `first`, to y IN PLACE; y begins
 * at sample `offset` of its signal.
 *
 * @param {Float32Array} y @param {Spectrogram} S @param {StftSettings} settings
 */
export function overlapAdd(y, S, settings, first, offset = 0) {
  const { n_fft, hop } = settings, bins = countBins(settings), half = n_fft / 2;
  const w = analysisWindow(settings), fft = makeFft(n_fft);
  const re = new Float64Array(n_fft), im = new Float64Array(n_fft);

  /** @param {Float64Array} frame @param {number} scale */
  function add(frame, t, scale) {
    const start = (first + t) * hop - half - offset;
    const from = Math.max(0, -start), to = Math.min(n_fft, y.length - start);
    for (let n = from; n < to; n += 1) y[start + n] += scale * w[n] * frame[n];
  }

  for (let t = 0; t < S.frames; t += 2) {
    const two = t + 1 < S.frames, a = t * bins, b = a + bins;
    // The conjugate of A + i B over all bins: its transform is n (a - i b) of the two frames.
    for (let f = 0; f < bins; f += 1) {
      const isReal = f === 0 || f === half, g = n_fft - f;
      const aRe = S.re[a + f], aIm = isReal ? 0 : S.im[a + f];
      const bRe = two ? S.re[b + f] : 0, bIm = two && !isReal ? S.im[b + f] : 0;
      re[f] = aRe - bIm;
      im[f] = -aIm - bRe;
      if (isReal) continue;
      re[g] = aRe + bIm;
      im[g] = aIm - bRe;
    }
    fft(re, im);
    add(re, t, 1 / n_fft);
    if (two) add(im, t + 1, -1 / n_fft);
  }
}

/**
 * The sum of all frames' squared windows at samples start, ..., stop - 1 of a signal of `length`.
 *
 * @param {StftSettings} settings
 */
export function overlappedWindow(settings, length, start = 0, stop = length) {
  const { n_fft, hop } = settings, half = n_fft / 2;
  const squared = analysisWindow(settings).map((w) => w * w);
  const total = new Float64Array(stop - start);
  const first = Math.max(0, Math.floor((start - half) / hop));
  const last = Math.min(countFrames(length, settings) - 1, Math.ceil((stop + half) / hop));
  for (let t = first; t <= last; t += 1) {
    const begin = t * hop - half - start;
    const to = Math.min(n_fft, total.length - begin);
    for (let n = Math.max(0, -begin); n < to; n += 1) total[begin + n] += squared[n];
  }
  return total;
}

/**
 * The signal whose spectrogram comes nearest to X in the least-squares sense.
 *
 * @param {Spectrogram} X @param {StftSettings} settings @param {number} length
 */
export function istft(X, settings, length) {
  const x = new Float32Array(length);
  overlapAdd(x, X, settings, 0);
  const window = overlappedWindow(settings, length);
  return x.map((sum, n) => sum / window[n]);
}
