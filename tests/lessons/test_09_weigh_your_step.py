"""Notebook 09: answers to its exercises, for test_exercises; its explorer."""

import re

import numpy as np
import pytest

from helpers import drawn
from lstmlib.exercises.weigh_your_step import check_fingerprint, check_sealed, check_weigh
from lstmlib.explorers import weigh_your_step as module
from lstmlib.explorers.film import lattice

NAMES = {"A": "the mean of each piece's mean", "B": "the mean over sequences of each one's mean",
         "C": "with weight decay"}


def weights(whole, parts):
    return np.linalg.lstsq(parts.T, whole, rcond=None)[0]


def rest(whole, parts):
    return np.linalg.norm(whole - weights(whole, parts) @ parts)


def share(whole, parts):
    return rest(whole, parts) / np.linalg.norm(whole)


RIGHT = {check_fingerprint: [(1 / 21,) * 3]}

WRONG = {
    check_weigh: [
        (weights, "Expected a pair"), (lambda whole, parts: (parts @ whole, 0.0), "not at right angles"),
        (lambda whole, parts: (parts @ whole / (parts ** 2).sum(axis=1), 0.0), "fit them together"),
        (lambda *given: (weights(*given), rest(*given)), "a share has no unit"),
        (lambda *given: (weights(*given), rest(*given) ** 2), "take the root"),
        (lambda *given: (weights(*given), share(*given) ** 2), "square of the share")],
    check_fingerprint: [
        ([1 / 10] * 3, "every place in the array"), ([1 / 14] * 3, "as for the longest"),
        ([1 / 6, 1 / 9, 1 / 15], "own tokens"), ([1 / 3] * 3, "mean over sequences of sums"),
        ([1 / 7] * 3, "number of sequences, too"), ([0.5] * 3, "how many places"), ([1 / 21], "Expected 3 weights")],
    check_sealed: [
        *((NAMES | {name: answer}, hint) for name, answer, hint in (
            ("A", "the mean over tokens", "two unequal pieces"), ("A", "each piece's mean, added up", "twice as large"),
            ("B", "the mean of each piece's mean", "one by one these two agree"),
            ("B", "the mean over tokens", "a short and a long"),
            ("C", "a mean with class weights", "without any token"), ("C", "the mean over tokens", "left over"),
            ("C", "a sum", "a batch without a token"), ("C", "decay", "expected one of"))),
        ({"A": "a sum"}, "Expected the keys A, B, C, received A.")]}


# The explorer.

FAULTS = {"the mean of each piece's mean": ["pieces"], "each piece's mean, added up": ["pieces"],
          "clipped by norm": ["clipped"], "clipped entry by entry": ["clipped"], "with weight decay": ["added"]}
NAMED = dict(zip(module.STEPS, (
    "nothing", "sequences", "tokens", "tokens of each sequence, then sequences", "padded B*T")))
NO_SUM = "clipped entry by entry", "with weight decay", "a mean with class weights"


def weights_of(state):
    """What each item weighs in a step that divides by a number of items; None in another."""
    n, T = np.array(module.SHAPES[state.items]).T
    pieces = module.CUTS[state.cut]
    own = np.array([sum(n[piece]) for b in range(3) for piece in pieces if b in piece])
    divided_by = {"a sum": 1, "the mean over sequences": 3, "the mean over tokens": sum(n),
                  "the mean over sequences of each one's mean": 3 * n,
                  "a masked loss, divided by its padded size": 3 * max(T),
                  "the mean of each piece's mean": len(pieces) * own, "each piece's mean, added up": own}
    return np.ones(3) / divided_by[state.step] if state.step in divided_by else None


@pytest.mark.parametrize("state", lattice("weigh_your_step"), ids=str)
def test_weights_verdict_and_faults_of_every_state(state):
    numbers, expected = module.numbers(state), weights_of(state)
    (good, headline), words = module.headline(state, numbers), module.words(state, numbers)
    faults = [fault.kind for fault in numbers.report.faults]
    if state.items != "all of one length":
        assert faults == FAULTS.get(state.step, [])
    assert ("It finds no fault." in words) is (not faults) and all(kind in words for kind in faults)
    if expected is not None:
        assert numbers.measured == pytest.approx(expected, rel=1e-9) and numbers.left < 1e-9
        fits = [name for name, weights in numbers.predicted.items() if weights == pytest.approx(expected)]
        assert headline == ("In this cut, divided by " + " or ".join(map(module.short, fits)) if fits
                            else "A weighted sum, but of no |X| on this list")
        assert NAMED.get(state.step) in [None, *fits]
        assert good is (bool(fits) and not faults) and ("take others" in words) is (len(fits) > 1)
    if state.step in NO_SUM:
        assert headline == f"Not a weighted sum: {100 * numbers.left:.0f}% of the gradient is left over" and not good


def test_the_panels_show_the_weights():
    state = module.State(step="the mean over sequences of each one's mean")
    text = drawn(module.draw(state, module.numbers(state)))
    assert all(f">{value}<" in text for value in ("0.167", "0.111", "0.0667")) and text.count("✓") == 1
    assert len(re.findall(r'<line [^>]*stroke-width="5"', text)) == 6  # 1 and 1/3, of three items, have no room
