"""Extreme numbers: saturated gates, long sequences, huge and tiny values. Right, or honestly underflowing.

Every warning is an error here. What is compared with is computed in longdouble, or known exactly.
"""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from helpers import (
    assert_close,
    distance,
    everywhere,
    random_problem,
    random_weights,
    textbook,
    textbook_backward,
    wide,
)
from lstmlib import (
    Weights,
    adam,
    backward,
    clip_by_norm,
    cosine,
    cross_entropy,
    forward,
    init_weights,
    numerical_gradient,
    record,
    relative_error,
    squared_error,
    step,
)
from lstmlib.cell import sigmoid
from lstmlib.weights import entries

pytestmark = pytest.mark.filterwarnings("error")

REAL = [np.float16, np.float32, np.float64]
ALL = [*REAL, np.complex64, np.complex128]
GATES = "ifgo"


def one_unit(b, dtype=float, w=0.0, u=0.0):
    """Weights with D = H = K = 1: the biases of i, f, g, o are b, all of Wx is w, all of Wh is u, and y = h."""
    return Weights(*(np.array(a, dtype) for a in ([[w] * 4], [[u] * 4], b, [[1.0]], [0.0])))


def with_bias(weights, b):
    return replace(weights, b=b.astype(weights.dtype))


def assert_finite(trace, gradient):
    assert gradient.finite and all(np.isfinite(a).all() for a in (trace.Y, trace.gates, trace.hiddens, trace.cells))


# ---- the sigmoid and saturated gates

@pytest.mark.parametrize("dtype", REAL)
def test_sigmoid_never_overflows(dtype):
    z = np.array([0, 1000, -1000, np.finfo(dtype).max, -np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal], dtype)
    assert sigmoid(z).tolist() == [0.5, 1, 0, 1, 0, 0.5]
    assert sigmoid(z).dtype == dtype


@pytest.mark.parametrize("dtype", ALL)
def test_a_closed_gate_keeps_its_relative_accuracy(dtype):
    """Against longdouble, for every z whose sigmoid is a normal number."""
    least, eps = float(np.finfo(dtype).tiny), float(np.finfo(dtype).eps)
    z = np.linspace(log(2 * least), 40, 4001).astype(dtype)
    exact = 1 / (1 + np.exp(-z.real.astype(np.longdouble)))
    trace = forward(one_unit([0, 0, 0, 0], dtype, w=1), z[:, None, None])
    for gate in (sigmoid(z), *(getattr(trace, name)[:, 0, 0] for name in "ifo")):
        assert np.max(np.abs(gate.real / exact - 1)) < 3 * eps


@pytest.mark.parametrize("dtype, bias", [(np.float32, -15), (np.float16, -5), (np.float64, -30)])
def test_gradients_through_closed_input_gates_are_as_exact_as_their_z(dtype, bias):
    """A rounding of z, of the size |z| eps, is one of that size in exp(z): no arithmetic does better."""
    p, tolerance = random_problem(dtype=dtype), 8 * abs(bias) * float(np.finfo(dtype).eps)
    weights = with_bias(p.weights, np.where(np.arange(20) < 5, bias, p.weights.b))
    gradient = backward(weights, forward(weights, p.X), p.dY)
    exact = weights.map(lambda array: array.astype(np.float64))
    truth = numerical_gradient(lambda w: (forward(w, p.X).Y * p.dY).sum(), exact)
    assert_close(gradient, truth, tolerance)
    for mine, theirs in ((gradient.Wx, truth.Wx), (gradient.b, truth.b)):  # of the closed gates alone
        assert distance(mine[..., :5].astype(float), theirs[..., :5]) < tolerance


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("gate", range(4))
@pytest.mark.parametrize("dtype", ALL)
def test_a_saturated_gate_is_exact_and_has_no_slope(dtype, gate, sign):
    b = np.array([0.3, -0.2, 0.4, 0.1])
    b[gate] = 1000 * sign
    weights = one_unit(b, dtype, w=0.5, u=0.25)
    trace = forward(weights, np.full((3, 2, 1), 0.5))
    gradient = backward(weights, trace, np.ones((3, 2, 1)))
    assert_finite(trace, gradient)
    assert (getattr(trace, GATES[gate]) == (1 if sign > 0 else -1 if GATES[gate] == "g" else 0)).all()
    assert gradient.Wx[0, gate] == gradient.Wh[0, gate] == gradient.b[gate] == 0


