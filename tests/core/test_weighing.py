"""`examine` on steps whose |X|, rule and faults are known, because they are planted here."""

import re
import tracemalloc
from fractions import Fraction
from itertools import cycle, islice
from typing import NamedTuple

import numpy as np
import pytest

import lstmlib
from lstmlib.placement import shares
from lstmlib.weighing import examine

ENTRIES = 30
SUMMED, ADDING, MEAN = "the whole", "adding", "the mean over pieces"


class Item(NamedTuple):
    """A sequence: its number, the tokens that count (of them a range), its length, and whether a first label counts."""

    number: int
    start: int
    stop: int
    length: int
    first: int = 0


def tokens(item):
    return item.stop - item.start


def length(item):
    return item.length


def labels(item):
    return tokens(item) + (item.first if tokens(item) else 0)


def keep(item, start, stop):
    return item._replace(start=item.start + start, stop=item.start + stop)


def summed(item):
    """The gradient of its summed loss: one random vector for each token."""
    return np.random.default_rng(item.number).normal(size=(20, ENTRIES))[item.start:item.stop].sum(axis=0)


def flat(pieces):
    return sum(pieces, [])


def total(name, piece):
    """|X| of a piece, by its name."""
    for word, sign in ((" plus ", 1), (" minus ", -1)):
        if word in name:
            first, second = name.split(word)
            return total(first, piece) + sign * total(second, piece)
    longest = max(map(length, piece))
    return {"nothing": 1, "sequences": len(piece), "tokens": sum(map(tokens, piece)), "labels": sum(map(labels, piece)),
            "all timesteps, masked too": sum(map(length, piece)), "padded B*T": longest * len(piece),
            "longest T": longest}[name]


def omega(own, name, rule, item, pieces, of_whole=False):
    """What an item weighs in a batch, as a fraction; shares are of the sum over pieces, or of the number of the whole.
    """
    whole, M = total(name, flat(pieces)), len(pieces)
    more = next((more for more in ("over pieces", "times pieces") if rule.endswith(f", {more}")), "")
    rule = rule.removesuffix(f", {more}")
    weight = Fraction(0)
    for piece in pieces:
        size = total(name, piece)
        share = {SUMMED: Fraction(size, whole or 1), ADDING: 1, MEAN: Fraction(1, M)}.get(rule)
        if share is None:
            by = rule.removeprefix("their shares of ")
            everything = [flat(pieces)] if of_whole else pieces
            share = Fraction(total(by, piece), sum(total(by, each) for each in everything) or 1)
        weight += piece.count(item) * share * {"over pieces": Fraction(1, M), "times pieces": M, "": 1}[more] / (
            max(size, 1) * max(total(own or "nothing", [item]), 1))
    return weight


def step(own, name, rule, factor=1, called=None):
    """A training step with this |X| and rule."""
    def gradient(pieces):
        if called is not None:
            called.append(pieces)
        items = {item: None for piece in pieces for item in piece}
        return {"W": sum(factor * float(omega(own, name, rule, item, pieces)) * summed(item) for item in items)}
    return gradient


DIVISORS = [(None, name) for name in (
    "nothing", "sequences", "tokens", "all timesteps, masked too", "padded B*T", "longest T", "labels",
    "tokens plus sequences", "labels minus sequences")] + [
    (own, name) for own in ("tokens", "labels") for name in ("nothing", "sequences")]
RULES = [ADDING, MEAN] + [f"their shares of {name}{more}" for name in ("sequences", "tokens", "padded B*T")
                          for more in ("", ", over pieces", ", times pieces")]


def cases(rules, number):
    """(items, own, name, rule, factor, handles): every |X| with every handle and, in turn, the rules; items are drawn,
    and whether a handle is left out that the |X| does without.
    """
    rng = np.random.default_rng(0)
    every = zip(cycle(DIVISORS), cycle(rules), cycle([{}, {"keep": keep}, {"reference": summed}]))
    for (own, name), rule, more in islice(every, number):
        least, most = (2 if "minus" in name else 1), rng.choice([4, 10])
        items = [Item(b, 0, n, n + masked + first, first) for b, (n, masked, first) in enumerate(
            rng.integers((least, 0, 0), (most, 5, 2), (rng.integers(2, 6), 3)).tolist())]
        more = {} if "minus" in name and "keep" in more else more  # half an item has other labels
        needed = {"tokens": "tokens" in f"{own} {name}" or "keep" in more, "counts": "labels" in f"{own} {name}",
                  "length": any(word in name for word in ("timesteps", "*T", "longest"))}
        handles = {"tokens": tokens, "length": length, "counts": {"labels": labels}}
        handles = {key: handles[key] for key in handles if needed[key] or rng.random() < 0.5} | more
        yield items, own, name, rule, rng.choice([1, 1 / 3, 0.7]) if "reference" in handles else 1, handles


