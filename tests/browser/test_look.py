"""What every explorer looks like in JupyterLab: readable at every width and zoom, in both themes, by keyboard.

A zoom of 200% halves the window's width in CSS pixels: 640 pixels are a window of 1280 at 200%, or one of 640 at 100%.
"""

import json
import re

import firefox
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsers import write_notebook

from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.start_here import AT_EVERY_STEP, first_look
from lstmlib.explorers.where_to_divide import laboratory
from lstmlib.show import graph
from lstmlib.show.graph import paths_to

pytestmark = pytest.mark.browser

STEMS = list(EXPLORERS)
LABORATORY = STEMS.index("where_to_divide")
PREDICTION = """from lstmlib.explorers import Prediction
Prediction("How many?", ["one", "five"], lambda: "five", "So.")"""
PROSE = ("# A heading that is long enough to reach beyond the width at which anybody reads a line with pleasure\n\n"
         "{words}\n\n- {words}\n\n> **Note.** {words}\n\n1. {words}").format(
             words=" ".join(["The gradient of a mean over timesteps is a sum over all paths through the graph."] * 4))
LONGEST_LINE = """() => Math.max(...[...document.querySelectorAll(".jp-RenderedMarkdown :is(p, li, h1)")].map((block) =>
{
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT), lines = new Map(), range = new Range();
    while (walker.nextNode()) for (let k = 0; k < walker.currentNode.length; k++) {
        range.setStart(walker.currentNode, k); range.setEnd(walker.currentNode, k + 1);
        const top = Math.round(range.getBoundingClientRect().bottom);
        lines.set(top, (lines.get(top) || 0) + 1);
    }
    return Math.max(...lines.values());
}))"""
CONTRAST = """(one, other) => {
    const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
        .map((share) => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4)
        .reduce((sum, share, k) => sum + share * [0.2126, 0.7152, 0.0722][k], 0);
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}"""


def cell_of(stem):
    module, function = EXPLORERS[stem].split(".")
    return f"from lstmlib.explorers.{module} import {function}\nexplorer = {function}()\nexplorer"


@pytest.fixture(scope="module")
def opened(lab):
    """A notebook with long prose, all explorers and a prediction, run."""
    write_notebook(lab.folder / "all.ipynb", *map(cell_of, STEMS), PREDICTION, markdown=[PROSE])
    lab.complaints.clear()
    lab.page.set_viewport_size({"width": 1280, "height": 800})
    lab.open("all.ipynb")
    lab.run_all()
    assert lab.errors() == []
    yield lab
    in_theme(lab.page, "Light")
    lab.close()
    assert lab.complaints == []


def in_theme(page, theme):
    name = f"JupyterLab {theme}"
    page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)", name)
    page.wait_for_function("(name) => document.body.dataset.jpThemeName === name", arg=name)


both_themes = pytest.mark.parametrize("theme", ["Dark", "Light"])


@both_themes
def test_axe_finds_nothing(opened, theme):
    in_theme(opened.page, theme)
    for part in (".lstm-explorer", ".lstm-prediction"):
        found = Axe().run(opened.page, context=part)
        assert [(each["id"], [node["html"][:200] for node in each["nodes"]])
                for each in found.response["violations"]] == []


@pytest.mark.parametrize("width", [320, 640, 1280, 1920])
def test_no_text_is_smaller_than_11_pixels_and_nothing_is_cut_off(opened, width):
    opened.page.set_viewport_size({"width": width, "height": 800})
    opened.page.wait_for_timeout(150)
    faults = opened.page.locator(".lstm-explorer").evaluate_all("""(all) => all.map((explorer) => {
        const texts = [...explorer.querySelectorAll("*")].filter((part) => part.checkVisibility() &&
            [...part.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()) &&
            !["STYLE", "OPTION"].includes(part.tagName.toUpperCase()));
        const scale = (part) => part instanceof SVGElement
            ? Math.hypot(part.getScreenCTM().a, part.getScreenCTM().b) : 1;
        const sizes = texts.map((part) => [
            parseFloat(getComputedStyle(part).fontSize) * scale(part), part.textContent]);
        const right = explorer.getBoundingClientRect().right;
        const wide = [...explorer.querySelectorAll("*")].filter((part) => part.checkVisibility() &&
            !part.closest(".lstm-panel > *") && part.getBoundingClientRect().right > right + 1);
        return [sizes.filter(([size]) => size < 10.99), wide.map((part) => part.outerHTML.slice(0, 200))];
    })""")
    assert dict(zip(STEMS, faults, strict=True)) == dict.fromkeys(STEMS, [[], []])


