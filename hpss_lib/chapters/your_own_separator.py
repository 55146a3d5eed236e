"""The controls of chapter 10, your own separator, and what makes a song of any length of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from hpss_lib import audio, measures, median, subtraction
from hpss_lib.chapters.pieces import piece
from hpss_lib.separation import separate
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, overlapped_window, stft
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View
from hpss_lib.views.live_song import Progress, Separator

STEP = 100 * COMPACT.hop  # samples: the network's sequences begin at multiples of it
PIECE = 10 * STEP  # samples of a song that are worked on at once, 11.6 s

Parts = tuple[np.ndarray, np.ndarray]


def difference_db(theirs: np.ndarray, mine: np.ndarray) -> float:
    """The energy of what two signals (n,) differ by, in dB of the first one's; -inf where none."""
    error, whole = (float(np.sum(np.square(s, dtype=float))) for s in (theirs - mine, theirs))
    return 10 * math.log10(error / whole) if error else -math.inf


def without_rumble(x: np.ndarray) -> np.ndarray:
    """A signal (n,) at 44.1 kHz without an offset and what lies below hearing."""
    return np.concatenate(list(audio.without_rumble([x[:, None]], SAMPLE_RATE)))[:, 0]


# ---------------------------------------------------------------------------- a song, in pieces


def in_pieces(
    separate: Callable[[np.ndarray], Parts],
    x: np.ndarray,
    *,
    piece: int = PIECE,
    margin: int = STEP,
    progress: Callable[[float], object] | None = None,
) -> Parts:
    """Separate a signal piece by piece, each with a margin on either side that is then cut off.

    Parameters
    ----------
    separate
        From a signal (n,) to its two parts.
    x
        (n,), of any length.
    piece, margin
        In samples; multiples of STEP for a network.
    progress
        Called with the seconds done since the last call.

    Returns
    -------
    s_p, s_h : (n,)
    """
    s_p, s_h = np.empty((2, len(x)))
    for start in range(0, len(x), piece):
        end, first = min(start + piece, len(x)), max(0, start - margin)
        p, h = separate(x[first : end + margin])
        s_p[start:end], s_h[start:end] = (s[start - first : end - first] for s in (p, h))
        if progress is not None:
            progress((end - start) / SAMPLE_RATE)
    return s_p, s_h


def of_a_song(own: Mapping[str, Callable[[np.ndarray], Parts]]) -> dict[str, Separator]:
    """The reader's separators, each from (n,) to two parts, for a song of any rate and channels.

    Returns by label what `views.live_song.show` takes.
    """
    return {
        label: Separator(_of_channels(separate), ("mixture",)) for label, separate in own.items()
    }


def _of_channels(separate: Callable[[np.ndarray], Parts]) -> Callable[..., Parts]:
    def whole(x: np.ndarray, rate: int, phase: str, progress: Progress) -> Parts:
        """Of two channels the middle and the side, as the library does; of others each."""
        y = audio.resample(x.astype(float), rate, SAMPLE_RATE)
        turn = np.array([[1, 1], [1, -1]]) / 2 if x.shape[1] == 2 else np.eye(x.shape[1])
        signals = (y @ turn).T
        parts = [
            in_pieces(separate, s, progress=lambda done: progress(done / len(signals)))[0]
            for s in signals
        ]
        s_p = np.stack(parts, axis=1) @ np.linalg.inv(turn)
        s_p = audio.fit(audio.resample(s_p, SAMPLE_RATE, rate), len(x)).astype(np.float32)
        return s_p, x - s_p

    return whole


# ---------------------------------------------------------------------------- one mistake at a time

EXCERPT = ("rock", 4.0, 8.0)  # name, seconds, start


