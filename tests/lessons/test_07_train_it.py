"""Notebook 07: answers to its exercises, for test_exercises; its stored curves, its long run, and the benchmark."""

import json
import math
import sys
from collections import deque

import numpy as np
import pytest
from browsers import ROOT, code_of

from lstmlib import adam, adding_problem, backward, crossing_spectrum, forward, scale_at, sgd, squared_error
from lstmlib.exercises import train_it as exercises
from lstmlib.explorers import train_it as curves
from lstmlib.explorers.film import lattice


@pytest.mark.parametrize("optimiser, size_X", [("SGD", 8), ("Adam", 10)])
@pytest.mark.parametrize("name", ["{dW_t, dWy_t}", "{ }: nowhere", "{loss, dW}", "{dh_next}", "{loss, dc_next}"])
def test_stored_curves_begin_as_training_does(name, optimiser, size_X):
    losses, _ = curves.run(curves.PLACEMENTS[name], optimiser, size_X, batches=2 * curves.WINDOW)
    run = curves.stored()[f"{name} {optimiser} {size_X}"]
    assert run["died"] == (len(losses) if len(losses) < 2 * curves.WINDOW else None)
    np.testing.assert_allclose(curves.curve(losses, size_X), run["mse"][:2], rtol=0.01)


def test_a_training_step_is_the_optimisers():
    move, rate = curves.OPTIMISERS["SGD"]
    assert move is sgd and curves.OPTIMISERS["Adam"][0] is adam
    rng = np.random.default_rng(curves.SEED)
    (X, targets, mask), (next_X, next_targets, next_mask) = (adding_problem(curves.T, 8, rng) for _ in range(2))
    weights = curves.start_weights()
    trace = forward(weights, X)
    loss, dY = squared_error(trace.Y, targets, mask)
    gradient = backward(weights, trace, dY, at=scale_at({"dh_next"}, 1 / 8))
    losses, _ = curves.run({"dh_next"}, "SGD", 8, batches=2)
    moved = forward(weights - rate * gradient, next_X)
    assert losses == [loss, squared_error(moved.Y, next_targets, next_mask)[0]]


def test_data_are_complete():
    keys = {f"{name} {optimiser} {size_X}"
            for name in curves.PLACEMENTS for optimiser in ("SGD", "Adam") for size_X in (8, 10)}
    assert set(curves.stored()) == keys
    for run in curves.stored().values():
        assert len(run["mse"]) == (run["died"] or curves.BATCHES) // curves.WINDOW == len(run["distance"])


def test_data_can_be_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "BATCHES", 4)
    monkeypatch.setattr(curves, "WINDOW", 2)
    monkeypatch.setattr(curves.run, "__defaults__", (4,))
    curves.store(curves.make_data(report=lambda *_: None), tmp_path / "data.json")
    made = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert set(made) == set(curves.stored())
    assert made["{dW} SGD 8"]["distance"] == [0, 0] != made["{loss, dW} SGD 8"]["distance"]


@pytest.mark.parametrize("size_X", [8, 10])
def test_what_becomes_of_each_placement(size_X):
    for optimiser, becomes in (
            ("SGD", {"dies": {"{ }: nowhere", "{dh_above}", "{dz}", "{dh_next}", "{dc_next}"},
                     "learns next to nothing": {"{loss, dc_next}"}, "drifts behind": {"{loss, dW}"}}),
            ("Adam", {"forgiven": {"{ }: nowhere", "{loss, dW}", "{dh_above}"}, "falls far behind": {"{dc_next}"},
                      "survives": {"{dh_next}"}})):
        found = {name: curves.numbers(curves.State(name, optimiser, size_X)).verdict for name in curves.PLACEMENTS}
        rounded = {"identical up to rounding"} if size_X == 10 else set()
        assert {found[name] for name in curves.RIGHT} == {"identical"} | rounded
        for verdict, names in becomes.items():
            same = {name for name in found if found[name] == verdict}
            assert same == names if verdict in ("dies", "forgiven") else same >= names


def test_dead_runs_have_no_curve():
    numbers = curves.numbers(curves.State("{ }: nowhere", "SGD", 8))
    assert numbers.died < curves.WINDOW and all(map(math.isnan, numbers.chosen + numbers.distance))
    assert len(numbers.chosen) == len(numbers.right) == len(curves.STEPS)


def test_shares_are_those_of_the_spectrum():
    weights = curves.start_weights()
    X, targets, mask = adding_problem(curves.T, 8, np.random.default_rng(curves.SEED))
    trace = forward(weights, X)
    _, dY = squared_error(trace.Y, targets, mask)
    for name, edges in curves.PLACEMENTS.items():
        spectrum = crossing_spectrum(weights, trace, dY, edges)
        for array, values in curves.shares(name).items():
            norms = [np.linalg.norm(g_k) for g_k in getattr(spectrum, array)]
            np.testing.assert_allclose(values, norms / np.sum(norms))


