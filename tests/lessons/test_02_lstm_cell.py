"""Notebook 02: answers to its exercises, for test_exercises; its explorer's numbers and words; gates along time."""

from itertools import product

import numpy as np
import pytest

from helpers import formula
from lstmlib import Weights, forward, init_weights
from lstmlib.cell import sigmoid
from lstmlib.exercises.lstm_cell import all_inputs_at_once, count_parameters, counter, latch
from lstmlib.explorers import lstm_cell as explorer
from lstmlib.explorers.lstm_cell import PRESETS, Gates
from lstmlib.show import cell as drawings

SAID = [
    ("Reset", False, "Forgotten. At step 3 the input gate let in 50% of ... step by step: 0.30, −0.25"),
    ("Remember", True, "Remembered, and shown. ... let in 99.3% of the candidate"),
    ("Forget at once", False, "the forget gate kept less than 0.1% of that; all other values together add 0.00."),
    ("Never write", False, "Never written."),
    ("Always write", False, "Mixed with the other values. ... let in more than 99.9% of the candidate"),
    ("Closed output", False, "Remembered, but not shown. ... 0.2% open"),
    ("Held by its own output", True, "Remembered, and shown."),
    (Gates(**PRESETS["Remember"] | {"b_f": 3}), False, "Partly remembered."),
    (Gates(value=0), None, "The number is 0: there is nothing to remember.")]


def test_numbers_are_those_of_a_cell_in_plain_python():
    for values in product((-8, 0, 8), (-8, 1, 8), (4,), (0, 16), (0, 16), (-1, 0.5), (1, 12)):
        state = Gates(*values)
        c = h = part = 0.0
        for t, value in enumerate(explorer.OTHER_VALUES, 1):
            now = t == state.arrival
            i, f, o = map(sigmoid, (state.b_i + state.marker_to_i * now, state.b_f + state.h_to_f * h, state.b_o))
            g = np.tanh(state.value if now else value)
            c, part = f * c + i * g, i * g if now else f * part
            h = o * np.tanh(c)
        found = explorer.numbers(state)
        written = found.let_in * found.g[state.arrival - 1]
        ends = found.c[-1], found.h[-1], found.remembered[-1], found.c[-1] - found.others, written * found.kept
        np.testing.assert_allclose(ends, (c, h, part, part, part), rtol=1e-9, atol=1e-12)
        assert np.abs(found.c).max() < explorer.C_LIMITS[1]


def test_bars_along_time_are_those_of_the_trace():
    with pytest.raises(ValueError, match="stage must be one of add, .*got 'memory'"):
        drawings.cell("memory")
    trace = forward(init_weights(2, 1, 1), np.zeros((3, 1, 2)))
    for ax, name in zip(drawings.along_time(trace).axes, "ifogch", strict=True):
        np.testing.assert_array_equal([bar.get_height() for bar in ax.containers[0]], getattr(trace, name)[:, 0, 0])
    with pytest.raises(ValueError, match=r"reach must be at least the largest \|c\|, 0.749, got 0.7"):
        drawings.along_time(trace, reach=0.7)


# Answers.

def inputs(weights, X):
    T, B, D = X.shape
    return (X.reshape(T * B, D) @ weights.Wx + weights.b).reshape(T, B, 4, weights.H)


def changed(text):
    """The right inputs z of all steps, changed."""
    return lambda weights, X: formula("z T B H sigmoid", text)(inputs(weights, X), *X.shape[:2], weights.H, sigmoid)


def count_with(Wx=((0, 0, 10, 0), (0, -30, 0, 0)), b=(15, 15, 0, 0), Wh=(0, 0, 0, 0)):
    """An answer to the counter: right as it stands."""
    return lambda: Weights(*(np.array(array, float) for array in (Wx, [Wh], b, [[1]], [0])))


RIGHT = {
    count_parameters: [lambda D, H, K: np.int64(4 * H * (D + H + 1) + K * (H + 1))],
    latch: [
        lambda: np.array([-7, 10, 0, 3.877]),  # shows 97.97% of c, which is 98.0%
        lambda: (-7, 6.43, 0, 6)],  # 5.03% off, which is 5.0%
    all_inputs_at_once: [inputs, changed("list(z)")],
    counter: [
        count_with(Wx=((12, 0, 0, 0), (0, -30, 0, 0)), b=(-6, 15, 9, 0)),
        count_with(b=(15, 15, 0.1003 / 7, 0))],  # seven zeros in a row make 0.1003, which is 0.100
}

