"""How the stub of an exercise is made from its solution, so that it is solved once.

Marked lines of a function become `...`; of other marked lines each `name_solution = value` stays without its value (of
a dictionary the keys stay). `_solution` goes from the names, and from the last line `.judge`.
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


def stub_of(solution, solved=False):
    """The stub; `solved`: with the marked lines under their places, so that without them it is the stub again."""
    text = MARKED.sub(lambda marked: left_open(*marked.groups()) + f"\n{marked.group()}" * solved, solution)
    return re.sub(r"\.judge\((.*)\)$", r"(\1)", re.sub(r"\b(\w+)_solution\b", r"\1", text))


def left_open(indentation, marked):
    """What stands in the stub for marked lines; of a dictionary the keys stay."""
    answers = [] if indentation else [
        (node.targets[0].id, node.value) for node in ast.parse(marked).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets).endswith("_solution")]
    lines = [f"{name} = {keys_of(value, marked) if isinstance(value, ast.Dict) else '...'}" for name, value in answers]
    return "\n".join(lines) or f"{indentation}..."


def keys_of(dictionary, code):
    return "\n".join(["{", *(f"    {ast.get_source_segment(code, key)}: ...," for key in dictionary.keys), "}"])
