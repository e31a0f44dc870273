"""The mechanism of explorers, and the SVG functions, without a browser."""

import base64
import math
import re
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import ipywidgets as widgets
import pytest

from lstmlib.explorers import Explorer, Slider
from lstmlib.show import svg


@dataclass(frozen=True)
class State:
    size: int = 4
    half: bool = False
    fixed: str = "no control moves this"


def numbers(state):
    if state.size == 7:
        raise ArithmeticError("no <sevens> & the like")
    return state.size / (2 if state.half else 1)


def words(state, numbers):
    return f"size <{numbers:g}> & {state.fixed}"


def draw(state, numbers):
    return svg.picture(100, 50, svg.text(5, 20, f"<{numbers:g}>"), words=words(state, numbers))


def explorer(**changes):
    controls = {"size": Slider("|X|", [1, 2, 4, 7, 8]), "half": widgets.Checkbox(description="half")}
    return Explorer(**dict(
        title="Sizes & <halves>", start=State(), controls=controls, numbers=numbers, draw=draw, words=words,
        presets={"Large": {"size": 8}, "Half of two": {"size": 2, "half": True}, "Of seven": {"size": 7}},
        poster=("Reset", "Large")) | changes)


def shows(box, state):
    return (box.state == state and box.numbers == numbers(state) and box.picture.value == draw(state, numbers(state))
            and box.words.value == words(state, numbers(state)) and box.error is None and box.alert.value == "")


def test_starts_in_its_first_state():
    assert shows(explorer(), State())


def test_a_control_moves_the_state_and_reset_goes_back():
    box = explorer()
    box.controls["size"].index = 1  # as the browser does it
    assert shows(box, State(size=2))
    box.controls["half"].value = True
    assert shows(box, State(size=2, half=True))
    box.choose("Reset")
    assert shows(box, State()) and box.controls["size"].index == 2 and box.controls["half"].value is False


def test_a_preset_starts_from_the_first_state_and_moves_the_controls():
    box = explorer()
    box.choose("Half of two")
    assert shows(box, State(size=2, half=True))
    box.choose("Large")
    assert shows(box, State(size=8)) and box.controls["size"].value == 8 and not box.controls["half"].value


@pytest.mark.parametrize("kind", [widgets.Dropdown, widgets.RadioButtons])
def test_nothing_chosen_is_refused(kind):
    choice = kind(description="|X|", options=[1, 2, 4], value=4)
    controls = {"half": widgets.Checkbox(description="half"), "size": choice}
    box = explorer(controls=controls, presets={}, poster=("Reset",))
    with pytest.raises(ValueError, match="Sizes & <halves>: size must have a value, got None"):
        box.set(half=True, size=None)
    assert shows(box, State()) and choice.value == 4 and box.controls["half"].value is False


def test_the_buttons_choose_the_presets():
    box = explorer()
    buttons = {button.description: button for row in box.children if isinstance(row, widgets.Box)
               for button in row.children if isinstance(button, widgets.Button)}
    assert list(buttons) == ["Reset", "Large", "Half of two", "Of seven"]
    buttons["Large"].click()
    assert shows(box, State(size=8))
    buttons["Reset"].click()
    assert shows(box, State())


def test_set_shows_once_however_many_controls_move():
    seen = []

    def counted(state):
        seen.append(state)
        return numbers(state)

    box = explorer(numbers=counted)
    del seen[:]
    box.set(size=1, half=True)
    assert seen == [State(size=1, half=True)]


@pytest.mark.parametrize("act, message", [
    (lambda box: box.set(siez=2), "no control named siez; there are size, half"),
    (lambda box: box.set(fixed="moved"), "no control named fixed"),
    (lambda box: box.choose("Huge"), "no preset named 'Huge'; there are Reset, Large"),
    (lambda box: box.sentence("Make it [huge](Huge)."), "no preset named 'Huge'"),
    (lambda box: box.set(half=True, size=3), r"\|X\| must be one of \[1, 2, 4, 7, 8\], got 3"),
])
def test_what_is_not_there_is_refused_and_changes_nothing(act, message):
    box = explorer()
    with pytest.raises(ValueError, match=message):
        act(box)
    assert shows(box, State()) and box.controls["half"].value is False
    box.controls["size"].index = 0
    assert shows(box, State(size=1))


def test_controls_and_presets_must_be_fields_of_the_state():
    with pytest.raises(ValueError, match=r"fields of the state, got \['other'\]"):
        explorer(controls={"other": widgets.Checkbox()})
    with pytest.raises(TypeError, match="other"):
        explorer(presets={"Wrong": {"other": 1}})


@pytest.mark.parametrize("move", [
    lambda box: box.set(size=7), lambda box: box.choose("Of seven"),
    lambda box: setattr(box.controls["size"], "index", 3),
])
def test_an_error_is_shown_kept_and_raised_and_goes_when_it_is_over(move):
    box = explorer()
    before = box.picture.value
    with pytest.raises(ArithmeticError):
        move(box)
    assert isinstance(box.error, ArithmeticError) and box.state == State() and box.picture.value == before
    assert "ArithmeticError: no <sevens> & the like" in box.alert.value
    box.set(size=8)
    assert shows(box, State(size=8))


