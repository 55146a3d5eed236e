"""Spectrograms, waveforms and masks as matplotlib axes, in the book's colours.

Each function draws into one axes and returns it; `figure` makes the axes. Nothing is shown here:
that is views.show_figure's work, which also redraws everything for the dark page.
"""

from contextlib import contextmanager
from typing import Any

import numpy as np

from hpss_lib.stft import SAMPLE_RATE
from hpss_lib.views import palette

WIDTH = 7.6  # inches at 100 CSS pixels each: the width of the text column

_COLUMNS, _ROWS = 900, 360  # more points than these cannot be seen at the width of a page


@contextmanager
def style():
    """Use the book's matplotlib style meanwhile: type of 9 points or more, no frame to distract."""
    import matplotlib as mpl
    from cycler import cycler

    ink = palette.INK["light"]
    settings: dict[Any, Any] = {
        "font.size": 10,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.titlepad": 6,
        "axes.labelsize": 9.5,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "legend.fontsize": 9,
        "legend.frameon": False,
        "text.color": ink,
        "axes.edgecolor": "#8b919c",
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "xtick.color": "#8b919c",
        "ytick.color": "#8b919c",
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "grid.color": palette.FAINT["light"],
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.4,
        "axes.prop_cycle": cycler(
            color=[
                palette.ink("harmonic"),
                palette.ink("percussive"),
                palette.ink("mixture"),
                "#7a4fa3",
                "#2f7d4f",
            ]
        ),
    }
    with mpl.rc_context(settings):
        yield


def figure(rows=1, columns=1, *, height=None, **options) -> tuple[Any, Any]:
    """A figure of the page's width with rows x columns axes: (Figure, axes as plt.subplots gives).

    height: inches; by default 2.6 a row. options: passed on to Figure.subplots (sharex, ...).
    """
    from matplotlib.figure import Figure

    with style():
        fig = Figure(figsize=(WIDTH, height or 2.6 * rows + 0.2), layout="constrained")
        return fig, fig.subplots(rows, columns, **options)


def kind_colour(kind):
    """The line colour of "mixture", "percussive" or "harmonic", "#rrggbb"; dark pages adapt it."""
    return palette.ink(kind)


def spectrogram(
    X,
    settings,
    ax=None,
    *,
    title=None,
    floor_db=-80.0,
    reference=None,
    frequency="linear",
    top_khz=None,
    kind="mixture",
    sample_rate=SAMPLE_RATE,
):
    """Draw a spectrogram in decibels: the axes, time in s and frequency in kHz.

    X: (F, T) complex STFT or magnitudes >= 0; settings: StftSettings.
    floor_db: lowest level shown, dB < 0, relative to `reference`, a magnitude; by default X's
    largest. Give all spectrograms that are compared the same reference.
    frequency: "linear" or "log" (from 40 Hz). top_khz: highest frequency shown, default all.
    kind: "mixture", "percussive" or "harmonic", for the colour.
    Raises ValueError where X does not have the settings' number of bins. Chapter 2.
    """
    V = np.abs(np.asarray(X))
    if V.ndim != 2 or V.shape[0] != settings.bins:
        raise ValueError(
            f"the spectrogram has shape {V.shape}; these settings need ({settings.bins}, T)"
        )
    level = decibels(V, floor_db=floor_db, reference=reference)
    return _image(
        level, settings, ax, title, (floor_db, 0.0), frequency, top_khz, kind, sample_rate
    )


def mask(
    M,
    settings,
    ax=None,
    *,
    title=None,
    frequency="linear",
    top_khz=None,
    kind="mixture",
    sample_rate=SAMPLE_RATE,
):
    """Draw a mask (F, T) of values in [0, 1]: the axes. Options as in `spectrogram`. Chapter 3."""
    M = np.asarray(M, dtype=float)
    if M.ndim != 2 or M.shape[0] != settings.bins:
        raise ValueError(f"the mask has shape {M.shape}; these settings need ({settings.bins}, T)")
    return _image(M, settings, ax, title, (0.0, 1.0), frequency, top_khz, kind, sample_rate)


