"""Grooves as people played them, in place of composed drums (chapter 6)."""

import numpy as np
import pytest

from hpss_lib.songs.composing import compose
from hpss_lib.songs.grooves import Hit, draw_groove, read_groove, with_groove
from hpss_lib.songs.score import DRUM_CHANNEL
from hpss_lib.songs.synthesis import midi_bytes


def test_what_we_write_is_what_we_read(tmp_path):
    song = compose(3, seconds=12.0)
    path = tmp_path / "a.mid"
    path.write_bytes(midi_bytes(song, percussive=True))
    wanted = sorted(
        (n.onset * song.tempo / 60, n.pitch, n.velocity) for n in song.notes if n.percussive
    )
    found = [(h.beat, h.velocity) for h in read_groove(path)]
    assert len(found) == len(wanted) > 10
    np.testing.assert_allclose(sorted(b for b, _ in found), [b for b, *_ in wanted], atol=1e-3)
    assert sorted(v for _, v in found) == sorted(v for *_, v in wanted)


def test_running_status_remarks_and_other_keys(tmp_path):
    events = b"\x00\xff\x03\x02hi" + b"\x00\x99\x24\x64" + b"\x00\x28\x50"  # kick, rim at once
    events += b"\x81\x70\x24\x00" + b"\x00\xc9\x05" + b"\x00\x99\x2a\x40" + b"\x00\xff\x2f\x00"
    head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0"  # 480 ticks a beat
    path = tmp_path / "b.mid"
    path.write_bytes(head + b"MTrk" + len(events).to_bytes(4, "big") + events)
    assert read_groove(path) == (Hit(0, 36, 100), Hit(0, 38, 80), Hit(0.5, 42, 64))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="cut short"):
        read_groove(path)
    path.write_bytes(b"RIFF" + bytes(20))
    with pytest.raises(ValueError, match="no standard MIDI"):
        read_groove(path)


def test_a_groove_takes_the_place_of_the_drums():
    song = compose(3, seconds=20.0)
    groove = (Hit(0, 36, 100), Hit(1.02, 38, 90), Hit(5.5, 42, 60))  # two bars
    played = with_groove(song, groove)
    assert [n for n in played.notes if n.channel != DRUM_CHANNEL] == sorted(
        n for n in song.notes if n.channel != DRUM_CHANNEL
    )
    drums = [n for n in played.notes if n.channel == DRUM_CHANNEL]
    beats = [round(n.onset * song.tempo / 60, 2) for n in drums[:6]]
    np.testing.assert_allclose(beats, [0, 1.02, 5.5, 8, 9.02, 13.5], atol=0.01)
    assert all(n.onset + n.duration <= song.seconds for n in drums)
    assert with_groove(song, ()) is song


def test_only_grooves_in_four_are_drawn(tmp_path):
    song = compose(3, seconds=12.0)
    (tmp_path / "1_rock_100_beat_4-4.mid").write_bytes(midi_bytes(song, percussive=True))
    (tmp_path / "2_rock_100_fill_4-4.mid").write_bytes(b"never read")
    assert len(draw_groove(tmp_path, np.random.default_rng(0))) > 10
    with pytest.raises(FileNotFoundError, match="beat_4-4"):
        draw_groove(tmp_path / "none", np.random.default_rng(0))
