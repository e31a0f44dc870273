"""Numerical gradients, and the two measures of agreement."""

import numpy as np
import pytest

from helpers import assert_close, everywhere, random_problem, random_weights
from lstmlib import backward, cosine, cross_entropy, forward, numerical_gradient, relative_error


def sum_of_squares(weights):
    return sum((array ** 2).sum() for _, array in weights.items())


@pytest.mark.parametrize("dtype", [np.float16, float])
@pytest.mark.parametrize("method, tolerance", [("complex", 1e-15), ("central", 1e-8)])
def test_numerical_gradient_of_a_known_function(method, tolerance, dtype):
    """In double precision, whatever the weights are in; with axes in front where they have them."""
    one = random_weights(dtype=dtype)
    two = one.map(lambda array: np.stack([array, 2 * array]))
    for weights in (one, two):
        numerical = numerical_gradient(sum_of_squares, weights, method)
        assert numerical.dtype == float
        assert_close(numerical, 2 * weights, tolerance)


def test_complex_steps_are_the_best_and_central_ones_fit_the_dtype_of_the_weights():
    p = random_problem()

    def C(weights):
        return cross_entropy(forward(weights, p.X).Y, p.labels)[0]

    def in_single(weights):  # as code that computes in float32 reports it
        return float(np.float32(C(weights)))

    trace = forward(p.weights, p.X)
    truth = backward(p.weights, trace, cross_entropy(trace.Y, p.labels)[1])
    assert_close(numerical_gradient(C, p.weights), truth, 1e-14)
    single = p.weights.map(lambda array: array.astype(np.float32))
    for f, weights, step, low, high in ((C, p.weights, None, 1e-13, 1e-8), (in_single, p.weights, 1e-5, 3e-3, 1),
                                        (in_single, p.weights, 3e-3, 0, 3e-4), (in_single, single, None, 0, 3e-4)):
        assert low < relative_error(numerical_gradient(f, weights, "central", step), truth) < high


def test_relative_error_and_cosine():
    truth, other = random_weights(seed=1), random_weights(seed=2)
    zero, ones = 0 * truth, everywhere(random_weights(1, 1, 1), 1.0)
    assert relative_error(truth, truth) == relative_error(zero, zero) == 0
    assert relative_error(zero, truth) == pytest.approx(1)
    assert relative_error(1.25 * truth, truth) == pytest.approx(0.25)
    assert cosine(truth, 100 * truth) == cosine(1j * truth, 1j * truth) == pytest.approx(1)
    assert cosine(-3 * truth, truth) == pytest.approx(-1)
    assert abs(cosine(truth, other - (truth.dot(other) / truth.dot(truth)) * truth)) < 1e-14
    assert abs(cosine(1j * truth, truth)) < 1e-14
    assert cosine(ones, ones.map(lambda a: a * (a.shape == (1, 4)))) == pytest.approx((8 / 14) ** 0.5)
    assert type(relative_error(zero, truth)) is type(cosine(truth, other)) is float
