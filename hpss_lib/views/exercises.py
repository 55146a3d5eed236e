"""Self-checks of exercises: not answered yet, right, or wrong with a hint."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class _NotAnsweredError(Exception):
    """The answer is still the placeholder `...`."""


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
    AssertionError
        With the hint, where the test is false or fails.
    """
    if _is_open(answer):
        print("Not answered yet.")
        return
    try:
        right = bool(np.all(test(_watched(answer) if callable(answer) else answer)))
    except _NotAnsweredError:
        print("Not answered yet.")
        return
    except Exception as error:  # an answer of the wrong kind or shape is a wrong answer
        raise AssertionError(
            f"{hint} (Testing it raised {type(error).__name__}: {error})"
        ) from error
    if not right:
        raise AssertionError(hint)
    print("Right.")


def _is_open(answer: Any) -> bool:
    """Whether the answer is `...`, or a tuple, list or dict that still holds one."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, tuple | list):
        return any(_is_open(part) for part in answer)
    return answer is ...


def _watched(function: Callable) -> Callable:
    """The function, raising _NotAnsweredError where it returns the placeholder."""

    def watched(*arguments, **options):
        result = function(*arguments, **options)
        if _is_open(result):
            raise _NotAnsweredError
        return result

    return watched
