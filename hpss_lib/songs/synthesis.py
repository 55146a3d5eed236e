"""Notes to sound: MIDI files, the FluidSynth synthesiser, balanced stems (index, chapter 6).

`render_stems` gives a `composing.Song` two signals, percussive and harmonic, through a sound font.
`songs.instruments` does the same with single recorded notes, and `songs.effects` makes either sound
more like a recording. Repeatable: the same notes give the same samples.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hpss_lib.songs.composing import Song, compose
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


def _variable_length(number: int) -> bytes:
    """Encode a tick count as MIDI does: seven bits a byte, the last byte's top bit clear."""
    groups = [number & 127]
    while number := number >> 7:
        groups.append(128 | (number & 127))
    return bytes(reversed(groups))


def midi_bytes(song: Song, *, percussive: bool) -> bytes:
    """Return one stem of a song as a standard MIDI file (format 0, `TICKS_PER_BEAT`).

    percussive: True for the drum stem, False for the harmonic one. Levels are written as channel
    volume, vibrato as modulation that grows in while a note is held, swells as expression.
    """
    per_second = TICKS_PER_BEAT * song.tempo / 60

    def tick(seconds):
        return round(seconds * per_second)

    events: list[tuple[int, int, bytes]] = []  # tick, rank within it, message
    chosen = [n for n in song.notes if n.percussive == percussive]
    for channel in sorted({n.channel for n in chosen}):
        part = song.parts.get(channel)
        program = next(n.program for n in chosen if n.channel == channel)
        events.append((0, 0, bytes([0xC0 | channel, program])))
        volume = round(127 * part.level) if part else 110
        events.append((0, 1, bytes([0xB0 | channel, 7, volume])))
    for note in chosen:
        start, end = tick(note.onset), tick(note.onset + note.duration)
        end = max(end, start + 1)
        events.append((start, 4, bytes([0x90 | note.channel, note.pitch, note.velocity])))
        events.append((end, 2, bytes([0x80 | note.channel, note.pitch, 0])))
        part = song.parts.get(note.channel)
        if part and part.vibrato and note.duration > 0.35:
            for share in np.linspace(0, 1, 8):
                at = tick(note.onset + 0.15 + share * min(note.duration - 0.3, 0.8))
                value = round(100 * part.vibrato * share)
                events.append((at, 3, bytes([0xB0 | note.channel, 1, value])))
            events.append((end, 3, bytes([0xB0 | note.channel, 1, 0])))
        if part and part.swell and note.duration > 0.35:
            for share in np.linspace(0, 1, 12):
                at = tick(note.onset + share * 0.9 * note.duration)
                shape = 1 - part.swell * (1 - np.sin(np.pi * min(share * 1.1, 1)) ** 0.5)
                events.append((at, 3, bytes([0xB0 | note.channel, 11, round(127 * shape)])))
    events.sort(key=lambda e: (e[0], e[1], e[2]))
    beat_us = round(60e6 / song.tempo)
    track, now = b"\x00\xff\x51\x03" + beat_us.to_bytes(3, "big"), 0
    for at, _, message in events:
        track += _variable_length(at - now) + message
        now = at
    track += _variable_length(max(tick(song.seconds) - now, 0)) + b"\xff\x2f\x00"
    head = b"MThd" + b"".join(n.to_bytes(k, "big") for n, k in ((6, 4), (0, 2), (1, 2)))
    head += TICKS_PER_BEAT.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


