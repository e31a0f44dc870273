"""Notebook 05: answers to its exercises, for test_exercises; its explorer: weights, numbers and words."""

from fractions import Fraction

import numpy as np

from lstmlib import backward, cross_entropy, forward, init_weights, relative_error
from lstmlib.exercises.which_X import check_factor, check_sequences, check_token_weights, gradient
from lstmlib.explorers import which_X as ragged
from lstmlib.explorers.base import grid
from lstmlib.explorers.which_X import MEAN, MEANS, ONCE, PADDED, SEQUENCES, SHARES, SUMMED, TOKENS, State


def test_the_full_batch_gradient_is_that_of_one_padded_batch():
    """The sums over rows that the explorer adds up are those of lstmlib on the whole padded array."""
    lengths = ragged.lengths_of(State(longer=2))
    X, labels = np.zeros((max(lengths), 6, 7)), np.zeros((max(lengths), 6), int)
    for number, length in enumerate(lengths):
        of_length = ragged.strings_by_length()[length]
        X[:length, [number]], labels[:length, [number]] = of_length[number % len(of_length)]
    mask = np.arange(max(lengths))[:, None] < lengths
    trace = forward(ragged.weights_in_training(), X)
    _, dY = cross_entropy(trace.Y, labels, mask)
    gradients = [ragged.row(number, length)[1] for number, length in enumerate(lengths)]
    for by, count in {TOKENS: mask.sum(), SEQUENCES: 6 * mask.sum(axis=0), PADDED: mask.size}.items():
        whole = backward(ragged.weights_in_training(), trace, dY * (mask / count)[..., None])
        assert relative_error(ragged.weighted_sum(ragged.full_batch(by, lengths), gradients), whole) < 1e-13


def test_a_piece_weighs_as_its_own_mean_times_its_share():
    states = (state for first, second, cut_all in ((0, 0, False), (4, 1, False), (2, 4, True))
              for state in grid(State(first=first, second=second, cut_all=cut_all), spread=(0, 3), longer=(0, 4),
                                in_order=(True, False), by=MEANS, divide=(ONCE, MEAN, SHARES, SUMMED)))
    for state in states:
        numbers, lengths = ragged.numbers(state), ragged.lengths_of(state)
        pieces = [lengths[start:stop] for start, stop in numbers.pieces]
        counts = [{TOKENS: sum(own), SEQUENCES: len(own), PADDED: len(own) * max(own)}[state.by] for own in pieces]
        shares = {MEAN: [Fraction(1, len(pieces))] * len(pieces), SUMMED: [1] * len(pieces)}.get(
            state.divide, [Fraction(count, sum(counts)) for count in counts])
        assert numbers.weights == tuple(share * weight for share, own in zip(shares, pieces)
                                        for weight in ragged.full_batch(state.by, own))
        for by, it in numbers.comparisons.items():
            assert it.same == (numbers.weights == ragged.full_batch(by, lengths))


SAID = [
    ("Reset", True, "As meant, this is the mean over tokens. The boundaries between the pieces do not show in it."),
    ("Mean of means", False, "A token of row 1 weighs 1.47 times what it should, one of row 5 0.76 times (cosine 0."),
    ("Weighted by shares", True, "The boundaries between the pieces do not show in it."),
    ("One sequence each", False, "exactly the full-batch gradient of the mean over sequences (against the one meant: "),
    ("Mixed order", True, "But only because all pieces hold the same count."),
    ("Equal lengths", True, "it is the mean over sequences and the mean over padded timesteps as well."),
    ("Padding counted", False,
     "This is not the mean over padded timesteps. ... is 1.38 times as long. The cosine does not show it."),
    (State(first=0, second=0), True, "Nothing is cut.")]


# Answers.

def of_pieces(weight):
    """weight(lengths of all, lengths in the piece, M) for every sequence."""
    def token_weights(lengths, pieces):
        answer = np.zeros(len(lengths))
        for rows in pieces:
            answer[rows] = weight(lengths, lengths[rows], len(pieces))
        return answer
    return token_weights


