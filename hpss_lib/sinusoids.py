"""Sinusoids in a spectrogram: peaks, regions of influence, instantaneous frequency, phase (chapter 7).

    one frame v (F,)  ->  peaks (P,)  ->  frequencies (P,), borders (P - 1,)  ->  f (F,)
    phase at t - 1 (F,), f (F,)  ->  phase at t (F,)

Frequencies are in bins of the FFT: f sample_rate / n_fft is in hertz. Every bin of a frame takes
the frequency of the sinusoid in whose region of influence it lies, and its phase moves on by what
that sinusoid turns in one hop: phi(t) = phi(t - 1) + 2 pi hop / n_fft f(t).

The phases are those of `hpss_lib.stft`, which count from the first sample of the FFT frame while
the window stands in its middle. The bins of one main lobe therefore alternate in sign; the
propagation does not see it, because each bin goes on from its own phase.
"""  # noqa: E501

import numpy as np

from hpss_lib.stft import SAMPLE_RATE, StftSettings

THRESHOLD = 0.01  # of the frame's maximum: lower peaks are not taken for sinusoids


def pick_peaks(v: np.ndarray, *, threshold: float = THRESHOLD) -> np.ndarray:
    """Find the local maxima of a frame v that exceed `threshold` times its maximum.

    The first and the last bin have only one neighbour and are no peaks. Of a plateau the middle
    counts (the lower one of two). Silence has no peak.

    Parameters
    ----------
    v : ndarray, (F,)
        Real, >= 0, finite.
    threshold : float
        0 to 1.

    Returns
    -------
    ndarray, (P,)
        Ascending bins between 1 and F - 2.

    Raises
    ------
    ValueError
        If v is no such frame.

    Examples
    --------
    >>> pick_peaks(np.array([0.0, 1.0, 3.0, 1.0, 2.0, 0.0])).tolist()
    [2, 4]

    References
    ----------
    Chapter 7.
    """
    v = _frame(v)
    first = np.flatnonzero(np.diff(v, prepend=-1.0))  # where runs of equal values begin
    last = np.append(first[1:], len(v)) - 1
    run = v[first]
    higher = (run[1:-1] > run[:-2]) & (run[1:-1] > run[2:]) & (run[1:-1] > threshold * v.max())
    return ((first + last) // 2)[1:-1][higher]


def interpolate_peaks(v: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Find the frequencies of the tops of the parabolas through log v around each peak.

    With y- y0 y+ the log magnitudes around a peak,
    ``f = peak + (y+ - y-) / (2 (2 y0 - y+ - y-))``.

    Parameters
    ----------
    v : ndarray, (F,)
        float >= 0.
    peaks : ndarray, (P,)
        From `pick_peaks`.

    Returns
    -------
    ndarray, (P,)
        float64, in bins, at most half a bin from `peaks`.

    Examples
    --------
    >>> v = np.exp(-((np.arange(7) - 3.25) ** 2))
    >>> interpolate_peaks(v, np.array([3])).round(6).tolist()
    [3.25]

    References
    ----------
    Chapter 7.
    """
    y = np.log(np.maximum(_frame(v), np.finfo(float).tiny))  # a neighbour may be zero
    below, above = y[peaks] - y[peaks - 1], y[peaks] - y[peaks + 1]
    curvature = below + above
    flat = curvature == 0  # the middle of a plateau is its own top
    return peaks + np.where(flat, 0, (below - above) / np.where(flat, 1, 2 * curvature))


def region_borders(v: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Find the last bin of each region of influence but the last, which ends the frame.

    Between peaks at f1 < f2 of heights v1, v2 lies ``floor((v2 f1 + v1 f2) / (v1 + v2))``, nearer
    to the lower of the two.

    Parameters
    ----------
    v : ndarray, (F,)
        float >= 0.
    peaks : ndarray, (P,)
        From `pick_peaks`.

    Returns
    -------
    ndarray, (P - 1,)
        Whole numbers.

    Examples
    --------
    >>> v = np.zeros(12)
    >>> v[[2, 9]] = 4.0, 1.0
    >>> region_borders(v, np.array([2, 9])).tolist()
    [7]

    References
    ----------
    Magron, Badeau and David (2018). Chapter 7.
    """
    height = _frame(v)[peaks]
    v1, v2, f1, f2 = height[:-1], height[1:], peaks[:-1], peaks[1:]
    return np.floor((v2 * f1 + v1 * f2) / (v1 + v2)).astype(int)


def instantaneous_frequency(v: np.ndarray, *, threshold: float = THRESHOLD) -> np.ndarray:
    """Find the frequency f of the sinusoid that governs each bin of a frame v.

    Parameters
    ----------
    v : ndarray, (F,)
        Real, >= 0, finite.
    threshold : float
        As in `pick_peaks`.

    Returns
    -------
    ndarray, (F,)
        float64, in bins: in each region of influence the frequency of its peak; without any peak
        (silence) the bins' own centres.

    Raises
    ------
    ValueError
        If v is no such frame.

    Examples
    --------
    >>> v = np.exp(-((np.arange(7) - 3.25) ** 2))
    >>> instantaneous_frequency(v).round(2).tolist()
    [3.25, 3.25, 3.25, 3.25, 3.25, 3.25, 3.25]

    References
    ----------
    Magron, Badeau and David (2018). Chapter 7.
    """
    v = _frame(v)
    bins = np.arange(len(v))
    peaks = pick_peaks(v, threshold=threshold)
    if len(peaks) == 0:
        return bins.astype(float)
    region = np.searchsorted(region_borders(v, peaks), bins)
    return interpolate_peaks(v, peaks)[region]


def propagate(phase: np.ndarray, f: np.ndarray, settings: StftSettings) -> np.ndarray:
    """Turn phases on by one hop: ``phase + 2 pi hop / n_fft f``, wrapped.

    Parameters
    ----------
    phase : ndarray
        Radians.
    f : ndarray
        Frequencies in bins, of the same shape or such that numpy broadcasts them.
    settings : StftSettings
        Hop and FFT size.

    Returns
    -------
    ndarray
        Radians in [-pi, pi].

    Examples
    --------
    A quarter of an FFT frame is a quarter of a turn for bin 1.

    >>> from hpss_lib.stft import COMPACT
    >>> float(propagate(np.array(0.0), np.array(1.0), COMPACT) / np.pi)
    0.5

    References
    ----------
    Chapter 7.
    """
    return np.angle(np.exp(1j * (phase + 2 * np.pi * settings.hop / settings.n_fft * f)))


def frequency_errors(V: np.ndarray, hertz: np.ndarray, settings: StftSettings) -> np.ndarray:
    """Measure how far the instantaneous frequency lies from the truth, frame by frame.

    Parameters
    ----------
    V : ndarray, (F, T)
        Magnitudes.
    hertz : ndarray, (T,)
        True frequencies of one sinusoid.
    settings : StftSettings
        Of V.

    Returns
    -------
    ndarray, (T,)
        float64, in bins: the frequency of the bin that lies nearest to the truth, minus the truth.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT, stft
    >>> x = np.cos(2 * np.pi * 1000.0 / SAMPLE_RATE * np.arange(8192))
    >>> V = np.abs(stft(x, COMPACT))[:, 4:8]
    >>> bool(np.abs(frequency_errors(V, np.full(4, 1000.0), COMPACT)).max() < 0.05)
    True

    References
    ----------
    Chapter 7.
    """
    truth = np.asarray(hertz) * settings.n_fft / SAMPLE_RATE
    return np.array(
        [instantaneous_frequency(v)[round(k)] - k for v, k in zip(V.T, truth, strict=True)]
    )


def _frame(v: np.ndarray) -> np.ndarray:
    """V in double precision, or an error that says why it is not the magnitudes of a frame."""
    v = np.asarray(v, dtype=float)
    if v.ndim != 1 or len(v) < 3:
        raise ValueError(f"v has shape {v.shape}; one frame (F,) with F >= 3 is accepted")
    if not (np.isfinite(v).all() and v.min() >= 0):
        raise ValueError("v holds negative, infinite or NaN values; magnitudes are accepted")
    return v
