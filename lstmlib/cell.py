"""One timestep of an LSTM, forward and backward: the equations, one line each.

The LSTM of Hochreiter & Schmidhuber (1997) with the forget gate of Gers,
Schmidhuber & Cummins (2000), without peepholes; gate order i, f, g, o.
"""

from typing import NamedTuple

import numpy as np

from . import arguments
from .weights import Weights, check_weights


class StepTrace(NamedTuple):
    """What one timestep leaves behind for its backward pass: x (B, D), the rest (B, H)."""

    x: np.ndarray
    h_prev: np.ndarray
    c_prev: np.ndarray
    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    h: np.ndarray


def sigmoid(z):
    """1 / (1 + exp(-z)), written as a stretched tanh so that no z overflows."""
    return 0.5 * np.tanh(0.5 * z) + 0.5


@arguments.quiet
def step(weights, x, h_prev, c_prev):
    """One timestep forward.

    x (B, D), h_prev (B, H), c_prev (B, H)  ->  y (B, K), h (B, H), c (B, H), StepTrace
    Raises ValueError or TypeError where a shape or dtype does not fit the weights, and where y would not be finite.
    """
    check_weights(weights)
    x = arguments.array("x", x, {"B": None, "D": weights.D}, weights.dtype)
    h_prev = arguments.array("h_prev", h_prev, {"B": len(x), "H": weights.H}, weights.dtype)
    c_prev = arguments.array("c_prev", c_prev, {"B": len(x), "H": weights.H}, weights.dtype)

    z = x @ weights.Wx + h_prev @ weights.Wh + weights.b
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
    i = sigmoid(z_i)
    f = sigmoid(z_f)
    g = np.tanh(z_g)
    o = sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    y = h @ weights.Wy + weights.by
    check_output("y", y)
    return y, h, c, StepTrace(x, h_prev, c_prev, i, f, g, o, c, h)


@arguments.quiet
def step_backward(weights, trace, dy, dh_next, dc_next):
    """One timestep backward: the lines of `step`, read from the last to the first.

    dy       (B, K)  gradient from the loss at this timestep
    dh_next  (B, H)  gradient from the next timestep, through its gates, into h
    dc_next  (B, H)  gradient from the next timestep, along the cell state, into c
    ->  gradient (Weights: this timestep's contribution), dh_prev (B, H), dc_prev (B, H)
    What is too large for the dtype becomes infinite or NaN, as in `backward`.
    Raises ValueError or TypeError where a shape or dtype does not fit the weights.
    """
    check_weights(weights)
    x, h_prev, c_prev, i, f, g, o, c, h = checked_trace(trace, weights)
    dy = arguments.array("dy", dy, {"B": len(x), "K": weights.K}, weights.dtype)
    dh_next = arguments.array("dh_next", dh_next, {"B": len(x), "H": weights.H}, weights.dtype)
    dc_next = arguments.array("dc_next", dc_next, {"B": len(x), "H": weights.H}, weights.dtype)

    dh = dy @ weights.Wy.T + dh_next
    dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g ** 2)
    dz_o = dh * np.tanh(c) * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=-1)
    gradient = Weights(Wx=x.T @ dz, Wh=h_prev.T @ dz, b=dz.sum(axis=0), Wy=h.T @ dy, by=dy.sum(axis=0))
    return gradient, dz @ weights.Wh.T, dc * f


def check_output(name, Y):
    """Raise ValueError unless the output is finite: a number on the way was too large for the dtype."""
    if not np.isfinite(Y).all():
        raise ValueError(f"{name} must be finite, got an overflow of {Y.dtype}: weights or inputs are too large")


def checked_trace(trace, weights):
    """The nine arrays of the trace; TypeError or ValueError unless `step` can have left them with such weights."""
    arguments.instance("trace", trace, StepTrace)
    x, *states = arrays = [arguments.rectangular("trace", array) for array in trace]
    shapes = [state.shape for state in states]
    if x.ndim != 2 or len(set(shapes)) > 1 or shapes[0][:-1] != x.shape[:1]:
        raise ValueError(f"trace must hold x (B, D) and eight arrays (B, H), got {x.shape} and {shapes}")
    D, H = x.shape[1], shapes[0][1]
    if (D, H) != (weights.D, weights.H):
        raise ValueError(f"trace must come from weights like these, {weights}, got D={D}, H={H}")
    for array in arrays:
        if array.dtype != weights.dtype:
            raise TypeError(f"trace must have the dtype {weights.dtype} of the weights, got {array.dtype}")
    return arrays
