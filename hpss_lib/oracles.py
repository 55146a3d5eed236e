"""What bounds a separation: oracles that know the answer, and the bare mixture (chapter 9).

true sources x_p, x_h  ->  `oracle`  ->  s_p, s_h, as good as any mask, or magnitudes, can be
                       ->  `scaled_mixture`, the mixture itself at the best gain for each
mixture x              ->  `librosa_hpss`, what everybody has
"""

from collections.abc import Iterable, Iterator

import numpy as np

from hpss_lib import separation
from hpss_lib.median import soft_mask
from hpss_lib.stft import StftSettings, find_settings

_FRAMES = 512  # worked on at once


def ideal_ratio_mask(V_p: np.ndarray, V_h: np.ndarray) -> np.ndarray:
    """M_p = V_p / (V_p + V_h) of the true magnitudes (F, T); 1/2 where both are 0. Chapter 9."""
    return soft_mask(V_p, V_h, power=1)


def ideal_binary_mask(V_p: np.ndarray, V_h: np.ndarray) -> np.ndarray:
    """M_p = 1 where V_p > V_h, else 0, of the true magnitudes (F, T). Chapter 9."""
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
    """What a method could reach that knew the answer's magnitudes: (s_p, s_h), (n,) float32 each.

    x_p, x_h: (n,) the true sources. kind: "irm" ideal ratio mask, "ibm" ideal binary mask, "true"
    the true magnitudes. phase: a key of separation.PHASES. s_h = x - s_p, except for "true" with
    the mixture's phase: there each source has its own true magnitude, and they need not sum to x.
    Raises ValueError on another kind, setting or phase, or signals of two lengths. Chapter 9.
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
    if kind == "true" and phase == "mixture":
        sources = separation.with_mixture_phase(spectra)
        s_p, s_h = np.concatenate([*separation.overlap_added(sources, settings)]).T
        return s_p, s_h
    sources = separation.recovered(spectra, separation.PHASES[phase], settings)
    (s_p,) = np.concatenate([*separation.overlap_added(sources, settings)]).T
    return s_p, x - s_p


def known_magnitudes(
    frames: Iterable[separation.Frames], kind: str
) -> Iterator[separation.Spectra]:
    """The mixture's frames with the magnitudes of an oracle, from frames of x, x_p and x_h."""
    for (X, S_p, S_h), _, _, samples in frames:
        V_p, V_h = np.abs(S_p), np.abs(S_h)
        if kind != "true":
            M_p = ideal_ratio_mask(V_p, V_h) if kind == "irm" else ideal_binary_mask(V_p, V_h)
            V_p, V_h = M_p * np.abs(X), (1 - M_p) * np.abs(X)
        yield separation.Spectra([X], [V_p], [V_h], samples)


def scaled_mixture(x_p: np.ndarray, x_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mixture at the two gains that bring it nearest to each source: what no method may lose to.

    x_p, x_h: (n,) the true sources. Returns (n,) float32 each; zeros for a silent mixture.
    """  # noqa: E501
    x = (x_p + x_h).astype(float)
    power = x @ x
    gains = [(x @ s) / power if power > 0 else 0.0 for s in (x_p, x_h)]
    return (gains[0] * x).astype(np.float32), (gains[1] * x).astype(np.float32)


def librosa_hpss(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median filtering of librosa as it comes (2048, hop 512, kernel 31, power 2, margin 1).

    x: (n,) float32. Returns s_p, s_h: (n,) float32 each.
    """
    import librosa

    h, p = librosa.decompose.hpss(librosa.stft(x, n_fft=2048, hop_length=512))
    s_p, s_h = (librosa.istft(S, n_fft=2048, hop_length=512, length=len(x)) for S in (p, h))
    return s_p, s_h
