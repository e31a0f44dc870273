"""Notebook 06: answers to its exercises, for test_exercises; the numbers and words of its explorer."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from helpers import assert_close, drawn, random_weights
from lstmlib import adam, backward, clip_by_norm, forward, init_weights, sgd
from lstmlib.exercises import when_order_matters as exercises
from lstmlib.explorers import when_order_matters as order
from lstmlib.explorers.when_order_matters import AFTER, BEFORE, State
from lstmlib.weights import entries


def mean_gradient(dtype=float):
    """The gradient of one item, without the explorer's own functions."""
    weights = init_weights(order.D, order.H, 1, seed=5, dtype=dtype)
    trace = forward(weights, np.random.default_rng(5).normal(size=(order.T, 1, order.D)))
    dY = np.zeros_like(trace.Y)
    dY[-1] = trace.Y[-1] - dtype(1.25)
    return weights, trace, dY, backward(weights, trace, dY)


MEAN = entries(mean_gradient()[3])


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


@pytest.mark.parametrize("size_X, limit, epsilon", [(64, 3.0, 1e-12), (2 ** 20, 0.1, 1e-3)])
def test_steps_are_those_of_lstmlib(size_X, limit, epsilon):
    weights, trace, dY, mean = mean_gradient()
    at_once = clip_by_norm(backward(weights, trace, dY / size_X) * size_X, limit)
    orders = at_once, clip_by_norm(mean * size_X, limit) / size_X
    numbers = order.numbers(State(size_X=size_X, limit=limit, epsilon=epsilon))
    for way, gradient in zip((numbers.at_once, numbers.at_the_end), orders):
        np.testing.assert_allclose(way.received, entries(gradient), rtol=1e-12)
        moved = entries(weights - adam(weights, gradient, rate=1.0, epsilon=epsilon)[0])
        assert way.step == pytest.approx(np.sqrt(np.mean(moved ** 2)), rel=1e-6)


def test_headline_and_words_on_a_lattice_of_states():
    """Every condition of the words, from norms and steps that are worked out here; of all formats but float16."""
    seen = Counter()
    for size_X, dtype, limit, epsilon, scale, unscale in product(
            (1, 3, 1024, 2 ** 20), ("float64", "float32", "bfloat16"), (0.01, 0.3, 1.0, 3.0, 1e6, math.inf),
            (1e-12, 1e-8, 1e-2), (1, 16, 2 ** 16), (BEFORE, AFTER)):
        state = State(size_X, dtype, limit, epsilon, scale, unscale)
        numbers, tolerance = order.numbers(state), {"float64": 1e-9, "float32": 1e-4, "bfloat16": 0.02}[dtype]
        (met_once, once, step_once, short_once), (met_end, end, step_end, short_end) = by_hand(state)
        for way, met, received, step in ((numbers.at_once, met_once, once, step_once),
                                         (numbers.at_the_end, met_end, end, step_end)):
            assert (way.met_norm, way.received_norm) == pytest.approx((met, received), rel=tolerance)
            assert way.step == pytest.approx(step, abs=tolerance)
        assert numbers.spoiled == pytest.approx((short_once, short_end), rel=tolerance)
        good, title = order.headline(state, numbers)
        said = order.words(state, numbers)
        kind = ("The clip meets S" if max(short_once, short_end) > 1.001 else
                "The orders differ" if abs(once / end - 1) > 0.05 else "The orders agree")
        assert kind != "The clip meets S" or ("at once" in title, "at the end" in title) == (
            short_once > 1.001, short_end > 1.001)
        assert title.startswith(kind) and good == (kind == "The orders agree")
        clip = ("Nothing is clipped." if math.isinf(limit) else "The clip cuts neither." if met_end < limit else
                "cuts both" if met_once > limit else "cuts the sum but not the mean")
        assert clip in said and ("included" in said) == (scale > 1 and unscale == AFTER and met_end > limit)
        if abs(abs(step_once - step_end) - 0.01) > 3 * tolerance:
            assert ("It forgives the factor." in said) == (once / end > 1.01 and abs(step_once - step_end) < 0.01)
        seen[kind, clip] += 1
    assert len(seen) >= 7


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 1e-5), ("bfloat16", 0.02)])
def test_orders_agree_where_nothing_is_clipped_and_bit_for_bit_at_powers_of_two(dtype, tolerance):
    for size_X in (*order.POWERS, 3, 10, 1000):
        numbers = order.numbers(state := State(size_X=size_X, dtype=dtype, limit=math.inf))
        good, title = order.headline(state, numbers)
        difference = np.linalg.norm(numbers.at_once.received - numbers.at_the_end.received)
        assert good and difference < tolerance * numbers.at_the_end.received_norm
        agree = "bit for bit" if difference == 0 else f"up to rounding in {dtype}"
        assert title == f"The orders agree {agree}" and (difference == 0 or size_X not in order.POWERS)


