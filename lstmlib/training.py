"""Three optimisers and a clip: pure functions from (weights, gradient, state) to the next.

    weights, state = adam(weights, gradient, state, rate=0.01)

The first state is None. All three are called alike, so that one training loop serves them.
"""

import numpy as np

from . import arguments
from .weights import Weights


def sgd(weights, gradient, state=None, rate=0.1):
    """w - rate * gradient. Returns (weights, None): it keeps no state.

    Raises ValueError or TypeError where the gradient does not fit the weights, or the rate is not above 0.
    """
    return weights - checked_rate(weights, gradient, rate) * gradient, None


def momentum(weights, gradient, state=None, rate=0.1, beta=0.9):
    """v <- beta v + gradient;  w <- w - rate v (Polyak 1964, in the form of torch.optim.SGD).

    state  v, a Weights, or None at the start.  ->  (weights, state)
    Raises ValueError or TypeError as `sgd` does, and for beta outside [0, 1).
    """
    rate = checked_rate(weights, gradient, rate)
    beta = arguments.number("beta", beta, at_least=0, below=1)
    if state is not None:
        arguments.instance("state", state, Weights)
    velocity = gradient if state is None else beta * state + gradient
    return weights - rate * velocity, velocity


def adam(weights, gradient, state=None, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Adam (Kingma & Ba 2015, algorithm 1).

        m <- beta1 m + (1 - beta1) gradient          m' = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) gradient^2        v' = v / (1 - beta2^t)
        w <- w - rate m' / (sqrt(v') + epsilon)

    state  (m, v, t), or None at the start.  ->  (weights, state)
    Raises ValueError or TypeError as `sgd` does, and for beta1 or beta2 outside [0, 1) or epsilon below 0.
    """
    rate = checked_rate(weights, gradient, rate)
    beta1 = arguments.number("beta1", beta1, at_least=0, below=1)
    beta2 = arguments.number("beta2", beta2, at_least=0, below=1)
    epsilon = arguments.number("epsilon", epsilon, at_least=0)
    if state is not None:
        arguments.instance("state", state, tuple)
    m, v, t = (gradient * 0, gradient * 0, 0) if state is None else state
    t = t + 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient.map(np.square)

    def move(w, m, v):
        return w - rate * (m / (1 - beta1 ** t)) / (np.sqrt(v / (1 - beta2 ** t)) + epsilon)

    return weights.map(move, m, v), (m, v, t)


def clip_by_norm(gradient, limit):
    """The gradient, shortened to norm `limit` where it is longer (Pascanu, Mikolov & Bengio 2013, algorithm 1).

    Raises TypeError unless gradient is a Weights, ValueError unless it is finite and limit is above 0.
    """
    check_gradient(gradient)
    limit = arguments.number("limit", limit, above=0)
    norm = gradient.norm()
    return gradient * (limit / norm) if norm > limit else gradient


def clip_by_value(gradient, limit):
    """The gradient with every entry held within +-limit.

    Raises TypeError unless gradient is a Weights, ValueError unless it is finite and limit is above 0.
    """
    check_gradient(gradient)
    limit = arguments.number("limit", limit, above=0)
    return gradient.map(lambda array: np.clip(array, -limit, limit))


def checked_rate(weights, gradient, rate):
    """The learning rate, once it and the two Weights are known to fit."""
    arguments.instance("weights", weights, Weights)
    check_gradient(gradient)
    weights.check_like(gradient)
    return arguments.number("rate", rate, above=0)


def check_gradient(gradient):
    """Raise TypeError or ValueError unless `gradient` is a finite Weights."""
    arguments.instance("gradient", gradient, Weights)
    if not gradient.finite:
        raise ValueError("gradient must be finite, got infinity or NaN")
