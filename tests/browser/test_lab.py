"""JupyterLab: a chapter runs, and a control computes at a value that no page has pre-computed."""

import importlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import ROOT

from hpss_lib import audio, measures, separation, views

NOTEBOOK = ROOT / "book" / "02_stft.ipynb"
OWN = ROOT / "book" / "10_your_own_separator.ipynb"
CHAPTER = "hpss_lib.chapters.stft"


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """JupyterLab on a copy of one chapter: its address, with the token."""
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    work.mkdir()
    shutil.copy(NOTEBOOK, work / "chapter.ipynb")
    own = notebook_with(OWN, ("c02", "c04", "c06", "c12", "c22"))
    (work / "own.ipynb").write_text(json.dumps(own), encoding="utf-8")
    shutil.copy(ROOT / "book" / "solutions" / "my_separator.py", work)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    # Nothing of the user's own settings, and nothing left behind in them.
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("HPSS_BOOK_ASSETS", None)
    notices = home / "settings" / "@jupyterlab" / "apputils-extension"
    notices.mkdir(parents=True)
    (notices / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    log = (home / "log").open("w+")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--port={port}", "--ServerApp.port_retries=0", "--ip=127.0.0.1"),
            *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}"),
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        cwd=work,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, log)
        # Reset, or the notebook that was open before comes back beside it, and is what is run.
        yield f"http://127.0.0.1:{port}/lab/tree/{{}}?reset&token={token}", work
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def wait_for(address, server, log, seconds=120):
    """Until the server answers; fails with its log where it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    log.seek(0)
    pytest.fail(f"JupyterLab did not start:\n{log.read()[-3000:]}")


def slider_that_sounds():
    """(control, slider): the chapter's first slider whose sound changes from value to value."""
    for control in views.all_controls(importlib.import_module(CHAPTER)):
        slider = next((p for p in control.parameters if isinstance(p, views.Slider)), None)
        if slider is None:
            continue
        ends = (slider.values[0], slider.values[-1])
        first, last = (control.look(**(control.start | {slider.name: end})) for end in ends)
        if any(x.tobytes() != last.sounds[label].tobytes() for label, x in first.sounds.items()):
            return control, slider
    pytest.fail(f"no slider of {CHAPTER} changes a sound")


def test_control_computes_between_positions(lab, page):
    declared, slider = slider_that_sounds()
    run_all(page, lab[0].format("chapter.ipynb"))
    control = page.locator(".hpss-live.hpss-control").filter(has_text=declared.title)
    scroll_to(page, control)
    picture = control.locator(".hpss-picture img.hpss-light")
    picture.wait_for(timeout=60_000)
    readout = control.locator(".widget-readout").first
    before = shown(control)
    assert before["picture"].startswith("data:image/")
    assert all(sound.startswith("data:audio/") for sound in before["sounds"])

    # A small step by the keyboard: to a value between two positions of the static page.
    control.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([image, src]) => !image.isConnected || image.src !== src",
        arg=[picture.element_handle(), before["picture"]],
        timeout=120_000,
    )
    value = float(readout.inner_text().replace(",", ""))
    assert value not in slider.values, "this value is one of the static page's"
    assert control.locator(".hpss-error").count() == 0
    after = shown(control)
    assert after["picture"] != before["picture"]
    assert after["text"] != before["text"]
    assert after["sounds"] != before["sounds"]
    assert picture.evaluate("i => i.decode().then(() => i.naturalWidth)") > 0
    check_player(page, page.locator(".hpss-stems"))


