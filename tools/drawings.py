"""Drawings for slides: SVG of 1160 pixels across, in which no text is smaller than 26 pixels."""

import numpy as np

from lstmlib import backward, forward, init_weights, scale_at
from lstmlib.placement import EDGES, RIGHT
from lstmlib.show import graph as backward_graph
from lstmlib.show import svg
from lstmlib.show.svg import BLUE, FAINT, GREEN, GREY, INK, ORANGE, PAPER, PURPLE, RED, circle, element, line, rect
from lstmlib.show.svg import text as small_text

WIDTH = 1160
BOLD, CODE = {"bold": True}, {"font_family": "DejaVu Sans Mono, monospace"}
BITS = "dz", "dh_next", "dc_next", "dh_above", "dW_t", "dWy_t", "loss", "dy", "dW"  # so the right sets lie apart


def picture(height, *parts, words):
    return element("svg", "".join(parts), xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}",
                   role="img", aria_label=words, font_family="system-ui, Arial, DejaVu Sans, sans-serif")


def text(x, y, words, size=26, anchor="middle", fill=INK, **more):
    return small_text(x, y, words, size, anchor, fill, **more)


def arrow(*corners, colour=GREY, width=4):
    return backward_graph.coloured_arrow(corners, 8 + width, colour, width)


def bars(columns, table, words):
    """A table of bars: {row: for each column the bar's length, 0 to 1, its colour, its label, and a frame's length}."""
    left = 60 + 18 * max(map(len, table))
    wide, tall = (WIDTH - left) / len(columns), min(340 / len(table), 120)
    room, height = wide - 130, 0.64 * tall
    parts = [text(left + wide * k, 36, column, 30, "start", **BOLD) for k, column in enumerate(columns)]
    for number, (row, cells) in enumerate(table.items()):
        top, middle = 60 + tall * (number + 0.18), 70 + tall * (number + 0.5)
        parts.append(text(left - 24, middle, row, 30, "end"))
        for k, (length, colour, label, frame) in enumerate(cells):
            x = left + wide * k
            if frame:
                parts.append(rect(x, top, room * frame, height, PAPER, stroke=INK, stroke_width=2,
                                  stroke_dasharray="6 5"))
            parts += [rect(x, top, room * length, height, colour),
                      text(x + room * max(length, frame) + 12, middle, label, 30, "start")]
    return picture(64 + tall * len(table), *parts, words=words)


def two_paths(numbers="sum"):
    """A node that is used twice: what comes into it is asked, or is 6 and 40, or of the mean half of these."""
    seed, a, b, dh, dw = {"ask": ("", "?", "?", "?", "?"), "sum": ("1", "6", "40", "6 + 40 = 46", "92"),
                          "mean": ("1/2", "3", "20", "3 + 20 = 23", "46")}[numbers]
    objective = "the mean" if numbers == "mean" else "the sum"
    nodes = ((120, 190, "w = 3", 70), (420, 190, "h = 2w = 6", 100), (780, 80, "L₁ = 6h", 85),
             (780, 300, "L₂ = h² + 28h", 124), (1080, 190, "C", 50))
    ways = ((1028, 170, 869, 92, BLUE), (1028, 210, 908, 282, ORANGE), (693, 90, 524, 174, BLUE),
            (654, 282, 524, 206, ORANGE), (318, 190, 194, 190, PURPLE))
    parts = [rect(x - half, y - 28, 2 * half, 56, PAPER, rx=10, stroke=INK, stroke_width=2.5)
             + text(x, y + 11, name, 30) for x, y, name, half in nodes]
    parts += [arrow((x0, y0), (x1, y1), colour=colour, width=5) for x0, y0, x1, y1, colour in ways]
    return picture(380, *parts, text(970, 100, seed, 30), text(980, 296, seed, 30), text(590, 100, a, 44, **BOLD),
                   text(594, 328, b, 44, **BOLD), text(400, 268, f"dh = {dh}", 32, **BOLD),
                   text(160, 130, f"dw = {dw}", 32), text(1080, 256, objective, 30),
                   words=f"C, {objective}, feeds two losses with the seed {seed}; into h come {a} and {b}: dh = {dh}; "
                         f"dw = {dw}.")


