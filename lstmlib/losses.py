"""Losses: always the *sum* over items, never a mean, and the gradient of that sum.

Where to put 1/|X| is the subject of this series, so no loss hides it. Every loss is computed in at least double
precision.
"""

import numpy as np

from .checks import fraction, shares_of_classes, takes, true_or_false
from .weights import wide


@takes(Y="T B K", targets="T B K", mask=true_or_false)
def squared_error(Y, targets, mask=None):
    """1/2 sum (Y - targets)^2 over the items that count, and its gradient.

    Y, targets  (T, B, K), finite
    mask        (T, B), true (or 1) for each item that counts; all count where None
    ->  loss (a float, or complex for complex Y), dY (T, B, K) in the dtype of Y; what is too large for its
        dtype is infinite (in a complex loss also NaN)
    """
    dY = np.where(mask is None or mask, Y - targets, 0)
    return 0.5 * total(wide(dY) ** 2), dY


@takes(logits="T B K", mask=true_or_false, labels=shares_of_classes, class_weights="K", smoothing=fraction)
def cross_entropy(logits, labels, mask=None, class_weights=None, smoothing=0):
    """-sum_k p_k log softmax(logits)_k, summed over the items that count, and its gradient.

    logits         (T, B, K), finite
    labels         (T, B), whole numbers 0 to K-1 (of any value where the mask is false): p is 1 for the label, else 0.
                   Or soft labels (T, B, K), floating-point and finite: p itself
    mask           (T, B), true (or 1) for each item that counts; all count where None
    class_weights  w (K,), finite: p_k becomes w_k p_k, whose sum need not be 1
    smoothing      s, from 0 to below 1: p becomes (1 - s) p + s/K, before it is weighted
    ->  loss (a float, or complex for complex logits), dlogits (T, B, K) in the dtype of the logits; what is too
        large for its dtype is infinite or NaN
    """
    p = (1 - smoothing) * labels + smoothing / logits.shape[-1]
    p = p if class_weights is None else class_weights * p
    shifted = wide(logits) - logits.real.max(axis=-1, keepdims=True)
    log_q = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    counted = np.where(mask is None or mask, p, 0)
    loss = -total(np.multiply(counted, log_q, out=np.zeros_like(log_q), where=counted != 0).sum(axis=-1))
    return loss, (np.exp(log_q) * counted.sum(axis=-1, keepdims=True) - counted).astype(logits.dtype)


def total(items):
    """The sum of all items, as a plain number: `item` would leave a long double as it is."""
    return complex(items.sum()) if items.dtype.kind == "c" else float(items.sum())
