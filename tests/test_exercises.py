"""Every exercise of the book: as shipped it says so, its solution passes, a wrong answer raises."""

import contextlib
import io
import json
import os
import re
from pathlib import Path

import pytest

from hpss_lib import views
from hpss_lib.views import controls

BOOK = Path(__file__).resolve().parent.parent / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
MARKER = "# --- check ---"


def cells(path):
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        yield cell["cell_type"], cell["metadata"], "".join(cell["source"])


def run(code, namespace):
    """Run one cell's code; return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<cell>", "exec"), namespace)
    return printed.getvalue()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exercises(path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(BOOK)
    monkeypatch.delenv("HPSS_BOOK_ASSETS", raising=False)
    # What is shown is tested elsewhere, and takes most of the time.
    for name in ("show_figure", "play", "stem_player"):
        monkeypatch.setattr(views, name, lambda *args, **options: None)
    monkeypatch.setattr(controls.Control, "show", lambda control: None)
    source = list(cells(path))
    asked = [i for i, (_, meta, _) in enumerate(source) if "exercise" in meta.get("tags", [])]
    last = max(asked, default=-1)
    namespace = {"__name__": "__main__"}
    exercises = 0
    for i, (kind, meta, code) in enumerate(source[: last + 1]):
        if kind != "code":
            continue
        if "exercise" not in meta.get("tags", []):
            run(code, namespace)
            continue
        exercises += 1
        above, check = code.split(MARKER)
        assert "..." in above
        solution = re.search(r"```python\n(.*?)```", source[i + 1][2], re.DOTALL)
        assert source[i + 1][0] == "markdown" and "<details>" in source[i + 1][2] and solution
        assert "Not answered yet" in run(code, namespace)
        with pytest.raises(AssertionError) as raised:
            run(meta["hpss"]["wrong"] + "\n" + check, dict(namespace))
        assert len(str(raised.value)) > 20, "a wrong answer deserves a hint"
        assert "Right" in run(solution.group(1) + "\n" + check, dict(namespace))
    if re.match(r"0[1-9]|1[01]|one_weight", path.stem):
        assert exercises >= 3
    assert os.getcwd() == str(BOOK)
