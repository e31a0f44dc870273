"""The patients of notebook 8: each is caught by a named instrument, and passes a named weak check."""

import numpy as np
import pytest

from lstmlib import backward, cosine, cross_entropy, crossing_spectrum, forward, record, relative_error
from lstmlib.clinic import instruments as ins
from lstmlib.clinic.patients import HEALTHY, OUTPATIENTS, PATIENTS, WARD, Batch, example, mean_loss
from lstmlib.placement import shares

EXAMPLE = example(8)
LONG = example(5, T=60, lengths=range(60, 28, -2), D=5, H=16, K=4, scale=1)
CATCH = {  # the instruments that read something else than of a healthy pass
    "overwritten": {"gradient check", "direction", "probe"},
    "not carried": {"gradient check", "direction", "probe"},
    "activated twice": {"gradient check", "direction", "probe"},
    "shifted": {"gradient check", "direction", "probe"},
    "factor K": {"gradient check", "size"},
    "clipped inside": {"gradient check", "size", "response"},
    "every step": {"gradient check", "direction", "probe", "spectrum"},
    "mean of means": {"reordering"},
}
PASSES = {  # the weak checks that pass each patient; no other does
    "overwritten": {"one timestep"},
    "not carried": {"one timestep"},
    "activated twice": {"rtol = atol = 1e-2", "small weights"},
    "shifted": {"rtol = atol = 1e-2"},
    "factor K": {"rtol = atol = 1e-2", "one sequence", "upstream of ones", "cosine alone"},
    "clipped inside": {"upstream of ones", "cosine alone"},
    "every step": {"one timestep", "upstream of ones"},
    "mean of means": set(ins.WEAK_CHECKS),
}


def library_gradient(weights, batch):
    trace = forward(weights, batch.X)
    return backward(weights, trace, cross_entropy(trace.Y, batch.labels, batch.mask)[1]) / batch.size_X


def errors(patient, weights, batch):
    return ins.errors_by_part(patient.gradient(weights, batch), ins.own_gradient(patient, weights, batch))


def readings(patient, weights, batch):
    """{instrument: how far its reading is from that of a healthy pass}"""
    gradient, truth = patient.gradient(weights, batch), ins.own_gradient(patient, weights, batch)
    size, direction = ins.size_and_direction(gradient, truth)
    return {"gradient check": max(ins.errors_by_part(gradient, truth).values()),
            "size": abs(np.log(size)) * (direction > 1 - 1e-12), "direction": 1 - direction,
            "probe": max(abs(ratios - 1).max() for ratios in ins.probe_ratios(patient, weights, batch).values()),
            "response": abs(ins.response(patient, weights, batch, [1, 0.1, 1e-3]) - 1).max(),
            "spectrum": max(abs(shares - (np.arange(8) == 1)).max()
                            for shares in ins.outside_spectrum(patient, weights, batch).values()),
            "reordering": ins.reordering(patient, weights, batch).max()}


def test_each_patient_is_caught_by_just_these_instruments_and_the_healthy_one_by_none():
    weights, batch = EXAMPLE
    assert relative_error(HEALTHY.gradient(weights, batch), library_gradient(weights, batch)) < 1e-14
    assert HEALTHY.objective(weights, batch) == pytest.approx(mean_loss(weights, batch))
    assert max(readings(HEALTHY, weights, batch).values()) < 1e-13
    for name, patient in PATIENTS.items():
        read = readings(patient, weights, batch)
        assert {instrument for instrument, far in read.items() if far > 1e-5} == CATCH[name], (name, read)
        assert cosine(patient.gradient(weights, batch), library_gradient(weights, batch)) > 0.85  # so that it learns


def test_the_check_by_part_and_the_probe_tell_which_line():
    twice, shifted = (errors(PATIENTS[name], *EXAMPLE) for name in ("activated twice", "shifted"))
    for array in ("Wx", "Wh", "b"):
        assert max(twice[f"{array} {gate}"] for gate in "ifo") < twice[f"{array} g"] / 2
    met = {"Wh i", "Wh f", "Wh g", "Wh o", "Wx f", "b f"}  # what meets h_prev or c_prev
    assert min(shifted[part] for part in met) > 5 * max(shifted[part] for part in shifted if part not in met)
    assert not any(ratios.any() for ratios in ins.probe_ratios(PATIENTS["not carried"], *EXAMPLE).values())
    overwritten = ins.probe_ratios(PATIENTS["overwritten"], *EXAMPLE)["dc_next"]
    assert overwritten[-1] == pytest.approx(1) and max(overwritten[:-1]) < 0.9
    every_step = ins.probe_ratios(PATIENTS["every step"], *EXAMPLE)["dh_next"]
    assert every_step[-1] * EXAMPLE[1].size_X == pytest.approx(1) and max(every_step) < 0.2


def test_probe_and_spectrum_from_outside_are_those_of_the_library():
    weights, batch = EXAMPLE
    trace, seen = forward(weights, batch.X), record(["dh_next", "dc_next"])
    dY = cross_entropy(trace.Y, batch.labels, batch.mask)[1]
    spectrum = crossing_spectrum(weights, trace, dY, {"dz", "dWy_t"})
    dY[:-1] = 0
    backward(weights, trace, dY, at=seen)
    for edge, norms in ins.probe(HEALTHY, weights, batch).items():
        np.testing.assert_allclose(norms[::-1], [np.linalg.norm(d) for d in seen[edge]], rtol=1e-12)
    inside = shares(spectrum.Wx, spectrum.Wh, spectrum.b)
    outside = ins.outside_spectrum(PATIENTS["every step"], weights, batch)["LSTM"]
    np.testing.assert_allclose(outside[:len(inside)], inside, atol=1e-12)
    assert outside[len(inside):].max(initial=0) < 1e-12


