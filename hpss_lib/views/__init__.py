"""All that a notebook shows: figures, tables, players, controls, and checks of exercises."""

from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View, all_controls
from hpss_lib.views.exercises import check
from hpss_lib.views.figures import show_figure
from hpss_lib.views.players import GAIN, play, stem_player
from hpss_lib.views.questions import ask
from hpss_lib.views.tables import table

__all__ = [
    "GAIN",
    "Choice",
    "Control",
    "Slider",
    "View",
    "all_controls",
    "ask",
    "check",
    "play",
    "plot",
    "show_figure",
    "stem_player",
    "table",
]
