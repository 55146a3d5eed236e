"""Figures, players and controls: what reaches the page, in the built book and under a kernel."""

import base64
import io
import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure
from PIL import Image

from hpss_lib import views
from hpss_lib.stft import COMPACT, SAMPLE_RATE, stft
from hpss_lib.views import book, controls, figures, output, palette, players, plot, stacking

RNG = np.random.default_rng(0)


def tone(hertz=1000.0, seconds=0.5, peak=0.5):
    n = round(seconds * SAMPLE_RATE)
    return (peak * np.sin(2 * np.pi * hertz * np.arange(n) / SAMPLE_RATE)).astype(np.float32)


def drawing():
    fig, ax = plot.figure(height=2.0)
    ax.plot([0, 1], [0, 1], color="black")
    ax.set_title("a title")
    return fig


@pytest.fixture
def shown(monkeypatch):
    """The HTML that has been displayed, one string a call."""
    markup = []

    def display(*objects, **_):
        markup.extend(o["text/html"] if isinstance(o, dict) else o for o in objects)

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.delenv(output.FOLDER, raising=False)
    return markup


@pytest.fixture
def assets(monkeypatch, tmp_path, shown):
    """The folder of a book that is being built."""
    folder = tmp_path / "book" / "assets"
    monkeypatch.setenv(output.FOLDER, str(folder))
    return folder


def sound_at(url, folder=None):
    data = (
        (folder / url.removeprefix("assets/")).read_bytes()
        if folder
        else base64.b64decode(url.partition(",")[2])
    )
    return soundfile.read(io.BytesIO(data), dtype="float32")


# ------------------------------------------------------------------- colours


