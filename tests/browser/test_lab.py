"""JupyterLab: a chapter runs, and a control computes at a value that no page has pre-computed."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from conftest import ROOT

NOTEBOOK = Path(os.environ.get("HPSS_LAB_NOTEBOOK", ROOT / "book" / "02_stft.ipynb"))


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """JupyterLab on a copy of one chapter: its address, with the token."""
    if not NOTEBOOK.exists():
        pytest.skip(f"{NOTEBOOK.name} is not written yet")
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


def test_control_computes_between_positions(lab, page):
    page.goto(lab, wait_until="load")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=180_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=180_000)  # in the status bar
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    control = page.locator(".hpss-live.hpss-control").first
    control.wait_for(timeout=300_000)
    finish(page)
    control.scroll_into_view_if_needed()
    picture = control.locator(".hpss-picture img.hpss-light")
    audio = control.locator("audio").first
    text = control.locator(".hpss-text")
    picture.wait_for(timeout=60_000)
    before = picture.get_attribute("src"), audio.get_attribute("src"), text.inner_text()
    assert before[0].startswith("data:image/") and before[1].startswith("data:audio/")

    # A few small steps: a value between two positions of the static page.
    handle = control.locator(".noUi-handle").first
    value = control.locator(".widget-readout").first.inner_text()
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([image, src]) => !image.isConnected || image.src !== src",
        arg=[picture.element_handle(), before[0]],
        timeout=120_000,
    )
    page.wait_for_timeout(1500)
    after = picture.get_attribute("src"), audio.get_attribute("src"), text.inner_text()
    assert control.locator(".widget-readout").first.inner_text() != value
    assert control.locator(".hpss-error").count() == 0
    assert after[0] != before[0], "the picture did not change"
    assert after[1] != before[1], "the sound did not change"
    assert after[2] != before[2], "the text did not change"
    assert picture.evaluate("i => i.decode().then(() => i.naturalWidth)") > 0
    check_player(page)


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
