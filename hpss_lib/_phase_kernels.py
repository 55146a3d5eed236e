"""Compiled loops behind `puiter` and `tracking`, frame after frame. Not meant to be read first.

What they compute is written out readably elsewhere: the frequencies in `sinusoids`, the closed
form in `puiter.closed_form`, the iteration in `puiter.pu_iter_step` and, frame by frame, in
tests/reference_puiter.py, the tracking in tests/test_tracking.py. This module imports numba and
is itself imported where it is used.

Arrays are (T, F) here, so that a frame lies in one piece. All arithmetic is in double, and each
bin is turned so that its mixture is real, which saves half of the work.
"""

import numpy as np
from numba import njit

_BINS_AT_ONCE = 256  # the iteration's arrays for so many bins stay in the innermost cache
_TINY = np.finfo(np.float64).tiny


@njit(cache=True, nogil=True, error_model="numpy")
def _rotation(v, threshold, turn, cosine, sine):
    """Cosine and sine, for each bin, of what its region's sinusoid turns in one hop.

    The frame's peaks from left to right, one behind: a peak's region is known at the next peak.
    `turn` is 2 pi hop / n_fft.
    """
    bins = len(v)
    highest = 0.0
    for k in range(bins):
        highest = max(highest, np.float64(v[k]))
    floor = threshold * highest
    previous = -1  # the peak whose region is still open, and where that region begins
    begin = 0
    c = s = 0.0
    k = 1
    while k < bins - 1:
        if not (v[k] > v[k - 1] and v[k] > floor):
            k += 1
            continue
        end = k  # of the plateau that begins at k
        while end < bins - 1 and v[end + 1] == v[k]:
            end += 1
        if end < bins - 1 and v[end + 1] < v[k]:
            peak = (k + end) // 2
            if previous >= 0:
                v1, v2 = np.float64(v[previous]), np.float64(v[peak])
                border = int(np.floor((v2 * previous + v1 * peak) / (v1 + v2)))
                cosine[begin : border + 1] = c
                sine[begin : border + 1] = s
                begin = border + 1
            y = np.log(max(np.float64(v[peak]), _TINY))
            below = y - np.log(max(np.float64(v[peak - 1]), _TINY))
            above = y - np.log(max(np.float64(v[peak + 1]), _TINY))
            f = np.float64(peak)
            if below + above != 0:
                f += (below - above) / (2 * (below + above))
            c, s = np.cos(turn * f), np.sin(turn * f)
            previous = peak
        k = end + 1
    if previous >= 0:
        cosine[begin:] = c
        sine[begin:] = s
    else:
        for k in range(bins):
            cosine[k] = np.cos(turn * k)
            sine[k] = np.sin(turn * k)


@njit(cache=True, nogil=True, error_model="numpy")
def closed_form(X, V_p, V_h, onset, previous, threshold, turn, S_p, S_h):
    """Fill S_p, S_h (T, F) with the triangles' phases; `previous` (F,) is S_h before frame 0."""
    frames, bins = X.shape
    cosine, sine = np.empty(bins), np.empty(bins)
    for t in range(frames):
        before = previous if t == 0 else S_h[t - 1]
        if not onset[t]:
            _rotation(V_h[t], threshold, turn, cosine, sine)
        for k in range(bins):
            a, b = np.float64(X[t, k].real), np.float64(X[t, k].imag)
            p, h = np.float64(V_p[t, k]), np.float64(V_h[t, k])
            x = np.sqrt(a * a + b * b)
            ur, ui = (a / x, b / x) if x > 0 else (1.0, 0.0)
            cp, sp, ch, sh = 1.0, 0.0, 1.0, 0.0
            dr, di = np.float64(before[k].real), np.float64(before[k].imag)
            if not onset[t] and (dr != 0 or di != 0):
                # The harmonic starting phase, seen from the mixture.
                gr = dr * cosine[k] - di * sine[k]
                gi = dr * sine[k] + di * cosine[k]
                start_r, start_i = gr * ur + gi * ui, gi * ur - gr * ui
                if x > 0:
                    q = (x + h + p) * (x + h - p) * (x + p - h) * (p + h - x)
                    area = np.sqrt(max(q, 0.0))
                    if start_i < 0:
                        area = -area
                    ch, sh = (x - p) * (x + p) + h * h, area
                    cp, sp = (x - h) * (x + h) + p * p, -area
                else:
                    unit = 1 / np.sqrt(start_r * start_r + start_i * start_i)
                    ch, sh = start_r * unit, start_i * unit
                    if p > 0 and h > 0:
                        ch, sh = p * ch - h, p * sh
                        cp, sp = -ch, -sh
            n_p, n_h = np.sqrt(cp * cp + sp * sp), np.sqrt(ch * ch + sh * sh)
            g_p, g_h = p / n_p, h / n_h
            if n_p == 0:
                cp, g_p = 1.0, p
            if n_h == 0:
                ch, g_h = 1.0, h
            S_p[t, k] = g_p * complex(cp * ur - sp * ui, cp * ui + sp * ur)
            S_h[t, k] = g_h * complex(ch * ur - sh * ui, ch * ui + sh * ur)


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(x, v, g, sr, si, er, ei, iterations, errors):
    """The iterations for a block of bins; errors: (iterations + 1,) to add to, unless it is empty.

    A function of its own, on plain vectors, because LLVM then sees that it may do four or eight
    bins at once.
    """
    for i in range(iterations + 1):
        for k in range(len(x)):
            er[k], ei[k] = x[k], 0.0
        for j in range(len(v)):
            sr_j, si_j = sr[j], si[j]
            for k in range(len(x)):
                er[k] -= sr_j[k]
                ei[k] -= si_j[k]
        if errors.size:
            for k in range(len(x)):
                errors[i] += er[k] * er[k] + ei[k] * ei[k]
        if i == iterations:
            break
        for j in range(len(v)):
            sr_j, si_j, v_j, g_j = sr[j], si[j], v[j], g[j]
            for k in range(len(x)):
                yr, yi = sr_j[k] + g_j[k] * er[k], si_j[k] + g_j[k] * ei[k]
                power = yr * yr + yi * yi
                scale = v_j[k] / np.sqrt(power) if power > 0 else 1.0
                sr_j[k] = scale * yr
                si_j[k] = scale * yi


