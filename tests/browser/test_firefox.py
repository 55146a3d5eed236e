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

from hpss_lib.separation import separate
from hpss_lib.stft import SAMPLE_RATE

NAMES = ("firefox-esr", "firefox")
SECONDS = 120  # until something that does not come is given up
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


@pytest.fixture
def firefox(tmp_path):
    """A Firefox with a profile of its own, whose downloads go to `tmp_path`/downloads."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        skip_or_fail("Firefox is not installed: what is tested in Chromium is not tested there")
    profile, downloads = tmp_path / "profile", tmp_path / "downloads"
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


def test_a_song_is_separated_in_firefox(site, firefox, tmp_path):
    """By the median filter and by the network: as the library does it, and nothing leaves."""
    x = song(2)
    (tmp_path / "song.wav").write_bytes(wav(x))
    firefox.go(site + PAGE)
    firefox.until("document.getElementById('own-song').dataset.state === 'idle'")
    firefox.choose(tmp_path / "song.wav")
    for way, options in (("median", {"method": "median"}), ("mad", {})):
        if way == "mad":
            firefox.evaluate("document.querySelector('.hpss-own-network').click()")
        firefox.until(
            f"document.querySelector('#own-song [value={way}]')?.checked && "
            "document.getElementById('own-song').dataset.state === 'ready'"
        )
        expected, _ = separate(x, SAMPLE_RATE, **options)
        found = saved(firefox, tmp_path, "percussive")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
        (tmp_path / "downloads" / "song.percussive.wav").unlink()
    rest = saved(firefox, tmp_path, "harmonic")
    np.testing.assert_allclose(found + rest, x, rtol=0, atol=1e-6)
    assert firefox.requests
    assert [url for url in firefox.requests if not url.startswith((site, "blob:", "data:"))] == []
