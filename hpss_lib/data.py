"""Training data: songs in folders, one file of samples, random two-source mixtures (chapter 6).

    folders -> `find_songs` -> `build_cache` (one memory-mapped file) -> `draw_batch` -> V, V_p, V_h

A song is a percussive and a harmonic signal whose sum is the mixture.  Single sounds count as songs
that lack one of the two.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpss_lib import audio, kicks
from hpss_lib.audio import SOURCES
from hpss_lib.drafts import whole
from hpss_lib.stft import SAMPLE_RATE, StftSettings, analysis_window

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
# Sounds too, but not read here: they are named, since passing over them would change the songs.
_OTHER_SUFFIXES = tuple(".aac .aif .aifc .aiff .alac .ape .au .caf .m4a .opus .w64 .wma".split())
_HARMONIC_STEMS = ("harmonic", "bass", "other", "vocals", "guitar", "piano")


@dataclass(frozen=True)
class Song:
    """The files of one song: a source is the sum of its files; either may have none.

    Examples
    --------
    >>> Song("beat", (Path("beat/drums.wav"),), ()).harmonic
    ()
    """

    name: str
    percussive: tuple[Path, ...]
    harmonic: tuple[Path, ...]


# ------------------------------------------------------------------------------ finding songs


def find_songs(path: str | Path, *, subset: str = "train") -> list[Song]:
    """List the songs below a folder, in order of their names.

    It may be one song, a folder of songs, DSD100, MUSDB18 or MUSDB18-HQ, or single sounds. A folder
    with a file drums.* or harmonic.* is a song: bass, other, vocals, guitar and piano are harmonic
    as well, mixture.* is not read, and any other sound in it is refused, since nobody knows to
    which source it belongs. `*.stem.mp4` files are MUSDB18's songs. Other sound files are single
    sounds: percussive below a folder whose name begins with "drum", harmonic elsewhere. Hidden
    files and folders (macOS' `._drums.wav`) are passed over; links are followed, and a folder that
    is met twice is taken once.

    Parameters
    ----------
    path : str or Path
        The folder.
    subset : "train" or "test"
        For the data sets that have both.

    Returns
    -------
    list of Song

    Raises
    ------
    FileNotFoundError
        Without such a folder.
    ValueError
        Where nothing is found in it, or a sound in it has a name or a format that is not known; on
        another subset.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("a/drums.wav", "a/bass.wav", "drum_hits/clap.wav"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     (folder / name).touch()
    >>> [(s.name, len(s.percussive), len(s.harmonic)) for s in find_songs(folder)]
    [('a', 1, 1), ('drum_hits/clap.wav', 1, 0)]

    References
    ----------
    Chapter 6.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no folder {path}")
    if subset not in ("train", "test"):
        raise ValueError(f'subset must be "train" or "test", not {subset!r}')
    root = path
    for part in (f"Sources/{'Dev' if subset == 'train' else 'Test'}", subset):
        if (path / part).is_dir():  # DSD100; MUSDB18 in both its forms
            root = path / part
            break
    songs, met = [], set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in met:  # links in a circle would be followed without end
            folders[:] = []
            continue
        met.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        files = [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
        songs += _songs_in(files, Path(folder), path)
    if not songs:
        raise ValueError(
            f"no songs in {path}: expected folders with drums.* and harmonic.* (or bass, other,"
            f" vocals) in one of {', '.join(SUFFIXES)}, MUSDB18's *.stem.mp4, or DSD100"
        )
    return songs


def _songs_in(files: Sequence[Path], folder: Path, root: Path) -> list[Song]:
    """The songs that the files of one folder make, below the folder where the search began."""
    name = str(folder.relative_to(root)) if folder != root else root.name
    parts = (root.name, *folder.relative_to(root).parts)
    struck = any(part.lower().startswith("drum") for part in parts)
    sounds = [f for f in files if f.suffix.lower() in (*SUFFIXES, *_OTHER_SUFFIXES)]
    stems = [f.stem.lower() for f in sounds]
    named = ("drums",) if struck else ("drums", "harmonic", "mixture")
    # "drum.wav" where no folder says what it is: a song's, misspelt.
    if set(named) & set(stems) or (not struck and any(s.startswith("drum") for s in stems)):
        return [_song_of_stems(name, sounds)]
    results = [f for f in sounds if Path(f.stem).suffix.lower() in (".percussive", ".harmonic")]
    if results:
        raise ValueError(f"{_join(results)}: parts of a song, as `separate` writes them, no song")
    if unread := [f for f in sounds if f.suffix.lower() in _OTHER_SUFFIXES]:
        raise ValueError(f"{_join(unread)}: convert to one of {', '.join(SUFFIXES)}")
    films = [f for f in files if f.name.endswith(".stem.mp4")]
    songs = [Song(f.name.removesuffix(".stem.mp4"), (f,), (f,)) for f in films]
    for f in sounds:
        songs.append(Song(str(f.relative_to(root)), *(((f,), ()) if struck else ((), (f,)))))
    return songs


def _song_of_stems(name: str, sounds: Sequence[Path]) -> Song:
    """One folder's song; what is not known, or there twice, is named and refused."""
    files: dict[str, list[Path]] = {}
    for f in sounds:
        files.setdefault(f.stem.lower(), []).append(f)
    rest = [stem for stem in files if stem in _HARMONIC_STEMS]
    known = ("drums", "mixture", *_HARMONIC_STEMS)
    strange = [f for f in sounds if f.suffix.lower() not in SUFFIXES or f.stem.lower() not in known]
    twice = [f for same in files.values() if len(same) > 1 for f in same]
    problem = ""
    if strange:
        problem = f"{_join(strange)}: not known as part of a song"
    elif twice:
        problem = f"{_join(twice)}: the same part twice, keep one"
    elif "harmonic" in rest and len(rest) > 1:
        problem = (
            f"{_join(files[stem][0] for stem in rest)}: the harmonic part would be there twice"
        )
    elif "mixture" in files and not rest:
        problem = f"{_join(files['mixture'])}: without its harmonic part a song cannot be mixed"
    if problem:
        raise ValueError(
            f"{problem}. A song's folder holds drums.* and harmonic.*, or drums.* and any of"
            f" {', '.join(_HARMONIC_STEMS[1:])}, as {', '.join(SUFFIXES)}; rename, convert or move"
            " what is named here"
        )
    return Song(name, tuple(files.get("drums", ())), tuple(files[stem][0] for stem in sorted(rest)))


def _join(files: Iterable[Path]) -> str:
    """Some names, at most five."""
    names = [str(f) for f in files]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def read_song(song: Song) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Read a song's two signals at 44.1 kHz, in mono.

    Of unequal files the longest decides and the others end in silence.

    Parameters
    ----------
    song : Song

    Returns
    -------
    percussive, harmonic : ndarray, (n,) float32, or None
        None where the song has no such file.

    Raises
    ------
    ValueError, OSError
        What `audio.load` raises.
    RuntimeError
        For MUSDB18's stems without ffmpeg.

    Examples
    --------
    >>> import tempfile
    >>> drums = Path(tempfile.mkdtemp(), "drums.wav")
    >>> audio.write_wav(drums, np.zeros(22050, np.float32), 22050)
    >>> p, h = read_song(Song("a", (drums,), ()))
    >>> p.shape, h
    ((44100,), None)
    """
    if song.percussive and song.percussive[0].name.endswith(".stem.mp4"):
        return read_stems(song.percussive[0])
    signals = [[audio.load(f) for f in files] for files in (song.percussive, song.harmonic)]
    n = max((len(x) for s in signals for x in s), default=0)
    p, h = (np.sum([audio.fit(x, n) for x in s], axis=0) if s else None for s in signals)
    return p, h


def read_stems(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read percussive and harmonic from a MUSDB18 file through the `musdb` package.

    Its stems are mixture, drums, bass, other, vocals; the last three are summed.

    Parameters
    ----------
    path : Path
        A file *.stem.mp4.

    Returns
    -------
    percussive, harmonic : ndarray, (n,) float32

    Raises
    ------
    RuntimeError
        Without musdb or ffmpeg.
    ValueError
        On a file that is not one of MUSDB18.

    Examples
    --------
    One of MUSDB18's files is needed, which may not be passed on: shown, not run.

    >>> p, h = read_stems(Path("A Classic Education - NightOwl.stem.mp4"))  # doctest: +SKIP
    """
    musdb = import_musdb()
    try:
        stems = musdb.MultiTrack(path=str(path), name=path.stem, is_wav=False).stems  # (5, n, 2)
    except Exception as error:  # whatever ffmpeg or its wrapper says, where that is of any use
        said = error if isinstance(error, (OSError, RuntimeError)) else "damaged, or another film"
        raise ValueError(f"{path} cannot be read as a file of MUSDB18 ({said})") from error
    x = np.asarray(stems, np.float32).mean(axis=2)  # (5, n)
    return x[1], x[2:].sum(axis=0)


def import_musdb():
    """Import musdb, which needs the programs ffmpeg and ffprobe, or say so.

    `musdb.DB(download=True)` fetches seven-second previews of all 150 songs (140 MB) into
    ~/MUSDB18/MUSDB18-7: a folder for `find_songs`. MUSDB18-HQ, in wav files, needs no musdb.

    Returns
    -------
    module

    Raises
    ------
    RuntimeError
        Where it cannot be imported, with what to do.

    Examples
    --------
    ffmpeg is needed on the PATH: shown, not run.

    >>> musdb = import_musdb()  # doctest: +SKIP
    """
    try:
        import musdb
    except Exception as error:  # stempeg raises a bare RuntimeError where ffmpeg is missing
        raise RuntimeError(
            "reading MUSDB18's .stem.mp4 files needs the musdb package and ffmpeg on the PATH"
            f" ({error}). Install ffmpeg, or use MUSDB18-HQ, whose wav files need neither."
        ) from error
    return musdb


# ------------------------------------------------------------------------- one file of samples


@dataclass(frozen=True)
class Signal:
    """One source of one song in the cache: where it lies, and its RMS where it sounds.

    `song` is its number; `start` and `length` are in samples; a sample is the integer in the cache
    times `scale`.

    Examples
    --------
    >>> Signal(song=0, start=0, length=44100, scale=2**-15, rms=0.1).length
    44100
    """

    song: int
    start: int
    length: int
    scale: float
    rms: float


@dataclass(frozen=True)
class Cache:
    """All samples of a training set in one memory-mapped file, and where each signal lies in it.

    Parameters
    ----------
    samples : ndarray, (all,) int16
    signals : dict
        signals[source][group] lists the signals of one source that came from one folder.
    songs : list of str
        Their names; `Signal.song` counts in it.

    Examples
    --------
    >>> one = Signal(song=0, start=1, length=2, scale=0.5, rms=1.0)
    >>> cache = Cache(np.array([9, 2, 4, 9], np.int16), {"percussive": [[one]]}, ["a"])
    >>> cache.read(one, -1, 4).tolist()  # zeros outside
    [0.0, 1.0, 2.0, 0.0]
    """

    samples: np.ndarray  # (all,) int16
    signals: dict[str, list[list[Signal]]]
    songs: list[str]

    def read(self, signal: Signal, start: int, length: int) -> np.ndarray:
        """Samples start, ..., start + length - 1 of a signal, (length,) float32; zeros outside."""
        a, b = max(start, 0), min(start + length, signal.length)
        x = np.zeros(length, np.float32)
        if b > a:
            piece = self.samples[signal.start + a : signal.start + b]
            x[a - start : b - start] = piece * np.float32(signal.scale)
        return x


def loudness(x: np.ndarray) -> float:
    """Measure the RMS of the blocks of 0.1 s that are within 40 dB of the loudest.

    Parameters
    ----------
    x : ndarray, (n,)
        A signal at 44.1 kHz.

    Returns
    -------
    float
        0 for silence.

    Examples
    --------
    The silent half does not count.

    >>> loudness(np.repeat([0.5, 0.0], 44100))
    0.5

    References
    ----------
    Chapter 6.
    """
    block = SAMPLE_RATE // 10
    power = np.array([np.mean(np.square(x[i : i + block])) for i in range(0, len(x), block)])
    if not len(power) or power.max() == 0:
        return 0.0
    return float(np.sqrt(power[power > 1e-4 * power.max()].mean()))


def build_cache(groups: Sequence[Sequence[Song]], out: str | Path) -> Cache:
    """Decode groups of songs, one a folder, into two files in a folder, or reuse these.

    The cache is made anew whenever the list of files, their sizes or their dates change. Silent
    signals are left out.

    Parameters
    ----------
    groups : sequence of sequences of Song
        One for each folder of lessons.
    out : str or Path
        Where samples and index go.

    Returns
    -------
    Cache

    Raises
    ------
    ValueError
        Unless both sources are there.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for stem in ("drums", "harmonic"):
    ...     audio.write_wav(folder / f"{stem}.wav", np.full(44100, 0.5, np.float32), 44100)
    >>> cache = build_cache([find_songs(folder)], folder / "cache")
    >>> [len(group) for source in cache.signals.values() for group in source]
    [1, 1]
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    key = _fingerprint(groups)
    index_path, samples_path = out / "index.json", out / f"samples-{key}.i16"
    if _key_in(index_path) != key or not samples_path.exists():
        for old in out.glob("samples-*.i16"):
            old.unlink()
        index = {"key": key, "songs": [], "signals": {s: [[] for _ in groups] for s in SOURCES}}
        with whole(samples_path) as (draft,), draft.open("wb") as file:
            start = 0
            for g, song in ((g, s) for g, songs in enumerate(groups) for s in songs):
                for source, x in zip(SOURCES, read_song(song), strict=True):
                    if x is None or loudness(x) == 0:
                        continue
                    scale = float(np.abs(x).max()) / 32767
                    file.write(np.round(x / scale).astype(np.int16).tobytes())
                    entry = [len(index["songs"]), start, len(x), scale, loudness(x)]
                    index["signals"][source][g].append(entry)
                    start += len(x)
                index["songs"].append(song.name)
        with whole(index_path) as (draft,):
            draft.write_text(json.dumps(index))
    index = json.loads(index_path.read_text())
    signals = {k: [[Signal(*s) for s in g] for g in index["signals"][k]] for k in SOURCES}
    for source in SOURCES:
        if not any(signals[source]):
            raise ValueError(f"the data hold no {source} sound: training needs both kinds")
    return Cache(np.memmap(samples_path, np.int16, "r"), signals, index["songs"])


def _key_in(index: Path) -> str | None:
    """Of which files a cache's index is; None where it is not there, or damaged."""
    try:
        return json.loads(index.read_text())["key"]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _fingerprint(groups: Sequence[Sequence[Song]]) -> str:
    files = [f for songs in groups for s in songs for f in (*s.percussive, *s.harmonic)]
    facts = (
        [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files],
        [len(songs) for songs in groups],
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


# ------------------------------------------------------------------------------------ mixing


@dataclass(frozen=True)
class Mixing:
    """How two sources are drawn and changed before they are added.

    Parameters
    ----------
    across : float
        Probability that the two come from different songs.
    layer : float
        Probability that a second harmonic signal joins.
    muted : float
        Probability that one of the two is silent.
    speed : float
        Probability of being played faster or slower by up to a quarter, pitch with it; drums of
        another song down to two thirds.
    distort : float
        Probability that the harmonic signal goes through tanh.
    low_pass : float
        Probability of a low-pass from 6 to 18 kHz.
    equalise : float
        Standard deviation of the random equaliser's three terms, in dB.
    level : (float, float) or None
        The mean loudness of percussive and of harmonic, in dB full scale; None: as recorded.
    spread : float
        The loudness's standard deviation, in dB.
    kicks : float
        Probability that synthesised kicks join the drums, in step with the bass. With this and what
        follows the shipped weights have not been trained.
    duck : float
        Probability that the harmonic signal gives way to the kick.
    master : float
        Probability that one compressor and limiter move both.
    rumble : float
        Probability that an offset and a tone below 16 Hz come with the harmonic signal.

    Examples
    --------
    >>> Mixing(speed=0.0).across
    0.7

    References
    ----------
    Chapter 6.
    """

    across: float = 0.7
    layer: float = 0.25
    muted: float = 0.06
    speed: float = 0.5
    distort: float = 0.15
    low_pass: float = 0.15
    equalise: float = 2.5
    level: tuple[float, float] | None = (-23.0, -19.0)
    spread: float = 4.5
    kicks: float = 0.0
    duck: float = 0.0
    master: float = 0.0
    rumble: float = 0.0


# Nothing changed: songs as they were mixed and recorded, as the released code trains on them.
AS_RECORDED = Mixing(
    across=0, layer=0, muted=0, speed=0, distort=0, low_pass=0, equalise=0, level=None, spread=0
)

SPEEDS = ((4, 5), (5, 6), (7, 8), (9, 10), (15, 16), (16, 15), (10, 9), (8, 7), (6, 5), (5, 4))
# For drums apart from their band: sampled bass drums lie at 54 to 86 Hz, those of produced music
# down to 32, and fine bins tell the two apart.
DEEP = ((3, 2), (7, 5), (4, 3), (9, 7))
HIT = 3 * SAMPLE_RATE  # shorter percussive sounds are single strokes
LONGEST = 60 * SAMPLE_RATE  # a longer song is not drawn more often than one of a minute


def draw_batch(
    cache: Cache,
    weights: Sequence[float],
    settings: StftSettings,
    frames: int,
    size: int,
    rng: np.random.Generator,
    mixing: Mixing = Mixing(),
    *,
    projected: bool = False,
):
    """Draw random mixtures and their sources.

    Parameters
    ----------
    cache : Cache
    weights : sequence of float
        How often each group of the cache is drawn.
    settings : StftSettings
        Of the magnitudes.
    frames, size : int
        T, the length of each mixture, and how many of them.
    rng : Generator
        Where everything random comes from.
    mixing : Mixing
        What is done to the sounds.
    projected : bool
        In place of the magnitudes |S| of the two sources, their parts in phase with the mixture,
        max(0, Re(S X*) / |X|): what a real mask on the mixture can give back.

    Returns
    -------
    V, V_p, V_h : Tensor, (size, T, N)

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> cache = Cache(
    ...     np.full(10**5, 1000, np.int16),
    ...     {s: [[Signal(0, 0, 10**5, 2**-15, 0.03)]] for s in SOURCES},
    ...     ["a"],
    ... )
    >>> V, V_p, V_h = draw_batch(cache, [1.0], COMPACT, 60, 2, np.random.default_rng(0))
    >>> V.shape
    torch.Size([2, 60, 1025])

    References
    ----------
    Chapter 6.
    """
    X = draw_spectra(cache, weights, settings, frames, size, rng, mixing)
    return magnitudes(X, projected=projected)


def magnitudes(X, *, projected: bool = False):
    """Take the magnitudes of mixtures and of their sources.

    Parameters
    ----------
    X : Tensor, (B, 3, T, N)
        complex64, as from `draw_spectra`.
    projected : bool
        As in `draw_batch`.

    Returns
    -------
    V, V_p, V_h : Tensor, (B, T, N)

    Examples
    --------
    >>> import torch
    >>> X = torch.tensor([5.0, 4 + 3j, 1 - 3j]).reshape(1, 3, 1, 1)
    >>> [V.item() for V in magnitudes(X, projected=True)]
    [5.0, 4.0, 1.0]

    References
    ----------
    Chapter 6.
    """
    import torch

    V, V_p, V_h = torch.sqrt(X.real.square() + X.imag.square()).unbind(1)  # faster than abs()
    if projected:
        X, P, H = X.unbind(1)
        V_p, V_h = (
            torch.relu((Y.real * X.real + Y.imag * X.imag) / V.clamp(min=1e-12)) for Y in (P, H)
        )
    return V, V_p, V_h


def draw_spectra(
    cache: Cache,
    weights: Sequence[float],
    settings: StftSettings,
    frames: int,
    size: int,
    rng: np.random.Generator,
    mixing: Mixing = Mixing(),
):
    """Draw random mixtures and their sources, with their phases.

    Parameters
    ----------
    cache, weights, settings, frames, size, rng, mixing
        As in `draw_batch`.

    Returns
    -------
    X : Tensor, (size, 3, T, N)
        complex64: of each the mixture and, adding up to it, its percussive and harmonic part.

    Examples
    --------
    >>> from hpss_lib.stft import COMPACT
    >>> signals = {s: [[Signal(0, 0, 10**5, 2**-15, 0.03)]] for s in SOURCES}
    >>> cache = Cache(np.full(10**5, 1000, np.int16), signals, ["a"])
    >>> draw_spectra(cache, [1.0], COMPACT, 60, 2, np.random.default_rng(0)).shape
    torch.Size([2, 3, 60, 1025])

    References
    ----------
    Chapters 6 and 8.
    """
    import torch

    n = (frames - 1) * settings.hop + settings.n_fft
    pairs = np.stack([draw_pair(cache, weights, n, rng, mixing) for _ in range(size)])
    w = torch.from_numpy(analysis_window(settings).astype(np.float32))
    x = torch.from_numpy(pairs).unfold(-1, settings.n_fft, settings.hop)  # (size, 2, frames, n_fft)
    S = torch.fft.rfft(x * w)  # (size, 2, frames, N)
    curves = np.stack([[random_filter(settings.bins, rng, mixing) for _ in SOURCES] for _ in pairs])
    S = S * torch.from_numpy(curves)[:, :, None]
    return torch.cat([S.sum(1, keepdim=True), S], dim=1)


def draw_pair(
    cache: Cache, weights: Sequence[float], n: int, rng: np.random.Generator, mixing: Mixing
) -> np.ndarray:
    """Draw a percussive and a harmonic signal, augmented.

    Parameters
    ----------
    cache, weights, rng, mixing
        As in `draw_batch`.
    n : int
        Samples.

    Returns
    -------
    ndarray, (2, n) float32

    Examples
    --------
    >>> cache = Cache(
    ...     np.full(10**5, 1000, np.int16),
    ...     {s: [[Signal(0, 0, 10**5, 2**-15, 0.03)]] for s in SOURCES},
    ...     ["a"],
    ... )
    >>> draw_pair(cache, [1.0], 5000, np.random.default_rng(0), AS_RECORDED).shape
    (2, 5000)

    References
    ----------
    Chapter 6.
    """
    speeds = [SPEEDS[rng.integers(len(SPEEDS))] if rng.random() < mixing.speed else (1, 1)] * 2
    level = [_spread(db, mixing, rng) for db in mixing.level or (None, None)]  # dB
    first = draw_signal(cache, "percussive", weights, rng)
    second = draw_signal(cache, "harmonic", weights, rng)
    starts = [_draw_start(s, n, rng) for s in (first, second)]
    if rng.random() < mixing.across:  # each its own speed, too
        if speeds[0] != (1, 1) and rng.random() < 0.5:
            speeds[0] = DEEP[rng.integers(len(DEEP))]
        speeds[1] = SPEEDS[rng.integers(len(SPEEDS))] if rng.random() < mixing.speed else (1, 1)
    else:
        partner = _partner(cache, second, "percussive")
        if partner is not None:  # as they were mixed, give or take the spread
            first, starts[0] = partner, starts[1]
            if level[1] is not None:
                ratio = 20 * np.log10(partner.rms / second.rms)
                level[0] = level[1] + ratio + 0.5 * mixing.spread * rng.standard_normal()
    p, h = (
        _play(cache, s, start, n, speed, db, rng)
        for s, start, speed, db in zip((first, second), starts, speeds, level, strict=True)
    )
    if first.length < HIT:  # single strokes: a few of them, anywhere
        for _ in range(rng.integers(5)):
            extra = draw_signal(cache, "percussive", weights, rng, longest=HIT)
            db = _spread(level[0], mixing, rng)
            p = p + _play(cache, extra, _draw_start(extra, n, rng), n, speeds[0], db, rng)
    if rng.random() < mixing.layer:
        extra = draw_signal(cache, "harmonic", weights, rng)
        db = _spread(level[1], mixing, rng)
        h = h + _play(cache, extra, _draw_start(extra, n, rng), n, speeds[1], db, rng)
    return np.stack(treat(p, h, rng, mixing)).astype(np.float32)


def treat(
    p: np.ndarray, h: np.ndarray, rng: np.random.Generator, mixing: Mixing
) -> tuple[np.ndarray, np.ndarray]:
    """Do to two signals, now and then, what studios, muted parts and bad microphones do.

    Parameters
    ----------
    p, h : ndarray, (n,)
        Percussive and harmonic.
    rng : Generator
    mixing : Mixing
        How often each treatment happens.

    Returns
    -------
    p, h : ndarray, (n,)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p, h = treat(np.zeros(100), np.ones(100), rng, AS_RECORDED)
    >>> bool(np.all(p == 0) and np.all(h == 1))  # songs as recorded: nothing
    True

    References
    ----------
    Chapter 6.
    """
    # A treatment of probability 0 draws nothing: a plan without it goes on as it began.
    if rng.random() < mixing.distort:
        h = distort(h, drive=rng.uniform(1, 12))
    if mixing.kicks and rng.random() < mixing.kicks:
        y = kicks.draw_kicks(h, rng)
        aim = (loudness(p) or loudness(h)) * 10 ** (rng.uniform(-3, 6) / 20)  # beside the drums
        p = p + y * (aim / max(loudness(y), 1e-9))
    if mixing.duck and rng.random() < mixing.duck:
        h = kicks.duck(h, p, depth=rng.uniform(0.3, 0.9), release=rng.uniform(0.05, 0.25))
    if mixing.master and rng.random() < mixing.master:
        settings = {"ratio": rng.uniform(1.5, 4), "below_db": rng.uniform(3, 12)}
        settings |= {"attack": rng.uniform(0.003, 0.03), "release": rng.uniform(0.05, 0.3)}
        p, h = kicks.master(p, h, **settings, limit_db=rng.uniform(0, 6))
    if rng.random() < mixing.muted:
        if rng.random() < 0.5:
            p = 0 * p
        else:
            h = 0 * h
    if mixing.rumble and rng.random() < mixing.rumble:
        h = h + kicks.draw_rumble(len(h), rng)
    return p, h


def _spread(db: float | None, mixing: Mixing, rng: np.random.Generator) -> float | None:
    """Move a level in dB at random; one as recorded stays so."""
    return None if db is None else db + mixing.spread * rng.standard_normal()


def draw_signal(
    cache: Cache, source: str, weights: Sequence[float], rng, *, longest: float = np.inf
) -> Signal:
    """Draw a group by its weight, then one of its signals by its length (a minute at most).

    Parameters
    ----------
    cache : Cache
    source : "percussive" or "harmonic"
    weights : sequence of float
        One for each group.
    rng : Generator
    longest : float
        Of the signals, only those of fewer samples.

    Returns
    -------
    Signal

    Raises
    ------
    ValueError
        Where no group with a weight above 0 has such a signal.

    Examples
    --------
    >>> short, long = (Signal(0, 0, n, 1.0, 1.0) for n in (10, 10**6))
    >>> cache = Cache(np.zeros(10**6, np.int16), {"percussive": [[short, long]]}, ["a"])
    >>> draw_signal(cache, "percussive", [1.0], np.random.default_rng(0), longest=100).length
    10
    """
    groups = [[s for s in group if s.length < longest] for group in cache.signals[source]]
    w = np.array([a if group else 0.0 for a, group in zip(weights, groups, strict=True)])
    if w.sum() <= 0:
        raise ValueError(f"no folder with a weight above 0 has any {source} sound")
    group = groups[rng.choice(len(groups), p=w / w.sum())]
    lengths = np.minimum([s.length for s in group], LONGEST)
    return group[rng.choice(len(group), p=lengths / lengths.sum())]


def _partner(cache: Cache, signal: Signal, source: str) -> Signal | None:
    """The other source of the same song, where it has one."""
    same = (s for group in cache.signals[source] for s in group if s.song == signal.song)
    return next(same, None)


def _draw_start(signal: Signal, n: int, rng) -> int:
    """A place to start; a short sound lies anywhere in the n samples."""
    low, high = sorted((0, signal.length - n))
    return int(rng.integers(low, high + 1))


def _play(
    cache: Cache, signal: Signal, start: int, n: int, speed, db: float | None, rng
) -> np.ndarray:
    """Read n samples of a signal at a speed; at a level in dB and a random polarity, if at one."""
    up, down = speed
    x = cache.read(signal, start, -(-n * down // up))
    if up != down:
        from scipy.signal import resample_poly

        x = resample_poly(x, up, down)[:n]
    if db is None:
        return x
    return x * (rng.choice((-1, 1)) * 10 ** (db / 20) / signal.rms)


def distort(x: np.ndarray, *, drive: float) -> np.ndarray:
    """Amplify x by `drive` over its RMS, limit it by tanh, and give it its old RMS back.

    Parameters
    ----------
    x : ndarray, (n,)
        A signal.
    drive : float
        Above 0.

    Returns
    -------
    ndarray, (n,)
        Silence stays as it is.

    Examples
    --------
    >>> distort(np.array([0.1, -0.1, 0.9]), drive=10.0).round(2).tolist()
    [0.52, -0.52, 0.54]

    References
    ----------
    Chapter 6.
    """
    rms = float(np.sqrt(np.mean(np.square(x))))
    if rms == 0:
        return x
    y = np.tanh(x * (drive / rms))
    return y * (rms / float(np.sqrt(np.mean(np.square(y)))))


def random_filter(bins: int, rng: np.random.Generator, mixing: Mixing) -> np.ndarray:
    """Draw the gains of a gentle random equaliser, at times with a low-pass.

    Parameters
    ----------
    bins : int
        From 0 Hz to half the sample rate.
    rng : Generator
        All that is random comes from it.
    mixing : Mixing
        Of it, `equalise` and `low_pass`.

    Returns
    -------
    ndarray, (bins,)
        float32, > 0.

    Examples
    --------
    >>> random_filter(5, np.random.default_rng(0), Mixing(equalise=0.0, low_pass=0.0)).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]

    References
    ----------
    Chapter 6.
    """
    hertz = np.linspace(0, SAMPLE_RATE / 2, bins)
    u = np.log1p(hertz / 100) / np.log1p(hertz[-1] / 100)  # 0..1 along a roughly musical axis
    db = np.zeros(bins)
    for k in (1, 2, 3):
        db += mixing.equalise * rng.standard_normal() * np.cos(k * np.pi * u)
    if rng.random() < mixing.low_pass:
        db = db - 60 * np.clip((hertz - rng.uniform(6e3, 18e3)) / 1e3, 0, 1)
    return (10 ** (db / 20)).astype(np.float32)


def excerpts(
    songs: Sequence[Song], *, seconds: float = 10.0, count: int = 3
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Cut evenly spaced excerpts from each song.

    Excerpts in which one of the two sources is silent are left out: they have no SDR.

    Parameters
    ----------
    songs : sequence of Song
    seconds : float
        Of each excerpt.
    count : int
        Of each song.

    Yields
    ------
    name, percussive, harmonic : str, (n,) float32, (n,) float32

    Examples
    --------
    >>> from hpss_lib.evaluation import list_songs
    >>> rock = [song for song in list_songs("excerpts") if song.name == "rock"]
    >>> [(name, len(p)) for name, p, h in excerpts(rock, seconds=4.0, count=2)]
    [('rock@3.5', 176400), ('rock@7.0', 176400)]
    """
    n = int(seconds * SAMPLE_RATE)
    for song in songs:
        p, h = read_song(song)
        if p is None or h is None:
            continue
        for k in range(count):
            start = max(0, (len(p) - n) * (k + 1) // (count + 1))
            a, b = p[start : start + n], h[start : start + n]
            if loudness(a) > 0 and loudness(b) > 0:
                yield f"{song.name}@{start / SAMPLE_RATE:.1f}", a, b
