"""The table of scores: its rows, its csv file, and what it says in short (chapter 9).

rows of `evaluation`  ->  one csv file  ->  `read_rows`  ->  `summary`, `format_summary`
"""

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hpss_lib.audio import SOURCES
from hpss_lib.drafts import whole
from hpss_lib.measures import METRICS, median_defined

COLUMNS = (
    "song",
    "part",  # "whole" or how many seconds from the middle of it
    "method",
    "setting",
    "estimate",  # the setting in which a network worked, where it is not `setting`
    "source",
    "protocol",  # a key of PROTOCOLS, "plain" or "scale-invariant"
    "frame",  # its number, or nothing: then the row is the song's, the median of its frames
    "start",  # of the frame, seconds
    "seconds",  # how much of the song has been scored
    *METRICS,  # dB; nothing: undefined
    "frames",  # how many this row stands for
    "undefined",  # how many of them have no score and are left out of the median
    "note",  # why, or anything else to know
    "version",
    "museval",
    "weights",
    "data",  # the first digits of a hash of the song's files; nothing in older files of results
)
Row = dict[str, Any]
_MADE_BY = ("version", "museval", "weights")
_GROUP = ("part", "method", "setting", "estimate", "protocol", "source", *_MADE_BY)


def read_rows(path: str | Path) -> list[Row]:
    """Read the rows of a file of `evaluation.evaluate`.

    A row that an interruption cut short is left out.

    Parameters
    ----------
    path : path
        Of the csv file.

    Returns
    -------
    list of dict
        By the names in COLUMNS: scores and seconds as float, NaN if undefined; frames and counts as
        int, None for the frame of a whole song; the rest as text.

    Raises
    ------
    ValueError
        If the file has other columns, or is damaged.
    FileNotFoundError
        If there is none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "results.csv"
    ...     write_rows(path, [{"song": "one", "sdr": 7.5, "frames": 1}])
    ...     (row,) = read_rows(path)
    >>> row["song"], row["sdr"], row["sir"], row["frame"]
    ('one', 7.5, nan, None)
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        try:
            if tuple(reader.fieldnames or ()) in (COLUMNS, COLUMNS[:-1]):
                return [{"data": "", **_typed(row)} for row in reader if None not in row.values()]
        except (ValueError, csv.Error) as error:  # no number, no text, no end of a quotation
            raise ValueError(
                f"{path} is damaged near line {reader.line_num} ({error}): mend it there, or name "
                "another file"
            ) from error
    raise ValueError(f"{path} is no file of results (its columns differ): name another one")


def _typed(row: dict[str, str]) -> Row:
    typed: Row = {name: text for name, text in row.items() if name is not None}
    for name in ("start", "seconds", *METRICS):
        typed[name] = float(row[name]) if row[name] else math.nan
    for name in ("frame", "frames", "undefined"):
        typed[name] = int(row[name]) if row[name] else None
    return typed


def to_csv(rows: Iterable[Row]) -> str:
    r"""Rows as lines of the csv file, without its first line.

    Parameters
    ----------
    rows : iterable of dict
        By the names in COLUMNS; what is missing stays empty.

    Returns
    -------
    str

    Examples
    --------
    >>> to_csv([{"song": "one", "sdr": 7.5}])
    'one,,,,,,,,,,7.5000,,,,,,,,,,\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([csv_text(row.get(name)) for name in COLUMNS])
    return text.getvalue()


def csv_text(value: Any) -> Any:
    """A value as the csv file holds it.

    Parameters
    ----------
    value : object
        A score, a count or a word.

    Returns
    -------
    object
        Scores to four digits, "" for what is undefined, anything else as it is.

    Examples
    --------
    >>> csv_text(7.51239), csv_text(math.nan), csv_text(3)
    ('7.5124', '', 3)
    """
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4f}"
    return "" if value is None else value


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Replace the file by these rows, whole or not at all.

    Parameters
    ----------
    path : Path
        Of the csv file; its folder is made if missing.
    rows : iterable of dict
        By the names in COLUMNS.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_rows(Path(folder) / "new" / "results.csv", [])
    ...     read_rows(Path(folder) / "new" / "results.csv")
    []
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as (draft,):
        draft.write_text(",".join(COLUMNS) + "\n" + to_csv(rows), encoding="utf-8")


