"""Write a folder for a class, which works by itself: the notebooks without solutions and without notes for teachers.

    python run.py student FOLDER              the notebooks, lstmlib and run.py, with which the folder starts
    python run.py student --nbgrader FOLDER   a course of nbgrader, still solved (docs/nbgrader.md)

Files that are there already and differ are not overwritten; with --force they are. Each exercise becomes a cell
for the answer and a locked cell with its check, both with the metadata of nbgrader. Nothing is shown under any cell:
what the cells of the explanations show often answers a question that the text has just asked.
"""

import ast
import copy
import re

from nbformat.v4 import new_code_cell

from tools.files import ROOT, folder_of
from tools.files import write as write_file
from tools.notebooks import NOTEBOOKS, stored, text_of
from tools.stubs import exercises, stub_of

PARTS = ROOT / "tools" / "student"
# How much each exercise counts: notebook by notebook, from 0 to 9, in the order in which the exercises stand there.
POINTS = ((1, 1), (2, 3, 2, 1), (1, 2, 2, 3), (1, 1, 1, 1, 4, 1, 1), (2, 2, 3, 2),
          (2, 3, 2), (1, 1, 2, 3), (2, 1, 2), (4, 2, 2, 2), (3, 2, 3))
LINK = re.compile(r"\]\((\d\d_\w+)\.ipynb")
# What the notebooks say of cells that the class does not get, and what they say to the class instead.
SENTENCES = [
    (re.compile(r"\s*A solution is folded into [^.]*\."), ""),
    (re.compile(r"\s*\(The folded cell below [^.)]*\.\)"), ""),
    (re.compile(r'^- \*\*"I teach this\."\*\* .*\n', re.MULTILINE), ""),
    (re.compile(r"(Replace `\.\.\.` in the cell) and run it\."), r"\1, run it, and run the check below it.")]
# What a class needs besides its notebooks, and what it reads first.
NEEDED = ("LICENSE", "LICENSE-TEXT", "constraints.txt", "pyproject.toml", "run.py", "tools/files.py",
          "benchmarks/adding_problem.*", "docs/your-own-code.md", "docs/recipes/*.*", "lstmlib/**/*.*")


def main(arguments):
    options = {"--nbgrader", "--force"} & set(arguments)
    folder = folder_of([word for word in arguments if word not in options], __doc__)
    files, then = ((course(), "nbgrader generate_assignment") if "--nbgrader" in options
                   else (class_folder(), "python run.py"))
    try:
        write(files, folder, "--force" in options)
    except OSError as problem:
        raise SystemExit(f"The student notebooks cannot be written to {folder}: "
                         f"{problem.strerror or problem} ({problem.filename}).") from None
    print(f"{len(files)} files are in {folder.resolve()}; go on there with `{then}` (docs/nbgrader.md).")


def write(files, folder, force=False):
    """Write {path: text or bytes} into the folder, or nothing where that would overwrite somebody's work."""
    if folder.resolve() in (NOTEBOOKS, ROOT):
        raise SystemExit("The solved notebooks themselves are in this folder: name another one.")
    paths = {folder / path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    changed = [path.relative_to(folder) for path, text in paths.items() if path.exists() and path.read_bytes() != text]
    if changed and not force:
        raise SystemExit(f"Nothing was written, for these files in {folder} are there and differ (perhaps they hold a "
                         f"student's work): {', '.join(map(str, changed))}. Name another folder, or overwrite them "
                         "with --force.")
    for path, text in paths.items():
        write_file(path, text)


def class_folder():
    """{path: content} of all that a class needs."""
    needed = {path.relative_to(ROOT).as_posix(): path.read_bytes() for pattern in NEEDED
              for path in sorted(ROOT.glob(pattern)) if path.is_file() and path.suffix != ".pyc"}
    notebooks = {f"notebooks/{name}.ipynb": text_of(without_outputs(student_version(notebook)))
                 for name, notebook in stored().items()}
    return {"README.md": (PARTS / "README.md").read_bytes(), **needed, **notebooks}


def course():
    """{path: content} of a course of nbgrader, before it makes the students' version."""
    files = {"nbgrader_config.py": (PARTS / "nbgrader_config.py").read_bytes()}
    for name, notebook in stored().items():
        notebook = student_version(notebook, solved=True)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = LINK.sub(r"](../\1/\1.ipynb", cell.source)
        files[f"source/{name}/{name}.ipynb"] = text_of(without_outputs(notebook))
    return files


def without_outputs(notebook):
    """The notebook with nothing shown under its cells, as before it is run."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def student_version(notebook, solved=False):
    """A copy of the notebook as the class gets it and as it is printed; `solved`: with the marked solutions."""
    notebook = copy.deepcopy(notebook)
    lesson, cells = int(re.match(r"# (\d)\.", notebook.cells[0].source)[1]), []
    pairs = {stub.id: (number, stub_of(solution.source, solved))
             for number, (stub, solution) in enumerate(exercises(notebook), 1)}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for said, instead in SENTENCES:
                cell.source = said.sub(instead, cell.source)
        if cell.id in pairs:
            cells += answer_and_check(cell.id, lesson, *pairs[cell.id])
        elif cell.source and not {"solution", "teaching-note"} & set(cell.metadata.get("tags", [])):
            cells.append(cell)
    notebook.cells = cells
    return notebook


def answer_and_check(id, lesson, number, source):
    """The source without its last statement, and that statement, the check, in a locked cell of its own."""
    lines, last = source.splitlines(), ast.parse(source).body[-1].lineno - 1
    name, points = f"exercise-{lesson}-{number}", POINTS[lesson][number - 1]
    answer = new_code_cell("\n".join(lines[:last]).rstrip(), id=id, metadata={
        "nbgrader": for_nbgrader(name, solution=True)})
    check = new_code_cell("\n".join(lines[last:]), id=f"{id}-check", metadata={
        "deletable": False, "editable": False,
        "nbgrader": for_nbgrader(f"{name}-check", grade=True, locked=True, points=points)})
    return answer, check


def for_nbgrader(name, **settings):
    usual = {"grade": False, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return {**usual, "grade_id": name, **settings}
