"""Exercises of notebook 02: right answers pass, likely wrong ones are caught with the hint that names their cause.

The explorer of notebook 02, without a browser: the numbers, words and pictures of its states.
"""

import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from helpers import drawn, hint_of
from lstmlib import Weights, forward, step
from lstmlib.exercises import lstm_cell
from lstmlib.exercises.base import NotYet
from lstmlib.explorers import lstm_cell as module
from lstmlib.explorers.lstm_cell import Gates, decimal, draw, gates, headline, numbers, percent, weights_of
from lstmlib.show import cell as drawings


@pytest.fixture(scope="module")
def explorer():
    return gates()


def extremes():
    for b_i, b_f, b_o, marker_to_i, h_to_f, value, arrival in itertools.product(
            (-8, 8), (-8, 8), (-8, 8), (0, 16), (0, 16), (-1, 0, 1), (1, 12)):
        yield Gates(b_i, b_f, b_o, marker_to_i, h_to_f, value, arrival)


def test_numbers_are_those_of_the_single_step():
    state = Gates(b_i=-3, b_f=2, b_o=1, marker_to_i=6, h_to_f=4, value=-0.5, arrival=5)
    shown = numbers(state)
    h = c = np.zeros((1, 1))
    for t in range(module.T):
        x = np.array([[shown.x[t], t == 4]], float)
        _, h, c, trace = step(weights_of(state), x, h, c)
        for name in "ifgoch":
            assert np.isclose(getattr(shown, name)[t], getattr(trace, name)[0, 0], rtol=1e-12, atol=1e-15)
    assert shown.x[4] == -0.5


def test_the_part_of_the_number_is_what_c_loses_without_it():
    state = Gates(b_i=1, b_f=2, b_o=0, value=0.75, arrival=4)  # no gate depends on the value or on h
    shown, without = numbers(state), numbers(Gates(b_i=1, b_f=2, b_o=0, value=0, arrival=4))
    assert np.allclose(shown.remembered, shown.c - without.c, atol=1e-14)
    assert np.isclose(shown.others, without.c[-1])
    assert np.isclose(shown.kept, (1 / (1 + np.exp(-2))) ** (module.T - 4))


@pytest.mark.parametrize("preset, verdict", [
    ("Reset", "Forgotten"), ("Remember", "Remembered, and shown"), ("Forget at once", "Forgotten"),
    ("Never write", "Never written"), ("Always write", "Mixed with the other values"),
    ("Closed output", "Remembered, but not shown"), ("Held by its own output", "Remembered, and shown")])
def test_named_states_say_what_happened(explorer, preset, verdict):
    explorer.choose(preset)
    good = {"Remembered, and shown": True}.get(verdict, False)
    assert (explorer.words.good, explorer.words.headline) == (good, verdict)
    assert explorer.error is None and explorer.alert.value == ""


def test_numbers_of_the_named_states(explorer):
    shown = {name: numbers(explorer.state_of(name)) for name in explorer.presets}
    number = np.tanh(0.75)
    assert abs(shown["Remember"].c[-1] - number) < 0.05 * number
    assert abs(shown["Forget at once"].c[-1]) < 0.01 and shown["Forget at once"].let_in > 0.99
    assert abs(shown["Never write"].c[-1]) < 0.02 and shown["Never write"].kept > 0.95
    assert shown["Always write"].others > 0.8
    assert np.array_equal(shown["Closed output"].c, shown["Remember"].c) and abs(shown["Closed output"].h).max() < 0.01
    own = shown["Held by its own output"]
    assert own.f[0] < 0.1 and own.f[-1] > 0.99 and own.c[-1] > 0.9 * number
    negative = numbers(Gates(**module.PRESETS["Held by its own output"], value=-0.75))
    assert abs(negative.c[-1]) < 0.01
    small = numbers(Gates(**module.PRESETS["Held by its own output"] | {"value": 0.5}))
    assert small.f[3] > 0.95 and abs(small.c[-1]) < 0.01


def verdict_of(state):
    """The headline in other words: every value that came is followed by itself, through plain numbers."""
    c, h, parts = 0.0, 0.0, []
    for t, value in enumerate(module.OTHER_VALUES, 1):
        marked = t == state.arrival
        value = state.value if marked else value
        i, f, o = (1 / (1 + math.exp(-z)) for z in (state.b_i + state.marker_to_i * marked,
                                                    state.b_f + state.h_to_f * h, state.b_o))
        parts = [part * f for part in parts] + [i * math.tanh(value)]
        c = f * c + i * math.tanh(value)
        h = o * math.tanh(c)
        if marked:
            written = i
    assert c == pytest.approx(math.fsum(parts), abs=1e-12)
    number, came = parts[state.arrival - 1], math.tanh(state.value)
    rest = math.fsum(parts) - number
    if came == 0:
        return None, "The number is 0: there is nothing to remember"
    left = number / came  # of the candidate
    verdicts = [(written < 1 / 10, "Never written"), (left < written / 10, "Forgotten"),
                (4 * abs(rest) > abs(came), "Mixed with the other values"), (left < 4 / 5, "Partly remembered"),
                (o < 1 / 10, "Remembered, but not shown"), (True, "Remembered, and shown")]
    said = next(text for holds, text in verdicts if holds)
    return said == "Remembered, and shown", said


