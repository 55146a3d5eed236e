"""Words that become links on a built page, and figures that get numbers."""

import re

import pytest

from hpss_lib.views.links import Term, link_chapters, link_terms, number_figures

PAGES = {3: "03.html", 5: "05.html", 6: "06.html"}
TERMS = {
    "mask": Term("g.html#mask", "A picture."),
    "masker": Term("g.html#masker", "A stage."),
    "residual": Term("g.html#residual", "A drawer."),
    "SDR": Term("g.html#sdr", 'A "ratio".'),
}


def targets(markup, kind):
    return re.findall(rf'<a class="hpss-{kind}" href="([^"]*)"[^>]*>([^<]*)</a>', markup)


def test_chapters_are_links_in_every_form():
    text = "<p>Chapter 3's masks; chapters 5 and 6, chapter\n3, chapters 3, 5 and 9.</p>"
    assert targets(link_chapters(text, PAGES), "chapter") == [
        ("03.html", "Chapter 3"),
        ("05.html", "chapters 5"),
        ("06.html", "6"),
        ("03.html", "chapter\n3"),
        ("03.html", "chapters 3"),
        ("05.html", "5"),
    ]


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="x">chapter 3</a>',
        "<pre>chapter <b>3</b> chapter 3</pre>",
        "<h2>Of chapter 3</h2>",
        '<script>let a = "<p>chapter 3";</script>',
        '<span class="math notranslate">chapter 3</span>',
        '<img alt="from chapter 3 > 2">',
        "<p>chapter 30, chapter 3.1</p>",
    ],
)
def test_where_a_link_would_be_wrong_there_is_none(markup):
    assert link_chapters(markup, PAGES) == markup


def test_after_what_is_closed_links_go_on():
    markup = '<div><img src="a"><br/><pre>x</pre>chapter 3</div> chapter 5'
    assert [t for t, _ in targets(link_chapters(markup, PAGES), "chapter")] == [
        "03.html",
        "05.html",
    ]


def test_a_term_is_linked_once_and_where_it_is_meant():
    text = (
        "<h1>Mask</h1><p>Masks and a masker. A mask, sdr, a residual connection. SDR, "
        "the residual.</p>"
    )
    found = link_terms(text, TERMS)
    assert [words for _, words in targets(found, "term")] == [
        "Masks",
        "masker",
        "SDR",
        "residual",
    ]
    assert "<h1>Mask</h1>" in found and "residual connection" in found
    assert 'data-meaning="A &quot;ratio&quot;."' in found
    assert re.sub(r"</?a\b[^>]*>", "", found) == text  # not a word is changed


def test_a_mean_is_no_part_of_the_music():
    terms = {"harmonic": Term("g.html#harmonic", "A part.")}
    found = link_terms("<p>Their harmonic mean; the harmonic part.</p>", terms)
    assert found.startswith("<p>Their harmonic mean; the <a ")


def test_figures_and_solutions_hold_no_terms():
    for markup in ("<figure><p>mask</p></figure>", "<details><p>mask</p></details>"):
        assert link_terms(markup, TERMS) == markup


def test_figures_are_numbered_in_order_and_referred_to():
    page = (
        '<p>See <a class="hpss-ref" href="#control-b">the figure</a>.</p>'
        '<figure class="hpss" id="figure-a"><figcaption>A.</figcaption></figure>'
        '<figure class="hpss hpss-stems" id="stems-x"></figure>'
        '<figure class="hpss" id="control-b"><figcaption>B.</figcaption></figure>'
    )
    found = number_figures(page, 3)
    assert '<a class="hpss-ref" href="#control-b">figure 3.2</a>' in found
    assert re.findall(r"Figure ([\d.]+)\.</span> (\w)", found) == [("3.1", "A"), ("3.2", "B")]
    assert "Figure 1." in number_figures(page, None)


def test_a_reference_to_no_figure_is_told():
    with pytest.raises(ValueError, match="#figure-z"):
        number_figures('<a class="hpss-ref" href="#figure-z">the figure</a>', 3)


def test_each_box_of_the_map_leads_to_a_chapter(monkeypatch):
    from pathlib import Path

    from hpss_lib.chapters import index
    from hpss_lib.views import figures, output

    shown = []
    monkeypatch.setattr(output, "emit", lambda markup, text: shown.append(markup))
    monkeypatch.setattr(output, "is_static", lambda: True)
    monkeypatch.setattr(output, "store", lambda data, mime: "assets/picture.webp")
    fig = index.system_map()
    places = index.map_places(fig)
    for place in places:
        assert 0 <= place.left < place.left + place.width <= 1, place.label
        assert 0 <= place.top < place.top + place.height <= 1, place.label
    figures.show_figure(fig, caption="A.", alt="B.", name="map", places=places)
    pages = re.findall(r'<a class="hpss-place" href="([^"]+)\.html" title="([^"]+)"', shown[0])
    book = Path(__file__).parents[1] / "book"
    assert len(pages) == len(places) and all((book / f"{p}.ipynb").is_file() for p, _ in pages)
    assert {int(p[:2]) for p, _ in pages} == {2, 4, 5, 6, 7, 8}
    assert all(title.endswith(f"chapter {int(p[:2])}") for p, title in pages)
