"""Make the slides of a 45-minute lesson from the notebooks as they are stored, without a network.

    python run.py slides                  into build/slides
    python run.py slides some/folder      into some/folder
    python run.py slides --live [folder]  and show them in JupyterLab, where the laboratory is live

The lesson is written in tools/slides/lesson.md: headings, a few words, notes for the speaker, and which cells to show.
Figures, equations, code and explorers are those of the notebooks. Two files come out:

    lesson.html   one file for any browser (reveal.js and the mathematical font are in it). S opens the speaker's
                  view, F fills the screen; add ?print-pdf to the address to print.
    lesson.ipynb  the same slides as a notebook with slide metadata. Its only code cell is the laboratory.

With --live, whatever follows is for JupyterLab, such as --no-browser or --port 8890.
"""

import ast
import base64
import html
import importlib.util
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.extra import extra_handout  # noqa: E402
from tools.files import write  # noqa: E402

with extra_handout("The slides", "slides"):
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    from tools.notebooks import EXPLORER_PICTURE, METADATA, stored, text_of
    from tools.pandoc import run_pandoc

PARTS = ROOT / "tools" / "slides"
FONT = ROOT / "tools" / "handout" / "fonts" / "STIXTwoMath.woff2"
LESSON_MINUTES = 45
PANDOC_OPTIONS = ("--from=markdown-auto_identifiers-implicit_figures", "--to=revealjs", "--mathml", "--slide-level=2",
                  "--wrap=preserve")

HEADING = re.compile(r"## (?P<heading>.+?) \{(?P<classes>[^}]*?) ?minutes=(?P<minutes>\d+)\}")
SHOWN = re.compile(r"\[(?P<kind>[a-z]+)(?: (?P<detail>[^]]+))?\]\((?P<notebook>\d\d)#(?P<cell>[A-Za-z0-9_-]+)\)")
EQUATION = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


class LessonError(Exception):
    """A lesson that cannot be made; the message names the slide."""


def main(arguments):
    live = "--live" in arguments
    named = [argument for argument in arguments if argument != "--live"]
    options = named if named[:1] and named[0].startswith("-") else named[1:]
    if options and not live or {"-h", "--help"} & set(options):
        raise SystemExit(__doc__.strip())
    if live and importlib.util.find_spec("jupyterlab") is None:
        raise SystemExit("Live slides need JupyterLab: install it with `pip install -c constraints.txt -e \".[lab]\"`.")
    folder = ROOT / "build" / "slides" if options == named else Path(named[0])
    try:
        for path in build(folder):
            print(path, flush=True)
    except LessonError as problem:
        raise SystemExit(f"{PARTS / 'lesson.md'}: {problem}") from None
    except OSError as problem:
        raise SystemExit(f"The slides cannot be written to {folder}: {problem.strerror or problem}.") from None
    if live:
        present(folder.resolve(), options)


def build(folder):
    """Write lesson.html and lesson.ipynb; yield their paths."""
    title, slides = read_lesson((PARTS / "lesson.md").read_text(encoding="utf-8"), Notebooks(stored()))
    for name, text in (("lesson.html", page(title, slides)), ("lesson.ipynb", notebook_of(slides))):
        write(folder / name, text)
        yield folder / name


def present(folder, options):
    """Hand over to JupyterLab, which serves the slides and, inside one of them, the laboratory."""
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=localhost", *serving(folder), *options]
    if os.name == "nt":  # where exec returns at once to the shell
        signal.signal(signal.SIGINT, lambda *_: None)
        sys.exit(subprocess.call(command))
    os.execv(sys.executable, command)


def serving(folder):
    """JupyterLab's options for live slides: it serves the page itself, which may then give orders to it."""
    return [f"--ServerApp.root_dir={folder}", f"--ServerApp.extra_static_paths={folder}",
            "--LabApp.default_url=/static/lesson.html", "--LabApp.expose_app_in_browser=True"]


# The lesson and the cells it shows.

class Notebooks:
    """The cells of all notebooks: cell("04", id)."""

    def __init__(self, notebooks):
        self._cells = {(name[:2], cell.id): cell for name, notebook in notebooks.items() for cell in notebook.cells}

    def cell(self, number, cell_id):
        if (number, cell_id) not in self._cells:
            raise LessonError(f"notebook {number} has no cell {cell_id}")
        return self._cells[number, cell_id]

    def imports(self, number, names):
        """The import statements of a notebook that bind any of these names."""
        statements = [statement for (of, _), cell in self._cells.items() if of == number and cell.cell_type == "code"
                      for statement in ast.walk(parsed(cell.source)) if isinstance(statement, ast.ImportFrom)]
        return [f"from {statement.module} import {ast.unparse(alias)}" for statement in statements
                for alias in statement.names if (alias.asname or alias.name) in names]


