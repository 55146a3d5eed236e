/* The phasor figure: PU-iter on one bin, in the browser. The mixture lies on the real axis; the
   arithmetic is that of hpss_lib/puiter.py, name for name. The drawing's measures come with it, as
   data attributes, from hpss_lib/views/phasor.py, which draws the first state. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.phasor) return;
  hpss.phasor = true;

  const PAUSE = 90; // milliseconds between two iterations of a run

  // ---------------------------------------------------------------- complex numbers: [re, im]

  const add = (a, b) => [a[0] + b[0], a[1] + b[1]];
  const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];
  const times = (c, a) => [c * a[0], c * a[1]];
  const size = (a) => Math.hypot(a[0], a[1]);

  function unit(a) {
    const r = size(a);
    return r > 0 ? times(1 / r, a) : [1, 0];
  }

  // ---------------------------------------------------------------- the algorithm

  // S_p starts at the mixture's phase, S_h at an angle to it, in radians.
  function begin(V_p, V_h, start) {
    return { p: [V_p, 0], h: [V_h * Math.cos(start), V_h * Math.sin(start)] };
  }

  const mixingError = (x, S) => minus([x, 0], add(S.p, S.h));

  function step(x, S, V_p, V_h) {
    const E = mixingError(x, S), total = V_p * V_p + V_h * V_h || 1;
    function next(S_j, V) {
      const Y = add(S_j, times((V * V) / total, E)), r = size(Y);
      return r > 0 ? times(V / r, Y) : S_j;
    }
    return { p: next(S.p, V_p), h: next(S.h, V_h) };
  }

  function closedForm(x, p, h, start) {
    const g = [Math.cos(start), Math.sin(start)];
    let z_p, z_h;
    if (x > 0) {
      // Heron: the product is (4 area)^2, and negative where no triangle closes.
      const product = (x + h + p) * (x + h - p) * (x + p - h) * (p + h - x);
      const area = Math.sqrt(Math.max(product, 0)) * (g[1] < 0 ? -1 : 1);
      z_h = [(x - p) * (x + p) + h * h, area];
      z_p = [(x - h) * (x + h) + p * p, -area];
    } else if (p * h > 0) {
      z_h = minus(times(p, g), [h, 0]); // the sources oppose each other
      z_p = times(-1, z_h);
    } else {
      z_h = g; // nothing to oppose: each stays where it starts
      z_p = [1, 0];
    }
    return { p: times(p, unit(z_p)), h: times(h, unit(z_h)) };
  }

  // ---------------------------------------------------------------- the figure

  const withMinus = (text) => text.replace("-", "−");
  const degrees = (z) => `${withMinus(((Math.atan2(z[1], z[0]) * 180) / Math.PI).toFixed(1))}°`;

  function set(element, attributes) {
    for (const [key, value] of Object.entries(attributes)) {
      element.setAttribute(key, typeof value === "number" ? value.toFixed(2) : value);
    }
  }

  // What draws { V_p, V_h, X, S, end } on the plane of a figure.
  function drawing(figure) {
    const measures = figure.querySelector("svg").dataset;
    const [UNIT, LEFT, TOP, LABEL, X_RIGHT, X_DOWN] =
      ["unit", "left", "top", "label", "xRight", "xDown"].map((name) => Number(measures[name]));
    const part = (name) => figure.querySelector(`[data-part="${name}"]`);
    const px = (z) => LEFT + z[0] * UNIT;
    const py = (z) => TOP - z[1] * UNIT;

    function arrow(name, start, end) {
      const along = minus(end, start), long = size(along), middle = times(0.5, add(start, end));
      const side = long > 0 ? [-along[1] / long, along[0] / long] : [0, 1];
      set(part(name), {
        x1: px(start), y1: py(start), x2: px(end), y2: py(end),
        visibility: long * UNIT < 1 ? "hidden" : "visible",
      });
      const isX = name === "x"; // its name stands at its tip
      set(part(`name-${name}`), {
        x: isX ? px(end) + X_RIGHT : px(middle) + LABEL * side[0],
        y: isX ? py(end) + X_DOWN : py(middle) - LABEL * side[1],
        visibility: long * UNIT < 24 ? "hidden" : "visible",
      });
    }

    return ({ V_p, V_h, X, S, end }) => {
      const x = [X, 0], sum = add(S.p, S.h);
      arrow("x", [0, 0], x);
      arrow("p", [0, 0], S.p);
      arrow("h", S.p, sum);
      arrow("e", sum, x);
      set(part("circle-p"), { r: V_p * UNIT });
      set(part("circle-h"), { cx: px(x), r: V_h * UNIT });
      const corners = [[0, 0], end.p, add(end.p, end.h)];
      set(part("end"), {
        points: corners.map((z) => `${px(z).toFixed(2)},${py(z).toFixed(2)}`).join(" "),
      });
    };
  }

  function sentence({ X, S, end, iteration }) {
    const error = (Z) => size(mixingError(X, Z)).toFixed(4);
    return `Iteration ${iteration}: S_p at ${degrees(S.p)}, S_h at ${degrees(S.h)}, ` +
      `mixing error ${error(S)}. The closed form: ${degrees(end.p)} and ${degrees(end.h)}, ` +
      `mixing error ${error(end)}.`;
  }

  function build(figure) {
    const inputs = [...figure.querySelectorAll("input[data-key]")];
    const text = figure.querySelector(".hpss-text"), plane = figure.querySelector("svg");
    const run = figure.querySelector('[data-action="run"]'), runText = run.textContent;
    const draw = drawing(figure);
    let timer = null, iteration = 0, S = null;

    // What the sliders say, the start in radians, and where the algorithm stands.
    function state() {
      const at = Object.fromEntries(inputs.map((input) => [input.dataset.key, Number(input.value)]));
      const start = (at.start * Math.PI) / 180;
      return { ...at, start, iteration, S, end: closedForm(at.X, at.V_p, at.V_h, start) };
    }

    function show(spoken) {
      const now = state(), said = sentence(now);
      draw(now);
      for (const input of inputs) {
        const isAngle = input.dataset.key === "start", number = Number(input.value);
        hpss.say(input, withMinus(isAngle ? `${number}°` : number.toFixed(2)));
      }
      // While it runs, the numbers are seen but not read out; the last ones are.
      text.setAttribute("aria-live", spoken ? "polite" : "off");
      text.textContent = said;
      plane.setAttribute("aria-label", `Arrows on the complex plane. ${said}`);
    }

    function advance() {
      const { X, V_p, V_h } = state();
      S = step(X, S, V_p, V_h);
      iteration += 1;
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      run.textContent = runText;
    }

    function reset() {
      const { V_p, V_h, start } = state();
      stop();
      iteration = 0;
      S = begin(V_p, V_h, start);
      show(true);
    }

    function runOn() {
      const last = iteration + Number(figure.dataset.iterations);
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        while (iteration < last) advance();
        show(true);
        return;
      }
      run.textContent = "Stop";
      timer = setInterval(() => {
        if (!figure.isConnected) {
          stop();
          return;
        }
        advance();
        if (iteration >= last) stop();
        show(iteration >= last);
      }, PAUSE);
    }

    const actions = {
      step() { stop(); advance(); show(true); },
      reset,
      run() {
        if (!timer) runOn();
        else { stop(); show(true); }
      },
    };
    for (const input of inputs) input.addEventListener("input", reset);
    for (const button of figure.querySelectorAll("[data-action]")) {
      button.addEventListener("click", actions[button.dataset.action]);
    }
    // For the tests, which compare these numbers with the library's.
    figure.hpss = {
      state() {
        const { S: { p, h }, ...now } = state();
        const error = mixingError(now.X, { p, h });
        return { ...now, S_p: p, S_h: h, error, running: timer !== null };
      },
    };
    reset();
  }

  hpss.register("[data-hpss=phasor]", build);
})();
