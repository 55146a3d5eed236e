"""What bounds a separation: oracles that know the answer, and the bare mixture (chapter 9).

    true sources x_p, x_h  ->  `oracle`  ->  s_p, s_h, as good as any mask, or magnitudes, can be
                           ->  `scaled_mixture`, the mixture itself at the best gain for each
    mixture x              ->  `librosa_hpss`, what everybody has

Oracles see the true sources, which no method does.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from hpss_lib import puiter, separation
from hpss_lib.median import soft_mask
from hpss_lib.stft import StftSettings, find_settings

_FRAMES = 512  # worked on at once


def ideal_ratio_mask(V_p: np.ndarray, V_h: np.ndarray) -> np.ndarray:
    """The soft mask of the truth, M_p = V_p / (V_p + V_h).

    Parameters
    ----------
    V_p, V_h : ndarray, (F, T)
        True magnitudes, >= 0.

    Returns
    -------
    M_p : ndarray, (F, T)
        Between 0 and 1; 1/2 where both are 0. Chapter 9.

    Examples
    --------
    >>> ideal_ratio_mask(np.array([[3.0, 0.0]]), np.array([[1.0, 0.0]])).tolist()
    [[0.75, 0.5]]
    """
    return soft_mask(V_p, V_h, power=1)


def ideal_binary_mask(V_p: np.ndarray, V_h: np.ndarray) -> np.ndarray:
    """The hard mask of the truth, M_p = 1 where V_p > V_h, else 0.

    Parameters
    ----------
    V_p, V_h : ndarray, (F, T)
        True magnitudes, >= 0.

    Returns
    -------
    M_p : ndarray, (F, T)
        0 or 1. Chapter 9.

    Examples
    --------
    >>> ideal_binary_mask(np.array([[3.0, 0.0]]), np.array([[1.0, 0.0]])).tolist()
    [[1.0, 0.0]]
    """
    return (V_p > V_h).astype(V_p.dtype)


ORACLES = ("irm", "ibm", "true")


def oracle(
    x_p: np.ndarray,
    x_h: np.ndarray,
    *,
    kind: str = "irm",
    setting: str | StftSettings = "compact",
    phase: str = "mixture",
) -> tuple[np.ndarray, np.ndarray]:
    """What a method could reach that knew the answer's magnitudes.

    Parameters
    ----------
    x_p, x_h : ndarray, (n,)
        The true sources at 44.1 kHz.
    kind : str
        One of ORACLES: "irm" ideal ratio mask, "ibm" ideal binary mask, "true" the true magnitudes.
    setting : "1", "2", "compact", or StftSettings
        In which the mask is applied.
    phase : str
        A key of `separation.PHASES`.

    Returns
    -------
    s_p, s_h : ndarray, (n,)
        float32. With masks s_h = x - s_p. With true magnitudes both are what the phase recovery
        gives, as published, and need not sum to x.

    Raises
    ------
    ValueError
        On another kind, setting or phase, or signals of two lengths. Chapter 9.

    Examples
    --------
    >>> x_p, x_h = np.random.default_rng(0).standard_normal((2, 44100)).astype(np.float32)
    >>> s_p, s_h = oracle(x_p, x_h, kind="irm")
    >>> s_p.shape, bool(np.allclose(s_p + s_h, x_p + x_h, atol=1e-5))
    ((44100,), True)
    """
    if kind not in ORACLES:
        raise ValueError(f"there is no oracle {kind!r}; accepted are {', '.join(ORACLES)}")
    if x_p.shape != x_h.shape:
        raise ValueError(f"the sources have {x_p.shape} and {x_h.shape} samples, not the same")
    if phase not in separation.PHASES:
        known = ", ".join(separation.PHASES)
        raise ValueError(f"there is no phase {phase!r}; accepted are {known}")
    settings = find_settings(setting)
    x = (x_p + x_h).astype(np.float32, copy=False)
    signals = np.stack([x, x_p.astype(np.float32), x_h.astype(np.float32)], axis=1)
    spectra = known_magnitudes(separation.spectrograms([signals], settings, _FRAMES), kind)
    if kind == "true":
        sources = as_published(spectra, phase, settings)
        s_p, s_h = np.concatenate([*separation.overlap_added(sources, settings)]).T
        return s_p, s_h
    sources = separation.recovered(spectra, separation.PHASES[phase], settings)
    (s_p,) = np.concatenate([*separation.overlap_added(sources, settings)]).T
    return s_p, x - s_p


def known_magnitudes(
    frames: Iterable[separation.Frames], kind: str
) -> Iterator[separation.Spectra]:
    """The mixture's frames with the magnitudes of an oracle.

    Parameters
    ----------
    frames : iterable of separation.Frames
        Of three channels: x, x_p and x_h.
    kind : str
        One of ORACLES.

    Yields
    ------
    separation.Spectra
        Of one channel, x.

    Examples
    --------
    >>> blocks = [np.ones((4096, 3), np.float32)]
    >>> settings = find_settings("compact")
    >>> frames = separation.spectrograms(blocks, settings, _FRAMES)
    >>> [spectra.samples for spectra in known_magnitudes(frames, "irm")]
    [4096]
    """
    for (X, S_p, S_h), _, _, samples in frames:
        V_p, V_h = np.abs(S_p), np.abs(S_h)
        if kind != "true":
            M_p = ideal_ratio_mask(V_p, V_h) if kind == "irm" else ideal_binary_mask(V_p, V_h)
            V_p, V_h = M_p * np.abs(X), (1 - M_p) * np.abs(X)
        yield separation.Spectra([X], [V_p], [V_h], samples)


def as_published(
    spectra: Iterable[separation.Spectra], phase: str, settings: StftSettings
) -> Iterator[separation.Sources]:
    """Both sources as a phase recovery gives them, S_p and S_h, whether they sum to X or not.

    `separation.recovered` gives S_p its share of what the two leave of X and takes the rest for
    S_h, so that nothing is lost; the published algorithm does not.

    Parameters
    ----------
    spectra : iterable of separation.Spectra
        Of one channel, with both magnitudes.
    phase : str
        A key of `separation.PHASES`.
    settings : StftSettings

    Yields
    ------
    separation.Sources
        S_p and S_h.

    Examples
    --------
    >>> settings, one = find_settings("1"), np.ones((2049, 2))
    >>> spectra = separation.Spectra([3 + 0j * one], [one], [one], 1024)
    >>> [(S_p, S_h)] = [S for S, _ in as_published([spectra], "pu", settings)]
    >>> bool(np.allclose(np.abs(S_p), 1)), bool(np.allclose(S_p + S_h, 3))
    (True, False)

    References
    ----------
    Magron, Badeau and David (2018); chapter 8.
    """
    if phase == "mixture":
        yield from separation.with_mixture_phase(spectra)
        return
    recover = {"pu": _closed_form, "pu-iter": puiter.pu_iter}[phase]
    previous = None
    for (X,), V_p, V_h, samples in spectra:
        S = recover(X, (*V_p, *V_h), settings, previous=previous)
        previous = S[:, :, -1].copy()
        yield [*S], samples


def _closed_form(X, V, settings, *, previous):
    """`puiter.pu` called as `puiter.pu_iter` is."""
    before = None if previous is None else previous[1]
    return np.stack(puiter.pu(X, V[0], V[1], settings, previous=before))


def scaled_mixture(x_p: np.ndarray, x_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mixture at the two gains that bring it nearest to each source.

    No method may lose to it.

    Parameters
    ----------
    x_p, x_h : ndarray, (n,)
        The true sources.

    Returns
    -------
    s_p, s_h : ndarray, (n,)
        float32; zeros for a silent mixture. Chapter 9.

    Examples
    --------
    >>> s_p, s_h = scaled_mixture(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    >>> s_p.round(2).tolist() == np.array([1.6, 0.8], np.float32).round(2).tolist()
    True
    """
    x = (x_p + x_h).astype(float)
    power = x @ x
    gains = [(x @ s) / power if power > 0 else 0.0 for s in (x_p, x_h)]
    return (gains[0] * x).astype(np.float32), (gains[1] * x).astype(np.float32)


def librosa_hpss(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Separate by librosa's median filtering as it comes.

    That is frames of 2048 samples, hop 512, kernel 31, power 2, margin 1.

    Parameters
    ----------
    x : ndarray, (n,)
        The mixture, float32.

    Returns
    -------
    s_p, s_h : ndarray, (n,)
        float32.

    Examples
    --------
    >>> s_p, s_h = librosa_hpss(np.random.default_rng(0).standard_normal(8192).astype(np.float32))
    >>> s_p.shape, s_h.dtype
    ((8192,), dtype('float32'))
    """
    import librosa

    h, p = librosa.decompose.hpss(librosa.stft(x, n_fft=2048, hop_length=512))
    s_p, s_h = (librosa.istft(S, n_fft=2048, hop_length=512, length=len(x)) for S in (p, h))
    return s_p, s_h
