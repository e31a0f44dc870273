"""All timesteps of an LSTM: forward, the trace it leaves, and backward with its nine edges.

Everything that is not linear happens in `forward` and `local_slopes`. What is left
for the loop of `backward` are products with known numbers, and sums: a linear
recurrence in (dh, dc), with no constant in it. Hence a factor 1/|X| may be put
in front of it or behind it.
"""

from dataclasses import dataclass, fields

import numpy as np

from . import arguments
from .cell import check_output
from .weights import Weights, check_weights

GATES_AT_A_TIME = 2 ** 18  # bytes: the slopes of so many gates stay in a processor's cache until the loop needs them


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
        for field in fields(self):
            arguments.instance(field.name, getattr(self, field.name), np.ndarray)
            view = getattr(self, field.name).view()
            view.flags.writeable = False
            object.__setattr__(self, field.name, view)
        shapes = [array.shape for array in (self.X, self.Y, self.gates, self.hiddens, self.cells)]
        if list(map(len, shapes)) != [3, 3, 4, 3, 3] or not self._fits(*self.X.shape[:2], self.gates.shape[-1]):
            raise ValueError("X, Y, gates, hiddens, cells must have shapes (T, B, D), (T, B, K), (T, B, 4, H), "
                             f"(T+1, B, H) and (T+1, B, H), got {shapes}")

    def _fits(self, T, B, H):
        return (self.Y.shape[:2] == (T, B) and self.gates.shape == (T, B, 4, H)
                and self.hiddens.shape == self.cells.shape == (T + 1, B, H))

    i = property(lambda self: self.gates[:, :, 0], doc="input gate (T, B, H)")
    f = property(lambda self: self.gates[:, :, 1], doc="forget gate (T, B, H)")
    g = property(lambda self: self.gates[:, :, 2], doc="candidate (T, B, H)")
    o = property(lambda self: self.gates[:, :, 3], doc="output gate (T, B, H)")
    h = property(lambda self: self.hiddens[1:], doc="hidden states (T, B, H)")
    c = property(lambda self: self.cells[1:], doc="cell states (T, B, H)")
    h_prev = property(lambda self: self.hiddens[:-1], doc="hidden state before each timestep (T, B, H)")
    c_prev = property(lambda self: self.cells[:-1], doc="cell state before each timestep (T, B, H)")

    def __repr__(self):
        T, B, D = self.X.shape
        return f"Trace(T={T}, B={B}, D={D}, H={self.h.shape[-1]}, K={self.Y.shape[-1]}, {self.Y.dtype})"


@arguments.quiet
def forward(weights, X, h0=None, c0=None):
    """Run all timesteps of `step` and keep what the backward pass needs.

    X (T, B, D); h0 and c0 (B, H), zeros where None  ->  Trace, in the dtype of the weights
    A pre-activation that is too large for the dtype saturates its gate.
    Raises ValueError or TypeError where an argument does not fit or is not finite, and where Y would not be finite.
    """
    check_weights(weights)
    X = arguments.array("X", X, {"T": None, "B": None, "D": weights.D}, weights.dtype).copy()
    (T, B, D), H = X.shape, weights.H
    hiddens = np.empty((T + 1, B, H), weights.dtype)
    cells = np.empty((T + 1, B, H), weights.dtype)
    hiddens[0] = first_state("h0", h0, B, H, weights.dtype)
    cells[0] = first_state("c0", c0, B, H, weights.dtype)

    # sigmoid(z) = tanh(z/2)/2 + 1/2, so one tanh serves all four gates: its argument and
    # its value are stretched by 1/2, 1/2, 1, 1/2. The first stretch goes into the weights.
    stretch = np.repeat(np.array([0.5, 0.5, 1, 0.5], weights.dtype), H)
    shift = 1 - stretch
    Wh = weights.Wh * stretch
    Z = X.reshape(T * B, D) @ (weights.Wx * stretch)
    Z += weights.b * stretch
    Z = Z.reshape(T, B, 4 * H)
    gates = Z.reshape(T, B, 4, H)  # the same memory: each z_t is overwritten by its gates
    each_gate = gates.swapaxes(1, 2)
    for t in range(T):
        z = Z[t]
        z += hiddens[t].dot(Wh)  # as @, with less overhead
        np.tanh(z, out=z)
        z *= stretch
        z += shift
        i, f, g, o = each_gate[t]
        c = np.multiply(f, cells[t], out=cells[t + 1])
        c += i * g
        np.multiply(o, np.tanh(c), out=hiddens[t + 1])
    Y = (hiddens[1:].reshape(T * B, H) @ weights.Wy + weights.by).reshape(T, B, weights.K)
    check_output("Y", Y)
    return Trace(X, Y, gates, hiddens, cells)


