"""The questions of chapter 2."""

from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTINGS
from hpss_lib.views.questions import Choice, Number, Order, Question

_BIN = SAMPLE_RATE / COMPACT.n_fft

QUESTIONS = (
    Question(
        "longer-window",
        "predict",
        "You make the window four times longer. What happens to the picture of a drum roll?",
        Choice(
            {
                "Its strokes run into each other.": "Each frame now holds several strokes, and "
                "says nothing about which came first.",
                "Its strokes become narrower.": "That is what happens to tones, in frequency.",
                "It fades.": "A window does not make anything vanish; it blurs.",
            },
            0,
        ),
        "A longer window tells frequencies apart better and moments worse.",
        (
            "What does one frame know of when something happened within it?",
            "Compare the time between two strokes with the window's length.",
        ),
    ),
    Question(
        "bin-width",
        "compute",
        "How far apart are two neighbouring bins in the compact setting? One digit after the "
        "point.",
        Number(
            {"": _BIN},
            0.05,
            "Hz",
            {
                SAMPLE_RATE / 2 / COMPACT.n_fft: "Half of it: the bins go up to half the rate, but "
                "there are only half as many as samples in the frame.",
                SAMPLE_RATE / COMPACT.hop: "That is the number of frames in a second.",
            },
        ),
        "$44100 / 2048 = 21.5$ Hz.",
        ("How many periods of bin 1 fit into one frame?", "One: its frequency is $1 / $ length."),
    ),
    Question(
        "bin-of-a4",
        "compute",
        "Which bin of the compact setting is nearest to the tone A, 440 Hz? A whole number.",
        Number({"": round(440 / _BIN)}, 0.4, "", {440.0: "That is its frequency in hertz."}),
        "$440 / 21.5 = 20.4$, so bin 20, at 430.7 Hz.",
        ("Divide by the distance of two bins.", "The first bin has the number 0."),
    ),
    Question(
        "frames-a-second",
        "compute",
        "How many frames has one second, in the compact setting and in setting 1? Whole numbers.",
        Number(
            {
                "compact": round(SAMPLE_RATE / COMPACT.hop),
                "setting 1": round(SAMPLE_RATE / SETTINGS["1"].hop),
            },
            0.9,
        ),
        "$44100 / 512 = 86$ and $44100 / 384 = 115$. The window's length does not matter.",
        ("What moves on from frame to frame?", "The hop: 512 and 384 samples."),
    ),
    Question(
        "the-chain",
        "explain",
        "Put the steps of analysis and synthesis in order.",
        Order(
            (
                "multiply by the window",
                "transform each frame",
                "change magnitudes",
                "transform back",
                "multiply by the synthesis window",
                "add where frames overlap",
            ),
            "From the signal to the signal",
        ),
        "Cut and window, transform, do what you came for, transform back, window again so that "
        "what was changed fades in and out, and add.",
        ("What has to happen before a frame is transformed?", "The last step makes one signal."),
    ),
    Question(
        "phase-matters",
        "extend",
        "All magnitudes of a song are kept and every phase is drawn at random. What is lost most?",
        Choice(
            {
                "Its chords": "They are in the magnitudes: the harmony can still be followed.",
                "The sharpness of its strokes": "A stroke is many frequencies that agree on one "
                "moment. Without their phases its energy spreads over the whole window.",
                "Its loudness": "The energy of each frame is as it was.",
            },
            1,
        ),
        "Magnitudes say what is in a frame, phases when within it.",
        (
            "What makes many frequencies together a click?",
            "Where in its frame can the energy be, if nothing says so?",
        ),
    ),
)
