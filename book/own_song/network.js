/** The network's weights: fetched when they are asked for, kept in the browser's cache. */

const CACHE = "hpss-weights";

/** Whether WebAssembly can compute with four numbers at a time: a module that does, and nothing else. */
export const hasSimd = () => typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253,
  98, 11,
]));

/** The browser's cache, which plain http does not offer except on one's own machine. */
const open = async () => (globalThis.caches ? caches.open(CACHE).catch(() => null) : null);

/** @param {string} url */
export async function isKept(url) {
  return Boolean(await (await open())?.match(url));
}

/**
 * The weights, from the cache or else from the server; older ones leave the cache.
 *
 * @param {string} url names their content too, so that other weights have another address
 * @param {number} size bytes @param {(share: number) => void} onProgress @param {AbortSignal} signal
 * @returns {Promise<ArrayBuffer>}
 */
export async function weights(url, size, onProgress, signal) {
  const cache = await open(), kept = await cache?.match(url);
  if (kept) return kept.arrayBuffer();
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new Error(`${response.status} ${response.statusText}`);
  const bytes = new Uint8Array(size), reader = response.body.getReader();
  let at = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (at + next.value.length > size) throw new Error("the weights are not those of this page");
    bytes.set(next.value, at);
    at += next.value.length;
    onProgress(at / size);
  }
  if (at < size) throw new Error("the connection was cut");
  for (const old of (await cache?.keys()) ?? []) await cache?.delete(old);
  await cache?.put(url, new Response(bytes)).catch(() => {}); // no room: loaded again next time
  return bytes.buffer;
}
