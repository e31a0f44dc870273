"""The cases: for each public name, what it is called with, which arguments are at fault, and what must come back."""

import contextlib
import io
import re
import sys
from functools import cache

import hypothesis
import numpy as np
from hypothesis import strategies as st

import lstmlib
from lstmlib import EDGES, Trace, Weights
from lstmlib.training import clip_by_value

from . import reference
from .judge import Case, Failure, close, close_weights, each_entry, finite, near, same_form, worst
from .reference import Format
from .values import (
    ANSWERS,
    CHOICES,
    DTYPES,
    EXPECTED,
    FORMATS,
    NO_EDGES,
    NO_GENERATORS,
    NO_WEIGHTS,
    NOT_FINITE,
    SCALES,
    SEEDS,
    Equal,
    Given,
    accepted,
    given_array,
    given_number,
    numbers_in,
    whole,
)

NAMES = ("Wx", "Wh", "b", "Wy", "by")


def shapes_of(D, H, K):
    return (D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)


# ---- what arguments are made of

sizes = st.integers(1, 3)
MODEST = (1.0,) * 6 + (0.0, 5.0, 1e-3)


@st.composite
def some_weights(draw, D, H, K, dtype=None, scales=SCALES):
    """A Weights, as a rule finite."""
    dtype = np.dtype(dtype or draw(st.sampled_from(FORMATS)))
    scale = (draw(st.sampled_from(scales)),)
    return Weights(*(draw(numbers_in(shape, dtype, scale)) for shape in shapes_of(D, H, K)))


@st.composite
def given_weights(draw, D, H, K, **how):
    """A Given: the meaning is None where it is no Weights, has axes in front, or is not finite."""
    good = draw(some_weights(D, H, K, **how))
    kind = draw(st.integers(0, 24))
    if kind == 0:
        return Given(draw(st.sampled_from(NO_WEIGHTS)), None, "no Weights")
    if kind == 1:
        return Given(good.map(lambda a: np.stack([a, a])), None, "axes in front")
    if kind == 2:
        name = draw(st.sampled_from(NAMES))
        arrays = dict(good.items())
        spoiled = arrays[name].copy()
        spoiled.ravel()[-1] = draw(st.sampled_from(NOT_FINITE))
        return Given(Weights(**arrays | {name: spoiled}), None, "not finite")
    return Given(good, good, "weights")


def dtype_of(given):
    return given.value.dtype if isinstance(given.value, Weights) else np.dtype(float)


def arrays_of(weights):
    return [array for _, array in weights.items()]


def flat(weights):
    """All entries, in extended precision."""
    return np.concatenate([array.ravel() for array in arrays_of(weights)]).astype(np.clongdouble)


def at_fault(**meanings):
    """The names whose meaning is None."""
    return {name for name, meaning in meanings.items() if meaning is None}


def given_count(draw, ordinary, strange):
    """A Given for a whole number from `ordinary`; one case in `strange`, any number or none."""
    if draw(st.integers(0, strange - 1)) == 0:
        return draw(given_number())
    n = draw(ordinary)
    return Given(n, float(n), "int")


@st.composite
def optional(draw, strategy):
    """One case in two: None, which is to be read as a default."""
    return None if draw(st.booleans()) else draw(strategy)


# ---- the cases, one function for each public name

@st.composite
def weights_made(draw):
    """Weights(Wx, Wh, b, Wy, by)."""
    D, H, K = draw(sizes), draw(sizes), draw(sizes)
    lead = draw(st.sampled_from([(), (), (), (2,), (1, 3)]))
    shapes = [lead + shape for shape in shapes_of(D, H, K)]
    dtype = draw(st.sampled_from(FORMATS))
    whose = draw(st.integers(0, 9))
    given = {name: draw(given_array(shape, dtype)) if k == whose else
             Given(a := draw(numbers_in(shape, dtype)), a.copy(), "plain")
             for k, (name, shape) in enumerate(zip(NAMES, shapes))}

    def call():
        return Weights(*(one.value for one in given.values()))

    def check(result):
        for name, one in given.items():
            array = getattr(result, name)
            same_form(name, array, one.meaning.dtype, one.meaning.shape)
            if array.tobytes() != np.ascontiguousarray(one.meaning).tobytes() or array.flags.writeable:
                raise Failure("wrong value", name)
            if any(isinstance(one.value, np.ndarray) and np.shares_memory(array, one.value) for one in given.values()):
                raise Failure("wrong value", f"{name} is no copy")
        if (result.D, result.H, result.K, result.lead, result.dtype) != (D, H, K, lead, np.dtype(dtype)):
            raise Failure("wrong value", "sizes")
        if result.finite != all(np.isfinite(one.meaning).all() for one in given.values()):
            raise Failure("wrong value", "finite")

    fits = all(one.meaning is not None and one.meaning.shape == shape and one.meaning.dtype == np.dtype(dtype)
               for one, shape in zip(given.values(), shapes))
    same_shape_and_type = set() if fits else set(NAMES)
    return Case(call, {name: one.value for name, one in given.items()}, same_shape_and_type, check)


@st.composite
def arithmetic(draw):
    """+, -, *, / and the negative of Weights."""
    D, H, K = draw(sizes), draw(sizes), draw(sizes)
    one = draw(some_weights(D, H, K))
    operator = draw(st.sampled_from("+-*/n"))
    if operator in "+-":
        return draw(sums(one, operator))
    number = draw(given_number())
    value, meaning = number.value, number.meaning
    wrong = operator != "n" and (meaning is None or not np.isfinite(meaning) or (operator == "/" and meaning == 0))
    from_left = draw(st.booleans()) and not isinstance(value, np.ndarray | str | bytes | list | tuple)
    call = {"*": lambda: value * one if from_left else one * value, "/": lambda: one / value, "n": lambda: -one}
    own_dtype = operator == "n" or wrong or not isinstance(meaning, complex)
    dtype = one.dtype if own_dtype else np.result_type(one.dtype, 1j)
    name = "divisor" if operator == "/" else "factor"

    def check(result):
        def formula(x):
            return {"*": lambda: x * meaning, "/": lambda: x / np.clongdouble(meaning) if isinstance(meaning, complex)
                    else x / np.longdouble(meaning), "n": lambda: -x}[operator]()
        return each_entry(result, formula, lambda truth, x: 4 * Format(dtype).eps * abs(truth), dtype, one)

    inputs = {"weights": one, "operator": operator, "number": value}
    return Case(call[operator], inputs, {name} if wrong else set(), check)


