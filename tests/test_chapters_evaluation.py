"""What chapter 9 measures, and how it reads the table of results."""

import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hpss_lib import measures, scoreboard
from hpss_lib.chapters import evaluation as chapter9
from hpss_lib.chapters.pieces import piece
from hpss_lib.views import stacking


def row(song, method="mad", source="percussive", setting="compact", value=1.0, **other):
    base = dict.fromkeys(scoreboard.COLUMNS, "")
    base |= {"song": song, "method": method, "setting": setting, "source": source}
    base |= {"protocol": "plain", "frame": None, "sdr": value, "frames": 1, "undefined": 0}
    return base | other


def test_groups_keep_three_problems_apart():
    names = {"mdb_beatles": "MDB Drums", "ev3_lithium": "Lithium", "jazz": "excerpts"}
    assert {song: chapter9.group_of(song) for song in names} == names
    assert set(names.values()) == set(chapter9.GROUPS)


def test_of_songs_takes_whole_songs_of_one_group_only():
    rows = [
        row("mdb_a", value=1.0),
        row("mdb_b", value=math.nan),
        row("mdb_a", value=9.0, frame=0),
        row("mdb_a", value=8.0, protocol="v3-30s"),
        row("mdb_a", value=7.0, setting="1"),
        row("mdb_a", value=6.0, source="harmonic"),
        row("jazz", value=5.0),
        row("mdb_a", "mixture", setting="", value=4.0),
    ]
    found = chapter9.of_songs(rows, "mad", "percussive")
    assert list(found) == ["mdb_a", "mdb_b"] and found["mdb_a"] == 1 and math.isnan(found["mdb_b"])
    assert chapter9.of_songs(rows, "mad", "percussive", group="excerpts") == {"jazz": 5.0}
    assert chapter9.of_songs(rows, "mixture", "percussive") == {"mdb_a": 4.0}
    assert chapter9.quartiles(found.values()) == (1.0, 1.0, 1.0, 1)
    assert chapter9.settings_of(rows, "mad") == ["compact", "1"]


def test_best_setting_is_of_both_sources_together():
    values = {("1", "percussive"): 5, ("1", "harmonic"): 1, ("2", "percussive"): 3}
    rows = [row("mdb_a", "kam", s, k, v) for (k, s), v in values.items()]
    rows.append(row("mdb_a", "kam", "harmonic", "2", 4))
    assert chapter9.best_setting(rows, "kam") == "2"


def test_difference_pairs_songs_by_name():
    rows = [row(f"mdb_{k}", value=v) for k, v in zip("abc", (3, 5, 4), strict=True)]
    rows += [row(f"mdb_{k}", "irm", value=v) for k, v in zip("cab", (1, 1, 1), strict=True)]
    each, found = chapter9.difference(rows, ("mad", "compact"), ("irm", "compact"))
    assert sorted(each) == [2, 3, 4] and found["median"] == 3 and found["pairs"] == 3
    assert found["low"] <= 3 <= found["high"]


def test_delayed():
    x = np.arange(1.0, 6)
    assert np.array_equal(chapter9.delayed(x, 2), [0, 0, 1, 2, 3])
    assert np.array_equal(chapter9.delayed(x, -2), [3, 4, 5, 0, 0])
    assert np.array_equal(chapter9.delayed(x, 0), x)


def test_a_delay_is_forgiven_up_to_the_last_tap():
    for samples in (1, 132, measures.TAPS - 1):
        found = chapter9.of_delay(samples)
        assert found["sir"] > 90 and found["sar"] > 90 and found["sdr"] < 10
    for samples in (-20, measures.TAPS + 1, 2000):
        assert chapter9.of_delay(samples)["sar"] < 15


def test_the_mixed_estimate_has_the_levels_that_were_asked_for():
    """What the sliders say is what museval finds, within what the references share."""
    x_p, x_h = piece(*chapter9.EXCERPT).sources
    for interference, artefact in ((-20, -40), (-40, -20), (-10, -10)):
        leak = chapter9.at_level(x_h, x_p, interference)
        level = 10 * np.log10(np.sum(leak**2.0) / np.sum(x_p**2.0))
        assert level == pytest.approx(interference, abs=1e-3)
        text = chapter9.mix_view(interference, artefact, 0.5).text.replace("−", "-")
        numbers = dict(zip(("SIR", "SAR"), text.split("SIR ")[1].split(" dB, SAR "), strict=True))
        found = float(numbers["SIR"]), float(numbers["SAR"].split(" dB")[0])
        assert found[0] == pytest.approx(-interference, abs=2.0)
        assert found[1] == pytest.approx(-artefact, abs=1.0)


def test_figures_take_rows_that_lack_methods_and_scores():
    rows = [row("mdb_a"), row("mdb_a", source="harmonic"), row("mdb_b", value=math.nan)]
    fig = chapter9.songs_figure(rows, ["MDB Drums"])
    assert len(fig.axes) == 2
    left, right = stacking.columns(fig, FigureCanvasAgg(fig))
    assert left.is_named and not right.is_named  # so that a phone shows the names twice
    assert len(
        chapter9.differences_figure(rows, ("mad", "compact"), {"x": ("mad", "compact")}).axes
    )
