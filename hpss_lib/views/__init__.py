"""All that a notebook shows: figures, players, controls, and checks of exercises."""

from . import plot
from .controls import Choice, Control, Slider, View, all_controls
from .exercises import check
from .figures import show_figure
from .players import GAIN, play, stem_player

__all__ = [
    "GAIN",
    "Choice",
    "Control",
    "Slider",
    "View",
    "all_controls",
    "check",
    "play",
    "plot",
    "show_figure",
    "stem_player",
]
