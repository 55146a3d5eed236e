"""The controls of chapter 4, spectral subtraction."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from hpss_lib.chapters.pieces import piece
from hpss_lib.measures import sdr
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft
from hpss_lib.subtraction import apply_phase, subtract, subtract_floored
from hpss_lib.views import plot
from hpss_lib.views.controls import Control, Slider, View

EXCERPT = ("rock", 6.0)  # and its first seconds


# ------------------------------------------------------------------------------------ two phasors


def triangle(ax: Axes, S_p: complex, X: complex) -> None:
    """Draw S_p, S_h = X - S_p and X as the three sides of a triangle, with their names."""
    flat = abs(X.imag) < 0.02  # no triangle: the three lie side by side
    middle = (S_p + X) / 3
    for start, end, kind, name, shift in (
        (0j, S_p, "percussive", "$V_p$", 0j),
        (S_p, X, "harmonic", "$V_h$", -0.1j),
        (0j, X, "mixture", "$|X|$", 0.1j),
    ):
        if abs(end - start) < 1e-6:
            continue
        ink = plot.kind_colour(kind)
        if flat:
            start, end = start + shift, end + shift
        tips = (start.real, start.imag), (end.real, end.imag)
        look = {"arrowstyle": "-|>", "mutation_scale": 13, "shrinkA": 0, "shrinkB": 0}
        ax.add_patch(FancyArrowPatch(*tips, color=ink, linewidth=2, **look))
        # The names stand outside the triangle, beside the middles of its sides.
        centre, outward = (start + end) / 2, 1j * (end - start) / abs(end - start)
        if (outward * np.conj(centre - middle)).real < 0:
            outward = -outward
        at = centre + 0.17 * outward
        if flat:
            at = start - 0.18 if kind == "percussive" else centre + 1.7 * shift
        ax.text(at.real, at.imag, name, color=ink, ha="center", va="center")
    ax.set(aspect="equal", xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def phasor_view(angle: float, ratio: float) -> View:
    """Two phasors of a given angle, their sum, and what subtraction makes of it."""
    V_p, V_h = ratio, 1.0
    S_p, S_h = complex(V_p), V_h * np.exp(1j * np.deg2rad(angle))
    X = S_p + S_h
    phi = np.linspace(0, 180, 361)
    V = np.abs(V_p + V_h * np.exp(1j * np.deg2rad(phi)))
    magnitude_now = abs(X) - V_p
    power_now = float(np.sqrt(max(abs(X) ** 2 - V_p**2, 0)))
    ink = {kind: plot.kind_colour(kind) for kind in ("percussive", "harmonic", "mixture")}
    fig, (left, right) = plot.figure(1, 2, height=3.0, width_ratios=(1, 1.15))
    with plot.style():
        triangle(left, S_p, X)
        left.set(xlim=(min(0, V_p - 1) - 0.35, V_p + 1.35), ylim=(-0.45, 1.3))
        right.axhline(V_h, color=ink["harmonic"], linewidth=1.2, linestyle=":")
        right.plot(phi, V - V_p, color=ink["mixture"], label="$|X| - V_p$")
        power = np.sqrt(np.maximum(V**2 - V_p**2, 0))
        right.plot(phi, power, "--", color=ink["mixture"], label=r"$\sqrt{|X|^2 - V_p^2}$")
        right.plot([angle, angle], [magnitude_now, power_now], "o", color=ink["percussive"])
        right.set(xlim=(0, 180), xticks=(0, 45, 90, 135, 180), ylim=(-1.15, 1.95))
        right.set(xlabel="angle between the sources (degrees)")
        right.set_title("what is left for the harmonic")
        right.text(2, V_h - 0.06, "true $V_h$", color=ink["harmonic"], ha="left", va="top")
        right.legend(loc="lower left")
    sizes = f"|X| = {abs(X):.2f}" if abs(X) > 1e-9 else "the sources cancel, |X| = 0"
    text = (
        f"V_p = {V_p:g}, V_h = 1, {angle:g} degrees apart: {sizes}. Magnitude subtraction leaves "
        f"{magnitude_now:.2f}, power subtraction {power_now:.2f}; the truth is 1."
    )
    return View(fig, text=text.replace("-", "−"))


phasor_control = Control(
    name="ch4-phasors",
    title="One bin, two sources",
    parameters=(
        Slider(
            "angle",
            "Angle between the sources",
            values=(0, 30, 60, 90, 110, 120, 140, 160, 180),
            unit="degrees",
            live=(0, 180, 1),
        ),
        Slider("ratio", "V_p, as a multiple of V_h", values=(0.5, 1.0, 2.0), live=(0.1, 2.2, 0.05)),
    ),
    start={"angle": 60, "ratio": 1.0},
    view=phasor_view,
    caption=(
        "Left: the complex values of two sources in one bin add up like arrows. Right: what "
        "magnitude subtraction (solid) and power subtraction (dashed) leave for the harmonic "
        "source, at every angle; the dots mark the angle on the left."
    ),
    question=(
        "At which angle is each of the two rules exact? For which angles does magnitude "
        "subtraction leave a negative number, and how does that depend on $V_p$?"
    ),
    answer=(
        "Magnitude subtraction is exact at 0 degrees, power subtraction at 90. Magnitude "
        "subtraction leaves a negative number where $|X| < V_p$: with equal sources beyond 120 "
        "degrees. By the law of cosines the border lies at $\\cos\\varphi = -V_h / 2V_p$: the "
        "stronger the drums, the nearer to 90 degrees."
    ),
)


# --------------------------------------------------------------- an error in the percussive part


@lru_cache(maxsize=1)
def bias_curve() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bias (dB) of the true V_p, SDR (dB) of the percussive and of the harmonic part."""
    t = piece(*EXCERPT)
    # The inverse STFT is linear: one signal is enough, scaled.
    s_p = t.with_phase(t.V_p).astype(float)
    bias = np.arange(-15, 12.1, 0.5)
    gains = 10 ** (bias / 20)
    percussive = np.array([sdr(t.x_p, g * s_p) for g in gains])
    harmonic = np.array([sdr(t.x_h, t.x - g * s_p) for g in gains])
    return bias, percussive, harmonic


