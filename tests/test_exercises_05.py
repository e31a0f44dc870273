"""The feedback of notebook 05, and the ten lines of its text that are meant for other people's PyTorch code."""

import re

import nbformat
import numpy as np
import pytest
from browser import ROOT

from helpers import hint_of
from lstmlib import init_weights
from lstmlib.exercises.which_X import (
    add,
    check_factor,
    check_sequences,
    check_token_weights,
    summed_loss,
)

NOTEBOOK = ROOT / "notebooks" / "05_which_X.ipynb"


@pytest.mark.parametrize("check", [check_token_weights, check_sequences, check_factor])
def test_a_stub_is_not_answered_yet(check, capsys):
    check(lambda *arguments: None)
    check(lambda *arguments: ...)
    check(...)
    assert capsys.readouterr().out == 3 * "Not answered yet.\n"


def of_pieces(weight):
    """weight(lengths of all, lengths in the piece, M) for every sequence."""
    def token_weights(lengths, pieces):
        answer = np.zeros(len(lengths))
        for rows in pieces:
            answer[rows] = weight(lengths, lengths[rows], len(pieces))
        return answer
    return token_weights


def test_token_weights_right():
    check_token_weights.judge(of_pieces(lambda every, own, M: 1 / (M * own.sum())))
    check_token_weights.judge(lambda *given: list(of_pieces(lambda every, own, M: 1 / (M * own.sum()))(*given)))


@pytest.mark.parametrize("weight, cause", [
    (lambda every, own, M: 1 / every.sum(), "in the full batch"),
    (lambda every, own, M: 1 / own.sum(), "divides by M as well"),
    (lambda every, own, M: 1 / (M * own), "not of one"),
    (lambda every, own, M: 1 / (len(every) * own.sum()), "not over all sequences"),
    (lambda every, own, M: own / (M * own.sum()), "of one of its tokens"),
    (lambda every, own, M: 2 / own.sum(), "a further 1/M"),
    (lambda every, own, M: every.sum() / (M * own.sum()), "times n"),
    (lambda every, own, M: 0, "make one of floats"),
    (lambda every, own, M: 1e200, "a further 1/M"),
])
def test_token_weights_wrong(weight, cause):
    assert cause in hint_of(check_token_weights, of_pieces(weight))


def test_token_weights_names_the_case_and_the_numbers():
    assert hint_of(check_token_weights, of_pieces(lambda every, own, M: 1 / own.sum())) == (
        "For lengths [3, 5, 4] and pieces [[0, 1], [2]]: expected [0.0625 0.0625 0.125 ], received "
        "[0.125 0.125 0.25 ]. Hint: the mean over M micro-batches divides by M as well.")


def test_token_weights_in_place():
    def token_weights(lengths, pieces):
        lengths *= len(pieces)
        return 1 / lengths
    assert "not of one" in hint_of(check_token_weights, token_weights)


def sequences(of_piece, mask_of=lambda mask: mask):
    """of_piece(lengths in the piece, all sequences, M, all tokens): the factor of each sequence of a piece."""
    def mean_over_sequences(weights, micro_batches):
        lengths = [mask.sum(axis=0) for _, _, mask in micro_batches]
        B, total = sum(map(len, lengths)), sum(map(sum, lengths))
        factors = [np.broadcast_to(of_piece(n_b, B, len(lengths), total), len(n_b)) for n_b in lengths]
        return add([summed_loss(weights, X, labels, mask_of(mask), factor)
                    for (X, labels, mask), factor in zip(micro_batches, factors)])
    return mean_over_sequences


def test_sequences_right():
    check_sequences.judge(sequences(lambda n_b, B, M, total: 1 / (B * n_b)))


@pytest.mark.parametrize("answer, cause", [
    (sequences(lambda n_b, B, M, total: 1 / n_b), "by the number of sequences, too"),
    (sequences(lambda n_b, B, M, total: 1 / (M * len(n_b) * n_b)), "mean of means"),
    (sequences(lambda n_b, B, M, total: 1 / (M * n_b)), "not of micro-batches"),
    (sequences(lambda n_b, B, M, total: 1 / total), "mean over tokens"),
    (sequences(lambda n_b, B, M, total: 1 / (B * n_b.max())), "leaves the padding out"),
    (sequences(lambda n_b, B, M, total: len(n_b) / (B * n_b.sum())), "too late"),
    (sequences(lambda n_b, B, M, total: 1 / (B * n_b), np.ones_like), "pass the mask"),
    (sequences(lambda n_b, B, M, total: 3 / (B * n_b)), "multiply its dY"),
])
def test_sequences_wrong(answer, cause):
    assert cause in hint_of(check_sequences, answer)


