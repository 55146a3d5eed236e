"""Render the book's own multitracks: scores written here, played and rendered by hpss_lib.

    python tools/render_excerpts.py [NAME ...] [--check]

Writes hpss_lib/excerpts/NAME.percussive.ogg and NAME.harmonic.ogg (Ogg Vorbis, mono, 44.1 kHz) and
index.json, which holds what was composed beside what can be heard: when the beats fall, and which
chord sounds from when to when. Needs FluidSynth and the FluidR3 GM sound font (Debian: fluidsynth,
fluid-soundfont-gm).
With --check it renders everything twice and says whether the samples agree bit for bit.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib.songs.performing import perform
from hpss_lib.songs.score import Part, Score, Section, tune
from hpss_lib.songs.synthesis import balance, fade_out, render_stems
from hpss_lib.stft import SAMPLE_RATE

FOLDER = Path(__file__).resolve().parent.parent / "hpss_lib" / "excerpts"
SEED = 2018
LICENCE = "CC BY 4.0"
SOURCE = f"composed in code (seed {SEED}), rendered with FluidSynth and FluidR3 GM (MIT)"

# name: (title, style in words, level of the drums in dB relative to the rest, score)
EXCERPTS: dict[str, tuple[str, str, float, Score]] = {}

EXCERPTS["rock"] = (
    "Northern Line",
    "rock band: two distorted guitars, clean guitar, bass, drums",
    1.0,
    Score(
        style="rock",
        tempo=128,
        kit=0,
        ending="E5",
        parts={
            "bass": Part((34,), 28, 43, level=0.72),
            "riff": Part((30,), 40, 54, power=True, level=0.74, length=0.95),
            "clean": Part((27,), 52, 70, level=0.72),
            "lead": Part((29,), 64, 79, level=0.9, voices=1, vibrato=0.6),
        },
        sections=(
            Section(
                2,
                "Em|C D",
                drums={
                    "kick": "6.....5.6.5.....",
                    "snare": "....X..o....X..o",
                    "hihat": "X.x.X.x.X.x.X.x.",
                },
                lines={
                    "bass": "r-r-r-r-r-r-5-a-",
                    "riff": "x---x-x---x-x-x-",
                    "clean": "0-1-2-3-2-1-2-1-",
                },
                fill={"tom_high": "........xx......", "snare": "........xxxx...."}
                | {"tom_mid": "............xx..", "tom_low": "..............XX"},
                dynamics=(0.8, 0.86),
            ),
            Section(
                4,
                "Em|C|G|D",
                drums={
                    "kick": "6..5..5.6..5....",
                    "snare": "....X.......X..o",
                    "ride": "X.x.X.x.X.x.X.x.",
                },
                lines={
                    "bass": "r-r-r-r-r-r-5-a-",
                    "riff": "x-----x---x---x-",
                    "clean": "0-1-2-3-2-1-2-1-",
                    "lead": tune(
                        "B4:6 A4:2 G4:4 E4:4 G4:6 A4:2 B4:8 D5:6 B4:2 A4:4 G4:4 A4:12 F#4:2 G4:2"
                    ),
                },
                fill={"snare": "....X.xxxxxx....", "tom_mid": "............xx.."}
                | {"tom_low": "..............XX"},
                crash=True,
                dynamics=(0.92, 0.98),
            ),
        ),
    ),
)

EXCERPTS["jazz"] = (
    "Late Tram",
    "jazz trio: piano, double bass, drums with brushes",
    -2.0,
    Score(
        style="jazz",
        tempo=138,
        kit=40,
        swing=0.64,
        human=0.008,
        ending="C6",
        parts={
            "bass": Part((32,), 28, 44, level=0.95, length=0.9),
            "left": Part((0,), 50, 66, level=0.6),
            "right": Part((0,), 66, 86, level=0.85, voices=2),
        },
        sections=(
            Section(
                6,
                "Dm9|G7|Cmaj9|A7b9|Dm9|G7",
                drums={
                    "ride": "x...x.x.x...x.o.x...x.o.x...x.x.",
                    "swirl": "x-------x-------",
                    "tap": "....x..o....x.......x.......x.o.",
                    "pedal": "....x.......x...",
                    "kick": "o.......o.....o.",
                },
                lines={
                    "bass": "r---3---5---a---r---5---3---a---",
                    "left": "......x-......x---x-..........x-",
                    "right": tune(
                        ".:2 A4:2 C5:2 E5:2 F5:4 D5:4 B4:2 A4:2 G4:2 F4:2 B4:6 .:2 "
                        "E5:4 G5:2 E5:2 D5:4 B4:4 Bb4:2 A4:2 G4:2 E4:2 C#5:6 .:2 "
                        "D5:2 E5:2 F5:2 A5:2 G5:4 E5:4 F5:2 E5:2 D5:2 B4:2 G#4:2 A4:2 B4:4"
                    ),
                },
                fill={"tap": "........x.xxx.x.", "tom_low": "............x.x."},
                dynamics=(0.78, 0.88),
            ),
        ),
    ),
)

EXCERPTS["electronic"] = (
    "Night Bus",
    "electronic: drum machine, synthesiser bass, arpeggio, pad, lead",
    0.0,
    Score(
        style="electronic",
        tempo=124,
        kit=25,
        human=0.0,
        ending="Am",
        parts={
            "bass": Part((38,), 33, 47, level=0.9, length=0.8),
            "pad": Part((89,), 55, 74, level=0.8, swell=0.4),
            "arpeggio": Part((81,), 64, 82, level=0.7, length=0.6, voices=3),
            "lead": Part((80,), 69, 84, level=0.5, voices=1, vibrato=0.3),
        },
        sections=(
            Section(
                2,
                "Am|F",
                drums={"hihat": "..x...x...x...x.", "kick": "X...X...X...X..."},
                lines={"pad": "x" + "-" * 15, "arpeggio": "0.1.2.3.2.1.2.3."},
                fill={"snare": "1122334455667899"},
                dynamics=(0.72, 0.9),
            ),
            Section(
                4,
                "Am|F|C|G",
                drums={
                    "kick": "X...X...X...X...",
                    "clap": "....x.......x...",
                    "hihat": "o.o.o.o.o.o.o.oo",
                    "open": "..x...x...x...x.",
                    "cowbell": "...............o...o............",
                },
                lines={
                    "bass": "r.rr.r8.r.rr.r5.",
                    "pad": "x" + "-" * 15,
                    "arpeggio": "0.1.2.3.2.1.2.3.",
                    "lead": tune(
                        "E5:6 D5:6 C5:4 A4:10 .:2 C5:4 E5:6 G5:6 E5:4 D5:6 B4:6 G4:2 A4:2"
                    ),
                },
                fill={"snare": "........x.x.xxxx", "tom_high": "............x.x."},
                crash=True,
                dynamics=(0.95, 0.95),
            ),
        ),
    ),
)

EXCERPTS["latin"] = (
    "Patio at Noon",
    "Latin percussion with nylon-string guitar and double bass",
    0.0,
    Score(
        style="latin",
        tempo=122,
        kit=0,
        human=0.008,
        ending="Em",
        parts={
            "bass": Part((32,), 28, 43, level=0.95),
            "guitar": Part((24,), 50, 69, level=0.85),
            "melody": Part((24,), 64, 81, level=0.95, voices=1),
        },
        sections=(
            Section(
                6,
                "Am7|D7|Gmaj7|Cmaj7|F#m7b5|B7",
                drums={
                    "conga_mute": "x..ox..ox..ox...",
                    "conga": "..........x...xx..x.......x...xx",
                    "conga_low": "......xx........",
                    "claves": "x..x..x...x.x...",
                    "maracas": "x.oxx.oxx.oxx.ox",
                    "guiro": "x---..x.x---..x.",
                    "kick": "o.....x.o.....x.",
                },
                lines={
                    "bass": "r-----5---8-5---",
                    "guitar": "0-.2.3-1.3.2-3.1",
                    "melody": tune(
                        "E5:3 C5:3 A4:4 B4:2 C5:4 D5:6 C5:2 B4:2 A4:6 "
                        "B4:3 D5:3 G5:6 F#5:2 D5:2 E5:8 .:2 C5:2 E5:2 G5:2 "
                        "F#5:3 E5:3 C5:4 B4:2 A4:4 B4:4 D#5:4 F#5:4 A5:4"
                    ),
                },
                fill={"timbale": "......xxx.x.xx..", "timbale_low": "..............XX"},
                dynamics=(0.82, 0.95),
            ),
        ),
    ),
)

EXCERPTS["strings"] = (
    "The Old Harbour",
    "strings with timpani: sustained, bowed and plucked strings; timpani, snare and cymbal rolls",
    -1.0,
    Score(
        style="strings",
        tempo=84,
        kit=48,
        human=0.01,
        ending="Dm",
        parts={
            "ensemble": Part((48,), 50, 70, level=0.75, swell=0.5),
            "cello": Part((42,), 36, 50, level=0.8, swell=0.3),
            "violin": Part((40,), 67, 86, level=0.8, voices=1, vibrato=0.9, swell=0.3),
            "plucked": Part((45,), 55, 74, level=1.0, length=0.6),
            "timpani": Part((47,), 38, 50, level=1.0, length=2.0, percussive=True),
        },
        sections=(
            Section(
                2,
                "Dm|Bb",
                drums={"kick": "3...............", "snare": "............1123"},
                lines={
                    "ensemble": "x" + "-" * 15,
                    "cello": "r-------5-------",
                    "plucked": "0.2.3.2.1.2.3.2.",
                    "timpani": "r---..r-r-------",
                    "violin": tune("A4:8 F5:6 E5:2 D5:12 C5:2 Bb4:2"),
                },
                fill={"crash2": "1.1.1.2.2.2.3.3.", "snare": "............1223"},
                dynamics=(0.7, 0.85),
            ),
            Section(
                2,
                "Gm6|A7",
                drums={"kick": "4.......3.......", "snare": "3..2..232.2.2..."},
                lines={
                    "ensemble": "x" + "-" * 15,
                    "cello": "r-------5-------",
                    "plucked": "0.2.3.2.1.2.3.2.",
                    "timpani": "r-..r-..r-r-r-r-r---r---rrrrrrrr",
                    "violin": tune("G5:6 A5:2 Bb5:8 A5:6 G5:2 E5:4 C#5:4"),
                },
                fill={"snare": "1111222233334444", "crash2": "........1.1.2.23"},
                dynamics=(0.9, 1.0),
            ),
        ),
    ),
)

EXCERPTS["choir"] = (
    "Quiet Streets",
    "lead voice and choir over a beat, electric piano, bass",
    0.0,
    Score(
        style="choir",
        tempo=88,
        kit=8,
        swing=0.56,
        swing_unit=1,
        ending="Fmaj7",
        parts={
            "bass": Part((33,), 28, 43, level=0.9),
            "keys": Part((4,), 52, 70, level=0.7),
            "choir": Part((52,), 53, 72, level=0.7, swell=0.3, voices=3),
            "voice": Part((53,), 62, 79, level=0.9, voices=1, vibrato=0.8),
        },
        sections=(
            Section(
                4,
                "Fmaj7|Am7|Dm9|Bbmaj7 C",
                drums={
                    "kick": "X......x..x.....X.....x...x....o",
                    "snare": "....X..o.o..X...",
                    "hihat": "x.xxx.x.x.xxx.xo",
                    "tambourine": "....o.......o...",
                    "open": "..............................x.",
                },
                lines={
                    "bass": "r-----.r..5-8---",
                    "keys": "x-----..x---....",
                    "choir": "x" + "-" * 15,
                    "voice": tune(
                        "C5:8 A4:4 G4:4 E5:10 .:2 D5:2 C5:2 D5:6 F5:2 E5:4 C5:4 D5:8 E5:8"
                    ),
                },
                fill={"snare": "..........x.xxXx", "tom_low": "..............xx"},
                crash=True,
                dynamics=(0.85, 0.95),
            ),
        ),
    ),
)

EXCERPTS["funk"] = (
    "Corner Shop",
    "funk: slap bass, muted guitar, clavinet, organ, brass, drums",
    0.5,
    Score(
        style="funk",
        tempo=104,
        kit=0,
        swing=0.54,
        swing_unit=1,
        ending="E9",
        parts={
            "bass": Part((36,), 28, 43, level=0.72, length=0.95),
            "guitar": Part((28,), 55, 72, level=0.75, length=0.7),
            "keys": Part((7,), 50, 67, level=0.62, length=0.8),
            "organ": Part((16,), 55, 74, level=0.62),
            "brass": Part((61,), 57, 76, level=0.85, length=0.95),
        },
        sections=(
            Section(
                5,
                "E9|E9|A9|E9|B7 D9",
                drums={
                    "kick": "X..x..x...x..x..X.x...x...x.....",
                    "snare": "....X..o.o..X..o....X..o.oo.X..o",
                    "hihat": "x.x.xxx.x.x.x.xx",
                    "open": "..............x.",
                    "conga": "...x..x....x..x.",
                },
                lines={
                    "bass": "r-.r..8.r.7.8.a-r-.r..8..5.7-.a.",
                    "guitar": "..x.xx.x..x.xx.x",
                    "keys": "x..x...x.x..x...",
                    "organ": "x" + "-" * 15,
                    "brass": "..........x-x---........x-x-----..x-..x-x-------x-----x---x-----",
                },
                fill={"snare": "......x.x.xxXxxx", "tom_high": "..........x.x..."}
                | {"tom_low": "..............XX"},
                crash=True,
                dynamics=(0.88, 0.96),
            ),
        ),
    ),
)


def render(name: str):
    """Return (x_p, x_h) of one excerpt, float32 (n,) each."""
    _, _, percussive_db, score = EXCERPTS[name]
    song = perform(score, SEED)
    x_p, x_h = balance(*render_stems(song), percussive_db=percussive_db)
    return fade_out(x_p, seconds=0.6), fade_out(x_h, seconds=0.6)


def write_ogg(path: Path, x) -> None:
    """Write x (n,) as Ogg Vorbis, whole or not at all; in blocks, as long single writes crash."""
    part = path.with_suffix(".part.ogg")
    with soundfile.SoundFile(
        part, "w", SAMPLE_RATE, 1, format="OGG", subtype="VORBIS", compression_level=0.3
    ) as file:
        for start in range(0, len(x), SAMPLE_RATE):
            file.write(x[start : start + SAMPLE_RATE])
    # An Ogg file bears a random serial number: keep a file that already holds these very samples.
    if path.exists() and np.array_equal(soundfile.read(path)[0], soundfile.read(part)[0]):
        part.unlink()
    else:
        os.replace(part, path)


def describe(name: str, seconds: float) -> dict:
    """Return an excerpt's entry in the index: what it is, and its beats and chords as written."""
    title, style, _, score = EXCERPTS[name]
    return {
        "title": title,
        "style": style,
        "seconds": round(seconds, 2),
        "tempo": score.tempo,
        "beats": [round(time, 4) for time in score.beats],
        "chords": [[round(a, 4), round(b, 4), symbol] for a, b, symbol in score.chords],
        "licence": LICENCE,
        "source": SOURCE,
    }


