"""median.py against librosa and brute force, and its laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hpss_lib.median import (
    binary_mask,
    harmonic_enhanced,
    hertz_to_bins,
    masks,
    median_hpss,
    percussive_enhanced,
    residual_mask,
    seconds_to_frames,
    soft_mask,
)
from hpss_lib.stft import COMPACT, SETTING_1, SETTING_2, SETTINGS, stft

# Ties, zeros and tiny values are what a median filter's masks get wrong, so there are many of them.
magnitudes = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 1e-30]), st.floats(0, 1e6, width=32, allow_subnormal=False)
)
spectrograms = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=magnitudes
)
powers = st.one_of(st.sampled_from([1.0, 2.0, math.inf]), st.floats(0.1, 20))
margins = st.one_of(st.just(1.0), st.floats(1, 10))


def spectrogram(shape=(64, 50), seed=0, dtype=np.float32):
    V = np.random.default_rng(seed).gamma(0.3, size=shape).astype(dtype)
    V[:5, :20] = 0  # silence
    return V


def brute_force_median(row, size):
    n, half = len(row), size // 2
    mirrored = [min(i % (2 * n), 2 * n - 1 - i % (2 * n)) for i in range(-half, n + half)]
    return np.array([np.median(row[mirrored[t : t + size]]) for t in range(n)])


@pytest.mark.parametrize("size", [1, 3, 31, 41])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 31, 100])
def test_median_is_the_median(n, size):
    V = np.random.default_rng(n).random((3, n)).astype(np.float32)
    expected = np.stack([brute_force_median(row, size) for row in V])
    np.testing.assert_array_equal(harmonic_enhanced(V, size), expected)
    np.testing.assert_array_equal(percussive_enhanced(V.T, size), expected.T)


@pytest.mark.parametrize("power", [0.5, 1, 2, 5, math.inf])
@pytest.mark.parametrize("margin", [1, 1.5, 3])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 9), (17, 5), (31, 31), (101, 63)])
def test_equals_librosa(power, margin, kernel):
    """Kernel sizes (frames, bins), some larger than the spectrogram."""
    from librosa.decompose import hpss

    frames, bins = kernel
    for dtype in (np.float32, np.float64):
        V = spectrogram(dtype=dtype)
        ours = masks(
            percussive_enhanced(V, bins), harmonic_enhanced(V, frames), power=power, margin=margin
        )
        theirs = hpss(V, kernel_size=kernel, power=power, margin=float(margin), mask=True)
        for M, expected in zip(ours, theirs[::-1], strict=True):
            assert M.dtype == dtype
            np.testing.assert_allclose(M, expected, atol=1e-5)


def test_equals_librosa_on_music():
    """In units of Hz and seconds, on a spectrogram with tones and clicks."""
    from librosa.decompose import hpss

    n = np.arange(44100)
    x = 0.3 * np.sin(0.05 * n) + np.where(n % 11025 < 20, 0.5, 0)
    V = np.abs(stft(x.astype(np.float32), COMPACT))
    H, P = hpss(V, kernel_size=31)
    M_p, M_h = median_hpss(V, COMPACT)
    np.testing.assert_allclose(M_p * V, P, atol=1e-5)
    np.testing.assert_allclose(M_h * V, H, atol=1e-5)


def test_separates_a_tone_from_a_click():
    V = np.zeros((100, 100), np.float32)
    V[40, :] = 1
    V[:, 60] = 1
    M_p, M_h = median_hpss(V, COMPACT)
    assert (M_h[40, :55] == 1).all() and (M_h[40, 65:] == 1).all()
    assert (M_p[:35, 60] == 1).all() and (M_p[45:, 60] == 1).all()
    assert M_p[40, 60] == 0.5


@settings(max_examples=150, deadline=None)
@given(
    spectrograms, st.sampled_from([1, 3, 7, 31]), st.sampled_from([1, 3, 7, 31]), powers, margins
)
def test_masks_and_residual_are_shares(V, frames, bins, power, margin):
    before = V.copy()
    H, P = harmonic_enhanced(V, frames), percussive_enhanced(V, bins)
    M_p, M_h = masks(P, H, power=power, margin=margin)
    M_r = residual_mask(M_p, M_h)
    for M in (M_p, M_h, M_r):
        assert M.shape == V.shape and M.dtype == V.dtype
        assert (M >= 0).all() and (M <= 1).all()
    np.testing.assert_allclose(M_p + M_h + M_r, 1, atol=1e-6)
    if margin == 1 and power < math.inf:
        np.testing.assert_allclose(M_p + M_h, 1, atol=1e-6)
    if margin == 1 and power == math.inf:
        np.testing.assert_array_equal(M_p + M_h, P != H)
    np.testing.assert_array_equal(V, before)


@settings(max_examples=100, deadline=None)
@given(spectrograms, powers, st.floats(1, 10), st.floats(1, 10))
def test_a_larger_margin_claims_less(V, power, low, high):
    H, P = harmonic_enhanced(V, 3), percussive_enhanced(V, 3)
    low, high = sorted((low, high))
    for loose, strict in zip(
        masks(P, H, power=power, margin=low), masks(P, H, power=power, margin=high), strict=True
    ):
        assert (strict <= loose + 1e-6).all()


@settings(max_examples=100, deadline=None)
@given(spectrograms, powers, margins)
def test_percussive_and_harmonic_are_mirror_images(V, power, margin):
    """Swapping the axes of time and frequency swaps the two parts."""
    a = masks(percussive_enhanced(V, 5), harmonic_enhanced(V, 3), power=power, margin=margin)
    b = masks(percussive_enhanced(V.T, 3), harmonic_enhanced(V.T, 5), power=power, margin=margin)
    np.testing.assert_allclose(a[0], b[1].T, atol=1e-6)
    np.testing.assert_allclose(a[1], b[0].T, atol=1e-6)


@pytest.mark.parametrize("level", [1e-20, 1.0, 1e15])
def test_masks_do_not_depend_on_the_level(level):
    V = spectrogram(dtype=np.float64)
    for M, expected in zip(
        median_hpss((level * V).astype(np.float32), COMPACT), median_hpss(V, COMPACT), strict=True
    ):
        np.testing.assert_allclose(M, expected, atol=1e-5)


def test_large_powers_approach_the_binary_masks():
    A, B = spectrogram(seed=1) + 0.1, spectrogram(seed=2) + 0.1
    clear = np.abs(np.log(A / B)) > 0.1
    np.testing.assert_allclose(
        soft_mask(A, B, power=1000)[clear], binary_mask(A, B)[clear], atol=1e-6
    )


def test_silence():
    V = np.zeros((20, 10), np.float32)
    for margin in (1, 2):
        for power in (2, math.inf):
            for M in median_hpss(V, COMPACT, margin=margin, power=power):
                assert not (M * V).any() and np.isfinite(M).all()


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_kernels_are_odd_and_as_long_as_asked(name):
    s = SETTINGS[name]
    for size in range(1, 200):
        frames, bins = (
            seconds_to_frames(size * s.hop / 44100, s),
            hertz_to_bins(size * 44100 / s.n_fft, s),
        )
        for kernel in (frames, bins):
            assert kernel % 2 == 1 and abs(kernel - size) <= 1
            assert kernel == size or size % 2 == 0
    assert seconds_to_frames(1e-9, s) == hertz_to_bins(1e-9, s) == 1


def test_default_kernels():
    """31 by 31 in the compact setting; the same seconds and hertz elsewhere."""
    sizes = [
        (seconds_to_frames(0.36, s), hertz_to_bins(667, s)) for s in (COMPACT, SETTING_1, SETTING_2)
    ]
    assert sizes == [(31, 31), (41, 61), (15, 61)]


def test_refusals():
    V = spectrogram()
    for bad in (-V, np.where(V > 1, np.nan, V), np.where(V > 1, np.inf, V)):
        with pytest.raises(ValueError, match="negative, NaN or infinite"):
            median_hpss(bad, COMPACT)
    for bad in (V[0], V.astype(complex), V.astype(int), V[:, :0]):
        with pytest.raises(
            ValueError, match=r"magnitude spectrogram \(F, T\) of floats is accepted: np.abs\(X\)$"
        ):
            median_hpss(bad, COMPACT)
    for kernel in (0, 2, -1):
        with pytest.raises(ValueError, match="odd"):
            harmonic_enhanced(V, kernel)
        with pytest.raises(ValueError, match="odd"):
            percussive_enhanced(V, kernel)
    for options in ({"power": 0}, {"power": math.nan}, {"margin": 0.9}, {"margin": math.inf}):
        with pytest.raises(ValueError, match=next(iter(options))):
            median_hpss(V, COMPACT, **options)
    for options in (
        {"harmonic_seconds": 0},
        {"percussive_hertz": -5},
        {"percussive_hertz": math.nan},
    ):
        with pytest.raises(ValueError, match=next(iter(options)).split("_")[1]):
            median_hpss(V, COMPACT, **options)


def test_the_masks_are_wiener_filters_unless_asked_otherwise():
    P, H = np.random.default_rng(0).random((2, 5, 7))
    np.testing.assert_array_equal(masks(P, H), masks(P, H, power=2.0, margin=1.0))
    np.testing.assert_allclose(masks(P, H)[0], P**2 / (P**2 + H**2))
