"""Three optimisers, two clips and the training loop. An optimiser is a pure function: it returns what comes next.

    weights, state = adam(weights, gradient, state, rate=0.01)

The first state is None. All three are called alike, so that one training loop serves them. The weights keep their
dtype; what moves past its largest number becomes infinite.
"""

import numpy as np

from .checks import count, finite, fitting, fraction, instance, not_negative, positive, real, takes
from .sequence import backward, forward
from .weights import Weights, built, wide


def train(weights, batches, gradient, optimiser, rate, **settings):
    """The training loop: for each batch a gradient, and with it a step of the optimiser.

        for loss, weights in train(weights, batches, summed(squared_error, at=scale_at(["dy"], 1 / 8)), sgd, rate=0.1):
            ...  # stop whenever you like

    batches   anything to loop over, of any kind, endless too
    gradient  gradient(weights, batch) -> (a report, Weights): here is where the backward pass, 1/|X| and clips belong
    rate      a number, or a function of the number of batches that have been learned from
    settings  of the optimiser, beside the rate
    ->  an iterator over (report, weights after the step). Raises, at the step that is wrong, what the optimiser raises
    """
    state = None
    for n, batch in enumerate(batches):
        report, step = gradient(weights, batch)
        weights, state = optimiser(weights, step, state, rate=rate(n) if callable(rate) else rate, **settings)
        yield report, weights


def summed(loss, at=None):
    """A gradient for `train`: that of the summed loss of batches (X, targets, mask), with the hook `at` on its way.

    loss  `squared_error` or `cross_entropy`, or alike.  ->  gradient(weights, batch) -> (loss, Weights)
    """
    def gradient(weights, batch):
        X, targets, mask = batch
        trace = forward(weights, X)
        total, dY = loss(trace.Y, targets, mask)
        return total, backward(weights, trace, dY, at)

    return gradient


@takes(weights=Weights, gradient=(Weights, finite, fitting), rate=positive)
def sgd(weights, gradient, state=None, rate=0.1):
    """w <- w - rate gradient, with a finite gradient and a rate above 0.  ->  (weights, None): it keeps no state."""
    return built(Weights, weights.each(lambda w, d: (w - rate * wide(d)).astype(w.dtype), gradient)), None


@takes(weights=Weights, gradient=(Weights, finite, fitting), rate=positive, beta=fraction, state=(Weights, fitting))
def momentum(weights, gradient, state=None, rate=0.1, beta=0.9):
    """v <- beta v + gradient;  w <- w - rate v (Polyak 1964, in the form of torch.optim.SGD).

    gradient finite, rate above 0, beta from 0 to below 1
    state  v, a Weights, or None at the start.  ->  (weights, state)
    Raises ValueError where v grows past the largest number.
    """
    velocity = gradient if state is None else beta * state + gradient
    if not velocity.finite:
        raise ValueError(f"gradient and state must leave v finite, got an overflow of {velocity.dtype}")
    return sgd(weights, velocity, rate=rate)[0], velocity


def moments(name, state, seen):
    """What `adam` keeps: (m, v, t)."""
    if len(instance(name, state, tuple)) != 3:
        raise ValueError(f"{name} must be (m, v, t), as adam returned it, got {len(state)} entries")
    m, v = (fitting(name, instance(name, moment, Weights), seen) for moment in state[:2])
    return m, v, count(f"t in {name}", state[2])


@takes(weights=(Weights, real), gradient=(Weights, finite, fitting), rate=positive,
       beta1=fraction, beta2=fraction, epsilon=not_negative, state=moments)
def adam(weights, gradient, state=None, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Adam (Kingma & Ba 2015, algorithm 1).

        m <- beta1 m + (1 - beta1) gradient          m' = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) gradient^2        v' = v / (1 - beta2^t)
        w <- w - rate m' / (sqrt(v') + epsilon)

    weights real, gradient finite, rate above 0, beta1 and beta2 from 0 to below 1, epsilon at least 0
    state  (m, v, t), or None at the start; m and v in at least double precision.  ->  (weights, state)
    An entry whose v' and epsilon are both 0 stays where it is. Raises ValueError where a square is infinite.
    """
    gradient = gradient.map(wide)
    m, v, t = (gradient * 0, gradient * 0, 0) if state is None else state
    t = t + 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient.map(np.square)
    if not v.finite:
        raise ValueError(f"gradient must have finite squares, got one of norm {gradient.norm():.3g}")

    def move(w, m, v):
        size = np.sqrt(v / (1 - beta2 ** t)) + epsilon
        step = np.divide(rate * (m / (1 - beta1 ** t)), size, out=np.zeros_like(size), where=size != 0)
        return (w - step).astype(w.dtype)

    return built(Weights, weights.each(move, m, v)), (m, v, t)


@takes(gradient=(Weights, finite), limit=positive)
def clip_by_norm(gradient, limit):
    """The finite gradient, cut to norm `limit` > 0 where it is longer (Pascanu, Mikolov & Bengio 2013, algorithm 1)."""
    norm = gradient.norm()
    if limit < norm * 1e-290:  # too far apart for limit / norm; or a norm past all floats
        return clip_by_norm(gradient / 2 ** 100, limit)
    return gradient * (limit / norm) if norm > limit else gradient


@takes(gradient=(Weights, finite, real), limit=positive)
def clip_by_value(gradient, limit):
    """The gradient, real and finite, with every entry held within +-limit; limit above 0."""
    return gradient.map(lambda array: np.clip(wide(array), -limit, limit).astype(array.dtype))
