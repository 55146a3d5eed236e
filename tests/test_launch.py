"""From a page to its notebook: links that follow from one address, and none without it."""

import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlparse

from hpss_lib.views import book, launch

URL = "https://github.com/someone/pulling-apart"


def links(markup):
    return re.findall(r'href="([^"]*)"', markup)


def test_without_an_address_there_is_no_link_to_anywhere_else():
    shown = launch.launch_html("02_stft.ipynb")
    assert links(shown) == ["02_stft.ipynb"] and "://" not in shown
    (lines,) = re.findall(r"<pre>(.*?)</pre>", shown, re.DOTALL)
    assert len(lines.splitlines()) == 3 and lines.endswith("jupyter lab book/02_stft.ipynb")


def test_the_services_follow_from_the_address():
    shown = launch.launch_html("02_stft.ipynb", URL, "stable")
    here, binder, colab = links(shown)
    assert here == "02_stft.ipynb"
    found = urlparse(binder)
    assert found.path == "/v2/gh/someone/pulling-apart/stable"
    assert parse_qs(found.query) == {"urlpath": ["lab/tree/book/02_stft.ipynb"]}
    assert colab.endswith("/github/someone/pulling-apart/blob/stable/book/02_stft.ipynb")
    hub = next(p for p in re.findall(r"<pre>(.*?)</pre>", shown) if p.startswith("/hub/"))
    asked = parse_qs(urlparse(hub.replace("&amp;", "&")).query)
    assert asked["repo"] == [URL] and asked["branch"] == ["stable"]
    assert asked["urlpath"] == ["lab/tree/pulling-apart/book/02_stft.ipynb"]
    assert f"git clone {URL}" in shown


def test_the_book_offers_a_notebook_under_its_title_and_nothing_on_other_pages():
    options = {"repository_url": "", "repository_branch": "main"}
    paths = {"book/02_stft": "/x/book/02_stft.ipynb", "book/glossary": "/x/book/glossary.md"}
    app = SimpleNamespace(
        config=SimpleNamespace(html_theme_options=options),
        env=SimpleNamespace(found_docs=set(paths), doc2path=paths.get),
    )
    for page in paths:
        context = {"body": "<h1>Title</h1><p>Text</p>"}
        book._offer_notebook(app, page, "", context, None)
        assert ("Download 02_stft.ipynb" in context["body"]) == (page == "book/02_stft")
        assert context["body"].startswith("<h1>Title</h1>")


def test_what_the_lines_install_is_there():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf8"))
    assert "jupyterlab" in " ".join(project["project"]["optional-dependencies"]["book"])
