"""One notebook in Jupyter Notebook 7, where that is installed: uvx nox -s notebook7."""

import importlib.util

import pytest
from browsers import PATIENCE, browser_page, jupyterlab, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.skipif(
    importlib.util.find_spec("notebook") is None, reason="Jupyter Notebook 7 is not installed")]


def test_the_laboratory_answers_in_notebook_7(tmp_path, browser):
    """Made in a cell, moved by a cell: the words in the page are those that Python says."""
    write_notebook(tmp_path / "one.ipynb", "from lstmlib.explorers.where_to_divide import laboratory\n"
                   "explorer = laboratory()\nexplorer", "explorer.set(edges=('dh_next',))\nprint(explorer.words.value)")
    options = "--JupyterNotebookApp.expose_app_in_browser=True",
    with (jupyterlab(tmp_path, application="notebook", options=options) as address,
          browser_page(browser=browser) as page):
        page.goto(address.replace("tree?", "notebooks/one.ipynb?"), timeout=PATIENCE * 1000)
        kernel = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
        page.wait_for_function(f"{kernel}?.status === 'idle'", timeout=PATIENCE * 1000)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        said = page.locator(".jp-OutputArea-output pre").last
        said.wait_for(timeout=PATIENCE * 1000)
        page.locator(".lstm-status", has_text=said.inner_text().strip()).wait_for()
