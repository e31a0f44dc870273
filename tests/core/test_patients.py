"""The patients of notebook 8: each is caught by a named instrument, and passes a named weak check."""

import numpy as np
import pytest

import lstmlib.clinic.instruments
from lstmlib import backward, cosine, cross_entropy, crossing_spectrum, forward, init_weights, record, relative_error
from lstmlib.clinic import diagnose
from lstmlib.clinic.instruments import (
    WEAK_CHECKS,
    errors_by_part,
    outside_spectrum,
    own_gradient,
    probe,
    probe_ratios,
    reordering,
    response,
    share_within,
    size_and_direction,
    with_biases,
)
from lstmlib.clinic.patients import HEALTHY, OUTPATIENTS, PATIENTS, WARD, Batch, example, mean_loss, outpatient

EXAMPLES = [example(8), example(11)]
LONG = example(5, T=60, lengths=range(60, 28, -2), D=5, H=16, K=4, scale=1)
PASSES = {  # the weak checks that pass each patient; no other does
    "overwritten": {"one timestep"},
    "not carried": {"one timestep"},
    "activated twice": {"rtol = atol = 1e-2", "small weights"},
    "shifted": {"rtol = atol = 1e-2"},
    "factor K": {"rtol = atol = 1e-2", "one sequence", "upstream of ones", "cosine alone"},
    "clipped inside": {"upstream of ones", "cosine alone"},
    "every step": {"one timestep", "upstream of ones"},
    "mean of means": set(WEAK_CHECKS),
}
cases = pytest.mark.parametrize("weights, batch", EXAMPLES, ids=["example 8", "example 11"])


def library_gradient(weights, batch):
    trace = forward(weights, batch.X)
    return backward(weights, trace, cross_entropy(trace.Y, batch.labels, batch.mask)[1]) / batch.size_X


def errors(patient, weights, batch):
    return errors_by_part(patient.gradient(weights, batch), own_gradient(patient, weights, batch))


@cases
def test_the_healthy_one_is_the_library(weights, batch):
    assert relative_error(HEALTHY.gradient(weights, batch), library_gradient(weights, batch)) < 1e-14
    assert relative_error(HEALTHY.gradient(weights, batch), own_gradient(HEALTHY, weights, batch)) < 1e-14
    assert HEALTHY.objective(weights, batch) == pytest.approx(mean_loss(weights, batch))


def test_no_instrument_complains_of_the_healthy_one():
    weights, batch = EXAMPLES[0]
    assert max(errors(HEALTHY, weights, batch).values()) < 1e-13
    assert size_and_direction(HEALTHY.gradient(weights, batch), own_gradient(HEALTHY, weights, batch)) == \
        pytest.approx((1, 1))
    for shares in outside_spectrum(HEALTHY, weights, batch).values():
        np.testing.assert_allclose(shares, np.arange(8) == 1, atol=1e-13)
    for ratios in probe_ratios(HEALTHY, weights, batch).values():
        np.testing.assert_allclose(ratios, 1)
    np.testing.assert_allclose(response(HEALTHY, weights, batch, [1, 0.1, 1e-3]), 1)
    assert reordering(HEALTHY, weights, batch).max() < 1e-14
    assert all(passes(HEALTHY, weights, batch) for passes in WEAK_CHECKS.values())


@cases
@pytest.mark.parametrize("name", PATIENTS)
def test_each_patient_has_a_wrong_gradient_or_a_wrong_objective(name, weights, batch):
    patient, truth = PATIENTS[name], library_gradient(weights, batch)
    wrong_gradient = relative_error(patient.gradient(weights, batch), truth) > 0.03
    wrong_objective = abs(patient.objective(weights, batch) / mean_loss(weights, batch) - 1) > 0.03
    assert wrong_gradient or wrong_objective


@cases
@pytest.mark.parametrize("name", [name for name in PATIENTS if name != "mean of means"])
def test_the_gradient_check_catches_seven(name, weights, batch):
    assert relative_error(PATIENTS[name].gradient(weights, batch), own_gradient(PATIENTS[name], weights, batch)) > 0.03


@cases
def test_the_check_by_part_tells_which_line(weights, batch):
    twice, shifted = errors(PATIENTS["activated twice"], weights, batch), errors(PATIENTS["shifted"], weights, batch)
    for array in ("Wx", "Wh", "b"):
        assert max(twice[f"{array} {gate}"] for gate in "ifo") < twice[f"{array} g"] / 2
    met = {"Wh i", "Wh f", "Wh g", "Wh o", "Wx f", "b f"}  # what meets h_prev or c_prev
    assert min(shifted[part] for part in met) > 5 * max(shifted[part] for part in shifted if part not in met)
    for name in ("overwritten", "not carried", "activated twice", "shifted", "every step"):
        assert errors(PATIENTS[name], weights, batch)["by"] < 1e-14


