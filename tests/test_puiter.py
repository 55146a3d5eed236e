import subprocess
import sys

import numpy as np
import pytest
import reference_puiter as reference
from hypothesis import given
from hypothesis import strategies as st

from hpss_lib.audio import load_excerpt
from hpss_lib.puiter import (
    closed_form,
    mixing_error,
    mixing_weights,
    pu,
    pu_iter,
    pu_iter_errors,
    pu_iter_step,
)
from hpss_lib.stft import SETTINGS, StftSettings, stft

SMALL = StftSettings(n_fft=256, window_length=256, hop=64, window="hann")
PUBLISHED = np.array([[True], [False]])  # percussive: an onset in every frame; harmonic: none


def song(settings, seconds=1.0, name="rock", dtype=np.float64):
    """Mixture and true magnitudes of a piece of a rendered excerpt."""
    n = int(44100 * seconds)
    x_p, x_h = (x[44100 : 44100 + n].astype(dtype) for x in load_excerpt(name))
    S_p, S_h = stft(x_p, settings), stft(x_h, settings)
    return S_p + S_h, np.abs(S_p), np.abs(S_h)


def random_bins(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal(n) + 1j * rng.standard_normal(n)
    V_p, V_h = rng.rayleigh(1, n), rng.rayleigh(1, n)
    return X, V_p, V_h, np.exp(2j * np.pi * rng.random(n))


def iterated(X, V_p, V_h, start, iterations):
    """Percussive from the mixture's phase, harmonic from `start`, step by step."""
    V = np.stack([V_p, V_h])
    S = V * np.stack([np.exp(1j * np.angle(X)), np.exp(1j * np.angle(start))])
    for _ in range(iterations):
        S = pu_iter_step(X, S, V)
    return S


# --- the steps ----------------------------------------------------------------------------------


def test_weights_share_by_power_and_add_up_to_one():
    V = np.array([[3.0, 0, 0], [4.0, 2, 0]])
    assert mixing_weights(V).tolist() == [[9 / 25, 0, 0], [16 / 25, 1, 0]]


def test_one_step_by_hand():
    # E = 4 - (3 + 4i); Y_p = 3 + 9/25 (1 - 4i), Y_h = 4i + 16/25 (1 - 4i)
    X, V = np.array([4.0 + 0j]), np.array([[3.0], [4.0]])
    S = np.array([[3.0 + 0j], [4j]])
    assert mixing_error(X, S) == pytest.approx([1 - 4j])
    Y = np.array([3.36 - 1.44j, 0.64 + 1.44j])
    expected = V[:, 0] * Y / np.abs(Y)
    assert pu_iter_step(X, S, V)[:, 0] == pytest.approx(expected)


def test_each_step_makes_the_mixing_error_smaller():
    X, V_p, V_h, start = random_bins(500)
    V = np.stack([V_p, V_h])
    S = iterated(X, V_p, V_h, start, 0)
    for _ in range(30):
        before, S = S, pu_iter_step(X, S, V)
        assert (abs(mixing_error(X, S)) <= abs(mixing_error(X, before)) + 1e-12).all()


# --- the closed form, bin by bin ----------------------------------------------------------------


def closes(X, V_p, V_h, margin=0.0):
    """By how much each bin's three sides make a triangle; negative: they make none."""
    x = np.abs(X)
    slack = np.minimum(np.minimum(x + V_p - V_h, x + V_h - V_p), V_p + V_h - x)
    return slack / np.maximum(np.maximum(x, V_p), V_h)


def test_the_iteration_converges_to_the_closed_form():
    X, V_p, V_h, start = random_bins(3000)
    exact = np.stack(closed_form(X, V_p, V_h, start))
    long = iterated(X, V_p, V_h, start, 4000)
    distance = np.abs(np.angle(exact * np.conj(long))).max(axis=0)
    slack = closes(X, V_p, V_h)
    assert (slack > 0).sum() > 500 and (slack < 0).sum() > 500
    assert np.median(distance) < 1e-12 and np.quantile(distance, 0.99) < 0.01
    assert np.quantile(distance[np.abs(slack) > 0.05], 0.99) < 1e-9
    assert distance.max() < 0.3
    # Nearly degenerate triangles are approached slowly, and always from above.
    error = abs(mixing_error(X, exact))
    assert (error <= abs(mixing_error(X, long)) + 1e-12).all()


def test_fifty_iterations_stop_short_of_it():
    X, V_p, V_h, start = random_bins(3000)
    exact = np.stack(closed_form(X, V_p, V_h, start))
    distance = np.abs(np.angle(exact * np.conj(iterated(X, V_p, V_h, start, 50)))).max(axis=0)
    assert 1e-3 < np.median(distance) < 0.1 and distance.max() > 1


def test_where_the_triangle_closes_the_sources_add_up_to_the_mixture():
    X, V_p, V_h, start = random_bins(3000)
    S_p, S_h = closed_form(X, V_p, V_h, start)
    closed = closes(X, V_p, V_h) > 0
    assert np.abs(S_p + S_h - X)[closed].max() < 1e-12


def test_where_it_does_not_all_lie_on_one_line():
    X = np.array([2j, 2j, 2j])
    S_p, S_h = closed_form(X, np.array([0.5, 4, 1]), np.array([1, 1, 5.0]), np.ones(3))
    assert S_p == pytest.approx([0.5j, 4j, -1j])
    assert S_h == pytest.approx([1j, -1j, 5j])


def test_the_harmonic_source_stays_on_its_side():
    X, V_p, V_h, start = random_bins(3000)
    S_p, S_h = closed_form(X, V_p, V_h, start)
    closed = closes(X, V_p, V_h) > 0
    side = np.sign((start * np.conj(X)).imag)
    assert (np.sign((S_h * np.conj(X)).imag) == side)[closed].all()
    assert (np.sign((S_p * np.conj(X)).imag) == -side)[closed].all()
    mirrored = closed_form(X, V_p, V_h, start.conj() * (X / abs(X)) ** 2)
    assert (X / abs(X)) ** 2 * mirrored[1].conj() == pytest.approx(S_h)


def test_a_right_angle():
    S_p, S_h = closed_form(np.array([5 + 0j]), np.array([3.0]), np.array([4.0]), np.array([1j]))
    assert S_h == pytest.approx([4 * (0.8 + 0.6j)])
    assert S_p == pytest.approx([3 * (0.6 - 0.8j)])


ZERO_SIDES = [
    (1 + 1j, 0, 1), (1 + 1j, 1, 0), (1 + 1j, 0, 0), (1 + 1j, 0, 2**0.5), (1 + 1j, 2**0.5, 0),
    (0, 1, 2), (0, 2, 1), (0, 1, 0), (0, 0, 1), (0, 0, 0), (0, 1, 1),
]  # fmt: skip
# Sides that just touch, or nearly: the iteration creeps, it has no limit to be compared in time.
TOUCHING_SIDES = [
    (3, 1, 2), (1, 1, 2), (1, 2, 1), (1, 1e-9, 1), (1, 1, 1e-9), (1e-9, 1, 1), (1e-30, 1e-30, 1e-30)
]  # fmt: skip


@pytest.mark.parametrize("sides", ZERO_SIDES + TOUCHING_SIDES)
@pytest.mark.parametrize("angle", [0.7, -0.7, 3.0])
def test_degenerate_sides(sides, angle):
    """No NaN, the magnitudes kept, an error as small as any phases can make it."""
    X, V_p, V_h = (np.array([side]) for side in sides)
    start = np.exp([1j * angle])
    S_p, S_h = closed_form(X, V_p, V_h, start)
    assert np.abs(S_p) == pytest.approx(V_p) and np.abs(S_h) == pytest.approx(V_h)
    x, p, h = (abs(side) for side in sides)
    smallest = max(0, x - p - h, p - x - h, h - x - p)
    assert np.abs(X - S_p - S_h) == pytest.approx(smallest, abs=1e-7)
    long = iterated(X, V_p, V_h, start, 5000)
    assert np.abs(mixing_error(X, long)) == pytest.approx(smallest, abs=2e-3)
    if sides in ZERO_SIDES:
        assert np.stack([S_p, S_h]) == pytest.approx(long)


def test_where_the_mixture_is_zero_the_first_iteration_is_the_limit():
    X = np.zeros(200)
    _, V_p, V_h, start = random_bins(200)
    exact = np.stack(closed_form(X, V_p, V_h, start))
    assert exact == pytest.approx(iterated(X, V_p, V_h, start, 1))
    assert exact == pytest.approx(iterated(X, V_p, V_h, start, 7))


def test_without_a_start_both_take_the_phase_of_the_mixture():
    X, V_p, V_h, _ = random_bins(50)
    S_p, S_h = closed_form(X, V_p, V_h, np.zeros(50))
    assert S_p == pytest.approx(V_p * X / abs(X)) and S_h == pytest.approx(V_h * X / abs(X))


sides = st.floats(0, 1e6, allow_subnormal=False)


@given(sides, sides, sides, st.floats(-np.pi, np.pi), st.floats(-np.pi, np.pi))
def test_magnitudes_are_kept_whatever_the_bin(x, p, h, phase, start):
    X = np.array([x * np.exp(1j * phase)])
    S_p, S_h = closed_form(X, np.array([p]), np.array([h]), np.exp(1j * np.array([start])))
    assert np.abs(S_p) == pytest.approx([p], rel=1e-12)
    assert np.abs(S_h) == pytest.approx([h], rel=1e-12)


# --- spectrograms, against the reference loop ---------------------------------------------------


@pytest.mark.parametrize("name", SETTINGS)
def test_the_iteration_equals_the_reference(name):
    X, V_p, V_h = song(SETTINGS[name], seconds=0.5)
    V = np.stack([V_p, V_h])
    onsets = np.broadcast_to(PUBLISHED, (2, X.shape[1]))
    expected, expected_errors = reference.pu_iter(X, V, SETTINGS[name], onsets, 50)
    S, errors = pu_iter_errors(X, V, SETTINGS[name])
    assert np.abs(S - expected).max() < 1e-9
    assert errors == pytest.approx(expected_errors, rel=1e-9, abs=1e-12)
    assert np.array_equal(pu_iter(X, V, SETTINGS[name]), S)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_closed_form_equals_the_reference(name):
    X, V_p, V_h = song(SETTINGS[name], seconds=0.5)
    expected = reference.pu(X, V_p, V_h, SETTINGS[name], np.zeros(X.shape[1], bool))
    assert np.abs(np.stack(pu(X, V_p, V_h, SETTINGS[name])) - expected).max() < 1e-9


def test_three_sources_with_onsets_equal_the_reference():
    rng = np.random.default_rng(3)
    T = 40
    signals = rng.standard_normal((3, 64 * (T - 1))) * rng.rayleigh(1, (3, 1))
    sources = np.stack([stft(x, SMALL) for x in signals])
    onsets = rng.random((3, T)) < 0.2
    onsets[:, 7] = True  # nothing is propagated here: the frame keeps the mixture's phase
    X, V = sources.sum(axis=0), np.abs(sources)
    expected, _ = reference.pu_iter(X, V, SMALL, onsets, 20)
    S = pu_iter(X, V, SMALL, iterations=20, onsets=onsets)
    assert np.abs(S - expected).max() < 1e-9
    assert S[:, :, 7] == pytest.approx(V[:, :, 7] * np.exp(1j * np.angle(X[:, 7])))
    assert pu_iter(X, V, SMALL, iterations=20) != pytest.approx(S)


def test_bins_that_were_silent_start_from_the_mixture():
    # Rounding apart, such a bin stays on the mixture's line; what rounding would do is left out.
    rng = np.random.default_rng(4)
    sources = np.stack([stft(x, SMALL) for x in rng.standard_normal((2, 2000))])
    X, V = sources.sum(axis=0), np.abs(sources)
    V[1][rng.random(X.shape) < 0.3] = 0
    V[0][rng.random(X.shape) < 0.1] = 0
    onsets = np.broadcast_to(PUBLISHED, (2, X.shape[1]))
    expected, _ = reference.pu_iter(X, V, SMALL, onsets, 20)
    assert np.abs(pu_iter(X, V, SMALL, iterations=20) - expected).max() < 1e-9
    expected = reference.pu(X, V[0], V[1], SMALL, np.zeros(X.shape[1], bool))
    assert np.abs(np.stack(pu(X, V[0], V[1], SMALL)) - expected).max() < 1e-9
    after = np.flatnonzero(V[1][5, :-1] == 0)[0] + 1
    S_h = pu(X, V[0], V[1], SMALL)[1]
    assert np.angle(S_h[5, after]) == pytest.approx(np.angle(X[5, after]))


def test_onset_frames_of_the_closed_form_take_the_phase_of_the_mixture():
    X, V_p, V_h = song(SMALL, seconds=0.2)
    onsets = np.zeros(X.shape[1], bool)
    onsets[20] = True
    S_p, S_h = pu(X, V_p, V_h, SMALL, onsets=onsets)
    plain = pu(X, V_p, V_h, SMALL)
    assert np.array_equal(S_h[:, :20], plain[1][:, :20])
    u = X[:, 20] / np.abs(X[:, 20])
    assert S_p[:, 20] == pytest.approx(V_p[:, 20] * u) and S_h[:, 20] == pytest.approx(
        V_h[:, 20] * u
    )
    expected = reference.pu(X, V_p, V_h, SMALL, onsets)
    assert np.abs(np.stack([S_p, S_h]) - expected).max() < 1e-9


def test_more_iterations_come_nearer_to_the_closed_form():
    X, V_p, V_h = song(SETTINGS["compact"])
    exact = np.stack(pu(X, V_p, V_h, SETTINGS["compact"]))
    distance = [
        np.abs(pu_iter(X, (V_p, V_h), SETTINGS["compact"], iterations=n) - exact).mean()
        for n in (5, 50, 500)
    ]
    assert distance[0] > distance[1] > distance[2]


def test_true_magnitudes_bring_the_sources_nearer_than_the_phase_of_the_mixture():
    settings = SETTINGS["compact"]
    x_p, x_h = (x[:132300].astype(float) for x in load_excerpt("rock"))
    S_p, S_h = stft(x_p, settings), stft(x_h, settings)
    X = S_p + S_h
    of_mixture = np.abs(S_h) * X / np.maximum(np.abs(X), 1e-12)
    estimate = pu(X, np.abs(S_p), np.abs(S_h), settings)[1]
    assert np.sum(np.abs(estimate - S_h) ** 2) < 0.8 * np.sum(np.abs(of_mixture - S_h) ** 2)


def test_the_errors_fall_with_every_iteration():
    X, V_p, V_h = song(SETTINGS["compact"])
    S, errors = pu_iter_errors(X, (V_p, V_h), SETTINGS["compact"], iterations=20)
    assert errors.shape == (21, X.shape[1])
    assert (np.diff(errors[:, 1:], axis=0) <= 1e-12).all()
    assert errors[-1] == pytest.approx(np.sum(np.abs(mixing_error(X, S)) ** 2, axis=0))
    assert (errors[:, 0] == errors[0, 0]).all()  # the first frame is not iterated


def test_no_iteration_leaves_the_starting_phases():
    X, V_p, V_h = song(SMALL, seconds=0.1)
    S = pu_iter(X, (V_p, V_h), SMALL, iterations=0)
    assert S[0] == pytest.approx(V_p * X / np.abs(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_magnitudes_are_kept(dtype):
    X, V_p, V_h = song(SETTINGS["compact"], dtype=dtype)
    precision = 4 * np.finfo(dtype).eps
    for S in (pu(X, V_p, V_h, SETTINGS["compact"]), pu_iter(X, (V_p, V_h), SETTINGS["compact"])):
        assert S[0].dtype == S[1].dtype == X.dtype
        assert (np.abs(np.abs(S[0]) - V_p) <= precision * V_p).all()
        assert (np.abs(np.abs(S[1]) - V_h) <= precision * V_h).all()


def test_single_precision_differs_by_its_rounding_and_a_few_sides():
    # complex64 is what comes in and goes out; the arithmetic is in double. Rounding the stored
    # sources decides a few bins the other way where the start lies (almost) on the line.
    settings = SETTINGS["compact"]
    X, V_p, V_h = song(settings, seconds=3.0)
    double = pu(X, V_p, V_h, settings)
    single = pu(
        X.astype(np.complex64), V_p.astype(np.float32), V_h.astype(np.float32), settings
    )  # fmt: skip
    for a, b in zip(double, single, strict=True):
        difference = np.abs(a - b) / np.abs(a).max()
        assert np.quantile(difference, 0.999) < 1e-6
        assert np.sum(np.abs(a - b) ** 2) < 1e-6 * np.sum(np.abs(a) ** 2)


def test_blocks_with_the_frame_before_equal_the_whole():
    X, V_p, V_h = song(SMALL, seconds=0.3)
    whole_p, whole_h = pu(X, V_p, V_h, SMALL)
    whole = pu_iter(X, (V_p, V_h), SMALL)
    first, second = slice(0, 50), slice(50, None)
    S_h = pu(X[:, first], V_p[:, first], V_h[:, first], SMALL)[1]
    rest = pu(X[:, second], V_p[:, second], V_h[:, second], SMALL, previous=S_h[:, -1])
    assert np.array_equal(rest[0], whole_p[:, second])
    assert np.array_equal(rest[1], whole_h[:, second])
    S = pu_iter(X[:, first], (V_p[:, first], V_h[:, first]), SMALL)
    rest = pu_iter(
        X[:, second], (V_p[:, second], V_h[:, second]), SMALL, previous=S[:, :, -1]
    )  # fmt: skip
    assert np.array_equal(rest, whole[:, :, second])
    rest = pu_iter_errors(
        X[:, second], (V_p[:, second], V_h[:, second]), SMALL, previous=S[:, :, -1]
    )[0]  # fmt: skip
    assert np.array_equal(rest, whole[:, :, second])


def test_silence_stays_silent():
    X = np.zeros((SMALL.bins, 5), np.complex64)
    V = np.zeros((2, SMALL.bins, 5), np.float32)
    assert not np.any(pu(X, V[0], V[1], SMALL)) and not np.any(pu_iter(X, V, SMALL))
    V[:, 3] = 1  # magnitudes without a mixture
    assert np.isfinite(pu(X, V[0], V[1], SMALL)).all() and np.isfinite(pu_iter(X, V, SMALL)).all()


def test_one_source_takes_the_phase_of_the_mixture():
    X, _, _ = song(SMALL, seconds=0.1)
    onsets = np.zeros((1, X.shape[1]), bool)
    assert pu_iter(X, [np.abs(X)], SMALL, onsets=onsets)[0] == pytest.approx(X)


def test_inputs_are_not_changed():
    X, V_p, V_h = song(SMALL, seconds=0.1)
    copies = [A.copy() for A in (X, V_p, V_h)]
    pu(X, V_p, V_h, SMALL)
    pu_iter(X, (V_p, V_h), SMALL)
    assert all(np.array_equal(A, B) for A, B in zip((X, V_p, V_h), copies, strict=True))


def test_bad_input_is_refused_in_words():
    X, V_p, V_h = song(SMALL, seconds=0.1)
    with pytest.raises(TypeError, match="complex"):
        pu(np.abs(X), V_p, V_h, SMALL)
    with pytest.raises(ValueError, match="129"):
        pu(X[:-1], V_p[:-1], V_h[:-1], SMALL)
    with pytest.raises(ValueError, match="T >= 1"):
        pu(X[:, :0], V_p[:, :0], V_h[:, :0], SMALL)
    with pytest.raises(ValueError, match="magnitudes 1 have shape"):
        pu(X, V_p, V_h[:, :-1], SMALL)
    with pytest.raises(ValueError, match="magnitudes 0 hold"):
        pu(X, -V_p, V_h, SMALL)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="magnitudes 1 hold"):
            pu_iter(X, (V_p, np.where(V_h == V_h[3, 3], bad, V_h)), SMALL)
        with pytest.raises(ValueError, match="X holds"):
            pu_iter(np.where(X == X[3, 3], bad, X), (V_p, V_h), SMALL)
    with pytest.raises(ValueError, match="iterations is -1"):
        pu_iter(X, (V_p, V_h), SMALL, iterations=-1)
    with pytest.raises(ValueError, match="no source"):
        pu_iter(X, (), SMALL)
    with pytest.raises(ValueError, match="onsets"):
        pu_iter(X, (V_p, V_h), SMALL, onsets=np.zeros(X.shape[1], bool))
    with pytest.raises(ValueError, match="previous"):
        pu(X, V_p, V_h, SMALL, previous=np.zeros(3))


# --- compilation --------------------------------------------------------------------------------

SECOND_PROCESS = """
import sys
import numpy as np
from hpss_lib.puiter import pu, pu_iter
from hpss_lib.stft import StftSettings
assert "numba" not in sys.modules
settings = StftSettings(n_fft=256, window_length=256, hop=64, window="hann")
X, V = np.ones((129, 3), complex), np.ones((2, 129, 3))
pu(X, V[0], V[1], settings)
pu_iter(X, V, settings)
from hpss_lib.compiled import puiter as loops
misses = [sum(k.stats.cache_misses.values()) for k in (loops.closed_form, loops.iterate)]
assert misses == [0, 0], misses
"""


def test_a_second_process_compiles_nothing_and_importing_loads_no_numba():
    X, V = np.ones((129, 3), complex), np.ones((2, 129, 3))
    pu(X, V[0], V[1], SMALL)
    pu_iter(X, V, SMALL)
    subprocess.run([sys.executable, "-c", SECOND_PROCESS], check=True)
