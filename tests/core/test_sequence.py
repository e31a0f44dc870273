"""forward and backward: the equations, the gradient, linearity, dtypes, and the hook on the nine edges."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, complex_step, distance, random_masks, random_problem, textbook, wide
from lstmlib import (
    EDGES,
    Trace,
    Weights,
    backward,
    cross_entropy,
    forward,
    numerical_gradient,
    record,
    scale_at,
    sequence,
    squared_error,
)

SIZES = [  # (T, B, D, H, K)
    (1, 1, 1, 1, 2),
    (1, 3, 2, 4, 3),
    (5, 1, 3, 2, 4),
    (6, 3, 2, 4, 3),
]
LOSSES = {"squared_error": lambda p, Y, mask: squared_error(Y, p.targets, mask),
          "cross_entropy": lambda p, Y, mask: cross_entropy(Y, p.labels, mask)}

seeded = settings(max_examples=60, deadline=None, derandomize=True)
sizes = st.tuples(*(st.integers(1, 5),) * 5)
seeds = st.integers(0, 2**32 - 1)
numbers = st.floats(-1e6, 1e6).filter(lambda a: a == 0 or abs(a) > 1e-6)


# ---- the equations, and the trace

@pytest.mark.parametrize("size", SIZES)
def test_forward_is_the_equations(size):
    p = random_problem(*size)
    Y, trail = textbook(wide(p.weights), p.X, p.h0, p.c0)
    assert distance(p.trace.Y, Y) < 1e-14
    for name, truth in zip(("X", "h_prev", "c_prev", *"ifgoch"), zip(*trail)):
        assert distance(getattr(p.trace, name), np.array(truth)) < 1e-14


def test_states_start_at_zero_unless_given():
    p = random_problem()
    zeros = np.zeros_like(p.h0)
    for h0, c0 in ((None, None), (p.h0, None), (None, p.c0)):
        full = forward(p.weights, p.X, zeros if h0 is None else h0, zeros if c0 is None else c0)
        assert np.array_equal(forward(p.weights, p.X, h0, c0).Y, full.Y)


def test_a_trace_cannot_be_changed_and_is_itself_alone():
    p = random_problem()
    trace = p.trace
    assert repr(trace) == "Trace(T=4, B=3, D=2, H=5, K=3, float64)"
    assert len({trace, replace(trace)}) == 2
    with pytest.raises(FrozenInstanceError):
        trace.Y = 0 * trace.Y
    with pytest.raises(ValueError, match="read-only"):
        trace.h[0] = 0
    before = backward(p.weights, trace, p.dY)
    p.X[:] = 100
    assert backward(p.weights, trace, p.dY).identical(before)


def test_a_trace_leaves_the_arrays_it_is_made_of_as_they_are():
    arrays = {field.name: np.array(getattr(random_problem().trace, field.name)) for field in fields(Trace)}
    Trace(**arrays)
    assert all(array.flags.writeable for array in arrays.values())


@pytest.mark.parametrize("name", ["X", "Y", "gates", "hiddens", "cells"])
def test_a_trace_holds_arrays_that_fit(name):
    trace = random_problem().trace
    array = getattr(trace, name)
    wrong = [array[:-1], array[:, 1:], array[..., None], array[0], array[..., 0, :]]
    for shaped in wrong if name in ("X", "Y") else [*wrong, array[..., 1:]]:
        with pytest.raises(ValueError, match="X, Y, gates, hiddens, cells must have shapes"):
            replace(trace, **{name: shaped})
    with pytest.raises(TypeError, match=f"{name} must be a ndarray, got list"):
        replace(trace, **{name: array.tolist()})


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_copies_are_read_only_and_checked_anew(how):
    p = random_problem()
    for made in (p.weights, p.trace):
        assert p.weights.finite  # which a copy must not inherit
        same = how(made)
        assert type(same) is type(made) and same is not made and "finite" not in vars(same)
        for name in vars(same):
            assert np.array_equal(getattr(same, name), getattr(made, name)) and not getattr(same, name).flags.writeable


# ---- the gradient

@pytest.mark.parametrize("states", [True, False], ids=["states given", "states zero"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", SIZES)
def test_gradient_agrees_with_complex_step(size, loss, states):
    p, mask = random_problem(*size), random_masks(*size[:2])["random"]
    h0, c0 = (p.h0, p.c0) if states else (None, None)

    def C(weights):
        return LOSSES[loss](p, forward(weights, p.X, h0, c0).Y, mask)[0]

    trace = forward(p.weights, p.X, h0, c0)
    _, dY = LOSSES[loss](p, trace.Y, mask)
    assert_close(backward(p.weights, trace, dY), numerical_gradient(C, p.weights), 1e-12)


def independent_loss(loss, p, Y, mask):
    if loss == "squared_error":
        items = anp.sum((Y - p.targets) ** 2, axis=2) / 2
    else:
        items = anp.log(anp.sum(anp.exp(Y), axis=2)) - anp.sum(Y * np.eye(Y.shape[2])[p.labels], axis=2)
    return anp.sum(items * mask)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", SIZES)
def test_loss_and_gradient_agree_with_autograd(size, loss):
    p, mask = random_problem(*size, seed=2), random_masks(*size[:2])["random"]
    true_loss, true_gradient = autograd.value_and_grad(
        lambda arrays: independent_loss(loss, p, textbook(arrays, p.X, p.h0, p.c0, anp)[0], mask))(wide(p.weights))
    C, dY = LOSSES[loss](p, p.trace.Y, mask)
    assert abs(C - true_loss) < 1e-12 * abs(true_loss)
    assert_close(backward(p.weights, p.trace, dY), Weights(*true_gradient), 1e-12)


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("at_a_time", [0, 1, 3, 100])
def test_how_many_timesteps_are_taken_at_a_time_changes_no_bit(monkeypatch, at_a_time, lead):
    p = random_problem(T=7)
    dY = np.random.default_rng(4).normal(size=lead + p.dY.shape)
    whole = backward(p.weights, p.trace, dY)
    monkeypatch.setattr(sequence, "GATES_AT_A_TIME", at_a_time * p.trace.gates[0].nbytes + 8)
    spans = sequence.few_timesteps_at_a_time(p.trace)
    assert max(span.stop - span.start for span in spans) == min(max(at_a_time, 1), 7)
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


@pytest.mark.parametrize("lead", [(1,), (3,), (2, 3)])
@pytest.mark.parametrize("size", SIZES)
def test_axes_in_front_are_one_gradient_each(size, lead):
    p = random_problem(*size)
    dY = np.random.default_rng(3).normal(size=lead + p.dY.shape)
    dh_T, dc_T = from_behind(p, lead)
    together, *rest = backward(p.weights, p.trace, dY, None, dh_T, dc_T, inputs=True)
    assert together.lead == lead
    for index in np.ndindex(lead):
        alone, *rest_alone = backward(p.weights, p.trace, dY[index], None, dh_T[index], dc_T[index], inputs=True)
        assert_close(together.map(lambda array: array[index]), alone, 1e-14)
        assert all(distance(d[index], of_one) < 1e-14 for d, of_one in zip(rest, rest_alone))


# ---- linearity, and independence of the batch

@seeded
@given(sizes, seeds, numbers, numbers)
def test_backward_is_linear(size, seed, a, b):
    p = random_problem(*size, seed=seed)
    of_u, of_v, of_both = (backward(p.weights, p.trace, dY) for dY in (p.dY, p.targets, a * p.dY + b * p.targets))
    bound = 1e-12 * (abs(a) * of_u.norm() + abs(b) * of_v.norm())
    assert (of_both - (a * of_u + b * of_v)).norm() <= bound


@seeded
@given(sizes, seeds, st.integers(-300, 300))
def test_backward_is_homogeneous_bit_for_bit_in_powers_of_two(size, seed, power):
    p = random_problem(*size, seed=seed)
    factor = 2.0 ** power
    assert backward(p.weights, p.trace, factor * p.dY).identical(factor * backward(p.weights, p.trace, p.dY))


@seeded
@given(sizes, seeds, st.integers(1, 4))
def test_splitting_the_batch_does_not_matter(size, seed, cut):
    T, B, *rest = size
    p = random_problem(T, B + cut, *rest, seed=seed)
    whole = backward(p.weights, p.trace, p.dY)
    one, other = (backward(p.weights, forward(p.weights, p.X[:, part], p.h0[part], p.c0[part]), p.dY[:, part])
                  for part in (slice(cut), slice(cut, None)))
    assert (whole - (one + other)).norm() <= 1e-13 * (one.norm() + other.norm())


# ---- dtypes, and the hook

@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("dtype, tolerance", [(np.float16, 5e-3), (np.float32, 2e-6), (float, 0), (complex, 1e-14)])
def test_dtype_of_the_weights_is_kept_whatever_the_hook_returns(dtype, tolerance, lead):
    exact, weights, seen = random_problem(), random_problem(dtype=dtype).weights, set()
    dY = np.broadcast_to(exact.dY, lead + exact.dY.shape)

    def at(edge, gradient):
        seen.add(gradient.dtype)
        return gradient.astype(np.result_type(dtype, float))

    trace = forward(weights, exact.X, exact.h0, exact.c0)
    gradient = backward(weights, trace, dY)
    assert distance(trace.Y, exact.trace.Y) <= tolerance
    assert_close(gradient, backward(exact.weights, exact.trace, dY), tolerance)
    assert backward(weights, trace, dY, at).identical(gradient)
    arrays = trace.X, trace.Y, trace.gates, trace.hiddens, trace.cells, gradient.Wx
    assert seen | {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("inputs", [False, True])
@pytest.mark.parametrize("lead", [(), (2,), (3, 1)])
@pytest.mark.parametrize("T", [1, 2, 5])
def test_hook_is_called_on_every_edge(T, lead, inputs):
    B, D, H, K = 3, 2, 5, 4
    p, seen = random_problem(T, B, D, H, K), record(EDGES)
    backward(p.weights, p.trace, np.broadcast_to(p.dY, lead + p.dY.shape), seen, inputs=inputs)
    assert {edge: [gradient.shape for gradient in crossed] for edge, crossed in seen.items()} == {
        "loss": [(*lead, T, B, K)],
        "dy": [(*lead, T, B, K)],
        "dh_above": [(*lead, T, B, H)],
        "dz": T * [(*lead, B, 4 * H)],
        "dh_next": (T - 1 + inputs) * [(*lead, B, H)],
        "dc_next": (T - 1 + inputs) * [(*lead, B, H)],
        "dWy_t": [(*lead, T, B, K)],
        "dW_t": [(*lead, T, B, 4 * H)],
        "dW": [(*lead, *array.shape) for _, array in p.weights.items()],
    }


def test_what_a_hook_has_seen_and_returned_stays_as_it_was():
    """A hook may keep the arrays it is given, without copying them; those it returns stay its own."""
    p, kept, copied = random_problem(), [], []

    def at(edge, gradient):
        kept.append(gradient)
        copied.append(gradient.copy())
        return copied[-1]

    backward(p.weights, p.trace, p.dY, at)
    assert all(np.array_equal(one, other) for one, other in zip(kept, copied, strict=True))
    assert all(array.flags.writeable for array in copied)


def test_a_hook_may_return_true_and_false():
    p = random_problem()
    other = backward(p.weights, p.trace, p.dY, at=lambda edge, gradient: gradient > 0)
    assert other.identical(backward(p.weights, p.trace, p.dY, at=lambda edge, gradient: (gradient > 0) * 1.0))
