"""Notebook 03: answers to its exercises, for test_exercises; the numbers and words of its explorer."""

import itertools
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lstmlib import forward, init_weights, step_backward
from lstmlib.cell import StepTrace
from lstmlib.exercises import backward as exercises
from lstmlib.explorers import backward as flow


@pytest.mark.parametrize("forget_bias", [-4.0, 1.0, 8.0])
def test_norms_are_those_of_single_steps(forget_bias):
    weights = init_weights(flow.D, flow.H, K=1, seed=3)
    weights = replace(weights, b=np.where(np.arange(4 * flow.H) // flow.H == 1, forget_bias, weights.b))
    trace = forward(weights, flow.inputs()[0])
    dh = dc = np.zeros((1, flow.H))
    crossed = []
    for t in reversed(range(1, flow.T)):
        at_t = StepTrace(trace.X[t], *(getattr(trace, name)[t] for name in StepTrace._fields[1:]))
        _, dh, dc = step_backward(weights, at_t, np.full((1, 1), float(t == flow.T - 1)), dh, dc)
        crossed.append([np.linalg.norm(d) / np.linalg.norm(weights.Wy) for d in (dh, dc)])
    numbers = flow.numbers(flow.Flow(forget_bias))
    np.testing.assert_allclose(np.column_stack([numbers.dh_next, numbers.dc_next])[-2::-1], crossed, rtol=1e-9)
    assert numbers.forget == pytest.approx(np.exp(np.log(trace.f).mean()))


def test_cut_path_carries_nothing_and_leaves_products_of_forget_gates():
    numbers = flow.numbers(flow.Flow(6.0, cut_gates=True))
    _, f = flow.lstm_norms(6.0, cut_gates=True)
    assert np.nanmax(numbers.dh_next) == 0
    lowest, highest = f[1:-1].prod(axis=0).min(), f[1:-1].prod(axis=0).max()
    assert lowest <= numbers.dc_next[0] / numbers.dc_next[-2] <= highest


def test_rnn_norms_are_those_of_its_jacobians():
    X, Wh, Wx = flow.inputs()
    h, jacobians = np.zeros(flow.H), []
    for x in X[:, 0]:
        h = np.tanh(x @ Wx + h @ (1.5 * Wh))
        jacobians.append(np.diag(1 - h ** 2) @ (1.5 * Wh).T)
    dh = np.ones(flow.H) / np.sqrt(flow.H)
    for jacobian in jacobians[:0:-1]:
        dh = dh @ jacobian
    assert flow.rnn_norms(1.5)[0] == pytest.approx(np.linalg.norm(dh))


def told(norm):
    """A norm as it is told, in other words."""
    if not norm:
        return "nothing"
    digits, exponent = f"{norm:.1e}".split("e")
    if norm < 10.0 ** -12:
        return "below 1e-12"
    return f"{round(float(digits) * 10 ** int(exponent), 3):g}" if int(exponent) >= -2 else f"{norm:.1e}"


def test_words_and_verdict_on_a_lattice_of_states():
    arrived, verdicts = [], Counter()
    for bias, scale, cut in itertools.product(flow.BIASES[::2], flow.FACTORS[::2], (False, True)):
        state = flow.Flow(bias, scale, cut)
        found = flow.numbers(state)
        norms = [found.dc_next[0], found.dh_next[0], found.rnn[0]]
        said = re.search("still carries (.*) at the first .*through the gates (.*), and the plain RNN (.*)[.]$",
                         flow.words(state, found)).groups()
        cell, gates, rnn = map(told, norms)
        assert said == (cell, "is cut" if cut else f"carries {gates}", rnn)
        arrived += norms
        good, headline = flow.headline(state, found)
        assert good == (norms[0] >= 1e-2) == headline.endswith("arrives")
        assert headline.endswith("has vanished") == (norms[0] < 1e-6)
        verdicts[headline] += 1
    between = [(0, 1e-12), (1e-3, 1e-2), (1e-2, 1e-1), (100, 1000)]
    assert all(any(low < norm < high for norm in arrived) for low, high in between)
    assert len(verdicts) == 3


# Answers.

def answer(wrong_dz_f=None, wrong_dz_g=None, wrong_dz_o=None, wrong_dc=None, wrong_dc_prev=None,
           keep=lambda answers: answers):
    """A backward step of the coupled cell with one line replaced."""
    def coupled_backward(dh, dc_next, f, g, o, c_prev, c):
        q = dict(dh=dh, dc_next=dc_next, f=f, g=g, o=o, c_prev=c_prev, c=c)
        dc = q["dc"] = wrong_dc(**q) if wrong_dc else dh * o * (1 - np.tanh(c) ** 2) + dc_next
        dz_f = wrong_dz_f(**q) if wrong_dz_f else dc * (c_prev - g) * f * (1 - f)
        dz_g = wrong_dz_g(**q) if wrong_dz_g else dc * (1 - f) * (1 - g ** 2)
        dz_o = wrong_dz_o(**q) if wrong_dz_o else dh * np.tanh(c) * o * (1 - o)
        return keep((dz_f, dz_g, dz_o, wrong_dc_prev(**q) if wrong_dc_prev else dc * f))
    return coupled_backward


def in_place(dh, dc_next, f, g, o, c_prev, c, forgotten=False):
    """A right answer that overwrites what it is given; forgotten: it leaves out dc_next."""
    dz_o = dh * np.tanh(c) * o * (1 - o)
    dh *= o * (1 - np.tanh(c) ** 2)
    dh += 0 if forgotten else dc_next
    dz_g = dh * (1 - f) * (1 - g ** 2)
    c_prev -= g
    return [dh * c_prev * f * (1 - f), dz_g, dz_o, dh * f]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def through_h(dh, o, c):
    return dh * np.tanh(c), dh * o * (1 - np.tanh(c) ** 2)


def through_c(dc, i, f, g, c_prev):
    return [dc * g, dc * c_prev, dc * i, dc * f]


def through_z(x, h_prev, Wh, dz):
    return x.T @ dz, h_prev.T @ dz, dz.sum(axis=0), dz @ Wh.T


def with_part(right, place, wrong):
    """The right answer, but for one of its arrays."""
    def answer(*given):
        parts = list(right(*given))
        parts[place] = wrong(*given)
        return parts
    return answer


def gates_from(slope_of=lambda a: a * (1 - a), slope_g=lambda g: 1 - g * g, order=(0, 1, 2, 3), axis=1):
    """A way through the gates with these slopes, in this order."""
    def answer(*given):
        parts = [d * (slope_g if k == 2 else slope_of)(a) for k, (d, a) in enumerate(zip(given[:4], given[4:]))]
        return np.concatenate([parts[k] for k in order], axis=axis)
    return answer


def bias_for(f):
    return np.log(f / (1 - f))


RIGHT = {exercises.check_coupled_backward: [in_place], exercises.check_forget_bias: [4.968, 4.97],
         exercises.check_faulty_arrays: [["b", "Wx", "Wh"], ("Wh", "Wx", "b")]}

WRONG = {
    exercises.check_hidden_state: [
        (with_part(through_h, 0, lambda dh, o, c: dh * c), "the other factor is tanh(c)"),
        (with_part(through_h, 0, lambda dh, o, c: dh * o), "*other*"),
        (with_part(through_h, 0, lambda dh, o, c: dh * np.tanh(c) * o * (1 - o)), "dz_o already"),
        (with_part(through_h, 1, lambda dh, o, c: dh * o), "1 - tanh(c)^2"),
        (with_part(through_h, 1, lambda dh, o, c: dh * (1 - np.tanh(c) ** 2)), "o, is missing"),
        (with_part(through_h, 1, lambda dh, o, c: dh * o * (1 - c ** 2)), "c is not the tanh's value"),
        (with_part(through_h, 1, lambda dh, o, c: dh * o * np.tanh(c)), "the value of tanh"),
        (lambda dh, o, c: dh * o, "Return two arrays: do, dc."),
    ],
    exercises.check_cell_state: [
        (with_part(through_c, 0, lambda dc, i, f, g, c_prev: dc * i), "not times itself"),
        (with_part(through_c, 1, lambda dc, i, f, g, c_prev: dc), "the partner in the product is missing"),
        (with_part(through_c, 1, lambda dc, i, f, g, c_prev: dc * c_prev * f * (1 - f)), "goes on to z already"),
        (with_part(through_c, 2, lambda dc, i, f, g, c_prev: dc * f), "which factor stands beside it"),
        (with_part(through_c, 3, lambda dc, i, f, g, c_prev: dc), "For dc_prev"),
        (lambda *given: through_c(*given)[:3], "Return four arrays: di, df, dg, dc_prev."),
    ],
    exercises.check_gates: [
        (gates_from(lambda a: 1, lambda g: 1), "stands a slope"),
        (gates_from(lambda a: sigmoid(a) * (1 - sigmoid(a)), lambda g: 1 - np.tanh(g) ** 2), "values already"),
        (gates_from(slope_g=lambda g: g * (1 - g)), "g is a tanh"),
        (gates_from(lambda a: a, lambda g: g), "not its slope"),
        (gates_from(order=(0, 1, 3, 2)), "the order is"),
        (gates_from(order=(1, 0, 2, 3)), "the order is"),
        (gates_from(axis=0), "axis=1"),
        (lambda *given: list(given[:4]), "Return one array"),
    ],
    exercises.check_products: [
        (with_part(through_z, 0, lambda x, h, Wh, dz: dz.T @ x), "shape (D, 4H)"),
        (with_part(through_z, 1, lambda x, h, Wh, dz: dz.T @ h), "shape (H, 4H)"),
        (with_part(through_z, 1, lambda x, h, Wh, dz: h.T @ dz / len(x)), "not a mean"),
        (with_part(through_z, 2, lambda x, h, Wh, dz: dz), "sum over them"),
        (with_part(through_z, 2, lambda x, h, Wh, dz: dz.mean(axis=0)), "a sum, not a mean"),
        (with_part(through_z, 2, lambda x, h, Wh, dz: dz.sum(axis=1)), "the first axis"),
        (with_part(through_z, 2, lambda x, h, Wh, dz: dz.sum(axis=0, keepdims=True)), "keepdims"),
        (with_part(through_z, 3, lambda x, h, Wh, dz: Wh @ dz.T), "the shape (B, H)"),
        (with_part(through_z, 3, lambda x, h, Wh, dz: dz @ Wh), "ValueError"),
    ],
    exercises.check_coupled_backward: [
        (answer(wrong_dz_f=lambda dc, c_prev, f, **_: dc * c_prev * f * (1 - f)), "Add the path through it"),
        (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (c_prev + g) * f * (1 - f)), "is -1"),
        (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (g - c_prev) * f * (1 - f)), "the sign"),
        (answer(wrong_dz_f=lambda dc, c_prev, g, **_: dc * (c_prev - g)), "that is df"),
        (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (c_prev - g) * f), "f (1 - f), not f"),
        (answer(wrong_dz_f=lambda dc, c_prev, g, f, **_: dc * (c_prev - g) * sigmoid(f) * (1 - sigmoid(f))), "already"),
        (answer(wrong_dz_g=lambda dc, f, g, **_: dc * f * (1 - g ** 2)), "stands 1 - f"),
        (answer(wrong_dz_g=lambda dc, f, g, **_: dc * (1 - f)), "that is dg"),
        (answer(wrong_dz_g=lambda dc, f, g, **_: dc * (1 - f) * (1 - np.tanh(g) ** 2)), "already"),
        (answer(wrong_dz_o=lambda dh, c, **_: dh * np.tanh(c)), "that is do"),
        (answer(wrong_dz_o=lambda dh, c, o, **_: dh * np.tanh(c) * sigmoid(o) * (1 - sigmoid(o))), "already"),
        (answer(wrong_dz_o=lambda dh, c, o, **_: dh * c * o * (1 - o)), "the other factor is tanh"),
        (answer(wrong_dc=lambda dh, o, c, **_: dh * o * (1 - np.tanh(c) ** 2)), "also receives dc_next"),
        (answer(wrong_dc=lambda dh, o, dc_next, **_: dh * o + dc_next), "is missing in dc"),
        (lambda *given: in_place(*given, forgotten=True), "also receives dc_next"),
        (answer(wrong_dc_prev=lambda dc, **_: dc), "stands the factor f"),
        (answer(wrong_dc_prev=lambda dc, **_: dc.tolist()), "stands the factor f"),
        (answer(keep=lambda answers: answers[:3]), "Return four arrays"),
        (answer(keep=lambda answers: 1.0), "Return four arrays"),
        (answer(keep=lambda answers: [dz.mean(axis=0, keepdims=True) for dz in answers]),
         "For dc_prev: expected an array of shape (2, 3), received an array of shape (1, 3)."),
        (answer(keep=lambda answers: (7.0, *answers[1:])), "received 7."),
    ],
    exercises.check_forget_bias: [
        (0.5 ** (1 / 100), "the bias is what"),
        (0.993, "the bias is what"),
        (-bias_for(0.5 ** (1 / 100)), "wrong sign"),
        (-4.97, "wrong sign"),
        (bias_for(0.5 ** (1 / 99)), "not 99"),
        (4.96, "not 99"),
        (4.95, "Not yet. 4.95 is not it. Hint: first find f"),
        (4.98, "Not yet. 4.98 is not it. Hint: first find f"),
        ("5", "Expected a number"),
    ],
    exercises.check_faulty_arrays: [
        ({"Wh"}, "For the backward pass without dh_next and dc_next: {'Wh'} is not it. Hint: run both passes"),
        ({"Wx", "Wh", "b", "Wy"}, "array by array"),
        (set("ZWUXYV"), "The five arrays are Wx, Wh, b, Wy and by, received U, V, W, X, Y, Z."),
        (["Wx", 1], "a set of names"),
        ("Wx", "a set of names"),
    ],
}
