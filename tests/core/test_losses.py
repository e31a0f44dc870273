"""Losses: sums over the items that count, and their gradients."""

from math import exp, log

import numpy as np
import pytest

from helpers import complex_step, distance, random_masks, random_problem
from lstmlib import cross_entropy, squared_error

MASKS = random_masks(4, 3)
LOSSES = {"squared_error": lambda p: (squared_error, p.targets), "cross_entropy": lambda p: (cross_entropy, p.labels)}


@pytest.fixture(params=LOSSES)
def loss_and_aims(request):
    return LOSSES[request.param](random_problem())


@pytest.fixture
def Y():
    return random_problem().dY


@pytest.mark.parametrize("mask", MASKS)
def test_squared_error_is_the_sum_over_the_items_that_count(Y, mask):
    targets = random_problem().targets
    truth = sum(sum((y - a) ** 2 for y, a in zip(Y[t, n], targets[t, n])) / 2
                for t, n in np.ndindex(4, 3) if MASKS[mask] is None or MASKS[mask][t, n])
    C, dY = squared_error(Y, targets, MASKS[mask])
    assert C == pytest.approx(truth, rel=1e-14)
    assert distance(dY, complex_step(lambda moved: squared_error(moved, targets, MASKS[mask])[0], Y)) < 1e-14


SOFT = np.random.default_rng(3).dirichlet(np.ones(3), (4, 3))


@pytest.mark.parametrize("labels", [random_problem().labels, SOFT], ids=["labels", "soft labels"])
@pytest.mark.parametrize("class_weights", [None, np.array([0.5, 2, 0.1])])
@pytest.mark.parametrize("smoothing", [0, 0.1, 0.9])
@pytest.mark.parametrize("mask", MASKS)
def test_cross_entropy_is_the_weighted_and_smoothed_sum_over_the_items_that_count(Y, labels, class_weights, smoothing,
                                                                                  mask):
    """Against the formula, one number at a time, and complex steps."""
    p = np.eye(3)[labels] if labels.ndim == 2 else labels
    truth = 0
    for t, n in np.ndindex(4, 3):
        if MASKS[mask] is None or MASKS[mask][t, n]:
            log_sum = log(sum(map(exp, Y[t, n])))
            for k in range(3):
                weight = 1 if class_weights is None else class_weights[k]
                truth -= weight * ((1 - smoothing) * p[t, n, k] + smoothing / 3) * (Y[t, n, k] - log_sum)
    C, dY = cross_entropy(Y, labels, MASKS[mask], class_weights, smoothing)
    assert C == pytest.approx(truth, rel=1e-13)
    slopes = complex_step(lambda moved: cross_entropy(moved, labels, MASKS[mask], class_weights, smoothing)[0], Y)
    assert distance(dY, slopes) < 1e-14


def test_a_mask_of_ones_and_zeros_is_a_mask(loss_and_aims, Y):
    loss, aims = loss_and_aims
    C, dY = loss(Y, aims, MASKS["random"])
    for dtype in (int, float, np.uint8):
        same_C, same_dY = loss(Y, aims, MASKS["random"].astype(dtype))
        assert same_C == C and np.array_equal(same_dY, dY)


def test_labels_may_be_whole_numbers_of_any_kind_and_anything_where_they_do_not_count(Y):
    labels, mask = random_problem().labels, MASKS["random"]
    C, dlogits = cross_entropy(Y, labels, mask)
    for same in (labels.astype(np.int8), labels.astype(np.uint64), np.where(mask, labels, -100), np.eye(3)[labels]):
        same_C, same_dlogits = cross_entropy(Y, same, mask)
        assert same_C == C and np.array_equal(same_dlogits, dlogits)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_sums_are_made_in_double_precision(dtype):
    """10,000 times 300 squared: no float16 is so large, and in float32 a running sum loses the small ones."""
    Y = np.full((100, 100, 1), 300, dtype)
    Y[50:] = 0.5
    assert squared_error(Y, np.zeros_like(Y))[0] == 5000 * (300 ** 2 + 0.25) / 2
    largest = np.full((100, 100, 2), [np.finfo(dtype).max, -np.finfo(dtype).max], dtype)
    assert cross_entropy(largest, np.ones((100, 100), int))[0] == 20_000 * float(np.finfo(dtype).max)


def test_dtype_of_the_outputs_is_kept(loss_and_aims, Y):
    loss, aims = loss_and_aims
    for dtype in (np.float16, np.float32, float, complex):
        C, dY = loss(Y.astype(dtype), aims)
        assert dY.dtype == dtype and type(C) is (complex if dtype is complex else float)
    assert loss(Y.astype(">f4"), aims)[1].dtype == np.float32  # in this computer's order of bytes


def test_lists_and_whole_numbers_will_do():
    assert squared_error([[[3]]], [[[1]]]) == (2.0, [[[2.0]]])
    C, dlogits = cross_entropy([[[0, 0]]], [[1]])
    assert C == pytest.approx(log(2))
    assert dlogits.tolist() == [[[0.5, -0.5]]]


def test_large_logits_of_one_item_leave_the_others_alone():
    """Each item has its own largest logit: against that of the whole batch, the small ones would vanish."""
    far_apart = np.array([[[1000.0, 999.0]], [[-1000.0, -1001.0]]])
    C, dlogits = cross_entropy(far_apart, np.array([[0], [0]]))
    alone, of_one = cross_entropy(np.array([[[1.0, 0.0]]]), np.array([[0]]))
    assert C == pytest.approx(2 * alone, rel=1e-14)
    assert np.allclose(dlogits, of_one, rtol=1e-14, atol=0)


def test_a_class_of_weight_zero_costs_nothing_however_unlikely():
    C, dY = cross_entropy([[[0.0, -1.7e308, 1.7e308]]], [[1]], class_weights=[1.0, 0, 1])
    assert C == 0 and (dY == 0).all()
