"""The front door: what `import hpss_lib as hpss` offers, what it costs, and in what order."""

import subprocess
import sys

import numpy as np
import pytest

import hpss_lib as hpss

HEAVY = "torch librosa scipy numba matplotlib soundfile soxr tqdm joblib numpy".split()


def python(program):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_every_name_is_there_and_the_stub_names_no_other():
    for name in hpss.__all__:
        assert getattr(hpss, name) is not None
    assert {
        "separate",
        "separate_file",
        "load",
        "stft",
        "istft",
        "StftSettings",
        "SETTINGS",
    } <= set(hpss.__all__)
    assert {"load_model", "evaluate"} <= set(hpss.__all__) <= set(dir(hpss))


def test_importing_brings_nothing_heavy():
    told = python(f"import sys, hpss_lib; print([m for m in {HEAVY} if m in sys.modules])")
    assert told == "[]"


@pytest.mark.parametrize(
    "first",
    [
        "pass",
        "import hpss_lib.stft",
        "from hpss_lib.stft import COMPACT",
        "from hpss_lib import stft",
        "import hpss_lib.separation",
        "hpss.stft; import hpss_lib.stft",
        "import importlib; importlib.import_module('hpss_lib.stft')",
    ],
)
def test_stft_is_the_function_in_any_order(first):
    program = f"""
import hpss_lib as hpss
{first}
import numpy as np
from hpss_lib import stft
from hpss_lib.stft import COMPACT, stft_frames
assert hpss.stft is stft and hpss.SETTINGS["compact"] is COMPACT
X = hpss.stft(np.ones(1000), COMPACT)
assert np.allclose(X, stft_frames(np.ones(1000), COMPACT, 0, 2))
print(X.shape)
"""
    assert python(program) == "(1025, 2)"


def test_the_three_lines_of_the_readme():
    x = np.random.default_rng(0).uniform(-1, 1, (24000, 2))
    percussive, harmonic = hpss.separate(x, 48000)
    assert percussive.shape == harmonic.shape == x.shape
    np.testing.assert_allclose(percussive + harmonic, x, atol=1e-6)
    assert hpss.load_model().config.setting == "compact"


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="drums"):
        hpss.__getattr__("drums")
