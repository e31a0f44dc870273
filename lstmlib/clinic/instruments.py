"""Instruments for the bug clinic (notebook 8): what can be read from a backward pass without opening it.

A patient is anything with `objective(weights, batch)` and `gradient(weights, batch, at=None)`, such as those of
`lstmlib.clinic.patients`. An instrument that cannot read a patient raises Unreadable, and gives no reading.
"""

from dataclasses import replace
from inspect import signature

import numpy as np

from ..checking import cosine, numerical_gradient, relative_error
from ..placement import record, scale_at
from ..sequence import forward
from .asking import relative
from .patients import HEALTHY, Batch


class Unreadable(ValueError):
    """Why an instrument has no reading."""


def ask(patient, method, *args, **kwargs):
    """What this method of the patient returns; Unreadable where it has none, or none that takes such arguments."""
    if not hasattr(patient, method):
        raise Unreadable(f"the patient has no method {method}, which this instrument needs")
    try:
        signature(getattr(patient, method)).bind(*args, **kwargs)
    except TypeError as error:
        raise Unreadable(f"{method} of the patient does not take what this instrument needs: {error}") from None
    return getattr(patient, method)(*args, **kwargs)


def with_hook(patient, weights, batch, at, edges):
    """The gradient with the hook `at`; Unreadable where it is not called on one of these edges."""
    silent = set(edges)

    def heard(edge, gradient):
        silent.discard(edge)
        return at(edge, gradient)

    gradient = ask(patient, "gradient", weights, batch, at=heard)
    if silent:
        raise Unreadable(f"the hook `at` is never called on {', '.join(sorted(silent))}: what crosses cannot be read")
    return gradient


def own_gradient(patient, weights, batch, method="complex", step=None):
    """The numerical gradient of the objective that the patient itself reports; arguments as in numerical_gradient.

    Unreadable where the complex step is lost on the way: one entry is compared with central differences.
    """
    def objective(w):
        return ask(patient, "objective", w, batch)

    truth = numerical_gradient(objective, weights, method, step)
    if method == "complex":
        k, h, exact = int(np.argmax(abs(weights.by))), 1e-4, weights.map(lambda array: array.astype(float))
        ahead, behind = (objective(replace(exact, by=exact.by + s * h * np.eye(exact.K)[k])) for s in (1, -1))
        central = (ahead - behind) / (2 * h)
        if not np.isclose(truth.by[k], central, rtol=1e-3, atol=1e-6 * abs(objective(weights))):
            raise Unreadable(f"the complex step is lost in the objective: it says {truth.by[k]:.3g} for by[{k}], and "
                             f"central differences say {central:.3g}. Use method='central'")
    return truth


def errors_by_part(gradient, truth):
    """Norm-relative error of each part of the gradient: {"Wx i": ..., "Wx f": ..., ..., "Wy": ..., "by": ...}.

    0 where both are zero; Unreadable where the truth alone is.
    """
    mine, theirs = parts(gradient), parts(truth)
    if zero := [name for name in theirs if not theirs[name].any() and mine[name].any()]:
        raise Unreadable(f"the true gradient of {', '.join(zero)} is zero: no error is relative to that")
    return {name: relative(mine[name], theirs[name]) for name in theirs}


def parts(gradient):
    """The gradient by array and, where it has four, by gate."""
    return {name + gate: part for name, array in gradient.items() for gate, part in (
        [("", array)] if name in ("Wy", "by") else zip((" i", " f", " g", " o"), np.split(array, 4, axis=-1)))}


def size_and_direction(gradient, truth):
    """(||gradient|| / ||truth||, cosine): whether the size or the direction is wrong."""
    if not gradient.norm() or not truth.norm():
        raise Unreadable(f"the {'true gradient' if gradient.norm() else 'gradient'} is zero: it has no direction")
    return gradient.norm() / truth.norm(), cosine(gradient, truth)


