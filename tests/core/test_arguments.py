"""What every public function asks of its arguments; the messages of each function stand in test_errors."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from lstmlib import arguments

AXES, SIZES = "T B", {"B": 2}
HUGE = 10 ** 5000  # of more digits than Python prints


def message_of(call):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    return f"{caught.type.__name__}: {caught.value}"


@pytest.mark.parametrize("value", [[[True, False]], [[1, 0]], np.array([[1, 0]], np.uint8), [[1.0, 0.0]]])
def test_numbers_of_every_kind_are_an_array(value):
    array = arguments.array("x", value, AXES, dict(SIZES))
    assert array.dtype == float
    assert array.tolist() == [[1, 0]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
def test_an_array_keeps_its_dtype_unless_another_is_asked_for(dtype):
    value = np.ones((3, 2), dtype)
    assert arguments.array("x", value, AXES, dict(SIZES)).dtype == dtype
    assert arguments.array("x", value, AXES, dict(SIZES), np.dtype(complex)).dtype == complex


def test_too_large_for_the_dtype_is_an_error_and_no_warning():
    with np.errstate(all="raise"):
        said = message_of(lambda: arguments.array("x", [[1.0, 2.0], [1e5, 1e6]], AXES, {}, np.dtype(np.float16)))
    assert said == "ValueError: x must be finite in float16, got 100000.0 at index (1, 0)"


def test_masked_entries_are_refused_and_a_mask_of_none_is_not():
    values = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [True, False]])
    assert message_of(lambda: arguments.array("x", values, AXES, dict(SIZES))) == (
        "ValueError: x must have no masked entries, got 2 of them")
    values.mask = False
    assert arguments.array("x", values, AXES, dict(SIZES)).tolist() == [[1, 2], [3, 4]]


class Table:
    """An array from elsewhere, with a mask of its own meaning."""

    _mask = np.array([True])

    def __array__(self, dtype=None, copy=None):
        return np.ones((3, 2))


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("out of order")


def test_arrays_from_elsewhere():
    assert arguments.array("x", Table(), AXES, dict(SIZES)).shape == (3, 2)
    assert message_of(lambda: arguments.array("x", Broken(), AXES, dict(SIZES))) == (
        "TypeError: x must be an array, got Broken (out of order)")


def test_a_number_is_a_plain_one():
    for value in (np.float16(0.5), np.array(0.5), Fraction(1, 2)):
        assert type(arguments.number("a", value)) is float
    assert type(arguments.number("a", np.complex64(1j), complex_too=True)) is complex
    assert type(arguments.count("n", np.uint8(3))) is int


@pytest.mark.parametrize("value", [True, np.True_])
def test_true_is_no_number(value):
    assert message_of(lambda: arguments.number("a", value)) == "TypeError: a must be a number, got bool"
    assert message_of(lambda: arguments.count("n", value)) == f"TypeError: n must be a whole number, got {value!r}"


def test_a_number_too_long_to_print_is_still_refused_clearly():
    long = "a number of thousands of digits"
    for value in (HUGE, -HUGE, Fraction(HUGE, 3)):
        assert message_of(lambda: arguments.number("a", value)) == f"ValueError: a must be finite, got {long}"
    assert message_of(lambda: arguments.count("n", -HUGE)) == f"ValueError: n must be at least 1, got {long}"
    assert message_of(lambda: arguments.count("n", HUGE)) == f"ValueError: n must be at most {sys.maxsize}, got {long}"
    for value in (Fraction(HUGE, 3), Fraction(-HUGE, 3)):
        assert message_of(lambda: arguments.count("n", value)) == f"TypeError: n must be a whole number, got {long}"
    assert message_of(lambda: arguments.count("n", "3")) == "TypeError: n must be a whole number, got '3'"


def test_a_count_may_be_its_bounds():
    assert arguments.count("n", sys.maxsize) == sys.maxsize
    assert arguments.count("n", 7, at_least=7, at_most=7) == 7
    assert message_of(lambda: arguments.count("n", 8, at_most=7)) == "ValueError: n must be at most 7, got 8"


@pytest.mark.parametrize("value", ["no such dtype", object(), np.int64])
def test_what_is_no_dtype_is_named(value):
    named = "int64" if value is np.int64 else value
    assert message_of(lambda: arguments.dtype("dtype", value, [np.dtype(float)])) == (
        f"TypeError: dtype must be a floating-point or complex dtype, got {named}")