@st.composite
def sums(draw, one, operator):
    other = draw(st.sampled_from(["like", "other sizes", "number"])) if draw(st.integers(0, 4)) == 0 else "like"
    second = {"like": lambda: draw(some_weights(one.D, one.H, one.K)),
              "other sizes": lambda: draw(some_weights(one.D + 1, one.H, one.K)),
              "number": lambda: draw(given_number()).value}[other]()
    wrong = set() if other == "like" else {"Wx", "other"}
    plus = operator == "+"

    def check(result):
        dtype = np.result_type(one.dtype, second.dtype)
        return each_entry(result, (lambda x, y: x + y) if plus else (lambda x, y: x - y),
                          lambda truth, x, y: 2 * Format(dtype).eps * abs(truth), dtype, one, second)

    return Case(lambda: one + second if plus else one - second, {"one": one, "second": second}, wrong, check)


@np.errstate(over="ignore")
def quietly(a, b):
    return a - 2 * (b / 4)


@st.composite
def measures(draw):
    """norm, dot, identical, check_like, map, items of Weights; relative_error, cosine."""
    D, H, K = draw(sizes), draw(sizes), draw(sizes)
    one = draw(some_weights(D, H, K))
    method = draw(st.sampled_from(["norm", "dot", "identical", "check_like", "map", "items", "relative_error",
                                   "cosine"]))
    kind = draw(st.integers(0, 12))
    two = one if kind == 3 else draw(some_weights(D, H, K))
    wrong = set()
    if kind == 0 and method not in ("norm", "items"):
        two, wrong = draw(st.sampled_from(NO_WEIGHTS)), {"other", "truth", "gradient"}
    if kind == 1 and method not in ("norm", "items", "map"):
        two, wrong = draw(some_weights(D + 1, H, K)), {"Wx"}
    x = flat(one)
    y = flat(two) if isinstance(two, Weights) else x
    call = {"norm": one.norm, "dot": lambda: one.dot(two), "identical": lambda: one.identical(two),
            "check_like": lambda: one.check_like(two), "map": lambda: one.map(quietly, two),
            "items": one.items, "relative_error": lambda: lstmlib.relative_error(one, two),
            "cosine": lambda: lstmlib.cosine(one, two)}[method]

    def check(result):
        form = Format(float)
        with np.errstate(all="ignore"):
            length, other = np.sqrt((abs(x) ** 2).sum()), np.sqrt((abs(y) ** 2).sum())
            inner, apart = np.vdot(x, y), np.sqrt((abs(x - y) ** 2).sum())
        if method == "norm":
            return number_near(result, length, 1e-13 * length, form)
        if method == "dot":
            return number_near(result, inner, 1e-13 * length * other, form, complex_too=True)
        if method == "cosine" and length * other == 0:
            if not np.isnan(result):
                raise Failure("wrong value", "cosine of zero")
            return None
        if method == "cosine":
            return number_near(result, (inner / length / other).real, 1e-12, form)
        if method == "relative_error":
            if apart == 0 or other == 0:
                if result != (0 if apart == 0 else np.inf):
                    raise Failure("wrong value", f"relative_error {result}")
                return None
            rounding = 4 * Format(np.result_type(one.dtype, two.dtype)).eps * (length + other) / other
            return number_near(result, apart / other, 1e-12 + rounding, form)
        if method == "identical" and result is not (one.dtype == two.dtype and all(
                a.tobytes() == b.tobytes() for a, b in zip(arrays_of(one), arrays_of(two)))):
            raise Failure("wrong value", "identical")
        if method == "items" and [name for name, _ in result] != list(NAMES):
            raise Failure("wrong value", "items")
        if method == "map":
            dtype = np.result_type(one.dtype, two.dtype)
            return each_entry(result, lambda a, b: a - b / 2, lambda truth, a, b: 4 * Format(dtype).eps *
                              (abs(a) + abs(b)) + 4 * Format(two.dtype).tiny, dtype, one, two)

    return Case(call, {"one": one, "two": two, "method": method}, wrong, check)


def number_near(result, truth, error, form, complex_too=False):
    kinds = (float, complex, np.number) if complex_too else (float,)
    if not isinstance(result, kinds):
        raise Failure("wrong dtype or shape", f"{type(result)}")
    if np.isnan(result):
        raise Failure("not finite", f"{result} for {truth}")
    return near("number", np.array(result), np.array(truth), error + 1e-300, Format(complex) if complex_too else form)


@st.composite
def initial(draw):
    """init_weights(D, H, K, seed, dtype)."""
    D, H, K = (given_count(draw, sizes, 6) for _ in "DHK")
    seed, dtype = draw(st.sampled_from([0, 5, np.int64(3), "generator"])), draw(st.sampled_from(FORMATS))
    hostile = draw(st.integers(0, 3))
    if hostile == 0:
        seed = draw(st.sampled_from(SEEDS))
    if hostile == 1:
        dtype = draw(st.sampled_from(DTYPES))
    good_dtype = dtype is None or dtype in FORMATS or dtype in (float, complex, "float32", ">f8", "f4")
    good_seed = seed is None or seed == "generator" or (
        isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0)
    counts = {name: whole(one) for name, one in zip("DHK", (D, H, K))}
    wrong = {name for name, n in counts.items() if n is None or n < 1 or n > 10**6}
    wrong |= (set() if good_dtype else {"dtype"}) | (set() if good_seed else {"seed"})
    huge = any(n is not None and 64 < n <= 10**6 for n in counts.values())
    hypothesis.assume(not huge)

    def call():
        given = np.random.default_rng(7) if isinstance(seed, str) and seed == "generator" else seed
        return lstmlib.init_weights(D.value, H.value, K.value, given, dtype)

    def check(result):
        native = np.dtype(dtype).newbyteorder("=")
        if (result.D, result.H, result.K, result.dtype) != (*counts.values(), native):
            raise Failure("wrong dtype or shape", repr(result))
        n = counts["H"]
        if (result.b[n:2 * n] != 1).any() or max(abs(result.Wh).max(), abs(result.Wx).max()) > (1 + 1e-3) / n ** 0.5:
            raise Failure("wrong value", "out of range")
        if isinstance(seed, int | np.integer):
            again = np.random.default_rng(int(seed)).uniform(-1, 1, (result.D, 4 * n)) / np.sqrt(n)
            if not np.array_equal(result.Wx, again.astype(dtype)):
                raise Failure("wrong value", "Wx")

    return Case(call, {"D": D.value, "H": H.value, "K": K.value, "seed": seed, "dtype": dtype}, wrong, check)


