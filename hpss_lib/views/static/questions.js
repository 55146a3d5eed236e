/* Questions of the book (hpss_lib/views/questions.py): what is typed, chosen or ordered is judged
   here, with a word on the usual mistakes. Progress is kept in this browser and shown beside the
   contents; nothing is sent anywhere. */
(() => {
  "use strict";
  const { hpss } = window;
  if (hpss.questions) return;

  // ------------------------------------------------------------------ numbers

  // What a reader types for a number: "-3.5", "−3,5", "1e3", "2/3"; null for anything else.
  function read(text) {
    const plain = text.trim().replace(/\u2212/g, "-").replace(/(\d)[ \u00a0\u202f](?=\d{3}\b)/g, "$1")
      .replace(/^([^,]*),([^,]*)$/, "$1.$2");
    const number = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?";
    const match = plain.match(new RegExp(`^(${number})(?:\\s*/\\s*(${number}))?$`, "i"));
    if (!match) return null;
    const value = Number(match[1]) / (match[2] === undefined ? 1 : Number(match[2]));
    return Number.isFinite(value) ? value : null;
  }

  // A mistake that can be told from the value alone, or "".
  function usual(given, right, tolerance) {
    const is = (value) => Math.abs(given - value) <= Math.max(tolerance, 1e-3 * Math.abs(value));
    if (right !== 0) {
      if (is(-right)) return "The size is right, the sign is not.";
      if (is(2 * right)) return "Twice as much as it should be.";
      if (is(right / 2)) return "Half of what it should be.";
      for (const power of [3, 6, 2, 1, -1, -2, -3, -6]) {
        const factor = 10 ** power;
        if (Math.abs(given / factor - right) <= 2 * tolerance) {
          return power === 2 || power === -2
            ? "Off by a factor of a hundred: per cent?"
            : `Off by a factor of ${power > 0 ? factor : 10 ** -power}: look at the unit.`;
        }
      }
      if (Math.abs(given * right - 1) <= tolerance / Math.abs(right) + 1e-3) {
        return "That is the inverse of the right value.";
      }
    }
    if (Math.abs(given - right) <= 10 * tolerance) return "Close: give one more digit.";
    return "";
  }

  function judgeNumbers(inputs, facts) {
    const given = inputs.map((input) => read(input.value));
    const bad = given.findIndex((value) => value === null);
    if (bad >= 0) {
      inputs[bad].focus();
      return { open: true, said: inputs[bad].value.trim()
        ? `“${inputs[bad].value.trim()}” is no number: digits, a point, a minus, without the unit.`
        : "Type a number first." };
    }
    const { values, tolerance, mistakes } = facts;
    const fits = (value, right) => Math.abs(value - right) <= tolerance * (1 + 1e-9);
    if (given.every((value, k) => fits(value, values[k]))) return { right: true, said: "" };
    const known = mistakes.find(([wrong]) => fits(given[0], wrong));
    if (known) return { said: known[1] };
    if (values.length > 1) {
      const sorted = (list) => [...list].sort((a, b) => a - b);
      const expected = sorted(values);
      if (sorted(given).every((value, k) => fits(value, expected[k]))) {
        return { said: "These are the right values, in each other's boxes." };
      }
      const right = given.filter((value, k) => fits(value, values[k])).length;
      if (right) return { said: `${right} of ${values.length} are right.` };
    }
    const off = given.findIndex((value, k) => !fits(value, values[k]));
    return { said: usual(given[off], values[off], tolerance) };
  }

  // ------------------------------------------------------------------ choices and orders

  function judgeChoice(figure, facts) {
    const chosen = figure.querySelector("input[type=radio]:checked");
    if (!chosen) return { open: true, said: "Choose one first." };
    const k = Number(chosen.value);
    return { right: k === facts.right, said: facts.why[k] };
  }

  function judgeOrder(figure) {
    const order = [...figure.querySelectorAll("[data-item]")].map((item) => Number(item.dataset.item));
    const right = order.every((item, k) => item === k);
    if (right) return { right, said: "" };
    if (order.every((item, k) => item === order.length - 1 - k)) {
      return { said: "Exactly the other way round." };
    }
    const first = order.findIndex((item, k) => item !== k);
    return { said: first ? `The first ${first === 1 ? "one is" : `${first} are`} right.`
      : "The first one is not right yet." };
  }

  // ------------------------------------------------------------------ progress

  const KEY = "hpss-questions"; // { page: { of: how many, done: [names] } }
  const pageName = (path) => path.split("/").pop().replace(/\.(html|ipynb)$/, "") || "index";
  const here = pageName(location.pathname);

  function stored() {
    try {
      return JSON.parse(localStorage.getItem(KEY)) || {};
    } catch {
      return {}; // a browser that keeps nothing: then there is no progress to show
    }
  }

  function remember(name) {
    const all = stored();
    const page = all[here] || { done: [] };
    page.of = document.querySelectorAll("[data-hpss=question]").length;
    if (name && !page.done.includes(name)) page.done.push(name);
    all[here] = page;
    try {
      localStorage.setItem(KEY, JSON.stringify(all));
    } catch {
      return;
    }
    showProgress(all);
  }

  // "3/5" beside each chapter of the contents whose questions the reader has seen.
  function showProgress(all) {
    for (const link of document.querySelectorAll(".bd-links a.reference.internal, .hpss-contents a")) {
      const page = all[link.hash ? "" : link.getAttribute("href") === "#" ? here : pageName(link.pathname)];
      if (!page || !page.of) continue;
      let badge = link.querySelector(".hpss-progress");
      if (!badge) {
        badge = document.createElement("span");
        badge.className = "hpss-progress";
        link.append(" ", badge);
      }
      badge.textContent = `${page.done.length}/${page.of}`;
      badge.setAttribute("aria-label", `${page.done.length} of ${page.of} questions answered`);
      badge.setAttribute("role", "img");
    }
  }

  // ------------------------------------------------------------------ one question

  function unseal(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  function typeset(element) {
    if (window.MathJax?.typesetPromise) window.MathJax.typesetPromise([element]);
  }

  function build(figure) {
    const facts = unseal(figure.dataset.answer);
    const part = (name) => figure.querySelector(`[data-part="${name}"]`);
    const action = (name) => figure.querySelector(`[data-action="${name}"]`);
    const inputs = [...figure.querySelectorAll("input[type=text]")];
    let tries = 0, hints = 0, solved = false;

    const judge = () => {
      if (facts.values) return judgeNumbers(inputs, facts);
      return facts.order ? judgeOrder(figure) : judgeChoice(figure, facts);
    };

    function say(kind, markup) {
      const line = document.createElement("p");
      line.className = `hpss-ask-${kind}`;
      line.innerHTML = markup;
      part("said").append(line);
      typeset(line);
    }

    function done() {
      solved = true;
      part("done").hidden = false;
    }

    figure.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const { right, open, said } = judge();
      part("said").replaceChildren();
      if (open) {
        say("hint", said);
        return;
      }
      tries += 1;
      if (right) {
        say("right", `<strong>Right.</strong> ${said}`);
        if (!facts.why) say("why", facts.solution);
        done();
        remember(figure.id);
        return;
      }
      say("wrong", `<strong>Not yet.</strong> ${said}`);
    });

    action("hint").addEventListener("click", () => {
      if (hints < facts.hints.length) {
        say("hint", `<strong>Hint ${hints + 1} of ${facts.hints.length}.</strong> ${facts.hints[hints]}`);
        hints += 1;
      }
      if (hints === facts.hints.length) action("hint").disabled = true;
    });

    action("solution").addEventListener("click", () => {
      if (!tries && !solved && action("solution").dataset.sure !== "yes") {
        action("solution").dataset.sure = "yes";
        action("solution").textContent = "Show it all the same";
        say("hint", "Try once before you look: a wrong answer teaches more than a read one.");
        return;
      }
      part("said").replaceChildren();
      say("why", `<strong>Solution.</strong> ${facts.solution}`);
    });

    for (const button of figure.querySelectorAll("[data-move]")) {
      button.addEventListener("click", () => {
        const item = button.closest("li"), step = Number(button.dataset.move);
        const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
        if (!other) return;
        other.insertAdjacentElement(step < 0 ? "beforebegin" : "afterend", item);
        button.focus();
      });
    }

    if (stored()[here]?.done.includes(figure.id)) done();
    remember("");
  }

  hpss.questions = { read, usual };
  hpss.register("[data-hpss=question]", build);
  const ready = () => showProgress(stored());
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