WRONG = {
    count_parameters: [(formula("D H K", text), said) for text, said in (
        ("4 * H * (D + H + 1)", "For D = 7, H = 5, K = 3: expected 278, received 260. Hint: the output layer"),
        ("4 * H * (D + H) + K * H", "and so has each"), ("4 * H * (D + H + 1) + K * H", "each output has a bias"),
        ("4 * H * (D + H) + K * (H + 1)", "each of i, f, g, o has a bias"),
        ("H * (D + H + 1) + K * (H + 1)", "weights of their own each"),
        ("3 * H * (D + H + 1) + K * (H + 1)", "the candidate has weights"),
        ("4 * H * (D + H) + H + K * (H + 1)", "biases of their own"),
        ("4 * H * (D + 1) + K * (H + 1)", "through weights, too: Wh"),
        ("4 * H * (D + 1) + H * H + K * (H + 1)", "Wh is (H, 4H)"),
        ("4 * H * (H + 1) + D * H + K * (H + 1)", "Wx is (D, 4H)"),
        ("4 * H * (D + H + 2) + K * (H + 1)", "PyTorch keeps two"),
        ("4 * H * (D + H + 1) + 3 * (H + 1)", "expected 14, received 18.\n"))],  # of more than one mistake
    latch: [
        (lambda: (-6, 8, 0), "four biases"),
        (lambda: (-12, 8, 0, 6), "lets in only 50%"),
        (lambda: (-6, 1, 0, 6), "For the value 0.8 written at step 5: expected c = 0.664 to within 5% from there to "
         "step 30, received -0.001 at step 29, 100.1% off. Hint: each forget gate keeps 0.731, and the product over 25 "
         "steps is 0.0004: b_f should be larger."),
        (lambda: (-8, 6.99, 1, 6), "shifts it. Also, each forget gate keeps 0.999"),
        (lambda: (-5, 20, 0, 6), "still lets in 0.7% of every value"),
        (lambda: (-6, 6.5, 0, 3), "c is right, but h ends at 0.538 where tanh(c) is 0.565. Hint: the output gate")],
    all_inputs_at_once: [
        *((changed(text), said) for text, said in (
            ("z.reshape(T, B, -1)", "parted into four quarters"), ("z.reshape(T, B, H, 4)", "gates come before the"),
            ("z.reshape(T, B, H, 4).swapaxes(2, 3)", "not into"), ("z.swapaxes(0, 1)", "time comes first"),
            ("z.reshape(-1, 4, H)", "T times B of them"), ("tuple(moveaxis(z, 2, 0))", "quarters stand in front"),
            ("where(arange(4)[:, None] == 2, tanh(z), sigmoid(z))", "and no tanh yet"),
            ("2 * z", "For T = 5, B = 3, D = 2, H = 6: at [0, 0, 0, 0] expected 0.00659465, received "))),
        (lambda weights, X: (inputs(weights, X) - weights.b.reshape(4, weights.H)).tolist(), "the bias b is missing")],
    counter: [
        (lambda: init_weights(1, 1, 1), "D = 2 and H = 1, received Weights(D=1, H=1, K=1, float64)."),
        (count_with(Wx=((0, 0, 10, 0), (0, 0, 0, 0))),
         "At step 3 with (count, reset) = (0, 1) and c = 2.000 before it: expected c = 0 to within 0.1, received "
         "2.000. Hint: the reset did not close the forget gate, it is 1.00: it needs a large negative weight there."),
        (count_with(Wx=((0, -1, 10, 0), (0, -30, 0, 0)), b=(15, 5, 0, 0)), "a 1 without a reset must leave the forget"),
        (count_with(b=(15, 1, 0, 0), Wh=(0, 0, 0, 5)), "raise b_f"),  # a weight that does no harm is not blamed
        (count_with(Wh=(1, 1, 1, 1)), "Wh lets"),
        (count_with(Wx=((0, -30, 0, 0), (0, 0, 10, 0))), "count reaches neither the input gate nor the candidate"),
        (count_with(Wx=((0, 0, 10, 0), (-30, -30, 0, 0))), "first of the new"),
        (count_with(Wx=((0, 0, 10, 0), (0, -30, 9, 0))), "adds nothing"),
        (count_with(Wx=((0, 0, 1.4, 0), (0, -30, 0, 0)), b=(15, 0, 0, 0)), "i = 1.00 and g = 0.89: the input gate"),
        (count_with(b=(15, 15, 0.104 / 7, 0)), "a 0 must add nothing, and there i = 1.00 and g = 0.01: either")]}
