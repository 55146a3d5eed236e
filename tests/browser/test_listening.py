"""The blind listening test in Chromium: it plays, counts choices as the SDRs say, and forgets."""

import re

import numpy as np
import pytest
from conftest import open_alone

from hpss_lib.views import listening, output
from hpss_lib.views.listening import Trial

NAME = "by-ear"
SECONDS = 0.6


def trial(k):
    rng = np.random.default_rng(k)
    s, a, b = rng.standard_normal((3, int(44100 * SECONDS))).astype(np.float32) / 30
    sounds = {f"good {k}": s + 0.2 * a, f"bad {k}": s + (0.5 + 0.1 * k) * b}
    return Trial(f"sound number {k}", s, sounds)


TRIALS = [trial(k) for k in range(4)]
SCORES = {label: score for t in TRIALS for label, score in t.scores().items()}


@pytest.fixture
def figure(page, tmp_path, monkeypatch):
    """The test alone on a page, opened from disk, its sounds inside it."""
    monkeypatch.delenv(output.FOLDER, raising=False)
    markup = listening.test_html(TRIALS, NAME, "By ear", "A caption.")
    open_alone(page, tmp_path, markup, style="listening", scripts=("listening",))
    return page.locator(f"#listening-{NAME}")


def state(figure):
    return figure.evaluate("f => f.hpss.state()")


def button(figure, name):
    return figure.get_by_role("button", name=name, exact=True)


def said(figure):
    return figure.locator("[role=status]").inner_text().replace("\n", " ")


def listen(figure):
    """Both sounds of a trial, as far as it takes to be allowed to choose."""
    for name in ("A", "B"):
        button(figure, name).click()
        figure.page.wait_for_function(
            "([f, key]) => f.hpss.state().playing === key && f.hpss.state().time > 0.05",
            arg=[figure.element_handle(), name],
        )


def side(figure, better):
    """The name of the better or worse sound of this trial: only the page itself knows."""
    now = state(figure)
    pair = now["order"][now["at"]]
    return "A" if (pair["A"]["sdr"] > pair["B"]["sdr"]) == better else "B"


def test_choices_wait_until_both_have_been_heard(figure):
    closer = [button(figure, f"{key} is closer") for key in "AB"]
    assert all(b.is_disabled() for b in closer)
    button(figure, "Reference").click()
    button(figure, "A").click()
    assert all(b.is_disabled() for b in closer)
    assert figure.get_by_text("Listen to A and to B first.").is_visible()
    button(figure, "B").click()
    assert all(b.is_enabled() for b in closer)
    assert not figure.get_by_text("Listen to A and to B first.").is_visible()


def test_one_sound_at_a_time_from_its_start_to_its_end(figure):
    playing = "[...document.querySelectorAll('audio')].filter(a => !a.paused).length"
    button(figure, "Reference").click()
    assert state(figure)["playing"] == "reference"
    button(figure, "A").click()
    assert state(figure)["playing"] == "A"
    assert figure.page.evaluate(playing) == 1
    button(figure, "A").click()  # again: stop
    assert state(figure)["playing"] is None and figure.page.evaluate(playing) == 0
    button(figure, "B").click()
    figure.page.wait_for_function(
        "f => f.hpss.state().playing === null", arg=figure.element_handle()
    )
    assert figure.page.evaluate(playing) == 0


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_the_tally_is_what_the_sdrs_say(figure, how):
    """Agree, disagree, undecided, agree: two of three choices, one undecided."""
    wishes = [True, False, None, True]
    agreed = decided = 0
    for k, wish in enumerate(wishes):
        assert f"Trial {k + 1} of 4" in figure.inner_text()
        listen(figure)
        name = "I cannot tell" if wish is None else f"{side(figure, wish)} is closer"
        pair = state(figure)["order"][k]
        if how == "mouse":
            button(figure, name).click()
        else:
            button(figure, "B").focus()
            for _ in range({"A is closer": 1, "B is closer": 2}.get(name, 3)):
                figure.page.keyboard.press("Tab")
            figure.page.keyboard.press("Enter")
        agreed += wish is True
        decided += wish is not None
        text = said(figure)
        for key in "AB":
            label, score = pair[key]["label"], f"{pair[key]['sdr']:.1f} dB".replace("-", "−")
            assert f"{key} is {label}, SDR {score}." in text
            assert pair[key]["sdr"] == pytest.approx(SCORES[label], abs=1e-3)
        verdict = {True: "SDR agree.", False: "SDR disagree.", None: "You could not tell."}
        assert verdict[wish] in text
        assert re.search(rf"Tally: {agreed} of {decided} choices? agrees? with the SDR", text)
        assert button(figure, "A is closer").is_disabled()
        assert figure.locator("ol li").count() == k + 1
        focus = figure.page.evaluate("document.activeElement.textContent")
        if k < 3:
            assert focus == "Next trial"
            figure.page.keyboard.press("Enter")
        else:
            assert focus == "Start again"
    assert "2 of 3 choices agree with the SDR, 1 undecided." in said(figure)
    assert "with a chance of 50 %" in said(figure)  # two or three heads of three
    assert not button(figure, "Next trial").is_visible()
    verdicts = [item.inner_text().split(". ")[-1] for item in figure.locator("ol li").all()]
    assert verdicts == ["Agrees.", "Disagrees.", "Undecided.", "Agrees."]


