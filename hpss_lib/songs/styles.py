"""The styles of random songs, as data for `songs.composing` (patterns: see there; chapter 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hpss_lib.songs.score import Part


@dataclass(frozen=True)
class Style:
    """What a kind of music draws from: tempi, grooves, chords, and parts with their patterns.

    Examples
    --------
    >>> STYLES["rock"].steps  # a bar of sixteenths
    16
    """

    tempo: tuple[float, float]
    kits: tuple[int, ...]
    grooves: tuple[Mapping[str, str], ...]
    chords: tuple[str, ...]
    scales: tuple[str, ...]
    parts: Mapping[str, Part] = field(default_factory=dict)
    fills: tuple[Mapping[str, str], ...] = ()
    steps: int = 16
    beat: int = 4
    swing: tuple[float, float] = (0.5, 0.5)
    swing_unit: int = 2
    human: float = 0.007
    density: tuple[float, float] = (0.3, 0.6)
    crash: bool = True
    weight: float = 1.0  # how often a random song is of this style, relative to the others
    # For rendering with recorded instruments: what the guitars go through.
    drive: tuple[float, float] = (0.0, 0.0)


HELD = "x" + "-" * 15
WALK = ("r---3---5---a---", "r---5---3---a---", "r---8---5---a---", "r---r---5-3-a---")
TUNE = ("melody",)

ROCK_FILLS = (
    {
        "snare": "........xxxx....",
        "tom_high": "........xx......",
        "tom_mid": "............xx..",
        "tom_low": "..............XX",
    },
    {"snare": "............xxxx"},
    {"snare": "X.xxX.xxX.xx....", "tom_low": "............X.X."},
    {"tom_high": "....x.xx........", "tom_mid": "........x.xx....", "tom_low": "............x.xx"},
    {"snare": "..........x.X.X.", "open": "..........x.x.x."},
)
SOFT_FILLS = (
    {"snare": "............o.xx"},
    {"tom_high": "........o.......", "tom_mid": "..........x.....", "tom_low": "............x.x."},
    {"sidestick": "............x..x"},
)
DANCE_FILLS = (
    {"snare": "1122334455667788"},
    {"clap": "........x.x.xxxx"},
    {"snare": "........x..x..x."},
    {"tom_high": "........x..x....", "tom_low": "..............xx"},
)
POP_CHORDS = (
    "C|G|Am|F",
    "Am|F|C|G",
    "C|Am|F|G",
    "F|G|Em|Am",
    "C|F|Am|G",
    "Dm|F|C|G",
    "C|Em|F|G",
    "F|C|Dm|Bb",
    "Am|G|F|G",
    "C|C|F|Fm",
)
MINOR_CHORDS = (
    "Am|F|G|Em",
    "Am|Dm|E7|Am",
    "Am|G|F|E",
    "Am|C|G|D",
    "Am|Am|F|G",
    "Dm|Am|Bb|A7",
    "Em|C|G|D",
)
POWER_CHORDS = (
    "A|C|D|F",
    "E|G|A|E",
    "E|E|F|G",
    "A|G|D|A",
    "D|D|C|G",
    "E|C|D|E",
    "A|F|G|E",
    "E|F|E|D#",
)
JAZZ_CHORDS = (
    "Dm7|G7|Cmaj7|A7b9",
    "Cmaj7 Am7|Dm7 G7",
    "Fmaj7|Bb7|Cmaj7|A7",
    "Am7|D7|Gmaj7|Cmaj7",
    "F#m7b5|B7b9|Em7|A7",
    "Cm7|Fm7|Dm7b5|G7b9",
    "C6|Ebdim7|Dm7|G7",
    "C7|F7|C7|G7",
)
FUNK_CHORDS = ("E9", "Em7|A9", "A9|A9|D9|A9", "Dm7|G9", "E9|G9 A9", "Am7|Am7|D9|E9")

ROCK_GROOVES = (
    {"kick": "X.....x.X.......", "snare": "....X.......X..o", "hihat": "x.x.x.x.x.x.x.x."},
    {"kick": "X..x..x.X.x.....", "snare": "....X.......X...", "ride": "X.x.X.x.X.x.X.x."},
    {"kick": "X...x.x.x...x...", "snare": "....X.......X...", "open": "x...x...x...x..."},
    {"kick": "X.x.......x.X...", "snare": "....X..o.o..X..o", "hihat": "xox.xox.xox.xox."},
    {"kick": "X...X...X...X...", "snare": "....X.......X...", "crash2": "x...x...x...x..."},
    {"kick": "X.....X...x.....", "snare": "........X.......", "hihat": "x...x...x...x..."},
    {"kick": "X..x..X...x.x...", "tom_low": "x.x.x.x.x.x.x.x.", "snare": "....X.......X..."},
    {"kick": "X.x.X.x.X.x.X.x.", "snare": "..X...X...X...X.", "hihat": "x.x.x.x.x.x.x.x."},
)
STYLES: dict[str, Style] = {}

STYLES["rock"] = Style(
    weight=3,
    tempo=(96, 165),
    kits=(0, 8, 16),
    grooves=ROCK_GROOVES,
    chords=POWER_CHORDS + POP_CHORDS,
    scales=("minor pentatonic", "blues", "mixolydian"),
    fills=ROCK_FILLS,
    drive=(4, 30),
    parts={
        "bass": Part(
            (33, 34),
            28,
            43,
            (
                "r-r-r-r-r-r-r-r-",
                "r--r--r-r-r-5-a-",
                "r---r---r-8-5-a-",
                "r-r-r-r-5-5-8-a-",
                "r-------r-----a-",
            ),
            0.85,
        ),
        "riff": Part(
            (29, 30),
            40,
            54,
            ("x-x-x-x-x-x-x-x-", "x-----x-x-------", HELD, "x-..x-x-..x-x-x-", "x---x.x-x---x.x-"),
            0.75,
            power=True,
        ),
        "rhythm": Part(
            (27, 28, 29),
            52,
            70,
            ("d-d-du.ud-d-du.u", HELD, "0-1-2-3-2-1-2-1-", "d---d-u-..u-d-u-"),
            0.65,
            0.7,
        ),
        "lead": Part((29, 30, 81), 62, 81, TUNE, 0.8, 0.7, voices=1, vibrato=0.6),
        "keys": Part((16, 18, 0, 4), 52, 72, (HELD, "x-------x-----x-"), 0.55, 0.4),
        "voice": Part((54, 53, 85), 57, 74, TUNE, 0.85, 0.4, voices=1, vibrato=0.7),
    },
)
STYLES["metal"] = Style(
    weight=2,
    tempo=(120, 200),
    kits=(0, 16),
    chords=POWER_CHORDS,
    scales=("minor", "minor pentatonic"),
    fills=ROCK_FILLS,
    drive=(15, 60),
    density=(0.5, 0.95),
    human=0.005,
    grooves=(
        {"kick": "XxXxXxXxXxXxXxXx", "snare": "....X.......X...", "china": "x...x...x...x..."},
        {"kick": "X.xxX.xxX.xxX.xx", "snare": "....X.......X...", "ride": "x.x.x.x.x.x.x.x."},
        {"kick": "X.X.X.X.X.X.X.X.", "snare": ".X.X.X.X.X.X.X.X", "hihat": "X.X.X.X.X.X.X.X."},
        {"kick": "X..X..X.....X.X.", "snare": "........X.......", "crash2": "X...x...X...x..."},
    ),
    parts={
        "bass": Part(
            (34,), 28, 40, ("rrrrrrrrrrrrrrrr", "r-rrr-rrr-rrr-rr", "r..r..r.....r.r."), 0.8
        ),
        "riff": Part(
            (30,),
            38,
            52,
            ("xxxxxxxxxxxxxxxx", "x-xxx-xxx-xxx-xx", "x..x..x.....x-x-", "x-------x-x-x-x-"),
            0.85,
            power=True,
        ),
        "second": Part((30,), 45, 60, ("x-xxx-xxx-xxx-xx", HELD), 0.7, 0.6, power=True),
        "lead": Part((30, 29), 64, 86, TUNE, 0.8, 0.7, voices=1, vibrato=0.7),
        "choir": Part((52, 48), 52, 70, (HELD,), 0.5, 0.3),
    },
)
STYLES["jazz"] = Style(
    tempo=(100, 210),
    kits=(32, 40),
    chords=JAZZ_CHORDS,
    scales=("dorian", "major", "blues"),
    fills=SOFT_FILLS,
    swing=(0.58, 0.68),
    human=0.009,
    density=(0.45, 0.8),
    crash=False,
    grooves=(
        {
            "ride": "x...x.x.x...x.o.",
            "pedal": "....x.......x...",
            "kick": "o.......o.....o.",
            "tap": "......o.......o.",
        },
        {
            "ride": "x...x.x.x...x.x.",
            "swirl": "x-------x-------",
            "tap": "....x..o....x...",
            "pedal": "....x.......x...",
        },
        {"hihat": "x...x.x.x...x.x.", "tap": "....o.......o...", "kick": "x.......x......."},
        {
            "ride": "x.x...x.x.x...x.",
            "sidestick": "......x...x.....",
            "kick": "x.....x.x.......",
            "pedal": "....x.......x...",
        },
    ),
    parts={
        "bass": Part((32,), 28, 45, WALK, 0.9, length=0.9),
        "comp": Part(
            (0, 4, 26),
            50,
            68,
            ("......x-......x-", "..x-......x-....", "x---..x-........", "....x-......x-x-"),
            0.6,
        ),
        "lead": Part((0, 65, 66, 56, 59, 26, 11, 71), 60, 82, TUNE, 0.9, voices=1, vibrato=0.4),
        "second": Part((66, 57, 11), 55, 76, TUNE, 0.6, 0.25, voices=1, vibrato=0.4),
    },
)
STYLES["electronic"] = Style(
    tempo=(110, 140),
    kits=(24, 25),
    chords=MINOR_CHORDS + POP_CHORDS,
    fills=DANCE_FILLS,
    scales=("minor", "minor pentatonic", "dorian"),
    human=0.0005,
    drive=(0, 3),
    grooves=(
        {
            "kick": "X...X...X...X...",
            "clap": "....x.......x...",
            "open": "..x...x...x...x.",
            "hihat": "o.o.o.o.o.o.o.oo",
        },
        {"kick": "X..X..X...X..X..", "snare": "....X.......X...", "hihat": "xxxxxxxxxxxxxxxx"},
        {"kick": "X.........X.....", "snare": "....X..o.o..X...", "hihat": "x.x.x.xxx.x.x.x."},
        {"kick": "X...X...X...X...", "hihat": "..x...x...x...x.", "cowbell": "...o..o....o..o."},
        {
            "kick": "X.....X.....X...",
            "snare": "........X.......",
            "hihat": "x.xxx.x.x.xxxxxx",
            "maracas": "..x...x...x...x.",
        },
    ),
    parts={
        "bass": Part(
            (38, 39, 87),
            29,
            45,
            (
                "r.rr.r8.r.rr.r5.",
                "..r-..r-..r-..r-",
                "r-------r--r--r-",
                "r.r.r.r.r.r.r.r.",
                "r-8-r-8-r-8-r-8-",
            ),
            0.85,
        ),
        "pad": Part((88, 89, 90, 91, 94, 95, 50), 52, 74, (HELD,), 0.65, 0.85, swell=0.4),
        "arpeggio": Part(
            (81, 80, 84, 87, 46, 98),
            60,
            84,
            ("0.1.2.3.2.1.2.3.", "0123012301230123", "0..1..2..3..2.1."),
            0.6,
            0.8,
            length=0.6,
        ),
        "stabs": Part(
            (62, 63, 81, 17),
            55,
            72,
            ("x..x..x...x..x..", "..x...x...x...x."),
            0.55,
            0.5,
            length=0.7,
        ),
        "lead": Part((80, 81, 82, 85, 53, 100), 64, 84, TUNE, 0.65, 0.7, voices=1, vibrato=0.3),
    },
)
STYLES["latin"] = Style(
    tempo=(90, 130),
    kits=(0, 8),
    chords=JAZZ_CHORDS + MINOR_CHORDS,
    fills=(
        {"timbale": "......xxx.x.xx..", "timbale_low": "..............XX"},
        {"bongo_high": "........x.xxx...", "bongo_low": "............x.xx"},
    ),
    scales=("minor", "dorian", "major"),
    human=0.009,
    crash=False,
    grooves=(
        {
            "conga_mute": "x..ox..ox..ox...",
            "conga": "..........x...xx",
            "conga_low": "......xx........",
            "claves": "x..x..x...x.x...",
            "maracas": "x.oxx.oxx.oxx.ox",
            "kick": "o.....x.o.....x.",
        },
        {
            "kick": "x.....xxx.....xx",
            "sidestick": "x..x..x...x..x..",
            "hihat": "x.x.x.x.x.x.x.x.",
            "cabasa": "xoxoxoxoxoxoxoxo",
        },
        {
            "bongo_high": "x.x.x.xxx.x.x.xx",
            "bongo_low": "......x.......x.",
            "cowbell": "x...x...x...x...",
            "guiro": "x---..x.x---..x.",
            "conga": "..........x...xx",
        },
        {
            "agogo": "x..x....x.x.....",
            "agogo_low": ".....x.x....x.x.",
            "tambourine": "xoxxxoxxxoxxxoxx",
            "kick": "....x.......X...",
            "tom_low": "............x.x.",
        },
    ),
    parts={
        "bass": Part(
            (32, 33), 28, 45, ("r-----5---8-5---", "r-----5-r-----5-", "..r---r-....5-8-"), 0.9
        ),
        "guitar": Part(
            (24, 25), 50, 69, ("0-.2.3-1.3.2-3.1", "d-.u.d-ud-.u.d-u", "..x...x...x...x."), 0.8
        ),
        "piano": Part((0,), 55, 76, ("x.x..x.x.x..x.x.", "0.2.3.2.0.2.3.2."), 0.65, 0.6),
        "lead": Part((24, 73, 56, 0, 75, 21), 64, 84, TUNE, 0.85, voices=1, vibrato=0.4),
        "brass": Part((61, 56), 58, 76, ("............x.x-", "x---....x-x-...."), 0.65, 0.4),
    },
)
STYLES["strings"] = Style(
    tempo=(66, 108),
    kits=(48,),
    chords=(*MINOR_CHORDS, "Dm|Bb|Gm6|A7", "C|Am7|Dm7|G7", "F|C|Gm|Dm"),
    scales=("minor", "major"),
    human=0.014,
    crash=False,
    fills=({"snare": "1122334455667788"}, {"crash2": "1.1.2.2.3.3.4.56"}, {}),
    grooves=(
        {"kick": "x.......o.......", "snare": "....o..o....ooo."},
        {
            "kick": "x...............",
            "triangle": "....x.......x...",
            "tambourine": "........x.x.x.x.",
        },
        {"snare": "x..x..xxx.x.x...", "kick": "x.......x......."},
        {"crash2": "o...............", "kick": "x.....x........."},
    ),
    parts={
        "ensemble": Part((48, 49, 44), 50, 70, (HELD, "x-------x-------"), 0.8, swell=0.5),
        "cello": Part(
            (42, 43),
            36,
            50,
            ("r-------5-------", "r---5---8---5---", "r" + "-" * 15),
            0.8,
            swell=0.3,
        ),
        "violin": Part((40, 41, 73, 68, 60), 64, 86, TUNE, 0.85, voices=1, vibrato=0.9, swell=0.3),
        "plucked": Part(
            (45, 46),
            55,
            76,
            ("0.2.3.2.1.2.3.2.", "..x...x...x...x.", "x.......x...x..."),
            0.85,
            0.6,
            length=0.6,
        ),
        "timpani": Part(
            (47,),
            38,
            50,
            ("r---..r-r-------", "r-------5---r-r-", "r-..r-..rrrrrrrr"),
            1.0,
            0.9,
            length=2.0,
            percussive=True,
        ),
        "horns": Part((60, 61, 58), 50, 67, (HELD, "....x---x-------"), 0.6, 0.4, swell=0.3),
    },
)
STYLES["choir"] = Style(
    weight=1.5,
    tempo=(74, 118),
    kits=(0, 8, 25),
    chords=(*POP_CHORDS, "Fmaj7|Am7|Dm9|Bbmaj7 C"),
    scales=("major", "pentatonic"),
    fills=SOFT_FILLS,
    swing=(0.5, 0.58),
    swing_unit=1,
    grooves=(
        {"kick": "X......x..x.....", "snare": "....X..o.o..X...", "hihat": "x.xxx.x.x.xxx.xo"},
        {"kick": "X.....x.x.......", "clap": "....x.......x...", "tambourine": "x.o.x.o.x.o.x.o."},
        {"kick": "X..x....X..x....", "snare": "....X.......X...", "ride": "x.x.x.x.x.x.x.x."},
    ),
    parts={
        "bass": Part(
            (33, 32, 38), 28, 43, ("r-----.r..5-8---", "r-------r---5---", "r---r---r---a---"), 0.85
        ),
        "keys": Part((4, 0, 5, 16), 52, 72, ("x-----..x---....", "0-1-2-3-2-1-2-1-", HELD), 0.65),
        "choir": Part(
            (52, 53, 54), 53, 74, (HELD, "x-------x-------"), 0.7, 0.9, swell=0.3, voices=3
        ),
        "voice": Part((53, 54, 52, 85), 60, 79, TUNE, 0.95, voices=1, vibrato=0.8),
    },
)
STYLES["funk"] = Style(
    weight=1.5,
    tempo=(90, 124),
    kits=(0, 8),
    chords=FUNK_CHORDS,
    scales=("minor pentatonic", "blues", "dorian"),
    fills=ROCK_FILLS,
    swing=(0.5, 0.58),
    swing_unit=1,
    drive=(0, 4),
    density=(0.3, 0.7),
    grooves=(
        {"kick": "X..x..x...x..x..", "snare": "....X..o.o..X..o", "hihat": "x.x.xxx.x.x.x.xx"},
        {"kick": "X.x...x...x.....", "snare": "....X..o.oo.X..o", "hihat": "xxxxxxxxxxxxxxxx"},
        {
            "kick": "X.....xx..x...x.",
            "snare": "....X.......X..o",
            "hihat": "x.x.x.x.x.x.x...",
            "open": "..............x.",
            "conga": "...x..x....x..x.",
        },
    ),
    parts={
        "bass": Part(
            (36, 37, 33), 28, 43, ("r-.r..8.r.7.8.a-", "r..r..8..5.7-.a.", "rr..r-8-..7.5.r."), 0.8
        ),
        "guitar": Part(
            (28, 27),
            55,
            74,
            ("..x.xx.x..x.xx.x", "xxxxxxxxxxxxxxxx", "....x-......x-x."),
            0.75,
            length=0.7,
        ),
        "keys": Part((7, 4, 16), 50, 70, ("x..x...x.x..x...", HELD), 0.65, 0.8),
        "brass": Part((61, 56, 57), 57, 76, ("..........x-x---", "x-x...x---......"), 0.75, 0.6),
        "lead": Part((65, 66, 81, 27), 60, 80, TUNE, 0.75, 0.6, voices=1, vibrato=0.4),
    },
)
STYLES["ballad"] = Style(
    tempo=(58, 86),
    kits=(0, 8, 40),
    chords=POP_CHORDS,
    scales=("major", "pentatonic"),
    fills=SOFT_FILLS,
    density=(0.2, 0.45),
    human=0.01,
    grooves=(
        {"kick": "X.....x.x.......", "snare": "....x.......x...", "hihat": "x.x.x.x.x.x.x.x."},
        {"kick": "x.......x.x.....", "sidestick": "....x.......x...", "hihat": "xoxoxoxoxoxoxoxo"},
        {"kick": "x.........x.....", "tap": "....x.......x...", "ride": "x.x.x.x.x.x.x.x."},
    ),
    parts={
        "bass": Part((32, 33, 35), 28, 43, ("r-------5-------", "r-----r-5---8---"), 0.85),
        "piano": Part((0, 4, 5), 52, 74, ("0-1-2-3-2-1-2-1-", "x---x---x---x---", HELD), 0.8),
        "guitar": Part((25, 24), 50, 69, ("0-2-1-3-2-1-3-2-", "d---d-u-..u-d-u-"), 0.7, 0.6),
        "strings": Part((48, 49, 50), 55, 76, (HELD,), 0.55, 0.7, swell=0.3),
        "voice": Part((53, 54, 71, 73, 40, 64), 60, 79, TUNE, 0.9, voices=1, vibrato=0.8),
    },
)
STYLES["reggae"] = Style(
    tempo=(68, 92),
    kits=(0, 8),
    chords=POP_CHORDS + MINOR_CHORDS,
    scales=("minor pentatonic", "major"),
    fills=(*ROCK_FILLS[:2], {"timbale": "..........xxx.x."}),
    swing=(0.5, 0.6),
    swing_unit=1,
    grooves=(
        {"kick": "........X.......", "sidestick": "........X.......", "hihat": "x.xox.x.x.xox.x."},
        {"kick": "X...X...X...X...", "snare": "........X.......", "hihat": "..x...x...x...x."},
        {
            "kick": "........X.....x.",
            "snare": "........x..o....",
            "hihat": "x.x.x.x.x.x.x.xx",
            "bongo_high": "...x..x...x.....",
        },
    ),
    parts={
        "bass": Part(
            (33, 35), 28, 43, ("r---r-3-5---....", "..r-r-..8-5-3-r-", "r---....5-3-r---"), 0.95
        ),
        "skank": Part((27, 28), 55, 74, ("..x...x...x...x.", "....x.......x..."), 0.7, length=0.5),
        "organ": Part((16, 17, 18), 55, 72, ("..x.x.x...x.x.x.", HELD), 0.55, 0.8),
        "voice": Part((54, 53, 56, 57), 60, 79, TUNE, 0.85, 0.8, voices=1, vibrato=0.5),
    },
)
STYLES["disco"] = Style(
    tempo=(108, 130),
    kits=(0, 8, 24),
    chords=MINOR_CHORDS + JAZZ_CHORDS[:4],
    fills=ROCK_FILLS + DANCE_FILLS,
    scales=("minor", "dorian", "pentatonic"),
    human=0.004,
    grooves=(
        {
            "kick": "X...X...X...X...",
            "snare": "....X.......X...",
            "hihat": "x.o.x.o.x.o.x.o.",
            "open": "..x...x...x...x.",
        },
        {
            "kick": "X...X...X...X...",
            "clap": "....X.......X...",
            "hihat": "xxoxxxoxxxoxxxox",
            "tambourine": "..x...x...x...x.",
        },
        {"kick": "X...X...X...X...", "snare": "....X..o....X..o", "cowbell": "x.x.x.x.x.x.x.x."},
    ),
    parts={
        "bass": Part(
            (33, 36, 38), 28, 43, ("r-8-r-8-r-8-r-8-", "r.r8..r8r.r8.5a.", "r-r-8-8-r-r-5-a-"), 0.85
        ),
        "guitar": Part(
            (28, 27), 55, 74, ("..xx..xx..xx..xx", "x.xxx.xxx.xxx.xx"), 0.65, length=0.6
        ),
        "strings": Part((48, 49, 50), 60, 80, (HELD, "x-x-x---........"), 0.7, 0.8),
        "keys": Part((0, 4, 7), 52, 72, ("x---x---x---x---", "..x...x...x...x."), 0.6, 0.7),
        "voice": Part((54, 53, 81, 65), 60, 79, TUNE, 0.85, 0.8, voices=1, vibrato=0.5),
    },
)
STYLES["waltz"] = Style(
    tempo=(90, 180),
    kits=(0, 32, 40, 48),
    steps=12,
    beat=4,
    chords=POP_CHORDS + JAZZ_CHORDS[:5],
    scales=("major", "minor"),
    fills=({"snare": "....o.xxx.x."}, {"tom_high": "....x.x.....", "tom_low": "........x.x."}),
    swing=(0.5, 0.62),
    human=0.01,
    crash=False,
    grooves=(
        {"kick": "x...........", "snare": "....o...o...", "hihat": "x...x...x..."},
        {"kick": "x.....x.....", "tap": "....x...x.o.", "ride": "x...x.x.x..."},
        {"kick": "X...........", "snare": "........X...", "hihat": "x.x.x.x.x.x."},
    ),
    parts={
        "bass": Part((32, 43, 58), 28, 45, ("r-----------", "r-------5---", "r---3---5---"), 0.9),
        "chords": Part(
            (0, 21, 24, 25, 45), 52, 70, ("....x-..x-..", "0-1-2-3-2-1-", "....d-..d-u-"), 0.75
        ),
        "strings": Part((48, 49, 91), 55, 74, ("x-----------",), 0.55, 0.5, swell=0.3),
        "lead": Part((40, 73, 71, 22, 21, 64, 0), 60, 84, TUNE, 0.9, voices=1, vibrato=0.6),
    },
)
STYLES["hiphop"] = Style(
    tempo=(72, 102),
    kits=(0, 8, 24, 25),
    chords=(*MINOR_CHORDS, "Am7|Dm9", "Dm9|Am7", "Fmaj7|Em7|Am7|Am7"),
    scales=("minor", "minor pentatonic", "blues"),
    fills=(*DANCE_FILLS, {}),
    swing=(0.5, 0.64),
    swing_unit=1,
    grooves=(
        {"kick": "X..x......x.....", "snare": "....X.......X...", "hihat": "x.x.x.x.x.x.x.xx"},
        {"kick": "X......x.x......", "clap": "....X.......X...", "hihat": "xxx.x.xxxxx.xxxx"},
        {
            "kick": "X.x....x..X....x",
            "snare": "....X..o.o..X...",
            "hihat": "x.x.x.x.x.x.x.x.",
            "open": "......x.........",
        },
        {
            "kick": "X.........x..x..",
            "snare": "........X.......",
            "hihat": "x.x.x.xxxxxxx.x.",
            "sidestick": "...x..........x.",
        },
    ),
    parts={
        "bass": Part(
            (38, 33, 39, 35), 28, 41, ("r-----..r-..5-..", "r--r------8-----", "r" + "-" * 15), 0.95
        ),
        "keys": Part((4, 0, 5, 11), 52, 72, ("x-----..x---....", "0-..1-2-3-..2-1-", HELD), 0.7),
        "pad": Part((89, 91, 48, 52), 55, 74, (HELD,), 0.5, 0.6, swell=0.3),
        "lead": Part((73, 75, 80, 27, 56, 53, 46), 60, 82, TUNE, 0.7, 0.8, voices=1, vibrato=0.3),
    },
)
STYLES["country"] = Style(
    tempo=(90, 160),
    kits=(0, 40),
    chords=(*POP_CHORDS, "C|F|C|G7", "G|C|D7|G"),
    fills=ROCK_FILLS[1:3] + SOFT_FILLS,
    scales=("pentatonic", "major", "mixolydian"),
    drive=(0, 5),
    density=(0.4, 0.8),
    grooves=(
        {"kick": "X.......X.......", "snare": "....X.o.....X.o.", "hihat": "x.x.x.x.x.x.x.x."},
        {"kick": "x...x...x...x...", "tap": "o.x.o.x.o.x.o.x.", "pedal": "..x...x...x...x."},
        {"kick": "X.....x.X.......", "sidestick": "....X.......X...", "ride": "x.x.x.x.x.x.x.x."},
    ),
    parts={
        "bass": Part((32, 33), 28, 43, ("r-------5-------", "r---5---r---5-a-"), 0.85),
        "strum": Part(
            (25,), 50, 69, ("....d-......d-u-", "d-d-du.ud-d-du.u", "0-2-1-3-2-1-3-2-"), 0.8
        ),
        "electric": Part(
            (27, 26, 105), 55, 76, ("0.2.3.2.1.2.3.2.", "..x...x...x...x."), 0.65, 0.7
        ),
        "lead": Part((22, 110, 27, 26, 105), 62, 84, TUNE, 0.8, voices=1, vibrato=0.5),
        "voice": Part((53, 54), 55, 72, TUNE, 0.9, 0.4, voices=1, vibrato=0.6),
    },
)
STYLES["shuffle"] = Style(
    tempo=(84, 140),
    kits=(0, 8, 32),
    chords=("C7|C7|F7|C7", "C7|F7|C7|G7", "A7|D7|A7|E7", "G7|C7|G7|D7"),
    scales=("blues", "minor pentatonic", "mixolydian"),
    fills=ROCK_FILLS,
    swing=(0.62, 0.68),
    drive=(2, 14),
    density=(0.4, 0.7),
    grooves=(
        {"kick": "X.....x.X.....x.", "snare": "....X.......X.o.", "hihat": "x...x.x.x...x.x."},
        {"kick": "X...x...X...x...", "snare": "....X.o...o.X.o.", "ride": "x.x.x.x.x.x.x.x."},
    ),
    parts={
        "bass": Part((33, 32), 28, 45, (*WALK, "r-r-3-3-5-5-7-7-"), 0.9),
        "riff": Part((29, 27), 43, 57, ("x-x-x-x-x-x-x-x-", "x-..x-..x-..x-x-"), 0.75, power=True),
        "keys": Part((0, 16, 18), 52, 72, ("x---..x-x---..x-", "..x...x...x...x."), 0.6, 0.8),
        "lead": Part((29, 27, 22, 66, 65), 60, 82, TUNE, 0.85, voices=1, vibrato=0.6),
    },
)


def _check() -> None:
    """Refuse a pattern of the wrong length as soon as the styles are loaded."""
    for name, style in STYLES.items():
        patterns = [p for g in (*style.grooves, *style.fills) for p in g.values()]
        patterns += [p for part in style.parts.values() for p in part.lines if p != "melody"]
        wrong = [p for p in patterns if len(p) % style.steps]
        if wrong:
            raise ValueError(f"style {name}: patterns of a wrong length: {wrong}")


_check()
