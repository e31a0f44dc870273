"""forward and backward: the equations, the gradient, linearity, dtypes, and the hook on the nine edges."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import arrays_of, assert_close, complex_step, distance, random_masks, random_problem, textbook
from lstmlib import EDGES, Weights, cross_entropy, numerical_gradient, record, scale_at, squared_error
from lstmlib.sequence import backward, forward

SIZES = [(1, 1, 1, 1, 2), (1, 3, 2, 4, 3), (5, 1, 3, 2, 4), (6, 3, 2, 4, 3)]  # T, B, D, H, K


def from_behind(p):
    """Random dh_T, dc_T."""
    return np.random.default_rng(8).normal(size=(2, *p.h0.shape))


# ---- the equations, and the trace

@pytest.mark.parametrize("size", SIZES)
def test_forward_is_the_equations(size):
    p = random_problem(*size)
    Y, trail = textbook(arrays_of(p.weights), p.X, p.h0, p.c0)
    assert distance(p.trace.Y, Y) < 1e-14
    for name, truth in zip(("X", "h_prev", "c_prev", *"ifgoch"), zip(*trail)):
        assert distance(getattr(p.trace, name), np.array(truth)) < 1e-14


def test_a_trace_cannot_be_changed():
    p = random_problem()
    before = backward(p.weights, p.trace, p.dY)
    with pytest.raises(ValueError, match="read-only"):
        p.trace.h[0] = 0
    p.X[:] = 100
    assert backward(p.weights, p.trace, p.dY).identical(before)


# ---- the gradient

@pytest.mark.parametrize("loss, aims, of_items", [
    (squared_error, "targets", lambda Y, p: anp.sum((Y - p.targets) ** 2, axis=2) / 2),
    (cross_entropy, "labels", lambda Y, p: anp.log(anp.sum(anp.exp(Y), axis=2))
     - anp.sum(Y * np.eye(Y.shape[2])[p.labels], axis=2))], ids=["squared_error", "cross_entropy"])
@pytest.mark.parametrize("size", [*SIZES, (25, 16, 2, 25, 3)], ids=str)
def test_loss_and_gradient_agree_with_autograd(size, loss, aims, of_items):
    """In the largest size, only some of the timesteps fit into the cache at a time."""
    p, mask = random_problem(*size, seed=2), random_masks(*size[:2])["random"]
    true_loss, true_gradient = autograd.value_and_grad(
        lambda arrays: anp.sum(of_items(textbook(arrays, p.X, p.h0, p.c0, anp)[0], p) * mask))(arrays_of(p.weights))
    C, dY = loss(p.trace.Y, getattr(p, aims), mask)
    assert abs(C - true_loss) < 1e-12 * abs(true_loss)
    assert_close(backward(p.weights, p.trace, dY), Weights(*true_gradient), 1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_gradients_that_come_in_and_go_on_agree_with_complex_step(size):
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


numbers = st.floats(-1e6, 1e6).filter(lambda a: a == 0 or abs(a) > 1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.tuples(*(st.integers(1, 5),) * 5), st.integers(0, 2**32 - 1), numbers, numbers, st.integers(-300, 300))
def test_backward_is_linear_and_exactly_so_in_powers_of_two(size, seed, a, b, power):
    p = random_problem(*size, seed=seed)
    of_u, of_v, of_both = (backward(p.weights, p.trace, dY) for dY in (p.dY, p.targets, a * p.dY + b * p.targets))
    assert (of_both - (a * of_u + b * of_v)).norm() <= 1e-12 * (abs(a) * of_u.norm() + abs(b) * of_v.norm())
    assert backward(p.weights, p.trace, 2.0 ** power * p.dY).identical(2.0 ** power * of_u)


# ---- dtypes, and the hook

@pytest.mark.parametrize("dtype, tolerance", [(np.float16, 5e-3), (np.float32, 2e-6), (float, 0), (complex, 1e-14)])
def test_dtype_of_the_weights_is_kept_whatever_the_hook_returns(dtype, tolerance):
    exact, weights, seen = random_problem(), random_problem(dtype=dtype).weights, record(EDGES)
    trace = forward(weights, exact.X, exact.h0, exact.c0)
    gradient = backward(weights, trace, exact.dY)
    assert distance(trace.Y, exact.trace.Y) <= tolerance
    assert_close(gradient, backward(exact.weights, exact.trace, exact.dY), tolerance)
    widened = backward(weights, trace, exact.dY, lambda edge, d: seen(edge, d).astype(np.result_type(dtype, float)))
    assert widened.identical(gradient)
    arrays = trace.X, trace.Y, trace.gates, trace.hiddens, trace.cells, gradient.Wx, *sum(seen.values(), [])
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("T, lead, inputs", [(1, (), False), (5, (2,), False), (5, (), True)])
def test_hook_is_called_on_every_edge(T, lead, inputs):
    (B, D, H, K), seen = (3, 2, 5, 4), record(EDGES)
    p = random_problem(T, B, D, H, K)
    backward(p.weights, p.trace, np.broadcast_to(p.dY, lead + p.dY.shape), seen, inputs=inputs)
    assert {edge: [gradient.shape for gradient in crossed] for edge, crossed in seen.items()} == {
        "loss": [(*lead, T, B, K)], "dy": [(*lead, T, B, K)], "dh_above": [(*lead, T, B, H)],
        "dz": T * [(*lead, B, 4 * H)], "dh_next": (T - 1 + inputs) * [(*lead, B, H)],
        "dc_next": (T - 1 + inputs) * [(*lead, B, H)], "dWy_t": [(*lead, T, B, K)], "dW_t": [(*lead, T, B, 4 * H)],
        "dW": [(*lead, *array.shape) for _, array in p.weights.items()]}


def test_what_goes_on_has_crossed_the_edges_on_its_way_and_what_comes_in_crosses_none():
    """At T = 1: dX has crossed loss, dy, dh_above, dz; dh0 dh_next too; dc0 has crossed dc_next in place of both."""
    p = random_problem(T=1)
    for dY, states, numbers in ((p.dY, (None, None), (4, 5, 4)), (0 * p.dY, from_behind(p), (1, 2, 1))):
        _, *plain = backward(p.weights, p.trace, dY, None, *states, inputs=True)
        _, *halved = backward(p.weights, p.trace, dY, scale_at(EDGES, 0.5), *states, inputs=True)
        for mine, before, number in zip(halved, plain, numbers):
            assert np.array_equal(mine * 2 ** number, before)


def test_a_hook_may_keep_what_it_was_given_and_what_it_returned_and_work_in_place():
    p, kept = random_problem(), []
    backward(p.weights, p.trace, p.dY, lambda edge, d: kept.append((d, d.copy())) or kept[-1][1])
    assert all(np.array_equal(given, returned) and returned.flags.writeable for given, returned in kept)
    dY = p.dY.copy()
    doubled = backward(p.weights, p.trace, p.dY, lambda edge, d: np.multiply(d, 2, out=d) if edge == "loss" else d)
    assert doubled.identical(2 * backward(p.weights, p.trace, dY)) and np.array_equal(p.dY, dY)
