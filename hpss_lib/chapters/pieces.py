"""A piece of an excerpt with its truth, from which the chapters make their examples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from hpss_lib.audio import load_excerpt
from hpss_lib.measures import sdr
from hpss_lib.stft import COMPACT, SAMPLE_RATE, StftSettings, istft, stft
from hpss_lib.subtraction import apply_phase


@dataclass(frozen=True)
class Piece:
    """Some seconds of an excerpt, with everything that a real separation does not know.

    A picture is made when it is first asked for: who wants the sounds alone does not pay for four.

    Attributes
    ----------
    x_p, x_h, x : (n,) float32
        The two sources and the mixture, their sum.
    settings
        Of the STFT.
    """

    x_p: np.ndarray
    x_h: np.ndarray
    x: np.ndarray
    settings: StftSettings

    @cached_property
    def X(self) -> np.ndarray:
        """The mixture's STFT, (F, T) complex64."""
        return stft(self.x, self.settings)

    @cached_property
    def V(self) -> np.ndarray:
        """The mixture's magnitudes, (F, T) float32."""
        return np.abs(self.X)

    @cached_property
    def V_p(self) -> np.ndarray:
        """The magnitudes of the percussive source, (F, T) float32."""
        return np.abs(stft(self.x_p, self.settings))

    @cached_property
    def V_h(self) -> np.ndarray:
        """The magnitudes of the harmonic source, (F, T) float32."""
        return np.abs(stft(self.x_h, self.settings))

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


@lru_cache(maxsize=3)  # six seconds take some 15 MB, their pictures included
def piece(
    name: str, seconds: float, start: float = 0.0, *, settings: StftSettings = COMPACT
) -> Piece:
    """So many seconds of the excerpt of that name, from `start` (s) on; not to be written to."""
    samples = slice(round(start * SAMPLE_RATE), round((start + seconds) * SAMPLE_RATE))
    x_p, x_h = (s[samples].copy() for s in load_excerpt(name))  # a view would keep all of it
    return Piece(x_p, x_h, x_p + x_h, settings)