def test_headline_and_words_of_every_state():
    """Every condition of the words, from the stored data and a spectrum that are read here."""
    explorer, seen = curves.training_curves(), set()
    for state in lattice("train_it"):
        explorer.set(**vars(state))
        run, right = (curves.stored()[f"{name} {state.optimiser} {state.size_X}"]
                      for name in (state.placement, "{loss}"))
        far = max(run["distance"], default=math.inf)
        ends, best = (sum(each["mse"][-4:]) / 4 if each["mse"] else math.inf for each in (run, right))
        kind = ("dies" if run["died"] else "bit for bit" if far == 0 else "up to rounding" if far < 1e-9 else
                "next to nothing" if ends > 0.03 else "falls far behind" if ends > 20 * best else
                "drifts behind" if ends > 3 * best else "is forgiven" if far < 0.01 else "survives on another way")
        assert explorer.words.headline.startswith(state.placement) and kind in explorer.words.headline
        neither = kind in ("is forgiven", "survives on another way")
        assert explorer.words.good is (None if neither else kind in ("bit for bit", "up to rounding"))
        said, right_set = explorer.words.value, state.placement in curves.RIGHT
        assert said.startswith(f"{state.optimiser}, |X| = {state.size_X}.") and "nan" not in said + explorer.panels.text
        assert ("exactly once" in said) == right_set
        one_factor = state.placement in ("{ }: nowhere", "{loss, dW}", "{dh_above}")
        assert ("one factor for all its paths" in said) == one_factor
        assert ("0.037" in said) == (kind == "next to nothing") and ("beyond all bounds" in said) == (kind == "dies")
        seen.add(kind)
    assert len(seen) == 8


def test_a_run_ends_when_its_mean_squared_error_is_beyond_the_bound(monkeypatch):
    """2 L / |X|, not L / |X|: the bound is set just below and just above that of the third batch."""
    losses, _ = curves.run(set(), "SGD", 8, batches=4)
    for share, batches in ((0.99, 3), (1.01, 4)):
        monkeypatch.setattr(curves, "DIED", share * 2 * losses[2] / 8)
        assert len(curves.run(set(), "SGD", 8, batches=9)[0]) == batches


# Answers.

sys.path.insert(0, str(ROOT / "benchmarks"))

import adding_problem as benchmark  # noqa: E402

NOTEBOOK = ROOT / "notebooks" / "07_train_it.ipynb"
FORGIVEN = {"{ }", "{loss, dW}", "{dh_above}", "{dW_t}"}


CASE = "For H = 3000, T = 100: "


def of_u(draw):
    """An answer to exercise 7.3 with u = draw(H, T, rng)."""
    def biases(H, T, rng):
        u = draw(H, T, rng)
        return np.concatenate([-np.log(u), np.log(u), np.zeros(2 * H)])
    return biases


chrono = of_u(lambda H, T, rng: rng.uniform(1, T - 1, H))

RIGHT = {
    exercises.check_forgiven: [
        ["{}", "{dW,loss}", "{dh_above}", "{dW_t}"], ("nowhere", "{loss, dW}", "{dh_above}", "{dW_t}")],
    exercises.check_rate: [8.0, np.int64(8), np.float32(8)],
    exercises.check_chrono: [lambda *sizes: list(chrono(*sizes)), lambda *sizes: chrono(*sizes).astype(object),
                             of_u(lambda H, T, rng: rng.integers(1, T, H))],
}

