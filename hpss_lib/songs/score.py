"""Music as written and music as played: the notation of this room, and the notes that come of it.

A `Score` is written: a tempo, a band of `Part`s, and `Section`s of chord symbols, step patterns and
tunes. A `Song` is what `performing` makes of it: `Note`s in seconds.

A pattern is a string with one character a step, the same for every instrument: `.` is silence, `-`
holds what sounds, any other character starts a note. Drums: `X` accent, `x` normal, `o` ghost,
`1`-`9` a rising loudness. Pitched parts: `x`, `X`, `o` the whole chord, `d` and `u` the chord
strummed down or up, `0`-`6` one note of the chord, and for basses `r` root, `3`, `5`, `7`, `8` the
chord's third, fifth, seventh and octave, `a` a step towards the next root.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DRUM_CHANNEL = 9
# General MIDI percussion keys by name.
DRUMS = {
    "kick": 36, "sidestick": 37, "snare": 38, "clap": 39, "hihat": 42, "pedal": 44, "open": 46,
    "tom_low": 43, "tom_mid": 47, "tom_high": 50, "crash": 49, "crash2": 57, "ride": 51,
    "bell": 53, "china": 52, "splash": 55, "tambourine": 54, "cowbell": 56, "cabasa": 69,
    "maracas": 70, "bongo_high": 60, "bongo_low": 61, "conga_mute": 62, "conga": 63,
    "conga_low": 64, "timbale": 65, "timbale_low": 66, "agogo": 67, "agogo_low": 68, "guiro": 73,
    "claves": 75, "block": 76, "block_low": 77, "triangle": 81, "triangle_mute": 80, "tap": 38,
    "swirl": 40, "slap": 39,
}  # fmt: skip
CHORDS = {
    "": (0, 4, 7), "m": (0, 3, 7), "5": (0, 7, 12), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11), "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14), "maj9": (0, 4, 7, 11, 14), "dim": (0, 3, 6), "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10), "sus4": (0, 5, 7), "sus2": (0, 2, 7), "7b9": (0, 4, 7, 10, 13),
}  # fmt: skip
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
LAST_CHORD = 1.25  # seconds that the ending is held

Tune = tuple[tuple[int, int, int], ...]  # notes as (step, steps held, MIDI pitch)


class Note(NamedTuple):
    """One note as played: onset and duration in seconds, MIDI pitch, velocity 1-127, program 0-127.

    On channel 9 the pitch names a drum and the program a kit; `percussive` says which stem it is in
    (a timpani note is percussive though it has a channel of its own).

    Examples
    --------
    >>> Note(0.5, 0.25, 60, 100, 0, 0, False).pitch
    60
    """

    onset: float
    duration: float
    pitch: int
    velocity: int
    program: int
    channel: int
    percussive: bool


@dataclass(frozen=True)
class Part:
    """An instrument of a band: programs to draw from, range, level 0-1, manner of playing.

    Examples
    --------
    >>> Part((33,), low=28, high=43).voices
    4
    """

    programs: tuple[int, ...]
    low: int = 48
    high: int = 72
    lines: tuple[str, ...] = ()  # patterns to draw from; "melody" improvises a tune
    level: float = 0.8
    chance: float = 1.0  # that a random song has this part at all
    voices: int = 4  # notes of a chord
    length: float = 0.95  # sounding part of the written duration
    vibrato: float = 0.0  # 0-1, grows in while a note is held
    swell: float = 0.0  # 0-1, how far a held note starts below its level
    power: bool = False  # chords as root, fifth and octave
    percussive: bool = False


@dataclass(frozen=True)
class Section:
    """Some bars that share a texture: chord symbols, drum patterns, and a line for each part.

    Examples
    --------
    >>> Section(4, "C|F").chords
    'C|F'
    """

    bars: int
    chords: str  # bars divided by "|", repeated as needed; chords of one bar by spaces
    drums: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, str | Tune] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)  # replaces the last bar's drums
    crash: bool = False  # on the first beat
    dynamics: tuple[float, float] = (0.9, 0.9)  # loudness 0-1 at the first and last step


@dataclass(frozen=True)
class Score:
    """Music as written; `tempo` in beats a minute, `steps` a bar, `key` in semitones.

    Examples
    --------
    >>> Score("rock", 120.0, {}, (Section(1, "C"),)).beats
    (0.0, 0.5, 1.0, 1.5, 2.0)
    """

    style: str
    tempo: float
    parts: Mapping[str, Part]
    sections: tuple[Section, ...]
    steps: int = 16
    beat: int = 4
    swing: float = 0.5  # where the off-beat falls between two beats: 0.5 straight, 0.67 triplets
    swing_unit: int = 2  # steps: 2 swings eighths, 1 sixteenths
    key: int = 0
    kit: int = 0
    human: float = 0.006  # standard deviation of onsets, seconds
    ending: str = "C"  # chord held at the end; "" for none

    @property
    def length(self) -> int:
        """Steps of all sections together; the ending comes after them."""
        return self.steps * sum(section.bars for section in self.sections)

    @property
    def beats(self) -> tuple[float, ...]:
        """Times of the beats in seconds, the one on which the music ends included.

        The beat as written: the players lean on it a little, by `human` at most a few times over.
        """
        return tuple(step_time(step, self) for step in range(0, self.length + 1, self.beat))

    @property
    def chords(self) -> tuple[tuple[float, float, str], ...]:
        """Chords over time as written: (start, end, symbol), in seconds, gapless, in sounding key.

        A chord that goes on over bars or sections is one entry; symbols are those of CHORDS.
        """
        symbols = [c for section in self.sections for c in chords_by_step(section, self.steps)]
        changes = [k for k, c in enumerate(symbols) if k == 0 or c != symbols[k - 1]]
        times = [step_time(step, self) for step in (*changes, self.length)]
        spans = list(zip(times, times[1:], (symbols[k] for k in changes), strict=False))
        if self.ending:
            spans.append((times[-1], times[-1] + LAST_CHORD, self.ending))
        return tuple((start, end, transpose(symbol, self.key)) for start, end, symbol in spans)


@dataclass(frozen=True)
class Song:
    """Music as played: notes in order of onset, length in seconds, parts by channel.

    Examples
    --------
    >>> Song("rock", (), 2.0, 120.0, {}).seconds
    2.0
    """

    style: str
    notes: tuple[Note, ...]
    seconds: float
    tempo: float
    parts: Mapping[int, Part]


def pitch_number(name: str) -> int:
    """Return the MIDI number of a note's name.

    Parameters
    ----------
    name : str
        A letter A-G, any number of # or b, and an octave: `C4`, `F#3`, `Bb5`.

    Returns
    -------
    int
        60 for C4, one more a semitone.

    Raises
    ------
    ValueError
        If it is no such name.

    Examples
    --------
    >>> pitch_number("C4"), pitch_number("F#3"), pitch_number("Bb5")
    (60, 54, 82)
    """
    match = re.fullmatch(r"([A-G])([#b]*)(-?\d+)", name)
    if not match:
        raise ValueError(
            f"{name!r} is no note: give a letter A-G, # or b, and an octave, as in F#3"
        )
    letter, accidentals, octave = match.groups()
    shift = accidentals.count("#") - accidentals.count("b")
    return 12 * (int(octave) + 1) + LETTERS[letter] + shift


def split_chord(symbol: str) -> tuple[int, str]:
    """Split a chord symbol into its root and its quality.

    Parameters
    ----------
    symbol : str
        A root A-G with # or b, then a key of CHORDS: `C`, `F#m7`, `Bbmaj9`.

    Returns
    -------
    (int, str)
        The root's pitch class, 0 (C) to 11 (B), and the key of CHORDS.

    Raises
    ------
    ValueError
        If it is no such symbol.

    Examples
    --------
    >>> split_chord("Bbmaj9")
    (10, 'maj9')
    """
    match = re.fullmatch(r"([A-G])([#b]?)(.*)", symbol)
    if not match or match.group(3) not in CHORDS:
        raise ValueError(f"{symbol!r} is no chord: a root A-G with # or b, then one of {[*CHORDS]}")
    letter, accidental, quality = match.groups()
    return (LETTERS[letter] + {"": 0, "#": 1, "b": -1}[accidental]) % 12, quality


def parse_chord(symbol: str) -> tuple[int, tuple[int, ...]]:
    """Return what a chord symbol means, as notes.

    Parameters
    ----------
    symbol : str
        As for `split_chord`, which says what is raised.

    Returns
    -------
    (int, tuple of int)
        The root's pitch class 0-11 (C = 0), and the chord's intervals above it in semitones.

    Examples
    --------
    >>> parse_chord("F#m7")
    (6, (0, 3, 7, 10))
    """
    root, quality = split_chord(symbol)
    return root, CHORDS[quality]


def transpose(symbol: str, semitones: int) -> str:
    """Return the symbol of a chord moved by some semitones; by none, the symbol as it was.

    Examples
    --------
    >>> transpose("Am7", 3)
    'Cm7'
    """
    if semitones % 12 == 0:
        return symbol
    root, quality = split_chord(symbol)
    return ROOTS[(root + semitones) % 12] + quality


def tune(text: str) -> Tune:
    """Read a tune.

    Parameters
    ----------
    text : str
        Names of notes and the steps they last, such as `"E4:4 .:2 G4:2"`; `.` is a rest.

    Returns
    -------
    tuple of (int, int, int)
        (step, steps, MIDI pitch) of each note.

    Examples
    --------
    >>> tune("E4:4 .:2 G4:2")
    ((0, 4, 64), (6, 2, 67))
    """
    notes, step = [], 0
    for token in text.split():
        name, _, length = token.partition(":")
        if name != ".":
            notes.append((step, int(length), pitch_number(name)))
        step += int(length)
    return tuple(notes)


def onsets_of(pattern: str) -> list[tuple[int, int, str]]:
    """List a pattern's notes as (step, steps held, character).

    Examples
    --------
    >>> onsets_of("x--.o.x-")
    [(0, 3, 'x'), (4, 1, 'o'), (6, 2, 'x')]
    """
    return [
        (match.start(), match.end() - match.start(), match.group()[0])
        for match in re.finditer(r"[^.\-]-*", pattern)
    ]


def chords_by_step(section: Section, steps: int) -> list[str]:
    """Return the chord symbol in force at every step of a section whose bars have `steps` steps.

    Examples
    --------
    >>> chords_by_step(Section(2, "C F|G"), 4)
    ['C', 'C', 'F', 'F', 'G', 'G', 'G', 'G']
    """
    bars = [bar.split() for bar in section.chords.split("|")]
    return [
        bar[step * len(bar) // steps]
        for b in range(section.bars)
        for bar in [bars[b % len(bars)]]
        for step in range(steps)
    ]


def step_time(step: float, score: Score) -> float:
    """Return when a step sounds.

    Parameters
    ----------
    step : float
        Counted from the beginning of the score; between two steps, time runs evenly.
    score : Score
        For its tempo and its swing, which moves every second unit of steps later.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    Eighths in triplets: the second of a pair comes late.

    >>> swung = Score("jazz", 60.0, {}, (Section(1, "C"),), swing=0.67)
    >>> [round(step_time(step, swung), 2) for step in (0, 2, 4)]
    [0.0, 0.67, 1.0]
    """
    pair = 2 * score.swing_unit
    whole, within = divmod(step, pair)
    first = within / pair < 0.5
    share = (
        within / pair * 2 * score.swing
        if first
        else (score.swing + (within / pair - 0.5) * 2 * (1 - score.swing))
    )
    return (whole + share) * pair * 60 / (score.tempo * score.beat)
