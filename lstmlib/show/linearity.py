"""The figures of notebook 01 that take more than a few lines to draw."""

import numpy as np

from .figures import BLUE, ORANGE, PURPLE, arrow


def two_paths(axes, forward, backward):
    """The graph in which one node feeds two paths.

    forward   {"w", "h", "y1", "y2", "loss1", "loss2": value}, written in the boxes
    backward  {"dw", "dh_1", "dh_2", "dy1", "dy2": value}, written at the arrows that point back
    """
    places = {"w": (0, 0), "h": (2.2, 0), "y1": (4.6, 1), "y2": (4.6, -1), "loss1": (6.8, 1), "loss2": (6.8, -1)}
    names = {"loss1": "$L_1$", "loss2": "$L_2$", "y1": "$y_1$", "y2": "$y_2$", "w": "$w$", "h": "$h$"}
    arrows = [("h", "w", "dw", "(a + 40) · 100 = ", PURPLE), ("y1", "h", "dh_1", "a = ", BLUE),
              ("y2", "h", "dh_2", "", ORANGE), ("loss1", "y1", "dy1", "", BLUE), ("loss2", "y2", "dy2", "", ORANGE)]
    boxes = {name: axes.text(x, y, f"{names[name]} = {forward[name]:g}", ha="center", va="center", fontsize=11,
                             bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black"})
             for name, (x, y) in places.items()}
    for source, target, name, formula, colour in arrows:
        (x0, y0), (x1, y1) = places[source], places[target]
        arrow(axes, (x0, y0), (x1, y1), colour=colour, width=2, mutation_scale=16, shrinkA=3, shrinkB=3,
              patchA=boxes[source].get_bbox_patch(), patchB=boxes[target].get_bbox_patch())
        aside = 0.3 if y0 != y1 else 0  # a label beside a slanting arrow keeps clear of it
        axes.text((x0 + x1) / 2 - aside, (y0 + y1) / 2 + (0.28 if y0 >= 0 else -0.28),
                  f"{name} = {formula}{backward[name]:g}",
                  ha="center", va="center", fontsize=12, fontweight="bold")
    axes.text(*places["h"] + np.array([-0.1, -0.42]), f"dh = {backward['dh_1']:g} + {backward['dh_2']:g} = "
              f"{backward['dh_1'] + backward['dh_2']:g}", ha="center", va="center", fontsize=12, fontweight="bold")
    axes.set(xlim=(-0.6, 7.5), ylim=(-1.55, 1.55))
    axes.axis("off")


def lines_through_zero(axes, scales, values, title, ylabel):
    """One panel: each column of `values` over `scales`, with a dashed straight line through its value at 1."""
    one = int(np.argmin(np.abs(scales - 1)))
    for column, (colour, style) in zip(values.T, ((BLUE, "-"), (ORANGE, "-."), (PURPLE, ":"))):
        axes.plot(scales, scales * column[one], color="0.6", linewidth=1, linestyle="--")
        axes.plot(scales, column, color=colour, linewidth=2.2, linestyle=style)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set(title=title, xlabel="scale s", ylabel=ylabel)
