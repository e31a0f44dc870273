"""Backward passes with a fault, or two, for the bug clinic (notebook 8).

`Textbook` is backpropagation through time as textbooks write it, in parts: one short method each. A patient is
a `Textbook` in which one part is wrong, in a way that published code has been wrong. The objective of all of them
is meant to be C = L/|X|: the mean cross entropy over the |X| items that count.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .. import checks
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

    name, fault = "healthy", "no fault"

    def objective(self, weights, batch):
        """C = L/|X|, a number."""
        return mean_loss(weights, batch)

    def gradient(self, weights, batch, at=None):
        """The gradient of C, as Weights; `at` is a hook as in `lstmlib.backward`, for loss, dh_next and dc_next.

        Raises ValueError or TypeError where an argument does not fit.
        """
        checks.instance("batch", batch, Batch)
        trace = forward(weights, batch.X)
        _, dY = cross_entropy(trace.Y, batch.labels, batch.mask)
        return self.average(self.through_time(weights, trace, dY, batch.size_X, at), batch.size_X)

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
        """What the forward pass left behind at timestep t, counted from 0."""
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
    name, fault = "overwritten", "dc is overwritten instead of added to"

    def into_cell(self, now, dh, dc_next):
        return dh * now.o * (1 - np.tanh(now.c) ** 2)


class NotCarried(Textbook):
    name, fault = "not carried", "dh and dc are not carried to the next step"

    def carry(self, dh_prev, dc_prev):
        return np.zeros_like(dh_prev), np.zeros_like(dc_prev)


class ActivatedTwice(Textbook):
    name, fault = "activated twice", "the derivative is applied to the activation, so that it is activated twice"

    def into_gates(self, now, dh, dc, size_X=1):
        x, h_prev, c_prev, i, f, g, o, c, h = now
        return np.concatenate([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - np.tanh(g) ** 2),
                               dh * np.tanh(c) * o * (1 - o)], axis=-1)


class Shifted(Textbook):
    name, fault = "shifted", "the states before t are read one index too early"

    def now(self, trace, t):
        return super().now(trace, t)._replace(h_prev=trace.hiddens[t - 1], c_prev=trace.cells[t - 1])


class FactorK(Textbook):
    name, fault = "factor K", "loss and gradient are normalised differently: a factor K between them"

    def objective(self, weights, batch):
        return mean_loss(weights, batch) / weights.K


class ClippedInside(Textbook):
    name, fault = "clipped inside", "the gradient is clipped inside backward"

    def average(self, total, size_X):
        return clip_by_norm(total, 1) / size_X


class EveryStep(Textbook):
    name, fault = "every step", "1/|X| is applied at every step of the recurrence"

    def into_gates(self, now, dh, dc, size_X=1):
        return super().into_gates(now, dh, dc) / size_X

    def contribution(self, now, dz, dy, size_X=1):
        return super().contribution(now, dz, dy / size_X)

    def average(self, total, size_X):
        return total


class MeanOfMeans(Textbook):
    name, fault = "mean of means", "the mean of micro-batch means is taken for the mean"

    def mean(self, of, batch):
        B = len(batch.mask[0])
        means = [of(batch.take(columns)) for columns in np.array_split(np.arange(B), min(2, B))]
        return sum(means[1:], means[0]) / len(means)

    def objective(self, weights, batch):
        return self.mean(lambda piece: mean_loss(weights, piece), batch)

    def gradient(self, weights, batch, at=None):
        return self.mean(lambda piece: HEALTHY.gradient(weights, piece, at), batch)


class LastCaches(Textbook):
    name, fault = "last caches", "the gates and cells of the last timestep are used at every timestep"

    def now(self, trace, t):
        return super().now(trace, len(trace.X) - 1)._replace(x=trace.X[t], h_prev=trace.h_prev[t], h=trace.h[t])


class FromDhAlone(Textbook):  # with two timesteps it is right
    name, fault = "from dh alone", "dh_next is made from dh alone, without what came along the cell state"

    def into_hidden(self, weights, now, dh, dz):
        return super().into_hidden(weights, now, dh, self.into_gates(now, dh, self.into_cell(now, dh, 0)))


class LastLoss(Textbook):
    name, fault = "last loss", "the gradient of the last timestep's loss is used at every timestep"

    def through_time(self, weights, trace, dY, size_X=1, at=None):
        return super().through_time(weights, trace, np.broadcast_to(dY[-1:], dY.shape).copy(), size_X, at)


class BeforeTanh(Textbook):
    name, fault = "before tanh", "the slope of tanh(c) is taken from c, which has not been through tanh yet"

    def into_cell(self, now, dh, dc_next):
        return dh * now.o * (1 - now.c ** 2) + dc_next


class ExtraSlope(Textbook):
    name, fault = "extra slope", "the gradient of the logits is multiplied by a slope that it has in it already"

    def through_time(self, weights, trace, dY, size_X=1, at=None):
        p = softmax(trace.Y)
        return super().through_time(weights, trace, dY * p * (1 - p), size_X, at)


class ShiftedAndOverwritten(Shifted, Overwritten):
    name, fault = "shifted, overwritten", f"{Shifted.fault}; {Overwritten.fault}"


class BeforeTanhNotCarried(BeforeTanh, NotCarried):
    name, fault = "before tanh, not carried", f"{BeforeTanh.fault}; {NotCarried.fault}"


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
    weights = replace(weights, b=weights.b + rng.normal(0, 0.3, 4 * H), by=rng.normal(0, 0.5, K))
    return weights, Batch(rng.normal(size=(T, B, D)), rng.integers(K, size=(T, B)),
                          np.arange(T)[:, None] < np.array(lengths))


HEALTHY = Textbook()
PATIENTS = {kind.name: kind() for kind in (
    Overwritten, NotCarried, ActivatedTwice, Shifted, FactorK, ClippedInside, EveryStep, MeanOfMeans)}
# The same without their names, for those who want to find the fault from readings alone.
WARD = dict(zip("ABCDEFGH", (PATIENTS[name] for name in (
    "clipped inside", "activated twice", "not carried", "mean of means", "shifted", "every step", "factor K",
    "overwritten"))))
# More faults of published code, two of them at a time too: for the X-ray and for `diagnose`.
OUTPATIENTS = {kind.name: kind() for kind in (
    LastCaches, FromDhAlone, LastLoss, BeforeTanh, ExtraSlope, ShiftedAndOverwritten, BeforeTanhNotCarried)}
