"""Hostile input: each argument of each public function, handed in turn what a student, or chance, may hand over.

A case must give the result that the same numbers give in plain dress (which tests/core judges), or raise a TypeError
or ValueError that names the argument at fault; change no argument; give no warning; and end within ten seconds.
"""

import re
import signal
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

import lstmlib
from helpers import everywhere, random_problem, random_weights
from lstmlib import EDGES, Trace, Weights, forward

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing rings after ten seconds here")

HEALTHY, SECONDS = dict(vars(lstmlib)), 10
SETTINGS = [*((dtype, (3, 2, 2, 3, 2)) for dtype in "efdFD"), ("d", (1, 1, 1, 1, 1))]  # T, B, D, H, K
PUBLIC = sorted({name for name, value in vars(lstmlib).items() if callable(value) and not name.startswith("_")}
                - {"Trace", "train", "summed"})  # which are made of the others


# ---- the same numbers in another dress, and what stands for no numbers

def spoiled(a, entry):
    a = a.copy()
    a.ravel()[-1] = entry
    return a


SAME = {
    "plain": lambda a: a, "Fortran order": np.asfortranarray, "negative strides": lambda a: a[..., ::-1],
    "zero strides, read-only": lambda a: np.broadcast_to(a[:1], a.shape), "lists": lambda a: a.tolist(),
    "nothing masked": lambda a: np.ma.array(a, mask=False), "from elsewhere": memoryview,
    "another byte order": lambda a: a.astype(a.dtype.newbyteorder()), "true and false": lambda a: a.real > 0,
    "whole numbers": lambda a: np.round(3 * a.real).astype("i8"), "tiny": lambda a: np.full_like(a, 1e-310),
    "huge": lambda a: np.full_like(a, np.finfo(a.dtype).max)}
WRONG = {
    "an axis more": lambda a: a[None, None], "a number": lambda a: 3.5, "empty": lambda a: a[:0],
    "another size": lambda a: np.concatenate([a, a[..., :1]], -1), "ragged": lambda a: [[1.0], [1.0, 2.0]],
    "NaN": lambda a: spoiled(a, np.nan), "infinite": lambda a: spoiled(a, -np.inf), "text": lambda a: "a text",
    "masked": lambda a: np.ma.array(a, mask=a == a.flat[0]), "objects": lambda a: a.astype(object)}
NO_NUMBERS = (None, "1", True, np.nan, np.inf, -np.inf, [1.0], np.ones(2), 10 ** 5000, b"1", object())
NO_COUNTS = (0, -3, 2.5, "3", True, None)
NO_WEIGHTS = (None, 3, "weights", np.ones(3), {"Wx": 1}, [1, 2])
NO_EDGES = ("dy", ("dy", "dx"), 3, None, ("DY",), (1,), [["dy"]])


def either(right, wrong):
    """For one argument: [(a right value, what it means), ...], the plain one first, and [a wrong value, ...]."""
    return [(value, value) for value in right], wrong


def array(a, dtype=None, without=()):
    """An array in every dress, but of `without`; it means one of `dtype`, else of its own."""
    def meant(value):
        plain = np.array(value)
        own = plain.dtype.newbyteorder("=") if plain.dtype.kind in "fc" else float
        return plain.astype(dtype or own)

    right, wrong = ([dress(a.copy()) for name, dress in dresses.items() if name not in without]
                    for dresses in (SAME, WRONG))
    return [(value, meant(value)) for value in right], wrong


# ---- what each function is handed

