"""Notebook 05: a ragged batch in pieces; what each token weighs in the gradient, for every way to divide.

Six strings of the embedded Reber grammar, cut into micro-batches (data-parallel ranks are the same picture). An
objective is a weighted sum of the tokens' losses; the weight of a token depends on what is counted and on who divides.
Weights are exact fractions, so that "the same objective" means the same.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import acos, degrees
from typing import NamedTuple

import numpy as np

from .. import adam, backward, cosine, cross_entropy, forward, init_weights, reber_strings, summed, train
from ..show import svg
from ..tasks import REBER_SYMBOLS
from .base import Explorer
from .controls import Choice, Slider, Switch

ROWS, LENGTH = 6, 14
STEPS = (-2, -1, -1, 1, 1, 2)  # times the spread: by how much each string is longer
MIXED = (0, 5, 1, 3, 4, 2)     # which string is in each row, where they are not in order of length
LONGEST = LENGTH + 3 * 2 + 4
TOKENS, SEQUENCES, PADDED = "tokens", "sequences", "timesteps, padding included"
MEANS = {TOKENS: "the mean over tokens", SEQUENCES: "the mean over sequences", PADDED: "the mean over padded timesteps"}
ONCE, SHARES = "once, by the total count", "each piece by its own count, then weight it by its share of the total"
MEAN, SUMMED = "each piece by its own count, then the mean over pieces", "each piece by its own count, then the sum"


@dataclass(frozen=True)
class Ragged:
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
    ratio: float        # of the norms
    same: bool          # the weights of all tokens are the same
    proportional: bool  # they are the same but for one factor


class Numbers(NamedTuple):
    """What the picture shows: the tokens of each row (text) and the weight of one, the pieces, the comparisons."""

    strings: tuple
    weights: tuple
    pieces: tuple       # (first row, behind the last row) of each
    comparisons: dict   # {what is counted: Comparison}


def lengths_of(state):
    """Tokens in each row."""
    lengths = [LENGTH + state.spread * step for step in STEPS]
    lengths[-1] += state.longer
    return tuple(lengths[number] for number in strings_of(state))


def strings_of(state):
    """Which of the six strings stands in each row."""
    return tuple(range(ROWS)) if state.in_order else MIXED


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
    divisors = {ONCE: lambda own: sum(counts), SHARES: lambda own: own * Fraction(sum(counts), own),
                MEAN: lambda own: own * len(pieces), SUMMED: lambda own: own}[divide]
    own_tokens = lengths if by == SEQUENCES else [1] * len(lengths)
    return tuple(Fraction(1, tokens) / divisors(own)
                 for own, (start, stop) in zip(counts, pieces) for tokens in own_tokens[start:stop])


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
    def mean_gradient(weights, batch):
        loss, gradient = summed(cross_entropy)(weights, batch)
        return loss, gradient / batch[-1].sum()

    rng = np.random.default_rng(5)
    batches = (reber_strings(16, rng) for _ in range(100))
    *_, (_, weights) = train(init_weights(7, 8, 7, seed=1), batches, mean_gradient, adam, rate=0.02)
    return weights


@cache
def row(number, length):
    """One of the six strings at a length: its symbols to predict, and the gradient of its summed loss."""
    of_this_length = strings_by_length()[length]
    X, labels = of_this_length[number % len(of_this_length)]
    trace = forward(weights_in_training(), X)
    _, dY = cross_entropy(trace.Y, labels)
    text = "".join(REBER_SYMBOLS[label] for label in labels[:, 0])
    return text, backward(weights_in_training(), trace, dY)


def numbers(state):
    lengths, pieces = lengths_of(state), pieces_of(state)
    strings, gradients = zip(*map(row, strings_of(state), lengths))
    weights = token_weights(state.by, state.divide, lengths, pieces)
    gradient = weighted_sum(weights, gradients)
    comparisons = {}
    for by in MEANS:
        wanted = full_batch(by, lengths)
        truth = weighted_sum(wanted, gradients)
        factors = {mine / theirs for mine, theirs in zip(weights, wanted)}
        ratio = gradient.norm() / truth.norm()
        comparisons[by] = Comparison(cosine(gradient, truth), ratio, factors == {1}, len(factors) == 1)
    return Numbers(strings, weights, pieces, comparisons)


def weighted_sum(weights, gradients):
    first, *others = (float(weight) * gradient for weight, gradient in zip(weights, gradients))
    return sum(others, start=first)


def words(state, numbers):
    """The verdict, and what boundaries or lengths have to do with it."""
    meant = numbers.comparisons[state.by]
    other = [by for by, it in numbers.comparisons.items() if it.same and by != state.by]
    same = " and ".join(MEANS[by] for by in other)
    if meant.same:
        luck = state.divide == MEAN and " But only because all pieces hold the same count."
        unseen = "" if len(numbers.pieces) == 1 else luck or " The boundaries between the pieces do not show in it."
        return (f"As meant: this is the full-batch gradient of {MEANS[state.by]}.{unseen}"
                + (f" For these lengths it is {same} as well." if other else ""))
    if other:
        return (f"Not as meant: the division was meant for {MEANS[state.by]}, and this is exactly the full-batch "
                f"gradient of {same} (against the one meant: cosine {meant.cosine:.3f}, norm ratio {meant.ratio:.2f}).")
    if meant.proportional:
        return (f"Not as meant: the direction is that of {MEANS[state.by]}, but the gradient is "
                f"{meant.ratio:.2f} times as long. The cosine does not show it.")
    lengths = [len(string) for string in numbers.strings]
    wanted = full_batch(state.by, lengths)
    factors = [float(mine / theirs) for mine, theirs in zip(numbers.weights, wanted)]
    most, least = np.argmax(factors), np.argmin(factors)
    return (f"Not as meant: against the full batch, {MEANS[state.by]}, a token of row {most + 1} weighs "
            f"{factors[most]:.2f} times what it should, one of row {least + 1} {factors[least]:.2f} times "
            f"(cosine {meant.cosine:.3f}, norm ratio {meant.ratio:.2f}).")


WIDTH, HEIGHT = 1000, 530
TOP, ROW, GAP = 56, 46, 6
TOKEN_LEFT, PITCH = 158, 21
BAR, TALLEST = 14, 28  # height of the bar of a token: at weight 1/(all tokens), and at most
SHARE = svg.Frame(858, TOP - 4, 128, ROWS * ROW + 5 * GAP, (0, 1), (0, 1))
ANGLE = svg.Frame(318, 400, 220, 96, (0, 100), (0, 3))
RATIO = svg.Frame(646, 400, 250, 96, (0.25, 10), (0, 3), log="x")


def draw(state, numbers):
    total = sum(map(len, numbers.strings))
    parts = [headings(total)]
    for piece, (start, stop) in enumerate(numbers.pieces):
        longest = max(len(string) for string in numbers.strings[start:stop])
        parts.append(bracket(piece, start, stop, items(state.by, numbers.strings[start:stop])))
        parts += [tokens(number, numbers.strings[number], numbers.weights[number], longest, total)
                  for number in range(start, stop)]
    parts.append(comparison(state, numbers))
    return (svg.panel("all", WIDTH, HEIGHT, *parts, words=words(state, numbers)),)


def headings(total):
    columns = [(14, "piece", ""),
               (TOKEN_LEFT, "tokens; height of a bar: what it weighs",
                f"line: the equal weight 1/{total} (bars stop growing at twice that); dot: padding"),
               (690, "weight of a token", f"× 1/{total}"), (SHARE.left, "whole sequence", "")]
    parts = []
    for x, title, note in columns:
        parts += [svg.text(x, 20, title, 13, font_weight="bold"), svg.text(x, 38, note, 11, fill=svg.GREY)]
    for value in (0, 0.5, 1):
        x = SHARE.x(value)
        parts += [svg.text(x, 38, value, 11, "middle", svg.GREY),
                  svg.line(x, SHARE.top - 6, x, SHARE.top + SHARE.height, svg.FAINT)]
    return "".join(parts)


def top_of(number):
    return TOP + number * (ROW + GAP)


def items(by, strings):
    """What a piece counts, in words."""
    number = count(by, [len(string) for string in strings])
    return f"{number} {'timesteps' if by == PADDED else by if number > 1 else by[:-1]}"


def bracket(piece, start, stop, counted):
    """The left margin: which rows form a micro-batch, and what it counts."""
    top, bottom = top_of(start) - 1, top_of(stop - 1) + ROW - 1
    return (svg.rect(10, top, 690 - 16, bottom - top, svg.SOFT if piece % 2 == 0 else svg.BAND, rx=6)
            + svg.curve([(130, top + 4), (124, top + 4), (124, bottom - 4), (130, bottom - 4)], svg.GREY, 1.5)
            + svg.text(18, (top + bottom) / 2 - 1, f"micro-batch {piece + 1}", 13, font_weight="bold")
            + svg.text(18, (top + bottom) / 2 + 15, counted, 12))


def tokens(number, string, weight, longest, total):
    """One row: each token as a bar, and its weight in numbers."""
    top, relative = top_of(number), float(weight * total)
    foot, height = top + ROW - 2, min(BAR * relative, TALLEST)
    parts = [svg.text(148, top + 34, number + 1, 12, "end", svg.GREY)]
    for t in range(longest):
        x = TOKEN_LEFT + PITCH * (t + 0.5)
        if t < len(string):
            parts += [svg.text(x, top + 11, string[t], 12, "middle"),
                      svg.rect(x - 7, foot - height, 14, height, svg.BLUE)]
        else:
            parts.append(svg.circle(x, foot - 3, 1.5, svg.GREY))
    equal, right = foot - BAR, TOKEN_LEFT + PITCH * len(string)
    parts.append(svg.line(TOKEN_LEFT, equal, right, equal, svg.ORANGE, 1.5))
    whole = float(weight * len(string))
    parts += [svg.text(690, top + 22, f"{relative:.2f}", 15, font_weight="bold"),
              svg.text(690, top + 39, f"{weight.numerator}/{weight.denominator}", 12, fill=svg.GREY),
              svg.rect(SHARE.left, top + 10, SHARE.width * min(whole, 1), 20, svg.ORANGE),
              svg.text(SHARE.left - 8, top + 25, f"{whole:.2f}", 12, "end")]
    return "".join(parts)


def comparison(state, numbers):
    """Below: direction and length against the full-batch gradient of each mean, on fixed axes."""
    parts = [svg.text(14, ANGLE.top - 8, "against the full batch (▶ meant)", 13, font_weight="bold"),
             ANGLE.axes([(tick, f"{tick}°") for tick in (0, 30, 60, 90)], title="angle, and its cosine"),
             RATIO.axes([(0.25, "1/4"), (0.5, "1/2"), 1, 2, 4, 8], title="ratio of the norms")]
    for place, (by, it) in enumerate(numbers.comparisons.items()):
        y, meant = ANGLE.y(2.5 - place), by == state.by
        fill, weight = (svg.BLUE, "bold") if meant else (svg.PAPER, None)
        angle = degrees(acos(min(it.cosine, 1)))
        parts += [svg.text(14, y + 5, "▶", 13) if meant else "",
                  svg.text(32, y + 5, MEANS[by], 13, font_weight=weight)]
        for frame, zero, value, text in ((ANGLE, 0, angle, f"{it.cosine:.3f}"),
                                         (RATIO, 1, it.ratio, f"{it.ratio:.2f}")):
            parts += [svg.line(frame.x(zero), y, frame.x(value), y, svg.GREY, 2),
                      svg.circle(frame.x(value), y, 6, fill, stroke=svg.BLUE, stroke_width=2),
                      svg.text(frame.left + frame.width + 14, y + 5, text, 13, font_weight=weight)]
        if it.same:
            right = RATIO.left + RATIO.width
            parts.append(svg.text(right + 54, y + 5, "same", 13, fill=svg.GREEN, font_weight="bold"))
    return "".join(parts)


PRESETS = {
    "Mean of means": {"divide": MEAN},
    "Weighted by shares": {"divide": SHARES},
    "One sequence each": {"divide": MEAN, "cut_all": True},
    "Mixed order": {"divide": MEAN, "in_order": False},
    "Equal lengths": {"divide": MEAN, "spread": 0},
    "Padding counted": {"by": PADDED, "longer": 4},
}


def ragged_batch():
    """The explorer of notebook 05: a ragged batch, its pieces, and who divides by what."""
    rows = list(range(ROWS))
    after = ["none"] + [f"after row {number}" for number in rows[1:]]
    return Explorer(
        "A ragged batch in pieces", Ragged(),
        {"spread": Slider("spread of the lengths", range(4)),
         "longer": Slider("the longest row is longer by", range(5)),
         "first": Slider("a boundary", rows, 0, after),
         "second": Slider("another boundary", rows, 0, after),
         "cut_all": Switch("cut after every row"),
         "in_order": Switch("rows in order of length", True),
         "by": Choice("Count", MEANS),
         "divide": Choice("Divide", [ONCE, MEAN, SHARES, SUMMED])},
        numbers, draw, words, presets=PRESETS, poster=("Mean of means", "Weighted by shares"))
