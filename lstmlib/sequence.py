"""All timesteps of an LSTM: forward, the trace it leaves, and backward with its nine edges.

Everything that is not linear happens in `forward` and `local_slopes`. What is left for the loop of `backward` are
products with known numbers, and sums: a linear recurrence in (dh, dc), with no constant in it. Hence a factor 1/|X| may
be put in front of it or behind it.
"""

from dataclasses import dataclass

import numpy as np

from . import arguments
from .cell import sigmoid
from .checks import crossing, finite_output, takes, trace_of, usable
from .weights import Weights, built

GATES_AT_A_TIME = 2 ** 17  # bytes: the slopes of so many gates stay in a processor's cache; no value depends on it


@dataclass(frozen=True, eq=False)
class Trace:
    """What `forward` leaves for `backward` and for figures. All arrays are read-only.

    Raises TypeError or ValueError for what is no such array.

    X        (T, B, D)      the input
    Y        (T, B, K)      the output
    gates    (T, B, 4, H)   i, f, g, o; also to be had one by one
    hiddens  (T+1, B, H)    h0, then h of every timestep
    cells    (T+1, B, H)    c0, then c of every timestep
    """

    X: np.ndarray
    Y: np.ndarray
    gates: np.ndarray
    hiddens: np.ndarray
    cells: np.ndarray

    def __post_init__(self):
        for name, given in list(vars(self).items()):
            vars(self)[name] = array = arguments.instance(name, given, np.ndarray).view()
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


@takes(weights=usable, X="T B D", h0="B H", c0="B H")
def forward(weights, X, h0=None, c0=None):
    """Run all timesteps of `step` and keep what the backward pass needs.

    X (T, B, D); h0 and c0 (B, H), zeros where None  ->  Trace, in the dtype of the weights
    A pre-activation that is too large for the dtype saturates its gate.
    Raises ValueError or TypeError where an argument does not fit or is not finite, and where Y would not be finite.
    """
    (T, B, D), H, K, dtype = X.shape, weights.H, weights.K, weights.dtype
    joined = np.empty((T + 1, B, H + D + 1), dtype)  # [h_{t-1}, x_t, 1], whose product with [Wh; Wx; b] is z_t
    joined[:T, :, H:-1] = X
    joined[:T, :, -1] = 1
    hiddens, cells, gates = joined[..., :H], np.empty((T + 1, B, H), dtype), np.empty((T, 4, B, H), dtype)
    hiddens[0] = 0 if h0 is None else h0
    cells[0] = 0 if c0 is None else c0

    minus = np.repeat(np.array([-1, -1, 1, -1], dtype), H)  # sigmoid(z) = 1 / (1 + exp(-z)): of i, f and o, -z is asked
    W = np.concatenate([weights.Wh, weights.Wx, weights.b[None]]) * minus
    z = np.empty((B, 4 * H), dtype)
    z_of_gate = z.reshape(B, 4, H).swapaxes(0, 1)
    z_g = z_of_gate[2]
    for t in range(T):
        np.dot(joined[t], W, out=z)
        i, f, g, o = sigmoid_of_minus(z_of_gate, out=gates[t])
        np.tanh(z_g, out=g)
        c = np.multiply(f, cells[t], out=cells[t + 1])
        c += i * g
        np.multiply(o, np.tanh(c), out=hiddens[t + 1])
    Y = (hiddens[1:].reshape(T * B, H) @ weights.Wy + weights.by).reshape(T, B, K)
    return built(Trace, (joined[:T, :, H:-1], finite_output("Y", Y), gates.swapaxes(1, 2), hiddens, cells))


def sigmoid_of_minus(z, out):
    """sigmoid(-z), in the memory of `out`."""
    if z.dtype.kind == "c":  # where exp overflows, complex 1 / (1 + exp(z)) is NaN
        out[...] = sigmoid(-z)
        return out
    np.exp(z, out=out)
    out += 1
    return np.reciprocal(out, out=out)


