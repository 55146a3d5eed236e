"""Sound in and out: reading, resampling, writing, and the book's own excerpts (chapter 1).

A signal is (n,) float32; a recording of several channels is (n, channels) float32. Full scale is
1, but nothing is clipped: an mp3 may decode to slightly more.
"""

import errno
import json
import math
import os
import stat
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from hpss_lib.containers import decoder_hushed, ends_early, mended
from hpss_lib.drafts import whole
from hpss_lib.stft import SAMPLE_RATE

if TYPE_CHECKING:
    import soundfile

SOURCES = ("percussive", "harmonic")  # what a mixture is the sum of; every pair is in this order
MAX_HOURS = 3.0  # longer recordings are refused before they are read: they are mistakes, as a rule
SUBTYPES = {"float": "FLOAT", "pcm24": "PCM_24", "pcm16": "PCM_16"}  # of samples in written files
_MAX_WAV_BYTES = 2**32 - 1024  # sizes in a WAV header are 32 bits wide
_BLOCK = 1 << 18  # samples read or written at once
_UNKNOWN = 2**63 - 1  # what libsndfile says of a length that the header leaves open
_CANCELLED = 1e-4  # of the channels' mean power: less in their sum, and they cancel each other


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Read a sound file: wav, flac, ogg or mp3. Chapter 1.

    Parameters
    ----------
    path : str or Path
        Of at most MAX_HOURS.

    Returns
    -------
    x : (n, channels) float32
        n >= 1, finite; full scale is 1, and nothing is clipped. A file that ends before its header
        says so is read as far as it goes, with a warning.
    rate : int
        Its sample rate in Hz.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no file to read.
    ValueError
        If it is no audio, no file but a pipe, is empty, lasts more than MAX_HOURS (known before a
        sample is read) or holds NaN or infinite samples.

    See Also
    --------
    load : mono, at one rate.
    read_blocks : for a file longer than memory.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/tone.wav"
    >>> write_wav(path, np.sin(np.arange(8000)).astype(np.float32), 8000)
    >>> x, rate = read(path)
    >>> x.shape, rate
    ((8000, 1), 8000)
    """
    with _open(Path(path)) as (sound, remark):
        parts, rate = list(_decode(path, sound, remark)), sound.samplerate
    x = parts[0] if len(parts) == 1 else np.concatenate(parts)
    _refuse_non_finite(path, x)
    return x, rate


class Header(NamedTuple):
    """What a sound file says of itself.

    Examples
    --------
    >>> Header(samples=44100, channels=2, rate=44100).channels
    2
    """

    samples: int  # in each channel
    channels: int
    rate: int  # Hz


def header(path: str | Path) -> Header:
    """Read what a sound file says of itself, without its samples.

    Parameters
    ----------
    path : str or Path
        As for `read`.

    Returns
    -------
    Header

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ValueError
        What `read` raises.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/silence.wav"
    >>> write_wav(path, np.zeros((100, 2), np.float32), 48000)
    >>> header(path)
    Header(samples=100, channels=2, rate=48000)
    """
    with _open(Path(path)) as (sound, remark):
        samples = sound.frames
        if samples >= _UNKNOWN:
            samples = sum(len(block) for block in _decode(path, sound, remark))
        return Header(samples, sound.channels, sound.samplerate)


def read_blocks(path: str | Path) -> Iterator[np.ndarray]:
    """Read a sound file block by block, so that it need not fit in memory.

    Parameters
    ----------
    path : str or Path
        As for `read`.

    Yields
    ------
    (m, channels) float32
        One after the other, what `read` returns at once.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ValueError
        What `read` raises, where it meets it.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/silence.wav"
    >>> write_wav(path, np.zeros(300_000, np.float32), 8000)
    >>> [len(block) for block in read_blocks(path)]
    [262144, 37856]
    """
    with _open(Path(path)) as (sound, remark):
        decoded = _decode(path, sound, remark)
        for block in decoded:
            if not np.isfinite(block).all():
                _refuse_non_finite(path, block, *decoded)
            yield block


def _decode(path: str | Path, sound: "soundfile.SoundFile", remark: str) -> Iterator[np.ndarray]:
    """Blocks up to the true end; a warning where the header promises more."""
    n = 0
    while len(block := _next_block(sound, begun=n > 0)):
        n += len(block)
        _refuse_long(path, n / sound.samplerate)
        yield block
    if n == 0:
        raise ValueError(f"{path} holds no samples")
    if n < sound.frames < _UNKNOWN:
        remark = ends_early(n / sound.samplerate, sound.frames / sound.samplerate)
    if remark:
        warnings.warn(f"{path} {remark}", stacklevel=2)


def _next_block(sound: "soundfile.SoundFile", *, begun: bool) -> np.ndarray:
    """The next samples; none at the end.

    At the end of a FLAC that is cut short, or whose length is unknown, soundfile raises after it
    has read: what it has read stands in the block, and NaN, which FLAC cannot hold, behind it.
    """
    import soundfile

    size = min(_BLOCK, 8 * _BLOCK // sound.channels)  # a header may state a thousand channels
    block = np.full((size, sound.channels), np.nan, np.float32)
    try:
        with decoder_hushed() if sound.format == "MP3" else nullcontext():
            return sound.read(out=block)
    except soundfile.SoundFileError:
        missing = np.isnan(block[:, 0])
        if sound.format != "FLAC" or (missing[0] and not begun):
            raise
        return block[: int(missing.argmax()) if missing.any() else size]


def _refuse_non_finite(path: str | Path, *blocks: np.ndarray) -> None:
    if bad := sum(np.count_nonzero(~np.isfinite(block)) for block in blocks):
        raise ValueError(f"{path} holds {bad} NaN or infinite samples: repair it first")


def _refuse_long(path: str | Path, seconds: float) -> None:
    if seconds > 3600 * MAX_HOURS:
        raise ValueError(
            f"{path} lasts {seconds / 3600:.1f} hours; at most {MAX_HOURS:g} are accepted: "
            "cut it into parts"
        )


@contextmanager
def _open(path: Path) -> Iterator[tuple["soundfile.SoundFile", str]]:
    """The open sound file, and what is known to be amiss with it.

    soundfile's errors in plain words; no recording beyond MAX_HOURS.
    """
    import soundfile

    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would be waited for
        raise ValueError(f"{path} is no file but a pipe or a device: write it to a file first")
    path.open("rb").close()  # the system's own clear error if it is locked or a folder
    file, remark = mended(path)
    try:
        with file or nullcontext(), ExitStack() as stack:
            with decoder_hushed():
                sound = stack.enter_context(soundfile.SoundFile(file or path))
            if sound.frames < _UNKNOWN:
                _refuse_long(path, sound.frames / sound.samplerate)
            yield sound, remark
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: headerless .raw
        reason = getattr(error, "error_string", "unknown format").rstrip(".")
        if "does not exist" in reason:  # libsndfile's word for an mp3 without a single frame
            reason = "no MPEG audio in it"
        raise ValueError(
            f"{path} cannot be read as audio; accepted are wav, flac, ogg and mp3 ({reason})"
        ) from error


def load(path: str | Path, *, rate: int = SAMPLE_RATE, mono: bool = True) -> np.ndarray:
    """Load a sound file at one sample rate. Chapter 1.

    Parameters
    ----------
    path : str or Path
        As for `read`.
    rate : int
        In Hz; all of the book works at 44100.
    mono : bool
        The mean of the channels, with a warning where they cancel each other; False: all channels.

    Returns
    -------
    x : (n,) float32, or (n, channels) with mono=False

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ValueError
        What `read` raises.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/silence.wav"
    >>> write_wav(path, np.zeros((8000, 2), np.float32), 8000)
    >>> load(path).shape, load(path, rate=16000, mono=False).shape
    ((44100,), (16000, 2))
    """
    x, rate_in = read(path)
    if mono:
        power = float(np.mean(np.square(x)))
        x = x.mean(axis=1)
        if float(np.mean(np.square(x))) < _CANCELLED * power:
            warnings.warn(
                f"{path}: its channels cancel each other, as where one is inverted; their mean is "
                "almost silent",
                stacklevel=2,
            )
    return resample(x, rate_in, rate)


def resample(x: np.ndarray, rate_in: float, rate_out: float) -> np.ndarray:
    """Resample a signal: band-limited, without delay.

    Parameters
    ----------
    x : (n,) or (n, channels), float32 or float64
        n >= 1.
    rate_in, rate_out : float
        Sample rates in Hz, before and after; at least 1.

    Returns
    -------
    The same with max(1, round(n rate_out / rate_in)) samples; a copy of x where the rates agree.

    Raises
    ------
    ValueError
        On rates below 1 Hz or an empty signal.

    Examples
    --------
    >>> resample(np.zeros((48000, 2)), 48000, 44100).shape
    (44100, 2)
    """
    _check_rates(rate_in, rate_out)
    if len(x) == 0:
        raise ValueError("x is empty; a signal has at least one sample")
    if rate_in == rate_out:
        return x.copy()
    import soxr

    return fit(soxr.resample(x, rate_in, rate_out), max(1, round(len(x) * rate_out / rate_in)))


def _check_rates(*rates: float) -> None:
    if not all(1 <= rate < math.inf for rate in rates):
        raise ValueError(f"rates are {' and '.join(map(str, rates))} Hz; both must be positive")


def resampled(
    blocks: Iterable[np.ndarray], rate_in: float, rate_out: float
) -> Iterator[np.ndarray]:
    """Resample a signal that comes in blocks.

    Parameters
    ----------
    blocks : iterable of (m, channels)
        One after the other, each m >= 1.
    rate_in, rate_out : float
        As for `resample`.

    Returns
    -------
    iterator of (m, channels)
        Blocks of other lengths; together they are what `resample` returns.

    Raises
    ------
    ValueError
        On rates below 1 Hz.

    Examples
    --------
    >>> blocks = (np.zeros((1000, 1), np.float32) for _ in range(48))
    >>> sum(len(block) for block in resampled(blocks, 48000, 44100))
    44100
    """
    _check_rates(rate_in, rate_out)
    return iter(blocks) if rate_in == rate_out else _resampled(blocks, rate_in, rate_out)


def _resampled(blocks: Iterable[np.ndarray], rate_in: float, rate_out: float):
    import soxr

    taken = given = 0
    stream = None
    for block in blocks:
        stream = stream or soxr.ResampleStream(rate_in, rate_out, block.shape[1], block.dtype.name)
        y = stream.resample_chunk(block)
        taken, given = taken + len(block), given + len(y)
        yield y
    if stream is not None:
        length = max(1, round(taken * rate_out / rate_in))
        yield fit(stream.resample_chunk(block[:0], last=True), max(0, length - given))


_INAUDIBLE = 9.0, 15.0  # Hz: gone below the first, untouched above the second
_RUMBLE_BLOCK = 2**16  # samples filtered at once, always as many: nothing depends on the caller's


def without_rumble(blocks: Iterable[np.ndarray], rate: float) -> Iterator[np.ndarray]:
    """Take away a constant offset and what lies below hearing. Chapter 10.

    By a filter of linear phase, 0.55 s long, so that what is left is neither delayed nor bent.
    Before its beginning and after its end the signal is thought to go on as in a mirror.

    Parameters
    ----------
    blocks : iterable of (m, channels)
        One after the other, each m >= 1.
    rate : float
        Their sample rate in Hz.

    Yields
    ------
    (m, channels) float32
        Blocks of other lengths, together as long as what came.

    Examples
    --------
    >>> t = np.arange(44100) / 44100
    >>> x = np.stack([0.05 + 0 * t, np.sin(2 * np.pi * 8 * t), np.sin(2 * np.pi * 40 * t)], axis=1)
    >>> y = np.concatenate(list(without_rumble([x], 44100)))
    >>> np.abs(y[10000:-10000]).max(axis=0).round(2).tolist()
    [0.0, 0.0, 1.0]
    """
    from scipy.signal import firwin, oaconvolve

    low, high = _INAUDIBLE
    taps = np.asarray(firwin(int(3.3 * rate / (high - low)) | 1, (low + high) / 2, fs=rate))
    taps = (taps / taps.sum())[:, None]
    reach = len(taps) // 2

    def left(x: np.ndarray) -> np.ndarray:
        slow = oaconvolve(x, taps, "valid", axes=0)
        return (x[reach : len(x) - reach] - slow).astype(np.float32)

    kept, begun = None, False
    for block in blocks:
        kept = block if kept is None else np.concatenate([kept, block])
        if not begun and len(kept) >= reach:
            kept, begun = np.concatenate([kept[:reach][::-1], kept]), True
        while len(kept) >= _RUMBLE_BLOCK + 2 * reach:
            yield left(kept[: _RUMBLE_BLOCK + 2 * reach])
            kept = kept[_RUMBLE_BLOCK:]
    if kept is not None:
        yield left(np.pad(kept, ((0 if begun else reach, reach), (0, 0)), mode="symmetric"))


def as_float(x: np.ndarray) -> np.ndarray:
    """Samples in floating point, full scale 1: integers are divided by theirs.

    Parameters
    ----------
    x : array
        Floating point; or int16, int32 or (128 stands for 0) uint8, as files hold them.

    Returns
    -------
    x itself, or float32 of its shape.

    Raises
    ------
    TypeError
        On other types, whose full scale nobody knows.

    Examples
    --------
    >>> as_float(np.array([-32768, 16384], np.int16)).tolist()
    [-1.0, 0.5]
    """
    if x.dtype.kind == "f":
        return x
    if x.dtype == np.uint8:
        return (x.astype(np.float32) - 128) / 128
    if x.dtype in (np.int16, np.int32):
        return (x / -float(np.iinfo(x.dtype).min)).astype(np.float32)
    raise TypeError(
        f"x holds {x.dtype} values; accepted are floating point and uint8, int16 or int32 "
        "samples: divide others by their full scale"
    )


def fit(x: np.ndarray, length: int) -> np.ndarray:
    """Cut a signal to a length, or append zeros.

    Parameters
    ----------
    x : (n, ...)
        A signal, or several.
    length : int
        In samples, >= 0.

    Returns
    -------
    (length, ...)
        The first samples of x, zeros appended where x is shorter.

    Examples
    --------
    >>> fit(np.arange(3), 2).tolist(), fit(np.arange(3), 4).tolist()
    ([0, 1], [0, 1, 2, 0])
    """
    missing = max(0, length - len(x))
    return np.pad(x[:length], [(0, missing)] + [(0, 0)] * (x.ndim - 1))


def write_wav(path: str | Path, x: np.ndarray, rate: int) -> None:
    """Write a 32-bit float WAV file: whole or not at all.

    Parameters
    ----------
    path : str or Path
        An existing file is replaced, once the new one is complete.
    x : (n,) or (n, channels)
        n >= 1, finite; nothing is clipped or scaled.
    rate : int
        In Hz.

    Raises
    ------
    ValueError
        If x is empty, not finite, or too large for WAV (4 GB).
    OSError
        If the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/loud.wav"
    >>> write_wav(path, np.array([0, 1.5], np.float32), 44100)
    >>> read(path)[0][:, 0].tolist()
    [0.0, 1.5]
    """
    if x.ndim not in (1, 2) or x.size == 0:
        raise ValueError(f"x has shape {x.shape}; accepted are (n,) and (n, channels), n >= 1")
    if not np.isfinite(x).all():
        raise ValueError("x holds NaN or infinite samples")
    x = x if x.ndim == 2 else x[:, None]
    check_wav_size(*x.shape, name=Path(path))
    write_together([Path(path)], ((block,) for block in blocks(x)), rate, x.shape[1])


def check_wav_size(n: int, channels: int, *, name: object = "the result", bits: int = 32) -> None:
    """Refuse what exceeds the 4 GB of a WAV file.

    Parameters
    ----------
    n, channels : int
        Samples of each channel, and channels.
    name
        What the error calls it.
    bits : int
        Of each sample.

    Raises
    ------
    ValueError
        With what to do instead.

    Examples
    --------
    >>> check_wav_size(8 * 3600 * 44100, 2, name="a night")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: a night would take 9.5 GB as 32-bit WAV, which ends at 4: ...
    """
    size = bits // 8 * n * channels
    if size > _MAX_WAV_BYTES:
        raise ValueError(
            f"{name} would take {size / 2**30:.1f} GB as {bits}-bit WAV, which ends at 4: write "
            "FLAC, cut the input into parts or lower its sample rate"
        )


def write_together(
    paths: Sequence[Path],
    parts: Iterable[Sequence[np.ndarray]],
    rate: int,
    channels: int,
    *,
    subtype: str = "float",
) -> None:
    """Write several sound files at once from blocks: all of them, whole, or none.

    Parameters
    ----------
    paths : sequence of Path
        Their endings, .wav or .flac, choose the format.
    parts : iterable of sequences of (m, channels)
        One block for each path at a time, so that a long signal need never exist as a whole.
        Floating point is written as it is; integers fill int16 or the upper 24 bits of int32.
    rate, channels : int
        Of all files; the rate in Hz.
    subtype : str
        A key of SUBTYPES.

    Raises
    ------
    OSError
        If a file cannot be written; then none is left behind, nor where `parts` raises.

    Examples
    --------
    >>> import tempfile
    >>> paths = [Path(tempfile.mkdtemp()) / name for name in ("a.wav", "b.wav")]
    >>> blocks = [np.zeros((10, 1)), np.ones((10, 1))]
    >>> write_together(paths, [blocks, blocks], 44100, 1)
    >>> [header(path).samples for path in paths]
    [20, 20]
    """
    import soundfile

    with whole(*paths) as drafts:
        with ExitStack() as stack:
            sounds = []
            for path, draft in zip(paths, drafts, strict=True):
                stack.enter_context(_disk_errors())  # also of what is written at the end
                kind = path.suffix[1:].upper()
                if kind == "WAV" and channels > 2:
                    kind = "WAVEX"  # which says where each channel belongs
                sound = soundfile.SoundFile(
                    draft, "w", rate, channels, SUBTYPES[subtype], None, kind
                )
                sounds.append(stack.enter_context(sound))
            for blocks in parts:
                for sound, block in zip(sounds, blocks, strict=True):
                    with _disk_errors():
                        sound.write(block)
        for draft in drafts:
            with draft.open("r+b") as file:
                _erase_time(file)


def _erase_time(file: BinaryIO) -> None:
    """Take the time out of WAV's PEAK chunk, so that equal samples are equal files."""
    at = file.read(256).find(b"PEAK")
    if at >= 0:
        file.seek(at + 12)  # behind name, size and version
        file.write(bytes(4))


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Errors of soundfile in writing, which libsndfile calls "System error", as the system's."""
    import soundfile

    try:
        yield
    except (soundfile.SoundFileError, AssertionError) as error:  # AssertionError: a short write
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error  # `whole` says where


