"""Instant feedback on exercises.

A check is a function that `expect`s things of the reader's answer. It prints "Right.", or what was
given, what was expected, what was received and a hint, or that there is no answer yet. It never
raises: a wrong answer is part of learning.
"""

import numbers
from functools import wraps

import numpy as np

SMALL = 8  # arrays of no more entries are printed in full


class NotYet(Exception):
    """The answer is not right; the message tells the reader why."""


def check(function):
    """Make a feedback function out of one that raises NotYet for wrong answers.

    The first line of its docstring is printed when the answer is right. The undecorated
    function stays available as `.judge`: it raises NotYet, for tests and for graders.
    """
    @wraps(function)
    def feedback(*answers):
        try:
            if any(answer is None or answer is ... for answer in answers):
                raise NotImplementedError
            function(*answers)
        except NotImplementedError:
            print("Not answered yet.")
        except NotYet as message:
            print(f"Not yet. {message}")
        except Exception as error:  # whatever the reader's own code raised
            print(f"Not yet. Your answer raised {type(error).__name__}: {error}")
        else:
            print(f"Right. {function.__doc__.splitlines()[0]}")

    feedback.judge = function
    return feedback


def expect(received, expected, given="", hint="", tolerance=1e-9, reveal=True):
    """Raise NotYet unless `received` equals `expected`: numbers and arrays to a relative tolerance, else exactly.

    given   what the answer was tried on;  hint  the likely cause
    reveal  False where the expected value is the answer itself: it is then not printed
    """
    if received is None or received is ...:
        raise NotImplementedError
    if not same(received, expected, tolerance):
        seen = difference(received, expected, tolerance) if reveal else f"{brief(received)} is not it"
        message = f"For {given}: {seen}." if given else f"{seen[0].upper()}{seen[1:]}."
        raise NotYet(message + (f" Hint: {hint}" if hint else ""))


def same(received, expected, tolerance=1e-9):
    """Whether both are equal: arrays and numbers in shape and, to the norm-relative tolerance, in value."""
    if not isinstance(expected, np.ndarray | numbers.Number) or isinstance(expected, bool):
        return isinstance(received, np.bool_ | type(expected)) and bool(received == expected)
    try:
        received = np.asarray(received, dtype=np.result_type(np.asarray(expected), float))
    except (TypeError, ValueError):
        return False
    expected = np.asarray(expected)
    return received.shape == expected.shape and bool(
        np.linalg.norm(received - expected) <= tolerance * np.linalg.norm(expected))


def difference(received, expected, tolerance=1e-9):
    """What was expected and what received, briefly; of large arrays of one shape the first entry that differs."""
    where = ""
    if isinstance(received, np.ndarray) and isinstance(expected, np.ndarray):
        if received.shape == expected.shape and received.size > SMALL and received.dtype.kind in "biufc":
            share = tolerance * np.linalg.norm(expected) / received.size ** 0.5  # some entry is farther off than this
            first = np.argmax(~(np.abs(received - 1.0 * expected) <= share))
            where = f"at {[int(k) for k in np.unravel_index(first, expected.shape)]} "
            received, expected = received.flat[first].item(), expected.flat[first].item()
    return f"{where}expected {brief(expected)}, received {brief(received)}"


def brief(value):
    """A value in a few words: small arrays in full, larger ones by their shape."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4) if value.size <= SMALL else f"an array of shape {value.shape}"
    return f"{value:.6g}" if isinstance(value, float | np.floating) else repr(value)
