"""What every stored notebook keeps to.

A check is a function from a notebook and its number to a list of faults. Each one is also tried on cells in which its
fault was planted, so that no check can pass by seeing nothing.
"""

import ast
import html
import re
from itertools import zip_longest
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import EXPLORER_PICTURE, normal_form, text_of

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.(\d+))?(?:[eE]([-+]?\d+))?(?![\w])")
TAG = re.compile(r"\\tag\{([^}]*)\}")
REFERENCE = re.compile(r"(?<![\w\\}\])])\((\d\.\d{1,2})\)")
UNNUMBERED_ENVIRONMENT = re.compile(r"\\begin\{(?:align|equation|eqnarray|gather|multline)\*?\}|\\eqref")
# Figures are returned, not collected by pyplot; explorers change what is there, and draw nothing anew.
NOT_USED = re.compile(r"\b(?:pyplot|pylab|Output\(|clear_output|interact(?:_manual|ive|ive_output)?\b)|%matplotlib")
WORDS = {0: 1200, 1: 2200, 2: 2200, 3: 2200, 7: 2200, 8: 2200}  # of the others 2,600
LINK = re.compile(r"\[[^\[\]]*\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*\)")
UNLINKED = re.compile(r"(?<![\w&])#\d{2,}\b|\bquestion \d{4,}|(?:(?:& |\band )[A-Z]\w+|\bet al\.),? \(?(?:19|20)\d\d\b"
                      r"|\b[A-Z]\w+ \((?:19|20)\d\d\)")
# g is the candidate, p a path, s a factor, i a gate: in no formula anything else.
SECOND_MEANING = re.compile(r"\bg_\{?[k0]|(?<![a-z])g\(s\)|\bp_\{?t\b|\bs\^\{?[cifgo](?![a-z])"
                            r"|(?<![a-z])i\s*\\varepsilon")
EXEMPTIONS = {"nbval-ignore-output", "nbval-skip", "nbval-raises-exception", "raises-exception"}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook):
    """Every text that a reader sees under a cell and nbval compares."""
    for output in outputs(notebook):
        yield output.get("text", "")
        for kind in ("text/plain", "text/markdown", "text/latex"):
            yield output.get("data", {}).get(kind, "")


def folded(cell, part):
    return cell.metadata.get("jupyter", {}).get(f"{part}_hidden", False)


def tags_of(number):
    """The equation numbers that the stored notebook of this number defines."""
    return {tag for path in FOLDER.glob(f"{number:02d}_*.ipynb")
            for text in prose(nbformat.read(path, as_version=4)) for tag in TAG.findall(text)}


# The checks.

def pictures_have_alt_and_caption(notebook, number):
    faults = []
    for cell in code_cells(notebook):
        for output, following in zip_longest(cell.outputs, cell.outputs[1:]):
            drawn = EXPLORER_PICTURE.fullmatch(output.get("data", {}).get("text/html", ""))
            if "image/png" not in output.get("data", {}) and not drawn:
                continue
            alt = html.unescape(drawn["alt"]) if drawn else output.metadata.get("image/png", {}).get("alt", "").strip()
            caption = following.get("data", {}).get("text/markdown", "") if following else ""
            if not alt:
                faults.append(f"cell {cell.id}: a picture without a text alternative")
            elif alt not in caption:
                faults.append(f"cell {cell.id}: no caption under the picture says {alt!r}")
    return faults


def references_have_tags(notebook, number):
    comments = [line.partition("#")[2] for cell in code_cells(notebook) for line in cell.source.splitlines()]
    own = [tag for text in prose(notebook) for tag in TAG.findall(text)]
    faults = [f"\\tag{{{tag}}} does not begin with {number}." for tag in own if not tag.startswith(f"{number}.")]
    faults += [f"\\tag{{{tag}}} is there {own.count(tag)} times" for tag in sorted(set(own)) if own.count(tag) > 1]
    for reference in {found for text in prose(notebook) + comments for found in REFERENCE.findall(text)}:
        if reference not in own and reference not in tags_of(int(reference[0])):
            faults.append(f"({reference}) refers to no \\tag{{{reference}}}")
    return faults


def equations_show_in_jupyterlab(notebook, number):
    return [f"{found.group()} does not show as a numbered equation: use $$...$$, aligned and \\tag"
            for text in prose(notebook) for found in UNNUMBERED_ENVIRONMENT.finditer(text)]