def luminance(colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def css_colours(theme):
    css = output.static_text("hpss.css")
    block = re.findall(r"\{[^}]*--hpss-ink:[^}]*\}", css)[0 if theme == "light" else 1]
    return dict(re.findall(r"--hpss-(\w+): (?:var\([^,]*, )?(#[0-9a-f]{6})", block))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_every_ground(theme):
    colours = css_colours(theme)
    for ground in ("page", "panel"):
        for text in ("ink", "soft", "mixture", "percussive", "harmonic", "warn"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["edge"], colours[ground]) >= 3  # borders of buttons, tracks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_style_sheet_and_figures_share_their_colours(theme):
    colours = css_colours(theme)
    assert {kind: colours[kind] for kind in palette.KINDS} == {
        kind: palette.ink(kind, theme) for kind in palette.KINDS
    }
    assert colours["ink"] == palette.INK[theme]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", palette.KINDS)
def test_ramps_are_even_in_lightness(kind, theme):
    lightness = palette.to_oklab(palette.ramp(kind, theme))[:, 0]
    steps = np.diff(lightness) * (-1 if theme == "light" else 1)
    assert steps.min() > 0
    assert abs(lightness[-1] - lightness[0]) > 0.65


def test_oklab_is_undone():
    rgb = RNG.random((50, 3))
    np.testing.assert_allclose(palette.from_oklab(palette.to_oklab(rgb)), rgb, atol=1e-6)
    np.testing.assert_allclose(palette.to_oklab([1, 1, 1]), [1, 0, 0], atol=1e-4)


# ------------------------------------------------------------------- files and words


def test_assets_are_named_by_their_content(assets):
    url = output.store(b"abc", "image/png")
    assert re.fullmatch(r"assets/[0-9a-f]{20}\.png", url)
    assert (assets.parent / url).read_bytes() == b"abc"
    assert output.store(b"abc", "image/png") == url
    assert output.store(b"abd", "image/png") != url
    assert len(list(assets.iterdir())) == 2


def test_inline_prose():
    assert output.inline("a < *b* & `c<d`") == "a &lt; <em>b</em> &amp; <code>c&lt;d</code>"
    assert "\\(x &lt; y\\)" in output.inline("where $x < y$")
    assert output.inline("**so**") == "<strong>so</strong>"


@pytest.mark.parametrize("name", ["", "two words", "a/b", '"', "1a"])
def test_names_that_are_no_ids_are_refused(name):
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        output.identifier(name)


def test_the_built_book_has_the_engine_whole(tmp_path):
    root = Path(__file__).resolve().parents[1]
    book._bring_engine(SimpleNamespace(srcdir=root, outdir=tmp_path))
    brought = {path.name: path for path in (tmp_path / "book" / "engine").iterdir()}
    assert {"engine.js", "worker.js", "network.wasm"} < set(brought)
    assert "compact-percussive.safetensors" in brought
    for name, path in brought.items():
        if name.endswith(".js"):
            imported = re.findall(r'(?:from|URL\() ?"\./([^"]+)"', path.read_text("utf-8"))
            assert set(imported) <= set(brought), name


def test_script_asks_for_nothing_elsewhere():
    static = Path(output.__file__).parent / "static"
    names = (*output.SCRIPTS, *output.FIGURES, *output.PAGES)
    assert {path.stem for path in static.glob("*.js")} == set(names)
    for script in map(output.static_text, (f"{name}.js" for name in names)):
        assert not re.search(r"https?://|//cdn|@import|url\(", script)
        assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
        assert "</script" not in script  # it stands inside a script element in live outputs
    for style in static.glob("*.css"):
        assert not re.search(r"https?://|//cdn|@import|url\(", style.read_text(encoding="utf8"))


# ------------------------------------------------------------------- figures


def test_figure_is_drawn_for_both_themes():
    fig = drawing()
    line, title = fig.axes[0].lines[0], fig.axes[0].title
    picture = figures.render(fig, scale=1.5)
    light, dark = (np.asarray(Image.open(io.BytesIO(data))) for data in picture[:2])
    assert light.shape == dark.shape == (round(1.5 * picture.height), round(1.5 * picture.width), 4)
    assert light[0, 0, 3] == dark[0, 0, 3] == 0  # the page shows through
    solid = light[..., 3] > 200
    assert light[solid][:, :3].mean() < 140 < dark[solid][:, :3].mean()
    assert line.get_color() == "black" and title.get_color() == palette.INK["light"]
    assert fig.dpi == 100 or fig.dpi == Figure().dpi


def test_dark_spectrogram_has_its_own_colours():
    fig, ax = plot.figure()
    plot.spectrogram(np.zeros((COMPACT.bins, 40)), COMPACT, ax)  # silence: the floor everywhere
    picture = figures.render(fig)
    light, dark = (np.asarray(Image.open(io.BytesIO(data))) for data in picture[:2])
    middle = tuple(np.array(light.shape[:2]) // 2)
    assert light[middle][:3].min() > 235 and dark[middle][:3].max() < 45


def test_show_figure(assets, shown):
    views.show_figure(drawing(), caption="A *line*.", alt='It "rises".', name="a-line")
    markup = shown[0]
    assert markup.startswith('<figure class="hpss hpss-figure" id="figure-a-line">')
    assert "<figcaption>A <em>line</em>.</figcaption>" in markup
    assert markup.count('alt="It &quot;rises&quot;."') == 2
    assert markup.count('width="760" height="200"') == 2
    assert "<script" not in markup and "data:" not in markup
    for name in re.findall(r'src="(assets/[^"]+)"', markup):
        assert (assets.parent / name).exists()


def side_by_side(columns, **options):
    fig, axes = plot.figure(1, columns, height=2.5, **options)
    for ax in np.ravel(axes):
        ax.plot([0, 1])
        ax.set(xlabel="time (s)", ylabel="level (dB)" if ax is axes[0] else "")
    return fig


def test_panels_side_by_side_are_cut_between_them(assets, shown):
    """On a narrow screen: what lies between two cuts is a whole panel, the cut itself is empty."""
    picture = figures.render(side_by_side(2))
    (_, cut), (again, end) = (row[0] for row in stacking.rows([picture.columns]))
    assert cut == again and 0.4 < cut < 0.6 and end == 1
    image = np.asarray(Image.open(io.BytesIO(picture.light)))
    at = round(cut * image.shape[1])
    assert not image[:, at - 2 : at + 2, 3].any() and image[:, :at, 3].any()
    views.show_figure(side_by_side(2), caption="Two.", alt="Two lines.", name="two")
    assert shown[0].count("hpss-again") == 2, "one copy a theme"
    assert shown[0].count('alt="Two lines."') == 2 and shown[0].count('alt=""') == 2


def test_what_shares_its_numbers_takes_them_along():
    shared = stacking.rows([figures.render(side_by_side(3, sharey=True)).columns])
    edge = shared[1][0][1]
    assert [len(row) for row in shared] == [1, 2, 2] and shared[2][0] == (0, edge)
    assert 0.03 < edge < 0.15, "the numbers and the label at the left of the first panel"
    four = stacking.rows([figures.render(side_by_side(4, sharey=True)).columns])
    assert len(four) == 2, "two by two"


def test_what_is_no_row_of_panels_stays_whole():
    assert stacking.rows([figures.render(drawing()).columns]) == []
    fig = side_by_side(2)
    fig.legend(["a"], loc="upper center")
    assert stacking.rows([figures.render(fig).columns]) == []
    fig = side_by_side(2)
    fig.axes[0].set_title("A title that is much too long for its own panel, and then some more")
    assert stacking.rows([figures.render(fig).columns]) == []
    pictures = [figures.render(side_by_side(2)).columns for _ in range(2)]
    pictures[1] = tuple(c._replace(left=c.left - 0.1) for c in pictures[1])
    assert stacking.rows(pictures) == [], "positions of a control that do not agree"


def test_show_figure_live_brings_everything_along(shown):
    views.show_figure(drawing(), caption="A line.", alt="It rises.", name="a-line")
    assert 'src="data:image/webp;base64,' in shown[0]
    assert "<style" in shown[0] and "<script>" in shown[0] and "assets/" not in shown[0]


def test_pyplot_figure_is_not_shown_twice(shown):
    import matplotlib.pyplot as plt

    fig, _ = plt.subplots()
    views.show_figure(fig, caption="A line.", alt="It rises.", name="a-line")
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("words", [{"caption": " ", "alt": "a"}, {"caption": "a", "alt": ""}])
def test_show_figure_needs_words(words):
    with pytest.raises(ValueError, match="caption and an alt"):
        views.show_figure(drawing(), name="a", **words)


# ------------------------------------------------------------------- plots


def test_spectrogram_shows_a_tone_where_it_is():
    x = tone(3000.0)
    ax = plot.spectrogram(stft(x, COMPACT), COMPACT)
    image = ax.images[0]
    data = np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    row = data[:, data.shape[1] // 2].argmax()
    khz = bottom + (row + 0.5) / data.shape[0] * (top - bottom)
    assert abs(khz - 3.0) < 0.06
    assert image.get_clim() == (-80, 0) and data.max() == pytest.approx(0, abs=1e-6)
    assert data.min() >= -80
    assert abs((right - left) - len(x) / SAMPLE_RATE) < 2 * COMPACT.hop / SAMPLE_RATE
    assert ax.get_xlabel() == "time (s)" and ax.get_ylabel() == "frequency (kHz)"


def test_log_spectrogram_shows_a_tone_where_it_is():
    ax = plot.spectrogram(stft(tone(3000.0), COMPACT), COMPACT, frequency="log")
    mesh = ax.collections[0]
    data = np.asarray(mesh.get_array())
    edges = mesh.get_coordinates()[:, 0, 1]
    row = data[:, data.shape[1] // 2].argmax()
    assert edges[row] - 0.1 < 3.0 < edges[row + 1] + 0.1
    assert ax.get_yscale() == "log"


def test_reference_is_shared():
    V = np.abs(stft(tone(), COMPACT))
    quiet = plot.decibels(0.1 * V, reference=V.max())
    assert quiet.max() == pytest.approx(-20)


def test_plots_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\(1025, T\)"):
        plot.spectrogram(np.zeros((513, 4)), COMPACT)
    with pytest.raises(ValueError, match=r"\(1025, T\)"):
        plot.mask(np.zeros((4, 1025)), COMPACT)
    with pytest.raises(ValueError, match="linear"):
        plot.mask(np.zeros((1025, 4)), COMPACT, frequency="mel")
    with pytest.raises(ValueError, match=r"\(n,\)"):
        plot.waveform(np.zeros((2, 4)))


def test_long_waveform_keeps_its_peaks():
    x = np.zeros(200_000)
    x[123_456] = 0.9
    ax = plot.waveform(x)
    assert max(path.vertices[:, 1].max() for path in ax.collections[0].get_paths()) == 0.9


@pytest.mark.parametrize("frequency", ["linear", "log"])
@pytest.mark.parametrize("T", [1, 2, 3000])
def test_spectrograms_of_any_length(frequency, T):
    V = RNG.random((COMPACT.bins, T))
    before = V.copy()
    figures.render(plot.spectrogram(V, COMPACT, frequency=frequency).figure, scale=0.5)
    np.testing.assert_array_equal(V, before)


# ------------------------------------------------------------------- sounds


def test_sounds_are_played_at_one_gain(shown):
    loud, quiet = tone(peak=0.9), tone(hertz=300, peak=0.01)
    views.play({"loud": loud, "quiet": quiet}, name="two")
    urls = re.findall(r'<audio[^>]* src="([^"]+)"', shown[0])
    for url, x in zip(urls, (loud, quiet), strict=True):
        y, rate = sound_at(url)
        assert rate == SAMPLE_RATE
        np.testing.assert_allclose(y, views.GAIN * x, atol=1.01 / 32768)
    assert 'aria-label="quiet"' in shown[0] and '"hpss-note"' not in shown[0]


def test_a_group_that_would_clip_goes_down_together_and_says_so(shown):
    loud, quiet = tone(peak=2.0), tone(hertz=300, peak=0.5)
    views.play({"loud": loud, "quiet": quiet}, name="two")
    first, second = (sound_at(url)[0] for url in re.findall(r' src="([^"]+)"', shown[0]))
    assert 0.98 < np.abs(first).max() <= 1
    assert np.abs(second).max() / np.abs(first).max() == pytest.approx(0.25, rel=1e-3)
    said = float(re.search(r"([0-9.]+) dB below", shown[0])[1])
    done = 20 * np.log10(views.GAIN * 2.0 / np.abs(first).max())
    assert said == pytest.approx(done, abs=0.01)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 8)), "mono"),
        (np.zeros(0), "n >= 1"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.array([np.inf]), "NaN or infinite"),
    ],
)
def test_sounds_that_cannot_be_played_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        views.play({"it": x}, name="bad")


