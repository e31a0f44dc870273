"""Notebook 06: answers to its exercises, for test_exercises; the numbers and words of its explorer."""

import math

import numpy as np
import pytest

from helpers import drawn
from lstmlib.exercises import when_order_matters as exercises
from lstmlib.explorers import when_order_matters as order
from lstmlib.explorers.base import grid
from lstmlib.explorers.when_order_matters import AFTER, BEFORE, State

MEAN = order.pulled_back("float64", 1)


def by_hand(state):
    """At once and at the end, in exact arithmetic: norm that meets the clip, norm received, Adam's step, and how many
    times shorter than with S out of the clip's way."""
    norm = np.linalg.norm(MEAN)
    for size in (1, state.size_X):
        inside = state.scale if state.unscale == AFTER else 1
        met = norm * size * inside
        received = min(met, state.limit) / inside / size
        part = MEAN * received / norm
        step = np.sqrt(np.mean((part / (abs(part) + state.epsilon)) ** 2))
        yield met, received, step, min(norm * size, state.limit) / size / received


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-4), ("bfloat16", 0.02)])
def test_norms_steps_and_verdict_on_a_lattice_of_states(dtype, tolerance):
    for state in grid(State(dtype=dtype), size_X=(1, 3, 2 ** 20), limit=(0.01, 0.3, 3.0, 1e6, math.inf),
                      epsilon=(1e-12, 1e-8, 1e-2), scale=(1, 2 ** 16), unscale=(BEFORE, AFTER)):
        numbers, expected = order.numbers(state), list(by_hand(state))
        for way, of_way in zip(numbers[:2], expected):
            assert (way.met_norm, way.received_norm, way.step, way.too_short) == pytest.approx(of_way, tolerance)
        (_, once, _, short_once), (_, end, _, short_end) = expected
        kind = ("The clip meets S" if max(short_once, short_end) > 1.001 else
                "The orders differ" if abs(once / end - 1) > 0.05 else "The orders agree")
        good, title = order.headline(state, numbers)
        assert title.startswith(kind) and good == (kind == "The orders agree")


def test_bfloat16_is_a_float32_without_its_lower_half():
    values = np.array([1.0, 1 + 2 ** -7, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 / 3, -65504.0, 0.0])
    assert order.bfloat16(values).tolist() == [1, 1 + 2 ** -7, 1, 1 + 2 ** -6, 0.333984375, -65536, 0]


def test_curves_are_the_numbers_at_each_power_of_two():
    numbers = order.numbers(State(size_X=2 ** 11, limit=0.3, epsilon=1e-6))
    for way, (norms, steps) in zip(numbers[:2], numbers.curves):
        assert (norms[11], steps[11]) == (way.received_norm, way.step)


SAID = [
    (State(limit=1e6), True, "The orders agree bit for bit. The clip cuts neither."),
    ("No clip, float64", True, "agree bit for bit. Nothing is clipped. ... at the end 1.00 of its full length. Divide"),
    ("Clip cuts the sum", False, "470 times as long. ... at 3 it cuts the sum but not the mean."),
    ("Clip cuts the mean too", False, "divided first, the gradient is 1,000 times as long. ... cuts both"),
    ("Small epsilon forgives", False, "490,000 times as long. ... It forgives the factor."),
    ("Large epsilon does not", False, "490,000 times as long. ... at the end 0.13 of its full length. Divide at"),
    ("float16: at once underflows", False, "At once underflows: 23 of 117 entries have become 0. Nothing is clipped."),
    ("float16: at the end overflows", False, "Overflow at the end: float16 holds ... at the end none."),
    ("float16: loss scaling", False, "Overflow at the end ... at once 1.00 of its full length"),
    (State(3, "float32", math.inf), True, "The orders agree up to rounding in float32."),
    ("bfloat16 needs none", True, "agree bit for bit."),
    ("Unscale, then clip", False, "1,000 times as long. ... a norm of 1.4 meets the clip"),
    ("Clip, then unscale", False, "66,000 times too short at once and at the end. ... 65,536 included")]


@pytest.mark.parametrize("dtype", order.FORMATS)
def test_whatever_overflows_at_the_top_or_on_the_way_is_said_and_never_raised(dtype):
    for state in grid(State(dtype=dtype, limit=1.0), size_X=(1, 2 ** 20), scale=order.SCALES, unscale=(BEFORE, AFTER)):
        numbers = order.numbers(state)
        good, title = order.headline(state, numbers)
        infinite = any(math.isinf(way.stages[0][1]) for way in numbers[:2])
        assert title.startswith("Overflow") == infinite and not (good and infinite)
        assert "nan" not in drawn(order.draw(state, numbers)) + order.words(state, numbers)


