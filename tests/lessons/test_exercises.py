"""Exercises: what is said of right and wrong answers in every lesson, and how a value or an error is told.

RIGHT and WRONG of each lesson's own file hold answers beside its solution, which its notebook runs:
{check: [answer, ...]} and {check: [(answer, a part of what is said of it), ...]}.
"""

import linecache
import warnings
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

from lstmlib import forward
from lstmlib.exercises.base import NotYet, check, expect, same

LESSONS = {path.stem[8:]: import_module(path.stem) for path in sorted(Path(__file__).parent.glob("test_0*.py"))}


def answers(table):
    return [pytest.param(judged, row, id=f"{stem}-{judged.__name__}") for stem, lesson in LESSONS.items()
            for judged, rows in getattr(lesson, table).items() for row in rows]


def told(check, answer, capsys):
    """What is printed; of a check that asks for several answers, `answer` holds them all."""
    check(*answer if len(signature(check).parameters) > 1 else [answer])
    return capsys.readouterr().out


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("check, answer", answers("RIGHT"))
def test_a_right_answer_is_told_so(check, answer, capsys):
    assert told(check, answer, capsys).startswith("Right. ")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("check, row", answers("WRONG"))
def test_a_wrong_answer_is_told_its_cause(check, row, capsys):
    answer, cause = row
    said = told(check, answer, capsys)
    assert said.startswith("Not yet. ") and cause in said


@pytest.mark.parametrize("stem", LESSONS)
def test_every_exercise_is_tried(stem):
    module = import_module(f"lstmlib.exercises.{stem}")
    assert {each for each in vars(module).values() if hasattr(each, "judge")} == set(LESSONS[stem].WRONG)


# A value.

LARGE = np.arange(24.0).reshape(2, 12)


def changed(value, dtype=float):
    array = LARGE.astype(dtype)
    array[1, 3:] = value
    return array


@check
def check_value(received, expected, how):
    """It is."""
    expect(received, expected, **how)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("received, expected, how, said", [
    # Of arrays with more entries than can be shown, the first that differs; small ones in full.
    (changed(-1), LARGE, {}, "At [1, 3] expected 15, received -1."),
    (changed(np.nan), LARGE, {}, "At [1, 3] expected 15, received nan."),
    (LARGE + 1e308 * (1 + 1j), LARGE, {}, "At [0, 0] expected 0, received (1e+308+1e+308j)."),
    (changed(16) * (1 + 1e-4), LARGE, {"tolerance": 1e-3}, "At [1, 3] expected 15, received 16.0016."),
    (changed("?", object), LARGE, {}, "Expected an array of numbers, received an array of dtype object."),
    (LARGE.T, LARGE, {}, "Expected an array of shape (2, 12), received an array of shape (12, 2)."),
    (9 ** 400, LARGE, {}, f"Expected an array of shape (2, 12), received {str(9 ** 400)[:160]} and so on."),
    (LARGE, 3, {}, "Expected 3, received an array of shape (2, 12)."),
    (np.int64(2), 3, {}, "Expected 3, received 2."),
    # What differs never looks alike.
    (1 / 3 + 1e-8, 1 / 3, {}, "Expected 0.333333333333333, received 0.333333343333333."),
    (np.array([1 / 3 + 1e-8]), np.array([1 / 3]), {}, "Expected [0.3333333333333], received [0.3333333433333]."),
    # One is not true, and text is no number.
    (1, True, {}, "Expected True, received 1."),
    ("10", 10, {}, "Expected 10, received '10'."),
    # With what was given and a hint, and without the answer.
    (2, 3, {"given": "T = 1", "hint": "count again."}, "For T = 1: expected 3, received 2. Hint: count again."),
    (LARGE, 3, {"reveal": False}, "An array of shape (2, 12) is not it.")])
def test_a_wrong_value_is_told(received, expected, how, said, capsys):
    assert told(check_value, (received, expected, how), capsys) == f"Not yet. {said}\n"


def test_numbers_are_right_to_a_billionth_part_and_of_any_type():
    assert all(same(right, 3e6) for right in (3e6 * (1 + 5e-10), 3e6 + 0j, 3_000_000, np.float32(3e6)))
    assert same(np.True_, True) and not any((same(3 * (1 + 1.5e-9), 3), same(3 + 1j, 3), same(b"2.5", 2.5)))


# An answer as it comes out of a notebook.

@check
def check_double(double):
    """Twice
    the number.

    double  number -> number
    """
    expect(double(3), 6)


def answer_in_a_notebook(source):
    """The function `double` of a cell of this text."""
    linecache.cache["<a cell>"] = (len(source), None, source.splitlines(keepends=True), "<a cell>")
    names = {"__name__": "__main__", "np": np, "forward": forward, "warnings": warnings}
    exec(compile(source, "<a cell>", "exec"), names)
    return names["double"]


@pytest.mark.parametrize("source, said", [
    ("def double(x):\n    return 2 * x", "Right. Twice the number."),
    ("double = ...", "Not answered yet."),
    ("def double(x):\n    ...", "Not answered yet."),
    ("def double(x):\n    \"\"\"Twice x.\"\"\"\n    pass", "Not answered yet."),
    ("def double(x):\n    y = 2 * x", "Not yet. The function double returned None. Hint: is a `return` missing?"),
    ("def double(x):\n    y = [x]\n    return ...", "Not yet. The function double returned None or `...`. Hint: "),
    ("def double(x):\n    return 2 + x", "Not yet. Expected 6, received 5."),
    ("def double(x):\n    return half(x)\n\n\ndef half(x):\n    return y / 2  # wrong",
     "Not yet. Your answer raised NameError: name 'y' is not defined, at \"return y / 2  # wrong\"."),
    ("def double(x):\n    raise AssertionError", "Your answer raised AssertionError, at \"raise AssertionError\"."),
    ("def double(x):\n    return forward(x, 1).Y", "at \"return forward(x, 1).Y\"."),
    ("double = 6", "Not yet. The answer could not be tried: TypeError: 'int' object is not callable.")])
def test_an_error_is_shown_with_the_line_of_the_answer(source, said, capsys):
    assert said in told(check_double, answer_in_a_notebook(source), capsys)


@pytest.mark.parametrize("answer, said", [
    (lambda x: 5, "Not yet. Expected 6, received 5."),
    (lambda x: x / 0, "Not yet. The answer could not be tried: ZeroDivisionError: division by zero.")])
def test_where_nbgrader_grades_a_wrong_answer_raises_what_it_would_print(answer, said, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotYet) as caught:
        check_double(answer)
    assert str(caught.value) == said and caught.value._render_traceback_() == [said]


@pytest.mark.parametrize("mode, shown", [("", 1), ("autograde", 0)])
def test_a_warning_is_shown_but_costs_nobody_a_point(mode, shown, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", mode) if mode else monkeypatch.delenv("NBGRADER_EXECUTION", False)
    answer = answer_in_a_notebook("def double(x):\n    warnings.warn('slow')\n    return 2 * x")
    with warnings.catch_warnings(record=True, action="always") as seen:
        assert told(check_double, answer, capsys) == "Right. Twice the number.\n"
    assert len(seen) == shown