def test_stem_player(assets, shown):
    p, h = tone(peak=0.3), tone(hertz=250, peak=0.3)
    stems = {"mixture": p + h, "percussive": p, "harmonic": h}
    views.stem_player(stems, name="one", title="One & all", muted=("mixture",))
    markup = shown[0]
    rows = re.findall(r'<div class="hpss-row"[^>]*>', markup)
    assert ["data-muted" in row for row in rows] == [True, False, False]
    assert re.findall(r'data-kind="(\w+)"', "".join(rows)) == list(palette.KINDS)
    assert markup.count('aria-label="Solo ') == markup.count('aria-label="Mute ') == 3
    assert "One &amp; all" in markup and f'data-seconds="{0.5:.6f}"' in markup
    urls = re.findall(r'<audio[^>]* src="([^"]+)"', markup)
    for url, x in zip(urls, stems.values(), strict=True):
        y, _ = sound_at(url, assets)
        np.testing.assert_allclose(y, views.GAIN * x, atol=1.01 / 32768)
    assert all(alt.strip() for alt in re.findall(r'<img[^>]* alt="([^"]*)"', markup))


def test_stem_player_refuses_stems_that_do_not_fit():
    with pytest.raises(ValueError, match="one length"):
        views.stem_player({"a": tone(), "b": tone(seconds=0.4)}, name="x", title="x")
    with pytest.raises(ValueError, match="muted names"):
        views.stem_player({"a": tone()}, name="x", title="x", muted=("b",))
    with pytest.raises(ValueError, match="buttons names"):
        views.stem_player({"a": tone()}, name="x", title="x", buttons={"A": "b"})


