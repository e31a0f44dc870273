"""Make the book: one page for each notebook, with explorers that work in any browser, without Python.

    python run.py book some/folder        into some/folder (build/book if none is named)
    python run.py book --open             and show its first page
    python run.py book --instructor       with the teaching notes unfolded, and what is said to wrong answers

The notebooks are taken as they are stored. The explorers are films: their states on a lattice of their controls, made
once (in some minutes; kept in build/film). Every page is one file, and so is each explorer in the folder `embed`.
"""

import ast
import base64
import functools
import html
import io
import json
import re
import webbrowser
from importlib import import_module

import numpy as np
from nbformat.v4 import new_markdown_cell, new_notebook
from PIL import Image

from lstmlib.exercises.answers import answers
from lstmlib.explorers import Prediction, Sentence
from lstmlib.explorers.film import films
from tools import handout
from tools.files import ROOT, announce, folder_of, read, write
from tools.notebooks import EXPLORER_PICTURE, stored
from tools.pages import filled, run_pandoc
from tools.safe_html import safe_html
from tools.stubs import exercises, imported_exercises

PARTS = ROOT / "tools" / "book"
FONTS = ROOT / "tools" / "handout" / "fonts"
OPTIONS = (f"--from={handout.MARKDOWN}", "--to=html5", "--mathml", "--wrap=none",
           f"--lua-filter={PARTS / 'filter.lua'}")
CUT = "Here one cell of the book ends."
NOTE = re.compile(r"<blockquote>\s*<p><strong>(Note|For teachers)\.</strong>(.*?)</blockquote>", re.DOTALL)
DOCUMENT = re.compile(r"\[([^]]+)\]\((?:\.\./docs/)?([\w-]+)\.md\)")
HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>')


def main(arguments):
    options = {"--open", "--instructor"} & set(arguments)
    folder = folder_of([word for word in arguments if word not in options], __doc__, ROOT / "build" / "book")
    announce(build(folder, "--instructor" in options), "The book", folder)
    if "--open" in options:
        webbrowser.open((folder / "index.html").resolve().as_uri())


def build(folder, instructor=False, recorded=None):
    """Write the pages and the embeds; yield every path. `recorded` {title: Film}: of the whole lattice, where None."""
    notebooks = stored() | documents()
    recorded = films(ROOT / "build" / "film") if recorded is None else recorded
    titles = {name: handout.heading(notebook.cells[0].source) for name, notebook in notebooks.items()}
    pages = {address(name): Page(name, notebook, titles, recorded, instructor).html()
             for name, notebook in notebooks.items()}
    embeds = {f"embed/{film.name}.html": embed(film) for film in recorded.values()}
    for path, text in (pages | embeds).items():
        write(folder / path, text)
        yield folder / path


def documents():
    """{name: notebook} of the Markdown files in docs to which a notebook leads."""
    named = {name for notebook in stored().values() for cell in notebook.cells
             for name in re.findall(r"\]\(\.\./docs/([\w-]+)\.md\)", cell.source)}
    return {name: new_notebook(cells=[new_markdown_cell(read(ROOT / "docs" / f"{name}.md"), id="all")])
            for name in sorted(named)}


def address(name):
    return "index.html" if name.startswith("00") else f"{name}.html"


# A notebook as the text of a page.

