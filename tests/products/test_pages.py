"""What the pages of the project say is so: what they name is there, the README shows the laboratory as it is, minutes
are those of the notebooks, and what to ask a class is in the notebooks' notes for teachers.
"""

import re

import pytest
from pages import table_rows

import run
from lstmlib.explorers.where_to_divide import laboratory
from lstmlib.show import svg
from tools.files import ROOT
from tools.notebooks import stored

FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks/README.md", *(ROOT / "docs").glob("*.md")]
PAGES = {path: path.read_text(encoding="utf-8") for path in FILES}
README, TEACHING = PAGES[ROOT / "README.md"], PAGES[ROOT / "docs/teaching.md"]
PICTURE = ROOT / "docs" / "laboratory.svg"
NOTEBOOKS = {name[1]: notebook for name, notebook in stored().items()}
TEXTS = {number: "\n".join(cell.source for cell in notebook.cells) for number, notebook in NOTEBOOKS.items()}
EVERYTHING = "\n".join(TEXTS.values())


# What the pages name.

def headings(text):
    return re.findall(r"^#+ (.*)", text, re.MULTILINE)


def exists(link, folder):
    file, _, anchor = link.partition("#")
    if not anchor:
        return (folder / file).exists()
    titles = headings((folder / file).read_text(encoding="utf-8"))
    return anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


def missing(text, folder):
    """Links, files, commands, exercises, figures, and (in italics beside a notebook's number) headings."""
    links = [link for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", text) if not exists(link, folder)]
    named = re.findall(r"`(?:python )?((?:\.binder|tools|benchmarks|lstmlib|tests|docs)/[\w./-]+)`", text)
    commands = re.findall(r"(?:`|^    )python run\.py (\w+)", text, re.MULTILINE)
    labels = [f"{word} {number}" for word, many in re.findall(r"(Exercise|Figure)s? ([\d., and]*)", text)
              for number in re.findall(r"\d\.\d", many)]  # as in "Exercises 1.1, 1.2 and 1.3"
    beside = re.findall(r"\[(\d)\]\(\.\./notebooks/[^)]*\), ([^|\n]*)", text)
    titles = [(number, title) for number, rest in beside for title in re.findall(r"\*([^*]+)\*", rest)]
    return [*links, *(name for name in named if not (ROOT / name).exists()),
            *(name for name in commands if name not in {"test", "help", *run.TOOLS}),
            *(label for label in labels if f"# {label}" not in EVERYTHING),
            *(title for number, title in titles if title not in headings(TEXTS[number]))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_a_page_names_is_there(path):
    assert missing(PAGES[path], path.parent) == []


# The README.

def picture():
    lab = laboratory()
    lab.choose("Into the gates: dz")
    panels = lab.pictures(lab.state, lab.numbers)
    return svg.alone(svg.sheet(panels, lab.words.value, f"✗ {lab.words.headline}"), margin=16)


def test_the_picture_of_the_readme_is_the_laboratory():
    assert PICTURE.read_text(encoding="utf-8") == picture(), (
        "store it again: PYTHONPATH=.:tests python tests/products/test_pages.py")


MINUTES = re.findall(r"^\| \[?(\d)\. .*? \| (\d+) \| (\d+) \|", TEXTS["0"], re.MULTILINE)  # of reading, of exercises


def test_the_map_of_the_readme_has_every_notebook_with_its_minutes():
    assert all(f"](notebooks/{name}.ipynb)" in README for name in stored())
    assert re.findall(r"^\| \[(\d)\. .*? \| (\d+) \+ (\d+) \|", README, re.MULTILINE) == MINUTES and len(MINUTES) == 10


# For teachers.

def table(title):
    """The cells of the rows under a heading, but those of the head and the line under it."""
    return table_rows(re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEACHING, re.M | re.S)[1])[2:]


def test_minutes_of_lessons_and_number_of_exercises():
    """Lessons of 45 minutes are held to their slides in test_slides.py."""
    assert sum(int(first) for first, *_ in table("A lesson of 90 minutes")) == 90
    assert [(notebook[1], reading, homework) for _, notebook, reading, homework in table("Two weeks")] == MINUTES
    assert f"There are {EVERYTHING.count('### Exercise ')} exercises" in TEACHING


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"[*>`]", "", text))


def test_every_question_is_in_a_teaching_note_of_its_notebook():
    rows = table("What to ask, and what you will hear")
    assert [row[0] for row in rows] == list(NOTEBOOKS)
    for number, _, ask in rows:
        notes = " ".join(plain(cell.source) for cell in NOTEBOOKS[number].cells
                         if "teaching-note" in cell.metadata.get("tags", []))
        assert [question for question in re.findall(r"\*([^*]+)\*", ask) if plain(question) not in notes] == []


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
