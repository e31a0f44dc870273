"""Weights: a vector space of five arrays that never change."""

import copy
import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import everywhere, random_problem, random_weights
from lstmlib import Weights, init_weights

numbers = st.floats(-1e3, 1e3).filter(lambda a: a == 0 or abs(a) > 1e-3)


def entries(weights):
    return np.concatenate([array.ravel() for _, array in weights.items()])


# ---- a vector space

@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), numbers, numbers)
def test_laws_of_a_vector_space(seed, a, b):
    u, v = (random_weights(seed=[seed, k]) for k in range(2))
    assert (u + v).identical(v + u)
    assert (u - v).identical(u + (-1) * v) and (-u).identical((-1) * u)
    assert (a * u).identical(u * a)
    assert ((a * b) * u - a * (b * u)).norm() <= 1e-15 * abs(a * b) * u.norm()
    assert ((a + b) * u - (a * u + b * u)).norm() <= 1e-15 * (abs(a) + abs(b)) * u.norm()
    assert (a * (u + v) - (a * u + a * v)).norm() <= 1e-15 * abs(a) * (u.norm() + v.norm())
    assert u.map(np.multiply, v).identical(v.map(lambda mine, theirs: theirs * mine, u))


def test_dot_and_norm_are_over_all_entries_and_dot_conjugates_the_first():
    u, v = (random_weights(seed=seed, dtype=complex) * (1 + 0.5j * seed) for seed in (1, 2))
    assert u.dot(v) == pytest.approx((entries(u).conj() * entries(v)).sum(), rel=1e-14)
    assert u.norm() == pytest.approx((abs(entries(u)) ** 2).sum() ** 0.5, rel=1e-14)
    assert type(u.norm()) is float and np.isrealobj(random_weights().dot(random_weights()))


@pytest.mark.parametrize("number", [2, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), Fraction(2)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, float, complex])
def test_a_real_number_keeps_the_dtype(dtype, number):
    u = random_weights(dtype=dtype)
    for doubled in (number * u, u * number, u / (1 / number)):
        assert doubled.identical(u + u)


# ---- five arrays that never change

def test_weights_are_copies_and_cannot_be_changed():
    mine = {name: array.copy() for name, array in random_weights().items()}
    weights = Weights(**mine)
    mine["Wx"][...] = 7
    assert weights.identical(random_weights())
    for made in (weights, 2 * weights, init_weights(2, 3, 1)):
        for _, array in made.items():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("made", [random_problem().weights, random_problem().trace], ids=["weights", "trace"])
def test_copies_are_read_only_too(made, how):
    same = how(made)
    assert type(same) is type(made) and same is not made
    for name, array in vars(same).items():
        assert np.array_equal(array, getattr(made, name)) and not array.flags.writeable


def test_identical_is_about_the_bits_of_every_array_and_the_dtype():
    u = random_weights()
    zero = everywhere(u, 0.0)
    assert zero.identical(0 * zero)
    assert not zero.identical(-zero)
    assert not u.identical(replace(u, by=2 * u.by))
    assert not zero.identical(zero.map(lambda array: array.astype(np.complex64)))  # of as many bytes


# ---- init_weights

def test_init_weights_are_uniform_with_forget_bias_one():
    weights = init_weights(30, 25, 20, seed=1, dtype="f4")
    assert (weights.b[25:50] == 1).all() and weights.dtype == np.float32
    others = np.delete(entries(weights), range(55 * 100 + 25, 55 * 100 + 50))
    assert np.abs(others).max() <= 1 / 5
    counts, _ = np.histogram(others, bins=10, range=(-1 / 5, 1 / 5))
    assert (np.abs(counts / others.size - 0.1) < 4 * np.sqrt(0.09 / others.size)).all()


def test_seeds():
    plain = init_weights(2, 3, 1)
    for seed in (0, np.random.default_rng(0)):
        assert plain.identical(init_weights(2, 3, 1, seed))
    for seed in (1, 2 ** 100, None):
        assert (plain - init_weights(2, 3, 1, seed)).norm() > 1
