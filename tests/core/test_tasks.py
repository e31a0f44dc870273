"""The tasks of 1997, against their descriptions, sequence by sequence."""

import re
from collections import Counter

import numpy as np
import pytest

from lstmlib import adding_problem, reber_strings
from lstmlib.tasks import reber_string

# ---- the adding problem


def rows(T, B, seed=0):
    """The sequences one by one, without their padding: (numbers, markers, target)."""
    X, targets, mask = adding_problem(T, B, np.random.default_rng(seed))
    assert X.shape == (len(mask), B, 2)
    assert targets.shape == (len(mask), B, 1)
    assert mask.dtype == bool
    assert (mask.sum(axis=0) == 1).all()
    assert mask[-1].any()  # no longer than the longest
    assert (targets[~mask] == 0).all()
    for n in range(B):
        end = mask[:, n].argmax()
        assert (X[end + 1:, n] == 0).all()
        yield X[:end + 1, n, 0], X[:end + 1, n, 1], targets[end, n, 0]


@pytest.mark.parametrize("T", [6, 7, 10, 11, 20, 50, 100])
def test_adding_problem_keeps_its_rules(T):
    for numbers, markers, target in rows(T, 300, seed=T):
        assert T <= len(numbers) <= T + T // 10
        assert (np.abs(numbers) <= 1).all()
        assert markers[0] == markers[-1] == -1
        marked = np.flatnonzero(markers == 1)
        assert np.isin(markers[1:-1], (0, 1)).all()
        # The first pair, where it was drawn, shows no 1 and counts as 0.
        drawn = [0, *marked] if len(marked) == 1 else list(marked)
        assert len(drawn) == 2
        assert any(first < 10 and second < T // 2 - 1 + (second > first)
                   for first, second in (drawn, drawn[::-1]))
        assert target == pytest.approx(0.5 + sum(numbers[marked]) / 4, abs=1e-15)


def test_adding_problem_draws_every_length_and_every_place_alike():
    T, B = 40, 4000
    sequences = list(rows(T, B, seed=1))
    lengths = Counter(len(numbers) for numbers, _, _ in sequences)
    assert set(lengths) == {40, 41, 42, 43, 44}
    assert all(abs(n / B - 1 / 5) < 4 * np.sqrt(0.16 / B) for n in lengths.values())
    # A place t is the first one drawn (t < 10) with chance 1/10, otherwise the second with chance 1/19 per free place.
    marked = Counter(t for _, markers, _ in sequences for t in np.flatnonzero(markers == 1).tolist())
    for t in range(1, T):
        if t < 10:
            chance = 0.1 + 0.9 / 19
        elif t < 19:
            chance = 1 / 19
        else:
            chance = 1 / 19 if t == 19 else 0
        assert abs(marked[t] / B - chance) <= 4 * np.sqrt(chance / B), t
    # One mark alone is left where the first pair was drawn, as the first number or as the second.
    alone = sum((markers == 1).sum() == 1 for _, markers, _ in sequences)
    assert abs(alone / B - (0.1 + 0.9 / 19)) < 4 * np.sqrt(0.15 / B)
    numbers = np.concatenate([numbers for numbers, _, _ in sequences])
    counts, _ = np.histogram(numbers, bins=20, range=(-1, 1))
    assert (np.abs(counts / numbers.size - 0.05) < 5 * np.sqrt(0.05 / numbers.size)).all()


def test_in_the_shortest_sequences_every_pair_but_the_last_can_be_marked():
    marked = {t for _, markers, _ in rows(6, 300) for t in np.flatnonzero(markers == 1).tolist()}
    assert marked == {1, 2, 3, 4}


# ---- the Reber grammar

RING = "T*V(PXT*V)*(V|PS)E"  # from the lower loop to the end
PLAIN = f"BTS*X(SE|X{RING})|BP{RING}"
EMBEDDED = f"B(?P<remembered>[TP])({PLAIN})(?P=remembered)E"


def strings(n, seed, embedded):
    """The strings behind the arrays, after the layout of the arrays was checked."""
    X, labels, mask = reber_strings(n, np.random.default_rng(seed), embedded)
    assert X.shape == (*labels.shape, 7)
    assert labels.shape == mask.shape == (len(mask), n)
    assert mask[-1].any()
    for k in range(n):
        length = mask[:, k].sum()
        assert mask[:length, k].all()
        assert (X[length:, k] == 0).all()
        assert (labels[length:, k] == 0).all()
        assert np.array_equal(np.sort(X[:length, k], axis=1), np.eye(7)[[6] * length])
        inputs = X[:length, k].argmax(axis=1)
        assert np.array_equal(inputs[1:], labels[:length - 1, k])
        yield "".join("BTPSXVE"[symbol] for symbol in [*inputs, labels[length - 1, k]])


@pytest.mark.parametrize("embedded, grammar", [(True, EMBEDDED), (False, PLAIN)])
def test_strings_belong_to_the_grammar(embedded, grammar):
    for string in strings(500, 1, embedded):
        assert re.fullmatch(grammar, string), string


def test_every_choice_is_drawn_with_probability_one_half():
    """The shortest strings of the plain grammar have known chances; so has the remembered symbol."""
    n = 4000
    plain = Counter(strings(n, 2, embedded=False))
    chances = {"BTXSE": 1 / 8, "BTSXSE": 1 / 16, "BPVVE": 1 / 8, "BPTVVE": 1 / 16, "BPVPSE": 1 / 16, "BTXXVVE": 1 / 32}
    for string, chance in chances.items():
        assert abs(plain[string] / n - chance) < 4 * np.sqrt(chance / n), string
    remembered = [string[1] for string in strings(1000, 3, embedded=True)]
    assert abs(remembered.count("T") / 1000 - 1 / 2) < 4 * np.sqrt(0.25 / 1000)


def test_strings_are_embedded_unless_asked_otherwise():
    given, unasked = (reber_strings(9, np.random.default_rng(5), *embedded) for embedded in ((np.True_,), ()))
    assert np.array_equal(given[0], unasked[0])
    assert reber_string(np.random.default_rng(5))[1:3] in ("TB", "PB")
    assert type(reber_string(np.random.default_rng(5), embedded=False)) is str


# ---- both

@pytest.mark.parametrize("draw", [lambda rng: adding_problem(20, 5, rng), lambda rng: reber_strings(5, rng),
                                  lambda rng: reber_strings(5, rng, embedded=False)])
def test_a_seed_gives_the_same_task_again(draw):
    once, again, other = (draw(np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert all(np.array_equal(one, two) for one, two in zip(once, again, strict=True))
    assert not np.array_equal(once[0], other[0])
