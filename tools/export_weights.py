"""Turn training runs into the weights and the training curve that the library ships.

    python tools/export_weights.py RUN [RUN...] --target percussive --data "what it learnt from"
        [--before STEM]

The runs follow each other, each begun from the weights of the one before it; --before STEM puts
STEM.safetensors and STEM.csv, exported earlier, in front of them. Reads RUN/last.safetensors (or
best) and RUN/log.csv up to that step; writes compact-TARGET.safetensors, with the story of all runs
in its header, and compact-TARGET.csv, the logs averaged over 25 steps, into hpss_lib/weights.
Hours are those of all processes together.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from hpss_lib.audio import SOURCES
from hpss_lib.madtwinnet import WEIGHTS, read_model, save_model
from hpss_lib.training import COLUMNS, read_log

LARGEST = 16 * 2**20  # bytes


def curve(path: Path, last: int, every: int) -> dict[str, np.ndarray]:
    """A log's columns up to a step, each the mean over `every` lines; NaN where there is none."""
    log = read_log(path)
    kept = int(np.sum(log["step"] <= last))
    columns = {}
    for name in COLUMNS:
        values = log.get(name, np.full(len(log["step"]), np.nan))[:kept]
        blocks = [values[i : i + every] for i in range(0, kept, every)]
        columns[name] = np.array([np.nan if np.isnan(b).all() else np.nanmean(b) for b in blocks])
    return columns


def main() -> None:
    """Write the two files and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--target", choices=SOURCES, required=True)
    parser.add_argument("--file", choices=("last", "best"), default="last")
    parser.add_argument("--data", required=True, help="what it learnt from, in words")
    parser.add_argument(
        "--before", type=Path, help="exported weights that the first run began from"
    )
    parser.add_argument("--licence", default="MIT")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    parts = [(run / f"{options.file}.safetensors", run / "log.csv", 25) for run in options.runs]
    if options.before:
        stem = options.before
        parts.insert(0, (stem.with_suffix(".safetensors"), stem.with_suffix(".csv"), 1))
    stages, curves = [], []
    for weights, log, every in parts:
        model, story = read_model(weights)
        if story["target"] != options.target:
            raise SystemExit(f"{weights} was trained for {story['target']}, not {options.target}")
        found = curve(log, story["step"], every)
        earlier = story.get("before", [])  # its curve holds these already
        done = sum(stage["steps"] for stage in earlier)
        stages += earlier
        processes = story.pop("processes", 1)
        stage = {"steps": story["step"] - done, "frames": model.config.frames}
        of_earlier = found["seconds"][found["step"] <= done]
        spent = found["seconds"].max() - max(of_earlier, default=0.0)
        stage |= {"processes": processes, "hours": round(processes * float(spent) / 3600, 2)}
        stages.append(stage | {k: v for k, v in story["plan"].items() if k != "steps"})
        shift = {"step": 0.0, "seconds": 0.0}
        if curves:
            shift = {name: curves[-1][name].max() for name in shift}
            shift["step"] = sum(s["steps"] for s in stages[:-1])
        curves.append({k: v + shift.get(k, 0.0) for k, v in found.items()})
    del story["config"]
    story |= {"data": options.data, "licence": options.licence, "before": stages[:-1]}
    story["processes"] = processes
    story["step"] = sum(stage["steps"] for stage in stages)
    story["hours"] = round(sum(stage["hours"] for stage in stages), 2)
    path = options.out / f"compact-{options.target}.safetensors"
    save_model(path, model, **story)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes; at most {LARGEST} are allowed")
    whole = {name: np.concatenate([c[name] for c in curves]) for name in COLUMNS}
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(whole)
        for row in zip(*whole.values(), strict=True):
            writer.writerow("" if np.isnan(v) else f"{v:.5g}" for v in row)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, step {story['step']}, {story}")


if __name__ == "__main__":
    main()
