"""Songs played on single recorded notes: choose a sample, retune it, damp it, mix it (chapter 6).

The recordings lie in a folder with an `index.json`, a list of objects. Each has

- `file` (below the folder, mono or stereo at 44.1 kHz), `clean_licence` (only those marked true
  are used), and `level_db` (RMS of its beginning in dB of full scale);
- `kind` "drum": `kit`, `piece` (a value of PIECES, or "other" for hand percussion, which `source`,
  the recording's own name, then tells apart as in HAND), and `layer` (0 is the softest);
- `kind` "pitched": `instrument` (a name that STAND_INS knows), `midi`, `layer`, `n_layers`,
  `attack_ms` (how long after its start it is half as loud as it gets) and `cents` (measured
  deviation from `midi`).

`tools/index_notes.py` writes such an index: it measures the recordings of a folder, which lie in it
as drums/KIT/PIECE/LAYER_NUMBER.ogg and pitched/INSTRUMENT/MIDI_LAYER.ogg.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib.songs import effects
from hpss_lib.songs.score import DRUMS, Note, Part, Song
from hpss_lib.songs.synthesis import synthesise
from hpss_lib.stft import SAMPLE_RATE

# Which recordings may stand for a General MIDI program: (programs, instruments, bus). A program
# without recordings is left to the sound font.
CLEAN = ("eguitar_clean_gretsch_anniversary", "eguitar_clean_hofner_club")
VOICES = ("voice_female_solo_aa", "voice_female_solo_oo", "voice_male_solo_aa",
          "voice_male_solo_oo", "voice_hadzi_a_sustain")  # fmt: skip
CHOIRS = ("voice_female_ensemble_aa", "voice_female_ensemble_oo", "voice_male_ensemble_aa",
          "voice_male_ensemble_oo")  # fmt: skip
STAND_INS: tuple[tuple[Sequence[int], tuple[str, ...], str], ...] = (
    (range(0, 2), ("piano_grand_salamander", "piano_upright_vcsl", "piano_electric_grand_cp80"),
     "keys"),
    (range(2, 8), ("rhodes", "piano_electric_grand_cp80"), "keys"),
    (range(24, 26), ("aguitar_steel_martin", "aguitar_steel_allan764"), "keys"),
    (range(26, 28), CLEAN, "guitar"),
    (range(28, 29), ("eguitar_staccato_gretsch_anniversary", "eguitar_staccato_hofner_club"),
     "guitar"),
    (range(29, 31), (*CLEAN, "eguitar_hammer_gretsch_anniversary"), "guitar"),
    (range(32, 40), ("ebass_finger_killer",), "bass"),
    (range(40, 45), ("strings_tremolo",), "keys"),
    (range(45, 46), ("strings_pizzicato",), "keys"),
    (range(48, 50), ("strings_tremolo",), "keys"),
    (range(52, 53), CHOIRS, "voice"),
    (range(53, 55), VOICES, "voice"),
    (range(85, 86), VOICES, "voice"),
)  # fmt: skip
POWER_CHORDS = ("eguitar_distorted_powerchord", "eguitar_distorted_powerchord_muted")
RELEASE, SUNG_RELEASE = 0.06, 0.09  # seconds that a note goes on after its end
DISTORTED = (29, 30)  # programs of guitars
# Drum keys by the piece of a kit that plays them.
PIECES = {
    "kick": "kick", "snare": "snare", "slap": "snare", "sidestick": "sidestick", "clap": "clap",
    "hihat": "hihat_closed", "pedal": "hihat_pedal", "open": "hihat_open", "tom_low": "tom_low",
    "tom_mid": "tom_mid", "tom_high": "tom_high", "crash": "crash", "crash2": "crash",
    "splash": "crash", "ride": "ride", "bell": "ride_bell", "china": "other", "cowbell": "cowbell",
}  # fmt: skip
# Hand percussion by the beginning of the recording's own name.
HAND = {
    "tambourine": "Tamb", "maracas": "Mid_Shaker", "cabasa": "Mid_Shaker", "conga": "Conga",
    "conga_low": "Conga", "conga_mute": "BongoL", "bongo_high": "BongoH", "bongo_low": "BongoL",
    "claves": "Claves",
}  # fmt: skip
NAME_OF_KEY = {key: name for name, key in reversed(DRUMS.items())}


@dataclass(frozen=True)
class Library:
    """Recordings by what they play: drums[kit][piece], pitched[instrument]: index entries.

    Examples
    --------
    >>> Library(Path("notes"), {}, {"piano": []}).pitched
    {'piano': []}
    """

    folder: Path
    drums: dict[str, dict[str, list[dict]]]
    pitched: dict[str, list[dict]]


@lru_cache(maxsize=4)
def load_library(folder: str | Path) -> Library:
    """Read the index of a folder of recordings.

    Parameters
    ----------
    folder : path
        Holds an index.json of the form above.

    Returns
    -------
    Library
        Its entries, those left out that are not marked `clean_licence`.

    Raises
    ------
    FileNotFoundError
        Without an index.
    ValueError
        Where it lists no drums, or no pitched notes, that may be used.

    Examples
    --------
    >>> load_library("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FileNotFoundError: no nowhere...
    """
    folder = Path(folder)
    index = folder / "index.json"
    if not index.is_file():
        raise FileNotFoundError(
            f"no {index}: give the folder that holds the recordings' index.json, "
            "or make one with tools/index_notes.py"
        )
    drums: dict[str, dict[str, list[dict]]] = {}
    pitched: dict[str, list[dict]] = {}
    for entry in json.loads(index.read_text()):
        if not entry.get("clean_licence"):
            continue
        if entry["kind"] == "drum":
            drums.setdefault(entry["kit"], {}).setdefault(_piece(entry), []).append(entry)
        elif entry["kind"] == "pitched":
            pitched.setdefault(entry["instrument"], []).append(entry)
    if not drums or not pitched:
        raise ValueError(f"{index} lists no drums or no pitched notes with clean_licence true")
    return Library(folder, drums, pitched)


def _piece(entry: dict) -> str:
    """Return what a drum recording is of; hand percussion is told apart by its own name."""
    if entry["piece"] != "other":
        return entry["piece"]
    name = entry["source"].rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return next((p for p in HAND.values() if name.startswith(p)), "other")


# --- One recording -------------------------------------------------------------------------------


@lru_cache(maxsize=2500)
def _recording(path: str) -> np.ndarray:
    """Read one recording; whole sets fit in memory as 16-bit samples."""
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE:
        raise ValueError(f"{path}: {rate} Hz, but recordings must be at {SAMPLE_RATE} Hz")
    return np.round(x.mean(axis=1) * 32767).astype(np.int16)


def read_at(x: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Read a signal between its samples, by cubic (Catmull-Rom) interpolation.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    position : ndarray (m,)
        Where to read, in samples, not negative.

    Returns
    -------
    ndarray (m,)
        float32; 0 beyond the signal's end.

    Examples
    --------
    >>> read_at(np.arange(8.0), np.array([2.5, 4.0])).tolist()
    [2.5, 4.0]
    """
    padded = np.concatenate([np.zeros(1), x, np.zeros(3)]).astype(np.float32)
    whole = np.minimum(position.astype(np.int64), len(x))
    f = (position - whole).astype(np.float32)
    a, b, c, d = (padded[whole + k] for k in range(4))
    return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))


