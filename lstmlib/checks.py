"""What is asked of arguments is said in front of a function, and its body is left to the equations.

    @takes(weights=(Weights, usable), x="B D", h_prev="B H", c_prev="B H")
    def step(weights, x, h_prev, c_prev): ...

A text asks for a finite array of these axes: a letter means one size throughout, the dtype is that of what was asked
before. A class asks for an instance, a tuple for one thing after the other. All else is a function (name, value, seen)
-> what the body receives, where `seen` holds the sizes, the dtype and the arguments found so far. None is left as it
is where it is the default. What is wrong raises TypeError or ValueError: the name, what was expected, what came.
"""

import numbers
import operator
from functools import partial, wraps
from inspect import cleandoc, signature

import numpy as np

# What is too large for its dtype becomes infinite, without a warning; the docstrings say where that can happen.
quiet = np.errstate(over="ignore", invalid="ignore")
BOUNDS = {"above": operator.gt, "at_least": operator.ge, "below": operator.lt, "at_most": operator.le}


def takes(**asked):
    """Check the named arguments, in this order; then call the function, without warnings of what becomes too large."""
    def decorate(function):
        parameters = dict(signature(function).parameters)
        defaults = {name: given.default for name, given in parameters.items() if given.default is not given.empty}
        checks = [(name, check_of(part), parameters[name].default is None)
                  for name, ask in asked.items() for part in (ask if isinstance(ask, tuple) else (ask,))]

        @wraps(function)
        @quiet
        def checked(*args, **kwargs):
            own = dict(zip(parameters, args), **kwargs)
            given = {**defaults, **own}
            if len(own) < len(args) + len(kwargs) or given.keys() != parameters.keys():
                return function(*args, **kwargs)  # Python says what does not fit
            seen = {}
            for name, check, optional in checks:
                if given[name] is not None or not optional:
                    seen[name] = given[name] = check(name, given[name], seen)
            return function(**given)

        errors = f"Raises TypeError or ValueError unless these are as said here: {', '.join(asked)}."
        checked.__doc__ = f"{cleandoc(function.__doc__ or '')}\n\n{errors}"
        return checked

    return decorate


def check_of(ask):
    """What `ask` stands for, as a function (name, value, seen)."""
    if isinstance(ask, str):
        return lambda name, value, seen: array(name, value, ask, seen)
    return (lambda name, value, seen: instance(name, value, ask)) if isinstance(ask, type) else ask


def array(name, value, axes, seen):
    """A finite array, not empty, of the axes in a text such as "T B D"; "..." in front stands for any further axes.

    seen  {axis: size} where known, and the dtype to convert to (no complex array is made real); what is found is added
    """
    given, dtype = rectangular(name, value), seen.get("dtype")
    if given.dtype.kind not in "buifc":
        raise TypeError(f"{name} must hold numbers, got dtype {given.dtype}")
    if dtype is None:
        dtype = given.dtype.newbyteorder("=") if given.dtype.kind in "fc" else np.dtype(float)
    if given.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} must hold real numbers ({dtype}), got {given.dtype}")
    shape(name, given, axes, seen)
    result = given.astype(dtype, copy=False)
    if not np.isfinite(result).all():
        where = tuple(map(int, np.argwhere(~np.isfinite(result))[0]))
        raise ValueError(f"{name} must be finite in {dtype}, got {given[where]} at index {where}")
    seen.setdefault("dtype", dtype)
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
    """An array whose shape fits `axes` and `sizes` (`seen` of `array`)."""
    axes, found = axes.split(), given.shape
    if axes[0] == "...":
        cut = max(given.ndim - len(axes) + 1, 0)
        found = (found[:cut], *found[cut:])
    if len(found) != len(axes) or any(sizes.get(axis, size) != size for axis, size in zip(axes, found)):
        known = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes if axis in sizes)
        wanted = f"({', '.join(axes)})" + (known and f" with {known}")
        raise ValueError(f"{name} must have shape {wanted}, got {given.shape}")
    if given.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {given.shape}")
    sizes.update(zip(axes, found))
    return given


def number(name, value, seen=None, complex_too=False, **bounds):
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


positive, not_negative = partial(number, above=0), partial(number, at_least=0)
fraction, maybe_complex = partial(number, at_least=0, below=1), partial(number, complex_too=True)


def count(name, value, seen=None, at_least=1, at_most=np.iinfo(np.int64).max):
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


def usable(name, weights, seen):
    """Weights that can be computed with."""
    if weights.lead:
        raise ValueError(f"{name} must have no leading axes, got {weights}")
    if not weights.finite:
        wrong = next(array for array, entries in weights.items() if not np.isfinite(entries).all())
        raise ValueError(f"{name} must be finite, got infinity or NaN in {wrong}")
    seen.update(D=weights.D, H=weights.H, K=weights.K, dtype=weights.dtype)
    return weights


