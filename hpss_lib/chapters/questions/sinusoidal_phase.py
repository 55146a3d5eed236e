"""The questions of chapter 7."""

import math

from hpss_lib.stft import SAMPLE_RATE, SETTINGS
from hpss_lib.views.questions import Choice, Number, Question

_TURNS = 1000 * SETTINGS["2"].hop / SAMPLE_RATE

QUESTIONS = (
    Question(
        "silent-phase",
        "predict",
        "You play a tone a millisecond later. What changes in its spectrogram, far from its ends?",
        Choice(
            {
                "The magnitudes": "Each frame holds the same tone as before.",
                "The phases": "By $2\\pi$ times the frequency times one millisecond.",
                "Nothing at all": "A tone's phase says when it passes its peaks.",
            },
            1,
        ),
        "Magnitudes say how much, phases when.",
        (
            "What does one frame of a steady tone look like a millisecond later?",
            "Is a shifted cosine the same cosine?",
        ),
    ),
    Question(
        "turns-a-hop",
        "compute",
        "A tone of 1000 Hz in setting 2 (hop 1024). By how many turns does its phase advance from "
        "frame to frame? Two digits after the point.",
        Number(
            {"": _TURNS},
            0.006,
            "turns",
            {
                _TURNS % 1: "That is what is left of it after whole turns.",
                1000 * 384 / SAMPLE_RATE: "That is with the hop of setting 1.",
            },
        ),
        "$1000 \\cdot 1024 / 44100 = 23.22$ turns, of which the spectrogram shows 0.22.",
        ("How many periods of the tone fit into one hop?", "Frequency times hop over rate."),
    ),
    Question(
        "wrapped",
        "compute",
        "A phase of 7 rad is wrapped into $(-\\pi, \\pi]$. What is it then? Three digits after "
        "the point.",
        Number(
            {"": 7 - 2 * math.pi},
            0.0006,
            "rad",
            {7 - math.pi: "Wrapping takes away whole turns, $2\\pi$, not half ones."},
        ),
        "$7 - 2\\pi = 0.717$.",
        ("Take away whole turns.", "One turn is 6.283."),
    ),
    Question(
        "parabola",
        "explain",
        "Why is a parabola through three *logarithmic* magnitudes a good peak, and through three "
        "plain ones a worse one?",
        Choice(
            {
                "Logarithms are smaller.": "Size is not the matter, shape is.",
                "The top of a smooth window's main lobe is nearly a parabola in decibels.": "It is "
                "nearly a Gaussian, and the logarithm of a Gaussian is a parabola exactly.",
                "The peak is always on a bin.": "Then no interpolation would be needed.",
            },
            1,
        ),
        "The bell of the main lobe, not the tone, is what is being fitted.",
        (
            "What is it that stands around a peak in a spectrum?",
            "What is the logarithm of $e^{-x^2}$?",
        ),
    ),
    Question(
        "small-error",
        "compute",
        "A predicted frequency is 1 Hz too high. After how many seconds is the phase off by a "
        "quarter of a turn?",
        Number(
            {"": 0.25},
            0.005,
            "s",
            {4.0: "That is the inverse.", 1.0: "After one second it is off by a whole turn."},
        ),
        "1 Hz is one turn a second: a quarter of a turn takes a quarter of a second.",
        ("What does 1 Hz too much mean in turns?", "One turn a second."),
    ),
    Question(
        "no-sinusoid",
        "extend",
        "For which sound does the sinusoidal model predict phases that are of no use at all?",
        Choice(
            {
                "A held violin note": "Made for it.",
                "A piano chord after its attack": "Several sinusoids, each its own region.",
                "A snare drum": "Noise: each frame's phase is new, whatever the one before was.",
                "A sine that glides slowly": "It lags a little, but the prediction is near.",
            },
            2,
        ),
        "That is why PU-iter starts only the harmonic part from the model.",
        ("Where does the next frame follow from the last?", "Which of these has no frequency?"),
    ),
)
