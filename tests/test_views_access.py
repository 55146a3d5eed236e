"""What a reader gets who does not see the pages: pictures in words, names of what can be moved."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hpss_lib.views import book, figures, players, questions


def test_a_picture_says_its_panels_axes_and_what_is_in_them():
    fig = Figure()
    upper, lower = fig.subplots(2, sharex=True)
    upper.set(ylabel="frequency (kHz)")
    upper.set_title("Mixture $|X|$", loc="left")
    fig.colorbar(upper.imshow(np.eye(3)), ax=upper)
    lower.plot([0, 1], label="drums")
    lower.plot([1, 0], label="$V_p$")
    lower.set(xlabel="time (s)", ylabel="level (dB)")
    lower.legend()
    assert figures.described(fig) == (
        "2 panels: Mixture |X|: frequency (kHz) over time (s), as a picture of colours; "
        "level (dB) over time (s), with lines for drums, V_p."
    )


def test_bars_and_an_empty_drawing():
    fig = Figure()
    ax = fig.subplots()
    assert figures.described(fig) == "A picture: a drawing."
    ax.bar(["a", "b"], [1, 2])
    ax.set_ylabel("SDR (dB)")
    assert figures.described(fig) == "A picture: SDR (dB), as bars."


def test_a_panel_borrows_no_label_of_an_axis_that_it_does_not_share():
    fig = Figure()
    left, right = fig.subplots(1, 2)
    left.set(xlabel="bin", ylabel="level (dB)")
    right.set(xlabel="offset")
    assert figures.described(fig) == "2 panels: level (dB) over bin; offset."


def test_a_strip_says_where_its_sound_lies():
    t = np.arange(44100) / 44100
    x = (np.sin(2 * np.pi * 200 * t) + 0.6 * np.sin(2 * np.pi * 5000 * t)).astype(np.float32)
    assert players._strip_alt("harmonic", x) == (
        "Spectrogram of harmonic: 1.0 s from left to right, 50 Hz to 16 kHz from bottom to top; "
        "half of its power lies below 200 Hz, nine tenths below 5.0 kHz"
    )
    assert players._strip_alt("drums", 0 * x).endswith("; silent")


def test_a_box_whose_label_is_mathematics_has_a_name():
    assert questions._name("$|X| - |S_p|$") == ' aria-label="|X| - |S_p|"'
    assert questions._name("Your answer") == ""


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ('<summary aria-label="Toggle hidden content">', "<summary>"),
        (
            '<button class="btn search-button-field pst-js-only" title="Search" '
            'aria-label="Search" data-bs-toggle="tooltip">',
            '<button class="btn search-button-field pst-js-only" data-bs-toggle="tooltip">',
        ),
        (
            '<button class="btn search-button" title="Search" aria-label="Search">',
            '<button class="btn search-button" title="Search" aria-label="Search">',
        ),
        (
            '<i class="theme-switch fa-moon" data-mode="dark"  title="Dark"></i>',
            '<i class="theme-switch fa-moon" data-mode="dark"></i>',
        ),
        (
            '<div class="citation" id="id1" role="doc-biblioentry">',
            '<div class="citation" id="id1" role="listitem">',
        ),
        (
            '<dl>\n<dd><em class="sig-param">a</em>,</dd>\n<dd><em class="sig-param">b</em></dd>\n'
            "</dl><dl><dt>kept</dt><dd>so</dd></dl>",
            '<div class="hpss-parameters"><div><em class="sig-param">a</em>,</div>\n'
            '<div><em class="sig-param">b</em></div>\n</div><dl><dt>kept</dt><dd>so</dd></dl>',
        ),
    ],
)
def test_what_the_theme_tells_amiss_is_mended(theirs, ours):
    assert book.mended(theirs) == ours
    assert book.mended(ours) == ours
