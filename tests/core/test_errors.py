"""Wrong input: every message names the argument, what was expected and what came.

Each message stands here once; tests/test_hostile.py sees to it that every argument of every function is asked about.
"""

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import lstmlib
from helpers import everywhere, random_problem
from lstmlib.clinic import layouts
from lstmlib.clinic.patients import HEALTHY

P = random_problem(T=4, B=3, D=2, H=5, K=3)
W, TRACE, RAGGED = P.weights, P.trace, [[1.0, 2.0], [3.0]]
*_, STEP = lstmlib.step(W, P.X[0], P.h0, P.c0)

NAMES = vars(lstmlib) | {
    "P": P, "W": W, "TRACE": TRACE, "STEP": STEP, "RAGGED": RAGGED, "OTHER": random_problem(D=3, H=4, K=2).weights,
    "np": np, "replace": replace, "everywhere": everywhere, "layouts": layouts, "HEALTHY": HEALTHY,
    "NoArray": type("NoArray", (), {"__array__": lambda *_, **__: 1 / 0}),
    "five": partial(replace, W),
    "back": partial(lstmlib.backward, W, TRACE, P.dY),
    "step_back": lambda trace: lstmlib.step_backward(W, trace, P.dY[0], P.h0, P.c0),
    "numerical": lambda value, weights=W, **how: lstmlib.numerical_gradient(lambda _: value, weights, **how)}

