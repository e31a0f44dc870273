"""A bar for runs of more than two seconds. Interrupting ends the run early and keeps what was learned."""

import html
import math
import time

import ipywidgets as widgets
from IPython.display import display

from .. import checks
from .svg import with_fallback


class Progress(widgets.HBox):
    """A progress bar with a label, shown on entering its `with` block; `total` is the number of steps, at least 1.

    An interrupt of the kernel inside the block ends the block, and the program goes on behind it: whatever was
    assigned by then is kept. `interrupted` tells. Other exceptions pass through.
    """

    def __init__(self, label, total):
        self.label, self.total = label, checks.count("total", total)
        self.done, self.interrupted, self._shown = 0, False, -math.inf
        self.bar = widgets.IntProgress(max=self.total, description=label, style={"description_width": "initial"},
                                       layout=widgets.Layout(width="60%"))
        self.text = widgets.Label()
        super().__init__([self.bar, self.text])

    def __enter__(self):
        display(self)
        return self

    def to(self, done, note=""):
        """Say that `done` steps of the total are behind us; moves the bar ten times a second at most."""
        self.done = done
        if time.monotonic() - self._shown > 0.1:
            self._shown = time.monotonic()
            self._show(note)

    def __exit__(self, kind, error, traceback):
        self.interrupted = kind is KeyboardInterrupt
        self.bar.bar_style = "warning" if kind else "success"
        self._show("interrupted; what was learned is kept" if self.interrupted else "" if kind else "done")
        return self.interrupted

    def _show(self, note):
        self.bar.value = self.done
        self.text.value = f"{self.done:,} of {self.total:,}" + (f", {note}" if note else "")

    def _repr_mimebundle_(self, **kwargs):
        fallback = f"<p>(progress bar: {html.escape(self.label)})</p>"
        return with_fallback(self, super()._repr_mimebundle_(**kwargs), fallback)

    def __repr__(self):
        return f"Progress({self.label!r}, {self.total})"
