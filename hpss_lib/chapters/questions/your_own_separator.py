"""The questions of chapter 10."""

from hpss_lib.stft import COMPACT, SAMPLE_RATE
from hpss_lib.views.questions import Choice, Number, Order, Question

_HOUR = (1 + 3600 * SAMPLE_RATE // COMPACT.hop) * COMPACT.bins * 8 / 1e9  # GB, complex64

QUESTIONS = (
    Question(
        "two-that-cancel",
        "predict",
        "Your `stft` forgets to divide by $\\sqrt{N}$ and your `istft` forgets to multiply by it. "
        "What becomes of the drums, by medians and a mask?",
        Choice(
            {
                "They are $\\sqrt{N}$ times too loud": "Too loud on the way in, and brought "
                "back on the way out.",
                "Nothing: they are what they should be": "A mask is a share, and no scale changes "
                "a share; the two factors undo each other.",
                "The mask is wrong wherever the song is soft": "Shares of energy do not depend on "
                "the level.",
            },
            1,
        ),
        "Two mistakes that undo each other are found by checking each function alone.",
        ("What is a mask made of?", "Follow a factor through the chain."),
    ),
    Question(
        "chain",
        "explain",
        "Order the calls of your separator by network.",
        Order(
            ("stft", "estimate", "subtract", "istft"),
            "From the first to the last",
        ),
        "Sound to spectrogram, magnitudes of the drums, phases for both, and back to sound.",
        ("What goes in and comes out is sound.", "The network knows magnitudes only."),
    ),
    Question(
        "amplitude",
        "compute",
        "Two estimates differ by −40 dB. How large is the difference's amplitude, as a share of "
        "the estimate's?",
        Number(
            {"": 0.01},
            0.0005,
            "",
            {0.0001: "That is the share of the energy; the amplitude goes with its root."},
        ),
        "$10^{-40/20} = 0.01$: a hundredth.",
        ("Decibels of amplitude are 20 times the logarithm.", "Ten to the minus two."),
    ),
    Question(
        "why-the-rumble",
        "explain",
        "Why does an offset that nobody hears spoil what the network estimates, and not what the "
        "two medians do?",
        Choice(
            {
                "The network was trained on lessons with an offset": "It was not: that is a part "
                "of the trouble.",
                "The network hears every sequence at one level, and the offset counts in it": "So "
                "the music is turned down. A mask compares neighbours, and two or three bins at "
                "the bottom are all that it loses.",
                "The STFT of the medians has no bin at 0 Hz": "It is the same STFT.",
            },
            1,
        ),
        "A method that normalises must say what it normalises by.",
        ("What does `estimate` do before it calls `network`?", "See *What goes wrong*."),
    ),
    Question(
        "an-hour",
        "compute",
        "An hour at 44.1 kHz, in the compact setting (1025 bins, hop 512): how many gigabytes has "
        "$X$ in single precision (8 bytes a bin)? One decimal.",
        Number(
            {"": round(_HOUR, 3)},
            0.06,
            "GB",
            {
                2 * _HOUR: "That is double precision, 16 bytes a bin.",
                _HOUR / 2: "Complex numbers are two: 8 bytes, not 4.",
            },
        ),
        f"{3600 * SAMPLE_RATE // COMPACT.hop + 1:,} frames of {COMPACT.bins} bins of 8 bytes: "
        f"{_HOUR:.1f} GB.",
        ("How many frames has an hour?", "3600 times 44100 over 512."),
    ),
    Question(
        "shorter-margin",
        "extend",
        "If the median were 61 frames long in place of 31, by how many frames would the margin of "
        "exact pieces grow?",
        Number(
            {"": 15.0},
            0.4,
            "frames",
            {30.0: "It looks to both sides: half of the 30 frames more on each."},
        ),
        "Half of the length more on each side: 30 frames in place of 15.",
        ("How far does a median of 31 look to one side?", "15 of 31, 30 of 61."),
    ),
)