def cell():
    """The cell: one path on which things are kept and added, and four gates."""
    parts = [line(60, 80, 1100, 80, BLUE, 10), text(30, 60, "c before", 32, "start"), text(1130, 60, "c", 32, "end"),
             text(872, 156, "tanh", 32, "start"), text(1130, 252, "h", 32, "end")]
    for way in (((495, 240), (495, 106)), ((850, 80), (850, 214)), ((876, 240), (1080, 240))):
        parts.append(arrow(*way, width=5))
    for x, y, sign in ((250, 80, "×"), (495, 80, "+"), (495, 240, "×"), (850, 240, "×")):
        parts.append(circle(x, y, 25, PAPER, stroke=INK) + text(x, y + 10, sign, 34))
    for name, x, to, does, colour in (("f", 250, (250, 108), "keep", RED), ("i", 430, (472, 252), "let in", GREEN),
                                      ("g", 560, (518, 252), "what", BLUE), ("o", 850, (850, 268), "show", PURPLE)):
        parts += [arrow((x, 330), to, colour=colour, width=5),
                  rect(x - 44, 330, 88, 62, PAPER, rx=8, stroke=colour, stroke_width=5),
                  text(x, 372, name, 34, **BOLD), text(x, 434, does, 32)]
    return picture(450, *parts, words="The cell state runs from left to right; f keeps a share of it, i lets a share "
                   "of g in, which is added, and o shows a share of tanh(c) as h.")


def graph(number=0):
    """The notebooks' backward graph of two timesteps, with room for large names; or one of the four paths to b."""
    path = backward_graph.paths_to("b", 2)[int(number) - 1] if number else ()
    on, lit, parts = [edge for edge, _ in path], backward_graph.counted(path, (), 2), []
    lit |= {at.replace("join", "cell"): "" for at in lit}  # by both ways
    ways = backward_graph.ways(LAYOUT, (1, 2), COLUMNS, SUM)
    for at, way in sorted(ways.items(), key=lambda one: (one[0] in lit, one[0][:2] == "dh", one[0][:2] == "dc")):
        kind, colour = at.split()[0], RED if at in lit else FAINT
        if not path:
            colour = svg.DEEP[svg.SKY] if kind == "dc_next" else INK if kind in EDGES else GREY
        width, track = 4 + 3 * (at in lit) + 4 * (kind == "dc_next" and not path), backward_graph.arrow(way, 0.1)[0]
        if kind in ("dh_above", "dh_next", "dc_next"):  # bridges
            parts.append(element("path", d=track, fill="none", stroke=PAPER, stroke_width=18))
        parts.append(element("path", d=track, fill="none", stroke=colour, stroke_width=width)
                     if kind == "cell" or at in ("sum Wy 1", "sum Wx 1") else arrow(*way, colour=colour, width=width))
    parts += [circle(x, JOIN, 6, GREY) for x in COLUMNS]
    for x, y, half, name in NODES:
        fill = svg.PALE_BLUE if y == CELL else PAPER
        parts.append(rect(x - half, y - 21, 2 * half, 42, fill, rx=9, stroke=INK, stroke_width=2.5)
                     + text(x, y + 10, name, 28, **BOLD))
    for name, x, y, at in NAMES:
        fill = "#004c78" if not path else INK if name in on and at in ("", *lit) else GREY
        parts.append(text(x, y, name, 34, fill=fill, **CODE, **BOLD))
    if path:
        times, colour = ("once", INK) if on.count("dz") == 1 else ("twice", RED)
        parts += [text(720, 40, f"Path {number} of 4", 40, "start", **BOLD),
                  text(720, 94, f"crosses dz {times}", 40, "start", colour)]
    return picture(562, *parts, words=backward_graph.panel(2, path=path or None, title=False).words)


LAYOUT = backward_graph.Layout((24, 96, 176, 230, 292, 360, 408, 464, 538), 38, 21, bus=76, round=74, back=260, dot=0,
                               ring=26, arrow=80)
C, LOSS, Y, SUM_Y, H, CELL, JOIN, Z, SUM_Z = LAYOUT.rows
COLUMNS, SUM, WEIGHTS = (130, 540), 830, 1010
NODES = [(335, C, 40, "C"), *((x, y, half, name + "₁₂"[k]) for k, x in enumerate(COLUMNS) for y, half, name in (
    (LOSS, 56, "loss"), (Y, 38, "y"), (H, 38, "h"), (CELL, 38, "c"), (Z, 38, "z"))),
    *((SUM, y, 26, "Σ") for y in (SUM_Y, SUM_Z)), (WEIGHTS, SUM_Y, 100, "Wy, by"), (WEIGHTS, SUM_Z, 100, "Wx, Wh, b")]
