"""Feedback on the exercises of notebook 05."""

import numpy as np

from ..checking import relative_error
from ..losses import cross_entropy
from ..sequence import backward, forward
from ..tasks import reber_strings
from ..weights import Weights, init_weights
from .base import NotYet, brief, check, expect, same

BATCHES = (([3, 5, 4], [[0, 1], [2]]), ([8, 8, 20, 11], [[3], [0, 2], [1]]), ([2, 9], [[0, 1]]))
COUNTS = (np.array([[12, 30], [25, 8], [40, 5]]), np.array([[7, 9, 4, 20]]), np.array([[6], [31]]))


@check
def check_token_weights(token_weights):
    """A token weighs 1/(M n_m), whichever sequence of its micro-batch it is in.

    token_weights  (lengths, pieces) -> one weight for each sequence
    """
    for lengths, pieces in BATCHES:
        lengths = np.array(lengths)
        M, total = len(pieces), lengths.sum()
        of_piece = np.zeros(len(lengths), int)
        for rows in pieces:
            of_piece[rows] = lengths[rows].sum()
        case = f"lengths {lengths.tolist()} and pieces {pieces}"
        received = received_from(token_weights, lengths.copy(), [list(rows) for rows in pieces])
        expect(received, 1 / (M * of_piece), given=case, hint=likely_cause(received, [
            (np.full(len(lengths), 1 / total),
             "this is the weight in the full batch; here each piece divides by its own count."),
            (1 / of_piece, "the mean over M micro-batches divides by M as well."),
            (1 / (M * lengths), "a micro-batch divides by the tokens of all its sequences, not of one."),
            (1 / (len(lengths) * of_piece), "the mean is over the M micro-batches, not over all sequences."),
            (1 / (M * of_piece) * lengths, "this is the weight of a whole sequence; return that of one of its tokens."),
        ], "the mean of a micro-batch gives 1/n_m to each of its tokens, the mean over micro-batches a further 1/M."))


@check
def check_repair(full_mean):
    """The means, each weighted by its count, over the total count: the full-batch gradient.

    full_mean  (means: a list of Weights, counts: a list of numbers of tokens) -> Weights
    """
    for seed, counts in enumerate(([8, 24], [10, 3, 17, 6], [5])):
        means = [init_weights(2, 3, 2, seed=10 * seed + m) for m in range(len(counts))]
        M, total = len(counts), sum(counts)
        summed = weighted_sum(counts, means)
        case = f"{M} micro-batch{'es' * (M > 1)} of {counts} tokens"
        received = received_from(full_mean, list(means), list(counts))
        expect_gradient(received, summed / total, case, [
            (weighted_sum([1 / M] * M, means),
             "this is the mean of the means; a mean over more tokens should count for more."),
            (weighted_sum([1] * M, means), "the means were only added; each needs its count, and the whole the total."),
            (summed, "multiplied by the counts, but not divided by their total."),
            (summed / M, "divide by the total number of tokens, not by the number of micro-batches."),
            (weighted_sum([1 / n for n in counts], means),
             "each mean is divided by its count already; multiply by the count."),
        ], "n_m times a mean is the gradient of the sum; sums may be added, then divided once.")


@check
def check_factor(factor):
    """The factor undoes what the framework averages and divides once by the total, for every rank and micro-batch.

    factor  (counts (R, M), ranks_averaged, micro_batches_averaged) -> number
    """
    for counts in COUNTS:
        (R, M), total = counts.shape, counts.sum()
        for ranks in (True, False):
            for pieces in (True, False):
                wanted = (R if ranks else 1) * (M if pieces else 1) / total
                case = f"counts {counts.tolist()}, ranks averaged: {ranks}, micro-batches averaged: {pieces}"
                received = received_from(factor, counts.copy(), ranks, pieces)
                expect(received, wanted, given=case, hint=likely_cause(received, [
                    (1 / total, "the framework divides as well; multiply by what it will divide by."),
                    (1 / (wanted * total ** 2), "the framework divides already; multiply by what it divides by."),
                    ((M if ranks else 1) * (R if pieces else 1) / total,
                     "R belongs to the ranks, M to the micro-batches."),
                    (R * M / total, "undo only what is averaged; what is summed needs nothing."),
                    (wanted * total, "divide by the total number of tokens, too."),
                    (1 / counts, "the factor must be the same everywhere: divide by the total."),
                ], "the sum of all factor * summed loss, divided by what is averaged over, must be the mean."))


