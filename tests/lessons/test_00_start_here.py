"""Notebook 00: answers to its exercises, for test_exercises; its first look, without a browser."""

import numpy as np
import pytest

import lstmlib
from helpers import drawn
from lstmlib.exercises.start_here import check_plans, check_repair
from lstmlib.explorers import start_here as look
from lstmlib.explorers.where_to_divide.numbers import problem
from lstmlib.weights import entries

PLANS = {"at once": True, "at the end": True, "at once and at the end": False, "at every step back in time": False}
RIGHT = {check_plans: [{plan: np.bool_(answer) for plan, answer in PLANS.items()}], check_repair: [10.0]}
WRONG = {
    check_plans: [
        (PLANS | {"at once": False}, "'at once': False is not it. Hint: the factor stands where every path begins."),
        (PLANS | {"at the end": False}, "the factor stands where every path ends."),
        (PLANS | {"at once and at the end": True}, "every path meets the factor twice"),
        (PLANS | {"at every step back in time": True}, "a gradient that comes back from a later timestep can meet"),
        (PLANS | {"at the end": "True"}, "expected the value True or False, without quotation marks"),
        (PLANS | {"at the end": ...}, "Still open: at the end."),
        ({2: False}, f"Expected the keys {', '.join(PLANS)}, received 2.")],
    check_repair: [(0.1, "the gradient came out too small"), (100, "one of the two divisions is wanted"),
                   (20, "twice: 20 is not it. Hint: how often was it")],
}


@pytest.mark.parametrize("place, size_X, wrong, badges, verdict, said", [
    (look.AT_ONCE, 8, 0, 4, "bit for bit", "all 88 numbers"),
    (look.AT_ONCE, 10, 0, 4, "up to rounding", "a few 1e-16"),
    (look.AT_THE_END, 8, 0, 1, "bit for bit", "the result is the same"),
    (look.AT_EVERY_STEP, 8, 72, 4, "72 of 88 numbers are wrong", "The 16 numbers of the output layer are divided once"),
    (look.AT_EVERY_STEP, 1, 0, 4, "bit for bit", "nothing is divided")])
def test_the_first_look_shows_the_gradient_of_the_library(place, size_X, wrong, badges, verdict, said):
    state = look.State(place, size_X)
    numbers = look.numbers(state)
    yours = lstmlib.backward(*problem(4, 1, "float64"), at=lstmlib.scale_at(look.PLACES[place], 1 / size_X))
    np.testing.assert_array_equal(numbers.yours, entries(yours))
    assert numbers.wrong == wrong and said in look.words(state, numbers)
    good, told = look.headline(state, numbers)
    assert good == (wrong == 0) and verdict in told
    assert drawn(look.draw(state, numbers)).count(">1/|X|</text>") == badges
