"""What makes kick and bass hard to tell apart: modern kicks, ducked basses, one bus (chapter 6).

In produced music the kick is a falling tone, it sounds with the bass note, the bass makes room for
it, and a compressor moves both.  These functions do that to the two signals of a lesson.  All are
pure: signals (n,) float at 44.1 kHz in, new signals out; what is random comes from `rng`.
"""

from __future__ import annotations

import numpy as np

from hpss_lib.stft import SAMPLE_RATE

LOW = 150.0  # Hz; below it lie kick and bass
HOP = 64  # samples between two values of an envelope
SILENCE_DB = -100.0


def draw_kick(rng: np.random.Generator) -> np.ndarray:
    """Draw one stroke of a synthesised bass drum.

    A sine that falls to 28-70 Hz, short and hard or long and tonal (an "808"), with a click of
    noise in front of it and more or less saturation.

    Parameters
    ----------
    rng : Generator
        All that is random comes from it.

    Returns
    -------
    ndarray, (m,)
        float32 with peak 1, at most 1.5 s at 44.1 kHz.

    Examples
    --------
    >>> float(np.abs(draw_kick(np.random.default_rng(0))).max())
    1.0

    References
    ----------
    Chapter 6.
    """
    low = 70 * (28 / 70) ** rng.random()  # Hz
    high, fall = low * rng.uniform(2, 8), rng.uniform(0.006, 0.05)  # Hz, seconds
    decay = 10 ** rng.uniform(-1.3, -0.1)  # 0.05 to 0.8 s
    t = np.arange(int(min(4 * decay, 1.5) * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = low + (high - low) * np.exp(-t / fall)
    body = np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE) * np.exp(-t / decay)
    click = rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(0.0005, 0.004))
    drive = rng.uniform(0.1, 4)
    y = np.tanh(drive * (body + rng.uniform(0, 0.4) * click))
    y[-441:] *= np.linspace(1, 0, 441)  # ends without a click
    return (y / np.abs(y).max()).astype(np.float32)


