"""The unrolled backward graph.

Every edge of one name is chosen at once. The panel has all its states in it; a browser only marks each edge as chosen
or not, so that a click shows at once.
"""

from ..placement import EDGES, path_crossings
from . import svg

WIDTH, HEIGHT = 1000, 462
COLUMN, FIRST = 190, 110          # distance of two timesteps, and where the first of four stands
C, LOSS, Y, SUM_Y, H, CELL, JOIN, Z, SUM_Z = 24, 76, 138, 176, 226, 280, 312, 366, 424  # heights of the rows
SUM, PARAMETER = 800, 932         # where the sums over time and the weights stand
HALF, TALL = 22, 13               # half the width and height of a node
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

MEANING = {
    "loss": "from the objective C into the loss of each item",
    "dy": "from the loss into the output y of each timestep",
    "dh_above": "from the output layer into h of each timestep",
    "dz": "into the gates z of each timestep",
    "dh_next": "from z of the next timestep back into h",
    "dc_next": "from c of the next timestep back into c",
    "dWy_t": "each timestep's contribution to Wy and by",
    "dW_t": "each timestep's contribution to Wx, Wh and b",
    "dW": "the finished sums over time",
}

STYLE = f"""
.lstm-edge {{cursor: pointer}}
.lstm-edge .hit {{fill: none; stroke: transparent; stroke-width: 24; pointer-events: stroke}}
.lstm-edge .halo {{fill: none; stroke: {svg.PAPER}; stroke-width: 8}}
.lstm-edge .line {{fill: none; stroke: {svg.INK}; stroke-width: 2}}
.lstm-edge .tip {{fill: {svg.INK}; stroke: {svg.INK}; stroke-width: 1}}
.lstm-edge .pill {{fill: {svg.PAPER}; stroke: {svg.GREY}; stroke-width: 1}}
.lstm-edge .badge {{display: none}}
.lstm-edge .badge rect {{fill: {svg.PAPER}; stroke: {svg.PURPLE}; stroke-width: 2; stroke-dasharray: 4 2}}
.lstm-edge .badge text {{fill: {svg.DEEP[svg.PURPLE]}}}
.lstm-edge.cell .halo {{stroke-width: 15}}
.lstm-edge.cell .line {{stroke: {svg.DEEP[svg.SKY]}; stroke-width: 7}}
.lstm-edge.cell .tip {{fill: {svg.DEEP[svg.SKY]}; stroke: {svg.DEEP[svg.SKY]}}}
.lstm-edge.other .line {{stroke: {svg.PURPLE}; stroke-width: 4; stroke-dasharray: 8 4}}
.lstm-edge.other .tip {{fill: {svg.PURPLE}; stroke: {svg.PURPLE}}}
.lstm-edge.on .line {{stroke: {svg.BLUE}; stroke-width: 5; stroke-dasharray: none}}
.lstm-edge.on .tip {{fill: {svg.BLUE}; stroke: {svg.BLUE}}}
.lstm-edge.on .pill {{fill: {svg.BLUE}; stroke: {svg.BLUE}}}
.lstm-edge.on .pill-text {{fill: {svg.ON}}}
.lstm-edge.on .badge, .lstm-edge.other .badge {{display: inline}}
.lstm-edge.on .badge rect {{fill: {svg.BLUE}; stroke: {svg.PAPER}; stroke-dasharray: none}}
.lstm-edge.on .badge text {{fill: {svg.ON}}}
.lstm-edge.cell.on .line, .lstm-edge.cell.other .line {{stroke-width: 9}}
.lstm-edge:hover .hit {{stroke: {svg.BLUE}; stroke-opacity: 0.15}}
.lstm-edge:focus-visible .hit {{stroke: {svg.ORANGE}; stroke-opacity: 0.6}}
.lstm-edge:focus-visible .pill {{stroke: {svg.DEEP[svg.ORANGE]}; stroke-width: 4}}
"""


def panel(T, edges=(), other=None, title=True):
    """The graph as a panel.

    T      number of timesteps; above four the first two and the last two are drawn
    edges  names of the edges that carry 1/|X|
    other  names of the edges of a second placement, B; None where there is only one
    """
    return svg.panel("graph", WIDTH, HEIGHT, drawing(T, edges, other, title), words=description(T, edges, other))


def drawing(T, edges=(), other=None, title=True):
    """What `panel` shows, without the frame."""
    times, xs = columns(T)
    heading = svg.text(12, 22, "Backward: arrows show where gradients flow", 13, fill=svg.GREY) if title else ""
    parts = (edge(name, routes(name, xs), pills(name, xs), name in edges, badge_text(name, edges, other),
                  name in (other or ())) for name in EDGES)
    counts = "".join(svg.text(PARAMETER + 56, y, words, 12.5, "end", data_count=name)
                     for (name, words), y in zip(crossings(edges, T, other).items(), (SUM_Y + 31, SUM_Z + 31)))
    return f"<style>{STYLE}</style>{heading}{scenery(xs)}{''.join(parts)}{nodes(times, xs)}{gap(T, xs)}{counts}"


