"""Exercises that check themselves: not answered yet, right, or wrong, with what was given.

An exercise is declared once (hpss_lib/chapters/exercises). A notebook's cell holds the reader's
answer and one call; what the answer should be stands in the library. On the built page, where no
kernel stands behind the cell, the same declaration puts a question there that the page answers.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from hpss_lib.views import launch, output
from hpss_lib.views.questions import KINDS, Number, Question, question_html

_MOST = 90  # characters of what is shown of a value
# How often each exercise has been answered wrongly here, by its hints: they come one at a time.
_tries: Counter[tuple[str, ...]] = Counter()


class _NotAnsweredError(Exception):
    """The answer is still the placeholder `...`."""


class _NothingReturnedError(Exception):
    """The answer is a function without a `return`."""


class WrongAnswerError(AssertionError):
    """An answer that is not right. A notebook shows its words and no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"Not yet. {self}"]


@dataclass(frozen=True)
class Exercise:
    """An exercise that a notebook's cell answers.

    Attributes
    ----------
    name
        Letters, digits and hyphens, unique in the book.
    kind
        One of questions.KINDS.
    test
        A Number, where a number is asked for (or several); else a function from the answer, and
        what the cell hands over by name, to True or to what `agreement` says.
    hints
        Shown one at a time; the first says where to look.
    idea
        What the built page asks in its place; of a Number, the page asks for the number itself.
    """

    name: str
    kind: str
    test: Number | Callable[..., Any]
    hints: tuple[str, str]
    idea: Question | None = None

    def __post_init__(self):
        output.identifier(self.name)
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; accepted are {', '.join(KINDS)}")
        if (self.idea is None) != isinstance(self.test, Number):
            raise ValueError(f"{self.name}: a Number is its own question, a function needs one")

    def check(self, answer: Any, **given: Any) -> None:
        """Say whether an answer is right; on the built page, put a question where there is none.

        Parameters
        ----------
        answer
            Anything; `...`, or a function that returns `...`, counts as not answered.
        **given
            What the test needs of the notebook: arrays, mostly.

        Raises
        ------
        WrongAnswerError
            As check, where the answer is wrong.
        """
        if isinstance(self.test, Number):
            number = self.test
            check(answer, lambda a: _number_agrees(a, number), self.hints)
        else:
            test = self.test
            check(answer, lambda a: test(a, **given), self.hints)
        if output.is_static():
            question = self.question()
            link = f'<a href="#{launch.ANCHOR}">Run this chapter</a>'
            run = f'<p class="hpss-to-run">{link} to try your code.</p>'
            markup = question_html(question, "Check your idea") + run
            output.emit(markup, question.text, "questions")

    def question(self) -> Question:
        """What the built page asks."""
        if self.idea is not None:
            return self.idea
        assert isinstance(self.test, Number)
        text = "The exercise's number, typed here:"
        solution = "The way to it stands in the solution below."
        return Question(self.name, self.kind, text, self.test, solution, self.hints)


def check(answer: Any, test: Callable[[Any], Any], hint: str | Sequence[str]) -> None:
    """Say whether an answer is right: "Right.", or "Not answered yet.", in every chapter.

    Parameters
    ----------
    answer
        Anything; `...`, or a function that returns `...`, counts as not answered.
    test
        Function from the answer to a truth value, or to words on what is wrong; an array counts
        where all of it is true.
    hint
        What to say where the answer is wrong; of several, one more with each wrong answer.

    Raises
    ------
    WrongAnswerError
        An AssertionError that says what was given, of a function what it made of what, what is
        wrong with it where the test knows, and a hint, where the test is not true or fails.
    """
    if _is_open(answer):
        print("Not answered yet.")
        return
    hints = (hint,) if isinstance(hint, str) else tuple(hint)
    calls: list[str] = []
    try:
        found = test(_watched(answer, calls) if callable(answer) else answer)
        right = not isinstance(found, str) and bool(np.all(found))
    except _NotAnsweredError:
        print("Not answered yet.")
        return
    except Exception as error:  # an answer of the wrong kind or shape is a wrong answer
        _refuse(answer, calls, hints, error)
    if not right:
        _refuse(answer, calls, hints, found if isinstance(found, str) else None)
    print("Right.")


