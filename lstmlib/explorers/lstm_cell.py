"""One LSTM cell along a sequence: its gates, its cell state and what becomes of one number in it.

It has one hidden unit and two inputs: a value at every step, and a marker that is 1 where it is to be remembered.
"""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from .. import Weights, forward
from ..show import svg
from ..show.words import minus, percent
from . import Explorer, Slider
from .base import grid

OTHER_VALUES = (0.3, -0.25, 0.2, 0.35, -0.3, 0.1, 0.3, -0.2, 0.35, -0.3, 0.25, 0.3, -0.35, 0.2, 0.25, -0.1)
T = len(OTHER_VALUES)
STEPS = np.arange(1, T + 1)


@dataclass(frozen=True)
class Gates:
    """Biases of the gates, two weights, and the number to remember: its value, and the step (1, 2, ...) it comes at."""

    b_i: int = 0
    b_f: int = 1
    b_o: int = 0
    marker_to_i: int = 0
    h_to_f: int = 0
    value: float = 0.75
    arrival: int = 3


class Numbers(NamedTuple):
    """Everything the picture shows: arrays (T,), then shares and sums at the last step."""

    x: np.ndarray
    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    h: np.ndarray
    remembered: np.ndarray  # the part of c that comes from the number
    let_in: float           # i at the step of the number
    kept: float             # product of all f after it
    others: float           # the part of the last c that comes from all other values


def numbers(state):
    Wx = [[0, 0, 1, 0],  # the value feeds the candidate,
          [state.marker_to_i, 0, 0, 0]]  # the marker the input gate,
    Wh = [[0, state.h_to_f, 0, 0]]  # and h the forget gate
    b = [state.b_i, state.b_f, 0, state.b_o]
    X = np.zeros((T, 1, 2))
    X[:, 0, 0] = OTHER_VALUES
    X[state.arrival - 1, 0] = state.value, 1
    trace = forward(Weights(*(np.array(array, float) for array in (Wx, Wh, b, [[1]], [0]))), X)
    i, f, g, o, c, h = (array[:, 0, 0] for array in (trace.i, trace.f, trace.g, trace.o, trace.c, trace.h))
    first = state.arrival - 1
    shares = np.cumprod([1, *f[first + 1:]])
    remembered = np.concatenate([np.zeros(first), i[first] * g[first] * shares])
    return Numbers(X[:, 0, 0], i, f, g, o, c, h, remembered, i[first], shares[-1], c[-1] - remembered[-1])


def words(state, numbers):
    let_in, kept, shown = (percent(share, 0.01, 0.99) for share in (numbers.let_in, numbers.kept, numbers.o[-1]))
    return (f"At step {state.arrival} the input gate let in {let_in} of the candidate "
            f"{decimal(numbers.g[state.arrival - 1])}; over the {T - state.arrival} steps since then the forget gate "
            f"kept {kept} of that; all other values together add {decimal(numbers.others)}. So c ends at "
            f"{decimal(numbers.c[-1])}. The output gate is {shown} open, and h ends at {decimal(numbers.h[-1])}.")


def headline(state, numbers):
    if state.value == 0:
        return None, "The number is 0: there is nothing to remember"
    troubles = ((numbers.let_in < 0.1, "Never written"), (numbers.kept < 0.1, "Forgotten"),
                (abs(numbers.others) > 0.25 * abs(numbers.g[state.arrival - 1]), "Mixed with the other values"),
                (numbers.let_in * numbers.kept < 0.8, "Partly remembered"),
                (numbers.o[-1] < 0.1, "Remembered, but not shown"))
    return next(((False, trouble) for there, trouble in troubles if there), (True, "Remembered, and shown"))


def decimal(value):
    """Two decimals, with a true minus sign and no negative zero."""
    return minus(f"{round(float(value), 2) + 0.0:.2f}")


TIME, C_LIMITS = (0.5, T + 0.5), (-2, 2)
STRIPS = {"x": ("input value", svg.GREY), "g": ("candidate", svg.PURPLE), "i": ("input gate", svg.GREEN),
          "f": ("forget gate", svg.RED), "o": ("output gate", svg.ORANGE)}
WIDTH = 324  # of every panel: three columns fit beside each other on a page, and one on a phone
CELL = svg.Frame(30, 22, 194, 188, TIME, C_LIMITS)
HIDDEN = svg.Frame(30, 260, 194, 84, TIME, (-1, 1))


def draw(state, numbers):
    return *(strip(name, getattr(numbers, name), state.arrival) for name in STRIPS), states(state, numbers)


def strip(name, values, arrival):
    """One row of bars: a value, or how far a gate is open."""
    what, colour = STRIPS[name]
    ticks = (-1, 0, 1) if name in "xg" else (0, 1)
    frame = svg.Frame(30, 19, 288, 44, TIME, (ticks[0], 1))
    title = svg.element("tspan", name, font_weight="bold", font_style="italic") + f"  {what}"
    parts = [band(frame, arrival), frame.axes(y_ticks=ticks, labels=minus), bars(frame, values, colour, arrival),
             frame.level(0, stroke=svg.GREY),
             svg.element("text", title, x=30, y=13, font_size=14, fill=svg.DEEP.get(colour, svg.INK)),
             svg.text(frame.right, 13, "marker: remember this one", 12, "end") if name == "x" else "",
             time_axis(frame, 80) if name == "o" else ""]
    said = ", ".join(map(decimal, values))
    return svg.panel(name, WIDTH, 98 if name == "o" else 70, *parts, words=f"{what} {name}, step by step: {said}.")


def time_axis(frame, y):
    steps = [svg.text(frame.x(step), y, step, 12, "middle", svg.GREY) for step in STEPS[::3]]
    return "".join(steps) + svg.text(frame.middle, y + 15, "timestep t", 12, "middle")