def find_font(name: str = "fluid") -> Path:
    """Return the path of a sound font: `"fluid"`, `"musescore"`, or a path to any other.

    HPSS_SOUND_FONT, where set, stands for "fluid". Raises FileNotFoundError naming the package to
    install.
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


def synthesise(song: Song, *, percussive: bool, font: str = "fluid", reverb: float = 0.35):
    """Render one stem of a song with FluidSynth: mono float32 (n,) at 44.1 kHz, n = song.seconds.

    font: see `find_font`; reverb: level 0-1 of FluidSynth's room, the same for either stem. Raises
    FileNotFoundError where FluidSynth or the font is missing, RuntimeError where it fails.
    """
    length = round(song.seconds * SAMPLE_RATE)
    if not any(n.percussive == percussive for n in song.notes):
        return np.zeros(length, np.float32)
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
        midi, raw = Path(folder) / "song.mid", Path(folder) / "song.raw"
        midi.write_bytes(midi_bytes(song, percussive=percussive))
        settings = [part for k, v in options.items() for part in ("-o", f"{k}={v}")]
        command = [program, "-ni", "-q", "-g", "0.3", "-r", str(SAMPLE_RATE), "-T", "raw"]
        command += ["-O", "float", "-E", "little", *settings, "-F", str(raw)]
        done = subprocess.run(
            [*command, str(find_font(font)), str(midi)], capture_output=True, text=True
        )
        if done.returncode or not raw.is_file():
            raise RuntimeError(f"fluidsynth failed: {(done.stderr or done.stdout).strip()[-400:]}")
        stereo = np.fromfile(raw, "<f4").reshape(-1, 2)
    x = np.zeros(length, np.float32)
    kept = 0.5 * stereo[:length].sum(axis=1)
    x[: len(kept)] = kept
    return x


def balance(
    x_p: np.ndarray, x_h: np.ndarray, *, percussive_db: float = 0.0, peak: float = 0.7
) -> tuple[np.ndarray, np.ndarray]:
    """Scale two stems (n,): the drums `percussive_db` louder than the rest, mixture peak `peak`.

    Loudness is the RMS over the whole of a stem, in dB. A silent stem stays silent.
    """
    rms_p, rms_h = (float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) for x in (x_p, x_h))
    if rms_p > 0 and rms_h > 0:
        x_p = x_p * np.float32(rms_h / rms_p * 10 ** (percussive_db / 20))
    top = float(np.max(np.abs(x_p + x_h), initial=0.0))
    gain = np.float32(peak / top if top > 0 else 1.0)
    return (x_p * gain).astype(np.float32), (x_h * gain).astype(np.float32)


def fade_out(x: np.ndarray, *, seconds: float) -> np.ndarray:
    """Return x (n,) with its last `seconds` faded to zero by a raised cosine."""
    n = min(round(seconds * SAMPLE_RATE), len(x))
    y = np.array(x)
    y[len(y) - n :] *= (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, n))).astype(y.dtype)
    return y


def render_stems(
    song: Song,
    *,
    font: str = "fluid",
    reverb: float = 0.35,
    percussive_db: float = 0.0,
    peak: float = 0.7,
) -> tuple[np.ndarray, np.ndarray]:
    """Render a song to balanced stems (x_p, x_h), float32 (n,) at 44.1 kHz.

    font, reverb: see `synthesise`; percussive_db, peak: see `balance`.
    """
    x_p, x_h = (
        synthesise(song, percussive=flag, font=font, reverb=reverb) for flag in (True, False)
    )
    return balance(x_p, x_h, percussive_db=percussive_db, peak=peak)


# --- Training songs ------------------------------------------------------------------------------

SOURCES = ("fluid", "musescore", "recorded")


def render_song(
    seed: int,
    *,
    seconds: float = 50.0,
    sources: Sequence[str] = ("fluid", "musescore"),
    instruments: str | Path | None = None,
    style: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compose and render a random training song: (x_p, x_h), float32 (n,), n = seconds at 44.1 kHz.

    sources: of `SOURCES`, one is drawn; "recorded" needs `instruments`, a folder with an index.json
    (`songs.instruments`); style: see `composing.compose`. The same arguments give the same
    samples. Drums lie -8 to 4 dB from the rest. Chapter 6 trains on such songs.
    """
    from hpss_lib.songs import effects
    from hpss_lib.songs.styles import STYLES

    unknown = set(sources) - set(SOURCES)
    if unknown or not sources:
        raise ValueError(f"sources must be some of {SOURCES}, got {tuple(sources)}")
    if "recorded" in sources and instruments is None:
        raise ValueError('source "recorded" needs instruments, a folder with an index.json')
    song = compose(seed, style=style, seconds=seconds)
    # A stream of its own, so that the notes of a seed do not depend on how they are rendered.
    rng = np.random.default_rng([seed, 1])
    source = sources[int(rng.integers(len(sources)))]
    if source == "recorded":
        from hpss_lib.songs.instruments import load_library, render_recorded

        assert instruments is not None
        library = load_library(Path(instruments))
        fonts = [s for s in sources if s != "recorded"] or ["fluid"]
        font = fonts[int(rng.integers(len(fonts)))]
        drive = STYLES[song.style].drive
        x_p, x_h = render_recorded(song, library, rng, font=font, drive=drive)
    else:
        reverb = float(rng.choice([0.0, 0.2, 0.35, 0.6]))
        x_p, x_h = (
            synthesise(song, percussive=flag, font=source, reverb=reverb) for flag in (True, False)
        )
    if source == "recorded" or rng.random() < 0.8:
        x_p = effects.drum_bus(x_p, rng)
    if rng.random() < (0.4 if source == "recorded" else 0.8):
        x_h = effects.stem_bus(x_h, rng)
    n = round(seconds * SAMPLE_RATE)
    x_p, x_h = (np.pad(x[:n], (0, max(0, n - len(x)))) for x in (x_p, x_h))
    return balance(x_p, x_h, percussive_db=float(rng.uniform(-8, 4)), peak=0.8)


def write_songs(
    folder: str | Path, seeds: Sequence[int], *, lengths: tuple[float, float] = (40.0, 60.0), **kept
) -> Iterator[tuple[str, float]]:
    """Render songs to FOLDER/song_SEED/{drums,harmonic}.flac, yielding (name, seconds of music).

    lengths: range of seconds to draw from; the rest goes to `render_song`. A song that is there
    already is left alone, and one appears whole or not at all, so a stopped run can be resumed.
    """
    import soundfile

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        name = f"song_{seed:05d}"
        if (folder / name).is_dir():
            continue
        seconds = round(float(np.random.default_rng([seed, 2]).uniform(*lengths)), 1)
        stems = render_song(seed, seconds=seconds, **kept)
        # Beside the folder, not in it: whoever reads it meanwhile finds finished songs alone.
        aside = {"dir": folder.resolve().parent, "prefix": f".{folder.name}-"}
        with tempfile.TemporaryDirectory(**aside) as unfinished:
            song = Path(unfinished) / name
            song.mkdir()
            for role, x in zip(("drums", "harmonic"), stems, strict=True):
                # 16 bits: quantisation lies 90 dB below the peak.
                soundfile.write(song / f"{role}.flac", x, SAMPLE_RATE, subtype="PCM_16")
            try:
                os.replace(song, folder / name)
            except OSError:  # another process, at work on the same songs, was faster
                if not (folder / name).is_dir():
                    raise
        yield name, seconds
