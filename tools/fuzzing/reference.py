"""An LSTM to compare with: the textbook equations in extended precision, with a bound on every rounding error.

It shares nothing with lstmlib. A `Bounded` array carries its value and how far the same computation may be off in
the format under test, whatever the order of its sums. So a result is judged by what its own format can give, for
sizes from the smallest subnormal number to the largest.
"""

import numpy as np


class Format:
    """The floating-point format under test. `overflowed` says whether some number on the way was too large for it."""

    def __init__(self, dtype):
        info = np.finfo(dtype)
        self.eps, self.tiny, self.largest = (np.longdouble(size) for size in
                                             (info.eps, 2 * info.smallest_subnormal, info.max))
        self.wide = np.clongdouble if np.dtype(dtype).kind == "c" else np.longdouble
        self.overflowed = False

    def exact(self, array):
        """An array that is given: its numbers are free of error."""
        value = np.asarray(array).astype(self.wide)
        return Bounded(self, value, np.zeros(value.shape, np.longdouble))

    def rounded(self, value, error, size=None, terms=1):
        """A computed array: each of its `terms` operations rounds numbers of at most `size`."""
        size = np.abs(value) + error if size is None else size
        self.overflowed |= bool((size > self.largest).any())
        return Bounded(self, value, error + terms * (self.eps * size + self.tiny))


class Bounded:
    """An array, known to within `error`."""

    def __init__(self, form, value, error):
        self.form, self.value, self.error = form, value, error

    def __add__(self, other):
        return self.form.rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other):
        return self.form.rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other):
        other = other if isinstance(other, Bounded) else self.form.exact(other)
        return self.form.rounded(self.value * other.value,
                                 abs(self.value) * other.error + self.error * (abs(other.value) + other.error))

    def __matmul__(self, other):
        mine, theirs = abs(self.value), abs(other.value)
        error = mine @ other.error + self.error @ (theirs + other.error)
        return self.form.rounded(self.value @ other.value, error, mine @ theirs + error, self.value.shape[-1])

    def __getitem__(self, index):
        return Bounded(self.form, self.value[index], self.error[index])

    def tanh(self):
        """Real: the steepest slope within the error is at the point nearest to 0. Complex: poles must be far."""
        value = np.tanh(self.value)
        if self.form.wide is np.longdouble:
            error = np.minimum(self.error / np.cosh(np.maximum(abs(self.value) - self.error, 0)) ** 2, 2)
        else:
            error = 2 * self.error * abs(1 - value ** 2)
            error = np.where(self.error * (1 + abs(value)) < 0.1, error, np.inf)
        return self.form.rounded(value, error)

    def sigmoid(self):
        half = self.form.exact(0.5)
        return (self * half).tanh() * half + half

    def slope_of_tanh(self):
        """1 - self^2, where self is a tanh."""
        return self.form.exact(1) - self * self

    def transposed(self):
        return Bounded(self.form, self.value.swapaxes(-1, -2), self.error.swapaxes(-1, -2))

    def sum(self, axis):
        size = (abs(self.value) + self.error).sum(axis)
        return self.form.rounded(self.value.sum(axis), self.error.sum(axis), size, self.value.shape[axis])

    def misfit(self, result, slack=4):
        """Whether `result` is farther off than its format explains."""
        with np.errstate(all="ignore"):
            return bool((abs(np.asarray(result).astype(self.form.wide) - self.value) > slack * self.error).any())

    def says_nothing(self):
        """Whether the bound is as large as the numbers themselves: ill-conditioned."""
        return not bool(np.max(self.error) <= np.max(abs(self.value)) + 1e3 * self.form.tiny)


@np.errstate(all="ignore")
def forward(form, arrays, X, h, c):
    """Outputs, hidden states and cell states of all timesteps, as lists of Bounded arrays, and the gates."""
    Wx, Wh, b, Wy, by = map(form.exact, arrays)
    h, c, H = form.exact(h), form.exact(c), arrays[1].shape[0]
    outputs, hiddens, cells, gates = [], [], [], []
    for x in X:
        z = form.exact(x) @ Wx + h @ Wh + b
        i, f, o = (z[:, gate * H:(gate + 1) * H].sigmoid() for gate in (0, 1, 3))
        g = z[:, 2 * H:3 * H].tanh()
        c = f * c + i * g
        h = o * c.tanh()
        outputs.append(h @ Wy + by)
        hiddens.append(h)
        cells.append(c)
        gates.append((i, f, g, o))
    return outputs, hiddens, cells, gates


