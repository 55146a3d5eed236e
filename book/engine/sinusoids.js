/** Sinusoids in a frame v of magnitudes (chapter 7), as hpss_lib/sinusoids.py. */

import { THRESHOLD } from "./settings.js";

const TINY = 2.2250738585072014e-308; // the smallest normal number in double precision

/** The bins of the local maxima that exceed `threshold` times the frame's; of a plateau the middle. */
export function pickPeaks(v, threshold = THRESHOLD) {
  const floor = threshold * v.reduce((a, b) => Math.max(a, b), 0), peaks = [];
  for (let first = 1; first < v.length - 1; ) {
    let last = first; // of a run of equal values
    while (last < v.length - 1 && v[last + 1] === v[first]) last += 1;
    const higher = v[first] > v[first - 1] && last < v.length - 1 && v[last] > v[last + 1];
    if (higher && v[first] > floor) peaks.push((first + last) >> 1);
    first = last + 1;
  }
  return peaks;
}

/** The tops, in bins, of the parabolas through log v around each peak. */
export function interpolatePeaks(v, peaks) {
  const log = (f) => Math.log(Math.max(v[f], TINY));
  return peaks.map((f) => {
    const below = log(f) - log(f - 1), above = log(f) - log(f + 1);
    return below + above === 0 ? f : f + (below - above) / (2 * (below + above));
  });
}

/** The last bin of each peak's region of influence but the last one's. */
export function regionBorders(v, peaks) {
  return peaks.slice(1).map((f2, i) => {
    const f1 = peaks[i], v1 = v[f1], v2 = v[f2];
    return Math.floor((v2 * f1 + v1 * f2) / (v1 + v2));
  });
}

/** The frequency, in bins, of the sinusoid that governs each bin; without any the bin's own. */
export function instantaneousFrequency(v, threshold = THRESHOLD) {
  const peaks = pickPeaks(v, threshold), f = new Float64Array(v.length);
  if (!peaks.length) return f.map((_, k) => k);
  const tops = interpolatePeaks(v, peaks), borders = regionBorders(v, peaks);
  let begin = 0;
  tops.forEach((top, i) => {
    const end = i < borders.length ? borders[i] + 1 : v.length;
    f.fill(top, begin, end);
    begin = end;
  });
  return f;
}
