"""The exercises of chapter 11."""

import numpy as np

from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question

_TRUE = np.arange(0.5, 10.1, 0.5)


def _forgives(judge, f_measure) -> bool | str:
    if judge(_TRUE, _TRUE[:-1] + 0.125) > 0:
        return "It forgives clicks a quarter of a beat off, which are nowhere."
    if not np.isclose(judge(_TRUE, _TRUE[:-1] + 0.25), 1):
        return "The middles between the beats should have an F-measure of 1."
    if not np.isclose(judge(_TRUE, _TRUE[::2]), 1):
        return "Every second beat, from the first on, should have an F-measure of 1."
    return agreement(judge(_TRUE, _TRUE[:7]), f_measure(_TRUE, _TRUE[:7]), show=True)


fader_room = Exercise(
    "fader-room",
    "compute",
    Number(
        {"up": 20 * np.log10(1 + 10**-0.5), "down": -20 * np.log10(1 - 10**-0.5)},
        0.06,
        "dB",
        {
            10.0: "That is the ratio of the errors, not the fader's way.",
            0.3: "That is how far g may lie from 1; a fader has decibels.",
        },
    ),
    (
        "The error's energy is (g - 1)^2 times that of the drums alone; 10 dB are a factor of 10.",
        "Solve (g - 1)^2 = 1/10 on both sides of 1, and turn both into decibels, 20 log10 g.",
    ),
)
least_factor = Exercise(
    "least-factor",
    "predict",
    Number(
        {"": 0.5},
        0.01,
        "",
        {
            1.0: "At 1 the frames overlap by half, so nothing is left out.",
            256.0: "That is how far apart frames are put, in samples.",
        },
    ),
    (
        "Frames are taken 256 / factor samples apart.",
        "How far apart may frames of 512 samples lie, and still cover everything?",
    ),
)
forgiving = Exercise(
    "forgiving-judge",
    "extend",
    _forgives,
    (
        "Three lists of true times: true, (true[1:] + true[:-1]) / 2 and true[::2].",
        "Take the greatest of the three F-measures.",
    ),
    Question(
        "idea-forgiving-judge",
        "predict",
        "A tracker finds the middles between all beats, and nothing else. What does a judge say "
        "who only widens the tolerance from 70 ms to a quarter of a beat?",
        Choice(
            {
                "All wrong: a middle is half a beat off.": "A quarter of a beat does not reach the "
                "middle.",
                "All right.": "The middle is half a beat off, twice the tolerance.",
            },
            0,
        ),
        "To forgive the offbeat, a judge has to know it; a wider tolerance forgives what is "
        "nowhere, before it forgives that.",
        ("How far is a middle from the nearest beat?", "Compare a half with a quarter."),
    ),
)

EXERCISES = (fader_room, least_factor, forgiving)