@takes(weights=usable, trace=trace_of(Trace), dY="... T B K", dh_T="... B H", dc_T="... B H")
def backward(weights, trace, dY, at=None, dh_T=None, dc_T=None, inputs=False):
    """Backpropagation through time: the gradient of every weight, from the gradient of Y.

    dY  (..., T, B, K); with axes in front, the result has them too: one gradient for each
    at  at(edge, gradient) -> gradient, called with what crosses each of the nine edges;
        what it returns (of the same shape) goes on in place of it:

        loss, dy   (..., T, B, K)   dY, once each
        dWy_t      (..., T, B, K)   every dy_t on its way to Wy and by
        dh_above   (..., T, B, H)   every gradient from the output layer into h_t
        dz         (..., B, 4H)     into the gates of one timestep; t = T-1 first
        dh_next    (..., B, H)      from the gates of t back into h of t-1; t = T-1 first, to t = 1
        dc_next    (..., B, H)      from c of t back into c of t-1; likewise
        dW_t       (..., T, B, 4H)  every dz_t on its way to Wx, Wh and b
        dW         as the weights   the finished sums: Wx, Wh, b, Wy, by in turn

        The contributions to the weights are products of what crosses dW_t with x_t, h_{t-1} and 1 (dWy_t: with h_t
        and 1); they are summed over t in the same product.

    ->  Weights, in the dtype of the weights. A gradient that is too large for it has infinite or NaN entries (so has
        one for which `at` returned such), without a warning: see `Weights.finite`.

    For a part of something larger (pieces of a sequence, layers, directions):
    dh_T, dc_T  (..., B, H): gradients that come into the last h and c from behind. They cross no edge on their way in
    inputs      true  ->  (Weights, dX, dh0, dc0), the gradients that go on. dX (..., T, B, D) has crossed dz last, dh0
                and dc0 (..., B, H) have crossed dh_next and dc_next, which then are called at t = 0 as well
    dh0 and dc0 of one piece are dh_T and dc_T of the piece before it. dX is dY for a layer below that ends in h: whose
    Wy is the identity and whose by is 0.
    Raises ValueError or TypeError where an argument does not fit or is not finite.
    """
    (T, B, D), H, K, lead, at = trace.X.shape, weights.H, weights.K, dY.shape[:-3], crossing(at)
    dy = at("dy", at("loss", dY.copy()))  # a hook may work in place
    dh_above = at("dh_above", (dy.reshape(*lead, T * B, K) @ weights.Wy.T).reshape(*lead, T, B, H))
    dz_all = np.empty((*lead, T, B, 4 * H), weights.dtype)
    dz_by_gate = dz_all.reshape(*lead, T, B, 4, H).swapaxes(-3, -2)
    dz_ifg, dz_o = dz_by_gate[..., :3, :, :], dz_by_gate[..., 3, :, :]
    WhT, f, few = weights.Wh.T.copy(), trace.f, max(1, GATES_AT_A_TIME // trace.gates[0].nbytes)
    spans = [slice(start, min(start + few, T)) for start in range(0, T, few)]
    room, product = np.empty_like(trace.gates[spans[0]]), np.matmul if lead else np.dot  # which costs less
    dh_next = 0 if dh_T is None else dh_T
    dc_next = 0 if dc_T is None else dc_T
    for now in reversed(spans):
        dc_dh, slopes = local_slopes(trace, now, room[:now.stop - now.start])
        slopes_ifg, slope_o = slopes.swapaxes(1, 2)[:, :3], slopes[:, :, 3]
        for t in reversed(range(now.start, now.stop)):
            dh = dh_above[..., t, :, :] + dh_next
            dc = dh * dc_dh[t - now.start] + dc_next
            np.multiply(slopes_ifg[t - now.start], dc[..., None, :, :], out=dz_ifg[..., t, :, :, :])
            np.multiply(slope_o[t - now.start], dh, out=dz_o[..., t, :, :])
            dz = dz_all[..., t, :, :]
            crossed = at("dz", dz)
            if crossed is not dz:
                dz[...] = crossed
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


def local_slopes(trace, now=slice(None), out=None):
    """The derivatives inside each timestep, for the timesteps `now` (all, if left out); `out` takes the second result.

    ->  dc_t/dh_t along h = o tanh(c), read backwards: (T, B, H)
        dz_t per unit of dc_t (for i, f, g) and of dh_t (for o): (T, B, 4, H)
    """
    gates, c_prev, tanh_c = trace.gates[now], trace.c_prev[now], np.tanh(trace.c[now])
    i, f, g, o = (gates[:, :, gate] for gate in range(4))
    slopes = np.subtract(1, gates, out=out)
    slopes *= gates
    slopes[:, :, 0] *= g
    slopes[:, :, 1] *= c_prev
    slopes[:, :, 2] = i * (1 - g * g)
    slopes[:, :, 3] *= tanh_c
    return o * (1 - tanh_c * tanh_c), slopes
