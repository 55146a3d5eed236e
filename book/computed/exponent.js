/** Chapter 4's exponents: magnitudes, powers, what lies between; as chapters/spectral_subtraction.py. */

import { istft, magnitude, stft } from "../engine/stft.js";
import { applyPhase, subtractFloored } from "../engine/subtraction.js";
import { drawAxes, drawLine, drawMarks, open, place, ticks } from "./canvas.js";
import { SETTING, once, pieceOf } from "./piece.js";
import { energy, sdr, short } from "./words.js";

const EXPONENTS = [0.5, 0.7, 0.85, 1, 1.2, 1.5, 2, 3, 4];

/** The harmonic part by subtraction of the true V_p with an exponent, none below 0. */
function byExponent({ X, V, x, V_p }, exponent) {
  return istft(applyPhase(subtractFloored(V, V_p, { exponent }), X), SETTING, x.length);
}

/** The piece, its true V_p, and the curve of the scores, which wait for no slider; made once. */
const prepared = (material) => once(material.x_p, () => {
  const piece = { ...pieceOf(material), V_p: magnitude(stft(material.x_p, SETTING)) };
  return { piece, curve: EXPONENTS.map((exponent) => sdr(piece.x_h, byExponent(piece, exponent))) };
});

/**
 * What is said, seen and heard at an exponent.
 *
 * @param {{exponent: number}} values @param {import("./piece.js").Material} material
 */
export function look({ exponent }, material) {
  const { piece, curve } = prepared(material), { x_h } = piece;
  const s_h = byExponent(piece, exponent), now = sdr(x_h, s_h);
  const along = x_h.reduce((sum, value, n) => sum + value * s_h[n], 0) / energy(s_h);
  const best = sdr(x_h, s_h.map((value) => along * value));
  const text = `Exponent ${short(exponent)}: SDR ${now.toFixed(1)} dB for the harmonic part ` +
    `(${best.toFixed(1)} dB at the best loudness); it holds ` +
    `${((100 * energy(s_h)) / energy(x_h)).toFixed(0)} % of the true part's energy.`;
  return { text, seen: { curve, exponent, now }, sounds: [s_h, null] };
}

export function draw(canvas, { curve, exponent, now }, style) {
  const context = open(canvas, style), low = Math.min(...curve), high = Math.max(...curve);
  const room = 0.06 * (high - low);
  const scale = drawAxes(context, place(style), {
    x: [0.3, 4.2], y: [Math.min(low, now) - room, Math.max(high, now) + room],
    xTicks: ticks(0.5, 4, 0.5, 1), yTicks: ticks(Math.ceil(low / 2) * 2, high, 2),
    xLabel: "exponent a", yLabel: "SDR, harmonic (dB)",
  }, style.ink);
  drawLine(context, scale, EXPONENTS, curve, style.inks.harmonic);
  drawMarks(context, scale, [exponent], [now], style.inks.harmonic, "dot", 6);
}
