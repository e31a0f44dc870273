"""forward and backward: the equations, the gradient, linearity, dtypes, and the hook on the nine edges."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from math import exp, tanh

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, complex_step, distance, random_masks, random_problem
from lstmlib import (
    EDGES,
    Trace,
    Weights,
    backward,
    cross_entropy,
    crossing_spectrum,
    forward,
    init_weights,
    numerical_gradient,
    record,
    scale_at,
    sequence,
    squared_error,
)
from lstmlib.cell import sigmoid
from lstmlib.sequence import local_slopes

SIZES = [  # (T, B, D, H, K)
    (1, 1, 1, 1, 2),
    (1, 3, 2, 4, 3),
    (5, 1, 3, 2, 4),
    (6, 3, 2, 4, 3),
]
MASKS = list(random_masks(1, 1))
LOSSES = {"squared_error": lambda p, Y, mask: squared_error(Y, p.targets, mask),
          "cross_entropy": lambda p, Y, mask: cross_entropy(Y, p.labels, mask)}

seeded = settings(max_examples=60, deadline=None, derandomize=True)
sizes = st.tuples(*(st.integers(1, 5),) * 5)
seeds = st.integers(0, 2**32 - 1)
numbers = st.floats(-1e6, 1e6).filter(lambda a: a == 0 or abs(a) > 1e-6)


# ---- the equations

def scalar_lstm(weights, x, h, c):
    """One sequence, one number at a time: the outputs of all timesteps."""
    H, outputs = weights.H, []
    for x_t in x:
        z = [weights.b[j] + sum(x_t[d] * weights.Wx[d, j] for d in range(weights.D))
             + sum(h[m] * weights.Wh[m, j] for m in range(H)) for j in range(4 * H)]
        i, f, o = ([1 / (1 + exp(-z[gate * H + m])) for m in range(H)] for gate in (0, 1, 3))
        c = [f[m] * c[m] + i[m] * tanh(z[2 * H + m]) for m in range(H)]
        h = [o[m] * tanh(c[m]) for m in range(H)]
        outputs.append([weights.by[k] + sum(h[m] * weights.Wy[m, k] for m in range(H)) for k in range(weights.K)])
    return np.array(outputs)


@pytest.mark.parametrize("size", SIZES)
def test_forward_is_the_equations(size):
    p = random_problem(*size)
    Y = p.trace.Y
    for n in range(p.X.shape[1]):
        assert distance(Y[:, n], scalar_lstm(p.weights, p.X[:, n], p.h0[n], p.c0[n])) < 1e-14


def test_states_start_at_zero_unless_given():
    p = random_problem()
    zeros = np.zeros_like(p.h0)
    assert np.array_equal(forward(p.weights, p.X).Y, forward(p.weights, p.X, zeros, zeros).Y)
    assert not np.allclose(forward(p.weights, p.X).Y, forward(p.weights, p.X, h0=p.h0).Y)
    assert not np.allclose(forward(p.weights, p.X).Y, forward(p.weights, p.X, c0=p.c0).Y)


def test_states_can_be_handed_on():
    p = random_problem(T=6)
    whole, start = p.trace, forward(p.weights, p.X[:2], p.h0, p.c0)
    rest = forward(p.weights, p.X[2:], start.h[-1], start.c[-1])
    assert distance(np.concatenate([start.Y, rest.Y]), whole.Y) < 1e-15


def test_trace_shows_what_happened():
    p = random_problem(T=4, B=3, D=2, H=5, K=3)
    trace = p.trace
    assert repr(trace) == "Trace(T=4, B=3, D=2, H=5, K=3, float64)"
    assert trace.Y.shape == (4, 3, 3)
    assert all(array.shape == (4, 3, 5) for array in (trace.i, trace.f, trace.g, trace.o, trace.h, trace.c))
    assert np.array_equal(trace.h_prev, np.concatenate([p.h0[None], trace.h[:-1]]))
    assert np.array_equal(trace.c_prev, np.concatenate([p.c0[None], trace.c[:-1]]))
    assert distance(trace.c, trace.f * trace.c_prev + trace.i * trace.g) < 1e-15
    assert distance(trace.h, trace.o * np.tanh(trace.c)) < 1e-15
    assert repr(random_problem(T=4, B=3, D=2, H=5, K=1).trace) == "Trace(T=4, B=3, D=2, H=5, K=1, float64)"
    with pytest.raises(ValueError, match="read-only"):
        trace.h[0] = 0


def test_a_trace_cannot_be_changed_and_is_itself_alone():
    trace = random_problem().trace
    with pytest.raises(FrozenInstanceError):
        trace.Y = 0 * trace.Y
    assert len({trace, replace(trace)}) == 2


def test_a_trace_leaves_the_arrays_it_is_made_of_as_they_are():
    arrays = {field.name: np.array(getattr(random_problem().trace, field.name)) for field in fields(Trace)}
    Trace(**arrays)
    assert all(array.flags.writeable for array in arrays.values())


@pytest.mark.parametrize("name", ["X", "Y", "gates", "hiddens", "cells"])
@pytest.mark.parametrize("wrong", [
    lambda array: array[:-1], lambda array: array[:, :-1], lambda array: array[..., None], lambda array: array[0],
    lambda array: array[..., 0, :],
], ids=["a timestep less", "a sequence less", "an axis more", "the first axis less", "an inner axis less"])
def test_a_trace_holds_arrays_that_fit(name, wrong):
    trace = random_problem().trace
    with pytest.raises(ValueError, match="X, Y, gates, hiddens, cells must have shapes"):
        replace(trace, **{name: wrong(getattr(trace, name))})
    with pytest.raises(TypeError, match=f"{name} must be a ndarray, got list"):
        replace(trace, **{name: getattr(trace, name).tolist()})
    with pytest.raises(TypeError, match=f"{name} must be a ndarray, got NoneType"):
        replace(trace, **{name: None})


@pytest.mark.parametrize("name", ["gates", "hiddens", "cells"])
def test_a_trace_is_of_one_number_of_units(name):
    trace = random_problem().trace
    with pytest.raises(ValueError, match="X, Y, gates, hiddens, cells must have shapes"):
        replace(trace, **{name: getattr(trace, name)[..., 1:]})


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda made: pickle.loads(pickle.dumps(made))}


@pytest.mark.parametrize("how", COPIES)
def test_copies_are_read_only_and_checked_anew(how):
    p = random_problem()
    for made in (p.weights, p.trace):
        assert p.weights.finite  # which a copy must not inherit
        same = COPIES[how](made)
        assert type(same) is type(made) and same is not made and "finite" not in vars(same)
        for name in vars(same):
            assert np.array_equal(getattr(same, name), getattr(made, name)) and not getattr(same, name).flags.writeable
    assert backward(COPIES[how](p.weights), COPIES[how](p.trace), p.dY).identical(backward(p.weights, p.trace, p.dY))


@pytest.mark.parametrize("kind", [Trace, Weights])
def test_every_property_says_what_it_is(kind):
    assert all(thing.__doc__ for thing in vars(kind).values() if isinstance(thing, property))


def test_local_slopes_are_the_derivatives_inside_a_timestep():
    """Of c = f c_prev + i g and of h = o tanh(c), by complex steps in z and in c."""
    trace = random_problem().trace
    dc_dh, slopes = local_slopes(trace)
    z_i, z_f, z_o = (2 * np.arctanh(2 * gate - 1) + 1e-20j for gate in (trace.i, trace.f, trace.o))
    z_g, c = np.arctanh(trace.g) + 1e-20j, trace.c + 1e-20j
    terms = (sigmoid(z_i) * trace.g, sigmoid(z_f) * trace.c_prev,
             trace.i * np.tanh(z_g), sigmoid(z_o) * np.tanh(trace.c))
    assert slopes.shape == trace.gates.shape
    for gate, term in enumerate(terms):
        assert distance(slopes[:, :, gate], term.imag / 1e-20) < 1e-13
    assert distance(dc_dh, (trace.o * np.tanh(c)).imag / 1e-20) < 1e-13


# ---- the gradient

@pytest.mark.parametrize("states", [True, False], ids=["states given", "states zero"])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", SIZES)
def test_gradient_agrees_with_complex_step(size, loss, mask, states):
    p = random_problem(*size)
    mask = random_masks(*size[:2])[mask]
    h0, c0 = (p.h0, p.c0) if states else (None, None)

    def C(weights):
        return LOSSES[loss](p, forward(weights, p.X, h0, c0).Y, mask)[0]

    trace = forward(p.weights, p.X, h0, c0)
    _, dY = LOSSES[loss](p, trace.Y, mask)
    assert_close(backward(p.weights, trace, dY), numerical_gradient(C, p.weights), 1e-12)


@pytest.mark.parametrize("size", [*SIZES, (12, 2, 5, 3, 1)])
def test_gradient_of_any_upstream_agrees_with_complex_step(size):
    p = random_problem(*size, seed=1)
    numerical = numerical_gradient(lambda w: (forward(w, p.X, p.h0, p.c0).Y * p.dY).sum(), p.weights)
    assert_close(backward(p.weights, p.trace, p.dY), numerical, 1e-12)


def independent_outputs(arrays, X, h, c):
    """The LSTM once more, in autograd's NumPy and sharing nothing with lstmlib."""
    Wx, Wh, b, Wy, by = arrays
    H, outputs = h.shape[1], []
    for x in X:
        z = anp.dot(x, Wx) + anp.dot(h, Wh) + b
        i, f, o = (1 / (1 + anp.exp(-z[:, gate * H:(gate + 1) * H])) for gate in (0, 1, 3))
        c = f * c + i * anp.tanh(z[:, 2 * H:3 * H])
        h = o * anp.tanh(c)
        outputs.append(anp.dot(h, Wy) + by)
    return anp.stack(outputs)