def blocks(x: np.ndarray) -> Iterator[np.ndarray]:
    """Consecutive blocks of a signal, of a size that is good to read and to write.

    Parameters
    ----------
    x : (n, ...)
        A signal, or several.

    Yields
    ------
    (m, ...)
        Views of x.

    Examples
    --------
    >>> [len(block) for block in blocks(np.zeros((300_000, 2)))]
    [262144, 37856]
    """
    for start in range(0, len(x), _BLOCK):
        yield x[start : start + _BLOCK]


@dataclass(frozen=True)
class Excerpt:
    """One of the book's own excerpts: composed in code, rendered as two stems.

    Attributes
    ----------
    name, title, style : str
        Its key in EXCERPTS, and what it is called and played by.
    seconds : float
        Its length.
    licence, source : str
        Under which terms it may be passed on, and how it was made.
    tempo : float
        In beats per minute.
    beats : tuple of float
        When the beats fall, in s, as composed: exact, not annotated by ear.
    chords : tuple of (float, float, str)
        From, to, in s, and the chord's name, as composed.

    Examples
    --------
    >>> EXCERPTS["jazz"].title, EXCERPTS["jazz"].chords[0]
    ('Late Tram', (0.0, 1.7391, 'Dm9'))
    """

    name: str
    title: str
    style: str
    seconds: float
    licence: str
    source: str
    tempo: float
    beats: tuple[float, ...]
    chords: tuple[tuple[float, float, str], ...]


