"""The controls of the bridge before chapter 5: one weight that learns, by hand."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hpss_lib import median
from hpss_lib.chapters.pieces import Piece, piece
from hpss_lib.measures import sdr
from hpss_lib.stft import COMPACT
from hpss_lib.views import plot
from hpss_lib.views.controls import Control, Slider, View

EXCERPT = "latin"
SECONDS = {"latin": 6.0, "jazz": 4.0, "choir": 4.0, "rock": 4.0}
SILENCE = 1e-6  # keeps the logarithm's argument away from zero
STEPS = 20  # downhill, in the second control


class Example(NamedTuple):
    """What the mask is shown, and what it should make of it: three arrays (F, T).

    q is log(P / H) of the median filter's two spectrograms, V the mixture's magnitude, V_p the
    true drums'.
    """

    q: np.ndarray
    V: np.ndarray
    V_p: np.ndarray


def source(name: str) -> Piece:
    """The beginning of an excerpt from which its example is made."""
    return piece(name, SECONDS[name])


@lru_cache(maxsize=len(SECONDS))
def example(name: str) -> Example:
    """An excerpt as an example to learn from."""
    t = source(name)
    P = median.percussive_enhanced(t.V, median.hertz_to_bins(median.PERCUSSIVE_HERTZ, COMPACT))
    H = median.harmonic_enhanced(t.V, median.seconds_to_frames(median.HARMONIC_SECONDS, COMPACT))
    return Example(np.log((P + SILENCE) / (H + SILENCE)), t.V, t.V_p)


def sigmoid(a: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-a), of any shape, without overflow."""
    return (1 + np.tanh(np.asarray(a) / 2)) / 2


def loss_at(w: float, b: float, e: Example) -> float:
    """The energy of the error of sigmoid(w q + b) V, over that of the drums."""
    error = sigmoid(w * e.q + b) * e.V - e.V_p
    return float(np.sum(error**2) / np.sum(e.V_p**2))


def gradient_at(w: float, b: float, e: Example) -> np.ndarray:
    """The derivatives of `loss_at` by w and by b: (2,)."""
    M = sigmoid(w * e.q + b)
    pull = 2 * (M * e.V - e.V_p) * e.V * M * (1 - M) / np.sum(e.V_p**2)
    return np.array([np.sum(pull * e.q), np.sum(pull)], dtype=float)


def descend(e: Example, rate: float, steps: int, *, free: tuple[int, int] = (1, 1)) -> np.ndarray:
    """The way downhill from w = b = 0: (steps + 1, 2). free: 0 holds a number where it is."""
    way = [np.zeros(2)]
    for _ in range(steps):
        w, b = way[-1]
        way.append(way[-1] - rate * np.array(free) * gradient_at(w, b, e))
    return np.array(way)


# --------------------------------------------------------------------------------- the weight


@lru_cache(maxsize=1)
def loss_curve() -> tuple[np.ndarray, np.ndarray]:
    """Weights, and the loss at each of them with b = 0."""
    weights = np.concatenate([np.linspace(-1, 2, 25), np.linspace(2.25, 16, 24)])
    return weights, np.array([loss_at(w, 0, example(EXCERPT)) for w in weights])


def weight_view(w: float) -> View:
    """One weight: its mask, its place on the curve of the loss, and the slope there."""
    e, t = example(EXCERPT), source(EXCERPT)
    loss, (slope, _) = loss_at(w, 0, e), gradient_at(w, 0, e)
    s_p = t.with_phase(sigmoid(w * e.q) * e.V)
    fig, (left, right) = plot.figure(1, 2, height=2.6)
    ink, quiet = plot.kind_colour("percussive"), plot.kind_colour("mixture")
    ratio = np.linspace(-24, 24, 241)
    with plot.style():
        left.plot(ratio, sigmoid(w * ratio * np.log(10) / 20), color=ink)
        left.set(xlim=(-24, 24), ylim=(-0.03, 1.03), xticks=(-20, -10, 0, 10, 20))
        left.set(xlabel="$P / H$ (dB)", ylabel="$M_p$", title="the mask")
        right.plot(*loss_curve(), color=quiet)
        reach = np.array([-0.9, 0.9])
        right.plot(w + reach, loss + slope * reach, "--", color=ink)
        right.plot([w], [loss], "o", markersize=8, color=ink)
        right.set(xlim=(-1, 6), ylim=(0.15, 0.75), xlabel="weight $w$", title="the loss")
    if abs(slope) < 0.005:
        way = "level ground"
    else:
        way = f"downhill is to the {'left' if slope > 0 else 'right'}"
    text = (
        f"w = {w:g}: loss {loss:.3f}, slope {slope:+.3f}, {way}. "
        f"SDR of the drums {sdr(t.x_p, s_p):.1f} dB."
    )
    sounds = {"percussive": s_p, "harmonic": t.x - s_p, "true percussive": t.x_p}
    return View(fig, sounds, text.replace(" -", " −"))


