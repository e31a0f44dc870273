"""Notebook 06: divide at once or at the end, with a clip, Adam and a float format behind the backward pass.

The batch is |X| copies of one sequence, so the mean gradient is the same for every |X|: whatever moves as |X|
moves comes from the order of work alone.

    at once      dY S/|X|  ->  backward, sum over |X| items  ->  / S  ->  clip  ->  Adam
    at the end   dY S      ->  backward, sum over |X| items  ->  / S  ->  clip  ->  / |X|  ->  Adam

S is the factor of loss scaling; it may be taken out behind the clip as well. The sum over the items is exact, as in an
accumulator that is wide enough, and then stored in the chosen format.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import accumulate, product
from typing import NamedTuple

import numpy as np

from .. import backward, forward, init_weights, squared_error
from ..show import svg
from ..show.words import minus
from ..weights import entries
from . import Choice, Explorer, Slider
from .base import grid

T, D, H = 20, 2, 4
POWERS = tuple(2 ** k for k in range(21))
SIZES = tuple(sorted({*POWERS, 3, *(10 ** k for k in range(1, 7))}))
LIMITS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e3, 1e4, 1e5, 1e6, math.inf)
EPSILONS = tuple(float(f"1e{k}") for k in range(-12, -1))
SCALES = tuple(2 ** k for k in (0, 4, 8, 12, 16, 20))
FORMATS = {"float64": np.float64, "float32": np.float32, "bfloat16": np.float32, "float16": np.float16}
ROUNDING = {"float64": 1e-9, "float32": 1e-4, "bfloat16": 0.02, "float16": 0.003}  # of the norm of a gradient
BEFORE, AFTER = "before the clip", "after the clip"
NAMES = "at once", "at the end"


@dataclass(frozen=True)
class State:
    """|X|, the float format, the limit of the clip by norm (infinite: none), Adam's epsilon, loss scaling."""

    size_X: int = 1024
    dtype: str = "float64"
    limit: float = 3.0
    epsilon: float = 1e-8
    scale: int = 1
    unscale: str = BEFORE


class Way(NamedTuple):
    """What one order of work does; an overflowed gradient has an infinite norm."""

    stages: list           # [(what is done, the norm of what comes out of it), ...], from the sum over |X| items on
    met_norm: float        # of what meets the clip
    cuts: bool             # whether the clip shortens it
    received: np.ndarray   # the entries that the optimiser receives, (117,), in float64
    received_norm: float
    step: float            # root mean square of Adam's first step, per unit of the learning rate; NaN without a step
    lost: int              # entries of the sum that are 0
    overflowed: int        # entries of the sum that are infinite
    too_short: float       # how many times shorter than with S divided out before the clip


class Numbers(NamedTuple):
    """Both orders at the chosen |X|, the true mean gradient, and the (norms, steps) of both orders over POWERS."""

    at_once: Way
    at_the_end: Way
    truth: np.ndarray
    curves: tuple
    factor: float  # norm received at once over norm received at the end


def bfloat16(entries):
    """Rounded to the upper half of a float32, to nearest and to even."""
    bits = np.asarray(entries, np.float32).view(np.uint32)
    kept = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1)) & np.uint32(0xFFFF0000)
    return kept.view(np.float32)


@lru_cache(None)
@np.errstate(over="ignore")
def pulled_back(dtype, factor):
    """The gradient of one item's loss with dY times `factor` in the format `dtype`: all entries, in float64.

    Of bfloat16 whatever crosses an edge is rounded; products are summed in float32.
    """
    weights = init_weights(D, H, K=1, seed=5, dtype=FORMATS[dtype])
    trace = forward(weights, np.random.default_rng(5).normal(size=(T, 1, D)))
    _, dY = squared_error(trace.Y, np.full((T, 1, 1), 1.25), mask=np.arange(T)[:, None] == T - 1)
    at = (lambda edge, gradient: bfloat16(gradient)) if dtype == "bfloat16" else None
    seed = (dY * np.float64(factor)).astype(dY.dtype)
    if not np.isfinite(seed).all():  # what is infinite at the top is infinite, or not a number, everywhere
        return np.full(entries(weights).size, math.inf)
    return entries(backward(weights, trace, seed, at=at)).astype(float)


@np.errstate(over="ignore", invalid="ignore")  # an overflow is a result here, and the panels say so
def stored(entries, dtype):
    """The entries, rounded to the format: too large becomes infinite, too small becomes 0."""
    return (bfloat16(entries) if dtype == "bfloat16" else entries.astype(FORMATS[dtype])).astype(float)


def norm_of(entries):
    return float(np.linalg.norm(entries)) if np.isfinite(entries).all() else math.inf


def over(norm, other):
    """norm / other; NaN where nothing can be said."""
    return norm / other if other > 0 and math.isfinite(norm) and math.isfinite(other) else math.nan