@lru_cache(maxsize=512)
def _retuned(path: str, cents: int, length: int) -> np.ndarray:
    """Read a recording raised by `cents`, `length` samples of it at most, as float32."""
    x = _recording(path)
    step = 2 ** (cents / 1200)
    if cents == 0:
        return x[:length].astype(np.float32) / 32767
    count = min(length, int((len(x) - 1) / step))
    reach = int(count * step) + 2
    return read_at(x[:reach], np.arange(count) * step) / 32767


def _bent(path: str, cents: np.ndarray) -> np.ndarray:
    """Read a recording raised by cents (n,) that change while it sounds: float32, n at most."""
    x = _recording(path)
    step = 2 ** (cents / 1200)
    position = np.cumsum(step) - step[0]
    position = position[position < len(x) - 1]
    reach = int(position[-1]) + 2 if len(position) else 1
    return read_at(x[:reach], position) / 32767


def _layer(rng: np.random.Generator, count: int, velocity: int, spread: float) -> int:
    """Draw one of `count` layers of loudness, about as loud as the velocity asks."""
    place = velocity / 127 * count + rng.normal(0, spread)
    return int(np.clip(place, 0, count - 1))


def nearest_entry(
    entries: Sequence[dict], pitch: int, velocity: int, rng: np.random.Generator
) -> tuple[dict, int]:
    """Choose the recording for a note.

    Parameters
    ----------
    entries : sequence of dict
        Of one instrument.
    pitch : int
        MIDI pitch; far outside the instrument's range it is moved by octaves into it.
    velocity : int
        1-127, which chooses the layer of loudness, with a little chance.
    rng : Generator
        Where the chance comes from.

    Returns
    -------
    (dict, int)
        The entry, and the semitones to raise it by.

    Examples
    --------
    >>> entries = [{"midi": midi, "layer": 0} for midi in (48, 60)]
    >>> nearest_entry(entries, 62, 100, np.random.default_rng(0))
    ({'midi': 60, 'layer': 0}, 2)
    """
    pitches = sorted({e["midi"] for e in entries})
    while pitch < pitches[0] - 3:
        pitch += 12
    while pitch > pitches[-1] + 3:
        pitch -= 12
    midi = min(pitches, key=lambda p: (abs(p - pitch), p))
    layers = sorted((e for e in entries if e["midi"] == midi), key=lambda e: e["layer"])
    return layers[_layer(rng, len(layers), velocity, 0.25)], pitch - midi


