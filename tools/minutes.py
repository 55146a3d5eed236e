"""The minutes that a chapter asks for, computed from its notebook by one rule.

    python tools/minutes.py [--write] [book/03_median_masks.ipynb ...]

Where a chapter has a part that is headed "Further", the reading without it is said, too.

Reading: 150 words a minute, a line of code that is on the page 4 seconds, an equation on lines of
its own 30 seconds; what is folded away (code, solutions) is not counted. Listening: a minute for
each player. Doing: 3 minutes for each control, 6 for each exercise, 2 for each question that the
page answers. All rounded up to 5 minutes. --write puts them into the notebooks' first cells; a
test holds the two together.
"""

import argparse
import json
import math
import re
from importlib import import_module
from pathlib import Path

BOOK = Path(__file__).parents[1] / "book"
STATED = re.compile(
    r"\d+ minutes to read(?: \(\d+ to the end of the core\))?"
    r"(?:, \d+ to listen, \d+ to do)?[,;] about"
)
_PLAYERS = re.compile(r"\b(?:views\.play|views\.stem_player|listening\.show)\(")
_CONTROLS = re.compile(r"\w+_control\.show\(|\bphasor\.show\(")
_QUESTIONS = re.compile(r"views\.ask\(questions\.QUESTIONS\)")


def minutes(path: Path) -> tuple[int, int, int]:
    """Minutes to read, to listen and to do for a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code, exercises = "", 0
    for cell in cells:
        if cell["cell_type"] == "code":
            code += "".join(cell["source"]) + "\n"
            exercises += "exercise" in cell["metadata"].get("tags", [])
    doing = 3 * len(_CONTROLS.findall(code)) + 6 * exercises + 2 * _questions(path, code)
    return _up(_reading(cells)), _up(len(_PLAYERS.findall(code))), _up(doing)


def core(path: Path) -> int | None:
    """Minutes to read without the part that is headed "Further"; None where there is none."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    kept, apart, found = [], False, False
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text.startswith("## "):
            apart = text.startswith("## Further")
            found = found or apart
        if not apart:
            kept.append(cell)
    return _up(_reading(kept)) if found else None


def section(path: Path, title: str) -> int:
    """Minutes to read one section, to listen and to move its controls, without exercises."""
    kept, within = [], False
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            kept += [cell] * within
            continue
        for part in re.split(r"(?m)^(?=## )", text):
            if part.startswith("## "):
                within = part.splitlines()[0] == f"## {title}"
            kept += [{**cell, "source": [part]}] * within
    if not kept:
        raise ValueError(f"{path.name} has no section {title!r}")
    code = "\n".join("".join(c["source"]) for c in kept if c["cell_type"] == "code")
    players, controls = len(_PLAYERS.findall(code)), len(_CONTROLS.findall(code))
    return math.ceil(_reading(kept) + players + 3 * controls)


def _reading(cells: list[dict]) -> float:
    """Minutes to read some cells."""
    prose, shown = "", 0
    for cell in cells:
        text, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
        if cell["cell_type"] == "markdown":
            prose += "" if "remove-cell" in tags else text + "\n\n"
        elif not {"hide-input", "remove-input", "remove-cell", "exercise"} & set(tags):
            shown += sum(bool(line.strip()) for line in text.splitlines())
    prose = re.sub(r"<details>.*?</details>", "", prose, flags=re.DOTALL)
    equations = len(re.findall(r"\$\$.*?\$\$", prose, flags=re.DOTALL))
    words = len(re.sub(r"\$\$.*?\$\$", "", prose, flags=re.DOTALL).split())
    return words / 150 + shown * 4 / 60 + equations / 2


def _questions(path: Path, code: str) -> int:
    """How many questions the page answers."""
    if not _QUESTIONS.search(code):
        return 0
    chapter = re.sub(r"^\d\d_", "", path.stem)
    module = import_module(f"hpss_lib.chapters.questions.{chapter}")
    return len(module.QUESTIONS)


def _up(value: float) -> int:
    return 5 * math.ceil(value / 5)


def said(path: Path) -> str:
    """What the first cell of a notebook has to say."""
    read, listen, do = minutes(path)
    less = core(path)
    without = f" ({less} to the end of the core)" if less else ""
    return f"{read} minutes to read{without}, {listen} to listen, {do} to do; about"


def main() -> None:
    """Print the minutes, or write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    for path in options.notebooks or sorted(BOOK.glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        if not STATED.search(text):
            continue
        print(f"{path.name}: {said(path)} ...")
        if options.write:
            path.write_text(STATED.sub(said(path), text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