def notebook_with(path, wanted):
    """A notebook with some of its cells, by their ids."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["id"] in wanted]
    assert len(cells) == len(wanted)
    return {**notebook, "cells": cells}


def run_all(page, address):
    """Open a notebook and run all of its cells."""
    page.goto(address, wait_until="load")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=180_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=180_000)  # in the status bar
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    # Perhaps out of sight, where JupyterLab keeps it but does not draw it.
    page.locator(".hpss-live.hpss-control").first.wait_for(state="attached", timeout=300_000)
    finish(page)


def test_a_readers_own_song_by_the_button_and_by_the_keyboard(lab, page, tmp_path):
    """Chapter 10's panel: a file is uploaded and separated by the reader's functions."""
    x_p, x_h = (s[: 3 * audio.SAMPLE_RATE] for s in audio.load_excerpt("rock"))
    audio.write_wav(tmp_path / "band.wav", x_p + x_h, audio.SAMPLE_RATE)
    address, work = lab
    run_all(page, address.format("own.ipynb"))
    panel = page.locator(".hpss-live-song")
    scroll_to(page, panel)
    panel.get_by_label("Method").select_option("yours: two medians and a mask")
    with page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(tmp_path / "band.wav")
    panel.get_by_text("band.wav: 0:03, mono, 44.1 kHz. All of it").wait_for()
    panel.get_by_role("button", name="Separate").click()
    panel.get_by_text("Written to separated/").wait_for(timeout=180_000)
    check_player(page, panel.locator(".hpss-stems"))
    with page.expect_download() as saved:
        panel.get_by_role("link", name="band.percussive.wav").click()
    s_p, _ = audio.read(saved.value.path())
    theirs, _ = separation.separate(x_p + x_h, audio.SAMPLE_RATE, method="median")
    assert measures.sdr(theirs, s_p[:, 0]) > 60

    # By the keyboard alone: a path, the method by its arrow keys, the button by Enter.
    shutil.copy(tmp_path / "band.wav", work / "by_hand.wav")
    panel.get_by_label("or its path").focus()
    page.keyboard.type("by_hand.wav")
    page.keyboard.press("Tab")
    panel.get_by_text("by_hand.wav: 0:03").wait_for()
    assert focused(page) == "SELECT"
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert "TwinNet" in panel.get_by_label("Method").evaluate("e => e.selectedOptions[0].text")
    for _ in range(8):
        page.keyboard.press("Tab")
        if focused(page) == "BUTTON":
            break
    page.keyboard.press("Enter")
    panel.get_by_text("by_hand.wav: 3.0 s of sound").wait_for(timeout=180_000)
    theirs, _ = separation.separate(x_p + x_h, audio.SAMPLE_RATE)
    s_p, _ = audio.read(work / "separated" / "by_hand.percussive.wav")
    assert measures.sdr(theirs, s_p[:, 0]) > 60


def focused(page):
    """The kind of element that has the keyboard."""
    return page.evaluate("document.activeElement.tagName")


def shown(control):
    """Picture, text and sounds of a live control, which change together."""
    return control.evaluate(
        """e => ({ picture: e.querySelector('.hpss-picture img.hpss-light').src,
            text: e.querySelector('.hpss-text').textContent,
            sounds: [...e.querySelectorAll('audio')].map(a => a.src) })"""
    )


def scroll_to(page, locator):
    """Scroll the notebook, which draws only what is in sight, until the element is there."""
    outer = page.locator(".jp-WindowedPanel-outer").first
    for step in range(100):
        if locator.count() and locator.is_visible():
            break
        outer.evaluate("(e, top) => { e.scrollTop = top }", 500 * step)
        page.wait_for_timeout(300)
    locator.scroll_into_view_if_needed()


def finish(page):
    """Until no cell is running or waiting, and none has failed."""
    page.wait_for_function(
        """() => ![...document.querySelectorAll('.jp-InputPrompt')].some(
            p => p.textContent.includes('*'))""",
        timeout=300_000,
    )
    error = page.locator(".jp-OutputArea-output[data-mime-type*='error']")
    assert error.count() == 0, error.first.inner_text()


def check_player(page, players):
    """The first stem player, if there is one, plays and solos as on the page."""
    player = players.first
    if not player.count():
        return
    player.scroll_into_view_if_needed()
    player.locator(".hpss-play-button").click()
    page.wait_for_function("e => e.hpss.time > 0.3", arg=player.element_handle())
    player.locator(".hpss-solo").last.click()
    page.wait_for_function(
        "e => { const g = e.hpss.gains(); return g[g.length - 1] > 0.5 && g[0] < 1e-3; }",
        arg=player.element_handle(),
    )
    player.locator(".hpss-play-button").click()
