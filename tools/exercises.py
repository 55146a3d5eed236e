"""How many questions and exercises each chapter has, by kind.

    python tools/exercises.py

A question is answered on the page and declared in hpss_lib/chapters/questions; an exercise is
answered in a cell of the notebook, and its text says its kind. Exits with 1 where a chapter has
fewer than five, or fewer than three kinds.
"""

import json
import re
import sys
from collections import Counter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from hpss_lib.views.questions import KINDS

BOOK = Path(__file__).resolve().parent.parent / "book"
LEAST, LEAST_KINDS = 5, 3
_LABEL = re.compile(r"\*\*\d+\.\*\* \*(\w+)\.\*")


def chapter(notebook: Path) -> str:
    """A notebook's name without its number."""
    return re.sub(r"^\d\d_", "", notebook.stem)


def kinds(notebook: Path) -> Counter:
    """How many of each kind a chapter has; an exercise whose text does not say its kind is "?"."""
    module = f"hpss_lib.chapters.questions.{chapter(notebook)}"
    asked = import_module(module).QUESTIONS if find_spec(module) else ()
    found = Counter(question.kind for question in asked)
    prompt = ""
    for cell in json.loads(notebook.read_text(encoding="utf8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            prompt = text
        elif "exercise" in cell["metadata"].get("tags", []):
            label = _LABEL.search(prompt)
            found[label[1].lower() if label else "?"] += 1
    return found


def table() -> dict[str, Counter]:
    """How many of each kind, by chapter, in the order of the table of contents."""
    names = re.findall(r"book/(\w+)$", (BOOK.parent / "_toc.yml").read_text("utf8"), re.MULTILINE)
    paths = [BOOK / f"{name}.ipynb" for name in names]
    counts = {chapter(path): kinds(path) for path in paths if path.is_file()}
    return {name: count for name, count in counts.items() if count}


def main() -> int:
    """Print the table."""
    print(f"{'chapter':28s}" + "".join(f"{kind:>9s}" for kind in KINDS) + f"{'all':>7s}")
    counts = table()
    for name, count in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        numbers = "".join(f"{count[kind]:9d}" for kind in KINDS)
        print(f"{name:28s}{numbers}{count.total():7d}")
    few = [n for n, c in counts.items() if c.total() < LEAST or len(c) < LEAST_KINDS or c["?"]]
    if few:
        print("too few, of too few kinds, or without one:", ", ".join(few))
    return int(bool(few))


if __name__ == "__main__":
    sys.exit(main())
