"""The pages for teachers name what is there; their minutes are those of the notebooks, their numbers were measured."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import classroom  # noqa: E402

import run  # noqa: E402
from tools.notebooks import stored  # noqa: E402

PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("servers.md", "teaching.md")}
PAGE = PAGES["teaching.md"]
MEASURED = json.loads((ROOT / "benchmarks" / "classroom.json").read_text(encoding="utf-8"))
NOTEBOOKS = {str(int(name[:2])): notebook for name, notebook in stored().items()}


def text_of(number):
    return "\n".join(cell.source for cell in NOTEBOOKS[number].cells)


EVERYTHING = "\n".join(map(text_of, NOTEBOOKS))


def section(title):
    """What stands under a heading of the page."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S).group(1)


def rows(text):
    """The cells of every table row but the head and the line under it."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


# What the pages name

def missing_links(text, folder):
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", text)
    assert links
    return [link for link in links if not exists(*link.partition("#")[::2], folder)]


def exists(path, anchor, folder):
    file = folder / path
    if not (anchor and file.is_file()):
        return file.exists() and not anchor
    headings = re.findall(r"^#+ (.*)", file.read_text(encoding="utf-8"), re.M)
    return anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings]


def missing_files(text):
    named = re.findall(r"`(?:python )?((?:\.binder|tools|benchmarks|lstmlib|tests|docs)/[\w./-]+)`", text)
    return [name for name in named if not (ROOT / name).exists()]


def missing_commands(text):
    return [name for name in re.findall(r"`python run\.py (\w+)", text) if name not in {"test", *run.TOOLS}]


def missing_exercises(text):
    lists = re.findall(r"Exercises? (\d\.\d(?:(?:,| and|, and) \d\.\d)*)", text)
    numbers = {number for found in lists for number in re.findall(r"\d\.\d", found)}
    assert numbers
    return sorted(number for number in numbers if f"### Exercise {number}." not in EVERYTHING)


def missing_figures(text):
    lists = re.findall(r"Figures? (\d\.\d(?: and \d\.\d)*)", text)
    numbers = {number for found in lists for number in re.findall(r"\d\.\d", found)}
    return sorted(number for number in numbers if f"Figure {number}." not in EVERYTHING)


def missing_headings(text):
    """Headings in italics beside a notebook's number must be headings of that notebook."""
    missing = []
    for number, rest in re.findall(r"\[(\d)\]\(\.\./notebooks/[^)]*\), ([^|\n]*)", text):
        headings = re.findall(r"^#+ (.*)", text_of(number), re.M)
        missing += [title for title in re.findall(r"\*([^*]+)\*", rest) if title not in headings]
    return missing


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(name):
    text = PAGES[name]
    assert missing_links(text, ROOT / "docs") == []
    assert missing_files(text) == missing_commands(text) == missing_figures(text) == missing_headings(text) == []


def test_exercises_named_are_there_and_counted():
    assert missing_exercises(PAGE) == []
    assert f"There are {len(re.findall(r'^### Exercise ', EVERYTHING, re.M))} exercises" in PAGE


@pytest.mark.parametrize("find, planted", [
    (lambda text: missing_links(text, ROOT / "docs"), "[x](nowhere.md) [y](../README.md)"),
    (lambda text: missing_links(text, ROOT / "docs"), "[x](../README.md#no-such-heading)"),
    (missing_files, "`tools/nothing.py`"), (missing_commands, "`python run.py dance`"),
    (missing_exercises, "Exercises 1.1 and 1.9"), (missing_figures, "Figures 4.3 and 4.9"),
    (missing_headings, "| [4](../notebooks/04_where_to_divide.ipynb), *The cellar* |"),
], ids=["link", "anchor", "file", "command", "exercise", "figure", "heading"])
def test_planted_faults_are_found(find, planted):
    assert find(planted)


# Minutes

def test_the_minutes_of_a_lesson_add_up():
    """Those of 45 minutes are held to their slides in test_slides.py."""
    parts = [int(first) for first, *_ in rows(section("A lesson of 90 minutes"))]
    assert len(parts) > 5 and sum(parts) == 90


def test_two_weeks_have_the_minutes_of_notebook_00():
    table = rows(section("Two weeks"))
    theirs = re.findall(r"^\| \[?(\d)\. .*? \| (\d+) \| (\d+) \|", text_of("0"), re.M)
    assert [(notebook[1], reading, homework) for _, notebook, reading, homework in table] == theirs
    lessons = [int(lesson) for lesson, *_ in table]
    assert sorted(set(lessons)) == list(range(1, 10))
    for lesson in set(lessons):
        assert sum(int(row[2]) for row in table if int(row[0]) == lesson) <= 45


# Questions

def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"[*>`]", "", text))


def test_every_question_is_in_a_teaching_note_of_its_notebook():
    table = rows(section("What to ask, and what you will hear"))
    assert [row[0] for row in table] == list(NOTEBOOKS)
    for number, _, ask in table:
        notes = " ".join(plain(cell.source) for cell in NOTEBOOKS[number].cells
                         if "teaching-note" in cell.metadata.get("tags", []))
        questions = re.findall(r"\*([^*]+)\*", ask)
        assert questions or "vote" in notes
        assert [question for question in questions if plain(question) not in notes] == []


# The class of thirty

def test_the_limit_leaves_a_third_for_play():
    hungry = sorted(MEASURED["notebooks"], key=lambda row: row["kernel_peak_rss"])[-3:]
    assert "**1 GB**" in PAGES["servers.md"]
    assert 600 < 4 / 3 * classroom.open_at_once(hungry) <= 1000


# Binder

BINDER = ROOT / ".binder"


def test_binder_installs_the_project_with_the_tested_versions():
    lines = [line for line in (BINDER / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines == ["-c ../constraints.txt", "-e .[lab]", "notebook"]
    assert (BINDER / "../constraints.txt").exists()
    python = re.fullmatch(r"python-(3\.\d+)\n", (BINDER / "runtime.txt").read_text()).group(1)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"{python}.0" in SpecifierSet(project["requires-python"])
    assert {path.name for path in BINDER.iterdir()} == set(re.findall(r"`\.binder/(\w+(?:\.\w+)?)` \|",
                                                                      PAGES["servers.md"]))


@pytest.mark.skipif(os.name == "nt", reason="a shell script for the Linux of the image")
def test_binder_starts_with_one_thread():
    environment = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    program = "import os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    said = subprocess.run([BINDER / "start", sys.executable, "-c", program], env=environment, capture_output=True,
                          text=True, check=True).stdout
    assert said == "1\n"
