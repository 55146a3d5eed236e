"""The controls of chapter 7, the phase of a sinusoid."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hpss_lib.sinusoids import (
    instantaneous_frequency,
    interpolate_peaks,
    pick_peaks,
    propagate,
)
from hpss_lib.stft import SAMPLE_RATE, SETTINGS, StftSettings, analysis_window, istft, stft
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View

N_FFT = 4096  # of the two controls with a single tone, as in the published settings


def frequencies(V: np.ndarray) -> np.ndarray:
    """The instantaneous frequency of every bin of every frame, in bins: (F, T) -> (F, T)."""
    return np.stack([instantaneous_frequency(v) for v in V.T], axis=1)


def propagated(V: np.ndarray, start: np.ndarray, settings: StftSettings) -> np.ndarray:
    """Magnitudes V (F, T) with phases calculated from the first frame's, start (F,): complex64."""
    f, phase = frequencies(V), np.empty(V.shape)
    phase[:, 0] = start
    for t in range(1, V.shape[1]):
        phase[:, t] = propagate(phase[:, t - 1], f[:, t], settings)
    return (V * np.exp(1j * phase)).astype(np.complex64)


def one_hop_errors(X: np.ndarray, settings: StftSettings) -> np.ndarray:
    """By how much each frame's phase misses its prediction from the one before.

    X: (F, T) complex. Returns (F, T - 1) radians, between -pi and pi.
    """
    predicted = propagate(np.angle(X[:, :-1]), frequencies(np.abs(X[:, 1:])), settings)
    return np.angle(X[:, 1:] * np.exp(-1j * predicted))


def wrap(angle: np.ndarray) -> np.ndarray:
    """Angles in radians, brought between -pi and pi by whole turns."""
    return np.angle(np.exp(1j * angle))


# -------------------------------------------------------------------------------- one tone's phase


class Tone(NamedTuple):
    """The phase of a steady tone in its nearest bin, measured and predicted twice.

    Attributes
    ----------
    bin, truth, peak
        The nearest bin, the frequency and the interpolated frequency, in bins.
    measured, by_peak, by_bin : (T,) radians
        Predicted from `peak` and from the bin's centre.
    """

    bin: int
    truth: float
    peak: float
    measured: np.ndarray
    by_peak: np.ndarray
    by_bin: np.ndarray


