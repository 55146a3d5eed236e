"""Random songs as notes: scores drawn from a seed, performed with human timing (index, chapter 6).

A `Score` is music as written (sections, chord symbols, step patterns, tunes), a `Song` is music as
played (notes in seconds). `compose` draws the one and performs it; `hpss_lib.songs.synthesis`
gives it sound. The styles are data, in `hpss_lib.songs.styles`.

A pattern is a string with one character a step, the same for every instrument: `.` is silence, `-`
holds what sounds, any other character starts a note. Drums: `X` accent, `x` normal, `o` ghost,
`1`-`9` a rising loudness. Pitched parts: `x`, `X`, `o` the whole chord, `d` and `u` the chord
strummed down or up, `0`-`6` one note of the chord, and for basses `r` root, `3`, `5`, `7`, `8` the
chord's third, fifth, seventh and octave, `a` a step towards the next root.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

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
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "blues": (0, 3, 5, 6, 7, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10), "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}  # fmt: skip
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
LOUDNESS = {"X": 1.0, "x": 0.8, "o": 0.45} | {str(k): 0.2 + 0.085 * k for k in range(1, 10)}
TRIAD_NOTES = {"r": 0, "3": 1, "5": 2, "7": 3}


class Note(NamedTuple):
    """One note as played: onset and duration in seconds, MIDI pitch, velocity 1-127, program 0-127.

    On channel 9 the pitch names a drum and the program a kit; `percussive` says which stem it is in
    (a timpani note is percussive though it has a channel of its own).
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
    """An instrument of a band: programs to draw from, range, level 0-1, manner of playing."""

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
    """Some bars that share a texture: chord symbols, drum patterns, and a line for each part."""

    bars: int
    chords: str  # bars divided by "|", repeated as needed; chords of one bar by spaces
    drums: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, str | tuple[tuple[int, int, int], ...]] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)  # replaces the last bar's drums
    crash: bool = False  # on the first beat
    dynamics: tuple[float, float] = (0.9, 0.9)  # loudness 0-1 at the first and last step


@dataclass(frozen=True)
class Score:
    """Music as written; `tempo` in beats a minute, `steps` a bar, `key` in semitones."""

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


@dataclass(frozen=True)
class Song:
    """Music as played: notes in order of onset, length in seconds, times of the beats."""

    style: str
    notes: tuple[Note, ...]
    seconds: float
    tempo: float
    beats: tuple[float, ...]
    parts: Mapping[int, Part]  # by channel


def pitch_number(name: str) -> int:
    """Return the MIDI number of a note's name such as `C4` (60), `F#3` or `Bb5`."""
    match = re.fullmatch(r"([A-G])([#b]*)(-?\d+)", name)
    if not match:
        raise ValueError(
            f"{name!r} is no note: give a letter A-G, # or b, and an octave, as in F#3"
        )
    letter, accidentals, octave = match.groups()
    shift = accidentals.count("#") - accidentals.count("b")
    return 12 * (int(octave) + 1) + LETTERS[letter] + shift


def parse_chord(symbol: str) -> tuple[int, tuple[int, ...]]:
    """Return the root (0-11, C = 0) and the intervals in semitones of a symbol such as `F#m7`."""
    match = re.fullmatch(r"([A-G])([#b]?)(.*)", symbol)
    if not match or match.group(3) not in CHORDS:
        raise ValueError(f"{symbol!r} is no chord: a root A-G with # or b, then one of {[*CHORDS]}")
    letter, accidental, quality = match.groups()
    root = LETTERS[letter] + {"": 0, "#": 1, "b": -1}[accidental]
    return root % 12, CHORDS[quality]


def tune(text: str) -> tuple[tuple[int, int, int], ...]:
    """Turn `"E4:4 .:2 G4:2"` into triples (step, steps, MIDI pitch); `.` is a rest."""
    notes, step = [], 0
    for token in text.split():
        name, _, length = token.partition(":")
        if name != ".":
            notes.append((step, int(length), pitch_number(name)))
        step += int(length)
    return tuple(notes)


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

    root 0-11, intervals in semitones, previous the MIDI pitches before (empty at the start), the
    lowest voice within low..high; returns `voices` rising MIDI pitches.
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


