"""The rule of imports (ARCHITECTURE.md): who may import whom, and what is imported late."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "hpss_lib").rglob("*.py"))
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in FILES
}
ROOMS = {name.split(".")[1] for name in MODULES if "." in name}

FOUNDATION = {"stft", "audio", "compiled"}
# Beyond FOUNDATION, a stage imports the stages that it stands on: most of them, none.
STANDS_ON = {
    "kam": {"median"},
    "madtwinnet": {"drafts", "recurrence"},
    "puiter": {"sinusoids"},
    "tracking": {"sinusoids", "puiter"},
    "stretching": {"sinusoids"},
}
# Every other room, and what it imports beyond FOUNDATION; a room that is not here is a stage.
OTHERS = {
    "containers": set(),
    "drafts": set(),
    "songs": set(),
    "kicks": set(),
    "recurrence": set(),
    "data": {"kicks", "drafts"},
    "measures": set(),
    "workers": set(),
    "oracles": {"median", "puiter", "separation"},
    "scoreboard": {"measures", "drafts"},
    "evaluation": {"separation", "data", "drafts", "measures", "oracles", "scoreboard", "workers"},
    "training": {"madtwinnet", "data", "drafts", "measures", "songs"},
    "views": ROOMS - {"chapters", "songs", "training", "__main__"},
    "chapters": ROOMS - {"songs", "__main__"},
    "__main__": ROOMS - {"songs", "chapters", "views"},
}
OTHERS["separation"] = ROOMS - FOUNDATION - set(OTHERS) - {"separation"}  # the stages
ALLOWED = {"stft": set(), "compiled": set(), "audio": {"stft", "containers", "drafts"}} | {
    room: FOUNDATION | others for room, others in (STANDS_ON | OTHERS).items()
}
# Beside NumPy, what stands at the top of a room's or a module's file.
NETWORK = {"matplotlib", "scipy", "torch"}
TOP = {
    "hpss_lib": {"lazy_loader"},
    "madtwinnet": {"torch"},
    "recurrence": {"torch"},
    "training": {"torch"},
    "compiled": {"numba"},
    "songs": {"scipy", "soundfile"},
    "views": {"matplotlib", "cycler", "PIL", "IPython", "ipywidgets", "soundfile"},
    "views.book": {"sphinx", "docutils"},
    "views.reference": {"sphinx", "docutils"},
    "chapters": {"matplotlib"},
    "chapters.masker_denoiser": NETWORK,
    "chapters.twinnet_training": NETWORK,
    "chapters.exercises.masker_denoiser": NETWORK,
    "chapters.exercises.twinnet_training": NETWORK,
    "chapters.questions.masker_denoiser": NETWORK,
    "chapters.questions.twinnet_training": NETWORK,
}
LATE = {"madtwinnet", "training", "compiled", "songs"}  # rooms that others import in functions only


def imports(path):
    """(module, late) for each import in a file; late: inside a function, or for types alone."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    at_the_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        late = id(node) not in at_the_top
        if isinstance(node, ast.Import):
            yield from ((alias.name, late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in MODULES else node.module), late


def room(module):
    """The room of a module of the library: median, views; the package itself has none."""
    return module.split(".")[1] if "." in module else ""


INSIDE = {
    name: [(other, late) for other, late in imports(path) if other.split(".")[0] == "hpss_lib"]
    for name, path in MODULES.items()
}


@pytest.mark.parametrize("module", [name for name in MODULES if room(name)])
def test_rooms_import_only_what_they_may(module):
    allowed = ALLOWED.get(room(module), FOUNDATION) | {room(module), ""}
    assert {other for other, _ in INSIDE[module] if room(other) not in allowed} == set()


def test_no_circle():
    graph = {name: {other for other, _ in found} - {name} for name, found in INSIDE.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("module", MODULES)
def test_what_is_slow_to_import_is_imported_late(module):
    name = module.removeprefix("hpss_lib.")
    allowed = TOP.get(name, TOP.get(room(module), set()))
    top = {other for other, late in imports(MODULES[module]) if not late}
    packages = {other.split(".")[0] for other in top} - set(sys.stdlib_module_names)
    assert packages <= {"hpss_lib", "numpy"} | allowed
    if room(module) not in LATE and "torch" not in allowed:
        assert not {other for other in top if other in MODULES and room(other) in LATE}


def test_the_rule_names_only_rooms_that_there_are():
    assert set(ALLOWED).union(*ALLOWED.values()) <= ROOMS