@cases
def test_the_probe_catches_what_does_not_cross(weights, batch):
    assert not any(ratios.any() for ratios in probe_ratios(PATIENTS["not carried"], weights, batch).values())
    overwritten = probe_ratios(PATIENTS["overwritten"], weights, batch)["dc_next"]
    assert overwritten[-1] == pytest.approx(1) and max(overwritten[:-1]) < 0.9
    every_step = probe_ratios(PATIENTS["every step"], weights, batch)["dh_next"]
    np.testing.assert_allclose(every_step[-1] * batch.size_X, 1)
    assert max(every_step) < 0.2


def test_the_probe_sees_what_the_library_hands_on():
    weights, batch = EXAMPLES[0]
    trace, seen = forward(weights, batch.X), record(["dh_next", "dc_next"])
    dY = cross_entropy(trace.Y, batch.labels, batch.mask)[1]
    dY[:-1] = 0
    backward(weights, trace, dY, at=seen)
    for edge, norms in probe(HEALTHY, weights, batch).items():
        np.testing.assert_allclose(norms[::-1], [np.linalg.norm(d) for d in seen[edge]], rtol=1e-12)


@cases
def test_size_alone_is_wrong_in_two_and_the_response_tells_them_apart(weights, batch):
    for name in ("factor K", "clipped inside"):
        ratio, direction = size_and_direction(PATIENTS[name].gradient(weights, batch),
                                              own_gradient(PATIENTS[name], weights, batch))
        assert direction > 1 - 1e-12 and abs(np.log(ratio)) > 0.5
        assert name != "factor K" or ratio == pytest.approx(weights.K)
    np.testing.assert_allclose(response(PATIENTS["factor K"], weights, batch, [0.1, 0.01]), 1)
    assert response(PATIENTS["clipped inside"], weights, batch, [0.1, 0.01]).min() > 2
    for name in set(PATIENTS) - {"clipped inside"}:
        np.testing.assert_allclose(response(PATIENTS[name], weights, batch, [0.01]), 1)


@cases
def test_the_spectrum_catches_every_step_alone(weights, batch):
    for name, patient in PATIENTS.items():
        spectrum = outside_spectrum(patient, weights, batch)
        assert spectrum["output"][1] == pytest.approx(1)
        assert (spectrum["LSTM"][1] < 0.9) == (name == "every step")


def test_the_spectrum_from_outside_is_that_of_the_library():
    weights, batch = EXAMPLES[0]
    trace = forward(weights, batch.X)
    _, dY = cross_entropy(trace.Y, batch.labels, batch.mask)
    spectrum = crossing_spectrum(weights, trace, dY, {"dz", "dWy_t"})
    norms = np.sqrt(sum((array ** 2).reshape(len(array), -1).sum(axis=1)
                        for name, array in spectrum.items() if name in ("Wx", "Wh", "b")))
    outside = outside_spectrum(PATIENTS["every step"], weights, batch)["LSTM"]
    np.testing.assert_allclose(outside[:len(norms)], norms / norms.sum(), atol=1e-12)
    assert outside[len(norms):].max(initial=0) < 1e-12


@cases
def test_reordering_catches_the_mean_of_means_alone(weights, batch):
    for name, patient in PATIENTS.items():
        assert (reordering(patient, weights, batch).max() > 0.01) == (name == "mean of means")


def test_mean_of_means_is_right_for_equal_lengths():
    weights, batch = example(1, lengths=(6, 6, 6, 6))
    assert relative_error(PATIENTS["mean of means"].gradient(weights, batch), library_gradient(weights, batch)) < 1e-14


@pytest.mark.parametrize("name", PATIENTS)
def test_weak_checks_pass_just_these(name):
    passed = {check for check, passes in WEAK_CHECKS.items()
              if passes(PATIENTS[name], *(LONG if check.startswith("rtol") else EXAMPLES[0]))}
    assert passed == PASSES[name]


def test_loose_tolerance_passes_nearly_all_of_a_zero_gradient():
    truth = library_gradient(*LONG)
    assert share_within(truth * 0, truth) > 0.9 and share_within(truth * 0, truth, 1e-9) == 0


