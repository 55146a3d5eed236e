"""When does phase recovery help? Every method, on magnitudes from true to estimated (chapter 8).

    python tools/phase_experiment.py --data excerpts --out phase.csv           # the table
    python tools/phase_experiment.py --data FOLDER --out phase.csv             # adds songs to it
    python tools/phase_experiment.py --curve --data FOLDER --out curve.csv     # gain against error
    python tools/phase_experiment.py --summary phase.csv

FOLDER holds songs as `hpss_lib.data.find_songs` knows them; "excerpts" are the book's own. The
middle of each song is used. What the file holds already, by this version and these weights, is not
computed again, so an interrupted run goes on where it stopped.

The magnitudes:
  true                   |S_p|, |S_h| of the references
  network + subtraction  V_p of the percussive network, V_h = |X| - V_p
  two networks           V_p of the percussive network, V_h of the harmonic one
  interpolated (--curve) (1 - level) true + level two networks (or + subtraction without a second)
  noise (--curve)        true, each bin off by a normally distributed `level` in dB
--weights names a folder with compact-percussive.safetensors and compact-harmonic.safetensors (no
harmonic network is shipped). They work in the setting that they hear. In others the magnitudes are
those of their estimate's signals (with the mixture's phase), analysed again: column `estimate`.

The scores: sdr is plain, of the source as the method gives it; sdr_rest of what the other source
leaves of the mixture; sir, sar from BSS Eval v3 over the whole piece; magnitude_snr is
10 log10(sum V^2 / sum (V_hat - V)^2), how good the magnitudes are.
"""

import argparse
import csv
import importlib.metadata
import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one process for each core instead

import numpy as np

from hpss_lib import __version__, evaluation, measures, puiter, tracking
from hpss_lib.audio import SOURCES
from hpss_lib.data import Song, read_song
from hpss_lib.scoreboard import csv_text
from hpss_lib.stft import SAMPLE_RATE, SETTINGS, StftSettings, istft, stft
from hpss_lib.subtraction import apply_phase, subtract
from hpss_lib.workers import run_tasks

COLUMNS = (
    "data", "song", "seconds", "setting", "estimate", "magnitudes", "level", "phase", "source",
    "magnitude_snr", "sdr", "sdr_rest", "sir", "sar", "version", "museval", "weights",
)  # fmt: skip
INTERPOLATION = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
NOISE_DB = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
SEED = 8
WHOLE = measures.Protocol("v3", math.inf, math.inf)

# A phase method: X (F, T), V_p, V_h (F, T; V_h negative where subtraction made it so), settings,
# length -> S_p, S_h (F, T).
Pair = tuple[np.ndarray, np.ndarray]


def mixture_phase(X, V_p, V_h, settings, length) -> Pair:
    return apply_phase(V_p, X), apply_phase(V_h, X)


def wiener(X, V_p, V_h, settings, length) -> Pair:
    """The mixture's phase again, with the gains of least squared error for independent phases."""
    G_p, _ = puiter.mixing_weights(np.stack([V_p, V_h]))
    S_p = (G_p * X).astype(X.dtype)
    return S_p, X - S_p


def pu_iter(X, V_p, V_h, settings, length, *, iterations) -> Pair:
    S = puiter.pu_iter(X, (V_p, np.abs(V_h)), settings, iterations=iterations)
    return S[0], S[1]


def closed_form(X, V_p, V_h, settings, length) -> Pair:
    return puiter.pu(X, V_p, np.abs(V_h), settings)


def tracked(X, V_p, V_h, settings, length) -> Pair:
    return tracking.track(X, V_p, settings)


def tracked_gain_only(X, V_p, V_h, settings, length) -> Pair:
    """What of `tracked` is only the louder V_p: the mixture's phase, and what it leaves."""
    V_p = V_p * tracking.percussive_gain(X, V_p, settings)
    S_p = apply_phase(np.minimum(V_p, np.abs(X)), X).astype(X.dtype)
    return S_p, X - S_p


def griffin_lim(X, V_p, V_h, settings: StftSettings, length) -> Pair:
    """librosa's, 32 iterations from random phases: it knows the magnitudes, not the mixture."""
    import librosa

    return tuple(
        stft(
            librosa.griffinlim(
                np.abs(V) * np.sqrt(settings.n_fft), n_iter=32, hop_length=settings.hop,
                win_length=settings.window_length, n_fft=settings.n_fft, window=settings.window,
                length=length, random_state=SEED,
            ).astype(np.float32), settings,
        ) for V in (V_p, V_h)
    )  # fmt: skip


PHASES: dict[str, Callable[..., Pair]] = {
    "mixture": mixture_phase,
    "wiener": wiener,
    "pu-iter 5": partial(pu_iter, iterations=5),
    "pu-iter 50": partial(pu_iter, iterations=50),
    "pu-iter 500": partial(pu_iter, iterations=500),
    "pu": closed_form,
    "tracked": tracked,
    "tracked, gain only": tracked_gain_only,
    "griffin-lim": griffin_lim,
}
CURVE_PHASES = ("mixture", "wiener", "pu-iter 50", "pu", "tracked")