@pytest.mark.parametrize("n", [1, 100, 5000])
def test_stem_player_takes_silence_and_short_sounds(shown, n):
    views.stem_player({"a": np.zeros(n), "b": np.zeros(n)}, name="x", title="x")
    assert shown


def test_clock():
    assert [players.clock(s) for s in (0, 9.96, 63.25, 600)] == [
        "0:00.0",
        "0:09.9",
        "1:03.2",
        "10:00.0",
    ]


# ------------------------------------------------------------------- controls


def power_view(power, stem="b"):
    """A picture and a sound that depend on both parameters."""
    fig, ax = plot.figure(height=1.6)
    ax.plot([0, power], [0, 1])
    ax.set_title(stem)
    x = tone(hertz=200 * power + (50 if stem == "b" else 0), seconds=0.05)
    return views.View(fig, {"tone": x}, f"The power is {power:.2f} in {stem}.")


def power_control(**changes):
    options = {
        "name": "power",
        "title": "A power",
        "parameters": (
            views.Slider("power", "Power", values=(1, 2, 3), unit="dB", live=(0.5, 4, 0.25)),
            views.Choice("stem", "Stem", options={"first": "a", "second": "b"}),
        ),
        "start": {"power": 2, "stem": "b"},
        "view": power_view,
        "caption": "A caption.",
        "question": "Why?",
    }
    return views.Control(**(options | changes))


