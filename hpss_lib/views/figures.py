"""One matplotlib figure, drawn twice: in dark ink for light pages, in light ink for dark ones."""

import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from PIL import Image

from hpss_lib.views import output, palette, stacking
from hpss_lib.views.plot import style

CSS_PIXELS_PER_INCH = 100  # a figure 7.6 inches wide fills the 760 pixels of the text column
_IMAGE_SCALE = 1.6  # pixels per CSS pixel with an image in it, whose noise hardly compresses
SMALLEST_TYPE = 9.0  # points; below that, labels are unreadable at the width of a page


class Picture(NamedTuple):
    """A figure in both themes, encoded: bytes, media types, its size in CSS pixels, its columns."""

    light: bytes
    dark: bytes
    mime: tuple[str, str]
    width: int
    height: int
    columns: tuple[stacking.Column, ...] = ()


class Place(NamedTuple):
    """A part of a picture that leads to a page of the book.

    page is a notebook's name without its suffix; left, top, width and height are shares of the
    picture's.
    """

    label: str
    page: str
    left: float
    top: float
    width: float
    height: float


def show_figure(
    fig: Figure, *, caption: str, alt: str, name: str, places: Sequence[Place] = ()
) -> None:
    """Show a figure with its caption, legible on light and on dark pages, in every chapter.

    Parameters
    ----------
    fig
        Closed, if pyplot holds it, so that it is not shown twice.
    caption
        A sentence or two; may hold $math$, `code` and *emphasis*.
    alt
        What a reader who cannot see the picture needs to know.
    name
        Letters, digits and hyphens, unique on the page.
    places
        Parts of the picture that are links.

    Raises
    ------
    ValueError
        Where alt or caption is empty.
    """
    if not caption.strip() or not alt.strip():
        raise ValueError("show_figure needs a caption and an alt text; neither may be empty")
    markup = (
        f'<figure class="hpss hpss-figure" id="figure-{output.identifier(name)}">'
        f"{_map_html(_figure_html(_rendered(fig), alt, is_map=bool(places)), places)}"
        f"<figcaption>{output.inline(caption)}</figcaption></figure>"
    )
    output.emit(markup, f"[Figure: {alt}]")


def _figure_html(picture: Picture, alt: str, *, is_map: bool) -> str:
    return picture_html(picture, alt, () if is_map else stacking.rows([picture.columns]))


def _rendered(fig: Figure) -> Picture:
    return render(fig, scale=2.0 if _is_drawn(fig) else _IMAGE_SCALE)


def _map_html(markup: str, places: Sequence[Place]) -> str:
    """A picture's HTML with links laid over it, which the keyboard reaches one after the other."""
    if not places:
        return markup
    suffix = ".html" if output.is_static() else ".ipynb"
    links = "".join(
        f'<a class="hpss-place" href="{p.page}{suffix}" title="{output.escape(p.label)}" style="'
        f"left:{100 * p.left:.2f}%;top:{100 * p.top:.2f}%;"
        f'width:{100 * p.width:.2f}%;height:{100 * p.height:.2f}%">'
        f'<span class="hpss-hidden">{output.escape(p.label)}</span></a>'
        for p in places
    )
    inner = markup.removeprefix('<div class="hpss-picture">').removesuffix("</div>")
    return f'<div class="hpss-picture"><div class="hpss-map">{inner}{links}</div></div>'


def picture_html(picture: Picture, alt: str, rows: Sequence[Sequence[stacking.Piece]] = ()) -> str:
    """The HTML of a Picture: one image a theme, of which the style sheet shows one.

    rows: of stacking.rows. On a narrow screen the style sheet shows these pieces in place of the
    whole: the first is cut out of the image itself, each other one out of a copy that only a narrow
    screen loads.
    """
    size = f'width="{picture.width}" height="{picture.height}"'
    urls = picture_urls(picture)

    def images(text: str, kind: str = "", style: str = "") -> str:
        return "".join(
            f'<img class="hpss-{theme} dark-light{kind}" src="{url}" alt="{text}" {size}{style} '
            'loading="lazy" decoding="async">'
            for theme, url in zip(("light", "dark"), urls, strict=True)
        )

    text = output.escape(alt)
    if not rows or not output.is_static():
        return f'<div class="hpss-picture">{images(text)}</div>'
    together, pieces = stacking.styles(rows, picture.width, picture.height, picture.columns[0].foot)
    first, *others = (f' style="{style}"' for style in pieces)
    copies = "".join(images("", " hpss-again", style) for style in others)
    return (
        f'<div class="hpss-picture hpss-panels" style="{together}">'
        f"{images(text, style=first)}{copies}</div>"
    )


