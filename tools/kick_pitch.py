"""Where bass drums lie, and how well each stage of a training finds the drums above them.

    python tools/kick_pitch.py --songs DIR... --lessons DIR... --weights NAME=FILE... --csv FILE

DIR holds songs as drums.* and harmonic.*. One line a song: the frequency below 120 Hz at which its
drums are loudest. Of --songs also one line for each file of weights, with the plain SDR of the
drums in dB over the whole song, as tools/score.py measures it.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from score import network

from hpss_lib import data
from hpss_lib.madtwinnet import read_model
from hpss_lib.measures import sdr
from hpss_lib.stft import SAMPLE_RATE, StftSettings, stft

FINE = StftSettings(n_fft=16384, window_length=16384, hop=8192, window="hann")
LOWEST, HIGHEST = 25.0, 120.0  # Hz
COLUMNS = ("kind", "song", "hertz", "weights", "sdr_percussive")


def loudest(p: np.ndarray) -> float:
    """The frequency in Hz between LOWEST and HIGHEST at which drums (n,) have most energy."""
    power = np.square(np.abs(stft(p, FINE)), dtype=np.float64).sum(axis=1)
    hertz = np.fft.rfftfreq(FINE.n_fft, 1 / SAMPLE_RATE)
    inside = (hertz >= LOWEST) & (hertz <= HIGHEST)
    return float(hertz[inside][power[inside].argmax()])


def main() -> None:
    """Write one line a song and file of weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--songs", nargs="+", type=Path, required=True)
    parser.add_argument("--lessons", nargs="*", type=Path, default=())
    parser.add_argument("--weights", nargs="+", required=True, metavar="NAME=FILE")
    parser.add_argument("--csv", type=Path, required=True)
    options = parser.parse_args()
    models = {
        name: read_model(path)[0] for name, _, path in (w.partition("=") for w in options.weights)
    }
    rows = []
    for kind, folders in (("lesson", options.lessons), ("song", options.songs)):
        for song in (s for folder in folders for s in data.find_songs(folder)):
            p, h = data.read_song(song)
            if p is None or h is None:
                continue
            first = [kind, song.name, f"{loudest(p):.1f}"]
            for name, model in models.items() if kind == "song" else [("", None)]:
                rows.append([*first, name, f"{sdr(p, network(p + h, model)):.2f}" if model else ""])
                print("{:8}{:24}{:>8} Hz  {:12}{:>7}".format(*rows[-1]), flush=True)
    with options.csv.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
