"""Drawings of notebook 02: the cell as it grows gate by gate, and the gates along a sequence."""

import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch

from .colours import DEEP, GREY, INK
from .figures import BLUE, GREEN, ORANGE, PURPLE, RED, arrow, new_figure

STAGES = ("add", "forget gate", "input gate", "output gate")
EQUATIONS = (r"$c_t = c_{t-1} + g_t$", r"$c_t = f_t\, c_{t-1} + g_t$", r"$c_t = f_t\, c_{t-1} + i_t\, g_t$",
             r"$c_t = f_t\, c_{t-1} + i_t\, g_t\qquad h_t = o_t\, \tanh(c_t)$")
PATH, BUS = 5.0, 0.7  # heights of the cell-state path and of the line that feeds the gates


def cell(stage):
    """The cell up to a stage of STAGES; what is new is thick. Raises ValueError for another stage."""
    if stage not in STAGES:
        raise ValueError(f"stage must be one of {', '.join(STAGES)}, got {stage!r}")
    reached = STAGES.index(stage)
    figure, ax = new_figure(width=8, height=4.1)
    ax.set(xlim=(0, 11), ylim=(0, 6.3), aspect="equal")
    ax.set_axis_off()
    for number, (part, colour) in enumerate(zip(PARTS[:reached + 1], (PURPLE, RED, GREEN, ORANGE))):
        part(_Pen(ax, DEEP[colour], new=number == reached))
    ax.text(0.1, 6.0, EQUATIONS[reached], fontsize=15, va="center", color=INK)
    return figure


def draw_whole_cell(ax, colour):
    """The cell with all its gates in one colour, without words: a ground to draw on."""
    for part in PARTS:
        part(_Pen(ax, colour, path=colour, worded=False))


class _Pen:
    """Draws parts of the cell in one colour, the cell-state path in its own: thick while they are new, thin later."""

    def __init__(self, ax, colour, new=False, path=BLUE, worded=True):
        self.ax, self.colour, self.new, self.path, self.worded = ax, colour, new, path, worded
        self.width, self.weight = (2.8, "bold") if new else (1.3, "normal")

    def arrow(self, *points):
        arrow(self.ax, *points, colour=self.colour, width=self.width)

    def box(self, x, y, words=r"$\sigma$"):
        """A gate's function, 1.1 wide and 0.7 high."""
        self.ax.add_patch(FancyBboxPatch((x - 0.45, y - 0.25), 0.9, 0.5, boxstyle="round,pad=0.1", fc="white",
                                         ec=self.colour, lw=self.width, zorder=3))
        self.ax.text(x, y - 0.02, words, ha="center", va="center", fontsize=13, color=INK, zorder=4)

    def operation(self, x, y, sign):
        self.ax.add_patch(Circle((x, y), 0.27, fc="white", ec=self.colour, lw=self.width, zorder=3))
        for dx, dy in ((0.13, 0), (0, 0.13)) if sign == "+" else ((0.091, 0.091), (0.091, -0.091)):
            self.ax.plot((x - dx, x + dx), (y - dy, y + dy), color=INK, lw=1.8, zorder=4)

    def label(self, x, y, words, **look):
        if self.worded:
            look = {"ha": "center", "fontsize": 14} | look
            self.ax.text(x, y, words, va="center", color=self.colour, zorder=4, **look)

    def name(self, x, y, words):
        self.label(x, y, words, ha="left", fontsize=10.5, fontweight=self.weight)


def _adding(pen):
    path = _Pen(pen.ax, pen.path, pen.new, worded=pen.worded)
    path.arrow((0.9, PATH), (5.33, PATH))
    path.operation(5.6, PATH, "+")
    path.arrow((5.87, PATH), (10.2, PATH))
    path.label(0.45, PATH, "$c_{t-1}$")
    path.label(10.55, PATH, "$c_t$")
    pen.box(5.6, 2.2, "tanh")
    pen.arrow((5.6, 2.55), (5.6, PATH - 0.27))
    pen.label(5.88, 2.95, "$g_t$")
    pen.name(6.12, 2.98, "candidate")
    pen.arrow((0.9, BUS), (5.6, BUS), (5.6, 1.85))
    pen.label(0.45, BUS, "$x_t$")


