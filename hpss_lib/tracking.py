"""Sinusoids tracked from both sides through the drums: a phase recovery that knows its doubts (chapter 8).

    X, V_p (F, T)  ->  predictions M, Q, forward and backward  ->  S_h (F, T),    S_p = X - S_h

PU-iter turns the harmonic source on by its sinusoids and then trusts the magnitudes. Here both are
uncertain. Each frame foretells the next one: a mean M, the frame before turned on by
`sinusoids.propagate`, and a variance Q, learnt bin by bin from how well that went before. The
percussive source is noise of variance V_p^2. Bayes' rule then says how much of X is the
sinusoid's; the same is done backward in time, so that a tone that begins with a drum is known from
what follows. And since what the predictions miss is percussive, they tell when V_p is too small.

Ours; the parts are known: Kalman filtering, the interacting multiple models of target tracking,
and the anisotropic Gaussian sources of Magron and Virtanen (2018).
"""  # noqa: E501

import numpy as np

from hpss_lib.puiter import by_frame, check_spectrograms, turn
from hpss_lib.sinusoids import THRESHOLD
from hpss_lib.stft import StftSettings

# Chosen on ten seconds of each of seven real songs; chapter 8 scores other parts and other songs.
SHARPNESS = 0.5  # how much the evidence counts, as bins beside each other say nearly the same
FORGET = 0.8  # a frame: how long a bin remembers how well it was foretold
STEADIEST = 0.3  # the smallest relative error that a prediction is believed to have
LARGEST_GAIN = 4.0  # for V_p


