"""Spectral subtraction: the harmonic magnitude as what the percussive one leaves (chapter 4).

    V, V_p (F, T)  ->  V_h (F, T)        V_p, X  ->  S_p = V_p X / |X|

With the mixture's phase in both parts, magnitude subtraction is subtraction of the complex
spectrograms: S_h = X - S_p.
"""

import numpy as np


def subtract(V: np.ndarray, V_p: np.ndarray) -> np.ndarray:
    """V_h = V - V_p, magnitude subtraction without a floor, as in the paper.

    V, V_p: (F, T) float >= 0. Returns V_h: (F, T), NEGATIVE wherever V_p > V: with the mixture's
    phase that is a harmonic part in opposite phase, and the parts still sum to the mixture; a
    method that needs magnitudes takes |V_h|. Raises ValueError if the shapes differ.
    Drossos et al. (2018). Chapter 4.
    """
    _check_same_shape(V, V_p)
    return V - V_p


def subtract_floored(
    V: np.ndarray, V_p: np.ndarray, *, exponent: float = 1.0, over: float = 1.0, floor: float = 0.0
) -> np.ndarray:
    """V_h = max((V^a - over V_p^a)^(1/a), floor V_p): subtraction that never falls below a floor.

    V, V_p: (F, T) float >= 0. exponent a > 0: 1 subtracts magnitudes, 2 powers (right for sources
    in random phase). over >= 0: how much is subtracted, more than 1 removes more of the percussive
    part and of the harmonic one. floor >= 0: the share of V_p that stays, which fills the holes
    between the islands heard as musical noise. Returns V_h: (F, T) >= 0. Raises ValueError on
    other options or if the shapes differ. Boll (1979); Berouti, Schwartz and Makhoul (1979).
    Chapter 4.
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
    """The mixture's phase as complex numbers of magnitude 1, X / |X|: (F, T); 1 where X is 0."""
    V = np.abs(X)
    silent = V < np.finfo(V.dtype).tiny
    return np.where(silent, X.dtype.type(1), X / np.where(silent, V.dtype.type(1), V))


def apply_phase(V_j: np.ndarray, X: np.ndarray) -> np.ndarray:
    """S_j = V_j X / |X|, a source's spectrogram from its magnitude and the mixture's phase.

    V_j: (F, T) float; X: (F, T) complex. Returns (F, T) complex with |S_j| = |V_j| (also where the
    mixture is zero: the phase is 0 there). Raises ValueError if the shapes differ. Chapter 4.
    """
    _check_same_shape(X, V_j)
    return V_j * mixture_phase(X)


def _check_same_shape(V: np.ndarray, V_p: np.ndarray) -> None:
    if V.shape != V_p.shape:
        raise ValueError(
            f"the mixture's spectrogram has shape {V.shape}, the source's {V_p.shape}; they must "
            "be equal: compute both in the same setting"
        )
