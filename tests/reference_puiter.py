"""PU-iter written to be read, slowly: what the library's compiled loops are held against."""

import numpy as np

from hpss_lib.puiter import closed_form
from hpss_lib.sinusoids import instantaneous_frequency


def phasor(z):
    """Of modulus one; the phase of zero is zero."""
    return np.exp(1j * np.angle(z))


def starting_sources(X_t, V_t, S_before, onset, settings):
    """Frame t before the first iteration; S_before is None in the first frame."""
    S = V_t * phasor(X_t)
    if S_before is None:
        return S
    for j in range(len(V_t)):
        if onset[j]:
            continue
        turn = 2 * np.pi * settings.hop / settings.n_fft * instantaneous_frequency(V_t[j])
        sinusoidal = V_t[j] * np.exp(1j * (np.angle(S_before[j]) + turn))
        sounding = S_before[j] != 0  # else there is no phase to go on from
        S[j, sounding] = sinusoidal[sounding]
    return S


def pu_iter(X, V, settings, onsets, iterations):
    """X: (F, T); V: (J, F, T); onsets: (J, T). Returns S (J, F, T), errors (iterations + 1, T)."""
    S = np.zeros(V.shape, complex)
    errors = np.zeros((iterations + 1, X.shape[1]))
    S_before = None
    for t in range(X.shape[1]):
        V_t, X_t = V[:, :, t], X[:, t]
        S_t = starting_sources(X_t, V_t, S_before, onsets[:, t], settings)
        power = (V_t**2).sum(axis=0)
        G = np.divide(V_t**2, power, where=power > 0, out=np.zeros_like(V_t))
        # A bin in which every source starts at the mixture's phase stays on that line: nothing but
        # rounding could lead it away, and what rounding would do there is not part of the method.
        unmoved = np.ones(len(X_t), bool)
        for j in range(len(V_t)):
            unmoved &= onsets[j, t] | (S_before is None or S_before[j] == 0)
        for i in range(iterations):
            E = X_t - S_t.sum(axis=0)
            errors[i, t] = (np.abs(E) ** 2).sum()
            Y = S_t + G * E
            S_t = np.where(unmoved | (Y == 0), S_t, V_t * phasor(Y))
        errors[iterations, t] = (np.abs(X_t - S_t.sum(axis=0)) ** 2).sum()
        S[:, :, t] = S_before = S_t
    return S, errors


def pu(X, V_p, V_h, settings, onset):
    """The same with the closed form in place of the iterations; onset: (T,)."""
    S_p, S_h = np.zeros(X.shape, complex), np.zeros(X.shape, complex)
    before = np.zeros(len(X), complex)
    for t in range(X.shape[1]):
        f = instantaneous_frequency(V_h[:, t])
        turn = np.exp(2j * np.pi * settings.hop / settings.n_fft * f)
        start = np.zeros(len(X)) if onset[t] else before * turn
        S_p[:, t], S_h[:, t] = closed_form(X[:, t], V_p[:, t], V_h[:, t], start)
        before = S_h[:, t]
    return S_p, S_h