def test_every_verdict_on_a_lattice_of_states():
    seen = Counter()
    for b_i, b_f, b_o, marker_to_i, h_to_f, value, arrival in itertools.product(
            (-5, -1, 0, 1, 5), (-6, 1, 3, 4, 5, 6), (-6, 0, 4), (0, 4, 10), (0, 16), (-1, -0.75, 0, 0.25, 0.5),
            (1, 3, 9)):
        state = Gates(b_i, b_f, b_o, marker_to_i, h_to_f, value, arrival)
        found = headline(state, numbers(state))
        assert found == verdict_of(state), state
        seen[found[1]] += 1
    assert len(seen) == 7 and min(seen.values()) > 20


def test_every_extreme_stays_inside_the_fixed_axes_and_is_well_formed():
    low, high = module.C_LIMITS
    for state in extremes():
        shown = numbers(state)
        assert low < shown.c.min() and shown.c.max() < high
        panels = draw(state, shown)
        assert "nan" not in drawn(panels) and [panel.name for panel in panels] == ["x", "g", "i", "f", "o", "states"]
        assert len(ElementTree.fromstring(drawn(panels))) == 6


def test_pictures_do_not_depend_on_rounding_noise(explorer):
    for name in explorer.presets:
        state = explorer.state_of(name)
        shown = numbers(state)
        noisy = shown._replace(**{field: value * (1 + 3e-16) for field, value in shown._asdict().items()})
        assert drawn(draw(state, shown)) == drawn(draw(state, noisy))


def test_a_control_moves_state_and_picture(explorer):
    explorer.choose("Remember")
    before = explorer.panels.text
    explorer.controls["b_f"].value = -8
    assert explorer.state.b_f == -8 and explorer.numbers.kept < 1e-9 and explorer.panels.text != before
    explorer.choose("Remember")
    assert explorer.panels.text == before


def test_the_poster_does_not_answer_the_question_above_it(explorer):
    poster = explorer.poster_html()
    assert poster == gates().poster_html()
    assert poster.count("<img alt=") == 1 and "Forgotten." in poster and "Remember" not in poster


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


def counter_weights(Wx, b):
    return Weights(*(np.array(array, float) for array in (Wx, [[0, 0, 0, 0]], b, [[1]], [0])))


def count_with(Wx=((0, 0, 10, 0), (0, -30, 0, 0)), b=(15, 15, 0, 0)):
    """An answer to the counter: right as it stands."""
    return lambda: counter_weights(Wx, b)


def right_inputs(weights, X):
    T, B, D = X.shape
    return (X.reshape(T * B, D) @ weights.Wx + weights.b).reshape(T, B, 4, weights.H)


RIGHT = [
    (lstm_cell.count_parameters, lambda D, H, K: 4 * H * (D + H + 1) + K * (H + 1)),
    (lstm_cell.latch, lambda: (-6, 8, 0, 6)),
    (lstm_cell.latch, lambda: np.array([-7, 10, 0, 10])),
    (lstm_cell.latch, lambda: (-7, 10, 0, 3.877)),  # shows 97.97% of c, which is 98.0%
    (lstm_cell.latch, lambda: (-7, 6.43, 0, 6)),  # 5.03% off, which is 5.0%
    (lstm_cell.all_inputs_at_once, right_inputs),
    (lstm_cell.all_inputs_at_once, lambda weights, X: (X @ weights.Wx + weights.b).reshape(*X.shape[:2], 4, -1)),
    (lstm_cell.counter, lambda: counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 15, 0, 0])),
    (lstm_cell.counter, lambda: counter_weights([[12, 0, 0, 0], [0, -30, 0, 0]], [-6, 15, 9, 0])),
    (lstm_cell.counter, count_with(b=(15, 15, 0.1003 / 7, 0))),  # seven zeros in a row make 0.1003, which is 0.100
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
    (lstm_cell.latch, lambda: (-6, 8, 0, -6), "shows only 0.2%: b_o should be larger"),
    (lstm_cell.latch, lambda: (-6, 8, 0, 3), "shows only 95.3%"),
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
     "as open as a 0 does, but count reaches it with weight -20"),
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


