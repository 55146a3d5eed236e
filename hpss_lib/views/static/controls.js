/* Controls of the built page: sliders and menus over states that the build has computed; where a
   module of the book computes the same in the page, at every value between them. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.fill) return;

  const visible = (element) => getComputedStyle(element).display !== "none";

  // The filled part of a range input, for the style sheet.
  function fill(range) {
    const low = Number(range.min), span = Number(range.max) - low;
    range.style.setProperty("--part", span ? (Number(range.value) - low) / span : 0);
  }

  // What a range input stands at, in words: beside it, and for a screen reader.
  function say(range, words) {
    range.setAttribute("aria-valuetext", words);
    range.closest(".hpss-input").querySelector("output").textContent = words;
    fill(range);
  }

  function build(figure) {
    const states = JSON.parse(figure.querySelector("script.hpss-states").textContent);
    const inputs = [...figure.querySelectorAll(".hpss-inputs input, .hpss-inputs select")];
    const sizes = inputs.map((input) => input.options?.length ?? Number(input.max) + 1);
    const light = figure.querySelector(".hpss-picture .hpss-light");
    const dark = figure.querySelector(".hpss-picture .hpss-dark");
    const text = figure.querySelector(".hpss-text");
    const sounds = [...figure.querySelectorAll(".hpss-sound audio")];
    const warmed = new Map();
    let shown = index();
    let free = null; // moves between the positions, once the page computes

    // The last parameter runs fastest, as in Control.positions.
    function index() {
      return inputs.reduce((at, input, i) => at * sizes[i] + Number(input.value), 0);
    }

    // The states one step away, in each parameter: their pictures are fetched before they are due.
    function warm() {
      if (free) return; // nothing is fetched any more
      inputs.forEach((input, i) => {
        const stride = sizes.slice(i + 1).reduce((a, b) => a * b, 1);
        for (const step of [-1, 1]) {
          const value = Number(input.value) + step, at = index() + step * stride;
          if (value < 0 || value >= sizes[i] || warmed.has(at)) continue;
          const picture = new Image();
          picture.src = visible(dark) ? states[at].dark : states[at].light;
          warmed.set(at, picture);
        }
      });
    }

    function update() {
      if (free) {
        free();
        return;
      }
      for (const input of inputs) {
        if (input.dataset.texts) say(input, JSON.parse(input.dataset.texts)[Number(input.value)]);
      }
      if (index() === shown) return;
      shown = index();
      show(states[shown]);
      warm();
    }

    function show(state) {
      for (const [image, url] of [[light, state.light], [dark, state.dark]]) {
        for (const copy of figure.querySelectorAll(`.${image.classList[0]}.hpss-again`)) copy.src = url;
        image.loading = "eager";
        image.src = url;
        image.alt = `${figure.dataset.shows} ${state.text}`;
        if (state.size) [image.width, image.height] = state.size;
      }
      text.textContent = state.text;
      sounds.forEach((audio, i) => hpss.sounds.exchange(audio, state.sounds[i]));
    }

    for (const input of inputs) {
      // A range input fires "input" while it moves, a select only "change" in some browsers.
      input.addEventListener("input", update);
      input.addEventListener("change", update);
      input.addEventListener("pointerenter", warm, { once: true });
      input.addEventListener("focus", warm, { once: true });
    }
    update();
    if (figure.dataset.computed && location.protocol.startsWith("http")) {
      interest(inputs)
        .then(() => computing(figure, inputs, text, sounds))
        .then((move) => { free = move; }, () => {}); // else as it was
    }
  }

  // The first sign that somebody means to move one of the inputs.
  const interest = (inputs) => new Promise((resolve) => {
    for (const input of inputs) {
      for (const kind of ["pointerenter", "focus", "input"]) {
        input.addEventListener(kind, resolve, { once: true });
      }
    }
  });

  // A slider is not changed in the middle of being moved.
  const released = (inputs) => new Promise((resolve) => {
    if (!inputs.some((input) => input.matches(":active"))) resolve();
    for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, resolve, { once: true });
  });

  const inBook = (path) => new URL(`computed/${path}.js`, document.baseURI).href;

  // Sliders that move freely over their whole range; returns what follows their values.
  async function computing(figure, inputs, text, sounds) {
    const name = figure.dataset.computed;
    const { sliders, material, gain, rate, inks } = JSON.parse(figure.dataset.told);
    const [{ draw }, signals] = await Promise.all([import(inBook(name)), decoded(material, rate)]);
    const ramps = JSON.parse(figure.querySelector(".hpss-ramps").textContent);
    const picture = figure.querySelector(".hpss-picture"), image = picture.querySelector("img");
    const size = Object.fromEntries(
      ["width", "height"].map((side) => [side, Number(image.getAttribute(side))])
    );
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    const worker = new Worker(inBook("worker"), { type: "module" });
    worker.postMessage({ material: signals });
    let now = null, asked = null, waiting = null; // what is shown, computed, and computed next

    function ask(values) {
      if (!values.warming) figure.setAttribute("aria-busy", "true");
      if (asked) waiting = values;
      else {
        asked = values;
        worker.postMessage({ name, values, gain });
      }
    }

    worker.onmessage = ({ data: { error, ...found } }) => {
      const values = asked, next = waiting;
      asked = waiting = null;
      if (next) ask(next);
      else figure.removeAttribute("aria-busy");
      if (error) throw new Error(error);
      if (!values.warming) show(values, found);
    };

    function show(values, found) {
      now = found;
      if (!canvas.isConnected) picture.replaceChildren(canvas);
      canvas.setAttribute("aria-label", `${figure.dataset.shows} ${now.text}`);
      text.textContent = now.text;
      sounds.forEach((audio, i) => { if (now.sounds[i]) heard(audio, now.sounds[i]); });
      paint();
      figure.dataset.shown = JSON.stringify(values); // for the tests
    }

    function paint() {
      if (!now) return;
      const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
      const own = Object.fromEntries(Object.keys(ramps).map((kind) => [kind, ramps[kind][theme]]));
      const ink = getComputedStyle(figure).color;
      draw(canvas, now.seen, { ramps: own, inks: inks[theme], ink, ...size });
    }

    function values() {
      return Object.fromEntries(inputs.map((input, i) => [sliders[i].name, valueOf(input, sliders[i])]));
    }

    new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    await released(inputs);
    inputs.forEach((input, i) => freed(input, sliders[i]));
    ask({ ...values(), warming: true }); // what every position needs is there before the first move
    return () => {
      const at = values();
      inputs.forEach((input, i) => {
        say(input, inWords(at[sliders[i].name], sliders[i].unit));
      });
      ask(at);
    };
  }

  // As Slider.text in Python.
  function inWords(value, unit) {
    const digits = Number.isInteger(value) ? value.toLocaleString("en-US") : Number(value.toPrecision(4));
    return `${digits} ${unit}`.trim().replace("-", "−");
  }

  // The signals that a control works on, by name.
  async function decoded(urls, rate) {
    const context = new OfflineAudioContext(1, 1, rate);
    return Object.fromEntries(await Promise.all(Object.entries(urls).map(async ([name, url]) => {
      const sound = await context.decodeAudioData(await hpss.sounds.bytes(url));
      return [name, sound.getChannelData(0)];
    })));
  }

  const made = new WeakMap(); // audio element -> the last addresses of computed sounds

  // The sound just computed; those before it are let go, but for the one that may still be playing.
  function heard(audio, file) {
    const urls = made.get(audio) ?? [];
    urls.push(URL.createObjectURL(file));
    made.set(audio, urls);
    hpss.sounds.exchange(audio, urls[urls.length - 1]);
    if (urls.length > 3) URL.revokeObjectURL(urls.shift());
  }

  const untouched = new WeakMap(); // input -> the position's own value, until it is moved

  // The input's scale becomes the live one, of logarithms where ratios are to be even.
  function freed(input, { values, live: [low, high, step], log }) {
    const value = values[Number(input.value)], scale = log ? Math.log10 : Number;
    input.min = scale(low);
    input.max = scale(high);
    input.step = log ? (scale(high) - scale(low)) / 200 : step;
    input.value = scale(value);
    untouched.set(input, { at: input.value, value });
    input.parentNode.querySelector(".hpss-ticks").hidden = true;
    delete input.dataset.texts;
    fill(input);
  }

  function valueOf(input, { live: [low, high, step], log }) {
    const { at, value: own } = untouched.get(input);
    if (input.value === at) return own;
    if (!log) return Number(input.value);
    const value = Number((Math.round(10 ** Number(input.value) / step) * step).toPrecision(10));
    return Math.min(Math.max(value, low), high);
  }

  hpss.fill = fill;
  hpss.say = say;
  hpss.register("[data-hpss=control]", build);

  // In JupyterLab the arrow keys would go from cell to cell instead of through a menu. Its own
  // listener asks the element that has the focus, and only then those around it.
  document.addEventListener("focusin", ({ target }) => {
    if (target.closest(".hpss-live")) target.dataset.lmSuppressShortcuts = "true";
  });

  // Live, in JupyterLab: the widgets' sliders have a label beside them, which names nothing.
  hpss.register(".widget-slider .noUi-handle", (handle) => {
    const label = handle.closest(".widget-slider").querySelector(".widget-label");
    if (label) handle.setAttribute("aria-label", label.textContent.trim());
  });

  // A formula that is wider than its place scrolls, and whoever has no pointer must get to it.
  hpss.register("mjx-container[display]", (formula) => {
    requestAnimationFrame(() => {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    });
  });
})();