@st.composite
def one_step(draw):
    """step(weights, x, h_prev, c_prev) and step_backward(weights, trace, dy, dh_next, dc_next)."""
    B, D, H, K = (draw(sizes) for _ in range(4))
    given = draw(given_weights(D, H, K))
    dtype = dtype_of(given)
    x, h_prev, c_prev = (draw(given_array((B, size), dtype)) for size in (D, H, H))
    rows = accepted(x, (None, D), dtype)
    meanings = {"x": rows, "h_prev": accepted(h_prev, (B if rows is None else len(rows), H), dtype),
                "c_prev": accepted(c_prev, (B if rows is None else len(rows), H), dtype)}
    wrong = at_fault(weights=given.meaning, **meanings)
    backwards = draw(st.booleans()) and not wrong
    if backwards:
        return draw(one_step_backward(given.meaning, meanings))
    form = Format(dtype)
    truths = None if wrong else reference.forward(form, arrays_of(given.meaning), rows[None], meanings["h_prev"],
                                                  meanings["c_prev"])

    def check(result):
        y, h, c, trace = result
        verdicts = [close(name, mine, truth[0], dtype) for name, mine, truth in
                    zip(("y", "h", "c"), (y, h, c), truths[:3])]
        finite("step", Format(float), y, h, c, *trace)
        return worst(verdicts)

    return Case(lambda: lstmlib.step(given.value, x.value, h_prev.value, c_prev.value),
                {"weights": given.value, "x": x.value, "h_prev": h_prev.value, "c_prev": c_prev.value}, wrong, check,
                lambda: {"y"} if form.overflowed else ())


@st.composite
def one_step_backward(draw, weights, meanings):
    B = len(meanings["x"])
    try:
        *_, trace = lstmlib.step(weights, *meanings.values())
    except ValueError:  # overflow: `one_step` judges that
        hypothesis.reject()
    kind, came = draw(st.integers(0, 11)), trace
    if kind == 0:
        came = draw(st.sampled_from([
            None, tuple(trace), 1.0, {}, trace._replace(x="abc"), trace._replace(h=trace.h[:, :0]),
            trace._replace(c=trace.c[0]), type(trace)(*range(9)), trace._replace(g=None)]))
    if kind == 1:
        other = np.float32 if weights.dtype != np.float32 else complex
        came = type(trace)(*(a.real.astype(other) for a in trace))
    dy, dh, dc = (draw(given_array((B, size), weights.dtype)) for size in (weights.K, weights.H, weights.H))
    read = {name: accepted(one, (B, size), weights.dtype) for name, one, size in
            (("dy", dy, weights.K), ("dh_next", dh, weights.H), ("dc_next", dc, weights.H))}
    form = Format(weights.dtype)

    def check(result):
        gradient, dh_prev, dc_prev = result
        now = reference.Step(form, *trace)
        with np.errstate(all="ignore"):
            through = form.exact(read["dy"]) @ form.exact(weights.Wy).transposed() + form.exact(read["dh_next"])
            dz, dc_whole = now.gates(through, form.exact(read["dc_next"]))
            dc_whole * now.c_prev  # step_backward multiplies these first, which may overflow
            dz, y = reference.joined(dz), form.exact(read["dy"])
            truths = dict(Wx=now.x.transposed() @ dz, Wh=now.h_prev.transposed() @ dz, b=dz.sum(-2),
                          Wy=now.h.transposed() @ y, by=y.sum(-2))
            back = dz @ form.exact(weights.Wh).transposed(), dc_whole * now.f
        return worst([close_weights(gradient, truths, weights.dtype), close("dh_prev", dh_prev, back[0], weights.dtype),
                      close("dc_prev", dc_prev, back[1], weights.dtype)])

    return Case(lambda: lstmlib.step_backward(weights, came, dy.value, dh.value, dc.value),
                {"weights": weights, "trace": came, "dy": dy.value, "dh_next": dh.value, "dc_next": dc.value},
                at_fault(**read) | (set() if came is trace else {"trace"}), check)


@st.composite
def forwards(draw):
    """forward(weights, X, h0, c0), and the attributes of its Trace."""
    T, B, D, H, K = (draw(sizes) for _ in range(5))
    given = draw(given_weights(D, H, K))
    dtype = dtype_of(given)
    X = draw(given_array((T, B, D), dtype))
    h0, c0 = (draw(optional(given_array((B, H), dtype))) for _ in "hc")
    read = accepted(X, (None, None, D), dtype)
    columns = B if read is None else read.shape[1]
    states = {name: np.zeros((columns, H), dtype) if one is None or one.value is None
              else accepted(one, (columns, H), dtype) for name, one in (("h0", h0), ("c0", c0))}
    wrong = at_fault(weights=given.meaning, X=read, **states)
    form = Format(dtype)
    values = [None if one is None else one.value for one in (h0, c0)]
    truths = None if wrong else reference.forward(form, arrays_of(given.meaning), read, states["h0"], states["c0"])

    def check(trace):
        verdicts = []
        names = zip(("Y", "h", "c"), (trace.Y, trace.h, trace.c), truths[:3])
        for name, mine, of_t in names:
            same_form(name, mine, dtype, (len(read), columns, K if name == "Y" else H))
            verdicts += [close(f"{name} at {t}", np.array(mine[t]), truth, dtype) for t, truth in enumerate(of_t)]
        for k, gate in enumerate("ifgo"):
            verdicts += [close(f"{gate} at {t}", np.array(getattr(trace, gate)[t]), truth[k], dtype)
                         for t, truth in enumerate(truths[3])]
        if trace.X.tobytes() != np.ascontiguousarray(read).tobytes():
            raise Failure("wrong value", "X")
        if trace.h_prev[0].tobytes() != states["h0"].tobytes() or trace.c_prev[0].tobytes() != states["c0"].tobytes():
            raise Failure("wrong value", "h0 or c0")
        for name in ("X", "Y", "gates", "hiddens", "cells", "i", "f", "g", "o", "h", "c", "h_prev", "c_prev"):
            finite(name, Format(float), getattr(trace, name))
            if getattr(trace, name).flags.writeable:
                raise Failure("wrong value", f"{name} can be written to")
        return worst(verdicts)

    return Case(lambda: lstmlib.forward(given.value, X.value, *values),
                {"weights": given.value, "X": X.value, "h0": values[0], "c0": values[1]}, wrong, check,
                lambda: {"Y"} if form.overflowed else ())


