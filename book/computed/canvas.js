/** Figures on canvas in the book's own look: the same colours, axes in seconds and kilohertz. */

import { SAMPLE_RATE } from "../engine/settings.js";

const LEFT = 52, BOTTOM = 40, TOP = 8, RIGHT = 14; // CSS pixels around the plot

/**
 * A spectrogram in decibels below its largest value.
 *
 * @param {HTMLCanvasElement} canvas @param {Float32Array} V frame after frame
 * @param {{bins: number, hop: number, n_fft: number, shown: number[], floor: number}} of shown: Hz
 * @param {{ramp: string, ink: string, width: number, height: number}} style ramp: 256 colours
 */
export function drawSpectrogram(canvas, V, { bins, hop, n_fft, shown, floor }, style) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const sharp = 2, { width, height } = style, [low, high] = shown;
  [canvas.width, canvas.height] = [sharp * width, sharp * height];
  context.scale(sharp, sharp);
  const first = Math.floor((low * n_fft) / SAMPLE_RATE), last = Math.ceil((high * n_fft) / SAMPLE_RATE);
  const box = { x: LEFT, y: TOP, width: width - LEFT - RIGHT, height: height - TOP - BOTTOM };
  const seconds = ((V.length / bins - 1) * hop) / SAMPLE_RATE;
  const atX = (/** @type {number} */ s) => box.x + (s / seconds) * box.width;
  const atY = (/** @type {number} */ hz) => box.y + ((high - hz) / (high - low)) * box.height;
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  const top = atY(((last + 0.5) * SAMPLE_RATE) / n_fft), end = atY(((first - 0.5) * SAMPLE_RATE) / n_fft);
  context.drawImage(picture(V, bins, first, last, floor, style.ramp), box.x, top, box.width, end - top);
  context.restore();
  context.strokeStyle = context.fillStyle = style.ink;
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  const bottom = box.y + box.height, marks = new Path2D(`M${box.x} ${box.y}V${bottom}H${box.x + box.width}`);
  for (let i = 0; i <= Math.floor(5 * seconds + 0.05); i += 1) {
    const x = Math.min(atX(i / 5), box.x + box.width);
    marks.addPath(new Path2D(`M${x} ${bottom}v4`));
    context.fillText((i / 5).toFixed(1), x, bottom + 18);
  }
  context.fillText("time (s)", box.x + box.width / 2, height - 4);
  context.textAlign = "right";
  for (let hz = low; hz <= high; hz += 100) {
    marks.addPath(new Path2D(`M${box.x} ${atY(hz)}h-4`));
    context.fillText((hz / 1000).toFixed(1), box.x - 8, atY(hz) + 4);
  }
  context.globalAlpha = 0.5;
  context.stroke(marks);
  context.globalAlpha = 1;
  context.translate(12, box.y + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("frequency (kHz)", 0, 0);
}

/** The frames' bins first, ..., last, one pixel each, the highest on top. */
function picture(V, bins, first, last, floor, ramp) {
  const frames = V.length / bins, rows = last - first + 1;
  const canvas = new OffscreenCanvas(frames, rows);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(frames, rows), pixels = new Uint32Array(image.data.buffer);
  const loudest = V.reduce((a, b) => Math.max(a, b), 1e-20), opaque = 255 << 24;
  const colours = Uint32Array.from({ length: 256 }, (_, i) => {
    const rgb = parseInt(ramp.slice(6 * i, 6 * i + 6), 16);
    return opaque | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16); // the bytes r, g, b, a
  });
  for (let t = 0; t < frames; t += 1) {
    for (let f = first; f <= last; f += 1) {
      const level = 1 - (20 * Math.log10(Math.max(V[t * bins + f] / loudest, 1e-10))) / floor;
      pixels[(last - f) * frames + t] = colours[Math.round(255 * Math.min(Math.max(level, 0), 1))];
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
