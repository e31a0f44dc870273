"""A quick slice of tools/fuzz.py, the fuzzer's own conscience, and the faults that it found once."""

import json
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from lab import ROOT

import lstmlib
from helpers import random_problem, random_weights
from lstmlib import Weights, backward, forward, init_weights
from lstmlib.exercises import base

sys.path.insert(0, str(ROOT / "tools"))
import fuzz  # noqa: E402
from fuzzing import judge, values  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
STORED = ROOT / "docs" / "trust" / "fuzzing.json"


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_a_few_cases_of_every_target(target):
    tally, words = fuzz.run(target, 2 * fuzz.TARGETS[target][1], seed=2026)
    assert not words, words
    assert set(tally) <= {"right", "loose", "raised"}


def test_every_public_name_is_a_target():
    public = {name for name, value in vars(lstmlib).items() if callable(value) and not name.startswith("_")}
    words = " ".join(fuzz.TARGETS) + " relative_error cosine"  # the measures
    assert {name for name in public if name not in words} == set()


def test_stored_summary_is_of_a_whole_run_without_failures():
    stored = json.loads(STORED.read_text())
    assert stored["cases"] >= 10_000
    assert sum(stored["outcomes"].values()) == stored["cases"]
    assert {kind: stored["outcomes"][kind] for kind in fuzz.KINDS} == dict.fromkeys(fuzz.KINDS, 0)
    assert set(stored["functions"]) == set(fuzz.TARGETS)
    assert stored["outcomes"]["loose"] < 0.1 * stored["cases"]
    assert stored["pandas"]


# ---- the fuzzer finds faults

def spoil(X):
    if isinstance(X, np.ndarray) and X.flags.writeable and X.dtype == float:
        X += 1


def sleepless():
    while True:
        pass


def fall(error):
    raise error


# What a faulty `forward` does: before the healthy one runs, with what it returns, and where it raises.
FAULTS = {
    "wrong value": ("after", lambda trace: replace(trace, Y=1.01 * trace.Y + 1)),
    "not finite": ("after", lambda trace: replace(trace, Y=np.full_like(trace.Y, np.inf))),
    "wrong dtype or shape": ("after", lambda trace: replace(trace, Y=trace.Y.astype(trace.Y.dtype.newbyteorder()))),
    "changed an argument": ("before", spoil),
    "warned": ("before", lambda X: warnings.warn("careful", stacklevel=1)),
    "did not end": ("before", lambda X: sleepless()),
    "refused what is right": ("before", lambda X: fall(ValueError("weights, X, h0, c0, Y must be others"))),
    "accepted what is wrong": ("raising", lambda: None),
    "undocumented error": ("raising", lambda: fall(IndexError("X must be something else"))),
    "argument not named": ("raising", lambda: fall(ValueError("wrong input"))),
}


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_a_planted_fault_is_found(kind, monkeypatch):
    when, does = FAULTS[kind]

    def faulty(weights, X, *states):
        if when == "before":
            does(X)
        try:
            trace = forward(weights, X, *states)
        except (TypeError, ValueError) as error:
            if when == "raising" and "overflow" not in str(error):
                return does()
            raise
        return does(trace) if when == "after" else trace

    monkeypatch.setattr(lstmlib, "forward", faulty)
    monkeypatch.setattr(judge, "SECONDS_PER_CASE", 0.02 if kind == "did not end" else 10)
    monkeypatch.setattr(fuzz, "PHASES", (fuzz.Phase.generate,))
    tally, words = fuzz.run("forward, Trace", 150, seed=3)
    assert tally[kind]
    assert words.startswith(f"{kind}: ")


# ---- what it found in lstmlib, before it was mended (messages alone stand in test_errors)

