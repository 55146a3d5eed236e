"""How good is a separation? SDR, SIR and SAR, what bounds them, and tables of them (chapter 9).

    references (2, n), estimates (2, n)  ->  `scores` in frames (museval), `sdr`, `si_sdr` (whole)
    songs x methods x settings  ->  `evaluate`  ->  one csv  ->  `summary`, `paired_difference`

Order as everywhere: percussive, harmonic. A score that is not defined (nothing to find, nothing
found) is NaN, with the reason beside it, and every average says how many it leaves out.
E. Vincent, R. Gribonval, C. Fevotte, "Performance measurement in blind audio source separation",
IEEE Transactions on Audio, Speech and Language Processing 14(4), 2006.
F.-R. Stoeter, A. Liutkus, N. Ito, "The 2018 signal separation evaluation campaign", LVA/ICA 2018.
"""

import csv
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hpss_lib import __version__
from hpss_lib.audio import SOURCES
from hpss_lib.data import Song
from hpss_lib.stft import (
    SAMPLE_RATE,
    StftSettings,
    find_settings,
    overlap_add,
    overlapped_window,
    stft_frames,
)

METRICS = ("sdr", "isr", "sir", "sar")
TAPS = 512  # of the filters that BSS Eval allows between a reference and its estimate
# Two sources through so many taps have as many unknowns: fewer samples are explained perfectly.
SHORTEST = 2 * TAPS
_FRAMES = 512  # resynthesised at once


@dataclass(frozen=True)
class Protocol:
    """How BSS Eval is applied to a song.

    mode: "v3" fits the filters anew in each frame, "v4" once to the whole song. window_seconds,
    hop_seconds: of the frames; math.inf: the whole song is one.
    """

    mode: str
    window_seconds: float
    hop_seconds: float

    def __post_init__(self):
        if self.mode not in ("v3", "v4"):
            raise ValueError(f'mode is {self.mode!r}; accepted are "v3" and "v4"')
        if not (self.window_seconds > 0 and self.hop_seconds > 0):
            raise ValueError(
                f"windows of {self.window_seconds} s every {self.hop_seconds} s: both must be > 0"
            )


PUBLISHED = Protocol("v3", 30, 15)  # DSD100, SiSEC 2016 and the paper
MUSEVAL = Protocol("v4", 1, 1)  # museval's default, SiSEC 2018
PROTOCOLS = {"v3-30s": PUBLISHED, "v4-1s": MUSEVAL}


# ------------------------------------------------------------------------------ plain measures


def sdr(s: np.ndarray, s_hat: np.ndarray) -> float:
    """Plain signal-to-distortion ratio in dB, 10 log10(sum s^2 / sum (s - s_hat)^2).

    s, s_hat: (n,) reference and estimate, finite. Every difference counts, a gain and a delay too.
    inf for equal signals; NaN for a silent reference, which no estimate can be compared with.
    Chapter 9.
    """
    s, s_hat = _pair(s, s_hat)
    return _decibel(float(s @ s), float(np.square(s - s_hat).sum()))


def si_sdr(s: np.ndarray, s_hat: np.ndarray) -> float:
    """Scale-invariant SDR in dB: of s_hat against the multiple of s that lies nearest to it.

    s, s_hat: (n,) reference and estimate, finite. A gain costs nothing. NaN if either is silent.
    Le Roux, Wisdom, Erdogan, Hershey, "SDR - half-baked or well done?", ICASSP 2019. Chapter 9.
    """
    s, s_hat = _pair(s, s_hat)
    if not (s.any() and s_hat.any()):
        return math.nan
    target = (s_hat @ s) / (s @ s) * s
    return _decibel(float(target @ target), float(np.square(target - s_hat).sum()))


def look_swapped(references: np.ndarray, estimates: np.ndarray) -> bool:
    """Whether the two estimates fit better the other way round, by scale-invariant SDR.

    references, estimates: (2, n). False where that cannot be told (something is silent).
    """
    (p, h), (p_hat, h_hat) = references, estimates
    return si_sdr(p, h_hat) + si_sdr(h, p_hat) > si_sdr(p, p_hat) + si_sdr(h, h_hat)


