"""Extreme numbers: saturated gates, long sequences, huge and tiny values. Right, or honestly underflowing.

Every warning is an error here. What is compared with is computed in longdouble, or known exactly.
"""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from helpers import arrays_of, distance, everywhere, random_problem, random_weights, textbook
from lstmlib import Weights, backward, cosine, cross_entropy, forward, relative_error, squared_error, step

pytestmark = pytest.mark.filterwarnings("error")

DTYPES = [np.float16, np.float32, np.float64, np.complex64, np.complex128]
ONES = everywhere(random_weights(1, 1, 1), 1.0)  # 14 entries


def one_unit(b, dtype=float, w=0.0, u=0.0):
    """Weights with D = H = K = 1: the biases of i, f, g, o are b, all of Wx is w, all of Wh is u, and y = h."""
    return Weights(*(np.array(a, dtype) for a in ([[w] * 4], [[u] * 4], b, [[1.0]], [0.0])))


# ---- saturated gates, long sequences

@pytest.mark.parametrize("dtype", DTYPES)
def test_a_closed_gate_keeps_its_relative_accuracy(dtype):
    """Against longdouble, for every z whose sigmoid is a normal number; in `forward` and in `step`."""
    least, eps = float(np.finfo(dtype).tiny), float(np.finfo(dtype).eps)
    z = np.linspace(log(2 * least), 40, 1001).astype(dtype)
    exact = 1 / (1 + np.exp(-z.real.astype(np.longdouble)))
    weights, zeros = one_unit([0, 0, 0, 0], dtype, w=1), np.zeros((len(z), 1))
    trace, (*_, left) = forward(weights, z[:, None, None]), step(weights, z[:, None], zeros, zeros)
    for gate in (left.i, trace.i, trace.f, trace.o):
        assert np.max(np.abs(gate.real.ravel() / exact - 1)) < 3 * eps


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("gate", range(4))
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_saturated_gate_is_exact_and_has_no_slope(dtype, gate, sign):
    """In complex numbers with the step of a numerical gradient."""
    b = np.array([0.3, -0.2, 0.4, 0.1]) + (1e-20j if np.dtype(dtype).kind == "c" else 0)
    b[gate] += 1000 * sign
    weights = one_unit(b, dtype, w=0.5, u=0.25)
    trace = forward(weights, np.full((3, 2, 1), 0.5))
    gradient = backward(weights, trace, np.ones((3, 2, 1)))
    assert gradient.finite and np.isfinite(trace.c).all()
    assert (trace.gates[:, :, gate] == (1 if sign > 0 else -1 if gate == 2 else 0)).all()
    assert gradient.Wx[0, gate] == gradient.Wh[0, gate] == gradient.b[gate] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_weights_inputs_and_cell_states(dtype):
    """z overflows in this dtype, and the gates are 1 all the same; a c past all tanh leaves h = o."""
    huge = np.finfo(dtype).max / 4
    weights = one_unit([0, 0, 0, 0], dtype, w=huge)
    trace = forward(weights, np.full((2, 1, 1), 100.0))
    assert (trace.gates.real == 1).all() and trace.c.ravel().tolist() == [1, 2]
    assert step(weights, [[100.0]], [[0.0]], [[0.0]])[0] == trace.Y[0]
    assert backward(weights, trace, np.ones((2, 1, 1))).finite
    weights, c0 = one_unit([0.0, 1000, 0.5, 0.2], dtype, w=0.5, u=0.1), np.array([[huge], [-huge]], dtype)
    trace = forward(weights, np.ones((5, 2, 1)), c0=c0)
    assert np.array_equal(trace.h, trace.o * np.sign(c0)) and (trace.c == c0).all()
    assert backward(weights, trace, np.ones((5, 2, 1))).finite


