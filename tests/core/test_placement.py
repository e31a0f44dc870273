"""Where 1/|X| may stand: all 512 sets of edges, judged by numbers, by the library, and by walking every path."""

import sys
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from helpers import assert_close, distance, random_problem
from lstmlib import EDGES, backward, crosses_exactly_once, crossing_spectrum, record, scale_at
from lstmlib.placement import RIGHT, path_crossings, shares
from lstmlib.show.graph import paths_to

ALL_SETS = [frozenset(chosen) for size in range(len(EDGES) + 1) for chosen in combinations(EDGES, size)]
FIVE_RIGHT = set(map(frozenset, RIGHT))
NAMES = ("Wx", "Wh", "b", "Wy", "by")


# ---- the backward graph, written down edge by edge

@cache
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


def walk(T, place="C", crossed=(0,) * len(EDGES)):
    """Every path from `place` to a weight: (weight, how often it crosses each of the nine edges)."""
    if place in NAMES:
        yield place, crossed
        return
    for edge, next_place in graph(T)[place]:
        yield from walk(T, next_place, tuple(n + (edge == name) for n, name in zip(crossed, EDGES)))


@cache
def paths(T):
    """{weight: the distinct paths to it}, each as its nine numbers of crossings."""
    every = set(walk(T))
    return {name: np.array([crossed for weight, crossed in sorted(every) if weight == name]) for name in NAMES}


def possible_crossings(edges, T):
    """{weight: the numbers of times that its paths cross `edges`}."""
    chosen = np.array([edge in edges for edge in EDGES])
    return {name: set((crossed @ chosen).tolist()) for name, crossed in paths(T).items()}


@cache
def problem(T):
    """A problem in which no path vanishes: h0 and c0 are given. With its trace and its gradient."""
    p = random_problem(T, B=2, D=2, H=3, K=2, seed=5)
    return p, p.trace, backward(p.weights, p.trace, p.dY)


def verdicts(gradient, truth):
    """{weight: is it the truth?}; what is neither plainly right nor plainly wrong fails."""
    found = {name: distance(getattr(gradient, name), array) for name, array in truth.items()}
    assert all(far < 1e-13 or far > 1e-7 for far in found.values()), found
    return {name: far < 1e-13 for name, far in found.items()}


# ---- 512 sets

@pytest.mark.parametrize("T", [1, 2, 5])
def test_numbers_counts_and_paths_agree_on_all_sets(T):
    assert len(set(ALL_SETS)) == 512
    p, trace, gradient = problem(T)
    for edges in ALL_SETS:
        by_walking = {name: times == {1} for name, times in possible_crossings(edges, T).items()}
        by_numbers = verdicts(backward(p.weights, trace, p.dY, at=scale_at(edges, 1 / 7)), gradient / 7)
        assert crosses_exactly_once(edges, T) == by_walking == by_numbers, sorted(edges)


@pytest.mark.parametrize("T", [2, 3, 50, sys.maxsize])
def test_exactly_five_sets_are_right(T):
    assert {edges for edges in ALL_SETS if all(crosses_exactly_once(edges, T).values())} == FIVE_RIGHT


def test_one_timestep_has_more_right_sets():
    """Without recurrent edges, one division before the weights or one on each branch: (3 + 3) * 4 sets."""
    right = {edges for edges in ALL_SETS if all(crosses_exactly_once(edges, 1).values())}
    assert {edges - {"dh_next", "dc_next"} for edges in right} == FIVE_RIGHT | {frozenset({"dz", "dWy_t"})}
    assert len(right) == 24


@pytest.mark.parametrize("dtype", [np.float16, np.float32, float])
@pytest.mark.parametrize("X", [2, 8, 64])
def test_right_sets_agree_bit_for_bit_when_X_is_a_power_of_two(X, dtype):
    p = random_problem(T=3, B=2, D=2, H=3, K=2, dtype=dtype)
    dY = 1024 * p.dY  # large enough that no float16 becomes subnormal, small enough that none overflows
    at_the_end = backward(p.weights, p.trace, dY) / X
    for edges in FIVE_RIGHT:
        assert backward(p.weights, p.trace, dY, at=scale_at(edges, 1 / X)).identical(at_the_end), sorted(edges)


@pytest.mark.parametrize("X", [3, 7, 10, 100, 12345])
def test_right_sets_agree_to_rounding_for_any_X(X):
    p = random_problem(T=6, B=4, D=3, H=5, K=2)
    gradient = backward(p.weights, p.trace, p.dY)
    for edges in FIVE_RIGHT:
        assert_close(backward(p.weights, p.trace, p.dY, at=scale_at(edges, 1 / X)), gradient / X, 1e-15)


# ---- the spectrum

