"""Harmonic/percussive source separation, built step by step.

One module per idea of the book, in the order of the book. Beside them the front door: the names
listed in `__init__.pyi`, each imported when it is first asked for, so that `import hpss_lib` costs
next to nothing. `hpss_lib.stft` is the function, whatever has been imported before; the module of
that name is where `from hpss_lib.stft import ...` looks.

Examples
--------
>>> import numpy as np
>>> import hpss_lib as hpss
>>> x = np.random.default_rng(0).uniform(-1, 1, (48000, 2))
>>> percussive, harmonic = hpss.separate(x, 48000)
>>> percussive.shape, bool(np.allclose(percussive + harmonic, x, atol=1e-6))
((48000, 2), True)
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
