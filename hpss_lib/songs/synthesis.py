"""Notes to sound: MIDI files, the FluidSynth synthesiser, balanced stems (index, chapter 6).

Repeatable: the same notes give the same samples.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hpss_lib.songs.score import Note, Part, Song
from hpss_lib.stft import SAMPLE_RATE

# Where sound fonts are looked for, after the environment variable HPSS_SOUND_FONT.
FONT_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
)
FONTS = {
    "fluid": (("FluidR3_GM.sf2", "FluidR3_GM.sf3"), "fluid-soundfont-gm"),
    "musescore": (
        ("MuseScore_General_Full.sf3", "MuseScore_General.sf3", "MuseScore_General.sf2"),
        "musescore-general-soundfont",
    ),
}


# --- Standard MIDI files -------------------------------------------------------------------------

TICKS_PER_BEAT = 960
# Controllers of a channel, by number.
MODULATION, VOLUME, EXPRESSION = 1, 7, 11

Event = tuple[int, int, bytes]  # tick, rank among those of one tick, message


def _variable_length(number: int) -> bytes:
    """Encode a tick count as MIDI does: seven bits a byte, the last byte's top bit clear."""
    groups = [number & 127]
    while number := number >> 7:
        groups.append(128 | (number & 127))
    return bytes(reversed(groups))


def _ticks(seconds: float, tempo: float) -> int:
    return round(seconds * (TICKS_PER_BEAT * tempo / 60))


def _beginning(channel: int, program: int, part: Part | None) -> Iterator[Event]:
    """Yield what a channel begins with: its program, and its part's level as volume."""
    yield 0, 0, bytes([0xC0 | channel, program])
    yield 0, 1, bytes([0xB0 | channel, VOLUME, round(127 * part.level) if part else 110])


def _playing(note: Note, part: Part | None, tempo: float) -> Iterator[Event]:
    """Yield one note's beginning and end, its vibrato (growing in) and its swell."""
    start = _ticks(note.onset, tempo)
    end = max(_ticks(note.onset + note.duration, tempo), start + 1)
    yield start, 4, bytes([0x90 | note.channel, note.pitch, note.velocity])
    yield end, 2, bytes([0x80 | note.channel, note.pitch, 0])
    if part is None or note.duration <= 0.35:
        return
    control = 0xB0 | note.channel
    if part.vibrato:
        for share in np.linspace(0, 1, 8):
            at = note.onset + 0.15 + share * min(note.duration - 0.3, 0.8)
            depth = round(100 * part.vibrato * share)
            yield _ticks(at, tempo), 3, bytes([control, MODULATION, depth])
        yield end, 3, bytes([control, MODULATION, 0])
    if part.swell:
        for share in np.linspace(0, 1, 12):
            at = note.onset + share * 0.9 * note.duration
            shape = 1 - part.swell * (1 - np.sin(np.pi * min(share * 1.1, 1)) ** 0.5)
            yield _ticks(at, tempo), 3, bytes([control, EXPRESSION, round(127 * shape)])


def midi_bytes(song: Song, *, percussive: bool) -> bytes:
    """Write one stem of a song as a standard MIDI file.

    Parameters
    ----------
    song : Song
        Levels of its parts are written as channel volume, vibrato as modulation that grows in while
        a note is held, swells as expression.
    percussive : bool
        True for the drum stem, False for the harmonic one.

    Returns
    -------
    bytes
        A file of format 0, with TICKS_PER_BEAT.

    Examples
    --------
    >>> from hpss_lib.songs.composing import compose
    >>> midi_bytes(compose(1, style="rock", seconds=8.0), percussive=True)[:4]
    b'MThd'
    """
    chosen = [n for n in song.notes if n.percussive == percussive]
    events: list[Event] = []
    for channel, program in {n.channel: n.program for n in chosen}.items():
        events += _beginning(channel, program, song.parts.get(channel))
    for note in chosen:
        events += _playing(note, song.parts.get(note.channel), song.tempo)
    beat_us = round(60e6 / song.tempo)
    track, now = b"\x00\xff\x51\x03" + beat_us.to_bytes(3, "big"), 0
    for at, _, message in sorted(events):
        track += _variable_length(at - now) + message
        now = at
    rest = max(_ticks(song.seconds, song.tempo) - now, 0)
    track += _variable_length(rest) + b"\xff\x2f\x00"
    head = b"MThd" + b"".join(n.to_bytes(k, "big") for n, k in ((6, 4), (0, 2), (1, 2)))
    head += TICKS_PER_BEAT.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


# --- FluidSynth ----------------------------------------------------------------------------------


def find_font(name: str = "fluid") -> Path:
    """Find a sound font.

    Parameters
    ----------
    name : str
        "fluid", "musescore", or a path to any other. The environment variable HPSS_SOUND_FONT,
        where set, stands for "fluid".

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    FileNotFoundError
        Naming the package to install.

    Examples
    --------
    >>> find_font("no.sf2")
    Traceback (most recent call last):
        ...
    FileNotFoundError: no sound font at no.sf2; known names are ['fluid', 'musescore']
    """
    given = os.environ.get("HPSS_SOUND_FONT") if name == "fluid" else None
    if given or name not in FONTS:
        path = Path(given or name)
        if not path.is_file():
            raise FileNotFoundError(f"no sound font at {path}; known names are {sorted(FONTS)}")
        return path
    files, package = FONTS[name]
    for folder in FONT_FOLDERS:
        for file in files:
            if (Path(folder) / file).is_file():
                return Path(folder) / file
    raise FileNotFoundError(
        f"sound font {files[0]} not found in {', '.join(FONT_FOLDERS)}: install Debian's package "
        f"{package}, or set HPSS_SOUND_FONT to the path of a General MIDI sound font"
    )


