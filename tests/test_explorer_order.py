"""The numbers behind the explorer of notebook 06."""

import math

import numpy as np
import pytest
import traitlets

from helpers import entries
from lstmlib import adam, backward, clip_by_norm, forward, init_weights
from lstmlib.explorers import order


def mean_gradient(dtype=float):
    """The gradient of one item, without the explorer's own functions."""
    weights = init_weights(order.D, order.H, 1, seed=5, dtype=dtype)
    trace = forward(weights, np.random.default_rng(5).normal(size=(order.T, 1, order.D)))
    dY = np.zeros_like(trace.Y)
    dY[-1] = trace.Y[-1] - dtype(1.25)
    return weights, trace, dY, backward(weights, trace, dY)


@pytest.mark.parametrize("size_X", [1, 8, 1000, 2 ** 20])
@pytest.mark.parametrize("limit", [0.01, 1.0, 100.0, math.inf])
def test_norms_follow_the_formula(size_X, limit):
    numbers = order.numbers(order.Order(size_X=size_X, limit=limit))
    norm = size_X * mean_gradient()[3].norm()
    assert numbers.at_once.received_norm == pytest.approx(min(norm / size_X, limit))
    assert numbers.at_the_end.received_norm == pytest.approx(min(norm, limit) / size_X)
    assert numbers.clip_factor == pytest.approx(min(max(norm / limit, 1), size_X))


@pytest.mark.parametrize("size_X, limit", [(64, 3.0), (2 ** 20, 0.1)])
@pytest.mark.parametrize("epsilon", [1e-12, 1e-8, 1e-3])
def test_steps_are_those_of_lstmlib(size_X, limit, epsilon):
    weights, trace, dY, mean = mean_gradient()
    at_once = clip_by_norm(backward(weights, trace, dY / size_X) * size_X, limit)
    orders = at_once, clip_by_norm(mean * size_X, limit) / size_X
    numbers = order.numbers(order.Order(size_X=size_X, limit=limit, epsilon=epsilon))
    for way, gradient in zip((numbers.at_once, numbers.at_the_end), orders):
        np.testing.assert_allclose(way.received, entries(gradient), rtol=1e-12)
        moved = entries(weights - adam(weights, gradient, rate=1.0, epsilon=epsilon)[0])
        assert way.step == pytest.approx(np.sqrt(np.mean(moved ** 2)), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size_X", order.POWERS)
def test_powers_of_two_agree_bit_for_bit(dtype, size_X):
    state = order.Order(size_X=size_X, dtype=dtype, limit=math.inf)
    numbers = order.numbers(state)
    assert np.array_equal(numbers.at_once.received, numbers.at_the_end.received)
    assert "bit for bit" in order.words(state, numbers)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 1e-5)])
def test_other_sizes_agree_up_to_rounding(dtype, tolerance):
    for size_X in (3, 10, 1000):
        numbers = order.numbers(order.Order(size_X=size_X, dtype=dtype, limit=math.inf))
        difference = np.linalg.norm(numbers.at_once.received - numbers.at_the_end.received)
        assert difference < tolerance * numbers.at_the_end.received_norm


def test_float16_underflows_at_once_and_overflows_at_the_end():
    few, many = (order.numbers(order.Order(size_X=2 ** k, dtype="float16", limit=math.inf)) for k in (15, 18))
    weights, trace, dY, _ = mean_gradient(np.float16)
    lost = entries(backward(weights, trace, (dY.astype(float) / 2 ** 15).astype(np.float16))) == 0
    assert few.lost == lost.sum() > 5 and few.overflowed == 0
    assert many.lost > few.lost and many.overflowed == (np.abs(many.truth) * 2 ** 18 > 65520).sum() > 0
    assert math.isnan(many.at_the_end.step) and many.at_the_end.received_norm == math.inf
    assert few.at_once.step < few.at_the_end.step


def test_curves_are_the_numbers_at_each_power_of_two():
    state = order.Order(size_X=2 ** 11, limit=0.3, epsilon=1e-6)
    numbers = order.numbers(state)
    assert numbers.curves_at_once[0][11] == numbers.at_once.received_norm
    assert numbers.curves_at_the_end[1][11] == numbers.at_the_end.step


@pytest.mark.parametrize("preset, said", [
    ("No clip, float64", "agree bit for bit"),
    ("Clip cuts the sum", "but not the mean"),
    ("Clip cuts the mean too", "divided first, the gradient is 1,000 times as long as divided last."),
    ("Small epsilon forgives", "It forgives the factor."),
    ("Large epsilon does not", "at the end: 0.13."),
    ("float16: at once underflows", "At once underflows"),
    ("float16: at the end overflows", "At the end overflows"),
])
def test_words_follow_the_state(preset, said):
    explorer = order.order_matters()
    explorer.choose(preset)
    assert said in explorer.words.value
    assert ("forgives" in explorer.words.value) == (preset in ("Clip cuts the sum", "Small epsilon forgives"))


@pytest.mark.parametrize("changes, said", [
    ({"size_X": 1000, "limit": math.inf}, "agree up to rounding in float64"),
    ({"size_X": 512, "dtype": "float16", "limit": math.inf}, "agree up to rounding in float16"),
    ({"limit": 0.1}, "and the mean too"),
    ({"size_X": 1, "limit": 0.1}, "is as long as divided last"),
    ({"size_X": 2 ** 15, "dtype": "float16"}, "but not the mean"),
])
def test_other_words(changes, said):
    state = order.Order(**changes)
    assert said in order.words(state, order.numbers(state))


def test_every_state_of_the_controls_draws():
    explorer = order.order_matters()
    for dtype in order.FORMATS:
        for size_X in (1, 3, 1024, 10 ** 6, 2 ** 20):
            for limit in (0.01, 1e6, math.inf):
                explorer.set(dtype=dtype, size_X=size_X, limit=limit, epsilon=1e-2)
                assert explorer.error is None and "nan" not in explorer.picture.value
                assert explorer.picture.value.startswith("<svg") and 'viewBox="0 0 1000 526"' in explorer.picture.value


def test_a_wrong_value_is_shown_and_raised():
    explorer = order.order_matters()
    before = explorer.state
    for wrong in ({"size_X": 5}, {"limit": 7.0}, {"dtype": "float8"}, {"rate": 1}):
        with pytest.raises((ValueError, traitlets.TraitError)):
            explorer.set(**wrong)
        assert explorer.state == before


def test_brief_numbers():
    assert [order.brief(x) for x in (0, 0.15, 3.0, 1424.0, 2.6e6, 1e-7, math.inf)] == [
        "0", "0.15", "3", "1,400", "2.6e+06", "1.0e\N{MINUS SIGN}07", "infinite"]


def test_poster_has_both_states():
    poster = order.order_matters().poster_html()
    assert poster.count("<img alt=") == 2 and "Large epsilon does not" in poster
