"""my_separator.py, filled in: one way of many. Try your own before you look."""

import numpy as np

RATE = 44100  # Hz
N_FFT, HOP = 2048, 512  # samples; the window is a periodic Hann of N_FFT
FRAMES, CONTEXT = 120, 10  # of a sequence that the network hears; at each end
LEVEL = 0.08  # the root mean square that it hears each sequence at

WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)


def sdr(s, s_hat):
    """The SDR in dB of an estimate s_hat (n,) of s (n,). Chapter 1."""
    return 10 * np.log10(np.sum(s**2) / np.sum((s - s_hat) ** 2))


def stft(x):
    """The spectrogram X (F, T) of a signal x (n,), divided by sqrt(N_FFT). Chapter 2."""
    padded = np.pad(x, N_FFT // 2)
    starts = range(0, len(x) + 1, HOP)
    frames = np.stack([padded[a : a + N_FFT] * WINDOW for a in starts])
    return np.fft.rfft(frames, axis=1).T / np.sqrt(N_FFT)


def istft(X, length):
    """The signal (length,) whose spectrogram comes nearest to X (F, T). Chapter 2."""
    frames = np.fft.irfft(X.T, N_FFT, axis=1) * np.sqrt(N_FFT)
    total, weight = np.zeros((2, length + 2 * N_FFT))
    for t, frame in enumerate(frames):
        total[t * HOP : t * HOP + N_FFT] += WINDOW * frame
        weight[t * HOP : t * HOP + N_FFT] += WINDOW**2
    inside = slice(N_FFT // 2, N_FFT // 2 + length)
    return total[inside] / weight[inside]


def medians(V):
    """H, P (F, T) of magnitudes V: medians of 31 frames, of 31 bins, edges mirrored. Chapter 3."""

    def along_time(A):
        padded = np.pad(A, ((0, 0), (15, 15)), mode="symmetric")
        columns = [padded[:, t : t + 31] for t in range(A.shape[1])]
        return np.stack([np.median(c, axis=1) for c in columns], axis=1)

    return along_time(V), along_time(V.T).T


def mask(P, H):
    """The mask M_p (F, T) of the drums: shares of energy, 1/2 where P = H = 0. Chapter 3."""
    total = P**2 + H**2
    return np.where(total > 0, P**2 / np.where(total > 0, total, 1), 0.5)


def subtract(X, V_p):
    """S_p, S_h (F, T), with the mixture's phase, their sum X; 0 where X is 0. Chapter 4."""
    V = np.abs(X)
    S_p = V_p * X / np.where(V > 0, V, 1)
    return S_p, X - S_p


def gru(x, W, U, b, c):
    """The states (T, H) of a GRU that hears x (T, D). Chapter 5."""
    h, states = np.zeros(U.shape[1], x.dtype), []
    for a in x @ W.T + b:
        a_r, a_z, a_n = np.split(a, 3)
        u_r, u_z, u_n = np.split(U @ h + c, 3)
        r, z = 1 / (1 + np.exp(-a_r - u_r)), 1 / (1 + np.exp(-a_z - u_z))
        h = z * h + (1 - z) * np.tanh(a_n + r * u_n)
        states.append(h)
    return np.array(states)


def network(V, weights):
    """The drums in one sequence of magnitudes V (FRAMES, N), no context: (T', N). Chapter 5."""

    def layer(x, name):
        W, b = weights[name]
        return np.maximum(x @ W.T + b, 0)

    x = 0.3 * np.log1p(30 * V @ weights["hears"].T)
    forward = gru(x, *weights["forward"]) + x
    backward = gru(x[::-1], *weights["backward"])[::-1] + x
    inner = slice(CONTEXT, FRAMES - CONTEXT)
    h = np.concatenate([forward, backward], axis=1)[inner]
    V_m = layer(gru(h, *weights["decoder"]), "mask") * V[inner]
    return layer(layer(V_m, "squeeze"), "restore") * V_m


def estimate(V, weights):
    """The drums V_p (N, T) in magnitudes V (N, T) of any length, sequence by sequence. Chapter 6."""
    step, T = FRAMES - 2 * CONTEXT, V.shape[1]
    padded = np.pad(V.T, ((CONTEXT, FRAMES), (0, 0)))
    parts = []
    for start in range(0, T, step):
        sequence = padded[start : start + FRAMES]
        rms = np.sqrt(np.mean(sequence**2))
        gain = LEVEL / rms if rms > 0 else 1.0
        parts.append(network(gain * sequence, weights) / gain)
    return np.concatenate(parts)[:T].T


def frequencies(v):
    """The frequency (F,), in bins, of the sinusoid that governs each bin of a frame v. Chapter 7."""
    middle = v[1:-1]
    higher = (middle > v[:-2]) & (middle > v[2:]) & (middle > 0.01 * v.max())
    peaks = 1 + np.flatnonzero(higher)
    if len(peaks) == 0:
        return np.arange(len(v)).astype(float)
    y = np.log(np.maximum(v, 1e-30))
    below, at, above = y[peaks - 1], y[peaks], y[peaks + 1]
    f = peaks + (above - below) / (2 * (2 * at - above - below))
    v1, v2, f1, f2 = v[peaks[:-1]], v[peaks[1:]], peaks[:-1], peaks[1:]
    borders = np.floor((v2 * f1 + v1 * f2) / (v1 + v2))
    return f[np.searchsorted(borders, np.arange(len(v)))]


def propagate(phase, f):
    """The phases (F,) one HOP later, of sinusoids of frequencies f (F,), in bins. Chapter 7."""
    return phase + 2 * np.pi * HOP / N_FFT * f


def closed_form(X, V_p, V_h, start):
    """S_p, S_h of given magnitudes that come as near to X as can be, all (F,). Chapter 8."""
    V, u = np.abs(X), X / np.abs(X)
    side = np.where(np.imag(start * u.conj()) < 0, -1, 1)
    angles = []
    for a, b in ((V_p, V_h), (V_h, V_p)):
        cosine = (V**2 + a**2 - b**2) / (2 * V * a)
        angles.append(np.arccos(np.clip(cosine, -1, 1)))
    theta_p, theta_h = angles
    S_p = V_p * u * np.exp(-1j * side * theta_p)
    return S_p, V_h * u * np.exp(1j * side * theta_h)


def si_sdr(s, s_hat):
    """The scale-invariant SDR in dB of an estimate s_hat (n,) of s (n,). Chapter 9."""
    target = (s_hat @ s) / (s @ s) * s
    return sdr(target, s_hat)
