"""Drawings for slides: SVG of 1160 pixels across, in which no text is smaller than 26 pixels."""

import numpy as np

from lstmlib import (
    backward,
    crosses_exactly_once,
    crossing_spectrum,
    forward,
    init_weights,
    scale_at,
    squared_error,
)
from lstmlib.placement import RIGHT, shares
from lstmlib.show.svg import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    circle,
    curve,
    element,
    line,
    rect,
)
from lstmlib.show.svg import text as small_text

WIDTH, SIZE = 1160, 26


def picture(height, *parts, words):
    return element(
        "svg",
        "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=words,
        font_family="system-ui, Arial, DejaVu Sans, sans-serif",
    )


def text(x, y, words, size=SIZE, anchor="middle", fill=INK, **more):
    return small_text(x, y, words, max(size, SIZE), anchor, fill, **more)


def node(x, y, name, half=38, fill=PAPER, stroke=INK):
    return rect(x - half, y - 26, 2 * half, 52, fill, rx=10, stroke=stroke, stroke_width=2.5) + text(x, y + 10, name)


def arrow(*corners, colour=GREY, width=4):
    """A line through corners, with a tip at its end."""
    (x0, y0), (x, y) = corners[-2:]
    length = max(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5, 1)
    along, across = (x - x0) / length, (y - y0) / length
    size = 8 + width
    base = x - along * size, y - across * size
    tip = [
        (x, y),
        (base[0] - across * size / 2, base[1] + along * size / 2),
        (base[0] + across * size / 2, base[1] - along * size / 2),
    ]
    return curve([*corners[:-1], base], stroke=colour, width=width) + element(
        "polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in tip), fill=colour
    )


def two_paths(numbers="sum"):
    """The node that is used twice: 6 and 40 meet, or each carries 1/2."""
    half = numbers == "mean"
    a, b = ("3", "20") if half else ("6", "40")
    seed = "1/2" if half else "1"
    return picture(
        380,
        node(150, 190, "w = 3", 70),
        node(430, 190, "h = 6", 70),
        node(780, 80, "L₁", 50),
        node(780, 300, "L₂", 50),
        node(1040, 190, "C", 50),
        arrow((990, 170), (835, 95), colour=BLUE),
        arrow((990, 210), (835, 285), colour=ORANGE),
        arrow((728, 90), (506, 172), colour=BLUE),
        arrow((728, 290), (506, 208), colour=ORANGE),
        arrow((356, 190), (226, 190), colour=PURPLE, width=6),
        text(930, 100, seed),
        text(930, 300, seed),
        text(600, 95, a, 44, fill=BLUE, font_weight="bold"),
        text(600, 315, b, 44, fill=INK, font_weight="bold"),
        text(430, 262, f"dh = {a} + {b} = {23 if half else 46}", 30, font_weight="bold"),
        text(200, 130, f"dw = {46 if half else 92}", 30),
        words=f"C feeds two losses with the seed {seed}; into h come {a} and {b}, which add up; dw is twice their sum.",
    )


def cell():
    """The cell: one path on which things are kept and added, and four gates."""
    gates = (
        ("f", 250, "keep", "red"),
        ("i", 430, "let in", "green"),
        ("g", 560, "what", "blue"),
        ("o", 850, "show", "purple"),
    )
    colour = dict(red=RED, green=GREEN, blue=BLUE, purple=PURPLE)
    parts = [
        line(60, 80, 1100, 80, stroke=BLUE, width=10),
        text(30, 60, "c before", anchor="start"),
        text(1130, 60, "c", anchor="end"),
        arrow((495, 240), (495, 106), width=5),
        circle(250, 80, 26, PAPER, stroke=INK),
        text(250, 90, "×", 34),
        circle(495, 80, 26, PAPER, stroke=INK),
        text(495, 91, "+", 34),
        circle(495, 240, 24, PAPER, stroke=INK),
        text(495, 250, "×", 34),
        arrow((850, 80), (850, 160), width=5),
        text(900, 136, "tanh", anchor="start"),
        circle(850, 240, 24, PAPER, stroke=INK),
        text(850, 250, "×", 34),
        arrow((850, 160), (850, 214), width=5),
        arrow((876, 240), (1080, 240), width=5),
        text(1130, 250, "h", anchor="end"),
    ]
    for name, x, does, shade in gates:
        to = {"f": (250, 108), "i": (472, 250), "g": (518, 250), "o": (850, 268)}[name]
        parts += [
            arrow((x, 330), (x, to[1] + 24) if name in "fo" else to, colour=colour[shade], width=5),
            rect(x - 44, 330, 88, 62, PAPER, rx=8, stroke=colour[shade], stroke_width=5),
            text(x, 372, name, 34, font_weight="bold"),
            text(x, 432, does),
        ]
    return picture(
        450,
        *parts,
        words="The cell state runs from left to right; f keeps a share of it, i lets a share of g in, "
        "which is added, and o shows a share of tanh(c) as h.",
    )


