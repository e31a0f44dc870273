"""The whole gradient on other data: what no impulse shows (decay, clips, another loss), and what an item weighs."""

import warnings
from dataclasses import replace

import numpy as np

from ..checking import CENTRAL_STEP
from ..show.words import listed
from ..weights import Weights
from . import catalogue
from .asking import Data, close, proportional
from .experiments import WHOLE

HEAD, GATES = ("Wy", "by"), ("Wx", "Wh", "b")


class Whole:
    """The faults that a `Search` found, and those that show on whole gradients only.

    data       generic questions of several lengths
    fits       whether all their gradients are those of a backward pass with these faults
    decay      {array: rate} of the weights in the gradient; in_the_loss: whether it is in the loss, too
    """

    def __init__(self, search, data, of_loss):
        self.search, self.film, self.asked = search, search.film, search.film.own
        self.way, self.sizes = search.film.way, search.film.sizes
        self.faults, self.unnamed, self.data = search.faults, search.unnamed, data
        self.tolerance = 5e-3 if self.asked.single else 1e-6
        self.gates, self.head = search.match.gates, search.match.head
        self.decay, self.fits = {}, False
        self.named = not self.unnamed and search.fine(search.match)
        if self.named:
            self.compare()
        self.in_the_loss = self.fits and self.decay and of_loss.constant and self.decay_is_in_the_loss(of_loss.factor)

    def compare(self):
        """With the gradients on other data; what these show besides is put to faults or places."""
        self.fits = self.explains(self.data)
        if not self.fits:  # a clip may hide what is hidden from differences
            self.explains([one.softened(self.way) for one in self.data])
        self.clips()
        if "clipped inside" in self.faults:
            self.data = [one for one in self.data if one.sizes == self.sizes]
            self.fits = self.explains(self.data)
        if not self.fits and not self.unnamed:
            self.where_it_does_not_fit()
        self.fits = self.fits and not self.unnamed

    def explains(self, data):
        """Whether the gradients are those of the faults found, or of one more, which differences hide."""
        self.find_decay()
        if self.all_fit(self.faults, data):
            return True
        for place, what in self.search.options:
            if place not in self.faults and self.may_be(self.faults | {place: what}, data):
                self.faults, self.search.seen[place] = self.faults | {place: what}, WHOLE[1].name
                return True
        return False

    def may_be(self, faults, data=None):
        """Whether both these gradients and the X-ray are those of these faults."""
        return self.all_fit(faults, data) and self.search.fine(self.film.compare(faults))

    def all_fit(self, faults, data=None):
        return all(self.off(one, faults) <= self.tolerance for one in reversed(data or self.data))  # longest first

    def off(self, data, faults):
        """The largest error of an array on this data, up to one factor for the gates and one for the head."""
        (clip, limit), mine, worst = faults.get("clipped inside", ("", None)), self.without_decay(data), 0.0
        if clip == "by value":
            largest = max(abs(a).max() for a in data.gradient.values())  # a mean of clipped pieces has other limits
            limits = dict.fromkeys(mine, largest) | ({"Wx": limit} if self.asked.by_items else {})
            theirs = self.clipped_by_value(data, faults, limits)
        else:
            theirs = data.predict(self.way, self.at_sizes(faults, data.sizes))
        for names in groups(mine) if clip != "by norm" else [(k,) for k in mine]:
            a, b = joined(mine, names), joined(theirs, names)
            factor = 1.0 if clip == "by value" else np.vdot(a, b) / (np.vdot(b, b) or 1)
            if factor == 0 and (a.any() or b.any()):
                return np.inf
            size = max(np.linalg.norm(a), np.linalg.norm(factor * b)) or 1
            worst = max(worst, *(np.linalg.norm(mine[k] - factor * theirs[k])
                                 / max(np.linalg.norm(mine[k]), 1e-3 * size) for k in names))
        return worst

    def at_sizes(self, faults, sizes):
        """The faults, with the 1/|X| of these sizes where one is applied at every step."""
        if faults.get("1/|X|", ("",))[0] != "at every step" or sizes == self.sizes:
            return faults
        known = factor_names(faults["1/|X|"][1], self.sizes, self.tolerance)
        return faults | ({"1/|X|": ("at every step", numbers_of(sizes)[known[0]])} if known else {})

    def where_it_does_not_fit(self):
        at = {one.sizes.T: self.off(one, self.faults) for one in self.data}
        good = [str(T) for T in at if at[T] <= self.tolerance]
        mine, theirs = self.data[-1].gradient, self.data[-1].predict(self.way, self.faults)
        if "by" in mine and not proportional(mine["by"], theirs["by"], self.tolerance):
            self.unnamed["loss"] = "what enters the outputs (dY) is not the gradient of the loss; its differences are"
        elif "clipped inside" not in self.faults and all(
                self.off(one.softened(self.way), self.faults) <= self.tolerance for one in self.data):
            self.unnamed["clipped inside"] = "a large gradient is off, and a small one is right"
        elif good:
            self.unnamed["timesteps"] = f"the gradient is right at T = {', '.join(good)} and not at the others"
        else:
            wrong = listed([k for k in mine if not proportional(mine[k], theirs[k], self.tolerance)] or mine)
            self.unnamed["whole gradient"] = ("every answer to an impulse is as it should be, and the whole gradient "
                                              f"is off by {100 * max(at.values()):.3g}% in {wrong}")

    # ---- decay

    def find_decay(self):
        """Whether the gradient has a multiple of the weights in it: in the X-ray, before an impulse is sent."""
        group = self.film.groups[-1]
        data = Data(self.asked, self.sizes, self.film.weights, group.X, group.base, answer=(None, group.quiet))
        self.decay, expected = {}, self.expected(data, self.faults)
        for array, mine in data.gradient.items():
            rest, W = mine - expected[array], getattr(data.weights, array)
            rate = float(np.vdot(W, rest) / np.vdot(W, W))
            if np.linalg.norm(rest) > 1e-5 * np.linalg.norm(mine) and close(rest, rate * W, 1e-4):
                self.decay[array] = rate

    def without_decay(self, data):
        """The gradient of the code, without the decay that was found."""
        return {k: a - self.decay.get(k, 0) * getattr(data.weights, k) for k, a in data.gradient.items()}

    def decay_is_in_the_loss(self, loss_factor):
        """Whether the loss of the code has the slope along the weights that its gradient has."""
        data, h = self.data[-1], CENTRAL_STEP["float32" if self.asked.single else "float64"]
        W = Weights(*(array * (name in self.decay) for name, array in data.weights.items()))
        ahead, behind = (self.asked(data.weights + s * h * W, data.X, data.targets)[0] for s in (1, -1))
        truth = data.predict(self.way, {})
        slope = sum(np.vdot(loss_factor * truth[k] + rate * getattr(W, k), getattr(W, k))
                    for k, rate in self.decay.items())
        return np.isclose((ahead - behind) / (2 * h), slope, rtol=1e-3)

    # ---- clips: what is not linear in the gradient that enters

    def loud(self, others_quiet, times=240):
        """Impulses at the end, so large that what clips must clip them, and no exp overflows."""
        weights, X, (T, B, _, H, K) = self.film.weights, self.film.X, self.sizes
        now = catalogue.forward(weights, X, self.way)
        if self.asked.loss == "cross entropy":
            Wy, by = 50 * times * weights.Wy, weights.by  # those of the X-ray are small
            if others_quiet:  # the first label is sure, but for the impulse
                Wy = 24 / abs(now.hs[1:] @ weights.Wy).max() * weights.Wy
                by = np.where(np.arange(K) == 0, 30.0, -30.0)
            weights = replace(weights, Wy=Wy, by=by)
            logits = catalogue.forward(weights, X, self.way).logits
            target, at = logits.argmax(axis=-1), -2 if "last left out" in self.faults.get("timesteps", "") else -1
            target[at, 0] = logits[at, 0].argmin()
        else:
            target = np.zeros((T, B, H)) if self.asked.given else catalogue.outputs(now)
            last = slice(-1 if self.asked.many_to_one else -2, None)
            target[last, 0] += 1e3 * np.random.default_rng(3).uniform(0.5, 1, target.shape[-1])
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                return Data(self.asked, self.sizes, weights, X, target, any_loss=True)
        except Exception:
            if times < 10:
                raise
            return self.loud(others_quiet, times / 4)

    def expected(self, data, faults):
        """The gradient with these faults, without decay, times the factors that the X-ray showed."""
        theirs = data.predict(self.way, faults)
        return {k: (self.head if k in HEAD else self.gates) * theirs[k] for k in data.gradient}

    def clipped_by_value(self, data, faults, limits):
        """What is expected, with no entry above the limit of its array; of Wx the rows of each item."""
        clipped = {k: np.clip(a, -limits[k], limits[k]) for k, a in self.expected(data, faults).items()}
        if self.asked.by_items and "Wx" in clipped:
            items, rows = data.X.reshape(-1, data.X.shape[-1]), self.gates * data.backward(self.way, faults)[1].dz
            clipped["Wx"] = items.T @ np.clip(rows, -limits["Wx"], limits["Wx"]).reshape(len(items), -1)
        return clipped

    def clips(self):
        if self.film.limit:
            self.faults["clipped inside"] = "by norm", self.film.limit
            return
        data, loose = self.loud(others_quiet=False), 1e-2 if self.asked.single else 1e-5
        mine, expected = self.without_decay(data), self.expected(data, self.faults)
        if all_close(mine, expected, loose):
            return
        largest = {k: abs(a).max() for k, a in mine.items()}
        limit = max(largest[k] for k in largest if not (self.asked.by_items and k == "Wx"))
        for limits in (dict.fromkeys(mine, limit), largest):
            if all_close(mine, self.clipped_by_value(data, self.faults, limits), loose):
                self.faults["clipped inside"] = "by value", limit
                return
        size, should = (np.linalg.norm(joined(one, mine)) for one in (mine, expected))
        if all(proportional(mine[k], expected[k], loose) for k in mine):
            self.faults["clipped inside"] = "by norm", float(size)
        elif not self.clips_at_each_step(data, 10 * loose) and self.fits:
            self.unnamed["clipped inside"] = (f"a large gradient comes out {size / should:.3g} times as large as a "
                                              "small one would make it")

    def clips_at_each_step(self, data, loose):
        """Clips of dz, dh or what is carried, by value: at a usual limit, or one read off the X-ray of one sequence."""
        alone = self.loud(others_quiet=True)
        dz = self.film.groups[-1].read({k: a[None] for k, a in self.without_decay(alone).items()})[0] / self.gates
        with np.errstate(all="ignore"):
            dh = abs(dz[:, 3] / alone.backward(self.way, self.faults)[1].local[:len(dz), 0, 3])
        dh[~np.isfinite(dh)] = 0
        mine, read = self.without_decay(data), {"dh": dh.max(initial=0), "dz": abs(dz).max(initial=0)}
        read |= dict.fromkeys(("dh_next", "dc_next", "dh_next and dc_next"), dh[:-1].max(initial=0))
        for where, found in read.items():
            for limit in (found, *catalogue.LIMITS, *(limit / self.gates for limit in catalogue.LIMITS)):
                fault = {"clipped inside": ("at each step; " + where, float(limit))}
                if all_close(mine, self.expected(data, self.faults | fault), loose):
                    self.faults = self.faults | fault
                    return True
        return False

    # ---- what an item weighs

    def weigh(self, data):
        """{"factor", "head_factor": what each item weighs, (T, B)}: one pass with a leading axis, least squares."""
        faults = {k: v for k, v in self.faults.items() if v[0] != "mean of means" and k != "clipped inside"}
        faults = self.at_sizes(faults, data.sizes)
        of_items, mine, found = data.predict(self.way, faults, items=True), self.without_decay(data), {}
        for names in groups(mine):
            A = np.concatenate([of_items[k].reshape(len(of_items[k]), -1) for k in names], axis=1)
            whole = joined(mine, names)
            live = np.linalg.norm(A, axis=1) > 1e-12 * np.linalg.norm(A)
            weights = np.full(len(A), np.nan)
            weights[live] = np.linalg.lstsq(A[live].T, whole, rcond=None)[0]
            if live.any() and close(A[live].T @ weights[live], whole, 100 * self.tolerance):
                found["factor" if names[0] in GATES else "head_factor"] = weights.reshape(data.sizes.T, data.sizes.B)
        return found


