"""What SECURITY.md promises: nothing that is read is executed, and names never become paths."""

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from hpss_lib.__main__ import main
from hpss_lib.separation import output_paths

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for part in ("hpss_lib", "tools") for path in (ROOT / part).rglob("*.py"))
FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
THE_READERS_OWN = ROOT / "hpss_lib" / "chapters" / "own_checks.py"  # runs my_separator.py


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_that_is_read_is_executed(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not FORBIDDEN & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module not in FORBIDDEN
        elif isinstance(node, ast.Call):
            assert_harmless(node, ast.unparse(node.func), path)


def assert_harmless(call, name, path):
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    assert name not in ("eval", "os.system", "os.popen"), f"{path}:{call.lineno}"
    assert name != "exec" or path == THE_READERS_OWN, f"{path}:{call.lineno}"
    assert given.get("shell") in (None, "False"), f"{path}:{call.lineno}"
    if name == "torch.load":
        assert given.get("weights_only") == "True", f"{path}:{call.lineno}"
    if name == "np.load":
        assert "allow_pickle" not in given, f"{path}:{call.lineno}"


class Trap:
    """Would leave a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_checkpoint_that_is_a_program_is_refused(tmp_path):
    from hpss_lib import madtwinnet, training

    (tmp_path / "checkpoint.pt").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    config = madtwinnet.CONFIGS["compact"]
    with pytest.raises(ValueError, match="damaged"):
        training._restore(None, tmp_path / "checkpoint.pt", config, training.COMPACT_PLAN, "cpu")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["$(touch sprung).wav", "; touch sprung;.wav", "..wav", "-x.wav"])
def test_names_are_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / "plain.wav", np.zeros(2000), 44100)
    (tmp_path / "plain.wav").rename(tmp_path / name)
    assert main(["separate", f"./{name}", "--out", "out", "--method", "median"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {name, "out"}
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("name", ["../../up.wav", "/abs/olute.wav", "a/../../b.wav"])
def test_results_stay_in_their_folder(name):
    for path in output_paths(name, "out"):
        assert path.parent == Path("out")


def test_the_workflow_caches_gives_way_shows_and_tells():
    workflow = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text(encoding="utf-8"))
    assert "concurrency" in workflow
    steps = workflow["jobs"]["test"]["steps"]
    used = [step.get("uses", "").partition("@")[0] for step in steps]
    assert {"actions/cache", "actions/upload-artifact"} <= set(used)
    assert used.index("actions/cache") < [step.get("run") for step in steps].index(".ci/run")
    assert workflow["jobs"]["notice"]["permissions"] == {"issues": "write"}
    assert workflow["permissions"] == {"contents": "read"}  # and every job what it needs alone