def agreement(
    got: Any, expected: Any, *, tolerance: float = 1e-6, show: bool = False
) -> bool | str:
    """True where a result is the expected one; else what is wrong with it, in words.

    Parameters
    ----------
    got
        A number, a pair, an array, or a tuple of these.
    expected
        What it should be, of the same kind.
    tolerance
        The largest error, absolute; an array's as a part of its largest value, where that is
        above 1.
    show
        Whether the words say what was expected, where that is short: of a function's result they
        may, of the answer itself not.

    Returns
    -------
    bool or str
        True, False, or a sentence where a slip can be told: kind, order, shape, NaN, sign, factors
        of 2, of 10, of 2 pi (units, degrees), inverse, too few digits.

    Examples
    --------
    >>> agreement(6.0, 3.0)
    'It is twice what it should be.'
    >>> agreement((27, 57), (57, 27))
    'The values are right, their order is not.'
    >>> agreement(np.ones((3, 2)), np.ones((2, 3)))
    'Its shape is (3, 2), asked for is (2, 3): the axes have changed places.'
    """
    if show:
        found = agreement(got, expected, tolerance=tolerance)
        if found is True or (not isinstance(expected, tuple) and np.size(expected) > 6):
            return found
        return f"{found or ''} Expected: {_described(expected)}.".strip()
    if isinstance(expected, tuple):
        return _tuple_agrees(got, expected, tolerance)
    wrong_kind = _kind(got, expected)
    if wrong_kind:
        return wrong_kind
    a, b = _plain(got), np.asarray(expected)
    if a.shape != b.shape:
        turned = a.shape == b.shape[::-1]
        more = ": the axes have changed places" if turned else ""
        return f"Its shape is {a.shape}, asked for is {b.shape}{more}."
    finite = np.isfinite(a) | ~np.isfinite(b)
    if not finite.all():
        where = f" at {(~finite).sum()} of {a.size} places" if a.size > 1 else ""
        return (
            f"It is NaN or infinite{where}: 0/0, a division by 0, the root or the logarithm of "
            "what is below 0?"
        )
    inside = np.isfinite(b)
    if not np.array_equal(a[~inside], b[~inside], equal_nan=True):
        return "It has a number where there should be none."
    a, b = a[inside], b[inside]
    bound = tolerance * max(1.0, float(np.abs(b).max(initial=0.0))) if b.size > 1 else tolerance
    if np.all(np.abs(a - b) <= bound * (1 + 1e-9)):
        return True
    return _slip(a, b, bound)


def _number_agrees(answer: Any, number: Number) -> bool | str:
    """The same verdict as the page's (static/questions.js)."""
    values = list(number.values.values())
    first = next(iter(answer), None) if isinstance(answer, tuple | list) else answer
    if isinstance(first, int | float | np.number):
        for wrong, why in number.mistakes.items():
            if abs(float(first) - wrong) <= number.tolerance:
                return why
    expected = tuple(values) if len(values) > 1 else values[0]
    return agreement(answer, expected, tolerance=number.tolerance)


def _tuple_agrees(got: Any, expected: tuple, tolerance: float) -> bool | str:
    """agreement, for several values at once."""
    if not isinstance(got, tuple | list) and np.ndim(got) == 0:
        return f"{len(expected)} values are asked for, in a tuple."
    parts = list(got)
    if len(parts) != len(expected):
        return f"{len(expected)} values are asked for, not {len(parts)}."
    words = [agreement(a, b, tolerance=tolerance) for a, b in zip(parts, expected, strict=True)]
    if all(w is True for w in words):
        return True
    turned = zip(parts[::-1], expected, strict=True)
    if all(agreement(a, b, tolerance=tolerance) is True for a, b in turned):
        return "The values are right, their order is not."
    k = next(k for k, w in enumerate(words) if w is not True)
    which = ("first", "second", "third", "fourth")[k] if k < 4 else f"{k + 1}th"
    return f"The {which} of {len(expected)}: {words[k] or 'not right.'}"


def _kind(got: Any, expected: Any) -> str:
    """What is wrong with the kind of a result, or ""."""
    if callable(got) and not isinstance(got, type):
        return "A value is asked for, not a function."
    if got is None:
        return "It is None: is `return` missing?"
    if isinstance(got, str):
        return "A number is asked for, without quotes and without its unit."
    try:
        a = _plain(got)
    except (TypeError, ValueError):
        return f"A number or an array is asked for, not {type(got).__name__}."
    if not (np.issubdtype(a.dtype, np.number) or a.dtype == bool):
        return f"A number or an array is asked for, not {type(got).__name__}."
    if np.iscomplexobj(a) and not np.iscomplexobj(np.asarray(expected)):
        return "It is complex; a real value is asked for."
    return ""


def _plain(value: Any) -> np.ndarray:
    return np.asarray(value.detach().numpy() if hasattr(value, "detach") else value)


