"""The feedback of notebook 04: the right answer passes, each likely wrong one is caught and its cause named."""

from itertools import combinations

import pytest

from helpers import hint_of
from lstmlib import EDGES, crosses_exactly_once
from lstmlib.exercises.where_to_divide import (
    NEXT,
    check_crossings,
    check_last_step_hook,
    check_right_sets,
    check_two_paths,
    fault_of,
)
from lstmlib.placement import path_crossings

CROSSINGS = {"highest dz": 5, "highest dh_next": 4, "highest all nine": 14, "possible dc_next": {0, 1, 2, 3, 4}}


def test_crossings_right():
    check_crossings.judge(CROSSINGS)


@pytest.mark.parametrize("question, answer, cause", [
    ("highest dz", 4, "the last one included"),
    ("highest dh_next", 5, "T - 1 steps back"),
    ("highest all nine", 9, "dz at every timestep"),
    ("possible dc_next", {1}, "none, some or all"),
    ("possible dc_next", {4}, "none, some or all"),
    ("possible dc_next", [0, 1, 2, 3, 4], "with braces"),
])
def test_crossings_wrong(question, answer, cause):
    said = hint_of(check_crossings, CROSSINGS | {question: answer})
    assert cause in said and f"expected {CROSSINGS[question]}" not in said


def test_crossings_in_part():
    assert hint_of(check_crossings, CROSSINGS | {"highest dh_next": ...}) == "Still open: highest dh_next."


def test_crossings_with_a_key_missing():
    assert "four keys" in hint_of(check_crossings, {"highest dz": 5})


def hook(edge_name, change):
    def divide_last(size_X):
        def at(edge, gradient):
            return change(gradient.copy(), size_X) if edge == edge_name else gradient
        return at
    return divide_last


def divide(gradient, where, size_X):
    gradient[where] /= size_X
    return gradient


LAST = (..., -1, slice(None), slice(None))


@pytest.mark.parametrize("edge", ["dy", "loss"])
def test_last_step_right(edge):
    check_last_step_hook.judge(hook(edge, lambda gradient, size_X: divide(gradient, LAST, size_X)))


@pytest.mark.parametrize("edge, change, cause", [
    ("dy", lambda gradient, size_X: divide(gradient, (..., 0, slice(None), slice(None)), size_X), "first timestep"),
    ("dy", lambda gradient, size_X: gradient / size_X, "every timestep."),
    ("dy", lambda gradient, size_X: divide(gradient / size_X, LAST, 1 / size_X), "every timestep but the last"),
    ("dy", lambda gradient, size_X: divide(gradient, (..., -1, slice(None)), size_X), "last sequence of the batch"),
    ("dY", lambda gradient, size_X: divide(gradient, LAST, size_X), "no path to this array"),
    ("dy", lambda gradient, size_X: divide(gradient, -1, size_X), "third from the end"),
    ("dh_above", lambda gradient, size_X: divide(gradient, LAST, size_X), "an edge that every path crosses"),
])
def test_last_step_wrong(edge, change, cause):
    assert cause in hint_of(check_last_step_hook, hook(edge, change))


@pytest.mark.parametrize("edges, factor, cause", [
    (("dy",), lambda size_X: 1 / size_X, "you multiplied by size_X"),
    (("loss", "dy"), lambda size_X: size_X, "this divides twice"),
])
def test_last_step_multiplied_or_divided_twice(edges, factor, cause):
    def divide_last(size_X):
        return lambda edge, gradient: divide(gradient, LAST, factor(size_X)) if edge in edges else gradient
    assert cause in hint_of(check_last_step_hook, divide_last)


def test_last_step_with_a_return_inside_the_if():
    def divide_last(size_X):
        return lambda edge, gradient: divide(gradient, LAST, size_X) if edge == "dy" else None
    said = hint_of(check_last_step_hook, divide_last)
    assert "returned None on the edge 'loss'" in said and "behind the `if`, not inside" in said
    assert "to return a function" in hint_of(check_last_step_hook, lambda size_X: size_X)


def test_last_step_on_all_edges():
    def divide_last(size_X):
        return lambda edge, gradient: divide(gradient, LAST, size_X)
    assert "called on all nine edges" in hint_of(check_last_step_hook, divide_last)


def test_last_step_in_place():
    def divide_last(size_X):
        return lambda edge, gradient: divide(gradient, LAST, size_X) if edge == "dy" else gradient
    check_last_step_hook.judge(divide_last)


def all_sets():
    return [frozenset(edges) for size in range(10) for edges in combinations(EDGES, size)]


def test_right_sets_right():
    check_right_sets.judge(lambda given, T: {
        p for p in all_sets() if given <= p and all(crosses_exactly_once(p, T).values())})


