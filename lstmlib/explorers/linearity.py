"""Notebook 01: the algebra of the question, with a second summand that is a gradient or a true constant.

Two gradients meet and are added, the sum meets the next factor, and 1/|X| is applied at once or at the end:

    at once      (a/|X| + second/|X|) * factor      or, for a constant,      (a/|X| + second) * factor
    at the end   (a + second) * factor / |X|

All arithmetic is in exact fractions, so that "equal" means equal.
"""

from dataclasses import dataclass
from fractions import Fraction

from ..show import svg
from .base import Explorer
from .controls import Choice, Slider

GRADIENT, CONSTANT = "a gradient of the same loss", "a true constant"
LARGEST, LARGEST_FACTOR = 60, 100  # of the two summands and of the next factor: they fix the axes


@dataclass(frozen=True)
class State:
    a: int = 6
    second: int = 40
    kind: str = GRADIENT
    factor: int = 100
    size_X: int = 2


@dataclass(frozen=True)
class Numbers:
    """Each order of work as its four columns: the two summands, their sum, the product, the result."""

    at_once: tuple
    at_the_end: tuple
    agree: bool
    second_of_double_loss: int  # what the second summand becomes when the loss doubles


def numbers(state):
    """Both orders of work, in exact fractions."""
    a, second, size_X = Fraction(state.a), Fraction(state.second), state.size_X
    arriving = second / size_X if state.kind == GRADIENT else second
    summed = a / size_X + arriving
    at_once = a / size_X, arriving, summed, summed * state.factor, summed * state.factor
    at_the_end = a, second, a + second, (a + second) * state.factor, (a + second) * state.factor / size_X
    doubled = 2 * state.second if state.kind == GRADIENT else state.second
    return Numbers(at_once, at_the_end, at_once[-1] == at_the_end[-1], doubled)


def words(state, numbers):
    """The verdict: do both orders agree, and why."""
    first, last = plain(numbers.at_once[-1]), plain(numbers.at_the_end[-1])
    if state.kind == GRADIENT:
        return (f"They agree: {first} at once, {last} at the end. The {state.second} is a gradient of the same loss, "
                f"so it carries the same 1/{state.size_X}, and the common factor may be taken out of the sum.")
    if not numbers.agree:
        return (f"They differ: {first} at once, {last} at the end. The {state.second} does not come from the loss: at "
                f"once it stays whole, at the end it is divided by {state.size_X} too. For a term outside the mean, "
                "such as weight decay, at once is right.")
    reason = "dividing by 1 changes nothing" if state.size_X == 1 else "a constant of 0 adds nothing"
    return (f"They agree, at {first}, but only because {reason}. The {state.second} does not come from the loss; "
            "another number would tell.")


def plain(value):
    """A number: exact where four decimals are enough, else cut off after two and marked by an ellipsis."""
    if (10_000 * value).denominator == 1:
        return f"{float(value):.4f}".rstrip("0").rstrip(".")
    return f"{int(100 * value) / 100:.2f}…"


# The picture: four columns (arrive, add, multiply, result), one row for each order of work.
WIDTH, HEIGHT = 980, 470
COLUMNS = (150, 380, 588, 796)
BAR = 150  # the longest bar of every column
ROWS = {"at once": 92, "at the end": 252}
BAR_HEIGHT = 22


def draw(state, numbers):
    """Bars on fixed axes: what arrives, its sum, the product, the result; the two results joined by the verdict."""
    parts = [headings(state),
             order_of_work("at once", state, numbers.at_once),
             order_of_work("at the end", state, numbers.at_the_end),
             verdict(numbers), proportionality(state, numbers)]
    return (svg.panel("all", WIDTH, HEIGHT, *parts, words=words(state, numbers)),)


def headings(state):
    titles = "1  arrive", "2  are added", f"3  meet the factor {state.factor}", "4  result"
    limits = LARGEST, 2 * LARGEST, 2 * LARGEST * LARGEST_FACTOR, 2 * LARGEST * LARGEST_FACTOR
    parts = [svg.text(x, 26, title, 14, font_weight="bold") for x, title in zip(COLUMNS, titles)]
    for x, limit in zip(COLUMNS, limits):
        parts += [svg.text(x, 46, "0", 11, "middle", svg.GREY),
                  svg.text(x + BAR, 46, f"{limit:,}", 11, "middle", svg.GREY)]
        parts += [svg.line(edge, 52, edge, 366, stroke=svg.FAINT) for edge in (x, x + BAR / 2, x + BAR)]
    return "".join(parts)


def order_of_work(name, state, columns):
    """One row: the two summands, their sum as one stacked bar, the product, the result."""
    a, second, summed, product, result = columns
    y, at_once, constant = ROWS[name], name == "at once", state.kind == CONSTANT
    own_bar, sum_bar = BAR / LARGEST, BAR / (2 * LARGEST)
    result_bar = sum_bar / LARGEST_FACTOR
    middle = y + 34
    x1, x2, x3, x4 = COLUMNS
    parts = [svg.text(14, y + 26, "divide", 15, font_weight="bold"), svg.text(14, y + 46, name, 15, font_weight="bold"),
             bar(x1, y, a * own_bar), svg.text(x1, y - 6, arrival("a = ", state.a, a, at_once, state.size_X), 13),
             bar(x1, y + 62, second * own_bar, second=True, constant=constant),
             svg.text(x1, y + 56, arrival("", state.second, second, at_once and not constant, state.size_X)
                      + (", a constant" if constant else ""), 13),
             bar(x2 + a * sum_bar, middle, second * sum_bar, second=True, constant=constant),
             bar(x2, middle, a * sum_bar),
             svg.text(x2, middle - 6, f"{plain(a)} + {plain(second)} = {plain(summed)}", 13),
             bar(x3, middle, product * result_bar, fill=svg.GREY),
             svg.text(x3, middle - 6, f"{plain(summed)} × {state.factor} = {plain(product)}", 13),
             bar(x4, middle, result * result_bar, fill=svg.INK),
             svg.text(x4, middle - 7 if at_once else middle + BAR_HEIGHT + 19, plain(result), 16, font_weight="bold")]
    parts += [arrow(x + BAR + 12, x + BAR + 46, middle + BAR_HEIGHT / 2) for x in COLUMNS[1:3]]
    parts.append(addition(x1 + BAR + 8, y + 11, y + 73))
    if at_once:
        parts.append(division(x1 - 46, y, state.size_X))
        parts.append("" if constant else division(x1 - 46, y + 62, state.size_X))
    else:
        parts.append(division(x3 + BAR + 8, middle, state.size_X))
    return "".join(parts)


