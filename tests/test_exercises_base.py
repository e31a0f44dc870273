"""What the feedback on exercises says of a wrong value."""

import numpy as np
import pytest

from lstmlib.exercises.base import NotYet, expect


def message(received, expected, **how):
    with pytest.raises(NotYet) as caught:
        expect(received, expected, **how)
    return str(caught.value)


LARGE = np.arange(24.0).reshape(2, 12)


def changed(value, dtype=float):
    array = LARGE.astype(dtype)
    array[1, 3:] = value
    return array


@pytest.mark.parametrize("received, said", [
    (changed(-1), "At [1, 3] expected 15, received -1."),
    (changed(np.nan), "At [1, 3] expected 15, received nan."),
    (changed(-1, int), "At [1, 3] expected 15, received -1."),
    (LARGE * (1 + 1e-3), "At [0, 1] expected 1, received 1.001."),
    (LARGE > 3, "At [0, 1] expected 1, received False."),
    (LARGE.T, "Expected an array of shape (2, 12), received an array of shape (12, 2)."),
    (np.array([1.0, 2]), "Expected an array of shape (2, 12), received [1. 2.]."),
    (3, "Expected an array of shape (2, 12), received 3."),
])
def test_large_arrays_show_the_first_entry_that_differs(received, said):
    assert message(received, LARGE) == said


def test_an_error_spread_over_all_entries_is_placed_as_well():
    assert message(LARGE + 1.0001e-9 * np.linalg.norm(LARGE) / 24 ** 0.5, LARGE).startswith("At [0, 0] ")


def test_small_values_are_shown_in_full():
    said = message(np.array([1.0, 2]), np.array([1.0, 3]), given="T = 1")
    assert said == "For T = 1: expected [1. 3.], received [1. 2.]."
    assert message(2, 3, hint="count again.") == "Expected 3, received 2. Hint: count again."
    assert message(LARGE, 3, reveal=False) == "An array of shape (2, 12) is not it."
