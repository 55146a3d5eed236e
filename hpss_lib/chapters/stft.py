"""The controls of chapter 2, the short-time Fourier transform."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpss_lib.audio import SOURCES
from hpss_lib.chapters.pieces import piece
from hpss_lib.measures import sdr
from hpss_lib.stft import SAMPLE_RATE, StftSettings, istft, stft
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View

WINDOWS_MS = (3, 6, 12, 23, 46, 93, 186, 372)
SECONDS = 4.0  # of music in the controls


def hann_settings(window_ms: float, *, overlap: int = 4) -> StftSettings:
    """A periodic Hann window of about `window_ms` ms, moved by 1/overlap of its length."""
    hop = 2 * round(window_ms / 1000 * SAMPLE_RATE / (2 * overlap))
    return StftSettings(overlap * hop, overlap * hop, hop, "hann")


def shape(kind: str, length: int) -> np.ndarray:
    """A window of `length` samples: "rectangular", "Hann", "Hamming" or "Blackman" (periodic)."""
    angle = 2 * np.pi * np.arange(length) / length
    weights = {
        "rectangular": (1.0,),
        "Hann": (0.5, 0.5),
        "Hamming": (0.54, 0.46),
        "Blackman": (0.42, 0.5, 0.08),
    }[kind]
    return sum(((-1) ** k * a * np.cos(k * angle) for k, a in enumerate(weights)), np.zeros(length))


# ----------------------------------------------------------------- time against frequency

TONES = (1000.0, 1100.0)  # Hz
CLICKS = (0.700, 0.730)  # s


@lru_cache(maxsize=1)
def tones_and_clicks(seconds: float = 1.0) -> np.ndarray:
    """Two tones 100 Hz apart, then two clicks 30 ms apart: (n,) float32."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    fade = np.clip(np.minimum(t, 0.45 - t) / 0.02, 0, 1)  # 20 ms, so that the tones do not click
    x = sum((0.03 * fade * np.sin(2 * np.pi * f * t) for f in TONES), np.zeros(len(t)))
    for second in CLICKS:
        x[round(second * SAMPLE_RATE)] += 0.9
    return x.astype(np.float32)


def valley(peak: np.ndarray, apart: int) -> float:
    """Depth (dB) of the valley between two equal peaks that lie `apart` samples from each other.

    peak: (n,) power from the top of one peak downwards, zero beyond. 0 dB where they have merged.
    """
    one = np.pad(peak, (0, apart))[: apart + 1]
    both = one + one[::-1]
    return float(10 * np.log10(both[0] / max(both.min(), 1e-6 * both[0])))


