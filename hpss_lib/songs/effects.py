"""What stands between an instrument and a recording: amplifier, compressor, room, equaliser.

Pure functions on mono signals x (n,) at 44.1 kHz; each returns a new signal of the same length and
about the same loudness. `drum_bus`, `part_bus` and `stem_bus` string them together at random, for
training songs that sound recorded (chapter 6).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import butter, oaconvolve, resample_poly, sosfilt

from hpss_lib.stft import SAMPLE_RATE


def rms(x: np.ndarray) -> float:
    """Return the root mean square of x (n,) over the parts that sound (within 40 dB of the top).

    Examples
    --------
    The silent half does not count.

    >>> rms(np.repeat([0.5, 0.0], 4096))
    0.5
    """
    size = max(min(2048, len(x)), 1)
    blocks = np.square(x[: len(x) // size * size].reshape(-1, size), dtype=np.float64).mean(axis=1)
    heard = blocks[blocks > 1e-4 * blocks.max(initial=0.0)]
    return float(np.sqrt(heard.mean())) if len(heard) else 0.0


def _match(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Scale y to the loudness of x."""
    level = rms(y)
    return (y * (rms(x) / level if level > 0 else 1.0)).astype(np.float32)


def band_pass(
    x: np.ndarray, *, low: float | None = None, high: float | None = None, order: int = 2
) -> np.ndarray:
    """Filter a signal by Butterworth slopes.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    low, high : float
        Edges of the band in Hz; None, or beyond half the rate: no slope.
    order : int
        Of each slope: so many times 6 dB an octave.

    Returns
    -------
    ndarray (n,)
        float32.

    Examples
    --------
    >>> t = np.arange(44100) / 44100
    >>> low, high = (band_pass(np.sin(2 * np.pi * f * t), low=1000.0) for f in (50.0, 5000.0))
    >>> bool(rms(low) < 0.01 * rms(high))
    True
    """
    for cut, kind in ((low, "highpass"), (high, "lowpass")):
        if cut is not None and cut < 0.49 * SAMPLE_RATE:
            x = np.asarray(sosfilt(butter(order, cut, kind, fs=SAMPLE_RATE, output="sos"), x))
    return np.asarray(x, np.float32)


