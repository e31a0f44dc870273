"""The laboratory's picture: panels on axes that never change, below the backward graph."""

import numpy as np

from ...show import graph, svg
from .numbers import PLACEMENTS, TRUTH, as_factor, direction, entries, factor, headline, words

WIDTH, HEIGHT = 1000, 372
RATIO_TICKS = [(1e3, "1000"), (1e2, "100"), (10, "10"), (1, "1"), (0.1, "1/10"), (1e-2, "1/100"), (1e-3, "1/1000")]


def draw(state, numbers):
    """The panels: verdict, entries against the truth, crossing spectrum (or what differs on the way)."""
    return svg.picture(WIDTH, HEIGHT, panels(state, numbers), words=words(state, numbers))


def whole_picture(state, numbers):
    """Graph and panels in one: the laboratory on paper."""
    other = PLACEMENTS.get(state.beside)
    below = svg.element("g", panels(state, numbers), transform=f"translate(0 {graph.HEIGHT})")
    return svg.picture(WIDTH, graph.HEIGHT + HEIGHT, graph.drawing(state.T, state.edges, other), below,
                       words=f"{graph.description(state.T, state.edges, other)} {words(state, numbers)}")


def panels(state, numbers):
    if state.beside == TRUTH:
        return (verdict(state, numbers, facts(state, numbers))
                + ratios(numbers, state, 66, 560, "Your entry / true entry (× wrong sign, ▲▼ beyond the axis)")
                + differences(numbers, 66, 560) + spectrum_table(numbers, 690))
    a, b = graph.listed(state.edges), graph.listed(PLACEMENTS[state.beside])
    who = f"A: {a}.   B: {b}.   |X| = {state.size_X}, {state.dtype}"
    return (verdict(state, numbers, who) + ways(state, numbers, 66, 520)
            + ratios(numbers, state, 672, 290, "Weights: A / B (× other sign, ▲▼ beyond)", 222))


def facts(state, numbers):
    right = [name for name, is_right in numbers.right.items() if is_right]
    return (f"|X| = {state.size_X}, {state.dtype}.   Crossed exactly once: {', '.join(right) or 'no weight'}.   "
            f"{direction(numbers).capitalize()}, length {numbers.length:.3g} of the true one.")


def verdict(state, numbers, below):
    """The headline with its mark, and the facts."""
    good = headline(state, numbers).startswith(("Identical", "A and B: identical"))
    return (tick_or_cross(good) + svg.text(56, 26, headline(state, numbers), 20, font_weight="bold")
            + svg.text(56, 46, below, 13, fill=svg.GREY))


def tick_or_cross(good):
    marks = [[(20, 28), (26, 35), (37, 20)]] if good else [[(21, 21), (35, 35)], [(35, 21), (21, 35)]]
    return (svg.circle(28, 28, 17, fill=svg.GREEN if good else svg.RED)
            + "".join(svg.curve(mark, stroke=svg.PAPER, width=4) for mark in marks))


def ratios(numbers, state, left, width, title, height=148):
    """Every entry of yours over that of the truth, on an axis that never changes."""
    gradient, truth = entries(numbers.gradient), entries(numbers.truth)
    frame = svg.Frame(left, 92, width, height, (0, len(truth)), (1e-3, 1e3), log="y")
    parts = [frame.axes(y_ticks=RATIO_TICKS, title=title), groups(frame, numbers.truth, names=state.beside != TRUTH)]
    if state.size_X > 1:
        for y, label in ((frame.y(state.size_X), "|X|"), (frame.y(1 / state.size_X), "1/|X|")):
            parts += [svg.line(left, y, left + width, y, stroke=svg.GREY, stroke_dasharray="2 4"),
                      svg.text(left + width + 4, y + 4, label, 11, fill=svg.GREY)]
    parts.append(svg.line(left, frame.y(1), left + width, frame.y(1), stroke=svg.GREEN, width=2))
    for k, (mine, true) in enumerate(zip(gradient, truth)):
        if true != 0:
            parts.append(mark(frame, k + 0.5, mine / true))
    return "".join(parts)


def mark(frame, x, ratio):
    """A dot; a cross where the sign is wrong; a triangle at the edge where it lies beyond."""
    size, (low, high) = abs(ratio), frame.y_limits
    x, y = frame.x(x), frame.y(size if size > 0 else low)
    if size > high or size < low:
        tip = -5 if size > high else 5
        triangle = f"M{graph.point(x - 3, y)}L{graph.point(x + 3, y)}L{graph.point(x, y + tip)}Z"
        return svg.element("path", d=triangle, fill=svg.RED)
    if ratio < 0:
        return "".join(svg.line(x - 3, y - d, x + 3, y + d, stroke=svg.RED, width=1.5) for d in (3, -3))
    return svg.circle(x, y, 2.6)


