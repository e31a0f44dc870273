"""The unrolled backward graph: the one drawing of it, for figures and for the laboratory.

Every edge of one name is chosen at once. The panel has all its states in it; a browser only marks each edge as chosen
or not, and each of its arrows as on a path or not, so that a click shows at once.
"""

import math
from collections import namedtuple
from functools import lru_cache
from pathlib import Path

from .. import checks
from ..placement import EDGES, along_paths, path_crossings
from . import svg

# Heights of the rows: C, loss, y, its sum, h, c, where both ways to z join, z, its sum; half the width and height of a
# node; beside a column the way to the sum, h's way to z, the way back from the next z, and how far before the join h's
# way ends; the radius of a sum, and from there to the end of the arrow that leaves it.
Layout = namedtuple("Layout", "rows half tall bus round back dot ring arrow")
LAYOUT = Layout((14, 59, 113, 149, 196, 244, 274, 323, 376), 22, 13, bus=38, round=36, back=70, dot=2,
                ring=14, arrow=60)
C, LOSS, Y, SUM_Y, H, CELL, JOIN, Z, SUM_Z = LAYOUT.rows
HALF, TALL, BUS = LAYOUT.half, LAYOUT.tall, LAYOUT.bus
COLUMN, FIRST, HEIGHT = 140, 52, 406  # distance of two timesteps, where the first stands; height of all
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MONOSPACE = "DejaVu Sans Mono, Menlo, Consolas, monospace"

MEANING = {
    "loss": "from the objective C into the loss of each item",
    "dy": "from the loss into the output y of each timestep",
    "dh_above": "from the output layer into h of each timestep",
    "dz": "into the gates z of each timestep",
    "dh_next": "from z of the next timestep back into h",
    "dc_next": "from c of the next timestep back into c",
    "dWy_t": "each timestep's contribution to Wy and by",
    "dW_t": "each timestep's contribution to Wx, Wh and b",
    "dW": "the finished sums over time"}
# Where an edge's name begins, from the last column, and its badge stands, from the start of each arrow; and how high.
NAMES = {"loss": (26, 32), "dy": (27, (LOSS + Y) / 2 - 2), "dh_above": (27, SUM_Y + 27), "dz": (27, JOIN + 20),
         "dh_next": (-104, Z + 24), "dc_next": (-119, CELL - 25), "dWy_t": (48, Y), "dW_t": (27, (Z + SUM_Z) / 2),
         "dW": (124, (SUM_Y + SUM_Z) / 2)}
BADGES = {"loss": (0, (C + LOSS) / 2), "dy": (0, (LOSS + Y) / 2 - 2), "dh_above": (0, SUM_Y + 17), "dz": (0, JOIN + 17),
          "dh_next": (HALF - 46, Z), "dc_next": (HALF - 94, CELL), "dWy_t": (BUS + 6 - HALF, Y + 20),
          "dW_t": (0, (Z + SUM_Z) / 2 + 2), "dW": (37 - LAYOUT.ring, None)}

STYLE = "\n" + svg.in_the_light((Path(__file__).parent / "graph.css").read_text(encoding="utf-8"))


def panel(T, edges=(), other=None, path=None, title=True):
    """The graph as a panel.

    T      number of timesteps; above four the first two and the last two are drawn
    edges  names of the edges that carry 1/|X|
    other  names of the edges of a second placement, B; None where there is only one
    path   a path of `paths_to`, drawn in red, its divisions counted
    title  whether a heading stands above, at the weights how often they are crossed, and at each name a box to tick
    """
    times, xs = columns(T)
    sum_x, lit = xs[-1] + 90, counted(path or (), edges, T)
    heading = svg.text(0, 18, "Gradients follow the arrows", 12, fill=svg.GREY) if title and T > 2 else ""
    parts = [edge(name, T, edges, other, lit, title) for name in EDGES]
    counts = [svg.text(sum_x + 152, y, words, 12, "end", data_count=name)
              for (name, words), y in zip(crossings(edges, T, other).items(), (SUM_Y - 19, SUM_Z + 28)) if title]
    drawing = svg.element("g", "".join([*scenery(times, xs, lit), *parts, nodes(times, xs), gap(T, xs), *counts]),
                          class_="lstm-lighting" if lit else "lstm-unlit")
    return svg.panel("graph", sum_x + 156, HEIGHT, svg.element("style", STYLE), heading, drawing,
                     words=description(T, edges, other, lit))


