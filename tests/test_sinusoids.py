import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpss_lib.sinusoids import (
    frequency_errors,
    instantaneous_frequency,
    interpolate_peaks,
    pick_peaks,
    propagate,
    region_borders,
)
from hpss_lib.stft import SAMPLE_RATE, SETTINGS, stft

every_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())


def main_lobe(settings):
    """The width of the window's main lobe in bins, between its first zeros."""
    return 4 * settings.n_fft / settings.window_length


def tone(settings, bin, phase=0.0, *, frames=9, amplitude=1.0):
    n = np.arange(frames * settings.n_fft)
    return amplitude * np.cos(2 * np.pi * bin / settings.n_fft * n + phase)


def middle_frame(x, settings):
    X = stft(x, settings)
    return X[:, X.shape[1] // 2]


def frequency_at(v, bin):
    return instantaneous_frequency(v)[round(bin)]


# --- peaks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("v", "peaks"),
    [
        ([0, 1, 0, 2, 0], [1, 3]),
        ([3, 1, 2, 1, 3], [2]),  # the ends of a frame have one neighbour: no peaks
        ([0, 1, 1, 0], [1]),  # a plateau counts once, at its middle
        ([0, 1, 1, 1, 0], [2]),
        ([0, 1, 1, 2, 0], [3]),  # a step on the way up is no plateau
        ([0, 2, 1, 1, 0], [1]),
        ([1, 1, 0, 0], []),  # plateaus at the ends
        ([0, 0, 1, 1], []),
        ([0, 0, 0], []),
        ([1, 1, 1, 1], []),
        ([0, 100, 0, 1, 0, 1.01, 0], [1, 5]),  # above 1 % of the maximum, not at it
        ([100, 0, 1, 0, 2, 0], [4]),  # the maximum itself need not be a peak
    ],
)
def test_peaks_by_hand(v, peaks):
    assert pick_peaks(np.array(v, float)).tolist() == peaks


def test_a_lower_threshold_finds_lower_peaks():
    v = np.array([0, 100, 0, 0.5, 0])
    assert pick_peaks(v).tolist() == [1]
    assert pick_peaks(v, threshold=0.001).tolist() == [1, 3]


@given(st.lists(st.integers(0, 6), min_size=3, max_size=40))
def test_peaks_are_what_a_plain_search_finds(values):
    v = np.array(values, float)
    found = []
    for k in range(1, len(v) - 1):
        left, right = k, k
        while left > 0 and v[left] == v[k]:
            left -= 1
        while right < len(v) - 1 and v[right] == v[k]:
            right += 1
        is_middle = k == (left + 1 + right - 1) // 2
        if v[left] < v[k] > v[right] and is_middle and v[k] > 0.01 * v.max():
            found.append(k)
    assert pick_peaks(v).tolist() == found


def test_interpolation_finds_the_top_of_a_parabola():
    bins = np.arange(9)
    for top in (3.6, 4.0, 4.3):
        v = np.exp(-0.2 * (bins - top) ** 2)
        assert interpolate_peaks(v, pick_peaks(v)) == pytest.approx([top])


def test_interpolation_stays_within_half_a_bin_whatever_the_neighbours():
    for v in ([0, 1, 0], [0, 1, 0.999], [1e-300, 1, 0.5], [0, 1e-308, 0], [0.5, 1, 0]):
        v = np.array(v)
        assert abs(interpolate_peaks(v, np.array([1]))[0] - 1) <= 0.5
    assert interpolate_peaks(np.array([0, 1, 1, 0.0]), np.array([1])) == [1.5]
    assert interpolate_peaks(np.array([0, 1, 1, 1, 0.0]), np.array([2])) == [2]


def test_regions_of_influence_by_hand():
    v = np.zeros(40)
    v[[4, 10, 31]] = 1, 2, 1
    peaks = pick_peaks(v)
    # (2 * 4 + 1 * 10) / 3 = 6;  (1 * 10 + 2 * 31) / 3 = 24
    assert region_borders(v, peaks).tolist() == [6, 24]
    f = instantaneous_frequency(v)
    assert set(f[:7]) == {4.0} and set(f[7:25]) == {10.0} and set(f[25:]) == {31.0}


def test_a_stronger_peak_rules_a_wider_region():
    v = np.zeros(101)
    v[[20, 80]] = 1, 1
    even = region_borders(v, pick_peaks(v))[0]
    v[20] = 5
    assert region_borders(v, pick_peaks(v))[0] > even == 50


def test_one_peak_rules_the_whole_frame():
    v = np.array([0, 0, 1, 0, 0, 0.0])
    assert instantaneous_frequency(v).tolist() == [2] * 6


@pytest.mark.parametrize("v", [np.zeros(9), np.ones(9), np.arange(9.0)])
def test_without_a_peak_each_bin_has_its_own_frequency(v):
    assert instantaneous_frequency(v).tolist() == list(range(9))


@given(st.lists(st.sampled_from([0, 1e-308, 1e-30, 0.5, 1, 1e30]), min_size=3, max_size=60))
def test_frequencies_are_finite_whatever_the_frame(values):
    f = instantaneous_frequency(np.array(values))
    assert np.isfinite(f).all() and (np.diff(f) >= 0).all()


@pytest.mark.parametrize(
    "v", [[1, 2], [[1, 2, 1]], [1, np.nan, 1], [1, -2, 1], [1, np.inf, 0]]
)  # fmt: skip
def test_what_is_no_frame_of_magnitudes_is_refused(v):
    said = (
        r"^v has shape \(.*\); one frame \(F,\) with F >= 3 is accepted$"
        r"|^v holds negative, infinite or NaN values; magnitudes are accepted$"
    )
    with pytest.raises(ValueError, match=said):
        pick_peaks(np.array(v, float))


