"""What tests share: random problems, an LSTM to compare with, how far apart two gradients or colours are."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

import lstmlib


@dataclass(frozen=True)
class Problem:
    """Random weights and data; no bias is zero, so that no fault hides behind one."""

    weights: lstmlib.Weights
    X: np.ndarray
    h0: np.ndarray
    c0: np.ndarray
    dY: np.ndarray
    targets: np.ndarray
    labels: np.ndarray

    @cached_property
    def trace(self):
        return lstmlib.forward(self.weights, self.X, self.h0, self.c0)


def random_weights(D=2, H=5, K=3, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    shapes = (D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)
    return lstmlib.Weights(*(rng.normal(0, 0.7, shape).astype(dtype) for shape in shapes))


def random_problem(T=4, B=3, D=2, H=5, K=3, seed=0, dtype=float):
    rng = np.random.default_rng([seed, T, B])
    shapes = (T, B, D), (B, H), (B, H), (T, B, K), (T, B, K)
    arrays = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    return Problem(random_weights(D, H, K, seed, dtype), *arrays, rng.integers(0, K, (T, B)))


def random_masks(T, B, seed=0):
    """{name: mask}: the ways in which items can be left out."""
    random = np.random.default_rng(seed).random((T, B)) < 0.6
    random[-1, 0] = True
    one_sequence_out, last_step_only, nothing = random.copy(), np.zeros((T, B), bool), np.zeros((T, B), bool)
    one_sequence_out[:, -1] = False
    last_step_only[-1] = True
    return {"no mask": None, "random": random, "one sequence out": one_sequence_out,
            "last step only": last_step_only, "nothing counts": nothing}


def textbook(arrays, X, h, c, numpy=np):
    """The LSTM once more, sharing nothing with lstmlib: Y, and of each timestep x, h_prev, c_prev, i, f, g, o, c, h."""
    (Wx, Wh, b, Wy, by), H, trail = arrays, h.shape[1], []
    for x in X:
        z = x @ Wx + h @ Wh + b
        i, f, o = (1 / (1 + numpy.exp(-z[:, gate * H:(gate + 1) * H])) for gate in (0, 1, 3))
        g, h_prev, c_prev = numpy.tanh(z[:, 2 * H:3 * H]), h, c
        c = f * c_prev + i * g
        h = o * numpy.tanh(c)
        trail.append((x, h_prev, c_prev, i, f, g, o, c, h))
    return numpy.stack([h @ Wy + by for *_, h in trail]), trail


def arrays_of(weights):
    """The five arrays of weights, as `textbook` takes them."""
    return [array for _, array in weights.items()]


def complex_step(f, array):
    """The gradient of f (a real function of arrays) at the array: Im f(x + ih) / h, entry by entry."""
    slopes = np.empty_like(array)
    for index in np.ndindex(array.shape):
        moved = array.astype(complex)
        moved[index] += 1e-20j
        slopes[index] = f(moved).imag / 1e-20
    return slopes


def everywhere(weights, value):
    """Weights of the same sizes and dtype, with every entry `value`."""
    return weights.map(lambda array: np.full_like(array, value))


def distance(array, truth):
    """||array - truth|| / ||truth||; 0 where both are zero."""
    difference, size = np.linalg.norm(np.ravel(array - truth)), np.linalg.norm(np.ravel(truth))
    return 0.0 if difference == 0 else difference / size if size else np.inf


def assert_close(gradient, truth, tolerance):
    """Every one of the five arrays, by itself, is within `tolerance` of the truth."""
    for (name, array), (_, wanted) in zip(gradient.items(), truth.items()):
        assert distance(array, wanted) <= tolerance, name


def formula(names, text):
    """A function of these arguments (names with spaces between), written as a reader would write its one line."""
    return lambda *given: eval(text, vars(np) | dict(zip(names.split(), given)))


def drawn(panels):
    """All panels of a picture as one SVG text."""
    return f"<svg>{''.join(panel.svg for panel in panels)}</svg>"


def contrast(one, other):
    """Of two colours "#rrggbb", as WCAG has it."""
    def light(colour):
        parts = (int(colour[k:k + 2], 16) / 255 for k in (1, 3, 5))
        linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear))

    low, high = sorted(map(light, (one, other)))
    return (high + 0.05) / (low + 0.05)
