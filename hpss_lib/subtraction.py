"""Spectral subtraction: the harmonic magnitude as what the percussive one leaves (chapter 4).

    V, V_p (F, T)  ->  V_h (F, T)        V_p, X  ->  S_p = V_p X / |X|

With the mixture's phase in both parts, magnitude subtraction is subtraction of the complex
spectrograms: S_h = X - S_p.
"""

import numpy as np


def subtract(V: np.ndarray, V_p: np.ndarray) -> np.ndarray:
    """Subtract magnitudes without a floor, V_h = V - V_p, as in the paper.

    Parameters
    ----------
    V, V_p : ndarray, (F, T)
        float >= 0.

    Returns
    -------
    V_h : ndarray, (F, T)
        NEGATIVE wherever V_p > V: with the mixture's phase that is a harmonic part in opposite
        phase, and the parts still sum to the mixture; a method that needs magnitudes takes its
        absolute value.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> subtract(np.array([3.0, 1.0]), np.array([1.0, 2.0])).tolist()
    [2.0, -1.0]

    References
    ----------
    Drossos et al. (2018). Chapter 4.
    """
    _check_same_shape(V, V_p)
    return V - V_p


def subtract_floored(
    V: np.ndarray, V_p: np.ndarray, *, exponent: float = 1.0, over: float = 1.0, floor: float = 0.0
) -> np.ndarray:
    """Subtract, but never below a floor: ``V_h = max((V^a - over V_p^a)^(1/a), floor V_p)``.

    Parameters
    ----------
    V, V_p : ndarray, (F, T)
        float >= 0.
    exponent : float
        a, above 0: 1 subtracts magnitudes, 2 powers (right for sources in random phase).
    over : float
        How much is subtracted, at least 0; more than 1 removes more of the percussive part and
        of the harmonic one.
    floor : float
        The share of V_p that stays, at least 0, which fills the holes between the islands heard
        as musical noise.

    Returns
    -------
    V_h : ndarray, (F, T)
        float >= 0.

    Raises
    ------
    ValueError
        On other options or if the shapes differ.

    Examples
    --------
    >>> subtract_floored(np.array([5.0, 1.0]), np.array([3.0, 2.0]), exponent=2, floor=0.1).tolist()
    [4.0, 0.2]

    References
    ----------
    Boll (1979); Berouti, Schwartz and Makhoul (1979). Chapter 4.
    """
    _check_same_shape(V, V_p)
    if not exponent > 0:
        raise ValueError(f"exponent is {exponent}; it must be positive (1 magnitudes, 2 powers)")
    if not over >= 0:
        raise ValueError(f"over is {over}; it must be at least 0 (1: subtract V_p as it is)")
    if not floor >= 0:
        raise ValueError(f"floor is {floor}; it must be at least 0 (0: no floor but zero)")
    difference = V**exponent - over * V_p**exponent
    return np.maximum(np.maximum(difference, 0) ** (1 / exponent), floor * V_p)


def mixture_phase(X: np.ndarray) -> np.ndarray:
    """Compute the mixture's phase as complex numbers of magnitude 1, ``X / |X|``.

    Parameters
    ----------
    X : ndarray, (F, T)
        Complex.

    Returns
    -------
    ndarray, (F, T)
        Complex; 1 where X is 0.

    Examples
    --------
    >>> mixture_phase(np.array([3j, -2.0, 0.0])).tolist()
    [1j, (-1+0j), (1+0j)]

    References
    ----------
    Chapter 4.
    """
    V = np.abs(X)
    silent = V < np.finfo(V.dtype).tiny
    return np.where(silent, X.dtype.type(1), X / np.where(silent, V.dtype.type(1), V))


def apply_phase(V_j: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Give a source the mixture's phase: ``S_j = V_j X / |X|``.

    Parameters
    ----------
    V_j : ndarray, (F, T)
        float, the source's magnitude.
    X : ndarray, (F, T)
        Complex, the mixture.

    Returns
    -------
    S_j : ndarray, (F, T)
        Complex, of V_j's magnitude (also where the mixture is zero: the phase is 0 there).

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> apply_phase(np.array([2.0, 1.0]), np.array([5j, 0j])).tolist()
    [2j, (1+0j)]

    References
    ----------
    Chapter 4.
    """
    _check_same_shape(X, V_j)
    return V_j * mixture_phase(X)


def _check_same_shape(V: np.ndarray, V_p: np.ndarray) -> None:
    if V.shape != V_p.shape:
        raise ValueError(
            f"the mixture's spectrogram has shape {V.shape}, the source's {V_p.shape}; they must "
            "be equal: compute both in the same setting"
        )
