// A thread of Node that looks like a worker of a browser.
import { Worker } from "node:worker_threads";

export function startWorker() {
  const thread = new Worker(new URL("./worker.mjs", import.meta.url));
  const worker = {
    postMessage: (message, transfer) => thread.postMessage(message, transfer),
    terminate: () => thread.terminate(),
    onmessage: null,
    onerror: null,
  };
  thread.on("message", (data) => worker.onmessage({ data }));
  thread.on("error", (error) => worker.onerror(error));
  return worker;
}
