"""The questions of chapter 8."""

import math

from hpss_lib.views.questions import Choice, Number, Order, Question

QUESTIONS = (
    Question(
        "subtraction-first",
        "predict",
        "$V_h$ comes from subtraction, $V_h = |X| - V_p$. What does PU-iter change?",
        Choice(
            {
                "It restores the phases of both.": "There is no room: three lengths of which "
                "one is "
                "the sum of the others make a flat triangle.",
                "Next to nothing": "The triangle is flat, and its two sides lie along the "
                "mixture's phase.",
                "It doubles the drums.": "Magnitudes are what it keeps.",
            },
            1,
        ),
        "With $V_p + V_h = |X|$ the only way to close the triangle is the mixture's own phase.",
        (
            "Draw the triangle of $|X|$, $V_p$ and $V_h$.",
            "How large are its angles when one side is as long as the other two?",
        ),
    ),
    Question(
        "angle",
        "compute",
        "$|X| = 5$, $V_p = 3$, $V_h = 4$. By what angle does the drums' phase differ from the "
        "mixture's? In degrees, one digit after the point.",
        Number(
            {"": math.degrees(math.acos((25 + 9 - 16) / (2 * 5 * 3)))},
            0.06,
            "degrees",
            {
                math.acos((25 + 9 - 16) / (2 * 5 * 3)): "That is in radians.",
                90.0: "The right angle lies between the two sources.",
                math.degrees(
                    math.acos((25 + 16 - 9) / (2 * 5 * 4))
                ): "That is the angle of the rest.",
            },
        ),
        "$\\cos\\alpha = (25 + 9 - 16) / 30 = 0.6$: 53.1 degrees.",
        (
            "Law of cosines, at the corner of $X$ and $S_p$.",
            "The side opposite that corner is $V_h$.",
        ),
    ),
    Question(
        "one-bit",
        "explain",
        "What does the sinusoidal model decide, once the triangle is known?",
        Choice(
            {
                "The size of the angle": "That follows from the three lengths alone.",
                "On which side of the mixture the harmonic part lies": "Two mirror images "
                "close the "
                "triangle: one bit a bin.",
                "The magnitudes": "They are given.",
            },
            1,
        ),
        "The triangle fixes the angle, the model its sign.",
        ("How many triangles have these three sides, if one is fixed?", "A mirror."),
    ),
    Question(
        "error-share",
        "compute",
        "A mixing error of 6 is shared out by power. $V_p = 1$, $V_h = 2$. How much of it do the "
        "drums take, how much the rest?",
        Number(
            {"drums": 1.2, "rest": 4.8},
            0.01,
            "",
            {2.0: "That is by magnitude, 1 to 2; by power it is 1 to 4."},
        ),
        "$1 / (1 + 4) \\cdot 6 = 1.2$ and $4.8$.",
        ("Power is magnitude squared.", "1 to 4."),
    ),
    Question(
        "the-iteration",
        "explain",
        "Put one iteration of PU-iter in order.",
        Order(
            (
                "sum the estimates and compare with the mixture",
                "share the error out between the sources",
                "take each source's new phase",
                "restore its magnitude",
            ),
            "From the first to the last",
        ),
        "Error, share, phase, magnitude; then again.",
        ("What must be known before it can be shared?", "Sharing spoils the magnitudes."),
    ),
    Question(
        "when-it-pays",
        "extend",
        "When does phase recovery pay most?",
        Choice(
            {
                "With good magnitudes of both sources": "Then the angle is right, and there is an "
                "angle.",
                "With poor magnitudes, which need it most": "A wrong length gives a wrong angle: "
                "the chapter measures a loss.",
                "Always the same": "From true magnitudes to a network's the gain goes from many "
                "decibels to none.",
            },
            0,
        ),
        "Phases follow from magnitudes here, and so do their errors.",
        ("What is the angle computed from?", "See the figure of gain against error."),
    ),
)
