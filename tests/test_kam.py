"""Kernel additive modelling: kernels, the median, backfitting, and what goes in and comes out."""

import math

import numpy as np
import pytest
import released_kam
from numpy.lib.stride_tricks import sliding_window_view

from hpss_lib import kam
from hpss_lib.separation import separate
from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTING_1, SETTING_2, StftSettings

SMALL = StftSettings(n_fft=512, window_length=512, hop=256, window="hann")


def brute_median(Z, bins, frames):
    """The definition: mirror, look at every window, take numpy's median."""
    before = bins // 2, frames // 2
    pads = [(before[0], bins - 1 - before[0]), (before[1], frames - 1 - before[1])]
    windows = sliding_window_view(np.pad(Z, pads, mode="symmetric"), (bins, frames))
    return np.median(windows, axis=(2, 3))


def brute_kam(V, settings, iterations=kam.ITERATIONS):
    """The algorithm as published, in double precision, with nothing clever."""
    P = [V**2 / 2, V**2 / 2]
    for _ in range(iterations):
        Z = [(P_j / (P[0] + P[1]) * V) ** 2 for P_j in P]
        for j, kernels in enumerate((kam.PERCUSSIVE_KERNELS, kam.HARMONIC_KERNELS)):
            first = 0
            for end, kernel in zip(kam.BAND_ENDS, kernels, strict=True):
                last = max(f for f in range(len(V)) if f * 44100 / settings.n_fft <= end) + 1
                size = kam.kernel_size(*kernel, settings)
                P[j][first:last] = brute_median(Z[j][first:last], *size)
                first = last
            assert first == len(V)
    return P[0] / (P[0] + P[1])


def sizes(kernels, settings):
    return [kam.kernel_size(*kernel, settings) for kernel in kernels]


def test_kernels_in_the_papers_settings():
    assert sizes(kam.HARMONIC_KERNELS, SETTING_1) == [(1, 11), (1, 11), (1, 11), (1, 46)]
    assert sizes(kam.PERCUSSIVE_KERNELS, SETTING_1) == [(3, 2), (14, 1), (19, 1), (46, 11)]
    assert sizes(kam.HARMONIC_KERNELS, SETTING_2) == [(1, 4), (1, 4), (1, 4), (1, 17)]
    assert sizes(kam.PERCUSSIVE_KERNELS, SETTING_2) == [(3, 1), (14, 1), (19, 1), (46, 4)]


@pytest.mark.parametrize("settings", [SETTING_1, SETTING_2, COMPACT, SMALL])
def test_bands_cover_all_bins_once(settings):
    bins = np.concatenate([np.arange(settings.bins)[band] for band in kam.bands(settings)])
    assert (bins == np.arange(settings.bins)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bins", [1, 2, 3, 8, 19])
@pytest.mark.parametrize("frames", [1, 2, 3, 7, 12])
def test_median_by_brute_force(bins, frames, dtype):
    rng = np.random.default_rng(bins * 100 + frames)
    for Z in (rng.random((40, 23)), rng.integers(0, 4, (40, 23)), np.zeros((3, 2))):  # also ties
        Z = Z.astype(dtype)
        found = kam.kernel_median(Z, bins, frames)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, brute_median(Z, bins, frames), rtol=1e-6, atol=0)


def test_even_kernels_reach_back_and_average_the_middle_two():
    Z = np.array([[1.0, 10.0, 4.0]])
    assert kam.kernel_median(Z, 1, 2).tolist() == [[1.0, 5.5, 7.0]]
    assert kam.kernel_median(Z.T, 2, 1).tolist() == [[1.0], [5.5], [7.0]]


