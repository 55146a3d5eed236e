"""A chapter's slides in Chromium, from disk: whole, none taller than the screen, keys where due."""

from pathlib import Path

import pytest
import slides
from conftest import site_folder, skip_or_fail

ROOT = Path(__file__).resolve().parents[2]
WALK = """async () => {
  const found = [];
  for (const slide of Reveal.getSlides()) {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    await Promise.all([...slide.querySelectorAll("img")].map((i) => i.decode().catch(() => 0)));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const box = slide.getBoundingClientRect();
    const low = Math.max(...[...slide.children].map((c) => c.getBoundingClientRect().bottom));
    const heads = [...slide.querySelectorAll("h1, h2, h3")];
    const bare = slide.innerText.trim().length - heads.reduce((n, h) => n + h.innerText.length, 0);
    const drawn = slide.querySelector("img, svg, canvas, mjx-container, audio") !== null;
    found.push({ head: heads[0]?.innerText, empty: bare < 20 && !drawn, wide: box.width, low });
  }
  return found;
}"""


CHAPTERS = [f"{k:02}" for k in range(1, 12)] + ["one_weight"]


@pytest.fixture(scope="module")
def lectures(tmp_path_factory):
    executed = site_folder().parent / "jupyter_execute" / "book"
    if not (executed / "03_median_masks.ipynb").is_file():
        skip_or_fail(f"no executed notebooks in {executed}: run `make book` first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slides, "EXECUTED", executed)
        patch.setattr(slides, "ASSETS", site_folder() / "book" / "assets")
        return slides.write_slides(tmp_path_factory.mktemp("slides"), [])


@pytest.fixture
def lecture(lectures):
    return next(path for path in lectures if path.stem.startswith("03"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_slide_fits_and_says_something(page, lectures, chapter):
    lecture = next(path for path in lectures if path.stem.startswith(chapter))
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(lecture.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    found = page.evaluate(WALK)
    assert len(found) > 10
    assert [slide for slide in found if slide["empty"] or slide["low"] > 721] == []


def test_a_slider_keeps_its_keys(page, lecture):
    page.goto(lecture.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert page.locator("mjx-container").count() > 0
    assert page.evaluate("Reveal.getTotalSlides()") > 15
    here = "JSON.stringify(Reveal.getIndices())"
    start = page.evaluate(here)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(here) != start
    slider = page.locator("input[type=range][aria-valuetext]").first
    page.evaluate(
        "(s) => { const i = Reveal.getIndices(s.closest('section')); Reveal.slide(i.h, i.v); }",
        slider.element_handle(),
    )
    before, shown = page.evaluate(here), slider.get_attribute("aria-valuetext")
    slider.focus()
    slider.press("ArrowRight")
    assert page.evaluate(here) == before
    assert slider.get_attribute("aria-valuetext") != shown
