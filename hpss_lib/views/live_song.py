"""A reader's own song under a kernel: choose a file, separate it, hear it, and keep the parts.

Unlike the page "Your own song", which computes in the browser, this computes in the kernel, so that
the reader's own functions can have their turn. Sound that is longer than the bound is cut off; what
cannot be separated is said in one line, before anything has begun.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpss_lib import audio
from hpss_lib.audio import SOURCES
from hpss_lib.separation import METHODS, PHASES, separate
from hpss_lib.stft import COMPACT, SAMPLE_RATE, stft
from hpss_lib.views import output, players

FOLDER = "separated"  # beside the notebook: where the parts are written
MOST_SECONDS, ON_BINDER = 180, 60  # of sound; what a player can hold, what two lent cores can do
_UPLOAD = 10  # MB: Jupyter refuses larger messages unless it is told otherwise
_BLOCK = 300  # frames between two reports of progress, 3.5 s
_BANDS = {
    "of what is below 150 Hz": (0, 150),
    "from there to 5 kHz": (150, 5000),
    "above": (5000, 30000),
}
_PHASES = {
    "mixture": "of the mixture",
    "pu": "PU-iter, closed form",
    "pu-iter": "PU-iter, iterated",
}

Progress = Callable[[float], object]  # told the seconds done since the last call


@dataclass(frozen=True)
class Separator:
    """A way to separate: separate(x (n, channels), rate, phase, progress) -> s_p, s_h.

    phases: the keys of PHASES that it knows.
    """

    separate: Callable[[np.ndarray, int, str, Progress], tuple[np.ndarray, np.ndarray]]
    phases: tuple[str, ...] = tuple(PHASES)


def library() -> dict[str, Separator]:
    """The library's methods by label."""

    def of(method: str) -> Separator:
        return Separator(
            lambda x, rate, phase, progress: separate(
                x, rate, method=method, phase=phase, progress=progress, block=_BLOCK
            )
        )

    return {f"the library's: {method.label}": of(name) for name, method in METHODS.items()}


def most_seconds() -> int:
    """The longest sound that is separated, in s: less on Binder, whose machines are small."""
    lent = any(name.startswith("BINDER_") for name in os.environ)
    return ON_BINDER if lent else MOST_SECONDS


# --------------------------------------------------------------------------- what needs no widgets


def beginning(path: str | Path, seconds: float) -> tuple[np.ndarray, int]:
    """Read the first seconds of a sound file, however long it is.

    Returns x (n, channels) float32 and its rate in Hz. Raises what `audio.read` raises, and
    ValueError where all of it is silent.
    """
    rate = audio.header(path).rate
    wanted, parts = round(seconds * rate), []
    blocks = audio.read_blocks(path)
    while (held := sum(map(len, parts))) < wanted and (block := next(blocks, None)) is not None:
        parts.append(block[: wanted - held])
    x = np.concatenate(parts)
    if not np.any(x):
        raise ValueError(
            f"{path} is silent in its first {len(x) / rate:.0f} s: there is nothing to separate"
        )
    return x, rate


def described(path: str | Path, seconds: float) -> str:
    """One line on a sound file: its length, channels and rate, and how much will be separated.

    Raises what `audio.read` raises.
    """
    n, channels, rate = audio.header(path)
    whole = n / rate
    what = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
    used = "All of it" if whole <= seconds else f"Its first {seconds:.0f} s"
    more = ""
    if whole > most_seconds():
        more = (
            f" The bound here is {most_seconds()} s; for all of it: hpss separate {Path(path).name}"
        )
    return (
        f"{Path(path).name}: {players.clock(whole)[:-2]}, {what}, {rate / 1000:g} kHz. "
        f"{used} will be separated.{more}"
    )


def left(done: float, whole: float, elapsed: float) -> str:
    """How long the rest will take, in words, from the seconds of sound done in `elapsed` s."""
    if done <= 0:
        return "beginning"
    if done >= whole:
        return "100 %, drawing and writing"
    seconds = elapsed * (whole - done) / done
    return f"{100 * done / whole:.0f} %, about {max(1, round(seconds))} s left"


