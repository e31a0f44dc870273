"""The numbers behind the explorer of notebook 3."""

import numpy as np
import pytest

from lstmlib import Weights, forward, init_weights
from lstmlib.explorers import gradient_flow as flow


@pytest.mark.parametrize("forget_bias", [-4.0, 0.0, 1.0, 8.0])
def test_norms_are_those_of_the_backward_pass(forget_bias):
    weights = init_weights(flow.D, flow.H, K=1, seed=3)
    b = weights.b.copy()
    b[flow.H:2 * flow.H] = forget_bias
    weights = Weights(weights.Wx, weights.Wh, b, weights.Wy, weights.by)
    trace = forward(weights, flow.inputs()[0])
    dh, dc = [weights.Wy.T], [weights.Wy.T * (trace.o[-1] * (1 - np.tanh(trace.c[-1]) ** 2))]
    dh_next, dc_next = [], []
    for t in reversed(range(1, flow.T)):  # the equations of one step, written out once more
        i, f, g, o, c = (array[t] for array in (trace.i, trace.f, trace.g, trace.o, trace.c))
        dz = np.concatenate([dc[-1] * g * i * (1 - i), dc[-1] * trace.c[t - 1] * f * (1 - f), dc[-1] * i * (1 - g * g),
                             dh[-1] * np.tanh(c) * o * (1 - o)], axis=1)
        dh_next.append(dz @ weights.Wh.T)
        dc_next.append(dc[-1] * f)
        dh.append(dh_next[-1])
        dc.append(dc_next[-1] + dh[-1] * trace.o[t - 1] * (1 - np.tanh(trace.c[t - 1]) ** 2))
    numbers = flow.numbers(flow.Flow(forget_bias))
    start = np.linalg.norm(weights.Wy)
    np.testing.assert_allclose(numbers.dc_next[:-1][::-1], [np.linalg.norm(d) / start for d in dc_next], rtol=1e-9)
    np.testing.assert_allclose(numbers.dh_next[:-1][::-1], [np.linalg.norm(d) / start for d in dh_next], rtol=1e-9)
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


def test_words_follow_the_state():
    explorer = flow.gradient_flow()
    assert "forget gates about 0.72" in explorer.words.value
    explorer.choose("Cell path alone")
    assert "the path through the gates is cut" in explorer.words.value
    explorer.choose("Gates half open")
    assert "still carries below 1e-12" in explorer.words.value
    explorer.choose("RNN explodes")
    assert explorer.numbers.rnn[0] > 100


def test_extremes_draw_without_error():
    explorer = flow.gradient_flow()
    for bias in (-4.0, 8.0):
        for scale in (0.5, 5.0):
            for cut in (False, True):
                explorer.set(forget_bias=bias, rnn_scale=scale, cut_gates=cut)
                assert explorer.error is None and "nan" not in explorer.picture.value
