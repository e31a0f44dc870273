"""What a student does to an explorer in JupyterLab: everything at once, too fast, and at the wrong time."""

import re

import pytest
from browsers import PICTURE, Shown, write_notebook
from playwright.sync_api import expect

from lstmlib import EDGES
from lstmlib.explorers.where_to_divide import laboratory

pytestmark = pytest.mark.browser

CELLS = ("from lstmlib.explorers.where_to_divide import laboratory\nlab = laboratory()\nlab",
         'lab.sentence("Divide [at the end](At the end: dW).")',
         "import time\ntime.sleep(4)")
EXPLORER, SENTENCE, PAUSE = range(3)


@pytest.fixture(scope="module")
def opened(lab):
    """A notebook with the laboratory and a sentence; the tests below use it one after another."""
    lab.page.set_viewport_size({"width": 1280, "height": 1000})
    write_notebook(lab.folder / "one.ipynb", *CELLS)
    lab.open("one.ipynb")
    lab.run(EXPLORER)
    lab.run(SENTENCE)
    return lab


@pytest.fixture
def shown(opened):
    """The laboratory in the page, at its start, with its twin."""
    opened.complaints.clear()
    shown = Shown(opened.page, laboratory())
    shown.press("Reset")
    yield shown
    assert opened.complaints == []


def the_note_says(shown, words):
    expect(shown.box.locator(".lstm-note")).to_have_text(re.compile(words), timeout=20_000)


def test_sixty_clicks_in_two_seconds(shown):
    shown.box.evaluate("""async (box) => {
        const targets = [...box.querySelectorAll("[data-edge]")];
        for (let click = 0; click < 60; click++) {
            targets[(7 * click) % targets.length].dispatchEvent(new MouseEvent("click", {bubbles: true}));
            await new Promise((go) => setTimeout(go, 33));
        }
    }""")
    clicks = [EDGES[7 * click % len(EDGES)] for click in range(60)]
    odd = {name for name in EDGES if clicks.count(name) % 2}
    shown.both(lambda twin: twin.set(edges=tuple(set(twin.state.edges) ^ odd)))
    expect(shown.box.locator(".lstm-edge.on")).to_have_count(len(shown.twin.state.edges))


def test_a_fast_drag_ends_with_the_last_state(shown):
    bias = shown.twin.controls["forget_bias"]
    shown.element(bias).evaluate("""async (slider) => {
        for (let move = 49; move >= 0; move--) {
            slider.value = 7 * move % (Number(slider.max) + 1);
            slider.dispatchEvent(new Event("input", {bubbles: true}));
            await new Promise((go) => setTimeout(go, 20));
        }
    }""")
    shown.both(lambda twin: twin.set(forget_bias=bias.values[0]))


def test_moved_while_a_cell_runs(opened, shown):
    opened.run(PAUSE, wait=False)
    opened.page.wait_for_function("panel.sessionContext.session.kernel.status === 'busy'")
    for preset in ("Into the gates: dz", "Nowhere", "A beside B"):
        shown.choose(preset)
    shown.element(shown.twin.controls["size_X"]).press("End")
    the_note_says(shown, "If a cell is running, the picture follows when it has finished")
    the_note_says(shown, "^$")
    shown.both(lambda twin: twin.press("A beside B") or twin.set(size_X=twin.controls["size_X"].values[-1]))


def test_the_explorers_cell_run_again(opened, shown):
    """The sentence below it sets the explorer that is there now."""
    shown.press("Into the gates: dz")
    opened.run(EXPLORER)
    shown.both(lambda twin: twin.choose("Reset"))
    opened.page.locator(".lstm-sentence [role=button]").click()
    shown.both(lambda twin: twin.choose("At the end: dW"))
    expect(opened.page.locator(".lstm-explorer")).to_have_count(1)


def test_the_kernel_restarted(opened, shown):
    """The picture stays, the reader is told, dead controls cannot be moved; the cell run again is as good as new."""
    shown.press("Into the gates: dz")
    opened.page.evaluate("async () => { await panel.sessionContext.session.kernel.restart(); }")
    the_note_says(shown, "the kernel has been restarted. Run this cell again")
    shown.both()
    inert = shown.box.evaluate("""(box) => [...box.querySelectorAll("input, select, button, [data-edge]")].every(
        (control) => control.closest("[inert]"))""")
    assert inert and not shown.box.locator("[inert] .lstm-panels, [inert] .lstm-status").count()
    opened.page.locator(".lstm-sentence [role=button]").click()
    expect(opened.page.locator(".lstm-sentence")).to_contain_text("does not answer", timeout=20_000)
    opened.run(EXPLORER)
    opened.run(SENTENCE)
    the_note_says(shown, "^$")
    opened.page.locator(".lstm-sentence [role=button]").click()
    shown.both(lambda twin: twin.choose("Reset") or twin.choose("At the end: dW"))


def test_saved_and_opened_again_without_its_kernel(opened, shown):
    """The kernel was shut down: a click tells so. In the notebook that is opened again the picture is there."""
    opened.page.evaluate("async () => { await panel.context.save(); await panel.sessionContext.shutdown(); }")
    shown.choose("Nowhere")
    the_note_says(shown, "The kernel does not answer")
    opened.page.evaluate("async () => { await panel.context.save(); panel.dispose(); }")
    assert "widget-view" in (opened.folder / "one.ipynb").read_text()
    opened.open("one.ipynb", kernel=False)
    expect(opened.page.locator(PICTURE)).to_have_count(len(laboratory().poster))
    expect(opened.page.get_by_text("run the notebook to move it")).to_have_count(1)
    assert opened.page.get_by_text(re.compile("Error displaying widget|Loading widget")).count() == 0
    opened.page.evaluate("panel.dispose()")
    opened.complaints.clear()  # of what the dead kernel could not be sent
