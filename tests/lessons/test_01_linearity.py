"""Notebook 01: answers to its exercises, for test_exercises; its explorer against plain arithmetic."""

import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from itertools import product

import numpy as np

from helpers import drawn
from lstmlib.exercises import linearity as exercises
from lstmlib.explorers.linearity import CONSTANT, GRADIENT, State, draw, headline, linear_map, numbers, plain, words
from lstmlib.show import svg

SVG = "{http://www.w3.org/2000/svg}"
STATES = [State(*values) for values in product((0, 6, 60), (0, 40, 60), (GRADIENT, CONSTANT), (10, 100), (1, 2, 7, 32))]


def test_the_named_states_agree_where_they_should():
    explorer = linear_map()
    assert {name: numbers(explorer.state_of(name)).agree for name in explorer.presets} == {
        "Reset": True, "Both are gradients": True, "40 is a constant": False, "Constant and many items": False,
        "Constant and one item": True}


def test_numbers_and_words_are_those_of_the_two_formulas():
    for state in STATES:
        shown, gradient = numbers(state), state.kind == GRADIENT
        a, second, n = Fraction(state.a), Fraction(state.second), state.size_X
        at_once = (a / n + (second / n if gradient else second)) * state.factor
        at_the_end = (a + second) * state.factor / n
        agree = gradient or n == 1 or second == 0
        assert (shown.at_once[-1], shown.at_the_end[-1], shown.agree) == (at_once, at_the_end, agree)
        for columns in (shown.at_once, shown.at_the_end):
            assert columns[0] + columns[1] == columns[2] and columns[2] * state.factor == columns[3]
        assert headline(state, shown) == (
            None if agree and not gradient else agree,
            f"They {'agree' if agree else 'differ'}: {plain(at_once)} at once, {plain(at_the_end)} at the end")
        said = words(state, shown)
        assert ("carries the same 1/" in said) == gradient != ("does not come from the loss" in said)
        assert ("outside the mean, such as weight decay, at once is right" in said) != agree
        reason = "dividing by 1" if n == 1 else "a constant of 0"
        assert (f"But only because {reason}" in said) == (agree and not gradient)


def test_the_picture_shows_the_numbers_on_axes_that_do_not_move():
    for state in STATES:
        shown = numbers(state)
        root = ElementTree.fromstring(drawn(draw(state, shown)))
        texts = [element.text for element in root.iter(f"{SVG}text")]
        sign = "=" if shown.agree else "≠"
        assert {plain(shown.at_once[-1]), plain(shown.at_the_end[-1]), "60", "120", "12,000",
                f"{sign} {plain(shown.at_once[-1])}, divided at once",
                f"{sign} {plain(shown.at_the_end[-1])}, divided at the end",
                f"the second, {state.second}, " + (
                    f"becomes {2 * state.second}" if state.kind == GRADIENT or not state.second else
                    f"stays {state.second}")} <= set(texts)
        assert texts.count(f"÷{state.size_X}") == (3 if state.kind == GRADIENT else 2)
        for bar in root.iter(f"{SVG}rect"):
            assert 0 <= float(bar.get("x")) and float(bar.get("x")) + float(bar.get("width")) <= 290


def test_bars_are_as_long_as_their_numbers_and_none_is_lost():
    def lengths(state, colour):
        root = ElementTree.fromstring(drawn(draw(state, numbers(state))))
        return [float(bar.get("width")) for bar in root.iter(f"{SVG}rect") if bar.get("fill") == colour]

    assert lengths(State(60, 60, GRADIENT, 100, 1), svg.INK) == [282, 282]
    assert lengths(State(60, 60, CONSTANT, 100, 2), svg.INK) == [211.5, 141]
    assert min(lengths(State(6, 40, CONSTANT, 100, 32), svg.BLUE)) == 2


def test_numbers_are_shown_exactly_or_marked():
    assert [plain(Fraction(*value)) for value in ((2300, 1), (6, 32), (0, 1), (46, 3), (20, 3), (603, 16))] == [
        "2300", "0.1875", "0", "15.33…", "6.66…", "37.6875"]


# Answers: the gradient of the mean over three paths.

def errors(w, targets):
    return 200 * w - targets[0], (100 * w) ** 2 - targets[1], 300 * w - targets[2]


def parts_of_dw(w, targets):
    return np.multiply((2, 200 * w, 3), errors(w, targets))


