"""What every public function asks of its arguments, and how it says so.

Each message names the argument, what was expected and what came.
"""

import numbers
import sys

import numpy as np

# What is too large for its dtype becomes infinite, without a warning; the docstrings say where that can happen.
quiet = np.errstate(over="ignore", invalid="ignore")


def array(name, value, axes, dtype=None, leading=False):
    """Return `value` as a finite array whose shape fits `axes`.

    axes     {axis name: size, or None where any size from 1 up will do}, in order
    dtype    the dtype to convert to (kept as it came where None); a complex
             array is not converted to a real dtype, for that would lose numbers
    leading  whether further axes may stand in front

    Raises TypeError (not numbers) or ValueError (wrong shape, empty, not finite).
    """
    given = rectangular(name, value)
    if given.dtype.kind not in "buifc":
        raise TypeError(f"{name} must hold numbers, got dtype {given.dtype}")
    if dtype is None:
        dtype = given.dtype.newbyteorder("=") if given.dtype.kind in "fc" else np.dtype(float)
    if given.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} must hold real numbers ({dtype}), got {given.dtype}")
    shape(name, given, axes, leading)
    with np.errstate(over="ignore"):
        result = given.astype(dtype, copy=False)
    if not np.isfinite(result).all():
        raise ValueError(f"{name} must be finite in {result.dtype}, got {first_not_finite(given, result)}")
    return result


def rectangular(name, value):
    """Return `value` as an array of whatever dtype.

    Raises ValueError where nested sequences differ in length or entries are masked, TypeError for what is no array.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} must have no masked entries, got {np.ma.count_masked(value)} of them")
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be a rectangular array, got nested sequences of different lengths") from None
    except Exception as error:
        raise TypeError(f"{name} must be an array, got {type(value).__name__} ({error})") from error


def shape(name, given, axes, leading=False):
    """Raise ValueError unless the shape of `given` fits `axes` (as in `array`)."""
    sizes = given.shape[-len(axes):]
    fits = (given.ndim == len(axes) or (leading and given.ndim > len(axes))) and all(
        size == (wanted or size) for size, wanted in zip(sizes, axes.values()))
    if not fits:
        raise ValueError(f"{name} must have shape {describe(axes, leading)}, got {given.shape}")
    if given.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {given.shape}")


def describe(axes, leading):
    """`axes` in words, as in "(T, B, D) with D = 3"."""
    text = f"({', '.join(['...'] * leading + list(axes))})"
    known = [f"{axis} = {size}" for axis, size in axes.items() if size]
    return text + (" with " + ", ".join(known) if known else "")


def first_not_finite(given, converted):
    """The first entry that is not finite, and where it stands."""
    where = tuple(int(k) for k in np.argwhere(~np.isfinite(converted))[0])
    return f"{given[where]} at index {where}"


def number(name, value, above=None, at_least=None, below=None, complex_too=False):
    """Return `value` as a plain finite Python number inside the bounds.

    A plain number leaves the dtype of an array it multiplies as it is.
    Raises TypeError (not a number) or ValueError (not finite, out of bounds).
    """
    kind = numbers.Complex if complex_too else numbers.Real
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    try:
        plain = float(value) if isinstance(value, numbers.Real) else complex(value)
    except OverflowError:
        plain = np.inf
    if not np.isfinite(plain):
        raise ValueError(f"{name} must be finite, got {in_print(value)}")
    bounds = [("above", above, lambda x, y: x > y), ("at least", at_least, lambda x, y: x >= y),
              ("below", below, lambda x, y: x < y)]
    for words, bound, holds in bounds:
        if bound is not None and not holds(plain, bound):
            raise ValueError(f"{name} must be {words} {bound}, got {value}")
    return plain


def count(name, value, at_least=1, at_most=sys.maxsize):
    """Return `value` as an int within the bounds; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {in_print(value, repr)}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {in_print(value)}")
    if value > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {in_print(value)}")
    return int(value)


def in_print(value, form=str):
    """A number in print: Python prints no whole number of more than 4300 digits."""
    try:
        return form(value)
    except ValueError:
        return "a number of thousands of digits"


def dtype(name, value, known):
    """Return `value` as one of the known dtypes; TypeError otherwise."""
    try:
        found = np.dtype(value).newbyteorder("=")
    except TypeError:
        found = None
    if found is None or found not in known:  # to NumPy, float64 equals None
        raise TypeError(f"{name} must be a floating-point or complex dtype, got {value if found is None else found}")
    return found


def instance(name, value, kind):
    """Raise TypeError unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
