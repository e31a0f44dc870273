"""Weights: a vector space of five arrays that never change."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, random_masks, random_problem, random_weights
from lstmlib import (
    Weights,
    adam,
    backward,
    clip_by_norm,
    cross_entropy,
    crossing_spectrum,
    forward,
    init_weights,
    momentum,
    numerical_gradient,
    scale_at,
    squared_error,
    step,
    step_backward,
)
from lstmlib.weights import entries, in_scale

numbers = st.floats(-1e3, 1e3).filter(lambda a: a == 0 or abs(a) > 1e-3)
seeded = settings(max_examples=50, deadline=None, derandomize=True)


def arrays(D=2, H=3, K=4, fill=1.0, dtype=float, lead=()):
    shapes = (D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)
    return [np.full(lead + shape, fill, dtype) for shape in shapes]


# ---- the laws of a vector space

@seeded
@given(st.integers(0, 2**32 - 1), numbers, numbers)
def test_laws_of_a_vector_space(seed, a, b):
    u, v, w = (random_weights(seed=[seed, k]) for k in range(3))
    zero = 0 * u
    assert (u + v).identical(v + u)
    assert (u + zero).identical(u)
    assert (1 * u).identical(u)
    assert (u - v).identical(u + (-1) * v)
    assert (-u).identical((-1) * u)
    assert (u - u).norm() == 0
    assert (a * u).identical(u * a)
    assert_close((u + v) + w - w, u + v, 1e-14)
    assert ((a * b) * u - a * (b * u)).norm() <= 1e-15 * abs(a * b) * u.norm()
    assert ((a + b) * u - (a * u + b * u)).norm() <= 1e-15 * (abs(a) + abs(b)) * u.norm()
    assert (a * (u + v) - (a * u + a * v)).norm() <= 1e-15 * abs(a) * (u.norm() + v.norm())


@seeded
@given(st.integers(0, 2**32 - 1), numbers)
def test_laws_of_dot_and_norm(seed, a):
    u, v = (random_weights(seed=[seed, k]) for k in range(2))
    assert u.dot(u) == pytest.approx(u.norm() ** 2, rel=1e-14)
    assert u.dot(v) == pytest.approx(v.dot(u), rel=1e-14)
    assert (a * u).dot(v) == pytest.approx(a * u.dot(v), rel=1e-12, abs=1e-9)
    assert (a * u).norm() == pytest.approx(abs(a) * u.norm(), rel=1e-14)
    assert (u + v).norm() <= u.norm() + v.norm()
    assert abs(u.dot(v)) <= u.norm() * v.norm()


def test_dot_and_norm_are_over_all_entries():
    u = Weights(*(np.arange(array.size, dtype=float).reshape(array.shape) for array in arrays()))
    squares = [x * x for x in entries(u).tolist()]
    assert u.dot(u) == sum(squares)
    assert u.norm() == pytest.approx(sum(squares) ** 0.5, rel=1e-15)


def test_dot_of_complex_weights_conjugates_the_first():
    u, v = Weights(*arrays(fill=1j, dtype=complex)), Weights(*arrays(fill=2, dtype=complex))
    assert u.dot(v) == -1j * v.dot(Weights(*arrays()))
    assert u.dot(u) == pytest.approx(u.norm() ** 2)


@pytest.mark.parametrize("scale, tolerance", [(1e-320, 1e-3), (1e-200, 1e-14), (1e200, 1e-14), (1e300, 1e-14)])
def test_norm_neither_overflows_nor_vanishes(scale, tolerance):
    weights = Weights(*arrays(fill=scale))
    assert weights.norm() == pytest.approx(scale * entries(weights).size ** 0.5, rel=tolerance)


def test_norm_of_float16_is_that_of_double_precision():
    weights = Weights(*arrays(fill=6e4, dtype=np.float16))
    assert weights.norm() == pytest.approx(6e4 * entries(weights).size ** 0.5)


@pytest.mark.parametrize("name", ["Wx", "Wh", "b", "Wy", "by"])
@pytest.mark.parametrize("entries, norm", [([np.inf], np.inf), ([-np.inf], np.inf), ([np.nan], np.nan),
                                           ([np.inf, np.nan], np.nan)])
def test_what_is_not_finite_shows(name, entries, norm):
    five = dict(random_weights().items())
    five[name] = five[name].copy()
    five[name].ravel()[:len(entries)] = entries
    weights = Weights(**five)
    assert not weights.finite
    assert np.array_equal(weights.norm(), norm, equal_nan=True)


def test_norm_of_infinity_and_nan_is_nan_wherever_they_stand():
    u = random_weights()
    for first, second in ((np.inf, np.nan), (np.nan, np.inf)):
        assert np.isnan(Weights(u.Wx + first, u.Wh, u.b, u.Wy, u.by + second).norm())


def test_finite_and_zero():
    assert random_weights().finite
    assert (0 * random_weights()).norm() == 0


# ---- numbers of every kind

@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), True + 1])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_a_real_number_keeps_the_dtype(dtype, number):
    u = random_weights(dtype=dtype)
    for doubled in (number * u, u * number, u / (1 / number), u + u):
        assert isinstance(doubled, Weights)
        assert doubled.dtype == dtype
        assert doubled.identical(u + u)


def test_a_complex_number_makes_complex_weights():
    u = random_weights(dtype=np.float32)
    assert (1j * u).dtype == np.complex64
    assert (-1j * (1j * u)).dot(u) == pytest.approx(u.norm() ** 2)


def test_an_array_is_not_a_number():
    for product in (lambda: np.ones(3) * random_weights(), lambda: random_weights() * np.ones(3)):
        with pytest.raises(TypeError, match="factor must be a number, got ndarray"):
            product()


# ---- nothing changes

def test_weights_cannot_be_changed():
    weights = random_weights()
    with pytest.raises(FrozenInstanceError):
        weights.Wx = weights.Wx
    for name, array in weights.items():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_weights_are_copies():
    five = arrays()
    weights = Weights(*five)
    five[0][...] = 7
    assert (weights.Wx == 1).all()


def first_step(p):
    return step(p.weights, p.X[0], p.h0, p.c0)[3]


CALLS = {
    "Weights": lambda p, m: Weights(**dict(p.weights.items())) * 2 + p.weights,
    "step": lambda p, m: first_step(p),
    "step_backward": lambda p, m: step_backward(p.weights, first_step(p), p.dY[0], p.h0, p.c0),
    "forward": lambda p, m: forward(p.weights, p.X, p.h0, p.c0),
    "backward": lambda p, m: backward(p.weights, p.trace, p.dY),
    "backward with a hook": lambda p, m: backward(p.weights, p.trace, p.dY, at=scale_at({"dz"}, 0.5)),
    "crossing_spectrum": lambda p, m: crossing_spectrum(p.weights, p.trace, p.dY, {"dz"}),
    "squared_error": lambda p, m: squared_error(p.dY, p.targets, m),
    "cross_entropy": lambda p, m: cross_entropy(p.dY, p.labels, m),
    "numerical_gradient": lambda p, m: numerical_gradient(lambda w: w.Wx[0, 0] ** 2, p.weights),
    "adam": lambda p, m: adam(p.weights, p.weights, adam(p.weights, p.weights)[1]),
    "momentum": lambda p, m: momentum(p.weights, p.weights, p.weights),
    "clip_by_norm": lambda p, m: clip_by_norm(p.weights, 0.1),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_function_changes_its_arguments(call):
    p, mask = random_problem(), random_masks(4, 3)["random"]
    given = {name: array for name, array in p._asdict().items() if name != "weights"} | {"mask": mask}
    before = {name: array.copy() for name, array in given.items()}
    weights_before = p.weights.map(np.copy)
    CALLS[call](p, mask)
    assert p.weights.identical(weights_before)
    assert all(np.array_equal(given[name], array) for name, array in before.items())
    for array in given.values():
        array.flags.writeable = False
    CALLS[call](p, mask)  # read-only arrays will do


# ---- shapes

def test_sizes_names_and_repr():
    weights = random_weights(D=2, H=3, K=4)
    assert (weights.D, weights.H, weights.K, weights.lead, weights.dtype) == (2, 3, 4, (), np.float64)
    assert [name for name, _ in weights.items()] == ["Wx", "Wh", "b", "Wy", "by"]
    assert repr(weights) == "Weights(D=2, H=3, K=4, float64)"
    assert repr(Weights(*arrays(lead=(5, 6), dtype=np.float32))) == "Weights(lead=(5, 6), D=2, H=3, K=4, float32)"


def test_map_goes_array_by_array():
    u, v = random_weights(seed=1), random_weights(seed=2)
    assert u.map(lambda mine, theirs: mine - theirs, v).identical(u - v)


def test_identical_is_about_bits():
    zero = 0 * random_weights()
    assert zero.identical(0 * zero)
    assert not zero.identical(-zero)
    assert not zero.identical(0 * random_weights(dtype=np.float32))


# ---- init_weights

def test_init_weights_are_uniform_with_forget_bias_one():
    weights = init_weights(30, 25, 20, seed=1)
    assert (weights.b[25:50] == 1).all()
    others = np.concatenate([*(array.ravel() for name, array in weights.items() if name != "b"),
                             weights.b[:25], weights.b[50:]])
    assert np.abs(others).max() <= 1 / 5
    counts, _ = np.histogram(others, bins=10, range=(-1 / 5, 1 / 5))
    assert (np.abs(counts / others.size - 0.1) < 4 * np.sqrt(0.09 / others.size)).all()


def test_init_weights_are_reproducible():
    assert init_weights(2, 3, 4, seed=1).identical(init_weights(2, 3, 4, seed=np.random.default_rng(1)))
    assert (init_weights(2, 3, 4, seed=1) - init_weights(2, 3, 4, seed=2)).norm() > 1


@pytest.mark.parametrize("dtype", [np.float16, "float32", float, complex])
def test_init_weights_have_the_dtype_asked_for(dtype):
    assert init_weights(2, 3, 4, dtype=dtype).dtype == dtype


def test_seeds():
    plain = init_weights(2, 3, 1)
    assert plain.identical(init_weights(2, 3, 1, seed=0))
    assert not plain.identical(init_weights(2, 3, 1, seed=1))
    assert init_weights(2, 3, 1, seed=2 ** 100).identical(init_weights(2, 3, 1, seed=2 ** 100))
    assert not init_weights(2, 3, 1, seed=None).identical(init_weights(2, 3, 1, seed=None))


# ---- what kind of thing comes back

def test_norms_and_products_are_plain_numbers():
    u, v = random_weights(seed=1), random_weights(seed=2)
    assert type(u.norm()) is type((0 * u).norm()) is float
    assert np.isrealobj(u.dot(v))
    assert np.iscomplexobj((1j * u).dot(v))


def test_weights_are_equal_to_themselves_alone():
    u = random_weights()
    assert len({u, 1 * u}) == 2


def test_identical_is_about_every_array_and_the_dtype():
    u = random_weights()
    assert not u.identical(Weights(u.Wx, u.Wh, u.b, u.Wy, 2 * u.by))
    assert not Weights(*arrays(fill=0)).identical(Weights(*arrays(fill=0, dtype=np.complex64)))  # of as many bytes


def test_arrays_of_another_byte_order_and_layout_will_do():
    u = random_weights()
    swapped = Weights(*(np.asfortranarray(array).astype(">f8") for _, array in u.items()))
    assert swapped.dtype.isnative
    assert swapped.identical(u)
    assert all(array.flags.c_contiguous for _, array in swapped.items())


def test_a_complex_number_divides():
    u = random_weights(dtype=np.float32)
    assert (u / 2j).dtype == np.complex64
    assert_close(u / 2j, -0.5j * u, 1e-7)


def test_what_is_too_large_becomes_infinite_without_a_warning():
    u = random_weights().map(np.abs)
    with np.errstate(over="raise", invalid="raise"):
        for huge in (u * 1e308 + u * 1e308 + u * 1e308, u / 1e-320, (u * 1e300) * 1e300):
            assert not huge.finite
        assert in_scale(u.b * 0 + 1.7e308 * (1 + 1j))[1] == 1000


@pytest.mark.parametrize("size", [5e-324, 1e-300, 0.3, 1, 3.999, 1e300, 1.7e308])
def test_scale_is_that_of_the_largest_entry(size):
    assert in_scale(np.array([0, -size, size / 2]))[1] == np.clip(np.trunc(np.log2(size)), -1000, 1000)


@pytest.mark.parametrize("entry", [0, np.inf, np.nan])
def test_no_scale_where_there_is_none(entry):
    assert in_scale(np.array([0.0, entry]))[1] == 0


def test_scale_of_float16_is_not_rounded_up():
    assert in_scale(np.full(3, 65504, np.float16))[1] == 15


@pytest.mark.parametrize("size", [1, 2 ** 5, 2 ** -14])
def test_scaling_is_exact(size):
    row = (size * np.random.default_rng(0).normal(size=20)).astype(np.float16)
    scaled, e = in_scale(row)
    assert scaled.dtype == float and np.array_equal(np.ldexp(scaled, e), row.astype(float))
    assert 1 <= np.abs(scaled).max() < 2 or size < 1
