"""What a reader may be handed: files that keep their shape and lie about the rest.

Each test makes something whole, breaks it where its kind of file has its joints, and reads it. Out
come sound values or an error of the documented kinds; no other error, no half file, and no wait.
A hundred examples each, the same every time; `make fuzz` takes ten thousand new ones of each
(HPSS_FUZZ says how many).
"""

import csv
import faulthandler
import json
import os
import re
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from hpss_lib import audio, data, madtwinnet, scoreboard, training
from hpss_lib.separation import separate_file

EXAMPLES = int(os.environ.get("HPSS_FUZZ", "0"))
LONGEST = 300  # seconds that one example may take before all ends, saying where it was
TOLD = (OSError, ValueError)  # what the docstrings name

fuzzed = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def no_hang():
    faulthandler.dump_traceback_later(LONGEST + EXAMPLES, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


# --------------------------------------------------------------------------- bytes with joints

LOUD_BYTES = [b"\0", b"\1", b"\x7f", b"\x80", b"\xff", bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f"]
values = st.one_of(st.sampled_from([*LOUD_BYTES, b"\0\0\0\x80", bytes(8)]), st.binary(max_size=9))


JOINTS = re.compile(
    rb"RIFF|RF64|WAVE|fmt |fact|data|PEAK|ds64|fLaC|OggS|\xff[\xf8-\xfb]|Xing|Info|LAME|FORM|COMM|"
    rb"SSND|vorbis|\"|\{|\}|\n|,|PK"
)


def joints(whole):
    """Where the parts of a file begin: names of chunks, pages, frames, keys."""
    return [match.start() for match in JOINTS.finditer(whole)][:400] or [0]


@st.composite
def edits(draw):
    """A few changes: (kind, joint, how far behind it, how many bytes, new bytes)."""
    kinds = st.sampled_from(["put", "insert", "cut", "repeat", "end", "move"])
    one = st.tuples(kinds, st.integers(0, 399), st.integers(0, 48), st.integers(1, 4000), values)
    return draw(st.lists(one, max_size=4))


def broken(whole, changes):
    """The bytes after these changes."""
    for kind, joint, behind, count, new in changes:
        places = joints(whole)
        at = min(places[joint % len(places)] + behind, len(whole))
        piece = whole[at : at + count]
        if kind == "put":
            whole = whole[:at] + new + whole[at + len(new) :]
        elif kind == "insert":
            whole = whole[:at] + new + whole[at:]
        elif kind == "cut":
            whole = whole[:at] + whole[at + count :]
        elif kind == "repeat":
            whole = whole[:at] + piece * (2 + count % 7) + whole[at:]
        elif kind == "end":
            whole = whole[:at]
        else:
            rest = whole[:at] + whole[at + count :]
            to = places[behind % len(places)]
            whole = rest[:to] + piece + rest[to:]
    return whole


# -------------------------------------------------------------------------------------- sounds

KINDS = {
    "wav": [("WAV", "PCM_16", 1), ("WAV", "FLOAT", 2), ("WAVEX", "PCM_24", 6)],
    "rf64": [("RF64", "PCM_16", 1)],
    "flac": [("FLAC", "PCM_16", 1), ("FLAC", "PCM_24", 2)],
    "ogg": [("OGG", "VORBIS", 2)],
    "mp3": [("MP3", None, 1), ("MP3", None, 2)],
    "aiff": [("AIFF", "PCM_16", 2)],
}  # fmt: skip
SOUNDS = [(suffix, *facts) for suffix, all_facts in KINDS.items() for facts in all_facts]


@cache
def sound(container, subtype, channels, rate):
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, channels))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        soundfile.write(path, x, rate, subtype, format=container)
        return path.read_bytes()