def tone(hertz: float, hop: int, window: int) -> Tone:
    """A second of a steady tone, of which each frame is whole, predicted from its first frame."""
    settings = StftSettings(N_FFT, window, hop, "hamming")
    n = np.arange(SAMPLE_RATE + N_FFT + 2 * hop)
    X = stft(np.cos(2 * np.pi * hertz / SAMPLE_RATE * n), settings)
    first, last = -(-N_FFT // 2 // hop), (len(n) - N_FFT // 2) // hop
    X = X[:, first : last + 1]
    truth = hertz * N_FFT / SAMPLE_RATE
    k = round(truth)
    peak = instantaneous_frequency(np.abs(X[:, X.shape[1] // 2]))[k]
    measured = np.angle(X[k])
    turns = 2 * np.pi * hop / N_FFT * np.arange(len(measured))
    return Tone(k, truth, peak, measured, measured[0] + turns * peak, measured[0] + turns * k)


def tone_view(hertz: float, hop: int, window: int) -> View:
    """The phase of a steady tone from frame to frame, against two predictions."""
    t = tone(hertz, hop, window)
    ms = 1000 * hop / SAMPLE_RATE * np.arange(len(t.measured))
    ink = {kind: plot.kind_colour(kind) for kind in ("percussive", "harmonic", "mixture")}
    circle = {"color": ink["harmonic"], "fillstyle": "none"}
    fig, (left, right) = plot.figure(1, 2, height=2.9)
    with plot.style():
        shown = ms <= 240
        left.plot(ms[shown], wrap(t.by_bin)[shown], "x", color=ink["percussive"])
        left.plot(ms[shown], wrap(t.by_peak)[shown], "o", markersize=9, **circle)
        left.plot(ms[shown], t.measured[shown], ".", color=ink["mixture"], markersize=7)
        left.set(ylim=(-np.pi - 0.3, np.pi + 0.3), xlim=(-8, 248), xlabel="time (ms)")
        left.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
        left.set_title(f"phase of bin {t.bin}, wrapped")
        off = {"bin": wrap(t.by_bin - t.measured), "peak": wrap(t.by_peak - t.measured)}
        right.plot(ms, np.rad2deg(off["bin"]), "x", color=ink["percussive"], ms=4)
        right.plot(ms, np.rad2deg(off["peak"]), color=ink["harmonic"])
        right.set(ylim=(-190, 190), yticks=(-180, -90, 0, 90, 180), xlabel="time (ms)")
        right.set_title("off by (degrees)")
        right.plot([], [], ".", color=ink["mixture"], label="measured")
        right.plot([], [], "o", label="interpolated $f$", **circle)
        right.plot([], [], "x", color=ink["percussive"], label="the bin's centre")
        fig.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    missed, from_centre = abs(t.peak - t.truth), abs(t.bin - t.truth)
    degrees = 360 * SAMPLE_RATE / N_FFT  # a second later, for each bin of error
    text = (
        f"{hertz:g} Hz is bin {t.truth:.2f}: {hop / N_FFT * t.truth:.2f} turns a hop. The peak "
        f"says {t.peak:.3f}, an error of {missed:.4f} bin; a second later the phase is off by "
        f"{degrees * missed:.0f}°. The bin's centre is off by {from_centre:.2f} bin, which makes "
        f"{degrees * from_centre:,.0f}°."
    )
    return View(fig, text=text)


tone_control = Control(
    name="ch7-tone",
    title="One tone, frame after frame",
    parameters=(
        Slider(
            "hertz", "Frequency", values=(430.0, 434.0, 440.0), unit="Hz", live=(400.0, 480.0, 0.5)
        ),
        Slider("hop", "Hop", values=(384, 1024, 2048), unit="samples", live=(64, 2048, 64)),
        Slider("window", "Window", values=(1025, 2049, 4096), unit="samples", live=(800, 4096, 1)),
    ),
    start={"hertz": 440.0, "hop": 1024, "window": 4096},
    view=tone_view,
    caption=(
        "A steady tone, analysed with an FFT of 4,096 samples. Left: its measured phase in the "
        "nearest bin (dots) and two predictions from the first frame alone, one with the "
        "frequency of the interpolated peak (circles), one with the frequency of the bin's centre "
        "(crosses). Right: how far each of them is off."
    ),
    question=(
        "Which of the three changes how fast the interpolated prediction drifts away within a "
        "second? For which frequency is the bin's centre nearly good enough, and for how long?"
    ),
    answer=(
        "The window, above all: filled up with zeros, a short one brings the error of the "
        "frequency from 0.01 bin to 0.0004, and the drift after a second from 40° to 2°. The "
        "hop does not change it: drift is error times time. The frequency matters by its place "
        "between two bins: at 430 Hz, 0.06 bin off, the centre is best, and even there it is "
        "wrong by 239° within a second, so good for a few frames."
    ),
    computed="tone",
)


# ----------------------------------------------------------------------- the top of the parabola

WINDOWS = {"setting 1": SETTINGS["1"], "setting 2": SETTINGS["2"], "compact": SETTINGS["compact"]}


def tone_frame(bin: float, settings: StftSettings) -> np.ndarray:
    """The magnitudes (F,) of one frame of a steady tone at a frequency in bins."""
    n = np.arange(2 * settings.n_fft)
    X = stft(np.cos(2 * np.pi * bin / settings.n_fft * n + 1), settings)
    return np.abs(X[:, settings.n_fft // settings.hop])


@lru_cache(maxsize=4)
def bias_curve(setting: str) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of a tone from its bin, and the error of the interpolated frequency, in bins."""
    offsets = np.linspace(-0.5, 0.5, 41)[1:-1]  # halfway, two bins are equal: either is the peak
    frames = [tone_frame(300 + d, WINDOWS[setting]) for d in offsets]
    errors = [
        instantaneous_frequency(v)[300] - 300 - d for v, d in zip(frames, offsets, strict=True)
    ]
    return offsets, np.array(errors)


def peak_view(offset: float, setting: str) -> View:
    """Three log magnitudes, the parabola through them, and where its top lies."""
    truth = 300 + offset
    v = tone_frame(truth, WINDOWS[setting])
    peaks = pick_peaks(v)
    peak = int(peaks[np.argmin(np.abs(peaks - truth))])
    top = float(interpolate_peaks(v, np.array([peak]))[0])
    decibel = 20 * np.log10(np.maximum(v / v.max(), 1e-9))
    y = decibel[peak - 1 : peak + 2]
    bend, slope = (y[0] + y[2]) / 2 - y[1], (y[2] - y[0]) / 2
    grid = np.linspace(-1.6, 1.6, 200)
    fig, (left, right) = plot.figure(1, 2, height=2.8, width_ratios=(1.25, 1))
    near = np.arange(peak - 3, peak + 4)
    fine = np.linspace(297, 303, 241)
    with plot.style():
        ink = plot.kind_colour("harmonic")
        left.axvline(truth, color=plot.kind_colour("percussive"), linewidth=1.2, linestyle=":")
        left.plot(fine, lobe(fine - truth, setting), color="#8b919c", linewidth=1)
        left.plot(peak + grid, y[1] + slope * grid + bend * grid**2, color=ink)
        left.plot(near, decibel[near], "o", color=plot.kind_colour("mixture"), markersize=5)
        left.plot([peak - 1, peak, peak + 1], y, "o", color=ink, markersize=8)
        left.set(xlim=(297, 303), ylim=(-42, 4), xlabel="bin", ylabel="level (dB)")
        offsets, errors = bias_curve(setting)
        right.plot(offsets, 1000 * errors, color=ink)
        right.plot([offset], [1000 * (top - truth)], "o", color=ink, markersize=8)
        right.set(xlim=(-0.52, 0.52), ylim=(-19, 19), xlabel="true offset (bins)")
        right.set_title("error (thousandths of a bin)")
    text = (
        f"The tone lies at bin {truth:.2f}, the largest value at {peak}, the parabola's top at "
        f"{top:.3f}: an error of {abs(top - truth):.4f} bin, or "
        f"{abs(top - truth) * SAMPLE_RATE / WINDOWS[setting].n_fft:.3f} Hz."
    )
    return View(fig, text=text)


@lru_cache(maxsize=4)
def _lobe_table(setting: str) -> tuple[np.ndarray, np.ndarray]:
    """The window's own transform: positions in bins, level in dB."""
    settings = WINDOWS[setting]
    size = 32 * settings.n_fft
    v = np.abs(np.fft.rfft(analysis_window(settings), size))[: 32 * 8]
    return np.arange(len(v)) / 32, 20 * np.log10(np.maximum(v / v[0], 1e-9))


def lobe(distance: np.ndarray, setting: str) -> np.ndarray:
    """The level in dB of a tone at a distance in bins from its frequency, 0 at the tone itself."""
    return np.interp(np.abs(distance), *_lobe_table(setting))


peak_control = Control(
    name="ch7-peak",
    title="The top between the bins",
    parameters=(
        Slider(
            "offset",
            "The tone's distance from bin 300",
            values=(-0.45, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.45),
            unit="bins",
            live=(-0.49, 0.49, 0.01),
        ),
        Choice("setting", "Setting", options={name: name for name in ("setting 1", "setting 2")}),
    ),
    start={"offset": 0.3, "setting": "setting 2"},
    view=peak_view,
    caption=(
        "Left: the magnitudes of a tone in the bins (dots), the window's lobe on which they lie "
        "(grey), and the parabola through the three largest; the dotted line is the truth. Right: "
        "the error at every position of the tone."
    ),
    question=(
        "At which positions is the parabola exact, and why there? Why is setting 1 so much better "
        "than setting 2, although its window is shorter?"
    ),
    answer=(
        "At the bin and halfway between two bins, by symmetry. Setting 1 fills its frame up "
        "with zeros, so that the lobe is twice as many bins wide and the three points lie twice "
        "as close to its top, where every lobe is nearly a parabola: 0.003 instead of 0.016 "
        "bin."
    ),
)


# ---------------------------------------------------------------------------------------- vibrato

PITCH, PARTIALS, RATE, LENGTH = 440.0, 8, 5.5, 1.6  # Hz, -, Hz, seconds


@lru_cache(maxsize=40)
def vibrato(cents: float) -> tuple[np.ndarray, np.ndarray]:
    """A sung-like tone with vibrato: samples (n,) float32 and the pitch in Hz at each (n,)."""
    time = np.arange(round(LENGTH * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = PITCH * 2 ** (cents / 1200 * np.sin(2 * np.pi * RATE * time))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    x = sum(np.cos(k * phase) / k for k in range(1, PARTIALS + 1))
    fade = np.clip(np.minimum(time, LENGTH - time) / 0.05, 0, 1)
    return (0.25 * fade * x).astype(np.float32), pitch


class Followed(NamedTuple):
    """How the sixth partial of a vibrato was followed, frame by frame, and what it sounds like.

    Attributes
    ----------
    seconds, true, used
        (T,) times in s, the partial's frequency and the one from the peaks in Hz.
    missed : (T - 1,) radians
        By which a phase misses its prediction from the frame before.
    inside : (T - 1,) bool
        The frames away from both ends.
    good
        The share of the energy inside that is predicted within 45 degrees.
    sound : (n,)
        Of the true magnitudes with phases calculated from the first frame on.
    """

    seconds: np.ndarray
    true: np.ndarray
    used: np.ndarray
    missed: np.ndarray
    inside: np.ndarray
    good: float
    sound: np.ndarray


@lru_cache(maxsize=40)
def followed(cents: float, setting: str) -> Followed:
    """Follow a tone with a vibrato of so many cents."""
    settings, partial = WINDOWS[setting], 6
    x, pitch = vibrato(cents)
    X = stft(x, settings)
    at = np.arange(X.shape[1])
    times = at * settings.hop
    true = partial * pitch[np.minimum(times, len(pitch) - 1)]
    k = np.round(true * settings.n_fft / SAMPLE_RATE).astype(int)
    used = frequencies(np.abs(X))[k, at] * SAMPLE_RATE / settings.n_fft
    errors = one_hop_errors(X, settings)
    y = istft(propagated(np.abs(X), np.angle(X[:, 0]), settings), settings, len(x))
    energy = np.abs(X[:, 1:]) ** 2
    inside = (times[1:] > 0.1 * SAMPLE_RATE) & (times[1:] < len(x) - 0.1 * SAMPLE_RATE)
    good = np.sum(energy[:, inside] * (np.abs(errors[:, inside]) < np.pi / 4))
    good /= energy[:, inside].sum()
    return Followed(times / SAMPLE_RATE, true, used, errors[k[1:], at[:-1]], inside, good, y)


def vibrato_view(cents: float, setting: str) -> View:
    """How a prediction follows a tone with vibrato."""
    f = followed(cents, setting)
    fig, (left, right) = plot.figure(1, 2, height=2.8)
    with plot.style():
        left.plot(f.seconds, f.true, ":", color=plot.kind_colour("mixture"), label="true")
        left.plot(f.seconds, f.used, color=plot.kind_colour("harmonic"), label="from the peaks")
        left.set(xlim=(0.1, LENGTH - 0.1), ylim=(2460, 2820), xlabel="time (s)")
        left.set_title("sixth partial (Hz)")
        left.legend(loc="upper right", ncols=2)
        right.plot(f.seconds[1:], np.rad2deg(f.missed), ".", color=plot.kind_colour("percussive"))
        right.set(xlim=(0.1, LENGTH - 0.1), ylim=(-190, 190), yticks=(-180, -90, 0, 90, 180))
        right.set(xlabel="time (s)")
        right.set_title("phase missed in one hop (degrees)")
    hertz = np.abs(f.used - f.true)[1:][f.inside].max()
    text = (
        f"Vibrato of {cents:g} cents to either side, {setting}: in the sixth partial the frequency "
        f"is off by {hertz * WINDOWS[setting].n_fft / SAMPLE_RATE:.2f} bins at worst; "
        f"{100 * f.good:.0f} % of the sound's energy lies in "
        "bins whose phase is predicted from one frame to the next within 45 degrees."
    )
    return View(fig, {"tone": vibrato(cents)[0], "calculated": f.sound}, text)


vibrato_control = Control(
    name="ch7-vibrato",
    title="Vibrato",
    parameters=(
        Slider(
            "cents",
            "Depth",
            values=(0.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0),
            unit="cents",
            live=(0.0, 100.0, 1.0),
        ),
        Choice("setting", "Setting", options={name: name for name in ("setting 1", "setting 2")}),
    ),
    start={"cents": 30.0, "setting": "setting 2"},
    view=vibrato_view,
    caption=(
        "A tone of eight partials whose pitch swings 5.5 times a second. Its sound is also heard "
        "with the true magnitudes and phases that were calculated from the first frame on."
    ),
    question=(
        "From which depth on does the prediction fail in setting 2? In setting 1? What do the two "
        "sound like when it has failed?"
    ),
    answer=(
        "In setting 2 from about 20 cents on (94 % of the energy are predicted, 78 % at 50 "
        "cents); in setting 1 hardly at all up to 100 cents (still 94 %). When it has failed, "
        "the note grows rough and hollow, as if several played it."
    ),
)


# ----------------------------------------------------------------------- the table of what fails

CENTRE = 3000.0  # Hz: about where the moving tones stand


def neighbour_errors(
    settings: StftSettings, stronger_db: float, *, trials: int, seed: int
) -> np.ndarray:
    """Errors of a tone's frequency in bins, beside a stronger one beyond its lobe: (trials,)."""
    rng = np.random.default_rng(seed)
    width = 4 * settings.n_fft / settings.window_length  # of the main lobe
    n, errors = np.arange(2 * settings.n_fft), []
    for _ in range(trials):
        k = rng.uniform(3 * width, settings.bins - 3 * width)
        other = k + rng.choice([-1, 1]) * width * rng.uniform(1.0, 1.6)
        weights = 10 ** (-stronger_db / 20), 1.0
        x = np.zeros(len(n))
        for a, b in zip(weights, (k, other), strict=True):
            x += a * np.cos(2 * np.pi * b / settings.n_fft * n + rng.uniform(0, 2 * np.pi))
        v = np.abs(stft(x, settings)[:, settings.n_fft // settings.hop])
        errors.append(instantaneous_frequency(v)[round(k)] - k)
    return np.abs(errors)


def moving_errors(
    settings: StftSettings, hertz: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A tone that moves: errors of its frequency in bins, and of its phase in one hop, in radians.

    hertz: function from seconds to the tone's frequency in Hz; a second and a half is analysed.
    """
    time = np.arange(round(1.5 * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = hertz(time)
    X = stft(np.cos(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE), settings)
    at = np.arange(X.shape[1])
    whole = (at * settings.hop > 2 * settings.n_fft) & (at * settings.hop < len(time) - 4096)
    truth = pitch[np.minimum(at * settings.hop, len(time) - 1)] * settings.n_fft / SAMPLE_RATE
    k = np.round(truth).astype(int)
    off = np.abs(frequencies(np.abs(X))[k, at] - truth)
    missed = np.abs(one_hop_errors(X, settings)[k[1:], at[1:] - 1])
    return off[whole], missed[whole[1:]]


MOVING = {
    "steady": lambda t: np.full(len(t), CENTRE + 3.3),
    "chirp, 300 Hz/s": lambda t: CENTRE + 300 * (t - 0.75),
    "chirp, 3000 Hz/s": lambda t: CENTRE + 3000 * (t - 0.75),
    "vibrato, 10 cents": lambda t: CENTRE * 2 ** (10 / 1200 * np.sin(2 * np.pi * 5.5 * t)),
    "vibrato, 50 cents": lambda t: CENTRE * 2 ** (50 / 1200 * np.sin(2 * np.pi * 5.5 * t)),
}
