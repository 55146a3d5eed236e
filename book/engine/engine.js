/**
 * The page's side of the engine: whole signals, cut into blocks for a few workers.
 *
 * @typedef {import("./separation.js").MethodName} MethodName
 * @typedef {import("./separation.js").PhaseName} PhaseName
 * @typedef {{method?: MethodName, phase?: PhaseName, onProgress?: (share: number) => void,
 *   signal?: AbortSignal, into?: Float32Array[]}} Options  share: of the work that is done, from 0
 *   to 1; into: where the result is added up, all zeros
 * @typedef {{length: number, numberOfChannels: number,
 *   copyFromChannel: (to: Float32Array<ArrayBuffer>, channel: number, start: number) => void}} Sound
 *   as an AudioBuffer is, whose memory need not be copied and may be played meanwhile
 * @typedef {{postMessage: Function, terminate: Function, onmessage: any, onerror: any}} WorkerLike
 */

import { blocks, needs } from "./separation.js";
import { SETTINGS } from "./settings.js";

export { SAMPLE_RATE } from "./settings.js";

const SETTING = "compact"; // of the median filter; the network's weights name their own

/** @returns {WorkerLike} */
const startWorker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

/**
 * An engine of some workers.
 *
 * @param {{workers?: number, start?: () => WorkerLike}} [options]
 */
export function makeEngine({ workers = 2, start = startWorker } = {}) {
  const crew = Array.from({ length: workers }, () => colleague(start()));
  /** @type {any} */
  let config = null;
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve(); // one signal after the other

  /**
   * Bring the network to every worker, one after the other: the weights go from hand to hand, and
   * nobody holds a copy of the file.
   *
   * @param {ArrayBuffer} wasm @param {ArrayBuffer} weights handed over: empty from now on
   */
  async function loadModel(wasm, weights) {
    let file = weights, loaded = null;
    for (const one of crew) {
      ({ config: loaded, file } = await one.ask("load", { wasm, file }, [file]));
    }
    config = loaded;
    return config;
  }

  /**
   * The percussive part of each channel; the harmonic one is what it leaves of x.
   *
   * Of two channels the middle and the side are separated, of any other number each on its own.
   * Signals wait for one another; what is cancelled ends with its current blocks.
   *
   * @param {Float32Array[] | Sound} x channels at SAMPLE_RATE, of one length, finite
   * @param {Options} [options]
   * @returns {Promise<Float32Array[]>}
   */
  function separate(x, options = {}) {
    const result = turn.then(() => separateNow(x, options));
    turn = result.catch(() => {});
    return result;
  }

  /** @param {Float32Array[] | Sound} signals @param {Options} options */
  async function separateNow(signals, options) {
    const { method = "mad", phase = "mixture", onProgress, signal } = options;
    const x = Array.isArray(signals) ? soundOf(signals) : signals, channels = range(x.numberOfChannels);
    const setting = method === "mad" && config ? config.setting : SETTING;
    const settings = SETTINGS[setting];
    const needed = needs(method, settings, config);
    const parts = blocks(x.length, settings, needed);
    const tasks = channels.flatMap((channel) => chain(parts, channel));
    const y = options.into ?? channels.map(() => new Float32Array(x.length));
    const longest = Math.max(...parts.map(({ offset, end }) => end - offset + 2 * needed.margin));
    const right = new Float32Array(longest); // the other channel's samples, for a moment
    let next = 0, done = 0;

    async function work(one) {
      let room = new Float32Array(longest); // goes to the worker with samples, comes back with its part
      while (next < tasks.length) {
        signal?.throwIfAborted();
        const { block, channel, before, handOn } = tasks[next];
        next += 1;
        const count = cut(x, channel, block, needed.margin, room, right);
        await one.ask("estimate", { room, count, block, method, setting }, [room.buffer]);
        const previous = phase === "mixture" ? undefined : await before;
        const part = await one.ask("recover", { block, phase, setting, previous });
        handOn(part.state);
        room = part.room;
        add(y[channel], room.subarray(0, part.count), part.start);
        done += 1;
        onProgress?.(done / tasks.length);
      }
    }

    // Nobody begins a new block after a failure, nobody waits for a block that will not come; and
    // all have come to rest before the next signal begins.
    const results = await Promise.allSettled(crew.map((one) => work(one).catch((error) => {
      next = tasks.length;
      for (const { handOn } of tasks) handOn(undefined);
      throw error;
    })));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    signal?.throwIfAborted();
    if (y.length === 2) leftAndRight(y);
    return y;
  }

  /** Stop all workers, in the middle of what they do. */
  function close() {
    for (const one of crew) one.close();
  }

  return { loadModel, separate, close };
}

