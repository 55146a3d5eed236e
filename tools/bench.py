"""Print how fast the library is on this machine: `python tools/bench.py [--minutes 3]`.

Each figure is the median of a few runs, with the slowest and the fastest, beside what it is held
to; librosa and torch do the same work in the same run. --json keeps all of it, with the machine's
name and how busy it was, for the book's page (book/measured.ipynb). Times are wall times, so run it
on a machine that does nothing else, or with --cpu, which counts the processor's time instead (of
all threads together). Nothing here is a test: a slow machine is no defect.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile

from hpss_lib import audio, data
from hpss_lib.drafts import whole
from hpss_lib.evaluation import list_songs
from hpss_lib.median import median_hpss
from hpss_lib.puiter import pu, pu_iter
from hpss_lib.separation import METHODS, PHASES, separate_file
from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTINGS, istft, stft
from hpss_lib.tracking import track


def song(seconds: float) -> np.ndarray:
    """Mono music of that length: the book's excerpts one after the other, again and again."""
    n = int(seconds * SAMPLE_RATE)
    return np.resize(np.concatenate([sum(audio.load_excerpt(name)) for name in audio.EXCERPTS]), n)


clock = time.perf_counter
LEAST = {  # times real time
    ("mad", "mixture", "compact"): 40,
    ("mad", "pu", "compact"): 30,
    ("kam", "mixture", "1"): 0.5,
}
ROWS: list[dict] = []  # what has been printed


def times(work: Callable[[], object], runs: int = 5) -> list[float]:
    """Seconds of each of some runs; what is slow runs less often, once at least."""
    spent: list[float] = []
    while len(spent) < runs and sum(spent) < 20:
        start = clock()
        work()
        spent.append(clock() - start)
    return spent


def import_seconds() -> list[float]:
    """Seconds that `import hpss_lib` takes in a fresh Python, five times."""
    program = (
        "import time; t = time.perf_counter(); import hpss_lib; print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", program]
    return [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]


def peak_megabytes(path: Path, out: str) -> float:
    """Peak resident memory of `hpss separate` on a file, imports included; Linux."""
    # Not getrusage: there a child starts from its parent's peak.
    program = (
        "import re, sys; from hpss_lib.__main__ import main; main(sys.argv[1:]);"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    command = [sys.executable, "-c", program, "separate", str(path), "--out", out]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(told.split()[-1]) / 2**10


def row(
    what: str,
    unit: str,
    values: Sequence[float],
    *,
    least: float | None = None,
    most: float | None = None,
) -> None:
    """Print one line of the table, and keep it: the median, the range, what it is held to."""
    median = statistics.median(values)
    held = "" if least is None else f"at least {least:g} {unit}"
    held = held if most is None else f"at most {most:g} {unit}"
    spread = f"{min(values):.4g} to {max(values):.4g}" if len(values) > 1 else ""
    middle = f"{median:,}" if isinstance(median, int) else f"{median:.4g}"  # a count is whole
    print(f"{what:<58} {middle:>12} {unit:<9} {spread:<20} {held}", flush=True)
    ROWS.append(
        {
            "what": what,
            "unit": unit,
            "median": median,
            "low": min(values),
            "high": max(values),
            "runs": len(values),
            "least": least,
            "most": most,
        }
    )


def speeds(seconds: float, spent: Sequence[float]) -> list[float]:
    """How many times faster than the sound lasts."""
    return [seconds / one for one in spent]


def machine() -> dict:
    """What the figures were measured on, and how much else it had to do."""
    import torch

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = re.findall(r"model name\s*:\s*(.+)", text)
    except OSError:
        names = []
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "busy": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "date": time.strftime("%Y-%m-%d"),
    }


def bench_separation(methods: Sequence[str], path: Path, short: Path, seconds: float) -> None:
    """Every method, phase and setting, file to files."""
    for method in methods:
        # The phases cost the same whatever the method: once is enough.
        for phase in PHASES if method == "mad" else ("mixture",):
            for setting in SETTINGS:
                options = {"method": method, "phase": phase, "setting": setting}
                with tempfile.TemporaryDirectory() as out:
                    separate_file(short, out, **options)  # imports and caches apart
                    spent = times(lambda out=out, o=options: separate_file(path, out, **o), runs=3)
                row(
                    f"separate, {method}, phase {phase}, setting {setting}",
                    "x",
                    speeds(seconds, spent),
                    least=LEAST.get((method, phase, setting)),
                )


