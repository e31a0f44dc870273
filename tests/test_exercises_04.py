"""The feedback of notebook 04: the right answer passes, each likely wrong one is caught and its cause named."""

from itertools import combinations

import numpy as np
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
    possible_crossings,
)

CROSSINGS = {"highest dz": 5, "highest dh_next": 4, "highest all nine": 14, "possible dc_next": {0, 1, 2, 3, 4}}


def test_crossings_right():
    check_crossings.judge(CROSSINGS)


@pytest.mark.parametrize("question, answer, cause", [
    ("highest dz", 4, "the last one included"),
    ("highest dh_next", 5, "T - 1 steps back"),
    ("highest all nine", 9, "dz at every timestep"),
    ("possible dc_next", {1}, "none, some or all"),
    ("possible dc_next", {4}, "none, some or all"),
])
def test_crossings_wrong(question, answer, cause):
    said = hint_of(check_crossings, CROSSINGS | {question: answer})
    assert said.startswith(f"For {question!r}, T = 5: {answer} is not it. Hint: ") and cause in said


def test_crossings_as_a_list():
    said = hint_of(check_crossings, CROSSINGS | {"possible dc_next": [0, 1, 2, 3, 4]})
    assert said == "'possible dc_next' asks for a set of numbers, with braces, received [0, 1, 2, 3, 4]."


def test_crossings_in_part():
    assert hint_of(check_crossings, CROSSINGS | {"highest dh_next": ...}) == "Still open: highest dh_next."


def test_crossings_with_a_key_missing():
    expected = "Expected the four keys highest dz, highest dh_next, highest all nine, possible dc_next, received "
    assert hint_of(check_crossings, {"highest dz": 5, 2: 4}) == f"{expected}highest dz, 2."
    assert hint_of(check_crossings, {}) == f"{expected}none."


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
    ("dy", lambda gradient, size_X: 1e200 * gradient, "is crossed by one array"),
])
def test_last_step_wrong(edge, change, cause):
    assert cause in hint_of(check_last_step_hook, hook(edge, change))


def test_last_step_names_the_case_and_the_number_received():
    said = hint_of(check_last_step_hook, hook("dy", lambda gradient, size_X: 0 * gradient))
    assert said.startswith("For T = 4, |X| = 5, dWx: at [0, 0] expected ") and ", received 0. Hint: " in said
    assert "the edge `dy` is crossed by one array (..., T, B, K)" in said
    said = hint_of(check_last_step_hook, hook("dy", lambda gradient, size_X: divide(gradient, -1, size_X)))
    assert said.startswith("For T = 3, |X| = 7, two upstream gradients at once, dWx: at ")


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


def test_last_step_without_a_hook():
    expected = "Expected divide_last(size_X) to return a function at(edge, gradient), received "
    assert hint_of(check_last_step_hook, lambda size_X: size_X) == f"{expected}5."
    assert hint_of(check_last_step_hook, lambda size_X: np.ones((4, 3))) == f"{expected}an array of shape (4, 3)."


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


def right_sets(given, T):
    return {p for p in all_sets() if given <= p and all(crosses_exactly_once(p, T).values())}


def test_right_sets_right():
    check_right_sets.judge(right_sets)


@pytest.mark.parametrize("wrong_sets, cause", [
    (lambda given, T: {p for p in all_sets() if given <= p and any(crosses_exactly_once(p, T).values())}, "for `all`"),
    (lambda given, T: right_sets(set(), T), "must contain every given edge"),
    (lambda given, T: right_sets(given, 2), "pass T on"),
    (lambda given, T: {p for p in all_sets() if given <= p and crosses_exactly_once(p, T)}, "always counts as true"),
    (lambda given, T: {p for p in all_sets() if given <= p and all(crosses_exactly_once(p, T))}, "counts as true"),
    (lambda given, T: {p for p in all_sets() if p <= given and all(crosses_exactly_once(p, T).values())},
     "the other way round"),
    (lambda given, T: {p - given for p in right_sets(given, T)}, "give whole placements"),
    (lambda given, T: {tuple(p) for p in all_sets() if given <= p}, "received a value of type set of tuple"),
    (lambda given, T: [p for p in all_sets() if given <= p], "received a value of type list of frozenset"),
    (lambda given, T: {set(p) for p in all_sets() if given <= p}, "must be frozensets"),
    (lambda given, T: tuple(p for p in all_sets() if given <= p), "received a value of type tuple of frozenset"),
    (lambda given, T: ["dz", 1, 2.0, None, frozenset()], "list of NoneType and float and frozenset and int and str. "),
    (lambda given, T: 7, "received a value of type int. "),
    (lambda given, T: set(), "search all 512"),
])
def test_right_sets_wrong(wrong_sets, cause):
    said = hint_of(check_right_sets, wrong_sets)
    assert cause in said and len(said) < 300


