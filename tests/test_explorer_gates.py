"""The explorer of notebook 02, without a browser: the numbers, words and pictures of its states."""

import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from helpers import assert_an_error_is_shown_and_raised
from lstmlib import forward, step
from lstmlib.drawings import cell as drawings
from lstmlib.explorers import gates as module
from lstmlib.explorers.gates import Gates, decimal, draw, gates, numbers, percent, weights_of, words


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
    ("Reset", "Forgotten."), ("Remember", "Remembered, and shown."), ("Forget at once", "Forgotten."),
    ("Never write", "Never written."), ("Always write", "Mixed with the other values."),
    ("Closed output", "Remembered, but not shown."), ("Held by its own output", "Remembered, and shown.")])
def test_named_states_say_what_happened(explorer, preset, verdict):
    explorer.choose(preset)
    assert explorer.words.value.startswith(verdict)
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


@pytest.mark.parametrize("state, verdict", [
    (Gates(value=0), "The number is 0"), (Gates(b_f=8), "Mixed"),
    (Gates(b_i=-5, b_f=4, b_o=4, marker_to_i=10), "Partly remembered.")])
def test_further_verdicts(state, verdict):
    assert words(state, numbers(state)).startswith(verdict)


def test_every_extreme_stays_inside_the_fixed_axes_and_is_well_formed():
    low, high = module.C_LIMITS
    for state in extremes():
        shown = numbers(state)
        assert low < shown.c.min() and shown.c.max() < high
        picture = draw(state, shown)
        root = ElementTree.fromstring(picture)
        assert root.get("viewBox") == "0 0 1000 500" and root.get("aria-label") == words(state, shown)
        assert "nan" not in picture


def test_pictures_do_not_depend_on_rounding_noise(explorer):
    for name in explorer.presets:
        state = explorer.state_of(name)
        shown = numbers(state)
        noisy = shown._replace(**{field: value * (1 + 3e-16) for field, value in shown._asdict().items()})
        assert draw(state, shown) == draw(state, noisy)


def test_a_control_moves_state_and_picture(explorer):
    explorer.choose("Remember")
    before = explorer.picture.value
    explorer.controls["b_f"].value = -8
    assert explorer.state.b_f == -8 and explorer.numbers.kept < 1e-9 and explorer.picture.value != before
    explorer.choose("Remember")
    assert explorer.picture.value == before


def test_an_error_is_shown_and_raised(explorer):
    assert_an_error_is_shown_and_raised(explorer, value=0.5)


def test_the_poster_shows_two_states_in_pictures_and_words(explorer):
    poster = explorer.poster_html()
    assert poster == gates().poster_html()
    assert poster.count("<img alt=") == 2 and poster.index("Forgotten.") < poster.index("<b>Remember.</b>")


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
