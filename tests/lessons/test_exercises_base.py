"""What the feedback on exercises says of a wrong value, and of an answer that raises an error."""

import linecache
import warnings

import numpy as np
import pytest

from lstmlib import forward
from lstmlib.exercises.base import NotYet, all_answered, check, expect, same


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
    (changed(1j, complex), "At [1, 3] expected 15, received 1j."),
    (changed("?", object), "Expected an array of numbers, received an array of dtype object."),
    (LARGE.T, "Expected an array of shape (2, 12), received an array of shape (12, 2)."),
    (np.array([1.0, 2]), "Expected an array of shape (2, 12), received an array of shape (2,)."),
    (3, "Expected an array of shape (2, 12), received 3."),
])
def test_large_arrays_show_the_first_entry_that_differs(received, said):
    assert message(received, LARGE) == said


@pytest.mark.parametrize("received, expected, said", [
    (LARGE > 3, LARGE > 5, "At [0, 4] expected False, received True."),
    (changed(-1, int), LARGE.astype(int), "At [1, 3] expected 15, received -1."),
    (LARGE >= 23, np.zeros((2, 12)), "At [1, 11] expected 0, received True."),
    (np.arange(9.0), np.ones(9), "At [0] expected 1, received 0."),
    (np.arange(8.0), np.ones(8), "Expected [1. 1. 1. 1. 1. 1. 1. 1.], received [0. 1. 2. 3. 4. 5. 6. 7.]."),
    (np.array([None] * 7 + ["one"]), np.ones(8),
     "Expected [1. 1. 1. 1. 1. 1. 1. 1.], received [None None None None None None None 'one']."),
    (LARGE, 3, "Expected 3, received an array of shape (2, 12)."),
])
def test_where_arrays_differ_whatever_is_in_them(received, expected, said):
    assert message(received, expected) == said


def test_an_error_spread_over_all_entries_is_placed_at_the_first_that_is_too_far_off():
    share = 1e-9 * np.linalg.norm(LARGE) / 24 ** 0.5
    assert message(LARGE + 1.0001 * share, LARGE).startswith("At [0, 0] ")
    wrong = LARGE + 1.1 * share
    wrong[0, 0] = 0.9 * share
    assert message(wrong, LARGE).startswith("At [0, 1] ")


def test_entries_within_the_tolerance_are_not_those_that_differ():
    wrong = LARGE * (1 + 1e-4)
    wrong[1, 3] = 16
    assert message(wrong, LARGE, tolerance=1e-3) == "At [1, 3] expected 15, received 16."


@pytest.mark.parametrize("right", [3e6 * (1 + 5e-10), 3e6 + 0j, 3_000_000, np.float32(3e6)])
def test_numbers_are_right_to_a_billionth_part_and_of_any_type(right):
    expect(right, 3e6)


def test_numbers_farther_off_than_a_billionth_part_are_wrong():
    assert not same(3 * (1 + 1.5e-9), 3) and not same(3 + 1j, 3)
    with pytest.raises(NotYet):
        expect(3 * (1 + 1.5e-9), 3)


@pytest.mark.parametrize("received, expected, said", [
    (1 / 3 + 1e-8, 1 / 3, "Expected 0.333333333333333, received 0.333333343333333."),
    (LARGE / 3 + 1e-8, LARGE / 3, "At [0, 0] expected 0, received 1e-08."),
    (np.array([1 / 3 + 1e-8]), np.array([1 / 3]), "Expected [0.3333333333333], received [0.3333333433333]."),
])
def test_values_that_differ_never_look_alike(received, expected, said):
    assert message(received, expected) == said


def test_one_is_not_true():
    expect(np.True_, True)
    assert message(1, True) == "Expected True, received 1."
    assert message(np.False_, True) == "Expected True, received False."


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("received, said", [
    (1e200 * LARGE, "At [0, 1] expected 1, received 1e+200."),
    (LARGE + 1e308 * (1 + 1j), "At [0, 0] expected 0, received (1e+308+1e+308j)."),
    (LARGE + np.inf, "At [0, 0] expected 0, received inf."),
    (9 ** 400, f"Expected an array of shape (2, 12), received {str(9 ** 400)[:160]} and so on."),
])
def test_an_answer_may_be_as_large_as_it_likes(received, said):
    assert message(received, LARGE) == said


def test_small_values_are_shown_in_full():
    said = message(np.array([1.0, 2]), np.array([1.0, 3]), given="T = 1")
    assert said == "For T = 1: expected [1. 3.], received [1. 2.]."
    assert message(2, 3, hint="count again.") == "Expected 3, received 2. Hint: count again."
    assert message(np.int64(2), 3) == "Expected 3, received 2."
    assert message(np.array([2 / 3]), np.array([1.0])) == "Expected [1.], received [0.6667]."
    assert message(1 / 3, 3, reveal=False) == "0.333333 is not it."
    assert message(LARGE, 3, reveal=False) == "An array of shape (2, 12) is not it."


@pytest.mark.parametrize("text, number", [("10", 10), (b"2.5", 2.5), (np.array(["4", "5"]), np.array([4.0, 5]))])
def test_text_that_reads_as_a_number_is_none(text, number):
    assert not same(text, number)