def no_stored_trouble(notebook, number):
    return [f"stored {output.output_type} {output.get('name', '')}" for output in outputs(notebook)
            if output.output_type == "error" or output.get("name") == "stderr"]


def nothing_redraws(notebook, number):
    return [found for cell in code_cells(notebook) for found in NOT_USED.findall(cell.source)]


def numbers_are_rounded(notebook, number):
    """At most six decimals that count, and below 1e-14 only round bounds such as 1e-15: the rest is rounding noise."""
    faults = []
    for text in printed(notebook):
        for found in NUMBER.finditer(text):
            decimals = (found.group(1) or "").lstrip("0")
            noise = 0 < abs(float(found.group())) < 1e-14 and not re.fullmatch(r"[-+]?1(\.0*)?[eE].*", found.group())
            if len(decimals) > 6 or noise:
                faults.append(f"{found.group()} in {text.strip()[:80]!r}")
    return faults


def text_between_code(notebook, number):
    faults, in_a_row = [], 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            in_a_row = 0
        elif not folded(cell, "source"):
            in_a_row += 1
            if in_a_row == 4:
                faults.append(f"cell {cell.id} is the fourth code cell without text between")
    return faults


def only_explorers_are_exempt(notebook, number):
    """nbval compares every cell but those that show a widget."""
    faults = []
    for cell in code_cells(notebook):
        tags = set(cell.metadata.get("tags", []))
        exempt = EXEMPTIONS & tags | set(re.findall(r"#\s*(?:NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)", cell.source))
        if exempt and not (exempt == {"nbval-ignore-output"} and "explorer" in tags):
            faults.append(f"cell {cell.id}: {sorted(exempt)}")
    return faults


def code_is_short(notebook, number):
    seen = [line for cell in code_cells(notebook) if not folded(cell, "source")
            for line in cell.source.splitlines() if line.strip()]
    faults = [f"{len(seen)} lines of code are seen, more than 150"] if len(seen) > 150 else []
    faults += [f"{len(line)} columns: {line!r}" for line in seen if len(line) > 88]
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code_cells(notebook)}
    return faults + [f"cell {id} has {length} lines, more than 25" for id, length in lengths.items() if length > 25]


def few_words(notebook, number):
    words = sum(len(re.sub(r"\$\$.*?\$\$", "", cell.source, flags=re.DOTALL).split()) for cell in notebook.cells
                if cell.cell_type == "markdown" and "teaching-note" not in cell.metadata.get("tags", []))
    most = WORDS.get(number, 2600)
    return [f"{words} words, more than {most}"] if words > most else []


def asked_before_told(notebook, number):
    """Below a text that asks for a prediction, what answers it is folded."""
    faults = []
    for place, cell in enumerate(notebook.cells):
        asks = cell.cell_type == "markdown" and re.search(r"\b[Pp]redict\b", cell.source)
        after = next((after for after in notebook.cells[place + 1:] if after.cell_type == "code"), None)
        if asks and after and after.outputs and not folded(after, "outputs") and "Prediction" not in after.source:
            faults.append(f"cell {after.id} shows what the text before it lets predict")
    return faults


def labels_tell_nothing(notebook, number):
    """JupyterLab shows the first line of a folded source: no assert, unless it asks whether a cell was run."""
    return [f"cell {cell.id} begins with a check that is seen: {cell.source.splitlines()[0]!r}"
            for cell in code_cells(notebook) if folded(cell, "source") and cell.source.startswith("assert")
            and not ast.parse(cell.source).body[0].msg]


def checks_print_numbers(notebook, number):
    """At most one cell prints a sentence that is always the same."""
    said = [sentence for cell in code_cells(notebook)
            for sentence in re.findall(r'^ *print\("([^"]*)"\)$', cell.source, re.MULTILINE)]
    return [f"always the same: {sentence!r}" for sentence in said] if len(said) > 1 else []


def sources_are_links(notebook, number):
    return [f"no link: {found.group()!r}" for text in prose(notebook)
            for found in UNLINKED.finditer(LINK.sub("", text))]


def one_symbol_one_meaning(notebook, number):
    return [f"{found.group()!r} in {text[:50]!r}" for text in prose(notebook)
            for found in SECOND_MEANING.finditer(text)]


