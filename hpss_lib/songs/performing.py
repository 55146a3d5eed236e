"""From a score to a song: chords voiced, patterns played, with human timing and loudness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hpss_lib.songs.score import (
    DRUM_CHANNEL,
    DRUMS,
    LAST_CHORD,
    Note,
    Part,
    Score,
    Section,
    Song,
    Tune,
    chords_by_step,
    onsets_of,
    parse_chord,
    step_time,
)

LOUDNESS = {"X": 1.0, "x": 0.8, "o": 0.45} | {str(k): 0.2 + 0.085 * k for k in range(1, 10)}
TRIAD_NOTES = {"r": 0, "3": 1, "5": 2, "7": 3}
FADE = 3.2  # seconds after the ending begins
SHORTEST = 0.03  # seconds


class Stroke(NamedTuple):
    """One note as written: when in steps, how many it is held, MIDI pitch, loudness 0-1.

    Examples
    --------
    >>> Stroke(0.0, 4.0, 60, 0.8).pitch
    60
    """

    step: float
    held: float
    pitch: int
    loudness: float


class Player(NamedTuple):
    """Who plays: a part, its channel, and how far it leans on the beat, in seconds.

    Examples
    --------
    >>> Player(Part((33,)), channel=1, lean=0.01).channel
    1
    """

    part: Part
    channel: int
    lean: float


# --- Lines to strokes ----------------------------------------------------------------------------


def voice_chord(
    root: int,
    intervals: Sequence[int],
    previous: Sequence[int],
    *,
    low: int,
    high: int,
    voices: int,
) -> tuple[int, ...]:
    """Place a chord so that its voices move least from the previous chord (voice leading).

    Parameters
    ----------
    root : int
        Pitch class, 0 (C) to 11 (B).
    intervals : sequence of int
        Of the chord above its root, in semitones.
    previous : sequence of int
        MIDI pitches of the chord before; empty at the start.
    low, high : int
        The lowest voice lies in low..high and less than an octave above low; none lies above high.
    voices : int
        How many notes to place, fewer where the range is too small.

    Returns
    -------
    tuple of int
        Rising MIDI pitches.

    Examples
    --------
    From C major to F major the C stays:

    >>> voice_chord(5, (0, 4, 7), (60, 64, 67), low=55, high=72, voices=3)
    (60, 65, 69)
    """
    classes = sorted({(root + i) % 12 for i in intervals})
    aim = np.mean(previous) if len(previous) else (low + high) / 2
    best: tuple[int, ...] = ()
    best_cost = np.inf
    for bottom in range(low, min(low + 12, high) + 1):
        if bottom % 12 not in classes:
            continue
        # Close position from this bottom note upward, then drop whatever leaves the range.
        stack = [p for p in range(bottom, bottom + 36) if p % 12 in classes][:voices]
        stack = [p for p in stack if p <= high] or stack[:1]
        cost = abs(np.mean(stack) - aim) + 2 * (voices - len(stack))
        if cost < best_cost:
            best, best_cost = tuple(stack), float(cost)
    return best


def _bass_pitch(character: str, chord: str, following: str, key: int, low: int) -> int:
    """Return the pitch of one bass character over a chord, in the octave above `low`."""
    root, intervals = parse_chord(chord)
    base = low + (root + key - low) % 12
    if character == "8":
        return base + 12
    if character == "a":
        target = low + (parse_chord(following)[0] + key - low) % 12
        return target + (1 if target < base else -1)
    index = TRIAD_NOTES[character]
    return base + (intervals[index] if index < len(intervals) else 12)


def _voicing(part: Part, chord: str, key: int, previous: Sequence[int]) -> tuple[int, ...]:
    """Return the pitches of a chord on a part's instrument."""
    root, intervals = parse_chord(chord)
    root = (root + key) % 12
    if part.power:
        base = part.low + (root - part.low) % 12
        return base, base + 7, base + 12
    return voice_chord(root, intervals, previous, low=part.low, high=part.high, voices=part.voices)


def _strum(character: str, step: int, held: int, voicing: Sequence[int]) -> Iterator[Stroke]:
    """Yield the notes of a chord, or the one that a digit names."""
    if character.isdigit():
        octave, index = divmod(int(character), len(voicing))
        yield Stroke(step, held, voicing[index] + 12 * octave, 0.8)
        return
    loudness = LOUDNESS.get(character, 0.8)
    gap = 0.11 if character in "du" else 0.02  # steps between the strings of a strum
    for k, pitch in enumerate(voicing if character == "d" else voicing[::-1]):
        yield Stroke(step + gap * k, held - gap * k, pitch, loudness * (1 - 0.04 * k))


