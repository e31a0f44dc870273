"""`diagnose` on an LSTM that someone else wrote (`strangers`): right code is cleared, faults named, none is made up.

The numbers of docs/own-lstm.md: DRAWS=500 python -m pytest tests/core/test_diagnosis.py -k "draws or accused" -s, and
with FIRST=1000 those of draws that nothing was mended for.
"""

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from strangers import FAULTS, stranger

from lstmlib import Weights, backward, cross_entropy, forward, init_weights
from lstmlib.clinic import catalogue, diagnose, from_indices, from_step, layouts, ready_head, search, xray
from lstmlib.clinic.asking import Data, Own, Sizes, random_targets, random_weights
from lstmlib.clinic.experiments import XRAY
from lstmlib.clinic.words import LINES

DRAWS, FIRST = int(os.environ.get("DRAWS", 4)), int(os.environ.get("FIRST", 0))
NAMES = {switch: name for name, switch in FAULTS.items()}
ONE_OF = [set(group.split()) for group in (  # two of these are written in one line, or one hides the other
    "dh0 dhI dhT dhS dhE dhA dh-o dh-f dh2", "dc0 dcF dc2", "perm dhA", "i2 i1 is it i/2", "f2 f1 fs ft",
    "g2 g1 gs gt g/2", "o2 o1 os ot", "c2 cc c1 ct ch", "early late hearly cearly wrap view stale alias far atearly x",
    "first last only far all= Wxlast Wx= Wh= lastloss", "other extra sign", "factor count every means sign",
    "clipv clipn clips extra", "grow inplace means")]
OF_THE_HEAD = set("lastloss other sign factor count extra inner means".split())
UNSEEN = set("grow inplace means clipv clipn clips".split())  # in one small question
PEEPHOLES = {"peepholes": np.random.default_rng(4).normal(size=(3, 4))}
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # in the code of the strangers


def setting(rng):
    """A random way to write an LSTM, and sizes to examine it with."""
    how = {"loss": str(rng.choice(["cross entropy", "squared error", "given"])),
           "many_to_one": bool(rng.random() < 0.3)}
    style = {"joined": str(rng.choice(["hx", "xh"])), "order": "".join(rng.permutation(list("ifgo"))),
             "mean": bool(rng.random() < 0.4)}
    sizes = {"T": int(rng.integers(4, 7)), "B": int(rng.integers(1, 4)), "D": int(rng.integers(6, 9)),
             "H": int(rng.integers(3, 6)), "K": int(rng.integers(3, 5)), "seed": int(rng.integers(1000))}
    return how, style, sizes


def drawn(rng, count):
    """A setting and `count` faults, each of which changes the gradient."""
    while True:
        how, style, sizes = setting(rng)
        switches = [str(one) for one in rng.choice(list(FAULTS.values()), count, replace=False)]
        if how["loss"] == "given" and set(switches) & OF_THE_HEAD:
            continue
        if any(len(group & set(switches)) > 1 for group in ONE_OF) or "means" in switches and sizes["B"] < 2:
            continue
        full = answer(switches, how, style, sizes)
        if not full[1:].any():  # nothing could grow
            continue
        mean = {"mean": True}  # 1/|X| at every step is none where nothing crosses a second step
        if not any(np.allclose(full, answer([one for one in switches if one != switch], how,
                                            style | (mean if switch == "every" else {}), sizes), 1e-7, 1e-10)
                   for switch in switches if switch not in UNSEEN):
            return switches, how, style, sizes


def answer(switches, how, style, sizes):
    sizes = Sizes(*(sizes[name] for name in "TBDHK"))
    data = Data.random(Own(stranger(*switches, **how, **style), **how), sizes, np.random.default_rng(1))
    return np.concatenate([[data.loss or 0.0], *(array.ravel() for array in data.gradient.values())])


