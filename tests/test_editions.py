"""The book for students and for instructors: the same notebooks without and with solutions."""

import itertools
import json
import zipfile
from pathlib import Path

import editions
import pytest

ROOT = Path(__file__).resolve().parent.parent


def sources(path):
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        yield cell["cell_type"], cell["metadata"].get("tags", []), "".join(cell["source"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editions")
    return {
        name: editions.write_notebooks(getattr(editions, name), folder / name)
        for name in ("student", "instructor")
    }


def test_the_students_have_every_exercise_and_no_solution(written):
    for path in written["student"]:
        asked = [s for s in sources(ROOT / "book" / path.name) if "exercise" in s[1]]
        found = list(sources(path))
        assert [s for s in found if "exercise" in s[1]] == asked
        assert not any("Solution</summary>" in text for _, _, text in found)
        # Nothing else is gone: every line of prose that is in no fold-out is still there.
        kept = "\n".join(text for kind, _, text in found if kind == "markdown")
        for kind, _, text in sources(ROOT / "book" / path.name):
            if kind == "markdown" and "<details>" not in text:
                assert text.strip("\n") in kept


def test_the_instructors_have_every_exercise_solved(written):
    solved = 0
    for path in written["instructor"]:
        cells = list(sources(path))
        for (_, tags, text), (_, _, after) in itertools.pairwise(cells):
            if "exercise" in tags:
                above, check = text.split(editions.MARKER)
                assert above.strip() and above.strip() in after and "check(" in check
                assert "answer = ...\n" not in above and "return ...\n" not in above
                solved += 1
    assert solved >= 27


def test_both_bring_the_data_they_read(written):
    for paths in written.values():
        folder = paths[0].parent
        assert (folder / "data" / "results.csv").is_file()
        assert {p.name for p in paths} == {p.name for p in (ROOT / "book").glob("*.ipynb")}


def test_an_exercise_without_a_solution_is_refused():
    cell = {"id": "x", "metadata": {"tags": ["exercise"]}, "source": [editions.MARKER]}
    with pytest.raises(ValueError, match="x"):
        editions.instructor({"cells": [cell, {"metadata": {}, "source": ["nothing"]}]})


def test_the_zip_opens_with_its_index(tmp_path, monkeypatch):
    html = tmp_path / "html"
    (html / "book").mkdir(parents=True)
    (html / "index.html").write_text("<p>index")
    (html / "book" / "a.html").write_text("<p>a")
    monkeypatch.setattr(editions, "HTML", html)
    out = editions.write_offline(tmp_path / "out" / "book.zip")
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
        assert {"book/index.html", "book/book/a.html", "book/READ ME FIRST.txt"} == set(names)
    assert [p.name for p in out.parent.iterdir()] == ["book.zip"]


def test_paper_leaves_out_what_only_a_screen_can_do():
    from hpss_lib.views import exercises, launch

    hidden = editions.PAPER.split("{")[0]
    for name in (".hpss-run", ".hpss-to-run", "details.hide > summary", ".bd-sidebar"):
        assert name in hidden
    assert 'class="hpss-run"' in launch.launch_html("a.ipynb")
    assert "hpss-to-run" in Path(exercises.__file__).read_text(encoding="utf8")


def test_what_is_not_built_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(editions, "HTML", tmp_path)
    for call in (
        lambda: editions.write_offline(tmp_path / "book.zip"),
        lambda: list(editions.pages([])),
    ):
        with pytest.raises(SystemExit, match="make book"):
            call()