class Step:
    """What one timestep's backward pass needs, from a trace: x, h_prev, c_prev, i, f, g, o, c, h."""

    def __init__(self, form, x, h_prev, c_prev, i, f, g, o, c, h):
        self.x, self.h_prev, self.h, self.c_prev = (form.exact(array) for array in (x, h_prev, h, c_prev))
        self.i, self.f, self.g, self.o, self.c = (form.exact(array) for array in (i, f, g, o, c))
        self.form = form

    def gates(self, dh, dc_next):
        """(dz of i, f, g, o), dc."""
        one, tanh_c = self.form.exact(1), self.c.tanh()
        dc = dh * (self.o * tanh_c.slope_of_tanh()) + dc_next
        return [dc * (self.i * (one - self.i) * self.g), dc * (self.f * (one - self.f) * self.c_prev),
                dc * (self.i * self.g.slope_of_tanh()), dh * (self.o * (one - self.o) * tanh_c)], dc


def joined(parts):
    return Bounded(parts[0].form, np.concatenate([part.value for part in parts], -1),
                   np.concatenate([part.error for part in parts], -1))


@np.errstate(all="ignore")
def backward(form, arrays, steps, dY, scales=None):
    """The gradient {name: Bounded}, with the factor scales[edge] on every edge named there.

    steps  a list of Step;  dY  (..., T, B, K)
    """
    scales = scales or {}

    def cross(edge, gradient):
        return gradient * scales[edge] if edge in scales else gradient

    Wh, Wy = form.exact(arrays[1]), form.exact(arrays[3])
    dY = cross("dy", cross("loss", form.exact(dY)))
    dh_next = dc_next = form.exact(0)
    sums = {}

    def add(**terms):
        for name, term in terms.items():
            sums[name] = sums[name] + term if name in sums else term

    for t in reversed(range(len(steps))):
        now, dy = steps[t], dY[..., t, :, :]
        dh = cross("dh_above", dy @ Wy.transposed()) + dh_next
        dz, dc = now.gates(dh, dc_next)
        dz = cross("dz", joined(dz))
        dh_next, dc_next = cross("dh_next", dz @ Wh.transposed()), cross("dc_next", dc * now.f)
        dz, dy = cross("dW_t", dz), cross("dWy_t", dy)
        add(Wx=now.x.transposed() @ dz, Wh=now.h_prev.transposed() @ dz, b=dz.sum(-2), Wy=now.h.transposed() @ dy,
            by=dy.sum(-2))
    return {name: cross("dW", total) for name, total in sums.items()}, dh_next, dc_next


def crossings(edges, T):
    """{"dW": ..., "dWy": ...}: how often the paths to the LSTM's and to the output's weights can cross `edges`."""
    on = {edge: int(edge in edges) for edge in ("loss", "dy", "dh_above", "dz", "dh_next", "dc_next", "dWy_t", "dW_t",
                                                "dW")}
    top = on["loss"] + on["dy"]
    found = set()

    def walk(t, into, crossed):
        """Every way down from h_t or c_t."""
        if into == "h":
            walk(t, "c", crossed)
        z = crossed + on["dz"]
        found.add(z + on["dW_t"] + on["dW"])
        if t > 0:
            walk(t - 1, "h", z + on["dh_next"])
        if t > 0 and into == "c":
            walk(t - 1, "c", crossed + on["dc_next"])

    for t in range(T):
        walk(t, "h", top + on["dh_above"])
    return {"dW": found, "dWy": {top + on["dWy_t"] + on["dW"]}}


def entropy(logits, labels, counts):
    """(loss, its error), (gradient, its error) of the cross entropy, in extended precision."""
    form = Format(logits.dtype)
    kind, double = form.wide, np.finfo(float).eps
    with np.errstate(all="ignore"):
        shifted = logits.astype(kind) - logits.real.max(-1, keepdims=True).astype(np.longdouble)
        powers = np.exp(shifted)
        whole = powers.sum(-1, keepdims=True)
        cancelled = abs(powers).sum(-1, keepdims=True) / abs(whole)
        shares = powers / whole
        of_label = np.arange(logits.shape[-1]) == np.where(counts, labels, 0)[..., None]
        items = np.log(whole)[..., 0] - shifted[of_label].reshape(labels.shape)
        sizes = (abs(np.log(whole)) + cancelled)[..., 0] + abs(shifted[of_label].reshape(labels.shape))
        loss, loss_error = items[counts].sum(), 30 * double * logits.size * (1 + sizes[counts].sum())
        gradient = np.where(counts[..., None], shares - of_label, 0)
        error = abs(shares) * (30 * double * (abs(shifted) + cancelled * logits.shape[-1])) + form.eps * abs(gradient)
    return (loss, loss_error), (gradient, np.nan_to_num(error) + form.tiny + 30 * double * cancelled)
