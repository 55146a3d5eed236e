"""Take the README's picture: the stem player on the book's first page, as Chromium shows it.

make book && .venv/bin/python tools/screenshot.py        (needs Chromium)
"""

import functools
import http.server
import shutil
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "book" / "images" / "player.png"


def main() -> None:
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(ROOT / "_build" / "html")
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(
            viewport={"width": 1000, "height": 900}, device_scale_factor=1.5, color_scheme="light"
        )
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/book/00_index.html")
        player = page.locator("[data-hpss=stems]").first
        player.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        PICTURE.parent.mkdir(exist_ok=True)
        player.screenshot(path=PICTURE)
        browser.close()
    server.shutdown()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
