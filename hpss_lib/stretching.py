"""Slower or faster at the same pitch, each part by the means that suits it (chapter 11).

    s_p, s_h  ->  overlap-add(s_p), phase vocoder(s_h)  ->  their sum, longer by a factor

A phase vocoder lets tones go on and smears strokes; overlap-add keeps strokes and breaks tones.
After a separation each is given what it is good at (Driedger, Müller and Ewert 2014).
"""

import math

import numpy as np

from hpss_lib.audio import fit, resample
from hpss_lib.sinusoids import pick_peaks, region_borders
from hpss_lib.stft import COMPACT, SAMPLE_RATE, StftSettings, check_signal, istft, stft

FRAME = 512  # samples of an overlap-add frame, 12 ms: shorter than what two strokes are apart
FACTORS = 0.1, 10.0  # the least and the greatest factor that is accepted
_NEAR, _FIRST, _BEFORE = 0.012, 0.01, 0.02  # s: how far a stroke is looked for, and compared with
_FLOOR = 1e-12  # of power: against digital silence a stroke would rise without end


def phase_vocoder(
    X: np.ndarray, factor: float, length: int, settings: StftSettings, *, locked: bool = True
) -> np.ndarray:
    """Take a spectrogram apart in time: as many times longer, every tone at its own pitch.

    Frame t of the result has the magnitudes that X has at t / factor, between two frames in
    proportion. Its phases go on from its frame before by what they went on in X there, from one
    frame to the next: ``phase[t] = phase[t - 1] + (angle X[u + 1] - angle X[u])`` with
    ``u = floor((t - 1) / factor)``. All hops are alike, so the angle's difference may be taken as
    it is, without unwrapping.

    Parameters
    ----------
    X : ndarray, (F, T)
        complex64 or complex128.
    factor : float
        Of the duration, from 0.1 to 10; above 1 is slower.
    length : int
        Samples of the signal that the result is to become: round(n factor) for X of n samples.
    settings : StftSettings
        Of X and of the result.
    locked : bool
        Only peaks go on so, and the bins around a peak keep the phases to it that they have in X
        (`lock_phases`). False: every bin for itself; a tone's bins then drift apart.

    Returns
    -------
    ndarray, (F, 1 + length // hop)
        complex64 or complex128.

    Raises
    ------
    ValueError
        If the factor is not accepted, or X has another number of bins than the settings.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(8000)
    >>> X = stft(x, COMPACT)
    >>> np.allclose(phase_vocoder(X, 1.0, 8000, COMPACT), X)
    True

    References
    ----------
    Flanagan and Golden (1966); Laroche and Dolson (1999). Chapter 11.
    """
    _check_factor(factor)
    if X.ndim != 2 or X.shape[0] != settings.bins:
        raise ValueError(f"X has shape {X.shape}; these settings need ({settings.bins}, T)")
    # Where the frames of the result lie in X; behind its end stands its last frame.
    at = np.minimum(np.arange(settings.frames(length)) / factor, X.shape[1] - 1)
    before = at.astype(int)
    after = np.minimum(before + 1, X.shape[1] - 1)
    V, share = np.abs(X), at - before
    V = (1 - share) * V[:, before] + share * V[:, after]
    phase = np.angle(X).astype(np.float64)
    turned = phase[:, after[:-1]] - phase[:, before[:-1]]
    if not locked:
        result = phase[:, :1] + np.cumsum(np.pad(turned, ((0, 0), (1, 0))), axis=1)
        return (V * np.exp(1j * result)).astype(X.dtype)
    result = np.repeat(phase[:, :1], V.shape[1], axis=1)
    for t, u in enumerate(after[:-1]):
        result[:, t + 1] = lock_phases(result[:, t] + turned[:, t], phase[:, u], np.abs(X[:, u]))
    return (V * np.exp(1j * result)).astype(X.dtype)


