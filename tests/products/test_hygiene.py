"""What every stored notebook keeps to.

A check is a function from a notebook and its number to a list of faults. Each one is also tried on notebooks in which
its fault was planted, so that no check can pass by seeing nothing.
"""

import ast
import builtins
import copy
import html
import io
import re
import tokenize
from itertools import pairwise, zip_longest
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import EXPLORER_PICTURE, normal_form, text_of

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.(\d+))?(?:[eE]([-+]?\d+))?(?![\w])")
TAG = re.compile(r"\\tag\{([^}]*)\}")
REFERENCE = re.compile(r"(?<![\w\\}\])])\((\d\.\d{1,2})\)")
UNNUMBERED_ENVIRONMENT = re.compile(r"\\begin\{(?:align|equation|eqnarray|gather|multline)\*?\}|\\eqref")
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~])/(?:etc|home|media|mnt|opt|private|root|srv|tmp|usr|var|work|Users|Volumes)/\w|[A-Z]:\\Users"
)
HOT_WIDGETS = {"Output", "clear_output", "interact", "interact_manual", "interactive", "interactive_output"}
WORDS = {0: 1200, 1: 2200, 2: 2200, 3: 2200, 7: 2200, 8: 2200}  # of the others 2,600
LINK = re.compile(r"\[[^\[\]]*\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*\)")
UNLINKED = re.compile(r"(?<![\w&])#\d{2,}\b|\bquestion \d{4,}|(?:(?:& |\band )[A-Z]\w+|\bet al\.),? \(?(?:19|20)\d\d\b"
                      r"|\b[A-Z]\w+ \((?:19|20)\d\d\)")
# g is the candidate, p a path, s a factor, i a gate: in no formula anything else.
SECOND_MEANING = re.compile(r"\bg_\{?[k0]|(?<![a-z])g\(s\)|\bp_\{?t\b|\bs\^\{?[cifgo](?![a-z])"
                            r"|(?<![a-z])i\s*\\varepsilon")
BAD_ENGLISH = re.compile(r"equal to the bit|necessary but for|\d% twice|strings would multiply", re.IGNORECASE)
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


def python_of(cell):
    return TransformerManager().transform_cell(cell.source)


def names_in(cell):
    """Every name that the cell uses or imports."""
    for node in ast.walk(ast.parse(python_of(cell))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Import | ast.ImportFrom):
            parts = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from ".".join(parts).split(".")


def tags_of(number, folder=FOLDER):
    """The equation numbers that the stored notebook of this number defines."""
    return {tag for path in folder.glob(f"{number:02d}_*.ipynb")
            for text in prose(nbformat.read(path, as_version=4)) for tag in TAG.findall(text)}


# The checks.

def valid_format(notebook, number):
    try:
        nbformat.validate(copy.deepcopy(notebook))
    except nbformat.ValidationError as error:
        return [str(error)]
    return [] if notebook.nbformat_minor >= 5 else ["older than format 4.5, which gives cells their ids"]


def unique_ids(notebook, number):
    ids = [cell.get("id") for cell in notebook.cells]
    return [f"the id {id!r} is there {ids.count(id)} times" for id in sorted(set(ids), key=str) if ids.count(id) > 1]


def counts_from_one(notebook, number):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]


def stored_in_normal_form(notebook, number):
    same = text_of(normal_form(copy.deepcopy(notebook))) == nbformat.writes(notebook).rstrip("\n") + "\n"
    return [] if same else ["not in normal form: python run.py notebooks"]


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
    faults = ["metadata.widgets"] if "widgets" in notebook.metadata else []
    for output in outputs(notebook):
        if output.output_type == "error":
            faults.append(f"a stored {output.ename}")
        if output.get("name") == "stderr":
            faults.append(f"stored stderr: {output.text[:80]!r}")
        kinds = output.get("data", {})
        faults += [f"stored {kind}" for kind in kinds if kind.startswith("application/vnd.jupyter.widget")]
    return faults


def no_trailing_semicolon(notebook, number):
    faults = []
    for cell in code_cells(notebook):
        tokens = [token for token in tokenize.generate_tokens(io.StringIO(python_of(cell)).readline)
                  if token.type != tokenize.COMMENT]
        faults += [f"cell {cell.id}: {token.line.strip()!r}" for token, following in pairwise(tokens)
                   if token.string == ";" and following.type in (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER)]
    return faults


def no_pyplot(notebook, number):
    return [f"cell {cell.id}: pyplot" for cell in code_cells(notebook)
            if {"pyplot", "pylab"} & set(names_in(cell)) or "%matplotlib" in cell.source]


