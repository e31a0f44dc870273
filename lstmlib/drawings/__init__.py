"""Figures of the notebooks that are too long for a cell, one module for each notebook that needs it."""
