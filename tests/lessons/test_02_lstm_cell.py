"""Notebook 02: answers to its exercises, for test_exercises; its explorer's numbers and words; drawings of the cell."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from lstmlib import Weights, forward, init_weights
from lstmlib.exercises.base import NotYet
from lstmlib.exercises.lstm_cell import all_inputs_at_once, count_parameters, counter, latch
from lstmlib.explorers import lstm_cell as module
from lstmlib.explorers.lstm_cell import Gates, decimal, gates, headline, numbers, percent, weights_of
from lstmlib.show import cell as drawings


def test_the_named_states_are_called_what_they_show():
    explorer = gates()
    shown = {}
    for preset in explorer.presets:
        explorer.choose(preset)
        shown[preset] = explorer.words.headline
    assert shown == {
        "Reset": "Forgotten", "Remember": "Remembered, and shown", "Forget at once": "Forgotten",
        "Never write": "Never written", "Always write": "Mixed with the other values",
        "Closed output": "Remembered, but not shown", "Held by its own output": "Remembered, and shown"}
    own = explorer.numbers
    assert own.f[0] < 0.1 and own.f[-1] > 0.99


def by_hand(state):
    """Every value that came is followed by itself, through plain numbers: what Numbers holds of the last step."""
    c, h, parts, kept = 0.0, 0.0, [], 1.0
    for t, value in enumerate(module.OTHER_VALUES, 1):
        marked = t == state.arrival
        i, f, o = (1 / (1 + math.exp(-z)) for z in (state.b_i + state.marker_to_i * marked,
                                                    state.b_f + state.h_to_f * h, state.b_o))
        g = math.tanh(state.value if marked else value)
        parts = [part * f for part in parts] + [i * g]
        c = f * c + i * g
        h = o * math.tanh(c)
        if marked:
            let_in, kept = i, 1.0
        else:
            kept *= f
    number = parts[state.arrival - 1]
    return {"o": o, "c": c, "h": h, "remembered": number, "let_in": let_in, "kept": kept,
            "others": math.fsum(parts) - number}


def verdict_of(value, o, remembered, let_in, kept, others, **_):
    """The headline in other words."""
    came = math.tanh(value)
    if came == 0:
        return None, "The number is 0: there is nothing to remember"
    left = remembered / came  # of the candidate
    verdicts = [(let_in < 1 / 10, "Never written"), (left < let_in / 10, "Forgotten"),
                (4 * abs(others) > abs(came), "Mixed with the other values"), (left < 4 / 5, "Partly remembered"),
                (o < 1 / 10, "Remembered, but not shown"), (True, "Remembered, and shown")]
    said = next(text for holds, text in verdicts if holds)
    return said == "Remembered, and shown", said


def test_numbers_and_verdict_on_a_lattice_of_states():
    seen = Counter()
    for values in product((-5, 0, 5), (-6, 1, 4, 6), (-6, 4), (0, 4, 10), (0, 16), (-0.75, 0, 0.25, 0.5), (1, 3, 9)):
        state = Gates(*values)
        shown, wanted = numbers(state), by_hand(state)
        found = {name: np.ravel(getattr(shown, name))[-1] for name in wanted}
        assert np.allclose([*found.values()], [*wanted.values()], rtol=1e-9, atol=1e-12), state
        assert headline(state, shown) == verdict_of(state.value, **wanted), state
        seen[headline(state, shown)[1]] += 1
    assert len(seen) == 7 and min(seen.values()) > 20


def test_the_cell_state_stays_inside_its_axes():
    low, high = module.C_LIMITS
    for values in product((-8, 8), (-8, 8), (-8, 8), (0, 16), (0, 16), (-1, 0, 1), (1, 12)):
        c = numbers(Gates(*values)).c
        assert low < c.min() and c.max() < high


def test_shares_and_numbers_are_written_without_false_exactness():
    assert [percent(share) for share in (1e-9, 0.004, 0.5, 0.975, 0.993, 1 - 1e-9)] == [
        "less than 0.1%", "0.4%", "50%", "98%", "99.3%", "more than 99.9%"]
    assert [decimal(value) for value in (-1e-9, -0.25, 1)] == ["0.00", "\N{MINUS SIGN}0.25", "1.00"]


def test_the_drawing_of_the_cell_grows_by_one_gate_at_a_time():
    said = [{text.get_text().replace("\n", " ") for text in drawings.cell(stage).axes[0].texts}
            for stage in drawings.STAGES]
    for stage, before, after in zip(drawings.STAGES[1:], said, said[1:]):
        assert stage in after - before and "candidate" in before & after
    with pytest.raises(ValueError, match="stage must be one of add, .*got 'memory'"):
        drawings.cell("memory")


def test_gates_along_time_are_drawn_as_they_are_in_the_trace():
    state = Gates(**module.PRESETS["Remember"])
    trace = forward(weights_of(state), module.sequence_of(state))
    axes = drawings.along_time(trace, marks=[(3, "write")]).axes
    for ax, name in zip(axes, "ifogch", strict=True):
        heights = [bar.get_height() for bar in ax.containers[0]]
        assert np.array_equal(heights, getattr(trace, name)[:, 0, 0])
    with pytest.raises(ValueError, match=r"reach must be at least the largest \|c\|, 0.63\d, got 0.5"):
        drawings.along_time(trace, reach=0.5)


# Answers.

def inputs(weights, X):
    T, B, D = X.shape
    return (X.reshape(T * B, D) @ weights.Wx + weights.b).reshape(T, B, 4, weights.H)


def changed(change):
    """The right inputs of all steps, changed."""
    return lambda weights, X: change(inputs(weights, X))


def joined(z):
    return z.reshape(*z.shape[:2], -1)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def count_with(Wx=((0, 0, 10, 0), (0, -30, 0, 0)), b=(15, 15, 0, 0), Wh=(0, 0, 0, 0), dtype=float):
    """An answer to the counter: right as it stands."""
    weights = Weights(*(np.array(array, dtype) for array in (Wx, [Wh], b, [[1]], [0])))
    return lambda: weights


RIGHT = {
    count_parameters: [lambda D, H, K: np.int64(4 * H * (D + H + 1) + K * (H + 1))],
    latch: [
        lambda: np.array([-7, 10, 0, 10]),
        lambda: (-7, 10, 0, 3.877),  # shows 97.97% of c, which is 98.0%
        lambda: (-7, 6.43, 0, 6)],  # 5.03% off, which is 5.0%
    all_inputs_at_once: [inputs, changed(list)],
    counter: [
        count_with(Wx=((12, 0, 0, 0), (0, -30, 0, 0)), b=(-6, 15, 9, 0)),
        count_with(b=(15, 15, 0.1003 / 7, 0))],  # seven zeros in a row make 0.1003, which is 0.100
}

AT_7_5_3 = "For D = 7, H = 5, K = 3: expected 278, received "
FIRST = "For the value 0.8 written at step 5: expected c = 0.664 to within 5% from there to step 30, received"
SHOWN = "For the value 0.8 written at step 5: c is right, but h ends at"
AT_5_3_2_6 = "For T = 5, B = 3, D = 2, H = 6: "
SATURATED = "the input gate should be open, and the candidate saturated at tanh(large) = 1."

WRONG = {
    count_parameters: [
        (lambda D, H, K: 4 * H * (D + H + 1),
         f"{AT_7_5_3}260. Hint: the output layer has parameters too: Wy and by."),
        (lambda D, H, K: 4 * H * (D + H) + K * H, "and so has each output"),
        (lambda D, H, K: 4 * H * (D + H) + K * (H + 1), "each of i, f, g, o has a bias"),
        (lambda D, H, K: 4 * H * (D + H + 1) + K * H, "each output has a bias"),
        (lambda D, H, K: H * (D + H + 1) + K * (H + 1), "weights of their own each"),
        (lambda D, H, K: 3 * H * (D + H + 1) + K * (H + 1), "the candidate has weights"),
        (lambda D, H, K: 4 * H * (D + H) + H + K * (H + 1), "biases of their own"),
        (lambda D, H, K: 4 * H * (D + 1) + K * (H + 1), "through weights, too: Wh"),
        (lambda D, H, K: 4 * H * (D + 1) + H * H + K * (H + 1), "Wh is (H, 4H)"),
        (lambda D, H, K: 4 * H * (H + 1) + D * H + K * (H + 1), "Wx is (D, 4H)"),
        (lambda D, H, K: 4 * H * (D + H + 2) + K * (H + 1), "PyTorch keeps two"),
        (lambda D, H, K: [D, H, K], "received [7, 5, 3]"),
        (lambda D, H, K: 4 * H * (D + H + 1) + 3 * (H + 1),  # more than one mistake gives 18 here
         "For D = 1, H = 1, K = 1: expected 14, received 18.\n"),
    ],
    latch: [
        (lambda: (-6, 8, 0), "four biases"),
        (lambda: (-12, 8, 0, 6), "lets in only 50%"),
        (lambda: (-6, 1, 0, 6), f"{FIRST} -0.001 at step 29, 100.1% off. Hint: each forget gate keeps 0.731, and the "
                                "product over 25 steps is 0.0004: b_f should be larger."),
        (lambda: (-9, 7, 0, 6), f"{FIRST} 0.618 at step 30, 6.9% off. Hint: the input gate lets in only 95% of the "
                                "candidate: the write marker adds 12 to b_i, and the sum should be well above 0."),
        (lambda: (-8, 6.99, 1, 6), f"{FIRST} 0.931 at step 5, 40.2% off. Hint: the candidate must be tanh(value); a "
                                   "bias b_g other than 0 shifts it. Also, each forget gate keeps 0.999, and the "
                                   "product over 25 steps is 0.98: b_f should be larger."),
        (lambda: (-5, 20, 0, 6), "For the value 0.3 written at step 9: expected c = 0.291 to within 5% from there to "
                                 "step 30, received 0.272 at step 13, 6.7% off. Hint: without the write marker the "
                                 "input gate still lets in 0.7% of every value: b_i should be lower."),
        (lambda: (-6, 6.5, 0, 3), f"{SHOWN} 0.538 where tanh(c) is 0.565. Hint: the output gate shows only 95.3%: b_o "
                                  "should be larger."),
        (lambda: (-7, 10, 0, 3.85), f"{SHOWN} 0.566 where tanh(c) is 0.578. Hint: the output gate shows only 97.9%"),
    ],
    all_inputs_at_once: [
        (changed(joined), "parted into four quarters"),
        (changed(lambda z: joined(z).reshape(*z.shape[:2], -1, 4)), "gates come before the units"),
        (changed(lambda z: joined(z).reshape(*z.shape[:2], -1, 4).swapaxes(2, 3)), "not into"),
        (changed(lambda z: z.swapaxes(0, 1)), "time comes first"),
        (changed(lambda z: z.reshape(-1, *z.shape[2:])), "T times B of them"),
        (changed(lambda z: tuple(np.split(joined(z), 4, axis=-1))),
         f"{AT_5_3_2_6}expected an array of shape (5, 3, 4, 6), received an array of shape (4, 5, 3, 6). Hint: the "
         "four quarters stand in front; they belong between batch and units, on the third axis."),
        (changed(sigmoid), "no sigmoid"),
        (changed(lambda z: np.where(np.arange(4)[:, None] == 2, np.tanh(z), sigmoid(z))), "no sigmoid and no tanh yet"),
        (lambda weights, X: (inputs(weights, X) - weights.b.reshape(4, weights.H)).tolist(),
         f"{AT_5_3_2_6}at [0, 0, 0, 0] expected 0.00659465, received -0.0125397. Hint: the bias b is missing."),
        (changed(lambda z: 2 * z), f"{AT_5_3_2_6}at [0, 0, 0, 0] expected 0.00659465, received 0.0131893.\n"),
    ],
    counter: [
        (lambda: init_weights(1, 1, 1),
         "Expected Weights with D = 2 and H = 1, received Weights(D=1, H=1, K=1, float64)."),
        (lambda: 3, "D = 2 and H = 1"),
        (count_with(Wx=((0, 0, 10, 0), (0, 0, 0, 0))),
         "At step 3 with (count, reset) = (0, 1) and c = 2.000 before it: expected c = 0 to within 0.1, received "
         "2.000. Hint: the reset did not close the forget gate, it is 1.00: it needs a large negative weight there."),
        (count_with(Wx=((0, -1, 10, 0), (0, -30, 0, 0)), b=(15, 5, 0, 0)),
         "At step 13 with (count, reset) = (1, 0) and c = 2.946 before it: expected c = 4 to within 0.1, received "
         "3.893. Hint: a 1 without a reset must leave the forget gate as open as a 0 does, but count reaches it with "
         "weight -1: only the reset, the second row of Wx, may close it."),
        (count_with(Wx=((0, 0, 10, 0), (0, -20, 0, 0)), b=(10, 5, 0, 10)), "at 0.9933 it fades: raise b_f"),
        (count_with(b=(15, 1, 0, 0), Wh=(0, 0, 0, 5)), "raise b_f"),  # a weight that does no harm is not blamed
        (count_with(b=(15, 1, 0, 0), dtype=np.float16), "raise b_f"),
        (count_with(Wh=(1, 1, 1, 1)), "Wh lets"),
        (count_with(Wx=((0, -30, 0, 0), (0, 0, 10, 0))), "count reaches neither the input gate nor the candidate: the "
                                                         "first row of Wx belongs to count"),
        (count_with(Wx=((0, 0, 10, 0), (-30, -30, 0, 0))), "first of the new"),
        (count_with(Wx=((0, 0, 10, 0), (0, -30, 9, 0))), "adds nothing"),
        (count_with(Wx=((0, 0, 1.4, 0), (0, -30, 0, 0)), b=(15, 0, 0, 0)),  # first there is nothing to forget
         "At step 1 with (count, reset) = (1, 0) and c = 0.000 before it: expected c = 1 to within 0.1, received "
         f"0.885. Hint: a 1 must add i g = 1, and there i = 1.00 and g = 0.89: {SATURATED}"),
        (count_with(Wx=((0, 0, 1, 0), (9, -30, 0, 0)), b=(2, 15, 0, 0)), f"i = 0.88 and g = 0.76: {SATURATED}"),
        (count_with(b=(15, 15, 0.104 / 7, 0)),
         "At step 9 with (count, reset) = (0, 0) and c = 0.089 before it: expected c = 0 to within 0.1, received "
         "0.104. Hint: a 0 must add nothing, and there i = 1.00 and g = 0.01: either the candidate is 0 (a weight "
         "from count, no bias) or the input gate is shut."),
    ],
}


def test_no_latch_fails_without_a_hint():
    for b_i, b_f in product(range(-12, 3), (-1, 5, 6, 6.5, 7, 8, 20)):
        try:
            latch.judge(lambda: (b_i, b_f, 0, 6))
        except NotYet as said:
            assert "Hint: " in str(said) and not str(said).endswith("Hint: "), (b_i, b_f)
