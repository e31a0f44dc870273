"""The feedback of notebook 05, and the ten lines of its text that are meant for other people's PyTorch code.

The explorer of notebook 05, without a browser: weights, numbers, words and pictures of its states.
"""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from fractions import Fraction
from functools import cache

import nbformat
import numpy as np
import pytest
from lab import ROOT

from helpers import assert_an_error_is_shown_and_raised, drawn, hint_of
from lstmlib import backward, cross_entropy, forward, init_weights, relative_error
from lstmlib.exercises.which_X import (
    add,
    check_factor,
    check_sequences,
    check_token_weights,
    summed_loss,
)
from lstmlib.explorers import which_X as module
from lstmlib.explorers.which_X import (
    MEAN,
    MEANS,
    ONCE,
    PADDED,
    SEQUENCES,
    SHARES,
    SUMMED,
    TOKENS,
    Ragged,
    draw,
    lengths_of,
    pieces_of,
    ragged_batch,
    row,
    strings_by_length,
    token_weights,
    weighted_sum,
    weights_in_training,
    words,
)

numbers = cache(module.numbers)


@pytest.fixture(scope="module")
def explorer():
    return ragged_batch()


def all_states():
    cuts = (0, 0, False), (1, 5, False), (4, 2, False), (3, 3, False), (2, 4, True)
    for spread, longer, in_order, cut, by, divide in itertools.product(
            (0, 1, 3), (0, 4), (True, False), cuts, MEANS, (ONCE, MEAN, SHARES, SUMMED)):
        yield Ragged(spread, longer, in_order, *cut, by, divide)


def test_lengths():
    assert lengths_of(Ragged(spread=3)) == (8, 11, 11, 17, 17, 20)
    assert lengths_of(Ragged(spread=0, longer=4)) == (14, 14, 14, 14, 14, 18)
    for spread in range(4):
        in_order, mixed = (lengths_of(Ragged(spread=spread, in_order=order)) for order in (True, False))
        assert sorted(mixed) == list(in_order) and sum(in_order) == 84


def test_order_moves_the_same_strings():
    for spread, longer in itertools.product(range(4), (0, 4)):
        in_order, mixed = (numbers(Ragged(spread, longer, in_order=order)) for order in (True, False))
        assert in_order.strings != mixed.strings and sorted(in_order.strings) == sorted(mixed.strings)
        for by in MEANS:
            assert in_order.comparisons[by] == pytest.approx(mixed.comparisons[by], rel=1e-12)


@pytest.mark.parametrize("by, counts", [
    (TOKENS, ("19 tokens", "28 tokens", "41 tokens")), (SEQUENCES, ("2 sequences",) * 3),
    (PADDED, ("22 timesteps", "34 timesteps", "48 timesteps"))])
def test_the_pieces_show_what_they_divide_by(by, counts):
    state = Ragged(longer=4, by=by)
    root = ElementTree.fromstring(drawn(draw(state, numbers(state))))[0]
    texts = [part.text for part in root.iter() if part.tag.endswith("text")]
    assert all(texts.count(shown) == counts.count(shown) for shown in counts)


@pytest.mark.parametrize("first, second, cut_all, pieces", [
    (0, 0, False, [(0, 6)]), (2, 4, False, [(0, 2), (2, 4), (4, 6)]), (4, 2, False, [(0, 2), (2, 4), (4, 6)]),
    (3, 3, False, [(0, 3), (3, 6)]), (0, 5, False, [(0, 5), (5, 6)]), (1, 0, True, [(k, k + 1) for k in range(6)])])
def test_pieces(first, second, cut_all, pieces):
    assert list(pieces_of(Ragged(first=first, second=second, cut_all=cut_all))) == pieces


@pytest.mark.parametrize("by, divide, weights", [
    (TOKENS, ONCE, (Fraction(1, 10),) * 3),
    (TOKENS, SHARES, (Fraction(1, 10),) * 3),
    (TOKENS, MEAN, (Fraction(1, 10), Fraction(1, 10), Fraction(1, 10))),
    (TOKENS, SUMMED, (Fraction(1, 5), Fraction(1, 5), Fraction(1, 5))),
    (SEQUENCES, ONCE, (Fraction(1, 6), Fraction(1, 9), Fraction(1, 15))),
    (SEQUENCES, MEAN, (Fraction(1, 8), Fraction(1, 12), Fraction(1, 10))),
    (PADDED, ONCE, (Fraction(1, 11),) * 3),
    (PADDED, MEAN, (Fraction(1, 12), Fraction(1, 12), Fraction(1, 10))),
])
def test_weights_of_a_small_batch(by, divide, weights):
    """Lengths 2, 3 and 5; the first two sequences are a micro-batch."""
    assert token_weights(by, divide, (2, 3, 5), [(0, 2), (2, 3)]) == weights


def test_the_rows_are_strings_of_the_grammar_at_their_length():
    for number, length in itertools.product(range(6), sorted({n for state in all_states() for n in lengths_of(state)})):
        text, _ = row(number, length)
        assert len(text) == length and text[0] == text[-2] in "TP" and text[-1] == "E"


def test_the_full_batch_gradient_is_that_of_one_padded_batch():
    """The sums over rows that the explorer adds up are those of lstmlib on the whole padded array."""
    lengths = lengths_of(Ragged(longer=2))
    X, labels = np.zeros((max(lengths), 6, 7)), np.zeros((max(lengths), 6), int)
    for number, length in enumerate(lengths):
        of_length = strings_by_length()[length]
        X[:length, [number]], labels[:length, [number]] = of_length[number % len(of_length)]
    mask = np.arange(max(lengths))[:, None] < lengths
    trace = forward(weights_in_training(), X)
    _, dY = cross_entropy(trace.Y, labels, mask)
    gradients = [row(number, length)[1] for number, length in enumerate(lengths)]
    counts = {TOKENS: mask.sum(), SEQUENCES: 6 * mask.sum(axis=0), PADDED: mask.size}
    for by, count in counts.items():
        whole = backward(weights_in_training(), trace, dY * (mask / count)[..., None])
        assert relative_error(weighted_sum(module.full_batch(by, lengths), gradients), whole) < 1e-13


