"""The questions of chapter 1."""

import math

from hpss_lib.views.questions import Choice, Number, Order, Question

QUESTIONS = (
    Question(
        "upright",
        "predict",
        "A rim shot is recorded and played at half speed. What happens to its upright line in the "
        "spectrogram?",
        Choice(
            {
                "It becomes a horizontal line.": "No. It is as much in all frequencies as before; "
                "a line lies down only where one frequency lasts.",
                "It stays upright, is twice as wide, and reaches half as high.": "Time is "
                "stretched "
                "by two, so every frequency is halved, and the stroke lasts twice as long.",
                "Nothing changes.": "Half the speed halves every frequency: an octave lower.",
            },
            1,
        ),
        "Slower by two means longer by two and lower by an octave. It is still short in time and "
        "broad in frequency, hence percussive.",
        (
            "What does half speed do to a tone? And to how long it lasts?",
            "A stroke is a sum of tones that all begin together.",
        ),
    ),
    Question(
        "half-of-it",
        "compute",
        "Drums and rest are equally loud and have nothing in common. You take half of the mixture "
        "for the drums, $\\hat s = x/2$. What is the SDR? One digit after the point.",
        Number(
            {"": 10 * math.log10(2)},
            0.05,
            "dB",
            {
                6.0: "6 dB would be an error of a quarter of the energy: the drums that are "
                "missing alone. The rest is in it as well.",
                0.0: "0 dB is what silence gets.",
            },
        ),
        "The error is $s - x/2 = (s - r)/2$, with a quarter of each energy: together half of that "
        "of $s$. $10 \\log_{10} 2 = 3.0$ dB.",
        (
            "Write the error in terms of the drums $s$ and the rest $r$.",
            "Energies of two sounds that have nothing in common add.",
        ),
    ),
    Question(
        "which-instruments",
        "explain",
        "Of these, which will a separator of upright from level lines put into the wrong part most "
        "often?",
        Choice(
            {
                "A closed hi-hat": "It is short and broad: among the easiest.",
                "A flute's held note": "Level lines as they should be, but for its breath.",
                "The attack of a piano's note": "The hammer strikes all frequencies at once. By "
                "the picture it is percussive, by our definition part of a pitched instrument.",
                "A violin section": "Its bows start softly: nothing upright in it.",
            },
            2,
        ),
        "What the eye calls percussive, every sudden beginning, and what this book calls so, the "
        "drums, differ just there.",
        (
            "Look for something that changes its kind within one note.",
            "How is the string of each of these set in motion?",
        ),
    ),
    Question(
        "louder-by-ten",
        "compute",
        "The drums are at $-20$ dB, the rest at $-26$ dB. By what factor must the samples of the "
        "rest be multiplied, so that both are equally loud? Two digits after the point.",
        Number(
            {"": 10 ** (6 / 20)},
            0.006,
            "",
            {
                10 ** (6 / 10): "That is the factor of the energies; samples are its root.",
                6.0: "6 is the difference in dB.",
            },
        ),
        "Samples go with $10^{\\mathrm{dB}/20}$: $10^{6/20} = 2.00$.",
        (
            "Decibels of what: samples or energies?",
            "20 dB are a factor of ten in the samples.",
        ),
    ),
    Question(
        "anisotropy",
        "extend",
        "Order the sounds by how level their lines are.",
        Order(
            ("a click", "a snare drum", "a plucked string", "a held organ note"),
            "From the most upright to the most level",
        ),
        "A click is nothing but upright, a snare rings a little, a plucked string begins with a "
        "stroke and goes on as a tone, and an organ goes on.",
        ("How long does each of them go on after it began?", "Begin with the two extremes."),
    ),
)
