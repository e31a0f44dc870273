"""The five arrays of an LSTM, and the vector space they live in.

Parameters and gradients have the same shapes, so they share one type: sums, differences and multiples of `Weights` are
`Weights`. That is all of linear algebra that the question of this series needs.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import checks

DTYPES = tuple(map(np.dtype, ("float16", "float32", "float64", "complex64", "complex128")))


@dataclass(frozen=True, eq=False)
class Weights:
    """Parameters of an LSTM with a linear output layer, or a gradient with respect to them.

    Wx  (D, 4H)   from the input to the gates i, f, g, o
    Wh  (H, 4H)   from the previous hidden state to the gates
    b   (4H,)     bias of the gates
    Wy  (H, K)    from the hidden state to the output
    by  (K,)      bias of the output

    All five may have the same further axes in front (a gradient for each of several upstream gradients, as `backward`
    gives). The arrays are copies, read-only, of one dtype: float16, float32, float64, or complex (64 or 128).

    Raises ValueError for shapes that do not fit, TypeError for other dtypes. Entries may be infinite or NaN, as after
    an overflow: `finite` tells, there is no warning. What runs forward or backward takes finite ones without `lead`.
    """

    Wx: np.ndarray
    Wh: np.ndarray
    b: np.ndarray
    Wy: np.ndarray
    by: np.ndarray

    __array_ufunc__ = None  # so that NumPy leaves `number * weights` to this class

    def __post_init__(self):
        for name, given in self.items():
            array = checks.rectangular(name, given)
            native = array.dtype.newbyteorder("=")
            if native not in DTYPES:
                raise TypeError(f"{name} must hold floating-point numbers, got dtype {array.dtype}")
            vars(self)[name] = array = array.astype(native, order="C")  # a copy
            array.flags.writeable = False
        check_shapes(self)

    D = property(lambda self: self.Wx.shape[-2], doc="number of inputs")
    H = property(lambda self: self.Wh.shape[-2], doc="number of hidden units")
    K = property(lambda self: self.Wy.shape[-1], doc="number of outputs")
    dtype = property(lambda self: self.Wx.dtype, doc="dtype of all five arrays")
    lead = property(lambda self: self.Wh.shape[:-2], doc="shape of the axes in front, () as a rule")

    def items(self):
        """The pairs (name, array), in the order Wx, Wh, b, Wy, by."""
        return [(name, getattr(self, name)) for name in ("Wx", "Wh", "b", "Wy", "by")]

    def map(self, function, *others):
        """Weights whose arrays are function(own array, array of each other Weights)."""
        return Weights(*self.each(function, *others))

    def __add__(self, other):
        return built(Weights, self.each(np.add, self.check_like(other)))

    def __sub__(self, other):
        return built(Weights, self.each(np.subtract, self.check_like(other)))

    def __mul__(self, number):
        number = checks.maybe_complex("factor", number)
        return built(Weights, self.each(lambda array: scaled(array, number)))

    __rmul__ = __mul__

    def __truediv__(self, number):
        number = checks.maybe_complex("divisor", number)
        if number == 0:
            raise ValueError("divisor must not be zero")
        return built(Weights, self.each(lambda array: scaled(array, number, np.divide)))

    def __neg__(self):
        return built(Weights, self.each(np.negative))

    @checks.quiet
    def dot(self, other):
        """Sum of the products of all entries (the first factor conjugated where complex), safe from overflow."""
        (mine, shift), (theirs, shift_other) = in_scale(entries(self)), in_scale(entries(self.check_like(other)))
        total = (mine.conj() * theirs).sum()
        parts = [np.ldexp(part, shift + shift_other) for part in (total.real, total.imag)]
        return complex(*parts) if np.iscomplexobj(total) else parts[0]

    def norm(self):
        """Euclidean norm over all entries, safe from overflow on the way."""
        return length(entries(self))

    def identical(self, other):
        """Whether every entry has the same bits."""
        return self.dtype == self.check_like(other).dtype and entries(self).tobytes() == entries(other).tobytes()

    @cached_property
    def finite(self):
        """Whether no entry is infinite or NaN."""
        return all(np.isfinite(array).all() for _, array in self.items())

    @checks.quiet
    def each(self, function, *others):
        """The five results of function(own array, array of each other Weights)."""
        others = [checks.instance("other", other, Weights) for other in others]
        return [function(array, *(getattr(other, name) for other in others)) for name, array in self.items()]

    def check_like(self, other):
        """Return `other`; TypeError or ValueError unless it is a Weights with arrays of the same shapes."""
        checks.instance("other", other, Weights)
        for (name, mine), (_, theirs) in zip(self.items(), other.items()):
            if mine.shape != theirs.shape:
                raise ValueError(f"{name} must have the same shape in both Weights, "
                                 f"got {mine.shape} and {theirs.shape}")
        return other

    def __reduce__(self):  # copies and pickles are made anew, and so are read-only and checked
        return Weights, tuple(array for _, array in self.items())

    def __repr__(self):
        lead = f"lead={self.lead}, " if self.lead else ""
        return f"Weights({lead}D={self.D}, H={self.H}, K={self.K}, {self.dtype})"


def check_shapes(weights):
    """Raise ValueError or TypeError unless the five arrays fit each other."""
    if weights.Wh.ndim < 2 or weights.Wy.ndim < 2:
        raise ValueError(f"Wh must have shape (H, 4H) and Wy (H, K), got {weights.Wh.shape} and {weights.Wy.shape}")
    if weights.Wh.shape[-1] != 4 * weights.H:
        raise ValueError(f"Wh must have shape (H, 4H), got {weights.Wh.shape}")
    for (name, array), axes in zip(weights.items(), ("D 4H", "H 4H", "4H", "H K", "K")):
        sizes = {"4H": 4 * weights.H, "H": weights.H, "K": weights.K}
        checks.shape(name, array, f"... {axes}", sizes)
        if sizes["..."] != weights.lead:
            raise ValueError(f"{name} must have the leading axes {weights.lead} of Wh, got {sizes['...']}")
        if array.dtype != weights.dtype:
            raise TypeError(f"{name} must have the dtype {weights.dtype} of Wx, got {array.dtype}")


def built(kind, arrays):
    """A Weights or Trace of arrays that are known to fit and are nobody else's; they become read-only, unchecked."""
    made = object.__new__(kind)
    for name, array in zip(kind.__dataclass_fields__, arrays):
        array.flags.writeable = False
        vars(made)[name] = array
    return made