weight_control = Control(
    name="bridge-weight",
    title="One number to turn",
    parameters=(
        Slider(
            "w",
            "Weight w",
            values=(-0.5, 0.0, 0.3, 0.6, 0.9, 1.5, 2.0, 3.0, 5.0),
            live=(-1.0, 6.0, 0.05),
        ),
    ),
    start={"w": 2.0},
    view=weight_view,
    caption=(
        "Left: the mask as a function of how far $P$ exceeds $H$. Right: the loss at every weight, "
        "the weight that is set (dot), and the slope there (dashed)."
    ),
    question=(
        "Cover the right picture and find the best weight by ear. Then uncover it: which weight "
        "has the smallest loss, and what is the slope there?"
    ),
    answer=(
        "The loss is smallest at about 0.9, 0.241, and there the slope is nil. By ear the choice "
        "is hard: from 0.6 to 2 the SDR moves by half a decibel. Chapter 3's rule is $w = 2$; at "
        "0 the mask is one half everywhere, below 0 it prefers the tones."
    ),
)


# ------------------------------------------------------------------------------- the step's size


def rate_view(rate: float) -> View:
    """Twenty steps downhill at one learning rate."""
    e = example(EXCERPT)
    way = descend(e, rate, STEPS, free=(1, 0))[:, 0]
    losses = [loss_at(w, 0, e) for w in way]
    fig, (left, right) = plot.figure(1, 2, height=2.6)
    ink, quiet = plot.kind_colour("percussive"), plot.kind_colour("mixture")
    with plot.style():
        left.plot(*loss_curve(), color=quiet)
        left.plot(way, losses, ".-", color=ink, linewidth=0.8, markersize=7)
        left.set(xlim=(-1, 16), ylim=(0.2, 0.5), xlabel="weight $w$", ylabel="loss")
        left.set_title("the way")
        right.plot(losses, ".-", color=ink)
        right.set(xlim=(-0.5, STEPS + 0.5), ylim=(0.2, 0.5), xlabel="step", title="step by step")
    text = (
        f"Learning rate {rate:g}: the first step leads from 0 to {way[1]:.2f}; after {STEPS} steps "
        f"w is {way[-1]:.2f} and the loss {losses[-1]:.3f}."
    )
    return View(fig, text=text)


rate_control = Control(
    name="bridge-rate",
    title="How long a step?",
    parameters=(
        Slider(
            "rate",
            "Learning rate",
            values=(0.03, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 60.0),
            live=(0.01, 100.0, 0.01),
            log=True,
        ),
    ),
    start={"rate": 0.3},
    view=rate_view,
    caption=(
        "Twenty steps downhill from $w = 0$ with one learning rate, on the curve of the loss "
        "(left) and one after the other (right)."
    ),
    question=(
        "What happens at a rate that is too small, and what at one that is too large? Why does a "
        "larger gradient not bring the weight back?"
    ),
    answer=(
        "Too small, and twenty steps do not arrive: at 0.03 the loss is still 0.32. From 1 to 8 "
        "they do. At 16 the first step already leads to 8.3, far beyond the minimum, and there the "
        "gradient is *small*: the sigmoid is 0 or 1 nearly everywhere and hardly moves with $w$. "
        "The gradient says on which side the valley lies, not how far away; the weight is stuck."
    ),
)