def pictures_say(s_p: np.ndarray, s_h: np.ndarray, rate: int) -> str:
    """What the spectrograms show, in numbers: the drums' share of the energy, by frequency.

    s_p, s_h: (n, channels) at `rate` Hz.
    """
    energy = [_energies(_mono(s, rate)) for s in (s_p, s_h)]
    total = np.sum(energy)
    if not total:
        return ""
    shares = []
    for band, p, h in zip(_BANDS, *energy, strict=True):
        if p + h > 1e-4 * total:
            shares.append(f"{100 * p / (p + h):.0f} % {band}")
    return (
        f"The drums took {100 * np.sum(energy[0]) / total:.0f} % of the energy: "
        f"{', '.join(shares)}."
    )


def _energies(x: np.ndarray) -> np.ndarray:
    """The energy of a signal (n,) in each of the bands."""
    power = np.square(np.abs(stft(x, COMPACT))).sum(axis=1)
    f = np.arange(len(power)) * SAMPLE_RATE / COMPACT.n_fft
    return np.array([power[(low <= f) & (f < high)].sum() for low, high in _BANDS.values()])


def _mono(x: np.ndarray, rate: int) -> np.ndarray:
    return audio.resample(x.mean(axis=1), rate, SAMPLE_RATE).astype(np.float32)


def written(folder: Path, name: str, parts: tuple[np.ndarray, np.ndarray], rate: int) -> list[Path]:
    """Write both parts, (n, channels) each, as 32-bit float WAV into a folder: their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{Path(name).stem}.{source}.wav" for source in SOURCES]
    blocks = zip(*(audio.blocks(s) for s in parts), strict=True)
    audio.write_together(paths, blocks, rate, parts[0].shape[1])
    return paths


def result_html(
    x: np.ndarray, parts: tuple[np.ndarray, np.ndarray], rate: int, name: str, paths: list[Path]
) -> str:
    """Player, the pictures' numbers, and a link to each of the files."""
    stems = zip(("mixture", *SOURCES), (x, *parts), strict=True)
    links = " ".join(
        f'<a href="{output.escape(path.as_posix())}" download>{path.name} '
        f"({path.stat().st_size / 1e6:.1f} MB)</a>"
        for path in paths
    )
    said = output.escape(pictures_say(*parts, rate))
    player = players.stem_player_html(
        {label: _mono(s, rate) for label, s in stems},
        name="live-song",
        title=Path(name).stem.translate(str.maketrans("$*`", "   ")),
        muted=SOURCES,
    )
    return (
        f'{player}<p class="hpss hpss-text">{said}</p>'
        f'<p class="hpss hpss-live-links">Save (WAV, 32-bit float; they sum to the song): {links}'
        "</p>"
    )


# --------------------------------------------------------------------------------------- the panel


def show(own: Mapping[str, Separator] | None = None) -> None:
    """Show the panel under a kernel; on the built page, where there is none, a word on where it is.

    own: the reader's separators by label, offered before the library's.
    """
    if output.is_static():
        output.emit(_static_html(), "[Your own song: needs a kernel]")
        return
    from IPython.display import display

    output.emit("", "[Your own song]")
    display(panel({**(own or {}), **library()})[0])


def _static_html() -> str:
    return (
        '<p class="hpss hpss-note" id="live-song">Here stands a panel that separates a song of '
        "yours by your own functions. It needs a kernel: open this chapter with "
        "<code>make lab</code>. Without one, the page <b>Your own song</b> does the library's "
        "part of it in your browser.</p>"
    )


def _promise() -> str:
    """Where the song goes and how much of it is taken, said before anything begins."""
    bound = most_seconds()
    where = (
        f"On Binder: at most {bound} s of sound, and the song is sent to the machine that Binder "
        "lends you, which is wiped afterwards. The page “Your own song” sends nothing."
        if bound == ON_BINDER
        else f"Nothing leaves this machine. At most {bound} s of sound."
    )
    return (
        f"{where} WAV, FLAC, Ogg or MP3; the button takes files up to {_UPLOAD} MB (Jupyter's "
        "limit, more with <code>make lab</code>): larger ones by their path."
    )


