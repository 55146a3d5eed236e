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
    """The bins of the local maxima of a frame v that exceed `threshold` times its maximum.

    v: (F,) real, >= 0, finite. threshold: 0 to 1. Returns (P,) ascending whole numbers between 1
    and F - 2: the first and the last bin have only one neighbour and are no peaks. Of a plateau
    the middle counts (the lower one of two). Silence has no peak. Raises ValueError if v is no
    such frame. Chapter 7.
    """
    v = _frame(v)
    first = np.flatnonzero(np.diff(v, prepend=-1.0))  # where runs of equal values begin
    last = np.append(first[1:], len(v)) - 1
    run = v[first]
    higher = (run[1:-1] > run[:-2]) & (run[1:-1] > run[2:]) & (run[1:-1] > threshold * v.max())
    return ((first + last) // 2)[1:-1][higher]


def interpolate_peaks(v: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """The frequencies, in bins, of the tops of the parabolas through log v around each peak.

    v: (F,) >= 0; peaks: (P,) from `pick_peaks`. Returns (P,) float64, at most half a bin from
    `peaks`: with y- y0 y+ the log magnitudes around a peak,
    f = peak + (y+ - y-) / (2 (2 y0 - y+ - y-)). Chapter 7.
    """
    y = np.log(np.maximum(_frame(v), np.finfo(float).tiny))  # a neighbour may be zero
    below, above = y[peaks] - y[peaks - 1], y[peaks] - y[peaks + 1]
    curvature = below + above
    flat = curvature == 0  # the middle of a plateau is its own top
    return peaks + np.where(flat, 0, (below - above) / np.where(flat, 1, 2 * curvature))


def region_borders(v: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """The last bin of each peak's region of influence but the last one's, which ends the frame.

    v: (F,) >= 0; peaks: (P,) from `pick_peaks`. Returns (P - 1,) whole numbers: between peaks at
    f1 < f2 of heights v1, v2 lies floor((v2 f1 + v1 f2) / (v1 + v2)), nearer to the lower of the
    two. Magron, Badeau and David (2018). Chapter 7.
    """
    height = _frame(v)[peaks]
    v1, v2, f1, f2 = height[:-1], height[1:], peaks[:-1], peaks[1:]
    return np.floor((v2 * f1 + v1 * f2) / (v1 + v2)).astype(int)


def instantaneous_frequency(v: np.ndarray, *, threshold: float = THRESHOLD) -> np.ndarray:
    """The frequency f, in bins, of the sinusoid that governs each bin of a frame v.

    v: (F,) real, >= 0, finite. Returns (F,) float64: in each region of influence the frequency of
    its peak; without any peak (silence) the bins' own centres. Raises ValueError if v is no such
    frame. Magron, Badeau and David (2018). Chapter 7.
    """
    v = _frame(v)
    bins = np.arange(len(v))
    peaks = pick_peaks(v, threshold=threshold)
    if len(peaks) == 0:
        return bins.astype(float)
    region = np.searchsorted(region_borders(v, peaks), bins)
    return interpolate_peaks(v, peaks)[region]


def propagate(phase: np.ndarray, f: np.ndarray, settings: StftSettings) -> np.ndarray:
    """The phases one hop later of sinusoids of f bins: phase + 2 pi hop / n_fft f, wrapped.

    phase: radians; f: bins; both of one shape, or such that numpy broadcasts them. Returns radians
    in [-pi, pi]. Chapter 7.
    """
    return np.angle(np.exp(1j * (phase + 2 * np.pi * settings.hop / settings.n_fft * f)))


def frequency_errors(V: np.ndarray, hertz: np.ndarray, settings: StftSettings) -> np.ndarray:
    """How far the instantaneous frequency lies from the truth, frame by frame, in bins.

    V: (F, T) magnitudes; hertz: (T,) true frequencies of one sinusoid. Returns (T,) float64: the
    frequency of the bin that lies nearest to the truth, minus the truth. Chapter 7.
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
