"""tools/notebooks.py: what it stores, and what it refuses to store."""

import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks
from tools.notebooks import normal_form, store, text_of


def written(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def test_normal_form_leaves_out_what_differs_between_runs():
    cell = new_code_cell("x", execution_count=41, id="mine", metadata={
        "collapsed": True, "execution": {"iopub": "2026-01-01"}, "tags": ["solution"], "nbgrader": {"a": 1}})
    cell.outputs = [
        new_output("stream", name="stdout", text="one\n"), new_output("stream", name="stdout", text="two\n"),
        new_output("execute_result", {"text/html": "<img>", notebooks.WIDGET_VIEW: {}}, execution_count=41)]
    folded = new_code_cell("x", metadata={"jupyter": {"outputs_hidden": True, "source_hidden": False}})
    stored = normal_form(new_notebook(cells=[cell, folded], metadata={"widgets": {}}))
    assert stored.metadata == notebooks.METADATA
    cell, folded = stored.cells
    assert folded.metadata == {"jupyter": {"outputs_hidden": True}} and (cell.id, cell.execution_count) == ("mine", 1)
    assert cell.metadata == {"tags": ["solution"], "jupyter": {"source_hidden": True, "outputs_hidden": True},
                             "nbgrader": {"a": 1}}
    text, widget = cell.outputs
    assert text.text == "one\ntwo\n"
    assert widget.data == {"text/html": "<img>"} and widget.execution_count == 1
    assert text_of(normal_form(stored)) == text_of(stored)


def test_storing_twice_gives_the_same_bytes_and_sums_are_added_in_the_same_order(tmp_path, monkeypatch):
    for name in notebooks.SAME_SUMS:
        monkeypatch.setenv(name, "2")
    path = written(
        tmp_path / "01_widget.ipynb", new_code_cell("import ipywidgets\nipywidgets.IntSlider(description='T')"),
        new_code_cell(f"import os\nfor name in {list(notebooks.SAME_SUMS)}:\n    print(os.environ[name])"))
    assert store(path)
    first = path.read_bytes()
    assert not store(path) and path.read_bytes() == first
    widget, names = nbformat.read(path, as_version=4).cells
    assert list(widget.outputs[0].data) == ["text/plain"]
    assert names.outputs[0].text.split() == list(notebooks.SAME_SUMS.values())


CLICK = """import ipywidgets
def fail(_):
    raise ValueError("in a callback")
button = ipywidgets.Button()
button.on_click(fail)
button.click()"""
TROUBLE = {"01_warning": ("import warnings\nwarnings.warn('careful')", "wrote to stderr: .*careful"),
           "02_callback": (CLICK, "raised ValueError: in a callback")}


def test_trouble_is_named_and_not_stored_and_the_others_are(tmp_path, capsys):
    paths = [written(tmp_path / f"{name}.ipynb", new_markdown_cell("# Bad"), new_code_cell(source))
             for name, (source, _) in TROUBLE.items()]
    before = [path.read_bytes() for path in paths]
    good = written(tmp_path / "03_good.ipynb", new_code_cell("1 + 1"))
    assert notebooks.main([*map(str, paths), str(good)]) == 1
    assert [path.read_bytes() for path in paths] == before
    said = capsys.readouterr()
    for name, (_, words) in TROUBLE.items():
        assert re.search(rf"(?s){name}.ipynb: not stored. Cell 2 \(.*{words}", said.err)
    assert said.out == "03_good.ipynb: stored\n"
