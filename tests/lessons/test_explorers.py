"""The mechanism of explorers, the SVG functions and predictions, without a browser; what explorers say.

SAID of each lesson's own file: [(a state or the name of a preset, its verdict, words), ...], with ... for any others.
"""

import base64
import math
import re
import threading
from dataclasses import dataclass
from functools import cache

import pytest
from test_exercises import LESSONS

from lstmlib.explorers import Explorer, Prediction, Slider, Switch, controls, film
from lstmlib.show import svg


@dataclass(frozen=True)
class State:
    size: int = 4
    half: bool = False
    fixed: str = "no control moves this"


def numbers(state):
    return state.size / (2 if state.half else 1)


def words(state, numbers):
    return f"size <{numbers:g}> & {state.fixed}"


def draw(state, numbers):
    return (svg.panel("size", 100, 50, svg.text(5, 20, f"<{numbers:g}>"), words=f"A number, <{numbers:g}>."),
            *([svg.panel("half", 60, 20, words="halved")] if state.half else []))


def headline(state, numbers):
    return numbers > 2, f"{numbers:g} <is> it"


def explorer(**changes):
    controls = {"size": Slider("|X|", [1, 2, 4, 7, 8]), "half": Switch("half")}
    return Explorer(**dict(
        title="Sizes & <halves>", start=State(), controls=controls, numbers=numbers, draw=draw, words=words,
        headline=headline, presets={"Large": {"size": 8}, "Half of two": {"size": 2, "half": True}},
        poster=("Reset", "Large")) | changes)


def shows(box, state):
    """Controls, state, numbers, panels and words say the same, and no error stands."""
    shown = numbers(state)
    return (box.state == state and box.numbers == shown and box.error is None and box.alert.value == ""
            and (box.controls["size"].value, box.controls["half"].value) == (state.size, state.half)
            and box.panels.value == [controls.sent(panel) for panel in draw(state, shown)]
            and (box.words.good, box.words.headline) == headline(state, shown)
            and box.words.value == words(state, shown))


def test_hand_preset_and_menu_move_the_state_and_the_menu_shows_which_preset_stands():
    seen = []
    box = explorer(numbers=lambda state: seen.append(state) or numbers(state))
    assert shows(box, State())
    box.controls["size"].index = 1  # as the browser does it
    assert shows(box, State(size=2)) and box.menu.shown is None
    box.controls["half"].value = True
    assert shows(box, State(size=2, half=True)) and box.menu.shown == "Half of two"
    box.choose("Large")  # from the first state, whatever was set
    assert shows(box, State(size=8)) and box.menu.shown == "Large"
    box.menu._handle_custom_msg({"question": 1, "chosen": "Half of two"}, [])  # as the browser does it
    assert shows(box, State(size=2, half=True))
    box.press("Reset")
    assert shows(box, State()) and box.menu.shown == "Reset"
    box.set(size=1, half=True)
    assert seen[-2:] == [State(), State(size=1, half=True)]  # shown once, however many controls move


@pytest.mark.parametrize("act, message", [
    (lambda box: box.set(siez=2), "no control named siez; there are size, half"),
    (lambda box: box.sentence("Make it [huge](Huge)."), "no preset named 'Huge'; there are Reset, Large"),
    (lambda box: Prediction("Which?", "ab", str), "choices must be float, int or two texts or more, got 'ab'"),
    (lambda box: box.set(half=True, size=3), r"\|X\| must be one of \[1, 2, 4, 7, 8\], got 3"),
    (lambda box: box.set(half=True, size=None), "Sizes & <halves>: size must have a value, got None")])
def test_what_is_not_there_is_refused_and_changes_nothing(act, message):
    box = explorer()
    with pytest.raises(ValueError, match=message):
        act(box)
    assert shows(box, State())
    box.controls["size"].index = 0
    assert shows(box, State(size=1))


@pytest.mark.parametrize("error, said", [
    (ArithmeticError("no <sevens>"), "met an error; the picture is the one before it. ArithmeticError: no <sevens>"),
    (KeyboardInterrupt(), "was interrupted; the picture is the one before it. KeyboardInterrupt")],
    ids=["error", "interrupt"])
@pytest.mark.parametrize("part", [numbers, draw, words])
def test_an_error_is_shown_kept_and_raised_and_goes_when_it_is_over(part, error, said):
    def fail_at_seven(state, *given):
        if state.size == 7:
            raise error
        return part(state, *given)

    box = explorer(**{part.__name__: fail_at_seven})
    before = box.panels.value
    with pytest.raises(type(error)):
        box.controls["size"].index = 3
    assert box.error is error and box.state == State() and box.panels.value == before and said in box.alert.value
    box.set(size=8)
    assert shows(box, State(size=8))


