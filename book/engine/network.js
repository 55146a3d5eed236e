/**
 * The network's forward pass (chapter 5), as hpss_lib/madtwinnet.py: a Masker, then a Denoiser. The
 * sizes come from the weights' own header, the arithmetic is that of network.c.
 *
 * In WebAssembly's memory a matrix lies row after row, each as long as a multiple of 8 numbers.
 *
 * @typedef {{bins: number, low_bins: number, frames: number, context: number, hidden: number,
 *   setting: string, compression: [number, number] | null,
 *   level: number | null, bands_to?: number | null, warm_up?: number}} Config
 * @typedef {{memory: WebAssembly.Memory, __heap_base: WebAssembly.Global,
 *   linear: Function, gru: Function, relu: Function}} Arithmetic
 * @typedef {{at: number, rows: number, columns: number, view: () => Float32Array}} Matrix
 * @typedef {{W: Matrix, b: Matrix, inputs: number, outputs: number}} Layer
 * @typedef {{config: Config, estimate: (V: Float32Array, before: number, after: number) =>
 *   Float32Array, bytes: () => number}} Network
 */

import { release } from "./memory.js";
import { readSafetensors } from "./safetensors.js";
import { SAMPLE_RATE, SETTINGS } from "./settings.js";

const SEQUENCES = 5; // estimated together, so that each weight is fetched once for all of them
const PAGE = 65536; // bytes, the unit in which WebAssembly's memory grows

const upTo8 = (n) => 8 * Math.ceil(n / 8);

/**
 * The network of a file of weights.
 *
 * @param {BufferSource} wasm network.wasm @param {ArrayBuffer} file @returns {Promise<Network>}
 */
export async function loadModel(wasm, file) {
  const { story, tensor } = readSafetensors(file);
  const config = checkConfig(story.config);
  const { instance } = await WebAssembly.instantiate(wasm);
  const arithmetic = /** @type {Arithmetic} */ (/** @type {unknown} */ (instance.exports));
  const allocate = allocator(arithmetic);
  const layers = readLayers(tensor, allocate);
  const room = makeRoom(config, allocate);
  return {
    config,
    estimate: (V, before, after) => estimate(V, before, after, config, (sequences, count, follows) =>
      forward(sequences, count, follows, config, layers, room, arithmetic)),
    bytes: () => arithmetic.memory.buffer.byteLength,
  };
}

const KNOWN = ["bins", "low_bins", "frames", "context", "hidden", "setting", "compression", "clip",
  "level", "aligned", "bands_to", "warm_up", "mask_bias", "denoiser_bias", "stacked"]; // the last three: training

/** Refuse a network that this engine would compute wrongly. @returns {Config} */
export function checkConfig(config) {
  if (!config) throw new Error("the weights do not say which network they belong to (no config)");
  const strange = Object.keys(config).filter((k) => !KNOWN.includes(k) && config[k] !== null);
  if (strange.length) {
    throw new Error(`the weights' config holds ${strange.join(", ")}, which this engine does not ` +
      `know; it knows ${KNOWN.join(", ")}`);
  }
  if (!config.aligned) throw new Error("only networks with aligned: true can be computed here");
  if (!config.hidden) throw new Error("only networks with a denoiser (hidden > 0) are known here");
  if (config.low_bins % 4) {
    throw new Error(`low_bins is ${config.low_bins}; a multiple of 4 is needed`);
  }
  const settings = SETTINGS[config.setting];
  if (!settings) throw new Error(`there is no setting ${config.setting}`);
  const bins = settings.n_fft / 2 + 1;
  if (bins !== config.bins) {
    throw new Error(`setting ${config.setting} has ${bins} bins, not ${config.bins}`);
  }
  return config;
}

// ------------------------------------------------------------------ memory and weights

