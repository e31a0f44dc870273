"""Notebook 05: a ragged batch in pieces; what each token weighs in the gradient, for every way to divide.

Six strings of the embedded Reber grammar, cut into micro-batches (data-parallel ranks are the same picture). Weights
are exact fractions, so that "the same objective" means the same.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import acos, degrees
from typing import NamedTuple

import numpy as np

from .. import adam, cosine, cross_entropy, init_weights, reber_strings, summed, train
from ..show import svg
from ..tasks import REBER_SYMBOLS
from . import Choice, Explorer, Slider, Switch
from .base import grid

ROWS, LENGTH = 6, 14
STEPS = (-2, -1, -1, 1, 1, 2)  # times the spread: by how much each string is longer
MIXED = (0, 5, 1, 3, 4, 2)     # which string is in each row, where they are not in order of length
TOKENS, SEQUENCES, PADDED = "tokens", "sequences", "timesteps, padding included"
MEANS = {TOKENS: "the mean over tokens", SEQUENCES: "the mean over sequences", PADDED: "the mean over padded timesteps"}
ONCE, SHARES = "once, by the total count", "each piece by its own count, then weight it by its share of the total"
MEAN, SUMMED = "each piece by its own count, then the mean over pieces", "each piece by its own count, then the sum"


@dataclass(frozen=True)
class State:
    """Lengths of the rows, boundaries between the pieces (after which row; 0: none), and how to divide."""

    spread: int = 3
    longer: int = 0
    in_order: bool = True
    first: int = 2
    second: int = 4
    cut_all: bool = False
    by: str = TOKENS
    divide: str = ONCE


class Comparison(NamedTuple):
    """The gradient against the full-batch gradient of one mean."""

    cosine: float
    ratio: float   # of the norms
    factors: list  # of each row: what a token weighs, over what it weighs in this mean

    same = property(lambda self: set(self.factors) == {1})


class Numbers(NamedTuple):
    """What the picture shows: the tokens of each row (text) and the weight of one, the pieces, the comparisons."""

    strings: tuple
    weights: tuple
    pieces: tuple       # (first row, behind the last row) of each
    comparisons: dict   # {what is counted: Comparison}


def strings_of(state):
    """Which of the six strings stands in each row."""
    return range(ROWS) if state.in_order else MIXED


def lengths_of(state):
    """Tokens in each row."""
    lengths = [LENGTH + state.spread * step for step in STEPS]
    lengths[-1] += state.longer
    return tuple(lengths[number] for number in strings_of(state))


def pieces_of(state):
    """The micro-batches, as pairs (first row, behind the last row)."""
    cuts = set(range(1, ROWS)) if state.cut_all else {state.first, state.second} - {0}
    return tuple(pairwise([0, *sorted(cuts), ROWS]))


def count(by, lengths):
    """How many items of the chosen kind the rows hold."""
    return {TOKENS: sum(lengths), SEQUENCES: len(lengths), PADDED: len(lengths) * max(lengths)}[by]


def token_weights(by, divide, lengths, pieces):
    """The weight of one token of each row in the gradient, as fractions.

    Counted by sequences, a sequence's loss is the mean over its own tokens; this alone is not a matter of pieces.
    """
    counts = [count(by, lengths[start:stop]) for start, stop in pieces]
    weights = []
    for own, (start, stop) in zip(counts, pieces):
        weight = {ONCE: Fraction(1, sum(counts)), SHARES: Fraction(1, own) * Fraction(own, sum(counts)),
                  MEAN: Fraction(1, own) / len(pieces), SUMMED: Fraction(1, own)}[divide]
        weights += [weight / (tokens if by == SEQUENCES else 1) for tokens in lengths[start:stop]]
    return tuple(weights)


def full_batch(by, lengths):
    """The weights of the mean over the whole batch."""
    return token_weights(by, ONCE, lengths, [(0, len(lengths))])


@cache
def strings_by_length():
    """{number of tokens: [(input (T, 1, 7), labels (T, 1)), ...]}, from one draw of 3,000 strings."""
    X, labels, mask = reber_strings(3000, np.random.default_rng(0))
    found = {}
    for k, tokens in enumerate(mask.sum(axis=0)):
        found.setdefault(int(tokens), []).append((X[:tokens, k:k + 1], labels[:tokens, k:k + 1]))
    return found


@cache
def weights_in_training():
    """An LSTM with H = 8 after 100 steps of Adam: it knows the grammar a little."""
    def mean(Y, labels, mask):
        loss, dY = cross_entropy(Y, labels, mask)
        return loss, dY / mask.sum()

    rng = np.random.default_rng(5)
    batches = (reber_strings(16, rng) for _ in range(100))
    *_, (_, weights) = train(init_weights(7, 8, 7, seed=1), batches, summed(mean), adam, rate=0.02)
    return weights


@cache
def row(number, length):
    """One of the six strings at a length: its symbols to predict, and the gradient of its summed loss."""
    of_this_length = strings_by_length()[length]
    X, labels = of_this_length[number % len(of_this_length)]
    _, gradient = summed(cross_entropy)(weights_in_training(), (X, labels, None))
    return "".join(REBER_SYMBOLS[label] for label in labels[:, 0]), gradient


def weighted_sum(weights, gradients):
    first, *others = (float(weight) * gradient for weight, gradient in zip(weights, gradients))
    return sum(others, start=first)


def numbers(state):
    lengths, pieces = lengths_of(state), pieces_of(state)
    strings, gradients = zip(*map(row, strings_of(state), lengths))
    weights = token_weights(state.by, state.divide, lengths, pieces)
    gradient, comparisons = weighted_sum(weights, gradients), {}
    for by in MEANS:
        wanted = full_batch(by, lengths)
        truth = weighted_sum(wanted, gradients)
        comparisons[by] = Comparison(cosine(gradient, truth), gradient.norm() / truth.norm(),
                                     [mine / theirs for mine, theirs in zip(weights, wanted)])
    return Numbers(strings, weights, pieces, comparisons)


def headline(state, numbers):
    meant = numbers.comparisons[state.by].same
    return meant, f"{'As meant, this is' if meant else 'This is not'} {MEANS[state.by]}"


def words(state, numbers):
    """What the headline leaves open: what boundaries or lengths have to do with it."""
    meant = numbers.comparisons[state.by]
    other = " and ".join(MEANS[by] for by, it in numbers.comparisons.items() if it.same and by != state.by)
    measured = f"cosine {meant.cosine:.3f}, norm ratio {meant.ratio:.2f}"
    if meant.same:
        unseen = ("Nothing is cut." if len(numbers.pieces) == 1 else
                  "But only because all pieces hold the same count." if state.divide == MEAN else
                  "The boundaries between the pieces do not show in it.")
        return f"{unseen} For these lengths it is {other} as well." if other else unseen
    if other:
        return f"It is exactly the full-batch gradient of {other} (against the one meant: {measured})."
    factors = list(map(float, meant.factors))
    if min(meant.factors) == max(meant.factors):
        return (f"The direction is right, but the gradient is {meant.ratio:.2f} times as long. "
                "The cosine does not show it.")
    most, least = np.argmax(factors), np.argmin(factors)
    return (f"A token of row {most + 1} weighs {factors[most]:.2f} times what it should, one of row {least + 1} "
            f"{factors[least]:.2f} times ({measured}).")


TOP, ROW, GAP = 44, 40, 5
TOKEN_LEFT, PITCH = 136, 14.8
BAR, TALLEST = 12, 24  # height of the bar of a token: at weight 1/(all tokens), unless one would be taller than this
COLUMN, SEQUENCE = 536, 602  # right edges of the two columns of numbers
ANGLE = svg.Frame(168, 36, 88, 90, (0, 100), (0, 3))
RATIO = svg.Frame(168, 182, 88, 90, (0.25, 10), (0, 3), log="x")


def draw(state, numbers):
    return batch(state, numbers), comparison(state, numbers)


def batch(state, numbers):
    """The rows with their tokens, the micro-batches that they form, and what a token and a sequence weigh."""
    lengths = [len(string) for string in numbers.strings]
    total, heaviest = sum(lengths), int(np.argmax(numbers.weights))
    unit = min(BAR, TALLEST / float(numbers.weights[heaviest] * total))
    parts = [svg.text(8, 16, "micro-batch", 13, bold=True),
             svg.text(TOKEN_LEFT, 16, "tokens; height of a bar: what it weighs", 13, bold=True),
             svg.text(TOKEN_LEFT, 34, f"line: the equal weight 1/{total}; dots: padding", 12, fill=svg.GREY),
             svg.text(COLUMN, 16, "token", 12, "end", bold=True),
             svg.text(COLUMN, 34, f"× 1/{total}", 12, "end", fill=svg.GREY),
             svg.text(SEQUENCE + 4, 16, "sequence", 12, "end", bold=True)]
    for piece, (start, stop) in enumerate(numbers.pieces):
        top, bottom = TOP + start * (ROW + GAP) - 1, TOP + stop * (ROW + GAP) - GAP - 1
        items = count(state.by, lengths[start:stop])
        counted = "timesteps" if state.by == PADDED else state.by if items > 1 else state.by[:-1]
        parts += [svg.rect(2, top, SEQUENCE + 4, bottom - top, svg.SOFT if piece % 2 == 0 else svg.BAND, rx=6),
                  svg.curve([(112, top + 4), (106, top + 4), (106, bottom - 4), (112, bottom - 4)], svg.GREY, 1.5),
                  svg.text(10, (top + bottom) / 2 - 2, f"no. {piece + 1}", 13, bold=True),
                  svg.text(10, (top + bottom) / 2 + 13, f"{items} {counted}", 12)]
        for number in range(start, stop):
            parts += tokens(number, numbers.strings[number].ljust(max(lengths[start:stop])), numbers.weights[number],
                            total, unit)
    said = (f"Six rows of {', '.join(map(str, lengths))} tokens in {len(numbers.pieces)} pieces; a token of row "
            f"{heaviest + 1} weighs most, {float(numbers.weights[heaviest] * total):.2f}/{total}.")
    return svg.panel("batch", 610, TOP + ROWS * (ROW + GAP) + 2, *parts, words=said)


def tokens(number, padded, weight, total, unit):
    """One row: each token as a bar, `unit` high at the equal weight, and its weight in numbers."""
    top, relative, length = TOP + number * (ROW + GAP), float(weight * total), len(padded.rstrip())
    foot, right = top + ROW - 2, TOKEN_LEFT + PITCH * length
    yield svg.text(129, top + 30, number + 1, 12, "end", svg.GREY)
    for t, symbol in enumerate(padded):
        x = TOKEN_LEFT + PITCH * (t + 0.5)
        if symbol == " ":
            yield svg.circle(x, foot - 3, 1.5, svg.GREY)
        else:
            yield svg.text(x, top + 11, symbol, 12, "middle")
            yield svg.rect(x - 5.5, foot - unit * relative, 11, unit * relative, svg.BLUE)
    yield svg.line(TOKEN_LEFT, foot - unit, right, foot - unit, svg.ORANGE, 1.5)
    yield svg.text(COLUMN, top + 17, f"{relative:.2f}", 14, "end", bold=True)
    yield svg.text(COLUMN, top + 34, f"{weight.numerator}/{weight.denominator}", 12, "end", fill=svg.GREY)
    yield svg.text(SEQUENCE, top + 17, f"{float(weight * length):.2f}", 14, "end")


def comparison(state, numbers):
    """Direction and length against the full-batch gradient of each mean, on fixed axes."""
    parts = [ANGLE.axes([(tick, f"{tick}°") for tick in (0, 45, 90)]),
             svg.text(8, 16, "angle to the mean over ..., and cosine", 13, bold=True),
             RATIO.axes([(0.25, "1/4"), 1, 4]),
             svg.text(8, 162, "norm, over that of the mean over ...", 13, bold=True)]
    said = []
    for place, (by, it) in enumerate(numbers.comparisons.items()):
        meant, name = by == state.by, MEANS[by].removeprefix("the mean over ")
        fill = svg.BLUE if meant else svg.PAPER
        for frame, zero, value, text in ((ANGLE, 0, degrees(acos(min(it.cosine, 1))), f"{it.cosine:.3f}"),
                                         (RATIO, 1, it.ratio, f"{it.ratio:.2f}")):
            y = frame.y(2.5 - place)
            parts += [svg.text(8, y + 5, f"▶ {name}" if meant else name, 13, bold=meant),
                      svg.line(frame.x(zero), y, frame.x(value), y, svg.GREY, 2),
                      svg.circle(frame.x(value), y, 6, fill, stroke=svg.BLUE, stroke_width=2),
                      svg.text(frame.right + 8, y + 5, text, 13, bold=meant)]
        same = ", the same" if it.same else ""
        said.append(f"{MEANS[by]}: cosine {it.cosine:.3f}, norm ratio {it.ratio:.2f}{same}")
    return svg.panel("comparison", 312, 316, *parts, svg.text(8, 308, "▶ the mean that is meant", 12, fill=svg.GREY),
                     words=f"Against the full batch. {'; '.join(said)}.")


PRESETS = {
    "Mean of means": {"divide": MEAN}, "Weighted by shares": {"divide": SHARES},
    "One sequence each": {"divide": MEAN, "cut_all": True},
    "Mixed order": {"divide": MEAN, "in_order": False}, "Equal lengths": {"divide": MEAN, "spread": 0},
    "Padding counted": {"by": PADDED, "longer": 4}}
VALUES = {"spread": range(4), "longer": range(5), "first": range(ROWS), "second": range(ROWS), "cut_all": (False, True),
          "in_order": (True, False), "by": tuple(MEANS), "divide": (ONCE, MEAN, SHARES, SUMMED)}


def film():
    """Every cut of the rows with every way to divide and to count; and each other control with every way to divide."""
    for others in (("first", "second"), ("spread", "longer", "in_order", "cut_all")):
        yield from grid(State(), **{name: VALUES[name] for name in ("by", "divide", *others)})


def ragged_batch():
    """The explorer of notebook 05: a ragged batch, its pieces, and who divides by what."""
    after = ["none"] + [f"after row {number}" for number in range(1, ROWS)]
    return Explorer(
        "A ragged batch in pieces", State(),
        {"divide": Choice("Divide", VALUES["divide"]), "by": Choice("Count", VALUES["by"]),
         "first": Slider("a boundary", VALUES["first"], labels=after),
         "second": Slider("another boundary", VALUES["second"], labels=after),
         "spread": Slider("spread of the lengths", VALUES["spread"]),
         "longer": Slider("the longest row is longer by", VALUES["longer"]),
         "cut_all": Switch("cut after every row"), "in_order": Switch("rows in order of length")},
        numbers, draw, words, headline, PRESETS, poster=("Mean of means", "Weighted by shares"))
