"""The page on which readers separate their own songs: its HTML, and the policy that it sets itself.

The page computes in the browser, with the engine in book/engine; what drives it stands in
book/own_song. Here is what it begins with: where a song comes from, what is being done, and the
player, whose numbers and colours are those of every other player of the book.
"""

import base64
import hashlib
import html
import re
from pathlib import Path

from hpss_lib.audio import EXCERPTS, load_excerpt
from hpss_lib.views import output, palette, players

WEIGHTS = Path(__file__).parents[1] / "weights" / "compact-percussive.safetensors"
PAGE = "book/own_song"
PLACE = '<div id="own-song"></div>'  # in its text

_ROWS = (("Song", "mixture"), ("Drums", "percussive"), ("Rest", "harmonic"))
_METHODS = {"median": "Median filter", "mad": "Network", "pu": "Network, closed-form phases"}
_LOUDEST = 1.41  # of a fader: +3 dB
_STYLE = re.compile(r"[:,]| with ")  # what ends the first words of a style
_LONG = 600  # s: from here on the page says first what all of a song takes


def page_html() -> str:
    """All of the page that stands below its text."""
    return (
        '<link rel="stylesheet" href="../_static/own_song.css"><noscript><p class="hpss">'
        "<b>This page computes in your browser, and needs JavaScript for it.</b></p></noscript>"
        f'<div class="hpss hpss-own hpss-js-only" id="own-song" {_data_html()}>{_source_html()}'
        '<p class="hpss-own-problem" role="alert" hidden></p>'
        '<div class="hpss-own-question" hidden><p></p><div class="hpss-own-choices"></div></div>'
        f"{_work_html()}{_desk_html()}"
        '<p class="hpss-own-said" role="status" aria-live="polite"></p>'
        f'<script type="application/json" class="hpss-ramps">{palette.ramps_json()}</script></div>'
        '<script src="own_song/start.js" defer></script>'
    )


def _data_html() -> str:
    """What the script is told: the weights, by size and content, and the numbers of the players."""
    weights = WEIGHTS.read_bytes()
    rows, columns = players.STRIP
    numbers = {
        "weights": f"engine/{WEIGHTS.name}",
        "weights-bytes": len(weights),
        "weights-hash": hashlib.sha256(weights).hexdigest(),
        "long": _LONG,
        "rows": rows,
        "columns": columns,
        "low": 1000 * players.STRIP_RANGE[0],
        "high": 1000 * players.STRIP_RANGE[1],
        "floor": players.FLOOR_DB,
        "gain": players.GAIN,
    }
    return " ".join(f'data-{name}="{value}"' for name, value in numbers.items())


def _source_html() -> str:
    """Where a song comes from: dropped, chosen, one of the book's, or recorded."""
    options = "".join(
        f'<option value="{_excerpt_url(name)}">{output.escape(excerpt.title)} '
        f"({output.escape(_STYLE.split(excerpt.style)[0])})</option>"
        for name, excerpt in EXCERPTS.items()
    )
    return (
        '<div class="hpss-own-source">'
        '<p class="hpss-title">Drop a song here</p>'
        '<p class="hpss-own-ways"><button type="button" class="hpss-own-choose">Choose a file'
        '</button><input type="file" accept="audio/*,video/mp4" hidden>'
        '<label><span class="hpss-hidden">One of the book’s songs</span>'
        '<select class="hpss-own-excerpt" autocomplete="off">'
        f'<option value="">A song of the book …</option>{options}</select></label>'
        '<button type="button" class="hpss-own-record">Record</button></p>'
        '<p class="hpss-own-promise"><b>Nothing leaves this page.</b> Your own browser reads, '
        "separates and plays the song: WAV, FLAC, MP3, Ogg, M4A, whatever it can play.</p></div>"
    )


def _excerpt_url(name: str) -> str:
    x_p, x_h = load_excerpt(name)
    return output.store(players.flac(x_p + x_h), "audio/flac")


def _work_html() -> str:
    """What is being done, how far it has come, and how to stop it."""
    megabytes = WEIGHTS.stat().st_size / 1e6
    return (
        '<div class="hpss-own-work" hidden><p class="hpss-own-doing"></p>'
        '<progress max="1" value="0" aria-label="Progress"></progress>'
        '<button type="button" class="hpss-own-cancel">Cancel</button></div>'
        '<div class="hpss-own-offer" hidden><p>What you hear is the median filter of '
        "chapter 3. Next, the trained network of chapters 5 and 6.</p>"
        '<button type="button" class="hpss-own-network">Separate with the network '
        f'<span class="hpss-own-size">(loads {megabytes:.1f} MB, once)</span></button></div>'
    )


