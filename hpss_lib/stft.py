"""The short-time Fourier transform and its least-squares inverse (chapter 2).

    x (n,) real  ->  X (F, T) complex  ->  x (n,) real

Frame t is centred on sample t * hop; the signal is zero outside its n samples; T = 1 + n // hop.
The window stands in the middle of the FFT frame and is divided by sqrt(n_fft), so that noise keeps
its size whatever the FFT size (a tone grows with its root, a click shrinks). This is what
torch.stft computes with center=True, pad_mode="constant", normalized=True. Centred means to a
sample: the middle of the window stands 1 sample before t * hop in setting 1, 1/2 in setting 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike

SAMPLE_RATE = 44100  # Hz; every setting below is meant for it

# Frames that are transformed at once: enough to keep numpy busy, few enough to stay in the cache.
_FRAMES_AT_ONCE = 128


@dataclass(frozen=True)
class StftSettings:
    """The four choices behind a spectrogram; any other than these raises ValueError.

    Parameters
    ----------
    n_fft : int
        FFT size in samples, even.
    window_length : int
        In samples, from 2 to `n_fft`.
    hop : int
        Samples from one frame to the next, at least 1.
    window : str
        "hamming" (symmetric) or "hann" (periodic).

    Examples
    --------
    >>> StftSettings(n_fft=2048, window_length=2048, hop=512, window="hann").bins
    1025

    References
    ----------
    Chapter 2.
    """

    n_fft: int
    window_length: int
    hop: int
    window: str

    def __post_init__(self):
        """Refuse settings that have no meaning."""
        for name in ("n_fft", "window_length", "hop"):
            if not isinstance(getattr(self, name), int | np.integer):
                raise TypeError(f"{name} is {getattr(self, name)!r}; it must be a whole number")
        if self.n_fft < 2 or self.n_fft % 2:
            raise ValueError(f"n_fft is {self.n_fft}; it must be an even number of samples, >= 2")
        if not 2 <= self.window_length <= self.n_fft:
            raise ValueError(
                f"window_length is {self.window_length} samples; it must lie between 2 and "
                f"n_fft = {self.n_fft}"
            )
        if self.hop < 1:
            raise ValueError(f"hop is {self.hop} samples; it must be at least 1")
        if self.window not in ("hamming", "hann"):
            raise ValueError(f'window is {self.window!r}; accepted are "hamming" and "hann"')

    @property
    def bins(self) -> int:
        """F, the number of frequency bins from 0 Hz to half the sample rate, both included."""
        return self.n_fft // 2 + 1

    def frames(self, length: int) -> int:
        """T, the number of frames of a signal of `length` samples."""
        return 1 + length // self.hop


SETTING_1 = StftSettings(n_fft=4096, window_length=2049, hop=384, window="hamming")
SETTING_2 = StftSettings(n_fft=4096, window_length=4096, hop=1024, window="hamming")
COMPACT = StftSettings(n_fft=2048, window_length=2048, hop=512, window="hann")
SETTINGS = {"1": SETTING_1, "2": SETTING_2, "compact": COMPACT}


def find_settings(setting: str | StftSettings) -> StftSettings:
    """Find the settings of a name in SETTINGS, or return those given.

    Parameters
    ----------
    setting : str or StftSettings
        "1", "2" (the paper's two), "compact" (the shipped network's), or settings.

    Returns
    -------
    StftSettings

    Raises
    ------
    ValueError
        If there is no such name.

    Examples
    --------
    >>> find_settings("2").hop
    1024
    """
    if isinstance(setting, StftSettings):
        return setting
    if setting not in SETTINGS:
        raise ValueError(f"there is no setting {setting!r}; accepted are {', '.join(SETTINGS)}")
    return SETTINGS[setting]


def analysis_window(settings: StftSettings) -> np.ndarray:
    """Compute the analysis window in its FFT frame, divided by sqrt(n_fft).

    Shorter windows are padded with zeros to n_fft, half on each side (where an odd number of zeros
    is left, the extra one goes to the right, as in torch and librosa).

    Parameters
    ----------
    settings : StftSettings

    Returns
    -------
    ndarray, (n_fft,)
        float64, >= 0.

    Examples
    --------
    >>> w = analysis_window(SETTING_1)
    >>> len(w), int(np.count_nonzero(w))
    (4096, 2049)

    References
    ----------
    Chapter 2.
    """
    n = np.arange(settings.window_length)
    if settings.window == "hamming":  # symmetric: the last sample equals the first
        w = 0.54 - 0.46 * np.cos(2 * np.pi * n / (settings.window_length - 1))
    else:  # periodic Hann: shifted copies add up to a constant
        w = 0.5 - 0.5 * np.cos(2 * np.pi * n / settings.window_length)
    left = (settings.n_fft - settings.window_length) // 2
    frame = np.zeros(settings.n_fft)
    frame[left : left + settings.window_length] = w
    return frame / np.sqrt(settings.n_fft)


def stft(x: np.ndarray, settings: StftSettings) -> np.ndarray:
    """Compute the spectrogram X of a signal x.

    ``X[f, t] = sum_n x[n + t hop - n_fft/2] w[n] e^(-2 pi i f n / n_fft)``

    Parameters
    ----------
    x : ndarray, (n,)
        float32 or float64, n >= 1, finite.
    settings : StftSettings

    Returns
    -------
    X : ndarray, (F, T)
        complex64 or complex128 with F = settings.bins and T = 1 + n // hop, stored frame after
        frame.

    Raises
    ------
    ValueError
        If x is empty, is not one-dimensional or holds NaN or infinity.
    TypeError
        If x is not of a float type.

    Examples
    --------
    A tone that turns 100 times in one FFT frame stands in bin 100.

    >>> x = np.cos(2 * np.pi * 100 / 2048 * np.arange(4096))
    >>> X = stft(x, COMPACT)
    >>> X.shape, int(np.abs(X[:, 4]).argmax())
    ((1025, 9), 100)

    References
    ----------
    Chapter 2.
    """
    check_signal(x)
    return stft_frames(x, settings, 0, settings.frames(len(x)))


def stft_frames(x: np.ndarray, settings: StftSettings, first: int, last: int) -> np.ndarray:
    """Compute frames first, ..., last - 1 of `stft` without computing the others.

    For signals whose whole spectrogram would not fit in memory.

    Parameters
    ----------
    x : ndarray, (n,)
        As in `stft`, not checked.
    settings : StftSettings
    first, last : int
        The first frame, and the one after the last.

    Returns
    -------
    ndarray, (F, last - first)
        complex64 or complex128.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(4096)
    >>> np.allclose(stft_frames(x, COMPACT, 3, 5), stft(x, COMPACT)[:, 3:5])
    True

    References
    ----------
    Chapter 2.
    """
    n_fft, hop = settings.n_fft, settings.hop
    w = analysis_window(settings).astype(x.dtype)
    X = np.empty((last - first, settings.bins), np.result_type(x.dtype, np.complex64))
    for a in range(first, last, _FRAMES_AT_ONCE):
        b = min(a + _FRAMES_AT_ONCE, last)
        start = a * hop - n_fft // 2
        samples = _zero_extended(x, start, start + (b - a - 1) * hop + n_fft)
        frames = sliding_window_view(samples, n_fft)[::hop]
        X[a - first : b - first] = np.fft.rfft(frames * w, axis=1)
    return X.T


def istft(X: np.ndarray, settings: StftSettings, length: int) -> np.ndarray:
    """Find the signal whose spectrogram comes nearest to X in the least-squares sense.

    Parameters
    ----------
    X : ndarray, (F, T)
        complex64 or complex128 with T = 1 + length // hop.
    settings : StftSettings
    length : int
        Samples of the signal, at least 1.

    Returns
    -------
    x : ndarray, (length,)
        float32 or float64; of ``stft(x)`` it is x again.

    Raises
    ------
    ValueError
        If X does not have the shape of a spectrogram of `length` samples, or if the hop is so
        large that the windows leave a sample uncovered.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(5000)
    >>> np.allclose(istft(stft(x, COMPACT), COMPACT, 5000), x)
    True

    References
    ----------
    Griffin and Lim (1984), equation 6. Chapter 2.
    """
    if length < 1:
        raise ValueError(f"length is {length} samples; it must be at least 1")
    expected = (settings.bins, settings.frames(length))
    if X.shape != expected:
        raise ValueError(
            f"X has shape {X.shape}; a signal of {length} samples has a spectrogram of shape "
            f"{expected} in these settings"
        )
    x = np.zeros(length, np.real(X).dtype)
    overlap_add(x, X, settings, 0)
    return x / overlapped_window(settings, length, x.dtype)


def overlap_add(x: np.ndarray, X: np.ndarray, settings: StftSettings, first: int) -> None:
    """Add the windowed signals of frames X to x IN PLACE.

    The numerator of the least-squares inverse, a few frames at a time, so that a long signal can
    be resynthesised without its whole spectrogram: add all frames, in order, then divide by
    `overlapped_window`.

    Parameters
    ----------
    x : ndarray, (n,)
        Real; changed.
    X : ndarray, (F, frames)
        Complex.
    settings : StftSettings
    first : int
        Which frame of the signal the first one of X is.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(4096)
    >>> y = np.zeros(4096)
    >>> overlap_add(y, stft_frames(x, COMPACT, 0, 5), COMPACT, 0)
    >>> overlap_add(y, stft_frames(x, COMPACT, 5, 9), COMPACT, 5)
    >>> np.allclose(y / overlapped_window(COMPACT, 4096), x)
    True

    References
    ----------
    Griffin and Lim (1984), equation 6. Chapter 2.
    """
    n_fft, hop, n = settings.n_fft, settings.hop, len(x)
    w = analysis_window(settings).astype(x.dtype)
    for a in range(0, X.shape[1], _FRAMES_AT_ONCE):
        frames = w * np.fft.irfft(X[:, a : a + _FRAMES_AT_ONCE].T, n_fft, axis=1)
        for t, frame in enumerate(frames, start=first + a):
            start = t * hop - n_fft // 2
            inside = slice(max(start, 0), min(start + n_fft, n))
            x[inside] += frame[inside.start - start : inside.stop - start]


def overlapped_window(
    settings: StftSettings, length: int, dtype: DTypeLike = np.float64
) -> np.ndarray:
    """Sum all frames' squared windows at each sample: the least-squares inverse's denominator.

    Parameters
    ----------
    settings : StftSettings
    length : int
        Samples of the signal.
    dtype : dtype, optional
        float64 by default.

    Returns
    -------
    ndarray, (length,)
        Above 0.

    Raises
    ------
    ValueError
        Where it is too small to divide by: the hop is too large for the window.

    Examples
    --------
    >>> total = overlapped_window(COMPACT, 8192)
    >>> np.allclose(total[1024:-1024], total[4096])
    True

    References
    ----------
    Chapter 2.
    """
    total = np.zeros(length, dtype)
    add_windows(total, settings, 0, settings.frames(length))
    check_covered(total, settings)
    return total


def add_windows(total: np.ndarray, settings: StftSettings, first: int, last: int) -> None:
    """Add the squared windows of frames first, ..., last - 1 to `total` IN PLACE.

    What `overlap_add` is for the numerator of the least-squares inverse, for its denominator.

    Parameters
    ----------
    total : ndarray, (n,)
        Real; changed.
    settings : StftSettings
    first, last : int
        The first frame, and the one after the last.

    Examples
    --------
    >>> total = np.zeros(4096)
    >>> add_windows(total, COMPACT, 0, 9)
    >>> np.array_equal(total, overlapped_window(COMPACT, 4096))
    True
    """
    n_fft, hop, n = settings.n_fft, settings.hop, len(total)
    w2 = analysis_window(settings) ** 2
    for t in range(first, last):
        start = t * hop - n_fft // 2
        inside = slice(max(start, 0), min(start + n_fft, n))
        total[inside] += w2[inside.start - start : inside.stop - start]


def check_covered(total: np.ndarray, settings: StftSettings, *, start: int = 0) -> None:
    """Refuse a sum of squared windows that is (almost) zero somewhere.

    Parameters
    ----------
    total : ndarray, (n,)
        From `add_windows`.
    settings : StftSettings
    start : int
        The sample that total[0] is, to name it.

    Raises
    ------
    ValueError
        With the sample, and a hop that would do.

    Examples
    --------
    >>> check_covered(overlapped_window(COMPACT, 4096), COMPACT)
    """
    w2 = analysis_window(settings) ** 2
    # Dividing by a window below a thousand roundings would return noise in place of the signal.
    if total.min() < (1000 * np.finfo(total.dtype).eps) ** 2 * w2.max():
        raise ValueError(
            f"sample {start + int(total.argmin())} lies under (almost) no window: hop "
            f"{settings.hop} is too large for a {settings.window} window of "
            f"{settings.window_length} samples; use a hop of at most {settings.window_length // 4}"
        )


def _zero_extended(x: np.ndarray, start: int, stop: int) -> np.ndarray:
    """x[start:stop] of a signal that is zero before its first and after its last sample."""
    inside = x[max(start, 0) : stop]
    before = max(-start, 0)
    return np.pad(inside, (before, stop - start - before - len(inside)))


def check_signal(x: np.ndarray) -> None:
    """Refuse what is no signal.

    Parameters
    ----------
    x : ndarray
        To be (n,) float32 or float64, n >= 1, and finite.

    Raises
    ------
    TypeError
        If x is not of a float type.
    ValueError
        If x is empty, is not one-dimensional or holds NaN or infinity.

    Examples
    --------
    >>> check_signal(np.array([]))
    Traceback (most recent call last):
    ...
    ValueError: x is empty; a signal has at least one sample
    """
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"x holds {x.dtype} values; accepted are float32 and float64 "
            "(integer samples: divide by their full scale first)"
        )
    if x.ndim != 1:
        raise ValueError(
            f"x has shape {x.shape}; a mono signal (n,) is accepted (stereo: one channel at a time)"
        )
    if len(x) == 0:
        raise ValueError("x is empty; a signal has at least one sample")
    if not np.isfinite(x).all():
        raise ValueError(
            f"x holds {np.count_nonzero(~np.isfinite(x))} NaN or infinite samples; replace them "
            "(for instance by np.nan_to_num) if you know where they come from"
        )
