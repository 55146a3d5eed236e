"""The blind listening test in Chromium: plays, hides the names, tallies against the plain SDR."""

import numpy as np
import pytest

from hpss_lib.evaluation import sdr
from hpss_lib.views import listening, output

rng = np.random.default_rng(0)
REFERENCE = (0.1 * rng.standard_normal(44100)).astype(np.float32)
TRIALS = [
    listening.Trial(
        f"trial {k}",
        REFERENCE,
        {
            f"good {k}": 0.9 * REFERENCE,
            f"bad {k}": REFERENCE + 0.2 * rng.standard_normal(44100).astype(np.float32),
        },
    )
    for k in range(4)
]


@pytest.fixture
def figure(page, tmp_path):
    """The test alone on a page, opened from disk."""
    style = output.static_text("hpss.css") + output.static_text("listening.css")
    path = tmp_path / "listening.html"
    markup = listening.test_html(TRIALS, "ears", "Your ears", "A caption.")
    path.write_text(
        f'<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>x</title>'
        f"<style>{style}</style><script>{output.static_text('listening.js')}</script>"
        f"<body>{markup}</body></html>",
        encoding="utf-8",
    )
    page.goto(path.as_uri())
    return page.locator(".hpss-listening")


def state(figure):
    return figure.evaluate("figure => figure.hpssListening.state()")


def listen(figure, key):
    figure.locator(f'[data-play="{key}"]').click()
    figure.page.wait_for_function(
        "key => { const s = document.querySelector('.hpss-listening').hpssListening.state();"
        " return s.playing === key && s.time > 0.05; }",
        arg=key,
    )


def test_names_and_scores_are_hidden_until_the_choice(figure):
    text = figure.inner_text()
    assert "good" not in text and "bad" not in text and "dB" not in text
    assert figure.locator('[data-choose="A"]').is_disabled()
    listen(figure, "A")
    assert figure.locator('[data-choose="A"]').is_disabled()  # B has not been heard
    listen(figure, "B")
    figure.locator('[data-choose="B"]').click()
    found = state(figure)["order"][0]
    text = figure.locator('[data-part="result"]').inner_text()
    assert all(found[side]["label"] in text for side in "AB")


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_the_tally_is_what_the_sdr_says(figure, how):
    agreed = 0
    for k in range(len(TRIALS)):
        now = state(figure)["order"][k]
        for side in "AB":
            _, number = now[side]["label"].split()
            sound = TRIALS[int(number)].sounds[now[side]["label"]]
            assert abs(now[side]["sdr"] - sdr(REFERENCE, sound)) < 1e-3
            listen(figure, side)
        choice = "A" if k < 3 else "B"
        button = figure.locator(f'[data-choose="{choice}"]')
        if how == "mouse":
            button.click()
        else:
            button.focus()
            figure.page.keyboard.press("Enter")
        agreed += now[choice]["label"].startswith("good")
        shown = figure.locator('[data-part="tally"]').inner_text()
        assert f"{agreed} of {k + 1}" in shown
        if k < len(TRIALS) - 1:  # the focus stands where it goes on
            figure.page.keyboard.press("Enter")
    assert figure.locator("[data-part=list] li").count() == len(TRIALS)
    figure.locator('[data-action="reset"]').click()
    assert state(figure)["answers"] == [] and state(figure)["at"] == 0
    assert figure.locator('[data-part="tally"]').inner_text() == ""


def test_the_lot_decides_which_is_a(figure):
    seen = set()
    for _ in range(12):
        figure.locator('[data-action="reset"]').click()
        order = state(figure)["order"]
        seen.add(tuple((t["what"], t["A"]["label"]) for t in order))
    assert len(seen) > 3


def test_without_a_script_the_sounds_are_there(browser, tmp_path):
    path = tmp_path / "plain.html"
    path.write_text(listening.test_html(TRIALS, "ears", "Your ears", "A caption."))
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(path.as_uri())
    assert page.locator("audio").count() == 3 * len(TRIALS)


def test_a_trial_compares_two_sounds_of_one_length():
    with pytest.raises(ValueError):
        listening.test_html([TRIALS[0]._replace(sounds={"one": REFERENCE})], "ears", "x", "y")
    short = {"good": REFERENCE, "short": REFERENCE[:100]}
    with pytest.raises(ValueError):
        listening.test_html([TRIALS[0]._replace(sounds=short)], "ears", "x", "y")
    with pytest.raises(ValueError):
        listening.test_html([], "ears", "x", "y")
