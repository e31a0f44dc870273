"""JAX with optax.MultiSteps: does each token weigh the same?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from items import IGNORED, SYMBOLS, keep, length, make_items, padded, show, tokens

from lstmlib.weighing import examine


def init():
    draw = np.random.default_rng(0)
    return {name: jnp.array(draw.normal(size=shape) / 4) for name, shape in
            {"embed": (SYMBOLS, 8), "Wh": (8, 8), "Wy": (8, SYMBOLS)}.items()}


def losses(weights, batch):
    """The loss of every token, 0 where none counts: (B, T)."""
    def step(h, x):
        h = jnp.tanh(x + h @ weights["Wh"])
        return h, h

    X = weights["embed"][batch["input_ids"]].swapaxes(0, 1)
    _, h = jax.lax.scan(step, jnp.zeros(X.shape[1:]), X)
    labels = batch["labels"]
    each = optax.softmax_cross_entropy_with_integer_labels(h.swapaxes(0, 1) @ weights["Wy"], jnp.maximum(labels, 0))
    return jnp.where(labels != IGNORED, each, 0)


@jax.jit
@jax.grad
def gradient_of(weights, batch, n):
    """The gradient of the batch's summed loss over n."""
    return losses(weights, batch).sum() / n


def broken(weights, micro_batches):
    """A mean in each micro-batch; MultiSteps takes the mean over them."""
    optimiser = optax.MultiSteps(optax.sgd(1.0), len(micro_batches))
    state = optimiser.init(weights)
    for batch in micro_batches:
        n = jnp.maximum((batch["labels"] != IGNORED).sum(), 1)
        updates, state = optimiser.update(gradient_of(weights, batch, n), state, weights)
    return updates


def repaired(weights, micro_batches):
    """Sums over the total count, added up."""
    optimiser = optax.MultiSteps(optax.sgd(1.0), len(micro_batches), use_grad_mean=False)
    state = optimiser.init(weights)
    n = max(sum((batch["labels"] != IGNORED).sum() for batch in micro_batches), 1)
    for batch in micro_batches:
        updates, state = optimiser.update(gradient_of(weights, batch, n), state, weights)
    return updates


def examine_loop(step):
    weights = init()

    def gradient(pieces):
        updates = step(weights, [{key: jnp.array(rows) for key, rows in padded(piece).items()} for piece in pieces])
        return jax.tree.map(jnp.negative, updates)  # SGD with rate 1

    return examine(gradient, make_items(), tokens, length, keep, means="tokens")


def reports():
    return {"broken": examine_loop(broken), "repaired": examine_loop(repaired)}


if __name__ == "__main__":
    show(reports())
