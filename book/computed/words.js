/** Numbers and scores as the library's views say them. */

/** As Python's format g of so many digits. @param {number} value */
export const short = (value, digits = 6) => String(Number(value.toPrecision(digits)));

/** With the minus sign of the book's sentences. @param {string} text */
export const withMinus = (text) => text.replaceAll(" -", " −");

/** Energy of s over energy of the error of its estimate, in dB, as hpss_lib/measures.py. */
export function sdr(s, estimate) {
  let own = 0, error = 0;
  for (let n = 0; n < s.length; n += 1) {
    own += s[n] * s[n];
    error += (s[n] - estimate[n]) ** 2;
  }
  return 10 * Math.log10(own / error);
}

/** The sum of squares. @param {Float32Array} x */
export const energy = (x) => x.reduce((sum, value) => sum + value * value, 0);
