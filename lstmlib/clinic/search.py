"""The X-ray of a stranger's code against a backward pass with faults, experiment by experiment.

The first one that differs holds the next fault: the way of being wrong that makes most of it agree. If there is none,
what the code computes there is taken as it is, its place is told by a number, and the experiments behind it are judged
all the same.
"""

import numpy as np

from . import catalogue
from .asking import close
from .catalogue import WAYS
from .experiments import XRAY

GATES, LAST = "ifgo", len(XRAY) - 1
# What may be spent, in backward passes and their comparisons: 1000 take about 0.2 s on one core.
ALL = 16000
ENOUGH = 12000  # after which nothing is looked at once more
COMBINATIONS = 4000  # of each look, for other faults in place of those found, and for two at a time


def stages(blocks):
    """Which experiment reads each block."""
    return np.array([next(n for n, one in enumerate(XRAY) if one.reads(block)) for block in blocks])


class Search:
    """faults   {place: what}, named or measured
    unnamed  {place: a sentence with a number} of the latter
    seen     {place: the name of the first experiment in which it shows}
    """

    def __init__(self, film, faults, said):
        self.film, self.faults, self.unnamed, self.seen, self.touching = film, faults, {}, {}, []
        self.stage = self.apart = stages(film.meta)
        self.skip = np.zeros(len(self.stage), bool)
        given, way = film.own.given, film.way
        none = ("head", "loss at t", "Wy", "by") if given else ("head", "Wy", "by") if way.get("output") == "h" else ()
        none += ("coupled gates",) * ("coupled" not in way) + ("peepholes",) * ("peepholes" not in way)
        self.options = [(place, what) for place, table in WAYS.items() for what in table
                        if what != "right" and place not in none]
        if not given:
            self.options += [tuple(kind.split(": ", 1)) for kind in film.groups[-1].dYs if kind != "right"]
        self.match = film.compare(faults)
        self.one_by_one(said)
        for joined in (True, False):
            if self.unnamed and film.spent < ENOUGH:
                said("the X-ray, once more")
                self.once_more(faults, joined, said)
        self.prune()

    def once_more(self, start, joined, said):
        """What had no name when it was met may have one: where gate o is read together with i, f and g, from the start;
        and where more faults are known. Kept if fewer have no name then.
        """
        before = dict(vars(self))
        self.faults = start if joined else {k: what for k, what in self.faults.items() if k not in self.unnamed}
        self.unnamed, self.seen, self.skip, self.match = {}, {}, self.skip & False, self.film.compare(self.faults)
        if joined:
            self.stage = stages([block._replace(gate="g") for block in self.film.meta])
        while not joined and not self.fine(self.match) and (self.one_more() or self.another()):
            pass
        self.one_by_one(said)
        if len(self.unnamed) >= len(before["unnamed"]):
            vars(self).update(before)

    def one_by_one(self, said):
        self.until = self.film.spent + COMBINATIONS
        for n, experiment in enumerate(XRAY):
            while not self.fine(self.match, n):
                said(f"the X-ray, {experiment.name}")
                if not (self.one_more(n) or self.another(n) or self.two_more(n)):
                    self.measure(n)
                    break

    def fine(self, match, n=LAST):
        """Whether all blocks agree, up to this experiment."""
        return bool((match.ok | self.skip)[self.stage <= n].all())

    def score(self, match, n=LAST):
        """How many blocks agree, up to this experiment and in all."""
        ok = match.ok & ~self.skip
        return int(ok[self.stage <= n].sum()), int(ok.sum())

    def wrong(self, n):
        return ~self.match.ok & ~self.skip & (self.stage <= n)

    def best(self, trials, n, until=ALL):
        """Take the best of these {place: what} if it makes more agree -> [(score, faults, match)], whether it does"""
        now, tried = self.score(self.match, n), []
        for faults in trials:
            if self.film.spent > min(until, ALL):
                break
            match = self.film.compare(faults)
            if self.match.plain and not match.plain and "1/|X|" not in faults:  # no factor is made up
                match = self.film.compare(faults, self.match.factors)
            tried.append((self.score(match, n), faults, match))
        best = max(tried, key=lambda one: one[0], default=None)
        if best is None or best[0][0] <= now[0]:
            return tried, False
        _, self.faults, self.match = best
        return tried, True

    def one_more(self, n=LAST):
        """One fault more, at a place that this experiment and those before leave open, or else at any other."""
        wrong, changes, found = self.wrong(n), ([], []), False
        before, now = self.match.ab[wrong], self.score(self.match, n)[0]
        places = {place for one in XRAY[:n + 1] for place in one.opens}
        for place, what in self.options + self.measured_options():
            if place not in self.unnamed and self.faults.get(place) != what:
                changes[self.film.one_hot and place not in places].append((place, what))
        self.touching = []
        for some in changes:
            tried, found = self.best([self.faults | {place: what} for place, what in some], n)
            self.touching += [change for change, (score, _, match) in zip(some, tried)
                              if score[0] >= now and not np.allclose(match.ab[wrong], before, rtol=1e-6, atol=0)]
            if found:
                break
        return found

    def another(self, n=LAST):
        """A fault found earlier may be another one: one is taken back, for one that makes more agree."""
        trials = ({k: v for k, v in self.faults.items() if k != place} | {other: what}
                  for place in self.faults if place not in self.unnamed and place != "1/|X|"
                  for other, what in self.options if other not in self.faults or other == place)
        return self.best(trials, n, self.until)[1]

    def two_more(self, n):
        trials = (self.faults | dict((one, two)) for k, one in enumerate(self.touching) for two in self.touching[k + 1:]
                  if one[0] != two[0])
        return self.best(trials, n, self.until)[1]

    def prune(self):
        """Faults that explain nothing are none. What h before t hides of the states before t is one of c alone."""
        for both, h, c in (("states before t", "h before t", "c before t"), ("states at t", "h at t", "c at t")):
            for one, left in ((h, c), (c, h)):
                if one in self.faults and both in self.faults:
                    self.faults = {left if place == both else place: what for place, what in self.faults.items()}
        for place, what in list(self.faults.items()):
            if place in self.unnamed or what[0] == "mean of means":
                continue
            fewer, (head, gates) = {k: v for k, v in self.faults.items() if k != place}, self.match.factors
            times = what[1] if place == "1/|X|" else 1  # at every step it may be no more than a factor of the gates
            same = self.film.compare(fewer, (head, times * gates))
            match = max(same, self.film.compare(fewer), key=self.score)
            if self.score(match)[0] >= self.score(self.match)[0]:
                self.faults, self.match = fewer, match
            else:
                self.seen[place] = XRAY[self.apart[self.match.ok & ~same.ok].min()].name

    # ---- ways with a number that is measured

    def measured_options(self):
        """A constant factor on a slope or an array; 1/|X| at every step."""
        film, match, found = self.film, self.match, []
        live = film.aa > film.floor ** 2
        with np.errstate(all="ignore"):
            ratio = match.ab / match.bb
        proportional = live & np.isfinite(ratio)
        proportional &= film.agree(match.bb, match.ab * match.factor, np.where(proportional, ratio, 0) * match.factor)
        kind, gate = (np.array([getattr(block, name) for block in film.meta]) for name in ("kind", "gate"))
        late = np.array([block.lag == 0 for block in film.meta])

        def constant(which):
            """The factor that more than half of these blocks share, unless it is 1."""
            value = float(np.median(ratio[which & proportional])) if (which & proportional).any() else 1.0
            share = abs(ratio[which & proportional] - value) <= 20 * film.tolerance * abs(value)
            return value if share.sum() > (which & live).sum() / 2 and abs(value - 1) > 20 * film.tolerance else None

        factors = {k: constant(late & (gate == k)) for k in GATES}
        if None not in (three := [factors[k] for k in "ifg"]) and np.allclose(three, three[0]):
            found.append(("slope of tanh(c)", ("a constant factor", three[0])))
        found += [(f"slope of {k}", ("a constant factor", q)) for k, q in factors.items() if q]
        if abs(match.gates / match.head - 1) > 20 * film.tolerance:  # what is taken for a factor of all gates
            found += [(place, ("a constant factor", match.gates / match.head))
                      for place in ("slope of tanh(c)", "slope of o")]
        found += [(array, ("a constant factor", q)) for array in ("Wx", "Wh", "b", "Wy", "by")
                  if array not in self.faults and (q := constant(kind == array))]
        if "1/|X|" not in self.faults:
            found += [("1/|X|", ("at every step", s)) for s in dict.fromkeys(
                (match.gates, match.gates / match.head, match.head)) if 0 < s < 1 - 10 * film.tolerance]
        return found

    # ---- no way of being wrong is known: take what the code computes, say where, and go on behind it

    def measure(self, n):
        before, wrong = set(self.unnamed), self.wrong(n)
        blocks = [block for block, bad in zip(self.film.meta, wrong) if bad]
        kinds, lag = dict.fromkeys(block.kind for block in blocks), max(block.lag or 0 for block in blocks)
        if any(block.kind == "dz" and block.t > block.impulse for block in blocks):
            self.unnamed["timesteps"] = "a timestep is answered that comes after the impulse"
        elif not n:
            self.measure_head(kinds)
        elif lag:
            self.measure_carry(n, {block.gate for block in blocks})
        elif "dz" in kinds:
            self.measure_lag_0(n)
        else:
            self.measure_sums(blocks, kinds)
        self.skip |= ~self.match.ok & (self.stage <= n)
        asked = [XRAY[k] for k in np.unique(self.apart[wrong])]
        for place in self.unnamed.keys() - before:
            self.seen[place] = next((one for one in asked if place in one.opens), asked[0]).name

    def take(self, place, measured, said, factors=None):
        """What was measured at this place is taken as it is."""
        self.faults, self.unnamed[place] = self.faults | {place: ("measured", measured)}, said
        self.match = self.film.compare(self.faults, factors)

    def models(self, faults):
        """For each length: the group, what a backward pass with these faults has, and dz of the code, (S, T, 4, H)."""
        kept = []
        self.film.predict(faults, kept)
        return [(group, model, group.read(group.answers) / factor)
                for group, model, factor in zip(self.film.groups, kept, self.match.factors[1])]

    def measure_sums(self, blocks, kinds):
        for kind in kinds:
            gates = [k for k in GATES if any(block.kind == kind and block.gate == k for block in blocks)]
            gates, wrong = [k for k in gates if not self.is_made_of_dz(kind, k)], gates
            if wrong and not gates:
                continue
            if kind == "b":
                self.unnamed |= {f"bias of {k}": f"its gradient is not the sum of dz of gate {k}" for k in gates}
            else:
                of = f" of gate{'s' * (len(gates) > 1)} {', '.join(gates)}" if gates else ""
                self.unnamed[kind.removeprefix("rest of ")] = f"its gradient{of} is not what the dz make it"

    def is_made_of_dz(self, kind, gate):
        """Whether this gate's part of b or Wh is the sum of the dz that were read, however wrong those are."""
        if kind not in ("b", "Wh") or not self.film.one_hot:
            return False
        n = GATES.index(gate)
        for group, model, _ in self.models(self.faults):
            left = model.h_prev[:group.T, 0] if kind == "Wh" else np.ones((group.T, 1))
            made = np.einsum("th,stk->shk", left, group.read(group.answers)[:, :, n])
            part = np.split(group.answers[kind], 4, axis=-1)[n]
            if not close(part.reshape(made.shape), made, 20 * self.film.tolerance):
                return False
        return True

    def measure_head(self, kinds):
        """by tells what entered the outputs; if Wy agrees with it, that is what is wrong."""
        film, dY = self.film, np.zeros((self.film.T, self.film.T, 1, self.film.sizes.K))
        agree = "Wy" in film.arrays and "by" in kinds
        for group in film.groups if agree else ():
            by, h = group.answers["by"], group.now.hs[1:, 0][group.steps]
            dY[group.steps, group.steps, 0] = by
            agree = agree and close(group.answers["Wy"], h[:, :, None] * by[:, None], 20 * film.tolerance)
        if agree:
            self.take("loss", dY, "what enters the outputs (dY) is not the gradient of the loss")
        else:
            self.unnamed["head"] = f"the gradient of {' and '.join(sorted(kinds))} is not what h_t and dY_t make it"

    def measure_lag_0(self, n):
        """What seems a factor of all gates may be one of i, f and g alone: what explains more of the later lags."""
        film, start, q, tried = self.film, (self.faults, self.unnamed), self.match.gates / self.match.head, []
        others = [{"slope of tanh(c)": ("a constant factor", q)}] if abs(q - 1) > 20 * film.tolerance else []
        for more in [{}, *others]:
            self.faults, self.unnamed = start[0] | more, dict(start[1])
            self.match = film.compare(self.faults) if more else self.match
            for gates in ("o", "ifg") if "peepholes" in film.way else (GATES,):  # o reaches the others through them
                blocks = [block for block, bad in zip(film.meta, self.wrong(n)) if bad]
                wrong = [k for k in gates if any(block.gate == k for block in blocks)]
                if wrong:
                    self.measure_slopes(wrong)
            tried.append((self.score(self.match), self.faults, self.unnamed, self.match))
        _, self.faults, self.unnamed, self.match = max(tried, key=lambda one: one[0])

    def measure_slopes(self, wrong):
        """dz per dh at the impulse, over what it should be: (T, 1, H) for each gate."""
        film, q, models = self.film, np.ones((self.film.T, 4, self.film.H)), self.models(self.faults)
        for group, model, dz in models:
            if dz.shape[1]:
                at = range(len(group.steps)), group.steps
                mine, theirs = dz[at], model.dz[:, :, 0][at]
                q[group.steps] = np.divide(mine, theirs, out=np.ones_like(mine), where=abs(theirs) > 1e-12)
        places = {f"slope of {k}": q[:, [GATES.index(k)]] for k in wrong}
        if set("ifg") <= set(wrong) and np.allclose(q[1:, :2], q[1:, [2]], rtol=100 * film.tolerance):
            places = {"slope of tanh(c)": q[:, [2]]} | {k: v for k, v in places.items() if k == "slope of o"}
        known, right = models[-1][1], self.models({k: v for k, v in self.faults.items() if k not in places})[-1][1]
        factors = self.match.factors
        for place, ratio in places.items():
            with np.errstate(all="ignore"):  # what a named fault at this place has changed already
                before = known.st / right.st if place == "slope of tanh(c)" else (
                    known.local / right.local)[:, :, GATES.index(place[-1])]
            ratio = ratio * np.where(np.isfinite(before), before, 1)[:film.T]
            self.take(place, ratio, f"it is {np.median(ratio[1:]):.3g} of what it should be (the median)", factors)

    def measure_carry(self, stage, gates):
        """dh read through gate o, dc through g or i; compared with what the code's own dz and dc should send back."""
        film, loose = self.film, 200 * self.film.tolerance
        for place in ("dh", "dc") if "o" in gates else ("dc",):
            came, should = np.zeros((2, film.T, film.T, 1, film.H))
            for group, m, dz in self.models(self.faults):
                if not dz.shape[1]:
                    return
                dz, local, st, f = dz[:, :, None], m.local[:group.T], m.st[:group.T], m.gate[:group.T, 1]
                k = 2 if abs(local[:, :, 2]).min() > 1e-6 else 0
                with np.errstate(all="ignore"):
                    dh, dc = (np.nan_to_num(dz[..., n, :] / local[:, :, n], posinf=0, neginf=0) for n in (3, k))
                if place == "dh":
                    back, sent = dh - m.above, catalogue.back(m, dz)
                else:
                    back = dc - dh * st - m.peepholes[3] * dz[..., 3, :]
                    sent = dc * f + catalogue.through_peepholes(m, dz)
                for n, s in enumerate(group.steps):
                    came[s, :s], should[s, :s] = back[n, :s], sent[n, 1:s + 1]
            if close(came, should, loose) if place == "dh" else self.fine(self.match, stage):
                continue
            s, letter = film.T - 1, place[1]
            one, right = came[s, s - 1], should[s, s - 1]
            ratio = np.vdot(right, one) / (np.vdot(right, right) or 1)
            self.take(place, came,
                      f"what comes back into {letter} is right one step back, and wrong further back"
                      if close(one, right, loose) else
                      f"what comes from {letter}_{s + 1} to {letter}_{s} is {ratio:.3g} of what it should be",
                      self.match.factors)
