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


def item_losses(loss, Y, aims):
    """The loss of every item by itself, in plain Python."""
    if loss is squared_error:
        return {(t, n): sum((y - a) ** 2 for y, a in zip(Y[t, n], aims[t, n])) / 2
                for t, n in np.ndindex(aims.shape[:2])}
    return {(t, n): log(sum(map(exp, Y[t, n]))) - Y[t, n, aims[t, n]] for t, n in np.ndindex(aims.shape)}


@pytest.mark.parametrize("mask", MASKS)
def test_loss_is_the_sum_over_the_items_that_count(loss_and_aims, Y, mask):
    loss, aims = loss_and_aims
    items = item_losses(loss, Y, aims)
    counted = [value for item, value in items.items() if mask == "no mask" or MASKS[mask][item]]
    C, _ = loss(Y, aims, MASKS[mask])
    assert type(C) is float
    assert C == pytest.approx(sum(counted), rel=1e-14)


@pytest.mark.parametrize("mask", MASKS)
def test_gradient_agrees_with_complex_step(loss_and_aims, Y, mask):
    loss, aims = loss_and_aims
    slopes = complex_step(lambda moved: loss(moved, aims, MASKS[mask])[0], Y)
    dY = loss(Y, aims, MASKS[mask])[1]
    assert distance(dY, slopes) < 1e-14
    if MASKS[mask] is not None:
        assert (dY[~MASKS[mask]] == 0).all()


def test_a_mask_of_ones_and_zeros_is_a_mask(loss_and_aims, Y):
    loss, aims = loss_and_aims
    C, dY = loss(Y, aims, MASKS["random"])
    for dtype in (int, float, np.uint8):
        same_C, same_dY = loss(Y, aims, MASKS["random"].astype(dtype))
        assert same_C == C
        assert np.array_equal(same_dY, dY)


def test_labels_that_do_not_count_may_be_anything(Y):
    labels, mask = random_problem().labels, MASKS["random"]
    C, dlogits = cross_entropy(Y, labels, mask)
    same_C, same_dlogits = cross_entropy(Y, np.where(mask, labels, -100), mask)
    assert same_C == C
    assert np.array_equal(same_dlogits, dlogits)


def test_gradient_of_cross_entropy_is_softmax_minus_one_hot(Y):
    labels = random_problem().labels
    softmax = np.exp(Y) / np.exp(Y).sum(axis=-1, keepdims=True)
    assert distance(cross_entropy(Y, labels)[1], softmax - np.eye(Y.shape[-1])[labels]) < 1e-14


def test_logits_far_apart_in_float16_stay_finite():
    largest = np.finfo(np.float16).max
    C, dlogits = cross_entropy(np.array([[[largest, -largest]]]), np.array([[1]]))
    assert C == 2 * float(largest)
    assert dlogits.tolist() == [[[1, -1]]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_sums_are_made_in_double_precision(dtype):
    """10,000 times 300 squared: no float16 is so large, and in float32 a running sum loses the small ones."""
    Y = np.full((100, 100, 1), 300, dtype)
    Y[50:] = 0.5
    C, dY = squared_error(Y, np.zeros_like(Y))
    assert C == 5000 * (300 ** 2 + 0.25) / 2
    assert dY.dtype == dtype
    logits = np.zeros((100, 100, 3), dtype)
    C, dlogits = cross_entropy(logits, np.zeros((100, 100), int))
    assert C == pytest.approx(10000 * log(3), rel=1e-14)
    assert dlogits.dtype == dtype


def test_dtype_of_the_outputs_is_kept(loss_and_aims, Y):
    loss, aims = loss_and_aims
    for dtype in (np.float16, np.float32, float, complex):
        assert loss(Y.astype(dtype), aims)[1].dtype == dtype
    assert type(loss(Y.astype(complex), aims)[0]) is complex


def test_lists_and_whole_numbers_will_do():
    assert squared_error([[[3]]], [[[1]]]) == (2.0, [[[2.0]]])
    C, dlogits = cross_entropy([[[0, 0]]], [[1]])
    assert C == pytest.approx(log(2))
    assert dlogits.tolist() == [[[0.5, -0.5]]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64])
def test_labels_may_be_whole_numbers_of_any_kind(Y, dtype):
    labels = random_problem().labels
    C, dlogits = cross_entropy(Y, labels.astype(dtype))
    assert C == cross_entropy(Y, labels)[0]
    assert np.array_equal(dlogits, cross_entropy(Y, labels)[1])


def test_large_logits_of_one_item_leave_the_others_alone():
    """Each item has its own largest logit: against that of the whole batch, the small ones would vanish."""
    far_apart = np.array([[[1000.0, 999.0]], [[-1000.0, -1001.0]]])
    C, dlogits = cross_entropy(far_apart, np.array([[0], [0]]))
    alone, of_one = cross_entropy(np.array([[[1.0, 0.0]]]), np.array([[0]]))
    assert C == pytest.approx(2 * alone, rel=1e-14)
    assert np.allclose(dlogits, of_one, rtol=1e-14, atol=0)


# ---- what cross entropy can count besides

SOFT = np.random.default_rng(3).dirichlet(np.ones(3), (4, 3))
KINDS = {"labels": lambda: random_problem().labels, "soft labels": lambda: SOFT}
CLASS_WEIGHTS = np.array([0.5, 2, 0.1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
@pytest.mark.parametrize("smoothing", [0, 0.1, 0.9])
@pytest.mark.parametrize("mask", ["no mask", "random"])
def test_weighted_smoothed_and_soft_sums(Y, kind, class_weights, smoothing, mask):
    """Against the formula, one number at a time, and complex steps."""
    labels = KINDS[kind]()
    p = np.eye(3)[labels] if kind == "labels" else labels
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


def test_soft_labels_of_ones_and_zeros_are_labels(Y):
    labels = random_problem().labels
    (C, dY), (soft_C, soft_dY) = cross_entropy(Y, labels), cross_entropy(Y, np.eye(3)[labels])
    assert C == soft_C and np.array_equal(dY, soft_dY)
    assert cross_entropy(Y, labels, class_weights=np.ones(3))[0] == C


def test_a_class_of_weight_zero_costs_nothing_however_unlikely():
    C, dY = cross_entropy([[[0.0, -1.7e308, 1.7e308]]], [[1]], class_weights=[1.0, 0, 1])
    assert C == 0 and (dY == 0).all()
