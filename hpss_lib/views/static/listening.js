/* The blind listening test of chapter 9. Choices are counted here and sent nowhere. The sounds, names
   and scores stand in the page as plain players (hpss_lib/views/listening.py); here lots are drawn. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.listening) return;
  hpss.listening = true;

  // A whole number from 0 to n - 1, all with the same chance.
  function lot(n) {
    if (!window.crypto?.getRandomValues) return Math.floor(Math.random() * n);
    const limit = Math.floor(2 ** 32 / n) * n, drawn = new Uint32Array(1);
    do crypto.getRandomValues(drawn); while (drawn[0] >= limit);
    return drawn[0] % n;
  }

  function shuffled(list) {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i -= 1) {
      const j = lot(i + 1);
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  // The chance that a coin agrees at least k times in n.
  function chance(k, n) {
    let sum = 0, ways = 1;
    for (let i = 0; i <= n; i += 1) {
      if (i >= k) sum += ways;
      ways = (ways * (n - i)) / (i + 1);
    }
    return sum / 2 ** n;
  }

  const decibels = (value) => `${value.toFixed(1).replace("-", "−")} dB`;
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  // What stands in the page: [{ what, reference: audio, sounds: [{ label, sdr, audio }, ...] }].
  function trialsOf(figure) {
    return [...figure.querySelectorAll(".hpss-trial")].map((trial) => {
      const [reference, ...sounds] = [...trial.querySelectorAll("li")].map((item) => ({
        label: item.dataset.label,
        sdr: Number(item.dataset.sdr),
        audio: item.querySelector("audio"),
      }));
      return { what: trial.dataset.what, reference: reference.audio, sounds };
    });
  }

  const drawn = (trials) => shuffled(trials).map(({ what, reference, sounds }) => {
    const [A, B] = shuffled(sounds);
    return { what, reference, A, B };
  });

  // ------------------------------------------------------------------ playing

  // One sound of the test at a time, from its start; its button shows how far it is.
  function playing(figure, failed) {
    let now = null; // { key, audio, begun }

    function mark(key, share) {
      const button = figure.querySelector(`[data-play="${key}"]`);
      button.style.setProperty("--at", share.toFixed(3));
      button.classList.toggle("hpss-playing", now !== null && now.key === key);
    }

    function stop() {
      if (!now) return;
      const was = now;
      now = null;
      was.audio.pause();
      mark(was.key, 0);
    }

    function follow(mine) {
      if (now !== mine) return;
      const { audio, begun, key } = mine;
      // Paused by another sound of the page, where it had begun.
      if (audio.ended || !figure.isConnected || (audio.paused && begun)) {
        stop();
        return;
      }
      mark(key, audio.duration ? audio.currentTime / audio.duration : 0);
      requestAnimationFrame(() => follow(mine));
    }

    async function play(key, audio) {
      const mine = { key, audio, begun: false };
      stop();
      now = mine;
      audio.currentTime = 0;
      const promise = audio.play();
      follow(mine);
      try {
        await promise;
        mine.begun = true;
      } catch {
        if (now !== mine || audio.error === null) return;
        stop();
        failed();
      }
    }

    return { play, stop, get now() { return now; } };
  }

  // ------------------------------------------------------------------ what is said

  // Which side the SDR prefers.
  const better = ({ A, B }) => (A.sdr >= B.sdr ? "A" : "B");

  // What a choice, "A", "B" or "none", says about the SDR.
  function judged(trial, key) {
    const decided = key !== "none";
    const other = key === "A" ? "B" : "A";
    return { key, decided, agrees: decided && trial[key].sdr >= trial[other].sdr };
  }

  function result(trial, { key, decided, agrees }) {
    const sides = ["A", "B"].map((side) =>
      `${side} is ${trial[side].label}, SDR ${decibels(trial[side].sdr)}.`);
    return [
      decided ? `You chose ${key}.` : "You could not tell.",
      ...sides,
      decided ? `Your choice and the SDR ${agrees ? "agree" : "disagree"}.`
        : `The SDR prefers ${better(trial)}.`,
    ].join(" ");
  }

  function tally(answers, trials) {
    const decided = answers.filter((a) => a.decided).length;
    const agreed = answers.filter((a) => a.agrees).length;
    const open = answers.length - decided;
    if (!decided) return `Tally: no choice yet, ${open} undecided.`;
    const choices = decided === 1 ? "choice" : "choices";
    const agree = agreed === 1 ? "agrees" : "agree";
    const text = `Tally: ${agreed} of ${decided} ${choices} ${agree} with the SDR` +
      (open ? `, ${open} undecided.` : ".");
    if (answers.length < trials) return text;
    const percent = Math.round(100 * chance(agreed, decided));
    return `${text} A coin would agree at least as often with a chance of ${percent} %.`;
  }

  function entry(trial, { key, decided, agrees }) {
    const item = document.createElement("li");
    const [a, b] = ["A", "B"].map((side) => {
      const piece = document.createElement(key === side ? "strong" : "span");
      piece.textContent = `${trial[side].label} ${decibels(trial[side].sdr)}`;
      return piece;
    });
    const verdict = decided ? (agrees ? "Agrees." : "Disagrees.") : "Undecided.";
    item.append(`${capital(trial.what)}: `, a, ", ", b, `. ${verdict}`);
    return item;
  }

  // ------------------------------------------------------------------ the test

  function build(figure) {
    const trials = trialsOf(figure);
    const part = (name) => figure.querySelector(`[data-part="${name}"]`);
    const buttons = (kind) => [...figure.querySelectorAll(`[data-${kind}]`)];
    const [next, reset] = ["next", "reset"].map((name) =>
      figure.querySelector(`[data-action="${name}"]`));
    const sound = playing(figure, () => {
      part("result").textContent = "This browser cannot play the sound.";
    });
    let order = [], at = 0, answers = [], heard = new Set();

    const bothHeard = () => heard.has("A") && heard.has("B");
    const answered = () => answers.length > at;

    function ready() {
      for (const button of buttons("choose")) button.disabled = !bothHeard() || answered();
      part("first").hidden = bothHeard() || answered();
    }

    function play(key) {
      if (sound.now?.key === key) { // again: stop
        sound.stop();
        return;
      }
      const { reference, A, B } = order[at];
      const audios = { reference, A: A.audio, B: B.audio };
      // All three, so that none comes later than the others; none before the reader wants it.
      for (const audio of Object.values(audios)) audio.preload = "auto";
      heard.add(key);
      sound.play(key, audios[key]);
      ready();
    }

    function choose(key) {
      if (answered() || !bothHeard()) return;
      sound.stop();
      const trial = order[at], answer = judged(trial, key);
      answers.push(answer);
      part("result").textContent = result(trial, answer);
      part("tally").textContent = tally(answers, order.length);
      part("list").append(entry(trial, answer));
      part("list").hidden = false;
      ready();
      next.hidden = at === order.length - 1;
      (next.hidden ? reset : next).focus();
    }

    function begin(trial) {
      sound.stop();
      at = trial;
      heard = new Set();
      next.hidden = true;
      part("result").textContent = "";
      part("where").textContent = `Trial ${at + 1} of ${order.length}: ${order[at].what}`;
      ready();
    }

    function start() {
      sound.stop();
      order = drawn(trials);
      answers = [];
      part("tally").textContent = "";
      part("list").replaceChildren();
      part("list").hidden = true;
      begin(0);
    }

    for (const button of buttons("play")) {
      button.addEventListener("click", () => play(button.dataset.play));
    }
    for (const button of buttons("choose")) {
      button.addEventListener("click", () => choose(button.dataset.choose));
    }
    for (const [button, go] of [[next, () => begin(at + 1)], [reset, start]]) {
      button.addEventListener("click", () => {
        go();
        figure.querySelector('[data-play="reference"]').focus();
      });
    }
    // For the tests, which must know what the listener may not.
    const side = ({ label, sdr }) => ({ label, sdr });
    figure.hpss = {
      state: () => ({
        at,
        order: order.map(({ what, A, B }) => ({ what, A: side(A), B: side(B) })),
        answers: [...answers],
        playing: sound.now && sound.now.key,
        time: sound.now ? sound.now.audio.currentTime : 0,
      }),
    };
    start();
  }

  hpss.register("[data-hpss=listening]", build);
})();
