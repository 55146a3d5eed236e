"""The book's own excerpts: what the tool composes is what lies in the folder."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import render_excerpts as tool

from hpss_lib.songs.performing import perform
from hpss_lib.songs.score import parse_chord

ROOT = Path(__file__).resolve().parents[2]


def test_the_excerpts_are_scores_of_ten_to_fifteen_seconds():
    assert len(tool.EXCERPTS) >= 6
    for name, (title, style, _, written) in tool.EXCERPTS.items():
        song = perform(written, tool.SEED)
        assert title and style and 10 <= song.seconds <= 15.1, name
        assert {n.percussive for n in song.notes} == {True, False}


def test_the_excerpts_on_disk_are_those_of_the_tool():
    import soundfile

    folder = ROOT / "hpss_lib" / "excerpts"
    index = json.loads((folder / "index.json").read_text())
    assert list(index) == list(tool.EXCERPTS)
    assert sum(f.stat().st_size for f in folder.iterdir()) < 6e6
    for name, entry in index.items():
        stems = [soundfile.read(folder / f"{name}.{r}.ogg") for r in ("percussive", "harmonic")]
        (x_p, rate), (x_h, _) = stems
        assert rate == 44100 and x_p.ndim == 1 and len(x_p) == len(x_h)
        assert len(x_p) / rate == pytest.approx(entry["seconds"], abs=0.01)
        assert 0.6 < np.max(np.abs(x_p + x_h)) < 0.8
        ratio_db = 10 * np.log10(np.mean(x_p**2) / np.mean(x_h**2))
        assert -3.2 < ratio_db < 3.2, name
        assert np.max(np.abs(x_p[-20:])) < 1e-3 and np.max(np.abs(x_h[-20:])) < 1e-3
        assert entry == tool.describe(name, len(x_p) / rate)
        assert "CC BY 4.0" in entry["licence"] and entry["tempo"] > 0 and entry["source"]


def test_beats_and_chords_on_disk_are_what_is_played():
    index = json.loads((ROOT / "hpss_lib" / "excerpts" / "index.json").read_text())
    for name, entry in index.items():
        assert np.allclose(np.diff(entry["beats"]), 60 / entry["tempo"], atol=2e-4), name
        starts, ends, symbols = zip(*entry["chords"], strict=True)
        assert starts[0] == 0 and starts[1:] == ends[:-1] and ends[-1] <= entry["seconds"], name
        assert all(a != b for a, b in itertools.pairwise(symbols[:-1])), name
        # Under every chord its root is played.
        song = perform(tool.EXCERPTS[name][3], tool.SEED)
        notes = [n for n in song.notes if not n.percussive]
        for start, end, symbol in entry["chords"]:
            begun = {n.pitch % 12 for n in notes if start - 0.05 < n.onset < end - 0.05}
            assert parse_chord(symbol)[0] in begun, (name, symbol)