def test_small_weights_without_biases_hide_the_second_activation_and_neither_alone_does():
    weights, batch = EXAMPLES[0]
    twice = PATIENTS["activated twice"]
    assert WEAK_CHECKS["small weights"](twice, weights, batch)
    for tried in (with_biases(weights / 10, weights.b, weights.by),
                  with_biases(weights, weights.b * 0, weights.by * 0)):
        assert relative_error(twice.gradient(tried, batch), library_gradient(tried, batch)) > 2e-3


def test_cured_patients_are_healthy():
    weights, batch = EXAMPLES[0]
    own_parts = {"overwritten": "into_cell", "not carried": "carry", "activated twice": "into_gates", "shifted": "now",
                 "clipped inside": "average"}
    for name, part in own_parts.items():
        cured = type("Cured", (type(PATIENTS[name]),), {part: getattr(type(HEALTHY), part)})()
        assert relative_error(cured.gradient(weights, batch), library_gradient(weights, batch)) < 1e-14


def test_the_ward_holds_every_patient_once_and_each_has_its_lines():
    assert sorted(patient.name for patient in WARD.values()) == sorted(PATIENTS)
    for patient in PATIENTS.values():
        assert patient.fault and patient.wrong and patient.right and patient.wrong != patient.right


def test_wrong_arguments_are_named():
    weights, batch = EXAMPLES[0]
    with pytest.raises(TypeError, match="batch must be a Batch, got tuple"):
        HEALTHY.gradient(weights, tuple(batch))
    with pytest.raises(TypeError, match="at must be a function"):
        HEALTHY.gradient(weights, batch, at="loss")
    with pytest.raises(ValueError, match="X must have shape"):
        HEALTHY.gradient(weights, Batch(batch.X[..., :2], batch.labels, batch.mask))


def test_every_patient_learns_along_the_right_direction():
    weights, batch = EXAMPLES[0]
    truth = library_gradient(weights, batch)
    for patient in PATIENTS.values():
        assert cosine(patient.gradient(weights, batch), truth) > 0.85


# ---- patients as they are described

def test_shifted_reads_the_states_one_index_too_early_and_wraps_round():
    weights, batch = example(0)
    trace = forward(weights, batch.X)
    for t in range(len(batch.X)):
        now = PATIENTS["shifted"].now(trace, t)
        assert np.array_equal(now.h_prev, trace.hiddens[t - 1])
        assert np.array_equal(now.c_prev, trace.cells[t - 1])
        assert np.array_equal(now.h, trace.h[t])


@pytest.mark.parametrize("name", ["healthy", "mean of means"])
def test_another_size_divides_as_often_as_it_is_larger(name):
    weights, batch = example(0)
    patient = {"healthy": HEALTHY, **PATIENTS}[name]
    halved = patient.gradient(weights, batch, size_X=2 * batch.size_X)
    assert relative_error(halved, patient.gradient(weights, batch) / 2) < 1e-14


def test_example_is_ragged_and_no_bias_of_it_is_zero():
    weights, batch = example(3)
    assert batch.X.shape == (6, 4, 3)
    assert batch.mask.sum(axis=0).tolist() == [6, 5, 2, 1]
    assert batch.size_X == 14
    assert type(batch.size_X) is int
    begun = init_weights(3, 4, 3, seed=3) * 1.6
    assert all(np.array_equal(getattr(weights, name), getattr(begun, name)) for name in ("Wx", "Wh", "Wy"))
    assert (weights.b != begun.b).all()
    assert (weights.by != 0).all()


# ---- instruments in detail

def test_outside_spectrum_is_of_all_entries_and_as_long_as_asked():
    """Of a pass that divides the gradient of by alone a second time, by its share of the output's gradient."""
    weights, batch = example(0)
    true = HEALTHY.gradient(weights, batch)

    class TwiceAtBy:
        def gradient(self, weights, batch, size_X):
            once = HEALTHY.gradient(weights, batch, size_X)
            return with_biases(once, once.b, once.by / size_X)

    spectrum = outside_spectrum(TwiceAtBy(), weights, batch, k_max=3)
    of_by, of_Wy = np.linalg.norm(true.by), np.linalg.norm(true.Wy)
    assert np.allclose(spectrum["LSTM"], [0, 1, 0, 0], atol=1e-12)
    assert np.allclose(spectrum["output"], [0, of_Wy / (of_Wy + of_by), of_by / (of_Wy + of_by), 0], atol=1e-12)


def test_small_weights_are_small_and_have_no_biases():
    seen = []

    class Watched:
        def objective(self, weights, batch):
            return HEALTHY.objective(weights, batch)

        def gradient(self, weights, batch):
            seen.append(weights)
            return HEALTHY.gradient(weights, batch)

    weights, batch = example(0)
    assert WEAK_CHECKS["small weights"](Watched(), weights, batch)
    assert seen[0].identical(with_biases(weights / 10, 0 * weights.b, 0 * weights.by))


