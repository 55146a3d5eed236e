"""The chapters as slides: reveal.js through nbconvert, from the cells that are tagged "slide".

    python tools/slides.py [--out _build/slides] [--chapters PATTERN ...]

Reads the notebooks as the build has executed them. Of a tagged text cell a slide shows its heading,
its sentence in bold and its equations (where it has none and no figure follows, how it begins), and
the speaker's view (key S) the whole text; of a tagged code cell it shows the figure, control,
player or table. The folder is whole: it opens from disk, and nothing on its pages comes from
elsewhere.
"""

import argparse
import html
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from hpss_lib.views import output

ROOT = Path(__file__).resolve().parent.parent
EXECUTED = ROOT / "_build" / "jupyter_execute" / "book"
ASSETS = ROOT / "_build" / "html" / "book" / "assets"
MODULES = ROOT / "node_modules"
LECTURE = Path(__file__).resolve().parent / "lecture"
TAG = "slide"

_HEADING = re.compile(r"^(#{1,3}) +(.*)$", re.MULTILINE)
_SECTION = re.compile(r"^(?=#{1,3} )", re.MULTILINE)
_DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
_ROLE = re.compile(r"\s*\{[a-z:]+\}`[^`]*`")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_BOLD = re.compile(r"^(- )?\*\*((?:(?!\*\*).)+)\*\*", re.MULTILINE | re.DOTALL)
_SENTENCE = 25  # characters: what is in bold and shorter is a label, of a list's item perhaps
_DISPLAY = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_ASSET = re.compile(r"assets/([0-9a-f]{20}\.(?:webp|png|flac))")


def plain(text: str) -> str:
    """A notebook's text without what only a page can follow: links, citations, fold-outs."""
    return _LINK.sub(r"\1", _ROLE.sub("", _DETAILS.sub("", text)))


def spoken(text: str) -> str:
    """What a slide shows of a text cell: heading, sentences in bold, equations; a list as it is."""
    text = plain(text)
    heading = _HEADING.search(text)
    head = f"#{'' if heading[1] == '#' else '#'} {heading[2]}\n\n" if heading else ""
    body = text[heading.end() :] if heading else text
    if heading and heading[2] == "Summary":
        return head + body.strip()
    if heading and heading[1] == "#":  # a chapter's first cell: what one can do after it
        aims = re.search(r"\*\*After this chapter\*\*.*?(?= \*\*You need|\n|$)", body)
        return head + (aims[0] if aims else "")
    points = "".join(
        f"- {' '.join((bold[2] if len(bold[2]) >= _SENTENCE else _item(body, bold)).split())}\n"
        for bold in _BOLD.finditer(body)
        if bold[1] or len(bold[2]) >= _SENTENCE
    )
    return head + points + "\n" + "\n\n".join(_DISPLAY.findall(body)[:2])


def _item(body: str, label: re.Match) -> str:
    """A list's item that begins with a label: the label and the sentence that it stands for."""
    item = re.split(r"\n- |\n\n", body[label.start() + 2 :])[0].replace("**", "")
    end = re.compile(r"[.?!](?=\s)|$").search(item, len(label[2]))
    return item[: end.end()] if end else item


def opening(text: str) -> str:
    """The first two sentences below a heading."""
    body = _HEADING.sub("", plain(text), count=1).strip().split("\n\n")[0]
    return " ".join(re.split(r"(?<=[.?!:]) +", " ".join(body.split()))[:2])


def slides(notebook: NotebookNode) -> NotebookNode:
    """The notebook's tagged cells as slides with their notes."""
    cells, title, first, alone, lead = [], "", True, False, ""
    for cell in notebook.cells:
        if TAG not in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            for part in _SECTION.split(cell.source):
                heading = _HEADING.match(part)
                shown = spoken(part)
                if not shown.strip() or (heading and heading[2] == "Sources"):
                    continue
                if alone:  # no figure has come
                    cells[-2].source += lead
                title = heading[2] if heading else title
                if not heading:
                    shown = f"### {title}\n\n{shown}"
                alone = len(shown.strip().splitlines()) == 1  # a heading: its figure joins it
                lead = f"\n\n{opening(part)}"
                starts = first or (heading is not None and len(heading[1]) < 3)
                cells.append(_cell(shown, "slide" if starts else "subslide"))
                cells.append(_cell(plain(part), "notes"))
                first = False
        else:  # on a slide of its own, unless only a heading stands before it
            markup = [o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {})]
            if markup:
                head = "" if alone else f"<h3>{html.escape(title)}</h3>"
                kind = "-" if alone else "subslide"
                cells.append(_cell(head + "".join(markup), kind, raw=True))
                alone = False
    if not cells:
        raise ValueError(f'no cell is tagged "{TAG}"')
    if alone:
        cells[-2].source += lead
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"title": cells[0].source.split("\n")[0][2:]}
    )


