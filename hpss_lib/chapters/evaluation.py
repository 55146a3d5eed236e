"""The controls of chapter 9, evaluation, its listening test, and its figures of the results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpss_lib import evaluation, measures
from hpss_lib.audio import SOURCES
from hpss_lib.chapters.pieces import piece
from hpss_lib.measures import METRICS, Protocol, scores, si_sdr
from hpss_lib.scoreboard import Row
from hpss_lib.stft import SAMPLE_RATE
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View
from hpss_lib.views.listening import Trial
from hpss_lib.workers import elsewhere

WHOLE = Protocol("v4", math.inf, math.inf)  # a whole signal as one frame


def delayed(x: np.ndarray, samples: int) -> np.ndarray:
    """Shift x (n,) so many samples later, or earlier where samples < 0: (n,), zeros at the edge."""
    result = np.zeros_like(x)
    if samples >= 0:
        result[samples:] = x[: len(x) - samples]
    else:
        result[:samples] = x[-samples:]
    return result


def bss_eval(references: np.ndarray, estimates: np.ndarray) -> dict[str, np.ndarray]:
    """SDR, ISR, SIR, SAR of two whole signals through museval: metric -> (2,) in dB."""
    found = scores(references, estimates, protocol=WHOLE)
    return {metric: getattr(found, metric)[:, 0] for metric in METRICS}


# ------------------------------------------------------------------------------ the listening test

TRIAL_SECONDS = 4.0
LATE = 132  # samples, 3 ms
NETWORK, MEDIAN, KAM = "the network", "the median filter", "KAM"
_METHODS = {NETWORK: "mad", MEDIAN: "median", KAM: "kam"}
LATE_DRUMS = "the true drums, 3 ms late"
# What is heard, the excerpt, its start in s, the source, and the two to compare.
_TRIALS = (
    ("drums of the rock band", "rock", 8, 0, (NETWORK, MEDIAN)),
    ("drums of the jazz trio", "jazz", 4, 0, (NETWORK, KAM)),
    ("voices and electric piano, without the drums", "choir", 0, 1, (NETWORK, MEDIAN)),
    ("drums of the funk band", "funk", 4, 0, (NETWORK, LATE_DRUMS)),
    ("percussion of the Latin band", "latin", 4, 0, (MEDIAN, KAM)),
    ("drum machine", "electronic", 0, 0, (NETWORK, KAM)),
)


def trials() -> list[Trial]:
    """The trials of the listening test: four seconds each, two ways to get the same source."""
    found = []
    for what, name, start, j, methods in _TRIALS:
        references = piece(name, TRIAL_SECONDS, start).sources
        sounds = {}
        for method in methods:
            if method == LATE_DRUMS:
                sounds[method] = delayed(references[j], LATE)
            else:
                sounds[method] = _separated(name, start, _METHODS[method])[j]
        found.append(Trial(what, references[j], sounds))
    return found


@lru_cache(maxsize=16)
def _separated(name: str, start: float, method: str) -> tuple[np.ndarray, np.ndarray]:
    references = piece(name, TRIAL_SECONDS, start).sources
    # This chapter measures: what it measures is made elsewhere, and torch stays there.
    return elsewhere(evaluation.separate_references, references, method, "compact")


def sizes() -> dict[str, int]:
    """How many numbers separate in the published network and in ours."""
    return elsewhere(_sizes)


def _sizes() -> dict[str, int]:
    import torch

    from hpss_lib.madtwinnet import COMPACT, PAPER, Denoiser, Masker, count_parameters

    with torch.device("meta"):  # shapes without numbers: nothing is allocated
        return {
            name: count_parameters(Masker(config), Denoiser(config))
            for name, config in {"published": PAPER, "ours": COMPACT}.items()
        }


# ------------------------------------------------------------------------- what is in an estimate

EXCERPT = ("rock", 3.0, 8.0)  # of the controls: name, seconds, start


def at_level(x: np.ndarray, reference: np.ndarray, level_db: float) -> np.ndarray:
    """Scale x (n,) so that its energy lies level_db above the reference's."""
    energies = np.sum(reference.astype(float) ** 2), np.sum(x.astype(float) ** 2)
    return (x * math.sqrt(energies[0] / energies[1]) * 10 ** (level_db / 20)).astype(np.float32)


