/**
 * A file, decoded by the browser to what the engine hears: one or two channels at 44.1 kHz.
 *
 * @typedef {{name: string, buffer: AudioBuffer, channels: number, rate: number | null}} Song
 *   buffer: as separated; channels, rate: of the file, where it tells
 */

import { SAMPLE_RATE } from "../engine/settings.js";

/** How long a file lasts in seconds, or null where the browser cannot tell. @param {Blob} file */
export async function duration(file) {
  const url = URL.createObjectURL(file), audio = new Audio();
  try {
    return await new Promise((resolve) => {
      audio.onloadedmetadata = () => resolve(Number.isFinite(audio.duration) ? audio.duration : null);
      audio.onerror = () => resolve(null);
      audio.preload = "metadata";
      audio.src = url;
    });
  } finally {
    audio.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

/**
 * Decode a file, of which no more than `seconds` are kept.
 *
 * @param {Blob} file @param {string} name @param {number} [seconds] @returns {Promise<Song>}
 */
export async function decode(file, name, seconds = Infinity) {
  const bytes = await file.arrayBuffer(), rate = sampleRate(bytes);
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE);
  const whole = await context.decodeAudioData(bytes), channels = whole.numberOfChannels;
  const length = Math.min(whole.length, Math.floor(seconds * SAMPLE_RATE));
  if (channels <= 2 && length === whole.length) return { name, buffer: whole, channels, rate };
  return { name, buffer: await mixedDown(whole, length), channels, rate };
}

/** The beginning of a sound, of more than two channels as the browser plays them on two. */
async function mixedDown(whole, length) {
  const context = new OfflineAudioContext(Math.min(2, whole.numberOfChannels), length, SAMPLE_RATE);
  const source = context.createBufferSource();
  source.buffer = whole;
  source.connect(context.destination);
  source.start();
  return context.startRendering();
}

/** The channels, without a copy. @param {AudioBuffer} buffer */
export const samples = (buffer) =>
  Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));

/** The largest absolute sample. NaN where one is none. @param {AudioBuffer} buffer */
export function peak(buffer) {
  let most = 0;
  for (const channel of samples(buffer)) {
    for (let n = 0; n < channel.length; n += 1) {
      const size = Math.abs(channel[n]);
      if (!(size <= most)) most = size;
      if (!(size < Infinity)) return NaN;
    }
  }
  return most;
}

/**
 * The rate that a WAV, FLAC, Ogg Vorbis or MP3 file names, which decoding hides; null for others.
 *
 * @param {ArrayBuffer} bytes
 */
export function sampleRate(bytes) {
  const view = new DataView(bytes), n = Math.min(bytes.byteLength, 1 << 16);
  const text = String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(n, 4096)));
  if (text.startsWith("RIFF")) {
    const at = text.indexOf("fmt ");
    return at > 0 && at + 16 <= n ? view.getUint32(at + 12, true) : null;
  }
  if (text.startsWith("fLaC") && n >= 22) return view.getUint32(18) >>> 12;
  if (text.startsWith("OggS")) {
    const at = text.indexOf("\x01vorbis");
    return at > 0 && at + 16 <= n ? view.getUint32(at + 12, true) : null;
  }
  return mpegRate(view, n);
}

/** Of the first frame of an MP3, behind its tag. @param {DataView} view */
function mpegRate(view, n) {
  if (n < 10) return null;
  let at = 0;
  if (view.getUint32(0) >>> 8 === 0x494433) { // "ID3", and a size of four times seven bits
    at = 10 + [6, 7, 8, 9].reduce((sum, i) => 128 * sum + (view.getUint8(i) & 127), 0);
  }
  if (at + 4 > view.byteLength) return null;
  const head = view.getUint32(at), version = (head >>> 19) & 3, index = (head >>> 10) & 3;
  if (head >>> 21 !== 0x7ff || version === 1 || index === 3) return null;
  return [44100, 48000, 32000][index] / { 3: 1, 2: 2, 0: 4 }[version];
}
