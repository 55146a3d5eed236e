"""The index of recorded notes: what is measured is what was put in, and songs play from it."""

import json
import sys

import index_notes as tool
import numpy as np
import pytest
import soundfile

from hpss_lib.songs import instruments
from hpss_lib.songs.score import DRUMS, Note, Part

RATE = 44100


def tone(midi, *, cents=0.0, silence=0.0, gain=0.3):
    """Half a second with four partials, so many cents off, after so many seconds of silence."""
    t = np.arange(RATE // 2) / RATE
    hertz = 440 * 2 ** ((midi - 69 + cents / 100) / 12)
    x = gain * sum(np.sin(2 * np.pi * k * hertz * t) / k for k in range(1, 5))
    return np.concatenate([np.zeros(round(silence * RATE)), x])


@pytest.fixture
def folder(tmp_path):
    """A piano in tune and a bass out of it; two kits."""

    def save(file, x):
        (tmp_path / "notes" / file).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "notes" / file, x, RATE)

    for midi in (48, 60):
        for layer, gain in enumerate((0.1, 0.3)):
            save(f"pitched/rhodes/{midi}_{layer}.flac", tone(midi, gain=gain))
    save("pitched/ebass_finger_killer/40_0.wav", tone(40, cents=-23, silence=0.03))
    for kit in ("dry", "room"):
        for piece in ("kick", "snare", "hihat_closed"):
            for number in range(2):
                save(f"drums/{kit}/{piece}/0_{number}.wav", tone(50)[:8000])
    return tmp_path / "notes"


@pytest.mark.parametrize("midi", [24, 45, 60, 75, 96, 127])
@pytest.mark.parametrize("off", [-41, 0, 18])
def test_cents_are_measured_in_every_octave(midi, off):
    assert tool.cents(tone(midi, cents=off), midi) == pytest.approx(off, abs=3)


def test_level_and_attack_are_measured():
    x = np.concatenate([np.zeros(RATE // 10), np.full(RATE, 0.5)])
    assert tool.level_db(np.full(RATE, 0.5), 0.4) == pytest.approx(-6.02, abs=0.01)
    assert tool.level_db(x, 0.2) == pytest.approx(-9.03, abs=0.01)
    assert tool.attack_ms(x) == 100.0 and tool.attack_ms(x[RATE // 10 :]) == 0.0


def test_an_index_is_written_and_played_from(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["index_notes.py", str(folder)])
    tool.main()
    assert "17 recordings" in capsys.readouterr().out
    library = instruments.load_library(folder)
    assert {kit: set(pieces) for kit, pieces in library.drums.items()} == {
        kit: {"kick", "snare", "hihat_closed"} for kit in ("dry", "room")
    }
    (bass,) = library.pitched["ebass_finger_killer"]
    assert bass["cents"] == pytest.approx(-23, abs=2) and bass["attack_ms"] == 30.0
    assert [(e["midi"], e["layer"], e["n_layers"]) for e in library.pitched["rhodes"]] == [
        (48, 0, 2), (48, 1, 2), (60, 0, 2), (60, 1, 2),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    note = Note(0.1, 0.3, 62, 100, 4, 0, False)
    assert instruments.play_part([note], Part((4,)), library, ["rhodes"], rng, length=RATE).any()
    hit = Note(0.1, 0.1, DRUMS["kick"], 100, 0, 9, True)
    y, left = instruments.play_drums([hit], library, rng, length=RATE)
    assert y.any() and not left


def test_what_an_index_says_already_stays_and_kits_may_be_chosen(folder, tmp_path, monkeypatch):
    known = {"file": "drums/dry/kick/0_0.wav", "kind": "drum", "kit": "dry", "cents": "as it was"}
    (folder / "index.json").write_text(json.dumps([known]))
    entries = tool.index(folder)
    assert entries[0] == known and len(entries) == 17
    monkeypatch.setattr(
        sys, "argv", ["index_notes.py", str(folder), "--out", str(tmp_path / "b"), "--kits", "room"]
    )
    tool.main()
    library = instruments.load_library(tmp_path / "b")
    assert set(library.drums) == {"room"} and set(library.pitched) == {
        "rhodes",
        "ebass_finger_killer",
    }
    assert json.loads((folder / "index.json").read_text()) == [known]


def test_mistakes_are_named(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["index_notes.py", str(folder), "--kits", "none_such"])
    with pytest.raises(SystemExit):
        tool.main()
    assert "none_such" in capsys.readouterr().err
    soundfile.write(folder / "pitched/rhodes/c4.wav", tone(60), RATE)
    with pytest.raises(SystemExit, match="MIDI_LAYER"):
        tool.index(folder)
    soundfile.write(folder / "pitched/rhodes/c4.wav", 0 * tone(60), RATE)
    with pytest.raises(SystemExit, match="silent"):
        tool.index(folder)
    soundfile.write(folder / "pitched/rhodes/c4.wav", tone(60), 22050)
    with pytest.raises(SystemExit, match="22050 Hz"):
        tool.index(folder)
