/** A WAV file of 32-bit floating-point samples, which nothing rounds and nothing clips. */

const HEADER = 58; // bytes: RIFF, fmt with its empty extension, fact, data
const PIECE = 1 << 16; // frames interleaved at once

/**
 * @param {number} frames @param {number} channels @param {number} rate Hz
 * @param {(channel: number, first: number, length: number) => Float32Array} part samples of a channel
 * @returns {Blob}
 */
export function wav(frames, channels, rate, part) {
  const pieces = [header(frames, channels, rate)];
  for (let first = 0; first < frames; first += PIECE) {
    const last = Math.min(first + PIECE, frames), piece = new Float32Array((last - first) * channels);
    for (let c = 0; c < channels; c += 1) {
      part(c, first, last - first).forEach((x, n) => { piece[n * channels + c] = x; });
    }
    pieces.push(piece.buffer);
  }
  return new Blob(pieces, { type: "audio/wav" });
}

function header(frames, channels, rate) {
  const view = new DataView(new ArrayBuffer(HEADER)), bytes = 4 * frames * channels;
  let at = 0;
  const text = (/** @type {string} */ word) => {
    for (const letter of word) view.setUint8(at++, letter.charCodeAt(0));
  };
  const long = (/** @type {number} */ value) => { view.setUint32(at, value, true); at += 4; };
  const short = (/** @type {number} */ value) => { view.setUint16(at, value, true); at += 2; };
  text("RIFF"); long(HEADER - 8 + bytes); text("WAVE");
  text("fmt "); long(18); short(3); short(channels); long(rate); long(4 * rate * channels);
  short(4 * channels); short(32); short(0);
  text("fact"); long(4); long(frames);
  text("data"); long(bytes);
  return view.buffer;
}
