# The front door: what `hpss_lib` itself offers, and where each name comes from. The package reads
# this file to import them lazily; editors and type checkers read it to know them.

from .audio import EXCERPTS as EXCERPTS
from .audio import load as load
from .audio import load_excerpt as load_excerpt
from .evaluation import evaluate as evaluate
from .madtwinnet import load_model as load_model
from .separation import METHODS as METHODS
from .separation import PHASES as PHASES
from .separation import separate as separate
from .separation import separate_blocks as separate_blocks
from .separation import separate_file as separate_file
from .stft import SAMPLE_RATE as SAMPLE_RATE
from .stft import SETTINGS as SETTINGS
from .stft import StftSettings as StftSettings
from .stft import istft as istft
from .stft import stft as stft

__version__: str
