"""Feedback on the exercises of notebook 3: local derivatives, forget gates over time, a gradient check."""

import numpy as np

from .. import Weights, backward, forward, init_weights, relative_error, squared_error
from .base import NotYet, check, expect


@check
def check_coupled_forget(slope):
    """With i = 1 - f, one number f speaks for both gates, and its slope sums both of its paths to c."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        z_f, c_prev, g = rng.normal(size=3)
        f = 1 / (1 + np.exp(-z_f))
        truth = (c_prev - g) * f * (1 - f)
        received = slope(f, c_prev, g)
        given = f"f = {f:.3f}, c_prev = {c_prev:.3f}, g = {g:.3f}"
        hints = [(c_prev * f * (1 - f), "f also stands in front of g, as 1 - f. Add the path through it."),
                 ((c_prev + g) * f * (1 - f), "the derivative of 1 - f with respect to f is -1."),
                 (c_prev - g, "that is dc/df. The sigmoid between z_f and f has the slope f (1 - f).")]
        expect(received, truth, given, hint_for(received, hints))


@check
def check_forget_bias(bias):
    """f = 0.5^(1/100) = 0.9931 keeps half of the gradient over 100 steps; such a gate has the bias log(f / (1 - f))."""
    f = 0.5 ** (1 / 100)
    truth = np.log(f / (1 - f))
    hints = [(f, "that is the forget gate itself; the bias is what the sigmoid turns into it."),
             (np.log(0.5 ** (1 / 99) / (1 - 0.5 ** (1 / 99))), "from c_100 to c_0 there are 100 steps."),
             (-truth, "log((1 - f) / f) has the wrong sign: an open gate has a positive bias.")]
    expect(bias, truth, hint=hint_for(bias, hints), tolerance=1e-3)


@check
def check_faulty_arrays(names):
    """Only Wx, Wh and b are filled through the recurrence; Wy and by never see dh_next or dc_next."""
    if not isinstance(names, set | list | tuple) or not all(isinstance(name, str) for name in names):
        raise NotYet("Expected a set of names, such as {'Wx', 'by'}.")
    unknown = set(names) - {"Wx", "Wh", "b", "Wy", "by"}
    if unknown:
        raise NotYet(f"The five arrays are Wx, Wh, b, Wy and by, received {', '.join(sorted(unknown))}.")
    expect(set(names), wrong_without_carry(), "the backward pass without dh_next and dc_next",
           "run both passes and compare array by array; or ask which arrays gradients from later timesteps can reach.")


def wrong_without_carry():
    """Names of the arrays whose gradient is wrong when nothing crosses a timestep."""
    rng = np.random.default_rng(1)
    weights = init_weights(3, 4, 2, seed=1)
    trace = forward(weights, rng.normal(size=(6, 2, 3)))
    _, dY = squared_error(trace.Y, rng.normal(size=(6, 2, 2)))
    true = backward(weights, trace, dY)
    cut = backward(weights, trace, dY, at=lambda edge, gradient: gradient * (edge not in ("dh_next", "dc_next")))
    zero = true * 0
    return {name for name, _ in true.items()
            if relative_error(Weights(**{**dict(zero.items()), name: getattr(cut, name)}),
                              Weights(**{**dict(zero.items()), name: getattr(true, name)})) > 1e-9}


def hint_for(received, hints):
    """The hint whose wrong value was received, or none."""
    for value, hint in hints:
        if np.isscalar(received) and np.isclose(received, value, rtol=1e-6):
            return hint
    return ""
