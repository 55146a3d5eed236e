"""What a listener writes down of a piece: onsets, beats, chords (chapter 11).

Onsets and beats are librosa's, the chords those of the simplest templates. All of them hear a
signal at 22.05 kHz; what they hear better in a part than in the mixture is chapter 11's question.
"""

import re

import numpy as np

from hpss_lib.audio import resample
from hpss_lib.stft import SAMPLE_RATE, check_signal

RATE = 22050  # Hz, for which librosa's settings are made
HOP = 2048  # samples at RATE from one chroma to the next, 93 ms
NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
TRIADS = (*NOTES, *(f"{note}m" for note in NOTES))  # 12 major, 12 minor
_SMOOTH = 9  # chromas, 0.8 s, whose median is taken: a chord lasts longer than a passing note


def find_onsets(x: np.ndarray) -> np.ndarray:
    """Find where notes and strokes begin, by librosa.

    Where the spectrum grows in many bins at once, and more than around it (librosa's
    `onset_detect` with its own settings).

    Parameters
    ----------
    x : ndarray, (n,)
        At 44.1 kHz, float32 or float64.

    Returns
    -------
    ndarray, (m,)
        In s, ascending, in steps of 23 ms.

    Raises
    ------
    ValueError, TypeError
        If x is no signal.

    Examples
    --------
    >>> x = click_track(np.array([0.5, 1.0]), 2 * 44100)
    >>> bool(np.abs(find_onsets(x) - [0.5, 1.0]).max() < 0.05)
    True

    References
    ----------
    Chapter 11.
    """
    import librosa

    return librosa.onset.onset_detect(y=_at_rate(x), sr=RATE, units="time")


def find_beats(x: np.ndarray) -> np.ndarray:
    """Find the beats that a listener's foot would tap, by librosa.

    One tempo for the whole piece, and the beats at that tempo that meet the strongest onsets
    (librosa's `beat_track`, with its own settings, but to the ends of the signal).

    Parameters
    ----------
    x : ndarray, (n,)
        At 44.1 kHz, float32 or float64.

    Returns
    -------
    ndarray, (m,)
        In s, ascending; none where nothing begins.

    Raises
    ------
    ValueError, TypeError
        If x is no signal.

    Examples
    --------
    >>> x = click_track(np.arange(0.5, 9.6, 0.5), 10 * 44100)
    >>> float(np.median(np.diff(find_beats(x))).round(2))
    0.51

    References
    ----------
    Ellis (2007). Chapter 11.
    """
    import librosa

    return librosa.beat.beat_track(y=_at_rate(x), sr=RATE, units="time", trim=False)[1]


def chroma(x: np.ndarray) -> np.ndarray:
    """Measure how strong each of the twelve notes sounds, whatever its octave.

    Parameters
    ----------
    x : ndarray, (n,)
        At 44.1 kHz, float32 or float64, tuned to 440 Hz.

    Returns
    -------
    ndarray, (12, T)
        float32 from 0 to 1, C first, a column every HOP / RATE = 93 ms; the strongest note of a
        column has 1.

    Raises
    ------
    ValueError, TypeError
        If x is no signal.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 440 / 44100 * np.arange(2 * 44100))
    >>> NOTES[int(chroma(x).mean(axis=1).argmax())]
    'A'

    References
    ----------
    Fujishima (1999). Chapter 11.
    """
    import librosa

    y = _at_rate(x)
    return np.asarray(librosa.feature.chroma_cqt(y=y, sr=RATE, hop_length=HOP, tuning=0.0))


def templates() -> np.ndarray:
    """Draw the chroma of each triad: one for its root, third and fifth, and zero elsewhere.

    Returns
    -------
    ndarray, (24, 12)
        float64, in the order of TRIADS.

    Examples
    --------
    >>> [NOTES[note] for note in np.flatnonzero(templates()[TRIADS.index("Dm")])]
    ['D', 'F', 'A']

    References
    ----------
    Fujishima (1999). Chapter 11.
    """
    T = np.zeros((24, 12))
    for root in range(12):
        for row, third in ((root, 4), (root + 12, 3)):
            T[row, [root, (root + third) % 12, (root + 7) % 12]] = 1
    return T