def judged(switches, diagnosis):
    """Whether all names are right, all places are right, and whether a false name is given with confidence."""
    names = {NAMES[switch] for switch in switches}
    if names == {"dh: not carried", "dc: not carried"} and len(diagnosis.faults) == 1:
        names = {"timesteps: last only"}  # where nothing else is carried
    found = [set(said.split(" or ")) for said in diagnosis.faults]
    named = len(found) == len(names) and all(any(name in group for group in found) for name in names)
    alike = {"h0": {"h0", "states before t"}, "states before t": {"h0", "states before t"}}
    places = {name.partition(": ")[0] for name in names}
    placed = all(alike.get(place, {place}) & set(diagnosis.places) for place in places)
    made_up = any(names.isdisjoint(group) for group in found)
    return named, placed, diagnosis.explained and (made_up or not named)


def test_draws_of_one_to_four_faults_are_named_and_placed_and_none_is_made_up():
    results = []
    for seed in range(FIRST, FIRST + DRAWS):
        switches, how, style, sizes = drawn(np.random.default_rng([seed, 8]), 1 + seed % 4)
        start = time.process_time()
        diagnosis = diagnose(stranger(*switches, **how, **style), **how, **sizes, progress=False)
        results.append((*judged(switches, diagnosis), time.process_time() - start, diagnosis.spent))
        assert str(diagnosis) and set(diagnosis.faults) <= {said for one in diagnosis.experiments for said in one.found}
        if not results[-1][0]:
            print(seed, [NAMES[s] for s in switches], how, style, sizes, "->", diagnosis.faults, diagnosis.places)
    for count in range(1, 5):  # the table of the page
        named, placed, _, seconds, spent = np.array(results[(count - 1 - FIRST) % 4::4], float).T
        print(f"{count} faults, {len(named)} draws: {placed.mean():.1%} placed, {named.mean():.1%} named, "
              f"{np.median(seconds):.2f} s and {np.median(spent):.0f} spent (median), {seconds.max():.2f} s and "
              f"{spent.max():.0f} (largest)")
    named, placed, false, _, spent = np.array(results, float).T
    allowed = 1 if DRAWS < 100 else 0  # of a handful
    assert placed.sum() >= 0.95 * DRAWS - allowed and named.sum() >= 0.90 * DRAWS - allowed
    assert not false.any() and spent.max() <= search.ALL + 500


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_the_table_is_named_and_its_lines_are_shown(name):
    loss = "cross entropy" if FAULTS[name] in OF_THE_HEAD else "given" if len(name) % 2 else "squared error"
    diagnosis = diagnose(stranger(FAULTS[name], loss=loss), loss=loss, T=4, D=4, H=2, K=2, progress=False)
    assert diagnosis.explained and len(diagnosis.faults) == 1 and name in diagnosis.faults[0].split(" or ")
    place, _, what = name.partition(": ")
    right, why, wrong = LINES[place]
    assert all(line[:60] in str(diagnosis) for line in (wrong[what], right, why))


@pytest.mark.parametrize("switches, style, sizes", [
    ("all= f2", {"loss": "given"}, {"T": 4, "H": 3}),  # looks like coupled gates
    ("g1 Wxlast dh0", {"many_to_one": True}, {"T": 4, "H": 3}),  # too little is left of Wx to read dz
    ("last wrap clipn", {"mean": True}, {"T": 6, "B": 3, "D": 7, "H": 3, "K": 3, "seed": 953}),
    ("other bi clips", {}, {}), ("clips ft", {}, {"T": 4, "K": 4, "seed": 644}),  # a clip hides a loss, and impulses
    ("all= dhE c1 f2", {"loss": "squared error"}, {}),  # two of them show together only
    ("grow g2 dc0", {}, {}), ("means g2", {}, {"B": 3}),
    ("lastloss extra", {"loss": "squared error"}, {}),  # the fault that is found first is another
    ("last", {"loss": "given", "many_to_one": True}, {}),  # no target moves it
    ("g2 dh-o", {}, {"D": 3})])  # fewer inputs than timesteps
def test_what_was_once_hidden_is_named(switches, style, sizes):
    how = {name: style[name] for name in ("loss", "many_to_one") if name in style}
    diagnosis = diagnose(stranger(*switches.split(), **style), **how, **sizes, progress=False)
    assert set(diagnosis.faults) == {NAMES[switch] for switch in switches.split()} and diagnosis.explained


