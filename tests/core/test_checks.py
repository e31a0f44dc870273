"""`takes`: what is asked stands in front of a function; its messages stand in test_errors."""

import inspect

import numpy as np
import pytest

from lstmlib.checks import count, number, takes


@takes(a="T B", b="B", n=count(at_least=2))
def example(a, b=None, n=2):
    """An example."""
    return a, b, n


def test_arguments_may_be_given_in_any_way():
    a, b = np.ones((3, 2)), np.ones(2)
    for given in (example(a, b, 5), example(a, b, n=5), example(n=5, b=b, a=a)):
        assert given[0] is a and given[1] is b and given[2] == 5
    assert example(a) == (a, None, 2)


def test_the_first_array_rules_the_dtype():
    assert example([[1, 2]], n=np.int8(3))[0].dtype == float
    assert example(np.ones((3, 2), np.float32), np.ones(2))[1].dtype == np.float32


@pytest.mark.parametrize("call, says", [
    (lambda: example(), "missing 1 required positional argument: 'a'"),
    (lambda: example(b=[1]), "missing 1 required positional argument: 'a'"),
    (lambda: example([[1]], [1], 2, 3), "takes from 1 to 3 positional arguments but 4 were given"),
    (lambda: example([[1]], a=[[1]]), "got multiple values for argument 'a'"),
    (lambda: example([[1]], c=1), "got an unexpected keyword argument 'c'"),
])
def test_what_does_not_fit_the_signature_python_says_itself(call, says):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == f"example() {says}"


def test_checks_come_in_the_order_in_which_they_are_asked_for():
    asked = takes(b=number(above=0), a=number(above=0))(lambda a, b: a / b)
    assert asked(1, 2) == 0.5
    with pytest.raises(ValueError, match="b must be above 0, got -2"):
        asked(-1, -2)


def test_a_function_that_takes_shows_its_own_signature_and_docstring():
    assert str(inspect.signature(example)) == "(a, b=None, n=2)" and example.__doc__ == "An example."
