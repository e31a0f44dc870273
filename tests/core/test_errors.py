"""Wrong input: every message names the argument, what was expected and what came.

Each message stands here; tests/test_hostile.py sees to it that every argument of every function is asked about.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

import lstmlib
from helpers import everywhere, random_problem
from lstmlib import step, step_backward
from lstmlib.training import clip_by_value

P = random_problem(T=4, B=3, D=2, H=5, K=3)
W, TRACE = P.weights, P.trace
STEP_TRACE = step(W, P.X[0], P.h0, P.c0)[3]
OTHER = random_problem(D=3, H=4, K=2).weights
RNG = np.random.default_rng(0)
MASK = np.ones((4, 3), bool)
RAGGED = [[1.0, 2.0], [3.0]]


class NoArray:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array today")


def with_entry(array, value, index=0):
    """The array with one entry changed."""
    changed = np.array(array)
    changed.ravel()[index] = value
    return changed


def five(**changed):
    """W with some of its arrays changed."""
    return replace(W, **changed)


def nan_weights():
    return five(Wy=with_entry(W.Wy, np.nan))


def back_from(**changed):
    """step_backward from what a step left, some of it changed."""
    return step_backward(W, STEP_TRACE._replace(**changed), P.dY[0], P.h0, P.c0)


# What is called  ->  what it says; a line that is indented goes on from the one before.
TABLE = r"""
# Weights
five(Wx=np.ones((2, 20), int))  ->  TypeError: Wx must hold floating-point numbers, got dtype int64
five(Wy=RAGGED)  ->  ValueError: Wy must be a rectangular array, got nested sequences of different lengths
five(Wx=W.Wx[:, :-1])  ->  ValueError: Wx must have shape (..., D, 4H) with 4H = 20, got (2, 19)
five(Wh=W.Wh[:, :-1])  ->  ValueError: Wh must have shape (H, 4H), got (5, 19)
five(Wh=W.b)  ->  ValueError: Wh must have shape (H, 4H) and Wy (H, K), got (20,) and (5, 3)
five(Wy=W.by)  ->  ValueError: Wh must have shape (H, 4H) and Wy (H, K), got (5, 20) and (3,)
five(b=W.b[:-1])  ->  ValueError: b must have shape (..., 4H) with 4H = 20, got (19,)
five(Wy=W.Wy[:-1])  ->  ValueError: Wy must have shape (..., H, K) with H = 5, K = 3, got (4, 3)
five(by=W.by[:-1])  ->  ValueError: by must have shape (..., K) with K = 3, got (2,)
five(Wx=W.Wx[:0])  ->  ValueError: Wx must not be empty, got shape (0, 20)
five(b=W.b[None])  ->  ValueError: b must have the leading axes () of Wh, got (1,)
five(by=W.by.astype(np.float32))  ->  TypeError: by must have the dtype float64 of Wx, got float32
W + OTHER  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
W + 40  ->  TypeError: other must be a Weights, got int
40 + W  ->  TypeError: unsupported operand type(s) for +: 'int' and 'Weights'
W * W  ->  TypeError: factor must be a number, got Weights
1 / W  ->  TypeError: unsupported operand type(s) for /: 'int' and 'Weights'
W.identical(OTHER)  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
W / "2"  ->  TypeError: divisor must be a number, got str
W.dot(W.Wx)  ->  TypeError: other must be a Weights, got ndarray
W * "2"  ->  TypeError: factor must be a number, got str
W * True  ->  TypeError: factor must be a number, got bool
np.ones(3) * W  ->  TypeError: factor must be a number, got ndarray
W * np.nan  ->  ValueError: factor must be finite, got nan
W * 10 ** 5000  ->  ValueError: factor must be finite, got a number of thousands of digits
W / 0  ->  ValueError: divisor must not be zero
W.map(np.add, W.Wx)  ->  TypeError: other must be a Weights, got ndarray
init_weights(0, 5, 3)  ->  ValueError: D must be at least 1, got 0
init_weights(2, 5, 3.0)  ->  TypeError: K must be a whole number, got 3.0
init_weights(2, 5, 3, seed=-1)  ->  ValueError: seed must be at least 0, got -1
init_weights(2, 5, 3, dtype=int)  ->  TypeError: dtype must be a floating-point or complex dtype, got int64
init_weights(2, 5, 3, dtype="nonsense")  ->  TypeError: dtype must be a floating-point or complex dtype, got nonsense
# step, step_backward
step(W, P.X[0], P.h0, None)  ->  TypeError: c_prev must hold numbers, got dtype object
step(five(Wy=with_entry(W.Wy, 1.7e308), by=with_entry(W.by, 1.7e308)), P.X[0], P.h0, P.c0)
    ->  ValueError: y must be finite, got an overflow of float64: weights or inputs are too large
