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
    outputs = [
        new_output("stream", name="stdout", text="one\n"), new_output("stream", name="stdout", text="two\n"),
        new_output("execute_result", {"text/html": "<img>", notebooks.WIDGET_VIEW: {}}, execution_count=41)]
    given = new_code_cell("x", execution_count=41, id="mine", outputs=outputs, metadata={
        "collapsed": True, "execution": {"iopub": "2026-01-01"}, "tags": ["solution"], "nbgrader": {"a": 1}})
    stored = normal_form(new_notebook(cells=[given], metadata={"widgets": {}}))
    (cell,) = stored.cells
    assert stored.metadata == notebooks.METADATA and (cell.id, cell.execution_count) == ("mine", 1)
    assert cell.metadata == {"tags": ["solution"], "jupyter": {"source_hidden": True, "outputs_hidden": True},
                             "nbgrader": {"a": 1}}
    text, widget = cell.outputs
    assert (text.text, widget.data, widget.execution_count) == ("one\ntwo\n", {"text/html": "<img>"}, 1)
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
button = ipywidgets.Button()
button.on_click(lambda _: 1 / 0)
button.click()"""


def test_trouble_is_named_and_not_stored_and_the_others_are_tried(tmp_path, capsys):
    paths = [written(tmp_path / name, new_markdown_cell("# Bad"), new_code_cell(source)) for name, source in {
        "01_callback.ipynb": CLICK, "02_warning.ipynb": "import warnings\nwarnings.warn('careful')"}.items()]
    before = [path.read_bytes() for path in paths]
    assert notebooks.main(map(str, paths)) == 1
    assert [path.read_bytes() for path in paths] == before
    assert re.search(r"(?s)01_callback.ipynb: not stored. Cell 2 \(.*raised ZeroDivisionError: .*"
                     r"02_warning.ipynb: not stored. Cell 2 \(.*wrote to stderr: .*careful", capsys.readouterr().err)
