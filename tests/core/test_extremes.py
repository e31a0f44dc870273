"""Extreme numbers: saturated gates, long sequences, zeros, huge and tiny values. Right, or honestly underflowing.

Every warning is an error here. What is compared with is computed in longdouble, or known exactly.
"""

from math import exp, log

import numpy as np
import pytest

from helpers import assert_close, distance, everywhere, random_problem, random_weights
from lstmlib import (
    EDGES,
    Weights,
    adam,
    backward,
    clip_by_norm,
    cosine,
    cross_entropy,
    crossing_spectrum,
    forward,
    init_weights,
    momentum,
    numerical_gradient,
    record,
    relative_error,
    sgd,
    squared_error,
    step,
    step_backward,
)
from lstmlib.cell import sigmoid
from lstmlib.training import clip_by_value
from lstmlib.weights import entries

pytestmark = pytest.mark.filterwarnings("error")

REAL = [np.float16, np.float32, np.float64]
ALL = [*REAL, np.complex64, np.complex128]
GATES = "ifgo"


def one_unit(b, dtype=float, w=0.0, u=0.0, D=1):
    """Weights with H = K = 1: the biases of i, f, g, o are b, all of Wx is w, all of Wh is u, and y = h."""
    return Weights(*(np.array(a, dtype) for a in (np.full((D, 4), w), np.full((1, 4), u), b, [[1.0]], [0.0])))


def check_finite(trace, gradient):
    assert all(np.isfinite(a).all() for a in (trace.Y, trace.gates, trace.hiddens, trace.cells))
    assert gradient.finite


# ---- the sigmoid and saturated gates

@pytest.mark.parametrize("dtype", REAL)
def test_sigmoid_never_overflows(dtype):
    z = np.array([0, 1000, -1000, np.finfo(dtype).max, -np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal], dtype)
    assert sigmoid(z).tolist() == [0.5, 1, 0, 1, 0, 0.5]
    assert sigmoid(z).dtype == dtype


@pytest.mark.parametrize("dtype", ALL)
def test_a_closed_gate_keeps_its_relative_accuracy(dtype):
    """Value and slope against longdouble, for every z whose sigmoid is a normal number; complex ones by their slope."""
    least, eps = float(np.finfo(dtype).tiny), float(np.finfo(dtype).eps)
    z = np.linspace(log(least), 40, 4001).astype(dtype)
    exact = 1 / (1 + np.exp(-z.real.astype(np.longdouble)))
    assert np.max(np.abs(sigmoid(z).real / exact - 1)) < 3 * eps
    weights = one_unit([0, 0, 0, 0], dtype, w=1)
    trace = forward(weights, z[z.real > log(2 * least)][:, None, None], c0=[[1.0]])
    exact = 1 / (1 + np.exp(-trace.X[..., 0].real.astype(np.longdouble)))
    assert all(np.max(np.abs(getattr(trace, gate)[..., 0].real / exact - 1)) < 3 * eps for gate in "ifo")
    if np.dtype(dtype).kind == "c":
        h = 1e-20 if dtype == np.complex128 else 1e-3 * least ** 0.25
        slope = sigmoid(z + np.dtype(dtype).type(1j * h)).imag / h
        exact = 1 / (1 + np.exp(-z.real.astype(np.longdouble)))
        closed = (z.real < 0) & (exact * h > least)
        assert np.max(np.abs(slope / (exact * (1 - exact)) - 1)[closed]) < 8 * eps


