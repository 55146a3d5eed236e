"""Rendered songs to learn from: composed, played, treated like recordings, written (chapter 6)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib.songs import effects
from hpss_lib.songs.composing import compose
from hpss_lib.songs.grooves import draw_groove, with_groove
from hpss_lib.songs.instruments import load_library, render_recorded
from hpss_lib.songs.score import Song
from hpss_lib.songs.styles import STYLES
from hpss_lib.songs.synthesis import balance, render_stems
from hpss_lib.stft import SAMPLE_RATE

SOUNDS = ("fluid", "musescore", "recorded")  # two sound fonts, and single recorded notes


def render_song(
    seed: int,
    *,
    seconds: float = 50.0,
    sounds: Sequence[str] = ("fluid", "musescore"),
    instruments: str | Path | None = None,
    grooves: str | Path | None = None,
    style: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compose and render a random song to train on.

    Parameters
    ----------
    seed : int
        The same arguments give the same samples.
    seconds : float
        Length of the stems.
    sounds : sequence of str
        Some of SOUNDS, of which one is drawn. "recorded" needs `instruments`, and takes what no
        recording plays from one of the others (without any, from "fluid").
    instruments : path
        A folder of single recorded notes with an index.json, see `songs.instruments`.
    grooves : path
        A folder of drummers' MIDI files, one of which plays in place of the composed drums, see
        `songs.grooves`.
    style : str
        As for `composing.compose`.

    Returns
    -------
    (ndarray (n,), ndarray (n,))
        Percussive and harmonic stem, float32 at 44.1 kHz; the drums lie -8 to 4 dB from the rest,
        and the mixture's peak is 0.8.

    Raises
    ------
    ValueError
        For an unknown sound or style, or recorded notes without a folder.

    Examples
    --------
    FluidSynth and a sound font are needed, which a reader need not have: shown, not run.

    >>> x_p, x_h = render_song(7, seconds=20.0, sounds=["fluid"])  # doctest: +SKIP
    """
    unknown = set(sounds) - set(SOUNDS)
    if unknown or not sounds:
        raise ValueError(f"sounds must be some of {SOUNDS}, got {tuple(sounds)}")
    if "recorded" in sounds and instruments is None:
        raise ValueError('sound "recorded" needs instruments, a folder with an index.json')
    song = compose(seed, style=style, seconds=seconds)
    if grooves is not None:
        song = with_groove(song, draw_groove(grooves, np.random.default_rng([seed, 3])))
    # A stream of its own, so that the notes of a seed do not depend on how they are rendered.
    rng = np.random.default_rng([seed, 1])
    stems = _treated(*_drawn_stems(song, rng, sounds, instruments), rng)
    n = round(seconds * SAMPLE_RATE)
    x_p, x_h = (np.pad(x[:n], (0, max(0, n - len(x)))) for x in stems)
    return balance(x_p, x_h, percussive_db=float(rng.uniform(-8, 4)), peak=0.8)


def _drawn_stems(
    song: Song, rng: np.random.Generator, sounds: Sequence[str], instruments: str | Path | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Draw what plays a song: its stems (n,), and whether they are recorded notes."""
    sound = sounds[int(rng.integers(len(sounds)))]
    if sound != "recorded" or instruments is None:
        reverb = float(rng.choice([0.0, 0.2, 0.35, 0.6]))
        return *render_stems(song, font=sound, reverb=reverb), False
    fonts = [s for s in sounds if s != "recorded"] or ["fluid"]
    font = fonts[int(rng.integers(len(fonts)))]
    drive = STYLES[song.style].drive
    library = load_library(Path(instruments))
    return *render_recorded(song, library, rng, font=font, drive=drive), True


def _treated(
    x_p: np.ndarray, x_h: np.ndarray, recorded: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put stems through effects, more often where they come from a sound font."""
    if recorded or rng.random() < 0.8:
        x_p = effects.drum_bus(x_p, rng)
    if rng.random() < (0.4 if recorded else 0.8):
        x_h = effects.stem_bus(x_h, rng)
    return x_p, x_h


def write_songs(
    folder: str | Path, seeds: Sequence[int], *, lengths: tuple[float, float] = (40.0, 60.0), **kept
) -> Iterator[tuple[str, float]]:
    """Render songs to FOLDER/song_SEED/drums.flac and harmonic.flac.

    A song that is there already is left alone, and one appears whole or not at all, so a stopped
    run can be resumed, and several may work on the same songs.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    seeds : sequence of int
        One a song.
    lengths : (float, float)
        Range of seconds to draw from.
    **kept
        For `render_song`.

    Yields
    ------
    (str, float)
        Name and seconds of each song that was rendered.

    Examples
    --------
    FluidSynth and a sound font are needed, which a reader need not have: shown, not run.

    >>> written = list(write_songs("lessons", range(100)))  # doctest: +SKIP
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        song = folder / f"song_{seed:05d}"
        if song.is_dir():
            continue
        seconds = round(float(np.random.default_rng([seed, 2]).uniform(*lengths)), 1)
        _write_song(song, render_song(seed, seconds=seconds, **kept))
        yield song.name, seconds


def _write_song(song: Path, stems: tuple[np.ndarray, np.ndarray]) -> None:
    """Write a song's folder, whole or not at all."""
    # Beside the folder, not in it: whoever reads it meanwhile finds finished songs alone.
    place, prefix = song.resolve().parents[1], f".{song.parent.name}-"
    with tempfile.TemporaryDirectory(dir=place, prefix=prefix) as aside:
        unfinished = Path(aside) / song.name
        unfinished.mkdir()
        for role, x in zip(("drums", "harmonic"), stems, strict=True):
            # 16 bits: quantisation lies 90 dB below the peak.
            soundfile.write(unfinished / f"{role}.flac", x, SAMPLE_RATE, subtype="PCM_16")
        try:
            os.replace(unfinished, song)
        except OSError:  # another process, at work on the same songs, was faster
            if not song.is_dir():
                raise
