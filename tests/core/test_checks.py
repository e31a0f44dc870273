"""`takes`: what is asked stands in front of a function; its messages stand in test_errors."""

import inspect

import numpy as np
import pytest

from lstmlib.checks import count, takes


@takes(n=count(at_least=2), a="T B", b="B")
def example(a, b=None, n=2):
    """An example."""
    return a, b, n


def test_arguments_may_be_given_in_any_way_and_the_first_array_rules_the_dtype():
    a, b = np.ones((3, 2), np.float32), np.ones(2)
    for one, other, n in (example(a, b, 5), example(a, b, n=5), example(n=5, b=b, a=a)):
        assert one is a and other.dtype == np.float32 and n == 5
    assert example(a) == (a, None, 2) and example([[1, 2]])[0].dtype == float
    assert str(inspect.signature(example)) == "(a, b=None, n=2)" and example.__doc__ == "An example."


@pytest.mark.parametrize("args, kwargs, says", [
    ((), {"b": [1]}, "example() missing 1 required positional argument: 'a'"),
    (([[1]], [1], 2, 3), {}, "example() takes from 1 to 3 positional arguments but 4 were given"),
    (([[1]],), {"a": [[1]]}, "example() got multiple values for argument 'a'"),
    (([[1]],), {"c": 1}, "example() got an unexpected keyword argument 'c'"),
    ((3, 4, 1), {}, "n must be at least 2, got 1"),  # the first that is asked for
])
def test_what_does_not_fit_the_signature_python_says_itself(args, kwargs, says):
    with pytest.raises((TypeError, ValueError)) as caught:
        example(*args, **kwargs)
    assert str(caught.value) == says