def _cell(text: str, kind: str, *, raw: bool = False) -> NotebookNode:
    """A cell of text, or (raw) of HTML that is not to be read as Markdown, of a slide's kind."""
    metadata = {"slideshow": {"slide_type": kind}}
    if not raw:
        return nbformat.v4.new_markdown_cell(text, metadata=metadata)
    shown = nbformat.v4.new_output("display_data", {"text/html": text})
    return nbformat.v4.new_code_cell("", metadata=metadata, outputs=[shown])


def page(notebook: NotebookNode, name: str) -> str:
    """The slides as HTML."""
    from nbconvert.exporters import SlidesExporter

    exporter = SlidesExporter(
        template_name="lecture",
        extra_template_basedirs=[str(LECTURE.parent)],
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        reveal_url_prefix="reveal",
        reveal_theme="white",
    )
    equipment = {
        "lecture_scripts": [*output.SCRIPTS, *output.FIGURES],
        "lecture_styles": ["hpss", *output.FIGURES],
    }
    body, _ = exporter.from_notebook_node(
        slides(notebook), resources={"metadata": {"name": name}, **equipment}
    )
    return body


def write_slides(out: Path, patterns: list[str]) -> list[Path]:
    """Write a page for each chapter whose name matches, what they need, and a list of them."""
    order = (ROOT / "_toc.yml").read_text(encoding="utf8")
    found = sorted(EXECUTED.glob("*.ipynb"), key=lambda path: order.find(f"book/{path.stem}\n"))
    if not found:
        raise SystemExit("the book is not built: run `make book` first")
    chosen = [p for p in found if not patterns or any(fnmatch(p.stem, w) for w in patterns)]
    shutil.rmtree(out, ignore_errors=True)
    bring(out)
    written, links = [], ""
    for path in chosen:
        notebook = nbformat.read(path, as_version=4)
        if not any(TAG in cell.metadata.get("tags", []) for cell in notebook.cells):
            continue
        text = page(notebook, path.stem)
        for name in sorted(set(_ASSET.findall(text))):
            shutil.copy2(ASSETS / name, out / "assets" / name)
        written.append(out / f"{path.stem}.html")
        written[-1].write_text(text, encoding="utf8")
        heading = _HEADING.search(notebook.cells[0].source)
        title = html.escape(heading[2] if heading else path.stem)
        links += f'<li><a href="{path.stem}.html">{title}</a></li>\n'
    if not written:
        raise SystemExit(f"no chapter with slides is called {' or '.join(patterns)}")
    (out / "index.html").write_text(
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Slides</title>'
        f"<h1>Slides</h1><ol>\n{links}</ol><p>Keys: arrows or space, S for the speaker's view.</p>",
        encoding="utf8",
    )
    return written


def bring(out: Path) -> None:
    """Copy what the slides are shown with: reveal.js, MathJax, the book's scripts and styles."""
    reveal, mathjax = MODULES / "reveal.js", MODULES / "mathjax" / "es5"
    for needed in (reveal / "dist" / "reveal.js", mathjax / "tex-svg.js"):
        if not needed.is_file():
            raise SystemExit(
                f"{needed.name} is not there: run `npm ci`, or `make book`, which does"
            )
    (out / "assets").mkdir(parents=True)
    quiet = shutil.ignore_patterns("*.map", "*.esm.js")
    shutil.copytree(reveal / "dist", out / "reveal" / "dist", ignore=quiet)
    shutil.copytree(reveal / "plugin" / "notes", out / "reveal" / "plugin" / "notes", ignore=quiet)
    shutil.copy2(reveal / "LICENSE", out / "reveal" / "LICENSE")
    (out / "mathjax").mkdir()
    shutil.copy2(mathjax / "tex-svg.js", out / "mathjax")
    shutil.copytree(mathjax / "input", out / "mathjax" / "input")
    shutil.copytree(mathjax / "a11y", out / "mathjax" / "a11y")
    shutil.copytree(mathjax / "sre", out / "mathjax" / "sre")
    (out / "static").mkdir()
    for name in (*output.SCRIPTS, *output.FIGURES):
        (out / "static" / f"{name}.js").write_text(output.static_text(f"{name}.js"), "utf8")
    for name in ("hpss", *output.FIGURES):
        (out / "static" / f"{name}.css").write_text(output.static_text(f"{name}.css"), "utf8")
    for name in ("lecture.js", "lecture.css"):
        shutil.copy2(LECTURE / name, out / "static" / name)


def main() -> None:
    """Write the slides and say where."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "slides")
    parser.add_argument("--chapters", nargs="*", default=[], metavar="PATTERN", help="as 03_*")
    options = parser.parse_args()
    for path in write_slides(options.out, options.chapters):
        print(path)


if __name__ == "__main__":
    main()
