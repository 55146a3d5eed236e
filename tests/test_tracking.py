import numpy as np
import pytest

from hpss_lib.audio import load_excerpt
from hpss_lib.sinusoids import instantaneous_frequency
from hpss_lib.stft import COMPACT, StftSettings, istft, stft
from hpss_lib.tracking import (
    FORGET,
    LARGEST_GAIN,
    SHARPNESS,
    STEADIEST,
    percussive_gain,
    predict,
    track,
)

SMALL = StftSettings(n_fft=256, window_length=256, hop=64, window="hann")


def log_likelihood(power, variance):
    return -power / variance - np.log(variance)


def pool(a):
    return np.array([a[max(0, k - 2) : k + 3].mean() for k in range(len(a))])


def reference_predict(X, V_p, settings):
    """The forward prediction, frame by frame, in plain numpy."""
    floor = 1e-14 * np.abs(X).max() ** 2
    M, Q = np.zeros(X.shape, complex), np.full(X.shape, 1e30)
    misses, seen = np.full(len(X), 2 * floor), np.full(len(X), floor)
    H = np.zeros(len(X), complex)
    for t in range(X.shape[1]):
        x, p = X[:, t], V_p[:, t]
        rest = np.maximum(1 - p / np.abs(x), 0)
        H0, noise = x * rest, p**2 + floor
        if t > 0:
            f = instantaneous_frequency(np.abs(H))
            foretold = H * np.exp(2j * np.pi * settings.hop / settings.n_fft * f)
            rho = 1 - np.clip(misses / seen, STEADIEST, 2) / 2
            M[:, t] = rho * foretold
            Q[:, t] = (1 - rho**2) * np.abs(foretold) ** 2 + floor
        m, q = M[:, t], Q[:, t]
        evidence = log_likelihood(np.abs(x - m) ** 2, q + noise) - log_likelihood(
            np.abs(x) ** 2, np.maximum(np.abs(x) - p, 0) ** 2 + noise
        )
        belief = 1 / (1 + np.exp(-SHARPNESS * pool(evidence))) if t > 0 else 0
        H = (1 - belief) * H0 + belief * (m + q / (q + noise) * (x - m))
        if t > 0:
            weight = (1 - FORGET) * rest**2
            misses += weight * (np.abs(H0 - foretold) ** 2 - misses)
            energy = (np.abs(foretold) ** 2 + np.abs(H0) ** 2) / 2
            seen += weight * (energy - seen)
    return M, Q


def noisy_tones(seconds=0.3, seed=0):
    rng = np.random.default_rng(seed)
    n = np.arange(round(44100 * seconds))
    x_h = np.cos(2 * np.pi * 20.3 / 256 * n) + 0.5 * np.cos(2 * np.pi * 51.8 / 256 * n)
    x_p = np.where(n % 4000 < 400, 1.0, 0.01) * rng.standard_normal(len(n))
    return x_p, x_h


def sdr(s, s_hat):
    return 10 * np.log10(np.sum(s**2) / np.sum((s - s_hat) ** 2))


def test_the_prediction_equals_the_reference():
    x_p, x_h = noisy_tones()
    X, V_p = stft(x_p + x_h, SMALL), np.abs(stft(x_p, SMALL))
    M, Q = predict(X, V_p, SMALL)
    expected_M, expected_Q = reference_predict(X, V_p, SMALL)
    assert np.abs(M - expected_M).max() < 1e-9
    assert pytest.approx(expected_Q, rel=1e-6) == Q


def test_backward_is_forward_in_a_mirror():
    x_p, x_h = noisy_tones()
    X, V_p = stft(x_p + x_h, SMALL), np.abs(stft(x_p, SMALL))
    M, Q = predict(X, V_p, SMALL, backward=True)
    # Reversing time conjugates the spectrum, up to a phase that grows with frequency.
    mirrored, Q_mirrored = predict(X[:, ::-1].conj(), V_p[:, ::-1], SMALL)
    assert np.abs(M - mirrored[:, ::-1].conj()).max() < 1e-9
    assert pytest.approx(Q_mirrored[:, ::-1]) == Q


