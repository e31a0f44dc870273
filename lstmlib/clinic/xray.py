"""The X-ray: every intermediate gradient of someone else's backward pass, read from outside.

With inputs x_t = a_t e_t, one row of Wx for each timestep, the gradient of Wx *is* dz: its row t holds a_t dz_t, all
four gates. Changing the target of one timestep changes dY there alone, so the difference of two gradients is the answer
to an impulse. Where there are fewer inputs than timesteps, dz is solved for: the gradients of Wx, Wh and b are three
sums over the same dz_t.

    picture = xray(own)
    picture.dz[s, t]        dz_t of the code for an impulse at timestep s, (4, H): gates i, f, g, o
    picture.true_dz[s, t]   what it should be
"""

from typing import NamedTuple

import numpy as np

from ..weights import Weights
from . import catalogue
from .asking import Own, Sizes, close, random_weights
from .experiments import Block


class XRay(NamedTuple):
    """What `xray` read. Timesteps are counted from 0; the impulses are at `steps`.

    dz, true_dz  (len(steps), T, 4, H): dz_t of gates i, f, g, o for each impulse, of the code and as it should be
    errors       (len(steps), T, 4): their norm-relative differences; infinite where the true one is zero alone
    impulses     (len(steps), K): what the impulse changes of dY (with loss="given" of dh, (len(steps), H))
    weights, X   the question; the rows of X are zero but for one entry if `one_hot`
    """

    steps: tuple
    dz: np.ndarray
    true_dz: np.ndarray
    errors: np.ndarray
    impulses: np.ndarray
    weights: Weights
    X: np.ndarray
    one_hot: bool


def xray(own, loss="cross entropy", many_to_one=False, B=2, *, T=5, D=None, H=None, K=None, seed=0):
    """Read dz of every timestep out of a stranger's gradient, for an impulse at each timestep -> XRay

    Arguments as in `diagnose`. The true dz are those of the standard forward pass, times the factor of the loss that
    the code reports, so that right code has no error whatever it divides by. With many_to_one there is one impulse.
    """
    asked = Own(own, loss, many_to_one)
    sizes = Sizes(T, B, T + 1 if D is None else D, 4 if H is None else H, 3 if K is None else K)
    film = Film(asked, {}, sizes, seed, lengths=[T])
    group = film.groups[0]
    factor = 1.0
    if not asked.given:
        both = catalogue.forward(film.weights, film.X, {})
        items = catalogue.losses(loss, {}, both.logits, group.base)[0]
        factor = asked(film.weights, film.X, group.base)[0] / (items[-1:] if many_to_one else items).sum()
    kept = []
    film.predict({}, kept)
    dz, true = group.read(group.answers), factor * kept[0]["dz"][:, :, 0]
    size, off = np.linalg.norm(true, axis=-1), np.linalg.norm(dz - true, axis=-1)
    off[off < film.tolerance * np.linalg.norm(true)] *= 0 if film.own.single else 1
    with np.errstate(all="ignore"):
        errors = np.where(off == 0, 0.0, off / size)
    dY = group.dYs["right"]
    return XRay(tuple(group.steps), dz, true, errors, np.array([dY[n, s, 0] for n, s in enumerate(group.steps)]),
                film.weights, film.X, film.one_hot)


