"""Wrong input: every message names the argument, what was expected and what came."""

import sys
from fractions import Fraction

import numpy as np
import pytest

import lstmlib
from helpers import everywhere, random_problem
from lstmlib import (
    Weights,
    adam,
    adding_problem,
    backward,
    clip_by_norm,
    cosine,
    cross_entropy,
    crosses_exactly_once,
    crossing_spectrum,
    forward,
    init_weights,
    momentum,
    numerical_gradient,
    reber_strings,
    record,
    relative_error,
    scale_at,
    sgd,
    squared_error,
    step,
    step_backward,
    summed,
    train,
)
from lstmlib.training import clip_by_value

P = random_problem(T=4, B=3, D=2, H=5, K=3)
W, TRACE = P.weights, P.trace
STEP_TRACE = step(W, P.X[0], P.h0, P.c0)[3]
OTHER = random_problem(D=3, H=4, K=2).weights
RNG = np.random.default_rng(0)
MASK = np.ones((4, 3), bool)
RAGGED = [[1.0, 2.0], [3.0]]
THE_NINE = "loss, dy, dh_above, dz, dh_next, dc_next, dWy_t, dW_t, dW"


def with_entry(array, value, index=0):
    """The array with one entry changed."""
    changed = np.array(array)
    changed.ravel()[index] = value
    return changed


def five(**changed):
    """Weights built from the arrays of W, some of them changed."""
    return Weights(**dict(W.items()) | changed)


def nan_weights():
    return five(Wy=with_entry(W.Wy, np.nan))


