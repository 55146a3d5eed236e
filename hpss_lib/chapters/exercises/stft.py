"""The exercises of chapter 2."""

import numpy as np

from hpss_lib import measures
from hpss_lib.stft import COMPACT, SETTINGS, istft, stft
from hpss_lib.views.exercises import Exercise
from hpss_lib.views.questions import Number, Order, Question

_SETTING_1 = SETTINGS["1"]


def _runs_backwards(reverse) -> bool | str:
    rng = np.random.default_rng(2)
    n = 40 * COMPACT.hop  # a whole number of hops
    s = rng.standard_normal(n) * np.exp(-(np.arange(n) % 3000) / 800)
    backwards = np.asarray(reverse(stft(s, COMPACT), n))
    if backwards.shape != s.shape:
        return f"Its shape is {backwards.shape}, asked for are {n} samples."
    if np.iscomplexobj(backwards) or not np.isfinite(backwards).all():
        return "A signal is real and finite."
    # The shift by one sample: the first of the reversed samples is left out.
    if measures.sdr(s[:0:-1], backwards[1:]) > 40:
        return True
    if measures.sdr(s, backwards) > 40:
        return "It still runs forwards."
    if measures.sdr(s[:0:-1], -backwards[1:]) > 40:
        return "Its sign is turned."
    if np.allclose(backwards, istft(stft(s, COMPACT)[:, ::-1].copy(), COMPACT, n), atol=1e-4):
        return "The order of the frames is right; each frame by itself is not yet."
    return False


redundancy = Exercise(
    "redundancy",
    "compute",
    Number(
        {"": 2 * _SETTING_1.bins / _SETTING_1.hop},
        0.002,  # 10.67 is right, and what half a frame's bins would give is not
        "",
        {
            _SETTING_1.n_fft / _SETTING_1.hop: "Nearly: a frame has one bin more than half of its "
            "length, and each counts twice.",
            2 * _SETTING_1.n_fft / _SETTING_1.hop: "A real frame needs half of the bins only.",
        },
    ),
    (
        "Each hop of 384 samples brings one more column.",
        "How many bins has a column, and how many real numbers is each of them?",
    ),
)
two_strings = Exercise(
    "two-strings",
    "compute",
    Number(
        {"": 200.0},
        3.0,
        "ms",
        {
            50.0: "That is one over the distance: the lobe is four times as wide.",
            100.0: "That is twice one over the distance; half of each lobe lies on the near side, "
            "and there are two of them.",
            400.0: "Only half of each lobe points at the other tone.",
        },
    ),
    (
        "Each lobe is 4 / length wide, half of it on either side of its tone.",
        "The two touch when the whole width equals the distance of the tones.",
    ),
)
backwards = Exercise(
    "backwards",
    "extend",
    _runs_backwards,
    (
        "Reversing the order of the frames is half of it: every frame itself still runs forwards.",
        "Take the conjugate of every value as well.",
    ),
    Question(
        "idea-backwards",
        "explain",
        "How does a function turn a signal round by its spectrogram alone? Put it in order.",
        Order(
            (
                "a spectrogram of the signal",
                "its frames from the last to the first",
                "each value's conjugate",
                "the inverse transform",
                "the signal played backwards",
            ),
            "From the signal to the signal; the frames are turned as a whole before each by itself",
        ),
        "The order of the frames is one half of it, the order inside each frame the other.",
        (
            "Which step turns what lies between the frames, which what lies within one?",
            "A conjugate turns a frame round.",
        ),
    ),
)

EXERCISES = (redundancy, two_strings, backwards)