def test_right_sets_names_one_wrong_placement():
    said = hint_of(check_right_sets, lambda given, T: {p for p in all_sets() if given <= p})
    assert "expected 2 placements, received 256; for example, {dW, dW_t, dWy_t} does not belong to them." in said
    assert "expected 2 placements, received 0; for example, {dW_t, dWy_t} is missing." in hint_of(
        check_right_sets, lambda given, T: set())
    right = {frozenset(["dW_t", "dWy_t"]), frozenset(["dWy_t", "dh_above"])}
    assert "received 3; for example, {dWy_t, loss} does not belong to them." in hint_of(
        check_right_sets, lambda given, T: right | {frozenset(["dWy_t", "loss"])})
    assert "received 1; for example, {dWy_t, dh_above} is missing." in hint_of(
        check_right_sets, lambda given, T: right - {frozenset(["dWy_t", "dh_above"])})


def test_right_sets_names_what_was_given():
    nothing = hint_of(check_right_sets, lambda given, T: set())
    right_unless_empty = hint_of(check_right_sets, lambda given, T: right_sets(given, T) if given else set())
    assert nothing.startswith("For given {'dWy_t'}, T = 3: ") and right_unless_empty.startswith("For given {}, T = 5: ")


def test_right_sets_may_use_up_what_is_given():
    def one_edge_after_another(given, T):
        answer = right_sets(set(), T)
        while given:
            edge = given.pop()
            answer = {p for p in answer if edge in p}
        return answer
    check_right_sets.judge(one_edge_after_another)


def test_right_sets_with_an_error_of_the_reader():
    with pytest.raises(TypeError, match="not supported between"):
        check_right_sets.judge(lambda given, T: {p for p in all_sets() if p > T})


SHORTER = "loss dy dh_above dz dW_t dW".split()
LONGER = "loss dy dh_above dz dh_next dz dW_t dW".split()


def test_two_paths_right():
    check_two_paths.judge(SHORTER, LONGER)
    check_two_paths.judge(tuple(SHORTER), tuple(LONGER))


@pytest.mark.parametrize("shorter, longer, cause", [
    (SHORTER, SHORTER, "back one timestep"),
    (LONGER, SHORTER, "back one timestep"),
    (SHORTER, "loss dy dh_above dc_next dz dW_t dW".split(), "back one timestep"),
    ("loss dy dh_above dc_next dz dW_t dW".split(), LONGER, "does not cross dc_next as often as the shorter one"),
    (SHORTER, "loss dy dh_above dz dh_next dz dh_next dz dW_t dW".split(), "one step back is enough"),
    (SHORTER, "loss dy dh_above dz dh_next dc_next dz dW_t dW".split(), "one step back is enough"),
    (SHORTER, "loss dy dh_above dz dz dW_t dW".split(), "edge 5 is 'dz', but where 'dz' ends no"),
    (SHORTER, "loss dy dh_above dh_next dz dW_t dW".split(), "longer is not a path from the loss to b: its edge 4 is"),
    (["dz"], LONGER, "begins with 'dz'"),
    (SHORTER[::-1], LONGER, "begins with 'dW', but every path begins at C"),
    (SHORTER[:-1], LONGER, "it stops after 'dW_t'"),
    ([edge for edge in SHORTER if edge != "dy"], LONGER, "edge 2 is 'dh_above', but where 'loss' ends"),
    ("loss dy dWy_t dW".split(), LONGER, "leads to Wy and by"),
    (set(SHORTER), LONGER, "a set, which has no order"),
    (frozenset(SHORTER), LONGER, "a set, which has no order"),
    (SHORTER, [...], "Still open: longer"),
    (..., LONGER, "Still open: shorter"),
    (SHORTER, 3, "list of names of edges, received 3"),
    (SHORTER, "loss dy dh_above dz dh dz dW dy_t".split(), "longer: 'dh' is not one of the nine edges."),
    ([SHORTER, 3], LONGER, "is not one of the nine edges."),
    ("loss dy", LONGER, "Expected shorter to be a list of names of edges, received 'loss dy'."),
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
    (check_two_paths, ([], ())),
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
    """Every walk through NEXT from the loss to dW is counted by possible_crossings, and no other."""
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
        assert possible_crossings({edge}, T=3) == {walk.count(edge) for walk in to_b}
