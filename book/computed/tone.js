/** Chapter 7's first control, the phase of one sinusoid; as hpss_lib/chapters/sinusoidal_phase.py. */

import { SAMPLE_RATE } from "../engine/settings.js";
import { instantaneousFrequency } from "../engine/sinusoids.js";
import { magnitude, sliceFrames, stftFrames } from "../engine/stft.js";
import { drawAxes, drawLine, drawMarks, open, place, ticks } from "./canvas.js";
import { short } from "./words.js";

const N_FFT = 4096;
const SHOWN_MS = 240;

/** An angle in radians, brought between -pi and pi by whole turns. */
const wrap = (/** @type {number} */ angle) => Math.atan2(Math.sin(angle), Math.cos(angle));

/** A second of a steady tone, predicted from its first whole frame. */
function tone({ hertz, hop, window }) {
  /** @type {import("../engine/settings.js").StftSettings} */
  const settings = { n_fft: N_FFT, window_length: window, hop, window: "hamming" };
  const length = SAMPLE_RATE + N_FFT + 2 * hop, step = (2 * Math.PI * hertz) / SAMPLE_RATE;
  const x = Float32Array.from({ length }, (_, n) => Math.cos(step * n));
  const first = Math.ceil(N_FFT / 2 / hop), last = Math.floor((length - N_FFT / 2) / hop);
  const X = stftFrames(x, settings, first, last + 1), middle = Math.floor(X.frames / 2);
  const truth = (hertz * N_FFT) / SAMPLE_RATE, bin = Math.round(truth);
  const peak = instantaneousFrequency(magnitude(sliceFrames(X, middle, middle + 1)))[bin];
  const measured = Float64Array.from({ length: X.frames }, (_, t) =>
    Math.atan2(X.im[t * X.bins + bin], X.re[t * X.bins + bin]));
  const from = (/** @type {number} */ frequency) => measured.map((_, t) =>
    measured[0] + ((2 * Math.PI * hop) / N_FFT) * t * frequency);
  return { bin, truth, peak, measured, byPeak: from(peak), byBin: from(bin) };
}

/**
 * What is said and seen of a tone.
 *
 * @param {{hertz: number, hop: number, window: number}} values
 */
export function look(values) {
  const found = tone(values), { bin, truth, peak } = found, { hertz, hop } = values;
  const missed = Math.abs(peak - truth), fromCentre = Math.abs(bin - truth);
  const degrees = (360 * SAMPLE_RATE) / N_FFT; // a second later, for each bin of error
  const whole = Math.round(degrees * fromCentre).toLocaleString("en-US");
  const text = `${short(hertz)} Hz is bin ${truth.toFixed(2)}: ${((hop / N_FFT) * truth).toFixed(2)} turns ` +
    `a hop. The peak says ${peak.toFixed(3)}, an error of ${missed.toFixed(4)} bin; a second later the ` +
    `phase is off by ${(degrees * missed).toFixed(0)}°. The bin's centre is off by ` +
    `${fromCentre.toFixed(2)} bin, which makes ${whole}°.`;
  return { text, seen: { ...found, hop } };
}

export function draw(canvas, { bin, measured, byPeak, byBin, hop }, style) {
  const context = open(canvas, style), { mixture, percussive, harmonic } = style.inks;
  const ms = measured.map((_, t) => (1000 * hop * t) / SAMPLE_RATE);
  const shown = ms.filter((at) => at <= SHOWN_MS);
  const left = drawAxes(context, place(style, 0, 0.5, 58), {
    x: [-8, 248], y: [-Math.PI - 0.3, Math.PI + 0.3], xTicks: ticks(0, 200, 50),
    yTicks: [[-Math.PI, "−π"], [0, "0"], [Math.PI, "π"]], xLabel: "time (ms)",
    title: `phase of bin ${bin}, wrapped`,
  }, style.ink);
  drawMarks(context, left, shown, byBin.map(wrap), percussive, "cross", 4);
  drawMarks(context, left, shown, byPeak.map(wrap), harmonic, "ring", 6);
  drawMarks(context, left, shown, measured, mixture, "dot", 2.6);
  const off = (/** @type {Float64Array} */ predicted) =>
    predicted.map((phase, t) => (180 / Math.PI) * wrap(phase - measured[t]));
  const right = drawAxes(context, place(style, 0.5, 1, 58), {
    x: [-0.05 * ms[ms.length - 1], 1.05 * ms[ms.length - 1]], y: [-190, 190], xTicks: ticks(0, 1000, 200),
    yTicks: ticks(-180, 180, 90), xLabel: "time (ms)", title: "off by (degrees)",
  }, style.ink);
  drawMarks(context, right, ms, off(byBin), percussive, "cross", 3);
  drawLine(context, right, ms, off(byPeak), harmonic);
  legend(context, style);
}

/** What the marks mean, above both plots. */
function legend(context, { width, ink, inks }) {
  /** @type {[string, string, "dot" | "ring" | "cross", number][]} */
  const entries = [
    ["measured", inks.mixture, "dot", 3], ["interpolated f", inks.harmonic, "ring", 5],
    ["the bin's centre", inks.percussive, "cross", 4],
  ];
  const plain = { x: (/** @type {number} */ x) => x, y: (/** @type {number} */ y) => y };
  context.fillStyle = ink;
  context.font = "13px system-ui, sans-serif";
  entries.forEach(([words, colour, shape, size], i) => {
    const x = width / 2 - 220 + 150 * i;
    drawMarks(context, plain, [x], [16], colour, shape, size);
    context.fillText(words, x + 14, 20);
  });
}
