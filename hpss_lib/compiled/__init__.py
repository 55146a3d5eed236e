"""Loops that numba compiles, one module beside each stage that needs one. Not to be read first.

What they compute is written out readably elsewhere: the frequencies in `hpss_lib.sinusoids`, the
closed form in `hpss_lib.puiter.closed_form`, the iteration in `hpss_lib.puiter.pu_iter_step` and,
frame by frame, in tests/reference_puiter.py, the tracking in tests/test_tracking.py, the median
over a kernel in tests/test_kam.py.

Spectrograms are (T, F) here, so that a frame lies in one piece, and arithmetic on phases is in
double. The modules import numba and are themselves imported where they are used: compiling is for
those who call, and what is compiled is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call: no GIL, kept on disk, division as numpy has it.

    Where no folder can be written to (a read-only installation, no home) it is compiled anew in
    each process.
    """
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no locator available
        return njit(**options)(function)