# What is called  ->  what it says, where ... stands for anything.
TABLE = r"""
# Weights
five(Wx=np.ones((2, 20), int))  ->  TypeError: Wx must hold floating-point numbers, got dtype int64
five(Wy=RAGGED)  ->  ValueError: Wy must be a rectangular array, got nested sequences of different lengths
five(Wh=W.Wh[:, :-1])  ->  ValueError: Wh must have shape (H, 4H), got (5, 19)
five(Wh=W.b)  ->  ValueError: Wh must have shape (H, 4H) and Wy (H, K), got (20,) and (5, 3)
five(b=W.b[None])  ->  ValueError: b must have the leading axes () of Wh, got (1,)
five(by=W.by.astype(np.float32))  ->  TypeError: by must have the dtype float64 of Wx, got float32
W + OTHER  ->  ValueError: Wx must have the same shape in both Weights, got (2, 20) and (3, 16)
W + 40  ->  TypeError: other must be a Weights, got int
W * True  ->  TypeError: factor must be a number, got bool
W * 10 ** 5000  ->  ValueError: factor must be finite, got a number of thousands of digits
W / 0  ->  ValueError: divisor must not be zero
init_weights(0, 5, 3)  ->  ValueError: D must be at least 1, got 0
init_weights(2, 5, "3")  ->  TypeError: K must be a whole number, got '3'
init_weights(2, 5, 3, dtype=int)  ->  TypeError: dtype must be a floating-point or complex dtype, got int64
# step, step_backward
step_back(STEP._replace(f=STEP.f[:, 1:]))
    ->  ValueError: trace must hold x (B, D) and eight arrays (B, H), got (3, 2) and [(3, 5), (3, 5), ... (3, 4), ...]
step_back(STEP._replace(f=np.float32(STEP.f)))
    ->  TypeError: trace must have the dtype float64 of the weights, got float32
step_backward(W, STEP, P.dY[0, 1:], P.h0, P.c0)  ->  ValueError: dy must have shape (B, K) with B = 3, K = 3, got ...
# forward
forward(W.map(lambda array: array[None]), P.X)
    ->  ValueError: weights must have no leading axes, got Weights(lead=(1,), D=2, H=5, K=3, float64)
forward(everywhere(W, np.nan), P.X)  ->  ValueError: weights must be finite, got infinity or NaN in Wx
forward(everywhere(W, 1e308), P.X)  ->  ValueError: Y must be finite, got an overflow of float64: weights or inputs ...
forward(W, P.X[0])  ->  ValueError: X must have shape (T, B, D) with D = 2, got (3, 2)
forward(W, P.X[:, :0])  ->  ValueError: X must not be empty, got shape (4, 0, 2)
forward(W, [[[0, 1]], [[0, np.inf]]])  ->  ValueError: X must be finite in float64, got inf at index (1, 0, 1)
forward(init_weights(2, 5, 3, dtype="f"), [[[0, 1e39]]])  ->  ValueError: X must be finite in float32, got 1e+39 at ...
forward(W, P.X + 0j)  ->  TypeError: X must hold real numbers (float64), got complex128
forward(W, "abc")  ->  TypeError: X must hold numbers, got dtype <U3
forward(W, NoArray())  ->  TypeError: X must be an array, got NoArray (division by zero)
forward(W, np.ma.masked_equal(P.X, P.X[0, 0, 0]))  ->  ValueError: X must have no masked entries, got 1 of them
# Trace, backward
replace(TRACE, Y=TRACE.Y[0])
    ->  ValueError: X, Y, gates, hiddens, cells must have shapes (T, B, D), (T, B, K), (T, B, 4, H), (T+1, B, H) and
        (T+1, B, H), got [(4, 3, 2), (3, 3), (4, 3, 4, 5), (5, 3, 5), (5, 3, 5)]
backward(W, replace(TRACE, Y=np.float32(TRACE.Y)), P.dY)
    ->  ValueError: trace must come from weights like these, Weights(D=2, H=5, K=3, float64), got Trace(..., float32)
backward(W, TRACE, P.dY[1:])  ->  ValueError: dY must have shape (..., T, B, K) with T = 4, B = 3, K = 3, got ...
back(at={"dW"})  ->  TypeError: at must be a function at(edge, gradient), got set
back(at=lambda edge, d: None)
    ->  ValueError: at('loss', gradient) must return an array of numbers of shape (4, 3, 3), got None
back(at=scale_at(["dh_above"], 1j))
    ->  TypeError: at('dh_above', gradient) must return real numbers (float64), got complex128
# losses
squared_error(P.dY)  ->  TypeError: squared_error() missing 1 required positional argument: 'targets'
squared_error(P.dY, P.dY, Y=P.dY)  ->  TypeError: squared_error() got multiple values for argument 'Y'
squared_error(P.dY, P.dY, 0 * P.labels + 2)  ->  ValueError: mask must hold only true and false (or 1 and 0), got 2
squared_error(P.dY, P.dY, [["1"] * 3] * 4)
    ->  TypeError: mask must hold only true and false (or 1 and 0), got dtype <U1
cross_entropy(P.dY, 0 * P.labels + 3)  ->  ValueError: labels must be from 0 to K-1 = 2, got 3
cross_entropy(P.dY, P.labels + 0.0)  ->  TypeError: labels must be whole numbers, got dtype float64
# placement
scale_at({"dW", "dV"}, 0.5)
    ->  ValueError: edges must be names from loss, dy, dh_above, dz, dh_next, dc_next, dWy_t, dW_t, dW, got dV
scale_at("dW", 0.5)  ->  TypeError: edges must be a collection of names, such as {'dW'}, got the string 'dW'
scale_at(None, 0.5)  ->  TypeError: edges must be a collection of names from loss, ... dW, got None
crosses_exactly_once(["dW"], 10 ** 5000)
    ->  ValueError: T must be at most 9223372036854775807, got a number of thousands of digits
# checking
numerical(0.0, method="forward")  ->  ValueError: method must be 'complex' or 'central', got 'forward'
numerical_gradient(3.0, W)  ->  TypeError: f must be a function from Weights to a number, got float
numerical(0.0, step=1e-5)  ->  ValueError: step must be left out with method 'complex', got 1e-05
numerical(0.0, method="central", step=0)  ->  ValueError: step must be above 0, got 0
numerical(None)  ->  TypeError: the value of f must be a number, got NoneType
numerical(0.0, 1j * W)  ->  TypeError: weights must be real, got Weights(D=2, H=5, K=3, complex128)
# training
sgd(W, everywhere(W, np.nan))  ->  ValueError: gradient must be finite, got infinity or NaN
sgd(W, 1j * W)  ->  TypeError: gradient must be real, as the weights are, got Weights(D=2, H=5, K=3, complex128)
momentum(W, everywhere(W, 1.5e308), everywhere(W, 1.7e308))
    ->  ValueError: gradient and state must leave v finite, got an overflow of float64
sgd(W, W, rate=1j)  ->  TypeError: rate must be a number, got complex
momentum(W, W, beta=1)  ->  ValueError: beta must be below 1, got 1
adam(1j * W, 1j * W)  ->  TypeError: weights must be real, got Weights(D=2, H=5, K=3, complex128)
adam(W, everywhere(W, 1e200))  ->  ValueError: gradient must have finite squares, got one of norm 1.33e+201
adam(W, W, (W, W))  ->  ValueError: state must be (m, v, t), as adam returned it, got 2 entries
adam(W, W, (W, W, 0))  ->  ValueError: t in state must be at least 1, got 0
# tasks
reber_strings(3, np.random.default_rng(0), "plain")  ->  TypeError: embedded must be True or False, got str
# clinic
HEALTHY.gradient(W, (P.X, P.labels))  ->  TypeError: batch must be a Batch, got tuple
layouts("ifgg")  ->  ValueError: order must be a permutation of 'ifgo', got 'ifgg'
layouts("ifgo", "x")  ->  ValueError: joined must be 'hx', 'xh' or None, got 'x'
layouts(names="W b")  ->  ValueError: names must be 5, for Wx, Wh, b, Wy, by, got 2
layouts().get({})  ->  ValueError: net has none of dWx, dWh, db, dWy, dby
layouts(names=["W"])  ->  TypeError: names must be a str, got list
layouts().take(None)  ->  ValueError: gradient must have the 5 arrays Wx, Wh, b, Wy, by, got NoneType
layouts().take([1, 2])  ->  ValueError: gradient must have the 5 arrays Wx, Wh, b, Wy, by, got 2
"""
CASES = [re.split(" +->  ", line) for line in re.sub(r"\n +", " ", TABLE).splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize("call, says", CASES, ids=[call for call, _ in CASES])
def test_wrong_input_gets_a_clear_message(call, says):
    with pytest.raises((TypeError, ValueError)) as caught:
        eval(call, NAMES)
    words = f"{caught.type.__name__}: {caught.value}"
    assert re.fullmatch(re.escape(says).replace(re.escape("..."), ".*"), words), words