class Page:
    """One notebook as a page. `titles` {name: title} are those of all pages, `films` {title: Film} of all explorers."""

    def __init__(self, name, notebook, titles, films, instructor=False):
        self.name, self.notebook, self.titles, self.instructor = name, notebook, titles, instructor
        self.films = {f"Explorer({title!r})": film for title, film in films.items()}  # by what a cell shows
        self.shown = []  # the films on this page
        self.solutions = {stub.id: solution.source for stub, solution in exercises(notebook)}

    def html(self):
        text = self.text()
        first = re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", re.search(r"<p>(.*?)</p>", text, re.DOTALL)[1])
        return filled(PARTS / "page.html", name=self.name, titles=self.titles, here=list(self.titles).index(self.name),
                      address=address, text=text, headings=HEADING.findall(text), description=" ".join(first.split()),
                      series=handout.SERIES, release=handout.VERSION, style=f"{fonts()}\n{style()}",
                      scripts=scripts(self.shown))

    def text(self):
        """The HTML of all cells."""
        cells = [cell for cell in self.notebook.cells if cell.source.strip() not in ("", handout.FOLDED)]
        texts = [DOCUMENT.sub(self.link, cell.source) if cell.cell_type == "markdown"
                 else handout.fenced("python", handout.SOLUTION_MARK.sub("", cell.source)) for cell in cells]
        pieces = pandoc(f"\n\n{CUT}\n\n".join(texts), self.name).split(f"<p>{CUT}</p>")
        if len(pieces) != len(cells):
            raise SystemExit(f"{self.name}: the Markdown of a cell runs on into the next one.")
        return "\n".join(map(self.cell, cells, pieces))

    def cell(self, cell, piece):
        tags, hidden = cell.metadata.get("tags", []), cell.metadata.get("jupyter", {})
        if cell.cell_type == "markdown":
            return scrolling(NOTE.sub(self.note, safe_html(piece)))
        if ".sentence(" in cell.source:
            return self.sentence(cell)
        outputs = "".join(map(self.output, cell.outputs)) + self.form(cell)
        if "solution" in tags:
            return folded("solution", "Solution", piece + outputs) + self.difficulties(cell)
        if hidden.get("outputs_hidden"):
            figure = re.search(r"<figcaption><b>(Figure [\d.]+)\.</b>", outputs)
            outputs = folded("answer", f"What comes out: {figure[1]}" if figure else "What comes out", outputs)
        if hidden.get("source_hidden") or "explorer" in tags:
            return outputs + folded("code", "Code", piece)
        return f'<div class="cell">{piece}{outputs}</div>'

    def form(self, cell):
        """Under a cell that waits for choices or numbers, a place to type them."""
        modules = {name: import_module(f"lstmlib.exercises.{module}")
                   for name, module in imported_exercises(self.notebook).items()}
        said = cell.id in self.solutions and answers(self.solutions[cell.id], modules)
        return live("exercise", said, "") if said else ""

    def link(self, found):
        words, name = found.groups()
        return f"[{words}]({address(name)})" if name in self.titles else words

    def note(self, found):
        kind, text = found.groups()
        if kind == "Note":
            return f'<div class="note" role="note"><p>{text}</div>'
        return folded("teaching", "For teachers", f"<p>{text}", self.instructor)

    def difficulties(self, cell):
        said = handout.expected_difficulties(cell.source, self.notebook) if self.instructor else ""
        return folded("teaching", "For teachers", pandoc(said, self.name), True) if said else ""

    def output(self, output):
        data, about = output.get("data", {}), output.get("metadata", {})
        plain, markup = output.get("text", data.get("text/plain", "")), data.get("text/html", "")
        if plain == handout.UNANSWERED or markup.startswith(handout.PROGRESS) or "text/markdown" in data:
            return ""  # a caption stands under its picture already
        if "image/png" in data:
            png = base64.b64encode(lighter(base64.b64decode(data["image/png"]))).decode()
            return figure(f"data:image/png;base64,{png}", about["image/png"])
        if picture := EXPLORER_PICTURE.fullmatch(markup):
            source = f"data:{picture['kind']};base64,{picture['data']}"
            return figure(source, {"alt": html.unescape(picture["alt"]), "width": picture["width"]})
        if "lstm_prediction" in about:
            return live("prediction", about["lstm_prediction"], safe_html(markup))
        if film := self.films.get(plain):
            self.shown.append(film)
            return filled(PARTS / "film.html", film=film)
        return printed(plain)

    def sentence(self, cell):
        """A sentence that sets the explorer before it; without JavaScript, its words."""
        call = ast.parse(cell.source).body[-1].value
        still = safe_html("".join(output.data["text/html"] for output in cell.outputs))
        parts = Sentence.parts_of(ast.literal_eval(call.args[0]))
        return live("sentence", {"film": self.shown[-1].name, "parts": parts}, still)


def pandoc(markdown, name):
    """Markdown as HTML. Where a line of code is too long, what is left of it stands further in than its beginning."""
    text = run_pandoc(markdown, name, *OPTIONS)
    text = re.sub(r'stretchy="true"(?= form="\w+">‖)', 'stretchy="false"', text)  # else twice as tall in some fonts
    return re.sub(r'(<span id="cb[\d-]+")(><a [^>]*></a>)( +)',
                  lambda found: f'{found[1]} style="--in:{len(found[3])}"{found[2]}{found[3]}', text)


def folded(kind, summary, content, unfolded=False):
    return f'<details class="{kind}"{" open" * unfolded}><summary>{summary}</summary>{content}</details>'


