"""The controls of chapter 3, masks by median filtering."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from hpss_lib import kam, median
from hpss_lib.chapters.pieces import piece
from hpss_lib.chapters.two_kinds_of_sound import drum_hit
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft
from hpss_lib.views import palette, plot
from hpss_lib.views.controls import Choice, Control, Slider, View
from hpss_lib.workers import elsewhere

EXCERPT = ("latin", 6.0)  # and its first seconds
SHOWN_SECONDS, SHOWN_KHZ = 1.6, 2.4


def by_librosa(V: np.ndarray, *, kernel_size: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """(M_h, M_p), librosa.decompose.hpss(V, ..., mask=True), computed by a process of its own."""
    return elsewhere(_librosa, V, kernel_size=kernel_size, power=power)


def _librosa(V: np.ndarray, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    from librosa.decompose import hpss

    return hpss(V, mask=True, **options)


@lru_cache(maxsize=4)
def enhanced(harmonic_seconds: float, percussive_hertz: float) -> tuple[np.ndarray, np.ndarray]:
    """(P, H) of the excerpt, the enhanced spectrograms (F, T)."""
    V = piece(*EXCERPT).V
    return (
        median.percussive_enhanced(V, median.hertz_to_bins(percussive_hertz, COMPACT)),
        median.harmonic_enhanced(V, median.seconds_to_frames(harmonic_seconds, COMPACT)),
    )


def coloured(M_p: np.ndarray, M_h: np.ndarray, X: np.ndarray) -> Figure:
    """The beginning of |X| (F, T) in the colours of the part that each bin goes to by its masks.

    Orange is percussive, blue harmonic, grey what neither mask claims. Opacity follows the level,
    over a range of 60 dB.
    """
    rows = round(SHOWN_KHZ * 1000 * COMPACT.n_fft / SAMPLE_RATE)
    columns = round(SHOWN_SECONDS * SAMPLE_RATE / COMPACT.hop)
    level = 1 + plot.decibels(np.abs(X), floor_db=-60)[:rows, :columns] / 60
    level = np.round(12 * level) / 12  # few steps: transparency is stored without loss
    kinds = ("percussive", "harmonic", "mixture")
    weights = np.stack([M_p, M_h, median.residual_mask(M_p, M_h)])[:, :rows, :columns]
    weights /= weights.sum(axis=0)
    inks = np.array([to_rgb(palette.ink(kind)) for kind in kinds])
    rgba = np.concatenate([np.einsum("kft,kc->ftc", weights, inks), level[..., None]], axis=-1)
    edges = (0, columns * COMPACT.hop / SAMPLE_RATE, 0, SHOWN_KHZ)
    fig, ax = plot.figure(height=2.5)
    with plot.style():
        ax.imshow(rgba, extent=edges, origin="lower", aspect="auto", interpolation="nearest")
        ax.set(xlabel="time (s)", ylabel="frequency (kHz)")
    return fig


# --------------------------------------------------------------------------------- kernel lengths


def kernel_view(harmonic_seconds: float, percussive_hertz: float) -> View:
    """The parts that two kernel lengths make."""
    t = piece(*EXCERPT)
    M_p, M_h = median.masks(*enhanced(harmonic_seconds, percussive_hertz))
    s_p, s_h = t.signal(M_p * t.X), t.signal(M_h * t.X)
    fig = coloured(M_p, M_h, t.X)
    frames = median.seconds_to_frames(harmonic_seconds, COMPACT)
    bins = median.hertz_to_bins(percussive_hertz, COMPACT)
    (at_p, at_h), (mix_p, mix_h) = t.scores(s_p, s_h), t.scores(t.x, t.x)
    text = (
        f"Kernels of {frames} frames and {bins} bins: SDR {at_p:.1f} dB percussive, "
        f"{at_h:.1f} dB harmonic (the mixture itself: {mix_p:.1f} and {mix_h:.1f} dB)."
    )
    sounds = {"percussive": s_p, "harmonic": s_h, "mixture": t.x}
    return View(fig, sounds, text.replace(" -", " −"))


kernel_control = Control(
    name="ch3-kernels",
    title="How long, how tall?",
    parameters=(
        Slider(
            "harmonic_seconds",
            "Kernel along time",
            values=(0.05, 0.36, 1.0),
            unit="s",
            live=(0.03, 2.0, 0.01),
            log=True,
        ),
        Slider(
            "percussive_hertz",
            "Kernel along frequency",
            values=(65, 667, 2000),
            unit="Hz",
            live=(65, 3000, 5),
            log=True,
        ),
    ),
    start={"harmonic_seconds": 0.36, "percussive_hertz": 667},
    view=kernel_view,
    caption=(
        "A piece of the mixture, each bin in the colour of the part that it goes to: orange "
        "percussive, blue harmonic, between them what is shared. Soft masks, power 2."
    ),
    question=(
        "Make one kernel as short as it goes, then the other. Which part does each of them spoil, "
        "and what leaks into it? Where is the best SDR, and do you agree with it?"
    ),
    answer=(
        "A kernel along time of 0.05 s takes blows for tones: the harmonic part fills with "
        "drums, and the percussive part grows thin. A kernel along frequency of 65 Hz, no "
        "taller than a partial, takes tones for blows: the guitar stands in the percussive "
        "part. The best score lies where the kernel along time is long, the one along frequency "
        "not the tallest. It is about 6 dB, from several pairs that do not sound alike."
    ),
    computed="kernels",
    material=lambda: piece(*EXCERPT).material(),
)


# ---------------------------------------------------------------------------------- soft, binary


def lonely(M: np.ndarray, V: np.ndarray) -> float:
    """The share of a mask's energy V^2 in bins that stand on the other side of 1/2 alone.

    M, V: (F, T). A bin is alone if at least 7 of its 8 neighbours stand on the other side.
    """
    on = np.pad(M > 0.5, 1, mode="edge")
    F, T = M.shape
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    others = sum((on[i : i + F, j : j + T] != on[1:-1, 1:-1]).astype(int) for i, j in shifts)
    hardness = np.abs(2 * M - 1)  # a bin near 1/2 is no island, whatever its neighbours are
    return float(np.sum((V**2 * hardness)[others >= 7]) / np.sum(V**2))


def mask_view(power: float) -> View:
    """The masks of one power, from nearly even to binary."""
    t = piece(*EXCERPT)
    P, H = enhanced(median.HARMONIC_SECONDS, median.PERCUSSIVE_HERTZ)
    M_p, M_h = median.masks(P, H, power=power)
    s_p, s_h = t.signal(M_p * t.X), t.signal(M_h * t.X)
    fig, (left, right) = plot.figure(1, 2, height=2.6, width_ratios=(1, 2.1))
    ratio = np.linspace(-24, 24, 481)
    curve = median.masks(10 ** (ratio[None] / 20), np.ones((1, len(ratio))), power=power)[0][0]
    with plot.style():
        left.plot(ratio, curve, color=plot.kind_colour("percussive"))
        left.set(xlim=(-24, 24), ylim=(-0.03, 1.03), xticks=(-20, -10, 0, 10, 20))
        left.set(xlabel="$P / H$ (dB)", ylabel="$M_p$", title="the rule")
    part = slice(round(1.4 * SAMPLE_RATE / COMPACT.hop))
    plot.mask(M_p[:, part], COMPACT, ax=right, top_khz=2.4, kind="percussive", title="the mask")
    name = "Binary masks" if power == math.inf else f"Soft masks of power {power:g}"
    at_p, at_h = t.scores(s_p, s_h)
    text = (
        f"{name}: SDR {at_p:.1f} dB percussive, {at_h:.1f} dB harmonic; "
        f"{1000 * lonely(M_p, t.V):.1f} ‰ of the energy is in lonely bins."
    )
    return View(fig, {"percussive": s_p, "harmonic": s_h}, text)


mask_control = Control(
    name="ch3-mask",
    title="From soft to binary",
    parameters=(
        Choice(
            "power",
            "Power of the mask",
            options={
                "1/2": 0.5,
                "1": 1.0,
                "2 (Wiener)": 2.0,
                "3": 3.0,
                "4": 4.0,
                "6": 6.0,
                "10": 10.0,
                "infinite (binary)": math.inf,
            },
        ),
    ),
    start={"power": 2.0},
    view=mask_view,
    caption=(
        "Left: the mask as a function of how far $P$ exceeds $H$. Right: the percussive mask of "
        "the first 1.4 seconds, white 0, dark 1 (the reverse on a dark page)."
    ),
    question=(
        "Listen to the end of each guitar note in the percussive part. What do low powers leave "
        "there, and what do high powers put in its place?"
    ),
    answer=(
        "Low powers leave a soft guitar behind, as if from the next room: every bin is shared. "
        "High powers take that away and put a twitter in its place, single bins that win by "
        "chance. Their energy is 0.2 to 5 thousandths, and the SDR falls by 1 dB from power 1 "
        "to the binary mask."
    ),
)


# ------------------------------------------------------------------------- margin and residual


def purity(x: np.ndarray, y: np.ndarray) -> float:
    """Energy of x over energy of y, in dB."""
    return float(10 * np.log10(np.sum(x.astype(float) ** 2) / np.sum(y.astype(float) ** 2)))


def margin_view(margin: float) -> View:
    """Three parts: what is surely percussive, surely harmonic, and the rest."""
    t = piece(*EXCERPT)
    P, H = enhanced(median.HARMONIC_SECONDS, median.PERCUSSIVE_HERTZ)
    M_p, M_h = median.masks(P, H, power=math.inf, margin=margin)
    s_p, s_h = t.signal(M_p * t.X), t.signal(M_h * t.X)
    s_r = t.x - s_p - s_h
    fig = coloured(M_p, M_h, t.X)
    # The masks are linear: put each stem through them alone to see what the parts are made of.
    X_p, X_h = stft(t.x_p, COMPACT), stft(t.x_h, COMPACT)
    in_p = purity(t.signal(M_p * X_p), t.signal(M_p * X_h))
    in_h = purity(t.signal(M_h * X_h), t.signal(M_h * X_p))
    shares = [100 * 10 ** (purity(s, t.x) / 10) for s in (s_p, s_h, s_r)]
    text = (
        f"Margin {margin:g}: the parts hold {shares[0]:.0f} % (percussive), {shares[1]:.0f} % "
        f"(harmonic) and {shares[2]:.0f} % (residual) of the mixture's energy. In the percussive "
        f"part the drums are {in_p:.0f} dB above the rest, in the harmonic part the rest "
        f"{in_h:.0f} dB above the drums."
    )
    return View(fig, {"percussive": s_p, "harmonic": s_h, "residual": s_r}, text)


margin_control = Control(
    name="ch3-margin",
    title="Asking for a clear majority",
    parameters=(
        Slider(
            "margin",
            "Margin",
            values=(1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0),
            live=(1.0, 12.0, 0.05),
        ),
    ),
    start={"margin": 2.0},
    view=margin_view,
    caption=(
        "Binary masks with a margin: orange percussive, blue harmonic, grey the residual. (The "
        "energies do not sum to 100 %, because the signals are not independent of each other.)"
    ),
    question=(
        "Raise the margin and listen to the residual. What ends up there first: the attacks of the "
        "guitar, the skins of the drums, or the hiss of the shaker? Can you say why?"
    ),
    answer=(
        "First what has no direction: hiss, the shaker, the blur at the edge of every stroke, "
        "since there both medians see the same. Then the attacks of the guitar and the skins "
        "that ring, which each witness claims in part. At margin 10 more than three quarters of "
        "the energy lie in the drawer that nobody ordered."
    ),
)


# ----------------------------------------------------------------------------- a ringing drum


def ring_view(ring_ms: float, harmonic_seconds: float) -> View:
    """A drum that rings, pulled apart: which part gets it?"""
    x = drum_hit(0.1, ring_ms / 1000, seconds=2.2)
    X = stft(x, COMPACT)
    M_p, M_h = median.median_hpss(np.abs(X), COMPACT, harmonic_seconds=harmonic_seconds)
    s_p, s_h = (istft((M * X).astype(np.complex64), COMPACT, len(x)) for M in (M_p, M_h))
    fig, (left, right) = plot.figure(1, 2, height=2.5, sharey=True)
    top = float(np.abs(X).max())
    look = {"floor_db": -60, "reference": top, "top_khz": 2.5}
    plot.spectrogram(M_p * X, COMPACT, left, title="percussive", kind="percussive", **look)
    plot.spectrogram(M_h * X, COMPACT, right, title="harmonic", kind="harmonic", **look)
    right.set_ylabel("")
    share = np.sum(s_h.astype(float) ** 2) / np.sum(x.astype(float) ** 2)
    text = (
        f"A drum that takes {ring_ms:g} ms to die away by 60 dB, a kernel of "
        f"{1000 * harmonic_seconds:.0f} ms: {100 * share:.0f} % of the energy is called harmonic."
    )
    return View(fig, {"drum": x, "percussive": s_p, "harmonic": s_h}, text)


ring_control = Control(
    name="ch3-ring",
    title="When does a drum become a note?",
    parameters=(
        Slider(
            "ring_ms",
            "Time to die away",
            values=(50, 200, 500, 800, 2000),
            unit="ms",
            live=(50, 2000, 10),
        ),
        Slider(
            "harmonic_seconds",
            "Kernel along time",
            values=(0.1, 0.36, 0.75),
            unit="s",
            live=(0.03, 1.5, 0.01),
        ),
    ),
    start={"ring_ms": 500, "harmonic_seconds": 0.36},
    view=ring_view,
    caption="The drum of chapter 1, a tenth of its energy noise, through the median filter.",
    question=(
        "For each kernel, find the drum that is split in halves. How does its time to die away "
        "compare with the length of the kernel?"
    ),
    answer=(
        "Half is called harmonic at 200 ms for the kernel of 0.1 s, at about 500 ms for 0.36 s, "
        "at somewhat under a second for 0.75 s. These are the times to fall by 60 dB, twice the "
        "kernel for the shortest, little more than the kernel itself for the longest. Of a drum "
        "that falls so fast only the first part is loud enough to fill half of a kernel."
    ),
)


# --------------------------------------------------------------------- kernels of any shape, rounds


def widened(kernels: kam.Kernels, factor: float) -> kam.Kernels:
    """The same heights, all widths times a factor."""
    return tuple((hertz, factor * seconds) for hertz, seconds in kernels)


def kam_view(width: float, iterations: int) -> View:
    """KAM with kernels of other widths and another number of rounds."""
    t = piece("rock", 6.0)
    M_p, M_h = kam.kam_hpss(
        t.V,
        COMPACT,
        iterations=iterations,
        percussive_kernels=widened(kam.PERCUSSIVE_KERNELS, width),
        harmonic_kernels=widened(kam.HARMONIC_KERNELS, width),
    )
    s_p, s_h = t.signal(M_p * t.X), t.signal(M_h * t.X)
    fig = coloured(M_p, M_h, t.X)
    rounds = "1 round" if iterations == 1 else f"{iterations} rounds"
    widths = "one frame wide" if width == 0 else f"{width:g} times as wide as published"
    at_p, at_h = t.scores(s_p, s_h)
    text = f"Kernels {widths}, {rounds}: SDR {at_p:.1f} dB percussive, {at_h:.1f} dB harmonic."
    return View(fig, {"percussive": s_p, "harmonic": s_h}, text.replace(" -", " −"))


kam_control = Control(
    name="ch3-kam",
    title="Wider kernels, more rounds",
    parameters=(
        Slider("width", "Widths times", values=(0.0, 1.0, 2.0), live=(0.0, 4.0, 0.05)),
        Slider("iterations", "Rounds", values=(1, 3, 6), live=(0, 12, 1)),
    ),
    start={"width": 1.0, "iterations": 6},
    view=kam_view,
    caption=(
        "A piece of a rock song, each bin in the colour of the part that it goes to: orange "
        "percussive, blue harmonic."
    ),
    question=(
        "Set the widths to 0 and listen to the harmonic part: which half of the idea is gone? Then "
        "back to 1, and from one round to six: what becomes clearer, and what begins to twitter?"
    ),
    answer=(
        'Without widths the harmonic kernels are single cells: "a tone stays the same" is gone, '
        "the drums stay in the harmonic part, and more rounds make it worse (4.1, 3.5, 3.0 dB). "
        "With them, the parts become clearer up to three rounds (6.1, 6.3 dB); by six the score "
        "has fallen (5.7), and bins that stand alone begin to twitter."
    ),
)
