"""Self-checks of exercises: not answered yet, right, or wrong with a hint."""

import numpy as np


class _NotAnsweredError(Exception):
    """The answer is still the placeholder `...`."""


def check(answer, test, hint):
    """Say whether an answer is right.

    answer: anything; `...`, or a function that returns `...`, counts as not answered and prints so.
    test: function from the answer to a truth value (an array counts as right where all of it is).
    hint: what to say where the answer is wrong.
    Raises AssertionError(hint) where the test is false or fails. Every chapter.
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


def _is_open(answer):
    """Whether the answer is `...`, or a tuple, list or dict that still holds one."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, tuple | list):
        return any(_is_open(part) for part in answer)
    return answer is ...


def _watched(function):
    """The function, raising _NotAnsweredError where it returns the placeholder."""

    def watched(*arguments, **options):
        result = function(*arguments, **options)
        if _is_open(result):
            raise _NotAnsweredError
        return result

    return watched
