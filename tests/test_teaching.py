"""The instructors' page: what its examination says is right, and what it sends to is there."""

import itertools
import re
import statistics
from pathlib import Path

import minutes
import numpy as np
import pytest

from hpss_lib.measures import sdr, si_sdr
from hpss_lib.median import median_hpss, soft_mask
from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTINGS, istft, stft

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "book" / "teaching.md").read_text(encoding="utf8")
SHEET = TEXT.split("Marking sheet")[1].split("</details>")[0]


def test_the_marking_sheet_is_right():
    from torch import nn

    s = np.random.default_rng(0).standard_normal(1000)
    assert si_sdr(s, 0.9 * s) > 100
    gru = sum(p.numel() for p in nn.GRU(372, 372).parameters())
    values = {
        f"{SAMPLE_RATE / COMPACT.hop:.1f} frames": 1,
        f"{SAMPLE_RATE / COMPACT.n_fft:.1f} Hz": 1,
        f"{100 * (1 - COMPACT.hop / COMPACT.n_fft):.0f} %": 1,
        f"Median {statistics.median([1, 8, 2, 2, 7])}, mean {np.mean([1, 8, 2, 2, 7]):.0f}": 2,
        "{:.2f}, {:.2f}, 1.".format(
            *(soft_mask(np.array([2.0]), np.array([1.0]), power=p)[0] for p in (1, 2))
        ): 3,
        f"$|X| = {np.hypot(5, 12):.0f}$; subtraction leaves {np.hypot(5, 12) - 5:.0f}": 4,
        f"missed by {100 * (12 - 8) / 12:.0f} %": 4,
        f"{sdr(s, 0.9 * s):.0f} dB": 5,
        f"{gru:,}": 6,
        f"{1500 * SETTINGS['2'].hop / SAMPLE_RATE:.2f} turns": 7,
    }
    for text, number in values.items():
        line = re.search(rf"^{number}\. .*$", SHEET, re.M)[0]
        assert text in line, (text, line)


def test_the_points_add_up():
    points = [int(p) for p in re.findall(r"^\d\. \*\((\d+)\)\*", TEXT, re.M)]
    assert len(points) == 8 and sum(points) == 40


def test_every_command_and_section_that_is_named_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    targets = set(re.findall(r"`make ([a-z]+)`", TEXT))
    assert {"student", "instructor", "pdf", "offline", "book"} <= targets
    for target in targets:
        assert re.search(rf"^(?:[a-z ]+ )?{target}(?: [a-z ]+)?:", makefile, re.M), target
    notebooks = "".join(p.read_text(encoding="utf8") for p in (ROOT / "book").glob("*.ipynb"))
    for name in ("A median, by hand", "The two lengths", "How to fool a measure", "The triangle"):
        assert f"## {name}" in notebooks and name in TEXT


@pytest.mark.parametrize("n", [4, 5])
def test_what_the_lab_says_of_exercise_2_of_chapter_3(n):
    row = np.zeros(30)
    row[10 : 10 + n] = 1
    medians = [np.median(row[k - 4 : k + 5]) for k in range(4, 26)]
    assert (max(medians) == 0) == (n == 4)


def test_the_minutes_of_the_lab_are_those_of_the_rule():
    third, fourth = (
        ROOT / "book" / f"{name}.ipynb" for name in ("03_median_masks", "04_spectral_subtraction")
    )
    question, exercise = 2, 6
    counted = {
        "10–25": minutes.section(third, "A median, by hand") + question + exercise,
        "25–43": minutes.section(third, "The two lengths"),
        "43–55": minutes.section(third, "What goes wrong"),
        "55–80": minutes.section(fourth, "Magnitudes do not add") + question + exercise,
    }
    rows = [line.split("|") for line in TEXT.splitlines() if re.match(r"\| \d+–\d+ \|", line)]
    said = {row[1].strip(): row[4].strip() for row in rows}
    # A sentence more or less in a chapter is no other plan.
    assert all(abs(int(said[slot]) - count) <= 2 for slot, count in counted.items()), counted
    edges = [tuple(map(int, slot.split("–"))) for slot in said]
    assert edges[0][0] == 0 and edges[-1][1] == 90
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
    assert all(int(said[f"{a}–{b}"] or 0) <= b - a for a, b in edges)
    with pytest.raises(ValueError, match="no section"):
        minutes.section(third, "Nothing of the kind")


def test_a_roll_is_hiss():
    """What the lab says of two and of twenty strokes a second."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(8000) / SAMPLE_RATE / 0.03)
    shares = {}
    for rate in (2, 20):
        x = np.zeros(3 * SAMPLE_RATE)
        for k in range(int(2.7 * rate)):
            stroke = x[round(k / rate * SAMPLE_RATE) :][:8000]
            stroke += rng.standard_normal(len(stroke)) * decay[: len(stroke)]
        X = stft(x, COMPACT)
        masks = median_hpss(np.abs(X), COMPACT)
        parts = (istft(M * X, COMPACT, len(x)) for M in masks)
        shares[rate] = [np.square(part).sum() / np.square(x).sum() for part in parts]
    assert shares[2][0] > 0.95
    assert np.allclose(shares[20], (1 / 3, 1 / 5), atol=0.03)
