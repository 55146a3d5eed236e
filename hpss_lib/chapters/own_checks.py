"""The reader's own separator: each function of my_separator.py held to the library's, in words.

A chapter's last cell calls `check`; chapter 10 takes all functions from `parts`, which lends the
library's where the reader's is not filled in or not right yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from hpss_lib import measures, median, puiter, sinusoids, subtraction
from hpss_lib.audio import load_excerpt
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, overlapped_window, stft

FILE = "my_separator.py"
_ENOUGH = 1e-4  # of the largest value: what single precision and another order of sums may do


@dataclass(frozen=True)
class Part:
    """One function of the reader's file.

    chapter: its number. example(): the arguments that it is tried on. truth: the library's way from
    these to the result. axes: what the result's axes count. mistakes: what the reader may have
    done, in words, and the result that this would have.
    """

    chapter: int
    example: Callable[[], tuple]
    truth: Callable[..., Any]
    axes: tuple[str, ...] = ()
    mistakes: Sequence[tuple[str, Callable[..., Any]]] = ()


# --------------------------------------------------------------------------- what differs, in words


def differences(mine: Any, theirs: Any, axes: Sequence[str] = ()) -> str:
    """Say what differs between two results; "" where nothing does.

    Parameters
    ----------
    mine, theirs
        A number, an array, or a tuple of them.
    axes
        What the arrays' axes count: ("bin", "frame").

    Returns
    -------
    One sentence or two.
    """
    if mine is None:
        return "it returns None: is there a `return` on every way out?"
    if isinstance(theirs, tuple):
        return _of_several(mine, theirs, axes)
    try:
        a, b = np.asarray(mine), np.asarray(theirs)
        a = a.astype(np.result_type(a, np.float64))
    except (TypeError, ValueError):
        return f"it returns {type(mine).__name__}; an array of numbers is wanted"
    return _of_shape(a, b, axes) or _of_kind(a, b) or _of_values(a, b, axes)


def _of_several(mine: Any, theirs: tuple, axes: Sequence[str]) -> str:
    if not isinstance(mine, tuple | list) or len(mine) != len(theirs):
        return f"it returns one thing; {len(theirs)} are wanted, in a tuple: `return a, b`"
    found = [differences(a, b, axes) for a, b in zip(mine, theirs, strict=True)]
    if not any(found):
        return ""
    if not any(differences(a, b, axes) for a, b in zip(mine, theirs[::-1], strict=True)):
        return "the two results are right but in the wrong order: swap them"
    return " ".join(f"Result {j}: {words}" for j, words in enumerate(found, 1) if words)


def _of_shape(a: np.ndarray, b: np.ndarray, axes: Sequence[str]) -> str:
    if a.shape == b.shape:
        return ""
    said = f"its shape is {a.shape}; {b.shape} is wanted"
    if a.ndim == b.ndim == 2 and a.T.shape == b.shape:
        return f"{said}: the two axes are swapped, transpose it"
    if a.ndim != b.ndim:
        return said
    for axis, (m, n) in enumerate(zip(a.shape, b.shape, strict=True)):
        name = axes[axis] if axis < len(axes) else "value"
        if name == "bin" and m == 2 * (n - 1):
            return f"{said}: the upper half mirrors the lower one, take np.fft.rfft"
        if m != n:
            how = "too many" if m > n else "missing"
            return f"{said}: {abs(m - n)} {name}s {how}; are the edges padded as they should be?"
    return said


def _of_kind(a: np.ndarray, b: np.ndarray) -> str:
    if bad := np.count_nonzero(~np.isfinite(a)):
        return f"{bad} of its {a.size} values are NaN or infinite: is something divided by 0?"
    if np.iscomplexobj(b) and not np.iscomplexobj(a):
        return "it is real; complex values are wanted: was the phase dropped, by np.abs or .real?"
    if np.iscomplexobj(a) and not np.iscomplexobj(b) and np.abs(np.imag(a)).max() > 0:
        return "it is complex; real values are wanted"
    return ""


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    scale = float(np.abs(b).max()) or 1.0
    return a.shape == b.shape and bool(np.abs(a - b).max() <= _ENOUGH * scale)


def _of_values(a: np.ndarray, b: np.ndarray, axes: Sequence[str]) -> str:
    if _close(a, b):
        return ""
    if _close(-a, b):
        return "it is right but for its sign"
    if np.iscomplexobj(b) and _close(a.conj(), b):
        return "it is the complex conjugate: look at the sign of the imaginary unit"
    factor = float(np.real(np.vdot(b, a)) / (float(np.real(np.vdot(b, b))) or 1.0))
    if abs(factor) > 1e-9 and _close(a / factor, b):
        return f"it is {factor:.4g} times what is wanted: which factor is missing, or too many?"
    size = np.abs(b)
    with np.errstate(divide="ignore"):
        for words, other in (
            ("it is in decibels; the plain value is wanted", 20 * np.log10(size)),
            ("it is squared: energies, where magnitudes are wanted", size**2),
            ("it is one minus what is wanted", 1 - b),
        ):
            usable = np.isfinite(other)
            if usable.any() and _close(a[usable], other[usable]):
                return words
    for axis, name in enumerate(axes):
        for step in (-1, 1):
            moved = np.roll(b, step, axis)
            inner = tuple(slice(2, -2) if k == axis else slice(None) for k in range(b.ndim))
            if b.shape[axis] > 8 and _close(a[inner], moved[inner]):
                return f"it is one {name} too {'late' if step > 0 else 'early'}"
    return _where(a, b, axes)


def _where(a: np.ndarray, b: np.ndarray, axes: Sequence[str]) -> str:
    """Where the largest difference is, and how large."""
    error = np.abs(a - b)
    most = error.max()
    if not a.ndim:
        return f"it is {a:.4g}; {b:.4g} is wanted"
    place = np.unravel_index(int(error.argmax()), error.shape)
    names = ", ".join(f"{axes[k] if k < len(axes) else 'value'} {i}" for k, i in enumerate(place))
    share = np.mean(error > _ENOUGH * (np.abs(b).max() or 1.0))
    edges = ""
    if (
        axes
        and share < 0.2
        and all(i < 16 or i >= n - 16 for i, n in zip(place[-1:], a.shape[-1:], strict=True))
    ):
        edges = f" All is well but near the edge: what lies beyond the first and last {axes[-1]}?"
    return (
        f"{names} differs by {most:.2g} (the largest wanted value is {np.abs(b).max():.2g}); "
        f"{100 * share:.0f} % of all values differ.{edges}"
    )


# ------------------------------------------------------------------------------------- the examples


@lru_cache(maxsize=1)
def _excerpt() -> tuple[np.ndarray, np.ndarray]:
    """Two seconds of the rock band, drums and the rest, in double precision."""
    x_p, x_h = load_excerpt("rock")
    part = slice(2 * SAMPLE_RATE, 4 * SAMPLE_RATE + 100)  # no whole number of hops
    return x_p[part].astype(float), x_h[part].astype(float)


@lru_cache(maxsize=1)
def _spectra() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, V_p, V_h (F, T) of the excerpt."""
    x_p, x_h = _excerpt()
    X_p, X_h = stft(x_p, COMPACT), stft(x_h, COMPACT)
    return X_p + X_h, np.abs(X_p), np.abs(X_h)


