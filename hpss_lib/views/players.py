"""Sounds on the page: plain players at one shared level, and the stem player.

Everything on a page is played at the same constant gain, so that louder never passes for better.
Only where a sound would clip is its whole group turned down together, and the page says so.
"""

import io
import math
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import soundfile
from numpy.typing import ArrayLike
from PIL import Image

from hpss_lib.stft import COMPACT, SAMPLE_RATE, StftSettings, stft
from hpss_lib.views import output, palette
from hpss_lib.views.plot import decibels, log_rows

GAIN = 0.8  # -1.9 dB on every sound of the book: headroom for estimates louder than their mixture

STRIP = (132, 1100)  # rows and columns of a stem's picture
STRIP_RANGE = (0.05, 16.0)  # kHz
FLOOR_DB = -75.0


def play(sounds: Mapping[str, np.ndarray], *, name: str) -> None:
    """Show a player for each sound (n,) at 44.1 kHz, by label, all at one gain, in every chapter.

    name: letters, digits and hyphens. Raises ValueError on another one, or sounds not finite.
    """
    checked = {label: checked_sound(x, label) for label, x in sounds.items()}
    if not checked:
        raise ValueError("play needs at least one sound")
    gain, note = shared_gain(checked.values())
    markup = (
        f'<div class="hpss hpss-play" id="sounds-{output.identifier(name)}">'
        f"{sounds_html(checked, gain, name)}{note_html(note)}</div>"
    )
    output.emit(markup, f"[Sounds: {', '.join(checked)}]")


def stem_player(
    stems: Mapping[str, np.ndarray],
    *,
    name: str,
    title: str,
    muted: Collection[str] = (),
    buttons: Mapping[str, str] | None = None,
    settings: StftSettings = COMPACT,
) -> None:
    """Show a player with one row a stem: solo, mute, a spectrogram, and one playhead for all.

    Parameters
    ----------
    stems
        By label, samples (n,) at 44.1 kHz, all of one length.
    name
        Letters, digits and hyphens, unique on the page.
    title
        Heading and accessible name.
    muted
        The rows that start muted, so that a mixture is not heard on top of its own parts.
    buttons
        Large buttons above the rows: from its words to the one stem that it lets be heard.
    settings
        Of the spectrograms.

    Raises
    ------
    ValueError
        On unequal lengths, samples that are not finite, or a label in `muted` or `buttons` that no
        stem has.
    """
    options = {"muted": muted, "buttons": buttons, "settings": settings}
    markup = stem_player_html(stems, name=name, title=title, **options)
    output.emit(markup, f"[Stem player: {title}: {', '.join(stems)}]")


def stem_player_html(
    stems: Mapping[str, np.ndarray],
    *,
    name: str,
    title: str,
    muted: Collection[str] = (),
    buttons: Mapping[str, str] | None = None,
    settings: StftSettings = COMPACT,
) -> str:
    """The HTML of a stem player; arguments and errors as those of `stem_player`."""
    checked = {label: checked_sound(x, label) for label, x in stems.items()}
    lengths = {label: len(x) for label, x in checked.items()}
    if not checked or len(set(lengths.values())) > 1:
        raise ValueError(f"a stem player needs stems of one length; these have {lengths} samples")
    for option, labels in (("muted", muted), ("buttons", (buttons or {}).values())):
        unknown = [label for label in labels if label not in checked]
        if unknown:
            raise ValueError(f"{option} names {unknown}; the stems are {list(checked)}")
    gain, note = shared_gain([*checked.values(), _loudest_sum(checked, muted)])
    strips = _strips(checked, settings)
    seconds = next(iter(lengths.values())) / SAMPLE_RATE
    rows = "".join(
        _row_html(label, x * gain, strips[label], number, label in muted)
        for number, (label, x) in enumerate(checked.items(), 1)
    )
    anchor = output.identifier(name)
    return (
        f'<figure class="hpss hpss-stems" id="stems-{anchor}" data-hpss="stems" tabindex="-1" '
        f'data-lm-suppress-shortcuts="true" '
        f'aria-labelledby="stems-{anchor}-title" data-seconds="{seconds:.6f}" '
        f'data-rate="{SAMPLE_RATE}">'
        f'<p class="hpss-title" id="stems-{anchor}-title">{output.inline(title)}</p>'
        f'<div class="hpss-desk">{_buttons_html(buttons or {}, list(checked))}'
        f"{transport_html(seconds)}"
        f'<div class="hpss-rows">{rows}<div class="hpss-playhead hpss-js-only"></div></div>'
        f"{_ruler_html(seconds)}{foot_html(len(checked))}</div>{note_html(note)}</figure>"
    )


