"""Chapter 11: what its answers say of its controls, and how it reads its table."""

import csv
from pathlib import Path

import numpy as np
import pytest

from hpss_lib import stretching
from hpss_lib.audio import EXCERPTS
from hpss_lib.chapters import what_it_is_good_for as chapter11
from hpss_lib.chapters.pieces import piece
from hpss_lib.measures import sdr

TABLE = Path(__file__).resolve().parent.parent / "book/data/applications.csv"


def test_the_table_holds_every_excerpt_once_for_each_measure():
    table = chapter11.read_table(TABLE)
    assert all(set(row) == set(EXCERPTS) for row in table.values())
    with TABLE.open(newline="") as file:
        assert sum(len(row) for row in table.values()) == sum(1 for _ in csv.DictReader(file))
    assert chapter11.spread([3.0, -1.0, 2.0], ".1f") == ["2.0", "−1.0 to 3.0"]


def test_the_table_is_what_is_computed_here():
    """One row of it: the new mixture of one excerpt, by the formula as by mixing."""
    x_p, x_h = (s[: 6 * 44100] for s in chapter11.load_excerpt("jazz"))
    s_p = x_p + 0.1 * x_h
    g = chapter11.gain(-6)
    made = sdr(g * x_p + x_h, g * s_p + (x_p + x_h - s_p))
    assert abs(chapter11.remix_sdr(x_p, x_h, s_p, -6) - made) < 0.01


@pytest.mark.parametrize(("level", "mixture", "part"), [(-24, 0, 0.9), (0, 0, 1), (6, 1, 1)])
def test_what_the_answer_says_of_quiet_drums(level, mixture, part):
    text = chapter11.beats_view(level).text
    assert f"F-measure of {mixture:.2f}" in text and f"part {part:.2f}" in text


def test_what_the_answer_says_of_faders():
    t = piece(*chapter11.MIX_PIECE)
    s_p, s_m = (chapter11.parts(*chapter11.MIX_PIECE, method)[0] for method in ("mad", "median"))

    def at(s, fader):
        return chapter11.remix_sdr(t.x_p, t.x_h, s, fader)

    assert round(at(s_p, -3)) == round(at(s_p, 3)) == 22
    assert all(abs(at(s_p, f) - at(s_m, f) - 6) < 0.5 for f in (-24, -6, 3, 12))
    assert abs(at(s_m, -3) - at(s_p, -6)) < 0.5
    assert abs(at(s_p, -80) - sdr(t.x_h, t.x - s_p)) < 0.1
    assert abs(at(s_p, 80) - sdr(t.x_p, s_p)) < 0.1


def test_what_the_answer_says_of_stretching():
    t = piece(*chapter11.STRETCH_PIECE)
    times, ruled = chapter11._strokes_of(*chapter11.STRETCH_PIECE)
    s_p, s_h = chapter11.parts(*chapter11.STRETCH_PIECE)
    assert round(np.median(stretching.attacks(t.x, times))) == 15
    for factor in (0.5, 0.85, 1.15, 2.0):
        ways = chapter11.in_three_ways(t.x, s_p, s_h, factor).values()
        vocoder, added, apart = (
            (
                np.nanmedian(stretching.attacks(y, times * factor)),
                stretching.tones_kept(t.x, y, factor, ruled),
            )
            for y in ways
        )
        assert 8.5 < vocoder[0] < 13.5 and abs(apart[0] - 15) < 2 and apart[1] > 16.5
        assert added[1] < 4 or abs(factor - 1) < 0.2


def test_what_the_answer_says_of_pitch():
    text = chapter11.pitch_view(-12).text
    assert "by 23 dB in the original, 8 dB where all" in text


def test_a_hall_and_a_knock():
    click = np.eye(1, 44100, 100, dtype=np.float32)[0]
    wet = chapter11.in_a_hall(click) - click
    assert not wet[:90].any() or np.abs(wet[:90]).max() < 1e-5
    assert 0.3 < np.sum(wet.astype(float) ** 2) <= 0.51
    assert abs(np.abs(chapter11.knock()).max() - 1) < 1e-6