def sequences(of_piece, mask_of=lambda mask: mask):
    """of_piece(lengths in the piece, all sequences, M, all tokens): the factor of each sequence of a piece."""
    def mean_over_sequences(weights, pieces):
        lengths = [mask.sum(axis=0) for _, _, mask in pieces]
        B, total = sum(map(len, lengths)), sum(map(sum, lengths))
        factors = [np.broadcast_to(of_piece(n_b, B, len(pieces), total), len(n_b)) for n_b in lengths]
        return gradient(weights, [(X, labels, mask_of(mask)) for X, labels, mask in pieces], np.concatenate(factors))
    return mean_over_sequences


def factor(counts, ranks, pieces):
    return (len(counts) if ranks else 1) * (counts.shape[1] if pieces else 1) / counts.sum()


def but_for(case, times):
    """The right factor, but for `times` / total in one case of three ranks with two micro-batches."""
    return lambda counts, *averaged: times / counts.sum() if averaged == case else factor(counts, *averaged)


RIGHT = {
    check_token_weights: [lambda *given: list(of_pieces(lambda every, own, M: 1 / (M * own.sum()))(*given))],
    check_sequences: [sequences(lambda n_b, B, M, total: (1 + 0.9e-9) / (B * n_b))]}

WRONG = {
    check_token_weights: [
        (of_pieces(lambda every, own, M: 1 / own.sum()),
         "For lengths [3, 5, 4] and pieces [[0, 1], [2]]: expected [0.0625 0.0625 0.125 ], received "
         "[0.125 0.125 0.25 ]. Hint: the mean over M micro-batches divides by M as well."),
        (of_pieces(lambda every, own, M: 1 / every.sum()), "in the full batch"),
        (of_pieces(lambda every, own, M: 1 / (M * own)), "not of one"),
        (of_pieces(lambda every, own, M: 1 / (len(every) * own.sum())), "not over all sequences"),
        (of_pieces(lambda every, own, M: own / (M * own.sum())), "of one of its tokens"),
        (of_pieces(lambda every, own, M: every.sum() / (M * own.sum())), "times n"),
        (of_pieces(lambda every, own, M: 0), "make one of floats"),
        (of_pieces(lambda every, own, M: 1e200), "a further 1/M")],
    check_sequences: [
        (sequences(lambda n_b, B, M, total: 1 / n_b), "by the number of sequences, too"),
        (sequences(lambda n_b, B, M, total: 1 / (M * len(n_b) * n_b)), "mean of means"),
        (sequences(lambda n_b, B, M, total: 1 / (M * n_b)), "not of micro-batches"),
        (sequences(lambda n_b, B, M, total: 1 / total), "mean over tokens"),
        (sequences(lambda n_b, B, M, total: 1 / (B * n_b.max())), "leaves the padding out"),
        (sequences(lambda n_b, B, M, total: len(n_b) / (B * n_b.sum())), "too late"),
        (sequences(lambda n_b, B, M, total: 1 / (B * n_b), np.ones_like), "pass the mask"),
        (sequences(lambda n_b, B, M, total: 3 / (B * n_b)),
         "For micro-batches of 3 and 1 sequences: the gradient is off by 200% of its norm. Hint: sequence b needs "
         "1/(B n_b), with B over all micro-batches: multiply its dY, then add."),
        (lambda *given: 1 / 3, "For micro-batches of 3 and 1 sequences: expected a Weights, received 0.333333."),
        (lambda *given: init_weights(7, 5, 7), "Wx must have the same shape")],
    check_factor: [
        (lambda counts, *averaged: 1 / counts.sum(), "the framework divides as well"),
        (lambda counts, *averaged: 1 / factor(counts, *averaged) / counts.sum() ** 2, "the framework divides already"),
        (lambda counts, *averaged: factor(counts, *averaged) * counts.sum(), "divide by the total"),
        (lambda counts, *averaged: 1 / counts, "the same everywhere"),
        (lambda counts, *averaged: np.full(counts.shape, factor(counts, *averaged)), "as one number"),
        (but_for((True, True), 3),
         "For counts [[12, 30], [25, 8], [40, 5]], ranks averaged: True, micro-batches averaged: True: expected 0.05, "
         "received 0.025. Hint: what the ranks do is undone; the micro-batches are averaged, too."),
        (but_for((True, True), 2), "what the micro-batches do is undone"),
        (but_for((True, False), 2), "R belongs to the ranks"),
        (but_for((False, True), 6), "undo only what is averaged"),
        (but_for((False, False), 3), "the sum of all factor * summed loss, divided by what is averaged over, must be")]}