def _desk_html() -> str:
    """The player, empty: a copy is filled for each song."""
    rows = "".join(_row_html(i, label, kind) for i, (label, kind) in enumerate(_ROWS, 1))
    methods = "".join(
        f'<label><input type="radio" name="own-method" value="{name}" autocomplete="off" disabled>'
        f"<span>{label}</span></label>"
        for name, label in _METHODS.items()
    )
    return (
        '<template class="hpss-own-desk"><figure class="hpss-stems" tabindex="-1" '
        'data-lm-suppress-shortcuts="true" aria-labelledby="own-title">'
        '<p class="hpss-title" id="own-title"></p><p class="hpss-note hpss-own-notes"></p>'
        '<fieldset class="hpss-own-methods"><legend>Separated by</legend>'
        f"{methods}</fieldset>"
        f'<div class="hpss-desk">{players.transport_html(0)}'
        f'<div class="hpss-rows">{rows}<div class="hpss-playhead"></div></div>'
        f'<div class="hpss-ruler" aria-hidden="true"><div></div></div>{players.foot_html(3)}</div>'
        '<div class="hpss-own-save"><span class="hpss-tag">Save as WAV</span>'
        '<button type="button" value="percussive">Drums</button>'
        '<button type="button" value="harmonic">Rest</button>'
        '<button type="button" value="remix">Remix</button>'
        '<span class="hpss-own-format">32-bit float, 44.1 kHz: drums and rest sum to the song; '
        "the remix is both as the faders stand</span></div></figure></template>"
    )


def _row_html(number: int, label: str, kind: str) -> str:
    """One row: name, solo and mute, a fader where it is a part, and its spectrogram."""
    muted = number == 1  # the song is both of its parts: not heard on top of them
    fader = (
        f'<label class="hpss-own-fader"><span class="hpss-hidden">Level of {label}</span>'
        f'<input type="range" min="0" max="{_LOUDEST}" step="0.01" value="1" autocomplete="off">'
        "<output>0 dB</output></label>"
    )
    return (
        f'<div class="hpss-row" role="group" aria-label="{label}" data-label="{label}" '
        f'data-kind="{kind}"{" data-muted" if muted else ""}>'
        f'<div class="hpss-side"><span class="hpss-name">{label}</span><span class="hpss-buttons">'
        f'<button type="button" class="hpss-solo" aria-pressed="false" aria-label="Solo {label}" '
        f'aria-keyshortcuts="{number}" title="Solo: hear {label} alone ({number})">Solo</button>'
        f'<button type="button" class="hpss-mute" aria-pressed="{str(muted).lower()}" '
        f'aria-label="Mute {label}" title="Mute {label}">Mute</button></span>'
        f"{'' if muted else fader}</div>"
        f'<div class="hpss-strip"><canvas role="img" aria-label="Spectrogram of {label}" '
        f'width="{players.STRIP[1]}" height="{players.STRIP[0]}"></canvas>'
        f"{players.frequencies_html()}</div></div>"
    )


# ---------------------------------------------------------------------------------- the policy

_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.DOTALL)
_HANDLER = re.compile(r'\son[a-z]+="(?P<body>[^"]*)"')


def policy(page: str) -> str:
    """The Content-Security-Policy under which a page's HTML works, and no more.

    Scripts come from this origin alone. The theme's own few lines inside the page are named by
    their hashes, so that no others run; only its styles are not restricted, since they cannot send.
    """
    inline = [
        match["body"]
        for match in _SCRIPT.finditer(page)
        if not re.search(r"\ssrc=|application/(?:ld\+)?json", match["attributes"])
    ]
    handlers = [html.unescape(match["body"]) for match in _HANDLER.finditer(page)]
    hashes = sorted({_hash(text) for text in (*inline, *handlers)})
    if handlers:
        hashes.insert(0, "'unsafe-hashes'")  # attributes too may be named by hash, and only so
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self' 'wasm-unsafe-eval'", *hashes]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def with_policy(page: str) -> str:
    """The HTML of a page with its policy, as the first thing in its head after the encoding.

    A page that has one is as it was. Raises ValueError where there is no head.
    """
    if 'http-equiv="Content-Security-Policy"' in page:
        return page
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy(page)}">'
    place = re.search(r'<meta charset="?utf-8"?\s*/?>', page)
    if place is None:
        raise ValueError("the page has no <meta charset>, after which its policy could stand")
    return f"{page[: place.end()]}\n    {tag}{page[place.end() :]}"
