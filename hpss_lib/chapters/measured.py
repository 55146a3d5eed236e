"""The page of measured speeds and sizes: `make bench` writes what it shows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# A group's title, and how the names of its rows begin; a row goes to the first that fits.
GROUPS = {
    "The first moment": ("import ",),
    "The transform": ("stft,", "torch.stft", "istft,"),
    "The median filter": ("median_hpss", "librosa."),
    "Phases": ("phases,",),
    "The network": ("parameters,", "network alone", "training,"),
    "File to files": ("separate,",),
    "Memory of the command": ("peak memory", "its speed"),
}
COLUMNS = ("median", "lowest to highest", "runs", "held to")


class Measured(NamedTuple):
    """One figure: the median of some runs, their range, and what it is held to, if anything.

    Examples
    --------
    >>> row = Measured("import hpss_lib", "ms", 120.0, 110.0, 150.0, 5, most=300.0)
    >>> row.keeps, row.cells
    (True, ('120 ms', '110 to 150', '5', 'at most 300 ms'))
    """

    what: str
    unit: str
    median: float
    low: float
    high: float
    runs: int
    least: float | None = None
    most: float | None = None

    @property
    def keeps(self) -> bool:
        """Whether the median is where it is held to be."""
        return (self.least is None or self.median >= self.least) and (
            self.most is None or self.median <= self.most
        )

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row's cells, in the order of COLUMNS."""
        held = [
            f"{word} {_number(bound)} {self.unit}".strip()
            for word, bound in (("at least", self.least), ("at most", self.most))
            if bound is not None
        ]
        spread = f"{_number(self.low)} to {_number(self.high)}" if self.runs > 1 else ""
        words = " and ".join(held) + ("" if self.keeps else ": not kept")
        return f"{_number(self.median)} {self.unit}".strip(), spread, str(self.runs), words


def _number(value: float) -> str:
    """Three digits that count, and no fewer than stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def read_bench(path: str | Path) -> tuple[dict, list[Measured]]:
    """Read the file of `make bench`: the machine, by names, and the rows in their order."""
    kept = json.loads(Path(path).read_text(encoding="utf-8"))
    return kept["machine"], [Measured(**row) for row in kept["rows"]]


def grouped(rows: Sequence[Measured]) -> dict[str, list[Measured]]:
    """The rows of each group; raises ValueError for a row that no group takes."""
    groups: dict[str, list[Measured]] = {title: [] for title in GROUPS}
    for row in rows:
        for title, beginnings in GROUPS.items():
            if row.what.startswith(beginnings):
                groups[title].append(row)
                break
        else:
            raise ValueError(f"{row.what!r} belongs to no group of GROUPS: add it there")
    return {title: found for title, found in groups.items() if found}


def machine_words(machine: dict) -> str:
    """The machine in a sentence, and how much else it had to do as the run began."""
    busy = machine["busy"]
    load = "" if busy is None else f" As the run began, {busy:.2f} programs were at work on it."
    return (
        f"Measured on {machine['date']} on {machine['cores']} cores of {machine['processor']}, "
        f"{machine['system']}, with Python {machine['python']}, NumPy {machine['numpy']} and torch "
        f"{machine['torch']}.{load}"
    )


def budget_words(rows: Sequence[Measured]) -> str:
    """How many of the figures that are held to something keep it, and which do not."""
    held = [row for row in rows if row.least is not None or row.most is not None]
    missed = [row.what for row in held if not row.keeps]
    return (
        f"{len(held)} figures are held to something; {len(held) - len(missed)} of them keep it"
        + ("." if not missed else f", and these do not: {'; '.join(missed)}.")
    )
