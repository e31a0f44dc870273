"""Questions to someone else's code, and what comes back."""

import random
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .. import checks
from ..weights import Weights
from . import catalogue

ARRAYS = ("Wx", "Wh", "b", "Wy", "by")
AXES = {"Wx": "D 4H", "Wh": "H 4H", "b": "4H", "Wy": "H K", "by": "K"}
LOSSES = ("cross entropy", "squared error", "given")


class Sizes(NamedTuple):
    T: int = 5
    B: int = 2
    D: int = 6
    H: int = 4
    K: int = 3


def patched(module, **functions):
    """A context in which these functions stand in the module."""
    from unittest.mock import patch  # here, for it imports asyncio
    return patch.multiple(module, **functions)


@contextmanager
def same_random_numbers():
    """The same at every call, where they are not drawn by a generator that was made before."""
    before, new = (np.random.get_state(), random.getstate()), np.random.default_rng
    np.random.seed(0)
    random.seed(0)
    try:
        with patched(np.random, default_rng=lambda seed=None: new(0 if seed is None else seed)):
            yield
    finally:
        np.random.set_state(before[0])
        random.setstate(before[1])


class Own:
    """The code: it gets copies, what it returns is checked, calls are counted."""

    calls = 0
    raised = None  # the last error that came out of it
    changed = False  # whether it has changed an argument in place
    keeps_sums = ()  # the arrays that grow from call to call: what earlier calls left in them is taken off
    steadied = nullcontext  # the context in which it is called, where its calls differ otherwise
    starts = False  # where its sums start with something then: what they are when nothing is added is taken off
    left_out = ()  # the arrays that differ from call to call all the same: they are not judged
    single = False  # where it computes in single precision

    def __init__(self, own, loss, many_to_one):
        if not callable(own):
            raise TypeError(f"own must be a function own(weights, X, targets), got {type(own).__name__}")
        if not isinstance(loss, str) or loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(map(repr, LOSSES))}, got {loss!r}")
        self.own, self.loss, self.many_to_one, self.given = own, loss, bool(many_to_one), loss == "given"
        self.by_items = getattr(own, "by_items", False)  # the gradient of Wx is that of each item, times x

    def __call__(self, weights, X, targets, any_loss=False):
        """-> the loss (None where dh is given), {array: float64}; targets are those of all timesteps."""
        before = self.once(weights, X, targets, any_loss)[1] if self.keeps_sums else {}
        before = self.start(weights, X, targets) if self.starts else before
        loss, gradient = self.once(weights, X, targets, any_loss)
        return loss, {name: array - before[name] if name in (self.keeps_sums or before) else array
                      for name, array in gradient.items() if name not in self.left_out}

    def start(self, weights, X, targets):
        """The gradient where that of the loss is zero: each output is its target, each label sure."""
        if self.given:
            return self.once(weights, X, 0 * targets)[1]
        by, target = np.where(np.arange(weights.K) == 0, 40.0, -40.0), 0
        if self.loss == "squared error":
            by = target = 0.6590460684074066  # sigmoid(y) = y
        return self.once(replace(0 * weights, by=0 * weights.by + by), X, 0 * targets + target, any_loss=True)[1]

    def raw(self, weights, X, targets):
        """What it returns; the targets are those that it gets."""
        with self.steadied():
            return self.own(weights, X, targets)

    def once(self, weights, X, targets, any_loss=False):
        self.calls += 1
        if self.many_to_one and not self.given:
            targets = targets[-1]
        mine = X.copy(), targets.copy()
        try:
            result = self.raw(weights, *mine)
        except Exception as error:
            self.raised = error
            raise
        self.changed |= not (np.array_equal(mine[0], X) and np.array_equal(mine[1], targets))
        if self.given:
            return None, checked(result, weights, ARRAYS[:3])
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            came = type(result).__name__ + (f" of {len(result)}" if isinstance(result, (tuple, list)) else "")
            missing = ": the loss is missing (code that is given dh has none: loss='given')"
            hint = {"NoneType": ": its last line must be `return loss, gradient`", "dict": missing, "Weights": missing}
            raise TypeError(f"own must return (loss, gradient), got {came}{hint.get(came, '')}")
        if isinstance(result[0], (dict, Weights)):
            raise TypeError("own must return (loss, gradient), got the gradient first: exchange the two")
        loss = checks.rectangular("the loss of own", result[0])
        if loss.size != 1 or loss.dtype.kind not in "uif" or not (any_loss or np.isfinite(loss).all()):
            hint = ""
            if loss.size > 1 and loss.dtype.kind in "uif":
                hint = ": sum the losses of timesteps and sequences"
            elif loss.dtype.kind == "f":
                hint = (": the questions are of ordinary size, so look for a log of 0, a division by 0, an exp that "
                        "overflows")
            raise ValueError("own must return (loss, gradient) with one finite number as loss, got "
                             f"{result[0]!r}{hint}")
        return float(loss.reshape(())), checked(result[1], weights, ARRAYS)

    def upstream(self, now, targets):
        """The loss of each item (T, B) after this forward pass, and {kind: dY}; without a loss dh, as the right one."""
        if self.given:
            return None, {"right": targets}
        items, dYs = catalogue.losses(self.loss, now.way, now.logits, targets)
        for array in (items, *dYs.values()) if self.many_to_one else ():
            array[:-1] = 0
        return items, dYs