def test_bfloat16_is_a_float32_without_its_lower_half():
    values = np.array([1.0, 1 + 2 ** -7, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 / 3, -65504.0, 0.0, 1e38])
    *rounded, large = order.bfloat16(values).tolist()
    assert rounded == [1, 1 + 2 ** -7, 1, 1 + 2 ** -6, 0.333984375, -65536, 0] and abs(large / 1e38 - 1) < 2 ** -8


def test_float16_underflows_at_once_and_overflows_at_the_end():
    few, many = (order.numbers(State(size_X=2 ** k, dtype="float16", limit=math.inf)) for k in (15, 18))
    weights, trace, dY, _ = mean_gradient(np.float16)
    lost = entries(backward(weights, trace, (dY.astype(float) / 2 ** 15).astype(np.float16))) == 0
    assert few.lost == (lost.sum(), 0) and lost.sum() > 5 and few.overflowed == (0, 0)
    assert many.lost[0] > few.lost[0] and many.overflowed == (0, (np.abs(many.truth) * 2 ** 18 > 65520).sum())
    assert many.overflowed[1] > 0 and math.isnan(many.at_the_end.step) and many.at_the_end.received_norm == math.inf
    assert few.at_once.step < few.at_the_end.step


def test_loss_scaling_saves_what_underflows():
    """With S at the top nothing is lost, and the optimiser receives the gradient to the precision of float16."""
    state = State(2 ** 15, "float16", math.inf, scale=2 ** 12)
    numbers = order.numbers(state)
    assert numbers.lost[0] == numbers.overflowed[0] == 0 < numbers.overflowed[1]
    assert np.linalg.norm(numbers.at_once.received - MEAN) < 0.01 * np.linalg.norm(MEAN)


def test_curves_are_the_numbers_at_each_power_of_two():
    numbers = order.numbers(State(size_X=2 ** 11, limit=0.3, epsilon=1e-6))
    assert numbers.curves_at_once[0][11] == numbers.at_once.received_norm
    assert numbers.curves_at_the_end[1][11] == numbers.at_the_end.step


@pytest.mark.parametrize("preset, title, said", [
    ("No clip, float64", "agree bit for bit", "Nothing is clipped."),
    ("Clip cuts the sum", "470 times as long", "at 3 it cuts the sum but not the mean."),
    ("Clip cuts the mean too", "divided first, the gradient is 1,000 times as long", "cuts both"),
    ("Small epsilon forgives", "490,000 times as long", "It forgives the factor."),
    ("Large epsilon does not", "490,000 times as long", "at the end 0.13 of its full length."),
    ("float16: at once underflows", "At once underflows: 23 of 117 entries have become 0", "Nothing is clipped."),
    ("float16: at the end overflows", "Overflow at the end: float16 holds", "at the end none."),
    ("float16: loss scaling", "Overflow at the end", "at once 1.00 of its full length"),
    ("bfloat16 needs none", "agree bit for bit", "Nothing is clipped."),
    ("Unscale, then clip", "divided first, the gradient is 1,000 times as long", "a norm of 1.4 meets the clip"),
    ("Clip, then unscale", "66,000 times too short at once and at the end", "65,536 included"),
])
def test_named_states(preset, title, said):
    explorer = order.order_matters()
    explorer.choose(preset)
    assert title in explorer.words.headline and said in explorer.words.value
    assert explorer.words.good is ("agree" in title)


