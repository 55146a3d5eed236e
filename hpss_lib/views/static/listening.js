/* The blind listening test of chapter 9. One classic script, no requests but for the page's own
   sounds; choices are counted here and sent nowhere. The sounds, names and scores stand in the
   page as plain players (hpss_lib/views/listening.py); here lots are drawn. */
(function () {
  "use strict";
  if (window.hpssListening) return; // each live output brings this script; the first one stays
  document.documentElement.classList.add("hpss-js");

  // A whole number from 0 to n - 1, all with the same chance.
  function lot(n) {
    if (!window.crypto || !crypto.getRandomValues) return Math.floor(Math.random() * n);
    var limit = Math.floor(4294967296 / n) * n, drawn = new Uint32Array(1);
    do crypto.getRandomValues(drawn); while (drawn[0] >= limit);
    return drawn[0] % n;
  }

  function shuffled(list) {
    var result = list.slice();
    for (var i = result.length - 1; i > 0; i -= 1) {
      var j = lot(i + 1), kept = result[i];
      result[i] = result[j];
      result[j] = kept;
    }
    return result;
  }

  // The chance that a coin agrees at least k times in n.
  function chance(k, n) {
    var sum = 0, ways = 1;
    for (var i = 0; i <= n; i += 1) {
      if (i >= k) sum += ways;
      ways = (ways * (n - i)) / (i + 1);
    }
    return sum / Math.pow(2, n);
  }

  function decibels(value) { return value.toFixed(1).replace("-", "−") + " dB"; }
  function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }

  function Listening(figure) {
    var trials = Array.from(figure.querySelectorAll(".hpss-trial")).map(function (trial) {
      var items = Array.from(trial.querySelectorAll("li"));
      return {
        what: trial.dataset.what,
        reference: items[0].querySelector("audio"),
        sounds: items.slice(1).map(function (item) {
          return {
            label: item.dataset.label,
            sdr: Number(item.dataset.sdr),
            audio: item.querySelector("audio"),
          };
        }),
      };
    });
    var order, at, answers, heard, playing = null;

    function part(name) { return figure.querySelector('[data-part="' + name + '"]'); }
    function buttons(kind) { return Array.from(figure.querySelectorAll("[data-" + kind + "]")); }
    var next = figure.querySelector('[data-action="next"]');
    var reset = figure.querySelector('[data-action="reset"]');

    // ------------------------------------------------------------------ playing

    function audioOf(key) {
      return key === "reference" ? order[at].reference : order[at][key].audio;
    }

    function playButton(key) { return figure.querySelector('[data-play="' + key + '"]'); }

    function mark(key, share) {
      var button = playButton(key);
      button.style.setProperty("--at", share.toFixed(3));
      button.classList.toggle("hpss-playing", playing !== null && playing.key === key);
    }

    function stop() {
      if (!playing) return;
      var was = playing;
      playing = null;
      was.audio.pause();
      mark(was.key, 0);
    }

    function follow(mine) {
      if (playing !== mine) return;
      if (mine.audio.ended || !figure.isConnected) { stop(); return; }
      if (mine.audio.paused && mine.begun) { stop(); return; } // another sound of the page
      mark(mine.key, mine.audio.duration ? mine.audio.currentTime / mine.audio.duration : 0);
      requestAnimationFrame(function () { follow(mine); });
    }

    function play(key) {
      var again = playing && playing.key === key;
      stop();
      if (again) return;
      var mine = { key: key, audio: audioOf(key), begun: false };
      playing = mine;
      // All three, so that none of them comes later than the others; none before the reader wants it.
      [order[at].reference, order[at].A.audio, order[at].B.audio].forEach(function (audio) {
        audio.preload = "auto";
      });
      mine.audio.currentTime = 0;
      var promise = mine.audio.play();
      (promise || Promise.resolve()).then(
        function () { mine.begun = true; },
        function () {
          if (playing !== mine || mine.audio.error === null) return;
          stop();
          part("result").textContent = "This browser cannot play the sound.";
        }
      );
      heard[key] = true;
      ready();
      follow(mine);
    }

    // ------------------------------------------------------------------ choosing

    function ready() {
      var may = heard.A && heard.B && answers.length === at;
      buttons("choose").forEach(function (button) { button.disabled = !may; });
      part("first").hidden = (heard.A && heard.B) || answers.length > at;
    }

    // Which side the SDR prefers.
    function better(trial) { return trial.A.sdr >= trial.B.sdr ? "A" : "B"; }

    function choose(key) {
      if (answers.length !== at || !(heard.A && heard.B)) return;
      stop();
      var trial = order[at], decided = key !== "none";
      var chosen = decided ? key : better(trial), other = chosen === "A" ? "B" : "A";
      var agrees = decided && trial[chosen].sdr >= trial[other].sdr;
      answers.push({ key: key, agrees: agrees, decided: decided });
      part("result").textContent =
        (decided ? "You chose " + key + ". " : "You could not tell. ") +
        ["A", "B"].map(function (side) {
          return side + " is " + trial[side].label + ", SDR " + decibels(trial[side].sdr) + ".";
        }).join(" ") +
        (decided ? " Your choice and the SDR " + (agrees ? "agree." : "disagree.")
          : " The SDR prefers " + better(trial) + ".");
      part("tally").textContent = tally();
      enter(trial, answers[at]);
      ready();
      var last = at === order.length - 1;
      next.hidden = last;
      (last ? reset : next).focus();
    }

    function tally() {
      var decided = answers.filter(function (a) { return a.decided; }).length;
      var agreed = answers.filter(function (a) { return a.agrees; }).length;
      var open = answers.length - decided, text = "";
      if (decided) {
        text = "Tally: " + agreed + " of " + decided + (decided === 1 ? " choice" : " choices") +
          " agree" + (agreed === 1 ? "s" : "") + " with the SDR";
        text += open ? ", " + open + " undecided." : ".";
      } else text = "Tally: no choice yet, " + open + " undecided.";
      if (answers.length === order.length && decided) {
        text += " A coin would agree at least as often with a chance of " +
          Math.round(100 * chance(agreed, decided)) + " %.";
      }
      return text;
    }

    function enter(trial, answer) {
      var item = document.createElement("li");
      function side(name) {
        var piece = document.createElement(answer.key === name ? "strong" : "span");
        piece.textContent = trial[name].label + " " + decibels(trial[name].sdr);
        return piece;
      }
      item.append(capital(trial.what) + ": ", side("A"), ", ", side("B"), ". ");
      item.append(answer.decided ? (answer.agrees ? "Agrees." : "Disagrees.") : "Undecided.");
      part("list").append(item);
      part("list").hidden = false;
    }

    // ------------------------------------------------------------------ from trial to trial

    function begin() {
      heard = { A: false, B: false };
      next.hidden = true;
      part("where").textContent =
        "Trial " + (at + 1) + " of " + order.length + ": " + order[at].what;
      ready();
    }

    function clear() {
      ["result", "tally"].forEach(function (name) { part(name).textContent = ""; });
    }

    function start() {
      stop();
      order = shuffled(trials).map(function (trial) {
        var pair = shuffled(trial.sounds);
        return { what: trial.what, reference: trial.reference, A: pair[0], B: pair[1] };
      });
      at = 0;
      answers = [];
      clear();
      part("list").replaceChildren();
      part("list").hidden = true;
      begin();
    }

    buttons("play").forEach(function (button) {
      button.addEventListener("click", function () { play(button.dataset.play); });
    });
    buttons("choose").forEach(function (button) {
      button.addEventListener("click", function () { choose(button.dataset.choose); });
    });
    next.addEventListener("click", function () {
      stop();
      at += 1;
      part("result").textContent = "";
      begin();
      playButton("reference").focus();
    });
    reset.addEventListener("click", function () {
      start();
      playButton("reference").focus();
    });

    // For the tests, which must know what the listener may not.
    figure.hpssListening = {
      state: function () {
        function side(sound) { return { label: sound.label, sdr: sound.sdr }; }
        return {
          at: at,
          order: order.map(function (t) { return { what: t.what, A: side(t.A), B: side(t.B) }; }),
          answers: answers.slice(),
          playing: playing && playing.key,
          time: playing ? playing.audio.currentTime : 0,
        };
      },
    };
    start();
  }

  function scan(root) {
    if (!root.querySelectorAll) return;
    var found = Array.from(root.querySelectorAll(".hpss-listening"));
    if (root.matches(".hpss-listening")) found.push(root);
    found.forEach(function (figure) {
      if (!figure.hpssListening) Listening(figure);
    });
  }

  window.hpssListening = { scan: scan };

  function watch() {
    scan(document.body);
    new MutationObserver(function (records) {
      records.forEach(function (record) { record.addedNodes.forEach(scan); });
    }).observe(document.body, { childList: true, subtree: true });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