def described(fig: Figure) -> str:
    """What a figure shows, for who cannot see it: its panels, their axes, and what is drawn there.

    Parameters
    ----------
    fig
        Stays as it is.

    Examples
    --------
    >>> fig = Figure()
    >>> ax = fig.subplots()
    >>> _ = ax.plot([0, 1], label="drums"), ax.set(xlabel="time (s)", ylabel="level (dB)")
    >>> described(fig)
    'A picture: level (dB) over time (s), with a line for drums.'
    """
    panels = [ax for ax in fig.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    words = [_panel(ax, shared=panels) for ax in panels]
    if len(words) == 1:
        return f"A picture: {words[0]}."
    return f"{len(words)} panels: {'; '.join(words)}."


def _panel(ax: Axes, shared: list[Axes]) -> str:
    """One panel: its title, its axes, and the lines, colours or bars in it."""
    title = _plain(ax.get_title(loc="left") or ax.get_title())
    # Where panels share an axis, only one of them bears its label.
    across, up = ax.get_xlabel(), ax.get_ylabel()
    for other in shared:
        if ax.get_shared_x_axes().joined(ax, other):
            across = across or other.get_xlabel()
        if ax.get_shared_y_axes().joined(ax, other):
            up = up or other.get_ylabel()
    sides = " over ".join(_plain(label) for label in (up, across) if label)
    named = [_plain(h) for h in ax.get_legend_handles_labels()[1]]
    coloured = bool(ax.images) or any(c.get_array() is not None for c in ax.collections)
    drawn = "as a picture of colours" if coloured else ""
    if named and not coloured:
        drawn = f"with {'lines' if len(named) > 1 else 'a line'} for {', '.join(named)}"
    elif not coloured and ax.containers:
        drawn = "as bars"
    return ", ".join(filter(None, [": ".join(filter(None, [title, sides])), drawn])) or "a drawing"


def _plain(label: str) -> str:
    """A label without the marks of mathematics: "$|X|$ (dB)" as "|X| (dB)"."""
    return " ".join(re.sub(r"[$\\{}]|mathrm|mathbf", "", label).split())


def picture_urls(picture: Picture) -> tuple[str, str]:
    """The addresses of a Picture's light and dark renderings."""
    return (
        output.store(picture.light, picture.mime[0]),
        output.store(picture.dark, picture.mime[1]),
    )


def render(fig: Figure, *, scale: float = 2.0, quality: int = 86) -> Picture:
    """Draw a figure for both themes; raises TypeError if `fig` is no Figure.

    Parameters
    ----------
    fig
        Stays as it is, but that pyplot forgets it.
    scale
        Image pixels per CSS pixel.
    quality
        Of lossy WebP, 0 to 100; figures without images are stored without loss where that is
        smaller.
    """
    if not isinstance(fig, Figure):
        raise TypeError(f"a matplotlib Figure is needed, not {type(fig).__name__}")
    _forget(fig)
    lossless_too = _is_drawn(fig)
    dpi, canvas, layout = fig.dpi, fig.canvas, fig.get_layout_engine()
    try:
        with style(), _transparent(fig):
            fig.set_dpi(CSS_PIXELS_PER_INCH * scale)
            agg = FigureCanvasAgg(fig)
            _unify(fig)
            agg.draw()  # the first drawing also makes every tick, which can then be recoloured
            light = _encode(agg, quality, lossless_too)
            columns = stacking.columns(fig, agg)
            if layout is not None:  # laid out once is enough, and takes a third of the time
                fig.set_layout_engine("none")
            with _dark_ink(fig):
                agg.draw()
                dark = _encode(agg, quality, lossless_too)
    finally:
        fig.set_dpi(dpi)
        fig.set_canvas(canvas)
        if layout is not None:
            fig.set_layout_engine(layout)
    width, height = fig.get_size_inches() * CSS_PIXELS_PER_INCH
    return Picture(light, dark, ("image/webp", "image/webp"), round(width), round(height), columns)


def _is_drawn(fig: Figure) -> bool:
    """Whether a figure is of lines and words alone, without an image such as a spectrogram."""
    return not any(ax.images or ax.collections for ax in fig.axes)


def _encode(canvas: FigureCanvasAgg, quality: int, lossless_too: bool) -> bytes:
    """The canvas as WebP, lossy, or lossless where allowed and smaller."""
    image = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    choices = [{"quality": quality, "method": 2}]
    if lossless_too:
        choices.append({"lossless": True, "method": 0})
    encoded = []
    for options in choices:
        buffer = io.BytesIO()
        image.save(buffer, format="WEBP", **options)
        encoded.append(buffer.getvalue())
    return min(encoded, key=len)


def _forget(fig: Figure) -> None:
    """Let pyplot forget the figure, or the notebook would show it a second time."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)


def _unify(fig: Figure) -> None:
    """Give titles, legends and small type the book's look, whoever has set them."""
    for ax in fig.axes:
        centred = ax.get_title(loc="center")
        if centred and not ax.get_title(loc="left"):
            ax.set_title("", loc="center")
            ax.set_title(centred, loc="left")
        legend = ax.get_legend()
        if legend is not None:
            legend.set_frame_on(False)
    for text in fig.findobj(Text):
        if float(text.get_fontsize()) < SMALLEST_TYPE:
            text.set_fontsize(SMALLEST_TYPE)


@contextmanager
def _transparent(fig: Figure) -> Iterator[None]:
    """Take away the ground of the figure and its axes meanwhile: the page's own shows through."""
    patches = [fig.patch, *(ax.patch for ax in fig.axes)]
    before = [patch.get_alpha() for patch in patches]
    for patch in patches:
        patch.set_alpha(0.0)
    try:
        yield
    finally:
        for patch, alpha in zip(patches, before, strict=True):
            patch.set_alpha(alpha)


@contextmanager
def _dark_ink(fig: Figure) -> Iterator[None]:
    """Recolour all artists of a figure for a dark page meanwhile.

    Text over a picture that is the same in both themes can be exempted: artist.set_gid("keep").
    """
    undo = []
    try:
        for artist in fig.findobj(lambda a: a.get_gid() != "keep"):
            for setter, before, after in _recolouring(artist):
                setter(after)
                undo.append((setter, before))
        yield
    finally:
        for setter, before in reversed(undo):
            setter(before)


def _recolouring(artist: Any) -> Iterator[tuple[Callable[[Any], Any], Any, Any]]:
    """(setter, colour now, colour on a dark page) for each colour of one artist."""
    if isinstance(artist, ScalarMappable):
        cmap = artist.get_cmap()
        family, _, theme = cmap.name.rpartition("_")
        if family.startswith("hpss_") and theme == "light":
            other = palette.colormap(family.removeprefix("hpss_"), "dark")
            yield artist.set_cmap, cmap, other
    if isinstance(artist, Text):
        yield artist.set_color, artist.get_color(), _dark(artist.get_color())
        box = artist.get_bbox_patch()
        if box is not None:
            yield from _recolouring(box)
    elif isinstance(artist, Line2D):
        parts = ("color", "markerfacecolor", "markeredgecolor")
        # All are asked before any is set, or marks that follow their line are turned twice.
        for part, now in [(part, getattr(artist, f"get_{part}")()) for part in parts]:
            yield getattr(artist, f"set_{part}"), now, _dark(now)
    elif isinstance(artist, Patch):
        alpha = artist.get_alpha()
        if alpha == 0.0:
            return
        for part in ("facecolor", "edgecolor"):
            now = getattr(artist, f"get_{part}")()
            yield getattr(artist, f"set_{part}"), now, _dark(now)
    elif isinstance(artist, Collection):
        parts = ("edgecolor",) if artist.get_array() is not None else ("facecolor", "edgecolor")
        for part in parts:
            now = getattr(artist, f"get_{part}")()
            if len(now):
                yield getattr(artist, f"set_{part}"), now, [_dark(colour) for colour in now]


def _dark(colour: Any) -> Any:
    """The counterpart on a dark page of one matplotlib colour, its opacity kept."""
    if isinstance(colour, str) and colour == "none":
        return colour
    red, green, blue, alpha = to_rgba(colour)
    if alpha == 0:
        return colour
    return (*palette.dark((red, green, blue)), alpha)
