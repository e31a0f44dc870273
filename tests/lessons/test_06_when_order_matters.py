"""The feedback of notebook 06: right answers pass, each likely wrong one is caught and its cause named.

The numbers behind the explorer of notebook 06.
"""

import math

import numpy as np
import pytest
import traitlets

from helpers import assert_close, entries, hint_of, random_weights
from lstmlib import adam, backward, clip_by_norm, forward, init_weights, sgd
from lstmlib.exercises import when_order_matters as exercises
from lstmlib.explorers import when_order_matters as order


def mean_gradient(dtype=float):
    """The gradient of one item, without the explorer's own functions."""
    weights = init_weights(order.D, order.H, 1, seed=5, dtype=dtype)
    trace = forward(weights, np.random.default_rng(5).normal(size=(order.T, 1, order.D)))
    dY = np.zeros_like(trace.Y)
    dY[-1] = trace.Y[-1] - dtype(1.25)
    return weights, trace, dY, backward(weights, trace, dY)


@pytest.mark.parametrize("size_X", [1, 8, 1000, 2 ** 20])
@pytest.mark.parametrize("limit", [0.01, 1.0, 100.0, math.inf])
def test_norms_follow_the_formula(size_X, limit):
    numbers = order.numbers(order.Order(size_X=size_X, limit=limit))
    norm = size_X * mean_gradient()[3].norm()
    assert numbers.at_once.received_norm == pytest.approx(min(norm / size_X, limit))
    assert numbers.at_the_end.received_norm == pytest.approx(min(norm, limit) / size_X)
    assert numbers.clip_factor == pytest.approx(min(max(norm / limit, 1), size_X))


@pytest.mark.parametrize("size_X, limit", [(64, 3.0), (2 ** 20, 0.1)])
@pytest.mark.parametrize("epsilon", [1e-12, 1e-8, 1e-3])
def test_steps_are_those_of_lstmlib(size_X, limit, epsilon):
    weights, trace, dY, mean = mean_gradient()
    at_once = clip_by_norm(backward(weights, trace, dY / size_X) * size_X, limit)
    orders = at_once, clip_by_norm(mean * size_X, limit) / size_X
    numbers = order.numbers(order.Order(size_X=size_X, limit=limit, epsilon=epsilon))
    for way, gradient in zip((numbers.at_once, numbers.at_the_end), orders):
        np.testing.assert_allclose(way.received, entries(gradient), rtol=1e-12)
        moved = entries(weights - adam(weights, gradient, rate=1.0, epsilon=epsilon)[0])
        assert way.step == pytest.approx(np.sqrt(np.mean(moved ** 2)), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size_X", order.POWERS)
def test_powers_of_two_agree_bit_for_bit(dtype, size_X):
    state = order.Order(size_X=size_X, dtype=dtype, limit=math.inf)
    numbers = order.numbers(state)
    assert np.array_equal(numbers.at_once.received, numbers.at_the_end.received)
    assert "bit for bit" in order.words(state, numbers)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 1e-5)])
def test_other_sizes_agree_up_to_rounding(dtype, tolerance):
    for size_X in (3, 10, 1000):
        numbers = order.numbers(order.Order(size_X=size_X, dtype=dtype, limit=math.inf))
        difference = np.linalg.norm(numbers.at_once.received - numbers.at_the_end.received)
        assert difference < tolerance * numbers.at_the_end.received_norm


def test_float16_underflows_at_once_and_overflows_at_the_end():
    few, many = (order.numbers(order.Order(size_X=2 ** k, dtype="float16", limit=math.inf)) for k in (15, 18))
    weights, trace, dY, _ = mean_gradient(np.float16)
    lost = entries(backward(weights, trace, (dY.astype(float) / 2 ** 15).astype(np.float16))) == 0
    assert few.lost == lost.sum() > 5 and few.overflowed == 0
    assert many.lost > few.lost and many.overflowed == (np.abs(many.truth) * 2 ** 18 > 65520).sum() > 0
    assert math.isnan(many.at_the_end.step) and many.at_the_end.received_norm == math.inf
    assert few.at_once.step < few.at_the_end.step


def test_curves_are_the_numbers_at_each_power_of_two():
    state = order.Order(size_X=2 ** 11, limit=0.3, epsilon=1e-6)
    numbers = order.numbers(state)
    assert numbers.curves_at_once[0][11] == numbers.at_once.received_norm
    assert numbers.curves_at_the_end[1][11] == numbers.at_the_end.step