def _pair(s: np.ndarray, s_hat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    s, s_hat = np.asarray(s, float), np.asarray(s_hat, float)
    if s.ndim != 1 or s.shape != s_hat.shape:
        raise ValueError(
            f"the reference has shape {s.shape}, the estimate {s_hat.shape}; two signals (n,) of "
            "the same length are compared"
        )
    if not (np.isfinite(s).all() and np.isfinite(s_hat).all()):
        raise ValueError("the signals hold NaN or infinite samples: they have no score")
    return s, s_hat


def _decibel(signal: float, error: float) -> float:
    if signal == 0:
        return math.nan
    return 10 * math.log10(signal / error) if error > 0 else math.inf


# ------------------------------------------------------------------------------------ BSS Eval


@dataclass(frozen=True)
class Scores:
    """BSS Eval in frames: sdr, isr, sir, sar (2, frames) in dB, NaN where `why` says so.

    start: (frames,) seconds; why: for each frame "" or the reason why it has no scores.
    """

    start: np.ndarray
    sdr: np.ndarray
    isr: np.ndarray
    sir: np.ndarray
    sar: np.ndarray
    why: tuple[str, ...]

    @property
    def undefined(self) -> int:
        """How many frames have no scores."""
        return sum(bool(why) for why in self.why)


@functools.cache
def museval_metrics() -> Any:
    """The metrics module of museval, without museval's __init__, which wants ffmpeg on the PATH.

    Raises ModuleNotFoundError if museval is not installed.
    """
    package = importlib.util.find_spec("museval")  # finds it without running it
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the scores need museval: pip install museval")
    path = Path(package.submodule_search_locations[0]) / "metrics.py"
    spec = importlib.util.spec_from_file_location("hpss_lib._museval_metrics", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scores(
    references: np.ndarray, estimates: np.ndarray, *, protocol: Protocol = PUBLISHED
) -> Scores:
    """SDR, ISR, SIR and SAR of two estimates, frame by frame, as museval computes them.

    references, estimates: (2, n) mono at 44.1 kHz, finite, n >= 1. A frame has no scores where a
    reference or an estimate is silent in it, and no fit of the filters has where the signals are
    shorter than SHORTEST samples or the references are one signal at two volumes. Samples at the
    end that fill no window are not scored (museval's rule); a song shorter than a window is one
    frame. The estimates are taken as given, never reordered (`look_swapped`). Raises ValueError
    on other shapes or samples that are not finite. Vincent et al. (2006). Chapter 9.
    """
    references, estimates = np.asarray(references, float), np.asarray(estimates, float)
    if references.ndim != 2 or len(references) != 2 or references.shape != estimates.shape:
        raise ValueError(
            f"references have shape {references.shape}, estimates {estimates.shape}; both must be "
            "(2, n): percussive and harmonic"
        )
    if not (np.isfinite(references).all() and np.isfinite(estimates).all()):
        raise ValueError("the signals hold NaN or infinite samples: they have no scores")
    n = references.shape[1]
    metrics = museval_metrics()
    window, hop = (_samples(s) for s in (protocol.window_seconds, protocol.hop_seconds))
    frames = list(metrics.Framing(window, hop, n))
    results = np.full((4, 2, len(frames)), np.nan)
    if protocol.mode == "v4":
        why = [_why_silent(references[:, f], estimates[:, f]) for f in frames]
        no_fit = _why_no_fit(references, estimates)
        if no_fit:
            why = [reason or no_fit for reason in why]
        else:
            results[:] = _bss_eval(references, estimates, window, hop)
    else:  # frame by frame, so that one frame without a solution does not cost the others
        why = []
        for k, f in enumerate(frames):
            r, e = references[:, f], estimates[:, f]
            why.append(_why_no_fit(r, e))
            if not why[k]:
                results[:, :, k] = _bss_eval(r, e, math.inf, math.inf)[:, :, 0]
    for k in range(len(frames)):
        if not why[k] and np.isnan(results[:, :, k]).any():
            why[k] = "no solution"
    start = np.array([f.start / SAMPLE_RATE for f in frames])
    results[:, :, [bool(w) for w in why]] = np.nan
    return Scores(start, *results, why=tuple(why))


def _bss_eval(
    references: np.ndarray, estimates: np.ndarray, window: float, hop: float
) -> np.ndarray:
    """The bss_eval of museval with one fit of the filters: (4, 2, frames), NaN if there is none."""
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            results = museval_metrics().bss_eval(
                references[:, :, None], estimates[:, :, None], window, hop, filters_len=TAPS
            )[:4]
    # museval names numpy's error in a way that numpy 2 no longer has, hence the AttributeError.
    except (np.linalg.LinAlgError, AttributeError):
        return np.full((4, 2, 1), np.nan)
    return np.stack(results)


def _samples(seconds: float) -> float:
    return math.inf if seconds == math.inf else round(seconds * SAMPLE_RATE)


def _why_silent(references: np.ndarray, estimates: np.ndarray) -> str:
    for kind, signals in (("reference", references), ("estimate", estimates)):
        for source, s in zip(SOURCES, signals, strict=True):
            if not s.any():
                return f"{source} {kind} silent"
    return ""


def _why_no_fit(references: np.ndarray, estimates: np.ndarray) -> str:
    if references.shape[1] < SHORTEST:
        return f"shorter than {SHORTEST} samples"
    if silent := _why_silent(references, estimates):
        return silent
    p, h = references
    pp, ph, hh = p @ p, p @ h, h @ h
    return "references proportional" if ph**2 >= (1 - 1e-12) * pp * hh else ""


def median_defined(values: np.ndarray) -> float:
    """The median of the values that are not NaN; NaN if there is none."""
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else math.nan


# ------------------------------------------------------------------------------------- oracles


def ideal_ratio_mask(V_p: np.ndarray, V_h: np.ndarray) -> np.ndarray:
    """M_p = V_p / (V_p + V_h) of the true magnitudes (F, T); 1/2 where both are 0. Chapter 9."""
    from hpss_lib.median import soft_mask

    return soft_mask(V_p, V_h, power=1)


def ideal_binary_mask(V_p: np.ndarray, V_h: np.ndarray) -> np.ndarray:
    """M_p = 1 where V_p > V_h, else 0, of the true magnitudes (F, T). Chapter 9."""
    return (V_p > V_h).astype(V_p.dtype)


ORACLES = ("irm", "ibm", "true")


def oracle(
    x_p: np.ndarray,
    x_h: np.ndarray,
    *,
    kind: str = "irm",
    setting: str | StftSettings = "compact",
    phase: str = "mixture",
) -> tuple[np.ndarray, np.ndarray]:
    """What a method could reach that knew the answer's magnitudes: (s_p, s_h), (n,) float32 each.

    x_p, x_h: (n,) the true sources. kind: "irm" ideal ratio mask, "ibm" ideal binary mask, "true"
    the true magnitudes. phase: a key of separation.PHASES. s_h = x - s_p, except for "true" with
    the mixture's phase: there each source has its own true magnitude, and they need not sum to x.
    Raises ValueError on another kind, setting or phase, or signals of two lengths. Chapter 9.
    """
    if kind not in ORACLES:
        raise ValueError(f"there is no oracle {kind!r}; accepted are {', '.join(ORACLES)}")
    if x_p.shape != x_h.shape:
        raise ValueError(f"the sources have {x_p.shape} and {x_h.shape} samples, not the same")
    settings = find_settings(setting)
    x_p, x_h = x_p.astype(np.float32, copy=False), x_h.astype(np.float32, copy=False)

    def magnitudes(X: np.ndarray, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        V_p, V_h = (np.abs(stft_frames(s, settings, first, last)) for s in (x_p, x_h))
        if kind == "true":
            return V_p, V_h
        M_p = ideal_ratio_mask(V_p, V_h) if kind == "irm" else ideal_binary_mask(V_p, V_h)
        return M_p * np.abs(X), (1 - M_p) * np.abs(X)

    x = x_p + x_h
    s_p = _resynthesise(x, magnitudes, settings, phase)
    if kind == "true" and phase == "mixture":
        return s_p, _resynthesise(x, lambda *block: magnitudes(*block)[::-1], settings, phase)
    return s_p, x - s_p


def _resynthesise(
    x: np.ndarray, magnitudes: Callable[..., tuple], settings: StftSettings, phase: str
) -> np.ndarray:
    """The percussive signal from magnitudes(X, first, last) -> V_p, V_h, in blocks of frames."""
    from hpss_lib.separation import PHASES

    if phase not in PHASES:
        raise ValueError(f"there is no phase {phase!r}; accepted are {', '.join(PHASES)}")
    s_p, state, frames = np.zeros_like(x), None, settings.frames(len(x))
    for first in range(0, frames, _FRAMES):
        last = min(first + _FRAMES, frames)
        X = stft_frames(x, settings, first, last)
        S_p, state = PHASES[phase](X, *magnitudes(X, first, last), settings, state)
        overlap_add(s_p, S_p, settings, first)
    s_p /= overlapped_window(settings, len(x))
    return s_p


def scaled_mixture(x_p: np.ndarray, x_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mixture at the two gains that bring it nearest to each source: what no method may lose to.

    x_p, x_h: (n,) the true sources. Returns (n,) float32 each; zeros for a silent mixture.
    """  # noqa: E501
    x = (x_p + x_h).astype(float)
    power = x @ x
    gains = [(x @ s) / power if power > 0 else 0.0 for s in (x_p, x_h)]
    return (gains[0] * x).astype(np.float32), (gains[1] * x).astype(np.float32)


def librosa_hpss(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median filtering of librosa as it comes (2048, hop 512, kernel 31, power 2, margin 1).

    x: (n,) float32. Returns s_p, s_h: (n,) float32 each.
    """
    import librosa

    h, p = librosa.decompose.hpss(librosa.stft(x, n_fft=2048, hop_length=512))
    s_p, s_h = (librosa.istft(S, n_fft=2048, hop_length=512, length=len(x)) for S in (p, h))
    return s_p, s_h


# ------------------------------------------------------------------------- methods, for a table

# These have no choice of setting: they are scored once, whatever settings are asked for.
WITHOUT_SETTING = ("mixture", "librosa")


def parse_method(method: str) -> tuple[str, dict[str, Any], str]:
    """Name, options and phase of a method written NAME, NAME+PHASE or NAME:OPTION=VALUE+PHASE.

    "mad:harmonic=network+pu" -> "mad", {"harmonic": "network"}, "pu"; the phase is "mixture" where
    none is named; several options are joined by further colons. Raises ValueError on an option
    without a value.
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
    """Mix two references and separate them again, by any method of the table: (s_p, s_h), (n,) each.

    references: (2, n) float32; method: as in `parse_method`, of name "mixture" (`scaled_mixture`),
    "librosa", one of ORACLES or of separation.METHODS; setting: "1", "2" or "compact". Raises
    ValueError on others.
    """  # noqa: E501
    from hpss_lib import separation

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
    """Raise ValueError, with what is accepted, unless all methods and settings are known.

    Raises what a method raises that cannot work: FileNotFoundError for a network without weights,
    TypeError for an unknown option.
    """
    from hpss_lib import separation

    for setting in settings:
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
            for setting in settings:
                chosen.prepare(find_settings(chosen.setting or setting), **options)
    if not methods or not settings:
        raise ValueError("name at least one method and one setting")


def weights_hash(method: str) -> str:
    """The first 12 digits of the SHA-256 of the weights a method uses; "" if it uses none."""
    from hpss_lib.separation import METHODS

    name, options, _ = parse_method(method)
    files = METHODS[name].weights(**options) if name in METHODS else ()
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files))
    return digest.hexdigest()[:12] if files else ""


# ---------------------------------------------------------------------------- rows of the table

COLUMNS = (
    "song",
    "part",  # "whole" or how many seconds from the middle of it
    "method",
    "setting",
    "estimate",  # the setting in which a network worked, where it is not `setting`
    "source",
    "protocol",  # a key of PROTOCOLS, "plain" or "scale-invariant"
    "frame",  # its number, or nothing: then the row is the song's, the median of its frames
    "start",  # of the frame, seconds
    "seconds",  # how much of the song has been scored
    *METRICS,  # dB; nothing: undefined
    "frames",  # how many this row stands for
    "undefined",  # how many of them have no score and are left out of the median
    "note",  # why, or anything else to know
    "version",
    "museval",
    "weights",
)
SIMPLE = {"plain": sdr, "scale-invariant": si_sdr}
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One song by one method in one setting: what is computed, written and resumed as a whole."""

    song: Song
    method: str
    setting: str
    protocols: tuple[str, ...]
    seconds: float | None
    weights: str = field(default="")

    @property
    def labels(self) -> Row:
        """The columns that all rows of this task share."""
        from hpss_lib.separation import METHODS

        name, _, _ = parse_method(self.method)
        own = (METHODS[name].setting if name in METHODS else None) or self.setting
        return {
            "song": self.song.name,
            "part": "whole" if self.seconds is None else f"{self.seconds:g} s",
            "method": self.method,
            "setting": self.setting,
            "estimate": "" if own == self.setting else f"{own}, analysed again",
            "version": __version__,
            "museval": importlib.metadata.version("museval"),
            "weights": self.weights,
        }


def run_task(task: Task) -> list[Row]:
    """Separate and score: the rows of all frames, then those of the song."""
    references = _read_references(task.song, task.seconds)
    estimates = np.stack(separate_references(references, task.method, task.setting))
    return list(_task_rows(task, references, estimates))


@functools.lru_cache(maxsize=1)  # the methods of one song follow each other
def _read_references(song: Song, seconds: float | None) -> np.ndarray:
    """A song's two signals, or the middle of them: (2, n) float32; a missing one is silence."""
    from hpss_lib.data import read_song

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
            why = _why_silent(references, estimates) or "silent" if math.isnan(value) else ""
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

    data: "dsd100" or "musdb18" (their test halves, in the folder `root`, by default ./DSD100 or
    ./MUSDB18), "excerpts" (the book's own), or a folder as in `data.find_songs`. Raises
    FileNotFoundError or ValueError where there are none.
    """
    from hpss_lib.data import find_songs

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
    from hpss_lib import audio

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
    settings: Sequence[str] = ("compact",),
    protocols: Sequence[str] = tuple(PROTOCOLS),
    seconds: float | None = None,
    workers: int | None = None,
    report: Callable[[str], object] = print,
) -> tuple[list[Row], list[str]]:
    """Score every song by every method in every setting, and write the rows to the csv file `out`.

    methods, settings: as in `separate_references`; protocols: keys of PROTOCOLS; seconds: only so
    much from the middle of each song (None: whole songs); workers: processes (default: one for
    each core), each with one song in memory and one thread; report: called with a line of text
    after each song and method. What `out` already holds, by this version and these weights, is
    not computed again; a song that fails is left for the next run. Returns all rows of `out` and
    one line for each failure. Raises ValueError on options that are not accepted or if `out` is
    another kind of file, OSError if it cannot be written.
    """
    check_methods(methods, settings)
    for name in protocols:
        if name not in PROTOCOLS:
            raise ValueError(f"there is no protocol {name!r}; accepted are {', '.join(PROTOCOLS)}")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds is {seconds}; it must be positive")
    tasks = _tasks(songs, methods, settings, protocols, seconds)
    out = Path(out)
    kept = _complete_rows(out, tasks)
    _write_rows(out, kept)
    done = {_key(row) for row in kept}
    left = [task for task in tasks if _key(task.labels) not in done]
    if len(left) < len(tasks):
        report(f"{len(tasks) - len(left)} of {len(tasks)} are in {out} already")
    failures = []
    with out.open("a", newline="", encoding="utf-8") as file:
        for line, rows in _run(left, workers):
            if rows is None:
                failures.append(line)
            else:
                file.write(_to_csv(rows))  # at once, so that an interruption cuts little
                file.flush()
            report(line)
    return read_rows(out), failures


def _tasks(songs, methods, settings, protocols, seconds) -> list[Task]:
    weights = {method: weights_hash(method) for method in methods}
    return [
        Task(song, method, setting, tuple(protocols), seconds, weights[method])
        for song in songs
        for method in methods
        for setting in (("",) if method in WITHOUT_SETTING else settings)
    ]


def _run(tasks: list[Task], workers: int | None) -> Iterator[tuple[str, list[Row] | None]]:
    """Run all tasks: a line about each as it ends, and its rows, or None if it failed."""
    sizes = [sum(f.stat().st_size for f in {*t.song.percussive, *t.song.harmonic}) for t in tasks]
    all_work, work, start = sum(sizes), 0, time.monotonic()
    for k, (index, rows, error) in enumerate(_results(tasks, workers), start=1):
        task = tasks[index]
        work += sizes[index]
        name = f"{task.song.name}, {task.method}" + (task.setting and f", setting {task.setting}")
        left = (time.monotonic() - start) * (all_work - work) / max(work, 1)
        if error is None:
            yield f"[{k}/{len(tasks)}] {name}: done; {_minutes(left)} left", rows
        else:
            yield f"[{k}/{len(tasks)}] {name}: FAILED: {error}", None


def _results(tasks: list[Task], workers: int | None):
    """Each task's index, rows and error, in the order in which they end."""
    workers = min(workers or os.cpu_count() or 1, max(1, len(tasks)))
    if workers == 1:
        for index, task in enumerate(tasks):
            yield index, *_attempt(task)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")  # no copy of this process's threads
    with _one_thread_each(), ProcessPoolExecutor(workers, context, _quiet_worker) as pool:
        futures = {pool.submit(_attempt, task): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], *future.result()
        except BrokenProcessPool:
            raise MemoryError(
                "a worker was ended by the system, most likely for want of memory; what is done "
                "is kept: go on with --workers 1"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _attempt(task: Task) -> tuple[list[Row] | None, str | None]:
    try:
        return run_task(task), None
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        return None, " ".join(str(error).split()) or type(error).__name__


def _quiet_worker() -> None:
    """Let Ctrl-C end a worker without a traceback."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _one_thread_each():
    """Have processes that start meanwhile compute on one thread: the processes share the cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


# ------------------------------------------------------------------------------------ the file


def read_rows(path: str | Path) -> list[Row]:
    """The rows of a file of `evaluate`, scores and seconds as float, frames and counts as int.

    A score that is undefined is NaN; a row of a whole song has None for its frame. A row that an
    interruption cut short is left out. Raises ValueError if the file has other columns,
    FileNotFoundError if there is none.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path} is no file of results (its columns differ): name another one")
        return [_typed(row) for row in reader if None not in row.values()]


def _typed(row: dict[str, str]) -> Row:
    typed: Row = dict(row)
    for name in ("start", "seconds", *METRICS):
        typed[name] = float(row[name]) if row[name] else math.nan
    for name in ("frame", "frames", "undefined"):
        typed[name] = int(row[name]) if row[name] else None
    return typed


def _to_csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([csv_text(row.get(name)) for name in COLUMNS])
    return text.getvalue()


def csv_text(value: Any) -> Any:
    """A value as the csv file holds it: scores to four digits, nothing for undefined."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4f}"
    return "" if value is None else value


def _write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Replace the file by these rows, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.write_text(",".join(COLUMNS) + "\n" + _to_csv(rows), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


_SHARED = ("song", "part", "method", "setting", "estimate", "version", "museval", "weights")


def _key(row: Row) -> tuple:
    return tuple(row[name] for name in _SHARED)


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
        if found >= wanted and (task is None or key == _key(task.labels)):
            good.add(key)
    return [row for row in rows if _key(row) in good]


# ---------------------------------------------------------------------------------- summing up


def summary(rows: Iterable[Row]) -> list[Row]:
    """Medians by method, setting, protocol and source, with what they leave out.

    rows: of `evaluate`. Each returned row has sdr, isr, sir, sar twice: as "median of songs" (in the
    column `over`), of the songs' own medians, and, for protocols with frames, as "median of frames",
    of all songs' frames together (how the published figures were made). Beside them: how many
    `songs` have a score, `songs_left_out`, how many `frames` there are and how many of them are
    `undefined` and left out. Chapter 9.
    """  # noqa: E501
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        over = "songs" if row["frame"] is None else "frames"
        names = ("part", "method", "setting", "estimate", "protocol", "source")
        groups.setdefault((*(row[name] for name in names), f"median of {over}"), []).append(row)
    table = []
    for (part, method, setting, estimate, protocol, source, over), group in groups.items():
        labels = {"part": part, "method": method, "setting": setting, "estimate": estimate}
        medians = {m: median_defined(np.array([row[m] for row in group])) for m in METRICS}
        scored = {row["song"] for row in group if not math.isnan(row["sdr"])}
        counts = {
            "songs": len(scored),
            "songs_left_out": len({row["song"] for row in group} - scored),
            "frames": sum(row["frames"] for row in group),
            "undefined": sum(row["undefined"] for row in group),
        }
        labels |= {"protocol": protocol, "source": source, "over": over}
        table.append(labels | medians | counts)
    return table


def format_summary(rows: Iterable[Row]) -> str:
    """The summary as text: a table for each protocol, percussive and harmonic side by side."""
    table = summary(rows)
    parts = []
    for protocol, over, metrics in (
        ("plain", "median of songs", ("sdr",)),
        ("scale-invariant", "median of songs", ("sdr",)),
        ("v3-30s", "median of frames", ("sdr", "sir", "sar")),
        ("v4-1s", "median of songs", ("sdr", "sir", "sar")),
    ):
        of_protocol = [r for r in table if (r["protocol"], r["over"]) == (protocol, over)]
        if not of_protocol:
            continue
        heads = [f"{s[0].upper()} {m.upper()}" for s in SOURCES for m in metrics]
        counts = ("songs", "songs_left_out", "frames", "undefined")
        lines: list[tuple[str, ...]] = [
            ("method", "setting", "part", *heads, *(c.replace("_", " ") for c in counts))
        ]
        pairs: dict[tuple, dict[str, Row]] = {}
        for r in of_protocol:
            key = r["method"], r["setting"] + (f" ({r['estimate']})" if r["estimate"] else "")
            pairs.setdefault((*key, r["part"]), {})[r["source"]] = r
        for key, pair in pairs.items():
            values = [f"{pair[s][m]:.2f}" for s in SOURCES for m in metrics]
            # Where the two sources differ in a count (a silent one has no plain SDR), both show.
            both = ([str(pair[s][c]) for s in SOURCES] for c in counts)
            lines.append((*key, *values, *("/".join(dict.fromkeys(pair_)) for pair_ in both)))
        widths = [max(len(line[c]) for line in lines) for c in range(len(lines[0]))]
        text = ("  ".join(map(str.rjust, line, widths)) for line in lines)
        parts.append("\n".join((f"{protocol}, {over}, dB", *text)))
    return "\n\n".join(parts)


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 10000,
    seed: int = 0,
) -> dict[str, float]:
    """By how much a exceeds b on the same songs: the median of a - b, with a confidence interval.

    a, b: (songs,) scores in dB of two methods on the same songs in the same order; pairs in which
    one is undefined are left out and counted. The interval is the percentile bootstrap over songs,
    from `resamples` draws. Returns median, low, high, pairs (used) and left_out. Raises ValueError
    unless both have the same length. Efron and Tibshirani (1993). Chapter 9.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} scores; one for each song is needed from both")
    difference = np.asarray(a, float) - np.asarray(b, float)
    used = difference[np.isfinite(difference)]
    result = {"pairs": len(used), "left_out": len(difference) - len(used)}
    if not len(used):
        return {"median": math.nan, "low": math.nan, "high": math.nan} | result
    draws = np.random.default_rng(seed).integers(len(used), size=(resamples, len(used)))
    medians = np.median(used[draws], axis=1)
    low, high = np.quantile(medians, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"median": float(np.median(used)), "low": float(low), "high": float(high)} | result
