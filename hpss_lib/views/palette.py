"""One hue for each kind of sound, in light and in dark ink.

Percussive is orange, harmonic is blue, a mixture is grey: a pair that stays apart for every common
form of colour blindness, and in grey print too, since lines differ in lightness as well. All
colours come from one function in the OKLab space, so that equal steps of level look like equal
steps of lightness, on a white page as on a dark one.
"""

import json
from functools import cache

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike

KINDS = ("mixture", "percussive", "harmonic")

# Lightness of lines and labels: what is percussive is darker than what is harmonic, in both themes.
_LIGHTNESS = {
    "light": {"mixture": 0.33, "percussive": 0.44, "harmonic": 0.55},
    "dark": {"mixture": 0.93, "percussive": 0.70, "harmonic": 0.82},
}
_HUE = {"mixture": (265.0, 0.012), "percussive": (50.0, 0.145), "harmonic": (250.0, 0.135)}
INK = {"light": "#1f2430", "dark": "#e6e9ef"}  # text and axes
FAINT = {"light": "#d5d9e0", "dark": "#3a414d"}  # grids and borders


def kind_of(label: str) -> str:
    """The one of KINDS, for its colour, that a label such as "reference drums" names."""
    text = label.lower()
    if any(word in text for word in ("percuss", "drum", "click", "transient")):
        return "percussive"
    if any(word in text for word in ("harmon", "tonal", "tone", "sine", "accompan")):
        return "harmonic"
    return "mixture"


def to_oklab(rgb: ArrayLike) -> np.ndarray:
    """OKLab (L, a, b) of sRGB colours: (..., 3) in [0, 1] -> (..., 3), L in [0, 1]."""
    rgb = np.asarray(rgb, dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lms = linear @ _RGB_TO_LMS.T
    return np.cbrt(lms) @ _LMS_TO_LAB.T


def from_oklab(lab: ArrayLike) -> np.ndarray:
    """Colours in sRGB of OKLab values: (..., 3) -> (..., 3), cut to [0, 1]."""
    lms = (np.asarray(lab, dtype=float) @ np.linalg.inv(_LMS_TO_LAB).T) ** 3
    linear = np.clip(lms @ np.linalg.inv(_RGB_TO_LMS).T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@cache
def ramp(kind: str, theme: str) -> np.ndarray:
    """The colours of a kind of sound from silence to full level: (256, 3) in [0, 1].

    theme: "light" (paper to ink) or "dark" (night to glow). Lightness is linear in the index; the
    chroma rises and falls with it, so that both ends are nearly neutral.
    """
    hue, chroma = _HUE[kind]
    level = np.linspace(0, 1, 256)
    lightness = 0.975 - 0.725 * level if theme == "light" else 0.20 + 0.775 * level
    colourful = chroma * np.sin(np.pi * np.clip(0.04 + 0.9 * level, 0, 1)) ** 0.8
    angle = np.deg2rad(hue)
    return from_oklab(
        np.stack([lightness, colourful * np.cos(angle), colourful * np.sin(angle)], axis=-1)
    )


@cache
def ramps_json() -> str:
    """All ramps for scripts: by kind and theme, 256 colours of six hexadecimal digits each."""
    return json.dumps(
        {
            kind: {
                theme: np.round(255 * ramp(kind, theme)).astype(np.uint8).tobytes().hex()
                for theme in ("light", "dark")
            }
            for kind in KINDS
        },
        separators=(",", ":"),
    )


@cache
def ink(kind: str, theme: str = "light") -> str:
    """The line and label colour of a kind of sound, as "#rrggbb": contrast above 4.5 to 1."""
    hue, chroma = _HUE[kind]
    angle = np.deg2rad(hue)
    rgb = from_oklab([_LIGHTNESS[theme][kind], chroma * np.cos(angle), chroma * np.sin(angle)])
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


@cache
def dark(colour: tuple[float, float, float]) -> tuple[float, ...]:
    """The colour to use on a dark page instead of `colour`: three numbers in [0, 1] for three.

    Greys and pale tints are turned round (black to nearly white); full colours keep their hue and
    are raised until they read well on a dark ground.
    """
    own = _counterparts().get("#" + "".join(f"{round(255 * c):02x}" for c in colour))
    if own:  # the book's own colours have counterparts of their own
        return tuple(int(own[i : i + 2], 16) / 255 for i in (1, 3, 5))
    lab = to_oklab(colour)
    grey = np.hypot(lab[1], lab[2]) < 0.04
    if grey or lab[0] > 0.88:
        lab[0] = 0.95 - 0.73 * lab[0]
    else:
        lab[0] = 0.66 + 0.20 * lab[0]
    return tuple(from_oklab(lab))


@cache
def _counterparts() -> dict[str, str]:
    """The book's own colours: from light page to dark page."""
    kinds = {ink(kind, "light"): ink(kind, "dark") for kind in KINDS}
    return {INK["light"]: INK["dark"], FAINT["light"]: FAINT["dark"], **kinds}


def colormap(kind: str, theme: str = "light") -> ListedColormap:
    """The matplotlib colour map of ramp(kind, theme), by the name hpss_<kind>_<theme>."""
    return ListedColormap(ramp(kind, theme), name=f"hpss_{kind}_{theme}")
