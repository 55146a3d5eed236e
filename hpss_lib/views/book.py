"""The Sphinx extension that makes the pages whole without a network.

It tells the notebooks where to put pictures and sounds, brings the book's own script and style and
MathJax, and keeps away what would ask for something elsewhere: Thebe, and require.js with it.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging

from hpss_lib.views import launch, links, output, own_song
from hpss_lib.views.reference import find_chapters

logger = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"
_ENGINE = Path("book") / "engine"  # what computes in the page, for the pages that do
_ASSETS = Path("book") / "assets"  # under the output folder, beside the pages of book/
# What MathJax may load after its start: TeX macros on demand, and its accessibility tools.
_MATHJAX = ("tex-svg.js", "input/tex/extensions", "a11y", "sre", "ui")
_ASSET = re.compile(r"assets/([0-9a-f]{20}\.(?:webp|png|flac))")

_SIGNATURE = r'<dl>\s*((?:<dd><em class="sig-param">.*?</dd>\s*)+)</dl>'
_MENDED = (
    # What a button shows is what it is called, or who speaks to a computer cannot press it.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<button[^>]*search-button-field[^>]*?) title="Search" aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch[^>]*?)\s+title="[^"]*"', r"\1"),
    # A list has items.
    (r'(<div class="citation"[^>]*) role="doc-biblioentry"', r'\1 role="listitem"'),
    # Every part of a page belongs to a region of it.
    (
        r'<div id="pst-primary-sidebar" class=',
        '<div id="pst-primary-sidebar" role="complementary" aria-label="Contents" class=',
    ),
)

# Before the page is drawn, so that nothing jumps: parts that need the script are shown, and a first
# visit follows the system's light or dark (the theme logs an error and flashes where it is unset).
# From disk a browser lets no page read another, which the search does for its excerpts: there it
# shows titles, and no error for each.
_HEAD_SCRIPT = """(function (page) {
  page.classList.add("hpss-js");
  if (location.protocol === "file:") document.addEventListener("DOMContentLoaded", function () {
    const options = typeof DOCUMENTATION_OPTIONS === "object" ? DOCUMENTATION_OPTIONS : {};
    options.SHOW_SEARCH_SUMMARY = false;
  });
  if (page.dataset.mode) return;
  page.dataset.mode = "auto";
  page.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
})(document.documentElement);"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension to Sphinx; list it under sphinx: extra_extensions in _config.yml."""
    app.add_config_value("hpss_mathjax", "node_modules/mathjax/es5", "html", types=[str])
    app.connect("source-read", _cite)
    app.connect("html-page-context", _fill_own_song)
    app.connect("html-page-context", _offer_notebook)
    app.connect("html-page-context", _lead_somewhere)
    app.connect("config-inited", _configure, priority=900)
    app.connect("builder-inited", _begin)
    app.connect("builder-inited", _drop_thebe)
    app.connect("build-finished", _finish)
    app.add_js_file(None, body=_HEAD_SCRIPT, priority=1)
    for script in (*output.SCRIPTS, *output.FIGURES, *output.PAGES):
        app.add_js_file(f"{script}.js", defer="defer")
    for style in ("hpss", *output.FIGURES):
        app.add_css_file(f"{style}.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _cite(app: Sphinx, page: str, source: list[str]) -> None:
    """Let the bibliography know which of its entries a page names."""
    source[0] = links.cite(source[0])


def _fill_own_song(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Put the page that separates a reader's own song into the place that its text leaves."""
    if page == own_song.PAGE:
        context["body"] = context["body"].replace(own_song.PLACE, own_song.page_html())


def _offer_notebook(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Say under a notebook's title how to run it."""
    if not _is_notebook(app, page):
        return
    options = app.config.html_theme_options
    offer = launch.launch_html(
        f"{Path(page).name}.ipynb",
        options.get("repository_url", ""),
        options.get("repository_branch", "main"),
    )
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{offer}", 1)


def _is_notebook(app: Sphinx, page: str) -> bool:
    return page in app.env.found_docs and Path(app.env.doc2path(page)).suffix == ".ipynb"


# The pages of which a reader is told what a term means: the numbered chapters, and the bridge.
_TAUGHT = re.compile(r"book/(?:(0[1-9]|[1-9]\d)_|one_weight)")
_GLOSSARY = "book/glossary"


def _lead_somewhere(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Link chapters and terms in a page's text, and number its figures."""
    if "body" not in context or app.builder.format != "html":
        return
    pages = {n: name[1:] for n, name in find_chapters(Path(app.srcdir) / "book").items()}
    addresses = {
        number: app.builder.get_relative_uri(page, name)
        for number, name in pages.items()
        if name != page and name in app.env.found_docs
    }
    body = links.link_chapters(context["body"], addresses)
    taught = _TAUGHT.match(page)
    if taught:
        body = links.link_terms(body, _terms(app, page))
    try:
        number = int(taught[1]) if taught and taught[1] else None
        context["body"] = links.number_figures(body, number)
    except ValueError as error:
        logger.warning("%s: %s", page, error)


def _terms(app: Sphinx, page: str) -> dict[str, links.Term]:
    """The glossary, as its page has it, with addresses from another page."""
    if _GLOSSARY not in app.env.found_docs:
        return {}
    at = app.builder.get_relative_uri(page, _GLOSSARY)
    found = {}
    for item in app.env.get_doctree(_GLOSSARY).findall(nodes.definition_list_item):
        meaning = next(iter(item.findall(nodes.definition))).astext().replace("\n", " ")
        meaning = re.sub(r"\\(\w+)", r"\1", meaning)  # of formulas, the letters
        for term in item.findall(nodes.term):
            found[term.astext()] = links.Term(f"{at}#{term['ids'][0]}", meaning)
    return found


def _configure(app: Sphinx, config: Config) -> None:
    """Let MathJax come from the book itself, mend two defaults of the theme, draw the buttons.

    The buttons (download, Binder, repository) follow from the repository's address alone: while it
    is unset there are none, since each would lead nowhere.
    """
    config.mathjax_path = "mathjax/tex-svg.js"
    # Formulas are read with the text around them, and are no stops of the tabulator key.
    mathjax = config.mathjax3_config = dict(config.mathjax3_config or {})
    untabbed = {"menuOptions": {"settings": {"inTabOrder": False}}}
    mathjax["options"] = untabbed | mathjax.get("options", {})
    # The theme would put a bar with a second search field above every page.
    linked = bool(config.html_theme_options.get("repository_url"))
    config.html_copy_source = linked  # what the download button leads to
    config.html_theme_options = {
        "navbar_persistent": [],
        **config.html_theme_options,
        "use_download_button": linked,
        "use_repository_button": linked,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            **({"binderhub_url": "https://mybinder.org"} if linked else {}),
        },
    }
    if not config.html_favicon:  # browsers ask for one in any case, and log an error without
        config.html_favicon = str(_STATIC / "favicon.svg")


def _begin(app: Sphinx) -> None:
    """Open the folder of assets, and let the book's own script and style be copied."""
    if app.builder.format != "html":
        return
    if not _mathjax_folder(app).joinpath("tex-svg.js").is_file():
        raise ExtensionError(
            f"MathJax is not in {app.config.hpss_mathjax}; run `npm ci` in the book's folder, "
            "or `make book`, which does"
        )
    folder = Path(app.outdir) / _ASSETS
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[output.FOLDER] = str(folder)
    app.config.html_static_path.append(str(_STATIC))


def _mathjax_folder(app: Sphinx) -> Path:
    return Path(app.srcdir) / app.config.hpss_mathjax


def _drop_thebe(app: Sphinx) -> None:
    """Disconnect sphinx_thebe, which adds a script twice (an error on the console) to every page.

    Jupyter Book loads it whether wanted or not; its address is on another server.
    """
    for listeners in app.events.listeners.values():
        listeners[:] = [
            listener
            for listener in listeners
            if not getattr(listener.handler, "__module__", "").startswith("sphinx_thebe")
        ]


def _finish(app: Sphinx, error: Exception | None) -> None:
    """Bring MathJax, and clear assets to which no page refers any more."""
    if app.builder.format != "html":
        return
    os.environ.pop(output.FOLDER, None)
    if error is not None:
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in _MATHJAX:
        source = _mathjax_folder(app) / name
        if source.is_dir():
            shutil.copytree(source, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    for page in filter(lambda page: _is_notebook(app, page), app.env.found_docs):
        shutil.copy2(app.env.doc2path(page), Path(app.outdir) / f"{page}.ipynb")
    _bring_engine(app)
    for page in Path(app.outdir).rglob("*.html"):
        markup = page.read_text(encoding="utf-8")
        page.write_text(mended(markup), encoding="utf-8")
    _set_policy(Path(app.outdir) / f"{own_song.PAGE}.html")
    _tidy(Path(app.outdir))


def _bring_engine(app: Sphinx) -> None:
    """Copy the engine and the network's weights, which a page loads only when it is asked to."""
    target = Path(app.outdir) / _ENGINE
    target.mkdir(parents=True, exist_ok=True)
    source = Path(app.srcdir) / _ENGINE
    for path in (*source.glob("*.js"), source / "network.wasm", own_song.WEIGHTS):
        shutil.copy2(path, target / path.name)
    for folder in (Path(own_song.PAGE), Path("book") / "computed"):
        shutil.copytree(Path(app.srcdir) / folder, Path(app.outdir) / folder, dirs_exist_ok=True)


def mended(markup: str) -> str:
    """A page without what the theme and its helpers tell a screen reader amiss.

    Parameters
    ----------
    markup : str
        Of a whole page.

    Returns
    -------
    str

    Examples
    --------
    >>> mended('<summary aria-label="Toggle hidden content"><p>Show code</p></summary>')
    '<summary><p>Show code</p></summary>'
    """
    for pattern, instead in _MENDED:
        markup = re.sub(pattern, instead, markup)
    return re.sub(_SIGNATURE, _parameters, markup)


def _parameters(signature: re.Match) -> str:
    """The parameters of a long signature, which no term precedes: no list of definitions."""
    entries = signature[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
    return f'<div class="hpss-parameters">{entries}</div>'


def _set_policy(page: Path) -> None:
    """Let the page that promises so ask nothing of another server."""
    if page.is_file():  # a part of the book may be built without it
        page.write_text(own_song.with_policy(page.read_text(encoding="utf-8")), encoding="utf-8")


def _tidy(outdir: Path) -> None:
    """Delete assets that no page names; warn of names without a file."""
    folder = outdir / _ASSETS
    named = set()
    for page in outdir.rglob("*.html"):
        named |= set(_ASSET.findall(page.read_text(encoding="utf-8", errors="replace")))
    present = {path.name for path in folder.iterdir()}
    for name in present - named:
        (folder / name).unlink()
    for name in sorted(named - present):
        logger.warning("a page refers to assets/%s, which is not there: build cold", name)