_FACTORS = (
    (-1, "The size is right, the sign is not."),
    (2, "It is twice what it should be."),
    (0.5, "It is half of what it should be."),
    (2 * np.pi, "It is 2π times what it should be: radians, or turns?"),
    (1 / (2 * np.pi), "It is 2π times too small: radians, or turns?"),
    (180 / np.pi, "Degrees, or radians?"),
    (np.pi / 180, "Degrees, or radians?"),
    (100, "It is a hundred times too large: per cent?"),
    (0.01, "It is a hundred times too small: per cent?"),
    (1000, "It is a thousand times too large: look at the unit."),
    (0.001, "It is a thousand times too small: look at the unit."),
    (10, "It is ten times too large."),
    (0.1, "It is ten times too small."),
)


def _slip(a: np.ndarray, b: np.ndarray, bound: float) -> bool | str:
    """The usual mistake that makes `a` of `b`, in a sentence; False where none does."""
    for factor, words in _FACTORS:
        if np.all(np.abs(a / factor - b) <= 2 * bound) and np.any(np.abs(b) > 4 * bound):
            return words
    relative = 1e-3 * (1 + np.abs(b))
    if np.all(b != 0) and np.all(np.abs(a * b - 1) <= 1e-3):
        return "It is the inverse of what it should be."
    if np.all(np.abs(a - b**2) <= relative) or np.all(np.abs(a**2 - b) <= relative):
        return "A square, or a square root, is missing or too much."
    if a.size > 2 and np.all(np.abs(a[::-1] - b) <= bound):
        return "The values are right, their order is not."
    if np.all(np.abs(a - b) <= 10 * bound):
        return "Close: more digits are asked for."
    if a.size > 1:
        wrong = np.abs(a - b) > bound
        return f"{wrong.sum()} of {a.size} values are not right."
    return False


def _refuse(
    answer: Any, calls: list[str], hints: tuple[str, ...], wrong: Exception | str | None
) -> NoReturn:
    """Raise WrongAnswerError: what was wrong before what could help."""
    if isinstance(wrong, NameError):  # before any hint: it is no matter of the exercise
        words = f"{wrong}: a slip of the pen, or a cell above that has not been run."
        raise WrongAnswerError(words) from wrong
    if isinstance(wrong, _NothingReturnedError):
        raise WrongAnswerError(f"{wrong}: is its `return` missing?") from wrong
    if isinstance(wrong, TypeError) and not callable(answer) and "not callable" in str(wrong):
        words = f"Given: {_described(answer)}. A function is asked for: def answer(...)."
        raise WrongAnswerError(words) from wrong
    given = calls[-1] if calls else f"Given: {_described(answer)}."
    hint = hints[min(_tries[hints], len(hints) - 1)]
    _tries[hints] += 1
    said = f" {wrong}" if isinstance(wrong, str) else ""
    cause = wrong if isinstance(wrong, Exception) else None
    failed = f" (Testing it raised {type(cause).__name__}: {cause})" if cause else ""
    raise WrongAnswerError(f"{given}{said} {hint}{failed}") from cause


def _described(value: Any) -> str:
    """A value in a few words: its shape, and whether it holds what it should not."""
    if hasattr(value, "detach"):  # a tensor, with a gradient perhaps
        value = value.detach().numpy()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, tuple | list):
        text = "(" + ", ".join(_described(part) for part in value) + ")"
    elif callable(value) and not isinstance(value, type):
        text = f"the function {getattr(value, '__name__', '')}".strip()
    elif hasattr(value, "shape") and getattr(value, "ndim", 0):
        x = np.asarray(value)
        text = f"an array of shape {x.shape}"
        if np.issubdtype(x.dtype, np.inexact) and not np.isfinite(x).all():
            text += " with NaN or infinite values"
        elif x.size <= 6 and x.ndim == 1:
            text = str(np.round(x, 4).tolist())
    elif isinstance(value, float | np.floating):
        text = f"{float(value):.5g}"
    else:
        text = repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _is_open(answer: Any) -> bool:
    """Whether the answer is `...`, or a tuple, list or dict that still holds one."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, tuple | list):
        return any(_is_open(part) for part in answer)
    return answer is ...


def _watched(function: Callable, calls: list[str]) -> Callable:
    """The function, noting each call, and raising _NotAnsweredError for the placeholder."""

    def watched(*arguments, **options):
        given = ", ".join(
            [_described(a) for a in arguments]
            + [f"{name}={_described(a)}" for name, a in options.items()]
        )
        result = function(*arguments, **options)
        if _is_open(result):
            raise _NotAnsweredError
        if result is None:
            raise _NothingReturnedError(f"Given {given}, your function returned None")
        calls.append(f"Given {given}, your function returned {_described(result)}.")
        return result

    return watched
