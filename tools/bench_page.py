"""The first page's way to its first sound, and memory and speed of the page "Your own song".

make book && .venv/bin/python tools/bench_page.py [--minutes 4]        (needs Chromium)

The first page is loaded over a connection of 4 Mbit/s with an empty cache. From the click on Play,
made when the page is there or some seconds later, to the first sound that Web Audio lets out.

Stereo noise of so many minutes is chosen as a file, separated by the median filter and by the
network. White noise does as well as music: the work does not depend on the sound. The memory is
what the page's own process holds alone (its unique set), workers, weights and player included.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import serve
import soundfile
from playwright.sync_api import Browser, Page, sync_playwright

from hpss_lib.stft import SAMPLE_RATE

ROOT = Path(__file__).resolve().parent.parent
MEGABITS, LATENCY_MS = 4, 20  # of the connection over which the first page is loaded


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


_FIRST = "document.querySelector('.hpss-stems').hpss"


def click_to_sound(browser: Browser, site: str, after: float) -> float:
    """Seconds from a click on the first page's Play, `after` s after its loading, to a sound."""
    context = browser.new_context()
    page = context.new_page()
    connection = {"offline": False, "latency": LATENCY_MS, "uploadThroughput": -1}
    connection["downloadThroughput"] = MEGABITS * 1e6 / 8
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", connection)
    page.goto(f"{site}book/00_index.html", wait_until="load")
    page.wait_for_timeout(1000 * after)
    seconds = page.evaluate(
        f"""() => new Promise((resolve) => {{
            const from = performance.now();
            document.querySelector('.hpss-play-button').click();
            const look = () => {{
                if ({_FIRST}.levels().some((level) => level > 1e-5)) {{
                    resolve((performance.now() - from) / 1000);
                }} else setTimeout(look, 5);
            }};
            look(); }})"""
    )
    context.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4.0, help="of the song; 0: the first page")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve.plainly(options.site) as site,
        sync_playwright() as playwright,
    ):
        before = {child.pid for child in psutil.Process().children(recursive=True)}
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for after in (0, 3):
            seconds = click_to_sound(browser, site, after)
            print(
                f"first page, clicked {after} s after loading: {seconds:.2f} s to the first sound"
            )
        if options.minutes > 0:
            new = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
            chromium = next(p for p in new if "--type=" not in " ".join(p.cmdline()))
            song(browser, chromium, site, Path(folder) / "noise.wav", options.minutes)
        browser.close()


def song(browser: Browser, process: psutil.Process, site: str, path: Path, minutes: float) -> None:
    """Separate noise of so many minutes on the page, and print what that took."""
    n = round(60 * minutes * SAMPLE_RATE)
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((n, 2)), SAMPLE_RATE)
    page = browser.new_page()
    page.set_default_timeout(900_000)
    page.goto(f"{site}book/own_song.html")
    page.wait_for_selector("#own-song[data-state=idle]")
    print(f"the page alone: {held(process):.0f} MB")
    measure(
        page, process, "median filter", minutes,
        lambda: page.set_input_files("#own-song input[type=file]", path),
    )  # fmt: skip
    measure(
        page, process, "network, its loading included", minutes,
        lambda: page.click(".hpss-own-network"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
