"""Backward passes with a fault, or two, for the bug clinic (notebook 8).

`Textbook` is backpropagation through time as textbooks write it, in parts: one short method each. A patient is
a `Textbook` in which one part is wrong, in a way that published code has been wrong. The objective of all of them
is meant to be C = L/|X|: the mean cross entropy over the |X| items that count.
"""

from typing import NamedTuple

import numpy as np

from .. import arguments
from ..cell import StepTrace
from ..losses import cross_entropy
from ..sequence import crossing, forward
from ..training import clip_by_norm
from ..weights import Weights, init_weights
from .catalogue import softmax


class Batch(NamedTuple):
    """Sequences to learn from: X (T, B, D), labels (T, B), mask (T, B): true for each item that counts."""

    X: np.ndarray
    labels: np.ndarray
    mask: np.ndarray

    size_X = property(lambda self: int(self.mask.sum()), doc="|X|: the number of items that count")

    def take(self, columns):
        """The sequences of these columns, in this order."""
        return Batch(*(array[:, columns] for array in self))


class Textbook:
    """The healthy one: objective and gradient of C, timestep by timestep, from the last to the first."""

    name, fault, wrong, right = "healthy", "no fault", "", ""

    def objective(self, weights, batch):
        """C = L/|X|, a number."""
        return mean_loss(weights, batch)

    def gradient(self, weights, batch, size_X=None, at=None):
        """The gradient of C, as Weights.

        size_X  another number to divide by in place of |X|
        at      a hook as in `lstmlib.backward`, called on the edges loss, dh_next and dc_next
        Raises ValueError or TypeError where an argument does not fit.
        """
        arguments.instance("batch", batch, Batch)
        size_X = batch.size_X if size_X is None else size_X
        trace = forward(weights, batch.X)
        _, dY = cross_entropy(trace.Y, batch.labels, batch.mask)
        return self.average(self.through_time(weights, trace, dY, size_X, at), size_X)

    def through_time(self, weights, trace, dY, size_X=1, at=None):
        """The gradient of every weight, summed over timesteps."""
        cross = crossing(at)
        dY = cross("loss", dY)
        total = weights * 0
        dh_next = dc_next = np.zeros_like(trace.h[0])
        for t in reversed(range(len(dY))):
            now = self.now(trace, t)
            dh = dY[t] @ weights.Wy.T + dh_next
            dc = self.into_cell(now, dh, dc_next)
            dz = self.into_gates(now, dh, dc, size_X)
            total = total + self.contribution(now, dz, dY[t], size_X)
            if t > 0:
                dh_next, dc_next = self.carry(self.into_hidden(weights, now, dh, dz), dc * now.f)
                dh_next, dc_next = cross("dh_next", dh_next), cross("dc_next", dc_next)
        return total

    def now(self, trace, t):
        """What the forward pass left behind at timestep t (counted from 0; hiddens and cells begin with h0, c0)."""
        return StepTrace(trace.X[t], trace.hiddens[t], trace.cells[t], trace.i[t], trace.f[t], trace.g[t], trace.o[t],
                         trace.cells[t + 1], trace.hiddens[t + 1])

    def into_cell(self, now, dh, dc_next):
        return dh * now.o * (1 - np.tanh(now.c) ** 2) + dc_next

    def into_gates(self, now, dh, dc, size_X=1):
        x, h_prev, c_prev, i, f, g, o, c, h = now
        return np.concatenate([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g ** 2),
                               dh * np.tanh(c) * o * (1 - o)], axis=-1)

    def contribution(self, now, dz, dy, size_X=1):
        return Weights(now.x.T @ dz, now.h_prev.T @ dz, dz.sum(axis=0), now.h.T @ dy, dy.sum(axis=0))

    def into_hidden(self, weights, now, dh, dz):
        return dz @ weights.Wh.T

    def carry(self, dh_prev, dc_prev):
        return dh_prev, dc_prev

    def average(self, total, size_X):
        return total / size_X

    def __repr__(self):
        return f"{type(self).__name__}()"


def mean_loss(weights, batch):
    """C = L/|X|, a number."""
    return cross_entropy(forward(weights, batch.X).Y, batch.labels, batch.mask)[0] / batch.size_X


class Overwritten(Textbook):
    """The gradient that comes back along the cell state is replaced, where it should be added to."""

    name, fault = "overwritten", "dc is overwritten instead of added to"
    wrong, right = "dc = dh * o * (1 - tanh(c)**2)", "dc = dh * o * (1 - tanh(c)**2) + dc_next"

    def into_cell(self, now, dh, dc_next):
        return dh * now.o * (1 - np.tanh(now.c) ** 2)


