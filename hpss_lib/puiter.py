"""PU-iter: phases for sources whose magnitudes are known, iterated or in closed form (chapter 8).

    X (F, T), V_j (F, T)  ->  S_j (F, T) with |S_j| = V_j and sum_j S_j as near to X as can be

The harmonic source starts each frame from its sinusoidal phase (`hpss_lib.sinusoids`), the
percussive one from the mixture's; then the mixing error is shared out between them, again and
again. For two sources the limit is a triangle with the sides |X|, V_p, V_h, reached in one step.
Drossos, Magron, Mimilakis and Virtanen (2018); Magron, Badeau and David (2018).
"""

from collections.abc import Sequence

import numpy as np

from hpss_lib.sinusoids import THRESHOLD
from hpss_lib.stft import StftSettings

ITERATIONS = 50  # as published


def mixing_weights(V: np.ndarray) -> np.ndarray:
    """Compute the share of the mixing error that each source takes: ``G_j = V_j^2 / sum_k V_k^2``.

    Parameters
    ----------
    V : ndarray, (J, ...)
        Magnitudes >= 0 of the J sources.

    Returns
    -------
    G : ndarray, (J, ...)
        From 0 to 1, adding up to 1 over the sources, or all 0 where every source is silent.

    Examples
    --------
    >>> mixing_weights(np.array([[3.0], [1.0]])).tolist()
    [[0.9], [0.1]]

    References
    ----------
    Chapter 8.
    """
    power = np.square(V, dtype=float)
    total = power.sum(axis=0)
    return power / np.where(total > 0, total, 1)


