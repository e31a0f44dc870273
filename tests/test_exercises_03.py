"""Exercises of notebook 3: the right answer passes, each planted wrong one is caught with the hint on its cause."""

import numpy as np
import pytest

from lstmlib.exercises import backward as exercises
from lstmlib.exercises.base import NotYet

F = 0.5 ** (1 / 100)


def test_right_answers(capsys):
    exercises.check_coupled_forget(lambda f, c_prev, g: (c_prev - g) * f * (1 - f))
    exercises.check_forget_bias(4.968)
    exercises.check_faulty_arrays({"Wx", "Wh", "b"})
    assert capsys.readouterr().out.count("Right.") == 3


@pytest.mark.parametrize("check, answer, hint", [
    (exercises.check_coupled_forget, lambda f, c_prev, g: c_prev * f * (1 - f), "Add the path through it"),
    (exercises.check_coupled_forget, lambda f, c_prev, g: (c_prev + g) * f * (1 - f), "is -1"),
    (exercises.check_coupled_forget, lambda f, c_prev, g: c_prev - g, "slope f (1 - f)"),
    (exercises.check_coupled_forget, lambda f, c_prev, g: 0.0, "expected"),
    (exercises.check_forget_bias, F, "the bias is what"),
    (exercises.check_forget_bias, -np.log(F / (1 - F)), "wrong sign"),
    (exercises.check_forget_bias, np.log(0.5 ** (1 / 99) / (1 - 0.5 ** (1 / 99))), "100 steps"),
    (exercises.check_forget_bias, 6.0, "Expected 4.968"),
    (exercises.check_faulty_arrays, {"Wh"}, "array by array"),
    (exercises.check_faulty_arrays, {"Wx", "Wh", "b", "Wy"}, "array by array"),
    (exercises.check_faulty_arrays, {"W"}, "The five arrays"),
    (exercises.check_faulty_arrays, "Wx", "a set of names"),
])
def test_wrong_answers_are_caught(check, answer, hint):
    with pytest.raises(NotYet, match=hint.replace("(", r"\(").replace(")", r"\)")):
        check.judge(answer)


@pytest.mark.parametrize("check, stub", [
    (exercises.check_coupled_forget, lambda f, c_prev, g: ...), (exercises.check_forget_bias, None),
    (exercises.check_faulty_arrays, None)])
def test_stub_is_not_answered(check, stub, capsys):
    check(stub)
    assert capsys.readouterr().out == "Not answered yet.\n"