@pytest.mark.parametrize("dtype, bias", [(np.float32, -15), (np.float16, -5), (np.float64, -30)])
def test_gradients_through_closed_input_gates_are_as_exact_as_their_z(dtype, bias):
    """A rounding of z, of the size |z| eps, is one of that size in exp(z): no arithmetic does better."""
    p, tolerance = random_problem(dtype=dtype), 8 * abs(bias) * float(np.finfo(dtype).eps)
    b = np.array(p.weights.b)
    b[:5] = bias
    weights = Weights(p.weights.Wx, p.weights.Wh, b, p.weights.Wy, p.weights.by)
    wide = weights.map(lambda array: array.astype(np.float64))
    gradient, truth = backward(weights, forward(weights, p.X), p.dY), backward(wide, forward(wide, p.X), p.dY)
    if dtype is np.float64:
        truth = numerical_gradient(lambda w: (forward(w, p.X).Y * p.dY).sum(), weights)
    assert_close(gradient, truth, tolerance)
    for mine, theirs in ((gradient.Wx, truth.Wx), (gradient.b, truth.b)):  # of the closed gates alone
        assert distance(mine[..., :5].astype(float), theirs[..., :5]) < tolerance


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("gate", range(4))
@pytest.mark.parametrize("dtype", ALL)
def test_a_saturated_gate_is_exact_and_has_no_slope(dtype, gate, sign):
    b = np.array([0.3, -0.2, 0.4, 0.1])
    b[gate] = 1000 * sign
    weights = one_unit(b, dtype, w=0.5, u=0.25)
    trace = forward(weights, np.full((3, 2, 1), 0.5))
    gradient = backward(weights, trace, np.ones((3, 2, 1)))
    check_finite(trace, gradient)
    saturated = {1: 1, -1: -1 if GATES[gate] == "g" else 0}[sign]
    assert (getattr(trace, GATES[gate]) == saturated).all()
    for array in (gradient.Wx[:, gate], gradient.Wh[:, gate], gradient.b[gate]):
        assert (array == 0).all()
    assert gradient.dtype == dtype


