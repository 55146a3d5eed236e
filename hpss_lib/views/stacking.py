"""Panels side by side, cut apart for a narrow screen, which shows them as rows.

Nothing is drawn a second time: the pieces are parts of the same image, placed by the style sheet.
"""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Piece = tuple[float, float]  # of an image, from left to right, in shares of its width

_WIDTH = 0.56  # share of the width of an image that a phone shows so that its words can be read
_SCALE = 1.1  # by which pieces are enlarged at most
_STEADY = 0.005  # share of the width by which axes may move between images shown in turn
_BELOW = 7  # CSS pixels that the lowest number reaches below its axes
_CRUMB = 0.02  # percent that a row stays narrower, so that rounding breaks none in two


class Column(NamedTuple):
    """Panels above each other: from where to where they draw, and where their axes begin.

    In shares of the figure's width. is_named: whether it has numbers of its own at its left, or
    shares those of the first column. foot: what lies below its axes, as a share of the height.
    """

    left: float
    right: float
    axes: float
    is_named: bool
    foot: float = 0.0


def columns(fig: Figure, canvas: FigureCanvasAgg) -> tuple[Column, ...]:
    """The columns of a drawn figure; none where there is more to it than panels in one grid."""
    shown = [ax for ax in fig.axes if ax.get_visible()]
    found: dict[int, list[Axes]] = {}
    grids = set()
    for ax in shown:
        spec = ax.get_subplotspec()
        if spec is not None:
            grids.add(id(spec.get_gridspec()))
            found.setdefault(spec.colspan.start, []).append(ax)
            if len(spec.colspan) > 1:
                return ()
    across = [*fig.texts, *fig.legends, *fig.lines, *fig.patches, *fig.artists]
    if len(grids) != 1 or across:
        return ()
    starts = {k: min(ax.get_position().x0 for ax in axes) for k, axes in found.items()}
    for ax in shown:  # a scale of colours belongs to what is left of it
        if ax.get_subplotspec() is None:
            before = [k for k, x in starts.items() if x < ax.get_position().x0]
            found[max(before, default=min(found))].append(ax)
    return tuple(_column(found[k], starts[k], fig, canvas) for k in sorted(found))


def _column(axes: Sequence[Axes], start: float, fig: Figure, canvas: FigureCanvasAgg) -> Column:
    boxes = [box for ax in axes if (box := ax.get_tightbbox(canvas.get_renderer()))]
    left, right = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    named = all(ax.yaxis.get_tick_params().get("labelleft", True) for ax in axes)
    foot = min(ax.get_position().y0 for ax in axes)
    return Column(left / fig.bbox.width, right / fig.bbox.width, start, named, foot)


def rows(layouts: Sequence[Sequence[Column]]) -> list[list[Piece]]:
    """The columns of images that are shown in turn, as rows of pieces; [] where they stay whole.

    Neighbours stay together as long as both can be read. A row whose columns share the numbers of
    the first begins with these. Nothing is cut through: columns that run into each other, or whose
    numbers do not stay where they are from image to image, stay side by side.

    Examples
    --------
    >>> left, right = Column(0.0, 0.5, 0.1, True), Column(0.52, 1.0, 0.6, True)
    >>> rows([[left, right]])
    [[(0.0, 0.51)], [(0.51, 1.0)]]
    >>> rows([[left, right._replace(is_named=False)]])
    [[(0.0, 0.51)], [(0.0, 0.1), (0.51, 1.0)]]
    >>> rows([[left, right._replace(left=0.49)]])
    []
    """
    count = len(layouts[0])
    if count < 2 or any(len(layout) != count for layout in layouts):
        return []
    gaps = [
        (max(layout[k - 1].right for layout in layouts), min(layout[k].left for layout in layouts))
        for k in range(1, count)
    ]
    edges = [layout[0].axes for layout in layouts]
    shares = any(not column.is_named for layout in layouts for column in layout)
    moves = shares and max(edges) - min(edges) > _STEADY
    if moves or any(end > begin for end, begin in gaps):
        return []
    cuts = [0.0, *((end + begin) / 2 for end, begin in gaps), 1.0]
    found: list[list[Piece]] = []
    first = 0
    for k in range(1, count + 1):
        if k == count or cuts[k + 1] - cuts[first] > _WIDTH:
            numbers = [(0.0, min(edges))] if first and shares else []
            found.append([*numbers, (cuts[first], cuts[k])])
            first = k
    return found if len(found) > 1 else []


def styles(
    rows: Sequence[Sequence[Piece]], width: int, height: int, foot: float = 0.0
) -> tuple[str, list[str]]:
    """What the style sheet must know of an image's rows: of all together, and of each piece.

    width, height: of the image, in CSS pixels. Of a piece it is told its width and what is left of
    its row, in percent of the widest row, its shape, and its place as object-position takes it; of
    numbers that a row takes along, that they end where the axes do, `foot` above the bottom.
    """
    below = f";--foot:{max(100 * foot - 100 * _BELOW / height, 0):.2f}%"
    widths = [sum(right - left for left, right in row) for row in rows]
    widest = max(widths)
    pieces = []
    for row, own in zip(rows, widths, strict=True):
        for left, right in row:
            part = right - left
            rest = (widest - own) / widest if (left, right) == row[-1] else 0
            pieces.append(
                f"--part:{100 * part / widest - _CRUMB:.2f}%;--rest:{100 * rest:.2f}%;"
                f"--shape:{part * width / height:.4f};--place:{100 * left / (1 - part):.2f}%"
                f"{below if (left, right) != row[-1] else ''}"
            )
    return f"--most:{round(_SCALE * widest * width)}px", pieces
