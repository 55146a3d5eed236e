// The engine's worker in a thread of Node, which has no `self` of a browser.
import { parentPort } from "node:worker_threads";

globalThis.self = {
  postMessage: (message, options) => parentPort.postMessage(message, options?.transfer),
};
await import(new URL("../../book/engine/worker.js", import.meta.url));
parentPort.on("message", (data) => globalThis.self.onmessage({ data }));
