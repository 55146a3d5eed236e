"""Separation by median filtering: masks from the shapes of sounds in the spectrogram (chapter 3).

    V (F, T)  ->  H, P (F, T), enhanced spectrograms  ->  M_p, M_h (F, T), masks in [0, 1]

A steady tone is a horizontal line, a drum hit a vertical one. A median along time keeps the former
and removes the latter as an outlier; a median along frequency does the reverse.
D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010.
J. Driedger, M. Mueller, S. Disch, "Extending harmonic-percussive separation of audio signals",
ISMIR 2014.
"""

import math

import numpy as np

from hpss_lib.stft import SAMPLE_RATE, StftSettings

HARMONIC_SECONDS = 0.36  # 31 frames in the compact setting
PERCUSSIVE_HERTZ = 667.0  # 31 bins in the compact setting


def seconds_to_frames(seconds: float, settings: StftSettings) -> int:
    """Find the odd number of frames that spans `seconds` most nearly, at least 1.

    Odd, so that a kernel has a middle.

    Parameters
    ----------
    seconds : float
        Above 0.
    settings : StftSettings

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Unless seconds > 0 and finite.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> seconds_to_frames(0.36, COMPACT)
    31

    References
    ----------
    Chapter 3.
    """
    return _nearest_odd(seconds * SAMPLE_RATE / settings.hop, seconds, "seconds")


def hertz_to_bins(hertz: float, settings: StftSettings) -> int:
    """Find the odd number of frequency bins that spans `hertz` most nearly, at least 1.

    Odd, so that a kernel has a middle.

    Parameters
    ----------
    hertz : float
        Above 0.
    settings : StftSettings

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Unless hertz > 0 and finite.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> hertz_to_bins(667.0, COMPACT)
    31

    References
    ----------
    Chapter 3.
    """
    return _nearest_odd(hertz * settings.n_fft / SAMPLE_RATE, hertz, "hertz")


def _nearest_odd(size: float, given: float, unit: str) -> int:
    if not 0 < given < math.inf:
        raise ValueError(f"the kernel is {given} {unit} long; it must be positive and finite")
    return 2 * round((size - 1) / 2) + 1 if size > 1 else 1


def harmonic_enhanced(V: np.ndarray, frames: int) -> np.ndarray:
    """Compute H, each bin's median over the `frames` frames around it, so that clicks vanish.

    Parameters
    ----------
    V : ndarray, (F, T)
        Magnitudes, float >= 0. Beyond the edges V is mirrored.
    frames : int
        Length of the kernel, odd.

    Returns
    -------
    H : ndarray, (F, T)

    Raises
    ------
    ValueError
        On an even kernel or on values that are not finite and >= 0.

    Examples
    --------
    >>> harmonic_enhanced(np.array([[1.0, 1.0, 9.0, 1.0, 1.0]]), 3).tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0]]

    References
    ----------
    FitzGerald (2010). Chapter 3.
    """
    check_magnitude(V)
    return _running_median(V, frames)


def percussive_enhanced(V: np.ndarray, bins: int) -> np.ndarray:
    """Compute P, each bin's median over the `bins` bins around it, so that tones vanish.

    Parameters
    ----------
    V : ndarray, (F, T)
        Magnitudes, float >= 0. Beyond the edges V is mirrored.
    bins : int
        Length of the kernel, odd.

    Returns
    -------
    P : ndarray, (F, T)

    Raises
    ------
    ValueError
        On an even kernel or on values that are not finite and >= 0.

    Examples
    --------
    >>> percussive_enhanced(np.array([[1.0], [1.0], [9.0], [1.0]]), 3).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0]

    References
    ----------
    FitzGerald (2010). Chapter 3.
    """
    check_magnitude(V)
    return _running_median(V.T, bins).T


def _running_median(V: np.ndarray, size: int) -> np.ndarray:
    """The median over `size` neighbours along the last axis, the edges mirrored."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"the kernel has {size} elements; it must be odd and at least 1")
    from scipy.ndimage import median_filter

    half = size // 2
    mirrored = np.pad(V, ((0, 0), (half, half)), mode="symmetric")
    H = np.empty_like(V)
    # Row by row: scipy's filter of one-dimensional arrays is a running one, ten times faster than
    # its filter of images. The mirrored edges are ours because scipy's are wrong for two frames.
    for f, row in enumerate(mirrored):
        H[f] = median_filter(row, size)[half : half + V.shape[1]]
    return H


def soft_mask(A: np.ndarray, B: np.ndarray, *, power: float = 2.0) -> np.ndarray:
    """Compute the share of A in each bin, ``A^power / (A^power + B^power)``.

    Parameters
    ----------
    A, B : ndarray, (F, T)
        float >= 0.
    power : float
        Above 0; 2 makes it a Wiener filter.

    Returns
    -------
    ndarray, (F, T)
        In [0, 1], 1/2 where both are 0.

    Examples
    --------
    >>> soft_mask(np.array([1.0, 0.0]), np.array([1.0, 0.0])).tolist()
    [0.5, 0.5]

    References
    ----------
    FitzGerald (2010). Chapter 3.
    """
    # Dividing by the larger one first keeps large powers of small numbers from vanishing.
    larger = np.maximum(A, B)
    empty = larger < np.finfo(larger.dtype).tiny
    larger[empty] = 1
    a, b = (A / larger) ** power, (B / larger) ** power
    a[empty] = b[empty] = 0.5
    return a / (a + b)


def binary_mask(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Compute the mask that is 1 where A > B, else 0.

    Parameters
    ----------
    A, B : ndarray, (F, T)

    Returns
    -------
    ndarray, (F, T)
        Of A's type.

    Examples
    --------
    >>> binary_mask(np.array([3.0, 1.0]), np.array([1.0, 1.0])).tolist()
    [1.0, 0.0]

    References
    ----------
    FitzGerald (2010). Chapter 3.
    """
    return (A > B).astype(A.dtype)


