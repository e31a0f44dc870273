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
KEYS = "Expected the keys at once, at the end, at once and at the end, at every step back in time, received "

RIGHT = {check_plans: [{plan: np.bool_(answer) for plan, answer in PLANS.items()}], check_repair: [10.0]}
WRONG = {
    check_plans: [
        *((PLANS | {plan: not answer}, f"For {plan!r}: {not answer} is not it. Hint: {cause}")
          for (plan, answer), cause in zip(PLANS.items(), (
              "the factor stands where every path begins.", "the factor stands where every path ends.",
              "every path meets the factor twice", "a gradient that comes back from a later timestep can meet"))),
        (PLANS | {"at the end": ..., "at every step back in time": None},
         "Still open: at the end, at every step back in time."),
        ({"at once": True, 2: False}, f"{KEYS}at once, 2."), ({}, f"{KEYS}none."),
        *((PLANS | {"at the end": answer}, "expected the value True or False, without quotation marks")
          for answer in ("True", 1))],
    check_repair: [
        *((factor, f"For a gradient that was divided by 10 twice: {factor} is not it. Hint: {cause}")
          for factor, cause in ((0.1, "the gradient came out too small"), (0.01, "the gradient came out too small"),
                                (100, "one of the two divisions is wanted"), (20, "how often was it divided")))]}


@pytest.mark.parametrize("preset, wrong", [("At once", 0), ("At the end", 0), ("At every step", 72)])
def test_the_first_look_shows_the_gradient_of_the_library(preset, wrong):
    explorer = look.first_look()
    explorer.choose(preset)
    yours = lstmlib.backward(*problem(4, 1, "float64"),
                             at=lstmlib.scale_at(look.PLACES[explorer.state.place], 1 / 8))
    np.testing.assert_array_equal(explorer.numbers.yours, entries(yours))
    assert explorer.numbers.wrong == wrong
    assert ("72 of 88 numbers are wrong" in explorer.words.headline) == (wrong > 0) != explorer.words.good
    assert ("The 16 numbers of the output layer are divided once" in explorer.words.value) == (wrong > 0)
    np.testing.assert_array_equal(explorer.numbers.yours[-16:], explorer.numbers.truth[-16:])
    assert ("bit for bit" in explorer.words.headline) == (wrong == 0)


def test_the_first_look_with_other_X():
    explorer = look.first_look()
    explorer.set(size_X=10)
    assert "up to rounding" in explorer.words.headline and explorer.numbers.wrong == 0
    explorer.set(size_X=1, place=look.AT_EVERY_STEP)
    assert "nothing is divided" in explorer.words.value and explorer.numbers.wrong == 0


def test_the_first_look_shows_where_it_divides():
    pictures = [drawn(look.draw(state, look.numbers(state))) for state in map(look.State, look.PLACES)]
    assert [picture.count(">1/|X|</text>") for picture in pictures] == [4, 1, 4]
