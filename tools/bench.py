"""Print how fast the library is on this machine: `python tools/bench.py [--minutes 3]`.

Each figure stands beside what it is held to. Times are wall times, the best of a few runs, so run
it on a machine that does nothing else, or with --cpu, which counts the processor's time instead (of
all threads together). Nothing here is a test: a slow machine is no defect.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib import audio, data
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
TARGETS = {
    ("mad", "mixture", "compact"): "at least 40 x",
    ("mad", "pu", "compact"): "at least 30 x",
    ("kam", "mixture", "1"): "at least 0.5 x",
}


def best(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of the fastest of some runs; what is slow runs once."""
    times = []
    while len(times) < runs and sum(times) < 20:
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def import_seconds() -> float:
    """Seconds that `import hpss_lib` takes in a fresh Python, the best of five."""
    program = (
        "import time; t = time.perf_counter(); import hpss_lib; print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", program]
    return min(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )


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


def row(what: str, figure: str, target: str = "") -> None:
    """Print one line of the table."""
    print(f"{what:<58} {figure:>14}   {target}", flush=True)


def bench_separation(methods: Sequence[str], path: Path, short: Path, seconds: float) -> None:
    """Every method, phase and setting, file to files."""
    for method in methods:
        # The phases cost the same whatever the method: once is enough.
        for phase in PHASES if method == "mad" else ("mixture",):
            for setting in SETTINGS:
                options = {"method": method, "phase": phase, "setting": setting}
                with tempfile.TemporaryDirectory() as out:
                    separate_file(short, out, **options)  # imports and caches apart
                    spent = best(lambda out=out, o=options: separate_file(path, out, **o), runs=2)
                row(
                    f"separate, {method}, phase {phase}, setting {setting}",
                    f"{seconds / spent:.0f} x",
                    TARGETS.get((method, phase, setting), ""),
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
        target = "below 1024 MB" if minutes == 60 else ""
        row(f"peak memory of hpss separate, {minutes} min of stereo", f"{peak:.0f} MB", target)
        row("its speed, imports included", f"{speed:.0f} x")


def bench_stages(x: np.ndarray) -> None:
    """The transform, and the median filter against librosa's on the same magnitudes."""
    from librosa.decompose import hpss

    seconds = len(x) / SAMPLE_RATE
    for name, settings in SETTINGS.items():
        X = stft(x, settings)
        row(f"stft, setting {name}", f"{seconds / best(lambda s=settings: stft(x, s)):.0f} x")
        back = best(lambda s=settings, X=X: istft(X, s, len(x)))
        row(f"istft, setting {name}", f"{seconds / back:.0f} x")
    V = np.abs(stft(x[: 60 * SAMPLE_RATE], COMPACT))
    ours = best(lambda: median_hpss(V, COMPACT))
    theirs = best(lambda: hpss(V, kernel_size=31, mask=True), runs=2)
    row(f"median_hpss, kernel 31, compact, {min(seconds, 60):.0f} s of sound", f"{ours:.2f} s")
    row("librosa.decompose.hpss, the same", f"{theirs:.2f} s")
    row("median_hpss against librosa", f"{theirs / ours:.1f} x", "at least 3 x")


def bench_network(seconds: float) -> None:
    """Sizes, the speed of training, and of both networks alone, from magnitudes to magnitudes."""
    import torch

    from hpss_lib.madtwinnet import CONFIGS, MaDTwinNet, TwinNet, count_parameters, estimate
    from hpss_lib.training import COMPACT_PLAN, Learner, take_step

    rng = np.random.default_rng(0)
    for name, config in CONFIGS.items():
        model = MaDTwinNet(config).eval()
        inference, twin = count_parameters(model), count_parameters(TwinNet(config))
        row(f"parameters, {name}", f"{inference:,}", f"{inference + twin:,} in training")
        settings = SETTINGS[config.setting]
        V = rng.random((settings.bins, settings.frames(int(seconds * SAMPLE_RATE))), np.float32)
        spent = best(lambda m=model, V=V: estimate(m, V), runs=2)
        # The speed does not depend on the weights: these are random.
        target = "at least 10 x" if name == "paper" else ""
        row(f"network alone, {name}, random weights", f"{seconds / spent:.0f} x", target)
    config = CONFIGS["compact"]
    learner = Learner(config, COMPACT_PLAN)
    optimiser = torch.optim.Adam(learner.parameters(), fused=True)
    V = torch.rand(COMPACT_PLAN.batch, config.frames, config.bins)
    target_V = V[:, config.context : -config.context] / 2
    spent = best(lambda: take_step(learner, optimiser, V, target_V, COMPACT_PLAN), runs=10)
    row(f"training, compact, {torch.get_num_threads()} threads", f"{1 / spent:.2f} steps/s")
    with tempfile.TemporaryDirectory() as folder:
        cache = data.build_cache([list_songs("excerpts")], folder)
        sizes = SETTINGS[config.setting], config.frames, COMPACT_PLAN.batch, rng
        spent = best(lambda: data.draw_batch(cache, [1.0], *sizes), runs=10)
    row("training, drawing the lessons", f"{1 / spent:.1f} steps/s", "faster than the steps")


def bench_phases(x: np.ndarray) -> None:
    """Phase recovery, from magnitudes and the mixture's STFT to the STFTs of the sources."""
    seconds = len(x) / SAMPLE_RATE
    for name, settings in SETTINGS.items():
        X = stft(x, settings)
        M_p, M_h = median_hpss(np.abs(X), settings)
        V = (1.1 * M_p * np.abs(X), 0.9 * M_h * np.abs(X))  # (triangles that are not flat)
        for what, work, target in (
            ("closed form", lambda X=X, V=V, s=settings: pu(X, *V, s), "at least 50 x"),
            ("50 iterations", lambda X=X, V=V, s=settings: pu_iter(X, V, s), "at least 5 x"),
            ("tracked", lambda X=X, V=V, s=settings: track(X, V[0], s), ""),
        ):
            work()
            held_to = target if name == "1" else ""
            row(f"phases, {what}, setting {name}", f"{seconds / best(work):.0f} x", held_to)


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
    args = parser.parse_args()
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
    row("import hpss_lib", f"{1000 * import_seconds():.0f} ms", "below 300 ms")
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


if __name__ == "__main__":
    main()