def checked_sound(x: ArrayLike, label: str) -> np.ndarray:
    """The samples as (n,) float32; raises ValueError on another shape, no samples, NaN or inf."""
    x = np.asarray(x, dtype=np.float32)
    if x.ndim != 1 or not len(x):
        raise ValueError(
            f"sound {label!r} has shape {x.shape}; needed is (n,), mono at {SAMPLE_RATE} Hz, n >= 1"
        )
    if not np.isfinite(x).all():
        raise ValueError(f"sound {label!r} holds NaN or infinite samples, which cannot be played")
    return x


def shared_gain(sounds: Iterable[np.ndarray]) -> tuple[float, str]:
    """(gain, note): GAIN, or less for the whole group where a sound would clip.

    sounds: arrays (n,). note: a sentence for the reader where the gain is less, else "".
    """
    peak = max((float(np.abs(x).max()) for x in sounds), default=0.0)
    if peak * GAIN <= 1.0:
        return GAIN, ""
    gain = 1.0 / peak
    # Round the decibels up: the sentence must not promise less than is done.
    less = math.ceil(10 * 20 * math.log10(GAIN / gain)) / 10
    return (
        GAIN / 10 ** (less / 20),
        f"All sounds of this group are played {less:.1f} dB below the rest of the book, "
        "so that none of them clips.",
    )