def index_text(index: dict[str, dict]) -> str:
    """Write the index as JSON with one line a fact."""
    entries = (
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(key)}: {json.dumps(fact)}" for key, fact in entry.items())
        + "\n }"
        for name, entry in index.items()
    )
    return "{\n" + ",\n".join(entries) + "\n}\n"


def main() -> None:
    """Render what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(EXCERPTS)}; default: all")
    parser.add_argument("--check", action="store_true", help="render twice and compare the samples")
    options = parser.parse_args()
    unknown = set(options.names) - set(EXCERPTS)
    if unknown:
        parser.error(f"unknown excerpts {sorted(unknown)}; known are {', '.join(EXCERPTS)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    index_path = FOLDER / "index.json"
    index = json.loads(index_path.read_text()) if index_path.exists() else {}
    for name in options.names or EXCERPTS:
        x_p, x_h = render(name)
        digest = hashlib.sha256(x_p.tobytes() + x_h.tobytes()).hexdigest()[:16]
        if options.check:
            again_p, again_h = render(name)
            again = hashlib.sha256(again_p.tobytes() + again_h.tobytes()).hexdigest()[:16]
            print(name, "repeatable" if digest == again else "NOT REPEATABLE", digest)
        write_ogg(FOLDER / f"{name}.percussive.ogg", x_p)
        write_ogg(FOLDER / f"{name}.harmonic.ogg", x_h)
        index[name] = describe(name, len(x_p) / SAMPLE_RATE)
        print(f"{name}: {index[name]['seconds']} s, {digest}")
    index = {name: index[name] for name in EXCERPTS if name in index}
    index_path.write_text(index_text(index))


if __name__ == "__main__":
    main()