/** @param {Arithmetic} arithmetic @returns {(rows: number, columns: number) => Matrix} */
function allocator({ memory, __heap_base }) {
  let top = __heap_base.value;
  return (rows, columns) => {
    const at = 16 * Math.ceil(top / 16);
    top = at + 4 * rows * columns;
    const missing = top - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    // The memory moves when it grows, so a view is made anew where it is used.
    return { at, rows, columns, view: () => new Float32Array(memory.buffer, at, rows * columns) };
  };
}

/** A layer's weights in panels of 8 outputs, zeros where there are fewer. @returns {Layer} */
function readLayer(tensor, allocate, weight, bias) {
  const { shape: [rows, inputs], at } = tensor(weight), outputs = upTo8(rows);
  const W = allocate(outputs / 8, 8 * inputs), b = allocate(1, outputs), panels = W.view();
  const added = tensor(bias);
  for (let n = 0; n < rows; n += 1) {
    const panel = (n >> 3) * 8 * inputs + (n & 7);
    for (let k = 0; k < inputs; k += 1) panels[panel + 8 * k] = at(n * inputs + k);
  }
  b.view().set(Float32Array.from({ length: rows }, (_, n) => added.at(n)));
  return { W, b, inputs, outputs };
}

function readLayers(tensor, allocate) {
  const linear = (name) => readLayer(tensor, allocate, `${name}.weight`, `${name}.bias`);
  const gru = (name, end) => ({
    input: readLayer(tensor, allocate, `${name}.weight_ih_l0${end}`, `${name}.bias_ih_l0${end}`),
    state: readLayer(tensor, allocate, `${name}.weight_hh_l0${end}`, `${name}.bias_hh_l0${end}`),
  });
  return {
    forward: gru("masker.encoder.gru", ""),
    backward: gru("masker.encoder.gru", "_reverse"),
    decoder: gru("masker.decoder", ""),
    mask: linear("masker.mask.linear"),
    compress: linear("denoiser.encoder"),
    expand: linear("denoiser.decoder"),
  };
}

/**
 * Where the intermediate results of SEQUENCES sequences lie. What is no longer needed makes room for
 * what comes after it: a phone has a worker's room twice or more.
 *
 * @param {Config} config
 */
function makeRoom(config, allocate) {
  const F = config.low_bins, N = upTo8(config.bins), rows = SEQUENCES * config.frames;
  const gates = upTo8(6 * F), wide = allocate(rows, Math.max(gates, N));
  const heard = allocate(rows, 2 * F), V = allocate(rows, N);
  return {
    x: allocate(rows, F), // what the encoder hears
    h_enc: heard,
    trimmed: allocate(rows, 2 * F), // the same without the context
    h_dec: heard,
    ends: allocate((SEQUENCES + 1) * (config.warm_up ?? 0), 2 * F), // heard before each sequence
    gates: wide, // W x + b of a GRU, all frames
    V, // the mixture without the context
    V_m: narrowed(wide, N), // behind the masker
    V_d: V, // behind the denoiser
    hidden: allocate(rows, upTo8(config.hidden)),
    state: allocate(SEQUENCES, 2 * F), // h of a GRU, one frame
    update: allocate(SEQUENCES, gates), // U h + c, one frame
  };
}

/** The same memory as a matrix of fewer columns. @param {Matrix} matrix @returns {Matrix} */
function narrowed({ at, rows, view }, columns) {
  return { at, rows, columns, view: () => view().subarray(0, rows * columns) };
}

// ------------------------------------------------------------------ the network

/**
 * Magnitudes (count, frames, bins) at the network's level -> (count * (frames - 2 context), bins);
 * `follows`: the first sequence follows the last one of the call before.
 *
 * @param {Float32Array} V @param {number} count @param {boolean} follows @param {Config} config
 * @param {Arithmetic} arithmetic
 */