def _fluidsynth(midi: bytes, font: str, reverb: float) -> np.ndarray:
    """Return what FluidSynth makes of a MIDI file: stereo float32 (n, 2)."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise FileNotFoundError(
            "the command fluidsynth was not found: install it (Debian and Ubuntu: fluidsynth; "
            "Homebrew: fluid-synth)"
        )
    options = {
        "synth.dynamic-sample-loading": 1,  # load what is played, not 150 MB
        "synth.cpu-cores": 1,
        "synth.polyphony": 512,  # never steal a voice: the two stems must not depend on each other
        "synth.chorus.active": 0,
        "synth.reverb.active": int(reverb > 0),
        "synth.reverb.level": reverb,
        "synth.reverb.room-size": 0.55,
        "synth.reverb.damp": 0.4,
        "synth.reverb.width": 1.0,
    }
    with tempfile.TemporaryDirectory() as folder:
        file, raw = Path(folder) / "song.mid", Path(folder) / "song.raw"
        file.write_bytes(midi)
        settings = [part for k, v in options.items() for part in ("-o", f"{k}={v}")]
        command = [program, "-ni", "-q", "-g", "0.3", "-r", str(SAMPLE_RATE), "-T", "raw"]
        command += ["-O", "float", "-E", "little", *settings, "-F", str(raw)]
        command += [str(find_font(font)), str(file)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or not raw.is_file():
            raise RuntimeError(f"fluidsynth failed: {(done.stderr or done.stdout).strip()[-400:]}")
        return np.fromfile(raw, "<f4").reshape(-1, 2)


def synthesise(
    song: Song, *, percussive: bool, font: str = "fluid", reverb: float = 0.35
) -> np.ndarray:
    """Render one stem of a song with FluidSynth.

    Parameters
    ----------
    song : Song
        What to play.
    percussive : bool
        True for the drum stem, False for the harmonic one.
    font : str
        As for `find_font`.
    reverb : float
        Level 0-1 of FluidSynth's room, which is the same for either stem.

    Returns
    -------
    ndarray (n,)
        Mono float32 at 44.1 kHz, as long as the song.

    Raises
    ------
    FileNotFoundError
        Where FluidSynth or the font is missing.
    RuntimeError
        Where FluidSynth fails.

    Examples
    --------
    FluidSynth and a sound font are needed, which a reader need not have: shown, not run.

    >>> x_p = synthesise(song, percussive=True)  # doctest: +SKIP
    """
    x = np.zeros(round(song.seconds * SAMPLE_RATE), np.float32)
    if any(n.percussive == percussive for n in song.notes):
        stereo = _fluidsynth(midi_bytes(song, percussive=percussive), font, reverb)
        kept = 0.5 * stereo[: len(x)].sum(axis=1)
        x[: len(kept)] = kept
    return x


def render_stems(
    song: Song, *, font: str = "fluid", reverb: float = 0.35
) -> tuple[np.ndarray, np.ndarray]:
    """Render both stems of a song, as `synthesise` does: (x_p, x_h), float32 (n,) each.

    Examples
    --------
    FluidSynth and a sound font are needed, which a reader need not have: shown, not run.

    >>> x_p, x_h = render_stems(song)  # doctest: +SKIP
    """
    x_p, x_h = (
        synthesise(song, percussive=flag, font=font, reverb=reverb) for flag in (True, False)
    )
    return x_p, x_h


# --- Stems ---------------------------------------------------------------------------------------


def balance(
    x_p: np.ndarray, x_h: np.ndarray, *, percussive_db: float = 0.0, peak: float = 0.7
) -> tuple[np.ndarray, np.ndarray]:
    """Scale two stems to a given difference in loudness and a given peak of their mixture.

    Parameters
    ----------
    x_p, x_h : ndarray (n,)
        Percussive and harmonic stem. A silent one stays silent.
    percussive_db : float
        How much louder the drums shall be than the rest, in dB of the RMS over the whole stem.
    peak : float
        Largest absolute sample of the mixture.

    Returns
    -------
    (ndarray (n,), ndarray (n,))
        The scaled stems, float32.

    Examples
    --------
    >>> x_p, x_h = balance(np.array([0.1, 0.1]), np.array([0.2, 0.4]), peak=0.7)
    >>> round(float(np.abs(x_p + x_h).max()), 3)
    0.7
    """
    rms_p, rms_h = (float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) for x in (x_p, x_h))
    if rms_p > 0 and rms_h > 0:
        x_p = x_p * np.float32(rms_h / rms_p * 10 ** (percussive_db / 20))
    top = float(np.max(np.abs(x_p + x_h), initial=0.0))
    gain = np.float32(peak / top if top > 0 else 1.0)
    return (x_p * gain).astype(np.float32), (x_h * gain).astype(np.float32)


def fade_out(x: np.ndarray, *, seconds: float) -> np.ndarray:
    """Return x (n,) with its last `seconds` faded to zero by a raised cosine.

    Examples
    --------
    >>> fade_out(np.ones(44100), seconds=0.5)[[0, -1]].round(3).tolist()
    [1.0, 0.0]
    """
    n = min(round(seconds * SAMPLE_RATE), len(x))
    y = np.array(x)
    y[len(y) - n :] *= (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, n))).astype(y.dtype)
    return y
