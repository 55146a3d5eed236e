"""stft.py against scipy and torch, and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpss_lib.stft import (
    COMPACT,
    SETTINGS,
    StftSettings,
    analysis_window,
    find_settings,
    istft,
    overlap_add,
    overlapped_window,
    stft,
    stft_frames,
)

SETTING_NAMES = tuple(SETTINGS)
TYPES = (np.float32, np.float64)


def noise(n, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, n).astype(dtype)


def lengths(s):
    odd_ones = (1, 2, 3, s.hop - 1, s.hop, s.hop + 1, 2 * s.hop - 1, s.n_fft // 2 - 1, s.n_fft // 2)
    return (*odd_ones, s.window_length - 1, s.window_length, s.n_fft, s.n_fft + 1, 10007)


@pytest.mark.parametrize("name", SETTING_NAMES)
@pytest.mark.parametrize("dtype", TYPES)
def test_perfect_reconstruction_at_every_kind_of_length(name, dtype):
    s = SETTINGS[name]
    for n in lengths(s):
        x = noise(n, dtype, seed=n)
        X = stft(x, s)
        assert X.shape == (s.bins, 1 + n // s.hop)
        y = istft(X, s, n)
        assert y.dtype == dtype and y.shape == x.shape
        np.testing.assert_allclose(y, x, atol=1e-6, err_msg=f"{n} samples")


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 9000),
    name=st.sampled_from(SETTING_NAMES),
    dtype=st.sampled_from(TYPES),
    seed=st.integers(0, 2**32 - 1),
    level=st.sampled_from((1e-6, 1.0, 1e4)),
)
def test_perfect_reconstruction_anywhere(n, name, dtype, seed, level):
    x = (level * noise(n, dtype, seed)).astype(dtype)
    before = x.copy()
    X = stft(x, SETTINGS[name])
    X_before = X.copy()
    y = istft(X, SETTINGS[name], n)
    np.testing.assert_allclose(y, x, atol=1e-6 * level)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(X, X_before)


@pytest.mark.parametrize("name", SETTING_NAMES)
@pytest.mark.parametrize("dtype", TYPES)
def test_equals_torch(name, dtype):
    torch = pytest.importorskip("torch")
    s = SETTINGS[name]
    window = {
        "hamming": lambda n: torch.hamming_window(n, periodic=False, dtype=torch.float64),
        "hann": lambda n: torch.hann_window(n, periodic=True, dtype=torch.float64),
    }[s.window](s.window_length)
    for n in lengths(s):
        x = torch.from_numpy(noise(n, dtype))
        theirs = torch.stft(
            x,
            n_fft=s.n_fft,
            hop_length=s.hop,
            win_length=s.window_length,
            window=window.to(x.dtype),
            center=True,
            pad_mode="constant",
            normalized=True,
            return_complex=True,
        ).numpy()
        ours = stft(x.numpy(), s)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_equals_scipy(name):
    from scipy.signal import ShortTimeFFT, get_window

    s = SETTINGS[name]
    w = get_window(s.window, s.window_length, fftbins=s.window == "hann")
    left = (s.n_fft - s.window_length) // 2
    w = np.pad(w, (left, s.n_fft - s.window_length - left))
    theirs = ShortTimeFFT(w / np.sqrt(s.n_fft), s.hop, fs=1, fft_mode="onesided", phase_shift=None)
    for n in lengths(s):
        x = noise(n)
        longer = np.pad(x, (0, s.n_fft))  # scipy wants half a window at least
        S = theirs.stft(longer, p0=0, p1=1 + n // s.hop)
        np.testing.assert_allclose(stft(x, s), S, atol=1e-12)


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_equals_the_definition(name):
    s, n = SETTINGS[name], 3000
    x, w = noise(n), analysis_window(SETTINGS[name])
    X = stft(x, s)
    for f, t in ((0, 0), (1, 1), (100, 2), (s.bins - 1, X.shape[1] - 1)):
        total = 0j
        for m in range(s.n_fft):
            i = t * s.hop - s.n_fft // 2 + m
            if 0 <= i < n:
                total += x[i] * w[m] * np.exp(-2j * np.pi * f * m / s.n_fft)
        assert abs(X[f, t] - total) < 1e-12


def test_windows_are_scipys():
    from scipy.signal.windows import hamming, hann

    np.testing.assert_allclose(
        analysis_window(SETTINGS["1"]) * 64, np.pad(hamming(2049), (1023, 1024)), atol=1e-15
    )
    np.testing.assert_allclose(
        analysis_window(COMPACT) * np.sqrt(2048), hann(2048, sym=False), atol=1e-15
    )


@pytest.mark.parametrize(("name", "early"), [("1", 1.0), ("2", 0.5), ("compact", 0.0)])
def test_frames_are_centred_to_a_sample(name, early):
    w = analysis_window(SETTINGS[name])
    middle = np.sum(np.arange(len(w)) * w) / np.sum(w)
    assert abs(middle - (len(w) / 2 - early)) < 1e-9


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_inverse_is_the_least_squares_one(name):
    """No other signal's spectrogram lies nearer to one that no signal has."""
    s, n = SETTINGS[name], 3000
    rng = np.random.default_rng(1)
    shape = (s.bins, s.frames(n))
    Y = rng.normal(size=shape) + 1j * rng.normal(size=shape)

    def distance(x):  # over the two-sided spectrum: all bins but the outer two count twice
        D = np.abs(Y - stft(x, s)) ** 2
        return 2 * D.sum() - D[0].sum() - D[-1].sum()

    Y[[0, -1]] = Y[[0, -1]].real  # a real signal's are real
    x = istft(Y, s, n)
    best = distance(x)
    for seed in range(5):
        assert distance(x + 1e-3 * noise(n, seed=seed)) > best


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_frames_by_parts_are_the_frames(name):
    s, n = SETTINGS[name], 20011
    x = noise(n)
    X = stft(x, s)
    T = X.shape[1]
    y = np.zeros(n)
    for first, last in ((0, 1), (1, 4), (4, T - 1), (T - 1, T)):
        part = stft_frames(x, s, first, last)
        np.testing.assert_allclose(part, X[:, first:last], atol=1e-12)
        overlap_add(y, part, s, first)
    np.testing.assert_allclose(y / overlapped_window(s, n), x, atol=1e-12)


