"""Losses: always the *sum* over items, never a mean, and the gradient of that sum.

Where to put 1/|X| is the subject of this series, so no loss hides it. Every loss is computed in at least double
precision.
"""

import numpy as np

from . import arguments
from .weights import wide


@arguments.quiet
def squared_error(Y, targets, mask=None):
    """1/2 sum (Y - targets)^2 over the items that count, and its gradient.

    Y, targets  (T, B, K)
    mask        (T, B), true (or 1) for each item that counts; all count where None
    ->  loss (a float, or complex for complex Y), dY (T, B, K) in the dtype of Y; what is too large for its
        dtype is infinite (in a complex loss also NaN)
    Raises ValueError or TypeError where an argument does not fit or is not finite.
    """
    Y = outputs("Y", Y)
    targets = arguments.array("targets", targets, dict(zip("TBK", Y.shape)), Y.dtype)
    dY = np.where(counted(mask, Y), Y - targets, 0)
    return 0.5 * total(wide(dY) ** 2), dY


@arguments.quiet
def cross_entropy(logits, labels, mask=None):
    """-sum log softmax(logits)[label] over the items that count, and its gradient.

    logits  (T, B, K)
    labels  (T, B), whole numbers 0 to K-1 (of any value where the mask is false)
    mask    (T, B), true (or 1) for each item that counts; all count where None
    ->  loss (a float, or complex for complex logits; infinite where it is too large), dlogits (T, B, K) in the
        dtype of the logits
    Raises ValueError or TypeError where an argument does not fit or is not finite.
    """
    logits = outputs("logits", logits)
    T, B, K = logits.shape
    counts = counted(mask, logits)
    labels = arguments.rectangular("labels", labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got dtype {labels.dtype}")
    arguments.shape("labels", labels, {"T": T, "B": B})
    labels = np.where(counts[..., 0], labels, 0)
    if labels.min() < 0 or labels.max() >= K:
        wrong = labels[(labels < 0) | (labels >= K)][0]
        raise ValueError(f"labels must be from 0 to K-1 = {K - 1}, got {wrong}")

    shifted = wide(logits) - logits.real.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    of_label = np.take_along_axis(shifted, labels[..., None], axis=-1)
    loss = total(np.where(counts, log_sum - of_label, 0))
    dlogits = np.exp(shifted - log_sum)
    np.put_along_axis(dlogits, labels[..., None], np.take_along_axis(dlogits, labels[..., None], axis=-1) - 1, axis=-1)
    return loss, np.where(counts, dlogits, 0).astype(logits.dtype)


def outputs(name, value):
    """Y or logits, checked."""
    return arguments.array(name, value, {"T": None, "B": None, "K": None})


def counted(mask, Y):
    """The mask as booleans (T, B, 1): true where an item counts."""
    if mask is None:
        return np.ones((*Y.shape[:2], 1), bool)
    mask = arguments.rectangular("mask", mask)
    if mask.dtype.kind not in "buif":
        raise TypeError(f"mask must hold only true and false (or 1 and 0), got dtype {mask.dtype}")
    arguments.shape("mask", mask, {"T": Y.shape[0], "B": Y.shape[1]})
    other = mask[(mask != 0) & (mask != 1)]
    if other.size:
        raise ValueError(f"mask must hold only true and false (or 1 and 0), got {other[0]}")
    return mask.astype(bool)[..., None]


def total(items):
    """The sum of all items, as a plain number."""
    return complex(items.sum()) if items.dtype.kind == "c" else float(items.sum())
