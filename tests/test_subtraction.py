"""subtraction.py: its identities and laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpss_lib.stft import COMPACT, stft
from hpss_lib.subtraction import apply_phase, mixture_phase, subtract, subtract_floored

magnitudes = arrays(
    np.float64, (5, 7), elements=st.one_of(st.just(0.0), st.floats(1e-6, 1e3, allow_nan=False))
)


def mixture(n=6000, seed=0):
    X = stft(np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32), COMPACT)
    X[:, -2:] = 0
    return X


def estimate(X, seed=1):
    """A percussive magnitude that sometimes exceeds the mixture's."""
    gain = np.random.default_rng(seed).uniform(0, 1.5, X.shape).astype(np.float32)
    return gain * np.abs(X)


def test_magnitude_subtraction_is_subtraction_of_spectrograms():
    """S_h = X - S_p with the mixture's phase in both, also where V_p > V."""
    X = mixture()
    V_p = estimate(X)
    V_h = subtract(np.abs(X), V_p)
    assert (V_h < 0).any()
    S_p, S_h = apply_phase(V_p, X), apply_phase(V_h, X)
    np.testing.assert_allclose(S_h, X - S_p, atol=1e-6)
    assert S_p.dtype == X.dtype and V_h.dtype == V_p.dtype


def test_phase_has_magnitude_one_and_gives_the_mixture_back():
    X = mixture()
    np.testing.assert_allclose(np.abs(mixture_phase(X)), 1, atol=1e-6)
    assert (mixture_phase(X)[:, -1] == 1).all()  # silence
    np.testing.assert_allclose(apply_phase(np.abs(X), X), X, atol=1e-6)
    np.testing.assert_allclose(np.abs(apply_phase(estimate(X), X)), estimate(X), rtol=1e-5)


def test_where_silence_ends():
    """The softest normal magnitude has a phase; what is softer has none that can be relied on."""
    tiny = np.finfo(np.float32).tiny
    X = np.array([[-tiny, 1e-40j, 0, -2e-38]], np.complex64)
    with np.errstate(divide="raise", invalid="raise"):
        assert mixture_phase(X).tolist() == [[-1, 1, 1, -1]] and mixture_phase(X).dtype == X.dtype


def test_hand_computed():
    V, V_p = np.array([[5.0, 3.0, 1.0]]), np.array([[3.0, 3.0, 2.0]])
    np.testing.assert_allclose(subtract(V, V_p), [[2, 0, -1]])
    np.testing.assert_allclose(subtract_floored(V, V_p), [[2, 0, 0]])
    np.testing.assert_allclose(subtract_floored(V, V_p, exponent=2), [[4, 0, 0]])
    np.testing.assert_allclose(subtract_floored(V, V_p, floor=0.5), [[2, 1.5, 1]])
    np.testing.assert_allclose(subtract_floored(V, V_p, over=1.5), [[0.5, 0, 0]])
    np.testing.assert_allclose(
        subtract_floored(V, V_p, exponent=2, over=2, floor=0.1), [[math.sqrt(7), 0.3, 0.2]]
    )


@settings(max_examples=100, deadline=None)
@given(magnitudes, magnitudes, st.floats(0.3, 4), st.floats(0, 5), st.floats(0, 1))
def test_laws_of_the_floored_variants(V, V_p, exponent, over, floor):
    V_before, V_p_before = V.copy(), V_p.copy()
    V_h = subtract_floored(V, V_p, exponent=exponent, over=over, floor=floor)
    assert np.isfinite(V_h).all()
    assert (V_h >= floor * V_p * (1 - 1e-9)).all()
    assert (V_h <= np.maximum(V, floor * V_p) * (1 + 1e-9)).all()
    more = subtract_floored(V, V_p, exponent=exponent, over=over + 1, floor=floor)
    assert (more <= V_h * (1 + 1e-9)).all()
    np.testing.assert_array_equal(V, V_before)
    np.testing.assert_array_equal(V_p, V_p_before)


@settings(max_examples=100, deadline=None)
@given(magnitudes, magnitudes)
def test_power_leaves_more_than_magnitude_subtraction(V, V_p):
    """sqrt(V^2 - V_p^2) >= V - V_p wherever V >= V_p."""
    power, magnitude = subtract_floored(V, V_p, exponent=2), subtract_floored(V, V_p)
    assert (power >= magnitude - 1e-9 * V).all()
    np.testing.assert_allclose(magnitude, np.maximum(subtract(V, V_p), 0))


def test_nothing_and_everything():
    V = np.abs(mixture())
    zero = np.zeros_like(V)
    for exponent in (1, 2):
        np.testing.assert_allclose(subtract_floored(V, zero, exponent=exponent), V, rtol=1e-6)
        np.testing.assert_allclose(subtract_floored(V, V, exponent=exponent), 0, atol=1e-6)
    assert not apply_phase(zero, np.zeros_like(mixture())).any()


def test_refusals():
    V = np.ones((3, 4))
    for function in (subtract, subtract_floored):
        with pytest.raises(
            ValueError,
            match=r"^the mixture's spectrogram has shape \(3, 4\), the source's \(3, 5\); they "
            "must be equal: compute both in the same setting$",
        ):
            function(V, np.ones((3, 5)))
    with pytest.raises(ValueError, match="shape"):
        apply_phase(np.ones((3, 1)), V + 0j)
    for options in ({"exponent": 0}, {"over": -1}, {"floor": -0.1}, {"floor": math.nan}):
        with pytest.raises(ValueError, match=next(iter(options))):
            subtract_floored(V, V, **options)
