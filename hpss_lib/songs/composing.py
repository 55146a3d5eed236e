"""Random scores: a band, a form, grooves and improvised tunes drawn from a style (chapter 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from hpss_lib.songs.performing import cut, perform
from hpss_lib.songs.score import Part, Score, Section, Song, Tune, chords_by_step, parse_chord
from hpss_lib.songs.styles import STYLES, Style

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "blues": (0, 3, 5, 6, 7, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10), "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}  # fmt: skip
FORMS = (
    ("intro", "verse", "chorus", "verse", "bridge", "chorus"),
    ("verse", "chorus", "bridge", "chorus", "verse"),
    ("chorus", "verse", "verse", "bridge", "chorus"),
    ("intro", "chorus", "verse", "chorus", "bridge"),
)
BUSY = {"intro": 0.45, "verse": 0.85, "chorus": 0.97, "bridge": 0.6}  # who plays, 0-1
LEVEL = {"intro": 0.7, "verse": 0.8, "chorus": 0.95, "bridge": 0.75}  # how loudly, 0-1
MOTIFS = (0, 1, 0, 2)  # of three, in the four bars of a phrase: A B A C

T = TypeVar("T")


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


# --- Tunes ---------------------------------------------------------------------------------------


def improvise(
    rng: np.random.Generator,
    chords: Sequence[str],
    *,
    scale: Sequence[int],
    low: int,
    high: int,
    steps: int,
    beat: int,
    density: float,
) -> Tune:
    """Draw a tune over chords: motifs, repeated and answered, as A B A C.

    Chord tones fall on the beats, scale steps between, and each phrase ends on a long note.

    Parameters
    ----------
    rng : Generator
        Where it draws from.
    chords : sequence of str
        One symbol a step, in whole bars.
    scale : sequence of int
        Pitch classes 0-11 to choose from.
    low, high : int
        Range in MIDI pitches, before the key's transposition.
    steps, beat : int
        Steps of a bar, and of a beat.
    density : float
        Share of the beats that begin a note, 0-1; between beats fewer do.

    Returns
    -------
    tuple of (int, int, int)
        (step, steps, MIDI pitch) of each note.

    Examples
    --------
    >>> notes = improvise(
    ...     np.random.default_rng(0),
    ...     ["C"] * 64,
    ...     scale=(0, 2, 4, 5, 7, 9, 11),
    ...     low=60,
    ...     high=72,
    ...     steps=16,
    ...     beat=4,
    ...     density=0.5,
    ... )
    >>> bool(notes) and all(60 <= pitch <= 72 for _, _, pitch in notes)
    True
    """
    tones = [p for p in range(low, high + 1) if p % 12 in scale]
    notes: list[tuple[int, int, int]] = []
    place, phrase = len(tones) // 2, 0
    for step, held, move in _phrases(rng, len(chords) // steps, steps, beat, density):
        if step // (4 * steps) > phrase:
            phrase += 1
            place = (place + len(tones) // 2) // 2  # phrases begin near the middle
        place = int(np.clip(place + move, 0, len(tones) - 1))
        pitch = tones[place]
        if step % beat == 0:
            pitch = _nearest_in_chord(pitch, chords[step], low, high)
            place = int(np.argmin([abs(t - pitch) for t in tones]))
        notes.append((step, held, pitch))
    return tuple(notes)


def _phrases(
    rng: np.random.Generator, bars: int, steps: int, beat: int, density: float
) -> Iterator[tuple[int, int, int]]:
    """Yield a tune without its pitches: (step, steps, move along the scale) of each note."""
    rhythms = [_rhythm(rng, steps, beat, density) for _ in range(3)]
    moves = rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3], size=(3, steps))
    for bar in range(bars):
        motif, closing = MOTIFS[bar % 4], bar % 4 == 3
        starts = _closing(rhythms[motif], steps) if closing else rhythms[motif]
        ends = [*starts[1:], steps * 3 // 4 if closing else steps]
        for start, end, move in zip(starts, ends, moves[motif], strict=False):
            yield bar * steps + int(start), max(int(end - start), 1), int(move)


def _rhythm(rng: np.random.Generator, steps: int, beat: int, density: float) -> np.ndarray:
    """Draw the steps of a bar on which a motif's notes begin, most on beats and half beats."""
    weight = np.where(np.arange(steps) % beat == 0, 1.0, 0.25)
    weight[np.arange(steps) % (beat // 2 or 1) == 0] += 0.3
    starts = np.flatnonzero(rng.random(steps) < np.clip(density * weight, 0, 0.95))
    return starts if len(starts) else np.array([0])


def _closing(starts: np.ndarray, steps: int) -> np.ndarray:
    """Return a bar's rhythm as a phrase ends: a long note in its middle, then a breath."""
    early = starts[starts < steps // 2]
    return early if len(early) else np.array([0])


def _nearest_in_chord(pitch: int, chord: str, low: int, high: int) -> int:
    """Return the pitch of a chord in low..high that is nearest; the pitch itself without one."""
    root, intervals = parse_chord(chord)
    inside = [p for p in range(low, high + 1) if (p - root) % 12 in intervals]
    return min(inside, key=lambda p: abs(p - pitch), default=pitch)


# --- Scores --------------------------------------------------------------------------------------


def draw_score(
    seed: int | np.random.Generator, *, style: str | None = None, seconds: float = 40.0
) -> Score:
    """Draw a random score.

    Parameters
    ----------
    seed : int or Generator
        The same seed gives the same score.
    style : str
        A name of STYLES; None draws one, by their weights.
    seconds : float
        How long it is, up to the end of a bar.

    Returns
    -------
    Score
        Without an ending.

    Raises
    ------
    ValueError
        If no style has this name.

    Examples
    --------
    >>> draw_score(3, style="jazz", seconds=20.0) == draw_score(3, style="jazz", seconds=20.0)
    True
    """
    rng = np.random.default_rng(seed)
    style = style or _draw_style(rng)
    if style not in STYLES:
        raise ValueError(f"no style is named {style!r}; known are {sorted(STYLES)}")
    chosen = STYLES[style]
    parts = _draw_band(rng, chosen)
    tempo = round(float(rng.uniform(*chosen.tempo)), 1)
    key = int(rng.integers(-5, 7))
    bar = 60 / tempo * chosen.steps / chosen.beat
    sections = _draw_form(rng, chosen, parts, bar=bar, seconds=seconds)
    return Score(
        style=style,
        tempo=tempo,
        parts=parts,
        sections=sections,
        steps=chosen.steps,
        beat=chosen.beat,
        swing=float(rng.uniform(*chosen.swing)),
        swing_unit=chosen.swing_unit,
        key=key,
        kit=_pick(rng, chosen.kits),
        human=chosen.human * float(rng.uniform(0.5, 1.5)),
        ending="",
    )


def _draw_style(rng: np.random.Generator) -> str:
    names = sorted(STYLES)
    weights = np.array([STYLES[name].weight for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def _draw_band(rng: np.random.Generator, style: Style) -> dict[str, Part]:
    """Draw who is in the band, each with one program and a level of its own."""
    parts = {}
    for name, part in style.parts.items():
        if rng.random() < part.chance:
            level = float(np.clip(part.level * rng.uniform(0.75, 1.2), 0.1, 1.0))
            parts[name] = replace(part, programs=(_pick(rng, part.programs),), level=level)
    return parts


def _draw_form(
    rng: np.random.Generator,
    style: Style,
    parts: Mapping[str, Part],
    *,
    bar: float,
    seconds: float,
) -> tuple[Section, ...]:
    """Draw one section of each kind and string them together, in bars of `bar` seconds."""
    kinds = {kind: _draw_section(rng, style, parts, kind) for kind in BUSY}
    form = _pick(rng, FORMS)
    sections, used = [], 0.0
    while used < seconds:
        section = kinds[form[len(sections) % len(form)]]
        bars = min(section.bars, max(1, round((seconds - used) / bar)))
        fill = _pick(rng, style.fills) if style.fills and rng.random() < 0.8 else {}
        sections.append(replace(section, bars=bars, fill=fill if section.drums else {}))
        used += bars * bar
    return tuple(sections)


def _draw_section(
    rng: np.random.Generator, style: Style, parts: Mapping[str, Part], kind: str
) -> Section:
    """Draw one kind of section: its chords and groove, who plays, and who has the tune."""
    bars = 2 if kind == "intro" else int(_pick(rng, (4, 4, 8)))
    chords = _pick(rng, style.chords)
    groove = _draw_groove(rng, style, kind)
    lines = _draw_lines(rng, style, parts, kind, Section(bars, chords))
    low, high = LEVEL[kind] * rng.uniform(0.9, 1.05, size=2)
    return Section(
        bars=bars,
        chords=chords,
        drums=groove,
        lines=lines,
        crash=kind == "chorus" and style.crash,
        dynamics=(float(low), float(high)),
    )


def _draw_groove(rng: np.random.Generator, style: Style, kind: str) -> Mapping[str, str]:
    """Draw a groove; now and then the drums drop out, or only some of the kit plays."""
    groove = _pick(rng, style.grooves)
    if kind in ("intro", "bridge") and rng.random() < 0.35:
        kept = [] if rng.random() < 0.4 else [d for d in groove if rng.random() < 0.5]
        return {d: groove[d] for d in kept}
    return dict(groove)


def _draw_lines(
    rng: np.random.Generator,
    style: Style,
    parts: Mapping[str, Part],
    kind: str,
    section: Section,
) -> dict[str, str | Tune]:
    """Draw who plays in a section, and what; somebody always does."""
    chords = chords_by_step(section, style.steps)
    scale = SCALES[_pick(rng, style.scales)]
    lines: dict[str, str | Tune] = {}
    for name, part in parts.items():
        tuneful = "melody" in part.lines
        if rng.random() > (0.85 * BUSY[kind] if tuneful else BUSY[kind] + 0.1):
            continue
        line = _pick(rng, part.lines)
        if line == "melody":
            line = improvise(
                rng, chords, scale=scale, low=part.low, high=part.high, steps=style.steps,
                beat=style.beat, density=float(rng.uniform(*style.density)),
            )  # fmt: skip
        lines[name] = line
    if not lines:
        name = next(iter(parts))
        lines[name] = next((p for p in parts[name].lines if p != "melody"), "x" + "-" * 15)
    return lines


def compose(seed: int, *, style: str | None = None, seconds: float = 40.0) -> Song:
    """Compose a random song and play it; the same seed gives the same notes.

    Parameters
    ----------
    seed : int
        Of the score and of how it is played.
    style : str
        A name of STYLES; None draws one.
    seconds : float
        The longest it may be.

    Returns
    -------
    Song
        As long as asked for, or as the whole bars nearest to it where these are shorter.

    Raises
    ------
    ValueError
        If no style has this name or seconds is not positive.

    Examples
    --------
    >>> from hpss_lib.songs.composing import compose
    >>> song = compose(7, style="jazz", seconds=20.0)
    >>> song.style, song.notes == compose(7, style="jazz", seconds=20.0).notes
    ('jazz', True)
    """
    if not seconds > 0:
        raise ValueError(f"seconds must be positive, got {seconds}")
    rng = np.random.default_rng(seed)
    song = perform(draw_score(rng, style=style, seconds=seconds), rng)
    return replace(song, notes=cut(song.notes, seconds), seconds=min(song.seconds, float(seconds)))