# The backward graph of two timesteps.

X1, X2, SUM = 240, 560, 800
NODES = {
    "C": (400, 36),
    "L₁": (X1, 108),
    "L₂": (X2, 108),
    "y₁": (X1, 196),
    "y₂": (X2, 196),
    "h₁": (X1, 300),
    "h₂": (X2, 300),
    "c₁": (X1, 396),
    "c₂": (X2, 396),
    "z₁": (X1, 500),
    "z₂": (X2, 500),
}
WAYS = {
    "loss": [("C", "L₁"), ("C", "L₂")],
    "dy": [("L₁", "y₁"), ("L₂", "y₂")],
    "dh_above": [("y₁", "h₁"), ("y₂", "h₂")],
    "": [("h₁", "c₁"), ("h₂", "c₂")],
    "dz": [("c₁", "z₁"), ("c₂", "z₂")],
    "dc_next": [("c₂", "c₁")],
    "dh_next": [("z₂", "h₁")],
}
LABELS = {
    "loss": (X1 + 34, 66),
    "dy": (X1 + 30, 160),
    "dh_above": (X1 + 74, 256),
    "dz": (X1 + 34, 458),
    "dc_next": (400, 382),
    "dh_next": (452, 486),
    "dWy_t": (668, 188),
    "dW_t": (668, 488),
    "dW": (892, 254),
}
PATHS = [
    ("C", "L₂", "y₂", "h₂", "c₂", "z₂", "b"),
    ("C", "L₁", "y₁", "h₁", "c₁", "z₁", "b"),
    ("C", "L₂", "y₂", "h₂", "c₂", "c₁", "z₁", "b"),
    ("C", "L₂", "y₂", "h₂", "c₂", "z₂", "h₁", "c₁", "z₁", "b"),
]
SAID = ["1. at t = 2", "2. at t = 1", "3. back along the cell", "4. back through the gates"]


