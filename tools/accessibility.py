"""What axe-core finds on the built pages, by WCAG 2.2 AA, light and dark: a table of rules.

make book && .venv/bin/python tools/accessibility.py        (needs Chromium)
"""

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import serve

ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
VIEW = {"width": 1280, "height": 900}
GRAVE = ("serious", "critical")
TAGS = [f"wcag{version}{level}" for version in ("2", "21", "22") for level in ("a", "aa")]
OPTIONS = {
    "runOnly": {"type": "tag", "values": [*TAGS, "best-practice"]},
    # Off by themselves: the first as "experimental", the second since it came with WCAG 2.2.
    "rules": {"label-content-name-mismatch": {"enabled": True}, "target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
SHADES = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}

# What is folded is looked at too, what moves stands still, and all words found are marked.
OPEN = """async () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
  for (const button of document.querySelectorAll("button.toggle-button, .toggle > summary")) {
    if (button.dataset.button === "show") button.click();
  }
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
}"""
RUN = """async options => (await axe.run(document, options)).violations.map(rule => ({
  rule: rule.id, impact: rule.impact, help: rule.help,
  places: rule.nodes.map(node => ({
    target: node.target.join(" "), html: node.html.slice(0, 200), why: node.failureSummary })),
}))"""
DARK = """() => { document.documentElement.dataset.mode = "dark";
  document.documentElement.dataset.theme = "dark"; }"""
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"


def findings(page, address: str) -> Iterator[dict]:
    """What is wrong on one page, in light and then in dark; each with rule, impact, places."""
    page.goto(address, wait_until="load")
    page.add_style_tag(content=STILL)
    page.evaluate(OPEN)
    page.add_script_tag(path=AXE)
    for theme, options in (("light", OPTIONS), ("dark", SHADES)):
        if theme == "dark":
            page.evaluate(DARK)
        for finding in page.evaluate(RUN, options):
            yield finding | {"theme": theme, "page": address.partition("?")[0].rpartition("/")[2]}


def addresses(folder: Path) -> list[str]:
    """Every page of a built book, as an address below it; one of them with words found in it."""
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.glob("book/*.html"))
    return [*pages, f"{pages[0]}?highlight=drums", "search.html?q=median", "genindex.html"]


def table(found: Iterable[dict]) -> str:
    """A line for each rule: how bad, on how many pages, in how many places, light and dark."""
    found = list(found)
    lines = [f"{'rule':34} {'impact':9} {'pages':>5} {'light':>6} {'dark':>6}"]
    for rule in sorted({one["rule"] for one in found}, key=lambda name: _gravest(found, name)):
        of = [one for one in found if one["rule"] == rule]
        places = Counter()
        for one in of:
            places[one["theme"]] += len(one["places"])
        pages = len({one["page"] for one in of})
        lines.append(
            f"{rule:34} {of[0]['impact']:9} {pages:5} {places['light']:6} {places['dark']:6}"
        )
    return "\n".join(lines) if found else "nothing found"


def _gravest(found: list[dict], rule: str) -> tuple:
    impact = next(one["impact"] for one in found if one["rule"] == rule)
    return ("critical", "serious", "moderate", "minor").index(impact), rule


def main(argv: list[str] | None = None) -> int:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "_build" / "html")
    parser.add_argument("--pages", default="", help="only those whose address holds this")
    parser.add_argument("--json", type=Path, help="every place, as a file")
    options = parser.parse_args(argv)
    found = []
    with serve.plainly(options.folder) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=VIEW, color_scheme="light", bypass_csp=True)
        page.set_default_timeout(600_000)
        for name in addresses(options.folder):
            if options.pages in name:
                found += findings(page, f"{site}{name}")
                print(".", end="", file=sys.stderr, flush=True)
                if options.json:
                    options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
        browser.close()
    print(file=sys.stderr)
    print(table(found))
    return 1 if any(one["impact"] in GRAVE for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
