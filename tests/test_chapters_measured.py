"""The page of measured figures, on a small made-up run."""

import ast
import json
from pathlib import Path

import pytest

from hpss_lib.chapters import measured

ROOT = Path(__file__).resolve().parent.parent
MACHINE = {
    "processor": "A Processor",
    "cores": 2,
    "system": "Linux",
    "python": "3.11.7",
    "numpy": "2.4.0",
    "torch": "2.13.0",
    "busy": 0.04,
    "date": "2026-01-02",
}
ROWS = [
    {"what": "import hpss_lib", "unit": "ms", "median": 312.5, "most": 300},
    {"what": "stft, setting 1", "unit": "x", "median": 1234.4, "least": None},
    {"what": "separate, mad, phase pu, setting compact", "unit": "x", "median": 30, "least": 30},
    {"what": "parameters, compact", "unit": "", "median": 1234567, "runs": 1},
]


@pytest.fixture
def run(tmp_path):
    rows = [
        {
            "low": row["median"] / 2,
            "high": row["median"] * 2,
            "runs": 5,
            "least": None,
            "most": None,
        }
        | row
        for row in ROWS
    ]
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({"machine": MACHINE, "seconds_of_sound": 180, "rows": rows}))
    return path


def test_medians_ranges_and_what_they_are_held_to(run):
    machine, rows = measured.read_bench(run)
    assert [row.cells for row in rows] == [
        ("312 ms", "156 to 625", "5", "at most 300 ms: not kept"),
        ("1,234 x", "617 to 2,469", "5", ""),
        ("30 x", "15 to 60", "5", "at least 30 x"),
        ("1,234,567", "", "1", ""),
    ]
    assert measured.budget_words(rows) == (
        "2 figures are held to something; 1 of them keep it, and these do not: import hpss_lib."
    )
    assert measured.budget_words(rows[1:]).endswith("1 of them keep it.")
    words = measured.machine_words(machine)
    assert "2 cores of A Processor" in words and "0.04 programs" in words
    assert "programs" not in measured.machine_words(machine | {"busy": None})


def test_every_row_has_its_group(run):
    _, rows = measured.read_bench(run)
    groups = measured.grouped(rows)
    assert list(groups) == ["The first moment", "The transform", "The network", "File to files"]
    assert [row for group in groups.values() for row in group] == [rows[k] for k in (0, 1, 3, 2)]
    with pytest.raises(ValueError, match="'else' belongs to no group"):
        measured.grouped([rows[0]._replace(what="else")])


def test_the_groups_are_those_of_the_program():
    """How each name that tools/bench.py gives a row begins is known, and nothing else is."""
    tree = ast.parse((ROOT / "tools/bench.py").read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    names = [c.args[0] for c in calls if isinstance(c.func, ast.Name) and c.func.id == "row"]
    first = [n.values[0] if isinstance(n, ast.JoinedStr) else n for n in names]
    begins = {n.value for n in first if isinstance(n, ast.Constant)}
    known = [one for beginnings in measured.GROUPS.values() for one in beginnings]
    assert all(begin.startswith(tuple(known)) for begin in begins)
    assert all(any(begin.startswith(one) for begin in begins) for one in known)


def test_the_committed_run_is_of_an_idle_machine_and_whole():
    machine, rows = measured.read_bench(ROOT / "book/data/bench.json")
    assert machine["busy"] is None or machine["busy"] < 0.5, "run it again on an idle machine"
    assert list(measured.grouped(rows)) == list(measured.GROUPS)