def graph(lit=0):
    """The backward graph over two timesteps with its nine names; `lit`: one of the four paths to b, 1 to 4."""
    lit = int(lit)
    path = PATHS[lit - 1] if lit else ()
    steps = set(zip(path, path[1:]))
    parts = []
    for ways in WAYS.values():
        for start, end in ways:
            (x0, y0), (x1, y1) = NODES[start], NODES[end]
            on = (start, end) in steps
            across = x0 != x1 and y0 == y1
            a, b = (
                ((x0 - 40, y0), (x1 + 40, y1))
                if across
                else ((x0, y0 + 28), (x1, y1 - 28))
                if y1 > y0
                else ((x0 - 40, y0 - 10), (x1 + 42, y1 + 12))
            )
            parts.append(arrow(a, b, colour=BLUE if on else GREY, width=9 if on else 3))
    for y, name in ((210, "Wy, by"), (500, "Wx, Wh, b")):
        on = bool(path) and y == 500
        for x in (X1, X2) if not path else (NODES[path[-2]][0],) if on else ():
            top = y + 42
            parts.append(
                curve(
                    [
                        (x + 40, y - (14 if y == 210 else 0)),
                        (x + 62, y - (14 if y == 210 else 0)),
                        (x + 62, top),
                        (SUM, top),
                    ],
                    stroke=BLUE if on else GREY,
                    width=9 if on else 3,
                )
            )
        parts += [
            node(SUM, y + 42, "+", 26),
            arrow((SUM + 28, y + 42), (960, y + 42), colour=BLUE if on else GREY, width=9 if on else 3),
            text(974, y + 52, name, 28, "start"),
        ]
    parts += [node(x, y, name, 38) for name, (x, y) in NODES.items()]
    for name, (x, y) in LABELS.items():
        parts.append(
            rect(x - len(name) * 8.2 - 3, y - 24, len(name) * 16.4 + 6, 32, PAPER)
            + text(x, y, name, font_family="DejaVu Sans Mono, monospace", fill=PURPLE)
        )
    if lit:
        times = sum(step[1][0] == "z" for step in steps)
        parts.append(
            text(930, 96, SAID[lit - 1], 30, font_weight="bold")
            + text(930, 140, f"crosses dz {'once' if times == 1 else 'twice'}", 30, fill=INK if times == 1 else RED)
        )
    words = (
        f"Path {lit} to b: {', '.join(path)}."
        if lit
        else "The backward graph over two timesteps, with the nine named edges."
    )
    return picture(570, *parts, words=words)


BITS = "dz", "dh_next", "dc_next", "dh_above", "dW_t", "dWy_t", "loss", "dy", "dW"  # the right sets lie apart


