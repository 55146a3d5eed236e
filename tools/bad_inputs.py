"""Give the command what it should not be given, and keep what it says: book/data/bad_inputs.csv.

.venv/bin/python tools/bad_inputs.py [--out FILE]

Each input is made here, and separated by the median filter in a process of its own, which has a
minute. tests/test_bad_inputs.py holds the committed table to what the command says today.
"""

import argparse
import csv
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib.drafts import whole

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "book" / "data" / "bad_inputs.csv"
COLUMNS = ("input", "status", "files", "says")
LONGEST = 60  # seconds


def _noise(seconds: float, channels: int = 1, rate: int = 44100) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (int(seconds * rate), channels))


def _sound(path: Path, x: np.ndarray, rate: int = 44100, subtype: str | None = None) -> None:
    soundfile.write(path, x, rate, subtype)


def _cut(path: Path) -> None:
    _sound(path, _noise(3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _bytes(path: Path, at: int, held: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + len(held)] = held
    path.write_bytes(data)


def _understated(path: Path) -> None:
    _sound(path, _noise(3))
    _bytes(path, 21, bytes([path.read_bytes()[21] & 0xF0]) + struct.pack(">I", 44100))


def _unsized(path: Path) -> None:
    _sound(path, _noise(1))
    _bytes(path, 4, bytes(4))
    _bytes(path, 40, bytes(4))


def _ten_hours(path: Path) -> None:
    with soundfile.SoundFile(path, "w", 100, 1, "PCM_U8") as sound:
        sound.write(np.zeros(3_600_000, np.int16))


def _inverted(path: Path) -> None:
    x = _noise(0.5)
    _sound(path, np.hstack([x, -x]))


def _circle(path: Path) -> None:
    path.symlink_to(path.with_name("other.wav"))
    path.with_name("other.wav").symlink_to(path)


# In words, the file's name, and what makes it.
INPUTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "silence": ("a.wav", lambda p: _sound(p, np.zeros(20000))),
    "one sample": ("a.wav", lambda p: _sound(p, np.ones(1) / 2)),
    "no samples": ("a.wav", lambda p: _sound(p, np.zeros(0))),
    "an empty file": ("a.wav", lambda p: p.write_bytes(b"")),
    "a text named .mp3": ("a.mp3", lambda p: p.write_text("no sound")),
    "a name that is not there": ("a.wav", lambda p: None),
    "a folder without sounds": ("a", lambda p: p.mkdir()),
    "a pipe": ("a.wav", os.mkfifo),
    "links in a circle": ("a.wav", _circle),
    "NaN among the samples": ("a.wav", lambda p: _sound(p, np.array([0, np.nan]), 44100, "FLOAT")),
    "samples of 1e30": ("a.wav", lambda p: _sound(p, np.full(999, 1e30), 44100, "FLOAT")),
    "ten hours": ("a.wav", _ten_hours),
    "a WAV cut in half": ("a.wav", _cut),
    "a FLAC cut in half": ("a.flac", _cut),
    "an Ogg cut in half": ("a.ogg", _cut),
    "an mp3 cut in half": ("a.mp3", _cut),
    "a FLAC whose header states a third of it": ("a.flac", _understated),
    "a WAV whose sizes were never filled in": ("a.wav", _unsized),
    "8 kHz": ("a.wav", lambda p: _sound(p, _noise(0.5, 1, 8000), 8000)),
    "192 kHz": ("a.wav", lambda p: _sound(p, _noise(0.5, 1, 192000), 192000)),
    "six channels": ("a.wav", lambda p: _sound(p, _noise(0.5, 6))),
    "channels that cancel each other": ("a.wav", _inverted),
    "a name of 245 characters": (f"{241 * 'a'}.wav", lambda p: _sound(p, _noise(0.1))),
    "a name in other letters": ("друм é.wav", lambda p: _sound(p, _noise(0.1))),
    "a name like an option's": ("--out.wav", lambda p: _sound(p, _noise(0.1))),
}


def run_apart(words: list[str]) -> tuple[int, str]:
    """Status and stderr of the command in a process of its own."""
    here = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "hpss_lib", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, env=here)
    return done.returncode, done.stderr


def said(words: str, run: Callable[[list[str]], tuple[int, str]] = run_apart) -> dict[str, str]:
    """What comes of one input: a row of the table, with the command's own lines."""
    name, make = INPUTS[words]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        make(path)
        out = Path(folder) / "out"
        status, told = run(["separate", str(path), "--method", "median", "--out", str(out)])
        files = len(list(out.iterdir())) if out.exists() else 0
        own = [line for line in told.splitlines() if not line.startswith(("Note:", "Warning:"))]
        lines = " ".join(own).replace(f"{folder}/", "").replace(241 * "a", "aaa...")
    return {"input": words, "status": str(status), "files": str(files), "says": lines}


def read_table(path: Path = TABLE) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args(argv)
    rows = []
    for words in INPUTS:
        rows.append(said(words))
        print(*rows[-1].values(), sep=" | ", flush=True)
    with whole(options.out) as (draft,), draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
