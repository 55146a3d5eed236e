"""The controls of chapter 11, what separation is good for, and how it reads its table."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from hpss_lib import stretching, transcription
from hpss_lib.audio import EXCERPTS, load_excerpt
from hpss_lib.chapters.pieces import piece
from hpss_lib.measures import sdr
from hpss_lib.separation import separate
from hpss_lib.stft import COMPACT, SAMPLE_RATE, stft
from hpss_lib.views import palette, plot
from hpss_lib.views.controls import Control, Slider, View
from hpss_lib.workers import elsewhere


def gain(decibels: float) -> np.float32:
    """The factor that a fader's decibels are."""
    return np.float32(10 ** (decibels / 20))


def separated(x: np.ndarray, method: str = "mad") -> tuple[np.ndarray, np.ndarray]:
    """`separation.separate` of x (n,) at 44.1 kHz: (s_p, s_h), float32.

    Elsewhere: torch, and librosa, which hears the beats, would take 460 MB in one process.
    """
    return elsewhere(separate, x, SAMPLE_RATE, method=method)


@lru_cache(maxsize=4)
def parts(
    name: str, seconds: float, start: float = 0.0, method: str = "mad"
) -> tuple[np.ndarray, np.ndarray]:
    """(s_p, s_h) of a piece of an excerpt; not to be written to."""
    return separated(piece(name, seconds, start).x, method)


# ------------------------------------------------------------------------------------- the table

Rows = dict[tuple[str, str, float, str], dict[str, float]]


def read_table(path: str | Path = "data/applications.csv") -> Rows:
    """What tools/applications.py measured: (task, heard, at, measure) -> a value for each song."""
    table: Rows = {}
    with open(path, newline="") as file:
        for r in csv.DictReader(file):
            key = r["task"], r["heard"], float(r["at"]), r["measure"]
            table.setdefault(key, {})[r["song"]] = float(r["value"])
    return table


def spread(values: Iterable[float], form: str = ".2f") -> list[str]:
    """Median, and least to greatest, as two cells of a table."""
    low, middle, high = np.quantile(list(values), (0, 0.5, 1))
    return [f"{number:z{form}}".replace("-", "−") for number in (middle,)] + [
        f"{low:z{form}} to {high:z{form}}".replace("-", "−")
    ]


# ----------------------------------------------------------------------------------------- sounds


def in_a_hall(x: np.ndarray, *, seconds: float = 1.6, wet: float = 0.5) -> np.ndarray:
    """Put x (n,) into the echo of a hall: dark noise that falls by 60 dB in so many seconds.

    wet: the energy of the echo of a click, compared with the click.
    """
    from scipy.signal import lfilter, oaconvolve

    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    echo = np.random.default_rng(4).standard_normal(len(t)) * 10 ** (-3 * t / seconds)
    echo = np.asarray(lfilter([0.25], [1, -0.75], echo))
    echo *= np.sqrt(wet / np.sum(echo**2))
    return (x + oaconvolve(x, echo)[: len(x)]).astype(np.float32)


def knock(seconds: float = 0.3) -> np.ndarray:
    """A stroke on a wood block, of two tones that die away fast: (n,) float32 with a peak of 1."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    x = sum(np.sin(2 * np.pi * f * t) * np.exp(-t / d) for f, d in ((820, 0.025), (1370, 0.012)))
    return (x / np.abs(x).max()).astype(np.float32)


# ----------------------------------------------------------------------------------------- rhythm

BEATS_SONG = "funk"


def reached_beats(name: str, x: np.ndarray) -> tuple[np.ndarray, float]:
    """The beats found in x (n,) up to the excerpt's last one, and their F-measure by mir_eval."""
    import mir_eval

    beats = np.array(EXCERPTS[name].beats)
    found = transcription.find_beats(x)
    found = found[found < beats[-1] + 0.07]
    return found, float(mir_eval.beat.f_measure(beats, found))


