"""Optimisers and clips, against their formulas; the training loop."""

from functools import partial

import numpy as np
import pytest

from helpers import assert_close, everywhere, random_masks, random_problem, random_weights
from lstmlib import Weights, backward, cosine, cross_entropy, forward, scale_at
from lstmlib.training import adam, clip_by_norm, clip_by_value, momentum, sgd, summed, train

WEIGHTS = random_weights()
GRADIENTS = [random_weights(seed=100 + step) * 10.0 ** (step - 3) for step in range(6)]


def momentum_by_hand(w, gradients, rate=0.1, beta=0.9):
    v = 0.0
    for g in gradients:
        v = beta * v + g
        w = w - rate * v
        yield w


def adam_by_hand(w, gradients, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = m + (1 - beta1) * (g - m)
        v = v + (1 - beta2) * (g * g - v)
        w = w - rate * (m / (1 - beta1 ** t)) / ((v / (1 - beta2 ** t)) ** 0.5 + epsilon)
        yield w


@pytest.mark.parametrize("optimise, by_hand, settings", [
    (sgd, partial(momentum_by_hand, beta=0), {}), (momentum, momentum_by_hand, {}),
    (momentum, momentum_by_hand, {"rate": 1, "beta": 0.3}),
    (adam, adam_by_hand, {}), (adam, adam_by_hand, {"rate": 0.5, "beta1": 0.3, "beta2": 0.6, "epsilon": 0.1})])
def test_optimisers_agree_with_their_formulas(optimise, by_hand, settings):
    weights, state = WEIGHTS, None
    truths = zip(*(by_hand(array, [getattr(gradient, name) for gradient in GRADIENTS], **settings)
                   for name, array in WEIGHTS.items()))
    for gradient, truth in zip(GRADIENTS, truths, strict=True):
        weights, state = optimise(weights, gradient, state, **settings)
        for (_, array), true in zip(weights.items(), truth):
            assert np.allclose(array, true, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimise", [sgd, momentum, adam])
def test_optimisers_keep_the_dtype_and_learn_weights_of_a_subclass(optimise):
    moved, _ = optimise(random_weights(dtype=np.float16), WEIGHTS, None, rate=np.float64(0.1))
    assert moved.dtype == np.float16
    own = type("Own", (Weights,), {})(*WEIGHTS.each(np.array))
    assert optimise(own, WEIGHTS, optimise(own, WEIGHTS)[1])[0].dtype == float
    assert sgd(1j * WEIGHTS, 1j * WEIGHTS, rate=0.5)[0].identical(0.5j * WEIGHTS)


def test_adam_without_epsilon_forgets_the_size_and_leaves_be_what_has_no_gradient():
    gradient = WEIGHTS.map(lambda array: array * (np.arange(array.size).reshape(array.shape) % 2))
    for size in (1e150, 1, 1e-150):
        moved, _ = adam(WEIGHTS, size * gradient, rate=0.1, epsilon=0)
        assert_close(moved, WEIGHTS - 0.1 * gradient.map(np.sign), 1e-12)


@pytest.mark.parametrize("dtype, size", [(np.float16, 6e4), (np.float16, 1e-5), (np.float32, 1e30), (float, 1e-200)])
def test_adam_squares_in_double_precision(dtype, size):
    """In float16 the square of 6e4 overflows, that of 1e-5 underflows, and epsilon = 1e-8 is 0."""
    signs = WEIGHTS.map(np.sign)
    moved, _ = adam(everywhere(random_weights(dtype=dtype), 0), signs.map(lambda a: (a * size).astype(dtype)), rate=0.5)
    assert_close(moved, signs * (-0.5 * size / (size + 1e-8)), 4 * float(np.finfo(dtype).eps))


# ---- the loop

def test_train_takes_one_step_for_every_batch_when_it_is_asked_for():
    asked, weights, state = [], WEIGHTS, None
    steps = train(weights, (asked.append(n) or n for n in range(9)), lambda w, n: (n, GRADIENTS[n]),
                  adam, lambda n: 2.0 ** -n, beta1=0.5)
    for n, gradient in enumerate(GRADIENTS):
        report, trained = next(steps)
        weights, state = adam(weights, gradient, state, rate=2.0 ** -n, beta1=0.5)
        assert report == asked[-1] == n and trained.identical(weights)


def test_summed_is_the_gradient_of_the_summed_loss():
    p, mask, at = random_problem(), random_masks(4, 3)["random"], scale_at(["dy"], 0.5)
    trace = forward(p.weights, p.X)
    C, dY = cross_entropy(trace.Y, p.labels, mask)
    report, gradient = summed(cross_entropy, at)(p.weights, (p.X, p.labels, mask))
    assert report == C and gradient.identical(backward(p.weights, trace, dY, at))


# ---- clips

@pytest.mark.parametrize("size", [1e200, 1, 1e-200, 1.7e308])
@pytest.mark.parametrize("limit", [1e-200, 2, 1e100])
def test_clip_by_norm_shortens_what_is_longer_and_keeps_the_direction(size, limit):
    signs = WEIGHTS.map(np.sign)
    clipped = clip_by_norm(size * signs, limit)
    if size * signs.norm() > limit:
        assert clipped.norm() == pytest.approx(limit, rel=1e-13)
        assert cosine(clipped, signs) == pytest.approx(1, rel=1e-14)
    else:
        assert clipped.identical(size * signs)


def test_clip_by_value_holds_every_entry():
    half = random_weights(dtype=np.float16)
    assert clip_by_value(WEIGHTS, 0.5).identical(WEIGHTS.map(lambda array: np.sign(array) * np.fmin(abs(array), 0.5)))
    assert clip_by_value(half, 1e6).identical(half)  # a limit that is no float16
