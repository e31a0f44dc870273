"""The figures of notebook 04 that are too long for a cell: the backward graph, and all 512 placements."""

from itertools import combinations

from .colours import FAINT, GREY, INK
from .figures import BLUE, GREEN, ORANGE, PURPLE, RED, new_figure

MIDDLE = "#8c8c8c"
OF_OUTPUT = ("loss", "dy", "dWy_t", "dW")
OF_CELL = ("dh_above", "dW_t", "dz", "dh_next", "dc_next")
STEP = 3.4


def draw_backward_graph(ax, T=3):
    """The backward graph over T timesteps, gradients flowing down and to the left; each edge bears its name."""
    right = T * STEP - 0.6
    for bus, label, gradient in ((5.25, "dWy_t", "dWy, dby"), (-0.1, "dW_t", "dWx, dWh, db")):
        ax.plot([0.72, right], [bus, bus], color=GREY, linewidth=1.2, zorder=0)
        _node(ax, right + 0.25, bus, "+")
        _arrow(ax, (right + 0.25, bus), (right + 2.2, bus), PURPLE, "dW", (right + 1.1, bus + 0.28))
        ax.text(right + 2.25, bus, gradient, va="center", fontsize=11, color=INK)
    ax.plot([0, (T - 1) * STEP], [8.1, 8.1], color=GREY, linewidth=1.2, zorder=0)
    for t in range(T):
        _draw_timestep(ax, t, t * STEP)
    _node(ax, (T - 1) * STEP / 2, 8.1, "$C$")
    ax.set(xlim=(-1.5, right + 4.4), ylim=(-0.7, 8.5))
    ax.set_aspect("equal")
    ax.axis("off")


def _draw_timestep(ax, t, x):
    loss, y, h, c, join, z = (x, 7), (x, 5.9), (x, 4.3), (x, 2.9), (x, 2.05), (x, 1.05)
    _arrow(ax, (x, 8.1), loss, INK, "loss", (x + 0.45, 7.65), start_gap=0)
    _arrow(ax, loss, y, INK, "dy", (x + 0.3, 6.5))
    _arrow(ax, y, h, BLUE, "dh_above", (x - 0.68, 4.85))
    _arrow(ax, y, (x + 0.75, 5.25), PURPLE, "dWy_t", (x + 1.05, 5.75), end_gap=0)
    _arrow(ax, h, c, GREY)
    ax.plot([x, x], [2.6, 2.05], color=GREY, linewidth=1.6, zorder=0)
    ax.plot([x, x - 0.6, x - 0.6, x], [4.3, 3.9, 2.45, 2.05], color=GREY, linewidth=1.6, zorder=0)
    _arrow(ax, join, z, GREEN, "dz", (x + 0.28, 1.65), start_gap=0)
    _arrow(ax, z, (x + 0.75, -0.1), PURPLE, "dW_t", (x + 0.95, 0.5), end_gap=0)
    if t > 0:
        _arrow(ax, c, (x - STEP, 2.9), ORANGE, "dc_next", (x - 1.3, 3.15))
        _arrow(ax, z, (x - STEP, 4.3), RED, "dh_next", (x - 1.7, 1.95))
    for (across, up), name in zip((loss, y, h, c, z), ("L", "y", "h", "c", "z")):
        _node(ax, across, up, f"${name}_{t + 1}$")


def _node(ax, x, y, label):
    ax.text(x, y, label, ha="center", va="center", fontsize=11, color=INK,
            bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": INK})


def _arrow(ax, start, end, colour, name="", name_at=None, start_gap=11, end_gap=11, width=1.6):
    ax.annotate("", end, start, zorder=1, arrowprops={
        "arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": start_gap, "shrinkB": end_gap})
    if name:
        ax.text(*name_at, name, ha="center", va="center", fontsize=10, color=INK, family="monospace",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})


# The ways from the losses to b over two timesteps: nodes are (name, timestep), and "b" at the foot.
WAYS = [("at t = 2", ["y2", "h2", "c2", "z2", "b"]), ("at t = 1", ["y1", "h1", "c1", "z1", "b"]),
        ("back through the gates", ["y2", "h2", "c2", "z2", "h1", "c1", "z1", "b"]),
        ("back along the cell state", ["y2", "h2", "c2", "c1", "z1", "b"])]