@lru_cache(maxsize=2)
def _noise(n: int) -> np.ndarray:
    return np.random.default_rng(9).standard_normal(n).astype(np.float32)


def mix_view(interference_db: float, artefact_db: float, gain: float) -> View:
    """An estimate of the drums that we mix ourselves, and what the measures find in it."""
    references = piece(*EXCERPT).sources
    x_p, x_h = references
    leak = at_level(x_h, x_p, interference_db)
    hiss = at_level(_noise(len(x_p)), x_p, artefact_db)
    estimate = gain * (x_p + leak + hiss)
    found = {m.upper(): float(v[0]) for m, v in bss_eval(references, _with(estimate, x_h)).items()}
    found = {
        "SDR": found["SDR"],
        "SI-SDR": si_sdr(x_p, estimate),
        "ISR": found["ISR"],
        "SIR": found["SIR"],
        "SAR": found["SAR"],
    }
    fig, ax = plot.figure(height=2.4)
    with plot.style():
        _bars(ax, found)
    numbers = ", ".join(f"{name} {value:.1f} dB" for name, value in found.items())
    text = (
        f"Interference at {interference_db:g} dB, artefacts at {artefact_db:g} dB of the drums, "
        f"gain {gain:g}: {numbers}."
    )
    sounds = {"estimate, drums": estimate, "true drums": x_p}
    return View(fig, sounds, text.replace(" -", " −"))


def _with(estimate: np.ndarray, x_h: np.ndarray) -> np.ndarray:
    """Both estimates, (2, n): the percussive one, and the truth for the other."""
    return np.stack([estimate, x_h])


def _bars(ax: Axes, found: dict[str, float]) -> None:
    """Level bars of measures in dB, on an axis that always is the same."""
    low, high = -10.0, 45.0
    for k, (name, value) in enumerate(found.items()):
        ink = plot.kind_colour("harmonic" if name in ("SIR", "SAR") else "mixture")
        end = min(max(value, low), high)
        ax.barh(k, end - low, left=low, height=0.62, color=ink)
        inside = end > high - 7
        ax.annotate(
            f"{value:.1f}".replace("-", "−"),
            (end, k),
            xytext=(-5 if inside else 5, 0),
            textcoords="offset points",
            ha="right" if inside else "left",
            va="center",
            color="white" if inside else "#1f2430",
        )
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(low, high), xlabel="dB")


mix_control = Control(
    name="ch9-mix",
    title="Which measure sees what?",
    parameters=(
        Slider(
            "interference_db",
            "Guitars and bass",
            values=(-40, -20, -10, 0),
            unit="dB",
            live=(-60, 0, 1),
        ),
        Slider("artefact_db", "Noise", values=(-40, -20, -10), unit="dB", live=(-60, 0, 1)),
        Choice("gain", "Gain", options={"1 (right)": 1.0, "1/2": 0.5}),
    ),
    start={"interference_db": -20, "artefact_db": -40, "gain": 1.0},
    view=mix_view,
    caption=(
        "An estimate of the drums, mixed by hand: the true drums, the other instruments and white "
        "noise at the levels chosen (in dB of the drums' energy), all of it times a gain. Bars end "
        "at 45 dB."
    ),
    question=(
        "Which slider moves the SIR, which the SAR? Then halve the gain: which three measures do "
        "not move at all, and what has become of the SDR?"
    ),
    answer=(
        "Guitars and bass move the SIR, noise the SAR, and the SDR goes with the worse of the "
        "two. At half the gain SI-SDR, SIR and SAR stay as they are; the SDR falls to 6 dB, "
        "however small the errors were, and so does the ISR."
    ),
)


