"""PU-iter, frame after frame: its closed form and its iteration.

Each bin is turned so that its mixture is real, which saves half of the work.
"""

import numpy as np

from hpss_lib.compiled import compiled
from hpss_lib.compiled.sinusoids import rotation

_BINS_AT_ONCE = 256  # the iteration's arrays for so many bins stay in the innermost cache


@compiled
def closed_form(X, V_p, V_h, onset, previous, threshold, turn, S_p, S_h):
    """Fill S_p, S_h (T, F) with the triangles' phases; `previous` (F,) is S_h before frame 0."""
    frames, bins = X.shape
    cosine, sine = np.empty(bins), np.empty(bins)
    for t in range(frames):
        before = previous if t == 0 else S_h[t - 1]
        if not onset[t]:
            rotation(V_h[t], threshold, turn, cosine, sine)
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


@compiled
def _turn_real(X, x, ur, ui):
    """Fill x with the magnitudes of a block of bins, ur and ui with their directions."""
    for k in range(len(X)):
        a, b = np.float64(X[k].real), np.float64(X[k].imag)
        x[k] = np.sqrt(a * a + b * b)
        ur[k], ui[k] = (a / x[k], b / x[k]) if x[k] > 0 else (1.0, 0.0)


@compiled
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


@compiled
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
                rotation(V[j, t], threshold, turn, cosine[j], sine[j])
        for first in range(0, bins, size):
            n = min(size, bins - first)
            x[n:] = 0.0  # a last, shorter block is filled up with silence
            v[:, n:], g[:, n:], sr[:, n:], si[:, n:] = 0.0, 0.0, 0.0, 0.0
            _turn_real(X[t, first : first + n], x, ur, ui)
            total[:n], moves[:n] = 0.0, 0.0
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
