"""Notebook 04: answers to its exercises, for test_exercises; the laboratory: numbers, verdicts, graph and controls."""

import re
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from lstmlib import EDGES, backward, crosses_exactly_once, record, scale_at
from lstmlib.exercises import where_to_divide as exercises
from lstmlib.explorers.where_to_divide import SIZES, laboratory
from lstmlib.explorers.where_to_divide.numbers import PLACEMENTS, ROUNDING, SETS, State, headline, numbers, problem
from lstmlib.show import graph


def state_of(placement, **changes):
    return State(edges=PLACEMENTS[placement], **changes)


# Verdicts

@pytest.mark.parametrize("T, size_X", [(1, 10), (2, 100), (4, 2)])
def test_verdict_on_all_512_sets_follows_the_rule(T, size_X):
    assert len(set(SETS)) == 512
    for edges in SETS:
        found = numbers(state := State(edges, size_X, T))
        good, verdict = headline(state, found)
        assert good == all(crosses_exactly_once(edges, T).values())
        if good:
            assert verdict == ("Identical, bit for bit" if found.identical else "Identical up to rounding")
            assert found.error < 1e-15 and (found.identical or size_X != 2)
        else:
            assert verdict == "Not the gradient" and found.error > 1e-3


def test_right_placements_stay_within_the_rounding_of_their_dtype():
    for placement, dtype, size_X, (T, bias) in product(list(PLACEMENTS)[:5], ROUNDING, SIZES, ((1, -6), (6, 6))):
        found = numbers(state_of(placement, dtype=dtype, T=T, forget_bias=bias, size_X=size_X))
        assert found.all_right and found.gradient.dtype == dtype and found.error < ROUNDING[dtype]
        assert found.identical or size_X & (size_X - 1) or dtype == "float16"  # which may lose a subnormal's bits


HIDDEN = State(("dc_next", "loss"), 2, 2, "float16", -6)  # a closed forget gate: dc_next is small
CLOSED = state_of("Cell path only: dc_next", size_X=2, T=2, forget_bias=-6, beside="Nowhere")

SAID = [
    ("At once: dy", True,
     "Identical, bit for bit. Every path from the loss to every weight crosses 1/|X| exactly once."),
    (State(("loss",), 10, dtype="float32"), True, "Identical up to rounding. Every path from the loss to every weight "
     "crosses 1/|X| exactly once. The norm-relative difference is below 1e-06."),
    (State(("dz", "dWy_t"), T=1), True, "exactly once. So it is at T = 1 only, where nothing flows"),
    (State(("dz", "dWy_t"), T=2), False, "Not the gradient. Right for Wy and by only. "),
    (State(("dy",), 1), True, "By the rule this placement is right: every path crosses exactly once. Choose another"),
    (State(("dz",), 1), True, "Identical, because |X| = 1. A factor of 1 changes nothing, wherever it stands. By the "
     "rule this placement is wrong: not every path crosses exactly once."),
    ("Nowhere", False, "Not the gradient. No edge carries 1/|X|: the result has cosine 1.000 and 8 times the true "
     "length. On which edges must ... Wx 100%; Wh 100%; b 100%; Wy 100%; by 100%. ... from 8 to 8; ... at most 7."),
    ("Both ends: dy and dW", False, "Right for no weight. Over all five arrays, every path is divided twice. The "
     "result has cosine 1.000 and 0.125 times the true length."),
    ("Recurrent path only: dh_next", False,
     "Over all five arrays, 77% of it was never divided, 4% twice, 1% three times or more (shares of the parts' norms; "
     "parts can cancel). The result has cosine 0.976 and 7.12 times the true length."),
    (state_of("Cell path only: dc_next", forget_bias=-6), False,
     "more than 99% of it was never divided, less than 1% twice ... Wx 99%,"),
    (state_of("Cell path only: dc_next", forget_bias=6), False, "Wx 28%,"),  # as notebook 04 says
    (HIDDEN, False, "Not the gradient, though float16 hides it. Right for Wy and by only. Over all five arrays, less "
     "than 1% of it was divided twice ... Wx 0, >99%, <1%;"),
    (State(EDGES, 100, 1, "float16"), False, "has no cosine and 0 times the true length."),
    # Two placements
    ("A beside B", True, "A and B: identical weight gradients, bit for bit. On the way, dy_t, dh_t, dc_t, dz_t and "
     "dW_t of A are 1/|X| times B's."),
    (state_of("At the end: dW", beside="At once: dy", size_X=10), True, "identical weight gradients, up to rounding. "
     "On the way, dy_t, dh_t, dc_t, dz_t and dW_t of A are |X| times B's. ... dy_t of A: |X|·B;"),
    (state_of("At once: dy", beside="Into the top: dh_above, dWy_t"), True,
     "dy_t of A is 1/|X| times B's; dh_t, dc_t, dz_t and dW_t are the same."),
    (state_of("Into the top: dh_above, dWy_t", beside="Into the gates: dz", T=2), False,
     "A and B: different weight gradients. On the way, dy_t is the same; dh_t, dc_t, dz_t and dW_t differ by no one "
     "factor."),
    (state_of("Nowhere", beside="Both ends: dy and dW", size_X=1), True, "bit for bit. A factor of 1 changes nothing."),
    (State(("loss", "dy", "dh_above"), 100, beside="Nowhere"), False,
     "dy_t of A is 1/|X|² times B's; dh_t, dc_t, dz_t and dW_t of A are 1/|X|³ times B's ... dy_t of A: 1/|X|²·B;"),
    (replace(HIDDEN, beside="At once: loss"), True, "up to rounding. By the rule only B is right. On the way"),
    (replace(HIDDEN, edges=("dc_next",), beside="Nowhere"), True, "Neither is the true gradient. On the way"),
    (CLOSED, False, "dc_t, dz_t and dW_t differ by no one factor"),
    (replace(CLOSED, dtype="float16"), True, "dc_t, dz_t and dW_t are the same")]


