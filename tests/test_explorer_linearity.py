"""The explorer of notebook 01 without a browser: its numbers against plain arithmetic, its words, its picture."""

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from fractions import Fraction

import pytest

from lstmlib.explorers.linearity import CONSTANT, GRADIENT, State, draw, linear_map, numbers, plain, words

A, SECOND, FACTOR, SIZE_X = (0, 6, 60), (0, 40, 60), (10, 100), (1, 2, 7, 32)
STATES = [State(a, second, kind, factor, size_X) for a, second, kind, factor, size_X
          in itertools.product(A, SECOND, (GRADIENT, CONSTANT), FACTOR, SIZE_X)]


@pytest.fixture(scope="module")
def explorer():
    return linear_map()


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("preset, at_once, at_the_end, agree", [
    ("Reset", 2300, 2300, True),
    ("Both are gradients", 2300, 2300, True),
    ("40 is a constant", 4300, 2300, False),
    ("Constant and many items", Fraction(401875, 100), Fraction(14375, 100), False),
    ("Constant and one item", 4600, 4600, True)])
def test_named_states(explorer, preset, at_once, at_the_end, agree):
    explorer.choose(preset)
    shown = explorer.numbers
    assert (shown.at_once[-1], shown.at_the_end[-1], shown.agree) == (at_once, at_the_end, agree)


@pytest.mark.parametrize("state", STATES)
def test_numbers_are_those_of_the_two_formulas(state):
    shown = numbers(state)
    a, second, n = Fraction(state.a), Fraction(state.second), state.size_X
    at_once = (a / n + (second / n if state.kind == GRADIENT else second)) * state.factor
    assert shown.at_once[-1] == at_once
    assert shown.at_the_end[-1] == (a + second) * state.factor / n
    assert shown.agree == (state.kind == GRADIENT or n == 1 or second == 0)
    for columns in (shown.at_once, shown.at_the_end):
        assert columns[0] + columns[1] == columns[2] and columns[2] * state.factor == columns[3]


@pytest.mark.parametrize("state", STATES)
def test_the_verdict_in_words_and_in_the_picture(state):
    shown = numbers(state)
    said, drawn = words(state, shown), texts(draw(state, shown))
    assert said.startswith("They agree" if shown.agree else "They differ")
    assert plain(shown.at_once[-1]) in said and plain(shown.at_once[-1]) in drawn
    assert plain(shown.at_the_end[-1]) in said and plain(shown.at_the_end[-1]) in drawn
    assert ("= equal" in drawn) == shown.agree and ("≠ not equal" in drawn) != shown.agree
    assert drawn.count(f"÷{state.size_X}") == (3 if state.kind == GRADIENT else 2)


@pytest.mark.parametrize("value, shown", [(Fraction(2300), "2300"), (Fraction(6, 32), "0.1875"), (Fraction(0), "0"),
                                          (Fraction(401875, 100), "4018.75"), (Fraction(46, 3), "15.33…"),
                                          (Fraction(20, 3), "6.66…"), (Fraction(603, 16), "37.6875")])
def test_numbers_are_shown_exactly_or_marked(value, shown):
    assert plain(value) == shown


def test_a_small_summand_stays_visible():
    state = State(a=6, kind=CONSTANT, size_X=32)
    root = ElementTree.fromstring(draw(state, numbers(state)))
    blue = [float(rect.get("width")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")
            if rect.get("fill") == "#0072B2"]
    assert len(blue) == 4 and min(blue) == 2


def test_words_say_which_is_right_for_a_constant():
    state = State(kind=CONSTANT)
    assert "outside the mean, such as weight decay, at once is right" in words(state, numbers(state))


def test_words_tell_why_a_constant_may_hide():
    constant = State(kind=CONSTANT)
    assert "does not come from the loss" in words(constant, numbers(constant))
    for change, reason in (({"size_X": 1}, "dividing by 1"), ({"second": 0}, "a constant of 0")):
        hidden = replace(constant, **change)
        assert reason in words(hidden, numbers(hidden))


def test_the_proportionality_strip():
    for kind, becomes in ((GRADIENT, 80), (CONSTANT, 40)):
        state = State(kind=kind)
        assert numbers(state).second_of_double_loss == becomes
        assert any(f"{becomes}  (" in (words or "") for words in texts(draw(state, numbers(state))))


def test_every_bar_stays_inside_the_picture_and_axes_do_not_move():
    boxes = set()
    for state in STATES:
        root = ElementTree.fromstring(draw(state, numbers(state)))
        width = float(root.get("viewBox").split()[2])
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            assert 0 <= float(rect.get("x")) and float(rect.get("x")) + float(rect.get("width")) <= width
        boxes.add(root.get("viewBox"))
        assert {"60", "120", "12,000"} <= set(texts(draw(state, numbers(state))))
    assert len(boxes) == 1


def test_bars_are_proportional_to_their_numbers():
    def result_bars(state):
        root = ElementTree.fromstring(draw(state, numbers(state)))
        return [float(rect.get("width")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")
                if rect.get("fill") == "#1a1a1a"]

    assert result_bars(State(60, 60, GRADIENT, 100, 1)) == [150, 150]
    at_once, at_the_end = result_bars(State(60, 60, CONSTANT, 100, 2))
    assert (at_once, at_the_end) == (112.5, 75)


def test_controls_move_the_state(explorer):
    explorer.choose("Reset")
    explorer.controls["kind"].value = CONSTANT
    explorer.set(size_X=32, a=60)
    assert explorer.state == State(60, 40, CONSTANT, 100, 32) and explorer.error is None
    assert "≠ not equal" in explorer.picture.value and "They differ" in explorer.words.value
    with pytest.raises(ValueError, match="a must be one of"):
        explorer.set(a=7)
    explorer.choose("Reset")
    assert explorer.state == State()


def test_the_poster_shows_both_cases(explorer):
    poster = explorer.poster_html()
    assert poster.count("<img alt=") == 2 and "They agree: 2300" in poster and "They differ: 4300" in poster
    assert poster == linear_map().poster_html()
