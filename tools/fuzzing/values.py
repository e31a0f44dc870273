"""What may be handed to a function in place of an array or a number: the same numbers in another dress, or no numbers.

A `Given` holds the value and its meaning: the plain array or number that it stands for, None where it stands for none.
"""

import enum
import tempfile
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from lstmlib import Trace, Weights

try:
    import pandas
except ImportError:  # without it these dresses are left out
    pandas = None


class Given(NamedTuple):
    value: Any
    meaning: Any
    dress: str

    def __repr__(self):
        return f"{self.dress}: {shown(self.value)}"


def shown(value):
    """A value in print: some cannot be printed."""
    try:
        return repr(value)[:400]
    except Exception as error:
        return f"{type(value).__name__} without a repr ({error})"


FORMATS = (np.float64, np.float64, np.float64, np.float32, np.float16, np.complex128, np.complex64)
SCALES = (1.0,) * 24 + (0.0, 30.0, 1e3, 1e-5, 1e-30, 1e-200, 1e-310, 1e150, 1e300)
ODD_ENTRIES = (0.0, -0.0, 1e4, -1e4, 65504.0, 65520.0, 3e38, -1.7e308, 5e-324, 1e-45, 6e-8)
NOT_FINITE = (np.nan, np.inf, -np.inf)


class Own(np.ndarray):
    """A subclass of arrays."""


class Convertible:
    """Not an array, but NumPy can make one of it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)


class Raises:
    """NumPy asks it for an array, and it raises."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array today")


class Level(enum.IntEnum):
    TWO = 2


def mapped(a):
    with tempfile.TemporaryFile() as file:
        found = np.memmap(file, a.dtype, "w+", shape=a.shape)
        found[...] = a
    return found


def read_only(a):
    a.flags.writeable = False
    return a


def strided(a):
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def cut(a, low, high, dtype):
    return np.clip(np.nan_to_num(a.real), low, high).astype(dtype)


def some_masked(a):
    mask = np.zeros(a.shape, bool)
    mask.ravel()[0] = True
    return np.ma.array(a, mask=mask)


def holding_itself():
    found = []
    found.append(found)
    return found


def nested(depth=70):
    found = 1.0
    for _ in range(depth):
        found = [found]
    return found


# Each makes a value that stands for the same numbers. {name: array -> value}; the meaning is np.array(value), except
# where a pair (value, meaning) is returned.
SAME = {
    "list": lambda a: a.tolist(),
    "tuple of lists": lambda a: tuple(a.tolist()),
    "list of arrays": list,
    "Fortran order": np.asfortranarray,
    "negative strides": lambda a: a[..., ::-1].copy()[..., ::-1],
    "every other entry": strided,
    "read-only": read_only,
    "memory-mapped": mapped,
    "big-endian": lambda a: (a.astype(a.dtype.newbyteorder(">")), a),
    "zero strides": lambda a: np.broadcast_to(a[:1], a.shape),
    "subclass": lambda a: a.view(Own),
    "masked array, nothing masked": lambda a: np.ma.array(a, mask=False),
    "convertible": lambda a: (Convertible(a), a),
    "memoryview": lambda a: (memoryview(np.ascontiguousarray(a)), a) if a.dtype.kind == "f" else a,
    "float16": lambda a: a.astype(complex if a.dtype.kind == "c" else np.float16),
    "float32": lambda a: a.astype(np.complex64 if a.dtype.kind == "c" else np.float32),
    "longdouble": lambda a: a.astype(np.clongdouble if a.dtype.kind == "c" else np.longdouble),
    "complex128": lambda a: a.astype(np.complex128),
    "complex64": lambda a: a.astype(np.complex64),
    "int64": lambda a: cut(a, -2.0**53, 2.0**53, np.int64),
    "int8": lambda a: cut(a, -128, 127, np.int8),
    "uint8": lambda a: cut(a, 0, 255, np.uint8),
    "uint64": lambda a: cut(a, 0, 2.0**53, np.uint64),
    "bool": lambda a: a != 0,
}
PLANAR = {"matrix": np.matrix} | ({} if pandas is None else {
    "DataFrame": pandas.DataFrame,
    "DataFrame of float32": lambda a: pandas.DataFrame(a.astype(np.complex64 if a.dtype.kind == "c" else np.float32)),
    "DataFrame with names": lambda a: pandas.DataFrame(a, columns=[f"unit {k}" for k in range(a.shape[1])]),
    "transposed DataFrame": lambda a: pandas.DataFrame(a.T.copy()).T,
})
# Each stands for no numbers, or for too few to know what is meant.
NOTHING = {
    "some masked": some_masked,
    "objects": lambda a: a.astype(object),
    "Decimals": lambda a: np.full(a.shape, Decimal("0.5")),
    "Fractions in a list": lambda a: np.full(a.shape, Fraction(1, 3)).tolist(),
    "text": lambda a: a.astype(str),
    "bytes": lambda a: np.full(a.shape, b"1"),
    "dates": lambda a: np.zeros(a.shape, "datetime64[s]"),
    "durations": lambda a: np.zeros(a.shape, "timedelta64[s]"),
    "structured": lambda a: np.zeros(a.shape, [("x", float), ("y", int)]),
    "ragged": lambda a: [[1.0, 2.0], [3.0]],
    "ragged deep": lambda a: [a.tolist(), [1.0]],
    "list with None": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, None, 1.0).tolist(),
    "None inside": lambda a: np.full(a.shape, None),
    "None": lambda a: None,
    "Ellipsis": lambda a: ...,
    "word": lambda a: "abc",
    "dict": lambda a: {"x": a},
    "set": lambda a: {1.0, 2.0},
    "generator": lambda a: (x for x in (1.0, 2.0)),
    "object": lambda a: object(),
    "type": lambda a: float,
    "function": lambda a: np.tanh,
    "holding itself": lambda a: holding_itself(),
    "nested too deep": lambda a: nested(),
    "raises": lambda a: Raises(),
    "deque of deques": lambda a: {"rows": deque([a])},
} | ({} if pandas is None else {
    "Series of text": lambda a: pandas.Series(["a", "b"]),
    "frame of mixed columns": lambda a: pandas.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]}),
    "nullable integers": lambda a: pandas.Series([1, None], dtype="Int64"),
})


