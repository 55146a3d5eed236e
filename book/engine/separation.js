/**
 * One block of frames of one signal, from samples to samples, as hpss_lib/separation.py:
 *
 *     x -> X -> V = |X| --estimate--> V_p, --recover--> S_p -> the block's part of s_p
 *
 * @typedef {import("./settings.js").StftSettings} StftSettings
 * @typedef {import("./stft.js").Spectrogram} Spectrogram
 * @typedef {import("./puiter.js").Frame} Frame
 * @typedef {import("./network.js").Network} Network
 * @typedef {"mad" | "median"} MethodName
 * @typedef {"mixture" | "pu"} PhaseName
 * @typedef {{first: number, last: number, before: number, after: number, offset: number,
 *   end: number, length: number}} Block
 *   frames first, ..., last - 1 and their context; samples offset, ..., end - 1 that it takes; the
 *   samples of the whole signal
 */

import { medianHpss, secondsToFrames } from "./median.js";
import { release } from "./memory.js";
import { mixingWeight, pu } from "./puiter.js";
import { REACH, withoutRumble } from "./rumble.js";
import { HARMONIC_SECONDS } from "./settings.js";
import {
  countFrames, emptySpectrogram, magnitude, overlapAdd, overlappedWindow, sliceFrames, stftFrames,
} from "./stft.js";
import { applyPhase, subtract } from "./subtraction.js";

const FRAMES = 500; // in a block, about: few, since a worker's memory grows with them

/**
 * What a method needs: frames of context on each side, of which its blocks begin at multiples, and
 * the samples beyond those of its frames.
 *
 * @param {MethodName} method @param {StftSettings} settings
 * @param {{frames: number, context: number, warm_up?: number} | null} config of the network
 */
export function needs(method, settings, config) {
  if (method === "median") {
    return { context: (secondsToFrames(HARMONIC_SECONDS, settings) - 1) / 2, step: 1, margin: 0 };
  }
  if (method !== "mad") throw new Error(`there is no method ${method}; accepted are mad, median`);
  if (!config) throw new Error("the method mad needs the network's weights: load the model first");
  const step = config.frames - 2 * config.context;
  // The sequence before as well, where it warms the decoder up.
  const context = config.warm_up ? config.frames - config.context : config.context;
  return { context, step, margin: REACH };
}

/**
 * The blocks of a signal of `length` samples.
 *
 * @param {StftSettings} settings @returns {Block[]}
 */
export function blocks(length, settings, { context, step }) {
  const frames = countFrames(length, settings), size = Math.ceil(FRAMES / step) * step;
  const { hop, n_fft } = settings;
  return Array.from({ length: Math.ceil(frames / size) }, (_, k) => {
    const first = k * size, last = Math.min(first + size, frames);
    const before = Math.min(context, first), after = Math.min(context, frames - last);
    const offset = Math.max((first - before) * hop - n_fft / 2, 0);
    const end = Math.min((last + after - 1) * hop + n_fft / 2, length);
    return { first, last, before, after, offset, end: Math.max(end, offset), length };
  });
}

/**
 * X and V_p of a block's own frames.
 *
 * @param {Float32Array} x the samples offset, ..., end - 1, and the method's margin on either side
 * @param {Block} block @param {MethodName} method @param {StftSettings} settings
 * @param {Network | null} network
 * @returns {{X: Spectrogram, V_p: Float32Array}}
 */
export function estimate(x, { first, last, before, after, offset }, method, settings, network) {
  if (method === "mad" && !network) throw new Error("the method mad needs the network's weights");
  const heard = method === "mad" ? withoutRumble(x) : x;
  const all = stftFrames(heard, settings, first - before, last + after, offset);
  if (heard !== x) release(heard);
  const V = magnitude(all), X = sliceFrames(all, before, before + last - first);
  const V_p = network && method === "mad"
    ? network.estimate(V, before, after)
    : masked(V, medianHpss(V, settings), before * X.bins, X.re.length);
  release(V);
  return { X, V_p };
}

/** M V of `size` bins from bin `from` on; M is given back. */
function masked(V, M, from, size) {
  const result = V.slice(from, from + size);
  for (let i = 0; i < size; i += 1) result[i] *= M[from + i];
  release(M);
  return result;
}

/**
 * S_p of a block, and the last frame of S_h where the next block's phases go on from it.
 *
 * @param {Spectrogram} X @param {Float32Array} V_p @param {PhaseName} phase
 * @param {StftSettings} settings @param {Frame} [previous]
 * @returns {{S_p: Spectrogram, state?: Frame}}
 */
export function recover(X, V_p, phase, settings, previous) {
  if (phase === "mixture") return { S_p: applyPhase(V_p, X) };
  if (phase !== "pu") throw new Error(`there is no phase ${phase}; accepted are mixture, pu`);
  const V = magnitude(X), V_h = subtract(V, V_p).map(Math.abs);
  const { S_p, S_h } = pu(X, V_p, V_h, settings, previous);
  const { re, im } = sliceFrames(S_h, X.frames - 1, X.frames);
  const state = { re: re.slice(), im: im.slice() }, S = shareError(X, S_p, S_h, V_p, V_h);
  release(V, V_h, S_p.re, S_p.im, S_h.re, S_h.im);
  return { S_p: S, state };
}

/**
 * S_p with its share of the error that is left where no triangle closes: the parts sum to X.
 *
 * @param {Spectrogram} X @param {Spectrogram} S_p @param {Spectrogram} S_h
 */
export function shareError(X, S_p, S_h, V_p, V_h) {
  const S = emptySpectrogram(X.frames, X.bins);
  for (let i = 0; i < V_p.length; i += 1) {
    const G_p = mixingWeight(V_p[i], V_h[i]);
    S.re[i] = S_p.re[i] + G_p * (X.re[i] - S_p.re[i] - S_h.re[i]);
    S.im[i] = S_p.im[i] + G_p * (X.im[i] - S_p.im[i] - S_h.im[i]);
  }
  return S;
}

/**
 * What a block adds to s_p: `count` samples from `start` on, at the beginning of `room`.
 *
 * @param {Spectrogram} S_p @param {Block} block @param {StftSettings} settings
 * @param {Float32Array} room overwritten; as long as what the block takes of the signal
 */
export function resynthesise(S_p, { first, last, length }, settings, room) {
  const { hop, n_fft } = settings;
  const start = Math.max(first * hop - n_fft / 2, 0);
  const stop = Math.max(Math.min((last - 1) * hop + n_fft / 2, length), start);
  const y = room.subarray(0, stop - start).fill(0);
  overlapAdd(y, S_p, settings, first, start);
  const window = overlappedWindow(settings, length, start, stop);
  for (let n = 0; n < y.length; n += 1) y[n] /= window[n];
  release(window);
  return { start, count: y.length };
}
