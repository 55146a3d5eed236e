"""What bounds a separation, against its formulas."""

import numpy as np
import pytest

from hpss_lib import measures, oracles, puiter
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft


def sources(seconds=8.0):
    """Clicks, and a tone that glides: longer than one block of frames."""
    n = int(seconds * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    x_h = 0.3 * np.sin(2 * np.pi * (400 + 20 * t) * t)
    x_p = np.random.default_rng(9).standard_normal(n) * np.exp(-30 * (t % 0.25))
    return x_p.astype(np.float32), x_h.astype(np.float32)


def test_oracles_are_their_formulas():
    x_p, x_h = sources()
    X_p, X_h = stft(x_p, COMPACT), stft(x_h, COMPACT)
    X, V_p, V_h = X_p + X_h, np.abs(X_p), np.abs(X_h)
    expected = {
        "irm": V_p / (V_p + V_h) * X,
        "ibm": (V_p > V_h) * X,
        "true": V_p * X / np.abs(X),
    }
    for kind, S_p in expected.items():
        s_p, s_h = oracles.oracle(x_p, x_h, kind=kind)
        np.testing.assert_allclose(s_p, istft(S_p, COMPACT, len(x_p)), atol=1e-4)
        if kind != "true":
            np.testing.assert_allclose(s_p + s_h, x_p + x_h, atol=1e-5)
    np.testing.assert_allclose(s_h, istft(V_h * X / np.abs(X), COMPACT, len(x_h)), atol=1e-4)


@pytest.mark.parametrize("phase", ["pu", "pu-iter"])
def test_phase_recovery_of_true_magnitudes_is_the_published_one(phase):
    """Both sources as they come, not the rest of one: block by block what the whole gives."""
    x_p, x_h = sources()
    X = stft(x_p + x_h, COMPACT)
    V = [np.abs(stft(x, COMPACT)) for x in (x_p, x_h)]
    S = puiter.pu(X, *V, COMPACT) if phase == "pu" else puiter.pu_iter(X, V, COMPACT)
    found = oracles.oracle(x_p, x_h, kind="true", phase=phase)
    for s, S_j in zip(found, S, strict=True):
        np.testing.assert_allclose(s, istft(S_j, COMPACT, len(x_p)), atol=1e-4)
    left = x_p + x_h - found[0] - found[1]
    assert np.sum(left**2) > 1e-6 * np.sum((x_p + x_h) ** 2)  # and so they do not sum to x


def test_oracles_beat_the_scaled_mixture():
    x_p, x_h = sources(1.0)
    mixture = oracles.scaled_mixture(x_p, x_h)
    for kind in oracles.ORACLES:
        for setting in ("1", "2", "compact"):
            estimates = oracles.oracle(x_p, x_h, kind=kind, setting=setting)
            for s, e, m in zip((x_p, x_h), estimates, mixture, strict=True):
                assert measures.sdr(s, e) > measures.sdr(s, m) + 3


def test_oracles_of_silence_and_wrong_names():
    nothing = np.zeros(3000, np.float32)
    for kind in oracles.ORACLES:
        s_p, s_h = oracles.oracle(nothing, nothing, kind=kind)
        assert not s_p.any() and not s_h.any()
    with pytest.raises(ValueError, match="irm"):
        oracles.oracle(nothing, nothing, kind="wiener")
    with pytest.raises(ValueError, match="compact"):
        oracles.oracle(nothing, nothing, setting="3")
    with pytest.raises(ValueError, match="mixture"):
        oracles.oracle(nothing, nothing, phase="guess")
    with pytest.raises(ValueError, match="3000"):
        oracles.oracle(nothing, nothing[1:])


def test_the_scaled_mixture_is_the_best_one():
    x_p, x_h = sources(1.0)
    for s, e in zip((x_p, x_h), oracles.scaled_mixture(x_p, x_h), strict=True):
        best = measures.sdr(s, e)
        for factor in (0.9, 1.1):
            assert measures.sdr(s, factor * e) < best
        x = x_p + x_h
        np.testing.assert_allclose(e * x[0], x * e[0], atol=1e-6)  # a multiple of the mixture
    assert not any(s.any() for s in oracles.scaled_mixture(0 * x_p, 0 * x_h))


def test_librosa_as_it_comes():
    x_p, x_h = sources(1.0)
    s_p, s_h = oracles.librosa_hpss(x_p + x_h)
    np.testing.assert_allclose(s_p + s_h, x_p + x_h, atol=1e-4)
    assert measures.sdr(x_p, s_p) > 0 and measures.sdr(x_h, s_h) > 3
