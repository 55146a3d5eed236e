"""The controls of chapter 1, two kinds of sound."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpss_lib.stft import COMPACT, SAMPLE_RATE, stft
from hpss_lib.views import plot
from hpss_lib.views.controls import Control, Slider, View

RANGE_DB = 60  # what lies further below the loudest bin counts as silence


def anisotropy(x: np.ndarray) -> float:
    """How much a sound's spectrogram changes along frequency rather than along time, in dB.

    x: (n,) float, not silent. Positive where ridges run horizontally, negative where they run
    vertically, near 0 for white noise. Defined and built in chapter 1.
    """
    V = np.abs(stft(x, COMPACT))
    L = 20 * np.log10(np.maximum(V, V.max() * 10 ** (-RANGE_DB / 20)))
    along_frequency = np.sum(np.diff(L, axis=0) ** 2)
    along_time = np.sum(np.diff(L, axis=1) ** 2)
    return float(10 * np.log10(along_frequency / along_time))


def signed(number: float) -> str:
    """A number with one decimal and its sign, as it is set in a text."""
    return f"{number:+.1f}".replace("-", "−")


def leaning(a: float) -> str:
    """Say in words what an anisotropy of `a` dB means."""
    if a > 1:
        return "horizontal ridges prevail"
    return "vertical ridges prevail" if a < -1 else "neither direction prevails"


# ------------------------------------------------------------------- from a click to a tone


def burst(duration: float, *, frequency: float = 1000.0, seconds: float = 1.4) -> np.ndarray:
    """A tone of `frequency` Hz that swells and fades within `duration` seconds, in the middle.

    Returns (n,) float32 of `seconds` seconds with a peak near 0.5.
    """
    n = round(seconds * SAMPLE_RATE)
    t = (np.arange(n) - n / 2) / SAMPLE_RATE
    envelope = np.where(np.abs(t) < duration / 2, np.cos(np.pi * t / duration) ** 2, 0)
    return (0.5 * envelope * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def spread(x: np.ndarray) -> tuple[float, float]:
    """The time (s) and the band (Hz) that hold the middle 90 % of a sound's energy."""

    def middle(energy, step):
        total = np.cumsum(energy) / np.sum(energy)
        return (np.searchsorted(total, 0.95) - np.searchsorted(total, 0.05)) * step

    n_fft = 1 << 18  # finely enough sampled for a band of 2 Hz
    spectrum = np.abs(np.fft.rfft(x.astype(float), n_fft)) ** 2
    return middle(x.astype(float) ** 2, 1 / SAMPLE_RATE), middle(spectrum, SAMPLE_RATE / n_fft)


def picture(x: np.ndarray, *, top_khz: float, kind: str = "mixture") -> Figure:
    """Waveform above spectrogram, up to `top_khz`."""
    fig, (top, bottom) = plot.figure(2, 1, height=3.9, sharex=True, height_ratios=(1, 2.6))
    plot.waveform(x, ax=top, kind=kind)
    limit = 1.05 * np.abs(x).max()
    top.set(ylim=(-limit, limit), xlabel="")
    X = stft(x, COMPACT)
    plot.spectrogram(X, COMPACT, ax=bottom, floor_db=-RANGE_DB, top_khz=top_khz, kind=kind)
    return fig


def burst_view(duration_ms: float) -> View:
    """One burst: how long it lasts, how wide it is."""
    x = burst(duration_ms / 1000)
    seconds, hertz = spread(x)
    a = anisotropy(x)
    text = (
        f"A burst of {duration_ms:g} ms at 1000 Hz: 90 % of its energy lies within "
        f"{1000 * seconds:.2g} ms and within {hertz:.2g} Hz, "
        f"and the product of the two is {seconds * hertz:.2f}. "
        f"Anisotropy {signed(a)} dB: {leaning(a)}."
    )
    return View(picture(x, top_khz=8), {"burst": x}, text)


burst_control = Control(
    name="ch1-burst",
    title="From a click to a tone",
    parameters=(
        Slider(
            "duration_ms",
            "Duration of the burst",
            values=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            unit="ms",
            live=(1, 1000, 1),
            log=True,
        ),
    ),
    start={"duration_ms": 20},
    view=burst_view,
    caption="A burst of a 1000 Hz tone: its waveform, its spectrogram and its sound.",
    question=(
        "Between which two positions do you begin to hear a pitch? "
        "What does the patch in the spectrogram look like there?"
    ),
    answer=(
        "By 1 ms it is a click, by 10 ms a click with a hint of pitch, by 20 to 50 ms a note; "
        "ears differ. In the picture the upright stroke has become a short level one; the "
        'number leaves "vertical" between 50 and 100 ms. The product of the two spreads hardly '
        "moves, between 0.7 and 0.9: what you win in one you pay in the other."
    ),
)


