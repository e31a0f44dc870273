"""A case, and whether lstmlib did right in it."""

import contextlib
import re
import signal
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lstmlib import Weights

from .reference import Format
from .values import fingerprint, shown

SECONDS_PER_CASE = 10
KINDS = ("wrong value", "wrong dtype or shape", "not finite", "accepted what is wrong", "refused what is right",
         "undocumented error", "argument not named", "changed an argument", "warned", "did not end")


class Case(NamedTuple):
    """A call, and how to judge it.

    wrong  names of the arguments at fault: the call must raise, and name one of them; none: it must return
    check  result -> None, or "loose" where the case is too ill-conditioned for its value to be compared;
           raises Failure
    may_refuse  names that an error may carry although the arguments are right: () -> names. (A result would overflow.)
    """

    call: Callable
    inputs: dict
    wrong: set
    check: Callable
    may_refuse: Callable = tuple

    def __repr__(self):
        return ", ".join(f"{name} = {shown(value)}" for name, value in self.inputs.items())


class Failure(AssertionError):
    """What lstmlib did wrong: one of KINDS, and the words."""

    def __init__(self, kind, words=""):
        super().__init__(f"{kind}: {words}")
        self.kind = kind


class DidNotEnd(BaseException):
    """Raised by the alarm clock."""


@contextlib.contextmanager
def time_limit(seconds):
    """DidNotEnd after so many seconds (where the system has an alarm clock, in the main thread)."""
    def ring(*_):
        raise DidNotEnd

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except (AttributeError, ValueError):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(case):
    """"right", "raised" or "loose"; raises Failure."""
    before = {name: fingerprint(value) for name, value in case.inputs.items()}
    result, error = None, None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with time_limit(SECONDS_PER_CASE):
                result = case.call()
        except DidNotEnd:
            raise Failure("did not end", f"within {SECONDS_PER_CASE} s") from None
        except Exception as caught:
            error = caught
    for name, value in case.inputs.items():
        if fingerprint(value) != before[name]:
            raise Failure("changed an argument", name)
    if warned:
        raise Failure("warned", str(warned[0].message))
    if error is None and case.wrong:
        raise Failure("accepted what is wrong", f"{sorted(case.wrong)}; returned {shown(result)}")
    if error is None:
        return case.check(result) or "right"
    return judge_error(error, case)


def judge_error(error, case):
    names = case.wrong or set(case.may_refuse())
    if not names:
        raise Failure("refused what is right", f"{type(error).__name__}: {error}") from error
    if type(error) not in (TypeError, ValueError):
        raise Failure("undocumented error", f"{type(error).__name__}: {error}") from error
    by_python = re.match("unsupported operand type|operand 'Weights'", str(error))  # weights + 3: both types are named
    if not by_python and not ("must" in str(error) and any(re.search(rf"\b{name}\b", str(error)) for name in names)):
        raise Failure("argument not named", f"{sorted(names)} in: {type(error).__name__}: {error}") from error
    return "raised"


# ---- judging numbers

def same_form(name, result, dtype, shape):
    """`result` is an array of this dtype and shape."""
    if type(result) is not np.ndarray or result.dtype != dtype or result.shape != shape:
        raise Failure("wrong dtype or shape", f"{name}: {getattr(result, 'dtype', type(result))} "
                                              f"{getattr(result, 'shape', '')}, expected {dtype} {shape}")


def finite(name, form, *results):
    """All finite, unless something is too large for the format."""
    if not form.overflowed and not all(np.isfinite(result).all() for result in results):
        raise Failure("not finite", name)


def close(name, result, bounded, dtype):
    """"loose" or None; Failure where the result is farther off than rounding explains."""
    same_form(name, result, dtype, bounded.value.shape)
    finite(name, bounded.form, result)
    if bounded.form.overflowed:
        return "loose"
    if bounded.misfit(result):
        raise Failure("wrong value", f"{name}: {result} for {bounded.value} +- {bounded.error}")
    return "loose" if bounded.says_nothing() else None


def near(name, result, truth, error, form):
    """As `close`, for a truth and an error; what is larger than the format's largest must be infinite or close."""
    with np.errstate(all="ignore"):
        too_large = ~(abs(truth) + error < form.largest)
        fits = too_large | (abs(np.asarray(result).astype(form.wide) - truth) <= error)
    if not np.isfinite(np.where(too_large, 0, result)).all():
        raise Failure("not finite", f"{name}: {result} for {truth}")
    if not fits.all():
        raise Failure("wrong value", f"{name}: {result} for {truth} +- {error}")
    return "loose" if too_large.any() else None


def worst(verdicts):
    return "loose" if "loose" in list(verdicts) else None


def close_weights(result, truths, dtype):
    """Weights against {name: Bounded}."""
    if type(result) is not Weights:
        raise Failure("wrong dtype or shape", f"{type(result)}")
    return worst([close(name, array, truths[name], dtype) for name, array in result.items()])


def each_entry(result, formula, error, dtype, *operands):
    """Weights against a formula for every entry, in extended precision. error(truth, *entries) -> its tolerance."""
    if type(result) is not Weights:
        raise Failure("wrong dtype or shape", f"{type(result)}")
    form, verdicts = Format(dtype), []
    for name, array in result.items():
        entries = [getattr(operand, name).astype(form.wide) for operand in operands]
        with np.errstate(all="ignore"):
            truth = formula(*entries)
            allowed = error(truth, *entries) + form.tiny
        same_form(name, array, dtype, truth.shape)
        verdicts.append(near(name, array, truth, allowed, form))
    return worst(verdicts)