@lru_cache
def paths_to(weight, T):
    """Every path from the loss to a weight, the shortest first, each as its edges: (("loss", t), ("dy", t), ...).

    t is the timestep that an edge leaves or belongs to; that of dW is None. There are 2^(T+1) - T - 2 paths to Wx, Wh
    and b: the ways h -> z and h -> c -> z inside one timestep are one here, for they cross the same edges.
    """
    def cross(edge, t, paths):
        return frozenset((*path, (edge, t)) for path in paths)

    found = along_paths(checks.count("T", T), cross, frozenset([()]))[weight]
    return tuple(sorted(found, key=lambda path: (len(path), [-t for _, t in path if t], path)))


def all_paths(weight="b", T=2, edges=()):
    """All paths to a weight, one panel each, the shortest first."""
    return tuple(panel(T, edges, path=path, title=False) for path in paths_to(weight, T))


def counted(path, edges, T):
    """{what is drawn of the path: the number of the division there, or ""}."""
    drawn, divisions, weight = {}, 0, "Wy" if "dWy_t" in dict(path) else "Wx"
    for (name, t), (next_name, next_t) in zip(path, (*path[1:], ("", None))):
        divisions += name in edges
        drawn[f"{name} {t or weight}"] = str(divisions) if name in edges else ""
        if name in ("dh_above", "dh_next"):  # in h, on the way to c, or to z by both ways
            drawn |= dict.fromkeys([f"h {next_t}"] + [f"join {next_t}"] * (next_name == "dz"), "")
        if name == "dc_next" and next_name == "dz":
            drawn[f"cell {next_t}"] = ""
        if name in ("dW_t", "dWy_t"):
            drawn |= {f"sum {weight} {later}": "" for later in range(t, T + 1)}
    return drawn


def crossings(edges, T, other=None):
    """How often the paths to the output's and to the gates' weights cross the chosen edges, in words."""
    return {name: "A: " * (other is not None) + how_often(path_crossings(edges, T)[name]) for name in ("Wy", "Wx")}


def how_often(paths):
    """The numbers whose bits are set, from the least to the most: "✓ crossed once", "✗ crossed 0–3 times"."""
    most, least = paths.bit_length() - 1, (paths & -paths).bit_length() - 1
    numbers = f"{least}–{most}" if least < most else str(most)
    return {"0": "✗ never crossed", "1": "✓ crossed once"}.get(numbers, f"✗ crossed {numbers} times")


def description(T, edges, other, lit):
    """The panel in words; the edges of a path that is `counted` as "loss at t = 2, dy at t = 2 (1), ..."."""
    A, B = (", ".join(name for name in EDGES if name in (some or ())) or "no edge" for some in (edges, other))
    where = f"1/|X| on {A}" if other is None else f"1/|X| on {A} (A) and on {B} (B)"
    steps = ((*at.split(), number) for at, number in lit.items() if at.split()[0] in EDGES)
    path = ", ".join(name + (f" at t = {t}" if t.isdigit() else "") + (f" ({number})" if number else "")
                     for name, t, number in steps)
    return f"Backward graph of {T} timestep{'s' * (T > 1)}; {where}." + (f" A path is lit: {path}." if lit else "")


def columns(T):
    """The timesteps that are drawn, and where each stands."""
    times = list(range(1, T + 1)) if T <= 4 else [1, 2, T - 1, T]
    return times, [FIRST + COLUMN * k for k in range(len(times))]


