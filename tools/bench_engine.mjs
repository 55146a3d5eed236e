// Speed and memory of the browser's engine under Node: node tools/bench_engine.mjs [--minutes 1]
//
// White noise does as well as music: the work does not depend on the sound. Each line says how many
// times faster than real time a signal is separated, from samples to samples, with so many workers,
// and the most memory that the whole process, weights and workers included, has held so far.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { SAMPLE_RATE, makeEngine } from "../book/engine/engine.js";
import { startWorker } from "../tests/engine/node.mjs";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "1" } } });
const minutes = Number(values.minutes);
const bytes = async (path) => {
  const file = await readFile(new URL(path, import.meta.url));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};
const wasm = await bytes("../book/engine/network.wasm");
const weights = await bytes("../hpss_lib/weights/compact-percussive.safetensors");
const noise = () => Float32Array.from(
  { length: 60 * minutes * SAMPLE_RATE }, () => 0.2 * (Math.random() - 0.5)
);

async function measure(channels, workers, options) {
  const engine = makeEngine({ workers, start: startWorker });
  try {
    await engine.loadModel(wasm, weights.slice(0)); // which are handed over
    await engine.separate([new Float32Array(SAMPLE_RATE)], options); // compiled by now
    const x = Array.from({ length: channels }, noise), processor = process.cpuUsage();
    const start = performance.now();
    await engine.separate(x, options);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(processor);
    const busy = (user + system) / 1e6, memory = process.resourceUsage().maxRSS / 1024;
    console.log(
      `${minutes} min, ${channels} ch, ${workers} workers, ${options.method}/${options.phase}: ` +
      `${((60 * minutes) / seconds).toFixed(1)} x real time ` +
      `(${((60 * minutes) / busy).toFixed(1)} x by the processor's time), ${memory.toFixed(0)} MB`
    );
  } finally {
    engine.close();
  }
}

for (const workers of [1, 2]) await measure(1, workers, { method: "mad", phase: "mixture" });
await measure(1, 2, { method: "mad", phase: "pu" });
await measure(1, 2, { method: "median", phase: "mixture" });
await measure(2, 2, { method: "mad", phase: "mixture" });
