"""The numbers behind the explorer of notebook 7, its stored curves, and the progress bar."""

import json
import math

import numpy as np
import pytest

from lstmlib import adam, adding_problem, backward, crossing_spectrum, forward, scale_at, sgd, squared_error
from lstmlib.explorers import training_curves as curves
from lstmlib.progress import Progress


@pytest.mark.parametrize("optimiser", ["SGD", "Adam"])
@pytest.mark.parametrize("size_X", [8, 10])
@pytest.mark.parametrize("name", ["{dW_t, dWy_t}", "{ }: nowhere", "{loss, dW}", "{dh_next}", "{loss, dc_next}"])
def test_stored_curves_begin_as_training_does(name, optimiser, size_X):
    losses, _ = curves.train(curves.PLACEMENTS[name], optimiser, size_X, batches=2 * curves.WINDOW)
    run = curves.stored()[f"{name} {optimiser} {size_X}"]
    assert run["died"] == (len(losses) if len(losses) < 2 * curves.WINDOW else None)
    np.testing.assert_allclose(curves.curve(losses, size_X), run["mse"][:2], rtol=0.01)


def test_a_training_step_is_the_optimisers():
    move, rate = curves.OPTIMISERS["SGD"]
    assert move is sgd and curves.OPTIMISERS["Adam"][0] is adam
    X, targets, mask = adding_problem(curves.T, 8, np.random.default_rng(curves.SEED))
    weights = curves.start_weights()
    trace = forward(weights, X)
    loss, dY = squared_error(trace.Y, targets, mask)
    gradient = backward(weights, trace, dY, at=scale_at({"dh_next"}, 1 / 8))
    losses, _ = curves.train({"dh_next"}, "SGD", 8, batches=2)
    assert losses[0] == loss
    X, targets, mask = (part for part in second_batch())
    assert losses[1] == squared_error(forward(weights - rate * gradient, X).Y, targets, mask)[0]


def second_batch():
    rng = np.random.default_rng(curves.SEED)
    adding_problem(curves.T, 8, rng)
    return adding_problem(curves.T, 8, rng)


def test_data_are_complete():
    keys = {f"{name} {optimiser} {size_X}"
            for name in curves.PLACEMENTS for optimiser in ("SGD", "Adam") for size_X in (8, 10)}
    assert set(curves.stored()) == keys
    for run in curves.stored().values():
        assert len(run["mse"]) == (run["died"] or curves.BATCHES) // curves.WINDOW == len(run["distance"])


def test_data_can_be_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "BATCHES", 4)
    monkeypatch.setattr(curves, "WINDOW", 2)
    monkeypatch.setattr(curves.train, "__defaults__", (4,))
    curves.store(curves.make_data(report=lambda *_: None), tmp_path / "data.json")
    made = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert set(made) == set(curves.stored())
    assert made["{dW} SGD 8"]["distance"] == [0, 0] != made["{loss, dW} SGD 8"]["distance"]


def verdicts(optimiser, size_X):
    return {name: curves.numbers(curves.Run(name, optimiser, size_X)).verdict for name in curves.PLACEMENTS}


def test_right_placements_train_alike():
    for optimiser in ("SGD", "Adam"):
        assert {verdicts(optimiser, 8)[name] for name in curves.RIGHT} == {"identical"}
        assert {verdicts(optimiser, 10)[name] for name in curves.RIGHT} == {"identical", "identical up to rounding"}


@pytest.mark.parametrize("size_X", [8, 10])
def test_wrong_placements(size_X):
    died = {"{ }: nowhere", "{dh_above}", "{dz}", "{dh_next}", "{dc_next}"}
    assert {name for name, verdict in verdicts("SGD", size_X).items() if verdict == "dies"} == died
    assert verdicts("SGD", size_X)["{loss, dc_next}"] == "learns next to nothing"
    forgiven = {"{ }: nowhere", "{loss, dW}", "{dh_above}"}
    assert {name for name, verdict in verdicts("Adam", size_X).items() if verdict == "forgiven"} == forgiven
    assert verdicts("Adam", size_X)["{dc_next}"] == "falls far behind"
    assert verdicts("SGD", size_X)["{loss, dW}"] == "drifts behind"
    assert verdicts("Adam", size_X)["{dh_next}"] == "survives"


def test_dead_runs_have_no_curve():
    numbers = curves.numbers(curves.Run("{ }: nowhere", "SGD", 8))
    assert numbers.died < curves.WINDOW and all(map(math.isnan, numbers.chosen + numbers.distance))
    assert len(numbers.chosen) == len(numbers.right) == len(curves.STEPS)


@pytest.mark.parametrize("name", curves.PLACEMENTS)
def test_shares_are_those_of_the_spectrum(name):
    weights = curves.start_weights()
    X, targets, mask = adding_problem(curves.T, 8, np.random.default_rng(curves.SEED))
    trace = forward(weights, X)
    _, dY = squared_error(trace.Y, targets, mask)
    spectrum = crossing_spectrum(weights, trace, dY, curves.PLACEMENTS[name])
    for array, values in curves.shares(name).items():
        norms = [np.linalg.norm(g_k) for g_k in getattr(spectrum, array)]
        np.testing.assert_allclose(values, norms / np.sum(norms))


def test_words_and_picture_of_every_state():
    explorer = curves.training_curves()
    for name in curves.PLACEMENTS:
        for optimiser in ("SGD", "Adam"):
            for size_X in (8, 10):
                explorer.set(placement=name, optimiser=optimiser, size_X=size_X)
                assert explorer.error is None and "nan" not in explorer.picture.value + explorer.words.value
                assert f"{optimiser} and |X| = {size_X}" in explorer.words.value
    explorer.choose("Nowhere, SGD")
    assert "died at batch" in explorer.picture.value and "are divided never" in explorer.words.value
    explorer.choose("Reset")
    assert "bit for bit" in explorer.words.value and "exactly once" in explorer.words.value


def test_an_unknown_placement_is_shown_and_raised():
    explorer = curves.training_curves()
    with pytest.raises(ValueError, match="no control named"):
        explorer.set(rate=1)
    with pytest.raises(Exception, match="Invalid selection"):
        explorer.set(placement="{dV}")


# The progress bar.

def test_interrupting_keeps_what_was_learned():
    learned = []
    with Progress("counting", 10) as bar:
        for n in range(10):
            if n == 4:
                raise KeyboardInterrupt
            learned.append(n)
            bar.to(n + 1)
    assert learned == [0, 1, 2, 3] and bar.interrupted
    assert bar.bar.value == 4 and "interrupted" in bar.text.value and bar.bar.bar_style == "warning"


def test_a_whole_run_is_done():
    with Progress("counting", 3) as bar:
        for n in range(3):
            bar.to(n + 1)
    assert bar.text.value == "3 of 3, done" and bar.bar.value == 3 and not bar.interrupted


def test_other_exceptions_pass():
    with pytest.raises(ZeroDivisionError):
        with Progress("dividing", 3):
            raise ZeroDivisionError


def test_the_bar_has_a_label_and_a_stable_text():
    bar = Progress("training <1>", 3)
    assert bar.bar.description == "training <1>" and repr(bar) == "Progress('training <1>', 3)"
    data, _ = bar._repr_mimebundle_()
    assert data["text/html"] == "<p>(progress bar: training &lt;1&gt;)</p>"
    with pytest.raises(ValueError, match="total must be at least 1, got 0"):
        Progress("nothing", 0)
