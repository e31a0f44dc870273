"""`takes`: what is asked stands in front of a function; its messages stand in test_errors."""

import inspect

import numpy as np
import pytest

import lstmlib
from lstmlib.checks import count, number, takes


@takes(a="T B", b="B", n=count(at_least=2))
def example(a, b=None, n=2):
    """An example."""
    return a, b, n


def message_of(call, error=ValueError):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_arguments_may_be_given_in_any_way():
    a, b = np.ones((3, 2)), np.ones(2)
    for given in (example(a, b, 5), example(a, b, n=5), example(n=5, b=b, a=a)):
        assert given[0] is a and given[1] is b and given[2] == 5
    assert example(a) == (a, None, 2)
    assert example([[1, 2]], n=np.int8(3))[0].dtype == float


@pytest.mark.parametrize("call, says", [
    (lambda: example(), "missing 1 required positional argument: 'a'"),
    (lambda: example(b=[1]), "missing 1 required positional argument: 'a'"),
    (lambda: example([[1]], [1], 2, 3), "takes from 1 to 3 positional arguments but 4 were given"),
    (lambda: example([[1]], a=[[1]]), "got multiple values for argument 'a'"),
    (lambda: example([[1]], c=1), "got an unexpected keyword argument 'c'"),
])
def test_what_does_not_fit_the_signature_python_says_itself(call, says):
    assert message_of(call, TypeError) == f"example() {says}"


def test_a_letter_means_one_size_and_the_first_array_the_dtype():
    assert message_of(lambda: example(np.ones((3, 2)), np.ones(3))) == "b must have shape (B) with B = 2, got (3,)"
    assert example(np.ones((3, 2), np.float32), np.ones(2))[1].dtype == np.float32
    assert message_of(lambda: example(np.ones((3, 2)), n=1)) == "n must be at least 2, got 1"
    assert message_of(lambda: example(None), TypeError) == "a must hold numbers, got dtype object"


def test_axes_in_front_are_the_same_for_all_that_may_have_them():
    both = takes(x="... T B", y="... B")(lambda x, y: (x.shape, y.shape))
    assert both(np.ones((7, 5, 3, 2)), np.ones((7, 5, 2))) == ((7, 5, 3, 2), (7, 5, 2))
    assert both(np.ones((3, 2)), np.ones(2)) == ((3, 2), (2,))
    assert message_of(lambda: both(np.ones((7, 3, 2)), np.ones((6, 2)))) == (
        "y must have shape (..., B) with ... = (7,), B = 2, got (6, 2)")
    assert message_of(lambda: both(np.ones(2), np.ones(2))) == "x must have shape (..., T, B), got (2,)"


def test_checks_come_in_the_order_in_which_they_are_asked_for():
    asked = takes(b=number(above=0), a=number(above=0))(lambda a, b: a / b)
    assert asked(1, 2) == 0.5
    assert message_of(lambda: asked(-1, -2)) == "b must be above 0, got -2"


def test_no_warning_of_what_becomes_too_large():
    with np.errstate(all="raise"):
        assert takes(x=number())(lambda x: np.float64(x) * 1e300)(1e300) == np.inf


def test_a_function_that_takes_shows_its_own_signature_and_docstring():
    assert str(inspect.signature(example)) == "(a, b=None, n=2)" and example.__doc__ == "An example."
    signature = "(weights, trace, dY, at=None, dh_T=None, dc_T=None, inputs=False)"
    assert str(inspect.signature(lstmlib.backward)) == signature
