"""Which line of an LSTM's backward pass is wrong?

    diagnosis = diagnose(own)
    print(diagnosis)

Its `experiments` are asked one by one: two calls, lengths (`calls`); the forward pass, from the loss (`reading`); the
X-ray (`xray`), whose blocks are compared with those of a backward pass with faults (`search`, `catalogue`); whole
gradients on other data (`whole`): where the faults found do not explain these, they are said to be a guess.
"""

import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from .. import checks
from ..checking import CENTRAL_STEP, numerical_gradient
from . import catalogue, words
from .asking import Data, Own, Sizes, random_weights, relative
from .calls import all_lengths, calls_agree
from .experiments import BATCH, CALLS, LOSS, NUMBERS, WHOLE, XRAY
from .instruments import parts
from .reading import OfLoss, Reading
from .search import Search
from .whole import Whole, factor_names
from .xray import Film


@dataclass
class Diagnosis:
    """What `diagnose` found. Printing it shows for each fault the wrong line, the right line and why.

    faults       ["place: what", ...]; faults with the same gradient are named together, joined by " or "
    places       where something is wrong, whether it has a name or not
    numbers      {place: what was measured there, or is known of it besides its name}
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
    asked, given = Own(own, loss, many_to_one), {"T": T, "B": B, "D": D, "H": H, "K": K}
    sizes = Sizes(**{name: checks.count(name, value) for name, value in given.items() if value is not None})
    if loss == "cross entropy" and sizes.K < 2:
        raise ValueError(f"K must be at least 2 for cross entropy, got {sizes.K}")
    other = Sizes(4, 3 if B > 1 else 1, D or 7, H or 5, K or 5)
    step = None if step is None else checks.positive("step", step)
    return Examination(asked, sizes, other, checks.count("seed", seed, at_least=0), step, progress).diagnosis


class Examination:
    """From the first call to the verdict; `examine` is its table of contents."""

    def __init__(self, asked, sizes, other, seed, step, progress):
        self.asked, self.sizes, self.other, self.seed, self.step = asked, sizes, other, seed, step
        self.start, self.progress, self.diagnosis, self.of_loss = time.monotonic(), progress, Diagnosis(), OfLoss()
        self.examine()
        self.diagnosis.calls = asked.calls

    def said(self, what):
        passed = time.monotonic() - self.start
        if self.progress and passed > 1:
            print(f"diagnose, {passed:.0f} s: {what}", file=sys.stderr)

    def examine(self):
        asked, d = self.asked, self.diagnosis
        d.experiments.append(CALLS)
        if not calls_agree(asked, self.sizes, self.seed, d):
            return
        self.data = all_lengths(asked, self.sizes, self.seed, d)
        if asked.given:
            return self.conclude(self.search_without_a_loss())
        self.said("the loss")
        d.experiments.append(LOSS)
        reading = Reading(asked, self.sizes, self.seed)
        if found := reading.forward(self.said):
            d.forward, way, self.of_loss = found
            if "peepholes" in way:  # known for these units alone
                self.other = self.other._replace(H=self.sizes.H, D=self.sizes.D)
            self.said("the X-ray")
            self.conclude(self.search(way))
        else:
            self.against_numbers(reading.hint())

    # ---- a forward pass that is known

    def film(self, way):
        return Film(self.asked, way, self.sizes, self.seed)

    def search(self, way):
        d, uneven, film = self.diagnosis, self.of_loss.uneven, self.film(way)
        film.spent = d.spent
        search = Search(film, {} if uneven is None else {"1/|X|": ("mean of means", uneven)}, self.said)
        d.spent = film.spent
        return search

    def search_without_a_loss(self):
        """With a forward pass whose h make the gradient of Wh out of the dz that were read; else with the standard one,
        or one that explains far more of the X-ray.
        """
        d, film = self.diagnosis, self.film({})
        known = {name: way for name, way in catalogue.FORWARDS.items() if "output" not in way}
        if fitting := next((name for name, way in known.items() if film.fits_Wh(way)), None):
            d.forward = fitting
            return self.search(known[fitting])
        explained = {name: self.film(way).compare({}).ok.mean() for name, way in known.items() if ";" not in name}
        best, found = max(explained, key=explained.get), {}
        for name in (best, "standard") if explained[best] > explained["standard"] + 0.1 else ("standard",):
            found[name] = self.search(known[name])
            if not found[name].unnamed:
                break
        d.forward = min(found, key=lambda name: len(found[name].unnamed))
        return found[d.forward]

    # ---- no forward pass that is known

    def against_numbers(self, hint):
        """Part by part against the numerical gradient of the code's own loss."""
        self.said("central differences (the forward pass is none that is known)")
        d, data = self.diagnosis, min(self.data, key=lambda one: abs(one.sizes.T - min(3, self.sizes.T)))
        d.experiments.append(NUMBERS)
        before = d.places
        step = self.step or CENTRAL_STEP["float32" if self.asked.single else "float64"]
        truth, tolerance = self.numerical(data, step), 1e-5 if 1e-6 <= step <= 1e-4 else 2e-2
        mine, theirs = parts(data.gradient), parts({k: getattr(truth, k) for k in data.gradient})
        d.parts = {k: relative(mine[k], theirs[k]) for k in mine}
        largest = max(abs(a).max() for a in theirs.values())
        for part, off in d.parts.items():
            if off > tolerance and abs(mine[part] - theirs[part]).max() > tolerance * largest:
                said = f"the gradient of {part.replace(' ', ' of gate ')} is off by {100 * off:.3g}%"
                d.measured(part.replace(" ", " of "), said, NUMBERS.name)
        d.explained = d.places == before and not self.asked.left_out
        d.notes.append("the loss is that of no forward pass that is known here: the gradient is judged part by part, "
                       f"against the numerical gradient of the code's own loss. {hint}")

    def numerical(self, data, step):
        """By the complex step, if no step was chosen and central differences in one direction agree; else by these."""
        def loss(weights):
            targets = data.targets[-1] if self.asked.many_to_one else data.targets
            return np.asarray(self.asked.raw(weights, data.X.copy(), targets.copy())[0]).reshape(())[()]

        if not self.step:
            towards = random_weights(data.sizes, np.random.default_rng([self.seed, 6]))
            slope = (loss(data.weights + step * towards) - loss(data.weights - step * towards)) / (2 * step)
            with suppress(Exception), np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                truth = numerical_gradient(loss, data.weights)
                if np.isclose(truth.dot(towards), slope, rtol=1e-4, atol=0):
                    return truth
        return numerical_gradient(loss, data.weights, "central", step)

    # ---- names, factors, parts

    def conclude(self, search):
        self.said("the whole gradient on other data")
        d, way = self.diagnosis, search.film.way
        whole = Whole(search, self.data, self.of_loss)
        d.explained = whole.fits and not self.asked.left_out
        d.experiments += [one for n, one in enumerate(XRAY) if n in search.apart] + [*WHOLE] * whole.named
        named = {place: what for place, what in whole.faults.items() if place not in whole.unnamed}
        for places, said in words.together(named):
            d.add(" or ".join([said, *(self.same_gradient(whole, places, said) if d.explained else [])]),
                  search.seen.get(places[0]))
            if here := words.here(named[places[0]]):
                d.numbers[said.partition(": ")[0]] = here
        if whole.decay and not whole.in_the_loss:
            d.add("added: weight decay")
        for place, number in whole.unnamed.items():
            d.measured(place, number, search.seen.get(place))
        self.factors(whole, self.weigh(whole))
        data = next(one for one in self.data if one.sizes.T == self.sizes.T)
        mine, truth = parts(data.gradient), parts(data.predict(way, {}))
        d.parts = {k: relative(mine[k], (self.of_loss.factor or 1.0) * truth[k]) for k in mine}

    def same_gradient(self, whole, places, said):
        """Other faults that would have the same gradient in place of this one."""
        if places[0] in ("clipped inside", "1/|X|"):
            return []
        rest = {k: v for k, v in whole.faults.items() if k not in places}
        changes = [*({place: what} for place, what in whole.search.options), {"dh": "not carried", "dc": "not carried"}]
        found = [" and ".join(text for _, text in words.together(change)) for change in changes
                 if rest.keys().isdisjoint(change) and whole.may_be(rest | change)]
        return [one for one in dict.fromkeys(found) if one != said]

    def weigh(self, whole):
        """What every item weighs, where all weigh alike, in a batch of other sizes: {"factor": ..., ...}"""
        d, found = self.diagnosis, {}
        if not d.explained or self.other == self.sizes:
            return found
        d.experiments.append(BATCH)
        try:
            data = Data.random(self.asked, self.other, np.random.default_rng([self.seed, 3]))
            if "clipped inside" in whole.faults:
                data = data.softened(whole.way)
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
        if self.of_loss.factor is not None and not self.of_loss.constant and "1/|X|" not in d.places:
            found["loss_factor"] = data.loss / data.upstream(whole.way)[1].sum()
        return found

    def factors(self, whole, elsewhere):
        """1/|X|, or what else stands before gates, head and loss, and whether it is the same for all three."""
        d, tolerance = self.diagnosis, whole.tolerance
        every = whole.faults["1/|X|"][1] if whole.faults.get("1/|X|", ("",))[0] == "at every step" else 1
        clipped = whole.film.quiet_factor if whole.film.limit else 1
        arrays, loss = set(whole.film.arrays), self.of_loss.factor
        values = {"factor": whole.gates * every * clipped} if arrays & {"Wx", "Wh", "b"} else {}
        values |= {"head_factor": whole.head * clipped} if arrays & {"Wy", "by"} else {}
        values |= {"loss_factor": loss} if loss is not None else {}
        for which, value in values.items():
            names = factor_names(value, self.sizes, tolerance)
            if which in elsewhere and every == 1:
                names = [name for name in names if name in factor_names(elsewhere[which], self.other, tolerance)]
            setattr(d, which, " or ".join(names) or f"{value:.4g}")
        if loss is None or whole.unnamed or every != 1:
            return
        off = [k for k, value in values.items() if abs(value / loss - 1) > 20 * tolerance]
        if off and (len(off) == len(values) - 1 and abs(values[off[0]] / values[off[-1]] - 1) < 20 * tolerance):
            ratio = values[off[0]] / loss
            d.add("loss: " + ("the other sign" if abs(ratio + 1) < 20 * tolerance
                              else "another factor than the gradient's"))
            d.numbers["loss"] = f"the gradient is {ratio:.3g} times that of the loss"
        else:
            for which in off:
                d.add(f"{'head' if which == 'head_factor' else 'gates'}: another count")