def _forgetting(pen):
    pen.arrow((2.2, BUS), (2.2, 1.85))
    pen.box(2.2, 2.2)
    pen.arrow((2.2, 2.55), (2.2, PATH - 0.27))
    pen.operation(2.2, PATH, "x")
    pen.label(2.48, 2.95, "$f_t$")
    pen.name(2.72, 2.98, "forget\ngate")


def _writing(pen):
    pen.arrow((4.0, BUS), (4.0, 1.85))
    pen.box(4.0, 2.2)
    pen.arrow((4.0, 2.55), (4.0, 3.8), (5.33, 3.8))
    pen.operation(5.6, 3.8, "x")
    pen.label(4.25, 2.95, "$i_t$")
    pen.name(4.5, 2.98, "input\ngate")


def _showing(pen):
    pen.arrow((5.6, BUS), (7.4, BUS), (7.4, 1.85))
    pen.box(7.4, 2.2)
    pen.arrow((7.4, 2.55), (7.4, 3.0), (8.93, 3.0))
    pen.label(7.6, 3.33, "$o_t$")
    pen.name(7.88, 3.36, "output\ngate")
    pen.arrow((9.2, PATH), (9.2, 4.45))
    pen.box(9.2, 4.1, "tanh")
    pen.arrow((9.2, 3.75), (9.2, 3.27))
    pen.operation(9.2, 3.0, "x")
    pen.arrow((9.47, 3.0), (10.2, 3.0))
    pen.label(10.55, 3.0, "$h_t$")
    pen.ax.plot((0.9, 1.4, 1.4), (0.15, 0.15, BUS), color=pen.colour, lw=pen.width)
    pen.label(0.45, 0.12, "$h_{t-1}$")


PARTS = _adding, _forgetting, _writing, _showing


def along_time(trace, sequence=0, unit=0, marks=(), reach=1):
    """The rows i, f, o, g, c, h of one hidden unit of one sequence, over time.

    trace  of `lstmlib.forward`;  marks  pairs (timestep from 1, word) to point out
    reach  the axes of g, c and h go from -reach to reach; those of i, f, o from 0 to 1
    Returns the figure; raises ValueError where c goes beyond `reach`.
    """
    largest = np.abs(trace.c[:, sequence, unit]).max()
    if largest > reach:
        raise ValueError(f"reach must be at least the largest |c|, {largest:.3g}, got {reach}")
    rows = {"i": ("input gate", GREEN), "f": ("forget gate", RED), "o": ("output gate", ORANGE),
            "g": ("candidate", PURPLE), "c": ("cell state", BLUE), "h": ("hidden state", INK)}
    steps = np.arange(1, len(trace.X) + 1)
    figure, axes = new_figure(len(rows), width=8, height=5.6, sharex=True)
    for ax, (name, (what, colour)) in zip(axes, rows.items()):
        limits = (0, 1) if name in "ifo" else (-reach, reach)
        ax.set(ylim=limits, yticks=limits)
        for step, _ in marks:
            ax.axvspan(step - 0.5, step + 0.5, color="#f3ead2", zorder=0)
        ax.bar(steps, getattr(trace, name)[:, sequence, unit], color=colour, width=0.7, clip_on=False)
        ax.axhline(0, color=GREY, lw=0.8)
        ax.set_ylabel(f"${name}$\n{what}", rotation=0, ha="right", va="center", fontsize=10.5)
        ax.yaxis.set_label_coords(-0.1, 0.5)
    for step, word in marks:
        axes[0].annotate(word, (step, 1.1), ha="center", va="bottom", fontsize=10.5, annotation_clip=False)
    axes[-1].set_xlabel("timestep $t$", fontsize=10.5)
    axes[-1].set_xticks(steps[::3])
    return figure
