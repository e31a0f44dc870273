"""`examine` on steps whose |X|, rule and faults are known, because they are planted here."""

import re
import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest

import lstmlib
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


def size(name, items):
    """|X| of some items, by its name."""
    if name.endswith(", twice"):
        return size(name.removesuffix(", twice"), items) ** 2
    for word, sign in ((" plus ", 1), (" minus ", -1)):
        if word in name:
            first, second = name.split(word)
            return size(first, items) + sign * size(second, items)
    longest = max(map(length, items))
    return {"nothing": 1, "sequences": len(items), "tokens": sum(map(tokens, items)), "labels": sum(map(labels, items)),
            "all timesteps, masked too": sum(map(length, items)), "padded B*T": longest * len(items),
            "longest T": longest}[name]


def step(name, rule=SUMMED, own="nothing", factor=1):
    """A step that divides by this |X|, each item's loss by its `own` first, and combines pieces by this rule."""
    by, _, more = rule.removeprefix("their shares of ").partition(", ")

    def share(piece, pieces):
        if rule == SUMMED:
            return size(name, piece) / max(size(name, flat(pieces)), 1)
        part = 1 if rule == ADDING else 1 / len(pieces) if rule == MEAN else size(by, piece) / sum(
            size(by, each) for each in pieces)
        return part * {"over pieces": 1 / len(pieces), "times pieces": len(pieces), "": 1}[more]

    def gradient(pieces):
        return {"W": factor * sum(share(piece, pieces) / max(size(name, piece), 1) * sum(
            summed(item) / max(size(own, [item]), 1) for item in piece) for piece in pieces)}
    return gradient


HANDFUL = [Item(0, 0, 3, 5, 1), Item(1, 0, 6, 6), Item(2, 0, 9, 12, 1), Item(3, 0, 5, 9)]
NAMED = {"tokens": tokens, "length": length}
EVERY_HANDLE = NAMED | {"keep": keep, "counts": {"labels": labels}}
SOME = pytest.mark.parametrize(
    "handles", [NAMED, NAMED | {"keep": keep, "empty": False}, NAMED | {"reference": summed}])
right = step("tokens")


def ask(gradient, items=HANDFUL, **handles):
    return examine(gradient, items, **handles, quiet=True)


def kinds(report):
    return [fault.kind for fault in report.faults]


@SOME
@pytest.mark.parametrize("own, name", [("nothing", name) for name in (
    "nothing", "sequences", "tokens", "all timesteps, masked too", "padded B*T", "longest T", "labels",
    "tokens plus sequences", "labels minus sequences", "tokens, twice", "padded B*T, twice")] + [
    (own, name) for own in ("tokens", "labels") for name in ("nothing", "sequences")])
def test_a_right_step_has_its_name_and_no_fault(own, name, handles):
    of_labels = {"counts": {"labels": labels}} if "labels" in own + name else {}
    report = ask(step(name, own=own), **handles, **of_labels)
    truth = name if own == "nothing" else f"{own} of each sequence" + f", then {name}" * (name != "nothing")
    seen = truth if len(handles) > 2 else name  # halves or a reference show what a sequence is divided by first
    if "minus" not in name or "keep" not in handles:  # half of an item has other labels
        assert report.divides_by == [seen], report
    assert report.faults == [] and report.split_error < 1e-12 and report.residual < 1e-12


@SOME
@pytest.mark.parametrize("rule", [ADDING, MEAN] + [
    f"their shares of {name}{more}" for name in ("sequences", "tokens", "padded B*T")
    for more in ("", ", over pieces", ", times pieces")])
def test_a_rule_for_pieces_has_its_name_and_is_a_fault(rule, handles):
    report = ask(step("tokens", rule), **handles)
    assert report.divides_by == ["tokens"] and report.pieces_by == [rule]
    assert kinds(report) == ([] if rule == "their shares of tokens" else ["pieces"])


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_items_the_truth_is_named_and_what_they_cannot_tell_apart_was_said(seed):
    rng = np.random.default_rng(seed)
    items = [Item(b, 0, n, n + masked) for b, (n, masked) in enumerate(
        rng.integers((1, 0), (6, 3), (rng.integers(2, 6), 2)).tolist())]
    name = rng.choice(["nothing", "sequences", "tokens", "all timesteps, masked too", "padded B*T", "longest T"])
    report = ask(step(name), items, **NAMED)
    assert name in report.divides_by and report.faults == []
    for other in {*report.divides_by} - {name}:
        assert any(f'"{other}"' in note and f'"{name}"' in note for note in report.notes), report


