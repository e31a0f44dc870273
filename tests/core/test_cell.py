"""step and step_backward: one timestep at a time they do what forward and backward do at once."""

import numpy as np
import pytest

from helpers import assert_close, complex_step, distance, random_problem
from lstmlib import backward, record, step, step_backward

SIZES = [(1, 1, 1, 1, 1), (1, 3, 2, 4, 3), (5, 1, 3, 2, 4), (7, 3, 2, 4, 3)]


@pytest.mark.parametrize("size", SIZES)
def test_steps_agree_with_forward_and_backward(size):
    p, recorded = random_problem(*size), record(["dh_next", "dc_next"])
    h, c, traces = p.h0, p.c0, []
    for x, Y in zip(p.X, p.trace.Y):
        y, h, c, trace = step(p.weights, x, h, c)
        assert distance(y, Y) < 1e-14
        traces.append(trace)
    for name in ("i", "f", "g", "o", "c", "h", "h_prev", "c_prev"):
        assert distance(np.array([getattr(trace, name) for trace in traces]), getattr(p.trace, name)) < 1e-14

    at_once = backward(p.weights, p.trace, p.dY, at=recorded)
    total, dh, dc, passed = 0 * p.weights, 0 * p.h0, 0 * p.c0, []
    for dy, trace in zip(p.dY[::-1], traces[::-1]):
        gradient, dh, dc = step_backward(p.weights, trace, dy, dh, dc)
        total = total + gradient
        passed.append((dh, dc))
    assert_close(at_once, total, 1e-14)
    for (dh, dc), dh_next, dc_next in zip(passed[:-1], recorded["dh_next"], recorded["dc_next"], strict=True):
        assert distance(dh_next, dh) < 1e-14 and distance(dc_next, dc) < 1e-14


def test_step_backward_gives_the_gradient_of_the_states_too():
    p = random_problem(T=1)
    dh_next, dc_next = np.random.default_rng(7).normal(size=(2, *p.h0.shape))

    def objective(h_prev, c_prev):
        y, h, c, _ = step(p.weights.map(lambda array: array.astype(complex)), p.X[0], h_prev, c_prev)
        return (y * p.dY[0]).sum() + (h * dh_next).sum() + (c * dc_next).sum()

    trace = step(p.weights, p.X[0], p.h0, p.c0)[3]
    _, dh_prev, dc_prev = step_backward(p.weights, trace, p.dY[0], dh_next, dc_next)
    assert distance(dh_prev, complex_step(lambda h: objective(h, p.c0), p.h0)) < 1e-14
    assert distance(dc_prev, complex_step(lambda c: objective(p.h0, c), p.c0)) < 1e-14


@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_wider_arguments_are_brought_to_the_dtype_of_the_weights(dtype):
    p, weights = random_problem(T=1), random_problem(dtype=dtype).weights
    y, h, c, trace = step(weights, p.X[0], p.h0, p.c0)
    gradient, dh_prev, dc_prev = step_backward(weights, trace, p.dY[0], p.h0, p.c0)
    assert {array.dtype for array in (y, h, c, dh_prev, dc_prev, gradient.Wx, *trace)} == {np.dtype(dtype)}


def test_a_gradient_too_large_for_its_dtype_is_infinite_without_a_warning():
    p = random_problem(dtype=np.float16)
    trace = step(p.weights, p.X[0], p.h0, p.c0)[3]
    with np.errstate(over="raise", invalid="raise"):
        gradient, _, _ = step_backward(p.weights, trace, p.dY[0] * 0 + np.float16(6e4), p.h0, p.c0)
    assert np.isinf(gradient.by).all()
