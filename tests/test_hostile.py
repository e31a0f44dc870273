"""Hostile input: every public function, called with what a student, or chance, may hand it.

Each case must give the right result, or raise a TypeError or ValueError that names an argument at fault; change no
argument; give no warning; and end within ten seconds. Right is what a second LSTM says, which shares nothing with the
first. At sizes where rounding or overflow decide, only dtype, shape and finiteness are judged.
`HOSTILE_EXAMPLES=2000 pytest tests/test_hostile.py` tries more cases than the usual forty of each function.
"""

import os
import re
import signal
import warnings
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import lstmlib
from helpers import random_problem, random_weights
from lstmlib import EDGES, Weights, backward, forward, init_weights

EXAMPLES, SECONDS = int(os.environ.get("HOSTILE_EXAMPLES", 40)), 10
NAMES = ("Wx", "Wh", "b", "Wy", "by")
AT_FAULT = object()
ODD = (0.0, -0.0, 65504.0, 1e-45, 5e-324, 3e38, 1.7e308, 1e-200, 1e200, 1e-8)


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

class Raises:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array today")


def read_only(a):
    a.flags.writeable = False
    return a


SAME = {
    "plain": lambda a: a, "read-only": read_only, "Fortran order": np.asfortranarray,
    "negative strides": lambda a: a[..., ::-1].copy()[..., ::-1], "lists": lambda a: a.tolist(),
    "zero strides": lambda a: np.broadcast_to(a[:1], a.shape), "nothing masked": lambda a: np.ma.array(a, mask=False),
    "another byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "whole numbers": lambda a: np.clip(np.round(a.real), -100, 100).astype("i8"),
    "true and false": lambda a: a.real > 0,
}
WRONG = {
    "an axis more": lambda a: a[None, None], "a number": lambda a: 3.5, "empty": lambda a: a[:0],
    "another size": lambda a: np.concatenate([a, a[..., :1]], -1),
    "NaN": lambda a: spoiled(a, np.nan), "infinite": lambda a: spoiled(a, -np.inf), "text": lambda a: "a text",
    "masked": lambda a: np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) == 0), "raises": lambda a: Raises(),
    "objects": lambda a: a.astype(object), "ragged": lambda a: [[1.0], [1.0, 2.0]],
    "dates": lambda a: np.zeros(a.shape, "M8[s]"),
}
NO_WEIGHTS = (None, 3, "weights", np.ones(3), {"Wx": 1}, [1, 2])
NUMBERS = (1, 0.5, 3.0, np.float32(0.25), np.int8(2), np.array(1.5), 10 ** 12)
NO_NUMBERS = (None, "1", True, np.nan, np.inf, -np.inf, [1.0], np.ones(2), 10 ** 5000, b"1", object())


def spoiled(a, entry):
    a = a.copy()
    a.ravel()[-1] = entry
    return a


