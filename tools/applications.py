"""Measure what separation is good for: `python tools/applications.py --out FILE`.

Each of the book's excerpts, whole, separated by the network, and what is done with it (chapter 11):

rhythm    onsets and beats of the mixture, of the percussive part and of the true drums, with the
          drums at their level and 6, 12 and 18 dB below: F-measures by mir_eval (50 ms for onsets,
          70 ms for beats), against the strokes and the beats as composed; "offbeat" is that against
          the middles between the beats
chords    of the mixture, of the harmonic part and of the true rest: the share of the time in which
          the right triad was named
mixing    drums at other levels, set on the parts: the SDR of the new mixture, by the network and by
          the median filter
stretching the mixture by phase vocoder and by overlap-add alone, by its parts, and by the true
          stems: attacks of the strokes that rise by 6 dB in the mixture (median, dB), tones kept
          (dB) in the frames in which the drums lie 15 dB below the rest

Strokes are those of the scores in tools/render_excerpts.py, as played; strokes within 30 ms count
as one.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import mir_eval
import numpy as np
from render_excerpts import EXCERPTS as SCORES
from render_excerpts import SEED

from hpss_lib import stretching, transcription
from hpss_lib.audio import EXCERPTS, load_excerpt
from hpss_lib.measures import sdr
from hpss_lib.separation import separate
from hpss_lib.songs.performing import perform
from hpss_lib.stft import COMPACT, SAMPLE_RATE, stft

LEVELS = (0, -6, -12, -18)  # dB, of the drums
FADERS = (-12, -6, -3, 0, 3, 6, 12)  # dB
FACTORS = (0.8, 1.3, 2.0)
COLUMNS = ("task", "song", "heard", "at", "measure", "value")


def gain(decibels: float) -> np.float32:
    """The factor that decibels are."""
    return np.float32(10 ** (decibels / 20))


def strokes(name: str) -> np.ndarray:
    """When the strokes of an excerpt's drums begin, in s, those within 30 ms once."""
    notes = perform(SCORES[name][3], SEED).notes
    onsets = np.unique([note.onset for note in notes if note.percussive])
    return onsets[np.diff(onsets, prepend=-1.0) > 0.03]


def rhythm(name: str, x_p: np.ndarray, x_h: np.ndarray) -> Iterator[tuple]:
    """Rows (heard, at, measure, value) of onsets and beats."""
    beats, hits = np.array(EXCERPTS[name].beats), strokes(name)
    offbeats = (beats[1:] + beats[:-1]) / 2
    for level in LEVELS:
        drums = gain(level) * x_p
        x = drums + x_h
        heard = {"mixture": x, "part": separate(x, SAMPLE_RATE)[0], "stem": drums}
        for label, signal in heard.items():
            found = transcription.find_beats(signal)
            found = found[found < beats[-1] + 0.07]  # what fades behind the last beat is no music
            yield label, level, "beats", mir_eval.beat.f_measure(beats, found)
            yield label, level, "offbeat", mir_eval.beat.f_measure(offbeats, found)
            onsets = transcription.find_onsets(signal)
            yield label, level, "onsets", mir_eval.onset.f_measure(hits, onsets)[0]


def chords(name: str, x: np.ndarray, s_h: np.ndarray, x_h: np.ndarray) -> Iterator[tuple]:
    """Rows (heard, at, measure, value) of chords."""
    for label, signal in {"mixture": x, "part": s_h, "stem": x_h}.items():
        found = transcription.find_chords(transcription.chroma(signal))
        share, _ = transcription.right_chords(found, EXCERPTS[name].chords)
        yield label, 0, "right", share


def mixing(x_p: np.ndarray, x_h: np.ndarray, parts: dict) -> Iterator[tuple]:
    """Rows (heard, at, measure, value) of new mixtures; heard is the method."""
    for method, (s_p, s_h) in parts.items():
        for fader in FADERS:
            g = gain(fader)
            yield method, fader, "sdr", sdr(g * x_p + x_h, g * s_p + s_h)


def stretched(
    name: str, x_p: np.ndarray, x_h: np.ndarray, s_p: np.ndarray, s_h: np.ndarray
) -> Iterator[tuple]:
    """Rows (heard, at, measure, value) of stretched music; heard is the way."""
    x = x_p + x_h
    times = strokes(name)
    rises = stretching.attacks(x, times)
    times = times[rises > 6]
    drums, rest = (np.sum(np.abs(stft(s, COMPACT)) ** 2, axis=0) for s in (x_p, x_h))
    ruled = drums < 10**-1.5 * rest
    yield "original", 1.0, "attacks", float(np.median(rises[rises > 6]))
    yield "original", 1.0, "strokes", len(times)
    for factor in FACTORS:
        ways = {
            "phase vocoder": stretching.stretch_tones(x, factor),
            "overlap-add": stretching.stretch_strokes(x, factor),
            "parts": sum(stretching.stretch(s_p, s_h, factor)),
            "stems": sum(stretching.stretch(x_p, x_h, factor)),
        }
        for way, y in ways.items():
            rise = stretching.attacks(y, times * factor)
            yield way, factor, "attacks", float(np.nanmedian(rise))
            yield way, factor, "tones", stretching.tones_kept(x, y, factor, ruled)


def song_rows(name: str) -> Iterator[tuple]:
    """All rows of an excerpt: (task, song, heard, at, measure, value)."""
    x_p, x_h = load_excerpt(name)
    x = x_p + x_h
    parts = {method: separate(x, SAMPLE_RATE, method=method) for method in ("mad", "median")}
    s_p, s_h = parts["mad"]
    tasks = {
        "rhythm": rhythm(name, x_p, x_h),
        "chords": chords(name, x, s_h, x_h),
        "mixing": mixing(x_p, x_h, parts),
        "stretching": stretched(name, x_p, x_h, s_p, s_h),
    }
    for task, rows in tasks.items():
        yield from ((task, name, *row) for row in rows)


def main() -> None:
    """Measure all excerpts, and write one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    options = parser.parse_args()
    rows = []
    for name in EXCERPTS:
        rows += song_rows(name)
        print(name, flush=True)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((*row[:-1], f"{row[-1]:.4f}") for row in rows)


if __name__ == "__main__":
    main()