def test_zoomed_to_200_percent_text_is_twice_as_large(opened):
    """In a window of 1280 pixels: before the panels flowed, it stayed at 15 device pixels."""
    height = """() => Math.min(...[...document.querySelectorAll(".lstm-explorer svg text")].filter((text) =>
        text.checkVisibility()).map((text) => parseFloat(getComputedStyle(text).fontSize) *
        Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b)))"""
    opened.page.set_viewport_size({"width": 640, "height": 400})
    opened.page.wait_for_timeout(150)
    assert 2 * opened.page.evaluate(height) >= 22 - 0.01


@pytest.mark.parametrize("stem", STEMS)
@both_themes
def test_every_stop_shows_its_focus(opened, stem, theme):
    opened.page.set_viewport_size({"width": 1280, "height": 800})
    in_theme(opened.page, theme)
    explorer = opened.page.locator(".lstm-explorer").nth(STEMS.index(stem))
    explorer.scroll_into_view_if_needed()
    stops = explorer.evaluate("""(explorer) => [...explorer.querySelectorAll(
        "input, select, button, [tabindex='0']")].filter((stop) => stop.checkVisibility()).length""")
    explorer.locator("select").first.focus()
    seen, first_edge = 0, None
    for _ in range(stops + 3):
        opened.page.keyboard.press("Tab")
        found = explorer.evaluate(f"""(explorer) => {{
            const contrast = {CONTRAST}, stop = document.activeElement, style = getComputedStyle(stop);
            if (!explorer.contains(stop)) return null;
            const paper = getComputedStyle(explorer).backgroundColor, pill = stop.querySelector(".pill");
            const line = pill ? getComputedStyle(pill) : style;
            return {{edge: pill !== null, wide: parseFloat(pill ? line.strokeWidth : line.outlineWidth),
                    contrast: contrast(pill ? line.stroke : line.outlineColor, paper),
                    shown: pill !== null || line.outlineStyle === "solid", what: stop.outerHTML.slice(0, 120)}};
        }}""")
        if found is None:
            break
        seen += 1
        assert found["shown"] and found["wide"] >= 2 and found["contrast"] >= 3, found
        if found["edge"] and first_edge is None:
            first_edge = seen
    assert seen >= 1
    assert first_edge is None or first_edge <= 6, "the menu of examples and five controls stand before the first edge"


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


@pytest.mark.parametrize("stem", STEMS)
def test_the_menu_says_what_it_is_until_a_state_is_chosen(opened, stem):
    explorer = opened.page.locator(".lstm-explorer").nth(STEMS.index(stem))
    menu, shown = explorer.locator("select").first, "(menu) => menu.selectedOptions[0].textContent"
    examples = menu.locator("option:not([hidden])").all_text_contents()
    assert menu.evaluate(shown) == "choose one …" and examples[-1] == "back to the start"
    menu.focus()
    opened.page.keyboard.press("ArrowDown")
    assert menu.evaluate(shown) == examples[0]
    menu.select_option("back to the start")
    opened.page.wait_for_function("(menu) => menu.selectedIndex === 0", arg=menu.element_handle())


def test_a_name_in_the_graph_looks_like_a_checkbox(opened):
    """Its box is ticked when it is chosen, and it answers the pointer."""
    explorer = opened.page.locator(".lstm-explorer").nth(LABORATORY)
    explorer.locator("select").first.select_option("back to the start")
    edge = explorer.locator("[data-edge=dz]")
    assert edge.locator(".box").is_visible() and not edge.locator(".tick").is_visible()
    width = "(pill) => parseFloat(getComputedStyle(pill).strokeWidth)"
    before = edge.locator(".pill").evaluate(width)
    edge.locator(".pill-text").hover()
    assert edge.locator(".pill").evaluate(width) > before
    edge.locator(".pill-text").click()
    assert edge.get_attribute("aria-checked") == "true" and edge.locator(".tick").is_visible()
    explorer.locator("select").first.select_option("back to the start")


