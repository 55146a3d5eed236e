"""Harmonic/percussive source separation, built step by step.

One module per idea of the book, in the order of the book.  Nothing heavy is imported here.
"""

__version__ = "0.1.0"