def lock_phases(phase: np.ndarray, measured: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Let each bin keep the phase to its peak that was measured there.

    ``measured[k] + (phase[p] - measured[p])`` for the bins k around the peak p: the regions of
    influence of chapter 7.

    Parameters
    ----------
    phase : ndarray, (F,)
        In radians; that of the peaks counts.
    measured : ndarray, (F,)
        In radians: those of a frame of the original.
    v : ndarray, (F,)
        float >= 0: the magnitudes of that frame.

    Returns
    -------
    ndarray, (F,)
        In radians; `phase` itself where no bin is a peak.

    Examples
    --------
    >>> v = np.array([0.0, 1.0, 4.0, 1.0, 0.0])
    >>> lock_phases(np.full(5, 2.0), np.array([0.0, 1.0, 0.0, 1.0, 0.0]), v).tolist()
    [2.0, 3.0, 2.0, 3.0, 2.0]

    References
    ----------
    Laroche and Dolson (1999), identity phase locking. Chapter 11.
    """
    peaks = pick_peaks(v)
    if not len(peaks):
        return phase
    last = np.append(region_borders(v, peaks), len(v) - 1)
    return measured + np.repeat((phase - measured)[peaks], np.diff(last, prepend=-1))


def stretch_tones(x: np.ndarray, factor: float, settings: StftSettings = COMPACT) -> np.ndarray:
    """Stretch a signal by the phase vocoder: right for tones, wrong for strokes.

    Parameters
    ----------
    x : ndarray, (n,)
        float32 or float64, n >= 1.
    factor : float
        Of the duration, from 0.1 to 10; above 1 is slower.
    settings : StftSettings
        Long windows tell tones apart; all of the book's settings do.

    Returns
    -------
    ndarray, (max(1, round(n factor)),)
        float32 or float64.

    Raises
    ------
    ValueError, TypeError
        If x is no signal, or the factor is not accepted.

    Examples
    --------
    A tone of 441 Hz lasts twice as long, and turns 441 times a second still.

    >>> x = np.sin(2 * np.pi * 441 / 44100 * np.arange(44100))
    >>> y = stretch_tones(x, 2.0)
    >>> len(y), int(np.abs(np.fft.rfft(y)).argmax() / 2)
    (88200, 441)

    References
    ----------
    Chapter 11.
    """
    check_signal(x)
    length = stretched_length(len(x), factor)
    return istft(phase_vocoder(stft(x, settings), factor, length, settings), settings, length)


def stretch_strokes(x: np.ndarray, factor: float, frame: int = FRAME) -> np.ndarray:
    """Stretch a signal by overlap-add: right for strokes, wrong for tones.

    Short frames of x, under a Hann window, are put down half a frame apart, each taken from where
    the result's time lies in x; with a factor below 1 as much closer, so that none of x is left
    out. A stroke is in ``2 factor`` of these frames, which put it down again up to
    ``frame (factor - 1) / 2`` samples early or late.

    Parameters
    ----------
    x : ndarray, (n,)
        float32 or float64, n >= 1.
    factor : float
        Of the duration, from 0.1 to 10; above 1 is slower.
    frame : int
        Samples of a frame, even.

    Returns
    -------
    ndarray, (max(1, round(n factor)),)
        float32 or float64.

    Raises
    ------
    ValueError, TypeError
        If x is no signal, the factor is not accepted or the frame is odd or less than 2.

    Examples
    --------
    >>> x = np.zeros(4000)
    >>> x[1000] = 1
    >>> y = stretch_strokes(x, 1.5)
    >>> len(y), int(np.abs(np.flatnonzero(y > 0.01) - 1500).max()) <= FRAME // 4
    (6000, True)

    References
    ----------
    Driedger, Müller and Ewert (2014). Chapter 11.
    """
    check_signal(x)
    if frame < 2 or frame % 2:
        raise ValueError(f"frame is {frame}; it must be an even number of samples, >= 2")
    length, half = stretched_length(len(x), factor), frame // 2
    hop = half * min(1.0, factor)
    m = np.arange(-math.ceil(half / hop), math.ceil((length + half) / hop) + 1)
    centres, sources = np.round(m * hop).astype(int), np.round(m * hop / factor).astype(int)
    w = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(x.dtype)
    # Frame m stands on sample centres[m] of the result, and on sources[m] of x.
    before = half - sources[0]
    padded = np.pad(x, (before, max(0, sources[-1] + half - len(x))))
    y = np.zeros((2, centres[-1] - centres[0] + frame), x.dtype)  # the frames, and their windows
    for centre, source in zip(centres - centres[0], sources + before - half, strict=True):
        y[0, centre : centre + frame] += w * padded[source : source + frame]
        y[1, centre : centre + frame] += w
    y = y[:, half - centres[0] :][:, :length]
    return y[0] / y[1]


def stretch(s_p: np.ndarray, s_h: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Stretch the two parts of a mixture, each by its own means.

    Parameters
    ----------
    s_p, s_h : ndarray, (n,)
        The percussive and the harmonic part, float32 or float64.
    factor : float
        Of the duration, from 0.1 to 10; above 1 is slower.

    Returns
    -------
    (max(1, round(n factor)),), twice
        The stretched parts; the song is their sum.

    Raises
    ------
    ValueError, TypeError
        If a part is no signal, or the factor is not accepted.

    Examples
    --------
    >>> clicks, tone = np.eye(1, 8000, 4000)[0], np.sin(0.1 * np.arange(8000))
    >>> [len(y) for y in stretch(clicks, tone, 1.25)]
    [10000, 10000]

    References
    ----------
    Driedger, Müller and Ewert (2014). Chapter 11.
    """
    return stretch_strokes(s_p, factor), stretch_tones(s_h, factor)


def shift_pitch(x: np.ndarray, semitones: float) -> np.ndarray:
    """Transpose a harmonic part: stretch it by the phase vocoder, then play it faster.

    ``factor = 2^(semitones / 12)``: as many times longer, then resampled to as many times shorter.

    Parameters
    ----------
    x : ndarray, (n,)
        float32 or float64, n >= 1.
    semitones : float
        Upwards, from -36 to 36.

    Returns
    -------
    ndarray, (n,)
        float32 or float64.

    Raises
    ------
    ValueError, TypeError
        If x is no signal, or it is to be shifted by more than three octaves.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 441 / 44100 * np.arange(44100))
    >>> y = shift_pitch(x, 12)
    >>> len(y), int(np.abs(np.fft.rfft(y)).argmax())
    (44100, 882)

    References
    ----------
    Chapter 11.
    """
    check_signal(x)
    if not -36 <= semitones <= 36:
        raise ValueError(f"semitones is {semitones}; accepted are -36 to 36")
    factor = 2 ** (semitones / 12)
    return fit(resample(stretch_tones(x, factor), SAMPLE_RATE * factor, SAMPLE_RATE), len(x))


def attacks(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Measure by how much the first 10 ms of each stroke rise above the 20 ms before it.

    Of the differences from sample to sample, which weigh high frequencies more, as strokes do. A
    stroke is looked for up to 12 ms around its time, and is where it rises most.

    Parameters
    ----------
    x : ndarray, (n,)
        float32 or float64.
    times : ndarray, (m,)
        When the strokes begin, in s.

    Returns
    -------
    ndarray, (m,)
        float64, in dB: 0 where nothing begins; NaN at the ends of x, where 44 ms do not fit in.

    Raises
    ------
    ValueError, TypeError
        If x is no signal.

    Examples
    --------
    A hiss that grows tenfold after half a second, and after that goes on.

    >>> x = np.random.default_rng(0).standard_normal(44100)
    >>> x[:22050] *= 0.1
    >>> attacks(x, np.array([0.5, 0.7])).round().tolist()
    [20.0, 1.0]

    References
    ----------
    Chapter 11.
    """
    check_signal(x)
    near, first, before = (round(s * SAMPLE_RATE) for s in (_NEAR, _FIRST, _BEFORE))
    energy = np.cumsum(np.pad(np.diff(x.astype(np.float64), prepend=x[:1]) ** 2, (1, 0)))
    rises = np.full(len(times), np.nan)
    for m, middle in enumerate(np.round(np.asarray(times) * SAMPLE_RATE).astype(int)):
        n = np.arange(middle - near, middle + near + 1)
        if n[0] >= before and n[-1] + first < len(energy):
            power = (energy[n + first] - energy[n]) / first
            power_before = (energy[n] - energy[n - before]) / before
            rises[m] = 10 * np.log10(((power + _FLOOR) / (power_before + _FLOOR)).max())
    return rises


def tones_kept(x: np.ndarray, y: np.ndarray, factor: float, heard: np.ndarray) -> float:
    """Measure how near the magnitudes of a stretched signal come to those of the original.

    Each frame is compared with that which the original has at its time, between two frames in
    proportion: ``10 log10(sum W^2 / sum (W - |Y|)^2)``. It hears no phase, and says nothing of
    strokes, which are not to be stretched as W is: take the frames in which tones rule.

    Parameters
    ----------
    x, y : ndarray, (n,) and (round(n factor),)
        float32 or float64: the original, and the stretched.
    factor : float
        Of the duration, from 0.1 to 10.
    heard : ndarray, (T,)
        bool: which of the T = 1 + n // 512 frames of x count.

    Returns
    -------
    float
        In dB; infinite where nothing is missed.

    Raises
    ------
    ValueError, TypeError
        If x or y is no signal, or their lengths or `heard` do not fit.

    Examples
    --------
    >>> x = np.sin(0.1 * np.arange(44100))
    >>> everywhere = np.ones(COMPACT.frames(44100), bool)
    >>> by_vocoder = tones_kept(x, stretch_tones(x, 1.5), 1.5, everywhere)
    >>> by_vocoder > tones_kept(x, stretch_strokes(x, 1.5), 1.5, everywhere) + 6
    True

    References
    ----------
    Chapter 11.
    """
    if len(y) != stretched_length(len(x), factor) or len(heard) != COMPACT.frames(len(x)):
        raise ValueError(
            f"{len(x)} samples, stretched by {factor}, are not {len(y)}, or {len(heard)} values "
            f"do not fit the {COMPACT.frames(len(x))} frames"
        )
    V, Y = np.abs(stft(x, COMPACT)), np.abs(stft(y, COMPACT))
    at = np.minimum(np.arange(Y.shape[1]) / factor, V.shape[1] - 1)
    chosen = np.asarray(heard)[np.round(at).astype(int)]
    before, share = at.astype(int), at - at.astype(int)
    after = np.minimum(before + 1, V.shape[1] - 1)
    W = ((1 - share) * V[:, before] + share * V[:, after])[:, chosen].astype(np.float64)
    missed = np.sum((W - Y[:, chosen]) ** 2)
    return float(10 * np.log10(np.sum(W**2) / missed)) if missed > 0 else np.inf


def stretched_length(n: int, factor: float) -> int:
    """Count the samples of n samples stretched: round(n factor), at least one.

    Parameters
    ----------
    n : int
        At least 1.
    factor : float
        From 0.1 to 10.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the factor is not accepted.

    Examples
    --------
    >>> stretched_length(44100, 1.5)
    66150
    """
    _check_factor(factor)
    return max(1, round(n * factor))


def _check_factor(factor: float) -> None:
    least, greatest = FACTORS
    if not (math.isfinite(factor) and least <= factor <= greatest):
        raise ValueError(f"factor is {factor}; accepted are {least:g} to {greatest:g}")
