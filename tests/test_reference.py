"""Docstrings become pages: chapters are links, mathematics is no markup, examples stay."""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import hpss_lib
from hpss_lib.views.reference import find_chapters, find_names, module_to_page, to_page

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {3: "/book/03_median_masks", 5: "/book/05_x", 6: "/book/06_y"}


def test_chapters_are_links():
    assert to_page("FitzGerald. Chapter 3.", CHAPTERS) == (
        "FitzGerald. :doc:`Chapter 3 </book/03_median_masks>`."
    )
    assert to_page("(chapters 5 and 6)", CHAPTERS) == (
        "(:doc:`chapters 5 </book/05_x>` and :doc:`6 </book/06_y>`)"
    )
    assert to_page("Chapter 12", CHAPTERS) == "Chapter 12"


def test_mathematics_is_no_markup():
    assert to_page("|X| times S* and V_", CHAPTERS) == r"\|X\| times S\* and V\_"
    assert to_page("``|X| Chapter 3`` and `stft`", CHAPTERS) == "``|X| Chapter 3`` and ``stft``"
    assert to_page("S_p, V_h", CHAPTERS) == "S_p, V_h"


def test_examples_stay():
    text = "    >>> f(*a) | b\n    'Chapter 3'\n\nChapter 3"
    found = to_page(text, CHAPTERS)
    assert found.startswith("    >>> f(*a) | b\n    'Chapter 3'\n\n:doc:")


def test_diagrams_of_modules_are_code():
    text = "A module.\n\n    |X|  ->  V\n\nChapter 3, |X|.\n"
    assert module_to_page(text, CHAPTERS) == (
        "A module.\n\n.. code-block:: text\n\n    |X|  ->  V\n\n"
        ":doc:`Chapter 3 </book/03_median_masks>`, \\|X\\|.\n"
    )


def test_the_books_chapters_are_found():
    found = find_chapters(ROOT / "book")
    assert found[3] == "/book/03_median_masks"
    for page in found.values():
        assert (ROOT / f"{page[1:]}.ipynb").is_file()


def test_every_module_with_a_door_is_in_the_reference():
    """Each module at the top of the library has its section, on a page of the table of contents."""
    pages = sorted((ROOT / "book").glob("reference*.md"))
    toc = (ROOT / "_toc.yml").read_text(encoding="utf8")
    assert pages and all(f"file: book/{page.stem}\n" in toc for page in pages)
    text = "".join(page.read_text(encoding="utf8") for page in pages)
    shown = set(re.findall(r"automodule:: hpss_lib\.(\w+)", text))
    there = {p.stem for p in (ROOT / "hpss_lib").glob("*.py")} - {"__init__", "__main__"}
    assert shown == there
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    assert "hpss_lib.views.reference" in config["sphinx"]["extra_extensions"]


def test_the_front_door_is_in_the_reference():
    text = (ROOT / "book/reference.md").read_text(encoding="utf8")
    door = text.split("## The front door")[1].split("\n## ")[0]
    assert "automodule:: hpss_lib\n" in door
    for name in hpss_lib.__all__:
        assert re.search(rf"[`]{name}\b", door), name


# What a chapter shows by itself: declarations of controls and the layer that draws them.
OF_THE_BOOK = ("hpss_lib.chapters", "hpss_lib.views", "hpss_lib.compiled", "hpss_lib.__main__")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(hpss_lib.__path__, "hpss_lib.")
    if not module.name.startswith(OF_THE_BOOK)
)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_has_sections_and_an_example(name):
    module = import_module(name)
    for thing in vars(module).values():
        if not (inspect.isfunction(thing) or inspect.isclass(thing)):
            continue
        if thing.__module__ != name or thing.__name__.startswith("_"):
            continue
        doc = inspect.getdoc(thing) or ""
        assert re.search(r"^>>> ", doc, re.M), f"{thing.__qualname__} has no example"
        on_a_page = name.count(".") == 1  # the composers' room has no page of its own
        if on_a_page and inspect.isfunction(thing) and inspect.signature(thing).parameters:
            assert re.search(r"^Parameters\n-{10}$", doc, re.M), thing.__qualname__


def test_chapters_point_back(tmp_path):
    library = tmp_path / "lib"
    library.mkdir()
    lines = (
        'def f(): "F. Chapters 5 and 6, chapter 5."',
        'def _g(): "Chapter 5."',
        'class C: "Chapter 6."',
        'def h(): "Nothing."',
    )
    (library / "stages.py").write_text("\n".join(lines))
    assert find_names(library) == {5: ["lib.stages.f"], 6: ["lib.stages.f", "lib.stages.C"]}
    found = find_names(ROOT / "hpss_lib")
    assert {"hpss_lib.stft.stft", "hpss_lib.stft.istft"} <= set(found[2])
    assert set(find_chapters(ROOT / "book")) - {0} <= set(found)
