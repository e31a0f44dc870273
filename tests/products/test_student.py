"""The student notebooks: nothing is solved in them, every exercise is graded, and nobody's work is overwritten."""

import importlib
import re
import subprocess
import sys
import tomllib
from inspect import signature

import nbformat
import pytest

from tools import student
from tools.notebooks import NOTEBOOKS, NotStored, run, stored
from tools.stubs import MARKED, exercises, stub_of
from tools.student import student_version

STORED = stored()
each_notebook = pytest.mark.parametrize("name", STORED)


def answers_and_checks(notebook):
    """The cells that nbgrader knows, in pairs."""
    known = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return list(zip(known[::2], known[1::2], strict=True))


def shown(cell):
    return "".join(output.get("text", "") for output in cell.get("outputs", []))


@each_notebook
def test_every_exercise_has_a_stub_that_is_written_from_its_solution_and_a_graded_check(name):
    """Without the marked lines, which nbgrader leaves out, the course is what the class gets."""
    text, pairs = "\n".join(cell.source for cell in STORED[name].cells), exercises(STORED[name])
    graded, solved = (answers_and_checks(student_version(STORED[name], solved)) for solved in (False, True))
    assert text.count("\n### Exercise ") == len(pairs) == len(graded) == len(student.POINTS[int(name[:2])])
    for stub, solution in pairs:
        assert stub.source == stub_of(solution.source), "python run.py notebooks"
        assert "solution" in solution.metadata.tags and solution.outputs == []
        assert shown(stub) == "Not answered yet.\n"
    for (answer, check), (right, same) in zip(graded, solved, strict=True):
        assert answer.metadata.nbgrader.items() >= {"schema_version": 3, "solution": True, "locked": False}.items()
        assert check.metadata.nbgrader.items() >= {"schema_version": 3, "solution": False, "locked": True}.items()
        assert check.metadata.nbgrader.points > 0 and same == check and re.fullmatch(r"\w+\.\w+\(.*\)", check.source)
        assert "..." in answer.source and MARKED.sub("", right.source).split() == answer.source.split()


@each_notebook
def test_nothing_is_solved_and_the_rest_is_kept(name):
    cells = {cell.id: cell for cell in student_version(STORED[name]).cells}
    everything = "\n".join(cell.source + shown(cell) for cell in cells.values())
    assert not re.search(r"SOLUTION|_solution|\.judge|olded into|folded cell below|unfold it|For teachers|I teach this"
                         r"|^Right\.", everything, re.MULTILINE)
    assert not any(MARKED.search(solution.source)[2] in everything for _, solution in exercises(STORED[name]))
    for cell in STORED[name].cells:
        if "solution" in cell.metadata.get("tags", []):
            assert cell.id not in cells
        elif cell.cell_type == "code":
            assert cell.source.startswith(cells[cell.id].source)


def test_a_wrong_answer_loses_its_points(monkeypatch):
    solved = student_version(STORED["00_start_here"], solved=True)
    (_, right), (answer, wrong) = answers_and_checks(solved)
    answer.source += "\nrepair = 100"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotStored, match="NotYet"):
        run(solved, NOTEBOOKS)
    assert shown(right).startswith("Right. ")
    assert [output.traceback for output in wrong.outputs] == [[
        "Not yet. For a gradient that was divided by 10 twice: 100 is not it. "
        "Hint: one of the two divisions is wanted; only one must be taken back."]]


def nothing_is_shown(path):  # a result would give away what the text lets predict
    return not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    student.main([str(folder)])
    return folder


def test_the_class_gets_all_notebooks_and_keeps_what_it_wrote_into_them(folder):
    notebooks = [folder / f"notebooks/{name}.ipynb" for name in STORED]
    assert all(map(nothing_is_shown, notebooks))
    student.main([str(folder)])  # nothing differs
    work, gone = notebooks[3], notebooks[0]
    work.write_text("my work", encoding="utf-8")
    gone.unlink()
    with pytest.raises(SystemExit, match=rf"Nothing was written.*{work.name}\. .*--force"):
        student.main([str(folder)])
    assert work.read_text(encoding="utf-8") == "my work" and not gone.exists()
    student.main([str(folder), "--force"])
    assert nothing_is_shown(work) and gone.exists()


START = """import sys
sys.path.insert(0, sys.argv[1])
import lstmlib.exercises, lstmlib.explorers, lstmlib.show.server, run, runpy
runpy.run_path(sys.argv[1] + "/benchmarks/adding_problem.py")
run.make_environment, run.become = (lambda *extras: None), (lambda *words, **_: print(words))
run.main([])
"""


def test_the_folder_works_by_itself(folder):
    """What its environment is made from and what its notebooks lead to is there, and it starts."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("notebooks/*.ipynb"))
    named = [project["project"]["readme"], *project["project"]["license-files"], "benchmarks/adding_problem.json",
             *project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"],
             *(f"notebooks/{link}" for link in re.findall(r"\]\(([\w./-]+\.\w+)", text))]
    assert [name for name in named if not (folder / name).exists()] == []
    said = subprocess.check_output([sys.executable, "-I", "-c", START, folder], text=True)
    assert "my-notebooks/00_start_here.ipynb" in said


def test_a_course_of_nbgrader_is_laid_out(tmp_path):
    student.main(["--nbgrader", str(tmp_path)])
    notebooks = [tmp_path / f"source/{name}/{name}.ipynb" for name in STORED]
    assert (tmp_path / "nbgrader_config.py").exists() and all(map(nothing_is_shown, notebooks))
    links = re.findall(r"\]\(([^)]*\.ipynb)", notebooks[0].read_text(encoding="utf-8"))
    assert len(links) > 8 and all((notebooks[0].parent / link).exists() for link in links)


def test_the_solved_notebooks_are_not_overwritten():
    with pytest.raises(SystemExit, match="The solved notebooks themselves are in this folder"):
        student.main(["--force", str(NOTEBOOKS)])


JUNK = [lambda *given: 1 / 0, lambda *given: "text", lambda *given: given, lambda: 3, lambda *given: float("nan"),
        "text", -1.5, [], {}, object()]
MODULES = [importlib.import_module(f"lstmlib.exercises.{name[3:]}") for name in STORED]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_answer_makes_a_check_fail(module, capsys):
    for check in vars(module).values():
        for junk in JUNK if hasattr(check, "judge") else []:
            check(*[junk] * len(signature(check).parameters))
            said = capsys.readouterr().out
            assert re.match(r"Not answered yet\.\n|Not yet\. \S.+", said) and len(said) < 600
            assert not re.search("Assertion|Traceback", said)