@pytest.mark.parametrize("edges", [(), ("dy", "dh_next"), ("dh_above", "dc_next")])
def test_norms_on_the_way_are_of_what_reaches_the_gates(edges):
    """dz is made of dc and dh, times the slopes of the gates."""
    weights, trace, dY = problem(4, 1, "float64")
    seen = record(["dz"], scale_at(edges, 1 / 8))
    backward(weights, trace, dY, at=seen)
    *_, dz_g, dz_o = np.split(np.array(seen["dz"][::-1]), 4, axis=-1)
    flows = {"dc": dz_g / (trace.i * (1 - trace.g ** 2)), "dh": dz_o / (np.tanh(trace.c) * trace.o * (1 - trace.o))}
    for name, flow in flows.items():
        found = numbers(State(edges, beside="Nowhere")).way[name]
        np.testing.assert_allclose(found, np.linalg.norm(flow, axis=(1, 2)), rtol=1e-12)


# The graph

@pytest.mark.parametrize("T", [1, 2, 5])
def test_every_edge_that_is_drawn_can_be_reached_by_key(T):
    picture = graph.panel(T).svg
    drawn = [name for name in EDGES if T > 1 or name not in ("dh_next", "dc_next")]
    assert re.findall('data-edge="([^"]+)" role="checkbox" tabindex="0"', picture) == drawn
    assert ('data-at="dh_next 3"' in picture) == (T == 5)  # the third of five is left out, the arrows there are not


def test_the_four_ways_to_b():
    said = [panel.words.split("A path is lit: ")[1] for panel in graph.all_paths(edges=("dz",))]
    assert len(said) == 4 and said[3] == (
        "loss at t = 2, dy at t = 2, dh_above at t = 2, dz at t = 2 (1), dh_next at t = 2, dz at t = 1 (2), "
        "dW_t at t = 1, dW.")
    inside = [{part for part in graph.counted(path, (), 2) if part.split()[0] in ("h", "join", "cell")}
              for path in graph.paths_to("b", 2)]  # h goes to z by two ways at once
    assert inside == [{"h 2", "join 2"}, {"h 1", "join 1"}, {"h 2", "cell 1"}, {"h 2", "join 2", "h 1", "join 1"}]


