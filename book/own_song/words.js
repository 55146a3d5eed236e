/** What the page says, in one place. Numbers come in as they are measured, sentences come out. */

/** 63.2 -> "1 min 3 s" @param {number} seconds */
export function duration(seconds) {
  const s = Math.max(1, Math.round(seconds)), minutes = Math.floor(s / 60);
  if (s < 60) return `${s} s`;
  if (minutes < 60) return s % 60 ? `${minutes} min ${s % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number} bytes */
export const size = (bytes) =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

export const noSound = (/** @type {string} */ name) =>
  `In ${name} there is no sound that this browser can play. It plays WAV, FLAC, MP3 and, mostly, ` +
  "Ogg and M4A: convert the file to one of these, and try again.";

export const silent = (/** @type {string} */ name) =>
  `${name} is silent from beginning to end: there is nothing to separate.`;

export const damaged = (/** @type {string} */ name) =>
  `${name} holds samples that are no numbers (NaN or infinite): write it anew, and try again.`;

export const noMemory = (/** @type {string} */ name) =>
  `This browser has not enough memory for ${name}: close other pages, or take a shorter song.`;

export const noConnection =
  "The network’s weights could not be loaded: there is no connection, or the server does not " +
  "answer. What the median filter separated stays; try again with a connection.";

export const noSimd =
  "This browser has no WebAssembly with SIMD, in which the network computes: any Firefox, Chrome, " +
  "Edge or Safari of the last years has it. The median filter works all the same.";

export const noMicrophone =
  "There is no microphone, or this page may not use it: allow it in the browser’s settings, and " +
  "try again.";

export const unexpected = (/** @type {string} */ reason) => `It could not be separated: ${reason}`;

/** A long song, before anything begins. @param {number} seconds @param {number} need bytes */
export const long = (name, seconds, need, work) =>
  `${name} lasts ${duration(seconds)}. All of it takes about ${size(need)} of memory for each way ` +
  `of separating it and about ${duration(work)} for the median filter, on this machine, now; ` +
  "the network takes several times as long. You may cancel at any time.";

/** Remarks on a sound that is not 44.1 kHz stereo. @returns {string} */
export function remarks(rate, channels) {
  const words = [];
  if (channels === 1) words.push("One channel.");
  if (channels > 2) words.push(`${channels} channels, mixed down to two.`);
  if (rate && rate < 32000) {
    words.push(`Recorded at ${khz(rate)}: above ${khz(rate / 2)}, where cymbals and the noise of a ` +
      "snare drum sound, it holds nothing, so drums are told apart less well.");
  } else if (rate && rate > 48000) {
    words.push(`Recorded at ${khz(rate)}: separated at 44.1 kHz, without what lies above hearing.`);
  }
  return words.join(" ");
}

const khz = (/** @type {number} */ rate) => `${Number((rate / 1000).toFixed(2))} kHz`;

/** How far a piece of work has come. @param {number} share @param {number} passed s */
export function progress(what, share, passed) {
  const percent = `${what}: ${Math.floor(100 * share)} %`;
  if (share < 0.05 || passed < 1 || share >= 1) return percent;
  return `${percent}, about ${duration((passed / share) * (1 - share))} left`;
}