step_backward(W, TRACE, P.dY[0], P.h0, P.c0)  ->  TypeError: trace must be a StepTrace, got Trace
back_from(x=STEP_TRACE.x[..., None])
    ->  ValueError: trace must hold x (B, D) and eight arrays (B, H), got (3, 2, 1) and [(3, 5), (3, 5), (3, 5),
        (3, 5), (3, 5), (3, 5), (3, 5), (3, 5)]
back_from(f=STEP_TRACE.f[:, 1:])
    ->  ValueError: trace must hold x (B, D) and eight arrays (B, H), got (3, 2) and [(3, 5), (3, 5), (3, 5), (3,
        4), (3, 5), (3, 5), (3, 5), (3, 5)]
back_from(f=RAGGED)  ->  ValueError: trace must be a rectangular array, got nested sequences of different lengths
back_from(f=STEP_TRACE.f.astype(np.float32))
    ->  TypeError: trace must have the dtype float64 of the weights, got float32
step_backward(init_weights(4, 5, 3), STEP_TRACE, P.dY[0], P.h0, P.c0)
    ->  ValueError: trace must come from weights like these, Weights(D=4, H=5, K=3, float64), got D=2, H=5
# forward
forward(dict(W.items()), P.X)  ->  TypeError: weights must be a Weights, got dict
forward(W.map(lambda array: array[None]), P.X)
    ->  ValueError: weights must have no leading axes, got Weights(lead=(1,), D=2, H=5, K=3, float64)
forward(nan_weights(), P.X)  ->  ValueError: weights must be finite, got infinity or NaN in Wy
forward(W, P.X[0])  ->  ValueError: X must have shape (T, B, D) with D = 2, got (3, 2)
forward(W, P.X[..., :1])  ->  ValueError: X must have shape (T, B, D) with D = 2, got (4, 3, 1)
forward(W, P.X[:, :0])  ->  ValueError: X must not be empty, got shape (4, 0, 2)
forward(W, with_entry(P.X, np.nan, 3))  ->  ValueError: X must be finite in float64, got nan at index (0, 1, 1)
forward(init_weights(2, 5, 3, dtype=np.float16), with_entry(P.X, 1e5))
    ->  ValueError: X must be finite in float16, got 100000.0 at index (0, 0, 0)
forward(W, P.X + 0j)  ->  TypeError: X must hold real numbers (float64), got complex128
forward(W, "abc")  ->  TypeError: X must hold numbers, got dtype <U3
forward(W, NoArray())  ->  TypeError: X must be an array, got NoArray (no array today)
forward(W, np.ma.masked_equal(P.X, P.X[0, 0, 0]))  ->  ValueError: X must have no masked entries, got 1 of them
forward(everywhere(W, 1.7e308), P.X)
    ->  ValueError: Y must be finite, got an overflow of float64: weights or inputs are too large
forward(W, [RAGGED, RAGGED])  ->  ValueError: X must be a rectangular array, got nested sequences of different lengths
# backward
backward(W, P.X, P.dY)  ->  TypeError: trace must be a Trace, got ndarray
backward(OTHER, TRACE, P.dY)
    ->  ValueError: trace must come from weights like these, Weights(D=3, H=4, K=2, float64), got Trace(T=4,
        B=3, D=2, H=5, K=3, float64)
backward(W, random_problem(dtype=np.float32).trace, P.dY)
    ->  ValueError: trace must come from weights like these, Weights(D=2, H=5, K=3, float64), got Trace(T=4,
        B=3, D=2, H=5, K=3, float32)
backward(W, TRACE, P.dY[1:])  ->  ValueError: dY must have shape (..., T, B, K) with T = 4, B = 3, K = 3, got (3, 3, 3)
backward(W, TRACE, 3.5)  ->  ValueError: dY must have shape (..., T, B, K) with T = 4, B = 3, K = 3, got ()
backward(W, TRACE, P.dY, dh_T=P.h0[:2])
    ->  ValueError: dh_T must have shape (..., B, H) with ... = (), B = 3, H = 5, got (2, 5)
