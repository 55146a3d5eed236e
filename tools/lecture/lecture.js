/* Starts reveal.js, lets controls and players have the arrow keys, and fits what is too tall. */
(() => {
  "use strict";
  const HEIGHT = 700, LARGEST = 1.45;

  // A figure with its control and caption is shown as large as the slide allows, or smaller than it
  // is on its page where it would not fit.
  function fit(section) {
    if (!section || section.querySelector("section")) return;
    const figures = [...section.querySelectorAll(".hpss")];
    const parts = figures.length ? figures : [section];
    for (const part of parts) part.style.zoom = 1;
    const inside = parts.reduce((sum, part) => sum + part.offsetHeight, 0);
    const outside = figures.length ? section.scrollHeight - inside : 0;
    const scale = Math.min(figures.length ? LARGEST : 1, (HEIGHT - outside - 10) / inside);
    for (const part of parts) part.style.zoom = Math.max(0.5, scale);
  }

  function fitCurrent() {
    const section = Reveal.getCurrentSlide();
    if (!section) return;
    fit(section);
    for (const image of section.querySelectorAll("img")) {
      image.loading = "eager";
      if (!image.complete) image.addEventListener("load", () => fit(section), { once: true });
    }
    Reveal.layout();
  }

  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0.03,
    center: false,
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    // The keys belong to a slider, a list or a player while it has the focus.
    keyboardCondition: () => !document.activeElement?.closest(".hpss, audio, details"),
    plugins: [RevealNotes],
  }).then(fitCurrent);
  Reveal.on("slidechanged", fitCurrent);
  window.addEventListener("load", () => {
    window.MathJax?.startup?.promise?.then(fitCurrent);
  });
})();