@check
def check_truncated(truncated_gradient):
    """Both states are carried, no gradient crosses a boundary, and one division by the total is enough.

    truncated_gradient  (weights, X, labels, mask, window) -> Weights
    """
    for seed, n, window in ((0, 4, 5), (1, 3, 4), (2, 2, 50)):
        X, labels, mask = reber_strings(n, np.random.default_rng(seed))
        weights = init_weights(7, 4, 7, seed=seed)
        data = weights, X, labels, mask, window
        case = f"{n} strings, T = {len(X)}, windows of {window}"
        parts, counts = windows(*data)
        total, M = mask.sum(), len(parts)
        own = [max(n_m, 1) for n_m in counts]
        received = received_from(truncated_gradient, *data)
        expect_gradient(received, add(parts) / total, case, [
            (add(parts), "summed rightly, but not divided by the number of tokens."),
            (weighted_sum([1 / (M * n_m) for n_m in own], parts), "this is the mean of the windows' means."),
            (weighted_sum([1 / n_m for n_m in own], parts),
             "each window divided by its own count: divide once, by the total."),
            (add(parts) / mask.size, "divided by T B, padding included; count the tokens of the mask."),
            (add(windows(*data, carry_h=False, carry_c=False)[0]) / total, "no state is carried into the next window."),
            (add(windows(*data, carry_c=False)[0]) / total, "h is carried, c is not; pass c0, too."),
            (add(windows(*data, carry_h=False)[0]) / total, "c is carried, h is not; pass h0, too."),
            (add(windows(*data[:4], len(X))[0]) / total,
             "this gradient is not truncated: call backward once for each window."),
        ], "forward each window from the last h and c of the one before, backward each, add, divide once.")


def windows(weights, X, labels, mask, window, carry_h=True, carry_c=True):
    """The gradient of the summed loss of each window, and how many tokens it holds."""
    h = c = None
    gradients, counts = [], []
    for start in range(0, len(X), window):
        now = slice(start, start + window)
        trace = forward(weights, X[now], h, c)
        _, dY = cross_entropy(trace.Y, labels[now], mask[now])
        gradients.append(backward(weights, trace, dY))
        counts.append(int(mask[now].sum()))
        h, c = (trace.h[-1] if carry_h else None), (trace.c[-1] if carry_c else None)
    return gradients, counts


def weighted_sum(factors, gradients):
    return add([float(factor) * gradient for factor, gradient in zip(factors, gradients)])


def add(gradients):
    first, *others = gradients
    return sum(others, start=first)


def received_from(function, *arguments):
    """What the reader's function returns; no answer yet where it returns nothing."""
    received = function(*arguments)
    if received is None or received is ...:
        raise NotImplementedError
    return received


def likely_cause(received, causes, otherwise):
    """The hint of the first wrong answer that equals the one received."""
    return next((hint for wrong, hint in causes if same(received, wrong)), otherwise)


def expect_gradient(received, wanted, case, causes, otherwise):
    """Raise NotYet unless `received` is the Weights `wanted`, to a norm-relative 1e-9."""
    if not isinstance(received, Weights):
        raise NotYet(f"For {case}: expected a Weights, received {brief(received)}.")
    wanted.check_like(received)
    error = relative_error(received, wanted)
    if not error <= 1e-9:
        hint = next((hint for wrong, hint in causes if relative_error(received, wrong) <= 1e-9), otherwise)
        raise NotYet(f"For {case}: the gradient is off by {100 * error:.1f}% of its norm. Hint: {hint}")
