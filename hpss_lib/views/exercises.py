"""Self-checks of exercises: not answered yet, right, or wrong, with what was given and a hint."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

_MOST = 90  # characters of what is shown of a value


class _NotAnsweredError(Exception):
    """The answer is still the placeholder `...`."""


class WrongAnswerError(AssertionError):
    """An answer that is not right. A notebook shows its words and no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"Not yet. {self}"]


def check(answer: Any, test: Callable[[Any], Any], hint: str) -> None:
    """Say whether an answer is right: "Right.", or "Not answered yet.", in every chapter.

    Parameters
    ----------
    answer
        Anything; `...`, or a function that returns `...`, counts as not answered.
    test
        Function from the answer to a truth value; an array counts where all of it is true.
    hint
        What to say where the answer is wrong.

    Raises
    ------
    WrongAnswerError
        An AssertionError that says what was given, of a function what it made of what, and the
        hint, where the test is false or fails.
    """
    if _is_open(answer):
        print("Not answered yet.")
        return
    calls: list[str] = []
    try:
        right = bool(np.all(test(_watched(answer, calls) if callable(answer) else answer)))
    except _NotAnsweredError:
        print("Not answered yet.")
        return
    except Exception as error:  # an answer of the wrong kind or shape is a wrong answer
        _refuse(answer, calls, hint, error)
    if not right:
        _refuse(answer, calls, hint, None)
    print("Right.")


def _refuse(answer: Any, calls: list[str], hint: str, error: Exception | None) -> NoReturn:
    """Raise WrongAnswerError: what was wrong before what could help."""
    if isinstance(error, NameError):  # before any hint: it is no matter of the exercise
        words = f"{error}: a slip of the pen, or a cell above that has not been run."
    else:
        given = calls[-1] if calls else f"Given: {_described(answer)}."
        failed = f" (Testing it raised {type(error).__name__}: {error})" if error else ""
        words = f"{given} {hint}{failed}"
    raise WrongAnswerError(words) from error


def _described(value: Any) -> str:
    """A value in a few words: its shape, and whether it holds what it should not."""
    if hasattr(value, "detach"):  # a tensor, with a gradient perhaps
        value = value.detach().numpy()
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
        calls.append(f"Given {given}, your function returned {_described(result)}.")
        return result

    return watched
