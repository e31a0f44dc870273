"""Where 1/|X| may stand: all 512 sets of edges, judged by numbers, by the library, and by walking every path."""

import sys
from itertools import combinations

import numpy as np
import pytest

from helpers import assert_close, distance, random_problem
from lstmlib import EDGES, backward, crosses_exactly_once, crossing_spectrum, record, scale_at
from lstmlib.placement import RIGHT

ALL_SETS = [frozenset(chosen) for size in range(len(EDGES) + 1) for chosen in combinations(EDGES, size)]
NAMES = ("Wx", "Wh", "b", "Wy", "by")


# ---- the backward graph, written down edge by edge

def graph(T):
    """{place: [(edge name or None, next place), ...]}, from the objective C to the five weights."""
    arrows = {"C": [("loss", f"item {t}") for t in range(T)], "sum dW": [("dW", name) for name in ("Wx", "Wh", "b")],
              "sum dWy": [("dW", name) for name in ("Wy", "by")]}
    for t in range(T):
        arrows[f"item {t}"] = [("dy", f"y {t}")]
        arrows[f"y {t}"] = [("dh_above", f"h {t}"), ("dWy_t", "sum dWy")]
        arrows[f"h {t}"] = [(None, f"c {t}"), ("dz", f"z {t}")]  # h = o tanh(c): into the cell, into the output gate
        arrows[f"c {t}"] = [("dz", f"z {t}")]  # c = f c + i g: into the three other gates
        arrows[f"z {t}"] = [("dW_t", "sum dW")]
        if t > 0:
            arrows[f"z {t}"].append(("dh_next", f"h {t - 1}"))
            arrows[f"c {t}"].append(("dc_next", f"c {t - 1}"))
    return arrows


def walk(arrows, place="C", crossed=()):
    """Every path from `place` to a weight: (weight, the edges that it crosses)."""
    if place in NAMES:
        yield place, crossed
    for edge, next_place in arrows.get(place, ()):
        yield from walk(arrows, next_place, crossed if edge is None else (*crossed, edge))


def possible_crossings(paths, edges):
    """{weight: the numbers of times that its paths cross `edges`}."""
    return {name: {sum(edge in edges for edge in path) for path in paths[name]} for name in NAMES}


@pytest.fixture(scope="module", params=[1, 2, 5], ids="T={}".format)
def problem(request):
    """T, a problem in which no path vanishes (h0 and c0 are given), its gradient, {weight: the paths to it}."""
    T = request.param
    p, paths = random_problem(T, B=2, D=2, H=3, K=2, seed=5), {name: set() for name in NAMES}
    for name, path in walk(graph(T)):
        paths[name].add(path)
    return T, p, backward(p.weights, p.trace, p.dY), paths


# ---- 512 sets

def test_numbers_counts_and_paths_agree_on_all_sets(problem):
    T, p, gradient, paths = problem
    for edges in ALL_SETS:
        by_walking = {name: times == {1} for name, times in possible_crossings(paths, edges).items()}
        divided = backward(p.weights, p.trace, p.dY, at=scale_at(edges, 1 / 7))
        far = {name: distance(getattr(divided, name), array) for name, array in (gradient / 7).items()}
        assert all(error < 1e-13 or error > 1e-7 for error in far.values()), far  # plainly right or plainly wrong
        by_numbers = {name: error < 1e-13 for name, error in far.items()}
        assert crosses_exactly_once(edges, T) == by_walking == by_numbers, sorted(edges)


def test_spectrum_holds_the_paths_of_all_sets(problem):
    T, p, gradient, paths = problem
    for edges in ALL_SETS:
        spectrum = crossing_spectrum(p.weights, p.trace, p.dY, edges)
        assert_close(spectrum.map(lambda g: g.sum(axis=0)), gradient, 1e-14)
        crossings = possible_crossings(paths, edges)
        assert spectrum.lead == (max(map(max, crossings.values())) + 1,)
        for name, g in spectrum.items():
            assert {k for k, part in enumerate(g) if part.any()} == crossings[name], (sorted(edges), name)


@pytest.mark.parametrize("T", [2, 3, 50, sys.maxsize])
def test_exactly_five_sets_are_right(T):
    right = {edges for edges in ALL_SETS if all(crosses_exactly_once(edges, T).values())}
    assert right == set(map(frozenset, RIGHT)) and len(right) == 5


@pytest.mark.parametrize("edges", [{"dW"}, {"dh_next"}, {"dc_next"}, {"loss", "dz", "dWy_t"}, set(EDGES)])
def test_spectrum_evaluates_to_the_scaled_gradient_at_any_s(edges):
    """With gradients that come in from behind, too."""
    p = random_problem(dtype=complex)
    dY, dh_T, dc_T = (1 + 0.5j) * p.dY, 1j * p.h0, 2 * p.c0
    spectrum = crossing_spectrum(p.weights, p.trace, dY, iter(edges), dh_T, dc_T)
    for s in (0, 1, -1.5, 0.3 + 0.8j):
        powers = s ** np.arange(spectrum.lead[0])
        evaluated = spectrum.map(lambda g: np.tensordot(powers, g, axes=1))
        assert_close(evaluated, backward(p.weights, p.trace, dY, scale_at(edges, s), dh_T, dc_T), 1e-13)


# ---- record

@pytest.mark.parametrize("edges", [EDGES, ["dh_next", "dW"], set()])
def test_record_keeps_copies_of_what_its_hook_made_and_changes_nothing(edges):
    p, calls = random_problem(), []
    halve = scale_at(["dy"], 0.5)
    seen = record(edges, lambda edge, d: calls.append((edge, halve(edge, d))) or calls[-1][1])
    assert backward(p.weights, p.trace, p.dY, seen).identical(backward(p.weights, p.trace, p.dY, halve))
    assert list(seen) == [edge for edge in EDGES if edge in edges]
    for edge in seen:
        assert [d.tobytes() for d in seen[edge]] == [d.tobytes() for name, d in calls if name == edge]
        assert not any(np.shares_memory(mine, theirs) for mine in seen[edge] for _, theirs in calls)