def test_static_control(assets, shown):
    power_control().show()
    markup = shown[0]
    data = re.search(r'<script type="application/json" class="hpss-states">(.*?)</script>', markup)
    states = json.loads(data[1])
    assert len(states) == 6
    assert [s["text"] for s in states[:3]] == [
        "The power is 1.00 in a.",
        "The power is 1.00 in b.",
        "The power is 2.00 in a.",
    ]
    addresses = [s["light"] for s in states] + [s["dark"] for s in states]
    addresses += [url for s in states for url in s["sounds"]]
    assert len(set(addresses)) == 18
    assert all((assets.parent / address).exists() for address in addresses)
    at = states[3]  # the start stands in the page itself, for readers without script
    before_script = markup[: data.start()]
    assert all(part in before_script for part in (at["light"], at["dark"], at["sounds"][0]))
    assert before_script.count(at["text"]) == 3  # two alt texts and the live region
    assert 'aria-live="polite"' in markup and 'aria-valuetext="2 dB"' in markup
    for anchor in re.findall(r'<label for="([^"]+)"', markup):
        assert f' id="{anchor}"' in markup
    assert "Why?" in markup and "<figcaption>A caption.</figcaption>" in markup
    assert str(assets) not in markup


def test_states_cannot_end_their_script(assets, shown):
    def view(power):
        return views.View(drawing(), {}, f"</script><b>{power}")

    slider = views.Slider("power", "Power", values=(1, 2))
    power_control(parameters=(slider,), start={"power": 1}, view=view).show()
    assert shown[0].count("</script>") == 1


def test_static_control_shares_one_gain(assets, shown):
    def view(power):
        return views.View(drawing(), {"tone": tone(peak=power)}, f"{power}")

    slider = views.Slider("power", "Power", values=(0.5, 2.0))
    power_control(parameters=(slider,), start={"power": 2.0}, view=view).show()
    states = json.loads(re.search(r'hpss-states">(.*?)</script>', shown[0])[1])
    peaks = [np.abs(sound_at(s["sounds"][0], assets)[0]).max() for s in states]
    assert peaks[1] / peaks[0] == pytest.approx(4, rel=1e-3)
    assert "dB below the rest" in shown[0]