@pytest.mark.parametrize("dtype", order.FORMATS)
def test_every_format_size_and_scale_has_a_headline(dtype):
    """Whatever overflows at the top or on the way is said, and never raised."""
    for size_X, scale, unscale in product((1, 1024, 2 ** 20), order.SCALES, (BEFORE, AFTER)):
        state = State(size_X, dtype, 1.0, 1e-8, scale, unscale)
        numbers = order.numbers(state)
        good, title = order.headline(state, numbers)
        infinite = [not np.isfinite(way.summed).all() for way in (numbers.at_once, numbers.at_the_end)]
        assert title.startswith("Overflow") == any(infinite) == any(numbers.overflowed) and not (good and any(infinite))
        assert "nan" not in drawn(order.draw(state, numbers)) + order.words(state, numbers)


def test_brief_numbers():
    assert [order.brief(x) for x in (0, 0.15, 3.0, 1424.0, 2.6e6, 1e-7, math.inf)] == [
        "0", "0.15", "3", "1,400", "2.6e+06", "1.0e\N{MINUS SIGN}07", "infinite"]


# Answers.

def sizes(first, last):
    return lambda norm, size_X, limit: (first(norm, size_X, limit), last(norm, size_X, limit))


def right_first(norm, size_X, limit):
    return min(norm / size_X, limit)


def right_last(norm, size_X, limit):
    return min(norm, limit) / size_X


def power_below(largest):
    return 2.0 ** math.floor(math.log2(65504 / largest))


def doubled_until_too_large(largest):
    S = 2.0 ** -40
    while 2 * S * largest <= 65504:
        S *= 2
    return S


def with_factors(**changes):
    """Settings for the sum: right, but for the factors given as functions of |X|."""
    factors = {"sgd_rate": lambda n: 1 / n, "adam_rate": lambda n: 1, "limit": lambda n: n, "decay": lambda n: n,
               "epsilon": lambda n: n} | changes
    return lambda settings, size_X: {name: value * factors[name](size_X) for name, value in settings.items()}


def changed_in_place(settings, size_X):
    settings |= exercises.translated(settings, size_X)
    return settings


def same(n):
    return 1


def inverse(n):
    return 1 / n


RIGHT = {
    exercises.check_sizes_after: [lambda *given: [np.float64(right_first(*given)), right_last(*given)]],
    exercises.check_choose_scale: [doubled_until_too_large],
}

