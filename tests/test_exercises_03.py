"""Exercises of notebook 3: the right answer passes, each planted wrong one is caught with the hint on its cause."""

import re

import numpy as np
import pytest

from helpers import hint_of
from lstmlib.exercises import backward as exercises

F = 0.5 ** (1 / 100)


def answer(wrong_dz_f=None, wrong_dz_g=None, wrong_dz_o=None, wrong_dc=None, wrong_dc_prev=None,
           keep=lambda answers: answers):
    """A backward step of the coupled cell with one line replaced."""
    def coupled_backward(dh, dc_next, f, g, o, c_prev, c):
        q = dict(dh=dh, dc_next=dc_next, f=f, g=g, o=o, c_prev=c_prev, c=c)
        dc = q["dc"] = wrong_dc(**q) if wrong_dc else dh * o * (1 - np.tanh(c) ** 2) + dc_next
        dz_f = wrong_dz_f(**q) if wrong_dz_f else dc * (c_prev - g) * f * (1 - f)
        dz_g = wrong_dz_g(**q) if wrong_dz_g else dc * (1 - f) * (1 - g ** 2)
        dz_o = wrong_dz_o(**q) if wrong_dz_o else dh * np.tanh(c) * o * (1 - o)
        return keep((dz_f, dz_g, dz_o, wrong_dc_prev(**q) if wrong_dc_prev else dc * f))
    return coupled_backward


def in_place(dh, dc_next, f, g, o, c_prev, c, forgotten=False):
    """A right answer that overwrites what it is given; forgotten: it leaves out dc_next."""
    dz_o = dh * np.tanh(c) * o * (1 - o)
    dh *= o * (1 - np.tanh(c) ** 2)
    dh += 0 if forgotten else dc_next
    dz_g = dh * (1 - f) * (1 - g ** 2)
    c_prev -= g
    return [dh * c_prev * f * (1 - f), dz_g, dz_o, dh * f]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("check, right", [
    (exercises.check_coupled_backward, answer()),
    (exercises.check_coupled_backward, in_place),
    (exercises.check_forget_bias, 4.968),
    (exercises.check_forget_bias, 4.97),
    (exercises.check_faulty_arrays, {"Wx", "Wh", "b"}),
    (exercises.check_faulty_arrays, ["b", "Wx", "Wh"]),
    (exercises.check_faulty_arrays, ("Wh", "Wx", "b")),
])
def test_right_answers(check, right, capsys):
    check(right)
    assert capsys.readouterr().out.startswith("Right.")


@pytest.mark.parametrize("wrong, hint", [
    (answer(wrong_dz_f=lambda dc, c_prev, f, **_: dc * c_prev * f * (1 - f)), "Add the path through it"),
    (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (c_prev + g) * f * (1 - f)), "is -1"),
    (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (g - c_prev) * f * (1 - f)), "the sign"),
    (answer(wrong_dz_f=lambda dc, c_prev, g, **_: dc * (c_prev - g)), "that is df"),
    (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (c_prev - g) * f), "f (1 - f), not f"),
    (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (c_prev - g) * sigmoid(f) * (1 - sigmoid(f))), "already"),
    (answer(wrong_dz_g=lambda dc, f, g, **_: dc * f * (1 - g ** 2)), "stands 1 - f"),
    (answer(wrong_dz_g=lambda dc, f, g, **_: dc * (1 - f)), "that is dg"),
    (answer(wrong_dz_g=lambda dc, f, g, **_: dc * (1 - f) * (1 - np.tanh(g) ** 2)), "already"),
    (answer(wrong_dz_o=lambda dh, c, **_: dh * np.tanh(c)), "that is do"),
    (answer(wrong_dz_o=lambda dh, c, o, **_: dh * np.tanh(c) * sigmoid(o) * (1 - sigmoid(o))), "already"),
    (answer(wrong_dz_o=lambda dh, c, o, **_: dh * c * o * (1 - o)), "the other factor is tanh"),
    (answer(wrong_dc=lambda dh, o, c, **_: dh * o * (1 - np.tanh(c) ** 2)), "also receives dc_next"),
    (answer(wrong_dc=lambda dh, o, dc_next, **_: dh * o + dc_next), "is missing in dc"),
    (lambda *given: in_place(*given, forgotten=True), "also receives dc_next"),
    (answer(wrong_dc_prev=lambda dc, **_: dc), "stands the factor f"),
    (answer(wrong_dc_prev=lambda dc, **_: dc.tolist()), "stands the factor f"),
    (answer(keep=lambda answers: answers[:3]), "Return four arrays"),
    (answer(keep=lambda answers: 1.0), "Return four arrays"),
    (answer(keep=lambda answers: [dz.mean(axis=0, keepdims=True) for dz in answers]),
     "For dc_prev: expected an array of shape (2, 3), received an array of shape (1, 3)."),
    (answer(keep=lambda answers: (7.0, *answers[1:])), "received 7."),
])
def test_wrong_backward_steps_are_caught(wrong, hint):
    assert hint in hint_of(exercises.check_coupled_backward, wrong)


@pytest.mark.parametrize("check, wrong, hint", [
    (exercises.check_forget_bias, F, "the bias is what"),
    (exercises.check_forget_bias, 0.993, "the bias is what"),
    (exercises.check_forget_bias, -np.log(F / (1 - F)), "wrong sign"),
    (exercises.check_forget_bias, -4.97, "wrong sign"),
    (exercises.check_forget_bias, np.log(0.5 ** (1 / 99) / (1 - 0.5 ** (1 / 99))), "not 99"),
    (exercises.check_forget_bias, 4.96, "not 99"),
    (exercises.check_forget_bias, 4.95, "4.95 is not it. Hint: first find f"),
    (exercises.check_forget_bias, 4.98, "4.98 is not it. Hint: first find f"),
    (exercises.check_forget_bias, "5", "Expected a number"),
    (exercises.check_faulty_arrays, {"Wh"},
     "For the backward pass without dh_next and dc_next: {'Wh'} is not it. Hint: run both passes"),
    (exercises.check_faulty_arrays, {"Wx", "Wh", "b", "Wy"}, "array by array"),
    (exercises.check_faulty_arrays, {"Wx", "Wh", "b", "Wy", "by"}, "array by array"),
    (exercises.check_faulty_arrays, set("ZWUXYV"),
     "The five arrays are Wx, Wh, b, Wy and by, received U, V, W, X, Y, Z."),
    (exercises.check_faulty_arrays, ["Wx", 1], "a set of names"),
    (exercises.check_faulty_arrays, "Wx", "a set of names"),
])
def test_wrong_answers_are_caught_and_the_right_one_is_not_told(check, wrong, hint):
    said = hint_of(check, wrong)
    assert hint in said and not re.search("xpected [4{]", said)


@pytest.mark.parametrize("check, stub", [
    (exercises.check_coupled_backward, lambda *_: ...), (exercises.check_coupled_backward, lambda *_: None),
    (exercises.check_forget_bias, None),
    (exercises.check_faulty_arrays, None)])
def test_stub_is_not_answered(check, stub, capsys):
    check(stub)
    assert capsys.readouterr().out == "Not answered yet.\n"