@dataclass(frozen=True)
class Task:
    """One song in one setting."""

    data: str
    song: Song
    setting: str
    seconds: float
    curve: bool
    scores: bool  # SIR and SAR too
    weights: str  # a folder, or "" for the library's own
    weights_hash: str
    done: frozenset  # (magnitudes, level, phase) that need not be computed again

    @property
    def labels(self) -> dict:
        """The columns that all rows of this task share."""
        return {
            "data": self.data, "song": self.song.name, "seconds": f"{self.seconds:g}",
            "setting": self.setting, "version": __version__, "weights": self.weights_hash,
            "museval": importlib.metadata.version("museval") if self.scores else "",
        }  # fmt: skip


# ------------------------------------------------------------------------------------ magnitudes


def weights_folder(folder: str) -> Path:
    from hpss_lib import madtwinnet

    return Path(folder) if folder else madtwinnet.WEIGHTS


def networks(folder: str) -> dict:
    """The percussive network and, if there is one, the harmonic one."""
    from hpss_lib import madtwinnet

    found = {}
    for target in SOURCES:
        path = weights_folder(folder) / f"compact-{target}.safetensors"
        if path.exists():
            found[target] = madtwinnet.read_model(path)[0]
    return found


def estimates(x: np.ndarray, settings: StftSettings, folder: str) -> dict[str, Pair]:
    """V_p, V_h in `settings` by the magnitudes' name; V_h is signed where it is subtracted."""
    from hpss_lib import madtwinnet

    V = {}
    for name, model in networks(folder).items():
        own = SETTINGS[model.config.setting]
        X = stft(x, own)
        V[name] = madtwinnet.estimate(model, np.abs(X))
        if settings != own:
            V[name] = np.abs(stft(istft(apply_phase(V[name], X), own, len(x)), settings))
    V_x = np.abs(stft(x, settings))
    found = {}
    if "percussive" in V:
        found["network + subtraction"] = V["percussive"], subtract(V_x, V["percussive"])
    if len(V) == 2:
        found["two networks"] = V["percussive"], V["harmonic"]
    return found


def magnitudes(task: Task, x_p, x_h, settings) -> Iterator[tuple[str, float | None, Pair]]:
    """All magnitudes to try: their name, their level, V_p and V_h."""
    true = tuple(np.abs(stft(x, settings)) for x in (x_p, x_h))
    found = estimates(x_p + x_h, settings, task.weights)
    if not task.curve:
        yield "true", None, true
        for name, pair in found.items():
            yield name, None, pair
        return
    yield "interpolated", 0.0, true
    if found:
        name = "two networks" if "two networks" in found else "network + subtraction"
        end = tuple(np.abs(v) for v in found[name])
        for level in INTERPOLATION:
            between = tuple((1 - level) * a + level * b for a, b in zip(true, end, strict=True))
            yield "interpolated", level, between
    rng = np.random.default_rng(SEED)
    deviations = [rng.standard_normal(v.shape, dtype=np.float32) for v in true]
    for level in NOISE_DB:
        noisy = tuple(v * 10 ** (level * d / 20) for v, d in zip(true, deviations, strict=True))
        yield "noise", level, noisy


# ----------------------------------------------------------------------------------- one song


def run(task: Task) -> list[dict]:
    settings = SETTINGS[task.setting]
    x_p, x_h = middle(task.song, task.seconds)
    x, X = x_p + x_h, stft(x_p + x_h, settings)
    true = tuple(np.abs(stft(s, settings)) for s in (x_p, x_h))
    own = next((model.config.setting for model in networks(task.weights).values()), "")
    rows = []
    for name, level, pair in magnitudes(task, x_p, x_h, settings):
        snr = [magnitude_snr(v, np.abs(v_hat)) for v, v_hat in zip(true, pair, strict=True)]
        estimated = name not in ("true", "noise") and level != 0
        again = estimated and own != task.setting
        for phase in CURVE_PHASES if task.curve else PHASES:
            if phase == "griffin-lim" and name != "true":
                continue
            if (name, str(csv_text(level)), phase) in task.done:
                continue
            S = PHASES[phase](X, *pair, settings, len(x))
            s = [istft(S_j.astype(np.complex64), settings, len(x)) for S_j in S]
            result = measures.scores(np.stack([x_p, x_h]), np.stack(s), protocol=WHOLE) \
                if task.scores else None  # fmt: skip
            for j, source in enumerate(SOURCES):
                row = {
                    "estimate": f"{own}, analysed again" if again else "",
                    "magnitudes": name, "level": level, "phase": phase, "source": source,
                    "magnitude_snr": snr[j],
                    "sdr": measures.sdr((x_p, x_h)[j], s[j]),
                    "sdr_rest": measures.sdr((x_p, x_h)[j], x - s[1 - j]),
                }  # fmt: skip
                if result is not None:
                    row |= {"sir": result.sir[j, 0], "sar": result.sar[j, 0]}
                rows.append({k: str(csv_text(v)) for k, v in (task.labels | row).items()})
    return rows


