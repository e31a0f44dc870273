"""Notebook 08: answers to its exercises, for test_exercises; the readings and words of its fault bench."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from helpers import drawn
from lstmlib import backward, cosine, cross_entropy, forward, relative_error
from lstmlib.clinic.patients import HEALTHY, PATIENTS, WARD, example, outpatient
from lstmlib.exercises import bug_clinic as exercises
from lstmlib.explorers import bug_clinic as module
from lstmlib.explorers.bug_clinic import BEDS, Bench, draw, fault_bench, numbers


def reading(patient):
    return numbers(Bench(patient))


def letter(name):
    return next(letter for letter, patient in WARD.items() if patient.name == name)


@pytest.mark.parametrize("bed", BEDS)
def test_readings_are_those_of_the_gradient(bed):
    weights, batch = example(3)
    trace = forward(weights, batch.X)
    truth = backward(weights, trace, cross_entropy(trace.Y, batch.labels, batch.mask)[1]) / batch.size_X
    if bed == letter("mean of means"):
        assert reading(bed).error < 1e-13 and relative_error(BEDS[bed].gradient(weights, batch), truth) > 0.1
        return
    if bed == letter("factor K"):
        truth = truth / weights.K
    gradient = BEDS[bed].gradient(weights, batch)
    assert reading(bed).error == pytest.approx(relative_error(gradient, truth), abs=1e-13)
    assert reading(bed).ratio == pytest.approx(gradient.norm() / truth.norm())
    assert np.cos(np.radians(reading(bed).angle)) == pytest.approx(cosine(gradient, truth))


@pytest.mark.parametrize("bed, instrument, said", [
    ("healthy", "gradient check", "all parts agree up to rounding"),
    ("healthy", "X-ray", "right: dz of every gate and timestep, for a loss at t = 4"),
    ("B", "X-ray", "wrong: gate g at t = 4"), ("H", "X-ray", "wrong: gates i f g at t = 3"),
    ("C", "X-ray", "wrong: all gates at t = 3 and t = 2"), ("E", "X-ray", "wrong: gate f at t = 4"),
    ("healthy", "reordered batch", "the order does not matter"),
    ("A", "scaled loss", "ratio 2.62 for a = 1/10, 2.62 for a = 1/1000"),
    ("B", "gradient check", "12 of 14 parts differ, most of all b g: 25%"),
    ("C", "probe", "one step back: dh_next nothing, dc_next nothing"),
    ("E", "gradient check", "most of all Wh o: 192%"),
    ("F", "probe", "one step back: dh_next 0.07, dc_next 1.00; at t = 1: dh_next 0.05, dc_next 0.68"),
    ("D", "reordered batch", "up to 74%; 2 of the 8 orders change nothing"),
    ("G", "size and direction", "size 3.00 of the true one, angle 0.0°"),
    ("G", "gradient check", "all 14 parts off by the same 200%"), ("H", "probe", "at t = 1: dh_next below 0.01")])
def test_words_say_what_is_read(bed, instrument, said):
    state = Bench(bed, instrument)
    assert said in module.INSTRUMENTS[state.instrument].reading(state, numbers(state))


def test_the_diagnosis_shows_only_when_asked_for():
    for bed, patient in WARD.items():
        assert patient.fault not in module.words(Bench(bed), reading(bed))
        assert module.words(Bench(bed, reveal=True), reading(bed)).endswith(f"Diagnosis: {patient.fault}.")


def response_to(patient, weights, X, step):
    """What the rows of the gradient of Wx answer to an impulse at one timestep."""
    after = np.zeros((module.STEPS, 2), int)
    after[step, 0] = 1 + step % 2
    with_impulse, without = (outpatient(patient)(weights, X, labels)[1].Wx for labels in (after, after * 0))
    return (with_impulse - without)[:module.STEPS].reshape(module.STEPS, 4, -1)


@pytest.mark.parametrize("bed", [bed for bed, patient in BEDS.items()
                                 if patient.name not in ("clipped inside", "factor K")])  # a factor that it takes off
def test_the_x_ray_is_what_the_equations_say(bed):
    """Where dz is wrong, asked of the patient's own methods, timestep by timestep, with nothing of the X-ray."""
    picture = reading(bed).xray
    for errors, step in zip(picture.errors, picture.steps):
        theirs, true = (response_to(patient, picture.weights, picture.X, step) for patient in (BEDS[bed], HEALTHY))
        wrong = np.abs(theirs - true).max(axis=-1) > 1e-9 * np.abs(true).max()
        assert (wrong == (errors > module.WRONG)).all()


def test_the_headline_is_good_where_a_healthy_pass_would_read_the_same():
    for state in module.film():
        good, said = module.headline(state, numbers(state))
        assert good is (said in {
            f"Right: dz of every gate and timestep, for a loss at t = {state.step}", "All parts agree up to rounding",
            "Size 1.00 of the true one, angle 0.0°", "The order does not matter",
            "Ratio 1.00 for a = 1/10, 1.00 for a = 1/1000",
            "One step back: dh_next 1.00, dc_next 1.00; at t = 1: dh_next 1.00, dc_next 1.00"}), (state, said)


