"""Hostile input: every public function, called with what a student, or chance, may hand it.

Each case must give the right result, or raise a TypeError or ValueError that names an argument at fault; change no
argument; give no warning; and end within ten seconds. Right is what a second LSTM says, which shares nothing with the
first; and of the other functions what they say of the same numbers in plain dress, which tests/core judges. At sizes
where rounding or overflow decide, only dtype and shape are judged.
`HOSTILE_ROUNDS=500 pytest tests/test_hostile.py` tries more than the usual six rounds of each function.
"""

import os
import re
import signal
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from inspect import Parameter, signature
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import lstmlib
from helpers import random_problem, random_weights, textbook, textbook_backward, wide
from lstmlib import EDGES, Trace, Weights, forward

ROUNDS, SECONDS = int(os.environ.get("HOSTILE_ROUNDS", 6)), 10
AT_FAULT = object()


class Given(NamedTuple):
    """What is handed over, and the plain array or number that it stands for: AT_FAULT where it stands for none."""

    value: Any
    meaning: Any


class Failure(AssertionError):
    """What lstmlib did wrong: its kind, and the words."""

    def __init__(self, kind, words=""):
        super().__init__(f"{kind}: {words}")
        self.kind = kind


# ---- the same numbers in another dress, and what stands for no numbers

class Foreign:
    """An array from elsewhere, with a mask of its own meaning."""

    _mask = np.array([True])

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return self.a


class Raises:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array today")


def read_only(a):
    a.flags.writeable = False
    return a


def spoiled(a, entry):
    a = a.copy()
    a.ravel()[-1] = entry
    return a


SAME = {
    "plain": lambda a: a, "read-only": read_only, "Fortran order": np.asfortranarray,
    "negative strides": lambda a: a[..., ::-1].copy()[..., ::-1], "lists": lambda a: a.tolist(),
    "zero strides": lambda a: np.broadcast_to(a[:1], a.shape), "nothing masked": lambda a: np.ma.array(a, mask=False),
    "another byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "whole numbers": lambda a: np.clip(np.round(a.real), -100, 100).astype("i8"),
    "true and false": lambda a: a.real > 0, "foreign": Foreign,
}
WRONG = {
    "an axis more": lambda a: a[None, None], "a number": lambda a: 3.5, "empty": lambda a: a[:0],
    "another size": lambda a: np.concatenate([a, a[..., :1]], -1),
    "NaN": lambda a: spoiled(a, np.nan), "infinite": lambda a: spoiled(a, -np.inf), "text": lambda a: "a text",
    "masked": lambda a: np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) == 0), "raises": lambda a: Raises(),
    "objects": lambda a: a.astype(object), "ragged": lambda a: [[1.0], [1.0, 2.0]],
    "dates": lambda a: np.zeros(a.shape, "M8[s]"),
}
ODD = (0.0, -0.0, 65504.0, 1e-45, 5e-324, 3e38, 1.7e308, 1e-200, 1e200, 1e-8)
NO_NUMBERS = (None, "1", True, np.nan, np.inf, -np.inf, [1.0], np.ones(2), 10 ** 5000, b"1", object())
NO_COUNTS = (0, -3, 2.5, "3", True, None)
NO_WEIGHTS = (None, 3, "weights", np.ones(3), {"Wx": 1}, [1, 2])
NO_EDGES = ("dy", ("dy", "dx"), 3, None, ("DY",), (1,), [["dy"]])


def either(right, wrong):
    """Two strategies: for what is right, which means itself, and for what is at fault."""
    right, wrong = (values if isinstance(values, st.SearchStrategy) else st.sampled_from(values)
                    for values in (right, wrong))
    return right.map(lambda value: Given(value, value)), wrong.map(lambda value: Given(value, AT_FAULT))