@lru_cache(maxsize=1)
def weights() -> dict[str, Any]:
    """The shipped network's numbers, as `network` in my_separator.py takes them."""
    from hpss_lib.madtwinnet import band_matrix, load_model

    model = load_model()
    state = {name: p.numpy() for name, p in model.state_dict().items()}
    c = model.config

    def gru(name: str, end: str) -> tuple[np.ndarray, ...]:
        keys = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return tuple(state[f"masker.{name}.{key}_{end}"] for key in keys)

    def linear(name: str) -> tuple[np.ndarray, np.ndarray]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    hears = np.eye(c.low_bins, c.bins, dtype=np.float32)
    return {
        "hears": hears if c.bands_to is None else band_matrix(c).numpy(),
        "forward": gru("encoder.gru", "l0"),
        "backward": gru("encoder.gru", "l0_reverse"),
        "decoder": gru("decoder", "l0"),
        "mask": linear("masker.mask.linear"),
        "squeeze": linear("denoiser.encoder"),
        "restore": linear("denoiser.decoder"),
    }


def _network(V: np.ndarray, _: Any) -> np.ndarray:
    import torch

    from hpss_lib.madtwinnet import load_model

    with torch.inference_mode():
        return load_model()(torch.from_numpy(V)[None])[0].numpy()


