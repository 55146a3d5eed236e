/**
 * The player of one song: song, drums and rest through one clock. Only the song x and, for each way
 * of separating it, the drums p are held: the rest is x - p, and every mixture of the three is a sum
 * of x and p with two weights.
 *
 *     s x + d p + r (x - p) = (s + r) x + (d - r) p
 */

import { draw } from "./strips.js";

const hpss = /** @type {any} */ (window).hpss;
const DRUMS = 1, REST = 2; // rows

/**
 * @param {HTMLElement} figure a copy of the template, on the page
 * @param {import("./song.js").Song} song
 * @param {{gain: number, ramps: Record<string, Record<string, string>>}} look
 */
export function openDesk(figure, { buffer }, { gain, ramps }) {
  const rows = /** @type {HTMLElement[]} */ ([...figure.querySelectorAll(".hpss-row")]);
  const faders = rows.map((row) => faderOf(row, () => apply()));
  /** @type {Map<string, AudioBuffer>} */
  const parts = new Map();
  let method = "", tracks = null, audible = [false, true, true];
  /** @type {Map<string, Uint8Array[]>} pictures by method; "" of the song alone */
  const pictures = new Map();

  /** How loud song, drums and rest are. */
  const weights = () => audible.map((on, i) => (on ? gain * faders[i].value() : 0));

  function apply() {
    const [s, d, r] = weights();
    tracks?.setWeight("song", s + r);
    for (const name of parts.keys()) tracks?.setWeight(name, name === method ? d - r : 0);
  }

  /** @returns {Promise<object>} what plays, made by the first click as browsers demand */
  async function bring() {
    const context = hpss.playback.audioContext(buffer.sampleRate);
    tracks = hpss.playback.together(context, buffer.duration);
    tracks.add("song", buffer, 0);
    for (const [name, part] of parts) tracks.add(name, part, 0);
    apply();
    const { start, stop, time, setLoop, setVolume } = tracks;
    const setAudible = (/** @type {boolean[]} */ now) => { audible = now; apply(); };
    return {
      kind: "remix", start, stop, time, setLoop, setVolume, setAudible,
      gains: weights,
      levels: () => [tracks.level("song"), ...[...parts.keys()].map(tracks.level)],
    };
  }

  /** @param {string} name @param {AudioBuffer} part */
  function add(name, part) {
    parts.set(name, part);
    tracks?.add(name, part, 0);
  }

  /** From now on these drums are heard and shown, at the same place in the song. */
  function choose(/** @type {string} */ name) {
    method = name;
    apply();
    paint();
  }

  /** @param {string} name @param {Uint8Array[]} levels */
  function show(name, levels) {
    pictures.set(name, levels);
    paint();
  }

  function paint() {
    const levels = pictures.get(method) ?? pictures.get("") ?? [];
    const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
    levels.forEach((level, i) => {
      const canvas = /** @type {HTMLCanvasElement} */ (rows[i].querySelector("canvas"));
      draw(canvas, level, ramps[rows[i].dataset.kind ?? ""][theme]);
    });
  }

  const closed = new AbortController();
  const watch = new MutationObserver(paint);
  watch.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  figure.dataset.seconds = String(buffer.duration);
  figure.dataset.rate = String(buffer.sampleRate);
  hpss.stems.build(figure, { rows, bring, warm: () => {} });
  const player = /** @type {any} */ (figure).hpss;

  function close() {
    player.pause();
    closed.abort();
    watch.disconnect();
    figure.remove();
  }

  /** The levels at which the remix is saved. */
  const remix = () => [faders[DRUMS].value(), faders[REST].value()];

  const { signal } = closed;
  return { add, choose, show, close, remix, parts, signal, get method() { return method; } };
}

/** A row's fader, if it has one: amplitudes, said in decibels. */
function faderOf(row, changed) {
  const input = row.querySelector(".hpss-own-fader input");
  if (!input) return { value: () => 1 };
  const words = row.querySelector(".hpss-own-fader output");

  function say() {
    const value = Number(input.value);
    const decibels = value ? `${(20 * Math.log10(value)).toFixed(1).replace("-", "−")} dB` : "off";
    words.textContent = decibels.replace(/^−?0\.0 /, "0 ");
    input.setAttribute("aria-valuetext", words.textContent);
    hpss.fill(input);
  }

  input.addEventListener("input", () => {
    say();
    changed();
  });
  say();
  return { value: () => Number(input.value) };
}
