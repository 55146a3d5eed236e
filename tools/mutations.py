"""Break the signal core in small ways, and see whether the tests notice: `make mutations`.

python tools/mutations.py [MODULE ...] [--most N] [--mutmut PROGRAM] [--survivors]

mutmut (`pip install mutmut==3.8.1`, in any environment that has the project's packages) changes one
thing at a time in a copy of the project: + into -, < into <=, a number, a word of a message. For
each change the tests of its module that run the changed function are run up to the first failure.
What no test notices survives: a test is missing, or the change makes no difference. --survivors
shows each as a diff. --most takes a sample of each module's changes, the same ones every time.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "_build" / "mutations"
CORE = {  # the tests that are to notice
    "stft": ["stft"],
    "median": ["median"],
    "kam": ["kam"],
    "subtraction": ["subtraction"],
    "sinusoids": ["sinusoids"],
    "puiter": ["puiter"],
    "separation": ["separation", "separation_network"],
    "measures": ["measures"],
}
COLUMNS = ("module", "changes", "tried", "killed", "survived")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
SURVIVED, UNTESTED = 0, 33  # mutmut's words for how the tests ended; all else noticed something

CONFIGURATION = """
[tool.mutmut]
source_paths = ["hpss_lib"]
only_mutate = ["hpss_lib/{module}.py"]
also_copy = ["tools", "tests", "book"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
timeout_multiplier = 5.0
timeout_constant = 5.0
"""


def copy_project(module: str) -> Path:
    """The project's own files in a folder apart, with what mutmut is to do there."""
    folder = WORK / module
    shutil.rmtree(folder, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    tests = [f"tests/test_{name}.py" for name in CORE[module]]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(module=module, tests=json.dumps(tests)))
    return folder


def sample(names: list[str], most: int | None) -> list[str]:
    """At most so many of them, the same ones every time."""
    if most is None or len(names) <= most:
        return names
    return sorted(random.Random(0).sample(sorted(names), most))


def count(module: str, endings: dict[str, int | None]) -> dict[str, str | int]:
    """A row of the table from how the tests ended for each change; None: not tried."""
    tried = [code for code in endings.values() if code is not None]
    survived = Counter(tried)[SURVIVED] + Counter(tried)[UNTESTED]
    numbers = (len(endings), len(tried), len(tried) - survived, survived)
    return dict(zip(COLUMNS, (module, *numbers), strict=True))


def mutate(module: str, most: int | None, mutmut: str) -> tuple[Path, dict[str, int | None]]:
    """Try a module's changes; the folder they are in, and how the tests ended for each."""
    folder = copy_project(module)
    meta = folder / "mutants" / "hpss_lib" / f"{module}.py.meta"
    here = os.environ | dict.fromkeys(THREADS, "1")
    here.pop("PYTHONPATH", None)  # or the tests would import what is not changed

    def run(*names: str) -> None:
        command = [mutmut, "run", "--max-children", "1", *names]
        subprocess.run(command, cwd=folder, env=here, check=False, stdout=sys.stderr)

    run(*([f"hpss_lib.{module}.no_such_change"] if most else []))
    endings = json.loads(meta.read_text())["exit_code_by_key"]
    if most:
        run(*sample(list(endings), most))
        endings = json.loads(meta.read_text())["exit_code_by_key"]
    return folder, endings


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(CORE)}")
    parser.add_argument("--most", type=int, metavar="N", help="changes of each module (all)")
    parser.add_argument("--mutmut", default="mutmut", metavar="PROGRAM", help="where it stands")
    parser.add_argument("--survivors", action="store_true", help="show each as a diff")
    options = parser.parse_args(argv)
    if unknown := set(options.modules) - set(CORE):
        parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(CORE)}")
    if not shutil.which(options.mutmut):
        parser.error("mutmut is not installed: pip install mutmut==3.8.1, or say --mutmut PROGRAM")
    rows = []
    for module in options.modules or CORE:
        folder, endings = mutate(module, options.most, options.mutmut)
        rows.append(count(module, endings))
        print(
            "{module:<12} {changes:>5} changes, {tried} tried, {killed} killed".format(**rows[-1])
        )
        for name in (name for name, code in endings.items() if code in (SURVIVED, UNTESTED)):
            if options.survivors:
                subprocess.run([options.mutmut, "show", name], cwd=folder, check=False)
    tried, killed = (sum(int(row[key]) for row in rows) for key in ("tried", "killed"))
    print(f"{killed} of {tried} killed: {100 * killed / max(tried, 1):.1f} %")


if __name__ == "__main__":
    main()