def crossings(edges, T, other=None):
    """How often the paths to the output's and to the gates' weights cross the chosen edges, in words."""
    return {name: "A: " * (other is not None) + how_often(path_crossings(edges, T)[name]) for name in ("Wy", "Wx")}


def how_often(paths):
    """The numbers whose bits are set, from the least to the most: "✓ crossed once", "✗ crossed 0–3 times"."""
    most, least = paths.bit_length() - 1, (paths & -paths).bit_length() - 1
    if most == least:
        return "✓ crossed once" if most == 1 else "✗ never crossed" if most == 0 else f"✗ crossed {most} times"
    return f"✗ crossed {least}–{most} times"


def description(T, edges, other=None):
    """The picture in words."""
    where = f"1/|X| on {listed(edges)}" if other is None else f"1/|X| on {listed(edges)} (A) and on {listed(other)} (B)"
    return f"Backward graph of {T} timestep{'s' * (T > 1)}; {where}."


def listed(edges):
    """The names in words."""
    return ", ".join(name for name in EDGES if name in edges) or "no edge"


def columns(T):
    """The timesteps that are drawn, and where each stands."""
    times = list(range(1, T + 1)) if T <= 4 else [1, 2, T - 1, T]
    return times, [FIRST + COLUMN * (4 - len(times) + k) for k in range(len(times))]


def routes(name, xs):
    """The lines of an edge: for each, its corners and the place of its badge."""
    middle, later = sum(xs) / len(xs), xs[1:]
    between = (C + LOSS) / 2 + 2
    return {
        "loss": [([(middle, C + TALL), (x, LOSS - TALL)], (0.55 * x + 0.45 * middle, between)) for x in xs],
        "dy": [([(x, LOSS + TALL), (x, Y - TALL)], (x, 103)) for x in xs],
        "dh_above": [([(x, Y + TALL), (x, H - TALL)], (x, 192)) for x in xs],
        "dz": [([(x, JOIN), (x, Z - TALL)], (x, 329)) for x in xs],
        "dh_next": [([(x - HALF, Z), (x - 120, Z), (x - 120, H), (x - COLUMN + HALF, H)], (x - 70, Z)) for x in later],
        "dc_next": [([(x - HALF, CELL), (x - COLUMN + HALF, CELL)], (x - 82, CELL)) for x in later],
        "dWy_t": [([(x + HALF, Y), (x + 46, Y), (x + 46, SUM_Y)], (x + 46, 155)) for x in xs],
        "dW_t": [([(x, Z + TALL), (x, SUM_Z)], (x, 396)) for x in xs],
        "dW": [([(SUM + 14, y), (PARAMETER - 58, y)], (840, y)) for y in (SUM_Y, SUM_Z)],
    }[name]


def pills(name, xs):
    """Where the name of an edge is written: the left end of each pill, at half its height."""
    last, middle = xs[-1], sum(xs) / len(xs)
    return {
        "loss": [(middle + 0.6 * (last - middle) + 26, 41)],
        "dy": [(last + 28, 103)],
        "dh_above": [(last + 28, 201)],
        "dz": [(last + 28, 332)],
        "dh_next": [(last - 103, 391)],
        "dc_next": [(last - 115, 256)],
        "dWy_t": [(last + 58, 136)],
        "dW_t": [(last + 28, 397)],
        "dW": [(826, 201), (826, 399)],
    }[name]


def edge(name, routes, pills, on, badge, other):
    """One name with all its lines, as one element that can be focused and checked."""
    kind = "lstm-edge" + " cell" * (name == "dc_next") + " on" * on + " other" * other
    arrows = [arrow(corners, 11 if name == "dc_next" else 7) for corners, _ in routes]
    lines = "".join(svg.element("path", d=track, class_="halo") for track, _ in arrows) + "".join(
        svg.element("path", d=track, class_="hit") + svg.element("path", d=track, class_="line")
        + svg.element("path", d=tip, class_="tip") for track, tip in arrows)
    width = 8.1 * len(name) + 10
    labels = "".join(
        svg.rect(x, y - 10, width, 20, rx=10, class_="pill", fill=None)
        + svg.text(x + width / 2, y + 4.5, name, 13, "middle", class_="pill-text",
                   font_family="DejaVu Sans Mono, Menlo, Consolas, monospace") for x, y in pills if routes)
    badges = "".join(
        svg.element("g", svg.rect(x - 21, y - 9, 42, 18, rx=9, fill=None)
                    + svg.text(x, y + 4.5, badge, 12.5, "middle", fill=None, font_weight="bold"), class_="badge")
        for _, (x, y) in routes)
    return svg.element(
        "g", lines + labels + badges, class_=kind, data_edge=name, role="checkbox", tabindex="0",
        aria_checked=str(on).lower(), aria_label=f"1/|X| on {name}: {MEANING[name]}", data_lm_suppress_shortcuts="true")


