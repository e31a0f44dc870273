"""Write the notebooks for a class: without solutions and without notes for teachers.

    python run.py student FOLDER

Each exercise becomes a cell for the answer and a locked cell with its check, both with the metadata of nbgrader.
What the cells of the explanations show stays; nothing is shown under the exercises.
"""

import ast
import copy
import re

from nbformat.v4 import new_code_cell

# How much each exercise counts, in the order in which they stand in the notebook.
POINTS = {
    0: (1, 1),
    1: (2, 3, 2, 1),
    2: (1, 2, 2, 3),
    3: (4, 1, 1),
    4: (2, 2, 3, 2),
    5: (2, 3, 2),
    6: (1, 1, 2, 3),
    7: (2, 1, 2, 2),
    8: (4, 2, 2, 2),
}
LEFT_OUT = {"solution", "teaching-note"}
EXERCISE = re.compile(r"^### Exercise (\d+)\.(\d+)\.", re.MULTILINE)
# What the notebooks say of cells that the class does not get, and what they say to the class instead.
SENTENCES = [
    (re.compile(r"\s*A solution is folded into [^.]*\."), ""),
    (re.compile(r"\s*\(The folded cell below [^.)]*\.\)"), ""),
    (re.compile(r'\s*Notes that begin with "For teachers" [^.]*\.'), ""),
    (re.compile(r"(Replace `\.\.\.` in the cell) and run it\."), r"\1, run it, and run the check below it."),
]


def student_version(notebook):
    """A copy of the notebook as the class gets it."""
    notebook = copy.deepcopy(notebook)
    stubs = {id(stub) for stub, _ in exercises(notebook)}
    cells, numbers = [], (0, 0)
    for cell in notebook.cells:
        if LEFT_OUT & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            for found in EXERCISE.findall(cell.source):
                numbers = [int(digits) for digits in found]
            cell.source = for_the_class(cell.source)
        if id(cell) in stubs:
            cells += answer_and_check(cell, *numbers)
        elif cell.source.strip():
            cells.append(cell)
    notebook.cells = cells
    return notebook


def exercises(notebook):
    """The pairs (stub cell, solution cell) of a notebook: the stub is the last code cell before the solution."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(stub, cell) for stub, cell in zip(code, code[1:]) if "### BEGIN SOLUTION" in cell.source]


def for_the_class(text):
    for said, instead in SENTENCES:
        text = said.sub(instead, text)
    return text


def answer_and_check(stub, notebook_number, exercise_number):
    """The stub without its last statement, and that statement, the check, in a locked cell of its own."""
    lines = stub.source.splitlines()
    last = ast.parse(stub.source).body[-1].lineno - 1
    name = f"exercise-{notebook_number}-{exercise_number}"
    answer = new_code_cell("\n".join(lines[:last]).rstrip(), id=stub.id, metadata={
        **stub.metadata, "nbgrader": for_nbgrader(name, solution=True)})
    points = POINTS[notebook_number][exercise_number - 1]
    check = new_code_cell("\n".join(lines[last:]), id=f"{stub.id}-check", metadata={
        "nbgrader": for_nbgrader(f"{name}-check", grade=True, locked=True, points=points)})
    return answer, check


def for_nbgrader(name, **settings):
    usual = {"grade": False, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return {**usual, "grade_id": name, **settings}
