"""How good is a separation? SDR, SIR and SAR, and by how much one method beats another (chapter 9).

    references (2, n), estimates (2, n)  ->  `scores` in frames (museval), `sdr`, `si_sdr` (whole)
    scores of two methods on the same songs  ->  `paired_difference`

Order as everywhere: percussive, harmonic. A score that is not defined (nothing to find, nothing
found) is NaN, with the reason beside it, and every average says how many it leaves out.
E. Vincent, R. Gribonval, C. Fevotte, "Performance measurement in blind audio source separation",
IEEE Transactions on Audio, Speech and Language Processing 14(4), 2006.
F.-R. Stoeter, A. Liutkus, N. Ito, "The 2018 signal separation evaluation campaign", LVA/ICA 2018.
"""

import functools
import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpss_lib.audio import SOURCES
from hpss_lib.stft import SAMPLE_RATE

METRICS = ("sdr", "isr", "sir", "sar")
TAPS = 512  # of the filters that BSS Eval allows between a reference and its estimate
# Two sources through so many taps have as many unknowns: fewer samples are explained perfectly.
SHORTEST = 2 * TAPS


@dataclass(frozen=True)
class Protocol:
    """How BSS Eval is applied to a song.

    Parameters
    ----------
    mode : "v3" or "v4"
        "v3" fits the filters anew in each frame, "v4" once to the whole song.
    window_seconds, hop_seconds : float
        Of the frames, above 0; math.inf: the whole song is one.

    Raises
    ------
    ValueError
        On another mode, or windows that are not positive.

    Examples
    --------
    >>> Protocol("v4", 1, 1) == MUSEVAL
    True
    """

    mode: str
    window_seconds: float
    hop_seconds: float

    def __post_init__(self):
        if self.mode not in ("v3", "v4"):
            raise ValueError(f'mode is {self.mode!r}; accepted are "v3" and "v4"')
        if not (self.window_seconds > 0 and self.hop_seconds > 0):
            raise ValueError(
                f"windows of {self.window_seconds} s every {self.hop_seconds} s: both must be > 0"
            )


PUBLISHED = Protocol("v3", 30, 15)  # DSD100, SiSEC 2016 and the paper
MUSEVAL = Protocol("v4", 1, 1)  # museval's default, SiSEC 2018
PROTOCOLS = {"v3-30s": PUBLISHED, "v4-1s": MUSEVAL}


# ------------------------------------------------------------------------------ plain measures


def sdr(s: np.ndarray, s_hat: np.ndarray) -> float:
    """Plain signal-to-distortion ratio, 10 log10(sum s^2 / sum (s - s_hat)^2).

    Every difference counts, a gain and a delay too.

    Parameters
    ----------
    s, s_hat : ndarray, (n,)
        Reference and estimate, finite.

    Returns
    -------
    float
        In dB; inf for equal signals; NaN for a silent reference, which no estimate can be compared
        with.

    Raises
    ------
    ValueError
        On other shapes, or samples that are not finite.

    Examples
    --------
    >>> s = np.array([1.0, -1.0, 1.0])
    >>> round(sdr(s, 0.9 * s), 6)  # a tenth of the amplitude is missing
    20.0

    References
    ----------
    Vincent et al. (2006). Chapter 9.
    """
    s, s_hat = _pair(s, s_hat)
    return _decibel(float(s @ s), float(np.square(s - s_hat).sum()))


def si_sdr(s: np.ndarray, s_hat: np.ndarray) -> float:
    """Scale-invariant SDR: of s_hat against the multiple of s that lies nearest to it.

    A gain costs nothing.

    Parameters
    ----------
    s, s_hat : ndarray, (n,)
        Reference and estimate, finite.

    Returns
    -------
    float
        In dB; NaN if either is silent.

    Raises
    ------
    ValueError
        On other shapes, or samples that are not finite.

    Examples
    --------
    >>> s, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> round(si_sdr(s, 5 * (s + 0.1 * other)), 6)
    20.0

    References
    ----------
    Le Roux, Wisdom, Erdogan, Hershey, "SDR - half-baked or well done?", ICASSP 2019. Chapter 9.
    """
    s, s_hat = _pair(s, s_hat)
    if not (s.any() and s_hat.any()):
        return math.nan
    target = (s_hat @ s) / (s @ s) * s
    return _decibel(float(target @ target), float(np.square(target - s_hat).sum()))


SIMPLE = {"plain": sdr, "scale-invariant": si_sdr}


