/**
 * A worker's side of the engine. It answers each message { id, what, ... } with { id, ... }, or with
 * { id, error }. A block is first estimated, which workers do side by side, and then recovered, in
 * the order of the signal where the phases of one block go on from those of the one before.
 *
 * A block's samples come in a piece of memory, `room`, in which its part of the result goes back, so
 * that no message leaves anything to be collected behind.
 */

import { release } from "./memory.js";
import { loadModel } from "./network.js";
import { SETTINGS } from "./settings.js";
import { estimate, recover, resynthesise } from "./separation.js";

/** @type {import("./network.js").Network | null} */
let network = null;
/** @type {{X: import("./stft.js").Spectrogram, V_p: Float32Array, room: Float32Array} | null} */
let estimated = null; // the block between the two steps

const answers = {
  async load({ wasm, file }) {
    network = await loadModel(wasm, file);
    return { config: network.config, file };
  },
  estimate({ room, count, block, method, setting }) {
    const x = room.subarray(0, count);
    estimated = { ...estimate(x, block, method, SETTINGS[setting], network), room };
    return {};
  },
  recover({ block, phase, setting, previous }) {
    if (!estimated) throw new Error("no block has been estimated");
    const settings = SETTINGS[setting], { X, V_p, room } = estimated;
    const { S_p, state } = recover(X, V_p, phase, settings, previous);
    const part = resynthesise(S_p, block, settings, room);
    estimated = null;
    release(X.re, X.im, V_p, S_p.re, S_p.im);
    return { ...part, room, state };
  },
};

self.onmessage = async ({ data: { id, what, ...message } }) => {
  try {
    const answer = await answers[what](message);
    const lent = answer.file ?? answer.room?.buffer; // goes back
    self.postMessage({ id, ...answer }, { transfer: lent ? [lent] : [] });
  } catch (error) {
    self.postMessage({ id, error: String(error instanceof Error ? error.message : error) });
  }
};