def test_one_sequence_is_the_first():
    class OnlyTheFirst:
        def gradient(self, weights, batch):
            assert np.array_equal(batch.X, example(0)[1].X[:, :1])
            return HEALTHY.gradient(weights, batch)

    assert WEAK_CHECKS["one sequence"](OnlyTheFirst(), *example(0))


def test_reordering_is_relative_to_the_order_as_given():
    weights, batch = example(0)
    patient, rng = PATIENTS["mean of means"], np.random.default_rng(5)
    whole = patient.gradient(weights, batch)
    changed = [patient.gradient(weights, batch.take(rng.permutation(4))) for _ in range(3)]
    expected = [(one - whole).norm() / whole.norm() for one in changed]
    assert np.allclose(reordering(patient, weights, batch, orders=3, seed=5), expected, rtol=1e-13, atol=1e-16)


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


ONE = EXAMPLES[0][0], EXAMPLES[0][1].take([0])
FIRST = EXAMPLES[0][0], Batch(*(array[:1] for array in EXAMPLES[0][1]))


@pytest.mark.parametrize("reading, message", [
    (lambda: probe(Deaf(), *EXAMPLES[0]), "the hook `at` is never called on dc_next, dh_next, loss"),
    (lambda: probe_ratios(Deaf(), *EXAMPLES[0]), "the hook `at` is never called"),
    (lambda: response(Deaf(), *EXAMPLES[0], [1]), "never called on loss"),
    (lambda: own_gradient(Deaf(), *EXAMPLES[0]), "the complex step is lost in the objective: it says 0 for by"),
    (lambda: outside_spectrum(Deaf(), *EXAMPLES[0]), "the gradient is real for a complex size_X"),
    (lambda: reordering(HEALTHY, *ONE), "with one sequence there is one order only"),
    (lambda: probe(HEALTHY, *FIRST), "with one timestep nothing is carried"),
    (lambda: own_gradient(Silent(), *EXAMPLES[0]), "the patient has no method objective"),
    (lambda: WEAK_CHECKS["upstream of ones"](Deaf(), *EXAMPLES[0]), "the patient has no method through_time"),
    (lambda: probe(Silent(), *EXAMPLES[0]), "gradient of the patient does not take what .* needs: .*'at'"),
    (lambda: response(Silent(), *EXAMPLES[0], [1]), "the gradient is zero: it follows nothing"),
    (lambda: size_and_direction(Silent().gradient(*EXAMPLES[0]), library_gradient(*EXAMPLES[0])), "gradient is zero"),
    (lambda: errors_by_part(library_gradient(*EXAMPLES[0]), library_gradient(*FIRST)), "of Wx f, Wh i, .* is zero")])
def test_an_instrument_that_cannot_read_says_why_and_gives_no_reading(reading, message):
    with pytest.raises(lstmlib.clinic.instruments.Unreadable, match=message):
        reading()


def test_central_differences_read_what_the_complex_step_cannot():
    weights, batch = EXAMPLES[0]
    assert relative_error(own_gradient(Deaf(), weights, batch, "central"), library_gradient(weights, batch)) < 1e-7
    assert errors_by_part(Silent().gradient(weights, batch), Silent().gradient(weights, batch))["Wx i"] == 0


# ---- more faults of published code

def test_outpatients_have_wrong_gradients_and_are_named():
    named = {name: diagnose(outpatient(patient), progress=False) for name, patient in OUTPATIENTS.items()}
    assert all(diagnosis.explained for diagnosis in named.values())
    assert {name: diagnosis.faults for name, diagnosis in named.items()} == {
        "last caches": ["caches: of the last step"], "from dh alone": ["dh: from dh alone"],
        "last loss": ["loss: of the last step at every step"], "before tanh": ["slope of tanh(c): 1 - c^2"],
        "extra slope": ["head: an extra slope"],
        "shifted, overwritten": ["states before t: one index early", "dc: not carried"],
        "before tanh, not carried": ["slope of tanh(c): 1 - c^2", "dh: not carried", "dc: not carried"]}


def test_from_dh_alone_is_right_for_two_timesteps():
    weights, batch = EXAMPLES[0]
    for T, right in ((2, True), (3, False)):
        short = Batch(*(array[:T] for array in batch))
        gradient = OUTPATIENTS["from dh alone"].gradient(weights, short)
        assert (relative_error(gradient, library_gradient(weights, short)) < 1e-14) == right