def independent_loss(loss, p, Y, mask):
    if loss == "squared_error":
        items = anp.sum((Y - p.targets) ** 2, axis=2) / 2
    else:
        items = anp.log(anp.sum(anp.exp(Y), axis=2)) - anp.sum(Y * np.eye(Y.shape[2])[p.labels], axis=2)
    return anp.sum(items * mask)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", SIZES)
def test_loss_and_gradient_agree_with_autograd(size, loss):
    p = random_problem(*size, seed=2)
    mask = random_masks(*size[:2])["random"]
    arrays = [np.array(array) for _, array in p.weights.items()]
    truth_of = autograd.value_and_grad(
        lambda arrays: independent_loss(loss, p, independent_outputs(arrays, p.X, p.h0, p.c0), mask))
    true_loss, true_gradient = truth_of(arrays)

    C, dY = LOSSES[loss](p, p.trace.Y, mask)
    assert abs(C - true_loss) < 1e-12 * abs(true_loss)
    assert_close(backward(p.weights, p.trace, dY), Weights(*true_gradient), 1e-12)


def test_a_masked_sequence_leaves_no_trace():
    p = random_problem(B=3)
    mask = np.ones(p.labels.shape, bool)
    mask[:, 1] = False
    X, h0, c0, targets = (np.delete(a, 1, axis=-2) for a in (p.X, p.h0, p.c0, p.targets))
    without = forward(p.weights, X, h0, c0)
    truth = backward(p.weights, without, squared_error(without.Y, targets)[1])
    assert_close(backward(p.weights, p.trace, squared_error(p.trace.Y, p.targets, mask)[1]), truth, 1e-14)