def test_the_spectrum_from_outside_is_of_all_entries():
    """Of a pass that divides the gradient of by alone a second time."""
    class TwiceAtBy:
        def gradient(self, weights, batch, size_X):
            once = HEALTHY.gradient(weights, batch, size_X)
            return ins.with_biases(once, once.b, once.by / size_X)

    Wy, by = (np.linalg.norm(getattr(HEALTHY.gradient(*EXAMPLE), name)) for name in ("Wy", "by"))
    shares = ins.outside_spectrum(TwiceAtBy(), *EXAMPLE, k_max=3)["output"]
    np.testing.assert_allclose(shares, [0, Wy / (Wy + by), by / (Wy + by), 0], atol=1e-12)


def test_mean_of_means_is_right_for_equal_lengths():
    weights, batch = example(1, lengths=(6, 6, 6, 6))
    assert relative_error(PATIENTS["mean of means"].gradient(weights, batch), library_gradient(weights, batch)) < 1e-14


@pytest.mark.parametrize("name", PATIENTS)
def test_weak_checks_pass_just_these(name):
    passed = {check for check, passes in ins.WEAK_CHECKS.items()
              if passes(PATIENTS[name], *(LONG if check.startswith("rtol") else EXAMPLE))}
    assert passed == PASSES[name]


def test_loose_tolerance_passes_nearly_all_of_a_zero_gradient():
    truth = library_gradient(*LONG)
    assert ins.share_within(truth * 0, truth) > 0.9 and ins.share_within(truth * 0, truth, 1e-9) == 0


def test_small_weights_without_biases_hide_the_second_activation_and_neither_alone_does():
    weights, batch = EXAMPLE
    for tried in (ins.with_biases(weights / 10, weights.b, weights.by),
                  ins.with_biases(weights, weights.b * 0, weights.by * 0)):
        far = relative_error(PATIENTS["activated twice"].gradient(tried, batch), library_gradient(tried, batch))
        assert far > 2e-3


def test_from_dh_alone_is_right_for_two_timesteps():
    weights, batch = EXAMPLE
    for T, right in ((2, True), (3, False)):
        short = Batch(*(array[:T] for array in batch))
        gradient = OUTPATIENTS["from dh alone"].gradient(weights, short)
        assert (relative_error(gradient, library_gradient(weights, short)) < 1e-14) == right


def test_the_ward_holds_every_patient_once_and_each_has_its_lines():
    assert sorted(patient.name for patient in WARD.values()) == sorted(PATIENTS)
    for patient in PATIENTS.values():
        assert patient.fault and patient.wrong and patient.right and patient.wrong != patient.right


def test_wrong_arguments_are_named():
    weights, batch = EXAMPLE
    with pytest.raises(TypeError, match="batch must be a Batch, got tuple"):
        HEALTHY.gradient(weights, tuple(batch))
    with pytest.raises(TypeError, match="at must be a function"):
        HEALTHY.gradient(weights, batch, at="loss")
    with pytest.raises(ValueError, match="X must have shape"):
        HEALTHY.gradient(weights, Batch(batch.X[..., :2], batch.labels, batch.mask))


# ---- instruments say when they cannot read

class Deaf:
    """Right, but its hook is never called, its objective drops imaginary parts, and it divides by its own |X|."""

    def objective(self, weights, batch):
        return float(np.real(HEALTHY.objective(weights, batch)))

    def gradient(self, weights, batch, size_X=None, at=None):
        return HEALTHY.gradient(weights.map(np.real), batch)


class Silent:
    """Neither hook nor size_X, and no through_time."""

    def gradient(self, weights, batch):
        return 0 * HEALTHY.gradient(weights, batch)


ONE = EXAMPLE[0], EXAMPLE[1].take([0])
FIRST = EXAMPLE[0], Batch(*(array[:1] for array in EXAMPLE[1]))


@pytest.mark.parametrize("reading, message", [
    (lambda: ins.probe(Deaf(), *EXAMPLE), "the hook `at` is never called on dc_next, dh_next, loss"),
    (lambda: ins.response(Deaf(), *EXAMPLE, [1]), "never called on loss"),
    (lambda: ins.own_gradient(Deaf(), *EXAMPLE), "the complex step is lost in the objective: it says 0 for by"),
    (lambda: ins.outside_spectrum(Deaf(), *EXAMPLE), "the gradient is real for a complex size_X"),
    (lambda: ins.reordering(HEALTHY, *ONE), "with one sequence there is one order only"),
    (lambda: ins.probe(HEALTHY, *FIRST), "with one timestep nothing is carried"),
    (lambda: ins.own_gradient(Silent(), *EXAMPLE), "the patient has no method objective"),
    (lambda: ins.probe(Silent(), *EXAMPLE), "gradient of the patient does not take what .* needs: .*'at'"),
    (lambda: ins.response(Silent(), *EXAMPLE, [1]), "the gradient is zero: it follows nothing"),
    (lambda: ins.size_and_direction(Silent().gradient(*EXAMPLE), library_gradient(*EXAMPLE)), "gradient is zero"),
    (lambda: ins.errors_by_part(library_gradient(*EXAMPLE), library_gradient(*FIRST)), "of Wx f, Wh i, .* is zero")])
def test_an_instrument_that_cannot_read_says_why_and_gives_no_reading(reading, message):
    with pytest.raises(ins.Unreadable, match=message):
        reading()


def test_central_differences_read_what_the_complex_step_cannot():
    weights, batch = EXAMPLE
    assert relative_error(ins.own_gradient(Deaf(), weights, batch, "central"), library_gradient(weights, batch)) < 1e-7
    assert ins.errors_by_part(Silent().gradient(weights, batch), Silent().gradient(weights, batch))["Wx i"] == 0
