"""Modern kicks, ducked basses, one bus for all (chapter 6)."""

import numpy as np
import pytest

from hpss_lib import kicks

RATE = 44_100


def bass(times, *, seconds=1.5, hertz=55.0):
    """Notes of a bass, each with a sudden start and 0.15 s long."""
    t = np.arange(round(seconds * RATE)) / RATE
    y = np.zeros(len(t))
    for start in times:
        y += np.sin(2 * np.pi * hertz * t) * ((t >= start) & (t < start + 0.15))
    return y


def test_kicks_are_low_short_and_of_many_kinds():
    rng = np.random.default_rng(0)
    drawn = [kicks.draw_kick(rng) for _ in range(40)]
    decays, low = [], []
    for y in drawn:
        assert np.abs(y).max() == pytest.approx(1) and len(y) <= 1.5 * RATE and y[-1] == 0
        power = np.square(np.fft.rfft(y[round(0.03 * RATE) :]))  # behind the click and the fall
        hertz = np.fft.rfftfreq(len(y) - round(0.03 * RATE), 1 / RATE)
        low.append(hertz[np.argmax(np.abs(power))])
        energy = np.cumsum(np.square(y, dtype=float))
        decays.append(np.searchsorted(energy, 0.9 * energy[-1]) / RATE)
    assert min(decays) < 0.1 and max(decays) > 0.5  # clicky ones and 808s
    assert 25 < min(low) < 36 and 60 < max(low) < 120


def test_bass_onsets_are_where_notes_begin():
    times = (0.2, 0.5, 1.1)
    high = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(round(1.5 * RATE)) / RATE)
    found = kicks.bass_onsets(bass(times) + high) / RATE
    np.testing.assert_allclose(found, times, atol=0.012)
    assert not len(kicks.bass_onsets(0 * high))


def test_kicks_play_with_the_bass_or_keep_a_beat():
    times = (0.2, 0.5, 0.8, 1.1)
    y = kicks.draw_kicks(bass(times), np.random.default_rng(0))
    starts = np.flatnonzero(np.abs(y) > 1e-3) / RATE
    assert np.abs(y).max() == pytest.approx(1)
    assert abs(starts[0] - min(times, key=lambda t: abs(t - starts[0]))) < 0.02
    alone = kicks.draw_kicks(np.zeros(2 * RATE), np.random.default_rng(0))
    assert np.abs(alone).max() == pytest.approx(1)


def test_the_bass_makes_room_for_the_kick():
    n = RATE
    p = np.zeros(n)
    p[20_000:22_000] = np.sin(2 * np.pi * 60 * np.arange(2000) / RATE)
    h = np.ones(n)
    ducked = kicks.duck(h, p, depth=0.8, release=0.1)
    np.testing.assert_allclose(ducked[:19_000], 1)
    assert ducked.min() == pytest.approx(0.2, abs=0.1) and 20_000 < np.argmin(ducked) < 23_000
    assert 0.9 < ducked[-1] <= 1
    np.testing.assert_array_equal(kicks.duck(h, 0 * p, depth=0.8, release=0.1), h)


def test_one_bus_moves_both_and_limits_their_sum():
    rng = np.random.default_rng(0)
    p, h = np.zeros(RATE), 0.2 * rng.standard_normal(RATE)
    p[10_000:14_000] = rng.standard_normal(4000)
    how = {"ratio": 4.0, "below_db": 12.0, "attack": 0.005, "release": 0.1}
    q, g = kicks.master(p, h, **how, limit_db=0.0)
    np.testing.assert_allclose(q * h, g * p, atol=1e-12)  # the same gain for both
    gain = g / h
    assert gain.min() > 0 and gain.max() <= 1 + 1e-12
    assert gain[13_000] < 0.7 < 0.95 < gain[8_000]  # down under the drums
    limited = np.abs(sum(kicks.master(p, h, **how, limit_db=6.0))).max()
    assert limited < 0.75 * np.abs(q + g).max()
    silent = kicks.master(0 * p, 0 * h, **how, limit_db=3.0)
    assert not any(x.any() for x in silent)


def test_rumble_lies_below_hearing():
    y = kicks.draw_rumble(4 * RATE, np.random.default_rng(0))
    power = np.square(np.abs(np.fft.rfft(y * np.hanning(len(y)))))
    hertz = np.fft.rfftfreq(len(y), 1 / RATE)
    assert power[hertz > 20].sum() < 1e-6 * power.sum()