def read(said):
    """A name in the report  ->  own, name."""
    own, then, name = said.partition(" of each sequence")
    return (own, name.removeprefix(", then ") or "nothing") if then else (None, said)


def weights(own, name, rule, called, handles, of_whole=False):
    """What this |X| and rule predict in the calls, up to a constant: as `examine` sees them."""
    result = []
    for pieces in called:
        for item in dict.fromkeys(flat(pieces)):
            mine, n = omega(own, name, rule, item, pieces, of_whole), tokens(item)
            halves = [keep(item, 0, n // 2), keep(item, n // 2, n)] if "keep" in handles and n > 1 else [item]
            result += [mine] if "reference" in handles else [mine / omega(own, name, rule, half, [[half]])
                                                             for half in halves]
    return np.array(result, float)


def kinds(report):
    return [fault.kind for fault in report.faults]


def examined(case):
    """-> the report, the calls with whole items, the number of each sequence, as far as it can be seen, all in words.
    """
    items, own, name, rule, factor, handles = case
    called = []
    report = examine(step(own, name, rule, factor, called), items, **handles, quiet=True)
    assert report.calls == len(called)
    unseen = "reference" not in handles and ("keep" not in handles or max(map(tokens, items)) == 1)
    own = None if unseen else own
    truth = name if own is None else f"{own} of each sequence" + ("" if name == "nothing" else f", then {name}")
    assert truth in report.divides_by or any(truth in note for note in report.notes)
    return report, [call for call in called if set(flat(call)) <= set(items)], own, truth


@pytest.mark.parametrize("case", list(cases([SUMMED], 78)))
def test_a_right_step_has_its_name_and_no_fault(case):
    items, own, name, rule, factor, handles = case
    report, called, own_seen, truth = examined(case)
    assert [str(fault) for fault in report.faults] == []
    assert report.split_error < 1e-12 and report.residual < 1e-12
    named = [each for each in report.divides_by if " plus " not in each and " minus " not in each]
    said = {each.partition(" of each")[0] if "of each" in named[0] else each for each in named}
    assert len(said) < 2 or any(all(f'"{each}' in note for each in said) for note in report.notes)  # before
    one_piece = [pieces for pieces in called if len(pieces) == 1]
    true = weights(own_seen, name, rule, one_piece, handles)
    for each in report.divides_by:  # whatever else is named, these items cannot separate from it
        ratio = weights(*read(each), SUMMED, one_piece, handles) / true
        assert np.allclose(ratio, ratio[0]) and ("reference" in handles or np.isclose(ratio[0], 1))
    if truth in report.divides_by and "reference" in handles:
        assert np.isclose(report.factor, factor) or any(map(truth.__ne__, report.divides_by))
        assert own or np.isclose(report.measured, 1 / (factor * float(omega(own, name, rule, items[0], [items]))))


@pytest.mark.parametrize("case", list(cases(RULES, 78)))
def test_a_rule_for_pieces_has_its_name_and_is_a_fault_where_cuts_show(case):
    items, own, name, rule, factor, handles = case
    report, called, own_seen, _ = examined(case)
    if ("tokens" not in rule or "tokens" in handles) and ("padded" not in rule or "length" in handles):
        assert rule in report.pieces_by
    true = weights(own_seen, name, rule, called, handles)
    for each in report.pieces_by:  # whatever else is named, these cuts cannot separate from it
        ratios = [weights(*read(one), each, called, handles, of_whole) / true
                  for one in report.divides_by for of_whole in (False, True)]
        assert any(np.allclose(ratio, ratio[0]) for ratio in ratios)

    def weight(item, pieces):
        return float(omega(own, name, rule, item, pieces))

    differs = [pieces for pieces in called if len(pieces) > 1 and any(
        not np.isclose(weight(item, pieces), weight(item, [flat(pieces)]), rtol=1e-3) for item in items)]
    assert (report.split_error > 1e-4) == bool(differs)
    unequal_only = differs and all(len(set(map(len, pieces))) > 1 for pieces in differs)
    if not differs:
        assert kinds(report) == []
    elif not (unequal_only and MEAN in report.pieces_by):
        assert kinds(report) == ["pieces"]
    elif name == "sequences":
        assert kinds(report) == []
        assert any("mean over sequences" in note and "equally many" in note for note in report.notes)


# Planted faults: each raises its own kind and no other.

HANDFUL = [Item(0, 0, 3, 5, 1), Item(1, 0, 6, 6), Item(2, 0, 9, 12, 1), Item(3, 0, 5, 9)]
OTHERS = [Item(b, 0, n, T) for b, (n, T) in enumerate(((4, 4), (7, 11), (2, 5), (8, 8), (3, 6)))]
EVERY_HANDLE = {"tokens": tokens, "length": length, "keep": keep, "counts": {"labels": labels}}
right = step(None, "tokens", SUMMED)


def whole(pieces):
    return right([flat(pieces)])["W"]


def direction(number):
    return np.random.default_rng(1000 + number).normal(size=ENTRIES)


def shown_by(item):
    """Another gradient of an item, such as that of an auxiliary term."""
    return direction(item.number) if tokens(item) else np.zeros(ENTRIES)


def leaking(pieces):
    """Padding reaches the network: the further a row is padded, the more."""
    longest = max(map(length, flat(pieces)))
    n = sum(map(tokens, flat(pieces))) or 1
    return sum(summed(item) + 0.5 * (longest - length(item)) * shown_by(item) for item in flat(pieces)) / n


def dropout(pieces):
    """Seeded: each place of the batch has its own mask."""
    n = sum(map(tokens, flat(pieces))) or 1
    kept = [np.random.default_rng([7, place]).random(ENTRIES) < 0.5 for place in range(len(flat(pieces)))]
    return sum(mask * summed(item) for mask, item in zip(kept, flat(pieces))) / n


def adds_up(pieces):
    return sum(map(summed, flat(pieces))) * 1.0


def two_terms(pieces):
    items = flat(pieces)
    return whole(pieces) + sum(map(shown_by, items)) / sum(tokens(item) > 0 for item in items)


def clip_by_norm(gradient, most=0.5):
    return gradient * min(1, most / (np.linalg.norm(gradient) or 1))


def by_place(pieces):
    weights = [1 / (place + 1) for place in range(len(flat(pieces)))]
    return sum(w * summed(item) for w, item in zip(weights, flat(pieces))) / sum(weights)


def negatives(pieces):
    items = flat(pieces)
    return sum((summed(a) - summed(b) for a in items for b in items if b.number > a.number), start=np.zeros(ENTRIES))


def with_noise():
    rng = np.random.default_rng(0)
    return lambda pieces: whole(pieces) * rng.uniform(0.5, 1.5, ENTRIES)


def full_window(pieces, M=2):
    return whole(pieces) if len(pieces) == M else np.zeros(ENTRIES)


def raises_when_empty(pieces):
    if not all(map(tokens, flat(pieces))):
        raise IndexError("no token")
    return whole(pieces)


def nan_when_empty(pieces):
    return whole(pieces) if all(map(tokens, flat(pieces))) else np.full(ENTRIES, np.nan)


PLANTED = [
    ("pieces", step(None, "tokens", MEAN), {}),
    ("pieces", step(None, "tokens", ADDING), {"reference": summed}),
    ("pieces", step(None, "sequences", ADDING), {"keep": None, "tokens": None, "length": None}),
    ("pieces", step(None, "padded B*T", "their shares of padded B*T"), {}),
    ("not a sum", leaking, {}),
    ("not a sum", dropout, {}),
    ("not a sum", lambda pieces: np.sign(whole(pieces)), {}),
    ("not a sum", lambda pieces: whole(pieces) / (np.abs(whole(pieces)) + 0.05), {"keep": None}),
    ("not a sum", two_terms, {"keep": None}),
    ("not a sum", leaking, {"keep": None, "items": [  # nothing is added by one short item that feels its padding
        Item(b, 0, n, T) for b, (n, T) in enumerate(((3, 3), (6, 12), (9, 12), (5, 12)))]}),
    ("random", with_noise(), {}),
    ("order", by_place, {"keep": None}),
    ("clipped", lambda pieces: clip_by_norm(whole(pieces)), {}),
    ("clipped", lambda pieces: clip_by_norm(whole(pieces)), {"reference": summed}),
    ("clipped", lambda pieces: sum(clip_by_norm(whole([piece])) for piece in pieces), {"keep": None}),
    ("clipped", lambda pieces: np.clip(adds_up(pieces), -2, 2), {"keep": None}),
    ("added", lambda pieces: whole(pieces) + direction(0), {}),
    ("added", lambda pieces: whole(pieces) + direction(0), {"keep": None, "reference": summed}),
    ("added", lambda pieces: adds_up(pieces) + 3 * direction(0), {"keep": None}),
    ("no token", raises_when_empty, {}),
    ("no token", nan_when_empty, {"reference": summed}),
    ("no gradient", lambda pieces: np.zeros(ENTRIES), {}),
    ("no gradient", lambda pieces: [None, None], {}),
    ("no gradient", negatives, {"keep": None}),
    ("no gradient", negatives, {"keep": None, "reference": summed}),
    ("no gradient", full_window, {"keep": None}),
    ("another loss", whole, {"reference": lambda item: summed(item) + shown_by(item)}),
    ("another loss", dropout, {"keep": None, "reference": summed}),
    ("another loss", two_terms, {"keep": None, "reference": summed}),
    ("not finite", lambda pieces: whole(pieces) * (np.nan if len(flat(pieces)) > 2 else 1), {}),
    ("not meant", whole, {"means": "sequences"}),
    ("not meant", step(None, "tokens plus sequences", SUMMED), {"means": "tokens"}),
    ("not meant", lambda pieces: 0.5 * whole(pieces), {"means": "tokens", "reference": summed}),
    ("dependent items", whole, {"keep": None, "items": [HANDFUL[0], HANDFUL[0], HANDFUL[1]]}),  # equal ones
]


@pytest.mark.parametrize("items", [HANDFUL, OTHERS], ids=["handful", "others"])
@pytest.mark.parametrize("kind, gradient, handles", PLANTED, ids=[f"{k}-{row[0]}" for k, row in enumerate(PLANTED)])
def test_a_planted_fault_raises_its_kind_and_no_other(kind, gradient, handles, items):
    report = examine(gradient, **{"items": items} | EVERY_HANDLE | handles, quiet=True)
    assert kinds(report) == [kind], report


def test_equal_items_depend_on_each_other_and_are_cut_all_the_same():
    twins = [HANDFUL[0], HANDFUL[0], HANDFUL[1]]
    report = examine(step(None, "tokens", MEAN), twins, tokens, quiet=True)
    assert kinds(report) == ["dependent items", "pieces"] and report.weights == {}


# What else it tells.

def test_two_terms_of_a_loss_have_their_own_names():
    def gradient(pieces, rate=0.3):
        return whole(pieces) + rate * sum(map(shown_by, flat(pieces))) / len(flat(pieces))

    report = examine(gradient, HANDFUL, tokens, length, reference={"words": summed, "pairs": shown_by}, quiet=True)
    assert report.faults == [] and report.terms == {"words": ["tokens"], "pairs": ["sequences"]}
    assert report.divides_by == [] and np.isclose(report.factor["pairs"], 0.3) and np.isclose(report.factor["words"], 1)
    assert np.isclose(report.measured["words"], 23) and ("pairs", 3) in report.weights["0 1 2 3"]
    assert "its term 'words' by" in str(report) and "0.3 (pairs)" in str(report)
    report = examine(gradient, HANDFUL, tokens, reference={"words": summed, "pairs": shown_by}, means="tokens",
                     quiet=True)
    assert [str(fault) for fault in report.faults] == [
        "not meant: meant to be divided by tokens for pairs, and divided by sequences, times a constant 0.3"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("silent", [["pairs"], ["pairs", "words"]])
def test_a_term_without_a_gradient_is_told(silent):
    terms = {"words": summed} | dict.fromkeys(silent, lambda item: np.zeros(ENTRIES))
    report = examine(whole, HANDFUL, tokens, reference=terms, quiet=True)
    assert [str(fault) for fault in report.faults] == [
        f"no gradient: none of these items has one in the term {' nor in '.join(silent)}: take others, or leave it out"]


def test_the_number_is_measured_whatever_its_name():
    report = examine(lambda pieces: adds_up(pieces) / 30, HANDFUL, tokens, reference=summed, quiet=True)
    assert np.isclose(report.measured, 30) and "divided by 30" in str(report)
    own = examine(step("tokens", "sequences", SUMMED), HANDFUL, tokens, reference=summed, quiet=True)
    assert own.measured is None and own.divides_by == ["tokens of each sequence, then sequences"]
    def by_squares(pieces):
        return adds_up(pieces) / sum(tokens(item) ** 2 for item in flat(pieces))

    odd = examine(by_squares, HANDFUL, tokens, length, reference=summed, quiet=True)
    assert odd.divides_by == odd.pieces_by == [] and np.isclose(odd.measured, 9 + 36 + 81 + 25) and not odd.faults
    named = examine(by_squares, HANDFUL, counts={"squares": lambda item: tokens(item) ** 2}, quiet=True)
    assert named.divides_by == ["squares"]


@pytest.mark.parametrize("rule", [MEAN, "their shares of sequences", SUMMED])
def test_a_rule_is_named_without_any_handle(rule):
    """An item that is a piece by itself shows it, whatever the |X|."""
    report = examine(step(None, "tokens", rule), HANDFUL, quiet=True)
    assert report.divides_by == [] and report.pieces_by == ([] if rule == SUMMED else [rule])
    assert kinds(report) == ([] if rule == SUMMED else ["pieces"])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("handles", [{}, {"keep": keep}, {"reference": summed}])
def test_a_number_may_be_zero_for_an_item(handles):
    rare = {"rare": lambda item: item.first}
    assert examine(right, HANDFUL, tokens, length, counts=rare, **handles, quiet=True).divides_by == ["tokens"]
    report = examine(lambda pieces: adds_up(pieces) / max(1, sum(item.first for item in flat(pieces))), HANDFUL, tokens,
                     counts=rare, **handles, quiet=True)
    assert report.divides_by == (["rare"] if "reference" in handles else []) and report.faults == []


def test_means_asks_nothing_that_these_handles_cannot_show():
    means, as_meant = "tokens of each sequence, then sequences", step("tokens", "sequences", SUMMED)
    assert not examine(as_meant, HANDFUL, tokens, means=means, quiet=True).faults
    for handles in ({"keep": keep, "empty": False}, {"reference": summed}):
        assert not examine(as_meant, HANDFUL, tokens, **handles, means=means, quiet=True).faults
        report = examine(step(None, "sequences", SUMMED), HANDFUL, tokens, **handles, means=means, quiet=True)
        assert kinds(report) == ["not meant"]


@pytest.mark.parametrize("cuts", [
    [[[0, 1], [2, 3]], [[0], [1, 2, 3]]], [[[0], [1], [2], [3]]], [[[0, 1], [2, 3]], [[0], [1]]]])
@pytest.mark.parametrize("handles", [{}, {"keep": keep}, {"reference": summed}])
def test_cuts_rule_every_call(cuts, handles):
    shapes = {tuple(map(len, cut)) for cut in cuts}

    def only_these(pieces):
        assert tuple(map(len, pieces)) in shapes
        return step(None, "tokens", rule)(pieces)

    for rule in (SUMMED, MEAN):
        report = examine(only_these, HANDFUL, tokens, length, cuts=cuts, means="tokens", **handles, quiet=True)
        of_pieces = "their shares of tokens" if rule == SUMMED else MEAN
        assert "tokens" in report.divides_by and of_pieces in report.pieces_by, report
        assert len(report.divides_by) == 1 or cuts == [[[0], [1], [2], [3]]]
        same_items = len({str(sorted(flat(cut))) for cut in cuts}) < len(cuts)
        assert kinds(report) == (["pieces"] if rule == MEAN and same_items else [])


@pytest.mark.parametrize("handles", [{"tokens": tokens}, {"tokens": tokens, "length": length, "keep": keep}])
def test_items_with_equally_many_tokens_let_no_mean_of_means_pass(handles):
    def ask(step, means=None, number=4):
        return examine(step, items[:number], **handles, means=means, quiet=True)

    items, step_of_means = [Item(b, 0, 5, n) for b, n in enumerate((16, 23, 6, 7))], step(None, "tokens", MEAN)
    own_means = "tokens of each sequence, then sequences"
    report = ask(step_of_means, "tokens")
    assert kinds(report) == ["pieces"] and "0 | 1 2 3" in report.worst_cut
    assert {"tokens", own_means if "keep" in handles else "sequences"} <= set(report.divides_by)
    assert any('"tokens"' in note and "an item with another number of tokens would" in note for note in report.notes)
    assert not ask(step("tokens", "sequences", MEAN), own_means).faults
    assert "if tokens are meant, this is a mean of means" in " ".join(ask(step_of_means).notes)
    notes = " ".join(ask(step_of_means, "tokens", 2).notes)
    assert "in the cut 0 | 1 every piece has the same tokens" in notes and "cannot show a mean of means" in notes


def test_without_tokens_it_says_what_it_cannot_check_and_that_numbers_have_no_names(capsys):
    def gradient(pieces):
        said.append(capsys.readouterr().out)
        return step(None, "tokens", MEAN)(pieces)

    said = []
    report = examine(gradient, [Item(b, 0, 5, 9) for b in range(4)])
    assert said[0].startswith("no tokens were given") and not any(said[1:])
    assert report.split_error > 0.1 and "if tokens are meant, this is a mean of means" in " ".join(report.notes)
    text = str(examine(whole, HANDFUL, quiet=True))
    assert "a number without a name (no tokens were given)" in text and "a rule without a name" in text
    assert "that I know" not in text and "that I know" in str(examine(
        step(None, "labels", SUMMED), HANDFUL, tokens, quiet=True))


def test_what_is_left_in_the_function_by_mistake_is_in_the_words():
    kept = []

    def without_zero(pieces):
        kept.append(whole(pieces))
        return sum(kept)

    assert "zero_grad() is missing" in str(examine(without_zero, HANDFUL, quiet=True))
    assert "zero_grad() is still at the end" in str(examine(lambda pieces: 0 * whole(pieces), HANDFUL, quiet=True))


MASKED = ('these items cannot tell apart "tokens", "tokens of each sequence, then all timesteps, masked too": an item '
          "with another masked share would\n")


@pytest.mark.parametrize("shapes, handles, notes", [
    ([(5, 5)] * 4, {}, [
        '"sequences", "tokens", "all timesteps, masked too", "padded B*T"', "an item of another length would",
        "an item of another length and masked share would"]),
    ([(3, 3), (5, 5), (9, 9)], {}, [
        '"tokens", "all timesteps, masked too"', "an item with another masked share would"]),
    ([(3, 3), (5, 5), (9, 9)], {"keep": keep, "empty": False}, [MASKED]),
    ([(3, 5), (6, 6), (9, 12)], {"counts": {"labels": labels}}, [
        '"tokens", "labels": an item in which these numbers differ (such as one whose first']),
    ([(6, 6), (3, 7), (9, 11)], {"length": None, "cuts": [[[0, 1], [2]], [[0], [1, 2]]]}, [
        "in the cut 0 1 | 2 every piece has the same tokens: it cannot show a mean of means"]),
    ([(3, 5), (6, 6), (9, 12), (5, 9)], {"tokens": None, "cuts": [[[0, 1], [2, 3]], [[3, 2], [0, 1]]]}, [
        '"nothing", "sequences": cuts with other numbers of items would',
        "no two cuts hold the same items in other pieces: a mean of means cannot show"]),
    ([(3, 5), (6, 6), (9, 12), (5, 9)], {}, [])])
def test_what_items_cannot_show_is_said_before_the_first_call(shapes, handles, notes, capsys):
    def gradient(pieces):
        said.append(capsys.readouterr().out)
        return whole(pieces)

    said, items = [], [Item(b, 0, *shape) for b, shape in enumerate(shapes)]
    report = examine(gradient, items, **{"tokens": tokens, "length": length} | handles)
    assert all(note in said[0] for note in notes) and bool(said[0]) == bool(notes) and not any(said[1:])
    assert said[0].splitlines() == report.notes[:len(said[0].splitlines())]
    if '"tokens"' in "".join(notes):
        assert set(report.divides_by) == set(re.findall('"(.*?)"', notes[0]))


def test_a_sample_of_a_large_gradient_tells_the_same_and_is_stated():
    rng = np.random.default_rng(3)
    bases = {item: rng.normal(size=1_000_000).astype(np.float32) for item in HANDFUL}

    def gradient(pieces):
        n = sum(map(tokens, flat(pieces)))
        return {"a": sum(tokens(item) / n * bases[item] for item in flat(pieces)), "b": np.zeros((2, 3))}

    tracemalloc.start()
    report = examine(gradient, HANDFUL, tokens, length, quiet=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.divides_by == ["tokens"] and report.faults == []
    assert any("of 1,000,006 entries, drawn at random (seed 0)" in note for note in report.notes)
    assert peak < 20 * 8e6
    assert examine(whole, HANDFUL, tokens, length, sample=100, quiet=True).notes == examine(
        whole, HANDFUL, tokens, length, quiet=True).notes


def test_arrays_come_in_any_nesting_and_precision():
    for form in (lambda g: g.reshape(5, 6), lambda g: [g[:4], {"b": g[4:7], "a": [g[7:]]}],
                 lambda g: (g.astype("f4"), g[0], None), lambda g: g.astype("f2"),
                 lambda g: lstmlib.Weights(g[:8].reshape(1, 8), g[8:24].reshape(2, 8), g[:8], g[24:26, None], g[:1])):
        report = examine(lambda pieces: form(whole(pieces)), HANDFUL, tokens, length, keep, quiet=True)
        assert report.divides_by == ["tokens"] and report.faults == [], report


@pytest.mark.parametrize("change, message", [
    ({"items": HANDFUL[:1]}, "items must hold at least two .* got 1"),
    ({"gradient": None}, "gradient must be a function, got NoneType"),
    ({"tokens": 3}, "tokens must be a function, got int"),
    ({"counts": [1]}, "counts must be a dict, got list"),
    ({"counts": {"tokens": len}}, "counts must have names of their own, got tokens"),
    ({"reference": {}}, "reference must be a function, or a dict of at least one, got {}"),
    ({"tokens": None, "keep": keep}, "keep needs tokens"),
    ({"tokens": lambda item: item["n"]}, r"tokens\(items\[0\]\) must be a number, and TypeError was raised"),
    ({"tokens": lambda item: -1}, r"tokens\(items\[0\]\) must be at least 0, got -1"),
    ({"tokens": lambda item: 0}, r"items must have tokens that count .* got none in items\[0\]"),
    ({"length": lambda item: None}, r"all timesteps, masked too of items\[0\] must be a number, got NoneType"),
    ({"keep": lambda item, start, stop: item}, r"keep\(items\[0\], 0, 1\) must have 1 tokens that count, got 3"),
    ({"keep": lambda item: item}, r"keep\(items\[0\], 0, 1\) must be an item, and TypeError was raised"),
    ({"cuts": []}, "cuts must be lists of pieces"), ({"cuts": [[0, 1]]}, r"cuts must be .* got \[0, 1\]"),
    ({"cuts": [[[0], [4]]]}, "item numbers from 0 to 3"),
    ({"means": "words"}, "means must be one of nothing, sequences, tokens,.* got 'words'"),
    ({"sample": 3}, "sample must be at least 100"),
    ({"gradient": lambda pieces: None}, r"\(pieces\) must be an array, or a dict, list or tuple of arrays, got None"),
    ({"gradient": lambda pieces: {"w": [whole(pieces), "a"]}}, r"\(pieces\)\['w'\]\[1\] must hold real numbers"),
    ({"gradient": lambda pieces: [whole(pieces), np.ones(2) if len(pieces) > 1 else None]}, "zeros where a parameter"),
    ({"gradient": lambda pieces: whole(pieces) * 1j}, r"\(pieces\) must hold real numbers, got dtype complex128"),
    ({"gradient": lambda pieces: np.ones(len(pieces) + 3)}, "arrays of the same shapes in every call"),
    ({"reference": lambda item: None}, r"reference\(items\[0\]\) must be an array"),
    ({"gradient": lambda pieces: 1 / 0}, "^division by zero"),  # what the step raises passes through
])
def test_wrong_use_is_told(change, message):
    arguments = {"gradient": whole, "items": HANDFUL, "tokens": tokens, "length": length} | change
    with pytest.raises((TypeError, ValueError, ZeroDivisionError), match=message):
        examine(**arguments, quiet=True)


def test_a_report_in_print_and_as_bars():
    report = examine(step(None, "tokens", MEAN), HANDFUL, tokens, length, quiet=True)
    text = str(report)
    assert text.startswith("a batch is divided by        tokens\npieces are combined by       the mean over pieces\n")
    assert "FAULT                        pieces: the gradient depends on how" in text
    assert max(map(len, text.splitlines())) < 120
    *_, heading, first, _, _, _ = text.splitlines()
    assert heading.split("  ")[0] == "relative to each part alone" and heading.endswith("in the cut 0 | 3 1 2")
    assert first == f"item 0{'':23s}0.1304{'':16s}0.1304{'':16s}0.5" and report.worst_cut == "0 | 3 1 2"
    html = report._repr_html_()
    assert html.count("<span") == 12 and html.count("width:12.00em") == 1 and html.count("width:3.13em") == 2
    assert examine(whole, HANDFUL[:1] * 2, quiet=True)._repr_html_().count("<table") == 1  # without weights


def test_a_long_examination_says_how_far_it_is(monkeypatch, capsys):
    seconds = iter(range(900))
    monkeypatch.delattr("builtins.get_ipython", raising=False)
    monkeypatch.setattr("lstmlib.weighing.measuring.time.monotonic", lambda: next(seconds))
    report = examine(whole, HANDFUL, tokens, length, quiet=True)
    assert capsys.readouterr().err == ""  # a log
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    examine(whole, HANDFUL, tokens, length, quiet=True)
    err = capsys.readouterr().err
    assert f"call {report.calls} of {report.calls}\n" in err


# An LSTM: the placements of notebook 04.

LSTM = lstmlib.init_weights(7, 8, 7, seed=1) * 3
RNG = np.random.default_rng(0)
SEQUENCES = [(RNG.normal(size=(T, 1, 7)), RNG.integers(0, 7, (T, 1)), np.arange(T)[:, None] < n)  # X, labels, mask
             for n, T in ((6, 8), (10, 10), (8, 13), (17, 20))]


def gradient_of(item, at=None):
    X, label, mask = item
    trace = lstmlib.forward(LSTM, X)
    return lstmlib.backward(LSTM, trace, lstmlib.cross_entropy(trace.Y, label, mask)[1], at)


def placed(edges):
    """What `examine` says of the mean over tokens with 1/|X| on these edges."""
    def gradient(pieces):
        n = sum(item[2].sum() for item in flat(pieces))
        return sum((gradient_of(item, lstmlib.scale_at(edges, 1 / n)) for item in flat(pieces)), start=0 * LSTM)

    return examine(gradient, SEQUENCES, lambda item: item[2].sum(), lambda item: len(item[0]), reference=gradient_of,
                   quiet=True)


def test_five_right_placements_have_one_fingerprint():
    reports = [placed(edges) for edges in (["loss"], ["dy"], ["dh_above", "dWy_t"], ["dW_t", "dWy_t"], ["dW"])]
    for report in reports:
        assert report.divides_by == ["tokens"] and report.faults == []
        for cut, weights in report.weights.items():
            assert np.allclose(list(weights.values()), list(reports[0].weights[cut].values()), rtol=1e-9)


@pytest.mark.parametrize("edges", [
    ["dh_above"], ["dz"], ["dh_next"], ["dc_next"], ["dWy_t"], ["dW_t"], ["loss", "dy"], ["dh_above", "dW"],
    ["dW_t", "dWy_t", "dW"], []])
def test_a_wrong_placement_is_no_sum_or_another_weight_as_its_spectrum_says(edges):
    X, label, mask = SEQUENCES[3]
    trace = lstmlib.forward(LSTM, X)
    spectrum = lstmlib.crossing_spectrum(LSTM, trace, lstmlib.cross_entropy(trace.Y, label, mask)[1], edges)
    parts = shares(*(array for _, array in spectrum.items()))
    crossings = np.flatnonzero(parts / parts.max() > 0.05)
    report = placed(edges)
    if len(crossings) > 1:
        assert kinds(report) == ["another loss"]
    else:
        (k,) = crossings  # every weight is (1/n)^k: for k = 2 no |X| that has a name
        assert report.faults == [] and report.divides_by == [["nothing"], [], []][k]
        assert np.isclose(report.measured, 41.0 ** k)