@arguments.quiet
def backward(weights, trace, dY, at=None):
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

        The contributions to the weights are products of what crosses dW_t with x_t, h_{t-1}
        and 1 (dWy_t: with h_t and 1); they are summed over t in the same product.

    ->  Weights, in the dtype of the weights. A gradient that is too large for it has infinite or NaN entries (so has
        one for which `at` returned such), without a warning: see `Weights.finite`.
    Raises ValueError or TypeError where an argument does not fit or is not finite.
    """
    check_weights(weights)
    arguments.instance("trace", trace, Trace)
    (T, B, D), H, K = trace.X.shape, weights.H, weights.K
    if (D, trace.h.shape[-1], trace.Y.shape[-1], trace.Y.dtype) != (weights.D, H, K, weights.dtype):
        raise ValueError(f"trace must come from weights like these, {weights}, got {trace}")
    dY = arguments.array("dY", dY, {"T": T, "B": B, "K": K}, weights.dtype, leading=True)
    lead = dY.shape[:-3]
    cross = crossing(at)

    if at is not None:
        dY = dY.copy()  # a hook may work in place
    dY = cross("dy", cross("loss", dY))
    dh_above = cross("dh_above", (dY.reshape(*lead, T * B, K) @ weights.Wy.T).reshape(*lead, T, B, H))
    dZ = np.empty(lead + trace.gates.shape, weights.dtype)
    dz_all = dZ.reshape(*lead, T, B, 4 * H)  # the same memory: slopes become gradients, from the last t to the first
    WhT, f = weights.Wh.T.copy(), trace.f
    dh_next = dc_next = 0
    for now in reversed(few_timesteps_at_a_time(trace)):
        dc_dh, _ = local_slopes(trace, now, out=dZ[..., now, :, :, :])
        for t in reversed(range(now.start, now.stop)):
            dh = dh_above[..., t, :, :] + dh_next
            dc = dh * dc_dh[t - now.start] + dc_next
            dz_ifg, dz_o = dZ[..., t, :, :3, :], dZ[..., t, :, 3, :]
            dz_ifg *= dc[..., None, :]
            dz_o *= dh
            dz = dz_all[..., t, :, :]
            if at is not None:
                dz[...] = cross("dz", dz)
            if t > 0:
                dh_next = cross("dh_next", dz @ WhT)
                dc_next = cross("dc_next", dc * f[t])

    del dh_above  # makes room for the sums
    dz_all = cross("dW_t", dz_all).reshape(*lead, T * B, 4 * H)
    dY = cross("dWy_t", dY).reshape(*lead, T * B, K)
    sums = (trace.X.reshape(T * B, D).T @ dz_all, trace.h_prev.reshape(T * B, H).T @ dz_all, dz_all.sum(axis=-2),
            trace.h.reshape(T * B, H).T @ dY, dY.sum(axis=-2))
    return Weights(*(cross("dW", array) for array in sums))


def local_slopes(trace, now=slice(None), out=None):
    """The derivatives inside each timestep, for the timesteps `now` (for all of them if left out).

    out  takes the slopes (further axes in front receive copies); a new array if left out

    ->  dc_t/dh_t along h = o tanh(c), read backwards: (T, B, H)
        dz_t per unit of dc_t (for i, f, g) and of dh_t (for o): (T, B, 4, H)
    """
    i, f, g, o = trace.i[now], trace.f[now], trace.g[now], trace.o[now]
    tanh_c = np.tanh(trace.c[now])
    slopes = np.empty_like(trace.gates[now]) if out is None else out
    slopes[..., 0, :] = i * (1 - i) * g
    slopes[..., 1, :] = f * (1 - f) * trace.c_prev[now]
    slopes[..., 2, :] = i * (1 - g * g)
    slopes[..., 3, :] = o * (1 - o) * tanh_c
    return o * (1 - tanh_c * tanh_c), slopes


def few_timesteps_at_a_time(trace):
    """All timesteps as slices, each so short that its slopes fit into a processor's cache. No value depends on it."""
    T, few = len(trace.gates), max(1, GATES_AT_A_TIME // trace.gates[0].nbytes)
    return [slice(start, min(start + few, T)) for start in range(0, T, few)]


def crossing(at):
    """The hook `at`, or none, as a function that checks what the hook returns."""
    if at is None:
        return lambda edge, gradient: gradient
    if not callable(at):
        raise TypeError(f"at must be a function at(edge, gradient), got {type(at).__name__}")

    def cross(edge, gradient):
        crossed = at(edge, gradient)
        if crossed is gradient:
            return gradient
        crossed = arguments.rectangular(f"what at({edge!r}, gradient) returns", crossed)
        if crossed.shape != gradient.shape or crossed.dtype.kind not in "buifc":
            raise ValueError(f"at({edge!r}, gradient) must return an array of numbers of shape {gradient.shape}, "
                             f"got {'None' if crossed[()] is None else f'{crossed.dtype} {crossed.shape}'}")
        if crossed.dtype.kind == "c" and gradient.dtype.kind != "c":
            raise TypeError(f"at({edge!r}, gradient) must return real numbers ({gradient.dtype}), got {crossed.dtype}")
        return crossed.astype(gradient.dtype, copy=False)

    return cross


def first_state(name, state, B, H, dtype):
    """h0 or c0: zeros where None, otherwise checked."""
    return 0 if state is None else arguments.array(name, state, {"B": B, "H": H}, dtype)
