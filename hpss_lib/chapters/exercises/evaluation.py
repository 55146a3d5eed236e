"""The exercises of chapter 9."""

import numpy as np

from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question


def _db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(a**2) / np.sum(b**2)))


def _is_the_sir(sir) -> bool | str:
    rng = np.random.default_rng(4)
    a, b, c = rng.standard_normal((3, 200))
    s, other = a, b + 0.5 * a  # these overlap
    estimate = 0.8 * s + 0.3 * other + 0.1 * c
    target = (estimate @ s) / (s @ s) * s
    sources = np.stack([s, other])
    plane = np.linalg.lstsq(sources.T, estimate, rcond=None)[0] @ sources
    alone = (estimate @ other) / (other @ other) * other
    got = sir(estimate, s, other)
    if np.isscalar(got):
        for wrong, words in (
            (_db(target, alone), "That projects onto the other source alone, and these overlap."),
            (_db(target, estimate - plane), "That counts the artefacts, not the interference."),
            (_db(target, estimate - target), "That counts all that is wrong."),
            (2 * _db(target, plane - target), "Energies take 10 times the logarithm."),
        ):
            if np.isclose(got, wrong):
                return words
    return agreement(got, _db(target, plane - target), tolerance=1e-3, show=True)


def _is_by_cosine(by_cosine) -> bool | str:
    for c in (0.2, 0.8, 0.99):
        got, expected = by_cosine(c), 10 * np.log10(c**2 / (1 - c**2))
        if np.isscalar(got) and np.isclose(got, -10 * np.log10(1 - c**2)):
            return "That is the plain SDR at its best gain, over which the truth stands whole."
        if np.isscalar(got) and np.isclose(got, 2 * expected):
            return "Energies take 10 times the logarithm."
        found = agreement(got, float(expected), tolerance=1e-4, show=True)
        if found is not True:
            return found
    return True


def _cannot_be_fooled(median) -> bool | str:
    nan = np.nan
    for scores in ([3.0, nan, 5.0, 1.0, nan], [4.0, 6.0, 8.0], [2.0, nan, 7.0, 9.0]):
        some = np.array(scores)
        expected = np.median(np.where(np.isnan(some), -np.inf, some))
        got = median(some)
        if not np.array_equal(some, np.array(scores), equal_nan=True):
            return "It changes the scores that it was given."
        if np.isscalar(got) and np.isnan(some).any() and np.isclose(got, np.nanmedian(some)):
            return "The frames without a score are left out."
        found = agreement(got, expected, tolerance=1e-9, show=True)
        if found is not True:
            return found
    return True


one_tap_sir = Exercise(
    "one-tap-sir",
    "compute",
    _is_the_sir,
    (
        "The interference is what the plane of both sources adds to the line of s.",
        "If the sources overlap, that is not the projection onto the other source alone: project "
        "onto both at once.",
    ),
    Question(
        "idea-one-tap-sir",
        "predict",
        "Two sources overlap: $s_2$ holds a little of $s_1$. An estimate of $s_1$ is $s_1 + s_2$. "
        "To whom does the SIR give what both have in common?",
        Choice(
            {
                "To the target": "The line of $s_1$ comes first; interference is only what the "
                "plane adds to it.",
                "To the interference": "That is what a projection onto $s_2$ alone would do.",
                "To the artefacts": "All of it lies in the plane, where no artefacts are.",
            },
            0,
        ),
        "BSS Eval asks first what of the estimate the target explains.",
        ("In which order are the projections made?", "First the line of the target."),
    ),
)
by_cosine = Exercise(
    "by-cosine",
    "explain",
    _is_by_cosine,
    (
        "Draw both arrows from one point. The target is the shadow of the estimate on the truth.",
        "How long are the shadow and what is left, if the estimate has the length 1?",
    ),
    Question(
        "idea-by-cosine",
        "compute",
        "At which cosine between estimate and truth is the SI-SDR 10 dB? Three digits after the "
        "point.",
        Number(
            {"": np.sqrt(10 / 11)},
            0.0005,
            "",
            {
                10 / 11: "That is the square of the cosine.",
                np.sqrt(0.9): "Then what is left is a tenth of the estimate's energy, not of the "
                "target's.",
            },
        ),
        "The target has ten times the energy of what is left, so $c^2 = 10 / 11$.",
        (
            "Which share of the estimate's energy is the target's?",
            "The target's is $c^2$, what is left $1 - c^2$.",
        ),
    ),
)
fair_median = Exercise(
    "fair-median",
    "extend",
    _cannot_be_fooled,
    (
        "Leaving the missing frames out is what the quitter counts on.",
        "Where would they stand if the scores were sorted?",
    ),
    Question(
        "idea-fair-median",
        "compute",
        "Five frames: 3, none, 5, 1, none. What is the median with each missing score counted as "
        "worse than all others, and what is it without them?",
        Number(
            {"worse than all": 1.0, "without them": 3.0},
            0.01,
            "dB",
            {3.0: "The missing ones stand first when the scores are sorted."},
        ),
        "Sorted: none, none, 1, 3, 5. The third of five is 1.",
        ("Sort all five.", "Which one stands in the middle?"),
    ),
)

EXERCISES = (one_tap_sir, by_cosine, fair_median)
