"""Notebook 09: what does an item weigh? A training step is asked from outside.

The items are strings for one small LSTM; a step is a function of micro-batches that returns a gradient, as a reader's
own would be. `examine` weighs the items in it; beside the weights stands what each |X| predicts.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from .. import backward, cross_entropy, forward, init_weights
from ..show import svg
from ..show.words import listed
from ..weighing import Report, examine, weigh
from ..weights import entries
from . import Explorer, Menu

D, H, K = 4, 5, 4
CLASS_WEIGHTS = np.array([1, 4, 1, 2])
SHAPES = {  # (tokens that count, length) of each item
    "lengths 2, 3 and 6": ((2, 2), (3, 3), (6, 6)),
    "some tokens masked": ((2, 4), (3, 3), (5, 7)),
    "all of one length": ((4, 4), (4, 4), (4, 4))}
CUTS = {"whole": [[0, 1, 2]], "one by one": [[0], [1], [2]], "1 | 2": [[0], [1, 2]]}
NAMES = ("nothing", "sequences", "tokens", "padded B*T", "tokens of each sequence, then sequences")


class Item(NamedTuple):
    """One sequence: the number of its data, and the mask, true for each token that counts."""

    number: int
    mask: tuple

    tokens = property(lambda self: sum(self.mask), doc="how many tokens count")
    length = property(lambda self: len(self.mask), doc="how long it is, masked tokens too")


@cache
def data(number):
    """X (T, 1, D) and labels (T, 1) of an item, as long as any is."""
    rng = np.random.default_rng(number)
    return rng.normal(size=(9, 1, D)), rng.integers(K, size=(9, 1))


@cache
def weights():
    """The LSTM that is trained."""
    return init_weights(D, H, K, seed=4) * 1.5


def some_items(shapes=SHAPES["some tokens masked"]):
    """A list of Items with these numbers of (tokens that count, all tokens); those that count come first."""
    return [Item(number, (True,) * tokens + (False,) * (length - tokens))
            for number, (tokens, length) in enumerate(shapes)]


def keep(item, start, stop):
    """The item with only these of its counting tokens counting."""
    places = np.flatnonzero(item.mask)[start:stop]
    return item._replace(mask=tuple(t in places for t in range(item.length)))


@cache
def summed_gradient(item, by_class=False):
    """S_b: the gradient of the summed loss of an item, all its entries in a row; by_class: with class weights."""
    X, labels = (array[:item.length] for array in data(item.number))
    trace = forward(weights(), X)
    _, dY = cross_entropy(trace.Y, labels, np.array(item.mask)[:, None])
    if by_class:
        dY = dY * CLASS_WEIGHTS[labels][..., None]
    return entries(backward(weights(), trace, dY))


def total(items):
    return sum(map(summed_gradient, items))


def at_once(mean):
    """A step that takes `mean` of all items, however they are cut."""
    return lambda pieces: mean([item for piece in pieces for item in piece])


def of_tokens(items):
    return total(items) / max(sum(item.tokens for item in items), 1)


def of_classes(items):
    counts = sum((CLASS_WEIGHTS[data(item.number)[1][:item.length, 0]] * item.mask).sum() for item in items)
    return sum(summed_gradient(item, by_class=True) for item in items) / max(counts, 1)


def clipped(items, limit=0.1):
    gradient = of_tokens(items)
    return gradient * min(1, limit / max(np.linalg.norm(gradient), limit))


STEPS = {
    "a sum": at_once(total),
    "the mean over sequences": at_once(lambda items: total(items) / len(items)),
    "the mean over tokens": at_once(of_tokens),
    "the mean over sequences of each one's mean": at_once(
        lambda items: sum(summed_gradient(item) / max(item.tokens, 1) for item in items) / len(items)),
    "a masked loss, divided by its padded size": at_once(
        lambda items: total(items) / (len(items) * max(item.length for item in items))),
    "the mean of each piece's mean": lambda pieces: sum(map(of_tokens, pieces)) / len(pieces),
    "each piece's mean, added up": lambda pieces: sum(map(of_tokens, pieces)),
    "a mean with class weights": at_once(of_classes),
    "clipped by norm": at_once(clipped),
    "clipped entry by entry": at_once(lambda items: np.clip(of_tokens(items), -0.02, 0.02)),
    "with weight decay": at_once(lambda items: of_tokens(items) + 0.05 * entries(weights()))}


@dataclass(frozen=True)
class State:
    """step: one of STEPS; items: one of SHAPES; cut: one of CUTS."""

    step: str = "the mean over tokens"
    items: str = "some tokens masked"
    cut: str = "whole"


class Numbers(NamedTuple):
    """What is shown: the items, what each weighs in this cut, what is left over, what each |X| predicts, the report."""

    items: list
    measured: np.ndarray
    left: float
    predicted: dict  # {name: weights}
    report: Report


@cache
def numbers(state):
    items, step = some_items(SHAPES[state.items]), STEPS[state.step]
    report = examine(step, items, tokens=lambda item: item.tokens, length=lambda item: item.length, keep=keep,
                     quiet=True)
    pieces = [[items[b] for b in piece] for piece in CUTS[state.cut]]
    measured, _, left = weigh(step(pieces), np.stack([summed_gradient(item) for item in items]))
    n, B, T = np.array([item.tokens for item in items]), len(items), max(item.length for item in items)
    sizes = 1, B, n.sum(), B * T, B * n
    return Numbers(items, measured, float(left), {name: np.ones(B) / size for name, size in zip(NAMES, sizes)}, report)


def fitting(numbers):
    """The names whose weights these are."""
    return [name for name, weights in numbers.predicted.items()
            if numbers.left < 1e-6 and np.allclose(numbers.measured, weights, rtol=1e-6)]


def headline(state, numbers):
    """(True or False, the verdict in a few words)"""
    if numbers.left > 1e-6:
        return False, f"Not a weighted sum: {numbers.left:.0%} of the gradient is left over"
    names = fitting(numbers)
    if not names:
        return False, "A weighted sum, but of no |X| on this list"
    return not numbers.report.faults, f"In this cut, divided by {' or '.join(map(short, names))}"


def short(name):
    """The longest name as it fits into a row."""
    return name.replace("tokens of each sequence", "own tokens")


def words(state, numbers):
    """What `examine` says of the step, however it is cut."""
    faults = [fault.kind for fault in numbers.report.faults]
    names = numbers.report.divides_by
    more = f" or {len(names) - 2} more" if len(names) > 2 else ""
    divides = " or ".join(names[:2]) + more or "no number that it knows"
    told = f" Its faults: {listed(faults)}." if faults else " It finds no fault."
    alike = " Items of one length cannot tell these apart: take others." if len(fitting(numbers)) > 1 else ""
    return f"Asked in every cut, examine names: {divides}.{told}{alike}"


LEFT, COLUMN, ROW = 256, 104, 40


def draw(state, numbers):
    return batch(state, numbers), fingerprint(numbers), rest(numbers)


def batch(state, numbers):
    """The items, cut into pieces: filled squares count, open ones are masked."""
    parts, y = [svg.text(0, 14, "The batch, in its pieces", 13, bold=True)], 30
    for number, piece in enumerate(CUTS[state.cut]):
        height = 30 * len(piece) + 8
        parts.append(svg.rect(0, y, 276, height, svg.SOFT if number % 2 == 0 else svg.BAND, rx=6))
        for place, b in enumerate(piece):
            row, item = y + 8 + 30 * place, numbers.items[b]
            parts.append(svg.text(10, row + 16, f"item {b}", 13))
            for t, counts in enumerate(item.mask):
                parts.append(svg.rect(68 + 24 * t, row, 20, 20, svg.BLUE if counts else svg.PAPER, rx=3,
                                      stroke=svg.BLUE, stroke_width=1.5))
            parts.append(svg.text(72 + 24 * len(item.mask), row + 15, f"{item.tokens}", 13, fill=svg.GREY))
        y += height + 8
    return svg.panel("batch", 280, 162, *parts, words=f"{len(CUTS[state.cut])} pieces; tokens that count: "
                     f"{listed(str(item.tokens) for item in numbers.items)}.")


def fingerprint(numbers):
    """What each item weighs: measured, and what each |X| predicts; a bar that is cut short has a gap."""
    rows = {"measured": numbers.measured, **numbers.predicted}
    largest = max(np.abs(values).max() for name, values in rows.items() if name not in ("nothing", "sequences"))
    parts = [svg.text(LEFT + COLUMN * b, 14, f"item {b}", 13, bold=True) for b in range(3)]
    good = fitting(numbers)
    for place, (name, values) in enumerate(rows.items()):
        y, first = 24 + ROW * place + 10 * (place > 0), place == 0
        fits = name in good
        if fits:
            parts.append(svg.rect(0, y, LEFT + 3 * COLUMN, ROW - 4, svg.PALE_GREEN, rx=6))
        parts.append(svg.text(LEFT - 12, y + 24, f"{'✓ ' if fits else ''}{short(name)}", 13, "end",
                              bold=first or fits))
        for b, value in enumerate(values):
            x, width = LEFT + COLUMN * b, min(abs(value) / largest, 1) * (COLUMN - 58)
            parts += [svg.rect(x, y + 8, width, 20, svg.ORANGE if first else svg.BLUE),
                      svg.line(x + 28, y + 30, x + 36, y + 6, svg.PAPER, 5) if abs(value) > largest else "",
                      svg.text(x + width + 5, y + 23, f"{value:.3g}", 13)]
    return svg.panel("weights", LEFT + 3 * COLUMN, 36 + ROW * len(rows), *parts, words="; ".join(
        f"{name}: {', '.join(f'{value:.3g}' for value in values)}" for name, values in rows.items()))


def rest(numbers):
    """What is left over, and how far apart two cuts of the same items are."""
    parts, split = [], numbers.report.split_error or 0
    for place, (name, value) in enumerate((("left over, no weighted sum", numbers.left),
                                           ("cut otherwise, differs by", split))):
        y = 66 * place
        parts += [svg.text(0, y + 14, name, 13, bold=True),
                  svg.rect(0, y + 22, 200, 22, svg.SOFT, stroke=svg.FAINT),
                  svg.rect(0, y + 22, 200 * min(value, 1), 22, svg.RED),
                  svg.text(208, y + 38, "0" if value < 1e-6 else f"{value:.0%}", 13)]
    return svg.panel("rest", 260, 116, *parts, words=f"{numbers.left:.0%} is left over; cut otherwise, the "
                     f"gradient differs by {split:.0%}.")


PRESETS = {
    "Mean of means, one by one": {"step": "the mean of each piece's mean", "cut": "one by one"},
    "Added up": {"step": "each piece's mean, added up", "cut": "1 | 2"},
    "Padded": {"step": "a masked loss, divided by its padded size"},
    "Not a sum": {"step": "clipped entry by entry"},
    "Cannot be told apart": {"items": "all of one length"}}


def weigh_your_step():
    """The explorer of notebook 09: a step, some items, a cut; the weights beside the predictions."""
    return Explorer("What does an item weigh?", State(),
                    {"step": Menu("The step returns", STEPS), "items": Menu("items", SHAPES), "cut": Menu("cut", CUTS)},
                    numbers, draw, words, headline=headline, presets=PRESETS,
                    poster=("Reset", "Mean of means, one by one"))
