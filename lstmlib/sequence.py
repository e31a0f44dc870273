"""All timesteps of an LSTM: forward, the trace it leaves, and backward with its nine edges.

Everything that is not linear happens in `forward` and `local_slopes`. The loop of `backward` is left with sums, and
products with known numbers: a linear recurrence in (dh, dc), with no constant in it. Hence a factor 1/|X| may be put in
front of it or behind it.
"""

from dataclasses import dataclass

import numpy as np

from . import checks
from .cell import sigmoid_of_minus
from .checks import crossing, finite_output, of_forward, takes, usable
from .weights import Weights, built


@dataclass(frozen=True, eq=False)
class Trace:
    """What `forward` leaves for `backward` and for figures. All arrays are read-only.

    X        (T, B, D)      the input
    Y        (T, B, K)      the output
    gates    (T, B, 4, H)   i, f, g, o; also to be had one by one
    hiddens  (T+1, B, H)    h0, then h of every timestep
    cells    (T+1, B, H)    c0, then c of every timestep
    Raises TypeError for what is no array, ValueError for shapes that do not fit.
    """

    X: np.ndarray
    Y: np.ndarray
    gates: np.ndarray
    hiddens: np.ndarray
    cells: np.ndarray

    def __post_init__(self):
        for name, given in list(vars(self).items()):
            vars(self)[name] = array = checks.instance(name, given, np.ndarray).view()
            array.flags.writeable = False
        shapes = [array.shape for array in vars(self).values()]
        axes_fit = [len(shape) for shape in shapes] == [3, 3, 4, 3, 3]
        (T, B, _), (*_, K), (*_, H) = shapes[:3] if axes_fit else [(0, 0, 0)] * 3
        if not axes_fit or shapes[1:] != [(T, B, K), (T, B, 4, H), (T + 1, B, H), (T + 1, B, H)]:
            raise ValueError("X, Y, gates, hiddens, cells must have shapes (T, B, D), (T, B, K), (T, B, 4, H), "
                             f"(T+1, B, H) and (T+1, B, H), got {shapes}")

    i = property(lambda self: self.gates[:, :, 0], doc="input gate (T, B, H)")
    f = property(lambda self: self.gates[:, :, 1], doc="forget gate (T, B, H)")
    g = property(lambda self: self.gates[:, :, 2], doc="candidate (T, B, H)")
    o = property(lambda self: self.gates[:, :, 3], doc="output gate (T, B, H)")
    h = property(lambda self: self.hiddens[1:], doc="hidden states (T, B, H)")
    c = property(lambda self: self.cells[1:], doc="cell states (T, B, H)")
    h_prev = property(lambda self: self.hiddens[:-1], doc="hidden state before each timestep (T, B, H)")
    c_prev = property(lambda self: self.cells[:-1], doc="cell state before each timestep (T, B, H)")

    def __reduce__(self):  # copies and pickles are made anew, and so are read-only and checked
        return Trace, tuple(vars(self).values())

    def __repr__(self):
        T, B, D = self.X.shape
        return f"Trace(T={T}, B={B}, D={D}, H={self.h.shape[-1]}, K={self.Y.shape[-1]}, {self.Y.dtype})"


@takes(weights=(Weights, usable), X="T B D", h0="B H", c0="B H")
def forward(weights, X, h0=None, c0=None):
    """Run all timesteps of `step` and keep what the backward pass needs.

    X (T, B, D); h0 and c0 (B, H), zeros where None; all finite  ->  Trace, in the dtype of the weights
    A pre-activation that is too large for the dtype saturates its gate. Raises ValueError where Y would not be finite.
    """
    (T, B, D), H, K, dtype = X.shape, weights.H, weights.K, weights.dtype
    joined = np.empty((T + 1, B, H + D + 1), dtype)  # [h_{t-1}, x_t, 1], whose product with [Wh; Wx; b] is z_t
    joined[:T, :, H:-1] = X
    joined[:T, :, -1] = 1
    hiddens, cells, gates = joined[..., :H], np.empty((T + 1, B, H), dtype), np.empty((T, 4, B, H), dtype)
    hiddens[0], cells[0] = (0 if start is None else start for start in (h0, c0))

    signs = np.repeat(np.array([-1, -1, 1, -1], dtype), H)  # i, f, o are 1 / (1 + exp(-z)), so -z is computed for them
    W = np.concatenate([weights.Wh, weights.Wx, weights.b[None]]) * signs
    z = np.empty((B, 4 * H), dtype)
    z_of_gate = z.reshape(B, 4, H).swapaxes(0, 1)
    for t in range(T):
        np.dot(joined[t], W, out=z)
        i, f, g, o = sigmoid_of_minus(z_of_gate, out=gates[t])  # of g too: one call for all costs less
        np.tanh(z_of_gate[2], out=g)
        c = np.multiply(f, cells[t], out=cells[t + 1])
        c += i * g
        np.multiply(o, np.tanh(c), out=hiddens[t + 1])
    Y = (hiddens[1:].reshape(T * B, H) @ weights.Wy + weights.by).reshape(T, B, K)
    return built(Trace, (joined[:T, :, H:-1], finite_output("Y", Y), gates.swapaxes(1, 2), hiddens, cells))