def panel(separators: Mapping[str, Separator]) -> tuple[Any, dict[str, Any]]:
    """The widgets: (the box that holds all of them, each one by name)."""
    import ipywidgets as widgets

    look = {
        "style": {"description_width": "6rem"},
        "layout": widgets.Layout(width="min(100%, 36rem)"),
    }
    bound = most_seconds()
    made = {
        "upload": widgets.FileUpload(accept="audio/*", description="Choose a file"),
        "path": widgets.Text(
            description="or its path", placeholder="song.mp3", continuous_update=False, **look
        ),
        "method": widgets.Dropdown(options=list(separators), description="Method", **look),
        "phase": widgets.Dropdown(description="Phases", **look),
        "seconds": widgets.IntSlider(
            value=30, min=5, max=bound, step=5, description="Seconds", **look
        ),
        "start": widgets.Button(description="Separate", button_style="primary"),
        "progress": widgets.FloatProgress(max=1.0, layout=look["layout"]),
        "said": widgets.HTML(),
        "result": widgets.Output(),
    }
    state = _Song(made, separators)
    made["upload"].observe(state.uploaded, names="value")
    made["path"].observe(state.named, names="value")
    made["seconds"].observe(state.announce, names="value")
    made["method"].observe(state.offer_phases, names="value")
    made["start"].on_click(state.run)
    state.offer_phases()
    head = widgets.HTML(
        f'<p class="hpss-title">Your own song, live</p><p class="hpss-note">{_promise()}</p>'
    )
    box = widgets.VBox([head, *made.values()])
    for name in ("hpss", "hpss-control", "hpss-live", "hpss-live-song"):
        box.add_class(name)
    return box, made


class _Song:
    """What the panel's widgets do: the song that is chosen, and its separation.

    All of it runs in the kernel's own thread: cells wait meanwhile, and Interrupt stops it.
    """

    def __init__(self, made: dict[str, Any], separators: Mapping[str, Separator]):
        self.made, self.separators = made, separators
        self.path: Path | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="hpss-")  # gone when the kernel ends

    def say(self, words: object, role: str = "status") -> None:
        """Show one line; role "alert" where something is wrong."""
        line = " ".join(str(words).replace(f"{self.folder.name}{os.sep}", "").split())
        look = ' class="hpss-error"' if role == "alert" else ""
        self.made["said"].value = f'<p role="{role}"{look}>{output.escape(line)}</p>'

    def uploaded(self, change: Any) -> None:
        """Keep the file that the button has brought, on the disk instead of in memory."""
        if not change["new"]:
            return
        file = change["new"][0]
        self.path = Path(self.folder.name) / Path(file["name"]).name
        self.path.write_bytes(file["content"])
        self.made["path"].value = ""
        self.made["upload"].value = ()
        self.announce()

    def named(self, change: Any) -> None:
        """Take the file whose path was typed."""
        if text := change["new"].strip().strip("\"'"):
            self.path = Path(text).expanduser()
            self.announce()

    def offer_phases(self, _change: object = None) -> None:
        """Offer the phases that the chosen method knows."""
        known = self.separators[self.made["method"].value].phases
        self.made["phase"].options = [(_PHASES[key], key) for key in known]
        self.made["phase"].value = known[0]

    def announce(self, _change: object = None) -> None:
        """Say what has been chosen and how much of it will be separated, or what is wrong."""
        if self.path is None:
            return
        try:
            self.say(described(self.path, self.made["seconds"].value))
        except (OSError, ValueError) as error:
            self.say(error, "alert")

    def run(self, _button: object = None) -> None:
        """Separate, show, and write; whatever goes wrong is one line."""
        self.made["result"].outputs = ()
        self.made["progress"].value = 0.0
        if self.path is None:
            self.say("Choose a file first.", "alert")
            return
        try:
            self._separate(self.path)
        except KeyboardInterrupt:
            self.say("Stopped.")
        except (OSError, ValueError) as error:
            self.say(error, "alert")
        except Exception as error:  # of the reader's own functions, which may raise anything
            self.say(f"{type(error).__name__}: {error}", "alert")

    def _separate(self, path: Path) -> None:
        made, begun, done = self.made, time.monotonic(), 0.0
        x, rate = beginning(path, made["seconds"].value)
        whole = len(x) / rate

        def progress(seconds: float) -> None:
            nonlocal done
            done = min(done + seconds, whole)
            made["progress"].value = done / whole
            self.say(left(done, whole, time.monotonic() - begun))

        self.say(f"{left(0, whole, 0)} …")
        chosen = self.separators[made["method"].value]
        parts = chosen.separate(x, rate, made["phase"].value, progress)
        took = time.monotonic() - begun
        paths = written(Path(FOLDER), path.name, parts, rate)
        markup = result_html(x, parts, rate, path.name, paths)
        data = {"text/html": markup, "text/plain": f"[Stem player: {path.name}]"}
        made["progress"].value = 1.0
        self.say(f"{path.name}: {whole:.1f} s of sound in {took:.1f} s. Written to {FOLDER}/.")
        made["result"].outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)