function forward(V, count, follows, config, layers, room, arithmetic) {
  const { frames, context, low_bins: F, warm_up = 0 } = config, inner = frames - 2 * context;
  const rows = count * inner;

  /** @param {Matrix} x @param {Layer} layer @param {Matrix} y */
  const linear = (x, { W, b, inputs, outputs }, y, ldy = outputs, n = rows) =>
    arithmetic.linear(x.at, x.columns, W.at, b.at, y.at, ldy, n, outputs, inputs);

  function gru(x, { input, state }, y, length, { column = 0, isBackward = false, isWarm = false } = {}) {
    linear(x, input, room.gates, input.outputs, count * length);
    arithmetic.gru(room.gates.at, input.outputs, state.W.at, state.b.at, room.state.at, room.update.at,
      y.at + 4 * column, y.columns, count, length, state.inputs, isBackward ? 1 : 0, isWarm ? 1 : 0);
  }

  /** @param {Matrix} y @param {Matrix | null} v */
  const relu = (y, v) => arithmetic.relu(y.at, v ? v.at : 0, rows * y.columns);

  encoderInput(V, room.x.view(), count * frames, config);
  trimmedMixture(V, room.V, count, config);
  gru(room.x, layers.forward, room.h_enc, frames);
  gru(room.x, layers.backward, room.h_enc, frames, { column: F, isBackward: true });
  addResidual(room, count, config);
  if (warm_up) {
    endsBefore(room, count, config);
    gru(room.ends, layers.decoder, room.h_dec, warm_up); // the states it ends with are what counts
    if (!follows) room.state.view().fill(0, 0, 2 * F);
  }
  gru(room.trimmed, layers.decoder, room.h_dec, inner, { isWarm: warm_up > 0 });
  linear(room.h_dec, layers.mask, room.V_m);
  relu(room.V_m, room.V); // skip-filtering: the mask times the mixture
  linear(room.V_m, layers.compress, room.hidden);
  relu(room.hidden, null);
  linear(room.hidden, layers.expand, room.V_d);
  relu(room.V_d, room.V_m);
  return withoutPadding(room.V_d, rows, config.bins);
}

/**
 * The low bins of each frame, or the means of its bands, compressed: a log(1 + b V). What training
 * clips is not clipped here.
 */
function encoderInput(V, x, rows, config) {
  const { bins, low_bins, compression } = config, [a, b] = compression ?? [0, 0];
  const edges = bandEdges(config);
  for (let t = 0; t < rows; t += 1) {
    for (let f = 0; f < low_bins; f += 1) {
      let sum = 0;
      for (let k = edges[f]; k < edges[f + 1]; k += 1) sum += V[t * bins + k];
      const v = sum / (edges[f + 1] - edges[f]);
      x[t * low_bins + f] = compression ? a * Math.log1p(b * v) : v;
    }
  }
}

/**
 * The first bin of each band that the encoder hears, and the first above them all: the lower half are
 * single bins, above each is wider than the one below by the same factor; without bands all are single.
 *
 * @param {Config} config
 */
export function bandEdges({ bins, low_bins, bands_to }) {
  const single = Math.floor(low_bins / 2), top = ((bands_to ?? 0) / (SAMPLE_RATE / 2)) * (bins - 1);
  return Array.from({ length: low_bins + 1 }, (_, f) => {
    if (!bands_to || f < single) return f;
    return Math.round(single * ((Math.round(top) + 1) / single) ** ((f - single) / (low_bins - single)));
  });
}

/** The frames that are estimated, without the context around them. */
function trimmedMixture(V, trimmed, count, { bins, frames, context }) {
  const y = trimmed.view(), inner = frames - 2 * context;
  for (let b = 0; b < count; b += 1) {
    for (let t = 0; t < inner; t += 1) {
      const from = (b * frames + t + context) * bins;
      y.set(V.subarray(from, from + bins), (b * inner + t) * trimmed.columns);
    }
  }
}

/** What was heard around each estimated frame plus, in both directions, the frame itself. */
function addResidual(room, count, { frames, context, low_bins: F }) {
  const x = room.x.view(), h = room.h_enc.view(), y = room.trimmed.view();
  const inner = frames - 2 * context;
  for (let b = 0; b < count; b += 1) {
    for (let t = 0; t < inner; t += 1) {
      const from = b * frames + t + context, to = (b * inner + t) * 2 * F;
      for (let f = 0; f < F; f += 1) {
        y[to + f] = h[from * 2 * F + f] + x[from * F + f];
        y[to + F + f] = h[from * 2 * F + F + f] + x[from * F + f];
      }
    }
  }
}

