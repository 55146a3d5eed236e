"""Put dry guitars and basses through amplifiers, as sounds to train on.

    python tools/amplify.py FOLDER --out DIR [--times 3] [--seed 0]

FOLDER holds recordings straight from the instrument. Each comes out `--times` times, through other
amplifiers, as DIR/NAME_K.flac; a name with "bass" in it is a bass, any other a guitar. The same
seed gives the same sounds. DIR is then a folder of harmonic sounds for `hpss train --data`.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib import audio
from hpss_lib.data import SUFFIXES
from hpss_lib.songs.effects import part_bus
from hpss_lib.stft import SAMPLE_RATE

PEAK = 0.8
# From nearly clean to metal; see `effects.amplifier`.
DRIVES = {"guitar": (1.5, 60.0), "bass": (1.2, 12.0)}


def amplified(x: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """One version of a dry "guitar" or "bass" x (n,), with peak `PEAK`."""
    low, high = np.log(DRIVES[kind])
    y = part_bus(x, rng, kind=kind, drive=float(np.exp(rng.uniform(low, high))))
    return y * (PEAK / max(float(np.abs(y).max()), 1e-9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    files = sorted(f for f in options.folder.rglob("*") if f.suffix.lower() in SUFFIXES)
    for number, file in enumerate(files):
        x = audio.load(file)
        kind = "bass" if "bass" in file.stem.lower() else "guitar"
        for k in range(options.times):
            y = amplified(x, kind, np.random.default_rng([options.seed, number, k]))
            soundfile.write(options.out / f"{file.stem}_{k}.flac", y, SAMPLE_RATE, subtype="PCM_16")
    print(f"{len(files)} recordings, {options.times} times each")


if __name__ == "__main__":
    main()