def test_what_is_right_and_what_is_not():
    for state in all_states():
        of = numbers(state).comparisons
        counts = [module.count(state.by, lengths_of(state)[start:stop]) for start, stop in pieces_of(state)]
        if state.by != PADDED and state.divide in (ONCE, SHARES):
            assert of[state.by].same
        if state.divide == MEAN and state.by != PADDED:
            assert of[state.by].same == (len(set(counts)) == 1)
        if state.divide == SUMMED and len(counts) > 1:
            assert not of[state.by].same
        for comparison in of.values():
            assert not comparison.same or comparison.proportional
            assert not comparison.proportional or abs(comparison.cosine - 1) < 1e-12
            assert not comparison.same or abs(comparison.ratio - 1) < 1e-12
        assert of[TOKENS].cosine == pytest.approx(of[PADDED].cosine, abs=1e-12)


def test_equal_lengths_make_the_three_means_one():
    assert all(it.same for it in numbers(Ragged(spread=0)).comparisons.values())


@pytest.mark.parametrize("preset, verdict, said", [
    ("Reset", "As meant", "boundaries between the pieces do not show"),
    ("Mean of means", "Not as meant", "a token of row 1 weighs 1.47 times"),
    ("Weighted by shares", "As meant", "boundaries between the pieces do not show"),
    ("One sequence each", "Not as meant", "exactly the full-batch gradient of the mean over sequences"),
    ("Mixed order", "As meant", "only because all pieces hold the same count"),
    ("Equal lengths", "As meant", "the mean over sequences and the mean over padded timesteps as well"),
    ("Padding counted", "Not as meant", "the cosine does not show it"),
])
def test_named_states_say_what_the_picture_shows(explorer, preset, verdict, said):
    explorer.choose(preset)
    text = words(explorer.state, explorer.numbers)
    assert text.startswith(verdict) and said.lower() in text.lower()
    assert text in explorer.words.value and explorer.error is None and explorer.alert.value == ""


def test_numbers_of_the_named_states(explorer):
    shown = {name: numbers(explorer.state_of(name)) for name in explorer.presets}
    assert shown["Mean of means"].weights[0] == Fraction(1, 3 * 19)
    assert shown["Mean of means"].comparisons[TOKENS].cosine < 0.98
    assert shown["One sequence each"].weights[-1] == Fraction(1, 6 * 20)
    padded = shown["Padding counted"].comparisons[PADDED]
    assert padded.ratio == pytest.approx(6 * 24 / (2 * (11 + 17 + 24)))


def test_every_state_has_a_well_formed_picture_of_one_size():
    shade = 0
    for state in all_states():
        shown = numbers(state)
        assert not np.isnan([value for it in shown.comparisons.values() for value in it]).any()
        low, high = module.RATIO.x_limits
        assert all(low < it.ratio < high and -0.17 < it.cosine < 1 + 1e-12 for it in shown.comparisons.values())
        if shade % 7 == 0:
            root = ElementTree.fromstring(drawn(draw(state, shown)))[0]
            assert root.get("viewBox") == "0 0 1000 530" and root.get("aria-label") == words(state, shown)
        shade += 1


def test_the_angle_stays_on_its_axis():
    assert all(np.degrees(np.arccos(min(it.cosine, 1))) < module.ANGLE.x_limits[1]
               for state in all_states() for it in numbers(state).comparisons.values())


def test_pictures_do_not_depend_on_rounding_noise(explorer):
    for name in explorer.presets:
        state = explorer.state_of(name)
        shown = numbers(state)
        noisy = {by: it._replace(cosine=it.cosine * (1 - 3e-16), ratio=it.ratio * (1 + 3e-16))
                 for by, it in shown.comparisons.items()}
        assert drawn(draw(state, shown)) == drawn(draw(state, shown._replace(comparisons=noisy)))


def test_bars_grow_with_the_weight_and_stop():
    def height_of(state, number):
        shown = numbers(state)
        drawn = module.tokens(number, shown.strings[number], shown.weights[number], 20, 84)
        return float(ElementTree.fromstring(f"<g>{drawn}</g>").find("rect").get("height"))

    plain, means = Ragged(), Ragged(divide=MEAN)
    assert height_of(plain, 0) == height_of(plain, 5) == module.BAR
    assert height_of(means, 0) == pytest.approx(module.BAR * 84 / 57, abs=0.1)
    assert height_of(means, 5) == pytest.approx(module.BAR * 84 / 111, abs=0.1)
    assert height_of(replace(means, divide=SUMMED, cut_all=True), 0) == module.TALLEST


def test_a_control_moves_state_and_picture(explorer):
    explorer.choose("Reset")
    before = explorer.panels.text
    explorer.controls["divide"].value = MEAN
    explorer.controls["first"].value = 1
    assert explorer.state.first == 1 and not explorer.numbers.comparisons[TOKENS].same
    assert explorer.panels.text != before
    explorer.choose("Reset")
    assert explorer.panels.text == before


def test_an_error_is_shown_and_raised(explorer):
    assert_an_error_is_shown_and_raised(explorer, spread=1)


def test_the_poster_shows_two_states_in_pictures_and_words(explorer):
    poster = explorer.poster_html()
    assert poster == ragged_batch().poster_html()
    assert poster.count("<img alt=") == 2 and "<b>Mean of means.</b>" in poster


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
