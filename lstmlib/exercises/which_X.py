"""Feedback on the exercises of notebook 05."""

from copy import deepcopy
from itertools import product

import numpy as np

from .. import Weights, backward, cross_entropy, forward, init_weights, reber_strings, relative_error
from .base import NotYet, answered, brief, check, expect, likely

EQUAL = 1e-9  # norm-relative


@check
def check_token_weights(token_weights):
    """A token weighs 1/(M n_m), whichever sequence of its micro-batch it is in.

    token_weights  (lengths, pieces) -> one weight for each sequence
    """
    for lengths, pieces in ((np.array([3, 5, 4]), [[0, 1], [2]]), (np.array([8, 8, 20, 11]), [[3], [0, 2], [1]]),
                            (np.array([2, 9]), [[0, 1]])):
        M, total = len(pieces), lengths.sum()
        of_piece = np.empty(len(lengths))
        for rows in pieces:
            of_piece[rows] = lengths[rows].sum()
        case = f"lengths {lengths.tolist()} and pieces {pieces}"
        hint = "the mean of a micro-batch gives 1/n_m to each of its tokens, the mean over micro-batches a further 1/M."
        expect(token_weights(lengths.copy(), pieces), 1 / (M * of_piece), case, hint, [
            (np.full(len(lengths), 1 / total),
             "this is the weight in the full batch; here each piece divides by its own count."),
            (1 / of_piece, "the mean over M micro-batches divides by M as well."),
            (1 / (M * lengths), "a micro-batch divides by the tokens of all its sequences, not of one."),
            (1 / (len(lengths) * of_piece), "the mean is over the M micro-batches, not over all sequences."),
            (1 / (M * of_piece) * lengths, "this is the weight of a whole sequence; return that of one of its tokens."),
            (total / (M * of_piece), "this is the weight times n, as in Figure 5.2; return the weight itself."),
            (np.zeros(len(lengths)), "an array of whole numbers rounds every weight down to 0; make one of floats.")])


@check
def check_sequences(mean_over_sequences):
    """Each sequence is divided by its own length before the sum over sequences, and the sum once by their number.

    mean_over_sequences  (weights, micro_batches: a list of (X, labels, mask)) -> Weights
    """
    for seed, sizes in enumerate(([3, 1], [1, 4, 2], [2])):
        rng, weights = np.random.default_rng(seed), init_weights(7, 4, 7)
        pieces = [reber_strings(size, rng) for size in sizes]
        case = f"micro-batches of {' and '.join(map(str, sizes))} sequences"
        received = answered(mean_over_sequences(weights, deepcopy(pieces)))
        if not isinstance(received, Weights):
            raise NotYet(f"For {case}: expected a Weights, received {brief(received)}.")
        each = [mask.sum(axis=0) for _, _, mask in pieces]
        n_b, M, B = np.concatenate(each), len(sizes), sum(sizes)
        size, tokens, longest = (np.repeat([of(lengths) for lengths in each], sizes) for of in (len, sum, max))
        error = relative_error(received, gradient(weights, pieces, 1 / (B * n_b)))
        if error <= EQUAL:
            continue
        hints = [(gradient(weights, pieces, factor), hint) for factor, hint in (
            (1 / n_b, "divide by the number of sequences, too."),
            (1 / (M * size * n_b), "this is a mean of means; divide by the number of all sequences, once."),
            (1 / (M * n_b), "divide by the number of sequences, not of micro-batches."),
            (np.full(B, 1 / n_b.sum()), "this is the mean over tokens; each sequence needs its own length."),
            (1 / (B * longest), "the length of a sequence leaves the padding out; count its tokens in the mask."),
            (size / (B * tokens), "a factor for a whole micro-batch is too late: it must be another one for each "
                                  "sequence, before the sum."))]
        unmasked = [(X, labels, np.ones_like(mask)) for X, labels, mask in pieces]
        hints.append((gradient(weights, unmasked, 1 / (B * n_b)), "the padding counts as well; pass the mask."))
        hint = likely(received, hints, "sequence b needs 1/(B n_b), with B over all micro-batches: multiply its dY, "
                      "then add.", lambda own, wrong: relative_error(own, wrong) <= EQUAL)
        raise NotYet(f"For {case}: the gradient is off by {100 * error:.3g}% of its norm. Hint: {hint}")


def gradient(weights, pieces, factor):
    """The gradient of the summed losses, those of sequence b of all pieces times factor[b]."""
    total = 0 * weights
    for X, labels, mask in pieces:
        own, factor = np.split(factor, [mask.shape[1]])
        trace = forward(weights, X)
        _, dY = cross_entropy(trace.Y, labels, mask)
        total += backward(weights, trace, dY * own[:, None])
    return total


@check
def check_factor(factor):
    """The factor undoes what the framework averages and divides once by the total, for every rank and micro-batch.

    factor  (counts (R, M), ranks_averaged, micro_batches_averaged) -> number
    """
    for counts in (np.array([[12, 30], [25, 8], [40, 5]]), np.array([[7, 9, 4, 20]]), np.array([[6], [31]])):
        (R, M), total = counts.shape, counts.sum()
        for ranks, pieces in product((True, False), repeat=2):
            of_ranks, of_pieces = R if ranks else 1, M if pieces else 1
            wanted = of_ranks * of_pieces / total
            case = f"counts {counts.tolist()}, ranks averaged: {ranks}, micro-batches averaged: {pieces}"
            hint = "the sum of all factor * summed loss, divided by what is averaged over, must be the mean."
            expect(factor(counts.copy(), ranks, pieces), wanted, case, hint, [
                (1 / total, "the framework divides as well; multiply by what it will divide by."),
                (1 / (wanted * total ** 2), "the framework divides already; multiply by what it divides by."),
                ((M if ranks else 1) * (R if pieces else 1) / total,
                 "R belongs to the ranks, M to the micro-batches."),
                (R * M / total, "undo only what is averaged; what is summed needs nothing."),
                (wanted * total, "divide by the total number of tokens, too."),
                (of_ranks / total, "what the ranks do is undone; the micro-batches are averaged, too."),
                (of_pieces / total, "what the micro-batches do is undone; the ranks are averaged, too."),
                (np.full((R, M), wanted), "the value is right; return it as one number, not an array."),
                (1 / counts, "the factor must be the same everywhere: divide by the total.")])