def test_long_values_are_cut():
    assert message("x" * 158, 3) == f"Expected 3, received '{158 * 'x'}'."
    assert message("x" * 159, 3) == f"Expected 3, received '{159 * 'x'} and so on."
    said = message([(LARGE, "text")] * 40, 3)
    assert said.startswith("Expected 3, received [(array([[") and said.endswith(" and so on.") and len(said) < 200
    assert "\n" not in said


def test_a_dictionary_filled_in_part_names_what_is_open():
    all_answered({"a": 1, "b": False})
    with pytest.raises(NotYet, match="^Still open: b, c.$"):
        all_answered({"a": 0, "b": ..., "c": None})
    with pytest.raises(NotImplementedError):
        all_answered({"a": ..., "b": None})


def test_the_first_paragraph_of_a_check_is_said_of_a_right_answer(capsys):
    @check
    def check_two(number):
        """It is two,
        which is even.

        number  the answer
        """
        expect(number, 2)

    check_two(2)
    assert capsys.readouterr().out == "Right. It is two, which is even.\n"
    assert check_two.__name__ == "check_two" and "number  the answer" in check_two.__doc__  # what help shows


def test_the_judge_of_a_check_is_silent_or_raises(check_double, capsys):
    check_double.judge(lambda x: 2 * x)
    with pytest.raises(NotYet, match="^Expected 6, received 5.$"):
        check_double.judge(lambda x: 5)
    assert capsys.readouterr().out == ""


def test_one_answer_of_two_is_not_enough(capsys):
    @check
    def check_sum(one, other):
        """Three."""
        expect(one + other, 3)

    check_sum(1, ...)
    assert capsys.readouterr().out == "Not answered yet.\n"


# Whole checks, on answers as they come out of a notebook.

@pytest.fixture
def check_double():
    @check
    def check_double(double):
        """Twice the number."""
        expect(double(3), 6)

    return check_double


def answer_in_a_notebook(source):
    """The function `double` of a cell of this text."""
    lines = source.splitlines(keepends=True)
    linecache.cache["<a cell>"] = (len(source), None, lines, "<a cell>")
    names = {"__name__": "__main__", "np": np, "forward": forward, "warnings": warnings}
    exec(compile(source, "<a cell>", "exec"), names)
    return names["double"]


@pytest.mark.parametrize("source, said", [
    ("def double(x):\n    return 2 * x", "Right. Twice the number."),
    ("def double(x):\n    ...", "Not answered yet."),
    ("def double(x):\n    raise NotImplementedError", "Not answered yet."),
    ("def double(x):\n    \"\"\"Twice x.\"\"\"\n    pass", "Not answered yet."),
    ("def double(x):\n    ...\n    pass", "Not answered yet."),
    ("def made():\n    later = ...\n    return lambda x: later\n\n\ndouble = made()", "Not answered yet."),
    ("def double(x):\n    y = 2 * x", "Not yet. The function double returned None. Hint: is a `return` missing?"),
    ("def double(x):\n    y = [x]\n    return ...", "Not yet. The function double returned None or `...`. Hint: "),
    ("def double(x):\n    if x > 3:\n        return 2 * x", "Not yet. The function double returned None. Hint: "),
    ("def double(x):\n    return 2 + x", "Not yet. Expected 6, received 5."),
    ("def double(x):\n    y = 2\n    return y * z  # wrong", "Not yet. Your answer raised NameError: name 'z' is not "
     "defined, at \"return y * z  # wrong\"."),
    ("def double(x):\n    return half(x)\n\n\ndef half(x):\n    raise AssertionError",
     "Not yet. Your answer raised AssertionError, at \"raise AssertionError\"."),
    ("def double(x):\n    return np.zeros(2) @ np.zeros(x)", "Not yet. Your answer raised ValueError: matmul: "),
    ("def double(x):\n    return forward(x, 1).Y", "at \"return forward(x, 1).Y\"."),
    ("def double():\n    return 6", "Not yet. The answer could not be tried: TypeError: double() takes 0 positional "),
    ("double = 6", "Not yet. The answer could not be tried: TypeError: 'int' object is not callable."),
])
def test_an_error_is_shown_with_the_line_of_the_answer(source, said, check_double, capsys):
    check_double(answer_in_a_notebook(source))
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("answer, said", [
    (lambda x: 5, "Not yet. Expected 6, received 5."),
    (lambda x: None, "Not answered yet."),
    (lambda x: x / 0, "Not yet. The answer could not be tried: ZeroDivisionError: division by zero."),
])
def test_where_nbgrader_grades_a_wrong_answer_raises_what_it_would_print(
        answer, said, check_double, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotYet) as caught:
        check_double(answer)
    assert str(caught.value) == said and caught.value._render_traceback_() == [said]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("graded", [False, True])
def test_a_warning_is_shown_but_costs_nobody_a_point(graded, check_double, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde") if graded else monkeypatch.delenv("NBGRADER_EXECUTION", False)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        check_double(answer_in_a_notebook("def double(x):\n    warnings.warn('slow')\n    return 2 * x"))
    assert capsys.readouterr().out == "Right. Twice the number.\n"
    assert len(seen) == (0 if graded else 1)