def table(dtype, *size):
    """{public function: {argument: (what is right, what is wrong)}}"""
    p = random_problem(*size, dtype=dtype)
    w, labels, mask = p.weights, p.labels, p.labels > 0
    mask[0, 0] = True
    *_, left = lstmlib.step(w, p.X[0], p.h0, p.c0)
    real, two, nan = w.map(np.real), w.map(lambda a: np.stack([a, a])), replace(w, by=w.by * np.nan)
    weights = either([w, everywhere(w, np.finfo(dtype).max)], [*NO_WEIGHTS, two, nan])
    own, gradient = either([real], NO_WEIGHTS), either([real], [*NO_WEIGHTS, two.map(np.real), nan.map(np.real)])
    dY, h, c = (array(a, dtype) for a in (p.dY, p.h0, p.c0))
    right = forward(w, p.X, p.h0, p.c0)
    Y, trace = array(p.dY, without=["another size"]), either([right], [None, p.X, replace(right, Y=right.Y[..., :0])])
    lefts = [left._replace(x=x) for x in (left.x, memoryview(left.x), left.x[1:], left.x[:, 1:])]
    masks = either([None, mask, mask.astype(float), mask.tolist()],
                   [mask[None], mask * 2.5 + 0.5, "mask", np.full(mask.shape, np.nan), mask.astype(str), mask + 0j])
    hooks = ([(None, None), (lambda edge, d: d.tolist(), None),
              (lambda edge, d: np.multiply(d, 2, out=d), lambda edge, d: 2 * d)],
             [lambda edge, d: None, lambda edge, d: d[..., :0], lambda edge, d: d.astype(str), 3])
    above_zero = either([1, 0.5, np.float32(0.25), np.int8(2), np.array(1.5), 10 ** 12], [*NO_NUMBERS, 0, -1])
    below_one, counts = either([0, 0.5, np.float32(0.25)], [*NO_NUMBERS, 1, -0.5]), either([7, np.uint8(80)], NO_COUNTS)
    edges, generators = either([EDGES[::2]], NO_EDGES), ([[np.random.default_rng(1) for _ in "ab"]], [3, np.random])
    other_dtype = "lists", "whole numbers", "true and false", "NaN", "infinite"  # a gradient may hold NaN
    return {
        "Weights": {name: array(a, dtype, other_dtype) for name, a in w.items()},
        "init_weights": {"D": counts, "H": counts, "K": counts, "seed": either([0, 2 ** 70], [-1, 1.5, "zero"]),
                         "dtype": either(["f4", float, ">f8"], ["i4", [1], p.X, "nonsense", object, [("x", float)]])},
        "forward": {"weights": weights, "X": array(p.X, dtype), "h0": h, "c0": c},
        "step": {"weights": weights, "x": array(p.X[0], dtype), "h_prev": h, "c_prev": c},
        "backward": {"weights": weights, "trace": trace, "at": hooks, "dY": array(p.dY, dtype, ["an axis more"])},
        "step_backward": {"weights": weights, "trace": either(lefts[:2], [left._replace(g=None), 3, *lefts[2:]]),
                          "dy": array(p.dY[0], dtype), "dh_next": h, "dc_next": c},
        "squared_error": {"Y": Y, "targets": array(p.targets.real), "mask": masks},
        "cross_entropy": {"logits": Y, "mask": masks, "class_weights": array(p.dY[0, 0].real), "smoothing": below_one,
                          "labels": either([labels, labels.tolist(), labels.astype("u1")], [
                              labels + w.K, labels - w.K, labels > 0, 1.0 * labels, labels[None], "labels", None])},
        "scale_at": {"edges": edges, "factor": either([0, -1, 0.5, 1j, np.array(1.5), 10 ** 12], NO_NUMBERS)},
        "record": {"edges": edges, "at": either([None, lambda edge, gradient: gradient], [3, "dz"])},
        "crosses_exactly_once": {"edges": edges, "T": either([1, 2, 10 ** 12], NO_COUNTS)},
        "crossing_spectrum": {"weights": weights, "trace": trace, "edges": edges, "dY": dY, "dh_T": h, "dc_T": c},
        "numerical_gradient": {"weights": either([random_weights(1, 1, 1)], NO_WEIGHTS),
                               "f": either([lambda w: w.b.sum() ** 2], [3, lambda w: "text", lambda w: np.nan]),
                               "method": either(["central", "complex"], ["other", 3])},
        "relative_error": {"gradient": own, "truth": own},
        "cosine": {"gradient": own, "truth": own},
        "sgd": {"weights": own, "gradient": gradient, "rate": above_zero},
        "momentum": {"weights": own, "gradient": gradient, "rate": above_zero, "beta": below_one,
                     "state": either([None], [3])},
        "adam": {"weights": own, "gradient": gradient, "rate": above_zero, "beta1": below_one, "beta2": below_one,
                 "epsilon": either([0, 1e-8, 3], [*NO_NUMBERS, -1]), "state": either([None], [3])},
        "clip_by_norm": {"gradient": either([w, two], [*NO_WEIGHTS, nan]), "limit": above_zero},
        "adding_problem": {"T": counts, "B": counts, "rng": generators},
        "reber_strings": {"n": counts, "rng": generators}}


# ---- the judge

def pieces(value):
    """The arrays and numbers in a value, one after the other; other things as they are."""
    if isinstance(value, Weights | Trace):
        value = [array for array in vars(value).values() if isinstance(array, np.ndarray)]
    if isinstance(value, dict):
        value = list(value.values())
    return [piece for one in value for piece in pieces(one)] if isinstance(value, list | tuple) else [value]


def fingerprint(values):
    return [(a.dtype, a.shape, np.asarray(a).tobytes()) if isinstance(a, np.ndarray) else [a] for a in pieces(values)]