# -------------------------------------------------------------------------------------- a delay

DELAYS = (-20, 0, 1, 3, 10, 30, 132, 400, 511, 512, 600, 1000, 2000)


@lru_cache(maxsize=64)
def of_delay(samples: int) -> dict[str, float]:
    """The measures in dB, at most 100, of the true drums so many samples late."""
    references = np.pad(
        piece(*EXCERPT).sources, ((0, 0), (2048, 2048))
    )  # so that no end is cut off
    estimate = delayed(references[0], samples)
    found = {
        m: float(v[0]) for m, v in bss_eval(references, _with(estimate, references[1])).items()
    }
    found["si_sdr"] = si_sdr(references[0], estimate)
    return {m: min(v, 100.0) for m, v in found.items()}


def delay_view(samples: float) -> View:
    """The true drums, late: what each measure says."""
    samples = round(samples)
    fig, ax = plot.figure(height=2.9)
    places = [_place(d) for d in DELAYS]
    here, now = _place(samples), of_delay(samples)
    lines = {
        "SAR": ("sar", "harmonic", "-"),
        "SIR": ("sir", "harmonic", "--"),
        "SDR": ("sdr", "percussive", "-"),
        "SI-SDR": ("si_sdr", "percussive", "--"),
    }
    with plot.style():
        for label, (metric, kind, style) in lines.items():
            ink = plot.kind_colour(kind)
            values = [of_delay(d)[metric] for d in DELAYS]
            # Between early and late there is nothing to draw a line through.
            ax.plot(places[:1], values[:1], ".", color=ink)
            ax.plot(places[1:], values[1:], f".{style}", color=ink, label=label)
            ax.plot([here], [now[metric]], "o", color=ink, markersize=7, clip_on=False)
        ax.axvline(_place(511), color="#8b919c", linewidth=0.8, linestyle=":")
        shown = (-20, 0, 1, 3, 10, 30, 132, 511, 2000)
        ax.set_xticks([_place(d) for d in shown], [f"{d}".replace("-", "−") for d in shown])
        ax.set(ylim=(-17, 104), xlabel="delay (samples); the dotted line is at 511")
        ax.set_title("dB (100 and more are drawn at 100)")
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    numbers = ", ".join(f"{label} {_capped(now[key])}" for label, (key, *_) in lines.items())
    when = "early" if samples < 0 else "late"
    text = f"{abs(samples)} samples ({1000 * abs(samples) / SAMPLE_RATE:.2f} ms) {when}: {numbers}."
    references = piece(*EXCERPT).sources
    sounds = {"drums, shifted": delayed(references[0], samples), "true drums": references[0]}
    return View(fig, sounds, text.replace(" -", " −"))


def _place(samples: float) -> float:
    return float(np.arcsinh(samples / 0.8))  # nearly logarithmic, and holds 0 and negative ones


def _capped(value: float) -> str:
    return "100 dB or more" if value >= 100 else f"{value:.1f} dB"


delay_control = Control(
    name="ch9-delay",
    title="A shift that nobody hears",
    parameters=(Slider("samples", "Delay", values=DELAYS, unit="samples", live=(-50, 2000, 1)),),
    start={"samples": 10},
    view=delay_view,
    caption=(
        "The true drums of the rock band, shifted, as an estimate of themselves. Nothing else is "
        "wrong with them."
    ),
    question=(
        "From which delay on could you hear the shift at all? Which measure is right up to 511 "
        "samples, and what happens to it beyond, or if the drums come early?"
    ),
    answer=(
        "By itself not at all, up to 2000 samples (45 ms): you would need to hear both at once. "
        "The SIR and the SAR are right up to 511 samples, since a delay is one of their "
        "filters, and then drop at once; if the drums come early no filter helps, since the "
        "taps only look back."
    ),
)


