"""Memory and speed of the page "Your own song" in Chromium: the peak of all that it holds.

make book && .venv/bin/python tools/bench_page.py [--minutes 4]        (needs Chromium)

Stereo noise of so many minutes is chosen as a file, separated by the median filter and by the
network. White noise does as well as music: the work does not depend on the sound. The memory is
what the page's own process holds alone (its unique set), workers, weights and player included.
"""

import argparse
import functools
import http.server
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile
from playwright.sync_api import Page, sync_playwright

from hpss_lib.stft import SAMPLE_RATE

ROOT = Path(__file__).resolve().parent.parent


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def held(browser: psutil.Process) -> float:
    """Megabytes held by the largest page of a browser."""
    sizes = [0]
    for process in browser.children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                sizes.append(process.memory_full_info().uss)
        except psutil.Error:  # it has ended meanwhile
            continue
    return max(sizes) / 1e6


def measure(page: Page, browser: psutil.Process, what: str, minutes: float, begin) -> None:
    """Do one thing to the page, and print how long it took and the peak meanwhile."""
    start, peak = time.perf_counter(), 0.0
    begin()
    while page.get_attribute("#own-song", "data-state") != "ready":
        peak = max(peak, held(browser))
        page.wait_for_timeout(100)
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.1f} s, {60 * minutes / seconds:.1f} x real time, peak {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    options = parser.parse_args()
    handler = functools.partial(_Quiet, directory=str(options.site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        song, n = Path(folder) / "noise.wav", round(60 * options.minutes * SAMPLE_RATE)
        soundfile.write(song, 0.1 * np.random.default_rng(0).standard_normal((n, 2)), SAMPLE_RATE)
        before = {child.pid for child in psutil.Process().children(recursive=True)}
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(900_000)
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/book/own_song.html")
        page.wait_for_selector("#own-song[data-state=idle]")
        new = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
        chromium = next(p for p in new if "--type=" not in " ".join(p.cmdline()))
        print(f"the page alone: {held(chromium):.0f} MB")
        measure(
            page, chromium, "median filter", options.minutes,
            lambda: page.set_input_files("#own-song input[type=file]", song),
        )  # fmt: skip
        measure(
            page, chromium, "network, its loading included", options.minutes,
            lambda: page.click(".hpss-own-network"),
        )  # fmt: skip
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