def waveform(x, ax=None, *, title=None, kind="mixture", sample_rate=SAMPLE_RATE, start=0.0):
    """Draw a signal x (n,) over time in s: the axes.

    Long signals are drawn as the band between the lowest and the highest sample of each pixel.
    start: time of the first sample, s. kind: for the colour.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 1 or not len(x):
        raise ValueError(f"a signal of shape (n,) is needed, not {x.shape}")
    with style():
        ax = _axes(ax, 1.6)
        colour = palette.ink(kind)
        seconds = start + np.arange(len(x)) / sample_rate
        if len(x) <= 4 * _COLUMNS:
            ax.plot(seconds, x, color=colour, linewidth=1.1)
        else:
            edges = np.linspace(0, len(x), 2 * _COLUMNS + 1).astype(int)[:-1]
            low, high = np.minimum.reduceat(x, edges), np.maximum.reduceat(x, edges)
            ax.fill_between(seconds[edges], low, high, color=colour, linewidth=0.4)
        ax.set_xlim(start, start + len(x) / sample_rate)
        _time_label(ax)
        ax.set_ylabel("amplitude")
        if title:
            ax.set_title(title)
    return ax


def colourbar(axes, *, label="level (dB)"):
    """Put one colour scale beside the axes of spectrograms or masks, which share its range.

    axes: one axes or several, as from plt.subplots. Returns the scale.
    """
    several = list(np.ravel(np.asarray(axes, dtype=object)))
    first = several[0]
    mappable = (first.images or first.collections)[0]
    with style():
        bar = first.figure.colorbar(mappable, ax=several, label=label, pad=0.015, aspect=28)
        bar.outline.set_visible(False)
    return bar


def decibels(V, *, floor_db=-80.0, reference=None):
    """20 log10(V / reference), not below floor_db: array of V's shape.

    V: magnitudes >= 0. reference: magnitude of 0 dB, default the largest of V; where that is 0
    (silence), everything is at the floor.
    """
    V = np.asarray(V, dtype=float)
    top = float(V.max(initial=0.0)) if reference is None else float(reference)
    if top <= 0:
        return np.full(V.shape, float(floor_db))
    return 20 * np.log10(np.maximum(V / top, 10 ** (floor_db / 20)))


def _axes(ax, height):
    """`ax`, or the axes of a new figure of that height in inches."""
    return figure(height=height)[1] if ax is None else ax


def _time_label(ax):
    """Name the time axis, unless the axes below, which share it, do so."""
    if ax.xaxis.get_tick_params().get("labelbottom", True):
        ax.set_xlabel("time (s)")


def _image(values, settings, ax, title, limits, frequency, top_khz, kind, sample_rate):
    """Draw (F, T) values as an image over time in s and frequency in kHz."""
    if frequency not in ("linear", "log"):
        raise ValueError(f'frequency is {frequency!r}; accepted are "linear" and "log"')
    bin_khz = sample_rate / settings.n_fft / 1000
    hop = settings.hop / sample_rate
    top = min(top_khz or np.inf, (settings.bins - 1) * bin_khz)
    values = values[: int(np.ceil(top / bin_khz)) + 1]
    end_time = hop * (values.shape[1] - 0.5)
    values, per_column = _pool(values, 1, _COLUMNS)
    start, stop = -hop / 2, hop * (values.shape[1] * per_column - 0.5)
    look = {"cmap": palette.colormap(kind), "vmin": limits[0], "vmax": limits[1]}
    with style():
        ax = _axes(ax, 2.8)
        if frequency == "log":
            edges = np.geomspace(0.04, top, _ROWS // 2 + 1)
            rows = log_rows(values, edges / bin_khz)
            times = np.linspace(start, stop, values.shape[1] + 1)
            ax.pcolormesh(times, edges, rows, rasterized=True, **look)
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter("{x:g}")
            ax.set_yticks([t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if t <= top])
            ax.minorticks_off()
        else:
            values, per_row = _pool(values, 0, _ROWS)
            bottom, end = -bin_khz / 2, bin_khz * (values.shape[0] * per_row - 0.5)
            ax.imshow(
                values,
                extent=(start, stop, bottom, end),
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                **look,
            )
            ax.set_ylim(0, top)
        ax.set_xlim(0, max(end_time, hop / 2))
        _time_label(ax)
        ax.set_ylabel("frequency (kHz)")
        if title:
            ax.set_title(title)
    return ax


def _pool(values, axis, most):
    """Keep the largest of each group of neighbours, so that at most `most` remain: (array, group).

    The last group may be short; peaks survive where plain thinning would lose them.
    """
    group = -(-values.shape[axis] // most)
    if group == 1:
        return values, 1
    return np.maximum.reduceat(values, np.arange(0, values.shape[axis], group), axis=axis), group


def log_rows(values, edges):
    """Values (F, T) on a new frequency grid: (len(edges) - 1, T).

    edges: ascending positions in bins. A row that spans several bins takes their largest value, a
    row between two bins is interpolated.
    """
    last = values.shape[0] - 1
    centres = np.clip(np.sqrt(edges[:-1] * edges[1:]), 0, last)
    below = np.minimum(centres.astype(int), max(last - 1, 0))
    part = (centres - below)[:, None]
    rows = (1 - part) * values[below] + part * values[np.minimum(below + 1, last)]
    for i, (low, high) in enumerate(zip(np.ceil(edges[:-1]), np.floor(edges[1:]), strict=True)):
        if high > low and high <= last:
            rows[i] = values[int(low) : int(high) + 1].max(axis=0)
    return rows