def test_start_again_forgets_and_draws_new_lots(figure):
    listen(figure)
    button(figure, "A is closer").click()
    orders = set()
    for _ in range(12):
        button(figure, "Start again").click()
        now = state(figure)
        assert now["at"] == 0 and now["answers"] == [] and now["playing"] is None
        orders.add(tuple((t["what"], t["A"]["label"]) for t in now["order"]))
    assert len(orders) > 8, "the order of trials and sides is drawn by lot"
    assert said(figure).strip() == "" and figure.locator("ol li").count() == 0
    assert button(figure, "A is closer").is_disabled()
    storage = "[localStorage.length, sessionStorage.length, document.cookie.length]"
    assert figure.page.evaluate(storage) == [0, 0, 0]


def test_lots_are_fair(figure):
    """Each sound is A half of the time, each trial first a quarter of it."""
    drawn = figure.evaluate(
        """f => { const reset = f.querySelector("[data-action=reset]"); const list = [];
            for (let i = 0; i < 400; i += 1) { reset.click();
                const t = f.hpss.state().order[0]; list.push([t.what, t.A.label]); }
            return list; }"""
    )
    good = sum(label.startswith("good") for _, label in drawn)
    first = sum(what.endswith("0") for what, _ in drawn)
    assert 150 < good < 250 and 60 < first < 145


def test_nothing_in_sight_names_a_sound_before_the_choice(figure):
    text = figure.inner_text()
    assert "good" not in text and "bad" not in text and "dB" not in text


def test_buttons_have_names_and_results_are_spoken(figure):
    for one in figure.get_by_role("button").all():
        assert one.inner_text().strip()
    status = figure.locator("[role=status]")
    assert status.get_attribute("aria-live") == "polite"
    assert figure.evaluate("e => e.tagName") == "FIGURE"
    labelled = figure.get_attribute("aria-labelledby")
    assert figure.page.locator(f"#{labelled}").inner_text() == "By ear"


def test_without_a_script_there_are_named_players(browser, tmp_path, monkeypatch):
    monkeypatch.delenv(output.FOLDER, raising=False)
    path = tmp_path / "listening.html"
    style = output.static_text("hpss.css") + output.static_text("listening.css")
    markup = listening.test_html(TRIALS[:1], NAME, "By ear", "A caption.")
    path.write_text(
        f"<!doctype html><meta charset='utf-8'><style>{style}</style>{markup}", encoding="utf-8"
    )
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert tab.locator("audio").count() == 3
    assert all(audio.is_visible() for audio in tab.locator("audio").all())
    assert tab.get_by_text(re.compile("good 0, .* dB")).is_visible()
    assert tab.locator("button:visible").count() == 0
    context.close()


def test_on_the_built_page(site, page):
    """With the chapter's own sounds, served: each can be played, and the last tally is right."""
    page.goto(site + "book/09_evaluation.html", wait_until="load")
    figure = page.locator(".hpss-listening").first
    page.wait_for_function("f => f.hpss !== undefined", arg=figure.element_handle())
    trials = len(state(figure)["order"])
    assert trials == 6
    for k in range(trials):
        button(figure, "Reference").click()
        listen(figure)
        button(figure, f"{side(figure, True)} is closer").click()
        assert f"Tally: {k + 1} of {k + 1}" in said(figure)
        if k + 1 < trials:
            button(figure, "Next trial").click()
    assert "with a chance of 2 %" in said(figure)  # 1 in 64
    broken = page.evaluate(
        "[...document.querySelectorAll('.hpss-trial audio')].filter(a => a.error)"
    )
    assert broken == []