@st.composite
def dressed(draw, dresses, shape, dtype, scale, without, own_dtype):
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    a = rng.normal(size=shape) * scale + (1j * rng.normal(size=shape) * scale if np.dtype(dtype).kind == "c" else 0)
    if scale > 1e30 or scale < 1e-30:
        a.ravel()[0] = draw(st.sampled_from(ODD))
    with np.errstate(over="ignore"):
        a = np.nan_to_num(a.astype(dtype))
    value = dresses[draw(st.sampled_from([name for name in dresses if name not in without]))](a)
    if dresses is WRONG:
        return Given(value, AT_FAULT)
    meaning = np.array(value)
    if not own_dtype:
        return Given(value, meaning.astype(dtype))
    return Given(value, meaning.astype(meaning.dtype.newbyteorder("=") if meaning.dtype.kind in "fc" else float))


def arrays(shape, dtype=float, scale=0.5, without=(), own_dtype=False):
    """An array in a dress of SAME, and in one of WRONG, but of `without`; it means one of `dtype`, or of its own."""
    return tuple(dressed(dresses, shape, dtype, scale, without, own_dtype) for dresses in (SAME, WRONG))


def some_weights(s, scale=1.0, leads=False):
    """A Weights; and none, or one that holds NaN, or has axes in front (which are right where it `leads`)."""
    def of_seed(n):
        with np.errstate(over="ignore"):
            return random_weights(s.D, s.H, s.K, n).map(lambda a: np.nan_to_num((a * scale).astype(s.dtype)))

    good = st.integers(0, 99).map(of_seed)
    two = good.map(lambda weights: weights.map(lambda a: np.stack([a, a])))
    wrong = st.sampled_from(NO_WEIGHTS) | good.map(lambda weights: weights.map(lambda a: spoiled(a, np.nan)))
    return either(good | two, wrong) if leads else either(good, wrong | two)


@st.composite
def surroundings(draw):
    """Sizes, dtype and scale. Off the scale of 0.5, numbers overflow or vanish, and are not judged."""
    D, H, K, T, B = (draw(st.integers(1, 3)) for _ in range(5))
    dtype = np.dtype(draw(st.sampled_from("ddddffeDF")))
    scale = draw(st.sampled_from([0.5] * 8 + [1e3, 1e-310, 1e150, 1e300]))
    return SimpleNamespace(D=D, H=H, K=K, T=T, B=B, dtype=dtype, scale=scale, judged=scale == 0.5)


# ---- what each function is handed

HOOKS = (st.sampled_from([
    Given(None, lambda edge, d: d), Given(lambda edge, d: d.tolist(), lambda edge, d: d),
    Given(lambda edge, d: np.multiply(d, 2, out=d), lambda edge, d: 2 * d),
    Given(lstmlib.scale_at(("dz", "dWy_t"), 0.5), lambda edge, d: d / 2 if edge in ("dz", "dWy_t") else d)]),
    st.sampled_from([Given(wrong, AT_FAULT) for wrong in (lambda edge, d: None, lambda edge, d: d[..., :0],
                                                          lambda edge, d: "text", 3)]))

above_zero = either([1, 0.5, np.float32(0.25), np.int8(2), np.array(1.5), 10 ** 12], (*NO_NUMBERS, 0, -1))
below_one = either([0, 0.5, np.float32(0.25)], (*NO_NUMBERS, 1, -0.5))
counts = either([7, np.int64(8)], NO_COUNTS)
edges = either(st.sets(st.sampled_from(EDGES)), NO_EDGES)
generators = (st.builds(lambda: Given(np.random.default_rng(1), np.random.default_rng(1))),
              st.sampled_from([Given(wrong, AT_FAULT) for wrong in (3, None, np.random)]))


