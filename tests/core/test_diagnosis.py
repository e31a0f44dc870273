"""`diagnose` on LSTMs that others wrote (`strangers`): right ones are cleared, faults named, and none is made up.

The numbers of docs/own-lstm.md: DRAWS=500 python -m pytest tests/core/test_diagnosis.py -k "draws or accused" -s, and
with FIRST=1000 those of draws that nothing was mended for.
"""

import itertools
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from strangers import FAULTS, plain, stranger

from lstmlib import Weights, init_weights
from lstmlib.clinic import catalogue, diagnose, from_indices, from_step, layouts, ready_head, search, xray
from lstmlib.clinic.asking import Data, Own, Sizes
from lstmlib.clinic.experiments import BATCH, CALLS, LOSS, WHOLE, XRAY
from lstmlib.clinic.patients import HEALTHY, OUTPATIENTS, PATIENTS, outpatient
from lstmlib.clinic.words import LINES
from lstmlib.clinic.xray import Film

DRAWS, FIRST = int(os.environ.get("DRAWS", 8)), int(os.environ.get("FIRST", 0))
NAMES = {switch: name for name, switch in FAULTS.items()}
ONE_OF = [set(group.split()) for group in (  # two of these are written in one line, or one hides the other
    "dh0 dhI dhT dhS dhE dhA dh-o dh-f", "dc0 dcF", "i2 i1 is it i/2", "f2 f1 fs ft", "g2 g1 gs gt g/2", "o2 o1 os ot",
    "c2 cc c1 ct", "early late hearly cearly wrap view stale alias far atearly x",
    "first last only far all= Wxlast Wx= Wh= lastloss", "other extra", "factor count every means",
    "clipv clipn clips extra", "grow inplace means")]
OF_THE_HEAD = set("lastloss other factor count extra inner means".split())
UNSEEN = set("grow inplace means clipv clipn clips".split())  # in one small question


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


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
        switches = [str(one) for one in rng.choice(list(NAMES), count, replace=False)]
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
        rng = np.random.default_rng([seed, 8])
        switches, how, style, sizes = drawn(rng, count := 1 + seed % 4)
        start = time.process_time()
        diagnosis = diagnose(stranger(*switches, **how, **style), **how, **sizes, progress=False)
        results.append((count, *judged(switches, diagnosis), time.process_time() - start, diagnosis.spent))
        found = [said for one in diagnosis.experiments for said in one.found]
        assert str(diagnosis) and diagnosis.spent <= search.ALL + 500 and found and set(diagnosis.faults) <= set(found)
        if not results[-1][1]:
            print(seed, [NAMES[s] for s in switches], how, style, sizes, "->", diagnosis.faults, diagnosis.places)
    results = np.array(results, float)
    for count in range(1, 5):
        of = results[results[:, 0] == count]
        print(f"{count} faults, {len(of)} draws: {of[:, 2].mean():.1%} placed, {of[:, 1].mean():.1%} named, "
              f"{np.median(of[:, 4]):.2f} s and {np.median(of[:, 5]):.0f} spent (median), {of[:, 4].max():.2f} s and "
              f"{of[:, 5].max():.0f} (largest)")
    allowed = 1 if DRAWS < 100 else 0  # of a handful
    assert results[:, 2].sum() >= 0.95 * len(results) - allowed
    assert results[:, 1].sum() >= 0.90 * len(results) - allowed
    assert not results[:, 3].any()


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_the_table_is_named_in_code_that_the_catalogue_does_not_know(name):
    loss = "cross entropy" if len(name) % 2 else "squared error"
    diagnosis = diagnose(stranger(FAULTS[name], loss=loss), loss=loss, progress=False)
    assert diagnosis.explained and len(diagnosis.faults) == 1 and name in diagnosis.faults[0].split(" or ")
    place, _, what = name.partition(": ")
    right, why, wrong = LINES[place]
    assert all(line[:60] in str(diagnosis) for line in (wrong[what], right, why))


@pytest.mark.parametrize("switches, style, sizes", [
    ("all= f2", {"loss": "given"}, {}),  # looks like coupled gates
    ("g1 Wxlast dh0", {"many_to_one": True}, {}),  # too little is left of Wx to read dz
    ("count Wxlast dh0 cearly", {"many_to_one": True}, {"T": 4, "B": 3, "D": 7, "H": 5, "K": 4, "seed": 361}),
    ("last wrap clipn", {"mean": True}, {"T": 6, "B": 3, "D": 7, "H": 3, "K": 3, "seed": 953}),
    ("other bi clips", {}, {}), ("other bi clipn", {}, {}),  # a clip hides a loss
    ("clips ft", {}, {"T": 4, "K": 4, "seed": 644}), ("clipv g2", {}, {"T": 4, "K": 4, "seed": 644}),  # and impulses
    ("all= dhE c1 f2", {"loss": "squared error"}, {}),  # two of them show together only
    ("grow g2 dc0", {}, {}), ("means g2", {}, {"B": 3}),
    ("lastloss extra", {"loss": "squared error"}, {}),  # the fault that is found first is another
    ("last", {"loss": "given", "many_to_one": True}, {}),  # no target moves it
    ("g2 dh-o", {}, {"D": 1}), ("g2 dh-o", {}, {"D": 3})])  # fewer inputs than timesteps
