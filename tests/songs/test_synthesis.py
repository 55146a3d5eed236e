"""The sound of a font: MIDI files that parse back, repeatable synthesis, balanced stems."""

import numpy as np
import pytest

from hpss_lib.songs import synthesis
from hpss_lib.songs.composing import compose
from hpss_lib.songs.score import Note, Part, Song

RATE = 44100


def parse_midi(data: bytes):
    """Return (ticks a beat, microseconds a beat, [(tick, message)]) of a format 0 file."""
    assert data[:4] == b"MThd" and data[14:18] == b"MTrk"
    division = int.from_bytes(data[12:14], "big")
    length = int.from_bytes(data[18:22], "big")
    track, at, now, tempo, events = data[22:], 0, 0, None, []
    assert len(track) == length
    while at < length:
        delta = 0
        while True:
            delta = delta << 7 | track[at] & 127
            at += 1
            if not track[at - 1] & 128:
                break
        now += delta
        if track[at] == 0xFF:
            kind, size = track[at + 1], track[at + 2]
            if kind == 0x51:
                tempo = int.from_bytes(track[at + 3 : at + 3 + size], "big")
            at += 3 + size
            if kind == 0x2F:
                assert at == length
        else:
            size = 2 if track[at] >> 4 == 0xC else 3
            events.append((now, track[at : at + size]))
            at += size
    return division, tempo, events


@pytest.mark.parametrize("percussive", [True, False])
def test_midi_holds_every_note_of_its_stem(percussive):
    song = compose(3, style="rock", seconds=15)
    division, tempo, events = parse_midi(synthesis.midi_bytes(song, percussive=percussive))
    second = division * 1e6 / tempo
    started = sorted((m[0] & 15, m[1], at / second) for at, m in events if m[0] >> 4 == 9 and m[2])
    stem = [n for n in song.notes if n.percussive == percussive]
    wanted = sorted((n.channel, n.pitch, n.onset) for n in stem)
    assert len(started) == len(wanted) and np.allclose(started, wanted, atol=0.001)
    loud = sorted(m[2] for _, m in events if m[0] >> 4 == 9)
    assert loud == sorted(n.velocity for n in stem)
    # Every note that starts ends, and in between it is never started again.
    sounding = set()
    for _, m in events:
        key = (m[0] & 15, m[1])
        if m[0] >> 4 == 9:
            assert key not in sounding
            sounding.add(key)
        elif m[0] >> 4 == 8:
            sounding.remove(key)
    assert not sounding


@pytest.mark.parametrize("number", [0, 127, 128, 16383, 16384, 2_000_000])
def test_variable_lengths_parse_back(number):
    value = 0
    coded = synthesis._variable_length(number)
    for byte in coded:
        value = value << 7 | byte & 127
    assert value == number and all(b & 128 for b in coded[:-1]) and not coded[-1] & 128


@pytest.mark.usefixtures("synthesiser")
def test_rendering_is_repeatable_and_balanced():
    song = compose(5, style="funk", seconds=6)
    first, again = (
        synthesis.balance(*synthesis.render_stems(song), percussive_db=-2) for _ in range(2)
    )
    for x, y in zip(first, again, strict=True):
        assert x.dtype == np.float32 and len(x) == round(song.seconds * RATE)
        assert np.array_equal(x, y)
    x_p, x_h = first
    assert np.max(np.abs(x_p + x_h)) == pytest.approx(0.7, abs=1e-3)
    assert 10 * np.log10(np.mean(x_p**2) / np.mean(x_h**2)) == pytest.approx(-2, abs=0.01)


@pytest.mark.usefixtures("synthesiser")
def test_a_note_sounds_at_its_pitch_and_time():
    note = Note(0.5, 1.0, 69, 100, 0, 0, False)
    song = Song("test", (note,), 2.0, 120.0, {0: Part((0,))})
    x = synthesis.synthesise(song, percussive=False, reverb=0)
    assert np.max(np.abs(x[: int(0.49 * RATE)])) < 1e-4 < np.max(np.abs(x))
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    assert np.argmax(spectrum) * RATE / len(x) == pytest.approx(440, rel=0.01)
    assert not synthesis.synthesise(song, percussive=True).any()


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    song = compose(0, style="jazz", seconds=3)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="fluidsynth"):
        synthesis.synthesise(song, percussive=False)
    monkeypatch.setattr(synthesis, "FONT_FOLDERS", (str(tmp_path),))
    monkeypatch.delenv("HPSS_SOUND_FONT", raising=False)
    with pytest.raises(FileNotFoundError, match="fluid-soundfont-gm"):
        synthesis.find_font("fluid")
    with pytest.raises(FileNotFoundError, match="musescore-general-soundfont"):
        synthesis.find_font("musescore")
    monkeypatch.setenv("HPSS_SOUND_FONT", str(tmp_path / "none.sf2"))
    with pytest.raises(FileNotFoundError, match=r"none\.sf2"):
        synthesis.find_font("fluid")


def test_balance_and_fade_leave_their_inputs_alone():
    x_p, x_h = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    kept = x_p.copy(), x_h.copy()
    y_p, y_h = synthesis.balance(x_p, 0 * x_h)
    assert np.max(np.abs(y_p)) == pytest.approx(0.7, abs=1e-5) and not y_h.any()
    assert not synthesis.balance(0 * x_p, 0 * x_h)[0].any()
    faded = synthesis.fade_out(x_p, seconds=0.05)
    n = round(0.05 * RATE)
    assert abs(faded[-1]) < 1e-6 and np.array_equal(faded[:-n], x_p[:-n])
    assert np.array_equal(x_p, kept[0]) and np.array_equal(x_h, kept[1])
