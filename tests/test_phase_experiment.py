import csv
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "phase_experiment.py"


def run(*arguments):
    done = subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """One second of one song, without networks: true magnitudes and noise need none."""
    folder = tmp_path_factory.mktemp("experiment")
    return (
        "--data", "excerpts", "--only", "latin", "--settings", "compact", "--seconds", "1",
        "--plain", "--workers", "1", "--weights", folder, "--out", folder / "out.csv",
    )  # fmt: skip


def test_the_table_is_written_once_and_gone_on_with(arguments):
    out = arguments[-1]
    assert "magnitudes true" in run(*arguments)
    first = rows(out)
    scores = {r["phase"]: float(r["sdr"]) for r in first if r["source"] == "harmonic"}
    assert scores["pu"] > scores["pu-iter 5"] > scores["mixture"] > scores["griffin-lim"]
    out.write_text("\n".join(out.read_text().splitlines()[:-3]) + "\n")  # an interrupted run
    run(*arguments)
    again = {tuple(r.values()) for r in rows(out)}
    assert again == {tuple(r.values()) for r in first}
    run(*arguments)
    assert {tuple(r.values()) for r in rows(out)} == again


def test_the_curve_falls_with_the_noise(arguments):
    out = arguments[-1].with_name("curve.csv")
    run(*arguments[:-1], out, "--curve")
    noisy = [
        r for r in rows(out)
        if (r["magnitudes"], r["phase"], r["source"]) == ("noise", "pu", "percussive")
    ]  # fmt: skip
    levels = [float(r["level"]) for r in noisy]
    errors = [float(r["magnitude_snr"]) for r in noisy]
    assert levels == sorted(levels) and errors == sorted(errors, reverse=True)
    assert float(noisy[0]["sdr"]) > float(noisy[-1]["sdr"])
