"""Notebook 01: answers to its exercises, for test_exercises; its explorer against plain arithmetic."""

from fractions import Fraction
from itertools import product
from xml.etree import ElementTree

import numpy as np

from helpers import drawn, formula
from lstmlib.exercises import linearity as exercises
from lstmlib.explorers.linearity import CONSTANT, GRADIENT, State, draw, numbers
from lstmlib.show import svg

SAID = [
    ("Both are gradients", True, "They agree: 2300 at once, 2300 at the end. ... carries the same 1/2,"),
    ("40 is a constant", False, "They differ: 4300 at once, 2300 at the end. ... weight decay, at once is right. ... "
     "Divided at once: 3 + 40 = 43; times 100: 4300; ... stays 40 (no: it is not from the loss)."),
    ("Constant and many items", False, "They differ: 4018.75 at once, 143.75 at the end. ... 0.1875 + 40 = 40.1875;"),
    ("Constant and one item", None, "They agree: 4600 at once, ... only because dividing by 1 changes nothing."),
    (State(second=0, kind=CONSTANT, factor=10, size_X=3), None, "agree: 20 at once, ... only because a constant of 0"),
    (State(a=2, size_X=3), True, "1400 at once, ... Divided at once: 0.66… + 13.33… = 14;")]


def shapes(state, kind):
    picture = ElementTree.fromstring(drawn(draw(state, numbers(state))))
    return list(picture.iter(f"{{http://www.w3.org/2000/svg}}{kind}"))


def test_numbers_are_those_of_the_two_formulas():
    for values in product((0, 6, 60), (0, 40, 60), (GRADIENT, CONSTANT), (10, 100), (1, 2, 7, 32)):
        shown = numbers(state := State(*values))
        a, second, n, gradient = Fraction(state.a), Fraction(state.second), state.size_X, state.kind == GRADIENT
        at_once = (a / n + (second / n if gradient else second)) * state.factor
        assert (shown.at_once[-1], shown.at_the_end[-1]) == (at_once, (a + second) * state.factor / n)
        assert shown.agree == (gradient or n == 1 or second == 0)


def test_the_picture_compares_and_no_bar_is_lost():
    def lengths(state, colour):
        return [float(bar.get("width")) for bar in shapes(state, "rect") if bar.get("fill") == colour]

    texts = [text.text for text in shapes(State(kind=CONSTANT), "text")]
    assert {"≠ 4300, divided at once", "≠ 2300, divided at the end"} <= set(texts) and texts.count("÷2") == 2
    assert lengths(State(60, 60, CONSTANT, 100, 2), svg.INK) == [211.5, 141]
    assert min(lengths(State(6, 40, CONSTANT, 100, 32), svg.BLUE)) == 2


def of_paths(text):
    """An answer made of h and what the three paths bring to dw."""
    def answer(w, targets):
        h = 100 * w
        parts = 200 * (2 * h - targets[0]), 200 * h * (h ** 2 - targets[1]), 300 * (3 * h - targets[2])
        return formula("a b c h", text)(*parts, h)
    return answer


mean_of_paths = of_paths("(a + b + c) / 3")


def divided(first=1, second=1, on_V=1, change=lambda dW, dV: (dW, dV)):
    """The backward pass, divided so many times: the two contributions to dW, and dV."""
    def answer(W, V, X, h1, h2, dY, size_X):
        dz2 = dY @ V.T * (1 - h2 ** 2)
        dz1 = (dY @ V.T + dz2 @ W.T) * (1 - h1 ** 2)
        dW = X.T @ dz1 / size_X ** first + h1.T @ dz2 / size_X ** second
        return change(dW, (h1 + h2).T @ dY / size_X ** on_V)
    return answer


def decay_in_place(summed, w, decay, size_X):
    summed /= size_X
    w *= decay
    summed += w
    return summed