@pytest.mark.parametrize("faulty", ["draw", "words"])
def test_an_error_in_picture_or_words_leaves_the_picture_as_it_was(faulty):
    def fail_at_eight(state, numbers):
        if state.size == 8:
            raise KeyError("eight")
        return {"draw": draw, "words": words}[faulty](state, numbers)

    box = explorer(**{faulty: fail_at_eight})
    with pytest.raises(KeyError):
        box.set(size=8)
    assert box.state == State() and box.picture.value == draw(State(), 4) and "KeyError" in box.alert.value


def test_a_slow_state_on_one_thread_does_not_overwrite_a_later_one_of_another():
    begun = threading.Event()

    def slow_at_one(state):
        if state.size == 1:
            begun.set()
            time.sleep(0.1)
        return numbers(state)

    box = explorer(numbers=slow_at_one)
    hand = threading.Thread(target=setattr, args=(box.controls["size"], "index", 0))
    hand.start()
    assert begun.wait(10)
    box.set(size=8)
    hand.join()
    assert shows(box, State(size=8))


def test_a_sentence_sets_the_state():
    box = explorer()
    sentence = box.sentence("Make it [<large>](Large), or go [back](Reset).")
    assert repr(sentence) == "Make it <large>, or go back."
    sentence.chosen = ["Large", 1]  # as the browser does it
    assert shows(box, State(size=8))
    sentence.chosen = ["Reset", 2]
    assert shows(box, State())
    data, _ = sentence._repr_mimebundle_()
    assert data["text/html"] == "<p>Make it <b>&lt;large&gt;</b>, or go <b>back</b>.</p>"


def test_where_no_kernel_runs_the_pictures_of_the_poster_stand():
    box = explorer()
    data, _ = box._repr_mimebundle_()
    assert data["text/plain"] == repr(box) == "Explorer('Sizes & <halves>')"
    assert "application/vnd.jupyter.widget-view+json" in data
    images = re.findall(r'<img alt="([^"]*)" [^>]*src="data:image/svg\+xml;base64,([^"]*)">', data["text/html"])
    assert [base64.b64decode(image).decode() for _, image in images] == [draw(State(), 4), draw(State(size=8), 8)]
    assert images[0][0] == "size &lt;4&gt; &amp; no control moves this"
    assert "Sizes &amp; &lt;halves&gt;" in data["text/html"] and "<halves>" not in data["text/html"]


def test_the_poster_does_not_depend_on_what_was_moved():
    box = explorer()
    before = box.poster_html()
    box.choose("Half of two")
    assert box.poster_html() == before == explorer().poster_html()


def test_no_representation_holds_an_address():
    box = explorer()
    for widget in (box, *box.children[:1], box.words, box.alert, *box.controls.values(), box.sentence("[a](Large)")):
        assert " at 0x" not in repr(widget)


def test_a_slider_holds_its_values():
    slider = Slider("forget bias", [-1.0, 0.0, 3.0], value=0.0, labels=["minus one", "zero", "three"])
    assert (slider.index, slider.value, list(slider.texts)) == (1, 0.0, ["minus one", "zero", "three"])
    slider.index = 2
    assert slider.value == 3.0
    slider.value = -1.0
    assert slider.index == 0
    with pytest.raises(ValueError, match="forget bias must be one of"):
        slider.value = 5.0
    assert slider.value == -1.0 and slider.index == 0


def test_a_picture_is_well_formed_whatever_the_words():
    frame = svg.Frame(10, 10, 80, 30, (0, 1), (0, 1))
    picture = svg.picture(100, 50, frame.axes([0, (1, "<one>")], [0.5], "x & y", 'say "y"', "<b>"), words='a "<b>" & c')
    root = ElementTree.fromstring(picture)
    assert root.attrib["aria-label"] == 'a "<b>" & c' and root.attrib["viewBox"] == "0 0 100 50"
    assert {"<one>", "x & y", 'say "y"', "<b>"} <= {element.text for element in root.iter()}


def test_coordinates_are_rounded_so_that_a_last_bit_does_not_show():
    assert svg.number(1 / 3) == svg.number(1 / 3 + 1e-13) == "0.3"
    assert [svg.number(value) for value in (2.0, -0.04, 0.0, 1e3, "<")] == ["2", "0", "0", "1000", "&lt;"]
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            svg.number(value)


def test_a_frame_maps_its_limits_to_its_edges_and_holds_what_is_outside():
    frame = svg.Frame(10, 20, 200, 100, (0, 4), (1e-2, 1e2), log="y")
    assert [frame.x(value) for value in (0, 1, 4, 9, -1)] == [10, 60, 210, 210, 10]
    assert [round(frame.y(value), 9) for value in (1e-2, 1, 1e2, 1e9, 0)] == [120, 70, 20, 20, 120]


def test_a_curve_breaks_where_there_is_no_number():
    frame = svg.Frame(0, 0, 10, 10, (0, 10), (0, 10))
    path = ElementTree.fromstring(frame.curve([0, 1, 2, 3, 4], [0, 1, math.nan, 3, 4])).attrib["d"]
    assert path == "M0 10L1 9M3 7L4 6"