def valleys(window_ms: float) -> tuple[float, float]:
    """The valleys between the two tones and between the two clicks under a Hann window, in dB."""
    w = shape("Hann", hann_settings(window_ms).window_length)
    n_fft = 1 << 17
    W = np.abs(np.fft.rfft(w, n_fft))
    tones = valley(W**2, round((TONES[1] - TONES[0]) * n_fft / SAMPLE_RATE))
    clicks = valley(w[len(w) // 2 :] ** 2, round((CLICKS[1] - CLICKS[0]) * SAMPLE_RATE))
    return tones, clicks


def window_view(window_ms: float) -> View:
    """Two tones and two clicks through one window."""
    length = hann_settings(window_ms).window_length
    # FFT longer, hop shorter than the window asks for: a smooth picture of its limits.
    settings = StftSettings(
        n_fft=max(8192, -(-length // 2048) * 2048),
        window_length=length,
        hop=int(np.clip(length // 8, 16, 128)),
        window="hann",
    )
    x = tones_and_clicks()
    fig, ax = plot.figure(height=3.0)
    plot.spectrogram(stft(x, settings), settings, ax=ax, floor_db=-45, top_khz=2)
    ax.set_ylim(0.6, 1.5)
    tones, clicks = valleys(window_ms)

    def verdict(depth: float) -> str:
        return f"{'apart' if depth > 3 else 'merged'}, a valley of {min(depth, 60):.1f} dB"

    text = (
        f"Window {1000 * length / SAMPLE_RATE:.1f} ms, {length} samples. "
        f"Tones 100 Hz apart: {verdict(tones)}. Clicks 30 ms apart: {verdict(clicks)}."
    )
    return View(fig, {"tones and clicks": x}, text)


window_control = Control(
    name="ch2-window",
    title="Time against frequency",
    parameters=(
        Slider(
            "window_ms",
            "Length of the window",
            values=WINDOWS_MS,
            unit="ms",
            live=(3, 372, 1),
            log=True,
        ),
    ),
    start={"window_ms": 12},
    view=window_view,
    caption="Two tones 100 Hz apart, then two clicks 30 ms apart, through Hann windows.",
    question="Which windows show two tones and two clicks? What do you see on either side of it?",
    answer=(
        "23 and 46 ms. Below that, the tones are one band that throbs, since $4/\\ell$ is wider "
        "than the 100 Hz between them; above it, the clicks are one block with lines across it, "
        "since both lie in one window."
    ),
    computed="window",
)


# -------------------------------------------------------------------- main lobe and side lobes


def lobes(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """A window's spectrum, measured: offsets (Hz), levels (dB), main lobe (Hz), side lobe (dB).

    The main lobe is measured from null to null, the side lobe is the highest of all.
    """
    n_fft = 1 << 19
    W = np.abs(np.fft.rfft(w, n_fft))
    level = 20 * np.log10(np.maximum(W / W[0], 1e-8))
    null = int(np.argmax(np.diff(level) > 0))  # the first bin from which it rises again
    step = SAMPLE_RATE / n_fft
    return np.arange(len(W)) * step, level, 2 * null * step, float(level[null:].max())


def shape_view(kind: str, window_ms: float) -> View:
    """One window and its spectrum."""
    w = shape(kind, round(window_ms / 1000 * SAMPLE_RATE))
    offset, level, width, side = lobes(w)
    fig, (left, right) = plot.figure(1, 2, height=2.9, width_ratios=(1, 1.7))
    t = 1000 * (np.arange(len(w)) - len(w) / 2) / SAMPLE_RATE
    edge = 1000 * len(w) / 2 / SAMPLE_RATE
    left.plot([-50, -edge, *t, edge, 50], [0, 0, *w, 0, 0], color=plot.kind_colour("percussive"))
    left.set(xlim=(-30, 30), ylim=(-0.05, 1.1), xlabel="time (ms)", title="the window")
    shown = offset <= 400
    right.plot(
        np.concatenate([-offset[shown][::-1], offset[shown]]),
        np.concatenate([level[shown][::-1], level[shown]]),
        color=plot.kind_colour("harmonic"),
    )
    right.axhline(side, color=plot.kind_colour("mixture"), linewidth=0.8, linestyle="--")
    right.set(xlim=(-400, 400), ylim=(-100, 5), title="what it makes of a pure tone")
    right.set(xlabel="distance from the tone (Hz)", ylabel="level (dB)")
    text = (
        f"{kind} window, {window_ms:g} ms: the main lobe is {width:.0f} Hz wide from null to null, "
        f"the highest side lobe lies {-side:.1f} dB below it."
    )
    return View(fig, text=text)


shape_control = Control(
    name="ch2-shape",
    title="The shape of the window",
    parameters=(
        Choice(
            "kind",
            "Window",
            options={k: k for k in ("rectangular", "Hann", "Hamming", "Blackman")},
        ),
        Slider("window_ms", "Length", values=(12, 23, 46), unit="ms", live=(8, 60, 1)),
    ),
    start={"kind": "Hann", "window_ms": 23},
    view=shape_view,
    caption="A window (left) and the spectrum of a pure tone seen through it (right).",
    question=(
        "What does the main lobe depend on: the shape, the length, or both? And the side lobes?"
    ),
    answer=(
        "The main lobe on both: twice, four times or six times $1/\\ell$, by the shape. The side "
        "lobes on the shape alone: 13, 31, 43 or 58 dB down, at any length."
    ),
)


# ----------------------------------------------------------------------------- how far to move


def keep_largest(X: np.ndarray, share: float) -> np.ndarray:
    """Set all of X (F, T) to zero but the largest `share` (0 to 1) of its values."""
    V = np.abs(X)
    count = max(1, round(share * V.size))
    threshold = np.partition(V.ravel(), V.size - count)[V.size - count]
    return np.where(V >= threshold, X, 0)


def hop_view(hop: int) -> View:
    """Squared windows, their sum, and music of which a fiftieth of the spectrogram was kept."""
    settings = StftSettings(2048, 2048, int(hop), "hann")
    w2 = shape("Hann", 2048) ** 2
    length = 8192
    fig, ax = plot.figure(height=2.5)
    total = np.zeros(length + 4096)  # from 2048 samples before what is shown
    for start in range((length // 2 + 1024) % hop - hop, len(total), hop):
        a, b = max(start, 0), min(start + 2048, len(total))
        if b > a:
            total[a:b] += w2[a - start : b - start]
            t = (np.arange(a, b) - 2048) / SAMPLE_RATE * 1000
            ax.plot(t, w2[a - start : b - start], color=plot.kind_colour("harmonic"), linewidth=0.9)
    inside = total[2048:-2048]
    t = np.arange(length) / SAMPLE_RATE * 1000
    ax.plot(t, inside, color=plot.kind_colour("percussive"), linewidth=2.2)
    ax.set(xlim=(0, t[-1]), ylim=(0, 1.08 * inside.max()), xlabel="time (ms)", ylabel="$w^2$")
    ripple = 10 * np.log10(inside.max() / inside.min())
    x = piece("latin", SECONDS).x
    x = x[: len(x) // hop * hop]  # so that the last window stands on the last sample
    kept = istft(keep_largest(stft(x, settings), 0.02), settings, len(x))
    text = (
        f"Hop {hop} samples, {100 * hop / 2048:.0f} % of the window: the squared windows add up to "
        f"between {inside.min():.2f} and {inside.max():.2f}, {abs(ripple):.1f} dB apart. "
        f"With 2 % of the spectrogram kept, the music comes back at {sdr(x, kept):.1f} dB."
    )
    return View(fig, {"2 % kept": kept, "original": x}, text)


hop_control = Control(
    name="ch2-hop",
    title="How far to move",
    parameters=(
        Slider(
            "hop",
            "Hop",
            values=(128, 256, 384, 512, 683, 1024, 1280, 1536, 1792),
            unit="samples",
            live=(128, 1792, 1),
        ),
    ),
    start={"hop": 512},
    view=hop_view,
    caption=(
        "Squared Hann windows of 2048 samples (thin) and their sum (thick). The sound: music of "
        "whose spectrogram, with this hop, only the largest 2 % were kept."
    ),
    question="At which hop does the sum leave its straight line? At which hop do you hear it?",
    answer=(
        "The sum is straight up to a third of the window (683 samples) and no longer at a half "
        "(1024), where it moves by 3 dB. You hear it later: the score falls from 9.4 to 9.1 dB "
        "there, to 7.4 dB at three quarters, where the flutter is plain."
    ),
)


# --------------------------------------------------------------- a window too short, too long


def keep_view(stem: str, window_ms: float) -> View:
    """What is left of a stem when 2 % of its spectrogram stay."""
    j = 0 if stem == "latin" else 1
    x = piece(stem, SECONDS).sources[j]
    settings = hann_settings(window_ms)
    X = keep_largest(stft(x, settings), 0.02)
    kept = istft(X, settings, len(x))
    fig, ax = plot.figure(height=2.8)
    plot.spectrogram(X, settings, ax=ax, floor_db=-60, top_khz=8, kind=SOURCES[j])
    text = (
        f"{'Latin percussion' if stem == 'latin' else 'Strings'}, window "
        f"{1000 * settings.window_length / SAMPLE_RATE:.0f} ms: the largest 2 % of the spectrogram "
        f"give the sound back at {sdr(x, kept):.1f} dB."
    )
    return View(fig, {"2 % kept": kept, "original": x}, text)


keep_control = Control(
    name="ch2-keep",
    title="Keep a fiftieth",
    parameters=(
        Choice("stem", "Sound", options={"Latin percussion": "latin", "strings": "strings"}),
        Slider(
            "window_ms",
            "Length of the window",
            values=WINDOWS_MS,
            unit="ms",
            live=(3, 372, 1),
            log=True,
        ),
    ),
    start={"stem": "latin", "window_ms": 46},
    view=keep_view,
    caption="The largest 2 % of the values of a spectrogram; all others are set to zero.",
    question="Which window serves the drums best, which the strings? What do you hear at the ends?",
    answer=(
        "By the score, 23 ms for the drums (9.5 dB) and 186 ms for the strings (16.9 dB). At "
        "the short end the strings are rough and grainy; at the long end every stroke of the "
        "drums is announced by a breath before it."
    ),
)