def draw_four_ways():
    """The four ways to b for T = 2, each lit in a graph of its own."""
    figure, axes = new_figure(1, 4, width=10, height=4)
    places = {f"{name}{t}": (2.4 * t, y) for t in (1, 2) for name, y in zip("yhcz", (5.6, 4.2, 2.8, 1.4))}
    places["b"] = (3.6, 0)
    ways = {way for _, nodes in WAYS for way in zip(nodes, nodes[1:])}
    for ax, (words, nodes) in zip(axes, WAYS):
        lit = [*zip(nodes, nodes[1:])]
        for start, end in sorted(ways, key=lit.__contains__):
            _arrow(ax, places[start], places[end], BLUE if (start, end) in lit else MIDDLE,
                   width=3.4 if (start, end) in lit else 1)
        for name, place in places.items():
            _node(ax, *place, "$db$" if name == "b" else f"${name[0]}_{name[1]}$")
        ax.set_title(words, fontsize=11, color=INK)
        ax.set(xlim=(1.5, 5.7), ylim=(-0.7, 6.3), aspect="equal")
        ax.axis("off")
    return figure


def grid_place(edges):
    """(row, column) of a placement in the figure of all 512: 16 rows, 32 columns.

    The row says which of `loss`, `dy`, `dWy_t`, `dW` it contains, the column which of `dh_above`, `dW_t`, `dz`,
    `dh_next`, `dc_next`; both are ordered by the number of edges.
    """
    row = tuple(edge for edge in OF_OUTPUT if edge in edges)
    column = tuple(edge for edge in OF_CELL if edge in edges)
    return subsets(OF_OUTPUT).index(row), subsets(OF_CELL).index(column)


def subsets(names):
    """All subsets of `names` as tuples, the smallest first."""
    return [chosen for size in range(len(names) + 1) for chosen in combinations(names, size)]


def draw_all_placements(ax, verdicts):
    """All 512 placements as a grid, with what each gets right.

    verdicts  {placement (a frozenset of edges): (right for Wx, Wh, b; right for Wy, by)}
    """
    looks = {(True, True): ("right for all five arrays", {"marker": "s", "s": 150, "color": BLUE}),
             (True, False): ("for Wx, Wh, b only", {"marker": "|", "s": 70, "color": ORANGE, "linewidth": 2.4}),
             (False, True): ("for Wy, by only", {"marker": "_", "s": 60, "color": PURPLE, "linewidth": 2}),
             (False, False): ("for none", {"marker": ".", "s": 12, "color": MIDDLE})}
    for verdict, (meaning, look) in looks.items():
        placements = [edges for edges, found in verdicts.items() if found == verdict]
        rows, columns = zip(*map(grid_place, placements))
        ax.scatter(columns, rows, label=f"{meaning}: {len(placements)}", **look)
    right = sorted((grid_place(edges), edges) for edges, verdict in verdicts.items() if verdict == (True, True))
    for number, ((row, column), _) in enumerate(right, start=1):
        ax.text(column, row, number, color="white", weight="bold", fontsize=10, ha="center", va="center_baseline")
    names = [f"{number}  {name_of(edges)}" for number, (_, edges) in enumerate(right, start=1)]
    ax.text(-0.5, -3, "      ".join(names), fontsize=11, weight="bold", color=INK, va="center")
    ax.legend(loc="center left", bbox_to_anchor=(-1, -1.7), bbox_transform=ax.transData, ncols=4,
              frameon=False, fontsize=10, handletextpad=0.3)
    for column, chosen in enumerate(subsets(OF_CELL)):
        for place, edge in enumerate(OF_CELL):
            ax.plot(column, 16.6 + place, "o", markersize=4.5, color=INK if edge in chosen else FAINT)
    rows = [" + ".join(chosen) or "none of these four" for chosen in subsets(OF_OUTPUT)]
    ax.set_yticks([*range(16), *(16.6 + place for place in range(5))], [*rows, *OF_CELL], fontsize=10)
    ax.set(xlim=(-0.7, 31.7), ylim=(21.1, -3.6), xticks=[])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.axhline(15.8, color=GREY, linewidth=0.8)


def name_of(edges):
    """A placement in words, such as "dh_above + dWy_t"."""
    return " + ".join(edge for edge in (*OF_CELL, *OF_OUTPUT) if edge in edges)
