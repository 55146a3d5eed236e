"""The command line: `hpss COMMAND ...`, also `python -m hpss_lib COMMAND ...`.

Each command is a function that adds its own parser, and names the function that runs it, which
imports what it needs.
"""

import argparse
import glob
import io
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hpss_lib import __version__

# RuntimeError, ImportError: also what torch says where memory ends.
_ERRORS = (OSError, ValueError, TypeError, MemoryError, RuntimeError, ImportError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; argv: the words after the program's name. Returns the exit status.

    0: done; 1: at least one input failed, with one line each on stderr; 2: the command was not
    understood and nothing was done; 130: interrupted.
    """
    # A name that the terminal's alphabet lacks is written as \\xe9, and ends nothing.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        args = _parser().parse_args(argv)  # imports what holds the choices: a second, at times
        return args.run(args)
    except KeyboardInterrupt:
        _complain("interrupted; no half-written file is left")
        return 130
    except _ERRORS as error:
        _complain(_reason(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hpss",
        description="Harmonic/percussive source separation: pulls music into drums and the rest.",
        epilog="`hpss COMMAND --help` explains a command. To begin with: hpss separate song.mp3",
    )
    parser.add_argument("--version", action="version", version=f"hpss_lib {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add_command in (_add_separate, _add_train, _add_evaluate):
        add_command(commands)
    return parser


def _add_separate(commands) -> None:
    parser = commands.add_parser(
        "separate",
        help="separate sound files into percussive and harmonic parts",
        description=(
            "Writes NAME.percussive.wav and NAME.harmonic.wav into a folder for each input, with "
            "the rate, the channels and the length of the input; the two sum to it."
        ),
        epilog=(
            "--json reports for each file its input, its outputs, seconds and rate of the sound, "
            "method, setting and phase, the seconds of work (elapsed) and how many seconds of "
            "sound were separated in each of them (real_time_factor)."
        ),
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help="wav, flac, ogg or mp3 files of at most 3 hours; folders, for the sound files in "
        'them; or patterns, as in "albums/**/*.mp3"',
    )
    parser.add_argument(
        "--out",
        default=Path("separated"),
        metavar="DIR",
        type=Path,
        help="folder for the results (default: %(default)s)",
    )
    _add_method_options(parser)
    _add_output_options(parser)
    parser.set_defaults(run=_separate, usage_error=parser.error)


def _add_method_options(parser: argparse.ArgumentParser) -> None:
    """How it is separated: what METHODS, SETTINGS and PHASES hold."""
    from hpss_lib.separation import METHODS, PHASES
    from hpss_lib.stft import SETTINGS

    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        default="mad",
        help="how the magnitudes are estimated: "
        + "; ".join(f"{name}: {method.label}" for name, method in METHODS.items())
        + " (default: %(default)s)",
    )
    parser.add_argument(
        "--setting",
        choices=tuple(SETTINGS),
        help="STFT setting: 1 and 2 are the paper's, compact is small (default: the one that the "
        "network hears; compact for the other methods)",
    )
    parser.add_argument(
        "--phase",
        choices=tuple(PHASES),
        default="mixture",
        help="where the phases come from (default: %(default)s)",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    """What is written, how it is said, and how many processes do it."""
    parser.add_argument(
        "--format", choices=("wav", "flac"), default="wav", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--subtype",
        choices=("float", "pcm24", "pcm16"),
        help="samples as 32-bit floating point (default; wav only) or as integers (flac: pcm24). "
        "As integers, what would exceed full scale in one part goes into the other, and the two "
        "still sum to the input; a line on stderr counts such samples",
    )
    parser.add_argument(
        "--only", choices=("percussive", "harmonic"), help="write this part (default: both)"
    )
    parser.add_argument(
        "--json", action="store_true", help="a report on stdout in place of the paths"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes, one file each at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="of a dask scheduler, HOST:PORT, whose workers see the files by the same paths",
    )


def _separate(args: argparse.Namespace) -> int:
    names = ("method", "setting", "phase", "format", "subtype", "only")
    options = {name: getattr(args, name) for name in names}
    inputs, failed = _find_inputs(args.inputs)
    clash = _clashing(inputs, args.out, args.format, args.only)
    if clash:
        args.usage_error(clash)  # exits with status 2
    with _kill_as_interrupt():
        done, said = _separate_all(args, inputs, options, failed)
    if args.json:
        report = {"files": done, "failed": failed}
        said = _say(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if failed or not said else 0


def _separate_all(
    args: argparse.Namespace, inputs: Sequence[Path], options: dict, failed: list[dict]
) -> tuple[list[dict], bool]:
    """The reports on the files separated, and whether stdout took their paths.

    `failed` is added to. Each is said as it ends.
    """
    from tqdm import tqdm

    from hpss_lib.workers import run_tasks

    for failure in failed:
        _complain(failure["error"])
    several = len(inputs) > 1
    tasks = [(path, args.out, options, not several) for path in inputs]
    outcomes = run_tasks(_separate_one, tasks, workers=args.workers, cluster=args.cluster)
    done, said = {}, True
    # disable=None: no bar where the output is not a terminal.
    with tqdm(total=len(inputs), unit="file", disable=None if several else True) as bar:
        for index, report, error in outcomes:
            if error is not None:
                failed.append({"input": str(inputs[index]), "error": error})
                bar.clear()
                _complain(error)
            else:
                done[index] = report
                bar.clear()
                for line in report["warnings"]:
                    _complain(line)
                if not args.json and said:
                    said = _say("\n".join(report["outputs"].values()))
            bar.update()
    return [done[index] for index in sorted(done)], said


def _separate_one(task: tuple[Path, Path, dict, bool]) -> dict:
    """Separate one file: the report on it. Raises ValueError, in one line that names the file."""
    from hpss_lib import audio
    from hpss_lib.separation import METHODS, separate_file

    path, out_dir, options, show_progress = task
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", UserWarning)
            paths = separate_file(path, out_dir, show_progress=show_progress, **options)
        samples, channels, rate = audio.header(path)
    except _ERRORS as error:
        raise ValueError(_reason(error, path)) from None
    elapsed = time.perf_counter() - start
    return {
        "input": str(path),
        # NAME.percussive.wav
        "outputs": {written.name.split(".")[-2]: str(written) for written in paths},
        "seconds": samples / rate,
        "rate": rate,
        "channels": channels,
        "method": options["method"],
        "setting": options["setting"] or METHODS[options["method"]].own(),
        "phase": options["phase"],
        "elapsed": elapsed,
        "real_time_factor": samples / rate / elapsed,
        "warnings": [str(warning.message) for warning in told],
    }


def _find_inputs(words: Sequence[str]) -> tuple[list[Path], list[dict]]:
    """The files that the words name, as they are, as folders or as patterns; and what failed."""
    from hpss_lib.data import SUFFIXES

    inputs, failed = [], []
    for word in words:
        path = Path(word)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            problem = f"{word}: this folder holds no {', '.join(SUFFIXES)} file"
        elif path.exists() or not glob.has_magic(word):
            found, problem = [path], ""
        else:
            matches = (Path(match) for match in sorted(glob.glob(word, recursive=True)))
            found = [match for match in matches if match.is_file()]
            problem = f"{word}: no file matches this pattern"
        inputs += found
        if not found:
            failed.append({"input": word, "error": problem})
    return inputs, failed


def _add_train(commands) -> None:
    from hpss_lib.audio import SOURCES

    parser = commands.add_parser(
        "train",
        help="train MaD TwinNet on folders of songs",
        description=(
            "Trains a network, or continues where an earlier call with the same --out stopped. DIR "
            "receives last.safetensors, best.safetensors (with --validation), log.csv and "
            "checkpoint.pt. On several GPUs or machines: torchrun ... -m hpss_lib -- train ..."
        ),
    )
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="PATH[=WEIGHT]",
        help="folders of songs (drums.* beside harmonic.* or bass, other, vocals), DSD100, "
        "MUSDB18 (-HQ), or single sounds; WEIGHT: how often a folder is drawn from (default: 1)",
    )
    parser.add_argument("--target", choices=SOURCES, default="percussive")
    parser.add_argument("--config", choices=("paper", "compact"), default="compact")
    parser.add_argument("--out", required=True, metavar="DIR", type=Path)
    parser.add_argument(
        "--validation",
        nargs="+",
        default=(),
        metavar="PATH",
        help="songs to score by; those below --data are not trained on",
    )
    parser.add_argument(
        "--skip", nargs="+", default=(), metavar="PATTERN", help='names to leave out: "*cowbell*"'
    )
    parser.add_argument("--start", metavar="FILE", type=Path, help="weights to begin from")
    parser.add_argument("--cache", metavar="DIR", type=Path, help="for decoded samples (DIR/cache)")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the fastest")
    parser.add_argument("--stop-after", type=int, metavar="STEP", help="stop early, to go on later")
    parser.add_argument(
        "--set",
        nargs="+",
        default=(),
        metavar="NAME=VALUE",
        help='other settings: "steps=20000", "rate=5e-4", "mixing.speed=0", "config.hidden=256"',
    )
    parser.set_defaults(run=_train)


def _train(args: argparse.Namespace) -> int:
    import torch

    from hpss_lib import training
    from hpss_lib.madtwinnet import CONFIGS

    torch.set_flush_denormal(True)  # else the softest magnitudes slow a processor down
    try:
        changes = [f"target={args.target!r}", *args.set]
        config, plan = training.change(CONFIGS[args.config], training.PLANS[args.config], changes)
        training.train_on_folders(
            args.data,
            args.out,
            config=config,
            plan=plan,
            validation=args.validation,
            skip=args.skip,
            cache=args.cache,
            start=args.start,
            device=args.device,
            stop_after=args.stop_after,
        )
    except FloatingPointError as error:
        _complain(_reason(error))
        return 1
    return 0


def _add_evaluate(commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="score methods on songs whose parts are known",
        description=(
            "Mixes the drums and the rest of each song, separates them again by each method in "
            "each setting, and writes SDR, ISR, SIR and SAR of every frame and every song to a "
            "csv file. What the file already holds is not computed again."
        ),
        epilog=(
            "Methods: mixture (at its best gain), librosa (its median filter), irm, ibm, true "
            "(oracles: ideal ratio mask, ideal binary mask, true magnitudes), or a method of "
            "`separate`; METHOD+PHASE takes the phases from elsewhere than the mixture, and "
            "METHOD:OPTION=VALUE sets an option, as in median:power=1+pu."
        ),
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="DATA",
        help="dsd100, musdb18, excerpts (the book's own), or a folder of songs, each a folder "
        "with drums.* and harmonic.* (or bass, other, vocals)",
    )
    parser.add_argument(
        "--root",
        metavar="DIR",
        type=Path,
        help="where DSD100 or MUSDB18 lies (here)",
    )
    parser.add_argument(
        "--songs", metavar="PATTERN", default="*", help="only songs of such names, as in mdb_*"
    )
    parser.add_argument(
        "--seconds", metavar="S", type=float, help="only the middle S seconds of each song"
    )
    _add_what_to_score(parser)
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes, one song each (default: the cores)"
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="HOST:PORT of a dask scheduler: its workers compute, and read the songs by the same "
        "paths (needs hpss_lib[cluster])",
    )
    parser.add_argument("--out", required=True, metavar="FILE", type=Path, help="the csv file")
    parser.set_defaults(run=_evaluate)


def _add_what_to_score(parser: argparse.ArgumentParser) -> None:
    """Add the options that take several words, separated by commas."""
    parser.add_argument(
        "--methods",
        metavar="M,...",
        type=_words,
        default="mixture,librosa,median,irm",
        help="separated by commas (default: %(default)s)",
    )
    parser.add_argument(
        "--settings",
        metavar="S,...",
        type=_words,
        default="own",
        help="of 1, 2, compact and own, the one that the method hears (compact if it hears any); "
        "separated by commas (default: %(default)s)",
    )
    parser.add_argument(
        "--protocols",
        metavar="P,...",
        type=_words,
        default="v3-30s,v4-1s",
        help="BSS Eval as published (v3-30s), as museval's default (v4-1s) (default: both)",
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _evaluate(args: argparse.Namespace) -> int:
    from fnmatch import fnmatch

    from hpss_lib import evaluation, scoreboard

    songs = evaluation.list_songs(args.data, args.root)
    songs = [song for song in songs if fnmatch(song.name, args.songs)]
    if not songs:
        raise ValueError(f"{args.data} has no song of a name like {args.songs}")
    with _kill_as_interrupt():
        rows, failures = evaluation.evaluate(
            songs,
            args.out,
            methods=args.methods,
            settings=args.settings,
            protocols=args.protocols,
            seconds=args.seconds,
            workers=args.workers,
            cluster=args.cluster,
            report=lambda line: print(line, file=sys.stderr, flush=True),
        )
    said = _say(scoreboard.format_summary(rows))
    for line in failures:
        _complain(line)
    return 1 if failures or not said else 0


@contextmanager
def _kill_as_interrupt():
    """A plain `kill` cleans up as Ctrl-C does."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _clashing(inputs: Sequence[Path], out_dir: Path, format: str, only: str | None) -> str | None:
    """Say which inputs would write the same file, or overwrite an input; None if none would."""
    from hpss_lib.separation import output_paths

    # realpath, since resolve() raises on a loop of symbolic links, which has its own line later.
    writer: dict[Path, Path] = {}
    for path in inputs:
        folder = os.path.realpath(out_dir)
        for output in output_paths(path, folder, format=format, only=only):
            if output in writer:
                return (
                    f"{writer[output]} and {path} would both write {output.name}: rename one, or "
                    "separate them into different folders"
                )
            writer[output] = path
    for path in inputs:
        if Path(os.path.realpath(path)) in writer:
            return f"{path} would be overwritten by a result: choose another folder"
    return None


def _reason(error: BaseException, path: Path | None = None) -> str:
    """What went wrong, with an input if one is named, in one line that names it."""
    if path and isinstance(error, FileNotFoundError) and not path.exists():
        return f"{path}: there is no such file"
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    if _is_want_of_memory(error):
        text = "not enough memory is free: end other programs, or cut long sounds into parts"
    elif path is None:
        text = " ".join(str(error).split()) or type(error).__name__
    return text if path is None or str(path) in text else f"{path}: {text}"


def _is_want_of_memory(error: BaseException) -> bool:
    """Also as torch and the loader of libraries put it."""
    words = ("not enough memory", "can't allocate memory", "failed to map segment", "bad_alloc")
    return (isinstance(error, MemoryError) and not str(error)) or any(
        word in str(error) for word in (*words, "Unable to allocate", "Cannot allocate memory")
    )


def _say(text: str) -> bool:
    """Print on stdout; False, with a line on stderr, where it takes no more."""
    try:
        print(text, flush=True)
    except (OSError, ValueError) as error:
        _complain(f"stdout takes no more ({_reason(error)}); what is written is complete")
        # Else the interpreter tries once more as it ends, and complains itself.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _complain(line: str) -> None:
    print(f"hpss: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
