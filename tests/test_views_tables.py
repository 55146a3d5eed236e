"""Tables of results: what a browser and a screen reader get, and what stands in for both."""

import re

import numpy as np
import pytest

from hpss_lib.views import tables


def shown(monkeypatch, *args, **options):
    caught = []
    monkeypatch.setattr(tables.output, "emit", lambda markup, text: caught.append((markup, text)))
    tables.table(*args, **options)
    return caught[0]


def test_heads_numbers_and_what_is_missing(monkeypatch):
    rows = {"drums & bass": [-3.25, float("nan")], "rest": [12.0, "all"]}
    markup, text = shown(monkeypatch, rows, ["SDR (dB)", "frames"], caption="*One* song")
    assert re.findall(r'<th scope="col"[^>]*>([^<]*)', markup) == ["SDR (dB)", "frames"]
    assert re.findall(r'<th scope="row"[^>]*>([^<]*)', markup) == ["drums &amp; bass", "rest"]
    assert re.findall(r"<td style[^>]*>([^<]*)", markup) == ["−3.2", "–", "12.0", "all"]
    assert "<em>One</em> song</caption>" in markup and 'tabindex="0"' in markup
    lines = text.splitlines()
    assert len({len(line) for line in lines[1:]}) == 1 and lines[2].split()[-2:] == ["−3.2", "–"]


def test_numbers_stand_right_and_wide_tables_scroll(monkeypatch):
    markup, _ = shown(monkeypatch, {"a": [1.0]}, ["b"], caption="c", form=".3f")
    assert "overflow-x:auto" in markup and re.search(r"<td style=[^>]*right[^>]*>1.000<", markup)


def test_one_column_signs_and_counts(monkeypatch):
    rows = {-0.5: 1.25, "a word": "none", "a count": np.int64(33_841), "an array": -np.ones(1)}
    markup, _ = shown(monkeypatch, rows, ["loss"], caption="c", form="+.2f")
    assert re.findall(r'<th scope="row"[^>]*>([^<]*)', markup)[0] == "−0.5"
    cells = re.findall(r"<td style[^>]*>([^<]*)", markup)
    assert cells == ["+1.25", "none", "33,841", "−1.00"]


def test_a_row_with_too_few_cells_is_refused():
    with pytest.raises(ValueError, match="row 'a' has 1 cells; there are 2 heads"):
        tables.table({"a": [1.0]}, ["b", "c"], caption="d")
