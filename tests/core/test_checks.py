"""`takes`, in front of a function made for it: what it asks, in which order, and what it leaves alone."""

import inspect
import pickle

import numpy as np
import pytest

from lstmlib import step
from lstmlib.checks import takes


@takes(y="B", x=("B", lambda name, value, seen: 2 * value), note=str,
       z=lambda name, value, seen: (name, value, {key: str(one) for key, one in seen.items()}))
def example(x, y, note=None, *, z=0):
    """The first line.

    An indented one."""
    return x, y, note, z


def test_each_check_sees_what_was_found_before_it_and_the_body_gets_what_the_last_one_returns():
    x, y, note, z = example([1, 2], np.array([3, 4], "f4"), z=5)
    assert (x.tolist(), x.dtype, y.dtype, note) == ([2, 4], "f4", "f4", None)
    assert z == ("z", 5, {"B": "2", "dtype": "float32", "y": "[3. 4.]", "x": "[2. 4.]"})
    assert inspect.getdoc(example) == ("The first line.\n\nAn indented one.\n\n"
                                       "Raises TypeError or ValueError unless these are as said here: y, x, note, z.")
    assert str(inspect.signature(example)) == "(x, y, note=None, *, z=0)" and pickle.loads(pickle.dumps(step)) is step
    assert takes()(lambda: None).__doc__.startswith("\n\nRaises")  # `python -OO` leaves no docstring


@pytest.mark.parametrize("given, says", [
    ({"x": None}, "x must hold"), ({"note": 3}, "note must be a str"), ({"x": None, "y": None}, "y must hold")])
def test_none_is_left_as_it_is_only_where_it_is_the_default(given, says):
    with pytest.raises(TypeError, match=says):
        example(**{"x": [1], "y": [1]} | given)


@pytest.mark.filterwarnings("error")
def test_what_becomes_too_large_gives_no_warning_and_the_state_is_as_before():
    large = takes(x="B")(lambda x, then: then(x[0] * 10 - x[0] * 10))
    with np.errstate(all="raise"):
        assert np.isnan(large([1e308], lambda x: large([1e308], float)))
        for wrong in (lambda x: 1 / np.float64(0), lambda x: large(None, float)):
            with pytest.raises((FloatingPointError, TypeError)):
                large([1e308], wrong)
        assert np.geterr() == dict.fromkeys(np.geterr(), "raise")
