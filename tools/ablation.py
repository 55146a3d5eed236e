"""Train short, change one thing, and score: what matters in training the network (chapter 6).

    python tools/ablation.py --rendered DIR[=W]... --recorded DIR[=W]... --held DIR... \
        --out DIR --csv FILE --series NAME [--steps 1200] [--runs NAME...] [--seeds N...]

Every run starts from nothing and differs from the base in what its name says. Each is scored on
songs held back (folders named by --held, also where they lie below the others): plain SDR in dB of
excerpts of ten seconds, mono, the mixture's phase, drums by the network and the rest by
subtraction. One line an excerpt. Runs that the csv holds already are left out, so that it can be
stopped, and a run that was stopped goes on. Runs on the same lessons are one series, and only they
can be compared: a series has its own base.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch

from hpss_lib import data, training
from hpss_lib.madtwinnet import CONFIGS

# What a run changes is a change to this: the compact size as the paper would have it, without the
# twin, which saves a third of the time.
BASE = (
    "config.frames=60", "batch=16", "truth='magnitude'", "squared=0.0", "compressed=0.0",
    "twin=False", "mixing.across=0.7",
)  # fmt: skip
# name: (changes, which lessons, seeds, steps as a multiple). Two seeds for what decided.
RUNS = {
    "base": ((), "both", (0, 1), 1),
    "with twin": (("twin=True",), "both", (0,), 1),
    "learn the projection": (("truth='projection'",), "both", (0, 1), 1),
    "projection and twin": (("truth='projection'", "twin=True"), "both", (0, 1), 1),
    "squared error beside KL": (("squared=50.0",), "both", (0, 1), 1),
    "log magnitude beside KL": (("compressed=0.3",), "both", (0,), 1),
    "sequences twice as long": (("config.frames=120", "batch=8"), "both", (0, 1), 1),
    "two in three as mixed": (("mixing.across=0.35",), "both", (0, 1), 1),
    "recordings only": ((), "recorded", (0,), 1),
    "rendered songs only": ((), "rendered", (0,), 1),
    "no augmentation": (
        ("mixing.speed=0", "mixing.distort=0", "mixing.low_pass=0", "mixing.equalise=0"),
        "both", (0,), 1,
    ),
    "level as it comes": (("config.level=None",), "both", (0,), 1),
    "no denoiser": (("config.hidden=0",), "both", (0,), 1),
    "half the steps": ((), "both", (0,), 0.5),
    "learn the released ratio": (("truth='ratio'",), "both", (0,), 1),
}  # fmt: skip
# For a series of their own, whose base is "as shipped": what the shipped weights ended with, what
# else the network might hear of the same seconds of sound, and lessons about the kick.
SHIPPED = (
    "config.frames=120", "batch=8", "truth='projection'", "squared=50.0", "mixing.across=0.35",
)  # fmt: skip
SETTING_2 = (
    *SHIPPED, "config.setting='2'", "config.bins=2049", "config.frames=60", "config.context=5",
    "config.hidden=384",
)  # fmt: skip
RUNS |= {
    "as shipped": (SHIPPED, "both", (0, 1), 1),
    "setting 2, bands": ((*SETTING_2, "config.bands_to=16000.0"), "both", (0, 1), 1),
    "setting 2, low bins": (SETTING_2, "both", (0, 1), 1),
    "kicks in step": ((*SHIPPED, "mixing.kicks=0.3"), "both", (0,), 1),
    "bass gives way": ((*SHIPPED, "mixing.duck=0.3"), "both", (0,), 1),
    "one bus": ((*SHIPPED, "mixing.master=0.5"), "both", (0,), 1),
    "offset and rumble": ((*SHIPPED, "mixing.rumble=0.15"), "both", (0,), 1),
    "gates drawn as one": ((*SHIPPED, "config.stacked=True"), "both", (0,), 1),
}
COLUMNS = ("series", "run", "seed", "steps", "seconds", "held_back", "excerpt", "sdr_percussive", "sdr_harmonic")  # noqa: E501  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rendered", nargs="+", required=True, metavar="DIR[=W]")
    parser.add_argument("--recorded", nargs="+", required=True, metavar="DIR[=W]")
    parser.add_argument("--held", nargs="+", required=True, metavar="DIR")
    parser.add_argument("--skip", nargs="+", default=(), metavar="PATTERN")
    parser.add_argument(
        "--out", required=True, type=Path, help="folder for weights and checkpoints"
    )
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--series", required=True, help="a name for these lessons")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--count", type=int, default=3, help="excerpts of each song held back")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--seeds", nargs="+", type=int, help="of each run's seeds, only these")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as the command line does: it is a matter of speed
    done = set()
    if options.csv.exists():
        with options.csv.open(newline="") as file:
            done = {
                (row["run"], row["seed"])
                for row in csv.DictReader(file)
                if row["series"] == options.series
            }
    else:
        options.csv.write_text(",".join(COLUMNS) + "\n")
    lessons = {
        "rendered": options.rendered,
        "recorded": options.recorded,
        "both": [*options.rendered, *options.recorded],
    }
    held = {Path(folder).name: data.find_songs(folder) for folder in options.held}
    for name in options.runs:
        changes, kind, seeds, multiple = RUNS[name]
        for seed in seeds:
            if (name, str(seed)) in done or (options.seeds and seed not in options.seeds):
                continue
            steps = round(options.steps * multiple)
            config, plan = training.change(
                CONFIGS["compact"],
                training.PLANS["compact"],
                [f"steps={steps}", f"seed={seed}", "every=250", *BASE, *changes],
            )
            began = time.monotonic()
            model = training.train_on_folders(
                lessons[kind],
                options.out / f"{name.replace(' ', '_').replace('|', '')}-{seed}",
                config=config,
                plan=plan,
                validation=options.held,
                count=0,
                skip=options.skip,
                cache=options.out / f"cache-{kind}",
            )
            seconds = round(time.monotonic() - began)
            labels = [options.series, name, seed, steps, seconds]
            rows = [
                [*labels, folder, excerpt, f"{p:.3f}", f"{h:.3f}"]
                for folder, songs in held.items()
                for excerpt, p, h in training.score_each(
                    model, data.excerpts(songs, count=options.count), "percussive"
                )
            ]
            with options.csv.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
            p, h = np.median([[float(r[-2]), float(r[-1])] for r in rows], axis=0)
            print(
                f"{name}, seed {seed}: {p:.2f} dB drums, {h:.2f} dB rest, {seconds} s", flush=True
            )


if __name__ == "__main__":
    main()
