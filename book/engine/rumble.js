/** What lies below hearing, taken away before the network measures a level; as hpss_lib/audio.py. */

import { makeFft } from "./fft.js";
import { INAUDIBLE, SAMPLE_RATE } from "./settings.js";

const SIZE = 65536; // samples transformed at once
const [LOW, HIGH] = INAUDIBLE;
const TAPS = Math.floor((3.3 * SAMPLE_RATE) / (HIGH - LOW)) | 1;

/** The samples of either side that the filter reaches to. */
export const REACH = (TAPS - 1) / 2;

/** The low-pass filter: a sinc in a Hamming window, of linear phase. */
function taps() {
  const cutoff = (LOW + HIGH) / SAMPLE_RATE; // of half the sample rate
  const h = Float64Array.from({ length: TAPS }, (_, n) => {
    const t = Math.PI * cutoff * (n - REACH);
    const w = 0.54 - 0.46 * Math.cos((2 * Math.PI * n) / (TAPS - 1));
    return (t === 0 ? 1 : Math.sin(t) / t) * w;
  });
  const sum = h.reduce((a, b) => a + b, 0);
  return h.map((value) => value / sum);
}

/** Convolution with the taps, by way of the spectrum; made once, when first needed. */
function makeSlow() {
  const fft = makeFft(SIZE), H = { re: new Float64Array(SIZE), im: new Float64Array(SIZE) };
  H.re.set(taps());
  fft(H.re, H.im);
  const re = new Float64Array(SIZE), im = new Float64Array(SIZE);

  /** Two pieces of a signal at a time, as real and imaginary part. @param {Float32Array} x */
  return (x, first, second) => {
    for (let n = 0; n < SIZE; n += 1) {
      re[n] = x[first + n] ?? 0;
      im[n] = x[second + n] ?? 0;
    }
    fft(re, im);
    for (let f = 0; f < SIZE; f += 1) {
      // Conjugated, so that the same transform goes back.
      const a = re[f] * H.re[f] - im[f] * H.im[f], b = re[f] * H.im[f] + im[f] * H.re[f];
      re[f] = a / SIZE;
      im[f] = -b / SIZE;
    }
    fft(re, im);
    return { re, im }; // the second piece with its sign turned; the first TAPS - 1 are of no use
  };
}

/** @type {ReturnType<typeof makeSlow> | undefined} */
let slow;

/**
 * A piece of a signal without what is inaudibly slow.
 *
 * @param {Float32Array} x the piece and, on either side of it, REACH samples
 * @returns {Float32Array} the piece
 */
export function withoutRumble(x) {
  slow ??= makeSlow();
  const y = x.slice(REACH, x.length - REACH), step = SIZE - (TAPS - 1);
  for (let first = 0; first < y.length; first += 2 * step) {
    const second = first + step, { re, im } = slow(x, first, second);
    for (let n = 0; n < step; n += 1) {
      if (first + n < y.length) y[first + n] -= re[TAPS - 1 + n];
      if (second + n < y.length) y[second + n] += im[TAPS - 1 + n];
    }
  }
  return y;
}