def test_nothing_flows_back_from_a_gradient_of_zeros():
    p = random_problem()
    assert backward(p.weights, p.trace, 0 * p.dY).norm() == 0


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("at_a_time", [0, 1, 2, 3, 7, 100])
def test_how_many_timesteps_are_taken_at_a_time_changes_no_bit(monkeypatch, at_a_time, lead):
    p = random_problem(T=7)
    dY = np.random.default_rng(4).normal(size=lead + p.dY.shape)
    whole = backward(p.weights, p.trace, dY)
    monkeypatch.setattr(sequence, "GATES_AT_A_TIME", at_a_time * p.trace.gates[0].nbytes + 8)
    pieces = sequence.few_timesteps_at_a_time(p.trace)
    assert max(piece.stop - piece.start for piece in pieces) == min(max(at_a_time, 1), 7)
    assert [t for piece in pieces for t in range(7)[piece]] == list(range(7))
    assert backward(p.weights, p.trace, dY).identical(whole)


# ---- a part of something larger

def from_behind(p, lead=()):
    """Random dh_T, dc_T."""
    return np.random.default_rng(8).normal(size=(2, *lead, *p.h0.shape))


@pytest.mark.parametrize("size", [*SIZES, (12, 2, 5, 3, 1)])
def test_the_gradients_that_come_in_and_go_on_agree_with_complex_step(size):
    p = random_problem(*size)
    dh_T, dc_T = from_behind(p)
    complex_weights = p.weights.map(lambda array: array.astype(complex))

    def C(weights, X, h0, c0):
        trace = forward(weights, X, h0, c0)
        return (trace.Y * p.dY).sum() + (trace.h[-1] * dh_T).sum() + (trace.c[-1] * dc_T).sum()

    gradient, *rest = backward(p.weights, p.trace, p.dY, dh_T=dh_T, dc_T=dc_T, inputs=True)
    assert_close(gradient, numerical_gradient(lambda w: C(w, p.X, p.h0, p.c0), p.weights), 1e-12)
    given = (p.X, p.h0, p.c0)
    for k, d in enumerate(rest):
        truth = complex_step(lambda moved: C(complex_weights, *given[:k], moved, *given[k + 1:]), given[k])
        assert distance(d, truth) < 1e-12
    assert gradient.identical(backward(p.weights, p.trace, p.dY, dh_T=dh_T, dc_T=dc_T))


