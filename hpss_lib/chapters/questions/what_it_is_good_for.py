"""The questions of chapter 11."""

import math

from hpss_lib.stretching import FRAME
from hpss_lib.views.questions import Choice, Number, Order, Question

QUESTIONS = (
    Question(
        "which-means",
        "predict",
        "A drum loop is made twice as long by a phase vocoder with windows of 46 ms. What becomes "
        "of a stroke of the snare?",
        Choice(
            {
                "It is heard twice.": "That is what overlap-add with long frames does.",
                "It is smeared over a window, with a swish before it.": "Its bins go on with "
                "phases of their own, and what made them agree at one instant is lost.",
                "It stays as it is, but later.": "Only a method that moves samples as they are "
                "keeps it so.",
            },
            1,
        ),
        "A stroke is many bins whose phases agree at one time. The phase vocoder lets each tone go "
        "on, and knows nothing of that agreement.",
        (
            "What makes a click of many sines a click?",
            "Chapter 2: random phases spread a click over the window.",
        ),
    ),
    Question(
        "remix-error",
        "compute",
        "The percussive part of a song has an error of energy 1, the parts sum to the mixture, and "
        "the drums are set to half their amplitude. What is the energy of the new mixture's error? "
        "And at twice the amplitude?",
        Number(
            {"half": (0.5 - 1) ** 2, "twice": (2.0 - 1) ** 2},
            0.005,
            "",
            {
                0.5: "That is the factor of the error's amplitude.",
                1.25: "The two parts' errors are opposite: they do not add as energies.",
            },
        ),
        "The error of the rest is that of the drums with the other sign, so $g e - e = (g - 1) e$: "
        "the energies are $0.25$ and $1$.",
        (
            "Write both parts as truth plus error. How are the two errors related?",
            "The new mixture is $g s_p + s_h$.",
        ),
    ),
    Question(
        "muting",
        "explain",
        "Which new mixture shows the separation's faults most?",
        Choice(
            {
                "Drums 3 dB louder": "There the error counts 0.41 times: most of it still cancels.",
                "Drums muted": "Then the error stands there whole, and no drums to hide it.",
                "Drums back at 0 dB": "There the errors cancel altogether.",
            },
            1,
        ),
        "With $g = 0$ the new mixture is $s_h$ alone, with all of its error. As long as both parts "
        "sound, their errors cancel in part, and each is masked by the source that it came from.",
        ("How large is $|g - 1|$ in each case?", "What is left to mask the error?"),
    ),
    Question(
        "f-measure",
        "compute",
        "A song has 20 beats. A tracker finds 10, every second one, all of them right. What are "
        "its precision, its recall and its F-measure? Two digits after the point.",
        Number(
            {"precision": 1.0, "recall": 0.5, "F-measure": 2 * 1.0 * 0.5 / 1.5},
            0.006,
            "",
            {0.5: "Precision is the share of what was found that is right."},
        ),
        "All that it found is right: 1. It found half: 0.5. "
        "$F = 2 \\cdot 1 \\cdot 0.5 / 1.5 = 0.67$.",
        (
            "Precision counts what was found, recall what there is.",
            "The F-measure is their harmonic mean.",
        ),
    ),
    Question(
        "copies",
        "compute",
        f"Overlap-add takes frames of {FRAME} samples and puts them half a frame apart. The music "
        "is to last 1.5 times as long. In how many frames does each click stand, and how far apart "
        "are two of its copies, in samples? Two digits after the point.",
        Number(
            {"frames": 2 * 1.5, "samples": FRAME / 2 - FRAME / 2 / 1.5},
            0.006,
            "",
            {
                2.0: "That is so without stretching: the frames are taken closer together than "
                "they are put."
            },
        ),
        "Frames are taken 256 / 1.5 = 170.67 samples apart, so that 512 / 170.67 = 3 of them "
        "hold the click. From one to the next it lies 170.67 samples earlier in the frame, and "
        "the frame 256 later: 85.33 samples, 2 ms.",
        (
            "How far apart are the frames taken from the original?",
            "Put later by half a frame, minus what the click lies earlier in it.",
        ),
    ),
    Question(
        "order",
        "extend",
        "Order what is done with the parts by how good the separation has to be for it.",
        Order(
            (
                "slow the song by a tenth",
                "set the drums 6 dB lower",
                "sell the drums as a loop",
            ),
            "From the least to the most demanding",
        ),
        "Where both parts sound again at nearly their levels, errors cancel and mask each other; "
        "the lower the other part, the more they stand out; alone, nothing hides them.",
        (
            "In which of them do both parts sound at their old levels?",
            "What is left to hide an error when a part is alone?",
        ),
    ),
    Question(
        "semitones",
        "compute",
        "By what factor is a harmonic part stretched before it is played faster, to stand five "
        "semitones higher? Two digits after the point.",
        Number(
            {"": 2 ** (5 / 12)},
            0.006,
            "",
            {
                2 ** (-5 / 12): "That would be five semitones lower.",
                5 / 12: "An octave is a factor of 2, not a sum.",
            },
        ),
        f"$2^{{5/12}} = {2 ** (5 / 12):.3f}$: played as many times faster, it lasts as long as "
        "before, and every frequency is as many times higher.",
        (
            "Twelve semitones are a factor of 2.",
            f"One semitone is {math.exp(math.log(2) / 12):.4f}.",
        ),
    ),
)