def write_stereo(path: Path, minutes: float) -> None:
    """A stereo file of that length, the book's excerpts again and again, never whole in memory."""
    minute = song(60)
    stereo = np.stack([minute, np.roll(minute, 20)], axis=1)  # not the same in both channels
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as sound:
        for _ in range(round(minutes)):
            sound.write(stereo)


def bench_memory(folder: Path) -> None:
    """Memory and speed of the command on stereo files of 1, 10 and 60 minutes."""
    for minutes in (1, 10, 60):
        path = folder / f"{minutes}.wav"
        write_stereo(path, minutes)
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            peak = peak_megabytes(path, out)
            speed = 60 * minutes / (time.perf_counter() - start)
        path.unlink()
        most = 1024 if minutes == 60 else None
        row(f"peak memory of hpss separate, {minutes} min of stereo", "MB", [peak], most=most)
        row(f"its speed, {minutes} min, imports included", "x", [speed])


def bench_stages(x: np.ndarray) -> None:
    """The transform against torch's, the median filter against librosa's, on the same signals."""
    import torch
    from librosa.decompose import hpss

    seconds = len(x) / SAMPLE_RATE
    for name, settings in SETTINGS.items():
        X = stft(x, settings)
        ours = times(lambda s=settings: stft(x, s))
        row(f"stft, setting {name}", "x", speeds(seconds, ours))
        sizes = {"n_fft": settings.n_fft, "hop_length": settings.hop, "return_complex": True}
        window, signal = torch.hann_window(settings.n_fft), torch.from_numpy(x)
        theirs = times(lambda o=sizes, w=window, y=signal: torch.stft(y, window=w, **o))
        row(f"torch.stft of the same sizes, setting {name}", "x", speeds(seconds, theirs))
        back = times(lambda s=settings, X=X: istft(X, s, len(x)))
        row(f"istft, setting {name}", "x", speeds(seconds, back))
    V = np.abs(stft(x[: 60 * SAMPLE_RATE], COMPACT))
    median_hpss(V[:, :100], COMPACT)  # its loops are compiled apart
    pairs = [
        (times(lambda: median_hpss(V, COMPACT), 1)[0], times(lambda: hpss(V, mask=True), 1)[0])
        for _ in range(3)  # in turns, so that what else the machine does meets both
    ]
    ours, theirs = ([pair[k] for pair in pairs] for k in (0, 1))
    row(f"median_hpss, kernel 31, compact, {min(seconds, 60):.0f} s of sound", "s", ours)
    row("librosa.decompose.hpss, the same", "s", theirs)
    row("median_hpss against librosa", "x", [b / a for a, b in pairs], least=3)


