"""Parts of something larger, and the losses, against PyTorch: layers, directions, pieces of a sequence."""

import numpy as np
import pytest

from helpers import assert_close, distance, random_problem, random_weights
from lstmlib import Weights, backward, cross_entropy, forward

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def tensor(array):
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float64, requires_grad=True)


def torch_lstm(*cells, bidirectional=False):
    """nn.LSTM with these weights, one for each layer, or for each direction."""
    lstm = torch.nn.LSTM(cells[0].D, cells[0].H, 1 if bidirectional else len(cells), bidirectional=bidirectional,
                         dtype=torch.float64)
    for suffix, weights in zip(("l0", "l0_reverse") if bidirectional else ("l0", "l1"), cells):
        values = {"weight_ih": weights.Wx.T, "weight_hh": weights.Wh.T, "bias_ih": weights.b, "bias_hh": 0 * weights.b}
        for name, value in values.items():
            getattr(lstm, f"{name}_{suffix}").data = tensor(value).data
    return lstm


def assert_cell(gradient, lstm, suffix, tolerance=1e-12):
    """Wx, Wh and b of ours against the gradients that PyTorch has left."""
    for mine, theirs in ((gradient.Wx, "weight_ih"), (gradient.Wh, "weight_hh"), (gradient.b, "bias_ih")):
        assert distance(mine, getattr(lstm, f"{theirs}_{suffix}").grad.numpy().T) < tolerance


def ends_in_h(D, H, seed):
    """Random weights whose Y is h itself."""
    weights = random_weights(D, H, H, seed)
    return Weights(weights.Wx, weights.Wh, weights.b, np.eye(H), np.zeros(H))


def test_two_layers_and_the_states_of_both():
    lower, p = ends_in_h(3, 4, seed=1), random_problem(T=6, B=3, D=4, H=4, K=2)
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
    assert_cell(g_below, lstm, "l0")
    assert_cell(g_above, lstm, "l1")
    assert distance(g_above.Wy, Wy.grad.numpy()) < 1e-12 and distance(dX, x.grad.numpy()) < 1e-12
    for k, (dh0, dc0) in enumerate((of_below, of_above)):
        assert distance(dh0, h.grad.numpy()[k]) < 1e-12 and distance(dc0, c.grad.numpy()[k]) < 1e-12


def reversed_in_length(X, lengths):
    """Every sequence from its own last timestep to its first; the padding stays behind."""
    turned = X.copy()
    for n, length in enumerate(lengths):
        turned[:length, n] = X[:length, n][::-1]
    return turned


def test_two_directions_with_padding():
    T, B, D, H, lengths = 7, 4, 3, 5, [7, 5, 4, 1]
    cells, rng = (ends_in_h(D, H, seed=1), ends_in_h(D, H, seed=2)), np.random.default_rng(0)
    counts = (np.arange(T)[:, None] < lengths)[..., None]
    X, upstream = rng.normal(size=(T, B, D)) * counts, rng.normal(size=(T, B, 2 * H)) * counts
    ahead, back = upstream[..., :H], reversed_in_length(upstream[..., H:], lengths)
    g_ahead, dX, *_ = backward(cells[0], forward(cells[0], X), ahead, inputs=True)
    turned = forward(cells[1], reversed_in_length(X, lengths))
    g_back, dX_turned, *_ = backward(cells[1], turned, back, inputs=True)

    lstm, x = torch_lstm(*cells, bidirectional=True), tensor(X)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(lstm(packed)[0])
    (out * tensor(upstream)).sum().backward()
    assert_cell(g_ahead, lstm, "l0")
    assert_cell(g_back, lstm, "l0_reverse")
    assert distance(dX + reversed_in_length(dX_turned, lengths), x.grad.numpy()) < 1e-12


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
    theirs = [getattr(lstm, f"{name}_l0").grad.numpy().T for name in ("weight_ih", "weight_hh", "bias_ih")]
    assert_close(total, Weights(*theirs, Wy.grad.numpy(), by.grad.numpy()), 1e-12)
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
