"""The X-ray: every intermediate gradient of someone else's backward pass, read from outside.

With inputs x_t = a_t e_t, one row of Wx for each timestep, the gradient of Wx *is* dz: its row t holds a_t dz_t, all
four gates. Changing the target of one timestep changes dY there alone, so the difference of two gradients is the answer
to an impulse. Where there are fewer inputs than timesteps, dz is solved for: the gradients of Wx, Wh and b are three
sums over the same dz_t.
"""

from dataclasses import replace
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
    group, (_, model) = film.groups[0], film.backward({})[0]
    factor = 1.0 if asked.given else group.loss / asked.upstream(group.both, group.base)[0].sum()
    dz, true = group.read(group.answers), factor * model.dz[:, :, 0]
    size, off = np.linalg.norm(true, axis=-1), np.linalg.norm(dz - true, axis=-1)
    off[off < film.tolerance * np.linalg.norm(true)] *= 0 if asked.single else 1
    with np.errstate(all="ignore"):
        errors = np.where(off == 0, 0.0, off / size)
    impulses = np.array([dY[s, 0] for s, dY in zip(group.steps, group.dYs["right"])])
    return XRay(tuple(group.steps), dz, true, errors, impulses, film.weights, film.X, film.one_hot)


class Film:
    """Answers to impulses, one at each timestep: those of the code, and those of a hypothesis, block by block.

    groups  the impulses in sequences of one length
    meta    the blocks; aa their squared norms, of the code's own answers
    limit   of a clip by norm that was undone
    spent   how many backward passes and comparisons were made
    """

    def __init__(self, own, way, sizes, seed=0, lengths=None):
        self.own, self.way, self.sizes, self.T, self.H = own, way, sizes, sizes.T, sizes.H
        self.limit, self.spent = None, 0
        self.tolerance, floor = (2e-3, 1e-5) if own.single else (1e-6, 1e-10)
        rng = np.random.default_rng([seed, 1])
        self.question(rng)
        self.groups = []
        for length in lengths or (range(1, self.T + 1) if own.many_to_one else [self.T]):
            try:
                self.groups.append(Group(self, length, rng))
            except Exception:
                if length == self.T:
                    raise
        self.arrays = list(self.groups[-1].answers)
        self.undo_a_clip_by_norm()
        self.choose_what_is_read()
        self.meta = [block for group in self.groups for block in group.meta()]
        self.group = np.repeat(range(len(self.groups)), [len(group.meta()) for group in self.groups])
        self.of_head = np.array([block.kind in ("Wy", "by") for block in self.meta])
        self.late = np.array([block.kind == "dz" and block.lag <= 0 for block in self.meta])
        self.mine = self.rows([group.answers for group in self.groups])
        self.aa = products(self.mine, self.mine)
        kinds, norms = np.array([block.kind for block in self.meta]), np.sqrt(self.aa)
        largest = norms[~self.of_head].max(initial=0) / 100
        self.floor = floor * np.array([max(norms[kinds == kind].max(), largest) for kind in kinds])

    def question(self, rng):
        """Weights and inputs: one-hot where D allows it, and so small an upstream that no clip meets the impulses."""
        T, B, D, H, K = self.sizes
        weights, by = random_weights(self.sizes, rng), np.full(K, -2.0) + rng.normal(0, 0.3, K)
        by[0] += 6
        by, less = (by, 100) if self.own.loss == "cross entropy" else (weights.by, 2)
        self.weights = replace(weights, Wy=weights.Wy / less, by=by)
        self.one_hot = D >= T
        self.X = (rng.uniform(0.7, 1.5, (T, B, 1)) * rng.choice([-1, 1], (T, B, 1)) * np.eye(T, D)[:, None]
                  if self.one_hot else rng.normal(size=(T, B, D)))

    def undo_a_clip_by_norm(self):
        """Where every answer has the same norm it is what a clip left: it is given the size that by says it had."""
        norms = [np.sqrt(sum((a ** 2).sum() for a in one.values())) for group in self.groups for one in group.loud]
        if "by" not in self.arrays or len(norms) < 3 or np.ptp(norms) > 1e-7 * max(norms) or not max(norms):
            return
        self.limit = float(np.median(norms))
        for group in self.groups:
            sizes = []
            for one, target in zip((group.quiet, *group.loud), (group.base, *group.targets)):
                dY = self.own.upstream(group.both, target)[1]["right"].sum(axis=(0, 1))
                sizes.append(np.vdot(one["by"], dY) / np.vdot(dY, dY))
            self.quiet_factor, *sizes = sizes
            for name, answers in group.answers.items():
                for n, size in enumerate(sizes):
                    answers[n] = group.loud[n][name] / size - group.quiet[name] / self.quiet_factor

    def choose_what_is_read(self):
        """dz from the rows of Wx; from the sums where inputs are not one-hot, or Wx shows one timestep and b more."""
        self.one_hot, last = self.one_hot and "Wx" in self.arrays, self.groups[-1]
        sums = [name for name in ("Wx", "Wh", "b") if name in self.arrays]
        last.read_from(self.one_hot, sums)
        if self.one_hot and self.own.many_to_one and {"Wh", "b"} <= set(sums):
            dz, b = last.read(last.answers), last.answers["b"].ravel()
            if dz.any(axis=(0, 2, 3)).sum() == 1 and not close(b, dz.sum(axis=1).ravel(), 20 * self.tolerance):
                self.one_hot, sums = False, ["Wh", "b"]
        for group in self.groups:
            group.read_from(self.one_hot, sums)

    def backward(self, faults):
        """`catalogue.backward` with these faults, of each group."""
        return [catalogue.backward(self.weights, group.now, group.dYs, group.cut(faults), self.own.given)
                for group in self.groups]

    def fits_Wh(self, way):
        """Whether the gradient of Wh is the sum of h_(t-1) times the dz that were read, with the h of this way."""
        group = self.groups[-1]
        if not self.one_hot or "Wh" not in group.answers or not group.answers["Wh"].any():
            return False
        h_prev = catalogue.forward(self.weights, group.X[:, :1], way).hs[:-1, 0]
        made = np.einsum("th,sto->sho", h_prev, catalogue.flat(group.read(group.answers)))
        return close(group.answers["Wh"], made, 20 * self.tolerance)

    def rows(self, answers):
        """The blocks as rows of numbers, those of one group and kind in one array."""
        return [rows for group, one in zip(self.groups, answers) for rows in group.blocks(one).values()]

    def compare(self, faults, factors=None):
        """Which blocks of the code's answers are those of a backward pass with these faults -> Match"""
        self.spent += 1 + len(self.groups)
        theirs = self.rows([answers for answers, _ in self.backward(faults)])
        bb, ab = products(theirs, theirs), products(self.mine, theirs)
        head, gates = factors or self.common_factors(bb, ab)
        factor = np.where(self.of_head, head[self.group], gates[self.group])
        ok, late = self.agree(bb, ab, factor), self.late & (self.aa > self.floor ** 2)
        plain = (abs(head - gates) <= 1e-3 * abs(gates)).all() and late.any() and ok[late].mean() > 0.15
        return Match(ok, ab / factor, bb, factor, (head, gates), plain)

    def agree(self, bb, ab, factor):
        error = np.sqrt(np.maximum(self.aa - 2 * factor * ab + factor ** 2 * bb, 0))
        size = np.sqrt(np.maximum(self.aa, factor ** 2 * bb))
        return error <= self.tolerance * size + self.floor + 1e-8 * size

    def common_factors(self, bb, ab):
        """Of the head one for each length; of the gates as many times that at every length, or one for each, too."""
        of_group = [self.group == n for n in range(len(self.groups))]
        head = np.array([self.common_factor(bb, ab, of & self.of_head, 1.0) for of in of_group])
        over_head = head[self.group]
        ratio = self.common_factor(bb * over_head ** 2, ab * over_head, self.late, 1.0, share=0.3)
        return head, head * ratio if ratio else np.array(
            [self.common_factor(bb, ab, of & self.late, one) for of, one in zip(of_group, head)])

    def common_factor(self, bb, ab, where, otherwise, share=0.0):
        """The factor that most blocks have, at least this share; before it `otherwise`, if a quarter have that."""
        ratio = np.divide(ab, bb, out=np.zeros_like(ab), where=bb > self.floor ** 2)
        found = ratio[where & (ratio != 0) & (self.aa > self.floor ** 2) & self.agree(bb, ab, ratio)]
        if not len(found) or (abs(found / otherwise - 1) < 10 * self.tolerance).mean() >= 0.25:
            return otherwise
        alike = abs(found[:, None] / found - 1) < 10 * self.tolerance
        most = alike[alike.sum(axis=1).argmax()]
        return float(np.median(found[most])) if most.mean() >= share else 0.0


