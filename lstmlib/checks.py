"""`takes`: what a function asks of its arguments is said in front of it, and its body is left to the equations.

    @takes(weights=usable, x="B D", h_prev="B H", c_prev="B H")
    def step(weights, x, h_prev, c_prev): ...

A text asks for a finite array of these axes: a letter means one size throughout, the dtype is that of what was asked
before. A class asks for an instance. All else is a function (name, value, seen) -> what the body receives, where `seen`
holds the sizes, the dtype and the arguments found so far.
"""

from functools import wraps
from inspect import signature

import numpy as np

from . import arguments
from .weights import Weights


def takes(**asked):
    """Check the named arguments, in this order; then call the function, without warnings of what becomes too large."""
    def decorate(function):
        parameters = signature(function).parameters
        names = tuple(parameters)
        defaults = {name: given.default for name, given in parameters.items() if given.default is not given.empty}
        checks = [(name, check_of(ask, defaults.get(name, ...) is None)) for name, ask in asked.items()]

        @wraps(function)
        def checked(*args, **kwargs):
            own = dict(zip(names, args), **kwargs)
            given = {**defaults, **own}
            if len(own) < len(args) + len(kwargs) or given.keys() != parameters.keys():
                return function(*args, **kwargs)  # Python says what does not fit
            seen = {}
            with np.errstate(over="ignore", invalid="ignore"):
                for name, check in checks:
                    seen[name] = given[name] = check(name, given[name], seen)
                return function(**given)

        return checked

    return decorate


def check_of(ask, optional):
    """What `ask` stands for, as a function (name, value, seen); an optional array may be None."""
    def array(name, value, seen):
        if optional and value is None:
            return None
        found = arguments.array(name, value, ask, seen, seen.get("dtype"))
        seen.setdefault("dtype", found.dtype)
        return found

    if isinstance(ask, str):
        return array
    return (lambda name, value, seen: arguments.instance(name, value, ask)) if isinstance(ask, type) else ask


def bounded(check):
    """A check of `arguments` that is to be given bounds: number(above=0)."""
    return lambda **bounds: lambda name, value, seen: check(name, value, **bounds)


number, count = bounded(arguments.number), bounded(arguments.count)


def usable(name, weights, seen):
    """Weights that can be computed with."""
    arguments.instance(name, weights, Weights)
    if weights.lead:
        raise ValueError(f"{name} must have no leading axes, got {weights}")
    if not weights.finite:
        wrong = next(array for array, entries in weights.items() if not np.isfinite(entries).all())
        raise ValueError(f"{name} must be finite, got infinity or NaN in {wrong}")
    seen.update(D=weights.D, H=weights.H, K=weights.K, dtype=weights.dtype)
    return weights


def a_weights(finite=False, real=False, fitting=False, optional=False):
    """A Weights that is finite, real, or fits the argument `weights`: can be subtracted from it."""
    def check(name, given, seen):
        if optional and given is None:
            return None
        arguments.instance(name, given, Weights)
        if finite and not given.finite:
            raise ValueError(f"{name} must be finite, got infinity or NaN")
        if real and given.dtype.kind == "c":
            raise TypeError(f"{name} must be real, got {given}")
        if fitting and seen["weights"].check_like(given).dtype.kind == "c" != seen["weights"].dtype.kind:
            raise TypeError(f"{name} must be real, as the weights are, got {given}")
        return given

    return check


def moments(name, state, seen):
    """What `adam` keeps: (m, v, t), or None at the start."""
    if state is None:
        return None
    if len(arguments.instance(name, state, tuple)) != 3:
        raise ValueError(f"{name} must be (m, v, t), as adam returned it, got {len(state)} entries")
    fits = a_weights(fitting=True)
    return fits(name, state[0], seen), fits(name, state[1], seen), arguments.count(f"t in {name}", state[2])


def trace_of(kind):
    """A trace that `forward` can have left with these weights."""
    def check(name, trace, seen):
        (T, B, D), H, K = arguments.instance(name, trace, kind).X.shape, trace.hiddens.shape[-1], trace.Y.shape[-1]
        if (D, H, K, trace.Y.dtype) != (seen["D"], seen["H"], seen["K"], seen["dtype"]):
            raise ValueError(f"{name} must come from weights like these, {seen['weights']}, got {trace}")
        seen.update(T=T, B=B)
        return trace

    return check


def step_trace_of(kind):
    """A trace that `step` can have left with these weights."""
    def check(name, trace, seen):
        x, *states = [arguments.rectangular(name, array) for array in arguments.instance(name, trace, kind)]
        shapes = [state.shape for state in states]
        if x.ndim != 2 or len(set(shapes)) > 1 or shapes[0][:-1] != x.shape[:1]:
            raise ValueError(f"{name} must hold x (B, D) and eight arrays (B, H), got {x.shape} and {shapes}")
        (seen["B"], D), (_, H) = x.shape, shapes[0]
        if (D, H) != (seen["D"], seen["H"]):
            raise ValueError(f"{name} must come from weights like these, {seen['weights']}, got D={D}, H={H}")
        for array in (x, *states):
            if array.dtype != seen["dtype"]:
                raise TypeError(f"{name} must have the dtype {seen['dtype']} of the weights, got {array.dtype}")
        return kind(x, *states)

    return check


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
        crossed = arguments.rectangular(f"what at({edge!r}, gradient) returns", crossed)
        if crossed.shape != gradient.shape or crossed.dtype.kind not in "buifc":
            raise ValueError(f"at({edge!r}, gradient) must return an array of numbers of shape {gradient.shape}, "
                             f"got {'None' if crossed[()] is None else f'{crossed.dtype} {crossed.shape}'}")
        if crossed.dtype.kind == "c" and gradient.dtype.kind != "c":
            raise TypeError(f"at({edge!r}, gradient) must return real numbers ({gradient.dtype}), got {crossed.dtype}")
        return crossed.astype(gradient.dtype, order="C", copy=edge == "dW")  # which is to belong to the result alone

    return cross


def true_or_false(name, mask, seen):
    """A mask (T, B), as booleans (T, B, 1): true where an item counts. All count where it is None."""
    if mask is None:
        return np.True_
    mask = arguments.rectangular(name, mask)
    if mask.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold only true and false (or 1 and 0), got dtype {mask.dtype}")
    other = arguments.shape(name, mask, "T B", seen)[(mask != 0) & (mask != 1)]
    if other.size:
        raise ValueError(f"{name} must hold only true and false (or 1 and 0), got {other[0]}")
    return mask[..., None] != 0


def shares_of_classes(name, labels, seen):
    """Soft labels (T, B, K) as they are; labels (T, B), whole numbers below K, as such: 1 for the label, else 0."""
    labels, K = arguments.rectangular(name, labels), seen["K"]
    if labels.dtype.kind == "f" and labels.ndim == 3:
        return arguments.array(name, labels, "T B K", seen)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, got dtype {labels.dtype}")
    labels = np.where(seen["mask"], arguments.shape(name, labels, "T B", seen)[..., None], 0)[..., 0]
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"{name} must be from 0 to K-1 = {K - 1}, got {labels[(labels < 0) | (labels >= K)][0]}")
    return np.eye(K)[labels]


def finite_output(name, Y):
    """Y; ValueError unless it is finite: a number on the way was too large for the dtype."""
    if not np.isfinite(Y).all():
        raise ValueError(f"{name} must be finite, got an overflow of {Y.dtype}: weights or inputs are too large")
    return Y
