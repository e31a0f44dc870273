"""The fault bench of notebook 8, without a browser: readings, words, extremes, errors."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from helpers import assert_an_error_is_shown_and_raised
from lstmlib import backward, cosine, cross_entropy, forward, relative_error
from lstmlib.explorers import bench as module
from lstmlib.explorers.bench import BEDS, INSTRUMENTS, Bench, draw, fault_bench, numbers, words
from lstmlib.patients import WARD, example


@pytest.fixture(scope="module")
def explorer():
    return fault_bench()


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


def test_each_patient_has_a_reading_of_its_own():
    assert reading(letter("factor K")).ratio == pytest.approx(3)
    assert reading(letter("clipped inside")).response[1] > 2
    assert not any(values.any() for values in reading(letter("not carried")).probe.values())
    assert reading(letter("overwritten")).probe["dc_next"][0] < 0.01
    assert reading(letter("every step")).spectrum["LSTM"][2] > 0.05
    assert reading(letter("mean of means")).reordered.max() > 0.1
    twice, shifted = (reading(letter(name)).errors for name in ("activated twice", "shifted"))
    assert {max("ifgo", key=lambda gate: twice[f"{array} {gate}"]) for array in ("Wx", "Wh", "b")} == {"g"}
    assert min(shifted["Wh " + gate] for gate in "ifgo") > 0.3 > 10 * shifted["Wx g"]


@pytest.mark.parametrize("bed, instrument, said", [
    ("healthy", "gradient check", "all parts agree up to rounding"),
    ("healthy", "crossing spectrum", "every path is divided once"),
    ("healthy", "reordered batch", "the order does not matter"),
    ("A", "scaled loss", "for a = 1/1000"), ("C", "probe", "nothing one step back"),
    ("D", "reordered batch", "up to 74%; 2 of the 8 orders change nothing"),
    ("F", "crossing spectrum", "twice"), ("G", "size and direction", "size 3.00 of the true one, angle 0.0°"),
    ("G", "gradient check", "all 14 parts off by the same 200%"), ("H", "probe", "below 0.01 at t = 1")])
def test_words_say_what_is_read(bed, instrument, said):
    state = Bench(bed, instrument)
    assert said in words(state, numbers(state))


def test_the_diagnosis_shows_only_when_asked_for(explorer):
    for bed, patient in WARD.items():
        explorer.set(patient=bed, reveal=False)
        assert patient.fault not in explorer.words.value and "Diagnosis" not in explorer.picture.value
        explorer.set(reveal=True)
        assert explorer.words.value.endswith(f"Diagnosis: {patient.fault}.") and "Diagnosis" in explorer.picture.value
    explorer.choose("Reset")


def test_every_state_draws_a_well_formed_picture_of_the_same_size():
    for bed, instrument, reveal in itertools.product(BEDS, INSTRUMENTS, (False, True)):
        state = Bench(bed, instrument, reveal)
        picture = draw(state, numbers(state))
        root = ElementTree.fromstring(picture)
        assert root.get("viewBox") == "0 0 980 400" and root.get("aria-label") == words(state, numbers(state))
        assert "nan" not in picture


def test_axes_do_not_follow_the_data():
    for panel in ("gradient check", "scaled loss", "probe", "crossing spectrum", "reordered batch"):
        frames = {tuple(text.text for text in ElementTree.fromstring(draw(state, numbers(state))).iter()
                        if text.get("text-anchor") == "end")
                  for state in (Bench(bed, panel) for bed in BEDS)}
        assert len(frames) == 1 and frames != {()}


def test_pictures_do_not_depend_on_rounding_noise(explorer):
    for name in explorer.presets:
        state = explorer.state_of(name)
        shown = numbers(state)
        noisy = shown._replace(errors={part: error + 3e-16 for part, error in shown.errors.items()},
                               ratio=shown.ratio * (1 + 3e-16), reordered=shown.reordered + 3e-16,
                               spectrum={part: shares + 3e-16 for part, shares in shown.spectrum.items()})
        assert draw(state, shown) == draw(state, noisy)


def test_presets_and_controls(explorer):
    for name in explorer.presets:
        explorer.choose(name)
        assert explorer.error is None and explorer.state == explorer.state_of(name)
    explorer.choose("Reset")
    before = explorer.picture.value
    explorer.controls["instrument"].value = "probe"
    assert explorer.state.instrument == "probe" and explorer.picture.value != before
    explorer.choose("Reset")
    assert explorer.picture.value == before


def test_an_error_is_shown_and_raised(explorer):
    assert_an_error_is_shown_and_raised(explorer, patient="B")


def test_the_poster_shows_three_states(explorer):
    poster = explorer.poster_html()
    assert poster == fault_bench().poster_html()
    assert poster.count("<img alt=") == 3 and "<b>Patient C, check.</b>" in poster


def test_no_state_of_the_poster_names_a_patient(explorer):
    """Each reading on it is shared, up to its size, by another patient: it does not give exercise 8.1 away."""
    assert re.findall(r"<b>([^<]*)\.</b>", explorer.poster_html()) == ["Patient A, size", "Patient C, check"]
    assert reading("A").angle == pytest.approx(0, abs=1e-5) == reading("G").angle and reading("G").ratio != 1
    wrong = [{part for part, error in reading(bed).errors.items() if error > 1e-13} for bed in "CH"]
    assert wrong[0] == wrong[1] and len(wrong[0]) == 12


def test_readings_are_kept():
    assert module.readings("A") is module.readings("A")