@pytest.mark.parametrize("right_sets, cause", [
    (lambda given, T: {p for p in all_sets() if given <= p and any(crosses_exactly_once(p, T).values())}, "for `all`"),
    (lambda given, T: {p for p in all_sets() if all(crosses_exactly_once(p, T).values())}, "given <= placement"),
    (lambda given, T: {p for p in all_sets() if given <= p and all(crosses_exactly_once(p, 2).values())}, "pass T on"),
    (lambda given, T: {p for p in all_sets() if given <= p and crosses_exactly_once(p, T)}, "always counts as true"),
    (lambda given, T: {p for p in all_sets() if given <= p and all(crosses_exactly_once(p, T))}, "counts as true"),
    (lambda given, T: {p for p in all_sets() if p <= given and all(crosses_exactly_once(p, T).values())},
     "the other way round"),
    (lambda given, T: {p - given for p in all_sets() if given <= p and all(crosses_exactly_once(p, T).values())},
     "give whole placements"),
    (lambda given, T: {tuple(p) for p in all_sets() if given <= p}, "received a value of type set of tuple"),
    (lambda given, T: [p for p in all_sets() if given <= p], "received a value of type list of frozenset"),
    (lambda given, T: {set(p) for p in all_sets() if given <= p}, "must be frozensets"),
    (lambda given, T: 7, "received a value of type int. "),
    (lambda given, T: set(), "search all 512"),
])
def test_right_sets_wrong(right_sets, cause):
    said = hint_of(check_right_sets, right_sets)
    assert cause in said and len(said) < 300


def test_right_sets_names_one_wrong_placement():
    said = hint_of(check_right_sets, lambda given, T: {p for p in all_sets() if given <= p})
    assert "expected 2 placements, received 256; for example, {dW, dW_t, dWy_t} does not belong to them." in said
    assert "expected 2 placements, received 0; for example, {dW_t, dWy_t} is missing." in hint_of(
        check_right_sets, lambda given, T: set())


SHORTER = "loss dy dh_above dz dW_t dW".split()
LONGER = "loss dy dh_above dz dh_next dz dW_t dW".split()


def test_two_paths_right():
    check_two_paths.judge(SHORTER, LONGER)
    check_two_paths.judge(tuple(SHORTER), tuple(LONGER))


@pytest.mark.parametrize("shorter, longer, cause", [
    (SHORTER, SHORTER, "back one timestep"),
    (LONGER, SHORTER, "back one timestep"),
    (SHORTER, "loss dy dh_above dc_next dz dW_t dW".split(), "back one timestep"),
    ("loss dy dh_above dc_next dz dW_t dW".split(), LONGER, "make up for dz"),
    (SHORTER, "loss dy dh_above dz dh_next dz dh_next dz dW_t dW".split(), "one step back is enough"),
    (SHORTER, "loss dy dh_above dz dz dW_t dW".split(), "edge 5 is 'dz', but where 'dz' ends no"),
    (SHORTER, "loss dy dh_above dh_next dz dW_t dW".split(), "longer is not a path from the loss to b: its edge 4 is"),
    (["dz"], LONGER, "begins with 'dz'"),
    (SHORTER[::-1], LONGER, "begins with 'dW', but every path begins at C"),
    (SHORTER[:-1], LONGER, "it stops after 'dW_t'"),
    ([edge for edge in SHORTER if edge != "dy"], LONGER, "edge 2 is 'dh_above', but where 'loss' ends"),
    ("loss dy dWy_t dW".split(), LONGER, "leads to Wy and by"),
    (set(SHORTER), LONGER, "a set, which has no order"),
    (SHORTER, [...], "Still open: longer"),
    (..., LONGER, "Still open: shorter"),
    (SHORTER, 3, "list of names of edges, received 3"),
    (SHORTER, "loss dy dh_above dz dh dz dW_t dW".split(), "not one of the nine"),
    ("loss", LONGER, "a list of names"),
])
def test_two_paths_wrong(shorter, longer, cause):
    assert cause in hint_of(check_two_paths, shorter, longer)


@pytest.mark.parametrize("check, answers", [
    (check_crossings, ({question: ... for question in CROSSINGS},)),
    (check_last_step_hook, (lambda size_X: ...,)),
    (check_last_step_hook, (lambda size_X: None,)),
    (check_right_sets, (lambda given, T: ...,)),
    (check_right_sets, (lambda given, T: None,)),
    (check_two_paths, ([...], [...])),
    (check_two_paths, (..., ...)),
])
def test_stubs_are_not_answered_yet(check, answers, capsys):
    check(*answers)
    assert capsys.readouterr().out == "Not answered yet.\n"


@pytest.mark.parametrize("check, answers", [
    (check_crossings, (CROSSINGS,)),
    (check_two_paths, (SHORTER, LONGER)),
])
def test_the_right_answer_is_told_so(check, answers, capsys):
    check(*answers)
    assert capsys.readouterr().out.startswith("Right. ")


def test_the_questions_asked_beside_an_answer_are_settled(capsys):
    check_two_paths(SHORTER, LONGER)
    assert "the two numbers cannot both be 1." in capsys.readouterr().out
    check_last_step_hook(hook("dy", lambda gradient, size_X: divide(gradient, LAST, size_X)))
    assert "right for losses of the last timestep alone" in capsys.readouterr().out


def test_paths_are_those_of_the_graph():
    """Every walk through NEXT from the loss to dW is counted by path_crossings, and no other."""
    walks, found = [["loss"]], []
    while walks:
        walk = walks.pop()
        steps = sum(edge in ("dh_next", "dc_next") for edge in walk)
        if walk[-1] == "dW":
            found.append(walk)
        walks += [[*walk, edge] for edge in NEXT[walk[-1]] if edge not in ("dh_next", "dc_next") or steps < 2]
    to_b = [walk for walk in found if fault_of(walk) is None]
    assert len(found) - len(to_b) == 1  # that to Wy
    for edge in EDGES:
        possible = {walk.count(edge) for walk in to_b}
        assert path_crossings({edge}, T=3)["b"] == sum(1 << count for count in possible)