def test_what_was_once_hidden_is_named_on_the_slowest_machine(switches, style, sizes, monkeypatch):
    """Of which each look at a clock takes ten seconds: no verdict depends on one."""
    clock = itertools.count(0, 10)
    for name in ("process_time", "perf_counter", "monotonic", "time", "thread_time"):
        monkeypatch.setattr(time, name, lambda: next(clock))
    how = {name: style[name] for name in ("loss", "many_to_one") if name in style}
    diagnosis = diagnose(stranger(*switches.split(), **style), **how, **sizes, progress=False)
    assert set(diagnosis.faults) == {NAMES[switch] for switch in switches.split()} and diagnosis.explained


def test_right_code_is_never_accused():
    forwards = list(catalogue.FORWARDS)
    for seed in range(max(20, DRAWS * 3 // 5)):
        rng = np.random.default_rng([seed, 9])
        how, style, sizes = setting(rng)
        if rng.random() < 0.5:
            own = stranger(**how, **style, dtype=rng.choice([np.float32, float]))
            way = "standard"
        elif how["loss"] != "given" and rng.random() < 0.2:
            own = plain(peepholes=rng.normal(size=(3, sizes["H"])), **how, dtype=rng.choice([np.float32, float]))
            way = "diagonal peepholes"
        else:
            way = str(rng.choice([one for one in forwards if "output layer" not in one and (
                how["loss"] != "given" or "output" not in one and ";" not in one)]))
            own = of_catalogue(catalogue.FORWARDS[way], how, factor=0.25)
        diagnosis = diagnose(own, **how, **sizes, progress=False)
        assert diagnosis.explained and not diagnosis.places, (seed, way, how, style, sizes, str(diagnosis))
        assert diagnosis.forward == way or how["loss"] == "given"


def of_catalogue(way, how, faults=None, factor=1.0):
    """A backward pass of the catalogue as the code of a stranger, the loss and the gradient times a factor."""
    def own(weights, X, targets):
        silent = Own(own, how["loss"], how.get("many_to_one"))
        if silent.many_to_one and not silent.given:
            targets = np.repeat(targets[None], len(X), axis=0)
        data = Data(silent, Sizes(), weights, X, targets, answer=(None, None))
        gradient = {k: factor * a for k, a in data.predict(way, faults or {}).items()}
        return gradient if silent.given else (factor * data.upstream(way)[1].sum(), gradient)

    return own


# ---- the experiments

@pytest.mark.parametrize("forward, many_to_one", [
    ("standard", False), ("standard", True), ("coupled gates, f = 1 - i", False), ("diagonal peepholes", False)])
def test_an_experiment_leaves_open_what_can_change_it(forward, many_to_one):
    """Nothing that a way of being wrong changes first is read by an experiment that does not leave it open."""
    way = catalogue.FORWARDS.get(forward, {"peepholes": PEEPHOLES})
    how = {"loss": "squared error", "many_to_one": many_to_one}
    film = Film(Own(of_catalogue(way, how), **how), way, Sizes())
    stage, shown = search.stages(film.meta), set()
    for place, table in catalogue.WAYS.items():
        for what in table:
            changed = ~film.compare({place: what}, film.compare({}).factors).ok
            if what != "right" and changed.any():
                first = stage[changed].min()
                assert any(place in one.opens for one in XRAY[:first + 1]), (place, what, XRAY[first].name)
                shown.add(place)
    assert len(shown) > 25


def test_the_report_says_what_each_experiment_leaves_open_expects_and_found():
    diagnosis = diagnose(stranger("g2", "dhA", "early", "clipn"), progress=False)
    found = {one.name: one.found for one in diagnosis.experiments if one.found}
    assert found == {
        "gates i, f, g at the impulse": ("states before t: one index early", "slope of g: at the activation"),
        "what of dc enters dh: gate o, two steps back": ("dh: from dh alone",),
        "a large upstream": ("clipped inside: by norm",)}
    assert [one.name for one in diagnosis.experiments] == [one.name for one in (CALLS, LOSS, *XRAY, *WHOLE, BATCH)]
    assert "seen   what of dc enters dh: gate o, two steps back" in str(diagnosis)
    one = next(one for one in diagnosis.experiments if "hidden path" in one.name)
    assert re.fullmatch(r"(.*\n) +leaves open  dh, gate o\n +expects +dh = .*\n +found +as expected", str(one))


def test_what_is_spent_is_bounded_whatever_the_code_does(monkeypatch):
    """Gradients that are none: every experiment fails, and what may be spent on names is spent."""
    def own(weights, X, targets):
        loss, gradient = stranger(many_to_one=True)(weights, X, targets)
        return loss, {k: np.sin(1000 * a) for k, a in gradient.items()}

    monkeypatch.setattr(search, "ALL", 500)
    diagnosis = diagnose(own, many_to_one=True, progress=False)
    assert 250 < diagnosis.spent <= 700 and not diagnosis.explained


# ---- faults that are in no table: the place is told, and no name

INVENTED = {  # what is changed, into what, the place where it is to be found
    "square of f": ("dc", lambda v, now: v * now["f"], "dc"),
    "dc forgets a unit": ("dc", lambda v, now: v * (np.arange(v.shape[1]) > 0), "dc"),
    "dh halved": ("dh", lambda v, now: v / 2, "dh"),
    "dh reversed": ("dh", lambda v, now: v[:, ::-1], "dh"),
    "slope of g to the power 1.5": ("slope of g", lambda v, now: v ** 1.5, "slope of g"),
    "slope of i times o": ("slope of i", lambda v, now: v * now["o"], "slope of i"),
    "slope of o from gate f": ("slope of o", lambda v, now: now["f"] * (1 - now["f"]), "slope of o"),
    "slope of tanh(c) at 2c": ("o(1 - tanh(c)^2)", lambda v, now: now["o"] * (1 - np.tanh(2 * now["c"]) ** 2),
                               "slope of tanh(c)"),
    "db squared": ("db", lambda v, now: v * abs(v), "bias of i"),
    "dWh of the absolute value": ("dWh", lambda v, now: abs(v), "Wh"),
    "dWy of h squared": ("dWy", lambda v, now: (now["h"] ** 2).T @ now["dY"], "head"),
    "dY times p": ("dY", lambda v, now: v * now["p"] ** 2, "loss")}


@pytest.mark.parametrize("name", INVENTED)
def test_what_is_in_no_table_is_told_by_place_and_number(name):
    line, change, place = INVENTED[name]
    diagnosis = diagnose(plain({line: change}), progress=False)
    others = {"bias of f", "bias of g", "bias of o"} if place == "bias of i" else set()
    assert set(diagnosis.places) == {place} | others and place in diagnosis.numbers
    assert not diagnosis.faults and not diagnosis.explained
    assert "no way of being wrong that is known here" in str(diagnosis)
    assert name != "dh halved" or diagnosis.numbers["dh"] == "what comes from h_5 to h_4 is 0.5 of what it should be"
    (seen, said), *_ = ((one, one.found) for one in diagnosis.experiments if one.found)
    assert place in seen.opens and f"{place}: {diagnosis.numbers[place]}" in said
    assert diagnosis.experiments[-1].name == XRAY[-1].name  # whole gradients are for what has a name


@pytest.mark.parametrize("wrong, place, said", [
    (lambda g, T: g | {"Wh": g["Wh"] + 1}, "whole gradient", "every answer to an impulse is as it should be"),
    (lambda g, T: g | {"Wh": g["Wh"] + (T == 2)}, "timesteps", "the gradient is right at T = 1, 3, 4, 5, 6 and not"),
    (lambda g, T: g | {"by": g["by"] + [1, 0, 0]}, "loss", "is not the gradient of the loss; its differences are"),
    (lambda g, T: {k: np.clip(a, -5, 9) for k, a in g.items()}, "clipped inside", "a small one would make it")])
def test_what_shows_on_whole_gradients_alone_is_told_by_its_place(wrong, place, said):
    def own(weights, X, labels):
        loss, gradient = stranger()(weights, X, labels)
        return loss, wrong(gradient, len(X))

    diagnosis = diagnose(own, progress=False)
    assert diagnosis.places == [place] and said in diagnosis.numbers[place] and not diagnosis.explained


def test_a_factor_of_three_gates_is_none_of_all_four():
    """Slopes of i, f and g twice too large, that of o has no name: nothing is wrong with what is carried."""
    double = {"o(1 - tanh(c)^2)": lambda v, now: 2 * v, "slope of o": lambda v, now: now["f"] * (1 - now["f"])}
    diagnosis = diagnose(plain(double), progress=False)
    assert diagnosis.faults == ["slope of tanh(c): a constant factor"] and diagnosis.factor.startswith("1 or")
    assert set(diagnosis.places) == {"slope of tanh(c)", "slope of o"}


@pytest.mark.parametrize("clipped", [("dh",), ("dc",), ("dh", "dc")])
def test_clips_of_what_is_carried_are_told(clipped):
    diagnosis = diagnose(plain(dict.fromkeys(clipped, lambda v, now: np.clip(v, -0.5, 0.5))), progress=False)
    assert diagnosis.places == ["clipped inside"] and diagnosis.faults == ["clipped inside: at each step"]


# ---- two calls that differ

GARBAGE = np.random.default_rng(0)
START = {  # what a sum starts with, and what is said of it
    "np.empty": (lambda shape: np.empty(shape), "an array is made with np.empty, and not set to zero"),
    "np.random": (lambda shape: np.random.rand(*shape), "random numbers are drawn at each call"),
    "default_rng": (lambda shape: np.random.default_rng().normal(size=shape), "random numbers are drawn at each call")}
BOTH = {"slope of g: at the activation", "dh: from dh alone"}


def begun(start, arrays=("Wx", "Wh", "b"), loss="cross entropy"):
    """A stranger with BOTH whose sums start with something else at each call."""
    wrong = stranger("g2", "dhA", loss=loss)

    def own(weights, X, targets):
        answer = wrong(weights, X, targets)
        gradient = dict(answer if loss == "given" else answer[1])
        for name in arrays:
            np.full(gradient[name].shape, GARBAGE.random())  # what np.empty finds in the memory
            gradient[name] = gradient[name] + start(gradient[name].shape)
        return gradient if loss == "given" else (answer[0], gradient)

    return own


@pytest.mark.parametrize("kind, loss", [("np.empty", "cross entropy"), ("default_rng", "cross entropy"),
                                        ("np.empty", "squared error"), ("np.random", "given")])
def test_sums_that_start_with_anything_do_not_hide_the_other_faults(kind, loss):
    start, cause = START[kind]
    before, random = np.empty, np.random.get_state()[1].copy()
    diagnosis = diagnose(begun(start, loss=loss), loss, progress=False)
    assert diagnosis.explained and cause in diagnosis.numbers["calls"]
    assert set(diagnosis.faults) == {"calls: differ"} | BOTH
    assert np.empty is before and (kind == "np.random" or np.array_equal(random, np.random.get_state()[1]))


@pytest.mark.parametrize("arrays, named, note", [
    ("b", BOTH, "not judged: b"), ("Wx Wh b", set(), "not judged: Wx, Wh, b"), ("Wx Wh b Wy by", set(), "mended")])
def test_arrays_that_differ_for_no_known_cause_are_left_out(arrays, named, note):
    """Where nothing is left that could tell a fault no name is given."""
    diagnosis = diagnose(begun(lambda shape: GARBAGE.normal(size=shape), arrays.split()), progress=False)
    assert set(diagnosis.faults) == {"calls: differ"} | named and not diagnosis.explained
    assert note in diagnosis.notes[0] and "differ" in diagnosis.numbers["calls"]


def test_random_numbers_in_the_forward_pass_are_the_same_ones_while_it_is_examined():
    diagnosis = diagnose(lambda w, X, labels: stranger()(w, X + np.random.normal(size=X.shape), labels), progress=False)
    assert diagnosis.faults == ["calls: differ"] and "random numbers are drawn" in diagnosis.numbers["calls"]
    assert diagnosis.explained and diagnosis.places == ["calls"]


def test_a_loss_that_differs_ends_the_examination():
    diagnosis = diagnose(lambda w, X, labels: stranger()(w, X + GARBAGE.normal(size=X.shape), labels))
    assert diagnosis.faults == ["calls: differ"] and not diagnosis.explained and "mended" in diagnosis.notes[0]
    assert [one.name for one in diagnosis.experiments] == ["two calls"]


def test_code_that_writes_into_the_weights_is_told():
    def own(weights, X, labels):
        weights.Wx[...] = 0

    assert diagnose(own).faults == ["arguments: changed in place"]


def test_a_length_that_raises_is_noted():
    def own(weights, X, labels):
        if len(X) == 1:
            raise IndexError("list index out of range")
        return stranger()(weights, X, labels)

    diagnosis = diagnose(own, progress=False)
    assert diagnosis.explained and "it raises at T = 1: IndexError (list index out of range)" in diagnosis.notes


# ---- other forward passes

def test_code_without_an_output_layer_of_its_own_is_examined():
    """The loss is that of h itself: K = H, and Wy and by are not used."""
    def own(weights, X, targets):
        head = Weights(weights.Wx, weights.Wh, weights.b, np.eye(4), np.zeros(4))
        loss, gradient = stranger("c2", loss="squared error")(head, X, targets)
        return loss, {k: gradient[k] for k in ("Wx", "Wh", "b")}

    diagnosis = diagnose(own, "squared error", K=4, progress=False)
    assert diagnosis.forward == "no output layer"
    assert diagnosis.explained and diagnosis.faults == ["slope of tanh(c): 1 - c^2"]


@pytest.mark.parametrize("forward, fault", [
    ("h = o * c, without tanh", ("slope of g", "missing")), ("the squashed cell is carried", ("dh", "without gate o")),
    ("coupled gates, f = 1 - i", ("dc", "not carried")), ("a bias used twice", ("b", "left at zero")),
    ("sigmoid output", ("loss", "of another loss; without the output's slope")),
    ("no biases", ("dh", "without Wh")), ("no bias in the outputs", ("dc", "not carried")),
    ("candidate through a sigmoid", ("slope of g", "of another function; tanh")),
    ("coupled gates, i = 1 - f", ("coupled gates", "one path left out")),
    ("tanh(x/2) for both tanh", ("slope of tanh(c)", "of another function; tanh"))])
def test_the_forward_pass_follows_from_the_loss_and_its_faults_are_named(forward, fault):
    how = {"loss": "squared error"}
    diagnosis = diagnose(of_catalogue(catalogue.FORWARDS[forward], how, dict([fault])), **how, progress=False)
    assert diagnosis.forward == forward and diagnosis.faults == [f"{fault[0]}: {catalogue.name(fault[1])}"]


@pytest.mark.parametrize("forward", ["h = o * c, without tanh", "tanh(x/2) for both tanh"])
def test_without_a_loss_the_forward_pass_follows_from_the_gradient_of_Wh(forward):
    """However wrong the slopes are: those of dz and h_(t-1) belong together."""
    faults = {f"slope of {k}": "missing" for k in "ifo"} | {"slope of tanh(c)": "the function itself"}
    own = of_catalogue(catalogue.FORWARDS[forward], {"loss": "given"}, faults)
    assert diagnose(own, "given", progress=False).forward == forward


def test_an_unknown_forward_pass_is_judged_against_numbers_and_no_name_is_given():
    seen, sizes = set(), {"T": 3, "D": 4, "H": 2, "K": 2, "progress": False}

    def own(weights, X, targets, factor=1.0):
        seen.add(weights.Wx.ravel()[0])
        Wx = weights.Wx[:, :weights.H]
        h = np.cumsum(np.sin(X @ Wx), axis=0)
        dY = h @ weights.Wy + weights.by - targets
        later = np.cumsum((dY @ weights.Wy.T)[::-1], axis=0)[::-1]
        dWx = factor * np.einsum("tbd,tbh->dh", X, later * np.cos(X @ Wx))
        return 0.5 * (dY ** 2).sum(), {"Wx": np.hstack([dWx, np.zeros((len(Wx), 3 * weights.H))]),
                                       "Wy": np.einsum("tbh,tbk->hk", h, dY), "by": dY.sum((0, 1))}

    right = diagnose(own, "squared error", **sizes)
    assert right.forward is None and right.explained and not right.places and any(map(np.iscomplexobj, seen))
    wrong = diagnose(lambda *question: own(*question, factor=1.1), "squared error", **sizes)
    assert wrong.places == ["Wx of i"] and not wrong.faults and not wrong.explained
    seen.clear()
    assert diagnose(own, "squared error", step=1e-3, **sizes).explained and not any(map(np.iscomplexobj, seen))
    assert any(a - b == pytest.approx(2e-3) for a, b in itertools.permutations(seen, 2))
    one_length = diagnose(lambda w, X, y: own(w, X.reshape(5, 2, 4), y), "squared error", **sizes | {"T": 5})
    assert one_length.explained and any("it raises at T = 1, 2, 3, 4, 6" in note for note in one_length.notes)


PEEPHOLES = np.random.default_rng(4).normal(size=(3, 4))
FOR_DC, FOR_O = {"peepholes": lambda v, now: 0}, {"peephole of o": lambda v, now: 0}
G2 = {"slope of g": lambda v, now: 1 - np.tanh(now["g"]) ** 2}
CT = {"o(1 - tanh(c)^2)": lambda v, now: now["o"] * (1 - np.tanh(now["c"] ** 2))}
DC0 = {"dc": lambda v, now: 0 * v}
DHT = {"dh": lambda v, now: sum(dz @ Wh for dz, Wh in zip(*(np.split(now[k], 4, axis=1) for k in ("dz", "Wh"))))}
OL = {"dh of gate o": lambda v, now: now["above"]}
ONE = {"the other path": lambda v, now: 0}


@pytest.mark.parametrize("style, changes, faults", [
    ({"dtype": np.float32}, {}, []), ({"loss": "squared error", "coupled": True}, {}, []),
    ({"looks_back": True, "many_to_one": True}, {}, []),
    ({"looks_back": True}, FOR_DC, ["peepholes: left out of dc"]),
    ({}, FOR_O | G2, ["peepholes: left out of dc", "slope of g: at the activation"]),
    ({}, FOR_DC | FOR_O | CT | DC0, ["peepholes: left out of dc", "slope of tanh(c): tanh(c^2)", "dc: not carried"]),
    ({}, FOR_DC | FOR_O | OL | DHT,
     ["peepholes: left out of dc", "gate o: from the loss alone", "dh: Wh not transposed"]),
    ({"coupled": True}, ONE | FOR_DC | FOR_O, ["coupled gates: one path left out", "peepholes: left out of dc"])])
def test_peepholes_are_read_from_the_loss_and_faults_are_named(style, changes, faults):
    how = {name: style[name] for name in ("loss", "many_to_one") if name in style}
    diagnosis = diagnose(plain(changes, peepholes=PEEPHOLES, **style), **how, progress=False)
    assert diagnosis.explained and set(diagnosis.faults) == set(faults)
    assert diagnosis.loss_factor.split(" or ")[0] == ("2" if "loss" in how else "1")
    assert all(line[:60] in str(diagnosis) for said in faults for line in LINES[said.partition(": ")[0]][:2])
    names = ["diagonal peepholes", *["o looks at c_(t-1)"] * ("looks_back" in style),
             *["coupled gates, f = 1 - i"] * ("coupled" in style)]
    assert diagnosis.forward == "; ".join(names)


def test_what_has_no_word_in_code_with_peepholes_is_told_by_its_place():
    changes = FOR_DC | FOR_O | {"slope of g": lambda v, now: v ** 2}
    diagnosis = diagnose(plain(changes, peepholes=PEEPHOLES), progress=False)
    assert set(diagnosis.places) == {"slope of g", "peepholes"} and diagnosis.faults == ["peepholes: left out of dc"]
    assert not diagnosis.explained


# ---- the verdict

def test_what_is_absent_is_not_judged():
    def own(weights, X, labels):
        loss, gradient = stranger("count", "i2")(weights, X, labels)
        return loss, {"Wh": gradient["Wh"], "b": gradient["b"]}

    diagnosis = diagnose(own, progress=False)
    assert diagnosis.faults == ["slope of i: at the activation"] and diagnosis.head_factor is None
    assert set(diagnosis.parts) == {f"{array} {gate}" for array in ("Wh", "b") for gate in "ifgo"}


def test_faults_with_the_same_gradient_are_named_together():
    diagnosis = diagnose(stranger("only", many_to_one=True), many_to_one=True, progress=False)
    assert diagnosis.faults == ["timesteps: last only or dh: not carried and dc: not carried"]
    assert diagnosis.places == ["timesteps", "dh", "dc"]


def test_which_X_a_right_gradient_divides_by():
    diagnosis = diagnose(stranger(mean=True), progress=False)
    assert diagnosis.factor == diagnosis.head_factor == diagnosis.loss_factor == "1/(T*B)"
    assert "The gradient is right." in (said := str(diagnosis)) and "at once, to dY, or at the end" in said


def test_weight_decay_in_the_loss_and_in_the_gradient_is_no_fault():
    def own(weights, X, labels, in_the_loss=True):
        loss, gradient = stranger()(weights, X, labels)
        decay = 0.05 * (weights.Wx ** 2).sum() if in_the_loss else 0
        return loss + decay, gradient | {"Wx": gradient["Wx"] + 0.1 * weights.Wx}

    right = diagnose(own, progress=False)
    assert right.explained and not right.faults
    assert diagnose(lambda *q: own(*q, in_the_loss=False), progress=False).faults == ["added: weight decay"]


def test_the_patients_are_outpatients_too():
    assert not diagnose(outpatient(HEALTHY), progress=False).faults
    named = {name: diagnose(outpatient(patient), progress=False) for name, patient in (PATIENTS | OUTPATIENTS).items()}
    assert all(diagnosis.explained for diagnosis in named.values())
    assert {name: diagnosis.faults for name, diagnosis in named.items()} == {
        "overwritten": ["dc: not carried"], "not carried": ["dh: not carried", "dc: not carried"],
        "activated twice": ["slope of g: at the activation"], "shifted": ["states before t: one index early"],
        "factor K": ["loss: another factor than the gradient's"], "clipped inside": ["clipped inside: by norm"],
        "every step": ["1/|X|: at every step"], "mean of means": ["1/|X|: mean of means"],
        "last caches": ["caches: of the last step"], "from dh alone": ["dh: from dh alone"],
        "last loss": ["loss: of the last step at every step"], "before tanh": ["slope of tanh(c): 1 - c^2"],
        "extra slope": ["head: an extra slope"],
        "shifted, overwritten": ["states before t: one index early", "dc: not carried"],
        "before tanh, not carried": ["slope of tanh(c): 1 - c^2", "dh: not carried", "dc: not carried"]}


def test_progress_is_said_after_a_second(capsys, monkeypatch):
    clock = iter(range(10000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    diagnose(stranger())
    assert "diagnose, 2 s: the X-ray" in capsys.readouterr().err
    diagnose(stranger(), progress=False)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("arguments, error, message", [
    ({"own": 3}, TypeError, "own must be a function own"),
    ({"loss": "mse"}, ValueError, "loss must be one of 'cross entr"),
    ({"B": 0}, ValueError, "B must be at least 1, got 0"), ({"step": -1}, ValueError, "step must be above 0, got -1"),
    ({"K": 1}, ValueError, "K must be at least 2 for cross entropy, got 1"),
    ({"own": lambda *q: 3}, TypeError, r"own must return \(loss, gradient\), got int"),
    ({"own": lambda *q: ("a", {})}, ValueError, "one finite number as loss, got 'a'"),
    ({"own": lambda *q: (1, [])}, TypeError, "must be a Weights or a dict of some of Wx, Wh, b, Wy, by, got list"),
    ({"own": lambda *q: (1, {"W": 1})}, ValueError, "must have keys from Wx, Wh, b, Wy, by, got W"),
    ({"own": lambda *q: (1, {"b": np.zeros(3)})}, ValueError, r"gradient of b must have shape \(4H\) with 4H = 16"),
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
    with pytest.raises(error) as raised:
        diagnose(**{"own": stranger()} | arguments)
    said = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert re.search(message, said), said


def test_a_loss_of_the_last_timestep_asks_for_many_to_one():
    def own(weights, X, labels):  # of an LSTM that is not known
        return stranger(many_to_one=True)(weights, X ** 2, labels[-1])

    assert "many_to_one=True" in diagnose(own, progress=False).notes[-1]


# ---- the X-ray by itself

def test_the_xray_shows_dz_of_a_stranger_beside_the_true_one():
    right, wrong = xray(stranger(mean=True)), xray(stranger("g2", mean=True))
    assert right.one_hot and right.steps == (0, 1, 2, 3, 4) and right.dz.shape == (5, 5, 4, 4)
    assert right.errors.max() < 1e-12 and np.allclose(right.dz, right.true_dz)
    late = np.arange(5)
    assert (wrong.errors[late, late, 2] > 0.01).all() and wrong.errors[late, late][:, [0, 1, 3]].max() < 1e-12
    assert wrong.errors[4, 3, 0] > 0.01  # and what it sends back is wrong everywhere


@pytest.mark.parametrize("how", [{"loss": "given"}, {"loss": "squared error"}, {"many_to_one": True}])
def test_the_xray_reads_right_code_of_any_kind(how):
    picture = xray(stranger(**how), **how)
    assert picture.errors.max() < 1e-9 and len(picture.steps) == (1 if "many_to_one" in how else 5)


# ---- adapters

def test_an_adapter_that_mistakes_the_layout_is_told_how_to_mend_it():
    real = layouts("fgio", "hx")

    def examined(said):
        def own(weights, X, labels):
            loss, gradient = stranger()(Weights(**real.take(said.give(weights))), X, labels)
            return loss, said.take(real.give(Weights(**gradient)))
        return diagnose(own, progress=False)

    diagnosis = examined(layouts("ifgo", "xh"))
    assert not diagnosis.faults and diagnosis.notes[-1].endswith(
        "the adapter's layouts are mended: in its order= write i in place of g, f in place of i, g in place of f and "
        "say joined='hx'")
    assert examined(layouts("fgio", "hx")).explained  # the advice followed


@pytest.mark.parametrize("joined", [None, "hx", "xh"])
@pytest.mark.parametrize("each_gate", [False, True])
@pytest.mark.parametrize("columns", [False, True])
def test_layouts_give_and_take_back(joined, each_gate, columns):
    layout, weights = layouts("fcio", joined, each_gate, columns), init_weights(3, 5, 2)
    arrays = layout.give(weights)
    assert len(arrays) == len(layout.names) and all(array.flags.writeable for array in arrays)
    for back in (layout.take(arrays), layout.take(dict(zip(layout.names, arrays)))):
        assert all(np.array_equal(back[name], array) for name, array in weights.items())


def test_layouts_are_what_they_say():
    weights = init_weights(3, 5, 2)
    Wf, Wi, Wg, Wo, bf, bi, bg, bo, Wy, by = layouts("figo", "hx", each_gate=True, columns=True).give(weights)
    assert Wg.shape == (5, 8) and np.array_equal(Wg[:, :5], weights.Wh[:, 10:15].T) and bo.shape == (5, 1)
    W, b, Wy, by = layouts("ifog", "xh").give(weights)
    assert np.array_equal(W[3:, 15:], weights.Wh[:, 10:15]) and b.shape == (20,) and by.shape == (2,)
    assert "Wx" not in layouts(joined="hx", each_gate=True).take({"Wi": W[:, :5]})
    assert len(layouts(head=False).give(weights)) == len(layouts(head=False).names) == 3


@pytest.mark.parametrize("names, kind", [("", dict), ("W_f W_i W_c W_o b_f b_i b_c b_o W_y b_y", SimpleNamespace)])
def test_layouts_put_weights_into_an_object_and_get_its_gradient(names, kind):
    layout, weights = layouts("fico", "hx", each_gate=True, columns=True, flat=True, names=names), init_weights(3, 5, 2)
    net = layout.put(weights, kind())
    arrays = net if kind is dict else vars(net)
    assert list(arrays) == list(layout.names) == (names or "Wf Wi Wg Wo bf bi bg bo Wy by").split()
    assert arrays[layout.names[2]].shape == (5, 8) and arrays[layout.names[4]].shape == (5,)
    arrays |= {f"grad_{name}": array for name, array in arrays.items()}
    back = layout.get(net, "grad_{}")
    assert all(np.array_equal(back[name], array) for name, array in weights.items())
    with pytest.raises(ValueError, match="net has none of dW"):
        layout.get(net)


@pytest.mark.parametrize("use, message", [
    (lambda: layouts("ifgg"), "order must be a permutation of 'ifgo', got 'ifgg'"),
    (lambda: layouts("ifgo", "x"), "joined must be 'hx', 'xh' or None, got 'x'"),
    (lambda: layouts(names="W b"), "names must be 5, for Wx, Wh, b, Wy, by, got 2"),
    (lambda: layouts().take([1, 2]), "gradient must have the 5 arrays Wx, Wh, b, Wy, by, got 2")])
def test_wrong_layouts_are_named(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_code_that_learns_inside_and_code_without_a_head_are_examined_too():
    right, headless = stranger(), stranger(loss="given")

    def update(weights, X, labels):
        loss, gradient = right(weights, X, labels)
        return loss, {name: getattr(weights, name) - 0.1 * array for name, array in gradient.items()}

    def own(weights, X, labels):
        loss, dh, of_head = ready_head(weights, catalogue.forward(weights, X, {}).hs[1:], labels)
        return loss, headless(weights, X, dh) | of_head

    assert diagnose(from_step(update, 0.1), progress=False).explained
    assert diagnose(own, progress=False).explained


def test_code_that_takes_indices_is_examined():
    words = 6

    def own(weights, inputs, labels):
        assert weights.Wx.shape == (words, 16) and inputs.dtype.kind == "i" and inputs.shape == labels.shape
        return stranger("clipv", "c2")(weights, np.eye(words)[inputs], labels)

    diagnosis = diagnose(from_indices(own, words), B=1, K=words, progress=False)
    assert diagnosis.explained and set(diagnosis.faults) == {"clipped inside: by value", "slope of tanh(c): 1 - c^2"}


def test_the_page_has_an_adapter_that_works():
    page = (Path(__file__).parents[2] / "docs" / "own-lstm.md").read_text(encoding="utf-8")
    layout = layouts("figo", "hx", True, True)

    class Net:
        def forward(self, columns, labels):
            weights = Weights(**layout.take([getattr(self, name) for name in layout.names]))
            self.loss, gradient = stranger("g2")(weights, columns.transpose(0, 2, 1), labels)
            self.gradient = layout.give(Weights(**gradient))
            return self.loss

        def backward(self):
            self.__dict__ |= {f"d{name}": array for name, array in zip(layout.names, self.gradient)}

    said = []
    exec(re.search("```python\n(.*?)```", page, re.S)[1], {"Net": Net, "print": said.append})
    assert said[0].faults == ["slope of g: at the activation"]
