"""Docstrings become pages: chapters are links, mathematics is no markup, examples stay."""

import re
from pathlib import Path

import yaml

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