def _add(y: np.ndarray, x: np.ndarray, at: int) -> None:
    """Mix x into y from sample `at` on; whatever lies outside is dropped."""
    if at < 0:
        x, at = x[-at:], 0
    count = min(len(x), len(y) - at)
    if count > 0:
        y[at : at + count] += x[:count]


# --- Pitched parts -------------------------------------------------------------------------------


def consonant(rng: np.random.Generator) -> np.ndarray:
    """Draw a sung consonant's noise: a hiss as of s or f, or a short burst as of t or k.

    Examples
    --------
    >>> bool(np.isfinite(consonant(np.random.default_rng(0))).all())
    True
    """
    hiss = rng.random() < 0.5
    n = int(SAMPLE_RATE * (rng.uniform(0.05, 0.13) if hiss else rng.uniform(0.01, 0.03)))
    low = rng.uniform(2500, 6000) if hiss else rng.uniform(800, 3000)
    x = effects.band_pass(rng.standard_normal(n), low=low, high=low * rng.uniform(1.8, 3))
    shape = np.hanning(n) if hiss else np.exp(-np.arange(n) / (0.3 * n))
    return (x * shape / (np.max(np.abs(x)) + 1e-9)).astype(np.float32)


def _play_note(
    note: Note,
    before: int | None,
    path: str,
    cents: float,
    vibrato: float,
    sung: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """Play a recording raised by cents: with vibrato where it is long, gliding where it is sung."""
    n = _samples(note, SUNG_RELEASE if sung else RELEASE)
    moving = vibrato > 0 and note.duration > 0.25
    if moving or (sung and before is not None):
        return _bent(path, cents + _bend(n, note.pitch, before, vibrato, sung, rng))
    return _retuned(path, 5 * round(cents / 5), n)


def _samples(note: Note, release: float) -> int:
    """Return how long a note sounds, with the seconds of its release."""
    return int((note.duration + release) * SAMPLE_RATE)


def _bend(
    n: int, pitch: int, before: int | None, vibrato: float, sung: bool, rng: np.random.Generator
) -> np.ndarray:
    """Draw how a note of n samples moves about its pitch, in cents (n,).

    Vibrato grows in; now and then the note glides in from the one before (MIDI pitch).
    """
    t = np.arange(n) / SAMPLE_RATE
    depth = 35 * vibrato * np.clip((t - 0.2) / 0.4, 0, 1) * rng.uniform(0.4, 1.2)
    bend = depth * np.sin(2 * np.pi * rng.uniform(4.8, 6.2) * t + rng.uniform(0, 6))
    if before is not None and abs(before - pitch) < 8 and rng.random() < 0.7:
        glide = rng.uniform(0.02, 0.08 if sung else 0.04)
        bend += 100 * (before - pitch) * np.exp(-t / glide)
    return bend


def _damped(x: np.ndarray, entry: dict, note: Note, release: float) -> np.ndarray:
    """Return a note at its loudness, faded over its release (seconds) where it sounds so long."""
    # Instruments with one dynamic are played softer by scaling; those with layers, less so.
    layers = max(entry.get("n_layers", 1), 1)
    x = x * (note.velocity / 100) ** (1.4 if layers == 1 else 0.5)
    tail = min(int(release * SAMPLE_RATE), len(x))
    if len(x) >= _samples(note, release) - 1:
        x[len(x) - tail :] *= np.linspace(1, 0, tail, dtype=np.float32) ** 2
    return x


def play_part(
    notes: Sequence[Note],
    part: Part,
    library: Library,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    length: int,
    sung: bool = False,
) -> np.ndarray:
    """Play the notes of one part on recorded instruments.

    Parameters
    ----------
    notes, part : sequence of Note, Part
        In order of onset, played with the part's vibrato.
    library : Library
        Where the recordings are.
    names : sequence of str
        One instrument, or for a voice its vowels, drawn anew for every note.
    rng : Generator
        Where chance comes from.
    length : int
        Samples to return.
    sung : bool
        Adds glides from note to note, and consonants.

    Returns
    -------
    ndarray (length,)
        float32.

    Examples
    --------
    Without notes, silence:

    >>> library = Library(Path("notes"), {}, {"piano": []})
    >>> rng = np.random.default_rng(0)
    >>> float(play_part([], Part((0,)), library, ["piano"], rng, length=100).max())
    0.0
    """
    y = np.zeros(length, np.float32)
    detune = rng.normal(0, 4)
    before = None
    for note in notes:
        entries = library.pitched[names[int(rng.integers(len(names)))]]
        entry, shift = nearest_entry(entries, note.pitch, note.velocity, rng)
        path = str(library.folder / entry["file"])
        cents = 100 * shift - 0.5 * entry["cents"] + detune
        x = _play_note(note, before, path, cents, part.vibrato, sung, rng)
        x = _damped(x, entry, note, SUNG_RELEASE if sung else RELEASE)
        at = int((note.onset - min(entry["attack_ms"], 120) / 1000 * 0.7) * SAMPLE_RATE)
        if sung and rng.random() < 0.6:
            noise = consonant(rng) * float(np.max(np.abs(x), initial=0)) * rng.uniform(0.05, 0.4)
            _add(y, noise, at - int(0.8 * len(noise)))
        _add(y, x.astype(np.float32), at)
        before = note.pitch
    return y


# --- Drums ---------------------------------------------------------------------------------------


def _draw_kit(
    library: Library, notes: Sequence[Note], rng: np.random.Generator
) -> dict[int, list[dict]]:
    """Choose, for every drum key that has recordings, the hits that play it in this song."""
    full = [kit for kit, pieces in library.drums.items() if {"kick", "snare"} <= set(pieces)]
    acoustic = [kit for kit in full if "hihat_closed" in library.drums[kit]]
    mains = acoustic or full or [*library.drums]
    main = mains[int(rng.integers(len(mains)))]
    chosen: dict[int, list[dict]] = {}
    for key in sorted({n.pitch for n in notes}):
        name = NAME_OF_KEY.get(key, "")
        piece = HAND.get(name) or PIECES.get(name, "")
        kits = [k for k, pieces in library.drums.items() if piece in pieces]
        if not kits:
            continue
        own = rng.random() < 0.8 and main in kits
        kit = main if own else kits[int(rng.integers(len(kits)))]
        chosen[key] = library.drums[kit][piece]
    return chosen


def _evened(key: int, hits: Sequence[dict]) -> float:
    """Return the gain that brings a piece's loudest hit to where it lies in a mix."""
    name = NAME_OF_KEY.get(key, "")
    aim = {"kick": -14.0, "snare": -14.0}.get(name, -18.0 if "tom" in name else -26.0)
    return 10 ** ((aim - max(h["level_db"] for h in hits)) / 20)


def _closed(x: np.ndarray, seconds: float | None) -> np.ndarray:
    """Return an open hi-hat x (n,) that is damped after so many seconds (None: never)."""
    if seconds is None:
        return x
    cut = min(int(seconds * SAMPLE_RATE), len(x))
    fade = np.exp(-np.arange(min(4000, len(x) - cut)) / 900)
    return np.concatenate([x[:cut], x[cut : cut + len(fade)] * fade])


def play_drums(
    notes: Sequence[Note], library: Library, rng: np.random.Generator, *, length: int
) -> tuple[np.ndarray, list[Note]]:
    """Play drum notes on recorded kits.

    Every piece gets its own tuning and level for the song; a closed hi-hat damps an open one.

    Parameters
    ----------
    notes : sequence of Note
        In order of onset.
    library : Library
        Where the recordings are. One kit is drawn, with pieces of others here and there.
    rng : Generator
        Where chance comes from.
    length : int
        Samples to return.

    Returns
    -------
    (ndarray (length,), list of Note)
        What the kits play, float32, and the notes that no recording fits.

    Examples
    --------
    Without notes, silence:

    >>> library = Library(Path("notes"), {"kit": {"kick": []}}, {})
    >>> x, left = play_drums([], library, np.random.default_rng(0), length=100)
    >>> float(x.max()), left
    (0.0, [])
    """
    y = np.zeros(length, np.float32)
    chosen = _draw_kit(library, notes, rng)
    cents = {key: 10 * round(float(rng.normal(0, 14))) for key in chosen}
    gains = {key: 10 ** (float(rng.normal(0, 3)) / 20) for key in chosen}
    # Kits were recorded at different levels.
    gains = {key: gain * _evened(key, chosen[key]) for key, gain in gains.items()}
    closing = sorted(n.onset for n in notes if n.pitch in (DRUMS["hihat"], DRUMS["pedal"]))
    for note in (n for n in notes if n.pitch in chosen):
        hits = chosen[note.pitch]
        layers = sorted({h["layer"] for h in hits})
        layer = layers[_layer(rng, len(layers), note.velocity, 0.2)]
        same = [h for h in hits if h["layer"] == layer]
        hit = same[int(rng.integers(len(same)))]
        x = _retuned(str(library.folder / hit["file"]), cents[note.pitch], 8 * SAMPLE_RATE)
        if note.pitch == DRUMS["open"]:
            later = (t - note.onset for t in closing if t > note.onset + 0.02)
            x = _closed(x, next(later, None))
        gain = gains[note.pitch] * (note.velocity / 110) ** (0.5 if len(layers) > 1 else 1.5)
        _add(y, (x * gain).astype(np.float32), int(note.onset * SAMPLE_RATE))
    return y, [n for n in notes if n.pitch not in chosen]


# --- Songs ---------------------------------------------------------------------------------------


def render_recorded(
    song: Song,
    library: Library,
    rng: np.random.Generator,
    *,
    font: str = "fluid",
    drive: tuple[float, float] = (0.0, 0.0),
) -> tuple[np.ndarray, np.ndarray]:
    """Play a song on recorded instruments, each part through its own effects.

    What no recording fits (cymbals, organs, winds, synthesisers, timpani) a sound font plays.

    Parameters
    ----------
    song : Song
        What to play.
    library : Library
        Where the recordings are.
    rng : Generator
        Where chance comes from.
    font : str
        As for `synthesis.find_font`.
    drive : (float, float)
        Range of the guitars' gain, see `effects.amplifier`.

    Returns
    -------
    (ndarray (n,), ndarray (n,))
        Percussive and harmonic stem, float32 at 44.1 kHz, not balanced.

    Examples
    --------
    A folder of recordings and a sound font are needed (`load_library`): shown, not run.

    >>> x_p, x_h = render_recorded(song, library, rng)  # doctest: +SKIP
    """
    x_p = _play_struck(song, library, rng, font=font)
    return x_p, _play_pitched(song, library, rng, font=font, drive=drive)


def _play_struck(
    song: Song, library: Library, rng: np.random.Generator, *, font: str
) -> np.ndarray:
    """Play a song's percussive stem (n,)."""
    struck = [n for n in song.notes if n.percussive]
    on_kit = [n for n in struck if n.channel not in song.parts]
    x, left = play_drums(on_kit, library, rng, length=round(song.seconds * SAMPLE_RATE))
    left += [n for n in struck if n.channel in song.parts]
    if left:
        rest = synthesise(replace(song, notes=tuple(left)), percussive=True, font=font)
        own, other = effects.rms(x), effects.rms(rest)
        if own > 0 and other > 0:
            rest = rest * (own / other * 10 ** (float(rng.uniform(-12, 0)) / 20))
        x = x + rest
    return x.astype(np.float32)


def _play_pitched(
    song: Song, library: Library, rng: np.random.Generator, *, font: str, drive: tuple[float, float]
) -> np.ndarray:
    """Play a song's harmonic stem (n,), every part at a loudness of its own."""
    x = np.zeros(round(song.seconds * SAMPLE_RATE), np.float32)
    unplayed: list[Note] = []
    for channel, part in song.parts.items():
        notes = [n for n in song.notes if n.channel == channel and not n.percussive]
        if not notes:
            continue
        found = next((s for s in STAND_INS if part.programs[0] in s[0]), None)
        options = [i for i in found[1] if i in library.pitched] if found else []
        if not found or not options:
            unplayed += notes
            continue
        y = _play_bus(notes, part, library, options, found[2], rng, length=len(x), drive=drive)
        target = 0.1 * part.level * 10 ** (float(rng.normal(0, 2.5)) / 20)
        x += y * target / max(effects.rms(y), 1e-6)
    if unplayed:
        y = synthesise(replace(song, notes=tuple(unplayed)), percussive=False, font=font)
        x += y * 0.1 * float(rng.uniform(0.5, 1.3)) / max(effects.rms(y), 1e-6)
    return x


def _play_bus(
    notes: Sequence[Note],
    part: Part,
    library: Library,
    options: Sequence[str],
    kind: str,
    rng: np.random.Generator,
    *,
    length: int,
    drive: tuple[float, float],
) -> np.ndarray:
    """Play one part on one instrument (a voice: on one singer's vowels) through its effects."""
    recorded = [i for i in POWER_CHORDS if i in library.pitched]
    if part.power and recorded and rng.random() < 0.5:
        names = recorded[-1:] if rng.random() < 0.3 else recorded[:1]
        y = play_part(_roots(notes), part, library, names, rng, length=length)
        return effects.part_bus(y, rng, kind="keys")
    name = options[int(rng.integers(len(options)))]
    sung = kind == "voice"
    names = [i for i in options if i[:-2] == name[:-2]] if sung else [name]
    y = play_part(notes, part, library, names, rng, length=length, sung=sung and part.voices == 1)
    if part.programs[0] in DISTORTED:
        gain = float(rng.uniform(max(drive[0], 3), max(drive[1], 15)))
    else:
        gain = float(rng.uniform(0, max(drive[1] / 4, 3))) if kind in ("guitar", "bass") else 0.0
    return effects.part_bus(y, rng, kind=kind, drive=gain)


def _roots(notes: Sequence[Note]) -> list[Note]:
    """Return the lowest note of every chord: recorded power chords hold fifth and octave too."""
    roots = {n.onset // 0.04: n for n in sorted(notes, key=lambda n: -n.pitch)}
    return sorted(roots.values(), key=lambda n: n.onset)
