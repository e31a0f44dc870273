"""Notebook 06: divide at once or at the end, with a clip, Adam and a float format behind the backward pass.

The batch is |X| copies of one sequence, so the mean gradient is the same for every |X|: whatever moves as |X|
moves comes from the order of work alone.

    at once      dY / |X|  ->  backward, sum over |X| items  ->  clip  ->  Adam
    at the end   dY        ->  backward, sum over |X| items  ->  clip  ->  / |X|  ->  Adam

The sum over the items is exact, as in an accumulator that is wide enough, and then stored in the chosen format.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import backward, forward, init_weights, squared_error
from ..show import svg
from .base import Explorer
from .controls import Choice, Slider

T, D, H = 20, 2, 4
POWERS = tuple(2 ** k for k in range(21))
SIZES = tuple(sorted({*POWERS, 3, *(10 ** k for k in range(1, 7))}))
FORMATS = {"float64": np.float64, "float32": np.float32, "float16": np.float16}


@dataclass(frozen=True)
class Order:
    """|X|, the float format of the backward pass, the limit of the clip by norm (infinite: none), Adam's epsilon."""

    size_X: int = 1024
    dtype: str = "float64"
    limit: float = 3.0
    epsilon: float = 1e-8


class Way(NamedTuple):
    """What one order of work does. Entries are (117,), in float64; an overflowed gradient has an infinite norm."""

    summed: np.ndarray     # the entries that come out of backward and the sum over |X| items
    summed_norm: float
    clipped_norm: float
    received: np.ndarray   # the entries that the optimiser receives
    received_norm: float
    step: float            # root mean square of Adam's first step, per unit of the learning rate; NaN without a step


class Numbers(NamedTuple):
    """Both orders at the chosen |X|, the true mean gradient, and as curves over POWERS the (norms, steps) of each."""

    at_once: Way
    at_the_end: Way
    truth: np.ndarray
    curves_at_once: tuple
    curves_at_the_end: tuple
    lost: int        # entries that are 0 at once, though the truth is not
    overflowed: int  # entries that are infinite at the end
    clip_factor: float  # norm received at once over norm received at the end


@lru_cache
def pulled_back(dtype, factor):
    """The gradient of one item's loss with dY times `factor` in the format `dtype`: all entries, in float64."""
    weights = init_weights(D, H, K=1, seed=5, dtype=FORMATS[dtype])
    rng = np.random.default_rng(5)
    trace = forward(weights, rng.normal(size=(T, 1, D)))
    last = np.arange(T)[:, None] == T - 1
    _, dY = squared_error(trace.Y, np.full((T, 1, 1), 1.25), mask=last)
    gradient = backward(weights, trace, (dY * np.float64(factor)).astype(dY.dtype))
    return np.concatenate([array.ravel().astype(float) for _, array in gradient.items()])


def stored(entries, dtype):
    """The entries, rounded to the format: too large becomes infinite, too small becomes 0."""
    with np.errstate(over="ignore"):  # an overflow is a result here, and the picture says so
        return entries.astype(FORMATS[dtype]).astype(float)


def norm_of(entries):
    return float(np.linalg.norm(entries)) if np.isfinite(entries).all() else math.inf


def clipped(entries, limit):
    """The entries, shortened to norm `limit` where they are longer; an overflowed gradient stays as it is."""
    norm = norm_of(entries)
    return entries * (limit / norm) if limit < norm < math.inf else entries


def adam_step(entries, epsilon):
    """Root mean square of Adam's first step g / (|g| + epsilon), per unit of the learning rate."""
    if not np.isfinite(entries).all():
        return math.nan
    return float(np.sqrt(np.mean((entries / (np.abs(entries) + epsilon)) ** 2)))


def divided_at_once(state, size_X):
    summed = stored(size_X * pulled_back(state.dtype, 1 / size_X), state.dtype)
    received = clipped(summed, state.limit)
    return Way(summed, norm_of(summed), norm_of(received), received, norm_of(received),
               adam_step(received, state.epsilon))


