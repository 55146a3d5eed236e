"""Spectrograms, waveforms and masks as matplotlib axes, in the book's colours.

Each function draws into one axes and returns it; `figure` makes the axes. Nothing is shown here:
that is views.show_figure's work, which also redraws everything for the dark page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hpss_lib.stft import SAMPLE_RATE, StftSettings
from hpss_lib.views import palette

WIDTH = 7.6  # inches at 100 CSS pixels each: the width of the text column

_COLUMNS, _ROWS = 900, 360  # more points than these cannot be seen at the width of a page


@contextmanager
def style() -> Iterator[None]:
    """Use the book's matplotlib style meanwhile: type of 9 points or more, no frame to distract."""
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


def figure(
    rows: int = 1, columns: int = 1, *, height: float | None = None, **options: Any
) -> tuple[Any, Any]:
    """A figure of the page's width with rows x columns axes: (Figure, axes as plt.subplots gives).

    height: inches; by default 2.6 a row. options: passed on to Figure.subplots (sharex, ...).
    """
    with style():
        fig = Figure(figsize=(WIDTH, height or 2.6 * rows + 0.2), layout="constrained")
        return fig, fig.subplots(rows, columns, **options)


def kind_colour(kind: str) -> str:
    """The line colour of "mixture", "percussive" or "harmonic", "#rrggbb"; dark pages adapt it."""
    return palette.ink(kind)


def spectrogram(
    X: np.ndarray,
    settings: StftSettings,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    floor_db: float = -80.0,
    reference: float | None = None,
    frequency: str = "linear",
    top_khz: float | None = None,
    kind: str = "mixture",
    sample_rate: float = SAMPLE_RATE,
) -> Axes:
    """Draw a spectrogram in decibels over time in s and frequency in kHz. Chapter 2.

    Parameters
    ----------
    X
        (F, T) complex STFT, or magnitudes >= 0.
    settings
        Of the STFT.
    ax, title
        Where to draw, by default on a figure of its own; and what to write above.
    floor_db
        Lowest level shown, below 0.
    reference
        The magnitude of 0 dB, by default X's largest; what is compared needs the same.
    frequency
        "linear", or "log" (from 40 Hz).
    top_khz
        Highest frequency shown, by default all.
    kind
        "mixture", "percussive" or "harmonic", for the colour.
    sample_rate
        In Hz.

    Raises
    ------
    ValueError
        Where X does not have the settings' number of bins.
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
    M: np.ndarray,
    settings: StftSettings,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    frequency: str = "linear",
    top_khz: float | None = None,
    kind: str = "mixture",
    sample_rate: float = SAMPLE_RATE,
) -> Axes:
    """Draw a mask (F, T) of values in [0, 1]; options as in `spectrogram`. Chapter 3."""
    M = np.asarray(M, dtype=float)
    if M.ndim != 2 or M.shape[0] != settings.bins:
        raise ValueError(f"the mask has shape {M.shape}; these settings need ({settings.bins}, T)")
    return _image(M, settings, ax, title, (0.0, 1.0), frequency, top_khz, kind, sample_rate)


def waveform(
    x: np.ndarray,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    kind: str = "mixture",
    sample_rate: float = SAMPLE_RATE,
    start: float = 0.0,
) -> Axes:
    """Draw a signal x (n,) over time, which begins at `start`, in s.

    Long signals are drawn as the band between the lowest and the highest sample of each pixel.
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


def colourbar(axes: Any, *, label: str = "level (dB)") -> Colorbar:
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


def decibels(
    V: ArrayLike, *, floor_db: float = -80.0, reference: float | None = None
) -> np.ndarray:
    """20 log10(V / reference) of magnitudes V >= 0, not below floor_db: array of V's shape.

    reference: the magnitude of 0 dB, by default V's largest; where that is 0, for silence,
    everything is at the floor.
    """
    V = np.asarray(V, dtype=float)
    top = float(V.max(initial=0.0)) if reference is None else float(reference)
    if top <= 0:
        return np.full(V.shape, float(floor_db))
    return 20 * np.log10(np.maximum(V / top, 10 ** (floor_db / 20)))


def _axes(ax: Axes | None, height: float) -> Axes:
    """`ax`, or the axes of a new figure of that height in inches."""
    return figure(height=height)[1] if ax is None else ax


def _time_label(ax: Axes) -> None:
    """Name the time axis, unless the axes below, which share it, do so."""
    if ax.xaxis.get_tick_params().get("labelbottom", True):
        ax.set_xlabel("time (s)")


def _image(
    values: np.ndarray,
    settings: StftSettings,
    ax: Axes | None,
    title: str | None,
    limits: tuple[float, float],
    frequency: str,
    top_khz: float | None,
    kind: str,
    sample_rate: float,
) -> Axes:
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


def _pool(values: np.ndarray, axis: int, most: int) -> tuple[np.ndarray, int]:
    """Keep the largest of each group of neighbours, so that at most `most` remain: (array, group).

    The last group may be short; peaks survive where plain thinning would lose them.
    """
    group = -(-values.shape[axis] // most)
    if group == 1:
        return values, 1
    return np.maximum.reduceat(values, np.arange(0, values.shape[axis], group), axis=axis), group


def log_rows(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
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
