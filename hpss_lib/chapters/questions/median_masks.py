"""The questions of chapter 3."""

import numpy as np

from hpss_lib.median import seconds_to_frames
from hpss_lib.stft import SETTINGS
from hpss_lib.views.questions import Choice, Number, Order, Question

_ROW = np.array([2.0, 9.0, 3.0, 3.0, 8.0])

QUESTIONS = (
    Question(
        "which-median",
        "predict",
        "The median along **time** is taken of a spectrogram. What is left of a snare drum's "
        "stroke "
        "that lasts three frames, with a kernel of 17?",
        Choice(
            {
                "Nothing that stands out.": "Three of seventeen values never reach the middle of "
                "the sorted ones. What is left is the level between the strokes.",
                "A broader stroke.": "A mean would smear it; a median leaves it out.",
                "The stroke, unchanged.": "That is what the median along frequency does.",
            },
            0,
        ),
        "A median leaves out whatever fills less than half of its kernel.",
        (
            "Sort seventeen values, three of which are large. Which one is the ninth?",
            "Less than half of the kernel never shows.",
        ),
    ),
    Question(
        "by-hand",
        "compute",
        "The five magnitudes 2, 9, 3, 3, 8 follow each other. What is their median, and what is "
        "their mean?",
        Number({"median": float(np.median(_ROW)), "mean": float(_ROW.mean())}, 0.01),
        "Sorted 2, 3, 3, 8, 9: the third is 3. The mean is 25 / 5 = 5: two large values move it.",
        ("Sort them first.", "The median is the third of five."),
    ),
    Question(
        "soft-mask",
        "compute",
        "In a bin the two filters say $P = 3$ and $H = 1$. How large is the soft mask of the drums "
        "with exponent 2? One digit after the point.",
        Number(
            {"": 9 / 10},
            0.05,
            "",
            {
                0.75: "That is the mask with exponent 1.",
                0.1: "That is the mask of the rest.",
                3.0: "That is the ratio; a mask lies between 0 and 1.",
            },
        ),
        "$P^2 / (P^2 + H^2) = 9 / 10$.",
        ("A mask is a share.", "Square both before you divide."),
    ),
    Question(
        "kernel-in-frames",
        "compute",
        "How many frames is a kernel of 0.36 s in the compact setting, and in setting 1? (The "
        "nearest odd numbers.)",
        Number(
            {
                "compact": seconds_to_frames(0.36, SETTINGS["compact"]),
                "setting 1": seconds_to_frames(0.36, SETTINGS["1"]),
            },
            0.4,
            "frames",
        ),
        "$0.36 \\cdot 44100 / 512 = 31$ and $0.36 \\cdot 44100 / 384 = 41.3$, nearest odd 41.",
        ("A frame lasts one hop.", "Hops: 512 and 384 samples."),
    ),
    Question(
        "vibrato",
        "explain",
        "Why does part of a singer with strong vibrato end up among the drums?",
        Choice(
            {
                "Her voice is loud.": "Loudness plays no part: both filters see the same level.",
                "Her partials cross bins faster than half a kernel.": "In each bin the tone is "
                "there for a short time only, as a stroke would be.",
                "Her consonants are drums.": "They go there too, but vibrato is in the vowels.",
            },
            1,
        ),
        "The filter along time looks at one bin: a line that leaves it soon is no line to it.",
        (
            "What does the filter along time see of a line that goes up and down?",
            "Look at one bin only.",
        ),
    ),
    Question(
        "exponents",
        "extend",
        "Order masks of the same two medians by how many artefacts (musical noise) they make.",
        Order(
            ("exponent 1", "exponent 2", "exponent 6", "binary mask"),
            "From the fewest to the most",
        ),
        "The higher the exponent, the nearer the mask to a decision for each bin, and decisions "
        "that flip from bin to bin are what musical noise is made of. Leaks go the other way.",
        (
            "A binary mask is an exponent without end.",
            "What does a mask of 1/2 everywhere sound like?",
        ),
    ),
)