def test_whole_numbers_of_few_bits_are_magnitudes_too():
    v = np.array([0, 200, 0, 0, 0, 0, 0, 100, 0], np.uint8)  # together more than 255
    borders = region_borders(v, pick_peaks(v))
    assert borders.tolist() == [5] and borders.dtype.kind == "i"
    np.testing.assert_array_equal(instantaneous_frequency(v), instantaneous_frequency(v / 1.0))


def test_a_plateau_is_its_own_top_without_a_warning():
    with np.errstate(all="raise"):
        assert interpolate_peaks(np.array([1.0, 1, 1, 1]), np.array([1])).tolist() == [1]


def test_the_threshold_goes_through_to_the_peaks():
    v = np.array([0, 1000, 0, 0, 0, 1, 0.0])
    assert instantaneous_frequency(v).tolist() == [1] * 7
    assert instantaneous_frequency(v, threshold=1e-4).tolist() == [1] * 5 + [5] * 2


def test_every_frame_has_one_truth():
    with pytest.raises(ValueError, match="shorter"):
        frequency_errors(np.ones((1025, 2)), np.full(1, 1000.0), SETTINGS["compact"])


def test_inputs_are_not_changed():
    v = np.abs(np.sin(np.arange(50.0))).astype(np.float32)
    before = v.copy()
    instantaneous_frequency(v)
    assert np.array_equal(v, before)


# --- accuracy -----------------------------------------------------------------------------------


@every_setting
def test_two_equal_tones_beyond_the_main_lobe_are_found_within_a_twentieth_of_a_bin(settings):
    lobe = main_lobe(settings)
    rng = np.random.default_rng(7)
    errors = []
    for _ in range(60):
        low = rng.uniform(2 * lobe, settings.bins - 5 * lobe)
        high = low + lobe * rng.choice([1.001, 1.1, 1.5, 2.5])
        x = sum(tone(settings, k, rng.uniform(0, 2 * np.pi), frames=3) for k in (low, high))
        v = np.abs(middle_frame(x, settings))
        errors += [frequency_at(v, k) - k for k in (low, high)]
    assert np.abs(errors).max() < 0.05


@every_setting
def test_twenty_equal_tones_are_found_too_nearly_all_within_a_twentieth_of_a_bin(settings):
    # In setting 1 the side lobes of many neighbours together take one tone in a hundred beyond it.
    rng = np.random.default_rng(8)
    errors = []
    for _ in range(20):
        tones = main_lobe(settings) * (2 + np.cumsum(rng.uniform(1, 2, 20)))
        x = sum(tone(settings, k, rng.uniform(0, 2 * np.pi), frames=3) for k in tones)
        v = np.abs(middle_frame(x, settings))
        errors += [abs(frequency_at(v, k) - k) for k in tones]
    assert np.quantile(errors, 0.95) < 0.05 and np.max(errors) < 0.1


@pytest.mark.parametrize(("name", "bias"), [("1", 0.003), ("2", 0.016), ("compact", 0.016)])
def test_the_bias_of_one_tone_is_the_windows(name, bias):
    settings = SETTINGS[name]
    errors = []
    for k in 300 + np.linspace(0, 1, 41):
        v = np.abs(middle_frame(tone(settings, k, 1.0, frames=3), settings))
        errors.append(abs(frequency_at(v, k) - k))
    assert np.max(errors) == pytest.approx(bias, abs=0.001)


@every_setting
def test_frequency_errors_follow_a_tone(settings):
    x = tone(settings, 200.3)
    V = np.abs(stft(x, settings))
    hertz = np.full(V.shape[1], 200.3 * SAMPLE_RATE / settings.n_fft)
    errors = frequency_errors(V, hertz, settings)
    assert np.abs(errors[12:-12]).max() < 0.02


# --- phase --------------------------------------------------------------------------------------


@every_setting
def test_neighbouring_bins_of_one_tone_have_opposite_signs(settings):
    X = middle_frame(tone(settings, 300.4, 0.3), settings)
    half = int(main_lobe(settings) / 2)
    lobe = X[300 - half + 1 : 300 + half]
    # The window's middle is not quite the frame's where a length is odd or a window symmetric.
    assert np.abs(np.angle(-lobe[1:] / lobe[:-1])).max() < 0.01


@every_setting
def test_the_phase_of_a_tone_propagates_in_every_bin_of_its_main_lobe(settings):
    bin = 300.4
    x = tone(settings, bin, 0.3)
    X = stft(x, settings)
    half = int(main_lobe(settings) / 2)
    lobe = slice(300 - half + 1, 300 + half)
    edge = settings.n_fft // settings.hop + 1
    for t in range(edge, X.shape[1] - edge):
        true = propagate(np.angle(X[lobe, t - 1]), np.full(lobe.stop - lobe.start, bin), settings)
        assert np.abs(np.angle(X[lobe, t] * np.exp(-1j * true))).max() < 2e-3
        f = instantaneous_frequency(np.abs(X[:, t]))[lobe]
        found = propagate(np.angle(X[lobe, t - 1]), f, settings)
        # 0.016 bin, the estimate's bias, makes 2 pi hop / n_fft 0.016 rad.
        assert np.abs(np.angle(X[lobe, t] * np.exp(-1j * found))).max() < 0.03


def test_propagation_wraps():
    settings = SETTINGS["2"]  # a quarter of the FFT: one bin turns by a quarter
    assert propagate(3.0, np.array([1.0]), settings) == pytest.approx(3 + np.pi / 2 - 2 * np.pi)
    assert propagate(0.5, np.array([4.0]), settings) == pytest.approx(0.5)