def divided_at_the_end(state, size_X):
    summed = stored(size_X * pulled_back(state.dtype, 1), state.dtype)
    shortened = clipped(summed, state.limit)
    received = shortened / size_X
    return Way(summed, norm_of(summed), norm_of(shortened), received, norm_of(received),
               adam_step(received, state.epsilon))


def numbers(state):
    at_once, at_the_end = divided_at_once(state, state.size_X), divided_at_the_end(state, state.size_X)
    truth = pulled_back("float64", 1)
    curves = []
    for divided in (divided_at_once, divided_at_the_end):
        ways = [divided(state, size_X) for size_X in POWERS]
        curves.append(([way.received_norm for way in ways], [way.step for way in ways]))
    factor = at_once.received_norm / at_the_end.received_norm
    return Numbers(at_once, at_the_end, truth, *curves, lost=int((at_once.summed == 0).sum()),
                   overflowed=int((~np.isfinite(at_the_end.summed)).sum()), clip_factor=factor)


def words(state, numbers):
    """The verdict: what became of the gradient in each order, and of Adam's step."""
    return f"{verdict(state, numbers)} {of_the_step(numbers)}"


def verdict(state, numbers):
    entries = len(numbers.truth)
    if numbers.overflowed:
        lost = f" At once, {numbers.lost} entries have become 0." if numbers.lost else ""
        return (f"At the end overflows: {numbers.overflowed} of {entries} sums are too large for {state.dtype}, "
                f"and no division brings them back.{lost}")
    parts = []
    if numbers.lost:
        parts.append(f"At once underflows: {numbers.lost} of {entries} entries have become 0 in {state.dtype}.")
    if numbers.at_the_end.clipped_norm < numbers.at_the_end.summed_norm * 0.999:
        longer = f"{brief(numbers.clip_factor)} times as long as" if numbers.clip_factor > 1.001 else "as long as"
        parts.append(f"The clip cuts the sum of norm {brief(numbers.at_the_end.summed_norm)} to {brief(state.limit)} "
                     f"{'and the mean too' if cuts_mean(numbers) else 'but not the mean'}: divided first, "
                     f"the gradient is {longer} divided last.")
    if not parts:
        same = np.array_equal(numbers.at_once.received, numbers.at_the_end.received)
        parts.append("The orders agree bit for bit." if same else f"The orders agree up to rounding in {state.dtype}.")
    return " ".join(parts)


def cuts_mean(numbers):
    return numbers.at_once.clipped_norm < numbers.at_once.summed_norm * 0.999


def of_the_step(numbers):
    once, end = numbers.at_once.step, numbers.at_the_end.step
    if math.isnan(end):
        return f"Adam's first step at once: {once:.2f} of its full length; at the end: none."
    forgiven = numbers.clip_factor > 1.01 and abs(once - end) < 0.01
    return (f"Adam's first step at once: {once:.2f} of its full length; at the end: {end:.2f}."
            + (" It forgives the factor." if forgiven else ""))


def brief(value):
    """A number in two digits: 0.15, 3.2, 1,500 or 2.6e+06."""
    if math.isinf(value):
        return "infinite"
    if value == 0 or 1e-3 <= value < 1e5:
        rounded = float(f"{value:.2g}")
        return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
    return f"{value:.1e}".replace("-", "\N{MINUS SIGN}")


# The picture: two rows of stages above three panels, all on fixed axes.
WIDTH, HEIGHT = 1000, 526
LOW, HIGH = 1e-9, 1e2
STAGE_X, STAGE_WIDTH = (128, 346, 564, 782), 184
NORMS = svg.Frame(76, 214, 250, 260, (1, POWERS[-1]), (LOW, HIGH), log="xy")
STEPS = svg.Frame(408, 214, 230, 260, (1, POWERS[-1]), (0, 1.05), log="x")
ENTRIES = svg.Frame(726, 234, 230, 220, (1e-7, 1e1), (1e-14, 1e1), log="xy")
ZERO_Y, INFINITE_Y = 466, 222
ONCE, END = {"stroke": svg.BLUE, "width": 3}, {"stroke": svg.RED, "width": 2, "stroke_dasharray": "6 4"}


