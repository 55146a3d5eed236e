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

  // Stems decoded into memory and played through one clock.
  function buffers(urls, duration, rate) {
    let gains = [], analysers = [], decoded = [], sources = [], master = null;
    let began = 0, offset = 0, looping = false;
    const ctx = audioContext(rate);

    // By now, or a little later, without a click.
    function ramp(gain, value, constant) {
      gain.cancelScheduledValues(0);
      gain.setTargetAtTime(value, ctx.currentTime, constant);
    }

    const heardNow = () => ctx.currentTime - (ctx.outputLatency || 0);

    async function load() {
      decoded = await Promise.all(
        urls.map(async (url) => ctx.decodeAudioData(await hpss.sounds.bytes(url)))
      );
      master = ctx.createGain();
      master.connect(ctx.destination);
      gains = decoded.map(() => ctx.createGain());
      analysers = gains.map((gain) => {
        gain.connect(master);
        const analyser = ctx.createAnalyser();
        analyser.fftSize = LEVEL;
        gain.connect(analyser);
        return analyser;
      });
    }

    function start(from, whenDone) {
      ctx.resume();
      stop();
      offset = from;
      began = ctx.currentTime + SOON;
      master.gain.cancelScheduledValues(0);
      master.gain.setValueAtTime(0, ctx.currentTime);
      master.gain.setValueAtTime(0, began);
      master.gain.linearRampToValueAtTime(loudness(), began + FADE);
      sources = decoded.map((buffer, i) => {
        const source = ctx.createBufferSource();
        source.buffer = buffer;
        source.loop = looping;
        source.connect(gains[i]);
        source.start(began, offset);
        return source;
      });
      sources[0].onended = whenDone;
    }

    function stop() {
      if (!sources.length) return;
      sources[0].onended = null;
      ramp(master.gain, 0, FADE / 3);
      for (const source of sources) source.stop(ctx.currentTime + FADE);
      sources = [];
    }

    function time() {
      const at = offset + Math.max(0, heardNow() - began);
      return looping ? at % duration : Math.min(at, duration);
    }

    function setLoop(on) {
      [offset, looping] = [time(), on];
      began = heardNow();
      for (const source of sources) source.loop = on;
    }

    function setAudible(audible) {
      gains.forEach(({ gain }, i) => {
        const value = audible[i] ? 1 : 0;
        if (sources.length) {
          ramp(gain, value, FADE / 3);
          return;
        }
        // While nothing plays no ramp would run: a node without input stands still.
        gain.cancelScheduledValues(0);
        gain.value = value;
      });
    }

    function levels() {
      const data = new Float32Array(LEVEL);
      return analysers.map((analyser) => {
        analyser.getFloatTimeDomainData(data);
        return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
      });
    }

    return {
      kind: "buffers", load, start, stop, time, setAudible, setLoop, levels,
      setVolume: () => { if (sources.length) ramp(master.gain, loudness(), FADE); },
      gains: () => gains.map(({ gain }) => gain.value * loudness()),
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
    audioContext, buffers, elements,
    get volume() { return volume; },
    set volume(value) { volume = value; },
  };
})();
