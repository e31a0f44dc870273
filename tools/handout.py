"""Make the handouts: the series and each notebook, for students and for instructors, as PDF and as one HTML file.

    python run.py handout               into build/handout
    python run.py handout some/folder   into some/folder

The notebooks are taken as they are stored; nothing is run, and no network is used. What belongs to the classroom and
not to paper is changed on the way: explorers become pictures with a line on what to try, solutions, teaching notes and
the usual mistakes are set apart for instructors and left out for students. Pandoc, with the filter in tools/handout/,
makes HTML and typst, and typst makes PDF (PDF/UA-1). The same notebooks give the same bytes.
"""

import ast
import base64
import functools
import html
import os
import re
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.extra import extra_handout  # noqa: E402
from tools.files import write  # noqa: E402

with extra_handout("The handouts", "handout"):
    import typst

    from tools.notebooks import EXPLORER_PICTURE, stored
    from tools.pandoc import run_pandoc
    from tools.student import student_version

PARTS = ROOT / "tools" / "handout"
MARKDOWN = "gfm-tex_math_gfm-emoji+fenced_divs+implicit_figures+smart"
SERIES = "Where may you divide by |X|?"
EDITIONS = ("student", "instructor")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

FOLDED = "A solution is folded into the next cell; unfold it when you have tried."
UNANSWERED = "Not answered yet.\n"
ANSWER_PLACE = re.compile(r"\.\.\.,?$", re.MULTILINE)
PROGRESS = "<p>(progress bar"
SOLUTION_MARK = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)
CAPTION_IN_CODE = re.compile(r'"(Figure \d\.\d)\. (?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*')
COLOPHON = f"""
# About this handout

This is the {{edition}} version of the notebooks of *{SERIES}*, release {VERSION}, printed as they are stored:
nothing was run for it. In the notebooks the explorers can be moved, and the exercises answer. Code stands on a
grey ground, without the captions, which are under the figures; what a cell prints stands below it, behind a line.

The question was asked on Data Science Stack Exchange as
[question 41581](https://datascience.stackexchange.com/questions/41581) (datascience.stackexchange.com/questions/41581),
published under CC BY-SA.

Text and figures: CC BY 4.0. Code, the code cells included: BSD 3-Clause. Copyright 2026, the lstmlib authors.
"""


def main(arguments):
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        raise SystemExit(__doc__.strip())
    folder = Path(*arguments) if arguments else ROOT / "build" / "handout"
    try:
        for path in build(folder):
            print(path, flush=True)
    except OSError as problem:
        raise SystemExit(f"The handouts cannot be written to {folder}: {problem.strerror or problem}.") from None


def build(folder, editions=EDITIONS, names=None, kinds=("pdf", "html")):
    """Write the handouts of these editions, names (as 03_backward, or series) and kinds; yield every path."""
    notebooks = stored()
    documents = {**{name: [name] for name in notebooks}, "series": list(notebooks)}
    wanted = [(name, kind) for name in names or reversed(documents) for kind in kinds]  # the longest first
    needed = {part for name, _ in wanted for part in documents[name]}
    for edition in editions:
        with tempfile.TemporaryDirectory() as workshop, ThreadPoolExecutor() as pool:
            chapters = {name: chapter(notebooks[name], name, edition, Path(workshop)) for name in needed}

            def make(name, kind):
                title = SERIES if name == "series" else heading(notebooks[name])
                parts = [chapters[part] for part in documents[name]]
                markdown = "\n\n".join([*parts, COLOPHON.format(edition=edition)])
                path = folder / edition / f"{name}.{kind}"
                write(path, MAKERS[kind](markdown, title, edition, Path(workshop)))
                return path

            yield from pool.map(make, *zip(*wanted))


# From a notebook to Markdown.