CASES = {
    # ---- Weights
    "Weights: whole numbers": (
        lambda: five(Wx=np.ones((2, 20), int)),
        TypeError, "Wx must hold floating-point numbers, got dtype int64"),
    "Weights: true and false": (
        lambda: five(b=np.ones(20, bool)),
        TypeError, "b must hold floating-point numbers, got dtype bool"),
    "Weights: text": (
        lambda: five(by=["a", "b", "c"]),
        TypeError, "by must hold floating-point numbers, got dtype <U1"),
    "Weights: None": (
        lambda: five(Wx=None),
        TypeError, "Wx must hold floating-point numbers, got dtype object"),
    "Weights: ragged": (
        lambda: five(Wy=RAGGED),
        ValueError, "Wy must be a rectangular array, got nested sequences of different lengths"),
    "Weights: too few columns": (
        lambda: five(Wx=W.Wx[:, :-1]),
        ValueError, "Wx must have shape (..., D, 4H) with 4H = 20, got (2, 19)"),
    "Weights: Wh not H by 4H": (
        lambda: five(Wh=W.Wh[:, :-1]),
        ValueError, "Wh must have shape (H, 4H), got (5, 19)"),
    "Weights: Wh a vector": (
        lambda: five(Wh=W.b),
        ValueError, "Wh must have shape (H, 4H) and Wy (H, K), got (20,) and (5, 3)"),
    "Weights: Wy a vector": (
        lambda: five(Wy=W.by),
        ValueError, "Wh must have shape (H, 4H) and Wy (H, K), got (5, 20) and (3,)"),
    "Weights: b too short": (
        lambda: five(b=W.b[:-1]),
        ValueError, "b must have shape (..., 4H) with 4H = 20, got (19,)"),
    "Weights: Wy of another H": (
        lambda: five(Wy=W.Wy[:-1]),
        ValueError, "Wy must have shape (..., H, K) with H = 5, K = 3, got (4, 3)"),
    "Weights: by of another K": (
        lambda: five(by=W.by[:-1]),
        ValueError, "by must have shape (..., K) with K = 3, got (2,)"),
    "Weights: no inputs": (
        lambda: five(Wx=W.Wx[:0]),
        ValueError, "Wx must not be empty, got shape (0, 20)"),
    "Weights: one array with an axis in front": (
        lambda: five(b=W.b[None]),
        ValueError, "b must have the leading axes () of Wh, got (1,)"),
    "Weights: two dtypes": (
        lambda: five(by=W.by.astype(np.float32)),
        TypeError, "by must have the dtype float64 of Wx, got float32"),
    "Weights + other sizes": (
        lambda: W + OTHER,
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "Weights + number": (
        lambda: W + 40,
        TypeError, "other must be a Weights, got int"),
    "Weights.identical with other sizes": (
        lambda: W.identical(OTHER),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "Weights / text": (
        lambda: W / "2",
        TypeError, "divisor must be a number, got str"),
    "Weights.dot(array)": (
        lambda: W.dot(W.Wx),
        TypeError, "other must be a Weights, got ndarray"),
    "Weights * text": (
        lambda: W * "2",
        TypeError, "factor must be a number, got str"),
    "Weights * None": (
        lambda: W * None,
        TypeError, "factor must be a number, got NoneType"),
    "Weights * True": (
        lambda: W * True,
        TypeError, "factor must be a number, got bool"),
    "Weights * nan": (
        lambda: W * np.nan,
        ValueError, "factor must be finite, got nan"),
    "Weights * a number past all floats": (
        lambda: W * 10 ** 400,
        ValueError, f"factor must be finite, got {10 ** 400}"),
    "Weights * a number of thousands of digits": (
        lambda: W * 10 ** 5000,
        ValueError, "factor must be finite, got a number of thousands of digits"),
    "Weights / 0": (
        lambda: W / 0,
        ValueError, "divisor must not be zero"),
    "Weights.map with an array": (
        lambda: W.map(np.add, W.Wx),
        TypeError, "other must be a Weights, got ndarray"),
    "init_weights: no inputs": (
        lambda: init_weights(0, 5, 3),
        ValueError, "D must be at least 1, got 0"),
    "init_weights: negative": (
        lambda: init_weights(2, -5, 3),
        ValueError, "H must be at least 1, got -5"),
    "init_weights: not whole": (
        lambda: init_weights(2, 5, 3.0),
        TypeError, "K must be a whole number, got 3.0"),
    "init_weights: True": (
        lambda: init_weights(True, 5, 3),
        TypeError, "D must be a whole number, got True"),
    "init_weights: seed below 0": (
        lambda: init_weights(2, 5, 3, seed=-1),
        ValueError, "seed must be at least 0, got -1"),
    "init_weights: seed of text": (
        lambda: init_weights(2, 5, 3, seed="zero"),
        TypeError, "seed must be a whole number, got 'zero'"),
    "init_weights: seed not whole": (
        lambda: init_weights(2, 5, 3, seed=1.5),
        TypeError, "seed must be a whole number, got 1.5"),
    "init_weights: int dtype": (
        lambda: init_weights(2, 5, 3, dtype=int),
        TypeError, "dtype must be a floating-point or complex dtype, got int64"),

    # ---- step, step_backward
    "step: weights": (
        lambda: step(W.Wx, P.X[0], P.h0, P.c0),
        TypeError, "weights must be a Weights, got ndarray"),
    "step: weights that are not finite": (
        lambda: step(nan_weights(), P.X[0], P.h0, P.c0),
        ValueError, "weights must be finite, got infinity or NaN in Wy"),
    "step: x": (
        lambda: step(W, P.X[0, :, :1], P.h0, P.c0),
        ValueError, "x must have shape (B, D) with D = 2, got (3, 1)"),
    "step: h_prev": (
        lambda: step(W, P.X[0], P.h0[:1], P.c0),
        ValueError, "h_prev must have shape (B, H) with B = 3, H = 5, got (1, 5)"),
    "step: c_prev": (
        lambda: step(W, P.X[0], P.h0, None),
        TypeError, "c_prev must hold numbers, got dtype object"),
    "step: c_prev of another batch": (
        lambda: step(W, P.X[0], P.h0, P.c0[1:]),
        ValueError, "c_prev must have shape (B, H) with B = 3, H = 5, got (2, 5)"),
    "step_backward: weights": (
        lambda: step_backward(W.Wx, STEP_TRACE, P.dY[0], P.h0, P.c0),
        TypeError, "weights must be a Weights, got ndarray"),
    "step_backward: weights that are not finite": (
        lambda: step_backward(nan_weights(), STEP_TRACE, P.dY[0], P.h0, P.c0),
        ValueError, "weights must be finite, got infinity or NaN in Wy"),
    "step_backward: trace": (
        lambda: step_backward(W, TRACE, P.dY[0], P.h0, P.c0),
        TypeError, "trace must be a StepTrace, got Trace"),
    "step_backward: trace of other weights": (
        lambda: step_backward(init_weights(4, 5, 3), STEP_TRACE, P.dY[0], P.h0, P.c0),
        ValueError, "trace must come from weights like these, Weights(D=4, H=5, K=3, float64), got D=2, H=5"),
    "step_backward: dy": (
        lambda: step_backward(W, STEP_TRACE, P.dY, P.h0, P.c0),
        ValueError, "dy must have shape (B, K) with B = 3, K = 3, got (4, 3, 3)"),
    "step_backward: dh_next": (
        lambda: step_backward(W, STEP_TRACE, P.dY[0], with_entry(P.h0, np.inf), P.c0),
        ValueError, "dh_next must be finite in float64, got inf at index (0, 0)"),
    "step_backward: dh_next of one unit more": (
        lambda: step_backward(W, STEP_TRACE, P.dY[0], np.ones((3, 6)), P.c0),
        ValueError, "dh_next must have shape (B, H) with B = 3, H = 5, got (3, 6)"),
    "step_backward: dc_next": (
        lambda: step_backward(W, STEP_TRACE, P.dY[0], P.h0, 0),
        ValueError, "dc_next must have shape (B, H) with B = 3, H = 5, got ()"),

    # ---- forward
    "forward: weights": (
        lambda: forward(dict(W.items()), P.X),
        TypeError, "weights must be a Weights, got dict"),
    "forward: weights with an axis in front": (
        lambda: forward(W.map(lambda array: array[None]), P.X),
        ValueError, "weights must have no leading axes, got Weights(lead=(1,), D=2, H=5, K=3, float64)"),
    "forward: weights not finite": (
        lambda: forward(nan_weights(), P.X),
        ValueError, "weights must be finite, got infinity or NaN in Wy"),
    "forward: X of two axes": (
        lambda: forward(W, P.X[0]),
        ValueError, "X must have shape (T, B, D) with D = 2, got (3, 2)"),
    "forward: X of four axes": (
        lambda: forward(W, P.X[None]),
        ValueError, "X must have shape (T, B, D) with D = 2, got (1, 4, 3, 2)"),
    "forward: another D": (
        lambda: forward(W, P.X[..., :1]),
        ValueError, "X must have shape (T, B, D) with D = 2, got (4, 3, 1)"),
    "forward: T = 0": (
        lambda: forward(W, P.X[:0]),
        ValueError, "X must not be empty, got shape (0, 3, 2)"),
    "forward: B = 0": (
        lambda: forward(W, P.X[:, :0]),
        ValueError, "X must not be empty, got shape (4, 0, 2)"),
    "forward: nan": (
        lambda: forward(W, with_entry(P.X, np.nan, 3)),
        ValueError, "X must be finite in float64, got nan at index (0, 1, 1)"),
    "forward: infinite in float16": (
        lambda: forward(init_weights(2, 5, 3, dtype=np.float16), with_entry(P.X, 1e5)),
        ValueError, "X must be finite in float16, got 100000.0 at index (0, 0, 0)"),
    "forward: complex X, real weights": (
        lambda: forward(W, P.X + 0j),
        TypeError, "X must hold real numbers (float64), got complex128"),
    "forward: text": (
        lambda: forward(W, "abc"),
        TypeError, "X must hold numbers, got dtype <U3"),
    "forward: None": (
        lambda: forward(W, None),
        TypeError, "X must hold numbers, got dtype object"),
    "forward: objects": (
        lambda: forward(W, P.X.astype(object)),
        TypeError, "X must hold numbers, got dtype object"),
    "forward: dates": (
        lambda: forward(W, np.zeros((4, 3, 2), "datetime64[D]")),
        TypeError, "X must hold numbers, got dtype datetime64[D]"),
    "forward: ragged": (
        lambda: forward(W, [RAGGED, RAGGED]),
        ValueError, "X must be a rectangular array, got nested sequences of different lengths"),
    "forward: h0": (
        lambda: forward(W, P.X, h0=P.h0[:, :-1]),
        ValueError, "h0 must have shape (B, H) with B = 3, H = 5, got (3, 4)"),
    "forward: h0 for one sequence": (
        lambda: forward(W, P.X, h0=P.h0[0]),
        ValueError, "h0 must have shape (B, H) with B = 3, H = 5, got (5,)"),
    "forward: complex h0, real weights": (
        lambda: forward(W, P.X, h0=1j * P.h0),
        TypeError, "h0 must hold real numbers (float64), got complex128"),
    "forward: c0": (
        lambda: forward(W, P.X, c0=with_entry(P.c0, -np.inf)),
        ValueError, "c0 must be finite in float64, got -inf at index (0, 0)"),

    # ---- backward
    "backward: weights": (
        lambda: backward(None, TRACE, P.dY),
        TypeError, "weights must be a Weights, got NoneType"),
    "backward: weights not finite": (
        lambda: backward(nan_weights(), TRACE, P.dY),
        ValueError, "weights must be finite, got infinity or NaN in Wy"),
    "backward: trace": (
        lambda: backward(W, P.X, P.dY),
        TypeError, "trace must be a Trace, got ndarray"),
    "backward: trace of other weights": (
        lambda: backward(OTHER, TRACE, P.dY),
        ValueError, "trace must come from weights like these, Weights(D=3, H=4, K=2, float64), "
                    "got Trace(T=4, B=3, D=2, H=5, K=3, float64)"),
    "backward: trace of another dtype": (
        lambda: backward(W, random_problem(dtype=np.float32).trace, P.dY),
        ValueError, "trace must come from weights like these, Weights(D=2, H=5, K=3, float64), "
                    "got Trace(T=4, B=3, D=2, H=5, K=3, float32)"),
    "backward: another T": (
        lambda: backward(W, TRACE, P.dY[1:]),
        ValueError, "dY must have shape (..., T, B, K) with T = 4, B = 3, K = 3, got (3, 3, 3)"),
    "backward: dY of two axes": (
        lambda: backward(W, TRACE, P.dY[0]),
        ValueError, "dY must have shape (..., T, B, K) with T = 4, B = 3, K = 3, got (3, 3)"),
    "backward: an empty axis in front": (
        lambda: backward(W, TRACE, P.dY[None][:0]),
        ValueError, "dY must not be empty, got shape (0, 4, 3, 3)"),
    "backward: dY not finite": (
        lambda: backward(W, TRACE, with_entry(P.dY, np.nan, 35)),
        ValueError, "dY must be finite in float64, got nan at index (3, 2, 2)"),
    "backward: complex dY, real weights": (
        lambda: backward(W, TRACE, 1j * P.dY),
        TypeError, "dY must hold real numbers (float64), got complex128"),
    "backward: the loss in place of dY": (
        lambda: backward(W, TRACE, 3.5),
        ValueError, "dY must have shape (..., T, B, K) with T = 4, B = 3, K = 3, got ()"),
    "backward: dh_T": (
        lambda: backward(W, TRACE, P.dY, dh_T=P.h0[:2]),
        ValueError, "dh_T must have shape (..., B, H) with ... = (), B = 3, H = 5, got (2, 5)"),
    "backward: dc_T with an axis in front that dY has not": (
        lambda: backward(W, TRACE, P.dY, dc_T=P.c0[None]),
        ValueError, "dc_T must have shape (..., B, H) with ... = (), B = 3, H = 5, got (1, 3, 5)"),
    "backward: at": (
        lambda: backward(W, TRACE, P.dY, at={"dW"}),
        TypeError, "at must be a function at(edge, gradient), got set"),
    "backward: at that returns complex numbers": (
        lambda: backward(W, TRACE, P.dY, at=scale_at(["dh_above"], 1j)),
        TypeError, "at('dh_above', gradient) must return real numbers (float64), got complex128"),
    "backward: at that returns a ragged list": (
        lambda: backward(W, TRACE, P.dY, at=lambda edge, gradient: RAGGED),
        ValueError, "what at('loss', gradient) returns must be a rectangular array, "
                    "got nested sequences of different lengths"),

    # ---- losses
    "squared_error: Y of two axes": (
        lambda: squared_error(P.dY[0], P.targets[0]),
        ValueError, "Y must have shape (T, B, K), got (3, 3)"),
    "squared_error: targets": (
        lambda: squared_error(P.dY, P.targets[..., :1]),
        ValueError, "targets must have shape (T, B, K) with T = 4, B = 3, K = 3, got (4, 3, 1)"),
    "squared_error: complex targets": (
        lambda: squared_error(P.dY, 1j * P.targets),
        TypeError, "targets must hold real numbers (float64), got complex128"),
    "squared_error: nan": (
        lambda: squared_error(with_entry(P.dY, np.nan), P.targets),
        ValueError, "Y must be finite in float64, got nan at index (0, 0, 0)"),
    "squared_error: mask per output": (
        lambda: squared_error(P.dY, P.targets, np.ones((4, 3, 3))),
        ValueError, "mask must have shape (T, B) with T = 4, B = 3, got (4, 3, 3)"),
    "squared_error: transposed mask": (
        lambda: squared_error(P.dY, P.targets, MASK.T),
        ValueError, "mask must have shape (T, B) with T = 4, B = 3, got (3, 4)"),
    "squared_error: weights for a mask": (
        lambda: squared_error(P.dY, P.targets, MASK / 4),
        ValueError, "mask must hold only true and false (or 1 and 0), got 0.25"),
    "squared_error: the first wrong entry of a mask is named": (
        lambda: squared_error(P.dY, P.targets, [[0, 1, 1], [1, 0.5, 2], [1, 1, 1], [1, 1, 3]]),
        ValueError, "mask must hold only true and false (or 1 and 0), got 0.5"),
    "squared_error: nan in the mask": (
        lambda: squared_error(P.dY, P.targets, with_entry(MASK + 0.0, np.nan)),
        ValueError, "mask must hold only true and false (or 1 and 0), got nan"),
    "squared_error: lengths for a mask": (
        lambda: squared_error(P.dY, P.targets, [4, 2, 3]),
        ValueError, "mask must have shape (T, B) with T = 4, B = 3, got (3,)"),
    "squared_error: text for a mask": (
        lambda: squared_error(P.dY, P.targets, np.full((4, 3), "1")),
        TypeError, "mask must hold only true and false (or 1 and 0), got dtype <U1"),
    "squared_error: ragged mask": (
        lambda: squared_error(P.dY, P.targets, RAGGED),
        ValueError, "mask must be a rectangular array, got nested sequences of different lengths"),
    "cross_entropy: logits": (
        lambda: cross_entropy(with_entry(P.dY, np.inf), P.labels),
        ValueError, "logits must be finite in float64, got inf at index (0, 0, 0)"),
    "cross_entropy: empty": (
        lambda: cross_entropy(P.dY[:0], P.labels[:0]),
        ValueError, "logits must not be empty, got shape (0, 3, 3)"),
    "cross_entropy: label K": (
        lambda: cross_entropy(P.dY, with_entry(P.labels, 3)),
        ValueError, "labels must be from 0 to K-1 = 2, got 3"),
    "cross_entropy: label -1": (
        lambda: cross_entropy(P.dY, with_entry(P.labels, -1)),
        ValueError, "labels must be from 0 to K-1 = 2, got -1"),
    "cross_entropy: the first wrong label is named": (
        lambda: cross_entropy(P.dY, [[0, 1, 2], [0, -7, 5], [2, 2, -1], [0, 0, 0]]),
        ValueError, "labels must be from 0 to K-1 = 2, got -7"),
    "cross_entropy: labels not whole": (
        lambda: cross_entropy(P.dY, P.labels + 0.0),
        TypeError, "labels must be whole numbers, got dtype float64"),
    "cross_entropy: true and false for labels": (
        lambda: cross_entropy(P.dY, P.labels > 0),
        TypeError, "labels must be whole numbers, got dtype bool"),
    "cross_entropy: one-hot labels": (
        lambda: cross_entropy(P.dY, np.eye(3, dtype=int)[P.labels]),
        ValueError, "labels must have shape (T, B) with T = 4, B = 3, got (4, 3, 3)"),
    "cross_entropy: ragged labels": (
        lambda: cross_entropy(P.dY, [[0, 1], [2]]),
        ValueError, "labels must be a rectangular array, got nested sequences of different lengths"),
    "cross_entropy: no labels": (
        lambda: cross_entropy(P.dY, None),
        TypeError, "labels must be whole numbers, got dtype object"),

    "cross_entropy: soft labels of another size": (
        lambda: cross_entropy(P.dY, np.ones((4, 3, 2))),
        ValueError, "labels must have shape (T, B, K) with T = 4, B = 3, K = 3, got (4, 3, 2)"),
    "cross_entropy: soft labels not finite": (
        lambda: cross_entropy(P.dY, with_entry(P.dY, np.nan)),
        ValueError, "labels must be finite in float64, got nan at index (0, 0, 0)"),
    "cross_entropy: class weights": (
        lambda: cross_entropy(P.dY, P.labels, class_weights=np.ones(4)),
        ValueError, "class_weights must have shape (K) with K = 3, got (4,)"),
    "cross_entropy: smoothing": (
        lambda: cross_entropy(P.dY, P.labels, smoothing=1),
        ValueError, "smoothing must be below 1, got 1"),

    # ---- placement
    "scale_at: unknown edge": (
        lambda: scale_at({"dW", "dV"}, 0.5),
        ValueError, f"edges must be names from {THE_NINE}, got dV"),
    "scale_at: one name": (
        lambda: scale_at("dW", 0.5),
        TypeError, "edges must be a collection of names, such as {'dW'}, got the string 'dW'"),
    "scale_at: None": (
        lambda: scale_at(None, 0.5),
        TypeError, f"edges must be a collection of names from {THE_NINE}, got None"),
    "scale_at: lists in a list": (
        lambda: scale_at([["dW"]], 0.5),
        TypeError, f"edges must be a collection of names from {THE_NINE}, got [['dW']]"),
    "scale_at: numbers for names": (
        lambda: scale_at([3], 0.5),
        ValueError, f"edges must be names from {THE_NINE}, got 3"),
    "scale_at: infinite": (
        lambda: scale_at(["dW"], np.inf),
        ValueError, "factor must be finite, got inf"),
    "scale_at: array": (
        lambda: scale_at(["dW"], np.ones(2)),
        TypeError, "factor must be a number, got ndarray"),
    "scale_at: text": (
        lambda: scale_at(["dW"], "1/7"),
        TypeError, "factor must be a number, got str"),
    "record: unknown edge": (
        lambda: record(["dV"]),
        ValueError, f"edges must be names from {THE_NINE}, got dV"),
    "record: one name": (
        lambda: record("dW"),
        TypeError, "edges must be a collection of names, such as {'dW'}, got the string 'dW'"),
    "record: at": (
        lambda: record(["dW"], 0.5),
        TypeError, "at must be a function at(edge, gradient), got float"),
    "crosses_exactly_once: T = 0": (
        lambda: crosses_exactly_once(["dW"], 0),
        ValueError, "T must be at least 1, got 0"),
    "crosses_exactly_once: T not whole": (
        lambda: crosses_exactly_once(["dW"], 2.5),
        TypeError, "T must be a whole number, got 2.5"),
    "crosses_exactly_once: T of thousands of digits": (
        lambda: crosses_exactly_once(["dW"], 10 ** 5000),
        ValueError, f"T must be at most {sys.maxsize}, got a number of thousands of digits"),
    "crosses_exactly_once: unknown edge": (
        lambda: crosses_exactly_once(["dw"], 2),
        ValueError, f"edges must be names from {THE_NINE}, got dw"),
    "crossing_spectrum: unknown edge": (
        lambda: crossing_spectrum(W, TRACE, P.dY, ["dh"]),
        ValueError, f"edges must be names from {THE_NINE}, got dh"),
    "crossing_spectrum: trace": (
        lambda: crossing_spectrum(W, None, P.dY, ["dz"]),
        TypeError, "trace must be a Trace, got NoneType"),
    "crossing_spectrum: complex dY, real weights": (
        lambda: crossing_spectrum(W, TRACE, 1j * P.dY, ["dz"]),
        TypeError, "dY must hold real numbers (float64), got complex128"),
    "crossing_spectrum: dh_T": (
        lambda: crossing_spectrum(W, TRACE, P.dY, ["dz"], dh_T=P.h0[None]),
        ValueError, "dh_T must have shape (B, H) with B = 3, H = 5, got (1, 3, 5)"),
    "crossing_spectrum: an axis in front": (
        lambda: crossing_spectrum(W, TRACE, P.dY[None], ["dz"]),
        ValueError, "dY must have shape (T, B, K) with T = 4, B = 3, K = 3, got (1, 4, 3, 3)"),

    # ---- checking
    "numerical_gradient: method": (
        lambda: numerical_gradient(lambda w: 0.0, W, "forward"),
        ValueError, "method must be 'complex' or 'central', got 'forward'"),
    "numerical_gradient: method in an array": (
        lambda: numerical_gradient(lambda w: 0.0, W, np.array("complex")),
        ValueError, "method must be 'complex' or 'central', got array('complex', dtype='<U7')"),
    "numerical_gradient: an array of numbers for the method": (
        lambda: numerical_gradient(lambda w: 0.0, W, np.ones(2)),
        ValueError, "method must be 'complex' or 'central', got array([1., 1.])"),
    "numerical_gradient: f": (
        lambda: numerical_gradient(3.0, W),
        TypeError, "f must be a function from Weights to a number, got float"),
    "numerical_gradient: f gives nothing": (
        lambda: numerical_gradient(lambda w: None, W),
        TypeError, "the value of f must be a number, got NoneType"),
    "numerical_gradient: f gives loss and dY": (
        lambda: numerical_gradient(lambda w: (0.0, P.dY), W),
        TypeError, "the value of f must be a number, got tuple"),
    "numerical_gradient: f gives nan": (
        lambda: numerical_gradient(lambda w: np.nan, W),
        ValueError, "the value of f must be finite, got nan"),
    "numerical_gradient: f gives complex numbers, central": (
        lambda: numerical_gradient(lambda w: 1j * w.b.sum(), W, "central"),
        TypeError, "the value of f must be a number, got complex"),
    "numerical_gradient: weights": (
        lambda: numerical_gradient(lambda w: 0.0, W.Wx),
        TypeError, "weights must be a Weights, got ndarray"),
    "numerical_gradient: complex weights": (
        lambda: numerical_gradient(lambda w: 0.0, 1j * W),
        TypeError, "weights must be real, got Weights(D=2, H=5, K=3, complex128)"),

    "relative_error: gradient": (
        lambda: relative_error(W.Wx, W),
        TypeError, "gradient must be a Weights, got ndarray"),
    "relative_error: truth": (
        lambda: relative_error(W, None),
        TypeError, "truth must be a Weights, got NoneType"),
    "relative_error: another size": (
        lambda: relative_error(W, OTHER),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "cosine: gradient": (
        lambda: cosine(None, W),
        TypeError, "gradient must be a Weights, got NoneType"),
    "cosine: truth": (
        lambda: cosine(W, None),
        TypeError, "truth must be a Weights, got NoneType"),
    "cosine: another size": (
        lambda: cosine(W, OTHER),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),

    # ---- training
    "sgd: weights": (
        lambda: sgd(W.Wx, W),
        TypeError, "weights must be a Weights, got ndarray"),
    "sgd: gradient": (
        lambda: sgd(W, W.Wx),
        TypeError, "gradient must be a Weights, got ndarray"),
    "sgd: gradient not finite": (
        lambda: sgd(W, nan_weights()),
        ValueError, "gradient must be finite, got infinity or NaN"),
    "sgd: rate": (
        lambda: sgd(W, W, rate=0),
        ValueError, "rate must be above 0, got 0"),
    "sgd: another size": (
        lambda: sgd(W, OTHER),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "sgd: complex gradient, real weights": (
        lambda: sgd(W, 1j * W),
        TypeError, "gradient must be real, as the weights are, got Weights(D=2, H=5, K=3, complex128)"),
    "momentum: gradient": (
        lambda: momentum(W, W.Wx),
        TypeError, "gradient must be a Weights, got ndarray"),
    "momentum: rate": (
        lambda: momentum(W, W, rate=-1),
        ValueError, "rate must be above 0, got -1"),
    "momentum: weights with an axis in front": (
        lambda: momentum(W.map(lambda array: array[None]), W),
        ValueError, "Wx must have the same shape in both Weights, got (1, 2, 20) and (2, 20)"),
    "momentum: beta below 0": (
        lambda: momentum(W, W, beta=-0.5),
        ValueError, "beta must be at least 0, got -0.5"),
    "momentum: overflow": (
        lambda: momentum(W, five(by=with_entry(W.by, 1.5e308)), five(by=with_entry(W.by, 1.7e308))),
        ValueError, "gradient and state must leave v finite, got an overflow of float64"),
    "momentum: beta": (
        lambda: momentum(W, W, beta=1),
        ValueError, "beta must be below 1, got 1"),
    "momentum: state of adam": (
        lambda: momentum(W, W, adam(W, W)[1]),
        TypeError, "state must be a Weights, got tuple"),
    "momentum: state of another size": (
        lambda: momentum(W, W, OTHER),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "momentum: complex state, real weights": (
        lambda: momentum(W, W, 1j * W),
        TypeError, "state must be real, as the weights are, got Weights(D=2, H=5, K=3, complex128)"),
    "adam: rate": (
        lambda: adam(W, W, rate="fast"),
        TypeError, "rate must be a number, got str"),
    "adam: complex rate": (
        lambda: adam(W, W, rate=1j),
        TypeError, "rate must be a number, got complex"),
    "adam: complex weights": (
        lambda: adam(1j * W, 1j * W),
        TypeError, "weights must be real, got Weights(D=2, H=5, K=3, complex128)"),
    "adam: beta1": (
        lambda: adam(W, W, beta1=-0.1),
        ValueError, "beta1 must be at least 0, got -0.1"),
    "adam: beta2": (
        lambda: adam(W, W, beta2=1.0),
        ValueError, "beta2 must be below 1, got 1.0"),
    "adam: beta1 of 1": (
        lambda: adam(W, W, beta1=1),
        ValueError, "beta1 must be below 1, got 1"),
    "adam: beta2 below 0": (
        lambda: adam(W, W, beta2=-0.5),
        ValueError, "beta2 must be at least 0, got -0.5"),
    "adam: overflow": (
        lambda: adam(W, everywhere(W, 1e200)),
        ValueError, "gradient must have finite squares, got one of norm 1.33e+201"),
    "adam: two states": (
        lambda: adam(W, W, (W, W)),
        ValueError, "state must be (m, v, t), as adam returned it, got 2 entries"),
    "adam: state of another size": (
        lambda: adam(W, W, (W, OTHER, 1)),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "adam: state of arrays": (
        lambda: adam(W, W, (W, W.Wx, 1)),
        TypeError, "state must be a Weights, got ndarray"),
    "adam: epsilon": (
        lambda: adam(W, W, epsilon=-1e-8),
        ValueError, "epsilon must be at least 0, got -1e-08"),
    "adam: state of momentum": (
        lambda: adam(W, W, W),
        TypeError, "state must be a tuple, got Weights"),
    "adam: state of numbers": (
        lambda: adam(W, W, (1, 2, 3)),
        TypeError, "state must be a Weights, got int"),
    "adam: t not whole": (
        lambda: adam(W, W, (W, W, 1.5)),
        TypeError, "t in state must be a whole number, got 1.5"),
    "adam: t = 0": (
        lambda: adam(W, W, (W, W, 0)),
        ValueError, "t in state must be at least 1, got 0"),
    "adam: gradient with an axis in front": (
        lambda: adam(W, W.map(lambda array: array[None])),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (1, 2, 20)"),
    "clip_by_norm: limit": (
        lambda: clip_by_norm(W, 0),
        ValueError, "limit must be above 0, got 0"),
    "clip_by_norm: gradient": (
        lambda: clip_by_norm(P.dY, 1),
        TypeError, "gradient must be a Weights, got ndarray"),
    "clip_by_norm: infinite": (
        lambda: clip_by_norm(five(b=with_entry(W.b, np.inf)), 1),
        ValueError, "gradient must be finite, got infinity or NaN"),
    "clip_by_value: gradient": (
        lambda: clip_by_value(P.dY, 1),
        TypeError, "gradient must be a Weights, got ndarray"),
    "clip_by_value: not finite": (
        lambda: clip_by_value(nan_weights(), 1),
        ValueError, "gradient must be finite, got infinity or NaN"),
    "clip_by_value: complex": (
        lambda: clip_by_value(1j * W, 1),
        TypeError, "gradient must be real, got Weights(D=2, H=5, K=3, complex128)"),
    "clip_by_value: limit": (
        lambda: clip_by_value(W, -1),
        ValueError, "limit must be above 0, got -1"),

    "train: gradient of other weights": (
        lambda: next(train(W, [0], lambda weights, batch: (0, OTHER), sgd, 0.1)),
        ValueError, "Wx must have the same shape in both Weights, got (2, 20) and (3, 16)"),
    "train: rate": (
        lambda: next(train(W, [0], lambda weights, batch: (0, W), sgd, lambda n: n)),
        ValueError, "rate must be above 0, got 0"),
    "summed: weights": (
        lambda: summed(squared_error)(W.Wx, (P.X, P.targets, None)),
        TypeError, "weights must be a Weights, got ndarray"),

    # ---- tasks
    "adding_problem: T": (
        lambda: adding_problem(5, 2, RNG),
        ValueError, "T must be at least 6, got 5"),
    "adding_problem: T not whole": (
        lambda: adding_problem(50.0, 2, RNG),
        TypeError, "T must be a whole number, got 50.0"),
    "adding_problem: B": (
        lambda: adding_problem(50, 0, RNG),
        ValueError, "B must be at least 1, got 0"),
    "adding_problem: rng": (
        lambda: adding_problem(50, 2, 0),
        TypeError, "rng must be a Generator, got int"),
    "reber_strings: n": (
        lambda: reber_strings(-1, RNG),
        ValueError, "n must be at least 1, got -1"),
    "reber_strings: True": (
        lambda: reber_strings(True, RNG),
        TypeError, "n must be a whole number, got True"),
    "reber_strings: embedded": (
        lambda: reber_strings(3, RNG, "plain"),
        TypeError, "embedded must be True or False, got str"),
    "reber_strings: rng": (
        lambda: reber_strings(3, np.random),
        TypeError, "rng must be a Generator, got module"),
}


@pytest.mark.parametrize("call, error, message", CASES.values(), ids=CASES)
def test_wrong_input_gets_a_clear_message(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("call", [lambda: W + 1, lambda: 40 + W, lambda: W - None, lambda: W + W.Wx, lambda: 1 / W,
                                  lambda: W * W])
def test_what_a_vector_space_has_not(call):
    """No constant can be added, and no two gradients multiplied."""
    with pytest.raises(TypeError):
        call()


def test_numbers_of_any_kind_will_do():
    half = 0.5 * W
    for number in (Fraction(1, 2), np.float16(0.5), np.array(0.5), 0.5):
        assert (number * W).identical(half)


def test_every_public_function_has_its_wrong_inputs_here():
    tried = {name.partition(":")[0].partition(" ")[0].partition(".")[0] for name in CASES}
    functions = {name for name, thing in vars(lstmlib).items() if callable(thing) and not name.startswith("_")}
    assert functions - {"Trace"} <= tried
