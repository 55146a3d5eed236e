"""Predictions of sinusoids, frame after frame, and what is made of them: behind `tracking`."""

import numpy as np

from hpss_lib.compiled import compiled
from hpss_lib.compiled.sinusoids import rotation


@compiled
def _pool(a, out):
    """The mean of each bin and its two neighbours on either side, as far as there are any."""
    for k in range(len(a)):
        first, last = max(0, k - 2), min(len(a), k + 3)
        total = 0.0
        for j in range(first, last):
            total += a[j]
        out[k] = total / (last - first)


@compiled
def _power(z):
    """|z|^2 in double; abs would take a root first, and a slow one."""
    a, b = np.float64(z.real), np.float64(z.imag)
    return a * a + b * b


@compiled
def _evidence(X, M, Q, p, floor):
    """How much better M explains X: ln N(X; M, Q + p^2) - ln N(X; 0, (|X| - p)^2 + p^2)."""
    power = _power(X)
    rest = max(np.sqrt(power) - p, 0.0)
    with_it, without = Q + p * p + floor, rest * rest + p * p + floor
    return power / without - _power(X - M) / with_it - np.log(with_it / without)


@compiled
def predict(X, V_p, threshold, turn, sharpness, forget, steadiest, floor, M, Q):
    """Fill M, Q (T, F): what the sinusoids of one frame foretell of the next, and its variance.

    `tracking.predict` says what is computed. floor: a power to add where nothing is left.
    """
    frames, bins = X.shape
    H = np.zeros(bins, np.complex128)  # the harmonic source in the frame before
    size, evidence, pooled = np.zeros(bins), np.empty(bins), np.empty(bins)
    misses, seen = np.full(bins, 2 * floor), np.full(bins, floor)
    cosine, sine = np.empty(bins), np.empty(bins)
    for k in range(bins):  # nothing is foretold of the first frame
        M[0, k], Q[0, k] = 0.0, 1e30
        x, p = np.sqrt(_power(X[0, k])), np.float64(V_p[0, k])
        H[k] = X[0, k] * (max(1 - p / x, 0.0) if x > 0 else 0.0)
    for t in range(1, frames):
        for k in range(bins):
            size[k] = np.sqrt(_power(H[k]))
        rotation(size, threshold, turn, cosine, sine)
        for k in range(bins):
            H[k] *= complex(cosine[k], sine[k])
            rho = 1 - min(max(misses[k] / seen[k], steadiest), 2.0) / 2
            M[t, k] = rho * H[k]
            Q[t, k] = (1 - rho * rho) * size[k] * size[k] + floor
            evidence[k] = _evidence(
                X[t, k], M[t, k], np.float64(Q[t, k]), np.float64(V_p[t, k]), floor
            )
        _pool(evidence, pooled)
        for k in range(bins):
            x, p, q = np.sqrt(_power(X[t, k])), np.float64(V_p[t, k]), np.float64(Q[t, k])
            rest = max(1 - p / x, 0.0) if x > 0 else 0.0
            H0, foretold = X[t, k] * rest, H[k]
            belief = 1 / (1 + np.exp(-sharpness * pooled[k]))
            tracked = M[t, k] + q / (q + p * p + floor) * (X[t, k] - M[t, k])
            H[k] = H0 + belief * (tracked - H0)
            a = (1 - forget) * rest * rest
            misses[k] += a * (_power(H0 - foretold) - misses[k])
            seen[k] += a * (0.5 * (_power(foretold) + _power(H0)) - seen[k])


@compiled
def combine(X, V_p, M_1, Q_1, M_2, Q_2, sharpness, floor, S_h):
    """Fill S_h (T, F) from the predictions of the frames before (1) and after (2)."""
    frames, bins = X.shape
    evidence, before, after = np.empty(bins), np.empty(bins), np.empty(bins)
    for t in range(frames):
        for k in range(bins):
            p = np.float64(V_p[t, k])
            evidence[k] = _evidence(X[t, k], M_1[t, k], np.float64(Q_1[t, k]), p, floor)
        _pool(evidence, before)
        for k in range(bins):
            p = np.float64(V_p[t, k])
            evidence[k] = _evidence(X[t, k], M_2[t, k], np.float64(Q_2[t, k]), p, floor)
        _pool(evidence, after)
        for k in range(bins):
            x, p = np.sqrt(_power(X[t, k])), np.float64(V_p[t, k])
            q_1, q_2, noise = np.float64(Q_1[t, k]), np.float64(Q_2[t, k]), p * p + floor
            w_1 = np.exp(min(sharpness * before[k], 50.0))
            w_2 = np.exp(min(sharpness * after[k], 50.0))
            H = X[t, k] * (max(1 - p / x, 0.0) if x > 0 else 0.0)
            H += w_1 * (M_1[t, k] + q_1 / (q_1 + noise) * (X[t, k] - M_1[t, k]))
            H += w_2 * (M_2[t, k] + q_2 / (q_2 + noise) * (X[t, k] - M_2[t, k]))
            S_h[t, k] = H / (1 + w_1 + w_2)
