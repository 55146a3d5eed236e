/* A term of the glossary says what it means on hover or focus; Escape puts the note away. */
(function () {
  "use strict";
  var note = null;
  var owner = null;
  var leaving = 0;

  function hide() {
    clearTimeout(leaving);
    if (owner) owner.removeAttribute("aria-describedby");
    if (note) note.hidden = true;
    owner = null;
  }

  function later() {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 200);
  }

  function make() {
    note = document.createElement("div");
    note.className = "hpss-meaning";
    note.id = "hpss-meaning";
    note.setAttribute("role", "tooltip");
    // The pointer may move onto the note to read it.
    note.addEventListener("mouseenter", function () { clearTimeout(leaving); });
    note.addEventListener("mouseleave", later);
    document.body.appendChild(note);
  }

  function show(term) {
    clearTimeout(leaving);
    if (owner === term) return;
    hide();
    if (!note) make();
    owner = term;
    note.textContent = term.dataset.meaning;
    note.hidden = false;
    term.setAttribute("aria-describedby", note.id);
    var box = term.getBoundingClientRect();
    var width = document.documentElement.clientWidth;
    var left = Math.max(8, Math.min(box.left, width - note.offsetWidth - 8));
    var above = box.top - note.offsetHeight - 6;
    note.style.left = left + window.scrollX + "px";
    note.style.top = (above > 8 ? above : box.bottom + 6) + window.scrollY + "px";
  }

  function term(event) {
    return event.target.closest ? event.target.closest("a.hpss-term") : null;
  }

  document.addEventListener("mouseover", function (event) {
    var at = term(event);
    if (at) show(at);
  });
  document.addEventListener("mouseout", function (event) {
    if (term(event)) later();
  });
  document.addEventListener("focusin", function (event) {
    var at = term(event);
    if (at) show(at);
  });
  document.addEventListener("focusout", function (event) {
    if (term(event)) hide();
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") hide();
  });
})();
