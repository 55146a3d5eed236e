"""The book's questions in Chromium: right, wrong, the usual mistakes, by keyboard, remembered."""

from importlib import import_module
from pathlib import Path

import pytest
from conftest import open_alone

from hpss_lib.views import output
from hpss_lib.views.questions import Choice, Number, Order, Question, question_html

FOLDER = Path(__file__).resolve().parents[2] / "hpss_lib/chapters/questions"
CHAPTERS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
LINK = (
    '<nav class="bd-links"><a class="reference internal" href="alone.html">2. A chapter</a></nav>'
)


def show(page, folder, questions):
    markup = "".join(question_html(q, k) for k, q in enumerate(questions, start=1))
    open_alone(page, folder, LINK + markup, style="questions", scripts=("questions",))
    return [page.locator(f"#question-{q.name}") for q in questions]


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.delenv(output.FOLDER, raising=False)


def check(figure):
    figure.get_by_role("button", name="Check").click()
    return figure.get_by_role("status").inner_text()


def number(value):
    return f"{value:.8g}"


def arrange(figure):
    """By keyboard: each thing is moved up to its place."""
    for place in range(figure.locator("li").count()):
        order = [int(row.get_attribute("data-item")) for row in figure.locator("li").all()]
        up = figure.locator(f"li[data-item='{place}']").get_by_role("button", name="up")
        for _ in range(order.index(place) - place):
            up.focus()
            up.press("Enter")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_question_knows_right_from_wrong(page, tmp_path, chapter):
    questions = import_module(f"hpss_lib.chapters.questions.{chapter}").QUESTIONS
    exercises = import_module(f"hpss_lib.chapters.exercises.{chapter}").EXERCISES
    questions = [*questions, *(exercise.question() for exercise in exercises)]
    for question, figure in zip(questions, show(page, tmp_path, questions), strict=True):
        answer = question.answer
        if isinstance(answer, Number):
            boxes, values = figure.locator("input"), list(answer.values.values())
            for k, value in enumerate(values[1:], start=1):
                boxes.nth(k).fill(number(value))
            for wrong, why in answer.mistakes.items():
                boxes.nth(0).fill(number(wrong))
                said = check(figure)
                assert "Not yet" in said and why[:12] in said, (question.name, wrong)
            if len(values) == 1 and values[0] != 0:
                boxes.nth(0).fill(number(-values[0]))
                assert "the sign is not" in check(figure)
            boxes.nth(0).fill(number(values[0]))
        elif isinstance(answer, Choice):
            reasons = list(answer.options.values())
            for k in (*(k for k in range(len(reasons)) if k != answer.right), answer.right):
                figure.locator("input").nth(k).check()
                said = check(figure)
                assert ("Right" in said) == (k == answer.right)
                assert reasons[k].split("$")[0].split("`")[0][:12] in said
        else:
            assert "Not yet" in check(figure)
            arrange(figure)
        assert "Right." in check(figure), question.name
        assert figure.get_by_text("✓ answered").is_visible()


ONE = Question(
    "one",
    "compute",
    "How many?",
    Number({"": 86.13}, 0.005),
    "It is $86.13$.",
    ("First.", "Second."),
)
TWO = Question(
    "two", "explain", "Which?", Number({"low": 3.0, "high": 7.0}, 0.05, "Hz"), "So.", ("A", "B")
)
THREE = Question(
    "three", "predict", "In which order?", Order(("a", "b", "c"), "Up"), "So.", ("A", "B")
)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("86,13", "Right"),
        ("8.613e1", "Right"),
        ("−86.13", "the sign is not"),
        ("172.26", "Twice"),
        ("43.065", "Half"),
        ("86.1", "one more digit"),
        ("86130", "a factor of 1000: look at the unit"),
        ("0.8613", "hundred"),
        ("0.01161", "inverse"),
        ("86 frames", "is no number"),
        ("", "Type a number first"),
        ("1/0", "is no number"),
        ("12", "Not yet"),
    ],
)
def test_what_is_typed_is_told_apart(page, tmp_path, typed, words):
    (figure,) = show(page, tmp_path, [ONE])
    figure.locator("input").fill(typed)
    said = check(figure)
    assert words in said
    assert ("Right" in said) == (words == "Right")


def test_swapped_values_and_single_right_ones(page, tmp_path):
    (figure,) = show(page, tmp_path, [TWO])
    low, high = figure.get_by_label("low"), figure.get_by_label("high")
    low.fill("7")
    high.fill("3")
    assert "each other's boxes" in check(figure)
    low.fill("3")
    assert "1 of 2 are right" in check(figure)


def test_hints_come_one_at_a_time_and_the_solution_after_a_try(page, tmp_path):
    (figure,) = show(page, tmp_path, [ONE])
    status, hint = figure.get_by_role("status"), figure.get_by_role("button", name="Hint")
    hint.click()
    assert "Hint 1 of 2. First." in status.inner_text()
    assert "Second" not in status.inner_text()
    hint.click()
    assert "Hint 2 of 2. Second." in status.inner_text() and hint.is_disabled()
    figure.get_by_role("button", name="Solution").click()
    assert "Try once" in status.inner_text() and "It is" not in status.inner_text()
    figure.get_by_role("button", name="Show it all the same").click()
    assert "Solution." in status.inner_text() and "86.13" in status.inner_text()


def test_answered_stays_answered_and_the_contents_count(page, tmp_path):
    first, _, third = show(page, tmp_path, [ONE, TWO, THREE])
    badge = page.locator(".hpss-progress")
    assert badge.inner_text() == "0/3"
    first.locator("input").fill("86.13")
    first.locator("input").press("Enter")  # by keyboard
    assert "Right" in first.get_by_role("status").inner_text()
    assert badge.inner_text() == "1/3"
    assert badge.get_attribute("aria-label") == "1 of 3 questions answered"
    page.reload()
    assert first.get_by_text("✓ answered").is_visible()
    assert not third.get_by_text("✓ answered").is_visible()
    assert badge.inner_text() == "1/3"