def clipped(limit, entries):
    """The entries, shortened to norm `limit` where they are longer; an overflowed gradient stays as it is."""
    norm = norm_of(entries)
    return entries * (limit / norm) if limit < norm < math.inf else entries


@np.errstate(invalid="ignore")
def way(state, size_X, at_once):
    """One order of work, with size_X for |X|."""
    summed = stored(size_X * pulled_back(state.dtype, state.scale / (size_X if at_once else 1)), state.dtype)
    unscale = [("divide by S", lambda gradient: gradient / state.scale)] if state.scale > 1 else []
    clip = ("no clip" if math.isinf(state.limit) else f"clip at {brief(state.limit)}", partial(clipped, state.limit))
    work = [*unscale, clip] if state.unscale == BEFORE else [clip, *unscale]
    if not at_once:
        work.append(("divide by |X|", lambda gradient: gradient / size_X))
    *_, received = gradients = list(accumulate(work, lambda gradient, stage: stage[1](gradient), initial=summed))
    norms = list(map(norm_of, gradients))
    stages = list(zip(["backward, sum", *(what for what, _ in work)], norms))
    met, left = norms[work.index(clip):][:2]
    overflowed = int((~np.isfinite(summed)).sum())
    step = float(np.sqrt(np.mean((received / (np.abs(received) + state.epsilon)) ** 2))) if not overflowed else math.nan
    meant = norm_of(clipped(state.limit, summed / state.scale) / (1 if at_once else size_X))
    return Way(stages, met, left < met * 0.999, received, norms[-1], step, int((summed == 0).sum()), overflowed,
               over(meant, norms[-1]))


@lru_cache(4096)
def curves(state, at_once):
    """Norm received (NaN for 0) and step over POWERS, of a state whose own |X| does not matter."""
    ways = [way(state, size_X, at_once) for size_X in POWERS]
    return [each.received_norm or math.nan for each in ways], [each.step for each in ways]


def numbers(state):
    once, end = (way(state, state.size_X, at_once) for at_once in (True, False))
    both_curves = tuple(curves(replace(state, size_X=1), at_once) for at_once in (True, False))
    return Numbers(once, end, pulled_back("float64", 1), both_curves, over(once.received_norm, end.received_norm))


def headline(state, numbers):
    """Whether both orders give the optimiser the same gradient, and if not, why."""
    once, end = numbers[:2]
    named = list(zip(NAMES, (once, end)))
    if which := " and ".join(name for name, way in named if way.overflowed):
        return False, f"Overflow {which}: {state.dtype} holds no number so large"
    if once.lost and not end.lost:
        return False, f"At once underflows: {once.lost} of {len(numbers.truth)} entries have become 0"
    if short := [(brief(way.too_short), name) for name, way in named if way.too_short > 1.001]:
        told = [f"{factor} times too short {name}" for factor, name in short]
        if len(short) == 2 and short[0][0] == short[1][0]:
            told[1] = NAMES[1]
        return False, f"The clip meets S: the gradient is {' and '.join(told)}"
    if abs(numbers.factor - 1) > ROUNDING[state.dtype]:
        return False, f"The orders differ: divided first, the gradient is {brief(numbers.factor)} times as long"
    same = np.array_equal(once.received, end.received)
    return True, f"The orders agree {'bit for bit' if same else f'up to rounding in {state.dtype}'}"


def words(state, numbers):
    """What the clip did, and what Adam makes of it."""
    return f"{of_the_clip(state, numbers)} {of_the_step(numbers)}"


def of_the_clip(state, numbers):
    """What meets the clip: in each order another norm."""
    once, end = numbers[:2]
    if once.overflowed or end.overflowed:
        return "No division brings an infinity back."
    if not end.cuts:
        return "Nothing is clipped." if math.isinf(state.limit) else "The clip cuts neither."
    still = f", S = {state.scale:,} included" if state.unscale == AFTER and state.scale > 1 else ""
    return (f"At once a norm of {brief(once.met_norm)} meets the clip, at the end one of {brief(end.met_norm)}{still}: "
            f"at {brief(state.limit)} it cuts {'both' if once.cuts else 'the sum but not the mean'}.")


def of_the_step(numbers):
    once, end = numbers.at_once.step, numbers.at_the_end.step
    told = [f"{when} {'none' if math.isnan(step) else f'{step:.2f} of its full length'}"
            for when, step in zip(NAMES, (once, end))]
    forgiven = numbers.factor > 1.01 and abs(once - end) < 0.01
    return f"Adam's first step: {', '.join(told)}.{' It forgives the factor.' if forgiven else ''}"


