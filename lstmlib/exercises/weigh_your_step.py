"""Feedback on the exercises of notebook 09."""

import numpy as np

from ..explorers.weigh_your_step import SHAPES, STEPS
from .base import NotYet, all_answered, answered, check, expect

# Training steps without their names: what a reader gets is compiled.
SEALED = {"first": "the mean over tokens", "A": "the mean of each piece's mean",
          "B": "the mean over sequences of each one's mean", "C": "with weight decay"}


def sealed(name):
    """A step that can only be called: step(pieces) -> gradient, all entries in a row."""
    return STEPS[SEALED[name]]


@check
def check_weigh(weigh):
    """The weights are the least-squares solution; what they leave over is measured against the whole.

    weigh  (whole (n,), parts (B, n)) -> weights (B,), the share of the whole's norm that is left over
    """
    rng = np.random.default_rng(0)
    for B, n, off in ((2, 5, 0.0), (3, 40, 0.0), (4, 30, 0.5)):
        parts, true = rng.normal(size=(B, n)), rng.uniform(0.1, 1, B)
        whole = true @ parts + off * rng.normal(size=n)
        expected = np.linalg.lstsq(parts.T, whole, rcond=None)[0]
        rest = np.linalg.norm(whole - expected @ parts)
        received = answered(weigh(whole.copy(), parts.copy()))
        if not isinstance(received, tuple) or len(received) != 2:
            raise NotYet("Expected a pair: the weights, and the share that is left over.")
        case = f"{B} items and {n} numbers{', not a weighted sum' if off else ''}"
        hint = "np.linalg.lstsq(A, whole) wants one column of A for each item."
        expect(np.asarray(received[0]), expected, case, hint, [
            (parts @ whole, "these are the products of each part with the whole; the parts are not at right angles, "
                            "so solve for the weights."),
            (parts @ whole / (parts ** 2).sum(axis=1), "this fits each part by itself; the parts share directions, so "
                                                       "fit them together.")], tolerance=1e-7)
        share, hint = rest / np.linalg.norm(whole), "the norm of whole - weights @ parts, over the norm of whole."
        expect(received[1], share, f"{case}, what is left over", hint, [
            (rest, "divide by the norm of the whole: a share has no unit."),
            (rest ** 2, "lstsq returns the *squared* sum of what is left; take the root, and divide by the norm of the "
                        "whole."),
            (share ** 2, "this is the square of the share.")], tolerance=1e-5)


@check
def check_fingerprint(fingerprint):
    """A padded mean divides every token by B times the longest length, whether it counts or not.

    fingerprint  the three weights, in the order of the items
    """
    shapes = SHAPES["some tokens masked"]
    tokens, lengths = (np.array(column) for column in zip(*shapes))
    B, T = len(shapes), lengths.max()
    if not isinstance(fingerprint, list | tuple | np.ndarray) or len(fingerprint) != B:
        raise NotYet(f"Expected {B} weights, received {fingerprint!r}.")
    all_answered(dict(enumerate(fingerprint)))
    given = "items of lengths 4, 3 and 7 with 2, 3 and 5 tokens that count"
    expect(np.asarray(fingerprint), np.full(B, 1 / (B * T)), given, "how many places has the padded array?", [
        (np.full(B, 1 / tokens.sum()), "this is the mean over the tokens that count; the padded mean counts every "
                                       "place in the array."),
        (np.full(B, 1 / lengths.sum()), "these are all timesteps; the array is as long for each sequence as for the "
                                        "longest one."),
        (1 / (B * tokens), "this divides each sequence by its own tokens; padding makes all equal."),
        (np.full(B, 1 / B), "this is the mean over sequences of sums."),
        (np.full(B, 1 / T), "divide by the number of sequences, too.")], tolerance=1e-6, reveal=False)


@check
def check_sealed(names):
    """A weighs tokens in each piece and takes a mean of means; B divides by each sequence's own tokens; C adds decay.

    names  {"A", "B", "C": one of the names that were offered}
    """
    all_answered(names, "ABC")
    hints = {"A": {"the mean over tokens": "the whole batch looks so. Cut it in two unequal pieces.",
                   "each piece's mean, added up": "with two pieces the weights would be twice as large."},
             "B": {"the mean of each piece's mean": "cut one by one these two agree; compare the whole batch.",
                   "the mean over tokens": "compare the weights of a short and a long item: are they equal?"},
             "C": {"clipped entry by entry": "what does a batch without any token return?",
                   "a mean with class weights": "what does a batch without any token return?",
                   "the mean over tokens": "is anything left over, where the references are known?"}}
    for name, answer in names.items():
        if answer not in list(STEPS):
            raise NotYet(f"For {name}: expected one of {', '.join(map(repr, STEPS))}, received {answer!r}.")
        expect(answer, SEALED[name], given=name, reveal=False, hint=hints[name].get(
            answer, "weigh the whole batch, then a cut, then a batch without a token."))