def of_parts(combine):
    """An answer made of the three paths' parts of dh."""
    return lambda w, targets: combine(*parts_of_dw(w, targets))


def slopes_missing(kept):
    return lambda w, targets: 100 / 3 * sum(np.where(kept, parts_of_dw(w, targets), errors(w, targets)))


# Answers: dW and dV, divided.

def divided(first=1, second=1, on_V=1, at_h1=1):
    """The backward pass, divided so many times: the two contributions to dW, dV, the gradient into h1."""
    def answer(W, V, X, h1, h2, dY, size_X):
        dz2 = dY @ V.T * (1 - h2 ** 2)
        dz1 = (dY @ V.T / size_X ** (at_h1 - 1) + dz2 @ W.T) * (1 - h1 ** 2)
        dW = X.T @ dz1 / size_X ** first + h1.T @ dz2 / size_X ** second
        return dW, (h1 + h2).T @ dY / size_X ** on_V
    return answer


def changed(change):
    """The right dW and dV, changed."""
    return lambda *given: change(*divided()(*given))


def divided_in_place(W, V, X, h1, h2, dY, size_X):
    dY /= size_X
    h2 += h1
    dV = h2.T @ dY
    h2 -= h1
    dz2 = dY @ V.T * (1 - h2 ** 2)
    dz1 = (dY @ V.T + dz2 @ W.T) * (1 - h1 ** 2)
    return X.T @ dz1 + h1.T @ dz2, dV


def divided_at_the_top(W, V, X, h1, h2, dY, size_X):
    return divided(0, 0, 0)(W, V, X, h1, h2, dY / size_X, 1)


def first_path_alone(W, V, X, h1, h2, dY, size_X):
    return X.T @ (dY @ V.T * (1 - h1 ** 2)) / size_X, (h1 + h2).T @ dY / size_X


def without_dz2(W, V, X, h1, h2, dY, size_X):
    dW = X.T @ (dY @ V.T * (1 - h1 ** 2)) + h1.T @ (dY @ V.T * (1 - h2 ** 2))
    return dW / size_X, (h1 + h2).T @ dY / size_X


def decay_in_place(summed, w, decay, size_X):
    summed /= size_X
    w *= decay
    summed += w
    return summed


RIGHT = {
    exercises.check_three_paths: [of_parts(lambda a, b, c: a / 3 * 100 + b / 3 * 100 + c * 100 / 3)],
    exercises.check_divide_contributions: [divided_in_place, divided_at_the_top, changed(lambda dW, dV: [dW, dV])],
    exercises.check_fooled_by_clip: [
        lambda norm, limit, factors: any(min(s * norm, limit) != s * min(norm, limit) for s in factors),
        lambda norm, limit, factors: np.any((np.array(factors) != 1) & (np.maximum(factors, 1) * norm > limit))],
    exercises.check_weight_decay: [decay_in_place],
}

