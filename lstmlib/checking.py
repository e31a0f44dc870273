"""Is a gradient right? Numerical gradients to compare with, and two measures of agreement."""

import numpy as np

from . import checks
from .checks import real, takes
from .weights import Weights, entries, in_scale, length

CENTRAL_STEP = {"float16": 0.1, "float32": 3e-3, "float64": 1e-5}


@takes(weights=(Weights, real))
def numerical_gradient(f, weights, method="complex", step=None):
    """The gradient of f at `weights`, which are real, from the values of f alone, one entry at a time.

    f        a function Weights -> number
    method   "complex": Im f(w + ih) / h with h = 1e-20, f analytic (Squire & Trapp 1998, "Using complex variables to
             estimate derivatives of real functions"): nothing is subtracted, so errors are near machine precision.
             "central": (f(w + h) - f(w - h)) / 2h: with h = 1e-5 errors of some 1e-10 of the gradient.
    step     h of the central differences; where None 1e-5, for float32 weights 3e-3, for float16 0.1. An f that
             computes in float32 needs 3e-3 too, for its rounding is divided by h.
    ->  Weights, in float64
    Raises ValueError for another method, a step that is not positive or goes with no central differences, or a value
    of f that is not finite, TypeError for an f that is no function or gives no number.
    """
    if not callable(f):
        raise TypeError(f"f must be a function from Weights to a number, got {type(f).__name__}")
    if not isinstance(method, str) or method not in ("complex", "central"):
        raise ValueError(f"method must be 'complex' or 'central', got {method!r}")
    if step is not None and method == "complex":
        raise ValueError(f"step must be left out with method 'complex', got {step!r}")
    h = CENTRAL_STEP[weights.dtype.name] if step is None else checks.positive("step", step)
    dtype = complex if method == "complex" else float
    arrays = {name: array.astype(dtype) for name, array in weights.items()}

    def value(name, index, change):
        moved = arrays[name].copy()
        moved[index] += change
        return checks.number("the value of f", f(Weights(**arrays | {name: moved})), complex_too=dtype is complex)

    def slope(name, index):
        if method == "complex":
            return np.imag(value(name, index, 1e-20j)) / 1e-20
        return (value(name, index, h) - value(name, index, -h)) / (2 * h)

    return Weights(**{name: np.reshape([slope(name, index) for index in np.ndindex(array.shape)], array.shape)
                      for name, array in arrays.items()})


@takes(gradient=Weights, truth=Weights)
def relative_error(gradient, truth):
    """||gradient - truth|| / ||truth||, over all entries; 0 where both are zero, infinite or NaN where an entry is."""
    (gradient, truth), _ = in_scale(np.stack([entries(gradient), entries(gradient.check_like(truth))]))
    difference, size = length(gradient - truth), length(truth)
    return 0.0 if difference == 0 else float(np.divide(difference, size)) if size else float("inf")


@takes(gradient=Weights, truth=Weights)
def cosine(gradient, truth):
    """The cosine of two gradients (the real part, if complex): blind to a positive factor, NaN where one is zero."""
    (gradient, _), (truth, _) = in_scale(entries(gradient)), in_scale(entries(gradient.check_like(truth)))
    lengths = length(gradient) * length(truth)
    return float(np.vdot(gradient, truth).real / lengths) if lengths else float("nan")
