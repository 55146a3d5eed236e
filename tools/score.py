"""Score whole songs: the network beside librosa's median filter and what bounds them both.

    python tools/score.py FOLDER [FOLDER...] [--weights FILE] [--csv FILE]

FOLDER holds songs as drums.* and harmonic.*.  Plain SDR in dB, percussive and harmonic, mono, over
the whole song: of the best scaled mixture, librosa's median filter (n_fft 2048, hop 512, kernel 31,
power 2, margin 1), the network, and the ideal ratio mask.  Medians follow, one for each beginning
of the songs' names up to the underscore.
"""

import argparse
import csv
import statistics
import sys
from pathlib import Path

import librosa
import numpy as np

from hpss_lib import data
from hpss_lib.audio import without_rumble
from hpss_lib.madtwinnet import WEIGHTS, MaDTwinNet, estimate, read_model
from hpss_lib.measures import sdr
from hpss_lib.stft import SAMPLE_RATE, SETTINGS, istft, stft


def best_scale(s: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The multiple of x that comes nearest to s."""
    return x * (np.dot(s, x) / np.dot(x, x))


def median_filter(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Librosa's median-filter HPSS: percussive, harmonic."""
    X = librosa.stft(x, n_fft=2048, hop_length=512)
    H, P = librosa.decompose.hpss(X, kernel_size=31, power=2.0, margin=1.0)
    p, h = (librosa.istft(S, n_fft=2048, hop_length=512, length=len(x)) for S in (P, H))
    return p, h


def network(x: np.ndarray, model: MaDTwinNet) -> np.ndarray:
    """The percussive part by the network; as in `separate` it does not hear what nobody hears."""
    settings = SETTINGS[model.config.setting]
    X = stft(np.concatenate([*without_rumble([x[:, None]], SAMPLE_RATE)])[:, 0], settings)
    V = np.abs(X)
    return istft(X * (estimate(model, V) / np.maximum(V, 1e-12)), settings, len(x))


def estimates(p: np.ndarray, h: np.ndarray, model: MaDTwinNet) -> dict:
    """Every method's (s_p, s_h) for the mixture of p and h."""
    x = p + h
    settings = SETTINGS[model.config.setting]
    found = {
        "best scaled mixture": (best_scale(p, x), best_scale(h, x)),
        "librosa median": median_filter(x),
    }
    s_p = network(x, model)
    found["network"] = (s_p, x - s_p)
    X, P, H = (stft(s, settings) for s in (x, p, h))
    mask = np.abs(P) / np.maximum(np.abs(P) + np.abs(H), 1e-12)
    s_p = istft(X * mask, settings, len(x))
    found["ideal ratio mask"] = (s_p, x - s_p)
    return found


def main() -> None:
    """Print one line a song and method, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS / "compact-percussive.safetensors")
    parser.add_argument("--csv", type=Path, help="write the table here, too")
    options = parser.parse_args()
    model, _ = read_model(options.weights)
    rows = []
    for song in (s for folder in options.folders for s in data.find_songs(folder)):
        p, h = data.read_song(song)
        if p is None or h is None:
            continue
        for method, (s_p, s_h) in estimates(p, h, model).items():
            row = [song.name, method, f"{sdr(p, s_p):.2f}", f"{sdr(h, s_h):.2f}"]
            rows.append(row)
            print("{:24} {:22} {:>7} {:>7}".format(*row), flush=True)
    for group in sorted({song.partition("_")[0] for song, *_ in rows}):
        for method in dict.fromkeys(m for _, m, *_ in rows):
            mine = [r for r in rows if r[0].partition("_")[0] == group and r[1] == method]
            medians = [f"{statistics.median(float(r[k]) for r in mine):.2f}" for k in (2, 3)]
            rows.append([f"median of {len(mine)} {group}_*", method, *medians])
    for row in (r for r in rows if r[0].startswith("median of")):
        print("{:24} {:22} {:>7} {:>7}".format(*row))
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([["song", "method", "sdr_percussive", "sdr_harmonic"], *rows])


if __name__ == "__main__":
    sys.exit(main())
