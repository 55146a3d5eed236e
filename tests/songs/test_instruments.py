"""Recorded notes: chosen, retuned, damped, and what none fits handed back."""

import numpy as np
import pytest

from hpss_lib.songs import instruments
from hpss_lib.songs.score import DRUMS, Note, Part

RATE = 44100


def test_only_clean_recordings_are_used(recordings):
    library = instruments.load_library(recordings)
    assert "viol" not in library.pitched and set(library.drums["kit"]) == {
        "kick", "snare", "hihat_closed",
    }  # fmt: skip
    with pytest.raises(FileNotFoundError, match=r"index\.json"):
        instruments.load_library(recordings / "nowhere")


@pytest.mark.parametrize("pitch", [60, 62, 58, 72])
def test_a_recorded_note_is_retuned_and_damped(recordings, pitch):
    library = instruments.load_library(recordings)
    note = Note(0.1, 0.5, pitch, 100, 0, 0, False)
    names = ["piano_grand_salamander"]
    y = instruments.play_part(
        [note], Part((0,)), library, names, np.random.default_rng(0), length=RATE
    )
    sound = np.flatnonzero(np.abs(y) > 1e-4) / RATE
    assert sound[0] == pytest.approx(0.1, abs=0.005) and sound[-1] < 0.7
    spectrum = np.abs(np.fft.rfft(y[4410:26460] * np.hanning(22050), 4 * RATE))
    measured = 69 + 12 * np.log2(np.argmax(spectrum) / 4 / 440)
    assert (measured - pitch + 0.3) % 12 < 0.6  # an octave's move is allowed


def test_interpolation_reads_a_tone_between_its_samples():
    x = np.sin(2 * np.pi * 1000 * np.arange(4000) / RATE)
    at = np.linspace(100, 3900, 5001)
    assert np.max(np.abs(instruments.read_at(x, at) - np.sin(2 * np.pi * 1000 * at / RATE))) < 1e-3


def test_drums_that_no_recording_fits_are_handed_back(recordings):
    library = instruments.load_library(recordings)
    notes = [Note(0.1, 0.1, DRUMS[name], 100, 0, 9, True) for name in ("kick", "hihat", "crash")]
    y, left = instruments.play_drums(notes, library, np.random.default_rng(0), length=RATE)
    assert [n.pitch for n in left] == [DRUMS["crash"]]
    assert not y[: int(0.099 * RATE)].any() and y.any()
