"""The same LSTM, forward and backward, in five libraries and styles.

Each function takes (weights, X, dY) and returns (run, gradients). `run()` is what is timed: forward through all
timesteps and the output layer, then the gradient of sum(Y * dY) with respect to the five arrays of `weights`, not to X.
`gradients(result)` turns what `run` returned into a `lstmlib.Weights`, so that all can be compared before that.
"""

import numpy as np

import lstmlib


def ours(weights, X, dY):
    """lstmlib.forward and lstmlib.backward."""
    return lambda: lstmlib.backward(weights, lstmlib.forward(weights, X), dY), lambda gradient: gradient


def numpy_steps(weights, X, dY):
    """lstmlib.step and lstmlib.step_backward, one timestep after the other: the equations as notebooks show them."""
    zeros = np.zeros((X.shape[1], weights.H), weights.dtype)

    def run():
        traces, h, c = [], zeros, zeros
        for x in X:
            y, h, c, trace = lstmlib.step(weights, x, h, c)
            traces.append(trace)
        total, dh, dc = None, zeros, zeros
        for trace, dy in zip(reversed(traces), dY[::-1]):
            gradient, dh, dc = lstmlib.step_backward(weights, trace, dy, dh, dc)
            total = gradient if total is None else total + gradient
        return total

    return run, lambda gradient: gradient


def hips_autograd(weights, X, dY):
    """HIPS autograd over the same forward pass in NumPy: one product for all inputs, one tanh for all gates."""
    import autograd.numpy as anp
    from autograd import grad

    T, B, D = X.shape
    H = weights.H
    stretch = np.repeat(np.array([0.5, 0.5, 1, 0.5], weights.dtype), H)
    zeros = np.zeros((B, H), weights.dtype)

    def objective(arrays):
        Wx, Wh, b, Wy, by = arrays
        Wh = Wh * stretch
        Z = anp.reshape(anp.dot(X.reshape(T * B, D), Wx * stretch) + b * stretch, (T, B, 4 * H))
        h, c, hiddens = zeros, zeros, []
        for t in range(T):
            gates = anp.tanh(Z[t] + anp.dot(h, Wh)) * stretch + (1 - stretch)
            i, f, g, o = gates[:, :H], gates[:, H:2 * H], gates[:, 2 * H:3 * H], gates[:, 3 * H:]
            c = f * c + i * g
            h = o * anp.tanh(c)
            hiddens.append(h)
        return anp.sum((anp.dot(anp.stack(hiddens), Wy) + by) * dY)

    gradient = grad(objective)
    arrays = tuple(array for _, array in weights.items())
    return lambda: gradient(arrays), lambda result: lstmlib.Weights(*result)


def torch_lstm(weights, X, dY):
    """torch.nn.LSTM and torch.nn.Linear with autograd. The second bias of torch is zero and gets no gradient."""
    import torch

    X, dY = torch.tensor(X), torch.tensor(dY)
    lstm = torch.nn.LSTM(weights.D, weights.H, dtype=X.dtype)
    output = torch.nn.Linear(weights.H, weights.K, dtype=X.dtype)
    parameters = [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, output.weight, output.bias]
    with torch.no_grad():
        lstm.bias_hh_l0.zero_()
        for parameter, (_, array) in zip(parameters, weights.items()):
            parameter.copy_(torch.tensor(array.T))
    lstm.bias_hh_l0.requires_grad_(False)
    return (lambda: torch.autograd.grad(output(lstm(X)[0]), parameters, dY),
            lambda result: lstmlib.Weights(*(tensor.numpy().T for tensor in result)))


def jax_scan(weights, X, dY):
    """jax.jit(jax.grad(...)) of a jax.lax.scan, compiled beforehand; the inputs' product stands outside the scan."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # allows float64; float32 arrays stay float32
    H = weights.H
    zeros = jnp.zeros((X.shape[1], H), weights.dtype)

    def objective(arrays, X, dY):
        Wx, Wh, b, Wy, by = arrays

        def step(state, z_x):
            h, c = state
            z = z_x + h @ Wh
            i, f, o = (jax.nn.sigmoid(z[:, k * H:(k + 1) * H]) for k in (0, 1, 3))
            c = f * c + i * jnp.tanh(z[:, 2 * H:3 * H])
            h = o * jnp.tanh(c)
            return (h, c), h

        _, hiddens = jax.lax.scan(step, (zeros, zeros), X @ Wx + b)
        return jnp.sum((hiddens @ Wy + by) * dY)

    given = tuple(jnp.asarray(array) for _, array in weights.items()), jnp.asarray(X), jnp.asarray(dY)
    compiled = jax.jit(jax.grad(objective)).lower(*given).compile()
    return (lambda: jax.block_until_ready(compiled(*given))), lambda result: lstmlib.Weights(*map(np.asarray, result))


CONTESTANTS = {"lstmlib": ours, "torch.nn.LSTM": torch_lstm, "JAX jit/scan": jax_scan, "autograd": hips_autograd,
               "step by step": numpy_steps}
