"""A control, declared once, appears three times: as a figure, on the static page, and live.

A control is parameters, their values, and one pure function from values to a View. In the built
book it is native HTML over the views of all positions, drawn during the build; under a kernel the
same declaration becomes ipywidgets that compute, at values between those positions too.
"""

import itertools
import json
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hpss_lib.stft import SAMPLE_RATE
from hpss_lib.views import output, palette, stacking
from hpss_lib.views.figures import Picture, described, picture_html, picture_urls, render
from hpss_lib.views.players import checked_sound, note_html, shared_gain, sound_url, sounds_html

_SCALE, _QUALITY = 1.35, 66  # of pictures: a control has many, and a page 5 MB


@dataclass(frozen=True)
class View:
    """What a control shows at one position.

    Attributes
    ----------
    figure
        Of one size at every position.
    sounds
        By label, samples (n,) at 44.1 kHz; the same labels at every position.
    text
        A sentence with the measured numbers, shown under the picture and read out when it changes;
        it ends the picture's alt text, which begins with what the figure shows (its panels, axes).
    """

    figure: Figure
    sounds: Mapping[str, np.ndarray] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Slider:
    """A number to choose.

    Attributes
    ----------
    name, label
        The view function's keyword, and what the reader sees.
    values
        The positions of the static page, ascending.
    unit
        Such as "ms", or "".
    live
        (lowest, highest, step) under a kernel, in the same unit.
    log
        The live slider moves in equal ratios, values rounded to steps.
    """

    name: str
    label: str
    values: tuple[float, ...]
    unit: str = ""
    live: tuple[float, float, float] | None = None
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse sliders that cannot be drawn."""
        if len(self.values) < 2 or list(self.values) != sorted(set(self.values)):
            raise ValueError(f"slider {self.name!r}: values must ascend, not {self.values}")
        if self.live is not None:
            low, high, step = self.live
            if not (low < high and 0 < step <= high - low) or (self.log and low <= 0):
                raise ValueError(
                    f"slider {self.name!r}: live is {self.live}; needed is (lowest, highest, step) "
                    "with lowest < highest, and lowest > 0 where log=True"
                )

    def positions(self) -> list[tuple[str, Any]]:
        """(text, value) for each position of the static page."""
        return [(self.text(value), value) for value in self.values]

    def text(self, value: Any) -> str:
        """A value with its unit, as the reader sees it."""
        number = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        return f"{number.replace('-', '−')} {self.unit}".rstrip()

    def live_limits(self) -> tuple[float, float, float]:
        """(lowest, highest, step) under a kernel; by default from the static values."""
        if self.live is not None:
            return self.live
        low, high = self.values[0], self.values[-1]
        whole = all(isinstance(value, int) for value in self.values)
        return low, high, 1 if whole else (high - low) / 100


@dataclass(frozen=True)
class Choice:
    """One of several named values. name, label: as in Slider. options: dict from text to value."""

    name: str
    label: str
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse a choice of one."""
        if len(self.options) < 2:
            raise ValueError(f"choice {self.name!r} needs at least two options")

    def positions(self) -> list[tuple[str, Any]]:
        """(text, value) for each position."""
        return list(self.options.items())

    def text(self, value: Any) -> str:
        """The text of a value."""
        return next(text for text, other in self.options.items() if other == value)


@dataclass(frozen=True)
class Control:
    """Parameters, and a pure function from their values to a View.

    Attributes
    ----------
    name
        Letters, digits and hyphens, unique in the book.
    start
        For each parameter, one of its positions.
    view
        Called with one keyword a parameter.
    caption, question, answer
        Prose; may hold $math$, `code` and *emphasis*. The answer is folded away until asked for.
    computed
        A module of book/computed that draws and says the same in the page, at every value between
        the positions too; for controls of sliders. Where it cannot run the positions serve.
    material
        What that module works on: signals (n,) in [-1, 1], by name. The page gets them in 16 bits.

    Raises
    ------
    ValueError
        Where names or start values do not fit.
    """

    name: str
    title: str
    parameters: tuple[Slider | Choice, ...]
    start: Mapping[str, Any]
    view: Callable[..., View]
    caption: str
    question: str = ""
    answer: str = ""
    computed: str = ""
    material: Callable[[], Mapping[str, np.ndarray]] = dict

    def __post_init__(self) -> None:
        """Refuse a start that is no position of the static page."""
        output.identifier(self.name)
        names = [p.name for p in self.parameters]
        if not names or set(names) != set(self.start):
            raise ValueError(
                f"control {self.name!r} has parameters {names}, but start names {list(self.start)}"
            )
        for p in self.parameters:
            accepted = [value for _, value in p.positions()]
            if self.start[p.name] not in accepted:
                raise ValueError(
                    f"control {self.name!r}: {p.name} starts at {self.start[p.name]!r}; "
                    f"accepted are its positions {accepted}"
                )

    def positions(self) -> list[dict[str, Any]]:
        """All combinations of the static values, the last parameter running fastest."""
        values = [[value for _, value in p.positions()] for p in self.parameters]
        names = [p.name for p in self.parameters]
        return [dict(zip(names, point, strict=True)) for point in itertools.product(*values)]

    def look(self, **values: Any) -> View:
        """The View at these parameter values, checked: raises ValueError where it is unfit."""
        view = self.view(**values)
        if not isinstance(view, View):
            raise ValueError(f"control {self.name!r}: the view function must return a View")
        if not view.text.strip():
            raise ValueError(f"control {self.name!r} says nothing (View.text) at {values}")
        for label, x in view.sounds.items():
            checked_sound(x, label)
        return view

    def show(self) -> None:
        """Show the control: native HTML in the built book, ipywidgets under a live kernel."""
        if output.is_static():
            output.emit(_static_html(self), f"[Control: {self.title}]")
        else:
            _show_live(self)


