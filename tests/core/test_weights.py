"""Weights: a vector space of five arrays that never change."""

from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, everywhere, random_weights
from lstmlib import Weights, init_weights
from lstmlib.weights import entries

numbers = st.floats(-1e3, 1e3).filter(lambda a: a == 0 or abs(a) > 1e-3)
seeded = settings(max_examples=50, deadline=None, derandomize=True)


# ---- the laws of a vector space

@seeded
@given(st.integers(0, 2**32 - 1), numbers, numbers)
def test_laws_of_a_vector_space(seed, a, b):
    u, v, w = (random_weights(seed=[seed, k]) for k in range(3))
    assert (u + v).identical(v + u)
    assert (u + 0 * u).identical(u)
    assert (1 * u).identical(u)
    assert (u - v).identical(u + (-1) * v)
    assert (-u).identical((-1) * u)
    assert (a * u).identical(u * a)
    assert_close((u + v) + w - w, u + v, 1e-14)
    assert ((a * b) * u - a * (b * u)).norm() <= 1e-15 * abs(a * b) * u.norm()
    assert ((a + b) * u - (a * u + b * u)).norm() <= 1e-15 * (abs(a) + abs(b)) * u.norm()
    assert (a * (u + v) - (a * u + a * v)).norm() <= 1e-15 * abs(a) * (u.norm() + v.norm())
    assert (a * u).norm() == pytest.approx(abs(a) * u.norm(), rel=1e-14)
    assert (u + v).norm() <= u.norm() + v.norm()
    assert (a * u).dot(v) == pytest.approx(a * v.dot(u), rel=1e-12, abs=1e-9)
    assert abs(u.dot(v)) <= u.norm() * v.norm()


def test_dot_and_norm_are_over_all_entries():
    u = random_weights()
    squares = [x * x for x in entries(u).tolist()]
    assert len(squares) == sum(array.size for _, array in u.items())
    assert u.dot(u) == pytest.approx(sum(squares), rel=1e-15)
    assert u.norm() == pytest.approx(sum(squares) ** 0.5, rel=1e-15)
    assert type(u.norm()) is type((0 * u).norm()) is float and np.isrealobj(u.dot(u))


def test_dot_of_complex_weights_conjugates_the_first():
    u = random_weights()
    assert (1j * u).dot(u) == pytest.approx(-1j * u.norm() ** 2)
    assert (1j * u).dot(1j * u) == pytest.approx(u.norm() ** 2)


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


# ---- numbers of every kind

@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), Fraction(2)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_a_real_number_keeps_the_dtype(dtype, number):
    u = random_weights(dtype=dtype)
    for doubled in (number * u, u * number, u / (1 / number)):
        assert doubled.identical(u + u)


def test_a_complex_number_makes_complex_weights():
    u = random_weights(dtype=np.float32)
    assert (2j * u).dtype == (u / 2j).dtype == np.complex64
    assert_close(2j * u / 2j, u + 0j * u, 1e-7)


def test_what_is_too_large_becomes_infinite_without_a_warning():
    u = random_weights().map(np.abs)
    with np.errstate(over="raise", invalid="raise"):
        for huge in (u * 1e308 + u * 1e308 + u * 1e308, u / 1e-320, (u * 1e300) * 1e300):
            assert not huge.finite
        assert (everywhere(u, 1.7e308) * (1 + 1j)).norm() == np.inf


# ---- five arrays that never change

def test_weights_are_copies_and_cannot_be_changed():
    five = {name: array.copy() for name, array in random_weights().items()}
    weights = Weights(**five)
    five["Wx"][...] = 7
    assert weights.identical(random_weights())
    assert all(array.flags.c_contiguous for _, array in weights.map(np.asfortranarray).items())
    with pytest.raises(FrozenInstanceError):
        weights.Wx = weights.Wx
    for of_one in (weights, 2 * weights, init_weights(2, 3, 1)):
        for _, array in of_one.items():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_longdouble_weights_are_refused():
    """Their padding has no fixed bits, so `identical` could not keep its word."""
    if np.dtype(np.longdouble) == np.dtype(float):
        pytest.skip("no longdouble here")
    with pytest.raises(TypeError, match="Wx must hold floating-point numbers, got dtype"):
        random_weights(dtype=np.longdouble)


def test_sizes_names_and_repr():
    weights = random_weights(D=2, H=3, K=4)
    assert [name for name, _ in weights.items()] == ["Wx", "Wh", "b", "Wy", "by"]
    assert repr(weights) == "Weights(D=2, H=3, K=4, float64)"
    many = weights.map(lambda array: np.ones((5, 6, *array.shape), np.float32))
    assert repr(many) == "Weights(lead=(5, 6), D=2, H=3, K=4, float32)"


def test_map_goes_array_by_array():
    u, v = random_weights(seed=1), random_weights(seed=2)
    assert u.map(lambda mine, theirs: mine - theirs, v).identical(u - v)


def test_identical_is_about_the_bits_of_every_array_and_the_dtype():
    u = random_weights()
    zero = everywhere(u, 0.0)
    assert zero.identical(0 * zero)
    assert not zero.identical(-zero)
    assert not zero.identical(0 * random_weights(dtype=np.float32))
    assert not u.identical(replace(u, by=2 * u.by))
    assert not zero.identical(zero.map(lambda array: array.astype(np.complex64)))  # of as many bytes
    assert len({u, 1 * u}) == 2  # but they are equal to themselves alone


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
