"""Parts of something larger, and the losses, against PyTorch: layers, pieces of a sequence."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import assert_close, distance, random_problem, random_weights
from lstmlib import Weights, backward, cross_entropy, forward

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def tensor(array):
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float64, requires_grad=True)


def torch_lstm(*layers):
    """nn.LSTM with these weights, one for each layer."""
    lstm = torch.nn.LSTM(layers[0].D, layers[0].H, len(layers), dtype=torch.float64)
    for k, weights in enumerate(layers):
        values = {"weight_ih": weights.Wx.T, "weight_hh": weights.Wh.T, "bias_ih": weights.b, "bias_hh": 0 * weights.b}
        for name, value in values.items():
            getattr(lstm, f"{name}_l{k}").data = tensor(value).data
    return lstm


def gradients(lstm, layer):
    """Of Wx, Wh and b, as PyTorch has left them."""
    return [getattr(lstm, f"{name}_l{layer}").grad.numpy().T for name in ("weight_ih", "weight_hh", "bias_ih")]


def test_two_layers_and_the_states_of_both():
    lower, p = replace(random_weights(3, 4, 4), Wy=np.eye(4), by=np.zeros(4)), random_problem(T=6, B=3, D=4, H=4, K=2)
    rng = np.random.default_rng(0)
    X, (h0, c0, dh_T, dc_T) = rng.normal(size=(6, 3, 3)), rng.normal(size=(4, 2, 3, 4))
    below = forward(lower, X, h0[0], c0[0])
    above = forward(p.weights, below.Y, h0[1], c0[1])
    g_above, dX, *of_above = backward(p.weights, above, p.dY, None, dh_T[1], dc_T[1], inputs=True)
    g_below, dX, *of_below = backward(lower, below, dX, None, dh_T[0], dc_T[0], inputs=True)

    lstm = torch_lstm(lower, p.weights)
    x, h, c, Wy = map(tensor, (X, h0, c0, p.weights.Wy))
    out, (h_T, c_T) = lstm(x, (h, c))
    ((out @ Wy * tensor(p.dY)).sum() + (h_T * tensor(dh_T)).sum() + (c_T * tensor(dc_T)).sum()).backward()
    dh0, dc0 = np.swapaxes([of_below, of_above], 0, 1)
    mine = g_below.Wx, g_below.Wh, g_below.b, g_above.Wx, g_above.Wh, g_above.b, g_above.Wy, dX, dh0, dc0
    theirs = *gradients(lstm, 0), *gradients(lstm, 1), *(array.grad.numpy() for array in (Wy, x, h, c))
    assert all(distance(one, other) < 1e-12 for one, other in zip(mine, theirs, strict=True))


def test_truncated_pieces_that_hand_their_gradients_on_are_the_whole():
    p = random_problem(T=9)
    trace, h, c, pieces = [], p.h0, p.c0, (slice(0, 4), slice(4, 6), slice(6, 9))
    for piece in pieces:
        trace.append(forward(p.weights, p.X[piece], h, c))
        h, c = trace[-1].h[-1], trace[-1].c[-1]
    total, dh, dc, dX = 0 * p.weights, None, None, []
    for piece, of_piece in zip(pieces[::-1], trace[::-1]):
        gradient, dx, dh, dc = backward(p.weights, of_piece, p.dY[piece], dh_T=dh, dc_T=dc, inputs=True)
        total, dX = total + gradient, [dx, *dX]

    lstm = torch_lstm(p.weights)
    x, h0, c0, Wy, by = map(tensor, (p.X, p.h0[None], p.c0[None], p.weights.Wy, p.weights.by))
    ((lstm(x, (h0, c0))[0] @ Wy + by) * tensor(p.dY)).sum().backward()
    assert_close(total, Weights(*gradients(lstm, 0), Wy.grad.numpy(), by.grad.numpy()), 1e-12)
    assert distance(np.concatenate(dX), x.grad.numpy()) < 1e-12
    assert distance(dh, h0.grad.numpy()[0]) < 1e-12 and distance(dc, c0.grad.numpy()[0]) < 1e-12


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0, 0.2])
def test_cross_entropy_as_sums(soft, weighted, smoothing):
    p, rng = random_problem(), np.random.default_rng(1)
    labels = rng.dirichlet(np.ones(3), (4, 3)) if soft else p.labels
    class_weights = rng.uniform(0.1, 2, 3) if weighted else None
    C, dlogits = cross_entropy(p.dY, labels, None, class_weights, smoothing)
    logits, aims = tensor(p.dY), torch.tensor(labels)
    truth = torch.nn.functional.cross_entropy(
        logits.reshape(12, 3), aims.reshape(12, 3) if soft else aims.reshape(12), reduction="sum",
        weight=torch.tensor(class_weights) if weighted else None, label_smoothing=smoothing)
    truth.backward()
    assert C == pytest.approx(truth.item(), rel=1e-12)
    assert distance(dlogits, logits.grad.numpy()) < 1e-12
