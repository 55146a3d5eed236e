"""The phasor figure in Chromium, stepped, against the library's own PU-iter."""

import math
import re

import numpy as np
import pytest
from conftest import open_alone

from hpss_lib.puiter import closed_form, mixing_error, pu_iter_step
from hpss_lib.views import output, phasor

NAME = "one-bin"
FIGURE = phasor.figure_html(NAME, "One bin", "A caption.", "A question?")

# V_p, V_h, |X|, start in degrees: a triangle, on either side; too long, too short; flat; no
# mixture; a silent source; everything silent.
BINS = [
    (0.9, 1.0, 1.3, 70),
    (0.9, 1.0, 1.3, -110),
    (0.4, 0.5, 1.4, 120),
    (1.5, 0.3, 0.6, -40),
    (0.3, 1.5, 0.6, 90),
    (0.6, 0.8, 1.4, 33),
    (0.7, 0.7, 0.0, 50),
    (0.9, 0.4, 0.0, -130),
    (0.0, 0.8, 1.1, 25),
    (0.8, 0.0, 0.5, 25),
    (0.0, 0.0, 0.0, 25),
    (1.0, 1.0, 1.0, 180),
]


@pytest.fixture
def figure(page, tmp_path):
    """The figure alone on a page, opened from disk."""
    open_alone(page, tmp_path, FIGURE, style="phasor", scripts=("phasor",))
    return page.locator(f"#phasor-{NAME}")


def state(figure):
    return figure.evaluate("figure => figure.hpss.state()")


def press(figure, action):
    figure.locator(f'[data-action="{action}"]').click()


def choose(figure, V_p, V_h, x, start):
    for key, value in (("V_p", V_p), ("V_h", V_h), ("X", x), ("start", start)):
        figure.locator(f'[data-key="{key}"]').fill(str(value))


def library(V_p, V_h, x, start, iterations):
    """S (2,) after so many iterations, and S in closed form."""
    X, V = np.complex128(x), np.array([V_p, V_h])
    start_h = np.exp(1j * math.radians(start))
    S = V * np.array([1, start_h])
    for _ in range(iterations):
        S = pu_iter_step(X, S, V)
    return S, np.array(closed_form(X, V_p, V_h, start_h))


def complex_pair(found):
    return np.array([complex(*found["S_p"]), complex(*found["S_h"])])


@pytest.mark.parametrize("bin", BINS, ids=str)
def test_steps_are_the_librarys(figure, bin):
    choose(figure, *bin)
    for iterations in range(4):
        found = state(figure)
        S, end = library(*bin, iterations)
        assert found["iteration"] == iterations
        assert np.allclose(complex_pair(found), S, atol=1e-12)
        E = mixing_error(np.complex128(bin[2]), S)
        assert abs(complex(*found["error"]) - E) < 1e-12
        assert np.allclose([complex(*found["end"][j]) for j in "ph"], end, atol=1e-12)
        press(figure, "step")


def test_what_it_says_is_what_it_holds(figure):
    choose(figure, 0.9, 1.0, 1.3, -70)
    for _ in range(3):
        press(figure, "step")
    (S_p, S_h), (end_p, end_h) = library(0.9, 1.0, 1.3, -70, 3)
    said = figure.locator(".hpss-text").inner_text()
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"−?\d+\.?\d*", said)]
    angles = np.rad2deg(np.angle([S_p, S_h, end_p, end_h]))
    assert numbers[0] == 3
    assert np.allclose([*numbers[1:3], *numbers[4:6]], angles, atol=0.051)
    assert abs(numbers[3] - abs(1.3 - S_p - S_h)) < 5.1e-5
    plane = figure.locator("svg").get_attribute("aria-label")
    assert plane.endswith(said)


def test_the_arrows_are_drawn_where_the_numbers_are(figure):
    choose(figure, 0.7, 1.1, 0.9, 40)
    press(figure, "step")
    (S_p, S_h), _ = library(0.7, 1.1, 0.9, 40, 1)
    lines = {part: ends(figure, part) for part in "pxh"}
    # The mixture's arrow lies on the real axis: it tells where 0 is drawn, and how long 1 is.
    zero, mixture = lines["x"]
    scale = abs(mixture - zero) / 0.9
    assert np.isclose(mixture - zero, 0.9 * scale) and scale > 50
    drawn = [(point - zero) / scale for part in "ph" for point in lines[part]]
    assert np.allclose(drawn, [0, S_p, S_p, S_p + S_h], atol=1e-4)


def ends(figure, part):
    """Both ends of an arrow in the plane, upwards positive, in the drawing's units."""
    line = figure.locator(f'line[data-part="{part}"]')
    x1, y1, x2, y2 = (float(line.get_attribute(key)) for key in ("x1", "y1", "x2", "y2"))
    return np.array([x1 - 1j * y1, x2 - 1j * y2])


def test_run_makes_fifty_iterations_and_reset_goes_back(figure):
    press(figure, "run")
    assert state(figure)["running"]
    figure.page.wait_for_function(
        "f => f.hpss.state().iteration === 50 && !f.hpss.state().running",
        arg=figure.element_handle(),
    )
    start = [phasor.START[key] for key in ("V_p", "V_h", "X", "start")]
    assert np.allclose(complex_pair(state(figure)), library(*start, 50)[0], atol=1e-12)
    assert figure.locator(".hpss-text").get_attribute("aria-live") == "polite"
    press(figure, "reset")
    assert state(figure)["iteration"] == 0
    assert figure.locator(".hpss-text").inner_text() == phasor.state_text()


def test_keys_move_the_sliders_and_start_anew(figure):
    press(figure, "step")
    slider = figure.locator('[data-key="start"]')
    slider.focus()
    figure.page.keyboard.press("ArrowRight")
    found = state(figure)
    assert found["iteration"] == 0
    assert found["start"] == pytest.approx(math.radians(phasor.START["start"] + 1))
    assert slider.get_attribute("aria-valuetext") == f"{phasor.START['start'] + 1}°"
    figure.page.keyboard.press("Tab")
    figure.page.keyboard.press("Enter")  # the button that follows is "Step"
    assert state(figure)["iteration"] == 1


def test_the_script_changes_nothing_before_the_reader_does(figure):
    """What Python draws for a reader without a script is what the script draws first."""
    parts = "e => [...e.querySelectorAll('[data-part]')].map(p => [...p.attributes]"
    drawn = figure.evaluate(
        parts + ".filter(a => a.name !== 'visibility').map(a => a.name + '=' + a.value))"
    )
    blank = figure.page.evaluate(
        "([html]) => { const d = document.createElement('div'); d.innerHTML = html; return ("
        + parts
        + ".map(a => a.name + '=' + a.value)))(d); }",
        [FIGURE],
    )
    assert drawn == blank


def test_without_a_script_the_figure_is_there(browser, tmp_path):
    path = tmp_path / "phasor.html"
    style = output.static_text("hpss.css") + output.static_text("phasor.css")
    path.write_text(
        f"<!doctype html><meta charset='utf-8'><style>{style}</style>{FIGURE}", encoding="utf-8"
    )
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert tab.locator("svg polygon").is_visible()
    assert tab.get_by_text("Iteration 0").is_visible()
    assert not tab.locator("input").first.is_visible()
    context.close()
