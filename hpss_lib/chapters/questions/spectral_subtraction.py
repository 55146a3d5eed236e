"""The questions of chapter 4."""

import math

from hpss_lib.views.questions import Choice, Number, Question

QUESTIONS = (
    Question(
        "parts-sum",
        "predict",
        "With the mixture's phase and subtraction, $\\hat s_h = x - \\hat s_p$. In some bin "
        "$V_p$ is "
        "estimated too large. Where does the error go?",
        Choice(
            {
                "Into the drums alone.": "What the drums have too much, the rest lacks.",
                "Into both, equally large and of opposite sign.": "The two estimates sum to the "
                "mixture, so their errors sum to zero.",
                "Nowhere: the sum is right.": "The sum is, both parts are not.",
            },
            1,
        ),
        "The parts sum to $x$ as the true ones do: the errors cancel in the sum, not in the parts.",
        ("What do the two estimates sum to? And the two true sources?", "Subtract the two sums."),
    ),
    Question(
        "right-angle",
        "compute",
        "In a bin $|S_p| = 3$, $|S_h| = 4$, and their phases differ by a right angle. How large is "
        "$|X|$? And what does $|X| - |S_p|$ give for the rest?",
        Number({"$|X|$": 5.0, "$|X| - |S_p|$": 2.0}, 0.01),
        "$\\sqrt{9 + 16} = 5$, and $5 - 3 = 2$, half of the true 4: magnitudes do not add.",
        ("Draw the two as arrows.", "Pythagoras."),
    ),
    Question(
        "opposed",
        "compute",
        "Now the phases are opposed: $|S_p| = 3$, $|S_h| = 4$. What is $|X|$?",
        Number(
            {"": 1.0},
            0.01,
            "",
            {7.0: "That is what agreeing phases would give.", 5.0: "A right angle gives that."},
        ),
        "$4 - 3 = 1$: the mixture is weaker than either of its parts, and no mask below 1 restores "
        "them.",
        ("Arrows again: one points back.", "The longer one wins by the difference."),
    ),
    Question(
        "mean-square",
        "explain",
        "Why do *powers* add, and magnitudes do not?",
        Choice(
            {
                "Because powers are larger.": "Size has nothing to do with it.",
                "Because the term with the phases' cosine vanishes in the mean.": "$|X|^2 = "
                "|S_p|^2 + |S_h|^2 + 2 |S_p| |S_h| \\cos\\theta$, and the mean of $\\cos\\theta$ "
                "over all angles is zero.",
                "Because the square root is not linear in time.": "Time does not come into it.",
            },
            1,
        ),
        "In a single bin powers do not add either; on the average over phases they do.",
        ("Write $|S_p + S_h|^2$ out.", "What is the mean of a cosine over a full turn?"),
    ),
    Question(
        "best-real-mask",
        "compute",
        "In a bin $|S_p| = 2$, $|X| = 4$ and the angle between them is 60 degrees. Which real mask "
        "brings $M X$ nearest to $S_p$?",
        Number(
            {"": 2 * math.cos(math.pi / 3) / 4},
            0.005,
            "",
            {0.5: "That is the ratio of magnitudes, which would be right at 0 degrees."},
        ),
        "The shadow of $S_p$ on $X$: $2 \\cos 60° / 4 = 0.25$.",
        (
            "Drop a perpendicular from $S_p$ onto the line of $X$.",
            "Its foot lies at $|S_p| \\cos\\theta$.",
        ),
    ),
    Question(
        "musical-noise",
        "extend",
        "Why does over-subtraction ($\\alpha > 1$) reduce musical noise?",
        Choice(
            {
                "It makes everything quieter, noise included.": "The islands that are left would "
                "be as conspicuous as before.",
                "Fewer bins of the noise rise above the threshold.": "Each island is a bin whose "
                "magnitude happens to exceed what is subtracted; the tail beyond $\\alpha$ times "
                "the mean falls fast.",
                "It smooths along time.": "Each bin is still on its own.",
            },
            1,
        ),
        "The share of bins beyond $\\alpha$ times the mean is $e^{-\\pi\\alpha^2/4}$ for noise.",
        ("What is an island of musical noise?", "How many bins lie above the threshold?"),
    ),
)