@st.composite
def arrays(draw, shape, dtype=float, scale=1.0, free=False, leading=False):
    """A Given array; `free`: its last axis may have any size; `leading`: axes may stand in front."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    a = rng.normal(size=shape) * scale + (1j * rng.normal(size=shape) * scale if np.dtype(dtype).kind == "c" else 0)
    if scale > 1e30 or scale < 1e-30:
        a.ravel()[0] = draw(st.sampled_from(ODD))
    with np.errstate(over="ignore"):
        a = np.nan_to_num(a.astype(dtype))
    if draw(st.integers(0, 5)) == 0:
        wrong = draw(st.sampled_from([name for name in WRONG if not (name == "another size" and free)
                                      and not (name == "an axis more" and leading)]))
        return Given(WRONG[wrong](a), AT_FAULT)
    value = SAME[draw(st.sampled_from(list(SAME)))](a.copy())
    return Given(value, np.array(value).astype(dtype))


@st.composite
def numbers(draw, fits=lambda n: True):
    if draw(st.integers(0, 3)) == 0:
        return Given(draw(st.sampled_from(NO_NUMBERS)), AT_FAULT)
    n = draw(st.sampled_from((*NUMBERS, 0, -1, -0.5)))
    return Given(n, float(n) if fits(float(n)) else AT_FAULT)


@st.composite
def some_weights(draw, like=None, dtype=None, scale=1.0, sizes=None):
    """A Given Weights; one in ten is no Weights, or holds NaN, or has axes in front."""
    D, H, K = sizes or (like.D, like.H, like.K)
    good = random_weights(D, H, K, draw(st.integers(0, 99)))
    with np.errstate(over="ignore"):
        good = good.map(lambda a: np.nan_to_num((a * scale).astype(dtype or like.dtype)))
    kind = draw(st.integers(0, 29))
    bad = {0: lambda: draw(st.sampled_from(NO_WEIGHTS)), 1: lambda: good.map(lambda a: spoiled(a, np.nan)),
           2: lambda: good.map(lambda a: np.stack([a, a]))}
    return Given(bad[kind](), AT_FAULT) if kind in bad else Given(good, good)


# ---- a second LSTM: the textbook's equations, timestep by timestep

def textbook(w, X, h, c, dY=None, at=lambda edge, d: d):
    """Y, h, c of all timesteps; with dY the gradient {name: array} too."""
    (Wx, Wh, b, Wy, by), H, trail, Y = [np.asarray(a, np.result_type(a, float)) for _, a in w.items()], w.H, [], []
    for x in X:
        z = x @ Wx + h @ Wh + b
        i, f, o = (1 / (1 + np.exp(-z[:, k * H:(k + 1) * H])) for k in (0, 1, 3))
        g, h_prev, c_prev = np.tanh(z[:, 2 * H:3 * H]), h, c
        c = f * c + i * g
        h = o * np.tanh(c)
        trail.append((x, h_prev, c_prev, i, f, g, o, c, h))
        Y.append(h @ Wy + by)
    if dY is None:
        return np.array(Y), trail
    total, dh_next, dc_next = dict.fromkeys(NAMES, 0), 0, 0
    for dy, (x, h_prev, c_prev, i, f, g, o, c, h) in zip(at("dy", at("loss", dY))[::-1], trail[::-1]):
        dh = at("dh_above", dy @ Wy.T) + dh_next
        dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next
        dz = at("dz", np.hstack([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g * g),
                                 dh * np.tanh(c) * o * (1 - o)]))
        dh_next, dc_next = at("dh_next", dz @ Wh.T), at("dc_next", dc * f)
        dz, dy = at("dW_t", dz), at("dWy_t", dy)
        parts = x.T @ dz, h_prev.T @ dz, dz.sum(0), h.T @ dy, dy.sum(0)
        total = {name: total[name] + part for name, part in zip(NAMES, parts)}
    return {name: at("dW", total[name]) for name in NAMES}, dh_next, dc_next


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


def fingerprint(value):
    """All bytes of arrays and numbers, and of what holds them; of other things the type."""
    if isinstance(value, np.ndarray):
        return (value.dtype, value.shape, value.tobytes()) if value.dtype != object else value.shape
    if isinstance(value, Weights | lstmlib.Trace):
        return [fingerprint(array) for array in vars(value).values() if isinstance(array, np.ndarray)]
    if isinstance(value, list | tuple):
        return [fingerprint(one) for one in value]
    return str(value)[:99] if isinstance(value, float | str) else type(value)


def judge(call, arguments, check, may_refuse=()):
    """Call with the values; check(result) where nothing is at fault. Raises Failure."""
    values = {name: one.value for name, one in arguments.items()}
    wrong = {name for name, one in arguments.items() if one.meaning is AT_FAULT}
    before, result, error = {name: fingerprint(value) for name, value in values.items()}, None, None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with time_limit(SECONDS):
                result = call(**values)
        except TimeoutError:
            raise Failure("did not end", f"within {SECONDS} s") from None
        except Exception as caught:
            error = caught
    for name in values:
        if fingerprint(values[name]) != before[name]:
            raise Failure("changed an argument", name)
    if warned:
        raise Failure("warned", str(warned[0].message))
    if error is None:
        if wrong:
            raise Failure("accepted what is wrong", f"{wrong}; returned {result}")
        return check(result, **{name: one.meaning for name, one in arguments.items()})
    names, words = wrong | set(may_refuse), f"{type(error).__name__}: {error}"
    names |= {"Wx"} if "gradient" in wrong else set()  # a gradient of other shapes: the array is named
    if not names:
        raise Failure("refused what is right", words) from error
    if type(error) not in (TypeError, ValueError):
        raise Failure("undocumented error", words) from error
    by_python = "unsupported operand" in words or "operand 'Weights'" in words
    if not by_python and not ("must" in words and any(re.search(rf"\b{name}\b", words) for name in names)):
        raise Failure("argument not named", f"{names} in {words}") from error


def agree(name, result, truth, dtype, judged=True):
    """`result` is an array of this dtype and the shape of truth; where `judged`, as near as its dtype allows."""
    truth = np.asarray(truth)
    if type(result) is not np.ndarray or result.dtype != dtype or result.shape != truth.shape:
        raise Failure("wrong dtype or shape", f"{name}: {getattr(result, 'dtype', type(result))}")
    if not judged:
        return
    if not np.isfinite(result).all():
        raise Failure("not finite", name)
    far = min(1e3 * np.finfo(dtype).eps, 0.03) * max(1, np.abs(truth).max())
    if np.abs(result.astype(truth.dtype) - truth).max() > far:
        raise Failure("wrong value", f"{name}: {result} for {truth}")


def agree_weights(result, truths, dtype, judged=True):
    if type(result) is not Weights:
        raise Failure("wrong dtype or shape", f"{type(result)}")
    for name, array in result.items():
        agree(name, array, truths[name], dtype, judged)


# ---- the targets: (call, arguments, check, names that may be refused though they are right)

@st.composite
def settings_of(draw):
    """Sizes, dtype and scale. Off the scale of 1, numbers overflow or vanish, and are not judged."""
    D, H, K, T, B = (draw(st.integers(1, 3)) for _ in range(5))
    dtype = np.dtype(draw(st.sampled_from("ddddffeDF")))
    scale = draw(st.sampled_from([0.5] * 8 + [1e3, 1e-310, 1e150, 1e300]))
    return SimpleNamespace(D=D, H=H, K=K, T=T, B=B, dtype=dtype, scale=scale, judged=scale == 0.5)


def target_weights(draw, s):
    shapes = (s.D, 4 * s.H), (s.H, 4 * s.H), (4 * s.H,), (s.H, s.K), (s.K,)
    whose = draw(st.integers(0, 4))
    parts = {name: draw(arrays(shape, s.dtype, s.scale)) if k == whose else Given(a := np.ones(shape, s.dtype), a)
             for k, (name, shape) in enumerate(zip(NAMES, shapes))}
    one = parts[NAMES[whose]]
    took = np.asarray(one.value) if one.meaning is not AT_FAULT else None
    nan = isinstance(one.value, np.ndarray) and one.value.dtype == s.dtype and one.value.shape == shapes[whose] and \
        not np.ma.is_masked(one.value)
    if nan and one.meaning is AT_FAULT:  # Weights may hold NaN: a gradient may
        parts[NAMES[whose]] = one = Given(one.value, one.value)
    same = took is None or took.dtype.newbyteorder("=") == s.dtype
    wrong = one.meaning is AT_FAULT or not same
    if wrong:
        parts = {name: Given(given.value, AT_FAULT) for name, given in parts.items()}

    def check(result, **meanings):
        for name, meaning in meanings.items():
            if getattr(result, name).tobytes() != np.ascontiguousarray(meaning).tobytes():
                raise Failure("wrong value", name)
            if getattr(result, name).flags.writeable or np.shares_memory(getattr(result, name), parts[name].value):
                raise Failure("wrong value", f"{name} can be changed from outside")
    return Weights, parts, check


def target_arithmetic(draw, s):
    one = draw(some_weights(sizes=(s.D, s.H, s.K), dtype=s.dtype))
    if one.meaning is AT_FAULT:
        one = Given(good := init_weights(s.D, s.H, s.K, dtype=s.dtype), good)
    sign = draw(st.sampled_from("*/"))
    number = draw(numbers(lambda n: n != 0 or sign == "*"))
    name = {"*": "factor", "/": "divisor"}[sign]

    def call(weights, **others):
        return weights * others[name] if sign == "*" else weights / others[name]

    def check(result, weights, **others):
        with np.errstate(over="ignore"):
            factor = others[name] if sign == "*" else 1 / others[name]
            agree_weights(result, {k: a.astype(np.result_type(a, float)) * factor for k, a in weights.items()}, s.dtype,
                          judged=abs(factor) < 100)
    return call, {"weights": one, name: number}, check


def states(draw, s):
    return {"weights": draw(some_weights(sizes=(s.D, s.H, s.K), dtype=s.dtype, scale=s.scale)),
            **{name: draw(arrays((s.B, s.H), s.dtype, min(s.scale, 1e3))) for name in ("h0", "c0")}}


def target_forward(draw, s):
    parts = states(draw, s) | {"X": draw(arrays((s.T, s.B, s.D), s.dtype, s.scale))}

    def check(trace, weights, X, h0, c0):
        Y, trail = textbook(weights, X, h0, c0) if s.judged else (np.empty((s.T, s.B, s.K)), None)
        agree("Y", np.array(trace.Y), Y, s.dtype, s.judged)
        if s.judged:
            for k, name in enumerate("ifgoch", start=3):
                agree(name, np.array(getattr(trace, name)), [step[k] for step in trail], s.dtype)
    return lambda **a: lstmlib.forward(**a), parts, check, () if s.judged else ("Y",)


def target_step(draw, s):
    parts = states(draw, s) | {"x": draw(arrays((s.B, s.D), s.dtype, s.scale))}
    parts["h_prev"], parts["c_prev"] = parts.pop("h0"), parts.pop("c0")

    def check(result, weights, x, h_prev, c_prev):
        Y, trail = textbook(weights, x[None], h_prev, c_prev) if s.judged else (np.empty((1, s.B, s.K)), None)
        agree("y", result[0], Y[0], s.dtype, s.judged)
        if s.judged:
            agree("h", result[1], trail[0][-1], s.dtype)
            agree("c", result[2], trail[0][-2], s.dtype)
    return lstmlib.step, parts, check, () if s.judged else ("y",)


HOOKS = {"none": (None, None), "a list": (lambda edge, d: d.tolist(), lambda edge, d: d),
         "in place": (lambda edge, d: np.multiply(d, 2, out=d), lambda edge, d: 2 * d),
         "scaled": (lstmlib.scale_at(("dz", "dWy_t"), 0.5), lambda edge, d: d / 2 if edge in ("dz", "dWy_t") else d),
         "nothing": (lambda edge, d: None, AT_FAULT), "no function": (3, AT_FAULT),
         "another shape": (lambda edge, d: d[..., :0], AT_FAULT), "text": (lambda edge, d: "text", AT_FAULT)}


def target_backward(draw, s):
    s.scale = min(s.scale, 1.0)
    s.judged = s.scale == 0.5
    own = init_weights(s.D, s.H, s.K, seed=draw(st.integers(0, 9)), dtype=s.dtype)
    X = random_problem(s.T, s.B, s.D, s.H, s.K).X.astype(s.dtype)
    trace = lstmlib.forward(own, X)
    weights = draw(some_weights(own)) if draw(st.integers(0, 3)) == 0 else Given(own, own)
    value, meaning = HOOKS[draw(st.sampled_from(list(HOOKS)))]
    def check(result, weights, trace, dY, at):
        zeros = np.zeros((s.B, s.H), np.result_type(s.dtype, float))
        if weights is own:
            truth = textbook(own, trace.X, zeros, zeros, dY.astype(zeros.dtype), at or (lambda edge, d: d))[0]
            agree_weights(result, truth, s.dtype, s.judged)
    parts = {"weights": weights, "trace": draw(st.sampled_from([Given(trace, trace)] * 9 + [Given(None, AT_FAULT)])),
             "dY": draw(arrays((s.T, s.B, s.K), s.dtype, s.scale, leading=True)), "at": Given(value, meaning)}
    return lstmlib.backward, parts, check


def target_step_backward(draw, s):
    s.judged, own = True, init_weights(s.D, s.H, s.K, seed=draw(st.integers(0, 9)), dtype=s.dtype)
    p = random_problem(1, s.B, s.D, s.H, s.K)
    trace = lstmlib.step(own, p.X[0].astype(s.dtype), p.h0.astype(s.dtype), p.c0.astype(s.dtype))[3]
    parts = {"weights": Given(own, own), "trace": draw(st.sampled_from(
        [Given(trace, trace)] * 9 + [Given(trace._replace(g=None), AT_FAULT), Given(3, AT_FAULT)])),
        "dy": draw(arrays((s.B, s.K), s.dtype, 0.5)), "dh_next": draw(arrays((s.B, s.H), s.dtype, 0.5)),
        "dc_next": draw(arrays((s.B, s.H), s.dtype, 0.5))}

    def check(result, weights, trace, dy, dh_next, dc_next):
        wide = np.result_type(s.dtype, float)
        x, h_prev, c_prev, i, f, g, o, c, h = (a.astype(wide) for a in trace)
        dh = dy.astype(wide) @ own.Wy.T + dh_next
        dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next
        dz = np.hstack([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g * g),
                        dh * np.tanh(c) * o * (1 - o)])
        truth = x.T @ dz, h_prev.T @ dz, dz.sum(0), h.T @ dy, dy.astype(wide).sum(0)
        agree_weights(result[0], dict(zip(NAMES, truth)), s.dtype)
        agree("dh_prev", result[1], dz @ own.Wh.T, s.dtype)
        agree("dc_prev", result[2], dc * f, s.dtype)
    return lstmlib.step_backward, parts, check


def given_mask(draw, s):
    mask = np.random.default_rng(draw(st.integers(0, 99))).random((s.T, s.B)) < 0.6
    wrong = [mask[None], mask * 2.5 + 0.5, "mask", np.full(mask.shape, np.nan), mask.astype(str)]
    return Given(draw(st.sampled_from(wrong)), AT_FAULT) if draw(st.integers(0, 5)) == 0 else draw(
        st.sampled_from([Given(None, np.ones_like(mask)), Given(mask, mask), Given(mask.astype(float), mask),
                         Given(mask.tolist(), mask)]))


def target_squared_error(draw, s):
    s.judged = s.scale == 0.5
    parts = {"Y": draw(arrays((s.T, s.B, s.K), s.dtype, s.scale, free=True)),
             "targets": draw(arrays((s.T, s.B, s.K), s.dtype, s.scale)), "mask": given_mask(draw, s)}
    own = np.asarray(parts["Y"].value) if parts["Y"].meaning is not AT_FAULT else np.zeros(1)
    dtype = own.dtype.newbyteorder("=") if own.dtype.kind in "fc" else np.dtype(float)
    if dtype.kind != "c" and np.asarray(parts["targets"].meaning).dtype.kind == "c" and \
            np.iscomplexobj(parts["targets"].value):
        parts["targets"] = Given(parts["targets"].value, AT_FAULT)
    if parts["Y"].meaning is AT_FAULT:  # the sizes that the others must have come from Y
        parts = {name: Given(one.value, AT_FAULT) for name, one in parts.items()}

    def check(result, Y, targets, mask):
        wide = np.result_type(dtype, float)
        with np.errstate(all="ignore"):
            d = np.where(mask[..., None], Y.astype(wide) - targets.astype(wide), 0)
            agree("dY", result[1], d, dtype, s.judged)
            agree("loss", np.array(result[0]), 0.5 * (d ** 2).sum(), np.dtype(wide), False)
        if s.judged and abs(result[0] - 0.5 * (d ** 2).sum()) > 1e-2 * max(1, abs((d ** 2).sum())):
            raise Failure("wrong value", "loss")
    return lstmlib.squared_error, parts, check


def target_cross_entropy(draw, s):
    labels = np.random.default_rng(draw(st.integers(0, 99))).integers(0, s.K, (s.T, s.B))
    mask = given_mask(draw, s)
    wrong = [labels + s.K, labels.astype(float), labels[None], "labels", None, labels - s.K]
    mask = Given(None, np.ones_like(labels, bool)) if draw(st.booleans()) else mask
    every = mask.value is None
    parts = {"logits": draw(arrays((s.T, s.B, s.K), s.dtype, s.scale, free=True)), "mask": mask, "labels": Given(
        draw(st.sampled_from(wrong)), AT_FAULT) if every and draw(st.integers(0, 4)) == 0 else Given(labels, labels)}
    if parts["logits"].meaning is AT_FAULT:
        parts = {name: Given(one.value, AT_FAULT) for name, one in parts.items()}
    own = np.asarray(parts["logits"].value) if parts["logits"].meaning is not AT_FAULT else np.zeros(1)
    dtype = own.dtype.newbyteorder("=") if own.dtype.kind in "fc" else np.dtype(float)

    def check(result, logits, labels, mask):
        wide = np.result_type(dtype, float)
        if s.judged:
            powers = np.exp(logits.astype(np.result_type(wide, logits)))
            shares = powers / powers.sum(-1, keepdims=True)
            hot = np.arange(logits.shape[-1]) == labels[..., None]
            agree("dlogits", result[1], np.where(mask[..., None], shares - hot, 0), dtype)
            loss = -np.log(shares[hot].reshape(labels.shape))[mask].sum()
            if abs(np.exp(result[0] - loss) - 1) > 1e-6:  # modulo 2 pi i where complex
                raise Failure("wrong value", "loss")
        else:
            agree("dlogits", result[1], logits, dtype, False)
    return lstmlib.cross_entropy, parts, check


OPTIMISERS = {"sgd": {"rate": lambda n: n > 0}, "momentum": {"rate": lambda n: n > 0, "beta": lambda n: 0 <= n < 1},
              "adam": {"rate": lambda n: n > 0, "beta1": lambda n: 0 <= n < 1, "epsilon": lambda n: n >= 0}}


def target_optimisers(draw, s):
    name, dtype = draw(st.sampled_from(list(OPTIMISERS))), draw(st.sampled_from("dfe"))
    own = random_weights(s.D, s.H, s.K).map(lambda a: a.astype(dtype))
    given_number = draw(st.sampled_from(list(OPTIMISERS[name])))
    gradient = draw(some_weights(own))
    parts = {"weights": Given(own, own), "gradient": gradient,
             given_number: draw(numbers(OPTIMISERS[name][given_number])),
             "state": draw(st.sampled_from([Given(None, None)] * 5 + [Given(3, AT_FAULT)] * (name != "sgd")))}

    def check(result, weights, gradient, state, **numbers):
        rate, step = numbers.get("rate", {"sgd": 0.1, "momentum": 0.1, "adam": 0.001}[name]), gradient
        if name == "adam":  # its first step is as long for every entry, but for epsilon
            epsilon = numbers.get("epsilon", 1e-8)
            step = gradient.map(lambda a: a.astype(float) / (np.abs(a.astype(float)) + epsilon))
        truth = {n: w.astype(float) - rate * d.astype(float) for (n, w), (_, d) in zip(weights.items(), step.items())}
        agree_weights(result[0], truth, np.dtype(dtype), rate < 1e3)
    return getattr(lstmlib, name), parts, check


def target_clip_by_norm(draw, s):
    gradient = draw(some_weights(sizes=(s.D, s.H, s.K), dtype="d"))
    if isinstance(gradient.value, Weights) and gradient.value.lead:
        gradient = Given(gradient.value, gradient.value)

    def check(result, gradient, limit):
        norm = np.sqrt(sum((a ** 2).sum() for _, a in gradient.items()))
        agree_weights(result, {n: a * min(1, limit / norm) for n, a in gradient.items()}, np.dtype(float))
    return lstmlib.clip_by_norm, {"gradient": gradient, "limit": draw(numbers(lambda n: n > 0))}, check


def target_measures(draw, s):
    one = random_weights(s.D, s.H, s.K).map(lambda a: a * s.scale)
    names = draw(st.sampled_from(["relative_error", "cosine"]))
    other = draw(st.sampled_from([Given(one * 2, one * 2)] * 4 + [Given(3, AT_FAULT), Given(None, AT_FAULT)]))

    def check(result, gradient, truth):
        if abs(result - {"relative_error": 0.5, "cosine": 1}[names]) > 1e-6 and s.scale > 1e-300:
            raise Failure("wrong value", f"{names} {result}")
    return getattr(lstmlib, names), {"gradient": Given(one, one), "truth": other}, check


NO_EDGES = ("dy", ("dy", "dx"), 3, None, ("DY",), (1,), [["dy"]])


def given_edges(draw):
    return Given(draw(st.sampled_from(NO_EDGES)), AT_FAULT) if draw(st.integers(0, 3)) == 0 else Given(
        edges := draw(st.sets(st.sampled_from(EDGES))), edges)


def target_placement(draw, s):
    names = "scale_at", "crosses_exactly_once", "crossing_spectrum", "record"
    name = draw(st.sampled_from([name for name in names if hasattr(lstmlib, name)]))
    if name == "scale_at":
        def check_factor(hook, edges, factor):
            agree("dz", hook("dz", np.ones(2)), np.full(2, factor if "dz" in edges else 1), np.dtype(float))
        return lstmlib.scale_at, {"edges": given_edges(draw), "factor": draw(numbers())}, check_factor
    if name == "record":
        return lstmlib.record, {"edges": given_edges(draw)}, lambda hook, edges: hook("dz", np.ones(2))
    if name == "crosses_exactly_once":
        T = draw(st.sampled_from([Given(1, 1), Given(2, 2), Given(10 ** 12, 2), Given(0, AT_FAULT),
                                  Given(1.5, AT_FAULT)]))

        def check(result, edges, T):
            counts = {name: set() for name in NAMES}
            p = random_problem(T, 1, 1, 1, 1, seed=3)
            for factor in (2.0, 3.0):  # a path that crosses once is scaled by the factor: so is the gradient
                at = lambda edge, d: d * factor if edge in edges else d  # noqa: E731
                scaled = textbook(p.weights, p.X, p.h0, p.c0, p.dY, at)[0]
                plain = textbook(p.weights, p.X, p.h0, p.c0, p.dY)[0]
                for n in NAMES:
                    counts[n].add(bool(np.allclose(scaled[n], factor * plain[n], rtol=1e-9, atol=0)))
            if result != {n: counts[n] == {True} for n in NAMES}:
                raise Failure("wrong value", f"{result} for {edges}")
        return lstmlib.crosses_exactly_once, {"edges": given_edges(draw), "T": T}, check
    p = random_problem(2, 1, 2, 2, 2)

    def check_spectrum(result, weights, trace, dY, edges):
        if not np.allclose(sum(result.Wx), backward(weights, trace, dY).Wx):
            raise Failure("wrong value", "the parts do not add up")
    fixed = {"weights": p.weights, "trace": p.trace}
    return lstmlib.crossing_spectrum, {**{n: Given(v, v) for n, v in fixed.items()}, "edges": given_edges(draw),
                                       "dY": draw(arrays(p.dY.shape, float, 0.5))}, check_spectrum


def target_tasks(draw, s):
    name = draw(st.sampled_from(["adding_problem", "reber_strings", "init_weights"]))
    counts = [Given(7, 7), Given(np.int64(8), 8), Given(0, AT_FAULT), Given(-3, AT_FAULT), Given(2.5, AT_FAULT),
              Given("3", AT_FAULT), Given(True, AT_FAULT), Given(None, AT_FAULT)]
    count = draw(st.sampled_from(counts))
    if name == "init_weights":
        dtype = draw(st.sampled_from([Given("f4", "f4"), Given(float, "f8"), Given("i4", AT_FAULT),
                                      Given([1], AT_FAULT)]))
        return lstmlib.init_weights, {"D": count, "H": Given(2, 2), "K": Given(1, 1), "dtype": dtype}, \
            lambda w, D, H, K, dtype: agree("Wx", np.array(w.Wx), np.array(w.Wx, float), np.dtype(dtype))
    good = np.random.default_rng(1)
    rng = draw(st.sampled_from([Given(good, good)] * 5 + [Given(3, AT_FAULT), Given(None, AT_FAULT)]))

    def call(rng, **count):
        return getattr(lstmlib, name)(*count.values(), *[2] * (name == "adding_problem"), np.random.default_rng(1)
                                      if rng is good else rng)

    def check(result, **_):
        if not (np.isfinite(result[0]).all() and result[2].dtype == bool):
            raise Failure("not finite", name)
    return call, {"T" if name == "adding_problem" else "n": count, "rng": rng}, check


def target_numerical_gradient(draw, s):
    own = init_weights(1, 1, 1)
    f = draw(st.sampled_from([Given(v := lambda w: (w.Wx ** 2).sum(), v), Given(3, AT_FAULT),
                              Given(lambda w: "text", AT_FAULT), Given(lambda w: np.nan, AT_FAULT)]))
    method = draw(st.sampled_from([Given(name, name) for name in ("central", "complex")]
                                  + [Given("other", AT_FAULT), Given(3, AT_FAULT)]))

    def check(result, f, weights, method):
        if not np.allclose(result.Wx, 2 * weights.Wx, atol=1e-6):
            raise Failure("wrong value", f"{result.Wx}")
    return lstmlib.numerical_gradient, {"f": f, "weights": Given(own, own), "method": method}, check


TARGETS = {name.removeprefix("target_"): found for name, found in list(globals().items()) if name.startswith("target_")}


def run(name, examples, phases=None, start=2026):
    phases = phases or tuple(Phase)

    @seed(start)
    @settings(max_examples=examples, database=None, deadline=None, derandomize=False, phases=phases,
              suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False)
    @given(st.data(), settings_of())
    def many(data, sizes):
        judge(*TARGETS[name](data.draw, sizes))
    many()


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input(name):
    run(name, EXAMPLES)


def test_every_public_function_is_a_target():
    public = {name for name, value in vars(lstmlib).items() if callable(value) and not name.startswith("_")}
    with open(__file__, encoding="utf-8") as own:
        text = own.read()
    made_of_targets = {"Trace", "train", "summed"}
    assert {name for name in public if not re.search(rf"\b{name}\b", text)} <= made_of_targets


# ---- the judge finds faults: what a faulty `forward` does before the healthy one, with its result, where that raises

def spoil(X):
    if isinstance(X, np.ndarray) and X.flags.writeable and X.dtype == float:
        X += 1


def sleepless(X):
    while True:
        pass


def fall(error):
    raise error


FAULTS = {
    "wrong value": ("after", lambda trace: replace(trace, Y=1.01 * trace.Y + 1)),
    "not finite": ("after", lambda trace: replace(trace, Y=np.full_like(trace.Y, np.inf))),
    "wrong dtype or shape": ("after", lambda trace: replace(trace, Y=trace.Y.astype(trace.Y.dtype.newbyteorder()))),
    "changed an argument": ("before", spoil),
    "warned": ("before", lambda X: warnings.warn("careful", stacklevel=1)),
    "did not end": ("before", sleepless),
    "refused what is right": ("before", lambda X: fall(ValueError("weights, X, h0, c0, Y must be others"))),
    "accepted what is wrong": ("raising", lambda: None),
    "undocumented error": ("raising", lambda: fall(IndexError("X must be something else"))),
    "argument not named": ("raising", lambda: fall(ValueError("wrong input"))),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_found(kind, monkeypatch):
    when, does = FAULTS[kind]

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


# ---- what such cases found once (messages alone stand in tests/core/test_errors.py)

class Table:
    """An array from elsewhere, with a mask of its own meaning."""

    _mask = np.array([True])

    def __array__(self, dtype=None, copy=None):
        return np.ones((2, 1, 1))


def test_masked_entries_are_not_read_as_numbers():
    masked = np.ma.array(np.ones((2, 1, 1)), mask=[[[False]], [[True]]])
    with pytest.raises(ValueError, match="X must have no masked entries, got 1 of them"):
        forward(init_weights(1, 2, 1), masked)
    for whole in (np.ma.array(np.ones((2, 1, 1)), mask=False), Table()):
        assert forward(init_weights(1, 2, 1), whole).Y.shape == (2, 1, 1)
    with pytest.raises(TypeError, match=r"X must be an array, got Raises \(no array today\)"):
        forward(init_weights(1, 2, 1), Raises())


def test_other_byte_orders():
    weights = random_weights()
    swapped = Weights(*(np.asfortranarray(array).astype(">f8") for _, array in weights.items()))
    assert swapped.identical(weights) and all(array.flags.c_contiguous for _, array in swapped.items())
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


def test_cosine_of_complex_gradients():
    weights = random_weights()
    assert lstmlib.cosine(1j * weights, weights) == pytest.approx(0, abs=1e-15)
    assert lstmlib.cosine(1j * weights, 1j * weights) == pytest.approx(1)
