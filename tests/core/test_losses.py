"""Losses: sums over the items that count, and their gradients."""

from math import exp, log

import numpy as np
import pytest

from helpers import complex_step, distance, random_masks, random_problem
from lstmlib import cross_entropy, squared_error

P = random_problem()
Y, LABELS, MASKS = P.dY, P.labels, random_masks(4, 3)
SOFT = np.random.default_rng(3).dirichlet(np.ones(3), (4, 3))
LOSSES = [(squared_error, P.targets), (cross_entropy, LABELS)]


def counting(mask):
    return [(t, n) for t, n in np.ndindex(4, 3) if mask is None or mask[t, n]]


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_squared_error_is_the_sum_over_the_items_that_count(mask):
    C, dY = squared_error(Y, P.targets, mask)
    truth = sum((y - a) ** 2 / 2 for item in counting(mask) for y, a in zip(Y[item], P.targets[item]))
    assert C == pytest.approx(truth, rel=1e-14)
    assert distance(dY, complex_step(lambda moved: squared_error(moved, P.targets, mask)[0], Y)) < 1e-14


@pytest.mark.parametrize("labels", [LABELS, SOFT], ids=["labels", "soft labels"])
@pytest.mark.parametrize("class_weights", [None, np.array([0.5, 2, 0.1])])
@pytest.mark.parametrize("smoothing", [0, 0.1, 0.9])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_cross_entropy_is_the_weighted_and_smoothed_sum_over_what_counts(labels, class_weights, smoothing, mask):
    p = np.eye(3)[labels] if labels.ndim == 2 else labels
    weights = [1, 1, 1] if class_weights is None else class_weights
    truth = 0
    for item in counting(mask):
        log_sum = log(sum(map(exp, Y[item])))
        for k in range(3):
            truth -= weights[k] * ((1 - smoothing) * p[item][k] + smoothing / 3) * (Y[item][k] - log_sum)
    C, dY = cross_entropy(Y, labels, mask, class_weights, smoothing)
    assert C == pytest.approx(truth, rel=1e-13)
    slopes = complex_step(lambda moved: cross_entropy(moved, labels, mask, class_weights, smoothing)[0], Y)
    assert distance(dY, slopes) < 1e-14


def test_labels_and_masks_may_be_numbers_of_any_kind_and_labels_anything_where_they_do_not_count():
    mask = MASKS["random"]
    C, dlogits = cross_entropy(Y, LABELS, mask)
    for labels in (LABELS.astype(np.int8), LABELS.astype(np.uint64), np.where(mask, LABELS, -100), np.eye(3)[LABELS]):
        for dtype in (int, float, np.uint8):
            same_C, same_dlogits = cross_entropy(Y, labels, mask.astype(dtype))
            assert same_C == C and np.array_equal(same_dlogits, dlogits)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_sums_are_made_in_double_precision(dtype):
    """10,000 times 300 squared: no float16 is so large, and in float32 a running sum loses the small ones."""
    large = np.full((100, 100, 1), 300, dtype)
    large[50:] = 0.5
    assert squared_error(large, np.zeros_like(large))[0] == 5000 * (300 ** 2 + 0.25) / 2
    largest = np.full((100, 100, 2), [np.finfo(dtype).max, -np.finfo(dtype).max], dtype)
    assert cross_entropy(np.zeros((1, 1, 2), dtype), [[[0.1, 0.9]]])[0] == pytest.approx(np.log(2), rel=1e-15)
    assert cross_entropy(largest, np.ones((100, 100), int))[0] == 20_000 * float(np.finfo(dtype).max)


@pytest.mark.parametrize("loss, aims", LOSSES)
def test_dtype_of_the_outputs_is_kept(loss, aims):
    for dtype in (np.float16, np.float32, float, np.longdouble, complex, np.clongdouble):
        C, dY = loss(Y.astype(dtype), aims)
        assert dY.dtype == dtype and type(C) is (complex if np.iscomplexobj(dY) else float)
    assert loss(Y.astype(">f4"), aims)[1].dtype == np.float32  # in this computer's order of bytes
    assert loss(Y.round().tolist(), aims.round().tolist())[1].dtype == float