def states(state, numbers):
    """The cell state, and how much of it is the number; the hidden state."""
    c, part, h, candidate = numbers.c[-1], numbers.remembered[-1], numbers.h[-1], numbers.g[state.arrival - 1]
    came_in = f"dashed: its candidate, tanh({decimal(state.value)}) = {decimal(candidate)}"
    right = CELL.right + 6
    y_c, y_part = apart(CELL.y(c), CELL.y(part), 30)
    parts = [
        band(CELL, state.arrival), CELL.axes(y_ticks=(-2, -1, 0, 1, 2), labels=minus),
        svg.text(CELL.left, 13, "Cell state c, and the number's part of it", 13, bold=True),
        CELL.level(0, stroke=svg.GREY), bars(CELL, numbers.remembered, svg.BLUE, opacity="0.45"),
        svg.line(CELL.x(state.arrival), CELL.y(candidate), CELL.right, CELL.y(candidate), stroke=svg.BLUE, width=1.5,
                 stroke_dasharray="5 4"), *line(CELL, numbers.c),
        svg.text(right, y_c + 4, f"c = {decimal(c)}", 12, bold=True),
        svg.text(right, y_part - 3, "of it, the", 12, fill=svg.BLUE),
        svg.text(right, y_part + 11, f"number: {decimal(part)}", 12, fill=svg.BLUE),
        svg.text(CELL.left, CELL.y(-2) + 17, came_in, 12, fill=svg.BLUE),
        band(HIDDEN, state.arrival), HIDDEN.axes(y_ticks=(-1, 0, 1), labels=minus),
        svg.text(HIDDEN.left, HIDDEN.top - 9, "Hidden state h: what the network sees", 13, bold=True),
        HIDDEN.level(0, stroke=svg.GREY), *line(HIDDEN, numbers.h),
        svg.text(right, HIDDEN.y(h) + 4, f"h = {decimal(h)}", 12, bold=True), time_axis(HIDDEN, 360)]
    said = (f"Cell state, ending at {decimal(c)}, of which the number is {decimal(part)}; "
            f"hidden state, ending at {decimal(h)}.")
    return svg.panel("states", WIDTH, 380, *parts, words=said)


def band(frame, step):
    """The column of the step at which the number comes."""
    left, right = frame.x(step - 0.5), frame.x(step + 0.5)
    return svg.rect(left, frame.top, right - left, frame.height, fill=svg.BAND)


def bars(frame, values, colour, dark=None, opacity="0.55"):
    """A bar from 0 for every step; all but the step `dark` are drawn light, or as dense as `opacity` says."""
    width, zero = 0.7 * frame.width / T, frame.y(0)
    return "".join(
        svg.rect(frame.x(step) - width / 2, min(zero, frame.y(value)), width, abs(zero - frame.y(value)), fill=colour,
                 fill_opacity=None if step == dark else opacity)
        for step, value in zip(STEPS, values))


def line(frame, values):
    """Through the values, each with a dot."""
    yield frame.curve(STEPS, values, stroke=svg.INK, width=2)
    yield from (svg.circle(frame.x(step), frame.y(value), 3, fill=svg.INK) for step, value in zip(STEPS, values))


def apart(first, second, gap):
    """Two heights moved, where needed, to be `gap` pixels apart; the first comes above unless it is clearly below."""
    middle, half = (first + second) / 2, max(abs(first - second), gap) / 2
    return (middle + half, middle - half) if first - second > gap / 2 else (middle - half, middle + half)


REMEMBER = {"b_i": -5, "b_f": 6, "b_o": 4, "marker_to_i": 10}
PRESETS = {
    "Remember": REMEMBER, "Forget at once": REMEMBER | {"b_f": -6}, "Never write": REMEMBER | {"marker_to_i": 0},
    "Always write": REMEMBER | {"b_i": 5}, "Closed output": REMEMBER | {"b_o": -6},
    "Held by its own output": REMEMBER | {"b_f": -3, "h_to_f": 16}}


def controls():
    """Sliders, each in the colour of its gate."""
    biases, from_0 = range(-8, 9), range(0, 17, 2)
    values = [k / 4 for k in range(-4, 5)]
    signed = [minus(f"{bias:+d}") if bias else "0" for bias in biases]
    return {"value": Slider("number to remember", values, labels=map(decimal, values)),
            "arrival": Slider("comes at step", range(1, 13)),
            "b_i": Slider("bias of the input gate", biases, labels=signed, colour="green"),
            "marker_to_i": Slider("weight, marker to input gate", from_0, colour="green"),
            "b_f": Slider("bias of the forget gate", biases, labels=signed, colour="red"),
            "h_to_f": Slider("weight, h to forget gate", from_0, colour="red"),
            "b_o": Slider("bias of the output gate", biases, labels=signed, colour="orange")}


def film():
    """For a search of the good setting by hand: some values of its four sliders; and from every preset each alone."""
    yield from grid(Gates(), b_i=(-8, -5, -2, 0, 5), b_f=(-6, 0, 1, 3, 6), b_o=(-6, 0, 4), marker_to_i=(0, 4, 10, 16))
    for preset, (name, control) in product(PRESETS.values(), controls().items()):
        yield from grid(Gates(**preset), **{name: control.values})


def gates():
    """The explorer of notebook 02: six named states, and a start as an untrained cell has it."""
    rows = {"x": ("value", "arrival"), "g": (), "i": ("b_i", "marker_to_i"), "f": ("b_f", "h_to_f"), "o": ("b_o",)}
    return Explorer("The gates of one cell", Gates(), controls(), numbers, draw, words, headline, PRESETS, rows=rows)