def test_masked_entries_are_not_read_as_numbers():
    masked = np.ma.array(np.ones((2, 1, 1)), mask=[[[False]], [[True]]])
    with pytest.raises(ValueError, match="X must have no masked entries, got 1 of them"):
        forward(init_weights(1, 2, 1), masked)
    assert forward(init_weights(1, 2, 1), np.ma.array(np.ones((2, 1, 1)), mask=False)).Y.shape == (2, 1, 1)


def test_what_numpy_cannot_read_is_named():
    with pytest.raises(TypeError, match=r"X must be an array, got Raises \(no array today\)"):
        forward(init_weights(1, 2, 1), values.Raises())


def test_other_byte_orders():
    weights = random_weights()
    swapped = Weights(*(array.astype(">f8") for _, array in weights.items()))
    assert swapped.identical(weights)
    assert str(swapped.dtype) == "float64"
    assert init_weights(1, 2, 3, dtype=">f8").identical(init_weights(1, 2, 3))
    C, dlogits = lstmlib.cross_entropy(np.zeros((1, 1, 2), ">f4"), np.zeros((1, 1), ">i4"))
    assert dlogits.dtype == np.float32
    p = random_problem()
    trace = forward(swapped, p.X.astype(">f8"))
    assert backward(swapped, trace, p.dY).identical(backward(weights, trace, p.dY))


def test_longdouble_weights_are_refused():
    """Their padding has no fixed bits, so `identical` could not keep its word."""
    if np.dtype(np.longdouble) == np.dtype(float):
        pytest.skip("no longdouble here")
    with pytest.raises(TypeError, match="Wx must hold floating-point numbers, got dtype"):
        random_weights(dtype=np.longdouble)
    C, dY = lstmlib.squared_error(np.full((1, 1, 1), 2, np.longdouble), [[[0]]])
    assert (type(C), C, dY.dtype) == (float, 2.0, np.longdouble)


@pytest.mark.parametrize("dtype", ["nonsense", 3, object, [("x", float)]])
def test_dtypes(dtype):
    with pytest.raises(TypeError, match="dtype must be a floating-point or complex dtype, got"):
        init_weights(1, 1, 1, dtype=dtype)


def test_a_trace_of_another_dtype_or_put_together_by_hand():
    p = random_problem()
    trace = lstmlib.step(p.weights, p.X[0], p.h0, p.c0)[3]
    for wrong, words in ((trace._replace(g=None), "eight arrays"), (type(trace)(*range(9)), "eight arrays"),
                         (type(trace)(*(array + 0j for array in trace)), "trace must have the dtype float64")):
        with pytest.raises((TypeError, ValueError), match=words):
            lstmlib.step_backward(p.weights, wrong, p.dY[0], p.h0, p.c0)


def test_a_hook_may_return_whole_numbers():
    p = random_problem()
    cut = backward(p.weights, p.trace, p.dY, lambda edge, d: np.zeros(d.shape, int) if edge == "loss" else d)
    assert cut.norm() == 0 and cut.dtype == float


def test_cosine_of_complex_gradients():
    weights = random_weights()
    assert lstmlib.cosine(1j * weights, weights) == pytest.approx(0, abs=1e-15)
    assert lstmlib.cosine(1j * weights, 1j * weights) == pytest.approx(1)


def test_optimisers_keep_the_dtype_of_the_weights_whatever_the_gradients():
    weights = random_weights(dtype=np.float32)
    for optimise in (lstmlib.sgd, lstmlib.momentum, lstmlib.adam):
        assert optimise(weights, random_weights(seed=1))[0].dtype == np.float32
        with pytest.raises(TypeError, match="gradient must be real, as the weights are"):
            optimise(weights, 1j * weights)


@pytest.mark.filterwarnings("error")
def test_answers_to_exercises_that_are_complex_or_huge():
    assert not base.same(3.5 + 1j, 3.5)
    assert base.same(3.5 + 0j, 3.5)
    assert not base.same(1e200, 3.5)
    assert not base.same(np.full(3, 1e200), np.ones(3))
