"""Every exercise of the book: as shipped it says so, its solution passes, a wrong answer raises."""

import contextlib
import io
import json
import os
import re
from importlib import import_module
from pathlib import Path

import exercises as tool
import numpy as np
import pytest

from hpss_lib import views
from hpss_lib.views import controls, output
from hpss_lib.views import exercises as checks
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import KINDS, Choice, Number, Question

BOOK = Path(__file__).resolve().parent.parent / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
MARKER = "# --- check ---"


def cells(path):
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        yield cell["cell_type"], cell["metadata"], "".join(cell["source"])


def mistakes(meta):
    """Wrong answers of an exercise, each with words that its reader must be told."""
    wrong = meta["hpss"]["wrong"]
    return wrong if isinstance(wrong, dict) else {wrong: ""}


def run(code, namespace):
    """Run one cell's code; return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<cell>", "exec"), namespace)
    return printed.getvalue()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exercises(path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(BOOK)
    monkeypatch.delenv("HPSS_BOOK_ASSETS", raising=False)
    # What is shown is tested elsewhere, and takes most of the time.
    for name in ("show_figure", "play", "stem_player"):
        monkeypatch.setattr(views, name, lambda *args, **options: None)
    monkeypatch.setattr(controls.Control, "show", lambda control: None)
    source = list(cells(path))
    asked = [i for i, (_, meta, _) in enumerate(source) if "exercise" in meta.get("tags", [])]
    last = max(asked, default=-1)
    namespace = {"__name__": "__main__"}
    exercises = 0
    for i, (kind, meta, code) in enumerate(source[: last + 1]):
        if kind != "code":
            continue
        if "exercise" not in meta.get("tags", []):
            run(code, namespace)
            continue
        exercises += 1
        above, check = code.split(MARKER)
        assert "..." in above
        solution = re.search(r"```python\n(.*?)```", source[i + 1][2], re.DOTALL)
        assert source[i + 1][0] == "markdown" and "<details>" in source[i + 1][2] and solution
        assert "Not answered yet" in run(code, namespace)
        for wrong, words in mistakes(meta).items():
            checks._tries.clear()  # each is somebody's first try
            with pytest.raises(AssertionError) as raised:
                run(wrong + "\n" + check, dict(namespace))
            assert len(str(raised.value)) > 20, "a wrong answer deserves a hint"
            assert words in str(raised.value), wrong
        assert run(solution.group(1) + "\n" + check, dict(namespace)) == "Right.\n"
    if re.match(r"0[1-9]|1[01]|one_weight", path.stem):
        assert exercises >= 3
    assert os.getcwd() == str(BOOK)


# ------------------------------------------------------------------- as they are declared

CHAPTERS = sorted(
    path.stem
    for path in (BOOK.parent / "hpss_lib/chapters/exercises").glob("*.py")
    if path.stem != "__init__"
)
DECLARED = {
    chapter: import_module(f"hpss_lib.chapters.exercises.{chapter}").EXERCISES
    for chapter in CHAPTERS
}
TWO = Exercise("two", "compute", Number({"": 2.0}, 0.01, "s"), ("First.", "Second."))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_cell_holds_no_answer_and_its_text_says_the_kind(chapter):
    (path,) = BOOK.glob(f"*{chapter}.ipynb")
    source, found = list(cells(path)), []
    module = import_module(f"hpss_lib.chapters.exercises.{chapter}")
    for i, (_, meta, code) in enumerate(source):
        if "exercise" in meta.get("tags", []):
            call = re.fullmatch(
                r"exercises\.(\w+)\.check\(answer[\w=, ]*\)", code.split(MARKER)[1][1:]
            )
            exercise = getattr(module, call[1])
            assert f"*{exercise.kind.capitalize()}.*" in source[i - 1][2]
            found.append(exercise)
    assert tuple(found) == DECLARED[chapter]


def test_names_are_unique_among_exercises_and_questions():
    names = [e.question().name for chapter in CHAPTERS for e in DECLARED[chapter]]
    for path in (BOOK.parent / "hpss_lib/chapters/questions").glob("[a-z]*.py"):
        names += [
            q.name for q in import_module(f"hpss_lib.chapters.questions.{path.stem}").QUESTIONS
        ]
    assert len(set(names)) == len(names) > 70


def test_each_chapter_has_five_of_three_kinds():
    table = tool.table()
    assert len(set(table) & {tool.chapter(path) for path in NOTEBOOKS}) >= len(CHAPTERS)
    for name in CHAPTERS:
        count = table[name]
        assert count.total() >= tool.LEAST and len(count) >= tool.LEAST_KINDS
        assert set(count) <= set(KINDS)


def test_hints_come_one_at_a_time(capsys):
    checks._tries.clear()
    said = []
    for _ in range(3):
        with pytest.raises(AssertionError) as raised:
            TWO.check(5.0)
        said.append(str(raised.value))
    assert said == ["Given: 5. First.", "Given: 5. Second.", "Given: 5. Second."]
    TWO.check(2.004)
    TWO.check(...)
    assert capsys.readouterr().out == "Right.\nNot answered yet.\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (-2.0, "sign"),
        (4.0, "twice"),
        (2000, "thousand"),
        (0.5, "inverse"),
        (2.05, "more digits"),
        ("2 s", "without quotes"),
        (np.nan, "NaN"),
        (2 + 1j, "complex"),
        ((2, 3), "shape"),
        (lambda: 2, "not a function"),
        ({}, "not dict"),
    ],
)
def test_usual_slips_are_told(answer, words):
    checks._tries.clear()
    with pytest.raises(AssertionError, match=words):
        TWO.check(answer)


def test_agreement_knows_order_shape_and_nan():
    values = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 0.0]])
    assert agreement(values + 1e-9, values) is True
    assert "axes" in agreement(values.T, values)
    assert "at 1 of 6 places" in agreement(np.where(values == 4, np.nan, values), values)
    assert "order" in agreement(values[0][::-1], values[0])
    assert "order" in agreement((2.0, 1.0), (1.0, 2.0))
    assert "second of 2" in agreement((1.0, 5.0), (1.0, 2.0))
    assert "radians" in agreement(2 * np.pi * values, values)
    assert "1 of 6 values" in agreement(values + np.eye(2, 3) * [1, 0, 0], values)
    assert agreement(7.0, 2.0) is False
    assert agreement(7.0, 2.0, show=True) == "Expected: 2."
    assert agreement(np.array([np.nan, 1.0]), np.array([np.nan, 1.0])) is True


def test_a_function_is_asked_for_and_one_without_return():
    twice = Exercise("twice", "compute", lambda f: f(2) == 4, ("A", "B"), TWO.question())
    with pytest.raises(AssertionError, match="A function is asked for"):
        twice.check(4)
    with pytest.raises(AssertionError, match="is its `return` missing"):
        twice.check(lambda x: None)


def test_the_built_page_puts_a_question(tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(output, "emit", lambda markup, *_: shown.append(markup))
    TWO.check(...)
    assert not shown
    monkeypatch.setenv(output.FOLDER, str(tmp_path))
    TWO.check(...)
    assert "Check your idea" in shown[0] and 'id="question-two"' in shown[0]


def test_unfit_exercises_are_refused():
    idea = Question("i", "explain", "?", Choice({"a": "", "b": ""}, 0), "a", ("", ""))
    for make, words in (
        (lambda: Exercise("a b", "compute", TWO.test, ("", "")), "hyphens"),
        (lambda: Exercise("a", "guess", TWO.test, ("", "")), ", ".join(KINDS)),
        (lambda: Exercise("a", "compute", TWO.test, ("", ""), idea), "its own question"),
        (lambda: Exercise("a", "compute", lambda f: True, ("", "")), "its own question"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
