"""The questions of chapter 3."""

import numpy as np

from hpss_lib.stft import COMPACT, SAMPLE_RATE
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
        "gaps-between-partials",
        "compute",
        "In the compact setting the main lobe of a partial is 4 bins wide. How close must the "
        "partials of a note be, in hertz, for their lobes to fill half of a tall kernel along "
        "frequency? Three digits.",
        Number(
            {"": 2 * 4 * SAMPLE_RATE / COMPACT.n_fft},
            0.5,
            "Hz",
            {
                4 * SAMPLE_RATE / COMPACT.n_fft: "Then the lobes touch, and fill all of it.",
                8.0: "That is in bins.",
            },
        ),
        "Every 8 bins a lobe of 4: $8 \\cdot 44100 / 2048 = 172$ Hz. From there down the median "
        "meets the lobes' flanks, which are low: only notes of the deep bass lose much.",
        (
            "How many bins from one partial to the next, if half of them are lobe?",
            "A bin: 21.5 Hz.",
        ),
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
