/* The phasor figure: PU-iter on one bin, in the browser. One classic script, no requests. The
   mixture lies on the real axis; the arithmetic is that of hpss_lib/puiter.py, name for name. */
(function () {
  "use strict";
  if (window.hpssPhasor) return; // each live output brings this script; the first one stays
  document.documentElement.classList.add("hpss-js");

  // As in hpss_lib/views/phasor.py, which draws the first state.
  var UNIT = 120, LEFT = 210, TOP = 200, LABEL = 15, X_RIGHT = 13, X_DOWN = 17;
  var RUN = 50, PAUSE = 90; // iterations, and milliseconds between two of them

  // ---------------------------------------------------------------- complex numbers: [re, im]

  function add(a, b) { return [a[0] + b[0], a[1] + b[1]]; }
  function minus(a, b) { return [a[0] - b[0], a[1] - b[1]]; }
  function times(c, a) { return [c * a[0], c * a[1]]; }
  function size(a) { return Math.hypot(a[0], a[1]); }
  function unit(a) { var r = size(a); return r > 0 ? times(1 / r, a) : [1, 0]; }

  // ---------------------------------------------------------------- the algorithm

  // S_p starts at the mixture's phase, S_h at an angle to it, in radians.
  function begin(V_p, V_h, start) {
    return { p: [V_p, 0], h: [V_h * Math.cos(start), V_h * Math.sin(start)] };
  }

  function mixingError(x, S) { return minus([x, 0], add(S.p, S.h)); }

  function step(x, S, V_p, V_h) {
    var E = mixingError(x, S), total = V_p * V_p + V_h * V_h || 1;
    function next(S_j, V) {
      var Y = add(S_j, times((V * V) / total, E)), r = size(Y);
      return r > 0 ? times(V / r, Y) : S_j;
    }
    return { p: next(S.p, V_p), h: next(S.h, V_h) };
  }

  function closedForm(x, p, h, start) {
    var g = [Math.cos(start), Math.sin(start)], z_p, z_h;
    if (x > 0) {
      // Heron: the product is (4 area)^2, and negative where no triangle closes.
      var product = (x + h + p) * (x + h - p) * (x + p - h) * (p + h - x);
      var area = Math.sqrt(Math.max(product, 0)) * (g[1] < 0 ? -1 : 1);
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

  function degrees(z) {
    return ((Math.atan2(z[1], z[0]) * 180) / Math.PI).toFixed(1).replace("-", "−") + "°";
  }

  function Phasor(figure) {
    var inputs = {}, timer = null, iteration = 0, S;
    var text = figure.querySelector(".hpss-text"), plane = figure.querySelector("svg");
    var run = figure.querySelector('[data-action="run"]'), runText = run.textContent;
    figure.querySelectorAll("input[data-key]").forEach(function (input) {
      inputs[input.dataset.key] = input;
      input.addEventListener("input", reset);
    });

    function value(key) { return Number(inputs[key].value); }
    function radians() { return (value("start") * Math.PI) / 180; }
    function part(name) { return figure.querySelector('[data-part="' + name + '"]'); }

    function set(element, attributes) {
      Object.keys(attributes).forEach(function (key) {
        var number = attributes[key];
        element.setAttribute(key, typeof number === "number" ? number.toFixed(2) : number);
      });
    }

    function px(z) { return LEFT + z[0] * UNIT; }
    function py(z) { return TOP - z[1] * UNIT; }

    function arrow(name, start, end) {
      var along = minus(end, start), long = size(along), middle = times(0.5, add(start, end));
      var side = long > 0 ? [-along[1] / long, along[0] / long] : [0, 1];
      var hidden = long * UNIT < 1 ? "hidden" : "visible";
      set(part(name), {
        x1: px(start), y1: py(start), x2: px(end), y2: py(end), visibility: hidden,
      });
      var isX = name === "x"; // its name stands at its tip
      set(part("name-" + name), {
        x: isX ? px(end) + X_RIGHT : px(middle) + LABEL * side[0],
        y: isX ? py(end) + X_DOWN : py(middle) - LABEL * side[1],
        visibility: long * UNIT < 24 ? "hidden" : "visible",
      });
    }

    function draw(spoken) {
      var X = [value("X"), 0], sum = add(S.p, S.h);
      var end = closedForm(X[0], value("V_p"), value("V_h"), radians());
      arrow("x", [0, 0], X);
      arrow("p", [0, 0], S.p);
      arrow("h", S.p, sum);
      arrow("e", sum, X);
      set(part("circle-p"), { r: value("V_p") * UNIT });
      set(part("circle-h"), { cx: px(X), r: value("V_h") * UNIT });
      part("end").setAttribute(
        "points",
        [[0, 0], end.p, add(end.p, end.h)].map(function (z) {
          return px(z).toFixed(2) + "," + py(z).toFixed(2);
        }).join(" ")
      );
      Object.keys(inputs).forEach(function (key) {
        var input = inputs[key], low = Number(input.min), number = value(key);
        var shown = key === "start" ? number + "°" : number.toFixed(2);
        shown = shown.replace("-", "−");
        input.setAttribute("aria-valuetext", shown);
        input.closest(".hpss-input").querySelector("output").textContent = shown;
        input.style.setProperty("--part", (number - low) / (Number(input.max) - low));
      });
      var sentence =
        "Iteration " + iteration + ": S_p at " + degrees(S.p) + ", S_h at " + degrees(S.h) +
        ", mixing error " + size(mixingError(X[0], S)).toFixed(4) + ". The closed form: " +
        degrees(end.p) + " and " + degrees(end.h) + ", mixing error " +
        size(mixingError(X[0], end)).toFixed(4) + ".";
      // While it runs, the numbers are seen but not read out; the last ones are.
      text.setAttribute("aria-live", spoken ? "polite" : "off");
      text.textContent = sentence;
      plane.setAttribute("aria-label", "Arrows on the complex plane. " + sentence);
    }

    function advance() {
      S = step(value("X"), S, value("V_p"), value("V_h"));
      iteration += 1;
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      run.textContent = runText;
    }

    function reset() {
      stop();
      iteration = 0;
      S = begin(value("V_p"), value("V_h"), radians());
      draw(true);
    }

    var actions = {
      step: function () { stop(); advance(); draw(true); },
      reset: reset,
      run: function () {
        if (timer) { stop(); draw(true); return; }
        var last = iteration + RUN;
        if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
          while (iteration < last) advance();
          draw(true);
          return;
        }
        run.textContent = "Stop";
        timer = setInterval(function () {
          if (!figure.isConnected) { stop(); return; }
          advance();
          if (iteration >= last) stop();
          draw(iteration >= last);
        }, PAUSE);
      },
    };
    figure.querySelectorAll("[data-action]").forEach(function (button) {
      button.addEventListener("click", actions[button.dataset.action]);
    });

    // For the tests, which compare these numbers with the library's.
    figure.hpssPhasor = {
      state: function () {
        return {
          V_p: value("V_p"), V_h: value("V_h"), X: value("X"), start: radians(),
          iteration: iteration, S_p: S.p, S_h: S.h, error: mixingError(value("X"), S),
          end: closedForm(value("X"), value("V_p"), value("V_h"), radians()),
          running: timer !== null,
        };
      },
    };
    reset();
  }

  function scan(root) {
    if (!root.querySelectorAll) return;
    var found = Array.from(root.querySelectorAll(".hpss-phasor"));
    if (root.matches(".hpss-phasor")) found.push(root);
    found.forEach(function (figure) {
      if (!figure.hpssPhasor) Phasor(figure);
    });
  }

  window.hpssPhasor = { scan: scan };

  function start() {
    scan(document.body);
    new MutationObserver(function (records) {
      records.forEach(function (record) { record.addedNodes.forEach(scan); });
    }).observe(document.body, { childList: true, subtree: true });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
