"""The questions of chapter 9."""

import math

from hpss_lib.views.questions import Choice, Number, Order, Question

QUESTIONS = (
    Question(
        "too-quiet",
        "predict",
        "A perfect estimate is multiplied by 0.5. Which of the scores falls?",
        Choice(
            {
                "The plain SDR alone": "It counts a gain in full; SI-SDR does not, and SIR and SAR "
                "have nothing to blame.",
                "SDR and SI-SDR": "Scale-invariant means what it says.",
                "All of them": "Neither interference nor artefacts came in.",
                "None": "The plain SDR is then $-20 \\log_{10} 0.5 = 6$ dB.",
            },
            0,
        ),
        "Each measure forgives something: SI-SDR forgives the gain.",
        ("Which of them look at the gain?", "Two letters of one name say it."),
    ),
    Question(
        "two-errors",
        "compute",
        "The other source in an estimate lies 20 dB below the target, and artefacts that resemble "
        "neither source as far. The target is the truth, not a filtered one. What is the SDR? Two "
        "digits in all.",
        Number(
            {"": -10 * math.log10(0.01 + 0.01)},
            0.5,
            "dB",
            {
                20.0: "There are two errors.",
                10.0: "Decibels do not halve: each error has 0.01 of the target's energy.",
                -20 * math.log10(0.1 + 0.1): "They stand at right angles: energies add, not "
                "amplitudes.",
            },
        ),
        "Each error has 0.01 of the target's energy, both 0.02: $-10 \\log_{10} 0.02 = 17$ dB.",
        ("How much of the target's energy has each?", "Three parts at right angles: add energies."),
    ),
    Question(
        "median-or-mean",
        "explain",
        "Why are frames without a score (NaN) not just left out of the median?",
        Choice(
            {
                "They may: a median does not care.": "It cares which frames are counted.",
                "Whoever goes silent in the hard frames would be paid for it.": "A silent estimate "
                "has no score there, and the median of what is left rises.",
                "A median of NaN is zero.": "It is NaN, or undefined.",
            },
            1,
        ),
        "So the number of undefined frames belongs beside every median.",
        ("What would a cheat do in the frames in which he is bad?", "See *How to fool a measure*."),
    ),
    Question(
        "interval",
        "explain",
        "Two methods differ by 0.4 dB in the median of seven songs, and the bootstrap interval of "
        "the differences is $-0.3$ to $1.1$ dB. What may you say?",
        Choice(
            {
                "The first is better by 0.4 dB.": "On these songs it was; of others you do not "
                "know.",
                "These songs do not decide it.": "Zero lies within, and with seven songs the "
                "interval even promises more than it keeps.",
                "They are equal.": "Not knowing a difference is not knowing that there is none.",
            },
            1,
        ),
        "More songs, not more digits.",
        ("Does the interval hold zero?", "What would seven other songs have said?"),
    ),
    Question(
        "paired",
        "compute",
        "Three songs: method A 5, 9, 2 dB; method B 4, 8, 6 dB. What is the median of the paired "
        "differences A − B, and the difference of the medians?",
        Number({"of the differences": 1.0, "of the medians": -1.0}, 0.01, "dB"),
        "Differences 1, 1, −4: median 1. Medians 5 and 6: difference −1. A is better on most "
        "songs, "
        "and has the lower median: pair first.",
        ("Subtract song by song first.", "Then the medians of A and of B."),
    ),
    Question(
        "ladder",
        "extend",
        "Order what chapter 9's table compares by the drums' SDR on MDB Drums.",
        Order(
            ("scaled mixture", "median filter", "network", "ideal ratio mask"),
            "From the lowest to the highest",
        ),
        "The mixture at its best gain, a filter without training, a trained network, a mask that "
        "knows the answer.",
        ("One of them knows the answer.", "One does nothing at all."),
    ),
)
