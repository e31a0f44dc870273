"""The explorer of notebook 05, without a browser: weights, numbers, words and pictures of its states."""

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from helpers import assert_an_error_is_shown_and_raised
from lstmlib import backward, cross_entropy, forward, relative_error
from lstmlib.explorers import ragged as module
from lstmlib.explorers.ragged import (
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
    root = ElementTree.fromstring(draw(state, numbers(state)))
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
            root = ElementTree.fromstring(draw(state, shown))
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
        assert draw(state, shown) == draw(state, shown._replace(comparisons=noisy))


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
    before = explorer.picture.value
    explorer.controls["divide"].value = MEAN
    explorer.controls["first"].value = 1
    assert explorer.state.first == 1 and not explorer.numbers.comparisons[TOKENS].same
    assert explorer.picture.value != before
    explorer.choose("Reset")
    assert explorer.picture.value == before


def test_an_error_is_shown_and_raised(explorer):
    assert_an_error_is_shown_and_raised(explorer, spread=1)


def test_the_poster_shows_two_states_in_pictures_and_words(explorer):
    poster = explorer.poster_html()
    assert poster == ragged_batch().poster_html()
    assert poster.count("<img alt=") == 2 and "<b>Mean of means.</b>" in poster