def _symmetric(x: np.ndarray) -> np.ndarray:
    """The STFT with a window that is not periodic."""
    padded = np.pad(x, COMPACT.n_fft // 2)
    starts = range(0, len(x) + 1, COMPACT.hop)
    frames = np.stack([padded[a : a + COMPACT.n_fft] for a in starts])
    X = np.fft.rfft(frames * np.hanning(COMPACT.n_fft), axis=1).T
    return (X / math.sqrt(COMPACT.n_fft)).astype(np.complex64)


def _estimate(V: np.ndarray) -> np.ndarray:
    from hpss_lib.madtwinnet import estimate, load_model

    return estimate(load_model(), np.ascontiguousarray(V, np.float32))


def _by_network(
    analyse=lambda x: stft(x, COMPACT),
    estimate=_estimate,
    phases=subtraction.apply_phase,
    synthesise=lambda X, n: istft(X, COMPACT, n),
) -> np.ndarray:
    """The drums by the network, with any one link of the chain replaced."""
    x = piece(*EXCERPT).x
    X = analyse(x)
    S_p = phases(estimate(np.abs(X)), X).astype(np.complex64)
    return synthesise(S_p, len(x)).astype(np.float32)


_ROOT = math.sqrt(COMPACT.n_fft)
MISTAKES: dict[str, Callable[[], np.ndarray]] = {
    "none": _by_network,
    "stft: the window is symmetric": lambda: _by_network(analyse=_symmetric),
    "stft and istft: no square root of N": lambda: _by_network(
        analyse=lambda x: stft(x, COMPACT) * _ROOT,
        synthesise=lambda X, n: istft(X / _ROOT, COMPACT, n),
    ),
    "istft: not divided by the windows": lambda: _by_network(
        synthesise=lambda X, n: istft(X, COMPACT, n) * overlapped_window(COMPACT, n)
    ),
    "estimate: the level is not brought back": lambda: _by_network(
        estimate=lambda V: _estimate(V) * 0.08 / np.sqrt(np.mean(V**2))
    ),
    "estimate: one frame late": lambda: _by_network(estimate=lambda V: np.roll(_estimate(V), 1, 1)),
    "estimate: one bin too high": lambda: _by_network(
        estimate=lambda V: np.roll(_estimate(V), 1, 0)
    ),
    "subtract: the phase is dropped": lambda: _by_network(phases=lambda V_p, X: V_p + 0j),
    "subtract: the phase is conjugated": lambda: _by_network(
        phases=lambda V_p, X: subtraction.apply_phase(V_p, X.conj())
    ),
}


@lru_cache(maxsize=1)
def _with_mistakes() -> dict[str, np.ndarray]:
    return {name: make() for name, make in MISTAKES.items()}


def mistake_view(mistake: str) -> View:
    """The drums by a chain with one mistake in it; beside it the scores of all others."""
    x_p, found = piece(*EXCERPT).x_p, _with_mistakes()
    scores = {name: measures.sdr(x_p, s) for name, s in found.items()}
    fig, ax = plot.figure(height=3.1)
    low = -10.0
    with plot.style():
        for k, (name, score) in enumerate(scores.items()):
            ink = plot.kind_colour("percussive" if name == mistake else "mixture")
            ax.barh(k, max(score, low) - low, left=low, height=0.62, color=ink)
            text = f"{score:z.1f}".replace("-", "−")
            ax.annotate(text, (max(score, low), k), (4, 0), textcoords="offset points", va="center")
        ax.set_yticks(range(len(scores)), list(scores))
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set(xlim=(low, 14), xlabel="SDR of the drums (dB)")
    away = difference_db(found["none"], found[mistake])
    words = (
        "no mistake" if mistake == "none" else f"{_level(away)} from the drums without the mistake"
    )
    text = f"{mistake[0].upper()}{mistake[1:]}: SDR {scores[mistake]:z.1f} dB, {words}."
    sounds = {"drums, with the mistake": found[mistake], "drums, without": found["none"]}
    return View(fig, sounds, text.replace(" -", " −"))


def _level(db: float) -> str:
    return f"{db:z.0f} dB" if db > -120 else "−120 dB or less"


mistake_control = Control(
    name="ch10-mistake",
    title="One link wrong",
    parameters=(Choice("mistake", "Mistake", options={name: name for name in MISTAKES}),),
    start={"mistake": "none"},
    view=mistake_view,
    caption=(
        "The drums of the rock band by the network, from a chain in which one link is wrong, and "
        "its SDR beside that of all others. The distance is the energy of what differs from the "
        "drums without the mistake, in dB of theirs."
    ),
    question=(
        "Before you move it: which two of these mistakes cannot be heard at all, and which of the "
        "two does not even a number tell? What do you expect of a phase that is dropped?"
    ),
    answer=(
        "The symmetric window is some 70 dB away: measured, and never heard. Without the root of "
        "$N$ in *both* transforms nothing changes, since the network brings every sequence to one "
        "level, and the two undo each other. A dropped phase makes a buzz at the rate of the "
        "frames, 86 Hz: all sinusoids of a frame meet at its beginning."
    ),
)


def colleague() -> dict[str, np.ndarray]:
    """What each link of a chain gives in which one is wrong: X, V_p, S_p, s_p. An exercise."""
    x = without_rumble(piece(*EXCERPT).x)
    X = stft(x, COMPACT)
    V_p = np.roll(_estimate(np.abs(X)), 2, 1)
    S_p = subtraction.apply_phase(V_p, X)
    return {"X": X, "V_p": V_p, "S_p": S_p, "s_p": istft(S_p, COMPACT, len(x))}


# ------------------------------------------------------------------------------------ the margin

MARGIN = 18  # frames: from here on nothing is wrong (a test finds it)
MARGINS = (0, 1, 2, 4, 8, 12, 16, 18, 20)  # frames
CUT = 40 * COMPACT.hop  # samples of each piece
_QUIET = -150.0  # dB: below, rounding


def by_medians(x: np.ndarray) -> Parts:
    """Two medians and a mask, by the library's functions: both parts (n,) in double precision."""
    X = stft(np.asarray(x, float), COMPACT)
    M_p, _ = median.masks(
        median.percussive_enhanced(np.abs(X), 31), median.harmonic_enhanced(np.abs(X), 31)
    )
    s_p = istft(M_p * X, COMPACT, len(x))
    return s_p, x - s_p


@lru_cache(maxsize=1)
def _whole() -> np.ndarray:
    return by_medians(piece(*EXCERPT).x)[0]


@lru_cache(maxsize=32)
def of_margin(frames: int) -> np.ndarray:
    """What pieces with such a margin make wrong, (n,): the drums in pieces less the drums whole."""
    x = piece(*EXCERPT).x.astype(float)
    return in_pieces(by_medians, x, piece=CUT, margin=frames * COMPACT.hop)[0] - _whole()


def margin_view(frames: float) -> View:
    """The error over time, with the seams marked."""
    frames = round(frames)
    error, whole = of_margin(frames), _whole()
    fig, ax = plot.figure(height=2.4)
    hop, power = COMPACT.hop, float(np.mean(whole**2))
    n = len(error) // hop
    level = np.mean(error[: n * hop].reshape(n, hop) ** 2, axis=1) / power
    with plot.style():
        t = (np.arange(n) + 0.5) * hop / SAMPLE_RATE
        db = 10 * np.log10(np.maximum(level, 10 ** (_QUIET / 10)))
        ax.plot(t, db, color=plot.kind_colour("percussive"), drawstyle="steps-mid")
        for seam in range(CUT, len(error), CUT):
            ax.axvline(seam / SAMPLE_RATE, color="#8b919c", linewidth=0.8, linestyle=":")
        ax.set(xlabel="time (s); dotted: the seams", ylim=(_QUIET, 10), xlim=(0, t[-1]))
        ax.set_title("error (dB of the drums)")
    away = difference_db(whole, whole + error)
    ms = 1000 * frames * hop / SAMPLE_RATE
    text = (
        f"A margin of {frames} frames ({ms:.0f} ms): the pieces are {_level(away)} from the whole."
    )
    sounds = {"drums, in pieces": whole + error, "what is wrong, 20 dB louder": 10 * error}
    sounds = {label: s.astype(np.float32) for label, s in sounds.items()}
    return View(fig, sounds, text.replace(" -", " −"))


margin_control = Control(
    name="ch10-margin",
    title="How much must a piece know of its neighbours?",
    parameters=(Slider("frames", "Margin", values=MARGINS, unit="frames", live=(0, 24, 1)),),
    start={"frames": 4},
    view=margin_view,
    caption=(
        "Four seconds of the rock band, separated by two medians in pieces of 40 frames (0.46 s), "
        "each with a margin on both sides that is cut off afterwards; against the same in one go. "
        "The line ends at −150 dB, which is rounding."
    ),
    question=(
        "The median looks 15 frames to either side. Predict: from which margin on are the pieces "
        "exact? Then find it."
    ),
    answer=(
        "Not from 15. A frame at the margin's end hears silence where the song goes on, as far as "
        "its window reaches: 2 frames; and a sample is the sum of frames that reach as far again. "
        f"So 15 + 2 + 2 frames at most; found here: {MARGIN}, for the outermost frames touch the "
        "cut with the window's zero."
    ),
)


@lru_cache(maxsize=4)
def theirs(method: str, phase: str = "mixture") -> Parts:
    """Both parts of the excerpt by `separate`."""
    return separate(piece(*EXCERPT).x, SAMPLE_RATE, method=method, phase=phase)
