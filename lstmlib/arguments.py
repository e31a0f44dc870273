"""What is asked of single arguments: functions of a name and a value that return the value, or raise a TypeError or
ValueError that says the name, what was expected and what came.
"""

import numbers
import operator
import sys

import numpy as np

# What is too large for its dtype becomes infinite, without a warning; the docstrings say where that can happen.
quiet = np.errstate(over="ignore", invalid="ignore")
BOUNDS = {"above": operator.gt, "at_least": operator.ge, "below": operator.lt, "at_most": operator.le}


def array(name, value, axes, sizes, dtype=None):
    """A finite array, not empty, of the axes in a text such as "T B D"; "..." in front stands for any further axes.

    sizes  {axis: size} where known; sizes that are found are added
    dtype  to convert to, where not None. No complex array is made real: that would lose numbers
    """
    given = rectangular(name, value)
    if given.dtype.kind not in "buifc":
        raise TypeError(f"{name} must hold numbers, got dtype {given.dtype}")
    if dtype is None:
        dtype = given.dtype.newbyteorder("=") if given.dtype.kind in "fc" else np.dtype(float)
    if given.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} must hold real numbers ({dtype}), got {given.dtype}")
    shape(name, given, axes, sizes)
    with np.errstate(over="ignore"):
        result = given.astype(dtype, copy=False)
    if not np.isfinite(result).all():
        where = tuple(map(int, np.argwhere(~np.isfinite(result))[0]))
        raise ValueError(f"{name} must be finite in {dtype}, got {given[where]} at index {where}")
    return result


def rectangular(name, value):
    """An array of whatever dtype: no nested sequences of different lengths, no masked entries."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} must have no masked entries, got {np.ma.count_masked(value)} of them")
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be a rectangular array, got nested sequences of different lengths") from None
    except Exception as error:
        raise TypeError(f"{name} must be an array, got {type(value).__name__} ({error})") from error


def shape(name, given, axes, sizes):
    """An array whose shape fits `axes` and `sizes` (as in `array`)."""
    axes, found = axes.split(), given.shape
    if axes[0] == "...":
        cut = max(given.ndim - len(axes) + 1, 0)
        found = (found[:cut], *found[cut:])
    if len(found) != len(axes) or [1 for axis, size in zip(axes, found) if sizes.get(axis, size) != size]:
        known = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes if axis in sizes)
        wanted = f"({', '.join(axes)})" + (known and f" with {known}")
        raise ValueError(f"{name} must have shape {wanted}, got {given.shape}")
    if given.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {given.shape}")
    sizes.update(zip(axes, found))
    return given


def number(name, value, complex_too=False, **bounds):
    """A plain finite Python number inside the bounds: it leaves the dtype of an array that it multiplies as it is."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, numbers.Complex if complex_too else numbers.Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    try:
        plain = float(value) if isinstance(value, numbers.Real) else complex(value)
    except OverflowError:
        plain = np.inf
    if not np.isfinite(plain):
        raise ValueError(f"{name} must be finite, got {in_print(value)}")
    return within(name, value, plain, **bounds)


def count(name, value, at_least=1, at_most=sys.maxsize):
    """A whole number within the bounds, as an int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {in_print(value, repr)}")
    return within(name, value, int(value), at_least=at_least, at_most=at_most)


def within(name, value, plain, **bounds):
    """`plain`, inside the bounds: above, at_least, below, at_most."""
    for bound, limit in bounds.items():
        if not BOUNDS[bound](plain, limit):
            raise ValueError(f"{name} must be {bound.replace('_', ' ')} {limit}, got {in_print(value)}")
    return plain


def in_print(value, form=str):
    """A number in print: Python prints no whole number of more than 4300 digits."""
    try:
        return form(value)
    except ValueError:
        return "a number of thousands of digits"


def instance(name, value, kind):
    """An instance of `kind`."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
    return value
