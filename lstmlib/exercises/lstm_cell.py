"""Feedback on the exercises of notebook 02."""

from dataclasses import replace

import numpy as np

from .. import Weights, forward, init_weights
from ..cell import sigmoid
from .base import NotYet, answered, check, expect, likely

LATCH_T = 30
# The counter: its two inputs, and the number of ones in the first since the last one in the second.
COUNT, RESET = (np.array([*digits], float) for digits in ("1100000001111111111101100", "0010000000000000100000000"))
COUNTED = COUNT.cumsum() - np.maximum.accumulate(RESET * (COUNT.cumsum() - COUNT))


@check
def count_parameters(answer):
    """Three gates and the candidate, each with D + H weights and a bias for every hidden unit; then the outputs."""
    for D, H, K in ((7, 5, 3), (1, 1, 1), (10, 32, 5)):
        mistakes = {
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
        } if D == 7 else {}  # elsewhere different mistakes give one number
        expect(answer(D, H, K), 4 * H * (D + H + 1) + K * (H + 1), f"D = {D}, H = {H}, K = {K}",
               mistakes=mistakes.items())


@check
def latch(answer):
    """The number stays within 5% for more than 20 steps, and the values before and after it leave no trace."""
    biases = answer()
    if any(bias is None or bias is ... for bias in np.ravel(biases)):
        raise NotImplementedError
    if np.shape(biases) != (4,):
        raise NotYet(f"Expected four biases (b_i, b_f, b_g, b_o), received {biases!r}.")
    Wx = [[0, 0, 1, 0], [12, 0, 0, 0]]  # of the inputs value and write
    weights = Weights(*(np.array(array, float) for array in (Wx, np.zeros((1, 4)), biases, [[1]], [0])))
    for value, arrival, seed in ((0.8, 4, 1), (-0.5, 0, 2), (0.3, 8, 3)):
        values = np.random.default_rng(seed).uniform(-1, 1, LATCH_T)
        X = np.column_stack([values, np.zeros(LATCH_T)])[:, None]
        X[arrival] = value, 1
        trace = forward(weights, X)
        wanted, c, h = np.tanh(value), trace.c.ravel(), trace.h.ravel()
        given = f"the value {value} written at step {arrival + 1}"
        off = np.round(np.abs(c / wanted - 1), 3)  # as far as it is printed
        worst = arrival + off[arrival:].argmax()
        if off[worst] > 0.05:
            raise NotYet(f"For {given}: expected c = {wanted:.3f} to within 5% from there to step {LATCH_T}, received "
                         f"{c[worst]:.3f} at step {worst + 1}, {off[worst]:.1%} off. "
                         f"Hint: {_latch_hint(*biases, LATCH_T - 1 - arrival)}")
        shown = np.round(sigmoid(biases[3]), 3)
        if shown < 0.98:
            raise NotYet(f"For {given}: c is right, but h ends at {h[-1]:.3f} where tanh(c) is {np.tanh(c[-1]):.3f}. "
                         f"Hint: the output gate shows only {shown:.1%}: b_o should be larger.")


def _latch_hint(b_i, b_f, b_g, b_o, steps):
    """Every gate that stands in the way of c, where what is written has to last for some steps."""
    hints = (
        (b_g, "the candidate must be tanh(value); a bias b_g other than 0 shifts it."),
        (b_i < -8, f"the input gate lets in only {sigmoid(b_i + 12):.0%} of the candidate: the write marker adds 12 to "
                   "b_i, and the sum should be well above 0."),
        (b_f < 7, f"each forget gate keeps {sigmoid(b_f):.3f}, and the product over {steps} steps is "
                  f"{sigmoid(b_f) ** steps:.2g}: b_f should be larger."),
        (b_i > -6, f"without the write marker the input gate still lets in {sigmoid(b_i):.1%} of every value: b_i "
                   "should be lower."))
    return " Also, ".join(hint for holds, hint in hints if holds)


@check
def all_inputs_at_once(answer):
    """The input's part of i, f, g and o, for all timesteps and sequences, before the first step is taken."""
    for T, B, D, H in ((5, 3, 2, 6), (2, 4, 3, 2), (1, 1, 1, 1)):
        weights = init_weights(D, H, 1)
        X = np.random.default_rng(B).normal(size=(T, B, D))
        expected = (X @ weights.Wx + weights.b).reshape(T, B, 4, H)
        received = answer(weights, X)
        hint = _inputs_hint(received, expected, weights.b)
        received = np.asarray(received) if isinstance(received, list | tuple) else received
        expect(received, expected, f"T = {T}, B = {B}, D = {D}, H = {H}", hint)


