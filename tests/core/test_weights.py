"""Weights: a vector space of five arrays that never change."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, everywhere, random_weights
from lstmlib import (
    Weights,
    init_weights,
)
from lstmlib.weights import entries

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


@pytest.mark.parametrize("dtype", [np.float16, "float32", float, complex])
def test_init_weights_have_the_dtype_asked_for(dtype):
    assert init_weights(2, 3, 4, dtype=dtype).dtype == dtype


def test_seeds():
    plain = init_weights(2, 3, 1)
    assert plain.identical(init_weights(2, 3, 1, seed=0))
    assert (plain - init_weights(2, 3, 1, seed=1)).norm() > 1
    assert plain.identical(init_weights(2, 3, 1, seed=np.random.default_rng(0)))
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


def test_a_complex_number_divides():
    u = random_weights(dtype=np.float32)
    assert (u / 2j).dtype == np.complex64
    assert_close(u / 2j, -0.5j * u, 1e-7)


def test_what_is_too_large_becomes_infinite_without_a_warning():
    u = random_weights().map(np.abs)
    with np.errstate(over="raise", invalid="raise"):
        for huge in (u * 1e308 + u * 1e308 + u * 1e308, u / 1e-320, (u * 1e300) * 1e300):
            assert not huge.finite
        assert (everywhere(u, 1.7e308) * (1 + 1j)).norm() == np.inf
