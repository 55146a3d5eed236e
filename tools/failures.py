"""Where the percussive network is wrong: in which bands, by losing or by leaking, in which second.

    python tools/failures.py FOLDER [FOLDER...] [--weights FILE] [--csv FILE]

FOLDER holds songs as drums.* and harmonic.*. The error of a song's drums, G X - P, is (G - 1) P,
drums that are lost (or overdone), plus G H, the rest that leaks in: G is the network's gain, P and
H the two parts of the mixture X in the STFT. One line a song and band: its share of the song's
error energy, how much of that share has each of the two alone, the error over the drums in the
band in dB, beside that of the ideal ratio mask; and one line for the second with the largest error.
"""

import argparse
import csv
from itertools import pairwise
from pathlib import Path

import numpy as np

from hpss_lib import data
from hpss_lib.madtwinnet import WEIGHTS, estimate, read_model
from hpss_lib.stft import SAMPLE_RATE, SETTINGS, stft

EDGES = (0, 60, 120, 250, 1000, 4000, SAMPLE_RATE // 2)  # Hz
COLUMNS = ("song", "band", "share", "lost", "leaked", "error_db", "ideal_db")


def energy(S: np.ndarray) -> np.ndarray:
    return np.square(np.abs(S), dtype=np.float64)


def failures(p: np.ndarray, h: np.ndarray, model) -> list[list]:
    """Lines of one song: drums p, rest h, both (n,)."""
    settings = SETTINGS[model.config.setting]
    X, P, H = (stft(s, settings) for s in (p + h, p, h))
    V = np.abs(X)
    G = estimate(model, V) / np.maximum(V, 1e-12)
    ideal = np.abs(P) / np.maximum(np.abs(P) + np.abs(H), 1e-12)
    error, lost, leaked = energy(G * X - P), energy((1 - G) * P), energy(G * H)
    best, drums = energy(ideal * X - P), energy(P)
    hertz = np.fft.rfftfreq(settings.n_fft, 1 / SAMPLE_RATE)
    lines = []
    for low, high in pairwise(EDGES):
        at = (hertz >= low) & (hertz < high)
        inside = [float(e[at].sum()) for e in (error, lost, leaked, best, drums)]
        shares = [100 * e / error.sum() for e in inside[:3]]
        decibels = [10 * np.log10(e / inside[4]) for e in (inside[0], inside[3])]
        lines.append([f"{low}-{high} Hz", *(f"{v:.1f}" for v in (*shares, *decibels))])
    frames = round(SAMPLE_RATE / settings.hop)
    seconds = [error[:, t : t + frames].sum() for t in range(0, error.shape[1], frames)]
    worst = int(np.argmax(seconds))
    span = slice(worst * frames, (worst + 1) * frames)
    parts = [100 * e[:, span].sum() / error.sum() for e in (error, lost, leaked)]
    ends = [10 * np.log10(e[:, span].sum() / drums[:, span].sum()) for e in (error, best)]
    lines.append([f"second {worst}", *(f"{v:.1f}" for v in (*parts, *ends))])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS / "compact-percussive.safetensors")
    parser.add_argument("--csv", type=Path, help="write the table here, too")
    options = parser.parse_args()
    model = read_model(options.weights)[0]
    rows = []
    for song in (s for folder in options.folders for s in data.find_songs(folder)):
        p, h = data.read_song(song)
        if p is None or h is None:
            continue
        for line in failures(p, h, model):
            rows.append([song.name, *line])
            print(
                "{:16} {:>14} {:>6} % (lost {:>5}, leaked {:>5}) {:>6} dB {:>6}".format(*rows[-1])
            )
    if options.csv:
        with options.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
