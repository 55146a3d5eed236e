"""Compare three ways to separate stereo: `python tools/stereo.py --data DIR ... --out FILE`.

Songs whose stems are known in mono are mixed in stereo in two layouts. In "band", what the drums
have below 5 kHz (kick, snare, toms) and what the rest has below 250 Hz (the bass) stand in the
middle, the cymbals a little to the right, all other instruments to the left. In "apart", as in
early stereo, the drums are right and the rest is left. Each song is then separated again with each
channel on its own, with one mask for both from the mean of their magnitudes, and as middle and
side. Measured are the SDR of both parts over both channels, and in "band" how far the drums in the
middle wander: the root mean square of the level difference between the channels (dB) of the
percussive estimate below 4 kHz, over the frames in which the true drums are within 20 dB of their
loudest.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from hpss_lib.data import read_song
from hpss_lib.evaluation import list_songs
from hpss_lib.measures import sdr
from hpss_lib.separation import METHODS
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft

MIDDLE = 5000.0  # Hz: the drums below stand in the middle
BASS = 250.0  # Hz: so does the rest below
RIGHT, LEFT = 0.3, -0.5  # where the cymbals and the other instruments stand; -1 ... 1
AUDIBLE = 20.0  # dB below the loudest frame of the drums

Estimate = Callable[[np.ndarray], np.ndarray]  # V (F, T) -> V_p (F, T)


def pan(x: np.ndarray, position: float) -> np.ndarray:
    """Place x (n,) in stereo (n, 2) at a position from -1, left, to 1, right, at constant power."""
    angle = np.pi / 4 * (1 + position)
    return np.stack([np.cos(angle) * x, np.sin(angle) * x], axis=1)


def split(x: np.ndarray, hertz: float) -> tuple[np.ndarray, np.ndarray]:
    """What of x (n,) lies below a frequency and what lies above; the two sum to x."""
    X = stft(x, COMPACT)
    slope = np.clip((np.fft.rfftfreq(COMPACT.n_fft, 1 / SAMPLE_RATE) / hertz - 0.8) / 0.4, 0, 1)
    high = istft(slope[:, None].astype(np.float32) * X, COMPACT, len(x))
    return x - high, high


def band(x_p: np.ndarray, x_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two stems (n,) each, in stereo (n, 2), as a band is mixed."""
    drums, cymbals = split(x_p, MIDDLE)
    bass, others = split(x_h, BASS)
    return pan(drums, 0) + pan(cymbals, RIGHT), pan(bass, 0) + pan(others, LEFT)


def apart(x_p: np.ndarray, x_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The drums right, the rest left."""
    return pan(x_p, 1), pan(x_h, -1)


LAYOUTS = {"band": band, "apart": apart}
MEASURES = ("drums", "rest", "wandering")


def _masked(X: np.ndarray, V: np.ndarray, V_p: np.ndarray) -> np.ndarray:
    return X * V_p / np.maximum(V, np.finfo(np.float32).tiny)


def each_alone(X: np.ndarray, estimate: Estimate) -> np.ndarray:
    """S_p (2, F, T) of a stereo spectrogram X (2, F, T), each channel on its own."""
    return np.stack([_masked(X_c, np.abs(X_c), estimate(np.abs(X_c))) for X_c in X])


def one_mask(X: np.ndarray, estimate: Estimate) -> np.ndarray:
    """The same with one mask for both, from the mean of the channels' magnitudes."""
    V = np.abs(X).mean(axis=0)
    return _masked(X, V, estimate(V))


def middle_and_side(X: np.ndarray, estimate: Estimate) -> np.ndarray:
    """The same from the sum and the difference of the channels, each on its own."""
    middle, side = each_alone(np.stack([X[0] + X[1], X[0] - X[1]]) / 2, estimate)
    return np.stack([middle + side, middle - side])


WAYS = {
    "each channel alone": each_alone,
    "one mask": one_mask,
    "middle and side": middle_and_side,
}


def wandering(s_p: np.ndarray, x_p: np.ndarray) -> float:
    """By how many dB the channels of s_p (n, 2) differ where those of x_p (n, 2) do not."""
    below = int(0.8 * MIDDLE * COMPACT.n_fft / SAMPLE_RATE)
    true, left, right = (
        np.sum(np.abs(stft(np.ascontiguousarray(s), COMPACT)[:below]) ** 2, axis=0)
        for s in (x_p[:, 0], s_p[:, 0], s_p[:, 1])
    )
    heard = true > 10 ** (-AUDIBLE / 10) * true.max()
    floor = 1e-12 * true.max()
    D = 10 * np.log10((left + floor) / (right + floor))
    return float(np.sqrt(np.mean(D[heard] ** 2)))


def rows(
    name: str, layout: str, x_p: np.ndarray, x_h: np.ndarray, methods: Sequence[str]
) -> Iterator[dict]:
    """The scores of one song in stereo, (n, 2) each, by each method in each way."""
    x = x_p + x_h
    X = np.stack([stft(np.ascontiguousarray(c), COMPACT) for c in x.T])
    for method in methods:
        estimator = METHODS[method].prepare(COMPACT)
        for way, work in WAYS.items():
            S_p = work(X, lambda V, e=estimator: e.estimate(V, 0, 0)[0])
            s_p = np.stack([istft(S, COMPACT, len(x)) for S in S_p], axis=1)
            scores = (
                sdr(x_p.ravel(), s_p.ravel()),
                sdr(x_h.ravel(), (x - s_p).ravel()),
                wandering(s_p, x_p) if layout == "band" else np.nan,
            )
            labels = {"song": name, "method": method, "layout": layout, "way": way}
            yield labels | {k: round(v, 3) for k, v in zip(MEASURES, scores, strict=True)}


def main() -> None:
    """Score all songs in all ways and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", required=True, help="excerpts, or folders of songs")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=20.0, help="from the middle (default: 20)")
    parser.add_argument("--methods", nargs="+", default=["mad", "median"])
    args = parser.parse_args()
    songs = [song for data in args.data for song in list_songs(data)]
    table = []
    for song in songs:
        signals = read_song(song)
        n = min(len(s) for s in signals)
        kept = min(n, round(args.seconds * SAMPLE_RATE))
        x_p, x_h = (s[(n - kept) // 2 :][:kept] for s in signals)
        for layout, mix in LAYOUTS.items():
            table += rows(song.name, layout, *mix(x_p, x_h), args.methods)
        print(song.name, flush=True)
    with args.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    for method, layout, way in product(args.methods, LAYOUTS, WAYS):
        own = [
            row
            for row in table
            if (row["method"], row["layout"], row["way"]) == (method, layout, way)
        ]
        medians = (f"{np.median([row[k] for row in own]):.2f}" for k in MEASURES)
        print(f"{method:8s}{layout:8s}{way:20s}", *medians)


if __name__ == "__main__":
    main()