def test_each_wrong_count_of_parameters_has_one_cause():
    hints = lstm_cell._parameter_hints(7, 5, 3)
    assert len(hints) == 11 and 4 * 5 * 13 + 3 * 6 not in hints


def test_the_counter_is_tried_on_what_the_exercise_speaks_of():
    count, reset, expected = lstm_cell.counter_sequence()
    by_itself, with_a_one = np.flatnonzero(reset)
    assert (count[by_itself], expected[by_itself]) == (0, 0) and expected[by_itself - 1] > 1
    assert (count[with_a_one], expected[with_a_one]) == (1, 1) and expected[with_a_one - 1] > 1
    assert expected[-1] == count[with_a_one:].sum() > 1


def test_the_latch_takes_the_value_to_the_candidate_and_the_marker_to_the_input_gate():
    b_i, b_f, b_g, b_o = 0.1, 0.2, 0.3, 0.4
    trace = lstm_cell.forward(lstm_cell.latch_weights(b_i, b_f, b_g, b_o), lstm_cell.latch_sequence(0.8, 4, seed=0))
    value, marker = trace.X[:, 0].T
    assert (value[4], marker[4]) == (0.8, 1) and marker.sum() == 1 and np.unique(value).size == value.size
    for gate, z in ((trace.i, 12 * marker + b_i), (trace.f, b_f), (trace.o, b_o)):
        np.testing.assert_allclose(gate.ravel(), np.broadcast_to(1 / (1 + np.exp(-z)), 30))
    np.testing.assert_allclose(trace.g.ravel(), np.tanh(value + b_g))


@pytest.mark.parametrize("b_i", range(-12, 3))
@pytest.mark.parametrize("b_f", [-1, 5, 6, 6.5, 7, 8, 20])
def test_no_latch_fails_without_a_hint(b_i, b_f):
    try:
        lstm_cell.latch.judge(lambda: (b_i, b_f, 0, 6))
    except NotYet as said:
        assert re.search(r"Hint: \w", str(said))


@pytest.mark.parametrize("answer, said", [
    (lambda D, H, K: 4 * H * (D + H + 1),
     "For D = 7, H = 5, K = 3: expected 278, received 260. Hint: the output layer has parameters too: Wy and by."),
    (lambda D, H, K: 4 * H * (D + H + 1) + 3 * (H + 1),  # more than one mistake gives 18 here
     "For D = 1, H = 1, K = 1: expected 14, received 18."),
])
def test_all_that_is_said_of_a_count(answer, said):
    assert hint_of(lstm_cell.count_parameters, answer) == said


FIRST = "For the value 0.8 written at step 5: expected c = 0.664 to within 5% from there to step 30, received"


@pytest.mark.parametrize("biases, said", [
    ((-6, 1, 0, 6), f"{FIRST} -0.001 at step 29, 100.1% off. Hint: each forget gate keeps 0.731, and the product over "
                    "25 steps is 0.0004: b_f should be larger."),
    ((-6, 5, 0, 6), f"{FIRST} 0.561 at step 30, 15.4% off. Hint: each forget gate keeps 0.993, and the product over 25 "
                    "steps is 0.85: b_f should be larger."),
    ((-9, 7, 0, 6), f"{FIRST} 0.618 at step 30, 6.9% off. Hint: the input gate lets in only 95% of the candidate: the "
                    "write marker adds 12 to b_i, and the sum should be well above 0."),
    ((-8, 6.99, 1, 6), f"{FIRST} 0.931 at step 5, 40.2% off. Hint: the candidate must be tanh(value); a bias b_g other "
                       "than 0 shifts it. Also, each forget gate keeps 0.999, and the product over 25 steps is 0.98: "
                       "b_f should be larger."),
    ((-5, 20, 0, 6), "For the value 0.3 written at step 9: expected c = 0.291 to within 5% from there to step 30, "
                     "received 0.272 at step 13, 6.7% off. Hint: without the write marker the input gate still lets in "
                     "0.7% of every value: b_i should be lower."),
    ((-6, 6.5, 0, 3), "For the value 0.8 written at step 5: c is right, but h ends at 0.538 where tanh(c) is 0.565. "
                      "Hint: the output gate shows only 95.3%: b_o should be larger."),
    ((-7, 10, 0, 3.85), "For the value 0.8 written at step 5: c is right, but h ends at 0.566 where tanh(c) is 0.578. "
                        "Hint: the output gate shows only 97.9%: b_o should be larger."),
])
def test_all_that_is_said_of_a_latch(biases, said):
    assert hint_of(lstm_cell.latch, lambda: biases) == said


