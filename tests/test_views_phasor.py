"""The phasor figure as it leaves Python; tests/browser/test_phasor.py has its script."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hpss_lib.puiter import closed_form
from hpss_lib.views import output, phasor

TEXTS = {"title": "One bin", "caption": "Of $V_p$.", "question": "Where?"}


@pytest.fixture
def figure():
    markup = phasor.figure_html("one-bin", **TEXTS)
    return ElementTree.fromstring(re.sub(r"(<input[^>]*)>", r"\1/>", markup))


def test_the_figure_is_whole_without_a_script(figure):
    drawn = {e.get("data-part") for e in figure.iter() if e.get("data-part")}
    assert {"x", "p", "h", "e", "end", "circle-p", "circle-h", "name-p"} <= drawn
    sliders = [e for e in figure.iter("input")]
    assert len(sliders) == 4
    labels = {e.get("for") for e in figure.iter("label")}
    assert {e.get("id") for e in sliders} == labels


def test_it_starts_where_pu_iter_starts_and_shows_where_it_ends():
    V_p, V_h, x, start = (phasor.START[key] for key in ("V_p", "V_h", "X", "start"))
    S_h = V_h * np.exp(1j * np.deg2rad(start))
    end_p, end_h = closed_form(np.complex128(x), V_p, V_h, S_h)
    found = re.findall(r"−?\d+\.?\d*", phasor.state_text())
    numbers = [float(n.replace("−", "-")) for n in found]
    assert numbers[0] == 0
    degrees = np.rad2deg(np.angle([V_p, S_h, end_p, end_h]))
    assert np.allclose([numbers[1], numbers[2], *numbers[4:6]], degrees, atol=0.051)
    errors = np.abs([x - V_p - S_h, x - end_p - end_h])
    assert np.allclose([numbers[3], numbers[6]], errors, atol=5.1e-5)


def test_the_arrows_follow_one_another(figure):
    lines = {e.get("data-part"): e for e in figure.iter("line")}

    def point(part, which):
        return lines[part].get(f"x{which}"), lines[part].get(f"y{which}")

    assert point("x", 1) == point("p", 1)
    assert point("p", 2) == point("h", 1)
    assert point("h", 2) == point("e", 1)
    assert point("e", 2) == point("x", 2)
    corners = next(iter(figure.iter("polygon"))).get("points").split()
    assert corners[2] == ",".join(point("x", 2))


def test_a_live_page_brings_the_script_and_the_built_page_does_not(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw: shown.append(data["text/html"])
    )
    monkeypatch.delenv(output.FOLDER, raising=False)
    phasor.show(name="one-bin", **TEXTS)
    monkeypatch.setenv(output.FOLDER, "/nowhere")
    phasor.show(name="one-bin", **TEXTS)
    live, static = shown
    assert "hpss.phasor = true" in live and "hpss.phasor = true" not in static


def test_an_unfit_name_is_refused():
    with pytest.raises(ValueError, match="letters, digits"):
        phasor.figure_html("one bin", **TEXTS)