class Film:
    """Answers to impulses, one at each timestep: those of the code, and those of a hypothesis, block by block.

    spent  how many backward passes and comparisons that took
    """

    def __init__(self, own, way, sizes, seed=0, lengths=None):
        self.own, self.way, self.sizes = own, way, sizes
        rng = np.random.default_rng([seed, 1])
        T, B, D, H, K = sizes
        self.H, self.T = H, T
        weights = random_weights(sizes, rng)
        by = np.full(K, -2.0) + rng.normal(0, 0.3, K)
        by[0] += 6
        by, less = (by, 100) if own.loss == "cross entropy" else (weights.by, 2)  # so that no clip meets the impulses
        self.weights = Weights(weights.Wx, weights.Wh, weights.b, weights.Wy / less, by)
        self.one_hot = D >= T
        if self.one_hot:
            amplitude = rng.uniform(0.7, 1.5, (T, B)) * rng.choice([-1, 1], (T, B))
            self.X = amplitude[..., None] * np.eye(T, D)[:, None]
        else:
            self.X = rng.normal(size=(T, B, D))
        self.groups, self.limit, self.spent = [], None, 0
        self.tolerance, floor = (2e-3, 1e-5) if own.single else (1e-6, 1e-10)
        for length in lengths or (range(1, T + 1) if own.many_to_one else [T]):
            try:
                self.groups.append(Group(self, length, rng))
            except Exception:
                if length == T:
                    raise
        self.arrays = list(self.groups[-1].answers)
        self.undo_a_clip_by_norm()
        self.one_hot = self.one_hot and "Wx" in self.arrays
        self.sums = [name for name in ("Wx", "Wh", "b") if name in self.arrays]
        self.prepare()
        if self.one_hot and own.many_to_one and self.Wx_has_one_row():
            self.one_hot, self.sums = False, ["Wh", "b"]
            self.prepare()
        mine = [group.blocks(group.answers) for group in self.groups]
        self.kinds = list(dict.fromkeys(kind for m in mine for kind in m))
        self.order = [(kind, n) for kind in self.kinds for n, m in enumerate(mine) if kind in m]
        self.meta = [block for kind, n in self.order for block in self.groups[n].meta(kind)]
        self.group = np.concatenate([np.full(len(mine[n][kind]), n) for kind, n in self.order])
        self.of_group = [self.group == n for n in range(len(mine))]
        self.of_head = np.array([block.kind in ("Wy", "by") for block in self.meta])
        self.late = np.array([block.kind == "dz" and block.lag <= 0 for block in self.meta])
        scales = {kind: max(np.linalg.norm(m[kind], axis=1).max(initial=0) for m in mine if kind in m)
                  for kind in self.kinds}
        largest = max(scale for kind, scale in scales.items() if kind not in ("Wy", "by"))
        self.floor = np.concatenate([np.full(len(mine[n][kind]), floor * max(scales[kind], largest / 100))
                                     for kind, n in self.order])
        self.mine = mine
        self.aa = np.concatenate([(mine[n][kind] ** 2).sum(axis=1) for kind, n in self.order])

    def prepare(self):
        for group in self.groups:
            group.prepare(self.one_hot, self.sums)

    def Wx_has_one_row(self):
        """Whether one timestep is all that Wx shows of an impulse, and b is the sum of more: dz is in Wh and b then."""
        group = self.groups[-1]
        dz = group.read(group.answers)
        rows = dz.any(axis=(0, 2, 3)).sum()
        return {"Wh", "b"} <= set(self.sums) and rows == 1 and not close(
            group.answers["b"].ravel(), dz.sum(axis=1).ravel(), 20 * self.tolerance)

    def undo_a_clip_by_norm(self):
        """Where every answer has the same norm it is what a clip left: it is given the size that by says it had."""
        loud = [one for group in self.groups for one in group.loud]
        norms = [np.sqrt(sum((a ** 2).sum() for a in one.values())) for one in loud]
        if "by" not in self.arrays or len(norms) < 3 or np.ptp(norms) > 1e-7 * max(norms) or not max(norms):
            return
        self.limit, sizes = float(np.median(norms)), []
        for group in self.groups:
            entered = [dY.sum(axis=(0, 1)) for dY in group.loud_dY]
            sizes = [np.vdot(one["by"], dY) / np.vdot(dY, dY) for one, dY in zip(group.loud, entered)]
            dY = group.quiet_dY.sum(axis=(0, 1))
            self.quiet_factor = quiet = np.vdot(group.quiet["by"], dY) / np.vdot(dY, dY)
            for n, size in enumerate(sizes):
                for name, answers in group.answers.items():
                    answers[n] = group.loud[n][name] / size - group.quiet[name] / quiet

    def predict(self, faults, kept=None):
        """The answers of a backward pass with these faults, a dict of arrays for each group."""
        out = []
        for group in self.groups:
            record = None if kept is None else {}
            out.append(catalogue.backward(self.weights, group.now, group.dYs, group.cut(faults), self.own.given,
                                          record))
            if kept is not None:
                kept.append(record)
        return out

    def fits_Wh(self, way):
        """Whether the gradient of Wh is the sum of h_(t-1) times the dz_t that were read, with the h of this way."""
        group = self.groups[-1]
        dz = group.read(group.answers)
        if not self.one_hot or "Wh" not in group.answers or not group.answers["Wh"].any():
            return False
        made = np.einsum("th,sto->sho", catalogue.forward(self.weights, group.X[:, :1], way).hs[:-1, 0],
                         dz.reshape(*dz.shape[:2], -1))
        return close(group.answers["Wh"], made, 20 * self.tolerance)

    def compare(self, faults, factors=None):
        """Which blocks of the code's answers are those of a backward pass with these faults -> Match"""
        self.spent += 1 + len(self.groups)
        theirs = [group.blocks(answers) for group, answers in zip(self.groups, self.predict(faults))]
        bb = np.concatenate([(theirs[n][kind] ** 2).sum(axis=1) for kind, n in self.order])
        ab = np.concatenate([(self.mine[n][kind] * theirs[n][kind]).sum(axis=1) for kind, n in self.order])
        if factors is None:
            head = [self.common_factor(bb, ab, of & self.of_head, 1.0) for of in self.of_group]
            gates = self.factors_of_gates(bb, ab, np.array(head))
        else:
            head, gates = factors
        factor = np.where(self.of_head, np.array(head)[self.group], np.array(gates)[self.group])
        ok, late = self.agree(bb, ab, factor), self.late & (self.aa > self.floor ** 2)
        plain = all(abs(h - g) <= 1e-3 * abs(g) for h, g in zip(head, gates)) and late.any() and ok[late].mean() > 0.15
        return Match(ok, head[-1], gates[-1], ab / factor, bb, factor, (head, gates), plain)

    def agree(self, bb, ab, factor):
        error = np.sqrt(np.maximum(self.aa - 2 * factor * ab + factor ** 2 * bb, 0))
        size = np.sqrt(np.maximum(self.aa, factor ** 2 * bb))
        return error <= max(self.tolerance, 3e-8) * size + self.floor + 1e-8 * size

    def factors_of_gates(self, bb, ab, head):
        """One factor over that of the head for all lengths, or, where 1/|X| is another at each length, one for each."""
        over_head = head[self.group]
        ratio = self.common_factor(bb * over_head ** 2, ab * over_head, self.late, 1.0, share=0.3)
        if ratio:
            return list(head * ratio)
        return [self.common_factor(bb, ab, of & self.late, one) for of, one in zip(self.of_group, head)]

    def common_factor(self, bb, ab, where, otherwise, share=0.0):
        """The factor that most blocks have, at least this share; before it `otherwise`, if a quarter have that."""
        with np.errstate(all="ignore"):
            ratio = np.where(bb > self.floor ** 2, ab / bb, 0.0)
        ratio = np.where(np.isfinite(ratio), ratio, 0)
        fits = where & (ratio != 0) & (self.aa > self.floor ** 2) & self.agree(bb, ab, ratio)
        found = ratio[fits]
        if not len(found):
            return otherwise
        close = abs(found[:, None] / found[None, :] - 1) < 10 * self.tolerance
        expected = abs(found / otherwise - 1) < 10 * self.tolerance
        most = close[close.sum(axis=1).argmax()]
        if expected.mean() >= 0.25:
            return otherwise
        return float(np.median(found[most])) if most.mean() >= share else 0.0