def groups(gradient):
    """The arrays of the gates that there are, and those of the head."""
    return [found for names in (GATES, HEAD) if (found := [k for k in names if k in gradient])]


def joined(gradient, names):
    return np.concatenate([gradient[k].ravel() for k in names])


def all_close(mine, expected, tolerance):
    return all(close(mine[k], expected[k], tolerance) for k in mine)


def numbers_of(sizes):
    """The numbers of the problem that a factor may be, in words."""
    T, B, _, H, K = sizes
    plain = {"1": 1, "1/T": 1 / T, "1/K": 1 / K, "K": K, "K/2": K / 2, "2": 2, "1/2": 0.5, "2/K": 2 / K, "T": T,
             "1/(T*K)": 1 / (T * K), "2/T": 2 / T, "2/(T*K)": 2 / (T * K), "1/(2*T)": 0.5 / T,
             "H": H, "1/H": 1 / H, "1/T^2": 1 / T ** 2}
    with_B = {"1/B": 1 / B, "1/(T*B)": 1 / (T * B), "B": B, "T*B": T * B, "1/(B*K)": 1 / (B * K),
              "1/(T*B*K)": 1 / (T * B * K), "2/(T*B*K)": 2 / (T * B * K), "2/B": 2 / B, "2/(T*B)": 2 / (T * B),
              "2/(B*K)": 2 / (B * K), "1/(2*B)": 0.5 / B, "1/(2*T*B)": 0.5 / (T * B),
              "1/(T*B)^2": 1 / (T * B) ** 2}
    return plain if B == 1 else plain | with_B


def factor_names(value, sizes, tolerance):
    """Which numbers of the problem, in words, are this factor."""
    return ["-" * bool(value < 0) + words for words, number in numbers_of(sizes).items()
            if abs(abs(value) / number - 1) < 10 * tolerance]
