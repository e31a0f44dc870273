"""Figures that do not move: matplotlib without pyplot, shown with a caption and a text alternative.

Widget events run on a second thread and would close half-drawn pyplot figures; a `Figure` made
here belongs to nobody else.
"""

import io
import re

from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from .colours import BLUE, FAINT, GREEN, ORANGE, PAPER, PURPLE, RED, SKY  # noqa: F401 - part of this module's names
from .svg import Panel, as_image


def new_figure(rows=1, columns=1, width=8, height=3.2, **options):
    """A figure `width` by `height` inches and its axes (one, or an array of them).

    options  go to matplotlib's Figure.subplots (sharex, sharey, gridspec_kw, ...)
    """
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    figure.add_artist(FancyBboxPatch(  # a card, on which it can be read in the light and in the dark theme
        (0.02, 0.02), width - 0.04, height - 0.04, boxstyle="round,pad=0,rounding_size=0.1", fc=PAPER, ec=FAINT,
        transform=figure.dpi_scale_trans, zorder=-1))
    axes = figure.subplots(rows, columns, **options)
    for ax in figure.axes:
        ax.set_facecolor("none")
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def arrow(ax, *points, colour, width, zorder=None, **head):
    """A line through the points with a head at the last one; `head` goes to the arrowprops of matplotlib's annotate."""
    *track, last, tip = points
    ax.plot(*zip(*track, last), color=colour, lw=width, solid_capstyle="butt", zorder=zorder)
    ax.annotate("", tip, last, zorder=zorder, arrowprops={
        "arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0, "shrinkB": 0} | head)


def show(figure, caption):
    """Display a figure, or a Panel of SVG, and under it the caption, which is its text alternative too."""
    if isinstance(figure, Panel):
        display({"text/html": as_image(figure, 12, caption), "text/plain": "<Figure>"}, raw=True)
    else:
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=180, metadata={"Software": None})
        width, height = (round(90 * size) for size in figure.get_size_inches())
        display({"image/png": png.getvalue(), "text/plain": "<Figure>"}, raw=True,
                metadata={"image/png": {"alt": caption, "width": width, "height": height}})
    no_tags = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", caption)  # what looks like HTML is shown as it is written
    display({"text/markdown": f"*{no_tags}*", "text/plain": caption}, raw=True)
