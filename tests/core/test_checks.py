"""`takes`, in front of a function made for it: what it asks, in which order, and what it leaves alone."""

import inspect
import pickle

import numpy as np
import pytest

import lstmlib
from lstmlib.checks import takes

pytestmark = pytest.mark.filterwarnings("error")


def doubled(name, value, seen):
    return 2 * value


def beside(name, value, seen):
    """What the check of an argument is given."""
    return name, value, {key: str(one) for key, one in seen.items()}


@takes(y="B", x=("B", doubled), note=str, z=(beside,))
def example(x, y, note=None, *, z=0):
    """The first line.

    An indented one.
    """
    return x, y, note, z


def test_checks_see_what_was_found_before_them_and_the_body_gets_what_they_return():
    """In the order of the checks; a tuple is one check after the other; the first array decides the dtype."""
    x, y, note, z = example([1, 2], np.array([3, 4], "f4"), z=5)
    assert (x.tolist(), x.dtype, y.dtype, note) == ([2, 4], "f4", "f4", None)
    assert z == ("z", 5, {"B": "2", "dtype": "float32", "y": "[3. 4.]", "x": "[2. 4.]"})
    assert example([1], [2], "a note")[2:] == ("a note", ("z", 0, {"B": "1", "dtype": "float64", "y": "[2.]",
                                                                   "x": "[2.]", "note": "a note"}))


@pytest.mark.parametrize("given, says", [
    ({"x": None}, "x must hold numbers, got dtype object"), ({"note": 3}, "note must be a str, got int"),
    ({"x": None, "y": None}, "y must hold numbers, got dtype object")])
def test_none_is_left_as_it_is_only_where_it_is_the_default(given, says):
    with pytest.raises((TypeError, ValueError)) as caught:
        example(**{"x": [1], "y": [1]} | given)
    assert str(caught.value) == says


def test_what_becomes_too_large_gives_no_warning_and_the_state_is_as_before():
    @takes(x="B")
    def large(x, then=None):
        return then(x[0] * 10 - x[0] * 10)

    with np.errstate(all="raise"):
        before = np.geterr()
        assert np.isnan(large([1e308], lambda x: large([1e308], float)))
        for wrong in (lambda x: 1 / np.float64(0), lambda x: large(None)):
            with pytest.raises((FloatingPointError, TypeError)):
                large([1e308], wrong)
        assert np.geterr() == before


def test_a_function_behind_checks_shows_itself_as_it_is_written():
    assert inspect.getdoc(example) == ("The first line.\n\nAn indented one.\n\n"
                                       "Raises TypeError or ValueError unless these are as said here: y, x, note, z.")
    assert str(inspect.signature(example)) == "(x, y, note=None, *, z=0)"
    assert takes()(lambda: None).__doc__.startswith("\n\nRaises")  # as all docstrings under `python -OO`
    assert pickle.loads(pickle.dumps(lstmlib.step)) is lstmlib.step
