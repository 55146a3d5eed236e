/* The stem player: one row a stem, solo and mute, one playhead on all spectrograms. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.stems) return;
  hpss.stems = { build };

  const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };

  // Seconds as minutes, seconds and tenths: 63.25 -> "1:03.2".
  function clock(seconds) {
    const tenths = Math.floor(seconds * 10 + 1e-6);
    const whole = String(Math.floor(tenths / 10) % 60).padStart(2, "0");
    return `${Math.floor(tenths / 600)}:${whole}.${tenths % 10}`;
  }

  const isModified = (event) => event.ctrlKey || event.metaKey || event.altKey;

  // Which rows are heard: solo, toggled alone or (add) beside others, goes before mute.
  function mixer(rows, heard, choices, changed) {
    const muted = rows.map((row) => row.hasAttribute("data-muted"));
    const solo = rows.map(() => false);

    const audible = () => (solo.some(Boolean) ? [...solo] : muted.map((silent) => !silent));

    function show() {
      const now = audible();
      rows.forEach((row, i) => {
        row.toggleAttribute("data-audible", now[i]);
        row.querySelector(".hpss-solo").setAttribute("aria-pressed", String(solo[i]));
        row.querySelector(".hpss-mute").setAttribute("aria-pressed", String(muted[i]));
      });
      for (const button of choices) {
        const i = Number(button.value);
        button.setAttribute("aria-pressed", String(now.every((on, k) => on === (k === i))));
      }
      const names = rows.filter((_, i) => now[i]).map((row) => row.dataset.label);
      const text = names.length ? `Hearing ${names.join(" + ")}` : "All rows are muted";
      if (heard.textContent !== text) heard.textContent = text;
      changed(now);
    }

    function toggleSolo(i, add) {
      const on = !solo[i];
      if (!add) solo.fill(false);
      solo[i] = on;
      show();
    }

    function toggleMute(i) {
      muted[i] = solo[i] || !muted[i];
      solo[i] = false;
      show();
    }

    // This row and no other.
    function only(i) {
      solo.fill(false);
      muted.fill(true);
      muted[i] = false;
      show();
    }

    rows.forEach((row, i) => {
      row.querySelector(".hpss-solo").addEventListener("click", (event) => {
        toggleSolo(i, event.shiftKey || event.ctrlKey || event.metaKey);
      });
      row.querySelector(".hpss-mute").addEventListener("click", () => toggleMute(i));
    });
    return { audible, show, toggleSolo, only };
  }

  // Playing, pausing and seeking; changed() whenever there is something new to show.
  function transport({ figure, playback, heard, duration, rate, settle, changed }) {
    let engine = null, loading = null, position = 0;
    let wanted = false, running = false; // sound is really coming only once it has loaded

    const time = () => (running ? engine.time() : position);

    async function bring() {
      engine = await playback.bring(heard());
      settle(engine);
    }

    async function play() {
      if (wanted) return;
      wanted = true;
      hpss.sounds.hush(self);
      hpss.playback.audioContext(rate).resume(); // inside the click, or it is kept silent
      if (position >= duration - 0.02) position = 0;
      figure.setAttribute("aria-busy", "true");
      changed();
      loading = loading ?? bring();
      await loading;
      figure.removeAttribute("aria-busy");
      if (!wanted || running) return;
      running = true;
      engine.start(position, finish);
      requestAnimationFrame(tick);
    }

    function halt(at) {
      engine?.stop();
      wanted = running = false;
      position = at;
      changed();
    }

    function finish() { halt(0); }
    function pause() { if (wanted) halt(time()); }

    function seek(to) {
      position = Math.min(Math.max(to, 0), Math.max(duration - 0.01, 0));
      if (running) engine.start(position, finish);
      changed();
    }

    function tick() {
      if (!running) return;
      if (!figure.isConnected) { // the output was cleared
        pause();
        return;
      }
      changed();
      requestAnimationFrame(tick);
    }

    function warm() {
      if (!loading) playback.warm(heard());
    }

    const silence = () => playback.rows.map(() => 0);
    const self = {
      play, pause, seek, warm,
      get engine() { return engine; },
      get isConnected() { return figure.isConnected; },
      get playing() { return wanted; },
      get running() { return running; },
      get time() { return time(); },
      get duration() { return duration; },
      get mode() { return engine && engine.kind; },
      gains: () => engine?.gains() ?? silence(),
      levels: () => engine?.levels() ?? silence(),
    };
    return self;
  }

  // The time, on the playhead, in figures and on the seek slider.
  function timeDisplay(figure, seek, player) {
    const lanes = figure.querySelector(".hpss-rows");
    const now = figure.querySelector(".hpss-now");
    const button = figure.querySelector(".hpss-play-button");
    let dragging = false, spoken = -1;

    seek.addEventListener("pointerdown", () => { dragging = true; });
    seek.addEventListener("change", () => { dragging = false; });

    return () => {
      const { time, duration, playing } = player();
      figure.toggleAttribute("data-playing", playing);
      const name = playing ? "Pause" : "Play";
      if (button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
      lanes.style.setProperty("--at", duration ? time / duration : 0);
      now.textContent = clock(time);
      if (!dragging) seek.value = time;
      hpss.fill(seek);
      // The slider's spoken value changes once a second, not sixty times.
      if (player().running && Math.floor(time) === spoken) return;
      spoken = Math.floor(time);
      seek.setAttribute("aria-valuetext", `${clock(time)} of ${clock(duration)}`);
    };
  }

  // A click on a spectrogram, or a drag along it, seeks.
  function seekOn(strip, seek, player) {
    function follow(event) {
      const box = strip.getBoundingClientRect();
      player.seek(((event.clientX - box.left) / box.width) * player.duration);
    }
    strip.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      if (event.pointerType !== "touch") strip.setPointerCapture(event.pointerId);
      seek.focus({ preventScroll: true });
      follow(event);
    });
    strip.addEventListener("pointermove", (event) => {
      if (strip.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  function keys(figure, seek, player, mix, rows) {
    seek.addEventListener("keydown", (event) => {
      // One hundredth of a second a key press would take all day: arrows move by a second.
      const step = STEPS[event.key];
      if (!step || isModified(event)) return;
      event.preventDefault();
      player.seek(player.time + step * Math.min(1, player.duration / 10));
    });
    figure.addEventListener("keydown", (event) => {
      if (isModified(event) || event.target.tagName === "AUDIO") return;
      if (event.key === " " && event.target.tagName !== "BUTTON") {
        event.preventDefault();
        toggle(player);
      }
      const digit = /^Digit([1-9])$/.exec(event.code);
      const number = Number(digit ? digit[1] : event.key);
      if (number >= 1 && number <= rows.length) {
        event.preventDefault();
        event.stopPropagation();
        mix.toggleSolo(number - 1, event.shiftKey);
      }
    });
  }

  function toggle(player) {
    if (player.playing) player.pause();
    else player.play();
  }

  function volumeFader(fader, player) {
    player.setVolume = () => {
      fader.value = hpss.playback.volume;
      hpss.fill(fader);
      player.engine?.setVolume();
    };
    fader.addEventListener("input", () => {
      hpss.playback.volume = Number(fader.value);
      for (const one of hpss.sounds.players) one.setVolume();
    });
    player.setVolume();
  }

  // The rows' own files, through Web Audio or, where that fails, plain audio elements.
  function files(figure, rows) {
    const audios = rows.map((row) => row.querySelector("audio"));
    const urls = audios.map((audio) => audio.getAttribute("src"));
    const duration = Number(figure.dataset.seconds);
    for (const audio of audios) audio.preload = "none";

    async function bring(audible) {
      let engine;
      try {
        engine = hpss.playback.buffers(urls, duration, Number(figure.dataset.rate));
        await engine.load(audible);
      } catch {
        engine = hpss.playback.elements(audios, duration);
        await engine.load();
      }
      return engine;
    }

    // Fetch (not decode) what is heard first, so that the first click is answered at once.
    function warm(audible) {
      urls.forEach((url, i) => {
        if (audible[i] && !url.startsWith("data:")) hpss.sounds.bytes(url).catch(() => {});
      });
    }

    return { rows, bring, warm };
  }

  // What invites to press it is fetched as soon as it is seen, after all that the page itself needs;
  // not where a reader saves data.
  function whenSeen(figure, then) {
    if (navigator.connection?.saveData) return;
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      then();
    });
    const begin = () => watch.observe(figure);
    if (document.readyState === "complete") begin();
    else addEventListener("load", begin, { once: true });
  }

  // playback: { rows, bring, warm } of what is heard; by default the files that the figure names.
  function build(figure, playback = null) {
    const rows = [...figure.querySelectorAll(".hpss-row")];
    const seek = figure.querySelector(".hpss-seek");
    const loop = figure.querySelector(".hpss-loop");
    const looping = () => loop.getAttribute("aria-pressed") === "true";
    const choices = figure.querySelectorAll(".hpss-choices button");
    const mix = mixer(rows, figure.querySelector(".hpss-heard"), choices, (audible) => {
      player.engine?.setAudible(audible);
    });
    const showTime = timeDisplay(figure, seek, () => player);
    const player = transport({
      figure,
      playback: playback ?? files(figure, rows),
      heard: mix.audible,
      duration: Number(figure.dataset.seconds),
      rate: Number(figure.dataset.rate),
      settle: (engine) => {
        engine.setAudible(mix.audible());
        engine.setLoop(looping());
        engine.setVolume();
      },
      changed: showTime,
    });

    rows.forEach((row) => seekOn(row.querySelector(".hpss-strip"), seek, player));
    keys(figure, seek, player, mix, rows);
    figure.querySelector(".hpss-play-button").addEventListener("click", () => toggle(player));
    for (const button of choices) {
      button.addEventListener("click", () => {
        mix.only(Number(button.value));
        player.play();
      });
    }
    for (const kind of ["pointerenter", "focusin"]) {
      figure.addEventListener(kind, player.warm, { once: true });
    }
    if (choices.length) whenSeen(figure, player.warm);
    seek.addEventListener("input", () => player.seek(Number(seek.value)));
    loop.addEventListener("click", () => {
      loop.setAttribute("aria-pressed", String(!looping()));
      player.engine?.setLoop(looping());
    });
    figure.hpss = player;
    hpss.sounds.players.add(player);
    volumeFader(figure.querySelector(".hpss-volume input"), player);
    mix.show();
    showTime();
  }

  hpss.register("[data-hpss=stems]", (figure) => build(figure));
})();