@pytest.mark.parametrize(("bins", "frames"), [(1, 2), (2, 1), (4, 3), (6, 8), (3, 5)])
def test_the_lower_middle_value_reaching_forward(bins, frames):
    Z = np.random.default_rng(5).random((30, 20))
    pads = [((bins - 1) // 2, bins // 2), ((frames - 1) // 2, frames // 2)]
    windows = sliding_window_view(np.pad(Z, pads, mode="symmetric"), (bins, frames))
    values = np.sort(windows.reshape(*Z.shape, -1), axis=-1)
    expected = values[..., (bins * frames - 1) // 2]
    assert np.array_equal(kam.kernel_median(Z, bins, frames, lower=True), expected)


def test_median_of_a_kernel_larger_than_the_spectrogram():
    Z = np.random.default_rng(0).random((3, 4))
    np.testing.assert_allclose(kam.kernel_median(Z, 19, 46), brute_median(Z, 19, 46))


def test_masks_equal_the_algorithm_written_out():
    V = np.random.default_rng(1).random((SMALL.bins, 50)) ** 4
    M_p, M_h = kam.kam_hpss(V, SMALL)
    np.testing.assert_allclose(M_p, brute_kam(V, SMALL), atol=1e-9)
    np.testing.assert_allclose(M_p + M_h, 1)


def test_iterations_are_backfitting_steps():
    V = np.random.default_rng(2).random((SMALL.bins, 30))
    P_p = P_h = V**2 / 2
    for _ in range(2):
        P_p, P_h = kam.backfit(V, P_p, P_h, SMALL)
    M_p, _ = kam.kam_hpss(V, SMALL, iterations=2)
    np.testing.assert_allclose(M_p, P_p / (P_p + P_h))
    assert (kam.kam_hpss(V, SMALL, iterations=0)[0] == 0.5).all()


def test_kernels_of_no_width_leave_the_harmonic_source_as_it_is():
    """The released baseline's slip: with a hop in samples, every width comes out as one frame."""
    flat = [(hertz, 0.0) for hertz, _ in kam.HARMONIC_KERNELS]
    assert sizes(flat, SETTING_1) == [(1, 1)] * 4
    Z = np.random.default_rng(3).random((SETTING_1.bins, 5))
    assert (kam.backfit_source(Z, flat, SETTING_1) == Z).all()


def tone_and_clicks(seconds=1.0):
    n = int(seconds * 44100)
    x_h = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n) / 44100)
    x_p = np.zeros(n)
    x_p[5000::9000] = 1.0
    return x_p.astype(np.float32), x_h.astype(np.float32)


@pytest.mark.parametrize("setting", ["1", "2"])
def test_separates_clicks_from_a_tone(setting):
    x_p, x_h = tone_and_clicks()
    s_p, s_h = separate(x_p + x_h, SAMPLE_RATE, method="kam", setting=setting)
    np.testing.assert_allclose(s_p + s_h, x_p + x_h, atol=1e-6)
    # Far better than leaving everything in one of them, which has an error of the other's power.
    assert np.square(s_p - x_p).sum() < 0.05 * np.square(x_h).sum()
    assert np.square(s_h - x_h).sum() < 0.5 * np.square(x_p).sum()


def test_blocks_change_nothing():
    x = np.random.default_rng(4).standard_normal(150_000).astype(np.float32)
    whole, _ = separate(x, SAMPLE_RATE, method="kam", setting=SMALL, block=10**6)
    cut, _ = separate(x, SAMPLE_RATE, method="kam", setting=SMALL, block=100)
    assert kam.context_frames(SETTING_1) == 6 * 23
    assert kam.context_frames(SMALL) < 586 // 2  # so that there is something to cut
    np.testing.assert_array_equal(cut, whole)


def test_the_context_is_needed():
    """With half of it, the frames beside a cut come out differently."""
    V = np.random.default_rng(5).random((SMALL.bins, 1200)).astype(np.float32)
    context = kam.context_frames(SMALL)
    whole = kam.kam_hpss(V, SMALL)[0][:, 600:]
    assert (kam.kam_hpss(V[:, 600 - context :], SMALL)[0][:, context:] == whole).all()
    half = context // 4
    assert not (kam.kam_hpss(V[:, 600 - half :], SMALL)[0][:, half:] == whole).all()


def test_silence_one_frame_and_loudness():
    M_p, M_h = kam.kam_hpss(np.zeros((SMALL.bins, 9), np.float32), SMALL)
    assert (M_p == 0.5).all() and (M_h == 0.5).all()
    V = np.random.default_rng(6).random((SMALL.bins, 1)).astype(np.float32)
    M_p, M_h = kam.kam_hpss(V, SMALL)
    assert M_p.dtype == np.float32 and ((M_p >= 0) & (M_p <= 1)).all()
    np.testing.assert_allclose(kam.kam_hpss(1e-3 * V, SMALL)[0], M_p, atol=1e-4)


def test_inputs_stay_unchanged():
    rng = np.random.default_rng(7)
    V, P_p, P_h = (rng.random((SMALL.bins, 20)) for _ in range(3))
    copies = V.copy(), P_p.copy(), P_h.copy()
    kam.kam_hpss(V, SMALL)
    kam.backfit(V, P_p, P_h, SMALL)
    kam.kernel_median(V, 3, 5)
    kam.backfit_source(V, kam.HARMONIC_KERNELS, SMALL)
    for now, before in zip((V, P_p, P_h), copies, strict=True):
        np.testing.assert_array_equal(now, before)


def test_errors_say_what_is_accepted():
    V = np.ones((SMALL.bins, 4))
    for bad in (-V, V * np.nan, V[0]):
        with pytest.raises(ValueError):
            kam.kam_hpss(bad, SMALL)
    with pytest.raises(ValueError, match="257"):
        kam.kam_hpss(V[1:], SMALL)
    with pytest.raises(ValueError, match="iterations"):
        kam.kam_hpss(V, SMALL, iterations=-1)
    with pytest.raises(ValueError, match="kernel"):
        kam.kernel_size(-1.0, 0.1, SMALL)
    for size in ((math.inf, 0.1), (100.0, math.inf)):
        with pytest.raises(ValueError, match="kernel"):
            kam.kernel_size(*size, SMALL)
    with pytest.raises(ValueError, match="kernel"):
        kam.kernel_median(V, 0, 3)


def test_the_released_rule():
    ours, theirs = kam.bands(SETTING_1), released_kam.released_bands(SETTING_1)
    assert [a.stop - b.stop for a, b in zip(ours, theirs, strict=True)] == [1, 1, 1, 0]
    assert theirs[0].start == 0 and theirs[-1].stop == SETTING_1.bins
    V = np.zeros((SETTING_2.bins, 40))
    V[300] = 1.0  # a tone
    V[:, 20] = 1.0  # a click
    M = released_kam.released_mask(V, SETTING_2)
    assert M[300, 5] < 0.01 and M[600, 20] > 0.99
    assert np.all(M[V == 0] == 0.5)  # nothing there: the floor shares it equally