def probe(patient, weights, batch):
    """What crosses dh_next and dc_next, as norms for t = 1..T-1: {"dh_next": (T-1,), "dc_next": (T-1,)}.

    Only the last timestep has a loss here, so all that crosses has come from there. Several passes in one
    (micro-batches) are joined: their norms are those of all sequences together.
    """
    def last_only(edge, gradient):
        if edge == "loss":
            gradient[..., :-1, :, :] = 0
        return gradient

    crossed, steps = record(["dh_next", "dc_next"], last_only), len(batch.X) - 1
    if not steps:
        raise Unreadable("with one timestep nothing is carried from one to another")
    with_hook(patient, weights, batch, crossed, ("loss", "dh_next", "dc_next"))
    if uneven := [edge for edge, gradients in crossed.items() if len(gradients) % steps]:
        raise Unreadable(f"the hook is called on {uneven[0]} {len(crossed[uneven[0]])} times in {steps + 1} timesteps")
    return {edge: np.linalg.norm(np.reshape([np.linalg.norm(d) for d in gradients], (-1, steps)), axis=0)[::-1]
            for edge, gradients in crossed.items()}


def probe_ratios(patient, weights, batch):
    """The probe's norms over those of the healthy pass: {"dh_next": (T-1,), "dc_next": (T-1,)}."""
    mine, theirs = (probe(one, weights, batch) for one in (patient, HEALTHY))
    return {edge: mine[edge] / theirs[edge] for edge in theirs}


def response(patient, weights, batch, factors):
    """How the gradient follows when the gradient of the loss is multiplied: ||G(a dY)|| / (a ||G(dY)||) for each a."""
    whole = ask(patient, "gradient", weights, batch).norm()
    if not whole:
        raise Unreadable("the gradient is zero: it follows nothing")
    return np.array([with_hook(patient, weights, batch, scale_at({"loss"}, a), ["loss"]).norm() / (a * whole)
                     for a in factors])


def reordering(patient, weights, batch, orders=8, seed=0):
    """Norm-relative change of the gradient when the sequences of the batch change places, for several orders."""
    rng, B = np.random.default_rng(seed), batch.X.shape[1]
    if B == 1:
        raise Unreadable("with one sequence there is one order only: a batch of two or more is needed")
    whole = ask(patient, "gradient", weights, batch)
    return np.array([relative_error(patient.gradient(weights, batch.take(rng.permutation(B))), whole)
                     for _ in range(orders)])


# Weak checks: each passes some patients. All are called alike and say whether the patient passes.

def loose_tolerance(patient, weights, batch):
    """Entry by entry against the truth, with rtol = atol = 1e-2."""
    mine, theirs = patient.gradient(weights, batch), HEALTHY.gradient(weights, batch)
    return all(np.allclose(array, getattr(theirs, name), 1e-2, 1e-2) for name, array in mine.items())


def own_objective(patient, weights, batch, tolerance=1e-7):
    """The gradient check: strong, but it takes the patient's word for what the objective is."""
    return relative_error(patient.gradient(weights, batch), own_gradient(patient, weights, batch)) < tolerance


def one_timestep(patient, weights, batch):
    """A full gradient check, but on the first timestep alone."""
    return own_objective(patient, weights, Batch(*(array[:1] for array in batch)))


def one_sequence(patient, weights, batch):
    """The true gradient of C, but for a batch of one sequence."""
    one = batch.take([0])
    return relative_error(patient.gradient(weights, one), own_gradient(HEALTHY, weights, one)) < 1e-7


def upstream_of_ones(patient, weights, batch):
    """Backward alone, from an upstream gradient of ones: the loss is left out, and stands for L = sum(Y)."""
    trace = forward(weights, batch.X)
    gradient = ask(patient, "through_time", weights, trace, np.ones_like(trace.Y))
    return relative_error(gradient, numerical_gradient(lambda w: forward(w, batch.X).Y.sum(), weights)) < 1e-7


def small_weights(patient, weights, batch):
    """A gradient check as networks are often begun, small weights and no biases, and not a strict one."""
    return own_objective(patient, replace(weights / 10, b=weights.b * 0, by=weights.by * 0), batch, tolerance=1e-3)


def direction_only(patient, weights, batch):
    """The cosine to the true gradient of the patient's own objective."""
    return cosine(patient.gradient(weights, batch), own_gradient(patient, weights, batch)) > 0.999999


WEAK_CHECKS = {"rtol = atol = 1e-2": loose_tolerance, "one timestep": one_timestep, "one sequence": one_sequence,
               "upstream of ones": upstream_of_ones, "small weights": small_weights, "cosine alone": direction_only,
               "own objective": own_objective}