def some_trace(draw, weights, T, B, scales=SCALES):
    """A trace of finite numbers."""
    X = draw(numbers_in((T, B, weights.D), weights.dtype, scales))
    h0, c0 = (draw(numbers_in((B, weights.H), weights.dtype, scales)) for _ in "hc")
    try:
        return lstmlib.forward(weights, X, h0, c0)
    except ValueError:  # overflow: `forwards` judges that
        hypothesis.reject()


def steps_of(form, trace):
    return [reference.Step(form, trace.X[t], trace.h_prev[t], trace.c_prev[t], trace.i[t], trace.f[t], trace.g[t],
                           trace.o[t], trace.c[t], trace.h[t]) for t in range(len(trace.X))]


edge_sets = st.one_of(st.sets(st.sampled_from(EDGES)).map(frozenset), st.lists(st.sampled_from(EDGES)),
                      st.lists(st.sampled_from(EDGES)).map(tuple))


@st.composite
def given_edges(draw):
    """Given edges: the meaning is a frozenset of names, or None."""
    if draw(st.integers(0, 7)) == 0:
        return Given(draw(st.sampled_from(NO_EDGES)), None, "no edges")
    value = draw(edge_sets)
    dress = draw(st.sampled_from(["plain", "plain", "dict", "array", "keys"]))
    made = {"plain": value, "dict": dict.fromkeys(value), "array": np.array(sorted(value), dtype="<U8"),
            "keys": dict.fromkeys(value).keys()}[dress]
    return Given(made, frozenset(value), dress)


@st.composite
def backwards(draw):
    """backward(weights, trace, dY, at): with a hook of scale_at, or none."""
    T, B, D, H, K = (draw(sizes) for _ in range(5))
    good = draw(some_weights(D, H, K))
    trace = some_trace(draw, good, T, B)
    kind, weights, came, wrong = draw(st.integers(0, 20)), good, trace, set()
    if kind == 0:
        weights, wrong = draw(given_weights(D + 1, H, K, dtype=good.dtype)).value, {"weights", "trace"}
    if kind == 1:
        came, wrong = draw(st.sampled_from([None, trace.Y, tuple(range(5)), "trace", {}, Trace])), {"trace"}
    if kind == 2:
        other = some_trace(draw, draw(some_weights(D, H, K, dtype=np.float32 if good.dtype != np.float32 else complex,
                                                   scales=MODEST)), T, B, MODEST)
        came, wrong = other, {"trace"}
    lead = draw(st.sampled_from([(), (), (2,), (1, 2)]))
    dY = draw(given_array(lead + (T, B, K), good.dtype))
    read = accepted(dY, (T, B, K), good.dtype, leading=True)
    edges, factor = draw(edge_sets), draw(st.sampled_from([0.5, 1 / 7, 2, 0, -1.0, 1024]))
    at = draw(st.sampled_from([None, lstmlib.scale_at(edges, factor)]))
    if kind == 3:
        at, wrong = draw(st.sampled_from([1, "dW", {"dW"}, [], {}, lstmlib, np.ones(2)])), {"at"}
    form = Format(good.dtype)

    def check(result):
        scales = {} if at is None else dict.fromkeys(edges, factor)
        truths, *_ = reference.backward(form, arrays_of(good), steps_of(form, trace), read, scales)
        return close_weights(result, truths, good.dtype)

    return Case(lambda: lstmlib.backward(weights, came, dY.value, at),
                {"weights": weights, "trace": came, "dY": dY.value, "at": at, "edges": sorted(edges), "factor": factor},
                wrong | at_fault(dY=read), check)


def in_place(gradient, factor):
    gradient *= factor
    return gradient


HOOKS = {  # what a hook does on its edge -> the factor that this amounts to, or the word of the error it must lead to
    "returns it": (lambda d: d, 1),
    "a copy": (lambda d: d.copy(), 1),
    "a list": (lambda d: d.tolist(), 1),
    "wider": (lambda d: d.astype(np.result_type(d, float)), 1),
    "half": (lambda d: d * 0.5, 0.5),
    "in place": (lambda d: in_place(d, 0.5), 0.5),
    "Fortran order": (lambda d: np.asfortranarray(d), 1),
    "masked array, nothing masked": (lambda d: np.ma.array(d), 1),
    "whole zeros": (lambda d: np.zeros(d.shape, int), 0),
    "false": (lambda d: np.zeros(d.shape, bool), 0),
    "view of its own": (lambda d: d[...], 1),
    "not finite": (lambda d: np.full_like(d, np.nan), "not finite"),
    "nothing": (lambda d: None, "at"),
    "text": (lambda d: "abc", "at"),
    "a number": (lambda d: 0.5, "at"),
    "less": (lambda d: d[..., :-1], "at"),
    "more": (lambda d: d[None], "at"),
    "objects": (lambda d: d.astype(object), "at"),
    "ragged": (lambda d: [[1.0], [1.0, 2.0]], "at"),
    "a dict": (lambda d: {"d": d}, "at"),
    "a function": (lambda d: np.tanh, "at"),
    "masked": (lambda d: np.ma.array(d, mask=True), "at"),
    "dates": (lambda d: np.zeros(d.shape, "datetime64[s]"), "at"),
    "raises": (lambda d: [][1], "raises"),
}


@st.composite
def hooks(draw):
    """backward with a hook that does one odd thing on one edge."""
    T, B, D, H, K = (draw(sizes) for _ in range(5))
    weights = draw(some_weights(D, H, K, scales=MODEST))
    trace = some_trace(draw, weights, T, B, MODEST)
    dY = draw(numbers_in((T, B, K), weights.dtype, MODEST))
    edge, doing = draw(st.sampled_from(EDGES)), draw(st.sampled_from(list(HOOKS)))
    does, factor = HOOKS[doing]
    never_called = T == 1 and edge in ("dh_next", "dc_next")
    form = Format(weights.dtype)

    def call():
        try:
            return lstmlib.backward(weights, trace, dY, lambda at, d: does(d) if at == edge else d)
        except IndexError:
            return "raised its own"

    def check(result):
        if doing == "raises" and not never_called:
            if result != "raised its own":
                raise Failure("wrong value", "the error of the hook did not come through")
            return None
        if doing == "not finite" and not never_called:
            return expect(not result.finite, "a hook's NaN was lost")
        truths, *_ = reference.backward(form, arrays_of(weights), steps_of(form, trace), dY,
                                        {} if never_called else {edge: factor})
        return close_weights(result, truths, weights.dtype)

    return Case(call, {"weights": weights, "trace": trace, "dY": dY, "edge": edge, "doing": doing},
                {"at"} if factor == "at" and not never_called else set(), check)