def _play_line(part: Part, line: str, chords: Sequence[str], key: int) -> Iterator[Stroke]:
    """Yield a part's pattern, repeated over a section's chords (one symbol a step)."""
    bass = part.high <= 52 and set(line) <= set("r3578a.-")
    voicing, voiced = (), ""
    for step, held, character in onsets_of(_repeated(line, len(chords))):
        chord = chords[step]
        if bass or character == "r":
            following = chords[(step + held) % len(chords)]
            pitch = _bass_pitch(character, chord, following, key, part.low)
            yield Stroke(step, held, pitch, 0.9)
            continue
        if chord != voiced:
            voicing, voiced = _voicing(part, chord, key, voicing), chord
        yield from _strum(character, step, held, voicing)


def _play_tune(line: Tune, key: int, length: int, steps: int) -> Iterator[Stroke]:
    """Yield a tune transposed, repeated in whole bars of `steps` up to a length."""
    period = max((step + held for step, held, _ in line), default=length)
    for start in range(0, length, -(-period // steps) * steps):
        for step, held, pitch in line:
            if start + step < length:
                yield Stroke(start + step, min(held, length - start - step), pitch + key, 0.85)


def _repeated(pattern: str, length: int) -> str:
    """Return a pattern over and over, cut to a length."""
    return (pattern * (length // len(pattern) + 1))[:length]


def _play_drums(section: Section, steps: int) -> Iterator[Stroke]:
    """Yield a section's drums: the groove, a crash, and the fill in the last bar."""
    unknown = (set(section.drums) | set(section.fill)) - set(DRUMS)
    if unknown:
        raise ValueError(f"no drum is named {sorted(unknown)}; known are {sorted(DRUMS)}")
    length = section.bars * steps
    # A fill takes the kit over from its first stroke; the kick goes on under it.
    begin = length
    if section.fill:
        begin = length - steps + min(onsets_of(p)[0][0] for p in section.fill.values())
    if section.crash:
        yield Stroke(0, 1, DRUMS["crash"], 0.9)
    for drum, pattern in section.drums.items():
        for step, _, character in onsets_of(_repeated(pattern, length)):
            covered = step >= begin and drum != "kick"
            replaced = section.crash and step == 0 and drum in ("hihat", "ride", "open")
            if not covered and not replaced:
                yield Stroke(step, 1, DRUMS[drum], LOUDNESS[character])
    for drum, pattern in section.fill.items():
        for step, _, character in onsets_of(pattern):
            yield Stroke(length - steps + step, 1, DRUMS[drum], LOUDNESS[character])


# --- Strokes to notes ----------------------------------------------------------------------------


def _played(score: Score) -> Iterator[tuple[str | None, Stroke]]:
    """Yield all strokes of a score, each with its player's name (None: the drummer)."""
    start = 0
    for section in score.sections:
        length = section.bars * score.steps
        soft, loud = section.dynamics
        for name, stroke in _played_section(score, section):
            level = soft + (loud - soft) * stroke.step / length
            yield name, stroke._replace(step=start + stroke.step, loudness=stroke.loudness * level)
        start += length
    if score.ending:
        yield from _played_ending(score)


def _played_section(score: Score, section: Section) -> Iterator[tuple[str | None, Stroke]]:
    """Yield one section's strokes, counted from its first step, at full loudness."""
    unknown = set(section.lines) - set(score.parts)
    if unknown:
        raise ValueError(f"no part is named {sorted(unknown)}; the score has {[*score.parts]}")
    chords = chords_by_step(section, score.steps)
    for name, line in section.lines.items():
        if isinstance(line, str):
            strokes = _play_line(score.parts[name], line, chords, score.key)
        else:
            strokes = _play_tune(line, score.key, len(chords), score.steps)
        yield from ((name, stroke) for stroke in strokes)
    yield from ((None, stroke) for stroke in _play_drums(section, score.steps))


def _played_ending(score: Score) -> Iterator[tuple[str | None, Stroke]]:
    """Yield the last chord, held by those who played the last section."""
    last, start = score.sections[-1], score.length
    held = LAST_CHORD * score.beat * score.tempo / 60
    for name in last.lines:
        part = score.parts[name]
        line = "r" if part.high <= 52 and not part.power else "x"
        for stroke in _play_line(part, line, [score.ending], score.key):
            yield name, Stroke(start, held, stroke.pitch, 0.85 * stroke.loudness * last.dynamics[1])
    if last.drums:
        yield None, Stroke(start, 1, DRUMS["kick"], 0.8 * last.dynamics[1])
        if last.crash or last.fill:
            yield None, Stroke(start, 1, DRUMS["crash"], 0.65 * last.dynamics[1])


def _players(score: Score, rng: np.random.Generator) -> dict[str | None, Player]:
    """Give every part a channel and a lean of its own; the drummer's name is None."""
    channels = [c for c in range(16) if c != DRUM_CHANNEL]
    if len(score.parts) > len(channels):
        raise ValueError(
            f"{len(score.parts)} parts given; a MIDI song holds at most {len(channels)}"
        )
    drummer = Part((score.kit,), level=1.0, length=1.0, percussive=True)
    seats = zip([*score.parts, None], [*channels[: len(score.parts)], DRUM_CHANNEL], strict=True)
    return {
        name: Player(
            score.parts[name] if name is not None else drummer,
            channel,
            rng.normal(0, 0.5 * score.human),
        )
        for name, channel in seats
    }


def _humanised(stroke: Stroke, player: Player, score: Score, rng: np.random.Generator) -> Note:
    """Turn a stroke into a note, not quite in time and not quite as loud as written."""
    part = player.part
    step = stroke.step
    accent = 1.0 if step % score.steps == 0 else 0.95 if step % score.beat == 0 else 0.88
    onset = step_time(step, score) + player.lean + rng.normal(0, score.human)
    end = step_time(step + stroke.held * part.length, score)
    velocity = 122 * stroke.loudness * accent * part.level**0.5
    velocity += rng.normal(0, 4 + 300 * score.human)
    onset = max(onset, 0.0)
    return Note(
        onset=round(onset, 4),
        duration=round(max(end - onset, SHORTEST), 4),
        pitch=int(stroke.pitch),
        velocity=int(np.clip(velocity, 8, 127)),
        program=part.programs[0],
        channel=player.channel,
        percussive=part.percussive,
    )


def without_overlaps(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Sort notes by onset and end each before the same pitch of its channel sounds again.

    Examples
    --------
    >>> first, again = (Note(t, 2.0, 60, 100, 0, 0, False) for t in (0.0, 1.0))
    >>> [note.duration <= 1 for note in without_overlaps([again, first])]
    [True, False]
    """
    ordered = sorted(notes, key=lambda n: (n.onset, n.channel, n.pitch))
    kept: list[Note] = []
    latest: dict[tuple[int, int], int] = {}
    for note in ordered:
        where = (note.channel, note.pitch)
        if where in latest:
            earlier = kept[latest[where]]
            gap = note.onset - earlier.onset
            if gap < 0.01:  # struck twice at once: one stroke
                continue
            if earlier.duration > gap:
                kept[latest[where]] = earlier._replace(duration=gap)
        latest[where] = len(kept)
        kept.append(note)
    return tuple(kept)


def cut(notes: Sequence[Note], seconds: float) -> tuple[Note, ...]:
    """Return the notes that begin before a time, none of them lasting beyond it.

    Examples
    --------
    >>> [note.duration for note in cut([Note(0.0, 2.0, 60, 100, 0, 0, False)], 1.5)]
    [1.5]
    """
    return tuple(
        n._replace(duration=round(min(n.duration, seconds - n.onset), 4))
        for n in notes
        if n.onset < seconds - SHORTEST
    )


def perform(score: Score, seed: int | np.random.Generator) -> Song:
    """Play a score: notes in seconds with swing, accents, and human timing and loudness.

    Parameters
    ----------
    score : Score
        What to play.
    seed : int or Generator
        The same seed gives the same notes.

    Returns
    -------
    Song
        Its length is that of the sections, and where there is an ending, FADE seconds more.

    Raises
    ------
    ValueError
        For an unknown chord, drum or part, or more than 15 parts.

    Examples
    --------
    >>> from hpss_lib.songs.composing import draw_score
    >>> score = draw_score(3, style="rock", seconds=20.0)
    >>> perform(score, 0) == perform(score, 0)
    True
    """
    rng = np.random.default_rng(seed)
    players = _players(score, rng)
    notes = [_humanised(stroke, players[name], score, rng) for name, stroke in _played(score)]
    seconds = step_time(score.length, score) + (FADE if score.ending else 0.0)
    return Song(
        style=score.style,
        notes=cut(without_overlaps(notes), seconds),
        seconds=round(seconds, 4),
        tempo=score.tempo,
        parts={player.channel: player.part for name, player in players.items() if name is not None},
    )
