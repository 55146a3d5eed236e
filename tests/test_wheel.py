"""The library as another project gets it: a wheel, installed apart, run from another folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hpss_lib import audio

ROOT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, since setuptools leaves a folder beside what it builds."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(
        ROOT / "hpss_lib", copy / "hpss_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    out = tmp_path_factory.mktemp("wheel")
    build = (*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", out, copy)
    subprocess.run(build, check=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder with nothing in it but the wheel's contents and its command."""
    folder = tmp_path_factory.mktemp("installed")
    install = (*PIP, "install", "--no-deps", "--no-index", "--target", folder, wheel)
    subprocess.run(install, check=True)
    return folder


def test_wheel_holds_every_file_of_the_library(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "hpss_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("hpss_lib/")} == tracked
    assert {"hpss_lib/py.typed", "hpss_lib/__init__.pyi"} <= names
    assert "hpss_lib/weights/compact-percussive.safetensors" in names
    assert any(name.endswith("/LICENSE") for name in names)


def test_installed_command_separates_from_another_folder(installed, tmp_path):
    x = audio.load_excerpt("rock")[0][: 2 * audio.SAMPLE_RATE]
    audio.write_wav(tmp_path / "song.wav", x, audio.SAMPLE_RATE)
    command = installed / ("Scripts" if os.name == "nt" else "bin") / "hpss"
    told = subprocess.run(
        (command, "separate", "song.wav", "--out", "parts"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [Path(line) for line in told.stdout.splitlines()]
    assert paths == [Path(f"parts/song.{part}.wav") for part in ("percussive", "harmonic")]
    percussive, harmonic = (audio.read(tmp_path / path)[0][:, 0] for path in paths)
    np.testing.assert_allclose(percussive + harmonic, x, atol=1e-6)
    assert np.square(percussive).sum() > np.square(harmonic).sum()  # x holds drums alone


def test_what_runs_is_what_was_installed(installed, tmp_path):
    code = "import hpss_lib; print(hpss_lib.__file__)"
    found = subprocess.check_output(
        (sys.executable, "-c", code),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        text=True,
    )
    assert Path(found.strip()).parent == installed / "hpss_lib"