# Planted faults: each raises its own kind and no other.

def whole(pieces):
    return right([flat(pieces)])["W"]


def total(pieces):
    return sum(map(summed, flat(pieces))) * 1.0


def count(pieces):
    return sum(map(tokens, flat(pieces))) or 1


def direction(number):
    return np.random.default_rng(1000 + number).normal(size=ENTRIES)


def shown_by(item):
    """Another gradient of an item, such as that of an auxiliary term."""
    return direction(item.number) if tokens(item) else np.zeros(ENTRIES)


def leaking(pieces):
    """Padding reaches the network: the further a row is padded, the more."""
    longest = max(map(length, flat(pieces)))
    return sum(summed(item) + 0.5 * (longest - length(item)) * shown_by(item) for item in flat(pieces)) / count(pieces)


def dropout(pieces):
    """Seeded: each place of the batch has its own mask."""
    masks = (np.random.default_rng([7, place]).random(ENTRIES) < 0.5 for place in range(99))
    return sum(mask * summed(item) for mask, item in zip(masks, flat(pieces))) / count(pieces)


def two_terms(pieces):
    items = flat(pieces)
    return whole(pieces) + sum(map(shown_by, items)) / sum(tokens(item) > 0 for item in items)


def clip(gradient, most=0.5):
    return gradient * min(1, most / (np.linalg.norm(gradient) or 1))


def by_place(pieces):
    weights = [1 / (place + 1) for place in range(len(flat(pieces)))]
    return sum(w * summed(item) for w, item in zip(weights, flat(pieces))) / sum(weights)


def negatives(pieces):
    items = flat(pieces)
    return sum((summed(a) - summed(b) for a in items for b in items if b.number > a.number), start=np.zeros(ENTRIES))


def noise(pieces, rng=np.random.default_rng(0)):
    return whole(pieces) * rng.uniform(0.5, 1.5, ENTRIES)


def full_window(pieces, M=2):
    return whole(pieces) if len(pieces) == M else np.zeros(ENTRIES)


def raises_when_empty(pieces):
    if not all(map(tokens, flat(pieces))):
        raise IndexError("no token")
    return whole(pieces)


def nan_when_empty(pieces):
    return whole(pieces) if all(map(tokens, flat(pieces))) else np.full(ENTRIES, np.nan)


def kept(pieces, before=[]):  # noqa: B006
    before.append(whole(pieces))
    return sum(before)


ALONE, REFERENCE = {"keep": None}, {"reference": summed}
TWINS = [HANDFUL[0], HANDFUL[0], HANDFUL[1]]
FAR_APART = [Item(b, 0, n, T) for b, (n, T) in enumerate(((3, 3), (6, 12), (9, 12), (5, 12)))]
PLANTED = [
    ("pieces", step("tokens", MEAN), {}),
    ("pieces", step("tokens", ADDING), REFERENCE),
    ("pieces", step("sequences", ADDING), {"keep": None, "tokens": None, "length": None}),
    ("pieces", step("padded B*T", "their shares of padded B*T"), {}),
    ("not a sum", leaking, {}),
    ("not a sum", dropout, {}),
    ("not a sum", lambda pieces: np.sign(whole(pieces)), {}),
    ("not a sum", lambda pieces: whole(pieces) / (np.abs(whole(pieces)) + 0.05), ALONE),
    ("not a sum", two_terms, ALONE),
    ("not a sum", leaking, ALONE | {"items": FAR_APART}),  # nothing is added by one short item that feels its padding
    ("not a sum", lambda pieces: dropout(pieces) * (1 if len(flat(pieces)) > 1 else 1e-200), {}),  # its norm underflows
    ("random", noise, {}), ("random", kept, {}),
    ("order", by_place, ALONE),
    ("clipped", lambda pieces: clip(whole(pieces)), {}),
    ("clipped", lambda pieces: clip(whole(pieces)), REFERENCE),
    ("clipped", lambda pieces: sum(clip(whole([piece])) for piece in pieces), ALONE),
    ("clipped", lambda pieces: np.clip(total(pieces), -2, 2), ALONE),
    ("added", lambda pieces: whole(pieces) + direction(0), {}),
    ("added", lambda pieces: whole(pieces) + direction(0), ALONE | REFERENCE),
    ("added", lambda pieces: total(pieces) + 3 * direction(0), ALONE),
    ("no token", raises_when_empty, {}),
    ("no token", nan_when_empty, REFERENCE),
    ("no gradient", lambda pieces: np.zeros(ENTRIES), {}),
    ("no gradient", lambda pieces: [None, None], {}),
    ("no gradient", negatives, ALONE),
    ("no gradient", negatives, ALONE | REFERENCE),
    ("no gradient", full_window, ALONE),
    ("another loss", whole, {"reference": lambda item: summed(item) + shown_by(item)}),
    ("another loss", dropout, ALONE | REFERENCE),
    ("another loss", two_terms, ALONE | REFERENCE),
    ("not finite", lambda pieces: whole(pieces) * (np.nan if len(flat(pieces)) > 2 else 1), {}),
    ("not meant", whole, {"means": "sequences"}),
    ("not meant", step("tokens plus sequences"), {"means": "tokens"}),
    ("not meant", lambda pieces: 0.5 * whole(pieces), REFERENCE | {"means": "tokens"}),
    ("dependent items, pieces", step("tokens", MEAN), ALONE | {"items": TWINS})]


