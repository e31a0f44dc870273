"""What every stored notebook keeps to: a check goes from a notebook and its number to its faults."""

import html
import re
from itertools import zip_longest

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import EXPLORER_PICTURE, NOTEBOOKS, normal_form, stored, text_of

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.(\d+))?(?:[eE]([-+]?\d+))?(?![\w])")
TAG = re.compile(r"\\tag\{([^}]*)\}")
REFERENCE = re.compile(r"(?<![\w\\}\])])\((\d\.\d{1,2})\)")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def tags(notebook):
    return [tag for text in prose(notebook) for tag in TAG.findall(text)]


ALL_TAGS = {tag for notebook in stored().values() for tag in tags(notebook)}


def folded(cell, part):
    return cell.metadata.get("jupyter", {}).get(f"{part}_hidden", False)


# The checks.

def pictures_have_alt_and_caption(notebook, number):
    for cell in code_cells(notebook):
        for output, following in zip_longest(cell.outputs, cell.outputs[1:]):
            data, caption = output.get("data", {}), (following or {}).get("data", {}).get("text/markdown", "")
            drawn = EXPLORER_PICTURE.fullmatch(data.get("text/html", ""))
            about = output.get("metadata", {}).get("image/png", {})
            alt = html.unescape(drawn["alt"]) if drawn else about.get("alt", "").strip()
            if ("image/png" in data or drawn) and (not alt or alt not in caption):
                yield f"cell {cell.id}: a picture without alternative text, or without this text as its caption"


def references_have_tags(notebook, number):
    own = tags(notebook)
    yield from (f"\\tag{{{tag}}}" for tag in own if own.count(tag) > 1 or not tag.startswith(f"{number}."))
    comments = [line.partition("#")[2] for cell in code_cells(notebook) for line in cell.source.splitlines()]
    references = {found for text in prose(notebook) + comments for found in REFERENCE.findall(text)}
    yield from (f"({reference}) refers to no tag" for reference in references - ALL_TAGS)


def numbers_are_rounded(notebook, number):
    """At most six decimals that count, and below 1e-14 only round bounds such as 1e-15: the rest is rounding noise."""
    for output in (output for cell in code_cells(notebook) for output in cell.outputs):
        kinds = output.get("data", {})
        text = output.get("text", "") + kinds.get("text/plain", "") + "\n" + kinds.get("text/markdown", "")
        for found in NUMBER.finditer(text):
            decimals = (found.group(1) or "").lstrip("0")
            noise = 0 < abs(float(found.group())) < 1e-14 and not re.fullmatch(r"[-+]?1(\.0*)?[eE].*", found.group())
            if len(decimals) > 6 or noise:
                yield f"{found.group()} in {text.strip()[:80]!r}"


def only_explorers_are_exempt(notebook, number):
    """nbval compares every cell but those that show a widget."""
    for cell in code_cells(notebook):
        tags = set(cell.metadata.get("tags", []))
        exempt = {tag for tag in tags if tag.startswith("nbval-") or tag == "raises-exception"}
        exempt |= set(re.findall(r"#\s*(?:NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)", cell.source))
        if exempt and not (exempt == {"nbval-ignore-output"} and "explorer" in tags):
            yield f"cell {cell.id}: {sorted(exempt)}"


def all_is_short(notebook, number):
    seen = [line for cell in code_cells(notebook) if not folded(cell, "source")
            for line in cell.source.splitlines() if line.strip()]
    yield from (f"{len(line)} columns: {line!r}" for line in seen if len(line) > 88)
    yield from (f"cell {cell.id} has more than 25 lines" for cell in code_cells(notebook)
                if len(cell.source.splitlines()) > 25)
    words = len(re.sub(r"\$\$.*?\$\$", "", "\n".join(prose(notebook)), flags=re.DOTALL).split())
    if words > 3000 or len(seen) > 150:
        yield f"{words} words, and {len(seen)} lines of code that are seen: more than 3000, or than 150"


def asked_before_told(notebook, number):
    """Below a text that asks for a prediction, what answers it is folded."""
    for place, cell in enumerate(notebook.cells):
        asks = cell.cell_type == "markdown" and re.search(r"\b[Pp]redict\b", cell.source)
        after = next((after for after in notebook.cells[place + 1:] if after.cell_type == "code"), None)
        if asks and after and after.outputs and not folded(after, "outputs") and "Prediction" not in after.source:
            yield f"cell {after.id} shows what the text before it lets predict"


CHECKS = (pictures_have_alt_and_caption, references_have_tags, numbers_are_rounded, only_explorers_are_exempt,
          all_is_short, asked_before_told)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_stored_notebook(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    assert [fault for check in CHECKS for fault in check(notebook, int(path.stem[:2]))] == []
    assert text == text_of(normal_form(notebook)), "python run.py notebooks"


def test_every_check_finds_its_faults():
    """In a notebook 3 that has them all."""
    picture = new_output("display_data", {"image/png": "iVBORw0KGgo="}, metadata={"image/png": {"alt": "A line."}})
    another_caption = new_output("display_data", {"text/markdown": "*Another line.*"})
    noise = new_output("stream", text="0.30000000000000004 and -1.2e-17")
    notebook = new_notebook(cells=[
        new_markdown_cell("Predict it. By (3.99) this holds. $$a \\tag{4.1}$$" + 3000 * " word"),
        new_code_cell("# NBVAL_IGNORE_OUTPUT", outputs=[picture, another_caption, noise]),
        new_code_cell("x = 1  # (9.99)\n" * 26 + 89 * "x", metadata={"tags": ["nbval-ignore-output"]})])
    assert [len(list(check(notebook, 3))) for check in CHECKS] == [1, 3, 2, 2, 3, 1]
