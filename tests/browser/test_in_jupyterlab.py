"""Every explorer in one notebook in JupyterLab: what it answers by mouse and keyboard, and what it looks like."""

import nbformat
import pytest
from browsers import PICTURE, SMALL_TEXT, Shown, moves, violations, write_notebook
from playwright.sync_api import expect

from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.film import made
from lstmlib.show.graph import counted, paths_to
from tools.notebooks import stored

pytestmark = pytest.mark.browser

PROSE = "The gradient of a mean over timesteps is a sum over all paths through the graph. " * 4
CELLS = [cell for notebook in stored().values() for cell in notebook.cells
         if "explorer" in cell.metadata.get("tags", [])]
CELLS += ["""from lstmlib.explorers import Prediction
Prediction("How many?", ["one", "five"], lambda: "five", "So.")""", nbformat.v4.new_markdown_cell(PROSE)]


@pytest.fixture(scope="module")
def notebook(lab):
    """A notebook with all explorers and sentences of the series, a prediction and long prose, run."""
    write_notebook(lab.folder / "all.ipynb", *CELLS)
    lab.complaints.clear()
    lab.open("all.ipynb")
    pictures = lab.page.locator(PICTURE).count()
    assert pictures >= len(EXPLORERS), "before a notebook is run, a picture stands where each explorer will be"
    for cell in range(len(CELLS)):
        lab.run(cell)
    expect(lab.page.locator(".lstm-explorer")).to_have_count(len(EXPLORERS))
    yield lab
    lab.close()


@pytest.fixture
def opened(notebook):
    notebook.page.set_viewport_size({"width": 1280, "height": 800})
    yield notebook
    assert notebook.complaints == []


# What it answers.

@pytest.mark.parametrize("stem", EXPLORERS)
def test_every_control_by_keyboard(opened, stem):
    """The menu of named states, which says what it is until one is chosen, and then each control by itself."""
    shown = Shown(opened.page, made(stem))
    shown.press("Reset")
    menu = shown.element(shown.twin.menu)
    cells = "[panel.content.widgets.length, panel.content.activeCellIndex]"
    chosen = menu.locator("option:checked")
    expect(chosen).to_have_text("choose one …")
    for preset in list(shown.twin.presets)[1:]:
        menu.press("ArrowDown")
        shown.twin.press(preset)
    shown.both()
    expect(chosen).to_have_text(preset)
    shown.press("Reset")
    before = opened.page.evaluate(cells)
    for field, control in shown.twin.controls.items():
        element = shown.element(control)
        element.press_sequentially("dd")  # delete the cell
        for key, value in moves(control):
            element.press(key)
            shown.both(lambda twin: twin.set(**{field: value}))
    assert opened.page.evaluate(cells) == before, "keys pressed on a control reached the notebook"


def test_a_prediction_is_made_by_keyboard_and_kept(opened):
    form = opened.page.locator(".lstm-prediction")
    form.get_by_role("radio").first.press("Space")
    form.get_by_role("button").press("Enter")
    form.get_by_text("Predicted: one. It came otherwise: five.").wait_for()
    assert "So." in form.text_content() and form.get_by_role("radio", disabled=True).count() == 2


def test_paths_that_light_up_are_those_that_are_counted(opened):
    """By the numbers of paths, by the steps through them, and by the shares in the spectrum."""
    laboratory = Shown(opened.page, made("where_to_divide"))
    explorer = laboratory.box
    laboratory.press("Reset")
    laboratory.press("Into the gates: dz")
    lit = "(box) => [...box.querySelectorAll('[data-at].lit')].map((part) => part.dataset.at)"
    badges = "(box) => [...box.querySelectorAll('.on .lit .badge text')].map((text) => Number(text.textContent))"
    for count, often in enumerate(["once", "twice"], 1):
        paths = [path for path in paths_to("Wx", 4) if sum(edge == "dz" for edge, _ in path) == count]
        explorer.locator(f"[data-group='Wx {count}']").click()
        for number, path in enumerate(paths[:3], 1):
            assert set(explorer.evaluate(lit)) == set(counted(path, ("dz",), 4))
            assert sorted(explorer.evaluate(badges)) == list(range(1, count + 1))
            told = f"Path {number} of the {len(paths)} to Wx, Wh, b divided {often}: loss"
            assert told in explorer.locator(".lstm-path").text_content()
            explorer.get_by_role("button", name="next").click()
        opened.page.keyboard.press("Escape")
        assert explorer.evaluate(lit) == []
    explorer.locator("[data-panel='spectrum'] [data-path='Wh 2']").hover()
    assert explorer.locator("[data-group='Wx 2'].lit").count() == 1 and len(explorer.evaluate(lit)) > 8
    explorer.locator(".lstm-heading").hover()
    assert explorer.evaluate(lit) == []


# What it looks like.

@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_axe_finds_nothing(opened, theme):
    page, name = opened.page, f"JupyterLab {theme}"
    page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)", name)
    page.wait_for_function("(name) => document.body.dataset.jpThemeName === name", arg=name)
    assert violations(page, ".lstm-explorer, .lstm-prediction") == []


def test_every_stop_shows_its_focus(opened):
    opened.page.locator(".lstm-explorer select").first.press("Tab")  # from here on focus is of the keyboard
    stops = opened.page.locator(".lstm-explorer :is(input, select, button, [tabindex='0']):visible").evaluate_all(
        """(all) => all.map((stop) => {
            stop.focus();
            const pill = stop.querySelector(".pill"), line = getComputedStyle(pill ?? stop);
            return [stop.outerHTML.slice(0, 120), pill !== null || line.outlineStyle === "solid",
                    parseFloat(pill ? line.strokeWidth : line.outlineWidth)];
        })""")
    assert len(stops) > 5 * len(EXPLORERS) and [stop for stop, seen, width in stops if not seen or width < 2] == []


@pytest.mark.parametrize("width", [320, 1280])
def test_no_text_is_smaller_than_11_pixels_nothing_is_cut_off_and_all_is_on_one_screen(opened, width):
    opened.page.set_viewport_size({"width": width, "height": 800})
    opened.page.wait_for_timeout(150)
    assert opened.page.evaluate(SMALL_TEXT, ".lstm-explorer") == []
    assert opened.page.locator(".lstm-explorer").evaluate_all("""(all) => all.flatMap((explorer) =>
        [...explorer.querySelectorAll("*")].filter((part) => part.checkVisibility() && !part.closest(".lstm-panel > *")
            && part.getBoundingClientRect().right > explorer.getBoundingClientRect().right + 1
        ).map((part) => part.outerHTML.slice(0, 200)))""") == []
    screen = opened.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer").first
    heights = opened.page.locator(".lstm-explorer").evaluate_all("(all) => all.map((box) => box.offsetHeight)")
    assert width < 1280 or max(heights) <= screen.bounding_box()["height"]


def test_prose_has_lines_of_at_most_75_letters(opened):
    opened.page.set_viewport_size({"width": 1920, "height": 800})
    opened.page.wait_for_timeout(300)
    lines = opened.page.locator(".jp-MarkdownCell p").evaluate(
        "(prose) => prose.offsetHeight / parseFloat(getComputedStyle(prose).lineHeight)")
    assert 45 < len(PROSE) / lines < 75