def reshaped(a, draw):
    """The array with a wrong shape."""
    axis = draw(st.integers(0, a.ndim - 1))
    return draw(st.sampled_from([
        a[None], a[..., None], a[0], np.take(a, [], axis), np.concatenate([a, np.take(a, [0], axis)], axis),
        a.ravel(), np.float64(1.5), np.zeros(0), a.swapaxes(0, -1), 0, [], [[]], np.zeros((0,) * a.ndim)]))


@st.composite
def numbers_in(draw, shape, dtype=float, scales=SCALES):
    """An array of finite numbers: of some scale, with some odd entries."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = rng.normal(size=shape) * draw(st.sampled_from(scales))
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.normal(size=shape) * draw(st.sampled_from((1e-20, 0.05, 0.0)))
    if draw(st.integers(0, 5)) == 0:
        found.ravel()[rng.integers(found.size)] = draw(st.sampled_from(ODD_ENTRIES))
    limit = float(np.finfo(dtype).max)
    found.real = np.clip(found.real, -limit, limit)
    return found.astype(dtype)


@st.composite
def given_array(draw, shape, dtype=float, scales=SCALES, hostile=6):
    """A Given for an array of this shape: as it is, dressed, of a wrong shape, not finite, or nothing at all.

    hostile  one case in so many is wrong on purpose
    """
    a = draw(numbers_in(shape, dtype, scales))
    kind = draw(st.integers(0, 2 * hostile))
    with np.errstate(all="ignore"):
        if kind == 0:
            dress = draw(st.sampled_from(list(NOTHING)))
            return Given(NOTHING[dress](a), None, dress)
        if kind == 1 and draw(st.booleans()):
            value = reshaped(a, draw)
            return Given(value, np.array(value), "another shape")
        if kind == 1:
            a.ravel()[draw(st.integers(0, a.size - 1))] = draw(st.sampled_from(NOT_FINITE))
            return Given(a, a.copy(), "not finite")
        if kind < 2 + hostile:
            return Given(a, a.copy(), "plain")
        dresses = SAME | (PLANAR if a.ndim == 2 else {})
        dress = draw(st.sampled_from(list(dresses)))
        made = dresses[dress](a.copy())
        value, meaning = made if isinstance(made, tuple) and dress in ("big-endian", "convertible", "memoryview") \
            else (made, np.array(made))
        return Given(value, meaning.copy(), dress)


def accepted(given, axes, dtype=None, leading=False):
    """The array that a function should read, in `dtype` (its own where None), or None where it should refuse.

    axes  sizes; None for any size from 1 up
    """
    a = given.meaning
    if a is None or a.dtype.kind not in "buifc":
        return None
    dtype = np.dtype(dtype or (a.dtype if a.dtype.kind in "fc" else float))
    sizes = a.shape[-len(axes):]
    fits = a.size and (a.ndim == len(axes) or leading and a.ndim > len(axes)) and all(
        size == (wanted or size) for size, wanted in zip(sizes, axes))
    if not fits or (a.dtype.kind == "c" and dtype.kind != "c"):
        return None
    with np.errstate(all="ignore"):
        a = a.astype(dtype)
    return a if np.isfinite(a).all() else None


# Numbers: (value, what it stands for: a float or complex number, None for none).
ORDINARY = 16  # the first so many
NUMBERS = [
    (2, 2.0),
    (0.5, 0.5),
    (-3.0, -3.0),
    (0, 0.0),
    (-0.0, 0.0),
    (0.9, 0.9),
    (1, 1.0),
    (1e-3, 1e-3),
    (1e5, 1e5),
    (1e-8, 1e-8),
    (7e4, 7e4),
    (np.int64(3), 3.0),
    (np.float32(0.1), float(np.float32(0.1))),
    (Fraction(1, 3), 1 / 3),
    (np.array(0.5), 0.5),
    (1e200, 1e200),
    (1e-200, 1e-200),
    (1.7e308, 1.7e308),
    (5e-324, 5e-324),
    (-1e308, -1e308),
    (np.uint8(200), 200.0),
    (np.float16(0.5), 0.5),
    (np.longdouble(0.25), 0.25),
    (Level.TWO, 2.0),
    (2**70, 2.0**70),
    (10**400, np.inf),
    (10**5000, np.inf),
    (-(10**5000), -np.inf),
    (Fraction(10**5000, 3), np.inf),
    (np.inf, np.inf),
    (-np.inf, -np.inf),
    (np.nan, np.nan),
    (np.float32("nan"), np.nan),
    (np.longdouble("1e4000"), np.inf),
    (1j, 1j),
    (2 - 1j, 2 - 1j),
    (np.complex64(1j), 1j),
    (complex("nan"), complex("nan")),
    (np.array(1j), 1j),
    (True, None),
    (np.True_, None),
    (np.array(True), None),
    (Decimal("0.5"), None),
    ("2", None),
    ("", None),
    (b"2", None),
    (None, None),
    ([1.0], None),
    (np.ones(1), None),
    (np.ones((2, 2)), None),
    ((), None),
    ({}, None),
    (float, None),
    (np.datetime64("2020"), None),
    (object(), None),
    (..., None),
    (len, None),
    (np.array("2"), None),
    (np.array(None), None),
]


def given_number():
    numbers = [Given(value, meaning, type(value).__name__) for value, meaning in NUMBERS]
    return st.one_of(st.sampled_from(numbers), st.sampled_from(numbers[:ORDINARY]))


# What is no Weights, no set of edges, no seed, dtype or generator (with some that are), no choice, no answer.
NO_WEIGHTS = [None, 1.0, "weights", (1, 2, 3), {}, np.ones((2, 4)), Weights, [np.ones(4)] * 5]
NO_EDGES = ["dW", "", b"dW", None, 3, ["dw"], ["dW", 3], [["dW"]], {"dW": 1, "dQ": 2}, [None], [np.nan], "loss",
            np.array(["dV"]), [("dW",)], {"dW", "dy", "DZ"}, object(), [{}], np.array(3), float, ...]
SEEDS = [0, 5, 2**64, np.int64(3), "generator", None, -1, 1.5, "abc", True, [1, 2], np.nan, object(),
         np.random.RandomState(0), np.random.Generator]
DTYPES = [float, np.float32, np.float16, complex, np.complex64, "float32", ">f8", "f4", None, int, bool, object,
          "nonsense", str, [("x", float)], 3, np.longdouble, "datetime64[s]"]
NO_GENERATORS = [None, 0, "rng", np.random, np.random.RandomState(0), np.random.PCG64(0), np.random.default_rng,
                 object()]


class Equal:
    """A student's object that claims to equal everything, or cannot be compared or printed."""

    def __init__(self, kind):
        self.kind = kind

    def __eq__(self, other):
        if self.kind == "raises":
            raise RuntimeError("not to be compared")
        return np.ones(3, bool) if self.kind == "array" else True

    __hash__ = None

    def __repr__(self):
        if self.kind == "no words":
            raise RuntimeError("no words")
        return "Equal"


