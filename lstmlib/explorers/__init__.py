"""Explorers: pictures that follow the reader's hand. One module for each notebook's explorer.

`base` is the mechanism, `svg` draws; every other module holds a state, its numbers and its picture.
"""

from .base import Explorer, Sentence, Slider

__all__ = ["Explorer", "Sentence", "Slider"]
