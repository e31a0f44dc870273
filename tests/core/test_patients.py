"""The patients of notebook 8: each is caught by a named instrument, and passes a named weak check."""

from types import SimpleNamespace

import numpy as np
import pytest

from lstmlib import backward, cross_entropy, forward, relative_error
from lstmlib.clinic import instruments as ins
from lstmlib.clinic.patients import HEALTHY, PATIENTS, Batch, example

EXAMPLE = example(8)
LONG = example(5, T=60, lengths=range(60, 28, -2), D=5, H=16, K=4, scale=1)
CAUGHT = {  # the instruments that read something else than of a healthy pass, and the weak checks that pass the patient
    "overwritten": ("check direction probe", ["one timestep"]),
    "not carried": ("check direction probe", ["one timestep"]),
    "activated twice": ("check direction probe", ["rtol = atol = 1e-2", "small weights"]),
    "shifted": ("check direction probe", ["rtol = atol = 1e-2"]),
    "factor K": ("check size", ["rtol = atol = 1e-2", "one sequence", "upstream of ones", "cosine alone"]),
    "clipped inside": ("check size response", ["upstream of ones", "cosine alone"]),
    "every step": ("check direction probe", ["one timestep", "upstream of ones"]),
    "mean of means": ("reordering", list(ins.WEAK_CHECKS))}


def library_gradient(weights, batch):
    trace = forward(weights, batch.X)
    return backward(weights, trace, cross_entropy(trace.Y, batch.labels, batch.mask)[1]) / batch.size_X


def readings(patient, weights, batch):
    """{instrument: how far its reading is from that of a healthy pass}"""
    gradient, truth = patient.gradient(weights, batch), ins.own_gradient(patient, weights, batch)
    size, direction = ins.size_and_direction(gradient, truth)
    return {"check": max(ins.errors_by_part(gradient, truth).values()),
            "size": abs(np.log(size)) * (direction > 1 - 1e-12), "direction": 1 - direction,
            "probe": max(abs(ratios - 1).max() for ratios in ins.probe_ratios(patient, weights, batch).values()),
            "response": abs(ins.response(patient, weights, batch, [1, 0.1, 1e-3]) - 1).max(),
            "reordering": ins.reordering(patient, weights, batch).max()}


@pytest.mark.parametrize("name", PATIENTS)
def test_each_patient_is_caught_by_just_these_instruments_and_passes_just_these_weak_checks(name):
    patient, (caught, passed) = PATIENTS[name], CAUGHT[name]
    assert [instrument for instrument, far in readings(patient, *EXAMPLE).items() if far > 1e-5] == caught.split()
    assert [check for check, passes in ins.WEAK_CHECKS.items()
            if passes(patient, *(LONG if check.startswith("rtol") else EXAMPLE))] == passed


def test_mean_of_means_is_right_for_equal_lengths():
    weights, batch = EXAMPLE[0], EXAMPLE[1]._replace(mask=np.ones_like(EXAMPLE[1].mask))
    assert relative_error(PATIENTS["mean of means"].gradient(weights, batch), library_gradient(weights, batch)) < 1e-14


# ---- instruments say when they cannot read

# Right, but its hook is never called, and its objective drops imaginary parts; and one with neither.
DEAF = SimpleNamespace(gradient=lambda weights, batch, at=None: HEALTHY.gradient(weights, batch),
                       objective=lambda weights, batch: float(np.real(HEALTHY.objective(weights, batch))))
SILENT = SimpleNamespace(gradient=lambda weights, batch: 0 * HEALTHY.gradient(weights, batch))
ONE = EXAMPLE[0], EXAMPLE[1].take([0])
FIRST = EXAMPLE[0], Batch(*(array[:1] for array in EXAMPLE[1]))


@pytest.mark.parametrize("reading, message", [
    (lambda: ins.probe(DEAF, *EXAMPLE), "the hook `at` is never called on dc_next, dh_next, loss"),
    (lambda: ins.own_gradient(DEAF, *EXAMPLE), "the complex step is lost in the objective: it says 0 for by"),
    (lambda: ins.reordering(HEALTHY, *ONE), "with one sequence there is one order only"),
    (lambda: ins.probe(HEALTHY, *FIRST), "with one timestep nothing is carried"),
    (lambda: ins.own_gradient(SILENT, *EXAMPLE), "the patient has no method objective"),
    (lambda: ins.probe(SILENT, *EXAMPLE), "gradient of the patient does not take what .* needs: .*'at'"),
    (lambda: ins.response(SILENT, *EXAMPLE, [1]), "the gradient is zero: it follows nothing"),
    (lambda: ins.errors_by_part(library_gradient(*EXAMPLE), library_gradient(*FIRST)), "of Wx f, Wh i, .* is zero")])
def test_an_instrument_that_cannot_read_says_why_and_gives_no_reading(reading, message):
    with pytest.raises(ins.Unreadable, match=message):
        reading()


def test_central_differences_read_what_the_complex_step_cannot():
    assert relative_error(ins.own_gradient(DEAF, *EXAMPLE, "central"), library_gradient(*EXAMPLE)) < 1e-7
