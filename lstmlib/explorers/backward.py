"""The gradient's way back through 100 timesteps: along the cell state, through the gates, and in a plain RNN.

The loss is at the last timestep only, so what arrives at an earlier one has crossed every step between.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .. import backward, forward, init_weights, record, scale_at
from ..show import svg
from . import Explorer, Slider, Switch

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


# One random input sequence, and Wh and Wx of the RNN, uniform in +-1/sqrt(H) as the LSTM's are.
rng = np.random.default_rng(11)
X = rng.normal(size=(T, 1, D))
WH, WX = (rng.uniform(-1, 1, shape) / np.sqrt(H) for shape in ((H, H), (D, H)))


def lstm_norms(forget_bias, cut_gates):
    """Norms of what crosses dc_next and dh_next at each step, and the forget gates (T, 1, H)."""
    weights = init_weights(D, H, K=1, seed=3)
    weights = replace(weights, b=np.concatenate([weights.b[:H], np.full(H, forget_bias), weights.b[2 * H:]]))
    trace = forward(weights, X)
    crossed = record(["dh_next", "dc_next"], scale_at(["dh_next"] if cut_gates else [], 0))
    dY = np.zeros((T, 1, 1))
    dY[-1] = 1
    backward(weights, trace, dY, at=crossed)
    start = np.linalg.norm(weights.Wy)  # of dh_above at the last step, where the way back begins
    norms = [[*map(np.linalg.norm, reversed(gradients)), np.nan] for gradients in crossed.values()]
    return np.array(norms) / start, trace.f


def rnn_norms(scale):
    """Norms of dh_t in h_t = tanh(x_t Wx + h_{t-1} Wh), from a gradient of norm 1 at the last step."""
    Wh, h, slopes = scale * WH, np.zeros((1, H)), []
    for x in X:
        h = np.tanh(x @ WX + h @ Wh)
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
    """The norms from t = 100 back to t = 1, and what arrives there."""
    lines = [("LSTM, into the cell: dc_next", numbers.dc_next, dict(stroke=svg.BLUE, width=3)),
             ("LSTM, into h: dh_next", numbers.dh_next, dict(stroke=svg.RED, width=2, stroke_dasharray="7 4")),
             ("plain RNN, into h", numbers.rnn, dict(stroke=svg.INK, width=2.5, stroke_dasharray="2 4"))]
    return curves(lines), arrivals(lines, numbers.forget)


def curves(lines):
    frame = svg.Frame(72, 24, 620, 280, (1, T), (LOW, HIGH), log="y")
    parts = [frame.axes([1, 20, 40, 60, 80, 100], svg.powers_of_10(-12, 5, 4), "timestep t",
                        "norm of the gradient at t / at T", "From the loss at t = 100 back to t = 1")]
    parts += [frame.curve(range(1, T + 1), np.where(norms < LOW, np.nan, norms), **look) for _, norms, look in lines]
    parts += [svg.curve([(640, 334), (520, 334), None, (528, 329), (520, 334), (528, 339)], svg.GREY, 1.5),
              svg.text(646, 338, "way back", 12, fill=svg.GREY)]
    said = "; ".join(f"{name}, {brief(norms[0])}" for name, norms, _ in lines)
    return svg.panel("curves", 704, 344, *parts, words=f"Norms of gradients, logarithmic; at t = 1: {said}.")


def arrivals(lines, forget):
    parts = [svg.text(0, 14, "What arrives at t = 1", 13, bold=True)]
    for y, (name, norms, look) in zip((46, 104, 162), lines):
        parts += [svg.line(0, y - 4, 40, y - 4, **look), svg.text(50, y, name, 13),
                  svg.text(50, y + 21, brief(norms[0]), 16, bold=True)]
    parts += [svg.text(50, 220, "forget gates, on average", 13), svg.text(50, 241, f"f = {forget:.3f}", 16, bold=True)]
    return svg.panel("arrivals", 260, 250, *parts, words=f"Forget gates are {forget:.3f} on average.")


def brief(norm):
    """A norm in two digits, in words where it is outside the picture or zero."""
    if norm < LOW:
        return "below 1e-12" if norm else "nothing"
    return f"{norm:.1e}" if norm < 0.01 else f"{float(f'{norm:.2g}'):g}"


def headline(state, numbers):
    arrived = numbers.dc_next[0]
    if arrived >= 0.01:
        return True, "Along the cell state the gradient arrives"
    return False, "Along the cell state the gradient " + ("has vanished" if arrived < 1e-6 else "has all but vanished")


def words(state, numbers):
    gates = "is cut" if state.cut_gates else f"carries {brief(numbers.dh_next[0])}"
    return (f"Of a gradient of norm 1 into h at the last of 100 timesteps, the LSTM's cell path still carries "
            f"{brief(numbers.dc_next[0])} at the first (forget gates about {numbers.forget:.2f}), "
            f"the path through the gates {gates}, and the plain RNN {brief(numbers.rnn[0])}.")


PRESETS = {"Gates half open": dict(forget_bias=0.0), "Gates open": dict(forget_bias=6.0),
           "Cell path alone": dict(forget_bias=6.0, cut_gates=True), "RNN explodes": dict(rnn_scale=3.0)}
BIASES, FACTORS = [b / 2 for b in range(-8, 17)], [s / 4 for s in range(2, 21)]


def gradient_flow():
    """The explorer of notebook 3."""
    controls = {
        "forget_bias": Slider("forget bias", BIASES, labels=[f"{b:+.1f}" for b in BIASES]),
        "cut_gates": Switch("cut the path through the gates (dh_next)"),
        "rnn_scale": Slider("RNN: Wh times", FACTORS, labels=[f"{s:.2f}" for s in FACTORS])}
    return Explorer("The way back through 100 timesteps", Flow(), controls, numbers, draw, words, headline, PRESETS)
