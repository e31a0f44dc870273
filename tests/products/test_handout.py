"""The handouts hold what they should, in text that was read back from the PDF files, and nothing else."""

import functools
import re
import shutil
import subprocess

import pytest
from kept import kept
from pages import squeezed

from tools import handout
from tools.notebooks import stored

STORED = stored()
SHEETS = [name for name in handout.documents() if name.startswith("sheets/")]
BOOKS = ["instructor/series", "student/series"]
CELLS = [cell for notebook in STORED.values() for cell in notebook.cells]
SOLUTIONS = [cell for cell in CELLS if "solution" in cell.metadata.get("tags", [])]
TAGS = [tag for cell in CELLS if cell.cell_type == "markdown" for tag in re.findall(r"\\tag\{(.*?)\}", cell.source)]
NUMBER = re.compile(r"(?<![\w\])}])\((\d\.\d{1,2})\)")


@pytest.fixture(scope="module")
def folder():
    """The sheets, and the series in both editions."""
    return kept("handouts", lambda place: list(handout.build(place, [*BOOKS, *SHEETS])))


@functools.cache
def printed(path):
    """The text of a PDF file."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True).stdout.decode()


def without_quotes(text):
    return re.sub("['\"‘’“”]", "", squeezed(text))


def without_code(text):
    """The text without the lines of code cells and of what they print, which may hold TeX and numbers in brackets."""
    texts = [text for cell in CELLS if cell.cell_type == "code"
             for text in (cell.source, *(output.get("text", "") for output in cell.outputs))]
    code = {squeezed(line) for text in texts for line in text.splitlines()}
    return "\n".join(line for line in text.splitlines() if squeezed(line) not in code)


def left_over(text):
    """TeX that was not set, widgets, signs of a reference that was not resolved."""
    return re.findall(r"\\(?:[a-z]{2,}|[A-Z]\w+|[,;!|])|\$[^$\n]+\$|\$\$|application/vnd|widget-view|model_id|base64,"
                      r"|\(progress bar|\?\?|@\w+-\d", text)


PUBLIC = squeezed("".join(cell.source for cell in CELLS if cell not in SOLUTIONS))
SECRETS = {"For teachers."} | {line.strip() for cell in SOLUTIONS for line in cell.source.splitlines()
                               if len(line.strip()) > 12 and "### " not in line and squeezed(line) not in PUBLIC}


def secrets_in(text):
    """The lines that only solutions have, and the heads of notes for teachers."""
    text = squeezed(text)
    return {line for line in SECRETS if squeezed(line) in text}


@pytest.mark.parametrize("name", BOOKS)
def test_a_book(folder, name):
    text = printed(folder / f"{name}.pdf")
    assert b"pdfuaid:part>1<" in (folder / f"{name}.pdf").read_bytes().replace(b" ", b"")  # a screen reader can read it
    assert f"The {name.partition('/')[0]} version, release {handout.VERSION}" in text
    assert [tag for tag in TAGS if not re.search(rf"\({re.escape(tag)}\)\s*$", text, re.MULTILINE)] == []
    assert left_over(without_code(text)) == [] and set(NUMBER.findall(without_code(text))) <= set(TAGS)


IN_CELL = re.compile(r"\[([^]]*)\]\{\.(?:key|gap)\}")


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_has_few_pages_and_only_the_key_has_answers(folder, name):
    """Whole answers by their first words; those in rows and lines that are set without formulas as they stand there."""
    text, key = printed(folder / f"{name}.pdf"), name.endswith("_key")
    assert text.count("\f") <= (2 if name == "sheets/summary" else 4) and left_over(text) == []
    text = without_quotes(text)
    markdown = (handout.SHEETS / f"{name.removeprefix('sheets/').removesuffix('_key')}.md").read_text(encoding="utf-8")
    answers = re.findall(r"^::: \{\.write[^\n]*\n(.*?)\n:::$", markdown, re.DOTALL | re.MULTILINE)
    words = [max(re.split(r"\$[^$]*\$|[*`\n]", answer), key=len) for answer in answers]
    assert [some for some in words if without_quotes(some) in text] == words * key
    for line in markdown.splitlines():
        if IN_CELL.search(line) and "$" not in line and len(line) < 90:
            assert without_quotes(re.sub(r"[|*`]", "", IN_CELL.sub(r"\1" * key, line))) in text, line
    assert text.count("☒") == key * markdown.count("☒")


def test_students_get_no_solutions_but_room_to_answer_and_pictures_of_explorers(folder, tmp_path):
    chapters = [handout.chapter(notebook, name, "student", tmp_path) for name, notebook in STORED.items()]
    text = "".join(chapters)
    assert secrets_in(text) == secrets_in(printed(folder / "student" / "series.pdf")) == set()
    assert all("{.write lines=" in chapter for chapter in chapters)
    shown = [output.get("data", {}).get("text/html", "") for cell in CELLS for output in cell.get("outputs", [])]
    explorers = sum("run the notebook to move it" in html for html in shown)
    assert text.count("here in pictures") == explorers > 8 and text.count("To try in the notebook.") >= explorers
    assert text.count(".svg)") == sum(html.count("<img ") for html in shown)


def test_instructors_get_solutions_notes_timings_and_difficulties(folder):
    text = " ".join(printed(folder / "instructor" / "series.pdf").split())
    assert len(SECRETS) > 5 * len(STORED) and {line for line in SECRETS if len(line) < 80} <= secrets_in(text)
    assert text.count("For teachers.") == sum("teaching-note" in cell.metadata.get("tags", []) for cell in CELLS)
    assert len(re.findall(r"For the instructor\. \d+ minutes to read, \d+ for the exercises", text)) == len(STORED)
    assert text.count("Expected difficulties.") >= 2 * len(STORED)


def test_what_was_typed_stands_beside_the_hint():
    hints = dict(handout.hints("which_X", "check_token_weights") + handout.hints("weigh_your_step", "check_sealed"))
    assert hints["the mean over M micro-batches divides by M as well."] == "1 / of_piece"
    assert hints["is anything left over, where the references are known?"] == "'C': 'the mean over tokens'"


@pytest.mark.parametrize("refused", [r"$$ \unknown x $$", r"$$ \eqref{a} $$", "# A\n\nSee [this](#not-there)."])
def test_what_cannot_be_set_is_refused(refused, tmp_path):
    with pytest.raises(SystemExit):
        handout.make_pdf(refused, "Bad", "student", tmp_path)


def test_the_same_notebooks_give_the_same_bytes(folder, tmp_path):
    """Made again, in another folder and beside no other document."""
    (path,) = handout.build(tmp_path, ["sheets/worksheet_1"])
    assert path.read_bytes() == (folder / "sheets/worksheet_1.pdf").read_bytes()
