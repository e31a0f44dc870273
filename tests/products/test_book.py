"""The book holds every notebook, and nothing of it runs that should not. Its films are played in tests/browser."""

import re
from dataclasses import replace

import pytest
from bleach._vendor.html5lib import HTMLParser
from films import small_lattice
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pages import Page, outside_addresses, pictures_without_alt, squeezed, what_runs

from lstmlib.explorers.film import films, lattice
from lstmlib.explorers.where_to_divide.numbers import PLACEMENTS, SETS, SIZES, T_MAX, State
from tools import book, handout
from tools.notebooks import stored

STORED = stored()


@pytest.fixture(scope="module")
def pages(small_book):
    return {name: Page((small_book / book.address(name)).read_text(encoding="utf-8"))
            for name in STORED | book.documents()}


def page_of(*cells, instructor=False):
    notebook = new_notebook(cells=[new_markdown_cell("# 1. A page\n\nIts first sentence.", id="first"), *cells])
    return book.Page("01_a_page", notebook, {"00_b": "0. B", "01_a_page": "1. A page"}, {}, instructor).html()


# Films.

def test_films_are_kept_and_are_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("lstmlib.explorers.film.lattice", lambda stem: small_lattice(stem)[:4])
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
    film, notebooks = recorded["lstm_cell"], STORED | book.documents()
    titles = {name: handout.heading(notebook.cells[0].source) for name, notebook in notebooks.items()}
    again = book.Page("02_lstm_cell", STORED["02_lstm_cell"], titles, {film.title: film}).html()
    assert again.encode() == (small_book / "02_lstm_cell.html").read_bytes()


def test_every_page_stands_alone_and_is_valid_html(small_book, pages):
    for name, page in pages.items():
        parser, text = HTMLParser(), (small_book / book.address(name)).read_text(encoding="utf-8")
        parser.parse(text)
        assert parser.errors == outside_addresses(page) == pictures_without_alt(page) == [], name
        assert page.all("html") == [{"lang": "en-GB"}] and len(page.all("h1")) == len(page.all("main")) == 1
        ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
        assert len(ids) == len(set(ids)) and not re.search("<th(?! scope=)[ >]", text), name


def test_every_link_leads_somewhere(pages):
    places = {book.address(name): {attributes.get("id") for _, attributes in page.tags} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.all("a"):
            file, _, place = link.get("href", "").partition("#")
            if re.match("https?:", file):
                continue
            assert (place or None) in places[file or book.address(name)], (name, link)


def test_every_cell_is_there_and_every_formula_is_set_and_has_its_number(pages):
    for name, notebook in STORED.items():
        text = squeezed(pages[name].text)
        assert "\\tag" not in text and "$$" not in text
        numbered = [attributes["id"] for _, attributes in pages[name].tags if "equation-" in attributes.get("id", "")]
        tags = [tag for cell in notebook.cells for tag in re.findall(r"\\tag\{(.*?)\}", cell.source)]
        assert numbered == [f"equation-{tag.replace('.', '-')}" for tag in tags]
        for cell in notebook.cells:
            if cell.cell_type == "code" and ".sentence(" not in cell.source:
                assert all(squeezed(line) in text for line in cell.source.splitlines() if "### " not in line), cell.id
            for output in cell.get("outputs", []):
                assert output.get("text") == "Not answered yet.\n" or squeezed(output.get("text", "")) in text, cell.id


def printed(text, **jupyter):
    return new_code_cell("f()", outputs=[new_output("stream", text=text)], metadata={"jupyter": jupyter})


@pytest.mark.parametrize("cell, found", [
    (printed("a    b\n1    2\n"), '<pre class="output table"><samp>a    b'),  # columns stay columns
    (printed("<b>a</b> & b"), "&lt;b&gt;a&lt;/b&gt; &amp; b"),
    (printed("five", outputs_hidden=True), '<details class="answer">(?:(?!</details>).)*five'),
    (new_code_cell("x = 1", metadata={"tags": ["solution"]}),
     '<details class="solution"><summary>Solution</summary>(?:(?!</details>).)*x'),
    *((new_markdown_cell("> **For teachers.** A hint.", metadata={"tags": ["teaching-note"]}),
       f'<details class="teaching"{unfolded}><summary>For teachers</summary><p>') for unfolded in ("", " open"))])
def test_what_a_page_makes_of_a_cell_for_a_reader_or_an_instructor(cell, found):
    assert re.search(found, page_of(cell) + page_of(cell, instructor=True), re.DOTALL)


def test_nothing_in_a_notebook_runs_or_loads():
    """More of raw HTML is tried in test_safety.py."""
    cell = new_markdown_cell(
        """<script>alert(1)</script> <img src=x onerror="alert(1)"> [x](javascript:alert(1)) ![x](https://a.example/b)
        [x](https://a.example){onclick=alert(1)} [x]{style="background: url(https://a.example)" data-exercise="{}"}""")
    page = Page(page_of(cell))
    assert outside_addresses(page) == [] and what_runs(page) == what_runs(Page(page_of()))
    assert not any(name.startswith("data-") for _, attributes in page.tags for name in attributes)