def equalise(x: np.ndarray, bands: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """Raise or cut bands of a signal, by peaking biquads.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    bands : sequence of (float, float, float)
        Centre in Hz, gain in dB, and quality of each.

    Returns
    -------
    ndarray (n,)
        float32.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    >>> y = equalise(x, [(1000.0, 6.0, 1.0)])
    >>> round(float(20 * np.log10(rms(y) / rms(x))), 1)
    6.0
    """
    rows = []
    for hertz, gain_db, quality in bands:
        a, w = 10 ** (gain_db / 40), 2 * np.pi * hertz / SAMPLE_RATE
        alpha = np.sin(w) / (2 * quality)
        middle = -2 * np.cos(w)
        row = np.array([1 + alpha * a, middle, 1 - alpha * a, 1 + alpha / a, middle, 1 - alpha / a])
        rows.append(row / row[3])
    return np.array(sosfilt(np.array(rows), x) if rows else x, np.float32)


def amplifier(
    x: np.ndarray,
    *,
    drive: float,
    bias: float = 0.15,
    tight: float = 120.0,
    low: float = 80.0,
    high: float = 5000.0,
    scoop_db: float = -3.0,
    presence_db: float = 4.0,
) -> np.ndarray:
    """Distort a signal as a guitar amplifier and its loudspeaker do.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    drive : float
        Gain into the valve at a loudness of -20 dB, from 1 (clean) to 60 (metal).
    bias : float
        The valve's asymmetry, which makes even harmonics.
    tight : float
        Hz below which less is distorted.
    low, high : float
        The loudspeaker's band in Hz.
    scoop_db, presence_db : float
        The tone stack at 500 Hz and at 2.5 kHz.

    Returns
    -------
    ndarray (n,)
        float32, as loud as x.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 200 * np.arange(44100) / 44100)
    >>> y = amplifier(x, drive=30.0)
    >>> y.shape, bool(np.isclose(rms(y), rms(x), rtol=1e-3))
    ((44100,), True)
    """
    level = rms(x)
    if level == 0:
        return np.array(x, np.float32)
    y = band_pass(x, low=tight, order=1) * (0.1 * drive / level)
    # Twice the rate while distorting: harmonics beyond the band fold back less.
    y = np.tanh(resample_poly(y, 2, 1) + bias) - np.tanh(bias)
    y = resample_poly(y, 1, 2)[: len(x)]
    y = equalise(y, ((500.0, scoop_db, 0.8), (2500.0, presence_db, 1.0)))
    y = band_pass(y, low=low)
    return _match(band_pass(y, high=high, order=4), x)


def compress(
    x: np.ndarray,
    *,
    ratio: float = 4.0,
    below_db: float = 6.0,
    attack: float = 0.005,
    release: float = 0.1,
) -> np.ndarray:
    """Even out a signal: what exceeds a threshold is divided (in dB).

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    ratio : float
        What the excess is divided by.
    below_db : float
        How far the threshold lies below the loudest moment, in dB.
    attack, release : float
        Seconds in which the gain falls and recovers by 63 %.

    Returns
    -------
    ndarray (n,)
        float32, as loud as x.

    Examples
    --------
    A loud and a soft half come nearer to each other.

    >>> x = np.repeat([0.8, 0.2], 44100) * np.sin(np.arange(88200))
    >>> y = compress(x)
    >>> bool(rms(y[:44100]) / rms(y[44100:]) < rms(x[:44100]) / rms(x[44100:]))
    True
    """
    hop = 32
    count = -(-len(x) // hop)
    padded = np.zeros(count * hop, np.float32)
    padded[: len(x)] = x
    power = np.square(padded).reshape(count, hop).max(axis=1)
    level = 10 * np.log10(power + 1e-10)
    over = np.maximum(level - (level.max(initial=-100.0) - below_db), 0) * (1 - 1 / ratio)
    rise, fall = (1 - np.exp(-hop / SAMPLE_RATE / t) for t in (attack, release))
    gain = np.empty(count)
    state = 0.0
    for k, target in enumerate(over.tolist()):
        state += (rise if target > state else fall) * (target - state)
        gain[k] = state
    curve = np.interp(np.arange(len(x)), (np.arange(count) + 0.5) * hop, 10 ** (-gain / 20))
    return _match(x * curve, x)


def impulse_response(
    rng: np.random.Generator, *, seconds: float, early: float = 0.5, damping: float = 4000.0
) -> np.ndarray:
    """Draw a room's reflections, without the direct sound: some early ones, then a noise tail.

    Parameters
    ----------
    rng : Generator
        Where they are drawn from.
    seconds : float
        Reverberation time, to -60 dB.
    early : float
        Share of the early reflections, 0-1.
    damping : float
        Hz above which the tail dies faster.

    Returns
    -------
    ndarray (n,)
        float32 of unit energy.

    Examples
    --------
    >>> len(impulse_response(np.random.default_rng(0), seconds=0.5)) / SAMPLE_RATE
    0.5
    """
    n = max(int(seconds * SAMPLE_RATE), 256)
    t = np.arange(n) / SAMPLE_RATE
    tail = rng.standard_normal(n) * 10 ** (-3 * t / seconds)
    dull = band_pass(tail, high=damping, order=1)
    mix = np.exp(-t / (0.25 * seconds))
    tail = mix * tail + (1 - mix) * dull  # the treble goes first
    tail *= 1 - np.exp(-t / 0.008)
    taps = np.zeros(n)
    at = (rng.uniform(0.002, 0.04, size=12) * SAMPLE_RATE).astype(int)
    np.add.at(taps, at[at < n], (rng.choice([-1, 1], 12) * rng.uniform(0.3, 1, 12))[at < n])
    parts = [p / (np.sqrt(np.sum(p**2)) + 1e-9) for p in (tail, taps)]
    h = (1 - early) * parts[0] + early * parts[1]
    return (h / np.sqrt(np.sum(h**2))).astype(np.float32)


def room(x: np.ndarray, response: np.ndarray, *, wet: float) -> np.ndarray:
    """Place a signal in a room.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    response : ndarray (m,)
        The room's reflections, as `impulse_response` draws them.
    wet : float
        Their share, 0-1; the rest is the direct sound.

    Returns
    -------
    ndarray (n,)
        float32, as loud as x.

    Examples
    --------
    >>> x = np.eye(1, 44100)[0]
    >>> y = room(x, impulse_response(np.random.default_rng(0), seconds=0.5), wet=0.3)
    >>> y.shape, bool(np.abs(y[10000:]).max() > 0)  # it rings on
    ((44100,), True)
    """
    far = oaconvolve(x, response)[: len(x)]
    return _match((1 - wet) * x + wet * far, x)


def chorus(x: np.ndarray, *, hertz: float = 0.8, wet: float = 0.4) -> np.ndarray:
    """Add a copy of a signal whose delay sways between 10 and 14 ms.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    hertz : float
        How often it sways.
    wet : float
        Share of the copy, 0-1.

    Returns
    -------
    ndarray (n,)
        float32, as loud as x.

    Examples
    --------
    >>> chorus(np.sin(np.arange(44100) / 50)).shape
    (44100,)
    """
    t = np.arange(len(x))
    delay = SAMPLE_RATE * (0.012 + 0.002 * np.sin(2 * np.pi * hertz * t / SAMPLE_RATE))
    copy = np.interp(t - delay, t, x, left=0.0)
    return _match((1 - wet) * x + wet * copy, x)


def random_equaliser(
    rng: np.random.Generator, *, bands: int = 3, most_db: float = 5.0
) -> tuple[tuple[float, float, float], ...]:
    """Draw so many bands for `equalise`, their centres spread over 80 Hz to 12 kHz.

    Examples
    --------
    >>> len(random_equaliser(np.random.default_rng(0), bands=4))
    4
    """
    return tuple(
        (float(10 ** rng.uniform(1.9, 4.08)), float(rng.uniform(-most_db, most_db)),
         float(rng.uniform(0.4, 1.2)))
        for _ in range(bands)
    )  # fmt: skip


def drum_bus(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Treat a drum stem x (n,) as an engineer might: room, compression, colour, saturation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drum_bus(rng.standard_normal(44100), rng).shape
    (44100,)
    """
    x = equalise(x, random_equaliser(rng))
    if rng.random() < 0.7:
        response = impulse_response(
            rng,
            seconds=float(10 ** rng.uniform(-0.8, 0.15)),
            early=float(rng.uniform(0.1, 0.8)),
            damping=float(rng.uniform(2500, 9000)),
        )
        if rng.random() < 0.4:  # a room microphone, squeezed
            response = response[: len(x)]
            squeezed = compress(room(x, response, wet=0.8), ratio=8, below_db=18, release=0.15)
            x = _match(x + float(rng.uniform(0.2, 0.8)) * squeezed, x)
        else:
            x = room(x, response, wet=float(rng.uniform(0.05, 0.45)))
    if rng.random() < 0.6:
        x = compress(
            x,
            ratio=float(rng.uniform(2, 8)),
            below_db=float(rng.uniform(4, 18)),
            attack=float(rng.uniform(0.001, 0.02)),
            release=float(rng.uniform(0.04, 0.25)),
        )
    if rng.random() < 0.3:
        top = float(np.max(np.abs(x), initial=1e-9))
        x = _match(np.tanh(x * (float(rng.uniform(1, 5)) / top)), x)
    return x


def part_bus(
    x: np.ndarray, rng: np.random.Generator, *, kind: str, drive: float = 0.0
) -> np.ndarray:
    """Treat one part as an engineer might: amplifier, compression, chorus, colour, room.

    Parameters
    ----------
    x : ndarray (n,)
        The signal.
    rng : Generator
        Which of these, and how much, is drawn from it.
    kind : str
        "guitar", "bass", "voice" or "keys".
    drive : float
        As for `amplifier`; up to 1, guitar and bass are not amplified.

    Returns
    -------
    ndarray (n,)
        float32, about as loud as x.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> part_bus(rng.standard_normal(44100), rng, kind="bass").shape
    (44100,)
    """
    if kind in ("guitar", "bass") and drive > 1:
        if rng.random() < 0.3:
            x = compress(x, ratio=4, below_db=15)
        x = amplifier(
            x,
            drive=drive,
            bias=float(rng.uniform(0, 0.35)),
            tight=float(rng.uniform(60, 250)) if kind == "guitar" else 30.0,
            low=float(rng.uniform(60, 110)) if kind == "guitar" else 35.0,
            high=float(rng.uniform(3500, 7500)),
            scoop_db=float(rng.uniform(-8, 2)),
            presence_db=float(rng.uniform(0, 8)),
        )
    elif kind in ("voice", "bass") or rng.random() < 0.3:
        x = compress(x, ratio=float(rng.uniform(2, 6)), below_db=float(rng.uniform(6, 18)))
    if kind in ("guitar", "keys") and rng.random() < 0.2:
        x = chorus(x, hertz=float(rng.uniform(0.3, 2.5)), wet=float(rng.uniform(0.2, 0.5)))
    x = equalise(x, random_equaliser(rng, bands=2))
    if (kind == "voice" and rng.random() < 0.7) or rng.random() < 0.15:
        response = impulse_response(rng, seconds=float(rng.uniform(0.6, 2.2)), early=0.3)
        x = room(x, response, wet=float(rng.uniform(0.1, 0.4)))
    return x


def stem_bus(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Treat a whole harmonic stem x (n,): colour, a room, now and then compression or overdrive.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> stem_bus(rng.standard_normal(44100), rng).shape
    (44100,)
    """
    x = equalise(x, random_equaliser(rng, bands=2, most_db=4))
    if rng.random() < 0.5:
        response = impulse_response(rng, seconds=float(10 ** rng.uniform(-0.7, 0.2)))
        x = room(x, response, wet=float(rng.uniform(0.03, 0.3)))
    if rng.random() < 0.3:
        x = compress(x, ratio=3, below_db=float(rng.uniform(4, 12)))
    if rng.random() < 0.15:
        top = float(np.max(np.abs(x), initial=1e-9))
        x = _match(np.tanh(x * (float(rng.uniform(0.5, 2)) / top)), x)
    return x
