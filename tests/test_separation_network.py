"""The network in the whole system: its own setting, another one, every phase."""

from functools import partial

import numpy as np
import pytest

from hpss_lib import audio, median, puiter, separation
from hpss_lib.madtwinnet import estimate, load_model
from hpss_lib.separation import PHASES, mad_estimator, mad_setting
from hpss_lib.stft import COMPACT, SETTING_1, SETTINGS, istft, stft

OWN = SETTINGS[mad_setting()]  # the one that the network hears
separate = partial(separation.separate, rate=44100)


@pytest.fixture(scope="module")
def song():
    """(s_p, s_h) of three seconds of the rock excerpt."""
    return tuple(s[44100 : 4 * 44100] for s in audio.load_excerpt("rock"))


@pytest.fixture
def two_estimates(monkeypatch):
    """A method "two" that estimates both magnitudes, which together leave a rest."""

    def prepare(settings):
        def estimate_both(V, before, after):
            inner = slice(before, V.shape[1] - after)
            return tuple(0.8 * (M * V)[:, inner] for M in median.median_hpss(V, settings))

        context = separation.median_estimator(settings).context
        return separation.Estimator(estimate_both, context=context)

    monkeypatch.setitem(separation.METHODS, "two", separation.Method("both", prepare))


def sdr(s, s_hat):
    return 10 * np.log10(np.sum(np.square(s, dtype=float)) / np.sum((s - s_hat.astype(float)) ** 2))


def heard(x):
    """x without what lies below hearing, as the network gets it."""
    return np.concatenate(list(audio.without_rumble([x[:, None]], 44100)))[:, 0]


def test_is_the_steps_of_the_book(song):
    x = sum(song)
    X = stft(heard(x), OWN)
    V_p = estimate(load_model(), np.abs(X))
    expected = istft(V_p * np.exp(1j * np.angle(X)).astype(X.dtype), OWN, len(x))
    s_p, s_h = separate(x)
    np.testing.assert_allclose(s_p, expected, atol=1e-5)
    np.testing.assert_allclose(s_p + s_h, x, atol=1e-6)
    assert sdr(song[0], s_p) > sdr(song[0], x / 2) + 1


def test_in_another_setting_the_estimate_is_analysed_again(song):
    x = sum(song)
    first, _ = separate(x)
    X = stft(heard(x), SETTING_1)
    V_p = np.abs(stft(first, SETTING_1))
    expected = istft(V_p * np.exp(1j * np.angle(X)).astype(X.dtype), SETTING_1, len(x))
    np.testing.assert_allclose(separate(x, setting="1")[0], expected, atol=1e-5)
    with pytest.raises(ValueError, match=f"setting {mad_setting()!r} only"):
        mad_estimator(SETTING_1)


def mask(X):
    """The network's, of all that it is given."""
    V = np.abs(X)
    return estimate(load_model(), V) / np.maximum(V, 1e-12)


@pytest.mark.parametrize("name", audio.EXCERPTS)
def test_what_nobody_hears_changes_nothing(name):
    x_p, x_h = (s[: 8 * 44100] for s in audio.load_excerpt(name))
    x, t = x_p + x_h, np.arange(len(x_p)) / 44100
    clean = sdr(x_p, separate(x)[0])
    for disturbance in (0.05 + 0 * t, 0.05 * 2**0.5 * np.sin(2 * np.pi * 8 * t)):
        disturbed = (x + disturbance).astype(np.float32)
        s_p, s_h = separate(disturbed)
        assert sdr(x_p, s_p) > clean - 0.1
        np.testing.assert_allclose(s_p + s_h, disturbed, atol=1e-6)  # it stays in the rest
    # The rumble is no small one: heard, it costs what the docstring of `separate` says.
    X, X_clean = stft(disturbed, OWN), stft(x, OWN)
    worse, better = (sdr(x_p, istft(mask(Y) * Y, OWN, len(x))) for Y in (X, X_clean))
    assert 0.75 < better - worse < 3.95


@pytest.mark.parametrize("phase", sorted(PHASES))
@pytest.mark.parametrize("setting", sorted(SETTINGS))
@pytest.mark.parametrize("method", ["mad", "two"])
def test_blocks_change_nothing_and_parts_sum(two_estimates, song, setting, phase, method):
    x = sum(song)
    options = {"method": method, "setting": setting, "phase": phase}
    s_p, s_h = separate(x, block=10**6, **options)
    np.testing.assert_allclose(s_p + s_h, x, atol=1e-6)
    cut, _ = separate(x, block=50, **options)
    # A bin at a tie may take either side: hold the energy of the difference, not each sample.
    assert np.sum((cut - s_p) ** 2) < 1e-5 * np.sum(s_p**2)


def test_after_subtraction_phase_recovery_changes_next_to_nothing(song):
    x = sum(song)
    mixture, recovered = (separate(x, phase=phase)[0] for phase in ("mixture", "pu"))
    assert sdr(mixture, recovered) > 30


def test_two_estimates_that_leave_a_rest_move_the_phases(two_estimates, song):
    x = sum(song)
    mixture, recovered = (separate(x, method="two", phase=phase)[0] for phase in ("mixture", "pu"))
    assert sdr(mixture, recovered) < 20


def test_what_does_not_close_is_shared(song):
    p, h = (stft(s, COMPACT) for s in song)
    X, V_p, V_h = p + h, np.abs(p) / 3, np.abs(h) / 3
    S_p, S_h = puiter.pu(X, V_p, V_h, COMPACT)
    shared = separation.share_error(X, S_p, S_h, V_p, V_h)
    other = separation.share_error(X, S_h, S_p, V_h, V_p)
    np.testing.assert_allclose(shared + other, X, atol=1e-5 * np.abs(X).max())


@pytest.mark.parametrize("phase", sorted(PHASES))
def test_silence_and_one_sample(phase):
    for x in (np.zeros(5000, np.float32), np.ones(1, np.float32)):
        s_p, s_h = separate(x, phase=phase)
        assert np.isfinite(s_p).all()
        np.testing.assert_allclose(s_p + s_h, x, atol=1e-6)
