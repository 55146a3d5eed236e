"""The whole system: a signal, or a file, in; its percussive and its harmonic part out.

    x  ->  X  ->  V = |X|  --method-->  V_p, V_h  --phase-->  S_p  ->  s_p,    s_h = x - s_p

A signal comes in blocks of samples, (m, channels), and each arrow is a generator that takes blocks
and yields blocks: `spectrograms`, `estimated`, `recovered`, `overlap_added`. None holds more than
it needs to go on, so the memory in use does not grow with the length.

A method is an entry of METHODS, a phase recovery one of PHASES: a new one is added there.
"""

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hpss_lib import audio, kam, median, puiter, subtraction
from hpss_lib.audio import SOURCES
from hpss_lib.stft import (
    SAMPLE_RATE,
    SETTINGS,
    StftSettings,
    add_windows,
    check_covered,
    check_signal,
    find_settings,
    overlap_add,
    stft_frames,
)

_FRAMES = 1024  # in a block, about: enough to be fast, some 100 MB in the largest setting
_LOUDEST = 1e15  # beyond, squares of magnitudes leave the range of float32
_MOST_CHANNELS = 64  # more are a signal that lies on its side
_LONG = 20.0  # seconds; a progress bar for less would only flicker
_FULL_SCALE = 1 + 1e-6  # 1, and what two parts in float32 may be beside their sum


# ------------------------------------------------------------------------------------- methods


@dataclass(frozen=True)
class Estimator:
    """A method made ready for one setting: it estimates magnitudes, block by block.

    estimate(V, before, after) -> (V_p, V_h): V is (F, before + T + after), the T frames in question
    and the context there is of them (less than `context` frames only where the signal begins or
    ends); V_p and V_h are (F, T), or V_h is None and follows by subtraction. `context`: frames
    wanted on each side. `step`: the first frame of a block is a multiple of it.

    Examples
    --------
    Everything is half percussive:

    >>> half = Estimator(lambda V, before, after: (V[:, before : V.shape[1] - after] / 2, None))
    >>> half.estimate(np.ones((1025, 4)), 1, 1)[0].shape
    (1025, 2)
    """

    estimate: Callable[[np.ndarray, int, int], tuple[np.ndarray, np.ndarray | None]]
    context: int = 0
    step: int = 1


def _no_weights(**_: Any) -> Sequence[Path]:
    return ()


@dataclass(frozen=True)
class Method:
    """All there is to know of a method: an entry of METHODS.

    label: its name in tables and in the command's help. prepare(settings, **options) makes it
    ready. setting(): the one setting that it hears, a key of SETTINGS; None: any.
    weights(**options): the files that its results depend on. rumble: whether it hears what lies
    below hearing; a network that measures its level by what it is given is disturbed by it.

    Examples
    --------
    >>> Method("median filtering", median_estimator).prepare(SETTINGS["compact"]).step
    1
    """

    label: str
    prepare: Callable[..., Estimator]
    setting: Callable[[], str] | None = None
    weights: Callable[..., Sequence[Path]] = _no_weights
    rumble: bool = True

    def own(self, otherwise: str = "compact") -> str:
        """The setting that it hears, or the other one if it hears any."""
        return self.setting() if self.setting else otherwise


