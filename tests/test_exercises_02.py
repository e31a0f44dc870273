"""Exercises of notebook 02: right answers pass, likely wrong ones are caught with the hint that names their cause."""

import re
from dataclasses import replace

import numpy as np
import pytest

from helpers import hint_of
from lstmlib import Weights
from lstmlib.exercises import lstm_cell


def counter_weights(Wx, b):
    return Weights(*(np.array(array, float) for array in (Wx, [[0, 0, 0, 0]], b, [[1]], [0])))


def right_inputs(weights, X):
    T, B, D = X.shape
    return (X.reshape(T * B, D) @ weights.Wx + weights.b).reshape(T, B, 4, weights.H)


RIGHT = [
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H + 1) + K * (H + 1)),
    (lstm_cell.latch, lambda: (-6, 8, 0, 6)),
    (lstm_cell.latch, lambda: np.array([-7, 10, 0, 10])),
    (lstm_cell.all_inputs_at_once, right_inputs),
    (lstm_cell.all_inputs_at_once, lambda weights, X: (X @ weights.Wx + weights.b).reshape(*X.shape[:2], 4, -1)),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 15, 0, 0])),
    (lstm_cell.counter, lambda: counter_weights([[12, 0, 0, 0], [0, -30, 0, 0]], [-6, 15, 9, 0])),
]

WRONG = [
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H + 1), "Wy and by"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H) + K * H, "and so has each output"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H) + K * (H + 1), "each of i, f, g, o has a bias"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H + 1) + K * H, "each output has a bias"),
    (lstm_cell.count_parameters, lambda D, H, K: H * (D + H + 1) + K * (H + 1), "weights of their own each"),
    (lstm_cell.count_parameters, lambda D, H, K: 3 * H * (D + H + 1) + K * (H + 1), "the candidate has weights"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H) + H + K * (H + 1), "biases of their own"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + 1) + K * (H + 1), "Wh"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + 1) + H * H + K * (H + 1), r"Wh is \(H, 4H\)"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (H + 1) + D * H + K * (H + 1), r"Wx is \(D, 4H\)"),
    (lstm_cell.count_parameters, lambda D, H, K: [D, H, K], "received .7, 5, 3"),
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H + 2) + K * (H + 1), "PyTorch keeps two"),
    (lstm_cell.count_parameters, lambda D, H, K: 7, "Expected|expected"),
    (lstm_cell.latch, lambda: (-6, 8, 0), "four biases"),
    (lstm_cell.latch, lambda: (-6, 1, 0, 6), "b_f should be larger"),
    (lstm_cell.latch, lambda: (0, 8, 0, 6), "b_i should be lower"),
    (lstm_cell.latch, lambda: (-12, 8, 0, 6), "lets in only 50%"),
    (lstm_cell.latch, lambda: (-6, 8, 1, 6), "b_g other than 0"),
    (lstm_cell.latch, lambda: (-6, 8, 0, -6), "shows only 0%: b_o should be larger"),
    (lstm_cell.latch, lambda: (-6, 8, 0, 3), "shows only 95%"),
    (lstm_cell.latch, lambda: (-5, 7, 0, 5), r"\d\.\d% off.*0\.7% of every value"),
    (lstm_cell.latch, lambda: (6, -8, 0, 6), "b_f should be larger.*Also.*b_i should be lower"),
    (lstm_cell.all_inputs_at_once, lambda weights, X: X @ weights.Wx + weights.b, "parted into four quarters"),
    (lstm_cell.all_inputs_at_once,
     lambda weights, X: (X @ weights.Wx + weights.b).reshape(*X.shape[:2], -1, 4), "gates come before the units"),
    (lstm_cell.all_inputs_at_once,
     lambda weights, X: (X @ weights.Wx + weights.b).reshape(*X.shape[:2], -1, 4).swapaxes(2, 3), "not into"),
    (lstm_cell.all_inputs_at_once,
     lambda weights, X: (X @ weights.Wx).reshape(*X.shape[:2], 4, -1), "bias b is missing"),
    (lstm_cell.all_inputs_at_once, lambda weights, X: right_inputs(weights, X).swapaxes(0, 1), "time comes first"),
    (lstm_cell.all_inputs_at_once, lambda weights, X: np.array(np.split(X @ weights.Wx + weights.b, 4, axis=-1)),
     r"of shape \(5, 3, 4, 6\), received an array of shape \(4, 5, 3, 6\). Hint: the four quarters stand in front"),
    (lstm_cell.all_inputs_at_once, lambda weights, X: np.split(X @ weights.Wx + weights.b, 4, axis=-1),
     "the four quarters stand in front"),
    (lstm_cell.all_inputs_at_once, lambda weights, X: right_inputs(weights, X).reshape(-1, 4, weights.H),
     "T times B of them"),
    (lstm_cell.all_inputs_at_once, lambda weights, X: 1 / (1 + np.exp(-right_inputs(weights, X))), "no sigmoid"),
    (lstm_cell.counter, lambda: 3, "D = 2 and H = 1"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, 0, 0, 0]], [15, 15, 0, 0]), "did not close"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 1, 0, 0]), "fades"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [0, 15, 0, 0]), "must add i g = 1"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [-30, -30, 0, 0]], [15, 15, 0, 0]), "first of the new"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -30, 9, 0]], [15, 15, 0, 0]), "adds nothing"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -20, 0, 0]], [10, 5, 0, 10]),
     "at 0.9933 it fades: raise b_f"),
    (lstm_cell.counter, lambda: counter_weights([[0, -30, 0, 0], [0, 0, 10, 0]], [15, 15, 0, 0]),
     "count reaches neither.*the first row of Wx belongs to count"),
    (lstm_cell.counter, lambda: counter_weights([[0, -20, 10, 0], [0, -30, 0, 0]], [15, 15, 0, 0]),
     "must leave the forget gate open, but it is 0.01 there"),
    (lstm_cell.counter, lambda: replace(counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 15, 0, 0]),
                                        Wh=np.ones((1, 4))), "Wh lets"),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 15, 1, 0]), "0 must add nothing"),
    (lstm_cell.counter, lambda: counter_weights([[10, 0, 0, 0], [0, -30, 0, 0]], [0, 15, 9, 0]), "input gate is shut"),
]


