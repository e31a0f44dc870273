"""Notebook 08: answers to its exercises, for test_exercises; the readings and words of its fault bench."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

from helpers import drawn
from lstmlib import backward, cosine, relative_error
from lstmlib.clinic.patients import PATIENTS, WARD
from lstmlib.exercises import bug_clinic as exercises
from lstmlib.explorers import bug_clinic as module
from lstmlib.explorers.bug_clinic import BEDS, Bench, draw, numbers


@pytest.mark.parametrize("bed, instrument, said", [
    ("healthy", "gradient check", "all parts agree up to rounding"),
    ("healthy", "X-ray", "right: dz of every gate and timestep, for a loss at t = 4"),
    ("B", "X-ray", "wrong: gate g at t = 4"), ("C", "X-ray", "wrong: all gates at t = 3 and t = 2"),
    ("healthy", "reordered batch", "the order does not matter"),
    ("A", "scaled loss", "ratio 2.62 for a = 1/10, 2.62 for a = 1/1000"),
    ("B", "gradient check", "12 of 14 parts differ, most of all b g: 25%"),
    ("C", "probe", "one step back: dh_next nothing, dc_next nothing"),
    ("F", "probe", "one step back: dh_next 0.07, dc_next 1.00; at t = 1: dh_next 0.05, dc_next 0.68"),
    ("D", "gradient check", "all parts agree up to rounding"),
    ("D", "reordered batch", "up to 74%; 2 of the 8 orders change nothing"),
    ("G", "size and direction", "size 3.00 of the true one, angle 0.0°"),
    ("G", "gradient check", "all 14 parts off by the same 200%")])
def test_words_say_what_is_read(bed, instrument, said):
    state = Bench(bed, instrument)
    good, headline = module.headline(state, numbers(state))
    assert said in headline[0].lower() + headline[1:]
    assert good is (bed == "healthy" or (bed, instrument) == ("D", "gradient check"))


def test_the_diagnosis_shows_only_when_asked_for():
    for bed, patient in WARD.items():
        assert patient.fault not in module.words(Bench(bed), numbers(Bench(bed)))
        assert module.words(Bench(bed, reveal=True), numbers(Bench(bed))).endswith(f"Diagnosis: {patient.fault}.")


@pytest.mark.parametrize("instrument, of_axes", [
    ("gradient check", "end"), ("scaled loss", "end"), ("probe", "end"), ("reordered batch", "end"),
    ("size and direction", "middle")])
def test_axes_do_not_follow_the_data(instrument, of_axes):
    labels = {tuple((text.text, text.get("x"), text.get("y")) for text in ElementTree.fromstring(picture).iter()
                    if text.get("text-anchor") == of_axes)
              for picture in (drawn(draw(Bench(bed, instrument), numbers(Bench(bed)))) for bed in BEDS)}
    assert len(labels) == 1 and labels != {()}


# Answers.

DIAGNOSES = {letter: patient.name for letter, patient in WARD.items()}


def into_gates(now, dh, dc, i=1, f=1, slope_g=lambda g: 1 - g ** 2, dc_for_o=False):
    do = dc if dc_for_o else dh
    return np.concatenate([i * dc * now.g * now.i * (1 - now.i), f * dc * now.c_prev * now.f * (1 - now.f),
                           dc * now.i * slope_g(now.g), do * np.tanh(now.c) * now.o * (1 - now.o)], axis=-1)


def wrong_in_gates(**change):
    return lambda *about: into_gates(*about, **change)


def entrywise(gradient, truth, **tolerance):
    return all(np.allclose(mine, getattr(truth, name), **tolerance) for name, mine in gradient.items())


def with_gates(change):
    """The right dz, changed."""
    return lambda now, dh, dc: change(into_gates(now, dh, dc))


def with_upstream(change, times=1):
    """A backward pass that changes its upstream gradient, and its result."""
    return lambda weights, trace, dY: backward(weights, trace, change(dY)).map(lambda array: array * times)


NAMES = f"is none of the names. The faults are called {', '.join(PATIENTS)}."
OPEN = dict.fromkeys(WARD, ...)

RIGHT = {
    exercises.check_diagnoses: [DIAGNOSES | {"A": " Clipped inside"}],  # capitals and blanks do not count
    exercises.check_cure: [with_gates(np.ndarray.tolist)],
    exercises.check_fooled_by_ones: [with_upstream(lambda dY: np.roll(dY, 1, axis=0)), with_upstream(np.square)],
    exercises.check_verdict: [lambda gradient, truth: (gradient - truth).norm() <= 1e-12 * truth.norm()]}

WRONG = {
    exercises.check_diagnoses: [
        *((DIAGNOSES | {letter: other}, f"\n{letter} is not {other!r}: {exercises.HINTS[name]}\n")
          for letter, name in DIAGNOSES.items() for other in [next(other for other in PATIENTS if other != name)]),
        (DIAGNOSES | dict.fromkeys("CEFH", "factor K") | {"B": "clipping", "D": ["shifted"]},
         "".join(["Not yet. Right so far: A, G.\n", f"B: 'clipping' {NAMES}\n",
                  f"C is not 'factor K': {exercises.HINTS['not carried']}\n", f"D: ['shifted'] {NAMES}\nE is not "])),
        (OPEN | {"A": None, "D": DIAGNOSES["D"]}, "Not yet. Right so far: D.\n"),
        (OPEN | {"A": "clipping"}, "Not yet. Right so far: none.\nA: "), ({"A": "shifted"}, "the keys A to H")],
    exercises.check_cure: [
        (wrong_in_gates(slope_g=lambda g: 1 - np.tanh(g) ** 2), "g is tanh(z_g) already"),
        (wrong_in_gates(i=0), "Expected norm-relative errors below 1e-9, received 1 in Wx i. Hint: look at the quarter "
                              "'i'; in c_t it multiplies g. What is the slope of the sigmoid in terms of i?"),
        (wrong_in_gates(f=2), "look at the quarter 'f'; in c_t it multiplies the state before"),
        (wrong_in_gates(dc_for_o=True), "from which of dh and dc"),
        (with_gates(lambda dz: np.hstack([np.split(dz, 4, axis=1)[k] for k in (0, 1, 3, 2)])),
         "in the order i, f, g, o, received them in the order i, f, o, g."),
        (with_gates(lambda dz: np.concatenate(np.split(dz, 4, axis=1))),
         "Expected dz of shape (B, 4H) = (4, 16), the quarters i, f, g, o side by side; received an array of shape "
         "(16, 4). Hint: np.concatenate joins along the first axis; give it axis=1."),
        (lambda now, dh, dc: into_gates(now, dh, dc) * (1 if now.c_prev.any() else np.nan), "received nan"),
        (lambda now, dh, dc: into_gates(now, dh, dc + dh * now.o * (1 - np.tanh(now.c) ** 2)),
         "dc contains it already")],
    exercises.check_fooled_by_ones: [
        (backward, "what can be exchanged"),
        (with_upstream(abs, times=2), "With an upstream gradient of ones the result must be right; it is wrong by 1 "
                                      "(norm-relative). Hint: do something to dY that leaves ones as they are")],
    exercises.check_verdict: [
        (lambda *both: entrywise(*both, rtol=1e-2, atol=1e-2), "look at the size of the tolerance"),
        (lambda *both: entrywise(*both, rtol=1e-9, atol=1e-8),
         "both gradients times 1e-06: expected False, received True. Hint: look at a tolerance that does not grow"),
        (lambda *both: entrywise(*both, rtol=1e-12, atol=0),
         "expected True, received False. Hint: an entry whose summands nearly cancel has fewer right digits"),
        (lambda *both: 1, "a gradient of zeros: expected False, received True. Hint: it says True of every gradient "
                          "here, also of those that are plainly wrong."),
        (lambda *both: False, "For the truth itself: expected True, received False. Hint: it says False of every "
                              "gradient here, also of the truth itself."),
        (lambda *both: not relative_error(*both) < 1e-9, "which way round"),
        (lambda gradient, truth: relative_error(replace(gradient, Wx=truth.Wx), truth) < 1e-9,
         "wrong in Wx alone: expected False, received True. Hint: look at whether every array counts"),
        (lambda gradient, truth: abs(gradient.norm() / truth.norm() - 1) < 1e-9, "look at whether the sign counts"),
        (lambda *both: cosine(*both) > 1 - 1e-9, "whether the size counts"),
        (lambda *both: not relative_error(*both) > 1e-9, "For a gradient of NaN: expected False"),
        (lambda gradient, truth: (gradient - truth).norm(), "Expected True or False")]}
