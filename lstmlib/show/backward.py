"""The figures of notebook 03: the cell with the gradient lit line by line, and the two sums between two timesteps."""

from matplotlib.patches import Circle

from .cell import BUS, PATH, draw_whole_cell
from .colours import GREY, INK
from .figures import BLUE, ORANGE, SKY, arrow, new_figure

# Of each line of the backward pass: its equation, the ways the gradient takes, and what arrives (place, name).
LINES = [
    (r"(3.3)  $dh = dy\,W_y^\top$", [[(11.2, 3), (9.47, 3)]], [(10.5, 3.4, "dh")]),
    (r"(3.4)  $do = dh\,\tanh(c)$,   $dc = dh\,o\,(1 - \tanh^2 c)$",
     [[(8.93, 3), (7.4, 3), (7.4, 2.55)], [(9.2, 3.27), (9.2, 3.75)], [(9.2, 4.45), (9.2, PATH)]],
     [(6.95, 2.85, "do"), (9.65, 4.75, "dc")]),
    (r"(3.5)  $di = dc\,g$,   $df = dc\,c_{prev}$,   $dg = dc\,i$,   $dc_{prev} = dc\,f$",
     [[(9.2, PATH), (5.87, PATH)], [(5.33, PATH), (2.47, PATH)], [(1.93, PATH), (0.5, PATH)],
      [(5.6, 4.73), (5.6, 4.07)], [(2.2, 4.73), (2.2, 2.55)], [(5.33, 3.8), (4, 3.8), (4, 2.55)],
      [(5.6, 3.53), (5.6, 2.55)]],
     [(0.7, 5.4, r"$dc_{prev}$"), (1.75, 3, "df"), (3.6, 3, "di"), (6.05, 3, "dg")]),
    (r"(3.6)  $dz_i = di\,i(1 - i)$,   $dz_g = dg\,(1 - g^2)$,   ...",
     [[(x, 1.85), (x, BUS)] for x in (2.2, 4, 5.6, 7.4)],
     [(2.7, 1.3, "$dz_f$"), (4.5, 1.3, "$dz_i$"), (6.1, 1.3, "$dz_g$"), (7.9, 1.3, "$dz_o$")]),
    (r"(3.7)  $dW_x = x^\top dz$,   $dW_h = h_{prev}^\top dz$,   $dh_{prev} = dz\,W_h^\top$",
     [[(7.4, BUS), (1.4, BUS)], [(1.4, BUS), (1.4, 0.1), (0.5, 0.1)]],
     [(0.75, -0.4, r"$dh_{prev}$"), (4.6, 0.2, r"$dW_x,\ dW_h,\ db$")])]


def way_back():
    """The cell once for each of (3.3) to (3.7): thick and dark blue what this line adds, light what came before."""
    figure, axes = new_figure(3, 2, width=9.6, height=9.2)
    for number, (ax, (equation, ways, names)) in enumerate(zip(axes.flat, LINES)):
        draw_whole_cell(ax, "#b4b4b4")
        for drawn, colour, width in [(earlier, SKY, 2) for _, earlier, _ in LINES[:number]] + [(ways, BLUE, 3.4)]:
            for way in drawn:
                arrow(ax, *way, colour=colour, width=width, zorder=3, mutation_scale=13)
        for x, y, name in names:
            ax.text(x, y, name if name.startswith("$") else f"${name}$", ha="center", va="center", fontsize=12.5,
                    fontweight="bold", color=INK, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
        ax.set_title(equation, fontsize=11.5, color=INK, loc="left")
        ax.set(xlim=(-0.1, 11.4), ylim=(-0.75, 5.8), aspect="equal")
    axes.flat[-1].text(0, 3.4, "Products are entry by entry where there is no $W$.\n\n"
                       "Thick: the gradient of this line.\nThin, blue: what has come before.\n"
                       "Grey: the cell of Figure 2.7, forward.", fontsize=11.5, color=INK, va="center")
    axes.flat[-1].set(xlim=(-0.1, 11.4), ylim=(-0.75, 5.8))
    for ax in axes.flat:
        ax.set_axis_off()
    return figure


BETWEEN = {"zorder": 2, "shrinkA": 13, "shrinkB": 15, "mutation_scale": 14}  # of arrows from node to node


def two_sums():
    """Two timesteps, gradients flowing down and to the left, with a ring where two of them are added."""
    figure, ax = new_figure(width=8.6, height=4.3)
    for t, x in ((1, 2.0), (2, 7.4)):
        nodes = [(x, y, f"${name}_{t}$") for name, y in zip("yhcz", (5.4, 3.8, 2.2, 0.5))]
        for (_, y, _), (_, below, _) in zip(nodes, nodes[1:]):
            arrow(ax, (x, y), (x, below), colour=GREY, width=1.6, **BETWEEN)
        bend = {"connectionstyle": "arc3,rad=0.55"}  # h reaches z through the output gate as well
        arrow(ax, (x, 3.8), (x, 0.5), colour=GREY, width=1.6, **BETWEEN, **bend)
        for node in nodes:
            ax.text(*node, ha="center", va="center", fontsize=13, color=INK,
                    bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": INK}, zorder=4)
    arrow(ax, (7.4, 0.5), (2.0, 3.8), colour=BLUE, width=3, **BETWEEN)
    arrow(ax, (7.4, 2.2), (2.0, 2.2), colour=ORANGE, width=3, **BETWEEN)
    for x, y, words, colour in ((2.0, 3.8, r"$dh_1 = dy_1 W_y^\top + dz_2 W_h^\top$", BLUE),
                                (2.0, 2.2, r"$dc_1 = dh_1 o_1 (1 - \tanh^2 c_1) + f_2\,dc_2$", ORANGE)):
        ax.add_patch(Circle((x, y), 0.62, fill=False, ec=colour, lw=2.6, zorder=5))
        ax.text(x - 1.15, y, words, ha="right", va="center", fontsize=12, color=INK)
    for x, y, words in ((3.6, 2.5, r"$f_2\,dc_2$"), (5.2, 1.25, r"$dz_2 W_h^\top$"), (2.75, 4.65, r"$dy_1 W_y^\top$"),
                        (8.15, 4.65, r"$dy_2 W_y^\top$")):
        ax.text(x, y, words, ha="center", va="center", fontsize=12, color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}, zorder=4)
    ax.set(xlim=(-5.2, 9.2), ylim=(-0.1, 6), aspect="equal")
    ax.set_axis_off()
    return figure