def test_crossings_and_two_placements_on_the_graph():
    for edges, T, output, cell in (
            (("dy",), 4, "✓ crossed once", "✓ crossed once"), (("dz",), 3, "✗ never crossed", "✗ crossed 1–3 times"),
            (("dy", "dW"), 2, "✗ crossed 2 times", "✗ crossed 2 times")):
        assert list(graph.crossings(edges, T).items()) == [("Wy", output), ("Wx", cell)]
    assert [graph.badge_text(name, ("dy", "dz"), ("dy", "dW")) for name in ("dy", "dz", "dW")] == ["A B", "A", "B"]


# The laboratory

def test_presets_move_1_over_X_and_nothing_else():
    lab = laboratory()
    picture = lab.controls["edges"]
    lab.set(size_X=10, T=2, forget_bias=-2)
    for placement, edges in PLACEMENTS.items():
        lab.press(placement)
        assert lab.state == State(edges, 10, 2, "float64", -2) and lab.menu.shown == placement
    picture.value = ("dz", "dh_above")  # in the order of EDGES: else the kernel sends its own, and a click is lost
    assert lab.state.edges == picture.value == ("dh_above", "dz") and lab.menu.shown is None
    assert picture.counts == graph.crossings(("dh_above", "dz"), 2) and 'data-at="dh_next 3"' not in picture.panel[1]
    lab.press("A beside B")
    assert (lab.state.beside, picture.other, len(lab.panels.value)) == ("At the end: dW", ("dW",), 2)
    lab.press("Reset")
    assert (lab.state, picture.other, len(lab.panels.value)) == (State(), None, 3)


# Answers.

CROSSINGS = {"highest dz": 5, "highest dh_next": 4, "highest all nine": 14, "possible dc_next": {0, 1, 2, 3, 4}}
LAST = np.s_[..., -1, :, :]


def divided(gradient, where, size_X):
    gradient = gradient.copy()
    gradient[where] /= size_X
    return gradient


def hook(change, edges=("dy",), otherwise=lambda gradient: gradient):
    """An answer to exercise 4.3: a hook that changes what crosses these edges."""
    return lambda size_X: lambda edge, gradient: change(gradient, size_X) if edge in edges else otherwise(gradient)


def divided_at(where, *edges, **otherwise):
    return hook(lambda gradient, size_X: divided(gradient, where, size_X), edges or ("dy",), **otherwise)


def obeys(edges, T, judged=all):
    return judged(crosses_exactly_once(edges, T).values())


def chosen(condition):
    """An answer to exercise 4.4: the sets of which the condition (set, given, T) holds."""
    return lambda given, T: {p for p in exercises.PLACEMENTS if condition(p, given, T)}


SHORTER = "loss dy dh_above dz dW_t dW".split()
LONGER = "loss dy dh_above dz dh_next dz dW_t dW".split()

RIGHT = {
    exercises.check_last_step_hook: [divided_at(LAST, "loss")],
    exercises.check_two_paths: [(tuple(SHORTER), tuple(LONGER))]}