backward(W, TRACE, P.dY, dc_T=P.c0[None])
    ->  ValueError: dc_T must have shape (..., B, H) with ... = (), B = 3, H = 5, got (1, 3, 5)
backward(W, TRACE, P.dY, at={"dW"})  ->  TypeError: at must be a function at(edge, gradient), got set
backward(W, TRACE, P.dY, at=lambda edge, gradient: None)
    ->  ValueError: at('loss', gradient) must return an array of numbers of shape (4, 3, 3), got None
backward(W, TRACE, P.dY, at=lambda edge, gradient: np.full(gradient.shape, "0"))
    ->  ValueError: at('loss', gradient) must return an array of numbers of shape (4, 3, 3), got <U1 (4, 3, 3)
backward(W, TRACE, P.dY, at=lambda edge, gradient: gradient[..., 1:] if edge == "dz" else gradient)
    ->  ValueError: at('dz', gradient) must return an array of numbers of shape (3, 20), got float64 (3, 19)
backward(W, TRACE, P.dY, at=lambda edge, gradient: 0.0 if edge == "dW" else gradient)
    ->  ValueError: at('dW', gradient) must return an array of numbers of shape (2, 20), got float64 ()
backward(W, TRACE, P.dY, at=scale_at(["dh_above"], 1j))
    ->  TypeError: at('dh_above', gradient) must return real numbers (float64), got complex128
backward(W, TRACE, P.dY, at=lambda edge, gradient: RAGGED)
    ->  ValueError: what at('loss', gradient) returns must be a rectangular array, got nested sequences of
        different lengths
# losses
squared_error(P.dY, 1j * P.targets)  ->  TypeError: targets must hold real numbers (float64), got complex128
squared_error(P.dY, P.targets, MASK / 4)  ->  ValueError: mask must hold only true and false (or 1 and 0), got 0.25
squared_error(P.dY, P.targets, np.full((4, 3), "1"))
    ->  TypeError: mask must hold only true and false (or 1 and 0), got dtype <U1
squared_error(P.dY, P.targets, RAGGED)
    ->  ValueError: mask must be a rectangular array, got nested sequences of different lengths
cross_entropy(P.dY, with_entry(P.labels, 3))  ->  ValueError: labels must be from 0 to K-1 = 2, got 3
cross_entropy(P.dY, with_entry(P.labels, -1))  ->  ValueError: labels must be from 0 to K-1 = 2, got -1
cross_entropy(P.dY, P.labels + 0.0)  ->  TypeError: labels must be whole numbers, got dtype float64
cross_entropy(P.dY, [[0, 1], [2]])
    ->  ValueError: labels must be a rectangular array, got nested sequences of different lengths
cross_entropy(P.dY, np.ones((4, 3, 2)))
    ->  ValueError: labels must have shape (T, B, K) with T = 4, B = 3, K = 3, got (4, 3, 2)
cross_entropy(P.dY, P.labels, class_weights=np.ones(4))
    ->  ValueError: class_weights must have shape (K) with K = 3, got (4,)
# placement
scale_at({"dW", "dV"}, 0.5)
    ->  ValueError: edges must be names from loss, dy, dh_above, dz, dh_next, dc_next, dWy_t, dW_t, dW, got dV
scale_at("dW", 0.5)  ->  TypeError: edges must be a collection of names, such as {'dW'}, got the string 'dW'
scale_at(None, 0.5)
    ->  TypeError: edges must be a collection of names from loss, dy, dh_above, dz, dh_next, dc_next, dWy_t,
        dW_t, dW, got None
scale_at([3], 0.5)
    ->  ValueError: edges must be names from loss, dy, dh_above, dz, dh_next, dc_next, dWy_t, dW_t, dW, got 3
crosses_exactly_once(["dW"], -10 ** 5000)
    ->  ValueError: T must be at least 1, got a number of thousands of digits
crosses_exactly_once(["dW"], 10 ** 5000)
    ->  ValueError: T must be at most 9223372036854775807, got a number of thousands of digits
crossing_spectrum(W, TRACE, P.dY, ["dz"], dh_T=P.h0[None])
    ->  ValueError: dh_T must have shape (B, H) with B = 3, H = 5, got (1, 3, 5)
crossing_spectrum(W, TRACE, P.dY, ["dz"], dc_T=P.c0[None])
    ->  ValueError: dc_T must have shape (B, H) with B = 3, H = 5, got (1, 3, 5)