def bench_network(seconds: float) -> None:
    """Sizes, the speed of training, and of both networks alone, from magnitudes to magnitudes."""
    import torch

    from hpss_lib.madtwinnet import CONFIGS, MaDTwinNet, TwinNet, count_parameters, estimate
    from hpss_lib.recurrence import GRU
    from hpss_lib.training import COMPACT_PLAN, Learner, take_step

    rng = np.random.default_rng(0)
    for name, config in CONFIGS.items():
        model = MaDTwinNet(config).eval()
        inference, twin = count_parameters(model), count_parameters(TwinNet(config))
        row(f"parameters, {name}", "", [inference])
        row(f"parameters, {name}, in training", "", [inference + twin])
        settings = SETTINGS[config.setting]
        V = rng.random((settings.bins, settings.frames(int(seconds * SAMPLE_RATE))), np.float32)
        spent = times(lambda m=model, V=V: estimate(m, V), runs=3)
        # The speed does not depend on the weights: these are random.
        least = 10 if name == "paper" else None
        row(f"network alone, {name}, random weights", "x", speeds(seconds, spent), least=least)
    config = CONFIGS["compact"]
    learner = Learner(config, COMPACT_PLAN)
    optimiser = torch.optim.Adam(learner.parameters(), fused=True)
    V = torch.rand(COMPACT_PLAN.batch, config.frames, config.bins)
    target_V = V[:, config.context : -config.context] / 2

    def step() -> float:
        return times(lambda: take_step(learner, optimiser, V, target_V, COMPACT_PLAN), runs=1)[0]

    def step_as_torch() -> float:
        with mock.patch.object(GRU, "forward", torch.nn.GRU.forward):
            return step()

    step(), step_as_torch()  # what the first of each sets up
    pairs = [(step(), step_as_torch()) for _ in range(10)]  # in turns, as above
    steps, theirs = ([pair[k] for pair in pairs] for k in (0, 1))
    threads = f"{torch.get_num_threads()} threads"
    row(f"training, compact, {threads}", "steps/s", speeds(1, steps))
    row(f"training, the same with torch.nn.GRU, {threads}", "steps/s", speeds(1, theirs))
    row("training, our gradient of the GRU against torch's", "x", [b / a for a, b in pairs])
    with tempfile.TemporaryDirectory() as folder:
        cache = data.build_cache([list_songs("excerpts")], folder)
        sizes = SETTINGS[config.setting], config.frames, COMPACT_PLAN.batch, rng
        spent = times(lambda: data.draw_batch(cache, [1.0], *sizes), runs=10)
    least = round(statistics.median(speeds(1, steps)), 2)  # or the steps would wait
    row("training, drawing the lessons", "steps/s", speeds(1, spent), least=least)


def bench_phases(x: np.ndarray) -> None:
    """Phase recovery, from magnitudes and the mixture's STFT to the STFTs of the sources."""
    seconds = len(x) / SAMPLE_RATE
    for name, settings in SETTINGS.items():
        X = stft(x, settings)
        M_p, M_h = median_hpss(np.abs(X), settings)
        V = (1.1 * M_p * np.abs(X), 0.9 * M_h * np.abs(X))  # (triangles that are not flat)
        for what, work, least in (
            ("closed form", lambda X=X, V=V, s=settings: pu(X, *V, s), 50),
            ("50 iterations", lambda X=X, V=V, s=settings: pu_iter(X, V, s), 5),
            ("tracked", lambda X=X, V=V, s=settings: track(X, V[0], s), None),
        ):
            work()
            held = least if name == "1" else None
            row(f"phases, {what}, setting {name}", "x", speeds(seconds, times(work)), least=held)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=3.0, help="length of the song (default: 3)"
    )
    parser.add_argument(
        "--methods", nargs="*", choices=tuple(METHODS), default=tuple(METHODS), help="default: all"
    )
    parser.add_argument(
        "--memory", action="store_true", help="the memory of the command, and nothing else"
    )
    parser.add_argument("--cpu", action="store_true", help="processor time in place of wall time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the table in this file")
    args = parser.parse_args()
    told = machine()
    if args.cpu:
        global clock
        clock = time.process_time
    if args.memory:
        with tempfile.TemporaryDirectory() as folder:
            bench_memory(Path(folder))
        return
    seconds = 60 * args.minutes
    x = song(seconds)
    print(
        f"{os.cpu_count()} cores; {seconds:.0f} s of mono sound at 44.1 kHz; x: times real time\n"
    )
    row("import hpss_lib", "ms", [1000 * one for one in import_seconds()], most=300)
    bench_stages(x)
    bench_phases(x[: 60 * SAMPLE_RATE])
    bench_network(min(seconds, 60))
    with tempfile.TemporaryDirectory() as folder:
        path, short = (Path(folder) / f"{name}.wav" for name in ("song", "short"))
        audio.write_wav(path, x, SAMPLE_RATE)
        audio.write_wav(short, x[:SAMPLE_RATE], SAMPLE_RATE)
        bench_separation(args.methods, path, short, seconds)
        if Path("/proc/self/status").exists():
            bench_memory(Path(folder))
    if args.json:
        kept = {"machine": told, "seconds_of_sound": seconds, "rows": ROWS}
        with whole(args.json) as (draft,):
            draft.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