def mixing_error(X: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Compute what the sources leave of the mixture: ``X - sum_j S_j``.

    Parameters
    ----------
    X : ndarray, (...)
        The mixture.
    S : ndarray, (J, ...)
        The sources.

    Returns
    -------
    ndarray, (...)

    Examples
    --------
    >>> mixing_error(np.array([3.0]), np.array([[1.0], [1.5]])).tolist()
    [0.5]

    References
    ----------
    Chapter 8.
    """
    return X - S.sum(axis=0)


def pu_iter_step(X: np.ndarray, S: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Take one step: share out the error, ``Y_j = S_j + G_j E``, then ``S_j = V_j Y_j / |Y_j|``.

    Parameters
    ----------
    X : ndarray, (...)
        Complex, the mixture.
    S : ndarray, (J, ...)
        Complex, the sources.
    V : ndarray, (J, ...)
        Their target magnitudes >= 0.

    Returns
    -------
    S : ndarray, (J, ...)
        The next sources; where Y_j = 0 has no phase, S_j stays.

    Examples
    --------
    Both sources turn towards the mixture.

    >>> X, V = np.array([2 + 0j]), np.array([[1.0], [1.0]])
    >>> pu_iter_step(X, np.array([[1j], [1j]]), V).tolist()
    [[(1+0j)], [(1+0j)]]

    References
    ----------
    Chapter 8.
    """
    Y = S + mixing_weights(V) * mixing_error(X, S)
    size = np.abs(Y)
    return np.where(size > 0, V * Y / np.where(size > 0, size, 1), S)


def closed_form(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the two sources to which the iteration converges, from the triangle ``|X|, V_p, V_h``.

    Where the sides make a triangle, the law of cosines gives both angles to the mixture, and S_h
    lies on the side of X on which it starts; S_p + S_h = X. Where they do not, all three are on
    one line, as near to closing as they get. Where start = 0, nothing is known of a harmonic
    phase, and both sources take the mixture's. Where X = 0, the sources oppose each other along
    ``V_p start/|start| - V_h``, which is what one iteration gives.

    Parameters
    ----------
    X : ndarray, (...)
        Complex, the mixture.
    V_p, V_h : ndarray, (...)
        The target magnitudes, >= 0.
    start : ndarray, (...)
        Complex, of which the phase counts: where the harmonic source starts (the percussive one
        starts at the mixture's phase).

    Returns
    -------
    S_p, S_h : ndarray, (...)
        complex128, of the magnitudes V_p and V_h.

    Examples
    --------
    >>> S_p, S_h = closed_form(np.array([5 + 0j]), np.array([4.0]), np.array([3.0]), np.array([1j]))
    >>> S_p.round(3).tolist(), S_h.round(3).tolist()
    ([(3.2-2.4j)], [(1.8+2.4j)])

    References
    ----------
    Chapter 8.
    """
    X = np.asarray(X, dtype=complex)
    p, h = np.asarray(V_p, dtype=float), np.asarray(V_h, dtype=float)
    x = np.abs(X)
    u = np.where(x > 0, X / np.where(x > 0, x, 1), 1)  # the mixture's phase
    g = start * np.conj(u)  # the starting phase, seen from there
    # Heron: the product of the four factors is (4 area)^2; it is negative where no triangle closes.
    area = np.sqrt(np.maximum((x + h + p) * (x + h - p) * (x + p - h) * (p + h - x), 0))
    area = np.where(np.imag(g) < 0, -area, area)
    z_h = (x - p) * (x + p) + h * h + 1j * area  # 2 x h times the cosine and sine of its angle
    z_p = (x - h) * (x + h) + p * p - 1j * area
    opposed = p * _unit(g) - h
    z_h, z_p = np.where(x > 0, z_h, opposed), np.where(x > 0, z_p, -opposed)
    alone = (x == 0) & (p * h == 0)  # nothing to oppose: each stays where it starts
    z_h, z_p = np.where(alone, g, z_h), np.where(alone, 1, z_p)
    z_h, z_p = np.where(g == 0, 1, z_h), np.where(g == 0, 1, z_p)
    return p * _unit(z_p) * u, h * _unit(z_h) * u


def pu(
    X: np.ndarray,
    V_p: np.ndarray,
    V_h: np.ndarray,
    settings: StftSettings,
    *,
    onsets: np.ndarray | None = None,
    previous: np.ndarray | None = None,
    threshold: float = THRESHOLD,
) -> tuple[np.ndarray, np.ndarray]:
    """Find percussive and harmonic sources with the phases that PU-iter converges to.

    Frame by frame: the harmonic phase propagates (`hpss_lib.sinusoids.propagate`), then
    `closed_form`. The arithmetic is in double.

    Parameters
    ----------
    X : ndarray, (F, T)
        complex64 or complex128, the mixture.
    V_p, V_h : ndarray, (F, T)
        The target magnitudes, >= 0, which are kept.
    settings : StftSettings
        Of X.
    onsets : ndarray, (T,), optional
        bool, frames in which both sources take the mixture's phase.
    previous : ndarray, (F,), optional
        S_h of the frame before the first, to go on from there; without it the first frame takes
        the mixture's phase.
    threshold : float
        As in `hpss_lib.sinusoids.pick_peaks`.

    Returns
    -------
    S_p, S_h : ndarray, (F, T)
        Of X's type.

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
    >>> S_p, S_h = pu(X, 0.8 * np.abs(X), 0.6 * np.abs(X), COMPACT)
    >>> np.allclose(np.abs(S_p), 0.8 * np.abs(X)), np.allclose(np.abs(S_h), 0.6 * np.abs(X))
    (True, True)

    References
    ----------
    Drossos et al. (2018). Chapter 8.
    """
    X, (V_p, V_h) = check_spectrograms(X, (V_p, V_h), settings)
    frames = X.shape[1]
    onset = _onsets(onsets, (frames,), default=np.zeros(frames, bool))
    before = _previous(previous, (X.shape[0],), X)
    from hpss_lib.compiled import puiter as loops

    S_p, S_h = np.empty((2, frames, X.shape[0]), X.dtype)
    loops.closed_form(
        by_frame(X), by_frame(V_p), by_frame(V_h), onset, before, threshold, turn(settings),
        S_p, S_h,
    )  # fmt: skip
    return S_p.T, S_h.T


def pu_iter(
    X: np.ndarray,
    V: Sequence[np.ndarray] | np.ndarray,
    settings: StftSettings,
    *,
    iterations: int = ITERATIONS,
    onsets: np.ndarray | None = None,
    previous: np.ndarray | None = None,
    threshold: float = THRESHOLD,
) -> np.ndarray:
    """Find J sources whose magnitudes are V and whose sum comes near to X: PU-iter as published.

    A bin in which no source starts anywhere else, or in which it was silent in the frame before,
    keeps the mixture's phase. The arithmetic is in double.

    Parameters
    ----------
    X : ndarray, (F, T)
        complex64 or complex128, the mixture.
    V : sequence of ndarray, J times (F, T)
        The target magnitudes, >= 0, which are kept.
    settings : StftSettings
        Of X.
    iterations : int
        At least 0.
    onsets : ndarray, (J, T), optional
        bool, the frames in which a source starts from the mixture's phase; in the others it
        starts from its sinusoidal phase. Without `onsets` the first source is percussive, with an
        onset in every frame, and the others have none, which is the published choice for
        V = (V_p, V_h).
    previous : ndarray, (J, F), optional
        The sources of the frame before the first; without it the first frame takes the mixture's
        phase.
    threshold : float
        As in `hpss_lib.sinusoids.pick_peaks`.

    Returns
    -------
    S : ndarray, (J, F, T)
        Of X's type.

    Raises
    ------
    ValueError
        On shapes that do not fit, negative or non-finite values, iterations < 0.
    TypeError
        If X is not complex.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT, stft
    >>> X = stft(np.random.default_rng(0).standard_normal(4096), COMPACT)
    >>> S = pu_iter(X, (0.8 * np.abs(X), 0.6 * np.abs(X)), COMPACT, iterations=5)
    >>> S.shape, np.allclose(np.abs(S[0]), 0.8 * np.abs(X))
    ((2, 1025, 9), True)

    References
    ----------
    Drossos et al. (2018); for any J: Magron, Badeau and David (2018), algorithm 2. Chapter 8.
    """
    return _iterate(X, V, settings, iterations, onsets, previous, threshold, errors=False)[0]


def pu_iter_errors(
    X: np.ndarray,
    V: Sequence[np.ndarray] | np.ndarray,
    settings: StftSettings,
    *,
    iterations: int = ITERATIONS,
    onsets: np.ndarray | None = None,
    previous: np.ndarray | None = None,
    threshold: float = THRESHOLD,
) -> tuple[np.ndarray, np.ndarray]:
    """Run `pu_iter`, and measure the mixing error before, between and after the iterations.

    Parameters
    ----------
    X, V, settings, iterations, onsets, previous, threshold
        As for `pu_iter`.

    Returns
    -------
    S : ndarray, (J, F, T)
        As from `pu_iter`.
    squared : ndarray, (iterations + 1, T)
        float64, the squared error ``sum_f |X - sum_j S_j|^2`` of each frame.

    Raises
    ------
    ValueError, TypeError
        As for `pu_iter`.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT, stft
    >>> X = stft(np.random.default_rng(0).standard_normal(4096), COMPACT)
    >>> V = 0.8 * np.abs(X), 0.6 * np.abs(X)
    >>> _, squared = pu_iter_errors(X, V, COMPACT, iterations=5)
    >>> squared.shape, bool((squared[5] <= squared[0]).all())
    ((6, 9), True)

    References
    ----------
    Drossos et al. (2018). Chapter 8.
    """
    return _iterate(X, V, settings, iterations, onsets, previous, threshold, errors=True)


def _iterate(X, V, settings, iterations, onsets, previous, threshold, *, errors):
    if iterations < 0:
        raise ValueError(f"iterations is {iterations}; it must be at least 0")
    X, V = check_spectrograms(X, tuple(V), settings)
    sources, frames = len(V), X.shape[1]
    percussive = np.zeros((sources, frames), bool)
    percussive[0] = True
    onset = _onsets(onsets, (sources, frames), default=percussive)
    before = _previous(previous, (sources, X.shape[0]), X)
    from hpss_lib.compiled import puiter as loops

    S = np.empty((sources, frames, X.shape[0]), X.dtype)
    squared = np.zeros((iterations + 1, frames) if errors else (0, 0))
    loops.iterate(
        by_frame(X), np.stack([by_frame(v) for v in V]), onset, before, iterations, threshold,
        turn(settings), S, squared,
    )  # fmt: skip
    return S.transpose(0, 2, 1), squared


def _unit(z: np.ndarray) -> np.ndarray:
    """The direction of z, and 1 where z = 0."""
    size = np.abs(z)
    return np.where(size > 0, z / np.where(size > 0, size, 1), 1)


def turn(settings: StftSettings) -> float:
    """Compute by how much a sinusoid of one bin turns in one hop, in radians.

    Parameters
    ----------
    settings : StftSettings
        Hop and FFT size.

    Returns
    -------
    float

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> turn(COMPACT) / np.pi
    0.5
    """
    return 2 * np.pi * settings.hop / settings.n_fft


def by_frame(A: np.ndarray) -> np.ndarray:
    """Turn (F, T) into (T, F) in one piece: without copying, if it comes from `stft`.

    Parameters
    ----------
    A : ndarray, (F, T)

    Returns
    -------
    ndarray, (T, F)

    Examples
    --------
    >>> by_frame(np.zeros((3, 2))).shape
    (2, 3)
    """
    return np.ascontiguousarray(A.T)


def check_spectrograms(X, V, settings):
    """Bring the mixture and the magnitudes to one precision, or say what is wrong.

    Parameters
    ----------
    X : ndarray, (F, T)
        Complex.
    V : tuple of ndarray, (F, T)
        Magnitudes >= 0, at least one array.
    settings : StftSettings
        Of X.

    Returns
    -------
    X : ndarray, (F, T)
        complex64, or complex128 of anything else.
    V : tuple of ndarray, (F, T)
        Of the same precision.

    Raises
    ------
    ValueError
        On shapes that do not fit, negative or non-finite values.
    TypeError
        If X is not complex.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> ones = np.ones((1025, 2), int)
    >>> X, (V,) = check_spectrograms(ones + 0j, (ones,), COMPACT)
    >>> X.dtype.name, V.dtype.name
    ('complex128', 'float64')
    """
    X = np.asarray(X)
    if not np.iscomplexobj(X):
        raise TypeError(f"X holds {X.dtype} values; the mixture's complex spectrogram is accepted")
    if X.ndim != 2 or X.shape[0] != settings.bins or X.shape[1] == 0:
        raise ValueError(
            f"X has shape {X.shape}; in these settings a spectrogram is ({settings.bins}, T), "
            "T >= 1"
        )
    if not V:
        raise ValueError("V holds no source; at least one is needed")
    single = X.dtype == np.complex64
    X = X if single else X.astype(complex, copy=False)
    V = tuple(np.asarray(v, dtype=np.float32 if single else np.float64) for v in V)
    for j, v in enumerate(V):
        if v.shape != X.shape:
            raise ValueError(f"magnitudes {j} have shape {v.shape}, but the mixture has {X.shape}")
        if not (v.min() >= 0 and v.max() < np.inf):
            raise ValueError(f"magnitudes {j} hold negative, infinite or NaN values")
    if not np.isfinite(X).all():
        raise ValueError("X holds infinite or NaN values")
    return X, V


def _onsets(onsets, shape, *, default):
    onset = default if onsets is None else np.ascontiguousarray(onsets, dtype=bool)
    if onset.shape != shape:
        raise ValueError(f"onsets have shape {onset.shape}; {shape} is accepted")
    return onset


def _previous(previous, shape, X):
    before = np.zeros(shape, X.dtype) if previous is None else np.asarray(previous, dtype=X.dtype)
    if before.shape != shape:
        raise ValueError(f"previous has shape {before.shape}; {shape} is accepted")
    return np.ascontiguousarray(before)
