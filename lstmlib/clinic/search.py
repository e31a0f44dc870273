"""The X-ray of a stranger's code against a backward pass with faults, experiment by experiment.

The first one that differs holds the next fault: the way of being wrong that makes most of it agree. If there is none,
what the code computes there is taken as it is, its place is told by a number, and the experiments behind it are judged
all the same.
"""

from itertools import combinations

import numpy as np

from .catalogue import WAYS
from .experiments import XRAY
from .unnamed import GATES, measure, order_of

LAST = len(XRAY) - 1
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
            vars(self).update(before | {"until": self.until})

    def one_by_one(self, said):
        self.until = self.film.spent + COMBINATIONS
        for n, experiment in enumerate(XRAY):
            while not self.fine(self.match, n):
                said(f"the X-ray, {experiment.name}")
                if not (self.one_more(n) or self.another(n) or self.two_more(n)):
                    measure(self, n)
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

    def wrong_blocks(self, n):
        return [block for block, bad in zip(self.film.meta, self.wrong(n)) if bad]

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
        score, faults, match = max(tried, key=lambda one: one[0], default=(now, None, None))
        if found := score[0] > now[0]:
            self.faults, self.match = faults, match
        return tried, found

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
        pairs = (dict(pair) for pair in combinations(self.touching, 2) if pair[0][0] != pair[1][0])
        return self.best((self.faults | pair for pair in pairs), n, self.until)[1]

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
        ratio = np.divide(match.ab, match.bb, out=np.zeros_like(match.ab), where=match.bb > 0)
        proportional = live & (match.bb > 0) & film.agree(match.bb, match.ab * match.factor, ratio * match.factor)
        kind, gate = (np.array([getattr(block, name) for block in film.meta]) for name in ("kind", "gate"))
        late = np.array([block.lag == 0 for block in film.meta])

        def constant(which):
            """The factor that more than half of these blocks share, unless it is 1."""
            found = ratio[which & proportional]
            value = float(np.median(found)) if len(found) else 1.0
            share = abs(found - value) <= 20 * film.tolerance * abs(value)
            return value if share.sum() > (which & live).sum() / 2 and abs(value - 1) > 20 * film.tolerance else None

        factors = {GATES[own]: constant(late & (gate == k)) for k, own in zip(GATES, order_of(self))}
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