@dataclass(frozen=True)
class Slide:
    heading: str
    classes: tuple
    minutes: int
    start: int      # minutes from the beginning of the lesson
    body: tuple     # Markdown, and what is shown of cells: Picture, Equation, ...
    notes: str      # Markdown
    sources: tuple  # numbers of the notebooks that it shows


@dataclass(frozen=True)
class Picture:
    alt: str
    kind: str  # MIME type
    data: str  # base64

    def for_page(self):
        return f'```{{=html}}\n<div class="picture">{self.for_notebook()}</div>\n```'

    def for_notebook(self):  # as HTML, for JupyterLab shows no SVG that is attached to a cell
        return f'<img alt="{html.escape(self.alt)}" src="data:{self.kind};base64,{self.data}">'


@dataclass(frozen=True)
class Equation:
    number: str
    tex: str

    def for_page(self):
        return f"::: equation\n$${self.tex}$$\n\n[({self.number})]{{.number}}\n:::"

    def for_notebook(self):
        return f"$${self.tex} \\tag{{{self.number}}}$$"


@dataclass(frozen=True)
class Text:
    """Code, printed text, or Markdown of a cell."""

    fence: str  # "python", "output", or "" for Markdown
    text: str

    def for_page(self):
        return f"``` {{.{self.fence}}}\n{self.text}\n```" if self.fence else self.text

    def for_notebook(self):
        return f"```{self.fence.replace('output', 'text')}\n{self.text}\n```" if self.fence else self.text


@dataclass(frozen=True)
class Laboratory:
    """An explorer: its first picture, and the cell that makes it live."""

    picture: Picture
    source: str
    outputs: tuple

    def for_page(self):
        return self.picture.for_page()


def read_lesson(text, notebooks):
    """The title and the slides of a lesson."""
    title = text.split("\n", 1)[0].removeprefix("# ")
    slides, start = [], 0
    for section in re.split(r"^(?=## )", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL), flags=re.MULTILINE)[1:]:
        slides.append(read_slide(section.strip(), start, notebooks))
        start += slides[-1].minutes
    return title, slides


def read_slide(section, start, notebooks):
    first, *lines = section.split("\n")
    heading = HEADING.fullmatch(first)
    if not heading:
        raise LessonError(f"a slide begins with `## Heading {{minutes=2}}`, got {first!r}")
    spoken = [line.removeprefix(">").strip() for line in lines if line.startswith(">")]
    written = "\n".join(line for line in lines if not line.startswith(">"))
    try:
        body = [shown(block, notebooks) for block in re.split(r"\n\s*\n", written.strip())]
        notes = [note(line, notebooks) for line in spoken]
    except LessonError as problem:
        raise LessonError(f"slide {heading['heading']!r}: {problem}") from None
    sources = dict.fromkeys(found["notebook"] for found in SHOWN.finditer(written))
    return Slide(heading["heading"], tuple(heading["classes"].replace(".", "").split()), int(heading["minutes"]), start,
                 tuple(body), "\n".join(notes), tuple(sources))


def note(line, notebooks):
    found = SHOWN.fullmatch(line)
    if not found:
        return line
    taken = quoted(notebooks.cell(found["notebook"], found["cell"]))
    return "\n" + re.sub(r"\[([^]]+)\]\([^)]*\.ipynb[^)]*\)", r"\1", taken) + "\n"  # a slide has no notebook beside it


def shown(block, notebooks):
    """A block of the lesson: its Markdown, or the part of a cell that it asks for."""
    found = SHOWN.fullmatch(block.strip())
    if not found:
        return Text("", block)
    kind, detail, number = found["kind"], found["detail"], found["notebook"]
    cell = notebooks.cell(number, found["cell"])
    if kind == "figure":
        return figure(cell)
    if kind == "equation":
        return equation(cell, detail)
    if kind == "code":
        return Text("python", defined(cell, detail))
    if kind == "output":
        return Text("output", printed(cell))
    if kind == "quote":
        return Text("", "\n".join("> " + line for line in quoted(cell).splitlines()))
    if kind == "table":
        return Text("", table(cell))
    if kind == "explorer":
        return poster(cell, int(detail or 1))
    if kind == "laboratory":
        source = "\n".join([*notebooks.imports(number, names_in(cell.source)), "", cell.source])
        return Laboratory(poster(cell, int(detail or 1)), source, tuple(cell.outputs))
    raise LessonError("what to show of a cell is figure, equation, code, output, quote, table, explorer or laboratory, "
                      f"got {kind!r}")


def figure(cell):
    for output in cell.get("outputs", []):
        if "image/png" in output.get("data", {}):
            return Picture(output.metadata["image/png"]["alt"], "image/png",
                           output.data["image/png"].replace("\n", ""))
    raise LessonError(f"cell {cell.id} shows no figure")


def equation(cell, number):
    for found in EQUATION.finditer(cell.source):
        tex, tag, _ = found[1].partition(f"\\tag{{{number}}}")
        if tag:
            return Equation(number, tex.strip())
    raise LessonError(f"cell {cell.id} has no equation ({number})")


