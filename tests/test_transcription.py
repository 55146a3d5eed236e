"""Onsets, beats and chords of signals in which they are known."""

import numpy as np
import pytest

from hpss_lib import transcription as tr
from hpss_lib.audio import EXCERPTS
from hpss_lib.stft import SAMPLE_RATE


def sound(symbol, seconds=4.0):
    """A triad of tones with three partials each, around middle C."""
    notes = np.flatnonzero(tr.templates()[tr.TRIADS.index(symbol)])
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 440 * 2 ** ((notes - 9) / 12)
    return sum(np.sin(2 * np.pi * f * k * t) / k**2 for f in hertz for k in (1, 2, 3)) / 6


def test_clicks_are_found_as_onsets_and_as_beats():
    times = np.arange(0.5, 9.6, 0.5)
    x = tr.click_track(times, 10 * SAMPLE_RATE)
    assert np.abs(tr.find_onsets(x)[:, None] - times).min(axis=1).max() < 0.05
    assert len(tr.find_onsets(x)) == len(times)
    beats = tr.find_beats(x)
    assert np.mean(np.abs(beats[:, None] - times).min(axis=1) < 0.07) > 0.9


def test_silence_has_no_onsets_and_no_beats():
    silence = np.zeros(3 * SAMPLE_RATE, np.float32)
    assert len(tr.find_onsets(silence)) == len(tr.find_beats(silence)) == 0


def test_a_click_track_is_as_long_as_asked_and_as_loud():
    x = tr.click_track(np.array([-1.0, 0.0, 0.99, 7.0]), SAMPLE_RATE, level=0.25)
    assert x.shape == (SAMPLE_RATE,) and x.dtype == np.float32
    assert 0.1 < np.abs(x).max() <= 0.25
    assert not x[2000:40_000].any() and x[43_660:].any()


@pytest.mark.parametrize("symbol", ["C", "Am", "F#", "Ebm"])
def test_pure_triads_are_named(symbol):
    found = tr.find_chords(tr.chroma(sound(symbol)))
    assert np.mean(found == tr.TRIADS.index(symbol)) > 0.8


def test_templates_are_all_different_and_move_with_the_root():
    T = tr.templates()
    assert T.shape == (24, 12) and len(np.unique(T, axis=0)) == 24 and (T.sum(axis=1) == 3).all()
    assert np.array_equal(np.roll(T[0], 5), T[5]) and np.array_equal(np.roll(T[12], 5), T[17])


def test_every_chord_of_the_excerpts_has_a_name():
    symbols = {symbol for e in EXCERPTS.values() for _, _, symbol in e.chords}
    triads = {symbol: tr.triad(symbol) for symbol in symbols}
    assert {s for s, name in triads.items() if name is None} == {"E5", "F#m7b5"}
    assert triads["Bbmaj7"] == "Bb" and triads["Gm6"] == "Gm" and triads["Cmaj9"] == "C"
    with pytest.raises(ValueError, match="no chord"):
        tr.triad("H7")


def test_shares_of_right_chords():
    chords = ((0.0, 1.0, "E5"), (1.0, 2.0, "Em"))
    found = np.full(22, tr.TRIADS.index("Em"))
    share, played = tr.right_chords(found, chords)
    assert share == 1.0 and set(played) == {-1, tr.TRIADS.index("Em")}
    assert tr.right_chords(found * 0, chords)[0] == 0.0
    with pytest.raises(ValueError, match="no column"):
        tr.right_chords(found, ((0.0, 9.0, "E5"),))
    with pytest.raises(ValueError, match="twelve"):
        tr.find_chords(np.zeros((11, 4)))


def test_inputs_are_not_changed():
    x = sound("C")
    before = x.copy()
    tr.find_onsets(x), tr.find_beats(x), tr.chroma(x)
    assert np.array_equal(x, before)
