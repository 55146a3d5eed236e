"""The exercises of chapter 3."""

import numpy as np

from hpss_lib import median
from hpss_lib.stft import SETTINGS
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Number, Question

_P = np.array([[0.0, 1.0, 3.0, 2.0]])
_H = np.array([[0.0, 1.0, 1.0, 0.0]])


def _is_three_masks(masks) -> bool | str:
    with np.errstate(divide="raise", invalid="raise"):
        try:
            got = masks(_P, _H, 2, 1.5)
        except FloatingPointError:
            return "It divides 0 by 0 where both witnesses are silent."
    M_p, M_h = median.masks(_P, _H, power=2, margin=1.5)
    if isinstance(got, tuple) and len(got) == 3 and np.shape(got[0]) == M_p.shape:
        if np.allclose(got[0], _P**2 / np.maximum(_P**2 + _H**2, 1e-30), atol=1e-6):
            return "The margin has no say in it."
        late = _P**2 / np.maximum(_P**2 + 1.5 * _H**2, 1e-30)
        if np.allclose(got[0], late, atol=1e-6):
            return "The margin comes before the power, not after it."
    return agreement(got, (M_p, M_h, 1 - M_p - M_h), tolerance=1e-6)


kernels = Exercise(
    "kernels",
    "compute",
    Number(
        {
            "frames": median.seconds_to_frames(0.5, SETTINGS["1"]),
            "bins": median.hertz_to_bins(300, SETTINGS["1"]),
        },
        0.4,
        "",
        {
            58: "57.4 lies nearer to another odd number.",
            59: "57.4 lies nearer to another odd number.",
            43: "That is the compact setting.",
        },
    ),
    (
        "Frames: 0.5 s times 44100 / 384. Bins: 300 Hz times 4096 / 44100.",
        "Then the nearest odd number.",
    ),
)
vanishing = Exercise(
    "vanishing",
    "predict",
    Number(
        {"n": 4},
        0.4,
        "",
        {
            5: "Half of nine, rounded up: then the fifth of the sorted values is a one.",
            9: "A burst as long as the kernel fills it: the median is a one.",
            8: "Eight ones and a zero: what is the fifth of them?",
            3: "A longer one vanishes too.",
        },
    ),
    (
        "The median is the fifth of nine sorted values.",
        "How many ones may there be before the fifth is a one?",
    ),
)
three_masks = Exercise(
    "three-masks",
    "extend",
    _is_three_masks,
    (
        "The rival is multiplied by the margin before the power: (margin * H) ** power.",
        "A tiny number in the denominator keeps 0/0 away; the residual is what is missing to one.",
    ),
    Question(
        "idea-three-masks",
        "compute",
        "In a bin $P = H = 1$; the power is 2, the margin 2. How large are the three masks? One "
        "digit after the point.",
        Number(
            {"drums": 0.2, "rest": 0.2, "residual": 0.6},
            0.01,
            "",
            {
                0.5: "Without a margin. What becomes of the rival with it?",
                1 / 3: "The margin is raised to the power as well.",
            },
        ),
        "$1 / (1 + 2^2) = 0.2$ for each, and 0.6 belongs to neither.",
        ("The rival counts twice as much, before the power.", "The residual is what is missing."),
    ),
)

EXERCISES = (kernels, vanishing, three_masks)
