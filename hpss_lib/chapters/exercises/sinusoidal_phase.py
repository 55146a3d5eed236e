"""The exercises of chapter 7."""

import numpy as np

from hpss_lib.sinusoids import instantaneous_frequency, propagate
from hpss_lib.stft import SAMPLE_RATE, SETTINGS, StftSettings, stft
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question


def _is_the_reach(reach) -> bool | str:
    for settings in SETTINGS.values():
        expected = settings.n_fft / (2 * settings.hop)
        found = agreement(reach(settings), expected, tolerance=1e-6, show=True)
        if found is not True:
            return found
    return True


def _first_beyond(settings: StftSettings) -> int:
    hops = np.arange(1, 1000)
    off = 2 * np.pi * settings.hop / settings.n_fft * 0.05 * hops
    return int(hops[off > np.pi / 2 + 1e-9][0])


def _misses(predict) -> float:
    """The median error on a chirp, in degrees."""
    s = SETTINGS["2"]
    hertz = 3000 + 300 * np.arange(SAMPLE_RATE) / SAMPLE_RATE
    Y = stft(np.cos(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE), s)
    missed = []
    for t in range(8, 36):
        k = round(hertz[t * s.hop] * s.n_fft / SAMPLE_RATE)
        phase = predict(np.angle(Y[:, t - 1]), np.abs(Y[:, t - 1]), np.abs(Y[:, t]), s)
        missed.append(np.abs(np.angle(np.exp(1j * (phase[k] - np.angle(Y[k, t]))))))
    return float(np.rad2deg(np.median(missed)))


def _published(before, v_before, v, settings):
    return propagate(before, instantaneous_frequency(v), settings)


def _follows_a_chirp(predict) -> bool | str:
    missed = _misses(predict)
    if missed < 13:
        return True
    rule = _misses(_published)
    return f"It misses a chirp by {missed:.0f} degrees; the published rule by {rule:.0f}."


reach = Exercise(
    "reach",
    "compute",
    _is_the_reach,
    (
        "The deviation 2 pi H/N (f - k) must not be mistaken for another by whole turns.",
        "It must stay below half a turn.",
    ),
    Question(
        "idea-reach",
        "compute",
        "The window of setting 2 has 4096 samples, its hop 1024. How many bins may a tone lie "
        "from bin $k$, so that two phases still give its frequency?",
        Number(
            {"": 2.0},
            0.01,
            "bins",
            {
                4.0: "That is a whole turn: the way back from minus half to plus half.",
                1.0: "That is a quarter of a turn.",
            },
        ),
        "$N / (2H) = 2$: half a turn in one hop.",
        ("By how much does one bin turn in a hop?", "By a quarter of a turn. Half may pass."),
    ),
)
drift = Exercise(
    "drift",
    "predict",
    Number(
        {"setting 1": _first_beyond(SETTINGS["1"]), "setting 2": _first_beyond(SETTINGS["2"])},
        0.4,
        "",
        {
            53: "After 53 hops it is not yet beyond the right angle.",
            5: "That takes one bin's turn for that of 0.05 bin.",
            214: "A right angle is a quarter of a turn.",
            107: "A right angle is a quarter of a turn.",
        },
    ),
    (
        "One hop adds 2 pi H/N times 0.05.",
        "How many of these make more than pi/2? At exactly pi/2 one more is needed.",
    ),
)
mean_frequency = Exercise(
    "mean-frequency",
    "extend",
    _follows_a_chirp,
    (
        "Which frequency did the tone have halfway between the two frames?",
        "Take instantaneous_frequency of both frames, their mean, and propagate.",
    ),
    Question(
        "idea-mean-frequency",
        "predict",
        "A tone glides upwards. The turn from frame $t-1$ to $t$ is predicted with the frequency "
        "of frame $t$ alone. How does the prediction miss?",
        Choice(
            {
                "It turns too far.": "The frequency of frame $t$ was reached only at the end of "
                "the hop; on the way it was lower.",
                "It does not turn far enough.": "That is what the frequency of frame $t-1$ does.",
                "It does not miss.": "Then the tone would have had that frequency all the way.",
            },
            0,
        ),
        "Half of the glide within one hop is too much; the mean of both frames takes it away.",
        ("Which frequency did the tone have on the way?", "Was it higher or lower than that?"),
    ),
)

EXERCISES = (reach, drift, mean_frequency)
