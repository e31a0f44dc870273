"""The five arrays of an LSTM, and the vector space they live in.

Parameters and gradients have the same shapes, so they share one type: sums,
differences and multiples of `Weights` are `Weights`. That is all of linear
algebra that the question of this series needs.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from . import arguments


@dataclass(frozen=True, eq=False)
class Weights:
    """Parameters of an LSTM with a linear output layer, or a gradient with respect to them.

    Wx  (D, 4H)   from the input to the gates i, f, g, o
    Wh  (H, 4H)   from the previous hidden state to the gates
    b   (4H,)     bias of the gates
    Wy  (H, K)    from the hidden state to the output
    by  (K,)      bias of the output

    All five may have the same further axes in front (a gradient for each of
    several upstream gradients, see `backward`). The arrays are copies, read-only,
    of one dtype: float16, float32, float64, or complex (64 or 128).

    Raises ValueError for shapes that do not fit, TypeError for other dtypes.
    Entries may be infinite or NaN (a float16 gradient can overflow, so can a sum or a
    multiple; there is no warning, but `finite` tells); `forward`, `backward` and the
    optimisers ask for finite ones.
    """

    Wx: np.ndarray
    Wh: np.ndarray
    b: np.ndarray
    Wy: np.ndarray
    by: np.ndarray

    __array_ufunc__ = None  # so that NumPy leaves `number * weights` to this class

    def __post_init__(self):
        for field in fields(self):
            array = arguments.rectangular(field.name, getattr(self, field.name))
            if array.dtype.newbyteorder("=") not in DTYPES:
                raise TypeError(f"{field.name} must hold floating-point numbers, got dtype {array.dtype}")
            array = array.astype(array.dtype.newbyteorder("="), order="C")  # a copy
            array.flags.writeable = False
            object.__setattr__(self, field.name, array)
        self._check_shapes()

    def _check_shapes(self):
        if self.Wh.ndim < 2 or self.Wy.ndim < 2:
            raise ValueError(f"Wh must have shape (H, 4H) and Wy (H, K), got {self.Wh.shape} and {self.Wy.shape}")
        if self.Wh.shape[-1] != 4 * self.H:
            raise ValueError(f"Wh must have shape (H, 4H), got {self.Wh.shape}")
        axes = {"Wx": {"D": None, "4H": 4 * self.H}, "Wh": {"H": self.H, "4H": 4 * self.H}, "b": {"4H": 4 * self.H},
                "Wy": {"H": self.H, "K": self.K}, "by": {"K": self.K}}
        for name, array in self.items():
            arguments.shape(name, array, axes[name], leading=True)
            lead = array.shape[:array.ndim - len(axes[name])]
            if lead != self.lead:
                raise ValueError(f"{name} must have the leading axes {self.lead} of Wh, got {lead}")
            if array.dtype != self.dtype:
                raise TypeError(f"{name} must have the dtype {self.dtype} of Wx, got {array.dtype}")

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
        for other in others:
            arguments.instance("other", other, Weights)
        return Weights(*(function(array, *(getattr(other, name) for other in others)) for name, array in self.items()))

    def __add__(self, other):
        return self._combine(other, np.add)

    def __sub__(self, other):
        return self._combine(other, np.subtract)

    def __mul__(self, number):
        number = arguments.number("factor", number, complex_too=True)
        return self.map(lambda array: times(array, number))

    __rmul__ = __mul__

    def __truediv__(self, number):
        number = arguments.number("divisor", number, complex_too=True)
        if number == 0:
            raise ValueError("divisor must not be zero")
        return self.map(lambda array: divided(array, number))

    def __neg__(self):
        return self.map(np.negative)

    @arguments.quiet
    def dot(self, other):
        """Sum of the products of all entries (the first factor conjugated where complex), safe from overflow."""
        self.check_like(other)
        shift, shift_other = self.exponent(), other.exponent()
        total = sum(np.vdot(mine, theirs) for mine, theirs in zip(self._wide(shift), other._wide(shift_other)))
        parts = (np.ldexp(part, shift + shift_other) for part in (total.real, total.imag))
        return complex(*parts) if np.iscomplexobj(total) else next(parts)

    @arguments.quiet
    def norm(self):
        """Euclidean norm over all entries, safe from overflow on the way."""
        shift = self.exponent()
        return float(np.ldexp(np.sqrt(sum(np.vdot(array, array).real for array in self._wide(shift))), shift))

    def identical(self, other):
        """Whether every entry has the same bits."""
        self.check_like(other)
        return self.dtype == other.dtype and all(
            mine.tobytes() == theirs.tobytes() for (_, mine), (_, theirs) in zip(self.items(), other.items()))

    @cached_property
    def finite(self):
        """Whether no entry is infinite or NaN."""
        return all(np.isfinite(array).all() for _, array in self.items())

    @arguments.quiet
    def exponent(self):
        """The whole number e with 2^e near the largest entry, within +-1000; 0 where an entry is not finite."""
        largest = max(np.abs(wide(array)).max() for _, array in self.items())
        return int(np.clip(np.log2(largest), -1000, 1000)) if self.finite and largest > 0 else 0

    def in_double(self, exponent):
        """In at least double precision, and divided by 2^exponent, which is exact."""
        return Weights(*self._wide(exponent))

    def _wide(self, exponent):
        return [wide(array) * 2.0 ** -exponent for _, array in self.items()]

    @arguments.quiet
    def _combine(self, other, operation):
        self.check_like(other)
        return self.map(operation, other)

    def check_like(self, other):
        """Raise TypeError or ValueError unless `other` is a Weights with arrays of the same shapes."""
        arguments.instance("other", other, Weights)
        for (name, mine), (_, theirs) in zip(self.items(), other.items()):
            if mine.shape != theirs.shape:
                raise ValueError(f"{name} must have the same shape in both Weights, "
                                 f"got {mine.shape} and {theirs.shape}")

    def __repr__(self):
        lead = f"lead={self.lead}, " if self.lead else ""
        return f"Weights({lead}D={self.D}, H={self.H}, K={self.K}, {self.dtype})"


DTYPES = tuple(map(np.dtype, "efdFD"))


def check_weights(weights):
    """Raise TypeError or ValueError unless `weights` can be computed with."""
    arguments.instance("weights", weights, Weights)
    if weights.lead:
        raise ValueError(f"weights must have no leading axes, got {weights}")
    if not weights.finite:
        name = next(name for name, array in weights.items() if not np.isfinite(array).all())
        raise ValueError(f"weights must be finite, got infinity or NaN in {name}")


def init_weights(D, H, K, seed=0, dtype=np.float64):
    """Random weights, uniform in +-1/sqrt(H), with the forget bias at 1.

    The uniform range is that of torch.nn.LSTM; a forget bias of 1 is the advice of
    Jozefowicz, Zaremba & Sutskever (2015), "An Empirical Exploration of Recurrent
    Network Architectures", section 2.2 (first in Gers, Schmidhuber & Cummins 2000).

    D, H, K  numbers of inputs, hidden units, outputs
    seed     a whole number of at least 0, a numpy Generator, or None for a seed that is new every time
    Raises TypeError or ValueError where D, H or K is not a whole number of at least 1, or seed or dtype is none.
    """
    D, H, K = (arguments.count(name, value) for name, value in (("D", D), ("H", H), ("K", K)))
    dtype = arguments.dtype("dtype", dtype, DTYPES)
    if seed is not None and not isinstance(seed, np.random.Generator):
        seed = arguments.count("seed", seed, at_least=0, at_most=np.inf)
    rng = np.random.default_rng(seed)
    shapes = (D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)
    Wx, Wh, b, Wy, by = (rng.uniform(-1, 1, shape) / np.sqrt(H) for shape in shapes)
    b[H:2 * H] = 1
    return Weights(*(array.astype(dtype) for array in (Wx, Wh, b, Wy, by)))


@arguments.quiet
def times(array, number):
    """array * number in the dtype of the array (complex where the number is), which need not hold the number itself."""
    return (wide(array) * number).astype(np.result_type(array, number), copy=False)


@arguments.quiet
def divided(array, number):
    """array / number, likewise: a float16 ends at 65504, and may be divided by a larger |X| all the same."""
    return (wide(array) / number).astype(np.result_type(array, number), copy=False)


def wide(array):
    """The array in at least double precision."""
    return array.astype(np.result_type(array, float), copy=False)