@fuzzed
@given(
    st.sampled_from(SOUNDS), st.sampled_from([8000, 44100]), edits(), st.sampled_from([*KINDS, "x"])
)
def test_a_sound_is_read_or_refused(kind, rate, changes, other):
    suffix, *facts = kind
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        path = Path(folder, f"a.{suffix if len(changes) % 4 else other}")
        path.write_bytes(broken(sound(*facts, rate), changes))
        try:
            x, rate = audio.read(path)
        except TOLD:
            with pytest.raises(TOLD):
                list(audio.read_blocks(path))
            return
        assert x.dtype == np.float32 and x.ndim == 2 and x.size and np.isfinite(x).all()
        np.testing.assert_array_equal(np.concatenate(list(audio.read_blocks(path))), x)
        stated = audio.header(path)
        assert stated[1:] == (x.shape[1], rate)
        if len(x) / rate < 2 and x.size < 50_000:
            out = Path(folder, "out")
            try:
                paths = separate_file(path, out, method="median")
            except TOLD:
                assert not out.exists() or not list(out.iterdir()), "half a result"
            else:
                parts = [audio.read(one)[0] for one in paths]
                assert len(list(out.iterdir())) == 2 and parts[0].shape == x.shape
                scale = max(1, np.abs(x).max())
                np.testing.assert_allclose(sum(parts) / scale, x / scale, atol=1e-5)


# ------------------------------------------------------------------------ weights, checkpoints

TINY = madtwinnet.Config(bins=9, low_bins=4, frames=6, context=1, hidden=3)
PLAN = training.Plan(steps=2, batch=2, bf16=False)
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([0, -1, 1, 2**31, 2**63, 1e9, "9", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)  # fmt: skip


@cache
def tensors():
    return {k: v.half() for k, v in madtwinnet.MaDTwinNet(TINY).state_dict().items()}


@fuzzed
@given(
    st.dictionaries(st.sampled_from([*madtwinnet.Config.__annotations__, "else"]), odd, max_size=3),
    st.sampled_from(["whole", "config odd", "no config", "a tensor less", "another shape"]),
    odd,
    edits(),
)
def test_weights_are_read_or_refused(config, kind, other, changes):
    state = dict(tensors())
    if kind == "a tensor less":
        state.popitem()
    if kind == "another shape":
        name = sorted(state)[len(changes)]
        state[name] = torch.zeros(3, 2, dtype=torch.float16)
    settings = other if kind == "config odd" else vars(TINY) | config
    story = {} if kind == "no config" else {"config": json.dumps(settings)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.safetensors")
        path.write_bytes(broken(save(state, story), changes))
        try:
            model, story = madtwinnet.read_model(path)
        except TOLD:
            return
        shapes = {k: v.shape for k, v in model.state_dict().items()}
        assert shapes == {k: v.shape for k, v in state.items()} and "config" in story


@cache
def checkpoint():
    """What a run of no steps keeps: (bytes, the same as Python values)."""

    def nothing(rng):
        raise AssertionError("no batch is drawn")

    with tempfile.TemporaryDirectory() as folder:
        state = training._begin(Path(folder), TINY, PLAN, None, "cpu")
        training._save(state, Path(folder), TINY, PLAN)
        path = Path(folder, "checkpoint.pt")
        return path.read_bytes(), torch.load(path, weights_only=True)


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from(["learner", "average", "optimiser", "run", "step", "best", "seconds", "x"]),
        odd,
        max_size=2,
    ),
    st.sampled_from(["whole", "an item less", "something else"]),
    odd,
    edits(),
)
def test_a_checkpoint_is_gone_on_from_or_refused(items, kind, other, changes):
    written, kept = checkpoint()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pt")
        if items or kind != "whole":
            kept = dict(kept) | items
            if kind == "an item less":
                kept.pop(sorted(kept)[len(changes)])
            torch.save(other if kind == "something else" else kept, path)
            written = path.read_bytes()
        path.write_bytes(broken(written, changes))
        before = path.read_bytes()
        try:
            state = training._begin(Path(folder), TINY, PLAN, None, "cpu")
        except TOLD as error:
            assert str(path) in str(error), "the message names the file"
        else:
            assert isinstance(state.step, int) and state.step >= 0
            assert isinstance(state.best, float) and isinstance(state.seconds, float)
        assert path.read_bytes() == before and len(list(Path(folder).iterdir())) == 1


