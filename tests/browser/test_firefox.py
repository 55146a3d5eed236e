"""The page "Your own song" in Firefox, where it is installed, through WebDriver BiDi.

Playwright drives a Firefox of its own making only. Every Firefox speaks BiDi: messages in JSON over
a WebSocket, of which these tests need four commands.
"""

import json
import re
import shutil
import subprocess
import threading
import time

import numpy as np
import pytest
import soundfile
from conftest import skip_or_fail
from test_own_song import PAGE, song, wav

from hpss_lib.chapters import median_masks
from hpss_lib.separation import separate
from hpss_lib.stft import SAMPLE_RATE

NAMES = ("firefox-esr", "firefox")
SECONDS = 60  # until something that does not come is given up
PREFERENCES = {
    "browser.download.folderList": 2,  # the folder below
    "browser.download.alwaysOpenPanel": False,
    "browser.helperApps.neverAsk.saveToDisk": "audio/wav",
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "app.update.enabled": False,
}


class Firefox:
    """A Firefox that was started, spoken to as the BiDi protocol asks."""

    def __init__(self, port):
        import websocket

        # An origin would be refused, as of a page that wants to drive the browser.
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}/session", timeout=SECONDS, suppress_origin=True
        )
        self.count, self.requests = 0, []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["network.beforeRequestSent"])
        self.context = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method, **params):
        """What a command gives; raises RuntimeError with what Firefox says against it."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("method") == "network.beforeRequestSent":
                self.requests.append(answer["params"]["request"]["url"])
            if answer.get("id") == self.count:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['message']}")
                return answer["result"]

    def go(self, url):
        self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, expression):
        """The value, a string, number or truth value, of an expression in the page."""
        target = {"context": self.context}
        answer = self.call(
            "script.evaluate", expression=expression, target=target, awaitPromise=True
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    def until(self, expression):
        begin = time.monotonic()
        while not self.evaluate(expression):
            assert time.monotonic() - begin < SECONDS, f"still not: {expression}"
            time.sleep(0.1)

    def choose(self, path):
        """Choose a file, as in the dialogue of the page's button."""
        locator = {"type": "css", "value": "#own-song input[type=file]"}
        found = self.call("browsingContext.locateNodes", context=self.context, locator=locator)
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self.call("input.setFiles", context=self.context, element=element, files=[str(path)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the files to choose lie; what the page saves goes to `downloads` in it."""
    return tmp_path_factory.mktemp("firefox")


@pytest.fixture(scope="module")
def firefox(folder):
    """One Firefox for all tests, with a profile of its own."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        skip_or_fail("Firefox is not installed: what is tested in Chromium is not tested there")
    profile, downloads = folder / "profile", folder / "downloads"
    profile.mkdir()
    downloads.mkdir()
    wanted = PREFERENCES | {"browser.download.dir": str(downloads)}
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in wanted.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [path, "--headless", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen(
        [*command, "--remote-debugging-port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        yield Firefox(_port(process))
    finally:
        process.terminate()
        process.wait(SECONDS)


def _port(process):
    """Where a Firefox that starts says that it listens; from then on its words are thrown away."""
    for line in process.stderr:
        found = re.search(r"ws://127\.0\.0\.1:(\d+)", line)
        if found:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(found[1])
    raise RuntimeError("Firefox ended before it listened")


def saved(firefox, folder, what):
    """What the page saves: (n, channels), once the file is whole."""
    firefox.evaluate(f"document.querySelector('.hpss-own-save [value={what}]').click()")
    path, begin = folder / "downloads" / f"song.{what}.wav", time.monotonic()
    while not path.exists() or not path.stat().st_size or list(path.parent.glob("*.part")):
        assert time.monotonic() - begin < SECONDS, f"no {path.name} among the downloads"
        time.sleep(0.1)
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def open_page(firefox, site):
    firefox.go(site + PAGE)
    firefox.until("document.getElementById('own-song').dataset.state === 'idle'")


def ready(firefox, way):
    """Wait until the song has been separated in this way."""
    firefox.until(
        f"document.querySelector('#own-song [value={way}]')?.checked && "
        "document.getElementById('own-song').dataset.state === 'ready'"
    )


def test_a_song_is_separated_in_firefox(site, firefox, folder):
    """By the median filter and by the network: as the library does it, and nothing leaves."""
    x = song(2)
    (folder / "song.wav").write_bytes(wav(x))
    open_page(firefox, site)
    firefox.choose(folder / "song.wav")
    for way, options in (("median", {"method": "median"}), ("mad", {})):
        if way == "mad":
            firefox.evaluate("document.querySelector('.hpss-own-network').click()")
        ready(firefox, way)
        expected, _ = separate(x, SAMPLE_RATE, **options)
        found = saved(firefox, folder, "percussive")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
        (folder / "downloads" / "song.percussive.wav").unlink()
    rest = saved(firefox, folder, "harmonic")
    np.testing.assert_allclose(found + rest, x, rtol=0, atol=1e-6)
    assert firefox.requests
    assert [url for url in firefox.requests if not url.startswith((site, "blob:", "data:"))] == []


def test_a_bad_file_and_cancelling_in_firefox(site, firefox, folder):
    """A file without sound is refused in words; what is cancelled makes room for another song."""
    (folder / "notes.txt").write_text("no sound at all")
    (folder / "long.wav").write_bytes(wav(np.tile(song(6), (8, 1))))
    (folder / "short.wav").write_bytes(wav(song(1)))
    open_page(firefox, site)
    firefox.choose(folder / "notes.txt")
    problem = "document.querySelector('.hpss-own-problem')"
    firefox.until(f"!{problem}.hidden")
    assert "notes.txt" in firefox.evaluate(f"{problem}.textContent")
    firefox.choose(folder / "long.wav")
    doing = "document.querySelector('.hpss-own-doing').textContent"
    firefox.until(f"{doing}.startsWith('Median')")
    firefox.evaluate("document.querySelector('.hpss-own-cancel').click()")
    firefox.until("document.querySelector('.hpss-own-said').textContent === 'Cancelled'")
    firefox.choose(folder / "short.wav")
    ready(firefox, "median")
    title = firefox.evaluate("document.querySelector('.hpss-stems .hpss-title').textContent")
    assert title == "short.wav" and firefox.evaluate(f"{problem}.hidden")


def test_a_control_computes_in_firefox(site, firefox):
    """Between the positions it says what the library's view says."""
    firefox.go(site + "book/03_median_masks.html")
    figure = "document.getElementById('control-ch3-kernels')"
    slider = f"{figure}.querySelector('.hpss-inputs input')"
    firefox.evaluate(f"{slider}.dispatchEvent(new Event('pointerenter'))")
    firefox.until(f"!{slider}.dataset.texts")
    firefox.evaluate(f"{slider}.value = '-1'; {slider}.dispatchEvent(new Event('input'))")
    firefox.until(f"{figure}.dataset.shown && !{figure}.hasAttribute('aria-busy')")
    values = json.loads(firefox.evaluate(f"{figure}.dataset.shown"))
    assert values == {"harmonic_seconds": 0.1, "percussive_hertz": 667}
    text = firefox.evaluate(f"{figure}.querySelector('.hpss-text').textContent")
    assert text == median_masks.kernel_view(**values).text
