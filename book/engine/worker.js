/**
 * A worker's side of the engine. It answers each message { id, what, ... } with { id, ... }, or with
 * { id, error }. A block is first estimated, which workers do side by side, and then recovered, in
 * the order of the signal where the phases of one block go on from those of the one before.
 */

import { loadModel } from "./network.js";
import { SETTINGS } from "./settings.js";
import { estimate, recover, resynthesise } from "./separation.js";

/** @type {import("./network.js").Network | null} */
let network = null;
/** @type {{X: import("./stft.js").Spectrogram, V_p: Float32Array} | null} */
let estimated = null; // the block between the two steps

const answers = {
  async load({ wasm, weights }) {
    network = await loadModel(wasm, weights);
    return { config: network.config };
  },
  estimate({ x, block, method, setting }) {
    estimated = estimate(x, block, method, SETTINGS[setting], network);
    return {};
  },
  recover({ block, phase, setting, previous }) {
    if (!estimated) throw new Error("no block has been estimated");
    const settings = SETTINGS[setting];
    const { S_p, state } = recover(estimated.X, estimated.V_p, phase, settings, previous);
    estimated = null;
    return { ...resynthesise(S_p, block, settings), state };
  },
};

self.onmessage = async ({ data: { id, what, ...message } }) => {
  try {
    const answer = await answers[what](message);
    self.postMessage({ id, ...answer }, { transfer: answer.y ? [answer.y.buffer] : [] });
  } catch (error) {
    self.postMessage({ id, error: String(error instanceof Error ? error.message : error) });
  }
};