# ------------------------------------------------------------------------------------ the results

# Songs that are different problems are never put into one average.
GROUPS = {
    "MDB Drums": "real songs that the network was not trained on",
    "Lithium": "a real song from an album that it has heard other songs of",
    "excerpts": "the book's own, by the program that also wrote training songs",
}
LABELS = {
    "true": "true magnitudes",
    "true+pu": "true, PU-iter closed form",
    "true+pu-iter": "true magnitudes, PU-iter",
    "ibm": "ideal binary mask",
    "irm": "ideal ratio mask",
    "mad": "network",
    "mad+pu": "network, PU-iter",
    "kam": "KAM",
    "median": "median filter",
    "librosa": "median filter (librosa)",
    "mixture": "scaled mixture",
}
ORACLES = ("true", "true+pu", "true+pu-iter", "ibm", "irm")

# DSD100 Test, from the bar charts of the authors' poster: error about 0.01 dB for the percussive,
# 0.02 dB for the harmonic source; the STFT setting is not named. SDR, SIR, SAR in dB.
PUBLISHED = {
    "KAM": {"percussive": (1.42, 0.44, 3.76), "harmonic": (6.60, 6.71, 17.66)},
    "MaD TwinNet, mixture's phase": {
        "percussive": (3.35, 4.65, 6.10),
        "harmonic": (8.62, 14.12, 10.75),
    },
    "MaD TwinNet, PU-iter": {"percussive": (3.35, 4.66, 6.08), "harmonic": (8.58, 14.45, 10.59)},
}
PUBLISHED_ERROR = {"percussive": 0.01, "harmonic": 0.02}


def group_of(song: str) -> str:
    """The key of GROUPS that a song of the results belongs to."""
    if song.startswith("mdb_"):
        return "MDB Drums"
    return "Lithium" if song == "ev3_lithium" else "excerpts"


def of_songs(
    rows: Iterable[Row],
    method: str,
    source: str,
    *,
    setting: str = "compact",
    protocol: str = "plain",
    metric: str = "sdr",
    group: str = "MDB Drums",
) -> dict[str, float]:
    """A score of each whole song of a group in dB: song -> value, NaN where undefined.

    Methods without a setting ("mixture", "librosa") are found under any.
    """
    wanted = "" if method in evaluation.WITHOUT_SETTING else setting
    return {
        r["song"]: r[metric]
        for r in rows
        if (r["method"], r["setting"], r["source"]) == (method, wanted, source)
        and (r["protocol"], r["frame"]) == (protocol, None)
        and group_of(r["song"]) == group
    }


def settings_of(rows: Iterable[Row], method: str, group: str = "MDB Drums") -> list[str]:
    """The settings in which a method has been scored on a group; [""] if it knows none."""
    found = (r for r in rows if r["method"] == method and group_of(r["song"]) == group)
    return list(dict.fromkeys(r["setting"] for r in found))


def best_setting(rows: Sequence[Row], method: str, group: str = "MDB Drums") -> str:
    """The setting with the best median SDR of a group's songs, both sources summed."""

    def total(setting):
        values = [
            list(of_songs(rows, method, source, setting=setting, group=group).values())
            for source in SOURCES
        ]
        return sum(measures.median_defined(np.array(v)) for v in values)

    return max(settings_of(rows, method, group), key=total)


def quartiles(values: Iterable[float]) -> tuple[float, float, float, int]:
    """Lower quartile, median, upper quartile of what is defined, and how many are left out."""
    values = np.array(list(values), float)
    defined = values[~np.isnan(values)]
    if not len(defined):
        return math.nan, math.nan, math.nan, len(values)
    low, middle, high = np.quantile(defined, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high), len(values) - len(defined)


def present(rows: Sequence[Row], group: str) -> list[str]:
    """The methods of LABELS that have been scored on a group, in that order."""
    found = {r["method"] for r in rows if group_of(r["song"]) == group}
    return [method for method in LABELS if method in found]


