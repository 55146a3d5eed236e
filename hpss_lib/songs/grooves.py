"""Drums as people played them: MIDI files of grooves in place of composed drums (chapter 6).

Meant for the Groove MIDI Dataset (Gillick, Roberts, Engel, Eck, Bamman 2019, CC BY 4.0): the notes
of an electronic kit, with a drummer's timing, velocities and fills.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hpss_lib.songs.score import DRUM_CHANNEL, Note, Song

# Zones of an electronic kit that General MIDI knows by other keys: rims, edges, toms, cymbals.
KEYS = {40: 38, 48: 50, 45: 47, 58: 43, 26: 46, 22: 42, 55: 49, 52: 57, 59: 51}
BAR = 4  # beats
STROKE = 0.1  # seconds that a stroke's note is written as


class Hit(NamedTuple):
    """One stroke of a groove: when, in beats from its start, on which key, how hard (1-127).

    Examples
    --------
    >>> Hit(beat=1.0, pitch=38, velocity=100).pitch
    38
    """

    beat: float
    pitch: int
    velocity: int


def read_groove(path: str | Path) -> tuple[Hit, ...]:
    """Read the strokes of a MIDI file, in order.

    Parameters
    ----------
    path : path
        A standard MIDI file of drums, in ticks a beat; its tempo is not looked at.

    Returns
    -------
    tuple of Hit
        Keys as General MIDI has them.

    Raises
    ------
    ValueError
        For a file that is no such MIDI file, or cut short.

    Examples
    --------
    >>> import tempfile
    >>> from hpss_lib.songs.composing import compose
    >>> from hpss_lib.songs.synthesis import midi_bytes
    >>> path = Path(tempfile.mkdtemp(), "beat.mid")
    >>> _ = path.write_bytes(midi_bytes(compose(1, style="rock", seconds=8.0), percussive=True))
    >>> 36 in {hit.pitch for hit in read_groove(path)}  # the bass drum
    True
    """
    raw = Path(path).read_bytes()
    division = int.from_bytes(raw[12:14], "big")
    if raw[:4] != b"MThd" or not 0 < division < 0x8000:
        raise ValueError(f"{path} is no standard MIDI file with ticks a beat")
    hits, at = [], 14
    try:
        while at < len(raw):
            size = int.from_bytes(raw[at + 4 : at + 8], "big")
            track = raw[at + 8 : at + 8 + size]
            if len(track) < size or not size:
                raise IndexError
            if raw[at : at + 4] == b"MTrk":
                for tick, status, key, velocity in _channel_events(track):
                    if status >> 4 == 9 and velocity:  # a note that begins
                        hits.append(Hit(tick / division, KEYS.get(key, key), velocity))
            at += 8 + size
    except IndexError as error:
        raise ValueError(f"{path} is cut short") from error
    return tuple(sorted(hits))


def _channel_events(track: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the messages with two bytes of data in a track: tick, status, and these."""
    at = tick = status = 0
    while at < len(track):
        delay, at = _number(track, at)
        tick += delay
        if track[at] & 0x80:  # else the status before goes on
            status, at = track[at], at + 1
        if status >= 0xF0:  # a system message or a remark: its length, then as many bytes
            size, at = _number(track, at + (status == 0xFF))
            at += size
        elif status >> 4 in (0xC, 0xD):  # one byte of data
            at += 1
        else:
            yield tick, status, track[at], track[at + 1]
            at += 2


def _number(track: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length, seven bits a byte: it, and where it ends."""
    number = 0
    while True:
        number, at = (number << 7) | (track[at] & 0x7F), at + 1
        if not track[at - 1] & 0x80:
            return number, at


def with_groove(song: Song, groove: tuple[Hit, ...]) -> Song:
    """Let a groove take the place of a song's drums, at its tempo, over and over in whole bars.

    Parameters
    ----------
    song : Song
        As composed.
    groove : tuple of Hit
        As of `read_groove`; an empty one leaves the song as it is.

    Returns
    -------
    Song
        The same but for what its kit plays; a timpani's notes stay.

    Examples
    --------
    >>> from hpss_lib.songs.composing import compose
    >>> song = with_groove(compose(1, style="rock", seconds=8.0), (Hit(0.0, 36, 100),))
    >>> {note.pitch for note in song.notes if note.percussive}
    {36}
    """
    if not groove:
        return song
    second = song.tempo / 60  # in beats
    period = BAR * (int(groove[-1].beat) // BAR + 1)
    kept = [n for n in song.notes if n.channel != DRUM_CHANNEL]
    end = song.seconds - STROKE
    struck = [
        Note(onset, STROKE, hit.pitch, hit.velocity, 0, DRUM_CHANNEL, True)
        for start in range(0, int(song.seconds * second) + 1, period)
        for hit in groove
        if (onset := round((start + hit.beat) / second, 4)) < end
    ]
    return replace(song, notes=tuple(sorted((*kept, *struck))))


def draw_groove(folder: str | Path, rng: np.random.Generator) -> tuple[Hit, ...]:
    """Draw one of a folder's grooves in four-four time (fills and other times are left out).

    Parameters
    ----------
    folder : path
        Of files whose names end in beat_4-4.mid, as the Groove MIDI Dataset's do.
    rng : Generator
        All that is random comes from it.

    Returns
    -------
    tuple of Hit

    Raises
    ------
    FileNotFoundError
        Where there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from hpss_lib.songs.composing import compose
    >>> from hpss_lib.songs.synthesis import midi_bytes
    >>> path = Path(tempfile.mkdtemp(), "1_rock_120_beat_4-4.mid")
    >>> _ = path.write_bytes(midi_bytes(compose(1, style="rock", seconds=8.0), percussive=True))
    >>> draw_groove(path.parent, np.random.default_rng(0)) == read_groove(path)
    True
    """
    files = sorted(Path(folder).rglob("*beat_4-4.mid"))
    if not files:
        raise FileNotFoundError(f"no *beat_4-4.mid below {folder}")
    return read_groove(files[int(rng.integers(len(files)))])