WRONG = {
    exercises.check_forgiven: [
        (FORGIVEN | {"{dz}"}, "{dz} divides some paths"),
        (FORGIVEN | {"{dz}", "{dc_next}"}, "{dc_next} divides some paths"),
        (FORGIVEN - {"{dh_above}", "{dW_t}"}, "Wy may have another factor"),
        (set(), "The empty set is not it. Hint: at least one more"),
        (FORGIVEN - {"{dW_t}"}, "{dh_above}, {loss, dW} is not it. Hint: at least one more"),
        (set(exercises.CANDIDATES),
         "{ }, {dW_t}, {dc_next}, {dh_above}, {dh_next}, {dz}, {loss, dW} is not it. Hint: {dc_next} divides some"),
        ({"{dz}"}, "Not yet. {dz} is not it. Hint: {dz} divides some paths to Wx more often than others: that is no "
                   "common factor.\n"),  # the answer is not told
        *((names, "Expected a set of names") for names in ({"{dy}"}, {""}, {" "}, [{"dz"}])),
        (3, f"Expected a set of names from {', '.join(exercises.CANDIDATES)}, received 3."),
    ],
    exercises.check_rate: [
        (8.0000001, "With rate 8.0000001"),
        (64, "the right placement divides by 8 as well"),
        (1 / 8, "smaller still"),
        (1.0, "8 times too small"),
        (999_999, "With rate 999999.0 a few batches do not give the weights of {loss} at rate 1.\n"),
        *((rate, f"Expected a rate above 0 and below a million, received {rate!r}.")
          for rate in (-8, 0, 1e6, float("nan"), 10 ** 400, True, "eight")),
    ],
    exercises.check_chrono: [
        (lambda *sizes: chrono(*sizes)[:10], f"{CASE}expected shape (12000,), received (10,)."),
        *((lambda H, T, rng, unit=unit: chrono(H, T, rng) + (np.arange(4 * H) == unit), "the biases of g and o")
          for unit in (6000, 9000)),  # the first of g, of o
        (lambda *sizes: -chrono(*sizes), "start closed"),
        (lambda *sizes: -chrono(*sizes) / 10, "start closed"),
        (lambda H, T, rng: np.roll(chrono(H, T, rng), H), "order is i, f, g, o"),
        (lambda H, T, rng: np.concatenate([chrono(H, T, rng)[:H], chrono(H, T, rng)[H:]]), "draw u once"),
        (lambda H, T, rng: np.zeros(4 * H), "draw one u for each unit"),
        (of_u(lambda H, T, rng: np.full(H, rng.uniform(1, T - 1))), "draw one u for each unit"),
        (of_u(lambda H, T, rng: 1 + (T - 2) * rng.uniform(size=H) ** 1.4), "u is uniform"),
        (of_u(lambda H, T, rng: np.geomspace(1, T - 1, H)), f"{CASE}the mean of exp(b_f) should be about T/2 = 50, "
                                                            "received 21.3. Hint: u is uniform, not its logarithm."),
        *((of_u(lambda H, T, rng, first=first, last=last: np.linspace(first, last, H)),
           f"{CASE}exp(b_f) should lie from 1 to T - 1 = 99, received {first} to {last}.{hint}")
          for first, last, hint in ((0.5, 99, "\n"), (1, 300, "\n"),
                                    (1, 100, " Hint: u is drawn up to T - 1, not up to T."))),
        (lambda H, T, rng: chrono(H, T, np.random), "draw with rng.uniform"),
        (lambda H, T, rng: chrono(H, T, np.random.default_rng(5)), "another seed others"),
    ],
}


