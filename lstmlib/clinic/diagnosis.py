"""Which line of an LSTM's backward pass is wrong?

    diagnosis = diagnose(own)
    print(diagnosis)

Its `experiments` are asked one by one: two calls, lengths, the forward pass from the loss alone; the X-ray (`xray`,
`search`); whole gradients on other data (`whole`). Where these are not those of a backward pass with the faults found,
the faults are a guess, and said to be one.
"""

import sys
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import permutations, product

import numpy as np

from .. import arguments
from ..checking import CENTRAL_STEP, numerical_gradient
from ..weights import Weights
from . import catalogue, words
from .asking import (
    Data,
    Own,
    Sizes,
    close,
    random_targets,
    random_weights,
    relative,
    same_random_numbers,
    zeros_for_empty,
)
from .experiments import BATCH, CALLS, LOSS, NUMBERS, WHOLE, XRAY
from .instruments import parts
from .reading import with_peepholes
from .search import Search
from .whole import Whole, factor_names
from .xray import Film


@dataclass
class Diagnosis:
    """What `diagnose` found. Printing it shows for each fault the wrong line, the right line and why.

    faults       ["place: what", ...]; faults with the same gradient are named together, joined by " or "
    places       where something is wrong, whether it has a name or not
    numbers      {place: what was measured there}, of the places without a name
    forward      the forward pass that the loss is of; None where it is none that is known
    factor, head_factor, loss_factor   of gates, head and loss against those of the sum: names, or a number
    explained    whether nothing is left over: the gradient is that of a backward pass with these faults
    parts        {part: norm-relative error against the true gradient of the code's own loss}
    experiments  what was asked, in this order: what each leaves open, expects, and found
    notes        sentences that are no faults
    calls        how often the code was asked
    spent        how many backward passes and comparisons it took to find the faults
    """

    faults: list = field(default_factory=list)
    places: list = field(default_factory=list)
    numbers: dict = field(default_factory=dict)
    forward: str | None = None
    factor: str | None = None
    head_factor: str | None = None
    loss_factor: str | None = None
    explained: bool = False
    parts: dict = field(default_factory=dict)
    experiments: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    calls: int = 0
    spent: int = 0

    def __str__(self):
        return words.report(self)

    def add(self, said, by=None):
        """A fault, or several with the same gradient, and its places."""
        self.faults.append(said)
        self.at([place for place, _ in words.singles(said)], said, by)

    def measured(self, place, number, by=None):
        """A place without a name."""
        self.numbers[place] = number
        self.at([place], f"{place}: {number}", by)

    def at(self, places, said, by):
        """Places that are wrong, by the experiment of this name, or the last one that leaves them open."""
        self.places = list(dict.fromkeys(self.places + places))
        by = by or next((one.name for one in reversed(self.experiments) if places[0] in one.opens), None)
        self.experiments = [one._replace(found=(*one.found, said)) if one.name == by else one
                            for one in self.experiments]


def diagnose(own, loss="cross entropy", many_to_one=False, B=2, *, T=5, D=None, H=None, K=None, seed=0, step=None,
             progress=True):
    """Find the faults of a hand-written backward pass, from outside.

    own(weights, X, targets) -> (loss, gradient)   the code behind a small adapter (see `lstmlib.clinic.layouts`)
        weights   a `Weights`; X (T, B, D)
        targets   labels (T, B) for "cross entropy", arrays (T, B, K) for "squared error"; with many_to_one those of the
                  last timestep alone, (B,) or (B, K)
        gradient  a `Weights`, or a dict of some of Wx, Wh, b, Wy, by; what is absent is not judged
    loss          with "given", own(weights, X, dh) -> gradient of sum(dh * h): code without an output layer
    B, T, D, H, K sizes to examine with, for code that takes no others; D, H and K differ where they are left out
    step          of the central differences, where the forward pass is none that is known: 1e-5, for code in single
                  precision 3e-3. Where left out the complex step comes first, if it works
    progress      whether to say, after a second, what is being done
    ->  Diagnosis
    Raises TypeError or ValueError where an argument, or what `own` returns, does not fit. What `own` itself raises at
    these sizes passes through; at other lengths it is noted.
    """
    asked = Own(own, loss, many_to_one)
    given = {"T": T, "B": B, "D": 6 if D is None else D, "H": 4 if H is None else H, "K": 3 if K is None else K}
    sizes = Sizes(*(arguments.count(name, value) for name, value in given.items()))
    if loss == "cross entropy" and sizes.K < 2:
        raise ValueError(f"K must be at least 2 for cross entropy, got {sizes.K}")
    other = Sizes(4, 3 if B > 1 else 1, D or 7, H or 5, K or 5)
    step = None if step is None else arguments.number("step", step, above=0)
    return Examination(asked, sizes, other, arguments.count("seed", seed, at_least=0), step, progress).diagnosis