def scaled(scale):
    return sequences(lambda n_b, B, M, total: scale / (B * n_b))


def test_sequences_names_the_case_and_the_size_of_the_error():
    said = hint_of(check_sequences, scaled(3))
    assert said.startswith("For micro-batches of 3 and 1 sequences: the gradient is off by 200% of its norm. Hint: ")
    assert "off by 0.5% of" in hint_of(check_sequences, scaled(1.005))


def test_sequences_to_a_billionth_part():
    check_sequences.judge(scaled(1 + 0.9e-9))
    assert "off by 1.5e-07% of" in hint_of(check_sequences, scaled(1 + 1.5e-9))


def test_sequences_of_another_kind():
    expected = "For micro-batches of 3 and 1 sequences: expected a Weights, received "
    assert hint_of(check_sequences, lambda weights, micro_batches: 1 / 3) == f"{expected}0.333333."
    with pytest.raises(ValueError, match="Wx must have the same shape"):
        check_sequences.judge(lambda weights, micro_batches: init_weights(7, 5, 7))


def test_sequences_in_place():
    def mean_over_sequences(weights, micro_batches):
        answer = scaled(1)(weights, micro_batches)
        for piece in micro_batches:
            for array in piece:
                array[:] = 0
        return answer
    check_sequences.judge(mean_over_sequences)


def factor(counts, ranks, pieces):
    return (len(counts) if ranks else 1) * (counts.shape[1] if pieces else 1) / counts.sum()


def test_factor_right():
    check_factor.judge(factor)


@pytest.mark.parametrize("answer, cause", [
    (lambda counts, ranks, pieces: 1 / counts.sum(), "the framework divides as well"),
    (lambda counts, *averaged: 1 / factor(counts, *averaged) / counts.sum() ** 2, "the framework divides already"),
    (lambda counts, ranks, pieces: factor(counts.T, ranks, pieces), "R belongs to the ranks"),
    (lambda counts, ranks, pieces: counts.size / counts.sum(), "undo only what is averaged"),
    (lambda counts, ranks, pieces: factor(counts, ranks, pieces) * counts.sum(), "divide by the total"),
    (lambda counts, ranks, pieces: 1 / counts, "the same everywhere"),
    (lambda counts, ranks, pieces: factor(counts, ranks, False), "what the ranks do is undone"),
    (lambda counts, ranks, pieces: factor(counts, False, pieces), "what the micro-batches do is undone"),
    (lambda counts, *averaged: np.full(counts.shape, factor(counts, *averaged)), "as one number"),
    (lambda counts, ranks, pieces: 0.5, "must be the mean"),
])
def test_factor_wrong(answer, cause):
    assert cause in hint_of(check_factor, answer)


@pytest.mark.parametrize("averaged, times, cause", [
    ((True, True), 3, "what the ranks do is undone"),
    ((True, True), 2, "what the micro-batches do is undone"),
    ((True, False), 2, "R belongs to the ranks"),
    ((False, True), 3, "R belongs to the ranks"),
    ((False, True), 6, "undo only what is averaged"),
    ((False, False), 6, "undo only what is averaged"),
    ((False, False), 3, "must be the mean"),
    ((False, False), 2, "must be the mean"),
    ((False, False), 0, "must be the mean"),
])
def test_factor_wrong_in_one_case(averaged, times, cause):
    """Three ranks of two micro-batches: `times` / total in this case, the right factor in every other."""
    said = hint_of(check_factor, lambda counts, *given: times / counts.sum() if given == averaged
                   else factor(counts, *given))
    assert f"ranks averaged: {averaged[0]}, micro-batches averaged: {averaged[1]}: " in said and cause in said


def test_factor_names_the_case_and_the_numbers():
    assert hint_of(check_factor, lambda counts, ranks, pieces: factor(counts, ranks, False)) == (
        "For counts [[12, 30], [25, 8], [40, 5]], ranks averaged: True, micro-batches averaged: True: expected 0.05, "
        "received 0.025. Hint: what the ranks do is undone; the micro-batches are averaged, too.")


def test_factor_in_place():
    def in_place(counts, ranks, pieces):
        answer = factor(counts, ranks, pieces)
        counts[:] = 0
        return answer
    check_factor.judge(in_place)


# The ten lines for a PyTorch project.

def ten_lines():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    blocks = [block for cell in notebook.cells if cell.cell_type == "markdown"
              for block in re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)]
    found = [block for block in blocks if "def check_accumulation" in block]
    assert len(found) == 1
    return found[0]


