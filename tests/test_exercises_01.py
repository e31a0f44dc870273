"""The feedback of notebook 01: right answers pass, each likely wrong one is caught and its cause named."""

from itertools import product

import numpy as np
import pytest

from helpers import hint_of
from lstmlib.exercises import linearity as exercises


def parts_of_dw(w, targets):
    dy1, dy2, dy3 = 200 * w - targets[0], (100 * w) ** 2 - targets[1], 300 * w - targets[2]
    return 2 * dy1, 200 * w * dy2, 3 * dy3


def errors(w, targets):
    return 200 * w - targets[0], (100 * w) ** 2 - targets[1], 300 * w - targets[2]


def slope_h_for_2h(w, targets):
    a, b, c = parts_of_dw(w, targets)
    return (a + b / 2 + c) * 100 / 3


def slope_2_for_2h(w, targets):
    a, b, c = parts_of_dw(w, targets)
    return (a + b / (100 * w) + c) * 100 / 3


def three_paths(combine):
    return lambda w, targets: combine(*parts_of_dw(w, targets))


def backward_divided(first, second, on_V, at_h1=1):
    """Divided backward passes: by `first` and `second` on the contributions to dW, by `on_V` on dV."""
    def answer(W, V, X, h1, h2, dY, size_X):
        dz2 = dY @ V.T * (1 - h2 ** 2)
        dz1 = (dY @ V.T / size_X ** (at_h1 - 1) + dz2 @ W.T) * (1 - h1 ** 2)
        dW = X.T @ dz1 / size_X ** first + h1.T @ dz2 / size_X ** second
        return dW, (h1 + h2).T @ dY / size_X ** on_V
    return answer


def divided_in_place(W, V, X, h1, h2, dY, size_X):
    dY /= size_X
    h2 += h1
    dV = h2.T @ dY
    h2 -= h1
    dz2 = dY @ V.T * (1 - h2 ** 2)
    dz1 = (dY @ V.T + dz2 @ W.T) * (1 - h1 ** 2)
    return X.T @ dz1 + h1.T @ dz2, dV


def own_forward_pass(W, V, X, h1, h2, dY, size_X):
    h1 = np.tanh(X @ W)
    return backward_divided(1, 1, 1)(W, V, X, h1, np.tanh(h1 @ W), dY, size_X)


def divided_at_the_top(W, V, X, h1, h2, dY, size_X):
    return backward_divided(0, 0, 0)(W, V, X, h1, h2, dY / size_X, 1)


def decay_in_place(summed, w, decay, size_X):
    summed /= size_X
    w *= decay
    summed += w
    return summed


def factors_on(dW, dV):
    """The right gradients times these numbers."""
    def answer(*given):
        right_W, right_V = backward_divided(1, 1, 1)(*given)
        return dW * right_W, dV * right_V
    return answer


def first_path_alone(W, V, X, h1, h2, dY, size_X):
    return X.T @ (dY @ V.T * (1 - h1 ** 2)) / size_X, (h1 + h2).T @ dY / size_X


def without_dz2(W, V, X, h1, h2, dY, size_X):
    dW = X.T @ (dY @ V.T * (1 - h1 ** 2)) + h1.T @ (dY @ V.T * (1 - h2 ** 2))
    return dW / size_X, (h1 + h2).T @ dY / size_X


RIGHT = {
    exercises.check_three_paths: [three_paths(lambda a, b, c: (a + b + c) * 100 / 3),
                                  three_paths(lambda a, b, c: a / 3 * 100 + b / 3 * 100 + c * 100 / 3)],
    exercises.check_divide_contributions: [
        backward_divided(1, 1, 1), divided_in_place, divided_at_the_top, own_forward_pass,
        lambda *given: list(backward_divided(1, 1, 1)(*given))],
    exercises.check_fooled_by_clip: [
        lambda norm, limit, factors: any(min(s * norm, limit) != s * min(norm, limit) for s in factors),
        lambda norm, limit, factors: np.any((np.array(factors) != 1) & (np.maximum(factors, 1) * norm > limit))],
    exercises.check_weight_decay: [lambda summed, w, decay, size_X: summed / size_X + decay * w, decay_in_place],
}

