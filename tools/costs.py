"""Measure what the page "Reproduce the paper" counts with: seconds and memory of each kind of work.

    python tools/costs.py --out book/data/costs.csv

Run it on a machine that does nothing else. Each kind of work has a process of its own, so that the
peak memory is its own, imports included. Lines: work, unit, seconds a unit, peak megabytes, and for
training what a batch keeps for the backward pass, on a GPU as well.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

COLUMNS = ("work", "unit", "seconds", "megabytes", "kept_megabytes", "cores")
SONG = 250  # seconds: about the mean length of a song in DSD100


def music(seconds: int) -> tuple[np.ndarray, np.ndarray]:
    """The book's excerpts one after the other, as long as wanted: percussive, harmonic."""
    from hpss_lib.audio import EXCERPTS, load_excerpt
    from hpss_lib.stft import SAMPLE_RATE

    pairs = [load_excerpt(name) for name in EXCERPTS]
    p, h = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return np.resize(p, seconds * SAMPLE_RATE), np.resize(h, seconds * SAMPLE_RATE)


def train(name: str) -> dict:
    """One step of training with the twin, a batch of the plan's size."""
    import torch

    from hpss_lib.madtwinnet import CONFIGS, trim
    from hpss_lib.training import PLANS, Learner, take_step

    config, plan = CONFIGS[name], PLANS[name]
    learner = Learner(config, plan)
    optimiser = torch.optim.Adam(learner.parameters(), fused=True)
    V = torch.rand(plan.batch, config.frames, config.bins)
    V_target = trim(V / 2, config)
    kept: dict[int, int] = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    own = {p.untyped_storage().data_ptr() for p in learner.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        learner(V, V_target)
    activations = sum(size for at, size in kept.items() if at not in own)
    take_step(learner, optimiser, V, V_target, plan)
    steps, start = 5, time.perf_counter()
    for _ in range(steps):
        take_step(learner, optimiser, V, V_target, plan)
    seconds = (time.perf_counter() - start) / steps
    return {"seconds": seconds, "kept_megabytes": activations / 2**20}


def draw(name: str) -> dict:
    """The lessons of one step, drawn on one core."""
    import tempfile

    from hpss_lib import data
    from hpss_lib.evaluation import list_songs
    from hpss_lib.madtwinnet import CONFIGS
    from hpss_lib.stft import SETTINGS
    from hpss_lib.training import PLANS

    config, rng = CONFIGS[name], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        cache = data.build_cache([list_songs("excerpts")], folder)
        sizes = SETTINGS[config.setting], config.frames, PLANS[name].batch, rng
        data.draw_batch(cache, [1.0], *sizes)
        steps, start = 5, time.perf_counter()
        for _ in range(steps):
            data.draw_batch(cache, [1.0], *sizes)
        return {"seconds": (time.perf_counter() - start) / steps}


def score(protocol: str) -> dict:
    """One method's two estimates of a song, scored."""
    from hpss_lib.measures import PROTOCOLS, scores

    references = np.stack(music(SONG))
    noise = np.random.default_rng(0).standard_normal(references.shape).astype(np.float32)
    start = time.perf_counter()
    scores(references, references + 0.01 * noise, protocol=PROTOCOLS[protocol])
    return {"seconds": time.perf_counter() - start}


def separate(method: str, setting: str) -> dict:
    """One song by one method."""
    from hpss_lib.separation import separate
    from hpss_lib.stft import SAMPLE_RATE

    x = sum(music(SONG))
    separate(x[:44100], SAMPLE_RATE, method=method, setting=setting)  # imports and caches apart
    start = time.perf_counter()
    separate(x, SAMPLE_RATE, method=method, setting=setting)
    return {"seconds": time.perf_counter() - start}


WORK = {
    "train paper": ("step", train, ("paper",)),
    "train compact": ("step", train, ("compact",)),
    "draw paper": ("step", draw, ("paper",)),
    "draw compact": ("step", draw, ("compact",)),
    "score v3-30s": (f"song of {SONG} s", score, ("v3-30s",)),
    "score v4-1s": (f"song of {SONG} s", score, ("v4-1s",)),
    "separate mad compact": (f"song of {SONG} s", separate, ("mad", "compact")),
    "separate mad 1": (f"song of {SONG} s", separate, ("mad", "1")),
    "separate median 1": (f"song of {SONG} s", separate, ("median", "1")),
    "separate kam 1": (f"song of {SONG} s", separate, ("kam", "1")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _, work, arguments = WORK[options.one]
        found = work(*arguments)
        status = Path("/proc/self/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        print(json.dumps(found | {"megabytes": int(peak.split()[1]) / 2**10}))
        return
    with options.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name, (unit, _, _) in WORK.items():
            command = [sys.executable, __file__, "--one", name]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            row = {k: f"{v:.3g}" for k, v in json.loads(told.splitlines()[-1]).items()}
            row |= {"work": name, "unit": unit, "cores": os.cpu_count()}
            writer.writerow(row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