def novelty(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much begins at each time: times (T,) in s, and librosa's onset strength, at most 1."""
    import librosa

    y = transcription._at_rate(x)
    strength = librosa.onset.onset_strength(y=y, sr=transcription.RATE)
    return librosa.times_like(strength, sr=transcription.RATE), strength / strength.max()


def beats_view(level: float) -> View:
    """Beats found in a mixture whose drums are quiet, and in its percussive part."""
    x_p, x_h = load_excerpt(BEATS_SONG)
    x = gain(level) * x_p + x_h
    s_p = separated(x)[0]
    beats = np.array(EXCERPTS[BEATS_SONG].beats)
    fig, axes = plot.figure(2, 1, height=3.4, sharex=True)
    sounds, scores = {}, []
    for ax, (label, kind, signal) in zip(
        axes, (("mixture", "mixture", x), ("percussive part", "percussive", s_p)), strict=True
    ):
        found, score = reached_beats(BEATS_SONG, signal)
        scores.append(score)
        with plot.style():
            ax.plot(*novelty(signal), color=plot.kind_colour(kind), linewidth=1)
            ax.vlines(beats, 0, 1.25, colors="#8b919c", linestyles=":", linewidth=1)
            ax.plot(found, np.full(len(found), 1.12), "v", color=plot.kind_colour(kind), ms=6)
            ax.set(xlim=(0, beats[-1] + 0.3), ylim=(0, 1.25), yticks=(), title=f"the {label}")
        clicks = transcription.click_track(found, len(x))
        sounds[f"{label} with clicks"] = signal + clicks
    axes[-1].set_xlabel("time (s)")
    text = (
        f"Drums at {f'{level:+g}' if level else '0'} dB: the beats found in the mixture have an "
        "F-measure of "
        f"{scores[0]:.2f}, those found in the percussive part {scores[1]:.2f}."
    )
    return View(fig, sounds, text.replace("-", "−").replace("F−", "F-"))


def draw_chroma(C: np.ndarray, ax: Axes, *, kind: str, title: str) -> None:
    """A chroma (12, T) as a picture of twelve rows, C below, over time in s."""
    edges = np.arange(C.shape[1] + 1) * transcription.HOP / transcription.RATE
    with plot.style():
        ax.pcolormesh(
            edges, np.arange(13) - 0.5, C, cmap=palette.colormap(kind), vmin=0, rasterized=True
        )
        ax.set_yticks(np.arange(12), transcription.NOTES, fontsize=8)
        ax.set_title(title)


beats_control = Control(
    name="ch11-beats",
    title="How quiet may the drums be?",
    parameters=(
        Slider(
            "level",
            "Drums",
            values=(-24, -18, -15, -12, -9, -6, 0, 6),
            unit="dB",
            live=(-30.0, 12.0, 1.0),
        ),
    ),
    start={"level": 0},
    view=beats_view,
    caption=(
        "How much begins at each time in a funk song, above in the mixture, below in the "
        "percussive part. Dotted: the beats as composed; triangles: the beats that were found."
    ),
    question=(
        "Where do the triangles of the mixture stand, if they miss? Make the drums louder until "
        "they come right, then quieter until those of the percussive part go wrong."
    ),
    answer=(
        "Half a beat off, where guitar and clavinet play: the tempo is right, the foot is not. At "
        "+6 dB the drums win, and the triangles come right. In the percussive part all of them are "
        "right down to −18 dB, and at −24 dB nine in ten."
    ),
)


# ----------------------------------------------------------------------------------------- mixing

MIX_PIECE = ("rock", 6.0, 2.0)


def remix_sdr(x_p: np.ndarray, x_h: np.ndarray, s_p: np.ndarray, fader: float) -> float:
    """The SDR in dB of a new mixture with the drums at `fader` dB, where s_h = x - s_p.

    By the formula: the error is (g - 1) (s_p - x_p).
    """
    g = float(gain(fader))
    error = (s_p - x_p).astype(float)
    truth = g * x_p.astype(float) + x_h
    return float(10 * np.log10(np.sum(truth**2) / ((g - 1) ** 2 * np.sum(error**2))))


def fader_view(fader: float) -> View:
    """A song whose drums are set louder or quieter, after it was separated."""
    t = piece(*MIX_PIECE)
    g = gain(fader)
    fig, ax = plot.figure(height=2.9)
    grid = np.linspace(-24, 12, 145)
    grid = grid[np.abs(grid) > 0.1]
    texts, sounds = [], {"with the true stems": g * t.x_p + t.x_h}
    looks = {"mad": ("network", "percussive", "-"), "median": ("median filter", "mixture", "--")}
    for method, (label, kind, dashes) in looks.items():
        s_p, s_h = parts(*MIX_PIECE, method)
        curve = [remix_sdr(t.x_p, t.x_h, s_p, at) for at in grid]
        colour = plot.kind_colour(kind)
        with plot.style():
            for side in (grid < 0, grid > 0):
                ax.plot(grid[side], np.array(curve)[side], dashes, color=colour)
            ax.plot([], [], dashes, color=colour, label=label)
            if fader:
                ax.plot([fader], [remix_sdr(t.x_p, t.x_h, s_p, fader)], "o", color=colour, ms=8)
        sounds[f"with the parts, {label}"] = g * s_p + s_h
        if fader:
            texts.append(f"{sdr(sounds['with the true stems'], g * s_p + s_h):.1f} dB ({label})")
        alone = sdr(t.x_p, s_p)
        texts[-1:] = [f"{texts[-1]}" if fader else f"{label}: exact"]
        with plot.style():
            ax.axhline(alone, color=colour, linestyle=":", linewidth=1)
    with plot.style():
        ax.axvline(fader, color="#8b919c", linewidth=0.8)
        ax.set(xlim=(-24, 12), ylim=(0, 45), xlabel="drums (dB)", ylabel="SDR (dB)")
        ax.set_xticks(range(-24, 13, 6))
        ax.legend(loc="upper left")
    where = f"Drums at {fader:+g} dB" if fader else "Drums as they were"
    text = f"{where}: the new mixture has an SDR of {' and '.join(texts)}."
    if not fader:
        text = f"{where}: the parts sum to the mixture, whatever the method; the SDR has no limit."
    return View(fig, sounds, text.replace("-", "−"))


fader_control = Control(
    name="ch11-fader",
    title="A fader for the drums",
    parameters=(
        Slider(
            "fader",
            "Drums",
            values=(-24, -12, -6, -3, 0, 3, 6, 9, 12),
            unit="dB",
            live=(-24.0, 12.0, 0.5),
        ),
    ),
    start={"fader": -6},
    view=fader_view,
    caption=(
        "The SDR of a rock song whose drums are set louder or quieter after the separation, by "
        "the network and by the median filter; without limit where the fader stays at 0 dB. "
        "Dotted: the SDR of the percussive parts alone."
    ),
    question=(
        "At which positions do you hear which mixture was made of the parts? Where is the curve of "
        "the median filter as good as the network's?"
    ),
    answer=(
        "At ±3 dB hardly at any: 22 dB. Far to the left, ghosts of the drums stand alone: there "
        "the curve falls towards the SDR of the harmonic part, as it falls towards that of the "
        "percussive part on the right. The median filter is nowhere as good at the same position, "
        "but lies 6 dB lower at all of them, since only the energy of the error differs. With 3 dB "
        "of fader it is as good as the network with 6."
    ),
)


# ------------------------------------------------------------------------------------- stretching

STRETCH_PIECE = ("jazz", 4.0, 4.0)
WAYS = ("phase vocoder alone", "overlap-add alone", "each part its own")


def stroke_times(x_p: np.ndarray, *, rise: float = 12.0) -> np.ndarray:
    """When the strokes of a drum stem (n,) begin, in s: where it rises by `rise` dB or more."""
    grid = np.arange(0.04, len(x_p) / SAMPLE_RATE - 0.04, 0.004)
    rises = stretching.attacks(x_p, grid)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(rises, 12, mode="edge"), 25)
    top = (rises >= windows.max(axis=1)) & (rises >= rise)
    # A stroke is as high at all times around it at which it is found: take their middle.
    groups = np.split(np.flatnonzero(top), np.flatnonzero(np.diff(np.flatnonzero(top)) > 1) + 1)
    return np.array([grid[group].mean() for group in groups if len(group)])


