"""The mechanism of explorers, and the SVG functions, without a browser."""

import base64
import math
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import ipywidgets.widgets as widgets
import pytest

from lstmlib.explorers import Choice, Explorer, Menu, Prediction, Slider, Switch, base, controls
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
    return (box.state == state and box.numbers == numbers(state) and shown(box) == draw(state, numbers(state))
            and box.words.value == words(state, numbers(state)) and box.error is None and box.alert.value == ""
            and (box.words.good, box.words.headline) == headline(state, numbers(state)))


def shown(box):
    """The panels that the browser was sent."""
    drawn = {panel.svg: panel for n in (1, 2, 4, 8) for half in (False, True)
             for panel in draw(State(n, half), n / (1 + half))}
    return tuple(drawn[text] for _, text, *_ in box.panels.value)


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


@pytest.mark.parametrize("kind", [Slider, Menu, Choice])
def test_what_cannot_be_chosen_is_refused(kind):
    choice = kind("|X|", [1, 2, 4], 4)
    box = explorer(controls={"half": Switch("half"), "size": choice}, presets={}, poster=("Reset",))
    for value, message in ((None, "Sizes & <halves>: size must have a value, got None"), (3, r"\|X\| must be one of")):
        with pytest.raises(ValueError, match=message):
            box.set(half=True, size=value)
    assert shows(box, State()) and choice.value == 4 and box.controls["half"].value is False


def test_the_menu_chooses_the_presets_and_shows_which_one_stands():
    box = explorer()
    assert list(box.menu.names) == ["Reset", "Large", "Half of two", "Of seven"] and box.menu.shown == "Reset"
    box.menu.chosen = ["Large", 1]  # as the browser does it
    assert shows(box, State(size=8)) and box.menu.shown == "Large"
    box.controls["size"].index = 1
    assert shows(box, State(size=2)) and box.menu.shown is None
    box.menu.chosen = ["Large", 2]
    assert shows(box, State(size=8)) and box.menu.shown == "Large"
    box.menu.chosen = ["Reset", 3]
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
        explorer(controls={"other": Switch("half")})
    with pytest.raises(TypeError, match="other"):
        explorer(presets={"Wrong": {"other": 1}})


@pytest.mark.parametrize("move", [
    lambda box: box.set(size=7), lambda box: box.choose("Of seven"),
    lambda box: setattr(box.controls["size"], "index", 3),
])
def test_an_error_is_shown_kept_and_raised_and_goes_when_it_is_over(move):
    box = explorer()
    before = box.panels.value
    with pytest.raises(ArithmeticError):
        move(box)
    assert isinstance(box.error, ArithmeticError) and box.state == State() and box.panels.value == before
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
    assert box.state == State() and shown(box) == draw(State(), 4) and "KeyError" in box.alert.value


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


def test_the_poster_does_not_depend_on_what_was_moved():
    box = explorer()
    before = box.poster_html()
    box.choose("Half of two")
    assert box.poster_html() == before == explorer().poster_html()


def test_no_representation_holds_an_address():
    box = explorer()
    for widget in (box, box.children[0].children[0], box.menu, box.panels, box.words, box.alert,
                   *box.controls.values(), box.sentence("[a](Large)")):
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


def test_a_panel_is_well_formed_whatever_the_words():
    frame = svg.Frame(10, 10, 80, 30, (0, 1), (0, 1))
    panel = svg.panel("one", 100, 50, frame.axes([0, (1, "<one>")], [0.5], "x & y", 'say "y"', "<b>"),
                      words='a "<b>" & c')
    root = ElementTree.fromstring(panel.svg)
    assert root.attrib["aria-label"] == panel.words == 'a "<b>" & c' and root.attrib["viewBox"] == "0 0 100 50"
    assert {"<one>", "x & y", 'say "y"', "<b>"} <= {element.text for element in root.iter()}


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


STYLE = controls.STATIC.joinpath("explorer.css").read_text(encoding="utf-8")
LIGHT, DARK = (dict(re.findall(r"--lstm-([\w-]+): (#\w{6})", block)) for block in STYLE.split("}")[:2])


