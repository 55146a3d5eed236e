"""The controls of chapter 6, TwinNet and training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from scipy.signal import resample_poly

from hpss_lib import data
from hpss_lib.audio import SOURCES, load_excerpt
from hpss_lib.chapters.pieces import piece
from hpss_lib.data import Cache, Signal, loudness
from hpss_lib.madtwinnet import estimate, load_model
from hpss_lib.measures import sdr
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft
from hpss_lib.subtraction import apply_phase
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View

SECONDS = 4.0  # of the excerpts in the controls


def memory(names: Sequence[str]) -> Cache:
    """A training set of some excerpts, kept in memory: what `data.build_cache` makes of folders."""
    samples, start = [], 0
    signals = {source: [[]] for source in SOURCES}
    for number, name in enumerate(names):
        for source, x in zip(SOURCES, load_excerpt(name), strict=True):
            scale = float(np.abs(x).max()) / 32767
            samples.append(np.round(x / scale).astype(np.int16))
            signals[source][0].append(Signal(number, start, len(x), scale, loudness(x)))
            start += len(x)
    return Cache(np.concatenate(samples), signals, list(names))


def stages(story: dict) -> tuple[list[str], dict[str, list]]:
    """How a file of weights was trained, as a table: heads, and a row a stage.

    story is the file's header (`madtwinnet.read_model`).
    """
    before = story.get("before", [])
    last = {"frames": story["config"]["frames"], "processes": story.get("processes", 1)}
    last |= story["plan"] | {"steps": story["step"] - sum(stage["steps"] for stage in before)}
    truths = {"magnitude": "|S|", "projection": "projection", "ratio": "released ratio"}
    heads = ["steps", "sequences × frames", "rate", "learns", "twin", "squared", "across songs"]
    return heads, {
        f"stage {n}": [
            s["steps"],
            f"{s['batch'] * s.get('processes', 1)} × {s['frames']}",
            s["rate"],
            truths[s["truth"]],
            "yes" if s["twin"] else "no",
            s.get("squared") or None,
            s["mixing"]["across"],
        ]
        for n, s in enumerate((*before, last), 1)
    }


# ------------------------------------------------------------------------------------ mixing songs


def mixing_view(partner: str, level_db: float) -> View:
    """The drums of the rock song at some level, over the rest of one song or another."""
    x_p, x_h = piece("rock", SECONDS).x_p, piece(partner, SECONDS).x_h
    # Loudness as in training: -19 dB full scale for the rest, and the drums relative to it.
    x_h = x_h * (10 ** (-19 / 20) / loudness(x_h))
    x_p = x_p * (10 ** ((level_db - 19) / 20) / loudness(x_p))
    x = x_p + x_h
    fig, ax = plot.figure(height=2.4)
    near = slice(round(2.5 * SAMPLE_RATE / COMPACT.hop))
    plot.spectrogram(
        stft(x, COMPACT)[:, near], COMPACT, ax, floor_db=-65, top_khz=6, reference=12.0
    )
    s_p = percussive(x.astype(np.float32))
    text = (
        f"Drums {level_db:+g} dB against the rest. To answer with the mixture itself scores "
        f"{sdr(x_p, x):.1f} dB for the drums; the shipped network scores {sdr(x_p, s_p):.1f} dB, "
        f"and {sdr(x_h, x - s_p):.1f} dB for the rest."
    )
    return View(fig, {"mixture": x.astype(np.float32)}, text.replace("-", "−"))


def percussive(x: np.ndarray) -> np.ndarray:
    """The percussive part (n,) of a mixture x (n,), by the shipped network, with x's phase."""
    X = stft(x, COMPACT)
    return istft(apply_phase(estimate(load_model(), np.abs(X)), X), COMPACT, len(x))


mixing_control = Control(
    name="ch6-mixing",
    title="Songs that nobody wrote",
    parameters=(
        Choice(
            "partner",
            "The rock drums, with",
            options={
                "their own band": "rock",
                "a choir and electric piano": "choir",
                "a string orchestra": "strings",
            },
        ),
        Slider(
            "level_db",
            "Level of the drums",
            values=(-20, -15, -10, -5, 0, 5),
            unit="dB",
            live=(-24, 12, 0.5),
        ),
    ),
    start={"partner": "choir", "level_db": -5},
    view=mixing_view,
    caption=(
        "The first 2.5 seconds of a training mixture up to 6 kHz. Both parts are brought to one "
        "loudness, and then the drums are turned up or down."
    ),
    question=(
        "At which level do you no longer hear the drums? Should a network be shown such mixtures? "
        "And which mixture teaches it more about drums, the one with their own band or another?"
    ),
    answer=(
        "The level is for your ears to say. Some such mixtures should be among the lessons: real "
        "songs have drums that soft. The strange band should teach more about drums, since "
        "nothing but the sound tells them apart, where with their own band the beat does, too; "
        "the short runs further down could not tell the difference."
    ),
)