WRONG = {
    exercises.check_crossings: [
        *((CROSSINGS | {question: answer}, f"For {question!r}, T = 5: {answer} is not it. Hint: {cause}")
          for question, answer, cause in (
              ("highest dz", 4, "the longest path visits z once at every timestep, the last one included."),
              ("highest dh_next", 5, "between T timesteps there are T - 1 steps back."),
              ("highest all nine", 9, "count loss, dy, dh_above, dW_t and dW once each, dz at every timestep"),
              ("possible dc_next", {1}, "a path may take the cell-state edge at none, some or all of T - 1 steps."))),
        (CROSSINGS | {"possible dc_next": [0, 1, 2, 3, 4]},
         "'possible dc_next' asks for a set of numbers, with braces, received [0, 1, 2, 3, 4]."),
        (CROSSINGS | {"highest dh_next": ...}, "Still open: highest dh_next."),
        ({"highest dz": 5, 2: 4},
         "Expected the four keys highest dz, highest dh_next, highest all nine, possible dc_next, received highest dz"),
    ],
    exercises.check_last_step_hook: [
        (divided_at(np.s_[..., 0, :, :]), "first timestep"),
        (hook(lambda gradient, size_X: gradient / size_X), "every timestep."),
        (hook(lambda gradient, size_X: divided(gradient / size_X, LAST, 1 / size_X)), "every timestep but the last"),
        (divided_at(np.s_[..., -1, :]), "last sequence of the batch"),
        (divided_at(-1), "you divided the last upstream gradient"),
        (divided_at(LAST, "dh_above"), "an edge that every path crosses"),
        (hook(lambda gradient, size_X: 0 * gradient), ", received 0. Hint: the edge `dy` is crossed by one array"),
        (hook(lambda gradient, size_X: divided(gradient, LAST, 1 / size_X)), "you multiplied by size_X"),
        (divided_at(LAST, "loss", "dy"), "this divides twice"),
        (divided_at(LAST, otherwise=lambda gradient: None),
         "Your hook returned None on the edge 'loss'. Hint: it is called on all nine edges, and must return the "
         "gradient on each, also where it divides nothing: `return gradient` stands behind the `if`, not inside."),
        (divided_at(LAST, *EDGES), "called on all nine edges"),
        (lambda size_X: size_X, "Expected divide_last(size_X) to return a function at(edge, gradient), received 5.")],
    exercises.check_right_sets: [
        (chosen(lambda p, given, T: given <= p and obeys(p, T, any)), "for `all`"),
        (chosen(lambda p, given, T: obeys(p, T)), "must contain every given edge"),
        (chosen(lambda p, given, T: given <= p and obeys(p, 2)), "pass T on"),
        (chosen(lambda p, given, T: given <= p and crosses_exactly_once(p, T)),
         "For given {'dWy_t'}, T = 3: expected 2 placements, received 256; for example, {dW, dW_t, dWy_t} does not "
         "belong to them. Hint: crosses_exactly_once gives a dictionary, which always counts as true"),
        (chosen(lambda p, given, T: p <= given and obeys(p, T)), "the other way round"),
        (chosen(lambda p, given, T: not given & p and obeys(p | given, T)), "give whole placements"),
        (lambda given, T: set(), "received 0; for example, {dW_t, dWy_t} is missing. Hint: search all 512"),
        (lambda given, T: {tuple(p) for p in exercises.PLACEMENTS}, "received a value of type set of tuple"),
        (lambda given, T: {set(p) for p in exercises.PLACEMENTS}, "must be frozensets")],
    exercises.check_two_paths: [
        ((SHORTER, SHORTER), "back one timestep"),
        (("loss dy dh_above dc_next dz dW_t dW".split(), LONGER), "does not cross dc_next as often as the shorter one"),
        ((SHORTER, "loss dy dh_above dz dh_next dz dh_next dz dW_t dW".split()), "one step back is enough"),
        ((SHORTER, "loss dy dh_above dz dz dW_t dW".split()),
         "longer is not a path from the loss to b: its edge 5 is 'dz', but where 'dz' ends no"),
        ((SHORTER[::-1], LONGER), "begins with 'dW', but every path begins at C"),
        ((SHORTER[:-1], LONGER), "it stops after 'dW_t'"),
        (("loss dy dWy_t dW".split(), LONGER), "leads to Wy and by"),
        ((frozenset(SHORTER), LONGER), "a set, which has no order"),
        ((SHORTER, "loss dy dh_above dz dh dz dW dy_t".split()), "longer: 'dh' is not one of the nine edges."),
        (("loss dy", LONGER), "Expected shorter to be a list of names of edges, received 'loss dy'.")]}


def test_paths_are_those_of_the_graph():
    of_b, of_Wy = ([[name for name, _ in path] for path in graph.paths_to(weight, 3)] for weight in ("b", "Wy"))
    assert {pair for path in of_b + of_Wy for pair in pairwise(path)} == {
        (edge, after) for edge, afters in exercises.NEXT.items() for after in afters}
    assert all(exercises.fault_of(path) is None for path in of_b) and all(map(exercises.fault_of, of_Wy))