def differences(numbers, left, width):
    """(yours − true) over the largest true entry of the same array, from -100 to 100, wide near zero."""
    frame = svg.Frame(left, 266, width, 78, (0, len(entries(numbers.truth))), (-1, 1))
    ticks = [(stretched(value), label) for value, label in
             ((-100, "−100"), (-10, ""), (-1, "−1"), (-0.1, ""), (0, "0"), (0.1, ""), (1, "1"), (10, ""), (100, "100"))]
    parts = [frame.axes(y_ticks=ticks, title="(yours − true) / largest true entry of the array"),
             groups(frame, numbers.truth),
             svg.line(left, frame.y(0), left + width, frame.y(0), stroke=svg.GREEN, width=2)]
    arrays = zip(numbers.gradient.items(), numbers.truth.items())
    relative = [(mine.astype(float) - true.astype(float)) / (np.abs(true).max().astype(float) or 1)
                for (_, mine), (_, true) in arrays]
    for k, value in enumerate(np.concatenate([array.ravel() for array in relative])):
        x, y = frame.x(k + 0.5), frame.y(stretched(value))
        parts.append(svg.line(x, frame.y(0), x, y, stroke=svg.BLUE, width=3))
    return "".join(parts)


def stretched(value):
    """A symmetric scale for differences: even steps for 0.1, 1, 10, 100 on both sides of zero; 100 becomes 1."""
    return float(np.sign(value) * np.log10(1 + abs(value) / 0.01) / np.log10(1 + 100 / 0.01))


def groups(frame, gradient, names=True):
    """Lines between the five arrays, and their names below."""
    parts, start = [], 0
    bottom = frame.top + frame.height
    for name, array in gradient.items():
        end = start + array.size
        parts.append(svg.line(frame.x(end), frame.top, frame.x(end), bottom, stroke=svg.GREY))
        if names:
            parts.append(svg.text(frame.x((start + end) / 2), bottom + 17, name, 13, "middle", font_weight="bold"))
        start = end
    return "".join(parts)


def spectrum_table(numbers, left):
    """For each weight, the share of its gradient that was divided never, once, twice, more often."""
    parts = [svg.text(left, 84, "How often was it divided?", 13, font_weight="bold")]
    lefts = [left + 38 + 67 * k for k in range(4)]
    for x, times in zip(lefts, ("never", "once", "twice", "3+ times")):
        parts.append(svg.text(x + 30, 108, times, 12.5, "middle", font_weight="bold" if times == "once" else None))
    for row, (name, share) in enumerate(numbers.shares.items()):
        y = 118 + 41 * row
        parts.append(svg.text(left, y + 20, name, 13, font_weight="bold"))
        for k, x in enumerate(lefts):
            part = share[3:].sum() if k == 3 else share[k:k + 1].sum()
            parts += [svg.rect(x, y, 60, 28, fill="#f4f4f4", stroke=svg.GREEN if k == 1 else svg.FAINT,
                               stroke_width=2 if k == 1 else 1),
                      svg.rect(x, y, 60 * part, 28, fill="#8fd3bd" if k == 1 else "#f2b38c"),
                      svg.text(x + 30, y + 19, short_percent(part), 13, "middle", svg.INK if part > 0 else svg.GREY)]
    parts += [svg.text(left, 344, "Crossing spectrum: the norm of the part that was", 11.5, fill=svg.GREY),
              svg.text(left, 360, "divided k times, as a share of the sum over k", 11.5, fill=svg.GREY)]
    return "".join(parts)


def short_percent(share):
    if 0.995 <= share < 1 - 1e-9:
        return ">99%"
    return "0" if share == 0 else "<1%" if share <= 0.005 else f"{100 * share:.0f}%"


def ways(state, numbers, left, width):
    """The norms of the intermediate gradients of A and B, timestep by timestep."""
    frame = svg.Frame(left, 92, width, 222, (0, 5), (1e-4, 1e2), log="y")
    ticks = [(100, "100"), (10, "10"), (1, "1"), (0.1, "1/10"), (1e-2, "1/100"), (1e-3, "1/1000"), (1e-4, "1/10000")]
    parts = [frame.axes(y_ticks=ticks, title="On the way: norms at t = 1 to T (A filled, B open)")]
    for group, name in enumerate(numbers.way):
        middle, border = frame.x(group + 0.5), frame.x(group + 1)
        power = factor(numbers, name, state.size_X)
        how = "no one factor" if power is None else "A = B" if power == 0 else f"A = {as_factor(power)} · B"
        parts += [svg.line(border, frame.top, border, frame.top + frame.height, stroke=svg.GREY),
                  svg.text(middle, 331, f"{name.removesuffix('_t')}_t", 13, "middle", font_weight="bold"),
                  svg.text(middle, 350, how, 12, "middle")]
        for t, (a, b) in enumerate(zip(numbers.way[name], numbers.other_way[name])):
            x = frame.x(group + (t + 1) / (state.T + 1))
            parts += [svg.line(x, frame.y(a), x, frame.y(b), stroke=svg.GREY),
                      svg.rect(x - 5, frame.y(b) - 5, 10, 10, svg.PAPER, stroke=svg.PURPLE, stroke_width=2),
                      svg.circle(x, frame.y(a), 3.2)]
    return "".join(parts)