def table(s):
    """{public function: {argument: (what is right, what is at fault)}}"""
    p = random_problem(s.T, s.B, s.D, s.H, s.K, dtype=s.dtype)
    trace, (*_, left) = forward(p.weights, p.X, p.h0, p.c0), lstmlib.step(p.weights, p.X[0], p.h0, p.c0)
    labels, mask = p.labels, p.labels > 0
    mask[0, 0] = True
    real = SimpleNamespace(**vars(s) | {"dtype": np.dtype(s.dtype.char.lower())})
    own = either([random_weights(s.D, s.H, s.K, dtype=real.dtype)], NO_WEIGHTS)
    masks = either([None, mask, mask.astype(float), mask.tolist()],
                   [mask[None], mask * 2.5 + 0.5, "mask", np.full(mask.shape, np.nan), mask.astype(str)])

    def array(*shape, scale=s.scale, **others):
        return arrays(shape, s.dtype, scale, **others)

    Y = array(s.T, s.B, s.K, without=["another size"], own_dtype=True)
    state = array(s.B, s.H, scale=min(s.scale, 1e3))
    without = "lists", "whole numbers", "true and false", "NaN", "infinite"  # of another dtype; a gradient may hold NaN
    return {
        "Weights": {name: array(*a.shape, without=without) for name, a in p.weights.items()},
        "init_weights": {"D": counts, "H": counts, "K": counts, "seed": either([0, 2 ** 70], [-1, 1.5, "zero"]),
                         "dtype": either(["f4", float, ">f8"], ["i4", [1], "nonsense", object, [("x", float)]])},
        "forward": {"weights": some_weights(s, s.scale), "X": array(s.T, s.B, s.D), "h0": state, "c0": state},
        "step": {"weights": some_weights(s, s.scale), "x": array(s.B, s.D), "h_prev": state, "c_prev": state},
        "backward": {"weights": some_weights(s), "trace": either([trace], [None, p.X]), "at": HOOKS,
                     "dY": array(s.T, s.B, s.K, without=["an axis more"])},
        "step_backward": {"weights": some_weights(s), "trace": either([left], [left._replace(g=None), 3]),
                          "dy": array(s.B, s.K), "dh_next": array(s.B, s.H), "dc_next": array(s.B, s.H)},
        "squared_error": {"Y": Y, "targets": arrays((s.T, s.B, s.K)), "mask": masks},
        "cross_entropy": {"logits": Y, "mask": masks, "class_weights": arrays((s.K,)), "smoothing": below_one,
                          "labels": either([labels, labels.tolist(), labels.astype("u1")], [
                              labels + s.K, labels - s.K, labels.astype(float), labels[None], "labels", None])},
        "scale_at": {"edges": edges, "factor": either([0, -1, 0.5, 1j, np.array(1.5), 10 ** 12], NO_NUMBERS)},
        "record": {"edges": edges, "at": either([None, lambda edge, gradient: gradient], [3, "dz"])},
        "crosses_exactly_once": {"edges": edges, "T": either([1, 2, 10 ** 12], NO_COUNTS)},
        "crossing_spectrum": {"weights": some_weights(s), "trace": either([trace], [None, p.X]), "edges": edges,
                              "dY": array(s.T, s.B, s.K), "dh_T": state, "dc_T": state},
        "numerical_gradient": {"weights": either([random_weights(1, 1, 1)], NO_WEIGHTS),
                               "f": either([lambda w: w.b.sum() ** 2], [3, lambda w: "text", lambda w: np.nan]),
                               "method": either(["central", "complex"], ["other", 3])},
        "relative_error": {"gradient": own, "truth": own},
        "cosine": {"gradient": own, "truth": own},
        "sgd": {"weights": own, "gradient": some_weights(real), "rate": above_zero},
        "momentum": {"weights": own, "gradient": some_weights(real), "rate": above_zero, "beta": below_one,
                     "state": either([None], [3])},
        "adam": {"weights": own, "gradient": some_weights(real), "rate": above_zero, "beta1": below_one,
                 "beta2": below_one, "epsilon": either([0, 1e-8, 3], (*NO_NUMBERS, -1)), "state": either([None], [3])},
        "clip_by_norm": {"gradient": some_weights(s, leads=True), "limit": above_zero},
        "adding_problem": {"T": counts, "B": counts, "rng": generators},
        "reber_strings": {"n": counts, "rng": generators},
    }