def test_the_laboratory_is_no_higher_with_fewer_timesteps(opened):
    page, explorer = opened.page, opened.page.locator(".lstm-explorer").nth(LABORATORY)
    page.set_viewport_size({"width": 1280, "height": 800})
    for _ in range(3):
        explorer.get_by_role("slider", name="timesteps T").press("ArrowLeft")
        page.wait_for_timeout(300)
        assert explorer.bounding_box()["height"] <= opened.height
    explorer.locator("select").first.select_option("Reset")


def test_all_of_the_laboratory_is_on_one_screen_of_1920_by_1080(opened):
    page, explorer = opened.page, opened.page.locator(".lstm-explorer").nth(LABORATORY)
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_timeout(200)
    assert explorer.bounding_box()["height"] <= opened.height


def test_paths_that_light_up_are_those_that_are_counted(opened):
    """By the numbers of paths, by the steps through them, and by the shares in the spectrum."""
    page, explorer = opened.page, opened.page.locator(".lstm-explorer").nth(LABORATORY)
    page.set_viewport_size({"width": 1280, "height": 800})
    explorer.locator("select").first.select_option("Into the gates: dz")
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
            said = re.sub(r"\\s+", " ", explorer.locator(".lstm-path").text_content())
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


def test_where_the_graph_must_scroll_checkboxes_stand_below_it(opened):
    page, explorer = opened.page, opened.page.locator(".lstm-explorer").nth(LABORATORY)
    boxes = explorer.locator(".lstm-boxes input")
    explorer.locator("select").first.select_option("At once: dy")
    assert not boxes.first.is_visible()
    page.set_viewport_size({"width": 500, "height": 800})
    explorer.get_by_role("checkbox", name="dW", exact=True).check()
    explorer.locator(".lstm-headline", has_text="Not the gradient").wait_for()
    assert boxes.evaluate_all("(all) => all.filter((box) => box.checked).map((box) => box.value)") == ["dy", "dW"]
    explorer.locator("select").first.select_option("Reset")


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
        assert 60 <= opened.page.evaluate(LONGEST_LINE) <= 75


@pytest.mark.skipif(not firefox.found(), reason="no Firefox")
def test_in_firefox_the_words_are_those_of_python(lab):
    write_notebook(lab.folder / "look.ipynb", cell_of("start_here"), cell_of("where_to_divide"))
    with firefox.opened(lab.address.replace("/lab?", "/lab/workspaces/firefox/tree/look.ipynb?")) as ask:
        ask("""new Promise((done) => { const timer = setInterval(() => {
            const panel = window.jupyterapp?.shell.currentWidget;
            if (panel?.sessionContext?.session?.kernel?.status === "idle") { clearInterval(timer); done(true); }
        }, 200); })""")
        ask("""jupyterapp.commands.execute("notebook:run-all-cells").then(() => true)""")
        words = """[...document.querySelectorAll(".lstm-status")].map((part) => part.textContent)"""
        look, lab = first_look(), laboratory()

        def said():
            return [box.words.headline + box.words.value for box in (look, lab)]

        ask.until(words, said())
        ask("document.querySelectorAll('.lstm-choice input')[2].click()")
        ask("document.querySelector('[data-edge=dz]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
        look.set(place=AT_EVERY_STEP)
        lab.set(edges=("dz",))
        ask.until(words, said())
        small = ask("""[...document.querySelectorAll(".lstm-explorer svg text")].filter((text) =>
            text.checkVisibility() && parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a < 10.99
            ).length""")
        assert small == 0
        assert json.dumps(ask("getComputedStyle(document.querySelector('.lstm-explorer svg text')).fill")) != '"none"'
