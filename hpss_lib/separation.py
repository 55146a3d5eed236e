"""The whole system: a signal, or a file, in; its percussive and its harmonic part out.

    x  ->  X  ->  V = |X|  --method-->  V_p, V_h  --phase-->  S_p  ->  s_p,    s_h = x - s_p

The spectrogram is worked through in blocks of frames with some context on each side, so that the
memory in use is that of a few copies of the signal, however long it is.

A method is a function `settings, **options -> Method` in METHODS; a phase recovery is a function in
PHASES (see `mixture`). Both see one block at a time.
"""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hpss_lib import audio, kam, median, puiter, subtraction
from hpss_lib.stft import (
    SAMPLE_RATE,
    SETTINGS,
    StftSettings,
    check_signal,
    overlap_add,
    overlapped_window,
    stft_frames,
)

_FRAMES = 1024  # in a block, about: enough to be fast, some 100 MB in the largest setting
_LOUDEST = 1e15  # beyond, squares of magnitudes leave the range of float32
_LONG = 20.0  # seconds; a progress bar for less would only flicker


@dataclass(frozen=True)
class Method:
    """How magnitudes are estimated, block by block.

    estimate(V, before, after) -> (V_p, V_h): V is (F, before + T + after), the T frames in question
    and the context there is of them (less than `context` frames only where the signal begins or
    ends); V_p and V_h are (F, T), or V_h is None and follows by subtraction. `context`: frames
    wanted on each side. `step`: the first frame of a block is a multiple of it.
    """

    estimate: Callable[[np.ndarray, int, int], tuple[np.ndarray, np.ndarray | None]]
    context: int = 0
    step: int = 1