def defined(cell, name):
    """The statement of a cell that defines a name; without a name, the whole cell."""
    if name is None:
        return cell.source
    for statement in parsed(cell.source).body:
        targets = [target.id for target in getattr(statement, "targets", []) if isinstance(target, ast.Name)]
        if name in (getattr(statement, "name", None), *targets):
            return ast.get_source_segment(cell.source, statement)
    raise LessonError(f"cell {cell.id} defines no {name}")


def quoted(cell):
    """The text of the one blockquote of a cell."""
    quotes = re.findall(r"(?:^>.*\n?)+", cell.source, re.MULTILINE)
    if len(quotes) != 1:
        raise LessonError(f"cell {cell.id} must have one blockquote, has {len(quotes)}")
    return re.sub(r"^> ?", "", quotes[0].strip(), flags=re.MULTILINE)


def printed(cell):
    text = "".join(output.text for output in cell.get("outputs", []) if "text" in output).rstrip()
    if not text:
        raise LessonError(f"cell {cell.id} prints nothing")
    return text


def table(cell):
    rows = [line for line in cell.source.splitlines() if line.startswith("|")]
    if not rows:
        raise LessonError(f"cell {cell.id} has no table")
    return "\n".join(rows)


def poster(cell, number):
    """The picture of an explorer, as it is stored for where no kernel runs: the first, second, ..."""
    fallback = "".join(output.data.get("text/html", "") for output in cell.get("outputs", []) if "data" in output)
    pictures = list(EXPLORER_PICTURE.finditer(fallback))
    if not 1 <= number <= len(pictures):
        raise LessonError(f"cell {cell.id} has {len(pictures)} pictures of an explorer, number {number} is asked for")
    alt, kind, data = pictures[number - 1].groups()
    return Picture(html.unescape(alt), kind, data)


def parsed(source):
    return ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE))


def names_in(source):
    return {node.id for node in ast.walk(parsed(source)) if isinstance(node, ast.Name)}


def minutes_of(slide):
    return f"Minute {slide.start} to {slide.start + slide.minutes}."


# The page.

def page(title, slides):
    """The slides as one HTML file that asks for nothing outside itself."""
    markdown = "\n\n".join(slide_for_page(slide) for slide in slides)
    reveal = PARTS / "reveal"
    parts = {
        "title": html.escape(title),
        "style": "\n".join([read(reveal / "reveal.css"), math_font(), read(PARTS / "lesson.css")]),
        "slides": run_pandoc(markdown, PARTS / "lesson.md", *PANDOC_OPTIONS),
        "reveal": read(reveal / "reveal.js") + "\n" + read(reveal / "notes.js"),
        "script": read(PARTS / "live.js").replace("{{minutes}}", str(slides[-1].start + slides[-1].minutes)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], read(PARTS / "deck.html"))


def slide_for_page(slide):
    attributes = " ".join([*(f".{name}" for name in slide.classes), f'data-timing="{60 * slide.minutes}"'])
    body = [block.for_page() for block in slide.body]
    if slide.sources:
        body.append("::: source\n" + source_line(slide) + "\n:::")
    return "\n\n".join([f"## {slide.heading} {{{attributes}}}", *body,
                        f"::: notes\n**{minutes_of(slide)}**\n\n{slide.notes}\n:::"])


def source_line(slide):
    numbers = [str(int(number)) for number in slide.sources]
    return ("Notebook " if len(numbers) == 1 else "Notebooks ") + " and ".join(numbers)


def math_font():
    """The handouts' mathematical font, for formulas where no such font is installed."""
    data = base64.b64encode(FONT.read_bytes()).decode()
    return f'@font-face {{font-family: "Slides Math"; src: url(data:font/woff2;base64,{data})}}'


def read(path):
    return path.read_text(encoding="utf-8").strip()


# The notebook.

def notebook_of(slides):
    cells = []
    for number, slide in enumerate(slides, 1):
        cells += cells_of(slide, number)
    return text_of(new_notebook(cells=cells, metadata=METADATA))


def cells_of(slide, number):
    """One cell with all that the slide shows, then the laboratory, then the notes."""
    texts = [block.for_notebook() for block in slide.body if not isinstance(block, Laboratory)]
    laboratories = [block for block in slide.body if isinstance(block, Laboratory)]
    return [
        new_markdown_cell("\n\n".join([f"## {slide.heading}", *texts]), id=f"slide-{number}",
                          metadata=slide_type("slide")),
        *(new_code_cell(block.source, id=f"laboratory-{number}-{k}", outputs=list(block.outputs),
                        metadata={**slide_type("-"), "jupyter": {"source_hidden": True}})
          for k, block in enumerate(laboratories)),
        new_markdown_cell(f"**{minutes_of(slide)}** {slide.notes}", id=f"notes-{number}",
                          metadata=slide_type("notes")),
    ]


def slide_type(name):
    return {"slideshow": {"slide_type": name}}


if __name__ == "__main__":
    main(sys.argv[1:])
