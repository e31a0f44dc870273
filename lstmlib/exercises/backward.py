"""Feedback on the exercises of notebook 3: a backward step, forget gates over time, a gradient check."""

import numbers
from functools import partial

import numpy as np

from .. import backward, forward, init_weights
from ..cell import sigmoid
from .base import NotYet, answered, check, expect, likely, same

THREE_DIGITS = 1e-3  # the relative tolerance of a number that the reader types


@check
def check_coupled_backward(coupled_backward):
    """One number f speaks for both gates: its two paths to c give the factor c_prev - g."""
    *z, c_prev, dh, dc_next = np.random.default_rng(0).normal(size=(6, 2, 3))
    truth, (f, g, o, c) = coupled_truth(*z, c_prev, dh, dc_next)
    hints = coupled_hints(f, g, o, c_prev, c, dh, dc_next)
    received = answered(coupled_backward(dh, dc_next, f, g, o, c_prev, c))
    if not isinstance(received, tuple | list) or len(received) != 4:
        raise NotYet("Return four arrays: dz_f, dz_g, dz_o, dc_prev.")
    for name, answer, right in zip(("dc_prev", "dz_o", "dz_g", "dz_f"), received[::-1], truth[::-1]):
        expect(answer, right, name, likely(answer, hints[name]))


def coupled_truth(z_f, z_g, z_o, c_prev, dh, dc_next):
    """The four gradients of sum(h dh + c dc_next) by complex steps, and the quantities f, g, o, c."""
    def run(z_f, z_g, z_o, c_prev):
        f, g, o = sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
        c = f * c_prev + (1 - f) * g
        return o * np.tanh(c) * dh + c * dc_next, (f, g, o, c)

    inputs = [z_f, z_g, z_o, c_prev]  # every entry depends on the same entry of each input alone
    gradients = [np.imag(run(*(x + 1e-20j * (k == n) for k, x in enumerate(inputs)))[0]) / 1e-20 for n in range(4)]
    return gradients, run(*inputs)[1]


def coupled_hints(f, g, o, c_prev, c, dh, dc_next):
    """For each gradient, wrong values and their causes."""
    def twice(a):
        return sigmoid(a) * (1 - sigmoid(a))

    from_h = dh * o * (1 - np.tanh(c) ** 2)
    dc = from_h + dc_next
    forgot_next = "c also receives dc_next from the next timestep; add it to dc."
    return {
        "dz_f": [(dc * c_prev * f * (1 - f), "f also stands in front of g, as 1 - f. Add the path through it."),
                 (dc * (c_prev + g) * f * (1 - f), "the derivative of 1 - f with respect to f is -1."),
                 (dc * (g - c_prev) * f * (1 - f), "the sign: c grows with f where c_prev is larger than g."),
                 (dc * (c_prev - g), "that is df. The sigmoid between z_f and f has the slope f (1 - f)."),
                 (dc * (c_prev - g) * f, "the slope of the sigmoid is f (1 - f), not f."),
                 (dc * (c_prev - g) * twice(f), "f is already the sigmoid's value: its slope is f (1 - f).")],
        "dz_g": [(dc * f * (1 - g ** 2), "in front of g stands 1 - f."),
                 (dc * (1 - f), "that is dg. The tanh between z_g and g has the slope 1 - g^2."),
                 (dc * (1 - f) * (1 - np.tanh(g) ** 2), "g is already the tanh's value: its slope is 1 - g^2.")],
        "dz_o": [(dh * np.tanh(c), "that is do. The sigmoid between z_o and o has the slope o (1 - o)."),
                 (dh * np.tanh(c) * twice(o), "o is already the sigmoid's value: its slope is o (1 - o)."),
                 (dh * c * o * (1 - o), "h = o tanh(c): the other factor is tanh(c).")],
        "dc_prev": [(from_h * f, forgot_next), (dc, "between c_prev and c stands the factor f."),
                    ((dh * o + dc_next) * f, "the slope of tanh(c), 1 - tanh(c)^2, is missing in dc.")],
    }


@check
def check_forget_bias(bias):
    """f = 0.5^(1/100) = 0.9931 keeps half of the gradient over 100 steps; such a gate has the bias log(f / (1 - f))."""
    if not isinstance(bias, numbers.Real):
        raise NotYet(f"Expected a number, received {bias!r}.")
    truth = bias_for_half(100)
    hints = [(sigmoid(truth), "that is the forget gate itself; the bias is what the sigmoid turns into it."),
             (bias_for_half(99), "100 steps are 100 forget gates, not 99."),
             (-truth, "log((1 - f) / f) has the wrong sign: an open gate has a positive bias.")]
    general = "first find f with f^100 = 1/2, then the bias with sigmoid(bias) = f."
    hint = likely(bias, hints, general, partial(same, tolerance=THREE_DIGITS))
    expect(bias, truth, hint=hint, tolerance=THREE_DIGITS, reveal=False)


def bias_for_half(steps):
    """The bias of a forget gate that keeps half of the gradient over so many steps."""
    f = 0.5 ** (1 / steps)
    return np.log(f / (1 - f))


@check
def check_faulty_arrays(names):
    """Only Wx, Wh and b are filled through the recurrence; Wy and by never see dh_next or dc_next."""
    if not isinstance(names, set | list | tuple) or not all(isinstance(name, str) for name in names):
        raise NotYet("Expected a set of names, such as {'Wx', 'by'}.")
    unknown = set(names) - {"Wx", "Wh", "b", "Wy", "by"}
    if unknown:
        raise NotYet(f"The five arrays are Wx, Wh, b, Wy and by, received {', '.join(sorted(unknown))}.")
    expect(set(names), wrong_without_carry(), "the backward pass without dh_next and dc_next",
           "run both passes and compare array by array; or ask which arrays gradients from later timesteps can reach.",
           reveal=False)


def wrong_without_carry():
    """Names of the arrays whose gradient is wrong when nothing crosses a timestep."""
    weights = init_weights(3, 4, 2, seed=1)
    trace = forward(weights, np.random.default_rng(1).normal(size=(6, 2, 3)))
    true = backward(weights, trace, trace.Y)
    cut = backward(weights, trace, trace.Y, at=lambda edge, gradient: gradient * (edge not in ("dh_next", "dc_next")))
    return {name for name, right in true.items() if not same(getattr(cut, name), right)}
