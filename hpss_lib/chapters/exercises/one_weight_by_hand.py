"""The exercises of the bridge before chapter 5."""

import numpy as np

from hpss_lib.stft import COMPACT
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Number, Question

_UNITS, _BINS = 64, COMPACT.bins


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _is_the_slope(slope) -> bool | str:
    a = np.linspace(-6, 6, 25)
    right = _sigmoid(a) * (1 - _sigmoid(a))
    got = slope(a)
    if np.shape(got) == a.shape and np.allclose(got, _sigmoid(a)):
        return "That is the sigmoid itself."
    return agreement(got, right, tolerance=1e-6)


def _is_the_gradient(gradient) -> bool | str:
    rng = np.random.default_rng(8)
    q, V = rng.standard_normal((4, 9)), rng.random((4, 9)) + 0.1
    V_p = V * rng.random((4, 9))
    w, b = 1.0, -0.4
    a = w * q + b
    both = []
    for M, slope in (
        (np.log1p(np.exp(a)), _sigmoid(a)),
        (_sigmoid(a), _sigmoid(a) * (1 - _sigmoid(a))),
    ):
        pull = 2 * (M * V - V_p) * V * slope / np.sum(V_p**2)
        both.append((float(np.sum(pull * q)), float(np.sum(pull))))
    got = gradient(w, b, q, V, V_p)
    if agreement(got, both[1], tolerance=1e-9) is True:
        return "That is the sigmoid's mask and its slope; the mask is a softplus here."
    return agreement(got, both[0], tolerance=1e-6, show=True)


slope = Exercise(
    "slope",
    "compute",
    _is_the_slope,
    (
        "Write it with the sigmoid itself.",
        "It is largest at 0, where the sigmoid is one half, and nothing where that is 0 or 1.",
    ),
    Question(
        "idea-slope",
        "compute",
        "How steep is the sigmoid where it is one half? Two digits after the point.",
        Number({"": 0.25}, 0.004, "", {0.5: "That is its height there.", 1.0: "Less: try 0.1."}),
        "$\\sigma (1 - \\sigma) = 0.5 \\cdot 0.5$; nowhere is it steeper.",
        ("At which $a$ is that?", "How much does it rise from $a = -0.1$ to $0.1$?"),
    ),
)
softplus_gradient = Exercise(
    "softplus-gradient",
    "explain",
    _is_the_gradient,
    (
        "One link of the chain is another: the derivative of the softplus stands where M (1 - M) "
        "stood.",
        "It was measured above: it is the sigmoid. And M is another mask.",
    ),
    Question(
        "idea-softplus-gradient",
        "compute",
        "How steep is the softplus, $\\ln(1 + e^a)$, at $a = 0$? One digit after the point.",
        Number({"": 0.5}, 0.01, "", {0.25: "That is the sigmoid's slope.", 0.69: "Its height."}),
        "Its slope is the sigmoid.",
        ("What is the derivative of $e^a$?", "$e^a / (1 + e^a)$ at 0."),
    ),
)
three_frames = Exercise(
    "three-frames",
    "extend",
    Number(
        {"": (3 * _BINS * _UNITS + _UNITS) + (_UNITS * _BINS + _BINS)},
        0.5,
        "",
        {
            3 * _BINS * _UNITS + _UNITS * _BINS: "The biases are missing.",
            2 * _BINS * _UNITS + _UNITS + _BINS: "That is with one frame.",
            3 * (_BINS * _UNITS + _UNITS) + _UNITS * _BINS + _BINS: "The biases do not grow.",
        },
    ),
    ("A layer has a matrix and biases.", "Only the first matrix grows."),
)

EXERCISES = (slope, softplus_gradient, three_frames)
