"""The exercises of chapter 10."""

import numpy as np

from hpss_lib.chapters.your_own_separator import MARGIN, by_medians
from hpss_lib.stft import COMPACT, SAMPLE_RATE
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question

_SECOND = SAMPLE_RATE / COMPACT.hop * COMPACT.bins * 16  # bytes of a spectrogram, complex128


def _fits(seconds) -> bool | str:
    for megabytes, arrays in ((100, 1), (200, 4), (64, 3)):
        got = seconds(megabytes, arrays)
        expected = megabytes * 1e6 / (arrays * _SECOND)
        if np.isscalar(got) and np.isclose(got, expected * arrays**2) and arrays > 1:
            return "More arrays leave room for less sound."
        if np.isscalar(got) and np.isclose(got, megabytes * 1e6 / (arrays * SAMPLE_RATE * 16)):
            return "That is a signal of 16 bytes a sample; a spectrogram has bins and frames."
        found = agreement(got, expected, tolerance=1e-3, show=True)
        if found is not True:
            return found
    return True


def _is_the_link(name) -> bool | str:
    words = {
        "stft": "Its values were compared bin by bin, and that comparison is blind for nothing.",
        "istft": "Its samples were compared one by one, and that comparison is blind for nothing.",
        "subtract": "Its magnitudes are right: then a wrong phase would leave the strokes where "
        "they are.",
    }
    if name not in (*words, "estimate"):
        return "The name of one of the four links is asked for, in quotes."
    return words.get(name, True)


def _is_middle_and_side(both) -> bool | str:
    rng = np.random.default_rng(10)
    n = SAMPLE_RATE // 2
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n) / SAMPLE_RATE)
    hit = rng.standard_normal(n) * np.exp(-(np.arange(n) % 9000) / 400)
    x = np.stack([tone + hit, 0.2 * tone + 0.7 * hit], axis=1)
    middle, side = (by_medians(s)[0] for s in (x @ [0.5, 0.5], x @ [0.5, -0.5]))
    got = both(x, by_medians)
    alone = np.stack([by_medians(channel)[0] for channel in x.T], axis=1)
    if np.shape(got) == alone.shape and np.allclose(got, alone):
        return "That is each channel alone."
    if np.shape(got) == alone.shape and np.allclose(got, np.stack([middle, side], axis=1)):
        return "These are the middle and the side: bring them back to left and right."
    return agreement(got, np.stack([middle + side, middle - side], axis=1), tolerance=1e-4)


def _is_softer(mix) -> bool | str:
    s_p, s_h = np.random.default_rng(11).standard_normal((2, 500))
    x = s_p + s_h
    for decibels in (0, 6, 12):
        got = mix(x, s_p, decibels)
        factor = 10 ** (-decibels / 20)
        if decibels and np.shape(got) == x.shape:
            if np.allclose(got, s_h + 10 ** (-decibels / 10) * s_p):
                return "An amplitude goes with 20, an energy with 10."
            if np.allclose(got, factor * x):
                return "The rest has become softer, too."
            if np.allclose(got, s_h + s_p / factor):
                return "The drums have become louder."
        found = agreement(got, s_h + factor * s_p)
        if found is not True:
            return found
    return True


seam_reach = Exercise(
    "seam-reach",
    "predict",
    Number(
        {"": float((MARGIN - 8) * COMPACT.hop)},
        1.0,
        "samples",
        {
            15.0 * COMPACT.hop: "That is how far the median looks; a margin of 8 is there already.",
            float(MARGIN * COMPACT.hop): "That is without any margin.",
            8.0 * COMPACT.hop: "That is the margin itself: what is missing beyond it?",
        },
    ),
    (
        "From which margin on is nothing wrong at all? The control above finds it.",
        "Take away the 8 frames that are there: only who stands nearer to the seam than what is "
        "missing can notice.",
    ),
)
seconds_at_once = Exercise(
    "seconds-at-once",
    "compute",
    _fits,
    (
        "How many bytes has one second of one spectrogram?",
        "Frames a second, 44100/512, times 1025 bins, times 16.",
    ),
    Question(
        "idea-seconds-at-once",
        "compute",
        "How many megabytes ($10^6$ bytes) has one second of such a spectrogram? One decimal.",
        Number(
            {"": _SECOND / 1e6},
            0.06,
            "MB",
            {
                _SECOND / 2e6: "That is single precision.",
            },
        ),
        f"{SAMPLE_RATE / COMPACT.hop:.1f} frames of {COMPACT.bins} bins of 16 bytes.",
        ("How many frames has a second?", "44100/512 = 86.1."),
    ),
)
wrong_link = Exercise(
    "wrong-link",
    "explain",
    _is_the_link,
    (
        "Sorting throws away the order, magnitudes throw away the phase: one of these two links "
        "it is.",
        "Listen for when his drums come, or shift his V_p against yours.",
    ),
    Question(
        "idea-wrong-link",
        "explain",
        "Two arrays have the same values once both are sorted. Which mistake may one of them "
        "still hold?",
        Choice(
            {
                "A missing factor": "That would change the values.",
                "A shift in time": "It moves values and changes none.",
                "A squared magnitude": "That would change the values.",
            },
            1,
        ),
        "A comparison that throws away the order cannot see an error of order.",
        ("What does sorting throw away?", "Which of these moves values and changes none?"),
    ),
)
both_channels = Exercise(
    "both-channels",
    "extend",
    _is_middle_and_side,
    (
        "Middle (left + right) / 2, side (left - right) / 2, each separated by itself.",
        "Then left is their sum and right their difference. The separator returns two parts: take "
        "the first.",
    ),
    Question(
        "idea-both-channels",
        "compute",
        "In one sample the separated middle is 0.5 and the separated side 0.2. What are left and "
        "right?",
        Number(
            {"left": 0.7, "right": 0.3},
            0.005,
            "",
            {0.35: "The half is in the middle and the side already."},
        ),
        "Left is their sum, right their difference.",
        ("Write left and right by middle and side.", "$m + d$ and $m - d$."),
    ),
)
softer_drums = Exercise(
    "softer-drums",
    "extend",
    _is_softer,
    (
        "The song is s_p + (x - s_p). Only the first of the two gets a factor.",
        "12 dB lower is a factor of 10 ** (-12 / 20), about a quarter.",
    ),
    Question(
        "idea-softer-drums",
        "compute",
        "By which factor must an amplitude be multiplied to be 12 dB lower? Two digits.",
        Number(
            {"": 10 ** (-12 / 20)},
            0.006,
            "",
            {
                10 ** (-12 / 10): "That is the factor of the energy.",
                10 ** (12 / 20): "That is louder.",
            },
        ),
        "$10^{-12/20} = 0.25$.",
        ("Decibels of an amplitude: 20 times the logarithm.", "6 dB is a half."),
    ),
)

EXERCISES = (seam_reach, seconds_at_once, wrong_link, both_channels, softer_drums)
