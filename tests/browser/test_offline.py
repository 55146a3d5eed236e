"""The book opened from disk, without a server: the search says what it can, and no error."""

from conftest import site_folder, skip_or_fail


def test_the_search_finds_pages_from_disk(page):
    search = site_folder() / "search.html"
    if not search.is_file():
        skip_or_fail(f"no built book in {site_folder()}: run `make book` first")
    page.goto(f"{search.as_uri()}?q=vibrato")
    page.get_by_text("Search finished").wait_for()
    found = page.locator("#search-results li a")
    assert any("Masks by median filtering" in text for text in found.all_inner_texts())
    assert page.locator("#search-results .context").count() == 0
