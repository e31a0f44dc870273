"""Feedback on the exercises of notebook 8: diagnoses, a cure, a check that is fooled, a check that is not."""

from dataclasses import replace
from itertools import permutations

import numpy as np

from .. import backward, cross_entropy, forward, relative_error
from ..clinic.instruments import errors_by_part
from ..clinic.patients import HEALTHY, PATIENTS, WARD, Textbook, example
from .base import NotYet, answered, brief, check, same

HINTS = {  # where to look for what tells this fault from the others
    "overwritten": "let the probe show what crosses dc_next, further and further back.",
    "not carried": "let the probe show what crosses at all.",
    "activated twice": "which of the four gates stands out in the gradient check?",
    "shifted": "which parts stand out in the gradient check, and what do those parts meet that the others do not?",
    "factor K": "the direction is right. Is the size wrong by the same number whatever the size of the loss?",
    "clipped inside": "the direction is right. Is the size wrong by the same number whatever the size of the loss?",
    "every step": "look at the size of what crosses dh_next, one step back and further.",
    "mean of means": "it passes its own gradient check. What else may a mean over items not depend on?"}


@check
def check_diagnoses(diagnoses):
    """All eight faults are named, from readings alone: no line of their code was needed."""
    if not isinstance(diagnoses, dict) or set(diagnoses) != set(WARD):
        raise NotYet("Expected a dictionary with the keys A to H; leave ... where you do not know yet.")
    named = {letter: str(diagnoses[letter]).strip().lower() for letter in WARD  # capitals and blanks do not count
             if diagnoses[letter] is not ... and diagnoses[letter] is not None}
    if not named:
        raise NotImplementedError
    names, right, wrong = {patient.name.lower() for patient in WARD.values()}, [], []
    for letter, name in named.items():
        answer = brief(diagnoses[letter])
        if name == WARD[letter].name.lower():
            right.append(letter)
        elif name in names:
            wrong.append(f"{letter} is not {answer}: {HINTS[WARD[letter].name]}")
        else:
            wrong.append(f"{letter}: {answer} is none of the names. The faults are called {', '.join(PATIENTS)}.")
    if len(right) < len(WARD):
        raise NotYet("\n".join([f"Right so far: {', '.join(right) or 'none'}.", *wrong]))


@check
def check_cure(into_gates):
    """With 1 - g**2 every gate's gradient agrees with the complex step: the patient is cured."""
    weights, batch = example(1)
    cured = Cured(into_gates)
    gradient = cured.gradient(weights, batch)
    errors = errors_by_part(gradient, HEALTHY.gradient(weights, batch))
    if all(error < 1e-9 for error in errors.values()):
        return
    twice = Cured(lambda now, dh, dc: HEALTHY.into_gates(now, dh, dc + dh * now.o * (1 - np.tanh(now.c) ** 2)))
    if relative_error(gradient, twice.gradient(weights, batch)) < 1e-9:
        raise NotYet("What comes from dh through h = o * tanh(c) is counted twice. Hint: dc contains it already.")
    received, right = cured.pairs[0]  # both made of the same dh and dc: any other call would do
    for order in permutations(range(4)):
        if order != (0, 1, 2, 3) and all(same(quarter, right[k]) for quarter, k in zip(received, order)):
            raise NotYet("Expected the quarters of dz in the order i, f, g, o, received them in the order "
                         f"{', '.join('ifgo'[k] for k in order)}.")
    distances = {gate: max(np.nan_to_num(np.linalg.norm(received[k] - right[k]), nan=np.inf)
                           for received, right in cured.pairs if np.isfinite(right).all())
                 for k, gate in enumerate("ifgo")}  # NaN is the farthest, where none was handed over
    gate = max(distances, key=distances.get)
    part = max((name for name in errors if name.endswith(f" {gate}")), key=errors.get)
    raise NotYet(f"Expected norm-relative errors below 1e-9, received {errors[part]:.1g} in {part}. "
                 f"Hint: look at the quarter {gate!r}; {SLOPES[gate]}?")


class Cured(Textbook):
    """The healthy pass with the reader's `into_gates`; it keeps each dz beside what would have been right."""

    def __init__(self, into_gates):
        self.readers, self.pairs = into_gates, []

    def into_gates(self, now, dh, dc, size_X):
        received = np.asarray(answered(self.readers(now, dh.copy(), dc.copy())))
        (B, H), right = dh.shape, super().into_gates(now, dh, dc)
        if received.shape != right.shape:
            hint = " Hint: np.concatenate joins along the first axis; give it axis=1." if received.shape == (
                4 * B, H) else ""
            raise NotYet(f"Expected dz of shape (B, 4H) = {right.shape}, the quarters i, f, g, o side by side; "
                         f"received an array of shape {received.shape}.{hint}")
        self.pairs.append((np.split(received, 4, axis=1), np.split(right, 4, axis=1)))
        return received