def brief(value):
    """A number in two digits: 0.15, 3.2, 1,500 or 2.6e+06."""
    if math.isinf(value):
        return "infinite"
    if value == 0 or 1e-3 <= value < 1e6:
        rounded = float(f"{value:.2g}")
        return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
    return minus(f"{value:.1e}")


NORMS = svg.Frame(50, 46, 232, 176, (1, POWERS[-1]), (1e-13, 1e2), log="xy")
STEPS = svg.Frame(50, 46, 220, 176, (1, POWERS[-1]), (0, 1.05), log="x")
ENTRIES = svg.Frame(50, 62, 232, 144, (1e-7, 1e1), (1e-14, 1e1), log="xy")
ZERO_Y, INFINITE_Y = 214, 54
SIZE_TICKS = [(1, "1"), *((2 ** k, f"2^{k}") for k in (5, 10, 15, 20))]


def draw(state, numbers):
    ways, (norms, steps) = numbers[:2], zip(*numbers.curves)
    once, end = (way.received_norm for way in ways)
    said = (f"Norm that the optimiser receives at |X| = {state.size_X:,}: {brief(once)} at once, "
            f"{brief(end)} at the end.")
    return (orders(state, ways),
            over_sizes("norms", 300, NORMS, "Norm the optimiser receives", svg.powers_of_10(-12, 3, 4), norms,
                       state.size_X, (once or math.nan, end or math.nan), said),
            over_sizes("steps", 286, STEPS, "Adam's first step / its full length", [0, 0.5, 1], steps, state.size_X,
                       [way.step for way in ways], of_the_step(numbers)),
            entries_panel(ways, numbers.truth))


def orders(state, ways):
    """Both orders of work as a row of boxes, each with what comes out of it."""
    parts, said, top = [], [], "dY" if state.scale == 1 else "dY · S"
    for row, (name, colour, way) in enumerate(zip(NAMES, (svg.BLUE, svg.RED), ways)):
        first = f"{top} / |X|" if row == 0 else top if state.scale > 1 else None
        y, boxes = 2 + 62 * row, [(first, "at the top")] if first else []
        boxes += [(what, "overflow" if math.isinf(norm) else f"norm {brief(norm)}") for what, norm in way.stages]
        boxes.append(("Adam", "no step" if math.isnan(way.step) else f"{way.step:.2f} of a step"))
        parts += [svg.text(2, y + 22, "divide", 13, bold=True, fill=colour),
                  svg.text(2, y + 39, name, 13, bold=True, fill=colour)]
        for place, (title, result) in enumerate(boxes):
            x = 84 + 140 * place
            parts += [svg.rect(x, y, 122, 50, svg.PAPER, stroke=colour, stroke_width=2, rx=8,
                               stroke_dasharray="6 4" if row else None),
                      svg.text(x + 8, y + 21, title, 12.5, bold="/" in title or title.startswith(("divide", "dY"))),
                      svg.text(x + 8, y + 40, result, 12.5, fill=svg.GREY)]
            if place:
                parts.append(svg.curve([(x - 15, y + 25), (x - 4, y + 25), None, (x - 9, y + 20), (x - 4, y + 25),
                                        (x - 9, y + 30)], svg.GREY, 1.5))
        said.append(f"divide {name}: " + ", ".join(f"{what} ({result})" for what, result in boxes))
    return svg.panel("orders", 908, 120, *parts, words=f"D{'; '.join(said)[1:]}.")


def over_sizes(name, width, frame, title, ticks, curves, size_X, values, words):
    """A line for each order of work over |X|, its mark at the chosen |X|, and what the two mean."""
    looks = {"stroke": svg.BLUE, "width": 3}, {"stroke": svg.RED, "width": 2, "stroke_dasharray": "6 4"}
    lines, marks, key = [], [], []
    for x, order, curve, value, look, mark in zip((4, 114), NAMES, curves, values, looks, (ring, cross)):
        lines.append(frame.curve(POWERS, curve, **look))
        marks += [mark(frame.x(size_X), frame.y(value), 6)] if math.isfinite(value) else []
        key += [svg.line(x, 30, x + 28, 30, **look), mark(x + 14, 30, 5), svg.text(x + 36, 34, order, 12)]
    return svg.panel(name, width, 264, frame.axes(SIZE_TICKS, ticks, "|X|"), svg.text(4, 16, title, 13, bold=True),
                     *lines, *marks, *key, words=words)


def ring(x, y, r):
    return svg.circle(x, y, r, "none", stroke=svg.BLUE, stroke_width=2.5)


def cross(x, y, r):
    return svg.line(x - r, y - r, x + r, y + r, svg.RED, 2.5) + svg.line(x - r, y + r, x + r, y - r, svg.RED, 2.5)


