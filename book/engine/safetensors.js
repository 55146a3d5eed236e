/**
 * A file of weights as hpss_lib/madtwinnet.py writes it: safetensors, in half precision.
 *
 * @typedef {{shape: number[], at: (i: number) => number}} Tensor its numbers, row after row
 * @typedef {{story: Record<string, any>, tensor: (name: string) => Tensor}} Weights
 */

/** Each of the 65,536 numbers in half precision. */
function halves() {
  return Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, digits = bits & 1023;
    if (exponent === 31) return digits ? NaN : sign * Infinity;
    if (exponent === 0) return sign * digits * 2 ** -24;
    return sign * (1 + digits / 1024) * 2 ** (exponent - 15);
  });
}

/** @param {ArrayBuffer} file @returns {Weights} */
export function readSafetensors(file) {
  const { header, begin } = readHeader(file);
  const { __metadata__: metadata = {}, ...entries } = header;
  const number = halves();
  const story = Object.fromEntries(
    Object.entries(metadata).map(([key, text]) => [key, JSON.parse(text)])
  );

  /** @param {string} name */
  function tensor(name) {
    const entry = entries[name];
    if (!entry) throw new Error(`the weights hold no tensor ${name}`);
    if (entry.dtype !== "F16") throw new Error(`${name} is ${entry.dtype}; F16 can be read`);
    const [from, to] = entry.data_offsets;
    if (begin + to > file.byteLength) throw new Error("the weights are cut short");
    // Read where they lie: a copy of all weights would be the largest thing that a page holds.
    const aligned = (begin + from) % 2 === 0;
    const bits = aligned
      ? new Uint16Array(file, begin + from, (to - from) / 2)
      : new Uint16Array(file.slice(begin + from, begin + to));
    return { shape: entry.shape, at: (i) => number[bits[i]] };
  }

  return { story, tensor };
}

/** @param {ArrayBuffer} file */
function readHeader(file) {
  try {
    const length = Number(new DataView(file).getBigUint64(0, true));
    const text = new TextDecoder().decode(new Uint8Array(file, 8, length));
    return { header: JSON.parse(text), begin: 8 + length };
  } catch {
    throw new Error("the weights are damaged, or no safetensors file");
  }
}