CHECKS = [
    code_is_short, few_words, text_between_code, asked_before_told, labels_tell_nothing, checks_print_numbers,
    sources_are_links, one_symbol_one_meaning, pictures_have_alt_and_caption, references_have_tags,
    equations_show_in_jupyterlab, no_stored_trouble, nothing_redraws, numbers_are_rounded, only_explorers_are_exempt,
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_stored_notebook(path):
    text = path.read_bytes().decode("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    assert [fault for check in CHECKS for fault in check(notebook, int(path.stem[:2]))] == []
    assert text == text_of(normal_form(notebook)), "python run.py notebooks"


# The planted faults.

def text(source):
    return new_markdown_cell(source)


def code(source="x = 1", *outputs, **metadata):
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def said(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def display(data, **about):
    return new_output("display_data", data, metadata=about)


FOLDED = {"outputs_hidden": True}
PICTURE = display({"image/png": "iVBORw0KGgo="}, **{"image/png": {"alt": "A line that rises."}})
EXPLORER = ["explorer", "nbval-ignore-output"]
GOOD = [  # cells of notebook 3 of an imagined series, which come near several faults
    text("# A sum\n\n$$\\begin{aligned} a &= b \\end{aligned} \\tag{3.1}$$\n\nBy (3.1), f(0.5) is 1."),
    code("2 / 3  # as in (3.1)", display({"text/plain": "0.666667 and 1e-15 and 0.0 and -3.5e-12"})),
    code("show(figure)", PICTURE, display({"text/markdown": "*A line that rises.*"})),
    code('print("03_backward.ipynb")', said("03_backward.ipynb\n")),
    text("An explorer, which is interactive."),
    code("from lstmlib.explorers.sum import adder\n\nadder()", tags=EXPLORER),
    text("Predict its slope $c_i$ and $g_t$, as in [A & B (1997)](https://doi.org/10.1) and "
         "[#123](https://x.org/123), with code and data (2026)."),
    code("print('slope', 2)", said("slope 2\n"), jupyter=FOLDED),
]
PLANTED = {
    code_is_short: [[code("x = 1\n" * 24) for _ in range(7)], [code(85 * "x" + " = 1")], [code("\n" * 25 + "x = 1")]],
    few_words: [[text(2200 * "word ")]],
    text_between_code: [[text("Four."), *(code() for _ in range(4))]],
    asked_before_told: [[text("Predict it."), code("2", said("2"))]],
    labels_tell_nothing: [[code("assert x == 5", jupyter={"source_hidden": True})]],
    checks_print_numbers: [[code('print("True")\nprint("True, as said")')]],
    sources_are_links: [[text(words)] for words in (
        "See #12345.", "It is question 41581.", "Hochreiter & Schmidhuber (1997) say so.", "as Gers et al. 2000 are.")],
    one_symbol_one_meaning: [[text(f"By ${formula}$.")] for formula in ("g_{0}", "g(s)", "p_t", r"x + i\varepsilon")],
    pictures_have_alt_and_caption: [
        [code("show(figure)", *shown)] for shown in (
            [PICTURE], [PICTURE, display({"text/markdown": "*Another line.*"})],
            [display(PICTURE.data), display({"text/markdown": "*A line that rises.*"})])],
    references_have_tags: [[text("By (3.99) this holds.")], [text("By (9.99) this holds.")], [code("x = 1  # (3.99)")],
                           [text("$$a \\tag{4.1}$$")], [text("$$a \\tag{3.1}$$")]],
    equations_show_in_jupyterlab: [[text("\\begin{align*} a \\end{align*}")], [text("By \\eqref{sum}.")]],
    no_stored_trouble: [[code("f()", new_output("error", ename="ValueError", evalue="bad", traceback=[]))],
                        [code("f()", said("a warning", "stderr"))]],
    nothing_redraws: [[code(source)] for source in (
        "from matplotlib import pyplot", "%matplotlib inline", "from ipywidgets import interact as follow",
        "area = widgets.Output()")],
    numbers_are_rounded: [[code("f()", said("0.30000000000000004\n"))], [code("f()", said("-1.2e-17"))],
                          [code("f()", display({"text/plain": "array([0.1234567])"}))]],
    only_explorers_are_exempt: [[code(tags=["nbval-ignore-output"])], [code(tags=["explorer", "nbval-skip"])],
                                [code("# NBVAL_IGNORE_OUTPUT\n1 + 1")]],
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_planted_faults_are_found_and_nothing_else(check):
    assert check(new_notebook(cells=GOOD), 3) == []
    for cells in PLANTED[check]:
        assert check(new_notebook(cells=[*GOOD, *cells]), 3), cells