@pytest.mark.parametrize("preset, said", [
    ("No clip, float64", "agree bit for bit"),
    ("Clip cuts the sum", "but not the mean"),
    ("Clip cuts the mean too", "divided first, the gradient is 1,000 times as long as divided last."),
    ("Small epsilon forgives", "It forgives the factor."),
    ("Large epsilon does not", "at the end: 0.13."),
    ("float16: at once underflows", "At once underflows"),
    ("float16: at the end overflows", "At the end overflows"),
])
def test_words_follow_the_state(preset, said):
    explorer = order.order_matters()
    explorer.choose(preset)
    assert said in explorer.words.value
    assert ("forgives" in explorer.words.value) == (preset in ("Clip cuts the sum", "Small epsilon forgives"))


@pytest.mark.parametrize("changes, said", [
    ({"size_X": 1000, "limit": math.inf}, "agree up to rounding in float64"),
    ({"size_X": 512, "dtype": "float16", "limit": math.inf}, "agree up to rounding in float16"),
    ({"limit": 0.1}, "and the mean too"),
    ({"size_X": 1, "limit": 0.1}, "is as long as divided last"),
    ({"size_X": 2 ** 15, "dtype": "float16"}, "but not the mean"),
])
def test_other_words(changes, said):
    state = order.Order(**changes)
    assert said in order.words(state, order.numbers(state))


def test_every_state_of_the_controls_draws():
    explorer = order.order_matters()
    for dtype in order.FORMATS:
        for size_X in (1, 3, 1024, 10 ** 6, 2 ** 20):
            for limit in (0.01, 1e6, math.inf):
                explorer.set(dtype=dtype, size_X=size_X, limit=limit, epsilon=1e-2)
                assert explorer.error is None and "nan" not in explorer.panels.text
                assert explorer.panels.text.startswith("<svg") and 'viewBox="0 0 1000 526"' in explorer.panels.text


def test_a_wrong_value_is_shown_and_raised():
    explorer = order.order_matters()
    before = explorer.state
    for wrong in ({"size_X": 5}, {"limit": 7.0}, {"dtype": "float8"}, {"rate": 1}):
        with pytest.raises((ValueError, traitlets.TraitError)):
            explorer.set(**wrong)
        assert explorer.state == before


def test_brief_numbers():
    assert [order.brief(x) for x in (0, 0.15, 3.0, 1424.0, 2.6e6, 1e-7, math.inf)] == [
        "0", "0.15", "3", "1,400", "2.6e+06", "1.0e\N{MINUS SIGN}07", "infinite"]


def test_poster_has_both_states():
    poster = order.order_matters().poster_html()
    assert poster.count("<img alt=") == 2 and "Large epsilon does not" in poster


def sizes(first, last):
    return lambda norm, size_X, limit: (first(norm, size_X, limit), last(norm, size_X, limit))


def right_first(norm, size_X, limit):
    return min(norm / size_X, limit)


def right_last(norm, size_X, limit):
    return min(norm, limit) / size_X


def power_below(largest):
    return 2.0 ** math.floor(math.log2(65504 / largest))


def doubled_until_too_large(largest):
    S = 2.0 ** -40
    while 2 * S * largest <= 65504:
        S *= 2
    return S


def with_factors(**changes):
    """Settings for the sum: right, but for the factors given as functions of |X|."""
    factors = {"sgd_rate": lambda n: 1 / n, "adam_rate": lambda n: 1, "limit": lambda n: n, "decay": lambda n: n,
               "epsilon": lambda n: n} | changes
    return lambda settings, size_X: {name: value * factors[name](size_X) for name, value in settings.items()}


def changed_in_place(settings, size_X):
    settings |= exercises.translated(settings, size_X)
    return settings


def same(n):
    return 1


def inverse(n):
    return 1 / n


RIGHT = [
    (exercises.check_sizes_after, sizes(right_first, right_last)),
    (exercises.check_sizes_after, lambda norm, size_X, limit: [np.float64(right_first(norm, size_X, limit)),
                                                               right_last(norm, size_X, limit)]),
    (exercises.check_halving_size, lambda g, epsilon: abs(g) / epsilon),
    (exercises.check_choose_scale, power_below),
    (exercises.check_choose_scale, doubled_until_too_large),
    (exercises.check_settings_for_sum, with_factors()),
]

