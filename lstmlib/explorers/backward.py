"""The gradient's way back through 100 timesteps: along the cell state, through the gates, and in a plain RNN.

The loss is at the last timestep only, so what arrives at an earlier one has crossed every step between.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import backward, forward, init_weights, record, scale_at
from ..show import svg
from .base import Explorer
from .controls import Slider, Switch

T, D, H = 100, 2, 8
LOW, HIGH = 1e-12, 1e4  # the limits of the picture; a line stops where it falls below


@dataclass(frozen=True)
class Flow:
    """The bias of the forget gates, the factor on the RNN's recurrent weights, and whether the gates' path is cut."""

    forget_bias: float = 1.0
    rnn_scale: float = 1.0
    cut_gates: bool = False


class Numbers(NamedTuple):
    """Norms of gradients that arrive at each timestep t = 1..T, relative to the norm at T: arrays (T,)."""

    dc_next: np.ndarray  # along the cell state
    dh_next: np.ndarray  # through the gates into the hidden state
    rnn: np.ndarray      # into the hidden state of the plain RNN
    forget: float        # geometric mean of the forget gates along the sequence


@lru_cache
def inputs():
    """One random input sequence, and Wh and Wx of the RNN, uniform in +-1/sqrt(H) as the LSTM's are."""
    rng = np.random.default_rng(11)
    return rng.normal(size=(T, 1, D)), *(rng.uniform(-1, 1, shape) / np.sqrt(H) for shape in ((H, H), (D, H)))


def lstm_norms(forget_bias, cut_gates):
    """Norms of what crosses dc_next and dh_next at each step, and the forget gates (T, 1, H)."""
    weights = init_weights(D, H, K=1, seed=3)
    b = weights.b.copy()
    b[H:2 * H] = forget_bias
    weights = replace(weights, b=b)
    trace = forward(weights, inputs()[0])
    crossed = record(["dh_next", "dc_next"], scale_at(["dh_next"] if cut_gates else [], 0))
    dY = np.zeros((T, 1, 1))
    dY[-1] = 1
    backward(weights, trace, dY, at=crossed)
    start = np.linalg.norm(weights.Wy)  # of dh_above at the last step, where the way back begins
    norms = [[*map(np.linalg.norm, reversed(gradients)), np.nan] for gradients in crossed.values()]
    return np.array(norms) / start, trace.f


def rnn_norms(scale):
    """Norms of dh_t in h_t = tanh(x_t Wx + h_{t-1} Wh), from a gradient of norm 1 at the last step."""
    X, Wh, Wx = inputs()
    Wh, h, slopes = scale * Wh, np.zeros((1, H)), []
    for x in X:
        h = np.tanh(x @ Wx + h @ Wh)
        slopes.append(1 - h ** 2)
    dh, norms = np.ones((1, H)) / np.sqrt(H), []
    for slope in reversed(slopes):
        norms.append(np.linalg.norm(dh))
        dh = (dh * slope) @ Wh.T
    return np.array(norms[::-1])


def numbers(state):
    (dh_next, dc_next), f = lstm_norms(state.forget_bias, state.cut_gates)
    return Numbers(dc_next, dh_next, rnn_norms(state.rnn_scale), float(np.exp(np.log(f).mean())))


def draw(state, numbers):
    frame = svg.Frame(90, 40, 640, 300, (1, T), (LOW, HIGH), log="y")
    ticks = [(10.0 ** k, f"1e{k}" if k else "1") for k in range(-12, 5, 4)]
    steps = range(1, T + 1)
    curves = [("LSTM, into the cell: dc_next", numbers.dc_next, dict(stroke=svg.BLUE, width=3)),
              ("LSTM, into h: dh_next", numbers.dh_next, dict(stroke=svg.RED, stroke_dasharray="7 4")),
              ("plain RNN, into h", numbers.rnn, dict(stroke=svg.INK, stroke_dasharray="2 4", width=2.5))]
    parts = [frame.axes([1, 20, 40, 60, 80, 100], ticks, "timestep t", "norm of the gradient at t / at T",
                        "From the loss at t = 100 back to t = 1")]
    parts += [frame.curve(steps, np.where(norms < LOW, np.nan, norms), **look) for _, norms, look in curves]
    parts += [svg.line(640, 368, 520, 368, stroke=svg.GREY, width=1.5),
              svg.curve([(528, 363), (520, 368), (528, 373)], stroke=svg.GREY),
              svg.text(648, 372, "the way back", 12, fill=svg.GREY)]
    parts += [svg.text(750, 52, "arrives at t = 1", 13, font_weight="bold")]
    for row, (name, norms, look) in enumerate(curves):
        y = 82 + 56 * row
        width = look.get("width", 2)
        parts += [svg.line(750, y - 4, 790, y - 4, width=width, **{k: v for k, v in look.items() if k != "width"}),
                  svg.text(798, y, name, 12), svg.text(798, y + 19, brief(norms[0]), 14, font_weight="bold")]
    parts += [svg.text(750, 262, "forget gates, on average", 12),
              svg.text(750, 283, f"f = {numbers.forget:.3f}", 14, font_weight="bold")]
    return (svg.panel("all", 1010, 390, *parts, words=words(state, numbers)),)


def brief(norm):
    """A norm in two digits, in words where it is outside the picture or zero."""
    if norm == 0:
        return "nothing"
    if norm < LOW:
        return "below 1e-12"
    return f"{norm:.1e}" if not 0.01 <= norm < 100 else f"{norm:.2g}"


def words(state, numbers):
    gates = "is cut" if state.cut_gates else f"carries {brief(numbers.dh_next[0])}"
    return (f"Of a gradient of norm 1 into h at the last of 100 timesteps, the LSTM's cell path still carries "
            f"{brief(numbers.dc_next[0])} at the first (forget gates about {numbers.forget:.2f}), "
            f"the path through the gates {gates}, and the plain RNN {brief(numbers.rnn[0])}.")


def gradient_flow():
    """The explorer of notebook 3."""
    biases, factors = [b / 2 for b in range(-8, 17)], [s / 4 for s in range(2, 21)]
    controls = {
        "forget_bias": Slider("forget bias", biases, labels=[f"{b:+.1f}" for b in biases]),
        "rnn_scale": Slider("RNN: Wh times", factors, labels=[f"{s:.2f}" for s in factors]),
        "cut_gates": Switch("cut the path through the gates (dh_next)"),
    }
    presets = {"Gates half open": dict(forget_bias=0.0), "Gates open": dict(forget_bias=6.0),
               "Cell path alone": dict(forget_bias=6.0, cut_gates=True),
               "RNN explodes": dict(rnn_scale=3.0)}
    return Explorer("The way back through 100 timesteps", Flow(), controls, numbers, draw, words, presets=presets,
                    poster=("Reset", "Gates open"))
