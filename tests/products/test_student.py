"""The student notebooks: nothing is solved in them, every exercise is graded, and nobody's work is overwritten.

And the exercises themselves: stubs are written from solutions, and no answer makes the feedback fail. That solutions
are right and stubs are open is seen when the notebooks are run; what wrong answers are told is in tests/lessons.
"""

import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from inspect import signature

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import lstmlib.exercises
from tools import student
from tools.notebooks import NOTEBOOKS, NotStored, run, stored, write_stubs
from tools.stubs import MARKED, exercises, stub_of
from tools.student import student_version

STORED = stored()
NAMES = list(STORED)
each_notebook = pytest.mark.parametrize("name", STORED)


def exercise_of(cell):
    """The number of the exercise to which a cell of a student notebook belongs, such as "3.1"."""
    _, *digits = cell.metadata.nbgrader.grade_id.removesuffix("-check").split("-")
    return ".".join(digits)


def answers(notebook):
    return {exercise_of(cell): cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")}


def checks(notebook):
    return {exercise_of(cell): cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")}


def shown(cells):
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


# One solved source.

@each_notebook
def test_every_exercise_has_its_solution_and_its_stub_is_written_from_it(name):
    text = "\n".join(cell.source for cell in STORED[name].cells if cell.cell_type == "markdown")
    pairs = exercises(STORED[name])
    assert len(pairs) == len(re.findall(r"^### Exercise ", text, re.MULTILINE)) > 0
    for stub, solution in pairs:
        assert stub.source == stub_of(solution.source), "python run.py notebooks"
        assert solution.outputs == [] and "solution" in solution.metadata.tags
        assert shown([stub]) == "Not answered yet.\n"


@pytest.mark.parametrize("solution, stub", [
    ('def f_solution(x):\n    """Twice x."""\n'
     "    ### BEGIN SOLUTION\n    y = x\n\n    return 2 * y\n    ### END SOLUTION\n\n\n"
     "feedback.check_f.judge(f_solution)",
     'def f(x):\n    """Twice x."""\n    ...\n\n\nfeedback.check_f(f)'),
    ('### BEGIN SOLUTION\n# a reason\nd_solution = {\n    "a": 1,  # one\n    "b c": {2: 3},\n}\nextra = 4\n'
     'n_solution = extra\n### END SOLUTION\nfeedback.check_both.judge(d_solution, n_solution)',
     'd = {\n    "a": ...,\n    "b c": ...,\n}\nn = ...\nfeedback.check_both(d, n)'),
])
def test_a_stub_keeps_what_is_no_answer(solution, stub):
    assert stub_of(solution) == stub


def test_a_stub_is_written_only_over_a_stub():
    solution = new_code_cell("### BEGIN SOLUTION\nx_solution = 1\n### END SOLUTION\ncheck.judge(x_solution)")
    notebook = new_notebook(cells=[new_code_cell("x = ..."), new_markdown_cell("Try."), solution])
    write_stubs(notebook)
    assert notebook.cells[0].source == "x = ...\ncheck(x)"
    notebook.cells[0].source = "weights = train()"
    with pytest.raises(NotStored, match="no cell with `...`"):
        write_stubs(notebook)


# What the class gets.

@each_notebook
def test_nothing_is_solved_and_the_rest_is_kept(name):
    notebook = student_version(STORED[name])
    nbformat.validate(notebook)
    everything = "\n".join(cell.source for cell in notebook.cells)
    assert all(cell.source for cell in notebook.cells)
    assert not re.search(r"SOLUTION|_solution|\.judge|olded into|folded cell below|unfold it|For teachers", everything)
    assert "Right." not in shown(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "I teach this" not in everything and "Ways through" in everything or name != "00_start_here"
    assert not any(MARKED.search(solution.source)[2] in everything for _, solution in exercises(STORED[name]))
    kept = {cell.id: cell for cell in notebook.cells}
    for cell in STORED[name].cells:
        if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []):
            assert cell.source.startswith(kept[cell.id].source)
            assert kept[cell.id].outputs == ([] if "nbgrader" in kept[cell.id].metadata else cell.outputs)


@each_notebook
def test_every_exercise_is_an_answer_and_a_graded_check(name):
    """Without the marked lines, which nbgrader leaves out, the course is what the class gets."""
    notebook, solved, number = student_version(STORED[name]), student_version(STORED[name], solved=True), int(name[:2])
    assert list(answers(notebook)) == list(checks(notebook)) == [
        f"{number}.{exercise}" for exercise in range(1, len(student.POINTS[number]) + 1)]
    assert [cell.source for cell in checks(solved).values()] == [cell.source for cell in checks(notebook).values()]
    for answer, check, right in zip(*(cells.values() for cells in (
            answers(notebook), checks(notebook), answers(solved))), strict=True):
        assert answer.metadata.nbgrader.items() >= {"schema_version": 3, "solution": True, "locked": False}.items()
        assert check.metadata.nbgrader.items() >= {"schema_version": 3, "solution": False, "locked": True}.items()
        assert check.metadata.nbgrader.points > 0 and check.metadata.editable is False
        assert "..." in answer.source and re.fullmatch(r"\w+\.\w+\(.*\)", check.source)
        assert notebook.cells.index(check) == notebook.cells.index(answer) + 1
        assert MARKED.search(right.source)
        assert [line for line in MARKED.sub("", right.source).splitlines() if line] == [
            line for line in answer.source.splitlines() if line]


def test_a_wrong_answer_loses_its_points(monkeypatch):
    solved = student_version(STORED["00_start_here"], solved=True)
    answers(solved)["0.2"].source += "\nrepair = 100"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotStored, match="NotYet"):
        run(solved, NOTEBOOKS)
    right, wrong = checks(solved).values()
    assert shown([right]).startswith("Right. ")
    assert [output.traceback for output in wrong.outputs] == [[
        "Not yet. For a gradient that was divided by 10 twice: 100 is not it. "
        "Hint: one of the two divisions is wanted; only one must be taken back."]]


# Writing them.

def nothing_is_shown(path):
    """Whether the stored notebook is as before it is run: a result would give away what the text lets predict."""
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return len(code) > 5 and not any(cell.outputs or cell.execution_count for cell in code)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the class gets."""
    folder = tmp_path_factory.mktemp("class")
    student.main([str(folder)])
    return folder


def test_the_class_gets_all_notebooks_and_keeps_what_it_wrote_into_them(folder, capsys):
    notebooks = sorted((folder / "notebooks").iterdir())
    assert notebooks == [folder / f"notebooks/{name}.ipynb" for name in NAMES]
    assert all(map(nothing_is_shown, notebooks))
    student.main([str(folder)])  # nothing differs
    assert str(folder) in capsys.readouterr().out
    work, gone = notebooks[3], notebooks[0]
    work.write_text("my work", encoding="utf-8")
    gone.unlink()
    with pytest.raises(SystemExit, match=rf"Nothing was written.*{work.name}\. .*--force"):
        student.main([str(folder)])
    assert work.read_text(encoding="utf-8") == "my work" and not gone.exists()
    student.main([str(folder), "--force"])
    assert nbformat.read(work, as_version=4) and gone.exists()


IMPORTS = """import sys
sys.path.insert(0, sys.argv[1])
import lstmlib.exercises, lstmlib.explorers, lstmlib.show.server, run, runpy
runpy.run_path(sys.argv[1] + "/benchmarks/adding_problem.py")
run.make_environment, run.become = (lambda *extras: None), (lambda *words, **_: print(words))
run.main([])
run.main(["handout"])
"""


def test_the_folder_works_by_itself(folder):
    """What its environment is made from is there, it starts, and what it cannot do is no command."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("notebooks/*.ipynb"))
    named = [project["project"]["readme"], *project["project"]["license-files"], "benchmarks/adding_problem.json",
             *project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"],
             *(f"notebooks/{link}" for link in re.findall(r"\]\(([\w./-]+\.\w+)", text))]
    assert all((folder / name).exists() for name in named)
    done = subprocess.run([sys.executable, "-I", "-c", IMPORTS, str(folder)], cwd=folder.parent,
                          capture_output=True, text=True)
    assert f"my-notebooks/{NAMES[0]}.ipynb" in done.stdout and done.returncode == 1
    assert done.stderr.strip() == ("There is no command 'handout': the commands are help; without one, JupyterLab is "
                                   "opened.")
    assert sorted(path.stem for path in (folder / "my-notebooks").glob("*.ipynb")) == NAMES


def test_a_course_of_nbgrader_is_laid_out(tmp_path):
    student.main(["--nbgrader", str(tmp_path)])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "nbgrader_config.py", *(f"source/{name}/{name}.ipynb" for name in NAMES)]
    assert all(nothing_is_shown(path) for path in tmp_path.rglob("*.ipynb"))
    notebook = nbformat.read(tmp_path / f"source/{NAMES[0]}/{NAMES[0]}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)]*\.ipynb)", text)
    assert links and all((tmp_path / "source" / NAMES[0] / link).exists() for link in links)


@pytest.mark.parametrize("arguments, said", [
    (["--force", "a file"], "is a file: name a folder"),
    (["--force", "a file/below"], "cannot be written to .*Not a directory"),
    (["--force", str(NOTEBOOKS)], "The solved notebooks themselves"),
    (["--force", str(NOTEBOOKS.parent)], "The solved notebooks themselves"),
    *((words, "run.py student FOLDER") for words in ([], ["--force"], ["a", "b"], ["--forced", "a"])),
])
def test_what_will_not_do_is_said(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("")
    with pytest.raises(SystemExit, match=said):
        student.main(arguments)


# Answers of every kind.

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