def envelope(x: np.ndarray, *, low_pass: float | None = None) -> np.ndarray:
    """Return the largest |x| of every `HOP` samples.

    Parameters
    ----------
    x : ndarray, (n,)
        A signal at 44.1 kHz.
    low_pass : float or None
        Only what lies below so many hertz counts; None: all.

    Returns
    -------
    ndarray, (ceil(n / HOP),)

    Examples
    --------
    >>> envelope(np.array([0.0, -2.0] + 70 * [1.0])).tolist()
    [2.0, 1.0]

    References
    ----------
    Chapter 6.
    """
    if low_pass is not None:
        from scipy.signal import butter, sosfilt

        x = np.asarray(sosfilt(butter(2, low_pass, fs=SAMPLE_RATE, output="sos"), x))
    padded = np.zeros(-(-len(x) // HOP) * HOP)
    padded[: len(x)] = np.abs(x)
    return padded.reshape(-1, HOP).max(axis=1)


def smoothed(target: np.ndarray, *, attack: float, release: float) -> np.ndarray:
    """Let an envelope rise and fall no faster than it may.

    Parameters
    ----------
    target : ndarray, (k,)
        >= 0, one value every `HOP` samples.
    attack, release : float
        Seconds in which it gets 63 % of the way up or down; 0: at once.

    Returns
    -------
    ndarray, (k,)

    Examples
    --------
    >>> smoothed(np.array([1.0, 0.0, 0.0]), attack=0, release=64 / 44100).round(2).tolist()
    [1.0, 0.37, 0.14]

    References
    ----------
    Chapter 6.
    """
    rise, fall = (1 - np.exp(-HOP / SAMPLE_RATE / max(t, 1e-6)) for t in (attack, release))
    found, state = np.empty(len(target)), 0.0
    for k, value in enumerate(target.tolist()):
        state += (rise if value > state else fall) * (value - state)
        found[k] = state
    return found


def at_samples(values: np.ndarray, n: int) -> np.ndarray:
    """Interpolate an envelope to n samples.

    Parameters
    ----------
    values : ndarray, (k,)
        One value every `HOP` samples.
    n : int
        How many samples.

    Returns
    -------
    ndarray, (n,)

    Examples
    --------
    >>> at_samples(np.array([0.0, 1.0]), 128)[[0, 64, 127]].tolist()
    [0.0, 0.5, 1.0]

    References
    ----------
    Chapter 6.
    """
    return np.interp(np.arange(n), (np.arange(len(values)) + 0.5) * HOP, values)


def bass_onsets(h: np.ndarray) -> np.ndarray:
    """Find where notes of the bass begin.

    There the level below 150 Hz is twice what it was 50 ms before, and a third of its maximum; not
    twice within 0.1 s.

    Parameters
    ----------
    h : ndarray, (n,)
        A harmonic signal at 44.1 kHz.

    Returns
    -------
    ndarray of int
        Samples, rising; empty where there is no bass.

    Examples
    --------
    >>> bass_onsets(np.zeros(44100)).tolist()
    []

    References
    ----------
    Chapter 6.
    """
    # Between two peaks of one low note (9 ms apart at 55 Hz) the level stays up.
    level = smoothed(envelope(h, low_pass=LOW), attack=0, release=0.03)
    lag = round(0.05 * SAMPLE_RATE / HOP)
    before = np.concatenate([np.zeros(lag), level])[: len(level)]
    rising = (level > 2 * before) & (level > level.max(initial=0.0) / 3)
    found: list[int] = []
    for at in np.flatnonzero(rising) * HOP:
        if not found or at - found[-1] > 0.1 * SAMPLE_RATE:
            found.append(int(at))
    return np.array(found, int)


def draw_kicks(h: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a part for one synthesised kick that plays with the bass.

    Most notes of the bass get a kick; where the bass has fewer than two notes, a steady beat of 70
    to 320 strokes a minute does (as fast as metal's double bass drums).

    Parameters
    ----------
    h : ndarray, (n,)
        The harmonic signal at 44.1 kHz.
    rng : Generator
        All that is random comes from it.

    Returns
    -------
    ndarray, (n,)
        float32 with peak 1.

    Examples
    --------
    >>> draw_kicks(np.zeros(44100), np.random.default_rng(0)).shape
    (44100,)

    References
    ----------
    Chapter 6.
    """
    n, kick = len(h), draw_kick(rng)
    onsets = bass_onsets(h)
    onsets = onsets[rng.random(len(onsets)) < 0.9]
    if len(onsets) < 2:
        period = 60 * SAMPLE_RATE / rng.uniform(70, 320)
        onsets = np.arange(rng.uniform(0, period), n, period)
    y = np.zeros(n + len(kick), np.float32)
    for onset in onsets + rng.normal(0, 0.004 * SAMPLE_RATE, len(onsets)):
        at = int(np.clip(onset, 0, n - 1))
        y[at : at + len(kick)] += kick * np.float32(rng.uniform(0.6, 1))
    return y[:n] / max(float(np.abs(y[:n]).max()), 1e-9)


def duck(h: np.ndarray, p: np.ndarray, *, depth: float, release: float) -> np.ndarray:
    """Turn the harmonic signal down while the kick sounds, as a side-chained compressor does.

    Parameters
    ----------
    h, p : ndarray, (n,)
        The harmonic and the percussive signal; of the latter what lies below 150 Hz counts.
    depth : float
        What the loudest kick takes away, 0-1.
    release : float
        Seconds until h is back.

    Returns
    -------
    ndarray, (n,)

    Examples
    --------
    >>> duck(np.ones(100), np.zeros(100), depth=0.5, release=0.1).min()
    np.float64(1.0)

    References
    ----------
    Chapter 6.
    """
    kick = envelope(p, low_pass=LOW)
    kick = smoothed(kick / max(kick.max(initial=0.0), 1e-9), attack=0.002, release=release)
    return h * (1 - depth * at_samples(kick, len(h)))


def master(
    p: np.ndarray,
    h: np.ndarray,
    *,
    ratio: float,
    below_db: float,
    attack: float,
    release: float,
    limit_db: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Compress and limit the sum of two signals and give each its share: both get one gain.

    What exceeds a threshold is divided by `ratio` (in dB), as quickly as `attack` and `release`
    say; then the limiter brings down what exceeds the ceiling.

    Parameters
    ----------
    p, h : ndarray, (n,)
        The percussive and the harmonic signal at 44.1 kHz.
    ratio : float
        The compressor's, >= 1.
    below_db : float
        How far the threshold lies below the sum's peak.
    attack, release : float
        Seconds.
    limit_db : float
        How far the ceiling lies below the peak that the compressor leaves.

    Returns
    -------
    (ndarray (n,), ndarray (n,))

    Examples
    --------
    >>> how = {"ratio": 4.0, "below_db": 6.0, "attack": 0.01, "release": 0.1, "limit_db": 3.0}
    >>> p, h = master(np.full(4410, 0.5), np.full(4410, 0.25), **how)
    >>> bool(np.allclose(p, 2 * h))
    True

    References
    ----------
    Chapter 6.
    """
    level = 20 * np.log10(envelope(p + h) + 1e-9)
    peak = level.max(initial=SILENCE_DB)
    over = np.maximum(level - (peak - below_db), 0) * (1 - 1 / ratio)
    gain = at_samples(10 ** (-smoothed(over, attack=attack, release=release) / 20), len(p))
    p, h = p * gain, h * gain
    level = 20 * np.log10(envelope(p + h) + 1e-9)
    ceiling = level.max(initial=SILENCE_DB) - limit_db
    # A limiter looks ahead: its gain is down before the peak comes, and slower to return.
    excess = np.maximum(level - ceiling, 0)
    ahead = np.lib.stride_tricks.sliding_window_view(np.pad(excess, 2), 5).max(axis=1)
    gain = at_samples(10 ** (-smoothed(ahead, attack=0, release=0.05) / 20), len(p))
    return p * gain, h * gain


def draw_rumble(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw what recordings carry and nobody hears: an offset and a tone of 3 to 16 Hz.

    Parameters
    ----------
    n : int
        How many samples at 44.1 kHz.
    rng : Generator
        All that is random comes from it.

    Returns
    -------
    ndarray, (n,)
        float32; offset and tone each of 0.003 to 0.1.

    Examples
    --------
    >>> draw_rumble(3, np.random.default_rng(0)).shape
    (3,)

    References
    ----------
    Chapter 6.
    """
    t = np.arange(n) / SAMPLE_RATE
    offset, tone = 10 ** rng.uniform(-2.5, -1, 2) * rng.choice((-1, 1), 2)
    y = offset + tone * np.sin(2 * np.pi * (rng.uniform(3, 16) * t + rng.random()))
    return y.astype(np.float32)