def draw(state, numbers):
    parts = [make(state, numbers) for make in (stages, norms_panel, steps_panel)] + [entries_panel(numbers)]
    return (svg.panel("all", WIDTH, HEIGHT, *parts, words=words(state, numbers)),)


def stages(state, numbers):
    """Both orders of work as a row of boxes, each with what comes out of it."""
    once, end = numbers.at_once, numbers.at_the_end
    divide = f"divide by {state.size_X:,}"
    clip = "no clip" if math.isinf(state.limit) else f"clip at {brief(state.limit)}"
    back, step = f"backward, sum, {state.dtype}", "Adam's first step"
    rows = [("at once", svg.BLUE, [(divide, "every dY"), (back, norm_text(once.summed_norm)),
                                   (clip, norm_text(once.clipped_norm)), (step, step_text(once.step))]),
            ("at the end", svg.RED, [(back, norm_text(end.summed_norm)), (clip, norm_text(end.clipped_norm)),
                                     (divide, norm_text(end.received_norm)), (step, step_text(end.step))])]
    parts = []
    for (name, colour, boxes), y in zip(rows, (16, 94)):
        parts += [svg.text(14, y + 26, "divide", 15, font_weight="bold", fill=colour),
                  svg.text(14, y + 46, name, 15, font_weight="bold", fill=colour)]
        for x, (title, result) in zip(STAGE_X, boxes):
            dashes = "6 4" if name == "at the end" else None
            bold = "bold" if title == divide else None
            parts += [svg.rect(x, y, STAGE_WIDTH, 60, svg.PAPER, stroke=colour, stroke_width=2, rx=8,
                               stroke_dasharray=dashes),
                      svg.text(x + 10, y + 24, title, 12.5, font_weight=bold),
                      svg.text(x + 10, y + 48, result, 13, fill=svg.GREY)]
            if x > STAGE_X[0]:
                parts.append(svg.curve([(x - 26, y + 30), (x - 9, y + 30), None, (x - 15, y + 25), (x - 9, y + 30),
                                        (x - 15, y + 35)], svg.GREY, 1.5))
    return "".join(parts)


def norm_text(norm):
    return f"norm {brief(norm)}"


def step_text(step):
    return "no step" if math.isnan(step) else f"{step:.2f} of its full length"


def norms_panel(state, numbers):
    ticks = [(10.0 ** k, f"1e{k}" if k else "1") for k in range(-8, 3, 2)]
    parts = [NORMS.axes(size_ticks(), ticks, "|X|", "", "Norm the optimiser receives"),
             NORMS.curve(POWERS, numbers.curves_at_once[0], **ONCE),
             NORMS.curve(POWERS, [norm if norm > 0 else math.nan for norm in numbers.curves_at_the_end[0]], **END)]
    for way, mark in ((numbers.at_once, ring), (numbers.at_the_end, cross)):
        if 0 < way.received_norm < math.inf:
            parts.append(mark(NORMS.x(state.size_X), NORMS.y(way.received_norm), 6))
    return "".join(parts) + key(92, 420)


def steps_panel(state, numbers):
    parts = [STEPS.axes(size_ticks(), [0, 0.25, 0.5, 0.75, 1], "|X|", "", "Adam's first step / its full length"),
             STEPS.curve(POWERS, numbers.curves_at_once[1], **ONCE),
             STEPS.curve(POWERS, numbers.curves_at_the_end[1], **END)]
    for way, mark in ((numbers.at_once, ring), (numbers.at_the_end, cross)):
        if not math.isnan(way.step):
            parts.append(mark(STEPS.x(state.size_X), STEPS.y(way.step), 6))
    return "".join(parts) + key(424, 420)


def size_ticks():
    return [(1, "1"), (2 ** 5, "2^5"), (2 ** 10, "2^10"), (2 ** 15, "2^15"), (2 ** 20, "2^20")]


