"""Stretching and pitch: laws, and librosa's phase vocoder as another way to the same numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpss_lib import stretching
from hpss_lib.sinusoids import pick_peaks
from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTINGS, istft, stft

FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)
NOISE = np.random.default_rng(0).standard_normal(30_000)


def tone(hertz, n=44_100):
    return np.sin(2 * np.pi * hertz / SAMPLE_RATE * np.arange(n))


def clicks(times, n=2 * SAMPLE_RATE):
    x = np.zeros(n)
    x[[round(t * SAMPLE_RATE) for t in times]] = 1
    return x


def peak(x):
    """The frequency of the loudest tone in Hz, to a hundredth of a bin."""
    v = np.abs(np.fft.rfft(x * np.hanning(len(x)), 8 * len(x)))
    return v.argmax() * SAMPLE_RATE / (8 * len(x))


@pytest.mark.parametrize("name", SETTINGS)
def test_a_factor_of_one_changes_nothing(name):
    assert np.allclose(stretching.stretch_tones(NOISE, 1.0, SETTINGS[name]), NOISE, atol=1e-10)
    assert np.allclose(stretching.stretch_strokes(NOISE, 1.0), NOISE, atol=1e-12)
    assert np.allclose(stretching.shift_pitch(NOISE, 0), NOISE, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 5000),
    factor=st.floats(0.1, 10),
    kind=st.sampled_from([np.float32, np.float64]),
)
def test_length_and_type_are_as_promised(n, factor, kind):
    x = NOISE[:n].astype(kind)
    for y in stretching.stretch(x, x, factor):
        assert y.shape == (max(1, round(n * factor)),) and y.dtype == kind
        assert np.isfinite(y).all()


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("hertz", [110.0, 443.7, 3000.0])
def test_a_tone_keeps_its_pitch_and_its_level(factor, hertz):
    y = stretching.stretch_tones(tone(hertz), factor)
    assert abs(peak(y) - hertz) < 0.5
    middle = y[len(y) // 4 : -len(y) // 4]
    assert -0.3 < 20 * np.log10(np.std(middle) * np.sqrt(2)) < 0.3


def test_locked_phases_keep_the_level_that_drifting_bins_lose():
    x = sum(tone(hertz) for hertz in (110.0, 443.7, 3000.0)) / 3
    X, length = stft(x, COMPACT), round(1.25 * len(x))

    def level(**options):
        Y = stretching.phase_vocoder(X, 1.25, length, COMPACT, **options)
        return 20 * np.log10(np.std(istft(Y, COMPACT, length)[5000:-5000]) / np.std(x))

    assert abs(level()) < 0.2 and level(locked=False) < -0.5


def test_locked_bins_keep_their_phases_to_their_peak():
    rng = np.random.default_rng(3)
    v, phase, measured = rng.random(60), *rng.uniform(-3, 3, (2, 60))
    shift = stretching.lock_phases(phase, measured, v) - measured
    assert len(np.unique(shift.round(9))) == len(pick_peaks(v))
    assert np.allclose(shift[pick_peaks(v)], (phase - measured)[pick_peaks(v)])
    assert np.array_equal(stretching.lock_phases(phase, measured, np.zeros(60)), phase)


def test_overlap_add_breaks_a_tone_that_the_phase_vocoder_keeps():
    def purity(y):
        v = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
        at = round(443.7 * len(y) / SAMPLE_RATE)
        return v[at - 5 : at + 6].sum() / v.sum()

    x = tone(443.7)
    assert purity(stretching.stretch_tones(x, 1.3)[5000:-5000]) > 0.999
    assert purity(stretching.stretch_strokes(x, 1.3)[5000:-5000]) < 0.9


@pytest.mark.parametrize("factor", FACTORS)
def test_clicks_keep_their_number_their_place_and_their_weight(factor):
    times = np.array([0.3, 0.8, 1.1, 1.6])
    y = stretching.stretch_strokes(clicks(times), factor)
    heard = np.flatnonzero(np.abs(y) > 0.01)
    groups = np.split(heard, np.flatnonzero(np.diff(heard) > 2000) + 1)
    assert len(groups) == len(times)
    for group, t in zip(groups, times * factor, strict=True):
        assert np.abs(group - t * SAMPLE_RATE).max() <= stretching.FRAME / 2 * abs(factor - 1) + 1
        assert abs(y[group].sum() - factor) < 0.1 * factor


@pytest.mark.parametrize("factor", FACTORS)
def test_librosas_phase_vocoder_comes_to_the_same(factor):
    librosa = pytest.importorskip("librosa")
    X = stft(NOISE, COMPACT)
    length = round(len(NOISE) * factor)
    ours = stretching.phase_vocoder(X, factor, length, COMPACT, locked=False)
    theirs = librosa.phase_vocoder(X, rate=1 / factor, hop_length=COMPACT.hop)
    both = min(ours.shape[1], theirs.shape[1]) - 1 - int(np.ceil(factor))  # librosa ends in zeros
    assert both > 0.7 * ours.shape[1]
    assert np.allclose(ours[:, :both], theirs[:, :both], atol=1e-6)


@pytest.mark.parametrize("semitones", [-12, -5, 0.5, 7, 12])
def test_a_shift_moves_a_tone_by_its_interval(semitones):
    y = stretching.shift_pitch(tone(443.7), semitones)
    assert len(y) == 44_100
    assert abs(peak(y) / (443.7 * 2 ** (semitones / 12)) - 1) < 1e-3


def test_silence_stays_silence_and_inputs_are_not_changed():
    zeros = np.zeros(3000, np.float32)
    assert not any(y.any() for y in stretching.stretch(zeros, zeros, 1.7))
    x = NOISE.copy()
    stretching.stretch(x, x, 1.3)
    stretching.shift_pitch(x, 3)
    assert np.array_equal(x, NOISE)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_overlap_add_keeps_attacks_that_the_phase_vocoder_smears(factor):
    times = np.array([0.3, 0.8, 1.1, 1.6])
    x = clicks(times) + 0.001 * np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE)
    whole = stretching.attacks(x, times)
    kept = stretching.attacks(stretching.stretch_strokes(x, factor), times * factor)
    smeared = stretching.attacks(stretching.stretch_tones(x, factor), times * factor)
    assert (kept - smeared).min() > 6
    assert np.abs(kept - whole).max() < 7


def test_what_is_measured_of_what_is_known():
    noise = NOISE.copy()
    noise[:15_000] *= 0.1
    times = np.array([15_000 / SAMPLE_RATE, 0.5, 0.0, 1.0])
    rise, none, early, late = stretching.attacks(noise, times)
    assert abs(rise - 20) < 1 and 0 <= none < 2 and np.isnan([early, late]).all()
    assert np.array_equal(stretching.attacks(np.zeros(9000), np.array([0.1])), [0.0])
    x = tone(500.0)
    everywhere = np.ones(COMPACT.frames(len(x)), bool)
    assert stretching.tones_kept(x, x, 1.0, everywhere) > 100
    assert abs(stretching.tones_kept(x, 1.1 * x, 1.0, everywhere) - 20) < 1e-6
    with pytest.raises(ValueError, match="frames"):
        stretching.tones_kept(x, x, 1.0, everywhere[1:])


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.05, 11.0, np.nan, np.inf])
def test_factors_that_are_not_accepted(factor):
    for call in (stretching.stretch_tones, stretching.stretch_strokes):
        with pytest.raises(ValueError, match=r"0\.1 to 10"):
            call(NOISE, factor)


def test_other_unfit_calls():
    with pytest.raises(ValueError, match="-36 to 36"):
        stretching.shift_pitch(NOISE, 40)
    with pytest.raises(ValueError, match="even"):
        stretching.stretch_strokes(NOISE, 1.2, frame=511)
    with pytest.raises(ValueError, match="1025"):
        stretching.phase_vocoder(np.zeros((3, 3), complex), 1.2, 100, COMPACT)
    with pytest.raises(ValueError, match="empty"):
        stretching.stretch_strokes(np.zeros(0), 1.2)