NAMES = (("loss", 500, 44, ""), ("dy", 576, 148, ""), ("dWy_t", 674, 184, ""), ("dh_above", 640, 268, ""),
         ("dc_next", 371, 342, ""), ("dh_next", 371, 448, ""), ("dz", 576, 438, ""), ("dW_t", 597, 518, ""),
         ("dW", 875, 210, "dW Wy"), ("dW", 875, 518, "dW Wx"))


def five_of_512(ask=""):
    """A field of all 512 sets; the five right ones are filled and named, or nothing is told of them."""
    right = [] if ask else [sum(1 << BITS.index(edge) for edge in edges) for edges in RIGHT]
    places = [(20 + 20 * (number % 32), 24 + 30 * (number // 32)) for number in range(512)]
    parts = [circle(*place, 5, "#9a9a9a") for number, place in enumerate(places) if number not in right]
    if ask:
        return picture(500, *parts, text(930, 270, "?", 160, fill=BLUE, **BOLD), words="512 dots.")
    for k, (number, edges) in enumerate(zip(right, RIGHT)):
        x, y = places[number]
        parts += [rect(x - 17, y - 17, 34, 34, BLUE, rx=6), text(x, y + 10, k + 1, fill=PAPER, **BOLD),
                  rect(700, 66 + 84 * k, 40, 40, BLUE, rx=6), text(720, 95 + 84 * k, k + 1, fill=PAPER),
                  text(760, 98 + 84 * k, " + ".join(edges), 38, "start", **CODE)]
    return picture(500, *parts, words=f"512 dots, {len(right)} filled: {'; '.join(' and '.join(e) for e in RIGHT)}.")


def weights_of_tokens():
    """What a token weighs where two micro-batches with 30 and 10 tokens are averaged by themselves."""
    table = {"one of 30": [(1 / 2, BLUE, "1×", 0), (1 / 3, BLUE, "0.67×", 0)],
             "one of 10": [(1 / 2, ORANGE, "1×", 0), (1, ORANGE, "2×", 0)]}
    return bars(["mean over tokens", "mean of the two means"], table, "In the mean over tokens each token weighs the "
                "same; in the mean of means a token of the 30 weighs 2/3 of that and one of the 10 twice as much.")


def fingerprints():
    """What a token of sequences with 2, 3 and 5 tokens weighs under four |X|."""
    divisors = {"tokens": (10, 10, 10), "sequences": (3, 3, 3), "sequence means": (6, 9, 15), "padded": (15, 15, 15)}
    table = {name: [(3 / divisor, colour, f"1/{divisor}", 0) for divisor in divisors[name]]
             for name, colour in zip(divisors, (BLUE, GREEN, ORANGE, PURPLE))}
    return bars(["2 tokens", "3 tokens", "5 tokens"], table, "; ".join(
        f"{name}: {', '.join(label for _, _, label, _ in cells)}" for name, cells in table.items()))


def xray():
    """Rows of the gradient of Wx for one-hot inputs and a loss at the last timestep: true, and of two patients."""
    weights = init_weights(4, 6, 2, seed=3)
    trace = forward(weights, np.eye(4)[:, None])
    dY = np.zeros_like(trace.Y)
    dY[-1] = 1
    true, *patients = [np.linalg.norm(backward(weights, trace, dY, at=scale_at(cut, 0)).Wx, axis=1)
                       for cut in ((), ("dh_next", "dc_next"), ("dc_next",))]
    table = {f"dz{'₁₂₃₄'[t]}": [(norms[t] / true.max(), BLUE if np.isclose(norms[t], true[t], 1e-9) else RED,
                                 f"{round(norms[t], 3):g}", true[t] / true.max()) for norms in (true, *patients)]
             for t in (3, 2, 1)}
    return bars(["true", "patient A", "patient B"], table, "Norms of dz at t = 4, 3 and 2 for a loss at t = 4. Patient "
                "A has nothing before t = 4; patient B has too little before t = 4.")