@pytest.mark.parametrize("kind, gradient, handles", PLANTED, ids=[f"{k}-{row[0]}" for k, row in enumerate(PLANTED)])
def test_a_planted_fault_raises_its_kind_and_no_other(kind, gradient, handles):
    report = ask(gradient, **EVERY_HANDLE | handles)
    assert ", ".join(kinds(report)) == kind, report


# What else it tells.

def test_two_terms_of_a_loss_have_their_own_names():
    def gradient(pieces, rate=0.3):
        return whole(pieces) + rate * sum(map(shown_by, flat(pieces))) / len(flat(pieces))

    report = ask(gradient, **NAMED, reference={"words": summed, "pairs": shown_by}, means="tokens")
    assert report.terms == {"words": ["tokens"], "pairs": ["sequences"]} and report.divides_by == []
    assert report.factor == pytest.approx({"words": 1, "pairs": 0.3}) and report.measured["words"] == pytest.approx(23)
    assert "its term 'words' by" in str(report) and [str(fault) for fault in report.faults] == [
        "not meant: meant to be divided by tokens for pairs, and divided by sequences, times a constant 0.3"]
    silent = ask(whole, **NAMED, reference={"words": summed, "pairs": lambda item: 0 * summed(item)})
    assert [str(fault) for fault in silent.faults] == [
        "no gradient: none of these items has one in the term pairs: take others, or leave it out"]


def test_the_number_is_measured_whatever_its_name():
    def by_squares(pieces):
        return total(pieces) / sum(tokens(item) ** 2 for item in flat(pieces))

    odd = ask(by_squares, **NAMED, reference=summed)
    assert odd.divides_by == odd.pieces_by == odd.faults == [] and odd.measured == pytest.approx(9 + 36 + 81 + 25)
    assert ask(by_squares, counts={"squares": lambda item: tokens(item) ** 2}).divides_by == ["squares"]


@pytest.mark.parametrize("rule", [MEAN, "their shares of sequences", SUMMED])
def test_a_rule_is_named_without_any_handle(rule):
    """An item that is a piece by itself shows it, whatever the |X|."""
    report = ask(step("tokens", rule))
    assert report.divides_by == [] and report.pieces_by == ([] if rule == SUMMED else [rule])
    assert "a number without a name (no tokens were given)" in str(report) and "that I know" not in str(report)


@pytest.mark.filterwarnings("error")
@SOME
def test_a_number_may_be_zero_for_an_item(handles):
    rare = handles | {"counts": {"rare": lambda item: item.first}}
    assert ask(right, **rare).divides_by == ["tokens"]
    report = ask(lambda pieces: total(pieces) / max(1, sum(item.first for item in flat(pieces))), **rare)
    assert report.divides_by == (["rare"] if "reference" in handles else []) and report.faults == []


@SOME
def test_means_asks_nothing_that_these_handles_cannot_show(handles):
    meant = handles | {"means": "tokens of each sequence, then sequences"}
    assert kinds(ask(step("sequences", own="tokens"), **meant)) == []
    assert kinds(ask(step("sequences"), **meant)) == (["not meant"] if len(handles) > 2 else [])


@SOME
@pytest.mark.parametrize("cuts", [[[[0, 1], [2, 3]], [[0], [1, 2, 3]]], [[[0, 1], [2, 3]], [[0], [1]]]])
def test_cuts_rule_every_call(cuts, handles):
    def only_these(pieces):
        assert [*map(len, pieces)] in [[*map(len, cut)] for cut in cuts]
        return step("tokens", MEAN)(pieces)

    report = ask(only_these, **handles, cuts=cuts, means="tokens")
    assert report.divides_by == ["tokens"] and MEAN in report.pieces_by
    assert kinds(report) == (["pieces"] if cuts[1] == [[0], [1, 2, 3]] else [])  # the same items, cut otherwise


