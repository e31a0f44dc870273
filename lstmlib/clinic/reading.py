"""The forward pass, read from the loss of someone else's code; and diagonal peepholes with it.

With Wh = 0 no unit sees another, with one row of Wy that is not zero the outputs show one unit, and another target at
one timestep changes the loss by a number that tells the output there: so every h_t is read. The three peepholes of a
unit are those that make its h_t (least squares, after Levenberg and Marquardt, from several starts).
"""

from dataclasses import replace
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from ..cell import sigmoid
from . import catalogue
from .asking import Data, other_targets, random_targets, random_weights

BASES = ("standard", "coupled gates, f = 1 - i", "coupled gates, i = 1 - f", "h = o * c, without tanh",
         "candidate through a sigmoid")


class OfLoss(NamedTuple):
    """What stands before the loss, and what is added to it; what the sequences weigh, where not all weigh alike."""

    factor: float | None = None
    constant: float = 0.0
    uneven: np.ndarray | None = None


class Reading:
    """How the loss of the code moves with the targets of one sequence, and which forward pass moves its loss so."""

    def __init__(self, asked, sizes, seed):
        self.asked, self.sizes, self.seed = asked, sizes, seed
        rng = np.random.default_rng([seed, 2])
        self.weights = random_weights(sizes, rng)
        self.data = [Data.random(asked, sizes, rng, self.weights) for _ in range(3)]
        for base, b in [(one, 0) for one in self.data] + [(self.data[0], b) for b in range(1, sizes.B)]:
            targets, new = base.targets.copy(), random_targets(asked.loss, sizes, rng)
            targets[:, b] = new[:, b] if new.dtype.kind == "f" else other_targets(base.targets[:, b], sizes.K)
            self.data.append(base.again(targets))

    def forward(self, said):
        """The first forward pass that fits: its name, way and OfLoss; None if there is none."""
        return next(((name, way, of_loss) for name, way in self.forwards(said)
                     if (of_loss := self.fit(way, self.data))), None)

    def forwards(self, said):
        """Those that are known; then those with peepholes, which are read from the loss."""
        H, K = self.sizes.H, self.sizes.K
        yield from ((name, way) for name, way in catalogue.FORWARDS.items() if H == K or way.get("output") != "h")
        said("the loss: peepholes")
        yield from with_peepholes(self.asked, self.sizes, np.random.default_rng([self.seed, 4]))

    def fit(self, way, data):
        """OfLoss, or None if the loss is not that of this forward pass."""
        mine, tolerance = np.array([one.loss for one in data]), 1e-3 if self.asked.single else 1e-7
        theirs = np.array([one.upstream(way)[1].sum(axis=0) for one in data])  # of each sequence
        first = (mine[3:6] - mine[:3]) / (theirs[3:6, 0] - theirs[:3, 0])
        if np.ptp(first) > tolerance * abs(first).max() or not first.any():
            return None
        factors = np.array([np.median(first)] + [
            (mine[5 + b] - mine[0]) / (theirs[5 + b, b] - theirs[0, b]) for b in range(1, self.sizes.B)])
        rest = mine - theirs @ factors
        if np.ptp(rest) > tolerance * abs(mine).max():
            return None
        constant = float(rest[0]) if abs(rest[0]) > tolerance * abs(mine[0]) else 0.0
        uneven = np.ptp(factors) > 10 * tolerance * abs(factors).max()
        return OfLoss(float(factors[0]), constant, factors / factors[0] if uneven else None)

    def hint(self):
        """Where to look, if no forward pass fits. ValueError where the loss moves with no weight."""
        if self.asked(0.5 * self.weights, self.data[0].X, self.data[0].targets)[0] == self.data[0].loss:
            raise ValueError("own takes no notice of the weights that it is given: with others its loss is the same. "
                             "Does the adapter put them where the code reads them, layout.put(weights, net)?")
        for how, weights in other_layouts(self.weights):
            if self.fit({}, [Data(self.asked, self.sizes, weights, one.X, one.targets, (one.loss, None))
                             for one in self.data]):
                return f"It is that of the usual one if the adapter's layouts are mended: {how}"
        data, targets = self.data[0], self.data[0].targets.copy()
        targets[:-1] = other_targets(targets[:-1], self.sizes.K)
        if self.sizes.T > 1 and not self.asked.many_to_one and data.again(targets).loss == data.loss:
            return ("The loss takes no notice of targets before the last timestep: if it is that of the last one, say "
                    "many_to_one=True; own gets its targets alone then")
        return ("If the code is an LSTM of equations (1)-(6), look again at what the adapter says of its layout: the "
                "order of the gates, what is joined, rows or columns")