def test_a_hand_that_moves_while_a_cell_does_is_not_overlooked():
    """A control moved on the second thread, in the middle of a `set` that is then refused, is shown all the same."""
    box = explorer()
    hand = threading.Thread(target=lambda: setattr(box.controls["size"], "index", 4))

    def refuse(change):
        if change.new:
            hand.start()
            hand.join(0.2)
            raise KeyboardInterrupt

    box.controls["half"].observe(refuse, names="value")
    with pytest.raises(KeyboardInterrupt):
        box.set(half=True)
    hand.join(10)
    assert shows(box, State(size=8))


def test_a_sentence_sets_the_state_of_the_explorer_that_its_cell_made_last():
    first = explorer()
    sentence = first.sentence("Make it [<large>](Large), or go [back](Reset).")
    other, second = explorer(title="Another"), explorer()
    assert repr(sentence) == "Make it <large>, or go back."
    sentence._handle_custom_msg({"question": None, "chosen": "Large"}, [])  # as the browser does it
    assert shows(first, State(size=8)) and shows(second, State(size=8)) and shows(other, State())
    data, _ = sentence._repr_mimebundle_()
    assert data["text/html"] == "<p>Make it <b>&lt;large&gt;</b>, or go <b>back</b>.</p>"


def test_where_no_kernel_runs_the_pictures_of_the_poster_stand():
    data, _ = explorer()._repr_mimebundle_()
    images = re.findall(r'<img alt="([^"]*)" width="124" src="data:image/svg\+xml;base64,([^"]*)">', data["text/html"])
    for (alt, image), size in zip(images, (4, 8), strict=True):
        assert f">&lt;{size}&gt;</text>" in base64.b64decode(image).decode()
        assert alt == f"{size} &lt;is&gt; it. size &lt;{size}&gt; &amp; no control moves this"
    assert all(text in data["text/html"] for text in ("<b>Sizes &amp; &lt;halves&gt;</b>", "<b>Large.</b> 8 &lt;is"))


# What they say

made = cache(film.made)


@pytest.mark.parametrize("stem, state, good, said", [
    (stem, *row) for stem, lesson in LESSONS.items() for row in getattr(lesson, "SAID", ())])
def test_verdict_and_words_of_named_states(stem, state, good, said):
    box = made(stem)
    box.move_to(box.state_of(state) if isinstance(state, str) else state)
    panels = " ".join(panel.words for panel in box.pictures(box.state, box.numbers))
    words = f"{box.words.headline}. {box.words.value} {panels}"
    assert box.words.good is good and [part for part in said.split(" ... ") if part not in words] == [], words


# Panels

def test_coordinates_are_rounded_and_a_frame_holds_what_is_outside():
    assert [svg.number(value) for value in (1 / 3, 1 / 3 + 1e-13, 2.0, -0.04, "<")] == ["0.3", "0.3", "2", "0", "&lt;"]
    with pytest.raises(ValueError, match="finite"):
        svg.number(math.nan)
    frame = svg.Frame(10, 20, 200, 100, (0, 4), (1e-2, 1e2), log="y")
    assert [frame.x(value) for value in (0, 1, 4, 9, -1)] == [10, 60, 210, 210, 10]
    assert [round(frame.y(value), 9) for value in (1e-2, 1, 1e2, 1e9, 0)] == [120, 70, 20, 20, 120]


# Predictions

def test_a_prediction_is_asked_then_compared():
    asked = []
    prediction = Prediction("How <many>?", ["two", "five"], lambda: asked.append(1) or ("five", "Five it is."), "So.")
    assert asked == []
    prediction.predicted = "two"  # as the browser does it
    assert asked == [1] and prediction.outcome == {"truth": "five", "words": "Five it is."}
    data, metadata = prediction._repr_mimebundle_()
    assert data["text/html"] == "<p><b>How &lt;many&gt;?</b><br>☐ two<br>☐ five</p>"
    assert metadata["lstm_prediction"]["outcome"] == {"truth": "five", "words": "Five it is."}


def test_what_a_prediction_tells():
    assert Prediction("How many?", int, lambda: 512).told() == {"truth": "512", "words": ""}
    assert Prediction("How far?", float, lambda: 0.123456).told()["truth"] == "0.1235"
    failing = Prediction("Which?", ["a", "b"], lambda: "c")
    with pytest.raises(ValueError, match="truth must return one of a, b, got 'c'"):
        failing.predicted = "a"
    assert "ValueError: truth must" in failing.outcome["error"]