def other(targets, K):
    return (targets + 1) % K if targets.dtype.kind == "i" else targets + 1


def other_layouts(weights):
    """(how to mend the adapter, the weights as the code sees them) where it mistakes the order, or what is joined."""
    H, D = weights.H, weights.D
    xh, hx = np.concatenate([weights.Wx, weights.Wh]), np.concatenate([weights.Wh, weights.Wx])
    joined = {"": (weights.Wx, weights.Wh), "joined='xh'": (hx[:D], hx[D:]), "joined='hx'": (xh[H:], xh[:H])}
    for order, (said, (Wx, Wh)) in product(permutations("ifgo"), joined.items()):
        at = np.concatenate([np.arange(H) + H * "ifgo".index(gate) for gate in order])
        changes = [f"{gate} in place of {given}" for gate, given in zip("ifgo", order) if gate != given]
        words = [f"in its order= write {', '.join(changes)}"] * bool(changes) + [f"say {said}"] * bool(said)
        yield " and ".join(words), Weights(Wx[:, at], Wh[:, at], weights.b[at], weights.Wy, weights.by)


class Examination:
    def __init__(self, asked, sizes, other, seed, step, progress):
        self.asked, self.sizes, self.other, self.seed, self.step = asked, sizes, other, seed, step
        self.start, self.progress, self.diagnosis = time.monotonic(), progress, Diagnosis()
        self.examine()
        self.diagnosis.calls = asked.calls

    def said(self, what):
        passed = time.monotonic() - self.start
        if self.progress and passed > 1:
            print(f"diagnose, {passed:.0f} s: {what}", file=sys.stderr)

    def rng(self, n):
        return np.random.default_rng([self.seed, n])

    def examine(self):
        if not self.calls_agree():
            return
        self.all_lengths()
        self.said("the loss")
        self.diagnosis.experiments += [LOSS] * (not self.asked.given)
        if self.asked.given:
            self.conclude(*self.forward_that_fits_best())
        elif (way := self.forward_of_the_loss()) is not None:
            self.said("the X-ray")
            self.conclude(way, self.search(way))
        else:
            self.against_numbers()

    # ---- what needs no hypothesis

    def calls_agree(self):
        """Three calls with the same arguments; the arguments stay as they are."""
        d = self.diagnosis
        d.experiments.append(CALLS)
        try:
            first = Data.random(self.asked, self.sizes, self.rng(0))
        except Exception as error:
            if not isinstance(error, ValueError) or "read-only" not in str(error):
                if error is self.asked.raised:
                    error.add_note(self.advice())
                raise
            d.add("arguments: changed in place")
            d.notes.append(f"the weights are read-only here, and the code writes into them ({error})")
            return False
        if not self.same_again(first):
            d.add("calls: differ")
            if (first := self.steadied(first)) is None:
                return False
        self.all_sequences_count(first)
        self.asked.single = self.in_single_precision(first)
        return True

    def same_again(self, first):
        """Whether a second call answers the same; self.again keeps what it answered."""
        loss, gradient = self.again = self.asked(first.weights, first.X, first.targets)
        return self.same_loss(first) and all(close(first.gradient[k], gradient[k], 1e-6) for k in gradient)

    def same_loss(self, first):
        return first.loss is None or bool(np.isclose(self.again[0], first.loss, 1e-6))

    def steadied(self, first):
        """A question whose answers are the same at every call, as far as it can be had; what they differ by is told."""
        d, asked, one, two = self.diagnosis, self.asked, first.gradient, self.again[1]
        _, three = asked(first.weights, first.X, first.targets)
        if self.same_loss(first) and all(close(two[k] - one[k], three[k] - two[k], 1e-4) for k in one):
            asked.keeps_sums = True
            d.numbers["calls"] = "the sums grow from call to call, never cleared"
            d.notes.append("the rest is read from what a call adds to the sums")
            return first.with_targets(first.targets)
        differ = [k for k in one if not close(one[k], two[k], 1e-6)]
        d.numbers["calls"] = (f"{' and '.join(', '.join(differ).rsplit(', ', 1)) or 'the loss'} differ"
                              f"{'s' * (len(differ) < 2)} at the second call")
        for context, cause in ((zeros_for_empty, "an array is made with np.empty, and not set to zero before it is "
                                                 "added to"),
                               (same_random_numbers, "random numbers are drawn at each call")):
            asked.steadied = context
            if self.same_again(steady := first.with_targets(first.targets)):
                d.numbers["calls"] += f": {cause}"
                start = asked.start(first.weights, first.X, first.targets)
                asked.starts = any(abs(array).max() > 1e-12 for array in start.values())
                d.notes.append("the rest is read with " + (
                    "zeros in their place" if context is zeros_for_empty else "the same random numbers at every call"
                    + ", and what they leave in the sums is taken off" * asked.starts))
                return steady.with_targets(steady.targets)
        asked.steadied = nullcontext
        if self.same_loss(first) and len(differ) < len(one):
            asked.left_out = differ
            d.notes.append(f"not judged: {', '.join(differ)}")
            return first.with_targets(first.targets)
        d.notes.append("the same weights and data give another result at the second call (a kept state, a random "
                       "start): nothing more can be read before that is mended")
        return None

    def advice(self):
        """What was asked when it raised, and what it does not raise at."""
        asked, sizes = self.asked, self.sizes
        said = (f"diagnose asked own(weights, X, {'dh' if asked.given else 'targets'}) with weights of D, H, K = "
                f"{sizes.D}, {sizes.H}, {sizes.K} and X of shape (T, B, D) = {(sizes.T, sizes.B, sizes.D)}")
        tried = [("B=1", sizes._replace(B=1), asked.many_to_one)] * (sizes.B > 1)
        if not asked.given:
            last = not asked.many_to_one
            tried += [(f"many_to_one={last}", sizes, last), (f"B=1, many_to_one={last}", sizes._replace(B=1), last)]
        for answer, other_sizes, many_to_one in tried:
            try:
                Data.random(Own(asked.own, asked.loss, many_to_one), other_sizes, self.rng(0))
            except Exception:
                continue
            return f"{said}. With {answer} it answers: diagnose(own, ..., {answer})."
        return (f"{said}. Call own with such arguments by itself to see where it raises. Code for fixed sizes needs "
                "T=, D=, H= or K=; code for vectors as columns wants X[t].T, of shape (D, B).")

    def all_sequences_count(self, data):
        """ValueError where other targets of the first sequence change something, and those of the others nothing."""
        def matters(sequences):
            targets = data.targets.copy()
            targets[:, sequences] = other(targets[:, sequences], self.sizes.K)
            if self.asked.many_to_one and self.asked.given:
                targets[:-1] = 0
            new = data.with_targets(targets)
            return new.loss != data.loss or any(
                not np.array_equal(new.gradient[k], a) for k, a in data.gradient.items())

        if self.sizes.B > 1 and not matters(slice(1, None)) and matters(slice(1)):
            raise ValueError(f"own takes no notice of any sequence but the first of the {self.sizes.B} in X[:, b]: for "
                             "code that takes one sequence say diagnose(own, ..., B=1)")

    def in_single_precision(self, data):
        """Whether it does not follow a change of the weights of 1e-10, and one ten times as large tenfold."""
        towards = self.rng(1).uniform(0.5, 1, data.weights.Wh.size * 8)
        moved = []
        for step in (1e-10, 1e-9):
            near = data.weights.map(lambda a: a * (1 + step * np.resize(towards, a.shape)))
            loss, gradient = self.asked(near, data.X, data.targets)
            loss = [] if loss is None else [np.array([loss - data.loss])]
            moved.append([gradient[k] - a for k, a in data.gradient.items()] + loss)
        return not all(close(10 * a, b, 0.05) for a, b in zip(*moved)) or not any(a.any() for a in moved[0])

    def all_lengths(self):
        """T = 1 to 6 (and that of the examination)."""
        self.data, failed = [], {}
        for T in sorted({*range(1, 7), self.sizes.T}):
            try:
                self.data.append(Data.random(self.asked, self.sizes._replace(T=T), self.rng(10 + T)))
            except Exception as error:
                failed[T] = f"{type(error).__name__} ({error})"
        if failed:
            self.diagnosis.notes.append(f"it raises at T = {', '.join(map(str, failed))}: {failed[min(failed)]}")
        if self.asked.changed:
            self.diagnosis.add("arguments: changed in place")

    # ---- the forward pass

    def forward_of_the_loss(self):
        """The forward pass whose losses move as those of the code when the targets of one sequence change."""
        rng, B = self.rng(2), self.sizes.B
        weights = random_weights(self.sizes, rng)
        data = [Data.random(self.asked, self.sizes, rng, weights) for _ in range(3)]
        for base, b in [(one, 0) for one in data] + [(data[0], b) for b in range(1, B)]:
            targets, new = base.targets.copy(), random_targets(self.asked.loss, self.sizes, rng)
            targets[:, b] = new[:, b] if new.dtype.kind == "f" else (base.targets[:, b] + 1) % self.sizes.K
            data.append(base.with_targets(targets))
        mine, tolerance = np.array([one.loss for one in data]), 1e-3 if self.asked.single else 1e-7
        def fit(way, data):
            """What a sequence weighs, and what is left; None if this is not the loss."""
            theirs = np.array([one.upstream(way)[1].sum(axis=0) for one in data])  # of each sequence
            factors = (mine[3:6] - mine[:3]) / (theirs[3:6, 0] - theirs[:3, 0])
            if np.ptp(factors) > tolerance * abs(factors).max() or not factors.any():
                return None
            factors = np.array([np.median(factors)] + [
                (mine[5 + b] - mine[0]) / (theirs[5 + b, b] - theirs[0, b]) for b in range(1, B)])
            rest = mine - theirs @ factors
            return None if np.ptp(rest) > tolerance * abs(mine).max() else (factors, rest)

        for forward, way in self.forwards():
            fits = fit(way, data)
            if fits is None:
                continue
            factors, rest = fits
            self.diagnosis.forward, self.loss_factor = forward, float(factors[0])
            self.loss_constant = float(rest[0]) if abs(rest[0]) > tolerance * abs(mine[0]) else 0.0
            if "peepholes" in way:  # known for these units alone
                self.other = self.other._replace(H=self.sizes.H, D=self.sizes.D)
            self.uneven = factors / factors[0] if np.ptp(factors) > 10 * tolerance * abs(factors).max() else None
            return way
        self.hint = next((f"It is that of the usual one if the adapter's layouts are mended: {how}"
                          for how, seen in other_layouts(weights)
                          if fit({}, [one.with_weights(seen) for one in data])), self.hint_about_targets(data[0]))
        return None

    def hint_about_targets(self, data):
        targets = data.targets.copy()
        targets[:-1] = other(targets[:-1], self.sizes.K)
        if self.sizes.T > 1 and not self.asked.many_to_one and data.with_targets(targets).loss == data.loss:
            return ("The loss takes no notice of targets before the last timestep: if it is that of the last one, say "
                    "many_to_one=True; own gets its targets alone then")
        return ("If the code is an LSTM of equations (1)-(6), look again at what the adapter says of its layout: the "
                "order of the gates, what is joined, rows or columns")

    def forwards(self):
        """The forward passes that are known; then those with peepholes, which are read from the loss."""
        H, K = self.sizes.H, self.sizes.K
        yield from ((name, way) for name, way in catalogue.FORWARDS.items() if H == K or way.get("output") != "h")
        self.said("the loss: peepholes")
        yield from with_peepholes(self.asked, self.sizes, self.rng(4))

    def forward_that_fits_best(self):
        """No loss tells the forward pass: one whose h make the gradient of Wh out of the dz that were read, or else
        the standard one, or one that explains far more of the X-ray.
        """
        self.loss_factor, self.loss_constant, self.uneven, explained = None, 0.0, None, {}
        film = Film(self.asked, {}, self.sizes, self.seed)
        fitting = [forward for forward, way in catalogue.FORWARDS.items() if "output" not in way and film.fits_Wh(way)]
        if fitting:
            self.diagnosis.forward = fitting[0]
            way = catalogue.FORWARDS[fitting[0]]
            return way, self.search(way)
        for forward, way in catalogue.FORWARDS.items():
            if "output" not in way and ";" not in forward:
                explained[forward] = Film(self.asked, way, self.sizes, self.seed).compare({}).ok.mean()
                if explained[forward] == 1:
                    break
        best = max(explained, key=explained.get)
        found = {}
        better = explained[best] > explained["standard"] + 0.1
        for forward in dict.fromkeys([best if better else "standard", "standard"]):
            found[forward] = self.search(catalogue.FORWARDS[forward])
            if not found[forward].unnamed:
                break
        self.diagnosis.forward = min(found, key=lambda forward: len(found[forward].unnamed))
        return catalogue.FORWARDS[self.diagnosis.forward], found[self.diagnosis.forward]

    def search(self, way):
        faults = {} if self.uneven is None else {"1/|X|": ("mean of means", self.uneven)}
        film = Film(self.asked, way, self.sizes, self.seed)
        film.spent = self.diagnosis.spent
        search = Search(film, faults, self.said)
        self.diagnosis.spent = film.spent
        return search

    # ---- no forward pass that is known

    def against_numbers(self):
        """Part by part against the numerical gradient of the code's own loss."""
        self.said("central differences (the forward pass is none that is known)")
        d, data = self.diagnosis, next(one for one in self.data if one.sizes.T == min(3, self.sizes.T))
        d.experiments.append(NUMBERS)
        before = list(d.places)
        step = self.step or CENTRAL_STEP["f" if self.asked.single else "d"]
        truth, tolerance = self.numerical(data, step), 1e-5 if 1e-6 <= step <= 1e-4 else 2e-2
        mine, theirs = parts(data.gradient), parts({k: getattr(truth, k) for k in data.gradient})
        d.parts = {k: relative(mine[k], theirs[k]) for k in mine}
        largest = max(abs(a).max() for a in theirs.values())
        for part, off in d.parts.items():
            if off > tolerance and abs(mine[part] - theirs[part]).max() > tolerance * largest:
                of = part.replace(" ", " of gate ")
                d.measured(part.replace(" ", " of "), f"the gradient of {of} is off by {100 * off:.3g}%", NUMBERS.name)
        d.explained = d.places == before and not self.asked.left_out
        d.notes.append("the loss is that of no forward pass that is known here: the gradient is judged part by part, "
                       f"against the numerical gradient of the code's own loss. {self.hint}")

    def numerical(self, data, step):
        """By the complex step if one entry shows that it works and no step was chosen, else by central differences."""
        def f(weights):
            targets = data.targets[-1] if self.asked.many_to_one else data.targets
            return np.asarray(self.asked.raw(weights, data.X.copy(), targets.copy())[0]).reshape(())[()]

        def slope(h):
            Wx = data.weights.Wx.astype(type(h), copy=True)
            Wx[0, 0] += h
            return f(Weights(Wx, *(a.astype(type(h)) for k, a in data.weights.items() if k != "Wx")))

        if self.step:
            return numerical_gradient(f, data.weights, "central", step)
        central = (slope(step) - slope(-step)) / (2 * step)
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                works = np.isclose(np.imag(slope(1e-20j)) / 1e-20, central, rtol=1e-4, atol=0)
        except Exception:
            works = False
        works = works and central != 0
        return numerical_gradient(f, data.weights) if works else numerical_gradient(f, data.weights, "central", step)

    # ---- names, factors, parts

    def conclude(self, way, search):
        self.said("the whole gradient on other data")
        d, self.way = self.diagnosis, way
        whole = Whole(self.asked, search, way, self.sizes, self.data, self.loss_factor, self.loss_constant)
        d.explained = whole.fits and not self.asked.left_out
        d.experiments += [one for n, one in enumerate(XRAY) if n in search.apart] + [*WHOLE] * whole.named
        named = {place: what for place, what in whole.faults.items() if place not in whole.unnamed}
        for places, said in words.together(named):
            d.add(" or ".join([said, *(self.same_gradient(whole, places, said) if d.explained else [])]),
                  search.seen.get(places[0]))
        if whole.decay and not whole.in_the_loss:
            d.add("added: weight decay")
        for place, number in whole.unnamed.items():
            d.measured(place, number, search.seen.get(place))
        self.factors(whole, self.weigh(whole))
        data = next(one for one in self.data if one.sizes.T == self.sizes.T)
        mine, truth = parts(data.gradient), parts(data.predict(way, {}))
        d.parts = {k: relative(mine[k], (self.loss_factor or 1.0) * truth[k]) for k in mine}

    def same_gradient(self, whole, places, said):
        """Other faults that would have the same gradient in place of this one."""
        if places[0] in ("clipped inside", "1/|X|"):
            return []
        rest, found = {k: v for k, v in whole.faults.items() if k not in places}, []
        single = [{place: what} for place, what in whole.search.options]
        for change in [*single, {"dh": "not carried", "dc": "not carried"}]:
            if rest.keys().isdisjoint(change):
                faults = rest | change
                if whole.all_fit(faults) and whole.search.fine(whole.film.compare(faults)):
                    found.append(" and ".join(text for _, text in words.together(change)))
        return [one for one in dict.fromkeys(found) if one != said]

    def weigh(self, whole):
        """What every item weighs, where all weigh alike, in a batch of other sizes: {"factor": ..., ...}"""
        d, found = self.diagnosis, {}
        if not d.explained or self.other == self.sizes:
            return found
        d.experiments.append(BATCH)
        try:
            data = Data.random(self.asked, self.other, self.rng(3))
            if "clipped inside" in whole.faults:
                data = data.softened(self.way)
        except Exception as error:
            d.notes.append(f"not examined at other sizes, {self.other}: {type(error).__name__} ({error})")
            return found
        for which, weights in whole.weigh(data).items():
            largest, sequences = np.nanmax(abs(weights)), np.nanmedian(weights, axis=0)
            spread = abs(weights - sequences)
            if np.nanmax(spread) > 1e3 * whole.tolerance * largest:
                continue
            if np.ptp(sequences) <= 1e3 * whole.tolerance * largest:
                found[which] = float(sequences[0])
            elif "1/|X|: mean of means" not in d.faults:
                d.add("1/|X|: mean of means")
                d.numbers["1/|X|"] = "the sequences weigh " + ", ".join(f"{w:.3g}" for w in sequences)
        if self.loss_factor is not None and not self.loss_constant and "1/|X|" not in d.places:
            found["loss_factor"] = data.loss / data.upstream(self.way)[1].sum()
        return found

    def factors(self, whole, elsewhere):
        """1/|X|, or what else stands before gates, head and loss, and whether it is the same for all three."""
        d, tolerance = self.diagnosis, whole.tolerance
        every = whole.faults["1/|X|"][1] if whole.faults.get("1/|X|", ("",))[0] == "at every step" else 1
        clipped = whole.film.quiet_factor if whole.film.limit else 1
        values = {"factor": whole.gates * every * clipped, "head_factor": whole.head * clipped,
                  "loss_factor": self.loss_factor}
        arrays = {"factor": ("Wx", "Wh", "b"), "head_factor": ("Wy", "by"), "loss_factor": whole.film.arrays}
        values = {k: v for k, v in values.items() if v is not None and any(a in whole.film.arrays for a in arrays[k])}
        for which, value in values.items():
            names = factor_names(value, self.sizes, tolerance)
            if which in elsewhere and every == 1:
                names = [name for name in names if name in factor_names(elsewhere[which], self.other, tolerance)]
            setattr(d, which, " or ".join(names) or f"{value:.4g}")
        if self.loss_factor is None or whole.unnamed or every != 1:
            return
        off = [k for k in ("factor", "head_factor") if k in values and
               abs(values[k] / self.loss_factor - 1) > 20 * tolerance]
        if off and (len(off) == len(values) - 1 and abs(values[off[0]] / values[off[-1]] - 1) < 20 * tolerance):
            d.add("loss: another factor than the gradient's")
        else:
            for which in off:
                d.add(f"{'head' if which == 'head_factor' else 'gates'}: another count")
