"""Optimisers and clips, against their formulas, one number at a time."""

from itertools import count

import numpy as np
import pytest

from helpers import assert_close, everywhere, random_masks, random_problem, random_weights
from lstmlib import (
    adam,
    backward,
    clip_by_norm,
    cross_entropy,
    forward,
    momentum,
    scale_at,
    sgd,
    squared_error,
    summed,
    train,
)
from lstmlib.training import clip_by_value
from lstmlib.weights import entries

STEPS = 6
GRADIENTS = [random_weights(seed=100 + step) * 10.0 ** (step - 3) for step in range(STEPS)]


def numbers(weights):
    """All entries, as plain numbers of Python."""
    return entries(weights).tolist()


def follow(optimise, **settings):
    """The weights after every step, as lists of numbers."""
    weights, state, visited = random_weights(), None, []
    for gradient in GRADIENTS:
        weights, state = optimise(weights, gradient, state, **settings)
        visited.append(numbers(weights))
    return np.array(visited)


def scalar_sgd(w, gradients, rate=0.1):
    for g in gradients:
        w -= rate * g
        yield w


def scalar_momentum(w, gradients, rate=0.1, beta=0.9):
    v = 0.0
    for g in gradients:
        v = beta * v + g
        w -= rate * v
        yield w


def scalar_adam(w, gradients, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        w -= rate * (m / (1 - beta1 ** t)) / ((v / (1 - beta2 ** t)) ** 0.5 + epsilon)
        yield w


@pytest.mark.parametrize("optimise, scalar, settings", [
    (sgd, scalar_sgd, {}),
    (sgd, scalar_sgd, {"rate": 0.03}),
    (momentum, scalar_momentum, {}),
    (momentum, scalar_momentum, {"rate": 1, "beta": 0}),
    (adam, scalar_adam, {}),
    (adam, scalar_adam, {"rate": 0.5, "beta1": 0.3, "beta2": 0.6, "epsilon": 0.1}),
    (adam, scalar_adam, {"rate": 0.5, "beta1": 0, "beta2": 0, "epsilon": 0}),
])
def test_optimiser_agrees_with_one_number_at_a_time(optimise, scalar, settings):
    each_gradient = zip(*map(numbers, GRADIENTS))
    truth = [list(scalar(w, gradients, **settings)) for w, gradients in zip(numbers(random_weights()), each_gradient)]
    assert np.allclose(follow(optimise, **settings), np.transpose(truth), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimise", [sgd, momentum, adam])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, float])
def test_optimiser_keeps_the_dtype(optimise, dtype):
    weights = random_weights(dtype=dtype)
    moved, state = optimise(weights, random_weights(seed=1), None, rate=np.float64(0.1))
    moved, state = optimise(moved, random_weights(seed=2, dtype=dtype), state)
    assert moved.dtype == dtype


def test_complex_weights_take_complex_gradients():
    weights, gradient = (random_weights(seed=seed, dtype=complex) * (1 + 0.5j) for seed in (1, 2))
    assert_close(sgd(weights, gradient, rate=0.1)[0], weights - 0.1 * gradient, 1e-15)
    assert_close(momentum(weights, gradient, gradient, rate=0.1, beta=0.5)[0], weights - 0.15 * gradient, 1e-15)


def test_entries_without_a_gradient_stand_still_in_adam_without_epsilon():
    weights = random_weights()
    gradient = weights.map(lambda array: array * (np.arange(array.size).reshape(array.shape) % 2))
    moved, _ = adam(weights, gradient, rate=0.1, epsilon=0)
    assert_close(moved, weights - 0.1 * gradient.map(np.sign), 1e-12)


def test_a_step_is_rounded_to_float16_once():
    """1.5 * 60000 is past all float16, the weight that is left is not."""
    weights = everywhere(random_weights(dtype=np.float16), 6e4)
    assert set(numbers(sgd(weights, weights, rate=1.5)[0])) == {-3e4}


# ---- the loop

def test_train_takes_one_step_for_every_batch_and_reports_each():
    gradients, weights, state = iter(GRADIENTS), random_weights(), None
    steps = train(weights, "abcdef", lambda w, batch: (batch, next(gradients)), adam, lambda n: 2.0 ** -n, beta1=0.5)
    for n, (report, trained) in enumerate(steps):
        weights, state = adam(weights, GRADIENTS[n], state, rate=2.0 ** -n, beta1=0.5)
        assert report == "abcdef"[n] and trained.identical(weights)
    assert n == 5


def test_train_asks_for_no_batch_before_its_time():
    asked = []
    steps = train(random_weights(), (asked.append(n) for n in count()), lambda w, _: (None, GRADIENTS[0]), sgd, 0.1)
    assert asked == []
    next(steps), next(steps)
    assert asked == [0, 1]


@pytest.mark.parametrize("loss, targets", [(squared_error, "targets"), (cross_entropy, "labels")])
def test_summed_is_the_gradient_of_the_summed_loss(loss, targets):
    p, mask, at = random_problem(), random_masks(4, 3)["random"], scale_at(["dy"], 0.5)
    trace = forward(p.weights, p.X)
    C, dY = loss(trace.Y, getattr(p, targets), mask)
    report, gradient = summed(loss, at)(p.weights, (p.X, getattr(p, targets), mask))
    assert report == C
    assert gradient.identical(backward(p.weights, trace, dY, at))


# ---- clips

@pytest.mark.parametrize("limit", [1e-3, 1, 5.0, np.float32(2)])
def test_clip_by_norm_shortens_and_keeps_the_direction(limit):
    gradient = random_weights()
    assert gradient.norm() > 5
    assert_close(clip_by_norm(gradient, limit), gradient * (float(limit) / gradient.norm()), 1e-15)


def test_clip_by_norm_leaves_short_gradients_alone():
    gradient = random_weights()
    assert clip_by_norm(gradient, gradient.norm()) is gradient
    assert clip_by_norm(0 * gradient, 1e-300).norm() == 0


def test_clip_by_norm_keeps_every_bit_of_the_direction_however_long_the_gradient():
    gradient, limit = random_weights(), 2.0 ** -100
    assert clip_by_norm(2.0 ** 900 * gradient, limit).identical(clip_by_norm(2.0 ** 800 * gradient, limit))


def test_clip_by_value_holds_every_entry():
    gradient, half = random_weights(), random_weights(dtype=np.float16)
    assert numbers(clip_by_value(gradient, 0.5)) == [max(-0.5, min(0.5, x)) for x in numbers(gradient)]
    assert clip_by_value(half, 1e6).identical(half)  # a limit that is no float16
