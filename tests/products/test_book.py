"""The book holds every notebook, nothing of it runs that should not, and its films show what the explorers show."""

import base64
import io
import json
import random
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from films import SETS, replayed, small_lattice
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pages import Page, outside_addresses, pictures_without_alt, what_runs
from PIL import Image

from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.film import films, lattice, made, traits
from lstmlib.explorers.where_to_divide.numbers import PLACEMENTS, SIZES, T_MAX, State
from tools import book, handout
from tools.notebooks import stored

STORED = stored()


@pytest.fixture(scope="module")
def pages(small_book):
    return {name: Page((small_book / book.address(name)).read_text(encoding="utf-8"))
            for name in STORED | book.documents()}


def page_of(*cells, instructor=False):
    notebook = new_notebook(cells=[new_markdown_cell("# 1. A page\n\nIts first sentence.", id="first"), *cells])
    return book.Page("01_a_page", notebook, {}, instructor).html({"00_b": "0. B", "01_a_page": "1. A page"})


# Films.

@pytest.mark.parametrize("stem", EXPLORERS)
def test_a_film_shows_what_the_explorer_shows(stem, recorded):
    explorer, states = made(stem), small_lattice(stem)[0]
    assert recorded[stem].data["count"] == len(states)
    for number in random.Random(stem).sample(range(len(states)), min(12, len(states))):
        explorer.move_to(states[number])
        shown = {key: json.loads(json.dumps(value)) for key, value in traits(explorer)}
        assert replayed(recorded[stem], number) == shown


def test_still_pictures_are_those_of_the_poster(recorded):
    for stem, film in recorded.items():
        explorer = made(stem)
        for preset, (_, _, panels) in zip(explorer.poster, film.still, strict=True):
            explorer.choose(preset)
            wanted = explorer.pictures(explorer.state, explorer.numbers)
            assert [svg for _, svg, _, _ in panels] == [panel.svg for panel in wanted]


def test_films_are_kept_and_are_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("lstmlib.explorers.film.lattice", lambda stem: small_lattice(stem)[0][:4])
    first, again = (films(tmp_path / place, ["linearity"]) for place in "ab")
    one, other = (next((tmp_path / place).iterdir()).read_bytes() for place in "ab")
    assert one == other
    monkeypatch.setattr("lstmlib.explorers.film.shoot", None)
    assert films(tmp_path / "a", ["linearity"]) == first == again


def test_the_laboratory_holds_what_a_reader_may_ask():
    """All sets at the sizes and times of the text, named places at all; to choose such a place moves nothing else."""
    held = set(lattice("where_to_divide"))
    assert {State(edges, size_X, T) for edges in SETS for size_X in (1, 2, 4, 8, 10, 100) for T in (1, 2, 3, 4)} <= held
    assert {State(edges, size_X, T) for edges in PLACEMENTS.values() for size_X in SIZES
            for T in range(1, T_MAX + 1)} <= held
    assert {replace(state, edges=edges) for state in held for edges in PLACEMENTS.values()} <= held


# Pages.

def test_the_same_notebooks_give_the_same_bytes(small_book, recorded):
    """A page with pictures and a film, a page of the docs, and an embed, made again."""
    notebooks, film = STORED | book.documents(), recorded["lstm_cell"]
    titles = {name: handout.heading(notebook.cells[0].source) for name, notebook in notebooks.items()}
    again = {f"embed/{film.name}.html": book.embed(film)}
    for name in ("02_lstm_cell", list(notebooks)[-1]):
        again[book.address(name)] = book.Page(name, notebooks[name], {film.title: film}, False).html(titles)
    assert [path for path, text in again.items() if (small_book / path).read_bytes() != text.encode()] == []


def test_every_page_stands_alone_and_has_its_parts(pages):
    for name, page in pages.items():
        assert outside_addresses(page) == pictures_without_alt(page) == []
        assert page.all("html") == [{"lang": "en-GB"}]
        for tag, number in (("h1", 1), ("main", 1), ("header", 1), ("footer", 1), ("nav", 2), ("title", 1)):
            assert len(page.all(tag)) == number, (name, tag)
        ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
        assert len(ids) == len(set(ids)), name


