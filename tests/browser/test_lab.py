"""JupyterLab: a chapter runs, and a control computes at a value that no page has pre-computed."""

import importlib
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

from hpss_lib import views

NOTEBOOK = ROOT / "book" / "02_stft.ipynb"
CHAPTER = "hpss_lib.chapters.stft"


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """JupyterLab on a copy of one chapter: its address, with the token."""
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    work.mkdir()
    shutil.copy(NOTEBOOK, work / "chapter.ipynb")
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
        yield f"http://127.0.0.1:{port}/lab/tree/chapter.ipynb?token={token}"
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
    page.goto(lab, wait_until="load")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=180_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=180_000)  # in the status bar
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".hpss-live.hpss-control").first.wait_for(timeout=300_000)
    finish(page)
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
    check_player(page)


def shown(control):
    """Picture, text and sounds of a live control, which change together."""
    return control.evaluate(
        """e => ({ picture: e.querySelector('.hpss-picture img.hpss-light').src,
            text: e.querySelector('.hpss-text').textContent,
            sounds: [...e.querySelectorAll('audio')].map(a => a.src) })"""
    )


def scroll_to(page, locator):
    """Scroll the notebook, which draws only what is in sight, until the element is there."""
    for _ in range(100):
        if locator.count() and locator.is_visible():
            break
        page.locator(".jp-WindowedPanel-outer").first.evaluate("e => { e.scrollTop += 500 }")
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


def check_player(page):
    """The stem player of the notebook, if it has one, plays and solos as on the page."""
    player = page.locator(".hpss-stems").first
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
