"""Every explorer in one notebook in JupyterLab: what it answers by mouse and keyboard, and what it looks like.

An explorer that is added is covered without a change here. A zoom of 200% halves the window's width in CSS pixels:
640 pixels are a window of 1280 at 200%, or one of 640 at 100%.
"""

import ast
import re

import pytest
from browsers import LETTERS_IN_A_LINE, PICTURE, SMALL_TEXT, Shown, violations, write_notebook
from playwright.sync_api import expect

from helpers import contrast
from lstmlib import EDGES
from lstmlib.explorers import EXPLORERS, Choice, Menu, Slider, Switch
from lstmlib.explorers.film import made
from lstmlib.show import graph
from lstmlib.show.graph import paths_to
from tools.notebooks import stored

pytestmark = pytest.mark.browser

STEMS = list(EXPLORERS)
CELLS = [cell for notebook in stored().values() for cell in notebook.cells
         if "explorer" in cell.metadata.get("tags", [])]
PREDICTION = """from lstmlib.explorers import Prediction
Prediction("How many?", ["one", "five"], lambda: "five", "So.")"""
PROSE = ("# A heading that is long enough to reach beyond the width at which anybody reads a line with pleasure\n\n"
         "{words}\n\n- {words}\n\n> **Note.** {words}\n\n1. {words}").format(
             words=" ".join(["The gradient of a mean over timesteps is a sum over all paths through the graph."] * 4))


def sentences():
    """[(stem of the explorer, words to press, preset that they set), ...] in the order in which they stand."""
    found, stem = [], None
    for cell in CELLS:
        if named := re.search(r"from lstmlib\.explorers\.(\w+) import", cell.source):
            stem = named[1]
        for text in (ast.literal_eval(call.args[0]) for call in ast.walk(ast.parse(cell.source))
                     if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "sentence"):
            found += [(stem, *part) for part in re.findall(r"\[([^]]+)\]\(([^)]+)\)", text)]
    return found


@pytest.fixture(scope="module")
def notebook(lab):
    """A notebook with long prose, all explorers and sentences of the series, and a prediction, run."""
    write_notebook(lab.folder / "all.ipynb", *CELLS, PREDICTION, markdown=[PROSE])
    lab.complaints.clear()
    lab.open("all.ipynb")
    pictures = lab.page.locator(PICTURE).count()
    assert pictures >= len(STEMS), "before a notebook is run, a picture stands where each explorer will be"
    lab.run_all()
    assert lab.errors() == []
    expect(lab.page.locator(".lstm-explorer")).to_have_count(len(STEMS))
    yield lab
    in_theme(lab.page, "Light")
    lab.close()


@pytest.fixture
def opened(notebook):
    notebook.page.set_viewport_size({"width": 1280, "height": 800})
    yield notebook
    assert notebook.complaints == []


@pytest.fixture(params=STEMS)
def shown(opened, request):
    """An explorer in its first state, with its twin."""
    return at_the_start(opened, request.param)


@pytest.fixture
def laboratory(opened):
    return at_the_start(opened, "where_to_divide")


def at_the_start(opened, stem):
    shown = Shown(opened.page, made(stem))
    shown.press("Reset")
    return shown


def in_theme(page, theme):
    name = f"JupyterLab {theme}"
    page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)", name)
    page.wait_for_function("(name) => document.body.dataset.jpThemeName === name", arg=name)


both_themes = pytest.mark.parametrize("theme", ["Dark", "Light"])


# What it answers.

def test_every_named_state(opened, shown):
    """The menu says what it is until one is chosen; in each, cause, controls and verdict are on one screen."""
    menu, (_, first, *others) = shown.part("combobox", shown.twin.menu), shown.twin.presets
    chosen, examples = menu.locator("option:checked"), menu.locator("option:not([hidden])")
    expect(chosen).to_have_text("choose one …")
    expect(examples.last).to_have_text("back to the start")
    menu.press("ArrowDown")
    expect(chosen).to_have_text(examples.first.text_content())
    shown.both(lambda twin: twin.press(first))
    for preset in [*others, "Reset"]:
        shown.press(preset)
        assert shown.box.bounding_box()["height"] <= opened.height, preset


def test_sentences_set_their_explorers(opened):
    every, buttons = sentences(), opened.page.locator(".lstm-sentence [role=button]")
    expect(buttons).to_have_text([text for _, text, _ in every])
    for stem in STEMS:
        shown = at_the_start(opened, stem)
        own = [(number, preset) for number, (of, _, preset) in enumerate(every) if of == stem]
        for number, preset in (own[0], own[-1]):
            buttons.nth(number).press("Enter")
            shown.both(lambda twin: twin.choose(preset))