def find_chords(C: np.ndarray) -> np.ndarray:
    """Find the triad whose template each chroma is most like, after a median over 0.8 s.

    Parameters
    ----------
    C : ndarray, (12, T)
        From `chroma`.

    Returns
    -------
    ndarray, (T,)
        int: the place of each triad in TRIADS.

    Raises
    ------
    ValueError
        If C does not have twelve rows.

    Examples
    --------
    >>> [TRIADS[k] for k in find_chords(templates()[[9, 9, 9]].T)]
    ['A', 'A', 'A']

    References
    ----------
    Fujishima (1999). Chapter 11.
    """
    if C.ndim != 2 or len(C) != 12:
        raise ValueError(f"C has shape {C.shape}; a chroma has twelve rows, (12, T)")
    padded = np.pad(C, ((0, 0), (_SMOOTH // 2, _SMOOTH // 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH, axis=1)
    return (templates() @ np.median(windows, axis=-1)).argmax(axis=0)


def triad(symbol: str) -> str | None:
    """Reduce the name of a chord to the triad that it stands on.

    Parameters
    ----------
    symbol : str
        Such as "Am7" or "F#m7b5".

    Returns
    -------
    str or None
        One of TRIADS; None for chords without a third or with another fifth than a pure one.

    Raises
    ------
    ValueError
        If the name does not begin with a note.

    Examples
    --------
    >>> [triad(symbol) for symbol in ("Fmaj7", "Dm9", "A7b9", "Db", "E5", "F#m7b5")]
    ['F', 'Dm', 'A', 'C#', None, None]

    References
    ----------
    Chapter 11.
    """
    found = re.match(r"([A-G])([#b]?)(maj|m(?!aj)|)(.*)", symbol)
    if not found:
        raise ValueError(f"{symbol!r} is no chord: a name begins with a note from A to G")
    letter, accidental, kind, rest = found.groups()
    if rest.startswith("5") or "b5" in rest or re.match(r"dim|aug|sus|\+", rest):
        return None
    root = (NOTES.index(letter) + {"#": 1, "b": -1, "": 0}[accidental]) % 12
    return NOTES[root] + ("m" if kind == "m" else "")


def right_chords(
    found: np.ndarray, chords: tuple[tuple[float, float, str], ...]
) -> tuple[float, np.ndarray]:
    """Compare the triads that were found with those that were played.

    Parameters
    ----------
    found : ndarray, (T,)
        From `find_chords`.
    chords : tuple of (float, float, str)
        From, to, in s, and the chord's name, as an Excerpt has them.

    Returns
    -------
    share : float
        Of the time with a major or minor triad: how much of it was named right, 0 to 1.
    played : ndarray, (T,)
        int: the place of the right triad in TRIADS, -1 where there is none.

    Raises
    ------
    ValueError
        If no column falls into a chord that is a triad.

    Examples
    --------
    >>> chords = ((0.0, 0.5, "Am"), (0.5, 1.0, "C"))
    >>> right_chords(np.full(10, TRIADS.index("Am")), chords)[0]
    0.6

    References
    ----------
    Chapter 11.
    """
    time = np.arange(len(found)) * HOP / RATE
    played = np.full(len(found), -1)
    for start, end, symbol in chords:
        name = triad(symbol)
        if name is not None:
            played[(time >= start) & (time < end)] = TRIADS.index(name)
    if not (played >= 0).any():
        raise ValueError("no column of `found` falls into a chord that is a major or minor triad")
    return float(np.mean(found[played >= 0] == played[played >= 0])), played


def click_track(times: np.ndarray, length: int, *, level: float = 0.5) -> np.ndarray:
    """Make a click, 30 ms of a fading tone of 1.5 kHz, at each time.

    Parameters
    ----------
    times : ndarray, (m,)
        In s; what lies outside the signal is left out.
    length : int
        Samples at 44.1 kHz.
    level : float
        The height of a click, full scale being 1.

    Returns
    -------
    ndarray, (length,)
        float32.

    Examples
    --------
    >>> x = click_track(np.array([0.1]), 44100)
    >>> int(np.flatnonzero(x)[0]) // 44
    100

    References
    ----------
    Chapter 11.
    """
    t = np.arange(round(0.03 * SAMPLE_RATE)) / SAMPLE_RATE
    click = (level * np.sin(2 * np.pi * 1500 * t) * np.exp(-t / 0.006)).astype(np.float32)
    x = np.zeros(length, np.float32)
    for start in np.round(np.asarray(times) * SAMPLE_RATE).astype(int):
        if 0 <= start < length:
            piece = x[start : start + len(click)]
            piece += click[: len(piece)]
    return x


def _at_rate(x: np.ndarray) -> np.ndarray:
    check_signal(x)
    return resample(x.astype(np.float32), SAMPLE_RATE, RATE)
