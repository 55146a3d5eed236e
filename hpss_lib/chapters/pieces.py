"""A piece of an excerpt with its truth, from which the chapters make their examples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hpss_lib.audio import load_excerpt
from hpss_lib.measures import sdr
from hpss_lib.stft import COMPACT, SAMPLE_RATE, StftSettings, istft, stft
from hpss_lib.subtraction import apply_phase


@dataclass(frozen=True)
class Piece:
    """Some seconds of an excerpt, with everything that a real separation does not know.

    Attributes
    ----------
    x_p, x_h, x : (n,) float32
        The two sources and the mixture, their sum.
    X : (F, T) complex64
        The mixture's STFT.
    V, V_p, V_h : (F, T) float32 >= 0
        The magnitudes of the mixture and of the sources.
    settings
        Of the STFT.
    """

    x_p: np.ndarray
    x_h: np.ndarray
    x: np.ndarray
    X: np.ndarray
    V: np.ndarray
    V_p: np.ndarray
    V_h: np.ndarray
    settings: StftSettings

    def material(self) -> dict[str, np.ndarray]:
        """Both sources by name, for a page that computes on them."""
        return {"x_p": self.x_p, "x_h": self.x_h}

    @property
    def sources(self) -> np.ndarray:
        """Both sources, percussive and harmonic: (2, n)."""
        return np.stack([self.x_p, self.x_h])

    def signal(self, S: np.ndarray) -> np.ndarray:
        """The signal (n,) of a spectrogram S (F, T)."""
        return istft(S.astype(np.complex64), self.settings, len(self.x))

    def with_phase(self, V_j: np.ndarray) -> np.ndarray:
        """The signal (n,) of magnitudes V_j (F, T) with the mixture's phase."""
        return self.signal(apply_phase(V_j.astype(np.float32), self.X))

    def scores(self, s_p: np.ndarray, s_h: np.ndarray) -> tuple[float, float]:
        """The SDR in dB of a percussive and of a harmonic signal (n,)."""
        return sdr(self.x_p, s_p), sdr(self.x_h, s_h)


@lru_cache(maxsize=3)  # six seconds take some 15 MB
def piece(
    name: str, seconds: float, start: float = 0.0, *, settings: StftSettings = COMPACT
) -> Piece:
    """So many seconds of the excerpt of that name, from `start` (s) on; not to be written to."""
    samples = slice(round(start * SAMPLE_RATE), round((start + seconds) * SAMPLE_RATE))
    x_p, x_h = (s[samples] for s in load_excerpt(name))
    x = x_p + x_h
    X, X_p, X_h = (stft(s, settings) for s in (x, x_p, x_h))
    return Piece(x_p, x_h, x, X, np.abs(X), np.abs(X_p), np.abs(X_h), settings)
