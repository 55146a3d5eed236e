"""Questions that the page answers, as they leave Python; the browser's tests have the script."""

import base64
import csv
import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from hpss_lib.views import output
from hpss_lib.views.questions import KINDS, Choice, Number, Order, Question, question_html

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted(
    path.stem
    for path in (ROOT / "hpss_lib/chapters/questions").glob("*.py")
    if path.stem != "__init__"
)
NUMBER = Question("one", "compute", "How many?", Number({"": 3.0}, 0.1), "It is three.", ("A", "B"))


def questions(chapter):
    return import_module(f"hpss_lib.chapters.questions.{chapter}").QUESTIONS


def unsealed(markup):
    return json.loads(base64.b64decode(re.search(r'data-answer="([^"]*)"', markup)[1]))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_has_questions_of_several_kinds_that_its_notebook_asks(chapter):
    asked = questions(chapter)
    assert len(asked) >= 5
    kinds = [q.kind for q in asked]
    assert len(set(kinds)) >= 3 and kinds[0] == "predict"
    (notebook,) = (ROOT / "book").glob(f"*{chapter}.ipynb")
    assert f"from hpss_lib.chapters.questions import {chapter} " in notebook.read_text("utf8")


def test_names_are_unique_and_no_two_questions_alike():
    every = [q for chapter in CHAPTERS for q in questions(chapter)]
    assert len({q.name for q in every}) == len(every) == len({q.text for q in every})


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_answer_is_in_plain_sight(chapter, monkeypatch):
    monkeypatch.delenv(output.FOLDER, raising=False)
    for question in questions(chapter):
        markup = question_html(question, 1)
        seen = re.sub(r'data-answer="[^"]*"', "", markup)
        assert output.inline(question.solution) not in seen
        assert not any(output.inline(hint) in seen for hint in question.hints)
        facts = unsealed(markup)
        assert facts["solution"] == output.inline(question.solution)
        if isinstance(question.answer, Order):
            shown = [int(k) for k in re.findall(r'data-item="(\d+)"', seen)]
            assert shown != sorted(shown) and sorted(shown) == list(range(len(shown)))


def test_text_is_safe_and_boxes_are_named():
    text = "Is 1 < 2 & *so*?"
    answer = Number({"left": 1.0, "right": 2.0}, 0.1, "dB")
    markup = question_html(Question("safe", "explain", text, answer, "Yes.", ("A", "B")), 7)
    assert "Is 1 &lt; 2 &amp; <em>so</em>?" in markup and "Question 7" in markup
    assert re.findall(r"<label>(\w+) <input", markup) == ["left", "right"]
    assert markup.count("<span>dB</span>") == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Number({}, 0.1), "finite"),
        (lambda: Number({"": float("nan")}, 0.1), "finite"),
        (lambda: Number({"": 1.0}, 0.0), "above 0"),
        (lambda: Number({"": 1.0}, 0.1, "", {1.05: "no"}), "within the tolerance"),
        (lambda: Number({"": 1.0}, 0.1, "", {2.0: "no", 2.05: "nor"}), "told apart"),
        (lambda: Choice({"a": "", "b": ""}, 2), "right is 2"),
        (lambda: Order(("a", "b"), ""), "three or more"),
        (lambda: Order(("a", "b", "b"), ""), "different"),
        (lambda: Question("a b", "compute", "", NUMBER.answer, "", ("", "")), "hyphens"),
        (lambda: Question("a", "guess", "", NUMBER.answer, "", ("", "")), ", ".join(KINDS)),
    ],
)
def test_unfit_questions_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_ladder_of_chapter_9_is_in_its_table():
    (ladder,) = (q for q in questions("evaluation") if q.name == "ladder")
    named = {"scaled mixture": "mixture", "median filter": "median", "network": "mad"}
    named["ideal ratio mask"] = "irm"
    with (ROOT / "book/data/results.csv").open(newline="") as file:
        rows = [
            r
            for r in csv.DictReader(file)
            if r["song"].startswith("mdb_")
            and (r["source"], r["protocol"]) == ("percussive", "plain")
            and r["setting"] in ("", "compact")
        ]
    medians = [
        np.median([float(r["sdr"]) for r in rows if r["method"] == named[item]])
        for item in ladder.answer.items
    ]
    assert medians == sorted(medians)


def test_random_phases_spread_a_click_over_the_window():
    """Chapter 2's last question."""
    from hpss_lib.stft import COMPACT, istft, stft

    x = np.eye(1, 40 * COMPACT.hop, 20 * COMPACT.hop + 100, dtype=np.float32)[0]
    X = stft(x, COMPACT)
    turns = np.exp(2j * np.pi * np.random.default_rng(2).random(X.shape)).astype(np.complex64)
    s = istft(np.abs(X) * turns, COMPACT, len(x))
    near = np.square(s[20 * COMPACT.hop :][: 2 * 100]).sum()
    assert near < 0.3 * np.square(s).sum()


def test_only_what_has_a_name_of_its_own_is_a_landmark():
    """A reader who goes from landmark to landmark is not told "Check your idea" eight times."""
    question = Question(
        "one", "explain", "Which?", Choice({"a": "Yes.", "b": "No."}, 0), "Yes.", ("A", "B")
    )
    assert question_html(question, 3).startswith('<section class="')
    assert question_html(question, "Check your idea").startswith('<section role="group" ')


def test_a_note_whose_partials_are_near_passes_for_a_stroke():
    """Chapter 3: what a tall median makes of the gaps between partials, and of none."""
    from hpss_lib.median import median_hpss
    from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft

    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    gone = {}
    for hertz in (65, 130, 172):
        partials = range(1, 8000 // hertz)
        x = sum(np.cos(2 * np.pi * hertz * k * t + k * k) / np.sqrt(k) for k in partials)
        x = x * np.minimum(1, np.minimum(t, 1 - t) / 0.05)
        X = stft(x, COMPACT)
        s = istft(median_hpss(np.abs(X), COMPACT)[0] * X, COMPACT, len(x))
        gone[hertz] = np.square(s).sum() / np.square(x).sum()
    assert gone[65] > 0.05 and gone[130] < 0.005 and gone[172] < 0.001, gone
