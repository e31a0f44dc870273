"""The laboratory's panels, on axes that never change."""

import numpy as np

from ...show import svg
from ...show.words import percent
from ...weights import entries
from .numbers import TRUTH, as_factor, factor

RATIO_TICKS = [(1e3, "1000"), (1e2, "100"), (10, "10"), (1, "1"), (0.1, "1/10"), (1e-2, "1/100"), (1e-3, "1/1000")]
LEFT, WIDTH = 50, 250  # of the plots


def draw(state, numbers):
    """How often it was divided, every entry, and the differences; or, beside B, what differs on the way."""
    if state.beside == TRUTH:
        return spectrum(numbers), ratios(state, numbers), differences(numbers)
    return ways(state, numbers), ratios(state, numbers)


def spectrum(numbers):
    """For each weight, the share of its gradient that was divided never, once, twice, more often."""
    parts = [svg.text(0, 14, "How often was it divided?", 14, bold=True)]
    lefts = [30 + 68 * k for k in range(4)]
    for x, times in zip(lefts, ("never", "once", "twice", "3+ times")):
        parts.append(svg.text(x + 32, 38, times, 13, "middle", bold=times == "once"))
    for row, (name, share) in enumerate(numbers.shares.items()):
        y = 44 + 28 * row
        parts.append(svg.text(0, y + 17, name, 13, bold=True))
        for k, x in enumerate(lefts):
            part = share[k:None if k == 3 else k + 1].sum()
            edge, width, fill = (svg.GREEN, 2, svg.PALE_GREEN) if k == 1 else (svg.FAINT, 1, svg.PALE_RED)
            cell = [svg.rect(x, y, 64, 24, svg.SOFT, stroke=edge, stroke_width=width),
                    svg.rect(x, y, 64 * part, 24, fill),
                    svg.text(x + 32, y + 17, short_percent(part), 13, "middle", svg.INK if part > 0 else svg.GREY)]
            parts.append(svg.element("g", "".join(cell), data_path=f"{name} {k}"))
    said = "; ".join(f"{name} {', '.join(map(short_percent, share))}" for name, share in numbers.shares.items())
    return svg.panel("spectrum", 300, 184, *parts, words="Norm of the part of each array that was divided never, once, "
                     f"twice and so on, as a share of the sum of these norms: {said}.")


def short_percent(share):
    return percent(share).replace("less than ", "<").replace("more than ", ">") if share else "0"


def ratios(state, numbers):
    """Every entry of yours over that of the truth (of A over B), on an axis that never changes."""
    gradient, truth = (entries(one).astype(float) for one in (numbers.gradient, numbers.truth))
    frame = svg.Frame(LEFT, 20, WIDTH, 124, (0, len(truth)), (1e-3, 1e3), log="y")
    title, said = (("Yours / true", "Your entry / true entry") if state.beside == TRUTH
                   else ("A / B", "Entry of A / entry of B"))
    parts = [frame.axes(y_ticks=RATIO_TICKS, title=title), groups(frame, numbers.truth),
             svg.text(frame.right + 36, 12, "× sign  ▲▼ beyond", 12, "end", svg.GREY)]
    if state.size_X > 1:
        for value, label in ((state.size_X, "|X|"), (1 / state.size_X, "1/|X|")):
            parts += [frame.level(value, stroke=svg.GREY, stroke_dasharray="2 4"),
                      svg.text(frame.right + 5, frame.y(value) + 4, label, 12, fill=svg.GREY)]
    ratio = {k: mine / true for k, (mine, true) in enumerate(zip(gradient, truth)) if true != 0}
    lowest, highest = (most(ratio.values(), default=1) for most in (min, max))
    words = f"{said}, from {lowest:.3g} to {highest:.3g}; equal means 1."
    return svg.panel("entries", frame.right + 36, 164, *parts, frame.level(1, stroke=svg.GREEN, width=2),
                     marks(frame, ratio), words=words)