# --------------------------------------------------------------------------------- the results


@cache
def results():
    row = dict.fromkeys(scoreboard.COLUMNS, "") | {"frames": 1, "undefined": 0, "sdr": 3.25}
    rows = [
        row | {"song": song, "method": "median", "source": source, "protocol": protocol}
        for song in ("one", "två, tre")
        for protocol in ("plain", "v3-30s")
        for source in ("percussive", "harmonic")
    ]
    rows += [row | {"frame": 0, "frames": 1, "start": 0.0, "seconds": 30.0} for row in rows[2:4]]
    with tempfile.TemporaryDirectory() as folder:
        scoreboard.write_rows(Path(folder, "a.csv"), rows)
        return Path(folder, "a.csv").read_bytes()


@fuzzed
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 25), st.text(max_size=6)), max_size=3),
    edits(),
)
def test_results_are_read_or_refused(cells, changes):
    lines = list(csv.reader(results().decode().splitlines()))
    for line, cell, text in cells:
        lines[line % len(lines)][cell % len(lines[0])] = text
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
        path.write_bytes(broken(path.read_bytes(), changes))
        try:
            rows = scoreboard.read_rows(path)
        except TOLD as error:
            assert str(path) in str(error), "the message names the file"
            return
        assert isinstance(scoreboard.format_summary(rows), str)
        scoreboard.write_rows(path, rows)  # as a run that goes on does
        assert scoreboard.to_csv(scoreboard.read_rows(path)) == scoreboard.to_csv(rows)


# ------------------------------------------------------------------------------- songs' folders

names = st.one_of(
    st.builds(
        "{}{}".format,
        st.sampled_from(
            "drums Drums drum harmonic bass other vocals guitar piano mixture mix kick é "
            "a.percussive a.harmonic song.stem ._drums .drums".split()
        ),
        st.sampled_from([*data.SUFFIXES, ".WAV", ".m4a", ".aiff", ".mp4", ".txt", "", "."]),
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1),
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
folders = st.sampled_from(["", "a", "a/b", "drums", "drum_hits", "train", "Sources/Dev", "__MACOSX",
                           ".git", "test", "a.wav"])  # fmt: skip


@fuzzed
@given(
    st.lists(st.tuples(folders, names), max_size=8),
    st.lists(st.tuples(folders, folders), max_size=3),
    st.sampled_from(["train", "test"]),
)
def test_every_sound_in_a_folder_is_a_songs_or_refused(files, links, subset):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "music")
        root.mkdir()
        for place, name in files:
            try:
                (root / place).mkdir(parents=True, exist_ok=True)
            except FileExistsError:  # a file has that name by now, and stands in the way
                continue
            if not (root / place / name).exists():
                (root / place / name).touch()
        for place, to in links:
            link = root / place / "link"
            if (root / place).is_dir() and not link.exists() and not link.is_symlink():
                link.symlink_to(root / to)
        try:
            songs = data.find_songs(root, subset=subset)
        except TOLD as error:
            assert str(root) in str(error), "the message names the folder"
            return
        assert songs == data.find_songs(root, subset=subset)
        used = [f.resolve() for song in songs for f in (*song.percussive, *song.harmonic)]
        assert all(f.is_file() for f in used)
        if not links and not ({"train", "test", "Sources/Dev"} & {place for place, _ in files}):
            assert {f.name for f in sounds(root)} <= {f.name for f in used} | mixtures(songs)


def sounds(root):
    """The sound files that are not hidden, nor in a folder that is."""
    hidden = (".", "__MACOSX")
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if path.is_file() and path.suffix.lower() in data.SUFFIXES:
            if not any(part.startswith(hidden) for part in parts[:-1]) and parts[-1][0] != ".":
                yield path


def mixtures(songs):
    """Names under which a song's mixture may stand beside it, unread."""
    return {f"mixture{suffix}" for suffix in (*data.SUFFIXES, ".WAV")} if songs else set()