@checks.takes(D=checks.count, H=checks.count, K=checks.count)
def init_weights(D, H, K, seed=0, dtype=np.float64):
    """Random weights, uniform in +-1/sqrt(H) as those of torch.nn.LSTM, with the forget bias at 1 as Jozefowicz,
    Zaremba & Sutskever (2015) advise, "An Empirical Exploration of Recurrent Network Architectures".

    D, H, K  numbers of inputs, hidden units, outputs, each at least 1
    seed     a whole number of at least 0, a numpy Generator, or None for a seed that is new every time
    dtype    one of those of `Weights`. Raises TypeError or ValueError for another seed or dtype
    """
    with suppress(TypeError):
        dtype = np.dtype(dtype).newbyteorder("=")
    if not isinstance(dtype, np.dtype) or dtype not in DTYPES:
        raise TypeError(f"dtype must be a floating-point or complex dtype, got {dtype}")
    if seed is not None and not isinstance(seed, np.random.Generator):
        seed = checks.count("seed", seed, at_least=0, at_most=np.inf)
    rng = np.random.default_rng(seed)
    shapes = (D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)
    Wx, Wh, b, Wy, by = (rng.uniform(-1, 1, shape) / np.sqrt(H) for shape in shapes)
    b[H:2 * H] = 1
    return Weights(*(array.astype(dtype) for array in (Wx, Wh, b, Wy, by)))


def entries(weights):
    """All entries of the five arrays in a row."""
    return np.concatenate([array.ravel() for _, array in weights.items()])


def wide(array):
    """The array in at least double precision."""
    return array.astype(np.result_type(array, float), copy=False)


def in_scale(array):
    """(array / 2^e, e), in at least double precision: 2^e is near the largest entry, 1 if one is not finite."""
    largest = np.abs(wide(array)).max()
    e = int(np.clip(np.log2(largest), -1000, 1000)) if largest > 0 and np.isfinite(array).all() else 0
    return wide(array) * 2.0 ** -e, e


@checks.quiet
def length(array):
    """The Euclidean norm, safe from overflow on the way."""
    array, e = in_scale(array)
    return float(np.ldexp(np.sqrt(np.vdot(array, array).real), e))


@checks.quiet
def scaled(array, number, operation=np.multiply):
    """array * number or array / number, in the array's dtype (complex if number is), which need not hold the number."""
    return operation(wide(array), number).astype(np.result_type(array, number), copy=False)