@pytest.mark.parametrize("dtype", REAL)
def test_gates_wide_open_carry_the_cell_state_and_its_gradient_unchanged(dtype):
    """f = 1, i = 0, o = 1: the constant error carousel, exactly."""
    weights, dY, seen = one_unit([-1000, 1000, 0, 1000], dtype), np.zeros((50, 1, 1)), record(["dc_next"])
    trace = forward(weights, np.zeros((50, 1, 1)), c0=[[0.5]])
    assert (trace.c == dtype(0.5)).all()
    dY[-1] = 1
    backward(weights, trace, dY, seen)
    (crossed,) = {d.item() for d in seen["dc_next"]}
    assert crossed == pytest.approx(1 - np.tanh(0.5) ** 2, rel=float(4 * np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", REAL)
def test_weights_and_inputs_so_large_that_a_pre_activation_overflows(dtype):
    """z is infinite in this dtype, and its gates are 0 and 1 all the same."""
    weights = one_unit([0, 0, 0, 0], dtype, w=float(np.finfo(dtype).max) / 4)
    trace = forward(weights, np.full((2, 1, 1), 100.0))
    assert all((getattr(trace, gate) == 1).all() for gate in GATES)
    assert trace.c.ravel().tolist() == [1, 2]
    y, h, c, _ = step(weights, [[100.0]], [[0.0]], [[0.0]])
    assert (y, c) == (trace.Y[0], 1)
    gradient = backward(weights, trace, np.ones((2, 1, 1)))
    assert gradient.finite and (gradient.Wx == 0).all()


@pytest.mark.parametrize("dtype, huge", [(np.float64, 1e300), (np.float32, 1e38), (np.float16, 6e4), (complex, 1e300)])
def test_huge_cell_states(dtype, huge):
    weights, c0 = one_unit([0.0, 1000, 0.5, 0.2], dtype, w=0.5, u=0.1), np.array([[huge], [-huge]], dtype)
    trace = forward(weights, np.ones((5, 2, 1)), c0=c0)
    assert_finite(trace, backward(weights, trace, np.ones((5, 2, 1))))
    assert np.array_equal(trace.h, trace.o * np.sign(trace.c))
    assert (trace.c == c0).all()


@pytest.mark.parametrize("b", [[1000, -1000, 1000, -1000], [-1000, 1000, -1000, 1000], [40, -40, 20, -36], [300] * 4])
def test_complex_step_at_saturation(b):
    p = random_problem(T=5, B=2, D=3, H=1, K=2)
    weights = with_bias(p.weights, np.array(b))
    numerical = numerical_gradient(lambda w: cross_entropy(forward(w, p.X).Y, p.labels)[0], weights)
    trace = forward(weights, p.X)
    gradient = backward(weights, trace, cross_entropy(trace.Y, p.labels)[1])
    assert numerical.finite
    assert (gradient - numerical).norm() <= 1e-14 * numerical.norm()


# ---- long sequences

def test_ten_thousand_timesteps():
    p = random_problem(T=10_000, B=1, D=1, H=1, K=1)
    Y, trail = textbook(wide(p.weights), p.X, p.h0, p.c0)
    assert distance(p.trace.Y, Y) < 1e-12
    truth, _, _ = textbook_backward(wide(p.weights), trail, p.dY)
    assert_close(backward(p.weights, p.trace, p.dY), Weights(*truth), 1e-11)


def test_a_gradient_that_explodes_is_infinite_without_a_warning():
    weights = one_unit([10, 10, 0, 10], w=0.0, u=8.0)
    trace = forward(weights, np.zeros((2000, 1, 1)))
    assert not backward(weights, trace, np.ones((2000, 1, 1))).finite


# ---- losses

@pytest.mark.parametrize("size", [1e4, 700, 1e308])
def test_logits_of_any_size(size):
    C, dlogits = cross_entropy([[[size, 0, -size]], [[0, 0, -size]]], [[0], [1]])
    assert C == pytest.approx(log(2), rel=1e-15)
    assert dlogits.ravel() == pytest.approx([0, 0, 0, 0.5, -0.5, 0], abs=1e-300)
    C, dlogits = cross_entropy([[[size, 0, 0]]], [[1]])
    assert C == size
    assert dlogits.ravel().tolist() == pytest.approx([1, -1, 0], abs=1e-300)


def test_a_loss_that_no_float_can_hold_is_infinite():
    C, dlogits = cross_entropy([[[1.7e308, -1.7e308]]], [[1]])
    assert (C, dlogits.tolist()) == (np.inf, [[[1, -1]]])
    C, _ = cross_entropy([[[1.7e308, -1.7e308]], [[0, 0]]], [[1], [0]], mask=[[0], [1]])
    assert C == pytest.approx(log(2))
    C, dY = squared_error([[[1e200]]], [[[-1e200]]])
    assert (C, dY.item()) == (np.inf, 2e200)
    assert squared_error(np.array([[[6e4]]], np.float16), [[[-6e4]]])[1].item() == np.inf


def test_cross_entropy_keeps_small_shares_exact():
    """exp(-700) is 1e-304: compared with longdouble."""
    logits = np.array([[[0.0, -30, -700]]])
    shares = np.exp(logits.astype(np.longdouble))
    truth = (shares / shares.sum())[0, 0, 1:].astype(float)
    assert cross_entropy(logits, [[0]])[1][0, 0, 1:] == pytest.approx(truth, rel=1e-12)


# ---- Weights and optimisers: huge and tiny

@pytest.mark.parametrize("size", [1e200, 1e-200, 1e308, 5e-324, 1.0])
def test_norm_dot_and_cosine_neither_overflow_nor_underflow(size):
    ones, beyond = everywhere(init_weights(1, 1, 1), 1.0), size > 1e307
    u = everywhere(ones, size)
    v = Weights(-u.Wx, u.Wh, u.b, u.Wy, u.by)  # 4 of 14 entries
    assert u.norm() == (np.inf if beyond else pytest.approx(14 ** 0.5 * size, rel=1e-15))
    for one, other in ((u, u), (u, ones), (u, everywhere(ones, 1e-300)), (everywhere(ones, 1e300), u)):
        assert cosine(one, other) == pytest.approx(1, rel=1e-15)
    assert cosine(u, v) == pytest.approx(6 / 14, rel=1e-15)
    assert relative_error(u / 2, u) == pytest.approx(0.5, rel=1e-15) or size == 5e-324
    assert relative_error(-u, u) == pytest.approx(2)
    assert u.dot(ones) == (np.inf if beyond else pytest.approx(14 * size, rel=1e-15))
    assert u.dot(Weights(-ones.Wx, ones.Wh, ones.b, 0 * ones.Wy, -2 * ones.by)) == 2 * size
    assert u.dot(v) == (np.inf if size > 1e155 else pytest.approx(6 * size * size))


def test_measures_of_what_is_infinite_zero_or_far_apart():
    u = random_weights()
    assert relative_error(u, 0 * u) == relative_error(1e8 * u, 1e-310 * u) == np.inf
    assert relative_error(1e-300 * u, 1e300 * u) == 1
    assert np.isnan(relative_error(u, everywhere(u, np.inf)))
    assert np.isnan(cosine(u, 0 * u))


def test_a_product_that_cancels_is_no_nan():
    u = everywhere(init_weights(1, 1, 1), 1e200)
    v = Weights(u.Wx, -u.Wh, 0 * u.b, u.Wy, -u.by)
    assert u.dot(v) == 0
    assert (1j * u).dot(v) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_factors_that_the_dtype_cannot_hold(dtype):
    """|X| = 70,000 is no float16, but what it divides is."""
    large, least = float(np.finfo(dtype).max), float(np.finfo(dtype).tiny)
    ones = everywhere(init_weights(1, 1, 1, dtype=dtype), large)
    assert (entries(ones / (2 * large)) == 0.5).all()
    assert (entries(ones * (0.25 / large)) == 0.25).all()
    assert (entries(everywhere(ones, least) * (4 * large)) == dtype(4 * large * least)).all()
    assert not (ones * 2).finite and (ones * 2).dtype == dtype


@pytest.mark.parametrize("size", [1e200, 1e-200, 1e-300, 1.7e308])
@pytest.mark.parametrize("limit", [1e-200, 1.0, 1e100])
def test_clip_by_norm_of_huge_and_tiny_gradients(size, limit):
    signs = random_weights().map(np.sign)
    gradient = size * signs
    clipped = clip_by_norm(gradient, limit)
    if size / limit * entries(signs).size ** 0.5 > 1:
        assert clipped.norm() == pytest.approx(limit, rel=1e-13)
        assert cosine(clipped, signs) == pytest.approx(1, rel=1e-14)
    else:
        assert clipped is gradient


@pytest.mark.parametrize("size", [1e150, 1e100, 1, 1 / 64, 1e-100, 1e-150])
def test_adam_forgets_the_size_of_a_gradient_where_epsilon_is_zero(size):
    weights, signs = everywhere(random_weights(), 1.0), random_weights().map(np.sign)
    moved, state = adam(weights, size * signs, epsilon=0)
    moved, _ = adam(moved, size * signs, state, epsilon=0)
    assert_close(weights - moved, 0.002 * signs, 1e-12)


def test_adam_with_gradients_whose_squares_vanish():
    weights, signs = everywhere(random_weights(), 1.0), random_weights().map(np.sign)
    assert adam(0 * weights, 1e-200 * signs)[0].norm() == pytest.approx(1e-195 * signs.norm(), rel=1e-12)
    assert adam(weights, 1e-200 * signs, epsilon=0)[0].identical(weights)  # v underflows: it stays where it is


@pytest.mark.parametrize("dtype, size", [(np.float16, 6e4), (np.float16, 1e-5), (np.float32, 1e30),
                                         (np.float32, 1e-30)])
def test_adam_squares_in_double_precision(dtype, size):
    """In float16 the square of 6e4 overflows, that of 1e-5 underflows, and epsilon = 1e-8 is 0."""
    weights, signs = everywhere(random_weights(dtype=dtype), 0.0), random_weights().map(np.sign)
    gradient = signs.map(lambda array: (array * size).astype(dtype))
    moved, (m, v, t) = adam(weights, gradient, rate=0.5)
    assert (moved.dtype, v.dtype) == (dtype, np.float64)
    assert_close(moved, signs * (-0.5 * size / (size + 1e-8)), 4 * float(np.finfo(dtype).eps))