/**
 * What the decoder hears before each sequence: the end of the sequence before. The first one's is
 * what the call before has left behind the others', where this one's last is left in its turn.
 */
function endsBefore({ trimmed, ends }, count, { frames, context, low_bins: F, warm_up = 0 }) {
  const h = trimmed.view(), y = ends.view(), size = warm_up * 2 * F;
  y.copyWithin(0, SEQUENCES * size);
  for (let b = 1; b <= count; b += 1) {
    const to = (b < count ? b : SEQUENCES) * size, end = b * (frames - 2 * context) * 2 * F;
    y.set(h.subarray(end - size, end), to);
  }
}

function withoutPadding(matrix, rows, bins) {
  const y = matrix.view(), result = new Float32Array(rows * bins);
  for (let t = 0; t < rows; t += 1) {
    const from = t * matrix.columns;
    result.set(y.subarray(from, from + bins), t * bins);
  }
  return result;
}

// ------------------------------------------------------------------ estimating a song

/** The factor that brings a sequence of magnitudes to the network's level; 1 for silence. */
export function gain(sequence, { level }) {
  if (level === null) return 1;
  let power = 0;
  for (let i = 0; i < sequence.length; i += 1) power += sequence[i] * sequence[i];
  const rms = Math.sqrt(power / sequence.length);
  return rms > 1e-12 ? level / rms : 1;
}

/**
 * The source's magnitudes in a mixture V (frames, bins) of which the first `before` and the last
 * `after` frames are context only; beyond the ends of V there are zeros.
 *
 * With a whole sequence and more in front, the first decoder is warmed up as all others are.
 *
 * @param {Float32Array} V @param {Config} config
 * @param {(sequences: Float32Array, count: number, follows: boolean) => Float32Array} network
 */
function estimate(V, before, after, config, network) {
  const { bins, frames, context, warm_up } = config, inner = frames - 2 * context;
  const begin = warm_up && before >= inner ? before - inner : before, end = V.length / bins - after;
  const V_hat = new Float32Array((end - begin) * bins);
  for (let start = begin; start < end; start += SEQUENCES * inner) {
    const stop = Math.min(start + SEQUENCES * inner, end);
    const sequences = cutSequences(V, config, start, stop);
    const count = sequences.length / (frames * bins);
    const gains = Array.from({ length: count }, (_, b) => {
      const sequence = sequences.subarray(b * frames * bins, (b + 1) * frames * bins);
      const g = gain(sequence, config);
      for (let i = 0; i < sequence.length; i += 1) sequence[i] *= g;
      return g;
    });
    const y = network(sequences, count, start > begin).subarray(0, (stop - start) * bins);
    const size = inner * bins;
    for (let i = 0; i < y.length; i += 1) y[i] /= gains[Math.floor(i / size)];
    V_hat.set(y, (start - begin) * bins);
    release(sequences, y);
  }
  return V_hat.subarray((before - begin) * bins);
}

/**
 * The sequences that together estimate frames start, ..., stop - 1: each begins `inner` frames after
 * the one before it, the first one's context lies before `start`.
 */
export function cutSequences(V, { bins, frames, context }, start, stop) {
  const inner = frames - 2 * context, count = Math.ceil((stop - start) / inner);
  // Context is heard as far as there is any; the last sequence is filled up with zeros.
  const last = Math.min(stop + context, V.length / bins);
  const sequences = new Float32Array(count * frames * bins);
  for (let b = 0; b < count; b += 1) {
    const first = start - context + b * inner, from = Math.max(first, 0);
    const to = Math.min(first + frames, last);
    const place = (b * frames + from - first) * bins;
    if (to > from) sequences.set(V.subarray(from * bins, to * bins), place);
  }
  return sequences;
}
