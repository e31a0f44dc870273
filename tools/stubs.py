"""How the stub of an exercise is made from its solution, so that it is solved once.

The stub is the last code cell before the solution. Marked lines of a function become `...`; of other marked lines each
`name_solution = value` stays without its value (of a dictionary the keys stay). `_solution` goes from the names, and
from the last line `.judge`, which says nothing to a right answer.
"""

import ast
import re

MARKED = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.MULTILINE | re.DOTALL)


def exercises(notebook):
    """The pairs (stub cell, solution cell) of a notebook: the stub is the last code cell before the solution."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(stub, solution) for stub, solution in zip(code, code[1:]) if MARKED.search(solution.source)]


def imported_exercises(notebook):
    """{name in the notebook's code: name of the module} of the modules of lstmlib.exercises that it imports."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return {alias or name: name
            for name, alias in re.findall(r"from lstmlib\.exercises import (\w+)(?: as (\w+))?", code)}


def stub_of(solution):
    return for_the_answer(MARKED.sub(lambda marked: left_open(*marked.groups()), solution))


def solved_stub_of(solution):
    """The stub with the marked lines under their places, so that without them it is the stub again."""
    return for_the_answer(MARKED.sub(lambda marked: f"{left_open(*marked.groups())}\n{marked.group()}", solution))


def for_the_answer(solution):
    return re.sub(r"\.judge\((.*)\)$", r"(\1)", re.sub(r"\b(\w+)_solution\b", r"\1", solution))


def left_open(indentation, marked):
    """What stands in the stub for marked lines; of a dictionary the keys stay."""
    answers = [] if indentation else [
        (node.targets[0].id, node.value) for node in ast.parse(marked).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets).endswith("_solution")]
    lines = [f"{name} = {keys_of(value, marked) if isinstance(value, ast.Dict) else '...'}" for name, value in answers]
    return "\n".join(lines) or f"{indentation}..."


def keys_of(dictionary, code):
    lines = [f"    {ast.get_source_segment(code, key)}: ...," for key in dictionary.keys]
    return "\n".join(["{", *lines, "}"])
