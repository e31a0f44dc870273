"""The harness for mutation testing: what it changes, what it calls killed, and what is stored of it."""

import ast
import json
import os

import numpy as np
import pytest

from helpers import random_problem
from lstmlib import cell, step, step_backward

mutate = pytest.importorskip("tools.mutate", reason="no fork on this system", exc_type=ImportError)


def changes(code):
    """The changes that the harness makes in a piece of code."""
    return [mutant.change for mutant in mutate.inside(ast.parse(code), "cell", code.splitlines())]


@pytest.mark.parametrize("code, change", [
    ("t > 0", "t > 0  ->  t >= 0"),
    ("t > 0", "t > 0  ->  t <= 0"),
    ("a + b", "a + b  ->  a - b"),
    ("a + b", "a + b  ->  a"),
    ("a * b", "a * b  ->  b"),
    ("a @ b", "a @ b  ->  b @ a"),
    ("a and b", "a and b  ->  a or b"),
    ("a and b", "a and b  ->  b"),
    ("not a", "not a  ->  a"),
    ("h[1:]", "1:  ->  :"),
    ("h[1:]", "1  ->  2"),
    ("x = 0.5", "0.5  ->  1.0"),
    ("f(a, b)", "f(a, b)  ->  f(b, a)"),
    ("f(a, k=1)", "f(a, k=1)  ->  f(a)"),
    ("f(a)", "f(a)  ->  a"),
    ("f(a)", "f(a)  ->  (removed)"),
    ("W.T", "W.T  ->  W"),
    ("cross('dW', g)", "'dW'  ->  'W'"),
    ("b[1] = 1", "b[1] = 1  ->  (removed)"),
    ("a += b", "a += b  ->  a = b"),
    ("def f(a=1): return a", "1  ->  0"),
    ("def f(a): return a", "return a  ->  return None"),
    ("@cached\ndef f():\n    pass", "@cached  ->  def f():"),
    ("if a: b()", "if a:  ->  if False:"),
    ("x = a if b else c", "a if b else c  ->  c"),
    ("[a for a in b if c]", "[a for a in b if c]  ->  [a for a in b]"),
])
def test_what_is_changed(code, change):
    assert change in changes(code)


@pytest.mark.parametrize("code, start", [
    ("x = 'a message of several words'", "'a"),
    ("raise ValueError('name')", "'name'"),
    ("f'{a}: b'", "': b'"),
    ("x: int", "int"),
    ("def f():\n    'What it does.'", "'What"),
])
def test_what_is_left_alone(code, start):
    assert not [change for change in changes(code) if change.startswith(start)]


def test_mutants_are_the_same_every_time_and_leave_the_tree_as_it_was():
    tree, mutants = mutate.mutants_of("cell")
    before = ast.dump(tree)
    assert len({mutant.code() for mutant in mutants[:20]}) == 20
    assert ast.dump(tree) == before
    assert [m.change for m in mutate.mutants_of.__wrapped__("cell")[1]] == [m.change for m in mutants]


def test_functions_in_memory_become_those_of_the_mutant():
    p = random_problem()
    trace = step(p.weights, p.X[0], p.h0, p.c0)[3]

    def dc_prev():
        return step_backward(p.weights, trace, p.dY[0], p.h0, p.c0)[2]

    right, mutants = dc_prev(), mutate.mutants_of("cell")[1]
    wrong = next(m for m in mutants if m.function == "step_backward" and m.change == "dc * f  ->  dc / f")

    def work():
        mutate.Functions().become(mutate.new_functions(wrong))
        return np.allclose(dc_prev() * trace.f ** 2, right) and not np.allclose(dc_prev(), right)

    _, status = os.waitpid(mutate.in_a_process(work), 0)
    assert status == 0
    assert np.array_equal(dc_prev(), right)  # the mutant lived in its own process


def test_what_runs_on_import_needs_a_fresh_import():
    mutants = mutate.mutants_of("placement")[1]
    a_name = next(m for m in mutants if m.change == "'dWy_t'  ->  'dWy_'" and not m.function)
    inside = next(m for m in mutants if m.function == "path_crossings")
    assert mutate.new_functions(a_name) is None
    assert mutate.new_functions(inside) is not None


def test_outcomes(monkeypatch):
    monkeypatch.setattr(mutate, "SECONDS", 1)
    watched = {"lines": {}, "seconds": {}}
    numbered = list(enumerate(mutate.mutants_of("cell")[1][:4]))

    def survives(mutant, tests, watched):
        assert mutant is not numbered[3][1]
        if mutant is numbered[2][1]:
            while True:
                pass
        return mutant is numbered[0][1]

    found = mutate.outcomes(numbered, mutate.tests_of, watched, 2, survives)
    assert found == {0: "survived", 1: "killed", 2: "timeout", 3: "killed"}


def test_tests_of_a_line():
    one, other, idle = "tests/test_a.py::one", "tests/test_b.py::other", "tests/test_b.py::idle"
    lines = {"lstmlib/cell.py": {"1": [], **{str(n): [one] for n in range(2, 50)}, "50": [one, other]}}
    watched = {"lines": lines, "seconds": {one: 0.1, other: 0.2, idle: 0.1, "tests/test_c.py::none": 0.1}}
    mutant = mutate.mutants_of("cell")[1][-1]
    assert mutate.tests_of(mutant._replace(lines=range(30, 51)), watched) == {one, other}
    assert mutate.tests_of(mutant._replace(lines=range(10, 11)), watched) == {one}
    assert mutate.tests_of(mutant._replace(lines=range(1, 2)), watched) == set()  # on import alone
    assert mutate.tests_near(mutant, watched) == {one, other, idle}


def test_stored_results_add_up_and_explain_every_survivor():
    results = json.loads(mutate.RESULTS.read_text(encoding="utf-8"))
    for module, found in results["modules"].items():
        survivors = [survivor for survivor in results["survivors"] if survivor["module"] == module]
        assert found["mutants"] == sum(found[outcome] for outcome in ("killed", "timeout", "equivalent", "survived"))
        assert len(survivors) == found["equivalent"] + found["survived"]
        assert sum("because" in survivor for survivor in survivors) == found["equivalent"]
    assert set(results["modules"]) >= set(mutate.CORE)
    in_backward = [survivor for survivor in results["survivors"]
                   if survivor["function"].partition(".")[0] in mutate.BACKWARD.get(survivor["module"], ())]
    assert all("because" in survivor for survivor in in_backward)


def test_cell_is_the_module_that_the_harness_reads():
    assert mutate.path_of("cell").samefile(cell.__file__)