class Match(NamedTuple):
    """Which blocks agree; inner products (over the factor), factors; whether gates and head have the same, as seen."""

    ok: np.ndarray
    head: float
    gates: float
    ab: np.ndarray
    bb: np.ndarray
    factor: np.ndarray
    factors: tuple
    plain: bool


class Group:
    """Impulses in sequences of one length: (weights, states, upstream) and the answers of the code."""

    def __init__(self, film, length, rng):
        own, sizes, weights = film.own, film.sizes._replace(T=length), film.weights
        X = film.X[:length]
        T, B, D, H, K = sizes
        self.T, self.H = T, H
        self.steps = [T - 1] if own.many_to_one else list(range(T))
        both = catalogue.forward(weights, X, film.way)
        self.now = catalogue.forward(weights, X[:, :1], film.way)
        if own.loss == "cross entropy":
            base = np.zeros((T, B), int)
        elif own.loss == "squared error":
            Y = catalogue.outputs(both)
            base = Y + 1e-3 * rng.normal(size=Y.shape)
        else:
            base = 1e-3 * rng.normal(size=(T, B, H))
        if own.given and own.many_to_one:
            base[:-1] = 0
        self.base, self.X = base, X
        _, quiet = own(weights, X, base)
        self.quiet = quiet
        self.own = own
        answers, self.loud, self.loud_dY, changed = [], [], [], []
        self.quiet_dY = None if own.given else self.of_all(both, base)
        for s in self.steps:
            target = base.copy()
            if own.loss == "cross entropy":
                target[s, 0] = 1 + s % (K - 1)
            else:
                target[s, 0] += 0.05 * rng.choice([-1, 1], target.shape[-1]) * rng.uniform(0.5, 1, target.shape[-1])
            _, gradient = own(weights, X, target)
            self.loud.append(gradient)
            if not own.given:
                self.loud_dY.append(self.of_all(both, target))
            changed.append(target[:, :1])
            answers.append({name: gradient[name] - quiet[name] for name in gradient})
        self.answers = {name: np.array([answer[name] for answer in answers]) for name in quiet}
        if own.given:
            self.dYs = {"right": np.array(changed) - base[:, :1]}
        else:
            of = [catalogue.losses(own.loss, film.way, self.now.logits, target)[1]
                  for target in (base[:, :1], *changed)]
            self.dYs = {kind: np.array([one[kind] for one in of[1:]]) - of[0][kind] for kind in of[0]}
            if own.many_to_one:
                for dY in self.dYs.values():
                    dY[:, :-1] = 0

    def of_all(self, now, target):
        """The right dY of all items."""
        dY = catalogue.losses(self.own.loss, now.way, now.logits, target)[1]["right"]
        if self.own.many_to_one:
            dY[:-1] = 0
        return dY

    def prepare(self, one_hot, sums):
        """How dz is read: from the rows of Wx, or solved for from these sums."""
        self.one_hot, self.sums = one_hot, sums
        if one_hot:
            self.reader = 1 / np.diagonal(self.X[:, 0])
        else:
            rows = {"Wx": self.X[:, 0], "Wh": self.now.hs[:-1, 0], "b": np.ones((self.T, 1))}
            self.reader = np.linalg.pinv(np.concatenate([rows[k] for k in sums], axis=1).T) if sums else None

    def read(self, gradient):
        """dz (S, T, 4, H) out of a gradient."""
        S = len(next(iter(gradient.values())))
        if self.one_hot:
            return (gradient["Wx"][:, :self.T] * self.reader[:, None]).reshape(S, self.T, 4, self.H)
        if self.reader is None:
            return np.zeros((S, 0, 4, self.H))
        stack = [gradient[name].reshape(S, -1, 4 * self.H) for name in self.sums]
        return (self.reader @ np.concatenate(stack, axis=1)).reshape(S, -1, 4, self.H)

    def blocks(self, gradient):
        """{kind: (number of blocks, numbers in each)}."""
        S, H, found = len(self.steps), self.H, {}
        for name in ("Wy", "by"):
            if name in self.answers:
                found[name] = gradient[name].reshape(S, -1)
        dz = self.read(gradient)
        found["dz"] = dz.reshape(-1, H)
        for name in ("Wx", "Wh"):
            if name in self.answers and not (name == "Wx" and self.one_hot):
                found[name] = gradient[name].reshape(S, -1, 4, H).swapaxes(1, 2).reshape(S * 4, -1)
        if self.one_hot and gradient["Wx"].shape[1] > self.T:
            found["rest of Wx"] = gradient["Wx"][:, self.T:].reshape(S, -1)
        if "b" in self.answers:
            found["b"] = gradient["b"].reshape(S * 4, H)
        return found

    def meta(self, kind):
        """What each of the blocks is."""
        if kind == "dz":
            times = self.T if self.one_hot or self.reader is not None else 0
            return [Block(kind, s, t, k) for s in self.steps for t in range(times) for k in "ifgo"]
        return [Block(kind, s, None, k) for s in self.steps
                for k in ([None] if kind in ("Wy", "by", "rest of Wx") else "ifgo")]

    def cut(self, faults):
        """Measured arrays for all timesteps and impulses, cut to those of this group."""
        def of(place, what):
            if isinstance(what, tuple) and isinstance(what[1], np.ndarray):
                if place in ("dh", "dc", "loss"):
                    return what[0], what[1][self.steps][:, :self.T]
                return what[0], what[1][:self.T]
            return what
        return {place: of(place, what) for place, what in faults.items()}
