"""The index page: the excerpts, separated, and the map of the system."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from hpss_lib.audio import EXCERPTS
from hpss_lib.chapters.pieces import piece
from hpss_lib.separation import separate
from hpss_lib.stft import COMPACT, SAMPLE_RATE, stft
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, View
from hpss_lib.views.figures import Place

METHOD = "mad"  # the network of chapters 5 and 6, with the mixture's phase


def excerpt_view(name: str, *, seconds: float = 9.0) -> View:
    """One excerpt, separated: three spectrograms and three sounds."""
    t = piece(name, seconds)
    s_p, s_h = separate(t.x, SAMPLE_RATE, method=METHOD)
    at_p, at_h = t.scores(s_p, s_h)
    shown = {"mixture": t.x, "percussive": s_p, "harmonic": s_h}
    X = {label: stft(x, COMPACT) for label, x in shown.items()}
    reference = float(np.abs(X["mixture"]).max())
    fig, axes = plot.figure(1, 3, height=2.6, sharey=True)
    for ax, (label, values) in zip(axes, X.items(), strict=True):
        plot.spectrogram(
            values,
            COMPACT,
            ax=ax,
            title=label,
            floor_db=-70,
            reference=reference,
            frequency="log",
            kind=label,
        )
        ax.set_xticks([0, 3, 6, 9])
        if ax is not axes[0]:
            ax.set_ylabel("")
    record = EXCERPTS[name]
    text = (
        f"“{record.title}”, {record.style}. The percussive estimate reaches "
        f"{at_p:.1f} dB of signal to distortion, the harmonic one {at_h:.1f} dB."
    )
    return View(fig, shown, text)


def short(style: str) -> str:
    """The first words of a description of a style, up to its list of instruments."""
    return re.split(r"[:,]| with ", style)[0]


excerpt_control = Control(
    name="index-excerpts",
    title="Every band of the book, pulled apart",
    parameters=(
        Choice(
            "name",
            "Listen to",
            options={f"“{r.title}”, {short(r.style)}": n for n, r in EXCERPTS.items()},
        ),
    ),
    start={"name": next(iter(EXCERPTS))},
    view=excerpt_view,
    caption="Mixture, percussive and harmonic estimate: the first nine seconds of each excerpt.",
    question="Which style comes apart best? Listen for what ended up on the wrong side.",
    answer=(
        "There is no one right answer, and chapter 9 asks it again with numbers. What is on the "
        "wrong side is mostly what rings among the drums, and what is plucked or struck in the "
        "rest."
    ),
)


# --------------------------------------------------------------------------- the map


def system_map() -> Figure:
    """The whole system as a block diagram, with the paper's symbols and the chapters' numbers."""
    fig, ax = plot.figure(height=3.5)
    ax.set(xlim=(0, 100), ylim=(0, 46))
    ax.axis("off")
    grey, orange, blue = (plot.kind_colour(k) for k in ("mixture", "percussive", "harmonic"))

    def box(x, y, width, text, chapter, colour=grey, below=-6.2):
        shape = "round,pad=0,rounding_size=1.4"
        ax.add_patch(
            FancyBboxPatch((x, y - 4), width, 8, boxstyle=shape, fc="none", ec=colour, lw=1.5)
        )
        middle = {"ha": "center", "va": "center"}
        ax.text(x + width / 2, y, text, fontsize=10, **middle)
        ax.text(x + width / 2, y + below, chapter, fontsize=9, color=grey, **middle)

    def arrow(points, label, at, colour=grey):
        *_, before, end = points
        ax.plot(*zip(*points[:-1], strict=True), color=colour, lw=1.5, solid_joinstyle="round")
        look = {"arrowstyle": "-|>", "mutation_scale": 11, "shrinkA": 0, "shrinkB": 0}
        ax.add_patch(FancyArrowPatch(before, end, color=colour, lw=1.5, **look))
        ax.text(*at, label, ha="center", va="center", fontsize=11, color=colour)

    box(7, 30, 10, "STFT", "chapter 2")
    box(28, 30, 19, "MaD TwinNet", "chapters 5, 6", orange, below=6.2)
    box(32.5, 10, 10, r"$V - V_p$", "chapter 4", blue)
    box(60, 20, 14, "PU-iter", "chapters 7, 8")
    box(82, 30, 9, "ISTFT", "chapter 2", orange)
    box(82, 10, 9, "ISTFT", "chapter 2", blue)

    arrow([(0.5, 30), (7, 30)], "$x$", (3, 32.6))
    arrow([(17, 30), (28, 30)], "$V$", (24.5, 32.6))
    arrow([(21, 30), (21, 10), (32.5, 10)], "$V$", (24.5, 12.6))
    arrow([(47, 30), (53.5, 30), (53.5, 22), (60, 22)], "$V_p$", (50.6, 32.8), orange)
    arrow([(37.5, 26), (37.5, 14)], "$V_p$", (40, 20), orange)
    arrow([(42.5, 10), (53.5, 10), (53.5, 18), (60, 18)], "$V_h$", (50.6, 12.8), blue)
    arrow([(12, 34), (12, 42), (67, 42), (67, 24)], r"$\angle X$, the mixture's phase", (45, 44.4))
    arrow([(74, 22), (78, 22), (78, 30), (82, 30)], "$S_p$", (75.6, 26.5), orange)
    arrow([(74, 18), (78, 18), (78, 10), (82, 10)], "$S_h$", (75.6, 13.5), blue)
    arrow([(91, 30), (98, 30)], "$s_p$", (95, 32.8), orange)
    arrow([(91, 10), (98, 10)], "$s_h$", (95, 12.8), blue)
    return fig


# The boxes above, and the words beside them where a box has two chapters: x, y, width, height.
_PLACES = {
    "STFT: chapter 2": ("02_stft", (7, 26, 10, 8)),
    "MaD TwinNet, masker and denoiser: chapter 5": ("05_masker_denoiser", (28, 26, 19, 8)),
    "MaD TwinNet, the twin and training: chapter 6": ("06_twinnet_training", (30.5, 34.2, 14, 4)),
    "Spectral subtraction: chapter 4": ("04_spectral_subtraction", (32.5, 6, 10, 8)),
    "PU-iter: chapter 8": ("08_pu_iter", (60, 16, 14, 8)),
    "PU-iter, the phase from frame to frame: chapter 7": (
        "07_sinusoidal_phase",
        (60, 11.8, 14, 4),
    ),
    "ISTFT of the percussive part: chapter 2": ("02_stft", (82, 26, 9, 8)),
    "ISTFT of the harmonic part: chapter 2": ("02_stft", (82, 6, 9, 8)),
}


def map_places(fig: Figure) -> list[Place]:
    """The links of `system_map`'s figure, one for each box and chapter."""
    fig.draw_without_rendering()
    places = []
    for label, (page, (x, y, width, height)) in _PLACES.items():
        corners = fig.axes[0].transData.transform([(x, y), (x + width, y + height)])
        (left, bottom), (right, top) = corners / (fig.bbox.width, fig.bbox.height)
        places.append(Place(label, page, left, 1 - top, right - left, top - bottom))
    return places