# ---- what the second LSTM says, as the arrays of a result in turn

def forward_says(weights, X, h0=None, c0=None):
    h0, c0 = (np.zeros((X.shape[1], weights.H)) if state is None else state for state in (h0, c0))
    Y, trail = textbook(wide(weights), X, h0, c0)
    *_, i, f, g, o, c, h = map(np.array, zip(*trail))
    return X, Y, np.stack([i, f, g, o], axis=2), np.concatenate([h0[None], h]), np.concatenate([c0[None], c])


def step_says(weights, x, h_prev, c_prev):
    (y,), (left,) = textbook(wide(weights), x[None], h_prev, c_prev)
    return y, left[-1], left[-2], *left


def backward_says(weights, trace, dY, at=lambda edge, d: d):
    trail = zip(*wide(getattr(trace, field) for field in ("X", "h_prev", "c_prev", *"ifgoch")))
    return textbook_backward(wide(weights), list(trail), *wide([dY]), at)[0]


def step_backward_says(weights, trace, dy, dh_next, dc_next):
    five, *states = textbook_backward(wide(weights), [wide(trace)], dy[None], dh_next=dh_next, dc_next=dc_next)
    return *five, *states


SAYS = {"forward": forward_says, "step": step_says, "backward": backward_says, "step_backward": step_backward_says}


# ---- the judge

@contextmanager
def time_limit(seconds):
    def ring(*_):
        raise TimeoutError("lstmlib raises no such error")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pieces(value):
    """The arrays and numbers in a value, one after the other; other things as they are."""
    if isinstance(value, Weights | Trace):
        value = [array for array in vars(value).values() if isinstance(array, np.ndarray)]
    if isinstance(value, dict):
        value = list(value.values())
    return [piece for one in value for piece in pieces(one)] if isinstance(value, list | tuple) else [value]


def fingerprint(values):
    return [(a.dtype, a.shape, np.asarray(a).tobytes()) if isinstance(a, np.ndarray) else [a] for a in pieces(values)]


def judge(name, handed, faulty, s):
    """Call with the values, and look at what comes back where nothing is at fault. Raises Failure."""
    values = {argument: one.value for argument, one in handed.items()}
    before, result, error = fingerprint(values), None, None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with time_limit(SECONDS):
                result = getattr(lstmlib, name)(**values)
        except TimeoutError:
            raise Failure("did not end", f"within {SECONDS} s") from None
        except Exception as caught:
            error = caught
    if fingerprint(values) != before:
        raise Failure("changed an argument", values)
    if warned:
        raise Failure("warned", str(warned[0].message))
    if error is None:
        if faulty:
            raise Failure("accepted what is wrong", f"{faulty}; returned {result}")
        meanings = {argument: one.meaning for argument, one in handed.items()}
        with np.errstate(all="ignore"):
            truth = SAYS.get(name, getattr(lstmlib, name))(**meanings)
            return agree(result, truth, s.dtype if name in SAYS else None, s.judged)
    names = {faulty} if faulty else set()
    if faulty and name == "Weights":  # any of five that do not fit
        names = set(handed)
    if faulty == "gradient":  # of other shapes: the array is named
        names.add("Wx")
    if name in ("forward", "step") and not s.judged:  # what overflows
        names |= {"Y", "y"}
    words = f"{type(error).__name__}: {error}"
    if not names:
        raise Failure("refused what is right", words) from error
    if type(error) not in (TypeError, ValueError):
        raise Failure("undocumented error", words) from error
    if "must" not in words or not any(re.search(rf"\b{name}\b", words) for name in names):
        raise Failure("argument not named", f"{names} in {words}") from error