def step_time(step: float, score: Score) -> float:
    """Return when a step sounds, in seconds: swing moves every second unit of steps later."""
    pair = 2 * score.swing_unit
    whole, within = divmod(step, pair)
    first = within / pair < 0.5
    share = (
        within / pair * 2 * score.swing
        if first
        else (score.swing + (within / pair - 0.5) * 2 * (1 - score.swing))
    )
    return (whole + share) * pair * 60 / (score.tempo * score.beat)


def onsets_of(pattern: str) -> list[tuple[int, int, str]]:
    """List a pattern's notes as (step, steps held, character)."""
    return [
        (match.start(), match.end() - match.start(), match.group()[0])
        for match in re.finditer(r"[^.\-]-*", pattern)
    ]


def _chords_by_step(section: Section, steps: int) -> list[str]:
    """Return the chord symbol in force at every step of a section."""
    bars = [bar.split() for bar in section.chords.split("|")]
    return [
        bar[step * len(bar) // steps]
        for b in range(section.bars)
        for bar in [bars[b % len(bars)]]
        for step in range(steps)
    ]


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


def _play_line(
    part: Part, line: str, chords: Sequence[str], key: int
) -> list[tuple[float, float, int, float]]:
    """Turn a part's pattern into (step, steps, pitch, loudness 0-1) over a section's chords."""
    is_bass = part.high <= 52 and set(line) <= set("r3578a.-")
    repeated = (line * (len(chords) // len(line) + 1))[: len(chords)]
    events, voicing, last = [], (), ""
    for step, held, character in onsets_of(repeated):
        chord = chords[step]
        if is_bass or character == "r":
            after = (
                chords[min(step + held, len(chords) - 1)]
                if step + held < len(chords)
                else (chords[0])
            )
            pitch = _bass_pitch(character, chord, after, key, part.low)
            events.append((step, held, pitch, 0.9))
            continue
        if chord != last:
            root, intervals = parse_chord(chord)
            root = (root + key) % 12
            if part.power:
                base = part.low + (root - part.low) % 12
                voicing = (base, base + 7, base + 12)
            else:
                voicing = voice_chord(
                    root, intervals, voicing, low=part.low, high=part.high, voices=part.voices
                )
            last = chord
        if character.isdigit():
            octave, index = divmod(int(character), len(voicing))
            events.append((step, held, voicing[index] + 12 * octave, 0.8))
            continue
        loudness = LOUDNESS.get(character, 0.8)
        order = voicing if character == "d" else voicing[::-1]
        gap = 0.11 if character in "du" else 0.02  # steps between the strings of a strum
        for k, pitch in enumerate(order):
            events.append((step + gap * k, held - gap * k, pitch, loudness * (1 - 0.04 * k)))
    return events


def _play_tune(line: Sequence[tuple[int, int, int]], key: int, length: int, steps: int):
    """Turn a tune into (step, steps, pitch, loudness), transposed, repeated to the length."""
    period = max((step + held for step, held, _ in line), default=length)
    period = -(-period // steps) * steps  # whole bars
    events = []
    for start in range(0, length, period):
        for step, held, pitch in line:
            if start + step < length:
                held = min(held, length - start - step)
                events.append((start + step, held, pitch + key, 0.85))
    return events


def without_overlaps(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Sort notes by onset and end each before the same pitch of its channel sounds again."""
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


def perform(score: Score, seed: int | np.random.Generator, *, tail: float = 2.0) -> Song:
    """Play a score: notes in seconds with swing, accents, and human timing and loudness.

    seed: an integer or a numpy Generator; the same seed gives the same notes. tail: seconds left
    after the last note begins to fade. Raises ValueError for an unknown chord, drum or part.
    """
    rng = np.random.default_rng(seed)
    names = list(score.parts)
    channels = [c for c in range(16) if c != DRUM_CHANNEL]
    if len(names) > len(channels):
        raise ValueError(f"{len(names)} parts given; a MIDI song holds at most {len(channels)}")
    channel_of = dict(zip(names, channels, strict=False))
    # Every player leans on the beat a little in a way of their own.
    lean = {name: rng.normal(0, 0.5 * score.human) for name in [*names, "drums"]}
    notes: list[Note] = []

    def add(name, step, held, pitch, loudness, part):
        """Append one note, humanised."""
        beat_accent = 1.0 if step % score.steps == 0 else 0.95 if step % score.beat == 0 else 0.88
        onset = step_time(step, score) + lean[name] + rng.normal(0, score.human)
        end = step_time(step + held * (part.length if part else 1), score)
        velocity = 122 * loudness * beat_accent * (part.level if part else 1) ** 0.5
        velocity += rng.normal(0, 4 + 300 * score.human)
        onset = max(onset, 0.0)
        notes.append(
            Note(
                onset=round(onset, 4),
                duration=round(max(end - onset, 0.03), 4),
                pitch=int(pitch),
                velocity=int(np.clip(velocity, 8, 127)),
                program=part.programs[0] if part else score.kit,
                channel=channel_of[name] if part else DRUM_CHANNEL,
                percussive=part.percussive if part else True,
            )
        )

    start = 0
    for section in score.sections:
        length = section.bars * score.steps
        chords = _chords_by_step(section, score.steps)
        soft, loud = section.dynamics

        def level(step, soft=soft, loud=loud, length=length):
            return soft + (loud - soft) * step / length

        unknown = set(section.lines) - set(names)
        if unknown:
            raise ValueError(f"no part is named {sorted(unknown)}; the score has {names}")
        for name, line in section.lines.items():
            part = score.parts[name]
            if isinstance(line, str):
                events = _play_line(part, line, chords, score.key)
            else:
                events = _play_tune(line, score.key, length, score.steps)
            for step, held, pitch, loudness in events:
                add(name, start + step, held, pitch, loudness * level(step), part)
        for step, drum, loudness in _drum_strokes(section, score.steps):
            add("drums", start + step, 1, DRUMS[drum], loudness * level(step), None)
        start += length
    if score.ending:
        last = score.sections[-1]
        for name in last.lines:
            part = score.parts[name]
            line = "r" if part.high <= 52 and not part.power else "x"
            held = 2.5 * score.beat * score.tempo / 120
            for _, _, pitch, loudness in _play_line(part, line, [score.ending], score.key):
                add(name, start, held, pitch, 0.85 * loudness * last.dynamics[1], part)
        if last.drums:
            add("drums", start, 1, DRUMS["kick"], 0.8 * last.dynamics[1], None)
            if last.crash or last.fill:
                add("drums", start, 1, DRUMS["crash"], 0.65 * last.dynamics[1], None)
    seconds = step_time(start, score) + (tail + 1.2 if score.ending else 0.0)
    kept = [
        n._replace(duration=round(min(n.duration, seconds - n.onset), 4))
        for n in without_overlaps(notes)
        if n.onset < seconds - 0.03
    ]
    beats = tuple(step_time(s, score) for s in range(0, start + 1, score.beat))
    parts = {channel_of[name]: score.parts[name] for name in names}
    return Song(score.style, tuple(kept), round(seconds, 4), score.tempo, beats, parts)


def _drum_strokes(section: Section, steps: int):
    """Yield (step, drum, loudness) of a section: groove, crash, and the fill in the last bar."""
    unknown = (set(section.drums) | set(section.fill)) - set(DRUMS)
    if unknown:
        raise ValueError(f"no drum is named {sorted(unknown)}; known are {sorted(DRUMS)}")
    length = section.bars * steps
    # A fill takes the kit over from its first stroke; the kick goes on under it.
    begin = length
    if section.fill:
        begin = length - steps + min(onsets_of(p)[0][0] for p in section.fill.values())
    if section.crash:
        yield 0, "crash", 0.9
    for drum, pattern in section.drums.items():
        repeated = (pattern * (length // len(pattern) + 1))[:length]
        for step, _, character in onsets_of(repeated):
            covered = step >= begin and drum != "kick"
            replaced = section.crash and step == 0 and drum in ("hihat", "ride", "open")
            if not covered and not replaced:
                yield step, drum, LOUDNESS[character]
    for drum, pattern in section.fill.items():
        for step, _, character in onsets_of(pattern):
            yield length - steps + step, drum, LOUDNESS[character]


def improvise(
    rng: np.random.Generator,
    chords: Sequence[str],
    *,
    scale: Sequence[int],
    low: int,
    high: int,
    steps: int,
    beat: int,
    density: float = 0.5,
) -> tuple[tuple[int, int, int], ...]:
    """Draw a tune over chords (one symbol a step): two motifs, repeated and answered, as A B A C.

    density 0-1 is the share of steps that may begin a note; pitches low..high (before the key's
    transposition). Returns triples (step, steps, MIDI pitch). Chord tones fall on the beats,
    scale steps between, leaps are followed by a turn back, and each phrase ends on a long note.
    """
    bars = len(chords) // steps
    cells = []
    for _ in range(3):
        weight = np.where(np.arange(steps) % beat == 0, 1.0, 0.25)
        weight[np.arange(steps) % (beat // 2 or 1) == 0] += 0.3
        starts = np.flatnonzero(rng.random(steps) < np.clip(density * weight, 0, 0.95))
        cells.append(starts if len(starts) else np.array([0]))
    tones = [p for p in range(low, high + 1) if p % 12 in scale]
    moves = rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3], size=(3, steps))
    notes: list[tuple[int, int, int]] = []
    place = len(tones) // 2
    for b in range(bars):
        which = (0, 1, 0, 2)[b % 4]
        starts = cells[which]
        if b % 4 == 3:  # the phrase ends: a long note, then a breath
            starts = starts[starts < steps // 2]
            starts = np.unique(np.append(starts, 0 if len(starts) == 0 else starts[-1]))
        if b % 4 == 0:
            place = (place + len(tones) // 2) // 2  # phrases begin near the middle
        for k, s in enumerate(starts):
            place = int(np.clip(place + moves[which][k], 0, len(tones) - 1))
            pitch = tones[place]
            if s % beat == 0:
                root, intervals = parse_chord(chords[int(b * steps + s)])
                inside = [p for p in range(low, high + 1) if (p - root) % 12 in intervals]
                if inside:
                    pitch = min(inside, key=lambda p: abs(p - pitch))
                    place = int(np.argmin([abs(t - pitch) for t in tones]))
            last = k == len(starts) - 1
            until = starts[k + 1] if not last else (steps * 3 // 4 if b % 4 == 3 else steps)
            notes.append((b * steps + int(s), max(int(until - s), 1), int(pitch)))
    return tuple(notes)


def draw_score(
    seed: int | np.random.Generator, *, style: str | None = None, seconds: float = 40.0
) -> Score:
    """Draw a random Score of about `seconds` in a style of `songs.styles.STYLES` (None: any)."""
    from hpss_lib.songs.styles import STYLES

    rng = np.random.default_rng(seed)
    names = sorted(STYLES)
    if style is None:
        weights = np.array([STYLES[name].weight for name in names])
        style = str(rng.choice(names, p=weights / weights.sum()))
    if style not in STYLES:
        raise ValueError(f"no style is named {style!r}; known are {names}")
    chosen = STYLES[style]

    def pick(options):
        return options[int(rng.integers(len(options)))]

    parts = {}
    for name, part in chosen.parts.items():
        if rng.random() < part.chance:
            shift = float(np.clip(part.level * rng.uniform(0.75, 1.2), 0.1, 1.0))
            parts[name] = replace(part, programs=(pick(part.programs),), level=shift)
    tempo = round(float(rng.uniform(*chosen.tempo)), 1)
    key = int(rng.integers(-5, 7))
    sections_by_kind = {
        kind: _draw_section(rng, chosen, parts, kind, pick)
        for kind in ("intro", "verse", "chorus", "bridge")
    }
    form = pick(
        (
            ("intro", "verse", "chorus", "verse", "bridge", "chorus"),
            ("verse", "chorus", "bridge", "chorus", "verse"),
            ("chorus", "verse", "verse", "bridge", "chorus"),
            ("intro", "chorus", "verse", "chorus", "bridge"),
        )
    )
    bar = 60 / tempo * chosen.steps / chosen.beat
    sections, used = [], 0.0
    while used < seconds:
        section = sections_by_kind[form[len(sections) % len(form)]]
        bars = min(section.bars, max(1, round((seconds - used) / bar)))
        fill = pick(chosen.fills) if chosen.fills and rng.random() < 0.8 else {}
        sections.append(replace(section, bars=bars, fill=fill if section.drums else {}))
        used += bars * bar
    return Score(
        style=style,
        tempo=tempo,
        parts=parts,
        sections=tuple(sections),
        steps=chosen.steps,
        beat=chosen.beat,
        swing=float(rng.uniform(*chosen.swing)),
        swing_unit=chosen.swing_unit,
        key=key,
        kit=pick(chosen.kits),
        human=chosen.human * float(rng.uniform(0.5, 1.5)),
        ending="",
    )


def _draw_section(rng, style, parts, kind, pick) -> Section:
    """Draw one kind of section: its chords and groove, who plays, and who has the tune."""
    bars = 2 if kind == "intro" else int(pick((4, 4, 8)))
    chords = pick(style.chords)
    busy = {"intro": 0.45, "verse": 0.85, "chorus": 0.97, "bridge": 0.6}[kind]
    groove = dict(pick(style.grooves))
    if kind in ("intro", "bridge") and rng.random() < 0.35:
        # Now and then the drums drop out, or only some of the kit plays.
        kept = [] if rng.random() < 0.4 else [d for d in groove if rng.random() < 0.5]
        groove = {d: groove[d] for d in kept}
    by_step = _chords_by_step(Section(bars, chords), style.steps)
    scale = [s for s in SCALES[pick(style.scales)]]
    lines: dict[str, str | tuple[tuple[int, int, int], ...]] = {}
    for name, part in parts.items():
        tuneful = "melody" in part.lines
        if rng.random() > (0.85 * busy if tuneful else busy + 0.1):
            continue
        line = pick(part.lines)
        if line == "melody":
            lines[name] = improvise(
                rng, by_step, scale=scale, low=part.low, high=part.high, steps=style.steps,
                beat=style.beat, density=float(rng.uniform(*style.density)),
            )  # fmt: skip
        else:
            lines[name] = line
    if not lines:
        name = next(iter(parts))
        lines[name] = next((p for p in parts[name].lines if p != "melody"), "x" + "-" * 15)
    level = {"intro": 0.7, "verse": 0.8, "chorus": 0.95, "bridge": 0.75}[kind]
    ends = level * rng.uniform(0.9, 1.05, size=2)
    return Section(
        bars=bars, chords=chords, drums=groove, lines=lines,
        crash=kind == "chorus" and style.crash, dynamics=(float(ends[0]), float(ends[1])),
    )  # fmt: skip


def compose(seed: int, *, style: str | None = None, seconds: float = 40.0) -> Song:
    """Compose a random song of about `seconds` from a seed; the same seed gives the same notes.

    style: a name of `hpss_lib.songs.styles.STYLES`, None draws one. Chapter 6 trains on such songs.
    """
    if not seconds > 0:
        raise ValueError(f"seconds must be positive, got {seconds}")
    rng = np.random.default_rng(seed)
    song = perform(draw_score(rng, style=style, seconds=seconds), rng)
    kept = [n for n in song.notes if n.onset < seconds - 0.03]
    kept = [n._replace(duration=round(min(n.duration, seconds - n.onset), 4)) for n in kept]
    beats = tuple(b for b in song.beats if b < seconds)
    return replace(song, notes=tuple(kept), seconds=min(song.seconds, float(seconds)), beats=beats)