def all_controls(module: ModuleType) -> list[Control]:
    """The Controls that a module declares, in the order in which they stand."""
    return [value for value in vars(module).values() if isinstance(value, Control)]


def _static_html(control: Control) -> str:
    """The control as HTML, with the states of all its positions."""
    positions = control.positions()
    pictures: list[Picture] = []
    texts: list[str] = []
    shows = ""
    sounds: list[dict[str, np.ndarray]] = []
    for values in positions:
        view = control.look(**values)
        if values == dict(control.start):
            shows = described(view.figure)
        pictures.append(render(view.figure, scale=_SCALE, quality=_QUALITY))
        texts.append(view.text)
        sounds.append({label: checked_sound(x, label) for label, x in view.sounds.items()})
    if any(list(s) != list(sounds[0]) for s in sounds):
        raise ValueError(f"control {control.name!r}: the sounds' labels differ between positions")
    gain, note = shared_gain([x for group in sounds for x in group.values()])
    states = []
    for picture, text, group in zip(pictures, texts, sounds, strict=True):
        light, dark = picture_urls(picture)
        urls = [sound_url(x, gain) for x in group.values()]
        state = {"light": light, "dark": dark, "text": text, "sounds": urls}
        if (picture.width, picture.height) != (pictures[0].width, pictures[0].height):
            state["size"] = [picture.width, picture.height]
        states.append(state)
    at = positions.index(dict(control.start))
    # In pieces on a phone, unless sizes change or the page draws a picture of its own.
    whole = control.computed or any("size" in state for state in states)
    rows = [] if whole else stacking.rows([picture.columns for picture in pictures])
    # "</" would end the script element.
    data = json.dumps(states, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    inputs = "".join(_input_html(control, parameter) for parameter in control.parameters)
    return (
        f'<figure class="hpss hpss-control" id="control-{control.name}" data-hpss="control" '
        f"{_computed_html(control, gain)}"
        f'aria-labelledby="control-{control.name}-title" data-shows="{output.escape(shows)}">'
        f"{_head_html(control)}"
        f'<div class="hpss-inputs hpss-js-only">{inputs}</div>'
        f"{picture_html(pictures[at], f'{shows} {texts[at]}', rows)}"
        f"{_text_html(texts[at])}{sounds_html(sounds[at], gain, control.name)}"
        f"{note_html(note)}{_tail_html(control)}"
        f'<script type="application/json" class="hpss-states">{data}</script>'
        f"{_ramps_html(control)}</figure>"
    )


def _computed_html(control: Control, gain: float) -> str:
    """What the script is told of a control that it computes: the module, and all that it needs."""
    if not control.computed:
        return ""
    sliders = [
        {
            "name": p.name,
            "values": p.values,
            "live": p.live_limits(),
            "log": p.log,
            "unit": p.unit,
        }
        for p in control.parameters
        if isinstance(p, Slider)
    ]
    told = {
        "sliders": sliders,
        "material": {name: sound_url(x, 1.0) for name, x in control.material().items()},
        "gain": gain,
        "rate": SAMPLE_RATE,
        "inks": {
            theme: {kind: palette.ink(kind, theme) for kind in palette.KINDS}
            for theme in palette.INK
        },
    }
    text = output.escape(json.dumps(told, ensure_ascii=False))
    return f'data-computed="{control.computed}" data-told="{text}" '


def _ramps_html(control: Control) -> str:
    """The colours of a picture that the page draws."""
    if not control.computed:
        return ""
    return f'<script type="application/json" class="hpss-ramps">{palette.ramps_json()}</script>'


def _head_html(control: Control) -> str:
    title = output.inline(control.title)
    return f'<p class="hpss-title" id="control-{control.name}-title">{title}</p>'


def _text_html(text: str) -> str:
    return f'<p class="hpss-text" role="status" aria-live="polite">{output.escape(text)}</p>'


def _tail_html(control: Control) -> str:
    """The caption, the question, and its answer, folded."""
    question = (
        f'<p class="hpss-question"><span class="hpss-tag">Try it</span> '
        f"{output.inline(control.question)}</p>"
        if control.question
        else ""
    )
    asked = f"{question}{output.answer_html(control.answer)}"
    return f"<figcaption>{output.inline(control.caption)}</figcaption>{asked}"


def _input_html(control: Control, parameter: Slider | Choice) -> str:
    """One parameter as a labelled range input or select."""
    anchor = f"control-{control.name}-{parameter.name}".replace("_", "-")
    label = output.escape(parameter.label)
    start = control.start[parameter.name]
    positions = parameter.positions()
    at = [value for _, value in positions].index(start)
    if isinstance(parameter, Choice):
        options = "".join(
            f'<option value="{i}"{" selected" if i == at else ""}>{output.escape(text)}</option>'
            for i, (text, _) in enumerate(positions)
        )
        return (
            f'<div class="hpss-input"><label for="{anchor}">{label}</label>'
            f'<select id="{anchor}" autocomplete="off">{options}</select></div>'
        )
    texts = output.escape(json.dumps([text for text, _ in positions], ensure_ascii=False))
    now = output.escape(parameter.text(start))
    ticks = "<i></i>" * len(positions)
    return (
        f'<div class="hpss-input"><label for="{anchor}">{label}</label>'
        f'<span class="hpss-range"><input type="range" id="{anchor}" min="0" '
        f'max="{len(positions) - 1}" step="1" value="{at}" autocomplete="off" '
        f'aria-valuetext="{now}" data-texts="{texts}">'
        f'<span class="hpss-ticks" aria-hidden="true">{ticks}</span></span>'
        f'<output for="{anchor}">{now}</output></div>'
    )


def _show_live(control: Control) -> None:
    """The control as ipywidgets, computing in the kernel."""
    import ipywidgets as widgets
    from IPython.display import display

    inputs = {p.name: _widget(p, control.start[p.name]) for p in control.parameters}
    shown = widgets.HTML()
    shown.add_class("hpss-live-view")

    def update(_change: object = None) -> None:
        values = {p.name: _live_value(p, inputs[p.name].value) for p in control.parameters}
        shown.value = _live_html(control, values)

    update()
    for widget in inputs.values():
        widget.observe(update, names="value")
    head = widgets.HTMLMath(_head_html(control))
    tail = widgets.HTMLMath(_tail_html(control))
    box = widgets.VBox([head, *inputs.values(), shown, tail])
    for name in ("hpss", "hpss-control", "hpss-live"):
        box.add_class(name)
    # Scripts run in the HTML of an output, but not inside a widget.
    output.emit("", f"[Control: {control.title}]")
    display(box)


def _live_html(control: Control, values: Mapping[str, Any]) -> str:
    """Picture, text and sounds at these values; or what went wrong, where one looks for them."""
    try:
        view = control.look(**values)
        sounds = {label: checked_sound(x, label) for label, x in view.sounds.items()}
        gain, note = shared_gain(sounds.values())
        return (
            picture_html(
                render(view.figure, scale=_SCALE, quality=_QUALITY),
                f"{described(view.figure)} {view.text}",
            )
            + _text_html(view.text)
            + sounds_html(sounds, gain, control.name)
            + note_html(note)
        )
    except Exception as error:  # anything the view function raises is for the reader to see
        return (
            f'<div class="hpss-error" role="alert"><p><b>{type(error).__name__}</b>: '
            f"{output.escape(error)}</p><details><summary>Where it happened</summary>"
            f"<pre>{output.escape(traceback.format_exc())}</pre></details></div>"
        )


def _widget(parameter: Slider | Choice, start: Any) -> Any:
    """The ipywidget of one parameter."""
    import ipywidgets as widgets

    look: dict[str, Any] = {
        "style": {"description_width": "initial"},
        "layout": widgets.Layout(width="min(100%, 36rem)"),
    }
    if isinstance(parameter, Choice):
        return widgets.Dropdown(
            options=list(parameter.options.items()),
            value=start,
            description=parameter.label,
            **look,
        )
    low, high, step = parameter.live_limits()
    unit = f" ({parameter.unit})" if parameter.unit else ""
    look |= {"description": parameter.label + unit, "continuous_update": False}
    if parameter.log:
        span = math.log10(high / low)
        return widgets.FloatLogSlider(
            value=start,
            base=10,
            min=math.log10(low),
            max=math.log10(high),
            step=span / 200,
            readout_format=".4g",
            **look,
        )
    if all(isinstance(number, int) for number in (low, high, step, start)):
        return widgets.IntSlider(value=start, min=low, max=high, step=step, **look)
    return widgets.FloatSlider(
        value=start, min=low, max=high, step=step, readout_format=".4g", **look
    )


def _live_value(parameter: Slider | Choice, value: Any) -> Any:
    """The value that the view function gets for a widget's value."""
    if isinstance(parameter, Slider) and parameter.log:
        low, high, step = parameter.live_limits()
        value = min(max(round(value / step) * step, low), high)
        if all(isinstance(number, int) for number in (low, high, step)):
            return int(value)
    return value
