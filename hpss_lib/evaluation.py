"""Songs by methods by settings, scored: one run that can be interrupted, and spread (chapter 9).

    songs x methods x settings  ->  tasks  ->  `run_task`, by many workers  ->  rows in one csv file

Only this process writes the file, a task's rows at a time; what it holds is not computed again.
"""

import functools
import hashlib
import importlib.metadata
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from hpss_lib import __version__, audio, separation
from hpss_lib.audio import SOURCES
from hpss_lib.data import Song, find_songs, read_song
from hpss_lib.drafts import disk_errors
from hpss_lib.measures import (
    METRICS,
    PROTOCOLS,
    SIMPLE,
    look_swapped,
    median_defined,
    museval_metrics,
    scores,
    why_silent,
)
from hpss_lib.oracles import ORACLES, librosa_hpss, oracle, scaled_mixture
from hpss_lib.scoreboard import Row, read_rows, to_csv, write_rows
from hpss_lib.stft import SAMPLE_RATE, find_settings
from hpss_lib.workers import run_tasks

# These have no choice of setting: they are scored once, whatever settings are asked for.
WITHOUT_SETTING = ("mixture", "librosa")
OWN = "own"  # among settings: the one that a method hears, or "compact" if it hears any


def parse_method(method: str) -> tuple[str, dict[str, Any], str]:
    """Name, options and phase of a method written NAME, NAME+PHASE or NAME:OPTION=VALUE+PHASE.

    Parameters
    ----------
    method : str
        Several options are joined by further colons.

    Returns
    -------
    name : str
    options : dict
        Values as numbers where they are.
    phase : str
        "mixture" where none is named.

    Raises
    ------
    ValueError
        On an option without a value.

    Examples
    --------
    >>> parse_method("median:power=1+pu")
    ('median', {'power': 1}, 'pu')
    """
    estimator, _, phase = method.partition("+")
    name, *words = estimator.split(":")
    options: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise ValueError(f"{method!r}: {word!r} is no option; write {name}:OPTION=VALUE")
        options[key] = _number(value)
    return name, options, phase or "mixture"


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def separate_references(
    references: np.ndarray, method: str, setting: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mix two references and separate them again, by any method of the table.

    Parameters
    ----------
    references : ndarray, (2, n)
        Percussive and harmonic, float32 at 44.1 kHz.
    method : str
        As in `parse_method`, of name "mixture" (`oracles.scaled_mixture`), "librosa", one of
        `oracles.ORACLES` or of `separation.METHODS`.
    setting : str
        "1", "2" or "compact".

    Returns
    -------
    s_p, s_h : ndarray, (n,)
        float32. Chapter 9.

    Raises
    ------
    ValueError
        On another method or setting.

    Examples
    --------
    >>> references = np.random.default_rng(0).standard_normal((2, 8192)).astype(np.float32)
    >>> s_p, s_h = separate_references(references, "median", "compact")
    >>> s_p.shape, s_h.shape
    ((8192,), (8192,))
    """
    x_p, x_h = references
    name, options, phase = parse_method(method)
    if name == "mixture":
        return scaled_mixture(x_p, x_h)
    if name == "librosa":
        return librosa_hpss(x_p + x_h)
    if name in ORACLES:
        return oracle(x_p, x_h, kind=name, setting=setting, phase=phase)
    return separation.separate(
        x_p + x_h, SAMPLE_RATE, method=name, setting=setting, phase=phase, **options
    )


def check_methods(methods: Sequence[str], settings: Sequence[str]) -> None:
    """Refuse methods and settings that are not known, before any work is done.

    Parameters
    ----------
    methods, settings : sequences of str
        As in `evaluate`.

    Raises
    ------
    ValueError
        With what is accepted, unless all are known.
    FileNotFoundError
        For a network without weights.
    TypeError
        For an unknown option.

    Examples
    --------
    >>> check_methods(["median:power=2", "irm+pu"], ["compact"])
    """
    for setting in set(settings) - {OWN}:
        find_settings(setting)
    bare = (*WITHOUT_SETTING, *ORACLES)
    for method in methods:
        name, options, phase = parse_method(method)
        if name not in (*bare, *separation.METHODS):
            names = ", ".join((*bare, *separation.METHODS))
            raise ValueError(f"there is no method {method!r}; accepted are {names}")
        if (options and name in bare) or ("+" in method and name in WITHOUT_SETTING):
            raise ValueError(f"{method!r}: {name} has no options; write {name}")
        if phase not in separation.PHASES:
            known = ", ".join(f"{name}+{phase}" for phase in separation.PHASES)
            raise ValueError(f"there is no method {method!r}; accepted are {name}, {known}")
        if name in separation.METHODS:
            chosen = separation.METHODS[name]
            for setting in _settings_of(method, settings):
                chosen.prepare(find_settings(chosen.own(setting)), **options)
    if not methods or not settings:
        raise ValueError("name at least one method and one setting")


def weights_hash(method: str) -> str:
    """Identify the weights that a method uses.

    Parameters
    ----------
    method : str
        As in `parse_method`.

    Returns
    -------
    str
        The first 12 digits of their SHA-256; "" if it uses none.

    Examples
    --------
    >>> weights_hash("median"), len(weights_hash("mad"))
    ('', 12)
    """
    name, options, _ = parse_method(method)
    known = separation.METHODS.get(name)
    return hash_files(known.weights(**options) if known else ())


def hash_files(paths: Iterable[Path]) -> str:
    """Identify files by what they hold.

    Parameters
    ----------
    paths : iterable of Path
        One after the other.

    Returns
    -------
    str
        The first 12 digits of the SHA-256 of their bytes; "" of no file.

    Examples
    --------
    >>> hash_files([])
    ''
    """
    held = [path.read_bytes() for path in paths]
    return hashlib.sha256(b"".join(held)).hexdigest()[:12] if held else ""


def _song_hash(song: Song) -> str:
    """Identify a song by what its files hold, each in its role; "" where they cannot be read."""
    found = hashlib.sha256()
    try:
        for role, files in zip(SOURCES, (song.percussive, song.harmonic), strict=True):
            found.update(role.encode())
            for path in files:
                with path.open("rb") as file:
                    found.update(hashlib.file_digest(file, "sha256").digest())
    except OSError:  # which the song's own task will say
        return ""
    return found.hexdigest()[:12]


# ---------------------------------------------------------------------------- one song, one method


@dataclass(frozen=True)
class Task:
    """One song by one method in one setting: what is computed, written and resumed as a whole.

    Examples
    --------
    >>> song = list_songs("excerpts")[0]
    >>> Task(song, "mad", "1", ("v4",), seconds=None).labels["estimate"]
    'compact, analysed again'
    """

    song: Song
    method: str
    setting: str
    protocols: tuple[str, ...]
    seconds: float | None
    weights: str = field(default="")
    data: str = field(default="")

    @property
    def labels(self) -> Row:
        """The columns that all rows of this task share."""
        method = separation.METHODS.get(parse_method(self.method)[0])
        own = method.own(self.setting) if method else self.setting
        return {
            "song": self.song.name,
            "part": "whole" if self.seconds is None else f"{self.seconds:g} s",
            "method": self.method,
            "setting": self.setting,
            "estimate": "" if own == self.setting else f"{own}, analysed again",
            "version": __version__,
            "museval": importlib.metadata.version("museval"),
            "weights": self.weights,
            "data": self.data,
        }


def run_task(task: Task) -> list[Row]:
    """Separate and score.

    Parameters
    ----------
    task : Task

    Returns
    -------
    list of dict
        The rows of all frames, then those of the song (`scoreboard`).

    Raises
    ------
    ValueError, OSError
        Where the song cannot be read, or the method not be used.

    Examples
    --------
    >>> song = list_songs("excerpts")[0]
    >>> rows = run_task(Task(song, "median", "compact", (), seconds=2.0))
    >>> rows[0]["method"], rows[0]["part"], rows[0]["source"]
    ('median', '2 s', 'percussive')
    """
    references = _read_references(task.song, task.seconds)
    estimates = np.stack(separate_references(references, task.method, task.setting))
    return list(_task_rows(task, references, estimates))


@functools.lru_cache(maxsize=1)  # the methods of one song follow each other
def _read_references(song: Song, seconds: float | None) -> np.ndarray:
    """A song's two signals, or the middle of them: (2, n) float32; a missing one is silence."""
    signals = read_song(song)
    n = max(len(s) for s in signals if s is not None)
    references = np.stack([np.zeros(n, np.float32) if s is None else s for s in signals])
    if seconds is not None:
        kept = min(round(seconds * SAMPLE_RATE), n)
        references = references[:, (n - kept) // 2 :][:, :kept]
    references.flags.writeable = False
    return references


def _task_rows(task: Task, references: np.ndarray, estimates: np.ndarray) -> Iterator[Row]:
    labels = task.labels
    length = references.shape[1] / SAMPLE_RATE
    swapped = "estimates look swapped" if look_swapped(references, estimates) else ""
    of_song = []
    for name, measure in SIMPLE.items():
        for j, source in enumerate(SOURCES):
            value = measure(references[j], estimates[j])
            why = why_silent(references, estimates) or "silent" if math.isnan(value) else ""
            counts = {"seconds": length, "frames": 1, "undefined": int(math.isnan(value))}
            note = "; ".join(filter(None, (why, swapped)))
            of_source = {"source": source, "protocol": name, "sdr": value}
            of_song.append(of_source | counts | {"note": note})
    for name in task.protocols:
        result = scores(references, estimates, protocol=PROTOCOLS[name])
        window = float(min(PROTOCOLS[name].window_seconds, length))
        for j, source in enumerate(SOURCES):
            of_source = labels | {"source": source, "protocol": name}
            for k, (start, why) in enumerate(zip(result.start, result.why, strict=True)):
                values = {m: getattr(result, m)[j, k] for m in METRICS}
                counts = {"frames": 1, "undefined": int(bool(why)), "note": why}
                place = {"frame": k, "start": start, "seconds": window}
                yield of_source | place | values | counts
            medians = {m: median_defined(getattr(result, m)[j]) for m in METRICS}
            counts = {"frames": len(result.why), "undefined": result.undefined}
            note = "; ".join(filter(None, (*sorted(set(result.why)), swapped)))
            of_song.append(of_source | {"seconds": length, "note": note} | medians | counts)
    yield from (labels | row for row in of_song)


# ------------------------------------------------------------------------------- running it all


def list_songs(data: str, root: str | Path | None = None) -> list[Song]:
    """The songs to score, in order of their names.

    Parameters
    ----------
    data : str
        "dsd100" or "musdb18" (their test halves), "excerpts" (the book's own), or a folder as in
        `data.find_songs`.
    root : path, optional
        Where DSD100 or MUSDB18 lies; default: ./DSD100 or ./MUSDB18.

    Returns
    -------
    list of Song

    Raises
    ------
    FileNotFoundError, ValueError
        Where there are none.

    Examples
    --------
    >>> {len(song.percussive) for song in list_songs("excerpts")}
    {1}
    """
    if data == "excerpts":
        return _excerpts()
    known = {"dsd100": "DSD100", "musdb18": "MUSDB18"}
    folder = Path(root or known[data]) if data in known else Path(data)
    if data in known and not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: name that of {known[data]} with --root")
    songs = find_songs(folder, subset="test")
    short = [Path(song.name).name for song in songs]
    if len(set(short)) == len(short):  # without the folders of the data set's own layout
        songs = [Song(n, s.percussive, s.harmonic) for n, s in zip(short, songs, strict=True)]
    return songs


def _excerpts() -> list[Song]:
    if not audio.EXCERPTS:
        raise FileNotFoundError("the book's excerpts have not been rendered")
    folder = Path(audio.__file__).parent / "excerpts"
    return [
        Song(name, (folder / f"{name}.percussive.ogg",), (folder / f"{name}.harmonic.ogg",))
        for name in audio.EXCERPTS
    ]


def evaluate(
    songs: Sequence[Song],
    out: str | Path,
    *,
    methods: Sequence[str],
    settings: Sequence[str] = (OWN,),
    protocols: Sequence[str] = tuple(PROTOCOLS),
    seconds: float | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    report: Callable[[str], object] = print,
) -> tuple[list[Row], list[str]]:
    """Score every song by every method in every setting, and write the rows to a csv file.

    Parameters
    ----------
    songs : sequence of Song
        As from `list_songs`.
    out : path
        The csv file. What it already holds, of these very files by this version and these weights,
        is not computed again; a song that fails is left for the next run.
    methods, settings : sequences of str
        As in `separate_references`; among settings also `OWN`.
    protocols : sequence of str
        Keys of `measures.PROTOCOLS`.
    seconds : float, optional
        Only so much from the middle of each song; default: whole songs.
    workers : int, optional
        Processes, each with one song in memory and one thread; default: one for each core.
    cluster : str, optional
        Address of a dask scheduler, whose workers do the work instead (`workers.run_tasks`).
    report : function
        Called with a line of text after each song and method.

    Returns
    -------
    rows : list of dict
        All rows of `out`.
    failures : list of str
        One line for each song and method that failed.

    Raises
    ------
    ValueError
        On options that are not accepted, or if `out` is another kind of file or another run writes
        it.
    OSError
        If `out` cannot be written, or no cluster answers.
    ModuleNotFoundError
        If museval is not installed.

    Examples
    --------
    >>> import tempfile
    >>> rows, failures = evaluate(
    ...     list_songs("excerpts")[:1],
    ...     Path(tempfile.mkdtemp(), "scores.csv"),
    ...     methods=["median"],
    ...     protocols=[],
    ...     seconds=2.0,
    ...     workers=1,
    ...     report=lambda line: None,
    ... )
    >>> len(rows) > 0, failures
    (True, [])
    """
    check_methods(methods, settings)
    museval_metrics()  # fails here, before any song is read, where it is missing
    for name in protocols:
        if name not in PROTOCOLS:
            raise ValueError(f"there is no protocol {name!r}; accepted are {', '.join(PROTOCOLS)}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"seconds is {seconds}; it must be positive and finite")
    tasks, out = _tasks(songs, methods, settings, protocols, seconds), Path(out)
    failures = []
    with ExitStack() as stack:
        if out.exists():
            stack.enter_context(_hold(out))
        kept = _complete_rows(out, tasks)
        write_rows(out, kept)
        file = stack.enter_context(_hold(out))  # another file by now, of the same name
        done = {_key(row) for row in kept}
        left = [task for task in tasks if not {_key(task.labels), _old_key(task)} & done]
        if len(left) < len(tasks):
            report(f"{len(tasks) - len(left)} of {len(tasks)} are in {out} already")
        for line, rows in _run(left, workers, cluster):
            if rows is None:
                failures.append(line)
            else:
                file.write(to_csv(rows))  # at once, so that an interruption cuts little
                file.flush()
            report(line)
    return read_rows(out), failures


def _tasks(songs, methods, settings, protocols, seconds) -> list[Task]:
    weights = {method: weights_hash(method) for method in methods}
    held = [(song, _song_hash(song)) for song in songs]
    return [
        Task(song, method, setting, tuple(protocols), seconds, weights[method], data)
        for song, data in held
        for method in methods
        for setting in _settings_of(method, settings)
    ]


def _settings_of(method: str, settings: Sequence[str]) -> list[str]:
    """The settings that a method is scored in, each once."""
    if method in WITHOUT_SETTING:
        return [""]
    known = separation.METHODS.get(parse_method(method)[0])
    own = known.own() if known else "compact"
    return list(dict.fromkeys(own if setting == OWN else setting for setting in settings))


def _run(
    tasks: list[Task], workers: int | None, cluster: str | None
) -> Iterator[tuple[str, list[Row] | None]]:
    """Run all tasks: a line about each as it ends, and its rows, or None if it failed."""
    sizes = [sum(f.stat().st_size for f in {*t.song.percussive, *t.song.harmonic}) for t in tasks]
    all_work, work, start = sum(sizes), 0, time.monotonic()
    outcomes = run_tasks(run_task, tasks, workers=workers, cluster=cluster)
    for k, (index, rows, error) in enumerate(outcomes, start=1):
        task = tasks[index]
        work += sizes[index]
        name = f"{task.song.name}, {task.method}" + (task.setting and f", setting {task.setting}")
        left = (time.monotonic() - start) * (all_work - work) / max(work, 1)
        if error is None:
            yield f"[{k}/{len(tasks)}] {name}: done; {_minutes(left)} left", rows
        else:
            yield f"[{k}/{len(tasks)}] {name}: FAILED: {error}", None


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


# -------------------------------------------------------------------------------------- resuming

_SHARED = ("song", "part", "method", "setting", "estimate", "version", "museval", "weights", "data")


def _key(row: Row) -> tuple:
    return tuple(row[name] for name in _SHARED)


def _old_key(task: Task) -> tuple:
    """As in files of results from before rows said of which files they are: they are believed."""
    return _key(task.labels | {"data": ""})


@contextmanager
def _hold(path: Path) -> Iterator[TextIO]:
    """The file, open to add to, and no other run's until it is closed."""
    with disk_errors(path), path.open("a", newline="", encoding="utf-8") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            others = not os.path.samestat(os.fstat(file.fileno()), path.stat())
        except ModuleNotFoundError:  # Windows
            others = False
        except BlockingIOError:
            others = True
        if others:
            raise ValueError(f"another run writes {path}: wait for it, or name another file")
        yield file


def _complete_rows(path: Path, tasks: Sequence[Task]) -> list[Row]:
    """What may stay of a file: whole tasks, unless other weights or versions made what is asked."""
    if not path.exists() or path.stat().st_size == 0:
        return []
    rows = read_rows(path)
    asked = {(t.song.name, t.labels["part"], t.method, t.setting): t for t in tasks}
    of_song: dict[tuple, set] = {}
    for row in rows:
        if row["frame"] is None:
            of_song.setdefault(_key(row), set()).add((row["protocol"], row["source"]))
    good = set()
    for key, found in of_song.items():
        task = asked.get(key[:4])
        protocols = (*SIMPLE, *task.protocols) if task else (*SIMPLE,)
        wanted = {(protocol, source) for protocol in protocols for source in SOURCES}
        if found >= wanted and (task is None or key in (_key(task.labels), _old_key(task))):
            good.add(key)
    return [row for row in rows if _key(row) in good]
