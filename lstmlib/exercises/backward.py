"""Feedback on the exercises of notebook 3: the lines of a backward step, forget gates over time, a gradient check."""

import numbers

import numpy as np

from ..cell import sigmoid
from .base import NotYet, answered, check, expect


@check
def check_hidden_state(through_h):
    """In a product each factor receives the gradient times the other one; for c the slope of tanh comes on top."""
    dh, o, c = arrays(3)
    h, slope = np.tanh(c), 1 - np.tanh(c) ** 2
    judge_arrays(through_h, (dh, sigmoid(o), c), {
        "do": (dh * h, [
            (dh * c, "h = o tanh(c): the other factor is tanh(c)."),
            (dh * sigmoid(o), "each factor receives the gradient times the *other* factor."),
            (dh * h * own_slope(o), "that is dz_o already: the slope of the gate comes in Exercise 3.3.")]),
        "dc": (dh * sigmoid(o) * slope, [
            (dh * sigmoid(o), "between c and tanh(c) stands the slope of tanh, 1 - tanh(c)^2."),
            (dh * slope, "the other factor of the product, o, is missing."),
            (dh * sigmoid(o) * (1 - c ** 2), "the slope of tanh at c is 1 - tanh(c)^2: c is not the tanh's value."),
            (dh * sigmoid(o) * h, "that is the value of tanh; its slope is 1 - tanh(c)^2.")])})


@check
def check_cell_state(through_c):
    """The sum hands dc on to both products, and there each factor receives it times its partner."""
    dc, i, f, g, c_prev = arrays(5)
    i, f, g = sigmoid(i), sigmoid(f), np.tanh(g)
    partners = {"di": (i, g), "df": (f, c_prev), "dg": (g, i), "dc_prev": (c_prev, f)}
    judge_arrays(through_c, (dc, i, f, g, c_prev), {
        name: (dc * partner, [
            (dc * own, "each factor receives the gradient times its partner, not times itself."),
            (dc, "the partner in the product is missing."),
            (dc * partner * own * (1 - own), "that goes on to z already: the gates' slopes come in Exercise 3.3."),
            *((dc * other, "which factor stands beside it in c = f * c_prev + i * g?") for _, other in partners.values()
              if other is not partner)])
        for name, (own, partner) in partners.items()})


@check
def check_gates(through_gates):
    """The slope of each gate is written with the gate's own value: a (1 - a) for a sigmoid, 1 - g^2 for the tanh."""
    gradients, z = np.split(arrays(8), 2)
    is_tanh = np.arange(4)[:, None, None] == 2
    values = np.where(is_tanh, np.tanh(z), sigmoid(z))
    dz = gradients * np.where(is_tanh, 1 - values ** 2, values * (1 - values))
    twice = gradients * np.where(is_tanh, 1 - np.tanh(values) ** 2, own_slope(values))
    mistakes = [
        (np.hstack(gradients), "between each z and its gate stands a slope: of the sigmoid, or of the tanh."),
        (np.hstack(twice), "i, f, g, o are values already: the slopes are i (1 - i), ..., 1 - g^2."),
        (np.hstack([*dz[:2], gradients[2] * values[2] * (1 - values[2]), dz[3]]), "g is a tanh: its slope is 1 - g^2."),
        *((np.hstack([dz[k] for k in order]), "the order is i, f, g, o.") for order in ((0, 1, 3, 2), (1, 0, 2, 3))),
        (np.concatenate(dz), "the quarters stand side by side, in one row for each sequence: axis=1."),
        (np.hstack(gradients * values), "that is the value of each gate, not its slope.")]
    received = answered(through_gates(*gradients, *values))  # after the mistakes, for an answer may work in place
    if isinstance(received, tuple | list):
        raise NotYet("Return one array: np.concatenate([...], axis=1) lays the four quarters side by side.")
    expect(received, np.hstack(dz), "dz", mistakes=mistakes)


@check
def check_products(through_z):
    """A gradient goes back through a matrix product by the transposed matrix; weights sum over the sequences."""
    rng = np.random.default_rng(0)
    x, h_prev, Wh, dz = (rng.normal(size=shape) for shape in ((5, 3), (5, 4), (4, 16), (5, 16)))

    def product(name, given, shape):
        return given.T @ dz, [(dz.T @ given, f"that is the transposed one: {name} has its weight's shape {shape}."),
                              (given.T @ dz / 5, "a sum over the sequences is asked for, not a mean.")]

    judge_arrays(through_z, (x, h_prev, Wh, dz), {
        "dWx": product("dWx", x, "(D, 4H)"), "dWh": product("dWh", h_prev, "(H, 4H)"),
        "db": (dz.sum(axis=0), [
            (dz, "b is added in every sequence: sum over them."), (dz.mean(axis=0), "a sum, not a mean."),
            (dz.sum(axis=1), "sum over the sequences, the first axis."),
            (dz.sum(axis=0, keepdims=True), "b has the shape (4H,): leave keepdims out.")]),
        "dh_prev": (dz @ Wh.T, [(Wh @ dz.T, "that is the transposed one: dh_prev has the shape (B, H).")])})


