/**
 * The page on which readers separate their own songs. A song comes in (a file, an excerpt, the
 * microphone), is decoded, separated by the median filter at once, then by the network where it was
 * asked for; a new song puts an end to whatever was going on.
 */

import { makeEngine } from "../engine/engine.js";
import { SAMPLE_RATE } from "../engine/settings.js";
import { openDesk } from "./desk.js";
import { hasSimd, isKept, weights } from "./network.js";
import { decode, duration, peak, samples } from "./song.js";
import { levels } from "./strips.js";
import { wav } from "./wav.js";
import * as words from "./words.js";

/** @typedef {"median" | "mad" | "pu"} Way */

const root = /** @type {HTMLElement} */ (document.getElementById("own-song"));
const find = (/** @type {string} */ name, within = root) =>
  /** @type {any} */ (within.querySelector(name));
const data = root.dataset;
const look = {
  rows: Number(data.rows), columns: Number(data.columns), low: Number(data.low),
  high: Number(data.high), floor: Number(data.floor), gain: Number(data.gain),
  ramps: JSON.parse(find(".hpss-ramps").textContent),
};
const weightsUrl = new URL(`${data.weights}?${data.weightsHash?.slice(0, 16)}`, document.baseURI).href;

/** What each way of separating asks of the engine. @type {Record<Way, object>} */
const WAYS = { median: { method: "median" }, mad: {}, pu: { phase: "pu" } };
const NAMES = { median: "Median filter", mad: "Network", pu: "Closed-form phases" };

/** @type {ReturnType<typeof makeEngine> | null} */
let engine = null;
let hasNetwork = false; // the engine has its weights
/** @type {ReturnType<typeof openDesk> | null} */
let desk = null;
/** @type {import("./song.js").Song | null} */
let song = null;
let stop = new AbortController(); // of what is going on

const crew = () => (navigator.hardwareConcurrency >= 8 ? 4 : 2);

// -------------------------------------------------------------------------------- what is said

const say = (/** @type {string} */ text) => { find(".hpss-own-said").textContent = text; };

function complain(/** @type {string} */ text) {
  const problem = find(".hpss-own-problem");
  problem.textContent = text;
  problem.hidden = !text;
}

/** Show how far the work has come; announce its quarters. */
function working(/** @type {string} */ what) {
  const box = find(".hpss-own-work"), began = performance.now();
  let quarter = 0;
  box.hidden = false;
  data.state = "working";
  find(".hpss-own-offer").hidden = true;
  say(`${what} …`);

  return (/** @type {number} */ share) => {
    const text = words.progress(what, share, (performance.now() - began) / 1000);
    find(".hpss-own-doing").textContent = text;
    find("progress", box).value = share;
    if (Math.floor(4 * share) > quarter && share < 1) say(text);
    quarter = Math.floor(4 * share);
  };
}

async function resting() {
  const box = find(".hpss-own-work");
  const hadFocus = box.contains(document.activeElement);
  box.hidden = true;
  find(".hpss-own-question").hidden = true;
  const missing = Boolean(desk?.parts.has("median")) && !desk?.parts.has("mad");
  find(".hpss-own-offer").hidden = !missing || !hasSimd();
  if (missing && (hasNetwork || await isKept(weightsUrl))) {
    find(".hpss-own-size").textContent = "(already on this computer)";
  }
  data.state = desk ? "ready" : "idle";
  if (hadFocus) (desk ? find(".hpss-play-button") : find(".hpss-own-choose")).focus();
}

/** Ask before something that takes long; what is chosen, by its label. */
function ask(text, labels, signal) {
  const box = find(".hpss-own-question"), choices = find(".hpss-own-choices");
  find("p", box).textContent = text;
  choices.replaceChildren();
  box.hidden = false;
  find(".hpss-own-work").hidden = true;
  data.state = "asking";
  return new Promise((resolve, reject) => {
    for (const label of labels) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => {
        box.hidden = true;
        resolve(label);
      });
      choices.append(button);
    }
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    choices.firstElementChild.focus();
    say(text);
  });
}

// ------------------------------------------------------------------------------ what is done

/** Do something that may be cancelled; whatever was going on ends. */
async function attempt(name, action) {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  complain("");
  try {
    await action(signal);
  } catch (error) {
    if (signal.aborted) return; // by Cancel, which says so, or by what came next
    say("");
    complain(explained(error, name));
  }
  if (!signal.aborted) await resting();
}