CHOICES = ["dW", "<script>alert(1)</script>", ["dW"], frozenset({"dy"}), (), "float16", "Reset", {"a": 1}, "\0",
           "x" * 10000]
ANSWERS = [Equal("always"), Equal("raises"), Equal("array"), Equal("no words"), [[1.0], [1.0, 2.0]], {}, set(), "3",
           b"3", [None], np.array(None), np.array("text"), np.ma.masked, object(), float, np.zeros(0), np.zeros((2, 0)),
           np.array([np.nan] * 3), np.full((4, 5), np.inf), np.ones((9, 9), bool), np.zeros(2, "datetime64[s]"),
           np.zeros(2, [("x", float)]), ..., None]
EXPECTED = [3.5, 2, 1j, True, "dW", {"a": 1}, frozenset({"dW"}), np.ones(3), np.zeros((4, 5)), np.eye(3) * 1e-200]


def whole(given):
    """The whole number that a count should be read as, or None."""
    value = given.value
    return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_) else None


def fingerprint(value):
    """Something that changes when the value does."""
    if isinstance(value, np.ndarray):
        owner = value.base if isinstance(value.base, np.ndarray) else value
        seen = repr(owner.tolist()) if owner.dtype.hasobject else np.asarray(owner).tobytes()
        return seen, value.shape, value.strides, str(value.dtype), value.flags.writeable, \
            np.ma.getmaskarray(value).tobytes() if isinstance(value, np.ma.MaskedArray) else None
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return value.to_csv(), str(value.dtypes)
    if isinstance(value, Convertible):
        return fingerprint(value.array)
    if isinstance(value, list | tuple) and value and value[0] is not value:
        return [fingerprint(entry) for entry in value]
    if isinstance(value, memoryview):
        return value.tobytes()
    if isinstance(value, Weights | Trace):
        return [(name, fingerprint(array)) for name, array in vars(value).items() if name != "finite"]
    return (type(value), id(value)) if isinstance(value, int | float) else shown(value)