def entries_panel(ways, truth):
    """Every entry that the optimiser receives against the true mean, both without their signs."""
    bottom = svg.powers_of_10(-6, 1, 2)
    parts = [ENTRIES.axes([(value, "") for value, _ in bottom], svg.powers_of_10(-12, 1, 4))]
    parts += [svg.text(ENTRIES.x(value), 238, name, 12, "middle", svg.GREY) for value, name in bottom]
    for y, label in ((ZERO_Y, "0"), (INFINITE_Y, "inf")):
        parts += [svg.rect(ENTRIES.left, y - 8, ENTRIES.width, 16, svg.SOFT),
                  svg.text(ENTRIES.left - 5, y + 4, label, 12, "end", svg.GREY)]
    parts += [svg.text(4, 16, "Each entry against the true one", 13, bold=True),
              svg.text(ENTRIES.middle, 256, "size of the true entry", 13, "middle"),
              svg.line(ENTRIES.x(1e-7), ENTRIES.y(1e-7), ENTRIES.x(10), ENTRIES.y(10), svg.GREY, 1)]
    marks = "m0 2.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0", "l5 5m-5 0l5 -5"  # from their upper left corner
    said = []
    for name, way, mark, colour in zip(NAMES, ways, marks, (svg.BLUE, svg.DEEP[svg.RED])):
        heights = [ZERO_Y if size == 0 else ENTRIES.y(size) if math.isfinite(size) else INFINITE_Y
                   for size in np.abs(way.received)]
        path = "".join(f"M{svg.number(x - 2.5)} {svg.number(y - 2.5)}{mark}"
                       for x, y in zip(map(ENTRIES.x, np.abs(truth)), heights))
        parts.append(svg.element("path", d=path, fill="none", stroke=colour, stroke_width=1.2))
        said.append(f"{way.lost} entries are 0 {name}, {way.overflowed} are infinite")
    return svg.panel("entries", 300, 264, *parts, words=f"Of {len(truth)} entries: {'; '.join(said)}.")


PRESETS = {
    "No clip, float64": {"limit": math.inf},
    "Clip cuts the sum": {},
    "Clip cuts the mean too": {"limit": 0.3},
    "Small epsilon forgives": {"size_X": 2 ** 20, "epsilon": 1e-12},
    "Large epsilon does not": {"size_X": 2 ** 20, "epsilon": 1e-6},
    "float16: at once underflows": {"size_X": 2 ** 15, "dtype": "float16", "limit": math.inf},
    "float16: at the end overflows": {"size_X": 2 ** 18, "dtype": "float16", "limit": math.inf},
    "float16: loss scaling": {"size_X": 2 ** 15, "dtype": "float16", "limit": math.inf, "scale": 2 ** 12},
    "bfloat16 needs none": {"size_X": 2 ** 18, "dtype": "bfloat16", "limit": math.inf},
    "Unscale, then clip": {"scale": 2 ** 16, "limit": 1.0},
    "Clip, then unscale": {"scale": 2 ** 16, "limit": 1.0, "unscale": AFTER}}
VALUES = {"size_X": SIZES, "limit": LIMITS, "epsilon": EPSILONS, "dtype": tuple(FORMATS), "scale": SCALES,
          "unscale": (BEFORE, AFTER)}


def film():
    """From every named state each control alone; and |X| with the clip, with the format, with epsilon."""
    for preset, (name, choices) in product(PRESETS.values(), VALUES.items()):
        yield from grid(State(**preset), **{name: choices})
    yield from grid(State(), size_X=SIZES, limit=LIMITS)
    yield from grid(State(), size_X=SIZES, dtype=FORMATS, limit=(math.inf, 3.0))
    yield from grid(State(), size_X=SIZES, epsilon=EPSILONS)
    yield from grid(State(), scale=SCALES, unscale=(BEFORE, AFTER), limit=LIMITS)


def order_matters():
    """The explorer of notebook 06."""
    controls = {
        "size_X": Slider("|X|", SIZES, labels=[f"{size:,}" for size in SIZES]),
        "limit": Slider("clip at norm", LIMITS, labels=[*(f"{limit:,g}" for limit in LIMITS[:-1]), "none"]),
        "epsilon": Slider("Adam's epsilon", EPSILONS, labels=[f"{epsilon:.0e}" for epsilon in EPSILONS]),
        "scale": Slider("loss scaling, S", SCALES, labels=["none", *(f"2^{S.bit_length() - 1}" for S in SCALES[1:])]),
        "dtype": Choice("Format of the backward pass", FORMATS), "unscale": Choice("Divide by S", (BEFORE, AFTER))}
    for dtype, size_X in product(FORMATS, SIZES):
        pulled_back(dtype, 1 / size_X)
    return Explorer("Two orders, side by side", State(), controls, numbers, draw, words, headline, PRESETS,
                    poster=("Clip cuts the sum", "Clip, then unscale"))
