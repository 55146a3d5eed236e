"""The exercises of chapter 4."""

import numpy as np

from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question

_rng = np.random.default_rng(4)
_X = _rng.standard_normal((3, 40)) + 1j * _rng.standard_normal((3, 40))
_X_p = _rng.standard_normal((3, 40)) + 1j * _rng.standard_normal((3, 40))


def _finds_the_side(side) -> bool | str:
    # One right angle, then triangles none of which is flat: rounding takes no root below zero.
    for V, V_p, theta in (
        (5.0, 3.0, np.pi / 2),
        (np.abs(_X), np.abs(_X_p), np.angle(_X_p * _X.conj())),
    ):
        expected = np.abs(V - V_p * np.exp(1j * theta))
        got = side(V, V_p, theta)
        found = agreement(got, expected, tolerance=1e-6, show=True)
        if found is True:
            continue
        if np.allclose(got, np.abs(V + V_p * np.exp(1j * theta))):
            return "The sign before the cosine is turned: that is the length of the sum."
        return found
    return True


def _is_best_on_the_line(best) -> bool | str:
    got, V = best(_X, _X_p), np.abs(_X)
    shadow = (_X_p * _X.conj()).real / V
    found = agreement(got, np.clip(shadow, 0, V), tolerance=1e-6)
    if found is not True and np.shape(got) == V.shape and np.isrealobj(got):
        if np.any(np.asarray(got) < 0):
            return "Some are below 0: no mask."
        if np.any(np.asarray(got) > V + 1e-9):
            return "Some are above |X|: their mask is above 1."
    return found


third_side = Exercise(
    "third-side",
    "compute",
    _finds_the_side,
    (
        "In the triangle, V_h is the side opposite theta, the angle between |X| and V_p.",
        "Which law gives a side from two others and their angle?",
    ),
    Question(
        "idea-third-side",
        "compute",
        "$|X| = 2$, $V_p = 1$, and the angle between $X$ and $S_p$ is 60 degrees. How large is the "
        "true $V_h$? Two digits after the point.",
        Number(
            {"": np.sqrt(3)},
            0.006,
            "",
            {
                1.0: "That is what subtraction says, as if all pointed one way.",
                np.sqrt(7): "The sign before the cosine: this is the length of their sum.",
                3.0: "The root is missing.",
                np.sqrt(5): "That would be a right angle.",
            },
        ),
        "$4 + 1 - 2 \\cdot 2 \\cdot 1 \\cdot 0.5 = 3$, and its root is 1.73.",
        ("Draw the three arrows as a triangle.", "Two sides and their angle give the third."),
    ),
)
hiss = Exercise(
    "hiss",
    "compute",
    Number(
        {"": np.sqrt(4 * np.log(1000) / np.pi)},
        0.006,
        "",
        {
            4 * np.log(1000) / np.pi: "That is its square.",
            np.sqrt(12 / np.pi): "That is the logarithm to the base of ten.",
            np.sqrt(np.log(1000)): "Where are 4 and pi?",
        },
    ),
    ("Solve exp(-pi alpha^2 / 4) = 0.001 for alpha.", "The logarithm first, then the root."),
)
best_on_the_line = Exercise(
    "best-on-the-line",
    "extend",
    _is_best_on_the_line,
    (
        "Which point on the line of X lies nearest to S_p? It is a shadow.",
        "The shadow of S_p on the line of X is Re(S_p X*) / |X|. Then cut it to the allowed range.",
    ),
    Question(
        "idea-best-on-the-line",
        "predict",
        "In a bin the drums point away from the mixture: the angle between them is 120 degrees. "
        "Which $V_p$ is the best, if masks are to stay between 0 and 1?",
        Choice(
            {
                "0": "The shadow falls behind the origin, and 0 is the nearest that is allowed.",
                "Half of $|S_p|$": "The shadow is that long, and points the other way.",
                "All of $|S_p|$": "Then the error is longer than $|S_p|$ itself.",
                "All of $|X|$": "That is the far end of the range.",
            },
            0,
        ),
        "The cosine of 120 degrees is below zero: anything along $X$ makes the error larger.",
        ("Draw both arrows, and drop the shadow.", "On which side of the origin does it fall?"),
    ),
)

EXERCISES = (third_side, hiss, best_on_the_line)
