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
    found.push({ text: slide.innerText.trim().length, wide: box.width, low });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def lecture(tmp_path_factory):
    executed = site_folder().parent / "jupyter_execute" / "book"
    if not (executed / "03_median_masks.ipynb").is_file():
        skip_or_fail(f"no executed notebooks in {executed}: run `make book` first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slides, "EXECUTED", executed)
        patch.setattr(slides, "ASSETS", site_folder() / "book" / "assets")
        return slides.write_slides(tmp_path_factory.mktemp("slides"), ["03_*"])[0]


def test_every_slide_fits(page, lecture):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(lecture.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert page.locator("mjx-container").count() > 0
    found = page.evaluate(WALK)
    assert len(found) > 15
    for number, slide in enumerate(found, start=1):
        assert slide["text"] > 0, number
        assert slide["low"] <= 721, (number, slide)


def test_a_slider_keeps_its_keys(page, lecture):
    page.goto(lecture.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
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
