/* Two ways to play several stems together: through Web Audio, sample by sample in step; and, where
   a page opened from disk may not fetch, through plain audio elements.

   Both are { kind, load, start, stop, time, setAudible, setVolume, setLoop, gains, levels }. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.playback) return;

  const FADE = 0.012; // s: short enough to feel immediate, long enough not to click
  const SOON = 0.03; // s from the call to the first sample
  const LEVEL = 8192; // samples over which a level is measured
  const APART = 0.04; // s by which plain elements may drift apart
  let volume = 1; // one for the page, so that all its players stay comparable
  let context = null; // one for the page, made by the first click as browsers demand

  const loudness = () => volume * volume; // the ear hears ratios: a squared fader feels even

  function audioContext(rate) {
    const Context = window.AudioContext ?? window.webkitAudioContext;
    try {
      context = context ?? new Context({ sampleRate: rate, latencyHint: "interactive" });
    } catch {
      context = new Context(); // some devices refuse a rate
    }
    return context;
  }

  // Tracks played through one clock. Each has a key and a weight; one more may join while they play.
  function together(ctx, duration) {
    const tracks = new Map(), rate = ctx.sampleRate, master = ctx.createGain();
    let began = 0, offset = 0, running = false, looping = false, whenDone = null;
    master.connect(ctx.destination);

    // By now, or a little later, without a click.
    function ramp(gain, value, constant) {
      gain.cancelScheduledValues(0);
      gain.setTargetAtTime(value, ctx.currentTime, constant);
    }

    const onGrid = (seconds) => Math.ceil(seconds * rate) / rate; // in step to the sample
    const heardNow = () => ctx.currentTime - (ctx.outputLatency || 0);

    function add(key, buffer, weight) {
      const gain = ctx.createGain(), analyser = ctx.createAnalyser();
      gain.gain.value = weight;
      gain.connect(master);
      analyser.fftSize = LEVEL;
      gain.connect(analyser);
      const track = { buffer, gain, analyser, source: null };
      tracks.set(key, track);
      const late = onGrid(Math.max(0, ctx.currentTime + SOON - began)), from = offset + late;
      if (running && (looping || from < duration)) begin(track, began + late, from % duration);
      if (running) listen();
    }

    function begin(track, when, from) {
      track.source = ctx.createBufferSource();
      track.source.buffer = track.buffer;
      track.source.loop = looping;
      track.source.connect(track.gain);
      track.source.start(when, from);
    }

    // The sound is over when its first track is.
    function listen() {
      const [first] = tracks.values();
      if (first?.source) first.source.onended = whenDone;
    }

    function start(from, done) {
      ctx.resume();
      stop();
      [offset, began, whenDone, running] = [onGrid(from), onGrid(ctx.currentTime + SOON), done, true];
      master.gain.cancelScheduledValues(0);
      master.gain.setValueAtTime(0, ctx.currentTime);
      master.gain.setValueAtTime(0, began);
      master.gain.linearRampToValueAtTime(loudness(), began + FADE);
      for (const track of tracks.values()) begin(track, began, offset);
      listen();
    }

    function stop() {
      if (!running) return;
      running = false;
      ramp(master.gain, 0, FADE / 3);
      for (const track of tracks.values()) {
        if (!track.source) continue;
        track.source.onended = null;
        track.source.stop(ctx.currentTime + FADE);
        track.source = null;
      }
    }

    function time() {
      const at = offset + Math.max(0, heardNow() - began);
      return looping ? at % duration : Math.min(at, duration);
    }

    function setLoop(on) {
      [offset, looping] = [time(), on];
      began = heardNow();
      for (const { source } of tracks.values()) if (source) source.loop = on;
    }

    function setWeight(key, value) {
      const gain = tracks.get(key)?.gain.gain;
      if (!gain) return;
      if (running) {
        ramp(gain, value, FADE / 3);
        return;
      }
      // While nothing plays no ramp would run: a node without input stands still.
      gain.cancelScheduledValues(0);
      gain.value = value;
    }

    function level(key) {
      const data = new Float32Array(LEVEL);
      tracks.get(key)?.analyser.getFloatTimeDomainData(data);
      return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
    }

    return {
      add, start, stop, time, setLoop, setWeight, level,
      has: (key) => tracks.has(key),
      remove: (key) => tracks.delete(key),
      weight: (key) => (tracks.get(key)?.gain.gain.value ?? 0) * loudness(),
      setVolume: () => { if (running) ramp(master.gain, loudness(), FADE); },
    };
  }

  // Stems fetched and decoded: what is to be heard first, the others while it already plays.
  function buffers(urls, duration, rate) {
    const ctx = audioContext(rate), tracks = together(ctx, duration), { start, stop, time } = tracks;
    let audible = urls.map(() => true);
    const weight = (i) => (audible[i] ? 1 : 0);

    async function bring(i) {
      if (tracks.has(i)) return;
      const buffer = await ctx.decodeAudioData(await hpss.sounds.bytes(urls[i]));
      if (!tracks.has(i)) tracks.add(i, buffer, weight(i));
    }

    async function load(first) {
      audible = first;
      const [now, later] = [true, false].map((on) => urls.map((_, i) => i).filter((i) => first[i] === on));
      await Promise.all(now.map(bring));
      const rest = later.reduce((before, i) => before.then(() => bring(i)), Promise.resolve());
      if (!now.length) await rest;
      rest.catch(() => {}); // asked for again when it is to be heard
    }

    function setAudible(now) {
      audible = now;
      urls.forEach((_, i) => {
        tracks.setWeight(i, weight(i));
        if (now[i]) bring(i).catch(() => {});
      });
    }

    return {
      kind: "buffers", load, start, stop, time, setAudible,
      setLoop: tracks.setLoop, setVolume: tracks.setVolume,
      gains: () => urls.map((_, i) => tracks.weight(i)),
      levels: () => urls.map((_, i) => tracks.level(i)),
    };
  }

  // Plain audio elements, kept in step as well as may be.
  function elements(audios, duration) {
    let timer = null, looping = false;

    function ready(audio) {
      audio.preload = "auto";
      return new Promise((resolve) => {
        if (audio.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) {
          resolve();
          return;
        }
        for (const kind of ["canplay", "error"]) {
          audio.addEventListener(kind, resolve, { once: true });
        }
        audio.load();
      });
    }

    function from(time) {
      for (const audio of audios) {
        audio.currentTime = time;
        hpss.sounds.start(audio);
      }
    }

    function keepInStep(whenDone) {
      const [lead, ...others] = audios;
      if (!lead.ended) {
        for (const audio of others) {
          const apart = Math.abs(audio.currentTime - lead.currentTime);
          if (apart > APART) audio.currentTime = lead.currentTime;
        }
      } else if (looping) from(0);
      else whenDone();
    }

    function stop() {
      clearInterval(timer);
      for (const audio of audios) audio.pause();
    }

    return {
      kind: "elements", stop,
      load: () => Promise.all(audios.map(ready)),
      start: (time, whenDone) => {
        stop();
        from(time);
        timer = setInterval(keepInStep, 250, whenDone);
      },
      time: () => Math.min(audios[0].currentTime, duration),
      setAudible: (audible) => audios.forEach((audio, i) => { audio.muted = !audible[i]; }),
      setVolume: () => { for (const audio of audios) audio.volume = loudness(); },
      setLoop: (on) => { looping = on; },
      gains: () => audios.map((audio) => (audio.muted ? 0 : audio.volume)),
      levels: () => audios.map(() => null),
    };
  }

  hpss.playback = {
    audioContext, together, buffers, elements,
    get volume() { return volume; },
    set volume(value) { volume = value; },
  };
})();