@st.composite
def given_mask(draw, T, B):
    """A mask; the meaning is an array of truths, or None."""
    truths = np.random.default_rng(draw(st.integers(0, 999))).random((T, B)) < draw(st.sampled_from([0, 0.5, 0.5, 1]))
    if draw(st.booleans()):
        return Given(None, np.ones((T, B), bool), "None")
    one = draw(given_array((T, B), scales=(1.0,)))
    if one.dress in ("plain", "not finite"):
        value = truths.astype(draw(st.sampled_from([bool, bool, int, float, np.float16, np.uint8, np.longdouble])))
        return Given(value, truths, "mask")
    if one.dress == "list":
        return Given(truths.tolist(), truths, "list")
    if one.dress == "DataFrame":
        return Given(type(one.value)(truths), truths, "DataFrame")
    a = one.meaning
    if one.value is None:
        return Given(None, np.ones((T, B), bool), "None")
    if a is None or a.dtype.kind not in "buif" or a.shape != (T, B) or not np.isin(a, (0, 1)).all():
        return Given(one.value, None, one.dress)
    return Given(one.value, a != 0, one.dress)


@st.composite
def squared_errors(draw):
    """squared_error(Y, targets, mask)."""
    T, B, K = (draw(sizes) for _ in range(3))
    dtype = draw(st.sampled_from(FORMATS))
    Y, targets = draw(given_array((T, B, K), dtype)), draw(given_array((T, B, K), dtype))
    read = accepted(Y, (None, None, None))
    shape = (T, B, K) if read is None else read.shape
    mask = draw(given_mask(*shape[:2]))
    aims = accepted(targets, shape, None if read is None else read.dtype)
    wrong = at_fault(Y=read, mask=mask.meaning) | (set() if read is None else at_fault(targets=aims))

    def check(result):
        loss, dY = result
        form, counts = Format(read.dtype), mask.meaning[..., None]
        with np.errstate(all="ignore"):
            truth = np.where(counts, read.astype(form.wide) - aims.astype(form.wide), 0)
            whole_loss = (truth ** 2).sum() / 2
            slack = (8 * form.eps + 1e-15) * (abs(truth) ** 2).sum() + 4 * (abs(truth) * form.tiny).sum() + form.tiny
        same_form("dY", dY, read.dtype, read.shape)
        verdict = near("dY", dY, truth, 2 * form.eps * abs(truth) + form.tiny, form)
        beyond = Format(complex if read.dtype.kind == "c" else float)
        return worst([verdict, loss_near(loss, whole_loss, slack, beyond, "loose" if verdict else None)])

    return Case(lambda: lstmlib.squared_error(Y.value, targets.value, mask.value),
                {"Y": Y.value, "targets": targets.value, "mask": mask.value}, wrong, check)


def loss_near(loss, truth, error, form, overflowed=None):
    """A plain float or complex number."""
    if type(loss) is not (complex if form.wide is np.clongdouble else float):
        raise Failure("wrong dtype or shape", f"loss {type(loss)}")
    if overflowed:
        return overflowed
    return near("loss", np.array(loss), np.array(truth), error + form.tiny, form)