@pytest.mark.parametrize("instrument, of_axes", [
    ("gradient check", "end"), ("scaled loss", "end"), ("probe", "end"), ("reordered batch", "end"),
    ("size and direction", "middle")])
def test_axes_do_not_follow_the_data(instrument, of_axes):
    labels = {tuple((text.text, text.get("x"), text.get("y")) for text in ElementTree.fromstring(picture).iter()
                    if text.get("text-anchor") == of_axes)
              for picture in (drawn(draw(Bench(bed, instrument), reading(bed))) for bed in BEDS)}
    assert len(labels) == 1 and labels != {()}


def test_no_state_of_the_poster_names_a_patient():
    """Each reading on it is shared, up to its size, by another patient: it does not give exercise 8.1 away."""
    assert re.findall(r"<b>([^<]*)\.</b>", fault_bench().poster_html()) == ["Patient A, size", "Patient C, check"]
    assert reading("A").angle == pytest.approx(0, abs=1e-5) == reading("G").angle and reading("G").ratio != 1
    wrong = [{part for part, error in reading(bed).errors.items() if error > 1e-13} for bed in "CH"]
    assert wrong[0] == wrong[1] and len(wrong[0]) == 12


# Answers.

DIAGNOSES = {letter: patient.name for letter, patient in WARD.items()}


def slope(g):
    return 1 - g ** 2


def into_gates(now, dh, dc, i=1, f=1, slope_g=slope, dc_for_o=False):
    do = dc if dc_for_o else dh
    return np.concatenate([i * dc * now.g * now.i * (1 - now.i), f * dc * now.c_prev * now.f * (1 - now.f),
                           dc * now.i * slope_g(now.g), do * np.tanh(now.c) * now.o * (1 - now.o)], axis=-1)


def wrong_in_gates(**change):
    return lambda *about: into_gates(*about, **change)


def in_place(now, dh, dc, **change):
    dz = into_gates(now, dh, dc, **change)
    dh *= 10
    dc *= 10
    return dz


def exchanged_in_place(weights, trace, dY):
    dY[:] = dY[::-1].copy()
    return backward(weights, trace, dY)


def of_arrays(gradient, truth, names):
    """A check that looks at some of the arrays alone."""
    return all(np.linalg.norm(getattr(gradient, name) - getattr(truth, name))
               <= 1e-9 * np.linalg.norm(getattr(truth, name)) for name in names.split())


def entrywise(gradient, truth, **tolerance):
    pairs = zip(gradient.items(), truth.items())
    return all(np.allclose(mine, theirs, **tolerance) for (_, mine), (_, theirs) in pairs)


def with_gates(change):
    """The right dz, changed."""
    return lambda now, dh, dc: change(into_gates(now, dh, dc))


def with_upstream(change):
    """A backward pass that changes its upstream gradient."""
    return lambda weights, trace, dY: backward(weights, trace, change(dY))


def times(factor):
    return lambda weights, trace, dY: backward(weights, trace, dY).map(lambda array: array * factor)


SHAPE = "Expected dz of shape (B, 4H) = (4, 16), the quarters i, f, g, o side by side; received an array of shape "
NAMES = f"is none of the names. The faults are called {', '.join(PATIENTS)}."
OPEN = dict.fromkeys(WARD, ...)

RIGHT = {
    exercises.check_diagnoses: [DIAGNOSES | {"A": " Clipped inside"}],  # capitals and blanks do not count
    exercises.check_cure: [with_gates(np.ndarray.tolist), in_place],
    exercises.check_fooled_by_ones: [
        exchanged_in_place, with_upstream(lambda dY: dY[::-1]), with_upstream(lambda dY: np.roll(dY, 1, axis=0)),
        with_upstream(np.square)],
    exercises.check_verdict: [
        lambda gradient, truth: (gradient - truth).norm() <= 1e-12 * truth.norm(),
        lambda gradient, truth: of_arrays(gradient, truth, "Wx Wh b Wy by")],
}