@pytest.mark.parametrize("dtype", REAL)
def test_gates_wide_open_carry_the_cell_state_and_its_gradient_unchanged(dtype):
    """f = 1, i = 0, o = 1: the constant error carousel, exactly."""
    weights = one_unit([-1000, 1000, 0, 1000], dtype)
    trace = forward(weights, np.zeros((50, 1, 1)), c0=[[0.5]])
    assert (trace.c == dtype(0.5)).all()
    dY = np.zeros((50, 1, 1))
    dY[-1] = 1
    seen = record(["dc_next"])
    backward(weights, trace, dY, seen)
    crossed = [d.item() for d in seen["dc_next"]]
    assert len(set(crossed)) == 1
    assert crossed[0] == pytest.approx(1 - np.tanh(0.5) ** 2, rel=float(4 * np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", REAL)
def test_weights_and_inputs_so_large_that_a_pre_activation_overflows(dtype):
    """z is infinite in this dtype, and its gates are 0 and 1 all the same."""
    largest = float(np.finfo(dtype).max)
    weights = one_unit([0, 0, 0, 0], dtype, w=largest / 4)
    trace = forward(weights, np.full((2, 1, 1), 100.0))
    assert all((getattr(trace, gate) == 1).all() for gate in GATES)
    assert trace.c.ravel().tolist() == [1, 2]
    y, h, c, _ = step(weights, [[100.0]], [[0.0]], [[0.0]])
    assert (y, c) == (trace.Y[0], 1)
    gradient = backward(weights, trace, np.ones((2, 1, 1)))
    assert gradient.finite
    assert (gradient.Wx == 0).all()


@pytest.mark.parametrize("dtype", REAL)
def test_an_output_that_overflows_is_refused(dtype):
    largest = float(np.finfo(dtype).max)
    weights = everywhere(init_weights(1, 2, 1, dtype=dtype), largest)
    message = f"must be finite, got an overflow of {np.dtype(dtype)}: weights or inputs are too large"
    with pytest.raises(ValueError, match=f"Y {message}"):
        forward(weights, np.ones((2, 1, 1)))
    with pytest.raises(ValueError, match=f"y {message}"):
        step(weights, [[1.0]], [[1.0, 1.0]], [[1.0, 1.0]])


def test_pre_activations_of_both_signs_that_overflow_are_no_silent_nan():
    """x Wx = inf and h Wh = -inf in float16, one by one: NaN. In one product with [h, x, 1]: 0, as in truth."""
    weights = one_unit([0, 0, 0, 0], np.float16, w=60000, u=-60000)
    with pytest.raises(ValueError, match="y must be finite"):
        step(weights, [[2.0]], [[2.0]], [[0.0]])
    assert forward(weights, [[[2.0]]], h0=[[2.0]]).gates.ravel().tolist() == [0.5, 0.5, 0, 0.5]


# ---- huge cell states, float16 everywhere

@pytest.mark.parametrize("dtype, huge", [(np.float64, 1e300), (np.float32, 1e38), (np.float16, 6e4), (complex, 1e300)])
def test_huge_cell_states(dtype, huge):
    weights = one_unit([0.0, 1000, 0.5, 0.2], dtype, w=0.5, u=0.1)
    trace = forward(weights, np.ones((5, 2, 1)), c0=[[huge], [-huge]])
    gradient = backward(weights, trace, np.ones((5, 2, 1)))
    check_finite(trace, gradient)
    assert np.array_equal(trace.h, trace.o * np.sign(trace.c))
    assert np.array_equal(trace.c, np.broadcast_to(np.array([[[huge], [-huge]]], dtype), trace.c.shape))


@pytest.mark.parametrize("T, B", [(1, 1), (20, 4)])
def test_float16_everywhere(T, B):
    exact, p = random_problem(T, B), random_problem(T, B, dtype=np.float16)
    trace = forward(p.weights, p.X, p.h0, p.c0)
    (L, dY), (truth, exact_dY) = (squared_error(t.Y, p.targets) for t in (trace, exact.trace))
    gradient = backward(p.weights, trace, dY)
    assert (dY.dtype, gradient.dtype) == (np.float16, np.float16)
    assert L == pytest.approx(truth, rel=0.02)
    assert_close(gradient, backward(exact.weights, exact.trace, exact_dY), 0.03)
    half = p.weights
    for optimise in (sgd, momentum, adam):
        moved, state = optimise(half, gradient)
        moved, state = optimise(moved, gradient, state)
        assert (moved.dtype, moved.finite) == (np.float16, True)


# ---- zeros

@pytest.mark.parametrize("dtype", ALL)
def test_sequences_of_zeros_and_zero_weights(dtype):
    p = random_problem(dtype=dtype)
    zeros = 0 * p.weights
    for weights in (zeros, p.weights):
        trace = forward(weights, 0 * p.X)
        gradient = backward(weights, trace, p.dY)
        check_finite(trace, gradient)
        assert (gradient.Wx == 0).all()
    trace = forward(zeros, p.X)
    assert (trace.Y == 0).all() and (trace.h == 0).all()
    assert (trace.i == 0.5).all() and (trace.g == 0).all()
    gradient = backward(zeros, trace, p.dY)
    assert gradient.by.tolist() == pytest.approx(p.dY.sum((0, 1)).tolist(), rel=float(8 * np.finfo(dtype).eps))
    assert gradient.norm() == pytest.approx(np.linalg.norm(gradient.by.astype(complex)))


@pytest.mark.parametrize("dtype", REAL)
def test_optimisers_stand_still_without_a_gradient(dtype):
    weights = random_weights(dtype=dtype)
    for optimise, settings in ((sgd, {}), (momentum, {}), (adam, {}), (adam, {"epsilon": 0})):
        moved, state = optimise(weights, 0 * weights, **settings)
        moved, state = optimise(moved, 0 * weights, state, **settings)
        assert moved.identical(weights)
    assert clip_by_norm(0 * weights, 1e-300).norm() == 0
    assert clip_by_value(0 * weights, 5e-324).norm() == 0


# ---- long sequences

def plain_python(weights, x, targets):
    """Loss and gradient for H = K = D = B = 1, one number at a time: plain Python, from the textbook."""
    from math import tanh
    (wx,), (wh,), b, ((wy,),), (by,) = (array.tolist() for _, array in weights.items())
    h = c = loss = 0.0
    past = []
    for x_t, target in zip(x, targets):
        z = [wx[k] * x_t + wh[k] * h + b[k] for k in range(4)]
        i, f, o = (1 / (1 + exp(-z[k])) for k in (0, 1, 3))
        g, h_prev, c_prev = tanh(z[2]), h, c
        c = f * c + i * g
        h = o * tanh(c)
        past.append((x_t, h_prev, c_prev, i, f, g, o, c, h, wy * h + by - target))
        loss += (wy * h + by - target) ** 2 / 2
    dh = dc = dwy = dby = 0.0
    dwx, dwh, db = [0.0] * 4, [0.0] * 4, [0.0] * 4
    for x_t, h_prev, c_prev, i, f, g, o, c, h, dy in reversed(past):
        dwy, dby, dh = dwy + dy * h, dby + dy, dh + dy * wy
        dc += dh * o * (1 - tanh(c) ** 2)
        dz = dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g * g), dh * tanh(c) * o * (1 - o)
        for k in range(4):
            dwx[k], dwh[k], db[k] = dwx[k] + dz[k] * x_t, dwh[k] + dz[k] * h_prev, db[k] + dz[k]
        dh, dc = sum(dz[k] * wh[k] for k in range(4)), dc * f
    return loss, Weights(*map(np.array, ([dwx], [dwh], db, [[dwy]], [dby])))


def test_ten_thousand_timesteps():
    T, rng = 10_000, np.random.default_rng(0)
    weights = init_weights(1, 1, 1, seed=3) + everywhere(init_weights(1, 1, 1), 0.25)
    X, targets = rng.normal(size=(2, T, 1, 1))
    trace = forward(weights, X)
    loss, dY = squared_error(trace.Y, targets)
    true_loss, truth = plain_python(weights, X.ravel().tolist(), targets.ravel().tolist())
    assert loss == pytest.approx(true_loss, rel=1e-12)
    assert_close(backward(weights, trace, dY), truth, 1e-11)

    def C(some):
        return squared_error(forward(some, X[:1000]).Y, targets[:1000])[0]

    first = forward(weights, X[:1000])
    dY = squared_error(first.Y, targets[:1000])[1]
    assert_close(backward(weights, first, dY), numerical_gradient(C, weights), 1e-11)


def test_a_gradient_through_ten_thousand_forget_gates_underflows_to_zero():
    """f = sigmoid(-1): 0.27^10,000 is no float; the gradient of c0's past is 0, not NaN."""
    weights = one_unit([0, -1, 0, 0])
    T = 10_000
    trace = forward(weights, np.zeros((T, 1, 1)), c0=[[1.0]])
    dY = np.zeros((T, 1, 1))
    dY[-1] = 1
    seen = record(["dc_next"])
    gradient = backward(weights, trace, dY, seen)
    crossed = [d.item() for d in seen["dc_next"]]
    check_finite(trace, gradient)
    f = 1 / (1 + exp(1))
    assert crossed[:20] == pytest.approx([0.5 * f ** k for k in range(1, 21)], rel=1e-12)
    assert crossed[-1] == 0


def test_a_gradient_that_explodes_is_infinite_without_a_warning_and_goes_no_further():
    weights = one_unit([10, 10, 0, 10], w=0.0, u=8.0)
    trace = forward(weights, np.zeros((2000, 1, 1)))
    gradient = backward(weights, trace, np.ones((2000, 1, 1)))
    assert not gradient.finite
    for optimise in (sgd, momentum, adam):
        with pytest.raises(ValueError, match="gradient must be finite"):
            optimise(weights, gradient)


# ---- complex step at saturation, the spectrum

@pytest.mark.parametrize("b", [[1000, -1000, 1000, -1000], [-1000, 1000, -1000, 1000], [40, -40, 20, -36], [300] * 4])
def test_complex_step_at_saturation(b):
    p = random_problem(T=5, B=2, D=3, H=1, K=2)
    weights = Weights(p.weights.Wx, p.weights.Wh, np.array(b, float), p.weights.Wy, p.weights.by)
    numerical = numerical_gradient(lambda w: cross_entropy(forward(w, p.X).Y, p.labels)[0], weights)
    trace = forward(weights, p.X)
    gradient = backward(weights, trace, cross_entropy(trace.Y, p.labels)[1])
    assert numerical.finite and gradient.finite
    assert (gradient - numerical).norm() <= 1e-14 * numerical.norm()


@pytest.mark.parametrize("T, edges, k_max", [(1, EDGES, 6), (1, ["dh_next", "dc_next"], 0), (300, ["dz"], 300),
                                             (300, ["dh_next", "dc_next"], 299)])
def test_crossing_spectrum_of_short_and_long_sequences(T, edges, k_max):
    p = random_problem(T=T, B=1, D=1, H=2, K=1)
    spectrum = crossing_spectrum(p.weights, p.trace, p.dY, edges)
    assert spectrum.lead == (k_max + 1,)
    assert_close(spectrum.map(lambda array: array.sum(0)), backward(p.weights, p.trace, p.dY), 1e-12)


# ---- losses

@pytest.mark.parametrize("size", [1e4, 700, 1e308])
def test_logits_of_any_size(size):
    C, dlogits = cross_entropy([[[size, 0, -size]], [[0, 0, -size]]], [[0], [1]])
    assert C == pytest.approx(log(2), rel=1e-15)
    assert dlogits.ravel() == pytest.approx([0, 0, 0, 0.5, -0.5, 0], abs=1e-300)
    C, dlogits = cross_entropy([[[size, 0, 0]]], [[1]])
    assert C == size
    assert dlogits.ravel().tolist() == pytest.approx([1, -1, 0], abs=1e-300)


def test_a_loss_that_no_float_can_hold_is_infinite():
    C, dlogits = cross_entropy([[[1.7e308, -1.7e308]]], [[1]])
    assert C == np.inf
    assert dlogits.tolist() == [[[1, -1]]]
    C, dlogits = cross_entropy([[[1.7e308, -1.7e308]], [[0, 0]]], [[1], [0]], mask=[[0], [1]])
    assert C == pytest.approx(log(2))
    C, dY = squared_error([[[1e200]]], [[[-1e200]]])
    assert (C, dY.item()) == (np.inf, 2e200)
    C, dY = squared_error(np.array([[[6e4]]], np.float16), [[[-6e4]]])
    assert dY.item() == np.inf
    with pytest.raises(ValueError, match="dY must be finite"):
        weights = init_weights(1, 1, 1, dtype=np.float16)
        backward(weights, forward(weights, [[[0.0]]]), dY)


@pytest.mark.parametrize("dtype", REAL)
def test_subnormal_outputs_and_targets(dtype):
    least = np.finfo(dtype).smallest_subnormal
    C, dY = squared_error(np.full((2, 1, 1), 3 * least), np.full((2, 1, 1), least))
    assert dY.tolist() == [[[2 * float(least)]], [[2 * float(least)]]]
    assert C == 4 * float(least) ** 2
    C, dlogits = cross_entropy(np.full((1, 1, 2), least), [[0]])
    assert C == pytest.approx(log(2), rel=1e-15)
    assert dlogits.tolist() == [[[-0.5, 0.5]]]


@pytest.mark.parametrize("dtype", ALL)
def test_one_class_and_one_item(dtype):
    C, dlogits = cross_entropy(np.full((2, 3, 1), 7, dtype), np.zeros((2, 3), int))
    assert C == 0 and (dlogits == 0).all()
    mask = np.zeros((2, 3), bool)
    mask[1, 2] = True
    logits = np.arange(12).reshape(2, 3, 2).astype(dtype)
    C, dlogits = cross_entropy(logits, np.ones((2, 3), int), mask)
    alone, its_gradient = cross_entropy(logits[1:, 2:], [[1]])
    assert C == alone
    assert np.array_equal(dlogits[1, 2], its_gradient[0, 0])
    assert np.count_nonzero(dlogits) == 2
    C, dY = squared_error(logits, 0 * logits, mask)
    assert C == (10 ** 2 + 11 ** 2) / 2 and np.count_nonzero(dY) == 2


def test_cross_entropy_keeps_small_shares_exact():
    """exp(-700) is 1e-304: compared with longdouble."""
    logits = np.array([[[0.0, -30, -700]]])
    shares = np.exp(logits.astype(np.longdouble))
    truth = shares / shares.sum()
    assert distance(cross_entropy(logits, [[0]])[1][..., 1:], truth[..., 1:]) < 1e-13
    assert cross_entropy(logits, [[0]])[1][0, 0, 2] == pytest.approx(float(truth[0, 0, 2]), rel=1e-12)


# ---- Weights and optimisers: huge and tiny

@pytest.mark.parametrize("size", [1e200, 1e-200, 1e308, 5e-324, 1.0])
def test_norm_dot_and_cosine_neither_overflow_nor_underflow(size):
    ones = everywhere(init_weights(1, 1, 1), 1.0)
    u = everywhere(ones, size)
    v = Weights(-u.Wx, u.Wh, u.b, u.Wy, u.by)
    n, beyond = 14, size > 1e307
    assert u.norm() == (np.inf if beyond and n ** 0.5 * size > 1.7e308 else pytest.approx(n ** 0.5 * size, rel=1e-15))
    assert cosine(u, u) == pytest.approx(1, rel=1e-15)
    assert cosine(u, v) == pytest.approx(6 / 14, rel=1e-15)
    assert cosine(u, ones) == pytest.approx(1, rel=1e-15)
    assert cosine(u, everywhere(ones, 1e-300)) == pytest.approx(1, rel=1e-15)
    assert cosine(everywhere(ones, 1e300), u) == pytest.approx(1, rel=1e-15)
    assert relative_error(u / 2, u) == pytest.approx(0.5, rel=1e-15) or size == 5e-324
    assert relative_error(-u, u) == pytest.approx(2)
    assert u.dot(ones) == (np.inf if beyond else pytest.approx(14 * size, rel=1e-15))
    assert u.dot(Weights(-ones.Wx, ones.Wh, ones.b, 0 * ones.Wy, -2 * ones.by)) == 2 * size
    assert u.dot(v) == (np.inf if size > 1e155 else pytest.approx(6 * size * size))


def test_a_product_that_cancels_is_no_nan():
    u = everywhere(init_weights(1, 1, 1), 1e200)
    v = Weights(u.Wx, -u.Wh, 0 * u.b, u.Wy, -u.by)
    assert u.dot(v) == 0
    assert (1j * u).dot(v) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_factors_that_the_dtype_cannot_hold(dtype):
    """|X| = 70,000 is no float16, but what it divides is."""
    large = float(np.finfo(dtype).max)
    ones = everywhere(init_weights(1, 1, 1, dtype=dtype), large)
    assert (entries(ones / (2 * large)) == 0.5).all()
    assert (entries(ones * (0.25 / large)) == 0.25).all()
    least = everywhere(ones, float(np.finfo(dtype).tiny))
    assert (entries(least * (4 * large)) == dtype(4 * large * float(np.finfo(dtype).tiny))).all()
    assert not (ones * 2).finite and (ones * 2).dtype == dtype


@pytest.mark.parametrize("size", [1e200, 1e-200, 1e-300, 1.7e308])
@pytest.mark.parametrize("limit", [1e-200, 1.0, 1e100])
def test_clip_by_norm_of_huge_and_tiny_gradients(size, limit):
    signs = random_weights().map(np.sign)
    gradient = signs.map(lambda array: array * size)
    clipped = clip_by_norm(gradient, limit)
    if size / limit * entries(signs).size ** 0.5 > 1:
        assert clipped.norm() == pytest.approx(limit, rel=1e-13)
        assert cosine(clipped, signs) == pytest.approx(1, rel=1e-14)
    else:
        assert clipped is gradient


def test_clip_by_norm_in_float16_is_exact_to_its_rounding():
    gradient = everywhere(random_weights(D=8, H=16, dtype=np.float16), 6e4)
    clipped = clip_by_norm(gradient, 1.0)
    assert clipped.norm() == pytest.approx(1, rel=1e-3)
    assert (entries(clip_by_value(gradient, 1e6)) == np.float16(6e4)).all()


@pytest.mark.parametrize("size", [1e150, 1e100, 1e-100, 1e-150])
def test_adam_forgets_the_size_of_a_gradient_where_epsilon_is_zero(size):
    weights, signs = everywhere(random_weights(), 1.0), random_weights().map(np.sign)
    moved, state = adam(weights, signs.map(lambda array: array * size), epsilon=0)
    moved, _ = adam(moved, signs.map(lambda array: array * size), state, epsilon=0)
    assert_close(weights - moved, 0.002 * signs, 1e-12)


def test_adam_with_gradients_whose_squares_leave_the_floats():
    weights, signs = everywhere(random_weights(), 1.0), random_weights().map(np.sign)
    with pytest.raises(ValueError, match="gradient must have finite squares"):
        adam(weights, 1e200 * signs)
    assert adam(weights, 1e-200 * signs)[0].identical(weights)  # a step of 1e-195
    assert adam(0 * weights, 1e-200 * signs)[0].norm() == pytest.approx(1e-195 * signs.norm(), rel=1e-12)
    assert adam(weights, 1e-200 * signs, epsilon=0)[0].identical(weights)  # v underflows: it stays where it is


@pytest.mark.parametrize("dtype, size", [(np.float16, 6e4), (np.float16, 1e-5), (np.float32, 1e30),
                                         (np.float32, 1e-30)])
def test_adam_squares_in_double_precision(dtype, size):
    """In float16 the square of 6e4 overflows, that of 1e-5 underflows, and epsilon = 1e-8 is 0."""
    weights, signs = everywhere(random_weights(dtype=dtype), 0.0), random_weights().map(np.sign)
    gradient = signs.map(lambda array: (array * size).astype(dtype))
    moved, (m, v, t) = adam(weights, gradient, rate=0.5)
    assert (moved.dtype, v.dtype) == (dtype, np.float64)
    truth = signs * (-0.5 * size / (size + 1e-8))
    assert_close(moved, truth, 4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_sgd_and_momentum_with_huge_and_tiny_gradients(size):
    weights, signs = everywhere(random_weights(), 0.0), random_weights().map(np.sign)
    gradient = size * signs
    assert_close(sgd(weights, gradient, rate=0.5)[0] * (1 / size), -0.5 * signs, 1e-15)
    moved, state = momentum(weights, gradient, rate=1)
    moved, state = momentum(moved, gradient, state, rate=1)
    assert_close(moved * (1 / size), -2.9 * signs, 1e-14)
    moved, _ = sgd(weights, gradient, rate=1e200)
    assert moved.finite == (size < 1)


@pytest.mark.parametrize("dtype", REAL)
def test_one_step_backward_agrees_at_the_limits(dtype):
    """One timestep with huge c_prev and saturated gates, against longdouble."""
    weights = one_unit([3, 1000, -2, 2], dtype, w=1.0, u=1.0)
    c_prev = 1e3
    *_, trace = step(weights, [[0.5]], [[0.25]], [[c_prev]])
    gradient, dh, dc = step_backward(weights, trace, [[1.0]], [[0.5]], [[2.0]])
    assert dc.item() == 2  # o (1 - tanh(1000)^2) = 0, f = 1
    z_i, z_g, z_o = (np.longdouble(z) + 0.75 for z in (3, -2, 2))
    i, g, o = 1 / (1 + np.exp(-z_i)), np.tanh(z_g), 1 / (1 + np.exp(-z_o))
    truth = [2 * g * i * (1 - i), 0, 2 * i * (1 - g * g), 1.5 * o * (1 - o)]
    assert gradient.b.tolist() == pytest.approx([float(x) for x in truth], rel=float(40 * np.finfo(dtype).eps))
    assert dh.item() == pytest.approx(float(sum(truth)), rel=float(40 * np.finfo(dtype).eps))
