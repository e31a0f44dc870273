"""What is called, what every |X| predicts there, and which |X| these calls cannot tell apart.

An item weighs share(piece) / (own(item) size(piece)): `size` is the |X| of a piece, `own` a number that the loss of
each sequence is divided by first, `share` the rule that combines the pieces.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from .report import cut_name

ROUNDING = 1e-4  # so much may any weight be off
TIMESTEPS, LONGEST, PADDED = "all timesteps, masked too", "longest T", "padded B*T"
KNOWN = ("nothing", "sequences", "tokens", TIMESTEPS, PADDED, LONGEST)


class Part(NamedTuple):
    """What has a weight: an item, half of an item, or an item in one term of the loss."""

    name: object   # b, (b, start, stop) or (term, b)
    thing: int     # its number among all things that can be put into a batch: items, then halves
    item: int      # the number of the item that it is, or is part of
    term: object = None


def sizes(numbers, pieces):
    """|X| of each piece under every name, squares, sums and differences among them: {name: array}."""
    counts = {name: np.array([n[rows].sum() for rows in pieces]) for name, n in numbers.items()}
    found = {"nothing": np.ones(len(pieces))} | counts
    if TIMESTEPS in numbers:
        found[LONGEST] = np.array([numbers[TIMESTEPS][rows].max() for rows in pieces])
        found[PADDED] = found[LONGEST] * counts["sequences"]
    found |= {f"{name}, twice": n ** 2 for name, n in found.items() if name != "nothing"}
    ordered = sorted(counts, key="sequences".__eq__)
    found |= {f"{a} plus {b}": counts[a] + counts[b] for a, b in combinations(ordered, 2)}
    found |= {f"{a} minus {b}": counts[a] - counts[b] for a, b in permutations(ordered, 2)
              if (numbers[a] >= numbers[b]).all()}
    return {name: np.where(size > 0, size, np.nan) for name, size in found.items()}  # 0 predicts nothing


@dataclass
class Plan:
    """numbers  {name: array over things};  parts  what is weighed;  alone  for each part the cut that holds only it
    cuts      what is called: lists of pieces, which are lists of things
    relative  whether weights are relative to the gradient of each part alone (there is no reference)
    """

    numbers: dict
    parts: list
    alone: list
    cuts: list
    relative: bool

    def __post_init__(self):
        self.counted = [name for name in self.numbers if name not in ("sequences", TIMESTEPS)]
        self.names = list(sizes(self.numbers, [[0]]))
        self.plain = [name for name in self.names if name in self.numbers or name in KNOWN]
        # What a sequence is divided by first shows only where a part has another number than its item.
        self.owns = [None] + [name for name, n in self.numbers.items() if name != "sequences" and (
            not self.relative or any(n[part.thing] != n[part.item] for part in self.parts))]
        self.rules = [rule for rule, _ in self.shares(self.cuts[0])]
        # Tables (cuts, parts): which part is in which cut; where an |X| shows without a rule for pieces; and where a
        # rule shows without an |X|, since an item is a piece, weighed relative to itself.
        pieces_of = [[[rows for rows in cut if part.item in rows] for part in self.parts] for cut in self.cuts]
        one_piece = np.array([[len(cut) == 1] for cut in self.cuts])
        self.present = np.array([[pieces != [] for pieces in of_parts] for of_parts in pieces_of])
        self.whole = self.present & (one_piece | (not one_piece.any()))
        self.by_itself = ~one_piece & [[self.relative and part.thing == part.item and pieces == [[part.item]]
                                        for part, pieces in zip(self.parts, of_parts)] for of_parts in pieces_of]

    def shares(self, cut):
        """[(rule, the share of each piece)]: of the sum over pieces, then of the whole batch's number."""
        M, size, whole = len(cut), sizes(self.numbers, cut), sizes(self.numbers, [sum(cut, [])])
        found = [("adding", np.ones(M)), ("the mean over pieces", np.full(M, 1 / M))]
        for total in ({name: n.sum() for name, n in size.items()}, whole):
            for more, factor, names in (("", 1, self.names), (", over pieces", 1 / M, self.plain),
                                        (", times pieces", M, self.plain)):
                found += [(f"their shares of {name}{more}", factor * size[name] / total[name]) for name in names[1:]]
        return found

    def weights_in(self, cut, things):
        """What things weigh in a cut, for every rule and |X|: (rules, names, things)."""
        shares, size = np.array([share for _, share in self.shares(cut)]), list(sizes(self.numbers, cut).values())
        times = np.array([[rows.count(thing) for thing in things] for rows in cut])
        return (shares[:, None] / size) @ times

    @cached_property
    def predictions(self):
        """The weight of every part in every cut, for every rule and |X|: (rules, names, cuts, parts)."""
        in_cuts = np.stack([self.weights_in(cut, [part.item for part in self.parts]) for cut in self.cuts], axis=2)
        if not self.relative:
            return in_cuts
        alone = [self.weights_in(cut, [part.thing]) for cut, part in zip(self.alone, self.parts)]
        return in_cuts / np.stack(alone, axis=-1)

    def own(self, name):
        """What dividing each sequence by a number of its own changes in the weight of every part."""
        if name is None:
            return 1
        n = np.where(self.numbers[name] > 0, self.numbers[name], np.nan)  # NaN explains nothing
        return np.array([(n[part.thing] if self.relative else 1) / n[part.item] for part in self.parts])

    def fingerprints(self, pairs):
        """What each (own, |X|) predicts where it is right, with a reference up to a constant: (pairs, weights)."""
        right = {name: self.rules.index(f"their shares of {name}") if name != "nothing" else 0 for _, name in pairs}
        prints = np.array([(self.predictions[right[name], self.names.index(name)] * self.own(own))[self.whole]
                           for own, name in pairs])
        return prints if self.relative else prints / prints[:, :1]


