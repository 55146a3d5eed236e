"""Kill commands at random moments, and look at what they leave: `make kill`.

python tools/kill.py [separate | evaluate | train ...] [--times N] [--seed N]

Each command is killed (SIGKILL, which no program can catch) so many times while it works on one
folder, and begun again each time; then it may end. After every kill: what was finished before is
still there, what stands under its final name is whole, and what the killed run left of its drafts
is gone after the next. Exits with 1 at the first thing that is not so.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent
FILES = 6


def sounds(folder: Path) -> None:
    """Files to separate, of some seconds each."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for k in range(FILES):
        soundfile.write(folder / f"{k}.wav", rng.uniform(-0.5, 0.5, 44100 * (2 + k)), 44100)


def songs(folder: Path) -> None:
    """Songs whose parts are known, of some seconds each."""
    rng = np.random.default_rng(0)
    for k in range(FILES):
        (folder / str(k)).mkdir(parents=True)
        for part in ("drums", "harmonic"):
            x = rng.uniform(-0.3, 0.3, 44100 * 3)
            soundfile.write(folder / str(k) / f"{part}.wav", x, 44100)


# For each command: what makes its data, its words, and what is finished in its folder, each thing
# by a name that tells it from every other; reading it raises an error where it is not whole.


def separated(out: Path) -> set[str]:
    """Results, each of the length of its input."""
    found = set()
    for path in out.glob("*.wav"):
        with soundfile.SoundFile(path) as sound:
            seconds = len(sound.read()) / sound.samplerate
        if seconds != 2 + int(path.name[0]):
            raise ValueError(f"{path.name} holds {seconds} s: it is not whole")
        found.add(path.name)
    return found


def scored(out: Path) -> set[str]:
    """Songs and methods of which all scores stand in the file."""
    from hpss_lib.scoreboard import read_rows

    if not (out / "scores.csv").exists():
        return set()
    rows: dict[str, set] = {}
    for row in read_rows(out / "scores.csv"):
        rows.setdefault(f"{row['song']}, {row['method']}", set()).add(
            (row["protocol"], row["source"])
        )
    return {key for key, held in rows.items() if len(held) == 4}


def trained(out: Path) -> set[str]:
    """Steps up to the checkpoint; weights and log are read as well."""
    import torch

    from hpss_lib.madtwinnet import read_model
    from hpss_lib.training import read_log

    for name in ("last.safetensors", "best.safetensors"):
        if (out / name).exists():
            read_model(out / name)
    if not (out / "checkpoint.pt").exists():
        return set()
    kept = torch.load(out / "checkpoint.pt", weights_only=True)
    logged = read_log(out / "log.csv")["step"].astype(int).tolist() if kept["step"] > 1 else [1]
    if logged[: kept["step"] - 1] != list(range(1, kept["step"])):
        raise ValueError(f"log.csv has not every step before {kept['step']}: {logged}")
    return {f"step {k}" for k in range(1, kept["step"] + 1)}


Look = Callable[[Path], set[str]]
COMMANDS: dict[str, tuple[Callable[[Path], None], str, Look, int]] = {
    "separate": (sounds, "separate {data} --out {out} --method median", separated, 2 * FILES),
    "evaluate": (
        songs,
        "evaluate --data {data} --out {out}/scores.csv --methods median,mixture --protocols , "
        "--workers 2",
        scored,
        2 * FILES,
    ),
    "train": (
        songs,
        "train --data {data} --out {out} --device cpu --set steps=12 every=2 batch=2 warm_up=1 "
        "bf16=False config.hidden=8 config.frames=24",
        trained,
        12,
    ),
}


def begin(words: list[str]) -> subprocess.Popen:
    here = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "hpss_lib", *words]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=here, stdout=quiet, stderr=quiet, start_new_session=True)


def wait(running: subprocess.Popen, seconds: float | None) -> int | None:
    """Its status; None where it is still at work after so many seconds."""
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def drafts(out: Path) -> set[str]:
    return {path.name for path in out.rglob("*.part")}


def check(before: set[str], after: set[str]) -> None:
    """What was finished stays finished."""
    if lost := before - after:
        raise ValueError(f"lost: {', '.join(sorted(lost))}")


def kill_again_and_again(name: str, times: int, rng: random.Random) -> str:
    """Kill a command so many times; a line on what was seen. Raises ValueError where it is bad."""
    make, words, look, whole = COMMANDS[name]
    kills = ended = left = 0
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        make(data)
        takes, out = 0.0, Path(folder, "out0")
        done: set[str] = set()
        while kills < times:
            out.mkdir(exist_ok=True)
            old = drafts(out)
            start = time.monotonic()
            running = begin(words.format(data=data, out=out).split())
            status = wait(running, takes * rng.random() if takes else None)
            if status is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                kills += 1
                found = look(out)
                check(done, found)
                if found - done and (same := old & drafts(out)):
                    raise ValueError(f"not swept by the next run: {', '.join(same)}")
                left, done = left + len(drafts(out)), found
                continue
            if status:
                raise ValueError(f"{name} ends with status {status}")
            takes = time.monotonic() - start
            if len(look(out)) != whole or drafts(out):
                raise ValueError(f"{len(look(out))} of {whole} are there, drafts {drafts(out)}")
            ended += 1
            out, done = Path(folder, f"out{ended}"), set()
        if begin(words.format(data=data, out=out).split()).wait() or len(look(out)) != whole:
            raise ValueError("the last run did not bring everything to its end")
        if drafts(out):
            raise ValueError(f"the last run left {drafts(out)}")
    return f"{name}: killed {kills} times, ended {ended + 1} times, {left} drafts met, all swept"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=f"of {', '.join(COMMANDS)}")
    parser.add_argument("--times", type=int, default=50, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    options = parser.parse_args(argv)
    if unknown := set(options.commands) - set(COMMANDS):
        parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(COMMANDS)}")
    for name in options.commands or COMMANDS:
        try:
            print(
                kill_again_and_again(name, options.times, random.Random(options.seed)), flush=True
            )
        except ValueError as error:
            print(f"{name}: {error}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