def test_the_notebooks_long_run_can_be_interrupted_and_goes_on():
    """The cells themselves are run, with an interrupt in the fourth batch."""
    cells = code_of(NOTEBOOK)
    loop, bars, biases, setting, run = (next(cell for cell in cells if mark in cell) for mark in (
        "def train(", "import Progress", "def initial_weights", "T, B, limit = 100", "while len(errors) < limit"))
    space = {}
    for cell in (cells[0], loop, bars.partition("\n")[0], biases, setting):
        exec(cell, space)
    untrained = space["weights"]
    original, calls = space["backward"], []

    def interrupted_backward(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(*arguments)

    space["backward"] = interrupted_backward
    exec(run, space)
    assert space["bar"].interrupted and len(space["errors"]) == 32 and space["state"][2] == 3
    learned = space["weights"]
    assert not learned.identical(untrained)
    space.update(backward=original, limit=64)
    exec(run, space)
    assert len(space["errors"]) == 64 and space["state"][2] == 7 and not space["weights"].identical(learned)


# The benchmark.

@pytest.mark.parametrize("runs, met", [
    ([(2000, 0.039)], True), ([(1999, 0.01)], False), ([(1, 0.05), (2000, 0.01)], True),
    ([(2000, 0.01), (1, 0.04)], False), ([(1, 0.05), (1999, 0.01)], False)])
def test_the_rule_of_the_benchmark_and_of_the_notebook(runs, met):
    """The 2,000 most recent errors all below 0.04 (which makes their mean square less than 0.01)."""
    errors = [error for count, error in runs for _ in range(count)]
    assert benchmark.met_rule(deque(errors, maxlen=2000)) == met
    space = {"np": np}
    exec(next(cell for cell in code_of(NOTEBOOK) if "def met_rule" in cell).partition("errors = []")[2], space)
    assert space["met_rule"](errors) == met


@pytest.fixture
def easy(monkeypatch):
    """Rules that every run meets soon."""
    for name, value in {"LIMIT": 96, "RECENT": 16, "STRICTER": 32, "RIGHT": 9.0, "ENOUGH": 9.0}.items():
        monkeypatch.setattr(benchmark, name, value)
    monkeypatch.setattr(benchmark.errors_on_new, "__defaults__", (128, 64))


def test_a_run_is_recorded_stored_and_not_run_again(tmp_path, capsys, easy):
    arguments = ["--lengths", "100", "--seeds", "3", "1", "--output", str(tmp_path / "runs.json")]
    benchmark.main(arguments)
    runs = benchmark.load(tmp_path / "runs.json")
    assert [record["seed"] for record in runs] == [1, 3]
    for record in runs:
        assert (record["paper"]["sequences"], record["stricter"]["sequences"]) == (16, 32)
        assert record["paper"]["wrong"] == 0 < record["paper"]["largest_error"]
    assert "T = 100, seed 3" in capsys.readouterr().out
    benchmark.main(arguments)
    assert "T = 100" not in capsys.readouterr().out
    assert benchmark.load(tmp_path / "runs.json") == runs
    assert benchmark.missing([runs[0] | {"recipe": benchmark.RECIPES[100] | {"H": 4}}], [100], [1]) == [(100, 1)]


def test_a_run_that_does_not_meet_the_rule_is_stored_as_such(tmp_path, monkeypatch, easy):
    monkeypatch.setattr(benchmark, "RIGHT", 0.01)
    record = benchmark.run(100, 0, benchmark.RECIPES[100])
    assert record["paper"] == record["stricter"] == {"sequences": None, "wrong": None, "largest_error": None}
    benchmark.save(tmp_path / "runs.json", [record])
    assert benchmark.load(tmp_path / "runs.json") == [record]


def test_wrong_answers_are_counted(easy, monkeypatch):
    """On new sequences, with weights that have hardly learned."""
    monkeypatch.setattr(benchmark, "RIGHT", 0.8)
    found = benchmark.run(100, 0, benchmark.RECIPES[100] | {"rate": 1e-9})["paper"]
    weights = benchmark.initial_weights(8, 0.1, 6.0, -3.0, np.random.default_rng([0, 0]))
    errors = benchmark.errors_on_new(weights, 100, np.random.default_rng([0, 100, 1]))
    assert len(errors) == 128 and found["wrong"] == (errors >= 0.8).sum() > 0
    assert found["largest_error"] == pytest.approx(errors.max(), abs=1e-4)


def test_initial_weights_are_biased_gate_by_gate():
    weights = benchmark.initial_weights(5, 0.1, 6.0, -3.0, np.random.default_rng(0))
    for part, centre in zip(weights.b.reshape(4, 5), (-3, 6, 0, 0)):
        assert 0 < abs(part - centre).max() <= 0.1
    assert max(abs(array).max() for name, array in weights.items() if name != "b") <= 0.1


def test_stored_runs_are_those_of_the_script():
    runs = benchmark.load(ROOT / "benchmarks" / "adding_problem.json")
    assert benchmark.missing(runs, list(benchmark.RECIPES), range(5)) == []
    for record in runs:
        met = [rule for rule in ("paper", "stricter") if record[rule]["sequences"]]
        used = [benchmark.RECENT, *(record[rule]["sequences"] for rule in met), benchmark.LIMIT]
        assert used == sorted(used) and met in ([], ["paper"], ["paper", "stricter"])
        for rule in met:
            assert (record[rule]["largest_error"] >= benchmark.RIGHT) == (record[rule]["wrong"] > 0)


def test_the_goal():
    """Of ten runs seven or more meet the stricter rule, with fewer sequences than the paper's mean, no more wrong."""
    runs = benchmark.load(ROOT / "benchmarks" / "adding_problem.json")
    for T, (sequences, wrong) in {100: (74_000, 1), 500: (209_000, 0), 1000: (853_000, 1)}.items():
        ours = [record["stricter"] for record in runs if record["T"] == T]
        met = [result for result in ours if result["sequences"]]
        assert len(ours) == 10 and len(met) >= 7 and max(result["sequences"] for result in met) < sequences
        assert np.median([result["wrong"] for result in met]) <= wrong


@pytest.mark.parametrize("T", [20, 100])
def test_what_the_constant_answer_is_worth(T):
    """(7.2) against the task itself, and the constant of explorer and figures, which train at T = 20."""
    squares = []
    for seed in range(4):
        _, targets, mask = adding_problem(T, 5000, np.random.default_rng([seed, T]))
        squares.extend((targets[mask][:, 0] - 0.5) ** 2)
    exact = (1.9 - 0.9 / (T // 2 - 1)) / 48
    assert abs(np.mean(squares) - exact) < 4 * np.std(squares) / len(squares) ** 0.5
    assert T != curves.T or curves.BEST_CONSTANT == pytest.approx(exact, rel=1e-15)