/** An error in words; those that the page throws itself are words already. */
function explained(error, name) {
  const reason = String(error?.message ?? error);
  if (error instanceof Said) return reason;
  if (!(error instanceof RangeError) && !/memory|allocat/i.test(reason)) return words.unexpected(reason);
  engine?.close(); // and what it holds
  engine = null;
  hasNetwork = false;
  return words.noMemory(name);
}

class Said extends Error {}

/** What `promise` gives, or an error in these words. */
async function orSay(promise, text, signal) {
  try {
    return await promise;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RangeError) throw error;
    throw new Said(text);
  }
}

/** @param {Blob} file @param {string} name */
const take = (file, name) => attempt(name, async (signal) => {
  desk?.close();
  desk = song = null;
  working(`Reading ${name}`)(0);
  if (!file.size) throw new Said(words.noSound(name));
  const seconds = await duration(file);
  signal.throwIfAborted();
  let most = Infinity;
  if (seconds !== null && seconds > Number(data.long)) {
    most = await agreed(name, seconds, Number(data.long), signal);
    if (most === 0) return;
    if (most < seconds) file = file.slice(0, Math.ceil((file.size * most * 1.05) / seconds) + 65536);
    working(`Reading ${name}`)(0);
  }
  const found = await orSay(decode(file, name, most), words.noSound(name), signal);
  signal.throwIfAborted();
  const loudest = peak(found.buffer);
  if (Number.isNaN(loudest)) throw new Said(words.damaged(name));
  if (loudest === 0) throw new Said(words.silent(name));
  song = found;
  open(found);
  await separate("median", signal);
  if (hasNetwork) await separate("mad", signal);
  else if (!hasSimd()) complain(words.noSimd);
});

/** How many seconds of a long song are to be separated: `some`, all or none. */
async function agreed(name, seconds, some, signal) {
  const speed = await measuredSpeed(signal), need = 2 * 2 * 4 * SAMPLE_RATE * seconds;
  const [first, all, none] = [`The first ${words.duration(some)}`, "All of it", "Nothing"];
  const text = words.long(name, seconds, need, (2 * seconds) / speed);
  const chosen = await ask(text, [first, all, none], signal);
  return chosen === first ? some : chosen === all ? Infinity : 0;
}

/** Seconds of one channel that the median filter does in one second. */
async function measuredSpeed(signal) {
  const seconds = 10, noise = new Float32Array(seconds * SAMPLE_RATE).map(() => Math.random() - 0.5);
  const began = performance.now();
  await started().separate([noise], { method: "median", signal });
  return (crew() * seconds) / ((performance.now() - began) / 1000); // it is one block: one worker's
}

function started() {
  engine ??= makeEngine({ workers: crew() });
  return engine;
}

/** Put a fresh player on the page. @param {import("./song.js").Song} found */
function open(found) {
  const figure = find("template").content.firstElementChild.cloneNode(true);
  const { buffer, name, rate, channels } = found;
  find(".hpss-title", figure).textContent = name;
  find(".hpss-own-notes", figure).textContent = words.remarks(rate, channels);
  find(".hpss-time", figure).lastChild.textContent = ` / ${clock(buffer.duration)}`;
  find(".hpss-seek", figure).max = buffer.duration.toFixed(3);
  ruler(find(".hpss-ruler div", figure), buffer.duration);
  root.insertBefore(figure, find(".hpss-own-said"));
  const mine = desk = openDesk(figure, found, look);
  for (const input of figure.querySelectorAll("[name=own-method]")) {
    input.addEventListener("change", () => chooseWay(input.value));
  }
  for (const button of figure.querySelectorAll(".hpss-own-save button")) {
    button.addEventListener("click", () => save(button.value));
  }
  levels(buffer, null, look, mine.signal).then(([level]) => mine.show("", [level]), () => {});
}

const clock = (/** @type {number} */ seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** The time scale under the strips, as under every player of the book. */
function ruler(box, seconds) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300].find((s) => seconds / s <= 8) ?? 900;
  for (let at = 0; at <= 0.93 * seconds; at += step) {
    const mark = document.createElement("span");
    mark.style.left = `${(100 * at) / seconds}%`;
    mark.textContent = step < 60 ? `${Number(at.toFixed(1))}${at ? " s" : ""}` : clock(at);
    box.append(mark);
  }
}