def live_parts(shown):
    """The inputs and the view of the live control shown last."""
    import ipywidgets as widgets

    box = next(part for part in shown if isinstance(part, widgets.VBox))
    return box.children[1:-2], box.children[-2]


def test_live_control_computes_between_the_positions(shown):
    power_control().show()
    (slider, choice), shown_view = live_parts(shown)
    before = shown_view.value
    assert "The power is 2.00 in b." in before and "data:audio/flac" in before
    slider.value = 2.25
    assert "The power is 2.25 in b." in shown_view.value
    sounds = [re.search(r'<audio[^>]* src="([^"]+)"', v)[1] for v in (before, shown_view.value)]
    assert sounds[0] != sounds[1]
    choice.value = "a"
    assert "The power is 2.25 in a." in shown_view.value


def test_live_control_shows_what_went_wrong(shown):
    def view(power):
        if power > 1:
            raise ZeroDivisionError("one <over> nothing")
        return power_view(power)

    slider = views.Slider("power", "Power", values=(1, 2))
    power_control(parameters=(slider,), start={"power": 1}, view=view).show()
    (widget,), shown_view = live_parts(shown)
    widget.value = 2
    assert 'role="alert"' in shown_view.value
    assert (
        "ZeroDivisionError" in shown_view.value and "one &lt;over&gt; nothing" in shown_view.value
    )
    widget.value = 1
    assert "alert" not in shown_view.value


def test_log_slider_gives_values_of_its_own_step():
    slider = views.Slider("n", "n", values=(4, 64), live=(4, 200, 2), log=True)
    assert [controls._live_value(slider, v) for v in (4.2, 57.3, 199.9)] == [4, 58, 200]
    assert all(isinstance(controls._live_value(slider, v), int) for v in (4.0, 7.7))


@pytest.mark.parametrize(
    "changes",
    [
        {"start": {"power": 2}},
        {"start": {"power": 5, "stem": "b"}},
        {"name": "two words"},
        {"parameters": ()},
    ],
)
def test_controls_that_do_not_fit_are_refused(changes):
    with pytest.raises(ValueError):
        power_control(**changes)


@pytest.mark.parametrize(
    "options",
    [
        {"values": (1,)},
        {"values": (2, 1)},
        {"values": (1, 2), "live": (3, 2, 1)},
        {"values": (1, 2), "live": (0, 2, 1), "log": True},
    ],
)
def test_sliders_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError, match="slider 'a'"):
        views.Slider("a", "A", **options)


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (lambda power: drawing(), "must return a View"),
        (lambda power: views.View(drawing(), {}, " "), "says nothing"),
        (lambda power: views.View(drawing(), {"x": np.array([np.nan])}, "a"), "NaN"),
        (lambda power: views.View(drawing(), {str(power): tone()}, "a"), "labels differ"),
    ],
)
def test_unfit_views_are_refused(assets, shown, view, message):
    slider = views.Slider("power", "Power", values=(1, 2))
    with pytest.raises(ValueError, match=message):
        power_control(parameters=(slider,), start={"power": 1}, view=view).show()


def test_numbers_are_written_with_their_unit():
    slider = views.Slider("a", "A", values=(-1.5, 2048, 4096.0), unit="Hz")
    assert [slider.text(v) for v in slider.values] == ["−1.5 Hz", "2,048 Hz", "4096 Hz"]


# ------------------------------------------------------------------- exercises


def test_check_has_three_outcomes(capsys):
    views.check(..., lambda a: a == 4, hint="add")
    assert capsys.readouterr().out == "Not answered yet.\n"
    views.check(4, lambda a: a == 4, hint="add")
    assert capsys.readouterr().out == "Right.\n"
    with pytest.raises(AssertionError, match="add"):
        views.check(5, lambda a: a == 4, hint="add")


@pytest.mark.parametrize(
    "answer", [(1, ...), [..., ...], {"a": ...}, lambda x: ..., lambda x: (x, ...)]
)
def test_open_answers(answer, capsys):
    views.check(answer, lambda a: a(1) == 1, hint="no")
    assert capsys.readouterr().out == "Not answered yet.\n"


