"""The tasks of 1997, against their descriptions, sequence by sequence."""

import re
from collections import Counter

import numpy as np
import pytest

from lstmlib import adding_problem, reber_strings


def rows(T, B, seed):
    """The sequences one by one, without their padding: (numbers, markers, target)."""
    X, targets, mask = adding_problem(T, B, np.random.default_rng(seed))
    assert (X.shape, targets.shape, mask.dtype) == ((len(mask), B, 2), (len(mask), B, 1), bool)
    assert (mask.sum(axis=0) == 1).all() and mask[-1].any() and (targets[~mask] == 0).all()
    for n in range(B):
        end = mask[:, n].argmax()
        assert (X[end + 1:, n] == 0).all()
        yield X[:end + 1, n, 0], X[:end + 1, n, 1], targets[end, n, 0]


@pytest.mark.parametrize("T", [6, 7, 10, 11, 20, 100])
def test_adding_problem_keeps_its_rules(T):
    for numbers, markers, target in rows(T, 300, seed=T):
        assert T <= len(numbers) <= T + T // 10
        assert (np.abs(numbers) <= 1).all()
        assert markers[0] == markers[-1] == -1
        assert np.isin(markers[1:-1], (0, 1)).all()
        marked = np.flatnonzero(markers == 1)
        # The first pair, where it was drawn, shows no 1 and counts as 0.
        drawn = [0, *marked] if len(marked) == 1 else list(marked)
        assert len(drawn) == 2
        assert any(first < 10 and second < T // 2 - 1 + (second > first)
                   for first, second in (drawn, drawn[::-1]))
        assert target == pytest.approx(0.5 + sum(numbers[marked]) / 4, abs=1e-15)


def test_adding_problem_draws_every_length_and_every_place_alike():
    T, B = 40, 4000
    numbers, markers, _ = zip(*rows(T, B, seed=1))
    lengths = Counter(map(len, numbers))
    assert set(lengths) == {40, 41, 42, 43, 44}
    assert all(abs(n / B - 1 / 5) < 4 * np.sqrt(0.16 / B) for n in lengths.values())
    # A place t is the first one drawn (t < 10) with chance 1/10, otherwise the second with chance 1/19 per free place.
    marked = Counter(t for one in markers for t in np.flatnonzero(one == 1).tolist())
    for t in range(1, T):
        chance = 0.1 + 0.9 / 19 if t < 10 else 1 / 19 if t <= 19 else 0
        assert abs(marked[t] / B - chance) <= 4 * np.sqrt(chance / B), t
    counts, _ = np.histogram(np.concatenate(numbers), bins=20, range=(-1, 1))
    assert (np.abs(counts / counts.sum() - 0.05) < 5 * np.sqrt(0.05 / counts.sum())).all()


RING = "T*V(PXT*V)*(V|PS)E"  # from the lower loop to the end
PLAIN = f"BTS*X(SE|X{RING})|BP{RING}"
EMBEDDED = f"B(?P<remembered>[TP])({PLAIN})(?P=remembered)E"


def strings(n, seed, *embedded):
    """The strings behind the arrays, after the layout of the arrays was checked."""
    X, labels, mask = reber_strings(n, np.random.default_rng(seed), *embedded)
    assert X.shape == (*labels.shape, 7) and labels.shape == mask.shape == (len(mask), n) and mask[-1].any()
    for k in range(n):
        length = mask[:, k].sum()
        assert mask[:length, k].all() and not X[length:, k].any() and not labels[length:, k].any()
        assert np.array_equal(np.sort(X[:length, k], axis=1), np.eye(7)[[6] * length])
        inputs = X[:length, k].argmax(axis=1)
        assert np.array_equal(inputs[1:], labels[:length - 1, k])
        yield "".join("BTPSXVE"[symbol] for symbol in [*inputs, labels[length - 1, k]])


@pytest.mark.parametrize("embedded, grammar", [((), EMBEDDED), ((True,), EMBEDDED), ((False,), PLAIN)])
def test_strings_belong_to_the_grammar(embedded, grammar):
    for string in strings(300, 1, *embedded):
        assert re.fullmatch(grammar, string), string


def test_every_choice_is_drawn_with_probability_one_half():
    """The shortest strings of the plain grammar have known chances; so has the remembered symbol."""
    n = 3000
    plain = Counter(strings(n, 2, False))
    chances = {"BTXSE": 1 / 8, "BTSXSE": 1 / 16, "BPVVE": 1 / 8, "BPTVVE": 1 / 16, "BPVPSE": 1 / 16, "BTXXVVE": 1 / 32}
    for string, chance in chances.items():
        assert abs(plain[string] / n - chance) < 4 * np.sqrt(chance / n), string
    remembered = Counter(string[1] for string in strings(1000, 3))
    assert abs(remembered["T"] / 1000 - 1 / 2) < 4 * np.sqrt(0.25 / 1000)