def median_method(settings: StftSettings, **options: float) -> Method:
    """Median-filter HPSS as a method; options as in `median.median_hpss`. Chapter 3."""
    seconds = options.get("harmonic_seconds", median.HARMONIC_SECONDS)

    def estimate(V: np.ndarray, before: int, after: int) -> tuple[np.ndarray, None]:
        M_p, _ = median.median_hpss(V, settings, **options)
        return (M_p * V)[:, before : V.shape[1] - after], None

    return Method(estimate, context=median.seconds_to_frames(seconds, settings) // 2)


def kam_method(settings: StftSettings, **options: Any) -> Method:
    """Kernel additive modelling as a method; options as in `kam.kam_hpss`. Chapter 3."""

    def estimate(V: np.ndarray, before: int, after: int) -> tuple[np.ndarray, None]:
        M_p, _ = kam.kam_hpss(V, settings, **options)
        return (M_p * V)[:, before : V.shape[1] - after], None

    return Method(estimate, context=kam.context_frames(settings, **options))


def mad_method(settings: StftSettings, *, harmonic: str = "subtraction") -> Method:
    """MaD TwinNet as a method, in its own setting; harmonic: one of HARMONIC. Chapters 5 and 6."""
    from hpss_lib.madtwinnet import estimate, load_model

    if harmonic not in HARMONIC:
        raise ValueError(f"harmonic is {harmonic!r}; accepted are {', '.join(HARMONIC)}")
    targets = ("percussive", "harmonic") if harmonic == "network" else ("percussive",)
    models = [load_model(target) for target in targets]
    configs = [model.config for model in models]
    for c in configs:
        if settings != SETTINGS[c.setting]:
            raise ValueError(f"the network hears spectrograms in the setting {c.setting!r} only")

    def both(V: np.ndarray, before: int, after: int) -> tuple[np.ndarray, np.ndarray | None]:
        V_p, *V_h = (estimate(model, V, before=before, after=after) for model in models)
        return V_p, V_h[0] if V_h else None

    # Blocks begin where the networks' own sequences do, so that their size changes nothing.
    step = math.lcm(*(c.frames - 2 * c.context for c in configs))
    return Method(both, context=max(c.context for c in configs), step=step)


def mixture(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None, settings: StftSettings, state: Any
) -> tuple[np.ndarray, Any]:
    """The percussive spectrogram S_p (F, T) of a block, with the mixture's phase. Chapter 4.

    X, V_p, V_h: (F, T), the block without context. `state` is None in the first block and then
    whatever the previous call returned beside S_p, for recoveries that run from frame to frame.
    """
    return subtraction.apply_phase(V_p, X), None


def pu(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None, settings: StftSettings, state: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The same by PU-iter's closed form; `state`: the last frame of S_h. Chapter 8."""
    V_h = subtracted(X, V_p, V_h)
    S_p, S_h = puiter.pu(X, V_p, V_h, settings, previous=state)
    return share_error(X, S_p, S_h, V_p, V_h), S_h[:, -1].copy()


def pu_iter(
    X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None, settings: StftSettings, state: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The same by PU-iter's 50 iterations; `state`: the last frame of both sources. Chapter 8."""
    V_h = subtracted(X, V_p, V_h)
    S = puiter.pu_iter(X, (V_p, V_h), settings, previous=state)
    return share_error(X, S[0], S[1], V_p, V_h), S[:, :, -1].copy()


def subtracted(X: np.ndarray, V_p: np.ndarray, V_h: np.ndarray | None) -> np.ndarray:
    """V_h itself, or if it was not estimated | |X| - V_p |, which PU-iter takes. Chapter 4."""
    return np.abs(subtraction.subtract(np.abs(X), V_p)) if V_h is None else V_h


def share_error(
    X: np.ndarray, S_p: np.ndarray, S_h: np.ndarray, V_p: np.ndarray, V_h: np.ndarray
) -> np.ndarray:
    """S_p with its share G_p of the error X - S_p - S_h that is left where no triangle closes.

    The parts then sum to the mixture. All arrays are (F, T). Chapter 8.
    """
    G_p = puiter.mixing_weights(np.stack([V_p, V_h]))[0]
    return (S_p + G_p * (X - S_p - S_h)).astype(X.dtype)


METHODS: dict[str, Callable[..., Method]] = {
    "mad": mad_method,
    "median": median_method,
    "kam": kam_method,
}
OWN_SETTING = {"mad": "compact"}  # of the methods that hear one setting only
HARMONIC = ("subtraction", "network")
PHASES: dict[str, Callable[..., tuple[np.ndarray, Any]]] = {
    "mixture": mixture,
    "pu": pu,
    "pu-iter": pu_iter,
}

Spectra = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # X, V_p, V_h of some frames


def separate(
    x: np.ndarray,
    *,
    method: str = "mad",
    setting: str | StftSettings = "compact",
    phase: str = "mixture",
    progress: Callable[[float], object] | None = None,
    block: int = _FRAMES,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """The percussive and the harmonic part (s_p, s_h) of a mono signal; s_p + s_h = x.

    x: (n,) float32 or float64 at 44.1 kHz, n >= 1, finite. method: a key of METHODS; setting: "1",
    "2", "compact", or StftSettings; phase: a key of PHASES; progress: called with the number of
    seconds done since the last call; block: frames worked on at once, which changes the memory
    needed and nothing else; options: the method's own. Where a method hears one setting only
    (OWN_SETTING) and another is asked for, its magnitudes there are those of its estimate's
    signals, analysed again. Returns s_p, s_h: (n,) float32. Raises ValueError on a signal or an
    option that is not accepted, FileNotFoundError where a network has no weights.
    """
    check_signal(x)
    if (peak := np.abs(x).max()) > _LOUDEST:
        raise ValueError(f"x reaches {peak:.3g}, too large to compute with; scale it to 1")
    settings = _choose(setting, SETTINGS, "setting") if isinstance(setting, str) else setting
    recover = _choose(phase, PHASES, "phase")
    make_method = _choose(method, METHODS, "method")
    own = SETTINGS[OWN_SETTING[method]] if method in OWN_SETTING else settings
    estimator = make_method(own, **options)
    x = x.astype(np.float32, copy=False)

    magnitudes, step = partial(_estimate_block, x, own, estimator), estimator.step
    share = 1.0 if own == settings else 0.5  # of the progress, for each of one or two passes
    done = partial(_report, progress, share)
    if own != settings:
        first_phases = partial(_with_mixture_phase, magnitudes)
        signals = _synthesise(x, own, first_phases, block, step, done)
        magnitudes, step = partial(_analyse_block, x, settings, signals), 1
    phases = _phase_blocks(magnitudes, recover, settings)
    (s_p,) = _synthesise(x, settings, phases, block, step, done)
    return s_p, x - s_p


def _choose(name: str, known: dict[str, Any], kind: str) -> Any:
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}; accepted are {', '.join(known)}")
    return known[name]


def _report(progress: Callable[[float], object] | None, share: float, seconds: float) -> None:
    if progress is not None:
        progress(share * seconds)


def _synthesise(
    x: np.ndarray,
    settings: StftSettings,
    spectra: Callable[[int, int], list[np.ndarray]],
    block: int,
    step: int,
    done: Callable[[float], object],
) -> list[np.ndarray]:
    """The signals, each like x, whose spectrograms `spectra(first, last)` gives block by block."""
    signals: list[np.ndarray] = []
    for first, last in _block_bounds(settings.frames(len(x)), block, step):
        S = spectra(first, last)
        signals = signals or [np.zeros_like(x) for _ in S]
        for s, S_j in zip(signals, S, strict=True):
            overlap_add(s, S_j, settings, first)
        done((min(last * settings.hop, len(x)) - first * settings.hop) / SAMPLE_RATE)
    window = overlapped_window(settings, len(x), x.dtype)
    for s in signals:
        s /= window
    return signals


def _block_bounds(frames: int, block: int, step: int) -> Iterator[tuple[int, int]]:
    """First frame of each block and first frame after it; blocks begin at multiples of `step`."""
    if block < 1:
        raise ValueError(f"block is {block} frames; it must be at least 1")
    size = -(-block // step) * step
    for first in range(0, frames, size):
        yield first, min(first + size, frames)


def _estimate_block(
    x: np.ndarray, settings: StftSettings, method: Method, first: int, last: int
) -> Spectra:
    """X, V_p and V_h of frames first, ..., last - 1, each (F, last - first), V_h perhaps None."""
    before = min(method.context, first)
    after = min(method.context, settings.frames(len(x)) - last)
    X = stft_frames(x, settings, first - before, last + after)
    V_p, V_h = method.estimate(np.abs(X), before, after)
    return X[:, before : X.shape[1] - after], V_p, V_h


def _with_mixture_phase(
    magnitudes: Callable[[int, int], Spectra], first: int, last: int
) -> list[np.ndarray]:
    """S_p, and S_h if it is estimated, each with the mixture's phase."""
    X, *V = magnitudes(first, last)
    return [subtraction.apply_phase(V_j, X) for V_j in V if V_j is not None]


def _analyse_block(
    x: np.ndarray, settings: StftSettings, signals: list[np.ndarray], first: int, last: int
) -> Spectra:
    """X, V_p and V_h of the mixture x and of the signals s_p and, perhaps, s_h."""
    X, *S = (stft_frames(s, settings, first, last) for s in (x, *signals))
    return X, np.abs(S[0]), np.abs(S[1]) if len(S) > 1 else None


def _phase_blocks(
    magnitudes: Callable[[int, int], Spectra],
    recover: Callable[..., tuple[np.ndarray, Any]],
    settings: StftSettings,
) -> Callable[[int, int], list[np.ndarray]]:
    """S_p of one block after the other, in order: a recovery hands its state on to the next."""
    state: Any = None

    def spectra(first: int, last: int) -> list[np.ndarray]:
        nonlocal state
        S_p, state = recover(*magnitudes(first, last), settings, state)
        return [S_p]

    return spectra


def separate_file(
    path: str | Path,
    out_dir: str | Path,
    *,
    method: str = "mad",
    setting: str = "compact",
    phase: str = "mixture",
    show_progress: bool = False,
    **options: Any,
) -> tuple[Path, Path]:
    """Separate a sound file into NAME.percussive.wav and NAME.harmonic.wav in the folder out_dir.

    Both are 32-bit float WAV with the rate, the channels and the length of the input, and sum to
    it; each channel is separated on its own. At other rates than 44.1 kHz the percussive part is
    estimated at 44.1 kHz, so that what lies above 22.05 kHz stays in the harmonic one. out_dir is
    made if missing. Either both files are written, complete, or neither. Returns their paths.
    Raises what `audio.read` and `separate` raise, ValueError if a file would exceed WAV's 4 GB,
    OSError if out_dir cannot be written to.
    """
    path, out_dir = Path(path), Path(out_dir)
    _check_folder(out_dir)
    path_p, path_h = output_paths(path, out_dir)
    audio.check_wav_size(*audio.shape(path), name=path_p)
    x, rate = audio.read(path)
    channels = x.shape[1]
    p = np.empty_like(x)
    options |= {"method": method, "setting": setting, "phase": phase}
    with _progress_bar(x.size / rate, path.name, show_progress) as advance:
        for c in range(channels):
            p[:, c] = _percussive_channel(x[:, c], rate, progress=advance, **options)
    harmonic = (a - b for a, b in zip(audio.blocks(x), audio.blocks(p), strict=True))
    audio.write_wavs({path_p: audio.blocks(p), path_h: harmonic}, rate, channels)
    return path_p, path_h


def output_paths(path: str | Path, out_dir: str | Path) -> tuple[Path, Path]:
    """Where `separate_file` writes the percussive and the harmonic part of a file."""
    name = Path(path).stem
    return Path(out_dir) / f"{name}.percussive.wav", Path(out_dir) / f"{name}.harmonic.wav"


def _percussive_channel(x: np.ndarray, rate: int, **options: Any) -> np.ndarray:
    """The percussive part (n,) of one channel (n,) at its own rate."""
    s_p, _ = separate(audio.resample(x, rate, SAMPLE_RATE), **options)
    return audio.fit(audio.resample(s_p, SAMPLE_RATE, rate), len(x))


def _check_folder(out_dir: Path) -> None:
    """Make the folder and try it, so that an hour's work is not lost at its end."""
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out_dir):
            pass
    except FileExistsError as error:
        raise NotADirectoryError(f"{out_dir} is a file; name a folder for the results") from error
    except OSError as error:
        raise OSError(f"{out_dir} cannot be written to: {error.strerror}") from error


@contextmanager
def _progress_bar(
    seconds: float, name: str, show: bool
) -> Iterator[Callable[[float], object] | None]:
    """`advance(seconds)` of a bar in the terminal, if it shall be shown and the sound is long."""
    if not show or seconds < _LONG:
        yield None
        return
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f} %|{bar}| {elapsed} < {remaining}"
    # disable=None: no bar where the output is not a terminal.
    with tqdm(total=seconds, desc=name, disable=None, bar_format=layout) as bar:
        yield bar.update