def test_pieces_of_a_sequence_hand_their_gradients_on():
    p = random_problem(T=7)
    whole, dX, dh0, dc0 = backward(p.weights, p.trace, p.dY, inputs=True)
    first = forward(p.weights, p.X[:3], p.h0, p.c0)
    second = forward(p.weights, p.X[3:], first.h[-1], first.c[-1])
    late, dX_late, dh, dc = backward(p.weights, second, p.dY[3:], inputs=True)
    early, dX_early, dh, dc = backward(p.weights, first, p.dY[:3], dh_T=dh, dc_T=dc, inputs=True)
    assert_close(early + late, whole, 1e-14)
    assert distance(np.concatenate([dX_early, dX_late]), dX) < 1e-14
    assert distance(dh, dh0) < 1e-14 and distance(dc, dc0) < 1e-14


@pytest.mark.parametrize("edge", EDGES)
def test_what_goes_on_has_crossed_the_edges_on_its_way(edge):
    """At T = 1 each of dX, dh0, dc0 has one factor, but dz lies on no way along the cell."""
    p = random_problem(T=1)
    _, *plain = backward(p.weights, p.trace, p.dY, inputs=True)
    _, *scaled = backward(p.weights, p.trace, p.dY, at=scale_at([edge], 0.5), inputs=True)
    crossed = {"loss": "X h c", "dy": "X h c", "dh_above": "X h c", "dz": "X h", "dh_next": "h", "dc_next": "c"}
    for name, mine, before in zip("Xhc", scaled, plain):
        assert np.array_equal(mine, before * (0.5 if name in crossed.get(edge, "") else 1))
    _, *entered = backward(p.weights, p.trace, 0 * p.dY, scale_at(["loss", "dy", "dh_above"], 0), *from_behind(p), True)
    _, *free = backward(p.weights, p.trace, 0 * p.dY, None, *from_behind(p), True)
    assert all(map(np.array_equal, entered, free))