/** A worker that can be asked. @param {WorkerLike} worker */
function colleague(worker) {
  const waiting = new Map();
  let asked = 0;

  worker.onmessage = ({ data: { id, error, ...answer } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  };
  worker.onerror = ({ message }) => fail(new Error(message || "a worker could not be started"));

  function fail(error) {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  return {
    /** @param {string} what @param {object} message @param {Transferable[]} [transfer] */
    ask: (what, message, transfer = []) => new Promise((resolve, reject) => {
      asked += 1;
      waiting.set(asked, { resolve, reject });
      worker.postMessage({ id: asked, what, ...message }, transfer);
    }),
    close: () => {
      worker.terminate();
      fail(new DOMException("the engine was closed", "AbortError"));
    },
  };
}

/**
 * The blocks of a channel, each with a promise of what the one before it hands on.
 *
 * @param {import("./separation.js").Block[]} parts @param {number} channel
 */
function chain(parts, channel) {
  /** @type {Promise<any>} */
  let before = Promise.resolve(undefined);
  return parts.map((block) => {
    /** @type {(state: any) => void} */
    let handOn = () => {};
    const task = { block, channel, before, handOn: (/** @type {any} */ state) => handOn(state) };
    before = new Promise((resolve) => { handOn = resolve; });
    return task;
  });
}

const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i);

/** Channels as a Sound. @param {Float32Array[]} channels @returns {Sound} */
function soundOf(channels) {
  if (!channels.length || !channels[0].length) {
    throw new Error("there is no sound: no channel, or no sample");
  }
  const { length } = channels[0];
  if (channels.some((channel) => channel.length !== length)) {
    throw new Error("the channels have different lengths");
  }
  if (!channels.every((channel) => channel.every(Number.isFinite))) {
    throw new Error("the sound holds NaN or infinite samples");
  }
  return {
    length,
    numberOfChannels: channels.length,
    copyFromChannel: (to, channel, start) =>
      to.set(channels[channel].subarray(start, start + to.length)),
  };
}

/**
 * The samples that a block takes of a channel, and `margin` more on either side, into `room`; of two
 * channels, of the middle or the side. Beyond its ends the signal goes on as in a mirror.
 *
 * @param {Sound} x @param {number} channel
 * @param {import("./separation.js").Block} block @param {number} margin
 * @param {Float32Array<ArrayBuffer>} room
 * @param {Float32Array<ArrayBuffer>} right as long, overwritten too: of an array made anew for each
 *   block nothing could be given back, since the browser holds on to what it has written into
 * @returns {number} how many they are
 */
function cut(x, channel, { offset, end }, margin, room, right) {
  const begin = offset - margin, from = Math.max(0, begin), to = Math.min(x.length, end + margin);
  const own = room.subarray(from - begin, to - begin), count = end + margin - begin;
  x.copyFromChannel(own, x.numberOfChannels === 2 ? 0 : channel, from);
  if (x.numberOfChannels === 2) {
    const sign = channel === 0 ? 1 : -1;
    x.copyFromChannel(right.subarray(0, own.length), 1, from);
    for (let n = 0; n < own.length; n += 1) own[n] = (own[n] + sign * right[n]) / 2;
  }
  const twice = 2 * x.length;
  const mirrored = (/** @type {number} */ i) => {
    const n = (((begin + i) % twice) + twice) % twice;
    return own[(n < x.length ? n : twice - 1 - n) - from];
  };
  for (let i = 0; i < from - begin; i += 1) room[i] = mirrored(i);
  for (let i = to - begin; i < count; i += 1) room[i] = mirrored(i);
  return count;
}

function add(y, part, start) {
  for (let n = 0; n < part.length; n += 1) y[start + n] += part[n];
}

/** Middle and side to left and right, IN PLACE. @param {Float32Array[]} y */
function leftAndRight(y) {
  const [middle, side] = y;
  for (let n = 0; n < middle.length; n += 1) {
    [middle[n], side[n]] = [middle[n] + side[n], middle[n] - side[n]];
  }
}
