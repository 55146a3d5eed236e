"""The HTML of the page "Your own song", and the policy that it sets itself."""

import base64
import hashlib
import re

import pytest

from hpss_lib.audio import EXCERPTS
from hpss_lib.views import output, own_song


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv(output.FOLDER, str(tmp_path))
    return own_song.page_html()


def test_the_weights_are_told_as_they_are(page):
    weights = own_song.WEIGHTS.read_bytes()
    assert f'data-weights-bytes="{len(weights)}"' in page
    assert f'data-weights-hash="{hashlib.sha256(weights).hexdigest()}"' in page
    assert f"loads {len(weights) / 1e6:.1f} MB" in page


def test_every_excerpt_is_offered_and_no_script_is_inline(page, tmp_path):
    names = re.findall(r'<option value="assets/([^"]+)"', page)
    assert len(names) == len(EXCERPTS) and all((tmp_path / name).is_file() for name in names)
    inline = re.findall(r"<script(?![^>]*src=)[^>]*>", page)
    assert inline == ['<script type="application/json" class="hpss-ramps">']
    assert not re.search(r"\son[a-z]+=", page)


def test_the_policy_names_what_is_inline_and_nothing_else():
    script, handler = "let a = 1 < 2;", 'go("x")'
    html = (
        '<html><head><meta charset="utf-8"><script src="a.js"></script>'
        f'<script>{script}</script><script type="application/json">{{}}</script></head><body>'
        f'<button onclick="{handler.replace(chr(34), "&quot;")}">x</button></body></html>'
    )
    hashes = {
        f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        for text in (script, handler)
    }
    policy = own_song.policy(html)
    assert set(re.findall(r"sha256-[^']+", policy)) == hashes
    with_policy = own_song.with_policy(html)
    assert with_policy.index("Content-Security-Policy") < with_policy.index("<script")
    assert own_song.with_policy(with_policy) == with_policy
    with pytest.raises(ValueError, match="charset"):
        own_song.with_policy("<html></html>")