def _estimate(V: np.ndarray, _: Any) -> np.ndarray:
    from hpss_lib.madtwinnet import estimate, load_model

    return estimate(load_model(), V)


def _gru(x: np.ndarray, W: np.ndarray, U: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    import torch

    layer = torch.nn.GRU(x.shape[1], U.shape[1], batch_first=True)
    numbers: dict[str, Any] = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
                       map(torch.from_numpy, (W, U, b, c)), strict=True))  # fmt: skip
    with torch.inference_mode():
        layer.load_state_dict(numbers)
        return layer(torch.from_numpy(x)[None])[0][0].numpy()


def _gates_mixed_up(m: np.ndarray) -> np.ndarray:
    r, z, n = np.split(m, 3)
    return np.concatenate([z, r, n])


def _small_gru() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(5)
    shapes = ((12, 4), (9, 4), (9, 3), (9,), (9,))
    return tuple(rng.standard_normal(shape).astype(np.float32) for shape in shapes)


def _sequence() -> tuple[np.ndarray, dict]:
    V = np.abs(_spectra()[0]).T[:120].astype(np.float32)
    return 0.08 / np.sqrt(np.mean(V**2)) * V, weights()


def _triangle() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(8)
    X, start = rng.standard_normal((2, 60)) + 1j * rng.standard_normal((2, 60))
    V_p, V_h = rng.uniform(0.2, 1.5, (2, 60))
    return X, V_p, V_h, start