def test_a_piece_that_is_lost_is_told():
    report = ask(lambda pieces: right([pieces[-1]]), **EVERY_HANDLE)
    assert kinds(report) == ["pieces"] and str(report.faults[0]).endswith(
        "; in 0 | 1 | 2 | 3 some weigh nothing: zero_grad() between pieces?")


def test_items_with_equally_many_tokens_let_no_mean_of_means_pass():
    alike = NAMED | {"items": [Item(b, 0, 5, n) for b, n in enumerate((16, 23, 6, 7))], "keep": keep}
    own_means, gradient = "tokens of each sequence, then sequences", step("tokens", MEAN)
    report = ask(gradient, **alike, means="tokens")
    assert kinds(report) == ["pieces"] and {"tokens", own_means} <= set(report.divides_by)
    assert not ask(step("sequences", MEAN, own="tokens"), **alike, means=own_means).faults
    assert "if tokens are meant, this is a mean of means" in " ".join(ask(gradient, **alike).notes)


@pytest.mark.parametrize("shapes, handles, notes", [
    ([(5, 5)] * 4, {}, [
        '"sequences", "tokens", "all timesteps, masked too", "padded B*T"', "an item of another length would",
        "an item of another length and masked share would"]),
    ([(3, 3), (5, 5), (9, 9)], {}, [
        '"tokens", "all timesteps, masked too"', "an item with another masked share would"]),
    ([(3, 3), (5, 5), (9, 9)], {"keep": keep, "empty": False}, [
        'these items cannot tell apart "tokens", "tokens of each sequence, then all timesteps, masked too": an item '
        "with another masked share would\n"]),
    ([(3, 5), (6, 6), (9, 12)], {"counts": {"labels": labels}}, [
        '"tokens", "labels": an item in which these numbers differ (such as one whose first']),
    ([(6, 6), (3, 7), (9, 11)], {"length": None, "cuts": [[[0, 1], [2]], [[0], [1, 2]]]}, [
        "in the cut 0 1 | 2 every piece has the same tokens: it cannot show a mean of means"]),
    ([(3, 5), (6, 6), (9, 12), (5, 9)], {"tokens": None, "cuts": [[[0, 1], [2, 3]], [[3, 2], [0, 1]]]}, [
        "no tokens were given", '"nothing", "sequences": cuts with other numbers of items would',
        "no two cuts hold the same items in other pieces: a mean of means cannot show"]),
    ([(3, 5), (6, 6), (9, 12), (5, 9)], {}, [])])
def test_what_items_cannot_show_is_said_before_the_first_call(shapes, handles, notes, capsys):
    def gradient(pieces):
        said.append(capsys.readouterr().out)
        return whole(pieces)

    said, items = [], [Item(b, 0, *shape) for b, shape in enumerate(shapes)]
    report = examine(gradient, items, **NAMED | handles)
    assert all(note in said[0] for note in notes) and bool(said[0]) == bool(notes) and not any(said[1:])
    assert said[0].splitlines() == report.notes[:len(said[0].splitlines())]
    if '"tokens"' in "".join(notes):
        assert set(report.divides_by) == set(re.findall('"(.*?)"', notes[0]))


