"""Make the paper: worksheets and their keys, the summary sheet, the series and each notebook, as PDF.

    python run.py handout some/folder   into some/folder (build/handout if none is named)

The notebooks are taken as they are stored. Explorers become pictures with a line on what to try; code that only draws
stays in the notebook; solutions, teaching notes and the usual mistakes are set apart for instructors, and students have
room to answer. The sheets are Markdown in docs/sheets; a `write` block is room in the worksheet and the answer in its
key. Pandoc makes typst, and typst makes PDF/UA-1. The same sources give the same bytes.
"""

import ast
import base64
import functools
import hashlib
import html
import re
import tempfile
import textwrap
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typst

from lstmlib.show import graph, svg
from tools.files import ROOT, announce, folder_of, read, write
from tools.notebooks import EXPLORER_PICTURE, stored
from tools.pages import filled, run_pandoc
from tools.stubs import imported_exercises
from tools.student import student_version

PARTS = ROOT / "tools" / "handout"
MARKDOWN = "gfm-tex_math_gfm-emoji+fenced_divs+bracketed_spans+attributes+implicit_figures+smart"
SERIES = "Where may you divide by |X|?"
SHEETS = ROOT / "docs" / "sheets"
VERSION = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"]

FOLDED = "A solution is folded into the next cell; unfold it when you have tried."
UNANSWERED = "Not answered yet.\n"
ANSWER_PLACE = re.compile(r"\.\.\.,?$", re.MULTILINE)
PROGRESS = "<p>(progress bar"
SOLUTION_MARK = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)


def main(arguments):
    folder = folder_of(arguments, __doc__, ROOT / "build" / "handout")
    announce(build(folder), "The handouts", folder)


def build(folder, wanted=None):
    """Write these documents (such as "student/05_which_X", "instructor/series", "sheets/summary"); yield every path."""
    wanted = list(wanted or documents())
    with tempfile.TemporaryDirectory() as workshop, ThreadPoolExecutor() as pool:
        sources = [source(name, Path(workshop)) for name in wanted]  # one by one: ast is not for several threads
        for name, pdf in zip(wanted, pool.map(lambda found: make_pdf(*found, Path(workshop)), sources)):
            write(folder / f"{name}.pdf", pdf)
            yield folder / f"{name}.pdf"


def documents():
    """The names of all documents, the longest first."""
    sheets = [path.stem for path in sorted(SHEETS.glob("*.md"))]
    return [*(f"{edition}/{name}" for edition in ("student", "instructor") for name in ("series", *reversed(stored()))),
            *(f"sheets/{name}" for name in sheets), *(f"sheets/{name}_key" for name in sheets if name != "summary")]


def source(name, workshop):
    """(Markdown, title, edition) of a document."""
    edition, _, name = name.partition("/")
    if edition == "sheets":
        (workshop / "graph.svg").write_text(svg.alone(graph.panel(2, title=False)), encoding="utf-8")
        markdown = read(SHEETS / f"{name.removesuffix('_key')}.md")
        markdown = markdown.replace("[draw graph]", "![The backward graph of two timesteps.](graph.svg)")
        return markdown, heading(markdown), "key" if name.endswith("_key") else "sheet"
    notebooks = stored()
    parts = list(notebooks) if name == "series" else [name]
    chapters = [chapter(notebooks[part], part, edition, workshop) for part in parts]
    title = SERIES if name == "series" else heading(notebooks[name].cells[0].source)
    colophon = filled(PARTS / "colophon.md", edition=edition, series=SERIES, version=VERSION)
    return "\n\n".join([*chapters, colophon]), title, edition


# From a notebook to Markdown.

def chapter(notebook, name, edition, workshop):
    """The Markdown of a notebook; its pictures are written into the folder `workshop`."""
    instructor, blocks = edition == "instructor", []
    notebook = notebook if instructor else student_version(notebook)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown" and cell.source.strip() != FOLDED:
            blocks.append(boxed("teaching-note", cell.source) if "teaching-note" in tags else cell.source)
        elif cell.cell_type == "code" and "solution" in tags:
            blocks.append(boxed("solution", "**Solution**", code_and_outputs(cell, workshop)))
            blocks.append(expected_difficulties(cell.source, notebook))
        elif cell.cell_type == "code":
            blocks.append(code_and_outputs(cell, workshop))
        if not instructor and ANSWER_PLACE.search(cell.source) and not cell.get("outputs"):
            blocks.append(f"::: {{.write lines={3 + cell.source.count('...')}}}\n:::")
    if instructor:
        reading, exercises = minutes()[name[1]]
        said = f"**For the instructor.** {reading} minutes to read, {exercises} for the exercises."
        blocks.insert(1, boxed("timing", said))
    return "\n\n".join(blocks)