@takes(weights=(Weights, usable), trace=(Trace, of_forward), dY="... T B K", dh_T="... B H", dc_T="... B H")
def backward(weights, trace, dY, at=None, dh_T=None, dc_T=None, inputs=False):
    """Backpropagation through time: the gradient of every weight, from the trace of `forward` and the gradient of Y.

    dY  (..., T, B, K), finite; with axes in front, the result has them too: one gradient for each
    at  at(edge, gradient) -> what goes on in place of this gradient, of its shape. Called on each of the nine edges:

        loss, dy   (..., T, B, K)   dY, once each
        dWy_t      (..., T, B, K)   every dy_t on its way to Wy and by
        dh_above   (..., T, B, H)   every gradient from the output layer into h_t
        dz         (..., B, 4H)     into the gates of one timestep; t = T-1 first
        dh_next    (..., B, H)      from the gates of t back into h of t-1; t = T-1 first, to t = 1
        dc_next    (..., B, H)      from c of t back into c of t-1; likewise
        dW_t       (..., T, B, 4H)  every dz_t on its way to Wx, Wh and b
        dW         as the weights   the finished sums: Wx, Wh, b, Wy, by in turn

    ->  Weights, in the dtype of the weights; what is too large for it is infinite or NaN, as `Weights.finite` tells
    Raises TypeError or ValueError where `at` is no function, or returns no such array.

    For a part of something larger (pieces of a sequence, layers, directions):
    dh_T, dc_T  (..., B, H): finite gradients that come into the last h and c from behind. They cross no edge on the way
    inputs      true  ->  (Weights, dX, dh0, dc0), the gradients that go on. dX (..., T, B, D) has crossed dz last, dh0
                and dc0 (..., B, H) dh_next and dc_next, for which `at` is then called at t = 0 as well
    dh0, dc0 of a piece are dh_T, dc_T of the one before; dX is dY of a layer below whose Wy is the identity and by 0.
    """
    (T, B, D), H, K, lead = trace.X.shape, weights.H, weights.K, dY.shape[:-3]
    at = crossing(at)
    dy = at("dy", at("loss", dY.copy()))  # a hook may work in place
    dh_above = at("dh_above", (dy.reshape(*lead, T * B, K) @ weights.Wy.T).reshape(*lead, T, B, H))
    dz_all = np.empty((*lead, T, B, 4 * H), weights.dtype)
    dz_of_gate = dz_all.reshape(*lead, T, B, 4, H)
    WhT, f, product = weights.Wh.T.copy(), trace.f, np.matmul if lead else np.dot  # which costs less
    few = max(1, 2 ** 17 // trace.gates[0].nbytes)  # timesteps whose slopes stay in a processor's cache
    dh_next, dc_next = (0 if end is None else end for end in (dh_T, dc_T))
    for t in reversed(range(T)):
        k = t % few
        if k == few - 1 or t == T - 1:
            slope_c, slopes = local_slopes(trace, slice(t - k, t + 1))
        dh = dh_above[..., t, :, :] + dh_next
        dc = dh * slope_c[k] + dc_next
        np.multiply(slopes[k, :, :3], dc[..., None, :], out=dz_of_gate[..., t, :, :3, :])
        np.multiply(slopes[k, :, 3], dh, out=dz_of_gate[..., t, :, 3, :])
        dz = dz_all[..., t, :, :]
        dz[...] = at("dz", dz)
        if t > 0 or inputs:
            dh_next = at("dh_next", product(dz, WhT))
            dc_next = at("dc_next", dc * f[t])

    del dh_above  # makes room for the sums
    dX = (dz_all.reshape(*lead, T * B, 4 * H) @ weights.Wx.T).reshape(*lead, T, B, D) if inputs else None
    dW_t = at("dW_t", dz_all).reshape(*lead, T * B, 4 * H)
    dWy_t = at("dWy_t", dy).reshape(*lead, T * B, K)
    x, h_prev, h = (array.reshape(T * B, -1) for array in (trace.X, trace.h_prev, trace.h))
    sums = x.T @ dW_t, h_prev.T @ dW_t, dW_t.sum(axis=-2), h.T @ dWy_t, dWy_t.sum(axis=-2)
    gradient = built(Weights, [at("dW", array) for array in sums])
    return (gradient, dX, dh_next, dc_next) if inputs else gradient


def local_slopes(trace, now=slice(None)):
    """The derivatives inside each timestep, for the timesteps `now` (all, if left out).

    ->  the part of dc_t that comes through h = o tanh(c), per unit of dh_t: (T, B, H)
        dz_t, per unit of dc_t (for i, f, g) and of dh_t (for o): (T, B, 4, H)
    """
    gates, c_prev, tanh_c = trace.gates[now], trace.c_prev[now], np.tanh(trace.c[now])
    i, f, g, o = (gates[:, :, gate] for gate in range(4))
    slopes = gates * (1 - gates)
    slopes[:, :, 0] *= g
    slopes[:, :, 1] *= c_prev
    slopes[:, :, 2] = i * (1 - g * g)
    slopes[:, :, 3] *= tanh_c
    return o * (1 - tanh_c * tanh_c), slopes