@pytest.mark.parametrize("T", [1, 2, 5])
def test_the_hook_is_called_once_more_where_gradients_go_on(T):
    p, seen, before = random_problem(T=T), record(EDGES), record(EDGES)
    _, dX, dh0, dc0 = backward(p.weights, p.trace, p.dY, seen, inputs=True)
    backward(p.weights, p.trace, p.dY, before)
    assert {edge: len(crossed) for edge, crossed in seen.items()} == {
        edge: len(crossed) + (edge in ("dh_next", "dc_next")) for edge, crossed in before.items()}
    assert np.array_equal(seen["dh_next"][-1], dh0) and np.array_equal(seen["dc_next"][-1], dc0)
    assert distance(dX, np.array(seen["dz"])[::-1] @ p.weights.Wx.T) < 1e-15


@pytest.mark.parametrize("lead", [(1,), (3,), (2, 3)])
def test_axes_in_front_of_what_comes_in_and_goes_on(lead):
    p = random_problem()
    dY = np.random.default_rng(3).normal(size=lead + p.dY.shape)
    dh_T, dc_T = from_behind(p, lead)
    together, *rest = backward(p.weights, p.trace, dY, None, dh_T, dc_T, inputs=True)
    for index in np.ndindex(lead):
        alone, *rest_alone = backward(p.weights, p.trace, dY[index], None, dh_T[index], dc_T[index], inputs=True)
        assert_close(together.map(lambda array: array[index]), alone, 1e-14)
        assert all(distance(d[index], of_one) < 1e-14 for d, of_one in zip(rest, rest_alone))


@pytest.mark.parametrize("edges", [["dz"], ["dh_next", "dc_next"], EDGES, ["dW"]])
def test_the_spectrum_sums_with_gradients_from_behind(edges):
    p, s = random_problem(), 0.5
    dh_T, dc_T = from_behind(p)
    spectrum = crossing_spectrum(p.weights, p.trace, p.dY, edges, dh_T, dc_T)
    assert_close(spectrum.map(lambda g: g.sum(axis=0)), backward(p.weights, p.trace, p.dY, None, dh_T, dc_T), 1e-14)
    powers = s ** np.arange(spectrum.lead[0])
    assert_close(spectrum.map(lambda g: np.tensordot(powers, g, axes=1)),
                 backward(p.weights, p.trace, p.dY, scale_at(edges, s), dh_T, dc_T), 1e-13)


# ---- linearity, and independence of the batch

@seeded
@given(sizes, seeds, numbers)
def test_backward_is_homogeneous(size, seed, a):
    p = random_problem(*size, seed=seed)
    gradient = backward(p.weights, p.trace, p.dY)
    assert_close(backward(p.weights, p.trace, a * p.dY), a * gradient, 1e-12)


@seeded
@given(sizes, seeds, st.integers(-300, 300))
def test_backward_is_homogeneous_bit_for_bit_in_powers_of_two(size, seed, power):
    p = random_problem(*size, seed=seed)
    factor = 2.0 ** power
    assert backward(p.weights, p.trace, factor * p.dY).identical(factor * backward(p.weights, p.trace, p.dY))


@seeded
@given(sizes, seeds, numbers)
def test_backward_is_additive(size, seed, a):
    p = random_problem(*size, seed=seed)
    u, v = p.dY, a * p.targets
    of_u, of_v, of_sum = (backward(p.weights, p.trace, dY) for dY in (u, v, u + v))
    assert (of_sum - (of_u + of_v)).norm() <= 1e-13 * (of_u.norm() + of_v.norm())


def test_forward_is_not_linear():
    p = random_problem()
    Y, of_double = forward(p.weights, p.X).Y, forward(p.weights, 2 * p.X).Y
    assert distance(of_double, 2 * Y) > 0.1


@seeded
@given(sizes, seeds)
def test_order_of_the_batch_does_not_matter(size, seed):
    p = random_problem(*size, seed=seed)
    order = np.random.default_rng(seed).permutation(size[1])
    shuffled = forward(p.weights, p.X[:, order], p.h0[order], p.c0[order])
    assert distance(shuffled.Y, p.trace.Y[:, order]) < 1e-14
    assert_close(backward(p.weights, shuffled, p.dY[:, order]), backward(p.weights, p.trace, p.dY), 1e-12)


