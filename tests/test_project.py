"""The frame: what is said in two places, files that must not come in, what an import costs."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import repository

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def test_repository_address_is_said_once():
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    url = repository.configured((ROOT / "_config.yml").read_text(encoding="utf8"))
    assert readme == repository.with_badges(readme, url)
    linked = repository.with_badges(readme, "https://github.com/owner/name")
    assert "mybinder.org/v2/gh/owner/name" in linked and "(https://owner.github.io/name/)" in linked
    assert repository.with_badges(linked, url) == readme


def test_the_readme_shows_the_results_that_are_committed():
    from PIL import Image

    table = hashlib.sha256((ROOT / "book/data/results.csv").read_bytes()).hexdigest()
    with Image.open(ROOT / "book/images/results.png") as picture:
        assert picture.info["Comment"] == table, "run tools/readme_figure.py"
    assert "book/images/results.png" in (ROOT / "README.md").read_text(encoding="utf8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    assert "widgets" not in notebook["metadata"]


def test_every_notebook_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text()
    for path in NOTEBOOKS:
        assert f"book/{path.stem}" in toc


def test_importing_the_library_brings_nothing_heavy():
    heavy = ["torch", "librosa", "scipy", "numba", "matplotlib", "soundfile", "IPython"]
    code = f"import sys, hpss_lib; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