def chapter(notebook, name, edition, workshop):
    """The Markdown of a notebook; its pictures are written into the folder `workshop`."""
    instructor = edition == "instructor"
    notebook = notebook if instructor else student_version(notebook)
    blocks = []
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown" and cell.source.strip() != FOLDED:
            blocks.append(boxed("teaching-note", cell.source) if "teaching-note" in tags else cell.source)
        elif cell.cell_type == "code" and "solution" in tags:
            blocks.append(boxed("solution", "**Solution**", code_and_outputs(cell, f"{name}-{number}", workshop)))
            blocks.append(expected_difficulties(cell.source, notebook))
        elif cell.cell_type == "code":
            blocks.append(code_and_outputs(cell, f"{name}-{number}", workshop))
    if instructor:
        blocks.insert(1, timing(name))
    return "\n\n".join(blocks)


def heading(notebook):
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def boxed(kind, *blocks):
    return "\n\n".join([f"::::: {kind}", *blocks, ":::::"])


def fenced(language, text):
    return f"~~~~~~ {language}\n{text.rstrip()}\n~~~~~~"


def escaped(text):
    """Plain text as Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|$&~^:-])", r"\\\1", text)


def code_and_outputs(cell, name, workshop):
    """The code, with the captions cut short, and what it shows; a sentence of an explorer without its code."""
    code = fenced("python", CAPTION_IN_CODE.sub(r'"\1. ..."', SOLUTION_MARK.sub("", cell.source)))
    outputs = [shown(output, f"{name}-{number}", workshop) for number, output in enumerate(cell.outputs)]
    if ".sentence(" in cell.source and outputs:
        return boxed("try", f"**To try in the notebook.** {outputs[0]}")
    outputs = list(filter(None, outputs))
    if ANSWER_PLACE.search(cell.source) and not cell.outputs:
        return boxed("cell", code)  # keeps to its check
    if outputs and outputs[0].startswith("::::: output"):
        return "\n\n".join([boxed("cell", code, outputs[0]), *outputs[1:]])
    return "\n\n".join([code, *outputs])


def shown(output, name, workshop):
    """An output on paper: the picture before the text, never the widget."""
    data = output.get("data", {})
    if output.get("text") == UNANSWERED or data.get("text/html", "").startswith(PROGRESS):
        return ""
    if "text" in output:
        return boxed("output", fenced("text", output.text))
    if "image/png" in data:
        path = workshop / f"{name}.png"
        path.write_bytes(base64.b64decode(data["image/png"]))
        return f"![{escaped(output.metadata['image/png']['alt'])}]({path.name})"
    if "text/html" in data:
        return explorer_on_paper(data["text/html"], name, workshop)
    if "text/markdown" in data:
        return ""  # the caption of the picture before it
    return boxed("output", fenced("text", data["text/plain"]))


def explorer_on_paper(fallback, name, workshop):
    """The pictures in an explorer's fallback, each with the sentence under it; without pictures, its text."""
    paragraphs = re.findall(r"<p>(.*?)</p>", fallback, re.DOTALL)
    pictures = [(EXPLORER_PICTURE.fullmatch(before), after) for before, after in zip(paragraphs, paragraphs[1:])]
    pictures = [(picture, caption) for picture, caption in pictures if picture]
    if not pictures:
        return " ".join(map(from_html, paragraphs))
    title = paragraphs[0].replace("a picture; run the notebook to move it", "an explorer; here in pictures")
    blocks = [boxed("explorer", from_html(title))]
    for number, (picture, caption) in enumerate(pictures):
        path = workshop / f"{name}-{number}.svg"
        path.write_bytes(base64.b64decode(picture["data"]))
        blocks.append(f"![{from_html(caption)}]({path.name})")
    return "\n\n".join(blocks)


def from_html(paragraph):
    """The Markdown of text in which only <b> is marked up."""
    parts = re.split(r"(</?b>)", paragraph)
    return "".join("**" if part in ("<b>", "</b>") else escaped(html.unescape(part)) for part in parts)


# What an instructor wants to know.