def products(mine, theirs):
    """The inner product of each block with the other one."""
    return np.concatenate([(a * b).sum(axis=1) for a, b in zip(mine, theirs)])


class Match(NamedTuple):
    """Which blocks agree; inner products (over the factor), factors; whether gates and head have the same, as seen."""

    ok: np.ndarray
    ab: np.ndarray
    bb: np.ndarray
    factor: np.ndarray
    factors: tuple
    plain: bool

    head = property(lambda self: self.factors[0][-1])
    gates = property(lambda self: self.factors[1][-1])


class Group:
    """Impulses in sequences of one length: questions, the answers of the code, and what enters a backward pass.

    both, now    what the forward pass leaves: of all sequences, and of the first, which alone has impulses
    quiet, loud  the gradients before an impulse, and at each; answers: their differences
    """

    def __init__(self, film, length, rng):
        own, way, self.X, self.T, self.H = film.own, film.way, film.X[:length], length, film.H
        self.steps = [length - 1] if own.many_to_one else list(range(length))
        self.both, self.now = (catalogue.forward(film.weights, X, way) for X in (self.X, self.X[:, :1]))
        outputs, labels = self.both.hs[1:] if own.given else catalogue.outputs(self.both), own.loss == "cross entropy"
        self.base = np.zeros(outputs.shape[:2], int) if labels else (
            outputs * (not own.given) + 1e-3 * rng.normal(size=outputs.shape))
        if own.given and own.many_to_one:
            self.base[:-1] = 0
        self.targets = [self.base.copy() for s in self.steps]
        for s, target in zip(self.steps, self.targets):
            size = target.shape[2:]
            target[s, 0] += 1 + s % (film.sizes.K - 1) if labels else (
                0.05 * rng.choice([-1, 1], size) * rng.uniform(0.5, 1, size))
        self.loss, self.quiet = own(film.weights, self.X, self.base)
        self.loud = [own(film.weights, self.X, target)[1] for target in self.targets]
        self.answers = {name: np.array([one[name] - a for one in self.loud]) for name, a in self.quiet.items()}
        quiet, *loud = [own.upstream(self.now, target[:, :1])[1] for target in (self.base, *self.targets)]
        self.dYs = {kind: np.array([one[kind] for one in loud]) - dY for kind, dY in quiet.items()}

    def read_from(self, one_hot, sums):
        """How dz is read: from the rows of Wx, or solved for from these sums."""
        self.one_hot, self.sums = one_hot, sums
        if sums and not one_hot:
            rows = {"Wx": self.X[:, 0], "Wh": self.now.hs[:-1, 0], "b": np.ones((self.T, 1))}
            self.reader = np.linalg.pinv(np.concatenate([rows[k] for k in sums], axis=1).T)

    def read(self, gradient):
        """dz (S, T, 4, H) out of a gradient."""
        S = len(next(iter(gradient.values())))
        if self.one_hot:
            return (gradient["Wx"][:, :self.T] * (1 / np.diagonal(self.X[:, 0]))[:, None]).reshape(S, -1, 4, self.H)
        if not self.sums:
            return np.zeros((S, 0, 4, self.H))
        stack = [gradient[name].reshape(S, -1, 4 * self.H) for name in self.sums]
        return (self.reader @ np.concatenate(stack, axis=1)).reshape(S, -1, 4, self.H)

    def blocks(self, gradient):
        """{kind: (number of blocks, numbers in each)}."""
        S, H = len(self.steps), self.H
        found = {name: gradient[name].reshape(S, -1) for name in ("Wy", "by") if name in self.answers}
        found["dz"] = self.read(gradient).reshape(-1, H)
        for name in ("Wx", "Wh"):
            if name in self.answers and not (name == "Wx" and self.one_hot):
                found[name] = gradient[name].reshape(S, -1, 4, H).swapaxes(1, 2).reshape(S * 4, -1)
        if self.one_hot and gradient["Wx"].shape[1] > self.T:
            found["rest of Wx"] = gradient["Wx"][:, self.T:].reshape(S, -1)
        if "b" in self.answers:
            found["b"] = gradient["b"].reshape(S * 4, H)
        return found

    def meta(self):
        """What each of the blocks is."""
        times = range(self.T if self.one_hot or self.sums else 0)
        return [Block(kind, s, t, k) for kind in self.blocks(self.answers) for s in self.steps
                for t in (times if kind == "dz" else [None])
                for k in ([None] if kind in ("Wy", "by", "rest of Wx") else "ifgo")]

    def cut(self, faults):
        """Measured arrays for all timesteps and impulses, cut to those of this group."""
        return faults | {
            place: (what[0], what[1][self.steps][:, :self.T] if place in ("dh", "dc", "loss") else what[1][:self.T])
            for place, what in faults.items() if isinstance(what[1], np.ndarray)}