def arrays(number):
    """So many random arrays (2, 3)."""
    return np.random.default_rng(0).normal(size=(number, 2, 3))


def own_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def judge_arrays(answer, given, wanted):
    """Judge the arrays that a function returns, the last one first, by {name: (truth, [(wrong, hint)])}."""
    received = answered(answer(*given))  # after all that is wanted is there, for an answer may work in place
    if not isinstance(received, tuple | list) or len(received) != len(wanted):
        raise NotYet(f"Return {('two', 'three', 'four')[len(wanted) - 2]} arrays: {', '.join(wanted)}.")
    for array, (name, (truth, hints)) in reversed([*zip(received, wanted.items())]):
        expect(array, truth, name, mistakes=hints)


@check
def check_coupled_backward(coupled_backward):
    """One number f speaks for both gates: its two paths to c give the factor c_prev - g."""
    z_f, z_g, z_o, c_prev, dh, dc_next = arrays(6)
    f, g, o = sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + (1 - f) * g
    from_h = dh * o * (1 - np.tanh(c) ** 2)
    dc = from_h + dc_next
    judge_arrays(coupled_backward, (dh, dc_next, f, g, o, c_prev, c), {
        "dz_f": (dc * (c_prev - g) * f * (1 - f), [
            (dc * c_prev * f * (1 - f), "f also stands in front of g, as 1 - f. Add the path through it."),
            (dc * (c_prev + g) * f * (1 - f), "the derivative of 1 - f with respect to f is -1."),
            (dc * (g - c_prev) * f * (1 - f), "the sign: c grows with f where c_prev is larger than g."),
            (dc * (c_prev - g), "that is df. The sigmoid between z_f and f has the slope f (1 - f)."),
            (dc * (c_prev - g) * f, "the slope of the sigmoid is f (1 - f), not f."),
            (dc * (c_prev - g) * own_slope(f), "f is already the sigmoid's value: its slope is f (1 - f).")]),
        "dz_g": (dc * (1 - f) * (1 - g ** 2), [
            (dc * f * (1 - g ** 2), "in front of g stands 1 - f."),
            (dc * (1 - f), "that is dg. The tanh between z_g and g has the slope 1 - g^2."),
            (dc * (1 - f) * (1 - np.tanh(g) ** 2), "g is already the tanh's value: its slope is 1 - g^2.")]),
        "dz_o": (dh * np.tanh(c) * o * (1 - o), [
            (dh * np.tanh(c), "that is do. The sigmoid between z_o and o has the slope o (1 - o)."),
            (dh * np.tanh(c) * own_slope(o), "o is already the sigmoid's value: its slope is o (1 - o)."),
            (dh * c * o * (1 - o), "h = o tanh(c): the other factor is tanh(c).")]),
        "dc_prev": (dc * f, [
            (from_h * f, "c also receives dc_next from the next timestep; add it to dc."),
            (dc, "between c_prev and c stands the factor f."),
            ((dh * o + dc_next) * f, "the slope of tanh(c), 1 - tanh(c)^2, is missing in dc.")])})


@check
def check_forget_bias(bias):
    """f = 0.5^(1/100) = 0.9931 keeps half of the gradient over 100 steps; such a gate has the bias log(f / (1 - f))."""
    if not isinstance(bias, numbers.Real):
        raise NotYet(f"Expected a number, received {bias!r}.")
    truth = -np.log(2 ** (1 / 100) - 1)  # of f = 0.5^(1/100): f / (1 - f) = 1 / (1 / f - 1)
    expect(bias, truth, hint="first find f with f^100 = 1/2, then the bias with sigmoid(bias) = f.", mistakes=[
        (sigmoid(truth), "that is the forget gate itself; the bias is what the sigmoid turns into it."),
        (-np.log(2 ** (1 / 99) - 1), "100 steps are 100 forget gates, not 99."),
        (-truth, "log((1 - f) / f) has the wrong sign: an open gate has a positive bias."),
    ], tolerance=1e-3, reveal=False)


@check
def check_faulty_arrays(names):
    """Only Wx, Wh and b are filled through the recurrence; Wy and by never see dh_next or dc_next."""
    if not isinstance(names, set | list | tuple) or not all(isinstance(name, str) for name in names):
        raise NotYet("Expected a set of names, such as {'Wx', 'by'}.")
    if unknown := set(names) - {"Wx", "Wh", "b", "Wy", "by"}:
        raise NotYet(f"The five arrays are Wx, Wh, b, Wy and by, received {', '.join(sorted(unknown))}.")
    expect(set(names), {"Wx", "Wh", "b"}, "the backward pass without dh_next and dc_next",
           "run both passes and compare array by array; or ask which arrays gradients from later timesteps can reach.",
           reveal=False)
