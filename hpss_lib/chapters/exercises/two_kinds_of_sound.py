"""The exercises of chapter 1."""

import numpy as np

from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question


def _level(s: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(s))))


def _is_remix(mix) -> bool | str:
    x_p, x_h = np.random.default_rng(1).standard_normal((2, 4000)) * [[0.3], [0.1]]
    for decibels in (-10, 0, 6):
        mixed = mix(x_p, x_h, decibels)
        drums = np.asarray(mixed) - x_h
        if drums.shape != x_h.shape or not np.isfinite(drums).all() or not drums.any():
            return agreement(mixed, x_h * 0.5, tolerance=1e-9)
        found = _level(drums) - _level(x_h)
        if abs(found - decibels) > 0.01:
            return f"Asked for {decibels} dB, the drums lie {found:.1f} dB above the rest."
        if not np.allclose(drums / np.abs(drums).max(), x_p / np.abs(x_p).max(), atol=1e-6):
            return "The drums' level is right, but they are no longer the same drums."
    return True


def _is_best_factor(g, x: np.ndarray, x_p: np.ndarray) -> bool | str:
    x, x_p = x.astype(float), x_p.astype(float)
    if np.isscalar(g) and np.isclose(g, x @ x_p / (x_p @ x_p), rtol=1e-3):
        return "Below the bar stands the energy of what is scaled: the mixture."
    return agreement(g, float(x @ x_p / (x @ x)), tolerance=2e-3)


too_loud = Exercise(
    "too-loud",
    "predict",
    Number(
        {"": 20.0},
        0.01,
        "dB",
        {
            10.0: "Amplitudes are squared first: a tenth of the amplitude is a hundredth of the "
            "energy.",
            0.828: "That is by how much it is too loud. The SDR asks how large the error is.",
            20.83: "What stands above is the truth's energy, not the estimate's.",
        },
    ),
    (
        "What is the error, $s - \\hat s$, as a multiple of $s$?",
        "The error is 0.1 s: how much less energy does it have than s?",
    ),
)
remix = Exercise(
    "remix",
    "compute",
    _is_remix,
    (
        "The drums already lie level(x_p) - level(x_h) dB above the rest: add only what is "
        "missing.",
        "An amplitude factor g adds 20 log10(g) dB.",
    ),
    Question(
        "idea-remix",
        "compute",
        "The drums are at $-12$ dB, the rest at $-20$ dB; asked for are drums 2 dB above the rest. "
        "By how many decibels do you change them?",
        Number(
            {"": -6.0},
            0.01,
            "dB",
            {
                2.0: "They already lie above the rest.",
                -8.0: "Then they are as loud as the rest, and not above it.",
                10.0: "Added in place of subtracted: how far above the rest do they lie now?",
            },
        ),
        "They lie 8 dB above the rest, and 2 are asked for.",
        ("How far above the rest do they lie now?", "Subtract that from what is asked for."),
    ),
)
best_factor = Exercise(
    "best-factor",
    "extend",
    _is_best_factor,
    (
        "The error's energy, sum (x_p - g x)^2, is a parabola in g: where is its lowest point?",
        "Set the derivative by g to zero: two sums, one above the bar and one below.",
    ),
    Question(
        "idea-best-factor",
        "explain",
        "The best $g$ leaves an error $x_p - g x$ of which one thing holds. Which?",
        Choice(
            {
                "It has nothing in common with the mixture: $\\sum x\\,(x_p - g x) = 0$.": "Else a "
                "little more or less of the mixture would make it smaller.",
                "It has nothing in common with the drums: $\\sum x_p\\,(x_p - g x) = 0$.": "You "
                "can only add and take away mixture; the drums are not yours to add.",
                "It is as loud as the drums.": "Then $g = 0$ would have done as well.",
            },
            0,
        ),
        "The nearest point on a line is where the rest stands at a right angle to the line.",
        ("Of what can you take a little more or less?", "At the best $g$ neither helps."),
    ),
)

EXERCISES = (too_loud, remix, best_factor)