@seeded
@given(sizes, seeds, st.integers(1, 4))
def test_splitting_the_batch_does_not_matter(size, seed, cut):
    T, B, *rest = size
    p = random_problem(T, B + cut, *rest, seed=seed)
    whole = backward(p.weights, p.trace, p.dY)
    one, other = (backward(p.weights, forward(p.weights, p.X[:, part], p.h0[part], p.c0[part]), p.dY[:, part])
                  for part in (slice(cut), slice(cut, None)))
    assert (whole - (one + other)).norm() <= 1e-13 * (one.norm() + other.norm())


# ---- axes in front, and dtypes

@pytest.mark.parametrize("lead", [(1,), (3,), (2, 3)])
@pytest.mark.parametrize("size", SIZES)
def test_axes_in_front_are_one_gradient_each(size, lead):
    p = random_problem(*size)
    dY = np.random.default_rng(3).normal(size=lead + p.dY.shape)
    together = backward(p.weights, p.trace, dY)
    assert together.lead == lead
    for index in np.ndindex(lead):
        alone = backward(p.weights, p.trace, dY[index])
        assert_close(together.map(lambda array: array[index]), alone, 1e-14)


@pytest.mark.parametrize("dtype, tolerance", [(np.float16, 5e-3), (np.float32, 2e-6), (complex, 1e-14)])
def test_dtype_of_the_weights_is_kept(dtype, tolerance):
    exact, p = random_problem(), random_problem(dtype=dtype)
    trace = forward(p.weights, exact.X, exact.h0, exact.c0)
    gradient = backward(p.weights, trace, exact.dY)
    assert {array.dtype for array in (trace.Y, trace.h, trace.c, trace.i, trace.X)} == {np.dtype(dtype)}
    assert gradient.dtype == dtype
    assert distance(trace.Y, exact.trace.Y) < tolerance
    assert_close(gradient, backward(exact.weights, exact.trace, exact.dY), tolerance)


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_dtype_is_kept_whatever_the_hook_returns(dtype, lead):
    p = random_problem(dtype=dtype)
    dY = np.broadcast_to(p.dY, lead + p.dY.shape)
    wider = np.result_type(dtype, float)
    passed = backward(p.weights, p.trace, dY, at=lambda edge, gradient: gradient.astype(wider))
    assert passed.dtype == dtype
    assert passed.identical(backward(p.weights, p.trace, dY))


# ---- the hook

def crossings(p, dY):
    """Every call of the hook: (edge, the gradient that crosses)."""
    calls = []
    backward(p.weights, p.trace, dY, at=lambda edge, gradient: calls.append((edge, gradient)) or gradient)
    return calls


@pytest.mark.parametrize("lead", [(), (2,), (3, 1)])
@pytest.mark.parametrize("T", [1, 2, 5])
def test_hook_is_called_on_every_edge(T, lead):
    B, D, H, K = 3, 2, 5, 4
    p = random_problem(T, B, D, H, K)
    seen = {edge: [] for edge in EDGES}
    for edge, gradient in crossings(p, np.broadcast_to(p.dY, lead + p.dY.shape)):
        seen[edge].append(gradient.shape)
    assert seen == {
        "loss": [(*lead, T, B, K)],
        "dy": [(*lead, T, B, K)],
        "dh_above": [(*lead, T, B, H)],
        "dz": T * [(*lead, B, 4 * H)],
        "dh_next": (T - 1) * [(*lead, B, H)],
        "dc_next": (T - 1) * [(*lead, B, H)],
        "dWy_t": [(*lead, T, B, K)],
        "dW_t": [(*lead, T, B, 4 * H)],
        "dW": [(*lead, *array.shape) for _, array in p.weights.items()],
    }


@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_what_crosses_has_the_dtype_of_the_weights(dtype):
    p = random_problem(dtype=dtype)
    assert {gradient.dtype for _, gradient in crossings(p, p.dY)} == {np.dtype(dtype)}