def test_right_code_is_never_accused():
    for seed in range(max(8, DRAWS * 3 // 5)):
        rng = np.random.default_rng([seed, 9])
        how, style, sizes = setting(rng)
        way, own = "standard", stranger(**how, **style, dtype=rng.choice([np.float32, float]))
        if rng.random() > 0.5:
            way = str(rng.choice([one for one in VARIANTS if "output layer" not in one and (
                how["loss"] != "given" or not re.search("output|peepholes|;", one))]))
            own = of_catalogue(VARIANTS[way], how["loss"], how["many_to_one"], factor=0.25)
        diagnosis = diagnose(own, **how, **sizes | {"H": 4}, progress=False)
        assert diagnosis.explained and not diagnosis.places, (seed, way, how, style, sizes, str(diagnosis))
        assert diagnosis.forward == way or how["loss"] == "given"


def of_catalogue(way, loss, many_to_one=False, factor=1.0, faults=()):
    """A backward pass of the catalogue as the code of a stranger, the loss and the gradient times a factor."""
    asked = Own(stranger(), loss, many_to_one)

    def own(weights, X, targets):
        if many_to_one and not asked.given:
            targets = np.repeat(targets[None], len(X), axis=0)
        data = Data(asked, Sizes(), weights, X, targets, answer=(None, None))
        gradient = {k: factor * a for k, a in data.predict(way, dict(faults)).items()}
        return gradient if asked.given else (factor * data.upstream(way)[1].sum(), gradient)

    return own


VARIANTS = catalogue.FORWARDS | {
    "diagonal peepholes": PEEPHOLES, "diagonal peepholes; o looks at c_(t-1)": PEEPHOLES | {"looks back": True},
    "diagonal peepholes; coupled gates, f = 1 - i": PEEPHOLES | {"coupled": "f"}}


@pytest.mark.parametrize("loss", ["cross entropy", "squared error"])
def test_each_forward_pass_of_the_catalogue_has_the_gradient_of_its_loss(loss):
    rng, sizes = np.random.default_rng(1), Sizes(T=3, K=4)
    weights, towards = (random_weights(sizes, rng) for _ in "ab")
    question = rng.normal(size=(3, 2, 6)), random_targets(loss, sizes, rng)
    for said, way in VARIANTS.items():
        own, step = of_catalogue(way, loss), 1e-5 * towards
        slope = (own(weights + step, *question)[0] - own(weights - step, *question)[0]) / 2e-5
        assert Weights(**own(weights, *question)[1]).dot(towards) == pytest.approx(slope, rel=1e-7), said


# ---- the experiments

def test_each_fault_is_told_by_the_experiment_that_shows_it_first():
    diagnosis = diagnose(stranger("g2", "dhA", "early", "clipn"), progress=False)
    found = {one.name: one.found for one in diagnosis.experiments if one.found}
    assert found == {
        "gates i, f, g at the impulse": ("states before t: one index early", "slope of g: at the activation"),
        "what of dc enters dh: gate o, two steps back": ("dh: from dh alone",),
        "a large upstream": ("clipped inside: by norm",)}
    assert "seen   what of dc enters dh: gate o, two steps back" in str(diagnosis)


def test_what_is_spent_is_bounded_whatever_the_code_does(monkeypatch):
    """Gradients that are none: every experiment fails, and what may be spent on names is spent."""
    monkeypatch.setattr(search, "ALL", 500)
    own = changed(lambda g, X: {k: np.sin(1000 * a) for k, a in g.items()}, many_to_one=True)
    diagnosis = diagnose(own, many_to_one=True, progress=False)
    assert 250 < diagnosis.spent <= 700 and not diagnosis.explained


# ---- faults that are in no table: the place is told, and no name

@pytest.mark.parametrize("line, change, place", [
    ("dc", lambda v: v * abs(v), "dc"), ("dh", lambda v: v / 2, "dh"), ("slope of g", lambda v: v ** 1.5, "slope of g"),
    ("dWh", abs, "Wh"), ("dWy", lambda v: v * abs(v), "head"), ("dY", lambda v: v * abs(v), "loss")])
def test_what_is_in_no_table_is_told_by_place_and_number(line, change, place, monkeypatch):
    monkeypatch.setattr(search, "COMBINATIONS", 0)  # of names that there are not
    monkeypatch.setattr(search, "ENOUGH", 0)
    diagnosis = diagnose(stranger(changes={line: change}), progress=False)
    assert diagnosis.places == [place] and not diagnosis.faults and not diagnosis.explained
    assert "no way of being wrong that is known here" in str(diagnosis)
    assert place != "dh" or diagnosis.numbers["dh"] == "what comes from h_5 to h_4 is 0.5 of what it should be"
    assert diagnosis.experiments[-1].name == XRAY[-1].name  # whole gradients are for what has a name


# ---- what is said of other code

def changed(change, *switches, loss="cross entropy", **style):
    """The code of a stranger whose gradient becomes change(gradient, X)."""
    right = stranger(*switches, loss=loss, **style)

    def own(weights, X, targets):
        answer = right(weights, X, targets)
        return change(answer, X) if loss == "given" else (answer[0], change(answer[1], X))

    return own


GARBAGE = np.random.default_rng(0)


def empty(shape):
    np.full(shape, GARBAGE.random())  # what np.empty finds in the memory
    return np.empty(shape)


def started(start, arrays=("Wx", "Wh", "b"), **style):
    """Two faults, and sums that start with something else at each call."""
    return changed(lambda g, X: g | {k: g[k] + start(g[k].shape) for k in arrays}, "g2", "dhA", **style)


def writes_into_the_weights(weights, X, labels):
    weights.Wx[...] = 0


def decays_in_the_loss(weights, X, labels):
    loss, gradient = stranger()(weights, X, labels)
    return loss + 0.05 * (weights.Wx ** 2).sum(), gradient | {"Wx": gradient["Wx"] + 0.1 * weights.Wx}


def without_an_output_layer(weights, X, targets):
    """K = H, and the loss is that of h itself."""
    head = Weights(weights.Wx, weights.Wh, weights.b, np.eye(4), np.zeros(4))
    loss, gradient = stranger("c2", loss="squared error")(head, X, targets)
    return loss, {k: gradient[k] for k in ("Wx", "Wh", "b")}


def with_a_ready_head(weights, X, labels):
    loss, dh, of_head = ready_head(weights, catalogue.forward(weights, X, {}).hs[1:], labels)
    return loss, stranger("g2", loss="given")(weights, X, dh) | of_head


def grows(gradient, X, kept={}):  # noqa: B006
    """Of two arrays alone the sums are never cleared."""
    for k in ("Wx", "b"):
        kept[k, X.shape] = gradient[k] = gradient[k] + kept.get((k, X.shape), 0)
    return gradient


def learns_inside(weights, X, labels):
    loss, gradient = stranger("g2")(weights, X, labels)
    return loss, {name: getattr(weights, name) - 0.1 * array for name, array in gradient.items()}


def takes_indices(weights, inputs, labels):
    assert weights.Wx.shape == (6, 16) and inputs.dtype.kind == "i" and inputs.shape == labels.shape
    return stranger("clipv", "c2")(weights, np.eye(6)[inputs], labels)


def truncated(cut):
    """Nothing comes back from the loss at s into the states at t where cut(s, t)."""
    def own(weights, X, labels):
        trace, sums = forward(weights, X), 0 * weights
        loss, dY = cross_entropy(trace.Y, labels)
        for s in range(len(X)):
            into = {edge: iter(reversed(range(len(X) - 1))) for edge in ("dh_next", "dc_next")}
            sums = sums + backward(weights, trace, dY * (np.arange(len(X)) == s)[:, None, None],
                                   lambda edge, gradient: gradient * (
                                       edge not in into or not cut(s, next(into[edge]))))
        return loss, sums

    return own


def mistakes_its_layout(weights, X, labels, said=layouts("ifgo", "xh"), real=layouts("fgio", "hx")):
    loss, gradient = stranger()(Weights(**real.take(said.give(weights))), X, labels)
    return loss, said.take(real.give(Weights(**gradient)))


BOTH, DIFFER = ["slope of g: at the activation", "dh: from dh alone"], ["calls: differ"]
SMALL = {"T": 3, "D": 3, "H": 2, "K": 2}  # for numerical gradients
FIXED = random_weights(Sizes(), np.random.default_rng(1))


@pytest.mark.parametrize("own, arguments, faults, said", [
    # of two calls, and what raises
    (started(empty), {}, DIFFER + BOTH, "an array is made with np.empty, and not set to zero"),
    (started(lambda shape: np.random.rand(*shape), loss="given"), {"loss": "given"}, DIFFER + BOTH, "random numbers"),
    (started(lambda shape: GARBAGE.normal(size=shape), "b"), {}, DIFFER + BOTH, "A guess ... note: not judged: b"),
    (lambda w, X, y: stranger()(w, X + GARBAGE.normal(size=X.shape), y), {}, DIFFER, "nothing more can be read"),
    (changed(grows, "g2"), {}, DIFFER + BOTH[:1], "explain the whole gradient"),
    (writes_into_the_weights, {}, ["arguments: changed in place"], "the weights are read-only here"),
    (changed(lambda g, X: g if len(X) > 1 else [][0]), {}, [], "right ... at T = 1: IndexError (list index out of"),
    # of whole gradients
    (changed(lambda g, X: g | {"Wh": g["Wh"] + 1}), {}, [], "every answer to an impulse is ... % in Wh"),
    (changed(lambda g, X: g | {"Wh": g["Wh"] + (len(X) == 2)}), {}, [], "right at T = 1, 3, 4, 5, 6 and not"),
    (changed(lambda g, X: g | {"by": g["by"] + [1, 0, 0]}), {}, [], "loss: no way ... its differences are"),
    (changed(lambda g, X: {k: np.clip(a, -5, 9) for k, a in g.items()}), {}, [], "clipped inside: no way"),
    (decays_in_the_loss, {}, [], "The gradient is right"),
    (stranger("sign", "i/2", mean=True), {}, ["loss: the other sign", "slope of i: a constant factor"],
     "here times 0.5 ... here the gradient is -1 times that of the loss ... gates -1/(T*B), head -1/(T*B), loss 1/"),
    (changed(lambda g, X: {k: a / X[..., 0].size for k, a in g.items()}, mean=True), {},
     ["loss: another factor than the gradient's"], "here the gradient is 0.1 times ... gates 1/(T*B)^2"),
    (stranger(mean=True), {}, [], "gates 1/(T*B), head 1/(T*B), loss 1/(T*B) ... at once, to dY, or at the end"),
    (changed(lambda g, X: {k: g[k] for k in ("Wh", "b")}, "count", "i2"), {}, ["slope of i: at the activation"],
     "against the sum over all items: gates 1, loss 1"),
    (stranger("only", many_to_one=True), {"many_to_one": True},
     ["timesteps: last only or dh: not carried and dc: not carried"], "explains the"),
    (stranger(changes=dict.fromkeys(("dh", "dc"), lambda v: np.clip(v, -0.5, 0.5))), {},
     ["clipped inside: at each step"], "explains the"),
    (truncated(lambda s, t: s - t == 3), {}, [], "into h is right, and is cut after 2 steps (trunc ... into c is"),
    (truncated(lambda s, t: t % 2), {}, [], "c is right, and is cut between c_3 and c_2, c_5 and c_4 (truncated"),
    # of other forward passes
    (without_an_output_layer, {"loss": "squared error", "K": 4}, ["slope of tanh(c): 1 - c^2"], "no output layer"),
    *((of_catalogue(VARIANTS[forward], loss, faults=[(place, what)]), {"loss": loss},
       [f"{place}: {catalogue.name(what)}"], f"forward pass: {forward} against") for forward, loss, place, what in [
        ("the squashed cell is carried", "squared error", "dh", "without gate o"),
        ("a bias used twice", "squared error", "b", "left at zero"),
        ("sigmoid output", "squared error", "loss", "of another loss; without the output's slope"),
        ("tanh(x/2) for both tanh", "squared error", "slope of tanh(c)", "of another function; tanh"),
        ("h = o * c, without tanh", "given", "slope of i", "missing"),
        ("diagonal peepholes", "squared error", "peepholes", "left out of dc"),
        ("diagonal peepholes; coupled gates, f = 1 - i", "squared error", "coupled gates", "one path left out")]),
    (of_catalogue(VARIANTS["diagonal peepholes; o looks at c_(t-1)"], "cross entropy"), {}, [],
     "diagonal peepholes; o looks at c_(t-1)"),
    (lambda w, X, y: stranger(many_to_one=True)(w, X ** 2, y[-1]), SMALL, [], "gradient is right ... many_to_one=True"),
    (lambda w, X, y: stranger("bi", loss="squared error", dtype=w.dtype)(w, X ** 2, y),
     SMALL | {"loss": "squared error"}, [], "The gradient is wrong: * b of i: no way ... gate i is off by 91.9% seen"),
    # behind adapters
    (mistakes_its_layout, SMALL, [], "mended: in its order= write i in place of g, f in place of i, g in place of f "
                                     "and say joined='hx'"),
    (from_step(learns_inside, 0.1), {}, BOTH[:1], "explains the"), (with_a_ready_head, {}, BOTH[:1], "explains the"),
    (from_indices(takes_indices, 6), {"B": 1, "K": 6}, ["slope of tanh(c): 1 - c^2", "clipped inside: by value"],
     "explain the")])
def test_what_is_said_of_other_code(own, arguments, faults, said):
    diagnosis = diagnose(own, **arguments, progress=False)
    report = " ".join(str(diagnosis).split())
    assert set(diagnosis.faults) == set(faults) and all(part in report for part in said.split(" ... ")), diagnosis


def test_progress_is_said_after_a_second(capsys, monkeypatch):
    clock = iter(range(10000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    diagnose(stranger())
    assert "diagnose, 2 s: the X-ray" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, error, message", [
    ({"own": 3}, TypeError, "own must be a function own"),
    ({"loss": "mse"}, ValueError, "loss must be one of 'cross entr"),
    ({"K": 1}, ValueError, "K must be at least 2 for cross entropy, got 1"),
    ({"own": lambda *q: 3}, TypeError, r"own must return \(loss, gradient\), got int"),
    ({"own": from_indices(lambda *q: 3)}, TypeError, r"own must return \(loss, gradient\), got int"),
    ({"own": lambda *q: (3, {}, 3)}, TypeError, r"own must return \(loss, gradient\), got tuple of 3"),
    ({"own": from_step(lambda *q: None, 1)}, TypeError, r"update must return \(loss, new weights\), got NoneType"),
    ({"own": lambda w, X, y: stranger()(FIXED, X, y)}, ValueError, "takes no notice of the weights that it is given"),
    ({"own": lambda w, X, y: stranger(loss="squared error")(w, X, y.transpose(0, 1, 2))}, ValueError,
     r"With loss='squared error' it answers.*np\.eye"),
    ({"own": lambda *q: (1, {"Wx": [[1], [1, 2]]})}, ValueError, "the gradient of Wx must be a rectangular array"),
    ({"own": lambda w, *q: (1, {"b": w.b * np.longdouble("1e4000")})}, ValueError, "b must be finite in float64, got"),
    ({"own": lambda *q: ("a", {})}, ValueError, "one finite number as loss, got 'a'"),
    ({"own": lambda *q: (1, [])}, TypeError, "must be a Weights or a dict of some of Wx, Wh, b, Wy, by, got list"),
    ({"own": lambda *q: (1, {"W": 1})}, ValueError, "must have keys from Wx, Wh, b, Wy, by, got W"),
    ({"own": lambda *q: None}, TypeError, "got NoneType: its last line must be `return loss, gradient`"),
    ({"own": lambda w, *q: {"b": w.b}}, TypeError, "got dict: the loss is missing .*loss='given'"),
    ({"own": lambda w, *q: ({"b": w.b}, 1.0)}, TypeError, "got the gradient first: exchange the two"),
    ({"own": lambda *q: (np.ones(5), {})}, ValueError, "sum the losses of timesteps and sequences"),
    ({"own": lambda *q: (np.nan, {})}, ValueError, "got nan: the questions are of ordinary size, so look for a log of"),
    ({"own": lambda w, *q: (1, {"Wx": w.Wx.T})}, ValueError, r"It is the transpose: layouts\(\.\.\., columns=True\)"),
    ({"own": lambda w, *q: (1, {"b": w.b[:, None]})}, ValueError, r"right number of entries: \.reshape\(16,\)"),
    ({"own": lambda w, X, y: stranger()(w, X[:, :1], y[:, :1])}, ValueError,
     r"takes no notice of any sequence but the first of the 2 .*diagnose\(own, \.\.\., B=1\)"),
    ({"own": lambda w, X, y: stranger()(w, X.reshape(5, 1, 6), y)}, ValueError,
     r"X of shape \(T, B, D\) = \(5, 2, 6\)\. With B=1 it answers: diagnose\(own, \.\.\., B=1\)"),
    ({"own": stranger(many_to_one=True)}, ValueError, "With many_to_one=True it answers"),
    ({"own": lambda w, X, y: w.backward()}, AttributeError, "Call own with such arguments by itself"),
    ({"own": from_indices(stranger(), 6)}, ValueError, r"size must be at least T\*B = 10, got 6")])
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error) as raised, np.errstate(over="raise"):
        diagnose(**{"own": stranger()} | arguments)
    said = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert re.search(message, said), said


# ---- the X-ray by itself

@pytest.mark.parametrize("how", [{"loss": "given"}, {"many_to_one": True}])
def test_the_xray_shows_dz_of_a_stranger_beside_the_true_one(how):
    right, wrong = xray(stranger(**how), **how), xray(stranger("g2", **how), **how)
    assert right.one_hot and right.steps == ((4,) if "many_to_one" in how else (0, 1, 2, 3, 4))
    at_impulse = wrong.errors[range(len(wrong.steps)), wrong.steps]
    assert (at_impulse[:, 2] > 0.01).all() and max(at_impulse[:, [0, 1, 3]].max(), right.errors.max()) < 1e-9


# ---- adapters

@pytest.mark.parametrize("style", [{}, {"joined": "xh", "names": "W b V c"}, {"each_gate": True, "columns": True}])
def test_layouts_put_weights_into_a_dict_and_get_its_gradient(style):
    layout, weights = layouts("fico", **style), init_weights(3, 5, 2)
    net = layout.put(weights, {})
    assert tuple(net) == layout.names and all(array.flags.writeable for array in net.values())
    back = layout.get({f"grad_{name}": array for name, array in net.items()}, "grad_{}")
    assert all(np.array_equal(back[name], array) for name, array in weights.items())


def test_layouts_are_what_they_say():
    weights = init_weights(3, 5, 2)
    W, b, Wy, by = layouts("ifog", "xh").give(weights)
    assert np.array_equal(W[3:, 15:], weights.Wh[:, 10:15]) and b.shape == (20,) and by.shape == (2,)
    assert [array.shape for array in layouts(columns=True, flat=True, head=False).give(weights)][2:] == [(20,)]
    assert "Wx" not in layouts(joined="hx", each_gate=True).take({"Wi": W[:, :5]})


def test_the_page_has_an_adapter_that_works():
    page = (Path(__file__).parents[2] / "docs" / "own-lstm.md").read_text(encoding="utf-8")
    layout = layouts("figo", "hx", True, True)

    class Net:
        def forward(self, columns, labels):
            loss, gradient = stranger("g2")(Weights(**layout.take(vars(self))), columns.transpose(0, 2, 1), labels)
            vars(self).update(zip([f"d{name}" for name in layout.names], layout.give(Weights(**gradient))))
            return loss

        def backward(self):
            pass

    said = []
    exec(re.search("```python\n(.*?)```", page, re.S)[1], {"Net": Net, "print": said.append})
    assert said[0].faults == ["slope of g: at the activation"]
