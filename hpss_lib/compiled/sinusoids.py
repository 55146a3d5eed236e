"""What the sinusoids of one frame turn in a hop: behind `puiter` and `tracking`."""

import numpy as np

from hpss_lib.compiled import compiled

_TINY = np.finfo(np.float64).tiny


@compiled
def rotation(v, threshold, turn, cosine, sine):
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
