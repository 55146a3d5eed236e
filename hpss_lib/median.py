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
    """The odd number of frames that spans `seconds` most nearly, at least 1.

    Odd, so that a kernel has a middle. Raises ValueError unless seconds > 0. Chapter 3.
    """
    return _nearest_odd(seconds * SAMPLE_RATE / settings.hop, seconds, "seconds")


def hertz_to_bins(hertz: float, settings: StftSettings) -> int:
    """The odd number of frequency bins that spans `hertz` most nearly, at least 1.

    Odd, so that a kernel has a middle. Raises ValueError unless hertz > 0. Chapter 3.
    """
    return _nearest_odd(hertz * settings.n_fft / SAMPLE_RATE, hertz, "hertz")


def _nearest_odd(size: float, given: float, unit: str) -> int:
    if not 0 < given < math.inf:
        raise ValueError(f"the kernel is {given} {unit} long; it must be positive and finite")
    return 2 * round((size - 1) / 2) + 1 if size > 1 else 1


def harmonic_enhanced(V: np.ndarray, frames: int) -> np.ndarray:
    """H: each bin's median over the `frames` frames around it, so that clicks vanish.

    V: (F, T) float >= 0; frames: odd. Beyond the edges V is mirrored. Returns (F, T).
    Raises ValueError on an even kernel or on values that are not finite and >= 0.
    FitzGerald (2010). Chapter 3.
    """
    check_magnitude(V)
    return _running_median(V, frames)


def percussive_enhanced(V: np.ndarray, bins: int) -> np.ndarray:
    """P: each bin's median over the `bins` bins above and below it, so that tones vanish.

    V: (F, T) float >= 0; bins: odd. Beyond the edges V is mirrored. Returns (F, T).
    Raises ValueError on an even kernel or on values that are not finite and >= 0.
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
    """The share A^power / (A^power + B^power) of A in each bin: in [0, 1], 1/2 where both are 0.

    A, B: (F, T) float >= 0; power > 0; power 2 makes it a Wiener filter. FitzGerald (2010).
    Chapter 3.
    """
    # Dividing by the larger one first keeps large powers of small numbers from vanishing.
    larger = np.maximum(A, B)
    empty = larger < np.finfo(larger.dtype).tiny
    larger[empty] = 1
    a, b = (A / larger) ** power, (B / larger) ** power
    a[empty] = b[empty] = 0.5
    return a / (a + b)


def binary_mask(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """1 where A > B, else 0: (F, T) of A's type. FitzGerald (2010). Chapter 3."""
    return (A > B).astype(A.dtype)


def masks(
    P: np.ndarray, H: np.ndarray, *, power: float = 2.0, margin: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Percussive and harmonic masks (M_p, M_h) from the enhanced spectrograms.

    P, H: (F, T) float >= 0. power > 0: of the soft masks; math.inf: binary masks. margin >= 1: how
    many times one spectrogram must exceed the other to count (Driedger's beta). Returns M_p, M_h:
    (F, T) in [0, 1] with M_p + M_h <= 1; what is missing to 1 is the residual (`residual_mask`).
    With margin 1 soft masks leave none, binary masks the bins in which P = H. Where P = H = 0,
    soft masks are 1/2 with margin 1 and 0 with a larger one. Raises ValueError on other options.
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
    """What neither mask claims, 1 - M_p - M_h, never below 0: (F, T). Driedger et al. (2014)."""
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
    """Percussive and harmonic masks (M_p, M_h) of a magnitude spectrogram by median filtering.

    V: (F, T) float >= 0, in `settings`. harmonic_seconds: length of the kernel along time;
    percussive_hertz: of the one along frequency; power and margin as in `masks`. Returns M_p, M_h:
    (F, T) in [0, 1]. Raises ValueError on negative, NaN or infinite magnitudes and on options out
    of range. FitzGerald (2010), Driedger et al. (2014). Chapter 3.
    """
    H = harmonic_enhanced(V, seconds_to_frames(harmonic_seconds, settings))
    P = percussive_enhanced(V, hertz_to_bins(percussive_hertz, settings))
    return masks(P, H, power=power, margin=margin)


def check_magnitude(V: np.ndarray) -> None:
    """Raise ValueError unless V (F, T) holds magnitudes: real, finite, >= 0, at least one."""
    if V.ndim != 2 or V.size == 0 or V.dtype.kind != "f":
        raise ValueError(
            f"V is {V.dtype} of shape {V.shape}; a magnitude spectrogram (F, T) of floats is "
            "accepted: np.abs(X)"
        )
    # One comparison catches negative values, infinity and NaN alike.
    if not (V.min() >= 0 and V.max() < math.inf):
        raise ValueError("V holds negative, NaN or infinite values; magnitudes are finite and >= 0")
