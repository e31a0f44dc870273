"""Run notebooks and store them in normal form: the same notebook gives the same bytes.

    python run.py notebooks 03 some/path.ipynb    this one, and those whose names begin with 03; without names, all

Execution counts run from 1, ids stay, metadata holds only what an author put there, and no widget state, timestamp or
version of Python is stored. A notebook that raises an error (in a widget callback, too) or writes to stderr is not
stored. Stubs of exercises are written anew (stubs.py).
"""

import os
import re
import sys
from itertools import count
from pathlib import Path

import nbformat
from nbformat.validator import normalize

from run import ONE_THREAD
from tools.files import ROOT, write
from tools.stubs import exercises, stub_of

NOTEBOOKS = ROOT / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# A picture of an explorer, in what it leaves for where no kernel runs.
EXPLORER_PICTURE = re.compile(r'<img alt="(?P<alt>[^"]*)" width="(?P<width>\d+)[^>]*'
                              r'src="data:(?P<kind>[^;"]*);base64,(?P<data>[^"]*)">')
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "name": "python",
                      "mimetype": "text/x-python", "nbconvert_exporter": "python", "pygments_lexer": "ipython3"}}
# Pictures of rounding errors are the same only where sums are added in the same order: by one thread, and by one of
# OpenBLAS's versions (processors other than x86 know nothing of it).
SAME_SUMS = {**ONE_THREAD, "OPENBLAS_CORETYPE": "Haswell"}


class NotStored(RuntimeError):
    """A notebook that must not be stored; the message says where and why."""


def main(names):
    exit_code = 0
    for path in find(names):
        try:
            print(f"{path.name}: {'stored' if store(path) else 'unchanged'}", flush=True)
        except (OSError, RuntimeError) as problem:  # NotStored, and what nbclient says of a kernel that dies or hangs
            exit_code = 1
            print(f"{path.name}: not stored. {problem}", file=sys.stderr, flush=True)
    return exit_code


def find(names):
    """The notebooks with these paths, or whose names begin with these letters; without names, all of them."""
    found = {}
    for name in names or [""]:
        path = Path(name)
        matches = [path] if path.is_file() else sorted(NOTEBOOKS.glob(f"{name.removesuffix('.ipynb')}*.ipynb"))
        if not matches:
            raise SystemExit(f"No notebook is called {name!r}, nor does the name of one in notebooks/ begin so.")
        found |= dict.fromkeys(matches)
    return list(found)


def stored():
    """{name: notebook} of the series, in its order."""
    return {path.stem: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def store(path):
    """Run one notebook and write its normal form; say whether the file changed."""
    notebook = nbformat.read(path, as_version=4)
    write_stubs(notebook)
    run(notebook, path.parent)
    text = text_of(normal_form(notebook))
    if text == path.read_text(encoding="utf-8"):
        return False
    write(path, text)
    return True


def write_stubs(notebook):
    for stub, solution in exercises(notebook):
        if "..." not in stub.source:
            raise NotStored(f"Before the solution {solution.source.splitlines()[0]!r} there is no cell with `...`.")
        stub.source = stub_of(solution.source)


def run(notebook, folder):
    """Execute every cell in a fresh kernel, with the notebook's folder as working directory; refuse what went wrong."""
    from nbclient import NotebookClient  # here, for the makers of books and handouts run nothing

    NotebookClient(notebook, kernel_name="python3", record_timing=False, store_widget_state=False, timeout=120,
                   allow_errors=True, resources={"metadata": {"path": str(folder)}},
                   extra_arguments=["--IPKernelApp.log_level=40"]).execute(env={**os.environ, **SAME_SUMS})
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            where = f"Cell {number} ({cell.source.strip().splitlines()[0]!r})"
            if output.output_type == "error":
                raise NotStored(f"{where} raised {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                raise NotStored(f"{where} wrote to stderr: {output.text.strip()}")


def normal_form(notebook):
    """The notebook with everything left out, or put in order, that could differ from one run to the next."""
    notebook = nbformat.from_dict({**notebook, "nbformat": 4, "nbformat_minor": 5, "metadata": METADATA})
    _, notebook = normalize(notebook)  # an id that is missing or there twice is made anew
    numbers = count(1)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(kept(cell.metadata))
        if cell.cell_type == "code":
            cell.execution_count = next(numbers) if cell.source.strip() else None
            cell.outputs = normal_outputs(cell)
    return notebook


def kept(metadata):
    """Folded are what does not teach (its source), what answers a prediction (its output), and a solution (both)."""
    result = {key: metadata[key] for key in ("nbgrader", "slideshow", "tags") if metadata.get(key)}
    solution = "solution" in metadata.get("tags", [])
    folded = {key: True for key in ("source_hidden", "outputs_hidden")
              if solution or metadata.get("jupyter", {}).get(key)}
    return result | ({"jupyter": folded} if folded else {})


def normal_outputs(cell):
    """Without live widgets; text that was printed in several pieces becomes one output."""
    outputs = []
    for output in cell.outputs:
        for part in ("data", "metadata"):
            output.get(part, {}).pop(WIDGET_VIEW, None)
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count
        if output.output_type == "stream" and outputs and outputs[-1].get("name") == output.name:
            outputs[-1].text += output.text
        else:
            outputs.append(output)
    return outputs


def text_of(notebook):
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"
