"""Notebook 01: the algebra of the question, with a second summand that is a gradient or a true constant.

Two gradients meet and are added, the sum meets the next factor, and 1/|X| is applied at once or at the end:

    at once      (a/|X| + second/|X|) * factor      or, for a constant,      (a/|X| + second) * factor
    at the end   (a + second) * factor / |X|
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from ..show import svg
from . import Choice, Explorer, Slider
from .base import grid

GRADIENT, CONSTANT = "a gradient of the same loss", "a true constant"
LARGEST, LARGEST_FACTOR = 60, 100  # of the two summands and of the next factor: they fix the axes
SUMMANDS, FACTORS, SIZES = range(0, LARGEST + 1, 2), range(10, LARGEST_FACTOR + 1, 10), (*range(1, 9), 16, 32)


@dataclass(frozen=True)
class State:
    a: int = 6
    second: int = 40
    kind: str = GRADIENT
    factor: int = 100
    size_X: int = 2


class Numbers(NamedTuple):
    """Each order of work as its four columns: the two summands, their sum, the product, the result."""

    at_once: tuple
    at_the_end: tuple
    agree: bool


def numbers(state):
    """Both orders of work, in exact fractions."""
    a, second, size_X = Fraction(state.a), Fraction(state.second), state.size_X
    arriving = second / size_X if state.kind == GRADIENT else second
    summed = a / size_X + arriving
    at_once = a / size_X, arriving, summed, summed * state.factor, summed * state.factor
    at_the_end = a, second, a + second, (a + second) * state.factor, (a + second) * state.factor / size_X
    return Numbers(at_once, at_the_end, at_once[-1] == at_the_end[-1])


def headline(state, numbers):
    first, last = plain(numbers.at_once[-1]), plain(numbers.at_the_end[-1])
    if not numbers.agree:
        return False, f"They differ: {first} at once, {last} at the end"
    return (True if state.kind == GRADIENT else None), f"They agree: {first} at once, {last} at the end"


def words(state, numbers):
    if state.kind == GRADIENT:
        return (f"The {state.second} is a gradient of the same loss, so it carries the same 1/{state.size_X}, and the "
                "common factor may be taken out of the sum.")
    if not numbers.agree:
        return (f"The {state.second} does not come from the loss: at once it stays whole, at the end it is divided by "
                f"{state.size_X} too. For a term outside the mean, such as weight decay, at once is right.")
    reason = "dividing by 1 changes nothing" if state.size_X == 1 else "a constant of 0 adds nothing"
    return f"But only because {reason}. The {state.second} does not come from the loss; another number would tell."


def plain(value):
    """A number: exact where four decimals are enough, else cut off after two and marked by an ellipsis."""
    if (10_000 * value).denominator == 1:
        return f"{float(value):.4f}".rstrip("0").rstrip(".")
    return f"{int(100 * value) / 100:.2f}…"


# The picture: a panel for each order of work, its steps below each other, on fixed axes. A phone has room for a panel.
WIDTH, BAR = 290, 282
CONSTANT_LOOK = {"fill": svg.PAPER, "stroke": svg.RED, "stroke_width": 2, "stroke_dasharray": "5 3"}


def draw(state, numbers):
    """Bars on fixed axes: what arrives, its sum, the product, the result; then what a loss twice as large changes."""
    return (order_of_work("at once", state, numbers.at_once, numbers.at_the_end[-1]),
            order_of_work("at the end", state, numbers.at_the_end, numbers.at_once[-1]),
            proportionality(state))


def order_of_work(name, state, columns, other):
    """The two summands, their sum as one stacked bar, the product, the result, and that of the other order."""
    a, second, summed, product, result = columns
    at_once, constant = name == "at once", state.kind == CONSTANT
    look = CONSTANT_LOOK if constant else {"fill": svg.ORANGE}
    of_a, of_second = (f" / {state.size_X} = {plain(divided)}" if at_once else "" for divided in (a, second))
    own, both, last = (BAR / limit for limit in (LARGEST, 2 * LARGEST, 2 * LARGEST * LARGEST_FACTOR))
    parts = [svg.text(0, 16, f"Divide {name}", 16, bold=True),
             step(42, "Gradient and constant arrive" if constant else "Two gradients arrive", LARGEST),
             svg.text(0, 61, f"a = {state.a}{of_a}", 13), bar(66, a * own),
             svg.text(0, 98, f"{state.second}{', a constant' if constant else of_second}", 13),
             bar(103, second * own, **look),
             step(142, "They are added", 2 * LARGEST),
             svg.text(0, 161, f"{plain(a)} + {plain(second)} = {plain(summed)}", 13),
             bar(166, second * both, a * both, **look), bar(166, a * both),
             step(205, f"The sum meets the factor {state.factor}", 2 * LARGEST * LARGEST_FACTOR),
             svg.text(0, 224, f"{plain(summed)} × {state.factor} = {plain(product)}", 13),
             bar(229, product * last, fill=svg.GREY),
             step(268, "This is the result" if at_once else "It is divided: the result", 2 * LARGEST * LARGEST_FACTOR),
             svg.text(0, 289, plain(result), 16, bold=True), bar(295, result * last, fill=svg.INK)]
    divided = ([61] if constant else [61, 98]) if at_once else [289]
    parts += [division(y, state.size_X) for y in divided]
    x, (sign, colour) = float(other) * last, ("=", svg.GREEN) if result == other else ("≠", svg.RED)
    beside = f"{sign} {plain(other)}, divided {'at the end' if at_once else 'at once'}"
    parts += [svg.text(min(max(x, 86), BAR - 86), 329, beside, 12, "middle", colour),
              svg.line(x, 291, x, 315, colour, 2, stroke_dasharray="3 3")]
    said = f"Divided {name}: {plain(a)} + {plain(second)} = {plain(summed)}; times {state.factor}: {plain(product)}"
    return svg.panel(name, WIDTH, 336, *parts, words=f"{said}; the result is {plain(result)}.")


def step(y, sentence, limit):
    """What happens in this step, and the axis of its bars, from 0 to the limit."""
    return "".join([svg.text(0, y, sentence, 13, bold=True),
                    svg.text(BAR, y, f"{limit:,}", 12, "end", svg.GREY),
                    *(svg.line(x, y + 22, x, y + 42, svg.FAINT) for x in (0, BAR / 2, BAR))])


def bar(y, length, start=0, **look):
    """A bar, of 2 px at least unless it is 0."""
    return svg.rect(float(start), y, max(float(length), 2) if length else 0, 14, **look)


def division(y, size_X):
    """The mark where 1/|X| is applied, at the right end of a line of text."""
    x = BAR - 38
    return (svg.rect(x, y - 15, 38, 18, svg.PAPER, stroke=svg.PURPLE, stroke_width=2, rx=6)
            + svg.text(x + 19, y - 1, f"÷{size_X}", 13, "middle", svg.PURPLE, bold=True))


def proportionality(state):
    """What becomes of each summand when the loss doubles."""
    doubled = state.second * (2 if state.kind == GRADIENT else 1)
    doubles = doubled == 2 * state.second
    lines = (f"a = {state.a} becomes {2 * state.a}  (yes, it doubles)",
             f"the second, {state.second}, {'becomes' if doubles else 'stays'} {doubled}",
             "(yes, it doubles)" if doubles else "(no: it is not from the loss)")
    colour = svg.GREEN if doubles else svg.RED
    return svg.panel(
        "doubled", WIDTH, 96, svg.rect(0, 0, WIDTH, 96, svg.SOFT, rx=8),
        svg.text(12, 22, "If the loss doubles", 13, bold=True), svg.text(12, 43, lines[0], 13),
        *(svg.text(12, y, line, 13, fill=colour, bold=True) for y, line in zip((63, 82), lines[1:])),
        words=f"If the loss doubles: {'; '.join(lines[:2])} {lines[2]}.")


PRESETS = {"Both are gradients": {}, "40 is a constant": {"kind": CONSTANT},
           "Constant and many items": {"kind": CONSTANT, "size_X": 32},
           "Constant and one item": {"kind": CONSTANT, "size_X": 1}}


def film():
    """|X| with every a and with every second summand, as a gradient and as a constant."""
    for name in ("a", "second"):
        yield from grid(State(), kind=(GRADIENT, CONSTANT), size_X=SIZES, **{name: SUMMANDS})


def linear_map():
    """The explorer of notebook 01."""
    controls = {"a": Slider("a", SUMMANDS), "second": Slider("second summand", SUMMANDS),
                "factor": Slider("next factor", FACTORS), "size_X": Slider("|X|", SIZES),
                "kind": Choice("The second summand is", [GRADIENT, CONSTANT])}
    return Explorer("Two summands meet", State(), controls, numbers, draw, words, headline, PRESETS,
                    poster=("Both are gradients",))  # the other would answer the question above it