@njit(cache=True, nogil=True, error_model="numpy")
def iterate(X, V, onset, previous, iterations, threshold, turn, S, errors):
    """Fill S (J, T, F) with the iterated sources, errors (iterations + 1, T) unless it is empty.

    V: (J, T, F); onset: (J, T); previous: (J, F), the sources before frame 0.
    """
    sources, frames, bins = V.shape
    cosine, sine = np.empty((sources, bins)), np.empty((sources, bins))
    size = _BINS_AT_ONCE
    # Allocated one by one: of rows of one array LLVM would not believe that they do not overlap,
    # and would do one bin at a time (10 ns a bin and iteration, where it takes 3).
    ur, ui = np.empty(size), np.empty(size)
    x, er, ei = np.empty(size), np.empty(size), np.empty(size)
    total, moves = np.empty(size), np.empty(size)
    empty = np.empty(0)
    v, g = np.empty((sources, size)), np.empty((sources, size))
    sr, si = np.empty((sources, size)), np.empty((sources, size))
    for t in range(frames):
        for j in range(sources):
            if not onset[j, t]:
                _rotation(V[j, t], threshold, turn, cosine[j], sine[j])
        for first in range(0, bins, size):
            n = min(size, bins - first)
            x[n:] = 0.0  # a last, shorter block is filled up with silence
            v[:, n:], g[:, n:], sr[:, n:], si[:, n:] = 0.0, 0.0, 0.0, 0.0
            for k in range(n):
                a, b = np.float64(X[t, first + k].real), np.float64(X[t, first + k].imag)
                x[k] = np.sqrt(a * a + b * b)
                ur[k], ui[k] = (a / x[k], b / x[k]) if x[k] > 0 else (1.0, 0.0)
                total[k] = moves[k] = 0.0
            for j in range(sources):
                for k in range(n):
                    v[j, k] = V[j, t, first + k]
                    total[k] += v[j, k] * v[j, k]
                    sr[j, k], si[j, k] = v[j, k], 0.0
                    if not onset[j, t]:
                        d = previous[j, first + k] if t == 0 else S[j, t - 1, first + k]
                        dr, di = np.float64(d.real), np.float64(d.imag)
                        size_d = np.sqrt(dr * dr + di * di)
                        if size_d > 0:
                            c, s = cosine[j, first + k], sine[j, first + k]
                            gr, gi = (dr * c - di * s) / size_d, (dr * s + di * c) / size_d
                            sr[j, k] = v[j, k] * (gr * ur[k] + gi * ui[k])
                            si[j, k] = v[j, k] * (gi * ur[k] - gr * ui[k])
                            moves[k] = 1.0
            for j in range(sources):
                for k in range(n):
                    g[j, k] = moves[k] * v[j, k] * v[j, k] / total[k] if total[k] > 0 else 0.0
            _settle(x, v, g, sr, si, er, ei, iterations, errors[:, t] if errors.size else empty)
            for j in range(sources):
                for k in range(n):
                    r, i_ = sr[j, k], si[j, k]
                    S[j, t, first + k] = complex(r * ur[k] - i_ * ui[k], r * ui[k] + i_ * ur[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _pool(a, out):
    """The mean of each bin and its two neighbours on either side, as far as there are any."""
    for k in range(len(a)):
        first, last = max(0, k - 2), min(len(a), k + 3)
        total = 0.0
        for j in range(first, last):
            total += a[j]
        out[k] = total / (last - first)


@njit(cache=True, nogil=True, error_model="numpy")
def _power(z):
    """|z|^2 in double; abs would take a root first, and a slow one."""
    a, b = np.float64(z.real), np.float64(z.imag)
    return a * a + b * b


@njit(cache=True, nogil=True, error_model="numpy")
def _evidence(X, M, Q, p, floor):
    """How much better M explains X: ln N(X; M, Q + p^2) - ln N(X; 0, (|X| - p)^2 + p^2)."""
    power = _power(X)
    rest = max(np.sqrt(power) - p, 0.0)
    with_it, without = Q + p * p + floor, rest * rest + p * p + floor
    return power / without - _power(X - M) / with_it - np.log(with_it / without)


@njit(cache=True, nogil=True, error_model="numpy")
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
        _rotation(size, threshold, turn, cosine, sine)
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


@njit(cache=True, nogil=True, error_model="numpy")
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