def bias_view(bias_db: float) -> View:
    """The parts when V_p is everywhere too large or too small."""
    t = piece(*EXCERPT)
    V_p = (10 ** (bias_db / 20) * t.V_p).astype(np.float32)
    s_p = t.with_phase(V_p)
    s_h = t.with_phase(subtract(t.V, V_p))
    at_p, at_h = t.scores(s_p, s_h)
    negative = float(np.mean(V_p > t.V))
    fig, ax = plot.figure(height=2.7)
    bias, percussive, harmonic = bias_curve()
    with plot.style():
        for curve, now, kind in ((percussive, at_p, "percussive"), (harmonic, at_h, "harmonic")):
            ax.plot(bias, curve, color=plot.kind_colour(kind), label=kind)
            ax.plot([bias_db], [now], "o", markersize=8, color=plot.kind_colour(kind))
        ax.axvline(0, color="#8b919c", linewidth=0.8, linestyle=":")
        ax.set(xlim=(-15.3, 12.3), xlabel="bias of $V_p$ (dB)", ylabel="SDR (dB)")
        ax.legend(loc="lower center")
    text = (
        f"V_p {bias_db:+g} dB: SDR {at_p:.1f} dB percussive, {at_h:.1f} dB harmonic; V_p exceeds "
        f"|X| in {100 * negative:.0f} % of the bins."
    )
    return View(fig, {"percussive": s_p, "harmonic": s_h, "mixture": t.x}, text.replace(" -", " −"))


