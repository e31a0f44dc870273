"""Numerical gradients, and the two measures of agreement."""

import numpy as np
import pytest

from helpers import assert_close, distances, random_problem, random_weights
from lstmlib import Weights, backward, cosine, cross_entropy, forward, numerical_gradient, relative_error


def sum_of_squares(weights):
    return sum((array ** 2).sum() for _, array in weights.items())


@pytest.mark.parametrize("dtype", [np.float16, float])
@pytest.mark.parametrize("method, tolerance", [("complex", 1e-15), ("central", 1e-8)])
def test_numerical_gradient_of_a_known_function(method, tolerance, dtype):
    """In double precision, whatever the weights are in; with axes in front where they have them."""
    weights = random_weights(dtype=dtype)
    numerical = numerical_gradient(sum_of_squares, weights, method)
    assert numerical.dtype == float
    assert_close(numerical, 2 * weights, tolerance)
    two = weights.map(lambda array: np.stack([array, 2 * array]))
    assert_close(numerical_gradient(sum_of_squares, two, method), 2 * two, tolerance)


def test_the_step_of_central_differences_fits_the_dtype_of_the_weights_and_can_be_chosen():
    p = random_problem()

    def C(weights):  # as code that computes in float32 reports it
        return float(np.float32(cross_entropy(forward(weights, p.X).Y, p.labels)[0]))

    truth = numerical_gradient(lambda weights: cross_entropy(forward(weights, p.X).Y, p.labels)[0], p.weights)
    single = p.weights.map(lambda array: array.astype(np.float32))
    errors = [relative_error(numerical_gradient(C, weights, "central", step), truth)
              for weights, step in ((p.weights, 1e-5), (p.weights, 3e-3), (single, None))]
    assert errors[0] > 3e-3 and max(errors[1:]) < 3e-4


def test_complex_step_is_far_more_exact_than_central_differences():
    p = random_problem()

    def C(weights):
        return cross_entropy(forward(weights, p.X).Y, p.labels)[0]

    trace = forward(p.weights, p.X)
    gradient = backward(p.weights, trace, cross_entropy(trace.Y, p.labels)[1])
    assert max(distances(numerical_gradient(C, p.weights), gradient).values()) < 1e-14
    assert 1e-13 < max(distances(numerical_gradient(C, p.weights, "central"), gradient).values()) < 1e-8


def test_relative_error():
    truth = random_weights()
    zero = 0 * truth
    assert relative_error(truth, truth) == relative_error(zero, zero) == 0
    assert relative_error(zero, truth) == pytest.approx(1)
    assert relative_error(1.25 * truth, truth) == pytest.approx(0.25)
    assert type(relative_error(zero, truth)) is float


def test_cosine_is_blind_to_a_constant_factor():
    u, v = random_weights(seed=1), random_weights(seed=2)
    assert cosine(u, 100 * u) == cosine(1j * u, 1j * u) == pytest.approx(1)
    assert cosine(-3 * u, u) == pytest.approx(-1)
    orthogonal = v - (u.dot(v) / u.dot(u)) * u
    assert abs(cosine(u, orthogonal)) < 1e-14 and abs(cosine(1j * u, u)) < 1e-14
    assert type(cosine(u, v)) is float


def test_cosine_of_a_known_pair():
    ones = Weights(*(np.ones(shape) for shape in ((1, 4), (1, 4), (4,), (1, 1), (1,))))
    half = Weights(ones.Wx, 0 * ones.Wh, 0 * ones.b, 0 * ones.Wy, 0 * ones.by)
    assert cosine(ones, half) == pytest.approx((4 / 14) ** 0.5)