def ways(layout, times, xs, sum_x):
    """{what is drawn, such as "dy 1", "sum Wx 2" or "dW Wy": its corners}"""
    c, loss, y, sum_y, h, cell, join, z, sum_z = layout.rows
    half, tall, middle, found = layout.half, layout.tall, sum(xs) / len(xs), {}
    for t, x, after in zip(times, xs, [*xs[1:], None]):
        bus, end = x + layout.bus, sum_x - layout.ring
        found |= {f"loss {t}": [(middle, c + tall), (x, loss - tall)],
                  f"dy {t}": [(x, loss + tall), (x, y - tall)], f"dh_above {t}": [(x, y + tall), (x, h - tall)],
                  f"dz {t}": [(x, join), (x, z - tall)], f"dWy_t {t}": [(x + half, y), (bus, y), (bus, sum_y)],
                  f"dW_t {t}": [(x, z + tall), (x, sum_z)],
                  f"sum Wy {t}": [(bus, sum_y), (after + layout.bus if after else end, sum_y)],
                  f"sum Wx {t}": [(x, sum_z), (after or end, sum_z)],
                  f"h {t}": [(x, h + tall), (x, cell - tall)], f"cell {t}": [(x, cell + tall), (x, join)],
                  f"join {t}": [(x - half, h), (x - layout.round, h), (x - layout.round, join), (x - layout.dot, join)]}
    for t, x, before in zip(times[1:], xs[1:], xs):
        found |= {f"dc_next {t}": [(x - half, cell), (before + half, cell)],
                  f"dh_next {t}": [(x - half, z), (x - layout.back, z), (x - layout.back, h), (before + half, h)]}
    return found | {f"dW {weight}": [(sum_x + layout.ring, height), (sum_x + layout.arrow, height)]
                    for weight, height in (("Wy", sum_y), ("Wx", sum_z))}


def routes(name, T):
    """{"dy 1": corners, ...}: the arrows of an edge."""
    times, xs = columns(T)
    found = {at: way for at, way in ways(LAYOUT, times, xs, xs[-1] + 90).items() if at.split()[0] == name}
    if T > 4 and name in ("dh_next", "dc_next"):  # into the timesteps that are left out, as far as the dots, and out
        *corners, (_, level) = found[f"{name} {T - 1}"]
        found |= {f"{name} {T - 1}": [*corners, (xs[1] + 60, level)],
                  f"{name} 3": [(xs[1] + 40, level), (xs[1] + HALF, level)]}
    return found


def edge(name, T, edges, other, lit, boxed):
    """One name with all its arrows, as one element that can be focused and checked."""
    on, drawn, xs = name in edges, routes(name, T), columns(T)[1]
    halos, arrows, badges = [], [], []
    for at, corners in drawn.items():
        track, tip = arrow(corners, 11 if name == "dc_next" else 7)
        halos.append(stroke(track, "halo"))
        arrows.append(part(at, lit, stroke(track, "hit"), stroke(track, "line"), stroke(tip, "tip")))
        if T <= 4 or at != f"{name} 3":
            (start, level), (aside, y) = corners[0], BADGES[name]
            x = (0.45 * start + 0.55 * corners[-1][0] if name == "loss" else start) + aside
            drawn_badge = badge(x, level if y is None else y, lit.get(at) or badge_text(name, edges, other))
            badges.append(part(at, lit, svg.element("g", drawn_badge, class_="badge")))
    aside, y = NAMES[name]
    column = 0.4 * sum(xs) / len(xs) + 0.6 * xs[-1] if name == "loss" else xs[-1]
    x = column + aside - 7 * (boxed and name == "dW")
    lead = "".join(f"M{point(x + 13 + 7 * boxed, y)}V{y_sum}" for y_sum in (SUM_Y, SUM_Z))
    return svg.element(
        "g", "".join([*halos, stroke(lead, "lead") if name == "dW" else "", *arrows,
                      written(name, x, y, boxed) if drawn else "", *badges]),
        class_="lstm-edge" + " cell" * (name == "dc_next") + " on" * on + " other" * (name in (other or ())),
        data_edge=name, role="checkbox", tabindex="0" if drawn else None, aria_checked=str(on).lower(),
        aria_label=f"1/|X| on {name}: {MEANING[name]}", data_lm_suppress_shortcuts="true")


def part(at, lit, *content, kind=""):
    """What can be lit."""
    return svg.element("g", "".join(content), data_at=at, class_=kind + ("lit" if at in lit else "unlit"))


def stroke(track, kind):
    return svg.element("path", d=track, class_=kind)


def written(name, x, y, boxed):
    """The name of an edge in its pill, with a box to tick where it can be pressed."""
    wide, left = 8.1 * len(name) + 10, 14 * boxed
    ticked = (stroke(f"M{point(x + 5.5, y - 5)}h10v10h-10z", "box")
              + stroke(f"M{point(x + 7.5, y)}l2.5 3l4 -6", "tick")) if boxed else ""
    return svg.element(
        "g", svg.rect(x, y - 10, wide + left, 20, rx=10, class_="pill", fill=None) + ticked
        + svg.text(x + left + wide / 2, y + 4.5, name, 13, "middle", class_="pill-text", font_family=MONOSPACE),
        class_="name")


