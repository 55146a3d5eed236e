"""tools/stereo.py: what it mixes, and what it measures."""

import csv
from pathlib import Path

import numpy as np
import pytest
import stereo

ROOT = Path(__file__).parents[1]


def noise(n=20_000, seed=0):
    return np.random.default_rng(seed).normal(size=n).astype(np.float32)


def test_panning_keeps_the_power_and_the_middle():
    x = noise()
    for position in (-1, -0.5, 0, 1):
        y = stereo.pan(x, position)
        assert np.sum(y**2) == pytest.approx(np.sum(x**2), rel=1e-5)
    np.testing.assert_allclose(*stereo.pan(x, 0).T, rtol=1e-12)
    np.testing.assert_allclose(stereo.pan(x, 1), np.stack([0 * x, x], axis=1), atol=1e-6)


def test_a_split_sums_and_parts_where_it_should():
    rate = stereo.SAMPLE_RATE
    low, high = (
        np.sin(2 * np.pi * f * np.arange(rate) / rate).astype(np.float32) for f in (100, 900)
    )
    below, above = stereo.split(low + high, 250)
    np.testing.assert_allclose(below + above, low + high, atol=1e-6)
    np.testing.assert_allclose(below[3000:-3000], low[3000:-3000], atol=1e-3)


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_wandering_is_the_difference_in_level(gain):
    x = stereo.pan(noise(), 0)
    assert stereo.wandering(x * [1, gain], x) == pytest.approx(-20 * np.log10(gain), abs=1e-3)


@pytest.mark.parametrize("way", sorted(stereo.WAYS))
def test_every_way_is_the_mask_where_the_mask_is_known(way):
    X = noise(2 * 5 * 7).reshape(2, 5, 7).astype(np.complex64)
    np.testing.assert_allclose(stereo.WAYS[way](X, lambda V: V / 4), X / 4, atol=1e-6)


def test_the_table_says_what_the_docstring_says():
    with (ROOT / "book" / "data" / "stereo.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    def median(way, measure, layout="band"):
        wanted = ("mad", layout, way)
        own = [r for r in rows if (r["method"], r["layout"], r["way"]) == wanted]
        return np.median([float(r[measure]) for r in own])

    alone, mask, middle = "each channel alone", "one mask", "middle and side"
    wandering = [round(median(way, "wandering"), 1) for way in (middle, alone, mask)]
    assert wandering == [0.2, 1.3, 0.9] and len({r["song"] for r in rows}) == 15
    apart = [round(median(way, "drums", "apart"), 1) for way in (alone, middle)]
    assert apart == [18.7, 7.3]
    sdr = {
        (r["song"], r["way"]): float(r["drums"])
        for r in rows
        if r["method"] == "mad" and r["layout"] == "band"
    }
    assert all(abs(sdr[song, middle] - sdr[song, alone]) < 0.155 for song, _ in sdr)
    for measure in ("drums", "rest"):
        assert 0.05 < median(alone, measure) - median(mask, measure) < 0.25