def test_every_page_is_valid_html(small_book):
    """As the standard's parser reads it, and as html-validate does where it is installed."""
    html5lib = pytest.importorskip("bleach._vendor.html5lib")
    paths = sorted(small_book.rglob("*.html"))
    for path in paths:
        parser = html5lib.HTMLParser()
        parser.parse(path.read_text(encoding="utf-8"))
        assert parser.errors == [], path.name
    assert not re.search("<th(?! scope=)[ >]", "".join(path.read_text(encoding="utf-8") for path in paths))
    if validator := shutil.which("html-validate"):
        command = [validator, "--preset", "standard,a11y", *map(str, paths)]
        found = subprocess.run(command, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout


def test_every_link_leads_somewhere(pages):
    places = {book.address(name): {attributes.get("id") for _, attributes in page.tags} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.all("a"):
            file, _, place = link.get("href", "").partition("#")
            if re.match("https?:", file):
                continue
            assert (place or None) in places[file or book.address(name)], (name, link)


def test_every_cell_is_there_once(pages):
    for name, notebook in STORED.items():
        text = re.sub(r"\s+", "", pages[name].text)
        for cell in notebook.cells:
            if cell.cell_type == "code" and ".sentence(" not in cell.source:
                lines = [line for line in cell.source.splitlines() if line.strip() and "### " not in line]
                assert all(re.sub(r"\s+", "", line) in text for line in lines), (name, cell.id)
            for output in cell.get("outputs", []):
                if "text" in output and output.text != "Not answered yet.\n":
                    assert re.sub(r"\s+", "", output.text) in text, (name, cell.id)


def test_no_tex_is_left_and_every_formula_has_its_number(small_book, pages):
    for name, notebook in STORED.items():
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        source = (small_book / book.address(name)).read_text(encoding="utf-8")
        for tag in re.findall(r"\\tag\{(.*?)\}", prose):
            assert source.count(f'id="equation-{tag.replace(".", "-")}"') == 1
        assert "\\tag" not in pages[name].text and "$$" not in pages[name].text


@pytest.mark.parametrize("formula, rows", [
    (r"a = 1, \qquad b = 2", 2), (r"a = 1 \quad\text{or } b", 1), (r"a = \begin{cases} 1 & b \\ 2 & c \end{cases}", 1),
    (r"\begin{aligned} a &= 1 & b &= 2 \\ & & c &= 3 \end{aligned}", 3),
    (r"\begin{aligned} a &= 1 \\ b &= {2 \qquad 3} \end{aligned}", 1),
    (r"\begin{aligned} a &= 1, \quad b = 2 \\ c &= 3 && \text{so} \end{aligned}", 4)])
def test_on_a_narrow_screen_what_stands_side_by_side_stands_below(formula, rows):
    page = page_of(new_markdown_cell(f"$$ {formula} \\tag{{1.1}} $$"))
    narrow = re.findall(r'<span class="narrow"><math.*?</math></span>', page, re.DOTALL)
    assert len(narrow) == (rows > 1)
    assert page.count('class="wide"') == len(narrow) and page.count(">(1.1)<") == 1
    if narrow:
        table = narrow[0].partition("<annotation")[0]
        assert table.count("<mtr>") == rows and "2.0em" not in table


def test_a_picture_that_speaks_of_shades_keeps_them_in_the_dark(pages):
    spoken = [name for name, page in pages.items() for figure in page.all("figure") if figure.get("class") == "shades"]
    assert spoken == ["08_bug_clinic"]


def test_a_picture_with_fewer_colours_is_the_same_picture():
    png = next(base64.b64decode(output.data["image/png"]) for cell in STORED["02_lstm_cell"].cells
               for output in cell.get("outputs", []) if "image/png" in output.get("data", {}))
    before, after = (np.array(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
                     for data in (png, book.lighter(png)))
    assert before.shape == after.shape and np.abs(before - after).mean() < 0.1
    assert len(book.lighter(png)) < 0.6 * len(png)


def printed(text, **jupyter):
    return new_code_cell("f()", outputs=[new_output("stream", text=text)], metadata={"jupyter": jupyter})


WHOLE = r"So $\tanh z = \tanh^2 c$, ($\log_2 T$), and $\tanh(z)$."  # no line begins with what follows a formula
MADE = [  # cells, and what a page makes of them
    (new_markdown_cell(WHOLE), r'(?:<mspace width="0.167em">.*){3}'),
    (new_markdown_cell(WHOLE), r'<span class="whole">\(<math.*</math></span>\),</span>.*</math>\.</span>'),
    (new_code_cell("if x:\n    y = 1"), 'style="--in:4"><a [^>]*></a>    y'),  # there a long line goes on
    (printed("a    b\n1    2\n"), '<pre class="output table"><samp>a    b'),  # columns stay columns
    (printed("all of it\nin two lines"), '<pre class="output"><samp><span>all of it'),
    (printed("c  d"), '<pre class="output"><samp><span>c  d'),
    (printed("<b>a</b> & b"), "&lt;b&gt;a&lt;/b&gt; &amp; b"),
    (printed("five", outputs_hidden=True), '<details class="answer">(?:(?!</details>).)*five'),
    (printed("six", outputs_hidden=True, source_hidden=True), '<details class="answer">(?:(?!</details>).)*six'),
    (new_code_cell("x = 1", metadata={"tags": ["solution"]}),
     '<details class="solution"><summary>Solution</summary>(?:(?!</details>).)*x'),
    (new_markdown_cell("> **For teachers.** A hint.", metadata={"tags": ["teaching-note"]}),
     '<details class="teaching"><summary>For teachers</summary><p> A hint.'),
]


def test_what_a_page_makes_of_cells():
    cells, patterns = zip(*MADE)
    page = page_of(*cells)
    assert [pattern for pattern in patterns if not re.search(pattern, page, re.DOTALL)] == []
    assert '<details class="teaching" open>' in page_of(*cells, instructor=True)


def test_nothing_in_a_notebook_runs_or_loads():
    """More of raw HTML is tried in test_safety.py."""
    cell = new_markdown_cell(
        """<script>alert(1)</script> <img src=x onerror="alert(1)"> [x](javascript:alert(1)) ![x](https://a.example/b)
        [x](https://a.example){onclick=alert(1)} [x]{style="background: url(https://a.example)" data-exercise="{}"}""")
    page = Page(page_of(cell))
    assert outside_addresses(page) == [] and what_runs(page) == what_runs(Page(page_of()))
    assert not any(name.startswith("data-") for _, attributes in page.tags for name in attributes)


def test_sizes(small_book):
    sizes = {path.relative_to(small_book).as_posix(): path.stat().st_size for path in small_book.rglob("*.html")}
    assert sizes["index.html"] < 1e6 and sum(sizes.values()) < 15e6
    assert len(sizes) == len(STORED | book.documents()) + len(EXPLORERS)