def in_three_ways(
    x: np.ndarray, s_p: np.ndarray, s_h: np.ndarray, factor: float
) -> dict[str, np.ndarray]:
    """A mixture x (n,) stretched whole by either means, and by its parts, each by its own."""
    signals = (
        stretching.stretch_tones(x, factor),
        stretching.stretch_strokes(x, factor),
        np.sum(stretching.stretch(s_p, s_h, factor), axis=0),
    )
    return dict(zip(WAYS, signals, strict=True))


@lru_cache(maxsize=2)
def _strokes_of(name: str, seconds: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """Strokes that rise by 6 dB in the mixture, in s, and the frames in which tones rule."""
    t = piece(name, seconds, start)
    times = stroke_times(t.x_p)
    ruled = np.sum(t.V_p**2, axis=0) < 10**-1.5 * np.sum(t.V_h**2, axis=0)
    return times[stretching.attacks(t.x, times) > 6], ruled


def stretch_view(factor: float) -> View:
    """A song slower or faster, in three ways."""
    t = piece(*STRETCH_PIECE)
    times, ruled = _strokes_of(*STRETCH_PIECE)
    original = float(np.median(stretching.attacks(t.x, times)))
    ways = in_three_ways(t.x, *parts(*STRETCH_PIECE), factor)
    fig, axes = plot.figure(1, 3, height=2.9, sharey=True)
    texts = []
    first, shown = times[1] - 0.05, 0.9
    for ax, (way, y) in zip(axes, ways.items(), strict=True):
        near = slice(
            round(first * factor * SAMPLE_RATE), round((first * factor + shown) * SAMPLE_RATE)
        )
        plot.spectrogram(stft(y[near], COMPACT), COMPACT, ax, title=way, top_khz=6, floor_db=-65)
        rise = float(np.nanmedian(stretching.attacks(y, times * factor)))
        kept = stretching.tones_kept(t.x, y, factor, ruled)
        texts.append(f"{way} {rise:.0f} and {kept:.0f} dB")
    for ax in axes[1:]:
        ax.set_ylabel("")
    text = (
        f"{factor:g} times as long. Strokes rise by, and tones are kept within: "
        f"{'; '.join(texts)}. In the original, strokes rise by {original:.0f} dB."
    )
    return View(fig, ways, text.replace(" -", " −"))


stretch_control = Control(
    name="ch11-stretch",
    title="Slower, in three ways",
    parameters=(
        Slider(
            "factor",
            "Times as long",
            values=(0.5, 0.7, 0.85, 1.15, 1.3, 1.5, 1.75, 2.0),
            live=(0.5, 2.5, 0.05),
        ),
    ),
    start={"factor": 1.5},
    view=stretch_view,
    caption=(
        "Nine tenths of a second of a jazz trio, stretched whole by the phase vocoder, whole by "
        "overlap-add, and by its two parts."
    ),
    question=(
        "Which of the three do you know by its drums, which by its tones? At which factor does the "
        "worst of them become bearable?"
    ),
    answer=(
        "The phase vocoder by its drums: the brushes lose their edge, and rise by 9 to 13 dB where "
        "the original has 15. Overlap-add by its tones: piano and bass are rough, as if behind a "
        "fan, and within 4 dB only nearest to a factor of 1. The parts keep the strokes within "
        "2 dB and the tones within 17 dB or better at every factor."
    ),
)


# ------------------------------------------------------------------------------------------ pitch

PITCH_PIECE = ("latin", 4.0, 4.0)


def pitch_view(semitones: float) -> View:
    """A song in another key: all of it shifted, or its harmonic part alone."""
    t = piece(*PITCH_PIECE)
    s_p, s_h = parts(*PITCH_PIECE)
    times, _ = _strokes_of(*PITCH_PIECE)
    whole = stretching.shift_pitch(t.x, semitones)
    apart = s_p + stretching.shift_pitch(s_h, semitones)
    fig, (left, right) = plot.figure(1, 2, height=2.8)
    notes = np.arange(12)
    width = 0.4
    looks = {"original": ("mixture", t.x, -width / 2), "shifted": ("harmonic", apart, width / 2)}
    for label, (kind, x, offset) in looks.items():
        strength = transcription.chroma(x).mean(axis=1)
        with plot.style():
            left.bar(notes + offset, strength, width, color=plot.kind_colour(kind), label=label)
    near = slice(*(round((times[1] + s) * SAMPLE_RATE) for s in (-0.03, 0.06)))
    ms = 1000 * (np.arange(near.stop - near.start) / SAMPLE_RATE - 0.03)
    with plot.style():
        left.set_xticks(notes, transcription.NOTES)
        left.set(ylim=(0, 1.25), yticks=(), title="notes, whatever their octave")
        left.legend(ncols=2, loc="upper left")
        for row, (kind, x) in enumerate(
            (("mixture", t.x), ("harmonic", whole), ("percussive", apart))
        ):
            right.plot(
                ms, 0.45 * x[near] / np.abs(t.x[near]).max() - row, color=plot.kind_colour(kind)
            )
        right.set_yticks((0, -1, -2), ("original", "all shifted", "harmonic\npart shifted"))
        right.set(xlim=(ms[0], ms[-1]), ylim=(-2.7, 0.7), xlabel="time (ms)", title="a stroke")
    rises = [np.nanmedian(stretching.attacks(x, times)) for x in (t.x, whole, apart)]
    text = (
        f"{semitones:+g} semitones. Strokes rise by {rises[0]:.0f} dB in the original, "
        f"{rises[1]:.0f} dB where all is shifted, {rises[2]:.0f} dB where only the harmonic part "
        "is."
    )
    sounds = {"original": t.x, "all shifted": whole, "harmonic part shifted": apart}
    return View(fig, sounds, text.replace("-", "−"))


pitch_control = Control(
    name="ch11-pitch",
    title="Another key, the same drums",
    parameters=(
        Slider(
            "semitones",
            "Semitones",
            values=(-12, -7, -4, -2, 2, 4, 7, 12),
            live=(-12.0, 12.0, 0.5),
        ),
    ),
    start={"semitones": -4},
    view=pitch_view,
    caption=(
        "Left: how strong each note is before and after. Right: a stroke in the original, with the "
        "whole mixture shifted, and with the harmonic part shifted alone."
    ),
    question=(
        "What happens to the congas where all is shifted by an octave? And what stays wrong "
        "where only the harmonic part is?"
    ),
    answer=(
        "They sink with the rest and turn into large drums, smeared ones: they rise by 8 dB where "
        "the original has 23. With the harmonic part alone they stay what they were. What stays "
        "wrong: the body of the guitar is shifted together with its strings, so that an octave up "
        "it sounds like a toy, and what was left of the congas in the harmonic part moves too."
    ),
)