@pytest.mark.parametrize("T", [1, 2, 5])
def test_spectrum_holds_the_paths_of_all_sets(T):
    p, trace, gradient = problem(T)
    for edges in ALL_SETS:
        spectrum = crossing_spectrum(p.weights, trace, p.dY, edges)
        crossings = possible_crossings(edges, T)
        assert spectrum.lead == (max(map(max, crossings.values())) + 1,)
        assert_close(spectrum.map(lambda g: g.sum(axis=0)), gradient, 1e-14)
        for name, g in spectrum.items():
            filled = {k for k, part in enumerate(g) if np.linalg.norm(part) > 0}
            assert filled == crossings[name], (sorted(edges), name)


@pytest.mark.parametrize("s", [0, 1, 1 / 7, -1.5, 0.3 + 0.8j])
@pytest.mark.parametrize("edges", [
    set(), {"dW"}, {"dh_next"}, {"dc_next"}, {"dz"}, {"dh_above"}, {"loss", "dz", "dWy_t"}, set(EDGES),
], ids=lambda edges: "+".join(sorted(edges)) or "none")
def test_spectrum_evaluates_to_the_scaled_gradient_at_any_s(edges, s):
    """With gradients that come in from behind, too."""
    p = random_problem(dtype=complex)
    dY, dh_T, dc_T = (1 + 0.5j) * p.dY, 1j * p.h0, 2 * p.c0
    spectrum = crossing_spectrum(p.weights, p.trace, dY, edges, dh_T, dc_T)
    powers = s ** np.arange(spectrum.lead[0])
    evaluated = spectrum.map(lambda g: np.tensordot(powers, g, axes=1))
    assert_close(evaluated, backward(p.weights, p.trace, dY, scale_at(edges, s), dh_T, dc_T), 1e-13)


def test_spectrum_of_a_long_sequence_in_its_own_dtype():
    p = random_problem(T=300, B=1, D=1, H=2, K=1, dtype=np.float32)
    spectrum = crossing_spectrum(p.weights, p.trace, p.dY, ["dz"])
    assert (spectrum.lead, spectrum.dtype) == ((301,), np.float32)
    assert_close(spectrum.map(lambda array: array.sum(0)), backward(p.weights, p.trace, p.dY), 1e-5)


# ---- record

@pytest.mark.parametrize("edges", [EDGES, ["dh_next", "dW"], set()])
def test_record_keeps_what_crosses_and_changes_nothing(edges):
    p, seen, calls = random_problem(), record(edges, lambda edge, d: calls.append((edge, d)) or d), []
    assert backward(p.weights, p.trace, p.dY, at=seen).identical(backward(p.weights, p.trace, p.dY))
    assert list(seen) == [edge for edge in EDGES if edge in edges]
    for edge in seen:
        there = [d for name, d in calls if name == edge]
        assert [d.tobytes() for d in seen[edge]] == [d.tobytes() for d in there]
        assert not any(np.shares_memory(mine, theirs) for mine in seen[edge] for _, theirs in calls)


def test_record_keeps_what_has_been_scaled():
    p, seen, before = random_problem(), record(["dy"], scale_at(["dy"], 0.5)), record(["loss", "dy"])
    scaled = backward(p.weights, p.trace, p.dY, at=seen)
    assert scaled.identical(backward(p.weights, p.trace, p.dY, at=scale_at(["dy"], 0.5)))
    backward(p.weights, p.trace, p.dY, at=before)
    assert np.array_equal(seen["dy"][0], p.dY / 2) and np.array_equal(before["dy"][0], before["loss"][0])


def test_shares_are_parts_of_the_whole():
    one, other = np.array([3.0, 0, 0]), np.array([[4.0], [0], [2j]])
    assert shares(one, other).tolist() == [5 / 7, 0, 2 / 7]
    assert shares(one).tolist() == [1, 0, 0]
    assert shares(np.array([[3.0, 0], [0, 0]]), np.array([[4.0], [15]])).tolist() == [0.25, 0.75]


def test_edges_may_be_any_collection():
    for edges in (["dW"], ("dW",), {"dW"}, {"dW": 1}, iter(["dW"]), ["dW", "dW"]):
        assert all(crosses_exactly_once(edges, 3).values())
    p, trace, gradient = problem(2)
    assert crossing_spectrum(p.weights, trace, p.dY, iter(["dW"])).map(lambda g: g[1]).identical(gradient)


def test_edges_are_named_in_the_order_of_the_design():
    assert EDGES == ("loss", "dy", "dh_above", "dz", "dh_next", "dc_next", "dWy_t", "dW_t", "dW")


@pytest.mark.parametrize("T", range(1, 5))
def test_paths_cross_as_often_as_is_counted_without_them(T):
    for weight, number in (("Wx", 2 ** (T + 1) - T - 2), ("b", 2 ** (T + 1) - T - 2), ("Wy", T)):
        paths = paths_to(weight, T)
        assert len(set(paths)) == len(paths) == number
        assert list(map(len, paths)) == sorted(map(len, paths))
        assert all(path[0][0] == "loss" and path[-1] == ("dW", None) for path in paths)
        for edges in ALL_SETS:
            counts = {sum(edge in edges for edge, _ in path) for path in paths}
            assert sum(1 << k for k in counts) == path_crossings(edges, T)[weight]