def hypothesis_name(own, name):
    return name if own is None else f"{own} of each sequence" + ("" if name == "nothing" else f", then {name}")


def inseparable(plan):
    """Sentences: which |X| look the same in the batch, which cuts hide a mean of means, and what would help."""
    basic = {"sequences", "tokens", TIMESTEPS}  # sums and differences of the user's own counts are often identities
    pairs = [(None, name) for name in plan.names if name in plan.plain
             or set(name.replace(" plus ", " minus ").split(" minus ")) <= basic]
    pairs += [(own, name) for own in plan.owns[1:] for name in plan.plain]
    prints, groups = plan.fingerprints(pairs), {}
    same = (np.abs(prints[:, None] - prints) <= ROUNDING * np.abs(prints)).all(axis=-1)
    for k, pair in enumerate(pairs):
        groups.setdefault(next((first for first in groups if same[k, first]), k), []).append(pair)
    alike = [group for group in groups.values() if len(group) > 1]
    told = [group for group in alike if group[0][0] is None and group[0][1] in plan.plain]
    of_totals = [{name for own, name in group if own is None} for group in told]
    for group in alike:  # numbers of each sequence whose totals can be told apart: once, whatever comes then
        owns = {own for own, _ in group}
        if None not in owns and len(owns) > 1 and not any(owns <= names for names in of_totals):
            told.append(group)
            of_totals.append(owns)
    sentences = ["these items cannot tell apart " + ", ".join(f'"{hypothesis_name(*pair)}"' for pair in group) + ": "
                 + what_would(plan, group) + " would" for group in told]
    once = [cut for cut in plan.cuts if len(sum(cut, [])) == len(set(sum(cut, [])))]
    never = [] if any(np.ptp(sizes(plan.numbers, cut).get("tokens", [0])) for cut in once) else ["tokens"]
    for cut in once:
        of_pieces, of_items = sizes(plan.numbers, cut), sizes(plan.numbers, [[k] for rows in cut for k in rows])
        if equal := [name for name in plan.plain if len(cut) > 1 and name not in ("nothing", "sequences")
                     and np.ptp(of_pieces[name]) == 0 and (name in never or np.ptp(of_items[name]) > 0)]:
            sentences.append(f"in the cut {cut_name(cut)} every piece has the same {' and '.join(equal)}: it cannot "
                             f"show a mean of means; other cuts, or {another(plan, equal)}, would")
    if not plan.counted:
        sentences.append("no tokens were given: numbers have no names, and it cannot be checked here that items have "
                         "different numbers of counting tokens, as they must to show a mean of means")
    cuts = {(str(sorted(sum(cut, []))), str(sorted(map(sorted, cut)))) for cut in plan.cuts}
    if len(cuts) == len({items for items, _ in cuts}):
        sentences.append("no two cuts hold the same items in other pieces: a mean of means cannot show; a second cut "
                         "would")
    return sentences


def another(plan, names):
    """What else an item must have, to part these names."""
    counted = [name for name in plan.counted if name in names]
    return f"an item with another number of {counted[0]}" if counted else "an item of another length"


def what_would(plan, pairs):
    """What parts these names: other batches, or a further item, are tried on paper."""
    B = 1 + max(part.item for part in plan.parts)
    for words, more in (("cuts with other numbers of items", {}),
                        (another(plan, [name for _, name in pairs]), {"tokens": 3, TIMESTEPS: 3}),
                        ("an item with another masked share", {TIMESTEPS: 3}),
                        ("an item of another length and masked share", {"tokens": 3, TIMESTEPS: 7})):
        more = dict.fromkeys(plan.numbers, more.get("tokens", 0)) | {"sequences": 0} | more  # own counts: as tokens
        numbers = {name: np.append(n[:B], n[0] + more[name]) for name, n in plan.numbers.items()}
        things = list(range(B + any(more.values())))
        tried = Plan(numbers, [Part(k, k, k) for k in things], [[[k]] for k in things], [[things], [[0, things[-1]]]],
                     plan.relative)
        prints = tried.fingerprints([(None, name) for name in dict.fromkeys(name for _, name in pairs)])
        if len(prints) > 1 and not any(np.allclose(a, b, rtol=ROUNDING) for a, b in combinations(prints, 2)):
            return words
    return "an item in which these numbers differ (such as one whose first label counts)"
