"""The phasor figure of chapter 8: PU-iter on one bin, computed in the browser, no kernel behind it.

The HTML written here holds the figure at its start, complete without a script; static/phasor.js
then moves the same elements, by the measures in the drawing's data attributes. Its arithmetic is
that of `puiter.pu_iter_step` and `closed_form`, and tests/browser holds the two against each other.
"""

import math

import numpy as np

from hpss_lib.puiter import closed_form
from hpss_lib.views import output

LARGEST = 1.5  # of each magnitude
START = {"V_p": 0.9, "V_h": 1.0, "X": 1.3, "start": 70}  # the last in degrees from the mixture
RUN = 50  # iterations of the button "Run", as published

# The drawing: the unit in pixels, and where the origin lies. Room for 1.5 to the left of it, for
# two phasors of 1.5 one after the other to the right, and for 1.5 above and below.
_UNIT, _WIDTH, _HEIGHT = 120, 600, 400
_ORIGIN = 210.0, 200.0
_LABEL = 15  # how far beside the middle of an arrow its name stands, in pixels
_X_LABEL = 13.0, 17.0  # X's own stands to the right of its tip, and below: the others cross it

_SLIDERS = (
    ("V_p", '<i>V</i><sub>p</sub> <span class="hpss-phasor-word">percussive</span>'),
    ("V_h", '<i>V</i><sub>h</sub> <span class="hpss-phasor-word">harmonic</span>'),
    ("X", '|<i>X</i>| <span class="hpss-phasor-word">mixture</span>'),
    ("start", 'Start of <i>S</i><sub>h</sub> <span class="hpss-phasor-word">from ∠X</span>'),
)
_NAMES = {"p": ("S", "p"), "h": ("S", "h"), "x": ("X", ""), "e": ("E", "")}


def show(*, name: str, title: str, caption: str, question: str, answer: str = "") -> None:
    """Show the phasor figure of chapter 8: one time-frequency bin on the complex plane.

    Parameters
    ----------
    name
        Letters, digits and hyphens, unique on the page.
    title, caption, question, answer
        Prose; may hold $math$, `code` and *emphasis*.

    Raises
    ------
    ValueError
        Where the name is unfit.
    """
    markup = figure_html(name, title, caption, question, answer)
    output.emit(markup, f"[Phasor figure: {title}]", "phasor")


def figure_html(name: str, title: str, caption: str, question: str, answer: str = "") -> str:
    """The figure at its start, as HTML."""
    anchor = f"phasor-{output.identifier(name)}"
    sliders = "".join(_slider_html(anchor, key, label) for key, label in _SLIDERS)
    buttons = "".join(
        f'<button type="button" data-action="{action}">{text}</button>'
        for action, text in (("step", "Step"), ("run", f"Run {RUN}"), ("reset", "Reset"))
    )
    text = state_text()
    return (
        f'<figure class="hpss hpss-control hpss-phasor" id="{anchor}" data-hpss="phasor" '
        f'data-iterations="{RUN}" '
        f'aria-labelledby="{anchor}-title" data-lm-suppress-shortcuts="true">'
        f'<p class="hpss-title" id="{anchor}-title">{output.inline(title)}</p>'
        f'<div class="hpss-inputs hpss-js-only">{sliders}</div>'
        f"{_svg_html(anchor, text)}"
        f'<div class="hpss-phasor-buttons hpss-js-only">{buttons}</div>'
        f'<p class="hpss-text" role="status" aria-live="polite">{text}</p>'
        f"<figcaption>{output.inline(caption)}</figcaption>"
        f'<p class="hpss-question hpss-js-only"><span class="hpss-tag">Try it</span> '
        f"{output.inline(question)}</p>{output.answer_html(answer)}</figure>"
    )


def _start() -> tuple[complex, complex, complex, complex, complex]:
    """X, S_p, S_h at the start, and where they end: complex numbers, X along the real axis."""
    S_p, S_h = complex(START["V_p"]), START["V_h"] * np.exp(1j * math.radians(START["start"]))
    ends = closed_form(np.array(complex(START["X"])), START["V_p"], START["V_h"], S_h)
    return complex(START["X"]), S_p, complex(S_h), complex(ends[0]), complex(ends[1])


def state_text() -> str:
    """What the figure says at its start; phasor.js says the same, word by word."""
    X, S_p, S_h, end_p, end_h = _start()
    return (
        f"Iteration 0: S_p at {_degrees(S_p)}, S_h at {_degrees(S_h)}, mixing error "
        f"{abs(X - S_p - S_h):.4f}. The closed form: {_degrees(end_p)} and {_degrees(end_h)}, "
        f"mixing error {abs(X - end_p - end_h):.4f}."
    )