RIGHT = {
    exercises.check_three_paths: [mean_of_paths],
    exercises.check_divide_contributions: [divided(change=lambda dW, dV: [dW, dV])],
    exercises.check_fooled_by_clip: [
        lambda norm, limit, factors: np.any((np.array(factors) != 1) & (np.maximum(factors, 1) * norm > limit))],
    exercises.check_weight_decay: [decay_in_place]}

WRONG = {
    exercises.check_three_paths: [
        *((of_paths(text), said) for text, said in (
            ("a + b + c", "Where is the 1/|X|"), ("(a + b + c) / 2", "|X| is 3"), ("(a + b) / 3", "third path"),
            ("a / 3 + b + c", "only some of the summands"),
            ("-(a + b + c) / 3", "sign is turned"), ("(a + b + c) / 9", "divides twice"),
            ("(a + b + c) / 300", "this is dh"), ("(a + b / h + c) / 3", "2 h, not 2"),
            ("(a + b / 2 + c) / 3", "2 h, not h"), ("(a / 2 + b / (2 * h) + c / 3) / 3", "a local slope"))),
        (lambda w, targets: mean_of_paths(0.05, targets), "cells above"),
        (lambda w, targets: mean_of_paths(w, (7, 21, targets[2])), "from the argument targets"),
        (lambda w, targets: 0.0, "For w = 0.05, targets = (7.0, 21.0, 13.0): expected 1733.33, received 0")],
    exercises.check_divide_contributions: [
        (divided(first=0, second=0), "dW was never divided"),
        (divided(second=0), "h1.T @ dz2 is a gradient too"),
        (divided(first=0), "X.T @ dz1 is a gradient too"),
        (divided(first=2, second=2), "dW is divided twice"),
        (divided(on_V=0), "dV was never divided"),
        (divided(on_V=2), "dV is divided twice"),
        (divided(change=lambda dW, dV: [(3 * dW).tolist(), dV.tolist()]), "its norm is 3 times the right one"),
        (lambda W, V, X, h1, h2, dY, n: (X.T @ (dY @ V.T * (1 - h1 ** 2)) / n, (h1 + h2).T @ dY / n), "has two parts"),
        (lambda *given: divided()(*given[:-1], 8), "this divides by 8"),
        (lambda *given: divided()(*given[:-1], len(given[2])), "the rows of X"),
        (divided(change=lambda dW, dV: [dV.tolist(), dW.tolist()]), "changed places"),
        (lambda *given: 1.0, "the pair dW, dV"),
        (lambda *given: (1.0, given[0]), "received 1.\n"),  # no hint on what is no array of the right shape
    ],
    exercises.check_fooled_by_clip: [
        *((formula("norm limit factors", text), said) for text, said in (
            ("norm > limit", "one factor that tells"), ("max(factors) * norm > limit", "itself is cut"),
            ("max([*factors, 1]) * norm > limit", "with itself"),
            ("any([s != 1 and max([s, 1]) * norm >= limit for s in factors])", "just as long"))),
        (lambda norm, limit, factors: True, "For norm = 4, limit = 128, factors = (2, 8): expected False, received "
                                            "True. Hint: neither the gradient nor any multiple of it is longer"),
        (lambda norm, limit, factors: sum(abs(min(s * norm, limit) - s * min(norm, limit)) for s in factors),
         "a sum is a number")],
    exercises.check_weight_decay: [(formula("g w decay n", text), said) for text, said in (
        ("(g + decay * w) / n", "outside the mean"), ("list(g + decay * w)", "not averaged"), ("g / n", "missing"),
        ("g / n + decay / 2 * w", "cancels"), ("g / n + 2 * decay * w", "not 2 w"), ("g / n - decay * w", "is added"),
        ("g / n + w", "lambda is missing"), ("g / n + decay / 2 * sum(w**2)", "add its derivative"),
        ("g / n + decay / 2 * w**2", "the decay term itself"), ("g / n + decay * w**2", "w, not w^2"),
        ("g / n + decay * linalg.norm(w)", "not the norm"), ("0.0", "For lambda = 0.1, |X| = 8 and random arrays: "))]}