def look_swapped(references: np.ndarray, estimates: np.ndarray) -> bool:
    """Tell whether the two estimates fit better the other way round, by scale-invariant SDR.

    Parameters
    ----------
    references, estimates : ndarray, (2, n)
        Percussive and harmonic.

    Returns
    -------
    bool
        False also where that cannot be told (something is silent). Chapter 9.

    Examples
    --------
    >>> references = np.eye(2)
    >>> look_swapped(references, references[::-1] + 0.1)
    True
    """
    (p, h), (p_hat, h_hat) = references, estimates
    return si_sdr(p, h_hat) + si_sdr(h, p_hat) > si_sdr(p, p_hat) + si_sdr(h, h_hat)


def _pair(s: np.ndarray, s_hat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    s, s_hat = np.asarray(s, float), np.asarray(s_hat, float)
    if s.ndim != 1 or s.shape != s_hat.shape:
        raise ValueError(
            f"the reference has shape {s.shape}, the estimate {s_hat.shape}; two signals (n,) of "
            "the same length are compared"
        )
    if not (np.isfinite(s).all() and np.isfinite(s_hat).all()):
        raise ValueError("the signals hold NaN or infinite samples: they have no score")
    return s, s_hat


def _decibel(signal: float, error: float) -> float:
    if signal == 0:
        return math.nan
    return 10 * math.log10(signal / error) if error > 0 else math.inf


# ------------------------------------------------------------------------------------ BSS Eval


@dataclass(frozen=True)
class Scores:
    """BSS Eval in frames: sdr, isr, sir, sar (2, frames) in dB, NaN where `why` says so.

    start: (frames,) seconds; why: for each frame "" or the reason why it has no scores.

    Examples
    --------
    >>> nan = np.full((2, 1), np.nan)
    >>> Scores(np.zeros(1), nan, nan, nan, nan, ("the reference is silent",)).undefined
    1
    """

    start: np.ndarray
    sdr: np.ndarray
    isr: np.ndarray
    sir: np.ndarray
    sar: np.ndarray
    why: tuple[str, ...]

    @property
    def undefined(self) -> int:
        """How many frames have no scores."""
        return sum(bool(why) for why in self.why)


@functools.cache
def museval_metrics() -> Any:
    """The metrics module of museval, without museval's __init__, which wants ffmpeg on the PATH.

    Returns
    -------
    module
        With `bss_eval` and `Framing`.

    Raises
    ------
    ModuleNotFoundError
        If museval is not installed.

    Examples
    --------
    >>> callable(museval_metrics().bss_eval)
    True
    """
    package = importlib.util.find_spec("museval")  # finds it without running it
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the scores need museval: pip install 'hpss_lib[evaluation]'")
    path = Path(package.submodule_search_locations[0]) / "metrics.py"
    spec = importlib.util.spec_from_file_location("hpss_lib._museval_metrics", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scores(
    references: np.ndarray, estimates: np.ndarray, *, protocol: Protocol = PUBLISHED
) -> Scores:
    """SDR, ISR, SIR and SAR of two estimates, frame by frame, as museval computes them.

    A frame has no scores where a reference or an estimate is silent in it, and no fit of the
    filters has where the signals are shorter than SHORTEST samples or the references are one signal
    at two volumes. Samples at the end that fill no window are not scored (museval's rule); a song
    shorter than a window is one frame. The estimates are taken as given, never reordered
    (`look_swapped`).

    Parameters
    ----------
    references, estimates : ndarray, (2, n)
        Percussive and harmonic, mono at 44.1 kHz, finite, n >= 1.
    protocol : Protocol
        An entry of PROTOCOLS, or another.

    Returns
    -------
    Scores
        In frames, with the reason beside those that are not defined.

    Raises
    ------
    ValueError
        On other shapes, or samples that are not finite.
    ModuleNotFoundError
        If museval is not installed.

    Examples
    --------
    >>> references = np.random.default_rng(0).standard_normal((2, 44100))
    >>> scores(references, 0.9 * references, protocol=MUSEVAL).sdr.round(3)
    array([[20.],
           [20.]])

    References
    ----------
    Vincent et al. (2006). Chapter 9.
    """
    references, estimates = np.asarray(references, float), np.asarray(estimates, float)
    if references.ndim != 2 or len(references) != 2 or references.shape != estimates.shape:
        raise ValueError(
            f"references have shape {references.shape}, estimates {estimates.shape}; both must be "
            "(2, n): percussive and harmonic"
        )
    if not (np.isfinite(references).all() and np.isfinite(estimates).all()):
        raise ValueError("the signals hold NaN or infinite samples: they have no scores")
    n = references.shape[1]
    metrics = museval_metrics()
    window, hop = (_samples(s) for s in (protocol.window_seconds, protocol.hop_seconds))
    frames = list(metrics.Framing(window, hop, n))
    results = np.full((4, 2, len(frames)), np.nan)
    if protocol.mode == "v4":
        why = [why_silent(references[:, f], estimates[:, f]) for f in frames]
        no_fit = _why_no_fit(references, estimates)
        if no_fit:
            why = [reason or no_fit for reason in why]
        else:
            results[:] = _bss_eval(references, estimates, window, hop)
    else:  # frame by frame, so that one frame without a solution does not cost the others
        why = []
        for k, f in enumerate(frames):
            r, e = references[:, f], estimates[:, f]
            why.append(_why_no_fit(r, e))
            if not why[k]:
                results[:, :, k] = _bss_eval(r, e, math.inf, math.inf)[:, :, 0]
    for k in range(len(frames)):
        if not why[k] and np.isnan(results[:, :, k]).any():
            why[k] = "no solution"
    start = np.array([f.start / SAMPLE_RATE for f in frames])
    results[:, :, [bool(w) for w in why]] = np.nan
    return Scores(start, *results, why=tuple(why))


def _bss_eval(
    references: np.ndarray, estimates: np.ndarray, window: float, hop: float
) -> np.ndarray:
    """The bss_eval of museval with one fit of the filters: (4, 2, frames), NaN if there is none."""
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            results = museval_metrics().bss_eval(
                references[:, :, None], estimates[:, :, None], window, hop, filters_len=TAPS
            )[:4]
    # museval names numpy's error in a way that numpy 2 no longer has, hence the AttributeError.
    except (np.linalg.LinAlgError, AttributeError):
        return np.full((4, 2, 1), np.nan)
    return np.stack(results)


def _samples(seconds: float) -> float:
    return math.inf if seconds == math.inf else round(seconds * SAMPLE_RATE)


def why_silent(references: np.ndarray, estimates: np.ndarray) -> str:
    """Say which signal of two pairs is silent.

    Parameters
    ----------
    references, estimates : ndarray, (2, n)
        Percussive and harmonic.

    Returns
    -------
    str
        The first that is, in words; "" if none is.

    Examples
    --------
    >>> why_silent(np.ones((2, 3)), np.array([[0, 0, 0], [1, 1, 1]]))
    'percussive estimate silent'
    """
    for kind, signals in (("reference", references), ("estimate", estimates)):
        for source, s in zip(SOURCES, signals, strict=True):
            if not s.any():
                return f"{source} {kind} silent"
    return ""


def _why_no_fit(references: np.ndarray, estimates: np.ndarray) -> str:
    if references.shape[1] < SHORTEST:
        return f"shorter than {SHORTEST} samples"
    if silent := why_silent(references, estimates):
        return silent
    p, h = references
    pp, ph, hh = p @ p, p @ h, h @ h
    return "references proportional" if ph**2 >= (1 - 1e-12) * pp * hh else ""


def median_defined(values: np.ndarray) -> float:
    """The median of the values that are not NaN.

    Parameters
    ----------
    values : ndarray
        Scores, NaN where there is none.

    Returns
    -------
    float
        NaN if no value is defined.

    Examples
    --------
    >>> median_defined(np.array([1.0, np.nan, 4.0]))
    2.5
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else math.nan


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 10000,
    seed: int = 0,
) -> dict[str, float]:
    """By how much a exceeds b on the same songs: the median of a - b, with a confidence interval.

    Parameters
    ----------
    a, b : sequence of float, (songs,)
        Scores in dB of two methods on the same songs in the same order. Pairs in which one is
        undefined are left out and counted.
    confidence : float
        Of the interval, between 0 and 1: the percentile bootstrap over songs.
    resamples : int
        How many draws it is made from.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        median, low, high in dB (NaN without pairs); pairs (used) and left_out.

    Raises
    ------
    ValueError
        Unless both have the same length.

    Examples
    --------
    >>> found = paired_difference([5.0, 7.0, 6.0], [4.0, 5.0, 4.5])
    >>> found["low"], found["median"], found["high"], found["pairs"]
    (1.0, 1.5, 2.0, 3)

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993. Chapter 9.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} scores; one for each song is needed from both")
    difference = np.asarray(a, float) - np.asarray(b, float)
    used = difference[np.isfinite(difference)]
    result = {"pairs": len(used), "left_out": len(difference) - len(used)}
    if not len(used):
        return {"median": math.nan, "low": math.nan, "high": math.nan} | result
    draws = np.random.default_rng(seed).integers(len(used), size=(resamples, len(used)))
    medians = np.median(used[draws], axis=1)
    low, high = np.quantile(medians, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"median": float(np.median(used)), "low": float(low), "high": float(high)} | result