WRONG = {
    exercises.check_sizes_after: [
        (sizes(right_last, right_first), "begins with divide-then-clip"),
        (sizes(right_last, right_last),
         "For divide-then-clip, norm 40, |X| = 8, limit 3: expected 3, received 0.375. Hint: this is clip-then-divide. "
         "The pair begins with divide-then-clip."),
        (sizes(lambda g, n, limit: limit, right_last), "does not lengthen"),
        (sizes(lambda g, n, limit: g / n, right_last), "was not clipped"),
        (sizes(lambda g, n, limit: min(g, limit), right_last), "divide before you clip"),
        (sizes(right_first, right_first), "For clip-then-divide, norm 40, |X| = 8, limit 3: expected 0.375, received "
                                          "3. Hint: this is divide-then-clip."),
        (sizes(right_first, lambda g, n, limit: min(g, limit)), "behind the clip is missing"),
        (sizes(right_first, lambda g, n, limit: limit / n), "does not lengthen"),
        (sizes(right_first, lambda g, n, limit: g / n), "the sum is longer"),
        (lambda *given: 5.0, "Return a pair"),
        (lambda *given: (right_first(*given), right_last(*given), 5.0), "Return a pair"),
    ],
    exercises.check_halving_size: [
        (lambda g, epsilon: g / epsilon, "For G = -0.5, epsilon = 0.001: expected 500, received -500. Hint: the step "
                                         "depends on the size of G, not on its sign; |X| is positive."),
        (lambda g, epsilon: epsilon / abs(g), "inverse"),
        (lambda g, epsilon: 2 * abs(g) / epsilon, "a third"),
        (lambda g, epsilon: abs(g) / epsilon / 2, "two thirds"),
        (lambda g, epsilon: abs(g) / (abs(g) + epsilon), "Which |X|"),
        (lambda g, epsilon: abs(g) * epsilon, "solve for |X|"),
        (lambda g, epsilon: round(abs(g) / epsilon), "do not round"),
        (lambda g, epsilon: g ** 2 / epsilon, "a ratio of two sizes"),
    ],
    exercises.check_choose_scale: [
        (lambda largest: math.log2(power_below(largest)), "this is the exponent"),
        (lambda largest: 0.7 * 65504 / largest, "not a power of two"),
        (lambda largest: max(power_below(largest), 0.5),
         "For largest = 1e+06: expected 0.0625, received 0.5. Hint: S * largest = 500000 overflows: float16 ends at "
         "65504."),
        (lambda largest: min(power_below(largest), 2 ** 16),
         "For largest = 3e-07: expected 1.37439e+11, received 65536. Hint: S * largest = 0.0196608 leaves room for "
         "another factor of 2."),
        (lambda largest: 2 ** np.floor(np.log2(65504 / largest)).astype(int),
         "Hint: S may be below 1. Write `2.0 **`"),
        *((lambda largest, S=S: S, f"S must be a number above 0, received {S!r}.")
          for S in (0, float("nan"), "16", True)),
    ],
    exercises.check_settings_for_sum: [
        (with_factors(limit=same), "For limit = 2, |X| = 16: expected 32, received 2. Hint: the limit is compared with "
                                   "the gradient, and the sum is |X| times as long as the mean."),
        (with_factors(sgd_rate=lambda n: n * n), "For sgd_rate = 0.5, |X| = 16: expected 0.03125, received 128.\n"),
        (with_factors(sgd_rate=same), "the step would be too"),
        (with_factors(sgd_rate=lambda n: n), "smaller rate"),
        (with_factors(adam_rate=inverse), "keep the rate"),
        (with_factors(adam_rate=lambda n: n), "keep the rate"),
        (with_factors(limit=inverse), "higher limit"),
        (with_factors(limit=lambda n: n * n), "not |X|^2 times"),
        (with_factors(decay=same), "too weak"),
        (with_factors(decay=inverse), "stronger decay"),
        (with_factors(decay=lambda n: n * n), "not |X|^2 times"),
        (with_factors(epsilon=same), "compared with the size"),
        (with_factors(epsilon=inverse), "larger epsilon"),
        (with_factors(epsilon=lambda n: n * n), "the root of the mean square"),
        (changed_in_place, "has been changed"),
        (lambda settings, n: {"limit": 1.0}, "Still open: sgd_rate, adam_rate, decay, epsilon."),
        (lambda settings, n: settings | {"clip": 1.0},
         "Return a dict with the keys sgd_rate, adam_rate, limit, decay, epsilon."),
        (lambda settings, n: 1.0, "the keys"),
    ],
}


@pytest.mark.parametrize("optimise, rate", [(sgd, "sgd_rate"), (adam, "adam_rate")])
def test_translated_settings_make_the_same_steps(optimise, rate):
    """The right answer of the last exercise, on real steps: clip, then weight decay, then the optimiser."""
    for_mean = {"sgd_rate": 0.1, "adam_rate": 0.01, "limit": 0.5, "decay": 0.1, "epsilon": 0.01}
    size_X = 12
    ends = []
    for settings, prepare in ((for_mean, lambda g: g / size_X), (exercises.translated(for_mean, size_X), lambda g: g)):
        weights, state = random_weights(), None
        options = {"epsilon": settings["epsilon"]} if optimise is adam else {}
        for seed in range(1, 6):
            gradient = clip_by_norm(prepare(random_weights(seed=seed)), settings["limit"]) + settings["decay"] * weights
            weights, state = optimise(weights, gradient, state, rate=settings[rate], **options)
        ends.append(weights)
    assert_close(ends[1], ends[0], 1e-13)
    assert (ends[0] - random_weights()).norm() > 1e-3


def test_the_right_scale_neither_overflows_nor_leaves_room():
    with np.errstate(over="ignore"):
        for largest in (1.0, 3e-7, 1e6, 65504.0):
            S = power_below(largest)
            assert np.isfinite(np.float16(S * largest)) and 2 * S * largest > 65504