def test_linear_and_silent():
    x, y = noise(5000, seed=1), noise(5000, seed=2)
    np.testing.assert_allclose(
        stft(2 * x - y, COMPACT), 2 * stft(x, COMPACT) - stft(y, COMPACT), atol=1e-12
    )
    assert not stft(np.zeros(5000), COMPACT).any()
    assert not istft(stft(np.zeros(5000), COMPACT), COMPACT, 5000).any()


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.zeros(0), ValueError, "empty"),
        (np.zeros((2, 100)), ValueError, "mono"),
        (np.array([0.0, np.nan]), ValueError, "1 NaN"),
        (np.array([0.0, np.inf, -np.inf], np.float32), ValueError, "2 NaN"),
        (np.zeros(10, np.int16), TypeError, "int16"),
        (np.zeros(10, complex), TypeError, "complex"),
    ],
)
def test_signals_that_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        stft(x, COMPACT)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"n_fft": 2047}, ValueError),
        ({"n_fft": 0}, ValueError),
        ({"window_length": 1}, ValueError),
        ({"window_length": 4096}, ValueError),
        ({"hop": 0}, ValueError),
        ({"hop": 512.5}, TypeError),
        ({"window": "square"}, ValueError),
    ],
)
def test_settings_that_are_refused(changes, error):
    good = {"n_fft": 2048, "window_length": 2048, "hop": 512, "window": "hann"}
    with pytest.raises(error, match=next(iter(changes))):
        StftSettings(**(good | changes))


def test_spectrograms_that_are_refused():
    X = stft(noise(5000), COMPACT)
    with pytest.raises(ValueError, match="shape"):
        istft(X, COMPACT, 6000)
    with pytest.raises(ValueError, match="shape"):
        istft(X[:-1], COMPACT, 5000)
    with pytest.raises(ValueError, match="length"):
        istft(X, COMPACT, 0)


def test_hop_too_large_to_invert_is_said():
    s = StftSettings(n_fft=1024, window_length=512, hop=600, window="hamming")
    X = stft(noise(5000), s)
    with pytest.raises(ValueError, match="hop 600 is too large"):
        istft(X, s, 5000)


def test_a_hop_of_one_sample_is_the_smallest():
    assert StftSettings(n_fft=4, window_length=4, hop=1, window="hann").hop == 1


def test_a_setting_is_a_name_or_itself():
    assert find_settings("compact") is COMPACT and find_settings(COMPACT) is COMPACT
    with pytest.raises(ValueError, match=r"^there is no setting '3'; accepted are 1, 2, compact$"):
        find_settings("3")
