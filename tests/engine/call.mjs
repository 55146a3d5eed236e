// Calls the engine for tests/test_engine.py: one JSON line in, [module, function, arguments], one
// JSON line out. Arrays travel as {"array": "Float32Array", "data": base64}.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { startWorker } from "./node.mjs";

const ENGINE = new URL("../../book/engine/", import.meta.url);

const decode = (value) => JSON.parse(value, (_, v) => {
  if (!v?.array) return v;
  const bytes = Buffer.from(v.data, "base64");
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return new globalThis[v.array](data);
});

const encode = (value) => JSON.stringify(value, (_, v) => {
  if (!ArrayBuffer.isView(v)) return v;
  const data = Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString("base64");
  return { array: v.constructor.name, data };
});

const bytes = async (path) => {
  const file = await readFile(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};

const load = async (weights) => [await bytes(new URL("network.wasm", ENGINE)), await bytes(weights)];

// What needs more than one call.
const scenes = {
  async estimate(weights, V, before, after) {
    const { loadModel } = await import(new URL("network.js", ENGINE));
    return (await loadModel(...await load(weights))).estimate(V, before, after);
  },
  async separate(weights, x, options, workers) {
    const { makeEngine } = await import(new URL("engine.js", ENGINE));
    const engine = makeEngine({ workers, start: startWorker }), progress = [];
    try {
      if (weights) await engine.loadModel(...await load(weights));
      const onProgress = (share) => progress.push(share);
      return { y: await engine.separate(x, { ...options, onProgress }), progress };
    } finally {
      engine.close();
    }
  },
  async cancelled(weights, x, options) {
    const { makeEngine } = await import(new URL("engine.js", ENGINE));
    const engine = makeEngine({ workers: 2, start: startWorker }), stop = new AbortController();
    try {
      await engine.loadModel(...await load(weights));
      const shares = [];
      const onProgress = (share) => { shares.push(share); stop.abort(); };
      const first = engine.separate(x, { ...options, onProgress, signal: stop.signal });
      const second = engine.separate(x, options);
      const error = await first.then(() => null, (reason) => reason.name);
      return { error, shares, y: await second };
    } finally {
      engine.close();
    }
  },
  async overlapAdded(S, settings, first, offset, length) {
    const { overlapAdd } = await import(new URL("stft.js", ENGINE));
    const y = new Float32Array(length);
    overlapAdd(y, S, settings, first, offset);
    return y;
  },
  async transformed(re, im) {
    const { makeFft } = await import(new URL("fft.js", ENGINE));
    makeFft(re.length)(re, im);
    return { re, im };
  },
  async closedForms(bins) {
    const { closedForm } = await import(new URL("puiter.js", ENGINE));
    return bins.map((bin) => {
      const S = [0, 0, 0, 0];
      closedForm(...bin, S);
      return S;
    });
  },
  async reach() {
    return (await import(new URL("rumble.js", ENGINE))).REACH;
  },
  async settings() {
    return { ...await import(new URL("settings.js", ENGINE)) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [module, name, args] = decode(line);
  try {
    const call = module ? (await import(new URL(module, ENGINE)))[name] : scenes[name];
    console.log(encode({ value: (await call(...args)) ?? null }));
  } catch (error) {
    console.log(encode({ error: String(error.message) }));
  }
}
