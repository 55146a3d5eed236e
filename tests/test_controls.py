"""Every control of the book, over its whole range: all static positions, and the live ends."""

import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

from hpss_lib import chapters, views
from hpss_lib.views import output
from hpss_lib.views.figures import render

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = [path.stem[3:] for path in sorted(BOOK.glob("[0-9][0-9]_*.ipynb"))]
CHAPTERS.append("one_weight_by_hand")  # the bridge, which has no number
CONTROLS = [
    pytest.param(control, id=f"{chapter}-{control.name}")
    for chapter in CHAPTERS
    for control in views.all_controls(importlib.import_module(f"hpss_lib.chapters.{chapter}"))
]


def signature(view):
    """What a reader would notice: the sentence and the sounds."""
    return view.text, tuple((label, x.tobytes()) for label, x in view.sounds.items())


def check_view(control, values):
    view = control.look(**values)  # a View, a sentence, finite mono sounds: checked there
    for label, x in view.sounds.items():
        assert np.isfinite(x).all() and len(x) > 0, label
        assert np.abs(x).max() < 4, f"{label} is far above full scale"
    return view


@pytest.mark.parametrize("control", CONTROLS)
def test_sweep(control):
    views_at = [(values, check_view(control, values)) for values in control.positions()]
    labels = {tuple(view.sounds) for _, view in views_at}
    assert len(labels) == 1, "the sounds' labels differ between positions"
    sizes = {view.figure.get_size_inches().tobytes() for _, view in views_at}
    assert len(sizes) == 1, "the picture changes its size, so that the page would jump"
    texts = [view.text for _, view in views_at]
    assert len(set(texts)) > len(texts) / 2, "the sentence hardly ever changes"


@pytest.mark.parametrize("control", CONTROLS)
def test_every_parameter_matters(control):
    for parameter in control.parameters:
        ends = [parameter.positions()[0][1], parameter.positions()[-1][1]]
        first, last = (control.look(**(control.start | {parameter.name: end})) for end in ends)
        assert signature(first) != signature(last), f"{parameter.name} changes nothing"


@pytest.mark.parametrize("control", CONTROLS)
def test_live_range(control):
    for parameter in control.parameters:
        if isinstance(parameter, views.Slider):
            low, high, step = parameter.live_limits()
            assert low <= parameter.values[0] and parameter.values[-1] <= high, (
                f"{parameter.name}: the live range does not hold the static positions"
            )
            for value in (low, high, low + step):
                check_view(control, control.start | {parameter.name: value})


@pytest.mark.parametrize("control", CONTROLS)
def test_views_are_pure(control):
    once, again = (control.look(**control.start) for _ in range(2))
    assert signature(once) == signature(again)
    assert once.figure is not again.figure, "two calls share one figure"
    picture = render(once.figure, scale=1.0)
    assert picture.light != picture.dark


@pytest.mark.parametrize("control", CONTROLS)
def test_enough_positions(control):
    counts = [len(parameter.positions()) for parameter in control.parameters]
    if len(counts) == 1:
        assert counts[0] >= 8 or isinstance(control.parameters[0], views.Choice)
    assert all(
        count >= 3
        for count, p in zip(counts, control.parameters, strict=True)
        if isinstance(p, views.Slider)
    )
    assert control.question.strip() and control.caption.strip()


def test_names_are_unique():
    names = [parameter.values[0].name for parameter in CONTROLS]
    assert len(names) == len(set(names))


def test_each_chapter_bears_its_notebooks_name():
    modules = {m.name for m in pkgutil.iter_modules(chapters.__path__)}
    assert modules == {*CHAPTERS, "pieces", "measured", "questions", "exercises", "own_checks"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_control_is_shown_once_in_its_chapter(chapter):
    module = importlib.import_module(f"hpss_lib.chapters.{chapter}")
    (path,) = BOOK.glob(f"*{chapter}.ipynb")
    shown = re.findall(r"\b(\w+)\.show\(\)", path.read_text(encoding="utf-8"))
    declared = [name for name, it in vars(module).items() if isinstance(it, views.Control)]
    assert sorted(shown) == sorted(declared)
    if path.name[:2] in ("01", "02", "03", "04"):  # the filters: there is something to turn
        assert len(shown) >= 2


@pytest.mark.parametrize("control", CONTROLS)
def test_every_question_has_an_answer_that_is_folded_away(control):
    assert bool(control.question) == bool(control.answer)
    folded = output.answer_html(control.answer)
    assert "<summary>" in folded and "open" not in folded.split(">")[0]
    assert output.answer_html("") == ""
