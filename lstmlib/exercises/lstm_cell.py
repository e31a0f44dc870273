"""Feedback on the exercises of notebook 02."""

import numbers
from dataclasses import replace

import numpy as np

from .. import Weights, forward, init_weights
from ..cell import sigmoid
from .base import NotYet, brief, check, expect

LATCH_T = 30


@check
def count_parameters(answer):
    """Three gates and the candidate, each with D + H weights and a bias for every hidden unit; then the outputs."""
    for D, H, K in ((7, 5, 3), (1, 1, 1), (10, 32, 5)):
        received, expected = answer(D, H, K), 4 * H * (D + H + 1) + K * (H + 1)
        known = _parameter_hints(D, H, K) if D == 7 else {}  # in the other sizes different mistakes give one number
        hint = known.get(received, "") if isinstance(received, numbers.Number) else ""
        expect(received, expected, f"D = {D}, H = {H}, K = {K}", hint)


def _parameter_hints(D, H, K):
    """The causes of wrong numbers of parameters."""
    return {
        4 * H * (D + H + 1): "the output layer has parameters too: Wy and by.",
        4 * H * (D + H) + K * H: "each of i, f, g, o has a bias for every hidden unit, and so has each output.",
        4 * H * (D + H) + K * (H + 1): "each of i, f, g, o has a bias for every hidden unit.",
        4 * H * (D + H + 1) + K * H: "each output has a bias.",
        H * (D + H + 1) + K * (H + 1): "i, f, g and o have weights of their own each.",
        3 * H * (D + H + 1) + K * (H + 1): "beside the three gates, the candidate has weights of its own.",
        4 * H * (D + H) + H + K * (H + 1): "i, f, g and o have biases of their own each: b is (4H,).",
        4 * H * (D + 1) + K * (H + 1): "the previous hidden state comes in through weights, too: Wh.",
        4 * H * (D + 1) + H * H + K * (H + 1): "h_{t-1} goes into all of i, f, g and o: Wh is (H, 4H).",
        4 * H * (H + 1) + D * H + K * (H + 1): "x_t goes into all of i, f, g and o: Wx is (D, 4H).",
        4 * H * (D + H + 2) + K * (H + 1): "there is one bias b here; PyTorch keeps two, which are added.",
    }


def latch_weights(b_i, b_f, b_g, b_o):
    """The cell of exercise 2.2: inputs (value, write), one hidden unit."""
    Wx = [[0, 0, 1, 0], [12, 0, 0, 0]]
    return Weights(*(np.array(array, float) for array in (Wx, np.zeros((1, 4)), [b_i, b_f, b_g, b_o], [[1]], [0])))


def latch_sequence(value, arrival, seed):
    """Input (LATCH_T, 1, 2): values in -1..1 at every step, `value` and the write marker at one."""
    X = np.zeros((LATCH_T, 1, 2))
    X[:, 0, 0] = np.random.default_rng(seed).uniform(-1, 1, LATCH_T)
    X[arrival, 0] = value, 1
    return X


@check
def latch(answer):
    """The number stays within 5% for more than 20 steps, and the values before and after it leave no trace."""
    biases = answer()
    if biases is None or biases is ... or any(bias is None or bias is ... for bias in np.ravel(biases)):
        raise NotImplementedError
    if np.shape(biases) != (4,):
        raise NotYet(f"Expected four biases (b_i, b_f, b_g, b_o), received {biases!r}.")
    for value, arrival, seed in ((0.8, 4, 1), (-0.5, 0, 2), (0.3, 8, 3)):
        trace = forward(latch_weights(*biases), latch_sequence(value, arrival, seed))
        wanted, c, h = np.tanh(value), trace.c[:, 0, 0], trace.h[:, 0, 0]
        given = f"the value {value} written at step {arrival + 1}"
        off = np.abs(c / wanted - 1)
        worst = arrival + off[arrival:].argmax()
        if off[worst] > 0.05:
            raise NotYet(f"For {given}: expected c = {wanted:.3f} to within 5% from there to step {LATCH_T}, received "
                         f"{c[worst]:.3f} at step {worst + 1}, {100 * off[worst]:.1f}% off. "
                         f"Hint: {_latch_hint(trace, arrival)}")
        if h[-1] / np.tanh(c[-1]) < 0.98:
            raise NotYet(f"For {given}: c is right, but h ends at {h[-1]:.3f} where tanh(c) is {np.tanh(c[-1]):.3f}. "
                         f"Hint: the output gate shows only {100 * trace.o[-1, 0, 0]:.0f}%: b_o should be larger.")