/** @param {Way} way @param {AbortSignal} signal */
async function separate(way, signal) {
  const { buffer } = /** @type {import("./song.js").Song} */ (song), onProgress = working(NAMES[way]);
  const mine = desk, began = performance.now();
  onProgress(0);
  const { length, numberOfChannels, sampleRate } = buffer;
  const part = new AudioBuffer({ length, numberOfChannels, sampleRate });
  await started().separate(buffer, { ...WAYS[way], onProgress, signal, into: samples(part) });
  mine?.add(way, part);
  const input = find(`[value=${way}]`);
  input.disabled = false;
  input.checked = true;
  mine?.choose(way);
  if (way === "mad") find("[value=pu]").disabled = false;
  say(`${NAMES[way]}: done in ${words.duration((performance.now() - began) / 1000)}`);
  if (mine) levels(buffer, part, look, mine.signal).then((all) => mine.show(way, all), () => {});
}

/** A way is heard at once where it has been computed; else it is computed first. */
function chooseWay(/** @type {Way} */ way) {
  if (desk?.parts.has(way)) desk.choose(way);
  else if (song) attempt(song.name, (signal) => separate(way, signal));
}

/** Bring the network to the engine, which alone holds its weights then. @param {AbortSignal} signal */
async function loadNetwork(signal) {
  const onProgress = working("Loading the network");
  onProgress(0);
  const size = Number(data.weightsBytes), wasm = new URL("../engine/network.wasm", import.meta.url);
  const [program, file] = await orSay(Promise.all([
    fetch(wasm, { signal }).then((response) => response.arrayBuffer()),
    weights(weightsUrl, size, onProgress, signal),
  ]), words.noConnection, signal);
  await started().loadModel(program, file);
  hasNetwork = true;
}

const withNetwork = () => song && attempt(song.name, async (signal) => {
  if (!hasNetwork) await loadNetwork(signal);
  await separate("mad", signal);
});

async function cancel() {
  stop.abort();
  if (desk?.method) find(`[value=${desk.method}]`).checked = true;
  await resting();
  say("Cancelled");
}

/** Save a part or the remix, without a copy of the whole. */
function save(/** @type {string} */ what) {
  const part = desk?.parts.get(desk.method);
  if (!song || !desk || !part) return;
  const [d, r] = { percussive: [1, 0], harmonic: [0, 1] }[what] ?? desk.remix(), { buffer } = song;
  const blob = wav(buffer.length, buffer.numberOfChannels, buffer.sampleRate, (channel, first, n) => {
    const x = new Float32Array(n), p = new Float32Array(n);
    buffer.copyFromChannel(x, channel, first);
    part.copyFromChannel(p, channel, first);
    return x.map((value, i) => d * p[i] + r * (value - p[i]));
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${song.name.replace(/\.[^.]+$/, "")}.${what}.wav`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say(`${link.download}: ${words.size(blob.size)}`);
}

// ---------------------------------------------------------------------------- where songs come from

function wireFiles() {
  const input = find("input[type=file]"), place = find(".hpss-own-source");
  find(".hpss-own-choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // the same file may be chosen again
    if (file) take(file, file.name);
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    place.toggleAttribute("data-over", true);
  });
  for (const kind of ["dragleave", "drop"]) {
    addEventListener(kind, () => place.removeAttribute("data-over"));
  }
  addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) take(file, file.name);
  });
}

function wireExcerpts() {
  const menu = find(".hpss-own-excerpt");
  menu.addEventListener("change", async () => {
    if (!menu.value) return;
    const name = menu.selectedOptions[0].textContent.replace(/ \(.*/, "");
    const response = await fetch(menu.value).catch(() => null);
    if (response?.ok) await take(await response.blob(), name);
    else complain("The book’s song could not be loaded: there is no connection.");
  });
}

function wireMicrophone() {
  const button = find(".hpss-own-record");
  /** @type {MediaRecorder | null} */
  let recorder = null;

  async function record() {
    const asked = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: asked });
    /** @type {Blob[]} */
    const pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      const type = recorder?.mimeType;
      recorder = null;
      button.textContent = "Record";
      take(new Blob(pieces, { type }), "Recording");
    };
    recorder.start();
    button.textContent = "Stop recording";
    say("Recording …");
  }

  button.addEventListener("click", () => {
    if (recorder) recorder.stop();
    else record().catch(() => complain(words.noMicrophone));
  });
}

wireFiles();
wireExcerpts();
wireMicrophone();
find(".hpss-own-network").addEventListener("click", withNetwork);
find(".hpss-own-cancel").addEventListener("click", cancel);
data.state = "idle";