def summary(rows: Iterable[Row]) -> list[Row]:
    """Medians by method, setting, protocol and source, with what they leave out.

    What different versions, or different weights, have computed is never put together.

    Parameters
    ----------
    rows : iterable of dict
        Of `evaluation.evaluate`.

    Returns
    -------
    list of dict
        Each has sdr, isr, sir, sar twice, told apart by `over`: as "median of songs", of the songs'
        own medians, and, for protocols with frames, as "median of frames", of all songs' frames
        together (how the published figures were made). Beside them: how many `songs` have a score,
        `songs_left_out`, how many `frames` there are and how many of them are `undefined` and left
        out. Chapter 9.

    Examples
    --------
    >>> row = dict.fromkeys(COLUMNS, "") | dict.fromkeys(METRICS, math.nan)
    >>> row |= {"frame": None, "frames": 1, "undefined": 0}
    >>> rows = [row | {"song": str(k), "sdr": k} for k in (1.0, 2.0, 6.0, math.nan)]
    >>> (found,) = summary(rows)
    >>> found["over"], found["sdr"], found["songs"], found["songs_left_out"]
    ('median of songs', 2.0, 3, 1)
    """
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        over = "songs" if row["frame"] is None else "frames"
        groups.setdefault((*(row[name] for name in _GROUP), f"median of {over}"), []).append(row)
    table = []
    for (*shared, over), group in groups.items():
        labels = dict(zip(_GROUP, shared, strict=True))
        medians = {m: median_defined(np.array([row[m] for row in group])) for m in METRICS}
        scored = {row["song"] for row in group if not math.isnan(row["sdr"])}
        counts = {
            "songs": len(scored),
            "songs_left_out": len({row["song"] for row in group} - scored),
            "frames": sum(row["frames"] or 0 for row in group),
            "undefined": sum(row["undefined"] or 0 for row in group),
        }
        table.append(labels | {"over": over} | medians | counts)
    return table


def format_summary(rows: Iterable[Row]) -> str:
    """The summary as text: a table for each protocol, percussive and harmonic side by side.

    Parameters
    ----------
    rows : iterable of dict
        Of `evaluation.evaluate`.

    Returns
    -------
    str
        Lines of at most a hundred or so characters; "" without rows. Chapter 9.

    Examples
    --------
    >>> format_summary([])
    ''
    """
    table = summary(rows)
    parts = []
    for protocol, over, metrics in (
        ("plain", "median of songs", ("sdr",)),
        ("scale-invariant", "median of songs", ("sdr",)),
        ("v3-30s", "median of frames", ("sdr", "sir", "sar")),
        ("v4-1s", "median of songs", ("sdr", "sir", "sar")),
    ):
        of_protocol = [r for r in table if (r["protocol"], r["over"]) == (protocol, over)]
        if not of_protocol:
            continue
        heads = [f"{s[0].upper()} {m.upper()}" for s in SOURCES for m in metrics]
        counts = ("songs", "songs_left_out", "frames", "undefined")
        lines: list[tuple[str, ...]] = [
            ("method", "setting", "part", *heads, *(c.replace("_", " ") for c in counts))
        ]
        pairs: dict[tuple, dict[str, Row]] = {}
        for r in of_protocol:
            made = ", ".join(r[name] for name in _told_apart(of_protocol, r))
            method = r["method"] + (f" [{made}]" if made else "")
            key = method, r["setting"] + (f" ({r['estimate']})" if r["estimate"] else "")
            pairs.setdefault((*key, r["part"]), {})[r["source"]] = r
        for key, pair in pairs.items():
            pair |= {
                s: dict.fromkeys(metrics, math.nan) | dict.fromkeys(counts, 0)
                for s in SOURCES
                if s not in pair
            }
            values = [f"{pair[s][m]:.2f}" for s in SOURCES for m in metrics]
            # Where the two sources differ in a count (a silent one has no plain SDR), both show.
            both = ([str(pair[s][c]) for s in SOURCES] for c in counts)
            lines.append((*key, *values, *("/".join(dict.fromkeys(pair_)) for pair_ in both)))
        widths = [max(len(line[c]) for line in lines) for c in range(len(lines[0]))]
        text = ("  ".join(map(str.rjust, line, widths)) for line in lines)
        parts.append("\n".join((f"{protocol}, {over}, dB", *text)))
    return "\n\n".join(parts)


def _told_apart(table: Iterable[Row], row: Row) -> list[str]:
    """What of a row's makers must be said, since others have computed the same method."""
    same = [r for r in table if all(r[k] == row[k] for k in _GROUP if k not in _MADE_BY)]
    return [name for name in _MADE_BY if len({r[name] for r in same}) > 1]
