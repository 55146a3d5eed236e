"""The questions of chapter 5."""

import math

from hpss_lib.madtwinnet import COMPACT, PAPER
from hpss_lib.stft import SAMPLE_RATE, SETTINGS
from hpss_lib.views.questions import Choice, Number, Order, Question

_SECONDS = (COMPACT.frames - 1) * SETTINGS["compact"].hop / SAMPLE_RATE

QUESTIONS = (
    Question(
        "relu-mask",
        "predict",
        "The mask layer ends in a ReLU. Which values can its mask take?",
        Choice(
            {
                "Between 0 and 1": "That would be a sigmoid.",
                "0 and above, without a limit": "A ReLU cuts what is negative and leaves the rest. "
                "The mask may exceed 1, as it must where the sources cancel each other.",
                "Any real number": "Negative ones are cut.",
            },
            1,
        ),
        "$\\max(0, z)$: from 0 to anything.",
        ("What does a ReLU do to $-3$, and to 3?", "Is there anything that stops it above?"),
    ),
    Question(
        "skip-filter",
        "explain",
        "Why does the network give a mask that multiplies its own input (skip filtering) and not "
        "the magnitudes themselves?",
        Choice(
            {
                "Masks need fewer weights.": "The last layer has as many outputs either way.",
                "What the mixture already shows need not be learnt again.": "Where a bin of the "
                "mixture is silent the estimate is, whatever the weights; the fine structure comes "
                "through, and the network decides how much.",
                "The loss would not be defined.": "It would.",
            },
            1,
        ),
        "The input takes a short cut around the network; what is to be learnt is the difference "
        "between passing and not.",
        (
            "What does the estimate look like before training, with a mask of 1/2?",
            "What if it had to draw every partial itself?",
        ),
    ),
    Question(
        "sequence-seconds",
        "compute",
        "A sequence of the compact network has 120 frames. How many seconds of music lie between "
        "its first and its last frame? Two digits after the point.",
        Number(
            {"": _SECONDS},
            0.01,
            "s",
            {
                120 * 2048 / SAMPLE_RATE: "Frames overlap: they begin a hop apart, not a window.",
            },
        ),
        "$119 \\cdot 512 / 44100 = 1.38$ s.",
        ("Frames are a hop apart.", "119 hops of 512 samples."),
    ),
    Question(
        "frames-kept",
        "compute",
        "Of the 60 frames of the paper's sequence, 10 at each end are context. How many are "
        "estimated, and which part of the network's work on frames is thrown away? (In per cent.)",
        Number(
            {
                "estimated": PAPER.frames - 2 * PAPER.context,
                "thrown away, %": 100 * 2 * PAPER.context / PAPER.frames,
            },
            0.5,
        ),
        "$60 - 20 = 40$, and $20 / 60 = 33$ %. The compact network, with 120 frames, throws "
        "away 17 %.",
        ("Two ends.", "Both contexts together over all frames."),
    ),
    Question(
        "kl-of-half",
        "compute",
        "The true magnitude is $y = 2$, the estimate $\\hat y = 1$. What is the generalised "
        "Kullback-Leibler divergence $y \\ln (y / \\hat y) - y + \\hat y$? Three digits.",
        Number(
            {"": 2 * math.log(2) - 1},
            0.0006,
            "",
            {
                2 * math.log10(2)
                - 1: "That is with the decimal logarithm; here it is the natural one.",
                math.log(2) + 1: "The roles are exchanged: it is not symmetric.",
                1 - math.log(2): "The roles are exchanged: it is not symmetric.",
            },
        ),
        "$2 \\ln 2 - 2 + 1 = 0.386$. With the roles exchanged it would be 0.307.",
        ("Put the numbers in, natural logarithm.", "$\\ln 2 = 0.693$."),
    ),
    Question(
        "layers",
        "explain",
        "Put the network's parts in the order in which a mixture's magnitudes pass them.",
        Order(
            (
                "trim to the lowest F bins",
                "bidirectional encoder",
                "residual connection",
                "decoder",
                "mask layer",
                "denoiser",
            ),
            "From the mixture's magnitudes to the estimate",
        ),
        "The encoder hears the lowest bins in both directions, its input is added to its states, "
        "the decoder runs forward once more, the mask covers all bins again, the denoiser is last.",
        (
            "The Masker comes first, the Denoiser last.",
            "A residual adds a part's input to its output.",
        ),
    ),
)