_EXCERPTS = Path(__file__).parent / "excerpts"


def _list_excerpts() -> dict[str, Excerpt]:
    index = _EXCERPTS / "index.json"
    if not index.exists():  # a tree in which tools/render_excerpts.py has not run yet
        return {}
    keys = ("title", "style", "seconds", "licence", "source", "tempo")
    return {
        name: Excerpt(
            name,
            **{key: record[key] for key in keys},
            beats=tuple(record["beats"]),
            chords=tuple((start, end, chord) for start, end, chord in record["chords"]),
        )
        for name, record in json.loads(index.read_text(encoding="utf-8")).items()
    }


EXCERPTS: dict[str, Excerpt] = _list_excerpts()


def load_excerpt(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The two stems of one of the book's own excerpts. Chapter 1.

    Parameters
    ----------
    name : str
        A key of EXCERPTS.

    Returns
    -------
    x_p, x_h : (n,) float32
        The percussive and the harmonic stem at 44.1 kHz; x_p + x_h is the mixture.

    Raises
    ------
    ValueError
        If there is no excerpt of that name.

    Examples
    --------
    >>> x_p, x_h = load_excerpt("rock")
    >>> x_p.shape == x_h.shape
    True
    """
    if name not in EXCERPTS:
        raise ValueError(f"there is no excerpt {name!r}; there are {', '.join(EXCERPTS) or 'none'}")
    x_p, x_h = (load(_EXCERPTS / f"{name}.{part}.ogg") for part in SOURCES)
    return x_p, x_h