def heading(markdown):
    return markdown.partition("\n")[0].removeprefix("# ")


def boxed(kind, *blocks):
    return "\n\n".join([f"::::: {kind}", *blocks, ":::::"])


def fenced(language, text):
    return f"~~~~~~ {language}\n{text.rstrip()}\n~~~~~~"


def escaped(text):
    """Plain text as Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|$&~^:-])", r"\\\1", text)


def code_and_outputs(cell, workshop):
    """The code, where it is to be read, and what it shows; a sentence of an explorer without its code."""
    outputs = list(filter(None, (shown(output, workshop) for output in cell.outputs)))
    if ".sentence(" in cell.source:
        return boxed("try", f"**To try in the notebook.** {outputs[0]}")
    if cell.metadata.get("jupyter", {}).get("source_hidden") and "solution" not in cell.metadata.get("tags", []):
        return "\n\n".join(outputs)
    code = fenced("python", re.sub(r"\n{3,}", "\n\n", SOLUTION_MARK.sub("", cell.source)))
    if not outputs and ANSWER_PLACE.search(cell.source):
        return boxed("stub", code)  # not torn
    return "\n\n".join([code, *outputs])


def shown(output, workshop):
    """An output on paper: the picture before the text, never the widget."""
    data = output.get("data", {})
    plain, markup = output.get("text", data.get("text/plain", "")), data.get("text/html", "")
    if plain == UNANSWERED or markup.startswith(PROGRESS) or "text/markdown" in data:
        return ""  # a caption belongs to the picture before it
    if "image/png" in data:
        return picture(data["image/png"], "png", escaped(output.metadata["image/png"]["alt"]), workshop)
    if found := EXPLORER_PICTURE.fullmatch(markup):
        return picture(found["data"], "svg", escaped(html.unescape(found["alt"])), workshop)
    return explorer_on_paper(markup, workshop) if markup else fenced("text", narrow(plain))


def narrow(text, width=96):
    """Lines as wide as the page. A longer one is broken under its second column; lines that begin there continue it."""
    rows = []
    for line in text.splitlines():
        if rows and len(rows[-1][0]) > width and re.match(rf" {{{rows[-1][1]}}}\S", line):
            rows[-1] = f"{rows[-1][0]} {line.strip()}", rows[-1][1]
        else:
            first = re.match(r" *\S+(?: \S+)* {2,}(?=\S)", line)
            rows.append((line, first.end() if first and first.end() < width / 2 else 4))
    return "\n".join(row if len(row) <= width else textwrap.fill(
        row, width, subsequent_indent=" " * indent, break_on_hyphens=False) for row, indent in rows)


def picture(data, kind, words, workshop):
    content = base64.b64decode(data)
    name = f"{hashlib.sha256(content).hexdigest()}.{kind}"
    (workshop / name).write_bytes(content)
    return f"![{words}]({name})"


def explorer_on_paper(fallback, workshop):
    """The pictures in an explorer's fallback, each with the sentence under it; without pictures, its text."""
    paragraphs = re.findall(r"<p>(.*?)</p>", fallback, re.DOTALL)
    pictures = [picture(found["data"], "svg", from_html(caption), workshop) for found, caption in zip(
        map(EXPLORER_PICTURE.fullmatch, paragraphs), paragraphs[1:]) if found]
    if not pictures:
        return " ".join(map(from_html, paragraphs))
    title = paragraphs[0].replace("a picture; run the notebook to move it", "an explorer; here in pictures")
    return "\n\n".join([boxed("explorer", from_html(title)), *pictures])


def from_html(paragraph):
    """The Markdown of text in which only <b> and <br> are marked up."""
    marks = {"<b>": "**", "</b>": "**", "<br>": "\\\n"}
    return "".join(marks.get(part) or escaped(html.unescape(part)) for part in re.split(r"(</?b>|<br>)", paragraph))


