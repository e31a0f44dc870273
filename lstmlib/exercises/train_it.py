"""Feedback on the exercises of notebook 7."""

import re
from numbers import Real

import numpy as np

from .. import adding_problem, init_weights, scale_at, sgd, squared_error, summed, train
from ..placement import path_crossings
from .base import NotYet, answered, check

CANDIDATES = {"{ }": set(), "{loss, dW}": {"loss", "dW"}, "{dh_above}": {"dh_above"}, "{dW_t}": {"dW_t"},
              "{dz}": {"dz"}, "{dh_next}": {"dh_next"}, "{dc_next}": {"dc_next"}}


@check
def check_forgiven(names):
    """These give each array one factor for all its paths, and Adam divides such a factor out (but for epsilon)."""
    if not isinstance(names, set | list | tuple) or None in (chosen := {candidate(name) for name in names}):
        raise NotYet(f"Expected a set of names from {', '.join(CANDIDATES)}, received {names!r}.")
    truth = {name for name, edges in CANDIDATES.items()
             if all(paths.bit_count() == 1 for paths in path_crossings(edges, T=20).values())}
    hint = ("at least one more gives each array one factor for all its paths. Adam rescales every entry by itself, "
            "so Wy may have another factor than Wx, and a factor may be 1.")
    if chosen - truth:
        hint = f"{min(chosen - truth)} divides some paths to Wx more often than others: that is no common factor."
    if chosen != truth:
        raise NotYet(f"{', '.join(sorted(chosen)) or 'The empty set'} is not it. Hint: {hint}")


def candidate(name):
    """The candidate that a text such as "{dW,loss}" or "nowhere" means, else None."""
    if not isinstance(name, str) or not name.strip():
        return None
    meant = set(re.findall(r"\w+", name)) - {"nowhere"}
    return next((known for known, edges in CANDIDATES.items() if edges == meant), None)


@check
def check_rate(rate):
    """Divided by 8 once too often, times 8 in the rate: the same step, bit for bit, for 8 is a power of two."""
    if not isinstance(rate, Real) or isinstance(rate, bool) or not 0 < rate < 1e6:
        raise NotYet(f"Expected a rate above 0 and below a million, received {rate!r}.")
    rate = float(rate)
    if not after_batches({"loss", "dW"}, rate).identical(after_batches({"loss"}, 1.0)):
        hint = {64: " Hint: the right placement divides by 8 as well; only the second division is too much.",
                0.125: " Hint: that makes the steps smaller still.",
                1: " Hint: the gradient is 8 times too small, and SGD steps are proportional to it."}.get(rate, "")
        raise NotYet(f"With rate {rate!r} a few batches do not give the weights of {{loss}} at rate 1.{hint}")


def after_batches(edges, rate):
    """Weights after a few batches of 8 sequences: SGD, divided by 8 at the edges."""
    rng = np.random.default_rng(0)
    batches = (adding_problem(20, 8, rng) for _ in range(5))
    gradient = summed(squared_error, at=scale_at(edges, 1 / 8))
    *_, (_, weights) = train(init_weights(2, 4, 1), batches, gradient, sgd, rate)
    return weights


@check
def check_chrono(chrono_bias):
    """Forget biases log u, u uniform from 1 to T - 1, input biases their negatives: memories of all lengths up to T."""
    for H, T in ((3000, 100), (4000, 1000)):
        b = np.asarray(answered(chrono_bias(H, T, np.random.default_rng(0))), dtype=float)
        case = f"H = {H}, T = {T}"
        if b.shape != (4 * H,):
            raise NotYet(f"For {case}: expected shape ({4 * H},), received {b.shape}.")
        b_i, b_f, b_g, b_o = b.reshape(4, H)
        if np.any(b_g) or np.any(b_o):
            raise NotYet(f"For {case}: the biases of g and o should be 0. Hint: the order is i, f, g, o.")
        if b_f.mean() < 0:
            raise NotYet(f"For {case}: the forget biases are negative, so the gates start closed. "
                         "Hint: b_f = log u, b_i = -log u.")
        if not np.array_equal(b_i, -b_f):
            raise NotYet(f"For {case}: expected b_i = -b_f, unit by unit. Hint: draw u once and use it for both gates.")
        if np.ptp(b_f) == 0:
            raise NotYet(f"For {case}: all units have the same bias. Hint: draw one u for each unit, H of them.")
        u = np.round(np.exp(b_f), 9)  # exp(log(999)) is a little more than 999
        if u.min() < 1 or u.max() > T - 1:
            raise NotYet(f"For {case}: exp(b_f) should lie from 1 to T - 1 = {T - 1}, "
                         f"received {u.min():.3g} to {u.max():.3g}."
                         + (" Hint: u is drawn up to T - 1, not up to T." if T - 1 < u.max() <= T else ""))
        if abs(u.mean() / (T / 2) - 1) > 0.1:
            raise NotYet(f"For {case}: the mean of exp(b_f) should be about T/2 = {T / 2:g}, received {u.mean():.3g}. "
                         "Hint: u is uniform, not its logarithm.")
        again, other = (chrono_bias(H, T, np.random.default_rng(seed)) for seed in (0, 1))
        if not np.array_equal(b, again) or np.array_equal(b, other):
            raise NotYet(f"For {case}: the same seed of rng should give the same biases, another seed others. "
                         "Hint: draw with rng.uniform, not with a generator of your own.")