def median_estimator(settings: StftSettings, **options: float) -> Estimator:
    """Make median filtering ready for a setting. Chapter 3.

    Parameters
    ----------
    settings : StftSettings
        Any.
    **options
        As in `median.median_hpss`.

    Returns
    -------
    Estimator

    Examples
    --------
    >>> median_estimator(SETTINGS["compact"]).context  # half of 0.36 s in frames
    15
    """
    seconds = options.get("harmonic_seconds", median.HARMONIC_SECONDS)

    def estimate(V: np.ndarray, before: int, after: int) -> tuple[np.ndarray, None]:
        M_p, _ = median.median_hpss(V, settings, **options)
        return (M_p * V)[:, before : V.shape[1] - after], None

    return Estimator(estimate, context=median.seconds_to_frames(seconds, settings) // 2)


def kam_estimator(settings: StftSettings, **options: Any) -> Estimator:
    """Make kernel additive modelling ready for a setting. Chapter 3.

    Parameters
    ----------
    settings : StftSettings
        Any.
    **options
        As in `kam.kam_hpss`.

    Returns
    -------
    Estimator

    Examples
    --------
    >>> kam_estimator(SETTINGS["compact"], iterations=1).context  # half of 0.4 s in frames
    17
    """

    def estimate(V: np.ndarray, before: int, after: int) -> tuple[np.ndarray, None]:
        M_p, _ = kam.kam_hpss(V, settings, **options)
        return (M_p * V)[:, before : V.shape[1] - after], None

    return Estimator(estimate, context=kam.context_frames(settings, **options))


def mad_estimator(settings: StftSettings) -> Estimator:
    """Make MaD TwinNet ready. Chapters 5 and 6.

    Parameters
    ----------
    settings : StftSettings
        Those that the network hears: `mad_setting`.

    Returns
    -------
    Estimator

    Raises
    ------
    ValueError
        On other settings than the network's.
    FileNotFoundError
        Where the package came without weights.

    Examples
    --------
    >>> estimator = mad_estimator(SETTINGS[mad_setting()])
    >>> V_p, V_h = estimator.estimate(np.zeros((1025, 80), np.float32), 10, 10)
    >>> V_p.shape, V_h
    ((1025, 60), None)
    """
    from hpss_lib.madtwinnet import estimate, load_model

    model = load_model()
    c = model.config
    if settings != SETTINGS[c.setting]:
        raise ValueError(f"the network hears spectrograms in the setting {c.setting!r} only")

    def percussive(V: np.ndarray, before: int, after: int) -> tuple[np.ndarray, None]:
        return estimate(model, V, before=before, after=after), None

    # Blocks begin where the network's own sequences do, so that their size changes nothing, and
    # have the sequence before beside them, where it warms the decoder up.
    context = c.frames - c.context if c.warm_up else c.context
    return Estimator(percussive, context=context, step=c.frames - 2 * c.context)


def mad_setting() -> str:
    """The one setting that the shipped network hears, as its weights' header says.

    Returns
    -------
    str
        A key of SETTINGS.

    Examples
    --------
    >>> mad_setting()
    'compact'
    """
    from hpss_lib.madtwinnet import load_model

    return load_model().config.setting


def mad_weights() -> list[Path]:
    """The file with the weights of the network that `mad_estimator` takes.

    Returns
    -------
    list of Path

    Examples
    --------
    >>> [path.name for path in mad_weights()]
    ['compact-percussive.safetensors']
    """
    from hpss_lib.madtwinnet import WEIGHTS

    return [WEIGHTS / "compact-percussive.safetensors"]


METHODS: dict[str, Method] = {
    "mad": Method(
        "MaD TwinNet, a network",
        mad_estimator,
        setting=mad_setting,
        weights=mad_weights,
        rumble=False,
    ),
    "median": Method("median filtering", median_estimator),
    "kam": Method("kernel additive modelling", kam_estimator),
}


# -------------------------------------------------------------------------------------- phases


def from_mixture(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None, settings: StftSettings, state: Any
) -> tuple[np.ndarray, Any]:
    """The percussive spectrogram of a block, with the mixture's phase.

    Parameters
    ----------
    X : (F, T) complex
        The mixture, without context.
    V_p, V_h : (F, T) >= 0
        The magnitudes; V_h is not needed.
    settings : StftSettings
        Not needed here.
    state
        None in the first block and then whatever the previous call returned beside S_p, for
        recoveries that run from frame to frame.

    Returns
    -------
    S_p : (F, T) complex
    state
        None.

    Examples
    --------
    >>> S_p, _ = from_mixture(np.array([[2j]]), np.array([[1.0]]), None, SETTINGS["1"], None)
    >>> S_p.tolist()
    [[1j]]

    References
    ----------
    Chapter 4.
    """
    return subtraction.apply_phase(V_p, X), None


def by_closed_form(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None, settings: StftSettings, state: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The percussive spectrogram of a block by PU-iter's closed form.

    Parameters
    ----------
    X, V_p, V_h, settings
        As in `from_mixture`; V_h None: what subtraction leaves.
    state : (F,) complex, or None
        The last frame of S_h of the block before.

    Returns
    -------
    S_p : (F, T) complex
    state : (F,) complex

    Examples
    --------
    >>> X = np.ones((2049, 3), complex)
    >>> S_p, last = by_closed_form(X, np.abs(X), None, SETTINGS["1"], None)
    >>> bool(np.allclose(S_p, X)), last.shape  # all of it is percussive
    (True, (2049,))

    References
    ----------
    Chapter 8.
    """
    V_h = subtracted(X, V_p, V_h)
    S_p, S_h = puiter.pu(X, V_p, V_h, settings, previous=state)
    return share_error(X, S_p, S_h, V_p, V_h), S_h[:, -1].copy()


def by_iteration(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None, settings: StftSettings, state: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The percussive spectrogram of a block by PU-iter's 50 iterations.

    Parameters
    ----------
    X, V_p, V_h, settings
        As in `by_closed_form`.
    state : (2, F) complex, or None
        The last frame of both sources of the block before.

    Returns
    -------
    S_p : (F, T) complex
    state : (2, F) complex

    Examples
    --------
    >>> X = np.ones((2049, 3), complex)
    >>> S_p, last = by_iteration(X, np.abs(X), None, SETTINGS["1"], None)
    >>> bool(np.allclose(S_p, X)), last.shape
    (True, (2, 2049))

    References
    ----------
    Magron, Badeau and David (2018); chapter 8.
    """
    V_h = subtracted(X, V_p, V_h)
    S = puiter.pu_iter(X, (V_p, V_h), settings, previous=state)
    return share_error(X, S[0], S[1], V_p, V_h), S[:, :, -1].copy()


def subtracted(X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None) -> np.ndarray:
    """V_h itself or, if it was not estimated, | |X| - V_p |, which PU-iter takes.

    Parameters
    ----------
    X : (F, T) complex
    V_p, V_h : (F, T) >= 0
        V_h may be None.

    Returns
    -------
    (F, T) >= 0

    Examples
    --------
    >>> subtracted(np.array([[3j]]), np.array([[1.0]]), None).tolist()
    [[2.0]]

    References
    ----------
    Chapter 4.
    """
    return np.abs(subtraction.subtract(np.abs(X), V_p)) if V_h is None else V_h


def share_error(
    X: np.ndarray, S_p: np.ndarray, S_h: np.ndarray, V_p: np.ndarray, V_h: np.ndarray
) -> np.ndarray:
    """Give the percussive source its share of what two sources leave of the mixture. Chapter 8.

    Parameters
    ----------
    X, S_p, S_h : (F, T) complex
        The mixture and the two sources, of which S_h is thought to take its own share.
    V_p, V_h : (F, T) >= 0
        Their magnitudes, by whose squares the error is shared out.

    Returns
    -------
    (F, T) of X's type
        S_p + G_p (X - S_p - S_h). The error is left where no triangle closes; the parts then sum
        to the mixture.

    Examples
    --------
    >>> X, S, V = np.array([[2 + 0j]]), np.array([[0j]]), np.array([[1.0]])
    >>> share_error(X, S, S, V, V).tolist()
    [[(1+0j)]]
    """
    G_p = puiter.mixing_weights(np.stack([V_p, V_h]))[0]
    return (S_p + G_p * (X - S_p - S_h)).astype(X.dtype)


PHASES: dict[str, Callable[..., tuple[np.ndarray, Any]]] = {
    "mixture": from_mixture,
    "pu": by_closed_form,
    "pu-iter": by_iteration,
}


# ------------------------------------------------------------- from blocks of samples and back


class Frames(NamedTuple):
    """Some frames of a signal of several channels, with the context there is of them.

    Examples
    --------
    >>> Frames([np.zeros((1025, 8), complex)], before=3, after=3, samples=1024).X[0].shape
    (1025, 8)
    """

    X: list[np.ndarray]  # of each channel: (F, before + T + after) complex
    before: int
    after: int
    samples: int  # of the signal that the T frames stand for: T hop, or what was left at its end


class Spectra(NamedTuple):
    """Some frames of a mixture and what is known of its sources, one entry for each channel.

    Examples
    --------
    >>> one = np.ones((1025, 2))
    >>> Spectra([one + 0j], [one], [None], samples=1024).V_h
    [None]
    """

    X: Sequence[np.ndarray]  # (F, T) complex
    V_p: Sequence[np.ndarray]  # (F, T) >= 0
    V_h: Sequence[np.ndarray | None]  # (F, T) >= 0, or None: to be subtracted
    samples: int


Sources = tuple[list[np.ndarray], int]  # spectrograms of signals, (F, T) each, and their samples


def spectrograms(
    blocks: Iterable[np.ndarray], settings: StftSettings, size: int, *, context: int = 0
) -> Iterator[Frames]:
    """The spectrograms of a signal that comes in blocks, some frames at a time. Chapter 2.

    Parameters
    ----------
    blocks : iterable of (m, channels) float32
        One after the other, of any lengths m >= 1.
    settings : StftSettings
        Of the spectrograms.
    size : int
        How many frames at a time.
    context : int
        Frames wanted on each side of them.

    Yields
    ------
    Frames
        Together what `stft` makes of the whole signal.

    Examples
    --------
    >>> blocks = [np.zeros((10_000, 1), np.float32)] * 5
    >>> frames = spectrograms(blocks, SETTINGS["compact"], 40, context=3)
    >>> [(X[0].shape, before, after) for X, before, after, _ in frames]
    [((1025, 43), 0, 3), ((1025, 46), 3, 3), ((1025, 21), 3, 0)]
    """
    hop, reach = settings.hop, settings.n_fft // 2
    blocks = iter(blocks)
    kept = np.zeros((0, 0), np.float32)  # (channels, ...), from sample start * hop on
    first = start = total = 0
    while True:
        parts = [kept] if kept.size else []
        while total < (first + size + context) * hop + reach:
            block = next(blocks, None)
            if block is None:
                break
            parts.append(block.T)
            total += len(block)
        kept = np.concatenate(parts, axis=1) if parts else kept
        frames = settings.frames(total)  # so far; more can follow only behind the context
        last = min(first + size, frames)
        if first >= last or total == 0:
            return
        before, after = min(context, first), min(context, frames - last)
        X = [stft_frames(x, settings, first - before - start, last + after - start) for x in kept]
        yield Frames(X, before, after, min(last * hop, total) - first * hop)
        first = last
        passed = max(0, first - context - -(-reach // hop)) - start
        kept, start = kept[:, passed * hop :], start + passed


def estimated(frames: Iterable[Frames], estimator: Estimator) -> Iterator[Spectra]:
    """V_p and V_h beside X, each channel on its own, the context gone.

    Parameters
    ----------
    frames : iterable of Frames
        With the context that the estimator wants.
    estimator : Estimator

    Yields
    ------
    Spectra

    Examples
    --------
    >>> half = Estimator(lambda V, before, after: (V[:, before : V.shape[1] - after] / 2, None))
    >>> frames = Frames([np.ones((1025, 8), complex)], 3, 3, 1024)
    >>> [part.V_p[0].shape for part in estimated([frames], half)]
    [(1025, 2)]
    """
    for X, before, after, samples in frames:
        V = [estimator.estimate(np.abs(X_c), before, after) for X_c in X]
        inner = [X_c[:, before : X_c.shape[1] - after] for X_c in X]
        yield Spectra(inner, [V_p for V_p, _ in V], [V_h for _, V_h in V], samples)


def analysed_again(x: Iterable[Frames], signals: Iterable[Frames]) -> Iterator[Spectra]:
    """The same from frames of a mixture and of its sources' signals.

    Parameters
    ----------
    x : iterable of Frames
        Of the mixture, without context.
    signals : iterable of Frames
        Of all channels of s_p, then, perhaps, of s_h.

    Yields
    ------
    Spectra

    Examples
    --------
    >>> X, S = (Frames([c * np.ones((1025, 2))], 0, 0, 1024) for c in (2j, 1j))
    >>> [float(part.V_p[0].max()) for part in analysed_again([X], [S])]
    [1.0]
    """
    for (X, _, _, samples), (S, *_) in zip(x, signals, strict=True):
        V = [np.abs(S_c) for S_c in S]
        yield Spectra(X, V[: len(X)], V[len(X) :] or [None] * len(X), samples)


def with_mixture_phase(spectra: Iterable[Spectra]) -> Iterator[Sources]:
    """S_p of all channels, then S_h of all if it is estimated, with the mixture's phase.

    Parameters
    ----------
    spectra : iterable of Spectra

    Yields
    ------
    Sources

    Examples
    --------
    >>> one = np.ones((1025, 2), np.float32)
    >>> [len(S) for S, _ in with_mixture_phase([Spectra([one + 0j], [one], [one], 1024)])]
    [2]
    """
    for X, V_p, V_h, samples in spectra:
        V = [*zip(V_p, X, strict=True), *zip(V_h, X, strict=True)]
        yield [subtraction.apply_phase(V_c, X_c) for V_c, X_c in V if V_c is not None], samples


def recovered(
    spectra: Iterable[Spectra],
    recover: Callable[..., tuple[np.ndarray, Any]],
    settings: StftSettings,
) -> Iterator[Sources]:
    """S_p of each channel by a function of PHASES, which goes on from block to block.

    Parameters
    ----------
    spectra : iterable of Spectra
    recover : function
        An entry of PHASES.
    settings : StftSettings
        Those of the spectra.

    Yields
    ------
    Sources

    Examples
    --------
    >>> spectra = Spectra([np.full((1025, 2), 2j)], [np.ones((1025, 2))], [None], 1024)
    >>> [S[0].max() for S, _ in recovered([spectra] * 2, from_mixture, SETTINGS["compact"])]
    [np.complex128(1j), np.complex128(1j)]
    """
    states: list[Any] = []
    for X, V_p, V_h, samples in spectra:
        states = states or [None] * len(X)
        results = [
            recover(X_c, p, h, settings, state)
            for X_c, p, h, state in zip(X, V_p, V_h, states, strict=True)
        ]
        states = [state for _, state in results]
        yield [S_p for S_p, _ in results], samples


def overlap_added(sources: Iterable[Sources], settings: StftSettings) -> Iterator[np.ndarray]:
    """The signals of spectrograms that come in blocks, as soon as they are complete. Chapter 2.

    Parameters
    ----------
    sources : iterable of Sources
        The spectrograms of one or more signals, some frames at a time.
    settings : StftSettings
        Those of the spectrograms.

    Yields
    ------
    (m, signals)
        Together what `istft` makes of the whole spectrograms.

    Raises
    ------
    ValueError
        Where the windows leave a sample uncovered: the hop is too large.

    Examples
    --------
    >>> x = np.ones((5000, 1), np.float32)
    >>> settings = SETTINGS["compact"]
    >>> sources = ((X, samples) for X, _, _, samples in spectrograms([x], settings, 4))
    >>> s = np.concatenate(list(overlap_added(sources, settings)))
    >>> bool(np.allclose(s, x, atol=1e-6))
    True
    """
    hop, reach = settings.hop, settings.n_fft // 2
    sums: list[np.ndarray] = []  # of each signal from sample start * hop on: overlapping frames
    window = np.zeros(0, np.float32)  # ... and of their squared windows
    first = start = length = 0
    for S, samples in sources:
        sums = sums or [np.zeros(0, np.real(S_c).dtype) for S_c in S]
        last, length = first + S[0].shape[1], length + samples
        end = max((last - 1 - start) * hop + reach, length - start * hop)
        sums = [audio.fit(s, end) for s in sums]
        window = audio.fit(window, end)
        for s, S_c in zip(sums, S, strict=True):
            overlap_add(s, S_c, settings, first - start)
        add_windows(window, settings, first - start, last - start)
        first = last
        passed = max(0, first - -(-reach // hop)) - start
        done = min(passed * hop, length - start * hop)
        if done:
            yield _divided(sums, window, done, settings, start)
            sums, window = [s[done:] for s in sums], window[done:]
            start += passed
    rest = length - start * hop
    if rest > 0:
        yield _divided(sums, window, rest, settings, start)


def _divided(
    sums: list[np.ndarray], window: np.ndarray, n: int, settings: StftSettings, start: int
) -> np.ndarray:
    """The first n samples of the sums over those of the window: (n, signals)."""
    check_covered(window[:n], settings, start=start * settings.hop)
    return np.stack([s[:n] / window[:n] for s in sums], axis=1)


def side_by_side(
    x: Iterable[np.ndarray], s: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The blocks of one signal, each with as many samples of another.

    Parameters
    ----------
    x, s : iterable of (m, channels)
        Two signals in blocks of any lengths; s is cut, or followed by zeros, to the length of x.

    Yields
    ------
    block of x, samples of s : (m, channels) each

    Examples
    --------
    >>> x, s = np.zeros((2, 3, 1)), np.ones((1, 4, 1))
    >>> [s_block[:, 0].tolist() for _, s_block in side_by_side(x, s)]
    [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """
    s = iter(s)
    rest = np.zeros((0, 0), np.float32)
    for block in x:
        parts, missing = [], len(block)
        while missing > 0:
            if not len(rest):
                rest = next(s, np.zeros((missing, block.shape[1]), np.float32))
            parts.append(rest[:missing])
            rest, missing = rest[missing:], missing - len(parts[-1])
        yield block, np.concatenate(parts)


# ---------------------------------------------------------------------------- the whole system


def separate(
    x: np.ndarray,
    rate: float,
    *,
    method: str = "mad",
    setting: str | StftSettings | None = None,
    phase: str = "mixture",
    progress: Callable[[float], object] | None = None,
    block: int = _FRAMES,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Separate a signal into its percussive and its harmonic part, which sum to it.

    Parameters
    ----------
    x : (n,) or (n, channels)
        The signal, n >= 1, finite; floating point, full scale 1, or integers (uint8, int16 or
        int32), which are divided by their full scale first.
    rate : float
        Its sample rate in Hz. At other rates than 44.1 kHz the percussive part is estimated at
        44.1 kHz, so that what lies above 22.05 kHz stays in the harmonic one.
    method : str
        How the magnitudes are estimated: a key of METHODS.
    setting : "1", "2", "compact", or StftSettings
        By default the one that the method hears or, where it hears any, "compact". Where another
        is asked for than the one it hears, its magnitudes there are those of its estimate's
        signals, analysed again.
    phase : str
        Where the phases come from: a key of PHASES.
    progress : function
        Called with the number of seconds done since the last call.
    block : int
        Frames worked on at once, which changes the memory needed and nothing else.
    **options
        The method's own, as in `mad_estimator`, `median.median_hpss` and `kam.kam_hpss`.

    Returns
    -------
    s_p, s_h : float32 of x's shape
        The percussive and the harmonic part; s_p + s_h = x as float32.

    Raises
    ------
    TypeError, ValueError
        On a signal, a rate or an option that is not accepted.
    FileNotFoundError
        Where a network has no weights.

    Notes
    -----
    Of two channels, the middle (left + right) / 2 and the side (left - right) / 2 are separated,
    each on its own; of any other number, each channel is. What stands in the middle then stays
    there: on 15 songs panned as a band is, by the network, the levels of drums in the middle differ
    between the channels of the result by 0.2 dB (root mean square; median of the songs), with each
    channel on its own by 1.3 dB, with one mask for both by 0.9 dB. SDR is the same for the first
    two within 0.15 dB in every song, and 0.1 to 0.2 dB lower for the third (`tools/stereo.py`,
    book/data/stereo.csv). Where drums and the rest stand hard left and right, as in early stereo,
    separate each channel on its own: then 18.7 dB against 7.3 dB for the drums.

    The network does not hear what lies below hearing (`audio.without_rumble`), which stays in the
    harmonic part: an offset or rumble of 0.05 (root mean square) costs nothing then; heard, rumble
    would cost 0.8 to 3.9 dB on the excerpts (tests/test_separation_network.py).

    Examples
    --------
    A click in a tone, at 48 kHz:

    >>> import numpy as np
    >>> x = np.sin(2 * np.pi * 440 * np.arange(24000) / 48000)
    >>> x[12000] += 1
    >>> s_p, s_h = separate(x, 48000, method="median")
    >>> s_p.shape, int(np.abs(s_p).argmax()), bool(np.allclose(s_p + s_h, x, atol=1e-6))
    ((24000,), 12000, True)
    """
    x = _checked(x)
    columns = x[:, None] if x.ndim == 1 else x
    s_p, s_h, done = np.empty_like(columns), np.empty_like(columns), 0
    choices = {"method": method, "setting": setting, "phase": phase, **options}
    blocks = audio.blocks(columns)
    for p, h in separate_blocks(blocks, rate, progress=progress, block=block, **choices):
        s_p[done : done + len(p)], s_h[done : done + len(p)] = p, h
        done += len(p)
    return s_p.reshape(x.shape), s_h.reshape(x.shape)


def separate_blocks(
    blocks: Iterable[np.ndarray],
    rate: float,
    *,
    method: str = "mad",
    setting: str | StftSettings | None = None,
    phase: str = "mixture",
    progress: Callable[[float], object] | None = None,
    block: int = _FRAMES,
    **options: Any,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Separate a signal that comes in blocks and need not fit in memory. Chapter 10.

    Parameters
    ----------
    blocks : iterable of (m, channels)
        One after the other, of any lengths m >= 1; samples as in `separate`.
    rate, method, setting, phase, progress, block, **options
        As in `separate`.

    Returns
    -------
    iterator of (p, h), (m, channels) float32 each
        The percussive and the harmonic part of each block, some seconds after it was taken;
        together what `separate` returns at once.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        What `separate` raises: of options at once, of samples where they are met.

    Examples
    --------
    >>> silence = (np.zeros((1000, 2), np.float32) for _ in range(5))
    >>> sum(len(p) for p, h in separate_blocks(silence, 44100, method="median"))
    5000
    """
    chosen, recover = _choose(method, METHODS, "method"), _choose(phase, PHASES, "phase")
    settings = find_settings(setting or chosen.own())
    own = find_settings(chosen.own()) if chosen.setting else settings
    estimator = chosen.prepare(own, **options)
    if block < 1:
        raise ValueError(f"block is {block} frames; it must be at least 1")
    x, again = itertools.tee(map(_checked, blocks))
    heard = _sums_and_differences(audio.resampled(x, rate, SAMPLE_RATE), 1 / 2)
    heard = heard if chosen.rumble else audio.without_rumble(heard, SAMPLE_RATE)
    s_p = _percussive(heard, own, estimator, settings, recover, block, progress)
    s_p = audio.resampled(_sums_and_differences(s_p, 1), SAMPLE_RATE, rate)
    return ((p, x - p) for x, p in side_by_side(again, s_p))


def _percussive(
    x: Iterable[np.ndarray],
    own: StftSettings,
    estimator: Estimator,
    settings: StftSettings,
    recover: Callable[..., tuple[np.ndarray, Any]],
    block: int,
    progress: Callable[[float], object] | None,
) -> Iterator[np.ndarray]:
    """The percussive part of a signal at 44.1 kHz, (m, channels) each, estimated in `own`."""
    x, again = itertools.tee(x)
    size = -(-block // estimator.step) * estimator.step
    frames = spectrograms(x, own, size, context=estimator.context)
    spectra = estimated(frames, estimator)
    if own != settings:
        progress = progress and (lambda seconds, tell=progress: tell(seconds / 2))  # of two passes
        signals = overlap_added(with_mixture_phase(_told(spectra, progress)), own)
        spectra = analysed_again(*(spectrograms(s, settings, block) for s in (again, signals)))
    return overlap_added(recovered(_told(spectra, progress), recover, settings), settings)


def _told(
    spectra: Iterable[Spectra], progress: Callable[[float], object] | None
) -> Iterator[Spectra]:
    """The same spectra; after each one `progress` is told its seconds."""
    for part in spectra:
        yield part
        if progress is not None:
            progress(part.samples / SAMPLE_RATE)


def _sums_and_differences(x: Iterable[np.ndarray], factor: float) -> Iterator[np.ndarray]:
    """Left and right as middle and side (factor 1/2) and back (1); other channels as they are."""
    for block in x:
        if block.shape[1] == 2:
            left, right = block.T
            block = factor * np.stack([left + right, left - right], axis=1)
        yield block


def _checked(x: np.ndarray) -> np.ndarray:
    """A signal (n,) or (n, channels) as float32, or an error that says what is wrong with it."""
    s = audio.as_float(np.asarray(x))
    if s.ndim not in (1, 2) or (s.ndim == 2 and not 1 <= s.shape[1] <= _MOST_CHANNELS):
        raise ValueError(
            f"x has shape {s.shape}; accepted are (n,) and (n, channels) with at most "
            f"{_MOST_CHANNELS} channels (channels first: transpose it)"
        )
    check_signal(s.reshape(-1))
    if (peak := np.abs(s).max()) > _LOUDEST:
        raise ValueError(f"x reaches {peak:.3g}, too large to compute with; scale it to 1")
    return s.astype(np.float32, copy=False)


def _choose(name: str, known: Mapping[str, Any], kind: str) -> Any:
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}; accepted are {', '.join(known)}")
    return known[name]


def separate_file(
    path: str | Path,
    out_dir: str | Path,
    *,
    method: str = "mad",
    setting: str | StftSettings | None = None,
    phase: str = "mixture",
    format: str = "wav",
    subtype: str | None = None,
    only: str | None = None,
    show_progress: bool = False,
    **options: Any,
) -> tuple[Path, ...]:
    """Separate a sound file into NAME.percussive.wav and NAME.harmonic.wav in a folder.

    Both have the rate, the channels and the length of the input, and sum to it. The file is worked
    through block by block, so that its length does not matter to the memory. Either all files are
    written, complete, or none.

    Parameters
    ----------
    path : str or Path
        A wav, flac, ogg or mp3 file.
    out_dir : str or Path
        The folder for the results; it is made if missing.
    method, setting, phase, **options
        As in `separate`.
    format : str
        "wav" or "flac".
    subtype : "float", "pcm24" or "pcm16"
        How samples are written; default: "float", with FLAC, which holds integers only, "pcm24".
        Where a part would exceed the full scale of integers, as much of it as does goes into the
        other part, so that the two still sum to the input, rounded; a warning counts such samples.
    only : "percussive" or "harmonic"
        The part to be written; default: both.
    show_progress : bool
        A bar in the terminal, for a file of more than 20 s.

    Returns
    -------
    tuple of Path
        The files written, the percussive one first.

    Raises
    ------
    ValueError, TypeError, OSError
        What `audio.read` and `separate` raise; ValueError if a result would exceed WAV's 4 GB;
        OSError if out_dir cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> audio.write_wav(f"{folder}/click.wav", np.eye(1, 8000, 4000, np.float32)[0], 8000)
    >>> written = separate_file(f"{folder}/click.wav", folder, method="median", format="flac")
    >>> [path.name for path in written]
    ['click.percussive.flac', 'click.harmonic.flac']
    """
    path, out_dir = Path(path), Path(out_dir)
    samples: str = subtype or _choose(format, _DEFAULT_SUBTYPE, "format")
    paths = output_paths(path, out_dir, format=format, only=only)
    _check_folder(out_dir)
    n, channels, rate = audio.header(path)
    _check_container(n, channels, format, samples, paths[0])
    options |= {"method": method, "setting": setting, "phase": phase}
    with _progress_bar(n / rate, path.name, show_progress) as advance:
        parts = separate_blocks(audio.read_blocks(path), rate, progress=advance, **options)
        if samples != "float":
            parts = _as_integers(parts, _BITS[samples], path.name)
        if only is not None:
            parts = ((pair[SOURCES.index(only)],) for pair in parts)
        audio.write_together(paths, parts, rate, channels, subtype=samples)
    return paths


def output_paths(
    path: str | Path, out_dir: str | Path, *, format: str = "wav", only: str | None = None
) -> tuple[Path, ...]:
    """Where `separate_file` writes the percussive and the harmonic part of a file.

    Parameters
    ----------
    path, out_dir, format, only
        As in `separate_file`.

    Returns
    -------
    tuple of Path

    Examples
    --------
    >>> [p.as_posix() for p in output_paths("a/song.mp3", "out")]
    ['out/song.percussive.wav', 'out/song.harmonic.wav']
    """
    kept = SOURCES if only is None else [SOURCES[_choose(only, _SOURCE_NUMBER, "part")]]
    return tuple(Path(out_dir) / f"{Path(path).stem}.{source}.{format}" for source in kept)


_BITS = {"float": 32, "pcm24": 24, "pcm16": 16}
_DEFAULT_SUBTYPE = {"wav": "float", "flac": "pcm24"}  # the formats
_SOURCE_NUMBER = {source: j for j, source in enumerate(SOURCES)}
_MOST_FLAC_CHANNELS = 8


def _check_container(n: int, channels: int, format: str, subtype: str, name: Path) -> None:
    """Raise ValueError unless the format can hold such a signal."""
    bits = _choose(subtype, _BITS, "subtype")
    if format == "wav":
        audio.check_wav_size(n, channels, name=name, bits=bits)
    elif subtype == "float":
        raise ValueError("FLAC holds integers only: choose pcm24 or pcm16, or write wav")
    elif channels > _MOST_FLAC_CHANNELS:
        raise ValueError(f"{name}: FLAC holds at most 8 channels, not {channels}: write wav")


def _as_integers(
    parts: Iterable[tuple[np.ndarray, np.ndarray]], bits: int, name: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Both parts as integers that fill int16 or the upper 24 bits of int32, and sum as before."""
    scale = 2 ** (bits - 1)
    low, high = -scale, scale - 1
    over = limited = 0
    peak = 1.0
    for p, h in parts:
        sum_ = scale * (p.astype(float) + h)
        over += np.count_nonzero(np.abs(sum_) > scale * _FULL_SCALE)
        x = np.clip(np.rint(sum_), low, high)
        wanted = np.rint(scale * p.astype(float))
        # Of the values that the percussive part may take so that the harmonic one fits, the next.
        fitting = np.clip(wanted, np.maximum(low, x - high), np.minimum(high, x - low))
        limited += np.count_nonzero(np.abs(wanted - fitting) > 1)
        peak = max(peak, float(np.abs(p).max()), float(np.abs(h).max()))
        whole = (fitting, x - fitting)
        yield tuple(
            s.astype(np.int16) if bits == 16 else s.astype(np.int32) << (32 - bits) for s in whole
        )
    if over:
        warnings.warn(
            f"{name}: {over} samples of the input exceed full scale and were clipped: the parts "
            "sum to the clipped input; as float they would be kept",
            stacklevel=2,
        )
    if limited:
        warnings.warn(
            f"{name}: in {limited} samples a part would have exceeded full scale (up to "
            f"{peak:.2f}); the other part took the excess, and they still sum to the input; as "
            "float both would be as separated",
            stacklevel=2,
        )


def _check_folder(out_dir: Path) -> None:
    """Make the folder and try it, so that an hour's work is not lost at its end."""
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out_dir):
            pass
    except FileExistsError as error:
        raise NotADirectoryError(f"{out_dir} is a file; name a folder for the results") from error
    except OSError as error:
        raise OSError(f"{out_dir} cannot be written to: {error.strerror}") from error


@contextmanager
def _progress_bar(
    seconds: float, name: str, show: bool
) -> Iterator[Callable[[float], object] | None]:
    """`advance(seconds)` of a bar in the terminal, if it shall be shown and the sound is long."""
    if not show or seconds < _LONG:
        yield None
        return
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f} %|{bar}| {elapsed} < {remaining}"
    # disable=None: no bar where the output is not a terminal.
    with tqdm(total=seconds, desc=name, disable=None, bar_format=layout) as bar:
        yield bar.update