def test_they_are_ten_lines_of_python():
    block = ten_lines()
    assert len(block.strip().splitlines()) == 10
    compile(block, "the ten lines", "exec")


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def check_accumulation(torch):
    names = {}
    exec(ten_lines(), names)
    return names["check_accumulation"]


@pytest.fixture
def model(torch):
    torch.manual_seed(0)

    class Model(torch.nn.Module):
        """A small language model, with dropout."""

        def __init__(self):
            super().__init__()
            self.embed, self.drop = torch.nn.Embedding(7, 5), torch.nn.Dropout(0.5)
            self.lstm, self.out = torch.nn.LSTM(5, 6), torch.nn.Linear(6, 7)
            self.unused = torch.nn.Linear(2, 2)

        def forward(self, tokens):
            return self.out(self.drop(self.lstm(self.embed(tokens))[0]))

    return Model()


def examples_of(torch, *lengths):
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(0, 7, (length + 1,), generator=generator) for length in lengths]


def summed_loss_of(torch, model, micro_batch):
    """The loss of a padded micro-batch, summed, and its number of tokens."""
    padded = torch.nn.utils.rnn.pad_sequence([example[:-1] for example in micro_batch])
    labels = torch.nn.utils.rnn.pad_sequence([example[1:] for example in micro_batch], padding_value=-100)
    logits = model(padded).flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(logits, labels.flatten(), ignore_index=-100, reduction="sum")
    return loss, int((labels >= 0).sum()), labels.shape[1]


def accumulation(torch, weigh):
    """A training step's accumulation; weigh(tokens, sequences, M, all tokens) scales each summed loss."""
    def accumulate(model, micro_batches):
        total = sum(len(example) - 1 for micro_batch in micro_batches for example in micro_batch)
        for micro_batch in micro_batches:
            loss, tokens, sequences = summed_loss_of(torch, model, micro_batch)
            (loss * weigh(tokens, sequences, len(micro_batches), total)).backward()
    return accumulate


def divided_at_the_end(torch):
    def accumulate(model, micro_batches):
        total = 0
        for micro_batch in micro_batches:
            loss, tokens, _ = summed_loss_of(torch, model, micro_batch)
            loss.backward()
            total += tokens
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad /= total
    return accumulate


def test_right_accumulations_pass(torch, model, check_accumulation):
    for lengths in ((3, 9, 14), (3, 20), (5, 5, 5)):
        examples = examples_of(torch, *lengths)
        for weigh in (lambda tokens, sequences, M, total: 1 / total,
                      lambda tokens, sequences, M, total: 1 / tokens * (tokens / total)):
            check_accumulation(model, accumulation(torch, weigh), examples)
        check_accumulation(model, divided_at_the_end(torch), examples)


@pytest.mark.parametrize("weigh", [
    lambda tokens, sequences, M, total: 1 / (M * tokens),
    lambda tokens, sequences, M, total: 1 / tokens,
    lambda tokens, sequences, M, total: 1 / (M * total),
    lambda tokens, sequences, M, total: 1 / (M * sequences),
], ids=["mean of means", "sum of means", "divided twice", "mean over sequences, of means"])
def test_wrong_accumulations_are_caught(torch, model, check_accumulation, weigh):
    with pytest.raises(AssertionError, match="the gradient changes by"):
        check_accumulation(model, accumulation(torch, weigh), examples_of(torch, 3, 9, 14))


def test_double_precision_and_no_dropout_left_on(torch, model, check_accumulation):
    check_accumulation(model.double(), divided_at_the_end(torch), examples_of(torch, 3, 9, 14))
    assert not model.training


def test_two_examples_cannot_show_a_mean_of_means_over_sequences(torch, model, check_accumulation):
    """As the notebook says: it takes three."""
    def accumulate(model, micro_batches):
        for micro_batch in micro_batches:
            for example in micro_batch:
                loss, tokens, _ = summed_loss_of(torch, model, [example])
                (loss / (tokens * len(micro_batch) * len(micro_batches))).backward()

    check_accumulation(model, accumulate, examples_of(torch, 3, 9))
    with pytest.raises(AssertionError, match="the gradient changes by"):
        check_accumulation(model, accumulate, examples_of(torch, 3, 9, 14))


def test_pieces_of_equal_token_counts_cannot_show_it(torch, model, check_accumulation):
    """As the notebook says: the two pieces need different numbers of tokens."""
    mean_of_means = accumulation(torch, lambda tokens, sequences, M, total: 1 / (M * tokens))
    check_accumulation(model, mean_of_means, examples_of(torch, 9, 9))