# ------------------------------------------------------------------------------------ augmentation


def filtered(x: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The signal x (n,) with gains (F,) on the bins of its STFT."""
    X = stft(x, COMPACT) * gains[:, None].astype(np.float32)
    return istft(X.astype(np.complex64), COMPACT, len(x))


def played_at(x: np.ndarray, up: int, down: int) -> np.ndarray:
    """The signal x played down/up times as fast, pitch with it."""
    return resample_poly(x, up, down).astype(np.float32)


@lru_cache(maxsize=32)
def augmented(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The rock excerpt's stems after one of the changes of `data.Mixing`: percussive, harmonic."""
    p, h = piece("rock", SECONDS).sources
    rng = np.random.default_rng(6)
    if kind == "polarity":
        p = -p
    elif kind in ("slower", "faster"):
        up, down = (5, 4) if kind == "slower" else (4, 5)
        p, h = played_at(p, up, down), played_at(h, up, down)
    elif kind == "apart":
        p, h = played_at(p, 5, 4)[: len(p)], played_at(h, 4, 5)
        p = p[: len(h)]
    elif kind == "distort":
        h = data.distort(h, drive=8.0).astype(np.float32)
    elif kind == "equalise":
        mixing = data.Mixing(equalise=6.0, low_pass=0.0)
        p, h = (filtered(s, data.random_filter(COMPACT.bins, rng, mixing)) for s in (p, h))
    elif kind == "low_pass":
        mixing = data.Mixing(equalise=0.0, low_pass=1.0)
        p, h = (filtered(s, data.random_filter(COMPACT.bins, rng, mixing)) for s in (p, h))
    elif kind == "layer":
        extra = piece("strings", SECONDS).x_h
        h = h + extra * (loudness(h) / loudness(extra))
    elif kind == "muted":
        p = 0 * p
    return p, h


def augment_view(kind: str) -> View:
    """A pair of stems after one augmentation: pictures and sounds."""
    p, h = augmented(kind)
    fig, axes = plot.figure(1, 2, height=2.4, sharey=True)
    for ax, x, name in zip(axes, (p, h), ("percussive", "harmonic"), strict=True):
        X = stft(x, COMPACT)[:, : round(1.5 * SAMPLE_RATE / COMPACT.hop)]
        plot.spectrogram(X, COMPACT, ax, kind=name, title=name, floor_db=-60, reference=10.0)
    axes[1].set_ylabel("")
    said = {
        "none": "As composed",
        "polarity": "The drums upside down: silent to the ear, but the mixture is another one",
        "slower": "A fifth slower, a third lower",
        "faster": "A quarter faster, a third higher",
        "apart": "Drums slower and rest faster: each its own speed",
        "distort": "The rest through tanh, driven to eight times its RMS",
        "equalise": "A random equaliser on each",
        "low_pass": "A random low-pass on each, as of old recordings and small files",
        "layer": "A second harmonic signal joins the first",
        "muted": "No drums at all: the network must also learn to answer nothing",
    }[kind]
    share = 100 * np.sum(p.astype(float) ** 2) / (np.sum(p**2) + np.sum(h**2))
    text = f"{said}. The drums hold {share:.0f} % of the energy, {len(h) / SAMPLE_RATE:.1f} s."
    return View(fig, {"mixture": p + h}, text)


augment_control = Control(
    name="ch6-augment",
    title="One song, many lessons",
    parameters=(
        Choice(
            "kind",
            "Change",
            options={
                "none": "none",
                "polarity of the drums": "polarity",
                "slower": "slower",
                "faster": "faster",
                "each its own speed": "apart",
                "distortion of the rest": "distort",
                "equaliser": "equalise",
                "low-pass": "low_pass",
                "a second layer": "layer",
                "drums muted": "muted",
            },
        ),
    ),
    start={"kind": "none"},
    view=augment_view,
    caption=(
        "What training does to a pair of stems before it adds them, one change at a time; in "
        "training they come in any combination. The equaliser is drawn stronger here than there."
    ),
    question=(
        "Which changes leave a drum a drum? Would you turn a recording backwards? What would the "
        "network learn from that?"
    ),
    answer=(
        "All but the last of them: polarity, speed, filters and distortion leave a stroke a "
        "stroke. Turned backwards it would swell and stop, and the arrow of time, which chapter "
        "5 finds to be worth a good deal, would be lost for it. The last one, no drums at all, "
        "teaches it to answer nothing."
    ),
)


# ------------------------------------------------------------------- one unit, forward and backward

STATE_EXCERPT = "rock"


@lru_cache(maxsize=1)
def encoder_states() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Input, forward and backward states (T, F) of the trained encoder, and the true V_p (N, T).

    Long sequences are not cut here: the encoder runs over four seconds at once.
    """
    model, t = load_model(), piece(STATE_EXCERPT, SECONDS)
    V = torch.from_numpy(t.V.T[None])
    a, b = model.config.compression or (1.0, 0.0)
    x = V[..., : model.config.low_bins]
    x = a * torch.log1p(b * x) if b else x
    with torch.inference_mode():
        states = model.masker.encoder.gru(x)[0][0].numpy()
    forward, backward = np.split(states, 2, axis=1)
    return x[0].numpy(), forward, backward, t.V_p


def onsets(count: int = 8) -> np.ndarray:
    """The frames of the strongest rises of the true drums, at least 8 frames apart."""
    V_p = encoder_states()[3]
    energy = np.log(1e-3 + np.sum(V_p**2, axis=0))
    rise = np.concatenate([[0, 0], energy[2:] - energy[:-2]])
    found: list[int] = []
    for t in np.argsort(-rise):
        if all(abs(int(t) - other) >= 8 for other in found):
            found.append(int(t))
        if len(found) == count:
            break
    return np.sort(found)


def state_view(khz: float) -> View:
    """What one unit of each direction does around the drums: input, forward and backward state."""
    x, forward, backward, _ = encoder_states()
    unit = min(round(khz * 1000 * COMPACT.n_fft / SAMPLE_RATE), x.shape[1] - 1)
    frames = slice(0, round(2.5 * SAMPLE_RATE / COMPACT.hop))
    seconds = np.arange(x.shape[0])[frames] * COMPACT.hop / SAMPLE_RATE
    fig, (upper, lower) = plot.figure(2, 1, height=3.6, sharex=True, height_ratios=(1, 1.5))
    ink = {kind: plot.kind_colour(kind) for kind in ("percussive", "harmonic", "mixture")}
    with plot.style():
        upper.plot(seconds, x[frames, unit], color=ink["mixture"])
        upper.set(ylabel="input", xlim=(0, 2.5))
        lower.plot(seconds, forward[frames, unit], color=ink["harmonic"], label="forward")
        lower.plot(seconds, backward[frames, unit], color=ink["percussive"], label="backward")
        reach = 1.1 * max(np.abs(s[frames, unit]).max() for s in (forward, backward))
        lower.set(ylabel="state", xlabel="time (s)", ylim=(-reach, reach))
        lower.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderaxespad=0)
        for t in onsets() * COMPACT.hop / SAMPLE_RATE:
            for ax in (upper, lower):
                ax.axvline(t, color="#8b919c", linewidth=0.7, linestyle=":")
    return View(fig, text=_described(unit, forward[:, unit], backward[:, unit]))


def lag(state: np.ndarray, around: int = 6) -> int:
    """The shift, in frames after a hit, at which a state (T,) moves most, over all hits."""
    step = np.abs(np.diff(state, prepend=state[0]))
    shifts = range(-around, around + 1)
    hits = [t for t in onsets() if around <= t < len(state) - around]
    return max(shifts, key=lambda k: float(np.mean([step[t + k] for t in hits])))


def _described(unit: int, forward: np.ndarray, backward: np.ndarray) -> str:
    def when(k: int) -> str:
        if k == 0:
            return "at the hit"
        return f"{abs(k)} frame{'s' if abs(k) > 1 else ''} {'before' if k < 0 else 'after'} it"

    hertz = unit * SAMPLE_RATE / COMPACT.n_fft
    return (
        f"Unit {unit} of 372 ({hertz / 1000:.2f} kHz): around the drum hits (dotted) the forward "
        f"state moves most {when(lag(forward))}, the backward state {when(lag(backward))}."
    )


state_control = Control(
    name="ch6-states",
    title="Memory and foresight",
    parameters=(
        Slider(
            "khz",
            "Unit, by the bin that it is added to",
            values=(0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 6.0, 7.5),
            unit="kHz",
            live=(0.05, 8.0, 0.01),
            log=True,
        ),
    ),
    start={"khz": 2.5},
    view=state_view,
    caption=(
        "One unit of the trained encoder over 2.5 seconds of rock. Above, its input, the "
        "compressed magnitude of the bin to which the unit is added; below, its forward and its "
        "backward state. Dotted: drum hits."
    ),
    question=(
        "Find a unit whose backward state announces the hits. Does its forward state remember "
        "them for longer?"
    ),
    answer=(
        "Most units do: the backward state moves before the hit, the forward state at it or "
        "after it. Whether it also remembers longer you see from how slowly the line comes "
        "down; there are units of either kind, and nobody has told them to divide the work."
    ),
)