# ---------------------------------------------------------------------- from a tom to a snare


def drum_hit(noise: float, ring: float, *, seconds: float = 1.5, seed: int = 1) -> np.ndarray:
    """A made-up drum: the modes of a membrane and noise, dying away together.

    noise: share of the energy that is noise, 0 to 1; ring: seconds until it is 60 dB down.
    Returns (n,) float32 with a peak of 0.5; it is struck at 0.2 s.
    """
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE - 0.2
    modes = (1, 1.59, 2.14, 2.30, 2.65, 2.92)  # of an ideal circular membrane
    skin = sum(np.sin(2 * np.pi * 200 * m * t) / m**2 for m in modes)
    wires = np.random.default_rng(seed).standard_normal(len(t))
    envelope = np.where(t >= 0, 10 ** (-3 * np.maximum(t, 0) / ring), 0)

    def unit(s):
        return s * envelope / np.sqrt(np.sum((s * envelope) ** 2))

    x = np.sqrt(1 - noise) * unit(skin) + np.sqrt(noise) * unit(wires)
    return (0.5 * x / np.abs(x).max()).astype(np.float32)


def drum_view(noise_percent: float, ring_ms: float) -> View:
    """One drum, between tom and snare, damped or ringing."""
    x = drum_hit(noise_percent / 100, ring_ms / 1000)
    a = anisotropy(x)
    text = (
        f"A drum with {noise_percent:g} % of its energy in noise that dies away in "
        f"{ring_ms:g} ms: anisotropy {signed(a)} dB, {leaning(a)}."
    )
    return View(picture(x, top_khz=4), {"drum": x}, text)


drum_control = Control(
    name="ch1-drum",
    title="Build a drum",
    parameters=(
        Slider(
            "noise_percent",
            "Share of noise",
            values=(0, 10, 25, 50, 100),
            unit="%",
            live=(0, 100, 1),
        ),
        Slider(
            "ring_ms",
            "Time to die away",
            values=(100, 300, 1000),
            unit="ms",
            live=(50, 1200, 10),
        ),
    ),
    start={"noise_percent": 25, "ring_ms": 300},
    view=drum_view,
    caption="A drum made of the modes of a membrane (horizontal) and of noise, struck at 0.2 s.",
    question="Which of these sounds would you no longer call a drum? Does the number agree?",
    answer=(
        "Your ears decide. What is all membrane and rings for a second is rather a low bell or a "
        'timpano, and there alone the number says "horizontal" (+4 dB). A tenth '
        'of noise is enough to bring it back to "neither". At 100 % noise and 1 s it is a hiss '
        "that fades, for the ear perhaps no drum; the number calls it vertical."
    ),
)


# ------------------------------------------------------------------------------------ vibrato


def vibrato_tone(
    cents: float, *, frequency: float = 440.0, rate: float = 5.5, seconds: float = 2.0
) -> np.ndarray:
    """Twelve harmonics of a pitch that swings by `cents` up and down, `rate` times a second.

    Returns (n,) float32 with a peak of 0.5.
    """
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = frequency * 2 ** (cents / 1200 * np.sin(2 * np.pi * rate * t))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    x = sum(np.sin(k * phase) / k for k in range(1, 13)) * np.minimum(1, 20 * np.minimum(t, 2 - t))
    return (0.5 * x / np.abs(x).max()).astype(np.float32)


def vibrato_view(cents: float) -> View:
    """One held note, steady or swinging."""
    x = vibrato_tone(cents)
    a = anisotropy(x)
    text = (
        f"A held A with a vibrato of {cents:g} cents to either side: "
        f"anisotropy {signed(a)} dB, {leaning(a)}."
    )
    return View(picture(x, top_khz=6), {"note": x}, text)


vibrato_control = Control(
    name="ch1-vibrato",
    title="A tone that will not hold still",
    parameters=(
        Slider(
            "cents",
            "Vibrato, to either side",
            values=(0, 5, 10, 20, 35, 50, 75, 100, 150, 200),
            unit="cents",
            live=(0, 200, 1),
        ),
    ),
    start={"cents": 50},
    view=vibrato_view,
    caption="A held note with twelve harmonics and vibrato; 100 cents are a semitone.",
    question="At which depth does the number change its sign? Do your ears change their mind?",
    answer=(
        "Between 50 cents (+0.9 dB) and 75 cents (−1.9 dB). The ear does not change its mind: "
        "200 cents are a siren, and still a tone. The number looks at how the ridges run, and a "
        "line that bends steeply stands."
    ),
)