@pytest.mark.parametrize("answer, said", [
    (lambda weights, X: 2 * right_inputs(weights, X),
     "For T = 5, B = 3, D = 2, H = 6: at [0, 0, 0, 0] expected 0.00659465, received 0.0131893."),
    (lambda weights, X: right_inputs(weights, X).reshape(4, -1),
     "For T = 5, B = 3, D = 2, H = 6: expected an array of shape (5, 3, 4, 6), received an array of shape (4, 90)."),
    (lambda weights, X: tuple(np.split(X @ weights.Wx + weights.b, 4, axis=-1)),
     "For T = 5, B = 3, D = 2, H = 6: expected an array of shape (5, 3, 4, 6), received an array of shape (4, 5, 3, "
     "6). Hint: the four quarters stand in front; they belong between batch and units, on the third axis."),
    (lambda weights, X: (right_inputs(weights, X) - weights.b.reshape(4, weights.H)).tolist(),
     "For T = 5, B = 3, D = 2, H = 6: at [0, 0, 0, 0] expected 0.00659465, received -0.0125397. Hint: the bias b is "
     "missing."),
])
def test_all_that_is_said_of_inputs_at_once(answer, said):
    assert hint_of(lstm_cell.all_inputs_at_once, answer) == said


def test_gates_with_a_sigmoid_and_a_candidate_with_a_tanh_come_too_early():
    def too_early(weights, X):
        z = right_inputs(weights, X)
        return np.stack([1 / (1 + np.exp(-z[:, :, 0])), 1 / (1 + np.exp(-z[:, :, 1])), np.tanh(z[:, :, 2]),
                         1 / (1 + np.exp(-z[:, :, 3]))], axis=2)

    assert "Hint: no sigmoid and no tanh yet" in hint_of(lstm_cell.all_inputs_at_once, too_early)


@pytest.mark.parametrize("answer, said", [
    (lambda: lstm_cell.init_weights(1, 1, 1), "Expected Weights with D = 2 and H = 1, received Weights(D=1, H=1, K=1, "
                                              "float64)."),
    (count_with(Wx=((0, 0, 1.4, 0), (0, -30, 0, 0)), b=(15, 0, 0, 0)),  # at the first step there is nothing to forget
     "At step 1 with (count, reset) = (1, 0) and c = 0.000 before it: expected c = 1 to within 0.1, received 0.885. "
     "Hint: a 1 must add i g = 1, and there i = 1.00 and g = 0.89: the input gate should be open, and the candidate "
     "saturated at tanh(large) = 1."),
    (count_with(b=(15, 15, 0.104 / 7, 0)),
     "At step 9 with (count, reset) = (0, 0) and c = 0.089 before it: expected c = 0 to within 0.1, received 0.104. "
     "Hint: a 0 must add nothing, and there i = 1.00 and g = 0.01: either the candidate is 0 (a weight from count, no "
     "bias) or the input gate is shut."),
    (count_with(Wx=((0, 0, 10, 0), (0, 0, 0, 0))),
     "At step 3 with (count, reset) = (0, 1) and c = 2.000 before it: expected c = 0 to within 0.1, received 2.000. "
     "Hint: the reset did not close the forget gate, it is 1.00: it needs a large negative weight there."),
    (count_with(Wx=((0, -1, 10, 0), (0, -30, 0, 0)), b=(15, 5, 0, 0)),
     "At step 13 with (count, reset) = (1, 0) and c = 2.946 before it: expected c = 4 to within 0.1, received 3.893. "
     "Hint: a 1 without a reset must leave the forget gate as open as a 0 does, but count reaches it with weight -1: "
     "only the reset, the second row of Wx, may close it."),
    (count_with(Wx=((0, 0, 1, 0), (9, -30, 0, 0)), b=(2, 15, 0, 0)),
     "At step 1 with (count, reset) = (1, 0) and c = 0.000 before it: expected c = 1 to within 0.1, received 0.671. "
     "Hint: a 1 must add i g = 1, and there i = 0.88 and g = 0.76: the input gate should be open, and the candidate "
     "saturated at tanh(large) = 1."),
])
def test_all_that_is_said_of_a_counter(answer, said):
    assert hint_of(lstm_cell.counter, answer) == said


def test_a_weight_from_h_that_does_no_harm_is_not_blamed():
    weights = replace(counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 1, 0, 0]), Wh=np.array([[0, 0, 0, 5.0]]))
    assert "raise b_f" in hint_of(lstm_cell.counter, lambda: weights)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_counter_of_any_dtype_gets_its_hint(dtype):
    weights = counter_weights([[0, 0, 10, 0], [0, -30, 0, 0]], [15, 1, 0, 0])
    narrow = Weights(*(array.astype(dtype) for _, array in weights.items()))
    assert "raise b_f" in hint_of(lstm_cell.counter, lambda: narrow)