@pytest.mark.parametrize("exercise, answer", RIGHT)
def test_right_answers_pass(exercise, answer, capsys):
    exercise.judge(answer)
    exercise(answer)
    assert capsys.readouterr().out.startswith("Right. ")


@pytest.mark.parametrize("exercise, answer, hint", WRONG)
def test_wrong_answers_are_caught_and_the_hint_names_the_cause(exercise, answer, hint, capsys):
    assert re.search(hint, hint_of(exercise, answer))
    exercise(answer)
    assert capsys.readouterr().out.startswith("Not yet. ")


@pytest.mark.parametrize("exercise, stub", [
    (lstm_cell.count_parameters, lambda D, H, K: ...),
    (lstm_cell.latch, lambda: None),
    (lstm_cell.latch, lambda: (..., ..., 0, ...)),
    (lstm_cell.all_inputs_at_once, lambda weights, X: ...),
    (lstm_cell.counter, lambda: ...),
])
def test_a_stub_is_not_answered_yet(exercise, stub, capsys):
    exercise(stub)
    assert capsys.readouterr().out == "Not answered yet.\n"


def test_each_wrong_count_of_parameters_has_one_cause():
    hints = lstm_cell._parameter_hints(7, 5, 3)
    assert len(hints) == 11 and 4 * 5 * 13 + 3 * 6 not in hints


def test_counter_sequences_contain_what_the_check_needs():
    for seed in range(3):
        X, count = lstm_cell.counter_sequence(seed)
        assert count[16] == 1 and X[16, 0].tolist() == [1, 1]
        assert count[7] == 0 and count[6] > 0 and count[15] > 1
