"""Slides: what a tagged cell becomes, and that nothing on them comes from elsewhere."""

import json
import re
from pathlib import Path

import nbformat
import pytest
import slides

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = [
    path
    for pattern in ("0[1-9]_*.ipynb", "1[0-9]_*.ipynb", "one_weight_by_hand.ipynb")
    for path in sorted((ROOT / "book").glob(pattern))
]
TEXT = """## A mask

**A mask is a picture of the size of the mixture.** It follows [chapter 2](02.ipynb) {cite}`a20`.

$$M = P / (P + H)$$

<details><summary>More</summary>

**What is folded away is not on the slide, however bold.**

</details>
"""


def cell(text, *tags, markup=None):
    metadata = {"tags": list(tags)}
    if markup is None:
        return nbformat.v4.new_markdown_cell(text, metadata=metadata)
    shown = nbformat.v4.new_output("display_data", {"text/html": markup})
    printed = nbformat.v4.new_output("stream", text="printed")
    return nbformat.v4.new_code_cell(text, metadata=metadata, outputs=[printed, shown])


def deck():
    return nbformat.v4.new_notebook(
        cells=[
            cell("# Masks\n\n**After this chapter** you can pull. **You need** ears.", "slide"),
            cell(f"{TEXT}\n\n## Sources\n\nThe book.", "slide"),
            cell("show()", "slide", markup='<img src="assets/0123456789abcdef0123.webp" alt="a">'),
            cell("## Untagged"),
            cell("hidden()", markup="<p>hidden"),
            cell("## Lengths", "slide"),
            cell("show()", "slide", markup="<p>alone"),
        ]
    )


def test_a_slide_shows_the_point_and_the_notes_say_the_rest():
    said = slides.spoken(TEXT)
    assert said.startswith("## A mask\n") and "- A mask is a picture" in said
    assert "**" not in slides.spoken("- **Twitter.** Bins come **and** go.\n- **Noise.** It is.")
    assert "$$M = P / (P + H)$$" in said and "folded" not in said
    made = slides.slides(deck()).cells
    kinds = [c.metadata.slideshow.slide_type for c in made]
    assert kinds == ["slide", "notes", "slide", "notes", "subslide", "slide", "notes", "-"]
    assert made[0].source == "# Masks\n\n**After this chapter** you can pull."
    assert "It follows chapter 2." in made[3].source and "cite" not in made[3].source
    shown = [c.outputs[0].data["text/html"] for c in made if c.cell_type == "code"]
    assert shown[0].startswith("<h3>A mask</h3><img") and shown[1] == "<p>alone"


def test_a_heading_is_not_alone():
    shown, text = "<p>shown", "Now you. It is easy, as you will see. Begin."
    cells = [cell("# A", "slide"), cell(f"## B\n\n{text}", "slide"), cell("## C", "slide")]
    cells += [cell("x", "slide", markup=shown), cell(f"## D\n\n{text}", "slide")]
    made = slides.slides(nbformat.v4.new_notebook(cells=cells)).cells
    said = [c.source.split() for c in made if c.metadata.slideshow.slide_type == "slide"]
    with_lead = "Now you. It is easy, as you will see.".split()
    assert [one[2:] for one in said] == [[], with_lead, [], with_lead]


def test_nothing_on_a_slide_comes_from_elsewhere():
    text = slides.page(deck(), "deck")
    named = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert {"mathjax/tex-svg.js", "static/hpss.css", "reveal/dist/reveal.js"} <= set(named)
    assert not [address for address in named if "//" in address]
    assert "require" not in text and "hidden" not in text and "printed" not in text
    assert text.count('<aside class="notes">') == 3


def test_the_folder_is_whole(tmp_path, monkeypatch):
    executed, assets = tmp_path / "executed", tmp_path / "assets"
    executed.mkdir(), assets.mkdir()
    nbformat.write(deck(), executed / "03_masks.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell("# No")]), executed / "04_no.ipynb")
    (assets / "0123456789abcdef0123.webp").write_bytes(b"picture")
    monkeypatch.setattr(slides, "EXECUTED", executed)
    monkeypatch.setattr(slides, "ASSETS", assets)
    out = tmp_path / "out"
    (written,) = slides.write_slides(out, [])
    for address in re.findall(r'(?:src|href)="([^"]*)"', written.read_text(encoding="utf8")):
        assert (out / address).is_file(), address
    assert 'href="03_masks.html">Masks</a>' in (out / "index.html").read_text(encoding="utf8")
    with pytest.raises(SystemExit, match="04"):
        slides.write_slides(out, ["04_*"])
    monkeypatch.setattr(slides, "EXECUTED", tmp_path)
    with pytest.raises(SystemExit, match="make book"):
        slides.write_slides(out, [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_chapter_has_a_lecture(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    tagged = [c for c in cells if slides.TAG in c["metadata"].get("tags", [])]
    texts = ["".join(c["source"]) for c in tagged if c["cell_type"] == "markdown"]
    assert texts[0].startswith("# ") and "## Summary" in texts[-1]
    assert sum(c["cell_type"] == "code" for c in tagged) >= 3
    assert all(slides.spoken(text).strip() for text in texts)
    assert not any("Solution</summary>" in text for text in texts)