def no_redrawing_widgets(notebook, number):
    return [f"cell {cell.id}: {name}" for cell in code_cells(notebook) for name in HOT_WIDGETS & set(names_in(cell))]


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


def no_absolute_path(notebook, number):
    shown = prose(notebook) + [cell.source for cell in code_cells(notebook)] + list(printed(notebook))
    return [found.group() for text in shown for found in ABSOLUTE_PATH.finditer(text)]


def no_div(notebook, number):
    return [f"<div in {text[:60]!r}" for text in prose(notebook) if re.search(r"<div\b", text, re.IGNORECASE)]


def short_code_cells(notebook, number):
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code_cells(notebook)}
    return [f"cell {id} has {length} lines, more than 25" for id, length in lengths.items() if length > 25]


def text_between_code(notebook, number):
    faults, in_a_row = [], 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            in_a_row = 0
        elif not cell.metadata.get("jupyter", {}).get("source_hidden"):
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


def solution_marks_are_paired(notebook, number):
    faults = []
    for cell in code_cells(notebook):
        marks = re.findall(r"### (BEGIN|END) SOLUTION", cell.source)
        if marks != ["BEGIN", "END"] * (len(marks) // 2):
            faults.append(f"cell {cell.id}: the marks of solutions are {marks}")
    return faults


def folded(cell, part):
    return cell.metadata.get("jupyter", {}).get(f"{part}_hidden", False)


def seen_lines(notebook):
    """The lines of code in the reading line, without empty ones."""
    return [line for cell in code_cells(notebook) if not folded(cell, "source")
            for line in cell.source.splitlines() if line.strip()]


def little_code_is_seen(notebook, number):
    count = len(seen_lines(notebook))
    return [f"{count} lines of code are seen, more than 150"] if count > 150 else []


def seen_code_is_narrow(notebook, number):
    return [f"{len(line)} columns: {line!r}" for line in seen_lines(notebook) if len(line) > 88]


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
            and not ast.parse(python_of(cell)).body[0].msg]


def checks_print_numbers(notebook, number):
    """At most one cell prints a sentence that is always the same."""
    said = [node.args[0].value for cell in code_cells(notebook) for node in ast.walk(ast.parse(python_of(cell)))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and len(node.args) == 1
            and isinstance(node.args[0], ast.Constant)]
    return [f"always the same: {sentence!r}" for sentence in said] if len(said) > 1 else []


