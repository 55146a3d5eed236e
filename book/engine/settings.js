/**
 * The numbers that the engine shares with the library; a test holds them against hpss_lib.
 *
 * @typedef {{n_fft: number, window_length: number, hop: number, window: "hann" | "hamming"}} StftSettings
 */

export const SAMPLE_RATE = 44100; // Hz

/** @type {Record<string, StftSettings>} */
export const SETTINGS = {
  1: { n_fft: 4096, window_length: 2049, hop: 384, window: "hamming" },
  2: { n_fft: 4096, window_length: 4096, hop: 1024, window: "hamming" },
  compact: { n_fft: 2048, window_length: 2048, hop: 512, window: "hann" },
};

export const HARMONIC_SECONDS = 0.36; // the median's neighbourhood along time
export const PERCUSSIVE_HERTZ = 667; // and along frequency
export const INAUDIBLE = [9, 15]; // Hz: gone below the first, untouched above the second
export const THRESHOLD = 0.01; // of a frame's maximum: lower peaks are not taken for sinusoids