def checked(gradient, weights, names):
    """The arrays of these names as {array: float64}; errors name the array."""
    items = dict(gradient.items()) if isinstance(gradient, Weights) else gradient
    if not isinstance(items, dict) or not items:
        raise TypeError(f"the gradient of own must be a Weights or a dict of some of {', '.join(ARRAYS)}, "
                        f"got {type(gradient).__name__}")
    if unknown := [str(name) for name in items if name not in ARRAYS]:
        raise ValueError(f"the gradient of own must have keys from {', '.join(ARRAYS)}, got {', '.join(unknown)}")
    arrays = {name: checked_array(name, items[name], weights) for name in names if items.get(name) is not None}
    if not arrays:
        raise ValueError(f"the gradient of own must have some of {', '.join(names)}, got {', '.join(items)}")
    return arrays


@checks.quiet
def checked_array(name, array, weights):
    """An array of the gradient, in float64; what has the right numbers in another shape is told how to change it."""
    sizes = {"D": weights.D, "4H": 4 * weights.H, "H": weights.H, "K": weights.K, "dtype": np.dtype(float)}
    array = checks.rectangular(f"the gradient of {name}", array)
    try:
        return checks.array(f"the gradient of {name}", array, AXES[name], sizes)
    except ValueError as error:
        shape, right = np.shape(array), getattr(weights, name).shape
        if len(right) == 2 and shape == right[::-1]:
            error.add_note("It is the transpose: layouts(..., columns=True), or take .T of it.")
        elif shape != right and np.size(array) == np.prod(right):
            error.add_note(f"It has the right number of entries: .reshape{right} if their order is that of {name}.")
        raise


def random_weights(sizes, rng):
    T, B, D, H, K = sizes
    return Weights(rng.normal(0, 0.8, (D, 4 * H)), rng.normal(0, 1.3 / np.sqrt(H), (H, 4 * H)),
                   rng.normal(0, 0.4, 4 * H), rng.normal(0, 0.6, (H, K)), rng.normal(0, 0.5, K))


def random_targets(loss, sizes, rng):
    if loss == "cross entropy":
        return rng.integers(0, sizes.K, sizes[:2])
    return rng.normal(size=(*sizes[:2], sizes.H if loss == "given" else sizes.K))


def other_targets(targets, K):
    return (targets + 1) % K if targets.dtype.kind == "i" else targets + 1


class Data:
    """A question, the loss and the gradient that the code answers, and what faults would make of it."""

    def __init__(self, asked, sizes, weights, X, targets, answer=None, any_loss=False):
        self.asked, self.sizes, self.weights, self.X, self.targets = asked, sizes, weights, X, targets
        self.loss, self.gradient = answer or asked(weights, X, targets, any_loss)
        self.last = None  # of `upstream`

    @classmethod
    def random(cls, asked, sizes, rng, weights=None):
        weights = random_weights(sizes, rng) if weights is None else weights
        X, targets = rng.normal(size=(sizes.T, sizes.B, sizes.D)), random_targets(asked.loss, sizes, rng)
        if asked.many_to_one and asked.given:
            targets[:-1] = 0
        return cls(asked, sizes, weights, X, targets)

    def softened(self, way):
        """The same question with so small a gradient that no clip meets it."""
        w, targets = replace(self.weights, Wy=self.weights.Wy / 100), self.targets / 100
        if self.asked.loss == "cross entropy":
            targets = self.targets
        elif self.asked.loss == "squared error":
            targets = targets + catalogue.outputs(catalogue.forward(w, self.X, way))
        return Data(self.asked, self.sizes, w, self.X, targets)

    def again(self, targets=None):
        """Asked once more, with other targets where there are some."""
        return Data(self.asked, self.sizes, self.weights, self.X, self.targets if targets is None else targets)

    def upstream(self, way):
        """What `catalogue.forward` leaves, the loss of each item (T, B), and {kind: dY}."""
        if self.last is None or self.last[0].way is not way:
            now = catalogue.forward(self.weights, self.X, way)
            self.last = now, *self.asked.upstream(now, self.targets)
        return self.last

    def backward(self, way, faults, items=False):
        """`catalogue.backward` with these faults; with `items` that of each item, in front."""
        now, _, dYs = self.upstream(way)
        if items:
            one_each = np.eye(self.sizes.T * self.sizes.B).reshape(-1, self.sizes.T, self.sizes.B, 1)
            dYs = {kind: one_each * dY for kind, dY in dYs.items()}
        with np.errstate(all="ignore"):
            return catalogue.backward(self.weights, now, dYs, faults, self.asked.given)

    def predict(self, way, faults, items=False):
        """The gradient with these faults."""
        return self.backward(way, faults, items)[0]


def close(a, b, tolerance):
    return bool(np.linalg.norm(a - b) <= tolerance * max(np.linalg.norm(a), np.linalg.norm(b)) + 1e-14)


def proportional(mine, theirs, tolerance):
    factor = np.vdot(theirs, mine) / (np.vdot(theirs, theirs) or 1)
    return close(mine, factor * theirs, tolerance) and (factor != 0 or not theirs.any())


def relative(mine, truth):
    """||mine - truth|| / ||truth||; 0 where both are zero, infinite where only the truth is."""
    size = np.linalg.norm(truth)
    return float(np.linalg.norm(mine - truth) / size) if size else float("inf") if np.any(mine) else 0.0
