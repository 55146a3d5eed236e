"""The form of the notebooks: what they say of themselves is so, on the page and in JupyterLab."""

import json
import re
from pathlib import Path

import minutes as tool
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
WITH_MINUTES = [p for p in NOTEBOOKS if tool.STATED.search(p.read_text(encoding="utf-8"))]


def notebook(tmp_path, *cells):
    path = tmp_path / "01_test.ipynb"
    made = [
        {"cell_type": kind, "metadata": {"tags": tags}, "source": [source]}
        for kind, source, tags in cells
    ]
    path.write_text(json.dumps({"cells": made}), encoding="utf-8")
    return path


def test_there_are_minutes_to_check():
    assert len(WITH_MINUTES) >= 9


@pytest.mark.parametrize("path", WITH_MINUTES, ids=lambda path: path.stem)
def test_minutes_are_the_computed_ones(path):
    # If this fails: python tools/minutes.py --write
    assert tool.said(path) in "".join(json.loads(path.read_text())["cells"][0]["source"])


def test_minutes_follow_the_rule(tmp_path):
    cells = [
        ("markdown", "word " * 1500, []),  # 10 minutes
        ("markdown", "<details><summary>Solution</summary>" + "word " * 900 + "</details>", []),
        ("code", "x = 1\n\n" * 60, []),  # 4 minutes
        ("code", "y = 1\n" * 600 + "views.play(a)\nchapter3.ring_control.show()", ["hide-input"]),
        ("code", "answer = ...", ["exercise"]),
    ]
    assert tool.minutes(notebook(tmp_path, *cells)) == (15, 5, 10)


def test_minutes_without_what_is_further(tmp_path):
    cells = [
        ("markdown", "## One\n" + "word " * 1498, []),  # 10 minutes
        ("markdown", "## Further: two\n" + "word " * 1400, []),
        ("code", "x = 1\n" * 30, []),
        ("markdown", "### A part of it\n" + "word " * 100, []),
        ("markdown", "## Exercises\n" + "word " * 70, []),
    ]
    path = notebook(tmp_path, *cells)
    assert tool.core(path) == 15 and tool.minutes(path)[0] == 25
    assert "25 minutes to read (15 to the end of the core), 0 to listen" in tool.said(path)
    assert tool.core(notebook(tmp_path, *cells[:1])) is None


@pytest.mark.parametrize("name", ("03", "05", "06", "09"))
def test_a_long_chapter_says_where_its_core_ends(name):
    (path,) = (ROOT / "book").glob(f"{name}_*.ipynb")
    assert "Here the core of this chapter ends." in path.read_text(encoding="utf-8")
    assert tool.core(path) < tool.minutes(path)[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_the_page_hides_is_folded_in_jupyterlab(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if {"hide-input", "remove-input"} & set(cell["metadata"].get("tags", [])):
            assert cell["metadata"].get("jupyter", {}).get("source_hidden") is True, cell["id"]


def test_every_source_that_is_cited_can_be_read_and_has_its_name():
    """A lost brace in references.bib would be seen only when the book is built."""
    from pybtex.database import parse_file

    sources = parse_file(ROOT / "book/references.bib").entries
    named = {}
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        named |= dict(re.findall(r"\[([^][]+)\]\(references\.bib#(\w+)\)", text))
    assert len(named) > 20 and set(named.values()) <= set(sources)
    for name, key in named.items():
        people = [p.rich_prelast_names + p.rich_last_names for p in sources[key].persons["author"]]
        who = [" ".join(map(str, parts)) for parts in people]
        short = f"{who[0]} et al." if len(who) > 2 else " and ".join(who)
        assert name == f"{short}, {sources[key].fields['year']}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_word_of_sphinx_stands_in_a_notebook(path):
    """JupyterLab would show it as it is."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            assert not re.findall(r"\{[a-z:-]+\}`|^(?:```|:::)\{", text, re.MULTILINE), cell["id"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_figures_that_the_words_refer_to_are_declared(path):
    """The build warns too, but only after all notebooks have run."""
    words = path.read_text(encoding="utf-8").replace('\\"', '"')
    chapter = re.sub(r"^\d\d_", "", path.stem)
    module = ROOT / "hpss_lib/chapters" / f"{chapter}.py"
    declared = words + (module.read_text(encoding="utf-8") if module.is_file() else "")
    for name in re.findall(r'class="hpss-ref" href="#[a-z]+-([a-z0-9-]+)"', words):
        assert f'name="{name}"' in declared, name
