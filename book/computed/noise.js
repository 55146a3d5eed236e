/** Chapter 4's musical noise: steady hiss, subtracted; as hpss_lib/chapters/spectral_subtraction.py. */

import { SAMPLE_RATE } from "../engine/settings.js";
import { istft, magnitude, stft } from "../engine/stft.js";
import { applyPhase, subtractFloored } from "../engine/subtraction.js";
import { drawSpectrogram } from "./canvas.js";
import { SETTING, once } from "./piece.js";
import { energy, sdr, short } from "./words.js";

const EDGE = 3; // frames at either end that are not measured
const HIGH = Math.round((10_000 * SETTING.n_fft) / SAMPLE_RATE); // nothing but hiss from this bin on
const SHOWN_SECONDS = 1.6;

/** The sum of music and hiss, and the hiss's mean magnitude in every frame; made once. */
const noisy = (material) => once(material, () => {
  const { music, hiss } = material, x = music.map((value, n) => value + hiss[n]);
  const X = stft(x, SETTING), V = magnitude(X), N = magnitude(stft(hiss, SETTING));
  const mean = Float32Array.from({ length: X.bins }, (_, f) => {
    let sum = 0;
    for (let t = EDGE; t < X.frames - EDGE; t += 1) sum += N[t * X.bins + f];
    return sum / (X.frames - 2 * EDGE);
  });
  return { music, x, X, V, V_n: V.map((_, i) => mean[i % X.bins]) };
});

/** Of the bins of pure hiss: how many survive, their share of what is left, and all energies. */
function remainder(W, { X, V, V_n }, floor) {
  let bins = 0, islands = 0, of = 0, left = 0, before = 0;
  for (let t = EDGE; t < X.frames - EDGE; t += 1) {
    for (let i = t * X.bins + HIGH; i < (t + 1) * X.bins - 4; i += 1) {
      const power = W[i] * W[i];
      bins += 1;
      left += power;
      before += V[i] * V[i];
      if (W[i] > Math.fround(floor * V_n[i])) {
        islands += 1;
        of += power;
      }
    }
  }
  return { surviving: islands / bins, share: left ? of / left : 0, left, before };
}

/**
 * What is said, seen and heard after a subtraction.
 *
 * @param {{over: number, floor: number}} values
 * @param {{music: Float32Array, hiss: Float32Array}} material
 */
export function look({ over, floor }, material) {
  const all = noisy(material), { music, x, X, V, V_n } = all;
  const W = subtractFloored(V, V_n, { over, floor });
  const y = istft(applyPhase(W, X), SETTING, x.length);
  const { surviving, share, left, before } = remainder(W, all, floor);
  const fall = Math.abs(10 * Math.log10(left / before)).toFixed(0);
  const text = `Over-subtraction ${short(over)}, floor ${short(floor)}: ${short(100 * surviving, 3)} % of ` +
    `the bins of pure hiss survive, ${left ? `its level falls by ${fall} dB` : "nothing is left of it"}; ` +
    `these islands hold ${(100 * share).toFixed(0)} % of what is left. SDR of the music ` +
    `${sdr(music, y).toFixed(1)} dB (untouched: ${sdr(music, x).toFixed(1)} dB).`;
  const shown = W.slice(0, Math.round((SHOWN_SECONDS * SAMPLE_RATE) / SETTING.hop) * X.bins);
  const reference = V.reduce((a, b) => Math.max(a, b), 1e-20) / 2;
  return { text, seen: { shown, reference, bins: X.bins }, sounds: [y, null] };
}

export function draw(canvas, { shown, reference, bins }, style) {
  const { hop, n_fft } = SETTING;
  drawSpectrogram(canvas, shown, {
    bins, hop, n_fft, shown: [0, 5000], floor: -55, reference, step: 1000, kind: "harmonic",
  }, style);
}