def test_the_light_theme_is_what_stands_in_the_pictures():
    names = [value for value in vars(svg).values() if isinstance(value, str)] + list(svg.DEEP.values())
    there = dict(re.fullmatch(r"var\(--lstm-([\w-]+), (#\w{6})\)", name).groups() for name in names
                 if name.startswith("var("))
    assert there == LIGHT and set(LIGHT) == set(DARK)
    forced = STYLE[STYLE.index("forced-colors"):].split("}")[0]
    assert set(re.findall(r"--lstm-([\w-]+):", forced)) == set(LIGHT)


def contrast(one, other):
    """That of WCAG 2."""
    def luminance(colour):
        shares = [int(colour[k:k + 2], 16) / 255 for k in (1, 3, 5)]
        return sum(weight * (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
                   for weight, share in zip((0.2126, 0.7152, 0.0722), shares))
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_a_contrast_of_4_5_and_lines_and_edges_of_3(theme):
    texts = ["ink", "grey", "blue", *(name for name in theme if name.startswith("deep-"))]
    for ground in ("paper", "soft"):
        assert {name: ratio for name in texts if (ratio := contrast(theme[name], theme[ground])) < 4.5
                and (name, ground) != ("deep-sky", "soft")} == {}
        assert {name: ratio for name in ("blue", "green", "red", "purple")
                if (ratio := contrast(theme[name], theme[ground])) < 3} == {}
    for ground in ("pale-blue", "pale-green", "pale-red", "band"):
        assert contrast(theme["ink"], theme[ground]) >= 4.5
    assert contrast(theme["on"], theme["blue"]) >= 4.5


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
    assert asked == [] and repr(prediction) == "Prediction('How <many>?': two / five)"
    prediction.predicted = "two"  # as the browser does it
    assert asked == [1] and prediction.outcome == {"truth": "five", "words": "Five it is."}
    data, metadata = prediction._repr_mimebundle_()
    assert data["text/html"] == "<p><b>How &lt;many&gt;?</b><br>☐ two<br>☐ five</p>"
    assert data["text/plain"] == repr(prediction)
    assert metadata["lstm_prediction"]["outcome"] == {"truth": "five", "words": "Five it is."}


def test_a_prediction_of_a_number():
    prediction = Prediction("How many?", int, lambda: 512)
    prediction.predicted = "100"
    assert prediction.outcome == {"truth": "512", "words": ""} and prediction.step == "1"
    assert Prediction("How far?", float, lambda: 0.123456).told()["truth"] == "0.1235"
    assert "________" in prediction._repr_mimebundle_()[0]["text/html"]


def test_a_prediction_whose_truth_fails_says_so_and_raises():
    prediction = Prediction("Which?", ["a", "b"], lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prediction.predicted = "a"
    assert "ZeroDivisionError: division by zero" in prediction.outcome["error"]


@pytest.mark.parametrize("choices, truth, error", [
    (["a"], lambda: "a", "choices must be float, int or two texts or more, got .'a'."),
    ("ab", lambda: "a", "choices must be float"), ([1, 2], lambda: 1, "choices must be float"),
    (["a", "b"], "a", "truth must be a function without arguments, got 'a'")])
def test_a_prediction_refuses_what_it_cannot_ask(choices, truth, error):
    with pytest.raises((ValueError, TypeError), match=error):
        Prediction("Which?", choices, truth)
    with pytest.raises(ValueError, match="truth must return one of a, b, got 'c'"):
        Prediction("Which?", ["a", "b"], lambda: "c").told()


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


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("path", sorted(controls.STATIC.glob("*.js")), ids=lambda path: path.name)
def test_javascript_is_well_formed_and_brief(path):
    text = path.read_text(encoding="utf-8")
    found = subprocess.run(["node", "--input-type=module", "--check"], input=text, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert [line for line in text.splitlines() if len(line) > 120 or line.rstrip() != line] == []
    names = re.findall(r"(?:const|let) (\w+) =", text)
    assert [name for name in names if len(re.findall(rf"\b{name}\b", text)) == 1 and name != "asking"] == []
