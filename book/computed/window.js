/** Chapter 2's first control, two tones and two clicks through one window, as hpss_lib/chapters/stft.py. */

import { makeFft } from "../engine/fft.js";
import { SAMPLE_RATE } from "../engine/settings.js";
import { magnitude, stft } from "../engine/stft.js";
import { drawSpectrogram } from "./canvas.js";

const TONES = [1000, 1100]; // Hz
const CLICKS = [0.7, 0.73]; // s
/** @type {[number, number]} */
const SHOWN = [600, 1500]; // Hz
const FLOOR = -45; // dB

/** A periodic Hann window of about so many ms, moved by a quarter of its length: its samples. */
const samplesOf = (/** @type {number} */ ms) => 8 * Math.round(((ms / 1000) * SAMPLE_RATE) / 8);

const hann = (/** @type {number} */ length) => Float64Array.from(
  { length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length)
);

/** Two tones 100 Hz apart, then two clicks 30 ms apart. */
function tonesAndClicks() {
  const x = Float32Array.from({ length: SAMPLE_RATE }, (_, n) => {
    const t = n / SAMPLE_RATE, fade = Math.min(Math.max(Math.min(t, 0.45 - t) / 0.02, 0), 1);
    return 0.03 * fade * TONES.reduce((sum, f) => sum + Math.sin(2 * Math.PI * f * t), 0);
  });
  for (const second of CLICKS) x[Math.round(second * SAMPLE_RATE)] += 0.9;
  return x;
}

/** Depth in dB of the valley between two equal peaks, `apart` samples from each other. */
function valley(peak, apart) {
  const both = Array.from({ length: apart + 1 }, (_, i) => (peak[i] ?? 0) + (peak[apart - i] ?? 0));
  const lowest = both.reduce((a, b) => Math.min(a, b));
  return 10 * Math.log10(both[0] / Math.max(lowest, 1e-6 * both[0]));
}

/** The valleys between the two tones and between the two clicks, in dB. @param {number} length */
export function valleys(length) {
  const w = hann(length), n = 1 << 17;
  const re = new Float64Array(n), im = new Float64Array(n);
  re.set(w);
  makeFft(n)(re, im);
  const power = re.map((a, i) => a * a + im[i] * im[i]);
  return [
    valley(power, Math.round(((TONES[1] - TONES[0]) * n) / SAMPLE_RATE)),
    valley(w.slice(length >> 1).map((a) => a * a), Math.round((CLICKS[1] - CLICKS[0]) * SAMPLE_RATE)),
  ];
}

const verdict = (/** @type {number} */ depth) =>
  `${depth > 3 ? "apart" : "merged"}, a valley of ${Math.min(depth, 60).toFixed(1)} dB`;

/** What is said and seen at a length of the window. @param {{window_ms: number}} values */
export function look({ window_ms }) {
  const length = samplesOf(window_ms), [tones, clicks] = valleys(length);
  const text = `Window ${((1000 * length) / SAMPLE_RATE).toFixed(1)} ms, ${length} samples. ` +
    `Tones 100 Hz apart: ${verdict(tones)}. Clicks 30 ms apart: ${verdict(clicks)}.`;
  // The FFT is longer, the hop shorter than the window asks for: a smooth picture of its limits.
  const n_fft = Math.max(8192, 2 ** Math.ceil(Math.log2(length)));
  const hop = Math.min(Math.max(length >> 3, 64), 128);
  /** @type {import("../engine/settings.js").StftSettings} */
  const settings = { n_fft, window_length: length, hop, window: "hann" };
  const X = stft(tonesAndClicks(), settings);
  return { text, seen: { V: magnitude(X), bins: X.bins, hop, n_fft } };
}

export function draw(canvas, { V, bins, hop, n_fft }, style) {
  drawSpectrogram(canvas, V, {
    bins, hop, n_fft, shown: SHOWN, floor: FLOOR, step: 100, kind: "mixture",
  }, style);
}