def other_layouts(weights):
    """(how to mend the adapter, the weights as the code sees them) where it mistakes the order, or what is joined."""
    H, D = weights.H, weights.D
    xh, hx = np.concatenate([weights.Wx, weights.Wh]), np.concatenate([weights.Wh, weights.Wx])
    joined = {"": (weights.Wx, weights.Wh), "joined='xh'": (hx[:D], hx[D:]), "joined='hx'": (xh[H:], xh[:H])}
    for order, (said, (Wx, Wh)) in product(permutations("ifgo"), joined.items()):
        at = np.concatenate([np.arange(H) + H * "ifgo".index(gate) for gate in order])
        changes = [f"{gate} in place of {given}" for gate, given in zip("ifgo", order) if gate != given]
        words = [f"in its order= write {', '.join(changes)}"] * bool(changes) + [f"say {said}"] * bool(said)
        yield " and ".join(words), replace(weights, Wx=Wx[:, at], Wh=Wh[:, at], b=weights.b[at])


# ---- diagonal peepholes

def with_peepholes(asked, sizes, rng):
    """(name, way) of the forward passes with peepholes that make the h_t of this code."""
    weights, X, steps, hs = hidden_states(asked, sizes, rng)
    for (outputs, h), base, back in product(hs.items(), BASES, (False, True)):
        way = catalogue.FORWARDS[base] | ({"looks back": True} if back else {})
        peepholes, error = fitted(weights, X, steps, h, way)
        for output in outputs if error < (1e-3 if asked.single else 1e-7) else ():
            notes = ["o looks at c_(t-1)"] * back + [name for name in (base, output) if name != "standard"]
            yield ("; ".join(["diagonal peepholes", *notes]),
                   way | catalogue.FORWARDS[output] | {"peepholes": peepholes})


def hidden_states(asked, sizes, rng):
    """weights, X (T, N, D), the timesteps that are read, {(output, ...): their h_t (., N, H)}."""
    T, B, D, H, K = sizes
    squared, first = asked.loss == "squared error", np.eye(K)[0]
    weights, base = random_weights(sizes, rng), np.zeros((T, B, K)) if squared else np.zeros((T, B), int)
    steps = [T - 1] if asked.many_to_one else list(range(T))
    shown = first if squared else first - np.eye(K)[1]

    def read(X, unit):
        """How much the loss changes with the target of each timestep, for outputs `first` + the unit's h `shown`."""
        Wy = np.zeros((H, K)) if unit is None else np.outer(np.eye(H)[unit], shown)
        losses = []
        for read_at in [[], *([s] for s in steps)]:
            targets = base.copy()
            targets[read_at, 0] = first if squared else 1
            losses.append(asked(replace(weights, Wh=0 * weights.Wh, Wy=Wy, by=first), X, targets)[0])
        return np.array(losses[1:]) - losses[0]

    Xs = rng.normal(size=(8 if asked.many_to_one else 3, T, B, D))
    unseen = read(Xs[0], None)
    with np.errstate(all="ignore"):
        change = np.array([[read(X, unit) for unit in range(H)] for X in Xs]).transpose(2, 0, 1) / unseen[:, None, None]
        if squared:  # (y - 1)^2 / 2 - y^2 / 2 = 1/2 - y, and of sigmoid(y) the same
            y = 0.5 - change * (0.5 - sigmoid(1.0))
            hs = {("standard",): (change - 1) / 2, ("sigmoid output",): np.log(y / (1 - y)) - 1}
        else:  # y_0 - y_1
            hs = {("standard", "sigmoid output"): (change - 1) / 2}
    return weights, Xs[:, :, 0].swapaxes(0, 1), steps, {k: h for k, h in hs.items() if np.isfinite(h).all()}


def fitted(weights, X, steps, h, way):
    """The peepholes (3, H) that make these h_t, and the largest error left."""
    starts, H = np.array(list(product((-1.0, 0.0, 1.0), repeat=3))), weights.H
    S, N = len(starts), X.shape[1]
    weights, X = replace(weights, Wh=0 * weights.Wh), np.tile(X, (1, S, 1))
    p, damping = np.repeat(starts[:, :, None], H, axis=2), np.full((S, H), 1e-2)

    def error(p):
        """(S, H, all that was read)."""
        each = np.repeat(p.swapaxes(0, 1), N, axis=1)
        made = catalogue.forward(weights, X, way | {"peepholes": each}).hs[1:][steps]
        return (made.reshape(len(steps), S, N, H) - h[:, None]).transpose(1, 3, 0, 2).reshape(S, H, -1)

    off = error(p)
    for _ in range(40):
        slopes = np.stack([(error(p + 1e-6 * np.eye(3)[k][:, None]) - off) / 1e-6 for k in range(3)], axis=2)
        squares = slopes @ slopes.swapaxes(2, 3) + damping[..., None, None] * np.eye(3)
        step = np.linalg.solve(squares, slopes @ off[..., None])[..., 0].swapaxes(1, 2)
        new = error(p - step)
        better = (new ** 2).sum(axis=-1) < (off ** 2).sum(axis=-1)
        p, off = np.where(better[:, None], p - step, p), np.where(better[..., None], new, off)
        damping = np.where(better, damping / 10, damping * 4) + 1e-14
        if (abs(off).max(axis=-1).min(axis=0) < 1e-12).all():
            break
    largest = abs(off).max(axis=-1)
    return p[largest.argmin(axis=0), :, np.arange(H)].T, largest.min(axis=0).max()