def scrolling(piece):
    """Wide tables, and text in columns, scroll in a box of their own; a head without words is no head."""
    piece = piece.replace("<pre><code>", '<pre class="table"><code>')
    piece = re.sub(r"<th[^>]*></th>", "<td></td>", piece)
    piece = re.sub(r"<th(?=[ >])", '<th scope="col"', piece)
    return piece.replace("<table", '<div class="scroll"><table').replace("</table>", "</table></div>")


def printed(text):
    """What a cell printed. Columns stay columns, in a box that scrolls where it must."""
    lines = [html.escape(line.rstrip()) for line in text.rstrip().splitlines()]
    table = sum(bool(re.search(r"\S {2,}\S", line)) for line in lines) > 1
    if not table:
        whole = (re.sub(r"[\d.]+e-\d+", r'<span class="whole">\g<0></span>', line) for line in lines)
        lines = [f"<span>{line}</span>" for line in whole]
    text = "\n".join(lines)
    return f'<pre class="output{" table" * table}"><samp>{text}</samp></pre>'


def live(kind, data, still):
    """What JavaScript makes of data, and what stands there without it."""
    return f'<div data-{kind}="{html.escape(json.dumps(data))}">{still}</div>'


def figure(source, about):
    """A picture with its sentence under it: said once, not in the alternative text too."""
    number, caption = re.fullmatch(r"((?:Figure \d+\.\d+\.)?)\s*(.*)", about["alt"], re.DOTALL).groups()
    size = "".join(f' {side}="{about[side]}"' for side in ("width", "height") if side in about)
    shades = ' class="shades"' * bool(re.search(r"\b(dark|light)er\b", caption))  # which the dark would turn round
    return (f'<figure{shades} style="--width:{about["width"]}px"><div class="scroll">'
            f'<img alt="{number.rstrip(".") or "Figure"}, described in its caption"{size} src="{source}"></div>'
            f"<figcaption><b>{number}</b> {html.escape(caption)}</figcaption></figure>")


def lighter(png):
    """The picture with the 256 commonest of its colours; the others, between line and ground, become the nearest."""
    pixels = np.array(Image.open(io.BytesIO(png)).convert("RGBA"))
    colours, places, times = np.unique(pixels.view("<u4"), return_inverse=True, return_counts=True)
    colours = colours.view("u1").reshape(-1, 4).astype(int)
    kept = colours[np.argsort(-times, kind="stable")[:256]]
    nearest = np.array([np.abs(kept - colour).sum(axis=1).argmin() for colour in colours], "u1")
    picture, small = Image.fromarray(nearest[places].reshape(pixels.shape[:2])), io.BytesIO()
    picture.putpalette(kept.astype("u1").tobytes(), "RGBA")
    picture.save(small, "PNG", optimize=True)
    return small.getvalue()


# The page around it.

def embed(film):
    """A page with nothing but this explorer."""
    return filled(PARTS / "embed.html", film=film, style=style(), text=filled(PARTS / "film.html", film=film),
                  scripts=scripts([film]))


def scripts(films):
    """The films, and what plays them: with the widgets' own JavaScript."""
    kinds = {"Sentence": Sentence._esm, "Prediction": Prediction._esm}
    for film in films:
        kinds |= film.kinds
    modules = ",\n".join(f"{kind}: (() => {{\n{str(source).replace('export default', 'return')}\n}})()"
                         for kind, source in kinds.items())
    data = [json.dumps(film.data).replace("<", r"\u003c") for film in films]
    return "\n".join([*(f'<script type="application/json" class="film">{film}</script>' for film in data),
                      f'<script type="module">{read(PARTS / "player.js")}\nplay({{{modules}}});\n</script>'])


@functools.cache
def fonts():
    """The text and the formulas look the same everywhere."""
    faces = [("Book Text", "STIXTwoText-Regular", ""), ("Book Text", "STIXTwoText-Italic", "font-style:italic"),
             ("Book Text", "STIXTwoText-Bold", "font-weight:700"), ("Book Math", "STIXTwoMath", "")]
    return "\n".join(font_face(*face) for face in faces)


def font_face(family, file, rest=""):
    data = base64.b64encode((FONTS / f"{file}.woff2").read_bytes()).decode()
    return f'@font-face{{font-family:"{family}";src:url(data:font/woff2;base64,{data});{rest}}}'


def style():
    return "\n".join([str(Sentence._css), read(PARTS / "page.css")])
