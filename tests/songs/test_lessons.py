"""Lessons: written whole and once, by one process or several; the same from the same seed."""

import shutil

import numpy as np
import pytest

from hpss_lib.songs import instruments, lessons

RATE = 44100


def test_songs_are_written_whole_and_not_twice(recordings, tmp_path, monkeypatch):
    import soundfile

    def silent(song, **_):
        return np.zeros(round(song.seconds * RATE), np.float32)

    monkeypatch.setattr(instruments, "synthesise", silent)
    kept = {"sounds": ("recorded",), "instruments": recordings, "lengths": (20.0, 20.0)}
    out = tmp_path / "songs"
    assert [n for n, _ in lessons.write_songs(out, [1, 2], **kept)] == [
        "song_00001",
        "song_00002",
    ]
    first = {f: f.read_bytes() for f in out.rglob("*.flac")}
    assert len(first) == 4 and list(lessons.write_songs(out, [1, 2], **kept)) == []
    assert sorted(p.name for p in out.iterdir()) == ["song_00001", "song_00002"]
    x_p, rate = soundfile.read(out / "song_00001" / "drums.flac")
    x_h, _ = soundfile.read(out / "song_00001" / "harmonic.flac")
    assert rate == RATE and len(x_p) == len(x_h) == 20 * RATE and x_p.any()
    assert np.max(np.abs(x_p + x_h)) == pytest.approx(0.8, abs=0.01)
    shutil.rmtree(out / "song_00002")
    assert [n for n, _ in lessons.write_songs(out, [1, 2], **kept)] == ["song_00002"]
    assert {f: f.read_bytes() for f in out.rglob("*.flac")} == first


def test_two_processes_may_write_the_same_songs(tmp_path, monkeypatch):
    theirs = tmp_path / "songs" / "song_00001"

    def render(seed, *, seconds):
        theirs.mkdir(parents=True)  # while we compute, the other one finishes
        (theirs / "drums.flac").write_bytes(b"theirs")
        return np.zeros(100, np.float32), np.zeros(100, np.float32)

    monkeypatch.setattr(lessons, "render_song", render)
    assert [n for n, _ in lessons.write_songs(tmp_path / "songs", [1])] == ["song_00001"]
    assert [f.read_bytes() for f in theirs.iterdir()] == [b"theirs"]


def test_render_song_names_its_mistakes():
    with pytest.raises(ValueError, match="sounds"):
        lessons.render_song(0, sounds=("organ",))
    with pytest.raises(ValueError, match="instruments"):
        lessons.render_song(0, sounds=("recorded",))


@pytest.mark.usefixtures("synthesiser")
def test_a_training_song_is_the_same_from_the_same_seed():
    (a_p, a_h), (b_p, b_h) = (
        lessons.render_song(4, seconds=8, sounds=("fluid",)) for _ in range(2)
    )
    assert len(a_p) == len(a_h) == 8 * RATE
    assert np.array_equal(a_p, b_p) and np.array_equal(a_h, b_h)