def test_a_hook_that_looks_on_changes_nothing():
    p = random_problem()
    looked_on = backward(p.weights, p.trace, p.dY, at=lambda edge, gradient: gradient)
    assert looked_on.identical(backward(p.weights, p.trace, p.dY))


def test_what_a_hook_has_seen_stays_as_it_was():
    """A hook may keep the arrays it is given, without copying them."""
    p, kept, copied = random_problem(), [], []

    def at(edge, gradient):
        kept.append(gradient)
        copied.append(gradient.copy())
        return gradient

    backward(p.weights, p.trace, p.dY, at)
    assert all(np.array_equal(one, other) for one, other in zip(kept, copied, strict=True))


def test_what_the_hook_returns_goes_on():
    """With the recurrent edges cut and all but one timestep of dW_t dropped, that timestep is alone."""
    p, t = random_problem(), 2

    def at(edge, gradient):
        if edge in ("dh_next", "dc_next"):
            return np.zeros_like(gradient)
        if edge in ("dW_t", "dWy_t"):
            return gradient * (np.arange(len(p.X)) == t)[:, None, None]
        return gradient

    trace = p.trace
    one_step = forward(p.weights, p.X[t:t + 1], trace.h_prev[t], trace.c_prev[t])
    assert_close(backward(p.weights, trace, p.dY, at), backward(p.weights, one_step, p.dY[t:t + 1]), 1e-14)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("returned, came", [
    (lambda gradient: None, "None"),
    (lambda gradient: gradient[..., :-1], "float64"),
    (lambda gradient: gradient[None], "float64"),
    (lambda gradient: 0.0, "float64 ()"),
    (lambda gradient: np.full(gradient.shape, "0"), "<U1"),
    (lambda gradient: np.full(gradient.shape, None), "object"),
], ids=["nothing", "too small", "an axis too many", "a number", "text", "objects"])
def test_a_hook_must_return_what_fits(edge, returned, came):
    p = random_problem()
    with pytest.raises((ValueError, TypeError)) as caught:
        backward(p.weights, p.trace, p.dY, at=lambda at, gradient: returned(gradient) if at == edge else gradient)
    assert str(caught.value).startswith(f"at('{edge}', gradient) must return an array of numbers of shape (")
    assert f"got {came}" in str(caught.value)


def test_the_best_known_fault_is_no_gradient():
    """A backward pass that throws dh_next and dc_next away: nearly parallel to the truth, and wrong."""
    weights = init_weights(2, 5, 3)
    p = random_problem()._replace(weights=weights)
    truth = backward(weights, p.trace, p.dY)
    faulty = backward(weights, p.trace, p.dY, at=lambda edge, d: 0 * d if edge in ("dh_next", "dc_next") else d)
    assert distance(faulty.Wy, truth.Wy) == 0
    assert all(distance(getattr(faulty, name), getattr(truth, name)) > 0.01 for name in ("Wx", "Wh", "b"))


def test_hook_that_works_in_place_leaves_the_callers_dY_alone():
    weights, trace, dY = init_weights(2, 3, 2), forward(init_weights(2, 3, 2), np.ones((3, 1, 2))), np.ones((3, 1, 2))

    def double_in_place(edge, gradient):
        if edge == "loss":
            gradient *= 2
        return gradient

    assert backward(weights, trace, dY, at=double_in_place).identical(2 * backward(weights, trace, np.ones((3, 1, 2))))
    assert (dY == 1).all()


@pytest.mark.parametrize("dtype", [bool, int])
def test_a_hook_may_return_true_and_false_and_whole_numbers(dtype):
    p = random_problem()
    other = backward(p.weights, p.trace, p.dY, at=lambda edge, gradient: (gradient > 0).astype(dtype))
    assert other.identical(backward(p.weights, p.trace, p.dY, at=lambda edge, gradient: (gradient > 0) * 1.0))


def test_trace_keeps_its_own_input():
    weights, X, dY = init_weights(2, 3, 2), np.ones((3, 1, 2)), np.ones((3, 1, 2))
    trace = forward(weights, X)
    before = backward(weights, trace, dY)
    X[:] = 100
    assert backward(weights, trace, dY).identical(before)
