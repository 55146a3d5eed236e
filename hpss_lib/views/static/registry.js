/* What finds the book's figures, on a page and in outputs that a notebook adds later. The first of
   the book's scripts. All are classic scripts, ES2020, without a build step: they run on a web
   server, from disk, and inside an output, and they send no request elsewhere. */
(() => {
  "use strict";
  if (window.hpss) return; // each live output brings the scripts; the first ones stay

  const kinds = []; // { selector, build, done }

  // Call build(element) once for each element that the selector finds, now and later.
  function register(selector, build) {
    const kind = { selector, build, done: new WeakSet() };
    kinds.push(kind);
    equip(kind, document);
  }

  function equip({ selector, build, done }, root) {
    const found = [...root.querySelectorAll(selector)];
    if (root !== document && root.matches(selector)) found.unshift(root);
    for (const element of found) {
      if (done.has(element)) continue;
      done.add(element);
      build(element);
    }
  }

  function scan(root) {
    if (root.querySelectorAll) for (const kind of kinds) equip(kind, root);
  }

  function watch() {
    scan(document);
    new MutationObserver((records) => {
      for (const record of records) record.addedNodes.forEach(scan);
    }).observe(document.body, { childList: true, subtree: true });
  }

  document.documentElement.classList.add("hpss-js");
  window.hpss = { register };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