def _latch_hint(trace, arrival):
    """Every gate that stands in the way."""
    i, f, g = (gate[:, 0, 0] for gate in (trace.i, trace.f, trace.g))
    if abs(g[arrival] - np.tanh(trace.X[arrival, 0, 0])) > 1e-3:
        return "the candidate must be tanh(value); a bias b_g other than 0 shifts it."
    hints, kept = [], f[arrival + 1:].prod()
    if i[arrival] < 0.95:
        hints.append(f"the input gate lets in only {100 * i[arrival]:.0f}% of the candidate: the write marker adds 12 "
                     "to b_i, and the sum should be well above 0.")
    if kept < 0.95:
        hints.append(f"each forget gate keeps {f[-1]:.3f}, and the product over {len(f) - arrival - 1} steps is "
                     f"{kept:.2g}: b_f should be larger.")
    if i[-1] > 0.005 or not hints:
        hints.append(f"without the write marker the input gate still lets in {100 * i[-1]:.1f}% of every value: b_i "
                     "should be lower.")
    return " Also, ".join(hints)


@check
def all_inputs_at_once(answer):
    """The input's part of i, f, g and o, for all timesteps and sequences, before the first step is taken."""
    for T, B, D, H in ((5, 3, 2, 6), (2, 4, 3, 2), (1, 1, 1, 1)):
        weights = init_weights(D, H, 1, seed=T)
        X = np.random.default_rng(B).normal(size=(T, B, D))
        product = X.reshape(T * B, D) @ weights.Wx
        expected = (product + weights.b).reshape(T, B, 4, H)
        received = answer(weights, X)
        swapped = (product + weights.b).reshape(T, B, H, 4).swapaxes(2, 3)
        hint = ""
        if np.shape(received) == (T, B, 4 * H):
            hint = "the numbers are there; the last axis has yet to be parted into four quarters of H units."
        elif T != B and np.shape(received) == (B, T, 4, H):
            hint = "time comes first, then the batch: (T, B, 4, H)."
        elif np.shape(received) == (4, T, B, H):
            hint = "the four quarters stand in front; they belong between batch and units, on the third axis."
        elif np.shape(received) == (T * B, 4, H):
            hint = "the rows of the product are T times B of them; part them into (T, B) again."
        elif np.shape(received) == (T, B, H, 4):
            hint = "the gates come before the units: in z the H numbers of i come first, then the H numbers of f."
        elif np.shape(received) == expected.shape and np.allclose(received, swapped):
            hint = "the H numbers of i come first in z, then those of f: part 4H into (4, H), not into (H, 4)."
        elif np.shape(received) == expected.shape and np.allclose(received, product.reshape(T, B, 4, H)):
            hint = "the bias b is missing."
        elif np.shape(received) == expected.shape and np.allclose(received[:, :, 1], sigmoid(expected[:, :, 1])):
            hint = "no sigmoid and no tanh yet: h_{t-1} Wh has still to be added."
        received = np.asarray(received) if isinstance(received, list | tuple) else received
        expect(received, expected, f"T = {T}, B = {B}, D = {D}, H = {H}", hint)