def badge_text(name, edges, other):
    """What stands on a chosen edge: 1/|X|, or whose 1/|X| it is where two placements are shown."""
    if other is None:
        return "1/|X|"
    return "A B" if name in edges and name in other else "A" if name in edges else "B"


def arrow(corners, size):
    """The line through the corners, rounded, and the head at its end, as two SVG paths."""
    (x0, y0), (x1, y1) = corners[-2:]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    base = (x1 - size * ux, y1 - size * uy)
    side = 0.62 * size
    track = [f"M{point(*corners[0])}"]
    for before, corner, after in zip(corners, corners[1:], corners[2:]):
        track.append(f"L{point(*towards(corner, before))}Q{point(*corner)} {point(*towards(corner, after))}")
    track.append(f"L{point(*base)}")
    tip = (f"M{point(x1, y1)}L{point(base[0] - side * uy, base[1] + side * ux)}"
           f"L{point(base[0] + side * uy, base[1] - side * ux)}Z")
    return "".join(track), tip


def towards(corner, end, radius=12):
    """The point `radius` pixels from the corner on the way to `end`."""
    (x, y), (x_end, y_end) = corner, end
    length = abs(x_end - x) + abs(y_end - y)
    share = min(radius / length, 0.5)
    return x + share * (x_end - x), y + share * (y_end - y)


def point(x, y):
    return f"{svg.number(x)} {svg.number(y)}"


def scenery(xs):
    """What is no edge of the nine: the sums over time, and the ways inside one timestep."""
    parts = []
    for first, y in ((xs[0] + 46, SUM_Y), (xs[0], SUM_Z)):
        track, tip = arrow([(first, y), (SUM - 14, y)], 8)
        parts += [svg.element("path", d=track, fill="none", stroke=svg.GREY, stroke_width=3),
                  svg.element("path", d=tip, fill=svg.GREY)]
    for x in xs:
        around = [(x - HALF, H), (x - 44, H), (x - 44, JOIN), (x - 2, JOIN)]
        for corners in ([(x, H + TALL), (x, CELL - TALL)], around):
            track, tip = arrow(corners, 6)
            parts += [svg.element("path", d=track, fill="none", stroke=svg.GREY, stroke_width=1.5),
                      svg.element("path", d=tip, fill=svg.GREY)]
        parts.append(svg.line(x, CELL + TALL, x, JOIN, stroke=svg.GREY, width=1.5))
    if len(xs) > 1:
        parts.append(svg.text(xs[0] + 108, CELL + 21, "cell path", 12, "middle", svg.BLUE, font_style="italic"))
    return "".join(parts)


def nodes(times, xs):
    """The boxes and what they are called."""
    parts = [box(sum(xs) / len(xs), C, HALF, "C", bold=True)]
    for t, x in zip(times, xs):
        subscript = "".join(SUBSCRIPTS[int(digit)] for digit in str(t))
        parts += [box(x, LOSS, 30, f"loss{subscript}"), box(x, Y, HALF, f"y{subscript}"),
                  box(x, H, HALF, f"h{subscript}"), box(x, CELL, HALF, f"c{subscript}", fill=svg.PALE_BLUE, bold=True),
                  box(x, Z, HALF, f"z{subscript}"), svg.circle(x, JOIN, 3.5, fill=svg.GREY)]
    for y, words in ((SUM_Y, "Wy, by"), (SUM_Z, "Wx, Wh, b")):
        parts += [svg.circle(SUM, y, 14, fill=svg.PAPER, stroke=svg.INK, stroke_width=1.5),
                  svg.text(SUM, y + 5.5, "Σ", 16, "middle"), box(PARAMETER, y, 56, words, bold=True, fill=svg.SOFT)]
    parts.append(svg.text(SUM + 4, SUM_Y - 22, "sum over t", 12, fill=svg.GREY))
    return "".join(parts)


def box(x, y, half, words, fill=svg.PAPER, bold=False):
    return (svg.rect(x - half, y - TALL, 2 * half, 2 * TALL, fill=fill, rx=7, stroke=svg.INK, stroke_width=1.5)
            + svg.text(x, y + 5, words, 14.5, "middle", font_weight="bold" if bold else None))


def gap(T, xs):
    """Dots where timesteps are left out."""
    if T <= 4:
        return ""
    x = (xs[1] + xs[2]) / 2
    return svg.text(x, LOSS + 6, "⋯", 24, "middle") + svg.text(x, 155, f"t = 3 to {T - 2}", 12, "middle", svg.GREY)
