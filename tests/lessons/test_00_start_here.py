"""Notebook 00: answers to its exercises, for test_exercises; its first look, without a browser."""

import numpy as np

import lstmlib
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
                   (20, "twice: 20 is not it. Hint: how often was it")]}

SAID = [
    ("At once", True, "The true gradient, bit for bit. ... all 88 numbers"),
    (look.State(look.AT_ONCE, 10), True, "up to rounding. ... a few 1e-16"),
    ("At the end", True, "bit for bit. ... the result is the same"),
    ("At every step", False, "72 of 88 numbers are wrong. ... The 16 numbers of the output layer are divided once"),
    (look.State(look.AT_EVERY_STEP, 1), True, "nothing is divided")]


def test_the_first_look_shows_the_gradient_of_the_library():
    for place, edges in look.PLACES.items():
        yours = lstmlib.backward(*problem(4, 1, "float64"), at=lstmlib.scale_at(edges, 1 / 8))
        np.testing.assert_array_equal(look.numbers(look.State(place, 8)).yours, entries(yours))