def masks(
    P: np.ndarray, H: np.ndarray, *, power: float = 2.0, margin: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Compute percussive and harmonic masks from the enhanced spectrograms.

    What M_p and M_h miss to 1 is the residual (`residual_mask`). With margin 1 soft masks leave
    none, binary masks the bins in which P = H. Where P = H = 0, soft masks are 1/2 with margin 1
    and 0 with a larger one.

    Parameters
    ----------
    P, H : ndarray, (F, T)
        float >= 0.
    power : float
        Of the soft masks, above 0; math.inf: binary masks.
    margin : float
        How many times one spectrogram must exceed the other to count, at least 1 (Driedger's
        beta).

    Returns
    -------
    M_p, M_h : ndarray, (F, T)
        In [0, 1] with M_p + M_h <= 1.

    Raises
    ------
    ValueError
        On other options.

    Examples
    --------
    >>> M_p, M_h = masks(np.array([3.0]), np.array([1.0]), margin=2.0)
    >>> M_p.round(3).tolist(), M_h.round(3).tolist()
    ([0.692], [0.027])

    References
    ----------
    FitzGerald (2010), Driedger et al. (2014). Chapter 3.
    """
    if not power > 0:
        raise ValueError(f"power is {power}; it must be positive (math.inf: binary masks)")
    if not 1 <= margin < math.inf:
        raise ValueError(f"margin is {margin}; it must be at least 1, and finite")
    if power == math.inf:
        return binary_mask(P, margin * H), binary_mask(H, margin * P)
    M_p = soft_mask(P, margin * H, power=power)
    if margin == 1:
        return M_p, 1 - M_p
    M_h = soft_mask(H, margin * P, power=power)
    undecided = (P == 0) & (H == 0)
    M_p[undecided] = M_h[undecided] = 0
    return M_p, M_h


def residual_mask(M_p: np.ndarray, M_h: np.ndarray) -> np.ndarray:
    """Compute what neither mask claims, 1 - M_p - M_h, never below 0.

    Parameters
    ----------
    M_p, M_h : ndarray, (F, T)
        In [0, 1].

    Returns
    -------
    ndarray, (F, T)

    Examples
    --------
    >>> residual_mask(np.array([0.5, 0.75]), np.array([0.25, 0.25])).tolist()
    [0.25, 0.0]

    References
    ----------
    Driedger et al. (2014). Chapter 3.
    """
    return np.maximum(1 - M_p - M_h, 0)


def median_hpss(
    V: np.ndarray,
    settings: StftSettings,
    *,
    harmonic_seconds: float = HARMONIC_SECONDS,
    percussive_hertz: float = PERCUSSIVE_HERTZ,
    power: float = 2.0,
    margin: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute percussive and harmonic masks of a magnitude spectrogram by median filtering.

    Parameters
    ----------
    V : ndarray, (F, T)
        Magnitudes, float >= 0, in `settings`.
    settings : StftSettings
    harmonic_seconds : float
        Length of the kernel along time.
    percussive_hertz : float
        Length of the kernel along frequency.
    power, margin : float
        As in `masks`.

    Returns
    -------
    M_p, M_h : ndarray, (F, T)
        In [0, 1].

    Raises
    ------
    ValueError
        On negative, NaN or infinite magnitudes and on options out of range.

    Examples
    --------
    A tone in bin 40, and a click in frame 50: the masks at either.

    >>> from hpss_lib.stft import COMPACT
    >>> V = np.zeros((1025, 100))
    >>> V[40] = V[:, 50] = 1.0
    >>> M_p, M_h = median_hpss(V, COMPACT)
    >>> M_h[40, 10].item(), M_p[40, 10].item(), M_h[500, 50].item(), M_p[500, 50].item()
    (1.0, 0.0, 0.0, 1.0)

    References
    ----------
    FitzGerald (2010), Driedger et al. (2014). Chapter 3.
    """
    H = harmonic_enhanced(V, seconds_to_frames(harmonic_seconds, settings))
    P = percussive_enhanced(V, hertz_to_bins(percussive_hertz, settings))
    return masks(P, H, power=power, margin=margin)


def check_magnitude(V: np.ndarray) -> None:
    """Refuse what is no magnitude spectrogram.

    Parameters
    ----------
    V : ndarray
        To be (F, T): real floats, finite, >= 0, at least one.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_magnitude(np.full((2, 2), -1.0))
    Traceback (most recent call last):
    ...
    ValueError: V holds negative, NaN or infinite values; magnitudes are finite and >= 0
    """
    if V.ndim != 2 or V.size == 0 or V.dtype.kind != "f":
        raise ValueError(
            f"V is {V.dtype} of shape {V.shape}; a magnitude spectrogram (F, T) of floats is "
            "accepted: np.abs(X)"
        )
    # One comparison catches negative values, infinity and NaN alike.
    if not (V.min() >= 0 and V.max() < math.inf):
        raise ValueError("V holds negative, NaN or infinite values; magnitudes are finite and >= 0")
