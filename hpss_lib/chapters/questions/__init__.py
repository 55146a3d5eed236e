"""Questions that the page answers, one module for each notebook, of the same name.

What a number should be is computed here, by the library, wherever it does not follow from one line
of arithmetic.
"""
