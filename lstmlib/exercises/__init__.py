"""Feedback on the exercises, one module for each notebook."""
