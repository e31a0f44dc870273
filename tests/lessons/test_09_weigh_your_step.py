"""Notebook 09: answers to its exercises, for test_exercises; its explorer against fractions."""

import re
from fractions import Fraction

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
        (weights, "Expected a pair"),
        (lambda whole, parts: (parts @ whole, 0.0), "not at right angles"),
        (lambda whole, parts: (parts @ whole / (parts ** 2).sum(axis=1), 0.0), "fit them together"),
        (lambda *given: (weights(*given), rest(*given)), "a share has no unit"),
        (lambda *given: (weights(*given), rest(*given) ** 2), "take the root"),
        (lambda *given: (weights(*given), share(*given) ** 2), "square of the share"),
    ],
    check_fingerprint: [
        ([1 / 10] * 3, "every place in the array"),
        ([1 / 14] * 3, "as for the longest"),
        ([1 / 6, 1 / 9, 1 / 15], "own tokens"),
        ([1 / 3] * 3, "mean over sequences of sums"),
        ([1 / 7] * 3, "number of sequences, too"),
        ([0.5] * 3, "how many places"),
        ([1 / 21], "Expected 3 weights"),
    ],
    check_sealed: [
        *((NAMES | {name: answer}, hint) for name, answer, hint in (
            ("A", "the mean over tokens", "two unequal pieces"),
            ("A", "each piece's mean, added up", "twice as large"),
            ("B", "the mean of each piece's mean", "one by one these two agree"),
            ("B", "the mean over tokens", "a short and a long"),
            ("C", "a mean with class weights", "without any token"),
            ("C", "the mean over tokens", "left over"),
            ("C", "a sum", "a batch without a token"),
            ("C", "decay", "expected one of"))),
        ({"A": "a sum"}, "Expected the keys A, B, C, received A."),
    ],
}


# The explorer.

def expected(state):
    """The weights of a step that is a weighted sum of the items, as fractions; None where it is none."""
    shapes, pieces = module.SHAPES[state.items], module.CUTS[state.cut]
    n, T = [tokens for tokens, _ in shapes], [length for _, length in shapes]
    piece_of = {b: piece for piece in pieces for b in piece}
    own = [sum(n[k] for k in piece_of[b]) for b in range(3)]
    return {
        "a sum": [Fraction(1)] * 3, "the mean over sequences": [Fraction(1, 3)] * 3,
        "the mean over tokens": [Fraction(1, sum(n))] * 3,
        "the mean over sequences of each one's mean": [Fraction(1, 3 * k) for k in n],
        "a masked loss, divided by its padded size": [Fraction(1, 3 * max(T))] * 3,
        "the mean of each piece's mean": [Fraction(1, len(pieces) * k) for k in own],
        "each piece's mean, added up": [Fraction(1, k) for k in own]}.get(state.step)


FAULTS = {"the mean of each piece's mean": "pieces", "each piece's mean, added up": "pieces",
          "clipped by norm": "clipped", "clipped entry by entry": "clipped", "with weight decay": "added"}


@pytest.mark.parametrize("state", lattice("weigh_your_step"), ids=str)
def test_weights_verdict_and_faults_of_every_state(state):
    numbers, wanted = module.numbers(state), expected(state)
    good, headline = module.headline(state, numbers)
    faults = [fault.kind for fault in numbers.report.faults]
    if wanted is not None:
        assert numbers.measured == pytest.approx([float(w) for w in wanted], rel=1e-9) and numbers.left < 1e-9
        fits = {name for name, size in {
            "nothing": [1] * 3, "sequences": [3] * 3, "tokens": [sum(n for n, _ in module.SHAPES[state.items])] * 3,
            "padded B*T": [3 * max(T for _, T in module.SHAPES[state.items])] * 3,
            "own tokens, then sequences": [3 * n for n, _ in module.SHAPES[state.items]]}.items()
            if [Fraction(1, k) for k in size] == wanted}
        assert headline == (f"In this cut, divided by {' or '.join(sorted(fits, key=headline.find))}" if fits
                            else "A weighted sum, but of no |X| on this list")
        assert good is (bool(fits) and not faults)
    if state.items != "all of one length":
        assert faults == ([FAULTS[state.step]] if state.step in FAULTS else [])
    if state.step in ("clipped entry by entry", "with weight decay", "a mean with class weights"):
        assert headline == f"Not a weighted sum: {100 * numbers.left:.0f}% of the gradient is left over" and not good
    words = module.words(state, numbers)
    assert ("It finds no fault." in words) is (not faults) and all(kind in words for kind in faults)
    assert ("take others" in words) is (len(module.fitting(numbers)) > 1)


def test_the_panels_show_the_weights():
    state = module.State(step="the mean over sequences of each one's mean")
    text = drawn(module.draw(state, module.numbers(state)))
    assert all(f">{value}<" in text for value in ("0.167", "0.111", "0.0667")) and text.count("✓") == 1
    gaps = re.findall(r'<line [^>]*stroke-width="5"', text)
    assert len(gaps) == 6  # 1 and 1/3, of three items, are longer than the room
