"""The mechanism of explorers, the SVG functions, and what a server shows of explorers, without a browser."""

import asyncio
import base64
import math
import re
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from types import SimpleNamespace

import ipywidgets.widgets as widgets
import pytest

from lstmlib.explorers import Explorer, Prediction, Slider, Switch, base, controls
from lstmlib.show import server, svg


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
        headline=headline,
        presets={"Large": {"size": 8}, "Half of two": {"size": 2, "half": True}, "Of seven": {"size": 7}},
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
    box = explorer()
    assert shows(box, State())
    box.controls["size"].index = 1  # as the browser does it
    assert shows(box, State(size=2)) and box.menu.shown is None
    box.controls["half"].value = True
    assert shows(box, State(size=2, half=True)) and box.menu.shown == "Half of two"
    box.choose("Large")  # from the first state, whatever was set
    assert shows(box, State(size=8)) and box.menu.shown == "Large"
    assert list(box.menu.names) == ["Reset", "Large", "Half of two", "Of seven"]
    box.menu.chosen = ["Half of two", 1]
    assert shows(box, State(size=2, half=True))
    box.menu.chosen = ["Reset", 2]
    assert shows(box, State()) and box.menu.shown == "Reset"


def test_set_shows_once_however_many_controls_move():
    seen = []
    box = explorer(numbers=lambda state: seen.append(state) or numbers(state))
    del seen[:]
    box.set(size=1, half=True)
    assert seen == [State(size=1, half=True)]


@pytest.mark.parametrize("act, message", [
    (lambda box: box.set(siez=2), "no control named siez; there are size, half"),
    (lambda box: box.set(fixed="moved"), "no control named fixed"),
    (lambda box: box.choose("Huge"), "no preset named 'Huge'; there are Reset, Large"),
    (lambda box: box.sentence("Make it [huge](Huge)."), "no preset named 'Huge'"),
    (lambda box: box.set(half=True, size=3), r"\|X\| must be one of \[1, 2, 4, 7, 8\], got 3"),
    (lambda box: box.set(half=True, size=None), "Sizes & <halves>: size must have a value, got None"),
])
def test_what_is_not_there_is_refused_and_changes_nothing(act, message):
    box = explorer()
    with pytest.raises(ValueError, match=message):
        act(box)
    assert shows(box, State())
    box.controls["size"].index = 0
    assert shows(box, State(size=1))


def test_controls_and_presets_must_be_fields_of_the_state():
    with pytest.raises(ValueError, match=r"fields of the state, got \['other'\]"):
        explorer(controls={"other": Switch("half")})
    with pytest.raises(TypeError, match="other"):
        explorer(presets={"Wrong": {"other": 1}})


@pytest.mark.parametrize("error, said", [
    (ArithmeticError("no <sevens>"), "met an error; the picture is the one before it. ArithmeticError: no <sevens>"),
    (KeyboardInterrupt(), "was interrupted; the picture is the one before it. KeyboardInterrupt")],
    ids=["error", "interrupt"])
@pytest.mark.parametrize("move, part", [
    (lambda box: box.set(size=7), numbers), (lambda box: box.choose("Of seven"), draw),
    (lambda box: setattr(box.controls["size"], "index", 3), words)], ids=["set", "choose", "hand"])
def test_an_error_is_shown_kept_and_raised_and_goes_when_it_is_over(move, part, error, said):
    def fail_at_seven(state, *given):
        if state.size == 7:
            raise error
        return part(state, *given)

    box = explorer(**{part.__name__: fail_at_seven})
    before = box.panels.value
    with pytest.raises(type(error)):
        move(box)
    assert box.error is error and box.state == State() and box.panels.value == before and said in box.alert.value
    other = threading.Thread(target=box.set, kwargs={"size": 8}, daemon=True)  # would wait for ever at a held lock
    other.start()
    other.join(10)
    assert not other.is_alive() and shows(box, State(size=8))


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


def test_a_hand_that_moves_while_a_cell_does_is_not_overlooked():
    """A control moved on the second thread, in the middle of a `set` that is then refused, is shown all the same."""
    box, begun = explorer(), threading.Event()

    def refuse(change):
        if change.new:
            begun.set()
            time.sleep(0.2)  # meanwhile the hand moves
            raise KeyboardInterrupt

    box.controls["half"].observe(refuse, names="value")
    hand = threading.Thread(target=lambda: begun.wait(10) and setattr(box.controls["size"], "index", 4))
    hand.start()
    with pytest.raises(KeyboardInterrupt):
        box.set(half=True)
    hand.join(10)
    assert shows(box, State(size=8))