bias_control = Control(
    name="ch4-bias",
    title="A percussive part too large, too small",
    parameters=(
        Slider(
            "bias_db",
            "Bias of the true V_p",
            values=(-15, -12, -9, -6, -4, -2, 0, 2, 4, 6, 9, 12),
            unit="dB",
            live=(-15.0, 12.0, 0.5),
        ),
    ),
    start={"bias_db": -6},
    view=bias_view,
    caption=(
        "The true percussive magnitude, multiplied by a constant, the mixture's phase, and the "
        "harmonic part by subtraction. The curves show the SDR at every bias."
    ),
    question=(
        "With 12 dB too little and with 12 dB too much: what do you hear in the harmonic part? "
        "Is the best bias exactly 0 dB?"
    ),
    answer=(
        "With 12 dB too little, most of the drums are still there, as they were. With 12 dB too "
        "much they are there again, louder, as a negative of themselves, and the guitars have "
        "holes (0.6 against −11.3 dB). The best bias lies a little below 0 dB: the shadow of "
        "$S_p$ on the line of $X$ is shorter than $V_p$."
    ),
)


# -------------------------------------------------------------------------------------- exponents


@lru_cache(maxsize=64)
def by_exponent(exponent: float) -> np.ndarray:
    """The harmonic signal (n,) by subtraction of the true V_p with an exponent, none below 0."""
    t = piece(*EXCERPT)
    return t.with_phase(subtract_floored(t.V, t.V_p, exponent=exponent))


EXPONENTS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0)


def exponent_view(exponent: float) -> View:
    """The harmonic part by subtraction with an exponent, and its SDR among others."""
    t = piece(*EXCERPT)
    s_h = by_exponent(exponent)
    now = sdr(t.x_h, s_h)
    left_over = sdr(t.x_h, s_h * float(np.dot(t.x_h, s_h) / np.dot(s_h, s_h)))
    fig, ax = plot.figure(height=2.5)
    ax.plot(
        EXPONENTS,
        [sdr(t.x_h, by_exponent(a)) for a in EXPONENTS],
        color=plot.kind_colour("harmonic"),
    )
    ax.plot([exponent], [now], "o", markersize=8, color=plot.kind_colour("harmonic"))
    ax.set(xlabel="exponent $a$", ylabel="SDR, harmonic (dB)", xlim=(0.3, 4.2))
    energy = float(np.sum(s_h.astype(float) ** 2) / np.sum(t.x_h.astype(float) ** 2))
    text = (
        f"Exponent {exponent:g}: SDR {now:.1f} dB for the harmonic part ({left_over:.1f} dB at the "
        f"best loudness); it holds {100 * energy:.0f} % of the true part's energy."
    )
    return View(fig, {"harmonic": s_h, "true harmonic": t.x_h}, text)


exponent_control = Control(
    name="ch4-exponent",
    title="Magnitudes, powers, and what lies between",
    parameters=(
        Slider(
            "exponent",
            "Exponent a",
            values=EXPONENTS,
            live=(0.4, 4.0, 0.05),
        ),
    ),
    start={"exponent": 2.0},
    view=exponent_view,
    caption=(
        r"The harmonic part as $(|X|^a - V_p^a)^{1/a}$ with the true $V_p$, negative differences "
        "set to zero, the mixture's phase."
    ),
    question="What do large exponents leave in, and what do small ones take out?",
    answer=(
        "Large ones leave drums in: at 4 the part holds a third more energy than the true one. "
        "Small ones take the band out together with the drums: at 0.5 not a third of its energy "
        "is left. The best score lies at 1.2."
    ),
    computed="exponent",
    material=lambda: piece(*EXCERPT).material(),
)


# ---------------------------------------------------------------------------------- musical noise

NOISE_SECONDS = 5.0


class Noisy(NamedTuple):
    """Music in steady hiss: music, hiss and their sum (n,), their STFTs' sum, mean hiss (F, 1)."""

    music: np.ndarray
    hiss: np.ndarray
    x: np.ndarray
    X: np.ndarray
    V_n: np.ndarray


