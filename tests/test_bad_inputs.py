"""The book's table of bad inputs (tools/bad_inputs.py): what the command says today."""

import re

import bad_inputs
import pytest

from hpss_lib.__main__ import main

TABLE = {row["input"]: row for row in bad_inputs.read_table()}


def test_the_table_has_every_input():
    assert list(TABLE) == list(bad_inputs.INPUTS)


@pytest.mark.parametrize("words", bad_inputs.INPUTS)
def test_the_command_says_what_the_table_says(words, capsys):
    row = bad_inputs.said(words, lambda arguments: (main(arguments), capsys.readouterr().err))
    assert row == TABLE[words], "run tools/bad_inputs.py"
    assert (row["status"] == "0") == (row["files"] == "2"), "both files, or neither and a reason"
    if row["status"] != "0":
        assert row["says"].startswith("hpss: ") and row["files"] == "0"
    assert "Traceback" not in row["says"]


def test_the_page_shows_the_table():
    page = bad_inputs.ROOT / "book" / "bad_input.md"
    (shown,) = re.findall(r":file: (.+)", page.read_text(encoding="utf-8"))
    assert (page.parent / shown).samefile(bad_inputs.TABLE)
