"""KAM by the rule of the baseline that was released beside the paper, on the book's excerpts.

    python tools/released_kam.py --out book/data/kam_released.csv

The method is that of `hpss_lib.kam`, with the published kernels in seconds. What differs is what
the paper does not say: of an even number of values the released code takes the lower of the two
in the middle, and its even kernels reach forward, not back; it adds 1e-5 to each power; and its
bands end one bin lower. Chapters 3 and 9 tell what that is worth.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from hpss_lib import kam
from hpss_lib.audio import EXCERPTS, SOURCES, load_excerpt
from hpss_lib.measures import sdr
from hpss_lib.stft import SETTINGS, StftSettings, istft, stft

FLOOR = 1e-5


def released_bands(settings: StftSettings) -> list[slice]:
    """The bands of `kam.bands`, each ending one bin lower; the last one holds what is left."""
    ends = [band.stop - 1 for band in kam.bands(settings)[:-1]]
    return [slice(a, b) for a, b in zip([0, *ends], [*ends, settings.bins], strict=True)]


def released_mask(V: np.ndarray, settings: StftSettings) -> np.ndarray:
    """The percussive mask (F, T) of magnitudes V (F, T) after six rounds of the released rule."""
    P = [V**2 / 2 + FLOOR] * 2
    for _ in range(kam.ITERATIONS):
        Z = [np.square(P_j / (P[0] + P[1]) * V) for P_j in P]
        P = [np.full_like(V, FLOOR), np.full_like(V, FLOOR)]
        for j, kernels in enumerate((kam.PERCUSSIVE_KERNELS, kam.HARMONIC_KERNELS)):
            for band, kernel in zip(released_bands(settings), kernels, strict=True):
                size = kam.kernel_size(*kernel, settings)
                P[j][band] += kam.kernel_median(Z[j][band], *size, lower=True)
    return P[0] / (P[0] + P[1])


def scores(name: str, setting: str) -> dict[str, float]:
    """Plain SDR (dB) of both sources of an excerpt."""
    settings = SETTINGS[setting]
    x_p, x_h = load_excerpt(name)
    X = stft(x_p + x_h, settings)
    s_p = istft(released_mask(np.abs(X), settings) * X, settings, len(x_p))
    return dict(zip(SOURCES, (sdr(x_p, s_p), sdr(x_h, x_p + x_h - s_p)), strict=True))


def main() -> None:
    """Write a line for each excerpt, setting and source."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["song", "setting", "source", "sdr"])
        for name in EXCERPTS:
            for setting in SETTINGS:
                for source, value in scores(name, setting).items():
                    writer.writerow([name, setting, source, f"{value:.4f}"])


if __name__ == "__main__":
    main()
