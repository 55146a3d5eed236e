/* The sounds of the page: one at a time, and a plain player goes on where the one before it was,
   be it its predecessor in a control or its neighbour in a list, and as loud. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.sounds) return;

  const players = new Set(); // every stem player of the page: { playing, pause, isConnected }

  const isPlain = (audio) => audio.tagName === "AUDIO" && !audio.closest(".hpss-stems");

  // Stop every other sound. A stem player without Web Audio plays through its own audio elements.
  function hush(except) {
    for (const audio of document.querySelectorAll("audio")) {
      if (audio !== except && isPlain(audio) && !audio.paused) audio.pause();
    }
    for (const player of players) {
      if (!player.isConnected) players.delete(player);
      else if (player !== except && player.playing) player.pause();
    }
  }

  document.addEventListener("play", (event) => {
    if (isPlain(event.target)) hush(event.target);
  }, true);

  // The list that a plain player stands in; none in a listening test, which plays by itself.
  function listOf(audio) {
    const list = isPlain(audio) && audio.closest(".hpss-sounds");
    return list && !list.closest("[data-hpss=listening]") ? list : null;
  }

  // One transport for the players of a list: whichever starts goes on where the last one was.
  const leaders = new WeakMap(); // list -> the audio element that played last

  document.addEventListener("play", ({ target: audio }) => {
    const list = listOf(audio);
    if (!list) return;
    const before = leaders.get(list);
    leaders.set(list, audio);
    if (!before || before === audio || before.ended || !before.currentTime) return;
    moveTo(audio, before.currentTime);
  }, true);

  function moveTo(audio, time) {
    if (audio.currentSrc.startsWith("blob:") || audio.currentSrc.startsWith("data:")) {
      whenReady(audio, () => { audio.currentTime = time; });
      return;
    }
    audio.pause();
    exchange(audio, audio.dataset.src ?? audio.getAttribute("src"), { time, playing: true });
  }

  document.addEventListener("volumechange", ({ target: audio }) => {
    const list = listOf(audio);
    if (!list) return;
    for (const other of list.querySelectorAll("audio")) {
      if (other.volume !== audio.volume) other.volume = audio.volume;
      if (other.muted !== audio.muted) other.muted = audio.muted;
    }
  }, true);

  // Where each plain player stands, by its key, so that its successor can go on from there when a
  // live control replaces it.
  const standing = new Map();

  function note({ target: audio }) {
    if (audio.tagName !== "AUDIO" || !audio.dataset.key || !audio.isConnected) return;
    standing.set(audio.dataset.key, {
      element: audio,
      time: audio.currentTime,
      playing: !audio.paused && !audio.ended,
    });
  }

  for (const kind of ["play", "timeupdate", "pause", "ended"]) {
    document.addEventListener(kind, note, true);
  }

  function goOn(audio) {
    const before = standing.get(audio.dataset.key);
    if (!before || before.element === audio || before.element.isConnected) return;
    const time = before.element.currentTime || before.time;
    standing.delete(audio.dataset.key);
    whenReady(audio, () => {
      if (time < audio.duration) audio.currentTime = time;
      if (before.playing) start(audio);
    });
  }

  function whenReady(audio, then) {
    if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
      then();
      return;
    }
    audio.addEventListener("loadedmetadata", then, { once: true });
    if (audio.preload === "none") audio.preload = "metadata";
  }

  function start(audio) {
    audio.play()?.catch(() => {}); // the browser wants a click first: no harm done
  }

  const exchanges = new WeakMap(); // audio element -> { url, resume, blob }

  // Give an audio element another file; if it was playing, go on at the same time (or as told).
  async function exchange(audio, url, told) {
    if (!told && url === (audio.dataset.src ?? audio.getAttribute("src"))) return;
    const last = exchanges.get(audio) ?? {};
    const resume = told ?? last.resume ?? {
      time: audio.currentTime,
      playing: !audio.paused && !audio.ended,
    };
    const mine = { url, resume, blob: last.blob };
    exchanges.set(audio, mine);
    audio.dataset.src = url;
    if (!resume.playing && !resume.time) {
      mine.resume = null;
      audio.src = url;
      return;
    }
    const source = await seekable(url);
    if (exchanges.get(audio) !== mine) { // the slider has moved on
      if (source !== url) URL.revokeObjectURL(source);
      return;
    }
    if (mine.blob) URL.revokeObjectURL(mine.blob);
    mine.blob = source === url ? null : source;
    audio.src = source;
    audio.addEventListener("loadedmetadata", () => {
      if (exchanges.get(audio) !== mine) return;
      mine.resume = null;
      audio.currentTime = Math.min(resume.time, audio.duration || 0);
      if (resume.playing) start(audio);
    }, { once: true });
    audio.load();
  }

  // A server without range requests cannot seek in a file; a blob always can. From disk, where
  // fetch is forbidden, the file itself can.
  async function seekable(url) {
    if (url.startsWith("blob:")) return url;
    try {
      return URL.createObjectURL(new Blob([await bytes(url)], { type: "audio/flac" }));
    } catch {
      return url;
    }
  }

  async function bytes(url) {
    if (location.protocol === "file:" && !url.startsWith("data:")) throw new Error("from disk");
    const response = await fetch(url);
    if (!response.ok) throw new Error(String(response.status));
    return response.arrayBuffer();
  }

  hpss.sounds = { players, hush, start, exchange, bytes };
  hpss.register("audio[data-key]", goOn);
})();