# Answers.

def pair(first=lambda g, n, limit: min(g / n, limit), last=lambda g, n, limit: min(g, limit) / n):
    return lambda *given: [first(*given), last(*given)]


def power_below(largest):
    return 2.0 ** math.floor(math.log2(65504 / largest))


def with_power(name=None, power=0):
    """Settings for the sum: right, but for one that is multiplied by |X| to this power."""
    powers = {"sgd_rate": -1, "adam_rate": 0, "limit": 1, "decay": 1, "epsilon": 1} | {name: power}
    return lambda settings, n: {name: value * float(n) ** powers[name] for name, value in settings.items()}


RIGHT = {exercises.check_sizes_after: [pair()]}

WRONG = {
    exercises.check_sizes_after: [
        (pair(first=lambda g, n, limit: min(g, limit) / n),
         "For divide-then-clip, norm 40, |X| = 8, limit 3: expected 3, received 0.375. Hint: this is clip-then-divide. "
         "The pair begins with divide-then-clip."),
        (pair(first=lambda g, n, limit: limit), "does not lengthen"),
        (pair(first=lambda g, n, limit: g / n), "was not clipped, though it"),
        (pair(first=lambda g, n, limit: min(g, limit)), "divide before you clip"),
        (pair(last=lambda g, n, limit: min(g / n, limit)),
         "clip-then-divide, norm 40, |X| = 8, limit 3: expected 0.375, received 3. Hint: this is divide-then-clip."),
        (pair(last=lambda g, n, limit: min(g, limit)), "behind the clip is missing"),
        (pair(last=lambda g, n, limit: limit / n), "does not lengthen"),
        (pair(last=lambda g, n, limit: g / n), "the sum is longer"),
        (lambda *given: 5.0, "Return a pair")],
    exercises.check_halving_size: [
        (lambda g, epsilon: g / epsilon, "For G = -0.5, epsilon = 0.001: expected 500, received -500. Hint: the step "
                                         "depends on the size of G, not on its sign; |X| is positive."),
        (lambda g, epsilon: epsilon / abs(g), "inverse"),
        (lambda g, epsilon: 2 * abs(g) / epsilon, "a third"),
        (lambda g, epsilon: abs(g) / epsilon / 2, "two thirds"),
        (lambda g, epsilon: abs(g) / (abs(g) + epsilon), "Which |X|"),
        (lambda g, epsilon: abs(g) * epsilon, "solve for |X|"),
        (lambda g, epsilon: round(abs(g) / epsilon), "do not round"),
        (lambda g, epsilon: g ** 2 / epsilon, "a ratio of two sizes")],
    exercises.check_choose_scale: [
        (lambda largest: math.log2(power_below(largest)), "this is the exponent"),
        (lambda largest: 0.7 * 65504 / largest, "not a power of two"),
        (lambda largest: max(power_below(largest), 0.5),
         "For largest = 1e+06: expected 0.0625, received 0.5. Hint: S * largest = 500000 overflows: float16 ends at "
         "65504."),
        (lambda largest: min(power_below(largest), 2 ** 16), "S * largest = 0.0196608 leaves room for another factor"),
        (lambda largest: 2 ** np.floor(np.log2(65504 / largest)).astype(int), "S may be below 1. Write `2.0 **`"),
        (lambda largest: "16", "S must be a number above 0, received '16'.")],
    exercises.check_settings_for_sum: [
        (with_power("limit", 0), "For limit = 2, |X| = 16: expected 32, received 2. Hint: the limit is compared with "
                                 "the gradient, and the sum is |X| times as long as the mean."),
        (with_power("sgd_rate", 2), "For sgd_rate = 0.5, |X| = 16: expected 0.03125, received 128.\n"),
        *((with_power(name, power), hint) for name, power, hint in (
            ("sgd_rate", 0, "the step would be too"), ("sgd_rate", 1, "smaller rate"), ("limit", -1, "higher limit"),
            ("limit", 2, "not |X|^2 times"), ("adam_rate", -1, "keep the rate"), ("adam_rate", 1, "keep the rate"),
            ("decay", 0, "too weak"), ("decay", -1, "stronger decay"), ("decay", 2, "not |X|^2 times"),
            ("epsilon", 0, "compared with the size"), ("epsilon", -1, "larger epsilon"),
            ("epsilon", 2, "the root of the mean square"))),
        (lambda settings, n: settings.update(with_power()(settings, n)) or settings, "has been changed"),
        (lambda settings, n: {"limit": 1.0}, "Still open: sgd_rate, adam_rate, decay, epsilon."),
        (lambda settings, n: settings | {"clip": 1.0}, "Return a dict with the keys sgd_rate, adam_rate, limit, ")]}