def middle(song: Song, seconds: float) -> Pair:
    """The two references, `seconds` from the middle of the song, (n,) float32 each."""
    x_p, x_h = read_song(song)
    if x_p is None or x_h is None:
        raise ValueError(f"{song.name} has only one of the two parts")
    n = min(len(x_p), len(x_h))
    kept = min(n, round(seconds * SAMPLE_RATE))
    cut = slice((n - kept) // 2, (n - kept) // 2 + kept)
    return x_p[cut].astype(np.float32), x_h[cut].astype(np.float32)


def magnitude_snr(V: np.ndarray, V_hat: np.ndarray) -> float:
    return measures.sdr(V.ravel(), V_hat.ravel())


# ------------------------------------------------------------------------------------ the file


def read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise SystemExit(f"{path} is no file of this experiment: name another one")
        return [row for row in reader if None not in row.values()]


def tasks(options, rows: list[dict]) -> list[Task]:
    files = weights_folder(options.weights).glob("compact-*.safetensors")
    weights_hash = evaluation.hash_files(sorted(files))
    found = []
    for data in options.data:
        songs = evaluation.list_songs(data)
        name = Path(data).name
        for song in songs:
            if options.only and not any(word in song.name for word in options.only):
                continue
            for setting in options.settings:
                blank = Task(
                    name, song, setting, options.seconds, options.curve, not options.plain,
                    options.weights, weights_hash, frozenset(),
                )  # fmt: skip
                same = [
                    r
                    for r in rows
                    if all(r[k] == str(csv_text(v)) for k, v in blank.labels.items())
                ]
                # The percussive row comes first: where the harmonic one is, nothing was cut off.
                done = frozenset(
                    (r["magnitudes"], r["level"], r["phase"])
                    for r in same
                    if r["source"] == SOURCES[-1]
                )
                found.append(Task(**(blank.__dict__ | {"done": done})))
    return found


def work(options) -> int:
    out, failures = Path(options.out), 0
    rows = read(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    todo = tasks(options, rows)
    if not networks(options.weights):
        print("no weights: only true magnitudes and noise are tried", file=sys.stderr)
    with out.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if out.stat().st_size == 0:
            writer.writeheader()
        outcomes = run_tasks(run, todo, workers=options.workers)
        for k, (index, new, error) in enumerate(outcomes, start=1):
            writer.writerows(new or ())
            file.flush()
            failures += error is not None
            task, note = todo[index], f"FAILED: {error}" if error else "done"
            print(f"[{k}/{len(todo)}] {task.song.name}, setting {task.setting}: {note}")
    return failures


# ------------------------------------------------------------------------------------- summary


def summary(rows: list[dict]) -> str:
    """Medians over songs, percussive / harmonic, and the median gain over the mixture's phase."""
    keys = ("data", "seconds", "setting", "estimate", "magnitudes", "level")
    groups: dict[tuple, dict[str, dict[tuple, dict]]] = {}
    for row in rows:
        songs = groups.setdefault(tuple(row[k] for k in keys), {}).setdefault(row["phase"], {})
        songs[row["song"], row["source"]] = row
    lines = []
    for key, phases in groups.items():
        lines.append(", ".join(f"{k} {v}" for k, v in zip(keys, key, strict=True) if v))
        for phase, found in phases.items():
            parts = [f"  {phase:18s} n={len(found) // 2:<3d}"]
            for name in ("magnitude_snr", "sdr", "sdr_rest", "sir", "sar"):
                parts.append(f"{name} " + "/".join(median(found, name, s) for s in SOURCES))
            reference = phases.get("mixture", {})
            gains = []
            for source in SOURCES:
                differences = [
                    float(r["sdr"]) - float(reference[k]["sdr"])
                    for k, r in found.items()
                    if k[1] == source and k in reference and r["sdr"] and reference[k]["sdr"]
                ]
                gains.append(f"{np.median(differences):+.2f}" if differences else "-")
            lines.append("  ".join([*parts, "gain " + "/".join(gains)]))
    return "\n".join(lines)


def median(found: dict[tuple, dict], name: str, source: str) -> str:
    values = [float(r[name]) for k, r in found.items() if k[1] == source and r[name]]
    return f"{np.median(values):.2f}" if values else "-"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", action="append", default=[], metavar="FOLDER|excerpts")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="of a song's name")
    parser.add_argument("--out", help="the csv file to write or to go on with")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--seconds", type=float, default=10.0, help="from the middle of each song")
    parser.add_argument("--curve", action="store_true", help="interpolated and noisy magnitudes")
    parser.add_argument("--plain", action="store_true", help="no SIR and SAR: much faster")
    parser.add_argument(
        "--weights", default="", help="a folder of weights (default: the library's)"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--summary", metavar="FILE", help="print the medians of a file, no more")
    options = parser.parse_args()
    if options.summary:
        print(summary(read(Path(options.summary))))
        return 0
    if not options.data or not options.out:
        parser.error("name at least one --data and the file --out")
    if options.curve:
        options.plain = True
    failures = work(options)
    print(summary(read(Path(options.out))))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
