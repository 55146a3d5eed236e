"""Players on a page of their own: what loads first, large buttons, one transport for a list."""

import dataclasses
import json
import math
import re
import shutil

import numpy as np
import pytest
import serve
from conftest import ROOT, until

from hpss_lib.chapters import median_masks, sinusoidal_phase, spectral_subtraction, stft
from hpss_lib.stft import SAMPLE_RATE
from hpss_lib.views import output, players


def tone(hertz, seconds=4.0):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


@pytest.fixture
def served(page, tmp_path, monkeypatch):
    """Opens what a call of views shows, served as the built book is."""
    monkeypatch.setenv(output.FOLDER, str(tmp_path / "assets"))
    shown = []
    monkeypatch.setattr(output, "emit", lambda markup, *_: shown.append(markup))

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
        page.goto(address)
        return page

    with serve.plainly(tmp_path) as address:
        yield start


# By control, ten values of its sliders, between the positions and at both ends too.
COMPUTED = {
    "ch2-window": (stft.window_control, "3 4 7 12 17 30 64 100 222 372"),
    "ch3-kernels": (
        median_masks.kernel_control,
        "0.03,65 0.05,65 0.07,100 0.1,3000 0.15,667 0.25,400 0.36,700 0.5,1200 1,2000 2,3000",
    ),
    "ch4-exponent": (
        spectral_subtraction.exponent_control,
        "4 0.4 0.5 0.75 0.9 1 1.7 2.3 3.35 1.25",
    ),
    "ch4-noise": (
        spectral_subtraction.noise_control,
        "0,0 0.3,0 0.9,0.05 1,0 1.4,0.1 1.7,0.33 2.2,0 3.1,0.02 5.6,0.2 8,0.5",
    ),
    "ch7-tone": (
        sinusoidal_phase.tone_control,
        "400,64,800 430,1024,4096 433.5,384,2049 437,640,1500 440,1024,4096 440,2048,1025 "
        "451.5,192,3001 459,512,999 472,1280,2500 480,2048,4096",
    ),
}


def with_few_positions(control):
    """The control with two positions a slider: drawing all of them takes long, and is tested."""
    few = [
        dataclasses.replace(p, values=tuple(sorted({p.values[0], control.start[p.name]})[:2]))
        if p.values[0] != control.start[p.name]
        else dataclasses.replace(p, values=p.values[:2])
        for p in control.parameters
    ]
    return dataclasses.replace(control, parameters=tuple(few))


@pytest.mark.parametrize("name", COMPUTED)
def test_a_control_that_the_page_computes(served, tmp_path, name):
    """Moved to ten values, it says and plays what the library's view does."""
    for folder in ("engine", "computed", "own_song"):
        shutil.copytree(ROOT / "book" / folder, tmp_path / folder)
    control, points = COMPUTED[name]
    points = [[float(value) for value in point.split(",")] for point in points.split()]
    page = served(with_few_positions(control).show)
    figure = page.locator(".hpss-control")
    sliders, texts = figure.locator("input"), figure.locator("output")
    sliders.first.focus()
    until(page, "!document.querySelector('.hpss-inputs input').dataset.texts")
    seen = set()
    for point in points:
        for i, (parameter, wanted) in enumerate(zip(control.parameters, point, strict=True)):
            at = math.log10(wanted) if parameter.log else wanted
            sliders.nth(i).evaluate(
                "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", at
            )
        until(page, "!document.querySelector('.hpss-control').hasAttribute('aria-busy')")
        values = json.loads(figure.get_attribute("data-shown"))
        for i, (parameter, wanted) in enumerate(zip(control.parameters, point, strict=True)):
            value = values[parameter.name]
            # As fine as the slider's steps.
            assert abs(value - wanted) <= max(parameter.live_limits()[2], 0.03 * wanted)
            assert texts.nth(i).inner_text() == parameter.text(value)
        view, text = control.view(**values), figure.locator(".hpss-text").inner_text()
        check_text(text, view.text)
        shows = figure.get_attribute("data-shows")
        assert figure.locator("canvas").get_attribute("aria-label") == f"{shows} {text}"
        seen.add(page.evaluate("document.querySelector('canvas').toDataURL()"))
    assert len(seen) == 10
    check_sounds(page, view)
    failed = []
    page.on("pageerror", lambda error: failed.append(error))
    low, high, _ = control.parameters[0].live_limits()
    for key, value in (("Home", low), ("End", high)):  # by keyboard, to both ends
        sliders.first.focus()
        sliders.first.press(key)
        assert texts.first.inner_text() == control.parameters[0].text(value)
        sliders.first.blur()
    until(page, "!document.querySelector('.hpss-control').hasAttribute('aria-busy')")
    assert not failed
    last = page.evaluate("document.querySelector('canvas').toDataURL()")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    until(page, "(last) => document.querySelector('canvas').toDataURL() !== last", last)


def check_text(text, expected):
    """The same words, and numbers that differ by rounding alone: by one in their last digit."""
    number = r"\d[\d,]*(?:\.\d+)?"
    assert re.sub(number, "#", text) == re.sub(number, "#", expected)
    for pair in zip(re.findall(number, text), re.findall(number, expected), strict=True):
        unit = 10.0 ** -max(len(one.partition(".")[2]) for one in pair)
        found, wanted = (float(one.replace(",", "")) for one in pair)
        assert abs(found - wanted) < 1.001 * unit, (text, expected)


def check_sounds(page, view):
    """What the page plays is what the library gives, at the control's gain."""
    heard = page.evaluate(
        """async () => Promise.all([...document.querySelectorAll('audio')].map(async (audio) => {
            const context = new OfflineAudioContext(1, 1, 44100);
            const file = await (await fetch(audio.getAttribute('src'))).arrayBuffer();
            return [...(await context.decodeAudioData(file)).getChannelData(0)]; }))"""
    )
    told = json.loads(page.get_attribute(".hpss-control", "data-told"))
    for x, found in zip(view.sounds.values(), heard, strict=True):
        expected = np.clip(told["gain"] * x, -1, 1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)


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