WRONG = [
    (exercises.check_sizes_after, sizes(right_last, right_first), "begins with divide-then-clip"),
    (exercises.check_sizes_after, sizes(lambda g, n, limit: limit, right_last), "does not lengthen"),
    (exercises.check_sizes_after, sizes(lambda g, n, limit: g / n, right_last), "was not clipped"),
    (exercises.check_sizes_after, sizes(lambda g, n, limit: min(g, limit), right_last), "divide before you clip"),
    (exercises.check_sizes_after, sizes(right_first, right_first), "this is divide-then-clip"),
    (exercises.check_sizes_after, sizes(right_first, lambda g, n, limit: min(g, limit)), "behind the clip is missing"),
    (exercises.check_sizes_after, sizes(right_first, lambda g, n, limit: limit / n), "does not lengthen"),
    (exercises.check_sizes_after, sizes(right_first, lambda g, n, limit: g / n), "the sum is longer"),
    (exercises.check_sizes_after, lambda g, n, limit: 5.0, "Return a pair"),
    (exercises.check_sizes_after, lambda g, n, limit: (right_first(g, n, limit), right_last(g, n, limit), limit),
     "Return a pair"),
    (exercises.check_halving_size, lambda g, epsilon: g / epsilon, "not on its sign"),
    (exercises.check_halving_size, lambda g, epsilon: epsilon / abs(g), "inverse"),
    (exercises.check_halving_size, lambda g, epsilon: 2 * abs(g) / epsilon, "a third"),
    (exercises.check_halving_size, lambda g, epsilon: abs(g) / epsilon / 2, "two thirds"),
    (exercises.check_halving_size, lambda g, epsilon: abs(g) / (abs(g) + epsilon), "Which |X|"),
    (exercises.check_halving_size, lambda g, epsilon: abs(g) * epsilon, "solve for |X|"),
    (exercises.check_halving_size, lambda g, epsilon: round(abs(g) / epsilon), "do not round"),
    (exercises.check_halving_size, lambda g, epsilon: g ** 2 / epsilon, "a ratio of two sizes"),
    (exercises.check_choose_scale, lambda largest: math.log2(power_below(largest)), "this is the exponent"),
    (exercises.check_choose_scale, lambda largest: 65504 / largest, "expected"),
    (exercises.check_choose_scale, lambda largest: 0.7 * 65504 / largest, "not a power of two"),
    (exercises.check_choose_scale, lambda largest: 2 * power_below(largest), "overflows"),
    (exercises.check_choose_scale, lambda largest: power_below(largest) / 2, "leaves room"),
    (exercises.check_choose_scale, lambda largest: 1024, "leaves room"),
    (exercises.check_choose_scale, lambda largest: 2 ** np.floor(np.log2(65504 / largest)).astype(int),
     "Hint: S may be below 1. Write `2.0 **`"),
    (exercises.check_choose_scale, lambda largest: 0, "above 0"),
    (exercises.check_choose_scale, lambda largest: float("nan"), "above 0"),
    (exercises.check_choose_scale, lambda largest: "16", "above 0"),
    (exercises.check_choose_scale, lambda largest: True, "above 0"),
    (exercises.check_settings_for_sum, with_factors(sgd_rate=same), "the step would be too"),
    (exercises.check_settings_for_sum, with_factors(sgd_rate=lambda n: n), "smaller rate"),
    (exercises.check_settings_for_sum, with_factors(adam_rate=inverse), "keep the rate"),
    (exercises.check_settings_for_sum, with_factors(adam_rate=lambda n: n), "keep the rate"),
    (exercises.check_settings_for_sum, with_factors(limit=same), "compared with the gradient"),
    (exercises.check_settings_for_sum, with_factors(limit=inverse), "higher limit"),
    (exercises.check_settings_for_sum, with_factors(decay=same), "too weak"),
    (exercises.check_settings_for_sum, with_factors(decay=inverse), "stronger decay"),
    (exercises.check_settings_for_sum, with_factors(epsilon=same), "compared with the size"),
    (exercises.check_settings_for_sum, with_factors(epsilon=inverse), "larger epsilon"),
    (exercises.check_settings_for_sum, with_factors(epsilon=lambda n: n * n), "the root of v'"),
    (exercises.check_settings_for_sum, changed_in_place, "has been changed"),
    (exercises.check_settings_for_sum, with_factors(decay=lambda n: n * n), "not |X|^2 times"),
    (exercises.check_settings_for_sum, with_factors(limit=lambda n: n * n), "not |X|^2 times"),
    (exercises.check_settings_for_sum, lambda settings, n: {"limit": 1.0},
     "Still open: sgd_rate, adam_rate, decay, epsilon."),
    (exercises.check_settings_for_sum, lambda settings, n: exercises.translated(settings, n) | {"decay": ...},
     "Still open: decay."),
    (exercises.check_settings_for_sum, lambda settings, n: settings | {"clip": 1.0},
     "Return a dict with the keys sgd_rate, adam_rate, limit, decay, epsilon."),
    (exercises.check_settings_for_sum, lambda settings, n: 1.0, "the keys"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    check.judge(answer)
    check(answer)
    assert capsys.readouterr().out == f"Right. {check.__doc__.splitlines()[0]}\n"


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_is_caught_and_its_cause_named(check, answer, cause, capsys):
    assert cause in hint_of(check, answer)
    check(answer)
    assert capsys.readouterr().out.startswith("Not yet. ")


@pytest.mark.parametrize("check, answer, message", [
    (exercises.check_sizes_after, sizes(right_last, right_last),
     "For divide-then-clip, norm 40, |X| = 8, limit 3: expected 3, received 0.375. "
     "Hint: this is clip-then-divide. The pair begins with divide-then-clip."),
    (exercises.check_sizes_after, sizes(right_first, right_first),
     "For clip-then-divide, norm 40, |X| = 8, limit 3: expected 0.375, received 3. Hint: this is divide-then-clip."),
    (exercises.check_halving_size, lambda g, epsilon: g / epsilon,
     "For g = -0.5, epsilon = 0.001: expected 500, received -500. "
     "Hint: the step depends on the size of g, not on its sign; |X| is positive."),
    (exercises.check_choose_scale, lambda largest: max(power_below(largest), 0.5),
     "For largest = 1e+06: expected 0.0625, received 0.5. "
     "Hint: S * largest = 500000 overflows: float16 ends at 65504."),
    (exercises.check_choose_scale, lambda largest: min(power_below(largest), 2 ** 16),
     "For largest = 3e-07: expected 1.37439e+11, received 65536. "
     "Hint: S * largest = 0.0196608 leaves room for another factor of 2."),
    (exercises.check_settings_for_sum, with_factors(limit=same),
     "For limit = 2, |X| = 16: expected 32, received 2. "
     "Hint: the limit is compared with the gradient, and the sum is |X| times as long as the mean."),
    (exercises.check_settings_for_sum, with_factors(sgd_rate=lambda n: n * n),
     "For sgd_rate = 0.5, |X| = 16: expected 0.03125, received 128."),
])
def test_feedback_says_what_was_given_expected_and_received(check, answer, message):
    assert hint_of(check, answer) == message


@pytest.mark.parametrize("check, parameters", [
    (exercises.check_sizes_after, 3), (exercises.check_halving_size, 2), (exercises.check_choose_scale, 1),
    (exercises.check_settings_for_sum, 2)])
@pytest.mark.parametrize("nothing", [None, ...])
def test_a_stub_is_not_answered_yet(check, parameters, nothing, capsys):
    check([lambda a: nothing, lambda a, b: nothing, lambda a, b, c: nothing][parameters - 1])
    assert capsys.readouterr().out == "Not answered yet.\n"


def test_a_forgotten_return_is_told(capsys):
    def forgets(norm, size_X, limit):
        both = min(norm / size_X, limit), min(norm, limit) / size_X  # noqa: F841

    exercises.check_sizes_after(forgets)
    assert capsys.readouterr().out == "Not yet. The function forgets returned None. Hint: is a `return` missing?\n"


def test_another_error_of_the_readers_is_told_as_it_is(capsys):
    exercises.check_choose_scale(lambda largest: int("S"))
    said = capsys.readouterr().out
    assert "invalid literal" in said and "Hint" not in said


@pytest.mark.parametrize("optimise, rate", [(sgd, "sgd_rate"), (adam, "adam_rate")])
def test_translated_settings_make_the_same_steps(optimise, rate):
    """The right answer of the last exercise, on real steps: clip, then weight decay, then the optimiser."""
    for_mean = {"sgd_rate": 0.1, "adam_rate": 0.01, "limit": 0.5, "decay": 0.1, "epsilon": 0.01}
    size_X = 12
    ends = []
    for settings, prepare in ((for_mean, lambda g: g / size_X), (exercises.translated(for_mean, size_X), lambda g: g)):
        weights, state = random_weights(), None
        options = {"epsilon": settings["epsilon"]} if optimise is adam else {}
        for seed in range(1, 6):
            gradient = clip_by_norm(prepare(random_weights(seed=seed)), settings["limit"]) + settings["decay"] * weights
            weights, state = optimise(weights, gradient, state, rate=settings[rate], **options)
        ends.append(weights)
    assert_close(ends[1], ends[0], 1e-13)
    assert (ends[0] - random_weights()).norm() > 1e-3


def test_the_right_scale_neither_overflows_nor_leaves_room():
    with np.errstate(over="ignore"):
        for largest in (1.0, 3e-7, 1e6, 65504.0):
            S = power_below(largest)
            assert np.isfinite(np.float16(S * largest)) and 2 * S * largest > 65504
