"""The exercises of chapter 8."""

import numpy as np

from hpss_lib import puiter
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Number, Question


def _is_the_angle(cosine) -> bool | str:
    x, p, h = np.array([1.3, 1.0, 1.9]), np.array([0.9, 1.0, 1.0]), np.ones(3)
    S_p, S_h = puiter.closed_form(x + 0j, p, h, np.exp(1j * np.ones(3)))
    expected = np.cos(np.angle(S_h * S_p.conj()))
    got = cosine(x, p, h)
    if np.shape(got) == expected.shape and np.allclose(got, -expected, atol=1e-5):
        return "That is the angle inside the triangle, between S_h and minus S_p."
    if np.shape(got) == expected.shape and np.allclose(np.cos(got), expected, atol=1e-5):
        return "That is the angle; its cosine is asked for."
    return agreement(got, expected, tolerance=1e-5, show=True)


def _is_what_is_left(left) -> bool | str:
    # A triangle, a mixture that is too long, one that is too short, and a flat one.
    x, p, h = (np.array(v) for v in ([1.3, 3.0, 0.2, 2.0], [0.9, 1.0, 2.0, 1.0], [1.0] * 4))
    got = left(x, p, h)
    if np.shape(got) == x.shape and np.allclose(got, np.abs(x - p - h)):
        return "That is the error before the first iteration."
    return agreement(got, np.array([0.0, 1.0, 0.8, 0.0]), tolerance=1e-6, show=True)


def _makes_a_step(step) -> bool | str:
    rng = np.random.default_rng(3)
    V = rng.uniform(0.2, 1, (3, 50))
    S = V * np.exp(2j * np.pi * rng.random(V.shape))
    X = rng.standard_normal(50) + 1j * rng.standard_normal(50)
    got, E = step(X, S, V), X - S.sum(axis=0)
    if np.shape(got) == S.shape:
        G = V**2 / np.sum(V**2, axis=0)
        if np.allclose(got, S + G * E):
            return "The magnitudes are not restored."
        for share in (1 / 3, V / V.sum(axis=0)):
            Y = S + share * E
            if np.allclose(got, V * Y / np.abs(Y)):
                return "The error is shared out, but not by power."
        if np.allclose(got, V * (S - G * E) / np.abs(S - G * E)):
            return "The error's sign is turned: it is X minus the sum."
    return agreement(got, puiter.pu_iter_step(X, S, V), tolerance=1e-5)


between_sources = Exercise(
    "between-sources",
    "compute",
    _is_the_angle,
    (
        "Square X = S_p + S_h.",
        "The arrows follow one another, so their angle is not the one inside the triangle: for "
        "p = h = x = 1 they stand 120 degrees apart.",
    ),
    Question(
        "idea-between-sources",
        "compute",
        "$|X| = V_p = V_h = 1$. Which angle lies between the two sources, $\\theta_h - \\theta_p$, "
        "in degrees, without its sign?",
        Number(
            {"": 120.0},
            0.5,
            "degrees",
            {
                60.0: "That is the angle inside the triangle; the arrows follow one another.",
                90.0: "Then the mixture would be as long as the root of 2.",
            },
        ),
        "$1 = 1 + 1 + 2 \\cos$, so the cosine is $-0.5$.",
        ("Draw the second arrow from the first one's head.", "Square $X = S_p + S_h$."),
    ),
)
what_is_left = Exercise(
    "what-is-left",
    "explain",
    _is_what_is_left,
    (
        "Two sources can reach every length from |p - h| to p + h.",
        "How far is x from that range? Inside it, nothing is left.",
    ),
    Question(
        "idea-what-is-left",
        "compute",
        "$V_p = 2$, $V_h = 1$. How large is the mixing error after infinitely many iterations for "
        "$|X| = 2$, and how large for $|X| = 0.2$? One digit after the point.",
        Number(
            {"for 2": 0.0, "for 0.2": 0.8},
            0.01,
            "",
            {1.0: "Before the first iteration. Can three arrows of these lengths close?"},
        ),
        "2 lies between 1 and 3: a triangle. 0.2 is 0.8 short of 1.",
        ("Which lengths can the two reach together?", "From 1 to 3. How far is $|X|$ from there?"),
    ),
)
many_sources = Exercise(
    "many-sources",
    "extend",
    _makes_a_step,
    (
        "The error is X minus the sum over the first axis.",
        "Each source takes the share V^2 / sum of V^2; then its magnitude is restored.",
    ),
    Question(
        "idea-many-sources",
        "compute",
        "Three sources with the magnitudes 1, 2 and 2 share a mixing error of 9. How much does "
        "each take?",
        Number(
            {"1": 1.0, "2": 4.0, "the other 2": 4.0},
            0.01,
            "",
            {3.0: "Equal shares; they are by power.", 1.8: "By magnitude; they are by power."},
        ),
        "$1 : 4 : 4$ of nine parts.",
        ("Square the magnitudes.", "The three shares make 9 together."),
    ),
)

EXERCISES = (between_sources, what_is_left, many_sources)
