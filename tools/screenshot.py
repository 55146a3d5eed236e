"""Take the README's picture: the stem player on the book's first page, as Chromium shows it.

make book && .venv/bin/python tools/screenshot.py        (needs Chromium)
"""

import shutil
from pathlib import Path

import serve
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "book" / "images" / "player.png"


def main() -> None:
    with serve.plainly(ROOT / "_build" / "html") as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(
            viewport={"width": 1000, "height": 900}, device_scale_factor=1.5, color_scheme="light"
        )
        page.goto(f"{site}book/00_index.html")
        player = page.locator("[data-hpss=stems]").first
        player.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        PICTURE.parent.mkdir(exist_ok=True)
        player.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
