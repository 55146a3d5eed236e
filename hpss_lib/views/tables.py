"""Results as tables: a caption, heads of rows and columns, numbers that stand under each other.

A table that is wider than the page scrolls inside itself; shadows at its edges say that there is
more.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Integral, Real

from hpss_lib.views import output

Cell = str | float | None
Row = Iterable[Cell] | Cell

_SCROLL = (
    "--hpss-page:var(--pst-color-background,var(--jp-layout-color0,#fff));overflow-x:auto;"
    "max-width:100%;background:"
    "linear-gradient(90deg,var(--hpss-page) 30%,transparent) left/2.5em 100% no-repeat local,"
    "linear-gradient(270deg,var(--hpss-page) 30%,transparent) right/2.5em 100% no-repeat local,"
    "linear-gradient(90deg,#8888,transparent) left/0.9em 100% no-repeat scroll,"
    "linear-gradient(270deg,#8888,transparent) right/0.9em 100% no-repeat scroll"
)
_TABLE = "width:auto;margin:0;background:none;font-variant-numeric:tabular-nums"
_ROW = ' scope="row"'
_CELL = "padding:0.15em 0.7em;white-space:nowrap;text-align:"


def table(
    rows: Mapping[Hashable, Row], columns: Sequence[str], *, caption: str, form: str = ".1f"
) -> None:
    """Show a table of results.

    Parameters
    ----------
    rows : mapping
        The head of each row, and a cell for each column: a number, a text, or None (a dash). Where
        there is one column only, the cell may stand alone.
    columns : sequence of str
        Their heads, with units.
    caption : str
        Prose; may hold $math$, `code` and *emphasis*.
    form : str
        How numbers are written, as in `format`; whole ones are counts, written in full.

    Raises
    ------
    ValueError
        Where a row has not one cell for each column.

    Examples
    --------
    >>> table({"drums": [3.25]}, ["SDR (dB)", "SIR (dB)"], caption="A song.")
    Traceback (most recent call last):
        ...
    ValueError: row 'drums' has 1 cells; there are 2 heads
    """
    texts = {
        _minus(str(head)) if isinstance(head, Real) else str(head): [
            _text(cell, form) for cell in _cells(row)
        ]
        for head, row in rows.items()
    }
    for head, cells in texts.items():
        if len(cells) != len(columns):
            raise ValueError(f"row {head!r} has {len(cells)} cells; there are {len(columns)} heads")
    output.emit(_html(texts, columns, caption), _plain(texts, columns, caption))


def _cells(row: Row) -> Iterable[Cell]:
    return row if isinstance(row, Iterable) and not isinstance(row, str) else [row]


def _text(cell: Cell, form: str) -> str:
    if isinstance(cell, str):
        return cell
    if cell is None or math.isnan(cell):
        return "–"
    if isinstance(cell, Integral):
        return _minus(f"{cell:,}")
    sign = "+" if form.startswith("+") else ""  # in a form, z stands behind it
    return _minus(f"{cell:{sign}z{form.removeprefix('+')}}")


def _minus(number: str) -> str:
    return number.replace("-", "−")


def _html(texts: Mapping[str, Sequence[str]], columns: Sequence[str], caption: str) -> str:
    def cell(tag: str, text: str, side: str, scope: str = "") -> str:
        return f'<{tag}{scope} style="{_CELL}{side}">{output.escape(text)}</{tag}>'

    heads = "".join(cell("th", text, "right", ' scope="col"') for text in columns)
    body = "".join(
        f"<tr>{cell('th', head, 'left', _ROW)}"
        f"{''.join(cell('td', text, 'right') for text in row)}</tr>"
        for head, row in texts.items()
    )
    return (
        f'<div class="hpss hpss-table" role="region" tabindex="0" '
        f'aria-label="{output.escape(caption)}" style="{_SCROLL}"><table style="{_TABLE}">'
        f'<caption style="caption-side:top;text-align:left">{output.inline(caption)}</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _plain(texts: Mapping[str, Sequence[str]], columns: Sequence[str], caption: str) -> str:
    first = max((len(head) for head in texts), default=0)
    widths = [
        max(len(text) for text in column) for column in zip(columns, *texts.values(), strict=True)
    ]
    lines = [
        head.ljust(first) + "".join(f"  {text:>{w}s}" for text, w in zip(row, widths, strict=True))
        for head, row in {"": columns, **texts}.items()
    ]
    return "\n".join([caption, *lines])
