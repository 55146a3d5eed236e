"""What leads somewhere on a built page: chapters, terms of the glossary, numbered figures.

The notebooks say "chapter 3" and "mask" in plain words, in prose as in the captions that Python
writes; here, when a page is written, the words become links, and figures get their numbers.
Functions from HTML to HTML, but for `cite`, which a page's source goes through.
"""

import html
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_TOKEN = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<!--.*?-->|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL | re.IGNORECASE,
)
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_CLASS = re.compile(r'class="([^"]*)"')
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
# Where a link would be wrong, or would be lost: in links, code, headings, controls, formulas.
_CLOSED = {"a", "code", "pre", "button", "label", "select", "summary", "svg", "kbd", "textarea"}
_CLOSED |= {f"h{k}" for k in range(1, 7)}
_CLOSED_CLASSES = {"math", "hpss-text", "hpss-title", "admonition-title"}
# Terms are linked in the prose, where a word is met, and not in figures, tables and solutions.
_NO_TERMS = {"figure", "table", "details", "aside"}

_CHAPTERS = re.compile(
    r"\b(chapters?)(\s)(\d+)(?![.\d]\d)((?:(?:,? and |, | to | or )\d+(?![.\d]\d))*)",
    re.IGNORECASE,
)
_FIGURE = re.compile(r'<figure\b[^>]*\bid="((?:figure|control|phasor|listening)-[A-Za-z0-9-]+)"')
_REFERENCE = re.compile(r'<a class="hpss-ref" href="#([A-Za-z0-9-]+)">[^<]*</a>')
# What a term does not mean where these words follow.
_NOT_BEFORE = {
    "residual": " connection",
    "stem": " player",
    "kernel": " additive",
    "harmonic": " mean",
}


_CITED = re.compile(r"\[((?:\[[^\]]+\]\(references\.bib#\w+\)(?:, )?)+)\]")
_KEY = re.compile(r"#(\w+)\)")


class Term(NamedTuple):
    """A term of the glossary: where it stands, and what it means, as plain text."""

    address: str
    meaning: str


def cite(text: str) -> str:
    """Turn a notebook's references, links that read well in JupyterLab too, into citations.

    Examples
    --------
    >>> cite("as in [[Boll, 1979](references.bib#boll1979), [Cho, 2014](references.bib#cho)]")
    'as in {cite}`boll1979,cho`'
    """
    return _CITED.sub(lambda found: f"{{cite}}`{','.join(_KEY.findall(found[1]))}`", text)


def link_chapters(body: str, addresses: Mapping[int, str]) -> str:
    """Turn "chapter 3" and "chapters 5 and 6" into links to those whose address is given.

    Examples
    --------
    >>> link_chapters("<p>See chapter 3.</p>", {3: "03.html"})
    '<p>See <a class="hpss-chapter" href="03.html">chapter 3</a>.</p>'
    >>> link_chapters("<code>chapter 3</code>", {3: "03.html"})
    '<code>chapter 3</code>'
    """

    def link(number: str, words: str) -> str:
        address = addresses.get(int(number))
        return f'<a class="hpss-chapter" href="{address}">{words}</a>' if address else words

    def replace(match: re.Match[str]) -> str:
        word, space, first, others = match.groups()
        rest = re.sub(r"\d+", lambda n: link(n[0], n[0]), others)
        return link(first, f"{word}{space}{first}") + rest

    return _in_text(body, lambda text: _CHAPTERS.sub(replace, text))


def link_terms(body: str, terms: Mapping[str, Term]) -> str:
    """Link each term of the glossary where the page first uses it.

    Examples
    --------
    >>> link_terms("<p>A mask, masks.</p>", {"mask": Term("g.html#mask", "A picture.")})
    '<p>A <a class="hpss-term" href="g.html#mask" data-meaning="A picture.">mask</a>, masks.</p>'
    """
    if not terms:
        return body
    left = dict(terms)
    names = {name.lower(): name for name in terms}
    words = "|".join(
        re.escape(name) + (f"(?!{_NOT_BEFORE[name]})" if name in _NOT_BEFORE else "")
        for name in sorted(names, key=len, reverse=True)
    )
    # One more letter: "masks"; a harmonic's plural is another thing.
    pattern = re.compile(rf"(?<![\w-])({words})(s?)(?![\w-])", re.IGNORECASE)

    def replace(match: re.Match[str]) -> str:
        name = names[match[1].lower()]
        capitals = name[1:] != name[1:].lower()
        if name not in left or (capitals and match[1] != name) or match[0].lower() == "harmonics":
            return match[0]
        term = left.pop(name)
        return (
            f'<a class="hpss-term" href="{term.address}" '
            f'data-meaning="{html.escape(term.meaning)}">{match[0]}</a>'
        )

    return _in_text(body, lambda text: pattern.sub(replace, text), _NO_TERMS)


def number_figures(body: str, chapter: int | None) -> str:
    """Number the figures that have a caption, and put the numbers where a text refers to them.

    A reference is `<a class="hpss-ref" href="#figure-name">the figure</a>`. chapter: before the
    figure's own number and a point, unless None.

    Examples
    --------
    >>> number_figures('<figure id="figure-a"><figcaption>Two hits.</figcaption></figure>', 3)
    ... # doctest: +ELLIPSIS
    '<figure id="figure-a"><figcaption><span class="hpss-number">Figure 3.1.</span> Two hits...'
    """
    numbers: dict[str, str] = {}
    before = f"{chapter}." if chapter else ""
    parts = re.split(r"(?=<figure\b)", body)
    for k, part in enumerate(parts):
        found = _FIGURE.match(part)
        if found and "<figcaption>" in part:
            numbers[found[1]] = f"{before}{len(numbers) + 1}"
            label = f'<figcaption><span class="hpss-number">Figure {numbers[found[1]]}.</span> '
            parts[k] = part.replace("<figcaption>", label, 1)

    def refer(match: re.Match[str]) -> str:
        number = numbers.get(match[1])
        if number is None:
            raise ValueError(f"the text refers to #{match[1]}; the page has no such figure")
        return f'<a class="hpss-ref" href="#{match[1]}">figure {number}</a>'

    return _REFERENCE.sub(refer, "".join(parts))


def _in_text(body: str, change: Callable[[str], str], also: frozenset | set = frozenset()) -> str:
    """Change the text of HTML where links may stand; `also`: further elements that stay as is."""
    closed = _CLOSED | also
    parts: list[str] = []
    stack: list[tuple[str, bool]] = []
    end = 0
    for token in _TOKEN.finditer(body):
        text = body[end : token.start()]
        parts.append(text if stack and stack[-1][1] else change(text))
        parts.append(token[0])
        end = token.end()
        _step(stack, token[0], closed)
    parts.append(change(body[end:]))
    return "".join(parts)


def _step(stack: list[tuple[str, bool]], token: str, closed: set) -> None:
    """Keep the list of open elements, each with whether links are barred in it."""
    found = _NAME.match(token)
    if not found or token.endswith("/>") or token.startswith(("<script", "<style", "<!")):
        return
    name = found[1].lower()
    if name in _VOID:
        return
    if token.startswith("</"):
        while stack and stack.pop()[0] != name:
            pass
        return
    classes = _CLASS.search(token)
    barred = bool(stack and stack[-1][1]) or name in closed
    barred = barred or bool(classes and _CLOSED_CLASSES & set(classes[1].split()))
    stack.append((name, barred))
