"""Exercises that a notebook's cells answer, one module for each notebook, of the same name.

What is right stands here and not in the cell, where it would be read before it was thought. Each
module's EXERCISES are in the order of its notebook, from easy to hard.
"""
