"""One timestep of an LSTM, forward and backward: the equations, one line each.

The LSTM of Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000), without
peepholes; gate order i, f, g, o.
"""

from collections import namedtuple

import numpy as np

from .checks import finite_output, of_step, quiet, takes, usable
from .weights import Weights, built


class StepTrace(namedtuple("StepTrace", "x h_prev c_prev i f g o c h")):
    """What one timestep leaves behind for its backward pass: x (B, D), the rest (B, H)."""


@quiet
def sigmoid(z):
    """1 / (1 + exp(-z)), with a relative error of a few roundings; what would be a subnormal number may be 0."""
    return sigmoid_of_minus(-z)


def sigmoid_of_minus(z, out=None):
    """sigmoid(-z) = 1 / (1 + exp(z)), in the memory of `out` where given."""
    if np.iscomplexobj(z):  # where exp overflows, complex 1 / (1 + exp(z)) is NaN
        e = np.exp(np.where(z.real > 0, -z, z))
        return np.divide(np.where(z.real > 0, e, 1), 1 + e, out=out)
    e = np.exp(z, out=out)
    return np.reciprocal(np.add(e, 1, out=out), out=out)


@takes(weights=(Weights, usable), x="B D", h_prev="B H", c_prev="B H")
def step(weights, x, h_prev, c_prev):
    """One timestep forward.

    x (B, D), h_prev (B, H), c_prev (B, H), all finite  ->  y (B, K), h (B, H), c (B, H), StepTrace
    Raises ValueError where y would not be finite.
    """
    z = x @ weights.Wx + h_prev @ weights.Wh + weights.b
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
    i = sigmoid(z_i)
    f = sigmoid(z_f)
    g = np.tanh(z_g)
    o = sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    y = h @ weights.Wy + weights.by
    return finite_output("y", y), h, c, StepTrace(x, h_prev, c_prev, i, f, g, o, c, h)


@takes(weights=(Weights, usable), trace=(StepTrace, of_step), dy="B K", dh_next="B H", dc_next="B H")
def step_backward(weights, trace, dy, dh_next, dc_next):
    """One timestep backward, from its StepTrace: the lines of `step`, read from the last to the first.

    dy       (B, K)  gradient from the loss at this timestep; finite, as the next two
    dh_next  (B, H)  gradient from the next timestep, through its gates, into h
    dc_next  (B, H)  gradient from the next timestep, along the cell state, into c
    ->  gradient (Weights: this timestep's contribution), dh_prev (B, H), dc_prev (B, H)
    What is too large for the dtype becomes infinite or NaN, as in `backward`.
    """
    x, h_prev, c_prev, i, f, g, o, c, h = trace
    dh = dy @ weights.Wy.T + dh_next
    dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g ** 2)
    dz_o = dh * np.tanh(c) * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=-1)
    gradient = x.T @ dz, h_prev.T @ dz, dz.sum(axis=0), h.T @ dy, dy.sum(axis=0)
    return built(Weights, gradient), dz @ weights.Wh.T, dc * f