def _inputs_hint(received, expected, b):
    """The cause of a wrong shape, or of wrong numbers; nothing where it is not known."""
    T, B, _, H = expected.shape
    if np.shape(received) != expected.shape:
        return {
            (T, B, 4 * H): "the numbers are there; the last axis has yet to be parted into four quarters of H units.",
            (B, T, 4, H): "time comes first, then the batch: (T, B, 4, H).",
            (4, T, B, H): "the four quarters stand in front; they belong between batch and units, on the third axis.",
            (T * B, 4, H): "the rows of the product are T times B of them; part them into (T, B) again.",
            (T, B, H, 4): "the gates come before the units: in z the H numbers of i come first, then those of f.",
        }.get(np.shape(received))
    early = "no sigmoid and no tanh yet: h_{t-1} Wh has still to be added."
    gates = np.where(np.arange(4)[:, None] == 2, np.tanh(expected), sigmoid(expected))
    return likely(received, (
        (expected.reshape(T, B, H, 4).swapaxes(2, 3),
         "the H numbers of i come first in z, then those of f: part 4H into (4, H), not into (H, 4)."),
        (expected - b.reshape(4, H), "the bias b is missing."), (sigmoid(expected), early), (gates, early)))


@check
def counter(answer):
    """The cell counts, and starts anew when it is told to: the forget gate is the eraser."""
    weights = answered(answer())
    if not isinstance(weights, Weights) or (weights.D, weights.H) != (2, 1):
        raise NotYet(f"Expected Weights with D = 2 and H = 1, received {weights!r}.")
    trace, wrong = _counted_by(weights)
    if len(wrong):
        t = wrong[0]
        raise NotYet(f"At step {t + 1} with (count, reset) = ({COUNT[t]:.0f}, {RESET[t]:.0f}) and c = "
                     f"{trace.c_prev[t, 0, 0]:.3f} before it: expected c = {COUNTED[t]:.0f} to within 0.1, received "
                     f"{trace.c[t, 0, 0]:.3f}. Hint: {_counter_hint(weights, trace, t)}")


def _counted_by(weights):
    """The trace, and the steps (from 0) at which c is more than 0.1 off, to the three decimals that are printed."""
    trace = forward(weights, np.column_stack([COUNT, RESET])[:, None])
    return trace, np.flatnonzero(np.round(np.abs(trace.c.ravel() - COUNTED), 3) > 0.1)


def _counter_hint(weights, trace, t):
    """What did most, up to step t (from 0), to make the count wrong there."""
    if t not in _counted_by(replace(weights, Wh=np.zeros_like(weights.Wh)))[1]:
        return "Wh lets h_{t-1} join in; here the inputs alone should set the gates and the candidate."
    i, f, g, c_before = (array.ravel() for array in (trace.i, trace.f, trace.g, trace.c_prev))
    wrong = np.abs([(f - (1 - RESET)) * c_before, i * g - COUNT])[:, :t + 1]  # in f c_{t-1}, and in i g
    added, worst = np.unravel_index(wrong.argmax(), wrong.shape)
    count, reset, i, f, g = (array[worst] for array in (COUNT, RESET, i, f, g))
    closing = weights.Wx[0, 1]  # from count into f
    from_count, from_reset = weights.Wx[:, [0, 2]].any(axis=1)  # into i or g
    rule = "a 1 with a reset is the first of the new count" if count else "a reset by itself adds nothing"
    of_f = ((reset, f"the reset did not close the forget gate, it is {f:.2f}: it needs a large negative weight there."),
            (closing < 0, "a 1 without a reset must leave the forget gate as open as a 0 does, but count reaches it "
                          f"with weight {closing:g}: only the reset, the second row of Wx, may close it."),
            (True, "without a reset the forget gate must be so close to 1 that the count lasts for many steps; at "
                   f"{f:.4f} it fades: raise b_f."))
    of_i_g = ((not from_count, "a 1 must add i g = 1, but count reaches neither the input gate nor the candidate: the "
                               "first row of Wx belongs to count, the second to reset."),
              (reset and from_reset, f"{rule}: only the forget gate may react to the reset."),
              (count, f"a 1 must add i g = 1, and there i = {i:.2f} and g = {g:.2f}: the input gate should be open, "
                      "and the candidate saturated at tanh(large) = 1."),
              (True, f"a 0 must add nothing, and there i = {i:.2f} and g = {g:.2f}: either the candidate is 0 (a "
                     "weight from count, no bias) or the input gate is shut."))
    return next(hint for holds, hint in (of_i_g if added else of_f) if holds)