def entries_panel(numbers):
    """Every entry that the optimiser receives against the true mean, both without their signs."""
    names = {k: f"1e{k}" if k else "1" for k in range(-12, 2, 2)}
    across = {10.0 ** k: names[k] for k in (-6, -4, -2, 0)}
    parts = [ENTRIES.axes([(value, "") for value in across], [(10.0 ** k, names[k]) for k in (-12, -8, -4, 0)],
                          y_label="size received")]
    parts += [svg.text(ENTRIES.x(value), 489, name, 11, "middle", svg.GREY) for value, name in across.items()]
    for y, label in ((ZERO_Y, "0"), (INFINITE_Y, "inf")):
        parts += [svg.rect(ENTRIES.left, y - 8, ENTRIES.width, 16, svg.SOFT),
                  svg.text(ENTRIES.left - 5, y + 4, label, 11, "end", svg.GREY)]
    parts += [svg.text(ENTRIES.left, 206, "Each entry against the true one", 13, font_weight="bold"),
              svg.text(ENTRIES.left + ENTRIES.width / 2, 510, "size of the true entry", 12, "middle"),
              svg.line(ENTRIES.x(1e-7), ENTRIES.y(1e-7), ENTRIES.x(10), ENTRIES.y(10), svg.GREY, 1)]
    for way, mark in ((numbers.at_once, ring), (numbers.at_the_end, cross)):
        pairs = zip(np.abs(numbers.truth), np.abs(way.received))
        parts += [mark(ENTRIES.x(true), entry_y(size), 2.5) for true, size in pairs]
    return "".join(parts)


def entry_y(size):
    if size == 0:
        return ZERO_Y
    return ENTRIES.y(size) if math.isfinite(size) else INFINITE_Y


def ring(x, y, r):
    return svg.circle(x, y, r, "none", stroke=svg.BLUE, stroke_width=1.2 if r < 4 else 2.5)


def cross(x, y, r):
    return (svg.line(x - r, y - r, x + r, y + r, svg.RED, 1.2 if r < 4 else 2.5)
            + svg.line(x - r, y + r, x + r, y - r, svg.RED, 1.2 if r < 4 else 2.5))


def key(x, y):
    """What ring and cross, line and dashes mean."""
    return (svg.rect(x - 8, y - 14, 128, 44, svg.PAPER, stroke=svg.FAINT)
            + svg.line(x, y, x + 28, y, svg.BLUE, 3) + ring(x + 14, y, 5) + svg.text(x + 36, y + 4, "at once", 12)
            + svg.line(x, y + 18, x + 28, y + 18, svg.RED, 2, stroke_dasharray="6 4") + cross(x + 14, y + 18, 5)
            + svg.text(x + 36, y + 22, "at the end", 12))


PRESETS = {
    "No clip, float64": {"size_X": 1024, "limit": math.inf},
    "Clip cuts the sum": {"size_X": 1024, "limit": 3.0},
    "Clip cuts the mean too": {"size_X": 1024, "limit": 0.3},
    "Small epsilon forgives": {"size_X": 2 ** 20, "limit": 3.0, "epsilon": 1e-12},
    "Large epsilon does not": {"size_X": 2 ** 20, "limit": 3.0, "epsilon": 1e-6},
    "float16: at once underflows": {"size_X": 2 ** 15, "dtype": "float16", "limit": math.inf},
    "float16: at the end overflows": {"size_X": 2 ** 18, "dtype": "float16", "limit": math.inf},
}


def order_matters():
    """The explorer of notebook 06."""
    limits = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e3, 1e4, 1e5, 1e6, math.inf]
    epsilons = [10.0 ** k for k in range(-12, -1)]
    controls = {
        "size_X": Slider("|X|", SIZES, 1024, [f"{size:,}" for size in SIZES]),
        "limit": Slider("clip at norm", limits, 3.0, [*(f"{limit:,g}" for limit in limits[:-1]), "none"]),
        "epsilon": Slider("Adam's epsilon", epsilons, 1e-8, [f"1e{k}" for k in range(-12, -1)]),
        "dtype": Choice("Format of the backward pass", FORMATS),
    }
    for dtype in FORMATS:
        for size_X in SIZES:
            pulled_back(dtype, 1 / size_X)
    return Explorer("Two orders, side by side", Order(), controls, numbers, draw, words, presets=PRESETS,
                    poster=("Clip cuts the sum", "Large epsilon does not"))
