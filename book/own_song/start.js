/* The page's first script, a classic one: it runs from disk too, where browsers refuse modules. */
(() => {
  "use strict";
  const root = /** @type {HTMLElement} */ (document.getElementById("own-song"));
  const problem = /** @type {HTMLElement} */ (root.querySelector(".hpss-own-problem"));
  const controls = /** @type {NodeListOf<HTMLInputElement>} */ (
    root.querySelectorAll("button, select, input")
  );

  function refuse(words) {
    problem.textContent = words;
    problem.hidden = false;
    for (const control of controls) control.disabled = true;
    root.dataset.state = "refused";
  }

  if (location.protocol === "file:") {
    refuse("This page was opened from disk, where browsers let no page compute: serve the book " +
      "(`make serve`, or `python -m http.server` in its folder) and open it at the address that " +
      "this prints.");
  } else if (!window.Worker || !window.OfflineAudioContext) {
    refuse("This browser has no workers or no Web Audio, which the page computes with: any " +
      "Firefox, Chrome, Edge or Safari of the last years has both.");
  } else {
    import("./page.js").catch((error) => {
      refuse(`The page’s scripts could not be loaded (${error.message}): reload it, with a connection.`);
    });
  }
})();