# checking
numerical_gradient(lambda w: 0.0, W, "forward")  ->  ValueError: method must be 'complex' or 'central', got 'forward'
numerical_gradient(lambda w: 0.0, W, np.ones(2))
    ->  ValueError: method must be 'complex' or 'central', got array([1., 1.])
numerical_gradient(3.0, W)  ->  TypeError: f must be a function from Weights to a number, got float
numerical_gradient(lambda w: 0.0, W, "complex", 1e-5)
    ->  ValueError: step must be left out with method 'complex', got 1e-05
numerical_gradient(lambda w: 0.0, W, "central", 0)  ->  ValueError: step must be above 0, got 0
numerical_gradient(lambda w: 0.0, W, "central", "h")  ->  TypeError: step must be a number, got str
numerical_gradient(lambda w: None, W)  ->  TypeError: the value of f must be a number, got NoneType
numerical_gradient(lambda w: np.nan, W)  ->  ValueError: the value of f must be finite, got nan
numerical_gradient(lambda w: 1j * w.b.sum(), W, "central")  ->  TypeError: the value of f must be a number, got complex
numerical_gradient(lambda w: 0.0, 1j * W)  ->  TypeError: weights must be real, got Weights(D=2, H=5, K=3, complex128)
relative_error(W, OTHER)  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
cosine(W, OTHER)  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
# training
sgd(W, nan_weights())  ->  ValueError: gradient must be finite, got infinity or NaN
sgd(W, W, rate=0)  ->  ValueError: rate must be above 0, got 0
sgd(W, OTHER)  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
sgd(W, 1j * W)  ->  TypeError: gradient must be real, as the weights are, got Weights(D=2, H=5, K=3, complex128)
momentum(W, W, beta=-0.5)  ->  ValueError: beta must be at least 0, got -0.5
momentum(W, five(by=with_entry(W.by, 1.5e308)), five(by=with_entry(W.by, 1.7e308)))
    ->  ValueError: gradient and state must leave v finite, got an overflow of float64
momentum(W, W, beta=1)  ->  ValueError: beta must be below 1, got 1
momentum(W, W, OTHER)  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
momentum(W, W, 1j * W)  ->  TypeError: state must be real, as the weights are, got Weights(D=2, H=5, K=3, complex128)
adam(1j * W, 1j * W)  ->  TypeError: weights must be real, got Weights(D=2, H=5, K=3, complex128)
adam(W, everywhere(W, 1e200))  ->  ValueError: gradient must have finite squares, got one of norm 1.33e+201
adam(W, W, (W, W))  ->  ValueError: state must be (m, v, t), as adam returned it, got 2 entries
adam(W, W, (W, OTHER, 1))  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
adam(W, W, W)  ->  TypeError: state must be a tuple, got Weights
adam(W, W, (W, W, 1.5))  ->  TypeError: t in state must be a whole number, got 1.5
adam(W, W, (W, W, 0))  ->  ValueError: t in state must be at least 1, got 0
clip_by_value(P.dY, 1)  ->  TypeError: gradient must be a Weights, got ndarray
clip_by_value(nan_weights(), 1)  ->  ValueError: gradient must be finite, got infinity or NaN
clip_by_value(1j * W, 1)  ->  TypeError: gradient must be real, got Weights(D=2, H=5, K=3, complex128)
clip_by_value(W, -1)  ->  ValueError: limit must be above 0, got -1
next(train(W, [0], lambda weights, batch: (0, W), sgd, lambda n: n))  ->  ValueError: rate must be above 0, got 0
summed(squared_error)(W.Wx, (P.X, P.targets, None))  ->  TypeError: weights must be a Weights, got ndarray
# tasks
adding_problem(5, 2, RNG)  ->  ValueError: T must be at least 6, got 5
reber_strings(3, RNG, "plain")  ->  TypeError: embedded must be True or False, got str
"""
CASES = [re.split(" +->  ", line) for line in re.sub(r"\n +", " ", TABLE).splitlines() if line and line[0] != "#"]
NAMES = globals() | vars(lstmlib) | {"clip_by_value": clip_by_value, "everywhere": everywhere}


@pytest.mark.parametrize("call, says", CASES, ids=[call for call, _ in CASES])
def test_wrong_input_gets_a_clear_message(call, says):
    with pytest.raises((TypeError, ValueError)) as caught:
        eval(call, NAMES)
    assert f"{caught.type.__name__}: {caught.value}" == says
