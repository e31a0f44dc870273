"""Numerical gradients, and the two measures of agreement."""

import numpy as np
import pytest

from helpers import assert_close, distances, everywhere, random_problem, random_weights
from lstmlib import Weights, backward, cosine, cross_entropy, forward, numerical_gradient, relative_error


def sum_of_squares(weights):
    return sum((array ** 2).sum() for _, array in weights.items())


@pytest.mark.parametrize("method, tolerance", [("complex", 1e-15), ("central", 1e-8)])
def test_numerical_gradient_of_a_known_function(method, tolerance):
    weights = random_weights()
    assert_close(numerical_gradient(sum_of_squares, weights, method), 2 * weights, tolerance)


def test_the_step_of_central_differences_fits_the_dtype_of_the_weights_and_can_be_chosen():
    p = random_problem()

    def C(weights):  # as code that computes in float32 reports it
        return float(np.float32(cross_entropy(forward(weights, p.X).Y, p.labels)[0]))

    truth = numerical_gradient(lambda weights: cross_entropy(forward(weights, p.X).Y, p.labels)[0], p.weights)
    single = p.weights.map(lambda array: array.astype(np.float32))
    errors = [relative_error(numerical_gradient(C, weights, "central", step), truth)
              for weights, step in ((p.weights, 1e-5), (p.weights, 3e-3), (single, None))]
    assert errors[0] > 3e-3 and max(errors[1:]) < 3e-4


@pytest.mark.parametrize("method, step, error, message", [
    ("complex", 1e-5, ValueError, "step must be left out with method 'complex', got 1e-05"),
    ("central", 0, ValueError, "step must be above 0, got 0"), ("central", "h", TypeError, "step must be a number")])
def test_a_wrong_step_is_named(method, step, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(sum_of_squares, random_weights(), method, step)


def test_complex_step_is_far_more_exact_than_central_differences():
    p = random_problem()

    def C(weights):
        return cross_entropy(forward(weights, p.X).Y, p.labels)[0]

    trace = forward(p.weights, p.X)
    gradient = backward(p.weights, trace, cross_entropy(trace.Y, p.labels)[1])
    assert max(distances(numerical_gradient(C, p.weights), gradient).values()) < 1e-14
    assert 1e-13 < max(distances(numerical_gradient(C, p.weights, "central"), gradient).values()) < 1e-8


def test_numerical_gradient_of_float16_weights_is_in_double_precision():
    weights = random_weights(dtype=np.float16)
    numerical = numerical_gradient(sum_of_squares, weights)
    assert numerical.dtype == float
    assert_close(numerical, 2 * weights, 1e-15)


def test_numerical_gradient_keeps_axes_in_front():
    weights = random_weights().map(lambda array: np.stack([array, 2 * array]))
    gradient = numerical_gradient(sum_of_squares, weights)
    assert gradient.lead == (2,)
    assert_close(gradient, 2 * weights, 1e-15)


def test_relative_error():
    truth = random_weights()
    zero = 0 * truth
    assert relative_error(truth, truth) == 0
    assert relative_error(zero, zero) == 0
    assert relative_error(truth, zero) == np.inf
    assert relative_error(zero, truth) == pytest.approx(1)
    assert relative_error(1.25 * truth, truth) == pytest.approx(0.25)
    assert relative_error(1e200 * truth, 2e200 * truth) == pytest.approx(0.5)


def test_measures_of_the_largest_and_the_smallest_raise_no_warning():
    u = random_weights()
    zero, infinite = 0 * u, everywhere(u, np.inf)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        assert relative_error(u, zero) == np.inf
        assert relative_error(1e8 * u, 1e-310 * u) == np.inf
        assert relative_error(1e-300 * u, 1e300 * u) == 1
        assert np.isnan(relative_error(u, infinite))
        assert np.isnan(cosine(u, zero))


def test_measures_are_plain_numbers():
    u, v = random_weights(seed=1), random_weights(seed=2)
    assert type(relative_error(u, v)) is type(cosine(u, v)) is float


def test_cosine_is_blind_to_a_constant_factor():
    u, v = random_weights(seed=1), random_weights(seed=2)
    assert cosine(u, 100 * u) == pytest.approx(1)
    assert cosine(-3 * u, u) == pytest.approx(-1)
    assert cosine(u, v) == pytest.approx(cosine(v, u))
    orthogonal = v - (u.dot(v) / u.dot(u)) * u
    assert abs(cosine(u, orthogonal)) < 1e-14
    assert np.isnan(cosine(u, 0 * u))


def test_cosine_of_a_known_pair():
    ones = Weights(*(np.ones(shape) for shape in ((1, 4), (1, 4), (4,), (1, 1), (1,))))
    half = Weights(ones.Wx, 0 * ones.Wh, 0 * ones.b, 0 * ones.Wy, 0 * ones.by)
    assert cosine(ones, half) == pytest.approx((4 / 14) ** 0.5)
