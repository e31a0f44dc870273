"""step and step_backward: one timestep at a time they do what forward and backward do at once."""

import numpy as np
import pytest

from helpers import assert_close, distance, random_problem
from lstmlib import backward, step, step_backward


@pytest.mark.parametrize("size", [(1, 1, 1, 1, 1), (1, 3, 2, 4, 3), (5, 1, 3, 2, 4), (7, 3, 2, 4, 3)])
def test_steps_agree_with_forward_and_backward(size):
    p = random_problem(*size)
    h, c, traces = p.h0, p.c0, []
    for x, Y in zip(p.X, p.trace.Y):
        y, h, c, trace = step(p.weights, x, h, c)
        assert distance(y, Y) < 1e-14
        traces.append(trace)
    for name in ("i", "f", "g", "o", "c", "h", "h_prev", "c_prev"):
        assert distance(np.array([getattr(trace, name) for trace in traces]), getattr(p.trace, name)) < 1e-14

    dh, dc = np.random.default_rng(7).normal(size=(2, *p.h0.shape))
    at_once, _, dh0, dc0 = backward(p.weights, p.trace, p.dY, dh_T=dh, dc_T=dc, inputs=True)
    total = 0 * p.weights
    for dy, trace in zip(p.dY[::-1], traces[::-1]):
        gradient, dh, dc = step_backward(p.weights, trace, dy, dh, dc)
        total = total + gradient
    assert_close(total, at_once, 1e-14)
    assert distance(dh, dh0) < 1e-14 and distance(dc, dc0) < 1e-14


@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_wider_arguments_are_brought_to_the_dtype_of_the_weights(dtype):
    p, weights = random_problem(T=1), random_problem(dtype=dtype).weights
    y, h, c, trace = step(weights, p.X[0], p.h0, p.c0)
    gradient, dh_prev, dc_prev = step_backward(weights, trace, p.dY[0], p.h0, p.c0)
    assert {array.dtype for array in (y, h, c, dh_prev, dc_prev, gradient.Wx, *trace)} == {np.dtype(dtype)}