def test_every_control_by_keyboard(opened, shown):
    cells = "[panel.content.widgets.length, panel.content.activeCellIndex]"
    before = None
    for field, control in shown.twin.controls.items():
        element = focusable(shown, control)
        element.focus()
        if before is None:
            opened.page.wait_for_timeout(30)
            before = opened.page.evaluate(cells)
        for key in "abdd":
            element.press(key)
        if isinstance(control, Menu):  # letters choose in it
            element.select_option(index=control.index)
        for key, value in moves(control):
            element.press(key)
            shown.both(lambda twin: twin.set(**{field: value}))
    assert opened.page.evaluate(cells) == before, "keys pressed on a control reached the notebook"


def focusable(shown, control):
    """The element in the page that takes the keys of a control."""
    if isinstance(control, Choice):
        return shown.part("group", control).get_by_role("radio", checked=True)
    for kind, role in ((Slider, "slider"), (Menu, "combobox"), (Switch, "checkbox")):
        if isinstance(control, kind):
            return shown.part(role, control)
    return shown.box.locator("[data-edge='dy']")


def moves(control):
    """[(key, value of the control after it)]."""
    if isinstance(control, Slider):
        return [("End", control.values[-1]), ("ArrowLeft", control.values[-2]), ("Home", control.values[0])]
    if isinstance(control, Switch):
        return [("Space", not control.value), ("Space", control.value)]
    if isinstance(control, Menu | Choice):
        values, at = control.values, control.index
        return [("ArrowDown", values[at + 1])] if at + 1 < len(values) else [("ArrowUp", values[at - 1])]
    return [("Space", [edge for edge in EDGES if (edge == "dy") != (edge in control.value)]), ("Enter", control.value)]


# What it looks like.

@both_themes
def test_axe_finds_nothing(opened, theme):
    in_theme(opened.page, theme)
    assert violations(opened.page, ".lstm-explorer, .lstm-prediction") == []


@pytest.mark.parametrize("width, height", [(320, 800), (640, 800), (1280, 800), (1920, 1080)])
def test_no_text_is_smaller_than_11_pixels_and_nothing_is_cut_off(opened, width, height):
    opened.page.set_viewport_size({"width": width, "height": height})
    opened.page.wait_for_timeout(150)
    assert opened.page.evaluate(SMALL_TEXT, ".lstm-explorer") == []
    assert opened.page.locator(".lstm-explorer").evaluate_all("""(all) => all.flatMap((explorer) =>
        [...explorer.querySelectorAll("*")].filter((part) => part.checkVisibility() && !part.closest(".lstm-panel > *")
            && part.getBoundingClientRect().right > explorer.getBoundingClientRect().right + 1
        ).map((part) => part.outerHTML.slice(0, 200)))""") == []
    heights = opened.page.locator(".lstm-explorer").evaluate_all("(all) => all.map((box) => box.offsetHeight)")
    assert width < 1280 or max(heights) <= opened.height, "not on one screen"


@both_themes
def test_every_stop_shows_its_focus(opened, laboratory, theme):
    """With a line of two pixels and a contrast of 3; with Tab, six stops at most stand before the first edge."""
    in_theme(opened.page, theme)
    laboratory.part("combobox", laboratory.twin.menu).focus()
    for _ in range(6):
        opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.matches('[data-edge]')")
    stops = opened.page.locator(".lstm-explorer :is(input, select, button, [tabindex='0']):visible").evaluate_all(
        """(all) => all.map((stop) => {
            stop.focus();
            const pill = stop.querySelector(".pill"), line = getComputedStyle(pill ?? stop);
            return [stop.outerHTML.slice(0, 120), pill !== null || line.outlineStyle === "solid",
                    parseFloat(pill ? line.strokeWidth : line.outlineWidth), pill ? line.stroke : line.outlineColor,
                    getComputedStyle(stop.closest(".lstm-explorer")).backgroundColor];
        })""")
    assert len(stops) > 5 * len(STEMS)
    for stop, shown, width, line, paper in stops:
        assert shown and width >= 2 and contrast(hexadecimal(line), hexadecimal(paper)) >= 3, stop


def hexadecimal(colour):
    red, green, blue, *_ = map(int, re.findall(r"\d+", colour))
    return f"#{red:02x}{green:02x}{blue:02x}"


def test_forced_colours_reach_the_panels(opened):
    opened.page.emulate_media(forced_colors="active", reduced_motion="reduce")
    try:
        found = opened.page.evaluate("""() => {
            const probe = document.createElement("p"); probe.style.color = "CanvasText"; document.body.append(probe);
            const ink = getComputedStyle(probe).color, text = document.querySelector(".lstm-explorer svg text");
            probe.remove();
            const moving = document.querySelector(".lstm-graph [data-at]");
            return [getComputedStyle(text).fill === ink, getComputedStyle(moving).transitionDuration];
        }""")
    finally:
        opened.page.emulate_media(forced_colors="none", reduced_motion="no-preference")
    assert found == [True, "0s"]


