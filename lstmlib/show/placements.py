"""The figure of notebook 04 that is too long for a cell: all 512 placements."""

from itertools import combinations

from .colours import FAINT, GREY, INK
from .figures import BLUE, ORANGE, PURPLE

OF_OUTPUT = ("loss", "dy", "dWy_t", "dW")
OF_CELL = ("dh_above", "dW_t", "dz", "dh_next", "dc_next")
ROWS, COLUMNS = ([chosen for size in range(len(names) + 1) for chosen in combinations(names, size)]
                 for names in (OF_OUTPUT, OF_CELL))  # all subsets, the smallest first


def grid_place(edges):
    """(row, column) of a placement: what it contains of OF_OUTPUT, and of OF_CELL."""
    row, column = (tuple(edge for edge in names if edge in edges) for names in (OF_OUTPUT, OF_CELL))
    return ROWS.index(row), COLUMNS.index(column)


def draw_all_placements(ax, verdicts):
    """All 512 placements as a grid, with what each gets right.

    verdicts  {placement (a frozenset of edges): (right for Wx, Wh, b; right for Wy, by)}
    """
    looks = {(True, True): ("right for all five arrays", {"marker": "s", "s": 150, "color": BLUE}),
             (True, False): ("for Wx, Wh, b only", {"marker": "|", "s": 70, "color": ORANGE, "linewidth": 2.4}),
             (False, True): ("for Wy, by only", {"marker": "_", "s": 60, "color": PURPLE, "linewidth": 2}),
             (False, False): ("for none", {"marker": ".", "s": 12, "color": "#8c8c8c"})}
    for verdict, (meaning, look) in looks.items():
        placements = [edges for edges, found in verdicts.items() if found == verdict]
        rows, columns = zip(*map(grid_place, placements))
        ax.scatter(columns, rows, label=f"{meaning}: {len(placements)}", **look)
    right = sorted((grid_place(edges), edges) for edges, verdict in verdicts.items() if verdict == (True, True))
    for number, ((row, column), _) in enumerate(right, start=1):
        ax.text(column, row, number, color="white", weight="bold", fontsize=10, ha="center", va="center_baseline")
    names = [f"{number}  {' + '.join(edge for edge in (*OF_CELL, *OF_OUTPUT) if edge in edges)}"
             for number, (_, edges) in enumerate(right, start=1)]
    ax.text(-0.5, -3, "      ".join(names), fontsize=11, weight="bold", color=INK, va="center")
    ax.legend(loc="center left", bbox_to_anchor=(-1, -1.7), bbox_transform=ax.transData, ncols=4,
              frameon=False, fontsize=10, handletextpad=0.3)
    for column, chosen in enumerate(COLUMNS):
        for place, edge in enumerate(OF_CELL):
            ax.plot(column, 16.6 + place, "o", markersize=4.5, color=INK if edge in chosen else FAINT)
    rows = [" + ".join(chosen) or "none of these four" for chosen in ROWS]
    ax.set_yticks([*range(16), *(16.6 + place for place in range(5))], [*rows, *OF_CELL], fontsize=10)
    ax.set(xlim=(-0.7, 31.7), ylim=(21.1, -3.6), xticks=[])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.axhline(15.8, color=GREY, linewidth=0.8)
