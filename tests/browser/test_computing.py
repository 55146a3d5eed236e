"""The engine in Chromium, under the policy that a page which computes sets itself."""

import shutil

import numpy as np
import pytest
import serve
from conftest import ROOT

from hpss_lib.audio import load_excerpt
from hpss_lib.separation import separate
from hpss_lib.stft import SAMPLE_RATE

POLICY = (
    "default-src 'none'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "script-src 'self' 'wasm-unsafe-eval'"
)
PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<link rel="icon" href="icon.svg"><script type="module" src="page.js"></script></html>"""
SCRIPT = """
import { makeEngine } from "./engine.js";
const bytes = async (name) => (await fetch(name)).arrayBuffer();
window.separated = async (channels, options) => {
  const engine = makeEngine({ workers: 2 });
  await engine.loadModel(await bytes("network.wasm"), await bytes("weights.safetensors"));
  const x = channels.map((channel) => new Float32Array(channel));
  const y = await engine.separate(x, options);
  engine.close();
  return y.map((channel) => [...channel]);
};
"""


@pytest.fixture
def folder(tmp_path):
    """The engine, the weights and a page, served on localhost; yields the address."""
    shutil.copytree(ROOT / "book" / "engine", tmp_path, dirs_exist_ok=True)
    weights = ROOT / "hpss_lib" / "weights" / "compact-percussive.safetensors"
    shutil.copy(weights, tmp_path / "weights.safetensors")
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "page.js").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    with serve.plainly(tmp_path) as address:
        yield address


def test_a_page_separates_as_the_library_does(page, folder):
    x = np.stack([sum(load_excerpt(name))[:30000] for name in ("rock", "funk")])
    page.goto(folder)
    page.wait_for_function("window.separated !== undefined")
    for options in ({}, {"method": "median", "phase": "pu"}):
        found = page.evaluate("([x, o]) => separated(x, o)", [x.tolist(), options])
        expected, _ = separate(x.T, SAMPLE_RATE, **options)
        tolerance = 1e-6 if not options else 1e-4  # as under Node: tests/test_engine.py
        np.testing.assert_allclose(np.array(found).T, expected, rtol=0, atol=tolerance)