def _degrees(z: complex) -> str:
    """The angle of z, as the reader sees it."""
    return f"{math.degrees(math.atan2(z.imag, z.real)):.1f}°".replace("-", "−")


def _slider_html(anchor: str, key: str, label: str) -> str:
    """One of the four sliders."""
    at = f"{anchor}-{key.replace('_', '-')}"
    low, high, step = (-180, 180, 1) if key == "start" else (0, LARGEST, 0.01)
    value = START[key]
    shown = f"{value}°" if key == "start" else f"{value:.2f}"
    return (
        f'<div class="hpss-input"><label for="{at}">{label}</label>'
        f'<span class="hpss-range"><input type="range" id="{at}" data-key="{key}" min="{low}" '
        f'max="{high}" step="{step}" value="{value}" autocomplete="off" aria-valuetext="{shown}">'
        f'</span><output for="{at}">{shown}</output></div>'
    )


def _svg_html(anchor: str, text: str) -> str:
    """The drawing: circles of the two magnitudes, the triangle, and the arrows on top."""
    X, S_p, S_h, end_p, _ = _start()
    arrows = {"x": (0, X), "p": (0, S_p), "h": (S_p, S_p + S_h), "e": (S_p + S_h, X)}
    heads = "".join(
        f'<marker id="{anchor}-head-{part}" class="hpss-phasor-{part}" viewBox="0 0 10 10" '
        f'refX="9" refY="5" markerWidth="13" markerHeight="13" markerUnits="userSpaceOnUse" '
        f'orient="auto"><path d="M0 1 10 5 0 9z"/></marker>'
        for part in arrows
    )
    lines = "".join(
        f'<line class="hpss-phasor-{part}" data-part="{part}" {_ends(*ends)} '
        f'marker-end="url(#{anchor}-head-{part})"/>'
        for part, ends in arrows.items()
    )
    names = "".join(_label_html(part, *arrows[part]) for part in arrows)
    circles = "".join(
        f'<circle class="hpss-phasor-{part}" data-part="circle-{part}" cx="{_x(c)}" cy="{_y(c)}" '
        f'r="{_number(radius * _UNIT)}"/>'
        for part, c, radius in (("p", 0, START["V_p"]), ("h", X, START["V_h"]))
    )
    corners = " ".join(f"{_x(z)},{_y(z)}" for z in (0, end_p, X))
    left, top = _ORIGIN
    right, down = _X_LABEL
    return (
        f'<svg class="hpss-phasor-plane" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'data-unit="{_UNIT}" data-left="{left}" data-top="{top}" data-label="{_LABEL}" '
        f'data-x-right="{right}" data-x-down="{down}" '
        f'aria-label="{output.escape("Arrows on the complex plane. " + text)}">'
        f"<defs>{heads}</defs>"
        f'<path class="hpss-phasor-axes" d="M0 {top}H{_WIDTH}M{left} 0V{_HEIGHT}"/>'
        f"{circles}"
        f'<polygon class="hpss-phasor-end" data-part="end" points="{corners}"/>{lines}{names}</svg>'
    )


def _label_html(part: str, start: complex, end: complex) -> str:
    """The name of an arrow, to the left of its middle as one looks along it, or at X's tip."""
    middle, along = (start + end) / 2, end - start
    side = 1j * along / abs(along) if abs(along) else 1j
    x = _ORIGIN[0] + middle.real * _UNIT + side.real * _LABEL
    y = _ORIGIN[1] - middle.imag * _UNIT - side.imag * _LABEL
    if part == "x":
        x = _ORIGIN[0] + end.real * _UNIT + _X_LABEL[0]
        y = _ORIGIN[1] - end.imag * _UNIT + _X_LABEL[1]
    letter, index = _NAMES[part]
    index = f'<tspan class="hpss-phasor-index" dy="4">{index}</tspan>' if index else ""
    return (
        f'<text class="hpss-phasor-{part}" data-part="name-{part}" x="{_number(x)}" '
        f'y="{_number(y)}" text-anchor="middle" dominant-baseline="central">{letter}{index}</text>'
    )


def _ends(start: complex, end: complex) -> str:
    return f'x1="{_x(start)}" y1="{_y(start)}" x2="{_x(end)}" y2="{_y(end)}"'


def _x(z: complex) -> str:
    return _number(_ORIGIN[0] + complex(z).real * _UNIT)


def _y(z: complex) -> str:
    return _number(_ORIGIN[1] - complex(z).imag * _UNIT)


def _number(value: float) -> str:
    return f"{value:.2f}"