def test_check_of_functions_and_arrays(capsys):
    views.check(lambda x: x + 1, lambda f: f(1) == 2, hint="no")
    views.check(np.arange(3), lambda a: a >= 0, hint="no")
    assert capsys.readouterr().out == "Right.\nRight.\n"
    with pytest.raises(AssertionError, match="no"):
        views.check(np.arange(3), lambda a: a > 0, hint="no")


def test_an_answer_of_the_wrong_kind_is_wrong_with_a_hint():
    with pytest.raises(AssertionError, match=r"a number.*TypeError"):
        views.check(None, lambda a: a > 3, hint="It is a number.")


# ------------------------------------------------------------------- the book


def test_unused_assets_are_removed_and_missing_ones_named(tmp_path, monkeypatch):
    used, unused, missing = (f"{c * 20}.flac" for c in "abc")
    folder = tmp_path / "book" / "assets"
    folder.mkdir(parents=True)
    (folder / used).write_bytes(b"")
    (folder / unused).write_bytes(b"")
    page = f'<audio src="assets/{used}"></audio><script>["assets/{missing}"]</script>'
    (tmp_path / "book" / "a.html").write_text(page)
    warnings = []
    monkeypatch.setattr(book.logger, "warning", lambda text, name: warnings.append(text % name))
    book._tidy(tmp_path)
    assert [path.name for path in folder.iterdir()] == [used]
    assert len(warnings) == 1 and missing in warnings[0]


def test_a_wrong_answer_says_what_was_given():
    for answer, words in (
        (5.0, "Given: 5."),
        ((1, np.nan), "(1, nan)"),
        (np.array([1.0, np.nan]), "shape (2,) with NaN"),
    ):
        with pytest.raises(AssertionError) as raised:
            views.check(answer, lambda a: False, hint="Think again.")
        assert words in str(raised.value) and str(raised.value).endswith("Think again.")

    def swapped(a, b):
        return b - a

    with pytest.raises(AssertionError) as raised:
        views.check(swapped, lambda f: f(5, 3) == 2, hint="Mind the order.")
    assert "Given 5, 3, your function returned -2." in str(raised.value)


def test_a_tensor_that_learns_is_described():
    import torch

    with pytest.raises(AssertionError, match=r"returned an array of shape \(2, 3\)"):
        weights = torch.ones(2, 3, requires_grad=True)
        views.check(lambda x: 2 * x, lambda f: f(weights).sum() == 0, hint="Zero.")


def test_an_unknown_name_is_told_as_such():
    with pytest.raises(AssertionError) as raised:
        views.check(lambda x: y * x, lambda f: f(2) == 4, hint="Double it.")  # noqa: F821
    assert "name 'y' is not defined" in str(raised.value) and "Double it" not in str(raised.value)


def test_a_notebook_shows_no_traceback():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.push({"check": views.check})
    shown = []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.run_cell("check(5, lambda a: a == 4, hint='One less.')")
    assert shown == ["Not yet. Given: 5. One less."]


# ------------------------------------------------------------------- grey print, and legends


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_can_be_told_in_grey_print(theme):
    inks = [palette.ink(kind, theme) for kind in ("mixture", "percussive", "harmonic")]
    order = sorted(luminance(ink) for ink in inks)
    assert min((b + 0.05) / (a + 0.05) for a, b in itertools.pairwise(order)) > 1.3
    assert luminance(inks[1]) < luminance(inks[2])  # percussive darker than harmonic


def test_marks_that_follow_their_line_are_light_on_a_dark_page():
    fig, ax = plot.figure()
    (line,) = ax.plot([0, 1], [0, 1], "ks")
    with figures._dark_ink(fig):
        assert min(figures.to_rgba(line.get_markerfacecolor())[:3]) > 0.8
        assert min(figures.to_rgba(line.get_color())[:3]) > 0.8
    assert figures.to_rgba(line.get_markerfacecolor())[:3] == (0, 0, 0)
