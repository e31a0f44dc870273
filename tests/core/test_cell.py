"""step and step_backward: one timestep at a time they do what forward and backward do at once."""

import numpy as np
import pytest

from helpers import assert_close, complex_step, distance, random_problem
from lstmlib import Weights, backward, record, step, step_backward

SIZES = [(1, 1, 1, 1, 1), (1, 3, 2, 4, 3), (5, 1, 3, 2, 4), (7, 3, 2, 4, 3)]


def run_steps(p):
    """All timesteps with `step`: outputs, and what each left behind."""
    h, c, outputs, traces = p.h0, p.c0, [], []
    for x in p.X:
        y, h, c, trace = step(p.weights, x, h, c)
        outputs.append(y)
        traces.append(trace)
    return np.array(outputs), traces


@pytest.mark.parametrize("size", SIZES)
def test_steps_agree_with_forward(size):
    p = random_problem(*size)
    Y, traces = run_steps(p)
    assert distance(Y, p.trace.Y) < 1e-14
    for name in ("i", "f", "g", "o", "c", "h", "h_prev", "c_prev"):
        assert distance(np.array([getattr(trace, name) for trace in traces]), getattr(p.trace, name)) < 1e-14


@pytest.mark.parametrize("size", SIZES)
def test_steps_backward_agree_with_backward(size):
    p = random_problem(*size)
    recorded = record(["dh_next", "dc_next"])
    at_once = backward(p.weights, p.trace, p.dY, at=recorded)
    total, dh, dc, passed = 0 * p.weights, np.zeros_like(p.h0), np.zeros_like(p.c0), []
    for dy, trace in zip(p.dY[::-1], run_steps(p)[1][::-1]):
        gradient, dh, dc = step_backward(p.weights, trace, dy, dh, dc)
        total = total + gradient
        passed.append((dh, dc))
    assert_close(at_once, total, 1e-14)
    for (dh, dc), dh_next, dc_next in zip(passed[:-1], recorded["dh_next"], recorded["dc_next"], strict=True):
        assert distance(dh_next, dh) < 1e-14
        assert distance(dc_next, dc) < 1e-14


def test_step_backward_gives_the_gradient_of_the_states_too():
    p = random_problem(T=1)
    dh_next, dc_next = np.random.default_rng(7).normal(size=(2, *p.h0.shape))

    def objective(h_prev, c_prev):
        y, h, c, _ = step(p.weights.map(lambda array: array.astype(complex)), p.X[0], h_prev, c_prev)
        return (y * p.dY[0]).sum() + (h * dh_next).sum() + (c * dc_next).sum()

    trace = step(p.weights, p.X[0], p.h0, p.c0)[3]
    _, dh_prev, dc_prev = step_backward(p.weights, trace, p.dY[0], dh_next, dc_next)
    assert distance(dh_prev, complex_step(lambda h: objective(h, p.c0), p.h0)) < 1e-14
    assert distance(dc_prev, complex_step(lambda c: objective(p.h0, c), p.c0)) < 1e-14


@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_step_keeps_the_dtype_of_the_weights(dtype):
    p = random_problem(dtype=dtype)
    y, h, c, trace = step(p.weights, p.X[0], p.h0, p.c0)
    gradient, dh_prev, dc_prev = step_backward(p.weights, trace, p.dY[0], 0 * h, 0 * c)
    assert {array.dtype for array in (y, h, c, dh_prev, dc_prev, *trace)} == {np.dtype(dtype)}
    assert gradient.dtype == dtype


def test_wider_arguments_are_brought_to_the_dtype_of_the_weights():
    p = random_problem(T=1)
    weights = p.weights.map(lambda array: array.astype(np.float32))
    y, h, c, trace = step(weights, p.X[0], p.h0, p.c0)
    gradient, dh_prev, dc_prev = step_backward(weights, trace, p.dY[0], p.h0, p.c0)
    assert {array.dtype for array in (y, h, c, dh_prev, dc_prev, *trace)} == {np.dtype(np.float32)}
    assert gradient.dtype == np.float32


STATES = ("h_prev", "c_prev", "i", "f", "g", "o", "c", "h")


@pytest.mark.parametrize("change, error, message", [
    (lambda trace: {"x": trace.x[..., None]}, ValueError, "must hold x (B, D) and eight arrays (B, H), got (3, 2, 1)"),
    (lambda trace: {"x": trace.x[:2]}, ValueError, "must hold x (B, D) and eight arrays (B, H), got (2, 2)"),
    (lambda trace: {"f": trace.f[:, 1:]}, ValueError, "must hold x (B, D) and eight arrays (B, H), got (3, 2)"),
    (lambda trace: {name: getattr(trace, name)[..., None] for name in STATES}, ValueError, "must hold x (B, D)"),
    (lambda trace: {"g": None}, ValueError, "must hold x (B, D) and eight arrays (B, H), got"),
    (lambda trace: dict(zip(trace._fields, range(9))), ValueError, "must hold x (B, D) and eight arrays (B, H), got"),
    (lambda trace: {name: array + 0j for name, array in trace._asdict().items()},
     TypeError, "must have the dtype float64 of the weights, got complex128"),
    (lambda trace: {"f": [[0.5], [0.5, 0.5]]}, ValueError, "must be a rectangular array"),
    (lambda trace: {"f": trace.f.astype(np.float32)},
     TypeError, "must have the dtype float64 of the weights, got float32"),
])
def test_a_trace_that_no_step_left_is_refused(change, error, message):
    p = random_problem()
    trace = step(p.weights, p.X[0], p.h0, p.c0)[3]
    with pytest.raises(error) as caught:
        step_backward(p.weights, trace._replace(**change(trace)), p.dY[0], p.h0, p.c0)
    assert str(caught.value).startswith(f"trace {message}")


def test_one_output_that_overflows_is_enough_to_be_refused():
    p = random_problem(dtype=np.float16)
    Wy, by = p.weights.Wy * 0, p.weights.by * 0 + np.float16([6e4, 0, 0])
    Wy[:, 0] = np.sign(step(p.weights, p.X[0], p.h0, p.c0)[1][0]) * 6e4
    with pytest.raises(ValueError, match="y must be finite, got an overflow of float16"):
        step(Weights(p.weights.Wx, p.weights.Wh, p.weights.b, Wy, by), p.X[0], p.h0, p.c0)


def test_a_gradient_too_large_for_its_dtype_is_infinite_without_a_warning():
    p = random_problem(dtype=np.float16)
    trace = step(p.weights, p.X[0], p.h0, p.c0)[3]
    with np.errstate(over="raise", invalid="raise"):
        gradient, _, _ = step_backward(p.weights, trace, p.dY[0] * 0 + np.float16(6e4), p.h0, p.c0)
    assert np.isinf(gradient.by).all()
