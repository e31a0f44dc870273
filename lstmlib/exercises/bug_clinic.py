"""Feedback on the exercises of notebook 8: diagnoses, a cure, a check that is fooled, a check that is not."""

import numpy as np

from .. import backward, forward, relative_error
from ..instruments import errors_by_part
from ..patients import HEALTHY, PATIENTS, WARD, Textbook, example
from .base import NotYet, check

HINTS = {  # where to look for what tells this fault from the others
    "overwritten": "let the probe show what crosses dc_next, further and further back.",
    "not carried": "let the probe show what crosses at all.",
    "activated twice": "which of the four gates stands out in the gradient check?",
    "shifted": "which parts stand out in the gradient check, and what do those parts meet that the others do not?",
    "factor K": "the direction is right. Is the size wrong by the same number whatever the size of the loss?",
    "clipped inside": "the direction is right. Is the size wrong by the same number whatever the size of the loss?",
    "every step": "look at the crossing spectrum, and at the size of what crosses dh_next.",
    "mean of means": "it passes its own gradient check. What else may a mean over items not depend on?",
}


@check
def check_diagnoses(diagnoses):
    """All eight faults are named, from readings alone: no line of their code was needed."""
    if not isinstance(diagnoses, dict) or set(diagnoses) != set(WARD):
        raise NotYet("Expected a dictionary with the keys A to H; leave ... where you do not know yet.")
    spelling = {name.lower(): name for name in PATIENTS}  # capitals and blanks around do not count
    given = {letter: spelling.get(str(name).strip().lower(), name)
             for letter, name in diagnoses.items() if name is not ... and name is not None}
    if not given:
        raise NotImplementedError
    unknown = sorted({str(name) for name in given.values() if name not in PATIENTS})
    if unknown:
        raise NotYet(f"The faults are called {', '.join(PATIENTS)}; received {', '.join(unknown)}.")
    wrong = [letter for letter in sorted(given) if given[letter] != WARD[letter].name]
    right = [letter for letter in sorted(given) if letter not in wrong]
    if len(right) < len(WARD):
        raise NotYet(f"Right so far: {', '.join(right) or 'none'}." + "".join(
            f" {letter} is not {given[letter]!r}: {HINTS[WARD[letter].name]}" for letter in wrong[:2]))


@check
def check_cure(into_gates):
    """With 1 - g**2 every gate's gradient agrees with the complex step: the patient is cured."""
    for seed in (1, 2):
        weights, batch = example(seed)
        cured = Textbook()
        cured.into_gates = lambda now, dh, dc, size_X=1: given(into_gates(now, dh, dc))
        try:
            gradient = cured.gradient(weights, batch)
        except ValueError as error:
            raise NotYet(f"Expected dz of shape (B, 4H), the quarters i, f, g, o side by side. "
                         f"Your dz led to: {error}") from None
        if relative_error(gradient, WITH_DH_TWICE.gradient(weights, batch)) < 1e-9:
            raise NotYet("What comes from dh through h = o * tanh(c) is counted twice. Hint: dc contains it already.")
        errors = errors_by_part(gradient, HEALTHY.gradient(weights, batch))
        worst = max(errors, key=errors.get)
        if errors[worst] > 1e-9:
            gates = {gate: errors[f"b {gate}"] for gate in "ifgo"}
            gate = max(gates, key=gates.get)
            raise NotYet(f"Expected norm-relative errors below 1e-9, received {errors[worst]:.1g} in {worst}. "
                         f"Hint: among the gates {gate!r} is furthest off; {SLOPES[gate]}?")


SLOPES = {"i": "in c_t it multiplies g. What is the slope of the sigmoid in terms of i",
          "f": "in c_t it multiplies the state before. What is the slope of the sigmoid in terms of f",
          "g": "g is tanh(z_g) already. What is its slope at z_g in terms of g",
          "o": "it multiplies tanh(c) in h_t: from which of dh and dc does its gradient come"}


class WithDhTwice(Textbook):
    """A likely mistake: dc is taken for what comes from the next timestep alone."""

    def into_gates(self, now, dh, dc, size_X=1):
        return super().into_gates(now, dh, dc + dh * now.o * (1 - np.tanh(now.c) ** 2), size_X)


WITH_DH_TWICE = WithDhTwice()


@check
def check_fooled_by_ones(faulty):
    """Ones pass it, random numbers catch it: ones cannot show whether they were exchanged, squared or replaced."""
    rng = np.random.default_rng(8)
    for seed, T, B, K in ((1, 5, 3, 2), (2, 7, 2, 3)):
        weights, batch = example(seed, T=T, lengths=(T,) * B, K=K)
        trace = forward(weights, batch.X)
        for dY, shall_agree in ((np.ones(trace.Y.shape), True), (rng.normal(size=trace.Y.shape), False)):
            error = relative_error(given(faulty(weights, trace, dY.copy())), backward(weights, trace, dY))
            if shall_agree and error > 1e-9:
                raise NotYet(f"With an upstream gradient of ones the result must be right; it is wrong by {error:.1g} "
                             "(norm-relative). Hint: do something to dY that leaves ones as they are, such as changing "
                             "where an entry goes.")
            if not shall_agree and error < 1e-3:
                raise NotYet("With random upstream gradients the result must be wrong, and it is right. Hint: what can "
                             "be exchanged in dY without any effect when all entries are equal?")


@check
def check_verdict(passes):
    """It passes rounding and nothing else, whatever the size of the gradient: its tolerance grows with the truth."""
    weights, batch = example(3)
    truth = HEALTHY.gradient(weights, batch)
    noise = np.random.default_rng(0)
    rounded = truth.map(lambda array: array * (1 + 1e-14 * noise.standard_normal(array.shape)))
    tolerance = "the size of the tolerance"
    cases = [(rounded, True, "the truth with a rounding error of 1e-14", tolerance),
             (truth * 0, False, "a gradient of zeros", tolerance),
             (truth.map(lambda array: array + np.nan), False, "a gradient of NaN", "what a comparison with NaN gives"),
             (-truth, False, "the truth with the wrong sign", "whether the sign counts"),
             (truth * 2, False, "twice the truth", "whether the size counts"),
             (truth * (1 + 1e-7), False, "1 + 1e-7 times the truth", tolerance)]
    cases += [(PATIENTS[name].gradient(weights, batch), False, f"the patient {name!r}", tolerance) for name in
              ("overwritten", "not carried", "activated twice", "shifted", "clipped inside", "every step")]
    for scale in (1, 1e-6, 1e6):
        for gradient, expected, what, hint in cases:
            with np.errstate(invalid="ignore", divide="ignore"):
                received = given(passes(gradient * scale, truth * scale))
            if received not in (True, False):
                raise NotYet(f"Expected True or False, received {received!r}.")
            if bool(received) != expected:
                size = "" if scale == 1 else f", both gradients times {scale:g}"
                hint = hint if scale == 1 else "a tolerance that does not grow with the gradient"
                raise NotYet(f"For {what}{size}: expected {expected}, received {bool(received)}. Hint: look at {hint}.")


def given(answer):
    """The answer, once there is one."""
    if answer is None or answer is ...:
        raise NotImplementedError
    return answer