# What an instructor wants to know.

@functools.cache
def minutes():
    """{number of a notebook: its minutes, to read and for the exercises}, as the first notebook's map has them."""
    text = "\n".join(cell.source for cell in next(iter(stored().values())).cells)
    rows = re.findall(r"^\| \[?(\d)\. .*?(?<!\\)\| (\d+) \| (\d+) \|", text, re.MULTILINE)
    return {number: minutes for number, *minutes in rows}


def expected_difficulties(solution, notebook):
    """What the feedback says to wrong answers to the exercise of which this is the solution, beside what was typed."""
    said = [hint for name, module in imported_exercises(notebook).items()
            for check in re.findall(rf"\b{name}\.(\w+)", solution) for hint in hints(module, check)]
    said.sort(key=lambda row: row[1] == "")  # the others come last
    rows = [f"| {f'`{typed}`' if typed else said[0][1] and 'otherwise'} | {escaped(hint)} |" for hint, typed in said]
    table = "\n".join(["| typed | the feedback |", "|---|---|", *rows])
    return boxed("difficulties", "**Expected difficulties.**", table) if rows else ""


def hints(module, name):
    """[(hint, what was typed)] of a check and of what it uses: the sentences that do not depend on the answer."""
    tree = ast.parse(read(ROOT / "lstmlib" / "exercises" / f"{module}.py"))
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    defined |= {ast.unparse(node.targets): node.value for node in tree.body if isinstance(node, ast.Assign)}
    names, found = [name] if name in defined else [], {}
    for name in names:  # which grows by those that are used in it
        used = [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
        names += [other for other in dict.fromkeys(used) if other in defined and other not in names]
        for text, typed in texts(defined[name]):
            hint = text.rpartition("Hint: ")[2].strip()
            if len(hint.split()) >= 4 and hint[-1] in ".?" and "\0" not in hint and not hint.startswith("Expected"):
                found.setdefault(hint, typed)
    return list(found.items())


def texts(node, typed=""):
    """(string, what was typed) under this node; \\0 stands for what is filled in."""
    match node:
        case ast.Expr(ast.Constant()):
            return  # a docstring
        case ast.Constant(str(text)):
            yield text, typed
        case ast.JoinedStr(parts):
            yield "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in parts), typed
        case ast.Tuple([wrong, hint]) if not isinstance(hint, ast.Dict):  # as an `if` or an entry; True says less
            yield from texts(hint, typed if typed and isinstance(wrong, ast.Constant) else in_short(wrong) or typed)
        case ast.Dict(keys, values):
            for key, value in zip(keys, values):
                yield from texts(value, f"{typed}: {in_short(key)}" if typed[:1] == "'" else in_short(key))
        case ast.If(test, body, otherwise):
            for child in body:
                yield from texts(child, in_short(test))
            for child in otherwise:
                yield from texts(child, typed)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from texts(child, typed)


def in_short(node):
    """A wrong answer, or the condition that finds it, as code; nothing where it is too long to help."""
    code = ast.unparse(node.value if isinstance(node, ast.NamedExpr) else node).replace("|", "\\|")
    return code if len(code) <= 60 else ""


# From Markdown to paper.

def make_pdf(markdown, title, edition, workshop):
    metadata = {"pagetitle": title, "edition": edition, "version": VERSION, "series": SERIES}
    text = run_pandoc(
        markdown, title, f"--from={MARKDOWN}", "--to=typst", "--wrap=none", "--syntax-highlighting=idiomatic",
        f"--template={PARTS / 'template.typst'}", f"--lua-filter={PARTS / 'filter.lua'}",
        *(f"--metadata={name}:{value}" for name, value in metadata.items()), folder=workshop)
    try:
        return typst.compile(text.encode(), root=str(workshop), font_paths=[str(PARTS / "fonts")],
                             ignore_system_fonts=True, pdf_standards=["ua-1"],
                             sys_inputs={"theme": read(PARTS / "code.tmTheme")})
    except typst.TypstError as problem:
        raise SystemExit(f"typst refused {title}: {problem} {' '.join(problem.hints)}") from None
