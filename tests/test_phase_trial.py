"""The trial of a network that learns the phase: its signals, its phases, where it starts."""

import numpy as np
import phase_trial
import pytest
import torch

from hpss_lib import data
from hpss_lib.audio import load_excerpt
from hpss_lib.madtwinnet import estimate, load_model
from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTINGS, analysis_window, stft


def frames(x, settings):
    pieces = np.lib.stride_tricks.sliding_window_view(x, settings.n_fft)[:: settings.hop]
    return torch.from_numpy(np.fft.rfft(pieces * analysis_window(settings)))[None]


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_signals_come_back_where_all_windows_overlap(name):
    settings = SETTINGS[name]
    x = np.random.default_rng(0).standard_normal(settings.n_fft + 9 * settings.hop)
    y = phase_trial.to_signals(frames(x, settings), settings)
    first = settings.n_fft - settings.hop
    np.testing.assert_allclose(y[0], x[first : first + y.shape[1]], atol=1e-9)
    assert y.shape[1] == len(x) - 2 * first


def test_phases_stand_still_for_a_tone_in_time_and_for_a_click_in_frequency():
    n, k = np.arange(COMPACT.n_fft + 9 * COMPACT.hop), 101
    tone = np.cos(2 * np.pi * k * n / COMPACT.n_fft + 1)
    click = np.eye(1, len(n), COMPACT.n_fft // 2 + 4 * COMPACT.hop)[0]
    still, _, _, _ = phase_trial.phase_steps(frames(tone, COMPACT), COMPACT)
    np.testing.assert_allclose(still[0, 1:, k], 1, atol=1e-6)
    np.testing.assert_allclose(still[0, 1:, k + 1], 0, atol=1e-3)  # a quarter turn a hop
    _, _, alike, zero = phase_trial.phase_steps(frames(click, COMPACT), COMPACT)
    np.testing.assert_allclose(alike[0, 4, 1:], 1, atol=1e-6)
    np.testing.assert_allclose(zero[0, 4, 1:], 0, atol=1e-6)
    # and nothing changes when the whole signal is turned
    X = frames(tone + click, COMPACT)
    turned = phase_trial.phase_steps(X * np.exp(0.7j), COMPACT)
    for a, b in zip(phase_trial.phase_steps(X, COMPACT), turned, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", phase_trial.TRIALS)
def test_every_trial_starts_with_the_shipped_estimate(name):
    p, h = (s[:SAMPLE_RATE] for s in load_excerpt("rock"))
    X = stft(p + h, COMPACT)
    M = phase_trial.masks(phase_trial.Trial(name).eval(), X)
    V_hat = estimate(load_model(), np.abs(X))
    assert M.shape == X.shape
    np.testing.assert_allclose(M * np.abs(X), V_hat, atol=2e-5)


def test_what_a_mask_explains_across_the_phase(monkeypatch):
    """Nothing if it is real, everything if it is the truth."""
    p, h = (s[: 2 * SAMPLE_RATE].astype(float) for s in load_excerpt("rock"))
    X, P = stft(p + h, COMPACT), stft(p, COMPACT)
    trial = phase_trial.Trial("complex").eval()
    monkeypatch.setattr(data, "excerpts", lambda songs, count: [("rock", p, h)])
    found = {}
    for name, M in (("real", (P / X).real), ("truth", P / X)):
        monkeypatch.setattr(phase_trial, "masks", lambda trial, X, M=M: M)
        ((_, sdr_p, sdr_h, found[name]),) = phase_trial.scores(trial, [])
        assert (sdr_p > 80) == (sdr_h > 80) == (name == "truth")
    assert abs(found["real"]) < 1e-3 and abs(found["truth"] - 100) < 1e-3


@pytest.mark.parametrize("name", phase_trial.TRIALS)
def test_a_step_moves_what_the_trial_trains(name, monkeypatch):
    monkeypatch.setattr(phase_trial, "PLAN", (*phase_trial.PLAN, "batch=1"))
    shipped = {k: v.clone() for k, v in load_model().state_dict().items()}
    signals = {s: [[data.Signal(0, 0, 10**5, 2**-15, 0.03)]] for s in ("percussive", "harmonic")}
    samples = np.random.default_rng(0).integers(-3000, 3000, 10**5).astype(np.int16)
    cache = data.Cache(samples, signals, ["a"])
    before = {k: v.clone() for k, v in phase_trial.Trial(name).state_dict().items()}
    after = phase_trial.train(name, 0, cache, [1.0], steps=2).state_dict()
    moved = {k.split(".")[0] for k, v in before.items() if not torch.equal(v, after[k])}
    assert moved == ({"model", "head"} if name in ("cosine", "complex") else {"model"})
    assert all(torch.equal(v, shipped[k]) for k, v in load_model().state_dict().items())