def explorers_run_alone(notebook, number):
    """A cell that makes an explorer uses no name of another cell."""
    faults = []
    for cell in code_cells(notebook):
        if "explorer" not in cell.metadata.get("tags", []) or ".sentence(" in cell.source:
            continue
        names = [node for node in ast.walk(ast.parse(python_of(cell))) if isinstance(node, ast.Name)]
        own = {alias.asname or alias.name for node in ast.walk(ast.parse(python_of(cell)))
               if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
        own |= {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(dir(builtins))
        faults += [f"cell {cell.id} needs {node.id} of another cell" for node in names if node.id not in own]
    return faults


def sources_are_links(notebook, number):
    return [f"no link: {found.group()!r}" for text in prose(notebook)
            for found in UNLINKED.finditer(LINK.sub("", text))]


def one_symbol_one_meaning(notebook, number):
    return [f"{found.group()!r} in {text[:50]!r}" for text in prose(notebook)
            for found in SECOND_MEANING.finditer(text)]


def plain_english(notebook, number):
    return [found.group() for text in [*prose(notebook), *printed(notebook)] for found in BAD_ENGLISH.finditer(text)]


CHECKS = [
    little_code_is_seen, seen_code_is_narrow, few_words, asked_before_told, checks_print_numbers, explorers_run_alone,
    sources_are_links, one_symbol_one_meaning, plain_english, labels_tell_nothing,
    valid_format, unique_ids, counts_from_one, stored_in_normal_form, pictures_have_alt_and_caption,
    references_have_tags, equations_show_in_jupyterlab, no_stored_trouble, no_trailing_semicolon, no_pyplot,
    no_redrawing_widgets, numbers_are_rounded, no_absolute_path, no_div, short_code_cells, text_between_code,
    only_explorers_are_exempt, solution_marks_are_paired,
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_stored_notebook(path, check):
    notebook = nbformat.read(path, as_version=4)
    assert check(notebook, int(path.stem[:2])) == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_stored_bytes_are_normal(path):
    text = path.read_bytes().decode("utf-8")
    assert text == text_of(normal_form(nbformat.reads(text, as_version=4))), "python run.py notebooks"


def test_names_of_notebooks():
    assert all(re.fullmatch(r"\d\d_[A-Za-z0-9_]+", path.stem) for path in PATHS)


# The planted faults.

PNG = "iVBORw0KGgo="


def good_notebook():
    """Notebook 3 of an imagined series: it passes every check, though it comes near several faults."""
    cells = [
        new_markdown_cell("# A sum\n\n$$\\begin{aligned} a &= b \\end{aligned} \\tag{3.1}$$\n\nBy (3.1), f(0.5) is 1."),
        new_code_cell("style = 'color: red;'  # as in (3.1);\n2 / 3", outputs=[new_output(
            "execute_result", {"text/plain": "0.666667 and 1e-15 and 0.0 and -3.5e-12"}, execution_count=1)]),
        new_code_cell("show(figure)", outputs=[
            new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": "A line that rises."}}),
            new_output("display_data", {"text/markdown": "*A line that rises.*"})]),
        new_code_cell("print('notebooks/03_backward.ipynb')", outputs=[
            new_output("stream", name="stdout", text="notebooks/03_backward.ipynb\n")]),
        new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
                      metadata={"tags": ["solution"]}),
        new_markdown_cell("An explorer, which is interactive."),
        new_code_cell("from lstmlib.explorers.sum import adder\n\nexplorer = adder()\nexplorer",
                      metadata={"tags": ["explorer", "nbval-ignore-output"]}),
        new_code_cell("explorer.sentence('Try [one](One).')", metadata={"tags": ["explorer"]}),
        new_markdown_cell("Predict its slope $c_i$ and $g_t$, as in [A & B (1997)](https://doi.org/10.1) and "
                          "[#123](https://x.org/123), with code and data (2026)."),
        new_code_cell("print('slope', 2)", metadata={"jupyter": {"outputs_hidden": True}},
                      outputs=[new_output("stream", name="stdout", text="slope 2\n")]),
    ]
    return normal_form(new_notebook(cells=cells))


def plant_code(source, **metadata):
    def plant(notebook):
        notebook.cells.append(new_code_cell(source, execution_count=7, metadata=metadata))
    return plant


def plant_text(source):
    return lambda notebook: notebook.cells.append(new_markdown_cell(source))


def plant_output(*planted):
    return lambda notebook: notebook.cells[1].outputs.extend(planted)


def plant_printed(text):
    return plant_output(new_output("stream", name="stdout", text=text))


def planted_value(value):
    return plant_output(new_output("display_data", {"text/plain": value}))


def edit(change):
    """A fault planted by a line of code, in which n is the notebook."""
    return lambda notebook: exec(change, {"n": notebook})


PLANTS = [
    (little_code_is_seen, plant_code("\n".join(["x = 1"] * 151))),
    (seen_code_is_narrow, plant_code(f"x = '{84 * 'x'}'")),
    (few_words, plant_text(2200 * "word ")),
    (asked_before_told, edit("n.cells[9].metadata = {}")),
    (checks_print_numbers, plant_code("print('True, as said')")),
    (explorers_run_alone, plant_code("look = first_look()", tags=["explorer"])),
    (sources_are_links, plant_text("See #12345.")),
    (sources_are_links, plant_text("It is question 41581.")),
    (sources_are_links, plant_text("Hochreiter & Schmidhuber (1997) say so.")),
    (sources_are_links, plant_text("Adam (2014) is one, as Gers et al. 2000 are.")),
    *((one_symbol_one_meaning, plant_text(f"By ${formula}$.")) for formula in (
        "g_k", "g_{0}", "g(s)", "p_t", "s^c_t", "s^{i}", r"x + i\varepsilon")),
    *((plain_english, plant_text(f"It is {words}.")) for words in (
        "equal to the bit", "necessary but for luck", "divided to 15% twice")),
    (valid_format, edit("n.cells[0]['cell_type'] = 'prose'")),
    (valid_format, edit("n.nbformat_minor = 4\nfor cell in n.cells: del cell['id']")),
    (unique_ids, edit("n.cells[1].id = n.cells[2].id")),
    (counts_from_one, edit("n.cells[1].execution_count = None")),
    (counts_from_one, edit("n.cells[1].execution_count = 2")),
    (stored_in_normal_form, edit("n.cells[0].metadata['collapsed'] = True")),
    (stored_in_normal_form, edit("n.cells[1].metadata['execution'] = {'iopub.status.busy': '2026-01-01'}")),
    (stored_in_normal_form, edit("n.metadata.language_info['version'] = '3.11.2'")),
    (pictures_have_alt_and_caption, edit("n.cells[2].outputs[0].metadata = {}")),
    (pictures_have_alt_and_caption, edit("n.cells[2].outputs[0].metadata['image/png']['alt'] = ' '")),
    (pictures_have_alt_and_caption, edit("n.cells[2].outputs.pop()")),
    (pictures_have_alt_and_caption, edit("n.cells[2].outputs[1].data['text/markdown'] = '*Another line.*'")),
    (references_have_tags, plant_text("By (3.99) this holds.")),
    (references_have_tags, plant_text("By (9.99) this holds.")),
    (references_have_tags, plant_code("x = 1  # (3.99)")),
    (references_have_tags, plant_text("$$a \\tag{4.1}$$")),
    (references_have_tags, plant_text("$$a \\tag{3.1}$$")),
    (equations_show_in_jupyterlab, plant_text("\\begin{align} a \\end{align}")),
    (equations_show_in_jupyterlab, plant_text("\\begin{align*} a \\end{align*}")),
    (equations_show_in_jupyterlab, plant_text("By \\eqref{sum}.")),
    (no_stored_trouble, plant_output(new_output("error", ename="ValueError", evalue="bad", traceback=[]))),
    (no_stored_trouble, plant_output(new_output("stream", name="stderr", text="a warning"))),
    (no_stored_trouble, edit("n.metadata['widgets'] = {}")),
    (no_stored_trouble, plant_output(new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}))),
    (no_trailing_semicolon, plant_code("ax.plot(x);")),
    (no_trailing_semicolon, plant_code("ax.plot(x);  # a line\ny = 1")),
    (no_pyplot, plant_code("import matplotlib.pyplot as plt")),
    (no_pyplot, plant_code("from matplotlib import pyplot")),
    (no_pyplot, plant_code("from matplotlib.pyplot import plot")),
    (no_pyplot, plant_code("%matplotlib inline")),
    (no_redrawing_widgets, plant_code("from ipywidgets import interact as follow")),
    (no_redrawing_widgets, plant_code("area = widgets.Output()")),
    (no_redrawing_widgets, plant_code("clear_output(wait=True)")),
    (numbers_are_rounded, plant_printed("0.30000000000000004\n")),
    (numbers_are_rounded, planted_value("array([0.1234567])")),
    (numbers_are_rounded, planted_value("difference 3e-16")),
    (numbers_are_rounded, plant_printed("-1.2e-17")),
    (no_absolute_path, plant_printed("read " + "/".join(["", "home", "student", "data"]))),
    (no_absolute_path, plant_code("open('" + "/".join(["", "tmp", "data"]) + "')")),
    (no_absolute_path, plant_text("See C:\\Users\\me.")),
    (no_div, plant_text("<div class='note'>Note</div>")),
    (labels_tell_nothing, plant_code("assert x == 5", jupyter={"source_hidden": True})),
    (short_code_cells, plant_code("\n".join(["x = 1"] * 26))),
    (text_between_code, edit("n.cells[4].metadata = {}")),
    (only_explorers_are_exempt, plant_code("1 + 1", tags=["nbval-ignore-output"])),
    (only_explorers_are_exempt, plant_code("1 + 1", tags=["explorer", "nbval-skip"])),
    (only_explorers_are_exempt, plant_code("1 / 0", tags=["raises-exception"])),
    (only_explorers_are_exempt, plant_code("# NBVAL_IGNORE_OUTPUT\n1 + 1")),
    (solution_marks_are_paired, plant_code("### BEGIN SOLUTION\nx = 1")),
    (solution_marks_are_paired, plant_code("### END SOLUTION\nx = 1\n### BEGIN SOLUTION")),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_good_notebook_passes(check):
    assert check(good_notebook(), 3) == []


@pytest.mark.parametrize("check, plant", PLANTS, ids=[f"{check.__name__}-{i}" for i, (check, _) in enumerate(PLANTS)])
def test_planted_fault_is_found(check, plant):
    notebook = good_notebook()
    plant(notebook)
    assert check(notebook, 3)


def test_every_check_has_a_planted_fault():
    assert {check for check, _ in PLANTS} == set(CHECKS)


def test_a_tag_in_another_notebook_counts(tmp_path):
    nbformat.write(good_notebook(), tmp_path / "03_sum.ipynb")
    assert tags_of(3, tmp_path) == {"3.1"} and tags_of(4, tmp_path) == set()
