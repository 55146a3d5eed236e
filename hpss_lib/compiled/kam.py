"""A fast exact median over a window that slides: behind `kam`.

A window of m lines x n columns slides along the lines: m values enter, m leave. If the values are
replaced by their ranks, the window is a set of small whole numbers: a bit each in an array. Its
median is a pointer into that array with a count of the bits below it; after each step it moves
on or back by a few set bits, whatever the size of the window. (T. S. Huang, 1979, with a set of
bits for his histogram, since here every rank occurs once.)
"""

import numpy as np

from hpss_lib.compiled import compiled

_ONE, _ZERO = np.uint64(1), np.uint64(0)
# A de Bruijn sequence: the upper six bits of its product with 2^k are different for every k < 64.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT = np.zeros(64, np.int64)
_BIT[[((int(_DE_BRUIJN) << k) & (2**64 - 1)) >> 58 for k in range(64)]] = np.arange(64)


@compiled
def _rank(word, bit):
    """The rank that a lone bit of a word stands for."""
    return (word << 6) + _BIT[(bit * _DE_BRUIJN) >> np.uint64(58)]


@compiled
def _next_smaller(bits, rank):
    """The largest rank in the set that is smaller than `rank`; there is one."""
    word = rank >> 6
    x = bits[word] & ((_ONE << np.uint64(rank & 63)) - _ONE)
    while x == _ZERO:
        word -= 1
        x = bits[word]
    for shift in (1, 2, 4, 8, 16, 32):  # fill all places below the highest bit
        x |= x >> np.uint64(shift)
    return _rank(word, x ^ (x >> _ONE))


@compiled
def _lowest(bits, word, x):
    """The first set bit of x, or of the words after it: its word, it alone, and x without it."""
    while x == _ZERO:
        word += 1
        x = bits[word]
    bit = x & (~x + _ONE)
    return word, bit, x ^ bit


@compiled
def slide(ranks, values, columns, out, lower):
    """Write the medians of the windows of `columns` columns into out. Types matter: see numba.

    lower: of an even number of values, the lower of the two in the middle and not their mean.
    """
    lines = ranks.shape[0] - out.shape[0] + 1
    target = (lines * columns - 1) // 2  # how many values lie below the (lower) middle one
    mean = lines * columns % 2 == 0 and not lower
    bits = np.zeros(ranks.size // 64 + 1, np.uint64)
    for j in range(out.shape[0]):
        bits[:] = _ZERO
        middle, below = 0, 0  # a rank, and how many ranks in the window are smaller
        for t in range(ranks.shape[1]):
            for r in ranks[j : j + lines, t]:
                bits[r >> 6] |= _ONE << np.uint64(r & 63)
                below += r < middle
            if t < columns - 1:
                continue
            while below > target:
                middle = _next_smaller(bits, middle)
                below -= 1
            # Here, or at the next larger ranks: x holds the bits from `middle` on.
            word = middle >> 6
            x = bits[word] >> np.uint64(middle & 63) << np.uint64(middle & 63)
            word, bit, x = _lowest(bits, word, x)
            while below < target:
                word, bit, x = _lowest(bits, word, x)
                below += 1
            middle = _rank(word, bit)
            median = values[middle]
            if mean:
                word, bit, x = _lowest(bits, word, x)
                median = median / 2 + values[_rank(word, bit)] / 2  # a sum might overflow
            out[j, t - columns + 1] = median
            for r in ranks[j : j + lines, t - columns + 1]:
                bits[r >> 6] &= ~(_ONE << np.uint64(r & 63))
                below -= r < middle