@check
def counter(answer):
    """The cell counts, and starts anew when it is told to: the forget gate is the eraser."""
    weights = answer()
    if weights is None or weights is ...:
        raise NotImplementedError
    if not isinstance(weights, Weights) or (weights.D, weights.H) != (2, 1):
        raise NotYet(f"Expected Weights with D = 2 and H = 1, received {weights!r}.")
    for seed in range(3):
        X, expected = counter_sequence(seed)
        trace = forward(weights, X)
        c = trace.c[:, 0, 0]
        wrong = np.flatnonzero(np.abs(c - expected) > 0.1)
        if len(wrong):
            t = wrong[0]
            before = c[t - 1] if t else 0
            raise NotYet(f"At step {t + 1} with (count, reset) = {brief(X[t, 0])} and c = {before:.3f} before it: "
                         f"expected c = {expected[t]:.0f} to within 0.1, received {c[t]:.3f}. "
                         f"Hint: {_counter_hint(weights, trace, expected, t)}")


def counter_sequence(seed, T=25):
    """Input (T, 1, 2) of zeros and ones, and the right count (T,): ones of the first input since the last reset."""
    rng = np.random.default_rng(seed)
    X = np.zeros((T, 1, 2))
    X[:, 0, 0] = rng.integers(0, 2, T)
    X[[7, 16], 0, 1] = 1
    X[7, 0, 0], X[16, 0, 0] = 0, 1
    count = np.zeros(T)
    for t in range(T):
        count[t] = (count[t - 1] if t and not X[t, 0, 1] else 0) + X[t, 0, 0]
    return X, count


def _counter_hint(weights, trace, expected, t):
    """The gate that did most to make the count wrong at step t (from 0), since the last reset."""
    if abs(forward(replace(weights, Wh=np.zeros((1, 4))), trace.X).c[t, 0, 0] - expected[t]) <= 0.1:
        return "Wh lets h_{t-1} join in; here the inputs alone should set the gates and the candidate."
    start = max(np.flatnonzero(trace.X[:t + 1, 0, 1]), default=0)
    i, f, g, c_before = (array[start:t + 1, 0, 0] for array in (trace.i, trace.f, trace.g, trace.c_prev))
    count, reset = trace.X[start:t + 1, 0].T
    kept, added = (f - (1 - reset)) * c_before, i * g - count  # what is wrong with f c_{t-1}, and with i g
    if abs(kept.sum()) > abs(added.sum()):
        worst = np.argmax(abs(kept))
        return _forget_hint(weights, count[worst], reset[worst], f[worst])
    worst = np.argmax(abs(added))
    return _input_hint(weights, count[worst], reset[worst], f"i = {i[worst]:.2f} and g = {g[worst]:.2f}")


def _forget_hint(weights, count, reset, f):
    if reset:
        return f"the reset did not close the forget gate, it is {f:.2f}: it needs a large negative weight there."
    if count and weights.Wx[0, 1] < 0 and sigmoid(weights.b[1]) > 0.99:
        return (f"a 1 without a reset must leave the forget gate open, but it is {f:.2f} there: only the reset, the "
                "second row of Wx, may close it.")
    return (f"without a reset the forget gate must be so close to 1 that the count lasts for many steps; at {f:.4f} "
            "it fades: raise b_f.")


def _input_hint(weights, count, reset, found):
    if count and not (weights.Wx[0, 0] or weights.Wx[0, 2]):
        return ("a 1 must add i g = 1, but count reaches neither the input gate nor the candidate: the first row of Wx "
                "belongs to count, the second to reset.")
    if reset and (weights.Wx[1, 0] or weights.Wx[1, 2]):
        rule = "a 1 with a reset is the first of the new count" if count else "a reset by itself adds nothing"
        return f"{rule}: only the forget gate may react to the reset."
    if count:
        return (f"a 1 must add i g = 1, and there {found}: the input gate should be open, and the candidate saturated "
                "at tanh(large) = 1.")
    return (f"a 0 must add nothing, and there {found}: either the candidate is 0 (a weight from count, no bias) or the "
            "input gate is shut.")
