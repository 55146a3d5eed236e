"""Where drums are loudest, and what a network finds in a song (chapter 6)."""

import kick_pitch
import numpy as np
import pytest
import score

from hpss_lib.audio import load_excerpt
from hpss_lib.madtwinnet import load_model
from hpss_lib.measures import sdr
from hpss_lib.separation import separate
from hpss_lib.stft import SAMPLE_RATE


@pytest.mark.parametrize("hertz", [33.0, 41.0, 58.0, 97.0])
def test_the_loudest_frequency_of_low_drums(hertz):
    t = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    strokes = np.exp(-8 * (t % 0.5))
    p = strokes * np.sin(2 * np.pi * hertz * t) + 3 * np.sin(2 * np.pi * 400 * t)
    p += 5 * np.sin(2 * np.pi * 12 * t)  # nobody hears it
    assert abs(kick_pitch.loudest(p) - hertz) < 3


def test_the_network_is_heard_as_by_the_library():
    p, h = (s[: 3 * SAMPLE_RATE] for s in load_excerpt("rock"))
    s_p, _ = separate(p + h, SAMPLE_RATE)
    assert sdr(s_p, score.network(p + h, load_model())) > 60
