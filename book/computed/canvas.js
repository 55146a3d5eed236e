/**
 * Figures on canvas in the book's own look: the same colours, axes, marks and titles as the build's.
 *
 * @typedef {Record<"mixture" | "percussive" | "harmonic", string>} Colours
 * @typedef {{ramps: Colours, inks: Colours, ink: string, width: number, height: number}} Style
 *   ramps: 256 colours each, inks: of lines, both of the page's theme; ink: of axes and words; size
 *   in CSS pixels
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{x: [number, number], y: [number, number], xTicks: Tick[], yTicks: Tick[],
 *   xLabel?: string, yLabel?: string, title?: string}} Axes  ranges, marks, words
 * @typedef {[number, string]} Tick
 * @typedef {{x: (value: number) => number, y: (value: number) => number}} Scale  to CSS pixels
 */

import { SAMPLE_RATE } from "../engine/settings.js";

const SHARP = 2; // pixels of the canvas per CSS pixel
const LEFT = 52, BOTTOM = 40, TOP = 8, RIGHT = 14; // CSS pixels around a plot

/**
 * The canvas, empty and at its size.
 *
 * @param {HTMLCanvasElement} canvas @param {Style} style
 */
export function open(canvas, { width, height }) {
  [canvas.width, canvas.height] = [SHARP * width, SHARP * height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(SHARP, SHARP);
  return context;
}

/**
 * The place of a plot: a part of the canvas's width, from 0 to 1, and what is kept free above it.
 *
 * @param {Style} style @returns {Box}
 */
export function place({ width, height }, from = 0, to = 1, above = TOP) {
  const x = from * width + LEFT;
  return { x, y: above, width: to * width - RIGHT - x, height: height - above - BOTTOM };
}

/** Marks from low to high, each with its number. @returns {Tick[]} */
export function ticks(low, high, step, digits = 0) {
  const count = Math.floor((high - low) / step + 1e-6) + 1;
  return Array.from({ length: count }, (_, i) => {
    const value = low + i * step;
    return [value, value.toFixed(digits).replace("-", "−")];
  });
}

/**
 * Draw the axes of a plot; returns where its values lie.
 *
 * @param {CanvasRenderingContext2D} context @param {Box} box @param {Axes} axes @param {string} ink
 * @returns {Scale}
 */
export function drawAxes(context, box, axes, ink) {
  const bottom = box.y + box.height;
  const x = (value) => box.x + ((value - axes.x[0]) / (axes.x[1] - axes.x[0])) * box.width;
  const y = (value) => bottom - ((value - axes.y[0]) / (axes.y[1] - axes.y[0])) * box.height;
  const marks = new Path2D(`M${box.x} ${box.y}V${bottom}H${box.x + box.width}`);
  context.save();
  context.strokeStyle = context.fillStyle = ink;
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  for (const [value, words] of axes.xTicks) {
    marks.addPath(new Path2D(`M${x(value)} ${bottom}v4`));
    context.fillText(words, x(value), bottom + 18);
  }
  context.fillText(axes.xLabel ?? "", box.x + box.width / 2, bottom + BOTTOM - 4);
  context.textAlign = "right";
  for (const [value, words] of axes.yTicks) {
    marks.addPath(new Path2D(`M${box.x} ${y(value)}h-4`));
    context.fillText(words, box.x - 8, y(value) + 4);
  }
  context.textAlign = "left";
  context.font = "14px system-ui, sans-serif";
  context.fillText(axes.title ?? "", box.x, box.y - 8);
  context.globalAlpha = 0.5;
  context.stroke(marks);
  context.globalAlpha = 1;
  context.font = "13px system-ui, sans-serif";
  context.translate(box.x - LEFT + 12, box.y + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(axes.yLabel ?? "", 0, 0);
  context.restore();
  return { x, y };
}

/** What is drawn by `inside` ends at the plot's edges. */
function clipped(context, box, inside) {
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  inside();
  context.restore();
}

/**
 * A line through points.
 *
 * @param {CanvasRenderingContext2D} context @param {Scale} scale
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {string} colour
 */
export function drawLine(context, scale, xs, ys, colour) {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  for (let i = 0; i < xs.length; i += 1) context.lineTo(scale.x(xs[i]), scale.y(ys[i]));
  context.stroke();
  context.restore();
}

/** What marks a point, around 0, 0, by its size. */
const SHAPES = {
  dot: (path, r) => path.arc(0, 0, r, 0, 2 * Math.PI),
  ring: (path, r) => path.arc(0, 0, r, 0, 2 * Math.PI),
  cross: (path, r) => {
    for (const turn of [-1, 1]) {
      path.moveTo(-r, -turn * r);
      path.lineTo(r, turn * r);
    }
  },
};

/**
 * Marks at points.
 *
 * @param {CanvasRenderingContext2D} context @param {Scale} scale
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {string} colour
 * @param {keyof typeof SHAPES} shape @param {number} size CSS pixels from its middle to its edge
 */
export function drawMarks(context, scale, xs, ys, colour, shape, size) {
  const path = new Path2D();
  SHAPES[shape](path, size);
  context.save();
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 1.6;
  for (let i = 0; i < xs.length; i += 1) {
    context.save();
    context.translate(scale.x(xs[i]), scale.y(ys[i]));
    if (shape === "dot") context.fill(path);
    else context.stroke(path);
    context.restore();
  }
  context.restore();
}

/**
 * A spectrogram in decibels below a reference.
 *
 * @param {HTMLCanvasElement} canvas @param {Float32Array} V frame after frame
 * @param {{bins: number, hop: number, n_fft: number, shown: [number, number], floor: number,
 *   reference?: number, step: number, kind: keyof Colours}} of
 *   shown: Hz; reference: of 0 dB, by default V's largest; step: Hz from mark to mark
 * @param {Style} style
 */
export function drawSpectrogram(canvas, V, of, style) {
  const { bins, hop, n_fft, shown: [low, high], floor, step, kind } = of;
  const reference = of.reference ?? V.reduce((a, b) => Math.max(a, b), 1e-20);
  const colours = unpacked(style.ramps[kind]);
  const colour = (/** @type {number} */ i) => {
    const level = 1 - (20 * Math.log10(Math.max(V[i] / reference, 1e-10))) / floor;
    return colours[Math.round(255 * Math.min(Math.max(level, 0), 1))];
  };
  const seconds = ((V.length / bins - 1) * hop) / SAMPLE_RATE;
  drawBins(open(canvas, style), { bins, hop, n_fft, low, high, step, seconds, inset: 0.5 },
    V.length / bins, colour, style);
}

/**
 * Bins of frames as an image with axes, each in its own colour.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{bins: number, hop: number, n_fft: number, low: number, high: number, step: number,
 *   seconds: number, inset: number}} of  low to high, step: Hz; inset: by how many bins the first one
 *   lies below its own frequency
 * @param {number} frames @param {(i: number) => number} colour of V[i], as the bytes r, g, b, a
 * @param {Style} style
 */
export function drawBins(context, { bins, hop, n_fft, low, high, step, seconds, inset }, frames, colour, style) {
  const hertz = SAMPLE_RATE / n_fft, box = place(style);
  const first = Math.floor(low / hertz), last = Math.min(Math.ceil(high / hertz), bins - 1);
  const rows = last - first + 1, canvas = new OffscreenCanvas(frames, rows);
  const inner = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = inner.createImageData(frames, rows), pixels = new Uint32Array(image.data.buffer);
  for (let t = 0; t < frames; t += 1) {
    for (let f = first; f <= last; f += 1) pixels[(last - f) * frames + t] = colour(t * bins + f);
  }
  inner.putImageData(image, 0, 0);
  const { x, y } = drawAxes(context, box, {
    x: [0, seconds], y: [low / 1000, high / 1000],
    xTicks: ticks(0, seconds + 0.02, 0.2, 1), yTicks: ticks(low / 1000, high / 1000, step / 1000, 1),
    xLabel: "time (s)", yLabel: "frequency (kHz)",
  }, style.ink);
  const top = y(((last + 1 - inset) * hertz) / 1000), end = y(((first - inset) * hertz) / 1000);
  clipped(context, box, () => {
    context.imageSmoothingEnabled = false; // each bin is one block, as in the build's pictures
    context.drawImage(canvas, x(0), top, x((frames * hop) / SAMPLE_RATE) - x(0), end - top);
  });
}

const opaque = 255 << 24;

/** Colours of six hexadecimal digits each as the bytes r, g, b, a. @param {string} ramp */
function unpacked(ramp) {
  return Uint32Array.from({ length: ramp.length / 6 }, (_, i) => bytes(ramp.slice(6 * i, 6 * i + 6)));
}

/** @param {string} digits six of them */
function bytes(digits) {
  const rgb = parseInt(digits, 16);
  return opaque | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
}

/** A colour "#rrggbb" as its three numbers. @param {string} colour */
export const rgbOf = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
