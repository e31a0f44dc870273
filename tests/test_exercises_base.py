"""What the feedback on exercises says of a wrong value, and of an answer that raises an error."""

import linecache
import warnings

import numpy as np
import pytest

from lstmlib import forward
from lstmlib.exercises.base import NotYet, all_answered, check, expect


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
    (np.array([1.0, 2]), "Expected an array of shape (2, 12), received an array of shape (2,)."),
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


def test_long_values_are_cut():
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


# Whole checks, on answers as they come out of a notebook.

@check
def check_double(double):
    """Twice the number."""
    expect(double(3), 6)


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
def test_an_error_is_shown_with_the_line_of_the_answer(source, said, capsys):
    check_double(answer_in_a_notebook(source))
    assert said in capsys.readouterr().out


def test_where_nbgrader_grades_a_wrong_answer_raises_what_it_would_print(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    for answer, said in ((lambda x: 5, "Not yet. Expected 6, received 5."), (lambda x: None, "Not answered yet.")):
        with pytest.raises(NotYet) as caught:
            check_double(answer)
        assert str(caught.value) == said and caught.value._render_traceback_() == [said]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("graded", [False, True])
def test_a_warning_is_shown_but_costs_nobody_a_point(graded, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde") if graded else monkeypatch.delenv("NBGRADER_EXECUTION", False)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        check_double(answer_in_a_notebook("def double(x):\n    warnings.warn('slow')\n    return 2 * x"))
    assert capsys.readouterr().out == "Right. Twice the number.\n"
    assert len(seen) == (0 if graded else 1)