def test_a_sentence_sets_the_state_of_the_explorer_that_its_cell_made_last():
    first = explorer()
    sentence = first.sentence("Make it [<large>](Large), or go [back](Reset).")
    other, second = explorer(title="Another"), explorer()
    assert repr(sentence) == "Make it <large>, or go back."
    sentence.chosen = ["Large", 1]  # as the browser does it
    assert shows(first, State(size=8)) and shows(second, State(size=8)) and shows(other, State())
    sentence.chosen = ["Reset", 2]
    assert shows(second, State())
    data, _ = sentence._repr_mimebundle_()
    assert data["text/html"] == "<p>Make it <b>&lt;large&gt;</b>, or go <b>back</b>.</p>"


def test_where_no_kernel_runs_the_pictures_of_the_poster_stand():
    box = explorer()
    box.choose("Half of two")  # which is not on it
    data, _ = box._repr_mimebundle_()
    assert data["text/plain"] == repr(box) == "Explorer('Sizes & <halves>')"
    assert "application/vnd.jupyter.widget-view+json" in data
    images = re.findall(r'<img alt="([^"]*)" width="124" src="data:image/svg\+xml;base64,([^"]*)">', data["text/html"])
    for (words_there, image), state in zip(images, (State(), State(size=8)), strict=True):
        root = ElementTree.fromstring(base64.b64decode(image))
        assert [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")] == [f"<{state.size}>"]
        card = root[0]  # in the dark theme, too, a picture stands on white with a margin
        assert (root.get("viewBox"), card.get("rx"), card.get("fill")) == ("-12 -12 124 74", "8", "#ffffff")
        assert "var(" not in base64.b64decode(image).decode() and root.get("height") == "74"
        assert words_there == f"{state.size} &lt;is&gt; it. size &lt;{state.size}&gt; &amp; no control moves this"
    assert "<b>Large.</b> 8 &lt;is&gt; it. size &lt;8&gt; &amp; no" in data["text/html"]
    assert "Sizes &amp; &lt;halves&gt;" in data["text/html"] and "<halves>" not in data["text/html"]


def test_a_slider_shows_its_labels():
    slider = Slider("forget bias", [-1.0, 0.0, 3.0], value=0.0, labels=["minus one", "zero", "three"])
    assert (slider.index, slider.value, list(slider.texts)) == (1, 0.0, ["minus one", "zero", "three"])


# Panels

def test_a_panel_knows_how_far_it_may_shrink():
    assert svg.panel("a", 300, 50, svg.text(0, 20, "a", 15), svg.text(0, 40, "b", 12), words="").least == 275
    assert svg.panel("a", 300, 50, svg.text(0, 20, "a", 11), words="").least == 300
    with pytest.raises(ValueError, match="at least 11 pixels, got 10.5 in 'small'"):
        svg.panel("small", 300, 50, svg.text(0, 20, "a", 10.5), words="")


def test_a_sheet_sets_panels_in_rows():
    panels = [svg.panel(name, width, height, words=name) for name, width, height in
              (("a", 300, 50), ("b", 200, 80), ("c", 400, 60), ("d", 100, 10))]
    sheet = svg.sheet(panels, "all of them", "Title", width=550)
    parts = ElementTree.fromstring(sheet.svg)[1:]
    places = [tuple(part.get(name) for name in ("aria-label", "x", "y")) for part in parts]
    assert places == [("a", "0", "40"), ("b", "320", "40"), ("c", "0", "140"), ("d", "420", "140")]
    assert (sheet.width, sheet.height, sheet.words) == (520, 200, "all of them")


def test_lines_and_texts_in_a_pale_colour_are_drawn_in_its_deep_one():
    for colour in (svg.ORANGE, svg.SKY):
        for drawing in (svg.text(0, 0, "a", fill=colour), svg.line(0, 0, 1, 1, stroke=colour),
                        svg.curve([(0, 0), (1, 1)], stroke=colour)):
            assert svg.DEEP[colour] in drawing and colour not in drawing
        assert f'stroke="{svg.DEEP[colour]}"' in svg.rect(0, 0, 1, 1, colour) + svg.circle(0, 0, 1, colour)


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


# Predictions

def test_a_prediction_is_asked_then_compared():
    asked = []
    prediction = Prediction("How <many>?", ["two", "five"], lambda: asked.append(1) or ("five", "Five it is."), "So.")
    assert asked == []
    prediction.predicted = "two"  # as the browser does it
    assert asked == [1] and prediction.outcome == {"truth": "five", "words": "Five it is."}
    data, metadata = prediction._repr_mimebundle_()
    assert data["text/plain"] == repr(prediction) == "Prediction('How <many>?': two / five)"
    assert data["text/html"] == "<p><b>How &lt;many&gt;?</b><br>☐ two<br>☐ five</p>"
    assert metadata["lstm_prediction"]["outcome"] == {"truth": "five", "words": "Five it is."}


def test_a_prediction_of_a_number():
    prediction = Prediction("How many?", int, lambda: 512)
    assert prediction.told() == {"truth": "512", "words": ""} and prediction.step == "1"
    assert "________" in prediction._repr_mimebundle_()[0]["text/html"]
    assert Prediction("How far?", float, lambda: 0.123456).told()["truth"] == "0.1235"


def test_a_prediction_whose_truth_fails_says_so_and_raises():
    prediction = Prediction("Which?", ["a", "b"], lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prediction.predicted = "a"
    assert "ZeroDivisionError: division by zero" in prediction.outcome["error"]
    with pytest.raises(ValueError, match="truth must return one of a, b, got 'c'"):
        Prediction("Which?", ["a", "b"], lambda: "c").told()


@pytest.mark.parametrize("choices, truth, error", [
    (["a"], lambda: "a", "choices must be float, int or two texts or more, got .'a'."),
    ("ab", lambda: "a", "choices must be float"), ([1, 2], lambda: 1, "choices must be float"),
    (["a", "b"], "a", "truth must be a function without arguments, got 'a'")])
def test_a_prediction_refuses_what_it_cannot_ask(choices, truth, error):
    with pytest.raises((ValueError, TypeError), match=error):
        Prediction("Which?", choices, truth)


# What an earlier run of the same cell made is freed

class Kernel:
    def __init__(self, cell, run):
        self.kernel = self
        self.request = {"metadata": {"cellId": cell}, "header": {"msg_id": run}}

    def get_parent(self, channel):
        return self.request


def test_an_explorers_cell_run_again_frees_the_one_before(monkeypatch):
    def run(cell, number):
        monkeypatch.setattr(base, "get_ipython", lambda: Kernel(cell, number))
        return explorer()

    def alive():
        return len(widgets.widget._instances)

    monkeypatch.setattr(base, "made", {})
    other, first, second = run("other", "1"), run("one", "2"), run("one", "2")
    sentence, before = second.sentence("[a](Large)"), alive()
    third = run("one", "3")
    third.sentence("[a](Large)")
    assert [part.comm is None for part in (other, first, second, sentence, third)] == [False, True, True, True, False]
    each = alive() - before
    run("one", "4").sentence("[a](Large)")
    assert each < 0 and alive() == before + each
    assert shows(other, State())


def test_javascript_has_no_long_line_and_no_name_that_is_not_used():
    for path in controls.STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert [line for line in text.splitlines() if len(line) > 120 or line.rstrip() != line] == []
        names = re.findall(r"(?:const|let) (\w+) =", text)
        assert [name for name in names if len(re.findall(rf"\b{name}\b", text)) == 1 and name != "asking"] == []


# What the server does when a notebook is opened.

def notebook():
    live = {server.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "a"}
    return {"cells": [{"cell_type": "markdown", "source": ""},
                      {"cell_type": "code", "outputs": [{"output_type": "stream", "text": "a"},
                                                        {"output_type": "display_data", "data": dict(live)},
                                                        {"data": live | {"text/html": "<p>a</p>"}}]}]}


@pytest.mark.parametrize("running, kept", [("a folder/one.ipynb", 2), ("another.ipynb", 1), (None, 1)])
def test_views_are_left_out_only_where_no_kernel_runs_and_a_picture_stands_beside(monkeypatch, running, kept):
    async def read(self, path, content=True, *args, **options):
        return {"type": "notebook", "path": path, "content": notebook() if content else None}

    async def sessions():
        return [{"path": running}] if running else []

    monkeypatch.setattr(server.AsyncLargeFileManager, "get", read)
    manager = SimpleNamespace(session_manager=SimpleNamespace(list_sessions=sessions))
    served = type("Served", (server.Notebooks,), {"parent": manager, "__init__": lambda self: None})()
    model = asyncio.run(served.get("/a folder/one.ipynb"))
    outputs = model["content"]["cells"][1]["outputs"]
    assert sum(server.WIDGET_VIEW in output.get("data", {}) for output in outputs) == kept
    assert asyncio.run(served.get("one.ipynb", content=False))["content"] is None
