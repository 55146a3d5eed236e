"""axe-core over every built page, light and dark, by WCAG 2.2 AA (tools/accessibility.py)."""

import accessibility
import pytest
from conftest import open_alone, site_folder


@pytest.fixture
def tab(browser):
    """A page into which axe may be put, also where the page's own policy forbids scripts."""
    context = browser.new_context(
        viewport=accessibility.VIEW, color_scheme="light", bypass_csp=True
    )
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


def test_nothing_serious_is_left(site, tab):
    found = [
        finding
        for name in accessibility.addresses(site_folder())
        for finding in accessibility.findings(tab, site + name)
    ]
    grave = [
        (one["page"], one["theme"], one["rule"], one["places"][0]["target"])
        for one in found
        if one["impact"] in accessibility.GRAVE
    ]
    assert grave == [], accessibility.table(found)


def test_axe_finds_what_is_wrong(tab, tmp_path):
    """The check itself: a page with one fault in light, and one in dark."""
    (tmp_path / "bad.html").write_text(
        '<!doctype html><html lang="en"><title>x</title><style>html[data-theme="dark"] p '
        "{ color: #666; background: #555; }</style><main><h1>x</h1><p>text</p>"
        '<input type="text"></main>',
        encoding="utf-8",
    )
    found = list(accessibility.findings(tab, (tmp_path / "bad.html").as_uri()))
    assert [(one["theme"], one["rule"]) for one in found] == [
        ("light", "label"),
        ("dark", "color-contrast"),
    ]
    table = accessibility.table(found).splitlines()
    assert table[1].split() == ["label", "critical", "1", "1", "0"]
    assert table[2].split() == ["color-contrast", "serious", "1", "0", "1"]


def test_live_sliders_are_named(page, tmp_path):
    """As ipywidgets makes them: the label stands beside the handle, and names nothing."""
    slider = (
        '<div class="widget-slider"><label class="widget-label">window (ms)</label>'
        '<div class="noUi-handle" role="slider" tabindex="0"></div></div>'
    )
    open_alone(page, tmp_path, "<main id='place'></main>", style="hpss", scripts=[])
    page.evaluate("html => { place.innerHTML = html; }", slider)
    page.get_by_role("slider", name="window (ms)").wait_for(state="attached")


def test_the_tabulator_key_stops_at_formulas_that_scroll_alone(site, page):
    page.set_viewport_size({"width": 320, "height": 700})  # the narrowest of WCAG 1.4.10
    page.goto(f"{site}book/08_pu_iter.html", wait_until="load")
    page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
    page.evaluate("async () => { await MathJax.startup.promise; }")
    page.wait_for_function("document.querySelector('mjx-container[tabindex=\"0\"]')")
    assert page.locator("mjx-container").count() > 50
    stops, wide = page.evaluate(
        """() => { const all = [...document.querySelectorAll("mjx-container")];
            const wide = all.filter(e => e.matches("[display]") && e.scrollWidth > e.clientWidth);
            return [all.filter(e => e.tabIndex === 0).length, wide.length]; }"""
    )
    assert 0 < stops == wide


def test_sliders_have_a_track_in_forced_colours(browser, tmp_path):
    """Where a system forces its colours, gradients vanish; the track is a plain ground then."""
    context = browser.new_context(forced_colors="active")
    tab = context.new_page()
    control = '<div class="hpss"><input type="range" style="width: 300px"></div>'
    open_alone(tab, tmp_path, control, style="hpss", scripts=[])
    from PIL import Image

    tab.locator("input").screenshot(path=tmp_path / "track.png")
    with Image.open(tmp_path / "track.png") as picture:
        middle = {picture.convert("L").getpixel((40, y)) for y in range(picture.height)}
    assert max(middle) - min(middle) > 150
    context.close()


def test_the_bibliography_fits_a_narrow_phone(site, page):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{site}book/bibliography.html", wait_until="load")
    wide, seen = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= seen
