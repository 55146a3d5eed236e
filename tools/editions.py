"""The book in other forms: for students, for instructors, on paper, without a network.

    python tools/editions.py student [--out _build/student]
    python tools/editions.py instructor [--out _build/instructor]
    python tools/editions.py pdf [--out _build/pdf] [--chapters PATTERN...] [--solutions]
    python tools/editions.py offline [--out _build/pulling-music-apart.zip]

student: the notebooks without the solutions of their exercises. instructor: the same notebooks with
each solution filled in, so that every check says "Right.". Both bring the data that they read.
pdf: Chromium prints each page of the built book, in light colours, its solutions left out, or
(--solutions) all at its end. offline: the built book as one zip that opens from disk.
"""

import argparse
import itertools
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
MARKER = "# --- check ---"
SOLUTION = re.compile(r"\n*<details>\s*<summary>\s*(?:<[^>]+>)*Solution.*?</details>\n*", re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)

OFFLINE = """Pulling music apart, to read without a network

Unpack the whole folder and open index.html in a browser: text, sounds, controls and questions work
from disk. Two things a browser allows only to pages from a web server: the search finds pages by
any word in them, but shows no excerpts, and the page "Your own song" does not compute. For these,
run in this folder

    python -m http.server

and open http://localhost:8000 (it is on your own machine; nothing leaves it).
"""


def student(notebook: dict) -> dict:
    """The notebook without the solutions of its exercises."""
    kept = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = SOLUTION.sub("\n\n", "".join(cell["source"])).strip("\n")
            if not text:
                continue
            cell = {**cell, "source": text.splitlines(keepends=True)}
        kept.append(cell)
    return {**notebook, "cells": kept}


def instructor(notebook: dict) -> dict:
    """The notebook with the solution of each exercise in its place."""
    cells = [dict(cell) for cell in notebook["cells"]]
    for cell, after in itertools.pairwise(cells):
        if "exercise" not in cell["metadata"].get("tags", []):
            continue
        found = CODE.search("".join(after["source"]))
        if found is None:
            raise ValueError(f"no solution follows the exercise {cell['id']}")
        _, check = "".join(cell["source"]).split(MARKER)
        text = f"{found[1].rstrip()}\n\n\n{MARKER}{check}"
        cell["source"] = text.splitlines(keepends=True)
    return {**notebook, "cells": cells}


def write_notebooks(change, out: Path) -> list[Path]:
    """Write every notebook, changed, with the data beside it; the folder is made anew."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(
        ROOT / "book",
        out,
        ignore=shutil.ignore_patterns(
            "*.ipynb", ".*", "__pycache__", "engine", "solutions", "separated"
        ),
    )
    written = []
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        notebook = change(json.loads(path.read_text(encoding="utf8")))
        target = out / path.name
        target.write_text(
            json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf8"
        )
        written.append(target)
    return written


# ------------------------------------------------------------------------------------- on paper

PAPER = """
  .bd-header, .bd-sidebar, .bd-sidebar-primary, .bd-sidebar-secondary, .prev-next-area, .bd-footer,
  .bd-header-article, .hpss-run, .hpss-to-run, .toggle-details__summary,
  details.hide > summary, .copybtn, .hpss-js-only {
    display: none !important;
  }
  .hpss-no-js { display: revert !important; }
  .hpss audio, .hpss-inputs, .hpss-transport { display: none !important; }
  pre, code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
  .bd-main .bd-content .bd-article-container, .bd-page-width { max-width: 100% !important; }
  div.cell, div.cell_input, div.cell_output { border: 0 !important; background: none !important; }
  table { font-size: 0.85em; }
  figure, img, tr, .hpss-question, .hpss-ask { break-inside: avoid; }
"""
# Fold-outs are opened, but for solutions, which are taken out or gathered behind the last section.
ARRANGE = """(solutions) => {
  const article = document.querySelector("article");
  const all = [...article.querySelectorAll("details")].filter((d) =>
    /^\\s*Solution/.test(d.querySelector("summary")?.textContent || ""));
  const end = document.createElement("section");
  end.innerHTML = "<h2>Solutions</h2>";
  all.forEach((d, k) => {
    const title = document.createElement("h3");
    title.textContent = `Exercise ${k + 1}`;
    d.querySelector("summary").remove();
    end.append(title, ...d.childNodes);
    d.remove();
  });
  if (solutions && all.length) article.append(end);
  for (const d of article.querySelectorAll("details")) d.open = true;
  return all.length;
}"""


def pages(patterns: list[str]) -> Iterator[Path]:
    """The built pages of the book whose names match, in order."""
    found = sorted((HTML / "book").glob("*.html"))
    if not found:
        raise SystemExit("the book is not built: run `make book` first")
    chosen = [p for p in found if not patterns or any(fnmatch(p.stem, w) for w in patterns)]
    if not chosen:
        raise SystemExit(f"no page is called {' or '.join(patterns)}")
    yield from chosen


def print_pages(out: Path, patterns: list[str], *, solutions: bool) -> list[Path]:
    """Print pages with Chromium, A4, one pdf each."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    written = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium") or None, args=["--no-sandbox"]
        )
        page = browser.new_page(color_scheme="light", viewport={"width": 900, "height": 1200})
        for path in pages(patterns):
            page.goto(path.as_uri())
            page.evaluate("document.documentElement.dataset.theme = 'light'")
            page.wait_for_function(
                "!window.MathJax || !MathJax.startup?.promise"
                " || MathJax.startup.promise.then(() => true)"
            )
            page.evaluate(ARRANGE, solutions)
            page.add_style_tag(content=PAPER)
            page.evaluate(
                "Promise.all([...document.images].map((i) => { i.loading = 'eager';"
                " return i.decode().catch(() => 0); }))"
            )
            target = out / f"{path.stem}.pdf"
            margin = dict.fromkeys(("top", "bottom", "left", "right"), "16mm")
            page.pdf(path=target, format="A4", margin=margin, print_background=True, scale=0.85)
            written.append(target)
        browser.close()
    return written


# ----------------------------------------------------------------------------- without a network


def write_offline(out: Path) -> Path:
    """The built book as one zip, with a word on what needs a web server."""
    if not (HTML / "index.html").is_file():
        raise SystemExit("the book is not built: run `make book` first")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{out.stem}/READ ME FIRST.txt", OFFLINE)
        for path in sorted(HTML.rglob("*")):
            if path.is_file() and path.suffix != ".map" and path.name != ".buildinfo":
                archive.write(path, f"{out.stem}/{path.relative_to(HTML).as_posix()}")
    part.replace(out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("edition", choices=("student", "instructor", "pdf", "offline"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--chapters", nargs="*", default=[], metavar="PATTERN", help="as 03_*")
    parser.add_argument("--solutions", action="store_true", help="at the end of each pdf")
    options = parser.parse_args()
    if options.edition == "offline":
        written = [write_offline(options.out or ROOT / "_build/pulling-music-apart.zip")]
    elif options.edition == "pdf":
        out = options.out or ROOT / "_build/pdf"
        written = print_pages(out, options.chapters, solutions=options.solutions)
    else:
        change = {"student": student, "instructor": instructor}[options.edition]
        written = write_notebooks(change, options.out or ROOT / "_build" / options.edition)
    for path in written:
        print(path)


if __name__ == "__main__":
    main()