def arrival(name, number, divided, at_once, size_X):
    """The text of one summand as it arrives: "a = 6 / 2 = 3", or "a = 6"."""
    return f"{name}{number} / {size_X} = {plain(divided)}" if at_once else f"{name}{number}"


def bar(x, y, length, fill=svg.BLUE, second=False, constant=False):
    """A bar, of 2 px at least unless it is 0; a second summand is orange as a gradient, dashed as a constant."""
    length = max(float(length), 2) if length else 0
    if constant:
        outline = {"stroke": svg.RED, "stroke_width": 2, "stroke_dasharray": "5 3"}
        return svg.rect(x, y, length, BAR_HEIGHT, svg.PAPER, **outline)
    return svg.rect(x, y, length, BAR_HEIGHT, svg.ORANGE if second else fill)


def division(x, y, size_X):
    """The mark where 1/|X| is applied."""
    return (svg.rect(x, y, 38, BAR_HEIGHT, svg.PAPER, stroke=svg.PURPLE, stroke_width=2, rx=6)
            + svg.text(x + 19, y + 16, f"÷{size_X}", 13, "middle", svg.PURPLE, font_weight="bold"))


def arrow(start, end, y):
    head = svg.curve([(end - 6, y - 5), (end, y), (end - 6, y + 5)], svg.GREY, 1.5)
    return svg.line(start, y, end, y, svg.GREY, 1.5) + head


def addition(x, top, bottom):
    """Two lines that meet in a plus sign, and an arrow onwards."""
    y, centre = (top + bottom) / 2, x + 36
    return (svg.curve([(x, top), (centre, y), (x, bottom)], svg.GREY, 1.5) + arrow(centre, centre + 30, y)
            + svg.circle(centre, y, 11, svg.PAPER, stroke=svg.GREY, stroke_width=1.5)
            + svg.text(centre, y + 6, "+", 17, "middle"))


def verdict(numbers):
    """Between the two results: equal or not, with a plumb line from the end of each bar."""
    result_bar = BAR / (2 * LARGEST * LARGEST_FACTOR)
    x, colour = COLUMNS[3], svg.GREEN if numbers.agree else svg.RED
    top, bottom = ROWS["at once"] + 34 + BAR_HEIGHT, ROWS["at the end"] + 34
    ends = [x + float(columns[-1]) * result_bar for columns in (numbers.at_once, numbers.at_the_end)]
    lines = [svg.line(ends[0], top, ends[0], bottom + BAR_HEIGHT, colour, 1.5, stroke_dasharray="3 3"),
             svg.line(ends[1], top, ends[1], bottom, colour, 1.5, stroke_dasharray="3 3")]
    sign = "= equal" if numbers.agree else "≠ not equal"
    return "".join(lines) + svg.rect(x + 14, 198, 122, 30, svg.PAPER, stroke=colour, stroke_width=2, rx=8) + svg.text(
        x + 75, 218, sign, 15, "middle", colour, font_weight="bold")


def proportionality(state, numbers):
    """The strip at the foot: what becomes of each summand when the loss doubles."""
    doubles = numbers.second_of_double_loss == 2 * state.second
    second = f"the second, {state.second}, {'becomes' if doubles else 'stays'} {numbers.second_of_double_loss}"
    colour = svg.GREEN if doubles else svg.RED
    return (svg.rect(14, 396, WIDTH - 28, 58, svg.SOFT, rx=8)
            + svg.text(28, 430, "If the loss doubles:", 14, font_weight="bold")
            + svg.text(206, 430, f"a = {state.a} becomes {2 * state.a}  (yes, it doubles)", 14)
            + svg.text(510, 430, f"{second}  ({'yes, it doubles' if doubles else 'no: not from the loss'})", 14,
                       fill=colour, font_weight="bold"))


def linear_map():
    """The explorer of notebook 01."""
    controls = {"a": Slider("a", range(0, LARGEST + 1, 2)),
                "second": Slider("second summand", range(0, LARGEST + 1, 2)),
                "factor": Slider("next factor", range(10, LARGEST_FACTOR + 1, 10)),
                "size_X": Slider("|X|", (*range(1, 9), 16, 32)),
                "kind": Choice("The second summand is", [GRADIENT, CONSTANT])}
    presets = {"Both are gradients": {},
               "40 is a constant": {"kind": CONSTANT},
               "Constant and many items": {"kind": CONSTANT, "size_X": 32},
               "Constant and one item": {"kind": CONSTANT, "size_X": 1}}
    return Explorer("Two summands meet", State(), controls, numbers, draw, words, presets=presets,
                    poster=("Both are gradients", "40 is a constant"))
