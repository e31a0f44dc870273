"""The feedback of notebook 01: right answers pass, each likely wrong one is caught and its cause named.

The explorer of notebook 01 without a browser: its numbers against plain arithmetic, its words, its picture.
"""

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from helpers import assert_right, assert_wrong, drawn, hint_of
from lstmlib.exercises import linearity as exercises
from lstmlib.explorers.linearity import CONSTANT, GRADIENT, State, draw, headline, linear_map, numbers, plain, words
from lstmlib.show import svg

A, SECOND, FACTOR, SIZE_X = (0, 6, 60), (0, 40, 60), (10, 100), (1, 2, 7, 32)
STATES = [State(a, second, kind, factor, size_X) for a, second, kind, factor, size_X
          in itertools.product(A, SECOND, (GRADIENT, CONSTANT), FACTOR, SIZE_X)]


@pytest.fixture(scope="module")
def explorer():
    return linear_map()


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("preset, at_once, at_the_end, agree", [
    ("Reset", 2300, 2300, True),
    ("Both are gradients", 2300, 2300, True),
    ("40 is a constant", 4300, 2300, False),
    ("Constant and many items", Fraction(401875, 100), Fraction(14375, 100), False),
    ("Constant and one item", 4600, 4600, True)])
def test_named_states(explorer, preset, at_once, at_the_end, agree):
    explorer.choose(preset)
    shown = explorer.numbers
    assert (shown.at_once[-1], shown.at_the_end[-1], shown.agree) == (at_once, at_the_end, agree)


@pytest.mark.parametrize("state", STATES)
def test_numbers_are_those_of_the_two_formulas(state):
    shown = numbers(state)
    a, second, n = Fraction(state.a), Fraction(state.second), state.size_X
    at_once = (a / n + (second / n if state.kind == GRADIENT else second)) * state.factor
    assert shown.at_once[-1] == at_once
    assert shown.at_the_end[-1] == (a + second) * state.factor / n
    assert shown.agree == (state.kind == GRADIENT or n == 1 or second == 0)
    for columns in (shown.at_once, shown.at_the_end):
        assert columns[0] + columns[1] == columns[2] and columns[2] * state.factor == columns[3]


def verdict_of(state):
    """The headline in other words: the two results by themselves, and why a constant may agree."""
    a, second, n = state.a, state.second, state.size_X
    late = Fraction((a + second) * state.factor, n)
    early = late if state.kind == GRADIENT else (Fraction(a, n) + second) * state.factor
    agree = state.kind == GRADIENT or n == 1 or second == 0
    assert agree == (early == late)
    return (None if agree and state.kind == CONSTANT else agree,
            f"They {'agree' if agree else 'differ'}: {plain(early)} at once, {plain(late)} at the end")


@pytest.mark.parametrize("state", STATES)
def test_the_verdict_in_words_and_in_the_picture(state):
    shown = numbers(state)
    assert headline(state, shown) == verdict_of(state)
    said, seen = words(state, shown), texts(drawn(draw(state, shown)))
    assert ("carries the same 1/" in said) == (state.kind == GRADIENT)
    assert ("at once is right" in said) != shown.agree and ("But only because" in said) == (
        shown.agree and state.kind == CONSTANT)
    assert seen.count(plain(shown.at_once[-1])) >= 1 and seen.count(plain(shown.at_the_end[-1])) >= 1
    marks = {f"{'=' if shown.agree else '≠'} {plain(columns[-1])}, divided {order}" for order, columns in
             (("at once", shown.at_once), ("at the end", shown.at_the_end))}
    assert marks <= set(seen)
    assert seen.count(f"÷{state.size_X}") == (3 if state.kind == GRADIENT else 2)


@pytest.mark.parametrize("value, shown", [(Fraction(2300), "2300"), (Fraction(6, 32), "0.1875"), (Fraction(0), "0"),
                                          (Fraction(401875, 100), "4018.75"), (Fraction(46, 3), "15.33…"),
                                          (Fraction(20, 3), "6.66…"), (Fraction(603, 16), "37.6875")])
def test_numbers_are_shown_exactly_or_marked(value, shown):
    assert plain(value) == shown


def test_a_small_summand_stays_visible():
    state = State(a=6, kind=CONSTANT, size_X=32)
    root = ElementTree.fromstring(drawn(draw(state, numbers(state))))
    blue = [float(rect.get("width")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")
            if rect.get("fill") == svg.BLUE]
    assert len(blue) == 4 and min(blue) == 2


def test_words_say_which_is_right_for_a_constant():
    state = State(kind=CONSTANT)
    assert "outside the mean, such as weight decay, at once is right" in words(state, numbers(state))


def test_words_tell_why_a_constant_may_hide():
    constant = State(kind=CONSTANT)
    assert "does not come from the loss" in words(constant, numbers(constant))
    for change, reason in (({"size_X": 1}, "dividing by 1"), ({"second": 0}, "a constant of 0")):
        hidden = replace(constant, **change)
        assert reason in words(hidden, numbers(hidden))


def test_the_proportionality_strip():
    for kind, verb, becomes in ((GRADIENT, "becomes", 80), (CONSTANT, "stays", 40)):
        state = State(kind=kind)
        assert numbers(state).second_of_double_loss == becomes
        assert f"the second, 40, {verb} {becomes}" in texts(drawn(draw(state, numbers(state))))


def test_every_bar_stays_inside_the_picture_and_axes_do_not_move():
    boxes = set()
    for state in STATES:
        root = ElementTree.fromstring(drawn(draw(state, numbers(state))))
        width = max(panel.width for panel in draw(state, numbers(state)))
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            assert 0 <= float(rect.get("x")) and float(rect.get("x")) + float(rect.get("width")) <= width
        boxes.add(tuple(panel.get("viewBox") for panel in root))
        assert {"60", "120", "12,000"} <= set(texts(drawn(draw(state, numbers(state)))))
    assert len(boxes) == 1


def test_bars_are_proportional_to_their_numbers():
    def result_bars(state):
        root = ElementTree.fromstring(drawn(draw(state, numbers(state))))
        return [float(rect.get("width")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")
                if rect.get("fill") == svg.INK]

    assert result_bars(State(60, 60, GRADIENT, 100, 1)) == [282, 282]
    at_once, at_the_end = result_bars(State(60, 60, CONSTANT, 100, 2))
    assert (at_once, at_the_end) == (211.5, 141)


def test_controls_move_the_state(explorer):
    explorer.choose("Reset")
    explorer.controls["kind"].value = CONSTANT
    explorer.set(size_X=32, a=60)
    assert explorer.state == State(60, 40, CONSTANT, 100, 32) and explorer.error is None
    assert f"≠ {plain(explorer.numbers.at_the_end[-1])}, divided at the end" in explorer.panels.text
    assert "They differ" in explorer.words.headline
    with pytest.raises(ValueError, match="a must be one of"):
        explorer.set(a=7)
    explorer.choose("Reset")
    assert explorer.state == State()


def test_the_poster_does_not_answer_the_question_above_it(explorer):
    poster = explorer.poster_html()
    assert poster.count("<img alt=") == 1 and "They agree: 2300" in poster and "4300" not in poster
    assert poster == linear_map().poster_html()


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
    assert_right(check, answer, capsys)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_is_caught_and_its_cause_named(check, answer, cause, capsys):
    assert_wrong(check, answer, cause, capsys)


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