SLOPES = {"i": "in c_t it multiplies g. What is the slope of the sigmoid in terms of i",
          "f": "in c_t it multiplies the state before. What is the slope of the sigmoid in terms of f",
          "g": "g is tanh(z_g) already. What is its slope at z_g in terms of g",
          "o": "it multiplies tanh(c) in h_t: from which of dh and dc does its gradient come"}


@check
def check_fooled_by_ones(faulty):
    """Ones pass it, random numbers catch it: ones cannot show whether they were exchanged, squared or replaced. In
    practice many gradient checks take the sum of Y for the loss, so that the upstream gradient is ones: they pass code
    that reads the wrong timestep or the wrong sequence.
    """
    rng = np.random.default_rng(8)
    for seed in (1, 2):
        weights, batch = example(seed)
        trace = forward(weights, batch.X)
        for what, dY in (("ones", np.ones(trace.Y.shape)), ("random", rng.normal(size=trace.Y.shape))):
            error = relative_error(answered(faulty(weights, trace, dY.copy())), backward(weights, trace, dY))
            if what == "ones" and not error <= 1e-9:
                raise NotYet(f"With an upstream gradient of ones the result must be right; it is wrong by {error:.1g} "
                             "(norm-relative). Hint: do something to dY that leaves ones as they are, such as changing "
                             "where an entry goes.")
            if what == "random" and error <= 1e-9:
                raise NotYet("With random upstream gradients the result must be wrong, and it is right. Hint: what can "
                             "be exchanged in dY without any effect when all entries are equal?")


@check
def check_verdict(passes):
    """It passes rounding and nothing else, whatever the size of the gradient: its tolerance grows with the truth."""
    cases = cases_of_a_verdict()
    for scale in (1, 1e-6, 1e6):
        with np.errstate(invalid="ignore", divide="ignore"):
            verdicts = [answered(passes(gradient * scale, truth * scale)) for gradient, truth, *_ in cases]
        if others := [received for received in verdicts if received not in (True, False)]:
            raise NotYet(f"Expected True or False, received {others[0]!r}.")
        for received, (_, _, expected, what, hint) in zip(verdicts, cases):
            if received == expected:
                continue
            size = "" if scale == 1 else f", both gradients times {scale:g}"
            if all(one == received for one in verdicts):
                hint = (f"it says {bool(received)} of every gradient here, "
                        f"also of {'those that are plainly wrong' if received else 'the truth itself'}.")
            elif scale != 1:
                hint = "look at a tolerance that does not grow with the gradient."
            raise NotYet(f"For {what}{size}: expected {expected}, received {bool(received)}. Hint: {hint}")


def cases_of_a_verdict():
    """[(gradient, truth, whether it should pass, what it is, hint)]"""
    tolerance = "look at the size of the tolerance."
    truth = HEALTHY.gradient(*example(3))
    noise = np.random.default_rng(0)
    rounded = truth.map(lambda array: array * (1 + 1e-14 * noise.standard_normal(array.shape)))
    patients = ("overwritten", "not carried", "activated twice", "shifted", "clipped inside", "every step")
    cases = [
        (truth, True, "the truth itself", "look at which way round the answer is."),
        (rounded, True, "the truth with a rounding error of 1e-14", tolerance),
        (truth * 0, False, "a gradient of zeros", tolerance),
        (truth.map(lambda array: array + np.nan), False, "a gradient of NaN",
         "look at what a comparison with NaN gives."),
        (-truth, False, "the truth with the wrong sign", "look at whether the sign counts."),
        (truth * 2, False, "twice the truth", "look at whether the size counts."),
        *((replace(truth, **{name: 100 * array}), False, f"a gradient that is wrong in {name} alone",
           "look at whether every array counts: Wx, Wh, b, Wy and by.") for name, array in truth.items()),
        (truth * (1 + 1e-7), False, "1 + 1e-7 times the truth", tolerance),
        *((PATIENTS[name].gradient(*example(3)), False, f"the patient {name!r}", tolerance) for name in patients)]
    return [(gradient, truth, *about) for gradient, *about in cases] + list(right_orders())


def right_orders():
    """Pairs that differ by rounding alone: divided at once, at the end. In some entry the summands nearly cancel."""
    for seed in (140, 157):
        weights, batch = example(seed, T=20, lengths=(20, 15, 10, 5), H=8)
        trace = forward(weights, batch.X)
        _, dY = cross_entropy(trace.Y, batch.labels, batch.mask)
        for size in (3, 5, 7):
            yield (backward(weights, trace, dY / size), backward(weights, trace, dY) / size, True,
                   f"backward(dY / {size}) against backward(dY) / {size}",
                   "an entry whose summands nearly cancel has fewer right digits in either order. Compare norms, not "
                   "entry with entry.")