class NotCarried(Textbook):
    """dh_prev and dc_prev are computed and thrown away: no gradient ever crosses a timestep."""

    name, fault = "not carried", "dh and dc are not carried to the next step"
    wrong, right = "gradient, _, _ = step_backward(...)", "gradient, dh_next, dc_next = step_backward(...)"

    def carry(self, dh_prev, dc_prev):
        return np.zeros_like(dh_prev), np.zeros_like(dc_prev)


class ActivatedTwice(Textbook):
    """The slope of the candidate's tanh is taken at g, which is tanh(z_g) already, where it should be taken at z_g."""

    name, fault = "activated twice", "the derivative is applied to the activation, so that it is activated twice"
    wrong, right = "slope_g = 1 - tanh(g)**2", "slope_g = 1 - g**2"

    def into_gates(self, now, dh, dc, size_X=1):
        x, h_prev, c_prev, i, f, g, o, c, h = now
        return np.concatenate([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - np.tanh(g) ** 2),
                               dh * np.tanh(c) * o * (1 - o)], axis=-1)


class Shifted(Textbook):
    """The lists of states begin with h0 and c0, but are read as if they did not; at t = 0 the index -1 wraps round."""

    name, fault = "shifted", "the states before t are read one index too early"
    wrong, right = "h_prev, c_prev = hiddens[t - 1], cells[t - 1]", "h_prev, c_prev = hiddens[t], cells[t]"

    def now(self, trace, t):
        return super().now(trace, t)._replace(h_prev=trace.hiddens[t - 1], c_prev=trace.cells[t - 1])


class FactorK(Textbook):
    """The loss that is reported is also averaged over the K classes; the gradient is that of the sum over them."""

    name, fault = "factor K", "loss and gradient are normalised differently: a factor K between them"
    wrong, right = "loss = -mean(target * log(p)); dy = p - target", "loss = -sum(target * log(p)); dy = p - target"

    def objective(self, weights, batch):
        return mean_loss(weights, batch) / weights.K


class ClippedInside(Textbook):
    """Backward clips the sum before it is divided, and returns what is left as the gradient."""

    name, fault = "clipped inside", "the gradient is clipped inside backward"
    wrong, right = "return clip(gradient) / size_X", "return gradient / size_X  (clip in the training loop)"
    limit = 1

    def average(self, total, size_X):
        return clip_by_norm(total, self.limit) / size_X


class EveryStep(Textbook):
    """1/|X| is applied to dz at every step of the recurrence, and to dy on its way to Wy and by."""

    name, fault = "every step", "1/|X| is applied at every step of the recurrence"
    wrong, right = "dz = dz / size_X  (in the loop)", "gradient = gradient / size_X  (behind the loop)"

    def into_gates(self, now, dh, dc, size_X=1):
        return super().into_gates(now, dh, dc) / size_X

    def contribution(self, now, dz, dy, size_X=1):
        return super().contribution(now, dz, dy / size_X)

    def average(self, total, size_X):
        return total


class MeanOfMeans(Textbook):
    """The batch goes through in micro-batches; each is averaged over its own items, then the means are averaged."""

    name, fault = "mean of means", "the mean of micro-batch means is taken for the mean"
    wrong, right = "C = mean([L_1 / size_1, L_2 / size_2])", "C = (L_1 + L_2) / (size_1 + size_2)"
    pieces = 2

    def micro_batches(self, batch):
        B = len(batch.mask[0])
        return [batch.take(columns) for columns in np.array_split(np.arange(B), min(self.pieces, B))]

    def objective(self, weights, batch):
        means = [mean_loss(weights, piece) for piece in self.micro_batches(batch)]
        return sum(means) / len(means)

    def gradient(self, weights, batch, size_X=None, at=None):
        pieces = self.micro_batches(batch)
        share = 1 if size_X is None else size_X / batch.size_X
        means = [super(MeanOfMeans, self).gradient(weights, piece, piece.size_X * share, at) for piece in pieces]
        return sum(means[1:], means[0]) / len(means)


class LastCaches(Textbook):
    """Gates and cell states are kept in variables that the forward loop overwrites: only the last ones are left."""

    name, fault = "last caches", "the gates and cells of the last timestep are used at every timestep"
    wrong, right = "slope_o = o * (1 - o)  (o as the forward loop left it)", "slope_o = o[t] * (1 - o[t])"

    def now(self, trace, t):
        return super().now(trace, len(trace.X) - 1)._replace(x=trace.X[t], h_prev=trace.h_prev[t], h=trace.h[t])


