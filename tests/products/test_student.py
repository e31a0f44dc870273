"""The student notebooks: nothing is solved in them, every exercise is graded, and nobody's work is overwritten."""

import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from inspect import signature

import nbformat
import pytest

import lstmlib.exercises
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
def test_every_exercise_has_its_solution_and_its_stub_is_written_from_it(name):
    text = "\n".join(cell.source for cell in STORED[name].cells if cell.cell_type == "markdown")
    pairs = exercises(STORED[name])
    assert len(pairs) == len(re.findall(r"^### Exercise ", text, re.MULTILINE)) > 0
    for stub, solution in pairs:
        assert stub.source == stub_of(solution.source), "python run.py notebooks"
        assert solution.outputs == [] and "solution" in solution.metadata.tags
        assert shown(stub) == "Not answered yet.\n"


@each_notebook
def test_nothing_is_solved_and_the_rest_is_kept(name):
    notebook = student_version(STORED[name])
    everything = "\n".join(cell.source for cell in notebook.cells)
    assert not re.search(r"SOLUTION|_solution|\.judge|olded into|folded cell below|unfold it|For teachers|I teach this",
                         everything)
    assert not any("Right." in shown(cell) for cell in notebook.cells)
    assert not any(MARKED.search(solution.source)[2] in everything for _, solution in exercises(STORED[name]))
    kept = {cell.id: cell for cell in notebook.cells}
    for cell in STORED[name].cells:
        if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []):
            assert cell.source.startswith(kept[cell.id].source)
            assert kept[cell.id].outputs == ([] if "nbgrader" in kept[cell.id].metadata else cell.outputs)


@each_notebook
def test_every_exercise_is_an_answer_and_a_graded_check(name):
    """Without the marked lines, which nbgrader leaves out, the course is what the class gets."""
    pairs = answers_and_checks(student_version(STORED[name]))
    solved = answers_and_checks(student_version(STORED[name], solved=True))
    assert len(pairs) == len(student.POINTS[int(name[:2])])
    for (answer, check), (right, same) in zip(pairs, solved, strict=True):
        assert answer.metadata.nbgrader.items() >= {"schema_version": 3, "solution": True, "locked": False}.items()
        assert check.metadata.nbgrader.items() >= {"schema_version": 3, "solution": False, "locked": True}.items()
        assert check.metadata.nbgrader.points > 0 and check.metadata.editable is False
        assert "..." in answer.source and re.fullmatch(r"\w+\.\w+\(.*\)", check.source) and same == check
        assert MARKED.search(right.source) and MARKED.sub("", right.source).split() == answer.source.split()


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


def nothing_is_shown(path):
    """A result would give away what the text lets predict."""
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


IMPORTS = """import sys
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
    said = subprocess.check_output([sys.executable, "-I", "-c", IMPORTS, str(folder)], cwd=folder.parent, text=True)
    assert "my-notebooks/00_start_here.ipynb" in said


def test_a_course_of_nbgrader_is_laid_out(tmp_path):
    student.main(["--nbgrader", str(tmp_path)])
    notebooks = [tmp_path / f"source/{name}/{name}.ipynb" for name in STORED]
    assert (tmp_path / "nbgrader_config.py").exists() and all(map(nothing_is_shown, notebooks))
    links = re.findall(r"\]\(([^)]*\.ipynb)", notebooks[0].read_text(encoding="utf-8"))
    assert len(links) > 8 and all((notebooks[0].parent / link).exists() for link in links)


@pytest.mark.parametrize("arguments, said", [
    (["--force", str(NOTEBOOKS)], "The solved notebooks themselves are in this folder"),
    *((words, "run.py student FOLDER") for words in ([], ["a", "b"], ["--forced", "a"])),
])
def test_what_will_not_do_is_said(arguments, said):
    with pytest.raises(SystemExit, match=said):
        student.main(arguments)


JUNK = [lambda *given: 1 / 0, lambda *given: "text", lambda *given: given, lambda: 3, lambda *given: float("nan"),
        "text", -1.5, [], {}, object()]
CHECKS = [value for module in pkgutil.iter_modules(lstmlib.exercises.__path__, "lstmlib.exercises.")
          for value in vars(importlib.import_module(module.name)).values()
          if hasattr(value, "judge") and value.__module__ == module.name]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_answer_makes_a_check_fail(check, capsys):
    for junk in JUNK:
        check(*[junk] * len(signature(check).parameters))
        said = capsys.readouterr().out
        assert re.match(r"Not answered yet\.\n|Not yet\. \S.+", said) and not re.search("Assertion|Traceback", said)
        assert len(said) < 600
