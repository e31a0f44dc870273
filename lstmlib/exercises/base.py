"""Instant feedback on exercises: "Right.", or what was expected, what was received and a hint, or "Not answered yet.".

A check does not raise, for a wrong answer is part of learning; only where nbgrader validates or grades, it does.
"""

import dis
import linecache
import numbers
import os
import traceback
import warnings
from functools import partial, wraps
from types import FunctionType

import numpy as np

SMALL = 8  # arrays of no more entries are printed in full
LONG = 160  # characters of anything else
IDLE = ("RESUME", "NOP", "COPY_FREE_VARS", "LOAD_", "RETURN_")  # what Python does in a function that does nothing


class NotYet(Exception):
    """The answer is not right; the message tells the reader why."""

    def _render_traceback_(self):
        """What IPython shows: where in this library the error was raised is of no use to the reader."""
        return [str(self)]


def check(function):
    """Make a feedback function out of one that raises NotYet for wrong answers, which stays available as `.judge`.

    The first paragraph of its docstring is printed when the answer is right.
    """
    @wraps(function)
    def feedback(*answers):
        right, said = verdict(function, answers)
        if graded() and not right:
            raise NotYet(said)
        print(said)

    feedback.judge = function
    return feedback


def graded():
    """Whether nbgrader runs the notebook: it takes points off for an error, and for any warning that is shown."""
    return "NBGRADER_EXECUTION" in os.environ


def verdict(judge, answers):
    """Whether the answers are right, and what is said of them."""
    try:
        if any(answer is None or answer is ... for answer in answers):
            raise NotImplementedError
        with warnings.catch_warnings(action="ignore" if graded() else None):
            judge(*answers)
    except NotImplementedError as open_answer:
        return False, said_of_none(answers, open_answer)
    except NotYet as message:
        return False, f"Not yet. {message}"
    except Exception as error:
        return False, f"Not yet. {told(error)}"
    first_paragraph = judge.__doc__.split("\n\n")[0]
    return True, f"Right. {' '.join(first_paragraph.split())}"


def said_of_none(answers, error):
    """What is said where a value is None or `...`: a function that does something has lost its `return`."""
    written = next((answer for answer in answers if isinstance(answer, FunctionType) and does_something(answer)), None)
    if not written or in_the_notebook(error):  # the reader may raise NotImplementedError himself
        return "Not answered yet."
    received = "None or `...`" if ... in written.__code__.co_consts else "None"
    return f"Not yet. The function {written.__name__} returned {received}. Hint: is a `return` missing?"


def does_something(function):
    """Whether the function is more than a stub, which at most returns what it has at hand."""
    return not all(instruction.opname.startswith(IDLE) for instruction in dis.get_instructions(function))


def in_the_notebook(error):
    """The places in the reader's own code, (file, line), through which an error came."""
    return [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)
            if frame.f_globals.get("__name__") == "__main__"]


def told(error):
    """An error, with the line of the reader's own code at which it arose."""
    what = f"{type(error).__name__}: {error}".strip(": ")
    places = in_the_notebook(error)
    if not places:
        return f"The answer could not be tried: {what}."
    return f'Your answer raised {what}, at "{linecache.getline(*places[-1]).strip()}".'


def answered(answer):
    """The answer, once there is one: NotImplementedError where it is None or `...`."""
    if answer is None or answer is ...:
        raise NotImplementedError
    return answer


def all_answered(answers, keys=None, called="keys"):
    """Raise unless the dictionary has these keys, and every value; NotYet names those open, where others are not."""
    if keys is not None and set(answers) != set(keys):
        received = ", ".join(map(str, answers)) or "none"
        raise NotYet(f"Expected the {called} {', '.join(keys)}, received {received}.")
    open_answers = [name for name, answer in answers.items() if answer is None or answer is ...]
    if len(open_answers) == len(answers):
        raise NotImplementedError
    if open_answers:
        raise NotYet(f"Still open: {', '.join(map(str, open_answers))}.")


def expect(received, expected, given="", hint="", mistakes=(), tolerance=1e-9, reveal=True):
    """Raise NotYet unless `received` equals `expected`: numbers and arrays to a relative tolerance, else exactly.

    given     what the answer was tried on;  hint  the likely cause
    mistakes  [(wrong answer, its cause)], to be told instead of the hint
    reveal    False where the expected value is the answer itself: it is then not printed
    """
    if not same(answered(received), expected, tolerance):
        seen = difference(received, expected, tolerance) if reveal else f"{brief(received)} is not it"
        hint = likely(received, mistakes, hint, partial(same, tolerance=tolerance))
        message = f"For {given}: {seen}." if given else f"{seen[0].upper()}{seen[1:]}."
        raise NotYet(message + (f" Hint: {hint}" if hint else ""))


@np.errstate(all="ignore")  # an answer may be as large as it likes
def same(received, expected, tolerance=1e-9):
    """Whether both are equal: arrays and numbers in shape and, to the norm-relative tolerance, in value."""
    if not isinstance(expected, np.ndarray | numbers.Number) or isinstance(expected, bool):
        return isinstance(received, np.bool_ | type(expected)) and received == expected
    try:
        given = np.asarray(received)
        received, expected = given.astype(complex), np.asarray(expected)
    except (TypeError, ValueError, OverflowError):
        return False
    close = tolerance * np.linalg.norm(expected)
    is_text = given.dtype.kind in "SU"  # which may read as a number
    return not is_text and received.shape == expected.shape and np.linalg.norm(received - expected) <= close


def likely(received, hints, otherwise="", equal=same):
    """Of [(wrong answer, hint)] the hint of the one that was received; `otherwise` where it is none of them."""
    return next((hint for wrong, hint in hints if equal(received, wrong)), otherwise)


def difference(received, expected, tolerance):
    """What was expected and what received, briefly; of large arrays of one shape the first entry that differs."""
    where = ""
    if isinstance(received, np.ndarray) and isinstance(expected, np.ndarray):
        if received.shape != expected.shape:
            return f"expected an array of shape {expected.shape}, received an array of shape {received.shape}"
        if received.size > SMALL and received.dtype.kind not in "biufc":
            return f"expected an array of numbers, received an array of dtype {received.dtype}"
        if received.size > SMALL:
            share = tolerance * np.linalg.norm(expected) / received.size ** 0.5  # some entry is farther off than this
            first = np.argmax(~(np.abs(received - 1.0 * expected) <= share))
            where = f"at {[int(k) for k in np.unravel_index(first, expected.shape)]} "
            received, expected = received.flat[first], expected.flat[first]
    digits = 15 if brief(expected) == brief(received) else 6
    return f"{where}expected {brief(expected, digits)}, received {brief(received, digits)}"


def brief(value, digits=6):
    """A value in a few words: small arrays in full, larger ones by their shape, anything else up to some length."""
    if isinstance(value, np.ndarray) and value.size > SMALL:
        return f"an array of shape {value.shape}"
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=digits - 2)
    if isinstance(value, np.generic):
        value = value.item()  # 3, not np.int64(3)
    text = f"{value:.{digits}g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= LONG else f"{' '.join(text[:LONG].split())} and so on"