def badge(x, y, words, fill=None, ink=None):
    return (svg.rect(x - 21, y - 9, 42, 18, fill, rx=9)
            + svg.text(x, y + 4.5, words, 12.5, "middle", fill=ink, bold=True))


def badge_text(name, edges, other):
    """What stands on a chosen edge: 1/|X|, or whose 1/|X| it is where two placements are shown."""
    return "1/|X|" if other is None else "B" if name not in edges else "A B" if name in other else "A"


def arrow(corners, size):
    """The line through the corners, rounded, and the head at its end, as two SVG paths."""
    (x0, y0), (x, y) = corners[-2:]
    back = size / math.hypot(x - x0, y - y0)
    dx, dy = back * (x - x0), back * (y - y0)
    bends = (f"L{point(*towards(corner, before))}Q{point(*corner)} {point(*towards(corner, after))}"
             for before, corner, after in zip(corners, corners[1:], corners[2:]))
    head = (f"L{point(x - dx - side * dy, y - dy + side * dx)}" for side in (0.62, -0.62))
    return f"M{point(*corners[0])}{''.join(bends)}L{point(x - dx, y - dy)}", f"M{point(x, y)}{''.join(head)}Z"


def coloured_arrow(corners, size, colour, width):
    track, tip = arrow(corners, size)
    return (svg.element("path", d=track, fill="none", stroke=colour, stroke_width=width)
            + svg.element("path", d=tip, fill=colour))


def towards(corner, end):
    """The point 12 pixels from the corner on the way to `end`, or half-way."""
    share = min(12 / math.dist(corner, end), 0.5)
    return (a + share * (b - a) for a, b in zip(corner, end))


def point(x, y):
    return f"{svg.number(x)} {svg.number(y)}"


def scenery(times, xs, lit):
    """What is no edge of the nine: the sums over time, and the ways inside one timestep."""
    drawn = ways(LAYOUT, times, xs, xs[-1] + 90)
    lit = {*lit, *(at.replace("join", "cell") for at in lit)}  # from h to z by both ways
    for t in times:
        last = 8 * (t == times[-1])
        for name, size in (("sum Wy", last), ("sum Wx", last), ("h", 6), ("join", 6), ("cell", 0)):
            track, tip = arrow(drawn[f"{name} {t}"], size)
            yield part(f"{name} {t}", lit, stroke(track, "line"), stroke(tip, "tip") if size else "", kind="lstm-way ")


def nodes(times, xs):
    sum_x = xs[-1] + 90
    parts = [box(sum(xs) / len(xs), C, HALF, "C", bold=True)]
    for t, x in zip(times, xs):
        subscript = str(t).translate(SUBSCRIPTS)
        parts += [box(x, LOSS, 28, f"loss{subscript}"), box(x, Y, HALF, f"y{subscript}"),
                  box(x, H, HALF, f"h{subscript}"), box(x, CELL, HALF, f"c{subscript}", svg.PALE_BLUE, bold=True),
                  box(x, Z, HALF, f"z{subscript}"), svg.circle(x, JOIN, 3.5, fill=svg.GREY)]
    for y, words in ((SUM_Y, "Wy, by"), (SUM_Z, "Wx, Wh, b")):
        parts += [svg.circle(sum_x, y, 14, fill=svg.PAPER, stroke=svg.INK, stroke_width=1.5),
                  svg.text(sum_x, y + 5.5, "Σ", 16, "middle"),
                  svg.element("g", box(sum_x + 106, y, 46, words, svg.SOFT, bold=True), data_path=words[:2])]
    return "".join(parts)


def box(x, y, half, words, fill=svg.PAPER, bold=False):
    return (svg.rect(x - half, y - TALL, 2 * half, 2 * TALL, fill=fill, rx=7, stroke=svg.INK, stroke_width=1.5)
            + svg.text(x, y + 5, words, 14, "middle", bold=bold))


def gap(T, xs):
    """Dots where timesteps are left out."""
    if T <= 4:
        return ""
    x, left_out = (xs[1] + xs[2]) / 2, f"t = 3 to {T - 2}" if T > 5 else "t = 3"
    return (svg.text(x, LOSS + 6, "⋯", 24, "middle") + svg.text(x - 20, H + 7, "⋯", 18, "middle")
            + svg.text(x - 20, CELL + 7, "⋯", 18, "middle") + svg.text(x + 6, 145, left_out, 12, "middle", svg.GREY))