def test_a_name_in_the_graph_looks_like_a_checkbox(opened, laboratory):
    """Its box is ticked when it is chosen, and it answers the pointer."""
    edge = laboratory.box.locator("[data-edge=dz]")
    assert edge.locator(".box").is_visible() and not edge.locator(".tick").is_visible()
    width = "(pill) => parseFloat(getComputedStyle(pill).strokeWidth)"
    before = edge.locator(".pill").evaluate(width)
    edge.locator(".pill-text").hover()
    assert edge.locator(".pill").evaluate(width) > before
    edge.locator(".pill-text").click()
    assert edge.get_attribute("aria-checked") == "true" and edge.locator(".tick").is_visible()


def test_paths_that_light_up_are_those_that_are_counted(opened, laboratory):
    """By the numbers of paths, by the steps through them, and by the shares in the spectrum."""
    page, explorer = opened.page, laboratory.box
    laboratory.choose("Into the gates: dz")
    explorer.get_by_role("slider", name="timesteps T").press("ArrowLeft")  # T = 3
    explorer.locator(".lstm-path", has_text="A gradient is a sum over paths").wait_for()
    explorer.locator("[data-group='Wx 3']", has_text="3 times (1)").wait_for()
    lit = "(box) => [...box.querySelectorAll('[data-at].lit')].map((part) => part.dataset.at)"
    badges = "(box) => [...box.querySelectorAll('.on .lit .badge text')].map((text) => Number(text.textContent))"
    for count in (1, 2, 3):
        paths = [path for path in paths_to("Wx", 3) if sum(edge == "dz" for edge, _ in path) == count]
        chip = explorer.locator(f"[data-group='Wx {count}']")
        chip.click()
        for number, path in enumerate(paths, 1):
            assert set(explorer.evaluate(lit)) == set(graph.counted(path, ("dz",), 3))
            assert sorted(explorer.evaluate(badges)) == list(range(1, count + 1))
            said = explorer.locator(".lstm-path").text_content()
            which = f"Path {number} of the {len(paths)}" if len(paths) > 1 else "The one path"
            assert f"{which} to Wx, Wh, b divided {['once', 'twice', '3 times'][count - 1]}: loss" in said
            assert said.count("(") == count
            if len(paths) > 1:
                explorer.get_by_role("button", name="next").click()
        page.keyboard.press("Escape")
        assert explorer.evaluate(lit) == []
    explorer.locator("[data-panel='spectrum'] [data-path='Wh 2']").hover()
    assert explorer.locator("[data-group='Wx 2'].lit").count() == 1 and len(explorer.evaluate(lit)) > 8
    explorer.locator(".lstm-heading").hover()
    assert explorer.evaluate(lit) == []
    explorer.locator("[data-group='Wy 0']").focus()
    assert "Path 1 of the 3 to Wy, by divided never" in explorer.locator(".lstm-path").text_content()
    for _ in range(3):  # beyond "previous" and "next"
        page.keyboard.press("Tab")
    assert explorer.evaluate(lit) == []


def test_where_the_graph_must_scroll_checkboxes_stand_below_it(opened, laboratory):
    boxes = laboratory.box.locator(".lstm-boxes input")
    laboratory.choose("At once: dy")
    assert not boxes.first.is_visible()
    opened.page.set_viewport_size({"width": 500, "height": 800})
    laboratory.box.get_by_role("checkbox", name="dW", exact=True).check()
    laboratory.box.locator(".lstm-headline", has_text="Not the gradient").wait_for()
    assert boxes.evaluate_all("(all) => all.filter((box) => box.checked).map((box) => box.value)") == ["dy", "dW"]


def test_a_prediction_is_made_by_keyboard_and_kept(opened):
    form = opened.page.locator(".lstm-prediction")
    if form.get_by_role("button").is_visible():
        form.get_by_role("radio").first.focus()
        opened.page.keyboard.press("Space")
        opened.page.keyboard.press("Tab")
        opened.page.keyboard.press("Enter")
    form.get_by_text("Predicted: one. It came otherwise: five.").wait_for()
    assert "So." in form.text_content() and form.get_by_role("radio", disabled=True).count() == 2


def test_prose_has_lines_of_at_most_75_characters(opened):
    for width in (1280, 1920):
        opened.page.set_viewport_size({"width": width, "height": 1000})
        opened.page.wait_for_timeout(300)
        for block in ("p", "li", "h1"):
            assert 45 < opened.page.evaluate(LETTERS_IN_A_LINE, f".jp-RenderedMarkdown {block}") < 75, block