def test_a_steady_tone_is_foretold():
    n = np.arange(20000)
    X = stft(np.cos(2 * np.pi * 20.3 / 256 * n), SMALL)
    M, Q = predict(X, np.zeros(X.shape), SMALL)
    t = slice(40, -10)
    # It is believed to be off by STEADIEST at least, and drawn towards zero for that.
    assert np.abs(M[18:23, t] / X[18:23, t] - (1 - STEADIEST / 2)).max() < 0.05
    assert (Q[18:23, t] < 0.5 * np.abs(X[18:23, t]) ** 2).all()


def test_a_tone_is_heard_through_a_burst():
    x_p, x_h = noisy_tones()
    X, V_p = stft(x_p + x_h, SMALL), np.abs(stft(x_p, SMALL))
    _, S_h = track(X, V_p, SMALL, gain=1)
    s_h = istft(S_h, SMALL, len(x_h))
    of_mixture = istft((np.abs(X) - V_p) * X / np.abs(X), SMALL, len(x_h))
    assert sdr(x_h, s_h) > sdr(x_h, of_mixture) + 2


def test_the_sources_add_up_to_the_mixture():
    x_p, x_h = noisy_tones()
    X, V_p = stft(x_p + x_h, SMALL), np.abs(stft(x_p, SMALL))
    S_p, S_h = track(X, V_p, SMALL)
    assert pytest.approx(X) == S_p + S_h


def test_too_small_magnitudes_are_noticed():
    x_p, x_h = noisy_tones(1.0)
    X, V_p = stft(x_p + x_h, SMALL), np.abs(stft(x_p, SMALL))
    gains = [percussive_gain(X, scale * V_p, SMALL) for scale in (1, 0.5, 0.25)]
    assert 1 <= gains[0] < gains[1] < gains[2] <= LARGEST_GAIN
    assert gains[0] < 1.5
    assert percussive_gain(X, 0 * V_p, SMALL) == 1


def test_on_a_rendered_song_with_magnitudes_that_are_off_it_beats_the_phase_of_the_mixture():
    x_p, x_h = (x[44100 : 5 * 44100] for x in load_excerpt("latin"))
    X = stft(x_p + x_h, COMPACT)
    rng = np.random.default_rng(1)
    V_p = np.abs(stft(x_p, COMPACT)) * rng.lognormal(-0.3, 0.4, X.shape).astype(np.float32)
    V_p = np.minimum(V_p, np.abs(X))
    of_mixture = istft(V_p * X / np.maximum(np.abs(X), 1e-20), COMPACT, len(x_p))
    S_p, _ = track(X, V_p, COMPACT)
    assert S_p.dtype == np.complex64
    assert sdr(x_p, istft(S_p, COMPACT, len(x_p))) > sdr(x_p, of_mixture)


def test_the_volume_changes_nothing():
    x_p, x_h = noisy_tones()
    X = stft(x_p + x_h, SMALL)
    V_p = np.minimum(np.abs(stft(x_p, SMALL)), 0.9 * np.abs(X))
    loud, soft = track(X, V_p, SMALL)[0], track(1e-6 * X, 1e-6 * V_p, SMALL)[0]
    assert 1e6 * soft == pytest.approx(loud, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_silence_and_few_frames(frames):
    X = np.zeros((129, frames), np.complex64)
    V_p = np.zeros((129, frames), np.float32)
    for S in track(X, V_p, SMALL):
        assert S.shape == X.shape and not S.any()
    X[5] = 1
    V_p[:] = 0.5
    assert all(np.isfinite(S).all() for S in track(X, V_p, SMALL))


def test_bad_input_is_refused_and_inputs_are_not_changed():
    x_p, x_h = noisy_tones(0.1)
    X, V_p = stft(x_p + x_h, SMALL), np.abs(stft(x_p, SMALL))
    copies = X.copy(), V_p.copy()
    track(X, V_p, SMALL)
    assert np.array_equal(X, copies[0]) and np.array_equal(V_p, copies[1])
    with pytest.raises(TypeError, match="complex"):
        track(V_p, V_p, SMALL)
    with pytest.raises(ValueError, match="magnitudes 0 have shape"):
        track(X, V_p[:, :-1], SMALL)
    with pytest.raises(ValueError, match="magnitudes 0 hold"):
        track(X, -V_p, SMALL)