WRONG = [
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a + b + c) * 100), "Where is the 1/|X|"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a + b + c) * 50), "|X| is 3"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a + b) * 100 / 3), "third path"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a / 3 + b + c) * 100), "only some of the summands"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a + b + c / 3) * 100), "only some of the summands"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: 100 * ((a + b) / 3 + c)), "only some of the summands"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: -(a + b + c) * 100 / 3), "sign is turned"),
    (exercises.check_three_paths, slope_2_for_2h, "2 h, not 2"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a + b + c) * 100 / 9), "divides twice"),
    (exercises.check_three_paths, three_paths(lambda a, b, c: (a + b + c) / 3), "this is dh"),
    (exercises.check_three_paths, slope_h_for_2h, "2 h, not h"),
    *((exercises.check_three_paths, lambda w, targets, kept=kept: 100 / 3 * sum(
        np.where(kept, parts_of_dw(w, targets), errors(w, targets))), "a local slope")
      for kept in product((False, True), repeat=3) if not all(kept)),
    (exercises.check_three_paths, lambda w, targets: np.dot((2, 10, 3), errors(0.05, targets)) * 100 / 3,
     "cells above"),
    (exercises.check_three_paths, lambda w, targets: np.dot((2, 200 * w, 3), (
        10 - targets[0], 25 - targets[1], errors(w, targets)[2])) * 100 / 3, "cells above"),
    (exercises.check_three_paths, lambda w, targets: np.dot((2, 200 * w, 3), errors(w, (7, 21, targets[2]))) * 100 / 3,
     "from the argument targets"),
    (exercises.check_three_paths, lambda w, targets: 5200 / 3, "follow each path back alone"),
    (exercises.check_divide_contributions, backward_divided(0, 0, 1), "dW was never divided"),
    (exercises.check_divide_contributions, backward_divided(1, 0, 1), "h1.T @ dz2 is a gradient too"),
    (exercises.check_divide_contributions, backward_divided(0, 1, 1), "X.T @ dz1 is a gradient too"),
    (exercises.check_divide_contributions, backward_divided(2, 2, 1), "dW is divided twice"),
    (exercises.check_divide_contributions, backward_divided(1, 1, 1, at_h1=2), "times the right one"),
    (exercises.check_divide_contributions, factors_on(3, 1), "its norm is 3 times the right one"),
    (exercises.check_divide_contributions, lambda *given: [gradient.tolist() for gradient in factors_on(3, 1)(*given)],
     "its norm is 3 times the right one"),
    (exercises.check_divide_contributions, without_dz2, "dh1 has two parts"),
    (exercises.check_divide_contributions, first_path_alone, "dh1 has two parts"),
    (exercises.check_divide_contributions, lambda *given: backward_divided(1, 1, 1)(*given)[::-1], "changed places"),
    (exercises.check_divide_contributions, lambda *given: [
        gradient.tolist() for gradient in backward_divided(1, 1, 1)(*given)[::-1]], "changed places"),
    (exercises.check_divide_contributions, lambda *given: backward_divided(1, 1, 1)(*given)[:1] * 2, "For dV, random"),
    (exercises.check_divide_contributions, lambda *given: backward_divided(1, 1, 1)(*given)[1:] * 2, "For dW, random"),
    (exercises.check_divide_contributions, lambda *given: (
        backward_divided(1, 1, 1)(*given)[0], backward_divided(1, 1, 0)(*given)[1] / 8), "by 8"),
    (exercises.check_divide_contributions, lambda *given: backward_divided(1, 1, 1)(*given[:-1], 8), "by 8"),
    (exercises.check_divide_contributions, lambda *given: backward_divided(1, 1, 1)(*given[:-1], len(given[2])),
     "the rows of X"),
    (exercises.check_divide_contributions, backward_divided(1, 1, 0), "dV was never divided"),
    (exercises.check_divide_contributions, backward_divided(1, 1, 2), "dV is divided twice"),
    *((exercises.check_divide_contributions, lambda *given, no_pair=no_pair: no_pair, "the pair dW, dV")
      for no_pair in (1.0, (1.0, 2.0, 3.0), np.ones((2, 4, 4)))),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: norm > limit, "one factor that tells"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: max(factors) * norm > limit, "itself is cut"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: max(*factors, 1) * norm > limit, "with itself"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: all(
        min(s * norm, limit) != s * min(norm, limit) for s in factors), "one factor that tells"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: any(
        s != 1 and max(s, 1) * norm >= limit for s in factors), "just as long"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: True, "nothing is ever cut"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: False, "one factor that tells"),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: "False",
     "Expected the value True or False, received 'False'."),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: sum(
        abs(min(s * norm, limit) - s * min(norm, limit)) for s in factors), "a sum is a number"),
    (exercises.check_weight_decay, lambda g, w, decay, n: (g + decay * w) / n, "outside the mean"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g + decay * w, "not averaged"),
    (exercises.check_weight_decay, lambda g, w, decay, n: list(g + decay * w), "not averaged"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n, "missing"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + decay / 2 * w, "cancels"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + 2 * decay * w, "not 2 w"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n - decay * w, "is added"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + w, "lambda is missing"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + decay / 2 * np.sum(w ** 2), "add its derivative"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + decay / 2 * w ** 2, "the decay term itself"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + decay * w ** 2, "w, not w^2"),
    (exercises.check_weight_decay, lambda g, w, decay, n: g / n + decay * np.linalg.norm(w), "not the norm"),
    (exercises.check_weight_decay, lambda g, w, decay, n: 1.0, "expected"),
]