def flac(x: np.ndarray) -> bytes:
    """Samples (n,) in [-1, 1] at 44.1 kHz as a 16-bit FLAC file: bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(x, -1, 1), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def sound_url(x: np.ndarray, gain: float) -> str:
    """The address of the samples x (n,), times gain, as FLAC."""
    return output.store(flac(x * gain), "audio/flac")


def sounds_html(sounds: Mapping[str, np.ndarray], gain: float, name: str) -> str:
    """The HTML of a list of plain, labelled players."""
    items = "".join(
        f'<li class="hpss-sound" data-kind="{palette.kind_of(label)}">'
        f'<span class="hpss-name">{output.escape(label)}'
        f'<span class="hpss-seconds">{len(x) / SAMPLE_RATE:.1f} s</span></span>'
        f'<audio controls preload="none" src="{sound_url(x, gain)}" '
        f'data-key="{output.escape(name)}/{output.escape(label)}" '
        f'aria-label="{output.escape(label)}"></audio></li>'
        for label, x in sounds.items()
    )
    return f'<ul class="hpss-sounds">{items}</ul>' if items else ""


def note_html(note: str) -> str:
    """A remark under a group of sounds, or nothing where there is none to make."""
    return f'<p class="hpss-note">{output.escape(note)}</p>' if note else ""


def _loudest_sum(stems: Mapping[str, np.ndarray], muted: Collection[str]) -> np.ndarray:
    """What is heard at the start, all rows that are not muted together: (n,)."""
    return np.sum([x for label, x in stems.items() if label not in muted] or [[0.0]], axis=0)


def _strips(stems: Mapping[str, np.ndarray], settings: StftSettings) -> dict[str, tuple[str, str]]:
    """One picture a stem: dict from label to (light, dark) addresses, on one common level."""
    rows, columns = STRIP
    edges = np.geomspace(*STRIP_RANGE, rows + 1) * 1000 * settings.n_fft / SAMPLE_RATE
    magnitudes = {label: np.abs(stft(x, settings)) for label, x in stems.items()}
    reference = max(float(V.max()) for V in magnitudes.values())
    urls = {}
    for label, V in magnitudes.items():
        n = len(stems[label])
        level = decibels(V, floor_db=FLOOR_DB, reference=reference) / -FLOOR_DB + 1
        # One column of the picture for each 1/1100 of the sound: frame t stands at t * hop.
        frame = np.arange(columns + 1) / columns * n / settings.hop
        first = np.minimum(np.round(frame[:-1]).astype(int), level.shape[1] - 1)
        last = np.clip(np.round(frame[1:]).astype(int), first + 1, None)
        pooled = np.stack(
            [level[:, a:b].max(axis=1) for a, b in zip(first, last, strict=True)], axis=1
        )
        index = np.round(255 * log_rows(pooled, edges)[::-1]).astype(int)
        kind = palette.kind_of(label)
        light, dark = (_webp(palette.ramp(kind, theme)[index]) for theme in ("light", "dark"))
        urls[label] = light, dark
    return urls


def _webp(rgb: np.ndarray) -> str:
    """The address of an image (rows, columns, 3) in [0, 1]."""
    buffer = io.BytesIO()
    Image.fromarray(np.round(255 * rgb).astype(np.uint8)).save(
        buffer, format="WEBP", quality=70, method=3
    )
    return output.store(buffer.getvalue(), "image/webp")


_ICONS = {
    "play": '<path d="M7 4.5v15l12.5-7.5z"/>',
    "pause": '<path d="M6 4.5h4.2v15H6zM13.8 4.5H18v15h-4.2z"/>',
    "loop": (
        '<path d="M17 2.5 21 6.5l-4 4V7.6H8A3.4 3.4 0 0 0 4.6 11v1H2.4v-1A5.6 5.6 0 0 1 8 5.4h9z'
        'M7 21.5l-4-4 4-4v2.9h9a3.4 3.4 0 0 0 3.4-3.4v-1h2.2v1a5.6 5.6 0 0 1-5.6 5.6H7z"/>'
    ),
    "volume": (
        '<path d="M3 9.2v5.6h3.8L12 19.5v-15L6.8 9.2zM14.5 8.2v7.6a4.2 4.2 0 0 0 0-7.6z'
        'M14.5 4.6v2.2a5.6 5.6 0 0 1 0 10.4v2.2a7.7 7.7 0 0 0 0-14.8z"/>'
    ),
}


def icon(name: str) -> str:
    """One of the players' icons as SVG."""
    return (
        f'<svg class="hpss-icon hpss-icon-{name}" viewBox="0 0 24 24" aria-hidden="true" '
        f'focusable="false">{_ICONS[name]}</svg>'
    )


def _buttons_html(buttons: Mapping[str, str], labels: list[str]) -> str:
    """Large buttons, each for one row alone."""
    items = "".join(
        f'<button type="button" value="{labels.index(label)}" aria-pressed="false" '
        f'data-kind="{palette.kind_of(label)}">{output.escape(words)}</button>'
        for words, label in buttons.items()
    )
    return f'<div class="hpss-choices hpss-js-only">{items}</div>' if items else ""


def transport_html(seconds: float) -> str:
    """Play button, time and seek slider: of use only where the script runs."""
    return (
        '<div class="hpss-transport hpss-js-only">'
        '<div class="hpss-side">'
        '<button type="button" class="hpss-play-button" aria-label="Play" '
        f'aria-keyshortcuts="Space">{icon("play")}{icon("pause")}</button>'
        '<span class="hpss-time"><span class="hpss-now">0:00.0</span> '
        f"/ {clock(seconds)[:-2]}</span></div>"
        f'<input type="range" class="hpss-seek" min="0" max="{seconds:.3f}" step="0.01" value="0" '
        f'aria-label="Position" aria-valuetext="0:00.0 of {clock(seconds)}"></div>'
    )


