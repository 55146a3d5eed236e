"""Kernel additive modelling: separation by iterated kernel backfitting (chapter 3).

    V (F, T)  ->  P_p, P_h (F, T), models of the power  ->  M_p, M_h (F, T), masks in [0, 1]

A kernel says where a source looks like itself: a tone the same a moment earlier, a drum hit the
same a few bins further up. Each source's power is modelled as the median over its kernel of the
power that the masks give it, and the models make new masks; a few rounds of it.
A. Liutkus, D. FitzGerald, Z. Rafii, B. Pardo, L. Daudet, "Kernel additive models for source
separation", IEEE Transactions on Signal Processing 62(16), 2014.

A kernel is a rectangle of bins x frames, one for each band of frequencies. Two conventions: the
median of an even number of values is the mean of the two in the middle (as numpy.median has it),
and a kernel of even length reaches one cell further back than forward, to the lower bin or the
earlier frame. (The baseline released beside the paper has others: tools/released_kam.py.)
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hpss_lib.median import check_magnitude, soft_mask
from hpss_lib.stft import SAMPLE_RATE, StftSettings

BAND_ENDS = (250.0, 3000.0, 10000.0, 22050.0)  # Hz, the highest frequency of each band
# Height in Hz and width in seconds of the kernel in each of these bands, as published.
PERCUSSIVE_KERNELS = ((30.0, 0.02), (150.0, 0.0), (200.0, 0.01), (500.0, 0.1))
HARMONIC_KERNELS = ((0.0, 0.1), (0.0, 0.1), (5.0, 0.1), (5.0, 0.4))
ITERATIONS = 6

Kernels = Sequence[tuple[float, float]]

_LINES_AT_ONCE = 16  # ranked together: more lines share the sorting, fewer stay in the cache


def kernel_size(hertz: float, seconds: float, settings: StftSettings) -> tuple[int, int]:
    """Find the whole number of bins and of frames that spans a kernel most nearly.

    Parameters
    ----------
    hertz, seconds : float
        Its height and width, >= 0; 0 is one bin, one frame.
    settings : StftSettings

    Returns
    -------
    bins, frames : int
        At least 1. Unlike the kernels of `hpss_lib.median`, they may be even.

    Raises
    ------
    ValueError
        On a negative or infinite size.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> kernel_size(500.0, 0.1, COMPACT)
    (23, 9)

    References
    ----------
    Chapter 3.
    """
    if not (0 <= hertz < math.inf and 0 <= seconds < math.inf):
        raise ValueError(
            f"the kernel is {hertz} Hz high and {seconds} s wide; both must be >= 0 and finite"
        )
    bins = round(hertz * settings.n_fft / SAMPLE_RATE)
    frames = round(seconds * SAMPLE_RATE / settings.hop)
    return max(1, bins), max(1, frames)


def bands(settings: StftSettings) -> list[slice]:
    """List the bins of each band of BAND_ENDS, from 0 Hz up.

    Parameters
    ----------
    settings : StftSettings

    Returns
    -------
    list of slice
        Together they cover all F bins.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> [band.stop for band in bands(COMPACT)]
    [12, 140, 465, 1025]

    References
    ----------
    Chapter 3.
    """
    ends = [math.floor(end * settings.n_fft / SAMPLE_RATE) + 1 for end in BAND_ENDS]
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]


def context_frames(
    settings: StftSettings,
    *,
    iterations: int = ITERATIONS,
    percussive_kernels: Kernels = PERCUSSIVE_KERNELS,
    harmonic_kernels: Kernels = HARMONIC_KERNELS,
) -> int:
    """Count the frames on each side that a frame's masks depend on: half a kernel an iteration.

    Parameters
    ----------
    settings : StftSettings
    iterations : int
    percussive_kernels, harmonic_kernels : sequence of (float, float)
        As in `kam_hpss`.

    Returns
    -------
    int

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> context_frames(COMPACT, iterations=1)
    17

    References
    ----------
    Chapter 3.
    """
    kernels = (*percussive_kernels, *harmonic_kernels)
    return iterations * max(kernel_size(*kernel, settings)[1] // 2 for kernel in kernels)


def kernel_median(Z: np.ndarray, bins: int, frames: int, *, lower: bool = False) -> np.ndarray:
    """Compute each cell's median over the kernel of bins x frames around it.

    The time is the same for any size along the kernel's longer side, and grows with its shorter
    side.

    Parameters
    ----------
    Z : ndarray, (F, T)
        float32 or float64, finite. Beyond the edges Z is mirrored, the outermost cell included.
    bins, frames : int
        At least 1 (even sizes: see the module).
    lower : bool
        The other convention for even sizes, that of the baseline released beside the paper: of the
        two middle values the lower one, and a kernel that reaches one cell further forward.

    Returns
    -------
    ndarray, (F, T)
        Of Z's type.

    Raises
    ------
    ValueError
        On an empty kernel.

    Examples
    --------
    >>> Z = np.zeros((3, 5))
    >>> Z[:, 2] = 1.0
    >>> kernel_median(Z, 3, 1)[1].tolist(), kernel_median(Z, 1, 3)[1].tolist()
    ([0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0])

    References
    ----------
    Liutkus et al. (2014). Chapter 3.
    """
    if bins < 1 or frames < 1:
        raise ValueError(f"the kernel has {bins} x {frames} cells; it needs at least one")
    if bins == frames == 1:
        return Z.copy()
    before, after = (bins // 2, frames // 2), ((bins - 1) // 2, (frames - 1) // 2)
    if lower:
        before, after = after, before
    mirrored = np.pad(Z, list(zip(before, after, strict=True)), mode="symmetric")
    # The window slides along the kernel's longer side: fewer values enter and leave it.
    if bins > frames:
        return _sliding_median(mirrored.T, frames, bins, lower).T
    return _sliding_median(mirrored, bins, frames, lower)


def backfit_source(Z: np.ndarray, kernels: Kernels, settings: StftSettings) -> np.ndarray:
    """Compute P, a source's power as its kernels see it: the median over the kernel, band by band.

    Bands are mirrored at their edges like spectrograms of their own.

    Parameters
    ----------
    Z : ndarray, (F, T)
        float >= 0, the power that the source's mask lets through.
    kernels : sequence of (float, float)
        Height in Hz and width in seconds in each of `bands`.
    settings : StftSettings

    Returns
    -------
    P : ndarray, (F, T)

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> Z = np.zeros((1025, 20))
    >>> Z[:, 8] = 4.0
    >>> P = backfit_source(Z, [(500.0, 0.0)] * 4, COMPACT)
    >>> np.array_equal(P, Z)
    True

    References
    ----------
    Liutkus et al. (2014), the step that gives the algorithm its name. Chapter 3.
    """
    P = np.empty_like(Z)
    for band, kernel in zip(bands(settings), kernels, strict=True):
        if Z[band].size:  # at a very small n_fft a band may hold no bin
            P[band] = kernel_median(Z[band], *kernel_size(*kernel, settings))
    return P


def backfit(
    V: np.ndarray,
    P_p: np.ndarray,
    P_h: np.ndarray,
    settings: StftSettings,
    *,
    percussive_kernels: Kernels = PERCUSSIVE_KERNELS,
    harmonic_kernels: Kernels = HARMONIC_KERNELS,
) -> tuple[np.ndarray, np.ndarray]:
    """Share V between the sources as P_p and P_h say, and model anew what each got: one iteration.

    Parameters
    ----------
    V : ndarray, (F, T)
        float >= 0, the mixture's magnitude.
    P_p, P_h : ndarray, (F, T)
        float >= 0, the models of the power so far.
    settings : StftSettings
    percussive_kernels, harmonic_kernels : sequence of (float, float)
        As in `kam_hpss`.

    Returns
    -------
    P_p, P_h : ndarray, (F, T)
        The next models.

    Examples
    --------
    In bin 300 is a tone; half of its power is a start for both.

    >>> from hpss_lib.stft import COMPACT
    >>> V = np.zeros((1025, 40))
    >>> V[300] = 1.0
    >>> P_p, P_h = backfit(V, V**2 / 2, V**2 / 2, COMPACT)
    >>> P_p[300, 20].item(), P_h[300, 20].item()
    (0.0, 0.25)

    References
    ----------
    Liutkus et al. (2014), algorithm 1. Chapter 3.
    """
    M_p = soft_mask(P_p, P_h, power=1)
    M_h = soft_mask(P_h, P_p, power=1)  # 1 - M_p would lose the digits of small shares
    jobs = ((M_p, percussive_kernels), (M_h, harmonic_kernels))

    def model(job: tuple[np.ndarray, Kernels]) -> np.ndarray:
        M, kernels = job
        return backfit_source(np.square(M * V), kernels, settings)

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        P_p, P_h = pool.map(model, jobs)
    return P_p, P_h


def kam_hpss(
    V: np.ndarray,
    settings: StftSettings,
    *,
    iterations: int = ITERATIONS,
    percussive_kernels: Kernels = PERCUSSIVE_KERNELS,
    harmonic_kernels: Kernels = HARMONIC_KERNELS,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute percussive and harmonic masks of a magnitude spectrogram by kernel backfitting.

    Parameters
    ----------
    V : ndarray, (F, T)
        Magnitudes, float >= 0, in `settings`.
    settings : StftSettings
    iterations : int
        At least 0; 0 shares everything equally.
    percussive_kernels, harmonic_kernels : sequence of (float, float)
        Height in Hz and width in seconds in each of `bands`.

    Returns
    -------
    M_p, M_h : ndarray, (F, T)
        In [0, 1], the Wiener filter of the last models, with M_p + M_h = 1 (both 1/2 where both
        models are 0).

    Raises
    ------
    ValueError
        On magnitudes that are negative or not finite, or not in `settings`.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> V = np.zeros((1025, 40))
    >>> V[300] = 1.0
    >>> M_p, M_h = kam_hpss(V, COMPACT, iterations=2)
    >>> M_h[300, 20].item()
    1.0

    References
    ----------
    Liutkus et al. (2014). Chapter 3.
    """
    check_magnitude(V)
    if V.shape[0] != settings.bins:
        raise ValueError(f"V has {V.shape[0]} bins; these settings make {settings.bins}")
    if iterations < 0:
        raise ValueError(f"iterations is {iterations}; it must be at least 0")
    P_p = P_h = np.square(V) / 2
    for _ in range(iterations):
        P_p, P_h = backfit(
            V,
            P_p,
            P_h,
            settings,
            percussive_kernels=percussive_kernels,
            harmonic_kernels=harmonic_kernels,
        )
    M_p = soft_mask(P_p, P_h, power=1)
    return M_p, 1 - M_p


def _sliding_median(Z: np.ndarray, lines: int, columns: int, lower: bool) -> np.ndarray:
    """The median of each lines x columns window within Z; lower: as in `kernel_median`."""
    from hpss_lib.compiled import kam as loops

    out = np.empty((Z.shape[0] - lines + 1, Z.shape[1] - columns + 1), Z.dtype)
    for first in range(0, len(out), _LINES_AT_ONCE):
        part = Z[first : first + _LINES_AT_ONCE + lines - 1]
        order = np.argsort(part, axis=None)
        ranks = np.empty(part.size, np.int32)
        ranks[order] = np.arange(part.size, dtype=np.int32)
        values = part.ravel()[order]
        medians = out[first : first + _LINES_AT_ONCE]
        loops.slide(ranks.reshape(part.shape), values, columns, medians, lower)
    return out
