"""Harmonic/percussive source separation, built step by step.

One module per idea of the book, in the order of the book.  Nothing heavy is imported here.
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """Import torch only when somebody asks for a trained network: `hpss_lib.load_model()`."""
    if name == "load_model":
        from hpss_lib.madtwinnet import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