def _row_html(label: str, x: np.ndarray, strip: tuple[str, str], number: int, muted: bool) -> str:
    """One stem: name, solo and mute, spectrogram, and a plain player for pages without script."""
    text = output.escape(label)
    light, dark = strip
    url = output.store(flac(x), "audio/flac")
    picture = (
        f'alt="{output.escape(_strip_alt(label, x))}" width="1100" height="132" loading="lazy" '
        'decoding="async" '
        'draggable="false"'
    )
    return (
        f'<div class="hpss-row" role="group" aria-label="{text}" data-label="{text}" '
        f'data-kind="{palette.kind_of(label)}"{" data-muted" if muted else ""}>'
        f'<div class="hpss-side"><span class="hpss-name">{text}</span>'
        '<span class="hpss-buttons hpss-js-only">'
        f'<button type="button" class="hpss-solo" aria-pressed="false" aria-label="Solo {text}" '
        f'aria-keyshortcuts="{number}" title="Solo: hear {text} alone ({number})">Solo</button>'
        f'<button type="button" class="hpss-mute" aria-pressed="{str(muted).lower()}" '
        f'aria-label="Mute {text}" title="Mute {text}">Mute</button></span></div>'
        '<div class="hpss-strip">'
        f'<img class="hpss-light dark-light" src="{light}" {picture}>'
        f'<img class="hpss-dark dark-light" src="{dark}" {picture}>{frequencies_html()}</div>'
        f'<audio class="hpss-no-js" controls preload="none" src="{url}" '
        f'aria-label="{text}"></audio></div>'
    )


def _strip_alt(label: str, x: np.ndarray) -> str:
    """What the picture of one stem shows: its sides, and where in it most of the sound lies."""
    low, high = STRIP_RANGE
    sides = (
        f"Spectrogram of {label}: {len(x) / SAMPLE_RATE:.1f} s from left to right, "
        f"{1000 * low:.0f} Hz to {high:.0f} kHz from bottom to top"
    )
    power = np.cumsum(np.abs(np.fft.rfft(x)) ** 2)
    if power[-1] == 0:
        return f"{sides}; silent"
    hertz = np.searchsorted(power, [0.5 * power[-1], 0.9 * power[-1]]) * SAMPLE_RATE / len(x)
    half, most = (f"{f:.0f} Hz" if f < 1000 else f"{f / 1000:.1f} kHz" for f in hertz)
    return f"{sides}; half of its power lies below {half}, nine tenths below {most}"


def frequencies_html() -> str:
    """Faint marks at 100 Hz, 1 kHz and 10 kHz over a strip."""
    low, high = STRIP_RANGE
    heights = {
        text: 100 * math.log(khz / low) / math.log(high / low)
        for text, khz in (("100 Hz", 0.1), ("1 kHz", 1.0), ("10 kHz", 10.0))
    }
    marks = "".join(
        f'<span style="bottom:min({height:.1f}%, 100% - 9px)">{text}</span>'
        for text, height in heights.items()
    )
    return f'<div class="hpss-frequencies" aria-hidden="true">{marks}</div>'


def _ruler_html(seconds: float) -> str:
    """The time scale under the strips."""
    step = next((s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60) if seconds / s <= 8), 120)
    marks = "".join(
        f'<span style="left:{100 * k * step / seconds:.2f}%">{k * step:g}{"" if k else " s"}</span>'
        for k in range(int(seconds / step) + 1)
        if k * step <= 0.97 * seconds
    )
    return f'<div class="hpss-ruler" aria-hidden="true"><div>{marks}</div></div>'


def foot_html(stems: int) -> str:
    """What is heard, repeat, volume, and the keys."""
    digits = "1" if stems == 1 else f"1–{min(stems, 9)}"
    return (
        '<div class="hpss-foot hpss-js-only">'
        '<p class="hpss-heard" role="status" aria-live="polite"></p>'
        f'<p class="hpss-keys"><kbd>Space</kbd> play <kbd>{digits}</kbd> solo</p>'
        '<button type="button" class="hpss-loop" aria-pressed="false" aria-label="Repeat" '
        f'title="Repeat">{icon("loop")}</button>'
        f'<label class="hpss-volume">{icon("volume")}<span class="hpss-hidden">Volume</span>'
        '<input type="range" min="0" max="1" step="0.02" value="1"></label></div>'
    )


def clock(seconds: float) -> str:
    """Minutes, seconds and tenths: 63.25 -> "1:03.2"."""
    tenths = int(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