def ring(*_):
    raise TimeoutError("lstmlib raises no such error")


def judge(name, values, meanings, fault):
    """Call with the values, and look at what comes back. Raises AssertionError(kind, words)."""
    before = fingerprint(values)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            result = getattr(lstmlib, name)(**values)
        except Exception as error:
            result = error
        signal.setitimer(signal.ITIMER_REAL, 0)
    words = f"{type(result).__name__}: {result}"
    named = list(values) if name == "Weights" else [fault, "Wx"] if fault == "gradient" else [fault]
    if isinstance(result, TimeoutError):
        raise AssertionError("did not end", f"within {SECONDS} s")
    if fingerprint(values) != before:
        raise AssertionError("changed an argument", values)
    if warned:
        raise AssertionError("warned", warned[0].message)
    if fault is None:
        if not isinstance(result, Exception):
            agree(result, HEALTHY[name](**meanings))
        elif not re.search("an overflow of|finite squares", words):
            raise AssertionError("refused what is right", words)
    elif not isinstance(result, Exception):
        raise AssertionError("accepted what is wrong", fault, values[fault], result)
    elif type(result) not in (TypeError, ValueError):
        raise AssertionError("undocumented error", words)
    elif "must" not in words or not any(re.search(rf"\b{one}\b", words) for one in named):
        raise AssertionError("argument not named", fault, values[fault], words)


@np.errstate(all="ignore")
def agree(result, truth):
    """The same pieces, of the same dtype, as near as it allows."""
    for one, true in zip(pieces(result), pieces(truth), strict=True):
        if len({(type(a), getattr(a, "dtype", None), getattr(a, "shape", None)) for a in (one, true)}) > 1:
            raise AssertionError("wrong dtype or shape", one, "for", true)
        if isinstance(true, np.ndarray | float | complex | bool):
            if np.isfinite(true).all() and not np.isfinite(one).all():
                raise AssertionError("not finite", one)
            rounding = min(1e3 * np.finfo(np.result_type(np.asarray(true), np.float16)).eps, 0.03)
            if not np.allclose(one, true, rtol=0, atol=rounding * max(1, np.abs(true).max()), equal_nan=True):
                raise AssertionError("wrong value", one, "for", true)


@pytest.mark.parametrize("name", PUBLIC)
def test_hostile_input(name):
    signal.signal(signal.SIGALRM, ring)
    for dtype, size in SETTINGS:
        asked = table(np.dtype(dtype), *size)[name]
        plain, cases = {argument: right[0] for argument, (right, _) in asked.items()}, []
        for argument, (right, wrong) in asked.items():
            cases += [(plain | {argument: one}, None) for one in right]
            cases += [(plain | {argument: (one, one)}, argument) for one in wrong]
        for case, fault in cases:
            values, meanings = ({argument: pair[k] for argument, pair in case.items()} for k in (0, 1))
            judge(name, values, meanings, fault)


# ---- the judge finds faults: what a faulty `forward` does before the healthy one, with its result, where that raises

BEFORE = {
    "changed an argument": lambda X: X.fill(0) if type(X) is np.ndarray and X.flags.writeable else None,
    "warned": lambda X: warnings.warn("careful", stacklevel=1), "did not end": lambda X: time.sleep(60),
    "refused what is right": lambda X: forward(None, X)}
AFTER = {
    "wrong value": lambda trace: replace(trace, Y=1.01 * trace.Y + 1),
    "not finite": lambda trace: replace(trace, Y=np.full_like(trace.Y, np.inf)),
    "wrong dtype or shape": lambda trace: replace(trace, Y=trace.Y.astype(trace.Y.dtype.newbyteorder()))}
INSTEAD = {
    "accepted what is wrong": None, "undocumented error": IndexError("X must be something else"),
    "argument not named": ValueError("wrong input")}


@pytest.mark.parametrize("kind", [*BEFORE, *AFTER, *INSTEAD])
def test_a_planted_fault_is_found(kind, monkeypatch):
    def faulty(weights, X, **states):
        BEFORE.get(kind, id)(X)
        try:
            trace = forward(weights, X, **states)
        except (TypeError, ValueError) as error:
            if kind not in INSTEAD or "overflow" in str(error):
                raise
            if INSTEAD[kind]:
                raise INSTEAD[kind] from None
            return None
        return AFTER.get(kind, lambda trace: trace)(trace)

    monkeypatch.setattr(lstmlib, "forward", faulty)
    monkeypatch.setitem(globals(), "SECONDS", 0.02 if kind == "did not end" else 10)
    with pytest.raises(AssertionError) as found:
        test_hostile_input("forward")
    assert found.value.args[0] == kind