def agree(result, truth, dtype, judged):
    """The same pieces, of `dtype` (else of the dtype of the truth); where `judged`, as near as the dtype allows."""
    for one, true in zip(pieces(result), pieces(truth), strict=True):
        if isinstance(true, np.ndarray):
            true = true.astype(dtype or true.dtype)
            if type(one) is not np.ndarray or (one.dtype, one.shape) != (true.dtype, true.shape):
                raise Failure("wrong dtype or shape", f"{one} for {true}")
        elif type(one) is not type(true):
            raise Failure("wrong dtype or shape", f"{one} for {true}")
        if not judged or not isinstance(true, np.ndarray | float | complex | bool):
            continue
        if np.isfinite(true).all() and not np.isfinite(one).all():
            raise Failure("not finite", one)
        eps = np.finfo(np.result_type(np.asarray(true), np.float16)).eps
        if not np.allclose(one, true, rtol=0, atol=min(1e3 * eps, 0.03) * max(1, np.abs(true).max()), equal_nan=True):
            raise Failure("wrong value", f"{one} for {true}")


def run(name, rounds, phases=(Phase.generate, Phase.shrink)):
    """Judge in each round two cases with nothing at fault, and one with each of the arguments."""
    parameters = signature(getattr(lstmlib, name)).parameters

    @seed(2026)
    @settings(max_examples=rounds, database=None, deadline=None, phases=phases,
              suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False)
    @given(st.data(), surroundings())
    def many(data, s):
        asked = table(s)[name]
        for faulty in (None, None, *asked):
            handed = {}
            for argument, (right, wrong) in asked.items():
                if argument == faulty:
                    handed[argument] = data.draw(wrong)
                elif parameters[argument].default is Parameter.empty or data.draw(st.booleans()):
                    handed[argument] = data.draw(right)
            judge(name, handed, faulty, s)
    many()


PUBLIC = sorted({name for name, value in vars(lstmlib).items() if callable(value) and not name.startswith("_")}
                - {"Trace", "train", "summed"})  # which are made of the others


@pytest.mark.parametrize("name", PUBLIC)
def test_hostile_input(name):
    run(name, ROUNDS)


# ---- the judge finds faults: what a faulty `forward` does before the healthy one, with its result, where that raises

def spoil(X):
    if isinstance(X, np.ndarray) and X.flags.writeable and X.dtype == float:
        X += 1


def fall(error):
    raise error


FAULTS = {
    "wrong value": ("after", lambda trace: replace(trace, Y=1.01 * trace.Y + 1)),
    "not finite": ("after", lambda trace: replace(trace, Y=np.full_like(trace.Y, np.inf))),
    "wrong dtype or shape": ("after", lambda trace: replace(trace, Y=trace.Y.astype(trace.Y.dtype.newbyteorder()))),
    "changed an argument": ("before", spoil),
    "warned": ("before", lambda X: warnings.warn("careful", stacklevel=1)),
    "did not end": ("before", lambda X: time.sleep(60)),
    "refused what is right": ("before", lambda X: fall(ValueError("weights, X, h0, c0, Y must be others"))),
    "accepted what is wrong": ("raising", lambda: None),
    "undocumented error": ("raising", lambda: fall(IndexError("X must be something else"))),
    "argument not named": ("raising", lambda: fall(ValueError("wrong input"))),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_found(kind, monkeypatch):
    when, does = FAULTS[kind]

    @wraps(forward)
    def faulty(weights, X, **states):
        if when == "before":
            does(X)
        try:
            trace = forward(weights, X, **states)
        except (TypeError, ValueError) as error:
            if when == "raising" and "overflow" not in str(error):
                return does()
            raise
        return does(trace) if when == "after" else trace

    monkeypatch.setattr(lstmlib, "forward", faulty)
    monkeypatch.setitem(globals(), "SECONDS", 0.02 if kind == "did not end" else 10)
    with pytest.raises(Failure) as found:
        run("forward", 100, (Phase.generate,))
    assert found.value.kind == kind
