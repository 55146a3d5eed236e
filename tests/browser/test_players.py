"""Players on a page of their own: what loads first, large buttons, one transport for a list."""

import functools
import http.server
import shutil
import threading

import numpy as np
import pytest
from conftest import ROOT, until

from hpss_lib.chapters import stft
from hpss_lib.stft import SAMPLE_RATE
from hpss_lib.views import output, players


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def tone(hertz, seconds=4.0):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


@pytest.fixture
def served(page, tmp_path, monkeypatch):
    """Opens what a call of views shows, served as the built book is."""
    monkeypatch.setenv(output.FOLDER, str(tmp_path / "assets"))
    shown = []
    monkeypatch.setattr(output, "emit", lambda markup, *_: shown.append(markup))
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def start(show):
        show()
        scripts = "".join(output.static_text(f"{name}.js") for name in output.SCRIPTS)
        (tmp_path / "index.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>'
            '<link rel="icon" href="data:,">'
            f"<style>{output.static_text('hpss.css')}</style><script>{scripts}</script>{shown[0]}"
            "</html>",
            encoding="utf-8",
        )
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        return page

    yield start
    server.shutdown()


def test_a_control_that_the_page_computes(served, tmp_path):
    """Moved to ten values, between the positions too, it says what the library's view says."""
    for name in ("engine", "computed"):
        shutil.copytree(ROOT / "book" / name, tmp_path / name)
    page = served(stft.window_control.show)
    control = page.locator(".hpss-control")
    until(page, "document.querySelector('.hpss-inputs input').step !== '1'")
    slider, seen = control.locator("input"), set()
    for window_ms in (3, 4, 7, 12, 17, 30, 64, 100, 222, 372):
        slider.evaluate(
            "(e, v) => { e.value = Math.log10(v); e.dispatchEvent(new Event('input')); }", window_ms
        )
        shown = control.locator("output").inner_text()
        value = int(shown.removesuffix(" ms"))
        assert abs(value - window_ms) <= max(1, 0.03 * window_ms)  # as fine as the slider's steps
        text = control.locator(".hpss-text").inner_text()
        assert (
            text
            == stft.window_view(value).text
            == control.locator("canvas").get_attribute("aria-label")
        )
        seen.add(page.evaluate("document.querySelector('canvas').toDataURL()"))
    assert len(seen) == 10
    failed = []
    page.on("pageerror", lambda error: failed.append(error))
    for key, value in (("Home", "3 ms"), ("End", "372 ms")):  # by keyboard, to both ends
        slider.focus()
        slider.press(key)
        assert control.locator("output").inner_text() == value
        slider.blur()
    assert not failed
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    until(page, "(last) => document.querySelector('canvas').toDataURL() !== last", sorted(seen)[-1])


def show_stems():
    players.stem_player(
        {"mixture": tone(200) + tone(300), "percussive": tone(200), "harmonic": tone(300)},
        name="one",
        title="One",
        muted=("percussive", "harmonic"),
        buttons={"Song": "mixture", "Drums": "percussive", "Rest": "harmonic"},
    )


def test_what_is_heard_loads_first(served):
    """With every other file held back the song plays; they join it, in step, when they come."""
    page = served(show_stems)
    urls = page.evaluate(
        "[...document.querySelectorAll('.hpss-row audio')].map(a => a.getAttribute('src'))"
    )
    held, holding = [], [True]
    for url in urls[1:]:
        page.route(f"**/{url}", lambda route: held.append(route) if holding else route.continue_())
    page.click(".hpss-play-button")
    until(page, "document.querySelector('.hpss-stems').hpss.time > 0.2")
    gains = page.evaluate("document.querySelector('.hpss-stems').hpss.gains()")
    assert gains[0] > 0 and gains[1:] == [0, 0]
    holding.clear()
    for route in held:
        route.continue_()
    page.click("text=Drums")
    until(
        page,
        "(l => l[0] < 1e-6 && l[1] > 1e-3)(document.querySelector('.hpss-stems').hpss.levels())",
    )


def test_large_buttons(served):
    page = served(show_stems)
    pressed = (
        "[...document.querySelectorAll('.hpss-choices button')].map(b => "
        "b.getAttribute('aria-pressed') === 'true')"
    )
    assert page.evaluate(pressed) == [True, False, False]
    page.click("text=Drums")  # which also begins
    until(page, "document.querySelector('.hpss-stems').hpss.time > 0.1")
    assert page.evaluate(pressed) == [False, True, False]
    assert page.inner_text(".hpss-heard") == "Hearing percussive"
    page.click("text=Rest")
    assert page.inner_text(".hpss-heard") == "Hearing harmonic"
    page.click("[aria-label='Mute mixture']")
    assert page.evaluate(pressed) == [False, False, False]


def test_one_transport_for_a_list(served):
    """B goes on where A was, as loud as A."""
    page = served(lambda: players.play({"A": tone(200, 8), "B": tone(300, 8)}, name="two"))
    page.evaluate("document.querySelectorAll('audio')[0].play()")
    until(page, "document.querySelectorAll('audio')[0].currentTime > 0.5")
    page.evaluate("document.querySelectorAll('audio')[0].volume = 0.5")
    page.evaluate("document.querySelectorAll('audio')[1].play().catch(() => {})")
    until(
        page,
        "(([a, b]) => a.paused && !b.paused && b.currentTime >= a.currentTime)"
        "(document.querySelectorAll('audio'))",
    )
    a, b = page.evaluate("[...document.querySelectorAll('audio')].map(a => a.currentTime)")
    assert 0.5 < a <= b < a + 3
    assert page.evaluate("document.querySelectorAll('audio')[1].volume") == 0.5
    page.evaluate("document.querySelectorAll('audio')[0].play()")  # and back
    until(
        page,
        f"(([a, b]) => b.paused && !a.paused && a.currentTime >= {b})"
        "(document.querySelectorAll('audio'))",
    )
