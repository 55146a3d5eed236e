"""Docstrings for the book's reference: they are written for a terminal, pages are reStructuredText.

In a docstring ``|X|`` is a magnitude, an asterisk a product, a name in backticks code, and "Chapter
3" leads nowhere. On the page the first two must not be markup, and the last is a link. A chapter in
turn ends with links to everything in the library that names it.
"""

import ast
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

# What stays as it is: examples up to the blank line behind them, code, names in backticks.
_VERBATIM = re.compile(r"^[ ]*>>> .*?(?=\n[ ]*\n|\Z)|``.+?``|`[^`]+`", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(?<=\n\n)(?:    .*\n)+(?=\n|\Z)")  # a module's diagrams stand indented
_CHAPTERS = re.compile(r"\b([Cc]hapters?)\s+(\d+)(?: and (\d+))?")


def find_chapters(book: Path) -> dict[int, str]:
    """Find each chapter's page by its number: {3: "/book/03_median_masks"}."""
    pages = sorted(book.glob("[0-9][0-9]_*.ipynb"))
    return {int(page.name[:2]): f"/{book.name}/{page.stem}" for page in pages}


def find_names(library: Path) -> dict[int, list[str]]:
    """Find the public functions and classes whose docstrings name each chapter: {3: [...]}."""
    found: dict[int, list[str]] = {}
    for path in sorted(library.glob("[a-z]*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                for match in _CHAPTERS.finditer(ast.get_docstring(node) or ""):
                    for number in filter(None, match.groups()[1:]):
                        names = found.setdefault(int(number), [])
                        name = f"{library.name}.{path.stem}.{node.name}"
                        names += [] if name in names else [name]
    return found


def to_page(text: str, chapters: Mapping[int, str]) -> str:
    """Turn a docstring into reStructuredText, chapters into links."""
    parts, end = [], 0
    for match in _VERBATIM.finditer(text):
        parts.append(_plain(text[end : match.start()], chapters))
        found, end = match.group(), match.end()
        single = found.startswith("`") and not found.startswith("``")
        parts.append(f"`{found}`" if single else found)
    return "".join(parts) + _plain(text[end:], chapters)


def module_to_page(text: str, chapters: Mapping[int, str]) -> str:
    """Do the same with a module's docstring, whose indented lines are a diagram or a command."""
    parts, end = [], 0
    for match in _CODE.finditer(text + "\n"):
        parts.append(to_page(text[end : match.start()], chapters))
        parts.append(".. code-block:: text\n\n" + match.group())
        end = match.end()
    return "".join(parts) + to_page(text[end:], chapters)


def _plain(text: str, chapters: Mapping[int, str]) -> str:
    """Prose in which nothing is markup but the links to chapters."""
    text = re.sub(r"[|*\\]|(?<=\w)_(?!\w)", r"\\\g<0>", text)
    return _CHAPTERS.sub(lambda match: _link(match, chapters), text)


def _link(match: re.Match[str], chapters: Mapping[int, str]) -> str:
    word, *numbers = match.groups()
    links = [(int(n), chapters.get(int(n))) for n in numbers if n]
    if any(page is None for _, page in links):
        return match.group()
    first, *rest = links
    said = [f":doc:`{word} {first[0]} <{first[1]}>`", *(f":doc:`{n} <{page}>`" for n, page in rest)]
    return " and ".join(said)


def setup(app):
    """Connect to Sphinx, ahead of napoleon, which reads the sections of a docstring."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    chapters = find_chapters(Path(app.srcdir) / "book")
    app.connect("autodoc-process-docstring", partial(_process, chapters), priority=400)
    names = find_names(Path(__file__).parents[1])
    back = {chapters[number][1:]: names[number] for number in chapters if number in names}
    app.connect("doctree-read", partial(_point_back, back))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _process(chapters, app, what, name, obj, options, lines):
    turn = module_to_page if what == "module" else to_page
    lines[:] = turn("\n".join(lines), chapters).split("\n")


def _point_back(back: Mapping[str, list[str]], app, doctree: nodes.document) -> None:
    """End a chapter with links to the library's functions that name it."""
    names = back.get(app.env.docname)
    if not names:
        return
    box = nodes.admonition("", nodes.title("", "In the library"), classes=["note"])
    line = nodes.paragraph("", "What this chapter derives, in the reference: ")
    for name in names:
        target = {"refdomain": "py", "reftype": "obj", "reftarget": name, "refexplicit": True}
        short = name.split(".", 1)[1]
        line += addnodes.pending_xref(
            "", nodes.literal("", short), refdoc=app.env.docname, refwarn=True, **target
        )
        line += nodes.Text(", " if name != names[-1] else ".")
    box += line
    next(iter(doctree.findall(nodes.section))).append(box)
