"""A first look: 1/|X| in one of three places, on the first screen of the series."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..show import graph, svg
from ..weights import entries
from . import Choice, Explorer, Slider
from .where_to_divide.numbers import PLACEMENTS, SIZES, H, K
from .where_to_divide.numbers import State as Laboratory
from .where_to_divide.numbers import numbers as numbers_of_laboratory
from .where_to_divide.picture import marks

PLACES = {
    "at once, to the gradient entering the top": PLACEMENTS["At once: dy"],
    "at the end, on the summed weight gradients": PLACEMENTS["At the end: dW"],
    "at every step back in time": PLACEMENTS["At every step: dz, dWy_t"]}
AT_ONCE, AT_THE_END, AT_EVERY_STEP = PLACES
OF_OUTPUT_LAYER = (H + 1) * K  # the numbers in Wy and by


@dataclass(frozen=True)
class State:
    place: str = AT_ONCE
    size_X: int = 8


class Numbers(NamedTuple):
    """What the first look shows."""

    yours: np.ndarray  # (n,) all entries of your gradient
    truth: np.ndarray  # and of the true one
    wrong: int         # how many differ by more than rounding
    identical: bool    # whether every bit agrees


def numbers(state):
    """State -> Numbers, in float64 with four timesteps."""
    found = numbers_of_laboratory(Laboratory(edges=PLACES[state.place], size_X=state.size_X))
    yours, truth = entries(found.gradient), entries(found.truth)
    return Numbers(yours, truth, int((np.abs(yours / truth - 1) > 1e-6).sum()), found.identical)


def headline(state, numbers):
    if numbers.wrong:
        return False, f"Not the gradient: {numbers.wrong} of {len(numbers.truth)} numbers are wrong"
    return True, f"The true gradient, {'bit for bit' if numbers.identical else 'up to rounding'}"


def words(state, numbers):
    if state.size_X == 1:
        return "With |X| = 1 nothing is divided, so every place gives the true gradient. Choose another |X|."
    if numbers.wrong:
        return (f"Divided {state.place}, where it enters the gates, what came back through the gates of later steps "
                f"is divided again. The {OF_OUTPUT_LAYER} numbers of the output layer are divided once, and right.")
    said = f"Divided {state.place}: all {len(numbers.truth)} numbers in the weight gradients are the true ones."
    close = "" if numbers.identical else " They differ by a few 1e-16 of the gradient's norm."
    return said + close + (" At once or at the end, the result is the same." if state.place == AT_THE_END else "")


def draw(state, numbers):
    return scheme(state), dots(numbers)


def scheme(state):
    """Loss above, four timesteps of the LSTM, the weights' gradient at the right; arrows follow the gradients."""
    xs, sum_x = (48, 148, 248, 348), 440
    parts = [arrow((xs[0], 174), (sum_x - 16, 174), 3, svg.GREY), arrow((sum_x, 160), (sum_x, 125)),
             svg.circle(sum_x, 174, 14, fill=svg.PAPER, stroke=svg.INK, stroke_width=1.5),
             svg.text(sum_x, 179.5, "Σ", 16, "middle"), node(sum_x + 2, 97, ("weight", "gradients"), 42, svg.SOFT)]
    for t, x in enumerate(xs, 1):
        parts += [arrow((x, 32), (x, 69)), arrow((x, 125), (x, 174)),
                  node(x, 19, ("loss",), 28), node(x, 97, (f"LSTM t={t}", ""), 38, svg.PALE_BLUE)]
    parts += [arrow((later - 38, 97), (x + 38, 97), 5, svg.DEEP[svg.SKY]) for x, later in zip(xs, xs[1:])]
    where = {AT_ONCE: [(x, 49) for x in xs], AT_THE_END: [(sum_x, 145)], AT_EVERY_STEP: [(x, 109) for x in xs]}
    parts += [graph.badge(x, y, "1/|X|", svg.BLUE, svg.ON) for x, y in where[state.place]]
    legend = "A box is an LSTM step with its output layer; Σ adds up the timesteps."
    return svg.panel("scheme", 488, 222, *parts, svg.text(10, 214, legend, 12, fill=svg.GREY),
                     words=f"The way of the gradients through four timesteps; 1/|X| stands {state.place}.")


def arrow(start, end, width=2, colour=svg.INK):
    return graph.coloured_arrow((start, end), 5 + 1.2 * width, colour, width)


def node(x, y, lines, half, fill=svg.PAPER):
    """A box with one or two lines of text in its middle."""
    tall, first = (13, y + 5) if len(lines) == 1 else (28, y - 4)
    texts = (svg.text(x, first + 19 * k, line, 13, "middle") for k, line in enumerate(lines))
    box = svg.rect(x - half, y - tall, 2 * half, 2 * tall, fill=fill, rx=7, stroke=svg.INK, stroke_width=1.5)
    return box + "".join(texts)


def dots(numbers):
    """Each number of your gradient over the true one: on the line where they are equal."""
    frame = svg.Frame(72, 26, 350, 146, (0, len(numbers.truth)), (1e-3, 1e2), log="y")
    ticks = [(100, "100 times"), (10, "10 times"), (1, "equal"), (0.1, "1/10"), (1e-2, "1/100"), (1e-3, "1/1000")]
    wrong_sign = (numbers.yours * numbers.truth < 0).any()
    note = f"(the last {OF_OUTPUT_LAYER}: output layer{'; a cross: wrong sign' if wrong_sign else ''})"
    return svg.panel(
        "numbers", 430, 222, frame.axes(y_ticks=ticks, title="Your number / the true number"),
        frame.level(1, stroke=svg.GREEN, width=2), marks(frame, dict(enumerate(numbers.yours / numbers.truth))),
        svg.text(frame.middle, 194, f"the {len(numbers.truth)} numbers in the weight gradients", 12.5, "middle"),
        svg.text(frame.middle, 212, note, 12, "middle", svg.GREY),
        words=f"{len(numbers.truth) - numbers.wrong} of {len(numbers.truth)} numbers lie on the line of equality.")


def first_look():
    """Three places for 1/|X|, and whether the gradient is the true one."""
    presets = {name: {"place": place} for name, place in zip(("At once", "At the end", "At every step"), PLACES)}
    return Explorer("A first look: where do you divide by |X|?", State(),
                    {"place": Choice("Divide", PLACES), "size_X": Slider("|X|", SIZES)}, numbers, draw, words, headline,
                    presets, poster=("At once",))  # the other two would answer the votes above it