def finite(name, given, seen):
    """Weights without infinity or NaN."""
    if not given.finite:
        raise ValueError(f"{name} must be finite, got infinity or NaN")
    return given


def real(name, given, seen):
    """Weights that are not complex."""
    if given.dtype.kind == "c":
        raise TypeError(f"{name} must be real, got {given}")
    return given


def fitting(name, given, seen):
    """Weights that can be subtracted from the argument `weights`."""
    seen["weights"].check_like(given)
    if given.dtype.kind == "c" and seen["weights"].dtype.kind != "c":
        raise TypeError(f"{name} must be real, as the weights are, got {given}")
    return given


def of_forward(name, trace, seen):
    """A trace that `forward` can have left with these weights."""
    (T, B, D), H, K = trace.X.shape, trace.hiddens.shape[-1], trace.Y.shape[-1]
    if (D, H, K, trace.Y.dtype) != (seen["D"], seen["H"], seen["K"], seen["dtype"]):
        raise ValueError(f"{name} must come from weights like these, {seen['weights']}, got {trace}")
    seen.update(T=T, B=B)
    return trace


def of_step(name, trace, seen):
    """A trace that `step` can have left with these weights."""
    x, *states = [rectangular(name, given) for given in trace]
    shapes = [state.shape for state in states]
    if x.ndim != 2 or len(set(shapes)) > 1 or shapes[0][:-1] != x.shape[:1]:
        raise ValueError(f"{name} must hold x (B, D) and eight arrays (B, H), got {x.shape} and {shapes}")
    (seen["B"], D), (_, H) = x.shape, shapes[0]
    if (D, H) != (seen["D"], seen["H"]):
        raise ValueError(f"{name} must come from weights like these, {seen['weights']}, got D={D}, H={H}")
    for given in (x, *states):
        if given.dtype != seen["dtype"]:
            raise TypeError(f"{name} must have the dtype {seen['dtype']} of the weights, got {given.dtype}")
    return trace._make([x, *states])


def crossing(at):
    """The hook `at`, or none, as a function that checks what the hook returns."""
    if at is None:
        return lambda edge, gradient: gradient
    if not callable(at):
        raise TypeError(f"at must be a function at(edge, gradient), got {type(at).__name__}")

    def cross(edge, gradient):
        crossed = at(edge, gradient)
        if crossed is gradient:
            return gradient
        crossed = rectangular(f"what at({edge!r}, gradient) returns", crossed)
        if crossed.shape != gradient.shape or crossed.dtype.kind not in "buifc":
            raise ValueError(f"at({edge!r}, gradient) must return an array of numbers of shape {gradient.shape}, "
                             f"got {'None' if crossed[()] is None else f'{crossed.dtype} {crossed.shape}'}")
        if crossed.dtype.kind == "c" and gradient.dtype.kind != "c":
            raise TypeError(f"at({edge!r}, gradient) must return real numbers ({gradient.dtype}), got {crossed.dtype}")
        return crossed.astype(gradient.dtype, order="C", copy=edge == "dW")  # which is to belong to the result alone

    return cross


def true_or_false(name, mask, seen):
    """A mask (T, B), as booleans (T, B, 1): true where an item counts."""
    mask = rectangular(name, mask)
    if mask.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold only true and false (or 1 and 0), got dtype {mask.dtype}")
    other = shape(name, mask, "T B", seen)[(mask != 0) & (mask != 1)]
    if other.size:
        raise ValueError(f"{name} must hold only true and false (or 1 and 0), got {other[0]}")
    return mask[..., None] != 0


def shares_of_classes(name, labels, seen):
    """Soft labels (T, B, K) as they are; labels (T, B), whole numbers below K, as such: 1 for the label, else 0."""
    labels, K = rectangular(name, labels), seen["K"]
    if labels.dtype.kind == "f" and labels.ndim == 3:
        return array(name, labels, "T B K", seen | {"dtype": None})
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, got dtype {labels.dtype}")
    labels = np.where(seen.get("mask", True), shape(name, labels, "T B", seen)[..., None], 0)[..., 0]
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"{name} must be from 0 to K-1 = {K - 1}, got {labels[(labels < 0) | (labels >= K)][0]}")
    return np.eye(K)[labels]


def finite_output(name, Y):
    """Y; ValueError unless it is finite: a number on the way was too large for the dtype."""
    if not np.isfinite(Y).all():
        raise ValueError(f"{name} must be finite, got an overflow of {Y.dtype}: weights or inputs are too large")
    return Y
