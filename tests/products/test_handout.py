"""The handouts hold what they should, in text that was read back from the PDF files, and nothing else.

A scanner is a function from a text to a list of faults. Each is also tried on texts in which its fault was planted.
"""

import functools
import re
import shutil
import subprocess
import sys
from itertools import pairwise, takewhile

import numpy as np
import pytest
from kept import kept

from tools import handout
from tools.notebooks import stored
from tools.stubs import exercises

STORED = stored()
SHEETS = [name for name in handout.documents() if name.startswith("sheets/")]
BOOKS = ["instructor/series", "student/series"]
AGAIN = ["instructor/00_start_here", "sheets/worksheet_1"]  # made twice
NUMBER = re.compile(r"(?<![\w\])}])\((\d\.\d{1,2})\)")


@pytest.fixture(scope="module")
def folder():
    """The sheets, the series in both editions, and a notebook."""
    return kept("handouts", lambda place: list(handout.build(place, [*BOOKS, *AGAIN[:1], *SHEETS])))


def told_by(program, *arguments):
    """What a program of poppler says of a PDF file."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return subprocess.run([program, *arguments], capture_output=True, check=True).stdout


@functools.cache
def printed(path):
    """The text of a PDF file."""
    return told_by("pdftotext", "-layout", path, "-").decode()


def squeezed(text):
    return re.sub(r"\s+", "", text)


def without_quotes(text):
    return re.sub("['\"‘’“”]", "", squeezed(text))


def without_code(text):
    """The text without the lines of code cells, whose strings may hold TeX for matplotlib."""
    code = {squeezed(line) for notebook in STORED.values() for cell in notebook.cells
            if cell.cell_type == "code" for line in cell.source.splitlines()}
    return "\n".join(line for line in text.splitlines() if squeezed(line) not in code)


# The scanners.

# TeX that was not set, widgets, signs of a reference that was not resolved.
LEFT_OVER = re.compile(r"\\(?:[a-z]{2,}|[A-Z]\w+|[,;!|])|\$[^$\n]+\$|\$\$"
                       r"|application/vnd|widget-view|model_id|version_major|base64,|\(progress bar|\?\?|@\w+-\d")
CELLS = [cell for notebook in STORED.values() for cell in notebook.cells]
SOLUTIONS = [cell for cell in CELLS if "solution" in cell.metadata.get("tags", [])]
TAGS = [tag for cell in CELLS if cell.cell_type == "markdown" for tag in re.findall(r"\\tag\{(.*?)\}", cell.source)]
NUMBERS_IN_CODE = {number for cell in CELLS if cell.cell_type == "code"
                   for text in (cell.source, *(output.get("text", "") for output in cell.outputs))
                   for number in NUMBER.findall(text)}


def left_over(text):
    return LEFT_OVER.findall(text)


def missing_references(text):
    """Numbers in brackets that are neither formulas nor in code."""
    return sorted(set(NUMBER.findall(text)) - set(TAGS) - NUMBERS_IN_CODE)


@functools.cache
def secrets():
    """The lines that only solutions have, and the heads of notes for teachers."""
    public = squeezed("".join(cell.source for cell in CELLS if cell not in SOLUTIONS))
    lines = [line.strip() for cell in SOLUTIONS for line in cell.source.splitlines()]
    return ["For teachers.", *(line for line in lines if len(line) > 12 and "### " not in line
                               and squeezed(line) not in public)]


def leaked_solutions(text):
    text = squeezed(text)
    return [line for line in secrets() if squeezed(line) in text]


@pytest.mark.parametrize("scan, planted", [
    (left_over, r"so \frac{a}{b} is"), (left_over, "and $x$ too"), (left_over, r"a \, b"), (left_over, r"\Var x"),
    (left_over, '"model_id": 3'), (left_over, "(progress bar: runs)"), (left_over, "by ??"),
    (missing_references, "see (9.9) above"),
    (leaked_solutions, "    return dh * 100 / 3\n"), (leaked_solutions, "For teachers. Begin"),
])
def test_a_planted_fault_is_found(scan, planted):
    assert scan(planted)


# What is printed.

@pytest.mark.parametrize("name", BOOKS)
def test_a_book(folder, name):
    path = folder / f"{name}.pdf"
    text = printed(path)
    pages = text.count("\f")
    assert 60 < pages < 180 and f"{pages}/{pages}" in squeezed(text)
    assert f"The {name.partition('/')[0]} version, release {handout.VERSION}" in text
    assert left_over(without_code(text)) == missing_references(text) == []
    assert "About this handout" in text and "CC BY 4.0" in text and "BSD 3-Clause" in text and "41581" in text
    assert [tag for tag in TAGS if not re.search(rf"\({re.escape(tag)}\)\s*$", text, re.MULTILINE)] == []
    assert b"pdfuaid:part>1<" in path.read_bytes().replace(b" ", b"")


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_has_few_pages_and_only_the_key_has_answers(folder, name):
    text = printed(folder / f"{name}.pdf")
    assert text.count("\f") <= (2 if name == "sheets/summary" else 4)
    assert left_over(without_code(text)) == [] and b"pdfuaid:part>1<" in (folder / f"{name}.pdf").read_bytes()
    markdown = (handout.SHEETS / f"{name.removeprefix('sheets/').removesuffix('_key')}.md").read_text(encoding="utf-8")
    answers = re.findall(r"^::: \{\.write[^\n]*\n(.*?)\n:::$", markdown, re.DOTALL | re.MULTILINE)
    shown = [answer for answer in answers if without_quotes(first_words(answer)) in without_quotes(text)]
    assert shown == (answers if name.endswith("_key") else [])


IN_CELL = re.compile(r"\[([^]]*)\]\{\.(?:key|gap)\}")


@pytest.mark.parametrize("name", [name for name in SHEETS if "worksheet" in name])
def test_answers_stand_in_their_cells_and_only_in_the_key(folder, name):
    """Rows and lines that are set without formulas: with their answers in the key, with nothing in their place else."""
    markdown = (handout.SHEETS / f"{name[7:18]}.md").read_text(encoding="utf-8")
    lines = [line for line in markdown.splitlines() if IN_CELL.search(line) and "$" not in line and len(line) < 90]
    text, key = without_quotes(printed(folder / f"{name}.pdf")), name.endswith("_key")
    for line in lines:
        words = re.sub(r"[|*`]", "", IN_CELL.sub(r"\1" if key else "", line))
        assert without_quotes(words) in text, line
    assert len(lines) > 5 and text.count("☒") == key * markdown.count("☒") and "☒" in markdown
    assert sum(squeezed(answer) in text for answer in ("exactly once", "C, loss₂, y₂, h₂, z₂, h₁, z₁, b")) <= 2 * key


def test_columns_of_cases_stand_apart(tmp_path):
    markdown = "# Cases\n\n$$ \\begin{cases} ab & cd \\\\ e & f \\end{cases} $$"
    (tmp_path / "cases.pdf").write_bytes(handout.make_pdf(markdown, "Cases", "student", tmp_path))
    assert re.search(r"𝑎𝑏\s{2,}𝑐𝑑|ab\s{2,}cd", printed(tmp_path / "cases.pdf"))


def first_words(answer):
    """Those before the first formula or code: they are printed as they are written."""
    return max(re.split(r"\$[^$]*\$|[*`\n]", answer), key=len)


def test_code_has_one_size(folder):
    """Long lines that are set in the font of code from end to end."""
    xml = told_by("pdftohtml", "-xml", "-i", "-zoom", "4", "-stdout", folder / "instructor/series.pdf").decode()
    mono = {font: size for font, size, family in re.findall(r'<fontspec id="(\d+)" size="(\d+)" family="([^"]*)"', xml)
            if "Mono" in family}
    assert len({mono[font] for font, words in re.findall(r'<text [^>]*font="(\d+)">(.*?)</text>', xml)
                if font in mono and len(words) > 60}) == 1


# What a screen reader is told.

def structure(path):
    """[(depth, tag), ...] of the tags of a PDF file, in the order of reading."""
    found = re.findall(r"^( *)([A-Z]\w*)", told_by("pdfinfo", "-struct", path).decode(), re.MULTILINE)
    return [(len(before), tag) for before, tag in found]


def faults_of(tags):
    """Headings that skip a level, tables without header cells, pictures without a caption."""
    levels = [int(tag[1]) for _, tag in tags if re.fullmatch("H[1-6]", tag)]
    faults = [f"H{after} after H{before}" for before, after in pairwise([0, *levels]) if after > before + 1]
    for number in (number for number, (_, tag) in enumerate(tags) if tag == "Table"):
        inside = takewhile(lambda each: each[0] > tags[number][0], tags[number + 1:])
        if "TH" not in [tag for _, tag in inside]:
            faults.append(f"tag {number}, a table, has no header cells")
    names = [tag for _, tag in tags]
    return faults + ["pictures without a caption"] * (names.count("Figure") != names.count("Caption"))


@pytest.mark.parametrize("name", [*BOOKS, *SHEETS])
def test_the_tags_of_a_document_say_what_is_what(folder, name):
    path = folder / f"{name}.pdf"
    tags = structure(path)
    assert faults_of(tags) == []
    xml = told_by("pdftohtml", "-xml", "-i", "-stdout", path).decode()
    marks = re.search(r"<outline>.*</outline>", xml, re.DOTALL)[0]
    assert marks.count("<item") == sum(tag in ("H1", "H2", "H3") for _, tag in tags)


def test_the_line_for_a_name_is_no_part_of_the_heading(folder):
    path = folder / "sheets/worksheet_2.pdf"
    assert "Name:" in printed(path) and b"Name:" not in told_by("pdfinfo", "-struct-text", path)


@pytest.mark.parametrize("tags", [
    [(2, "H1"), (2, "H3")], [(2, "H1"), (2, "Table"), (4, "TD"), (2, "P"), (2, "TH")],
    [(2, "H1"), (2, "Div"), (4, "Figure")],
])
def test_a_planted_fault_of_tags_is_found(tags):
    assert faults_of(tags)


def test_links_lead_to_what_they_name(folder):
    path = folder / "instructor/series.pdf"
    xml = told_by("pdftohtml", "-xml", "-i", "-stdout", path).decode()
    links = re.findall(r'<a href="[^"#]*#(\d+)">(.*?)</a>', xml)
    pages, formulas = printed(path).split("\f"), 0
    for page, words in links:
        for number in NUMBER.findall(words):
            formulas += 1
            assert re.search(rf"\({re.escape(number)}\)\s*$", pages[int(page) - 1], re.MULTILINE), (page, words)
        for chapter in re.findall(r"notebook (\d)", words):
            assert re.search(rf"^\s*{chapter}\. ", pages[int(page) - 1], re.MULTILINE), (page, words)
    assert formulas > 50


def empty_shares(path):
    """For each page, how much of its height above the footer stands empty at its end: no text, line or picture."""
    pages = told_by("pdftoppm", "-r", "18", "-gray", path)
    while pages:
        head = re.match(rb"P5\n(\d+) (\d+)\n255\n", pages)
        width, height = map(int, head.groups())
        page = np.frombuffer(pages, np.uint8, width * height, head.end()).reshape(height, width)
        above_footer = page[:round(height * 785 / 842)]
        inked = np.flatnonzero((above_footer < 250).any(axis=1))
        yield 1 - (inked.max(initial=-1) + 1) / len(above_footer)
        pages = pages[head.end() + width * height:]


@pytest.mark.parametrize("name", BOOKS)
def test_no_page_but_the_last_of_a_chapter_is_more_than_a_fifth_empty(folder, name):
    path = folder / f"{name}.pdf"
    begins = [re.match(r"\s*\S[^\n]*\s+\d\. \w[^\n]*\n\s*\d\. ", page) for page in printed(path).split("\f")]
    assert [(page, share) for page, share in enumerate(list(empty_shares(path))[:-1], 1)
            if share > 0.2 and not begins[page]] == []


def test_what_belongs_together_is_on_one_page(folder):
    """The code of an exercise, and the answers to a prediction."""
    for edition in handout.EDITIONS:
        pages = [squeezed(page) for page in printed(folder / edition / "series.pdf").split("\f")]
        stubs = [stub.source.rpartition("...")[0] for notebook in STORED.values() for stub, _ in exercises(notebook)]
        chosen = [text for cell in CELLS for text in predictions(cell)]
        assert len(stubs) > 30 and len(chosen) > 10
        assert [text for text in [*stubs, *chosen] if not any(squeezed(text) in page for page in pages)] == []


def predictions(cell):
    """The answers of a prediction, as they are printed."""
    said = [output.metadata["lstm_prediction"] for output in cell.get("outputs", [])
            if "lstm_prediction" in output.get("metadata", {})]
    return ["".join(f"☐{text}" for text in one["texts"]) for one in said if one["texts"]]


def test_a_long_line_goes_on_below_its_second_column():
    text = "a title\nFAULT    " + 5 * "many words " + "\n         and more" + "\nnext     " + 30 * "x" + "\nshort"
    assert handout.narrow(text, 40).splitlines() == [
        "a title", "FAULT    many words many words many", "         words many words many words", "         and more",
        "next     " + 30 * "x", "short"]
    printed_lines = [line for cell in CELLS for output in cell.get("outputs", [])
                     for line in handout.narrow(output.get("text", "")).splitlines()]
    assert max(map(len, printed_lines)) <= 96


def test_students_get_no_solutions(folder, tmp_path):
    assert len(secrets()) > 5 * len(STORED)
    for name, notebook in STORED.items():
        assert leaked_solutions(handout.chapter(notebook, name, "student", tmp_path)) == [], name
    assert leaked_solutions(printed(folder / "student" / "series.pdf")) == []


def test_instructors_get_solutions_notes_timings_and_difficulties(folder):
    text = " ".join(printed(folder / "instructor" / "series.pdf").split())
    shown = leaked_solutions(text)
    assert [line for line in secrets() if len(line) < 80 and line not in shown] == []
    assert text.count("For teachers.") == sum("teaching-note" in cell.metadata.get("tags", []) for cell in CELLS)
    assert len(re.findall(r"For the instructor\. \d+ minutes to read, \d+ for the exercises", text)) == len(STORED)
    assert text.count("Expected difficulties.") >= 2 * len(STORED)


def test_what_was_typed_stands_beside_the_hint():
    found = dict(handout.hints("which_X", "check_token_weights"))
    assert found["the mean over M micro-batches divides by M as well."] == "1 / of_piece"
    found = dict(handout.hints("start_here", "check_repair"))
    assert found["one of the two divisions is wanted; only one must be taken back."] == "100"


def test_folded_code_stays_in_the_notebook_and_students_have_room(tmp_path):
    for name, notebook in STORED.items():
        text = handout.chapter(notebook, name, "student", tmp_path)
        folded = [cell.source for cell in notebook.cells if cell.metadata.get("jupyter", {}).get("source_hidden")
                  and "solution" not in cell.metadata.get("tags", []) and len(cell.source) > 80]
        assert [source for source in folded if source in text] == []
        assert text.count("{.write lines=") >= 1


def test_explorers_are_pictures_with_a_line_on_what_to_try(folder):
    text = " ".join(printed(folder / "student" / "series.pdf").split())
    explorers = [cell for cell in CELLS if any(
        "run the notebook to move it" in output.get("data", {}).get("text/html", "")
        for output in cell.get("outputs", []))]
    assert text.count("(an explorer; here in pictures)") == len(explorers) > 8
    assert text.count("To try in the notebook.") >= len(explorers) and "](At once)" not in text


# Formulas.

@pytest.mark.parametrize("formula", [r"\unknown x", r"\eqref{a}", r"\begin{vmatrix} a \end{vmatrix}"])
def test_a_formula_that_cannot_be_set_is_refused(formula, tmp_path):
    with pytest.raises(SystemExit):
        handout.make_pdf(f"$$ {formula} $$", "Bad", "student", tmp_path)


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="leads nowhere"):
        handout.make_pdf("# A\n\nSee [this](#not-there).", "A", "student", tmp_path)


# The program.

def test_the_same_notebooks_give_the_same_bytes(folder, tmp_path):
    """Made again, in another folder and beside other documents."""
    for path in handout.build(tmp_path, AGAIN):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_every_document_is_made():
    names = [*STORED, "series"]
    sheets = "worksheet_1", "worksheet_1_key", "worksheet_2", "worksheet_2_key", "summary"
    assert sorted(handout.documents()) == sorted([
        *(f"{edition}/{name}" for edition in ("student", "instructor") for name in names),
        *(f"sheets/{name}" for name in sheets)])


def test_the_missing_extra_is_named(tmp_path):
    program = ("import runpy, sys\nsys.modules['nbformat'] = None\nsys.argv[1:] = ['handout']\n"
               f"runpy.run_path({str(handout.ROOT / 'tools')!r}, run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and "needs the package nbformat" in done.stderr and "Traceback" not in done.stderr