WRONG = {
    exercises.check_diagnoses: [
        *((DIAGNOSES | {letter: other}, f"\n{letter} is not {other!r}: {exercises.HINTS[name]}\n")
          for letter, name in DIAGNOSES.items() for other in [next(other for other in PATIENTS if other != name)]),
        (DIAGNOSES | dict.fromkeys("CEFH", "factor K") | {"B": "clipping", "D": ["shifted"]},
         "".join(["Not yet. Right so far: A, G.\n", f"B: 'clipping' {NAMES}\n",
                  f"C is not 'factor K': {exercises.HINTS['not carried']}\n", f"D: ['shifted'] {NAMES}\nE is not "])),
        (OPEN | {"A": DIAGNOSES["A"], "D": DIAGNOSES["D"]}, "Not yet. Right so far: A, D.\n"),
        (OPEN | {"A": None, "D": DIAGNOSES["D"]}, "Not yet. Right so far: D.\n"),
        (OPEN | {"A": "clipping"}, "Not yet. Right so far: none.\nA: "),
        ({"A": "shifted"}, "the keys A to H"),
        (list(WARD), "the keys A to H"),
    ],
    exercises.check_cure: [
        (wrong_in_gates(slope_g=lambda g: 1 - np.tanh(g) ** 2), "g is tanh(z_g) already"),
        (wrong_in_gates(i=0), "Expected norm-relative errors below 1e-9, received 1 in Wx i. Hint: look at the quarter "
                              "'i'; in c_t it multiplies g. What is the slope of the sigmoid in terms of i?"),
        (wrong_in_gates(i=1 + 1.6e-9), "below 1e-9, received 2e-09 in Wh i."),
        (wrong_in_gates(f=2), "look at the quarter 'f'; in c_t it multiplies the state before"),
        (wrong_in_gates(i=1 + 1e-14, slope_g=lambda g: 1 - g), "look at the quarter 'g'"),
        (lambda *about: in_place(*about, slope_g=lambda g: 1 - g), "at the quarter 'g'"),
        (lambda now, dh, dc: into_gates(now, dh, dc, slope_g=slope if now.c_prev.any() else abs), "at the quarter 'g'"),
        (wrong_in_gates(slope_g=lambda g: g * np.nan), "received nan in Wx g."),
        (wrong_in_gates(slope_g=lambda g: np.vstack([g[:1] * np.nan, slope(g[1:])])), "received nan in Wx g."),
        (wrong_in_gates(dc_for_o=True), "from which of dh and dc"),
        (wrong_in_gates(dc_for_o=True, f=2), "received 0.8 in Wh o. Hint: look at the quarter 'o'"),
        (with_gates(lambda dz: np.hstack([np.split(dz, 4, axis=1)[k] for k in (0, 1, 3, 2)])),
         "in the order i, f, g, o, received them in the order i, f, o, g."),
        (with_gates(lambda dz: dz[:, :-1]), f"{SHAPE}(4, 15).\n"),
        (with_gates(lambda dz: np.concatenate(np.split(dz, 4, axis=1))),
         f"{SHAPE}(16, 4). Hint: np.concatenate joins along the first axis; give it axis=1."),
        (with_gates(lambda dz: dz * np.nan), "received nan in Wx i"),
        (lambda now, dh, dc: into_gates(now, dh, dc) * (1 if now.c_prev.any() else np.nan), "received nan"),
        (lambda now, dh, dc: into_gates(now, dh, dc + dh * now.o * (1 - np.tanh(now.c) ** 2)),
         "dc contains it already"),
    ],
    exercises.check_fooled_by_ones: [
        (backward, "what can be exchanged"),
        (times(np.nan), "leaves ones as they are"),
        (times(2), "With an upstream gradient of ones the result must be right; it is wrong by 1 (norm-relative). "
                   "Hint: do something to dY that leaves ones as they are"),
        (times(1 + 1.6e-9), "wrong by 2e-09"),
    ],
    exercises.check_verdict: [
        (lambda *both: entrywise(*both, rtol=1e-2, atol=1e-2), "look at the size of the tolerance"),
        (lambda *both: entrywise(*both, rtol=1e-9, atol=1e-8),
         "both gradients times 1e-06: expected False, received True. Hint: look at a tolerance that does not grow"),
        (lambda *both: entrywise(*both, rtol=1e-12, atol=0),
         "expected True, received False. Hint: an entry whose summands nearly cancel has fewer right digits"),
        (lambda gradient, truth: gradient.identical(truth), "rounding error"),
        (lambda *both: True, "a gradient of zeros: expected False, received True. Hint: it says True of every gradient "
                             "here, also of those that are plainly wrong."),
        (lambda *both: 1, "expected False, received True."),
        (lambda *both: False, "For the truth itself: expected True, received False. Hint: it says False of every "
                              "gradient here, also of the truth itself."),
        (lambda *both: not relative_error(*both) < 1e-9, "which way round"),
        *((lambda *both, names=names: of_arrays(*both, names),
           f"wrong in {missed} alone: expected False, received True. Hint: look at whether every array counts")
          for names, missed in (("Wx", "Wh"), ("Wh", "Wx"), ("b", "Wx"), ("Wy", "Wx"), ("by", "Wx"),
                                ("Wx Wh b Wy", "by"))),
        (lambda gradient, truth: abs(gradient.norm() / truth.norm() - 1) < 1e-9, "look at whether the sign counts"),
        (lambda *both: cosine(*both) > 1 - 1e-9, "whether the size counts"),
        (lambda *both: not relative_error(*both) > 1e-9, "For a gradient of NaN: expected False"),
        (lambda *both: relative_error(*both) < 1e-6, "For 1 + 1e-7 times"),
        (lambda *both: relative_error(*both) < 1e-15, "error of 1e-14"),
        (lambda gradient, truth: (gradient - truth).norm(), "Expected True or False"),
        (lambda gradient, truth: np.float64(truth.norm()) / gradient.norm() < 1.5, "expected False, received True"),
    ],
}
