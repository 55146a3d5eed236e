"""Where a view's pictures and sounds go, and how its HTML reaches the page.

While the book is built, the environment variable HPSS_BOOK_ASSETS names a folder: pictures and
sounds become files there, named by their content, and the HTML refers to them as assets/<name>.
Otherwise (JupyterLab, tests) they are written into the HTML as data: addresses.
"""

import base64
import hashlib
import html
import os
import re
from functools import cache
from pathlib import Path

FOLDER = "HPSS_BOOK_ASSETS"

# Of static/, what every page has, in the order in which it is loaded; and what one chapter alone.
SCRIPTS = ("registry", "sounds", "controls", "playback", "stems")
FIGURES = ("phasor", "listening", "questions")
PAGES = ("terms",)  # of what the build adds to a page, and no notebook shows

_SUFFIX = {"image/webp": ".webp", "image/png": ".png", "audio/flac": ".flac"}


def is_static() -> bool:
    """Whether the book is being built, so that no kernel will stand behind the page."""
    return bool(os.environ.get(FOLDER))


def store(data: bytes, mime: str) -> str:
    """The address from the page of a picture or sound: "image/webp", "image/png", "audio/flac"."""
    if not is_static():
        return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    name = hashlib.sha256(data).hexdigest()[:20] + _SUFFIX[mime]
    folder = Path(os.environ[FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():  # the same content has the same name: never written twice
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
    return f"assets/{name}"


@cache
def static_text(name: str) -> str:
    """The text of a file in the folder static/ beside this module."""
    return (Path(__file__).parent / "static" / name).read_text(encoding="utf-8")


def equipment(style: str, *scripts: str) -> str:
    """A style sheet and scripts of static/ as HTML, for a live page, which has no head for them.

    On the static page all are files of the book, and this is empty.
    """
    if is_static():
        return ""
    return f'<style class="hpss-style">{static_text(f"{style}.css")}</style>' + "".join(
        f"<script>{static_text(f'{script}.js')}</script>" for script in scripts
    )


def emit(markup: str, text: str, figure: str | None = None) -> None:
    """Show HTML as the output of the running cell; `text` stands in where HTML cannot be shown.

    figure: one of FIGURES, whose own style and script the markup needs.
    """
    from IPython.display import display

    equipped = equipment("hpss", *SCRIPTS) + (equipment(figure, figure) if figure else "")
    display({"text/html": equipped + markup, "text/plain": text}, raw=True)


def escape(text: object) -> str:
    """`text` made safe for use inside HTML, attributes included."""
    return html.escape(str(text), quote=True)


_INLINE = re.compile(
    r"\$(?P<math>[^$\n]+)\$|`(?P<code>[^`\n]+)`|\*\*(?P<strong>[^*\n]+)\*\*|\*(?P<em>[^*\n]+)\*"
)


def inline(text: str) -> str:
    """HTML of one line of prose with $math$, `code`, **strong** and *emphasis*."""
    parts, end = [], 0
    for match in _INLINE.finditer(text):
        parts.append(escape(text[end : match.start()]))
        end = match.end()
        kind, inner = match.lastgroup, escape(match[match.lastgroup or 0])
        if kind == "math":
            parts.append(f'<span class="math notranslate nohighlight">\\({inner}\\)</span>')
        else:
            parts.append(f"<{kind}>{inner}</{kind}>")
    return "".join(parts) + escape(text[end:])


def answer_html(answer: str) -> str:
    """The answer to a "Try it" question, folded away; nothing where there is none."""
    if not answer:
        return ""
    return (
        '<details class="hpss-answer"><summary>Predict, look, then compare</summary>'
        f"<p>{inline(answer)}</p></details>"
    )


def identifier(name: str) -> str:
    """`name` as an id for HTML; raises ValueError unless it is letters, digits and hyphens."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise ValueError(
            f"name is {name!r}; use letters, digits and hyphens, beginning with a letter"
        )
    return name