def _windowed(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    padded = np.pad(x, 1024)
    frames = [padded[a : a + 2048] * w for a in range(0, len(x) + 1, 512)]
    return np.fft.rfft(frames, axis=1).T / np.sqrt(2048)


def _plain_overlap(X: np.ndarray, length: int) -> np.ndarray:
    """Overlap-add without the window and the division."""
    frames = np.fft.irfft(X.T, 2048, axis=1) * np.sqrt(2048)
    total = np.zeros(length + 4096)
    for t, frame in enumerate(frames):
        total[t * 512 : t * 512 + 2048] += frame
    return total[1024 : 1024 + length]


# ---------------------------------------------------------------------------------------- the parts

_PICTURE = ("bin", "frame")
_DECIBELS = (
    ("the factor is 20: energies take 10 log10", lambda s, e: 2 * measures.sdr(s, e)),
    ("that is the natural logarithm: np.log10", lambda s, e: np.log(10) * measures.sdr(s, e)),
    ("it is the error over the truth: turn the fraction round", lambda s, e: -measures.sdr(s, e)),
)


def _mixture() -> tuple[np.ndarray]:
    x_p, x_h = _excerpt()
    return (x_p + x_h,)


def _medians(V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return median.harmonic_enhanced(V, 31), median.percussive_enhanced(V, 31)


def _witnesses() -> tuple[np.ndarray, np.ndarray]:
    H, P = _medians(np.abs(_spectra()[0])[:200, :60])
    H[:3, :3] = P[:3, :3] = 0  # where nothing is heard
    return P, H


def _subtracted(X: np.ndarray, V_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    S_p = np.where(X == 0, 0, subtraction.apply_phase(V_p, X))
    return S_p, X - S_p


def _floored(X: np.ndarray, V_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rest = subtraction.subtract_floored(np.abs(X), V_p)
    return _subtracted(X, V_p)[0], subtraction.apply_phase(rest, X)


def _with_silence() -> tuple[np.ndarray, np.ndarray]:
    X, V_p, _ = _spectra()
    X = X.copy()
    X[:, 3] = 0
    return X, V_p


def _a_frame() -> np.ndarray:
    return np.abs(_spectra()[0])[:, 40]


def _turned(phase: np.ndarray, f: np.ndarray) -> np.ndarray:
    return np.exp(1j * sinusoids.propagate(phase, f, COMPACT))


def _other_side(X, V_p, V_h, start):
    u = X / np.abs(X)
    return puiter.closed_form(X, V_p, V_h, (start * u.conj()).conj() * u)


PARTS: dict[str, Part] = {
    "sdr": Part(1, _excerpt, measures.sdr, mistakes=_DECIBELS),
    "stft": Part(
        2,
        _mixture,
        lambda x: stft(x, COMPACT),
        _PICTURE,
        (
            (
                "is your window periodic? A symmetric one, as np.hanning, gives just this",
                lambda x: _windowed(x, np.hanning(2048)),
            ),
            ("there is no window in it", lambda x: _windowed(x, np.ones(2048))),
            (
                "that is without the division by sqrt(N_FFT)",
                lambda x: np.sqrt(2048) * stft(x, COMPACT),
            ),
        ),
    ),
    "istft": Part(
        2,
        lambda: (_spectra()[0], len(_excerpt()[0])),
        lambda X, length: istft(X, COMPACT, length),
        ("sample",),
        (
            (
                "the frames are added, but without the window and without the division by the sum "
                "of its squares",
                _plain_overlap,
            ),
            (
                "divide by the sum of the squared windows",
                lambda X, n: 2048 * overlapped_window(COMPACT, n) * istft(X, COMPACT, n),
            ),
            (
                "that is without undoing the division by sqrt(N_FFT)",
                lambda X, n: istft(X, COMPACT, n) / np.sqrt(2048),
            ),
        ),
    ),
    "medians": Part(3, lambda: (np.abs(_spectra()[0])[:200, :60],), _medians, _PICTURE),
    "mask": Part(
        3,
        _witnesses,
        lambda P, H: median.masks(P, H)[0],
        _PICTURE,
        (
            ("it is the mask of the harmonic part", lambda P, H: median.masks(P, H)[1]),
            (
                "it shares out magnitudes: square both for energies",
                lambda P, H: median.masks(P, H, power=1)[0],
            ),
            (
                "in silence it is 0: where P = H = 0 it should be 1/2",
                lambda P, H: np.where(P + H > 0, median.masks(P, H)[0], 0),
            ),
        ),
    ),
    "subtract": Part(
        4,
        _with_silence,
        _subtracted,
        _PICTURE,
        (("the rest is cut off at 0: keep the sign, or the two no longer sum to X", _floored),),
    ),
    "gru": Part(
        5,
        _small_gru,
        _gru,
        ("frame", "unit"),
        (
            (
                "r and z are mixed up: the rows of r come first",
                lambda x, *numbers: _gru(x, *map(_gates_mixed_up, numbers)),
            ),
        ),
    ),
    "network": Part(5, _sequence, _network, ("frame", "bin")),
    "estimate": Part(
        6,
        lambda: (np.abs(_spectra()[0]).astype(np.float32), weights()),
        _estimate,
        _PICTURE,
    ),
    "frequencies": Part(7, lambda: (_a_frame(),), sinusoids.instantaneous_frequency, ("bin",)),
    "propagate": Part(
        7,
        lambda: (np.linspace(-3, 3, 50), np.linspace(0.3, 20.7, 50)),
        _turned,
        ("bin",),
        (
            (
                "it turns the other way: the phase grows with time",
                lambda phase, f: _turned(phase, -f),
            ),
            (
                "it turns by a whole frame: one hop has passed, HOP samples of N_FFT",
                lambda phase, f: _turned(phase, 4 * f),
            ),
            ("a turn is 2 pi, not pi", lambda phase, f: _turned(phase, f / 2)),
        ),
    ),
    "closed_form": Part(
        8,
        _triangle,
        puiter.closed_form,
        ("bin",),
        (("S_h lies on the wrong side of X: look at where `start` lies", _other_side),),
    ),
    "si_sdr": Part(
        9,
        lambda: (_excerpt()[0], 0.3 * _excerpt()[0] + 0.1 * _excerpt()[1]),
        measures.si_sdr,
        mistakes=(
            ("a gain still counts: compare with the multiple of s that is nearest", measures.sdr),
        ),
    ),
}


def _shown(name: str, result: Any) -> Any:
    """What is compared: of phases, where they point, for a whole turn more is no difference."""
    return np.exp(1j * np.asarray(result)) if name == "propagate" else result


# ------------------------------------------------------------------------------------ the reader's


def load(path: str | Path = FILE) -> ModuleType:
    """The reader's file as a module, read afresh each time.

    Raises AssertionError, in words, where there is none or where it is no Python.
    """
    path = Path(path)
    if not path.is_file():
        raise AssertionError(f"there is no {path}: it comes with the book, beside its notebooks")
    module = ModuleType(path.stem)
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    except Exception as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise AssertionError(f"{path}{line}: {type(error).__name__}: {error}") from error
    return module


def judge(module: ModuleType, name: str) -> str | None:
    """Say what differs between the reader's function and the library's.

    Returns None where it is not filled in, "" where nothing differs, else what does.
    """
    part, function = PARTS[name], getattr(module, name, None)
    if function is None:
        return f"there is no function of that name in {FILE}"
    arguments = part.example()
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        with np.errstate(all="ignore"):
            mine = function(*copies)
    except Exception as error:
        return f"it raises {type(error).__name__}: {error}"
    if mine is ... or (isinstance(mine, tuple) and any(m is ... for m in mine)):
        return None
    kept = zip(arguments, copies, strict=True)
    if any(isinstance(a, np.ndarray) and not np.array_equal(a, b) for a, b in kept):
        return "it changes the array that it is given: make a new one"
    try:
        mine = _shown(name, mine)
    except TypeError:
        return differences(mine, np.zeros(1))
    words = differences(mine, part.truth(*arguments), part.axes)
    if words:
        for mistake, wrong in part.mistakes:
            if not differences(mine, wrong(*arguments), part.axes):
                return mistake
    return words


def check(*names: str, path: str | Path = FILE) -> None:
    """Hold functions of the reader's file to the library's, and say the outcome of each.

    Raises AssertionError with what differs, where one is wrong.
    """
    if not Path(path).is_file():  # a notebook may travel alone
        print(f"There is no {path} here: it comes with the book, beside its notebooks.")
        return
    module = load(path)
    found = {name: judge(module, name) for name in names}
    for name, words in found.items():
        if not words:
            print(f"{name}: {'Right.' if words == '' else 'Not filled in yet.'}")
    if wrong := [f"{name}: {words}." for name, words in found.items() if words]:
        raise AssertionError("\n".join(wrong))
    if None in found.values():
        print(f"(They are in {FILE}, beside this notebook. Fill in, then run this cell again.)")


def parts(path: str | Path = FILE) -> SimpleNamespace:
    """All functions: the reader's own where they are right, the library's where they are not.

    Says which are the reader's, and of each other one why it is lent.
    """
    try:
        module = load(path)
    except AssertionError as error:  # no file, or no Python: all is lent, and the chapter goes on
        print(f"{error}. All functions are the library's.")
        return SimpleNamespace(**{name: _lent(name) for name in PARTS})
    found = {name: judge(module, name) for name in PARTS}
    if own := [name for name, words in found.items() if words == ""]:
        print(f"Yours: {', '.join(own)}")
    for name, words in found.items():
        if words != "":
            why = "not filled in yet" if words is None else words.rstrip(".")
            print(f"{name} (chapter {PARTS[name].chapter}): {why}; the library's is used.")
    return SimpleNamespace(**{n: getattr(module, n) if found[n] == "" else _lent(n) for n in PARTS})


def _lent(name: str) -> Callable[..., Any]:
    if name == "propagate":
        return lambda phase, f: sinusoids.propagate(phase, f, COMPACT)
    return PARTS[name].truth
