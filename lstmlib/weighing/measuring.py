"""Calls and least squares: what each part of a batch weighs in the gradient."""

import builtins
import sys
import time
from typing import NamedTuple

import numpy as np

from .. import checks


def weigh(whole, parts):
    """whole = sum_p w_p parts_p by least squares  ->  w, their standard errors, the share that is left over."""
    scale = np.linalg.norm(parts, axis=1)
    scale[scale == 0] = 1  # a sample may have missed it
    A = (parts / scale[:, None]).T
    w = np.linalg.lstsq(A, whole, rcond=None)[0]
    rest = np.linalg.norm(whole - A @ w)
    error = rest / np.sqrt(max(A.shape[0] - len(w), 1)) * np.sqrt(np.diag(np.linalg.pinv(A.T @ A)))
    return w / scale, error / scale, rest / (np.linalg.norm(whole) or 1)


class Gradient(NamedTuple):
    """A gradient: a sample of its entries, its norm, its largest entry, and the share of entries as large as that."""

    entries: np.ndarray
    norm: float
    peak: float
    at_peak: float

    def far_from(self, other):
        return np.linalg.norm(self.entries - other.entries) / (np.linalg.norm(other.entries) or 1)


class Recorder:
    """Calls the step and makes a `Gradient` of what comes, always of the same entries; says how far it is."""

    def __init__(self, gradient, planned, sample):
        self.gradient, self.planned, self.sample = gradient, planned, sample
        self.calls, self.shapes, self.total, self.chosen = 0, None, 0, np.zeros(0, int)
        self.began = time.monotonic()

    def __call__(self, pieces):
        self.calls += 1
        if time.monotonic() - self.began > 2 and (
                hasattr(builtins, "get_ipython") or sys.stderr and sys.stderr.isatty()):  # a line can be written over
            end = "\n" if self.calls == self.planned else ""
            print(f"\rexamine: call {self.calls} of {self.planned}", end=end, file=sys.stderr, flush=True)
        return self.vector(self.gradient(pieces), "gradient(pieces)")

    def vector(self, gradient, name):
        arrays = list(leaves(gradient, name))
        if not sum(array.size for array in arrays):  # no gradient at all is one of zero
            return Gradient(np.zeros(len(self.chosen)), 0.0, 0.0, 0.0)
        shapes = [array.shape for array in arrays]
        if self.shapes is None:
            self.shapes, self.total = shapes, sum(array.size for array in arrays)
            drawn = np.random.default_rng(0).integers(0, self.total, self.sample)
            self.chosen = np.unique(drawn) if self.total > self.sample else np.arange(self.total)
        if shapes != self.shapes:
            raise ValueError(f"{name} must return arrays of the same shapes in every call (zeros where a parameter has "
                             f"no gradient), got {shapes} after {self.shapes}"[:400])
        entries, start, norm, peaks = [], 0, 0.0, []
        for array in arrays:
            low, high = np.searchsorted(self.chosen, (start, start + array.size))
            entries.append(array.ravel()[self.chosen[low:high] - start].astype(float))
            start, size = start + array.size, np.abs(array, dtype=float)
            largest = size.max(initial=0.0)
            norm = np.hypot(norm, largest * np.linalg.norm(size / (largest or 1)))  # safe from overflow
            peaks.append((largest, (size == largest).sum(), np.count_nonzero(size)))
        largest, at_largest, filled = map(np.array, zip(*peaks))
        at_peak = at_largest[largest == largest.max()].sum()
        share = at_peak / (filled.sum() or 1) * (at_peak > 1)
        return Gradient(np.concatenate(entries), float(norm), float(largest.max()), share)


def leaves(gradient, name):
    """The arrays of a gradient, one after another, on the CPU."""
    if gradient is None:
        raise TypeError(f"{name} must be an array, or a dict, list or tuple of arrays, got None")
    in_a_row = isinstance(gradient, (list, tuple))
    if in_a_row or hasattr(gradient, "items"):
        for key, value in enumerate(gradient) if in_a_row else sorted(gradient.items(), key=lambda pair: str(pair[0])):
            if value is not None:  # a parameter without a gradient
                yield from leaves(value, f"{name}[{key!r}]")
    else:
        if hasattr(gradient, "detach"):  # PyTorch
            gradient = gradient.detach().cpu()
            gradient = gradient.to_dense() if gradient.is_sparse else gradient
            gradient = gradient.float() if "bfloat16" in str(gradient.dtype) else gradient
        array = checks.rectangular(name, gradient)
        if array.dtype.kind in "OSUMmc":
            raise TypeError(f"{name} must hold real numbers, got {type(gradient).__name__} of dtype {array.dtype}")
        yield array if array.dtype.kind in "buif" else array.astype(float)  # JAX has a bfloat16 of its own


class Measured(NamedTuple):
    """All gradients, and what least squares reads off them."""

    alone: list          # a Gradient for each part, as of the reference
    cuts: list           # one for each cut of the plan
    weights: np.ndarray  # (cuts, parts); NaN where a part is not in the cut or has no gradient
    errors: np.ndarray   # their standard errors
    left: np.ndarray     # the share of each cut's gradient that is left over
    seen: list           # (set of things, Gradient) of all calls
    again: Gradient      # the first cut once more
    turned: Gradient     # with its items in the other order
    empty: list          # (words, Gradient or the exception): without a token


def measure(call, plan, things, references, empties):
    """Call the step on everything in the plan, then weigh."""
    def batch(cut):
        return call([[things[thing] for thing in rows] for rows in cut])

    def attempt(cut):
        try:
            return batch(cut)
        except Exception as error:
            return error

    cuts = [batch(cut) for cut in plan.cuts]
    alone = [batch(cut) for cut in plan.alone] if references is None else [
        call.vector(references[part.term](things[part.thing]), f"reference(items[{part.item}])") for part in plan.parts]
    turned, again = batch([rows[::-1] for rows in plan.cuts[0]]), batch(plan.cuts[0])
    empty = [(words, attempt(cut)) for words, cut in empties]  # last: a step that keeps something may keep NaN
    cuts, alone = ([one._replace(entries=np.zeros(len(call.chosen))) if not one.norm else one for one in many]
                   for many in (cuts, alone))

    weights, errors = np.full((2, *plan.present.shape), np.nan)
    left, finite = np.zeros(len(cuts)), all(np.isfinite(one.norm) for one in [*cuts, *alone])
    entries, there = np.stack([one.entries for one in alone]), plan.present & [one.norm != 0 for one in alone]
    for c, whole in enumerate(cuts):
        if finite and whole.norm and there[c].any():
            weights[c, there[c]], errors[c, there[c]], left[c] = weigh(whole.entries, entries[there[c]])
    called = [*zip(plan.cuts, cuts), *(zip(plan.alone, alone) if references is None else [])]
    seen = [(frozenset(sum(cut, [])), one) for cut, one in called]
    return Measured(alone, cuts, weights, errors, left, seen, again, turned, empty)
