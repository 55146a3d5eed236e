"""Turn a training run into the weights and the training curve that the library ships.

    python tools/export_weights.py RUN --target percussive --data "what it learnt from"

Reads RUN/last.safetensors (or best) and RUN/log.csv; writes compact-TARGET.safetensors, with the
run's story in its header, and compact-TARGET.csv, the log averaged over 25 steps, into
hpss_lib/weights.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from hpss_lib.madtwinnet import TARGETS, WEIGHTS, read_model, save_model
from hpss_lib.training import read_log

LARGEST = 16 * 2**20  # bytes


def main() -> None:
    """Write the two files and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--target", choices=TARGETS, required=True)
    parser.add_argument("--file", choices=("last", "best"), default="last")
    parser.add_argument("--data", required=True, help="what it learnt from, in words")
    parser.add_argument("--licence", default="MIT")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    model, story = read_model(options.run / f"{options.file}.safetensors")
    if story["target"] != options.target:
        raise SystemExit(f"{options.run} was trained for {story['target']}, not {options.target}")
    log = read_log(options.run / "log.csv", every=25)
    del story["config"]
    story |= {"data": options.data, "licence": options.licence}
    story["hours"] = round(float(read_log(options.run / "log.csv")["seconds"].max()) / 3600, 2)
    path = options.out / f"compact-{options.target}.safetensors"
    save_model(path, model, **story)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes; at most {LARGEST} are allowed")
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(log)
        for row in zip(*log.values(), strict=True):
            writer.writerow("" if np.isnan(v) else f"{v:.5g}" for v in row)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, step {story['step']}, {story}")


if __name__ == "__main__":
    main()