@pytest.mark.parametrize("check, answer", [(check, answer) for check, answers in RIGHT.items() for answer in answers])
def test_a_right_answer_passes(check, answer, capsys):
    check.judge(answer)
    check(answer)
    assert capsys.readouterr().out == f"Right. {check.__doc__.splitlines()[0]}\n"


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_is_caught_and_its_cause_named(check, answer, cause, capsys):
    assert cause in hint_of(check, answer)
    check(answer)
    assert capsys.readouterr().out.startswith("Not yet. ")


@pytest.mark.parametrize("check, answer, given", [
    (exercises.check_three_paths, lambda w, targets: 0.0, "w = 0.05, targets = (7.0, 21.0, 13.0): expected "),
    (exercises.check_divide_contributions, factors_on(2, 1),
     "dW, random arrays with B = 8, H = 4, K = 2 and |X| = 8: at [0, 0] expected "),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: True,
     "norm = 4, limit = 128, factors = (2, 8): expected "),
    (exercises.check_weight_decay, lambda g, w, decay, n: 0.0, "lambda = 0.1, |X| = 8 and random arrays: expected "),
])
def test_feedback_begins_with_what_the_answer_was_tried_on(check, answer, given):
    assert hint_of(check, answer).startswith(f"For {given}")


@pytest.mark.parametrize("answer, received", [
    (lambda *given: (1.0, given[0]), "1"),
    (lambda *given: (backward_divided(1, 1, 1)(*given)[0], 1.0), "1"),
    (lambda *given: (given[0].astype(str), 0), "an array of dtype <U32"),
])
def test_no_hint_on_what_is_no_array_of_numbers_of_the_right_shape(answer, received):
    assert hint_of(exercises.check_divide_contributions, answer).endswith(f"received {received}.")


@pytest.mark.parametrize("check, stub", [
    (exercises.check_three_paths, lambda w, targets: None),
    (exercises.check_divide_contributions, lambda W, V, X, h1, h2, dY, size_X: None),
    (exercises.check_divide_contributions, lambda W, V, X, h1, h2, dY, size_X: (..., ...)),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: None),
    (exercises.check_fooled_by_clip, lambda norm, limit, factors: ...),
    (exercises.check_fooled_by_clip, ...),
    (exercises.check_weight_decay, lambda summed, w, decay, size_X: None),
])
def test_a_stub_is_not_answered_yet(check, stub, capsys):
    check(stub)
    assert capsys.readouterr().out == "Not answered yet.\n"
