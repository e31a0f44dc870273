"""Notebook 03: answers to its exercises, for test_exercises; the numbers and words of its explorer."""

from dataclasses import replace

import numpy as np
import pytest

from lstmlib import forward, init_weights, step_backward
from lstmlib.cell import StepTrace, sigmoid
from lstmlib.exercises import backward as exercises
from lstmlib.explorers import backward as flow


@pytest.mark.parametrize("forget_bias", [-4.0, 1.0, 8.0])
def test_norms_are_those_of_single_steps(forget_bias):
    weights = init_weights(flow.D, flow.H, K=1, seed=3)
    weights = replace(weights, b=np.where(np.arange(4 * flow.H) // flow.H == 1, forget_bias, weights.b))
    trace = forward(weights, flow.X)
    dh = dc = np.zeros((1, flow.H))
    crossed = []
    for t in reversed(range(1, flow.T)):
        at_t = StepTrace(trace.X[t], *(getattr(trace, name)[t] for name in StepTrace._fields[1:]))
        _, dh, dc = step_backward(weights, at_t, np.full((1, 1), float(t == flow.T - 1)), dh, dc)
        crossed.append([np.linalg.norm(d) / np.linalg.norm(weights.Wy) for d in (dh, dc)])
    numbers = flow.numbers(flow.Flow(forget_bias))
    np.testing.assert_allclose(np.column_stack([numbers.dh_next, numbers.dc_next])[-2::-1], crossed, rtol=1e-9)
    assert numbers.forget == pytest.approx(np.exp(np.log(trace.f).mean()))


SAID = [
    ("Reset", False, "the gradient has vanished. ... still carries 7.4e-10 at the first (forget gates about 0.72), "),
    (flow.Flow(3.0), False, "all but vanished. ... the gates carries 3.0e-04, and the plain RNN below 1e-12."),
    ("Cell path alone", True, "the gradient arrives. ... carries 0.11 at the first (forget gates about 1.00), the path "
     "through the gates is cut ... into h: dh_next, nothing;"),
    ("RNN explodes", False, "the plain RNN 160.")]


LINES = {  # of each exercise: what is given, the right lines, what is returned
    exercises.check_hidden_state: ("dh o c", {"do": "dh * tanh(c)", "dc": "dh * o * (1 - tanh(c)**2)"}, "do dc"),
    exercises.check_cell_state: (
        "dc i f g c_prev", {"di": "dc * g", "df": "dc * c_prev", "dg": "dc * i", "dc_prev": "dc * f"},
        "di df dg dc_prev"),
    exercises.check_gates: (
        "di df dg do i f g o",
        {"dz_i": "di * i * (1 - i)", "dz_f": "df * f * (1 - f)", "dz_g": "dg * (1 - g**2)", "dz_o": "do * o * (1 - o)",
         "dz": "concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)"}, "dz"),
    exercises.check_products: (
        "x h_prev Wh dz", {"dWx": "x.T @ dz", "dWh": "h_prev.T @ dz", "db": "dz.sum(axis=0)", "dh_prev": "dz @ Wh.T"},
        "dWx dWh db dh_prev"),
    exercises.check_coupled_backward: (
        "dh dc_next f g o c_prev c",
        {"dc": "dh * o * (1 - tanh(c)**2) + dc_next", "dz_f": "dc * (c_prev - g) * f * (1 - f)",
         "dz_g": "dc * (1 - f) * (1 - g**2)", "dz_o": "dh * tanh(c) * o * (1 - o)", "dc_prev": "dc * f"},
        "dz_f dz_g dz_o dc_prev")}


def answer(check, returned="", **other_lines):
    """An answer with these lines in place of the right ones."""
    def function(*values):
        given, lines, names = LINES[check]
        known = {"sigmoid": sigmoid} | vars(np) | dict(zip(given.split(), values))
        for name, line in (lines | other_lines).items():
            known[name] = eval(line, known)
        results = [known[name] for name in (returned or names).split()]
        return results if len(results) > 1 else results[0]
    return function


RIGHT = {check: [answer(check)] for check in LINES} | {
    exercises.check_hidden_state: [  # in place
        answer(exercises.check_hidden_state, dc="multiply(dh, o * (1 - tanh(c)**2), out=dh)")],
    exercises.check_forget_bias: [4.968, 4.97], exercises.check_faulty_arrays: [["b", "Wx", "Wh"], ("Wh", "Wx", "b")]}

WRONG = {check: [(answer(check, **lines), said) for lines, said in rows] for check, rows in {
    exercises.check_hidden_state: [
        ({"do": "dh * c"}, "the other factor is tanh(c)"), ({"do": "dh * o"}, "*other*"),
        ({"do": "dh * tanh(c) * o * (1 - o)"}, "dz_o already"),
        ({"dc": "dh * o"}, "1 - tanh(c)^2"), ({"dc": "dh * (1 - tanh(c)**2)"}, "o, is missing"),
        ({"dc": "dh * o * (1 - c**2)"}, "c is not the tanh's"), ({"dc": "dh * o * tanh(c)"}, "the value of tanh")],
    exercises.check_cell_state: [
        ({"di": "dc * i"}, "not times itself"), ({"df": "dc"}, "the partner in the product is missing"),
        ({"df": "dc * c_prev * f * (1 - f)"}, "goes on to z already"), ({"dg": "dc * f"}, "which factor stands beside"),
        ({"returned": "di df dg"}, "Return four arrays: di, df, dg, dc_prev.")],
    exercises.check_gates: [
        ({"dz_i": "di", "dz_f": "df", "dz_g": "dg", "dz_o": "do"}, "stands a slope"),
        ({"dz_i": "di * i", "dz_f": "df * f", "dz_g": "dg * g", "dz_o": "do * o"}, "not its slope"),
        ({"dz": "hstack([a.__imul__(b) for a, b in zip((di, df, dg, do), (i, f, g, o))])"}, "not its slope"),
        ({"dz_i": "di * sigmoid(i) * (1 - sigmoid(i))", "dz_f": "df * sigmoid(f) * (1 - sigmoid(f))",
          "dz_g": "dg * (1 - tanh(g)**2)", "dz_o": "do * sigmoid(o) * (1 - sigmoid(o))"}, "values already"),
        ({"dz_g": "dg * g * (1 - g)"}, "g is a tanh"),
        ({"dz": "concatenate([dz_i, dz_f, dz_o, dz_g], axis=1)"}, "the order is"),
        ({"dz": "concatenate([dz_i, dz_f, dz_g, dz_o])"}, "axis=1"), ({"dz": "[dz_i, dz_f]"}, "Return one array")],
    exercises.check_products: [
        ({"dWx": "dz.T @ x"}, "shape (D, 4H)"), ({"dWh": "dz.T @ h_prev"}, "shape (H, 4H)"),
        ({"dWh": "h_prev.T @ dz / len(x)"}, "not a mean"), ({"db": "dz"}, "sum over them"),
        ({"db": "dz.mean(axis=0)"}, "a sum, not a mean"), ({"db": "dz.sum(axis=1)"}, "the first axis"),
        ({"db": "dz.sum(axis=0, keepdims=True)"}, "keepdims"), ({"dh_prev": "Wh @ dz.T"}, "the shape (B, H)"),
        ({"dh_prev": "dz @ Wh"}, "ValueError")],
    exercises.check_coupled_backward: [
        ({"dz_f": "dc * c_prev * f * (1 - f)"}, "Add the path through it"),
        ({"dz_f": "dc * (c_prev + g) * f * (1 - f)"}, "is -1"),
        ({"dz_f": "dc * (g - c_prev) * f * (1 - f)"}, "the sign"),
        ({"dz_f": "dc * (c_prev - g)"}, "that is df"), ({"dz_f": "dc * (c_prev - g) * f"}, "f (1 - f), not f"),
        ({"dz_f": "dc * (c_prev - g) * sigmoid(f) * (1 - sigmoid(f))"}, "f is already"),
        ({"dz_g": "dc * f * (1 - g**2)"}, "stands 1 - f"), ({"dz_g": "dc * (1 - f)"}, "that is dg"),
        ({"dz_g": "dc * (1 - f) * (1 - tanh(g)**2)"}, "g is already"), ({"dz_o": "dh * tanh(c)"}, "that is do"),
        ({"dz_o": "dh * tanh(c) * sigmoid(o) * (1 - sigmoid(o))"}, "o is already"),
        ({"dz_o": "dh * c * o * (1 - o)"}, "the other factor is tanh"),
        ({"dc": "dh * o * (1 - tanh(c)**2)"}, "receives dc_next"), ({"dc": "dh * o + dc_next"}, "is missing in dc"),
        ({"dc_prev": "dc"}, "the factor f"), ({"dc_prev": "dc.mean(axis=0)"}, "received an array of shape (3,)")],
}.items()} | {
    exercises.check_forget_bias: [
        (0.993, "the bias is what"), (-4.97, "wrong sign"), (4.96, "not 99"), ("5", "Expected a number"),
        (4.98, "Not yet. 4.98 is not it. Hint: first find f")],
    exercises.check_faulty_arrays: [
        ({"Wh"}, "For the backward pass without dh_next and dc_next: {'Wh'} is not it. Hint: run both passes"),
        (["Wx", "X"], "The five arrays are Wx, Wh, b, Wy and by, received X."), ("Wx", "a set of names")]}
