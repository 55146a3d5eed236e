/** Spectrograms on canvas: the same picture as that of every other player of the book. */

import { SAMPLE_RATE, SETTINGS } from "../engine/settings.js";
import { stftFrames } from "../engine/stft.js";

const SETTING = SETTINGS.compact;
const LOOKS = 4; // frames that a column looks at, at most
const PATIENCE = 12; // ms of computing before the page may draw

/**
 * The level of song, drums and rest: per picture, bytes row after row, the highest pitch first.
 *
 * @param {AudioBuffer} x @param {AudioBuffer | null} p all channels together; the rest is x - p
 * @param {{rows: number, columns: number, low: number, high: number, floor: number}} look
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array[]>} of the song, and with p of drums and rest
 */
export async function levels(x, p, { rows, columns, low, high, floor }, signal) {
  const power = Array.from({ length: p ? 3 : 1 }, () => new Float32Array(rows * columns));
  const edges = Float64Array.from({ length: rows + 1 }, (_, i) =>
    (low * (high / low) ** (i / rows) * SETTING.n_fft) / SAMPLE_RATE);
  let since = performance.now();
  for (let column = 0; column < columns; column += 1) {
    for (const t of framesOf(column, columns, x.length)) {
      const X = frame(x, t), P = p ? frame(p, t) : null;
      pool(power, X, P, edges, column, columns, rows);
    }
    if (performance.now() - since > PATIENCE) {
      await new Promise((resolve) => { setTimeout(resolve); });
      signal.throwIfAborted();
      since = performance.now();
    }
  }
  const top = power[0].reduce((a, b) => Math.max(a, b), 1e-20);
  return power.map((image) => Uint8Array.from(image, (value) => {
    const level = 1 - (10 * Math.log10(Math.max(value / top, 1e-20))) / floor;
    return Math.round(255 * Math.min(Math.max(level, 0), 1));
  }));
}

/** The frames around a column's piece of the signal, a few of them. */
function framesOf(column, columns, length) {
  const last = Math.floor(length / SETTING.hop);
  const from = Math.min(Math.round(((column / columns) * length) / SETTING.hop), last);
  const to = Math.min(Math.max(Math.round((((column + 1) / columns) * length) / SETTING.hop), from + 1),
    last + 1);
  const step = Math.max(1, Math.ceil((to - from) / LOOKS));
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
}

/** One frame of a sound, without going through the rest of it. @param {AudioBuffer} x */
function frame(x, t) {
  const start = Math.max(0, t * SETTING.hop - SETTING.n_fft / 2);
  const sum = new Float32Array(Math.min(SETTING.n_fft, x.length - start));
  const part = new Float32Array(sum.length);
  for (let channel = 0; channel < x.numberOfChannels; channel += 1) {
    x.copyFromChannel(part, channel, start);
    for (let n = 0; n < sum.length; n += 1) sum[n] += part[n] / x.numberOfChannels;
  }
  return stftFrames(sum, SETTING, t, t + 1, start);
}

/** The loudest bin of each row's band, or where a band holds none the nearest, kept if louder. */
function pool(power, X, P, edges, column, columns, rows) {
  for (let row = 0; row < rows; row += 1) {
    const first = Math.round(edges[row]), last = Math.max(first + 1, Math.round(edges[row + 1]));
    for (let f = first; f < last && f < X.bins; f += 1) {
      keep(power[0], X.re[f], X.im[f]);
      if (!P) continue;
      keep(power[1], P.re[f], P.im[f]);
      keep(power[2], X.re[f] - P.re[f], X.im[f] - P.im[f]);
    }

    function keep(image, re, im) {
      const at = (rows - 1 - row) * columns + column, value = re * re + im * im;
      if (value > image[at]) image[at] = value;
    }
  }
}

/**
 * Draw a picture in the colours of its kind.
 *
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} level @param {string} ramp 256 colours
 */
export function draw(canvas, level, ramp) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(canvas.width, canvas.height), opaque = 255 << 24;
  const colours = Uint32Array.from({ length: 256 }, (_, i) => {
    const rgb = parseInt(ramp.slice(6 * i, 6 * i + 6), 16);
    return opaque | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16); // the bytes r, g, b, a
  });
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = colours[level[i]];
  context.putImageData(image, 0, 0);
}