def predict(
    X: np.ndarray, V_p: np.ndarray, settings: StftSettings, *, backward: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Predict, from each frame, the harmonic source in the next one: a mean M and a variance Q.

    From the harmonic source H of the frame before, turned by ``2 pi hop/n_fft f`` with f from its
    own peaks: ``M = rho H``, ``Q = (1 - rho^2) |H|^2``, where 2 (1 - rho) is the relative squared
    error of that prediction in the frames before, weighted by how little percussion there was. H
    itself is the mean of two estimates, ``(1 - V_p/|X|) X``, as from subtraction, and
    ``M + Q/(Q + V_p^2) (X - M)``, the tracked one, by the likelihood of X under each.

    Parameters
    ----------
    X : ndarray, (F, T)
        Complex, the mixture.
    V_p : ndarray, (F, T)
        The percussive magnitudes, >= 0.
    settings : StftSettings
        Of X.
    backward : bool
        From the next frame instead, turned back.

    Returns
    -------
    M : ndarray, (F, T)
        Complex; in the first frame nothing is known: 0.
    Q : ndarray, (F, T)
        Of X's precision; in the first frame 1e30.

    Examples
    --------
    A steady tone is foretold.

    >>> from hpss_lib.stft import COMPACT, stft
    >>> X = stft(np.cos(2 * np.pi * 100.3 / 2048 * np.arange(2**14)), COMPACT)
    >>> M, Q = predict(X, np.zeros(X.shape), COMPACT)
    >>> bool(np.abs(M - X)[100, 20] < 0.2 * np.abs(X)[100, 20])
    True

    References
    ----------
    Magron and Virtanen (2018) for the anisotropic Gaussian sources. Chapter 8.
    """
    X, (V_p,) = check_spectrograms(X, (V_p,), settings)
    M, Q = _predict(by_frame(X), by_frame(V_p), settings, backward)
    return M.T, Q.T


def percussive_gain(X: np.ndarray, V_p: np.ndarray, settings: StftSettings) -> float:
    """Judge by what V_p should be multiplied, from what the predictions miss.

    R is the energy of X minus the nearer of its two predictions over that of V_p, where
    ``V_p > |X|/4``; it counts the harmonic source's own surprises too, so it is not the gain
    itself, which is sqrt(R^1.5 / 2), a rule found by trial.

    Parameters
    ----------
    X : ndarray, (F, T)
        Complex, the mixture.
    V_p : ndarray, (F, T)
        The percussive magnitudes, >= 0.
    settings : StftSettings
        Of X.

    Returns
    -------
    float
        1 to LARGEST_GAIN.

    Examples
    --------
    Of noise all is percussive: where V_p holds a third of it, the gain is the larger.

    >>> from hpss_lib.stft import COMPACT, stft
    >>> X = stft(np.random.default_rng(0).standard_normal(2**14), COMPACT)
    >>> percussive_gain(X, np.abs(X), COMPACT) < percussive_gain(X, 0.3 * np.abs(X), COMPACT)
    True

    References
    ----------
    Chapter 8.
    """
    X, (V_p,) = check_spectrograms(X, (V_p,), settings)
    X, V_p = by_frame(X), by_frame(V_p)
    return _gain(X, V_p, _predict(X, V_p, settings, False), _predict(X, V_p, settings, True))


def track(
    X: np.ndarray, V_p: np.ndarray, settings: StftSettings, *, gain: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Separate percussive and harmonic source by tracking sinusoids from both sides.

    Each is the mean, weighted by the likelihood of X in the bin and its two neighbours on either
    side, of three: what V_p leaves of X, the sinusoid from the frame before and the one from the
    frame after.

    Parameters
    ----------
    X : ndarray, (F, T)
        complex64 or complex128, the mixture.
    V_p : ndarray, (F, T)
        The percussive magnitudes, >= 0, estimated; they are a start, not kept.
    settings : StftSettings
        Of X.
    gain : float, optional
        What V_p is multiplied by (default: `percussive_gain`).

    Returns
    -------
    S_p, S_h : ndarray, (F, T)
        Of X's type, with S_p + S_h = X.

    Raises
    ------
    ValueError
        On shapes that do not fit, negative or non-finite values.
    TypeError
        If X is not complex.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT, stft
    >>> X = stft(np.random.default_rng(0).standard_normal(4096), COMPACT)
    >>> S_p, S_h = track(X, 0.5 * np.abs(X), COMPACT)
    >>> np.allclose(S_p + S_h, X)
    True

    References
    ----------
    Chapter 8.
    """
    X, (V_p,) = check_spectrograms(X, (V_p,), settings)
    X, V_p = by_frame(X), by_frame(V_p)
    forward, backward = (_predict(X, V_p, settings, direction) for direction in (False, True))
    if gain is None:
        gain = _gain(X, V_p, forward, backward)
    if gain != 1:
        V_p = V_p * V_p.dtype.type(gain)
        forward, backward = (_predict(X, V_p, settings, direction) for direction in (False, True))
    from hpss_lib.compiled import tracking as loops

    S_h = np.empty_like(X)
    loops.combine(X, V_p, *forward, *backward, SHARPNESS, _floor(X), S_h)
    return (X - S_h).T, S_h.T


def _predict(X, V_p, settings, backward):
    """`predict` on (T, F) arrays."""
    from hpss_lib.compiled import tracking as loops

    if backward:
        X, V_p = np.ascontiguousarray(X[::-1]), np.ascontiguousarray(V_p[::-1])
    M, Q = np.empty_like(X), np.empty_like(V_p)
    step = -turn(settings) if backward else turn(settings)
    loops.predict(
        X, V_p, THRESHOLD, step, SHARPNESS, FORGET, STEADIEST, _floor(X), M, Q
    )  # fmt: skip
    return (np.ascontiguousarray(M[::-1]), np.ascontiguousarray(Q[::-1])) if backward else (M, Q)


def _gain(X, V_p, forward, backward):
    missed = np.minimum(np.abs(X - forward[0]), np.abs(X - backward[0]))
    percussive = V_p > np.abs(X) / 4
    claimed = float(np.sum(V_p[percussive] ** 2, dtype=float))
    if claimed == 0:
        return 1.0
    R = float(np.sum(missed[percussive] ** 2, dtype=float)) / claimed
    return float(np.clip(np.sqrt(R**1.5 / 2), 1, LARGEST_GAIN))


def _floor(X):
    """A power far below anything to be heard beside X, so that nothing divides by zero."""
    return max(1e-14 * float(np.max(np.abs(X))) ** 2, 1e-60)