@st.composite
def cross_entropies(draw):
    """cross_entropy(logits, labels, mask)."""
    T, B, K = (draw(sizes) for _ in range(3))
    dtype = draw(st.sampled_from(FORMATS))
    logits = draw(given_array((T, B, K), dtype))
    read = accepted(logits, (None, None, None))
    shape = (T, B, K) if read is None else read.shape
    mask = draw(given_mask(*shape[:2]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    labels = draw(given_labels(rng.integers(0, shape[2], shape[:2])))
    a = labels.meaning
    fits = a is not None and a.dtype.kind in "iu" and a.shape == shape[:2]
    if fits and mask.meaning is not None:
        fits = all(0 <= label < shape[2] for label in a[mask.meaning].tolist())
    wrong = at_fault(logits=read, mask=mask.meaning) | (set() if fits or read is None else {"labels"})

    def check(result):
        loss, dlogits = result
        counts = mask.meaning
        (truth, slack), (gradient, error) = reference.entropy(read, np.where(counts, a, 0).astype(int), counts)
        same_form("dlogits", dlogits, read.dtype, read.shape)
        return worst([near("dlogits", dlogits, gradient, error, Format(read.dtype)),
                      loss_near(loss, truth, slack, Format(complex if read.dtype.kind == "c" else float))])

    return Case(lambda: lstmlib.cross_entropy(logits.value, labels.value, mask.value),
                {"logits": logits.value, "labels": labels.value, "mask": mask.value}, wrong, check)


@st.composite
def given_labels(draw, labels):
    """Labels in many dtypes, now and then out of range, or no labels at all."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(given_array(labels.shape, scales=(1.0,)))
    if kind == 1:
        labels = labels.copy()
        labels.ravel()[-1] = draw(st.sampled_from([-1, 3, 100, -2**63, 2**62]))
        return Given(labels, labels.copy(), "out of range")
    dtype = draw(st.sampled_from([np.int64, np.int64, np.int8, np.uint8, np.uint64, np.int32, ">i4", np.uint32]))
    labels = labels.astype(dtype)
    dress = draw(st.sampled_from(["plain", "plain", "list", "Fortran order", "read-only", "strides"]))
    made = {"plain": labels.copy(), "list": labels.tolist(), "Fortran order": np.asfortranarray(labels),
            "read-only": np.broadcast_to(labels, labels.shape), "strides": labels[::-1].copy()[::-1]}[dress]
    return Given(made, np.array(made), dress)


@st.composite
def scales(draw):
    """scale_at(edges, factor), and the hook that it makes."""
    edges, factor = draw(given_edges()), draw(given_number())
    meaning = factor.meaning
    bad_factor = meaning is None or not np.isfinite(meaning)
    wrong = at_fault(edges=edges.meaning) | ({"factor"} if bad_factor else set())
    dtype = draw(st.sampled_from(FORMATS))
    gradient, edge = draw(numbers_in((2, 3), dtype)), draw(st.sampled_from(EDGES))

    def check(hook):
        result = hook(edge, gradient)
        if edge not in edges.meaning:
            if result is not gradient:
                raise Failure("wrong value", "an edge outside the set")
            return None
        kind = np.result_type(dtype, 1j if isinstance(meaning, complex) else 1.0)
        form = Format(kind)
        with np.errstate(all="ignore"):
            truth = gradient.astype(form.wide) * meaning
        same_form("gradient", result, kind, gradient.shape)
        return near("gradient", result, truth, 4 * form.eps * abs(truth) + form.tiny, form)

    def call():
        hook = lstmlib.scale_at(edges.value, factor.value)
        hook(edge, gradient)  # in here, so that a warning counts
        return hook

    return Case(call, {"edges": edges.value, "factor": factor.value, "gradient": gradient, "edge": edge}, wrong, check)


@st.composite
def once(draw):
    """crosses_exactly_once(edges, T)."""
    edges = draw(given_edges())
    T = given_count(draw, st.sampled_from([1, 2, 3, 4, 5, 10**4, 10**12]), 4)
    steps = whole(T)
    wrong = at_fault(edges=edges.meaning) | (set() if steps is not None and 1 <= steps <= sys.maxsize else {"T"})

    def check(result):
        found = reference.crossings(edges.meaning, min(steps, 5))
        truth = {name: found["dWy" if name in ("Wy", "by") else "dW"] == {1} for name in NAMES}
        if result != truth or any(type(value) is not bool for value in result.values()):
            raise Failure("wrong value", f"{result}, not {truth}")

    return Case(lambda: lstmlib.crosses_exactly_once(edges.value, T.value), {"edges": edges.value, "T": T.value}, wrong,
                check)


@st.composite
def spectra(draw):
    """crossing_spectrum(weights, trace, dY, edges): its polynomial against backward with a factor."""
    T, B, D, H, K = (draw(sizes) for _ in range(5))
    weights = draw(some_weights(D, H, K))
    trace = some_trace(draw, weights, T, B)
    came, wrong = trace, set()
    if draw(st.integers(0, 20)) == 0:
        came, wrong = draw(st.sampled_from([None, trace.Y, "trace", 3, Trace])), {"trace"}
    dY, edges = draw(given_array((T, B, K), weights.dtype)), draw(given_edges())
    read = accepted(dY, (T, B, K), weights.dtype)

    def check(result):
        found = reference.crossings(edges.meaning, T)
        k_max = max(max(counts) for counts in found.values())
        if result.lead != (k_max + 1,):
            raise Failure("wrong dtype or shape", f"{result.lead}, expected {(k_max + 1,)}")
        verdicts = []
        for s in (1, -1, 0.5):
            form = Format(weights.dtype)
            steps = steps_of(form, trace)
            whole_truth, *_ = reference.backward(form, arrays_of(weights), steps, read)
            truths, *_ = reference.backward(form, arrays_of(weights), steps, read, dict.fromkeys(edges.meaning, s))
            for name, array in result.items():
                finite(name, form, array)
                powers = np.longdouble(s) ** np.arange(k_max + 1)
                with np.errstate(all="ignore"):
                    value = (array.astype(form.wide) * powers.reshape(-1, *[1] * (array.ndim - 1))).sum(0)
                truths[name].error = (k_max + 1) * (truths[name].error + whole_truth[name].error)
                verdicts.append("loose" if form.overflowed else None)
                if not form.overflowed and truths[name].misfit(value, 8):
                    raise Failure("wrong value", f"{name} at s = {s}: {value} for {truths[name].value}")
        return worst(verdicts)

    return Case(lambda: lstmlib.crossing_spectrum(weights, came, dY.value, edges.value),
                {"weights": weights, "trace": came, "dY": dY.value, "edges": edges.value},
                wrong | at_fault(dY=read, edges=edges.meaning), check)


OBJECTIVES = {  # name -> (f, its slope at an array) or (f, None) where it must be refused
    "squares": (lambda w: sum((array ** 2).sum() for array in arrays_of(w)), lambda a: 2 * a),
    "cubes": (lambda w: sum((array ** 3).sum() for array in arrays_of(w)), lambda a: 3 * a ** 2),
    "constant": (lambda w: 1.5, np.zeros_like),
    "whole": (lambda w: 3, np.zeros_like),
    "fraction": (lambda w: np.float32(0.25), np.zeros_like),
    "0-d array": (lambda w: np.array(sum(array.sum() for array in arrays_of(w))), lambda a: 1 + 0 * a),
    "nothing": (lambda w: None, None),
    "text": (lambda w: "3", None),
    "true": (lambda w: True, None),
    "an array": (lambda w: w.b, None),
    "nan": (lambda w: np.nan, None),
    "infinite": (lambda w: float("inf"), None),
    "weights": (lambda w: w, None),
}


@st.composite
def numerical(draw):
    """numerical_gradient(f, weights, method)."""
    given = draw(given_weights(1, 1, 1, scales=MODEST))
    name, method = draw(st.sampled_from(list(OBJECTIVES))), draw(st.sampled_from(["complex", "complex", "central"]))
    objective, slope = OBJECTIVES[name]
    f = objective = np.errstate(all="ignore")(objective)  # the warnings of a reader's function are his own
    wrong = set() if slope else {"f"}
    if draw(st.integers(0, 9)) == 0:
        f, wrong = draw(st.sampled_from([None, 1.0, "f", [], given.value])), {"f"}
    if draw(st.integers(0, 9)) == 0:
        method = draw(st.sampled_from(["Complex", "", None, 3, ["complex"], np.ones(2), b"central"]))
        wrong = wrong | {"method"}
    weights = given.value
    if not isinstance(weights, Weights) or weights.dtype.kind == "c":
        wrong = wrong | {"weights"}
    elif slope and not np.isfinite(objective(weights.map(lambda a: a.astype(float)))):
        wrong = wrong | {"f"}

    def check(result):
        largest = max(abs(array).max() for array in arrays_of(weights)) + np.longdouble(1)
        rounding = 1e-9 * (largest + len(NAMES) * 12) ** 3  # of f itself, in central differences
        error = 1e-30 if method == "complex" or slope is np.zeros_like else rounding
        return each_entry(result, slope, lambda truth, a: error + 1e-14 * abs(truth), np.dtype(float), weights)

    return Case(lambda: lstmlib.numerical_gradient(f, weights, method),
                {"f": name, "weights": weights, "method": method}, wrong, check)


@st.composite
def optimisers(draw):
    """sgd, momentum and adam, a few steps; with every setting a number, or hostile."""
    D, H, K = draw(sizes), draw(sizes), draw(sizes)
    name = draw(st.sampled_from(["sgd", "momentum", "adam"]))
    optimise = getattr(lstmlib, name)
    given = draw(given_weights(D, H, K))
    weights = given.value
    dtype = dtype_of(given)
    given_gradient = draw(given_weights(D, H, K, dtype=dtype if draw(st.integers(0, 3)) else None))
    gradient = given_gradient.value
    ranges = {"rate": (5e-324, 1.79e308), "beta": (0, 1 - 1e-16), "beta1": (0, 1 - 1e-16), "beta2": (0, 1 - 1e-16),
              "epsilon": (0, 1.79e308)}
    of = {"sgd": ["rate"], "momentum": ["rate", "beta"], "adam": ["rate", "beta1", "beta2", "epsilon"]}[name]
    options = {key: draw(given_number()) for key in of if draw(st.integers(0, 4)) == 0}
    wrong = {key for key, one in options.items() if one.meaning is None or isinstance(one.meaning, complex) or
             not ranges[key][0] <= one.meaning <= ranges[key][1]}
    state, steps = draw(given_state(name, gradient)), 1 + draw(st.integers(0, 1))
    wrong |= {"state", *NAMES} if state.meaning is None else set()
    wrong |= set() if isinstance(weights, Weights) else {"weights"}
    bad_gradient = not isinstance(gradient, Weights) or not gradient.finite or (
        isinstance(weights, Weights) and (gradient.lead != weights.lead or
                                          (gradient.dtype.kind == "c" and dtype.kind != "c")))
    wrong |= {"gradient", *NAMES} if bad_gradient else set()
    overflows = not bad_gradient and any(
        (abs(a.astype(np.clongdouble)) > (1e150 if name == "adam" else float(np.finfo(a.dtype).max) / 4)).any()
        for a in arrays_of(gradient))
    values = {key: one.value for key, one in options.items()}

    def call():
        moved, kept = optimise(weights, gradient, state.value, **values)
        for _ in range(steps - 1):
            moved, kept = optimise(moved, gradient, kept, **values)
        return moved, kept

    def check(result):
        setting = {"rate": 0.001 if name == "adam" else 0.1, "beta": 0.9, "beta1": 0.9, "beta2": 0.999,
                   "epsilon": 1e-8} | {key: one.meaning for key, one in options.items()}
        eps = Format(gradient.dtype).eps
        return each_entry(result[0], lambda w, g: follow(name, w, g, steps, **setting)[0],
                          lambda truth, w, g: optimiser_error(name, dtype, eps, w, g, steps, setting),
                          dtype, weights, gradient)

    return Case(call, {"optimiser": name, "weights": weights, "gradient": gradient, "state": state.value, **values},
                wrong, check, lambda: {"gradient"} if overflows else ())


@st.composite
def given_state(draw, name, gradient):
    """None, which is right; or something that is no state of the optimiser."""
    if name == "sgd" or draw(st.integers(0, 6)):
        return Given(None, True, "None")
    small = lstmlib.init_weights(1, 1, 2)
    no_state = {
        "momentum": [3, "v", (1, 2), {}, np.ones(3), small, [gradient]],
        "adam": [3, "state", (), (1, 2, 3), [1, 2, 3], (gradient, gradient), (gradient, gradient, "t"),
                 (gradient, gradient, 1.5), (gradient, gradient, -1), (small, small, 1), (None, None, 1), gradient,
                 (gradient, gradient, True), {}],
    }[name]
    return Given(draw(st.sampled_from(no_state)), None, "no state")


def follow(name, w, g, steps, rate, beta, beta1, beta2, epsilon):
    """The optimiser for every entry, in extended precision; also the sizes of its moves."""
    m = v = 0 * g
    rate, moves = np.longdouble(rate), 0 * abs(w)
    for t in range(1, steps + 1):
        if name == "adam":
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g ** 2
            size = np.sqrt(v / (1 - np.longdouble(beta2) ** t)) + epsilon
            move = np.where(size == 0, 0, m / (1 - np.longdouble(beta1) ** t) / np.where(size == 0, 1, size))
        else:
            v = beta * v + g if name == "momentum" else g
            move = v
        w, moves = w - rate * move, moves + abs(rate * move)
    return w, moves


def optimiser_error(name, dtype, eps, w, g, steps, setting):
    """Rounding; and for Adam the squares of the tiniest gradients, which underflow."""
    form = Format(dtype)
    moved, moves = follow(name, w, g, steps, **setting)
    error = 40 * max(form.eps, eps) * (abs(w) + moves) + 4 * form.tiny * (1 + setting["rate"])
    if name == "adam":
        if setting["epsilon"] > 0:
            # m and the product of m and the rate are divided by epsilon; both may be subnormal
            error = error + Format(float).tiny * (100 * setting["rate"] + 4) / setting["epsilon"]
        error = np.where((abs(g) < 1e-150) & (setting["epsilon"] < 1e-140), np.inf, error)
    return error


@st.composite
def clips(draw):
    """clip_by_norm and clip_by_value."""
    given, limit = draw(given_weights(draw(sizes), draw(sizes), draw(sizes))), draw(given_number())
    gradient, clip = given.value, draw(st.sampled_from([lstmlib.clip_by_norm, clip_by_value]))
    bad_limit = limit.meaning is None or isinstance(limit.meaning, complex) or not 0 < limit.meaning < np.inf
    bad = not isinstance(gradient, Weights) or not gradient.finite or (
        clip is clip_by_value and gradient.dtype.kind == "c")
    wrong = ({"limit"} if bad_limit else set()) | ({"gradient"} if bad else set())

    def check(result):
        norm = np.sqrt((abs(flat(gradient)) ** 2).sum())
        factor = limit.meaning / norm if norm > limit.meaning else np.longdouble(1)
        form = Format(gradient.dtype)

        def formula(x):
            return np.clip(x, -limit.meaning, limit.meaning) if clip is clip_by_value else x * factor

        verdict = each_entry(result, formula, lambda truth, x: 4 * form.eps * abs(truth), gradient.dtype, gradient)
        if clip is lstmlib.clip_by_norm and result is not gradient and norm < 0.99 * limit.meaning:
            raise Failure("wrong value", "a short gradient was changed")
        return verdict

    return Case(lambda: clip(gradient, limit.value),
                {"clip": clip.__name__, "gradient": gradient, "limit": limit.value}, wrong, check)


@st.composite
def tasks(draw):
    """adding_problem(T, B, rng) and reber_strings(n, rng, embedded)."""
    adding, seed = draw(st.booleans()), draw(st.integers(0, 10**6))
    T, B = given_count(draw, st.integers(6, 40), 5), given_count(draw, st.integers(1, 5), 5)
    no_rng = draw(st.sampled_from(NO_GENERATORS)) if draw(st.integers(0, 5)) == 0 else Given
    embedded = draw(st.sampled_from([True, False, True, False, np.True_, None, "no", 0, 2.0, np.ones(2)]))
    counts = {"T": (T, 6), "B": (B, 1)} if adding else {"n": (B, 1)}
    read = {name: whole(one) for name, (one, _) in counts.items()}
    hypothesis.assume(not any(n is not None and 1000 < n < 10**12 for n in read.values()))
    wrong = {name for name, n in read.items() if n is None or n < counts[name][1] or n > 10**6}
    wrong |= set() if no_rng is Given else {"rng"}
    if not adding and not isinstance(embedded, bool | np.bool_):
        wrong |= {"embedded"}

    def call():
        rng = np.random.default_rng(seed) if no_rng is Given else no_rng
        if adding:
            return lstmlib.adding_problem(T.value, B.value, rng)
        return lstmlib.reber_strings(B.value, rng, embedded)

    def check(result):
        (adding_is_right if adding else reber_is_right)(*result, *read.values(), embedded)

    return Case(call, {"adding": adding, "T": T.value, "B": B.value, "rng": str(no_rng), "embedded": embedded}, wrong,
                check)


def expect(truth, words):
    if not truth:
        raise Failure("wrong value", words)


def adding_is_right(X, targets, mask, T, B, _):
    last = mask.argmax(0)
    expect(X.shape == (last.max() + 1, B, 2) and targets.shape == (*mask.shape, 1), "shapes")
    expect((mask.sum(0) == 1).all() and (last + 1 >= T).all() and (last + 1 <= T + T // 10).all(), "lengths")
    for k in range(B):
        number, marker = X[:last[k] + 1, k].T
        marked = np.flatnonzero(marker == 1)
        total = number[marked].sum()
        expect(marker[0] == marker[-1] == -1 and 1 <= len(marked) <= 2 and (abs(number) <= 1).all(), "markers")
        expect(abs(targets[last[k], k, 0] - (0.5 + total / 4)) < 1e-12 and (X[last[k] + 1:, k] == 0).all(), "target")


def reber_is_right(X, labels, mask, n, embedded):
    expect(X.shape == (*mask.shape, 7) and labels.shape == mask.shape and mask.shape[1] == n, "shapes")
    grammar = r"B(PT*VV|(TS*X|PT*VP)(XT*VP)*(S|XT*VV))E"
    for k in range(n):
        length = mask[:, k].sum()
        text = "".join("BTPSXVE"[s] for s in [*X[:length, k].argmax(-1), labels[length - 1, k]])
        expect((X[:length, k, :].sum(-1) == 1).all() and (X[length:, k] == 0).all(), "one-hot")
        expect((labels[:length - 1, k] == X[1:length, k].argmax(-1)).all(), "labels")
        inner = text[2:-2] if embedded else text
        expect(not embedded or (text[0] == "B" and text[1] == text[-2] in "TP" and text[-1] == "E"), "frame")
        expect(re.fullmatch(grammar, inner), text)


@st.composite
def explorers(draw):
    """Explorer.set and Explorer.choose: a wrong value leaves everything as it was."""
    explorer = laboratory()
    with contextlib.suppress(Exception):
        explorer.choose("Reset")
    name = draw(st.sampled_from([*explorer.controls, "nothing of the kind", "state", "__class__"]))
    value = draw(st.one_of(given_number().map(lambda one: one.value), st.sampled_from(CHOICES)))
    choosing = draw(st.booleans())
    preset = draw(st.sampled_from([*explorer.presets, "reset", "", "<b>", 3, None, "Reset "]))

    def call():
        before = explorer.state, explorer.picture.value
        try:
            explorer.choose(preset) if choosing else explorer.set(**{name: value})
        except Exception as error:
            if (explorer.state, explorer.picture.value) != before:
                raise Failure("changed an argument", f"state after {error}") from error
            if type(error).__name__ not in ("TypeError", "ValueError", "TraitError") and explorer.error is not error:
                raise Failure("undocumented error", f"{type(error).__name__}: {error}") from error
            return "refused"
        return "shown"

    def check(result):
        drawing = explorer.picture.value
        expect((explorer.error is None or result == "refused") and "<script" not in drawing, "picture")
        expect(not re.search(r"\b(nan|inf)\b", drawing.lower()), "nan in the picture")
        there = isinstance(preset, str) and preset in explorer.presets
        expect(not choosing or (result == "shown") == there, f"{preset!r}: {result}")

    return Case(call, {"name": name, "value": value, "preset": preset, "choosing": choosing}, set(), check)


@cache
def laboratory():
    """One explorer for all cases."""
    from lstmlib.explorers.where_to_divide import laboratory as made
    return made()


@st.composite
def feedback(draw):
    """exercises.base.check and expect: whatever the answer is, the feedback is printed and nothing is raised."""
    from lstmlib.exercises import base
    expected = draw(st.sampled_from(EXPECTED))
    right = draw(st.integers(0, 3)) == 0
    answer = expected if right else draw(st.one_of(st.sampled_from(ANSWERS), given_number().map(lambda one: one.value),
                                                   given_array((3,)).map(lambda one: one.value)))

    def judged(received):
        """Right, for any reader."""
        base.expect(received, expected, given="a case", hint="a hint")

    def call():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            base.check(judged)(answer)
        return printed.getvalue()

    def check(text):
        known = text.startswith(("Right.", "Not yet.", "Not answered yet."))
        expect(known and text.count("\n") <= 12, repr(text[:200]))
        expect(not right or text.startswith("Right."), f"a right answer: {text[:200]}")

    named = "Equal" if isinstance(answer, Equal) else answer
    return Case(call, {"answer": named, "expected": expected}, set(), check)


# Public name(s) -> (cases, their share of all cases).
TARGETS = {
    "Weights": (weights_made, 6), "Weights: arithmetic": (arithmetic, 8),
    "Weights and checking: measures": (measures, 8), "init_weights": (initial, 4),
    "step, step_backward": (one_step, 9), "forward, Trace": (forwards, 12),
    "backward": (backwards, 12), "backward: hooks": (hooks, 6), "squared_error": (squared_errors, 8),
    "cross_entropy": (cross_entropies, 9), "scale_at": (scales, 4), "crosses_exactly_once": (once, 4),
    "crossing_spectrum": (spectra, 6), "numerical_gradient": (numerical, 4), "sgd, momentum, adam": (optimisers, 9),
    "clip_by_norm, clip_by_value": (clips, 4), "adding_problem, reber_strings": (tasks, 4),
    "Explorer.set, .choose": (explorers, 2), "exercises: check, expect": (feedback, 3),
}