WRONG = {
    exercises.check_three_paths: [
        (of_parts(lambda a, b, c: (a + b + c) * 100), "Where is the 1/|X|"),
        (of_parts(lambda a, b, c: (a + b + c) * 50), "|X| is 3"),
        (of_parts(lambda a, b, c: (a + b) * 100 / 3), "third path"),
        (of_parts(lambda a, b, c: (a / 3 + b + c) * 100), "only some of the summands"),
        (of_parts(lambda a, b, c: (a + b + c / 3) * 100), "only some of the summands"),
        (of_parts(lambda a, b, c: 100 * ((a + b) / 3 + c)), "only some of the summands"),
        (of_parts(lambda a, b, c: -(a + b + c) * 100 / 3), "sign is turned"),
        (of_parts(lambda a, b, c: (a + b + c) * 100 / 9), "divides twice"),
        (of_parts(lambda a, b, c: (a + b + c) / 3), "this is dh"),
        (lambda w, targets: np.dot((2, 2, 3), errors(w, targets)) * 100 / 3, "2 h, not 2"),
        (lambda w, targets: np.dot((2, 100 * w, 3), errors(w, targets)) * 100 / 3, "2 h, not h"),
        *((slopes_missing(kept), "a local slope") for kept in product((False, True), repeat=3) if not all(kept)),
        (lambda w, targets: np.dot((2, 10, 3), errors(0.05, targets)) * 100 / 3, "cells above"),
        (lambda w, targets: np.dot((2, 200 * w, 3), (10 - targets[0], 25 - targets[1], errors(w, targets)[2])) * 100
         / 3, "cells above"),
        (lambda w, targets: np.dot((2, 200 * w, 3), errors(w, (7, 21, targets[2]))) * 100 / 3,
         "from the argument targets"),
        (lambda w, targets: 5200 / 3, "follow each path back alone"),
        (lambda w, targets: 0.0, "For w = 0.05, targets = (7.0, 21.0, 13.0): expected "),
    ],
    exercises.check_divide_contributions: [
        (divided(first=0, second=0), "dW was never divided"),
        (divided(second=0), "h1.T @ dz2 is a gradient too"),
        (divided(first=0), "X.T @ dz1 is a gradient too"),
        (divided(first=2, second=2), "dW is divided twice"),
        (divided(on_V=0), "dV was never divided"),
        (divided(on_V=2), "dV is divided twice"),
        (divided(at_h1=2), "times the right one"),
        (changed(lambda dW, dV: (2 * dW, dV)),
         "For dW, random arrays with B = 8, H = 4, K = 2 and |X| = 8: at [0, 0] expected "),
        (changed(lambda dW, dV: [(3 * dW).tolist(), dV.tolist()]), "its norm is 3 times the right one"),
        (without_dz2, "dh1 has two parts"),
        (first_path_alone, "dh1 has two parts"),
        (changed(lambda dW, dV: [dV.tolist(), dW.tolist()]), "changed places"),
        (changed(lambda dW, dV: (dW, dW)), "For dV, random"),
        (changed(lambda dW, dV: (dV, dV)), "For dW, random"),
        (lambda *given: (divided()(*given)[0], divided()(*given[:-1], 8)[1]), "by 8"),
        (lambda *given: divided()(*given[:-1], 8), "by 8"),
        (lambda *given: divided()(*given[:-1], len(given[2])), "the rows of X"),
        *((lambda *given, no_pair=no_pair: no_pair, "the pair dW, dV")
          for no_pair in (1.0, (1.0, 2.0, 3.0), np.ones((2, 4, 4)))),
        (lambda *given: (1.0, given[0]), "received 1.\n"),  # no hint on what is no array of the right shape
        (changed(lambda dW, dV: (dW, 1.0)), "received 1.\n"),
        (changed(lambda dW, dV: (dW.astype(str), dV)), "received an array of dtype <U32.\n"),
    ],
    exercises.check_fooled_by_clip: [
        (lambda norm, limit, factors: norm > limit, "one factor that tells"),
        (lambda norm, limit, factors: max(factors) * norm > limit, "itself is cut"),
        (lambda norm, limit, factors: max(*factors, 1) * norm > limit, "with itself"),
        (lambda norm, limit, factors: any(s != 1 and max(s, 1) * norm >= limit for s in factors), "just as long"),
        (lambda norm, limit, factors: True, "For norm = 4, limit = 128, factors = (2, 8): expected False, received "
                                            "True. Hint: neither the gradient nor any multiple of it is longer"),
        (lambda norm, limit, factors: False, "one factor that tells"),
        (lambda norm, limit, factors: "False", "Expected the value True or False, received 'False'."),
        (lambda norm, limit, factors: sum(abs(min(s * norm, limit) - s * min(norm, limit)) for s in factors),
         "a sum is a number"),
    ],
    exercises.check_weight_decay: [
        (lambda g, w, decay, n: (g + decay * w) / n, "outside the mean"),
        (lambda g, w, decay, n: list(g + decay * w), "not averaged"),
        (lambda g, w, decay, n: g / n, "missing"),
        (lambda g, w, decay, n: g / n + decay / 2 * w, "cancels"),
        (lambda g, w, decay, n: g / n + 2 * decay * w, "not 2 w"),
        (lambda g, w, decay, n: g / n - decay * w, "is added"),
        (lambda g, w, decay, n: g / n + w, "lambda is missing"),
        (lambda g, w, decay, n: g / n + decay / 2 * np.sum(w ** 2), "add its derivative"),
        (lambda g, w, decay, n: g / n + decay / 2 * w ** 2, "the decay term itself"),
        (lambda g, w, decay, n: g / n + decay * w ** 2, "w, not w^2"),
        (lambda g, w, decay, n: g / n + decay * np.linalg.norm(w), "not the norm"),
        (lambda g, w, decay, n: 0.0, "For lambda = 0.1, |X| = 8 and random arrays: expected "),
    ],
}