def songs_figure(rows: Sequence[Row], groups: Sequence[str]) -> Figure:
    """A dot for each song and method, plain SDR: a row of axes a group, drums left, rest right."""
    heights = [len(present(rows, group)) for group in groups]
    fig, axes = plot.figure(
        len(groups),
        2,
        height=0.75 * len(groups) + 0.21 * sum(heights) + 0.2,
        height_ratios=[h + 1 for h in heights],
        squeeze=False,
        sharex="col",
    )
    with plot.style():
        for group, pair in zip(groups, axes, strict=True):
            for j, (source, ax) in enumerate(zip(SOURCES, pair, strict=True)):
                _dots(ax, rows, group, source)
                title = "drums" if source == "percussive" else "rest"
                ax.set_title(f"{group}, {title}: SDR (dB)")
                if j:
                    ax.tick_params(axis="y", labelleft=False)
    return fig


def _dots(ax: Axes, rows: Sequence[Row], group: str, source: str) -> None:
    ink = plot.kind_colour(source)
    methods = present(rows, group)
    for k, method in enumerate(methods):
        values = np.array(list(of_songs(rows, method, source, group=group).values()))
        values = values[~np.isnan(values)]
        marker, size = ("D", 3.8) if method in ORACLES else ("o", 4.5)
        dots = {"color": ink, "alpha": 0.55, "markeredgewidth": 0, "markersize": size}
        ax.plot(values, np.full(len(values), k), marker, **dots)
        if len(values) > 1:
            middle = np.median(values)
            ax.plot([middle, middle], [k - 0.36, k + 0.36], color="#1f2430", linewidth=2)
    ax.axvline(0, color="#8b919c", linewidth=0.8, linestyle=":")
    ax.set_yticks(range(len(methods)), [LABELS[m] for m in methods])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(methods) - 0.4, -0.6)


def difference(
    rows: Sequence[Row],
    a: tuple[str, str],
    b: tuple[str, str],
    source: str = "percussive",
    *,
    group: str = "MDB Drums",
    protocol: str = "plain",
    metric: str = "sdr",
) -> tuple[np.ndarray, dict[str, float]]:
    """By how much a exceeds b, (method, setting) each: per song, and `paired_difference`."""
    look = {"group": group, "protocol": protocol, "metric": metric}
    of_a = of_songs(rows, a[0], source, setting=a[1], **look)
    of_b = of_songs(rows, b[0], source, setting=b[1], **look)
    songs = [song for song in of_a if song in of_b]
    pairs = [of_a[s] for s in songs], [of_b[s] for s in songs]
    return np.subtract(*pairs), measures.paired_difference(*pairs)


def differences_figure(
    rows: Sequence[Row], first: tuple[str, str], rivals: dict[str, tuple[str, str]]
) -> Figure:
    """Dots for the songs' differences of `first` to each rival, and the median's interval."""
    fig, ax = plot.figure(height=0.9 + 0.42 * len(rivals))
    ink = plot.kind_colour("percussive")
    with plot.style():
        for k, rival in enumerate(rivals.values()):
            each, middle = difference(rows, first, rival)
            ends = [middle["low"], middle["high"]]
            dots = {"color": ink, "alpha": 0.55, "markeredgewidth": 0, "markersize": 5.5}
            ax.plot(each, np.full(len(each), k - 0.17), "o", **dots)
            ax.plot(ends, [k + 0.2] * 2, color="#1f2430", linewidth=2)
            at = middle["median"]
            ax.plot([at, at], [k + 0.06, k + 0.34], color="#1f2430", linewidth=2)
        ax.axvline(0, color="#8b919c", linewidth=0.8, linestyle=":")
        ax.set_yticks(range(len(rivals)), list(rivals))
        ax.set_ylim(len(rivals) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.set_title("network over each other method (dB)")
    return fig