def marks(frame, ratios):
    """A dot for each {place: ratio}; a cross where the sign is wrong, a triangle at the edge where it lies beyond."""
    dots = faults = ""
    low, high = frame.y_limits
    for k, ratio in ratios.items():
        size, x = abs(ratio), frame.x(k + 0.5)
        y = frame.y(size or low)
        if not low <= size <= high:
            faults += f"M{svg.number(x - 3)} {svg.number(y)}h6l-3 {-5 if size > high else 5}z"
        elif ratio < 0:
            faults += f"M{svg.number(x - 3)} {svg.number(y - 3)}l6 6m-6 0l6 -6"
        else:
            dots += f"M{svg.number(x)} {svg.number(y)}h0"
    return (svg.element("path", d=dots, fill="none", stroke=svg.BLUE, stroke_width=4.6, stroke_linecap="round")
            + svg.element("path", d=faults, fill="none", stroke=svg.DEEP[svg.RED], stroke_width=1.5))


def differences(numbers):
    """(yours − true) over the largest true entry of the same array, from -100 to 100, wide near zero."""
    arrays = zip(*([array.astype(float) for _, array in one.items()] for one in (numbers.gradient, numbers.truth)))
    relative = np.concatenate([((mine - true) / (np.abs(true).max() or 1)).ravel() for mine, true in arrays])
    frame = svg.Frame(LEFT, 20, WIDTH, 76, (0, len(relative)), (-1, 1))
    ticks = [(stretched(value), label) for value, label in
             ((-100, "−100"), (-10, ""), (-1, "−1"), (-0.1, ""), (0, "0"), (0.1, ""), (1, "1"), (10, ""), (100, "100"))]
    bars = "".join(f"M{svg.number(frame.x(k + 0.5))} {svg.number(frame.y(0))}V{svg.number(frame.y(stretched(value)))}"
                   for k, value in enumerate(relative))
    largest = np.abs(relative).max()
    said = f"at most {largest:.2g}." if largest > 1e-9 else "none beyond rounding."
    return svg.panel("differences", frame.right + 36, 116,
                     frame.axes(y_ticks=ticks, title="(Yours − true) / largest of the array"),
                     groups(frame, numbers.truth), frame.level(0, stroke=svg.GREEN, width=2),
                     svg.element("path", d=bars, fill="none", stroke=svg.BLUE, stroke_width=3),
                     words=f"Differences of every entry, relative to its array: {said}")


def stretched(value):
    """A symmetric scale for differences: even steps for 0.1, 1, 10, 100 on both sides of zero; 100 becomes 1."""
    return float(np.sign(value) * np.log10(1 + abs(value) / 0.01) / np.log10(1 + 100 / 0.01))


def groups(frame, gradient):
    """Lines between the five arrays, and their names below."""
    parts, start = [], 0
    for name, array in gradient.items():
        end = start + array.size
        parts += [svg.line(frame.x(end), frame.top, frame.x(end), frame.bottom, stroke=svg.GREY),
                  svg.text(frame.x((start + end) / 2), frame.bottom + 16, name, 12, "middle", bold=True)]
        start = end
    return "".join(parts)


def ways(state, numbers):
    """The norms of the intermediate gradients of A and B, timestep by timestep."""
    frame = svg.Frame(58, 20, 276, 190, (0, 5), (1e-4, 1e2), log="y")
    parts = [frame.axes(y_ticks=[*RATIO_TICKS[1:], (1e-4, "1/10000")], title="On the way, at t = 1 to T"),
             svg.text(50, 245, "A =", 12, "end"), svg.text(334, 12, "● A   □ B", 12, "end", svg.GREY)]
    said = []
    for group, name in enumerate(numbers.way):
        middle, border, name_t = frame.x(group + 0.5), frame.x(group + 1), f"{name.removesuffix('_t')}_t"
        power = factor(numbers, name, state.size_X)
        how = "varies" if power is None else "B" if power == 0 else f"{as_factor(power)}·B"
        said.append(f"{name_t} of A: {how}")
        parts += [svg.line(border, frame.top, border, frame.bottom, stroke=svg.GREY),
                  svg.text(middle, 227, name_t, 13, "middle", bold=True),
                  svg.text(middle, 245, how, 12, "middle")]
        for t, (a, b) in enumerate(zip(numbers.way[name], numbers.other_way[name])):
            x = frame.x(group + (t + 1) / (state.T + 1))
            parts += [svg.line(x, frame.y(a), x, frame.y(b), stroke=svg.GREY),
                      svg.rect(x - 4, frame.y(b) - 4, 8, 8, svg.PAPER, stroke=svg.PURPLE, stroke_width=2),
                      svg.circle(x, frame.y(a), 2.8)]
    return svg.panel("ways", 336, 252, *parts, words=f"Norms of the gradients on the way. {'; '.join(said)}.")
