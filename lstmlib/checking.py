"""Is a gradient right? Numerical gradients to compare with, and two measures of agreement."""

import numpy as np

from . import arguments
from .checks import a_weights, takes
from .weights import Weights, built, exponent, scaled

CENTRAL_STEP = {"e": 0.1, "f": 3e-3, "d": 1e-5}


@takes(weights=a_weights(real=True))
def numerical_gradient(f, weights, method="complex", step=None):
    """The gradient of f at `weights`, from the values of f alone, one entry at a time.

    f        a function Weights -> number
    method   "complex": Im f(w + ih) / h with h = 1e-20 (Squire & Trapp 1998, "Using complex
             variables to estimate derivatives of real functions"): nothing is subtracted,
             so the error is near machine precision; f must be computed by analytic operations.
             "central": (f(w + h) - f(w - h)) / 2h: with h = 1e-5 errors near 1e-9 of the gradient.
    step     h of the central differences; 1e-5 where None (for float32 weights 3e-3, for float16 0.1). An f that
             computes in float32 needs 3e-3 too: its value moves by rounding, which a smaller h would enlarge.
    ->  Weights, in float64
    Raises ValueError for another method, a step that is not positive or goes with no central differences, or a
    value of f that is not finite, TypeError for an f that is no function or gives no number, and for complex weights.
    """
    if not callable(f):
        raise TypeError(f"f must be a function from Weights to a number, got {type(f).__name__}")
    if not isinstance(method, str) or method not in ("complex", "central"):
        raise ValueError(f"method must be 'complex' or 'central', got {method!r}")
    if step is not None and method == "complex":
        raise ValueError(f"step must be left out with method 'complex', got {step!r}")
    h = CENTRAL_STEP[weights.dtype.char] if step is None else arguments.number("step", step, above=0)
    dtype = complex if method == "complex" else float
    arrays = {name: array.astype(dtype) for name, array in weights.items()}

    def value(array, index, change):
        kept = array[index]
        array[index] = kept + change
        result = arguments.number("the value of f", f(Weights(**arrays)), complex_too=method == "complex")
        array[index] = kept
        return result

    def slope(array, index):
        if method == "complex":
            return np.imag(value(array, index, 1e-20j)) / 1e-20
        return (value(array, index, h) - value(array, index, -h)) / (2 * h)

    return Weights(**{name: np.array([slope(array, index) for index in np.ndindex(array.shape)]).reshape(array.shape)
                      for name, array in arrays.items()})


@takes(gradient=Weights, truth=Weights)
def relative_error(gradient, truth):
    """||gradient - truth|| / ||truth||, over all entries of all arrays; 0 where both are zero.

    Raises TypeError or ValueError unless both are Weights of the same shapes. NaN or infinite where an entry is.
    """
    shift = max(exponent(gradient), exponent(truth))  # for both the same, so that neither overflows
    gradient, truth = (built(Weights, scaled(one, shift)) for one in (gradient, truth))
    difference, size = (gradient - truth).norm(), truth.norm()
    return 0.0 if difference == 0 else float(np.divide(difference, size)) if size else float("inf")


@takes(gradient=Weights, truth=Weights)
def cosine(gradient, truth):
    """The cosine of the angle between two gradients: blind to a constant factor. NaN where one is zero.

    (Of complex ones the real part of the product counts.) Raises as `relative_error` does.
    """
    gradient, truth = (built(Weights, scaled(one, exponent(one))) for one in (gradient, truth))  # of the same angle
    lengths = gradient.norm() * truth.norm()
    return float(gradient.dot(truth).real / lengths) if lengths else float("nan")