def five_of_512():
    """A field of all 512 sets; the five right ones are filled and named."""
    sets = [tuple(edge for k, edge in enumerate(BITS) if number >> k & 1) for number in range(512)]
    right = [number for number, edges in enumerate(sets) if all(crosses_exactly_once(edges, 4).values())]
    parts = [circle(20 + 20 * (n % 32), 24 + 30 * (n // 32), 5, FAINT) for n in range(512) if n not in right]
    for place, number in enumerate(sorted(right, key=lambda n: [set(edges) for edges in RIGHT].index(set(sets[n]))), 1):
        x, y = 20 + 20 * (number % 32), 24 + 30 * (number // 32)
        parts += [
            rect(x - 17, y - 17, 34, 34, BLUE, rx=6),
            text(x, y + 10, place, fill=PAPER, font_weight="bold"),
            rect(700, 66 + 84 * (place - 1), 40, 40, BLUE, rx=6),
            text(720, 95 + 84 * (place - 1), place, fill=PAPER),
            text(
                760,
                96 + 84 * (place - 1),
                " + ".join(sets[number]),
                30,
                "start",
                font_family="DejaVu Sans Mono, monospace",
            ),
        ]
    return picture(
        500, *parts, words=f"512 dots, {len(right)} of them filled: {'; '.join(' and '.join(e) for e in RIGHT)}."
    )


def spectrum(*placements):
    """For `b`, the share of the gradient that was divided never, once, twice, more often."""
    weights = init_weights(3, 4, 2, seed=1)
    rng = np.random.default_rng(0)
    trace = forward(weights, rng.normal(size=(4, 2, 3)))
    _, dY = squared_error(trace.Y, rng.normal(size=trace.Y.shape))
    parts = [
        text(330 + 200 * k, 36, name, 28, font_weight="bold" if k == 1 else "normal")
        for k, name in enumerate(("never", "once", "twice", "3+ times"))
    ]
    for row, name in enumerate(placements):
        share = shares(crossing_spectrum(weights, trace, dY, name.split("+")).b)
        y = 64 + 90 * row
        parts.append(text(200, y + 44, name, 28, "end", font_family="DejaVu Sans Mono, monospace"))
        for k in range(4):
            part = float(share[3:].sum() if k == 3 else share[k : k + 1].sum())
            x = 240 + 200 * k
            parts += [
                rect(x, y, 180, 64, PAPER, stroke=GREEN if k == 1 else FAINT, stroke_width=4 if k == 1 else 2),
                rect(x, y, 180 * part, 64, "#8fd3bd" if k == 1 else "#f2b38c"),
                text(x + 90, y + 43, f"{100 * part:.0f}%", 28),
            ]
    return picture(64 + 90 * len(placements), *parts, words=f"Shares of the gradient of b for {', '.join(placements)}.")


def weights_of_tokens():
    """What a token weighs where two micro-batches with 30 and 10 tokens are averaged by themselves."""
    parts = [
        text(300, 40, "mean over tokens", 30, font_weight="bold"),
        text(860, 40, "mean of the two means", 30, font_weight="bold"),
    ]
    for x, values in ((120, (1, 1)), (680, (2 / 3, 2))):
        for k, (value, count) in enumerate(zip(values, (30, 10))):
            height = 130 * value
            parts += [
                rect(x + 190 * k, 360 - height, 150, height, BLUE if k == 0 else ORANGE),
                text(x + 190 * k + 75, 348 - height, f"{value:.2g}×", 34, font_weight="bold"),
                text(x + 190 * k + 75, 396, f"one of {count}"),
            ]
        parts.append(line(x - 20, 360, x + 360, 360, width=3))
    return picture(
        410,
        *parts,
        words="In the mean over tokens each token weighs the same; in the mean of means a token of "
        "the 30 weighs 2/3 of that and one of the 10 twice as much.",
    )


def fingerprints():
    """What a token of sequences with 2, 3 and 5 tokens weighs under five |X|."""
    lengths = 2, 3, 5
    rows = (
        ("tokens", [1 / sum(lengths)] * 3),
        ("sequences", [1 / 3] * 3),
        ("each sequence", [1 / (3 * n) for n in lengths]),
        ("padded", [1 / (3 * max(lengths))] * 3),
    )
    parts = [text(400 + 260 * k, 34, f"{n} tokens", 28, font_weight="bold") for k, n in enumerate(lengths)]
    for row, (name, values) in enumerate(rows):
        y = 64 + 94 * row
        parts.append(text(280, y + 46, name, 30, "end"))
        for k, value in enumerate(values):
            parts += [
                rect(310 + 260 * k, y + 10, 520 * value, 50, (BLUE, GREEN, ORANGE, PURPLE)[row]),
                text(322 + 260 * k + 520 * value, y + 46, f"1/{round(1 / value)}", 28, "start"),
            ]
    return picture(
        64 + 94 * len(rows),
        *parts,
        words="; ".join(f"{name}: {', '.join(f'1/{round(1 / v)}' for v in values)}" for name, values in rows),
    )


def xray():
    """Rows of the gradient of Wx for one-hot inputs and a loss at the last timestep: true, and of two patients."""
    weights = init_weights(4, 6, 2, seed=3)
    trace = forward(weights, np.eye(4)[:, None])
    dY = np.zeros_like(trace.Y)
    dY[-1] = 1
    columns = {
        name: np.linalg.norm(backward(weights, trace, dY, at=scale_at(cut, 0)).Wx, axis=1)
        for name, cut in (("true", ()), ("patient A", ("dh_next", "dc_next")), ("patient B", ("dc_next",)))
    }
    truth, parts = columns["true"], []
    for k, (name, values) in enumerate(columns.items()):
        x = 180 + 340 * k
        parts.append(text(x + 110, 34, name, 30, font_weight="bold"))
        for row, (value, true) in enumerate(zip(values, truth)):
            y, scale, wrong = 60 + 84 * row, 200 / truth.max(), abs(value / true - 1) > 1e-9
            parts += [
                rect(x, y, scale * true, 56, PAPER, stroke=INK, stroke_width=2, stroke_dasharray="6 5"),
                rect(x, y, scale * value, 56, RED if wrong else BLUE),
                text(x + scale * max(value, true) + 14, y + 40, "✗" if wrong else "✓", 30, "start"),
            ]
            if k == 0:
                parts.append(text(150, y + 40, f"dz{'₁₂₃₄'[row]}", 30, "end"))
    return picture(
        410,
        *parts,
        words="Norms of dz at t = 1 to 4 for a loss at t = 4. Patient A has nothing before t = 4; "
        "patient B has too little before t = 4.",
    )
