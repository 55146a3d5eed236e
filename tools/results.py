"""Score everything that chapter 9 compares, and write its table.

    python tools/results.py FOLDER --full FILE --out FILE

FOLDER holds songs as drums.* and harmonic.*; the book's own excerpts are scored as well. --full
receives every row of `python -m hpss_lib evaluate` (which can be stopped, and goes on where it
was); --out the rows of whole songs and the frames of the published protocol, which are all that the
book shows. Frames of one second are many, and their medians are in the rows of the songs.
"""

import argparse
import csv
import math
import statistics
from pathlib import Path

from hpss_lib import evaluation, scoreboard
from hpss_lib.audio import SOURCES

# What is scored in which settings. Oracles bound what the methods can reach.
METHODS = {
    ("compact", "1", "2"): ("median", "kam", "irm"),
    ("compact",): ("mixture", "librosa", "ibm", "true", "true+pu", "true+pu-iter"),
}
NETWORK = {
    ("compact", "1", "2"): ("mad", "mad+pu"),
}

# What the table by song shows: the mixture's phase, and each method in the setting that suits it.
SHOWN = {
    "mixture": "scaled mixture", "librosa": "librosa's median", "kam 2": "KAM, setting 2",
    "mad compact": "network", "irm compact": "ideal ratio mask",
}  # fmt: skip


def by_song(rows: list[scoreboard.Row]) -> str:
    """Whole songs of FOLDER, plain SDR and museval's (v4): drums / rest, and medians by kind."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        method = f"{row['method']} {row['setting']}".strip()
        if row["frame"] is None and method in SHOWN and row["protocol"] in ("plain", "v4-1s"):
            place = row["protocol"], row["song"], row["source"]
            found.setdefault(place, {})[method] = row["sdr"]
    lines = []
    for protocol in ("plain", "v4-1s"):
        songs = [s for kind, s, source in found if (kind, source) == (protocol, "percussive")]
        kinds: dict[str, list[str]] = {}
        for song in songs:
            kinds.setdefault(song.partition("_")[0], []).append(song)
        lines.append(f"{protocol:24s}" + "".join(f"{name:>18s}" for name in SHOWN.values()))

        def cells(of, protocol=protocol):
            pairs = [
                [
                    statistics.median(found[protocol, s, k].get(m, math.nan) for s in of)
                    for k in SOURCES
                ]
                for m in SHOWN
            ]
            return "".join(f"{p:>10.2f} /{h:6.2f}" for p, h in pairs)

        lines += [f"{song:24s}{cells([song])}" for song in songs]
        lines += [f"{f'median of {len(s)} {kind}_*':24s}{cells(s)}" for kind, s in kinds.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--baselines", action="store_true", help="only what has no weights")
    options = parser.parse_args()
    songs = [*evaluation.list_songs(str(options.folder)), *evaluation.list_songs("excerpts")]
    failures = []
    for wanted in (METHODS,) if options.baselines else (METHODS, NETWORK):
        for settings, methods in wanted.items():
            kept = {"methods": methods, "settings": settings, "workers": options.workers}
            rows, failed = evaluation.evaluate(songs, options.full, **kept)
            failures += failed
    if failures:
        raise SystemExit("\n".join(failures))
    if options.out is None:
        return
    shown = [r for r in rows if r["frame"] is None or r["protocol"] == "v3-30s"]
    order = {song.name: k for k, song in enumerate(songs)}
    listed = [m for kinds in (METHODS, NETWORK) for ms in kinds.values() for m in ms]
    shown.sort(key=lambda r: (order[r["song"]], listed.index(r["method"]), r["setting"]))
    with options.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, scoreboard.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: scoreboard.csv_text(v) for k, v in r.items()} for r in shown)
    print(scoreboard.format_summary(shown), end="\n\n")
    own = {song.name for song in evaluation.list_songs(str(options.folder))}
    print(by_song([r for r in shown if r["song"] in own]))


if __name__ == "__main__":
    main()
