"""What chapter 10 says of its controls, and a song in pieces."""

import math

import numpy as np
import pytest

from hpss_lib.chapters import your_own_separator as chapter10
from hpss_lib.chapters.exercises.your_own_separator import seam_reach
from hpss_lib.measures import sdr


def test_what_is_said_of_the_mistakes():
    found = chapter10._with_mistakes()
    apart = {name: chapter10.difference_db(found["none"], s) for name, s in found.items()}
    score = {name: sdr(chapter10.piece(*chapter10.EXCERPT).x_p, s) for name, s in found.items()}
    assert -75 < apart["stft: the window is symmetric"] < -65
    assert apart["stft and istft: no square root of N"] < -100
    late, high = score["estimate: one frame late"], score["estimate: one bin too high"]
    assert abs(late - high) < 1  # "cost about the same"
    assert min(score["none"] - late, score["none"] - high) > 2
    assert score["subtract: the phase is dropped"] < 1


def test_the_smallest_margin_without_an_error():
    least = chapter10.MARGIN
    assert np.abs(chapter10.of_margin(least)).max() < 1e-12
    assert np.abs(chapter10.of_margin(least - 1)).max() > 1e-6


def test_what_notices_a_margin_of_8_frames():
    wrong = np.flatnonzero(np.abs(chapter10.of_margin(8)) > 1e-9)
    nearest = np.abs(wrong[:, None] - np.arange(0, 400_000, chapter10.CUT)).min(axis=1).max()
    answer = seam_reach.test.values[""]
    assert answer - 512 < nearest <= answer


@pytest.mark.parametrize("n", [1, 700, 2048])
def test_short_signals_in_pieces(n):
    told = []
    x = np.arange(n, dtype=float)
    s_p, s_h = chapter10.in_pieces(
        lambda y: (y / 4, 3 * y / 4), x, piece=700, margin=50, progress=told.append
    )
    np.testing.assert_array_equal(s_p, x / 4)
    np.testing.assert_allclose(s_p + s_h, x)
    assert math.isclose(sum(told), n / chapter10.SAMPLE_RATE)


def test_equal_signals_are_no_distance_apart():
    x = np.ones(3)
    assert chapter10.difference_db(x, x) == -math.inf
    assert math.isclose(chapter10.difference_db(x, 0.9 * x), -20)