def timing(name):
    """The minutes that the first notebook's map gives to this notebook."""
    row = re.search(rf"^\| \[?{int(name[:2])}\. .*?(?<!\\)\| (\d+) \| (\d+) \|", map_of_the_series(), re.MULTILINE)
    return boxed("timing", f"**For the instructor.** {row[1]} minutes to read, {row[2]} for the exercises.")


@functools.cache
def map_of_the_series():
    first = next(iter(stored().values()))
    return "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown")


def expected_difficulties(solution, notebook):
    """What the feedback says to wrong answers to the exercise of which this is the solution."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    modules = re.findall(r"from lstmlib\.exercises import (\w+)(?: as (\w+))?", code)
    said = [hint for module, alias in modules for check in re.findall(rf"\b{alias or module}\.(\w+)", solution)
            for hint in hints(module, check)]
    items = [f"- {escaped(hint)}" for hint in said]
    head = "**Expected difficulties.** The feedback to wrong answers says:"
    return boxed("difficulties", head, "\n".join(items)) if items else ""


def hints(module, name):
    """The sentences in the text of a check, and of what it uses, that do not depend on the answer."""
    defined, waiting, seen, found = definitions(module), [name], set(), {}
    while waiting:
        name = waiting.pop(0)
        if name in defined and name not in seen:
            seen.add(name)
            waiting += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
            found |= dict.fromkeys(filter(is_hint, texts(defined[name])))
    return list(found)


@functools.cache
def definitions(module):
    """{name: node}: the functions and the assigned values of a module of exercises."""
    tree = ast.parse((ROOT / "lstmlib" / "exercises" / f"{module}.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return functions | {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}


def texts(node):
    """Every string under this node that is no docstring, from its "Hint: " on; \\0 stands for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value.rpartition("Hint: ")[2].strip()
    elif isinstance(node, ast.JoinedStr):
        filled = "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
        yield filled.rpartition("Hint: ")[2].strip()
    else:
        body = node.body[1:] if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) else None
        for child in body or ast.iter_child_nodes(node):
            yield from texts(child)


def is_hint(text):
    return len(text.split()) >= 4 and text[-1] in ".?" and "\0" not in text and not text.startswith("Expected")


# From Markdown to paper and screen.

def make_html(markdown, title, edition, workshop):
    page = pandoc(markdown, "html5", title, edition, workshop, "--mathml", "--embed-resources",
                  f"--css={PARTS / 'handout.css'}")
    return page.replace('<img role="img" aria-label=', "<img alt=").encode()  # what embedding makes of an alt


def make_pdf(markdown, title, edition, workshop):
    source = pandoc(markdown, "typst", title, edition, workshop, "--syntax-highlighting=idiomatic")
    theme = (PARTS / "code.tmTheme").read_text(encoding="utf-8")
    try:
        return typst.compile(source.encode(), root=str(workshop), font_paths=[str(PARTS / "fonts")],
                             ignore_system_fonts=True, pdf_standards=["ua-1"], sys_inputs={"theme": theme})
    except typst.TypstError as problem:
        raise SystemExit(f"typst refused {title}: {problem} {' '.join(problem.hints)}") from None


MAKERS = {"pdf": make_pdf, "html": make_html}


def pandoc(markdown, to, title, edition, workshop, *options):
    return run_pandoc(
        markdown, title, f"--from={MARKDOWN}", f"--to={to}", "--standalone", "--toc", "--toc-depth=2",
        f"--template={PARTS / 'template'}.{to}", f"--lua-filter={PARTS / 'filter.lua'}", "--wrap=none",
        f"--resource-path={PARTS}{os.pathsep}{workshop}", "--metadata=lang:en-GB", f"--metadata=pagetitle:{title}",
        f"--metadata=edition:{edition}", f"--metadata=version:{VERSION}", f"--metadata=series:{SERIES}", *options,
        folder=workshop)


if __name__ == "__main__":
    main(sys.argv[1:])