@lru_cache(maxsize=1)
def noisy(name: str = "choir", snr_db: float = 12.0, seed: int = 4) -> Noisy:
    """The harmonic stem of an excerpt in white noise, as of brushes stirred without a pause.

    Both are rounded to 16 bits, as files hold them: how many islands are left is counted.
    """
    music = piece(name, NOISE_SECONDS).x_h
    hiss = np.random.default_rng(seed).standard_normal(len(music)).astype(np.float32)
    hiss *= 10 ** (-snr_db / 20) * np.sqrt(np.mean(music**2) / np.mean(hiss**2))
    music, hiss = (np.round(x * 32768) / np.float32(32768) for x in (music, hiss))
    V_n = np.abs(stft(hiss, COMPACT))[:, 3:-3].mean(axis=1, keepdims=True)
    return Noisy(music, hiss, music + hiss, stft(music + hiss, COMPACT), V_n)


def noise_view(over: float, floor: float) -> View:
    """Steady hiss under music, subtracted by its mean magnitude."""
    n = noisy()
    V = np.abs(n.X)
    V_n = np.broadcast_to(n.V_n, V.shape)
    W = subtract_floored(V, V_n, over=over, floor=floor)
    y = istft(apply_phase(W, n.X), COMPACT, len(n.x))
    # Above 10 kHz there is (almost) nothing but hiss: there the remainder can be measured alone.
    high = slice(round(10000 * COMPACT.n_fft / SAMPLE_RATE), -4), slice(3, -3)
    islands = W[high] > floor * V_n[high]
    energy = float(np.sum(W[high].astype(float) ** 2))
    share = float(np.sum((W[high].astype(float) ** 2)[islands])) / energy if energy else 0.0
    level = 10 * np.log10(energy / np.sum(V[high].astype(float) ** 2)) if energy else -np.inf
    fig, ax = plot.figure(height=2.4)
    shown = W[:, : round(1.6 * SAMPLE_RATE / COMPACT.hop)]
    plot.spectrogram(
        shown, COMPACT, ax, kind="harmonic", floor_db=-55, reference=float(V.max()) / 2, top_khz=5
    )
    left = "nothing is left of it" if energy == 0 else f"its level falls by {abs(level):.0f} dB"
    text = (
        f"Over-subtraction {over:g}, floor {floor:g}: {100 * np.mean(islands):.3g} % of the bins "
        f"of pure hiss survive, {left}; these islands hold {100 * share:.0f} % of what is left. "
        f"SDR of the music {sdr(n.music, y):.1f} dB (untouched: {sdr(n.music, n.x):.1f} dB)."
    )
    return View(fig, {"after subtraction": y, "before": n.x}, text)


noise_control = Control(
    name="ch4-noise",
    title="Musical noise",
    parameters=(
        Slider(
            "over",
            "Over-subtraction",
            values=(0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0),
            live=(0.0, 8.0, 0.1),
        ),
        Slider("floor", "Floor", values=(0.0, 0.1, 0.2), live=(0.0, 0.5, 0.01)),
    ),
    start={"over": 1.0, "floor": 0.0},
    view=noise_view,
    caption=(
        "Voices in a steady hiss, after the mean magnitude of the hiss was subtracted "
        "(0 to 5 kHz, the first 1.6 seconds)."
    ),
    question=(
        "Without a floor, which over-subtraction chirps most? What does each cure, a larger factor "
        "or a floor, cost you?"
    ),
    answer=(
        "About 1 to 2: 46 to 4 % of the hiss's bins survive, few enough to stand alone and many "
        "enough to be a flock. A larger factor silences them, and takes with them all music "
        "that is as soft (20.6 dB at 1.5, 15.6 dB at 4). A floor of 0.2 covers them with hiss "
        "itself, at less than a decibel, and so you keep the hiss."
    ),
    computed="noise",
    material=lambda: {"music": noisy().music, "hiss": noisy().hiss},
)
