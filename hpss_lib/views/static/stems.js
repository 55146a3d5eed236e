/* Controls and stem players of the book. One classic script, no modules, no requests elsewhere:
   it works on a web server, opened from disk, and in the outputs of a notebook. */
(function () {
  "use strict";
  if (window.hpss) return; // each live output brings this script; the first one stays
  document.documentElement.classList.add("hpss-js");

  // ---------------------------------------------------------------- sounds: one at a time

  var players = []; // every upgraded stem player
  var volume = 1; // one volume for all stem players, so that they stay comparable

  function hush(exceptAudio, exceptPlayer) {
    document.querySelectorAll("audio").forEach(function (audio) {
      // A stem player that has no Web Audio plays through its own audio elements.
      if (audio !== exceptAudio && !audio.closest(".hpss-stems") && !audio.paused) audio.pause();
    });
    players.forEach(function (player) {
      if (player !== exceptPlayer && player.playing) player.pause();
    });
  }

  // Where each plain player stands, by its key, so that its successor can go on from there when a
  // live control replaces it.
  var standing = {};

  document.addEventListener(
    "play",
    function (event) {
      if (event.target.tagName !== "AUDIO" || event.target.closest(".hpss-stems")) return;
      hush(event.target, null);
      note(event);
    },
    true
  );
  ["timeupdate", "pause", "ended"].forEach(function (kind) {
    document.addEventListener(kind, note, true);
  });

  function note(event) {
    var audio = event.target;
    if (audio.tagName !== "AUDIO" || !audio.dataset.key || !audio.isConnected) return;
    standing[audio.dataset.key] = {
      element: audio,
      time: audio.currentTime,
      playing: !audio.paused && !audio.ended,
    };
  }

  function goOn(audio) {
    var before = standing[audio.dataset.key];
    if (!before || before.element === audio || before.element.isConnected) return;
    var time = before.element.currentTime || before.time;
    var playing = before.playing;
    delete standing[audio.dataset.key];
    whenReady(audio, function () {
      if (time < audio.duration) audio.currentTime = time;
      if (playing) start(audio);
    });
  }

  function whenReady(audio, then) {
    if (audio.readyState >= 1) then();
    else {
      audio.addEventListener("loadedmetadata", then, { once: true });
      if (audio.preload === "none") audio.preload = "metadata";
    }
  }

  function start(audio) {
    var promise = audio.play();
    if (promise) promise.catch(function () {}); // the browser wants a click first: no harm done
  }

  // ---------------------------------------------------------------- controls

  function Control(figure) {
    var states = JSON.parse(figure.querySelector("script.hpss-states").textContent);
    var inputs = Array.from(figure.querySelectorAll(".hpss-inputs input, .hpss-inputs select"));
    var sizes = inputs.map(function (input) {
      return input.tagName === "SELECT" ? input.options.length : Number(input.max) + 1;
    });
    var light = figure.querySelector(".hpss-picture .hpss-light");
    var dark = figure.querySelector(".hpss-picture .hpss-dark");
    var text = figure.querySelector(".hpss-text");
    var sounds = Array.from(figure.querySelectorAll(".hpss-sound audio"));
    var shown = index();
    var warmed = {};

    function index() {
      return inputs.reduce(function (at, input, i) {
        return at * sizes[i] + Number(input.value);
      }, 0);
    }

    // The states one step away, in each parameter: their pictures are fetched before they are due.
    function warm() {
      inputs.forEach(function (input, i) {
        var stride = sizes.slice(i + 1).reduce(function (a, b) { return a * b; }, 1);
        [-1, 1].forEach(function (step) {
          var value = Number(input.value) + step;
          var at = index() + step * stride;
          if (value < 0 || value >= sizes[i] || warmed[at]) return;
          warmed[at] = new Image();
          warmed[at].src = visible(dark) ? states[at].dark : states[at].light;
        });
      });
    }

    function update() {
      inputs.forEach(function (input) {
        if (!input.dataset.texts) return;
        var value = JSON.parse(input.dataset.texts)[Number(input.value)];
        input.setAttribute("aria-valuetext", value);
        input.closest(".hpss-input").querySelector("output").textContent = value;
        input.style.setProperty("--part", Number(input.value) / Number(input.max));
      });
      var at = index();
      if (at === shown) return;
      shown = at;
      var state = states[at];
      [[light, state.light], [dark, state.dark]].forEach(function (pair) {
        pair[0].loading = "eager";
        pair[0].src = pair[1];
        pair[0].alt = state.text;
        if (state.size) {
          pair[0].width = state.size[0];
          pair[0].height = state.size[1];
        }
      });
      text.textContent = state.text;
      sounds.forEach(function (audio, i) { exchange(audio, state.sounds[i]); });
      warm();
    }

    inputs.forEach(function (input) {
      // A range input fires "input" while it moves, a select only "change" in some browsers.
      input.addEventListener("input", update);
      input.addEventListener("change", update);
      input.addEventListener("pointerenter", warm, { once: true });
      input.addEventListener("focus", warm, { once: true });
    });
    update();
  }

  function visible(element) {
    return getComputedStyle(element).display !== "none";
  }

  // Give an audio element another file; if it was playing, go on at the same time.
  function exchange(audio, url) {
    if (url === (audio.dataset.src || audio.getAttribute("src"))) return;
    var resume = audio._resume || { time: audio.currentTime, playing: !audio.paused && !audio.ended };
    audio._resume = resume;
    audio._wanted = url;
    audio.dataset.src = url;
    if (!resume.playing && !resume.time) {
      audio._resume = null;
      audio.src = url;
      return;
    }
    // A server without range requests cannot seek in a file; a blob always can. From disk, where
    // fetch is forbidden, the file itself can.
    bytes(url)
      .then(function (buffer) { return URL.createObjectURL(new Blob([buffer], { type: "audio/flac" })); })
      .catch(function () { return url; })
      .then(function (source) {
        if (audio._wanted !== url) return; // the slider has moved on
        if (audio._blob) URL.revokeObjectURL(audio._blob);
        audio._blob = source === url ? null : source;
        audio.src = source;
        audio.addEventListener(
          "loadedmetadata",
          function () {
            if (audio._wanted !== url) return;
            audio._resume = null;
            audio.currentTime = Math.min(resume.time, audio.duration || 0);
            if (resume.playing) start(audio);
          },
          { once: true }
        );
        audio.load();
      });
  }

  function bytes(url) {
    if (location.protocol === "file:" && !/^data:/.test(url)) return Promise.reject(new Error("disk"));
    return fetch(url).then(function (response) {
      if (!response.ok) throw new Error(String(response.status));
      return response.arrayBuffer();
    });
  }

  // ---------------------------------------------------------------- stem player

  var context = null; // one for the page, made by the first click as browsers demand

  function audioContext() {
    if (!context) {
      var Context = window.AudioContext || window.webkitAudioContext;
      try {
        context = new Context({ sampleRate: 44100, latencyHint: "interactive" });
      } catch (error) {
        context = new Context();
      }
    }
    return context;
  }

  // All stems through one clock: sample by sample in step.
  function Buffers(urls, duration) {
    var gains = [], analysers = [], buffers = [], sources = [], master = null;
    var began = 0, offset = 0, looping = false, ended = null;
    var fade = 0.012; // s: short enough to feel immediate, long enough not to click

    this.kind = "buffers";
    this.load = function () {
      var ctx = audioContext();
      return Promise.all(
        urls.map(function (url) {
          return bytes(url).then(function (data) { return ctx.decodeAudioData(data); });
        })
      ).then(function (decoded) {
        buffers = decoded;
        master = ctx.createGain();
        master.connect(ctx.destination);
        gains = buffers.map(function () {
          var gain = ctx.createGain();
          gain.connect(master);
          return gain;
        });
        analysers = gains.map(function (gain) {
          var analyser = ctx.createAnalyser();
          analyser.fftSize = 8192;
          gain.connect(analyser);
          return analyser;
        });
      });
    };
    this.start = function (time, whenDone) {
      var ctx = audioContext();
      ctx.resume();
      this.stop();
      ended = whenDone;
      offset = time;
      began = ctx.currentTime + 0.03;
      master.gain.cancelScheduledValues(0);
      master.gain.setValueAtTime(0, ctx.currentTime);
      master.gain.setValueAtTime(0, began);
      master.gain.linearRampToValueAtTime(volume * volume, began + fade);
      sources = buffers.map(function (buffer, i) {
        var source = ctx.createBufferSource();
        source.buffer = buffer;
        source.loop = looping;
        source.connect(gains[i]);
        source.start(began, offset);
        return source;
      });
      sources[0].onended = function () {
        if (ended) ended();
      };
    };
    this.stop = function () {
      var ctx = audioContext();
      var old = sources;
      sources = [];
      ended = null;
      if (!old.length) return;
      old[0].onended = null;
      master.gain.cancelScheduledValues(0);
      master.gain.setTargetAtTime(0, ctx.currentTime, fade / 3);
      old.forEach(function (source) { source.stop(ctx.currentTime + fade); });
    };
    this.time = function () {
      var now = audioContext().currentTime - (audioContext().outputLatency || 0);
      var time = offset + Math.max(0, now - began);
      return looping ? time % duration : Math.min(time, duration);
    };
    this.setAudible = function (audible) {
      var ctx = audioContext();
      gains.forEach(function (gain, i) {
        gain.gain.cancelScheduledValues(0);
        // While nothing plays no ramp would run: a node without input stands still.
        if (!sources.length) gain.gain.value = audible[i] ? 1 : 0;
        else gain.gain.setTargetAtTime(audible[i] ? 1 : 0, ctx.currentTime, fade / 3);
      });
    };
    this.setVolume = function () {
      if (!master || !sources.length) return;
      master.gain.cancelScheduledValues(0);
      master.gain.setTargetAtTime(volume * volume, audioContext().currentTime, fade);
    };
    this.setLoop = function (on) {
      var time = this.time();
      looping = on;
      if (sources.length) {
        began = audioContext().currentTime - (audioContext().outputLatency || 0);
        offset = time;
        sources.forEach(function (source) { source.loop = on; });
      }
    };
    this.gains = function () {
      return gains.map(function (gain) { return gain.gain.value * volume * volume; });
    };
    this.levels = function () {
      var data = new Float32Array(8192);
      return analysers.map(function (analyser) {
        analyser.getFloatTimeDomainData(data);
        return Math.sqrt(data.reduce(function (sum, x) { return sum + x * x; }, 0) / data.length);
      });
    };
  }

  // Without fetch (a page opened from disk): plain audio elements, kept in step as well as may be.
  function Elements(elements, duration) {
    var timer = null, looping = false;

    this.kind = "elements";
    this.load = function () {
      return Promise.all(
        elements.map(function (audio) {
          audio.preload = "auto";
          return new Promise(function (resolve) {
            if (audio.readyState >= 3) resolve();
            else {
              audio.addEventListener("canplay", resolve, { once: true });
              audio.addEventListener("error", resolve, { once: true });
              audio.load();
            }
          });
        })
      );
    };
    this.start = function (time, whenDone) {
      this.stop();
      elements.forEach(function (audio) { audio.currentTime = time; start(audio); });
      timer = setInterval(function () {
        var lead = elements[0];
        if (lead.ended) {
          if (looping) elements.forEach(function (audio) { audio.currentTime = 0; start(audio); });
          else whenDone();
          return;
        }
        elements.slice(1).forEach(function (audio) {
          if (Math.abs(audio.currentTime - lead.currentTime) > 0.04) audio.currentTime = lead.currentTime;
        });
      }, 250);
    };
    this.stop = function () {
      clearInterval(timer);
      elements.forEach(function (audio) { audio.pause(); });
    };
    this.time = function () { return Math.min(elements[0].currentTime, duration); };
    this.setAudible = function (audible) {
      elements.forEach(function (audio, i) { audio.muted = !audible[i]; });
    };
    this.setVolume = function () {
      elements.forEach(function (audio) { audio.volume = volume * volume; });
    };
    this.setLoop = function (on) { looping = on; };
    this.gains = function () {
      return elements.map(function (audio) { return audio.muted ? 0 : audio.volume; });
    };
    this.levels = function () { return elements.map(function () { return null; }); };
  }

  function clock(seconds) {
    var tenths = Math.floor(seconds * 10 + 1e-6);
    var whole = Math.floor(tenths / 10) % 60;
    return Math.floor(tenths / 600) + ":" + (whole < 10 ? "0" : "") + whole + "." + (tenths % 10);
  }

  function StemPlayer(figure) {
    var rows = Array.from(figure.querySelectorAll(".hpss-row"));
    var lanes = figure.querySelector(".hpss-rows");
    var playButton = figure.querySelector(".hpss-play-button");
    var seek = figure.querySelector(".hpss-seek");
    var now = figure.querySelector(".hpss-now");
    var heard = figure.querySelector(".hpss-heard");
    var loop = figure.querySelector(".hpss-loop");
    var loud = figure.querySelector(".hpss-volume input");
    var duration = Number(figure.dataset.seconds);
    var labels = rows.map(function (row) { return row.dataset.label; });
    var muted = rows.map(function (row) { return row.hasAttribute("data-muted"); });
    var solo = rows.map(function () { return false; });
    var elements = rows.map(function (row) { return row.querySelector("audio"); });
    var urls = elements.map(function (audio) { return audio.getAttribute("src"); });
    var engine = null, loading = null, position = 0, wanted = false, dragging = false;
    var self = {
      get playing() { return wanted; },
      get time() { return place(); },
      get duration() { return duration; },
      get mode() { return engine ? engine.kind : null; },
      gains: function () { return engine ? engine.gains() : rows.map(function () { return 0; }); },
      levels: function () { return engine ? engine.levels() : rows.map(function () { return 0; }); },
      play: play,
      pause: pause,
      seek: jump,
      setVolume: function () {
        loud.value = volume;
        fill(loud);
        if (engine) engine.setVolume();
      },
    };
    var running = false; // sound is really coming; `wanted` may be true while it still loads

    elements.forEach(function (audio) { audio.preload = "none"; });

    function place() { return running && engine ? engine.time() : position; }

    function audible() {
      var any = solo.some(Boolean);
      return rows.map(function (_, i) { return any ? solo[i] : !muted[i]; });
    }

    function load() {
      if (loading) return loading;
      engine = new Buffers(urls, duration);
      loading = engine.load().catch(function () {
        engine = new Elements(elements, duration);
        return engine.load();
      }).then(function () {
        engine.setAudible(audible());
        engine.setLoop(loop.getAttribute("aria-pressed") === "true");
        engine.setVolume();
      });
      return loading;
    }

    function play() {
      if (wanted) return;
      wanted = true;
      hush(null, self);
      audioContext().resume(); // inside the click, or the browser keeps it silent
      if (position >= duration - 0.02) position = 0;
      figure.setAttribute("aria-busy", "true");
      showButton();
      load().then(function () {
        figure.removeAttribute("aria-busy");
        if (!wanted) return;
        running = true;
        engine.start(position, finish);
        requestAnimationFrame(tick);
      });
    }

    function pause() {
      if (!wanted) return;
      position = place();
      wanted = running = false;
      if (engine) engine.stop();
      showButton();
      showTime();
    }

    function finish() {
      if (engine) engine.stop();
      wanted = running = false;
      position = 0;
      showButton();
      showTime();
    }

    function jump(time) {
      position = Math.min(Math.max(time, 0), Math.max(duration - 0.01, 0));
      if (running) engine.start(position, finish);
      showTime();
    }

    function showButton() {
      figure.toggleAttribute("data-playing", wanted);
      playButton.setAttribute("aria-label", wanted ? "Pause" : "Play");
    }

    var spoken = -1;
    function showTime() {
      var time = place();
      lanes.style.setProperty("--at", duration ? time / duration : 0);
      now.textContent = clock(time);
      if (!dragging) seek.value = time;
      fill(seek);
      // The slider's spoken value changes once a second, not sixty times.
      if (!running || Math.floor(time) !== spoken) {
        spoken = Math.floor(time);
        seek.setAttribute("aria-valuetext", clock(time) + " of " + clock(duration));
      }
    }

    function tick() {
      if (!running) return;
      if (!figure.isConnected) return pause(); // the output was cleared
      showTime();
      requestAnimationFrame(tick);
    }

    function showRows() {
      var now = audible();
      rows.forEach(function (row, i) {
        row.toggleAttribute("data-audible", now[i]);
        row.querySelector(".hpss-solo").setAttribute("aria-pressed", String(solo[i]));
        row.querySelector(".hpss-mute").setAttribute("aria-pressed", String(muted[i]));
      });
      var names = labels.filter(function (_, i) { return now[i]; });
      var text = names.length ? "Hearing " + names.join(" + ") : "All rows are muted";
      if (heard.textContent !== text) heard.textContent = text;
      if (engine) engine.setAudible(now);
    }

    function toggleSolo(i, add) {
      var on = !solo[i];
      if (!add) solo = solo.map(function () { return false; });
      solo[i] = on;
      showRows();
    }

    function toggleMute(i) {
      if (solo[i]) {
        solo[i] = false;
        muted[i] = true;
      } else muted[i] = !muted[i];
      showRows();
    }

    rows.forEach(function (row, i) {
      row.querySelector(".hpss-solo").addEventListener("click", function (event) {
        toggleSolo(i, event.shiftKey || event.ctrlKey || event.metaKey);
      });
      row.querySelector(".hpss-mute").addEventListener("click", function () { toggleMute(i); });
      var strip = row.querySelector(".hpss-strip");
      function follow(event) {
        var box = strip.getBoundingClientRect();
        jump(((event.clientX - box.left) / box.width) * duration);
      }
      strip.addEventListener("pointerdown", function (event) {
        if (event.button) return;
        event.preventDefault();
        if (event.pointerType !== "touch") strip.setPointerCapture(event.pointerId);
        seek.focus({ preventScroll: true });
        follow(event);
      });
      strip.addEventListener("pointermove", function (event) {
        if (strip.hasPointerCapture && strip.hasPointerCapture(event.pointerId)) follow(event);
      });
    });

    playButton.addEventListener("click", function () { wanted ? pause() : play(); });
    ["pointerenter", "focusin"].forEach(function (kind) {
      figure.addEventListener(kind, warm, { once: true });
    });
    function warm() {
      // Fetch (not decode) the sounds, so that the first click is answered at once.
      if (!loading) urls.forEach(function (url) { if (!/^data:/.test(url)) bytes(url).catch(function () {}); });
    }
    seek.addEventListener("pointerdown", function () { dragging = true; });
    seek.addEventListener("change", function () { dragging = false; });
    seek.addEventListener("input", function () { jump(Number(seek.value)); });
    seek.addEventListener("keydown", function (event) {
      // One hundredth of a second a key press would take all day: arrows move by a second.
      var step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      jump(place() + step * Math.min(1, duration / 10));
    });
    loop.addEventListener("click", function () {
      var on = loop.getAttribute("aria-pressed") !== "true";
      loop.setAttribute("aria-pressed", String(on));
      if (engine) engine.setLoop(on);
    });
    loud.addEventListener("input", function () {
      volume = Number(loud.value);
      players.forEach(function (player) { player.setVolume(); });
    });
    figure.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "AUDIO") return;
      if (event.key === " " && event.target.tagName !== "BUTTON") {
        event.preventDefault();
        wanted ? pause() : play();
      }
      var digit = /^Digit([1-9])$/.exec(event.code);
      var number = digit ? Number(digit[1]) : Number(event.key);
      if (number >= 1 && number <= rows.length) {
        event.preventDefault();
        event.stopPropagation();
        toggleSolo(number - 1, event.shiftKey);
      }
    });

    figure.hpss = self;
    players = players.filter(function (player) { return player.connected(); });
    self.connected = function () { return figure.isConnected; };
    players.push(self);
    self.setVolume();
    showRows();
    showTime();
  }

  // The filled part of a slider, for the style sheet.
  function fill(range) {
    var span = Number(range.max) - Number(range.min);
    range.style.setProperty("--part", span ? (Number(range.value) - Number(range.min)) / span : 0);
  }

  // ---------------------------------------------------------------- finding them

  var kinds = { control: Control, stems: StemPlayer };

  function scan(root) {
    if (!root.querySelectorAll) return;
    var found = Array.from(root.querySelectorAll("[data-hpss]"));
    if (root.matches("[data-hpss]")) found.push(root);
    found.forEach(function (figure) {
      if (figure.hpssReady) return;
      figure.hpssReady = true;
      kinds[figure.dataset.hpss](figure);
    });
    root.querySelectorAll("audio[data-key]").forEach(goOn);
  }

  window.hpss = { scan: scan };

  function begin() {
    scan(document.body);
    // Notebooks add outputs at any time.
    new MutationObserver(function (records) {
      records.forEach(function (record) { record.addedNodes.forEach(scan); });
    }).observe(document.body, { childList: true, subtree: true });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
