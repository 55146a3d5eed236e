"""The listening test as it leaves Python; tests/browser/test_listening.py has its script."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from hpss_lib.chapters import evaluation as chapter9
from hpss_lib.measures import sdr
from hpss_lib.views import book, listening, output
from hpss_lib.views.listening import Trial

TEXTS = {"title": "By ear", "caption": "Of *sounds*."}


def trial(what="drums of a band", seed=0):
    rng = np.random.default_rng(seed)
    s, one, other = rng.standard_normal((3, 2000)).astype(np.float32) / 8
    return Trial(what, s, {"one & only": s + 0.1 * one, "another": s + 0.5 * other})


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.delenv(output.FOLDER, raising=False)


def test_the_scores_on_the_page_are_the_plain_sdr():
    one = trial()
    markup = listening.test_html([one], "by-ear", **TEXTS)
    found = dict(re.findall(r'data-label="([^"]*)" data-sdr="([^"]*)"', markup))
    assert {label: float(v) for label, v in found.items()} == pytest.approx(
        {
            "one &amp; only": sdr(one.reference, one.sounds["one & only"]),
            "another": sdr(one.reference, one.sounds["another"]),
        },
        abs=1e-4,
    )


def test_without_a_script_every_sound_has_a_named_player():
    markup = listening.test_html([trial(), trial("rest", 1)], "by-ear", **TEXTS)
    plain = markup.split("hpss-no-js")[1]
    assert plain.count("<audio controls") == 6 == markup.count("<audio")
    names = re.findall(r'aria-label="([^"]*)"></audio>', plain)
    assert len(set(names)) == 6
    assert "one &amp; only, drums of a band" in names


def test_all_sounds_have_one_gain():
    """The loudest sound of any trial turns all of them down, by the same."""
    loud = trial(seed=2)
    loud = Trial(loud.what, loud.reference * 40, {k: v * 40 for k, v in loud.sounds.items()})
    assert "below the rest of the book" in listening.test_html([trial(), loud], "x", **TEXTS)
    assert "below the rest" not in listening.test_html([trial()], "x", **TEXTS)


def test_nothing_on_the_desk_names_a_sound():
    """What is shown with a script says neither a method nor a score: lots are drawn there."""
    markup = listening.test_html([trial()], "by-ear", **TEXTS)
    desk = markup.split('<div class="hpss-trials')[0]
    shown = re.sub("<[^>]*>", " ", desk)
    assert "one &amp;" not in desk and "another" not in desk and "dB" not in shown
    assert "data-sdr" not in desk and "data-label" not in desk
    assert desk.count("<button") == 8
    assert all(re.sub("<[^>]*>", "", b) for b in re.findall(r"<button.*?</button>", desk))
    assert 'role="status" aria-live="polite"' in desk


def test_a_live_page_brings_the_script_and_the_built_page_does_not(monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw: shown.append(data["text/html"])
    )
    listening.show([trial()], name="by-ear", **TEXTS)
    monkeypatch.setenv(output.FOLDER, str(tmp_path))
    listening.show([trial()], name="by-ear", **TEXTS)
    live, static = shown
    assert "hpss.listening = true" in live and "hpss.listening = true" not in static
    assert len(list(tmp_path.glob("*.flac"))) == 3 == static.count('src="assets/')


def test_the_script_asks_for_nothing_and_keeps_nothing():
    script = output.static_text("listening.js")
    for word in ("fetch", "XMLHttpRequest", "sendBeacon", "localStorage", "http:", "https:"):
        assert word not in script
    assert "getRandomValues" in script


@pytest.mark.parametrize(
    "trials, message",
    [
        ([], "at least one"),
        ([Trial("x", np.ones(9), {"a": np.ones(9)})], "two sounds"),
        ([Trial("x", np.ones(9), {"a": np.ones(9), "b": np.ones(8)})], "one length"),
        ([Trial("x", np.ones(9), {"a": np.ones(9), "b": np.full(9, np.nan)})], "NaN"),
    ],
)
def test_unfit_trials_are_refused(trials, message):
    with pytest.raises(ValueError, match=message):
        listening.test_html(trials, "by-ear", **TEXTS)


def test_an_unfit_name_is_refused():
    with pytest.raises(ValueError, match="letters, digits"):
        listening.test_html([trial()], "by ear", **TEXTS)


def test_the_book_loads_script_and_style():
    loaded = []
    app = SimpleNamespace(
        add_config_value=lambda *_, **__: None,
        connect=lambda *_, **__: None,
        add_js_file=lambda name, **_: loaded.append(name),
        add_css_file=loaded.append,
    )
    book.setup(app)
    assert "listening.js" in loaded and "listening.css" in loaded


def test_the_trials_of_the_chapter():
    trials = chapter9.trials()
    assert len(trials) == 6
    assert len({t.what for t in trials}) == 6
    for t in trials:
        assert len(t.reference) == round(chapter9.TRIAL_SECONDS * 44100)
        assert np.sum(t.reference**2) > 1, "silence cannot be judged"
        a, b = t.scores().values()
        assert abs(a - b) > 0.1, f"{t.what}: the SDR has no opinion"
    late = next(t for t in trials if chapter9.LATE_DRUMS in t.sounds)
    shifted = late.sounds[chapter9.LATE_DRUMS]
    assert np.array_equal(shifted[chapter9.LATE :], late.reference[: -chapter9.LATE])
