"""No text of a student becomes part of a page: in what is sent to it, and in JupyterLab in Chromium."""

import json
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browsers import PICTURE, write_notebook
from pages import Page, outside_addresses, what_runs
from playwright.sync_api import expect

from lstmlib.explorers import Explorer, Prediction, Slider
from lstmlib.show import svg
from lstmlib.show.progress import Progress

HOSTILE = ("""<img src=x onerror="window.harm='img'"></svg></text><script>window.harm='script'</script>"""
           """]]>&quot;"'> onload=""")


@dataclass(frozen=True)
class State:
    n: int = 0


def hostile_explorer():
    """With hostile text in every place; made here, and in the notebook's kernel."""
    def numbers(state):
        if state.n == 2:
            raise ValueError(HOSTILE)

    def draw(state, numbers):
        text = svg.text(5, 20, HOSTILE, data_name=HOSTILE, font_family=HOSTILE)
        return (svg.panel(HOSTILE, 90, 40, text, words=HOSTILE),)

    return Explorer(HOSTILE, State(), {"n": Slider(HOSTILE, [0, 1, 2], labels=[HOSTILE] * 3)}, numbers, draw,
                    lambda state, numbers: HOSTILE, presets={HOSTILE: {"n": 1}}, poster=("Reset", HOSTILE))


def test_hostile_text_is_escaped():
    explorer = hostile_explorer()
    with pytest.raises(ValueError, match="img"):
        explorer.set(n=2)
    assert HOSTILE in explorer.alert.value  # as text: Announcement shows it by textContent
    others = (explorer.sentence(f"{HOSTILE} [{HOSTILE.replace(']', '')}](Reset)"), Progress(HOSTILE, 3),
              Prediction(HOSTILE, [HOSTILE, "another"], lambda: "another"))
    for text in (explorer.panels.text, explorer.poster_html(),
                 *(other._repr_mimebundle_()[0]["text/html"] for other in others)):
        assert what_runs(Page(text)) == outside_addresses(Page(text)) == [], text
    assert ElementTree.fromstring(explorer.panels.text).get("aria-label") == HOSTILE  # well-formed


CELLS = ("import sys\nsys.path.insert(0, {tests!r})\nfrom browser.test_hostile_text import HOSTILE, hostile_explorer\n"
         "from lstmlib.show import figures\nfrom lstmlib.show.progress import Progress",
         "explorer = hostile_explorer()\nexplorer",
         "explorer.sentence(f'{{HOSTILE}} and [press](Reset) [{{HOSTILE.replace(chr(93), str())}}](Reset)')",
         "with Progress(HOSTILE, 2) as bar:\n    bar.to(1, HOSTILE)",
         "figures.show(figures.new_figure()[0], HOSTILE)")


@pytest.mark.browser
def test_hostile_text_harms_no_page(lab):
    """Shown live, and as it is stored in a notebook that nobody trusts."""
    page, folder = lab.page, lab.folder
    write_notebook(folder / "hostile.ipynb", *(cell.format(tests=str(Path(__file__).parents[1])) for cell in CELLS))
    lab.complaints.clear()
    lab.open("hostile.ipynb")
    for cell in range(len(CELLS)):
        lab.run(cell)
    explorer = page.locator(".lstm-explorer")
    explorer.get_by_role("slider").press("End")
    expect(explorer.locator(".lstm-alert")).to_contain_text("met an error")
    for part in (".lstm-heading", ".lstm-status", "svg text"):
        assert explorer.locator(part).text_content() == HOSTILE
    assert explorer.get_by_role("combobox").locator("option").count() == 4
    assert page.locator(".lstm-sentence [role=button]").count() == 2
    harmless(page)
    page.evaluate("async () => { await panel.context.save(); }")
    lab.close()
    notebook = json.loads((folder / "hostile.ipynb").read_text())
    notebook["cells"][-1]["source"] = "pass"
    (folder / "hostile_copy.ipynb").write_text(json.dumps(notebook))
    lab.open("hostile_copy.ipynb", kernel=False)
    assert page.evaluate("panel.content.widgets[1].model.trusted") is False
    picture = page.locator(PICTURE).first
    assert picture.evaluate("(picture) => picture.decode().then(() => picture.naturalWidth > 0)")
    harmless(page)
    assert [complaint for complaint in lab.complaints if complaint.startswith("request")] == []
    page.evaluate("panel.dispose()")


def harmless(page):
    """No script of the hostile text has run, and none of its elements stands in an output."""
    page.wait_for_timeout(300)
    assert page.evaluate("window.harm") is None
    assert page.locator(".jp-OutputArea-output :is(script, [onerror], [onload])").count() == 0
    assert page.locator(".jp-OutputArea-output:not(.jp-RenderedMarkdown) img[src='x']").count() == 0