def test_ten_thousand_timesteps():
    p, direction = random_problem(T=10_000, B=1, D=1, H=1, K=1), random_weights(1, 1, 1, seed=1)
    assert distance(p.trace.Y, textbook(arrays_of(p.weights), p.X, p.h0, p.c0)[0]) < 1e-12
    slope = (forward(p.weights + 1e-20j * direction, p.X, p.h0, p.c0).Y * p.dY).sum().imag / 1e-20
    assert backward(p.weights, p.trace, p.dY).dot(direction) == pytest.approx(slope, rel=1e-11)


# ---- losses

@pytest.mark.parametrize("size", [1e4, 700, 1e308])
def test_logits_of_any_size_and_far_apart(size):
    """Each item has its own largest logit: against that of the whole batch, the small ones would vanish."""
    C, dlogits = cross_entropy([[[size, 0, -size]], [[0, 0, -size]], [[-size, -size, -size]]], [[0], [1], [2]])
    assert C == pytest.approx(log(2) + log(3), rel=1e-15)
    assert dlogits.ravel() == pytest.approx([0, 0, 0, 1 / 2, -1 / 2, 0, 1 / 3, 1 / 3, -2 / 3], rel=1e-15, abs=1e-300)
    C, dlogits = cross_entropy([[[size, 0, 0]]], [[1]])
    assert (C, dlogits.ravel().tolist()) == (size, pytest.approx([1, -1, 0], abs=1e-300))


def test_a_loss_that_no_float_can_hold_is_infinite_where_it_counts():
    C, dlogits = cross_entropy([[[1.7e308, -1.7e308]]], [[1]])
    assert (C, dlogits.tolist()) == (np.inf, [[[1, -1]]])
    C, _ = cross_entropy([[[1.7e308, -1.7e308]], [[0, 0]]], [[1], [0]], mask=[[0], [1]])
    assert C == pytest.approx(log(2))
    C, dY = cross_entropy([[[0.0, -1.7e308, 1.7e308]]], [[1]], class_weights=[1.0, 0, 1])
    assert C == 0 and (dY == 0).all()
    C, dY = squared_error([[[1e200]]], [[[-1e200]]])
    assert (C, dY.item()) == (np.inf, 2e200)


# ---- Weights

@pytest.mark.parametrize("size", [1e200, 1e-200, 1e308, 5e-324, 1.0])
def test_norm_dot_cosine_and_relative_error_neither_overflow_nor_underflow(size):
    u, beyond = everywhere(ONES, size), size > 1e307
    v = replace(u, Wx=-u.Wx)  # 4 of 14 entries
    assert u.norm() == (np.inf if beyond else pytest.approx(14 ** 0.5 * size, rel=1e-15))
    for one, other in ((u, u), (u, ONES), (u, everywhere(ONES, 1e-300)), (everywhere(ONES, 1e300), u)):
        assert cosine(one, other) == pytest.approx(1, rel=1e-15)
    assert cosine(u, v) == pytest.approx(6 / 14, rel=1e-15)
    assert relative_error(-u, u) == pytest.approx(2) and relative_error(u, 0 * u) == np.inf
    assert u.dot(ONES) == (np.inf if beyond else pytest.approx(14 * size, rel=1e-15))
    assert u.dot(v) == (np.inf if size > 1e155 else pytest.approx(6 * size * size))
    assert u.dot(replace(ONES, Wx=-ONES.Wx, Wy=0 * ONES.Wy, by=-4 * ONES.by)) == 0  # inf - inf would be NaN


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_factors_that_the_dtype_cannot_hold(dtype):
    """|X| = 70,000 is no float16, but what it divides is; what is too large becomes infinite."""
    large = float(np.finfo(dtype).max)
    u = everywhere(random_weights(dtype=dtype), large)
    assert (u / (2 * large)).identical(everywhere(u, 0.5)) and (u * (0.25 / large)).identical(everywhere(u, 0.25))
    assert not (u * 2).finite and (u * 2).dtype == dtype and not (u + u).finite
