"""Every notebook in JupyterLab in Chromium: all its explorers by mouse and keyboard. nbval runs the other cells.

A notebook or an explorer that is added is covered without a change here.
"""

import re
import time

import nbformat
import pytest
from browsers import ROOT, Shown, copy_notebooks, sentences, twins
from playwright.sync_api import expect

from lstmlib import EDGES
from lstmlib.explorers import Choice, Menu, Slider, Switch

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMELESS = re.compile(r"^ *- (?:slider|checkbox|combobox|radio|button|img|textbox)\b(?! \").*", re.M)
DRAG_SECONDS, EVENTS_PER_SECOND, LATEST = 1, 20, 300  # the last is in milliseconds


@pytest.fixture(scope="module")
def copies(lab):
    copy_notebooks(lab.folder)
    lab.page.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def opened(lab, copies, request):
    """A notebook whose explorers were run (of the first, all cells): (its path, the page, its explorers by name)."""
    lab.complaints.clear()
    lab.open(f"notebooks/{request.param.name}")
    posters = lab.page.locator(".jp-OutputArea img[src^='data:image/svg+xml'][alt]").count()
    if request.param == NOTEBOOKS[0]:
        lab.run_all()
    else:
        for number, cell in enumerate(nbformat.read(request.param, as_version=4).cells):
            if "explorer" in cell.metadata.get("tags", []):
                lab.run(number)
    lab.posters = posters
    yield request.param, lab, {name: Shown(lab.page, twin) for name, twin in twins(request.param).items()}
    lab.close()


def test_runs_without_an_error(opened):
    _, lab, explorers = opened
    assert lab.errors() == []
    assert lab.complaints == []
    expect(lab.page.locator(".lstm-explorer")).to_have_count(len(explorers))
    assert lab.posters >= len(explorers), "before a notebook is run, a picture stands where each explorer will be"


def test_every_preset_and_sentence(opened):
    """And in every named state cause, controls and verdict are on one screen of 1280 by 800."""
    path, lab, explorers = opened
    for name, shown in explorers.items():
        for preset in [*list(shown.twin.presets)[1:], "Reset"]:
            shown.choose(preset)
            shown.both(lambda twin, preset=preset: twin.press(preset))
            assert shown.box.bounding_box()["height"] <= lab.height, (name, preset)
        for text, preset in [pair for explorer, *pair in sentences(path) if explorer == name]:
            lab.page.locator(".lstm-sentence").get_by_role("button", name=text, exact=True).first.press("Enter")
            shown.both(lambda twin, preset=preset: twin.choose(preset))
        shown.choose("Reset")
        shown.both(lambda twin: twin.press("Reset"))
    assert lab.complaints == []


def test_every_control_by_keyboard(opened):
    _, lab, explorers = opened
    cells = "[panel.content.widgets.length, panel.content.activeCellIndex]"
    for shown in explorers.values():
        before = None
        for field, control in shown.twin.controls.items():
            element = focusable(shown, control)
            element.focus()
            lab.page.wait_for_timeout(30)
            before = before or lab.page.evaluate(cells)
            for key in "abdd":
                element.press(key)
            if isinstance(control, Menu):  # letters choose in it
                element.select_option(index=control.index)
            for key, value in moves(control):
                element.press(key)
                shown.both(lambda twin, field=field, value=value: twin.set(**{field: value}))
        assert lab.page.evaluate(cells) == before, "keys pressed on a control reached the notebook"
        assert NAMELESS.findall(shown.box.aria_snapshot()) == []
        shown.choose("Reset")
        shown.both(lambda twin: twin.press("Reset"))
    assert lab.complaints == []


def focusable(shown, control):
    """The element in the page that takes the keys of a control."""
    if isinstance(control, Slider):
        return shown.slider(control)
    if isinstance(control, Choice):
        return shown.box.get_by_role("group", name=control.label, exact=True).get_by_role("radio", checked=True)
    if isinstance(control, Switch | Menu):
        role = "checkbox" if isinstance(control, Switch) else "combobox"
        return shown.box.get_by_role(role, name=control.label, exact=True)
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


def test_a_fast_drag_ends_with_the_last_state(opened):
    _, lab, explorers = opened
    for shown in explorers.values():
        field, control = next(((field, control) for field, control in shown.twin.controls.items()
                               if isinstance(control, Slider)), (None, None))
        if control is None:
            continue
        late = drag(lab.page, shown, control)
        shown.both(lambda twin, field=field, control=control: twin.set(**{field: control.values[0]}))
        if late > LATEST:  # once more: the machine may have been busy with something else
            late = drag(lab.page, shown, control)
        assert late <= LATEST, f"{shown.twin.title}: a picture arrived {late:.0f} ms after the hand stopped"
        shown.choose("Reset")
        shown.both(lambda twin: twin.press("Reset"))
    assert lab.complaints == []


def drag(page, shown, control):
    """Pull a slider to and fro, and leave it at its first value: how late the last change came, in milliseconds."""
    slider = shown.slider(control)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    watcher = shown.box.evaluate_handle("""(box) => {
        const seen = {hand: 0, picture: 0, pictures: 0};
        box.addEventListener("input", () => { seen.hand = performance.now(); }, true);
        const changed = () => { seen.picture = performance.now(); seen.pictures += 1; };
        for (const part of box.querySelectorAll(".lstm-panels, .lstm-status")) {
            new MutationObserver(changed).observe(part, {childList: true, subtree: true});
        }
        return seen;
    }""")
    start, moves = time.monotonic(), DRAG_SECONDS * EVENTS_PER_SECOND
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for move in range(1, moves + 1):
        share = (7 * move % moves) / moves  # 0 at the end
        page.mouse.move(box["x"] + 2 + share * (box["width"] - 4), y)
        time.sleep(max(0, start + move / EVENTS_PER_SECOND - time.monotonic()))
    page.mouse.up()
    page.wait_for_timeout(2 * LATEST)
    seen = watcher.json_value()
    assert seen["pictures"] > 0
    return seen["picture"] - seen["hand"]
