/**
 * The discrete Fourier transform of n complex numbers, n a power of two, in place and in double
 * precision: Z[f] = sum_k z[k] e^(-2 pi i f k / n).
 *
 * @param {number} n
 * @returns {(re: Float64Array, im: Float64Array) => void} its tables are made once for each n
 */
export function makeFft(n) {
  const known = made.get(n) ?? newFft(n);
  made.set(n, known);
  return known;
}

/** @type {Map<number, (re: Float64Array, im: Float64Array) => void>} */
const made = new Map();

/** @param {number} n */
function newFft(n) {
  if (n < 2 || (n & (n - 1)) !== 0) throw new Error(`an FFT of ${n} samples; use a power of two`);
  const cos = Float64Array.from({ length: n / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: n / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
  const reversed = new Uint32Array(n); // the bits of each index in the opposite order
  for (let i = 1; i < n; i += 1) reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? n / 2 : 0);

  return (re, im) => {
    for (let i = 0; i < n; i += 1) {
      const j = reversed[i];
      if (j <= i) continue;
      const x = re[i], y = im[i];
      re[i] = re[j];
      re[j] = x;
      im[i] = im[j];
      im[j] = y;
    }
    // Two transforms of `half` samples make one of twice as many.
    for (let half = 1, stride = n / 2; half < n; half *= 2, stride /= 2) {
      for (let k = 0; k < half; k += 1) {
        const c = cos[k * stride], s = sin[k * stride];
        for (let a = k; a < n; a += 2 * half) {
          const b = a + half;
          const turnedRe = re[b] * c - im[b] * s, turnedIm = re[b] * s + im[b] * c;
          re[b] = re[a] - turnedRe;
          im[b] = im[a] - turnedIm;
          re[a] += turnedRe;
          im[a] += turnedIm;
        }
      }
    }
  };
}