class FromDhAlone(Textbook):
    """What goes back to h_(t-1) leaves out what has come along the cell. With two timesteps it is right."""

    name, fault = "from dh alone", "dh_next is made from dh alone, without what came along the cell state"
    wrong, right = "dh_next = dz_of(dh, dc=dh * o * (1 - tanh(c)**2)) @ Wh.T", "dh_next = dz_of(dh, dc) @ Wh.T"

    def into_hidden(self, weights, now, dh, dz):
        return super().into_hidden(weights, now, dh, self.into_gates(now, dh, self.into_cell(now, dh, 0)))


class LastLoss(Textbook):
    """The gradient of the last timestep's loss stands where each timestep's own should stand."""

    name, fault = "last loss", "the gradient of the last timestep's loss is used at every timestep"
    wrong, right = "dh = dY[-1] @ Wy.T + dh_next", "dh = dY[t] @ Wy.T + dh_next"

    def through_time(self, weights, trace, dY, size_X=1, at=None):
        return super().through_time(weights, trace, np.broadcast_to(dY[-1:], dY.shape).copy(), size_X, at)


class BeforeTanh(Textbook):
    """The slope of tanh is written as 1 - (activation)^2 with c in place of tanh(c): c has not been through tanh."""

    name, fault = "before tanh", "the slope of tanh(c) is taken from c, which has not been through tanh yet"
    wrong, right = "dc = dh * o * (1 - c**2) + dc_next", "dc = dh * o * (1 - tanh(c)**2) + dc_next"

    def into_cell(self, now, dh, dc_next):
        return dh * now.o * (1 - now.c ** 2) + dc_next


class ExtraSlope(Textbook):
    """The output layer is taken for one with a sigmoid: softmax and cross entropy have given p - target already."""

    name, fault = "extra slope", "the gradient of the logits is multiplied by a slope that it has in it already"
    wrong, right = "dy = (p - target) * p * (1 - p)", "dy = p - target"

    def through_time(self, weights, trace, dY, size_X=1, at=None):
        p = softmax(trace.Y)
        return super().through_time(weights, trace, dY * p * (1 - p), size_X, at)


class ShiftedAndOverwritten(Shifted, Overwritten):
    """Two faults: the states before t are read one index early, and dc is overwritten."""

    name, fault = "shifted, overwritten", f"{Shifted.fault}; {Overwritten.fault}"
    wrong, right = f"{Shifted.wrong}; {Overwritten.wrong}", f"{Shifted.right}; {Overwritten.right}"


class BeforeTanhNotCarried(BeforeTanh, NotCarried):
    """Two faults: the slope of tanh(c) from c, and nothing carried to the next step."""

    name, fault = "before tanh, not carried", f"{BeforeTanh.fault}; {NotCarried.fault}"
    wrong, right = f"{BeforeTanh.wrong}; {NotCarried.wrong}", f"{BeforeTanh.right}; {NotCarried.right}"


def outpatient(patient):
    """A patient as `lstmlib.clinic.diagnose` and `xray` take it: own(weights, X, labels) -> (loss, gradient)."""
    def own(weights, X, labels):
        batch = Batch(X, labels, np.ones(labels.shape, bool))
        return patient.objective(weights, batch), patient.gradient(weights, batch)

    return own


def example(seed, T=6, lengths=(6, 5, 2, 1), D=3, H=4, K=3, scale=1.6):
    """Weights and a ragged batch to examine patients with; no bias is zero.  ->  Weights, Batch"""
    rng = np.random.default_rng(seed)
    B, weights = len(lengths), init_weights(D, H, K, seed=seed) * scale
    b, by = weights.b + rng.normal(0, 0.3, 4 * H), rng.normal(0, 0.5, K)
    batch = Batch(rng.normal(size=(T, B, D)), rng.integers(K, size=(T, B)), np.arange(T)[:, None] < np.array(lengths))
    return Weights(weights.Wx, weights.Wh, b, weights.Wy, by), batch


HEALTHY = Textbook()
PATIENTS = {patient.name: patient for patient in (Overwritten(), NotCarried(), ActivatedTwice(), Shifted(), FactorK(),
                                                  ClippedInside(), EveryStep(), MeanOfMeans())}

# More faults of published code, two of them at a time too: for the X-ray and for `diagnose`.
OUTPATIENTS = {patient.name: patient for patient in (LastCaches(), FromDhAlone(), LastLoss(), BeforeTanh(),
                                                     ExtraSlope(), ShiftedAndOverwritten(), BeforeTanhNotCarried())}

# The first eight without their names, for those who want to find the fault from readings alone.
WARD = dict(zip("ABCDEFGH", (PATIENTS[name] for name in (
    "clipped inside", "activated twice", "not carried", "mean of means", "shifted", "every step", "factor K",
    "overwritten"))))