def test_a_sample_of_a_large_gradient_tells_the_same_and_is_stated():
    bases = {item: np.random.default_rng(item.number).normal(size=1_000_000).astype("f4") for item in HANDFUL}

    def gradient(pieces):
        return {"a": sum(tokens(item) * bases[item] for item in flat(pieces)) / count(pieces), "b": np.zeros((2, 3))}

    tracemalloc.start()
    report = ask(gradient, **NAMED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.divides_by == ["tokens"] and report.faults == [] and peak < 20 * 8e6
    assert any("of 1,000,006 entries, drawn at random (seed 0)" in note for note in report.notes)


@pytest.mark.parametrize("form", [
    lambda g: g.reshape(5, 6), lambda g: [g[:4], {"b": g[4:7], "a": [g[7:]]}], lambda g: (g.astype("f4"), g[0], None),
    lambda g: g.astype("f2"),
    lambda g: lstmlib.Weights(g[:8].reshape(1, 8), g[8:24].reshape(2, 8), g[:8], g[24:26, None], g[:1])])
def test_arrays_come_in_any_nesting_and_precision(form):
    report = ask(lambda pieces: form(whole(pieces)), **NAMED, keep=keep)
    assert report.divides_by == ["tokens"] and report.faults == [], report


@pytest.mark.parametrize("change, message", [
    ({"items": HANDFUL[:1]}, "items must hold at least two .* got 1"),
    ({"items": 3}, "items must be a list of a few training items, got int"), ({"items": {}}, "items .* got dict"),
    ({"gradient": None}, "gradient must be a function, got NoneType"),
    ({"tokens": 3}, "tokens must be a function, got int"),
    ({"counts": [1]}, "counts must be a dict, got list"),
    ({"counts": {"tokens": len}}, "counts must have names of their own, got tokens"),
    ({"reference": {"tokens": None}}, r"reference\['tokens'\] must be a function, got NoneType"),
    ({"counts": {"words": lambda item: -3}}, r"counts\['words'\]\(items\[0\]\) must be at least 0, got -3"),
    ({"reference": {}}, "reference must be a function, or a dict of at least one, got {}"),
    ({"tokens": None, "keep": keep}, "keep needs tokens"),
    ({"tokens": lambda item: item["n"]}, r"tokens\(items\[0\]\) must be a number, and TypeError was raised"),
    ({"tokens": lambda item: np.ones(2)}, r"tokens\(items\[0\]\) must be a number, and ValueError was raised"),
    ({"tokens": lambda item: -1}, r"tokens\(items\[0\]\) must be at least 0, got -1"),
    ({"tokens": lambda item: 0}, r"items must have tokens that count .* got none in items\[0\]"),
    ({"length": lambda item: None}, r"length\(items\[0\]\) must be a number, got NoneType"),
    ({"keep": lambda item, start, stop: item}, r"keep\(items\[0\], 0, 1\) must have 1 tokens that count, got 3"),
    ({"keep": lambda item: item}, r"keep\(items\[0\], 0, 1\) must be an item, and TypeError was raised"),
    ({"items": [[1, 2, 3], [4]], "tokens": len, "length": None, "keep": lambda item, *at: item.pop() and item[1:]},
     r"keep\(items\[0\], 0, 1\) must change a copy, and items\[0\] itself has another number of tokens now"),
    ({"cuts": []}, "cuts must be lists of pieces"), ({"cuts": [[[[0]]]]}, r"cuts must be .* got \[\[\[0\]\]\]"),
    ({"cuts": [[0, 1]]}, r"cuts must be .* got \[0, 1\]"),
    ({"cuts": [[[0], [4]]]}, "item numbers from 0 to 3"),
    ({"means": "words"}, "means must be one of nothing, sequences, tokens,.* got 'words'"),
    ({"sample": 3}, "sample must be at least 100"),
    ({"gradient": lambda pieces: None}, r"\(pieces\) must be an array, or a dict, list or tuple of arrays, got None"),
    ({"gradient": lambda pieces: {"w": [whole(pieces), "a"]}}, r"\(pieces\)\['w'\]\[1\] must hold real numbers"),
    ({"gradient": lambda pieces: [whole(pieces), np.ones(2) if len(pieces) > 1 else None]}, "zeros where a parameter"),
    ({"gradient": lambda pieces: whole(pieces) * 1j}, r"\(pieces\) must hold real numbers, got ndarray of dtype compl"),
    ({"gradient": lambda pieces: iter([whole(pieces)])}, "must hold real numbers, got list_iterator of dtype object"),
    ({"gradient": lambda pieces: np.ones(len(pieces) + 3)}, "arrays of the same shapes in every call"),
    ({"reference": lambda item: None}, r"reference\(items\[0\]\) must be an array"),
    ({"gradient": lambda pieces: 1 / 0}, "^division by zero"),  # what the step raises passes through
])
def test_wrong_use_is_told(change, message):
    with pytest.raises((TypeError, ValueError, ZeroDivisionError), match=message):
        examine(**{"gradient": whole, "items": HANDFUL} | NAMED | change, quiet=True)


def test_a_report_in_print_and_as_bars():
    report = ask(step("tokens", MEAN), **NAMED)
    text = str(report)
    assert text.startswith("a batch is divided by        tokens\npieces are combined by       the mean over pieces\n")
    assert "FAULT                        pieces: the gradient depends on how" in text
    assert max(map(len, text.splitlines())) < 120
    *_, heading, first, _, _, _ = text.splitlines()
    assert heading.split("  ")[0] == "relative to each part alone" and heading.endswith("in the cut 0 | 3 1 2")
    assert first == f"item 0{'':23s}0.1304{'':16s}0.1304{'':16s}0.5" and report.worst_cut == "0 | 3 1 2"
    html = report._repr_html_()
    assert html.count("<span") == 12 and html.count("width:12.00em") == 1 and html.count("width:3.13em") == 2
