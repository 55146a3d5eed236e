"""A blind listening test: two separations of one mixture, and the truth to compare them with.

The HTML written here holds the sounds of all trials as plain players with their names; for a reader
without a script that is all. static/listening.js hides the names, draws lots for the order of the
trials and for which sound is A, plays, and counts choices. Nothing leaves the page.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hpss_lib.measures import sdr
from hpss_lib.stft import SAMPLE_RATE
from hpss_lib.views import output, palette
from hpss_lib.views.players import checked_sound, note_html, shared_gain, sound_url


class Trial(NamedTuple):
    """One comparison.

    Attributes
    ----------
    what
        Is heard, such as "drums of the rock band".
    reference : (n,)
        The true signal.
    sounds
        The names of two methods, each with its estimate (n,).
    """

    what: str
    reference: np.ndarray
    sounds: dict[str, np.ndarray]

    def scores(self) -> dict[str, float]:
        """The plain SDR in dB of each sound."""
        return {label: sdr(self.reference, x) for label, x in self.sounds.items()}


def show(trials: Sequence[Trial], *, name: str, title: str, caption: str) -> None:
    """Show chapter 9's test: all sounds at one gain, the choices tallied against the plain SDR.

    Parameters
    ----------
    trials
        At least one.
    name
        Letters, digits and hyphens, unique on the page.
    title, caption
        Prose; may hold $math$, `code` and *emphasis*.

    Raises
    ------
    ValueError
        On an unfit name, no trials, a trial without exactly two sounds, or sounds that are not of
        their reference's length.
    """
    markup = test_html(trials, name, title, caption)
    output.emit(markup, f"[Listening test: {title}]", "listening")


def test_html(trials: Sequence[Trial], name: str, title: str, caption: str) -> str:
    """The test as HTML."""
    anchor = f"listening-{output.identifier(name)}"
    checked = [_checked(trial) for trial in trials]
    if not checked:
        raise ValueError("a listening test needs at least one trial")
    every = [x for trial in checked for x in (trial.reference, *trial.sounds.values())]
    gain, note = shared_gain(every)
    lists = "".join(_trial_html(trial, gain) for trial in checked)
    return (
        f'<figure class="hpss hpss-control hpss-listening" id="{anchor}" data-hpss="listening" '
        f'aria-labelledby="{anchor}-title" data-lm-suppress-shortcuts="true">'
        f'<p class="hpss-title" id="{anchor}-title">{output.inline(title)}</p>'
        f"{_desk_html(anchor, len(checked))}"
        f'<div class="hpss-trials hpss-no-js">{lists}</div>{note_html(note)}'
        f"<figcaption>{output.inline(caption)}</figcaption></figure>"
    )


def _checked(trial: Trial) -> Trial:
    """The trial with its sounds as float32; raises ValueError where it is unfit."""
    if len(trial.sounds) != 2:
        raise ValueError(f"{trial.what!r} compares {list(trial.sounds)}; two sounds are needed")
    reference = checked_sound(trial.reference, "reference")
    sounds = {label: checked_sound(x, label) for label, x in trial.sounds.items()}
    lengths = {len(reference), *map(len, sounds.values())}
    if len(lengths) > 1:
        raise ValueError(f"{trial.what!r}: sounds of one length are needed, not {lengths}")
    return Trial(trial.what, reference, sounds)


def _desk_html(anchor: str, trials: int) -> str:
    """What the script works with: buttons to play and to choose, and room for what it says."""

    def button(attributes: str, text: str) -> str:
        return f'<button type="button" {attributes}>{text}</button>'

    plays = "".join(
        button(f'data-play="{key}" style="--at:0"', f"{_TRIANGLE}<span>{text}</span>")
        for key, text in (("reference", "Reference"), ("A", "A"), ("B", "B"))
    )
    choices = "".join(
        button(f'data-choose="{key}" disabled aria-describedby="{anchor}-first"', text)
        for key, text in (("A", "A is closer"), ("B", "B is closer"), ("none", "I cannot tell"))
    )
    return (
        '<div class="hpss-js-only">'
        f'<p class="hpss-listening-where" data-part="where">Trial 1 of {trials}</p>'
        f'<div class="hpss-listening-row" role="group" aria-label="Listen">{plays}</div>'
        f'<p class="hpss-listening-ask" id="{anchor}-ask">Which is closer to the reference?</p>'
        f'<div class="hpss-listening-row" role="group" aria-labelledby="{anchor}-ask">{choices}'
        "</div>"
        f'<p class="hpss-note" id="{anchor}-first" data-part="first">'
        "Listen to A and to B first.</p>"
        '<div class="hpss-text" role="status" aria-live="polite" data-part="said">'
        '<p data-part="result"></p><p data-part="tally"></p></div>'
        '<div class="hpss-listening-row">'
        + button('data-action="next" hidden', "Next trial")
        + button('data-action="reset"', "Start again")
        + '</div><ol class="hpss-listening-list" data-part="list" hidden></ol></div>'
    )


_TRIANGLE = (
    '<svg class="hpss-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
    '<path d="M7 4.5v15l12.5-7.5z"/></svg>'
)


def _trial_html(trial: Trial, gain: float) -> str:
    """The sounds of one trial as plain players; the script takes names and scores from here."""
    scores = trial.scores()
    kind = palette.kind_of(trial.what)
    what = output.escape(trial.what)
    items = _sound_html("reference", trial.reference, gain, kind, f"reference, {trial.what}", "")
    for label, x in trial.sounds.items():
        attributes = f' data-label="{output.escape(label)}" data-sdr="{scores[label]:.4f}"'
        score = f"{scores[label]:.1f} dB".replace("-", "−")
        items += _sound_html(
            f"{label}, {score}", x, gain, kind, f"{label}, {trial.what}", attributes
        )
    return (
        f'<div class="hpss-trial" data-what="{what}"><p>{what[:1].upper()}{what[1:]}, SDR</p>'
        f'<ul class="hpss-sounds">{items}</ul></div>'
    )


def _sound_html(
    shown: str, x: np.ndarray, gain: float, kind: str, spoken: str, attributes: str
) -> str:
    return (
        f'<li class="hpss-sound" data-kind="{kind}"{attributes}>'
        f'<span class="hpss-name">{output.escape(shown)}'
        f'<span class="hpss-seconds">{len(x) / SAMPLE_RATE:.1f} s</span></span>'
        f'<audio controls preload="none" src="{sound_url(x, gain)}" '
        f'aria-label="{output.escape(spoken)}"></audio></li>'
    )
